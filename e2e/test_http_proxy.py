"""panguard as a forward proxy: clients that know nothing of it but HTTPS_PROXY and its authority."""

import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading

import httpx
import openai
import pytest
import requests

from panguard_test import Gateway
from panguard_test.certificates import Authority
from panguard_test.process import free_port
from panguard_test.waiting import until

CARD = "4000056655665556"
CLIENTS = pathlib.Path(__file__).parent / "clients"
POLICIES = """
permit (principal in Group::"agents", action == Action::"connect", resource);
permit (principal in Group::"agents", action in [Action::"read", Action::"write"], resource is Endpoint);
permit (principal in Group::"agents", action == Action::"call", resource);
forbid (principal, action == Action::"read", resource is Endpoint) when { resource.path == "/secret" };
"""


class Upstream:
    """A server of JSON by its own name, with TLS or without."""

    def __init__(self, certificate=None):
        self.port = free_port()
        self.seen = []
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                upstream.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                if self.path.startswith("/redirect"):
                    host = self.headers["Host"]
                    return self.say(302, b"", Location=f"{upstream.scheme}://{host}/next?from=redirect")
                self.say(200, json.dumps({"path": self.path, "card": CARD, "n": 7}).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                upstream.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                if self.path == "/v1/chat/completions":
                    text = json.loads(body)["messages"][-1]["content"]
                    answer = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [
                        {"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": f"you said {text}, and {CARD}"}}]}
                    return self.say(200, json.dumps(answer).encode())
                self.say(200, b"{}")

            def say(self, status, body, **fields):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.scheme = "http"
        if certificate:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{self.scheme}://localhost:{self.port}"

    def close(self):
        self.server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("proxy")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder, "upstreams authority")


@pytest.fixture(scope="module")
def secure(authority):
    upstream = Upstream(authority.issue("localhost"))
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def plain():
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def gateway(folder, issuer, authority, secure, plain):
    ca = str(authority.file)
    connections = {
        "api": {"type": "http", "base_url": secure.url, "ca": ca, "secret": "sk-upstream-1",
                "hosts": ["api.panguard.test"]},
        "plain": {"type": "http", "base_url": f"http://127.0.0.1:{plain.port}", "secret": "sk-upstream-2"},
        "model": {"type": "llm", "base_url": f"{secure.url}/v1", "ca": ca, "secret": "sk-upstream-3",
                  "hosts": ["api.openai.com"]},
    }
    # Two connections at one server are told by their paths: `api` has all that `model` has not.
    with Gateway(folder / "gateway", issuer, connections, POLICIES) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def ca(gateway, folder):
    file = folder / "panguard.pem"
    gateway.run("ca", "--out", str(file))
    return str(file)


def proxy(gateway, token):
    return f"http://agent:{token}@127.0.0.1:{gateway.http_port}"


