"""`panguard scan`, on what other programs made, and as a hook and a job in CI run it."""

import gzip
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import tarfile
import zipfile

import pytest

from panguard_test.gateway import binary

CARD = "4111111111111111"
TEXT = f"first line\ncard {CARD} of somebody\n"
# A megabyte of log lines, none of which holds a number.
CLEAN = b"2026-11-28 12:00:00 GET /orders/12345678 200 17 ms\n" * 20_000


def scan(folder, *arguments, **more):
    """Runs a scan in `folder`. Whatever it says, it shows no number."""
    command = [binary(), "scan", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **more)
    assert CARD not in done.stdout + done.stderr
    return done


def places(folder, *arguments, **more):
    done = scan(folder, "--format", "json", *arguments, **more)
    assert done.returncode == 1, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [it["path"] + (f" row {it['row']}" if it["row"] else f":{it['line']}") for it in found]


def git(folder, *arguments, **more):
    identity = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e",
                "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e"}
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True,
                          env=os.environ | identity | {"PATH": path()}, **more)


def path():
    """Where a hook finds `panguard`."""
    return f"{os.path.dirname(binary())}:{os.environ['PATH']}"


def test_what_other_programs_packed_is_looked_into(tmp_path):
    (tmp_path / "dirty.txt").write_text(TEXT)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "dirty.txt", "in/dirty.txt")
    for name, mode in [("b.tar", "w"), ("c.tgz", "w:gz")]:
        with tarfile.open(tmp_path / name, mode, format=tarfile.PAX_FORMAT) as archive:
            # Longer than the header has room for.
            archive.add(tmp_path / "dirty.txt", f"{'long/' * 40}dirty.txt")
            archive.add(tmp_path / "a.zip", "a.zip")
    with gzip.open(tmp_path / "d.sql.gz", "wt") as packed:
        packed.write(TEXT)
    (tmp_path / "dirty.txt").unlink()
    expected = ["a.zip!in/dirty.txt:2"]
    for name in ["b.tar", "c.tgz"]:
        expected += [f"{name}!{'long/' * 40}dirty.txt:2", f"{name}!a.zip!in/dirty.txt:2"]
    assert places(tmp_path, ".") == expected + ["d.sql.gz:2"]


def test_the_systems_own_tools_pack_nothing_past_it(tmp_path):
    (tmp_path / "dirty.txt").write_text(TEXT)
    expected = []
    for tool, command, place in [
        ("tar", ["tar", "--sparse", "-cf", "out-tar", "dirty.txt"], "out-tar!dirty.txt:2"),
        ("zip", ["zip", "-q", "out-zip", "dirty.txt"], "out-zip.zip!dirty.txt:2"),
        ("zstd", ["zstd", "-q", "-19", "--long=27", "dirty.txt", "-o", "out-zstd"], "out-zstd:2"),
    ]:
        if shutil.which(tool):
            subprocess.run(command, cwd=tmp_path, check=True)
            expected.append(place)
    (tmp_path / "dirty.txt").unlink()
    assert places(tmp_path, ".") == expected


