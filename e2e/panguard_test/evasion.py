"""Cases of evasion, run in every form that the protocol has for them, and the shared checker that judges them.

A case is a line of JSON as in `shared/evasions/postgres.jsonl` (see the README there). Our own may also have:

| field | means |
| --- | --- |
| `data` | labels beside those of `DATA`, as in a connection's configuration |
| `forms` | the only forms to run it in |
| `needs` | the oldest major version of PostgreSQL that can run it |
| `expect_gateway: "leaks"` | a leak that is known and not mended: the case is expected to fail |

The statement `WAIT` waits until the gateway has read the catalog again; `{db}` is the database.
"""

import itertools
import json
import os
import pathlib
import re
import struct
import sys
import types

from .gateway import ROOT
from .waiting import until

OWN = ROOT / "corpora" / "evasions" / "postgres.jsonl"

# What is known of the data of the shared seed.
DATA = {
    "public.cards.pan": "pan",
    "public.cards.doc": {"json": {"$.pan": "pan", "$.n": "pan", "$.cvv": "sad"}},
}


def shared():
    """The shared folder of attacks, or None: `$PANGUARD_EVASIONS`, or `shared/evasions` beside the repository or above."""
    named = os.environ.get("PANGUARD_EVASIONS")
    places = [pathlib.Path(named)] if named else [folder / "shared" / "evasions" for folder in ROOT.parents]
    return next((place for place in places if (place / "postgres_check.py").is_file()), None)


def read(file):
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def checker(**options):
    """A checker of its own: the functions of postgres_check.py without its main part, which begins at `MAIN`."""
    source = (shared() / "postgres_check.py").read_text(encoding="utf-8")
    functions, found, _ = source.partition(MAIN)
    assert found, "postgres_check.py has another shape than this test knows"
    module = types.ModuleType("postgres_check")
    module.__file__ = str(shared() / "postgres_check.py")
    given, sys.argv = sys.argv, ["postgres_check.py"]
    try:
        exec(compile(functions, module.__file__, "exec"), module.__dict__)
    finally:
        sys.argv = given
    for name, value in options.items():
        assert hasattr(module.A, name), name
        setattr(module.A, name, str(value))
    module.CHECKS["lsn"] = lambda t: module.each(t, lambda x: [
        str(int(a, 16) << 32 | int(b, 16)) for a, b in re.findall(r"\b([0-9A-F]+)/([0-9A-F]+)\b", x)])
    admin = module.admin()
    admin.q("select pan from cards")
    module.PANS |= {row[0].decode() for row in module.T(admin.log).rows}
    assert module.PANS
    return module


def http_checker(**options):
    """The functions of http_check.py without its main part, with the upstream that plays the cases already serving."""
    source = (shared() / "http_check.py").read_text(encoding="utf-8")
    functions, found, _ = source.partition("\nres=[]\n")
    assert found, "http_check.py has another shape than this test knows"
    module = types.ModuleType("http_check")
    module.__file__ = str(shared() / "http_check.py")
    given, sys.argv = sys.argv, ["http_check.py", *(part for name, value in options.items()
                                                    for part in ("--" + name.replace("_", "-"), str(value)))]
    try:
        exec(compile(functions, module.__file__, "exec"), module.__dict__)
    finally:
        sys.argv = given
    return module


MAIN = "\nif A.benign:"


# --- forms -------------------------------------------------------------------------------------------------

