"""Collectors are given every entry of the audit log, whatever fails and whenever; and no command waits for one."""

import json
import re
import shutil
import time

import pytest

from panguard_test import cards, collector, until
from panguard_test.certificates import Authority
from panguard_test.receivers import Collector, Syslog
from test_audit_export import HOSTILE


@pytest.fixture
def certificates(tmp_path):
    """An authority, and a certificate of it for 127.0.0.1."""
    authority = Authority(tmp_path)
    return authority, authority.issue("127.0.0.1")


@pytest.fixture
def siem(certificates):
    """A receiver of syslog over TLS."""
    with Syslog(certificates[1]) as siem:
        yield siem


@pytest.fixture
def hook():
    with Collector() as hook:
        yield hook


@pytest.fixture
def shipping(make_gateway):
    """Starts a gateway with sinks."""

    def start(sinks, secrets=(), start=True):
        gateway = make_gateway(config={"audit": {"sinks": sinks}}, start=False)
        for name, secret in dict(secrets).items():
            gateway.run("secrets", "set", name, input=secret)
        return gateway.start() if start else gateway

    return start


def syslog(siem, authority, **more):
    return {"type": "syslog", "address": siem.address, "ca": str(authority.file), **more}


def webhook(hook, **more):
    return {"type": "webhook", "url": f"{hook.url}/entries", "key": {"secret": "hook"}, "format": "json", **more}


def run_commands(gateway, issuer, count, what="select %s::int"):
    with gateway.connect(issuer.agent()) as session:
        for number in range(count):
            session.execute(what, [number])


def sequence(messages):
    """The indexes that messages of syslog are of."""
    return [int(collector.syslog(message)["elements"]["id@32473"]["seq"]) for message in messages]


def firsts(indexes):
    """Each once, as they came first."""
    return list(dict.fromkeys(indexes))


def size(gateway):
    """How many entries the log has now."""
    return gateway.audit()[-1]["index"] + 1


def is_whole(indexes, count, start=0):
    """Whether these are all entries from `start` to at least `count`, in their order, each once at least."""
    found = firsts(indexes)
    assert found == list(range(start, start + len(found))), found
    return len(found) >= count - start


def gaps(gateway):
    return [line["entry"]["event"] for line in gateway.audit("--event", "sink_gap")]


def standing(gateway, sink):
    lines = gateway.run("audit", "sinks", "--format", "json", check=False).stdout.splitlines()
    return next(it for it in map(json.loads, lines) if it["sink"] == sink)


# --- syslog ---------------------------------------------------------------------------------------------------


def test_a_syslog_receiver_is_given_every_entry_whatever_is_in_it(shipping, issuer, siem, certificates):
    gateway = shipping({"siem": syslog(siem, certificates[0])})
    for hostile in HOSTILE:
        with gateway.connect(issuer.agent(), application_name=hostile) as session:
            session.execute("select %s::text", [hostile])
            session.execute("select '4111111111111111'")
    count = size(gateway)
    until(lambda: is_whole(sequence(siem.messages), count), "all have come")
    assert siem.wrong == [] and "4111111111111111" not in "".join(siem.messages)
    exported = gateway.run("audit", "export", "--format", "syslog").stdout.split("\n")
    assert firsts(siem.messages)[:count] == exported[:count]
    # What was written is known to be there once the receiver has ended a connection.
    until(lambda: standing(gateway, "siem")["behind"] == 0, "it says that it has all", 20)
    assert gateway.metric("panguard_audit_sink_failures_total", sink="siem") == 0


@pytest.mark.parametrize("form", ["cef", "ocsf", "json"])
def test_other_forms_go_as_the_text_of_messages(shipping, issuer, siem, certificates, form):
    gateway = shipping({"siem": syslog(siem, certificates[0], format=form)})
    run_commands(gateway, issuer, 3)
    count = size(gateway)
    until(lambda: len(siem.messages) >= count, "all have come")
    texts = [collector.syslog(message)["text"] for message in siem.messages]
    assert texts[:count] == gateway.run("audit", "export", "--format", form).stdout.split("\n")[:count]


