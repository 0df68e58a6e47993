"""What whoever wants to get round panguard over HTTP tries beside the ordinary, and what comes of it."""

import json
import pathlib
import socket
import threading

import h2.config
import h2.connection
import h2.events
import pytest

from panguard_test import Gateway, Issuer, cards, until
from panguard_test.exchange import Answer, fetch, read_fields, rest_of, send, written
from panguard_test.site import SECRET, Site, answer

POLICIES = """
permit (principal, action == Action::"connect", resource);
permit (principal, action == Action::"read", resource is Endpoint);
permit (principal, action == Action::"call", resource);
permit (principal, action == Action::"write", resource is Endpoint) when { resource.path like "/free/*" };
@id("small-refunds") permit (principal, action == Action::"write", resource is Endpoint)
when { resource.path == "/refunds" && context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") <= 500 };
@id("small-lots") permit (principal, action == Action::"write", resource is Endpoint)
when { resource.path == "/lots" && context.numbers.hasTag("body.$.lot.size") && context.numbers.getTag("body.$.lot.size") <= 500 };
permit (principal, action == Action::"use_feature", resource == Feature::"request body") when { context.path == "/free/long" };
@id("tenant") forbid (principal, action, resource is Endpoint)
when { context.headers.hasTag("x-tenant") && context.headers.getTag("x-tenant").contains("other") };
"""
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HALVES = "40000566", "55665556"  # of a published test number


class Ground:
    """One upstream, behind connections of several kinds."""

    def __init__(self, site, gateway, token):
        self.site, self.gateway, self.token = site, gateway, token
        self.address = gateway.host, gateway.http_port

    def ask(self, target, method="GET", headers=(), body=b"", token=None):
        return fetch(self.address, target, method, headers, body, token or self.token)

    def arrived(self):
        """What has reached the upstream since it was last asked for."""
        found, self.site.requests[:] = list(self.site.requests), []
        return found

    def recorded(self):
        """The audit log as one text."""
        return json.dumps(self.gateway.audit())


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Site() as site:
        connections = {
            "billing": site.connection(),
            "cards": site.connection(labels=["cde"], requests="mask"),
            "models": site.connection("llm", labels=["cde"]),
            "keyed": site.connection(credential={"header": "X-Pass", "value": {"secret": "keyed"}}),
            "asking": site.connection(credential={"query": "key", "value": {"secret": "asking"}}),
        }
        with Gateway(tmp_path_factory.mktemp("attacks"), issuer, connections, POLICIES) as gateway:
            yield Ground(site, gateway, issuer.agent(lifetime=3600))


@pytest.fixture(autouse=True)
def nothing_left(request):
    """What an earlier test sent is no business of the next."""
    if "ground" in request.fixturenames:
        request.getfixturevalue("ground").arrived()


# --- bodies that are decided upon as one thing and read as another ------------------------------------------------


@pytest.mark.parametrize("headers, body", [
    pytest.param(FORM, "$.amount=5&amount=9999", id="a form that names a place in JSON"),
    pytest.param([*FORM.items(), *JSON.items()], '{"x":"&$.amount=5&y=","amount":9999}', id="a form that is JSON, of two types"),
    pytest.param([*JSON.items(), *FORM.items()], '{"amount":5}', id="JSON, of two types"),
    pytest.param(JSON, '{"amount":5,"Amount":9999}', id="a member twice but for its case"),
    pytest.param(JSON, '{"amount":5,"amo\\u0055nt":9999}', id="a member twice but for its case, escaped"),
])
def test_a_number_that_servers_may_read_elsewhere_does_not_pass(ground, headers, body):
    assert ground.ask("/billing/refunds", "POST", JSON, '{"amount":5}').status == 200
    assert ground.ask("/billing/refunds", "POST", JSON, '{"amount":9999}').status == 403
    ground.arrived()
    assert ground.ask("/billing/refunds", "POST", headers, body).status == 403
    assert ground.arrived() == []


