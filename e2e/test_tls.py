"""Encrypted on both sides, and certificates are verified."""

import socket
import ssl
import subprocess
import warnings

import psycopg
import pytest

from panguard_test import Cluster, cards, until, wire
from panguard_test.certificates import Authority
from panguard_test.cluster import binaries
from panguard_test.meddler import Meddler
from panguard_test.refusal import turned_away

HBA = """
hostssl all postgres 127.0.0.1/32 scram-sha-256
hostssl all app_rw 127.0.0.1/32 scram-sha-256
host all app_md5 127.0.0.1/32 md5
host all app_clear 127.0.0.1/32 password
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    """A PostgreSQL that takes `postgres` and `app_rw` by TLS only, and `app_md5` and `app_clear` by what they are called after."""
    with Cluster.start(tls=authority.issue("localhost"), hba=HBA) as server:
        with server.connect("postgres") as admin:
            for name, encryption in (("app_md5", "md5"), ("app_clear", "scram-sha-256")):
                server.passwords[name] = f"password of {name}"
                admin.execute(f"set password_encryption to '{encryption}'")
                admin.execute(f"create role {name} login password '{server.passwords[name]}'")
        yield server


def over_tls(server, authority, **more):
    upstream = server.upstream("postgres", **more)
    upstream["address"] = f"localhost:{server.port}"
    return {**upstream, "tls": "verify-full", "ca": str(authority.file), **{k: more[k] for k in more if k in ("tls", "ca", "address")}}


@pytest.fixture
def encrypted(make_gateway, authority):
    """A gateway that shows a certificate for `localhost` and `127.0.0.1`."""
    cert, key = authority.issue("localhost", "127.0.0.1", stem="gateway")
    return make_gateway(config={"tls": {"cert": str(cert), "key": str(key)}})


# --- the agent side ------------------------------------------------------------------------------------


def test_psql_verifies_the_gateway(encrypted, issuer, authority):
    environment = {**encrypted.environment_of_client(issuer.agent()), "PGHOST": "localhost", "PGHOSTADDR": "127.0.0.1",
                   "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority.file)}
    command = [binaries() / "psql", "-XAtq", "-c", r"\conninfo", "-c", "select pan from cards where id = 1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "SSL connection" in done.stdout and cards.last4(cards.VISA) in done.stdout
    environment["PGSSLROOTCERT"] = str(Authority(authority.folder, "another authority").file)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "certificate verify failed" in done.stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_direct_tls_needs_the_protocols_name(encrypted, issuer, authority, version):
    context = ssl.create_default_context(cafile=str(authority.file))
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["postgresql"])
    with wire.Wire(encrypted) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        assert client.socket.selected_alpn_protocol() == "postgresql"
        client.send(wire.startup(user="agent", database="payments"))
        client.read()
        client.send(wire.message("p", issuer.agent().encode() + b"\0"))
        assert wire.error(client.until("Z")) is None
        assert wire.rows(client.exchange(wire.query("select 1"))) == [[b"1"]]
    context.set_alpn_protocols(["http/1.1"])
    with wire.Wire(encrypted) as client, pytest.raises((ssl.SSLError, OSError, wire.Closed)):
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client.send(wire.startup(user="agent", database="payments"))
        client.read()


def test_libpq_connects_by_direct_tls(encrypted, issuer, authority):
    if psycopg.pq.version() < 170000:
        pytest.skip(f"libpq {psycopg.pq.version()} has no direct TLS")
    with encrypted.connect(issuer.agent(), sslnegotiation="direct", sslmode="verify-full", sslrootcert=str(authority.file),
                           host="localhost", hostaddr="127.0.0.1") as session:
        assert session.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(encrypted, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with wire.Wire(encrypted) as client:
        client.send(wire.packet(wire.SSL))
        assert client.take(1) == b"S"
        with pytest.raises(OSError):
            context.wrap_socket(client.socket)


def test_bytes_before_the_handshake_are_not_taken_for_bytes_inside_it(encrypted, issuer):
    with wire.Wire(encrypted) as client:
        client.send(wire.packet(wire.SSL) + wire.startup(user="agent", database="payments"))
        answer = client.socket.recv(4096)
        assert not answer.startswith(b"S") or client.is_closed()


def test_plain_text_on_loopback_is_let_through_beside_tls(encrypted, issuer):
    with encrypted.connect(issuer.agent(), sslmode="disable") as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_listening_off_loopback_needs_a_certificate(make_gateway):
    gateway = make_gateway(start=False)
    gateway.host = "0.0.0.0"
    gateway.write_config()
    done = gateway.run("check", check=False)
    assert done.returncode == 2 and "plain text is refused off loopback" in done.stderr and "tls" in done.stderr


def own_address():
    """An address of this machine that is not on loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_plain_text_from_elsewhere_is_refused_before_a_token_is_asked_for(make_gateway, issuer, authority):
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    cert, key = authority.issue("localhost", address, stem="elsewhere")
    gateway = make_gateway(config={"tls": {"cert": str(cert), "key": str(key)}}, start=False)
    gateway.host = "0.0.0.0"
    gateway.write_config()
    gateway.start()
    gateway.host = address
    with wire.Wire(gateway) as client:
        client.send(wire.startup(user="agent", database="payments"))
        words = client.last_words()
        assert words["S"] == "FATAL" and "PGD-0014" in words["M"] and "sslmode" in words["H"]
    with gateway.connect(issuer.agent(), sslmode="verify-full", sslrootcert=str(authority.file)) as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_a_certificate_is_exchanged_without_a_restart(encrypted, issuer):
    other = Authority(encrypted.folder, "a newer authority")
    cert, key = other.issue("localhost", stem="newer")
    encrypted.write_config(tls={"cert": str(cert), "key": str(key)})
    encrypted.reload()

    def verified():
        try:
            encrypted.connect(issuer.agent(), sslmode="verify-full", sslrootcert=str(other.file), host="localhost",
                              hostaddr="127.0.0.1").close()
        except psycopg.OperationalError:
            return False
        return True

    until(verified, "the new certificate is shown")


