"""What breaks the protocol gets a clear error and a record, and disturbs nobody else."""

import contextlib
import os
import random
import socket
import struct

import pytest

from panguard_test import cards, until, wire


@pytest.fixture
def others_are_served(gateway, issuer):
    """After the test, the gateway runs and serves others, and nothing in it panicked."""
    yield
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)
    assert "panicked" not in gateway.said()


pytestmark = pytest.mark.usefixtures("others_are_served")


def last_record(gateway, event):
    lines = gateway.audit("--event", event, "--limit", "1")
    return lines[-1]["entry"] if lines else None


# --- before a session ----------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 64, b"\xff" * 64, os.urandom(4096), b"\x16\x03\x01\x00\x05hello",
    struct.pack("!I", 0), struct.pack("!II", 4, 0), struct.pack("!II", 7, wire.PROTOCOL_3_0),
    struct.pack("!II", 0x7FFFFFFF, wire.PROTOCOL_3_0), struct.pack("!iI", -1, wire.PROTOCOL_3_0),
    struct.pack("!II", 10001, wire.PROTOCOL_3_0) + b"x" * 9993, wire.packet(wire.PROTOCOL_3_0, b"user\0agent"),
    wire.packet(wire.PROTOCOL_3_0, b"user\0agent\0database"), wire.packet(wire.PROTOCOL_3_0, b"\0"),
    wire.packet(wire.PROTOCOL_3_0, b""), wire.packet(wire.PROTOCOL_3_0, b"user\0\xff\xfe\0\0"),
    wire.packet(wire.PROTOCOL_3_0, b"user\0a\0user\0b\0\0"), wire.packet(131072, b"user\0agent\0\0"),
    wire.packet(0, b""), wire.packet(wire.CANCEL, b""), wire.packet(wire.CANCEL, b"x" * 300),
], ids=range(21))
def test_a_startup_that_is_none_ends_the_connection(gateway, data):
    with wire.Wire(gateway) as client:
        client.send(data)
        with contextlib.suppress(OSError):
            # It may have been hung up upon by now.
            client.socket.shutdown(socket.SHUT_WR)
        words = client.last_words()
        assert words is None or words["S"] == "FATAL"


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 8, 9, 20, 30])
def test_a_truncated_startup_ends_with_its_connection(gateway, cut):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments")[:cut])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed()


def test_a_startup_packet_with_only_a_user_and_nothing_after_it_harms_nobody(make_gateway, issuer):
    gateway = make_gateway(config={"limits": {"startup_seconds": 1}})
    with wire.Wire(gateway) as silent:
        silent.send(wire.startup(user="agent"))
        assert silent.read() == ("R", struct.pack("!I", 3))
        for _ in range(5):
            gateway.connect(issuer.agent()).close()
        words = silent.last_words()
        assert words["S"] == "FATAL" and "PGD-0013" in words["M"] and "1 second" in words["M"]
    assert "PGD-0013" in last_record(gateway, "authentication_failed")["event"]["reason"]


def test_a_user_alone_names_the_connection_of_that_name(gateway, issuer):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="payments"))
        client.read()
        client.send(wire.message("p", issuer.agent().encode() + b"\0"))
        assert wire.error(client.until("Z")) is None


def test_a_client_that_says_nothing_harms_nobody(make_gateway, issuer):
    gateway = make_gateway(config={"limits": {"startup_seconds": 1}})
    silent = [wire.Wire(gateway) for _ in range(50)]
    gateway.connect(issuer.agent()).close()
    assert all(client.is_closed() for client in silent)
    until(lambda: gateway.metric("panguard_sockets_open") == 0, "their sockets are closed")


def test_a_packet_that_trickles_is_read(gateway, issuer):
    with wire.Wire(gateway) as client:
        for byte in wire.startup(user="agent", database="payments"):
            client.send(bytes([byte]))
        client.read()
        for byte in wire.message("p", issuer.agent().encode() + b"\0") + wire.query("select 1"):
            client.send(bytes([byte]))
        assert wire.error(client.until("Z")) is None
        assert wire.rows(client.until("Z")) == [[b"1"]]


