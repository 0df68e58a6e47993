"""One HTTP/1.1 exchange over a socket of its own, with nothing mended on the way."""

import socket
import zlib

import brotli
import zstandard


class Answer:
    """An answer as it came: `raw` is all of it, `early` the fields of interim answers, `complete` whether it ended as
    its framing says. `status` is 0 when there was none."""

    def __init__(self, raw, method="GET"):
        self.raw, self.early, self.extensions, self.sizes = raw, [], b"", []
        self.status, self.reason, self.headers, self.trailers = 0, "", [], []
        self.body, self.complete = b"", False
        rest = raw
        while rest.startswith(b"HTTP/") and b"\r\n\r\n" in rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            line, fields = read_fields(head)
            status = int(line.split(" ")[1])
            if 100 <= status < 200 and status != 101:
                self.early += fields
                continue
            self.status, self.reason, self.headers = status, line.partition(" ")[2].partition(" ")[2], fields
            break
        self.read_body(rest, method)

    def read_body(self, rest, method):
        if method == "HEAD" or self.status in (0, 204, 304):
            self.body, self.complete, self.rest = b"", self.status != 0 and not rest, rest
        elif "chunked" in (self.get("transfer-encoding") or ""):
            self.read_chunks(rest)
        elif (length := self.get("content-length")) is not None:
            self.body, self.complete = rest[:int(length)], len(rest) == int(length)
        else:
            self.body, self.complete = rest, True

    def read_chunks(self, rest):
        while b"\r\n" in rest:
            line, _, rest = rest.partition(b"\r\n")
            digits, _, extension = line.partition(b";")
            self.extensions += extension
            size = int(digits, 16)
            self.sizes.append(size)
            if size == 0:
                self.trailers = read_fields(b"\r\n" + rest)[1]
                self.complete = rest.endswith(b"\r\n")
                return
            self.body += rest[:size]
            rest = rest[size + 2:]

    def all(self, name):
        return [value for found, value in self.headers if found.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    @property
    def decoded(self):
        """The body without its codings."""
        body = self.body
        codings = ", ".join(self.all("content-encoding")).lower().split(",")
        for coding in reversed([coding.strip() for coding in codings if coding.strip()]):
            body = decode(coding, body)
        return body

    @property
    def text(self):
        return self.decoded.decode("utf-8", "replace")

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


def read_fields(head):
    """The first line of a head, and its fields."""
    lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return lines[0], [(name, value.strip()) for name, _, value in pairs]


def decode(coding, body):
    if coding in ("gzip", "x-gzip"):
        return gunzip(body)
    if coding == "deflate":
        try:
            return zlib.decompress(body)
        except zlib.error:
            return zlib.decompress(body, -15)
    if coding == "br":
        return brotli.decompress(body)
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    assert coding == "identity", coding
    return body


def gunzip(body):
    """All members of a gzip file (RFC 1952 §2.2)."""
    out = b""
    while body:
        reader = zlib.decompressobj(31)
        out += reader.decompress(body) + reader.flush()
        body = reader.unused_data
    return out


def send(address, raw, seconds=20):
    """Sends `raw` on a socket of its own, and returns all that comes until the other side closes."""
    with socket.create_connection(address, timeout=seconds) as connected:
        connected.sendall(raw)
        return rest_of(connected)


def rest_of(connected):
    """All that still comes on a socket."""
    pieces = []
    try:
        while piece := connected.recv(1 << 18):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def written(method, target, headers=(), body=b"", host="up.test"):
    """A request in bytes; of a body it says the length, unless the fields say how it is framed."""
    body = body.encode() if isinstance(body, str) else body
    fields = [("Host", host), ("Connection", "close"), *pairs(headers)]
    if body and not {"transfer-encoding", "content-length"} & {name.lower() for name, _ in fields}:
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body


def pairs(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def chunked(body, size=7):
    """A body in the chunked coding."""
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def fetch(address, target, method="GET", headers=(), body=b"", token=None, **more):
    """One exchange on a socket of its own."""
    named = {name.lower() for name, _ in pairs(headers)}
    usual = [("Accept-Encoding", "gzip, deflate, br, zstd"), ("TE", "trailers")]
    if token:
        usual.append(("Authorization", f"Bearer {token}"))
    fields = [pair for pair in usual if pair[0].lower() not in named] + pairs(headers)
    return Answer(send(address, written(method, target, fields, body), **more), method)
