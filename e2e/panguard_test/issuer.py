"""An OpenID Connect issuer on loopback whose tokens a test can bend."""

import base64
import collections
import http.server
import json
import secrets
import threading
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "panguard"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


class Key:
    """A signing key of the issuer's, with the name by which tokens call it."""

    def __init__(self, algorithm, kid=None):
        self.algorithm = algorithm
        self.kid = kid or f"{algorithm.lower()}-{secrets.token_hex(4)}"
        self.private = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "PS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()

    def public_pem(self):
        """The public key as text, which a careless verifier takes for an HMAC secret."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def jwk(self):
        kind = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": ECAlgorithm}[self.algorithm[0]]
        if self.algorithm == "EdDSA":
            kind = OKPAlgorithm
        document = json.loads(kind.to_jwk(self.private.public_key()))
        document.pop("key_ops", None)
        return {**document, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class Issuer:
    """Discovery and keys over HTTP, and tokens. `requests` counts what was asked for, by path."""

    def __init__(self, algorithms=("ES256",)):
        self.keys = [Key(algorithm) for algorithm in algorithms]
        self.requests = collections.Counter()
        self.is_down = False
        issuer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests[self.path] += 1
                document = None if issuer.is_down else issuer.document(self.path)
                body = json.dumps(document or {}).encode()
                self.send_response(200 if document else 503 if issuer.is_down else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def document(self, path):
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": sorted({key.algorithm for key in self.keys}),
            }
        if path == "/keys":
            return {"keys": [key.jwk() for key in self.keys]}
        return None

    def config(self, **more):
        """This issuer as an entry of `identity.issuers`: who has an `agent_id` is an agent of that name."""
        return {"issuer": self.url, "audience": AUDIENCE, "groups_claim": "groups",
                "agents": {"claim": "agent_id"}, "clock_skew_seconds": 0, **more}

    def rotate(self, algorithm=None):
        """Puts a new key in the place of all old ones."""
        old, self.keys = self.keys, [Key(algorithm or self.keys[0].algorithm)]
        return old[0]

    def claims(self, sub, lifetime=600, **claims):
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": sub, "iat": now, "nbf": now - 1,
                  "exp": now + lifetime, "jti": secrets.token_hex(8), **claims}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, sub, lifetime=600, key=None, headers=None, **claims):
        """A token for `sub`. A claim given as None is left out."""
        key = key or self.keys[0]
        headers = {"kid": key.kid, **(headers or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return jwt.encode(self.claims(sub, lifetime, **claims), key.private, key.algorithm, headers=headers)

    def agent(self, name="reporter", groups=("agents",), **more):
        return self.token(f"service-{name}", agent_id=name, groups=list(groups), **more)

    def person(self, name="ada", groups=("agents",), **more):
        return self.token(name, groups=list(groups), **more)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def segment(document):
    """One part of a token: JSON, or bytes, in base64url."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
