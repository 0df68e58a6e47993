"""Texts of definitions: whoever looks at a database may compute on them, but where somebody wrote a card number into one.

And indexes over card numbers: rows do not come back in their order, and ordinary work beside them goes on (issue 4).
"""

import base64
import os
import subprocess

import psycopg
import pytest

from panguard_test import cards, until
from panguard_test.refusal import refusal

CALLS = """
@id("looks-at-definitions")
permit (principal in Group::"agents", action == Action::"call", resource) when {
  ["pg_get_expr", "pg_get_indexdef", "pg_get_constraintdef", "pg_get_triggerdef"].contains(resource.name)
};
"""

SHOP = cards.SEED + """
create type colour as enum ('red', 'deep green');
create table goods (
  id int primary key, name text default 'unnamed', colour colour default 'red', price numeric check (price < 1000000),
  made timestamptz default '2020-01-01 00:00:00+00', kind uuid default '00000000-0000-0000-0000-000000000000', many int8 default 9223372036854775807
);
create index goods_cheap on goods (name) where price < 100 and name <> 'long enough to be looked at';
comment on table goods is 'what we sell, since 2020-01-01 00:00:00';
comment on column goods.name is 'as it is printed';
create view names as select c.relname, obj_description(c.oid, 'pg_class') as comment from pg_class c where c.relkind = 'r';
"""

# What tools for databases send, and people too: each computes on texts of definitions.
COMPUTES = [
    "select upper(obj_description('goods'::regclass)) || '!' as d",
    "select objsubid, length(description) from pg_description where objoid = 'goods'::regclass and description ilike '%print%'",
    "select column_name from information_schema.columns where table_name = 'goods' and column_default like '%unnamed%'",
    "select replace(indexdef, 'CREATE', 'create') from pg_indexes where tablename = 'goods' order by indexdef",
    "select regexp_replace(pg_get_constraintdef(oid), 'CHECK', '') from pg_constraint where conrelid = 'goods'::regclass order by 1",
    "select split_part(pg_get_expr(adbin, adrelid), '::', 1) from pg_attrdef where adrelid = 'goods'::regclass order by adnum",
    "select unnest(enum_range(null::colour))::text",
    "select distinct comment from names where comment like 'what%'",
]

# The same looked at as it stands, which passes wherever it is.
TELLS = [
    "select obj_description('goods'::regclass) as d, col_description('goods'::regclass, 2)",
    "select objsubid, description from pg_description where objoid = 'goods'::regclass order by objsubid",
    "select column_name, column_default from information_schema.columns where table_name = 'goods' order by ordinal_position",
    "select indexname, indexdef from pg_indexes where tablename = 'goods' order by indexname",
    "select conname, pg_get_constraintdef(oid, true) from pg_constraint where conrelid = 'goods'::regclass order by conname",
    "select adnum, pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'goods'::regclass order by adnum",
    "select relname, comment from names where relname in ('goods', 'cards') order by relname",
    "select relname from pg_class where obj_description(oid, 'pg_class') is not null order by relname",
]


@pytest.fixture
def database(cluster):
    return cluster.create_database(SHOP)


@pytest.fixture
def gateway(cluster, make_gateway, database):
    return make_gateway(cards.POLICIES + CALLS, {"payments": cluster.upstream(database, data=cards.DATA)})


@pytest.fixture
def agent(gateway, issuer):
    with gateway.connect(issuer.agent()) as session:
        yield session


@pytest.fixture
def owner(cluster, database):
    with cluster.connect(database) as session:
        yield session


def is_refused(session, sql):
    try:
        session.execute(sql)
    except psycopg.Error as error:
        assert "PGD-0006" in str(error), error
        return True
    return False


@pytest.mark.parametrize("sql", COMPUTES + TELLS)
def test_on_a_database_without_card_numbers_in_definitions_they_are_read_as_ever(agent, owner, sql):
    assert agent.execute(sql).fetchall() == owner.execute(sql).fetchall()


WRITES = {
    "a comment": (f"comment on table goods is 'as {cards.VISA}'", [0, 1, 7]),
    "a comment in base64": (f"comment on table staff is '{base64.b64encode(cards.VISA.encode()).decode()}'", [0, 1, 7]),
    "a comment in hex": (f"comment on column goods.name is '{cards.VISA.encode().hex()}'", [0, 1, 7]),
    "a comment with separators": (f"comment on index goods_cheap is '{cards.VISA[:4]} {cards.VISA[4:8]} {cards.VISA[8:12]} {cards.VISA[12:]}'", [0, 1, 7]),
    "a default": (f"alter table staff alter name set default '{cards.AMEX}'", [2, 5]),
    "a number as a default": (f"alter table payments alter amount type numeric, alter amount set default {cards.VISA}", [2, 5]),
    "an index": (f"create index on payments (id) where memo = '{cards.MASTERCARD}'", [3, 4]),
    "a check": (f"alter table payments add check (memo <> '{cards.DISCOVER}')", [4]),
    "a value of a type": (f"alter type colour add value '{cards.VISA}'", [6]),
}


