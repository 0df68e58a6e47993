"""Access that is taken away: at once, on live sessions and running commands, and recorded."""

import json
import re
import resource
import secrets
import threading
import time

import httpx
import jwt
import psycopg
import pytest
import requests

from panguard_test import Gateway, until
from panguard_test.approver import Approver
from panguard_test.issuer import Issuer
from panguard_test.refusal import Refusal, turned_away

REASON = "its key was in a public repository"
POLICIES = """
permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write", Action::"call"], resource);
"""


@pytest.fixture
def both(make_gateway, payments, site):
    """A gateway with a database and an HTTP system behind it."""
    return make_gateway(policies=POLICIES, connections={"payments": payments, "shop": site.connection()})


def revoke(gateway, *what, check=True):
    done = gateway.run("access", "revoke", *what, "--reason", REASON, check=check)
    return re.search(r"r-[0-9a-f]{16}", done.stdout).group(0)


def events(gateway, kind):
    return [line["entry"]["event"] for line in gateway.audit("--event", kind)]


def is_over(session):
    """Whether the server has ended a session that asks nothing; what it said."""
    with pytest.raises(psycopg.OperationalError) as raised:
        session.execute("select 1")
    return Refusal(raised.value)


def test_an_idle_session_ends_and_says_why_and_nobody_elses_does(both, issuer):
    with both.connect(issuer.agent("ci-bot")) as theirs, both.connect(issuer.agent("other")) as others:
        theirs.execute("select 1")
        id = revoke(both, "agent", "ci-bot")
        said = is_over(theirs)
        assert (said.code, said.sqlstate) == ("PGD-0024", "28000"), said
        assert REASON not in str(said) and "Stop here" in str(said)
        assert others.execute("select 1").fetchone() == (1,)
        assert "PGD-0024" in turned_away(lambda: both.connect(issuer.agent("ci-bot")))
        assert both.run("access", "restore", id).stdout.startswith("restored")
        with both.connect(issuer.agent("ci-bot")) as again:
            assert again.execute("select 1").fetchone() == (1,)
    (made,), (ended,) = events(both, "access_revoked"), events(both, "access_restored")
    by = re.fullmatch(r"panguard, user \d+ of the machine", made["by"]).group(0)
    assert made == {"type": "access_revoked", "id": id, "what": "agent", "of": "ci-bot", "reason": REASON, "by": by}
    assert ended == {"type": "access_restored", "id": id, "what": "agent", "of": "ci-bot", "was_over": False, "by": by}
    until(lambda: "access was revoked" in [it["reason"] for it in events(both, "session_closed")], "its end is recorded")
    (entry,) = both.audit("--event", "access_revoked")
    assert re.fullmatch(r"panguard, user \d+ of the machine", entry["entry"]["client"])


def test_what_runs_is_broken_off_here_and_at_the_upstream(both, issuer, cluster, payments, in_background):
    with both.connect(issuer.agent("ci-bot")) as session, cluster.connect(payments["database"]) as direct:
        running = in_background(session.execute, "select pg_sleep(600)")
        theirs = "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid() and state = 'active'"
        until(lambda: direct.execute(theirs).fetchone()[0], "it runs")
        revoke(both, "agent", "ci-bot")
        with pytest.raises(psycopg.OperationalError):
            running.result(5)
        until(lambda: direct.execute(theirs).fetchone()[0] == 0, "it does not any more")
    until(lambda: [it["status"] for it in events(both, "outcome")] == ["unknown"], "how it ended is recorded")


def test_by_whatever_name(both, issuer):
    """Each name that an operator may have of somebody, from the token alone."""
    token = issuer.agent("ci-bot", groups=["agents", "night"], jti="run-17", sid="sign-in-1")
    names = {"agent": "ci-bot", "group": "night", "token": "run-17", "sign-in": "sign-in-1", "connection": "payments"}
    for what, name in names.items():
        with both.connect(token) as session:
            id = revoke(both, what, name)
            assert is_over(session).code == "PGD-0024", what
        both.run("access", "restore", id)
    with both.connect(token) as session:
        session.execute("select 1")
        (opened,) = [it["entry"]["session"] for it in both.audit("--event", "session_opened")][-1:]
        revoke(both, "session", opened)
        assert is_over(session).code == "PGD-0024"
    both.connect(token).close()


