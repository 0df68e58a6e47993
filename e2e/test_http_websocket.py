"""WebSocket through panguard: ordinary clients, and what they may not see or send."""

import asyncio
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import pytest

pytest.importorskip("websockets", reason="websockets is not here; ./test installs it")

import websockets as by_loop  # noqa: E402
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402
from websockets.sync.server import serve  # noqa: E402

from panguard_test import Gateway  # noqa: E402
from panguard_test.certificates import Authority  # noqa: E402
from panguard_test.process import free_port  # noqa: E402
from panguard_test.waiting import until  # noqa: E402

CARD = "4000056655665556"
CLIENTS = pathlib.Path(__file__).parent / "clients"
POLICIES = """
permit (principal in Group::"agents", action == Action::"connect", resource);
permit (principal in Group::"agents", action == Action::"read", resource is Endpoint);
permit (principal in Group::"agents", action == Action::"write", resource is Endpoint)
    when { resource.path like "/echo*" || resource.path like "/says*" };
permit (principal in Group::"fraud", action == Action::"reveal", resource);
"""


class Upstream:
    """A server of WebSockets: `/echo` says what it is told, `/says/…` says what stands in `self.says`."""

    def __init__(self, **options):
        self.port = free_port()
        self.says = {}
        self.heard = []
        self.requests = []
        self.server = serve(self.handle, "127.0.0.1", self.port, max_size=None, **options)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, connection):
        self.requests.append(connection.request)
        path = connection.request.path
        if path.startswith("/echo"):
            for message in connection:
                self.heard.append(message)
                connection.send(message)
        else:
            for message in self.says[path.split("?")[0]]:
                connection.send(message)

    def close(self):
        self.server.shutdown()


@pytest.fixture(scope="module")
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, issuer, upstream):
    url = {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-upstream-1"}
    connections = {
        "live": {**url, "requests": "refuse", "opaque": "scan"},
        "vault": {**url, "labels": ["cde"]},
        "model": {**url, "type": "llm"},
        "masked": {**url, "requests": "mask", "opaque": "scan"},
    }
    with Gateway(tmp_path_factory.mktemp("websocket"), issuer, connections, POLICIES) as gateway:
        yield gateway


def opened(gateway, issuer, path, token=None, connection="live", **options):
    headers = {"Authorization": f"Bearer {token or issuer.agent()}"}
    url = f"ws://127.0.0.1:{gateway.http_port}/{connection}{path}"
    return connect(url, additional_headers=headers, max_size=None, **options)


def all_of(connection):
    return list(connection)


# --- ordinary clients --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["deflate", None])
def test_what_a_client_sends_comes_back(gateway, issuer, compression):
    with opened(gateway, issuer, "/echo", compression=compression) as it:
        for size in (0, 1, 125, 126, 1000, 65535, 65536, 1 << 20):
            # The same each time: among a million bytes of chance some may be a card number as machines write it.
            for message in ("é" * size, random.Random(size).randbytes(size)):
                it.send(message)
                assert it.recv() == message
        # In fragments, as they come from a stream.
        it.send(["a", "b", "c"])
        assert it.recv() == "abc"
        assert it.ping("keep").wait(5)


def test_a_message_of_megabytes_comes_back(gateway, issuer):
    message = json.dumps([{"id": n, "text": "nothing to see"} for n in range(100_000)])
    with opened(gateway, issuer, "/echo") as it:
        it.send(message)
        assert it.recv() == message


def test_many_messages_keep_their_order(gateway, issuer):
    with opened(gateway, issuer, "/echo") as it:
        for n in range(500):
            it.send(f"message {n}")
        assert [it.recv() for _ in range(500)] == [f"message {n}" for n in range(500)]


def test_both_sides_close_as_they_say(gateway, issuer, upstream):
    with opened(gateway, issuer, "/echo") as it:
        it.close(4001, "enough")
        assert (it.protocol.close_rcvd.code, it.protocol.close_rcvd.reason) == (4001, "enough")


def test_the_upstream_gets_the_credential_and_not_the_agents_token(gateway, issuer, upstream):
    token = issuer.agent()
    with opened(gateway, issuer, "/echo/who", token=token) as it:
        it.send("who")
        it.recv()
    headers = upstream.requests[-1].headers
    assert headers["authorization"] == "Bearer sk-upstream-1"
    assert token not in str(list(headers.raw_items()))


def test_node_sees_the_same(gateway, issuer):
    node = shutil.which("node")
    if not node or not (CLIENTS.parent / "node_modules" / "ws").is_dir():
        pytest.skip("ws is not here; ./test installs it")
    environment = {**os.environ, "URL": f"ws://127.0.0.1:{gateway.http_port}/live/echo",
                   "TOKEN": issuer.agent(), "CARD": f"pay with {CARD}"}
    done = subprocess.run([node, CLIENTS / "ws.mjs"], env=environment, capture_output=True, text=True, timeout=30)
    seen = json.loads(done.stdout)
    assert seen["texts"] == [True] * 7 and seen["binaries"] == [True] * 7, seen
    assert seen["pongs"] == 1 and "permessage-deflate" in seen["extensions"]
    assert (seen["code"], seen["reason"]) == (1008, "PGD-0006: card data")


# --- what is masked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    f"card {CARD}", f'{{"card": "{CARD}"}}', " ".join(CARD), f"a=1&card={CARD}", f"<card>{CARD}</card>",
])
def test_card_numbers_in_messages_are_masked(gateway, issuer, upstream, text):
    upstream.says["/says/card"] = [text, ["card ", CARD[:7], CARD[7:], " end"], "nothing"]
    with opened(gateway, issuer, "/says/card") as it:
        first, second, third = all_of(it)
    digits = "".join(c for c in first + second if c.isdigit())
    assert CARD not in digits and "5556" in digits
    assert third == "nothing"


