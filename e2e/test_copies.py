"""COPY to the agent gives what SELECT gives, in the copy's own signs: masked, redacted, NULL, or as it is."""

import asyncio
import csv
import io
import re

import asyncpg
import psycopg
import pytest

from panguard_test import cards, wire
from test_clients import of_asyncpg, psql
from test_evasion_cases import EVERYTHING

VISA, MASTERCARD, AMEX = cards.VISA, cards.MASTERCARD, cards.AMEX
ROWS = "select id, pan, pan_number, cvv, holder, note, amount from cards order by id"
SIGNS = [
    "", "delimiter '|', null ''", "delimiter '*', null '+'", "header", "null '4111111111111111'",
    "format csv", "format csv, header, force_quote *", "format csv, delimiter '*', null 'nil'",
    r"format csv, quote '''', escape '\', force_quote (pan, note)", "format csv, quote '*', delimiter ' ', force_quote (\"note\")",
    "format csv, encoding 'latin1'", "encoding 'UTF8', delimiter '-'",
]


def copied(session, sql):
    with session.cursor().copy(sql) as copy:
        return b"".join(bytes(part) for part in copy)


def read(data, signs):
    """The values of a copy, by rows, as PostgreSQL's documents say that they are written."""
    word = lambda name, default: signs.split(f"{name} '")[1].split("'")[0] if f"{name} '" in signs else default
    text = data.decode(errors="replace")
    if "format csv" in signs:
        quote = "'" if "quote ''''" in signs else word("quote", '"')
        delimiter, escape = word("delimiter", ","), word("escape", quote)
        doubled = {"doublequote": True} if escape == quote else {"doublequote": False, "escapechar": escape}
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote, **doubled))
        null = word("null", "")
    else:
        delimiter, null = word("delimiter", "\t"), word("null", r"\N")
        rows = []
        for line in text.splitlines():
            values, value, letters = [], "", iter(line)
            for letter in letters:
                if letter == "\\":
                    value += {"N": r"\N", "n": "\n", "t": "\t"}.get(sign := next(letters), sign)
                elif letter == delimiter:
                    values, value = [*values, value], ""
                else:
                    value += letter
            rows.append([*values, value])
    return [[None if value == null else value for value in row] for row in rows]


@pytest.mark.parametrize("signs", SIGNS)
def test_a_copy_in_any_signs_gives_what_a_select_gives(agent, signs):
    if any(f"null '{sign}'" in signs for sign in ("+", VISA)):
        pytest.skip("in text, what may be a value is not taken for NULL: see below")
    selected = [[None if value is None else str(value) for value in row] for row in agent.execute(ROWS)]
    assert selected[0][1] == cards.last4(VISA) and selected[0][3] is None
    rows = read(copied(agent, f"copy ({ROWS}) to stdout ({signs})" if signs else f"copy ({ROWS}) to stdout"), signs)
    if "header" in signs:
        assert rows.pop(0) == ["id", "pan", "pan_number", "cvv", "holder", "note", "amount"]
    if "null ''" in signs or "null 'nil'" not in signs and "csv" in signs:
        selected = [[value or None for value in row] for row in selected]
    assert rows == selected


@pytest.mark.parametrize("signs", SIGNS)
def test_no_card_number_is_in_a_copy(agent, signs):
    signs = re.sub(r"force_quote \(.*\)", "force_quote *", signs)
    options = f" ({signs})" if signs else ""
    for what in (
        "cards", "cards (pan, cvv, note)", "cards (note, doc)", "(select c from cards c)", "(select c.*, reverse(pan) from cards c)",
        "(select row_to_json(c) from cards c)", "(select array_agg(pan) from cards)", "(select (c).* from cards c)",
        "(select a.pan, b.pan_number from cards a join cards b using (id))", "(table cards)", "(select pan || 'x', pan_number::text from cards)",
        "(with x as (select * from cards) select x.pan, x from x)", "(select pan from cards union all select memo from payments)",
        "(update cards set amount = amount returning pan, cards)",
    ):
        data = copied(agent, f"copy {what} to stdout{options}")
        for pan in cards.PANS:
            given = data.replace(b"4111111111111111", b"") if "4111" in signs else data
            assert not any(form in given for form in cards.encodings(pan)), (what, data)
        assert b"737" not in data and b"1234\t" not in data, (what, data)


