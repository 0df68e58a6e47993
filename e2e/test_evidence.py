"""What an assessor is handed is drawn from the log, proves itself, and does nothing to whoever opens it."""

import base64
import collections
import csv
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess

import psycopg
import pytest

from panguard_test import Gateway, cards, until
from panguard_test.approver import Approver
from panguard_test.gateway import binary
from panguard_test.refusal import refusal

POLICIES = cards.POLICIES + """
    @id("ask-first") forbid (principal, action == Action::"write", resource == Table::"payments/public.payments")
      unless { context.approvals >= 1 };
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
"""
UPDATE = "update payments set amount = amount + 1 where id = 1"
HOSTILE = (
    "select '<script>alert(1)</script><img src=x onerror=alert(1)>'",
    "select '\u202egnp.exe', '\x1b[2J\x1b]0;owned\x07', '\u200b'",
    "=cmd|' /c calc'!a1",
    "+1+cmd|' /c calc'!a1",
    "@sum(1+1)",
    "-2+3+cmd|' /c calc'!a1",
    "select ',\"\n=1+1\n\"'",
    "select 'x;=cmd|'' /c calc''!a1', 'x;\"=1+1\"', 'x\t=1+1'",
    "select 1;\n@sum(1+1)",
)
ALWAYS = ("--from", "2020-01-01", "--to", "2099-01-01")


@pytest.fixture(scope="module")
def year(tmp_path_factory, issuer, cluster):
    """A gateway after some work of every kind, running, and evidence drawn from it."""
    folder = tmp_path_factory.mktemp("year")
    database = cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)
    with Gateway(folder, issuer, {"payments": database}, POLICIES) as gateway:
        owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
        with gateway.connect(issuer.agent(), application_name=f"=cmd() {cards.VISA}") as session:
            for number, pan in enumerate(cards.PANS):
                session.execute("select pan, note from cards order by id").fetchall()
                session.execute("select %s::text", [pan])
                refusal(session, f"delete from cards where pan = '{pan}'")
                refusal(session, f"drop table \"{pan}\"")
            for statement in HOSTILE:
                try:
                    session.execute(statement)
                except psycopg.Error:
                    pass
            asked = subprocess.Popen(["psql", "-X", "-c", UPDATE], env=gateway.environment_of_client(issuer.agent()),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            owner.approve(owner.one("update payments")["id"], comment="=as agreed <b>today</b>")
            assert asked.wait(10) == 0
        with gateway.connect(issuer.person("ada", groups=["admins"])) as session:
            session.execute("create table reports (id int)")
            session.execute("drop view if exists nothing")
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError):
                gateway.connect("no token")
        more = f'// of {cards.VISA}\n@id("more") permit (principal in Group::"more", action, resource);'
        gateway.write_policies({"policies.cedar": POLICIES, f"{cards.AMEX}.cedar": more})
        gateway.run("secrets", "set", "another", input="a secret of no use")
        kinds = lambda: collections.Counter(line["entry"]["event"]["type"] for line in gateway.audit())
        until(lambda: kinds()["policy_changed"] and kinds()["secret_changed"] and kinds()["session_closed"] >= 3, "all is recorded")
        # A head is signed every second.
        size = len(gateway.audit())
        until(lambda: int((gateway.data / "audit/checkpoint").read_text().splitlines()[1]) >= size, "all is signed")
        drawn = draw(gateway, folder / "pack", "--seed", "qsa-7", "--samples", "10")
        yield gateway, folder / "pack", drawn


def draw(gateway, out, *more, check=True):
    done = gateway.run("evidence", *ALWAYS, "--out", str(out), "--format", "json", *more, check=check)
    return json.loads(done.stdout) if done.returncode == 0 else done


def table(pack, name):
    text = (pack / "reports" / f"{name}.csv").read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def verify(pack, gateway, *more):
    key = str(gateway.data / "audit.vkey")
    # Without a configuration, as an assessor has none.
    return subprocess.run([binary(), "evidence", "verify", str(pack), "--key", key, *more], cwd="/", capture_output=True,
                          text=True, env={"PATH": os.environ["PATH"]}, timeout=40)


