"""How panguard signs in at HTTP systems, and that no secret of it comes back."""

import hashlib
import json
import threading

import botocore.session
import httpx
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from panguard_test import until
from panguard_test.certificates import Authority
from panguard_test.upstream_http import TokenEndpoint, Upstream

ALL = "permit (principal, action, resource);"
CLIENT_SECRET = "client-secret-8923hfksd"
KEY_ID = "AKIDEXAMPLE"
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def gateway_for(make_gateway, upstream, credential, secrets, **connection):
    """A gateway before `upstream`, with `secrets` in its vault."""
    fields = {"type": "http", "base_url": upstream.url, "credential": credential, **connection}
    gateway = make_gateway(ALL, {"up": fields}, start=False)
    for name, value in secrets.items():
        gateway.run("secrets", "set", name, input=value)
    return gateway.start()


@pytest.fixture
def client(issuer):
    with httpx.Client(headers={"Authorization": f"Bearer {issuer.agent()}"}, timeout=20) as client:
        yield client


# --- AWS ----------------------------------------------------------------------------------------------------


def aws(service):
    return {"aws": {"region": "eu-central-1", "service": service, "access_key": {"secret": "id"},
                    "secret_key": {"secret": "key"}, "session_token": {"secret": "session"}}}


AWS_SECRETS = {"id": KEY_ID, "key": KEY, "session": "session-token-1k2j3h"}


def signature_of(service, upstream, request):
    """The `Authorization` that botocore gives a request as it came to the upstream."""
    signed = ("content-type", "x-amz-")
    headers = {name: value for name, value in request["headers"].items()
               if name.lower().startswith(signed) and name.lower() not in ("x-amz-date", "x-amz-security-token")}
    headers["Host"] = request["headers"]["Host"]
    again = AWSRequest(request["method"], upstream.url + request["path"], headers, request["body"])
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(KEY_ID, KEY, AWS_SECRETS["session"]), service, "eu-central-1")
    again.context["timestamp"] = request["headers"]["X-Amz-Date"]
    again.headers["X-Amz-Date"] = request["headers"]["X-Amz-Date"]
    again.headers["X-Amz-Security-Token"] = AWS_SECRETS["session"]
    canonical = auth.canonical_request(again)
    signature = auth.signature(auth.string_to_sign(again, canonical), again)
    names = auth.signed_headers(auth.headers_to_sign(again))
    return (f"AWS4-HMAC-SHA256 Credential={auth.scope(again)}, SignedHeaders={names}, Signature={signature}")


BEDROCK = [
    ("POST", "/model/anthropic.claude-3-5-sonnet-20241022-v2:0/invoke", b'{"max_tokens":16}'),
    ("POST", "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.anthropic/converse", b"{}"),
    ("GET", "/foundation-models?byProvider=anthropic&byOutputModality=TEXT", b""),
    ("GET", "/models?b=2&a=x%20y&a=1&empty=&flag&plus=a+b", b""),
    ("DELETE", "/models/a%20b", b""),
]


def test_requests_to_bedrock_have_the_signature_that_botocore_gives_them(make_gateway, client):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("bedrock"), AWS_SECRETS)
        for method, target, body in BEDROCK:
            kind = {"Content-Type": "application/json"} if body else {}
            answer = client.request(method, gateway.url("up", target), content=body, headers=kind)
            if "%2F" in target:
                # Policy says by name whether a slash that is encoded may be sent.
                assert answer.status_code in (200, 403), answer.text
                if answer.status_code == 403:
                    continue
            assert answer.status_code == 200, answer.text
            request = upstream.requests[-1]
            assert request["headers"]["Authorization"] == signature_of("bedrock", upstream, request), target
            assert request["headers"]["X-Amz-Content-Sha256"] == hashlib.sha256(body).hexdigest()
            assert request["body"] == body


