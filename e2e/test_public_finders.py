"""Whatever panguard writes anywhere, public finders of card numbers find none in it."""

import json

import psycopg
import pytest
import requests

from panguard_test import cards, ocsf
from panguard_test.approver import Approver
from panguard_test.finders import found
from panguard_test.models import Models
from panguard_test.refusal import refusal

POLICIES = cards.POLICIES + """
    @id("ask-first") forbid (principal, action == Action::"write", resource == Table::"payments/public.payments") unless { context.approvals >= 1 };
    permit (principal in Group::"agents", action == Action::"call", resource);
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
"""


@pytest.mark.parametrize("number", cards.PANS)
def test_the_finders_find_what_is_there(number):
    """Each number of the tests by at least one of the two, bare and in an entry's JSON."""
    assert found(f"paid with {number} today") and found(f'{{"statement":"select \'{number}\'"}}')


def test_they_find_nothing_in_all_that_panguard_leaves_behind(make_gateway, cluster, issuer, in_background, tmp_path):
    payments = cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)
    with Models() as models:
        connections = {"payments": payments, "model": models.connection("llm")}
        config = {"audit": {"answers": {"bytes": 2000}, "sinks": {"copy": {"type": "file", "path": str(tmp_path / "copy.json"), "format": "json"}}}}
        gateway = make_gateway(policies=POLICIES, connections=connections, config=config)
        owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
        with gateway.connect(issuer.agent(), application_name=f"bot {cards.VISA}") as session:
            session.execute("select * from cards").fetchall()
            session.execute("select %s::text", [f"card {cards.MASTERCARD}"]).fetchall()
            session.execute(f"select '{' '.join(cards.PANS)}'").fetchall()
            refusal(session, f"select 1 from cards where pan = '{cards.AMEX}'")
            with pytest.raises(psycopg.Error):
                session.execute(f"select '{cards.VISA}'::date")
            done = in_background(session.execute, f"update payments set memo = 'to {cards.DISCOVER}' where id = 3")
            request = owner.one()["id"]
            shown = [str(owner.get(request)), gateway.run("requests", "list", check=False).stdout]
            owner.approve(request, f"as agreed for {cards.VISA}")
            done.result(10)
        models.text = [f"your card is {cards.VISA[:8]}", f"{cards.VISA[8:]}, thanks"]
        requests.post(gateway.url("model", "/v1/chat/completions"), timeout=10, headers={"Authorization": f"Bearer {issuer.agent()}"},
                      json={"model": "small", "messages": [{"role": "user", "content": f"bill {cards.AMEX}"}]})
        with pytest.raises(psycopg.OperationalError):
            gateway.connect("no token", user=f"u{cards.VISA}")
        shown += [gateway.http(path)[1] for path in ("/metrics", "/readyz", "/healthz")]
        gateway.stop()
    gateway.run("evidence", "--from", "2020-01-01", "--to", "2100-01-01", "--out", str(tmp_path / "evidence"))
    shown += [gateway.run("audit", "export", "--format", form).stdout for form in ("ocsf", "ecs", "cef", "syslog", "json")]
    assert [wrong for line in shown[-5].splitlines() for wrong in ocsf.wrong(json.loads(line))] == []
    shown += [gateway.run("audit", "list").stdout]
    files = [path for folder in (gateway.folder, tmp_path) for path in folder.rglob("*") if path.is_file()]
    shown += [path.read_bytes().decode("latin-1").rstrip("\0") for path in files]
    assert sum(len(text) for text in shown) > 100_000, "there is something to look at"
    for text in shown:
        assert found(text) == [], text[:200]