def test_a_member_whose_name_has_dots_is_no_place_within_another(ground):
    assert ground.ask("/billing/lots", "POST", JSON, '{"lot":{"size":5},"v1.0":7}').status == 200
    assert ground.ask("/billing/lots", "POST", JSON, '{"lot.size":5,"lot":{}}').status == 403


# --- names that servers take for others ---------------------------------------------------------------------------

OVERRIDES = [
    "X_HTTP_Method_Override", "X-HTTP-Method_Override", "X_Original_URL", "X_Rewrite_URL", "X_Forwarded_For", "X_Forwarded_Host",
    "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Path", "X-Forwarded-Scheme", "X-Forwarded-Client-Cert",
    "X-Original-Method", "Proxy", "X_Real_Ip", "Remote-User", "X-Remote-User",
]


@pytest.mark.parametrize("name", OVERRIDES)
def test_what_says_that_a_request_is_another_is_not_sent(ground, name):
    assert ground.ask("/billing/a", headers={name: "x1"}).status == 200
    (request,) = ground.arrived()
    assert not [value for _, value in request.headers if value == "x1"], request.head


def test_a_header_is_the_one_that_servers_take_it_for(ground):
    assert ground.ask("/billing/a", headers={"X-Tenant": "other"}).status == 403
    assert ground.ask("/billing/a", headers={"X_Tenant": "other"}).status == 403
    assert ground.ask("/billing/a", headers={"X_Tenant": "ours"}).status == 200


@pytest.mark.parametrize("name", ["X-Pass", "X_Pass", "x_pass"])
def test_nobody_signs_in_beside_panguard_by_a_header(ground, name):
    assert ground.ask("/keyed/a", headers={name: "mine"}).status == 200
    (request,) = ground.arrived()
    assert [value for _, value in request.headers if value in ("mine", SECRET)] == [SECRET], request.head


@pytest.mark.parametrize("query", ["key=mine", "k%65y=mine", "%6B%65%79=mine", "a=1&key=mine&k%65y=mine", "key"])
def test_nobody_signs_in_beside_panguard_by_the_query(ground, query):
    assert ground.ask(f"/asking/a?{query}").status == 200
    (request,) = ground.arrived()
    assert "mine" not in request.target and request.target.count("=") == request.target.count("a=1") + 1, request.target


@pytest.mark.parametrize("name", ["content_length", "transfer_encoding", "proxy_authorization", "api_key", "content_encoding"])
def test_http_2_is_no_way_round_for_names_that_servers_take_for_others(ground, name):
    came = Streams(ground).ask(ground, "/billing/a", [(name, "x1")])
    assert not [value for request in ground.arrived() for _, value in request.headers if value == "x1"], came


# --- where an answer points ---------------------------------------------------------------------------------------

OUT_OF_IT = [
    "../../keyed/x", "../keyed/../../keyed/x", "./../../keyed/x", "/../keyed/x", "a/../../../keyed/x", "%2e%2e/%2E%2e/keyed/x",
    "..\\..\\keyed\\x", "\\\\127.0.0.1\\x", "/.%2e/keyed", "http://UP/../keyed/x", "http://UP/a/../../keyed/x",
]
PRIVATE = [
    "http://[::ffff:10.0.0.1]/", "http://[::ffff:7f00:1]/", "http://127.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://10.0.0.1./",
    "http://metadata.google.internal./", "http://169.254.169.254/", "http://[fd00::1]/", "http://[64:ff9b::a00:1]/", "http://2130706433/",
    "http://me@127.0.0.1/", "//127.0.0.1:1/x", "https:/127.0.0.1/x",
]


@pytest.mark.parametrize("place", OUT_OF_IT + PRIVATE)
@pytest.mark.parametrize("field", ["Location", "Content-Location"])
def test_an_answer_points_to_no_other_connection_and_into_no_private_network(ground, field, place):
    place = place.replace("UP", f"127.0.0.1:{ground.site.port}")
    path = ground.site.serves(answer("", None, "302 Found", [(field, place)]))
    assert ground.ask(f"/billing{path}").get(field) is None


