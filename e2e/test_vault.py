"""The vault's key: where it comes from, what it is changed for while the gateway runs, and what a process keeps to itself."""

import base64
import http.server
import json
import os
import pathlib
import secrets
import subprocess
import threading

import pytest

from panguard_test import until

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


def key_text():
    return base64.b64encode(secrets.token_bytes(32)).decode()


def works(gateway, issuer):
    with gateway.connect(issuer.agent()) as session:
        return session.execute("select 1").fetchone() == (1,)


def changed(gateway, name):
    return [it["entry"]["event"]["change"] for it in gateway.audit("--event", "secret_changed") if it["entry"]["event"]["name"] == name]


# --- what a process keeps to itself ------------------------------------------------------------------------


def test_the_key_is_not_in_the_environment_of_a_gateway_that_runs(make_gateway, issuer):
    gateway = make_gateway(start=False)
    key = (gateway.folder / "vault.key").read_text()
    gateway.environment["VAULT_KEY"] = key
    gateway.write_config(vault={"key": {"env": "VAULT_KEY"}})
    gateway.start()
    assert works(gateway, issuer)
    process = pathlib.Path(f"/proc/{gateway.process.pid}")
    assert key.encode() not in (process / "environ").read_bytes()
    assert b"PATH=" in (process / "environ").read_bytes(), "the rest is"
    assert b"serve" in (process / "cmdline").read_bytes()


def test_neither_a_core_dump_nor_swap_nor_a_process_of_the_same_user_has_its_memory(gateway):
    process = pathlib.Path(f"/proc/{gateway.process.pid}")
    limits = {line[:26].strip(): line[26:].split() for line in (process / "limits").read_text().splitlines()}
    assert limits["Max core file size"][:2] == ["0", "0"]
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    locked, resident = (int(status[it].split()[0]) for it in ("VmLck", "VmRSS"))
    # Where the process may not lock it, that is said.
    assert locked >= resident // 2 > 0 or "memory may be written to swap" in gateway.said(), (locked, resident)
    if os.getuid() == 0:
        # As another user, the process's files are root's, whoever runs it.
        read = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "cat", process / "environ"], capture_output=True, timeout=10)
        assert read.returncode != 0


# --- another key -------------------------------------------------------------------------------------------


def test_every_secret_is_sealed_anew_while_the_gateway_runs(make_gateway, issuer):
    gateway = make_gateway()
    vault = gateway.data / "vault.json"
    before = json.loads(vault.read_text())
    assert gateway.run("secrets", "rekey").stdout == "sealed anew: 1 secrets, data key 2, vault key 1\n"
    after = json.loads(vault.read_text())
    assert all(after["records"][name]["sealed"] != it["sealed"] for name, it in before["records"].items())
    assert works(gateway, issuer)
    until(lambda: changed(gateway, "internal/data-key")[-1:] == ["rotated"], "it is recorded")


def test_another_key_takes_over_without_a_session_lost(make_gateway, issuer):
    gateway = make_gateway()
    with gateway.connect(issuer.agent()) as session:
        session.execute("select 1")
        other = gateway.folder / "other.key"
        other.write_text(key_text())
        other.chmod(0o600)
        mine = gateway.file.read_text()
        new = gateway.folder / "new.yaml"
        new.write_text(mine.replace("vault.key", "other.key"))
        done = gateway.run("secrets", "rekey", "--to", str(new))
        assert "vault key 2" in done.stdout and "secrets rekey" in done.stderr
        session.execute("select 1")
        assert works(gateway, issuer), "it goes on with the data key that it knows"
        until(lambda: changed(gateway, "internal/vault-key")[-1:] == ["rotated"], "it is recorded")
    wrong = gateway.run("secrets", "list", check=False)
    assert wrong.returncode == 2 and "the key is not the one it was sealed with" in wrong.stderr
    gateway.stop()
    gateway.file.write_text(new.read_text())
    gateway.start()
    assert works(gateway, issuer)
    assert "data key 2" in gateway.run("secrets", "rekey").stdout
    assert works(gateway, issuer)


def test_a_key_that_does_not_answer_takes_over_nothing(make_gateway, issuer):
    gateway = make_gateway()
    token = gateway.folder / "bao-token"
    token.write_text("t")
    new = gateway.folder / "new.yaml"
    mine = json.loads(gateway.file.read_text())
    mine["vault"] = {"key": {"transit": {"address": "http://127.0.0.1:1", "key": "panguard", "token_file": str(token)}}}
    new.write_text(json.dumps(mine))
    before = (gateway.data / "vault.json").read_bytes()
    failed = gateway.run("secrets", "rekey", "--to", str(new), check=False)
    assert failed.returncode == 2 and "cannot be asked" in failed.stderr
    assert (gateway.data / "vault.json").read_bytes() == before
    assert works(gateway, issuer)


# --- a key in an HSM ---------------------------------------------------------------------------------------


