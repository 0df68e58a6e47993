"""An upstream that is down, breaks off or talks nonsense: a clear error, a record, and others are served."""

import struct
import threading

import psycopg
import pytest

from panguard_test import cards, until, wire
from panguard_test.meddler import CLOSE, Meddler
from panguard_test.refusal import Refusal, turned_away


@pytest.fixture
def meddler(cluster):
    with Meddler(cluster.port) as meddler:
        yield meddler


@pytest.fixture
def meddled(make_gateway, payments, meddler):
    """A gateway before one connection that is meddled with and one that is not."""
    through = {**payments, "address": f"127.0.0.1:{meddler.port}"}
    return make_gateway(connections={"payments": through, "steady": payments})


def others_are_served(gateway, issuer):
    with gateway.connect(issuer.agent(), "steady") as session:
        assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(cards.VISA),)
    assert "panicked" not in gateway.said()


def broken(session, sql="select id, pan, note from cards order by id"):
    """What the client is told of an upstream that breaks during `sql`."""
    with pytest.raises(psycopg.Error) as raised:
        session.execute(sql)
    told = Refusal(raised.value)
    assert told.code == "PGD-0011" and told.sqlstate == "08006" and told.hint, told
    assert session.closed
    return told


def test_an_upstream_that_is_down_is_said_to_be(meddled, meddler, issuer):
    meddler.is_open = False
    told = turned_away(lambda: meddled.connect(issuer.agent(), "payments"))
    assert "PGD-0011" in told and "HINT" in told
    assert str(meddler.port) not in told, "the upstream's address is nobody's business"
    assert meddled.audit("--event", "session_refused")[-1]["entry"]["event"]["code"] == "PGD-0011"
    others_are_served(meddled, issuer)
    meddler.is_open = True
    meddled.connect(issuer.agent(), "payments").close()


def test_an_upstream_that_is_down_at_the_start_keeps_nobody_from_others(make_gateway, payments, issuer):
    from panguard_test.process import free_port

    down = {**payments, "address": f"127.0.0.1:{free_port()}"}
    gateway = make_gateway(connections={"payments": down, "steady": payments}, start=False)
    gateway.start(ready=False)
    until(lambda: gateway.http("/healthz")[0] == 200, "it answers")
    until(lambda: "payments" in gateway.http("/readyz")[1], "what is not ready is named")
    until(lambda: "steady" not in gateway.http("/readyz")[1], "the other is ready")
    others_are_served(gateway, issuer)
    assert "PGD-0011" in turned_away(lambda: gateway.connect(issuer.agent(), "payments"))


def test_a_wrong_credential_is_not_the_agents_business(make_gateway, payments, issuer):
    wrong = {**payments, "password": "correct horse battery staple"}
    gateway = make_gateway(connections={"payments": wrong, "steady": payments}, start=False)
    gateway.start(ready=False)
    until(lambda: gateway.http("/healthz")[0] == 200, "it answers")
    told = turned_away(lambda: gateway.connect(issuer.agent(), "payments"))
    assert "PGD-0011" in told and "app_rw" not in told and "horse" not in told
    assert "horse" not in gateway.said()
    others_are_served(gateway, issuer)


def test_an_upstream_that_closes_mid_row(meddled, meddler, issuer):
    session = meddled.connect(issuer.agent(), "payments")
    assert session.execute("select 1").fetchone() == (1,)

    def cut(data):
        row = data.find(b"D\0\0")
        return [data[:row + 15], CLOSE] if row >= 0 else [data]

    meddler.meddle = cut
    told = broken(session)
    outcome = until(lambda: [line["entry"] for line in meddled.audit("--event", "outcome")
                             if line["entry"]["request"] == told.request], "its end is recorded")
    assert outcome[0]["event"]["status"] in ("unknown", "failed")
    others_are_served(meddled, issuer)


def test_an_upstream_that_closes_while_idle(meddled, meddler, issuer):
    with wire.Wire.session(meddled, issuer.agent(), "payments") as session:
        meddler.cut_all()
        words = session.last_words()
        assert words is None or words["S"] == "FATAL"
    others_are_served(meddled, issuer)


