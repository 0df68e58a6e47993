"""`panguard check --connection`: the database is made to refuse what no policy could allow."""

import json

import psycopg
import pytest

from panguard_test import Gateway, cards, until
from panguard_test.refusal import refusal

SEED = cards.SEED + """
create table ledger (id int primary key, note text);
insert into ledger values (1, 'kept');
create schema hr;
create table hr.wages (id int);
create sequence tickets;
create function refund(int) returns int language sql as 'select $1';
create function fee() returns int language sql as 'select 1';
create table fees (id serial, amount int default fee());
create function log_it() returns trigger language plpgsql as 'begin return new; end';
create view overview as select id, amount from payments;
"""

POLICIES = """
permit (principal in Group::"agents", action in [Action::"connect", Action::"session"], resource);
permit (principal in Group::"agents", action == Action::"read", resource in Schema::"payments/public");
permit (principal in Group::"agents", action == Action::"read", resource == Connection::"payments");
permit (principal in Group::"agents", action == Action::"write", resource is Table)
  when { ["payments", "fees"].contains(resource.name) && context.effect == "data" };
forbid (principal, action, resource == Table::"payments/public.staff");
"""


@pytest.fixture
def house(cluster, issuer, tmp_path):
    """A gateway whose role is one of its own, and may be given anything."""
    with cluster.connect("postgres") as admin:
        name = f"gate_{tmp_path.name.replace('-', '_')[-40:]}".lower()
        admin.execute(f"drop role if exists \"{name}\"")
        admin.execute(f"create role \"{name}\" login password 'e2e-gate'")
        database = f"{name}_db"
        admin.execute(f"create database \"{database}\"")
    cluster.passwords[name] = "e2e-gate"
    upstream = cluster.upstream(database, user=name, data=cards.DATA)
    gateway = Gateway(tmp_path / "gateway", issuer, {"payments": upstream}, POLICIES)
    yield House(cluster, gateway, name, database)
    gateway.__exit__()
    with cluster.connect("postgres") as admin:
        admin.execute(f"drop database \"{database}\" with (force)")
        admin.execute(f"alter role \"{name}\" nosuperuser")


class House:
    def __init__(self, cluster, gateway, role, database):
        self.cluster, self.gateway, self.role, self.database = cluster, gateway, role, database

    def seed(self, sql, user="postgres"):
        with self.cluster.connect(self.database, user=user) as session:
            session.execute(sql)

    def check(self, *more):
        return self.gateway.run("check", "--connection", "payments", *more, check=False)

    def apply(self, *more):
        """Runs what it prints, as a superuser, and looks again."""
        done = self.check(*more)
        assert done.returncode == 1 and done.stdout, done.stderr
        self.seed(done.stdout)
        again = self.check(*more)
        assert again.returncode == 0 and again.stdout == "", again.stdout
        return done.stdout

    def refuses(self, sql):
        """Whether PostgreSQL itself keeps the role from it."""
        with self.cluster.connect(self.database, user=self.role, autocommit=True) as session:
            try:
                session.execute(sql)
            except psycopg.errors.InsufficientPrivilege:
                return True
        return False

    def still_works(self, issuer):
        """What policy allows, by the gateway."""
        self.gateway.start()
        with self.gateway.connect(issuer.agent()) as session:
            assert session.execute("select pan from cards where id = 1").fetchone() == (cards.last4(cards.VISA),)
            assert session.execute("select count(*) from overview").fetchone() == (50,)
            session.execute("insert into payments (card, amount) values (1, 2)")
            session.execute("update payments set memo = 'x' where id = 1")
            session.execute("insert into fees default values")
            assert session.execute("select amount from fees").fetchone() == (1,)
            assert refusal(session, "select * from hr.wages")


def refused_now(house):
    for sql in [
        "delete from cards", "insert into ledger values (2)", "truncate payments", "select * from hr.wages",
        "select name from staff", "select cvv from cards", "select refund(1)", "create table made (a int)",
        "drop table ledger", "copy ledger to program 'true'",
        "create role another", "create database another", "select pg_read_file('PG_VERSION')", "create schema made",
    ]:
        assert house.refuses(sql), sql