QUERY = re.compile(r"\s*(/\*.*?\*/\s*)*\(*\s*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)


def forms(case):
    """The forms in which a case is run; the first is its own."""
    if "forms" in case:
        return case["forms"]
    if case["mode"] not in ("simple", "extended", "binary"):
        return ["its own"]
    statements = case["sql"] if isinstance(case["sql"], list) else [case["sql"]]
    if any(statement.startswith("hex:") for statement in statements):
        return ["its own"]
    return ["its own", *(FORMS if any(QUERY.match(statement) for statement in statements) else ["extended"])]


def in_form(module, form):
    """A kind of the checker's connection that runs queries in `form`, and all else as it comes."""

    class Conn(module.Conn):
        def q(self, sql):
            if sql == "WAIT":
                return self.wait()
            if form == "its own" or isinstance(sql, bytes):
                return super().q(sql)
            if form in ("extended", "binary"):
                return self.ext(sql, int(form == "binary"))
            if not QUERY.match(sql):
                return super().q(sql)
            if form == "cursor":
                return self.fetched(sql)
            return self.copied(sql)

        def wait(self):
            """Makes a table whose `pan` is nobody's: computing on it is refused until the gateway knows the table."""
            start, table = len(self.log), f"ev_mark_{next(MARKS)}"
            super().q(f"CREATE TABLE {table} (pan text)")

            def is_known():
                told = len(self.log)
                super(Conn, self).q(f"SELECT reverse(pan) FROM {table}")
                return not module.T(self.log[told:]).errs

            until(is_known, "the catalog is read again", 20)
            del self.log[start:]

        def fetched(self, sql):
            alone = self.status == "I"
            if alone:
                super().q("BEGIN")
            super().q(f"DECLARE evasion NO SCROLL CURSOR FOR {sql}")
            super().q("FETCH ALL FROM evasion")
            super().q("COMMIT" if alone else "CLOSE evasion")

        def copied(self, sql):
            start = len(self.log)
            super().q(f"COPY ({sql}) TO STDOUT")
            # Its lines count as rows too, so that every check can read them.
            for tag, line in self.log[start:]:
                if tag == "d":
                    values = [b"" if value == b"\\N" else value for value in line.rstrip(b"\n").split(b"\t")]
                    row = b"".join(struct.pack("!i", len(value)) + value for value in values)
                    self.log.append(("D", struct.pack("!H", len(values)) + row))

    return Conn


FORMS = ["extended", "binary", "cursor", "copy"]
MARKS = itertools.count(1)


# --- judging -----------------------------------------------------------------------------------------------

def judge(module, case, open_session, form="its own"):
    """What of card numbers a case shows in one form: the checker's findings, `weak` ones left out. `open_session`
    gives a connection of a class, for a role."""
    kind = in_form(module, form)
    module.conn = lambda role, extra=None: open_session(kind, role, extra)
    case = {**case, "sql": filled(case["sql"], db=module.A.db)}
    if form != "its own":
        case["mode"] = "simple"
    if case["leak_check"].startswith("tell"):
        return tells(module, case)
    heard = []
    read = module.T

    class Transcript(read):
        def __init__(self, log=()):
            super().__init__(log)
            heard.append(self)

    module.T = Transcript
    try:
        found = module.run(case)[0]
    except (module.Err, OSError, struct.error) as error:
        # A session that is closed, or does not begin, shows nothing more.
        found = set()
        assert "startup" in str(error) or "closed" in str(error) or isinstance(error, OSError), error
    finally:
        module.T = read
    return (found | plain(module, heard)) - {"weak"}


def plain(module, transcripts):
    """What any form may show, whatever the case meant to show."""
    found = set()
    for transcript in transcripts:
        for check in PLAIN:
            try:
                found |= module.CHECKS[check](transcript)
            except (UnicodeDecodeError, OverflowError):
                pass
    return found


PLAIN = ["raw", "reverse", "sep", "bin8", "binf8", "binnumeric", "hexbytes"]


def tells(module, case):
    """`tell:A:B`: whether it shows that `{v}` is the one or the other, by rows, tags and SQLSTATEs; with `tellall:`
    also by the text of errors; with `tellfields:` by every field of errors and notices, and by how many there are."""
    how, one, other = case["leak_check"].split(":")
    statements = case["sql"] if isinstance(case["sql"], list) else [case["sql"]]

    def ask(value):
        transcript = module.run_sql(case, case["role"], filled(statements, v=value))
        errors = [(error.get("C"), error.get("M") if how == "tellall" else "") for error in transcript.errs]
        said = [(tag, REQUEST.sub(b"", body)) for tag, body in transcript.log if tag in "EN" and how == "tellfields"]
        return transcript.rows, transcript.tags, errors, said

    return {"oracle"} if ask(one) != ask(other) else set()


REQUEST = re.compile(rb"Request \w+-\d+")


def filled(sql, **values):
    if isinstance(sql, list):
        return [filled(statement, **values) for statement in sql]
    for name, value in values.items():
        sql = sql.replace("{" + name + "}", value)
    return sql