def test_a_sign_for_null_does_not_tell_a_value(agent):
    """In text a value is written as NULL is, if it is the same: a guess may not come out otherwise than what is none."""
    guess, other = (copied(agent, f"copy (select id, pan, pan || '' from cards order by id) to stdout (null '{null}')")
                    for null in (VISA, AMEX))
    assert guess == other == b"".join(
        f"{id}\t{cards.last4(pan)}\t****\n".encode() for id, pan in enumerate((VISA, MASTERCARD, AMEX), 1))


@pytest.mark.parametrize("form", ["text", "binary"])
def test_psycopg_reads_rows(agent, form):
    with agent.cursor().copy(f"copy (select id, pan, pan_number, cvv, note, upper(pan) from cards order by id) to stdout (format {form})") as copy:
        copy.set_types(["int4", "text", "text", "text", "text", "text"])
        rows = list(copy.rows())
    # No type is told in a copy, so that in binary a masked number is NULL.
    number = (lambda pan: cards.last4(pan)) if form == "text" else (lambda pan: None)
    assert rows == [
        (1, cards.last4(VISA), number(VISA), None, "fine", "****"),
        (2, cards.last4(MASTERCARD), number(MASTERCARD), None, f"paid with {cards.last4(MASTERCARD)} by phone", "****"),
        (3, cards.last4(AMEX), number(AMEX), None, None, "****"),
    ]
    assert agent.execute("select 1").fetchone() == (1,)


def test_psycopg_copies_in_a_transaction(agent):
    with agent.transaction():
        assert sorted(copied(agent, "copy cards (id) to stdout").split()) == [b"1", b"2", b"3"]
    with pytest.raises(psycopg.errors.UndefinedTable) as raised:
        with agent.transaction():
            copied(agent, "copy (select * from mine) to stdout")
    assert raised.value.diag.statement_position == "21"
    with pytest.raises(psycopg.errors.UndefinedTable) as raised:
        copied(agent, "copy no_such_table to stdout")
    assert raised.value.diag.statement_position is None
    assert copied(agent, "copy (select id from payments order by id limit 1) to stdout (format csv)") == b"1\n"


def test_who_may_reveal_copies_numbers_as_they_are(analyst):
    data = copied(analyst, "copy (select id, pan, pan_number, cvv from cards order by id) to stdout csv")
    assert data.splitlines()[0] == f"1,{VISA},{VISA},".encode()
    with analyst.cursor().copy("copy cards (pan_number) to stdout (format binary)") as copy:
        copy.set_types(["int8"])
        assert sorted(copy.rows()) == sorted((int(pan),) for pan in (VISA, MASTERCARD, AMEX))


def test_psql_copies_masked_cards(gateway, issuer, tmp_path):
    token, file = issuer.agent(), tmp_path / "cards.csv"
    psql(gateway, token, "-c", rf"\copy cards (id, pan, cvv, holder, doc) to {file} with (format csv, header, force_quote (pan))")
    first, second, *_ = file.read_text().splitlines()
    assert first == "id,pan,cvv,holder,doc"
    assert second.startswith(f'1,"{cards.last4(VISA)}",,****,"{{""ok"": true, ""card"": {{""number"": ""{cards.last4(VISA)}""')
    out = psql(gateway, token, "-c", "copy (select id, pan from cards order by id) to stdout").stdout
    assert out.splitlines()[0] == f"1\t{cards.last4(VISA)}"


def test_asyncpg_copies_masked_cards(gateway, issuer):
    async def run():
        session = await of_asyncpg(gateway, issuer.agent())
        try:
            out = io.BytesIO()
            done = await session.copy_from_query("select id, pan from cards where id = $1", 1, output=out, format="csv")
            assert (done, out.getvalue()) == ("COPY 1", f"1,{cards.last4(VISA)}\n".encode())
            out = io.BytesIO()
            await session.copy_from_table("cards", columns=["pan", "cvv"], output=out, format="binary")
            data = out.getvalue()
            assert cards.last4(VISA).encode() in data and not any(pan.encode() in data for pan in cards.PANS)
            assert data.startswith(b"PGCOPY\n\xff\r\n\0") and data.endswith(b"\xff\xff")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.copy_from_query("select id from cards order by pan", output=out)
            assert await session.fetchval("select 1") == 1
        finally:
            await session.close()

    asyncio.run(run())


