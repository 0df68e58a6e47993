"""The audit log is copied elsewhere, kept for as long as it must be, and restored by one command (PCI DSS 4.0.1, 10.5.1)."""

import base64
import datetime
import json
import os
import random
import shutil
import subprocess
import time

import botocore.exceptions
import pytest

from panguard_test import until
from panguard_test.bucket import Bucket
from panguard_test.gateway import binary
from panguard_test.process import free_port

POLICIES = """
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"session"], resource);
"""

# Segments are as short as they can be, so that a few hundred commands fill several.
SHORT = {"retention": {"hot": "2s", "all": "30d"}, "segment_bytes": 131072}
# Entries have to grow old.
SECONDS_MAX = 120


@pytest.fixture
def plain(cluster):
    """A connection without the label by which logs are kept for a year."""
    return cluster.upstream(cluster.create_database("create table numbered (n int)"))


def work(gateway, issuer, count):
    with gateway.connect(issuer.agent()) as session:
        for number in range(count):
            session.execute(f"insert into numbered values ({number}) -- {'x' * 400}")


def archived(gateway):
    """How many entries the archive lacks."""
    return gateway.metric("panguard_audit_archive_behind_entries")


def restored(gateway, folder, *more):
    done = gateway.run("audit", "restore", "--to", folder, "--format", "json", *more, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def first_here(gateway):
    out = gateway.run("audit", "list", "--format", "json", "--scan").stdout
    return json.loads(out.split("\n", 1)[0])["index"]


def listed(gateway, *place):
    out = gateway.run("audit", "list", "--format", "json", *place).stdout
    return {line["index"]: line["entry"] for line in map(json.loads, filter(None, out.split("\n")))}


def keep_to(tmp_path, **more):
    return {"audit": {**SHORT, "archive": {"directory": str(tmp_path / "archive"), "every": "1s"}, **more}}


def test_what_is_old_leaves_the_folder_once_it_is_archived_and_all_of_it_is_restored(make_gateway, plain, issuer, tmp_path):
    # Old enough for all of it to have been listed before it leaves.
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path, retention={"hot": "10s", "all": "30d"}))
    before = {}
    for _ in range(6):
        work(gateway, issuer, 100)
        before.update(listed(gateway))
    until(lambda: first_here(gateway) > 0, "old entries have left the folder", 60)
    assert archived(gateway) < 256 and gateway.metric("panguard_audit_archive_failures_total") == 0
    gateway.stop()
    here = listed(gateway)
    gone = set(before) - set(here)
    assert gone == set(range(min(here))) and len(gone) >= 256

    pruned = [entry["event"] for entry in here.values() if entry["event"]["type"] == "log_pruned"]
    assert pruned[0] == {"type": "log_pruned", "first": 0, "end": pruned[0]["end"], "why": "archived"}
    assert pruned[-1]["end"] == min(here)

    # The rest verifies, and says what is not here; so does the archive, which has all of that.
    report = json.loads(gateway.verify("--format", "json").stdout)
    assert report["ok"] and report["absent"] == min(here)
    assert gateway.verify("--dir", tmp_path / "archive", "--whole").returncode == 0
    assert gateway.verify().returncode == 0 and "NOT WHOLE" in gateway.verify("--whole").stderr
    assert {index: entry for index, entry in listed(gateway, "--dir", tmp_path / "archive").items() if index in gone} == \
        {index: before[index] for index in gone}

    report = restored(gateway, tmp_path / "back")
    assert report["ok"] and report["entries"] >= min(here) and report["absent"] == 0
    back = listed(gateway, "--dir", tmp_path / "back")
    assert {index: back[index] for index in gone} == {index: before[index] for index in gone}
    assert gateway.verify("--dir", tmp_path / "back").returncode == 0
    exported = gateway.run("audit", "export", "--format", "ocsf", "--dir", tmp_path / "back").stdout
    assert len(exported.splitlines()) == len(back)


