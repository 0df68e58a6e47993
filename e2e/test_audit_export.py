"""What collectors are given is an entry a line, however hostile what was recorded is, and says what the log says."""

import json
import re
import unicodedata

import psycopg
import pycef
import pytest
from syslog_rfc5424_parser import SyslogMessage

from panguard_test import Gateway, cards, collector, ocsf as schema
from panguard_test.refusal import refusal

HOSTILE = [
    "plain",
    'x"] [panguard@32473 decision="allowed"] [y z="',
    "x\n<110>1 2026-01-01T00:00:00Z gw panguard - command_intent - forged",
    "x\r\nCEF:0|panguard|panguard|1|command_intent|command intent|3|act=allowed",
    "x|3|act=allowed outcome=success cs1=forged \\= \\| \\",
    "x\\\\\\] \\\" \\n",
    "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f",
    "\u202egnp.exe\u202c \u2028 \u2029 \x85 \u200b \ufeff \U000e0041",
    '{"event": {"action": "forged"}}, "x": "',
    "Ünïcødé 日本語 🦀",
]
FORMS = ("ocsf", "ecs", "cef", "syslog", "json")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, issuer, payments):
    """A gateway whose agents name themselves, and write, what would forge a log."""
    with Gateway(tmp_path_factory.mktemp("recorded"), issuer, {"payments": payments}, cards.POLICIES) as gateway:
        for hostile in HOSTILE:
            with gateway.connect(issuer.agent(), application_name=hostile) as session:
                session.execute("select %s::text", [hostile])
                session.execute("select '" + hostile.replace("'", "''") + "'")
                refusal(session, f"drop table \"{hostile.replace(chr(34), chr(34) * 2)}\"")
            with pytest.raises(psycopg.OperationalError):
                gateway.connect("no token", user=hostile)
            with pytest.raises(psycopg.OperationalError):
                gateway.connect(issuer.agent(), dbname=hostile)
        assert gateway.stop() == 0
        yield gateway


def lines(gateway, form, *more):
    """By LF alone and by everything that anybody takes for a line's end: the same."""
    text = gateway.run("audit", "export", "--format", form, *more).stdout
    found = text.split("\n")
    assert found.pop() == "" and found == text.splitlines()
    return found


def harmless(text):
    """A value as panguard writes it where there are no other escapes."""
    hidden = lambda c: unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
    return "".join(" " if c == "\t" else f"\\u{{{ord(c):x}}}" if hidden(c) else c for c in text)


