"""Every HTTP request is identified and decided by policy before a byte of it reaches the upstream, and recorded."""

import base64
import collections
import itertools
import json
import random
import re
import threading

import pytest

from panguard_test import Gateway, Issuer, cards, until
from panguard_test.exchange import Answer, chunked, fetch, send, written
from panguard_test.site import SECRET, Site, answer

POLICIES = """
@id("connect") permit (principal in Group::"agents", action == Action::"connect", resource);
@id("read") permit (principal in Group::"agents", action == Action::"read", resource is Endpoint)
when { resource.path like "/v1/*" || resource.path == "/" || resource.path like "/c/*" };
@id("charge-a-little") permit (principal in Group::"agents", action == Action::"write", resource is Endpoint)
when {
  resource.method == "POST" && resource.path == "/v1/charges" &&
  context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") <= 500
};
@id("refund-by-form") permit (principal in Group::"agents", action == Action::"write", resource is Endpoint)
when { resource.path == "/v1/refunds" && context.body.hasTag("reason") && context.body.getTag("reason").contains("fraud") };
@id("no-closed")
@reason("closed accounts are nobody's business")
@requirement("7.2.5")
forbid (principal, action, resource is Endpoint)
when { context.query.hasTag("status") && context.query.getTag("status").contains("closed") };
@id("tenant") forbid (principal, action, resource is Endpoint)
when { context.headers.hasTag("x-tenant") && context.headers.getTag("x-tenant").contains("other") };
@id("upload") permit (principal in Group::"agents", action == Action::"write", resource is Endpoint)
when { resource.path like "/files/*" };
@id("ask") permit (principal in Group::"agents", action == Action::"call", resource is Endpoint)
when { context.max_tokens <= 1000 && context.max_tokens >= 0 };
@id("small-model") permit (principal in Group::"agents", action == Action::"call", resource == Model::"models/small");
@id("no-shell")
@reason("no agent lets a model run a shell")
forbid (principal, action == Action::"call", resource is Endpoint)
when { context.tools.contains("shell") || context.tools_called.contains("shell") };
@id("no-cards-to-embeddings") forbid (principal, action == Action::"call", resource is Endpoint)
when { resource.path like "*/embeddings" && context.holds_cards };
"""

TOKENS = "authorization", "x-api-key", "api-key", "x-gateway-authorization", "x-goog-api-key"


class Ground:
    """One upstream, behind connections of several kinds."""

    def __init__(self, site, gateway, token):
        self.site, self.gateway, self.token = site, gateway, token
        self.address = gateway.host, gateway.http_port

    def ask(self, target, method="GET", headers=(), body=b"", token=None, **more):
        return fetch(self.address, target, method, headers, body, token or self.token, **more)

    def post(self, target, document, **more):
        return self.ask(target, "POST", {"Content-Type": "application/json"}, json.dumps(document), **more)

    def bare(self, target, headers=()):
        """A request with no token but those among `headers`."""
        return Answer(send(self.address, written("GET", target, headers)))

    def reached(self):
        """What has reached the upstream since it was last asked for."""
        found, self.site.requests[:] = [f"{request.method} {request.target}" for request in self.site.requests], []
        return found


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Site() as site:
        connections = {
            "billing": site.connection(labels=["cde"]),
            "models": site.connection("llm"),
            "based": site.connection(base="/api/v2"),
            "keyed": site.connection(credential={"header": "X-Api-Key", "value": {"secret": "keyed"}}),
            "asking": site.connection(credential={"query": "key", "value": {"secret": "asking"}}),
            "basic": site.connection(credential={"user": "robot", "password": {"secret": "basic"}}),
        }
        with Gateway(tmp_path_factory.mktemp("http"), issuer, connections, POLICIES) as gateway:
            yield Ground(site, gateway, issuer.agent(lifetime=3600))


@pytest.fixture(autouse=True)
def nothing_left(request):
    """What an earlier test sent is no business of the next."""
    if "ground" in request.fixturenames:
        request.getfixturevalue("ground").reached()


def refused(came, status, code):
    """Asserts that an answer is a refusal, and gives its problem document."""
    problem = json.loads(came.body)
    assert (came.status, problem["code"], problem["status"]) == (status, code, status), came
    assert came.get("content-type") == "application/problem+json" and came.get("cache-control") == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}-\d+", problem["request_id"])
    assert problem["instead"] and problem["error"]["message"].startswith(code)
    return problem


