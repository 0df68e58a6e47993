"""pgbench, a large answer, durable writes and idle sessions: directly, through pgbouncer, through panguard.

Everything of panguard's is on: tokens, policies, lineage, labelled columns, the scan of answers, the durable
audit log. Client, server and gateways share the machine, and a machine is never quiet: so the three take
turns, a figure is the median over all turns, and what counts are ratios.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from panguard_test import Cluster, Gateway, Issuer, direct, until, wire
from panguard_test.process import dies_with_us, free_port, unprivileged

TICKS = os.sysconf("SC_CLK_TCK")
SIDES = ("direct", "pgbouncer", "panguard")

POLICIES = """
@id("agents-connect") permit (principal in Group::"agents", action == Action::"connect", resource);
@id("agents-read") permit (principal in Group::"agents", action == Action::"read", resource);
@id("agents-session") permit (principal in Group::"agents", action == Action::"session", resource);
@id("agents-write") permit (principal in Group::"agents", action == Action::"write", resource) when { context.has_where };
@id("fraud-reveals") permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"pan");
@id("no-drop") forbid (principal, action, resource) when { context.kinds.containsAny(["drop table", "truncate"]) };
"""

# Labels on what pgbench reads, and on two columns of the large answer, where others are scanned.
DATA = {
    "public.pgbench_accounts.filler": "pan",
    "public.large.pan": "pan",
    "public.large.holder": "cardholder_name",
}

LARGE = """
create unlogged table large as
  select n as id, '400000' || lpad(n::text, 10, '0') as pan, 'Holder ' || n as holder, n * 1.25 as amount,
    timestamptz '2024-01-01' + n * interval '1 second' as at, 'paid at the counter, in person; note ' || n as note,
    md5(n::text) as reference, repeat('some words that say nothing ', 3) as remark
  from generate_series(1, {rows}) n
