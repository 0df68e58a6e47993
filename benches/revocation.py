"""How soon access that is taken away is gone: two gateways that share a store, sessions of one agent and of others on both, each asking
nothing, and one on each that asks all the time."""

import argparse
import pathlib
import select
import statistics
import tempfile
import threading
import time

import psycopg

from panguard_test import Gateway, cards
from panguard_test.cluster import Cluster
from panguard_test.issuer import Issuer

POLICIES = 'permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource);'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000, help="idle sessions, half on each gateway, half of them the agent's")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    settings = {"max_connections": str(arguments.sessions + 100), "shared_buffers": "64MB"}
    with tempfile.TemporaryDirectory() as folder, Issuer() as issuer, Cluster.start(settings=settings) as cluster:
        figures = [run(pathlib.Path(folder) / f"run{n}", issuer, cluster, arguments.sessions) for n in range(arguments.runs)]
    for name in figures[0]:
        values = [it[name] for it in figures]
        print(f"{name:60} {statistics.median(values):8.0f} ms   ({', '.join(f'{value:.0f}' for value in values)})")


def run(folder, issuer, cluster, sessions):
    payments = cluster.upstream(cluster.create_database(cards.SEED), data=cards.DATA)
    store = cluster.create_database()
    with cluster.connect("postgres") as server:
        server.execute(f'alter database "{store}" owner to app_rw')
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    gateways = []
    for name in ("here", "there"):
        gateway = Gateway(folder / name, issuer, {"payments": payments}, POLICIES,
                          config={"store": url, "limits": {"connections": 2 * sessions}})
        gateway.run("secrets", "set", "store", input=payments["password"])
        gateways.append(gateway.start())
    here, there = gateways
    try:
        idle = {gateway: [gateway.connect(issuer.agent("ci-bot", lifetime=3600)) for _ in range(sessions // 4)] for gateway in gateways}
        others = [gateway.connect(issuer.agent("other", lifetime=3600)) for gateway in gateways for _ in range(sessions // 4)]
        asking = {gateway: Asking(gateway, issuer) for gateway in gateways}
        ending = {gateway: Ending(idle[gateway]) for gateway in gateways}
        time.sleep(1)
        began = time.monotonic()
        here.run("access", "revoke", "agent", "ci-bot", "--reason", "a bench")
        returned = time.monotonic()
        refused = {gateway: asking[gateway].refused() for gateway in gateways}
        ended = {gateway: ending[gateway].over() for gateway in gateways}
        assert all(session.execute("select 1").fetchone() == (1,) for session in others[:20]), "nobody else's ends"
        millis = lambda at: (at - began) * 1000
        return {
            "`panguard access revoke` has come back": millis(returned),
            "the next command is refused, at this gateway": millis(refused[here]),
            "the next command is refused, at the other": millis(refused[there]),
            f"all {sessions // 4} idle sessions have ended, at this gateway": millis(ended[here]),
            f"all {sessions // 4} idle sessions have ended, at the other": millis(ended[there]),
        }
    finally:
        for gateway in gateways:
            gateway.kill()


class Asking:
    """A session that asks all the time, until it is refused."""

    def __init__(self, gateway, issuer):
        self.session = gateway.connect(issuer.agent("ci-bot", lifetime=3600))
        self.at = None
        self.thread = threading.Thread(target=self.ask, daemon=True)
        self.thread.start()

    def ask(self):
        try:
            while True:
                self.session.execute("select 1")
        except psycopg.Error:
            self.at = time.monotonic()

    def refused(self):
        self.thread.join(60)
        return self.at


class Ending:
    """Sessions that ask nothing, until the last of them has been told."""

    def __init__(self, sessions):
        self.sessions = sessions
        self.at = None
        self.thread = threading.Thread(target=self.wait, daemon=True)
        self.thread.start()

    def wait(self):
        waiting = select.poll()
        left = {session.pgconn.socket for session in self.sessions}
        for it in left:
            waiting.register(it, select.POLLIN)
        while left:
            for it, _ in waiting.poll(30_000):
                waiting.unregister(it)
                left.discard(it)
        self.at = time.monotonic()

    def over(self):
        self.thread.join(60)
        return self.at


if __name__ == "__main__":
    main()
