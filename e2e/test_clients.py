"""Stock clients keep working: they change nothing but the endpoint."""

import asyncio
import json
import pathlib
import shutil
import subprocess

import asyncpg
import psycopg
import pytest

from panguard_test import cards, until
from panguard_test.cluster import binaries

CLIENTS = pathlib.Path(__file__).parent / "clients"


def psql(gateway, token, *arguments, connection=None, check=True):
    """What psql prints, unaligned."""
    done = subprocess.run([binaries() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *arguments],
                          env=gateway.environment_of_client(token, connection), capture_output=True, text=True,
                          timeout=30)
    if check:
        assert done.returncode == 0, done.stderr
    return done


# --- psql ----------------------------------------------------------------------------------------------


def test_psql_sees_masked_cards(gateway, issuer):
    out = psql(gateway, issuer.agent(), "-c", "select id, pan, cvv from cards order by id").stdout
    assert out.splitlines() == [
        f"{id}|{cards.last4(pan)}|" for id, pan in enumerate((cards.VISA, cards.MASTERCARD, cards.AMEX), 1)
    ]


def test_psql_describes_tables(make_gateway, issuer):
    # Definitions may hold anything, literals among it, so psql's look at them is allowed by name.
    look = """
        permit (principal, action == Action::"call", resource) when {
          ["pg_get_expr", "pg_get_indexdef", "pg_get_constraintdef", "pg_get_statisticsobjdef_columns"]
            .containsAll(context.functions)
        };
        permit (principal, action == Action::"use_feature", resource == Feature::"reads pg_policy");
    """
    gateway = make_gateway(policies=cards.POLICIES + look)
    out = psql(gateway, issuer.agent(), "-c", r"\d cards").stdout
    assert "pan_number|bigint" in out
    assert "public|cards|table|app_rw" in psql(gateway, issuer.agent(), "-c", r"\dt").stdout


def test_psql_is_told_what_to_do_instead(gateway, issuer):
    done = psql(gateway, issuer.agent(), "-c", "drop table cards", check=False)
    assert done.returncode != 0
    assert "PGD-0005" in done.stderr and "HINT:" in done.stderr and "no-drop" in done.stderr


def test_psql_copies_out_and_in(gateway, issuer, tmp_path):
    token, file = issuer.agent(), tmp_path / "payments.csv"
    psql(gateway, token, "-c", rf"\copy (select id + 1000, card, amount, memo from payments where id <= 3 order by id) to {file} csv")
    assert len(file.read_text().splitlines()) == 3
    file.write_text("7,1.50,by psql\n")
    done = psql(gateway, token, "-c", rf"\copy payments (card, amount, memo) from {file} csv",
                "-c", "select card, amount from payments where memo = 'by psql'", "-c", "delete from payments where memo = 'by psql'")
    assert done.stdout.splitlines()[-1] == "7|1.50"


# --- psycopg 3 -----------------------------------------------------------------------------------------


def test_psycopg_reads_text_and_binary(agent):
    statement = "select id, amount, doc, note, null::int from cards where id = %s"
    for binary in (False, True):
        row = agent.cursor(binary=binary).execute(statement, [1]).fetchone()
        assert (row[0], str(row[1]), row[2]["ok"], row[3], row[4]) == (1, "10.50", True, "fine", None)


def test_psycopg_pipelines(agent):
    with agent.pipeline():
        cursors = [agent.execute("select %s::int * 2", [number]) for number in range(50)]
    assert [cursor.fetchone()[0] for cursor in cursors] == [number * 2 for number in range(50)]


def test_psycopg_pipeline_goes_on_after_a_refusal_at_the_next_sync(agent):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        with agent.pipeline() as pipeline:
            agent.execute("select 1")
            agent.execute("drop table cards")
            agent.execute("insert into payments (card, memo) values (1, 'behind a refusal')")
            pipeline.sync()
    assert agent.execute("select count(*) from payments where memo = 'behind a refusal'").fetchone() == (0,)


def test_psycopg_fetches_a_server_side_cursor_in_pieces(gateway, issuer):
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        with session.cursor(name="pieces") as cursor:
            cursor.itersize = 7
            cursor.execute("select payments.id, pan from payments join cards on cards.id = card order by payments.id")
            rows = list(cursor)
    assert len(rows) == 50
    assert all(pan in {cards.last4(pan) for pan in cards.PANS} for _, pan in rows)