# --- what policies ask ---------------------------------------------------------------------------------------


def test_a_path_that_a_policy_permits_is_reached_and_no_other(ground):
    assert ground.ask("/billing/v1/charges?limit=3").status == 200
    assert ground.reached() == ["GET /v1/charges?limit=3"]
    refused(ground.ask("/billing/admin"), 403, "PGD-0005")
    assert ground.reached() == []


@pytest.mark.parametrize("target, sent", [
    ("/billing/v1/%63harges", "/v1/charges"),
    ("/billing/v1/a%20b", "/v1/a%20b"),
    ("/billing/v1/caf%c3%a9", "/v1/caf%C3%A9"),
    ("/billing?limit=1", "/?limit=1"),
    ("/billing", "/"),
    ("/billing/v1/a:b@c,d", "/v1/a:b@c,d"),
    ("/billing/v1/x?q=%2563&r=a+b", "/v1/x?q=%2563&r=a+b"),
])
def test_what_is_sent_is_what_was_decided_upon(ground, target, sent):
    assert ground.ask(target).status == 200
    assert ground.reached() == [f"GET {sent}"]


@pytest.mark.parametrize("target", ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/..%2fadmin", "/v1/.%2e/admin", "/v1/..;/admin",
                                    "/v1/a%2fb", "/v1//b", "/v1/%2563", "/v1/a;b=c", "/v1/%00", "/v1/\\admin", "/v1/%zz", "/v1/%"])
def test_what_servers_read_in_two_ways_reaches_none(ground, target):
    came = ground.ask("/billing" + target)
    assert came.status in (400, 403) and json.loads(came.body)["code"] in ("PGD-0007", "PGD-0020", "PGD-0023"), came
    assert ground.reached() == []


def test_numbers_in_a_body_are_compared(ground):
    # What servers would take for the same number is one.
    for amount in (500, "500"):
        assert ground.post("/billing/v1/charges", {"amount": amount, "currency": "eur"}).status == 200
    for amount in (501, 499.5, None, -(1 << 70), True, [], [500], {"of": 5}):
        refused(ground.post("/billing/v1/charges", {"amount": amount}), 403, "PGD-0005")
    refused(ground.post("/billing/v1/charges", {"inner": {"amount": 5}}), 403, "PGD-0005")
    assert ground.reached() == ["POST /v1/charges"] * 2


@pytest.mark.parametrize("body", ['{"amount": 5, "amount": 5000}', '{"amount": 5', "[1, 2", '{"amount": 5} {"amount": 5000}',
                                  "amount=5", '{"amount": 0x5}', '{"amount": 05}', "{'amount': 5}", '{"amount": 5,}'])
def test_a_body_that_can_be_read_in_two_ways_is_refused(ground, body):
    came = ground.ask("/billing/v1/charges", "POST", {"Content-Type": "application/json"}, body)
    refused(came, 403, "PGD-0007")
    assert ground.reached() == []


def test_fields_of_a_form_are_compared(ground):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ground.ask("/billing/v1/refunds", "POST", form, "id=7&reason=%66raud").status == 200
    refused(ground.ask("/billing/v1/refunds", "POST", form, "id=7&reason=none"), 403, "PGD-0005")
    assert ground.reached() == ["POST /v1/refunds"]


@pytest.mark.parametrize("query", ["status=closed", "status=%63losed", "a=1&status=open&status=closed", "statu%73=closed"])
def test_a_forbidden_query_is_refused_with_its_reason(ground, query):
    problem = refused(ground.ask(f"/billing/v1/accounts?{query}"), 403, "PGD-0005")
    assert problem["policies"] == [{"id": "no-closed", "reason": "closed accounts are nobody's business", "requirement": "7.2.5"}]
    assert ground.ask("/billing/v1/accounts?status=open").status == 200
    assert ground.reached() == ["GET /v1/accounts?status=open"]


def test_a_header_is_asked_for_by_its_name_however_it_is_written(ground):
    refused(ground.ask("/billing/v1/a", headers=[("X-TENANT", "other")]), 403, "PGD-0005")
    refused(ground.ask("/billing/v1/a", headers=[("x-tenant", "mine"), ("X-Tenant", "other")]), 403, "PGD-0005")
    assert ground.ask("/billing/v1/a", headers=[("x-tenant", "mine")]).status == 200
    assert len(ground.reached()) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "FROBNICATE"])
