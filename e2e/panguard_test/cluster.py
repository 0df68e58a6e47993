"""A private PostgreSQL server in a temporary folder."""

import itertools
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile

import psycopg

from .process import dies_with_us, free_port, unprivileged
from .waiting import until


def binaries():
    """The folder of the newest server binaries: Debian's place, or the path; or the one that POSTGRES_BIN names."""
    if named := os.environ.get("POSTGRES_BIN"):
        return pathlib.Path(named)
    debian = sorted(pathlib.Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda bin: -int(bin.parent.name))
    path = [pathlib.Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    for bin in [*debian, *path]:
        if all((bin / program).is_file() for program in ("initdb", "postgres", "pg_ctl", "psql", "pgbench")):
            return bin
    raise RuntimeError("no PostgreSQL server binaries here; apt-get install postgresql")


class Cluster:
    """One server: superuser `postgres`, and `app_rw`, which owns the databases and is no superuser.

    Passwords are SCRAM. `fsync` is off unless asked for. `settings` are further lines of postgresql.conf,
    `hba` replaces pg_hba.conf, `tls` is a (certificate file, key file) to serve TLS with.
    """

    HOST = "127.0.0.1"

    def __init__(self, folder, bin, port, settings, environment=None):
        self.folder = folder
        self.bin = bin
        self.port = port
        self.settings = settings
        self.passwords = {"postgres": secrets.token_hex(12), "app_rw": secrets.token_hex(12)}
        self.data = folder / "data"
        self.log = folder / "log"
        self.server = None
        self._names = itertools.count(1)

    @classmethod
    def start(cls, fsync=False, settings=None, hba=None, tls=None):
        """Sets up a cluster and starts it."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="panguard-e2e-pg-"))
        lines = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": "200",
            "fsync": "on" if fsync else "off",
            "synchronous_commit": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
            "log_min_messages": "warning",
            **(settings or {}),
        }
        self = cls(folder, binaries(), free_port(), lines)
        who = unprivileged()
        if who:
            os.chown(folder, who["user"], who["group"])
        password = folder / "password"
        password.write_text(self.passwords["postgres"])
        os.chmod(password, 0o644)
        initdb = [self.bin / "initdb", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync",
                  "--auth-host=scram-sha-256", "--auth-local=reject", f"--pwfile={password}", "-D", self.data]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/", **who)
        if tls:
            for name, source in zip(("server.crt", "server.key"), tls):
                shutil.copy(source, self.data / name)
                os.chmod(self.data / name, 0o600)
                if who:
                    os.chown(self.data / name, who["user"], who["group"])
            self.settings.update(ssl="on", ssl_cert_file="server.crt", ssl_key_file="server.key")
        if hba:
            (self.data / "pg_hba.conf").write_text(hba)
        self.run()
        with self.connect("postgres") as admin:
            admin.execute(f"create role app_rw login password '{self.passwords['app_rw']}'")
        return self

    def run(self):
        """Starts the server, and waits until it takes connections."""
        options = [argument for name, value in self.settings.items() for argument in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                preexec_fn=dies_with_us(signal.SIGQUIT), **unprivileged())
        until(self._answers, f"PostgreSQL is up; it said {self.log.read_text(errors='replace')[-500:]}", 30)

    def _answers(self):
        if self.server.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self.log.read_text(errors='replace')[-1000:]}")
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, mode="immediate"):
        """Stops the server and keeps its data."""
        if self.server and self.server.poll() is None:
            sent = {"immediate": signal.SIGQUIT, "fast": signal.SIGINT, "smart": signal.SIGTERM}[mode]
            self.server.send_signal(sent)
            self.server.wait(30)

    def create_database(self, seed="", name=None):
        """A new database, owned by `app_rw`, in which `seed` has been run as `app_rw`."""
        name = name or f"db{next(self._names)}"
        with self.connect("postgres") as admin:
            admin.execute(f'create database "{name}" owner app_rw')
        if seed:
            with self.connect(name, user="app_rw") as owner:
                owner.execute(seed)
        return name

    def connect(self, database, user="postgres", **options):
        """A direct connection, past panguard; autocommit unless told otherwise."""
        options = {"autocommit": True, "connect_timeout": 10, **options}
        return psycopg.connect(host=self.HOST, port=self.port, user=user, dbname=database,
                               password=self.passwords[user], **options)

    def upstream(self, database, user="app_rw", **more):
        """This database as one of panguard's `connections`; the password goes beside it (see Gateway)."""
        return {
            "type": "postgres",
            "address": f"{self.HOST}:{self.port}",
            "database": database,
            "tls": "disable",
            "credential": {"user": user},
            "password": self.passwords[user],
            **more,
        }

    def environment(self, database, user="app_rw"):
        """libpq's variables for programs that connect directly."""
        return {**os.environ, "PGHOST": self.HOST, "PGPORT": str(self.port), "PGUSER": user,
                "PGPASSWORD": self.passwords[user], "PGDATABASE": database, "PGSSLMODE": "prefer"}

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
