"""`panguard demo`, as somebody who has just cloned the repository runs it."""

import json
import signal
import subprocess

from panguard_test.gateway import binary

# It makes a PostgreSQL cluster and 100,000 rows first.
SECONDS_MAX = 180


def test_the_demo_holds_what_it_shows(tmp_path):
    signal.alarm(SECONDS_MAX)
    done = subprocess.run([binary(), "demo", "--once", "--format", "json"], capture_output=True, text=True,
                          cwd=tmp_path, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    for step in steps:
        assert set(step) == {"step", "expected", "observed", "held"}
        assert step["held"], step
    shown = {step["step"] for step in steps}
    assert {"masked-select", "allowed-write", "refused-drop", "approved-change", "bounded-change", "denied-change", "counted-numbers", "expired-token", "audit-log-verifies"} <= shown
    assert list(tmp_path.iterdir()) == [], "it left something behind"