def test_a_method_that_nobody_permits_is_refused(ground, method):
    came = ground.ask("/billing/v1/charges", method)
    assert came.status == 403 and ground.reached() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_read(ground, method):
    assert ground.ask("/billing/v1/charges", method).status == 200
    assert ground.reached() == [f"{method} /v1/charges"]


# --- models ----------------------------------------------------------------------------------------------------


def prompt(**more):
    return {"model": "small", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}], **more}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_model_that_a_policy_names_is_asked(ground, path):
    limit = {"max_output_tokens": 100} if "responses" in path else {}
    assert ground.post(f"/models{path}", prompt(**limit)).status == 200
    assert ground.reached() == [f"POST {path if path.startswith('/v1') else '/v1' + path}"]


@pytest.mark.parametrize("change", [
    {"model": "large"}, {"model": "Small"}, {"model": ["small"]}, {"model": None}, {"max_tokens": 1001}, {"max_tokens": None},
    {"max_tokens": "100"}, {"max_completion_tokens": 5000},
    {"tools": [{"type": "function", "function": {"name": "shell", "parameters": {}}}]},
    {"tools": [{"name": "shell", "input_schema": {}}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "shell", "arguments": "{}"}}]}]},
    {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "shell", "input": {}}]}]},
])
def test_what_a_policy_does_not_permit_of_a_prompt_is_refused(ground, change):
    came = ground.post("/models/v1/chat/completions", prompt(**change))
    assert came.status == 403 and ground.reached() == [], came


@pytest.mark.parametrize("body", ['{"model": "small", "model": "large", "max_tokens": 9, "messages": []}',
                                  '{"model": "small", "Model": "large", "max_tokens": 9, "messages": []}',
                                  '{"model": "small", "max_tokens": 9, "max_tokens": 9999, "messages": []}',
                                  '{"model": "small", "max_tokens": 9, "messages": [}', "[]", ""])
def test_a_prompt_that_can_be_read_in_two_ways_is_refused(ground, body):
    came = ground.ask("/models/v1/chat/completions", "POST", {"Content-Type": "application/json"}, body)
    assert came.status == 403 and ground.reached() == [], came


def test_whether_cards_are_in_it_is_a_fact(ground):
    assert ground.post("/models/v1/embeddings", prompt(input="hello")).status == 200
    refused(ground.post("/models/v1/embeddings", prompt(input=f"card {cards.VISA}")), 403, "PGD-0005")
    assert ground.post("/models/v1/chat/completions", prompt(messages=[{"role": "user", "content": cards.VISA}])).status == 200
    assert ground.reached() == ["POST /v1/embeddings", "POST /v1/chat/completions"]


# --- who asks --------------------------------------------------------------------------------------------------


def test_a_token_is_taken_from_where_clients_put_it(ground):
    basic = base64.b64encode(f"anybody:{ground.token}".encode()).decode()
    for headers in ({"Authorization": f"Bearer {ground.token}"}, {"authorization": f"bearer {ground.token}"},
                    {"Authorization": f"Basic {basic}"}, {"x-api-key": ground.token}, {"api-key": ground.token},
                    {"x-goog-api-key": ground.token}, {"X-Gateway-Authorization": f"Bearer {ground.token}", "Authorization": "Bearer x"}):
        assert ground.bare("/billing/v1/a", headers).status == 200, headers
    for request in ground.site.requests:
        assert ground.token not in request.raw.decode() and basic not in request.raw.decode()
        assert request.all("authorization") == [f"Bearer {SECRET}"]
        assert not any(request.all(name) for name in TOKENS if name != "authorization")


@pytest.mark.parametrize("name", ["none", "nonsense", "expired", "of another audience", "not yet", "of another key", "twice",
                                  "empty", "as another scheme", "in the query"])
def test_without_a_valid_token_nothing_is_reached(ground, issuer, name):
    with Issuer() as stranger:
        headers, target = {
            "none": [], "nonsense": [("Authorization", "Bearer nonsense")],
            "expired": [("Authorization", f"Bearer {issuer.agent(lifetime=-5)}")],
            "of another audience": [("Authorization", f"Bearer {issuer.agent(aud='shop')}")],
            "not yet": [("Authorization", f"Bearer {issuer.agent(nbf=4102444800)}")],
            "of another key": [("Authorization", f"Bearer {stranger.agent(iss=issuer.url)}")],
            "twice": [("Authorization", f"Bearer {ground.token}"), ("Authorization", f"Bearer {ground.token}")],
            "empty": [("Authorization", "Bearer ")],
            "as another scheme": [("Authorization", f"Digest {ground.token}")],
            "in the query": [],
        }[name], f"/billing/v1/a?access_token={ground.token}" if name == "in the query" else "/billing/v1/a"
        came = ground.bare(target, headers)
    assert came.get("www-authenticate", ) == 'Bearer realm="panguard"'
    problem = refused(came, 401, json.loads(came.body)["code"])
    assert problem["code"] in ("PGD-0001", "PGD-0002") and ground.reached() == []