def test_objects_of_s3_are_signed_with_their_bodies_until_they_are_too_long_to_be_held(make_gateway, client):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("s3"), AWS_SECRETS, opaque="pass")
        for size in (0, 10, 3 << 20):
            body = b"a b\n" * (size // 4)
            assert client.put(gateway.url("up", "/bucket/a%20(b)+c.txt?acl"), content=body).status_code == 200
            request = upstream.requests[-1]
            assert request["headers"]["Authorization"] == signature_of("s3", upstream, request), size
            assert request["headers"]["X-Amz-Content-Sha256"] == hashlib.sha256(body).hexdigest()
            assert request["headers"].get("Content-Length", "0") == str(len(body))
        assert client.put(gateway.url("up", "/bucket/long"), content=b"a b\n" * (9 << 20)).status_code == 200
        request = upstream.requests[-1]
        assert request["headers"]["X-Amz-Content-Sha256"] == "UNSIGNED-PAYLOAD"
        assert len(request["body"]) == 36 << 20


def test_a_body_that_is_too_long_to_be_signed_is_refused_and_recorded(make_gateway, client):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("bedrock"), AWS_SECRETS)

        def pieces():
            for _ in range(36):
                yield b"a b\n" * (1 << 18)

        for body in (b"a b\n" * (9 << 20), pieces()):
            try:
                answer = client.put(gateway.url("up", "/long"), content=body)
            except httpx.WriteError:
                # It was refused while it was being sent.
                continue
            assert (answer.status_code, answer.json()["code"]) == (413, "PGD-0013"), answer.text
            assert "33554432 bytes" in answer.text and "Retry-After" not in answer.headers
        assert upstream.requests == []
        refused = [entry for entry in gateway.audit() if "command_refused" in json.dumps(entry)]
        assert len(refused) == 2


def test_botocores_own_clients_work_with_any_keys_and_panguards_token_beside_them(make_gateway, issuer):
    def answer(request):
        kind = {"Content-Type": "application/json"}
        return 200, kind, b'{"content":[{"type":"text","text":"hello"}]}' if "/model/" in request["path"] else b""

    def client(service, gateway):
        token = f"Bearer {issuer.agent()}"
        client = botocore.session.get_session().create_client(
            service, region_name="eu-central-1", endpoint_url=gateway.url("up"), aws_access_key_id="any",
            aws_secret_access_key="any")
        client.meta.events.register("before-send", lambda request, **_: request.headers.update(
            {"X-Gateway-Authorization": token}))
        return client

    with Upstream(answer) as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("bedrock"), AWS_SECRETS)
        model = "anthropic.claude-3-5-sonnet-20241022-v2:0"
        told = client("bedrock-runtime", gateway).invoke_model(modelId=model, body=b'{"max_tokens":16}')
        assert b"hello" in told["body"].read()
        request = upstream.requests[-1]
        assert request["headers"]["Authorization"] == signature_of("bedrock", upstream, request)
    with Upstream(answer) as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("s3"), AWS_SECRETS)
        s3 = client("s3", gateway)
        s3.put_object(Bucket="bucket", Key="a b/c+d (1).txt", Body=b"some text", Metadata={"who": "me"})
        s3.get_object(Bucket="bucket", Key="a b/c+d (1).txt")
        for request in upstream.requests:
            assert request["headers"]["Authorization"] == signature_of("s3", upstream, request)
        assert upstream.requests[0]["body"] == b"some text"


def test_keys_of_aws_that_are_said_back_are_starred_out(make_gateway, client):
    said = f"{KEY} {KEY_ID} {AWS_SECRETS['session']}".encode()
    with Upstream(lambda _: (403, {"Content-Type": "text/plain", "X-Key": KEY}, said)) as upstream:
        gateway = gateway_for(make_gateway, upstream, aws("bedrock"), AWS_SECRETS)
        answer = client.get(gateway.url("up", "/"))
        for secret in AWS_SECRETS.values():
            assert secret not in answer.text and secret not in str(answer.headers)
        assert all(secret not in gateway.said() for secret in AWS_SECRETS.values())


# --- OAuth 2 ------------------------------------------------------------------------------------------------


def oauth(tokens, **more):
    return {"oauth2": {"token_url": tokens.url + "/token", "client_id": "panguard",
                       "client_secret": {"secret": "idp"}, **more}}


def accepts(number):
    """An upstream's answer that takes the access token of that number, and later ones, alone."""

    def answer(request):
        shown = request["headers"].get("Authorization", "")
        fresh = shown.startswith("Bearer at-") and int(shown[10:].split("-")[0]) >= number
        return (200 if fresh else 401), {"Content-Type": "application/json"}, json.dumps({"shown": shown}).encode()

    return answer


def test_a_token_is_fetched_once_and_used_by_all(make_gateway, client):
    with TokenEndpoint() as tokens, Upstream(accepts(1)) as upstream:
        credential = oauth(tokens, scope="read write", audience="api", auth="post")
        gateway = gateway_for(make_gateway, upstream, credential, {"idp": CLIENT_SECRET})
        assert tokens.asked == []
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(client.get(gateway.url("up", "/"))))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 20
        assert tokens.asked == [{"grant_type": "client_credentials", "scope": "read write", "audience": "api",
                                 "client_id": "panguard", "client_secret": CLIENT_SECRET}]
        # What the upstream has said back is starred out.
        assert all(TokenEndpoint.token(1) not in answer.text and "****" in answer.text for answer in answers)
        assert CLIENT_SECRET not in gateway.said() and TokenEndpoint.token(1) not in gateway.said()


