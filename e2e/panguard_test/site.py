"""An HTTP/1.1 system behind panguard that answers with whatever bytes a test wants, and keeps what it was asked."""

import itertools
import socketserver
import threading

from .exchange import read_fields


class Request:
    """A request as it reached the upstream. `headers` and `trailers` are pairs as sent; `head` their bytes."""

    def __init__(self, method, target, head, headers, body, trailers):
        self.method, self.target, self.head = method, target, head
        self.headers, self.body, self.trailers = headers, body, trailers

    def all(self, name):
        """Every value of one field."""
        return [value for found, value in self.headers if found.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    @property
    def raw(self):
        return self.head + self.body + repr(self.trailers).encode()


def answer(body=b"", type="text/plain", status="200 OK", headers=(), chunks=None, trailers=()):
    """The bytes of an answer: with its length, or, where `chunks` cut its body, chunked."""
    body = body.encode() if isinstance(body, str) else body
    fields = [f"Content-Type: {type}"] if type else []
    fields += [f"{name}: {value}" for name, value in headers]
    if chunks is None:
        fields.append(f"Content-Length: {len(body)}")
        tail = body
    else:
        fields.append("Transfer-Encoding: chunked")
        tail = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n"
        tail += "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1") + b"\r\n"
    return f"HTTP/1.1 {status}\r\n".encode() + "\r\n".join(fields).encode("latin-1") + b"\r\n\r\n" + tail


class Site:
    """Serves on loopback. `requests` is what it was asked, oldest first.

    An answer is the bytes of one; a list of pieces that are sent one by one; or a function that is given the request and
    the socket's file, and says by a true value that the socket is to be closed. What has no answer of its own is answered
    by `default`.
    """

    def __init__(self):
        self.requests = []
        self.sockets = 0
        self.answers = {}
        self.default = answer("{}", "application/json")
        self.numbers = itertools.count(1)
        site = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                site.sockets += 1
                try:
                    while (request := read(self.rfile, self.wfile)) is not None:
                        site.requests.append(request)
                        if site.play(request, self.wfile):
                            return
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host, self.port = "127.0.0.1", self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def connection(self, type="http", base="", **more):
        """This system as a connection of panguard's configuration."""
        fields = {"type": type, "base_url": f"http://{self.host}:{self.port}{base}", "secret": SECRET, **more}
        return {name: value for name, value in fields.items() if value is not None}

    def serves(self, answer, path=None):
        """Answers with this at a path of its own, which it returns."""
        path = path or f"/c/{next(self.numbers)}"
        self.answers[path] = answer
        return path

    def play(self, request, file):
        found = self.answers.get(request.target.partition("?")[0], self.default)
        last = (request.get("connection") or "").lower() == "close"
        if callable(found):
            return found(request, file) or last
        pieces = [found] if isinstance(found, bytes) else list(found)
        for piece in pieces:
            file.write(piece)
            file.flush()
        head = pieces[0].partition(b"\r\n\r\n")[0].lower()
        ends = b"content-length" in head or b"chunked" in head or head[9:12] in (b"204", b"304")
        return not ends or b"connection: close" in head or last

    def asked(self, path):
        """What it was asked at one path."""
        return [request for request in self.requests if request.target.partition("?")[0] == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read(file, out):
    """The next request of a socket; None at its end."""
    head = read_head(file)
    if not head:
        return None
    line, headers = read_fields(head)
    method, target, _ = line.split(" ", 2)
    fields = {name.lower(): value for name, value in headers}
    if "100-continue" in fields.get("expect", "").lower():
        out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        out.flush()
    body, trailers = b"", []
    if "chunked" in fields.get("transfer-encoding", "").lower():
        pieces = []
        while size := int(file.readline().split(b";")[0], 16):
            pieces.append(exactly(file, size))
            file.readline()
        body, trailers = b"".join(pieces), read_fields(b"\r\n" + read_head(file))[1]
    elif "content-length" in fields:
        body = exactly(file, int(fields["content-length"]))
    return Request(method, target, head, headers, body, trailers)


def exactly(file, size):
    """So many bytes; ValueError when they do not come."""
    data = file.read(size)
    if len(data) < size:
        raise ValueError("a body that ends early")
    return data


def read_head(file):
    """Bytes up to an empty line, which is in them; empty at the end of the stream."""
    head = b""
    while line := file.readline():
        head += line
        if line in (b"\r\n", b"\n"):
            return head
    return b""


# What panguard signs in with. Long enough to be told from other text.
SECRET = "sk-inject_Zq8/+&Tw3ed9=="