def test_psycopg_prepared_statements_are_masked_each_time(agent):
    for id, pan in ((1, cards.VISA), (2, cards.MASTERCARD), (3, cards.AMEX), (1, cards.VISA)):
        row = agent.execute("select pan, pan_number from cards where id = %s", [id], prepare=True).fetchone()
        assert row == (cards.last4(pan),) * 2


def test_psycopg_copies_out_and_in_as_text_and_binary(agent):
    with agent.cursor() as cursor:
        with cursor.copy("copy (select id, amount, memo from payments where id <= 10 order by id) to stdout") as copy:
            rows = list(copy.rows())
        assert rows[0] == ("1", "1.00", "order 1") and len(rows) == 10
        with cursor.copy("copy (select id, memo from payments where id <= 10 order by id) to stdout (format binary)") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows())[9] == (10, "order 10")
        for form, types in (("text", None), ("binary", ["int4", "numeric", "text"])):
            with cursor.copy(f"copy payments (card, amount, memo) from stdin (format {form})") as copy:
                if types:
                    copy.set_types(types)
                for number in range(100):
                    copy.write_row((number, number, f"copied as {form}"))
            cursor.execute("select count(*), sum(amount)::int from payments where memo = %s", [f"copied as {form}"])
            assert cursor.fetchone() == (100, 4950)
            cursor.execute("delete from payments where memo = %s", [f"copied as {form}"])


def test_psycopg_gives_up_a_copy(agent):
    with pytest.raises(ZeroDivisionError):
        with agent.cursor().copy("copy payments (card, memo) from stdin") as copy:
            copy.write_row((1, "given up"))
            raise ZeroDivisionError
    assert agent.execute("select count(*) from payments where memo = 'given up'").fetchone() == (0,)


def heard(gateway, issuer):
    """What a session hears that another of the same agent notifies of."""
    with gateway.connect(issuer.agent()) as session, gateway.connect(issuer.agent()) as other:
        session.execute("listen orders")
        other.execute("notify orders, 'shipped'")
        told = next(session.notifies(timeout=10, stop_after=1))
        return told.channel, told.payload


def test_psycopg_hears_notifications(gateway, make_gateway, cluster, issuer):
    unlabelled = make_gateway(connections={"payments": cluster.upstream(cluster.create_database(cards.SEED))})
    assert heard(unlabelled, issuer) == ("orders", "shipped")
    # Whoever notifies may know of card codes, which are nobody's to hear.
    assert heard(gateway, issuer) == ("orders", "")


def test_psycopg_sees_notices_and_settings(agent):
    notices = []
    agent.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    agent.execute("rollback")
    assert notices == ["there is no transaction in progress"]
    agent.execute("set timezone to 'Asia/Kathmandu'")
    assert agent.info.parameter_status("TimeZone") == "Asia/Kathmandu"


def test_psycopg_transactions_commit_and_roll_back(gateway, issuer):
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        session.execute("insert into payments (card, memo) values (1, 'rolled back')")
        session.rollback()
        with session.transaction():
            session.execute("insert into payments (card, memo) values (1, 'kept')")
            with pytest.raises(ZeroDivisionError), session.transaction():
                session.execute("insert into payments (card, memo) values (1, 'savepoint')")
                raise ZeroDivisionError
        found = session.execute("delete from payments where memo in ('rolled back', 'kept', 'savepoint') returning memo")
        assert found.fetchall() == [("kept",)]
        session.commit()


def test_psycopg_two_phase_commit_is_the_administrators(gateway, issuer):
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        session.execute("savepoint one")
        session.execute("release one")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("commit prepared 'of another'")
        session.rollback()


def test_server_errors_come_through_with_their_fields(agent):
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        agent.execute("insert into payments (id) overriding system value values (1)")
    assert raised.value.diag.constraint_name == "payments_pkey"
    assert raised.value.diag.table_name == "payments"


# --- asyncpg -------------------------------------------------------------------------------------------


def of_asyncpg(gateway, token):
    dsn = gateway.dsn()
    return asyncpg.connect(host=dsn["host"], port=dsn["port"], user=dsn["user"], database=dsn["dbname"],
                           password=token, timeout=10, ssl=False)