@pytest.fixture
def by_proxy(gateway, issuer, ca):
    """`requests` through the proxy, as it is set up by its own means."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca
    url = proxy(gateway, issuer.agent())
    session.proxies = {"http": url, "https": url}
    return session


def entries(gateway):
    listed = gateway.run("audit", "list", "--format", "json").stdout.splitlines()
    return [json.loads(line)["entry"] for line in listed]


def masked(text):
    return CARD not in text and "************5556" in text


# --- clients -----------------------------------------------------------------------------------------------


def test_requests_sees_a_masked_answer_and_the_upstream_its_credential(by_proxy, secure):
    answer = by_proxy.get(f"{secure.url}/charges?limit=1", headers={"Authorization": "Bearer its-own"})
    assert answer.status_code == 200 and masked(answer.text), answer.text
    _, path, headers = secure.seen[-1]
    assert path == "/charges?limit=1" and headers["authorization"] == "Bearer sk-upstream-1"
    assert "its-own" not in str(headers) and "proxy-authorization" not in headers


def test_a_plain_server_is_reached_by_the_form_with_the_whole_url(by_proxy, plain):
    answer = by_proxy.get(f"http://127.0.0.1:{plain.port}/charges")
    assert answer.status_code == 200 and masked(answer.text)
    assert plain.seen[-1][2]["authorization"] == "Bearer sk-upstream-2"


@pytest.mark.parametrize("http2", [False, True])
def test_httpx_sees_the_same(gateway, issuer, ca, secure, http2):
    if http2:
        pytest.importorskip("h2", reason="httpx speaks HTTP/2 only with h2")
    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(proxy=proxy(gateway, issuer.agent()), verify=context, http2=http2, trust_env=False) as client:
        answer = client.get(f"{secure.url}/charges")
    assert answer.status_code == 200 and masked(answer.text)
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_sees_the_same(gateway, issuer, ca, secure, plain, version):
    for url in (f"{secure.url}/charges", f"http://127.0.0.1:{plain.port}/charges"):
        done = subprocess.run(["curl", "-sS", version, "--noproxy", "", "--proxy", proxy(gateway, issuer.agent()),
                               "--cacert", ca, "-w", "%{http_code}", url], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and done.stdout.endswith("200") and masked(done.stdout), done


def test_curl_tunnels_to_a_plain_server(gateway, issuer, plain):
    done = subprocess.run(["curl", "-sS", "--proxytunnel", "--noproxy", "", "--proxy", proxy(gateway, issuer.agent()),
                           f"http://127.0.0.1:{plain.port}/charges"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and masked(done.stdout), done


def test_node_sees_the_same(gateway, issuer, ca, secure):
    node = shutil.which("node")
    if not node or not (CLIENTS.parent / "node_modules" / "https-proxy-agent").is_dir():
        pytest.skip("https-proxy-agent is not here; ./test installs it")
    environment = {**os.environ, "HTTPS_PROXY": proxy(gateway, issuer.agent()), "URL": f"{secure.url}/charges",
                   "NODE_EXTRA_CA_CERTS": ca}
    done = subprocess.run([node, CLIENTS / "proxy.mjs"], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    for answer in json.loads(done.stdout).values():
        assert answer["status"] == 200 and masked(answer["body"])


def test_the_openai_sdk_needs_no_base_url_of_panguard(gateway, issuer, ca, secure):
    context = ssl.create_default_context(cafile=ca)
    web = httpx.Client(proxy=proxy(gateway, issuer.agent()), verify=context, trust_env=False)
    with openai.OpenAI(api_key="unused", base_url=f"{secure.url}/v1", http_client=web) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"pay {CARD}"}])
    said = answer.choices[0].message.content
    assert CARD not in said and said.startswith("you said pay ")
    _, path, headers = secure.seen[-1]
    assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer sk-upstream-3"


@pytest.fixture
def environment(gateway, issuer):
    """The environment of an agent, without what the tests' own may say of proxies."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PANGUARD_TOKEN": issuer.agent()}


def test_panguard_run_sets_all_that_a_client_needs(gateway, environment, secure, plain):
    script = f"""
import requests, httpx
for url in ("{secure.url}/charges", "http://127.0.0.1:{plain.port}/charges"):
    print(requests.get(url).text)
    print(httpx.get(url).text)
"""
    gateway.environment, kept = environment, gateway.environment
    try:
        done = gateway.run("run", "--", sys.executable, "-c", script)
        curled = gateway.run("run", "--connection", "api", "--", "curl", "-sS", f"{secure.url}/charges")
    finally:
        gateway.environment = kept
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and all(masked(line) for line in lines), done
    assert masked(curled.stdout)


