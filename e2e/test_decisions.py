"""Every command is decided by policy before a byte of it reaches the database."""

import psycopg
import pytest

from panguard_test import cards, until, wire
from panguard_test.refusal import refusal, turned_away

READ_ONLY = """
@id("connect") permit (principal, action in [Action::"connect", Action::"session"], resource);
@id("read") permit (principal, action == Action::"read", resource);
"""


def policies_took_over(gateway, sets):
    """Waits until the gateway has put other policies in force `sets` times; each is recorded before."""
    until(lambda: gateway.said().count("policies in force") >= sets, "the policies took over")
    assert len(gateway.audit("--event", "policy_changed")) >= sets


# --- nothing is allowed by itself ----------------------------------------------------------------------


def test_an_empty_policy_folder_allows_nothing(make_gateway, issuer):
    gateway = make_gateway(policies={})
    told = turned_away(lambda: gateway.connect(issuer.agent(groups=["agents", "admins", "fraud"])))
    assert "PGD-0004" in told and "HINT" in told


def test_connecting_alone_allows_no_command(make_gateway, issuer):
    gateway = make_gateway(policies='permit (principal, action == Action::"connect", resource);')
    with gateway.connect(issuer.agent()) as session:
        for sql in ("select 1", "select * from payments", "begin", "set timezone to 'UTC'", "show timezone", "listen x"):
            assert refusal(session, sql).code == "PGD-0005", sql


# --- what a refusal says -------------------------------------------------------------------------------


def test_a_refused_drop_says_who_decided_and_what_to_do(gateway, cluster, payments, agent):
    told = refusal(agent, "drop table cards")
    assert (told.sqlstate, told.code) == ("42501", "PGD-0005")
    assert "no-drop" in told.detail and "the migration tool only" in told.detail and "PCI DSS 6.5.1" in told.detail
    assert "do not retry" in told.hint.lower()
    with cluster.connect(payments["database"]) as direct:
        assert direct.execute("select count(*) from cards").fetchone() == (3,)
    (entry,) = [line["entry"] for line in gateway.audit("--event", "command_refused")
                if line["entry"]["request"] == told.request]
    assert entry["event"]["code"] == "PGD-0005" and "drop table cards" in entry["event"]["command"]["statement"]
    shown = gateway.run("audit", "show", told.request).stdout
    assert "drop table cards" in shown


def test_a_refusal_leaves_the_session_usable(agent):
    for _ in range(3):
        refusal(agent, "drop table cards")
        refusal(agent, "select name from staff")
        assert agent.execute("select 1").fetchone() == (1,)
    assert agent.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("sql", [
    "drop table cards", "DROP TABLE IF EXISTS Cards, payments", "drop/**/table cards", "truncate cards",
    "alter table cards drop column pan", "create table x (id int)", "grant all on cards to public",
    "create role evil superuser", "alter system set log_statement to 'all'", "vacuum", "drop schema public cascade",
    "create function f() returns int language sql as 'select 1'", "do $$ begin end $$", "call p()",
    "copy payments to program 'cat'", "copy payments to '/tmp/x'", "copy payments from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')", "select lo_import('/etc/passwd')", "select pg_terminate_backend(1)",
    "set role postgres", "set session authorization postgres", "reset role", "load 'x'", "create extension dblink",
    "select set_config('search_path', 'x', false)", "set search_path to evil", "security label on table cards is 'x'",
    "select name from staff", "select 1 from payments, staff", "with s as (select * from staff) select 1",
    "select (select count(*) from staff)", "table staff", "copy staff to stdout", "lock table staff",
    "explain analyze delete from staff", "insert into payments (memo) select name from staff",
    "select * from public.staff", 'select * from "staff"', "declare c cursor for select * from staff",
    "prepare p as select * from staff", "select query_to_xml('select * from staff', true, true, '')",
])
def test_what_no_policy_permits_is_refused(agent, sql):
    told = refusal(agent, sql)
    assert told.code in ("PGD-0005", "PGD-0007"), told
    assert told.sqlstate == "42501"


@pytest.mark.parametrize("sql", ["select from where", "selec 1", "select 'open", "drop table cards; --'", "select 1 /* open",
                                 "\\d cards", "1", "select $1$ from"])