def test_nothing_is_missing_after_resets_an_outage_and_kills(shipping, issuer, siem, certificates):
    siem.reset_after = 7
    gateway = shipping({"siem": syslog(siem, certificates[0])})
    run_commands(gateway, issuer, 20)
    until(lambda: len(siem.messages) > 7, "it goes on after a reset")
    siem.hang()
    run_commands(gateway, issuer, 20)
    gateway.kill()
    gateway.start()
    run_commands(gateway, issuer, 20)
    # What stands in its buffers is lost with it.
    siem.down()
    run_commands(gateway, issuer, 20)
    gateway.kill()
    gateway.start()
    siem.up()
    run_commands(gateway, issuer, 20)
    count = size(gateway)
    until(lambda: is_whole(sequence(siem.messages), count), "all have come", 30)
    assert gaps(gateway) == []


def test_what_a_receiver_had_not_read_when_it_died_comes_again(shipping, issuer, siem, certificates):
    gateway = shipping({"siem": syslog(siem, certificates[0])})
    until(lambda: siem.messages, "it is reached")
    siem.hang()
    run_commands(gateway, issuer, 20)
    count = size(gateway)
    until(lambda: gateway.metric("panguard_audit_sink_entries_total", sink="siem") >= count, "all were written")
    # By then it is asked to end the connection, and says nothing.
    time.sleep(6)
    assert standing(gateway, "siem")["next"] < count
    siem.down()
    siem.up()
    until(lambda: is_whole(sequence(siem.messages), count), "all have come", 30)


def test_nobody_else_is_given_the_log(shipping, issuer, siem, certificates, tmp_path):
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "somebody else")
    gateway = shipping({"siem": syslog(siem, other)})
    run_commands(gateway, issuer, 3)
    until(lambda: gateway.metric("panguard_audit_sink_failures_total", sink="siem") >= 2, "it is tried again")
    listed = gateway.run("audit", "sinks", check=False)
    assert listed.returncode == 1 and "TAKES NOTHING" in listed.stdout and "its certificate is not to be believed" in listed.stdout
    assert siem.messages == [] and gateway.metric("panguard_audit_sink_behind", sink="siem") >= 6
    gateway.write_config(audit={"sinks": {"siem": syslog(siem, certificates[0])}})
    count = size(gateway)
    until(lambda: is_whole(sequence(siem.messages), count), "it is reached once the authority is right", 20)
    until(lambda: standing(gateway, "siem")["error"] is None, "it is well", 15)


# --- HTTP -----------------------------------------------------------------------------------------------------


def test_a_webhook_is_given_signed_messages_that_fail_in_all_ways_and_come_again(shipping, issuer, hook):
    hook.answers = [503, None, (429, {"Retry-After": "1"}), 404]
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: is_whole(hook.indexes(), count), "all have come", 35)
    assert len(hook.requests) >= 5 and all(hook.is_signed(request) for request in hook.requests)
    first = hook.requests[0]["headers"]["webhook-id"]
    assert re.fullmatch(r"audit-[0-9a-f]{16}-0-\d+", first)
    body = json.loads(hook.taken[0]["body"])
    assert body["type"] == "audit.entries" and body["data"]["sink"] == "hook" and body["data"]["from"] == 0
    assert body["data"]["entries"][0]["entry"]["event"]["type"] == "log_created"
    assert gateway.metric("panguard_audit_sink_failures_total", sink="hook") >= 4
    # What a receiver says is nobody's business: it may repeat what it was sent.
    assert "it answers 503" in gateway.said() and "4111111111111111" not in gateway.said() and hook.key not in gateway.said()
    assert gaps(gateway) == []


def test_a_gateway_that_is_killed_again_and_again_brings_everything(shipping, issuer, hook):
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    for _ in range(5):
        run_commands(gateway, issuer, 30)
        gateway.kill()
        gateway.start()
    count = size(gateway)
    until(lambda: is_whole(hook.indexes(), count), "all have come", 20)
    assert gaps(gateway) == []


def test_an_entry_that_is_refused_for_good_is_a_gap_and_the_others_arrive(shipping, issuer, hook):
    poison = b"select 'poison'"
    hook.judge = lambda request: 400 if poison in request["body"] and b"command_intent" in request["body"] else 200
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    run_commands(gateway, issuer, 3)
    with gateway.connect(issuer.agent()) as session:
        session.execute("select 'poison'")
    run_commands(gateway, issuer, 3)
    (gap,) = until(lambda: gaps(gateway), "the gap is an entry", 30)
    assert gap["sink"] == "hook" and gap["to"] == gap["from"] + 1 and gap["why"] == "it answers 400"
    entry = json.loads(gateway.run("audit", "show", str(gap["from"]), "--format", "json").stdout)["entry"]
    assert entry["event"]["command"]["statement"] == "select 'poison'"
    count = size(gateway)
    arrived = lambda: set(hook.indexes()) >= set(range(count)) - {gap["from"]}
    until(arrived, "all others have come", 10)
    assert gap["from"] not in hook.indexes() and firsts(hook.indexes()) == sorted(set(hook.indexes()))
    assert gateway.metric("panguard_audit_sink_gaps_total", sink="hook") == 1
    told = [it["entry"]["event"] for request in hook.taken for it in json.loads(request["body"])["data"]["entries"]]
    assert gap in told
    assert standing(gateway, "hook")["error"] is None