def test_the_openai_sdk_needs_nothing_but_the_environment(gateway, environment, secure):
    """No base URL at all: what it knows is OpenAI's own host, which is a connection."""
    script = f"""
import openai
client = openai.OpenAI(api_key="unused", max_retries=0)
answer = client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "pay {CARD}"}}])
print(answer.choices[0].message.content)
"""
    gateway.environment, kept = environment, gateway.environment
    try:
        done = gateway.run("run", "--", sys.executable, "-c", script)
    finally:
        gateway.environment = kept
    assert done.stdout.startswith("you said pay ") and CARD not in done.stdout
    _, path, headers = secure.seen[-1]
    assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer sk-upstream-3"


def test_sdks_go_by_their_base_urls_under_panguard_run(gateway, environment, secure):
    script = """
import openai
answer = openai.OpenAI(max_retries=0).chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
print(answer.choices[0].message.content)
"""
    gateway.environment, kept = environment, gateway.environment
    try:
        done = gateway.run("run", "--connection", "model", "--", sys.executable, "-c", script)
    finally:
        gateway.environment = kept
    assert done.stdout.startswith("you said hello") and CARD not in done.stdout
    assert secure.seen[-1][2]["authorization"] == "Bearer sk-upstream-3"


def test_panguard_env_prints_the_same_for_a_shell(gateway, environment, secure):
    printed = gateway.run("env", "api").stdout
    command = f'{printed}\ncurl -sS {secure.url}/charges; curl -sS -H "Authorization: Bearer $PANGUARD_TOKEN" $API_URL/charges'
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=20)
    assert done.stdout.count("************5556") == 2 and CARD not in done.stdout, done
    told = json.loads(gateway.run("env", "api", "--format", "json").stdout)
    assert told["HTTPS_PROXY"] == f"http://127.0.0.1:{gateway.http_port}"
    mode = os.stat(told["SSL_CERT_FILE"]).st_mode & 0o777
    assert mode == 0o600 and "panguard" in pathlib.Path(told["SSL_CERT_FILE"]).read_text()


def test_a_whole_url_of_a_server_with_tls_is_reached_too(gateway, issuer, secure):
    text = f"GET {secure.url}/charges HTTP/1.1\r\nHost: x\r\n{basic(issuer.agent())}\r\nConnection: close\r\n\r\n"
    status, _, body = ask(gateway, text)
    assert status == 200 and masked(body.decode())


# --- who may -----------------------------------------------------------------------------------------------


def ask(gateway, text):
    """What a request as it stands is answered with: its status, header and body."""
    with socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10) as stream:
        stream.sendall(text.encode())
        answer = b""
        while more := stream.recv(4096):
            answer += more
            head, found, body = answer.partition(b"\r\n\r\n")
            lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
            if found and lengths and len(body) >= int(lengths[0]):
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, head.decode().lower(), body


def basic(token):
    return "Proxy-Authorization: Basic " + base64.b64encode(f"agent:{token}".encode()).decode()


def test_without_a_token_nothing_is_opened(gateway, secure):
    asked = len(secure.seen)
    for text in (f"CONNECT localhost:{secure.port} HTTP/1.1\r\nHost: localhost:{secure.port}\r\n\r\n",
                 f"GET http://localhost:{secure.port}/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 "CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: elsewhere.test:443\r\n\r\n"):
        status, head, body = ask(gateway, text)
        assert status == 407 and 'proxy-authenticate: basic realm="panguard"' in head, head
        assert json.loads(body)["code"] == "PGD-0001"
    assert len(secure.seen) == asked


def test_a_token_that_is_none_opens_nothing(gateway, secure):
    to = f"localhost:{secure.port}"
    status, _, _ = ask(gateway, f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic('forged')}\r\n\r\n")
    assert status == 407


@pytest.mark.parametrize("to", ["elsewhere.test:443", "127.0.0.1:22", "169.254.169.254:80", "localhost:1",
                                "[::1]:443", "api.panguard.test:8443", "localhost.:1"])
def test_what_is_no_connection_is_refused_and_recorded(gateway, issuer, to):
    token = issuer.agent(name="curious")
    for text in (f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(token)}\r\n\r\n",
                 f"GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{basic(token)}\r\nConnection: close\r\n\r\n"):
        status, head, body = ask(gateway, text)
        assert status == 403 and "application/problem+json" in head, head
        assert json.loads(body)["code"] == "PGD-0003"
    host = to.split(":")[0].strip("[").rstrip(".")
    refused = [entry for entry in entries(gateway) if entry["event"]["type"] == "session_refused"]
    assert any(host in str(entry.get("connection")) for entry in refused), refused[-1:]


