"""Sessions past panguard, of bytes."""

import base64
import hashlib
import hmac
import os
import struct
import types

from . import wire


def session(host, port, user, database, password, **parameters):
    """A session with whatever asks for a password in clear, by SCRAM-SHA-256 (RFC 5802), or not at all."""
    opened = wire.Wire(types.SimpleNamespace(host=host, port=port))
    opened.send(wire.startup(user=user, database=database, **parameters))
    tag, body = opened.read()
    assert tag == "R", wire.fields(body)
    (method,) = struct.unpack("!I", body[:4])
    if method == 3:
        opened.send(wire.message("p", password.encode() + b"\0"))
    elif method == 10:
        scram(opened, password)
    answer = opened.until("Z")
    errors = [wire.fields(body) for tag, body in answer if tag == "E"]
    assert not errors, errors
    opened.parameters = dict(body[:-1].decode().split("\0") for tag, body in answer if tag == "S")
    return opened


def scram(opened, password):
    nonce = base64.b64encode(os.urandom(18)).decode()
    first = f"n=,r={nonce}"
    opened.send(wire.message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first) + 3) + b"n,," + first.encode()))
    challenge = opened.read()[1][4:].decode()
    said = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(said["s"]), int(said["i"]))
    final = f"c=biws,r={said['r']}"
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{challenge},{final}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    opened.send(wire.message("p", f"{final},p={proof}".encode()))
