"""Requests that are not HTTP, clients that are slow, and upstreams that lie: clear refusals, and nothing unmasked."""

import gzip
import json
import pathlib
import socket
import threading
import zlib

import brotli
import h11
import pytest

from panguard_test import Gateway, corpus, evasion, until
from panguard_test.exchange import fetch, send, written
from panguard_test.site import Site, answer

PAN = "4000056655665556"  # a published test number
POLICIES = """
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"call"], resource);
"""
CASES = evasion.read(corpus.CORPORA / "http" / "smuggling.jsonl")


class Ground:
    def __init__(self, site, gateway, token):
        self.site, self.gateway, self.token = site, gateway, token
        self.address = gateway.host, gateway.http_port

    def ask(self, path, name="cde", method="GET", headers=(), body=b"", **more):
        return fetch(self.address, f"/{name}{path}", method, headers, body, self.token, **more)


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Site() as site:
        connections = {
            "a": site.connection(hosts=["framed.test"]),
            "cde": site.connection(labels=["cde"], timeout_seconds=1),
            "plain": site.connection(timeout_seconds=1),
            "llm": site.connection("llm", timeout_seconds=1),
        }
        config = {"limits": {"startup_seconds": 1}}
        with Gateway(tmp_path_factory.mktemp("bad-http"), issuer, connections, POLICIES, config) as gateway:
            yield Ground(site, gateway, issuer.agent(lifetime=3600))


def is_problem(came, *statuses):
    """Asserts that an answer is a refusal of panguard's own, of one of these statuses."""
    assert came.status in statuses and came.complete, came
    problem = json.loads(came.body)
    assert came.get("content-type") == "application/problem+json" and problem["status"] == came.status
    assert problem["code"].startswith("PGD-") and problem["instead"]
    return problem


# --- framing -----------------------------------------------------------------------------------------------------


def by_h11(raw):
    """What a strict reader of its own makes of a stream: the requests in it, up to the first that it refuses."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(raw)
    found = []
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return found
            if isinstance(event, h11.Request):
                line = f"{event.method.decode()} {event.target.decode('latin-1')}"
            if isinstance(event, h11.EndOfMessage):
                found.append(line.replace(" /a/", " /").replace("http://framed.test", ""))
                if line.startswith("CONNECT"):
                    return found
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE:
                    return found
                if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
                    connection.start_next_cycle()
    except h11.RemoteProtocolError:
        return found


def by_panguard(ground, raw, answers, ends):
    """What reaches the upstream of a stream, and what is answered."""
    ground.site.requests.clear()
    said = b""
    with socket.create_connection(ground.address, timeout=10) as connected:
        connected.sendall(raw)
        try:
            while not ends and said.count(b"HTTP/1.") < answers and (piece := connected.recv(1 << 16)):
                said += piece
            connected.shutdown(socket.SHUT_WR)
            while piece := connected.recv(1 << 16):
                said += piece
        except OSError:
            pass
    return [f"{request.method} {request.target}" for request in ground.site.requests], said


def test_there_are_many_and_each_has_a_name():
    assert len(CASES) >= 60 and len({case["id"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_framing_is_read_in_the_one_way_that_everybody_reads(ground, case):
    raw = case["raw"].replace("TOKEN", ground.token).encode("latin-1", "replace")
    answers = max(1, len(case["reaches"]))
    reached, said = by_panguard(ground, raw, answers, case.get("ends"))
    assert reached == case["reaches"], said
    if not reached and not case.get("in_body"):
        assert said.startswith(b"HTTP/1.") and b"application/problem+json" in said and b'"code":"PGD-' in said, said
    # And so does a reader of others, where it is as strict; where it is not, is said in the case.
    agrees = by_h11(raw) == reached
    assert agrees == ("h11" not in case), (by_h11(raw), case.get("why"))


# --- heads ---------------------------------------------------------------------------------------------------------


def test_a_head_that_is_too_long_is_refused_as_such(ground):
    for fields in ([("X-Long", "a" * 70_000)], [(f"X-{n}", "1") for n in range(200)]):
        came = ground.ask("/ok", "plain", headers=fields)
        is_problem(came, 431)
    came = ground.ask("/" + "a" * 20_000, "plain")
    is_problem(came, 400, 403, 414)
    came = ground.ask("/" + "a" * 80_000, "plain")
    is_problem(came, 400, 414, 431)
    assert ground.ask("/ok", "plain", headers=[("X-Long", "a" * 20_000)]).status == 200


def test_a_client_that_does_not_go_on_with_its_head_is_left(ground):
    whole = written("GET", "/plain/ok", {"Authorization": f"Bearer {ground.token}"}).replace(b"Connection: close\r\n", b"")
    for begun in (b"", b"G", b"GET /plain/ok HTTP/1.1\r\n", b"GET /plain/ok HTTP/1.1\r\nHost: a\r\nX-A: b", whole + whole[:-4]):
        said = send(ground.address, begun)  # until it is closed
        assert said.count(b"HTTP/1.1 200 ") == (1 if whole in begun else 0)


def test_tls_and_other_protocols_are_no_http(ground):
    for raw in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, b"SSH-2.0-x\r\n", b"\0\0\0\x08\x04\xd2\x16\x2f", b"EHLO a\r\n", b"\x80\x01\0\0" * 30):
        ground.site.requests.clear()
        said = send(ground.address, raw)
        assert ground.site.requests == [] and b" 200 " not in said


# --- bodies of requests ---------------------------------------------------------------------------------------------


def packed(size, times=1):
    """`size` blanks in gzip, so often."""
    packer = zlib.compressobj(9, wbits=31)
    out = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(size >> 20)) + packer.flush()
    for _ in range(times - 1):
        out = gzip.compress(out)
    return out


def memory(gateway):
    lines = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


@pytest.fixture
def bounded(ground):
    """The gateway's memory grows by no more than a bound."""
    pathlib.Path(f"/proc/{ground.gateway.process.pid}/clear_refs").write_text("5")
    before = memory(ground.gateway)
    yield
    assert memory(ground.gateway) - before < 100 << 20


