"""What was approved of so many rows is rolled back if it touches more, whatever the client sends it by."""

import subprocess

import psycopg
import pytest
from test_approvals import cli

from panguard_test import cards, until, wire
from panguard_test.approver import POLICIES, Approver
from panguard_test.refusal import refusal

ONCALL = POLICIES + """
    @id("oncall") permit (principal in Group::"oncall", action == Action::"break_glass", resource in Connection::"payments");
"""


@pytest.fixture(scope="module")
def payments(cluster):
    seed = cards.SEED + "create table public.notes_of_ours (id int primary key, body text);"
    return cluster.upstream(cluster.create_database(seed), labels=["cde"], data=cards.DATA)


@pytest.fixture
def guarded(make_gateway, payments):
    return make_gateway(policies=ONCALL, connections={"payments": payments})


@pytest.fixture
def owner(guarded, issuer):
    return Approver(guarded, issuer.person("bea", groups=["owners"]))


@pytest.fixture
def server(cluster, payments):
    """The protected system itself, with five notes."""
    with cluster.connect(payments["database"], autocommit=True) as server:
        server.execute("truncate public.notes_of_ours")
        server.execute("insert into public.notes_of_ours select n, 'old' from generate_series(1, 5) n")
        yield server


UPDATE = "update notes_of_ours set body = 'new' where id <= 5"


def bodies(server):
    return server.execute("select body, count(*) from notes_of_ours group by body order by body").fetchall()


def add_one(server):
    server.execute("insert into notes_of_ours values (0, 'old')")


def outcomes(gateway):
    return [(it["status"], it["code"]) for line in gateway.audit() if (it := line["entry"]["event"])["type"] == "outcome"]


def answered(owner, **more):
    request = owner.one("notes_of_ours")
    status, after = owner.approve(request["id"], **more)
    assert status == 200, after
    return after


def test_a_simple_query_that_touches_more_than_was_counted_is_rolled_back(guarded, issuer, owner, server):
    psql = subprocess.Popen(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", UPDATE],
                            env=guarded.environment_of_client(issuer.agent()),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.get(owner.one("notes_of_ours")["id"])["effect"]["rows"] == 5
    add_one(server)
    assert answered(owner)["rows_max"] == 5
    out, err = psql.communicate(timeout=10)
    assert psql.returncode == 1 and out == "" and "PGD-0022" in err and "6" not in err.partition("PGD-0022")[2].partition("DETAIL")[0], (out, err)
    assert bodies(server) == [("old", 6)]
    until(lambda: ("rolled_back", "UPDATE 6") in outcomes(guarded), "its outcome says so")


def test_a_simple_query_that_touches_as_many_is_as_any_other(guarded, issuer, owner, server):
    psql = subprocess.Popen(["psql", "-X", "-c", UPDATE + " returning id, body"],
                            env=guarded.environment_of_client(issuer.agent()),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    answered(owner)
    out, err = psql.communicate(timeout=10)
    assert psql.returncode == 0 and out.splitlines()[-1] == "UPDATE 5" and "(5 rows)" in out and "5 | new" in out, (out, err)
    assert bodies(server) == [("new", 5)]


@pytest.mark.parametrize("prepare", [True, False])
def test_a_statement_with_parameters_is_rolled_back(guarded, issuer, owner, server, in_background, prepare):
    with guarded.connect(issuer.agent()) as session:
        statement = "update notes_of_ours set body = %s where id <= %s"
        said = in_background(lambda: refusal(session, statement, ("new", 5), prepare=prepare))
        owner.one("notes_of_ours")
        add_one(server)
        answered(owner)
        assert said.result(10).code == "PGD-0022"
        assert bodies(server) == [("old", 6)]
        assert session.execute("select 1").fetchone() == (1,), "the session goes on"


@pytest.mark.parametrize("extended", [True, False])
def test_in_a_transaction_all_of_it_fails(guarded, issuer, owner, server, in_background, extended):
    cursor = psycopg.RawCursor if extended else psycopg.ClientCursor
    with guarded.connect(issuer.agent(), autocommit=False, cursor_factory=cursor) as session:
        first = in_background(session.execute, "update notes_of_ours set body = 'first' where id = 1")
        answered(owner)
        first.result(10)
        second = in_background(lambda: pytest.raises(psycopg.Error, session.execute, "delete from notes_of_ours where id > -1"))
        owner.one("delete from notes_of_ours")
        add_one(server)
        answered(owner)
        assert "PGD-0022" in str(second.result(10).value)
        assert session.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("select 1")
        session.commit()
        assert bodies(server) == [("old", 6)], "nothing of the transaction is there"


def test_a_savepoint_before_it_gives_back_what_was_there(guarded, issuer, owner, server, in_background):
    with guarded.connect(issuer.agent(), autocommit=False) as session:
        session.execute("savepoint before")
        said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, UPDATE))
        owner.one("notes_of_ours")
        add_one(server)
        answered(owner)
        assert "PGD-0022" in str(said.result(10).value)
        session.execute("rollback to before")
        assert session.execute("select count(*) from notes_of_ours where body = 'new'").fetchone() == (0,)
        session.commit()
    assert bodies(server) == [("old", 6)]