def test_the_kill_switch_stops_all_lanes_while_the_issuer_is_down(tmp_path, payments, site):
    issuer = Issuer()
    connections = {"payments": payments, "shop": site.connection()}
    with Gateway(tmp_path, issuer, connections, POLICIES) as both:
        all_lanes_stop(both, issuer, site)


def all_lanes_stop(both, issuer, site):
    token = issuer.agent("ci-bot")
    url, headers = both.url("shop", "/things"), {"Authorization": f"Bearer {token}"}
    with both.connect(token) as session:
        session.execute("select 1")
        assert requests.get(url, headers=headers, timeout=10).status_code == 200
        issuer.close()
        id = revoke(both, "everything")
        assert is_over(session).code == "PGD-0024"
        asked = len(site.requests)
        refused = requests.get(url, headers=headers, timeout=10)
        assert refused.status_code == 403 and refused.json()["code"] == "PGD-0024"
        assert refused.headers["x-should-retry"] == "false" and len(site.requests) == asked
        both.run("access", "restore", id)
        assert requests.get(url, headers=headers, timeout=10).status_code == 200


def test_a_streamed_answer_is_broken_off(both, issuer, site):
    over = threading.Event()

    def stream(request, file):
        file.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        while not over.wait(0.05):
            file.write(b"data: a word and another\n\n")
            file.flush()
        return True

    site.default = stream
    headers = {"Authorization": f"Bearer {issuer.agent('ci-bot')}"}
    try:
        with requests.get(both.url("shop", "/events"), headers=headers, stream=True, timeout=10) as answered:
            lines = answered.iter_lines()
            assert next(lines) == b"data: a word and another"
            revoke(both, "agent", "ci-bot")
            with pytest.raises(requests.exceptions.RequestException):
                for _ in lines:
                    pass
    finally:
        over.set()


def test_a_stream_of_http_2_is_broken_off_and_the_next_refused(both, issuer, site):
    over = threading.Event()

    def stream(request, file):
        file.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        while not over.wait(0.05):
            file.write(b"data: a word and another\n\n")
            file.flush()
        return True

    site.answers["/events"] = stream
    headers = {"Authorization": f"Bearer {issuer.agent('ci-bot')}"}
    with httpx.Client(http1=False, http2=True, headers=headers, timeout=10) as client:
        try:
            with client.stream("GET", both.url("shop", "/events")) as answered:
                lines = answered.iter_lines()
                assert next(lines) == "data: a word and another" and answered.http_version == "HTTP/2"
                revoke(both, "agent", "ci-bot")
                with pytest.raises(httpx.TransportError):
                    for _ in lines:
                        pass
        finally:
            over.set()
        asked = len(site.requests)
        refused = client.get(both.url("shop", "/things"))
        assert refused.status_code == 403 and refused.json()["code"] == "PGD-0024" and len(site.requests) == asked


def test_only_older_tokens_and_only_for_a_while(both, issuer):
    old = issuer.agent("ci-bot", iat=int(time.time()) - 60)
    revoke(both, "agent", "ci-bot", "--until-new-token")
    assert "PGD-0024" in turned_away(lambda: both.connect(old))
    # Of the same second nobody can say.
    until(lambda: trial(both, issuer, "ci-bot") is None, "who signs in anew may come again")
    revoke(both, "agent", "ci-bot", "--for", "2s")
    assert "PGD-0024" in trial(both, issuer, "ci-bot")
    until(lambda: [it["was_over"] for it in events(both, "access_restored")] == [True], "its time is over")
    assert trial(both, issuer, "ci-bot") is None