BOMBS = {"gzip": (packed(32 << 20), "gzip"), "gzip twice": (packed(32 << 20, 2), "gzip, gzip"),
         "br": (brotli.compress(b" " * (32 << 20), quality=3), "br"), "unlabelled": (packed(32 << 20), "")}


@pytest.mark.parametrize("name", list(BOMBS))
@pytest.mark.parametrize("connection", ["cde", "plain"])
def test_a_bomb_does_no_harm_on_its_way_down(ground, bounded, name, connection):
    body, coding = BOMBS[name]
    path = ground.site.serves(answer(body, headers=[("Content-Encoding", coding)] if coding else []))
    came = ground.ask(path, connection, seconds=40)
    assert came.status == 200 or is_problem(came, 502)


@pytest.mark.parametrize("name", list(BOMBS))
def test_a_bomb_does_no_harm_on_its_way_up(ground, bounded, name):
    body, coding = BOMBS[name]
    headers = [("Content-Type", "text/plain"), *([("Content-Encoding", coding)] if coding else [])]
    came = ground.ask("/up", "cde", "POST", headers, body, seconds=40)
    assert came.status == 200 or is_problem(came, 403, 429)


@pytest.mark.parametrize("body", ['{"a": ', '{"a": 1}}', "[1,]", '{"a": "\x01"}', '{"a": "\\x"}', "{'a': 1}", '{"a": NaN}', "[" * 5000, '{"a": "\ud800"}',
                                  '{"a": 1, "a": 2}', "\ufeff{}", "nul", '"' + "x " * 3000])
@pytest.mark.parametrize("name", ["cde", "llm"])
def test_json_that_is_none_holds_nothing_that_passes(ground, name, body):
    body = body.encode("utf-8", "surrogatepass")
    path = "/v1/chat/completions" if name == "llm" else "/json"
    for one in (body, body + PAN.encode()):
        ground.site.requests.clear()
        came = ground.ask(path, name, "POST", [("Content-Type", "application/json")], one)
        assert came.status == 200 or is_problem(came, 403)
        assert all(PAN.encode() not in request.raw for request in ground.site.requests)