"""


# --- the three ways ------------------------------------------------------------------------------------


class PgBouncer:
    """pgbouncer in session mode, in front of `database`."""

    def __init__(self, folder, cluster, database):
        self.port = free_port()
        (folder / "users").write_text(f'"app_rw" "{cluster.passwords["app_rw"]}"\n')
        (folder / "ini").write_text(
            f"[databases]\nbench = host={cluster.HOST} port={cluster.port} dbname={database}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {folder}/users\npool_mode = session\n"
            "default_pool_size = 600\nmax_client_conn = 1000\nserver_tls_sslmode = disable\n")
        os.chmod(folder, 0o755)
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.process = subprocess.Popen([program, "-q", folder / "ini"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=dies_with_us(), **unprivileged())


class Place:
    """The bench's systems, and how to reach the database on each side."""

    def __init__(self, folder, cluster, database, issuer):
        self.cluster, self.database = cluster, database
        self.pgbouncer = PgBouncer(folder, cluster, database)
        upstream = cluster.upstream(database, labels=["cde"], data=DATA)
        config = {"limits": {"connections": 2000}}
        self.gateway = Gateway(folder / "panguard", issuer, {"bench": upstream}, POLICIES, config)
        self.gateway.start()
        self.token = issuer.agent(lifetime=6 * 3600)
        password = cluster.passwords["app_rw"]
        self.ways = {
            "direct": (cluster.port, "app_rw", database, password),
            "pgbouncer": (self.pgbouncer.port, "app_rw", "bench", password),
            "panguard": (self.gateway.port, "agent", "bench", self.token),
        }
        until(lambda: all(self.reaches(side) for side in SIDES), "all three answer", 20)

    def reaches(self, side):
        try:
            self.session(side).close()
        except (OSError, AssertionError, wire.Closed):
            return False
        return True

    def session(self, side):
        port, user, database, password = self.ways[side]
        return direct.session("127.0.0.1", port, user, database, password)

    def environment(self, side):
        port, user, database, password = self.ways[side]
        return {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": user, "PGDATABASE": database,
                "PGPASSWORD": password, "PGSSLMODE": "disable"}

    def pid(self, side):
        return {"direct": None, "pgbouncer": self.pgbouncer.process.pid, "panguard": self.gateway.process.pid}[side]

    def cpu(self, side):
        """Seconds of CPU that the process of `side` has used."""
        if self.pid(side) is None:
            return 0.0
        fields = pathlib.Path(f"/proc/{self.pid(side)}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, side):
        """Bytes of memory that it has now."""
        status = pathlib.Path(f"/proc/{self.pid(side)}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def pgbench(self, side, *arguments):
        """Transactions a second, microseconds of CPU for each in the process between, and the latencies."""
        program = self.cluster.bin / "pgbench"
        with tempfile.TemporaryDirectory() as logs:
            command = [program, "-n", "--log", f"--log-prefix={logs}/l", *arguments]
            before = self.cpu(side)
            done = subprocess.run(command, env=self.environment(side), capture_output=True, text=True)
            used = self.cpu(side) - before
            if done.returncode:
                raise SystemExit(f"pgbench {side}: {done.stderr}")
            waits = [int(line.split()[2]) for log in pathlib.Path(logs).iterdir() for line in log.read_text().splitlines()]
        tps = float(re.search(r"^tps = ([\d.]+)", done.stdout, re.M).group(1))
        return {"tps": tps, "cpu": used * 1e6 / max(len(waits), 1), "p50": statistics.median(waits)}


# --- what is measured ----------------------------------------------------------------------------------


def in_turns(rounds, measure):
    """Medians of what `measure(side)` gives, and the spread of its first figure, the sides taking turns."""
    taken = {side: [] for side in SIDES}
    for turn in range(rounds):
        # Each side comes first as often as any other.
        for side in SIDES[turn % 3:] + SIDES[:turn % 3]:
            taken[side].append(measure(side))
    medians = {}
    for side, runs in taken.items():
        medians[side] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        first = next(iter(runs[0]))
        figures = sorted(run[first] for run in runs)
        medians[side]["noise"] = (figures[-1] - figures[0]) / medians[side][first] / 2
    return medians


def selects(place, options):
    for mode in ("simple", "prepared"):
        for clients in options.clients:
            arguments = ["-S", "-M", mode, "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(options.seconds)]
            yield mode, clients, in_turns(options.rounds, lambda side: place.pgbench(side, *arguments))


def large_answer(place, options):
    """A million rows to a client that does nothing with them, and panguard's memory meanwhile."""
    peak = [0]
    over = threading.Event()

    def watch():
        while not over.wait(0.02):
            peak[0] = max(peak[0], place.memory("panguard"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()

    def take(side):
        with place.session(side) as session:
            session.socket.settimeout(120)
            buffer, tail, total = bytearray(1 << 20), b"", 0
            began, used = time.monotonic(), place.cpu(side)
            session.send(wire.query("select * from large"))
            while not tail.endswith(b"Z\0\0\0\5I"):
                count = session.socket.recv_into(buffer)
                if not count:
                    raise SystemExit(f"{side} closed in the middle of a large answer")
                total += count
                tail = (tail + bytes(buffer[max(0, count - 6):count]))[-6:]
            took = time.monotonic() - began
            return {"bytes/s": total / took, "bytes": total, "cpu": place.cpu(side) - used}

    medians = in_turns(options.rounds, take)
    over.set()
    watcher.join()
    return medians, peak[0]


def writes(place, options):
    """Durable inserts, which wait for panguard's log and for PostgreSQL's own."""
    script = pathlib.Path(place.gateway.folder) / "insert.sql"
    script.write_text("insert into history values (1, 1, 1, 1)\n")
    arguments = ["-f", script, "-M", "prepared", "-c", "32", "-j", "2", "-T", str(options.seconds)]
    return in_turns(options.rounds, lambda side: place.pgbench(side, *arguments))


def idle(place, count=500):
    """Bytes of memory and seconds of CPU for each of many sessions."""
    found = {}
    for side in ("pgbouncer", "panguard"):
        memory, used = place.memory(side), place.cpu(side)
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(place.session(side))
            used = place.cpu(side) - used
            time.sleep(0.5)
            memory = place.memory(side) - memory
        found[side] = {"memory": memory / count, "cpu": used / count}
    return found


def flush():
    """Microseconds that the disk under the audit log takes for a flush: p50, of a moment when it was quiet."""
    return min(flush_now() for _ in range(5))


def flush_now():
    with tempfile.TemporaryFile() as file:
        file.write(bytes(8 << 20))
        os.fsync(file.fileno())
        waits = []
        for block in range(200):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes([1]) * 4096, block * 4096)
            os.fdatasync(file.fileno())
            waits.append((time.perf_counter() - began) * 1e6)
    return statistics.median(waits)


# --- what is said of it --------------------------------------------------------------------------------


class Report:
    def __init__(self):
        self.judged = []

    def judge(self, what, figure, target, unit="", at_most=False):
        met = figure <= target if at_most else figure >= target
        self.judged.append({"what": what, "figure": figure, "target": target, "unit": unit, "at_most": at_most, "met": met})

    def close(self):
        print("\nTargets")
        for one in self.judged:
            bound = "≤" if one["at_most"] else "≥"
            verdict = "met" if one["met"] else "NOT MET"
            print(f"  {one['what']:<58} {one['figure']:>9.2f} {bound} {one['target']:<7.2f} {one['unit']:<4} {verdict}")
        short = sum(not one["met"] for one in self.judged)
        print(f"\n{len(self.judged) - short} of {len(self.judged)} targets met")


def select_table(rows, report):
    print("pgbench -S: transactions a second (± noise), ratio to direct, CPU µs per transaction of the process between")
    print(f"  {'':<14}{'direct':>18}{'pgbouncer':>34}{'panguard':>34}")
    for mode, clients, medians in rows:
        base = medians["direct"]["tps"]
        line = f"  {mode:<9}{clients:>3}  "
        for side in SIDES:
            one = medians[side]
            line += f"{one['tps']:>10.0f} ±{one['noise'] * 100:>3.0f} %"
            line += "" if side == "direct" else f" {one['tps'] / base:>6.2f}  {one['cpu']:>5.1f} µs "
        print(line, flush=True)
        panguard, pgbouncer = medians["panguard"], medians["pgbouncer"]
        if clients == 8:
            of_direct, of_pgbouncer = {"simple": (0.65, 0.88), "prepared": (0.60, 0.90)}[mode]
            report.judge(f"{mode} SELECT, 8 clients, of direct", panguard["tps"] / base, of_direct)
            report.judge(f"{mode} SELECT, 8 clients, of pgbouncer", panguard["tps"] / pgbouncer["tps"], of_pgbouncer)
            report.judge(f"{mode} SELECT, 8 clients, CPU of pgbouncer's", panguard["cpu"] / pgbouncer["cpu"], 1.25, at_most=True)
        if clients == 32:
            report.judge(f"{mode} SELECT, 32 clients, of direct", panguard["tps"] / base, 0.50)
        if clients == 1:
            hop = pgbouncer["p50"] - medians["direct"]["p50"]
            allowed = hop + 1.5 * flush()
            report.judge(f"{mode} SELECT, 1 client, added p50", panguard["p50"] - medians["direct"]["p50"], allowed, "µs", True)


def main():
    parser = argparse.ArgumentParser(prog="benches/postgres", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each side has (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="of each pgbench run (default 4)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large answer")
    parser.add_argument("--only", nargs="+", choices=["select", "large", "writes", "idle"], help="leave out the rest")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    options = parser.parse_args()
    wanted = set(options.only or ["select", "large", "writes", "idle"])
    figures, report = {}, Report()

    settings = {"max_connections": "1100", "shared_buffers": "512MB", "autovacuum": "off", "log_min_messages": "fatal"}
    with Cluster.start(fsync=True, settings=settings) as cluster, Issuer() as issuer, tempfile.TemporaryDirectory() as folder:
        database = cluster.create_database()
        seed = [cluster.bin / "pgbench", "-i", "-q", "-s", "10", "--unlogged-tables"]
        subprocess.run(seed, env=cluster.environment(database), check=True, capture_output=True)
        with cluster.connect(database, user="app_rw") as owner:
            owner.execute("create table history (a int, b int, c int, d int)")
            if "large" in wanted:
                owner.execute(LARGE.format(rows=options.rows))
            owner.execute("analyze")
        place = Place(pathlib.Path(folder), cluster, database, issuer)
        try:
            measure(place, options, wanted, figures, report)
        finally:
            place.pgbouncer.process.kill()
            place.gateway.stop()
        verified = place.gateway.verify()
        print(f"\naudit log of this run: {verified.stdout.strip() or verified.stderr.strip()}")
    report.close()
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "targets": report.judged}, indent=2))


def measure(place, options, wanted, figures, report):
    if "select" in wanted:
        rows = []
        for row in selects(place, options):
            rows.append(row)
        select_table(rows, report)
        figures["select"] = [{"mode": mode, "clients": clients, **medians} for mode, clients, medians in rows]
    if "large" in wanted:
        medians, peak = large_answer(place, options)
        figures["large"] = {**medians, "peak": peak}
        print(f"\n{options.rows:,} rows, {medians['panguard']['bytes'] / 1e6:.0f} MB, two columns masked, four scanned")
        for side in SIDES:
            one = medians[side]
            ratio = one["bytes/s"] / medians["direct"]["bytes/s"]
            print(f"  {side:<10}{one['bytes/s'] / 1e6:>8.0f} MB/s ±{one['noise'] * 100:.0f} % {ratio:>6.2f}  {one['cpu']:>5.2f} s of CPU")
        print(f"  panguard's memory at most {peak / 2**20:.1f} MiB")
        report.judge("a large answer, of direct", medians["panguard"]["bytes/s"] / medians["direct"]["bytes/s"], 0.97)
        report.judge("a large answer, panguard's memory", peak / 2**20, 32, "MiB", True)
    if "writes" in wanted:
        medians = figures["writes"] = writes(place, options)
        base = medians["direct"]["tps"]
        print("\ndurable INSERT, prepared, 32 clients")
        for side in SIDES:
            one = medians[side]
            print(f"  {side:<10}{one['tps']:>8.0f} ±{one['noise'] * 100:.0f} % {one['tps'] / base:>6.2f}  {one['cpu']:>5.1f} µs of CPU")
        report.judge("durable INSERT, 32 clients, of direct", medians["panguard"]["tps"] / base, 0.50)
    if "idle" in wanted:
        found = figures["idle"] = idle(place)
        print("\n500 idle sessions, each")
        for side, one in found.items():
            print(f"  {side:<10}{one['memory'] / 1024:>8.1f} KiB   {one['cpu'] * 1e3:>6.2f} ms of CPU to set up")
        report.judge("an idle session", found["panguard"]["memory"] / 1000, 20, "kB", True)
        report.judge("a new session", found["panguard"]["cpu"] * 1e3, 0.6, "ms", True)


if __name__ == "__main__":
    main()
