"""A human answers for exactly one command, and the agent's client is an ordinary one."""

import concurrent.futures
import json
import os
import re
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import openai
import psycopg
import pytest

from panguard_test import cards, until, wire
from panguard_test.approver import POLICIES, UPDATE, Approver
from panguard_test.refusal import refusal
from panguard_test.upstream_http import Upstream



@pytest.fixture(scope="module")
def payments(cluster):
    """A database of its own: what is approved here changes it."""
    return cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)


@pytest.fixture
def guarded(make_gateway):
    return make_gateway(policies=POLICIES)


@pytest.fixture
def ticketing(make_gateway, payments):
    return make_gateway(policies=POLICIES, connections={"payments": {**payments, "approvals": {"wait": False}}})


@pytest.fixture
def owner(guarded, issuer):
    return Approver(guarded, issuer.person("bea", groups=["owners"]))


def amount(payments_session, id=1):
    return payments_session.execute(f"select amount from payments where id = {id}").fetchone()[0]


def events(gateway, *names):
    wanted = names or ("approval_asked", "approval_seen", "approval_answered", "approval_not_counted", "approval_ended")
    kinds = [line["entry"]["event"]["type"] for line in gateway.audit()]
    return [kind for kind in kinds if kind in wanted]


# --- the wait -----------------------------------------------------------------------------------------


def test_psql_waits_with_a_notice_and_goes_on_when_it_is_approved(guarded, issuer, owner):
    psql = subprocess.Popen(["psql", "-X", "-c", UPDATE], env=guarded.environment_of_client(issuer.agent()),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    request = owner.one("update payments")
    assert request["asker"]["kind"] == "agent" and request["needed"] == 1 and request["approvals"] == 0
    effect = owner.get(request["id"])["effect"]
    assert effect["rows"] == 1 and not effect.get("is_estimate") and effect["has_where"] and effect["tables"] == ["public.payments"]
    assert psql.poll() is None, "it waits"
    status, after = owner.approve(request["id"])
    assert status == 200 and after["state"] == "approved"
    out, err = psql.communicate(timeout=10)
    assert psql.returncode == 0 and out.strip() == "UPDATE 1", err
    assert request["id"] in err and "NOTICE" in err
    assert owner.get(request["id"])["state"] == "used"
    steps = ["approval_asked", "approval_answered", "command_intent", "outcome"]
    until(lambda: events(guarded, *steps) == steps, "each step is recorded")
    assert guarded.verify().returncode == 0


def test_psycopg_with_parameters_waits_in_the_midst_of_a_transaction(guarded, issuer, owner, in_background):
    with guarded.connect(issuer.agent(), autocommit=False) as session:
        before = amount(session)
        done = in_background(session.execute, "update payments set amount = amount + %s where id = %s", (5, 1))
        request = owner.one("update payments")
        assert request["parameters"] == ["5", "1"]
        owner.approve(request["id"])
        assert done.result(10).rowcount == 1
        assert amount(session) == before + 5
        session.rollback()
        assert amount(session) == before


def test_approvers_see_how_many_rows_it_would_touch(guarded, issuer, owner, in_background, cluster, payments):
    with guarded.connect(issuer.agent()) as session, cluster.connect(payments["database"]) as server:
        (all_rows,) = server.execute("select count(*) from payments").fetchone()
        for sql, parameters, rows, has_where in (
                ("update payments set amount = amount + 0", (), all_rows, False),
                ("update payments set amount = %s where id = any(%s)", (1, [1, 2]), 2, True),
                ("delete from payments using cards where cards.id = payments.card and payments.id < 0", (), 0, True)):
            said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, sql, parameters))
            effect = owner.one(sql.split()[0])["effect"]
            owner.deny(owner.one()["id"])
            said.result(10)
            assert (effect.get("rows"), effect["has_where"]) == (rows, has_where), (sql, effect)


