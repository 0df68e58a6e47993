"""What errors and notices say: nothing of what is protected, in any field, and all of the rest as the server says it.

Two databases differ in one card number alone. Each attack gets answers from the server itself that tell the two apart;
through panguard their errors and notices are the same, byte for byte.
"""

import re

import psycopg
import pytest

from panguard_test import Gateway, cards, direct, wire

SEED = """
create table cards (
  id int primary key, pan text not null, n int default 0, k int default 0, note text default '1',
  made int generated always as (case when pan like '4%' then 100 / (n + 1) else note::int end) stored,
  constraint a_visa check (k >= 0 or pan like '4%'), constraint b_any check (n >= -1 and k >= 0)
);
insert into cards (id, pan) values (1, '{pan}');
create table customers (id int primary key, email text unique, age int check (age > 0));
create table orders (
  id int primary key, customer int references customers on delete cascade deferrable initially deferred, total int not null
);
create table wallets (id int primary key, customer int references customers on delete cascade, pan text);
insert into customers values (1, 'a@example.com', 30);

create function raises() returns trigger language plpgsql as $$ begin
  if new.note = 'raise' then raise exception 'no %', reverse(new.pan) using detail = new.pan, hint = left(new.pan, 6); end if;
  if new.note = 'code' then raise exception using errcode = 'X' || substr(new.pan, 1, 4); end if;
  if new.note = 'line' then
    if new.pan like '4%' then raise exception 'x';
    else raise exception 'x'; end if;
  end if;
  if new.note = 'count' then
    if new.pan like '4%' then raise notice 'x'; end if;
    raise notice 'x';
    new.note := '1';
  end if;
  return new;
end $$;
create trigger raises before insert or update on cards for each row execute function raises();
create function later() returns trigger language plpgsql as $$ begin
  if new.note = '7' then raise exception 'no %', reverse(new.pan); end if; return null;
end $$;
create constraint trigger later after insert or update on cards deferrable initially deferred
  for each row execute function later();

create function tells(int) returns int language plpgsql as $$ begin
  raise notice 'it is %', (select reverse(pan) from cards where id = $1); return 1;
end $$;
create function blames(int) returns int language plpgsql as $$ declare p text; begin
  select reverse(pan) into p from cards where id = $1; return p::date - current_date;
end $$;
create function innocent(int) returns int language plpgsql as $$ begin
  raise notice 'it is %', $1; return 1 / ($1 - 1);
end $$;

create table guarded (id int);
insert into guarded values (1);
create function sees() returns boolean language plpgsql as $$ begin
  raise exception 'no %', (select reverse(pan) from cards where id = 1);
end $$;
create policy p on guarded using (sees());
alter table guarded enable row level security;
alter table guarded force row level security;
"""

DATA = {"public.cards.pan": "pan", "public.wallets.pan": "pan"}

POLICIES = """
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"session"], resource);
permit (principal, action == Action::"call", resource) when {
  ["tells", "blames", "innocent"].contains(resource.name)
};
permit (principal, action == Action::"administer", resource);
permit (principal, action == Action::"use_feature", resource == Feature::"do block");
permit (principal in Group::"fraud", action == Action::"reveal", resource in DataClass::"pan");
"""

ATTACKS = {
    "a cast or a constraint": ["update cards set n = -2, note = 'x' where id = 1"],
    "a division or a cast": ["update cards set n = -1, note = 'x' where id = 1"],
    "what a trigger raises": ["update cards set note = 'raise' where id = 1"],
    "an SQLSTATE of a trigger's choice": ["update cards set note = 'code' where id = 1"],
    "the line where a trigger raises": ["update cards set note = 'line' where id = 1"],
    "how many notices a trigger gives": ["update cards set note = 'count' where id = 1"],
    "what is deferred to the end": ["update cards set note = '7' where id = 1"],
    "what is deferred to COMMIT": ["begin", "update cards set note = '7' where id = 1", "select 1", "commit"],
    "what is deferred to SET CONSTRAINTS": [
        "begin", "update cards set note = '7' where id = 1", "set constraints all immediate", "rollback"],
    "within a query": ["with u as (update cards set note = 'raise' where id = 1 returning id) select id from u"],
    "a notice of a function": ["select tells(1)"],
    "an error of a function": ["select blames(1)"],
    "the context of a block": ["do $$ begin perform blames(1); end $$"],
    "a prepared statement": ["prepare p as update cards set note = 'raise' where id = 1", "execute p", "deallocate p"],
    "row security": ["select id from guarded"],
    "EXPLAIN": ["explain (analyze, costs off, timing off, summary off) update cards set note = 'raise' where id = 1"],
}

