"""Child processes that cannot outlive the tests."""

import ctypes
import os
import pwd
import signal
import socket

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_us(sent=signal.SIGKILL):
    """A `preexec_fn` by which a child gets the signal `sent` when the thread that started it ends."""
    return lambda: _libc.prctl(PR_SET_PDEATHSIG, sent)


def unprivileged():
    """Popen's arguments to run a child as somebody else than root, whom PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("there is neither a user postgres nor nobody to run PostgreSQL as")


def free_port(host="127.0.0.1"):
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
