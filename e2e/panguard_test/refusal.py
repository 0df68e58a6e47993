"""What a client is told when panguard refuses."""

import re

import psycopg
import pytest


class Refusal:
    """The parts of a refusal as a psycopg error carries them."""

    def __init__(self, error):
        diag = error.diag
        self.sqlstate = diag.sqlstate
        self.message = diag.message_primary
        self.detail = diag.message_detail or ""
        self.hint = diag.message_hint or ""
        code = re.match(r"PGD-\d{4}", self.message or "")
        self.code = code and code.group()
        request = re.search(r"Request ([0-9a-f]{16}-\d+)\.", self.detail)
        self.request = request and request.group(1)

    def __repr__(self):
        return f"{self.sqlstate} {self.message} / {self.detail} / {self.hint}"


def refusal(session, sql, parameters=None, **options):
    """Runs `sql`, which must be refused, and returns the refusal."""
    with pytest.raises(psycopg.Error) as raised:
        session.execute(sql, parameters, **options)
    told = Refusal(raised.value)
    assert told.code, f"not a refusal of panguard's: {told}"
    assert told.request and told.hint, told
    return told


def turned_away(connect):
    """Calls `connect`, which must fail before a session, and returns the text that the client was told."""
    with pytest.raises(psycopg.OperationalError) as raised:
        connect()
    return str(raised.value)