def entries(gateway, drawn, *kinds):
    first, end = drawn["entries"]
    every = [line for line in gateway.audit() if first <= line["index"] < end]
    return [line for line in every if not kinds or line["entry"]["event"]["type"] in kinds]


# --- what is in it -------------------------------------------------------------------------------------------


def test_the_reports_agree_with_the_log(year):
    gateway, pack, drawn = year
    events = entries(gateway, drawn)
    by_type = collections.defaultdict(list)
    for line in events:
        by_type[line["entry"]["event"]["type"]].append(line["index"])
    indexes = lambda name: sorted(int(row["index"]) for row in table(pack, name))
    commands = by_type["command_intent"] + by_type["command_refused"]
    assert indexes("commands") == sorted(commands) and len(commands) > 20
    refused = by_type["command_refused"] + by_type["session_refused"] + by_type["authentication_failed"]
    assert indexes("refusals") == sorted(refused) and len(by_type["command_refused"]) >= 8
    assert indexes("log-life") == sorted(by_type["log_created"] + by_type["gateway_started"] + by_type["gateway_stopped"])
    # What the test itself has read stands in the log, and `audit` leaves it out.
    counted = {row["event"]: int(row["entries"]) for row in table(pack, "events") if row["event"] != "log_read"}
    assert counted == {kind: len(found) for kind, found in by_type.items() if found}
    for row in table(pack, "events"):
        assert row["without_resource"] == "0" and row["without_origin"] == "0", row
    assert drawn["population"] == len(commands)


def test_access_to_cards_stands_with_who_whence_and_how_it_ended(year):
    gateway, pack, drawn = year
    read = [row for row in table(pack, "access") if row["statement"] == "select pan, note from cards order by id"]
    assert len(read) == 4
    for row in read:
        assert (row["principal_kind"], row["principal"], row["from"]) == ("agent", "reporter", "127.0.0.1")
        assert row["ended"] == "completed" and int(row["masked"]) >= 3 and "public.cards.pan pan output" in row["columns"]
        assert row["policies"] == "agents-work" and row["policy_version"]
        outcome = json.loads(gateway.run("audit", "show", row["ended_index"], "--format", "json").stdout)
        assert outcome["entry"]["request"] == row["request"]
        assert outcome["entry"]["event"]["masked"] == int(row["masked"])


def test_access_is_counted_by_principal_and_connection(year):
    _, pack, _ = year
    (row,) = table(pack, "access-by")
    read = table(pack, "access")
    assert (row["principal"], row["connection"], int(row["commands"])) == ("reporter", "payments", len(read))
    assert int(row["values_masked"]) == sum(int(line["masked"]) for line in read) and row["classes"] == "pan"


def test_an_approved_change_is_one_line_from_its_asking_to_its_use(year):
    _, pack, _ = year
    (row,) = table(pack, "requests")
    assert row["asker"] == "reporter" and row["wanted"] == UPDATE
    assert row["approved_by"].startswith("bea (entry ") and "as agreed" in row["approved_by"] and row["used_by"]
    (used,) = [row for row in table(pack, "commands") if row["approval"]]
    assert row["used_by"] == f"entry {used['index']}" and used["ended"] == "completed"


def test_objects_credentials_and_versions_are_there(year):
    gateway, pack, _ = year
    objects = [row["kinds"] or row["event"] for row in table(pack, "objects")]
    assert "create table" in objects and "policy_changed" in objects
    assert "secret_changed" in [row["event"] for row in table(pack, "credentials")]
    admin = [row["statement"] for row in table(pack, "administration") if row["principal"] == "ada"]
    assert "create table reports (id int)" in admin
    versions = [row["version"] for row in table(pack, "versions") if row["kind"] == "policies"]
    (changed,) = [line["entry"]["event"] for line in gateway.audit("--event", "policy_changed")]
    assert versions == [changed["previous"], changed["version"]]
    texts = (pack / "policies.txt").read_text()
    assert texts.startswith(f"Policies, version {changed['version']}\n") and '@id("more")' in texts
    assert f"// of {cards.last4(cards.VISA)}" in texts and f"===== {cards.last4(cards.AMEX)}.cedar" in texts
    before, after = [(pack / "policies" / f"{version}.txt").read_text() for version in versions]
    assert before.startswith(f"Policies, version {versions[0]}\n") and "permit" in before and '@id("more")' not in before
    assert after.partition("=====")[2] == texts.partition("=====")[2]
    (version,) = [row["version"] for row in table(pack, "versions") if row["kind"] == "configuration"]
    configuration = (pack / "configuration" / f"{version}.txt").read_text()
    assert configuration.startswith(f"Configuration, version {version}\n")
    assert configuration.splitlines()[2].endswith("panguard.yaml") and '"connections"' in configuration


