"""Every known way around the masks, shown to leak directly, then tried through panguard in every form there is.

The policies allow all but to reveal and to call functions that are not known, and the upstream's credential is a
superuser's, so that nothing but panguard's own understanding stands in the way.
"""

import pytest

from panguard_test import Cluster, Gateway, evasion

EVERYTHING = """
permit (
  principal,
  action in [Action::"connect", Action::"read", Action::"write", Action::"administer", Action::"session"],
  resource
);

// As agents have that look at databases.
permit (principal, action == Action::"call", resource) when {
  [
    "pg_get_expr", "pg_get_indexdef", "pg_get_constraintdef", "pg_get_partkeydef", "pg_get_triggerdef",
    "pg_get_function_arg_default", "pg_get_partition_constraintdef", "pg_get_statisticsobjdef",
    "pg_get_statisticsobjdef_columns", "pg_get_statisticsobjdef_expressions"
  ].contains(resource.name)
};
"""

SHARED = evasion.shared()
CASES = (evasion.read(SHARED / "postgres.jsonl") if SHARED else []) + evasion.read(evasion.OWN)

pytestmark = pytest.mark.skipif(SHARED is None, reason="the checker is in shared/evasions beside the repository: not there")


class Ground:
    """The seed in two databases of one server: what is run directly changes nothing for the gateway."""

    def __init__(self, cluster, issuer, folder):
        self.cluster = cluster
        with cluster.connect("postgres") as admin:
            self.version = admin.info.server_version // 10_000
        self.cases = {case["id"]: self.here(case) for case in CASES}
        self.seed("evasion")
        self.seed("guarded")
        data = dict(evasion.DATA)
        for case in self.cases.values():
            data.update(case.get("data", {}))
        upstream = cluster.upstream("guarded", user="postgres", data=data)
        self.gateway = Gateway(folder, issuer, {"guarded": upstream}, EVERYTHING)
        self.token = issuer.agent()

    def here(self, case):
        """A case with the address that this server has."""
        fields = ("sql", "pre", "cleanup")
        return {name: replaced(value, "55433", str(self.cluster.port)) if name in fields else value
                for name, value in case.items()}

    def runs(self, case):
        return case.get("needs", 0) <= self.version

    def seed(self, name):
        self.cluster.create_database(name=name)
        with self.cluster.connect(name) as admin:
            admin.execute((SHARED / "postgres_seed.sql").read_text(encoding="utf-8"))
            # Before the gateway reads the catalog, as an operator would have done.
            for case in self.cases.values():
                for statement in case.get("pre", []) if self.runs(case) else []:
                    admin.execute(statement)

    def checkers(self):
        admin = {"admin_port": self.cluster.port, "admin_password": self.cluster.passwords["postgres"]}
        here = {"host": self.cluster.HOST, "port": self.cluster.port}
        there = {"host": self.gateway.host, "port": self.gateway.port}
        self.direct = evasion.checker(db="evasion", **admin, **here)
        self.through = evasion.checker(db="guarded", **admin, **there)
        return self

    def open_direct(self, kind, role, extra):
        user = {"agent": ("agent", "agent"), "super": ("postgres", self.cluster.passwords["postgres"])}[role]
        return kind(self.cluster.HOST, self.cluster.port, *user, "evasion", extra)

    def open_through(self, kind, role, extra):
        return kind(self.gateway.host, self.gateway.port, "agent", self.token, "guarded", extra)

    def clean(self, module, case):
        for statement in case.get("cleanup", []):
            module.admin().q(statement)


def replaced(value, old, new):
    return [part.replace(old, new) for part in value] if isinstance(value, list) else value.replace(old, new)


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    with Cluster.start(settings={"wal_level": "logical", "checkpoint_completion_target": "0"}) as cluster:
        ground = Ground(cluster, issuer, tmp_path_factory.mktemp("evasions"))
        with ground.gateway:
            yield ground.checkers()


def marked(case):
    known = case["note"] if case["expect_gateway"] == "leaks" else None
    marks = [pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"leaks: {known}")] if known else []
    return pytest.param(case["id"], id=case["id"], marks=marks)


def test_ids_are_unique_and_ours_are_many():
    ids = [case["id"] for case in CASES]
    assert len(ids) == len(set(ids))
    texts = [(case["mode"], str(case["sql"])) for case in CASES]
    assert len(texts) == len(set(texts))
    assert len(evasion.read(evasion.OWN)) >= 80


@pytest.mark.parametrize("id", [marked(case) for case in CASES])
def test_no_card_number_is_to_be_had(ground, id):
    case = ground.cases[id]
    if not ground.runs(case):
        pytest.skip(f"needs PostgreSQL {case['needs']}, this is {ground.version}")
    expected = case["expect_gateway"]
    shown = evasion.judge(ground.direct, at_once(case), ground.open_direct)
    ground.clean(ground.direct, case)
    if not shown and expected != "not_terminated" and "weak" not in expected:
        # Not by `assert`: nor may it pass for a leak that is known.
        told = pytest.fail if id.startswith("OWN-") else pytest.skip
        told(f"{id} shows nothing when it is run directly on this server: it proves nothing")
    leaks = {form: found for form in evasion.forms(case) if (found := through(ground, case, form))}
    if expected.startswith("must_work"):
        assert leaks
    else:
        assert not leaks, {form: sorted(found)[:2] for form, found in leaks.items()}


def through(ground, case, form):
    try:
        return evasion.judge(ground.through, case, ground.open_through, form)
    finally:
        ground.clean(ground.through, case)


def at_once(case):
    """A case without its `WAIT`s: the server itself knows of a change at once."""
    sql = case["sql"]
    return {**case, "sql": [statement for statement in sql if statement != "WAIT"] if isinstance(sql, list) else sql}
