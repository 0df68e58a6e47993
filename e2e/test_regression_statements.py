"""PostgreSQL's own regression statements: what is read in them is what PostgreSQL reads in them, and through panguard
none of them brings a protected value.

Each file is run three times: by psql directly; by psql through panguard, under policies that allow everything but to
reveal; and directly once more, where each statement that PostgreSQL's own analysis can be asked about (docs/witnesses.md)
is held against ours, with every other column of every table labelled.
"""

import concurrent.futures

import pytest

from panguard_test import Cluster, Gateway, regression

pytestmark = [
    pytest.mark.skipif(not regression.is_here(), reason="NOT TESTED: PostgreSQL's statements are not there: .ci/install regression"),
    pytest.mark.skipif(not regression.judge().is_file(), reason="NOT TESTED: cargo build --package sql --example testify"),
]

EVERYTHING = """
permit (
  principal,
  action in [
    Action::"connect", Action::"read", Action::"write", Action::"administer", Action::"session", Action::"call"
  ],
  resource
);
permit (principal, action == Action::"match", resource) when { context.matches < 1000000 };
"""

# What is labelled: columns that many statements use, of tables that are there from the beginning, each of whose values
# begins with a word that stands nowhere else ...
WORD = "kanarie"
KNOWN = {
    "tenk1": ["stringu1", "stringu2"], "onek": ["stringu1", "stringu2"], "onek2": ["stringu1"], "tenk2": ["stringu2"],
    "person": ["name"], "road": ["name"], "text_tbl": ["f1"], "varchar_tbl": ["f1"],
}
# ... and columns of these and of tables that the files make.
OTHERS = """
    char_tbl.f1 int8_tbl.q2 aggtest.b j1_tbl.t j2_tbl.k department.name document.dtitle shoelace_data.sl_color base_tbl.b
    pktable.ptest2 fktable.ftest2 target.balance source.delta prt1.c prt2.c pagg_tab.c list_parted.b gtest1.b itest1.b
    foo.f2 insertconflicttest.fruit pslot.slotlink empsalary.salary gstest2.d test_json.test_json main_table.b arrtest.b
"""
LABELS = {
    **{f"public.{table}.{column}": "cardholder_name" for table, columns in KNOWN.items() for column in columns},
    **{f"public.{column}": "cardholder_name" for column in OTHERS.split()},
}
MARK = """
alter table varchar_tbl alter f1 type varchar(20);
""" + "".join(f"update {table} set {column} = '{WORD}' || {column};\n" for table, columns in KNOWN.items() for column in columns)


class Ground:
    """Three servers alike, and panguard before one of them."""

    def __init__(self, folder, issuer):
        self.direct, self.guarded, self.replayed = self.servers = [
            Cluster.start(settings=regression.SETTINGS) for _ in range(3)]
        for server in self.servers:
            server.create_database(name="regression")
            regression.psql(server, server.environment("regression", "postgres"), "test_setup")
        for server in (self.direct, self.guarded):
            with server.connect("regression") as admin:
                admin.execute(MARK)
        upstream = self.guarded.upstream("regression", user="postgres", data=LABELS)
        self.gateway = Gateway(folder, issuer, {"regression": upstream}, EVERYTHING).start()
        self.token = issuer.agent()
        self.judge = regression.Judge()
        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        self.counts = regression.Counts()
        self.heard = 0

    def guard(self, name):
        return regression.psql(self.guarded, self.gateway.environment_of_client(self.token), name)

    def run(self, name):
        """What psql says through panguard, and what is wrong with what we read in the statements."""
        guarded = self.pool.submit(self.guard, name)
        before = self.direct.log.stat().st_size
        direct = regression.psql(self.direct, self.direct.environment("regression", "postgres"), name)
        texts = regression.sent(self.direct.log.read_bytes()[before:].decode(errors="replace"))
        replay = regression.Replay(self.replayed, "regression", self.judge)
        for text in texts:
            replay.statement(text)
        replay.close()
        self.heard += replay.heard
        self.counts += regression.compared(name, direct, guarded.result())
        return guarded.result(), replay.wrong

    def close(self):
        self.pool.shutdown()
        self.judge.close()
        self.gateway.__exit__()
        for server in self.servers:
            server.close()


@pytest.fixture(scope="module")
def ground(tmp_path_factory, issuer):
    ground = Ground(tmp_path_factory.mktemp("regression"), issuer)
    yield ground
    ground.close()


@pytest.mark.parametrize("name", regression.names())
def test_no_witness_contradicts_another_and_no_value_leaves(ground, name):
    said, wrong = ground.run(name)
    assert not wrong, "\n".join(f"{verdict}:\n{text}\n{witness}" for verdict, text, witness in wrong)
    assert WORD not in said.lower()
    assert "contradicted by the database" not in said


def test_most_of_them_pass_unchanged(ground, capsys):
    """What does not is refused (functions, rules and roles that are made; comparisons of labelled columns), follows from
    that, or tells of the database's own numbers and costs."""
    counts = ground.counts
    total = counts.same + counts.refused + counts.masked + counts.other
    with capsys.disabled():
        print(f"\n  {counts.same / max(total, 1):.1%} pass unchanged: {counts}; PostgreSQL says of {ground.heard} what they read")
    assert counts.same > total / 2 and ground.heard > 0
