"""Ways by which a card number or panguard's own credential would pass over HTTP, beside those of shared/evasions.

Each says how the number is had back from what arrives; a way by which it is not had when there is no gateway proves
nothing, and the tests say so.
"""

import base64
import dataclasses
import gzip
import html
import io
import json
import quopri
import re
import typing
import urllib.parse
import zlib

import brotli
import zstandard

from .exchange import chunked, decode
from .site import SECRET, answer

PAN = "4000056655665556"  # a published test number
HALVES = PAN[:8], PAN[8:]
QUARTERS = [PAN[at:at + 4] for at in range(0, 16, 4)]


@dataclasses.dataclass
class Way:
    """One way. `seen` gives, from the answer (or from the request as it reached the upstream), text in which the number is.

    `status` is what panguard answers: 200 where it masks, 502 where it withholds what it cannot understand or mask.
    """

    id: str
    seen: typing.Callable
    answer: object = None
    status: int = 200
    method: str = "GET"
    path: str = ""
    headers: tuple = ()
    body: bytes = b""


def digits(text):
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return re.sub("[^0-9]", "", text)


def text(came):
    return came.text


def joined(came):
    return digits(came.text)


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unb64(found):
    found = found[:-1] if len(found) % 4 == 1 else found
    return base64.b64decode(found + "=" * (-len(found) % 4), altchars=b"-_" if re.search("[-_]", found) else None)


def in_b64(came):
    """What every run of base64 in it decodes to."""
    return " ".join(unb64(run).decode("latin-1") for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", came.text))


def headers(came):
    return str(came.headers)


def values(document):
    """Every name and value of a JSON document, in order."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from values(value)
    elif isinstance(document, list):
        for value in document:
            yield from values(value)
    else:
        yield str(document)


def events(came):
    """The JSON of every event."""
    lines = came.text.replace("\r\n", "\n").split("\n")
    found = [line[5:].strip() for line in lines if line.startswith("data:")]
    return [json.loads(data) for data in found if data.startswith("{")]


def sse(*documents, named=False):
    """A stream of events as model providers send them, one TCP segment each."""
    pieces = []
    for document in documents:
        name = f"event: {document['type']}\n" if named else ""
        pieces.append(f"{name}data: {document if isinstance(document, str) else json.dumps(document)}\n\n".encode())
    return streamed("text/event-stream", pieces)


def streamed(type, pieces):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return [head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


def multipart(*parts, sub="mixed"):
    """Parts of (header lines, body)."""
    body = b"".join(b"--edge\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts) + b"--edge--\r\n"
    return body, f"multipart/{sub}; boundary=edge"


def of_parts(*parts, **more):
    return answer(*multipart(*parts, **more))


def gzipped_as(name):
    """A gzip file whose header says a file's name (RFC 1952 §2.3)."""
    out = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=out) as file:
        file.write(b"nothing in here")
    return out.getvalue()


def coded(body, coding, type="application/json", **more):
    return answer(body, type, headers=[("Content-Encoding", coding)], **more)


