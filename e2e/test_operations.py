"""Running it: health, figures, limits, reload, shutdown, and a log that cannot be written."""

import os
import resource
import signal
import subprocess
import threading

import psycopg
import pytest

from panguard_test import Gateway, cards, until, wire
from panguard_test.refusal import Refusal, refusal, turned_away


# --- console -------------------------------------------------------------------------------------------


def test_it_says_that_it_is_well_and_ready(gateway):
    assert gateway.http("/healthz") == (200, "ok\n")
    status, body = gateway.http("/readyz")
    assert status == 200 and '"ready":true' in body


def test_metrics_count_what_happens(make_gateway, issuer):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session:
        session.execute("select pan, cvv from cards")
        refusal(session, "drop table cards")
        assert gateway.metric("panguard_sessions_open", connection="payments") == 1
        assert gateway.metric("panguard_sockets_open") == 1
    with pytest.raises(psycopg.OperationalError):
        gateway.connect("no token")
    assert gateway.metric("panguard_refusals_total", code="PGD-0005") == 1
    assert gateway.metric("panguard_commands_total", connection="payments", verdict="allow") == 1
    assert gateway.metric("panguard_commands_total", connection="payments", verdict="deny") == 1
    assert gateway.metric("panguard_masked_values_total", connection="payments") == 6
    assert gateway.metric("panguard_authentication_failures_total") == 1
    until(lambda: gateway.metric("panguard_sessions_open") == 0, "the session is closed")
    body = gateway.http("/metrics")[1]
    assert body.endswith("# EOF\n") and "no token" not in body


def test_the_log_names_sessions_and_no_secrets(gateway, issuer, payments):
    token = issuer.agent()
    with gateway.connect(token) as session:
        told = refusal(session, f"drop table cards -- {cards.VISA}")
    said = until(lambda: told.request.split("-")[0] in gateway.said() and gateway.said(), "the session is logged")
    assert token not in said and payments["password"] not in said and cards.VISA not in said


def test_secrets_are_listed_and_not_shown(gateway, payments):
    listed = gateway.run("secrets", "list").stdout
    assert "payments" in listed and payments["password"] not in listed
    for path in gateway.data.rglob("*"):
        if path.is_file():
            assert payments["password"].encode() not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0 or path.suffix in (".vkey",) or "audit" in str(path)


def test_the_vault_key_comes_by_the_environment_or_standard_input(make_gateway, issuer):
    first = make_gateway(start=False)
    key = (first.folder / "vault.key").read_text()
    first.environment["VAULT_KEY"] = key
    first.write_config(vault={"key": {"env": "VAULT_KEY"}})
    first.start()
    first.connect(issuer.agent()).close()
    first.stop()
    first.environment.pop("VAULT_KEY")
    done = first.run("serve", check=False)
    assert done.returncode == 2 and "VAULT_KEY" in done.stderr
    first.write_config(vault={"key": {"stdin": True}})
    listed = first.run("secrets", "list", input=key + "\n").stdout
    assert "payments" in listed
    wrong = first.run("secrets", "list", input="A" * 43 + "=\n", check=False)
    assert wrong.returncode == 2 and "key" in wrong.stderr


# --- limits --------------------------------------------------------------------------------------------


def test_more_sessions_than_the_limit_are_refused(make_gateway, issuer):
    gateway = make_gateway(config={"limits": {"connections": 3}})
    held = [gateway.connect(issuer.agent()) for _ in range(3)]
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments"))
        client.read()
        client.send(wire.message("p", issuer.agent().encode() + b"\0"))
        words = client.last_words()
    assert words["C"] == "53300" and "PGD-0013" in words["M"] and "3 sessions" in words["M"] and words["H"]
    assert held[0].execute("select 1").fetchone() == (1,)
    held.pop().close()

    def admitted():
        try:
            gateway.connect(issuer.agent()).close()
        except psycopg.OperationalError:
            return False
        return True

    until(admitted, "a place is free")


# --- reload --------------------------------------------------------------------------------------------


