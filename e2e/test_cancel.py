"""A cancel request reaches the one session whose key it brings, and no other."""

import socket
import struct
import threading

import psycopg
import pytest

from panguard_test import until, wire


class Sleeper:
    """A session in which a command runs for as long as it is let."""

    def __init__(self, gateway, token, mark):
        self.session = gateway.connect(token)
        self.mark = mark
        self.error = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            self.session.execute(f"select pg_sleep(30), '{self.mark}'")
        except psycopg.Error as error:
            self.error = error

    def start(self, direct):
        self.thread.start()
        until(lambda: is_running(direct, self.mark), f"{self.mark} runs")
        return self


def is_running(direct, mark):
    """Whether a statement with `mark` runs on the server."""
    return direct.execute("select count(*) from pg_stat_activity where state = 'active' and query like %s and pid <> pg_backend_pid()",
                          [f"%{mark}%"]).fetchone()[0]


@pytest.fixture
def direct(cluster):
    with cluster.connect("postgres") as direct:
        yield direct


def test_a_running_command_is_cancelled_and_its_session_goes_on(gateway, issuer, direct):
    sleeper = Sleeper(gateway, issuer.agent(), "cancelled one").start(direct)
    sleeper.session.cancel_safe(timeout=5)
    sleeper.thread.join(10)
    assert isinstance(sleeper.error, psycopg.errors.QueryCanceled)
    assert sleeper.session.execute("select 1").fetchone() == (1,)
    sleeper.session.close()


def test_a_key_cancels_its_own_session_alone(gateway, issuer, direct):
    one = Sleeper(gateway, issuer.agent(), "sleeper one").start(direct)
    two = Sleeper(gateway, issuer.agent(), "sleeper two").start(direct)
    one.session.cancel_safe(timeout=5)
    one.thread.join(10)
    assert isinstance(one.error, psycopg.errors.QueryCanceled)
    assert is_running(direct, "sleeper two") and two.error is None
    two.session.cancel_safe(timeout=5)
    two.thread.join(10)
    assert isinstance(two.error, psycopg.errors.QueryCanceled)
    one.session.close()
    two.session.close()


def ask_to_cancel(gateway, process_id, key):
    with wire.Wire(gateway) as client:
        client.send(wire.packet(wire.CANCEL, struct.pack("!I", process_id) + key))
        client.socket.shutdown(socket.SHUT_WR)
        answer = client.until(None)
        # Nobody learns from it which keys there are.
        assert wire.error(answer) is None or wire.error(answer)["C"] == "08P01"


def test_a_wrong_key_cancels_nothing(gateway, issuer, direct):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        process_id, key = struct.unpack("!I", session.key[:4])[0], session.key[4:]
        session.send(wire.query("select pg_sleep(30), 'guarded'"))
        until(lambda: is_running(direct, "guarded"), "it runs")
        changed = bytes([key[0] ^ 1]) + key[1:]
        for wrong in (changed, key[:-1], key + b"\0", b"", b"\0" * len(key)):
            ask_to_cancel(gateway, process_id, wrong)
        ask_to_cancel(gateway, process_id ^ 1, key)
        assert is_running(direct, "guarded")
        ask_to_cancel(gateway, process_id, key)
        assert wire.error(session.until("Z"))["C"] == "57014"


def test_the_upstreams_own_keys_are_nobodys(gateway, issuer, direct):
    with gateway.connect(issuer.agent()) as session:
        upstream = session.execute("select pg_backend_pid()").fetchone()[0]
        assert session.info.backend_pid != upstream


def test_cancelling_an_idle_session_does_nothing(gateway, issuer):
    with gateway.connect(issuer.agent()) as session:
        for _ in range(3):
            session.cancel_safe(timeout=5)
            assert session.execute("select 1").fetchone() == (1,)


def test_a_copy_is_cancelled(gateway, issuer):
    with gateway.connect(issuer.agent()) as session:
        with pytest.raises(psycopg.errors.QueryCanceled):
            with session.cursor().copy("copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout") as copy:
                next(iter(copy))
                session.cancel_safe(timeout=5)
                for _ in copy:
                    pass
        assert session.execute("select 1").fetchone() == (1,)


def test_a_key_of_a_session_that_has_ended_cancels_nothing(gateway, issuer):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        process_id, key = struct.unpack("!I", session.key[:4])[0], session.key[4:]
    ask_to_cancel(gateway, process_id, key)
    gateway.connect(issuer.agent()).close()
