"""How much each principal may ask of an HTTP system, and what is told and recorded beyond that."""

import json
import threading

import httpx

from panguard_test import until
from panguard_test.upstream_http import Upstream

ALL = "permit (principal, action, resource);"


def gateway_for(make_gateway, upstream, **limits):
    connection = {"type": "http", "base_url": upstream.url, "secret": "injected-secret-123", "limits": limits}
    return make_gateway(ALL, {"up": connection})


def client_for(token):
    return httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=20)


def refused(gateway):
    """The entries of requests that were refused because of a limit."""
    entries = (json.dumps(entry) for entry in gateway.audit())
    return [entry for entry in entries if "command_refused" in entry and "PGD-0013" in entry]


def test_requests_beyond_those_of_a_minute_are_refused_with_when_to_come_again(make_gateway, issuer):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, requests_per_minute=5)
        with client_for(issuer.agent("one")) as one, client_for(issuer.agent("two")) as two:
            answers = [one.get(gateway.url("up", f"/{number}")) for number in range(7)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
            told = answers[-1]
            assert told.headers["content-type"] == "application/problem+json"
            assert told.json()["code"] == "PGD-0013" and "5 requests a minute" in told.json()["detail"]
            assert 1 <= int(told.headers["retry-after"]) <= 12
            assert told.headers["x-should-retry"] == "true"
            assert two.get(gateway.url("up", "/")).status_code == 200, "another has a minute of their own"
        # Another token of the same agent is the same agent.
        with client_for(issuer.agent("one")) as again:
            assert again.get(gateway.url("up", "/")).status_code == 429
        assert len(upstream.requests) == 6, "what was refused was not sent"
        assert len(refused(gateway)) == 3
        assert any("GET /6" in entry for entry in refused(gateway)), "what was asked for is recorded"


def test_whoever_comes_again_when_they_are_told_to_is_let_in(make_gateway, issuer):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, requests_per_minute=30)
        with client_for(issuer.agent()) as client:
            answers = [client.get(gateway.url("up", "/")) for _ in range(31)]
            seconds = int(answers[-1].headers["retry-after"])
            assert seconds <= 2
            until(lambda: client.get(gateway.url("up", "/")).status_code == 200, "there is room", seconds + 1)


def test_no_more_requests_run_at_a_time_than_may(make_gateway, issuer):
    go = threading.Event()
    running = threading.Semaphore(0)

    def answer(request):
        if request["path"] == "/slow":
            running.release()
            go.wait(20)
        return 200, {"Content-Type": "application/json"}, b"{}"

    with Upstream(answer) as upstream:
        gateway = gateway_for(make_gateway, upstream, concurrent=2)
        with client_for(issuer.agent("one")) as client, client_for(issuer.agent("two")) as other:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(client.get(gateway.url("up", "/slow"))))
                       for _ in range(2)]
            for thread in threads:
                thread.start()
                assert running.acquire(timeout=20)
            told = client.get(gateway.url("up", "/"))
            assert (told.status_code, told.headers["retry-after"]) == (429, "1")
            assert "2 requests at a time" in told.text
            assert other.get(gateway.url("up", "/")).status_code == 200
            go.set()
            for thread in threads:
                thread.join()
            assert [answer.status_code for answer in answers] == [200, 200]
            until(lambda: client.get(gateway.url("up", "/")).status_code == 200, "there is room again", 5)
        assert len(refused(gateway)) == 1


def test_who_hangs_up_makes_room(make_gateway, issuer):
    go = threading.Event()

    def answer(request):
        if request["path"] == "/slow":
            go.wait(30)
        return 200, {}, b"ok"

    with Upstream(answer) as upstream:
        gateway = gateway_for(make_gateway, upstream, concurrent=1)
        token = issuer.agent()
        for _ in range(3):
            with client_for(token) as client:
                try:
                    client.get(gateway.url("up", "/slow"), timeout=0.5)
                    raise AssertionError("it should not have been answered")
                except httpx.ReadTimeout:
                    pass
            with client_for(token) as client:
                until(lambda: client.get(gateway.url("up", "/")).status_code == 200, "there is room again", 5)
        go.set()


def test_a_request_that_is_too_long_is_refused_before_it_is_read(make_gateway, issuer):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, request_bytes=1000)
        with client_for(issuer.agent()) as client:
            assert client.post(gateway.url("up", "/"), content=b"a" * 1000).status_code == 200
            told = client.post(gateway.url("up", "/"), content=b"a" * 1001)
            assert (told.status_code, told.json()["code"]) == (413, "PGD-0013")
            assert "1000 bytes" in told.json()["detail"] and "retry-after" not in told.headers
            assert told.headers["x-should-retry"] == "false"

            def pieces(count):
                for _ in range(count):
                    yield b"a" * 100

            assert client.post(gateway.url("up", "/"), content=pieces(10)).status_code == 200
            told = client.post(gateway.url("up", "/"), content=pieces(11))
            assert told.status_code == 413
        assert [len(request["body"]) for request in upstream.requests] == [1000, 1000]
        assert len(refused(gateway)) == 2


def test_a_request_that_passes_as_it_comes_is_broken_off_where_it_is_too_long(make_gateway, issuer):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, request_bytes=2 << 20)

        def pieces():
            for _ in range(50):
                yield b"word\n" * (1 << 14)

        with client_for(issuer.agent()) as client:
            try:
                assert client.post(gateway.url("up", "/"), content=pieces()).status_code == 413
            except (httpx.WriteError, httpx.RemoteProtocolError):
                pass
        assert all(len(request["body"]) <= 2 << 20 for request in upstream.requests)
        entries = [json.dumps(entry) for entry in gateway.audit()]
        assert any("command_intent" in entry for entry in entries)
        until(lambda: any('"outcome"' in json.dumps(entry) for entry in gateway.audit()), "how it ended is recorded")


def test_an_answer_that_is_too_long_is_withheld_or_broken_off(make_gateway, issuer):
    def answer(request):
        kind = {"Content-Type": "text/plain"}
        if request["path"] == "/whole":
            return 200, kind, b"word\n" * 1000
        return 200, kind, (b"word\n" * 1000 for _ in range(1000))

    with Upstream(answer) as upstream:
        gateway = gateway_for(make_gateway, upstream, response_bytes=1 << 20)
        with client_for(issuer.agent()) as client:
            assert client.get(gateway.url("up", "/whole")).status_code == 200
            read = 0
            try:
                with client.stream("GET", gateway.url("up", "/endless")) as told:
                    for piece in told.iter_bytes():
                        read += len(piece)
                raise AssertionError("the end of it should not have come")
            except httpx.RemoteProtocolError:
                assert read <= 1 << 20
        gateway = gateway_for(make_gateway, upstream, response_bytes=4999)
        with client_for(issuer.agent()) as client:
            told = client.get(gateway.url("up", "/whole"))
            assert (told.status_code, told.json()["code"]) == (502, "PGD-0012")


def test_limits_that_are_changed_hold_from_then_on(make_gateway, issuer):
    with Upstream() as upstream:
        gateway = gateway_for(make_gateway, upstream, requests_per_minute=1)
        with client_for(issuer.agent()) as client:
            assert client.get(gateway.url("up", "/")).status_code == 200
            assert client.get(gateway.url("up", "/")).status_code == 429
            gateway.connections["up"]["limits"] = {"requests_per_minute": 1000}
            gateway.write_config()
            until(lambda: client.get(gateway.url("up", "/")).status_code == 200, "the new limit is in force", 10)
