"""Statements that leak a card number, nested into one another by chance.

A query is a text that gives one column `x`. Leaves read a card number, in clear or in some form that `shown` reads;
wrappers put an expression around a value, or a query around a query, and keep what it shows recognisable.
"""

import base64
import binascii
import random
import re

from . import cards

LEAVES = [
    "pan", "reverse(pan)", "pan_number::text", "pan_numeric::text", "substr(pan, 1)", "doc #>> '{card,number}'", "doc::text",
    "cards::text", "encode(pan::bytea, 'hex')", "encode(convert_to(pan, 'UTF8'), 'base64')", "to_hex(pan_number)",
    "translate(pan, '0123456789', 'ABCDEFGHIJ')", "regexp_replace(pan, '(.)', '\\1.', 'g')", "string_to_array(pan, null)::text",
    "(cards).pan", "pan(cards)", "row_to_json(cards)::text", "to_jsonb(cards) ->> 'pan'", "(pan_number + 1 - 1)::text",
    "lower(int8range(pan_number, null))::text", "array_to_string(regexp_match(pan, '(.....)(.....)(.*)'), ' ')",
]

# Around a value.
EXPRESSIONS = [
    "coalesce({}, '')", "case when true then {} end", "(array[{}])[1]", "concat({}, '')", "({})::varchar", "nullif({}, '')",
    "greatest({}, '')", "row({})::text", "jsonb_build_object('k', {}) ->> 'k'", "to_jsonb({})::text", "to_json(array[{}])::text",
    "format('%s', {})", "convert_from(convert_to({}, 'UTF8'), 'UTF8')", "quote_literal({})", "lpad({}, 600, '.')", "({}) || ''",
    "(select {})", "(select max(v) from (values ({})) t(v))", "(select string_agg(v, '') from unnest(array[{}]) v)",
    "xmlelement(name a, {})::text", "(xpath('/a/text()', xmlelement(name a, {})))[1]::text", "({}) collate \"C\"",
    "reverse(reverse({}))", "(array_agg({}) over (rows current row))[1]", "(jsonb_each_text(jsonb_build_object('k', {}))).value",
    "unnest(array[{}])", "regexp_split_to_table({}, '~')",
]

# Around a query.
QUERIES = [
    "select x from ({q}) s", "select s.x from ({q}) s", "select * from ({q}) s", "select r as x from ({q}) s(r)",
    "with w as ({q}) select x from w", "with w(r) as materialized ({q}) select r as x from w",
    "with recursive w as ({q}) select x from w", "with recursive w(x) as (({q}) union all select x from w where false) select x from w",
    "with a as (select 1 as one), b as ({q}) select b.x from a, b", "select s.x from (select 1) a, lateral ({q}) s",
    "select t.y as x from ({q}) s, lateral (select s.x as y) t", "select string_agg(x, '~') as x from ({q}) s",
    "select max(x) as x from ({q}) s", "select min(x) filter (where x is not null) as x from ({q}) s",
    "select array_agg(x order by x)::text as x from ({q}) s", "select json_agg(s)::text as x from ({q}) s",
    "select (array_agg(x))[1] as x from ({q}) s", "select percentile_disc(0) within group (order by x) as x from ({q}) s",
    "({q}) union all select 'z'", "({q}) union select 'z'", "({q}) except select 'z'", "select x from (({q}) intersect all ({q})) s",
    "select first_value(x) over (order by 1) as x from ({q}) s", "select lag(x, 0) over w as x from ({q}) s window w as (order by x)",
    "select s::text as x from ({q}) s", "select row_to_json(s)::text as x from ({q}) s", "select (s).x as x from ({q}) s",
    "select x(s) as x from ({q}) s", "select (select x from ({q}) s limit 1) as x", "select unnest(array({q})) as x",
    "select column1 as x from (values ((select x from ({q}) s limit 1))) v", "select x from ({q}) s group by x",
    "select distinct x from ({q}) s", "select distinct on (x) x from ({q}) s", "select x from ({q}) s group by grouping sets ((x), ())",
    "select x from ({q}) s order by x limit 3", "select x from ({q}) s order by 1", "select x from ({q}) a join ({q}) b using (x)",
    "select x from ({q}) a natural join ({q}) b", "select a.x from ({q}) a left join payments p on p.id = 1",
    "select j.r as x from (({q}) a cross join (select 1) b) as j(r, one)", "select x from ({q}) s where exists (select 1 from ({q}) t where t.x = s.x)",
    "select x from ({q}) s where x = any (array({q}))", "select t.x from ({q}) s, xmltable('/a' passing xmlelement(name a, x) columns x text path '.') t",
    "select t.x from ({q}) s, jsonb_to_record(to_jsonb(s)) as t(x text)", "select f as x from ({q}) s, unnest(array[x]) f",
    "select x from ({q}) s offset 0", "select {e} as x from ({q}) s",
]