@pytest.mark.parametrize("place, told", [
    ("../b", "../b"), ("b", "b"), ("?a=..", "?a=.."), ("/b/c?d=../e", "/billing/b/c?d=../e"), ("https://example.com/a", "https://example.com/a"),
    ("./b", "./b"), ("/b..c/d", "/billing/b..c/d"),
])
def test_an_answer_points_to_where_it_did_within_its_connection(ground, place, told):
    path = ground.site.serves(answer("", None, "302 Found", [("Location", place)]))
    assert ground.ask(f"/billing{path}").get("Location") == told


# --- what is recorded ---------------------------------------------------------------------------------------------


def test_a_number_in_parts_of_a_prompt_is_in_no_record(ground):
    parts = [{"type": "text", "text": half} for half in HALVES]
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": parts}]})
    assert ground.ask("/models/v1/chat/completions", "POST", JSON, body).status == 200
    arrived, recorded = ground.arrived()[0].body.decode(), ground.recorded()
    for half in HALVES:
        assert half not in arrived and half not in recorded


def test_a_number_in_words_of_a_prompt_is_in_no_record(ground):
    words = "four zero zero zero zero five six six five five six six five five five six"
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": f"charge {words}"}]})
    assert ground.ask("/models/v1/chat/completions", "POST", JSON, body).status == 200
    assert words not in ground.arrived()[0].body.decode() and words not in ground.recorded()


def test_a_number_over_the_fields_of_a_form_is_in_no_record(ground):
    assert ground.ask("/cards/free/a", "POST", FORM, "a={}&b={}".format(*HALVES)).status == 200
    arrived, recorded = ground.arrived()[0].body.decode(), ground.recorded()
    for half in HALVES:
        assert half not in arrived and half not in recorded


def test_a_long_body_that_is_masked_as_it_passes_is_recorded_as_it_passed(ground):
    body = "a={}&b={}&c=".format(*HALVES) + "x" * (2 << 20)
    assert ground.ask("/cards/free/long", "POST", FORM, body).status == 200
    arrived, recorded = ground.arrived()[0].body.decode(), ground.recorded()
    for half in HALVES:
        assert half not in arrived and half not in recorded


def test_a_number_is_in_no_record_wherever_the_door_meets_it(ground):
    number, bearer = cards.VISA, {"Authorization": f"Bearer {ground.token}"}
    raws = [
        written("GET", f"/{number}/x"), written("GET", f"/{number}/x", bearer), written(number, "/billing/x", bearer),
        written("CONNECT", f"{number}.com:443", {"Proxy-Authorization": f"Bearer {ground.token}"}), written("CONNECT", f"{number}:443"),
        written("GET", f"http://{number}/x", bearer), written("GET", "/billing/x", {**bearer, f"X-{number}": "1"}),
        written("GET", f"/billing/x;{number}", bearer), written("GET", f"/billing/%zz{number}", bearer), written("GET", "/billing/x", bearer, host=number),
    ]
    for raw in raws:
        assert number.encode() not in send(ground.address, raw)
    assert number not in ground.recorded() and number not in ground.gateway.said()


# --- HTTP/2 -------------------------------------------------------------------------------------------------------


class Streams:
    """One connection of HTTP/2 in plain text, on which nothing is checked before it is sent."""

    def __init__(self, ground):
        self.socket = socket.create_connection(ground.address, timeout=20)
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False)
        self.http = h2.connection.H2Connection(config)
        self.http.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.http.data_to_send())

    def events(self):
        """What comes, until the other side closes."""
        try:
            while data := self.socket.recv(1 << 16):
                yield from self.http.receive_data(data)
                self.flush()
        except (ConnectionResetError, BrokenPipeError):
            return

    def ask(self, ground, path, more=(), method="GET", authority="up.test", body=b"", trailers=None):
        """The status of one request; None if it was answered by an error of the protocol."""
        stream = self.http.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), ("authorization", f"Bearer {ground.token}"), *more]
        self.http.send_headers(stream, fields, end_stream=not body and not trailers)
        if body:
            self.http.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.http.send_headers(stream, trailers, end_stream=True)
        self.flush()
        for event in self.events():
            if isinstance(event, h2.events.ResponseReceived):
                return int(dict(event.headers)[":status"])
            if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                return None
        return None


