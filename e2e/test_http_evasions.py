"""Every known way for a card number or a credential through HTTP, shown to leak directly, then tried through panguard.

The shared cases are judged by their own checker. Ours are in `panguard_test/leaks.py`. The policies allow all that a case
asks for, so that nothing but panguard's own understanding stands in the way.
"""

import base64
import collections
import contextlib
import re
import subprocess
import sys

import pytest

from panguard_test import Gateway, evasion, leaks
from panguard_test.exchange import fetch
from panguard_test.leaks import PAN
from panguard_test.process import free_port
from panguard_test.site import Site

SHARED = evasion.shared()
CASES = evasion.read(SHARED / "http.jsonl") if SHARED and (SHARED / "http.jsonl").is_file() else []
KINDS = ("http", "llm")

POLICIES = """
permit (principal, action == Action::"connect", resource);
permit (principal, action in [Action::"read", Action::"write", Action::"call"], resource is Endpoint);
permit (principal, action == Action::"call", resource is Model);
"""

# What the checker's cases ask for, and nothing beside.
CHECKED = """
permit (principal, action == Action::"connect", resource);
permit (principal, action in [Action::"read", Action::"write", Action::"call"], resource is Endpoint) when {
  resource.path like "/ok*" || resource.path like "/c/*" || resource.path like "/v1/*" ||
  resource.path like "/echo*" || resource.path like "/search*" || resource.path == "/"
};
permit (principal, action == Action::"call", resource is Model);
"""

# --- the shared cases ---------------------------------------------------------------------------------------

# The checker waits where a connection is kept, so parts of the cases are run at the same time. Those of raw bytes name
# their host, and so need a gateway of their own.
RAW = ("SMUG-.*[02468]$", "SMUG-.*[13579]$|-REQ-|-CRED-")
PARTS = ("^HTTP-(?!SMUG|REQ|CRED|WS)", *(case["id"] for case in CASES if case["group"] == "WS"))


class Shared:
    """Gateways of one kind of connection before the upstreams of the checker's processes."""

    def __init__(self, kind, stack, folder, issuer):
        self.token = issuer.agent()
        self.out, self.processes = folder, []
        ports = [free_port() for _ in PARTS]
        labels = {"type": kind, "labels": ["cde"], "secret": "injected-secret-123"}
        several = {f"up{at}": {**labels, "base_url": f"http://127.0.0.1:{port}"} for at, port in enumerate(ports)}
        gateway = stack.enter_context(Gateway(folder / "several", issuer, several, CHECKED))
        for at, (part, port) in enumerate(zip(PARTS, ports)):
            self.check(stack, gateway, f"/up{at}", port, part)
        for at, part in enumerate(RAW):
            port = free_port()
            one = {"up": {**labels, "base_url": f"http://127.0.0.1:{port}", "hosts": ["up.test"]}}
            self.check(stack, stack.enter_context(Gateway(folder / f"raw{at}", issuer, one, CHECKED)), "/up", port, part)

    def check(self, stack, gateway, prefix, port, part):
        out = self.out / f"verdicts{len(self.processes)}"
        command = [sys.executable, SHARED / "http_check.py", "--base", f"127.0.0.1:{gateway.http_port}", "--up-port", str(port),
                   "--prefix", prefix, "--auth", f"Bearer {self.token}", "--only", part, "--out", out]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        stack.callback(process.kill)
        self.processes.append((process, out))

    def verdicts(self):
        found = {}
        for process, out in self.processes:
            assert process.wait(120) == 0, process.stderr.read()
            found.update((case["id"], case) for case in evasion.read(out))
        return found


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory, issuer):
    """What the checker says of each case, by kind of connection."""
    with contextlib.ExitStack() as stack:
        run = {kind: Shared(kind, stack, tmp_path_factory.mktemp(kind), issuer) for kind in KINDS}
        return {kind: shared.verdicts() for kind, shared in run.items()}


