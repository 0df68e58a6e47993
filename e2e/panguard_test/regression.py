"""PostgreSQL's own regression statements, run by psql directly and through panguard, and what became of each.

They are PostgreSQL's and not in this repository: `.ci/install regression` fetches them.
"""

import dataclasses
import re
import subprocess

from psycopg import pq

from .gateway import ROOT, binary

FOLDER = ROOT / "target" / "postgresql-regress"

# What psql is run with, and the servers: as PostgreSQL's own test does it.
SETTINGS = {
    "timezone": "PST8PDT",
    "datestyle": "Postgres, MDY",
    "intervalstyle": "postgres_verbose",
    "autovacuum": "off",
    "jit": "off",
    "max_prepared_transactions": "10",
    # What psql sends can then be read in the log: what its variables held, and what its own commands sent.
    "log_statement": "all",
    "log_line_prefix": "\x01",
}

# Files that are not run, and why.
LEFT_OUT = {
    "test_setup": "is run first, directly",
    "tablespace": "needs a folder that belongs to the server",
    "infinite_recurse": "runs out of the server's stack",
    "join_hash": "computes for seconds, and says of lineage what join says",
    "select_parallel": "computes for seconds, and says of lineage what select says",
}


def names():
    """The files that are run, in the order in which PostgreSQL runs them."""
    schedule = (FOLDER / "parallel_schedule").read_text().splitlines() if is_here() else []
    groups = [line.split(":", 1)[1].split() for line in schedule if line.startswith("test:")]
    return [name for group in groups for name in group if name not in LEFT_OUT]


def is_here():
    return (FOLDER / "fetched").is_file()


def psql(server, environment, name):
    """What psql says to a file: its lines as it reads them, and answers and errors between them."""
    there = {"PG_ABS_SRCDIR": str(FOLDER), "PG_LIBDIR": "/nowhere", "PG_DLSUFFIX": ".so", "LC_ALL": "C"}
    command = [server.bin / "psql", "-X", "-q", "-a", "-v", "HIDE_TABLEAM=on", "-f", FOLDER / "sql" / f"{name}.sql"]
    done = subprocess.run(command, env={**environment, **there}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, cwd=FOLDER, timeout=40)
    return done.stdout.decode(errors="replace")


def sent(log):
    """The statements in a part of a server's log."""
    entries = (entry.removeprefix("LOG:  statement: ") for entry in log.split("\x01") if entry.startswith("LOG:  statement: "))
    return [entry.rstrip("\n").replace("\n\t", "\n") for entry in entries]


# --- what is said through panguard, beside what is said directly ----------------------------------------------


@dataclasses.dataclass
class Counts:
    """How many lines of files end a statement, and what became of those."""

    same: int = 0
    refused: int = 0
    masked: int = 0
    other: int = 0

    def __add__(self, more):
        return Counts(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(more))))


def compared(name, direct, guarded):
    """What became of the statements of a file. Whatever follows from a refusal (a table that was not made) is `other`."""
    counts = Counts()
    for line, mine, theirs in zip(*parts(name, direct, guarded)):
        if not line.rstrip().endswith((";", "\\gset", "\\gexec", "\\g", "\\gx", "\\gdesc")) or line.lstrip().startswith("--"):
            continue
        if mine == theirs:
            counts.same += 1
        elif "PGD-" in theirs:
            counts.refused += 1
        elif "****" in theirs:
            counts.masked += 1
        else:
            counts.other += 1
    return counts