def test_whoever_answers_may_say_how_many(guarded, issuer, owner, server, in_background):
    with guarded.connect(issuer.agent()) as session:
        said = in_background(lambda: refusal(session, UPDATE))
        answered(owner, rows_max=3)
        told = said.result(10)
        assert told.code == "PGD-0022"
        said = in_background(session.execute, "create table of_no_rows (a int)")
        request = owner.one("of_no_rows")
        status, document = owner.approve(request["id"], rows_max=3)
        assert (status, document["type"]) == (400, "urn:panguard:console:no-rows")
        owner.deny(request["id"])
        with pytest.raises(psycopg.Error):
            said.result(10)
    assert bodies(server) == [("old", 5)]


@pytest.mark.parametrize("by", ["query", "extended"])
def test_a_transaction_that_was_ended_without_a_sync_is_over(guarded, issuer, owner, server, by):
    """What the last ReadyForQuery said of it, that it had failed, holds no more."""
    with wire.Wire.session(guarded, issuer.agent()) as session:
        session.exchange(wire.query("begin"))
        session.exchange(wire.query("select 1/0"))
        session.send(wire.parse("rollback"), wire.bind(), wire.execute(), wire.FLUSH)
        session.until("C")
        if by == "query":
            session.send(wire.query(UPDATE))
        else:
            session.send(wire.parse(UPDATE), wire.bind(), wire.describe("P"), wire.execute(), wire.SYNC)
        answered(owner, rows_max=1)
        assert "PGD-0022" in wire.error(session.until("Z"))["M"]
    assert bodies(server) == [("old", 5)]


def test_what_it_returns_beyond_what_was_approved_is_not_told(guarded, issuer, owner, server, in_background):
    """By hand: no client gives its caller rows before an error."""
    with wire.Wire.session(guarded, issuer.agent()) as session:
        session.send(wire.query(UPDATE + " returning id"))
        answered(owner, rows_max=2)
        answer = session.until("Z")
        assert "".join(tag for tag in wire.tags(answer) if tag in "TDCE") == "TDDE", answer
    assert bodies(server) == [("old", 5)]


def test_pieces_of_an_answer_are_not_approved(guarded, issuer, server):
    """How many rows are touched is said with the last piece, and a Sync in between would commit them."""
    with wire.Wire.session(guarded, issuer.agent()) as session:
        answer = session.exchange(wire.parse(UPDATE + " returning id"), wire.bind(), wire.execute(rows=1), wire.SYNC)
        told = wire.error(answer)["M"]
        assert "PGD-0008" in told and "fetch them at once" in told
    assert bodies(server) == [("old", 5)]


def test_a_kill_between_the_count_and_the_commit_changes_nothing(guarded, issuer, owner, server, in_background):
    """What is not committed when panguard dies is not there: a trigger holds the command before its count is known."""
    server.execute("create or replace function wait_there() returns trigger language plpgsql as "
                   "$$ begin perform pg_advisory_xact_lock(4711); return null; end $$")
    server.execute("create trigger waits after update on notes_of_ours for each statement execute function wait_there()")
    server.execute("select pg_advisory_lock(4711)")
    try:
        with guarded.connect(issuer.agent()) as session:
            said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, UPDATE))
            answered(owner, rows_max=5)
            waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            until(lambda: server.execute(waits).fetchone() == (1,), "it is at its trigger")
            guarded.kill()
            said.result(10)
    finally:
        server.execute("select pg_advisory_unlock(4711)")
        server.execute("drop function wait_there cascade")
    until(lambda: server.execute(waits).fetchone() == (0,), "it is over")
    until(lambda: bodies(server) == [("old", 5)], "nothing of it is there")


def test_the_glass_is_broken_from_a_terminal_and_reviewed(guarded, issuer, owner, server):
    psql = subprocess.Popen(["psql", "-X", "-c", UPDATE], env=guarded.environment_of_client(issuer.agent()),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    request = owner.one("notes_of_ours")["id"]

    ona, both = (issuer.person("ona", groups=groups) for groups in (["oncall"], ["oncall", "owners"]))
    bea = issuer.person("bea", groups=["owners"])
    assert cli(guarded, ona, "approve", request, "--comment", "yes", check=False).returncode == 1, "it is no approval"
    assert cli(guarded, ona, "break-glass", request, "--reason", "  ", check=False).returncode == 1
    broken = cli(guarded, ona, "break-glass", request, "--reason", "the site is down")
    assert broken.returncode == 0 and "THE GLASS IS BROKEN" in broken.stdout, broken
    out, err = psql.communicate(timeout=10)
    assert psql.returncode == 0 and out.strip() == "UPDATE 5", err
    assert [it["id"] for it in owner.requests()] == [request], "it is a duty"
    shown = cli(guarded, bea, "show", request).stdout
    assert "ona let it run" in shown and "the site is down" in shown and f"panguard requests review {request}" in shown
    assert cli(guarded, both, "review", request, "--comment", "fine", check=False).returncode == 1
    reviewed = cli(guarded, bea, "review", request, "--comment", "it was down")
    assert reviewed.returncode == 0, reviewed
    assert owner.requests() == []
    kinds = [line["entry"]["event"]["type"] for line in guarded.audit()]
    assert [it for it in kinds if it.startswith("glass")] == ["glass_broken", "glass_reviewed"]