def test_a_new_connection_is_served_after_a_reload(make_gateway, issuer, payments):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session:
        assert "PGD-0003" in turned_away(lambda: gateway.connect(issuer.agent(), dbname="more"))
        gateway.connections["more"] = payments
        gateway.write_config()
        gateway.run("secrets", "set", "more", input=payments["password"])
        gateway.reload()

        def reached():
            try:
                gateway.connect(issuer.agent(), "more").close()
            except psycopg.OperationalError:
                return False
            return True

        until(reached, "the new connection is served")
        assert session.execute("select 1").fetchone() == (1,)
    assert gateway.audit("--event", "configuration_changed")


@pytest.mark.parametrize("bad", ["not: [yaml", '{"data_dir": "./data"}', None])
def test_a_bad_configuration_is_refused_and_the_old_one_stays(make_gateway, issuer, bad):
    gateway = make_gateway()
    if bad is None:
        gateway.write_config(surprise=True)
    else:
        gateway.file.write_text(bad)
    gateway.reload()
    until(lambda: "panguard.yaml" in gateway.said(), "the log says what is wrong, and where")
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)
    done = gateway.run("check", check=False)
    assert done.returncode == 2 and "panguard.yaml" in done.stderr


def test_what_is_changed_at_a_restart_only_is_said_to_be(make_gateway, issuer):
    gateway = make_gateway()
    gateway.write_config(masking={"pan": "first6last4"})
    gateway.reload()
    until(lambda: "restart" in gateway.said(), "the log says so")
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(cards.VISA),)


def test_a_rotated_secret_is_used_for_the_next_session(make_gateway, issuer, cluster):
    database = cluster.create_database()
    with cluster.connect("postgres") as admin:
        admin.execute("create role rotating login password 'before'")
    cluster.passwords["rotating"] = "before"
    gateway = make_gateway(connections={"payments": cluster.upstream(database, user="rotating")})
    with gateway.connect(issuer.agent()) as session:
        with cluster.connect("postgres") as admin:
            admin.execute("alter role rotating password 'after'")
        assert "PGD-0011" in turned_away(lambda: gateway.connect(issuer.agent()))
        gateway.run("secrets", "rotate", "payments", input="after\n")
        gateway.connect(issuer.agent()).close()
        assert session.execute("select 1").fetchone() == (1,)
    rotated = {"type": "secret_changed", "name": "payments", "change": "rotated"}
    until(lambda: gateway.audit("--event", "secret_changed")[-1]["entry"]["event"] == rotated, "the change is recorded")


def test_what_was_changed_while_no_gateway_ran_is_recorded_by_the_next(make_gateway):
    gateway = make_gateway(start=False)
    gateway.run("secrets", "set", "one", input="s-1234567890")
    gateway.start()

    def recorded(kind):
        return [line["entry"]["event"] for line in gateway.audit("--event", kind)]

    begun = recorded("gateway_started")[0]
    first = recorded("secret_changed")
    assert {(it["name"], it["change"]) for it in first} >= {("one", "created"), ("payments", "created")}
    gateway.stop()
    gateway.write_policies("permit (principal, action, resource);")
    gateway.write_config(limits={"connections": 77})
    gateway.run("secrets", "rotate", "one", input="s-0987654321")
    gateway.run("secrets", "set", "two", input="s-1234567890")
    gateway.start()
    now = recorded("gateway_started")[1]
    assert recorded("policy_changed") == [{"type": "policy_changed", "version": now["policies"], "previous": begun["policies"]}]
    assert recorded("configuration_changed") == [
        {"type": "configuration_changed", "version": now["configuration"], "previous": begun["configuration"]}]
    assert begun["policies"] != now["policies"] and begun["configuration"] != now["configuration"]
    told = [(it["name"], it["change"]) for it in recorded("secret_changed")[len(first):]]
    assert told == [("one", "rotated"), ("two", "created")]

    # What nobody has changed is told once, and what somebody else wrote is not believed.
    gateway.stop()
    gateway.start()
    assert len(recorded("secret_changed")) == len(first) + 2 and len(recorded("policy_changed")) == 1
    gateway.stop()
    gateway.run("secrets", "remove", "two")
    known = gateway.data / "known"
    known.write_text(known.read_text().replace('"two"', '"six"'))
    gateway.start()
    told = [(it["name"], it["change"]) for it in recorded("secret_changed")[len(first) + 2:]]
    assert ("one", "created") in told and "six" not in [name for name, _ in told]