def test_a_token_that_expires_ends_with_it_on_a_connection_that_is_kept(ground, issuer):
    import requests

    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {issuer.agent(lifetime=2)}"
        assert session.get(ground.gateway.url("billing", "/v1/a")).status_code == 200
        told = until(lambda: session.get(ground.gateway.url("billing", "/v1/a")).json(), "it expires")
    assert (told["status"], told["code"]) == (401, "PGD-0002")


def test_a_connection_that_is_none_is_told_apart_only_to_whoever_is_known(ground):
    refused(ground.ask("/nowhere/v1/a"), 404, "PGD-0003")
    assert ground.bare("/nowhere/v1/a").status == 401
    refused(ground.ask("/"), 404, "PGD-0003")


def test_who_may_not_connect_is_turned_away(ground, issuer):
    refused(ground.ask("/billing/v1/a", token=issuer.agent(groups=["others"])), 403, "PGD-0004")
    assert ground.reached() == []


# --- the credential ---------------------------------------------------------------------------------------------


def test_each_connection_signs_in_in_its_own_way(ground):
    for name in ("keyed", "asking", "basic"):
        assert ground.ask(f"/{name}/v1/a?key=mine&b=1", headers=[("X-Api-Key", "mine")]).status in (200, 401)
    keyed, asking, basic = ground.site.requests
    assert keyed.all("x-api-key") == [SECRET] and not keyed.all("authorization") and keyed.target == "/v1/a?key=mine&b=1"
    assert asking.target.startswith("/v1/a?b=1&key=sk-inject_Zq8%2F") and not asking.all("x-api-key")
    password = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    assert basic.all("authorization") == [f"Basic {password}"]


def test_a_base_url_with_a_path_is_stayed_in(ground):
    assert ground.ask("/based/v1/a").status == 200
    assert ground.reached() == ["GET /api/v2/v1/a"]
    refused(ground.ask("/based/../../v1/a"), 403, "PGD-0007")
    assert ground.reached() == []


# --- policies that change ----------------------------------------------------------------------------------------


def test_two_connections_have_policies_of_their_own_and_new_ones_hold_from_the_next_request(tmp_path, issuer):
    one = 'permit (principal, action, resource) when { resource in Connection::"a" };'
    both = 'permit (principal, action, resource);'
    with Site() as site, Gateway(tmp_path, issuer, {"a": site.connection(), "b": site.connection()}, one) as gateway:
        address, token = (gateway.host, gateway.http_port), issuer.agent()
        assert fetch(address, "/a/x", token=token).status == 200
        assert fetch(address, "/b/x", token=token).status == 403
        gateway.write_policies(both)
        gateway.reload()
        until(lambda: gateway.said().count("policies in force") >= 1, "the policies took over")
        assert fetch(address, "/b/x", token=token).status == 200
        gateway.write_policies("")
        gateway.reload()
        until(lambda: gateway.said().count("policies in force") >= 2, "the policies took over")
        assert fetch(address, "/a/x", token=token).status == 403
        assert [request.target for request in site.requests] == ["/x", "/x"]


# --- what is recorded --------------------------------------------------------------------------------------------