def test_a_policy_that_was_changed_where_it_is_kept_is_not_shown_as_it_was_in_force(year, tmp_path):
    gateway, pack, _ = year
    before, after = [row["version"] for row in table(pack, "versions") if row["kind"] == "policies"]
    kept = gateway.folder / "data" / "editions"
    text = (kept / f"{before}.txt").read_text()
    gone = (kept / f"{after}.txt").read_text()
    try:
        (kept / f"{before}.txt").write_text("\n===== all.cedar\n\nforbid (principal, action, resource);\n")
        (kept / f"{after}.txt").unlink()
        gateway.run("evidence", "--from", "2020-01-01", "--to", "2100-01-01", "--out", str(tmp_path / "pack"))
    finally:
        (kept / f"{before}.txt").write_text(text)
        (kept / f"{after}.txt").write_text(gone)
    told = (tmp_path / "pack" / "policies" / f"{before}.txt").read_text()
    assert "CHANGED" in told and "forbid" not in told
    assert "is not in" in (tmp_path / "pack" / "policies" / f"{after}.txt").read_text()


def test_the_index_says_of_each_requirement_what_is_here_and_what_is_not(year):
    _, pack, drawn = year
    rows = list(csv.DictReader(io.StringIO((pack / "index.csv").read_bytes().decode(), newline=""), strict=True))
    assert {row["standard"] for row in rows} == {"PCI DSS 4.0.1"}
    assert {f"10.2.1.{part}" for part in range(1, 8)} <= {row["requirement"] for row in rows}
    page = (pack / "index.html").read_text()
    for row in rows:
        assert row["beyond_panguard"] and row["requirement"] in page
        named = [name for name in row["reports"].split("; ") if name]
        lines = [lines for lines in row["lines"].split("; ") if lines]
        assert [drawn["lines"][name] for name in named] == [int(count) for count in lines]
    printed = (pack / "index.pdf").read_bytes()
    assert printed.startswith(b"%PDF-") and all(f"({row['requirement']})".encode() in printed for row in rows)
    for link in re.findall(r'href="([^"]+)"', page):
        assert (pack / link).is_file(), link


# --- the samples ---------------------------------------------------------------------------------------------


def test_an_assessor_draws_the_same_samples_by_the_seed(year):
    gateway, pack, drawn = year
    commands = [line["index"] for line in entries(gateway, drawn, "command_intent", "command_refused")]
    rank = lambda index: hashlib.sha256(f"panguard sample\nqsa-7\n{index}\n".encode()).digest()
    assert drawn["samples"] == sorted(commands, key=rank)[:10]


def test_a_sample_proves_itself_without_panguard(year):
    """RFC 9162 §2.1.3.2, from the bytes of the entry to the root in the signed head."""
    _, pack, drawn = year
    _, size, root = (pack / "checkpoint").read_text().splitlines()[:3]
    files = sorted((pack / "samples").iterdir())
    assert len(files) == 10
    for file in files:
        sample = json.loads(file.read_text())
        for entry in sample["entries"]:
            node = hashlib.sha256(b"\0" + entry["leaf"].encode()).digest()
            at, last = entry["index"], int(size) - 1
            for step in map(base64.b64decode, entry["proof"]):
                if at & 1 or at == last:
                    node = hashlib.sha256(b"\1" + step + node).digest()
                    while not at & 1 and at:
                        at, last = at >> 1, last >> 1
                else:
                    node = hashlib.sha256(b"\1" + node + step).digest()
                at, last = at >> 1, last >> 1
            assert last == 0 and base64.b64encode(node).decode() == root


