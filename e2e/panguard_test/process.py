"""Child processes that cannot outlive the tests."""

import ctypes
import itertools
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


# Below those that the system gives to whoever connects (ip_local_port_range): one of these would be somebody's before it is
# listened on. Runs beside this one begin elsewhere.
PORTS = range(20000, 32000)
FIRST = os.getpid() * 97 % len(PORTS)
ports = itertools.cycle([*PORTS[FIRST:], *PORTS[:FIRST]])


def free_port(host="127.0.0.1"):
    """A port that is free now, and no other caller's."""
    for port in itertools.islice(ports, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