# --- how long a session lasts ---------------------------------------------------------------------------


def is_over(session):
    with pytest.raises(psycopg.OperationalError) as raised:
        session.execute("select 1")
    told = Refusal(raised.value)
    return (told.code, told.sqlstate)


def test_a_persons_session_in_which_nothing_is_asked_ends_and_an_agents_goes_on(make_gateway, issuer, in_background):
    gateway = make_gateway(config={"limits": {"idle_seconds": 2}})
    with gateway.connect(issuer.person()) as idle, gateway.connect(issuer.person()) as busy, gateway.connect(issuer.agent()) as agent:
        running = in_background(busy.execute, "select pg_sleep(5), 'done'")
        idle.execute("begin")
        closed = lambda: [it["entry"]["session"] for it in gateway.audit("--event", "session_closed")]
        until(closed, "the idle one is closed", 20)
        assert is_over(idle) == ("PGD-0025", "57P05")
        assert running.result(20).fetchone()[1] == "done", "who waits for an answer is not idle"
        assert agent.execute("select 1").fetchone() == (1,)
        assert len(closed()) == 1


def test_a_sessions_time_is_over_when_its_command_has_ended(make_gateway, issuer, in_background):
    gateway = make_gateway(config={"limits": {"session_seconds": 2}})
    with gateway.connect(issuer.agent()) as busy, gateway.connect(issuer.agent()) as other:
        running = in_background(busy.execute, "select pg_sleep(4), 'done'")
        until(lambda: gateway.audit("--event", "session_closed"), "one is closed", 20)
        assert is_over(other) == ("PGD-0025", "57P05")
        assert running.result(20).fetchone()[1] == "done"
        until(lambda: len(gateway.audit("--event", "session_closed")) == 2, "so is the other", 20)


@pytest.mark.parametrize("ends", [wire.SYNC, wire.FLUSH], ids=["Sync", "Flush"])
def test_who_asks_ahead_without_end_outlives_no_session(make_gateway, issuer, ends):
    """Something always runs, so that no command's end is the end of all."""
    gateway = make_gateway(config={"limits": {"session_seconds": 2}})
    asked = wire.parse("select pg_sleep(0.05)") + wire.bind() + wire.execute() + ends
    words, done = {}, 0
    with wire.Wire.session(gateway, issuer.agent()) as session:
        session.send(asked * 20)
        try:
            while not words:
                tag, body = session.read()
                words = wire.fields(body) if tag == "E" else {}
                if tag == "C":
                    done += 1
                    assert done < 200, "it goes on for ten seconds and more"
                    session.send(asked)
        except (wire.Closed, ConnectionError):
            pass
    assert "PGD-0025" in words.get("M", ""), words
    until(lambda: gateway.audit("--event", "session_closed"), "it is closed", 5)


# --- shutdown ------------------------------------------------------------------------------------------


def test_a_running_command_ends_before_the_gateway_does(make_gateway, issuer, cluster, payments):
    gateway = make_gateway()
    idle, busy = wire.Wire.session(gateway, issuer.agent()), gateway.connect(issuer.agent())
    got = []
    thread = threading.Thread(target=lambda: got.append(busy.execute("select pg_sleep(2), 'let it end'").fetchone()))
    thread.start()
    with cluster.connect("postgres") as direct:
        until(lambda: direct.execute("select 1 from pg_stat_activity where state = 'active' and query like '%let it%end%' and pid <> pg_backend_pid()").fetchone(),
              "the command runs")
    gateway.process.send_signal(signal.SIGTERM)
    words = idle.last_words()
    assert (words["S"], words["C"]) == ("FATAL", "57P01") and "PGD-0015" in words["M"] and words["H"]
    with pytest.raises(psycopg.OperationalError):
        gateway.connect(issuer.agent())
    thread.join(15)
    assert got and got[0][1] == "let it end"
    assert gateway.process.wait(15) == 0
    assert gateway.audit()[-1]["entry"]["event"]["type"] == "gateway_stopped"
    assert gateway.verify().returncode == 0