def test_a_denial_reaches_the_client_with_its_reason(guarded, issuer, owner, in_background):
    with guarded.connect(issuer.agent()) as session:
        said = in_background(refusal, session, UPDATE)
        owner.deny(owner.one()["id"], "raise it with finance first")
        told = said.result(10)
        assert told.code == "PGD-0021" and "raise it with finance first" in str(told)
        assert session.execute("select 1").fetchone() == (1,)


def test_nothing_of_a_held_command_is_at_the_upstream(guarded, issuer, owner, in_background, cluster, payments):
    with guarded.connect(issuer.agent()) as session, cluster.connect(payments["database"]) as server:
        session.execute("select 'before'")
        done = in_background(session.execute, UPDATE)
        request = owner.one()
        running = server.execute("select state, query from pg_stat_activity where usename = 'app_rw' and datname = current_database()").fetchall()
        assert ("idle", "select 'before'") in running
        assert not [query for state, query in running if state != "idle" or UPDATE in query]
        owner.approve(request["id"])
        done.result(10)


def test_a_client_that_goes_away_withdraws_its_request(guarded, issuer, owner, in_background):
    session = guarded.connect(issuer.agent())
    said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, UPDATE))
    request = owner.one()
    session.cancel()
    said.result(10)
    until(lambda: owner.get(request["id"])["state"] == "withdrawn", "it is withdrawn")
    status, problem = owner.approve(request["id"])
    assert status == 409 and "withdrawn" in problem["detail"]
    psql = subprocess.Popen(["psql", "-X", "-c", UPDATE], env=guarded.environment_of_client(issuer.agent()),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request = owner.one()
    psql.kill()
    psql.wait()
    until(lambda: owner.get(request["id"])["state"] == "withdrawn", "it is withdrawn")
    session.close()


def test_an_agent_that_hung_up_behind_more_than_is_read_runs_nothing(guarded, issuer, owner, cluster, payments):
    with cluster.connect(payments["database"]) as server:
        before = amount(server)
        with wire.Wire.session(guarded, issuer.agent()) as agent:
            agent.send(wire.query(UPDATE))
            request = owner.one()["id"]
            # What follows is more than the gateway reads while that waits.
            agent.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    agent.socket.send(wire.query("select 1") * 1000)
        owner.approve(request)
        until(lambda: owner.get(request)["state"] == "withdrawn", "it is withdrawn")
        assert amount(server) == before


def test_two_must_approve_where_policy_says_so(guarded, issuer, owner, in_background):
    other = Approver(guarded, issuer.person("dan", groups=["owners"]))
    with guarded.connect(issuer.person("ada", groups=["agents", "owners"])) as session:
        done = in_background(session.execute, "create table approved_by_two (id int)")
        request = owner.one("create table")
        assert request["needed"] == 2
        assert owner.approve(request["id"])[1]["state"] == "waiting"
        assert owner.approve(request["id"])[0] == 409
        assert not done.done()
        assert other.approve(request["id"])[1]["state"] == "approved"
        done.result(10)


def test_two_approvers_at_the_same_instant_let_it_run_once(guarded, issuer, in_background):
    people = [Approver(guarded, issuer.person(f"owner-{n}", groups=["owners"])) for n in range(6)]
    with guarded.connect(issuer.agent()) as session:
        before = amount(session)
        done = in_background(session.execute, UPDATE)
        request = people[0].one()["id"]
        line = threading.Barrier(len(people))

        def answer(person):
            line.wait()
            return person.approve(request)[0]

        statuses = list(concurrent.futures.ThreadPoolExecutor(len(people)).map(answer, people))
        done.result(10)
        assert sorted(set(statuses)) in ([200], [200, 409]) and statuses.count(200) == 1
        assert amount(session) == before + 1


# --- who answers --------------------------------------------------------------------------------------


def test_who_asked_who_lent_access_agents_and_strangers_approve_nothing(guarded, issuer, owner, in_background):
    with guarded.connect(issuer.person("ada", groups=["agents", "owners"])) as session:
        done = in_background(session.execute, UPDATE)
        request = owner.one()["id"]
        own = Approver(guarded, issuer.person("ada", groups=["agents", "owners"]))
        status, problem = own.approve(request)
        assert status == 403 and "your own request" in problem["detail"]
        agent = Approver(guarded, issuer.agent(groups=["owners"]))
        assert agent.approve(request)[0] in (403, 404)
        stranger = Approver(guarded, issuer.person("eve", groups=["agents"]))
        assert stranger.approve(request)[0] == 404 and stranger.requests() == []
        forged = Approver(guarded, owner.token[:-4] + "AAAA")
        assert forged.approve(request)[0] == 401
        assert not done.done()
        owner.approve(request)
        done.result(10)
    lent = issuer.token("carl", agent_id="helper", groups=["agents", "owners"], act={"sub": "service-helper"})
    with guarded.connect(lent) as session:
        done = in_background(session.execute, UPDATE)
        request = owner.one()["id"]
        lender = Approver(guarded, issuer.person("carl", groups=["owners"]))
        assert lender.approve(request)[0] == 403 and Approver(guarded, lent).approve(request)[0] in (403, 404)
        owner.approve(request)
        done.result(10)


# --- the ticket ---------------------------------------------------------------------------------------


def test_a_ticket_lets_the_very_same_command_run_once_whatever_its_white_space(ticketing, issuer):
    owner = Approver(ticketing, issuer.person("bea", groups=["owners"]))
    with ticketing.connect(issuer.agent()) as session:
        before = amount(session)
        told = refusal(session, UPDATE)
        request = owner.one()["id"]
        assert told.code == "PGD-0008" and request in str(told)
        assert request in str(refusal(session, UPDATE)), "the same request"
        owner.approve(request)
        for other in (UPDATE.replace("id = 1", "id = 2"), UPDATE + " and true"):
            assert refusal(session, other).code == "PGD-0008"
        session.execute("UPDATE /* as agreed */ payments\nSET amount = amount + 1  where id=1;")
        assert amount(session) == before + 1
        assert refusal(session, UPDATE).code == "PGD-0008", "it is used up"


@pytest.mark.parametrize("options, before", [
    ("-c extra_float_digits=-15", "select 1"),
    ("", "declare c cursor with hold for select set_config('datestyle', 'ISO, DMY', false)"),
])
def test_a_ticket_is_not_used_by_a_session_that_would_read_it_otherwise(ticketing, issuer, options, before):
    owner = Approver(ticketing, issuer.person("bea", groups=["owners"]))
    with ticketing.connect(issuer.agent()) as session:
        assert refusal(session, UPDATE).code == "PGD-0008"
        owner.approve(owner.one()["id"])
        with ticketing.connect(issuer.agent(), options=options) as other:
            other.execute(before)
            assert refusal(other, UPDATE).code == "PGD-0008"
        assert session.execute(UPDATE).rowcount == 1


def test_a_client_chooses_to_wait_or_to_come_again(guarded, ticketing, make_gateway, issuer, upstream, in_background):
    owner = Approver(guarded, issuer.person("bea", groups=["owners"]))
    with guarded.connect(issuer.agent(), application_name="nightly approvals=ticket") as session:
        told = refusal(session, UPDATE)
        assert told.code == "PGD-0008" and owner.one()["id"] in str(told)
    with guarded.connect(issuer.agent("other")) as session:
        by_comment = UPDATE.replace("id = 1", "id = 2")
        assert refusal(session, "/* approvals=ticket */ " + by_comment).code == "PGD-0008"
        owner.approve(owner.one("id = 2")["id"])
        assert session.execute("/*approvals=ticket*/" + by_comment).rowcount == 1
    owner = Approver(ticketing, issuer.person("bea", groups=["owners"]))
    with ticketing.connect(issuer.agent(), application_name="approvals=wait") as session:
        done = in_background(session.execute, UPDATE)
        owner.approve(owner.one()["id"])
        assert done.result(10).rowcount == 1
    gateway = http_gateway(make_gateway, upstream)
    asked = curl(gateway, issuer.agent(), "/refunds", "{}", "-H", "Panguard-Approvals: ticket")
    assert subprocess.run(asked, capture_output=True, text=True, timeout=30).stdout.endswith("403")
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    owner.approve(owner.one("/refunds")["id"])
    assert subprocess.run(asked, capture_output=True, text=True, timeout=30).stdout.endswith("200")
    assert "panguard-approvals" not in {name.lower() for name in upstream.requests[0]["headers"]}


def test_a_parameter_that_differs_is_another_request(ticketing, issuer):
    owner = Approver(ticketing, issuer.person("bea", groups=["owners"]))
    sql = "update payments set amount = amount + 1 where id = %s"
    with ticketing.connect(issuer.agent()) as session:
        with pytest.raises(psycopg.Error, match="PGD-0008"):
            session.execute(sql, (1,))
        owner.approve(owner.one()["id"])
        with pytest.raises(psycopg.Error, match="PGD-0008"):
            session.execute(sql, (2,))
        assert session.execute(sql, (1,)).rowcount == 1


def test_what_was_decided_survives_a_kill_and_what_waited_is_withdrawn(make_gateway, issuer, payments, in_background):
    both = {"payments": payments, "tickets": {**payments, "approvals": {"wait": False}}}
    gateway = make_gateway(policies=POLICIES, connections=both)
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    approved = owner.one()["id"]
    owner.approve(approved)
    session = gateway.connect(issuer.agent(), "payments")
    lost = in_background(lambda: pytest.raises(psycopg.OperationalError, session.execute, UPDATE))
    waiting = owner.one()["id"]
    gateway.kill()
    lost.result(10)
    gateway.start()
    assert owner.get(approved)["state"] == "approved" and owner.get(waiting)["state"] == "withdrawn"
    with gateway.connect(issuer.agent(), "tickets") as session:
        session.execute(UPDATE)
        assert refusal(session, UPDATE).code == "PGD-0008", "it is used up"
    gateway.kill()
    gateway.start()
    assert owner.get(approved)["state"] == "used"
    with gateway.connect(issuer.agent(), "tickets") as session:
        assert refusal(session, UPDATE).code == "PGD-0008"
    assert gateway.verify().returncode == 0


def test_a_request_that_nobody_answers_expires(make_gateway, issuer, payments):
    gateway = make_gateway(policies=POLICIES, connections={"payments": {**payments, "approvals": {"answer_seconds": 1}}})
    with gateway.connect(issuer.agent()) as session:
        told = refusal(session, UPDATE)
        assert told.code == "PGD-0008" and "nobody answered in time" in str(told)
    until(lambda: events(gateway) == ["approval_asked", "approval_ended"], "that it expired is recorded")


def test_what_cannot_be_approved_whole_is_refused_at_once(guarded, issuer):
    with guarded.connect(issuer.agent()) as session:
        with pytest.raises(psycopg.Error, match="COPY"):
            with session.cursor().copy("copy payments (id, amount) from stdin") as copy:
                copy.write_row((900, 1))
        session.execute("select 1")


def test_no_card_number_is_in_what_approvers_see(guarded, issuer, owner, in_background):
    with guarded.connect(issuer.agent()) as session:
        said = in_background(refusal, session, "update payments set note = '4000056655665556' where id = 1 and '4000 0566 5566 5556' <> ''")
        request = owner.one()
        shown = json.dumps(owner.get(request["id"]))
        assert "4000056655665556" not in shown and "4000 0566 5566 5556" not in shown and "5556" in shown
        owner.deny(request["id"], "4000056655665556 must not be there")
        told = str(said.result(10))
        assert "PGD-0021" in told and "4000056655665556" not in told
    for file in (guarded.data / "store.db", guarded.data / "store.db-wal"):
        assert b"4000056655665556" not in (file.read_bytes() if file.exists() else b"")


# --- HTTP ---------------------------------------------------------------------------------------------

HTTP_POLICIES = """
    permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"call"], resource);
    @id("ask-first") forbid (principal, action in Action::"change", resource) unless { context.approvals >= 1 };
    @id("owners-approve") permit (principal in Group::"owners", action in [Action::"approve", Action::"grant"], resource);
"""


@pytest.fixture
def upstream():
    def answer(request):
        if request["path"].endswith("/chat/completions"):
            said = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "done"}}]}
            return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
        return 200, {"Content-Type": "application/json"}, b'{"ok": true}'

    upstream = Upstream(answer)
    with upstream:
        yield upstream


