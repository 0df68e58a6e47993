"""Thousands of requests that wait for people: what each takes of memory, and how long after the decision it is at the upstream.

Beside a connection that waits for nothing, and a request that needs nobody, in the same run.
"""

import argparse
import asyncio
import json
import pathlib
import resource
import statistics
import tempfile
import time

from panguard_test import Gateway, Issuer, until
from panguard_test.approver import Approver

POLICIES = """
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource);
@id("ask-first") forbid (principal, action == Action::"write", resource) when { context.path like "/held/*" } unless { context.approvals >= 1 };
@id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
"""


class Upstream:
    """Notes when each path came."""

    def __init__(self):
        self.came = {}

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0)
                self.came[lines[0].split()[1]] = time.perf_counter()
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


async def ask(gateway, token, path):
    """An open connection on which a POST has been sent."""
    reader, writer = await asyncio.open_connection(gateway.host, gateway.http_port)
    writer.write(f"POST /site{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                 "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"amount\": 5}".encode())
    await writer.drain()
    return reader, writer


async def answered(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    await reader.readexactly(2)


def memory(process):
    """Bytes of memory that are the process's own."""
    lines = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


async def measure(gateway, issuer, upstream, count, tries):
    # So many of one principal may be open at a time.
    tokens = [issuer.agent(f"agent-{n}", lifetime=3600) for n in range(-(-count // 40))]
    token = tokens[0]
    owner = Approver(gateway, issuer.person("bea", groups=["owners"], lifetime=3600))
    loop = asyncio.get_running_loop()
    held = lambda: gateway.metric("panguard_commands_total", verdict="hold")
    warm = await ask(gateway, token, "/free/warm")
    await answered(warm[0])
    at_first = memory(gateway.process)
    idle = []
    for number in range(count):
        idle.append(await ask(gateway, tokens[number // 40], f"/free/{number}"))
        await answered(idle[-1][0])
    with_idle = memory(gateway.process)
    for _, writer in idle:
        writer.close()
    # Each with memory of its own: what one has left would be taken for the other.
    await loop.run_in_executor(None, gateway.stop)
    await loop.run_in_executor(None, gateway.start)
    warm = await ask(gateway, token, "/free/warm-again")
    await answered(warm[0])
    before = memory(gateway.process)
    started = time.perf_counter()
    waiting = [await ask(gateway, tokens[number // 40], f"/held/{number}") for number in range(count)]
    await loop.run_in_executor(None, lambda: until(lambda: held() >= count, "all wait", 120))
    all_wait = time.perf_counter() - started
    with_held = memory(gateway.process)

    # Newest first, at most a thousand.
    _, listed = await loop.run_in_executor(None, owner.ask, "GET", f"/api/requests?limit={min(count, 1000)}")
    chosen = listed["requests"][:tries]
    delays, direct = [], []
    for turn, request in enumerate(chosen):
        path = request["statement"].split()[1]
        sent = time.perf_counter()
        status, _ = await loop.run_in_executor(None, owner.approve, request["id"])
        assert status == 200
        await answered(waiting[int(path.rsplit("/", 1)[1])][0])
        delays.append(upstream.came[path] - sent)
        sent = time.perf_counter()
        reader, writer = await ask(gateway, token, f"/free/again{turn}")
        await answered(reader)
        direct.append(upstream.came[f"/free/again{turn}"] - sent)
        writer.close()
    return {
        "held": count,
        "seconds until all wait": round(all_wait, 1),
        "bytes of an idle connection": round((with_idle - at_first) / count),
        "bytes of one that waits": round((with_held - before) / count),
        "from answer sent to upstream, ms": round(statistics.median(delays) * 1000, 2),
        "p99": round(sorted(delays)[int(len(delays) * 0.99)] * 1000, 2),
        "request that needs nobody, ms": round(statistics.median(direct) * 1000, 2),
        "ratio": round(statistics.median(delays) / statistics.median(direct), 2),
    }


async def run(arguments):
    upstream = Upstream()
    port = await upstream.start()
    with tempfile.TemporaryDirectory() as folder, Issuer() as issuer:
        site = {"type": "http", "base_url": f"http://127.0.0.1:{port}", "secret": "s3cret"}
        limits = {"limits": {"connections": arguments.held + 500}}
        gateway = Gateway(folder, issuer, {"site": site}, POLICIES, limits)
        await asyncio.get_running_loop().run_in_executor(None, gateway.start)
        try:
            return await measure(gateway, issuer, upstream, arguments.held, arguments.tries)
        finally:
            gateway.__exit__()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", type=int, default=2000, help="requests that wait at once")
    parser.add_argument("--tries", type=int, default=200, help="of them, how many are approved one by one")
    parser.add_argument("--json", help="a file for the figures")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = asyncio.run(run(arguments))
    for name, figure in figures.items():
        print(f"{name:36} {figure:>12}")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