def test_a_database_that_another_process_writes_to_is_read_and_left_alone(tmp_path):
    writer = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    writer.execute("pragma journal_mode = wal")
    writer.execute("create table cards (number integer, note text)")
    writer.execute("insert into cards values (?, 'in the log')", [int(CARD)])
    writer.execute("begin")
    writer.execute("insert into cards values (?, 'not committed')", [int(CARD)])
    before = sorted(os.listdir(tmp_path))
    assert places(tmp_path, "shop.db") == ["shop.db!cards.number row 1"]
    assert sorted(os.listdir(tmp_path)) == before
    writer.execute("commit")
    assert places(tmp_path, "shop.db") == ["shop.db!cards.number row 1", "shop.db!cards.number row 2"]
    assert writer.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_the_hook_of_the_documents_refuses_a_commit_with_a_card_number(tmp_path):
    git(tmp_path, "init", "--quiet", check=True)
    hook = tmp_path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(documented_hook())
    hook.chmod(0o755)
    (tmp_path / "a.txt").write_text("clean\n")
    git(tmp_path, "add", ".", check=True)
    git(tmp_path, "commit", "-qm", "clean", check=True)
    (tmp_path / "a.txt").write_text(TEXT)
    git(tmp_path, "add", ".", check=True)
    refused = git(tmp_path, "commit", "-qm", "dirty")
    assert refused.returncode != 0
    assert "a.txt:2: card number (visa) ************1111" in refused.stdout + refused.stderr
    # Taken out of what is staged, it may stay in the folder.
    git(tmp_path, "reset", "--quiet", "a.txt", check=True)
    (tmp_path / "b.txt").write_text("clean too\n")
    git(tmp_path, "add", "b.txt", check=True)
    git(tmp_path, "commit", "-qm", "clean again", check=True)


def documented_hook():
    with open(os.path.join(os.path.dirname(__file__), "../docs/scan.md"), encoding="utf-8") as document:
        return "#!/bin/sh" + document.read().split("#!/bin/sh")[1].split("```")[0]


def test_a_job_accepts_what_is_known_and_fails_for_what_is_new(tmp_path):
    (tmp_path / "fixture.txt").write_text(TEXT)
    assert scan(tmp_path, "--write-baseline", "known.json", ".").returncode == 0
    assert scan(tmp_path, "--baseline", "known.json", ".").returncode == 0
    (tmp_path / "new.txt").write_text(TEXT)
    done = scan(tmp_path, "--baseline", "known.json", "--format", "sarif", ".")
    assert done.returncode == 1
    results = json.loads(done.stdout)["runs"][0]["results"]
    uris = [it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for it in results]
    assert uris == ["new.txt"]


def test_memory_stays_the_same_however_much_comes(tmp_path):
    piece = gzip.compress(CLEAN + f"card {CARD}\n".encode())
    scanner = subprocess.Popen([binary(), "scan", "--format", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(60):
        scanner.stdin.write(piece)
    scanner.stdin.flush()
    found = [scanner.stdout.readline() for _ in range(50)]
    # What the system says of a child when it has ended counts the memory of the test that it came from.
    (most,) = re.findall(r"VmHWM:\s+(\d+) kB", open(f"/proc/{scanner.pid}/status").read())
    scanner.stdin.close()
    found += scanner.stdout.read().splitlines()
    assert (scanner.wait(), len(found)) == (1, 60)
    assert int(most) < 80 << 10, f"{most} KiB"


@pytest.mark.parametrize("what", ["terminal", "pipe"])
def test_progress_is_shown_on_a_terminal_and_nowhere_else(what):
    shown, stderr = pty.openpty() if what == "terminal" else os.pipe()
    scanner = subprocess.Popen([binary(), "scan", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
    os.close(stderr)
    scanner.stdin.write(CLEAN)
    scanner.stdin.flush()
    told = b""
    # It has nothing more to do, and time passes: on a terminal it says how far it is.
    while what == "terminal" and b"1 file, 1.0 MB, 0 findings" not in told:
        told += os.read(shown, 1024)
    scanner.stdin.close()
    assert scanner.wait() == 0
    try:
        while more := os.read(shown, 1024):
            told += more
    except OSError:
        pass  # What a terminal says when nobody writes to it any more.
    os.close(shown)
    scanner.stdout.close()
    assert told.replace(b"\r\n", b"\n").endswith(b"1 file, 1.0 MB: 0 findings\n")
    assert (b"\x1b" in told) == (what == "terminal")


def test_a_reader_that_has_gone_away_ends_it(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT * 50_000)
    scanner = subprocess.Popen([binary(), "scan", "a.txt"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert scanner.stdout.readline() == b"a.txt:2: card number (visa) ************1111\n"
    scanner.stdout.close()
    assert scanner.stderr.read() == b""
    assert scanner.wait() == 0
