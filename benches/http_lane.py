"""Requests for JSON and streams of events: directly, through nginx, through panguard.

Everything of panguard's is on: tokens, policies, the scan of answers, the durable audit log. Client, server and gateways
share the machine, and a machine is never quiet: so the three take turns, a figure is the median over all turns, and what
counts are ratios.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import statistics
import subprocess
import tempfile
import threading
import time

from panguard_test import Gateway, Issuer, until
from panguard_test.process import dies_with_us, free_port

TICKS = os.sysconf("SC_CLK_TCK")
SIDES = ("direct", "nginx", "panguard")

POLICIES = """
@id("agents-connect") permit (principal in Group::"agents", action == Action::"connect", resource);
@id("agents-read") permit (principal in Group::"agents", action == Action::"read", resource);
@id("agents-call") permit (principal in Group::"agents", action == Action::"call", resource);
@id("fraud-reveals") permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"pan");
"""

NGINX = """
worker_processes {workers}; daemon off; pid {folder}/{name}.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000; tcp_nodelay on; sendfile on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  types {{ application/json json; }}
  {inside}
}}
"""

ORDER = {"id": "or_7f3a", "status": "shipped", "amount": 129.5, "currency": "EUR", "created": "2026-03-14T15:09:26Z",
         "items": [{"sku": "A-1", "quantity": 2, "price": 49.75}, {"sku": "B-9", "quantity": 1, "price": 30.0}],
         "customer": {"id": "cu_91", "name": "Ada Lovelace", "city": "London"}, "note": "leave it at the door, please"}


def documents(folder):
    """A document of 1 KB and one of 1 MB, of orders; every tenth of the large one has a card number."""
    small = json.dumps([ORDER] * 3)
    (folder / "small.json").write_text(small[:-1] + "]" * 0 + "]")
    orders, size, number = [], 0, 0
    while size < 1 << 20:
        order = {**ORDER, "id": f"or_{number:06x}", "amount": number * 1.25}
        if number % 10 == 0:
            order["card"] = "4111111111111111"
        orders.append(json.dumps(order))
        size += len(orders[-1]) + 1
        number += 1
    (folder / "large.json").write_text("[" + ",\n".join(orders) + "]")
    clean = [order.replace("4111111111111111", "or_4111111") for order in orders]
    (folder / "clean.json").write_text("[" + ",\n".join(clean) + "]")


class Events(socketserver.ThreadingTCPServer):
    """Answers every request with a stream of events, each with the time at which it was sent."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port, count, pause):
        class Answer(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                length = 0
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                self.rfile.read(length)
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                for number in range(count):
                    time.sleep(pause)
                    delta = {"index": 0, "delta": {"content": "word and word"}}
                    event = {"id": "c", "object": "chat.completion.chunk", "choices": [delta], "sent": time.perf_counter_ns()}
                    self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                self.wfile.write(b"data: [DONE]\n\n")

        super().__init__(("127.0.0.1", port), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Place:
    """The bench's systems, and how to reach them on each side."""

    def __init__(self, folder, issuer, events):
        folder.chmod(0o755)
        documents(folder)
        files, proxied, self.events = free_port(), free_port(), free_port()
        proxied_events = free_port()
        Events(self.events, *events)
        self.processes = {}
        self.nginx(folder, "server", f"server {{ listen 127.0.0.1:{files} backlog=1024; root {folder}; }}")
        proxy = ("proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering {buffering}; "
                 "proxy_pass http://{name}; ")
        self.nginx(folder, "nginx", f"""
          upstream files {{ server 127.0.0.1:{files}; keepalive 64; }}
          upstream events {{ server 127.0.0.1:{self.events}; }}
          server {{ listen 127.0.0.1:{proxied} backlog=1024;
            location / {{ {proxy.format(buffering='on', name='files')} }} }}
          server {{ listen 127.0.0.1:{proxied_events};
            location / {{ {proxy.format(buffering='off', name='events')} }} }}""")
        connections = {
            "files": {"type": "http", "base_url": f"http://127.0.0.1:{files}"},
            "events": {"type": "llm", "base_url": f"http://127.0.0.1:{self.events}"},
        }
        config = {"limits": {"connections": 2000}}
        self.gateway = Gateway(folder / "panguard", issuer, connections, POLICIES, config).start()
        self.token = issuer.agent(lifetime=6 * 3600)
        self.files = {"direct": (files, ""), "nginx": (proxied, ""), "panguard": (self.gateway.http_port, "/files")}
        self.streams = {"direct": (self.events, ""), "nginx": (proxied_events, ""),
                        "panguard": (self.gateway.http_port, "/events")}
        until(lambda: all(self.answers(side) for side in SIDES), "all three answer", 20)

    def nginx(self, folder, name, inside):
        config = folder / f"{name}.conf"
        config.write_text(NGINX.format(folder=folder, name=name, workers=2, inside=inside))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.processes[name] = subprocess.Popen([program, "-c", config], stderr=subprocess.DEVNULL,
                                                preexec_fn=dies_with_us())

    def answers(self, side):
        port, prefix = self.files[side]
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as server:
                server.sendall(self.request("GET", f"{prefix}/small.json"))
                return server.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def request(self, method, path, body=b""):
        head = (f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n")
        return head.encode() + body

    def cpu(self, side):
        """Seconds of CPU that the processes of `side` have used."""
        if side == "direct":
            return 0.0
        parent = self.gateway.process.pid if side == "panguard" else self.processes["nginx"].pid
        pids = [parent]
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                pids.append(int(path.parent.name))
        total = 0
        for pid in pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory(self):
        """The most bytes of memory that panguard has had."""
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def load(place, side, path, clients, seconds):
    """Requests per second, p99 in ms, and µs of CPU of `side` for each."""
    port, prefix = place.files[side]
    before = place.cpu(side)
    out = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {place.token}",
                          f"http://127.0.0.1:{port}{prefix}{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(f"{side} refuses: {out}")
    used = place.cpu(side) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    p99 = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return rate, p99, used / requests * 1e6


PROMPT = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "say words"}]}).encode()