def test_a_command_that_takes_too_long_does_not_keep_it(make_gateway, issuer):
    gateway = make_gateway(config={"limits": {"shutdown_grace_seconds": 1}})
    with wire.Wire.session(gateway, issuer.agent()) as session:
        session.send(wire.query("select pg_sleep(60)"))
        until(lambda: gateway.audit("--event", "command_intent"), "it runs")
        gateway.process.send_signal(signal.SIGTERM)
        words = session.last_words()
        assert words["S"] == "FATAL" and words["C"] == "57P01"
    assert gateway.process.wait(15) == 0


def test_it_says_what_keeps_it_from_starting(make_gateway):
    running = make_gateway()
    second = make_gateway(start=False)
    second.port = running.port
    second.write_config()
    done = second.run("serve", check=False)
    assert done.returncode == 2 and f"cannot listen on 127.0.0.1:{running.port}" in done.stderr
    third = make_gateway(start=False)
    third.write_config(data_dir=str(running.data))
    (third.folder / "vault.key").write_text((running.folder / "vault.key").read_text())
    done = third.run("serve", check=False)
    assert done.returncode == 2 and "audit" in done.stderr, done.stderr


# --- a log that cannot be written ----------------------------------------------------------------------


def commands_are_refused(gateway, session, direct):
    """From some command on all are refused, and what is refused has no effect."""
    count = lambda: direct.execute("select count(*) from payments where memo = 'unrecorded'").fetchone()[0]

    def refused():
        before = count()
        try:
            session.execute("insert into payments (memo) values ('unrecorded')")
        except psycopg.Error as error:
            told = Refusal(error)
            assert told.code == "PGD-0010" and told.sqlstate == "58000" and told.hint, told
            assert count() == before
            return True
        assert count() == before + 1
        return False

    until(refused, "commands are refused", 30)
    for _ in range(3):
        assert refused()
    with pytest.raises(psycopg.Error) as raised:
        session.execute("select pan from cards")
    assert Refusal(raised.value).code == "PGD-0010"
    assert gateway.http("/readyz")[0] == 503 and "audit_log" in gateway.http("/readyz")[1]
    assert gateway.http("/healthz")[0] == 200
    direct.execute("delete from payments where memo = 'unrecorded'")


def test_commands_are_refused_when_the_log_cannot_be_written(make_gateway, issuer, cluster, payments):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session, cluster.connect(payments["database"]) as direct:
        files_may_have(gateway, 0)
        commands_are_refused(gateway, session, direct)
        assert "PGD-0010" in turned_away(lambda: gateway.connect(issuer.agent()))
        files_may_have(gateway, resource.RLIM_INFINITY)
        goes_on(gateway, issuer)


def files_may_have(gateway, size):
    """From now on every write beyond the first `size` bytes of a file fails, as on a disk that broke."""
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_secrets_changed_while_the_log_cannot_be_written_are_in_it_afterwards(make_gateway, issuer):
    gateway = make_gateway()
    gateway.run("secrets", "set", "before", input="s-1234567890")
    changed = lambda: [(it["entry"]["event"]["name"], it["entry"]["event"]["change"]) for it in gateway.audit("--event", "secret_changed")]
    until(lambda: ("before", "created") in changed(), "the first is recorded", 20)
    files_may_have(gateway, 0)
    turned_away(lambda: gateway.connect(issuer.agent()))
    gateway.run("secrets", "set", "during", input="s-1234567890")
    gateway.run("secrets", "remove", "before")
    until(lambda: gateway.http("/readyz")[0] == 503, "it cannot be written")
    files_may_have(gateway, resource.RLIM_INFINITY)
    until(lambda: {("before", "removed"), ("during", "created")} <= set(changed()), "they are recorded", 20)