def http_gateway(make_gateway, upstream, **more):
    site = {"type": "http", "base_url": upstream.url, "secret": "s3cret", **more}
    model = {"type": "llm", "base_url": upstream.url, "secret": "s3cret", **more}
    return make_gateway(policies=HTTP_POLICIES, connections={"site": site, "model": model})


def curl(gateway, token, path, body, *more):
    return ["curl", "-sS", "-m", "30", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json",
            "-d", body, *more, gateway.url("site", path)]


def test_curl_waits_and_the_upstream_sees_it_once_it_is_approved(make_gateway, issuer, upstream):
    gateway = http_gateway(make_gateway, upstream)
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    asked = subprocess.Popen(curl(gateway, issuer.agent(), "/refunds", '{"amount": 5}'), stdout=subprocess.PIPE, text=True)
    request = owner.one("POST /refunds")
    assert '{"amount": 5}' in request["statement"] and upstream.requests == []
    shown = {it["name"]: it["value"] for it in owner.get(request["id"])["fields"]}
    assert shown["content-type"] == "application/json" and issuer.agent() not in str(shown) and "authorization" not in shown
    owner.approve(request["id"])
    out, _ = asked.communicate(timeout=20)
    assert out.splitlines() == ['{"ok": true}', "200"]
    assert [it["path"] for it in upstream.requests] == ["/refunds"]


