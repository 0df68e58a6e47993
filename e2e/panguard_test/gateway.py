"""The panguard binary with a configuration of its own."""

import base64
import json
import os
import pathlib
import secrets
import signal
import subprocess
import urllib.error
import urllib.request

import psycopg

from .process import dies_with_us, free_port
from .waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """`$PANGUARD`, or the one that cargo built last."""
    named = os.environ.get("PANGUARD")
    built = [ROOT / "target" / profile / "panguard" for profile in ("debug", "release")]
    found = [pathlib.Path(named)] if named else [path for path in built if path.is_file()]
    if not found:
        raise RuntimeError("no panguard binary; run `cargo build -p panguard`, or set PANGUARD")
    return max(found, key=lambda path: path.stat().st_mtime)


class Gateway:
    """`panguard serve` in `folder`, which holds panguard.yaml, policies/, data/ and log.

    `connections` are as in the configuration, except that each has a `password` (of a database) or a `secret` (of an HTTP
    system, sent as a bearer token unless its `credential` says otherwise), which goes to the vault through `panguard
    secrets set`. `policies` is a text, or texts by file name. `config` is merged into the
    configuration.
    """

    def __init__(self, folder, issuer, connections, policies, config=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.host = "127.0.0.1"
        self.port = free_port()
        self.console = free_port()
        self.http_port = free_port()
        self.issuer = issuer
        self.connections = connections
        self.extra = config or {}
        self.environment = {**os.environ, **(environment or {})}
        self.log = self.folder / "log"
        self.process = None
        self.file = self.folder / "panguard.yaml"
        key = self.folder / "vault.key"
        if not key.exists():
            key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
            key.chmod(0o600)
        self.write_config()
        self.write_policies(policies)
        for name, connection in connections.items():
            secret = connection.get("password", connection.get("secret"))
            if secret is not None:
                self.run("secrets", "set", name, input=secret)

    # --- what is on the disk ---------------------------------------------------------------------------

    @property
    def data(self):
        return self.folder / "data"

    def write_config(self, **changes):
        """Writes panguard.yaml (JSON is YAML); `changes` outweigh what was given before."""
        self.extra = {**self.extra, **changes}
        connections = {}
        for name, connection in self.connections.items():
            fields = {key: value for key, value in connection.items() if key not in ("password", "secret")}
            if "password" in connection:
                fields["credential"] = {**fields["credential"], "password": {"secret": name}}
            elif "secret" in connection:
                fields.setdefault("credential", {"bearer": {"secret": name}})
            connections[name] = fields
        issuers = self.issuer if isinstance(self.issuer, list) else [self.issuer.config()]
        document = {
            "data_dir": "./data",
            "policies": "./policies",
            "listen": {
                "postgres": f"{self.host}:{self.port}",
                "http": f"{self.host}:{self.http_port}",
                "console": f"127.0.0.1:{self.console}",
            },
            "vault": {"key": {"file": "vault.key"}},
            "identity": {"issuers": issuers},
            "connections": connections,
            **self.extra,
        }
        self.file.write_text(json.dumps(document, indent=2))

    def write_policies(self, policies):
        """Puts `policies` in the place of all there are."""
        folder = self.folder / "policies"
        folder.mkdir(exist_ok=True)
        texts = {"policies.cedar": policies} if isinstance(policies, str) else policies
        for old in folder.glob("*.cedar"):
            if old.name not in texts:
                old.unlink()
        for name, text in texts.items():
            # As an editor would: the gateway never sees half a file.
            new = folder / f".{name}.new"
            new.write_text(text)
            new.replace(folder / name)

    # --- the process -----------------------------------------------------------------------------------

    def start(self, ready=True):
        """Starts it and waits until it can serve."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([binary(), "serve", "--config", self.file], cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, preexec_fn=dies_with_us(),
                                            # A limit on its files is then an error to it and not its end.
                                            restore_signals=False)
        if ready:
            until(self.is_ready, "panguard is ready", 15)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"panguard ended with {self.process.returncode}: {self.said()[-2000:]}")
        return self.http("/readyz")[0] == 200

    def stop(self, seconds=15):
        """SIGTERM, and its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        """`kill -9`."""
        self.process.kill()
        self.process.wait(10)

    def reload(self):
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def said(self):
        """Its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- from outside ----------------------------------------------------------------------------------

    def http(self, path):
        """The console's (status, body); (0, why) if it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.console}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name, **labels):
        """The sum of a figure of /metrics over all lines with these labels."""
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            named, _, value = line.rpartition(" ")
            wanted = all(f'{key}="{text}"' in named for key, text in labels.items())
            if wanted and named.partition("{")[0] == name:
                total += float(value)
        return total

    def run(self, *arguments, input=None, check=True):
        """Runs another command of the binary on the same configuration."""
        done = subprocess.run([binary(), "--config", self.file, *arguments], cwd=self.folder, input=input,
                              capture_output=True, text=True, env=self.environment, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"panguard {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return done

    def begin(self, *arguments):
        """Begins another command of the binary, and does not wait for it."""
        return subprocess.Popen([binary(), "--config", self.file, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, preexec_fn=dies_with_us())

    def audit(self, *filters):
        """The entries of the audit log, oldest first, as `panguard audit list` prints them; without those that say that
        this was done before."""
        limit = () if "--limit" in filters else ("--limit", "1000000000")
        out = self.run("audit", "list", "--format", "json", *limit, *filters).stdout
        # JSON leaves characters in strings that Python takes for line ends.
        lines = [json.loads(line) for line in out.split("\n") if line]
        return [line for line in lines if line["entry"]["event"]["type"] != "log_read"]

    def verify(self, *more):
        """`panguard audit verify`: the finished process."""
        return self.run("audit", "verify", *more, check=False)

    def dsn(self, connection=None):
        """Where `connection` (or the only one) is for libpq, without the password."""
        name = connection or next(iter(self.connections))
        return {"host": self.host, "port": self.port, "user": "agent", "dbname": name}

    def url(self, connection, path=""):
        """Where an HTTP connection is for agents."""
        return f"http://{self.host}:{self.http_port}/{connection}{path}"

    def connect(self, token, connection=None, **options):
        """A psycopg connection with `token` as its password; autocommit unless told otherwise."""
        options = {"autocommit": True, "connect_timeout": 10, **self.dsn(connection), **options}
        return psycopg.connect(password=token, **options)

    def environment_of_client(self, token, connection=None):
        """libpq's variables for psql, pgbench and the like."""
        dsn = self.dsn(connection)
        return {**os.environ, "PGHOST": dsn["host"], "PGPORT": str(dsn["port"]), "PGUSER": dsn["user"],
                "PGDATABASE": dsn["dbname"], "PGPASSWORD": token, "PGCONNECT_TIMEOUT": "10"}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()