def test_a_tunnel_is_opened_only_for_those_who_may_connect(gateway, issuer, secure):
    to = f"localhost:{secure.port}"
    token = issuer.agent(groups=["others"])
    status, _, body = ask(gateway, f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(token)}\r\n\r\n")
    assert status == 403 and json.loads(body)["code"] == "PGD-0004"


def test_policy_decides_within_the_tunnel(by_proxy, secure):
    asked = len(secure.seen)
    answer = by_proxy.get(f"{secure.url}/secret")
    assert answer.status_code == 403 and answer.json()["code"] == "PGD-0005"
    assert len(secure.seen) == asked


def test_the_tunnels_token_holds_for_what_is_within(gateway, issuer, ca, secure):
    context = ssl.create_default_context(cafile=ca)
    to = f"localhost:{secure.port}"
    with socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10) as stream:
        stream.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(issuer.agent(lifetime=3))}\r\n\r\n".encode())
        assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(stream, server_hostname="localhost") as inner:
            def status():
                # A token of its own opens nothing that the tunnel's does not.
                inner.sendall(f"GET /charges HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {issuer.agent()}\r\n\r\n".encode())
                return int(inner.recv(65536).split()[1])

            assert status() == 200
            until(lambda: status() == 401, "the token has expired", 10)


@pytest.mark.parametrize("host", ["elsewhere.test", "127.0.0.1", "localhost:1"])
def test_no_other_server_is_asked_for_within_a_tunnel(gateway, issuer, ca, secure, host):
    context = ssl.create_default_context(cafile=ca)
    to = f"localhost:{secure.port}"
    asked = len(secure.seen)
    with socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10) as stream:
        stream.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(issuer.agent())}\r\n\r\n".encode())
        assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(stream, server_hostname="localhost") as inner:
            inner.sendall(f"GET /charges HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert inner.recv(65536).split()[1] == b"404"
    assert len(secure.seen) == asked


def test_what_is_sent_before_a_tunnel_is_open_is_not_read(gateway, issuer, secure):
    to = f"localhost:{secure.port}"
    text = (f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(issuer.agent())}\r\n\r\n"
            f"GET /api/charges HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {issuer.agent()}\r\n\r\n")
    asked = len(secure.seen)
    try:
        ask(gateway, text)
    except ConnectionError:
        pass
    assert len(secure.seen) == asked


def test_a_redirect_to_the_same_server_stays_as_it_is(by_proxy, secure):
    answer = by_proxy.get(f"{secure.url}/redirect", allow_redirects=False)
    assert answer.headers["Location"] == f"{secure.url}/next?from=redirect"
    followed = by_proxy.get(f"{secure.url}/redirect")
    assert followed.status_code == 200 and followed.json()["path"] == "/next?from=redirect"


def test_requests_within_are_recorded_as_any(gateway, by_proxy, secure):
    by_proxy.get(f"{secure.url}/charges?mark=within")
    told = [entry for entry in entries(gateway) if "mark=within" in json.dumps(entry)]
    assert told and told[0]["connection"] == "api" and told[0]["principal"]["id"] == "reporter"


# --- the authority -----------------------------------------------------------------------------------------


