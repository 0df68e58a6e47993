"""No card number leaves in clear to somebody who may not see it, and no card code to anybody."""

import json
from datetime import date, timedelta

import psycopg
import pytest

from panguard_test import cards, until, wire
from panguard_test.refusal import refusal

VISA, MASTERCARD, AMEX = cards.VISA, cards.MASTERCARD, cards.AMEX
TEXT, INT4, INT8, NUMERIC, JSONB = 25, 23, 20, 1700, 3802


@pytest.fixture(params=[False, True], ids=["text", "binary"])
def ask(request, agent):
    """Asks as an agent, once for rows in text and once in binary."""
    cursor = agent.cursor(binary=request.param)
    return lambda sql, *parameters: cursor.execute(sql, parameters or None).fetchall()


@pytest.mark.parametrize("column", ["pan", "pan_number", "pan_numeric"])
def test_labelled_columns_are_masked_under_any_name(ask, column):
    for sql in (
        f"select {column} from cards order by id",
        f"select {column} as harmless from cards order by id",
        f"select c.{column} as x from cards c order by c.id",
        f"select x from (select id, {column} as x from cards) s order by id",
        f"with w(id, x) as materialized (select id, {column} from cards) select x from w order by id",
        f"select l.x from cards c, lateral (select c.{column} as x) l order by c.id",
    ):
        assert ask(sql) == [(cards.last4(pan),) for pan in (VISA, MASTERCARD, AMEX)], sql


def test_select_star_is_masked(ask):
    (row,) = ask("select * from cards where id = 1")
    assert row[1:4] == (cards.last4(VISA),) * 3
    assert VISA not in repr(row)


MADE = "select id, left(pan, 6), pan_number || '', max(pan) over (), row(pan_number), coalesce(holder, ''), right(pan, 4) from cards where id = 1"


def test_what_is_made_of_labelled_columns_is_redacted_and_nothing_else_of_the_row(ask):
    assert ask(MADE) == [(1, "****", "****", "****", "****", "****", VISA[-4:])]
    assert ask("select id, pan from cards where id < 3 union all select id, memo from payments where id = 1") == [
        (1, "****"), (2, "****"), (1, "****")]


def test_documents_are_masked_where_their_text_says_what_is_in_them(ask):
    pan = cards.last4(VISA)
    document = {"id": 1, "pan": pan, "number": pan, "cvv": None, "made": "****", "holder": "****", "note": "fine"}
    members = "'id', id, 'pan', pan, 'number', pan_number, 'cvv', cvv, 'made', reverse(pan), 'holder', holder, 'note', note"
    for kind in ("json", "jsonb"):
        assert ask(f"select {kind}_build_object({members}) from cards where id = 1") == [(document,)]
        assert ask(f"select {kind}_agg(x) from (select id, pan, cvv_number as code from cards where id = 1) x") == [
            ([{"id": 1, "pan": pan, "code": None}],)]
        assert ask(f"select coalesce({kind}_agg({kind}_build_array(id, pan, cvv)), '[]') from cards where id = 1") == [([[1, pan, None]],)]
        assert ask(f"select {kind}_build_object('cards', {kind}_agg(pan order by id), 'n', count(*)) from cards") == [
            ({"cards": [cards.last4(pan) for pan in (VISA, MASTERCARD, AMEX)], "n": 3},)]


def test_what_holds_a_whole_row_is_redacted_and_stays_readable(ask):
    assert ask("select c, row_to_json(c), array_agg(c), (c).note from cards c where id = 1 group by c.id") == [(None, None, None, "fine")]
    assert ask("select x, row_to_json(x), to_jsonb(x), array[pan], pan_number from (select id, pan, pan_number from cards where id = 1) x(a, pan, pan_number)") == [
        ("****", "****", "****", "****", cards.last4(VISA))]
    assert ask("select (c).* from (select id, pan from cards where id = 1) c") == [(1, cards.last4(VISA))]


