"""Access that is lent: what the agent may do with it, in whose name, and how it ends."""

import json
import re
import subprocess
import time

import jwt
import psycopg
import pytest
import requests

from panguard_test import cards, until
from panguard_test.approver import Approver
from panguard_test.issuer import Issuer
from panguard_test.refusal import Refusal, refusal, turned_away

POLICIES = """
permit (principal in Group::"engineers", action == Action::"connect", resource);
permit (principal in Group::"engineers", action in [Action::"read", Action::"write", Action::"call", Action::"session"], resource);
permit (principal in Group::"fraud", action == Action::"reveal", resource);
permit (principal in Group::"engineers", action == Action::"delegate", resource) when { context.grant_seconds <= 7200 };
forbid (principal, action == Action::"delegate", resource) when { context.lent_to == "rogue" };
permit (principal in Group::"security", action in [Action::"connect", Action::"revoke"], resource);
"""
PAN = "select pan from cards where id = 1"


@pytest.fixture
def both(make_gateway, cluster, site):
    payments = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    return make_gateway(policies=POLICIES, connections={"payments": payments, "shop": site.connection()})


@pytest.fixture
def alice(issuer):
    return lambda groups=("engineers", "fraud"), **more: issuer.person("alice", groups=groups, **more)


def asking(gateway, token, *arguments, check=True):
    """Runs a command of the binary as whoever has `token`."""
    before, gateway.environment = gateway.environment, {**gateway.environment, "PANGUARD_TOKEN": token}
    try:
        return gateway.run("delegate", *arguments, check=check)
    finally:
        gateway.environment = before


def offer(to="claude", connections="payments", actions="read", ttl="1h"):
    return ("--to", to, "--connections", connections, "--actions", actions, "--ttl", ttl, "--reason", "INC-4711")


def lend(gateway, token, **more):
    """The token that is printed, and the delegation's id."""
    done = asking(gateway, token, *offer(**more))
    return done.stdout.strip(), re.search(r"d-[0-9a-f]{16}", done.stderr).group(0)