def test_it_outlives_the_gateway_and_is_taken_by_the_next(both, issuer):
    first = revoke(both, "agent", "ci-bot")
    both.kill()
    done = both.run("access", "revoke", "agent", "night-bot", "--reason", REASON, check=False)
    assert done.returncode == 1 and "no gateway" in done.stderr
    assert "NOT TAKEN" in both.run("access", "list").stdout
    both.start()
    for name in ("ci-bot", "night-bot"):
        assert "PGD-0024" in turned_away(lambda: both.connect(issuer.agent(name)))
    both.connect(issuer.agent("other")).close()
    listed = [json.loads(line) for line in both.run("access", "list", "--format", "json").stdout.splitlines()]
    assert [(it["of"], it["in_force"]) for it in listed] == [("ci-bot", True), ("night-bot", True)] and listed[0]["id"] == first
    assert [it["of"] for it in events(both, "access_revoked")] == ["ci-bot", "night-bot"]


def test_the_kill_switch_does_without_a_configuration(both, issuer):
    both.file.rename(both.folder / "elsewhere.yaml")
    done = both.run("access", "revoke", "everything", "--reason", REASON, check=False)
    assert done.returncode == 2 and "--data-dir" in done.stderr
    both.run("access", "--data-dir", str(both.data), "revoke", "everything", "--reason", REASON)
    assert "PGD-0024" in trial(both, issuer)
    (id,) = re.findall(r"r-[0-9a-f]{16}", both.run("access", "--data-dir", str(both.data), "list").stdout)
    both.run("access", "restore", id, "--data-dir", str(both.data))
    assert trial(both, issuer) is None


def test_no_card_number_is_kept_in_a_reason(guarded, issuer):
    pan = "2221000000000009"
    guarded.run("access", "revoke", "agent", "one", "--reason", f"it had {pan}")
    guarded.run("access", "--data-dir", str(guarded.data), "revoke", "agent", "two", "--reason", f"it had {pan}")
    security = Approver(guarded, issuer.person("sue", groups=["security"], acr="mfa"))
    status, made = security.ask("POST", "/api/access", {"what": "agent", "name": "three", "reason": f"it had {pan}"})
    assert (status, made["reason"]) == (200, "it had ************0009")
    assert [it["reason"] for it in events(guarded, "access_revoked")] == ["it had ************0009"] * 3
    kept = [path.read_text() for path in (guarded.data / "revocations").iterdir()]
    assert len(kept) == 4 and not any(pan in text for text in kept)
    listed = guarded.run("access", "list").stdout
    assert listed.count("************0009") == 3 and pan not in listed


def test_what_cannot_be_read_takes_all_access(both, issuer):
    (both.data / "revocations" / "r-broken.json").write_text("{")
    until(lambda: "PGD-0024" in (trial(both, issuer) or ""), "nobody is served")
    both.run("access", "restore", "r-broken")
    both.connect(issuer.agent()).close()