@pytest.mark.parametrize("what", WRITES)
def test_where_one_holds_a_card_number_those_of_its_sort_are_told_and_not_computed_on(cluster, make_gateway, issuer, what):
    write, refused = WRITES[what]
    database = cluster.create_database(SHOP)
    with cluster.connect(database) as owner:
        owner.execute(write)
        with make_gateway(cards.POLICIES + CALLS, {"payments": cluster.upstream(database, data=cards.DATA)}).connect(issuer.agent()) as agent:
            assert [at for at, sql in enumerate(COMPUTES) if is_refused(agent, sql)] == refused
            for sql in TELLS:
                told = agent.execute(sql).fetchall()
                assert len(told) == len(owner.execute(sql).fetchall()), sql
                assert not any(pan in repr(told) for pan in cards.PANS), sql
            told = agent.execute("select obj_description('goods'::regclass)").fetchone()[0]
            assert told == (f"as {cards.last4(cards.VISA)}" if what == "a comment" else "what we sell, since 2020-01-01 00:00:00")


def test_who_computes_on_them_all_the_same_is_told_why(agent, gateway, issuer):
    with gateway.connect(issuer.person("root", groups=["admins", "agents"])) as admin:
        admin.execute(f"comment on table goods is 'as {cards.VISA}'")
        until(lambda: is_refused(agent, COMPUTES[0]), "the catalog has been read again", 20)
        told = refusal(agent, "select id from goods where 'x' = translate(obj_description('goods'::regclass), '4', 'x')")
        assert told.code == "PGD-0006" and "obj_description" in told.message and cards.VISA not in repr(told)
        # Those who may see card numbers may do as they like with them.
        with gateway.connect(issuer.agent("fraud-agent", groups=["agents", "fraud"])) as fraud:
            assert fraud.execute(COMPUTES[0]).fetchone() == (f"AS {cards.VISA}!",)
        # What is made of them is redacted, as of any card number.
        assert agent.execute("select left(obj_description('goods'::regclass), 8), 1").fetchone() == ("****", 1)
        admin.execute("comment on table goods is 'what we sell'")
        until(lambda: not is_refused(agent, COMPUTES[0]), "the catalog has been read again", 20)


# psql's own commands, which compute on no text but to write an array of options.
PSQL = [r"\d goods", r"\d+ goods", r"\d+ goods_cheap", r"\d+ names", r"\dt+", r"\di+", r"\dv+", r"\df", r"\dT", r"\dn+", r"\l", r"\db", r"\dp"]


@pytest.mark.parametrize("write", [None, "a comment", "a default", "a check", "a value of a type"])
def test_psql_describes_a_database_with_and_without_card_numbers_in_it(cluster, make_gateway, issuer, write):
    database = cluster.create_database(SHOP)
    with cluster.connect(database) as owner:
        if write:
            owner.execute(WRITES[write][0])
    connections = {"payments": cluster.upstream(database, data=cards.DATA)}
    calls = 'permit (principal in Group::"agents", action == Action::"call", resource);'
    gateway = make_gateway(cards.POLICIES + calls, connections)
    direct = ["-h", cluster.HOST, "-p", str(cluster.port), "-U", "app_rw", database]
    through = ["-h", gateway.host, "-p", str(gateway.port), "-U", "agent", "payments"]
    for command in PSQL:
        expected = psql(direct, cluster.passwords["app_rw"], command)
        told = psql(through, issuer.agent(), command)
        for pan in cards.PANS:
            expected = expected.replace(pan, cards.last4(pan))
        # Definitions of views come back redacted wherever they are.
        if command != r"\d+ names":
            assert told == expected, command


