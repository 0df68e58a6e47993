"""Everything that a running server brings is classified in crates/sql/src/manifest, and nothing else is (issue 4).

`POSTGRES_BIN=/usr/lib/postgresql/17/bin` runs this against another version than the newest that is installed.
"""

import pathlib

import pytest

from panguard_test import Cluster, Gateway, manifest, until
from panguard_test.manifest import SERVER, Manifest
from panguard_test.refusal import refusal

# Modules whose settings exist only if they are there from the start.
PRELOADED = ("pg_stat_statements", "auto_explain", "pg_prewarm")


class Server:
    """A session on a server with all there is, its major version, and the parts of the manifest that it must have."""

    def __init__(self, session):
        self.session = session
        self.major = session.info.server_version // 10_000
        self.parts = manifest.install_everything(session) | {SERVER}


@pytest.fixture(scope="module")
def server(cluster):
    with cluster.connect("postgres") as session:
        (folder,) = session.execute("select setting from pg_config where name = 'PKGLIBDIR'").fetchone()
    there = [name for name in PRELOADED if (pathlib.Path(folder) / f"{name}.so").exists()]
    with Cluster.start(settings={"shared_preload_libraries": ",".join(there)}) as full:
        with full.connect(full.create_database()) as session:
            yield Server(session)


def compare(file, major, found, parts):
    """Fails with what is not classified, and with what should be there and is not."""
    known = Manifest(file)
    unclassified = sorted(found - known.names(major, {part for part, _ in found}))
    lacking = sorted(known.names(major, parts) - found)
    lines = [f"[{part}] {name}\t?\t{major}-" for part, name in unclassified]
    assert not unclassified, f"not classified in {file} for PostgreSQL {major}:\n" + "\n".join(lines)
    assert not lacking, f"said to be in PostgreSQL {major} by {file}, and not there: {lacking}"


def test_every_function_is_classified(server):
    compare("functions.tsv", server.major, manifest.functions(server.session), server.parts)


def test_every_relation_is_classified(server):
    compare("relations.tsv", server.major, manifest.relations(server.session), server.parts)


def test_every_setting_is_classified(server):
    known = Manifest("settings.tsv")
    found = manifest.settings(server.session, known, server.major)
    # A module's settings are there if it was loaded.
    loaded = {part for part, _ in found}
    compare("settings.tsv", server.major, found, loaded)


TEXTS = """
select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v') and a.attnum > 0
and format_type(a.atttypid, null) in
  ('text', 'text[]', 'pg_node_tree', 'anyarray', 'json', 'jsonb', 'bytea', 'character varying', 'information_schema.character_data')
"""

# Columns of texts that hold names, numbers of versions and words of PostgreSQL's own, and nothing that anybody writes as they like.
WORDS = """
data_type interval_type pad_attribute privilege_type identity_generation is_generated object_type foreign_data_wrapper_language library_name
parameter_mode comment requires version default_version installed_version collcollate collctype colliculocale colllocale collicurules collversion
datcollate datcollversion datctype daticulocale datlocale daticurules extversion name locktype mode virtualtransaction virtualxid parname cmd permissive proargnames
rolpassword category context enumvals extra_desc max_val min_val short_desc source sourcefile unit vartype abbrev passwd delete_rule match_option update_rule
external_language external_name parameter_style result_cast_from_data_type result_cast_interval_type routine_body routine_type security_type
sql_data_access sql_path comments feature_id feature_name is_verified_by sub_feature_id sub_feature_name character_value
implementation_info_id implementation_info_name sizing_name constraint_type commit_action reference_generation table_type transform_type action_orientation
action_timing event_manipulation ordering_category ordering_form reference_type user_defined_type_category check_option attnames
""".split()


def test_every_text_of_what_may_be_read_is_classified(server):
    """What anybody may have written into a definition is a secret, or searched for card numbers (columns.tsv, texts.tsv)."""
    read = {name for (_, name), (what, _) in Manifest("relations.tsv").rows.items() if what == "tells"}
    lines = [line.split("\t") for file in ("columns.tsv", "texts.tsv") for line in (manifest.FOLDER / file).read_text().splitlines()]
    known = {tuple(line[-2:]) for line in lines}
    found = {(relation, column) for relation, column in server.session.execute(TEXTS).fetchall() if relation in read}
    assert not sorted((relation, column) for relation, column in found - known if column not in WORDS)


def test_what_only_computes_or_tells_is_no_handler_of_text(server):
    """A net under the reviewer: what runs, shows or reads texts by a name's look needs more than nothing."""
    suspicious = ("_to_xml", "def", "read_file", "ls_dir", "dblink", "crosstab", "lo_", "import", "export", "terminate", "reset", "slot")
    free = {name for (part, name), (what, _) in Manifest("functions.tsv").rows.items() if part == SERVER and what in ("computes", "tells")}
    assert not [name for name in free if name.startswith("pg_") and any(word in name for word in suspicious)]


def test_what_is_in_no_manifest_is_refused_until_it_is_known(tmp_path, cluster, issuer):
    """A function that somebody made since the snapshot is not understood, whoever may call; the next snapshot knows it."""
    database = cluster.create_database("create table t (id int)")
    clears = """
        @id("admins") permit (principal in Group::"admins", action, resource);
        @id("agents-connect") permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource);
        @id("cleared") permit (principal in Group::"agents", action == Action::"call", resource == Function::"shop/discount");
    """
    with Gateway(tmp_path, issuer, {"shop": cluster.upstream(database)}, clears) as gateway:
        with gateway.connect(issuer.agent()) as agent, gateway.connect(issuer.person("root", groups=["admins"])) as admin:
            with cluster.connect(database, user="app_rw") as owner:
                owner.execute("create function discount() returns int language sql as 'select 7'")
                owner.execute("create function surcharge() returns int language sql as 'select 8'")
            for session in (agent, admin):
                assert refusal(session, "select discount()").code == "PGD-0007"
            admin.execute("create table makes_a_snapshot_due (id int)")
            until(lambda: runs(agent, "select discount()"), "the snapshot knows the function", 20)
            assert agent.execute("select discount()").fetchone() == (7,)
            assert refusal(agent, "select surcharge()").code == "PGD-0005"
            # What only the server has another name for stays refused.
            assert refusal(admin, "select pg_nobody_knows()").code == "PGD-0007"


def runs(session, sql):
    try:
        session.execute(sql)
    except Exception:
        return False
    return True