def test_a_client_that_breaks_its_request_off_leaves_nothing_behind(ground):
    ground.site.requests.clear()
    raw = written("POST", "/plain/broken", {"Authorization": f"Bearer {ground.token}", "Content-Length": "3000000", "Content-Type": "text/plain"})
    for begun in (b"", b"a" * 1000, b"a" * 2_000_000):
        with socket.create_connection(ground.address, timeout=10) as connected:
            connected.sendall(raw + begun)
    assert ground.ask("/after", "plain").status == 200
    assert [request.target for request in ground.site.requests] == ["/after"]
    # Of the one that was being sent already, the record says that nobody knows how it ended.
    until(lambda: any("/broken" in str(line) for line in ground.gateway.audit("--event", "command_intent")), "it is recorded")
    until(lambda: "unknown" in str(ground.gateway.audit("--event", "outcome")), "its end is recorded")


# --- upstreams -----------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: "
JSON = HEAD + b"application/json\r\n"
TEXT = HEAD + b"text/plain\r\n"
SSE = HEAD + b"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
N = PAN.encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def stalls(*pieces):
    """Sends these, and then nothing, until the gateway has had enough."""
    def play(request, file):
        for piece in pieces:
            file.write(piece)
            file.flush()
        stalling.wait(20)
        return True
    return play


stalling = threading.Event()

LONG = b'{"rows": [' + b'{"n": 1, "note": "fine"}, ' * 20_000

# Name: what the upstream sends, and whether nothing of it was told: then there is a problem to read where card data is
# expected, and elsewhere what could be read. `False`: something may have been told, and breaks off.
LIES = {
    "nothing": (b"", True),
    "half a head": (b"HTTP/1.1 200 OK\r\nX-Card: " + N, True),
    "garbage": (b"\0\x01\x02 " + N + b"\r\n\r\n", True),
    "another protocol": (b"220 mail " + N + b" ESMTP\r\n", True),
    "no status": (b"HTTP/1.1 \r\n\r\n" + N, True),
    "a status of words": (b"HTTP/1.1 fine OK\r\n\r\n" + N, True),
    "a head too long": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 600_000 + N + b"\r\n\r\n", True),
    "fields without a colon": (b"HTTP/1.1 200 OK\r\nX" + N + b"\r\nContent-Length: 2\r\n\r\n{}", True),
    "two lengths": (TEXT + b"Content-Length: 2\r\nContent-Length: 16\r\n\r\n" + N, True),
    "a length of words": (TEXT + b"Content-Length: many\r\n\r\n" + N, True),
    "a length and chunks": (TEXT + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(N) + b"0\r\n\r\n", True),
    "less than it says": (JSON + b"Content-Length: 40\r\n\r\n{\"pan\": \"" + N, True),
    "less than it says, at length": (JSON + b"Content-Length: 900000\r\n\r\n" + LONG + N, False),
    "more than it says": (JSON + b"Content-Length: 2\r\n\r\n{}" + N, None),
    "two answers": (answer("{}", "application/json") + answer(PAN), None),
    "an answer to nobody": ([answer("{}", "application/json"), answer(PAN, status="408 Timeout")], None),
    "a chunk that is none": (TEXT + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"pay ") + b"zz\r\n" + N, None),
    "a chunk cut off": (TEXT + b"Transfer-Encoding: chunked\r\n\r\n" + b"10\r\n" + N[:12], None),
    "chunks without an end": (TEXT + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(N[:9]) + chunk(N[9:]), None),
    "gzip that is none": (TEXT + b"Content-Encoding: gzip\r\nContent-Length: 16\r\n\r\n" + N, True),
    "gzip cut off": (answer(gzip.compress(N * 50)[:-9], headers=[("Content-Encoding", "gzip")]), True),
    "gzip of another sum": (answer(gzip.compress(N)[:-8] + b"\0" * 8, headers=[("Content-Encoding", "gzip")]), True),
    "br that is none": (answer(PAN, headers=[("Content-Encoding", "br")]), True),
    "a coding that nobody knows": (answer(PAN, headers=[("Content-Encoding", "rot13")]), True),
    "json that breaks off": (answer('{"a": [1, {"pan": "' + PAN, "application/json"), True),
    "json that turns into something else, at length": (JSON + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(LONG) + chunk(b"}]] oops " + N) + b"0\r\n\r\n", None),
    "stalls in its head": (stalls(b"HTTP/1.1 200 OK\r\nX-Card: " + N), True),
    "stalls before its body": (stalls(JSON + b"Content-Length: 30\r\n\r\n"), True),
    "stalls in its body": (stalls(JSON + b"Content-Length: 30\r\n\r\n{\"pan\": \"" + N), True),
    "stalls at length": (stalls(JSON + b"Content-Length: 9000000\r\n\r\n" + LONG + b'{"pan": "' + N), False),
    "stalls in a stream": (stalls(SSE + chunk(b'data: {"delta": "pay ' + N[:8] + b'"}\n\n'), chunk(b'data: {"delta": "' + N[8:] + b'"}\n\n')), False),
    "stalls in an event": (stalls(SSE + chunk(b"data: one\n\n"), chunk(b"data: " + N)), False),
    "closes in a stream": (SSE + chunk(b'data: {"delta": "pay ' + N[:8] + b'"}\n\n') + chunk(b'data: {"delta": "' + N[8:] + b'"}\n\n') + b"40\r\nda", False),
    "a hundred interim answers": (b"HTTP/1.1 103 Early Hints\r\nLink: </" + N + b">\r\n\r\n" * 100 + answer("{}", "application/json"), None),
    "an upgrade that nobody asked for": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + N, True),
    "a part that nobody asked for": (answer(PAN[:8], status="206 Partial Content", headers=[("Content-Range", "bytes 0-7/16")]), True),
}