def test_who_looks_for_what_is_not_here_is_told_where_it_is(make_gateway, plain, issuer, tmp_path):
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path))
    work(gateway, issuer, 400)
    until(lambda: first_here(gateway) > 0, "old entries have left the folder", 30)
    assert "are in its archive" in gateway.run("audit", "list").stderr
    shown = gateway.run("audit", "show", "3", check=False)
    assert shown.returncode == 1 and "panguard audit restore" in shown.stderr

    period = ("--from", "2020-01-01", "--to", "2100-01-01")
    drawn = gateway.run("evidence", *period, "--out", tmp_path / "evidence", check=False)
    assert drawn.returncode == 1 and "panguard audit restore --to DIR" in drawn.stderr
    assert not (tmp_path / "evidence").exists()
    restored(gateway, tmp_path / "back")
    gateway.run("evidence", *period, "--out", tmp_path / "evidence", "--dir", tmp_path / "back", "--samples", "5")
    key = gateway.data / "audit.vkey"
    checked = gateway.run("evidence", "verify", tmp_path / "evidence", "--key", key, "--dir", tmp_path / "back", check=False)
    assert checked.returncode == 0, checked.stderr
    # The log of which the beginning is not here cannot say that the draw is the same.
    checked = gateway.run("evidence", "verify", tmp_path / "evidence", "--key", key, "--dir", gateway.data / "audit", check=False)
    assert checked.returncode == 1 and "restored copy of the archive" in checked.stderr

    later = datetime.datetime.now(datetime.timezone.utc)
    work(gateway, issuer, 5)
    gateway.run("evidence", "--from", later.isoformat().replace("+00:00", "Z"), "--to", "2100-01-01",
                "--out", tmp_path / "newest", "--samples", "5")
    checked = gateway.run("evidence", "verify", tmp_path / "newest", "--key", key, check=False)
    assert checked.returncode == 0, checked.stderr


def test_a_kill_at_any_time_loses_nothing_of_folder_and_archive(make_gateway, plain, issuer, tmp_path):
    chance = random.Random(7)
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path))
    seen = {}
    for _ in range(8):
        work(gateway, issuer, 150)
        seen.update(listed(gateway))
        time.sleep(chance.uniform(0, 1.5))
        gateway.kill()
        assert gateway.verify().returncode == 0, gateway.verify().stderr
        if (tmp_path / "archive" / "checkpoint").exists():
            assert gateway.verify("--dir", tmp_path / "archive").returncode == 0
        gateway.start()
    until(lambda: first_here(gateway) > 1000, "old entries have left the folder", 30)
    # First what is in the folder: what has left it by then is in the archive.
    here = listed(gateway)
    report = restored(gateway, tmp_path / "back")
    assert report["ok"]
    found = {**listed(gateway, "--dir", tmp_path / "back"), **here}
    assert {index: found[index] for index in seen} == seen


def test_without_an_archive_nothing_goes_before_its_time(make_gateway, plain, issuer):
    gateway = make_gateway(POLICIES, {"numbers": plain}, {"audit": SHORT})
    work(gateway, issuer, 400)
    gateway.stop()
    gateway.write_config(audit={**SHORT, "retention": {"hot": "1s", "all": "2s"}})
    assert first_here(gateway) == 0
    gateway.start()
    until(lambda: first_here(gateway) > 0, "what is older than is kept has left the folder", 30)
    report = json.loads(gateway.verify("--format", "json").stdout)
    assert report["ok"] and report["absent"] == first_here(gateway)
    pruned = gateway.audit("--event", "log_pruned")
    assert {line["entry"]["event"]["why"] for line in pruned} == {"expired"}


def test_an_archive_that_cannot_be_written_stops_nothing_and_keeps_all(make_gateway, plain, issuer, tmp_path):
    (tmp_path / "archive").write_text("no folder")
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path))
    work(gateway, issuer, 400)
    until(lambda: gateway.metric("panguard_audit_archive_failures_total") >= 3, "it was tried again", 20)
    until(lambda: gateway.metric("panguard_controls_failing", control="archive") == 1, "the watch knows", 5)
    until(lambda: archived(gateway) > 700, "it is told how much is not archived", 10)
    assert first_here(gateway) == 0
    assert "the audit log is not archived, it is tried again" in gateway.said()
    work(gateway, issuer, 5)
    (tmp_path / "archive").unlink()
    until(lambda: archived(gateway) < 256 and first_here(gateway) > 0, "it is archived now", 20)
    assert restored(gateway, tmp_path / "back")["ok"]