def test_who_may_reveal_sees_them(gateway, issuer, upstream):
    upstream.says["/says/plain"] = [f"card {CARD}"]
    token = issuer.person("ada", groups=["agents", "fraud"])
    with opened(gateway, issuer, "/says/plain", token=token) as it:
        assert all_of(it) == [f"card {CARD}"]


def test_a_card_number_that_is_sent_closes_the_socket(gateway, issuer, upstream):
    heard = len(upstream.heard)
    with opened(gateway, issuer, "/echo") as it:
        it.send(f"pay with {CARD}")
        with pytest.raises(ConnectionClosed) as closed:
            it.recv()
    assert closed.value.rcvd.code == 1008 and closed.value.rcvd.reason.startswith("PGD-0006")
    assert upstream.heard[heard:] == []


def test_a_card_number_that_is_sent_is_masked_where_the_connection_says_so(gateway, issuer, upstream):
    with opened(gateway, issuer, "/echo", connection="masked") as it:
        it.send(f"pay with {CARD}")
        it.recv()
    assert upstream.heard[-1] == "pay with ************5556"


def test_binary_messages_do_not_pass_where_what_cannot_be_understood_does_not(gateway, issuer, upstream):
    upstream.says["/says/binary"] = [b"\x00\x01\x02 unknown \xff"]
    with opened(gateway, issuer, "/says/binary", connection="vault") as it:
        with pytest.raises(ConnectionClosed) as closed:
            it.recv()
    assert closed.value.rcvd.code == 1008 and closed.value.rcvd.reason.startswith("PGD-0012")


@pytest.mark.parametrize("parts", [[CARD[:8], CARD[8:]], [CARD[:4], CARD[4:8], CARD[8:12], CARD[12:]],
                                   [f"card {CARD[:10]}", CARD[10:]], list(CARD)])
def test_a_number_in_parts_over_messages_does_not_pass_where_cards_are_expected(gateway, issuer, upstream, parts):
    upstream.says["/says/parts"] = parts
    with opened(gateway, issuer, "/says/parts", connection="vault") as it:
        told = "".join(all_of(it))
    assert sum(c.isdigit() for c in told) <= 8, told


# --- who may, and how long ---------------------------------------------------------------------------------


def test_a_socket_needs_leave_to_write(gateway, issuer):
    with pytest.raises(InvalidStatus) as refused:
        opened(gateway, issuer, "/other")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["code"] == "PGD-0005"


def test_a_socket_to_a_model_is_refused(gateway, issuer):
    with pytest.raises(InvalidStatus) as refused:
        opened(gateway, issuer, "/echo", connection="model")
    assert json.loads(refused.value.response.body)["code"] == "PGD-0007"


def test_a_token_that_expires_closes_the_socket(gateway, issuer):
    token = issuer.agent(lifetime=3)
    with opened(gateway, issuer, "/echo", token=token) as it:
        it.send("still")
        assert it.recv() == "still"
        with pytest.raises(ConnectionClosed) as closed:
            it.recv(timeout=20)
    assert closed.value.rcvd.code == 1008 and closed.value.rcvd.reason.startswith("PGD-0002")