# --- the upstream side ---------------------------------------------------------------------------------


def is_encrypted(session, server):
    """Whether the server says that panguard's own connection is encrypted."""
    pid = session.execute("select pg_backend_pid()").fetchone()[0]
    with server.connect("postgres") as admin:
        return admin.execute("select ssl from pg_stat_ssl where pid = %s", [pid]).fetchone() == (True,)


@pytest.mark.parametrize("tls", ["verify-full", "verify-ca"])
def test_the_upstream_is_reached_by_tls_and_scram(make_gateway, issuer, server, authority, tls):
    gateway = make_gateway(connections={"payments": over_tls(server, authority, tls=tls)})
    with gateway.connect(issuer.agent()) as session:
        assert is_encrypted(session, server)


def refused_upstream(gateway, issuer):
    gateway.start(ready=False)
    until(lambda: gateway.http("/healthz")[0] == 200, "it answers")
    told = turned_away(lambda: gateway.connect(issuer.agent()))
    assert "PGD-0011" in told
    return gateway.said()


def test_an_upstream_of_another_authority_is_refused(make_gateway, issuer, server, authority):
    stranger = Authority(authority.folder, "a stranger")
    gateway = make_gateway(connections={"payments": over_tls(server, authority, ca=str(stranger.file))}, start=False)
    assert "certificate" in refused_upstream(gateway, issuer)


def test_an_upstream_of_another_name_is_refused(make_gateway, issuer, server, authority):
    upstream = over_tls(server, authority, address=f"127.0.0.1:{server.port}")
    gateway = make_gateway(connections={"payments": upstream}, start=False)
    assert "certificate" in refused_upstream(gateway, issuer)
    # `verify-ca` leaves the name out.
    gateway.connections["payments"]["tls"] = "verify-ca"
    gateway.write_config()
    gateway.reload()
    until(gateway.is_ready, "the upstream is reached")


def test_an_upstream_without_tls_is_refused_when_tls_is_asked_for(make_gateway, issuer, cluster, authority):
    upstream = over_tls(cluster, authority)
    gateway = make_gateway(connections={"payments": upstream}, start=False)
    assert "TLS" in refused_upstream(gateway, issuer)


def test_who_reads_along_with_a_good_certificate_is_caught_by_channel_binding(make_gateway, issuer, server, authority):
    cert, key = authority.issue("localhost", stem="middle")
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(cert, key)
    theirs = ssl.create_default_context(cafile=str(authority.file))
    theirs.check_hostname = False
    with Meddler(server.port, ours, theirs) as middle:
        upstream = over_tls(server, authority, address=f"localhost:{middle.port}")
        gateway = make_gateway(connections={"payments": upstream}, start=False)
        refused_upstream(gateway, issuer)
    assert "channel binding" in server.log.read_text() or "SCRAM" in server.log.read_text()


@pytest.mark.parametrize("user", ["app_md5", "app_clear"])
def test_older_ways_of_signing_in_upstream(make_gateway, issuer, server, authority, user):
    gateway = make_gateway(connections={"payments": over_tls(server, authority, user=user)})
    with gateway.connect(issuer.agent()) as session:
        assert session.execute("select current_user").fetchone() == (user,) and is_encrypted(session, server)


def test_plain_text_to_an_upstream_off_loopback_is_no_configuration(make_gateway, payments):
    far = {**payments, "address": "192.0.2.1:5432"}
    gateway = make_gateway(start=False)
    gateway.connections = {"payments": far}
    gateway.write_config()
    done = gateway.run("check", check=False)
    assert done.returncode == 2 and "plain text is refused off loopback" in done.stderr
    gateway.connections = {"payments": {**far, "tls": "require"}}
    gateway.write_config()
    assert "verified" in gateway.run("check", check=False).stderr
