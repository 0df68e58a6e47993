"""The gateway watches itself: what does not work is recorded with its end, told to people, and refuses what depends on it."""

import datetime
import re
import time

import pytest

from panguard_test import cards, until
from panguard_test.channels import Mailbox, Receiver, Slack
from panguard_test.refusal import refusal
from panguard_test.timeserver import TimeServer
from panguard_test.upstream_http import Upstream

OFTEN = {"rehearsal_seconds": 1, "verification_seconds": 1}


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def watched(make_gateway, payments, receiver):
    """A gateway that looks at itself often, and tells a webhook."""
    channels = {"ops": {"type": "webhook", "url": f"{receiver.url}/events", "key": {"secret": "hook-key"}}}
    both = {"payments": {**payments, "labels": ["cde"]}, "test": {**payments, "labels": ["test"]}}
    gateway = make_gateway(connections=both, config={"notify": {"channels": channels}, "controls": OFTEN}, start=False)
    gateway.run("secrets", "set", "hook-key", input=receiver.key)
    return gateway.start()


def told(gateway, *types):
    """What the log tells of controls."""
    events = [line["entry"]["event"] for line in gateway.audit()]
    return [event for event in events if event["type"] in (types or ("control_failed", "control_restored"))]


def test_a_changed_entry_is_found_while_the_gateway_runs(watched, issuer, receiver):
    with watched.connect(issuer.agent()) as session:
        for _ in range(300):
            session.execute("select 1")
    bundle = watched.data / "audit" / "tile" / "entries" / "000"
    until(bundle.exists, "a full bundle is published")
    assert told(watched) == []
    whole = bundle.read_bytes()
    at = whole.index(b'"select 1"')
    bundle.write_bytes(whole[:at] + b'"select 2"' + whole[at + 10:])
    event = until(lambda: [it for it in receiver.events() if it["type"] == "control.failed"], "people are told")[0]
    assert event["data"]["control"] == "audit_log" and event["data"]["closes"] == "cde"
    assert "it has been changed: entry" in event["data"]["cause"]
    assert watched.metric("panguard_controls_failing", control="audit_log") == 1
    ready, why = watched.http("/readyz")
    assert ready == 503 and "audit log" in why

    with pytest.raises(Exception, match="PGD-0023"):
        watched.connect(issuer.agent())
    with watched.connect(issuer.agent(), "test") as session:
        assert session.execute("select 1").fetchone() == (1,), "no cardholder data is there"

    bundle.write_bytes(whole)
    until(lambda: [it for it in receiver.events() if it["type"] == "control.restored"], "it is told that it works again")
    with watched.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)
    failed, restored = told(watched)
    assert failed["control"] == restored["control"] == "audit_log" and failed["since"] == restored["since"]
    assert restored["refused"] >= 1 and restored["cause"] == failed["cause"]
    assert watched.verify().returncode == 0


def test_a_live_session_is_refused_too_and_goes_on_afterwards(watched, issuer):
    with watched.connect(issuer.agent()) as session:
        for _ in range(300):
            session.execute("select 1")
        bundle = watched.data / "audit" / "tile" / "entries" / "000"
        until(bundle.exists, "a full bundle is published")
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-5] + b"xxxxx")
        until(lambda: watched.metric("panguard_controls_failing", control="audit_log") == 1, "it is found")
        said = refusal(session, "select 1")
        assert said.code == "PGD-0023" and said.sqlstate == "58000"
        bundle.write_bytes(whole)
        until(lambda: watched.metric("panguard_controls_failing", control="audit_log") == 0, "it works again")
        assert session.execute("select 1").fetchone() == (1,)


def test_every_medium_is_told_of_a_failure_and_of_its_end(make_gateway, payments):
    with Slack() as slack, Mailbox() as mailbox, Upstream(lambda _: (202, {}, b"")) as teams:
        channels = {
            "slack": {"type": "slack", "api": f"{slack.url}/api", "token": {"secret": "slack-bot"}, "channel": "C0123ABCD"},
            "teams": {"type": "teams", "url": {"secret": "teams-url"}},
            "mail": {"type": "mail", "server": mailbox.address, "tls": "disable", "from": "panguard@example.com", "to": ["ops@example.com"]},
        }
        gateway = make_gateway(config={"notify": {"channels": channels}}, start=False)
        for name, value in (("slack-bot", slack.token), ("teams-url", f"{teams.url}/workflows/abc")):
            gateway.run("secrets", "set", name, input=value)
        gateway.start()
        slack.is_down = True
        gateway.write_policies("permit (principal, action, resource")
        until(lambda: slack.refused, "slack is tried")
        slack.is_down = False
        gateway.write_policies(cards.POLICIES)
        said = lambda: ([it["text"] for it in slack.said()], [it["body"].decode() for it in teams.requests],
                        [str(it) for it in mailbox.mails])
        everywhere = until(lambda: all(len(it) == 2 for it in said()) and said(), "all are told of both", 20)
    for texts in everywhere:
        assert sum("A CONTROL DOES NOT WORK: policies" in text for text in texts) == 1, texts
        assert sum("A control works again: policies" in text for text in texts) == 1, texts