def test_how_it_ended_is_recorded(gateway, issuer, upstream):
    upstream.says["/says/recorded"] = [f"card {CARD}"]
    with opened(gateway, issuer, "/says/recorded?mark=recorded") as it:
        all_of(it)

    def entries():
        listed = gateway.run("audit", "list", "--format", "json").stdout.splitlines()
        return [json.loads(line)["entry"] for line in listed]

    def outcome():
        asked = [entry for entry in entries() if "mark=recorded" in json.dumps(entry)]
        if not asked:
            return None
        return next((entry for entry in entries() if entry.get("request") == asked[0]["request"]
                     and entry["event"]["type"] == "outcome"), None)

    found = until(outcome, "the outcome is recorded", 10)
    assert found["event"]["code"] == "1000" and found["event"]["masked"] == 1, found
    assert CARD not in json.dumps(entries())


def test_the_end_of_the_gateway_closes_the_socket(tmp_path, issuer, upstream):
    connections = {"live": {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-1"}}
    with Gateway(tmp_path / "gateway", issuer, connections, POLICIES) as gateway:
        with opened(gateway, issuer, "/echo") as it:
            it.send("still")
            assert it.recv() == "still"
            threading.Thread(target=gateway.stop).start()
            with pytest.raises(ConnectionClosed) as closed:
                it.recv(timeout=20)
    assert closed.value.rcvd.code == 1001 and closed.value.rcvd.reason.startswith("PGD-0015")


def test_another_configuration_of_the_connection_closes_the_socket(tmp_path, issuer, upstream):
    live = {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-1"}
    with Gateway(tmp_path / "gateway", issuer, {"live": live}, POLICIES) as gateway:
        with opened(gateway, issuer, "/echo") as it:
            it.send("still")
            assert it.recv() == "still"
            gateway.connections = {"live": {**live, "labels": ["cde"]}}
            gateway.write_config()
            with pytest.raises(ConnectionClosed) as closed:
                it.recv(timeout=20)
    assert closed.value.rcvd.code == 1012 and "configuration" in closed.value.rcvd.reason


def test_other_policies_close_the_socket_which_may_be_opened_anew(tmp_path, issuer, upstream):
    connections = {"live": {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-1"}}
    with Gateway(tmp_path / "gateway", issuer, connections, POLICIES) as gateway:
        with opened(gateway, issuer, "/echo") as it:
            it.send("still")
            assert it.recv() == "still"
            gateway.write_policies(POLICIES + 'forbid (principal, action, resource is Endpoint) when { resource.path == "/other" };')
            with pytest.raises(ConnectionClosed) as closed:
                it.recv(timeout=20)
        assert closed.value.rcvd.code == 1012 and "policies" in closed.value.rcvd.reason
        with opened(gateway, issuer, "/echo") as it:
            it.send("again")
            assert it.recv() == "again"


def test_an_upstream_by_tls(tmp_path, issuer):
    authority = Authority(tmp_path, "upstreams authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost"))
    port = free_port()

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async def run():
        connections = {"live": {"type": "http", "base_url": f"https://localhost:{port}", "secret": "sk-1",
                                "ca": str(authority.file)}}
        async with by_loop.serve(echo, "localhost", port, ssl=context, max_size=None):
            await asyncio.to_thread(talk, connections)

    def talk(connections):
        with Gateway(tmp_path / "gateway", issuer, connections, POLICIES) as gateway:
            with opened(gateway, issuer, "/echo") as it:
                for message in ("hello", random.Random(20).randbytes(1 << 20)):
                    it.send(message)
                    assert it.recv() == message

    asyncio.run(run())


def test_a_socket_through_the_forward_proxy(tmp_path, issuer, upstream):
    """By TLS in a tunnel, as clients open sockets through a proxy."""
    connections = {"live": {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-1",
                            "hosts": ["live.panguard.test"]}}
    with Gateway(tmp_path / "gateway", issuer, connections, POLICIES) as gateway:
        context = ssl.create_default_context(cadata=gateway.run("ca").stdout)
        proxy = f"http://agent:{issuer.agent()}@127.0.0.1:{gateway.http_port}"
        upstream.says["/says/tunnelled"] = [f"card {CARD}"]

        async def talk():
            # Not by threads: two of them at one TLS socket of Python's hang now and then, also without a proxy.
            url = "wss://live.panguard.test"
            async with by_loop.connect(f"{url}/says/tunnelled", proxy=proxy, ssl=context) as it:
                assert [message async for message in it] == ["card ************5556"]
            async with by_loop.connect(f"{url}/echo", proxy=proxy, ssl=context, max_size=None) as it:
                for message in ("hello", random.Random(20).randbytes(1 << 20)):
                    await it.send(message)
                    assert await it.recv() == message

        asyncio.run(talk())


# --- peers that break the protocol -------------------------------------------------------------------------


def raw(gateway, issuer, connection="live", path="/echo", extra=""):
    """A socket on which the handshake is done."""
    stream = socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall((f"GET /{connection}{path} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\n"
                    f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                    f"Authorization: Bearer {issuer.agent()}\r\n{extra}\r\n").encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 101"), head
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
    assert accept in head
    return stream


def frame(first, payload, masked=True, length=None):
    said = length if length is not None else bytes([len(payload) | (0x80 if masked else 0)])
    return bytes([first]) + said + (b"\0\0\0\0" if masked else b"") + payload


@pytest.mark.parametrize("sent, code", [
    (frame(0x81, b"hello", masked=False), 1002),
    (frame(0xC1, b"hello"), 1002),
    (frame(0xA1, b"hello"), 1002),
    (frame(0x83, b"hello"), 1002),
    (frame(0x80, b"hello"), 1002),
    (frame(0x09, b"in parts"), 1002),
    (frame(0x81, b"hello", length=b"\xfe\x00\x05"), 1002),
    (frame(0x81, b"hello", length=b"\xff\x00\x00\x00\x00\x00\x00\x00\x05"), 1002),
    (frame(0x81, b"", length=b"\xff\x00\x00\x00\x00\x7f\xff\xff\xff"), 1009),
    (frame(0x81, b"\xff\xfe"), 1007),
    (frame(0x88, b"\x03"), 1002),
    (frame(0x88, struct.pack("!H", 1006)), 1002),
    (frame(0x01, b"a") + frame(0x81, b"b"), 1002),
])
def test_what_no_peer_may_send_closes_the_socket(gateway, issuer, sent, code):
    stream = raw(gateway, issuer)
    stream.sendall(sent)
    told = b""
    while more := stream.recv(4096):
        told += more
    assert told[0] == 0x88 and struct.unpack("!H", told[2:4])[0] == code, told


def test_what_is_sent_before_the_answer_is_not_read(gateway, issuer, upstream):
    heard = len(upstream.heard)
    stream = socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    head = (f"GET /live/echo HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Authorization: Bearer {issuer.agent()}\r\n\r\n")
    stream.sendall(head.encode() + b"GET /live/echo HTTP/1.1\r\nHost: gateway\r\n\r\n")
    try:
        told = stream.recv(4096)
    except ConnectionError:
        told = b""
    assert b"101" not in told.split(b"\r\n")[0]
    assert upstream.heard[heard:] == []


def test_what_a_socket_told_is_kept_masked(tmp_path, issuer, upstream):
    url = {"type": "http", "base_url": f"http://127.0.0.1:{upstream.port}", "secret": "sk-upstream-1"}
    upstream.says["/says/kept"] = [json.dumps({"card": CARD, "state": "paid"}), "and that was all"]
    with Gateway(tmp_path, issuer, {"live": url}, POLICIES, config={"audit": {"answers": {"bytes": 400}}}) as gateway:
        with opened(gateway, issuer, "/says/kept") as socket:
            assert [json.loads(socket.recv())["state"], socket.recv()] == ["paid", "and that was all"]
        (outcome,) = until(lambda: gateway.audit("--event", "outcome"), "its end is recorded")
        shown = gateway.run("audit", "show", outcome["entry"]["request"]).stdout
    assert "answered" in shown and '"state": "paid"' in shown and "and that was all" in shown
    assert CARD not in shown and "5556" in shown


# --- access that is taken away -----------------------------------------------------------------------------


def test_an_open_socket_is_closed_when_access_is_taken_away_and_its_command_is_recorded(gateway, issuer, upstream):
    with opened(gateway, issuer, "/echo/revoked", token=issuer.agent("ci-bot")) as theirs, opened(gateway, issuer, "/echo") as others:
        theirs.send("before")
        assert theirs.recv() == "before"
        made = gateway.run("access", "revoke", "agent", "ci-bot", "--reason", "it was taken over").stdout
        try:
            with pytest.raises(ConnectionClosed) as raised:
                theirs.recv(5)
            assert raised.value.rcvd.code == 1008
            others.send("still here")
            assert others.recv(5) == "still here"
            with pytest.raises(InvalidStatus) as refused:
                opened(gateway, issuer, "/echo", token=issuer.agent("ci-bot"))
            assert refused.value.response.status_code == 403
        finally:
            gateway.run("access", "restore", re.search(r"r-[0-9a-f]{16}", made).group(0))
    assert upstream.heard[-2:] == ["before", "still here"]
