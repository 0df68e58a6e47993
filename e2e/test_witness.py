"""PostgreSQL itself is asked what a statement reads, before it is decided upon for the first time."""

import struct

import psycopg
import pytest

from panguard_test import cards, wire
from panguard_test.refusal import refusal
from test_evasion_cases import EVERYTHING

SWAPPED = """
alter table cards rename column note to was_note;
alter table cards rename column pan to note;
alter table cards rename column was_note to pan;
"""
MOODS = """
create type mood as enum ('calm', 'cross');
create table moods (m mood);
create function mood_of(int) returns mood language sql as $$ select 'calm'::mood $$;
create cast (int as mood) with function mood_of(int) as assignment;
"""
LETTERS = "select translate(note, '0123456789', 'ABCDEFGHIJ') from cards where id = 1"


@pytest.fixture
def database(cluster):
    return cluster.create_database(cards.SEED)


def test_a_column_that_has_another_name_by_now_is_not_told_by_its_old_one(cluster, make_gateway, issuer, database):
    """The snapshot is up to half a minute old; a column of an answer that is made of others has no origin to go by."""
    with cluster.connect(database) as direct, cluster.connect(database) as operator:
        upstream = cluster.upstream(database, user="postgres", data=cards.DATA)
        gateway = make_gateway(EVERYTHING, connections={"payments": upstream})
        with gateway.connect(issuer.agent()) as session:
            operator.execute(SWAPPED)
            told = refusal(session, LETTERS)
            assert told.code == "PGD-0007" and "contradicted by the database" in told.message, told
        assert direct.execute(LETTERS).fetchone() == (cards.VISA.translate(str.maketrans("0123456789", "ABCDEFGHIJ")),)


def test_it_is_heard_in_all_forms_and_what_it_says_is_what_is_understood(cluster, make_gateway, issuer, database):
    with cluster.connect(database) as admin:
        admin.execute("create schema shop; create table shop.cards (id int, note text); insert into shop.cards values (7, 'x')")
    gateway = make_gateway(EVERYTHING, connections={"payments": cluster.upstream(database, user="postgres", data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select id from cards where id = %s", [1], prepare=True).fetchone() == (1,)
        assert session.execute("select id from cards where id = any (%s)", [[1, 2]]).fetchall() == [(1,), (2,)]
        assert session.execute("select note from cards where note = %s or id = %s", ["fine", 9]).fetchall() == [("fine",)]
        cursor = session.execute("select 1 from cards where id = 1; select id from payments where id = 1")
        assert cursor.nextset() and cursor.fetchone() == (1,)
        assert "Seq Scan" in session.execute("explain select id from cards").fetchone()[0]
        with session.transaction():
            session.execute("declare few cursor for select id from cards order by id")
            assert session.execute("fetch 1 from few").fetchone() == (1,)
        session.execute("insert into payments (card, amount) select id, 1 from cards")
        session.execute("set search_path to shop, public")
        assert session.execute("select id, note from cards").fetchall() == [(7, "x")]
        with session.transaction(force_rollback=True):
            session.execute("create temp table passing (id int)")
            assert session.execute("select id from passing").fetchall() == []


def test_a_function_behind_a_cast_is_a_call(cluster, make_gateway, issuer, database):
    with cluster.connect(database) as admin:
        admin.execute(MOODS)
    gateway = make_gateway(EVERYTHING, connections={"payments": cluster.upstream(database, user="postgres", data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session:
        session.execute("insert into moods values ('calm')")
        told = refusal(session, "insert into moods values (1)")
        assert told.code == "PGD-0005" and "mood_of" in told.message


def test_the_types_of_parameters_are_a_part_of_what_is_asked(cluster, make_gateway, issuer, database):
    """One text may mean one function or another by what its parameters are declared to be."""
    with cluster.connect(database) as admin:
        admin.execute(MOODS)
    gateway = make_gateway(EVERYTHING, connections={"payments": cluster.upstream(database, user="postgres", data=cards.DATA)})

    def parsed(session, *types):
        body = b"\0insert into moods values ($1)\0" + struct.pack(f"!H{len(types)}I", len(types), *types)
        return wire.error(session.exchange(wire.message("P", body), wire.SYNC))

    with wire.Wire.session(gateway, issuer.agent()) as session:
        assert parsed(session) is None
        told = parsed(session, 23)
        assert "PGD-0005" in told["M"] and "mood_of" in told["M"]
        assert parsed(session) is None
        assert "PGD-0005" in parsed(session, 23)["M"]


@pytest.mark.parametrize("then, parameters", [("'1'", None), ("%s", ["1"])])
def test_a_text_that_the_server_does_not_take_speaks_for_no_other_of_its_shape(cluster, make_gateway, issuer, database, then, parameters):
    with cluster.connect(database) as operator:
        gateway = make_gateway(EVERYTHING, connections={"payments": cluster.upstream(database, user="postgres", data=cards.DATA)})
        sql = "select translate(note, '0123456789', 'ABCDEFGHIJ') from cards where id = "
        with gateway.connect(issuer.agent()) as session, wire.Wire.session(gateway, issuer.agent()) as raw:
            with pytest.raises(psycopg.Error):
                session.execute(sql + "'no number'")
            # json is no number either, declared for a parameter.
            body = b"\0" + (sql + "$1").encode() + b"\0" + struct.pack("!HI", 1, 114)
            assert wire.error(raw.exchange(wire.message("P", body), wire.SYNC))
            operator.execute(SWAPPED)
            assert "contradicted" in refusal(session, sql + then, parameters).message


def test_where_it_cannot_be_asked_two_witnesses_are_left(cluster, make_gateway, issuer, database):
    with cluster.connect(database) as admin:
        admin.execute(f"revoke temporary on database {database} from public")
        admin.execute(f"alter database {database} owner to postgres; grant all on all tables in schema public to app_rw")
    gateway = make_gateway(cards.POLICIES, connections={"payments": cluster.upstream(database, data=cards.DATA)})
    with gateway.connect(issuer.agent()) as session:
        for _ in range(3):
            assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(cards.VISA),)
        assert session.execute("select reverse(pan) from cards where id = 1").fetchone() == ("****",)
    assert gateway.said().count("does not say what statements read") == 1


def test_what_is_locked_is_not_decided_upon_unheard(cluster, make_gateway, issuer, database):
    """Who asks may hold the lock in another session, so that two witnesses would be left."""
    with cluster.connect(database) as operator:
        operator.execute("create table locked (id int)")
        gateway = make_gateway(EVERYTHING, connections={"payments": cluster.upstream(database, user="postgres", data=cards.DATA)})
        sql = "select translate(note, '0123456789', 'ABCDEFGHIJ') from cards left join locked l on true where cards.id = 1"
        with gateway.connect(issuer.agent()) as holder, gateway.connect(issuer.agent()) as session:
            operator.execute(SWAPPED)
            with holder.transaction():
                holder.execute("lock table locked in access exclusive mode")
                told = refusal(session, sql)
                assert told.code == "PGD-0007" and "locked" in told.message
            # It is asked again when it is sent again.
            assert "contradicted" in refusal(session, sql).message
