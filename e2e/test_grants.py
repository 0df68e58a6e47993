"""Access for a time: somebody asks for it, somebody else gives it, and it ends."""

import subprocess

import psycopg
import pytest
from test_approvals import cli, curl, http_gateway, upstream  # noqa: F401

from panguard_test import cards, until
from panguard_test.approver import POLICIES, UPDATE, Approver
from panguard_test.refusal import refusal

GRANTING = POLICIES + """
    @id("reveal-by-leave") permit (principal in Group::"agents", action == Action::"reveal", resource == DataClass::"pan")
      when { context.approvals >= 1 };
    @id("owners-give") permit (principal in Group::"owners", action == Action::"grant", resource)
      when { context.grant_seconds <= 3600 };
"""


@pytest.fixture(scope="module")
def payments(cluster):
    return cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)


@pytest.fixture
def granting(make_gateway, payments):
    return make_gateway(policies=GRANTING, connections={"payments": {**payments, "approvals": {"wait": False}}})


@pytest.fixture
def owner(granting, issuer):
    return Approver(granting, issuer.person("bea", groups=["owners"]))


def asked(gateway, token, *more, check=True):
    said = cli(gateway, token, "ask", "payments", "--reason", "INC-4711", *more, check=check)
    return said.stdout.split()[0] if said.returncode == 0 else said


def kinds(gateway, *names):
    return [it["type"] for line in gateway.audit() if (it := line["entry"]["event"])["type"] in names]


def test_an_agent_asks_somebody_gives_and_its_commands_run_until_it_is_revoked(granting, issuer, owner):
    agent = issuer.agent()
    with granting.connect(agent) as session:
        assert refusal(session, UPDATE).code == "PGD-0008"
        grant = asked(granting, agent, "--action", "write", "--object", "public.payments", "--for", "15m")
        assert refusal(session, UPDATE).code == "PGD-0008", "it is asked for, not given"
        shown = cli(granting, owner.token, "show", grant).stdout
        assert "access: write on public.payments for 15 min" in shown and "INC-4711" in shown
        cli(granting, owner.token, "approve", grant, "--for", "10m")
        for _ in range(3):
            assert session.execute(UPDATE).rowcount == 1
        assert refusal(session, "delete from cards where id = -1").code in ("PGD-0005", "PGD-0008"), "another table"
        assert refusal(session, "drop table payments").code in ("PGD-0005", "PGD-0008"), "another action"
        assert "given: it ends by itself in" in cli(granting, owner.token, "show", grant).stdout
        cli(granting, owner.token, "revoke", grant, "--comment", "it is mended")
        assert refusal(session, UPDATE).code == "PGD-0008", "on the live session, at once"
    intents = [it["approval"] for line in granting.audit()
               if (it := line["entry"]["event"])["type"] == "command_intent" and it.get("approval")]
    assert intents == [grant] * 3
    assert kinds(granting, "grant_asked", "approval_answered", "approval_ended") == [
        "grant_asked", "approval_answered", "approval_ended"]
    assert granting.verify().returncode == 0


def test_it_ends_by_itself_and_survives_a_restart(granting, issuer, owner):
    agent = issuer.agent()
    grant = asked(granting, agent, "--action", "write", "--object", "public.payments", "--for", "8s")
    cli(granting, owner.token, "approve", grant)
    granting.kill()
    granting.start()
    with granting.connect(agent) as session:
        until(lambda: runs(session), "it counts again once the store has been looked at")
        until(lambda: not runs(session), "it ends by itself")
    until(lambda: owner.get(grant)["state"] == "expired", "and is over")


def runs(session):
    try:
        session.execute(UPDATE)
        return True
    except psycopg.Error as error:
        assert "PGD-0008" in str(error)
        return False