def test_how_a_command_ended_is_recorded_if_the_gateway_stops_when_its_disk_is_well_again(make_gateway, issuer, cluster, payments, in_background):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session, cluster.connect(payments["database"]) as direct:
        asleep = in_background(session.execute, "select pg_sleep(3), 'the one'")
        sleeping = "select 1 from pg_stat_activity where query like '%the one%' and pid <> pg_backend_pid()"
        until(lambda: direct.execute(sleeping).fetchone(), "it runs")
        files_may_have(gateway, 0)
        turned_away(lambda: gateway.connect(issuer.agent()))
        assert asleep.result(10).fetchone()[1] == "the one"
        files_may_have(gateway, resource.RLIM_INFINITY)
        gateway.stop()
    (ended,) = gateway.audit("--where", "event = outcome")
    assert ended["entry"]["event"]["status"] == "completed"
    assert gateway.verify().returncode == 0


def goes_on(gateway, issuer):
    """The disk is as it should be again, and so is the gateway, without a restart; and its log tells of it."""
    until(lambda: gateway.http("/readyz")[0] == 200, "the log is open again", 20)
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)
    told = lambda: [it["entry"]["event"] for it in gateway.audit("--where", "event ~ control_ and object = 'audit log'")]
    failed, restored = until(lambda: len(told()) == 2 and told(), "it is recorded", 20)
    assert (failed["type"], restored["type"]) == ("control_failed", "control_restored")
    assert "it cannot be written" in failed["cause"] and restored["refused"] >= 2
    assert gateway.verify().returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for two files of the log, of 64 MiB each."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk to fill: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def punch(gateway, segments):
    """Gives the disk back what the log has set aside for itself, as a disk that copies on write does."""
    for path in segments.iterdir():
        written = len(path.read_bytes().rstrip(b"\0"))
        start = (written >> 12) + 1 << 12
        subprocess.run(["fallocate", "--punch-hole", "-o", str(start), "-l", str(path.stat().st_size - start), path], check=True)


def test_commands_are_refused_when_the_disk_is_full(make_gateway, small_disk, issuer, cluster, payments):
    gateway = make_gateway(start=False)
    gateway.write_config(data_dir=str(small_disk / "data"))
    gateway.run("secrets", "set", "payments", input=payments["password"])
    gateway.start()
    with gateway.connect(issuer.agent()) as session, cluster.connect(payments["database"]) as direct:
        punch(gateway, small_disk / "data" / "audit" / "segments")
        with open(small_disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 65536)
            except OSError:
                pass
        commands_are_refused(gateway, session, direct)
        (small_disk / "ballast").unlink()
        goes_on(gateway, issuer)
    gateway.kill()
    assert gateway.run("audit", "verify", check=False).returncode == 0
    gateway.start()
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_a_disk_that_can_only_be_read_serves_nobody_and_is_verified(make_gateway, small_disk, issuer, payments):
    gateway = make_gateway(start=False)
    gateway.write_config(data_dir=str(small_disk / "data"))
    gateway.run("secrets", "set", "payments", input=payments["password"])
    gateway.start()
    with gateway.connect(issuer.agent()) as session:
        session.execute("select 1")
    assert gateway.stop() == 0
    remounted = lambda how: subprocess.run(["mount", "-o", f"remount,{how}", small_disk], check=True)
    remounted("ro")
    before = len(gateway.said())
    gateway.start(ready=False)
    assert gateway.process.wait(15) == 2
    said = gateway.said()[before:]
    assert "Read-only file system" in said and str(small_disk / "data") in said
    assert gateway.run("audit", "verify").returncode == 0
    remounted("rw")
    gateway.start()
    assert gateway.audit("--event", "gateway_started")[-1]["entry"]["event"]["clean"]