def test_a_token_that_the_upstream_no_longer_accepts_is_fetched_anew_and_the_request_sent_again(make_gateway, client):
    with TokenEndpoint() as tokens, Upstream(accepts(1)) as upstream:
        gateway = gateway_for(make_gateway, upstream, oauth(tokens), {"idp": CLIENT_SECRET})
        assert client.get(gateway.url("up", "/")).status_code == 200
        assert tokens.asked[0]["client"] == ["panguard", CLIENT_SECRET]
        upstream.answer = accepts(2)
        answer = client.post(gateway.url("up", "/"), json={"a": 1})
        assert answer.status_code == 200
        assert TokenEndpoint.token(2) not in answer.text, "the new one is starred out too"
        assert [request["body"] for request in upstream.requests[1:]] == [b'{"a":1}'] * 2
        assert len(tokens.asked) == 2
        # One who accepts nothing is not asked for ever, nor is the token endpoint.
        upstream.answer = accepts(1000)
        for _ in range(5):
            assert client.get(gateway.url("up", "/")).status_code == 502
        assert len(tokens.asked) <= 4


def test_a_body_that_was_streamed_is_not_sent_again(make_gateway, client):
    with TokenEndpoint() as tokens, Upstream(accepts(2)) as upstream:
        gateway = gateway_for(make_gateway, upstream, oauth(tokens), {"idp": CLIENT_SECRET})
        body = b"a b\n" * (1 << 19)
        kind = {"Content-Type": "text/plain"}
        assert client.post(gateway.url("up", "/"), content=body, headers=kind).status_code == 502
        assert len(upstream.requests) == 1
        assert client.post(gateway.url("up", "/"), content=body, headers=kind).status_code == 200


def test_a_token_is_renewed_before_it_runs_out(make_gateway, client):
    with TokenEndpoint(lives_seconds=4) as tokens, Upstream(accepts(1)) as upstream:
        gateway = gateway_for(make_gateway, upstream, oauth(tokens), {"idp": CLIENT_SECRET})
        assert client.get(gateway.url("up", "/")).status_code == 200
        # Nobody asks again, and it is renewed all the same, once: nobody has used the new one.
        until(lambda: len(tokens.asked) == 2, "the token is renewed", 10)

        def uses_the_new_one():
            assert client.get(gateway.url("up", "/")).status_code == 200
            return upstream.requests[-1]["headers"]["Authorization"] == "Bearer " + TokenEndpoint.token(2)

        # That it was asked for is not yet that it has come.
        until(uses_the_new_one, "the new token is used", 2)


def test_a_rotated_refresh_token_is_in_the_vault_when_the_gateway_is_killed(make_gateway, client):
    with TokenEndpoint(rotates=True) as tokens, Upstream(accepts(1)) as upstream:
        secrets = {"idp": CLIENT_SECRET, "refresh": tokens.refresh}
        credential = oauth(tokens, refresh_token={"secret": "refresh"})
        gateway = gateway_for(make_gateway, upstream, credential, secrets)
        for number in (1, 2, 3):
            assert client.get(gateway.url("up", "/")).status_code == 200
            assert len(tokens.asked) == number
            gateway.kill()
            gateway.start()
        rotated = [form["refresh_token"] for form in tokens.asked]
        assert rotated == [f"refresh-{number}-ljwer8923" for number in (1, 2, 3)]
        assert all(token not in gateway.said() for token in rotated)


def test_a_token_endpoint_that_refuses_is_a_clear_error_without_a_secret(make_gateway, client):
    with TokenEndpoint() as tokens, Upstream() as upstream:
        tokens.refuses = "invalid_client"
        gateway = gateway_for(make_gateway, upstream, oauth(tokens), {"idp": CLIENT_SECRET})
        for _ in range(5):
            answer = client.get(gateway.url("up", "/"))
            assert (answer.status_code, answer.json()["code"]) == (502, "PGD-0011")
        assert len(tokens.asked) <= 2, "it is not asked for each request"
        assert "400 Bad Request (invalid_client)" in gateway.said()
        assert CLIENT_SECRET not in gateway.said() and CLIENT_SECRET not in answer.text
        assert upstream.requests == []
        refused = [entry for entry in gateway.audit() if "PGD-0011" in json.dumps(entry)]
        assert len(refused) == 5, "each is recorded"
        # When it has come to itself, so does panguard.
        tokens.refuses = None
        until(lambda: client.get(gateway.url("up", "/")).status_code == 200, "a token is fetched", 20)