def test_a_statement_that_does_not_parse_is_refused(agent, sql):
    told = refusal(agent, sql)
    assert told.code in ("PGD-0007", "PGD-0005"), told
    assert agent.execute("select 1").fetchone() == (1,)


def test_a_policy_that_errs_is_a_refusal(make_gateway, issuer):
    gateway = make_gateway(policies=READ_ONLY + """
        @id("errs") forbid (principal, action == Action::"read", resource) when { 9223372036854775807 + context.statements > 0 };
    """)
    with gateway.connect(issuer.agent()) as session:
        told = refusal(session, "select count(*) from payments")
        assert told.code == "PGD-0009" and told.sqlstate == "58000"


def test_what_an_approval_would_allow_says_so(make_gateway, issuer, payments):
    gateway = make_gateway(connections={"payments": {**payments, "approvals": {"wait": False}}}, policies=READ_ONLY + """
        permit (principal, action == Action::"write", resource);
        @id("ask-first") forbid (principal, action == Action::"write", resource) unless { context.approvals >= 1 };
    """)
    assert "policy `ask-first` asks for approvals, and nobody may give one" in gateway.run("check").stderr
    with gateway.connect(issuer.agent()) as session:
        assert refusal(session, "delete from payments").code == "PGD-0008"


# --- several statements --------------------------------------------------------------------------------


def test_several_statements_are_decided_together(gateway, issuer, agent):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        assert wire.tags(session.exchange(wire.query("select 1; select 2;"))) == "TDCTDCZ"
        answer = session.exchange(wire.query("insert into payments (memo) values ('first of two'); drop table cards"))
        assert wire.tags(answer) == "EZ" and wire.error(answer)["C"] == "42501"
        assert wire.tags(session.exchange(wire.query("/* nothing */"))) == "IZ"
        assert wire.tags(session.exchange(wire.query(""))) == "IZ"
    assert agent.execute("select count(*) from payments where memo = 'first of two'").fetchone() == (0,)


def test_several_statements_in_one_message_are_one_transaction(gateway, issuer, agent):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        answer = session.exchange(wire.query("insert into payments (memo) values ('undone'); select 1/0; select 3"))
        assert wire.tags(answer) == "CEZ" and wire.error(answer)["C"] == "22012"
        answer = session.exchange(wire.query("begin; insert into payments (memo) values ('undone'); rollback; select 4"))
        assert wire.tags(answer) == "CCCTDCZ" and session.status == "I"
    assert agent.execute("select count(*) from payments where memo = 'undone'").fetchone() == (0,)


# --- transactions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_a_refusal_in_a_transaction_fails_it_on_both_sides(gateway, cluster, payments, issuer, extended):
    def ask(session, sql):
        if extended:
            return session.exchange(wire.parse(sql), wire.describe(), wire.bind(), wire.execute(), wire.SYNC)
        return session.exchange(wire.query(sql))

    with wire.Wire.session(gateway, issuer.agent()) as session, cluster.connect(payments["database"]) as direct:
        ask(session, "begin")
        ask(session, "update payments set memo = 'of a failed transaction' where id = 1")
        assert session.status == "T"
        answer = ask(session, "drop table cards")
        assert wire.error(answer)["C"] == "42501" and session.status == "E"
        # What it had locked is free: upstream, too, the transaction has failed.
        until(lambda: direct.execute("select id from payments where id = 1 for update skip locked").fetchone(),
              "the lock of the failed transaction is gone")
        for sql in ("select 1", "insert into payments (memo) values ('x')", "drop table cards", "savepoint s", "begin"):
            answer = ask(session, sql)
            assert wire.error(answer)["C"] == "25P02" and session.status == "E", sql
        answer = ask(session, "commit")
        assert (b"ROLLBACK\0" in [body for tag, body in answer if tag == "C"]) and session.status == "I"
        assert wire.rows(ask(session, "select memo from payments where id = 1")) == [[b"order 1"]]


def test_a_refusal_behind_a_savepoint_can_be_rolled_back_to(gateway, issuer):
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        session.execute("insert into payments (card, memo) values (1, 'before the savepoint')")
        session.execute("savepoint one")
        refusal(session, "drop table cards")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("select 1")
        session.execute("rollback to savepoint one")
        assert session.execute("delete from payments where memo = 'before the savepoint' returning 1").fetchall() == [(1,)]
        session.commit()


