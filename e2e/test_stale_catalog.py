"""What changes in a database before panguard has read its catalog again. The policies allow all but to reveal."""

import pytest

from panguard_test import cards, until
from test_evasion_cases import EVERYTHING

LETTERS = "translate(pan, '0123456789', 'ABCDEFGHIJ')"
HIDDEN = {"737", *(pan.translate(str.maketrans("0123456789", "ABCDEFGHIJ")) for pan in cards.PANS)}


@pytest.fixture
def database(cluster):
    return cluster.create_database(cards.SEED)


@pytest.fixture
def session(cluster, make_gateway, issuer, database):
    upstream = cluster.upstream(database, user="postgres", data=cards.DATA)
    with make_gateway(EVERYTHING, connections={"payments": upstream}).connect(issuer.agent()) as session:
        yield session


def shown(session, sql):
    """What of it is shown, or None if it is refused."""
    try:
        return HIDDEN & {value for row in session.execute(sql).fetchall() for value in row}
    except Exception as error:
        assert "PGD-" in str(error), error
        return None


def test_a_view_of_the_operators_is_not_read_before_its_columns_are_known(cluster, database, session):
    with cluster.connect(database, user="app_rw") as operator:
        operator.execute(f"create view fresh as select {LETTERS} as x from cards")
    assert not shown(session, "select x from fresh")


def test_a_generated_column_of_the_operators_is_not_read_before_it_is_known(cluster, database, session):
    with cluster.connect(database, user="app_rw") as operator:
        operator.execute(f"alter table cards add fresh text generated always as ({LETTERS}) stored")
    assert not shown(session, "select fresh from cards")
    assert not shown(session, "select fresh || '' from cards")
    assert not shown(session, "select upper(cards.fresh) from cards")


def test_a_cursor_outlives_its_column(cluster, database, session):
    names = ", ".join(f"c{number}" for number in range(10))
    with session.transaction():
        session.execute(f"declare held cursor with hold for select * from cards as t({names})")
    session.execute("alter table cards drop column cvv")
    # Computing on an unknown table's `pan` is refused; on that of a table which is known and not labelled, it is not.
    session.execute("create table mark (pan text)")
    until(lambda: shown(session, "select reverse(pan) from mark") is not None, "the catalog is read again", 20)
    assert not shown(session, "fetch all from held")



def test_what_one_session_changes_no_other_relies_on(cluster, make_gateway, issuer, database):
    """An alias counts off the columns that a table has, and another session drops the first of them."""
    upstream = cluster.upstream(database, user="postgres", data=cards.DATA)
    gateway = make_gateway(EVERYTHING, connections={"payments": upstream})
    asked = "select translate(t.a::text, '0123456789', 'ABCDEFGHIJ') from cards as t(a)"
    with gateway.connect(issuer.agent()) as one, gateway.connect(issuer.agent("other")) as other:
        assert one.execute(asked).fetchone() == ("B",)
        other.execute("alter table cards drop column id cascade")
        assert not shown(one, asked)
    with cluster.connect(database) as direct:
        assert shown(direct, asked), "it would leak"