def test_a_secret_that_is_missing_is_named_to_the_operator_alone(make_gateway, client):
    with TokenEndpoint() as tokens, Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, oauth(tokens), {})
        answer = client.get(gateway.url("up", "/"))
        assert answer.status_code == 502 and "idp" not in answer.text
        assert "panguard secrets set idp" in gateway.said()


def test_a_token_endpoint_is_believed_by_the_connections_own_authority_and_no_redirect_followed(
        make_gateway, client, tmp_path):
    server = Authority(tmp_path).issue("127.0.0.1", stem="server")
    authority = tmp_path / "panguard-test-authority.pem"
    with TokenEndpoint(tls=server) as tokens, Upstream(accepts(1), tls=server) as upstream:
        secrets = {"idp": CLIENT_SECRET}
        trusting = gateway_for(make_gateway, upstream, oauth(tokens), secrets, ca=str(authority))
        assert client.get(trusting.url("up", "/")).status_code == 200
        elsewhere = Authority(tmp_path, "another authority")
        doubting = gateway_for(make_gateway, upstream, oauth(tokens), secrets, ca=str(elsewhere.file))
        assert client.get(doubting.url("up", "/")).status_code == 502
        assert len(tokens.asked) == 1, "its secret was not shown to a stranger"
        assert "UnknownIssuer" in doubting.said()
    with TokenEndpoint() as tokens, Upstream() as upstream:
        with Upstream(lambda _: (307, {"Location": tokens.url + "/token"}, b"")) as moved:
            gateway = gateway_for(make_gateway, upstream, oauth(moved), secrets)
            assert client.get(gateway.url("up", "/")).status_code == 502
            assert tokens.asked == [] and "307" in gateway.said()


# --- mutual TLS ---------------------------------------------------------------------------------------------


def test_a_certificate_is_shown_and_another_in_its_place_when_its_files_change(make_gateway, client, tmp_path):
    authority = Authority(tmp_path)
    server = authority.issue("127.0.0.1", stem="server")
    first = authority.issue("panguard-1", stem="client")
    with Upstream(tls=server, client_authority=authority.file) as upstream:
        certificate = {"cert": str(first[0]), "key": str(first[1])}
        gateway = gateway_for(make_gateway, upstream, {"bearer": {"secret": "b"}}, {"b": "bearer-92834hksd"},
                              ca=str(authority.file), client_certificate=certificate)
        assert client.get(gateway.url("up", "/")).status_code == 200
        assert upstream.requests[-1]["certificate"]["commonName"] == "panguard-1"
        authority.issue("panguard-2", stem="client")

        def is_new():
            assert client.get(gateway.url("up", "/")).status_code == 200
            return upstream.requests[-1]["certificate"]["commonName"] == "panguard-2"

        until(is_new, "the new certificate is shown", 10)


def test_a_key_in_the_vault_is_used_and_one_that_is_missing_is_named(make_gateway, client, tmp_path):
    authority = Authority(tmp_path)
    server = authority.issue("127.0.0.1", stem="server")
    cert, key = authority.issue("panguard-1", stem="client")
    with Upstream(tls=server, client_authority=authority.file) as upstream:
        certificate = {"cert": str(cert), "key": {"secret": "client-key"}}
        gateway = gateway_for(make_gateway, upstream, {"bearer": {"secret": "b"}}, {"b": "bearer-92834hksd"},
                              ca=str(authority.file), client_certificate=certificate)
        assert client.get(gateway.url("up", "/")).status_code == 502
        assert "panguard secrets set client-key" in gateway.said()
        gateway.run("secrets", "set", "client-key", input=key.read_text())
        assert client.get(gateway.url("up", "/")).status_code == 200
        assert upstream.requests[-1]["certificate"]["commonName"] == "panguard-1"


def test_what_is_wrong_with_a_credential_is_said_by_check(make_gateway, tmp_path):
    with Upstream() as upstream:
        wrong = {**aws("bedrock"), "bearer": {"secret": "b"}}
        gateway = make_gateway(ALL, {"up": {"type": "http", "base_url": upstream.url, "credential": wrong}},
                               start=False)
        done = gateway.run("check", check=False)
        assert done.returncode == 2 and "a credential is one of" in done.stdout + done.stderr