def psql(where, password, command):
    environment = {**os.environ, "PGPASSWORD": password, "PGSSLMODE": "disable", "PSQLRC": "/dev/null"}
    ran = subprocess.run(["psql", "-X", "-A", *where, "-c", command], env=environment, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, (command, ran.stderr)
    return ran.stdout


def test_more_texts_than_are_looked_at_count_as_holding_some(cluster, make_gateway, issuer):
    database = cluster.create_database(SHOP)
    with cluster.connect(database) as owner:
        owner.execute("""do $$ begin for n in 1..50 loop
            execute format('create table t%s (a int)', n);
            execute format('comment on table t%s is %L', n, repeat('words and words ', 6000));
        end loop; end $$""")
        with make_gateway(cards.POLICIES + CALLS, {"payments": cluster.upstream(database, data=cards.DATA)}).connect(issuer.agent()) as agent:
            assert [at for at, sql in enumerate(COMPUTES) if is_refused(agent, sql)] == [0, 1, 7]
            for sql in TELLS:
                assert agent.execute(sql).fetchall() == owner.execute(sql).fetchall()


# --- indexes ----------------------------------------------------------------------------------------------

INDEXED = f"""
create table cards (id int primary key, customer int, pan text, holder text, filler text default repeat('x', 900));
insert into cards values (1, 7, '{cards.VISA}', 'Ada'), (2, 7, '{cards.MASTERCARD}', 'Bo'), (3, 8, '{cards.AMEX}', 'Cy'), (4, 8, null, 'Di');
insert into cards select g, g, '0', 'Ed' from generate_series(10, 2000) g;
create index cards_pan on cards (pan);
create table vault (id int generated always as identity primary key, pan text not null unique);
insert into vault (pan) select '{cards.VISA}';
create table notes (id int primary key, text text);
insert into notes select g, 'n' from generate_series(1, 500) g;
grant all on all tables in schema public to app_rw;
"""

ORDINARY = [
    "select id, holder from cards where id = 1",
    "select id, holder from cards where customer = 7 order by id",
    "select id, holder, right(pan, 4) from cards where id < 10 order by id",
    "select c.id, n.text from cards c join notes n on n.id = c.id where c.customer = 8 order by c.id",
    "select count(*), count(pan), max(id) from cards",
    "select count(*) from cards where pan is not null",
    "select count(*) from cards where pan is null",
    "select id, pan is not null as has from cards where id < 10 order by id",
    "select id from cards where pan is null",
    "select id, holder from cards",
    "select customer, count(*) from cards group by customer order by customer limit 3",
    "select id from notes order by id desc limit 3",
    "select exists (select from cards where customer = 7)",
    "update cards set holder = 'Fay' where id = 4 returning id, holder",
    "insert into notes values (501, 'new') returning id",
    "set jit = off",
    "set work_mem = '8MB'",
    "set statement_timeout = '10s'",
    "reset enable_seqscan",
    "show enable_seqscan",
    "explain (costs off) select holder from cards where id = 1",
]


def vacuumed(owner):
    """Whether PostgreSQL knows that all rows are there for everybody, without which it finds none in an index alone."""
    owner.execute("vacuum analyze cards")
    (pages,) = owner.execute("select relallvisible from pg_class where oid = 'cards'::regclass").fetchone()
    return pages > 0


@pytest.fixture
def indexed(cluster, make_gateway, issuer):
    database = cluster.create_database(INDEXED)
    data = {"public.cards.pan": "pan", "public.vault.pan": "pan"}
    matches = 'permit (principal in Group::"agents", action == Action::"match", resource in DataClass::"pan") when { context.matches <= 9 };'
    with cluster.connect(database) as owner:
        until(lambda: vacuumed(owner), "what was there before is over", 20)
        # As in a session of panguard's own making.
        owner.execute("set enable_indexonlyscan = off")
        gateway = make_gateway(cards.POLICIES + matches, {"payments": cluster.upstream(database, data=data)})
        with gateway.connect(issuer.agent()) as agent:
            yield agent, owner


def test_ordinary_work_beside_an_index_over_card_numbers_goes_on(indexed):
    agent, owner = indexed
    for sql in ORDINARY:
        told = agent.execute(sql)
        if "returning" in sql:
            # Once is enough.
            assert len(told.fetchall()) == 1, sql
        elif told.description:
            assert told.fetchall() == owner.execute(sql).fetchall(), sql


def test_card_numbers_are_listed_and_written_as_ever(indexed):
    agent, _ = indexed
    assert sorted(agent.execute("select id, pan from cards where id < 4").fetchall()) == [
        (1, cards.last4(cards.VISA)), (2, cards.last4(cards.MASTERCARD)), (3, cards.last4(cards.AMEX))]
    assert len(agent.execute("select pan from cards").fetchall()) == 1995
    assert agent.execute("insert into cards (id, pan) values (5, %s) returning id, pan", [cards.DISCOVER]).fetchall() == [(5, cards.last4(cards.DISCOVER))]
    assert agent.execute("update cards set pan = %s where id = 5 returning id", [cards.AMEX]).fetchall() == [(5,)]
    assert agent.execute("insert into vault (pan) values (%s) returning pan", [cards.AMEX]).fetchall() == [(cards.last4(cards.AMEX),)]
    assert agent.execute("select id from vault where pan = %s", [cards.VISA]).fetchall() == [(1,)]
    assert agent.execute("select id from cards where pan in (%s, %s) order by id", [cards.VISA, cards.AMEX]).fetchall() == [(1,), (3,), (5,)]


def test_no_rows_come_by_an_index_that_nobody_asked_for(cluster, indexed):
    agent, owner = indexed
    plan = "explain (costs off) select pan from cards"
    owner.execute("set enable_indexonlyscan = on")
    assert "Index Only Scan" in str(owner.execute(plan).fetchall())
    for before in ["reset all", "discard all", "reset enable_indexonlyscan", "set enable_indexonlyscan to default"]:
        agent.execute(before)
        assert "Seq Scan" in str(agent.execute(plan).fetchall()), before
        assert agent.execute("show enable_indexonlyscan").fetchone() == ("off",)


@pytest.mark.parametrize("sql", [
    "set enable_seqscan = off", "set local enable_indexonlyscan = on", "set session random_page_cost = 0.1", "select set_config('enable_seqscan', 'off', false)",
    "alter role current_user set enable_indexonlyscan = on", "begin; set local enable_seqscan = off; commit",
])
def test_the_ways_to_look_for_rows_are_not_the_agents_to_choose(indexed, sql):
    agent, _ = indexed
    refusal(agent, sql)