def test_a_table_with_generated_columns_is_copied_without_them(cluster, make_gateway, issuer):
    database = cluster.create_database(cards.SEED + """
        alter table cards add pan_letters text generated always as (translate(pan, '0123456789', 'ABCDEFGHIJ')) stored;
        alter table cards add after text default 'last';
        create table plain (a int, twice int generated always as (a * 2) stored, b text);
        insert into plain values (1, default, 'x');
    """)
    upstream = cluster.upstream(database, data=cards.DATA)
    with make_gateway(EVERYTHING, connections={"payments": upstream}).connect(issuer.agent()) as session:
        assert copied(session, "copy plain to stdout") == b"1\tx\n"
        rows = [line.split(b"\t") for line in copied(session, "copy cards to stdout").splitlines()]
        assert [(row[1], row[5], row[-1]) for row in rows] == [(cards.last4(pan).encode(), rb"\N", b"last") for pan in (VISA, MASTERCARD, AMEX)]
        assert copied(session, "copy (select pan_letters from cards) to stdout") == b"****\n" * 3


def test_a_table_of_ones_own_is_copied_before_the_catalog_is_read_again(cluster, make_gateway, issuer):
    upstream = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    with make_gateway(EVERYTHING, connections={"payments": upstream}).connect(issuer.agent()) as session:
        with session.transaction():
            session.execute(f"create temp table mine on commit drop as select 1 as x, '{VISA}' as pan, 'by {VISA}' as y")
            # By its name a column is taken for what it is elsewhere.
            assert copied(session, "copy mine to stdout") == f"1\t{cards.last4(VISA)}\tby {cards.last4(VISA)}\n".encode()
            assert copied(session, "copy (select * from mine) to stdout csv") == f"1,{cards.last4(VISA)},by {cards.last4(VISA)}\n".encode()


@pytest.mark.parametrize("change", [
    "alter table cards drop column note, add column copy_of_pan text; update cards set copy_of_pan = {letters}",
    "alter table cards rename to old; create table cards as select id, {letters} as pan, holder as other from old",
    "alter table cards rename column note to fine; alter table cards rename column pan to note; update cards set note = {letters}",
])
def test_what_has_changed_past_panguard_is_masked_or_withheld(cluster, make_gateway, issuer, change):
    database = cluster.create_database(cards.SEED)
    upstream = cluster.upstream(database, user="postgres", data=cards.DATA)
    with make_gateway(EVERYTHING, connections={"payments": upstream}).connect(issuer.agent()) as session:
        with cluster.connect(database) as operator:
            operator.execute(change.format(letters="translate(pan, '0123456789', 'ABCDEFGHIJ')") if "rename column" not in change
                             else change.format(letters="translate(note, '0123456789', 'ABCDEFGHIJ')"))
        for what in ("cards", "cards (note)", "(select * from cards)", "(select note from cards)", "(select c from cards c)"):
            try:
                data = copied(session, f"copy {what} to stdout")
            except psycopg.Error as error:
                assert "PGD-0012" in str(error) or "PGD-0007" in str(error) or "does not exist" in str(error), error
                continue
            for pan in cards.PANS:
                assert pan.translate(str.maketrans("0123456789", "ABCDEFGHIJ")).encode() not in data, (what, data)


def test_the_name_of_the_stand_in_is_not_to_be_had(cluster, make_gateway, issuer):
    """What was left of it when a copy was broken off would be run as what the agent had prepared under its name."""
    upstream = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    gateway = make_gateway(EVERYTHING, connections={"payments": upstream})
    with wire.Wire.session(gateway, issuer.agent()) as session:
        for message in (wire.parse("select reverse(note) from cards", "panguard_copy") + wire.SYNC,
                        wire.query("prepare panguard_copy as select reverse(note) from cards"),
                        wire.query('select 1; prepare "panguard_copy" as select 1')):
            assert wire.error(session.exchange(message))["C"] == "42939"
        assert wire.tags(session.exchange(wire.query("copy (select reverse(pan) from cards) to stdout"))).startswith("Hddd")
        assert wire.error(session.exchange(wire.bind("panguard_copy"), wire.execute(), wire.SYNC))["C"] == "42939"
        assert wire.error(session.exchange(wire.query("execute panguard_copy"))) is not None
