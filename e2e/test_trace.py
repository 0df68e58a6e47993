"""A run of an agent is followed over its sessions: what a model was asked, what its tools did, who let it, and how it ended."""

import json
import secrets

import openai
import pytest

from panguard_test import cards, until
from panguard_test.approver import UPDATE, Approver
from panguard_test.models import Models

POLICIES = cards.POLICIES + """
    @id("ask-first") forbid (principal, action == Action::"write", resource == Table::"payments/public.payments") unless { context.approvals >= 1 };
    permit (principal in Group::"agents", action == Action::"call", resource);
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
"""


@pytest.fixture(scope="module")
def models():
    with Models() as models:
        yield models


@pytest.fixture
def gateway(make_gateway, cluster, models):
    payments = cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)
    return make_gateway(policies=POLICIES, connections={"payments": payments, "openai": models.connection("llm")})


def traceparent(trace):
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def test_a_run_is_one_story(gateway, issuer, models, in_background):
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    trace, token = secrets.token_hex(16), issuer.agent()
    models.text, models.tool = ["I look it up"], ("run_sql", ['{"sql": "update', ' payments"}'])
    client = openai.OpenAI(base_url=gateway.url("openai", "/v1"), api_key=token, max_retries=0,
                           default_headers={"traceparent": traceparent(trace)})
    client.chat.completions.create(model="small", messages=[{"role": "user", "content": "pay back"}])
    with gateway.connect(token) as session:
        session.execute("select note from cards where id = 2")  # of another trace, or of none
        session.execute(f"select pan from cards where id = 1 /*traceparent='{traceparent(trace)}'*/")
    with gateway.connect(token, application_name=f"claude traceparent={traceparent(trace)}") as session:
        done = in_background(session.execute, UPDATE)
        owner.approve(owner.one()["id"], "as agreed")
        done.result(10)
    with gateway.connect(issuer.agent("other")) as session:
        session.execute("select 'somebody else'")

    found = lambda: [json.loads(it)["entry"] for it in gateway.run("trace", trace, "--format", "json").stdout.splitlines()]
    types = lambda: [it["event"]["type"] for it in found()]
    until(lambda: types().count("outcome") == 3, "all of it is recorded")
    assert types() == ["command_intent", "outcome", "command_intent", "outcome",
                       "approval_asked", "approval_answered", "command_intent", "outcome"]
    commands = [it["event"]["command"] for it in found() if it["event"]["type"] == "command_intent"]
    assert {it["trace"]["id"] for it in commands} == {trace} and len({it["trace"]["parent"] for it in commands}) == 3
    assert not any("note from cards" in it["statement"] or "somebody else" in it["statement"] for it in commands)

    told = gateway.run("trace", trace).stdout
    lines = told.splitlines()
    assert lines[0].startswith(f"run {trace}: 3 commands and requests by agent ") and "openai" in lines[0]
    assert "after the model called run_sql" in told and "APPROVED by user bea  as agreed" in told
    assert cards.VISA not in told
    order = [told.index(word) for word in ("pay back", "select pan", "HELD", "APPROVED", "completed  UPDATE 1")]
    assert order == sorted(order)

    by_token = gateway.run("trace", found()[0]["principal"]["token_id"]).stdout
    assert "note from cards" in by_token and "somebody else" not in by_token
    assert gateway.run("audit", "list", "--where", f"run = {trace}").stdout.count("\n") == 4
    assert gateway.run("trace", "f" * 32, check=False).returncode == 1


def test_what_a_client_says_of_its_trace_is_taken_as_no_more_than_that(gateway, issuer):
    with gateway.connect(issuer.agent(), application_name="x traceparent=00-zz") as session:
        session.execute("select 1 /* traceparent='00-00000000000000000000000000000000-00f067aa0ba902b7-01' */")
        session.execute("select 'traceparent=' || 1 /* traceparent=' */")
    until(lambda: len(gateway.audit("--event", "outcome")) >= 1, "it is recorded")
    assert all("trace" not in it["entry"]["event"].get("command", {}) for it in gateway.audit())
