"""Others vouch that the audit log has one history, and a log with another is noticed (C2SP tlog-witness)."""

import json
import shutil

import pytest

from panguard_test import until
from panguard_test.witness import Witness


@pytest.fixture
def witnesses():
    with Witness("witness.example/one") as one, Witness("witness.example/two") as two:
        yield one, two


def witnessed(gateway):
    return gateway.metric("panguard_audit_witnessed_entries")


def start(make_gateway, witnesses, **more):
    """A gateway whose log the witnesses know."""
    gateway = make_gateway()
    gateway.stop()
    for witness in witnesses:
        witness.log_key = (gateway.data / "audit.vkey").read_text().strip()
    gateway.write_config(audit={"witnesses": [witness.config() for witness in witnesses], **more})
    return gateway.start()


def keys(witnesses):
    return [word for witness in witnesses for word in ("--witness", witness.verifier_key)]


def test_witnesses_sign_the_logs_heads_and_whoever_verifies_can_ask_for_it(make_gateway, issuer, witnesses):
    gateway = start(make_gateway, witnesses)
    until(lambda: witnessed(gateway) > 0, "a head is witnessed", 20)
    first = witnessed(gateway)
    with gateway.connect(issuer.agent()) as session:
        session.execute("select 1")
    until(lambda: witnessed(gateway) > first, "a later one, too", 25)
    gateway.stop()
    report = json.loads(gateway.verify("--format", "json", *keys(witnesses)).stdout)
    assert report["ok"] and report["witnessed"]["by"] == [witness.name for witness in witnesses]
    assert first < report["witnessed"]["entries"] <= report["entries"]
    assert "signed by witness.example/one, witness.example/two" in gateway.verify(*keys(witnesses)).stdout

    stranger = Witness("witness.example/three")
    done = gateway.verify(*keys([*witnesses, stranger]))
    assert done.returncode == 1 and "NOT WITNESSED" in done.stderr
    assert gateway.verify(*keys([*witnesses, stranger]), "--quorum", "2").returncode == 0
    (gateway.data / "audit" / "witnessed").unlink()
    assert gateway.verify(*keys(witnesses)).returncode == 1 and gateway.verify().returncode == 0


def test_a_log_that_was_put_back_is_refused_by_its_witnesses_which_is_an_alarm_and_stops_nothing(
        make_gateway, issuer, witnesses, tmp_path):
    gateway = start(make_gateway, witnesses)
    gateway.stop()
    shutil.copytree(gateway.data / "audit", tmp_path / "early")
    gateway.start()
    with gateway.connect(issuer.agent()) as session:
        for number in range(20):
            session.execute(f"select {number}")
    until(lambda: witnessed(gateway) > 40, "its head is witnessed", 25)
    gateway.stop()
    # By whoever has the files and the key: other entries, all well signed.
    shutil.rmtree(gateway.data / "audit")
    shutil.copytree(tmp_path / "early", gateway.data / "audit")
    gateway.start()
    until(lambda: gateway.metric("panguard_audit_witness_conflicts_total") >= 2, "both refuse", 20)
    assert "a witness has seen another history of the audit log" in gateway.said()
    with gateway.connect(issuer.agent()) as session:
        for number in range(60):
            session.execute(f"select {number}")
    refused = gateway.metric("panguard_audit_witness_conflicts_total")
    until(lambda: gateway.metric("panguard_audit_witness_conflicts_total") > refused, "and a longer one, too", 25)
    assert 422 in witnesses[0].answered and witnessed(gateway) == 0
    failed = [it["entry"]["event"] for it in gateway.audit("--event", "control_failed", "--where", "object = 'witnesses of history'")]
    assert len(failed) == 1 and "has seen another history" in failed[0]["cause"] and failed[0]["closes"] == "nothing"


def test_a_witness_that_is_away_or_knows_nothing_of_the_log_keeps_nobody_waiting(make_gateway, issuer, witnesses):
    one, two = witnesses
    gateway = start(make_gateway, witnesses, quorum=1)
    until(lambda: witnessed(gateway) > 0, "a head is witnessed", 20)
    two.log_key = None
    for why in ("it does not know the log", "it is away"):
        failures, before = gateway.metric("panguard_audit_witness_failures_total", witness=two.name), witnessed(gateway)
        with gateway.connect(issuer.agent()) as session:
            session.execute("select 1")
        until(lambda: gateway.metric("panguard_audit_witness_failures_total", witness=two.name) > failures, why, 15)
        until(lambda: witnessed(gateway) > before, "one is enough", 5)
        two.__exit__()
    assert gateway.metric("panguard_audit_witness_conflicts_total") == 0
    gateway.stop()
    done = gateway.verify(*keys([one]))
    assert done.returncode == 0, done.stderr
