"""Nothing passes unidentified: every command carries a token that holds at that moment."""

import hashlib
import hmac
import json
import struct
import time

import psycopg
import pytest

from panguard_test import Gateway, Issuer, cards, until, wire
from panguard_test.issuer import ALGORITHMS, Key, segment
from panguard_test.refusal import Refusal, refusal, turned_away


@pytest.fixture(scope="module")
def many(tmp_path_factory, payments):
    """An issuer with a key of every algorithm, and a gateway that believes it."""
    with Issuer(ALGORITHMS) as issuer:
        with Gateway(tmp_path_factory.mktemp("many"), issuer, {"payments": payments}, cards.POLICIES) as gateway:
            yield gateway, issuer


def not_identified(gateway, token):
    """Turned away with the code for it, without a word of the token."""
    told = turned_away(lambda: gateway.connect(token))
    assert "PGD-0001" in told and "HINT" in told, told
    if token:
        assert token not in told and token not in gateway.said()
    return told


# --- whom it believes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_every_algorithm_is_accepted(many, algorithm):
    gateway, issuer = many
    key = next(key for key in issuer.keys if key.algorithm == algorithm)
    with gateway.connect(issuer.agent(key=key)) as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_a_token_comes_by_oauthbearer_too(gateway, issuer):
    token = issuer.agent()
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments", options="-c panguard.auth=oauthbearer"))
        tag, body = client.read()
        assert (tag, body[:4], body[4:]) == ("R", struct.pack("!I", 10), b"OAUTHBEARER\0\0")
        response = f"n,,\x01auth=Bearer {token}\x01\x01".encode()
        client.send(wire.message("p", b"OAUTHBEARER\0" + struct.pack("!I", len(response)) + response))
        assert wire.error(client.until("Z")) is None
        assert wire.rows(client.exchange(wire.query("select 1"))) == [[b"1"]]


def test_an_agent_and_a_person_are_told_apart(gateway, issuer):
    with gateway.connect(issuer.agent("reporter")) as session:
        session.execute("select 'by the agent'")
    with gateway.connect(issuer.person("grace")) as session:
        session.execute("select 'by the person'")
    who = {}
    for line in gateway.audit("--event", "command_intent"):
        statement = line["entry"]["event"]["command"]["statement"]
        who[statement] = line["entry"]["principal"]
    assert (who["select 'by the agent'"]["kind"], who["select 'by the agent'"]["id"]) == ("agent", "reporter")
    assert who["select 'by the agent'"]["subject"] == "service-reporter"
    assert (who["select 'by the person'"]["kind"], who["select 'by the person'"]["id"]) == ("user", "grace")


def test_delegation_is_recorded(gateway, issuer):
    token = issuer.token("ada", agent_id="helper", groups=["agents"], act={"sub": "service-helper"})
    with gateway.connect(token) as session:
        session.execute("select 'lent'")
    entry = next(line["entry"] for line in gateway.audit("--event", "command_intent")
                 if line["entry"]["event"]["command"]["statement"] == "select 'lent'")
    assert entry["principal"]["kind"] == "agent" and entry["principal"].get("on_behalf_of") == "ada"


def test_groups_lie_at_any_path(make_gateway, issuer):
    gateway = make_gateway(issuer=[issuer.config(groups_claim="realm_access.roles")])
    with gateway.connect(issuer.token("ada", realm_access={"roles": ["agents"]})) as session:
        assert session.execute("select 1").fetchone() == (1,)
    assert "PGD-0004" in turned_away(lambda: gateway.connect(issuer.token("ada", groups=["agents"])))


def test_several_issuers_are_believed_each_by_its_own_keys(make_gateway, issuer):
    with Issuer(["ES384"]) as second:
        gateway = make_gateway(issuer=[issuer.config(), second.config(audience=["other", "panguard-2"])])
        gateway.connect(issuer.agent()).close()
        gateway.connect(second.agent(aud="panguard-2")).close()
        not_identified(gateway, second.agent())
        # Signed by the one, said to be of the other.
        not_identified(gateway, second.agent(iss=issuer.url))
        not_identified(gateway, issuer.agent(iss=second.url, aud="panguard-2"))