@pytest.mark.skipif(not CASES, reason="the cases are in shared/evasions beside the repository: not there")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id", [case["id"] for case in CASES])
def test_nothing_is_to_be_had_by_a_shared_case(verdicts, kind, id):
    case = verdicts[kind][id]
    # A client that cannot read what it got has no number either.
    assert case["verdict"] in ("no leak", "ok", "error"), case


# What of the shared answers is not masked but withheld, or has a status of its own, and why. All others are answered as
# they are, with a mask: a gateway that refuses everything tells nothing either.
NOT_PLAIN = {
    "HTTP-BODY-07": (502, "JSON that is not valid"),
    "HTTP-BODY-24": (502, "a binary message"),
    "HTTP-BODY-27": (502, "a binary message"),
    "HTTP-BODY-30": (502, "a binary message"),
    "HTTP-BODY-31": (502, "a binary message"),
    "HTTP-BODY-32": (502, "a binary message"),
    "HTTP-BODY-33": (502, "a PDF"),
    "HTTP-BODY-34": (502, "an image"),
    "HTTP-ENC-15": (502, "the framing of the answer"),
    "HTTP-FRAME-06": (502, "it broke its answer off"),  # it says one byte more than it sends
    "HTTP-FRAME-19": (502, "it broke off before it answered"),
    "HTTP-HDR-12": (302, ""),
    "HTTP-HDR-14": (400, ""),
    "HTTP-UNI-15": (502, "XML with entities of its own"),
    "HTTP-UNI-25": (502, "text in a character set that is not known"),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory, issuer):
    """The checker's client, whose upstream is behind a gateway, by kind of connection."""
    with contextlib.ExitStack() as stack:
        found = {}
        for kind in KINDS:
            port = free_port()
            upstream = {"type": kind, "base_url": f"http://127.0.0.1:{port}", "labels": ["cde"], "secret": "injected-secret-123"}
            gateway = stack.enter_context(Gateway(tmp_path_factory.mktemp(f"played-{kind}"), issuer, {"up": upstream}, CHECKED))
            found[kind] = evasion.http_checker(base=f"127.0.0.1:{gateway.http_port}", up_port=port, prefix="/up",
                                               auth=f"Bearer {issuer.agent()}")
        yield found


@pytest.mark.skipif(not CASES, reason="the cases are in shared/evasions beside the repository: not there")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id", [case["id"] for case in CASES if "request" in case and case["group"] != "WS"])
def test_a_shared_answer_comes_back_masked_unless_nobody_can_mask_it(played, kind, id):
    (case,) = (case for case in CASES if case["id"] == id)
    answer = played[kind].fetch(case)
    status, why = NOT_PLAIN.get(id, (200, ""))
    assert (answer.status, why in answer.dec.decode("utf-8", "replace")) == (status, True), answer.dec[:500]