# Around a query, so that a plain column stays plain: such statements run, and their answers are masked.
PASSING = [
    "select x from ({q}) s", "select s.x from ({q}) s", "select * from ({q}) s", "select s.* from ({q}) s", "select r as x from ({q}) s(r)",
    "with w as ({q}) select x from w", "with w(r) as materialized ({q}) select r as x from w", "with recursive w as ({q}) select x from w",
    "with a as (select 1 as one), b as ({q}) select b.x from a, b", "select s.x from (select 1) a, lateral ({q}) s",
    "select t.y as x from ({q}) s, lateral (select s.x as y) t", "select x from ({q}) s offset 0", "select x from ({q}) s limit 2",
    "select a.x from ({q}) a left join payments p on p.id = 1", "select a.x from payments p right join ({q}) a on p.id = 1",
    "select a.x from ({q}) a cross join (select 1 as one) b", "select a.x from ({q}) a join (select 1 as one) b on b.one = 1",
    "select x from ({q}) s where exists (select from ({q}) t)", "select b.x from (select 2 as one) a join (select 2 as one) c using (one), ({q}) b",
    "select q.c as x from (select 1 as one, s.* from ({q}) s) q(a, c)", "with w as not materialized ({q}), v as (select * from w) select v.x from v",
]

# Around a query, so that what it gives is held by something else: such statements run, and their answers are redacted.
HOLDING = [
    "select s as x from ({q}) s", "select array_agg(x) as x from ({q}) s", "select json_agg(s) as x from ({q}) s",
    "select json_agg(x) as x from ({q}) s", "select jsonb_build_object('k', x, 'n', 1) as x from ({q}) s",
    "select coalesce(json_agg(json_build_array(1, x)), '[]'::json) as x from ({q}) s", "select row(x, 1) as x from ({q}) s",
    "select row_to_json(s) as x from ({q}) s", "select to_jsonb(s) - 'k' as x from ({q}) s", "select array[x] as x from ({q}) s",
    "select json_object_agg(1, x) as x from ({q}) s", "select string_agg(x, ',') as x from ({q}) s", "select (s).x from ({q}) s",
    "select (s).* from ({q}) s", "select j as x from ({q}) s, lateral (select json_agg(s) as j) t", "select c as x from cards c, ({q}) s",
    "select row_to_json(c) as x from cards c, ({q}) s", "select array(select x from ({q}) s) as x", "select (select json_agg(s) from ({q}) s) as x",
    "select x from ({q}) s",
]

# The signs of a copy of a query.
SIGNS = [
    "", "(format csv)", "(format csv, force_quote *, header)", "(delimiter '-')", "(null '')", "(format csv, delimiter '*', quote '~')",
    "(format binary)", "(header, null 'x')", r"(format csv, quote '''', escape '\', null '****')",
]

