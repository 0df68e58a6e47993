"""Fixtures: one PostgreSQL and one issuer for the run, and a gateway for the tests that share one."""

import concurrent.futures
import itertools
import signal

import pytest

from panguard_test import Cluster, Gateway, Issuer, cards
from panguard_test.site import Site


SECONDS_MAX = 45


@pytest.fixture(autouse=True)
def deadline(request):
    """A test that hangs fails; a file whose tests take longer says so in its own `SECONDS_MAX`."""
    seconds = getattr(request.module, "SECONDS_MAX", SECONDS_MAX)

    def late(*_):
        raise TimeoutError(f"not done in {seconds} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def cluster():
    with Cluster.start() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def issuer():
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def payments(cluster):
    """A connection to a database of cards, with its columns labelled."""
    return cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, issuer, payments):
    """A gateway before `payments`. Tests that share it leave its policies and configuration alone."""
    with Gateway(tmp_path_factory.mktemp("gateway"), issuer, {"payments": payments}, cards.POLICIES) as gateway:
        yield gateway


@pytest.fixture
def make_gateway(tmp_path, issuer, payments):
    """Starts gateways of a test's own, before `payments` unless told otherwise."""
    made, numbers = [], itertools.count(1)

    def make(policies=cards.POLICIES, connections=None, config=None, start=True, issuer=issuer, **more):
        folder = tmp_path / f"gateway{next(numbers)}"
        gateway = Gateway(folder, issuer, connections or {"payments": payments}, policies, config, **more)
        made.append(gateway)
        return gateway.start() if start else gateway

    yield make
    for gateway in made:
        gateway.__exit__()


@pytest.fixture
def agent(gateway, issuer):
    """A session of an agent that may read and write, and reveal nothing."""
    with gateway.connect(issuer.agent()) as session:
        yield session


@pytest.fixture
def analyst(gateway, issuer):
    """A session of a person who may see card numbers."""
    with gateway.connect(issuer.person("ada", groups=["agents", "fraud"])) as session:
        yield session


@pytest.fixture
def site():
    """An HTTP system."""
    with Site() as site:
        yield site


@pytest.fixture
def store(cluster):
    """A database of its own that gateways may share."""
    name = cluster.create_database()
    with cluster.connect("postgres") as server:
        server.execute(f'alter database "{name}" owner to app_rw')
    yield name
    with cluster.connect("postgres") as server:
        server.execute(f'alter database "{name}" allow_connections true')


@pytest.fixture
def in_background():
    """Runs what waits for people."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool.submit