def test_the_user_named_proves_nothing(gateway, issuer):
    with gateway.connect(issuer.agent("reporter"), user="postgres") as session:
        assert session.execute("select current_user").fetchone() == ("app_rw",)


# --- whom it does not believe --------------------------------------------------------------------------


def test_no_password_is_no_token(gateway):
    assert "PGD-0001" in turned_away(lambda: gateway.connect("") if False else empty_password(gateway))


def empty_password(gateway):
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments"))
        client.read()
        client.send(wire.message("p", b"\0"))
        told = client.last_words()
    raise psycopg.OperationalError(f"{told['C']} {told['M']}")


@pytest.mark.parametrize("token", ["secret", "a.b.c", "..", "eyJhbGciOiJub25lIn0..", "x" * 60000, "é" * 50])
def test_what_is_no_token_is_refused(gateway, token):
    not_identified(gateway, token)


def test_an_expired_token_is_refused(gateway, issuer):
    assert "expired" in not_identified(gateway, issuer.agent(lifetime=-1))


def test_a_token_that_does_not_hold_yet_is_refused(gateway, issuer):
    not_identified(gateway, issuer.agent(nbf=int(time.time()) + 300))


def test_a_token_for_another_audience_is_refused(gateway, issuer):
    for audience in ("other", None, "panguard2", ["a", "b"], ""):
        not_identified(gateway, issuer.agent(aud=audience))


def test_a_token_without_an_end_is_refused(gateway, issuer):
    not_identified(gateway, issuer.agent(exp=None))


def test_a_token_of_an_unknown_issuer_is_refused(gateway):
    with Issuer() as stranger:
        not_identified(gateway, stranger.agent())
        assert not stranger.requests, "a stranger's address was asked"


def test_alg_none_is_refused(gateway, issuer):
    for alg in ("none", "None", "NONE", ""):
        head = segment({"alg": alg, "typ": "JWT", "kid": issuer.keys[0].kid})
        body = segment(issuer.claims("ada", groups=["agents"]))
        not_identified(gateway, f"{head}.{body}.")


def test_hmac_with_the_public_key_is_refused(gateway, issuer):
    key = issuer.keys[0]
    for secret in (key.public_pem(), json.dumps(key.jwk()).encode(), b""):
        head = segment({"alg": "HS256", "typ": "JWT", "kid": key.kid})
        signed = f"{head}.{segment(issuer.claims('ada', groups=['agents']))}"
        tag = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        not_identified(gateway, f"{signed}.{segment(tag)}")


def test_a_token_signed_by_anothers_key_is_refused(gateway, issuer):
    forged = Key("ES256", kid=issuer.keys[0].kid)
    not_identified(gateway, issuer.agent(key=forged))


def test_a_key_brought_along_is_not_used(gateway, issuer):
    forged = Key("ES256")
    for headers in ({"jwk": forged.jwk()}, {"jku": f"{issuer.url}/evil"}, {"x5u": f"{issuer.url}/evil"}):
        not_identified(gateway, issuer.agent(key=forged, headers={"kid": issuer.keys[0].kid, **headers}))
    assert issuer.requests["/evil"] == 0


def test_a_changed_token_is_refused(gateway, issuer):
    head, body, tag = issuer.agent().split(".")
    other = segment(issuer.claims("ada", groups=["agents", "fraud", "admins"]))
    not_identified(gateway, f"{head}.{other}.{tag}")
    not_identified(gateway, f"{head}.{body}.{'A' * len(tag)}")
    not_identified(gateway, f"{head}.{body}.")
    not_identified(gateway, f"{head}.{body}.{tag}.{tag}")


def test_another_algorithm_of_the_same_key_is_refused(many):
    gateway, issuer = many
    key = next(key for key in issuer.keys if key.algorithm == "RS256")
    import jwt

    token = jwt.encode(issuer.claims("ada", groups=["agents"]), key.private, "RS512", headers={"kid": key.kid})
    not_identified(gateway, token)


def test_who_was_not_identified_is_recorded(gateway, issuer):
    before = len(gateway.audit("--event", "authentication_failed"))
    with pytest.raises(psycopg.OperationalError):
        gateway.connect(issuer.agent(lifetime=-5), user="mallory")
    failed = gateway.audit("--event", "authentication_failed")
    assert len(failed) == before + 1
    entry = failed[-1]["entry"]
    assert entry["event"]["claimed_user"] == "mallory" and entry["result"] == "failure" and entry["from"] == "127.0.0.1"


