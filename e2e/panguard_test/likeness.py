"""What may differ between the answers of two databases to the same statements."""

import struct


class Likeness:
    """Takes out of answers what cannot be the same in two runs of the same statements."""

    def __init__(self, newest_oid):
        self.newest_oid = newest_oid
        self.met = {}

    def oid(self, raw):
        """Tables and types that the corpus itself makes are numbered by the server as it goes."""
        (number,) = struct.unpack("!I", raw)
        if number <= self.newest_oid:
            return raw
        return b"new%d" % self.met.setdefault(number, len(self.met))

    def of(self, tag, body):
        if tag == "A":
            # NotificationResponse names the process that notified.
            return tag, body[4:]
        if tag == "T":
            return tag, b"".join(self.columns(body))
        if tag == "t":
            return tag, body[:2] + b"".join(self.oid(body[at:at + 4]) for at in range(2, len(body), 4))
        return tag, body

    def columns(self, body):
        yield body[:2]
        at = 2
        while at < len(body):
            end = body.index(b"\0", at) + 1
            table, kind = body[end:end + 4], body[end + 6:end + 10]
            yield body[at:end] + self.oid(table) + body[end + 4:end + 6] + self.oid(kind) + body[end + 10:end + 18]
            at = end + 18
