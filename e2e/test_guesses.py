"""Who may compare a card number with values of their own may do so a few times a day, and not until they have found it."""

import psycopg
import pytest

from panguard_test import cards
from panguard_test.refusal import refusal

FEW = """
@id("agents-match")
@reason("a card may be looked up by its number, three times a day")
permit (principal in Group::"agents", action == Action::"match", resource in DataClass::"pan")
when { context.matches <= 3 };
"""

TABLES = f"""
create table vault (id int primary key, pan text unique, note text);
insert into vault values (1, '{cards.VISA}', 'a'), (2, '{cards.MASTERCARD}', 'b');
create table refunds (id int generated always as identity, card text references vault (pan));
create table bins (id int primary key, bin text, pan text, check (left(pan, length(bin)) = bin));
insert into bins values (1, '4', '{cards.VISA}');
create table split (id int, pan text) partition by range (id);
create table split_1 partition of split for values from (0) to (100);
grant all on all tables in schema public to app_rw;
"""


@pytest.fixture
def counted(cluster, make_gateway):
    """A gateway before a database whose card numbers are unique, where three comparisons a day are allowed."""
    database = cluster.create_database(TABLES)
    data = {"public.vault.pan": "pan", "public.bins.pan": "pan", "public.split.pan": "pan"}
    return make_gateway(cards.POLICIES + FEW, {"payments": cluster.upstream(database, data=data)})


def test_a_card_is_found_by_its_number_and_comes_back_masked(counted, issuer):
    with counted.connect(issuer.agent()) as session:
        found = session.execute("select id, pan from vault where pan = %s", [cards.VISA]).fetchall()
        assert found == [(1, cards.last4(cards.VISA))]
        assert session.execute(f"select id from vault where pan in ('{cards.AMEX}', '{cards.MASTERCARD}')").fetchall() == [(2,)]
    notes = [line["entry"]["event"]["command"]["facts"]["matches"] for line in counted.audit("--event", "command_intent")
             if "matches" in line["entry"]["event"]["command"]["facts"] and line["entry"]["event"]["command"]["stage"] == "run"]
    assert [(note["column"], note["values"]) for (note,) in notes] == [("public.vault.pan", 1), ("public.vault.pan", 2)]


def test_the_next_after_the_last_is_refused_and_says_why(counted, issuer):
    with counted.connect(issuer.agent()) as session:
        for number in range(3):
            session.execute(f"select 1 from vault where pan = '{number}'")
        told = refusal(session, f"select 1 from vault where pan = '{cards.VISA}'")
        assert (told.code, told.sqlstate) == ("PGD-0017", "53400")
        assert "public.vault.pan" in told.message and cards.VISA not in repr(told)
        # What compares nothing is as free as before, and so is another column.
        assert session.execute("select right(pan, 4) from vault where id = 1").fetchone() == (cards.VISA[-4:],)
        session.execute("select 1 from bins where pan = '4'")
    with counted.connect(issuer.agent("another-agent")) as session:
        session.execute("select 1 from vault where pan = '4'")


def test_sessions_at_once_share_what_there_is(counted, issuer):
    sessions = [counted.connect(issuer.agent()) for _ in range(4)]
    answered = 0
    for session in sessions:
        try:
            session.execute("select 1 from vault where pan = '4'")
            answered += 1
        except psycopg.Error as error:
            assert "PGD-0017" in str(error)
        session.close()
    assert answered == 3


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_gateway_that_was_ended_remembers(counted, issuer, end):
    with counted.connect(issuer.agent()) as session:
        for number in range(3):
            session.execute(f"select 1 from vault where pan = '{number}'")
        getattr(counted, end)()
    counted.start()
    with counted.connect(issuer.agent()) as session:
        assert refusal(session, "select 1 from vault where pan = '4'").code == "PGD-0017"


def test_what_is_prepared_counts_each_time_that_it_runs(counted, issuer):
    with counted.connect(issuer.agent()) as session:
        session.execute("prepare find as select id from vault where pan = $1")
        # To prepare it was to compare it, as far as anybody can tell.
        assert session.execute(f"execute find('{cards.VISA}')").fetchall() == [(1,)]
        assert session.execute("execute find('5')").fetchall() == []
        assert refusal(session, "execute find('6')").code == "PGD-0017"
    with counted.connect(issuer.agent("another-agent"), prepare_threshold=0) as session:
        for number in range(3):
            session.execute("select id from vault where pan = %s", [str(number)])
        assert refusal(session, "select id from vault where pan = %s", ["4"]).code == "PGD-0017"