def raw_deflate(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def jpath(came, *path):
    found = json.loads(came.text)
    for name in path:
        found = found[name]
    return found


CARD = json.dumps({"id": 7, "card": {"number": PAN}}).encode()
JWT = ".".join(b64(part).rstrip("=").replace("+", "-").replace("/", "_") for part in ('{"alg":"none"}', json.dumps({"pan": PAN}), "none"))

ANSWERS = [
    # --- multipart ---
    Way("multipart-json-part", text, of_parts(("Content-Type: application/json", CARD), ("Content-Type: text/plain", b"x"))),
    Way("multipart-file-name", text, of_parts((f'Content-Disposition: attachment; filename="{PAN}.txt"', b"x"))),
    Way("multipart-base64-part", in_b64,
        of_parts(("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", b64(f"card {PAN} here").encode()))),
    Way("multipart-quoted-printable", lambda it: quopri.decodestring(it.decoded).decode(),
        of_parts(("Content-Transfer-Encoding: quoted-printable", f"{HALVES[0]}=\r\n{HALVES[1]}".encode()))),
    Way("multipart-preamble", text, answer(b"%b\r\n" % PAN.encode() + multipart(("", b"x"))[0], "multipart/mixed; boundary=edge")),
    Way("multipart-epilogue", text, answer(multipart(("", b"x"))[0] + PAN.encode(), "multipart/mixed; boundary=edge")),
    Way("multipart-nested", text, of_parts(("Content-Type: multipart/mixed; boundary=in", b"--in\r\n\r\n%b\r\n--in--\r\n" % PAN.encode()))),
    Way("multipart-related-gzip-part", lambda it: decode("gzip", it.decoded.split(b"\r\n\r\n")[1].rsplit(b"\r\n--edge--")[0]).decode(),
        of_parts(("Content-Type: application/gzip", gzip.compress(PAN.encode())))),
    Way("byte-ranges-split", lambda it: "".join(re.findall(r"^(\d{8})\r?$", it.text, re.M)),
        of_parts(*((f"Content-Range: bytes {at}-{at + 7}/16", half.encode()) for at, half in zip((0, 8), HALVES)), sub="byteranges"), 502),
    Way("content-range", headers, answer("xx", headers=[("Content-Range", f"bytes 0-1/{PAN}")])),
    # --- codings ---
    Way("deflate-raw", text, coded(raw_deflate(CARD), "deflate")),
    Way("deflate-zlib", text, coded(zlib.compress(CARD), "deflate")),
    Way("gzip-members", text, coded(gzip.compress(CARD[:30]) + gzip.compress(CARD[30:]), "gzip")),
    Way("gzip-file-name", lambda it: it.raw.decode("latin-1"), coded(gzipped_as(PAN), "gzip", "text/plain")),
    Way("zstd-two-frames", lambda it: "".join(zstandard.ZstdDecompressor().decompressobj().decompress(it.body[cut:])
                                              .decode() for cut in (0, len(zstandard.compress(CARD[:30])))),
        coded(zstandard.compress(CARD[:30]) + zstandard.compress(CARD[30:]), "zstd")),
    Way("zstd-skippable-frame", lambda it: it.raw.decode("latin-1"),
        coded(b"\x50\x2a\x4d\x18\x10\0\0\0" + PAN.encode() + zstandard.compress(b"{}"), "zstd")),
    Way("brotli", text, coded(brotli.compress(CARD), "br")),
    Way("gzip-in-br-in-zstd", text, coded(zstandard.compress(brotli.compress(gzip.compress(CARD))), "gzip, br, zstd")),
    Way("two-coding-fields", text, answer(brotli.compress(gzip.compress(CARD)), "application/json",
                                          headers=[("Content-Encoding", "gzip"), ("Content-Encoding", "br")])),
    Way("zlib-in-base64", lambda it: zlib.decompress(unb64(jpath(it, "blob"))).decode(),
        answer(json.dumps({"blob": b64(zlib.compress(CARD))}), "application/json")),
    Way("gzip-behind-its-end", lambda it: it.raw.decode("latin-1"), coded(gzip.compress(b"{}") + PAN.encode(), "gzip")),
    # --- JSON ---
    Way("json-in-json-in-json", lambda it: str(json.loads(json.loads(jpath(it, "a")))),
        answer(json.dumps({"a": json.dumps(json.dumps({"n": "".join(f"\\u{ord(c):04x}" for c in PAN)}).replace("\\\\", "\\"))}), "application/json")),
    Way("json-in-base64-in-json", lambda it: unb64(json.loads(unb64(jpath(it, "a")))["b"]).decode(),
        answer(json.dumps({"a": b64(json.dumps({"b": b64(CARD)}))}), "application/json")),
    Way("json-split-over-names", lambda it: digits("".join(values(json.loads(it.text)))),
        answer(json.dumps({QUARTERS[0]: {QUARTERS[1]: {QUARTERS[2]: QUARTERS[3]}}}), "application/json")),
    Way("json-digits", lambda it: "".join(values(json.loads(it.text))), answer(json.dumps([int(d) for d in PAN]), "application/json")),
    Way("json-float", lambda it: "".join(str(int(value)) for value in json.loads(it.text)), answer(f"[{PAN[0]}.{PAN[1:]}e15]", "application/json")),
    Way("json-number-with-fraction", text, answer(f"[{PAN}.00]", "application/json")),
    Way("json-negative-number", text, answer(f"[-{PAN}]", "application/json")),
    Way("json-data-uri", lambda it: unb64(jpath(it, "u").partition(",")[2]).decode(),
        answer(json.dumps({"u": f"data:text/plain;base64,{b64(PAN)}"}), "application/json")),
    Way("json-jwt", lambda it: unb64(jpath(it, "t").split(".")[1]).decode(), answer(json.dumps({"t": JWT}), "application/json")),
    Way("json-hex-with-colons", lambda it: bytes.fromhex(jpath(it, "h").replace(":", "")).decode(),
        answer(json.dumps({"h": PAN.encode().hex(":")}), "application/json")),
    Way("json-url-encoded-twice", lambda it: urllib.parse.unquote(urllib.parse.unquote(it.text)),
        answer(json.dumps({"u": "".join(f"%25{ord(c):02x}" for c in PAN)}), "application/json")),
    Way("json-lines-split", lambda it: "".join(json.loads(line)["t"] for line in it.text.splitlines()),
        answer("".join(json.dumps({"t": half}) + "\n" for half in HALVES), "application/x-ndjson")),
    Way("json-lines-nested", lambda it: json.loads(json.loads(it.text.splitlines()[1])["t"])["n"],
        answer('{"t": "1"}\n' + json.dumps({"t": json.dumps({"n": PAN})}) + "\n", "application/x-ndjson")),
    # --- forms and tables ---
    Way("form-encoded-digits", lambda it: digits(str(urllib.parse.parse_qsl(it.text))),
        answer("pan=" + "".join(f"%{ord(c):02x}" for c in PAN), "application/x-www-form-urlencoded")),
    Way("form-plus-between", lambda it: digits(str(urllib.parse.parse_qsl(it.text))),
        answer("n=" + "+".join(QUARTERS), "application/x-www-form-urlencoded")),
    Way("form-split-over-fields", lambda it: "".join(value for _, value in urllib.parse.parse_qsl(it.text)),
        answer(f"a={HALVES[0]}&b={HALVES[1]}", "application/x-www-form-urlencoded")),
    Way("csv-quotes-doubled", joined, answer(f'id,note\n1,"no ""{"-".join(QUARTERS)}"" here"\n', "text/csv")),
    Way("csv-split-over-quoted-columns", lambda it: "".join(re.findall(r'"(\d{4})"', it.text)),
        answer("a,b,c,d\n" + ",".join(f'"{part}"' for part in QUARTERS) + "\n", "text/csv")),
    Way("csv-semicolons", joined, answer("a;b;c;d\n" + ";".join(QUARTERS) + "\n", "text/csv")),
    Way("tsv-split", joined, answer("\t".join(QUARTERS) + "\n", "text/tab-separated-values")),
    # --- markup ---
    Way("xml-attribute-entities", lambda it: html.unescape(it.text),
        answer("<c n='" + "".join(f"&#x{ord(c):x};" for c in PAN) + "'/>", "application/xml")),
    Way("xml-cdata-split", lambda it: re.sub(r"<!\[CDATA\[|\]\]>", "", it.text),
        answer(f"<c><![CDATA[{HALVES[0]}]]><![CDATA[{HALVES[1]}]]></c>", "text/xml")),
    Way("xml-comment", text, answer(f"<c><!-- {PAN} --></c>", "application/xml")),
    Way("xml-instruction", text, answer(f"<?n {PAN}?><c/>", "application/xml")),
    Way("xml-attributes-split", lambda it: "".join(re.findall(r'"(\d{8})"', it.text)),
        answer(f'<c a="{HALVES[0]}" b="{HALVES[1]}"/>', "application/soap+xml")),
    Way("html-spans", lambda it: re.sub("<[^>]*>", "", it.text),
        answer("<!doctype html><p>" + "".join(f"<span>{part}</span>" for part in QUARTERS), "text/html")),
    Way("html-script-json", text, answer(f"<html><script>window.x = {CARD.decode()}</script></html>", "text/html")),
    Way("html-escaped-twice", lambda it: html.unescape(html.unescape(it.text)),
        answer("<p>" + "".join(f"&amp;#{ord(c)};" for c in PAN), "text/html")),
    Way("html-data-attribute", lambda it: digits(html.unescape(it.text)),
        answer("<p data-n='" + "&nbsp;".join(QUARTERS) + "'>", "text/html")),
    Way("svg-labelled-an-image", text, answer(f"<svg><text>{PAN}</text></svg>", "image/svg+xml")),
    # --- texts ---
    Way("text-utf-7", lambda it: it.decoded.decode("utf-7"),
        answer("".join(f"+{b64(c.encode('utf-16-be')).rstrip('=')}-" for c in PAN), "text/plain; charset=utf-7"), 502),
    Way("text-utf-16-unmarked", lambda it: it.decoded.decode("utf-16-le"), answer(PAN.encode("utf-16-le"), "text/plain; charset=utf-16")),
    Way("text-base64-lines", lambda it: unb64(it.text.replace("\n", "")).decode(),
        answer("\n".join(re.findall(".{1,12}", b64(f"the card is {PAN} and more"))) + "\n")),
    Way("text-hex-dump", lambda it: bytes.fromhex(it.text).decode(), answer(PAN.encode().hex(" "))),
    Way("yaml-digits-folded", joined, answer("n: >-\n  " + "\n  ".join(QUARTERS) + "\n", "application/yaml")),
    Way("message-in-base64", in_b64, answer(f"From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64('card ' + PAN)}", "message/rfc822")),
    Way("vcard-soft-breaks", lambda it: quopri.decodestring(it.decoded).decode(),
        answer(f"BEGIN:VCARD\r\nNOTE;ENCODING=QUOTED-PRINTABLE:{HALVES[0]}=\r\n{HALVES[1]}\r\nEND:VCARD", "text/x-vcard")),
    Way("an-archive-in-text", lambda it: decode("gzip", it.decoded).decode(), answer(gzip.compress(PAN.encode()), "text/plain")),
    # --- headers, framing ---
    Way("header-base64", lambda it: unb64(it.get("X-Cursor")).decode(), answer("x", headers=[("X-Cursor", b64(f"after:{PAN}"))])),
    Way("header-percent", lambda it: urllib.parse.unquote(it.get("Link")),
        answer("x", headers=[("Link", "</c?after=" + "".join(f"%{ord(c):02X}" for c in PAN) + '>; rel="next"')])),
    Way("header-disposition-5987", lambda it: urllib.parse.unquote(it.get("Content-Disposition")),
        answer("x", headers=[("Content-Disposition", "attachment; filename*=UTF-8''" + "".join(f"%{ord(c):02x}" for c in PAN))])),
    Way("header-etag-hex", lambda it: bytes.fromhex(it.get("ETag").strip('W/"')).decode(),
        answer("x", headers=[("ETag", f'"{PAN.encode().hex()}"')])),
    Way("header-name", headers, answer("x", headers=[(f"X-{PAN}", "1")])),
    Way("header-content-type", headers, answer("x", f"text/plain; of={PAN}")),
    Way("header-boundary", headers, answer(f"--{PAN}--\r\n", f"multipart/mixed; boundary={PAN}")),
    Way("header-cache-control", headers, answer("x", headers=[("Cache-Control", f"max-age={PAN}")])),
    Way("header-vary", headers, answer("x", headers=[("Vary", f"x-{PAN}")])),
    Way("header-age", headers, answer("x", headers=[("Age", PAN)])),
    Way("header-expires", headers, answer("x", headers=[("Expires", PAN)])),
    Way("header-last-modified", headers, answer("x", headers=[("Last-Modified", PAN)])),
    Way("header-coding", headers, answer("x", headers=[("Content-Encoding", f"x-{PAN}")]), 502),
    Way("header-split-over-three", lambda it: "".join(it.get(f"X-{n}") or "" for n in "abc"),
        answer("x", headers=[("X-a", PAN[:6]), ("X-b", PAN[6:11]), ("X-c", PAN[11:])])),
    Way("header-twice", lambda it: "".join(it.all("X-Part")), answer("x", headers=[("X-Part", HALVES[0]), ("X-Part", HALVES[1])])),
    Way("header-digits-spaced", lambda it: digits(it.get("X-Note")), answer("x", headers=[("X-Note", " ".join(PAN))])),
    Way("refresh", headers, answer("x", headers=[("Refresh", f"0; url=/c/{PAN}")])),
    Way("location-query", lambda it: urllib.parse.unquote(it.get("Location")),
        answer("", None, "302 Found", [("Location", "/c?n=" + "".join(f"%{ord(c):02X}" for c in PAN))]), 302),
    Way("trailer-base64", lambda it: unb64(dict(it.trailers)["X-End"]).decode(),
        answer(chunks=[b"x"], headers=[("Trailer", "X-End")], trailers=[("X-End", b64(PAN))])),
    Way("chunk-sizes", lambda it: "".join(str(size - 1) for size in it.sizes[:-1]),
        answer(chunks=[b"x" * (int(digit) + 1) for digit in PAN])),
    Way("empty-type", text, answer(CARD, None)),
    Way("error-page", text, answer(f"<h1>500</h1>no such card {PAN}", "text/html", "500 Internal Server Error"), 500),
    # --- events ---
    Way("sse-id-hex", lambda it: bytes.fromhex(re.search(r"^id: (\w+)$", it.text, re.M)[1]).decode(),
        streamed("text/event-stream", [f"id: {PAN.encode().hex()}\ndata: x\n\n".encode()])),
    Way("sse-event-name", text, streamed("text/event-stream", [f"event: n{PAN}\ndata: x\n\n".encode()])),
    Way("sse-retry", text, streamed("text/event-stream", [f"retry: {PAN}\ndata: x\n\n".encode()])),
    Way("sse-unknown-field", text, streamed("text/event-stream", [f"note: {PAN}\ndata: x\n\n".encode()])),
    Way("sse-comments-split", lambda it: "".join(re.findall(r"^: ?(\d+)$", it.text, re.M)),
        streamed("text/event-stream", [f": {half}\n".encode() for half in HALVES] + [b"data: x\n\n"])),
    Way("sse-ids-split", lambda it: "".join(re.findall(r"^id: ?(\d+)$", it.text, re.M)),
        streamed("text/event-stream", [f"id: {half}\ndata: x\n\n".encode() for half in HALVES])),
    Way("sse-data-lines-split", joined, streamed("text/event-stream", ["".join(f"data: {part}\n" for part in QUARTERS).encode() + b"\n"])),
    Way("sse-unfinished-event", text, streamed("text/event-stream", [f"data: {PAN}".encode()])),
]

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


def asked(**more):
    return json.dumps({"model": "m-1", "messages": [{"role": "user", "content": "hello"}], **more}).encode()


def model(id, seen, answer, path=CHAT, status=200, **more):
    body = more.pop("body", None) or asked(max_tokens=9)
    return Way(id, seen, answer, status, "POST", path, (("Content-Type", "application/json"),), body, **more)


def chat(*deltas, index=0):
    return [{"id": "x", "object": "chat.completion.chunk", "choices": [{"index": index, "delta": delta}]} for delta in deltas]


def of_deltas(*names):
    """The text that one member of all deltas makes."""
    def seen(came):
        out = ""
        for event in events(came):
            found = event["choices"][0]["delta"] if event.get("choices") else {}
            for name in names:
                found = (found[name] if isinstance(name, int) else found.get(name)) if found else None
            out += found or ""
        return out
    return seen


def anthropic(*deltas):
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return sse(start, *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
               {"type": "content_block_stop", "index": 0}, {"type": "message_stop"}, named=True)


def of_anthropic(name):
    return lambda came: "".join(event.get("delta", {}).get(name, "") for event in events(came))


def token(text):
    return {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": []}


def whole(**more):
    return answer(json.dumps({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": more}]}), "application/json")


RESPONSE_EVENTS = [
    {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "none"},
    {"type": "response.output_text.done", "item_id": "i", "output_index": 0, "content_index": 0, "text": f"it is {PAN}"},
]

MODELS = [
    model("chat-tool-arguments", lambda it: of_deltas("tool_calls", 0, "function", "arguments")(it),
          sse(*chat(*({"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"n": "', *QUARTERS, '"}'))), "[DONE]")),
    model("chat-tool-arguments-escaped", lambda it: json.loads(of_deltas("tool_calls", 0, "function", "arguments")(it))["n"],
          sse(*chat(*({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
                      for part in ('{"n": "', *(piece for c in PAN for piece in ("\\u00", f"{ord(c):02x}")), '"}'))), "[DONE]")),
    model("chat-reasoning", of_deltas("reasoning"), sse(*chat(*({"reasoning": digit} for digit in PAN)), "[DONE]")),
    model("chat-refusal", of_deltas("refusal"), sse(*chat(*({"refusal": part} for part in QUARTERS)), "[DONE]")),
    model("chat-second-choice", lambda it: "".join(event["choices"][0]["delta"]["content"] for event in events(it) if event["choices"][0]["index"] == 1),
          sse(*(event for part in QUARTERS for index in (0, 1) for event in chat({"content": part if index else "7"}, index=index)), "[DONE]")),
    model("chat-several-choices-in-an-event", lambda it: "".join(event["choices"][1]["delta"]["content"] for event in events(it)),
          sse(*({"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": part}}]} for part in QUARTERS), "[DONE]")),
    model("chat-audio-transcript", of_deltas("audio", "transcript"), sse(*chat(*({"audio": {"transcript": part}} for part in QUARTERS)), "[DONE]")),
    model("chat-logprobs", lambda it: "".join(found["token"] for event in events(it) for found in event["choices"][0]["logprobs"]["content"]),
          sse(*({"choices": [{"index": 0, "delta": {"content": part}, "logprobs": {"content": [token(part)]}}]} for part in QUARTERS), "[DONE]")),
    model("chat-logprobs-bytes", lambda it: "".join(chr(byte) for event in events(it) for found in event["choices"][0]["logprobs"]["content"] for byte in found["bytes"]),
          sse(*({"choices": [{"index": 0, "delta": {"content": part}, "logprobs": {"content": [token(part)]}}]} for part in QUARTERS), "[DONE]")),
    model("chat-top-logprobs", lambda it: "".join(event["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["token"] for event in events(it)),
          sse(*({"choices": [{"index": 0, "delta": {"content": part}, "logprobs": {"content": [{**token(part), "top_logprobs": [token(part)]}]}}]} for part in QUARTERS), "[DONE]")),
    model("chat-unknown-member", of_deltas("x_thoughts"), sse(*chat(*({"x_thoughts": part} for part in QUARTERS)), "[DONE]")),
    model("chat-role", of_deltas("role"), sse(*chat({"role": f"assistant {PAN}"}, {"content": "x"}), "[DONE]")),
    model("chat-ids-split", lambda it: "".join(event["id"] for event in events(it)),
          sse(*({"id": part, "choices": [{"index": 0, "delta": {"content": "x"}}]} for part in QUARTERS), "[DONE]")),
    model("chat-usage-numbers", lambda it: str(events(it)[-1]["usage"]["prompt_tokens"]),
          sse(*chat({"content": "x"}), {"choices": [], "usage": {"prompt_tokens": int(PAN)}}, "[DONE]")),
    model("chat-done-is-the-number", text, sse(*chat({"content": "x"}), PAN)),
    model("chat-whole-tool-arguments", lambda it: json.loads(jpath(it, "choices", 0, "message", "tool_calls", 0, "function", "arguments"))["n"],
          whole(role="assistant", tool_calls=[{"id": "t", "type": "function", "function": {"name": "pay", "arguments": json.dumps({"n": PAN})}}])),
    model("chat-whole-parts", lambda it: "".join(part["text"] for part in jpath(it, "choices", 0, "message", "content")),
          whole(role="assistant", content=[{"type": "text", "text": part} for part in QUARTERS])),
    model("chat-whole-annotation-url", lambda it: urllib.parse.unquote(it.text),
          whole(role="assistant", content="x", annotations=[{"type": "url_citation", "url": "https://a.test/?n=" + "%20".join(HALVES) + "&m=" + "".join(f"%{ord(c):02x}" for c in PAN)}])),
    model("image-b64-json-is-text", lambda it: unb64(jpath(it, "data", 0, "b64_json")).decode(),
          answer(json.dumps({"data": [{"b64_json": b64(f"PNG {PAN}")}]}), "application/json"), "/v1/images/generations", body=b'{"model":"m-1","prompt":"a"}'),
    model("completions-text", lambda it: "".join(event["choices"][0]["text"] for event in events(it)),
          sse(*({"object": "text_completion", "choices": [{"index": 0, "text": digit}]} for digit in PAN), "[DONE]"), "/v1/completions", body=b'{"model":"m-1","prompt":"a"}'),
    model("responses-done-repeats", text, sse(*RESPONSE_EVENTS, named=True), RESPONSES, body=b'{"model":"m-1","input":"a"}'),
    model("responses-function-arguments", lambda it: "".join(event["delta"] for event in events(it)),
          sse(*({"type": "response.function_call_arguments.delta", "item_id": "i", "output_index": 0, "delta": part} for part in ('{"n":', *QUARTERS, "}")), named=True),
          RESPONSES, body=b'{"model":"m-1","input":"a"}'),
    model("responses-reasoning-summary", lambda it: "".join(event["delta"] for event in events(it)),
          sse(*({"type": "response.reasoning_summary_text.delta", "item_id": "i", "output_index": 0, "summary_index": 0, "delta": part} for part in QUARTERS), named=True),
          RESPONSES, body=b'{"model":"m-1","input":"a"}'),
    model("responses-code-interpreter", lambda it: "".join(event["delta"] for event in events(it)),
          sse(*({"type": "response.code_interpreter_call_code.delta", "item_id": "i", "output_index": 0, "delta": part} for part in ("n = ", *QUARTERS)), named=True),
          RESPONSES, body=b'{"model":"m-1","input":"a"}'),
    model("anthropic-partial-json", of_anthropic("partial_json"),
          anthropic(*({"type": "input_json_delta", "partial_json": part} for part in ('{"n": "', *QUARTERS, '"}'))), MESSAGES),
    model("anthropic-thinking", of_anthropic("thinking"), anthropic(*({"type": "thinking_delta", "thinking": digit} for digit in PAN)), MESSAGES),
    model("anthropic-block-start", lambda it: "".join(event["content_block"]["text"] for event in events(it)),
          sse(*({"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": half}} for at, half in enumerate(HALVES)), named=True), MESSAGES),
    model("anthropic-start-then-delta", lambda it: "".join(event.get("content_block", event.get("delta", {})).get("text", "") for event in events(it)),
          sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": HALVES[0]}},
              {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": HALVES[1]}}, named=True), MESSAGES),
    model("anthropic-error-event", text, sse({"type": "error", "error": {"type": "overloaded_error", "message": f"card {PAN}"}}, named=True), MESSAGES),
    model("gemini-parts", lambda it: "".join(event["candidates"][0]["content"]["parts"][0]["text"] for event in events(it)),
          sse(*({"candidates": [{"content": {"parts": [{"text": part}]}, "index": 0}]} for part in QUARTERS)),
          "/v1beta/models/g:streamGenerateContent", body=b'{"contents":[{"parts":[{"text":"a"}]}]}'),
    model("gemini-array", lambda it: "".join(event["candidates"][0]["content"]["parts"][0]["text"] for event in json.loads(it.text)),
          answer(json.dumps([{"candidates": [{"content": {"parts": [{"text": part}]}, "index": 0}]} for part in QUARTERS]), "application/json"),
          "/v1beta/models/g:streamGenerateContent", body=b'{"contents":[{"parts":[{"text":"a"}]}]}'),
    model("ollama-chat", lambda it: "".join(json.loads(line)["message"]["content"] for line in it.text.splitlines()),
          streamed("application/x-ndjson", [json.dumps({"model": "m", "message": {"content": digit}, "done": False}).encode() + b"\n" for digit in PAN]), "/api/chat"),
    model("ollama-generate", lambda it: "".join(json.loads(line)["response"] for line in it.text.splitlines()),
          streamed("application/x-ndjson", [json.dumps({"model": "m", "response": part, "done": False}).encode() + b"\n" for part in QUARTERS]),
          "/api/generate", body=b'{"model":"m-1","prompt":"a"}'),
    model("a-stream-not-labelled-so", of_deltas("content"), streamed("text/plain", [f"data: {json.dumps(event)}\n\n".encode() for event in chat(*({"content": part} for part in QUARTERS))])),
    model("a-stream-in-gzip", lambda it: of_deltas("content")(it),
          answer(gzip.compress("".join(f"data: {json.dumps(event)}\n\n" for event in chat(*({"content": digit} for digit in PAN))).encode()), "text/event-stream",
                 headers=[("Content-Encoding", "gzip")])),
]


# --- what goes out ------------------------------------------------------------------------------------------

JSON = (("Content-Type", "application/json"),)


def raw(came):
    return came.raw.decode("latin-1")


def body(came):
    return came.body.decode("latin-1")


def body_joined(came):
    return digits(came.body)


def target(came):
    return came.target


def sent(id, seen, path="/ok", method="POST", headers=JSON, body=b"", **more):
    return Way(id, seen, None, 0, method, path, headers, body.encode() if isinstance(body, str) else body, **more)


def upload(head, data, sub="form-data"):
    made, kind = multipart((head, data), sub=sub)
    return {"headers": (("Content-Type", kind),), "body": made}


def prompt(id, seen, message, path=CHAT, **more):
    return sent(id, seen, path, body=json.dumps({"model": "m-1", "max_tokens": 9, "messages": [message], **more}))


def bodies_b64(came):
    return " ".join(unb64(run).decode("latin-1") for run in re.findall(r"[A-Za-z0-9+/]{20,}", body(came)))


REQUESTS = [
    sent("json", body, body=CARD),
    sent("json-number", body, body=f'{{"n": {PAN}}}'),
    sent("json-escapes", lambda it: str(json.loads(it.body)), body='{"n": "' + "".join(f"\\u{ord(c):04x}" for c in PAN) + '"}'),
    sent("json-split", body_joined, body=json.dumps({"a": HALVES[0], "b": HALVES[1]})),
    sent("json-base64", bodies_b64, body=json.dumps({"a": b64(f"the card {PAN}")})),
    sent("form", lambda it: urllib.parse.unquote_plus(body(it)), headers=(("Content-Type", "application/x-www-form-urlencoded"),), body="n=%34" + PAN[1:]),
    sent("text-without-a-type", body, headers=(), body=PAN),
    sent("gzip", lambda it: gzip.decompress(it.body).decode(), headers=(*JSON, ("Content-Encoding", "gzip")), body=gzip.compress(CARD)),
    sent("deflate", lambda it: zlib.decompress(it.body).decode(), headers=(*JSON, ("Content-Encoding", "deflate")), body=zlib.compress(CARD)),
    sent("br", lambda it: brotli.decompress(it.body).decode(), headers=(*JSON, ("Content-Encoding", "br")), body=brotli.compress(CARD)),
    sent("zstd", lambda it: zstandard.decompress(it.body).decode(), headers=(*JSON, ("Content-Encoding", "zstd")), body=zstandard.compress(CARD)),
    sent("gzip-not-labelled", lambda it: gzip.decompress(it.body).decode(), body=gzip.compress(CARD)),
    sent("unknown-coding", lambda it: bytes(byte ^ 1 for byte in it.body).decode(), headers=(*JSON, ("Content-Encoding", "xor")), body=bytes(byte ^ 1 for byte in CARD)),
    sent("upload", body, **upload('Content-Disposition: form-data; name="f"; filename="a.txt"', f"card {PAN}".encode())),
    sent("upload-file-name", body, **upload(f'Content-Disposition: form-data; name="f"; filename="{PAN}.txt"', b"x")),
    sent("upload-field-name", body, **upload(f'Content-Disposition: form-data; name="{PAN}"', b"x")),
    sent("upload-csv", body_joined, **upload('Content-Disposition: form-data; name="f"; filename="a.csv"\r\nContent-Type: text/csv', ("a,b,c,d\r\n" + ",".join(QUARTERS) + "\r\n").encode())),
    sent("upload-gzip", lambda it: gzip.decompress(it.body.split(b"\r\n\r\n")[1].rsplit(b"\r\n--edge--")[0]).decode(),
         **upload('Content-Disposition: form-data; name="f"; filename="a.gz"', gzip.compress(PAN.encode()))),
    sent("upload-jsonl-for-a-model", body, "/v1/files", **upload('Content-Disposition: form-data; name="file"; filename="a.jsonl"', CARD + b"\n")),
    sent("large-behind-what-is-held", body, headers=(("Content-Type", "text/plain"),), body="word " * 300_000 + PAN),
    sent("large-across-what-is-held", body, headers=(("Content-Type", "text/plain"),), body=" " * ((1 << 20) - 8) + PAN + " tail" * 10_000),
    sent("chunked", body, headers=(*JSON, ("Transfer-Encoding", "chunked")), body=chunked(CARD, 3)),
    sent("trailer", lambda it: str(it.trailers), headers=(*JSON, ("Transfer-Encoding", "chunked")), body=chunked(b"{}")[:-2] + f"X-End: {PAN}\r\n\r\n".encode()),
    sent("path", target, f"/ok/{PAN}", "GET", ()),
    sent("path-encoded", lambda it: urllib.parse.unquote(it.target), "/ok/" + "".join(f"%{ord(c):02x}" for c in PAN), "GET", ()),
    sent("path-encoded-twice", lambda it: urllib.parse.unquote(urllib.parse.unquote(it.target)), "/ok/" + "".join(f"%25{ord(c):02x}" for c in PAN), "GET", ()),
    sent("path-split", lambda it: digits(it.target), "/ok/" + "/".join(QUARTERS), "GET", ()),
    sent("query", target, f"/ok?n={PAN}", "GET", ()),
    sent("query-name", target, f"/ok?{PAN}=1", "GET", ()),
    sent("query-encoded-twice", lambda it: urllib.parse.unquote(urllib.parse.unquote(it.target)), "/ok?n=" + "".join(f"%25{ord(c):02x}" for c in PAN), "GET", ()),
    sent("query-base64", lambda it: unb64(it.target.partition("=")[2]).decode(), f"/ok?n={b64('card ' + PAN).rstrip('=')}", "GET", ()),
    sent("query-split", lambda it: digits(it.target), f"/ok?a={HALVES[0]}&b={HALVES[1]}", "GET", ()),
    sent("sent-header", raw, "/ok", "GET", (("X-Note", PAN),)),
    sent("sent-header-base64", lambda it: unb64(it.get("X-Note")).decode(), "/ok", "GET", (("X-Note", b64(f"card {PAN}")),)),
    sent("sent-header-split", lambda it: (it.get("X-A") or "") + (it.get("X-B") or ""), "/ok", "GET", (("X-A", HALVES[0]), ("X-B", HALVES[1]))),
    sent("sent-header-name", raw, "/ok", "GET", ((f"X-{PAN}", "1"),)),
    sent("cookie", raw, "/ok", "GET", (("Cookie", f"n={PAN}"),)),
    sent("user-agent", raw, "/ok", "GET", (("User-Agent", f"curl/{PAN}"),)),
    sent("referer", raw, "/ok", "GET", (("Referer", f"https://shop.test/{PAN}"),)),
    sent("if-none-match", raw, "/ok", "GET", (("If-None-Match", f'"{PAN}"'),)),
    sent("if-modified-since", raw, "/ok", "GET", (("If-Modified-Since", PAN),)),
    sent("range", raw, "/ok", "GET", (("Range", f"bytes={PAN}-"),)),
    sent("idempotency-key", raw, "/ok", "POST", (*JSON, ("Idempotency-Key", PAN)), "{}"),
    sent("content-type", raw, "/ok", "POST", (("Content-Type", f"application/json; n={PAN}"),), "{}"),
    sent("cache-control", raw, "/ok", "GET", (("Cache-Control", f"max-age={PAN}"),)),
    sent("basic-password", lambda it: unb64((it.get("X-Forwarded-Authorization") or "").partition(" ")[2]).decode(), "/ok", "GET",
         (("X-Forwarded-Authorization", "Basic " + b64(f"card:{PAN}")),)),
    sent("method", raw, "/ok", PAN, ()),
    # --- to a model ---
    prompt("prompt", body, {"role": "user", "content": f"pay with {PAN}"}),
    prompt("prompt-parts", lambda it: "".join(part["text"] for part in json.loads(it.body)["messages"][0]["content"]), {"role": "user", "content": [{"type": "text", "text": half} for half in HALVES]}),
    prompt("prompt-data-uri", bodies_b64, {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64," + b64(f"my card {PAN}")}}]}),
    prompt("prompt-tool-result", body, {"role": "tool", "tool_call_id": "t", "content": CARD.decode()}),
    prompt("prompt-tool-arguments", lambda it: json.loads(json.loads(it.body)["messages"][0]["tool_calls"][0]["function"]["arguments"])["n"],
           {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "pay", "arguments": json.dumps({"n": PAN})}}]}),
    prompt("prompt-name", body, {"role": "user", "name": PAN, "content": "x"}),
    prompt("prompt-user", body, {"role": "user", "content": "x"}, user=PAN),
    prompt("prompt-metadata", body, {"role": "user", "content": "x"}, metadata={"card": PAN}),
    prompt("prompt-stop", body, {"role": "user", "content": "x"}, stop=[PAN]),
    prompt("prompt-tool-description", body, {"role": "user", "content": "x"}, tools=[{"type": "function", "function": {"name": "pay", "description": f"with {PAN}", "parameters": {}}}]),
    prompt("prompt-image-url", body, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"https://a.test/{PAN}.png"}}]}),
    prompt("prompt-anthropic-tool-result", body, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": f"card {PAN}"}]}]}, MESSAGES),
    prompt("prompt-anthropic-system", body, {"role": "user", "content": "x"}, MESSAGES, system=[{"type": "text", "text": PAN}]),
    prompt("prompt-anthropic-document", bodies_b64, {"role": "user", "content": [{"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": b64(f"card: {PAN}")}}]}, MESSAGES),
    prompt("prompt-member-not-known", body, {"role": "user", "content": "x"}, x_more={"deep": [{"er": PAN}]}),
    prompt("prompt-spoken", lambda it: digits(it.body), {"role": "user", "content": " ".join(PAN)}),
    sent("responses-input", body, RESPONSES, body=json.dumps({"model": "m-1", "input": [{"role": "user", "content": [{"type": "input_text", "text": PAN}]}]})),
    sent("responses-call-output", body, RESPONSES, body=json.dumps({"model": "m-1", "input": [{"type": "function_call_output", "call_id": "c", "output": CARD.decode()}]})),
    sent("embeddings-list", body, "/v1/embeddings", body=json.dumps({"model": "m-1", "input": ["a", f"b {PAN}"]})),
    sent("ollama-images", bodies_b64, "/api/chat", body=json.dumps({"model": "m-1", "messages": [{"role": "user", "content": "x", "images": [b64(f"GIF {PAN} text")]}]})),
    sent("gemini-inline-data", bodies_b64, "/v1beta/models/g:generateContent",
         body=json.dumps({"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": b64(f"card {PAN} here")}}]}]})),
]


# What leaks still: why, and on which kinds of connections. Expected to fail; whatever is mended is taken out.
BOTH, HTTP = ("http", "llm"), ("http",)
KNOWN = {
    "json-split-over-names": ("names and values are not read as one text", BOTH),
    "json-lines-split": ("lines of JSON are one text only where a model is known to answer in them", BOTH),
    "chat-ids-split": ("ids of events are not read as one text", BOTH),
}


# --- the credential -----------------------------------------------------------------------------------------

def as_json(text):
    return "".join(f"\\u{ord(c):04x}" for c in text)


ECHOES = {
    "plain": answer(f"you sent {SECRET}"),
    "json": answer(json.dumps({"headers": {"Authorization": f"Bearer {SECRET}"}}), "application/json"),
    "json-slashes": answer(json.dumps({"a": SECRET}).replace("/", "\\/"), "application/json"),
    "json-escaped": answer(f'{{"a": "{as_json(SECRET)}"}}', "application/json"),
    "json-in-json": answer(json.dumps({"a": json.dumps({"b": SECRET})}), "application/json"),
    "base64": answer(b64(SECRET)),
    "base64-of-the-field": answer(json.dumps({"a": b64(f"Bearer {SECRET}")}), "application/json"),
    "base64-shifted": answer(b64(f"x{SECRET}y")),
    "base64-shifted-twice": answer(b64(f"xx{SECRET}yy")),
    "base64url": answer(b64(SECRET).replace("+", "-").replace("/", "_").rstrip("=")),
    "hex": answer(SECRET.encode().hex()),
    "hex-upper": answer(SECRET.encode().hex().upper()),
    "percent": answer(urllib.parse.quote(SECRET, safe="")),
    "percent-lower": answer(re.sub("%..", lambda it: it[0].lower(), urllib.parse.quote(SECRET, safe=""))),
    "percent-slash-kept": answer(urllib.parse.quote(SECRET)),
    "percent-all": answer("".join(f"%{ord(c):02X}" for c in SECRET)),
    "html": answer(f"<p>{html.escape(SECRET)}</p>", "text/html"),
    "html-numbers": answer("<p>" + "".join(f"&#{ord(c)};" for c in SECRET) + "</p>", "text/html"),
    "xml": answer(f"<a b='{html.escape(SECRET)}'/>", "application/xml"),
    "gzip": coded(gzip.compress(SECRET.encode()), "gzip", "text/plain"),
    "br": coded(brotli.compress(SECRET.encode()), "br", "text/plain"),
    "utf-16": answer(SECRET.encode("utf-16"), "text/plain; charset=utf-16"),
    "header": answer("x", headers=[("X-Echo", f"Bearer {SECRET}")]),
    "header-base64": answer("x", headers=[("X-Echo", b64(SECRET))]),
    "set-cookie": answer("x", headers=[("Set-Cookie", f"t={SECRET}")]),
    "challenge": answer("x", status="401 Unauthorized", headers=[("WWW-Authenticate", f'Bearer error="{SECRET}"')]),
    "location": answer("", None, "302 Found", [("Location", f"/login?token={urllib.parse.quote(SECRET, safe='')}")]),
    "trailer": answer(chunks=[b"x"], trailers=[("X-Echo", SECRET)]),
    "error": answer(f"bad token {SECRET}", status="500 Internal Server Error"),
    "cut": [answer(chunks=[b"x"])[:-5].replace(b"1\r\nx\r\n", b""), *(b"1\r\n%c\r\n" % byte for byte in SECRET.encode()), b"0\r\n\r\n"],
    "event": sse({"delta": SECRET}),
    "multipart": of_parts(("Content-Type: text/plain", SECRET.encode())),
    "form": answer(urllib.parse.urlencode({"a": SECRET}), "application/x-www-form-urlencoded"),
}


def spellings(came):
    """An answer, and what can be made of it in a few steps."""
    found = [came.raw, came.decoded, str(came.trailers).encode()]
    text = came.decoded.decode("latin-1")
    found += [urllib.parse.unquote_to_bytes(text), html.unescape(text).encode("utf-8", "replace"), text.encode("latin-1").replace(b"\0", b"")]
    found += [urllib.parse.unquote_to_bytes(str(came.headers))]
    found += [text.replace("\\/", "/").replace('\\"', '"').encode("latin-1"), re.sub(r"\\u00(..)", lambda it: chr(int(it[1], 16)), text).encode("latin-1")]
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", text + str(came.headers)):
        found.append(unb64(run))
    for run in re.findall(r"(?:[0-9a-fA-F]{2}){8,}", text):
        found.append(bytes.fromhex(run))
    return found


def tells_secret(came):
    """Whether the credential can be had from an answer."""
    return any(SECRET.encode() in spelling for spelling in spellings(came))