def test_an_upstream_that_closes_in_a_transaction(meddled, meddler, issuer):
    session = meddled.connect(issuer.agent(), "payments", autocommit=False)
    session.execute("insert into payments (memo) values ('of a lost upstream')")
    meddler.meddle = lambda _: [CLOSE]
    broken(session, "select 1")
    others_are_served(meddled, issuer)


@pytest.mark.parametrize("nonsense", [
    b"\xff" * 100, b"HTTP/1.1 400 Bad Request\r\n\r\n", wire.message("D", b"\0\x05"), wire.message("T", b"\xff\xff"),
    wire.message("D", struct.pack("!Hi", 1, 1 << 30)), wire.message("Z", b"Q"), b"D" + struct.pack("!I", 3), b"D\xff\xff\xff\xff",
    wire.message("W", b"\0\0\0"), wire.message("E", b"no fields"), wire.message("C", b"SELECT 1"), wire.message("R", struct.pack("!I", 3)),
    wire.message("G", b"\0\0"), wire.message("d", b"4111111111111111\n"), wire.message("?", b""), wire.message("1"),
], ids=range(16))
def test_an_upstream_that_talks_nonsense_is_left(meddled, meddler, issuer, nonsense):
    session = meddled.connect(issuer.agent(), "payments")
    meddler.meddle = lambda _: [nonsense]
    broken(session)
    reason = until(lambda: [line["entry"]["event"]["reason"] for line in meddled.audit("--event", "session_closed")
                            if "upstream" in line["entry"]["event"]["reason"]], "the reason is recorded")
    assert reason
    others_are_served(meddled, issuer)


@pytest.mark.parametrize("nonsense", [b"", b"N", b"\xff" * 64, b"E", wire.message("R", struct.pack("!I", 99)),
                                      wire.message("R", struct.pack("!I", 7)), wire.message("Z", b"I"), b"R\x7f\xff\xff\xff"], ids=range(8))
def test_an_upstream_that_cannot_begin(meddled, meddler, issuer, nonsense):
    meddler.meddle = lambda _: [nonsense, CLOSE]
    assert "PGD-0011" in turned_away(lambda: meddled.connect(issuer.agent(), "payments"))
    others_are_served(meddled, issuer)


def test_answers_in_pieces_are_put_together(meddled, meddler, issuer):
    meddler.meddle = lambda data: [data[at:at + 3] for at in range(0, len(data), 3)]
    with meddled.connect(issuer.agent(), "payments") as session:
        row = session.execute("select pan, note, doc from cards where id = 2").fetchone()
    assert row[0] == cards.last4(cards.MASTERCARD) and cards.MASTERCARD not in repr(row)


def test_an_error_of_the_servers_own_ends_the_session_as_it_would(meddled, cluster, issuer):
    with meddled.connect(issuer.agent(), "steady") as session, cluster.connect("postgres") as admin:
        pid = session.execute("select pg_backend_pid()").fetchone()[0]
        admin.execute("select pg_terminate_backend(%s)", [pid])
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
            session.execute("select 1")
    others_are_served(meddled, issuer)


def test_a_large_answer_flows_in_constant_memory(gateway, issuer):
    before = resident(gateway)
    with gateway.connect(issuer.agent()) as session:
        with session.cursor().copy("copy (select repeat('x', 1000) from generate_series(1, 200000)) to stdout") as copy:
            total = sum(len(part) for part in copy)
    assert total == 200_000 * 1001
    assert resident(gateway) - before < 50 << 20


def test_a_slow_client_slows_its_own_query_alone(gateway, issuer):
    with wire.Wire.session(gateway, issuer.agent()) as slow:
        before = resident(gateway)
        slow.send(wire.query("select repeat('x', 1000) from generate_series(1, 100000)"))
        slow.read()
        with gateway.connect(issuer.agent()) as session:
            for _ in range(20):
                assert session.execute("select 1").fetchone() == (1,)
        assert resident(gateway) - before < 30 << 20
        assert len(wire.rows(slow.until("Z"))) == 100000


def resident(gateway):
    """Bytes of memory the gateway has."""
    for line in open(f"/proc/{gateway.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")
