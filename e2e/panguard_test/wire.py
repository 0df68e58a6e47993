"""A PostgreSQL client of bytes, for what no decent client would send (protocol 3, chapter 55 of the manual)."""

import socket
import struct

PROTOCOL_3_0 = 196608
CANCEL, SSL, GSSENC = 80877102, 80877103, 80877104


def packet(code, body=b""):
    """A packet of the start, which has no type."""
    return struct.pack("!II", 8 + len(body), code) + body


def startup(**parameters):
    """A StartupMessage."""
    pairs = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items())
    return packet(PROTOCOL_3_0, pairs + b"\0")


def message(tag, body=b"", length=None):
    """A message; `length` lies about its length."""
    return tag.encode() + struct.pack("!I", len(body) + 4 if length is None else length) + body


def parse(sql, name=""):
    return message("P", f"{name}\0{sql}\0".encode() + struct.pack("!H", 0))


def bind(name="", portal="", binary=False):
    return message("B", f"{portal}\0{name}\0".encode() + struct.pack("!HHHH", 0, 0, 1, int(binary)))


def describe(kind="S", name=""):
    return message("D", f"{kind}{name}\0".encode())


def execute(portal="", rows=0):
    return message("E", portal.encode() + b"\0" + struct.pack("!I", rows))


def query(sql):
    return message("Q", (sql if isinstance(sql, bytes) else sql.encode()) + b"\0")


SYNC, FLUSH, TERMINATE = message("S"), message("H"), message("X")


class Closed(Exception):
    """The other side closed the connection."""


class Wire:
    """One connection. `exchange` returns what came up to the next ReadyForQuery as (tag, body) pairs."""

    def __init__(self, gateway, timeout=10):
        self.socket = socket.create_connection((gateway.host, gateway.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.status = None
        self.key = None
        self.parameters = {}

    @classmethod
    def session(cls, gateway, token, connection=None, **parameters):
        """A connection that is signed in."""
        self = cls(gateway)
        dsn = gateway.dsn(connection)
        self.send(startup(user=dsn["user"], database=dsn["dbname"], **parameters))
        tag, body = self.read()
        assert (tag, body) == ("R", struct.pack("!I", 3)), f"not asked for a password: {tag} {fields(body)}"
        self.send(message("p", token.encode() + b"\0"))
        answer = self.until("Z")
        errors = [fields(body) for tag, body in answer if tag == "E"]
        assert not errors, errors
        self.key = next(body for tag, body in answer if tag == "K")
        self.parameters = dict(body[:-1].decode().split("\0") for tag, body in answer if tag == "S")
        return self

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def take(self, count):
        while len(self.buffer) < count:
            got = self.socket.recv(1 << 16)
            if not got:
                raise Closed(f"closed with {len(self.buffer)} bytes of a message")
            self.buffer += got
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self):
        """The next message."""
        tag, length = struct.unpack("!cI", self.take(5))
        body = self.take(length - 4)
        if tag == b"Z":
            self.status = body.decode()
        return tag.decode(), body

    def until(self, last):
        """All messages up to the first with the tag `last`, or to the end of the connection."""
        got = []
        while True:
            try:
                got.append(self.read())
            except (Closed, ConnectionResetError):
                return got
            if got[-1][0] == last:
                return got

    def exchange(self, *parts):
        self.send(*parts)
        return self.until("Z")

    def last_words(self):
        """The fields of the ErrorResponse with which the other side ends the connection; None without one."""
        rest = self.until(None)
        errors = [fields(body) for tag, body in rest if tag == "E"]
        return errors[-1] if errors else None

    def is_closed(self):
        """Whether the other side has closed; waits for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fields(body):
    """The fields of an ErrorResponse or NoticeResponse by their letter."""
    return {chr(part[0]): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def tags(answer):
    return "".join(tag for tag, _ in answer)


def rows(answer):
    """The DataRows, as lists of bytes or None."""
    found = []
    for tag, body in answer:
        if tag == "D":
            (count,), at, row = struct.unpack("!H", body[:2]), 2, []
            for _ in range(count):
                (length,) = struct.unpack("!i", body[at:at + 4])
                at += 4
                row.append(None if length < 0 else body[at:at + length])
                at += max(length, 0)
            found.append(row)
    return found


def error(answer):
    """The fields of the first ErrorResponse, or None."""
    return next((fields(body) for tag, body in answer if tag == "E"), None)


def columns(answer):
    """(name, type oid) of each column that was described."""
    described = []
    for tag, body in answer:
        if tag == "T":
            (count,), at = struct.unpack("!H", body[:2]), 2
            for _ in range(count):
                end = body.index(b"\0", at)
                (oid,) = struct.unpack("!I", body[end + 7:end + 11])
                described.append((body[at:end].decode(), oid))
                at = end + 19
    return described