def test_a_file_that_is_missing_or_was_changed_in_the_archive_is_named_and_nothing_leaves_for_it(
        make_gateway, plain, issuer, tmp_path):
    keep = keep_to(tmp_path, retention={"hot": "20d", "all": "30d"})
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep)
    work(gateway, issuer, 400)
    until(lambda: (tmp_path / "archive" / "tile" / "entries" / "002").exists() and archived(gateway) < 256, "it is archived", 20)
    gateway.stop()
    bundle = tmp_path / "archive" / "tile" / "entries" / "001"
    clean = bundle.read_bytes()
    bundle.unlink()
    report = restored(gateway, tmp_path / "missing")
    assert not report["ok"] and report["wrong"][0]["index"] == 256
    bundle.write_bytes(clean.replace(b"insert into", b"delete from", 1))
    done = gateway.run("audit", "restore", "--to", tmp_path / "changed", check=False)
    assert done.returncode == 1 and "NOT VERIFIED" in done.stderr
    gateway.write_config(audit=keep_to(tmp_path)["audit"])
    gateway.start()
    until(lambda: gateway.metric("panguard_audit_archive_failures_total") >= 2, "it is found", 20)
    assert "does not hold `tile/entries/001`" in gateway.said() and first_here(gateway) == 0


def test_whoever_takes_entries_away_is_not_taken_for_panguard(make_gateway, plain, issuer, tmp_path):
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path))
    work(gateway, issuer, 600)
    until(lambda: first_here(gateway) > 0, "old entries have left the folder", 30)
    gateway.stop()
    gateway.write_config(**keep_to(tmp_path, retention={"hot": "20d", "all": "30d"}))
    gateway.start()
    work(gateway, issuer, 300)
    gateway.stop()
    first = first_here(gateway)
    copy = tmp_path / "copy"
    shutil.copytree(gateway.data / "audit", copy)
    (copy / "tile" / "entries" / f"{first // 256:03}").unlink()
    done = gateway.verify("--dir", copy, "--key", gateway.data / "audit.vkey")
    assert done.returncode == 1 and f"entry {first}" in done.stderr
    (gateway.data / "audit" / "pruned").unlink()
    done = gateway.verify()
    assert done.returncode == 1 and "entry 0: it is missing" in done.stderr


def test_a_log_of_cardholder_data_is_kept_for_as_long_as_the_standard_says(make_gateway, payments):
    gateway = make_gateway(POLICIES, {"payments": payments}, start=False)
    gateway.write_config(audit={"retention": {"hot": "89d"}})
    done = gateway.run("check", check=False)
    assert done.returncode == 2 and "10.5.1" in done.stderr and "`hot: 90d`" in done.stderr


@pytest.fixture(scope="module")
def bucket():
    with Bucket() as bucket:
        yield bucket


def in_bucket(bucket, prefix, **more):
    s3 = bucket.config(prefix=prefix, **more)
    return {"audit": {**SHORT, "archive": {"s3": s3, "every": "1s"}}}


def of_bucket(make_gateway, plain, bucket, prefix, **more):
    gateway = make_gateway(POLICIES, {"numbers": plain}, in_bucket(bucket, prefix, **more), start=False)
    gateway.run("secrets", "set", "archive", input=bucket.key["aws_secret_access_key"])
    return gateway.start()


