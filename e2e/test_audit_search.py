"""Entries are found by what is in them: the same by the index, by reading the log through, and by Python."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess

import pytest

from panguard_test import Gateway, cards, until
from panguard_test.gateway import binary
from panguard_test.refusal import refusal


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, issuer, cluster):
    """A gateway after two agents and a person were at work; it still runs."""
    payments = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    with Gateway(tmp_path_factory.mktemp("recorded"), issuer, {"payments": payments}, cards.POLICIES) as gateway:
        with gateway.connect(issuer.agent()) as session:
            for number in range(40):
                session.execute(f"select {number} as \"Hübsch\", 'it''s (fine)'")
            session.execute(f"select '{cards.VISA}'")
            session.execute("select pan from cards").fetchall()
            refusal(session, "drop table cards")
            refusal(session, "delete from cards where pan = '1'")
        with gateway.connect(issuer.person("ada", groups=["agents", "fraud"])) as session:
            session.execute("select pan from cards where id = 1").fetchall()
            session.execute("insert into payments (card, amount, memo) values (1, 2, 'x')")
        yield gateway


def listed(gateway, *arguments):
    done = gateway.run("audit", "list", "--format", "json", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def indexes(gateway, *arguments):
    return [line["index"] for line in listed(gateway, *arguments)]


def statement(line):
    return line["entry"]["event"].get("command", {}).get("statement", "")


EXPRESSIONS = {
    "decision = refused": lambda it: it["entry"]["event"]["type"] in ("command_refused", "session_refused"),
    "principal = ada and event = command_intent":
        lambda it: it["entry"].get("principal", {}).get("id") == "ada" and it["entry"]["event"]["type"] == "command_intent",
    "object = public.payments": lambda it: "table public.payments" in json.dumps(it["entry"]["event"].get("command", {}).get("facts")),
    "statement ~ 'AS \"HüBSCH'": lambda it: 'as "hübsch' in statement(it).lower(),
    "statement ~ \"it''s (f\" and not (statement ~ 'select 1' or statement ~ 'select 2')":
        lambda it: "it''s (f" in statement(it) and not any(part in statement(it) for part in ("select 1", "select 2")),
    "class = pan and decision = allowed": lambda it: it["entry"]["event"]["type"] == "command_intent" and '"class": "pan"' in json.dumps(it),
    "status = completed": lambda it: it["entry"]["event"].get("status") == "completed",
    "kind != select and event != log_read":
        lambda it: "select" not in it["entry"]["event"].get("command", {}).get("facts", {}).get("kinds", []),
    "time < 2020-01-01": lambda it: False,
    "time > 2h and code ~ PGD": lambda it: it["entry"]["event"].get("code", "").startswith("PGD"),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_found_is_what_fits(recorded, expression):
    expected = [line["index"] for line in recorded.audit() if EXPRESSIONS[expression](line)]
    assert indexes(recorded, "--where", expression) == expected
    assert indexes(recorded, "--where", expression, "--scan") == expected
    newest = indexes(recorded, "--where", expression, "--newest", "--limit", "3")
    assert newest == expected[::-1][:3] == indexes(recorded, "--where", expression, "--newest", "--limit", "3", "--scan")
    assert indexes(recorded, "--where", expression, "--limit", "3") == expected[-3:]


def test_pages_follow_each_other_until_there_are_none(recorded):
    expected = [line["index"] for line in recorded.audit() if "hübsch" in statement(line).lower()][::-1]
    pages, before = [], []
    while page := indexes(recorded, "--where", "statement ~ hübsch", "--newest", "--limit", "7", *before):
        pages += page
        before = ["--before", str(page[-1])]
    assert pages == expected and len(pages) == 40
    told = recorded.run("audit", "list", "--where", "statement ~ hübsch", "--newest", "--limit", "7")
    assert told.stderr.strip() == f"older ones: --before {expected[6]}"


def test_flags_and_expression_both_have_to_fit(recorded):
    both = indexes(recorded, "--principal", "reporter", "--where", "decision = refused")
    assert both and both == indexes(recorded, "--where", "principal = reporter and decision = refused")
    assert indexes(recorded, "--principal", "ada", "--where", "decision = refused") == []


def test_what_comes_later_is_found_too(recorded, issuer):
    before = indexes(recorded, "--where", "statement ~ 'come later'")
    with recorded.connect(issuer.agent()) as session:
        session.execute("select 'come later'")
    assert len(indexes(recorded, "--where", "statement ~ 'come later'")) == len(before) + 1


def test_many_at_once_find_the_same(recorded):
    shutil.rmtree(recorded.data / "audit-index", ignore_errors=True)
    command = [binary(), "--config", recorded.file, "audit", "list", "--format", "json", "--where", "decision = refused"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    said = [run.communicate(timeout=30) for run in runs]
    assert len({out for out, _ in said}) == 1 and said[0][0] and {err for _, err in said} == {""}


def test_the_index_is_the_owners_alone_and_holds_no_card_number(recorded):
    indexes(recorded, "--where", "decision = refused")
    folder = recorded.data / "audit-index"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert cards.found_in(recorded.data) == []


def test_an_index_that_was_harmed_is_made_anew(recorded):
    expected = indexes(recorded, "--where", "decision = refused")
    (recorded.data / "audit-index" / "index.db").write_bytes(b"harm" * 5000)
    assert indexes(recorded, "--where", "decision = refused") == expected


def test_without_a_place_for_an_index_the_log_is_read_through(recorded, tmp_path):
    shutil.copytree(recorded.data / "audit", tmp_path / "audit")
    (tmp_path / "audit-index").write_text("in its place")
    done = recorded.run("audit", "list", "--dir", str(tmp_path / "audit"), "--where", "decision = refused")
    assert len(done.stdout.splitlines()) == 2 and "the log is read through instead" in done.stderr


def test_an_index_that_others_can_write_is_not_relied_on(recorded, tmp_path):
    shutil.copytree(recorded.data / "audit", tmp_path / "audit")
    expression = ("--dir", str(tmp_path / "audit"), "--where", "decision = refused")
    expected = indexes(recorded, *expression)
    with sqlite3.connect(tmp_path / "audit-index/index.db") as index:
        index.execute("delete from posting")
    assert expected and indexes(recorded, *expression) == [], "what it leaves out is not shown"
    assert indexes(recorded, *expression, "--scan") == expected
    session = recorded.audit("--event", "command_refused")[0]["entry"]["session"]
    replay = lambda *more: recorded.run("audit", "replay", session, "--dir", str(tmp_path / "audit"), "--no-wait", *more, check=False)
    assert replay().returncode == 1 and "REFUSED" in replay("--scan").stdout
    (tmp_path / "audit-index").chmod(0o777)
    assert indexes(recorded, *expression) == expected and "REFUSED" in replay().stdout


@pytest.mark.parametrize("expression, told", [
    ("princpal = x", "character 1, at `princpal = x`: there is no such field"),
    ("decision = refused and", "character 23, at its end: a field is missing"),
    ("ünd = x", "character 1"),
    ("statement ~ 'ü' \x1b[2J", "\\u{1b}[2J`: `and` or `or` is missing here"),
])
def test_what_is_wrong_with_an_expression_is_pointed_at(recorded, expression, told):
    done = recorded.run("audit", "list", "--where", expression, check=False)
    assert done.returncode == 2 and told in done.stderr, done.stderr


def test_nothing_that_was_recorded_reaches_the_terminal_as_it_is(recorded, issuer):
    with recorded.connect(issuer.agent()) as session:
        session.execute("select '\x1b]0;owned\x07 \u202e \x9b31m'")
    shown = recorded.run("audit", "list", "--newest", "--limit", "4").stdout
    at = indexes(recorded, "--where", "statement ~ owned")[0]
    shown += recorded.run("audit", "show", str(at)).stdout
    (line,) = listed(recorded, "--where", "statement ~ owned and event = command_intent")
    assert "\u202e \x9b31m" in statement(line), "to a program it is what it was"
    for action in (("list", "--where", "statement ~ owned"), ("show", str(at)), ("replay", line["entry"]["session"])):
        shown += recorded.run("audit", *action, "--format", "json").stdout
    assert "owned" in shown and not any(hostile in shown for hostile in "\x1b\x07\u202e\x9b")


def test_a_session_is_played_as_it_happened(recorded):
    session = recorded.audit("--event", "command_refused")[0]["entry"]["session"]
    entries = listed(recorded, "--session", session)
    assert listed_by("replay", recorded, session) == entries
    played = recorded.run("audit", "replay", session, "--no-wait").stdout.splitlines()
    assert played[0].startswith(f"session {session}: agent reporter on payments from 127.0.0.1")
    # A line for each entry, in order; the texts stand below with a mark.
    told = [line for line in played[1:] if not line.startswith("    ")]
    assert [int(line.rsplit("(", 1)[1][:-1]) for line in told] == [line["index"] for line in entries]
    assert [line for line in told if "REFUSED PGD-" in line] and [line for line in told if "completed  SELECT 1" in line]
    assert "    | drop table cards" in played and cards.VISA not in "".join(played)
    assert recorded.run("audit", "replay", entries[-1]["entry"]["session"], "--speed", "1000000").stdout.splitlines() == played


def listed_by(action, gateway, *arguments):
    return [json.loads(line) for line in gateway.run("audit", action, "--format", "json", *arguments).stdout.splitlines()]


def test_nothing_that_is_played_reaches_the_terminal_as_it_is(recorded, issuer):
    with recorded.connect(issuer.agent()) as session:
        session.execute("select 'a\n0:00:00.000  #1  allowed', '\x1b[2J\u202e\x9b'")
    session = listed(recorded, "--where", "statement ~ '#1  allowed'")[0]["entry"]["session"]
    played = recorded.run("audit", "replay", session, "--no-wait").stdout
    assert not any(hostile in played for hostile in "\x1b\u202e\x9b")
    assert "    | 0:00:00.000  #1  allowed', '\\u{1b}[2J" in played, "no line of it begins like one of panguard's"


def test_there_is_no_session_of_that_name(recorded):
    done = recorded.run("audit", "replay", "00000000000000ff\x1b", check=False)
    assert done.returncode == 1 and "there is no session `00000000000000ff\\u{1b}`" in done.stderr
    assert recorded.run("audit", "replay", "x", "--speed", "0", check=False).returncode == 2


def test_that_the_log_was_read_is_in_it(recorded, tmp_path):
    def reads():
        return [line["entry"] for line in listed(recorded, "--where", "event = log_read")]

    until(lambda: not list((recorded.data / "audit-reads").iterdir()), "what was read before is recorded")
    before = len(reads())
    recorded.run("audit", "export", "--format", "cef", "--out", str(tmp_path / "out"))
    recorded.run("audit", "show", "3")
    found = until(lambda: [entry for entry in reads()[before:] if entry["event"]["how"] in ("export", "show")][1:], "both are recorded")
    assert found[0]["event"] == {"type": "log_read", "how": "show", "first": 3, "end": 4}
    (tmp_path / "link").symlink_to(recorded.data / "audit")
    for number, way in enumerate((str(tmp_path / "link"), "data/audit/tile/..", "data/audit/.")):
        recorded.run("audit", "show", str(number), "--dir", way)
        until(lambda: any(entry["event"]["how"] == "show" and entry["event"]["first"] == number for entry in reads()[before:]), way)
    assert found[0]["client"] == f"panguard, user {os.getuid()} of the machine" and found[0]["resource"] == "audit log"


def test_a_read_while_no_gateway_runs_is_recorded_when_one_starts(make_gateway):
    gateway = make_gateway()
    assert gateway.stop() == 0
    gateway.run("audit", "replay", "00000000000000ff", check=False)
    gateway.start()
    until(lambda: listed(gateway, "--where", "event = log_read and object = 'audit log'")
          and "replay" in [line["entry"]["event"].get("how") for line in listed(gateway)], "it is recorded")


def test_a_copy_of_the_log_is_read_without_a_trace(recorded, tmp_path):
    shutil.copytree(recorded.data / "audit", tmp_path / "audit")
    recorded.run("audit", "list", "--dir", str(tmp_path / "audit"), "--scan")
    assert [path.name for path in tmp_path.iterdir()] == ["audit"]