def test_opentelemetry_is_given_records_with_attributes(shipping, issuer, hook):
    sinks = {"otel": {"type": "otlp", "url": f"{hook.url}/v1/logs", "headers": {"X-Api-Key": {"secret": "otel"}}}}
    gateway = shipping(sinks, {"otel": "api-key-of-otel"})
    run_commands(gateway, issuer, 3)
    count = size(gateway)

    def records():
        logs = [log for request in hook.taken for log in json.loads(request["body"])["resourceLogs"]]
        return [record for log in logs for scope in log["scopeLogs"] for record in scope["logRecords"]]

    of = lambda record, name: next((it["value"] for it in record["attributes"] if it["key"] == name), None)
    until(lambda: is_whole([int(of(it, "event.sequence")["intValue"]) for it in records()], count), "all have come")
    assert all(it["path"] == "/v1/logs" and it["headers"]["X-Api-Key"] == "api-key-of-otel" for it in hook.taken)
    resource = json.loads(hook.taken[0]["body"])["resourceLogs"][0]["resource"]["attributes"]
    assert {"key": "service.name", "value": {"stringValue": "panguard"}} in resource
    intent = next(it for it in records() if it["eventName"] == "panguard.command_intent")
    assert intent["body"] == {"stringValue": "command intent"} and intent["severityText"] == "INFO"
    assert of(intent, "panguard.statement") == {"stringValue": "select $1::int"}
    assert of(intent, "service.name") == {"stringValue": "payments"}
    hook.said = b'{"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "too old"}}'
    run_commands(gateway, issuer, 1)
    gap = until(lambda: gaps(gateway), "what was rejected is a gap")[0]
    assert gap["why"].startswith("the receiver has rejected 1 of these") and "too old" not in gateway.said()
    hook.said = b"{}"


def test_a_receiver_that_rejects_everything_is_no_reason_for_entries_without_end(shipping, issuer, hook):
    hook.said = b'{"partialSuccess": {"rejectedLogRecords": "1"}}'
    gateway = shipping({"otel": {"type": "otlp", "url": f"{hook.url}/v1/logs"}})
    run_commands(gateway, issuer, 3)
    until(lambda: gateway.metric("panguard_audit_sink_behind", sink="otel") == 0 and gaps(gateway), "all is rejected", 15)
    until(lambda: gateway.metric("panguard_audit_sink_gaps_total", sink="otel") > len(gaps(gateway)), "so is a gap's own entry")
    count = len(gaps(gateway))
    time.sleep(3)
    assert len(gaps(gateway)) <= count + 1


def test_no_command_waits_for_a_receiver_that_does_not_answer(shipping, issuer, hook, siem, certificates):
    hold = []
    hook.judge = lambda _: until(lambda: hold, "never", 20) and 200
    siem.hang()
    sinks = {"hook": webhook(hook), "siem": syslog(siem, certificates[0])}
    gateway = shipping(sinks, {"hook": hook.key})
    until(lambda: hook.requests, "the webhook is asked")
    began = time.monotonic()
    run_commands(gateway, issuer, 200)
    assert time.monotonic() - began < 10
    until(lambda: gateway.metric("panguard_audit_sink_behind", sink="hook") >= 200, "it is shown")
    hold.append(True)
    count = size(gateway)
    until(lambda: is_whole(hook.indexes(), count), "all have come", 15)


# --- files ----------------------------------------------------------------------------------------------------


def test_a_file_is_gone_on_with_after_it_was_put_away(shipping, issuer, tmp_path):
    file = tmp_path / "copy.jsonl"
    gateway = shipping({"copy": {"type": "file", "path": str(file), "format": "json"}})
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    indexes = lambda *files: [json.loads(line)["index"] for it in files if it.exists() for line in it.read_text().split("\n")[:-1]]
    until(lambda: is_whole(indexes(file), count), "all are there")
    assert file.stat().st_mode & 0o777 == 0o600
    file.rename(tmp_path / "copy.1")
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: is_whole(indexes(tmp_path / "copy.1", file), count), "the rest is in another file")
    gateway.kill()
    with open(file, "a") as torn:
        torn.write('{"index": 1')
    gateway.start()
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: count - 1 in [json.loads(line)["index"] for line in file.read_text().split("\n") if line.endswith("}")],
          "it goes on")
    assert '{"index": 1\n' in file.read_text()