@pytest.fixture(scope="module")
def worlds(cluster, issuer, tmp_path_factory):
    """The same database with one card number and with another, directly and through one gateway."""
    names = [cluster.create_database(SEED.format(pan=pan)) for pan in (cards.VISA, cards.MASTERCARD)]
    connections = {name: cluster.upstream(name, data=DATA) for name in names}
    with Gateway(tmp_path_factory.mktemp("errors"), issuer, connections, POLICIES) as gateway:
        yield Worlds(cluster, gateway, issuer, names)


class Worlds:
    def __init__(self, cluster, gateway, issuer, names):
        self.cluster, self.gateway, self.issuer, self.names = cluster, gateway, issuer, names

    def direct(self, name):
        host, password = self.cluster.HOST, self.cluster.passwords["app_rw"]
        return direct.session(host, self.cluster.port, "app_rw", name, password, client_encoding="UTF8")

    def through(self, name, groups=()):
        return wire.Wire.session(self.gateway, self.issuer.agent(groups=list(groups)), name, client_encoding="UTF8")

    def said(self, open_session, talk):
        """What is said of it in the two worlds: everything but rows, their descriptions, and the names of requests."""
        said = []
        for name in self.names:
            with open_session(name) as session:
                answer = talk(session)
            said.append([(tag, re.sub(rb"Request \w+-\d+", b"Request", body)) for tag, body in answer if tag not in "DT"])
        return said


def simple(statements):
    return lambda session: [part for sql in statements for part in session.exchange(wire.query(sql))]


def at_once(statements):
    return simple(["; ".join(statements)])


def extended(statements):
    def talk(session):
        parts = (session.exchange(wire.parse(sql), wire.describe(), wire.bind(), wire.execute(), wire.SYNC) for sql in statements)
        return [part for answer in parts for part in answer]
    return talk


def pipelined(statements):
    messages = [part for sql in statements for part in (wire.parse(sql), wire.bind(), wire.execute())]
    return lambda session: session.exchange(*messages, wire.SYNC)


FORMS = {"simple": simple, "at once": at_once, "extended": extended, "pipelined": pipelined}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_error_or_notice_tells_one_value_from_another(worlds, attack, form):
    talk = FORMS[form](ATTACKS[attack])
    one, other = worlds.said(worlds.direct, talk)
    assert one != other, "the server itself says the same: it proves nothing"
    one, other = worlds.said(worlds.through, talk)
    assert one == other
    assert set(wire.tags(one)) & set("EC"), "nothing was answered"
    for error in (wire.fields(body) for tag, body in one if tag == "E"):
        assert set(error) == set("SVCMDH") and error["C"] == "23000" and error["D"] == "Request."


def test_which_of_two_constraints_a_row_breaks_is_not_told(worlds):
    """Setting what a constraint compares with a protected column is a computation on it, so this is refused already."""
    talk = simple(["update cards set k = -2 where id = 1", "update cards set k = -2, n = -2 where id = 1"])
    one, other = worlds.said(worlds.direct, talk)
    assert wire.error(one)["n"] != wire.error(other)["n"]
    one, other = worlds.said(worlds.through, talk)
    assert one == other and not {"n", "t", "F"} & set(wire.error(one))


def test_what_fails_behind_an_execute_without_a_sync_is_not_told(worlds):
    def talk(session):
        update = [wire.parse("update cards set note = '7' where id = 1"), wire.bind(), wire.execute()]
        return session.exchange(*update, wire.query("select 1"))

    one, other = worlds.said(worlds.direct, talk)
    told = one != other
    one, other = worlds.said(worlds.through, talk)
    assert one == other
    if not told:
        pytest.skip("this server (18) lets nothing fail there")
    assert wire.error(one)["C"] == "23000"