# --- keys ----------------------------------------------------------------------------------------------


def test_unknown_key_ids_do_not_hammer_the_issuer(make_gateway):
    with Issuer() as issuer:
        gateway = make_gateway(issuer=issuer)
        asked = issuer.requests["/keys"]
        for number in range(20):
            not_identified(gateway, issuer.agent(key=Key("ES256", kid=f"made-up-{number}")))
        assert issuer.requests["/keys"] - asked <= 3
        gateway.connect(issuer.agent()).close()


def test_a_rotated_key_is_found_and_the_old_one_is_not_believed(make_gateway):
    with Issuer() as issuer:
        gateway = make_gateway(issuer=issuer)
        before = issuer.agent()
        gateway.connect(before).close()
        old = issuer.rotate("EdDSA")
        gateway.connect(issuer.agent()).close()
        not_identified(gateway, issuer.agent(key=old))
        not_identified(gateway, before)


def test_known_tokens_need_no_word_with_the_issuer(make_gateway):
    with Issuer() as issuer:
        gateway = make_gateway(issuer=issuer)
        token, asked = issuer.agent(), sum(issuer.requests.values())
        for _ in range(10):
            gateway.connect(token).close()
        issuer.is_down = True
        gateway.connect(token).close()
        assert sum(issuer.requests.values()) == asked


def test_an_issuer_that_is_down_at_the_start_is_asked_again(make_gateway):
    with Issuer() as issuer:
        issuer.is_down = True
        gateway = make_gateway(issuer=issuer, start=False)
        gateway.start(ready=False)
        until(lambda: gateway.http("/readyz")[0] == 503, "not ready without keys")
        not_identified(gateway, issuer.agent())
        issuer.is_down = False
        until(gateway.is_ready, "ready once the issuer answers")
        gateway.connect(issuer.agent()).close()


# --- in a live session ---------------------------------------------------------------------------------


def test_a_token_that_expires_ends_its_session_at_the_next_command(gateway, issuer, cluster, payments):
    session = gateway.connect(issuer.agent(lifetime=2))
    assert session.execute("select 1").fetchone() == (1,)

    def told():
        try:
            session.execute("insert into payments (memo) values ('while the token holds')")
        except psycopg.Error as error:
            return Refusal(error)
        return None

    last = until(told, "the token has expired")
    assert (last.code, last.sqlstate) == ("PGD-0002", "28000") and "connect again" in last.hint
    assert session.closed
    refused = [line["entry"] for line in gateway.audit("--event", "command_refused")
               if line["entry"]["request"] == last.request]
    assert len(refused) == 1 and refused[0]["event"]["code"] == "PGD-0002"
    with cluster.connect(payments["database"]) as direct:
        direct.execute("delete from payments where memo = 'while the token holds'")


def test_an_expired_token_rolls_its_transaction_back(gateway, issuer, cluster, payments):
    session = gateway.connect(issuer.agent(lifetime=2), autocommit=False)
    session.execute("insert into payments (memo) values ('never committed')")

    def told():
        try:
            session.execute("select 1")
        except psycopg.Error as error:
            return Refusal(error)
        return None

    assert until(told, "the token has expired").code == "PGD-0002"
    with cluster.connect(payments["database"]) as direct:
        assert direct.execute("select count(*) from payments where memo = 'never committed'").fetchone() == (0,)


# --- where they may go ---------------------------------------------------------------------------------


def test_an_unknown_connection_is_refused(gateway, issuer):
    told = turned_away(lambda: gateway.connect(issuer.agent(), dbname="nowhere"))
    assert "PGD-0003" in told and "nowhere" not in told.split("PGD-0003")[1].split("HINT")[0]
    entry = gateway.audit("--event", "session_refused")[-1]["entry"]
    assert entry["event"]["code"] == "PGD-0003"


def test_who_has_no_group_may_not_connect(gateway, issuer):
    told = turned_away(lambda: gateway.connect(issuer.agent(groups=[])))
    assert "PGD-0004" in told