@pytest.mark.parametrize("value", ["true", "database", "on", "1", "yes"])
def test_replication_is_refused(gateway, value):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments", replication=value))
        words = client.last_words()
        assert (words["S"], words["C"]) == ("FATAL", "0A000") and "PGD-0014" in words["M"] and words["H"]
    assert "PGD-0014" in last_record(gateway, "authentication_failed")["event"]["reason"]


@pytest.mark.parametrize("parameters", [
    {"search_path": "evil"}, {"options": "-c search_path=evil"}, {"role": "postgres"}, {"client_encoding": "SJIS"},
    {"session_authorization": "postgres"}, {"options": "-c log_statement=all"}, {"options": "--role=postgres"},
    {"standard_conforming_strings": "off"}, {"options": "-c client_min_messages=debug5"}, {"_pq_.x": "y" * 3000, "x": "y"},
])
def test_a_setting_that_would_change_what_statements_mean_is_refused(gateway, parameters):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments", **parameters))
        words = client.last_words()
        assert words["C"] == "0A000" and "PGD-0014" in words["M"] and words["H"]


def test_gss_encryption_is_declined_and_the_session_goes_on(gateway, issuer):
    with wire.Wire(gateway) as client:
        client.send(wire.packet(wire.GSSENC))
        assert client.take(1) == b"N"
        client.send(wire.packet(wire.SSL))
        assert client.take(1) == b"N"
        client.send(wire.startup(user="agent", database="payments"))
        assert client.read()[0] == "R"


def test_gss_tokens_are_not_passwords(gateway):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments"))
        client.read()
        client.send(wire.message("p", os.urandom(2000)))
        assert client.last_words()["S"] == "FATAL"


@pytest.mark.parametrize("data", [
    wire.query("select 1"), wire.SYNC, wire.message("p", b"x" * 70000 + b"\0"), wire.message("p", b"a\0b\0"), wire.message("p", b""),
    wire.message("p", length=3), wire.message("p", length=0), b"p" + struct.pack("!i", -5), b"\0" * 100,
], ids=range(9))
def test_something_else_in_the_place_of_a_token_ends_the_connection(gateway, data):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments"))
        client.read()
        client.send(data)
        words = client.last_words()
        assert words["S"] == "FATAL" and words["M"]


def test_a_newer_minor_version_is_negotiated(gateway, issuer):
    with wire.Wire(gateway) as client:
        client.send(wire.packet(wire.PROTOCOL_3_0 + 9999, b"user\0agent\0database\0payments\0_pq_.unknown\0on\0\0"))
        tag, body = client.read()
        assert tag == "v" and b"_pq_.unknown" in body
        assert client.read()[0] == "R"
        client.send(wire.message("p", issuer.agent().encode() + b"\0"))
        assert wire.error(client.until("Z")) is None


# --- in a session --------------------------------------------------------------------------------------


@pytest.fixture
def session(gateway, issuer):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        yield session


@pytest.mark.parametrize("data", [
    wire.message("Q", b"select 1"), wire.message("Q", b""), wire.message("Q", b"select 1\0select 2\0"),
    wire.message("Q", b"select '\xff\xfe'\0"), wire.message("Q", length=3), wire.message("Q", length=0), b"Q" + struct.pack("!i", -1),
    b"Q\x7f\xff\xff\xff", b"\0\0\0\0\x04", wire.message("y", b"hello"), wire.message("R", b"\0\0\0\0"), wire.message("Z", b"I"),
    wire.message("p", b"token\0"), wire.message("P", b"\0select 1\0"), wire.message("P", b"\0select 1\0\0\x05"),
    wire.message("B", b"\0\0\0\x01"), wire.message("B", b"\0\0\0\0\xff\xff"), wire.message("E", b"\0\0"), wire.message("D", b"X\0"),
    wire.message("D", b""), wire.message("C", b"S"), wire.message("S", b"x"), wire.message("H", b"x"),
    wire.startup(user="agent"), wire.packet(wire.SSL), b"\x16\x03\x01\x02\x00" + os.urandom(512),
], ids=range(26))
def test_a_malformed_message_is_answered_and_recorded(gateway, session, data):
    session.send(data, wire.SYNC)
    session.socket.shutdown(socket.SHUT_WR)
    answer = session.until(None)
    told = wire.error(answer)
    if data[:1] in b"\0\x16":
        # The beginning of a startup packet or of TLS: a message of a length that never comes.
        assert told is None or told["C"] == "08P01"
    else:
        assert told and told["M"] and told["C"] in ("08P01", "0A000", "54000", "42501", "22021", "26000", "34000"), told
    assert not wire.rows(answer)