def test_made_columns_are_redacted_whichever_way_they_are_asked_for(gateway, issuer):
    redacted = [b"1", b"****"]
    sql = "select id, reverse(pan) from cards where id = 1"
    with wire.Wire.session(gateway, issuer.agent(groups=["agents", "admins"])) as session:
        told = [
            session.exchange(wire.query(sql)),
            session.exchange(wire.query(f"select 1; {sql}; select 2")),
            session.exchange(wire.query(f"prepare p as {sql}; execute p; execute p")),
            session.exchange(wire.query("execute p")),
            session.exchange(wire.query(f"begin; declare c cursor for {sql}; fetch c; commit")),
            session.exchange(wire.parse(sql, "s"), wire.describe("S", "s"), wire.bind("s"), wire.execute(), wire.SYNC),
            session.exchange(wire.parse("execute p"), wire.bind(), wire.describe("P"), wire.execute(), wire.SYNC),
        ]
        for answer in told:
            assert not wire.tags(answer).count("E"), answer
            pairs = [row for row in wire.rows(answer) if len(row) == 2]
            assert pairs and all(row == redacted for row in pairs), answer


VIEWS = """
create view listed as select id, pan as number, holder, note from cards;
create view outer_listed as select l.number as n, l.id from listed l;
create materialized view stored as select id, pan_number, upper(pan) as made, right(pan, 4) as last4 from cards;
create view picked as select id from cards where pan like '4%';
create view odd(x) as select pan from cards order by pan desc limit 1;
create view joined as select p.id, c.pan, c.note from payments p join cards c on c.id = p.card;
create view united as select pan as x from cards union all select memo from payments;
"""