def test_an_agent_works_in_the_name_of_a_person_with_some_of_their_access(both, alice, site):
    token, id = lend(both, alice(), connections="payments,shop", actions="read")
    with both.connect(token) as session:
        assert session.execute("select id from cards where id = 1").fetchone() == (1,)
        assert session.execute(PAN).fetchone() == (cards.last4(cards.VISA),), "to reveal was not lent"
        told = refusal(session, "update cards set note = 'x' where id = 1")
        assert told.code == "PGD-0005" and "no part of what was lent" in told.message, told
    assert requests.get(both.url("shop", "/things"), headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200
    assert requests.post(both.url("shop", "/things"), headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 403
    (lent,) = both.audit("--event", "access_lent")
    assert lent["entry"]["principal"]["id"] == "alice"
    assert lent["entry"]["event"]["to"] == "claude" and lent["entry"]["event"]["id"] == id
    done = [it["entry"] for it in both.audit("--event", "command_intent", "--where", f"delegation = {id}")]
    assert done and all(it["principal"]["id"] == "claude" and it["principal"]["on_behalf_of"] == "alice" for it in done)
    assert all(it["principal"]["lent"]["by"] == "alice" and it["principal"]["token_id"] == id for it in done)
    assert token not in both.said()


def test_what_is_lent_to_reveal_is_revealed_only_as_long_as_the_lender_may(both, alice):
    token, _ = lend(both, alice(iat=int(time.time()) - 5), actions="read,reveal")
    with both.connect(token) as session:
        assert session.execute(PAN).fetchone() == (cards.VISA,)
        both.connect(alice(groups=["engineers"])).close()
        told = refusal(session, PAN)
        assert told.code == "PGD-0002" and "in other groups since" in told.message, told
    with both.connect(token) as session:
        assert session.execute(PAN).fetchone() == (cards.last4(cards.VISA),)


def test_over_http_the_next_request_is_decided_by_the_groups_that_the_lender_is_in_now(both, alice, site):
    token, _ = lend(both, alice(iat=int(time.time()) - 5), connections="shop", actions="read")
    get = lambda: requests.get(both.url("shop", "/things"), headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert get().status_code == 200
    assert requests.get(both.url("shop", "/things"), headers={"Authorization": f"Bearer {alice(groups=['visitors'])}"}, timeout=10).status_code == 403
    asked = len(site.requests)
    assert get().status_code == 403 and len(site.requests) == asked


def test_a_connection_that_was_not_lent_is_out_of_reach(both, alice):
    token, _ = lend(both, alice(), connections="shop", actions="read")
    said = turned_away(lambda: both.connect(token))
    assert "PGD-0004" in said, said


def test_it_outlives_the_token_by_which_it_was_lent_and_ends_with_its_own_time(both, alice):
    short = alice(lifetime=6)
    token, _ = lend(both, short, ttl="40s")
    until(lambda: asking(both, short, "list", check=False).returncode == 2, "the token has expired", 20)
    with both.connect(token) as session:
        assert session.execute("select 1").fetchone() == (1,)
    ended, _ = lend(both, alice(), ttl="1s")
    until(lambda: "expired" in attempt(both, ended), "it has expired")


def attempt(gateway, token):
    try:
        gateway.connect(token).close()
        return ""
    except psycopg.OperationalError as error:
        return str(error)


def test_it_is_listed_and_ended_by_whoever_lent_it_and_by_nobody_else(both, alice, issuer):
    token, id = lend(both, alice())
    assert id in asking(both, alice(), "list").stdout and "INC-4711" in asking(both, alice(), "list").stdout
    assert token not in asking(both, alice(), "list", "--format", "json").stdout
    bob = issuer.person("bob", groups=["engineers"])
    assert "nothing is lent" in asking(both, bob, "list").stdout
    assert asking(both, bob, "revoke", id, "--reason", "mine now", check=False).returncode == 1
    with both.connect(token) as session:
        session.execute("select 1")
        assert asking(both, alice(), "revoke", id, "--reason", "done").stdout.startswith("revoked: ")
        with pytest.raises(psycopg.OperationalError) as ended:
            session.execute("select 1")
        assert Refusal(ended.value).code == "PGD-0024"
    assert "PGD-0024" in attempt(both, token)
    assert "REVOKED" in asking(both, alice(), "list").stdout
    # A person who may take access away sees everybody's.
    other, other_id = lend(both, alice())
    security = issuer.person("sue", groups=["security"])
    assert other_id in asking(both, security, "list").stdout
    asking(both, security, "revoke", other_id, "--reason", "incident")
    assert "PGD-0024" in attempt(both, other)


def test_what_takes_access_from_the_lender_takes_what_they_lent(both, alice):
    token, _ = lend(both, alice())
    with both.connect(token) as session:
        session.execute("select 1")
        both.run("access", "revoke", "subject", "alice", "--reason", "left")
        with pytest.raises(psycopg.OperationalError) as ended:
            session.execute("select 1")
        assert Refusal(ended.value).code == "PGD-0024"
    assert asking(both, alice(), *offer(), check=False).returncode == 1


def test_it_is_handed_on_as_less_and_ends_with_what_it_came_of(both, alice):
    token, id = lend(both, alice(), actions="read,write", ttl="10m")
    more = asking(both, token, *offer(to="helper", actions="read,call", ttl="5m"), check=False)
    assert more.returncode == 2 and "nobody hands on more than they have" in more.stderr
    longer = asking(both, token, *offer(to="helper", ttl="1h"), check=False)
    assert longer.returncode == 2 and "nobody hands on more than they have" in longer.stderr
    less, less_id = lend(both, token, to="helper", ttl="5m")
    claims = jwt.decode(less, options={"verify_signature": False})
    assert (claims["sub"], claims["act"]) == ("alice", {"sub": "helper", "act": {"sub": "claude"}})
    with both.connect(less) as session:
        session.execute("select 1")
        assert refusal(session, "update cards set note = 'x'").code == "PGD-0005"
        done = both.audit("--event", "command_intent", "--where", f"delegation = {less_id}")[-1]["entry"]["principal"]
        assert (done["id"], done["lent"]) == ("helper", {"by_kind": "user", "by": "alice", "through": ["claude"]})
        asking(both, alice(), "revoke", id, "--reason", "done")
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    assert "PGD-0024" in attempt(both, less)


def test_nobody_lends_what_policy_does_not_let_them(both, alice, issuer):
    stranger = issuer.person("eve", groups=["visitors"])
    for token, more in ((stranger, {}), (alice(), {"to": "rogue"}), (alice(), {"ttl": "3h"})):
        refused = asking(both, token, *offer(**more), check=False)
        assert refused.returncode == 1 and "policy does not let you lend" in refused.stderr, refused
    assert len([it for it in both.audit("--event", "session_refused") if "lent" not in it["entry"]["principal"]]) == 3
    unknown = asking(both, alice(), *offer(connections="nowhere"), check=False)
    assert unknown.returncode == 1 and "no such connection" in unknown.stderr
    assert asking(both, alice(), "--to", "claude", check=False).returncode == 2


def test_a_forged_token_is_no_token(both, alice):
    token, _ = lend(both, alice(), actions="read")
    header, payload, tag = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    claims["actions"] = ["read", "reveal", "write"]
    wrong = [
        jwt.encode(claims, "a guess of thirty-two bytes and more", "HS256", headers={"typ": "panguard-lent+jwt"}),
        jwt.encode(claims, None, "none", headers={"typ": "panguard-lent+jwt"}),
        f"{header}.{payload}.",
        f"{header}.{payload}.{tag[:-2]}",
    ]
    for forged in wrong:
        assert "PGD-0001" in attempt(both, forged) or "not an access token" in attempt(both, forged), forged
    assert requests.get(both.url("shop"), headers={"Authorization": f"Bearer {wrong[0]}"}, timeout=10).status_code == 401


def test_the_lender_does_not_approve_what_the_agent_asks(make_gateway, alice, issuer):
    gateway = make_gateway(policies=POLICIES + """
        forbid (principal, action == Action::"write", resource) unless { context.approvals >= 1 };
        permit (principal in Group::"fraud", action == Action::"approve", resource);
    """)
    token, _ = lend(gateway, alice(), actions="read,write")
    with gateway.connect(token) as session:
        told = refusal(session, "/* approvals=ticket */ update payments set amount = amount + 1 where id = 1")
        assert told.code == "PGD-0008", told
    lender = Approver(gateway, alice())
    (waiting,) = lender.requests()
    assert lender.ask("POST", f"/api/requests/{waiting['id']}/approve", {"comment": "fine"})[0] == 403
    other = Approver(gateway, issuer.person("carl", groups=["engineers", "fraud"]))
    assert other.ask("POST", f"/api/requests/{waiting['id']}/approve", {"comment": "fine"})[0] == 200


def test_of_an_issuer_that_is_not_believed_any_more_nothing_that_was_lent_is(make_gateway, payments, issuer, alice):
    gateway = make_gateway(policies=POLICIES)
    token, _ = lend(gateway, alice())
    gateway.connect(token).close()
    with Issuer() as other:
        gateway.write_config(identity={"issuers": [other.config()]})
        gateway.reload()
        until(lambda: "PGD-0001" in attempt(gateway, token), "its issuer is not believed")


def test_gateways_that_share_a_store_take_each_others_tokens_and_lists(make_gateway, payments, cluster, store, alice):
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    one, other = (make_gateway(policies=POLICIES, config={"store": url}, start=False) for _ in range(2))
    for gateway in (one, other):
        gateway.run("secrets", "set", "store", input=payments["password"])
        gateway.start()
    token, id = lend_when_known(one, alice())
    until(lambda: not attempt(other, token), "the other knows its key")
    with other.connect(token) as session:
        assert session.execute("select 1").fetchone() == (1,)
        assert id in asking(other, alice(), "list").stdout
        asking(one, alice(), "revoke", id, "--reason", "done")
        until(lambda: "PGD-0024" in attempt(other, token), "the other knows")
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    # Another deployment knows nothing of it.
    alone = make_gateway(policies=POLICIES)
    assert "PGD-0001" in attempt(alone, token)


def test_an_ordinary_client_runs_by_it(both, alice):
    token, _ = lend(both, alice(), actions="read")
    done = subprocess.run(["psql", "-Atc", "select id from cards order by id limit 1"], capture_output=True, text=True,
                          env=both.environment_of_client(token, "payments"), timeout=30)
    assert done.stdout.strip() == "1", done
    listed = [json.loads(line) for line in asking(both, alice(), "list", "--format", "json").stdout.splitlines()]
    assert [it["agent"] for it in listed] == ["claude"]


# --- what an attacker would try ----------------------------------------------------------------------------


@pytest.fixture
def registered(make_gateway, payments, tmp_path):
    """A gateway at which alice and an agent may run registered statements alone."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "one.sql").write_text("select amount from payments where id = $1")
    modes = [{"mode": "templates", "users": ["alice"], "agents": ["bound"]}]
    return make_gateway(policies=POLICIES, connections={"payments": {**payments, "modes": modes, "templates": str(folder)}})


def test_who_may_run_registered_statements_alone_lends_no_more_ways_than_that(registered, alice):
    gateway = registered
    token, _ = lend(gateway, alice())
    with gateway.connect(token) as session:
        assert refusal(session, "select count(*) from payments").code == "PGD-0019"


def test_an_agent_that_hands_on_to_another_name_is_as_bound_as_before(registered, issuer):
    gateway = registered
    token, _ = lend(gateway, issuer.person("bob", groups=["engineers"]), to="bound", ttl="10m")
    other, _ = lend(gateway, token, to="free", ttl="5m")
    with gateway.connect(other) as session:
        assert refusal(session, "select count(*) from payments").code == "PGD-0019"


def test_another_agent_of_the_lender_says_nothing_of_the_lenders_groups(both, alice, issuer):
    token, _ = lend(both, alice(groups=["engineers"], iat=int(time.time()) - 5), actions="read,reveal")
    acting = issuer.token("alice", groups=["engineers", "fraud"], act={"sub": "x", "agent_id": "x"})
    both.connect(acting).close()
    with both.connect(token) as session:
        assert session.execute(PAN).fetchone() == (cards.last4(cards.VISA),)


def test_groups_that_were_lost_stay_lost_after_a_restart_and_at_other_gateways(make_gateway, cluster, store, payments, alice):
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    database = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    one, other = (make_gateway(policies=POLICIES, connections={"payments": database}, config={"store": url}, start=False) for _ in range(2))
    for gateway in (one, other):
        gateway.run("secrets", "set", "store", input=payments["password"])
        gateway.start()
    token, _ = lend_when_known(one, alice(iat=int(time.time()) - 5), actions="read,reveal")

    def shown(gateway):
        try:
            with gateway.connect(token) as session:
                return session.execute(PAN).fetchone()[0]
        except psycopg.Error as error:
            # It was heard of between the token and the session, or the session and the command.
            assert "in other groups since" in str(error), error

    assert shown(one) == cards.VISA
    until(lambda: not attempt(other, token), "the other knows its key")
    assert shown(other) == cards.VISA
    one.connect(alice(groups=["engineers"])).close()
    assert shown(one) == cards.last4(cards.VISA)
    until(lambda: shown(other) == cards.last4(cards.VISA), "the other has heard of it")
    one.stop()
    one.start()
    until(lambda: not attempt(one, token), "it knows what is lent")
    assert shown(one) == cards.last4(cards.VISA)


def test_who_lends_much_keeps_nobody_from_ending_what_they_lent(both, alice, issuer):
    _, mine = lend(both, alice(), ttl="30m")
    mallory = Approver(both, issuer.person("mallory", groups=["engineers"]))
    offer = {"agent": "m", "connections": ["payments"], "actions": ["read"], "seconds": 7200, "reason": "x"}
    said = [mallory.ask("POST", "/api/delegations", offer)[0] for _ in range(101)]
    assert said == [200] * 100 + [429]
    assert mine in asking(both, alice(), "list").stdout
    both.run("access", "revoke", "token", mine, "--for", "1s", "--reason", "for a moment")
    for _ in range(3):
        asking(both, alice(), "revoke", mine, "--reason", "done")
    revoked = [it["entry"]["event"] for it in both.audit("--event", "access_revoked") if it["entry"]["event"]["of"] == mine]
    assert len(revoked) == 2, "for a moment, and once for as long as it lasts"


def test_attempts_to_hand_on_more_are_on_record(both, alice):
    token, _ = lend(both, alice(), ttl="10m")
    before = len(both.audit("--event", "session_refused"))
    asking(both, token, *offer(to="helper", actions="write", ttl="5m"), check=False)
    asking(both, token, *offer(to="helper", connections="shop", ttl="5m"), check=False)
    assert len(both.audit("--event", "session_refused")) == before + 2


def test_a_lender_who_loses_a_group_just_before_the_end_has_lost_it_after_the_start(both, alice):
    for end in (both.stop, both.kill):
        token, _ = lend(both, alice(iat=int(time.time()) - 5), actions="read,reveal")
        if end == both.kill:
            end()
            both.start()
            until(lambda: not attempt(both, token), "it knows what is lent")
        both.connect(alice(groups=["engineers"])).close()
        if end == both.stop:
            end()
            both.start()
            until(lambda: not attempt(both, token), "it knows what is lent")
        with both.connect(token) as session:
            assert session.execute(PAN).fetchone() == (cards.last4(cards.VISA),), end
        both.run("access", "revoke", "person", "nobody", "--reason", "a new turn")


def test_an_agent_that_hands_on_all_it_may_keeps_nobody_from_lending(both, alice):
    token, id = lend(both, alice(), ttl="1h")
    agent = Approver(both, token)
    offer = {"agent": "m", "connections": ["payments"], "actions": ["read"], "seconds": 60, "reason": "x"}
    assert [agent.ask("POST", "/api/delegations", offer)[0] for _ in range(120)] == [200] * 120
    lend(both, alice())
    asking(both, alice(), "revoke", id, "--reason", "done")
    listed = [json.loads(line) for line in asking(both, alice(), "list", "--format", "json").stdout.splitlines()]
    assert sum(it["is_revoked"] for it in listed) == 121


def test_who_writes_to_the_store_puts_no_lender_in_a_group(make_gateway, cluster, store, payments, alice):
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    database = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    gateway = make_gateway(policies=POLICIES, connections={"payments": database}, config={"store": url}, start=False)
    gateway.run("secrets", "set", "store", input=payments["password"])
    gateway.start()
    until(lambda: asking(gateway, alice(), "list", check=False).returncode == 0, "the store is there")
    token, _ = lend_when_known(gateway, alice(groups=["engineers"]), actions="read,reveal")
    with cluster.connect(store) as admin:
        admin.execute("update panguard.lenders set groups = '[\"engineers\",\"fraud\"]', issued_at = issued_at + 1000000")
        admin.execute("insert into panguard.lenders values ('x', 'no lender', 0, 99999999999999999, 'no groups', 'no tag')")
    until(lambda: "no gateway wrote" in gateway.said(), "it is told")
    with gateway.connect(token) as session:
        assert session.execute(PAN).fetchone() == (cards.last4(cards.VISA),)


def lend_when_known(gateway, token, **more):
    """As `lend`, once the gateway has read the store that it shares."""
    until(lambda: asking(gateway, token, *offer(**more, to="first"), check=False).returncode == 0, "what is lent is known")
    return lend(gateway, token, **more)
