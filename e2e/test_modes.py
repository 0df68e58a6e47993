"""In which way a principal may query a connection: by registered statements, as policy allows, as an administrator."""

import pytest

from panguard_test import cards, until
from panguard_test.refusal import refusal

POLICIES = cards.POLICIES + """
@id("by-id-alone")
forbid (principal in Group::"reporting", action == Action::"read", resource == Table::"payments/public.cards")
unless { context.mode == "templates" && context.template == "card-by-id" };

@id("administrators-do-what-is-not-understood")
permit (principal, action == Action::"use_feature", resource in Connection::"payments")
when { context.mode == "admin" };
"""

TEMPLATES = {
    "card-by-id.sql": "-- what support needs\nselect id, pan, amount from cards where id = $1;\n",
    "few-cards.sql": "select id from payments order by 1 limit 3",
    "cards-by-amount.sql": "select id from cards where amount > $1",
    "pay.sql": "insert into payments (card, amount) values ($1, $2)",
}


@pytest.fixture
def guarded(cluster, make_gateway, tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, text in TEMPLATES.items():
        (folder / name).write_text(text)
    upstream = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA, templates=str(folder), modes=[
        {"mode": "templates", "groups": ["reporting"]},
        {"mode": "admin", "users": ["ada"]},
    ])
    gateway = make_gateway(POLICIES, {"payments": upstream})
    gateway.templates = folder
    return gateway


def test_registered_statements_run_in_every_form_and_no_others_do(guarded, issuer):
    with guarded.connect(issuer.agent(groups=["agents", "reporting"])) as session:
        row = (1, cards.last4(cards.VISA), 10.50)
        for _ in range(3):
            assert session.execute("SELECT id, pan, amount FROM cards WHERE id = 1").fetchone() == row
            assert session.execute("select id, pan, amount from cards where id = %s", [1], prepare=True).fetchone() == row
        # A literal of a template stands for itself.
        for _ in range(2):
            assert len(session.execute("select id from payments order by 1 limit 3").fetchall()) == 3
            for other in ("order by 1 limit 30", "order by 2 limit 3"):
                assert refusal(session, f"select id from payments {other}").code == "PGD-0019", other
        with session.transaction():
            session.execute("set local timezone to 'UTC'")
            session.execute("insert into payments (card, amount) values (%s, %s)", [1, 5])
        for sql in ("select id, pan, amount from cards", "select id, pan, amount from cards where id = 1 or true", "select 1",
                    "select id, pan, amount from cards where id = 1; select id from cards where amount > 1; select 2",
                    "prepare p as select id, pan, amount from cards where id = $1", "explain select id from cards where amount > 1",
                    "declare c cursor with hold for select id from cards where amount > 1", "delete from payments where id = 1"):
            assert refusal(session, sql).code == "PGD-0019", sql
        # A template is decided by policy, which may ask for it by its name.
        told = refusal(session, "select id from cards where amount > 5")
        assert told.code == "PGD-0005" and "by-id-alone" in told.detail


def test_an_administrator_does_what_is_not_understood_and_it_is_recorded_as_such(guarded, issuer):
    block = "do $$ begin perform 1; end $$"
    with guarded.connect(issuer.person("ada", groups=["agents", "admins"])) as session:
        session.execute(block)
        assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(cards.VISA),)
    for token in (issuer.person("bob", groups=["agents", "admins"]), issuer.agent("ada", groups=["agents", "admins"])):
        with guarded.connect(token) as session:
            assert refusal(session, block).code == "PGD-0007"
    entries = [line["entry"] for event in ("session_opened", "command_intent") for line in guarded.audit("--event", event)]
    as_admin = [entry for entry in entries if (entry["event"].get("command") or entry["event"]).get("mode") == "admin"]
    assert as_admin and {entry["principal"]["subject"] for entry in as_admin} == {"ada"}
    assert any("perform" in entry["event"].get("command", {}).get("statement", "") for entry in as_admin)


def test_a_statement_that_is_registered_later_runs_from_then_on(guarded, issuer):
    later = "select count(*) from payments"
    with guarded.connect(issuer.agent(groups=["agents", "reporting"])) as session:
        assert refusal(session, later).code == "PGD-0019"
        (guarded.templates / "how-many.sql").write_text(later)
        until(lambda: guarded.audit("--event", "configuration_changed"), "the configuration is read again")
    with guarded.connect(issuer.agent(groups=["agents", "reporting"])) as session:
        assert session.execute(later).fetchone()[0] >= 50


@pytest.mark.parametrize("modes, templates, said", [
    ([{"mode": "templates", "groups": ["a"]}], None, "there are no registered statements"),
    ([{"mode": "admin", "groups": ["a"]}], None, "an administrator is a person"),
    ([{"mode": "free", "groups": ["a"]}], None, "`free` is no mode"),
    ([{"mode": "filtered"}], None, "a mode is somebody's"),
    ([], "./nowhere", "there is no such folder"),
    ([], {"a.sql": "drop table cards"}, "has to be one SELECT"),
    ([], {"a.sql": "select 1", "b.sql": "SELECT 1"}, "says the same as"),
])
def test_check_says_what_is_wrong_with_them(cluster, make_gateway, tmp_path, payments, modes, templates, said):
    changed = {**payments, "modes": modes}
    if isinstance(templates, dict):
        for name, text in templates.items():
            (tmp_path / name).write_text(text)
        templates = str(tmp_path)
    if templates:
        changed["templates"] = templates
    gateway = make_gateway(start=False)
    gateway.connections = {"payments": changed}
    gateway.write_config()
    checked = gateway.run("check", check=False)
    assert checked.returncode == 2 and said in checked.stderr, checked


@pytest.mark.parametrize("named, said", [(None, "there are several issuers"), ("https://nobody.example", "is none of the issuers")])
def test_with_several_issuers_a_mode_says_whose(make_gateway, issuer, payments, named, said):
    gateway = make_gateway(start=False)
    mode = {"mode": "admin", "users": ["ada"], **({"issuer": named} if named else {})}
    gateway.connections = {"payments": {**payments, "modes": [mode]}}
    own = issuer.config()
    gateway.issuer = [own, {**own, "issuer": "https://other.example"}]
    gateway.write_config()
    checked = gateway.run("check", check=False)
    assert checked.returncode == 2 and said in checked.stderr, checked
    mode["issuer"] = own["issuer"]
    gateway.write_config()
    assert gateway.run("check").returncode == 0