def stream(place, side):
    """Milliseconds to the first event, and µs from when each event was sent to when it was there."""
    port, prefix = place.streams[side]
    started, late, first, text = time.perf_counter_ns(), [], None, b""
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(place.request("POST", f"{prefix}/v1/chat/completions", PROMPT))
        while piece := server.recv(65536):
            now = time.perf_counter_ns()
            text += piece
            for sent in re.findall(rb'"sent": (\d+)', piece):
                first = first or (now - started) / 1e6
                late.append((now - int(sent)) / 1e3)
    if b"[DONE]" not in text:
        raise SystemExit(f"{side} breaks a stream off: {text[-300:]}")
    return first, late


def median(values):
    return statistics.median(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side (default 3)")
    parser.add_argument("--seconds", type=int, default=3, help="length of a turn (default 3)")
    parser.add_argument("--events", type=int, default=200, help="events of a stream (default 200)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Issuer() as issuer:
        place = Place(pathlib.Path(folder), issuer, (options.events, 0.002))
        try:
            report(place, options)
        finally:
            place.gateway.__exit__()
            for process in place.processes.values():
                process.terminate()
                process.wait(10)


def report(place, options):
    print(f"{'':24}{'direct':>12}{'nginx':>12}{'panguard':>12}   of nginx   target")
    for name, path, clients, target in [("1 KB JSON", "/small.json", 16, 0.90), ("1 MB JSON, masked", "/large.json", 4, 1.0),
                                        ("1 MB JSON, clean", "/clean.json", 4, 1.0)]:
        turns = {side: [] for side in SIDES}
        for _ in range(options.rounds):
            for side in SIDES:
                turns[side].append(load(place, side, path, clients, options.seconds))
        rate, p99, used = ({side: median(turn[at] for turn in turns[side]) for side in SIDES} for at in range(3))
        ratio = rate["panguard"] / rate["nginx"]
        line = "".join(f"{rate[side]:>12,.0f}" for side in SIDES)
        print(f"{name + ', per s':24}{line}{ratio:>11.2f}   {target:.2f} {'met' if ratio >= target else 'NOT MET'}")
        print(f"{'  p99, ms':24}" + "".join(f"{p99[side]:>12.2f}" for side in SIDES))
        print(f"{'  CPU, µs each':24}" + "".join(f"{used[side]:>12.0f}" for side in SIDES))
    first, late = {side: [] for side in SIDES}, {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            one, more = stream(place, side)
            first[side].append(one)
            late[side].extend(more)
    p50 = {side: median(late[side]) for side in SIDES}
    p99 = {side: statistics.quantiles(late[side], n=100)[98] for side in SIDES}
    met = p50["panguard"] <= p50["nginx"] + 20
    print(f"{'an event, p50, µs':24}" + "".join(f"{p50[side]:>12.0f}" for side in SIDES)
          + f"{'':11}   nginx + 20 {'met' if met else 'NOT MET'}")
    met = p99["panguard"] <= p99["direct"] + 250
    print(f"{'an event, p99, µs':24}" + "".join(f"{p99[side]:>12.0f}" for side in SIDES)
          + f"{'':11}   direct + 250 {'met' if met else 'NOT MET'}")
    print(f"{'to the first event, ms':24}" + "".join(f"{median(first[side]):>12.2f}" for side in SIDES))
    print(f"{'most memory, MB':24}{'':24}{place.memory() / 1e6:>12.0f}")


main()