def test_so_many_card_numbers_are_told_each_is_recorded_and_no_more(granting, issuer, owner):
    agent = issuer.agent()
    numbers = lambda session, **options: [row[0] for row in session.execute("select pan from cards order by id", **options)]
    with granting.connect(agent) as session:
        masked = numbers(session)
        assert all("*" in it for it in masked) and len(masked) >= 3
        grant = asked(granting, agent, "--action", "read", "--action", "reveal", "--object", "public.cards",
                      "--class", "pan", "--reveals", "5", "--for", "15m")
        status, after = owner.ask("POST", f"/api/requests/{grant}/approve", {"comment": "three", "narrower": {"reveals": 3}})
        assert (status, after["grant"]["reveals"], after["state"]) == (200, 3, "approved")
        first = session.execute("select pan from cards where id = 1").fetchone()[0]
        assert first == cards.VISA
        # What is computed on them, copied, or read together with other tables is as it was.
        assert "*" in session.execute("select pan || '' from cards where id = 1").fetchone()[0]
        with session.cursor().copy("copy (select pan from cards where id = 1) to stdout") as copy:
            assert b"*" in b"".join(copy)
        joined = "select c.pan from cards c join payments p on p.card = c.id where c.id = 1"
        assert all("*" in row[0] for row in session.execute(joined)), "another table"
        assert refusal(session, "select id from cards where pan like '4%'").code == "PGD-0008"
        rest = numbers(session, binary=True)
        assert ["*" in it for it in rest] == [False, False] + [True] * (len(rest) - 2)
        assert numbers(session) == masked, "all are spent"
    until(lambda: len(kinds(granting, "revealed")) == 3, "each is an entry")
    entries = [it for line in granting.audit() if (it := line["entry"]["event"])["type"] == "revealed"]
    assert all(it["column"] == "public.cards.pan" and "*" in it["masked"] and it["grant"] == grant for it in entries)
    assert owner.get(grant)["grant"]["revealed"] == 3
    assert first not in str(granting.audit()), "the log has no card number"


def test_sessions_that_reveal_at_once_share_what_is_left(granting, issuer, owner, in_background):
    agent = issuer.agent()
    grant = asked(granting, agent, "--action", "read", "--action", "reveal", "--object", "public.cards",
                  "--class", "pan", "--reveals", "4", "--for", "15m")
    cli(granting, owner.token, "approve", grant)

    def told(_):
        with granting.connect(agent) as session:
            return sum("*" not in session.execute("select pan from cards where id = 1").fetchone()[0] for _ in range(5))

    clear = sum(it.result(30) for it in [in_background(told, at) for at in range(6)])
    assert clear <= 4
    until(lambda: len(kinds(granting, "revealed")) == clear, "each that was told is recorded, and no other")


def test_a_grant_reveals_nothing_beyond_its_objects(make_gateway, cluster, issuer):
    """By functions, triggers, copies to where nobody looks: each was a way."""
    seed = cards.SEED + f"""
        create table vault (pan text); insert into vault values ('{cards.AMEX}');
        create table kept (body text); create table fired (id int);
        create function peek() returns text language sql as $$ select pan from vault $$;
        create function tell() returns trigger language plpgsql as
          $$ begin raise notice 'vault has %', (select pan from vault); return new; end $$;
        create trigger tells before insert on fired for each row execute function tell();
    """
    payments = cluster.upstream(cluster.create_database(seed), labels=["cde"], data={**cards.DATA, "public.vault.pan": "pan"})
    may = """
        permit (principal in Group::"agents", action in [Action::"read", Action::"write", Action::"call"], resource);
        permit (principal in Group::"agents", action == Action::"reveal", resource == DataClass::"pan") when { context.approvals >= 1 };
        permit (principal in Group::"owners", action == Action::"grant", resource);
    """
    gateway = make_gateway(policies=cards.POLICIES + may, connections={"payments": {**payments, "approvals": {"wait": False}}})
    agent = issuer.agent()
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    grant = asked(gateway, agent, "--action", "read", "--action", "reveal", "--object", "public.cards", "--class", "pan", "--for", "15m")
    cli(gateway, owner.token, "approve", grant)
    notices = []
    with gateway.connect(agent) as session:
        session.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        assert session.execute("select pan from cards where id = 1").fetchone()[0] == cards.VISA, "it is given"
        for sql in ("select peek() from cards limit 1", "insert into fired values (1)",
                    "insert into kept select reverse(pan) from cards", "select peek()", "select * from vault",
                    "with v as (select pan from vault) select v.pan from v, cards limit 1"):
            try:
                rows = session.execute(sql)
                told = str(rows.fetchall() if rows.description else "")
            except psycopg.Error as error:
                told = str(error)
            assert cards.AMEX not in told and cards.AMEX[::-1] not in told, (sql, told)
        assert not any(cards.AMEX in notice for notice in notices), notices
        assert session.execute("select count(*) from kept").fetchone() == (0,)