@pytest.mark.parametrize("more, body", [
    ([("content-length", "3")], b"hello"), ([("content-length", "30")], b"hello"), ([("content-length", "5"), ("content-length", "6")], b"hello"),
    ([("content-length", "+5")], b"hello"), ([("content-length", "5")], b""), ([("transfer-encoding", "chunked")], b"0\r\n\r\n"),
    ([("connection", "x-a"), ("x-a", "1")], b""), ([("te", "gzip")], b""), ([("upgrade", "websocket")], b""), ([(":path", "/billing/b")], b""),
    ([("x-a", "1\r\nx-evil: 1")], b""), ([("x-a: 1\r\nx-evil", "1")], b""), ([("X-Up", "1")], b""), ([(":protocol", "websocket")], b""),
])
def test_a_request_of_http_2_that_is_not_well_formed_reaches_nobody(ground, more, body):
    assert Streams(ground).ask(ground, "/billing/free/a", more, "POST", body=body) is None
    assert ground.arrived() == []


@pytest.mark.parametrize("path, method, authority", [
    ("billing/a", "GET", "up.test"), ("http://up.test/billing/a", "GET", "up.test"), ("", "GET", "up.test"), ("/billing/a b", "GET", "up.test"),
    ("/billing/a", "GET /x", "up.test"), ("/billing/a", "CONNECT", "up.test:80"), ("*", "OPTIONS", "up.test"), ("/billing/../keyed/a", "GET", "up.test"),
])
def test_what_http_2_asks_for_in_no_known_form_reaches_nobody(ground, path, method, authority):
    assert Streams(ground).ask(ground, path, (), method, authority) in (None, 400, 401, 403, 404)
    assert ground.arrived() == []


def test_streams_that_are_reset_as_fast_as_they_are_opened_end_their_connection_and_run_nothing(ground):
    streams = Streams(ground)
    fields = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/billing/free/reset"), ("authorization", f"Bearer {ground.token}")]
    try:
        for _ in range(2000):
            stream = streams.http.get_next_available_stream_id()
            streams.http.send_headers(stream, fields)
            streams.http.reset_stream(stream)
        streams.flush()
    except (ConnectionResetError, BrokenPipeError):
        pass
    ended = [event for event in streams.events() if isinstance(event, h2.events.ConnectionTerminated)]
    assert ended or streams.socket.recv(1) == b""
    assert ground.ask("/billing/a").status == 200
    assert ground.site.asked("/free/reset") == []


@pytest.mark.parametrize("begin", [b"", b"\0\0\x05\x01\0\0\0\0\x01\x82\x86\x84AB"], ids=["nothing but the preface", "half a header"])
def test_a_client_of_http_2_that_asks_for_nothing_is_left(tmp_path, issuer, begin):
    with Site() as site, Gateway(tmp_path / "late", issuer, {"billing": site.connection()}, POLICIES, {"limits": {"startup_seconds": 1}}) as gateway:
        with socket.create_connection((gateway.host, gateway.http_port), timeout=20) as client:
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" + begin)
            # A connection that is kept would outlast the test's own patience.
            rest_of(client)


# --- what changes while a request is on its way -------------------------------------------------------------------