def test_a_role_that_was_given_everything(house, issuer):
    house.seed(SEED)
    house.seed(f"""
        grant all on all tables in schema public, hr to "{house.role}";
        grant all on all sequences in schema public to "{house.role}";
        grant all on schema public, hr to "{house.role}";
        grant all on database "{house.database}" to "{house.role}";
        grant execute on function pg_catalog.pg_read_file(text) to "{house.role}";
        alter role "{house.role}" createdb createrole replication bypassrls;
        grant pg_execute_server_program, pg_write_all_data to "{house.role}";
    """)
    before = house.check()
    said = house.apply()
    assert said == before.stdout, "it changes nothing itself"
    assert f'ALTER ROLE "{house.role}" NOCREATEDB;' in said
    assert f'REVOKE "pg_execute_server_program" FROM "{house.role}";' in said
    assert f'GRANT SELECT ("id", "pan", "pan_number", "pan_numeric", "holder", "doc", "note", "amount") ON TABLE "public"."cards"' in said
    assert '"fee"' not in said and '"log_it"' not in said, "a default calls the one, a trigger the other"
    refused_now(house)
    house.still_works(issuer)


def test_a_superuser(house, issuer):
    house.seed(SEED)
    house.seed(f'alter role "{house.role}" superuser')
    said = house.apply()
    assert said.splitlines()[1] == f'ALTER ROLE "{house.role}" NOSUPERUSER;'
    refused_now(house)
    house.still_works(issuer)


def test_an_owner(house, issuer):
    house.seed(f'alter database "{house.database}" owner to "{house.role}"')
    house.seed(f'grant all on schema public to "{house.role}"')
    house.seed(SEED, user=house.role)
    done = house.check()
    assert done.returncode == 1 and "only another owner" in done.stdout and "--owner ROLE" in done.stdout
    assert "OWNER TO …" in done.stdout and not any(line.startswith("ALTER TABLE") for line in done.stdout.splitlines())
    said = house.apply("--owner", "postgres")
    assert 'ALTER TABLE "public"."cards" OWNER TO "postgres";' in said
    refused_now(house)
    house.still_works(issuer)


def test_rights_by_membership_and_by_everybody(house, issuer):
    house.seed(SEED)
    house.seed(f"""
        create role "{house.role}_team" nologin;
        grant "{house.role}_team" to "{house.role}";
        grant usage on schema public, hr to "{house.role}_team";
        grant select, insert, update, delete on all tables in schema public to "{house.role}_team";
        grant usage on all sequences in schema public to "{house.role}_team";
        grant select on hr.wages to public;
        grant select (id), update (note) on ledger to "{house.role}";
    """)
    said = house.apply()
    assert 'REVOKE SELECT ON TABLE "hr"."wages" FROM PUBLIC;' in said
    assert f'REVOKE UPDATE ("note") ON TABLE "public"."ledger" FROM "{house.role}";' in said
    assert f'FROM "{house.role}_team";' in said
    refused_now(house)
    house.still_works(issuer)


def test_what_is_missing_is_remarked_on(house):
    house.seed(SEED)
    house.apply()
    done = house.check()
    assert done.returncode == 0 and done.stdout == ""
    assert f'public.ledger: policy could allow what the role may not: GRANT SELECT ON TABLE "public"."ledger" TO "{house.role}";' in done.stderr
    assert "staff" not in done.stderr and "wages" not in done.stderr
    lines = [json.loads(line) for line in house.check("--format", "json").stdout.splitlines()]
    assert any("public.ledger" in line.get("remark", "") for line in lines)


def test_wrong_usage(house):
    assert house.gateway.run("check", "--connection", "nowhere", check=False).returncode == 2
    assert house.gateway.run("check", "--owner", "postgres", check=False).returncode == 2
    house.gateway.connections["payments"]["address"] = "127.0.0.1:1"
    house.gateway.write_config()
    done = house.check()
    assert done.returncode == 2 and "cannot be reached" in done.stderr


# --- `panguard secrets check` ------------------------------------------------------------------------------


def test_each_credential_is_tried_and_said_to_have_too_many_rights_until_it_has_not(house):
    house.seed(SEED)
    house.seed(f'grant all on all tables in schema public to "{house.role}"')
    looked = house.gateway.run("secrets", "check", check=False)
    assert looked.returncode == 1 and f"payments: works as {house.role}, and has rights that no policy could use" in looked.stdout
    house.apply()
    looked = house.gateway.run("secrets", "check")
    assert looked.stdout == f"payments: works as {house.role}, and has no right that no policy could use\n"
    house.gateway.run("secrets", "rotate", "payments", input="another")
    looked = house.gateway.run("secrets", "check", "--format", "json", check=False)
    found = json.loads(looked.stdout)
    assert looked.returncode == 1 and (found["works"], found["too_many"]) == (False, 0)
    assert "another" not in looked.stdout + looked.stderr