@pytest.mark.parametrize("form", FORMS)
def test_every_entry_is_one_line_and_nothing_in_it_is_unseen(recorded, form):
    entries = recorded.audit()
    found = lines(recorded, form)
    assert len(found) == len(entries) > 60
    for line in found:
        unseen = [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
        assert unseen == (["\ufeff"] if form == "syslog" else []), line


def test_syslog_is_read_back_by_a_strict_reader(recorded):
    for line, told in zip(recorded.audit(), lines(recorded, "syslog"), strict=True):
        entry, message = line["entry"], collector.syslog(told)
        assert (message["facility"], message["version"], message["app"]) == (13, "1", "panguard")
        assert message["time"] == entry["time"] and message["message_id"] == entry["event"]["type"]
        assert list(message["elements"]) == ["id@32473", "panguard@32473"]
        assert message["elements"]["id@32473"]["seq"] == str(line["index"])
        what = message["elements"]["panguard@32473"]
        command = entry["event"].get("command")
        assert what.get("statement") == (harmless(command["statement"]) if command else None)
        assert what.get("client") == (harmless(entry["client"]) if "client" in entry else None)
        assert what["resource"] == harmless(entry["resource"])
        assert (message["severity"] == 4) == (entry["event"]["type"].endswith("refused") or entry["event"]["type"] == "authentication_failed")


def test_cef_is_read_back_by_a_strict_reader(recorded):
    for line, told in zip(recorded.audit(), lines(recorded, "cef"), strict=True):
        entry, (header, pairs) = line["entry"], collector.cef(told)
        assert header["vendor"] == "panguard" and header["signature"] == entry["event"]["type"]
        assert pairs["externalId"] == str(line["index"])
        command = entry["event"].get("command")
        if command:
            assert pairs["msg"] == harmless(command["statement"])
            assert pairs["act"] == ("refused" if entry["event"]["type"] == "command_refused" else "allowed")
        assert pairs.get("requestClientApplication") == (harmless(entry["client"]) if "client" in entry else None)
        labels = {key for key in pairs if key.endswith("Label")}
        assert all(label.removesuffix("Label") in pairs for label in labels)


def test_public_readers_of_syslog_and_cef_read_the_same(recorded):
    """They leave escapes as they are, and the one of syslog takes a value that ends with a backslash to go on."""
    read = [told for told in lines(recorded, "syslog") if '\\\\"' not in told]
    assert len(read) > 60
    for told in read:
        said, ours = SyslogMessage.parse(told).as_dict(), collector.syslog(told)
        elements = {name: {key: unescaped(value) for key, value in of.items()} for name, of in said["sd"].items()}
        assert (said["msgid"], elements, said["msg"].removeprefix("\ufeff")) == (ours["message_id"], ours["elements"], ours["text"])
    for told in lines(recorded, "cef"):
        said, (header, pairs) = pycef.parse(told), collector.cef(told)
        assert said["DeviceEventClassID"] == header["signature"]
        # What is labelled goes by its label there, and what is empty is left out.
        named = {pairs.get(f"{key}Label", key): value for key, value in pairs.items() if value and not key.endswith("Label")}
        assert {key: unescaped(said.get(key, "")) for key in named} == named


def unescaped(value):
    return re.sub(r"\\(.)", r"\1", value)


def test_ocsf_is_as_its_schema_says(recorded):
    for told in lines(recorded, "ocsf"):
        assert schema.wrong(json.loads(told)) == [], told


def test_ocsf_and_ecs_say_what_the_log_says(recorded):
    exported = zip(recorded.audit(), lines(recorded, "ocsf"), lines(recorded, "ecs"), strict=True)
    hashes = set()
    for line, ocsf, ecs in exported:
        entry, ocsf, ecs = line["entry"], json.loads(ocsf), json.loads(ecs)
        statement = entry["event"].get("command", {}).get("statement")
        assert ocsf.get("query_info", {}).get("query_string") == statement == ecs["panguard"].get("statement")
        assert ocsf["metadata"]["event_code"] == ecs["event"]["action"] == entry["event"]["type"]
        assert ocsf["metadata"]["sequence"] == ecs["event"]["sequence"] == line["index"]
        assert ocsf["type_uid"] == ocsf["class_uid"] * 100 + ocsf["activity_id"]
        assert ocsf["status_id"] == {"success": 1, "failure": 2}[entry["result"]]
        assert ecs["@timestamp"] == entry["time"] and ecs["event"]["outcome"] == entry["result"]
        assert ocsf["unmapped"]["hash"] == ecs["event"]["hash"] and re.fullmatch("[0-9a-f]{64}", ecs["event"]["hash"])
        hashes.add(ecs["event"]["hash"])
        assert "raw_data" not in ocsf and "original" not in ecs["event"]
    assert len(hashes) == len(recorded.audit())


def test_the_hash_is_the_leaf_of_the_tree(recorded):
    import hashlib

    # The hashes of the tree as they are published (C2SP tlog-tiles): the first 256 leaves are in the first tile.
    tiles = sorted((recorded.data / "audit" / "tile" / "0").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    leaves = tiles[-1].read_bytes()
    assert len(hashlib.sha256().digest()) == 32 and len(leaves) >= 32 * 60
    for number, line in enumerate(lines(recorded, "ecs")[:len(leaves) // 32]):
        assert json.loads(line)["event"]["hash"] == leaves[number * 32:number * 32 + 32].hex()


def test_json_is_what_list_prints(recorded):
    assert [json.loads(line) for line in lines(recorded, "json")] == recorded.audit()


def test_what_is_exported_can_be_chosen(recorded):
    entries = recorded.audit()
    half = entries[len(entries) // 2]["entry"]["time"]
    before, after = lines(recorded, "json", "--until", half), lines(recorded, "json", "--since", half)
    assert [json.loads(line) for line in before + after] == entries and before and after
    refused = lines(recorded, "cef", "--where", "decision = refused and event = command_refused")
    assert len(refused) == len(HOSTILE) == len(lines(recorded, "cef", "--scan", "--where", "event = command_refused"))


def test_a_file_is_for_whoever_exports_and_is_never_written_over(recorded, tmp_path):
    out = tmp_path / "log.cef"
    done = recorded.run("audit", "export", "--format", "cef", "--out", str(out))
    assert done.stdout == "" and f"exported {len(recorded.audit())} entries" in done.stderr
    assert out.read_text().split("\n")[:-1] == lines(recorded, "cef") and out.stat().st_mode & 0o777 == 0o600
    again = recorded.run("audit", "export", "--format", "cef", "--out", str(out), check=False)
    assert again.returncode == 2 and "already" in again.stderr
    assert list(tmp_path.iterdir()) == [out]
    nowhere = recorded.run("audit", "export", "--format", "cef", "--out", str(tmp_path / "no" / "where"), check=False)
    assert nowhere.returncode == 2 and "cannot write" in nowhere.stderr


@pytest.mark.parametrize("read, line", [
    (collector.syslog, '<108>1 2026-11-22T19:05:12.345678Z gw panguard - x [a@1 b="c]"] text'),
    (collector.syslog, '<108>1 2026-11-22T19:05:12.345678Z gw panguard - x [a@1 b="c\\n"] text'),
    (collector.syslog, '<108>1 2026-11-22T19:05:12.345678Z gw panguard - x [a@1 b="c"][a@1 b="c"] text'),
    (collector.syslog, '<108>1 2026-11-22T19:05:12.345678Z gw panguard - x [a@1 b="c"]text'),
    (collector.syslog, "<999>1 2026-11-22T19:05:12.345678Z gw panguard - x - text"),
    (collector.syslog, "<108>1 yesterday gw panguard - x - text"),
    (collector.cef, "CEF:0|a|b|c|d|e|3|act=allowed act=refused"),
    (collector.cef, "CEF:0|a|b|c|d|e|3|msg=x=y"),
    (collector.cef, "CEF:0|a|b|c|d|e\\n|3|msg=x"),
    (collector.cef, "CEF:0|a|b|c|d|e"),
])
def test_the_readers_take_nothing_that_is_not_as_specified(read, line):
    with pytest.raises(collector.Malformed):
        read(line)