def parts(name, *outputs):
    """The lines of a file, and for each what was said before the next."""
    text = (FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    told = []
    for output in outputs:
        at, rest, of_line = 0, output.split("\n"), []
        for line in lines:
            # The data of a COPY and lines that \if skips are not repeated.
            try:
                found = rest.index(line, at) if line else at
            except ValueError:
                of_line.append("")
                continue
            if of_line:
                of_line[-1] += "\n".join(rest[at:found])
            of_line.append("")
            at = found + bool(line)
        told.append(of_line)
    return lines, *told


# --- what is read in a statement, beside what PostgreSQL reads in it ------------------------------------------


def judge():
    """The program that says what our own lineage is, beside the gateway's."""
    return binary().parent / "examples" / "testify"


class Judge:
    """crates/sql/examples/testify.rs, which says where statements and PostgreSQL's word on them contradict each other."""

    def __init__(self):
        self.process = subprocess.Popen([judge()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, *fields):
        self.process.stdin.write("\t".join(map(written, fields)) + "\n")
        self.process.stdin.flush()
        return re.sub(r"\\(.)", lambda it: {"n": "\n", "t": "\t", "r": "\r"}.get(it[1], it[1]),
                      self.process.stdout.readline().rstrip("\n"))

    def catalog(self, lines):
        """Takes a snapshot, as COPY gives it."""
        self.process.stdin.write("".join(f"catalog\t{line}" for line in lines))
        self.ask("labels")

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def written(value):
    """A field as COPY writes it."""
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


SQL = ROOT / "crates" / "sql" / "src"
# Statements that leave relations and their columns as they are, by their first words; of others nobody knows.
HARMLESS = re.compile(
    r"(abort|alter (domain|function|index|operator|role|sequence|type)|analyze|begin|close|comment|commit|copy|"
    r"create (aggregate|cast|function|index|operator|or replace function|role|statistics|trigger|type|unique)|deallocate|declare|"
    r"delete|drop (function|index|operator|role|trigger)|end|explain|fetch|grant|insert|lock|merge|move|prepare|reindex|release|"
    r"reset|revoke|rollback|savepoint|select|set|show|start|table|update|vacuum|values)\b")
FIRST_COMMENTS = re.compile(r"(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)*", re.DOTALL)


class Replay:
    """The statements of one file once more, in a session of their own, each held against what PostgreSQL says of it."""

    CATALOG = f"copy ({(SQL / 'catalog' / 'query.sql').read_text().strip().rstrip(';')}) to stdout"
    TESTIMONY = (SQL / "testimony" / "query.sql").read_text()

    def __init__(self, server, database, judge):
        where = f"host={server.HOST} port={server.port} user=postgres dbname={database} client_encoding=utf8"
        self.session = pq.PGconn.connect(f"{where} password={server.passwords['postgres']}".encode())
        self.judge = judge
        self.heard = 0
        # Whether the catalog is another than the judge has; whether the open transaction has changed it.
        self.changed, self.changes = True, False
        # The columns that the judge knows of. The catalog is read again for others, and before anything is called wrong.
        self.known = set()
        self.wrong = []

    def statement(self, text):
        self.testify(text)
        self.exchange(text)
        words = text[FIRST_COMMENTS.match(text).end():].lower()
        several = ";" in text.rstrip().rstrip(";")
        if several or not HARMLESS.match(words) or (words.startswith("select") and re.search(r"\binto\b", words)):
            self.changed = self.changes = True
        if words.startswith(("rollback", "abort")):
            self.changed |= self.changes
        if self.session.transaction_status == pq.TransactionStatus.IDLE:
            self.changes = False

    def testify(self, text):
        status = self.session.transaction_status
        if status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS):
            return
        if not (asked := self.judge.ask("queries", text)):
            return
        before, after = ("savepoint its", "rollback to its; release its") if status else ("begin", "rollback")
        self.exchange(before)
        try:
            self.told(text, asked)
        finally:
            self.exchange(after)

    def told(self, text, asked):
        function = "create function pg_temp.panguard_testimony() returns void language sql"
        if self.exchange(f"{function} begin atomic\n{asked}\n;\nend") is None:
            return
        said = self.exchange(self.TESTIMONY)
        if not any(kind == "column" for kind, *_ in said or []):
            return
        columns = {f"{relation}\t{number}" for kind, relation, number in said if kind == "column"}
        if self.changed and not columns <= self.known:
            self.reads_catalog()
        self.heard += 1
        width = ""
        if self.session.prepare(b"", text.encode()).status == pq.ExecStatus.COMMAND_OK:
            # Of a COPY that is none.
            width = str(self.session.describe_prepared(b"").nfields or "")
        fields = [text, width, *(field for row in said for field in row)]
        verdict = self.judge.ask("testify", *fields)
        if verdict and self.changed:
            self.reads_catalog()
            verdict = self.judge.ask("testify", *fields)
        if verdict:
            self.wrong.append((verdict, text, said))

    def reads_catalog(self):
        lines = self.exchange(self.CATALOG)
        self.judge.catalog(lines)
        self.known = {"\t".join(line.split("\t")[1:3]) for line in lines if line.startswith("column\t")}
        self.changed = False

    def exchange(self, sql):
        """The rows of the last answer, or the lines of a COPY; None of an error. Nothing is given to a COPY."""
        self.session.send_query(sql.encode())
        rows, failed = [], False
        while (answer := self.session.get_result()) is not None:
            if answer.status == pq.ExecStatus.COPY_IN:
                self.session.put_copy_end()
            elif answer.status == pq.ExecStatus.COPY_OUT:
                rows = []
                while (copied := self.session.get_copy_data(0))[0] > 0:
                    rows.append(bytes(copied[1]).decode(errors="replace"))
            elif answer.status == pq.ExecStatus.TUPLES_OK:
                rows = [[decoded(answer.get_value(row, at)) for at in range(answer.nfields)] for row in range(answer.ntuples)]
            failed |= answer.status == pq.ExecStatus.FATAL_ERROR
        return None if failed else rows

    def close(self):
        self.session.finish()


def decoded(value):
    return None if value is None else value.decode(errors="replace")