def test_a_row_that_is_written_is_a_guess_by_what_it_fails_by(counted, issuer):
    with counted.connect(issuer.agent()) as session:
        session.execute("insert into vault values (3, '4')")
        with pytest.raises(psycopg.errors.IntegrityError):
            session.execute(f"insert into vault values (4, '{cards.VISA}')")
        session.execute(f"insert into vault values (5, '{cards.VISA}') on conflict (pan) do nothing")
        assert refusal(session, "insert into vault values (6, '5')").code == "PGD-0017"
        assert refusal(session, "update vault set pan = '6' where id = 3").code == "PGD-0017"
        # It refers to card numbers, so it holds some.
        assert refusal(session, f"insert into refunds (card) values ('{cards.VISA}')").code == "PGD-0017"
        with counted.connect(issuer.agent("another-agent")) as other:
            other.execute(f"insert into refunds (card) values ('{cards.VISA}')")
        assert session.execute("select card from refunds").fetchall() == [(cards.last4(cards.VISA),)]
        # What nobody can count.
        for sql in ("insert into vault (id, pan) select id, note from vault", "update vault set pan = note",
                    "update bins set bin = '41' where id = 1"):
            assert refusal(session, sql).code == "PGD-0006", sql
        with pytest.raises(psycopg.Error, match="PGD-0006"):
            with session.cursor().copy("copy vault (id, pan) from stdin") as copy:
                copy.write_row((9, "4"))


def test_who_may_reveal_compares_without_end(counted, issuer):
    with counted.connect(issuer.agent(groups=["agents", "fraud"])) as session:
        for number in range(10):
            session.execute(f"select 1 from vault where pan = '{number}'")


def test_without_a_policy_nothing_is_compared(cluster, make_gateway, issuer):
    database = cluster.create_database(TABLES)
    gateway = make_gateway(cards.POLICIES, {"payments": cluster.upstream(database, data={"public.vault.pan": "pan"})})
    with gateway.connect(issuer.agent()) as session:
        told = refusal(session, f"select id from vault where pan = '{cards.VISA}'")
        assert told.code == "PGD-0006" and "public.vault.pan" in told.message
        assert refusal(session, f"insert into vault values (9, '{cards.VISA}')").code == "PGD-0006"


def test_one_guess_is_one_value_and_the_whole_of_it(cluster, make_gateway, issuer):
    """Each of these told of many values, or of a part of one, at the price of one or none."""
    database = cluster.create_database(TABLES + "create sequence numbers; alter table vault alter id set default nextval('numbers')")
    administers = "permit (principal, action == Action::\"administer\", resource);"
    upstream = cluster.upstream(database, data={"public.vault.pan": "pan", "public.bins.pan": "pan"})
    gateway = make_gateway(cards.POLICIES + FEW + administers, {"payments": upstream})
    with gateway.connect(issuer.agent()) as session:
        for sql in (
            "select right(pan::varchar(8), 4) from vault",
            "select id from vault where pan::varchar(6) = '411111'",
            "insert into vault values (generate_series(10, 20), (4111111111111101 + generate_series(0, 10))::text) on conflict do nothing returning id",
            "update vault set pan = default",
        ):
            assert refusal(session, sql).code == "PGD-0006", sql
        for number in (cards.VISA, "1", "2", "3"):
            session.execute(f"alter table vault alter pan set default '{number}'")
            sql = "insert into vault default values"
            if number == "3":
                assert refusal(session, sql).code == "PGD-0017"
            elif number == cards.VISA:
                with pytest.raises(psycopg.errors.IntegrityError):
                    session.execute(sql)
            else:
                session.execute("insert into vault (id) values (%s)", [f"10{number}"])
        assert refusal(session, "insert into vault (id) select 7 from refunds").code == "PGD-0006"


@pytest.mark.parametrize("shadow", ["create domain pg_temp.text as pg_catalog.varchar(8)",
                                    "create domain public.text as pg_catalog.varchar(8); set search_path to public, pg_catalog"])
def test_a_type_that_is_called_text_is_not_taken_for_it(cluster, make_gateway, issuer, shadow):
    database = cluster.create_database(TABLES)
    administers = "permit (principal, action == Action::\"administer\", resource);"
    upstream = cluster.upstream(database, user="postgres", data={"public.vault.pan": "pan"})
    gateway = make_gateway(cards.POLICIES + FEW + administers, {"payments": upstream})
    with gateway.connect(issuer.agent()) as session:
        ends = "select right(pan::text, 4) from vault where id = 1"
        assert session.execute(ends).fetchall() == [(cards.VISA[-4:],)]
        for part in shadow.split("; "):
            session.execute(part)
        for sql in (ends, "select id from vault where pan::text = '41111111'", "select pan::text from vault"):
            assert refusal(session, sql).code == "PGD-0006", sql
        assert session.execute(ends.replace("::text", "::pg_catalog.text")).fetchall() == [(cards.VISA[-4:],)]


def test_what_holds_the_same_values_shares_what_there_is(counted, issuer):
    with counted.connect(issuer.agent()) as session:
        session.execute("select 1 from split where pan = '4'")
        session.execute("select 1 from split_1 where pan in ('5', '6')")
        assert refusal(session, "select 1 from split_1 where pan = '7'").code == "PGD-0017"
        session.execute("select 1 from refunds where card in ('4', '5')")
        assert refusal(session, "select 1 from vault where pan in ('6', '7')").code == "PGD-0017"