def test_a_grant_is_for_one_agent_of_a_person_and_for_no_copy(granting, issuer, owner):
    agent = issuer.token("ada", agent_id="bot-a", groups=["agents"], act={"sub": "service-a"})
    other = issuer.token("ada", agent_id="bot-b", groups=["agents"], act={"sub": "service-b"})
    grant = asked(granting, agent, "--action", "write", "--object", "public.payments", "--for", "15m")
    cli(granting, owner.token, "approve", grant)
    with granting.connect(agent) as session:
        assert session.execute(UPDATE).rowcount == 1
        with pytest.raises(psycopg.Error, match="PGD-0008"):
            with session.cursor().copy("copy payments (card, amount) from stdin") as copy:
                copy.write_row((1, 1))
    with granting.connect(other) as session:
        assert refusal(session, UPDATE).code == "PGD-0008"


def test_who_may_not_give_or_ask(granting, issuer, owner):
    agent = issuer.agent()
    ask = lambda *more: asked(granting, agent, *more, check=False)
    assert "write a time such as" in ask("--action", "write", "--object", "*", "--for", "soon").stderr
    assert "7 days" in ask("--action", "write", "--object", "*", "--for", "9d").stderr
    assert "revealed to nobody" in ask("--action", "reveal", "--class", "sad", "--object", "*", "--for", "1h").stderr
    nowhere = cli(granting, agent, "ask", "nowhere", "--reason", "x", "--action", "write", "--object", "*", "--for", "1h", check=False)
    assert nowhere.returncode == 1 and "no such connection" in nowhere.stderr
    grant = ask("--action", "write", "--object", "*", "--for", "2h")
    for token in (agent, issuer.person("eve", groups=["others"]), issuer.agent("bot", groups=["owners"])):
        assert cli(granting, token, "approve", grant, check=False).returncode == 1
    longer = cli(granting, owner.token, "approve", grant, check=False)
    assert longer.returncode == 1 and "policy" in longer.stderr, "owners give an hour at most"
    more = cli(granting, owner.token, "approve", grant, "--for", "1h", "--action", "read", check=False)
    assert more.returncode == 2 and "part of that" in more.stderr
    cli(granting, owner.token, "approve", grant, "--for", "1h", "--object", "public.payments")
    assert owner.get(grant)["grant"]["objects"] == ["public.payments"]


def test_one_who_gave_it_back_has_it_no_more(granting, issuer, owner):
    agent = issuer.agent()
    grant = asked(granting, agent, "--action", "write", "--object", "public.payments", "--for", "15m")
    cli(granting, owner.token, "approve", grant)
    with granting.connect(agent) as session:
        session.execute(UPDATE)
        assert cli(granting, issuer.agent("other"), "revoke", grant, check=False).returncode == 1
        cli(granting, agent, "revoke", grant)
        assert refusal(session, UPDATE).code == "PGD-0008"


def test_a_grant_over_http_covers_routes(make_gateway, issuer, upstream):  # noqa: F811
    gateway = http_gateway(make_gateway, upstream, approvals={"wait": False})
    agent = issuer.agent()
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    grant = cli(gateway, agent, "ask", "site", "--reason", "x", "--action", "write", "--object", "POST /v1/charges*",
                "--for", "5m").stdout.split()[0]
    assert owner.approve(grant)[0] == 200
    said = lambda path: subprocess.run(curl(gateway, agent, path, "{}"), capture_output=True, text=True, timeout=30).stdout
    assert said("/v1/charges/7").endswith("200")
    assert said("/v1/other").endswith("403")
