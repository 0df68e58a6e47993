"""People sign in from a terminal, and clients get tokens, at a certified OpenID provider."""

import html
import json
import os
import pathlib
import re
import stat
import subprocess

import jwt
import pytest
import requests
from jwt.algorithms import ECAlgorithm

from panguard_test import Gateway, until
from panguard_test.issuer import Key
from panguard_test.process import dies_with_us, free_port

CLIENTS = pathlib.Path(__file__).parent / "clients"
POLICIES = """
permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource);
permit (principal in Group::"owners", action in [Action::"connect", Action::"read", Action::"approve"], resource);
"""
SECRET = "a secret: of +100% /its own"


class Provider:
    """The provider, as an issuer of a gateway's."""

    def __init__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        private = json.loads(ECAlgorithm.to_jwk(Key("ES256").private))
        keys = {"keys": [{**private, "kid": "k-1", "alg": "ES256", "use": "sig"}]}
        env = {**os.environ, "PORT": str(port), "ISSUER": self.url, "JWKS": json.dumps(keys), "NODE_ENV": "test"}
        self.process = subprocess.Popen(["node", "provider.mjs"], cwd=CLIENTS, env=env, preexec_fn=dies_with_us(),
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = next((it for it in self.process.stdout if it.strip() == "ready"), None)
        assert line, "the provider has started"

    def config(self, **more):
        login = {"client_id": "panguard-cli", "scope": "openid offline_access panguard", "resource": "https://panguard.example.com"}
        return {"issuer": self.url, "audience": "panguard", "groups_claim": "groups", "agents": {"claim": "agent_id"},
                "login": login, **more}

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def gateway(tmp_path, provider, payments):
    with Gateway(tmp_path / "gateway", provider, {"payments": payments}, POLICIES) as gateway:
        gateway.environment = {**(gateway.environment or os.environ), "HOME": str(tmp_path), "XDG_STATE_HOME": ""}
        yield gateway


def answer(url, name, confirms=True):
    """Somebody with a browser: opens `url`, and fills in each form that comes until none does."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    for _ in range(8):
        form = re.search(r"<form[^>]*>.*?</form>", page.text, re.S)
        if form is None:
            return page.text
        action = html.unescape(re.search(r'action="([^"]*)"', form.group(0)).group(1))
        inputs = re.findall(r"<(?:input|button)[^>]*>", form.group(0))
        values = {}
        for it in inputs:
            field = re.search(r'name="([^"]*)"', it)
            if field:
                value = re.search(r'value="([^"]*)"', it)
                values[field.group(1)] = html.unescape(value.group(1)) if value else ""
        if not confirms and "abort" in page.text:
            values["abort"] = "yes"
        values.update({"login": name, "password": "any"} if "login" in values else {})
        page = browser.post(requests.compat.urljoin(page.url, action), data=values, timeout=10)
        if "abort" in values:
            return page.text
    raise AssertionError(page.text)


def sign_in(gateway, name="bea", confirms=True):
    """`panguard login`, and somebody who answers it."""
    waiting = gateway.begin("login")
    told = waiting.stderr.readline()
    url, code = re.fullmatch(r"open (\S+) and confirm the code (\S+)\n", told).groups()
    assert code.replace("-", "") in url.replace("-", "")
    answer(url, name, confirms)
    out, err = waiting.communicate(timeout=30)
    return waiting.returncode, out, err


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_a_person_signs_in_on_another_device_and_is_known_to_all_commands(gateway, tmp_path, provider):
    code, out, err = sign_in(gateway)
    assert code == 0 and out.startswith(f"signed in at {provider.url}"), err
    kept = tmp_path / ".local/state/panguard/login.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    token = gateway.run("token").stdout.strip()
    assert claims(token)["sub"] == "bea"
    with gateway.connect(token) as session:
        assert session.execute("select 1").fetchone() == (1,)
    assert gateway.run("requests", "list").returncode == 0, "who asks is known by the sign-in"
    (opened,) = gateway.audit("--event", "session_opened")
    assert opened["entry"]["principal"]["id"] == "bea"

    # It is made anew where it runs out, and ended by signing out.
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "until": 1}))
    again = gateway.run("token").stdout.strip()
    assert again != token and claims(again)["sub"] == "bea"
    # Of many that ask at once each gets one, though a refresh token counts once here.
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "until": 1}))
    asked = [gateway.begin("token") for _ in range(4)]
    answers = [it.communicate(timeout=30) for it in asked]
    assert [it.returncode for it in asked] == [0] * 4, answers
    assert len({out for out, _ in answers}) == 1
    refresh = json.loads(kept.read_text())["refresh_token"]
    assert gateway.run("logout").stdout == "signed out on this machine\n" and not kept.exists()
    assert gateway.run("token", check=False).returncode == 1
    used = requests.post(f"{provider.url}/token", timeout=10, data={"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "panguard-cli"})
    assert used.status_code == 400, "the issuer was told"


def test_whoever_does_not_confirm_signs_nobody_in(gateway, tmp_path):
    code, _, err = sign_in(gateway, confirms=False)
    assert code == 1 and "denied" in err
    assert not (tmp_path / ".local/state/panguard/login.json").exists()


def test_a_client_gets_a_token_of_its_own(gateway, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    token = gateway.run("token", "--client-id", "ci-bot", "--client-secret-file", str(secret), "--scope", "panguard").stdout.strip()
    with gateway.connect(token) as session:
        assert session.execute("select 1").fetchone() == (1,)
    (opened,) = gateway.audit("--event", "session_opened")
    assert (opened["entry"]["principal"]["kind"], opened["entry"]["principal"]["id"]) == ("agent", "ci-bot")
    secret.write_text("wrong")
    done = gateway.run("token", "--client-id", "ci-bot", "--client-secret-file", str(secret), check=False)
    assert done.returncode == 2 and "invalid_client" in done.stderr and "wrong" not in done.stderr


def test_nothing_is_sent_in_plain_text_or_to_another_issuer(gateway, tmp_path):
    for issuer, says in [("http://idp.example.com", "no place for secrets"), (f"{gateway.issuer.url}/", "name that as the issuer")]:
        done = gateway.run("login", "--issuer", issuer, "--client-id", "x", check=False)
        assert done.returncode == 2 and says in done.stderr, done.stderr
    sign_in(gateway)
    kept = tmp_path / ".local/state/panguard/login.json"
    kept.chmod(0o644)
    done = gateway.run("token", check=False)
    assert done.returncode == 2 and "chmod 600" in done.stderr