# Leaves in which a name means another column than it seems to.
SHADOWED = [
    "select (select {e} from ((select 'x' as pan) a join (select 1 as z) b on true) as j(k, l)) as x from cards",
    "select (select s.y from (select 1 as pan) a, (select {e} as y from (select 1 as z) q) s) as x from cards",
    "select (select {e} from (select (u.pan).* from (select p as pan from payments p limit 1) u) s) as x from cards",
    "select (select c.to_jsonb::text from cards c limit 1) as x from (select 1 as to_jsonb) c",
    "select e as x from (select (p).*, {e} from payments p, cards c limit 3) s(a, b, d, f, e)",
    "select (select max({e}) from (select 1 as pan) a, (select 1 as u) b join (select 1 as v) c on pan <> '') as x from cards",
    "select (select s.y from (select 1 as pan) a, (with w as (select {e} as y) select y from w) s) as x from cards",
]


def statements(count, seed, shadowed=False, held=False):
    """`count` statements, the same for the same seed."""
    chance = random.Random(seed)

    def value(inner, depth):
        for _ in range(depth):
            inner = chance.choice(EXPRESSIONS).format(inner)
        return inner

    def query():
        if held:
            plain = ["pan", "cvv", "reverse(pan)", "pan || ''", "pan_number", "cards", "(cards).pan", "upper(holder)"]
            text = f"select {chance.choice([*plain, *LEAVES])} as x from cards"
            for _ in range(chance.randint(1, 3)):
                wrapper = chance.choice(HOLDING if chance.random() < 0.8 else QUERIES)
                text = wrapper.replace("{e}", value("x", 1)).replace("{q}", text)
            return f"copy ({text}) to stdout {chance.choice(SIGNS)}" if chance.random() < 0.5 else text
        if shadowed:
            leaf = chance.choice(["pan", "reverse(pan)", "translate(pan, '0123456789', 'ABCDEFGHIJ')"])
            text = chance.choice(SHADOWED).replace("{e}", value(leaf, chance.randint(0, 1)))
        elif chance.random() < 0.3:
            text = f"select {chance.choice(['pan', 'cards.pan', 'cvv', 'pan_number', 'cvv_number'])} as x from cards"
            for _ in range(chance.randint(1, 3)):
                text = chance.choice(PASSING).replace("{q}", text)
            return text
        else:
            text = f"select {value(chance.choice(LEAVES), chance.randint(0, 2))} as x from cards"
        for _ in range(chance.randint(1, 3)):
            wrapper = chance.choice(QUERIES)
            text = wrapper.replace("{e}", value("x", chance.randint(1, 2))).replace("{q}", text)
        return text

    made = []
    while len(made) < count:
        text = query()
        # Some wrappers take a query twice; the text stays of a size that people write.
        if len(text) < 4_000:
            made.append(text)
    return made


def shown(texts):
    """The card numbers of which more shows than the first six and last four, read in every way that the leaves write,
    and the card codes."""
    found = set()
    for text in texts:
        found.update({text} & CODES)
        # Within a row or a document: 123 may be another number.
        found.update(re.findall(r"(?<![\d.-])(?:737|1234)(?![\d.-])", text))
        for reading in readings(text):
            digits = re.sub(r"\D", "", reading)
            found.update(pan for pan in cards.PANS if any(inner(pan) in way for way in (digits, digits[::-1])))
    return found


def inner(pan):
    """The digits that no mask shows, and one on each side, so that they are not met by chance."""
    return pan[5:-3]


def readings(text):
    yield text
    yield text.translate(LETTERS)
    for run in re.findall(r"[0-9a-f]{12,}", text):
        if len(run) % 2 == 0:
            yield bytes.fromhex(run).decode("latin-1")
        yield str(int(run, 16))
    for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        try:
            yield base64.b64decode(run + "=" * (-len(run) % 4)).decode("latin-1")
        except binascii.Error:
            pass


CODES = {"737", "123", "1234"}
LETTERS = str.maketrans({**{letter: str(digit) for digit, letter in enumerate("ABCDEFGHIJ")}})