def test_the_credential_of_an_http_system_is_looked_for_and_not_tried(make_gateway, payments, site):
    gateway = make_gateway(connections={"payments": payments, "shop": site.connection()})
    looked = gateway.run("secrets", "check", check=False)
    assert "shop: is in the vault, and was not tried" in looked.stdout and not site.requests
    gateway.run("secrets", "remove", "shop")
    looked = gateway.run("secrets", "check", check=False)
    assert looked.returncode == 1 and "shop: does not work: the vault holds no secret `shop`" in looked.stdout


# --- `panguard secrets renew` ------------------------------------------------------------------------------


def test_a_role_gets_a_new_password_while_agents_work(house, issuer):
    house.seed(SEED)
    house.seed(f'grant select on all tables in schema public to "{house.role}"')
    house.gateway.start()
    with house.gateway.connect(issuer.agent()) as session:
        session.execute("select 1")
        assert "has a new password" in house.gateway.run("secrets", "renew", "payments").stdout
        assert session.execute("select 1").fetchone() == (1,)
        with house.gateway.connect(issuer.agent()) as other:
            assert other.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        house.cluster.connect(house.database, user=house.role)
    changed = lambda: [it["entry"]["event"]["change"] for it in house.gateway.audit("--event", "secret_changed") if it["entry"]["event"]["name"] == "payments"]
    until(lambda: "rotated" in changed(), "it is recorded")


@pytest.mark.parametrize("is_done", [True, False])
def test_a_change_that_was_broken_off_is_ended_and_nobody_is_without_meanwhile(house, issuer, is_done):
    house.seed(SEED)
    house.gateway.start()
    with house.cluster.connect("postgres", autocommit=False) as admin:
        # What is asked for waits, and is done after whoever asked has been killed.
        admin.execute(f'alter role "{house.role}" connection limit 50')
        changing = house.gateway.begin("secrets", "renew", "payments")
        waits = f"select count(*) from pg_stat_activity where usename = '{house.role}' and query like 'ALTER ROLE%' and wait_event_type = 'Lock'"
        with house.cluster.connect("postgres") as looking:
            until(lambda: looking.execute(waits).fetchone()[0] == 1, "it waits for the role")
            second = house.gateway.run("secrets", "renew", "payments", check=False)
            assert second.returncode == 2 and "another `secrets renew` is under way" in second.stderr
            changing.kill()
            changing.wait(10)
            # A role that was changed meanwhile is not changed again.
            admin.rollback() if is_done else admin.commit()
            asks = f"select count(*) from pg_stat_activity where usename = '{house.role}' and query like 'ALTER ROLE%'"
            until(lambda: looking.execute(asks).fetchone()[0] == 0, "it is over")
    if is_done:
        with pytest.raises(psycopg.OperationalError):
            house.cluster.connect(house.database, user=house.role)
    else:
        house.cluster.connect(house.database, user=house.role).close()
    with house.gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,), "who signs in tries both"
    house.gateway.run("secrets", "renew", "payments")
    with house.gateway.connect(issuer.agent()) as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_a_password_with_which_nobody_gets_in_is_taken_back(house, issuer):
    house.seed(SEED)
    house.seed(f'alter role "{house.role}" connection limit 1')
    failed = house.gateway.run("secrets", "renew", "payments", check=False)
    assert failed.returncode == 2 and "the old one is set again" in failed.stderr, failed.stderr
    house.seed(f'alter role "{house.role}" connection limit -1')
    house.cluster.connect(house.database, user=house.role).close()
    assert house.gateway.run("secrets", "check", check=False).stdout.startswith(f"payments: works as {house.role}")


def test_only_the_password_of_one_databases_role_is_renewed(make_gateway, payments, site):
    gateway = make_gateway(connections={"payments": payments, "shop": site.connection()})
    failed = gateway.run("secrets", "renew", "shop", check=False)
    assert failed.returncode == 2 and "no database signs in with `shop`" in failed.stderr