def test_asyncpg_reads_masked_binary_values(gateway, issuer):
    async def run():
        session = await of_asyncpg(gateway, issuer.agent())
        try:
            statement = await session.prepare("select id, pan as a, pan_number as b, cvv_number, amount from cards where id = $1")
            for id, pan in ((1, cards.VISA), (2, cards.MASTERCARD)):
                row = await statement.fetchrow(id)
                assert (row["id"], row["a"], row["b"], row["cvv_number"]) == (id, cards.last4(pan), cards.last4(pan), None)
            assert [kind.type.name for kind in statement.get_attributes()] == ["int4", "text", "text", "int4", "numeric"]
        finally:
            await session.close()

    asyncio.run(run())


def test_asyncpg_executes_many_and_copies(gateway, issuer):
    async def run():
        session = await of_asyncpg(gateway, issuer.agent())
        try:
            rows = [(number, f"asyncpg {number % 2}") for number in range(200)]
            await session.executemany("insert into payments (card, memo) values ($1, $2)", rows)
            done = await session.copy_records_to_table("payments", records=rows, columns=["card", "memo"])
            assert done == "COPY 200"
            assert await session.fetchval("select count(*) from payments where memo like 'asyncpg%'") == 400
            async with session.transaction():
                seen = [row["id"] async for row in session.cursor("select id from payments order by id", prefetch=10)]
            assert len(seen) >= 450
            assert await session.execute("delete from payments where memo like 'asyncpg%'") == "DELETE 400"
            await session.reset()
        finally:
            await session.close()

    asyncio.run(run())


def test_asyncpg_raises_the_refusal_and_goes_on(gateway, issuer):
    async def run():
        session = await of_asyncpg(gateway, issuer.agent())
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError) as raised:
                await session.execute("drop table cards")
            assert "PGD-0005" in str(raised.value) and raised.value.hint
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.fetch("select name from staff where id = $1", 1)
            assert await session.fetchval("select 1") == 1
        finally:
            await session.close()

    asyncio.run(run())


# --- node-postgres -------------------------------------------------------------------------------------


def test_node_postgres_sees_what_others_see(gateway, issuer):
    node = shutil.which("node")
    if not node or not (CLIENTS.parent / "node_modules" / "pg").is_dir():
        pytest.skip("node-postgres is not here; ./test installs it")
    done = subprocess.run([node, CLIENTS / "node.mjs"], env=gateway.environment_of_client(issuer.agent()),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["text"] == {"id": 1, "pan": cards.last4(cards.VISA), "cvv": None, "note": "fine"}
    assert [row["number"] for row in seen["prepared"]] == [cards.last4(cards.VISA), cards.last4(cards.MASTERCARD)]
    assert seen["several"] == [{"one": 1}, {"two": 2}]
    assert seen["refused"]["code"] == "42501" and "PGD-0005" in seen["refused"]["message"] and seen["refused"]["hint"]
    assert seen["after"] == 3


# --- pgbench -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(cluster, issuer, tmp_path_factory):
    """A gateway before a database that `pgbench -i` made."""
    from panguard_test import Gateway

    database = cluster.create_database()
    subprocess.run([binaries() / "pgbench", "-i", "-q", "-s", "1", "-n"], env=cluster.environment(database), check=True,
                   capture_output=True)
    upstream = {"bench": cluster.upstream(database)}
    with Gateway(tmp_path_factory.mktemp("bench"), issuer, upstream, cards.POLICIES) as gateway:
        yield gateway


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
@pytest.mark.parametrize("script", ["select-only", "tpcb-like"])
def test_pgbench_runs_without_an_error(bench, issuer, mode, script):
    done = subprocess.run([binaries() / "pgbench", "-n", "-b", script, "-M", mode, "-c", "4", "-j", "2", "-t", "50"],
                          env=bench.environment_of_client(issuer.agent()), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 200/200" in done.stdout
    assert "number of failed transactions: 0" in done.stdout


def test_many_sessions_at_once_see_their_own_answers(gateway, issuer):
    async def one(number):
        session = await of_asyncpg(gateway, issuer.agent())
        try:
            for step in range(10):
                assert await session.fetchval("select $1::int * 1000 + $2::int", number, step) == number * 1000 + step
        finally:
            await session.close()

    async def run():
        await asyncio.gather(*(one(number) for number in range(30)))

    asyncio.run(run())
    until(lambda: gateway.metric("panguard_sessions_open") <= 1, "sessions are closed")