def test_what_ran_and_what_was_refused_is_recorded_masked(ground):
    body = {"model": "small", "max_tokens": 5, "messages": [{"role": "user", "content": f"charge {cards.MASTERCARD}"}]}
    assert ground.post("/models/v1/chat/completions", body).status == 200
    denied = json.loads(ground.post("/billing/v1/charges", {"amount": 9000}).body)["request_id"]
    carded = json.loads(ground.ask(f"/billing/v1/charges/{cards.VISA}").body)["request_id"]
    lines = [line["entry"] for line in ground.gateway.audit()]
    by_request = collections.defaultdict(dict)
    for entry in lines:
        by_request[entry.get("request")][entry["event"]["type"]] = entry
    assert "PGD-0005" in str(by_request[denied]["command_refused"])
    refusal = str(by_request[carded]["command_refused"])
    assert "GET /v1/charges/" in refusal and cards.VISA not in refusal
    (intent,) = [entry for entry in lines if entry["event"]["type"] == "command_intent" and "charge " in str(entry["event"])]
    told = str(intent)
    assert "POST /v1/chat/completions" in told and cards.MASTERCARD not in told
    opened = {entry["session"]: entry for entry in lines if entry["event"]["type"] == "session_opened"}
    session = opened[intent["session"]]
    assert "reporter" in str(session) and "models" in str(session) and "'http'" in str(session)
    assert "completed" in str(by_request[intent["request"]]).lower()
    shown = ground.gateway.run("audit", "show", denied).stdout
    assert "POST /v1/charges" in shown and "PGD-0005" in shown
    assert ground.gateway.verify().returncode == 0


def test_no_secret_token_or_card_number_stays_anywhere(ground, issuer):
    token = issuer.agent(lifetime=3600)
    texts = []
    visa = answer(json.dumps({"pan": cards.VISA, "auth": SECRET}), "application/json", headers=[("X-Auth", SECRET)])
    path = ground.site.serves(visa)
    for target in (f"/billing{path}", f"/models{path}", f"/billing/v1/{cards.AMEX}", f"/billing/v1/a?n={cards.DISCOVER}", "/nowhere/a"):
        texts.append(ground.ask(target, headers=[("X-Note", cards.VISA)] if "nowhere" in target else [], token=token).raw.decode())
    for body in ({"amount": 5, "card": cards.VISA}, {"amount": 5, "note": cards.MASTERCARD}):
        texts.append(ground.post("/billing/v1/charges", body, token=token).raw.decode())
    texts.append(ground.post("/models/v1/chat/completions", prompt(user=cards.AMEX), token=token).raw.decode())
    texts.append(ground.bare(f"/billing/v1/{cards.VISA}", {"User-Agent": f"curl {cards.VISA}", "Authorization": "Bearer " + token[:-4] + "AAAA"}).raw.decode())
    files = ground.ask("/billing/files/a", "PUT", [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")],
                       chunked(f"x {cards.VISA}".encode()), token=token)
    texts += [files.raw.decode(), ground.gateway.said(), json.dumps(ground.gateway.audit()), ground.gateway.http("/metrics")[1]]
    for text in texts:
        assert SECRET not in text and base64.b64encode(SECRET.encode()).decode() not in text
        assert token not in text and token[-40:] not in text
        assert not [pan for pan in cards.PANS if pan in text]
    secret, signature = SECRET.encode(), token[-40:].encode()
    assert cards.found_in(ground.gateway.folder) == []
    for file in (file for file in ground.gateway.folder.rglob("*") if file.is_file()):
        assert secret not in file.read_bytes() and signature not in file.read_bytes(), file


KILLS = 8


def test_no_entry_of_a_request_that_reached_the_upstream_is_lost_by_a_kill(tmp_path, issuer):
    policies = 'permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource);'
    numbers, over, answered = itertools.count(1_000_001), threading.Event(), set()
    token = issuer.agent(lifetime=3600)
    with Site() as site:
        gateway = Gateway(tmp_path, issuer, {"a": site.connection()}, policies)

        def client():
            while not over.is_set():
                number = next(numbers)
                try:
                    if fetch((gateway.host, gateway.http_port), f"/a/n/{number}", "POST", body=str(number), token=token).status == 200:
                        answered.add(number)
                except OSError:
                    over.wait(0.03)  # it is not there yet

        threads = [threading.Thread(target=client, daemon=True) for _ in range(6)]
        chance = random.Random(5)
        with gateway:
            for thread in threads:
                thread.start()
            for _ in range(KILLS):
                so_far = len(answered)
                until(lambda: len(answered) > so_far + chance.randint(1, 30), "clients get on", 20)
                gateway.kill()
                gateway.start()
            over.set()
            for thread in threads:
                thread.join(20)
            assert gateway.stop() == 0
            assert gateway.verify().returncode == 0
            intents = {int(number) for line in gateway.audit("--event", "command_intent")
                       for number in re.findall(r"/n/(\d{7})", str(line["entry"]["event"]["command"]))}
        reached = {int(request.target.rpartition("/")[2]) for request in site.requests}
        assert reached <= intents and answered <= reached and len(answered) > KILLS