def test_a_bucket_is_an_archive_whose_objects_are_locked_for_as_long_as_they_are_kept(
        make_gateway, plain, issuer, bucket, tmp_path):
    gateway = of_bucket(make_gateway, plain, bucket, "locked", object_lock="compliance")
    work(gateway, issuer, 400)
    before = listed(gateway)
    until(lambda: first_here(gateway) > 0, "old entries have left the folder", 30)
    gateway.kill()
    first = first_here(gateway)
    assert gateway.verify().returncode == 0
    names = bucket.names("locked/")
    assert "locked/tile/entries/000" in names and "locked/checkpoint" in names and "locked/log.vkey" in names
    for name in names:
        if name == "locked/checkpoint":
            continue
        found = bucket.s3.head_object(Bucket=bucket.name, Key=name)
        assert found["ObjectLockMode"] == "COMPLIANCE"
        left = found["ObjectLockRetainUntilDate"] - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(days=29) < left < datetime.timedelta(days=31)
    version = bucket.s3.head_object(Bucket=bucket.name, Key="locked/tile/entries/000")["VersionId"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        bucket.s3.delete_object(Bucket=bucket.name, Key="locked/tile/entries/000", VersionId=version)

    report = restored(gateway, tmp_path / "back")
    assert report["ok"] and report["entries"] >= first > 0
    back = listed(gateway, "--dir", tmp_path / "back")
    assert all(back[index] == before[index] for index in range(min(first, max(before) + 1)))
    # With nothing left of the gateway but the log's key.
    keys = {"AWS_ACCESS_KEY_ID": bucket.key["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": bucket.key["aws_secret_access_key"]}
    key = (gateway.data / "audit.vkey").read_text().strip()
    done = subprocess.run([binary(), "audit", "restore", "--from", f"s3://{bucket.name}/locked", "--endpoint", bucket.endpoint,
                           "--region", bucket.region, "--key", key, "--to", tmp_path / "alone"],
                          cwd=tmp_path, env={**os.environ, **keys}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "restored and verified" in done.stdout, done.stderr

    gateway.start()
    work(gateway, issuer, 200)
    until(lambda: archived(gateway) < 256 and first_here(gateway) > first, "it goes on where it was", 30)
    assert bucket.key["aws_secret_access_key"] not in gateway.said()


def test_a_store_that_refuses_or_is_not_there_is_named_without_its_secrets_and_tried_again(
        make_gateway, plain, issuer, bucket, tmp_path):
    gateway = of_bucket(make_gateway, plain, bucket, "refused")
    gateway.run("secrets", "set", "archive", input="wrong" * 8)
    work(gateway, issuer, 200)
    until(lambda: "the store answers 403 SignatureDoesNotMatch" in gateway.said(), "the refusal is named", 20)
    assert first_here(gateway) == 0 and "wrongwrong" not in gateway.said()
    gateway.run("secrets", "set", "archive", input=bucket.key["aws_secret_access_key"])
    until(lambda: "refused/checkpoint" in bucket.names("refused/"), "it is archived by the new key", 20)
    assert restored(gateway, tmp_path / "back")["ok"]


def test_an_object_that_was_replaced_in_the_bucket_is_found(make_gateway, plain, issuer, bucket, tmp_path):
    gateway = of_bucket(make_gateway, plain, bucket, "replaced", object_lock="governance")
    work(gateway, issuer, 200)
    until(lambda: "replaced/tile/entries/000" in bucket.names("replaced/") and archived(gateway) < 256, "it is archived", 20)
    gateway.stop()
    clean = bucket.s3.get_object(Bucket=bucket.name, Key="replaced/tile/entries/000")["Body"].read()
    forged = clean.replace(b"insert into", b"delete from", 1)
    bucket.s3.put_object(Bucket=bucket.name, Key="replaced/tile/entries/000", Body=forged)
    report = restored(gateway, tmp_path / "back")
    assert not report["ok"] and "changed" in report["wrong"][0]["what"]


def test_what_a_collector_has_not_had_stays_where_it_finds_it(make_gateway, plain, issuer, tmp_path):
    away = {"type": "webhook", "url": f"http://127.0.0.1:{free_port()}/", "key": {"secret": "hook"},
            "format": "json"}
    gateway = make_gateway(POLICIES, {"numbers": plain}, keep_to(tmp_path, sinks={"away": away}), start=False)
    gateway.run("secrets", "set", "hook", input="whsec_" + base64.b64encode(bytes(32)).decode())
    gateway.start()
    work(gateway, issuer, 400)
    until(lambda: (tmp_path / "archive" / "tile" / "entries" / "002").exists(), "it is archived", 20)
    time.sleep(4)
    assert first_here(gateway) == 0 and archived(gateway) < 256
    gateway.write_config(audit=keep_to(tmp_path)["audit"])
    until(lambda: first_here(gateway) > 0, "nobody waits for it any more", 20)
    assert gateway.metric("panguard_audit_archive_failures_total") == 0
    # One that comes later and begins with the first entry is told which it will not have.
    copy = {"type": "file", "path": str(tmp_path / "copy.jsonl"), "format": "json"}
    gateway.write_config(audit=keep_to(tmp_path, sinks={"copy": copy})["audit"])
    gap = until(lambda: gateway.audit("--event", "sink_gap"), "the gap is an entry", 20)[0]["entry"]["event"]
    assert gap["from"] == 0 and gap["to"] >= 256 and gap["why"] == "they are not in the log any more"