def test_policies_and_configuration_that_are_refused_are_failures_until_they_are_mended(watched, receiver):
    watched.write_policies("permit (principal, action, resource")
    until(lambda: told(watched), "it is recorded")
    watched.write_policies(cards.POLICIES)
    until(lambda: len(told(watched)) == 2, "its end is recorded")
    watched.write_config(masking={"pan": "last5"})
    until(lambda: len(receiver.events()) == 3, "people are told")
    watched.write_config(masking={"pan": "last4"})
    until(lambda: len(told(watched)) == 4, "its end is recorded")
    assert [it["control"] for it in told(watched)] == ["policies", "policies", "configuration", "configuration"]
    events = until(lambda: len(receiver.events()) == 4 and receiver.events(), "people are told of each")
    assert sorted(it["type"] for it in events) == ["control.failed"] * 2 + ["control.restored"] * 2


def test_a_failure_outlives_a_kill_and_ends_once(watched):
    watched.write_policies("permit (principal, action, resource")
    until(lambda: told(watched), "it is recorded")
    watched.kill()
    watched.write_policies(cards.POLICIES)
    watched.start()
    until(lambda: len(told(watched)) == 2, "its end is recorded by the next run")
    failed, restored = told(watched)
    assert (failed["type"], restored["type"]) == ("control_failed", "control_restored")
    assert failed["since"] == restored["since"]


def test_an_issuer_that_cannot_be_reached_is_a_failure(make_gateway, issuer, payments, tmp_path):
    gone = {**issuer.config(), "issuer": "http://127.0.0.1:9/gone"}
    gateway = make_gateway(issuer=[issuer.config(), gone], config={"controls": OFTEN}, start=False)
    gateway.start(ready=False)
    (failed,) = until(lambda: gateway.http("/healthz")[0] == 200 and told(gateway), "it is recorded")
    assert (failed["control"], failed["of"], failed["closes"]) == ("identity_keys", "http://127.0.0.1:9/gone", "nothing")


def test_lanes_of_every_kind_are_rehearsed_and_pass(make_gateway, payments, issuer):
    """With labels, without, of databases, of HTTP systems and of models."""
    vouched = {"not_pan": {"reason": "order numbers", "until": str(datetime.date.today() + datetime.timedelta(days=60))}}
    data = {"billing": {"$.card": "pan"}, "orders": {"$": vouched}, "model": {}}
    https = {name: {"type": kind, "base_url": "http://127.0.0.1:9", "secret": "s-1234567890", "data": data[name]}
             for name, kind in (("billing", "http"), ("orders", "http"), ("model", "llm"))}
    gateway = make_gateway(connections={"payments": payments, **https}, config={"controls": OFTEN})
    with gateway.connect(issuer.agent()) as session:
        started = time.monotonic()
        while time.monotonic() < started + 3:
            session.execute("select 1")
    assert told(gateway) == []


def test_evidence_tells_of_failures(watched, tmp_path):
    watched.write_policies("permit (principal, action, resource")
    until(lambda: told(watched), "it is recorded")
    watched.write_policies(cards.POLICIES)
    until(lambda: len(told(watched)) == 2, "its end is recorded")
    watched.stop()
    out = tmp_path / "evidence"
    watched.run("evidence", "--from", "2020-01-01", "--to", "2100-01-01", "--out", str(out))
    (table,) = out.rglob("controls.csv")
    text = table.read_text()
    assert "a control does not work: policies" in text and "a control works again: policies" in text


def test_a_clock_that_shows_another_time_than_a_server_tells_is_told(make_gateway, issuer):
    with TimeServer(offset=0.2) as right, TimeServer(offset=-90) as wrong:
        servers = {"time_servers": [right.name, wrong.name], "time_seconds": 1}
        gateway = make_gateway(config={"controls": servers})
        clocks = lambda kind: {it["of"]: it["cause"] for it in told(gateway, kind) if it["control"] == "clock"}
        until(lambda: wrong.name in clocks("control_failed"), "it is recorded")
        way, ahead = re.fullmatch(r"it is (ahead|behind) by ([0-9.]+) s", clocks("control_failed")[wrong.name]).groups()
        assert way == "ahead" and 89 < float(ahead) < 91
        with gateway.connect(issuer.agent()) as session:
            assert session.execute("select 1").fetchone() == (1,), "agents are served"
        wrong.offset = 0
        until(lambda: wrong.name in clocks("control_restored"), "it shows the right time again")

        # One datagram that is lost is nothing.
        right.offset, asked = None, right.asked
        until(lambda: right.asked >= asked + 3, "it is asked again", 30)
        until(lambda: right.name in clocks("control_failed"), "nobody tells the time", 30)
        assert clocks("control_failed")[right.name].startswith("nobody tells it the time")