@pytest.fixture
def hsm(tmp_path):
    """A token of SoftHSM's with an AES key that never leaves it; the configuration that names it."""
    if not os.path.exists(SOFTHSM):
        pytest.skip("there is no SoftHSM here; install softhsm2 and opensc")
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    environment = {**os.environ, "SOFTHSM2_CONF": str(conf)}
    tool = lambda *arguments: subprocess.run(arguments, env=environment, check=True, capture_output=True, timeout=30)
    tool("softhsm2-util", "--init-token", "--free", "--label", "panguard", "--pin", "739201", "--so-pin", "739202")
    for label in ("vault", "other"):
        tool("pkcs11-tool", "--module", SOFTHSM, "--token-label", "panguard", "--login", "--pin", "739201", "--keygen", "--key-type", "AES:32",
             "--label", label, "--sensitive")
    pin = tmp_path / "pin"
    pin.write_text("739201\n")
    pin.chmod(0o600)
    return str(conf), lambda key="vault", token="panguard": {"pkcs11": {"module": SOFTHSM, "token": token, "key": key, "pin_file": str(pin)}}


def test_a_key_in_an_hsm_seals_the_vault_and_never_leaves(make_gateway, issuer, hsm):
    conf, named = hsm
    gateway = make_gateway(start=False)
    gateway.environment["SOFTHSM2_CONF"] = conf
    new = gateway.folder / "new.yaml"
    mine = gateway.file.read_text()
    gateway.write_config(vault={"key": named()})
    new.write_text(gateway.file.read_text())
    gateway.file.write_text(mine)
    gateway.run("secrets", "rekey", "--to", str(new))
    gateway.file.write_text(new.read_text())
    gateway.start()
    assert works(gateway, issuer)
    assert "data key 2" in gateway.run("secrets", "rekey").stdout
    assert works(gateway, issuer)
    gateway.stop()
    for wrong, said in ((named(key="other"), "the key is not the one it was sealed with"), (named(key="none"), "has no key `none`"),
                        (named(token="none"), "has no token `none`")):
        gateway.write_config(vault={"key": wrong})
        failed = gateway.run("secrets", "list", check=False)
        assert failed.returncode == 2 and said in failed.stderr, failed.stderr
    pathlib.Path(named()["pkcs11"]["pin_file"]).write_text("000000")
    gateway.write_config(vault={"key": named()})
    failed = gateway.run("secrets", "list", check=False)
    assert failed.returncode == 2 and "the HSM says" in failed.stderr and "000000" not in failed.stderr


# --- a key of a transit engine -----------------------------------------------------------------------------


class Transit:
    """Answers as the transit engine of OpenBao documents it (/v1/transit/encrypt and /decrypt); the server itself is not to be had here."""

    def __init__(self):
        transit = self
        self.token, self.asked, self.sealed, self.down = "s.right", [], {}, False

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                transit.asked.append((self.path, self.headers.get("x-vault-namespace")))
                status, said = transit.answer(self.path, self.headers.get("x-vault-token"), body)
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, token, body):
        if self.down:
            return 503, {"errors": ["Vault is sealed"]}
        if token != self.token:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/transit/encrypt/panguard":
            text = f"vault:v1:{secrets.token_urlsafe(12)}"
            self.sealed[text] = body["plaintext"]
            return 200, {"data": {"ciphertext": text, "key_version": 1}}
        if path == "/v1/transit/decrypt/panguard" and body["ciphertext"] in self.sealed:
            return 200, {"data": {"plaintext": self.sealed[body["ciphertext"]]}}
        return 400, {"errors": ["invalid ciphertext: no prefix"]}


@pytest.fixture
def transit():
    transit = Transit()
    yield transit
    transit.server.shutdown()


def test_a_transit_engines_key_seals_the_vault_and_is_asked_only_at_the_start(make_gateway, issuer, transit):
    gateway = make_gateway(start=False)
    token = gateway.folder / "bao-token"
    token.write_text(transit.token + "\n")
    token.chmod(0o644)
    named = {"transit": {"address": transit.url, "key": "panguard", "token_file": str(token), "namespace": "team"}}
    mine = gateway.file.read_text()
    gateway.write_config(vault={"key": named})
    new = gateway.folder / "new.yaml"
    new.write_text(gateway.file.read_text())
    gateway.file.write_text(mine)
    refused = gateway.run("secrets", "rekey", "--to", str(new), check=False)
    assert refused.returncode == 2 and "everybody on this machine can read the token" in refused.stderr
    token.chmod(0o600)
    gateway.run("secrets", "rekey", "--to", str(new))
    gateway.file.write_text(new.read_text())
    gateway.start()
    asked = len(transit.asked)
    assert works(gateway, issuer) and len(transit.asked) == asked
    assert set(transit.asked) == {("/v1/transit/encrypt/panguard", "team"), ("/v1/transit/decrypt/panguard", "team")}
    transit.down = True
    assert works(gateway, issuer), "what runs goes on"
    gateway.run("secrets", "list", check=False).stderr.index("503")
    transit.down = False
    token.write_text("s.wrong")
    failed = gateway.run("secrets", "list", check=False)
    assert failed.returncode == 2 and "permission denied" in failed.stderr and "s.wrong" not in failed.stderr
    token.write_text(transit.token)
    transit.sealed.clear()
    assert gateway.run("secrets", "list", check=False).returncode == 2


def test_what_is_stored_is_of_no_use_without_the_key(make_gateway, issuer):
    gateway = make_gateway()
    canary = secrets.token_hex(12)
    gateway.run("secrets", "set", "canary", input=canary)
    gateway.run("secrets", "rekey")
    assert works(gateway, issuer)
    gateway.stop()
    key = base64.b64decode((gateway.folder / "vault.key").read_text())
    for path in gateway.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert canary.encode() not in content and key not in content, path
            assert base64.b64encode(key)[:40] not in content, path