def certificate_of(gateway, issuer, to, ca, folder):
    """The certificate that is shown within a tunnel, by openssl, and what openssl says of it."""
    host = to.split(":")[0]
    stream = socket.create_connection(("127.0.0.1", gateway.http_port), timeout=10)
    stream.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{basic(issuer.agent())}\r\n\r\n".encode())
    assert stream.recv(4096).startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=ca)
    with context.wrap_socket(stream, server_hostname=host) as inner:
        leaf = folder / f"{host}.pem"
        leaf.write_text(ssl.DER_cert_to_PEM_cert(inner.getpeercert(binary_form=True)))
    verified = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", ca, "-verify_hostname", host, leaf],
                              capture_output=True, text=True)
    shown = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", leaf], capture_output=True, text=True)
    return verified, shown.stdout


@pytest.mark.parametrize("alias", [False, True])
def test_openssl_believes_a_tunnels_certificate(gateway, issuer, ca, secure, folder, alias):
    to = "api.panguard.test:443" if alias else f"localhost:{secure.port}"
    verified, shown = certificate_of(gateway, issuer, to, ca, folder)
    assert verified.returncode == 0, verified
    assert f"DNS:{to.split(':')[0]}" in shown and "CA:FALSE" in shown


def test_the_authority_is_good_for_the_hosts_that_are_connections_alone(ca):
    shown = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", ca], capture_output=True, text=True).stdout
    constraints = shown[shown.index("X509v3 Name Constraints: critical"):]
    permitted = constraints[:constraints.index("Excluded")]
    assert {line.strip() for line in permitted.splitlines() if "DNS:" in line} == {"DNS:localhost", "DNS:api.panguard.test",
                                                                                    "DNS:api.openai.com"}
    assert "IP:0.0.0.0/0.0.0.0" in constraints and "Path Len:0" in shown.replace("pathlen", "Path Len")


def test_a_change_of_hosts_makes_another_certificate_of_the_same_key(tmp_path, issuer):
    one = {"type": "http", "base_url": "https://one.panguard.test", "secret": "sk-1"}
    other = {"type": "http", "base_url": "https://other.panguard.test", "secret": "sk-2"}
    gateway = Gateway(tmp_path / "gateway", issuer, {"one": one, "other": other}, POLICIES)
    gateway.connections = {"one": one}
    gateway.write_config()
    first = gateway.run("ca").stdout
    assert gateway.run("ca").stdout == first
    gateway.connections = {"one": one, "other": other}
    gateway.write_config()
    second = gateway.run("ca").stdout
    key = [line for line in first.splitlines() if line.startswith("# Key")]
    assert second != first and key[0] in second and "one.panguard.test other.panguard.test" in second


def test_the_key_is_in_no_file_and_no_log(gateway):
    for file in gateway.data.rglob("*"):
        if file.is_file():
            assert b"PRIVATE KEY" not in file.read_bytes(), file
    assert "PRIVATE" not in gateway.said()
    assert "authority" not in gateway.run("secrets", "list").stdout


# --- access that is taken away -----------------------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True])
def test_nothing_more_goes_through_a_tunnel_of_before_when_access_is_taken_away(gateway, issuer, ca, secure, http2):
    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(proxy=proxy(gateway, issuer.agent("ci-bot")), verify=context, http2=http2, trust_env=False) as client:
        assert client.get(f"{secure.url}/things").status_code == 200
        made = gateway.run("access", "revoke", "agent", "ci-bot", "--reason", "it was taken over").stdout
        try:
            asked = len(secure.seen)
            try:
                refused = client.get(f"{secure.url}/things")
                assert refused.status_code == 403 and refused.json()["code"] == "PGD-0024"
            except httpx.TransportError:
                pass  # The tunnel itself has ended, or none is opened again.
            assert len(secure.seen) == asked
        finally:
            gateway.run("access", "restore", re.search(r"r-[0-9a-f]{16}", made).group(0))
    with httpx.Client(proxy=proxy(gateway, issuer.agent("ci-bot")), verify=context, http2=http2, trust_env=False) as client:
        assert client.get(f"{secure.url}/things").status_code == 200
