"""Runs the statements of corpora/statements directly and through panguard, and compares the answers."""

import dataclasses
import datetime
import re
import struct

from . import cards, corpus, direct, wire
from .likeness import Likeness
from .waiting import until

# What is labelled in the database that setup.sql makes.
LABELLED = {"public.cards.pan": "pan", "public.cards.cvv": "sad"}

# What panguard puts in the place of the DETAIL of an error of a table that has labelled columns.

DATABASE = re.compile(rb"\b(plain|guarded)_\w+")
MOMENT = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")


@dataclasses.dataclass
class Outcome:
    """What became of the entries of one file."""

    entries: int
    refused: int
    wrong: list

    @property
    def passed(self):
        return self.entries - self.refused - len(self.wrong)


class Side:
    """One of the two ways to the data: a session, and its answers in a form that can be compared."""

    def __init__(self, server, session, database):
        self.session = session
        self.database = database
        self.newest_oid = server.newest_oid
        self.likeness = Likeness(server.newest_oid)
        self.began = str(datetime.datetime.now(datetime.timezone.utc)).encode()
        self.past = past(server, database)
        self.known = self.relations()

    def relations(self):
        """What can be read here and is committed, as (oid, name)."""
        look = f"select oid, relname from pg_class where relkind in ('r', 'p', 'v', 'm') and oid > {self.newest_oid}"
        return {(oid, name.decode()) for oid, name in wire.rows(self.past.exchange(wire.query(look)))}

    def send(self, entry, session=None):
        """The answer to an entry, in which this database's name and the numbers of what it holds are filled in."""
        def number(match):
            ((oid,),) = wire.rows(self.past.exchange(wire.query(f"select ({match[1]})::oid")))
            return oid.decode()

        def filled(text):
            return text and re.sub(r"\{\{([^{}]+::reg\w+)\}\}", number, text.replace("{{database}}", self.database))

        parameters = None if entry.parameters is None else [filled(value) for value in entry.parameters]
        filled_in = dataclasses.replace(entry, sql=filled(entry.sql), parameters=parameters)
        return corpus.simple(session or self.session, filled_in)

    def parts(self, answer, labels, varies, marked=None, with_header=False):
        """The messages of an answer, as they would be with the values of `labels` masked,  and the columns that
        are `marked` by their names; also of a copy in CSV `with_header`."""
        described = []
        for tag, body in answer:
            if tag == "T":
                described = [(marked or {}).get(name) or labels.get(tuple(origin)) for name, *origin in columns(body)]
            if tag == "H":
                names = None
            if tag == "d" and with_header:
                row = body.rstrip(b"\n").split(b",")
                if names is None:
                    names = row
                else:
                    by_name = {name.rpartition(".")[2].encode(): label for name, label in LABELLED.items()}
                    shown = [masked(by_name.get(name), value) or b"" for name, value in zip(names, row, strict=True)]
                    body = b",".join(shown) + b"\n"
            if tag == "D":
                (row,) = wire.rows([(tag, body)])
                shown = [masked(label, value) for label, value in zip(described, row, strict=True)]
                yield tag, len(row) if varies else [self.told(value) for value in shown]
            else:
                yield self.likeness.of(tag, DATABASE.sub(b"database", body))

    def told(self, value):
        """A value without the database's name, the numbers of what the entries made, and the times of the run."""
        if value is None:
            return None
        if value.isdigit() and self.newest_oid < int(value) < self.newest_oid + 10_000:
            return self.likeness.oid(struct.pack("!I", int(value)))
        return DATABASE.sub(b"database", MOMENT.sub(lambda it: b"now" if it[0] > self.began else it[0], value))

    def close(self):
        self.past.close()
        self.session.close()


def past(server, database):
    """A session past panguard."""
    return direct.session(server.HOST, server.port, "app_rw", database, server.passwords["app_rw"], client_encoding="UTF8")


def columns(description):
    """The name of each column of a RowDescription, and the table and the number of the column that it is."""
    (count,), at = struct.unpack("!H", description[:2]), 2
    for _ in range(count):
        end = description.index(b"\0", at)
        yield description[at:end].decode(), *struct.unpack("!IH", description[end + 1:end + 7])
        at = end + 19


