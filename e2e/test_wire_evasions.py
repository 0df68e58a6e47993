"""What a malicious agent says in the protocol's own words, to a real server."""

import struct

import pytest

from panguard_test import cards, wire

# The same table by name and by type in two schemas; one of them holds card codes.
SEED = cards.SEED + """
create schema a;
create schema b;
create table a.t (x text);
create table b.t (x text);
insert into a.t values ('fine');
insert into b.t values ('737');
create view knobs as select name, setting from pg_settings;
create function lenient() returns int language plpgsql as $$ begin perform set_config('standard_conforming_strings', 'off', false); return 1; end $$;
create function lenient_row() returns trigger language plpgsql as $$ begin perform lenient(); return new; end $$;
create table log (id int);
create trigger lenient before insert on log for each row execute function lenient_row();
create view few as select id, amount from cards where id < 10 with check option;
"""
DATA = {**cards.DATA, "b.t.x": "sad"}
POLICIES = cards.POLICIES + """
    permit (principal in Group::"agents", action == Action::"session", resource);
    permit (principal in Group::"agents", action == Action::"call", resource);
"""


@pytest.fixture
def upstream(cluster):
    database = cluster.create_database(SEED)
    with cluster.connect(database) as session:
        session.execute("grant usage on schema a, b to public")
        session.execute("grant all on all tables in schema public, a, b to public")
        session.commit()
    return cluster.upstream(database, data=DATA)


@pytest.fixture
def session(make_gateway, upstream, issuer):
    gateway = make_gateway(POLICIES, connections={"payments": upstream})
    with wire.Wire.session(gateway, issuer.agent()) as session:
        yield session


def rows(answer):
    """The first value of each row."""
    values = []
    for tag, body in answer:
        if tag == "D":
            length = struct.unpack("!i", body[2:6])[0]
            values.append(None if length < 0 else body[6:6 + length])
    return values


def errors(answer):
    return [wire.fields(body)["C"] for tag, body in answer if tag == "E"]


@pytest.mark.parametrize("described", [b"", wire.describe("P")], ids=["not described", "described"])
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_a_statement_prepared_under_one_search_path_is_masked_under_another(session, described, binary):
    run = (wire.bind("s", binary=binary), described, wire.execute(), wire.SYNC)
    assert not errors(session.exchange(wire.query("set search_path = a")))
    assert not errors(session.exchange(wire.parse("select x from t", "s"), wire.SYNC))
    assert rows(session.exchange(*run)) == [b"fine"]
    assert not errors(session.exchange(wire.query("set search_path = b")))
    assert rows(session.exchange(*run)) == [None]


def test_a_name_is_not_cut_to_anothers(session):
    name = "n" * 63
    assert errors(session.exchange(wire.parse("select note from cards", name + "x"), wire.SYNC)) == ["42622"]
    assert not errors(session.exchange(wire.parse("select note from cards", name), wire.SYNC))
    assert errors(session.exchange(wire.bind(name + "y"), wire.execute(), wire.SYNC)) == ["42622"]
    assert not errors(session.exchange(wire.bind(name), wire.execute(), wire.SYNC))


def test_the_row_that_a_view_does_not_take_is_not_shown(session):
    answer = session.exchange(wire.query("update few set id = 50 where id = 1"))
    (told,) = [body for tag, body in answer if tag == "E"]
    assert b"737" not in told and b"Ada" not in told and wire.fields(told)["C"] == "23000"


def test_portals_may_be_mixed_in_one_burst(session):
    """Each portal's rows are masked as its own statement's, whatever order they are run in."""
    answer = session.exchange(
        wire.parse("select note from cards where id = 1", "n"), wire.parse("select pan from cards where id = 1", "p"),
        wire.parse("select cvv from cards where id = 1", "c"),
        wire.bind("n", "1"), wire.bind("p", "2"), wire.bind("c", "3"),
        wire.execute("3"), wire.execute("2"), wire.execute("1"), wire.SYNC)
    assert rows(answer) == [None, cards.last4(cards.VISA).encode(), b"fine"]