def test_a_refused_pipeline_is_skipped_up_to_its_sync(gateway, issuer, agent):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        answer = session.exchange(
            wire.parse("select 1"), wire.bind(), wire.execute(),
            wire.parse("drop table cards"), wire.bind(), wire.execute(),
            wire.parse("insert into payments (memo) values ('skipped')"), wire.bind(), wire.execute(), wire.SYNC)
        assert wire.tags(answer) == "12DCEZ" and session.status == "I"
        assert wire.tags(session.exchange(wire.parse("select 2"), wire.bind(), wire.execute(), wire.SYNC)) == "12DCZ"
    assert agent.execute("select count(*) from payments where memo = 'skipped'").fetchone() == (0,)


# --- portals -------------------------------------------------------------------------------------------


def test_a_portal_is_fetched_in_pieces_under_its_own_terms(gateway, issuer):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        session.exchange(wire.query("begin"))
        first = session.exchange(wire.parse("select pan from cards order by id", "s"), wire.bind("s", "p"),
                                 wire.execute("p", 1), wire.SYNC)
        assert wire.tags(first) == "12DsZ"
        rest = session.exchange(wire.execute("p", 1), wire.execute("p", 0), wire.SYNC)
        got = wire.rows(first) + wire.rows(rest)
        assert got == [[cards.last4(pan).encode()] for pan in (cards.VISA, cards.MASTERCARD, cards.AMEX)]


def test_prepared_in_sql_is_decided_when_it_is_executed(agent):
    agent.execute("prepare by_id as select pan from cards where id = $1")
    assert agent.execute("execute by_id(1)").fetchone() == (cards.last4(cards.VISA),)
    agent.execute("deallocate by_id")
    with pytest.raises(psycopg.Error):
        agent.execute("execute by_id(1)")


# --- policies change -----------------------------------------------------------------------------------


def test_a_policy_change_reaches_a_statement_prepared_before(make_gateway, issuer):
    gateway = make_gateway(policies=READ_ONLY)
    with wire.Wire.session(gateway, issuer.agent()) as session:
        answer = session.exchange(wire.parse("select count(*) from payments", "old"), wire.bind("old"), wire.execute(), wire.SYNC)
        assert wire.tags(answer) == "12DCZ"
        gateway.write_policies(READ_ONLY + '@id("closed") forbid (principal, action == Action::"read", resource);')
        gateway.reload()
        policies_took_over(gateway, 1)
        answer = session.exchange(wire.bind("old"), wire.execute(), wire.SYNC)
        assert wire.error(answer)["C"] == "42501" and "closed" in wire.error(answer)["D"]
        gateway.write_policies(READ_ONLY)
        gateway.reload()
        policies_took_over(gateway, 2)
        assert wire.tags(session.exchange(wire.bind("old"), wire.execute(), wire.SYNC)) == "2DCZ"


def test_policies_are_taken_up_without_a_signal(make_gateway, issuer):
    gateway = make_gateway(policies=READ_ONLY)
    with gateway.connect(issuer.agent()) as session:
        refusal(session, "delete from payments where false")
        gateway.write_policies(READ_ONLY + 'permit (principal, action == Action::"write", resource);')
        policies_took_over(gateway, 1)
        session.execute("delete from payments where false")


@pytest.mark.parametrize("bad", ["permit (principal, action, resource", 'permit (principal, action == Action::"raed", resource);',
                                 'permit (principal, action == Action::"read", resource) when { context.nothing };'])
def test_a_bad_policy_is_refused_and_the_old_ones_stay(make_gateway, issuer, bad):
    gateway = make_gateway(policies=READ_ONLY)
    with gateway.connect(issuer.agent()) as session:
        gateway.write_policies({"policies.cedar": "", "new.cedar": bad})
        gateway.reload()
        until(lambda: "new.cedar" in gateway.said(), "the log names the bad file")
        assert session.execute("select count(*) from payments").fetchone()[0] > 0
        assert refusal(session, "delete from payments").code == "PGD-0005"
        checked = gateway.run("check", check=False)
        assert checked.returncode == 2 and "new.cedar:1" in checked.stderr
    assert gateway.audit("--event", "policy_changed") == []


def test_the_start_is_refused_with_a_bad_policy(make_gateway):
    gateway = make_gateway(policies="permit (principal, action, resource", start=False)
    done = gateway.run("serve", check=False)
    assert done.returncode == 2 and "policies.cedar:1" in done.stderr