def test_an_agent_that_hung_up_behind_another_request_runs_nothing(make_gateway, issuer, upstream):
    gateway = http_gateway(make_gateway, upstream)
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    one = f"DELETE /site/refunds/7 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {issuer.agent()}\r\n\r\n".encode()
    with socket.create_connection((gateway.host, gateway.http_port)) as agent:
        agent.sendall(one + one)
        request = owner.one("DELETE")["id"]
    owner.approve(request)
    until(lambda: owner.get(request)["state"] == "withdrawn", "it is withdrawn")
    assert [it["method"] for it in upstream.requests if it["method"] != "GET"] == [], "but what was read to show what it changes"


def test_curl_hears_a_denial(make_gateway, issuer, upstream):
    gateway = http_gateway(make_gateway, upstream)
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    asked = subprocess.Popen(curl(gateway, issuer.agent(), "/refunds", '{"amount": 5}'), stdout=subprocess.PIPE, text=True)
    owner.deny(owner.one()["id"], "too much")
    out, _ = asked.communicate(timeout=20)
    assert out.splitlines()[-1] == "403" and "PGD-0021" in out and "too much" in out
    assert upstream.requests == []


def test_a_ticket_over_http_binds_method_path_query_and_body(make_gateway, issuer, upstream):
    gateway = http_gateway(make_gateway, upstream, approvals={"wait": False})
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    token = issuer.agent()
    said = lambda path, body, *more: subprocess.run(curl(gateway, token, path, body, *more), capture_output=True, text=True, timeout=30).stdout
    first = said("/refunds?of=1", '{"amount": 5}')
    request = owner.one()["id"]
    assert first.endswith("403") and request in first
    owner.approve(request)
    for path, body, more in (("/refunds?of=2", '{"amount": 5}', ()), ("/refunds?of=1", '{"amount": 6}', ()),
                             ("/refunds?of=1", '{"amount": 5}', ("-X", "PUT")), ("/refunds?of=1", '{"amount": 5}', ("-H", "X-Tenant: 2"))):
        assert said(path, body, *more).endswith("403"), (path, body, more)
    sent = lambda: [it for it in upstream.requests if it["method"] != "GET"]
    assert sent() == []
    assert said("/refunds?of=1", '{"amount": 5}', "-A", "another/1.0").endswith("200")
    assert said("/refunds?of=1", '{"amount": 5}').endswith("403"), "it is used up"
    assert len(sent()) == 1