def test_string_literals_are_read_alike_whatever_the_role_is_set_to(cluster, make_gateway, upstream, issuer):
    with cluster.connect("postgres", autocommit=True) as admin:
        admin.execute(f"alter database {upstream['database']} set standard_conforming_strings = off")
    gateway = make_gateway(POLICIES, connections={"payments": upstream})
    with wire.Wire.session(gateway, issuer.agent()) as session:
        assert session.parameters["standard_conforming_strings"] == "on"
        assert rows(session.exchange(wire.query(r"select 'a\' as x"))) == [b"a\\"]


def test_copy_data_that_nothing_asked_for_stops_nobody(session):
    answer = session.exchange(wire.parse("select 'x'"), wire.bind(), wire.execute(), wire.message("d", b"y"), wire.SYNC)
    assert rows(answer) == [b"x"]
    assert rows(session.exchange(wire.query("select 'z'"))) == [b"z"]


def test_a_thousand_statements_and_cursors_are_a_session_like_any_other(session):
    for batch in range(4):
        names = [f"p{batch}-{number}" for number in range(250)]
        assert not errors(session.exchange(
            *(wire.parse("select note from cards", name) + wire.bind(name, name) for name in names),
            *(wire.execute(name, 1) for name in names), wire.SYNC))
    assert len(rows(session.exchange(wire.bind("p0-7"), wire.execute(), wire.SYNC))) == 3


@pytest.mark.parametrize("first, again, run", [
    ("prepare p as select note from cards", "deallocate p; prepare p as select {} from cards", "execute p"),
    ("declare c cursor for select note from cards", "close c; declare c cursor for select {} from cards", "fetch all from c"),
])
@pytest.mark.parametrize("column", ["cvv", "holder", "reverse(pan)"])
def test_what_a_portal_runs_by_name_is_not_another_than_was_described(session, first, again, run, column):
    assert not errors(session.exchange(wire.query("begin")))
    assert not errors(session.exchange(wire.query(first)))
    assert not errors(session.exchange(wire.parse(run, "s"), wire.bind("s", "po"), wire.describe("P", "po"), wire.message("H"), wire.SYNC))
    assert not errors(session.exchange(wire.query(again.format(column))))
    answer = session.exchange(wire.execute("po"), wire.SYNC)
    assert not rows(answer) and errors(answer)
    session.exchange(wire.query("rollback"))
    session.exchange(wire.query("deallocate all"))
    # Bound and run at once it is what it is.
    assert not errors(session.exchange(wire.query("begin")))
    assert not errors(session.exchange(wire.query(first)))
    assert rows(session.exchange(wire.parse(run), wire.bind(), wire.describe("P"), wire.execute(), wire.SYNC))[0] == b"fine"


def test_a_row_of_pg_settings_is_not_changed(session):
    """To change one is to SET, and PostgreSQL lets everybody."""
    for sql in (
        "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
        "with a as (update pg_settings set setting = 'off' where name = 'standard_conforming_strings' returning 1) select 1",
        "update knobs set setting = 'off' where name = 'standard_conforming_strings'",
        "insert into pg_settings (name) values ('x')",
    ):
        assert errors(session.exchange(wire.query(sql))) == ["42501"], sql
    assert rows(session.exchange(wire.query("show standard_conforming_strings"))) == [b"on"]


@pytest.mark.parametrize("before", [
    "select lenient()",
    "insert into log values (7)",
], ids=["by a function", "by a trigger"])
def test_what_changes_how_literals_are_read_does_not_hide_what_follows(session, before):
    """Nobody says how they are read now until the pipeline is through, and what is read otherwise would be told."""
    hidden = r"select '\' || ' || reverse(pan) from cards --'"
    answer = session.exchange(
        wire.parse(before), wire.bind(), wire.execute(), wire.parse(hidden), wire.bind(), wire.execute(), wire.SYNC)
    assert errors(answer) == ["42501"]
    assert len(rows(answer)) <= 1, "of what came before"
    assert session.exchange(wire.query(hidden))[0][0] in "ET"
    assert cards.VISA[::-1].encode() not in b"".join(body for _, body in answer)