def plain_cases():
    """Shared answers in which the number stands as it is, and nothing is out of the ordinary."""
    for case in CASES:
        pieces = [base64.b64decode(piece) for piece in case.get("upstream") or []]
        raw = b"".join(piece for piece in pieces if not piece.startswith(b"!"))
        usual = case["group"] != "WS" and not case.get("dynamic") and case["id"] not in NOT_PLAIN
        if usual and PAN.encode() in raw.partition(b"\r\n\r\n")[2] and not any(piece.startswith(b"!repeat") for piece in pieces):
            yield pytest.param(raw, id=case["id"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", list(plain_cases()))
def test_what_holds_a_card_number_stays_the_same_around_it(ground, kind, raw):
    path = ground.site.serves([raw])
    direct, came = ground.direct(path).decoded, ground.through(kind, path).decoded
    mask, number = b"*" * 12 + PAN[-4:].encode(), PAN.encode()
    # A mask is no number; a longer run of digits goes whole.
    as_text = re.sub(rb"(?<=[:\s])(-?)%s(\.0)?(?=[,}])" % number, rb'"\1%s\2"' % mask, direct)
    as_run = re.sub(rb"\d*%s\d*" % number, lambda it: b"*" * len(it[0]), direct)
    if b"data:" in direct:
        assert mask in came and number not in came
    else:
        assert came in (direct.replace(number, mask), as_text, as_run)


# --- our own ------------------------------------------------------------------------------------------------


class Ground:
    """One upstream before which is nothing, and a gateway with a connection of each kind."""

    def __init__(self, folder, issuer, site):
        self.site = site
        self.token = issuer.agent(lifetime=3600)
        connections = {kind: site.connection(kind, labels=["cde"]) for kind in KINDS}
        self.gateway = Gateway(folder, issuer, connections, POLICIES)

    def through(self, kind, target, *arguments, **options):
        address = self.gateway.host, self.gateway.http_port
        return fetch(address, f"/{kind}{target}", *arguments, token=self.token, **options)

    def direct(self, target, *arguments, **options):
        return fetch((self.site.host, self.site.port), target, *arguments, **options)

    def serves(self, way):
        number = next(self.site.numbers)
        # Models are known by how a path ends.
        return self.site.serves(way.answer, f"/c/{number}{way.path}")


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Site() as site:
        ground = Ground(tmp_path_factory.mktemp("http-evasions"), issuer, site)
        with ground.gateway:
            yield ground


def seen_in(way, came):
    """What can be read of it; what cannot be read tells nothing."""
    try:
        return str(way.seen(came) or "")
    except (ValueError, LookupError, TypeError, AttributeError, OSError, leaks.zlib.error, leaks.zstandard.ZstdError,
            leaks.brotli.error):
        return ""


def params(ways):
    return [pytest.param(way, kind, id=f"{way.id}-{kind}", marks=marks(way, kind)) for way in ways for kind in KINDS]


def marks(way, kind):
    known, kinds = leaks.KNOWN.get(way.id, ("", ()))
    return [pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"leaks: {known}")] if kind in kinds else []


def test_there_are_many_ways_and_each_has_a_name():
    ways = leaks.ANSWERS + leaks.MODELS + leaks.REQUESTS
    names = collections.Counter(way.id for way in ways)
    assert len(ways) >= 150 and not [name for name, times in names.items() if times > 1]


@pytest.mark.parametrize("way, kind", params(leaks.ANSWERS + leaks.MODELS))
def test_no_card_number_comes_back(ground, way, kind):
    path = ground.serves(way)
    ask = (path, way.method, way.headers, way.body)
    if PAN not in str(way.seen(ground.direct(*ask))):
        pytest.fail("it shows nothing directly: it proves nothing")
    came = ground.through(kind, *ask)
    assert PAN not in seen_in(way, came), came
    assert PAN.encode() not in came.raw and PAN.encode() not in came.decoded
    assert came.status == way.status, came


@pytest.mark.parametrize("way, kind", params(leaks.REQUESTS))
def test_no_card_number_goes_out(ground, way, kind):
    tag = f"t{next(ground.site.numbers)}"
    ask = (way.method, (*way.headers, ("X-Tag", tag)), way.body)
    ground.direct(way.path, *ask)
    if PAN not in str(way.seen(tagged(ground, tag)[0])):
        pytest.fail("it shows nothing directly: it proves nothing")
    came = ground.through(kind, way.path, *ask)
    arrived = tagged(ground, tag)[1:]
    for request in arrived:
        assert PAN not in seen_in(way, request), request.raw
        assert PAN.encode() not in request.raw, request.raw
    assert (came.status < 400) == bool(arrived), (came, arrived)


def tagged(ground, tag):
    return [request for request in ground.site.requests if request.get("X-Tag") == tag]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id", list(leaks.ECHOES))
def test_an_upstream_that_says_the_credential_back_tells_it_to_nobody(ground, id, kind):
    path = ground.site.serves(leaks.ECHOES[id])
    assert leaks.tells_secret(ground.direct(path)), "it shows nothing directly: it proves nothing"
    came = ground.through(kind, path)
    assert came.status and not leaks.tells_secret(came), came
