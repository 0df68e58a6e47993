"""Collectors to which the audit log is brought, and which fail in all ways that they have."""

import base64
import hashlib
import hmac
import json
import secrets
import socket
import ssl
import struct
import threading

from .process import free_port
from .upstream_http import Upstream


class Killed(Exception):
    """A receiver that is no more."""


class Syslog:
    """A receiver of syslog as RFC 5425 has it, strict about its frames; over TLS with a certificate and its key in `tls`.

    `messages` is what it has read, oldest first. `hang` keeps it from reading; `reset_after` breaks the connection off after
    so many messages, once; `down` and `up` take it away and bring it back.
    """

    def __init__(self, tls=None):
        self.port = free_port()
        self.tls = tls
        self.messages, self.wrong = [], []
        self.connections = 0
        self.reset_after = None
        self.reading = threading.Event()
        self.reading.set()
        self.life = self.listener = None
        self.up()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def up(self):
        self.life = object()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def down(self):
        """As a receiver that is killed: what it has not read is lost."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.life = None
        self.reading.set()

    def hang(self):
        self.reading.clear()

    def accept(self, listener):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, stream):
        life = self.life
        try:
            if self.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.tls)
                stream = context.wrap_socket(stream, server_side=True)
            stream.settimeout(0.05)
            self.read(stream, life)
            if self.tls:
                stream.settimeout(5)
                stream = stream.unwrap()
        except Killed:
            # Its socket goes as that of a process that has gone: with what it had not read.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError):
            pass
        finally:
            stream.close()

    def read(self, stream, life):
        buffer = b""
        while True:
            self.reading.wait()
            if self.life is not life:
                raise Killed
            try:
                piece = stream.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                if buffer:
                    self.wrong.append(f"cut off: {buffer[:80]!r}")
                return
            buffer += piece
            while b" " in buffer[:10]:
                length, rest = buffer.split(b" ", 1)
                if not length.isdigit() or length.startswith(b"0"):
                    self.wrong.append(f"no frame: {buffer[:80]!r}")
                    raise ValueError
                if len(rest) < int(length):
                    break
                message, buffer = rest[:int(length)], rest[int(length):]
                self.messages.append(message.decode())
                if self.reset_after is not None and len(self.messages) >= self.reset_after:
                    self.reset_after = None
                    raise Killed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


class Collector(Upstream):
    """Takes entries by HTTP. `answers` are given first, one a request: a status, or (status, headers), or None for a
    connection that is broken off; `judge(request)` may give others after them. What it takes is in `taken`."""

    def __init__(self, **more):
        self.answers, self.taken = [], []
        self.judge = lambda _: 200
        self.said = b"{}"
        self.raw = secrets.token_bytes(32)
        self.key = "whsec_" + base64.b64encode(self.raw).decode()
        super().__init__(self.take, **more)

    def take(self, request):
        answer = self.answers.pop(0) if self.answers else self.judge(request)
        if answer is None:
            raise ConnectionResetError
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status < 300:
            self.taken.append(request)
        return status, {"Content-Type": "application/json", **headers}, self.said if status < 300 else b"no: 4111111111111111"

    def indexes(self, entry=lambda it: it["index"]):
        """The indexes of the entries that it has taken, in their order, from messages of a webhook."""
        return [entry(it) for request in self.taken for it in json.loads(request["body"])["data"]["entries"]]

    def is_signed(self, request):
        fields = request["headers"]
        signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + request["body"]
        expected = "v1," + base64.b64encode(hmac.new(self.raw, signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected, fields["webhook-signature"])
