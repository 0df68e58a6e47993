"""A witness of logs, by the specification alone (C2SP tlog-witness, tlog-cosignature), on loopback."""

import base64
import hashlib
import http.server
import threading
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_consistent(old, old_root, size, root, proof):
    """RFC 9162 §2.1.4.2."""
    if old == 0:
        return not proof
    if old == size:
        return not proof and old_root == root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path.pop(0)
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node(step, first), node(step, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, step)
        at, last = at >> 1, last >> 1
    return first == old_root and second == root and last == 0


class Witness:
    """`heads` is (size, root) of the newest head by log. `log_key` is the verifier key of the one log that it knows."""

    def __init__(self, name, log_key=None):
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode() + b"\n\x04" + self.public).digest()[:4]
        self.log_key = log_key
        self.heads = {}
        self.answered = []
        self.lock = threading.Lock()

    @property
    def verifier_key(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + self.public).decode()}"

    def __enter__(self):
        witness = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                with witness.lock:
                    status, kind, body = witness.add_checkpoint(self.rfile.read(int(self.headers["Content-Length"])))
                    witness.answered.append(status)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/submit/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def config(self):
        return {"url": self.url, "key": self.verifier_key}

    def add_checkpoint(self, body):
        asked, _, checkpoint = body.decode().partition("\n\n")
        old, *proof = asked.split("\n")
        old, proof = int(old.removeprefix("old ")), [base64.b64decode(line) for line in proof]
        text, _, signatures = checkpoint.partition("\n\n")
        text += "\n"
        origin, size, root = text.splitlines()
        size, root = int(size), base64.b64decode(root)
        if self.log_key is None or origin != self.log_key.split("+")[0]:
            return 404, "text/plain", b""
        if not self.is_signed(text, signatures):
            return 403, "text/plain", b""
        if old > size:
            return 400, "text/plain", b""
        known, known_root = self.heads.get(origin, (0, b""))
        if old != known or (old == size and root != known_root):
            return 409, "text/x.tlog.size", f"{known}\n".encode()
        if not is_consistent(old, known_root, size, root, proof):
            return 422, "text/plain", b""
        self.heads[origin] = (size, root)
        seconds = int(time.time())
        signed = self.key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        line = base64.b64encode(self.id + seconds.to_bytes(8, "big") + signed).decode()
        return 200, "text/plain", f"— {self.name} {line}\n".encode()

    def is_signed(self, text, signatures):
        key = base64.b64decode(self.log_key.split("+", 2)[2])[1:]
        for line in signatures.splitlines():
            signature = base64.b64decode(line.split(" ")[2])[4:]
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, text.encode())
                return True
            except Exception:
                continue
        return False
