"""Exchanges as systems of all sorts have them every day, made of a seed, with nothing sensitive inside."""

import base64
import csv
import dataclasses
import gzip
import io
import json
import random
import struct
import urllib.parse
import uuid
import zlib

import brotli
import zstandard

from .site import answer

COUNT = 240
WORDS = """order paid shipped customer amount total open closed pending berlin paris oslo lima note the of and for with on
at Zürich naïve café 東京 Москва résumé 😀 fine late early tax net gross item box unit red green blue left right up down""".split()


@dataclasses.dataclass
class Exchange:
    """A request, and the answer that the upstream gives in so many pieces."""

    name: str
    pieces: list
    method: str = "GET"
    headers: tuple = ()
    body: bytes = b""


class Maker:
    """Makes exchange number `number` of the seed: always the same."""

    def __init__(self, number):
        self.chance = random.Random(f"panguard {number}")
        self.number = number

    def words(self, most=12):
        return " ".join(self.chance.choice(WORDS) for _ in range(self.chance.randint(1, most)))

    def scalar(self):
        chance = self.chance
        return chance.choice([
            lambda: chance.randint(0, 99_999), lambda: -chance.randint(1, 999), lambda: round(chance.uniform(0, 5000), 2),
            lambda: chance.random(), lambda: None, lambda: True, lambda: False, lambda: "", self.words,
            lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            lambda: f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:15:30Z",
            lambda: f"https://example.com/{chance.choice('abc')}?page={chance.randint(1, 50)}",
            lambda: f"v{chance.randint(0, 9)}.{chance.randint(0, 30)}.{chance.randint(0, 9)}",
            lambda: "line\nother\t\"quoted\" \\ / \u2028 <b>&amp;</b>",
        ])()

    def document(self, depth=3):
        chance = self.chance
        kind = chance.random()
        if depth == 0 or kind < 0.3:
            return self.scalar()
        if kind < 0.5:
            return [self.document(depth - 1) for _ in range(chance.randint(0, 6))]
        names = ["id", "status", "total", "items", "note", "created_at", "next", "a", "b-c", "D e", "ünï", "tags", "ok", "city"]
        return {name: self.document(depth - 1) for name in chance.sample(names, chance.randint(0, 7))}

    # --- bodies: (type, bytes) -----------------------------------------------------------------------------

    def json(self):
        style = self.chance.choice([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
        return self.chance.choice(["application/json", "application/json; charset=utf-8", "application/hal+json"]), json.dumps(
            {"data": [self.document() for _ in range(self.chance.randint(0, 12))]}, **style).encode()

    def lines(self):
        rows = [json.dumps({"n": n, "v": self.scalar()}) for n in range(self.chance.randint(1, 30))]
        return self.chance.choice(["application/x-ndjson", "application/jsonl"]), ("\n".join(rows) + "\n").encode()

    def events(self):
        end = self.chance.choice(["\n", "\r\n"])
        made = []
        for n in range(self.chance.randint(1, 15)):
            fields = [f"id: {n}"] * self.chance.randint(0, 1) + [f"event: {self.chance.choice(['tick', 'order'])}"] * self.chance.randint(0, 1)
            made.append(end.join([*fields, f"data: {json.dumps({'at': n, 'value': self.chance.randint(0, 99), 'unit': 'box'})}", "", ""]))
            made += [f": ping{end}{end}"] * (self.chance.random() < 0.2)
        return "text/event-stream", "".join(made).encode()

    def text(self):
        lines = [self.words(20) for _ in range(self.chance.randint(1, 60))]
        charset = self.chance.choice(["utf-8", "utf-8", "utf-16", "iso-8859-1"])
        return f"text/plain; charset={charset}", "\r\n".join(lines).encode(charset, "replace")

    def log(self):
        lines = [f"2026-11-{self.chance.randint(10, 28)} 08:{n % 60:02}:17 INFO [{self.chance.randint(1, 99)}] {self.words()}" for n in range(40)]
        return "text/plain", "\n".join(lines).encode()

    def form(self):
        fields = [(self.chance.choice(["a", "b", "city", "note"]), str(self.scalar())) for _ in range(self.chance.randint(1, 9))]
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(fields).encode()

    def xml(self):
        items = "".join(f'<item id="{n}" unit=\'box\'><name>{self.words(4)}</name><!-- {n} --><price cur="EUR">{n}.50</price><![CDATA[<raw> & {n}]]></item>'
                        for n in range(self.chance.randint(1, 20)))
        head = '<?xml version="1.0" encoding="UTF-8"?>\n' * self.chance.randint(0, 1)
        return self.chance.choice(["application/xml", "text/xml", "application/atom+xml"]), f"{head}<items xmlns='urn:x'>{items}</items>".encode()

    def html(self):
        rows = "".join(f"<tr><td class=n>{n}<td>{self.words(5)} &amp; &eacute;<br/></tr>" for n in range(self.chance.randint(1, 30)))
        script = "<script>var x = {a: [1, 2], b: '</p>'}; if (1 < 2 && x) { go(\"y\") }</script><style>p > a { color: #123456 }</style>"
        return "text/html; charset=utf-8", f"<!DOCTYPE html>\n<html lang=en><head><title>t</title>{script}</head><body><table>{rows}</table></body></html>\n".encode()

    def table(self):
        out = io.StringIO()
        parting = self.chance.choice(",\t")
        writer = csv.writer(out, delimiter=parting, lineterminator=self.chance.choice(["\n", "\r\n"]))
        writer.writerow(["id", "city", "amount", "note"])
        for n in range(self.chance.randint(1, 50)):
            writer.writerow([n, self.chance.choice(WORDS), round(self.chance.uniform(0, 900), 2), self.words() + self.chance.choice(["", ' "q"', ", x"])])
        return {",": "text/csv", "\t": "text/tab-separated-values"}[parting], out.getvalue().encode()

    def multipart(self):
        parts = b""
        for n in range(self.chance.randint(1, 5)):
            type, body = self.chance.choice([self.json, self.log, self.table])()
            parts += f'--b0undary\r\nContent-Disposition: form-data; name="p{n}"; filename="{n}.txt"\r\nContent-Type: {type}\r\n\r\n'.encode() + body + b"\r\n"
        return self.chance.choice(["multipart/mixed; boundary=b0undary", 'multipart/form-data; boundary="b0undary"']), parts + b"--b0undary--\r\n"

    def code(self):
        return self.chance.choice(["application/javascript", "text/css", "application/yaml", "text/markdown"]), (
            "# title\n\n- one: 1\n- two: [a, b]\n\n```\nfor (let i = 0; i < 10; i++) { x += 0xff / 3.5e-7 }\n```\n" + self.words(30) + "\n").encode()

    def image(self):
        noise = self.chance.randbytes(self.chance.randint(10, 5000))
        start = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff\xe0", "application/pdf": b"%PDF-1.7\n", "application/zip": b"PK\x03\x04",
                 "application/octet-stream": struct.pack("<4I", 0, 1, 2, 3), "application/grpc": b"\0\0\0\0\x05"}
        type = self.chance.choice(sorted(start))
        return type, start[type] + noise

    def blob(self):
        made = {"name": "a.png", "content": base64.b64encode(b"\x89PNG\r\n\x1a\n" + self.chance.randbytes(300)).decode(), "sha256": self.chance.randbytes(32).hex()}
        return "application/json", json.dumps(made).encode()

    def empty(self):
        return self.chance.choice([None, "text/plain", "application/json"]), b""

    KINDS = ["json", "json", "json", "lines", "events", "text", "log", "form", "xml", "html", "table", "multipart", "code", "image", "blob", "empty"]

    # --- exchanges ------------------------------------------------------------------------------------------

    def coded(self, body):
        coding = self.chance.choice([None, None, None, "gzip", "br", "zstd", "deflate", "gzip, br"])
        for one in coding.split(", ") if coding else []:
            body = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress, "deflate": zlib.compress}[one](body)
        return coding, body

    def make(self):
        """The exchange."""
        chance = self.chance
        kind = self.KINDS[self.number % len(self.KINDS)]
        type, body = getattr(self, kind)()
        coding, coded = self.coded(body)
        status = chance.choice(["200 OK"] * 8 + ["201 Created", "202 Accepted", "203 Mine", "400 Bad Request", "402 Payment Required", "403 Forbidden", "404 Not Found",
                                                 "409 Conflict", "410 Gone", "418 Teapot", "422 Unprocessable", "429 Slow Down", "451 Law", "500 Oops", "501 No", "503 Later"])
        headers = [("Content-Encoding", coding)] if coding and body else []
        headers += chance.sample([
            ("ETag", f'W/"{chance.getrandbits(40):x}"'), ("Last-Modified", "Sun, 29 Nov 2026 08:30:04 GMT"), ("Cache-Control", "private, max-age=300"),
            ("Vary", "Accept, Origin"), ("X-Request-Id", str(uuid.UUID(int=chance.getrandbits(128), version=4))), ("X-RateLimit-Remaining", "4999"),
            ("Link", '</c?page=2>; rel="next", </c?page=9>; rel="last"'), ("Content-Language", "de, en"), ("X-Odd", "a;b=\"c, d\"; \t x"), ("X-Empty", ""),
            ("X-Many", "1"), ("X-Many", "2"), ("Access-Control-Allow-Origin", "*"), ("Content-Disposition", "inline; filename*=UTF-8''caf%C3%A9.txt"),
            ("Retry-After", "3"), ("Server", "thing/1.2.3 (x)"), ("X-Latin", "caf\xe9"), ("Server-Timing", "db;dur=53.2, app;dur=47"),
        ], chance.randint(0, 6))
        if not body and chance.random() < 0.6:
            status = chance.choice(["204 No Content", "304 Not Modified"])
            head = "".join(f"{name}: {value}\r\n" for name, value in headers)
            raw = f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1")
        else:
            cuts = None if chance.random() < 0.5 else self.cut(coded)
            raw = answer(coded if body else b"", type, status, headers, cuts if body else None)
        pieces = self.cut(raw) if chance.random() < 0.3 else [raw]
        pieces[0:2] = [b"".join(pieces[0:2])] if b"\r\n\r\n" not in pieces[0] else pieces[0:2]
        method = chance.choice(["GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        sent = self.sent() if method in ("POST", "PUT", "PATCH") else ((), b"")
        return Exchange(f"{self.number}-{kind}", pieces, method, *sent)

    def sent(self):
        kind, body = getattr(self, self.chance.choice(["json", "form", "text", "multipart", "xml", "table", "log"]))()
        if self.chance.random() < 0.2:
            return (("Content-Type", kind), ("Content-Encoding", "gzip")), gzip.compress(body)
        return (("Content-Type", kind),), body

    def cut(self, data):
        most = max(1, len(data) // 4)
        places = sorted({self.chance.randint(1, max(1, len(data) - 1)) for _ in range(min(6, most))})
        return [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if data[a:b]]


def exchanges():
    return [Maker(number).make() for number in range(COUNT)]