def test_a_request_that_is_held_over_a_change_of_policies_is_decided_by_the_new_ones(tmp_path, issuer):
    allows = 'permit (principal, action, resource);'
    with Site() as site, Gateway(tmp_path / "changing", issuer, {"billing": site.connection()}, allows) as gateway:
        ground, body = Ground(site, gateway, issuer.agent(lifetime=3600)), b'{"amount":9999}'
        fields = [("Authorization", f"Bearer {ground.token}"), *JSON.items(), ("Content-Length", str(len(body)))]
        with socket.create_connection(ground.address, timeout=20) as client:
            client.sendall(written("POST", "/billing/charges", fields) + body[:3])
            until(lambda: gateway.metric("panguard_sessions") or ground.ask("/billing/a").status == 200, "its head was read")
            gateway.write_policies(allows + 'forbid (principal, action, resource is Endpoint) when { context.body.hasTag("$.amount") };')
            until(lambda: ground.ask("/billing/charges", "POST", JSON, body).status == 403, "the new policies are in force")
            ground.arrived()
            client.sendall(body[3:])
            assert Answer(rest_of(client)).status == 403
        assert ground.arrived() == []


def test_a_token_of_an_issuer_that_is_believed_no_more_holds_no_more(tmp_path, issuer):
    with Site() as site, Issuer() as other, Gateway(tmp_path / "issuers", issuer, {"billing": site.connection()}, POLICIES) as gateway:
        ground = Ground(site, gateway, issuer.agent(lifetime=3600))
        assert ground.ask("/billing/a").status == 200
        gateway.write_config(identity={"issuers": [other.config()]})
        until(lambda: ground.ask("/billing/a", token=other.agent(lifetime=3600)).status == 200, "the other issuer is believed")
        assert ground.ask("/billing/a").status == 401
        # Somebody who has come since has come to the same connection.
        assert ground.ask("/billing/a", token=issuer.agent(lifetime=3000)).status == 401


# --- budgets ------------------------------------------------------------------------------------------------------

FEW = """
permit (principal, action == Action::"connect", resource);
permit (principal, action == Action::"call", resource) when { context.tokens_today < 100 };
"""
CHAT = "/v1/chat/completions"


def said(*texts):
    events = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return answer(type="text/event-stream", chunks=[f"data: {json.dumps(event)}\n\n".encode() for event in events])


@pytest.fixture
def spending(tmp_path, issuer):
    with Site() as site, Gateway(tmp_path / "spending", issuer, {"models": site.connection("llm")}, FEW) as gateway:
        yield Ground(site, gateway, issuer.agent(lifetime=3600))


def spend(ground, times=6):
    prompt = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "go on"}]})
    return [ground.ask(f"/models{CHAT}", "POST", JSON, prompt).status for _ in range(times)]


def test_tokens_of_which_the_provider_says_nothing_count_all_the_same(spending):
    spending.site.answers[CHAT] = said(*["a word or two "] * 40)
    until(lambda: spend(spending, 1) == [403], "the budget is spent")
    assert len(spending.arrived()) <= 3


def test_what_a_provider_says_that_it_cost_is_what_counts(spending):
    cost = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    spending.site.answers[CHAT] = answer(type="text/event-stream", chunks=[f"data: {json.dumps(cost)}\n\n".encode()])
    assert spend(spending) == [200] * 6


# --- labelled values in what is said to be JSON, and is not -------------------------------------------------------

LABELLED = json.dumps({"nat": "NATVALUE77"})


@pytest.mark.parametrize("body", [
    f")]}}',\n{LABELLED}", f"cb({LABELLED})", f"/**/{LABELLED}", f"x{LABELLED}", "<a><nat>NATVALUE77</nat></a>", "{'nat':'NATVALUE77'}", '{"nat":"NATVALUE77",}',
])
def test_a_labelled_value_is_not_told_in_json_that_is_none(tmp_path, issuer, body):
    with Site() as site, Gateway(tmp_path / "labelled", issuer, {"people": site.connection(data={"$.nat": "national_id"})}, POLICIES) as gateway:
        ground = Ground(site, gateway, issuer.agent(lifetime=3600))
        came = ground.ask("/people" + site.serves(answer(body, "application/json")))
        assert b"NATVALUE77" not in came.raw, came