@pytest.fixture(autouse=True, scope="module")
def let_go():
    yield
    stalling.set()


@pytest.mark.parametrize("connection", ["cde", "plain", "llm"])
@pytest.mark.parametrize("name", list(LIES))
def test_an_upstream_that_lies_gets_nothing_through(ground, name, connection):
    lie, told = LIES[name]
    path = ground.site.serves(lie)
    came = ground.ask(path, connection)
    assert N not in came.raw and N[:12] not in came.raw, came
    if told and connection == "cde":
        is_problem(came, 502)
    elif told is False and came.status == 200:
        assert not came.complete
    else:
        assert came.status == 200 or is_problem(came, 502)
    # And what comes next is its own.
    after = ground.site.serves(answer("the next"))
    assert ground.ask(after, connection).text == "the next"


def test_the_record_says_how_answers_ended(ground):
    path = ground.site.serves(answer(b"\x89PNG\r\n\x1a\n" + N, "image/png"))
    id = is_problem(ground.ask(path), 502)["request_id"]
    # An outcome is recorded behind its answer.
    recorded = lambda: str([line for line in ground.gateway.audit() if line["entry"].get("request") == id])
    until(lambda: "withheld" in recorded().lower(), "how it ended is recorded")
    assert "an image" in recorded() and PAN not in recorded()
    path = ground.site.serves(LIES["less than it says"][0])
    id = is_problem(ground.ask(path), 502)["request_id"]
    until(lambda: "unknown" in recorded().lower(), "how it ended is recorded")
    assert ground.gateway.verify().returncode == 0


def test_an_upstream_that_is_not_there_is_told_apart_from_a_refusal(tmp_path, issuer):
    with Site() as site:
        connection = site.connection()
    with Gateway(tmp_path, issuer, {"gone": connection}, POLICIES) as gateway:
        came = fetch((gateway.host, gateway.http_port), "/gone/x", token=issuer.agent())
        problem = is_problem(came, 502)
        assert problem["code"] == "PGD-0011" and str(site.port) not in came.raw.decode() and came.get("x-should-retry") == "true"