def test_any_sample_says_who_what_when_whence_and_by_whose_approval(year):
    gateway, pack, drawn = year
    everything = draw(gateway, pack.parent / "all", "--samples", "1000")
    assert len(everything["samples"]) == everything["population"]
    rows = list(csv.DictReader(io.StringIO((pack.parent / "all/samples.csv").read_bytes().decode(), newline=""), strict=True))
    for row in rows:
        assert row["who"].split()[1] in ("reporter", "ada") and row["from"].startswith("127.0.0.1") and row["when"]
        assert row["on"] == "connection payments (postgres)" and row["what"] and row["outcome"]
    (approved,) = [row for row in rows if row["approved_by"]]
    assert approved["what"] == UPDATE and approved["approved_by"].startswith("bea (entry ")
    assert verify(pack.parent / "all", gateway).returncode == 0


# --- that nobody changed it ----------------------------------------------------------------------------------


def test_it_verifies_offline_and_against_the_log(year):
    gateway, pack, _ = year
    done = verify(pack, gateway)
    assert done.returncode == 0 and "10 samples" in done.stdout, done
    done = verify(pack, gateway, "--dir", str(gateway.data / "audit"))
    assert done.returncode == 0 and "same samples" in done.stdout, done


def test_a_change_of_any_file_is_found_and_named(year, tmp_path):
    gateway, pack, _ = year
    for file in sorted(path.relative_to(pack) for path in pack.rglob("*") if path.is_file()):
        copy = tmp_path / "copy"
        shutil.copytree(pack, copy)
        content = bytearray((copy / file).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / file).write_bytes(content)
        done = verify(copy, gateway, "--format", "json")
        report = json.loads(done.stdout)
        named = [wrong["file"] for wrong in report["wrong"]]
        assert done.returncode == 1 and not report["ok"], file
        assert str(file) in named or file.name == "manifest.note", (file, named)
        shutil.rmtree(copy)
    shutil.copytree(pack, tmp_path / "copy")
    (tmp_path / "copy/samples/one-more.json").write_text("{}")
    assert verify(tmp_path / "copy", gateway).returncode == 1


def test_another_logs_key_does_not_verify_it(year, make_gateway):
    _, pack, _ = year
    assert verify(pack, make_gateway()).returncode == 1


def test_nothing_is_drawn_from_a_log_that_was_changed(make_gateway, issuer, tmp_path):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session:
        session.execute("select 'as it was'")
    gateway.stop()
    for path in (gateway.data / "audit").rglob("*"):
        if path.is_file() and b"as it was" in (content := path.read_bytes()):
            path.write_bytes(content.replace(b"as it was", b"as it is!"))
    done = draw(gateway, tmp_path / "pack", check=False)
    assert done.returncode == 1 and "NOT VERIFIED" in done.stderr and not (tmp_path / "pack").exists()


# --- that it does no harm ------------------------------------------------------------------------------------


def test_no_card_number_and_no_secret_is_in_it(year):
    gateway, pack, _ = year
    assert cards.found_in(pack) == []
    for path in (path for path in pack.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for name, connection in gateway.connections.items():
            assert connection["password"].encode() not in content, (path, name)
        assert (path.stat().st_mode & 0o077) == 0, path


def test_what_agents_wrote_does_nothing_in_a_spreadsheet_or_a_browser(year):
    _, pack, _ = year
    for path in (path for path in pack.rglob("*") if path.suffix in (".html", ".csv")):
        text = path.read_bytes().decode()
        for sign in ("\x1b", "\x07", "\u202e", "\u200b"):
            assert sign not in text, (path, sign)
        if path.suffix == ".html":
            assert not re.search(r"<(script|img|b|iframe|link|object)\b", text), path
            assert "default-src 'none'" in text and "http" not in re.sub(r"http-equiv|https?://127[^ <]*", "", text.split("</head>")[0])
        else:
            assert text.endswith("\r\n")
            # Some take other signs for what parts cells.
            rows = [row for sign in ",;\t" for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=sign == ",")]
            for row in rows:
                assert not [cell for cell in row if cell.lstrip()[:1] in tuple("=+-@|")], (path, row)
    said = (pack / "reports/commands.html").read_text().replace("<wbr>", "")
    assert html.escape("<script>alert(1)</script>") in said, "it is told all the same"
    # Of what is not understood the log has no digits.
    assert "'=cmd|' /c calc'!a#" in [row["statement"] for row in table(pack, "commands")]