def test_access_is_taken_while_the_log_cannot_be_written_and_recorded_afterwards(both, issuer):
    limit = lambda size: resource.prlimit(both.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    with both.connect(issuer.agent("ci-bot")) as session:
        limit(0)
        turned_away(lambda: both.connect(issuer.agent("other")))
        # It cannot say that it took it.
        both.run("access", "revoke", "agent", "ci-bot", "--reason", REASON, check=False)
        assert is_over(session).code == "PGD-0024"
        limit(resource.RLIM_INFINITY)
    until(lambda: [it["of"] for it in events(both, "access_revoked")] == ["ci-bot"], "it is recorded", 20)


@pytest.fixture
def two(make_gateway, payments, cluster, store):
    """Two gateways that share a store."""
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    gateways = []
    for _ in range(2):
        gateway = make_gateway(policies=POLICIES, config={"store": url}, start=False)
        gateway.run("secrets", "set", "store", input=payments["password"])
        gateways.append(gateway.start())
    return gateways


def test_what_is_revoked_at_one_gateway_is_at_all_that_share_its_store(two, issuer, cluster, store):
    one, other = two
    with other.connect(issuer.agent("ci-bot")) as session:
        id = revoke(one, "agent", "ci-bot")
        until(lambda: [it["id"] for it in events(other, "access_revoked")] == [id], "the other has it")
        assert is_over(session).code == "PGD-0024"
    other.run("access", "restore", id)
    until(lambda: trial(one, issuer, "ci-bot") is None, "it may come again, everywhere")
    by = re.compile(r"panguard, user \d+ of the machine")
    for gateway in two:
        until(lambda: [it["id"] for it in events(gateway, "access_restored")] == [id], "it is recorded")
        (ended,) = events(gateway, "access_restored")
        assert by.fullmatch(ended["by"]), "who gave it back is known everywhere"
        until(lambda: not list((gateway.data / "revocations").glob("*.lifted")), "and then forgotten", 25)

    # The store is no master: what was revoked is while it is down, and what it forgets is not given back.
    with cluster.connect("postgres") as server:
        server.execute(f'alter database "{store}" allow_connections false')
        server.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{store}'")
    second = revoke(one, "agent", "ci-bot")
    assert "PGD-0024" in trial(one, issuer, "ci-bot")
    with cluster.connect("postgres") as server:
        server.execute(f'alter database "{store}" allow_connections true')
    until(lambda: "PGD-0024" in (trial(other, issuer, "ci-bot") or ""), "the other hears of it")
    with cluster.connect(store) as server:
        server.execute("delete from panguard.revocations")
    with cluster.connect(store) as server:
        until(lambda: server.execute("select id from panguard.revocations").fetchall() == [(second,)], "it is there again")
    assert "PGD-0024" in trial(one, issuer, "ci-bot") and "PGD-0024" in trial(other, issuer, "ci-bot")


def trial(gateway, issuer, name="reporter"):
    """What somebody who connects is told; nothing if they may."""
    try:
        gateway.connect(issuer.agent(name)).close()
    except psycopg.OperationalError as error:
        return str(error)


@pytest.mark.parametrize("wrong, says", [
    (["agent"], "whose access?"),
    (["everything", "all"], "has no name"),
    (["agent", "a", "--for=0s"], "a time to come"),
    (["robot", "a"], "invalid value"),
])
def test_what_makes_no_sense_is_refused(gateway, wrong, says):
    done = gateway.run("access", "revoke", *wrong, "--reason", REASON, check=False)
    assert done.returncode == 2 and says in done.stderr
    assert gateway.run("access", "list").stdout == ""
    assert gateway.run("access", "restore", "r-1", check=False).returncode == 1


# --- by people, and by issuers ---------------------------------------------------------------------------------

BY_PEOPLE = POLICIES + """
permit (principal in Group::"security", action == Action::"revoke", resource) when { context.comment || context.acr == "mfa" };
permit (principal in Group::"owners", action == Action::"revoke", resource == Connection::"payments");
"""


@pytest.fixture
def guarded(make_gateway, payments, site):
    return make_gateway(policies=BY_PEOPLE, connections={"payments": payments, "shop": site.connection()})


def test_people_take_access_away_by_the_api_where_policy_lets_them(guarded, issuer):
    security = Approver(guarded, issuer.person("sue", groups=["security"], acr="mfa"))
    wish = {"what": "agent", "name": "ci-bot", "reason": REASON}
    with guarded.connect(issuer.agent("ci-bot")) as session:
        status, made = security.ask("POST", "/api/access", wish)
        assert (status, made["in_force"], made["of"]) == (200, True, "ci-bot")
        assert is_over(session).code == "PGD-0024"
    status, listed = security.ask("GET", "/api/access")
    assert status == 200 and [it["id"] for it in listed["revoked"]] == [made["id"]]
    status, ended = security.ask("POST", f"/api/access/{made['id']}/restore")
    assert (status, ended["in_force"]) == (200, False)
    assert trial(guarded, issuer, "ci-bot") is None
    assert security.ask("POST", f"/api/access/{made['id']}/restore")[0] == 404
    entries = [line["entry"] for line in guarded.audit("--event", "access_revoked")]
    assert [it["client"] for it in entries] == [f"user sue of {issuer.url}, by the API"]

    # Of one connection those who may do so there; of all nobody else.
    owner = Approver(guarded, issuer.person("bea", groups=["owners"]))
    assert owner.ask("POST", "/api/access", wish)[0] == 403
    assert owner.ask("GET", "/api/access")[0] == 403
    assert owner.ask("POST", "/api/access", {"what": "connection", "name": "shop", "reason": REASON})[0] == 403
    status, made = owner.ask("POST", "/api/access", {"what": "connection", "name": "payments", "reason": REASON, "seconds": 600})
    assert status == 200 and "PGD-0024" in trial(guarded, issuer)
    assert owner.ask("POST", f"/api/access/{made['id']}/restore")[0] == 200
    for token in (issuer.agent("bot", groups=["security"]), issuer.person("eve", groups=["agents"])):
        assert Approver(guarded, token).ask("POST", "/api/access", wish)[0] == 403
    refused = [line["entry"] for line in guarded.audit("--event", "session_refused") if line["entry"].get("lane") == "console"]
    assert [it["principal"]["id"] for it in refused] == ["bea", "bea", "bea", "bot", "eve"]
    assert trial(guarded, issuer) is None

    # One that is not there yet is of all of them, and asked for once.
    soon = {"what": "connection", "name": "soon", "reason": REASON}
    turned_away_before = len(events(guarded, "session_refused"))
    assert owner.ask("POST", "/api/access", soon)[0] == 403 and security.ask("POST", "/api/access", soon)[0] == 200
    assert len(events(guarded, "session_refused")) == turned_away_before + 1


@pytest.mark.parametrize("wrong", [
    {"what": "agent", "reason": "x"}, {"what": "everything", "name": "all", "reason": "x"}, {"what": "agent", "name": "a", "reason": " "},
    {"what": "robot", "name": "a", "reason": "x"}, {"what": "agent", "name": "a", "reason": "x", "seconds": 0}, [], {},
    {"what": "agent", "name": "a" * 600, "reason": "x"},
])
def test_what_makes_no_sense_is_refused_by_the_api(guarded, issuer, wrong):
    security = Approver(guarded, issuer.person("sue", groups=["security"], acr="mfa"))
    assert security.ask("POST", "/api/access", wrong)[0] == 400
    assert security.ask("GET", "/api/access")[1] == {"revoked": []}


LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"


def event(issuer, type_="secevent+jwt", **claims):
    """A token by which the issuer says something."""
    said = {"iss": issuer.url, "aud": "panguard", "iat": int(time.time()), "jti": secrets.token_hex(8), **claims}
    key = issuer.keys[0]
    return jwt.encode(said, key.private, key.algorithm, headers={"kid": key.kid, "typ": type_})


def tell(gateway, path, body, kind):
    return requests.post(f"http://127.0.0.1:{gateway.console}{path}", data=body, headers={"Content-Type": kind}, timeout=10)


def push(gateway, token):
    return tell(gateway, "/api/security-events", token, "application/secevent+jwt")


def test_whoever_signs_out_at_the_issuer_is_out_here(both, issuer):
    then = int(time.time()) - 30
    theirs = issuer.person("ada", sid="sign-in-1", iat=then)
    other = issuer.person("ada", sid="sign-in-2", iat=then)
    with both.connect(theirs) as one, both.connect(other) as two:
        logout = event(issuer, "logout+jwt", sub="ada", sid="sign-in-1", events={LOGOUT: {}})
        done = tell(both, "/api/logout", f"logout_token={logout}", "application/x-www-form-urlencoded")
        assert done.status_code == 200 and done.headers["cache-control"] == "no-store"
        assert is_over(one).code == "PGD-0024"
        assert two.execute("select 1").fetchone() == (1,), "another sign-in goes on"
        tell(both, "/api/logout", f"logout_token={event(issuer, sub='ada', events={LOGOUT: {}})}", "application/x-www-form-urlencoded")
        assert is_over(two).code == "PGD-0024"
    # Whoever signs in anew may come again.
    again = lambda: issuer.person("ada", sid="sign-in-3")
    until(lambda: came(both, again()), "a token of later")
    (first, second) = events(both, "access_revoked")
    assert (first["what"], first["of"], second["what"], second["of"]) == ("sign_in", "sign-in-1", "subject", "ada")


def came(gateway, token):
    try:
        gateway.connect(token).close()
    except psycopg.OperationalError:
        return False
    return True


def test_shared_signals_end_sessions_and_close_accounts(both, issuer):
    whom = {"format": "iss_sub", "iss": issuer.url, "sub": "ada"}
    with both.connect(issuer.person("ada", iat=int(time.time()) - 30)) as session:
        assert push(both, event(issuer, sub_id=whom, events={CAEP + "session-revoked": {"event_timestamp": 1}})).status_code == 202
        assert is_over(session).code == "PGD-0024"
    assert push(both, event(issuer, sub_id=whom, events={RISC + "account-disabled": {"reason": "hijacking"}})).status_code == 202
    until(lambda: len(events(both, "access_revoked")) == 2, "it is closed")
    until(lambda: time.time() % 1 < 0.2, "another second has begun", 3)
    assert not came(both, issuer.person("ada")), "also by a new token"
    assert push(both, event(issuer, sub_id=whom, events={RISC + "account-enabled": {}})).status_code == 202
    until(lambda: came(both, issuer.person("ada")), "it is open again")
    verification = event(issuer, sub_id={"format": "opaque", "id": "s"},
                         events={"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "x"}})
    assert push(both, verification).status_code == 202
    assert both.run("access", "list").stdout.count("\n") == 1


def test_nobody_but_the_issuer_says_so_and_nobody_of_others(both, issuer):
    stranger = Issuer()
    ends = {CAEP + "session-revoked": {}}
    whom = {"format": "iss_sub", "iss": issuer.url, "sub": "ada"}
    good = event(issuer, sub_id=whom, events=ends)
    forged = good.rsplit(".", 1)[0] + "." + event(stranger, sub_id=whom, events=ends).rsplit(".", 1)[1]
    wrong = {
        "invalid_issuer": event(stranger, sub_id=whom, events=ends),
        "invalid_key": forged,
        "invalid_audience": event(issuer, aud="another", sub_id=whom, events=ends),
        "invalid_request": event(issuer, sub_id={**whom, "iss": stranger.url}, events=ends),
    }
    for err, token in wrong.items():
        done = push(both, token)
        assert (done.status_code, done.json()["err"]) == (400, err)
    for token in (issuer.person("ada"), "x", event(issuer, iat=int(time.time()) - 7200, sub_id=whom, events=ends)):
        assert push(both, token).status_code == 400
    assert tell(both, "/api/logout", f"logout_token={good}&logout_token={good}", "application/x-www-form-urlencoded").status_code == 400
    assert tell(both, "/api/security-events", good, "application/json").status_code == 400
    assert requests.get(f"http://127.0.0.1:{both.console}/api/logout", timeout=10).status_code == 405
    assert events(both, "access_revoked") == []
    assert len(events(both, "authentication_failed")) >= 5
    # Nor is such a token one to come in by.
    assert "PGD-0001" in turned_away(lambda: both.connect(event(issuer, sub="ada", exp=int(time.time()) + 60, events={LOGOUT: {}})))


# --- what a review found -------------------------------------------------------------------------------------------


def test_the_same_event_at_once_from_many_ends_nobody_else(both, issuer):
    token = event(issuer, sub="nobody", events={LOGOUT: {}})
    told = []

    def deliver():
        for _ in range(15):
            told.append(tell(both, "/api/logout", f"logout_token={token}", "application/x-www-form-urlencoded").status_code)

    with both.connect(issuer.agent()) as session:
        threads = [threading.Thread(target=deliver) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert session.execute("select 1").fetchone() == (1,)
    assert set(told) == {200}
    assert [(it["what"], it["of"]) for it in events(both, "access_revoked")] == [("subject", "nobody")]


def test_an_older_event_undoes_no_newer_one(both, issuer):
    whom = {"format": "iss_sub", "iss": issuer.url, "sub": "ada"}
    then = int(time.time())
    said = lambda what, at: event(issuer, sub_id=whom, iat=at, events={RISC + what: {}})
    enabled = said("account-enabled", then - 20)
    for token in (said("account-disabled", then - 30), enabled, said("account-disabled", then - 10)):
        assert push(both, token).status_code == 202
    assert push(both, enabled).status_code == 202, "it comes a second time"
    assert push(both, said("account-enabled", then - 15)).status_code == 202, "it comes late"
    assert not came(both, issuer.person("ada"))
    assert push(both, said("account-enabled", then - 5)).status_code == 202
    until(lambda: came(both, issuer.person("ada")), "it is open again")


def test_a_token_that_names_no_sign_in_is_ended_with_its_owners(both, issuer):
    with both.connect(issuer.person("ada", iat=int(time.time()) - 30)) as session:
        logout = event(issuer, "logout+jwt", sub="ada", sid="sign-in-1", events={LOGOUT: {}})
        tell(both, "/api/logout", f"logout_token={logout}", "application/x-www-form-urlencoded")
        assert is_over(session).code == "PGD-0024"


def test_who_gave_access_back_is_recorded_also_if_the_gateway_dies_or_its_file_is_taken_away(both, issuer):
    first = revoke(both, "agent", "one", "--issuer", issuer.url)
    second = revoke(both, "agent", "two")
    both.kill()
    both.run("access", "restore", first, check=False)
    (both.data / "revocations" / f"{second}.json").unlink()
    both.start()
    ended = {it["id"]: it["by"] for it in events(both, "access_restored")}
    assert re.fullmatch(r"panguard, user \d+ of the machine", ended[first]) and ended[second] == "somebody who has not said so"
    assert [it.get("issuer") for it in events(both, "access_revoked")] == [issuer.url, None]
    both.stop()
    both.start()
    assert len(events(both, "access_restored")) == 2 and len(events(both, "access_revoked")) == 2


def test_an_agent_that_does_not_read_is_not_waited_for(both, issuer, cluster, payments):
    session = both.connect(issuer.agent("ci-bot"))
    with cluster.connect(payments["database"]) as direct:
        # More than all buffers hold, and nobody reads it.
        session.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 20000)")
        running = "select 1 from pg_stat_activity where query like '%repeat%' and pid <> pg_backend_pid() and state = 'active'"
        until(lambda: direct.execute(running).fetchone(), "it runs")
        revoke(both, "agent", "ci-bot")
        until(lambda: not direct.execute(running).fetchone(), "it runs no more", 2)
        until(lambda: "access was revoked" in [it["reason"] for it in events(both, "session_closed")], "the session has ended", 2)
    session.pgconn.finish()


def test_a_session_that_is_revoked_by_its_id_is_over_for_its_token_too(both, issuer, site):
    headers = {"Authorization": f"Bearer {issuer.agent('ci-bot')}"}
    url = both.url("shop", "/things")
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    (opened,) = [it["entry"]["session"] for it in both.audit("--event", "session_opened")]
    revoke(both, "session", opened)
    for _ in range(3):
        assert requests.get(url, headers=headers, timeout=10).status_code == 403
    other = {"Authorization": f"Bearer {issuer.agent('ci-bot')}"}
    assert requests.get(url, headers=other, timeout=10).status_code == 200, "another token of theirs has another session"
