"""The statements of corpora/differential and corpora/statements, and how to run one in each way of the protocol."""

import dataclasses
import json
import pathlib
import re
import struct

from . import wire

CORPORA = pathlib.Path(__file__).resolve().parents[2] / "corpora"
FOLDER = CORPORA / "differential"
ORDINARY = CORPORA / "statements"


@dataclasses.dataclass
class Message:
    """One message to be sent. `data` is what follows a COPY … FROM STDIN: messages of the copy."""

    sql: str
    place: str
    comment: str = ""
    parameters: list | None = None
    data: list | None = None


def files(folder=FOLDER):
    """The names of all files of statements, but for those that are special."""
    return sorted(path.stem for path in folder.glob("*.sql") if path.stem not in ("setup", "refused"))


def messages(name, folder=FOLDER):
    """The messages of one file; README.md beside it says how a file is written."""
    found, text, comment = [], [], []
    lines = iter(enumerate((folder / f"{name}.sql").read_text().splitlines(), 1))
    for number, line in lines:
        if not text and line.startswith("--"):
            comment.append(line.removeprefix("--").strip())
        elif line.startswith("\\bind "):
            found[-1].parameters = json.loads(line.removeprefix("\\bind "))
        elif line == "\\g" or line.endswith(";"):
            text += [] if line == "\\g" else [line]
            sql = "\n".join(text)
            message = Message(sql, f"{name}.sql:{number}", "\n".join(comment))
            if re.search(r"\bFROM STDIN\b", sql, re.IGNORECASE):
                message.data = copy_data(lines, "BINARY" in sql.upper())
            found.append(message)
            text, comment = [], []
        elif line or text:
            text.append(line)
        else:
            comment = []
    assert not text, f"{name}.sql ends within a message: {text}"
    return found


def copy_data(lines, binary):
    data = []
    for _, line in lines:
        if line.startswith("\\fail "):
            return [wire.message("f", line.removeprefix("\\fail ").encode() + b"\0")]
        if line == "\\.":
            return data + [wire.message("c")]
        data.append(wire.message("d", bytes.fromhex(line) if binary else line.encode() + b"\n"))
    raise AssertionError("the data of a copy does not end")


def extended(message, binary):
    """A message in the extended protocol: described both ways, run, and synchronised."""
    values = message.parameters or []
    parameters = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value.encode())) + value.encode()
        for value in values)
    bind = b"\0\0" + struct.pack("!HH", 0, len(values)) + parameters + struct.pack("!HH", 1, int(binary))
    return b"".join([
        wire.parse(message.sql), wire.describe("S"), wire.message("B", bind), wire.describe("P"),
        wire.execute(), *(message.data or []), wire.SYNC,
    ])


def simple(session, message):
    """The answer to a simple query; a copy gets its data once it is asked for."""
    if message.parameters is not None:
        return session.exchange(extended(message, False))
    session.send(wire.query(message.sql))
    answer = []
    while True:
        tag, body = session.read()
        answer.append((tag, body))
        if tag == "G":
            session.send(*message.data)
        if tag == "Z":
            return answer
