"""Tokens that are bound to a key of the client (DPoP, RFC 9449; certificates, RFC 8705) are of no use to anybody else."""

import base64
import hashlib
import json
import secrets
import ssl
import time

import jwt
import psycopg
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from panguard_test.certificates import Authority
from panguard_test.refusal import turned_away

POLICIES = """
permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write", Action::"call"], resource);
"""


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Holder:
    """Whoever holds a key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
        self.thumbprint = b64(hashlib.sha256(json.dumps(self.jwk, separators=(",", ":")).encode()).digest())

    def proof(self, token, method, url, **claims):
        said = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time()),
                "ath": b64(hashlib.sha256(token.encode()).digest()), **claims}
        return jwt.encode(said, self.key, "ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk})


@pytest.fixture
def both(make_gateway, payments, site):
    return make_gateway(policies=POLICIES, connections={"payments": payments, "shop": site.connection()})


def ask(url, token, proofs=(), scheme="DPoP", method="GET", data=None):
    fields = {"Authorization": f"{scheme} {token}"}
    if proofs:
        fields["DPoP"] = ", ".join(proofs)
    return requests.request(method, url, headers=fields, data=data, timeout=10)


def test_a_bound_token_comes_with_a_proof_for_each_request(both, issuer, site):
    holder = Holder()
    token = issuer.agent(cnf={"jkt": holder.thumbprint})
    url = both.url("shop", "/things")
    for method, query in (("GET", ""), ("GET", "?page=2"), ("POST", "")):
        done = ask(url + query, token, [holder.proof(token, method, url)], method=method, data="x" if method == "POST" else None)
        assert done.status_code == 200, done.text
    assert len(site.requests) == 3
    assert all("dpop" not in {name.lower() for name, _ in request.headers} for request in site.requests), "it is panguard's to check"


def test_whoever_has_the_token_and_not_the_key_is_turned_away(both, issuer, site):
    holder, thief = Holder(), Holder()
    token = issuer.agent(cnf={"jkt": holder.thumbprint})
    url = both.url("shop", "/things")
    first = holder.proof(token, "GET", url)
    assert ask(url, token, [first]).status_code == 200
    asked = len(site.requests)
    other_token = issuer.agent(cnf={"jkt": holder.thumbprint})
    wrong = {
        "no proof": (token, []),
        "a proof that came before": (token, [first]),
        "two proofs": (token, [holder.proof(token, "GET", url), holder.proof(token, "GET", url)]),
        "another's key": (token, [thief.proof(token, "GET", url)]),
        "another path": (token, [holder.proof(token, "GET", url + "/7")]),
        "another method": (token, [holder.proof(token, "POST", url)]),
        "another host": (token, [holder.proof(token, "GET", url.replace("127.0.0.1", "127.0.0.2"))]),
        "another token": (token, [holder.proof(other_token, "GET", url)]),
        "an old one": (token, [holder.proof(token, "GET", url, iat=int(time.time()) - 120)]),
        "no proof at all": (token, ["x"]),
    }
    for why, (shown, proofs) in wrong.items():
        for scheme in ("DPoP", "Bearer"):
            done = ask(url, shown, proofs, scheme)
            assert (done.status_code, done.json()["code"]) == (401, "PGD-0001"), why
    assert len(site.requests) == asked
    told = [line["entry"]["event"]["reason"] for line in both.audit("--event", "authentication_failed")]
    assert len(told) == 2 * len(wrong) and any("DPoP" in it for it in told)


def test_where_no_proof_can_be_sent_a_bound_token_is_refused(both, issuer, site):
    holder = Holder()
    token = issuer.agent(cnf={"jkt": holder.thumbprint})
    assert "PGD-0001" in turned_away(lambda: both.connect(token))
    person = issuer.person(cnf={"jkt": holder.thumbprint})
    console = f"http://127.0.0.1:{both.console}/api/requests"
    assert requests.get(console, headers={"Authorization": f"Bearer {person}"}, timeout=10).status_code == 401
    # Nor by a forward proxy, which is asked for other URLs than its own.
    proxied = {"http": f"http://agent:{token}@127.0.0.1:{both.http_port}"}
    assert requests.get(f"http://127.0.0.1:{site.port}/things", proxies=proxied, timeout=10).status_code in (401, 407)
    certificate = issuer.agent(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})
    assert ask(both.url("shop", "/things"), certificate).status_code == 401
    assert ask(both.url("shop", "/things"), issuer.agent(cnf={"kid": "k"})).status_code == 401
    assert site.requests == []
    assert ask(both.url("shop", "/things"), issuer.agent(), scheme="Bearer").status_code == 200


# --- certificates --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def thumbprint(certificate):
    return b64(hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).digest())


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_token_that_is_bound_to_a_certificate_is_its_holders(make_gateway, payments, site, issuer, authority, version):
    cert, key = authority.issue("localhost", "127.0.0.1", stem="gateway")
    own, other = authority.issue("agent", stem="agent"), authority.issue("thief", stem="thief")
    gateway = make_gateway(policies=POLICIES, connections={"payments": payments, "shop": site.connection()},
                           config={"tls": {"cert": str(cert), "key": str(key), "client_certificates": True}})
    token = issuer.agent(cnf={"x5t#S256": thumbprint(own[0])})

    def connect(shown):
        dsn = {**gateway.dsn(), "user": "agent", "password": token, "sslmode": "verify-ca", "sslrootcert": str(authority.file),
               "ssl_max_protocol_version": version}
        if shown:
            dsn.update(sslcert=str(shown[0]), sslkey=str(shown[1]))
        return psycopg.connect(**dsn, autocommit=True)

    def get(shown):
        url = gateway.url("shop", "/things").replace("http://", "https://")
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, cert=shown, verify=str(authority.file), timeout=10)

    with connect(own) as session:
        assert session.execute("select 1").fetchone() == (1,)
    assert get(tuple(map(str, own))).status_code == 200
    for shown in (other, None):
        assert "PGD-0001" in turned_away(lambda: connect(shown))
        assert get(shown and tuple(map(str, shown))).status_code == 401
    assert len(site.requests) == 1
    # Whoever shows one and has a token of the ordinary kind is as before.
    assert requests.get(gateway.url("shop", "/things").replace("http://", "https://"), cert=tuple(map(str, other)),
                        headers={"Authorization": f"Bearer {issuer.agent()}"}, verify=str(authority.file), timeout=10).status_code == 200