def masked(label, value):
    """What an agent is to see of a value."""
    if label is None or value is None:
        return value
    if label == "made":
        return b"****"
    if label == "inside":
        hidden = re.sub(rb'"(\d{13,19})"', lambda it: b'"' + masked("pan", it[1]) + b'"', value)
        return re.sub(rb'"\d{3,4}"', b"null", hidden)
    return None if label == "sad" else cards.last4(value.decode()).encode()


def mark(entry, kind):
    """What the comment above an entry says after `kind:`, or None."""
    found = re.search(rf"^{kind}: (.+)$", entry.comment, re.MULTILINE)
    return found and found[1]


def run(server, gateway, token, name):
    """Runs a file of the corpus, directly on one database and then through panguard on another like it."""
    entries = corpus.messages(name, corpus.ORDINARY)
    plain = Side(server, past(server, f"plain_{name}"), f"plain_{name}")
    guarded, beside = (Side(server, wire.Wire.session(gateway, token, name, client_encoding="UTF8"), f"guarded_{name}")
                       for _ in range(2))
    try:
        wanted = [answer(plain, entry, server.labels) for entry in entries]
        told = [judged(guarded, beside, entry, parts) for entry, parts in zip(entries, wanted)]
    finally:
        plain.close()
        guarded.close()
        beside.close()
    wrong = [f"{entry.place}: {what}\n    {entry.sql[:1500]}" for entry, what in zip(entries, told) if what]
    refused_today = sum(parts is None and not what for parts, what in zip(wanted, told))
    return Outcome(len(entries), refused_today, wrong)


def answer(plain, entry, labels):
    """What PostgreSQL says to an entry, as an agent is to see it; None if the agent is to be refused it."""
    is_refused = mark(entry, "refused")
    if is_refused and plain.session.status != "I":
        return None
    said = plain.send(entry)
    error = wire.error(said)
    assert (error and error["C"]) == mark(entry, "fails"), f"{entry.place}: PostgreSQL itself says {error}"
    kinds = {"redacted": "made", "nulled": "sad", "inside": "inside"}
    marked = {name: label for kind, label in kinds.items() for name in (mark(entry, kind) or "").split(", ")}
    with_header = "HEADER" in entry.sql
    parts = plain.parts(said, labels, mark(entry, "varies"), marked, with_header)
    return None if is_refused else list(parts)


def judged(guarded, beside, entry, wanted):
    """What is wrong with panguard's answer to an entry, or None."""
    if wanted is None:
        return refused(guarded, beside, entry)
    catch_up(guarded, beside, entry)
    said = guarded.send(entry)
    if refusal(said):
        return f"refused: {refusal(said)}"
    got = list(guarded.parts(said, {}, mark(entry, "varies")))
    differences = [f"{a}\n    but got {b}" for a, b in zip(wanted, got) if a != b]
    if differences or len(wanted) != len(got):
        return f"differs: {len(wanted)} messages wanted, {len(got)} got; {differences[:1]}"
    return None


def catch_up(guarded, beside, entry):
    """Waits until panguard knows the tables that earlier entries made and this one names.

    It reads the catalog again about a second after a change, and what it does not know yet it may refuse. It takes no
    notice of a commit, so it is shown something new.
    """
    new = guarded.relations() - guarded.known
    if not any(re.search(rf"\b{re.escape(name)}\b", entry.sql) for _, name in new):
        return
    guarded.known |= new
    marker = f"marker{len(guarded.known)}"
    guarded.past.exchange(wire.query(f"create table {marker} (known bool)"))
    beside.session.exchange(wire.query(f"select known from {marker}"))
    look = wire.query(f"select {marker}.known from {marker}")
    until(lambda: not refusal(beside.session.exchange(look)), f"{entry.place}: panguard has read the catalog again")
    guarded.past.exchange(wire.query(f"drop table {marker}"))


def refused(guarded, beside, entry):
    """What is wrong with the refusal of a marked entry, or None.

    It goes to a session beside that of the others, whose transaction it would fail. Outside of a transaction its
    work is then done past panguard, for those that come after it.
    """
    said = beside.send(entry)
    if guarded.session.status == "I":
        guarded.send(entry, guarded.past)
    code, _, why = mark(entry, "refused").partition(" ")
    if code in (refusal(said) or "") and why in refusal(said):
        return None
    return f"is marked refused, {code} {why}, but the answer is {refusal(said) or wire.error(said) or 'given'}"


def refusal(answer):
    """What a refusal of panguard's says, or None."""
    said = (wire.error(answer) or {}).get("M", "")
    return said if said.startswith("PGD-") else None
