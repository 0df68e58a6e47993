"""Waiting for what must come to pass, with a deadline and never longer than needed."""

import time


def until(holds, what, seconds=10.0):
    """Returns the first true value of `holds()`; fails with `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} seconds: {what}")
        time.sleep(0.01)