def test_the_openai_sdk_waits_and_goes_on(make_gateway, issuer, upstream, in_background):
    gateway = http_gateway(make_gateway, upstream)
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    client = openai.OpenAI(base_url=gateway.url("model"), api_key=issuer.agent(), max_retries=0)
    done = in_background(client.chat.completions.create, model="m", messages=[{"role": "user", "content": "delete everything"}])
    request = owner.one("delete everything")
    assert upstream.requests == []
    owner.approve(request["id"])
    assert done.result(10).choices[0].message.content == "done"


# --- the command line ---------------------------------------------------------------------------------


def cli(gateway, token, *arguments, check=True):
    environment = {**gateway.environment, "PANGUARD_TOKEN": token}
    before, gateway.environment = gateway.environment, environment
    try:
        return gateway.run("requests", *arguments, check=check)
    finally:
        gateway.environment = before


def test_people_answer_from_a_terminal(guarded, issuer, owner, in_background):
    with guarded.connect(issuer.agent("claude")) as session:
        done = in_background(session.execute, UPDATE)
        request = owner.one()["id"]
        listed = cli(guarded, owner.token, "list").stdout
        assert request in listed and "claude" in listed and "update payments" in listed
        shown = cli(guarded, owner.token, "show", request).stdout
        assert "ask-first" in shown and "payments" in shown
        assert cli(guarded, issuer.agent(), "approve", request, check=False).returncode == 1
        cli(guarded, owner.token, "approve", request, "--comment", "fine")
        done.result(10)
        again = cli(guarded, owner.token, "approve", request, check=False)
        assert again.returncode == 1 and "used already" in again.stderr
        said = in_background(refusal, session, UPDATE)
        cli(guarded, owner.token, "deny", owner.one()["id"], "--comment", "not today")
        assert "not today" in str(said.result(10))
    assert "approval_seen" in events(guarded)