def test_views_go_by_what_their_columns_are_made_of(cluster, make_gateway, issuer):
    gateway = make_gateway(connections={"payments": cluster.upstream(cluster.create_database(cards.SEED + VIEWS), data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session:
        for binary in (False, True):
            cursor = session.cursor(binary=binary)
            ask = lambda sql: cursor.execute(sql).fetchone()
            assert ask("select * from listed where id = 1") == (1, cards.last4(VISA), "****", "fine")
            assert ask("select n from outer_listed where id = 2") == (cards.last4(MASTERCARD),)
            assert ask("select * from stored where id = 1") == (1, cards.last4(VISA), "****", VISA[-4:])
            assert ask("select note from joined where id = 3")[0] == "fine"
            assert ask("select pan from joined where id = 3")[0] == cards.last4(VISA)
            assert ask("select x from united limit 1") == ("****",)
        for sql in ("select id from picked", "select * from odd", "select id from listed where number like '4%'",
                    "select id from stored order by made", "select n from outer_listed order by n"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                session.execute(sql)
            assert "PGD-0006" in raised.value.diag.message_primary, sql


def test_an_answer_with_other_columns_than_were_decided_upon_is_withheld(cluster, make_gateway, issuer):
    """A table gets a column behind panguard's back: what is made of the card number is not where it was thought to be."""
    database = cluster.create_database(cards.SEED)
    gateway = make_gateway(connections={"payments": cluster.upstream(database, data=cards.DATA)})
    sql = "select s.*, reverse(pan), s.* from cards c, payments s where c.id = 1 limit 1"
    with cluster.connect(database) as direct:
        with gateway.connect(issuer.agent()) as session:
            assert session.execute(sql).fetchone()[4] == "****"
            direct.execute("alter table payments add column x text")
            direct.commit()
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                session.cursor().execute(sql)
            assert "PGD-0012" in raised.value.diag.message_primary

        def is_known():
            with gateway.connect(issuer.agent()) as session:
                try:
                    return session.execute(sql).fetchone()[5] == "****"
                except psycopg.errors.InsufficientPrivilege:
                    return False

        until(is_known, "the new column is known")


def test_returning_is_masked(ask):
    assert ask("update cards set amount = amount where id = 2 returning pan, pan_number") == [(cards.last4(MASTERCARD),) * 2]


def test_card_codes_are_null(ask):
    assert ask("select cvv, cvv_number from cards order by id") == [(None, None)] * 3


def test_card_codes_are_null_for_whoever_may_reveal(analyst):
    for binary in (False, True):
        cursor = analyst.cursor(binary=binary)
        assert cursor.execute("select cvv, cvv_number from cards order by id").fetchall() == [(None, None)] * 3


def test_names_of_holders_are_masked_whole(ask):
    names = {name for (name,) in ask("select holder from cards")}
    assert len(names) == 1 and not names & {"Ada Byrne", "Bo Chen", "Cy Diaz"}


def test_documents_are_masked_at_their_labelled_paths_and_stay_documents(ask):
    documents = [document for (document,) in ask("select doc from cards order by id")]
    assert [document.get("ok") for document in documents] == [True, False, None]
    for document, pan in zip(documents, (VISA, MASTERCARD, AMEX)):
        assert pan not in json.dumps(document)
        assert str(document["card"]["number"])[-4:] == pan[-4:]


def test_a_card_number_in_plain_text_is_found(ask):
    assert ask("select note from cards where id = 2") == [(f"paid with {cards.last4(MASTERCARD)} by phone",)]


def test_a_card_number_of_the_agents_own_is_found_too(ask):
    assert ask("select %s::text", f"card {VISA}!") == [(f"card {cards.last4(VISA)}!",)]
    assert ask(f"select '{VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}'")[0][0][:-4].count("1") == 0


def test_numbers_that_are_not_cards_are_left_alone(ask):
    numbers = (4111111111111112, 1234567890123456, 20260101123000)
    for number in numbers:
        assert ask("select %s::text, %s::int8", str(number), number) == [(str(number), number)]


def test_masked_numbers_are_described_as_text(gateway, issuer):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        answer = session.exchange(wire.query("select id, pan, pan_number n, pan_numeric, cvv, cvv_number, doc from cards where id = 1"))
        described = [INT4, TEXT, TEXT, TEXT, TEXT, INT4, JSONB]
        assert [oid for _, oid in wire.columns(answer)] == described
        (row,) = wire.rows(answer)
        assert row[1:6] == [cards.last4(VISA).encode()] * 3 + [None, None]
        for binary in (False, True):
            answer = session.exchange(wire.parse("select pan_number, pan_numeric, amount from cards where id = 1"),
                                      wire.describe(), wire.bind(binary=binary), wire.describe("P"), wire.execute(), wire.SYNC)
            assert [oid for _, oid in wire.columns(answer)] == [TEXT, TEXT, NUMERIC] * 2
            assert wire.rows(answer)[0][:2] == [cards.last4(VISA).encode()] * 2


def test_whoever_may_reveal_sees_numbers_as_they_are(analyst):
    for binary in (False, True):
        cursor = analyst.cursor(binary=binary)
        row = cursor.execute("select pan, pan_number, pan_numeric, note, doc from cards where id = 2").fetchone()
        assert row[:2] == (MASTERCARD, int(MASTERCARD)) and int(row[2]) == int(MASTERCARD)
        assert MASTERCARD in row[3] and row[4]["card"]["number"] == int(MASTERCARD)
        assert [column.type_code for column in cursor.description[:3]] == [TEXT, INT8, NUMERIC]


def test_whoever_may_reveal_may_compute(analyst):
    assert analyst.execute("select id from cards where pan = %s", [VISA]).fetchall() == [(1,)]
    assert analyst.execute("select left(pan, 6) from cards where id = 1").fetchone() == (VISA[:6],)


@pytest.mark.parametrize("sql", [
    "select left(pan, 6) from cards",
    "select substr(pan, 1, 8), substr(pan, 9) from cards",
    "select reverse(pan) from cards",
    "select md5(pan) from cards",
    "select pan_number + 1 from cards",
    "select pan || '' from cards",
    "select encode(pan::bytea, 'hex') from cards",
    "select translate(pan, '0123456789', 'abcdefghij') from cards",
    "select string_agg(pan, ',') from cards",
    "select max(pan_number) from cards",
    "select count(*) from cards where pan like '4%'",
    "select id from cards where pan = '4111111111111111'",
    "select id from cards order by pan",
    "select count(*) from cards group by pan",
    "select count(distinct pan) from cards",
    "select id from cards c where exists (select from cards d where d.pan < c.pan)",
    "select case when pan > '5' then 1 end from cards",
    "select 1 / (pan_number - 4111111111111111) from cards",
    "select to_jsonb(c) from cards c",
    "select row_to_json(c) from cards c",
    "select c from cards c",
    "select (c).pan || '' from cards c",
    "select array_agg(pan) from cards",
    "select doc ->> 'card' from cards",
    "select doc::text from cards where doc::text like '%41%'",
    "select cvv::int from cards",
    "select id from cards where cvv = '737'",
    "select holder || '' from cards",
    "insert into payments (memo) select pan from cards",
    "update payments set memo = (select pan from cards where id = 1)",
    "delete from cards where pan = '4111111111111111'",
    "create temp table copied as select pan from cards",
    "select pan into temp copied from cards",
    "explain select * from cards where pan > '5'",
    "select pan from cards union select 'x'",
    "select (select pan from cards where id = 1)",
])
def test_what_computes_on_protected_columns_is_refused_or_masked(gateway, issuer, sql):
    """Refused with PGD-0006, unless the value comes out as it is, where it is masked, or as it is made, where it is redacted."""
    with gateway.connect(issuer.person("admin", groups=["agents", "admins"])) as session:
        try:
            cursor = session.execute(sql)
        except psycopg.errors.InsufficientPrivilege as error:
            assert "PGD-0006" in error.diag.message_primary, error.diag.message_primary
            assert "Select the columns as they are" in error.diag.message_hint
            return
        rows = cursor.fetchall() if cursor.description else []
    masked = {cards.last4(pan) for pan in cards.PANS} | {None, "x", "****"}
    values = {value if isinstance(value, str) else value and "".join(map(str, value)) for row in rows for value in row}
    assert rows and values <= masked, f"{sql} gave {rows}"


def test_errors_are_masked(agent):
    with pytest.raises(psycopg.Error) as raised:
        agent.execute(f"select 'x{VISA}'::int")
    # The text of the whole error repeats the client's own words.
    assert VISA not in raised.value.diag.message_primary and "1111" in raised.value.diag.message_primary
    with pytest.raises(psycopg.errors.NotNullViolation) as raised:
        agent.execute("insert into payments (id, memo) overriding system value select null, %s", [f"by {MASTERCARD}"])
    assert MASTERCARD not in raised.value.diag.message_detail and MASTERCARD[-4:] in raised.value.diag.message_detail


def test_notices_are_masked(cluster, make_gateway, issuer):
    database = cluster.create_database(f"""
        create function tell() returns void language plpgsql as $$ begin raise notice 'card {VISA}'; end $$;
        create table t (id int);
    """)
    gateway = make_gateway(connections={"payments": cluster.upstream(database)})
    heard = []
    with gateway.connect(issuer.agent(groups=["admins"])) as session:
        session.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        session.execute("select tell()")
    assert heard == [f"card {cards.last4(VISA)}"]


@pytest.mark.parametrize("data, groups, heard", [
    ({}, ["agents"], f"card {cards.last4(VISA)}"),
    ({"public.cards.pan": "pan"}, ["agents", "fraud"], f"card {cards.last4(VISA)}"),
    ({"public.cards.pan": "pan"}, ["agents"], ""),
    ({"public.cards.pan": "pan", "public.cards.cvv": "sad"}, ["agents", "fraud"], ""),
])
def test_what_others_notify_of_is_told_to_those_who_may_know_all_of_it(cluster, make_gateway, issuer, data, groups, heard):
    database = cluster.create_database(cards.SEED)
    gateway = make_gateway(connections={"payments": cluster.upstream(database, data=data)})
    with gateway.connect(issuer.agent(groups=groups)) as session, cluster.connect(database) as direct:
        session.execute("listen leaks")
        direct.execute("select pg_notify('leaks', %s)", [f"card {VISA}"])
        assert next(session.notifies(timeout=10, stop_after=1)).payload == heard


@pytest.mark.parametrize("form", ["text", "csv"])
def test_copied_text_is_scanned(agent, form):
    with agent.cursor().copy(f"copy (select id, note from cards order by id) to stdout (format {form})") as copy:
        got = b"".join(bytes(part) for part in copy)
    assert MASTERCARD.encode() not in got and b"by phone" in got
    assert MASTERCARD[-4:].encode() in got


def test_a_binary_copy_is_scanned_by_its_types(agent):
    with agent.cursor().copy("copy (select id, note, id::int8 + 4111111111111110 from cards order by id) to stdout (format binary)") as copy:
        copy.set_types(["int4", "text", "int8"])
        assert list(copy.rows())[:2] == [(1, "fine", None), (2, f"paid with {cards.last4(MASTERCARD)} by phone", 4111111111111112)]


def test_a_binary_copy_of_unknown_columns_that_holds_a_card_number_is_withheld(agent):
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
        with agent.cursor().copy("copy (select id, note from cards order by id) to stdout (format binary); select 1") as copy:
            assert MASTERCARD.encode() not in b"".join(bytes(part) for part in copy)
    assert "PGD-0012" in raised.value.diag.message_primary


def test_column_names_are_scanned(agent):
    cursor = agent.execute(f'select 1 as "{VISA}"')
    assert VISA not in cursor.description[0].name


def test_first_six_and_last_four_by_profile(make_gateway, issuer):
    gateway = make_gateway(config={"masking": {"pan": "first6last4"}})
    with gateway.connect(issuer.agent()) as session:
        for binary in (False, True):
            row = session.cursor(binary=binary).execute("select pan, pan_number, note from cards where id = 2").fetchone()
            masked = cards.first6last4(MASTERCARD)
            assert row == (masked, masked, f"paid with {masked} by phone")


def test_a_surrogate_is_the_same_for_the_same_number_and_nobodys(make_gateway, issuer):
    gateway = make_gateway(config={"masking": {"pan": "tokenise"}})
    asked = "select pan, pan_number, note from cards where id = 2"
    with gateway.connect(issuer.agent()) as one, gateway.connect(issuer.agent("other")) as other:
        pan, number, note = one.execute(asked).fetchone()
        assert pan.startswith("99") and pan.endswith(MASTERCARD[-4:]) and len(pan) == 16 and pan.isdigit()
        assert (number, note) == (pan, f"paid with {pan} by phone")
        assert other.cursor(binary=True).execute(asked).fetchone() == (pan, number, note)
    gateway.stop()
    gateway.start()
    with gateway.connect(issuer.agent()) as again:
        assert again.execute(asked).fetchone()[0] != pan, "the key is kept nowhere"
    assert pan not in str(gateway.audit()), "no surrogate is kept beside a truncated number"


SECRETS = {
    "secret": "postgres://app:Zk3v9qTw7RbX2m@db.internal/pay",
    "email": "anna@example.com",
    "phone": "+49 30 901820",
    "iban": "DE89370400440532013000",
    "us_ssn": "536-22-8731",
}
SHOWN = {
    "secret": "postgres://app:**************@db.internal/pay",
    "email": "****************",
    "phone": "+************",
    "iban": "DE****************3000",
    "us_ssn": "***********",
}


def test_secrets_are_masked_and_other_classes_where_they_are_asked_for(make_gateway, issuer):
    asked = "select * from (values (%s), (%s), (%s), (%s), (%s)) as told(value)"
    for classes, masked in [(None, {"secret"}), ([], set()), (list(SECRETS), set(SECRETS))]:
        gateway = make_gateway(config={"masking": {} if classes is None else {"classes": classes}})
        with gateway.connect(issuer.agent()) as session:
            rows = [row for (row,) in session.execute(asked, list(SECRETS.values())).fetchall()]
            assert rows == [(SHOWN if name in masked else SECRETS)[name] for name in SECRETS]
        assert "Zk3v9qTw7RbX2m" not in str(gateway.audit()), "entries hold no secret, whatever answers do"


def test_who_may_reveal_a_class_gets_it_as_it_is(make_gateway, issuer):
    policies = cards.POLICIES + 'permit (principal, action == Action::"reveal", resource in DataClass::"secret");'
    gateway = make_gateway(config={"masking": {"classes": ["secret", "email"]}}, policies=policies)
    with gateway.connect(issuer.agent()) as session:
        asked = "select %s::text, %s::text, %s::text"
        values = [SECRETS["secret"], SECRETS["email"], VISA]
        assert session.execute(asked, values).fetchone() == (SECRETS["secret"], SHOWN["email"], cards.last4(VISA))


def test_a_view_that_picks_by_a_labelled_column_is_refused_until_it_is_labelled(cluster, make_gateway, issuer):
    database = cluster.create_database(cards.SEED + "create view seen as select id, pan as shown from cards where pan like '4%';")
    gateway = make_gateway(connections={"payments": cluster.upstream(database, data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session:
        assert refusal(session, "select shown from seen where id = 1").code == "PGD-0006"
    gateway.connections["payments"]["data"] = {**cards.DATA, "public.seen.shown": "pan"}
    gateway.write_config()
    gateway.reload()
    until(lambda: gateway.audit("--event", "configuration_changed"), "the label is known")
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select shown from seen where id = 1").fetchone() == (cards.last4(VISA),)


def test_a_renamed_column_does_not_show_its_numbers(cluster, make_gateway, issuer):
    database = cluster.create_database(cards.SEED)
    gateway = make_gateway(connections={"payments": cluster.upstream(database, data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session, cluster.connect(database) as direct:
        assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(VISA),)
        direct.execute("alter table cards rename column pan to harmless")
        for sql in ("select harmless from cards where id = 1", "select * from cards where id = 1"):
            try:
                assert VISA not in repr(session.execute(sql).fetchone())
            except psycopg.errors.InsufficientPrivilege:
                pass


def test_a_table_made_after_the_start_is_known(cluster, make_gateway, issuer):
    database = cluster.create_database("create table other (id int);")
    gateway = make_gateway(connections={"payments": cluster.upstream(database, data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session, cluster.connect(database, user="app_rw") as direct:
        assert session.execute("select count(*) from other").fetchone() == (0,)
        direct.execute(cards.SEED)
        for _ in range(3):
            try:
                assert VISA not in repr(session.execute("select * from cards").fetchall())
            except psycopg.errors.InsufficientPrivilege:
                pass
        until(lambda: masked(session), "the new table's labels are known")


def masked(session):
    """Whether labelled columns are answered with masks."""
    try:
        row = session.execute("select pan, cvv, holder from cards where id = 1").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return False
    return row[:2] == (cards.last4(VISA), None) and row[2] != "Ada Byrne"


# Thirteen digits that may be a card's (a published test number), or the number of an article.
VISA_13 = "4222222222222"

ORDERS = f"""
create table orders (id text, card_number text, article int8, cvv text, trace jsonb);
insert into orders values
  ('{VISA}', '{VISA_13}', {VISA_13}, null, '{{"id": "{VISA}", "by": "{VISA}"}}'),
  ('{MASTERCARD}', '{VISA_13}', {VISA_13}, '737', '{{}}');
"""


@pytest.fixture
def orders(cluster, make_gateway, issuer):
    """A session as an agent on a database in which nothing is labelled but what holds no card data."""
    reason = {"reason": "order numbers, sampled 2026-11-01", "until": str(date.today() + timedelta(days=90))}
    data = {"public.orders.id": {"not_pan": reason}, "public.orders.trace": {"json": {"$.id": {"not_pan": reason}}}}
    upstream = cluster.upstream(cluster.create_database(ORDERS), labels=["cde"], data=data)
    gateway = make_gateway(connections={"orders": upstream})
    with gateway.connect(issuer.agent(), "orders") as session:
        yield session


def test_names_of_columns_say_what_they_hold(orders):
    for binary in (False, True):
        cursor = orders.cursor(binary=binary)
        assert cursor.execute("select card_number as x from orders limit 1").fetchall() == [(cards.last4(VISA_13),)]
        assert cursor.execute("select article from orders limit 1").fetchall() == [(int(VISA_13),)]
        assert cursor.execute("select article, card_number from orders limit 1").fetchall() == [(None, cards.last4(VISA_13))]


def test_an_answer_with_a_card_code_that_nobody_expected_is_withheld(orders):
    for sql in ("select cvv from orders", "select cvv as harmless from orders", "select id, cvv from orders order by id"):
        assert refusal(orders, sql).code == "PGD-0012", sql
    assert orders.execute("select cvv from orders where id = %s", [VISA]).fetchall() == [(None,)]


def test_what_is_said_to_be_no_card_data_passes_where_it_is_that(orders):
    (row,) = orders.execute("select id, trace from orders limit 1").fetchall()
    assert row == (VISA, {"id": VISA, "by": cards.last4(VISA)})
    assert orders.execute("select max(id) from orders").fetchall() == [(cards.last4(MASTERCARD),)]
    assert orders.execute("select id from orders where id > '4' order by id").fetchall() == [(VISA,), (MASTERCARD,)]


@pytest.mark.parametrize("sql, parameters", [
    ("update cards set pan = %s where id = 1", [cards.last4(cards.VISA)]),
    (f"update cards set pan = '{cards.first6last4(cards.VISA)}' where id = 1", None),
    ("update cards set holder = %s, note = 'x' where id = 1", ["****"]),
    (f"update cards set doc = '{{\"card\": {{\"number\": \"{cards.last4(cards.VISA)}\"}}}}' where id = 1", None),
    ("insert into cards (id, pan) values (9, %s)", ["**** **** **** 1111"]),
])
def test_a_mask_is_not_written_over_the_value(gateway, cluster, payments, agent, sql, parameters):
    for options in ({}, {"prepare": True}) if parameters else ({},):
        told = refusal(agent, sql, parameters, **options)
        assert (told.code, told.sqlstate) == ("PGD-0018", "22023") and "leave out the columns" in told.hint.lower()
    with cluster.connect(payments["database"]) as direct:
        assert direct.execute("select pan, holder from cards where id = 1").fetchone() == (cards.VISA, "Ada Byrne")
