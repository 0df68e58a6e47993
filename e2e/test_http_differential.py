"""With nothing sensitive inside, what an agent and an upstream get of each other is what they get without a gateway."""

import pytest

from panguard_test import Gateway
from panguard_test.exchange import decode, fetch
from panguard_test.ordinary_http import COUNT, exchanges
from panguard_test.site import Site

POLICIES = "permit (principal, action, resource);"

# What differs, and why: fields of a hop and how a body is framed, which each hop has for itself; what panguard takes out or
# makes weak on purpose (`header.rs` says of each why).
OF_A_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "trailer"}
SENT_ANEW = {"host", "authorization", "te", "accept-encoding", *OF_A_HOP}

# Images and the like are withheld where card data is expected, unless the operator says otherwise.
CONNECTIONS = {
    "http": {"type": "http", "opaque": "pass"},
    "llm": {"type": "llm", "opaque": "pass"},
    "cde": {"type": "http", "opaque": "pass", "labels": ["cde"]},
    "llm-cde": {"type": "llm", "opaque": "pass", "labels": ["cde"]},
}


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Site() as site:
        connections = {name: site.connection(**how) for name, how in CONNECTIONS.items()}
        with Gateway(tmp_path_factory.mktemp("differential"), issuer, connections, POLICIES) as gateway:
            yield site, gateway, issuer.agent(lifetime=3600)


def fields(came, but):
    return sorted((name.lower(), value) for name, value in came.headers if name.lower() not in but)


def test_there_are_enough_exchanges_and_of_every_sort():
    assert len(exchanges()) == COUNT >= 200
    raws = [b"".join(exchange.pieces) for exchange in exchanges()]
    for sign in (b" 204 ", b" 304 ", b" 418 ", b" 503 ", b"chunked", b"Encoding: br", b"Encoding: zstd", b"Encoding: deflate", b"Encoding: gzip, br",
                 b"event-stream", b"ndjson", b"multipart", b"image/", b"text/csv", b"urlencoded", b"xml", b"utf-16", b"iso-8859-1"):
        assert any(sign in raw for raw in raws), sign


@pytest.mark.parametrize("exchange", exchanges(), ids=lambda exchange: exchange.name)
def test_exchanges_are_the_same(ground, exchange):
    site, gateway, token = ground
    path = site.serves(exchange.pieces)
    ask = (exchange.method, exchange.headers, exchange.body)
    direct = fetch((site.host, site.port), path, *ask)
    sent = site.asked(path)[-1]
    for name in CONNECTIONS:
        came = fetch((gateway.host, gateway.http_port), f"/{name}{path}", *ask, token=token)
        assert came.status == direct.status, (name, came)
        assert came.complete
        assert came.decoded == direct.decoded, (name, came)
        if not direct.get("content-encoding"):
            assert came.body == direct.body
        added = {"date"} - {name.lower() for name, _ in direct.headers}
        assert fields(came, OF_A_HOP | added) == fields(direct, OF_A_HOP), name
        arrived = site.asked(path)[-1]
        assert arrived.method == sent.method and fields(arrived, SENT_ANEW) == fields(sent, SENT_ANEW), name
        assert content(arrived) == content(sent), name
        if not sent.get("content-encoding"):
            assert arrived.body == sent.body, name


def content(request):
    coding = request.get("content-encoding")
    return decode(coding, request.body) if coding else request.body