# --- which entries, and from where ----------------------------------------------------------------------------


def test_a_sink_can_begin_now_and_be_given_what_fits_alone(shipping, issuer, hook, tmp_path):
    file = tmp_path / "all"
    gateway = shipping({"copy": {"type": "file", "path": str(file), "format": "json"}}, {"hook": hook.key})
    run_commands(gateway, issuer, 5)
    before = size(gateway)
    # While it runs.
    gateway.write_config(audit={"sinks": {"hook": webhook(hook, **{"where": "event = command_intent", "from": "now"})}})
    until(lambda: standing(gateway, "hook")["next"], "it has begun")
    run_commands(gateway, issuer, 5)
    fits = [line["index"] for line in gateway.audit("--event", "command_intent") if line["index"] >= before]
    until(lambda: hook.indexes() == fits, "those that fit have come")
    told = [it for request in hook.taken for it in json.loads(request["body"])["data"]["entries"]]
    assert all(it["index"] >= before and it["entry"]["event"]["type"] == "command_intent" for it in told)
    until(lambda: standing(gateway, "hook")["behind"] == 0, "what does not fit is passed over")
    # The other is no sink any more, and nothing is shown of it.
    until(lambda: 'sink="copy"' not in gateway.http("/metrics")[1], "it is shown no longer")
    length = file.stat().st_size
    gateway.write_config(audit={"sinks": {"copy": {"type": "file", "path": str(file), "format": "json"}}})
    until(lambda: file.stat().st_size > length, "it goes on where it was")
    assert firsts(json.loads(line)["index"] for line in file.read_text().split("\n")[:-1])[:before] == list(range(before))


def test_a_sink_can_be_given_everything_again_and_that_is_recorded(shipping, issuer, hook):
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: is_whole(hook.indexes(), count), "all have come")
    said = gateway.run("audit", "sinks", "hook", "--from", "start").stdout
    assert said.startswith("hook goes on with entry 0")
    moved = until(lambda: gateway.audit("--event", "sink_moved"), "it is recorded")[0]["entry"]
    assert moved["event"]["to"] == 0 and moved["event"]["from"] >= count and "user 0 of the machine" in moved["client"] or moved["client"]
    until(lambda: hook.indexes().count(0) == 2 and hook.indexes().count(count - 1) >= 2, "all have come again")
    gateway.stop()
    # While none runs it waits for the next.
    gateway.run("audit", "sinks", "hook", "--from", "3")
    hook.taken.clear()
    gateway.start()
    until(lambda: hook.indexes(), "it goes on")
    assert hook.indexes()[0] == 3 and len(gateway.audit("--event", "sink_moved")) == 2
    for wrong in (["nobody", "--from", "0"], ["hook", "--from", "1000000"], ["hook", "--from", "-1"], ["hook"]):
        assert gateway.run("audit", "sinks", *wrong, check=False).returncode == 2


def test_another_log_is_a_gap_and_is_brought_whole(shipping, issuer, hook):
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: standing(gateway, "hook")["next"] >= count, "all have come")
    gateway.stop()
    shutil.rmtree(gateway.data / "audit")
    hook.taken.clear()
    gateway.start()
    run_commands(gateway, issuer, 50)
    count = size(gateway)
    until(lambda: is_whole(hook.indexes(), count), "the new one has come, from its beginning")
    (gap,) = gaps(gateway)
    assert gap["to"] == 0 and gap["from"] >= 10 and gap["why"] == "the log is another than the one that was brought there before"


def test_a_position_that_says_nothing_means_everything_again(shipping, issuer, hook):
    gateway = shipping({"hook": webhook(hook)}, {"hook": hook.key})
    run_commands(gateway, issuer, 5)
    count = size(gateway)
    until(lambda: standing(gateway, "hook")["next"] >= count, "all have come")
    gateway.kill()
    position = gateway.data / "audit-sinks" / "hook"
    assert position.stat().st_mode & 0o777 == 0o600 and position.parent.stat().st_mode & 0o777 == 0o700
    position.write_text('{"next": ')
    hook.taken.clear()
    gateway.start()
    until(lambda: is_whole(hook.indexes(), count), "all have come again")