@pytest.mark.parametrize("rows", [b"1\tx\traise\n", b"1\tx\n", b"nonsense\tx\traise\n", b"2\tx\traise\n", b"2\tx\tnot a number\n"])
def test_a_copy_that_fails_says_nothing_of_its_rows(worlds, rows):
    def talk(session):
        session.send(wire.query("copy cards (id, pan, note) from stdin"), wire.message("d", rows), wire.message("c"))
        return session.until("Z")

    direct_said, _ = worlds.said(worlds.direct, talk)
    said, _ = worlds.said(worlds.through, talk)
    assert "W" in wire.error(direct_said) and set(wire.error(said)) == set("SVCMDH")
    assert wire.error(said)["C"] == "23000"


def test_a_cast_and_a_division_and_a_duplicate_are_the_same_error(worlds):
    statements = [
        "update cards set note = 'x' where id = 1", "insert into cards (id, pan) values (1, 'x')",
        "insert into cards (id) values (2)", "select pan from cards where 1 / (id - 1) = 0",
        "select pan from cards where note::date = current_date",
        "insert into cards (id, pan, note) values (3, '4', 'raise')",
    ]
    with worlds.direct(worlds.names[1]) as session:
        codes = {wire.error(session.exchange(wire.query(sql)))["C"] for sql in statements}
    assert len(codes) >= 5
    _, said = worlds.said(worlds.through, simple(statements))
    errors = [body for tag, body in said if tag == "E"]
    assert len(errors) == len(statements) and len(set(errors)) == 1


UNLABELLED = {
    "a duplicate": ["insert into customers values (2, 'a@example.com', 3)"],
    "a duplicate by UPDATE": ["begin", "insert into customers values (5, 'b', 3)", "update customers set email = 'b' where id = 1"],
    "a check": ["update customers set age = -1 where id = 1"],
    "a foreign key": ["set constraints all immediate", "insert into orders values (1, 99, 1)"],
    "a foreign key at COMMIT": ["begin", "insert into orders values (1, 99, 1)", "commit"],
    "a missing value": ["insert into orders values (1, 1, null)"],
    "a cast": ["select id from cards where note::date is null", "select id from customers where id = 'x'"],
    "a division": ["select 1 / (id - 1) from cards"],
    "a function": ["select innocent(1)", "select innocent(3)"],
    "a column that is not there": ["select nope from customers", "select pan, nope from cards"],
    "a table that is not there": ["select * from nope", "delete from nope", "select pan from cards, nope"],
    "a schema that is not there": ["select pan from cards, nope.nope"],
    "an assigned column that is not there": ["insert into cards (nope) values (1)"],
    "what depends on it": ["drop table customers"],
    "what is there already": ["create table customers (id int)", "create table if not exists customers (id int)"],
    "a failed transaction": ["begin", "select 1 / 0", "select 1", "commit"],
    "warnings": ["commit", "begin", "begin", "rollback"],
    "definitions": ["alter table cards add column n int", "alter table cards add column if not exists n int"],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", UNLABELLED)
def test_what_has_nothing_to_do_with_protected_columns_is_said_as_ever(worlds, what, form):
    talk = FORMS[form](UNLABELLED[what])
    wanted, said = worlds.said(worlds.direct, talk), worlds.said(worlds.through, talk)
    assert any(tag in "EN" for tag, _ in wanted[0])
    assert said == wanted


def test_who_may_reveal_is_told_everything(worlds):
    statements = ["update cards set n = -1, note = 'x' where id = 1", "select blames(1)", "insert into cards (id, pan) values (1, 'x')"]
    wanted = worlds.said(worlds.direct, simple(statements))
    said = worlds.said(lambda name: worlds.through(name, ["fraud"]), simple(statements))
    codes = lambda it: [[wire.fields(body)["C"] for tag, body in world if tag == "E"] for world in it]
    assert codes(said) == codes(wanted) == [["22012", "22008", "23505"], ["22P02", "22008", "23505"]]
    assert all("R" in wire.error(world) for world in said)


def test_clients_know_a_duplicate_and_a_deadlock_for_what_they_are(worlds):
    with psycopg.connect(**worlds.gateway.dsn(worlds.names[0]), password=worlds.issuer.agent(), autocommit=True) as session:
        with pytest.raises(psycopg.errors.UniqueViolation) as raised:
            session.execute("insert into customers values (1, 'c', 3)")
        assert raised.value.diag.constraint_name == "customers_pkey"
        with pytest.raises(psycopg.IntegrityError) as raised:
            session.execute("insert into cards (id, pan) values (1, 'x')")
        assert raised.value.diag.constraint_name is None and "Request " in raised.value.diag.message_detail
