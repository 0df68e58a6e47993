"""`kill -9` at any instant loses no entry of a command that ran (promise 5)."""

import itertools
import os
import random
import re
import threading

import psycopg

from panguard_test import until

KILLS = 50
CLIENTS = 6
# For fifty starts.
SECONDS_MAX = 240
SEED = int(os.environ.get("PANGUARD_SEED", random.SystemRandom().randrange(1 << 32)))

POLICIES = """
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"session"], resource);
"""

TABLE = "create table numbered (n int primary key, how text)"


class Load:
    """Clients that insert numbered rows, in every way that a driver has, for as long as they are let."""

    def __init__(self, gateway, token, chance):
        self.gateway = gateway
        self.token = token
        self.numbers = itertools.count(1_000_001)
        self.acknowledged = set()
        self.broken_off = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(random.Random(chance.random()),), daemon=True)
                        for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(20)

    def client(self, chance):
        while not self.over.is_set():
            try:
                with self.gateway.connect(self.token) as session:
                    while not self.over.is_set():
                        self.insert(session, chance)
            except psycopg.OperationalError:
                # The gateway is gone, or not there yet.
                self.over.wait(0.03)

    def insert(self, session, chance):
        numbers = [next(self.numbers) for _ in range(chance.randint(1, 4))]
        try:
            chance.choice([self.simple, self.prepared, self.transaction, self.pipeline, self.copy])(session, numbers)
        except psycopg.OperationalError:
            self.broken_off += 1
            raise
        self.acknowledged.update(numbers)

    def simple(self, session, numbers):
        for n in numbers:
            session.execute(f"insert into numbered values ({n}, 'simple')")

    def prepared(self, session, numbers):
        for n in numbers:
            session.execute("insert into numbered values (%s, 'prepared')", [n], prepare=True)

    def transaction(self, session, numbers):
        with session.transaction():
            for n in numbers:
                session.execute("insert into numbered values (%s, 'transaction')", [n])

    def pipeline(self, session, numbers):
        with session.pipeline():
            for n in numbers:
                session.execute("insert into numbered values (%s, 'pipeline')", [n])

    def copy(self, session, numbers):
        for n in numbers:
            sql = f"copy numbered (n, how) from stdin where n = {n}"
            with session.cursor().copy(sql) as copy:
                copy.write_row((n, "copy"))


def test_no_entry_of_a_command_that_ran_is_lost_by_a_kill(make_gateway, cluster, issuer):
    print(f"PANGUARD_SEED={SEED}")
    chance = random.Random(SEED)
    database = cluster.create_database(TABLE)
    gateway = make_gateway(POLICIES, {"numbers": cluster.upstream(database)})
    with Load(gateway, issuer.agent(lifetime=3600), chance) as load:
        for _ in range(KILLS):
            if chance.random() < 0.8:
                so_far = len(load.acknowledged)
                until(lambda: len(load.acknowledged) > so_far, "a client gets on", 20)
            load.over.wait(chance.uniform(0, 0.15))
            gateway.kill()
            gateway.start(ready=False)
        until(gateway.is_ready, "panguard is ready", 20)

    assert gateway.stop() == 0
    verified = gateway.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr

    with cluster.connect(database) as direct:
        rows = dict(direct.execute("select n, how from numbered"))
    entries = [line["entry"]["event"] for line in gateway.audit("--limit", "1000000")]
    intended = numbers_in(event for event in entries if event["type"] == "command_intent")
    assert set(rows) <= intended, f"rows without an entry: {describe(rows, set(rows) - intended)}"
    # And it was worth trying: clients were in the middle of something, in every way that they have.
    assert load.acknowledged <= set(rows)
    assert load.broken_off >= KILLS // 2
    assert set(rows.values()) == {"simple", "prepared", "transaction", "pipeline", "copy"}

    starts = [event["clean"] for event in entries if event["type"] == "gateway_started"]
    assert starts[0] is True and len(starts) > KILLS // 2
    assert not any(starts[1:]), "a start after a crash was recorded as one after a clean stop"
    assert entries[-1]["type"] == "gateway_stopped"


def numbers_in(intents):
    """Every number that stands in the statement or the parameters of an entry."""
    return {int(number) for intent in intents for number in re.findall(r"\b\d{7}\b", str(intent["command"]))}


def describe(rows, numbers):
    return sorted((n, rows[n]) for n in numbers)[:10]