# --- where it goes and what is left of it --------------------------------------------------------------------


def reads(gateway):
    """The entries of evidence that was drawn. To look at the log is to read it, and is recorded too."""
    listed = gateway.run("audit", "list", "--event", "log_read", "--format", "json").stdout
    entries = [json.loads(line)["entry"] for line in listed.split("\n") if line]
    return [it for it in entries if it["event"]["how"] == "evidence"]


def test_that_it_was_drawn_is_itself_recorded(year):
    gateway, pack, _ = year
    read = until(lambda: reads(gateway), "it is recorded")[0]
    # Of all, since all are looked through.
    assert [read["event"]["first"], read["event"]["end"]] == [0, json.loads((pack / "manifest.json").read_text())["size"]]
    assert read["client"].endswith(f"user {os.getuid()} of the machine")


def test_evidence_of_a_gateway_that_is_down_is_recorded_by_the_next(make_gateway, issuer, tmp_path):
    gateway = make_gateway()
    gateway.connect(issuer.agent()).close()
    gateway.stop()
    draw(gateway, tmp_path / "pack")
    assert reads(gateway) == []
    gateway.start()
    until(lambda: len(reads(gateway)) == 1, "the next one records it")
    draw(gateway, tmp_path / "next")
    assert gateway.verify().returncode == 0
    assert verify(tmp_path / "pack", gateway, "--dir", str(gateway.data / "audit")).returncode == 0, "of a log that has grown"


def test_there_is_no_evidence_without_a_note_of_it(make_gateway, issuer, tmp_path):
    gateway = make_gateway()
    gateway.connect(issuer.agent()).close()
    gateway.stop()
    (gateway.data / "audit-reads").rmdir()
    done = draw(gateway, tmp_path / "pack", check=False)
    assert done.returncode == 2 and "audit-reads" in done.stderr and not (tmp_path / "pack").exists(), done
    assert "is not recorded" in gateway.run("audit", "list").stderr
    gateway.start()
    shutil.rmtree(gateway.data / "audit-reads")
    until(lambda: (gateway.data / "audit-reads").is_dir(), "the gateway makes it anew")


def test_it_writes_over_nothing_and_asks_for_a_period(year, tmp_path):
    gateway, pack, _ = year
    before = (pack / "manifest.json").read_bytes()
    done = draw(gateway, pack, check=False)
    assert done.returncode == 2 and "is not empty" in done.stderr and (pack / "manifest.json").read_bytes() == before
    (tmp_path / "empty").mkdir()
    draw(gateway, tmp_path / "empty")
    run = lambda *arguments: gateway.run("evidence", *arguments, check=False)
    assert run("--out", str(tmp_path / "x")).returncode == 2
    assert run("--from", "2026-02-01", "--to", "2026-01-01", "--out", str(tmp_path / "x")).returncode == 2
    assert run("--from", "soon", "--to", "2026-01-01", "--out", str(tmp_path / "x")).returncode == 2
    assert run(*ALWAYS, "--out", str(tmp_path / "x"), "--seed", "a b").returncode == 2
    assert run(*ALWAYS, "--out", str(tmp_path / "x"), "--seed", cards.VISA).returncode == 2
    assert not (tmp_path / "x").exists()


def test_a_period_without_anything_is_an_answer_too(year, tmp_path):
    gateway, _, _ = year
    done = gateway.run("evidence", "--from", "2020-01-01", "--to", "2020-02-01", "--out", str(tmp_path / "pack"), "--format", "json")
    drawn = json.loads(done.stdout)
    assert drawn["population"] == 0 and drawn["samples"] == [] and set(drawn["lines"].values()) == {0}
    assert verify(tmp_path / "pack", gateway).returncode == 0
