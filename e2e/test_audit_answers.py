"""What was answered can be kept in the audit log: masked, sealed, and read by whoever has the vault."""

import shutil

import pytest
import requests

from panguard_test import cards, until
from panguard_test.site import answer

NOTES = "select id, pan, note from cards order by id"


@pytest.fixture
def keeping(make_gateway, cluster, site):
    payments = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    http = 'permit (principal in Group::"agents", action == Action::"call", resource);'
    return make_gateway(policies=cards.POLICIES + http, connections={"payments": payments, "shop": site.connection()},
                        config={"audit": {"answers": {"bytes": 400}}})


def ended(gateway, statement):
    """The request of a command, once its end is recorded."""
    of = lambda: [it["entry"] for it in gateway.audit("--event", "command_intent", "--where", f"statement ~ '{statement}'")]
    request = until(of, "it is recorded")[-1]["request"]
    until(lambda: [it for it in gateway.audit("--event", "outcome") if it["entry"]["request"] == request], "its end is recorded")
    return request


def test_what_was_answered_is_shown_masked_to_whoever_has_the_vault(keeping, issuer):
    with keeping.connect(issuer.agent()) as session:
        told = session.execute(NOTES).fetchall()
    shown = keeping.run("audit", "show", ended(keeping, "note from cards")).stdout
    assert "answered:" in shown and cards.last4(cards.VISA) in shown and str(told[0][0]) in shown and told[0][2] in shown
    assert all(pan not in shown for pan in cards.PANS)


def test_a_long_answer_is_kept_to_so_many_bytes(keeping, issuer):
    with keeping.connect(issuer.agent()) as session:
        session.execute("select 'number ' || n from generate_series(1, 1000) n").fetchall()
    shown = keeping.run("audit", "show", ended(keeping, "generate_series")).stdout
    assert "answered, to begin with:" in shown and "number 10" in shown and "number 100" not in shown


def test_what_is_revealed_is_not_kept(keeping, issuer):
    with keeping.connect(issuer.person("ada", groups=["agents", "fraud"])) as session:
        assert session.execute(NOTES).fetchone()[1] in cards.PANS
    assert "answered" not in keeping.run("audit", "show", ended(keeping, "note from cards")).stdout


def test_an_answer_over_http_is_kept_without_its_coding(keeping, issuer, site):
    site.default = lambda request, file: file.write(answer(f'{{"card": "{cards.VISA}", "state": "paid"}}', "application/json"))
    done = requests.get(keeping.url("shop", "/charges"), headers={"Authorization": f"Bearer {issuer.agent()}"}, timeout=10)
    assert done.json()["state"] == "paid"
    shown = keeping.run("audit", "show", ended(keeping, "/charges")).stdout
    assert '"state": "paid"' in shown and cards.VISA not in shown and cards.last4(cards.VISA) in shown


def test_nothing_of_it_can_be_read_on_the_disk_or_without_the_vault(keeping, make_gateway, issuer, tmp_path):
    with keeping.connect(issuer.agent()) as session:
        session.execute("select 'an ' || 'unmistakable' || ' answer'").fetchone()
    request = ended(keeping, "unmistakable")
    assert "an unmistakable answer" in keeping.run("audit", "show", request).stdout
    keeping.stop()
    files = [path for path in keeping.data.rglob("*") if path.is_file()]
    assert all(b"an unmistakable answer" not in path.read_bytes() for path in files)
    shutil.copytree(keeping.data / "audit", tmp_path / "copy")
    shown = make_gateway().run("audit", "show", request, "--dir", str(tmp_path / "copy")).stdout
    assert "an unmistakable answer" not in shown and "cannot be read: the key `internal/answers/" in shown
    assert keeping.verify().returncode == 0


def test_answers_are_not_kept_unless_that_is_asked_for(gateway, issuer):
    with gateway.connect(issuer.agent()) as session:
        session.execute(NOTES).fetchall()
    assert "answered" not in gateway.run("audit", "show", ended(gateway, "note from cards")).stdout