def test_a_broken_protocol_is_in_the_record_of_its_session(gateway, session):
    session.send(wire.message("y", b"hello"))
    words = session.last_words()
    assert words["S"] == "FATAL" and words["C"] == "08P01" and words["H"]
    reason = until(lambda: "broke the protocol" in (last_record(gateway, "session_closed")["event"]["reason"]), "recorded")
    assert reason


def test_the_function_call_message_is_refused_and_the_session_goes_on(gateway, session):
    call = wire.message("F", struct.pack("!IHHHIH", 1598, 0, 0, 0, 0, 0)[:12])
    session.send(call)
    answer = session.until("Z")
    told = wire.error(answer)
    assert told["C"] == "0A000" and "PGD-0014" in told["M"]
    assert wire.rows(session.exchange(wire.query("select 1"))) == [[b"1"]]


def test_an_oversized_message_is_refused(make_gateway, issuer):
    gateway = make_gateway(config={"limits": {"message_bytes": 65536}})
    with wire.Wire.session(gateway, issuer.agent()) as session:
        assert wire.error(session.exchange(wire.query("select '" + "x" * 60000 + "'"))) is None
        session.send(b"Q" + struct.pack("!I", 1 << 30))
        told = wire.error(session.until(None))
        assert told["C"] == "54000" and "PGD-0013" in told["M"] and told["H"]


def test_copy_data_out_of_place_is_dropped_as_postgresql_does(session):
    session.send(wire.message("d", b"1\tx\n"), wire.message("c"), wire.message("f", b"no\0"))
    assert wire.rows(session.exchange(wire.query("select 1"))) == [[b"1"]]


def test_statements_and_portals_that_do_not_exist(session):
    answer = session.exchange(wire.bind("nothing"), wire.execute(), wire.SYNC)
    assert wire.tags(answer) == "EZ" and wire.error(answer)["C"] == "26000"
    answer = session.exchange(wire.execute("nothing"), wire.SYNC)
    assert wire.tags(answer) == "EZ" and wire.error(answer)["C"] == "34000"
    answer = session.exchange(wire.describe("S", "nothing"), wire.SYNC)
    assert wire.error(answer)["C"] == "26000"
    assert wire.tags(session.exchange(wire.message("C", b"Snothing\0"), wire.SYNC)) == "3Z"


def test_a_client_that_hangs_up_anywhere_is_no_trouble(gateway, issuer):
    whole = (wire.parse("select pan from cards", "s") + wire.bind("s") + wire.execute() + wire.SYNC + wire.query("select 1"))
    for cut in range(0, len(whole), 7):
        with wire.Wire.session(gateway, issuer.agent()) as session:
            session.send(whole[:cut])
    until(lambda: gateway.metric("panguard_sessions_open") == 0, "their sessions are closed")


def test_bytes_changed_at_random_bring_nothing_down(gateway, issuer):
    dice = random.Random(20260101)
    whole = (wire.parse("select pan, cvv from cards where id = 1", "s") + wire.describe("S", "s") + wire.bind("s", binary=True)
             + wire.execute() + wire.SYNC + wire.query("select note from cards; select 1"))
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        with wire.Wire.session(gateway, issuer.agent()) as session:
            session.send(bytes(data))
            session.socket.shutdown(socket.SHUT_WR)
            got = b"".join(body for _, body in session.until(None))
            assert not any(pan.encode() in got for pan in cards.PANS)