# --- several gateways ---------------------------------------------------------------------------------


@pytest.fixture
def two(make_gateway, payments, cluster, store):
    """Two gateways that share it, each with a connection on which clients wait and one on which they do not."""
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    both = {"payments": payments, "tickets": {**payments, "approvals": {"wait": False}}}
    gateways = []
    for _ in range(2):
        gateway = make_gateway(policies=POLICIES, connections=both, config={"store": url}, start=False)
        gateway.run("secrets", "set", "store", input=payments["password"])
        gateways.append(gateway.start())
    return gateways


def test_what_is_asked_at_one_gateway_is_answered_at_another(two, issuer, in_background):
    first, second = two
    elsewhere = Approver(second, issuer.person("bea", groups=["owners"]))
    with first.connect(issuer.agent(), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = elsewhere.one()
        elsewhere.approve(request["id"])
        assert done.result(10).rowcount == 1
        assert elsewhere.get(request["id"])["state"] == "used"
    approvals = [line["entry"]["event"].get("approval") for line in first.audit("--event", "command_intent")]
    assert request["id"] in approvals


def test_one_approval_lets_one_of_two_gateways_run_it(two, issuer):
    owner = Approver(two[1], issuer.person("bea", groups=["owners"]))
    sessions = [gateway.connect(issuer.agent(), "tickets") for gateway in two]
    told = {re.search(r"request ([0-9a-f]{16}-\d+) waits", str(refusal(session, UPDATE))).group(1) for session in sessions}
    assert len(told) == 1, "both know the one request"
    before = amount(sessions[0])
    owner.approve(*told)
    line = threading.Barrier(2)

    def run(session):
        line.wait()
        try:
            return session.execute(UPDATE).rowcount
        except psycopg.Error as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        came = list(pool.map(run, sessions))
    assert came.count(1) == 1 and any("PGD-0008" in str(it) for it in came), came
    assert amount(sessions[0]) == before + 1
    for session in sessions:
        session.close()


def test_one_that_starts_again_withdraws_what_waited_there_and_nothing_of_the_other(two, issuer, in_background):
    first, second = two
    owner = Approver(second, issuer.person("bea", groups=["owners"]))
    lost, kept = first.connect(issuer.agent(), "payments"), second.connect(issuer.agent("other"), "payments")
    gone = in_background(lambda: pytest.raises(psycopg.OperationalError, lost.execute, UPDATE))
    going = owner.one()["id"]
    done = in_background(kept.execute, UPDATE)
    until(lambda: len(owner.requests()) == 2, "both wait")
    (staying,) = [it["id"] for it in owner.requests() if it["id"] != going]
    first.kill()
    gone.result(10)
    first.start()
    until(lambda: owner.get(going)["state"] == "withdrawn", "it is withdrawn")
    assert owner.get(staying)["state"] == "waiting"
    owner.approve(staying)
    assert done.result(10).rowcount == 1
    kept.close()


def test_while_the_store_is_down_nothing_is_approved_and_what_waits_goes_on(two, issuer, in_background, cluster, store):
    gateway = two[0]
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    with gateway.connect(issuer.agent(), "payments") as session, gateway.connect(issuer.agent(), "payments") as other:
        done = in_background(session.execute, UPDATE)
        request = owner.one()["id"]
        with cluster.connect("postgres") as server:
            server.execute(f'alter database "{store}" allow_connections false')
            server.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{store}'")
        assert owner.approve(request)[0] == 503
        assert refusal(other, UPDATE).code == "PGD-0008"
        assert other.execute("select 1").fetchone() == (1,), "what needs nobody goes on"
        assert not done.done()
        with cluster.connect("postgres") as server:
            server.execute(f'alter database "{store}" allow_connections true')
        until(lambda: owner.approve(request)[0] == 200, "it can be answered again")
        assert done.result(10).rowcount == 1


def test_no_text_of_an_agent_gets_out_of_its_quotes_in_the_store_or_in_a_count(two, issuer, cluster, store, payments):
    """Where the server would read a backslash as an escape, had nobody told it otherwise."""
    with cluster.connect("postgres") as server:
        for database in (store, payments["database"]):
            server.execute(f'alter database "{database}" set standard_conforming_strings = off')
            server.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
        owner = Approver(two[0], issuer.person("bea", groups=["owners"]))
        until(lambda: owner.ask("GET", "/api/requests")[0] == 200, "the store is reached again")
        out = "x\\'; commit; drop table payments; drop table panguard.requests; --"
        try:
            with two[0].connect(issuer.agent(), "tickets") as session:
                with pytest.raises(psycopg.Error, match="PGD-0008"):
                    session.execute("update payments set amount = 0 where memo = %s", (out,))
            effect = owner.one("update payments")["effect"]
            assert effect["rows"] == 0, effect
            with cluster.connect(payments["database"]) as direct:
                assert direct.execute("select count(*) from payments").fetchone()[0] > 0
        finally:
            server.execute(f'alter database "{payments["database"]}" reset standard_conforming_strings')


def test_a_store_is_named_without_its_password_and_reached_by_tls(make_gateway):
    gateway = make_gateway(start=False)
    for url, said in (("mysql://a@b/c", "no PostgreSQL database"), ("postgres://a:s3cret@b/c", "secrets are never in this file"),
                      ("postgres://b/c", "no user"), ("postgres://a@db.example/c?sslmode=disable", "on loopback"),
                      ("postgres://a@db.example/c?password=s3cret", "`password`")):
        gateway.write_config(store=url)
        checked = gateway.run("check", check=False)
        assert checked.returncode == 2 and said in checked.stderr and "s3cret" not in checked.stderr, checked.stderr
