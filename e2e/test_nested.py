"""Statements that leak, nested into one another by chance: none shows more of a card number than its mask."""

import pytest

from panguard_test import Gateway, cards, direct, nested, wire
from test_evasion_cases import EVERYTHING

COUNT, BATCH = 3_000, 100


@pytest.fixture(scope="module")
def upstream(cluster):
    return cluster.upstream(cluster.create_database(cards.SEED), user="postgres", data=cards.DATA)


@pytest.fixture(scope="module")
def session(tmp_path_factory, issuer, upstream):
    with Gateway(tmp_path_factory.mktemp("nested"), issuer, {"payments": upstream}, EVERYTHING) as gateway:
        with wire.Wire.session(gateway, issuer.agent()) as session:
            yield session


@pytest.fixture(scope="module")
def plain(cluster, upstream):
    """A session past panguard."""
    with direct.session(cluster.HOST, cluster.port, "postgres", upstream["database"], upstream["password"]) as session:
        yield session


def answers(session, statements):
    """What each statement answers: the SQLSTATE of its error, if any, and all texts."""
    for start in range(0, len(statements), BATCH):
        batch = statements[start:start + BATCH]
        session.send(*(wire.query(statement) for statement in batch))
        for statement in batch:
            answer = session.until("Z")
            assert answer and answer[-1][0] == "Z", f"the session ended at: {statement}"
            error = wire.error(answer)
            texts = [value.decode(errors="replace") for row in wire.rows(answer) for value in row if value is not None]
            texts += [body.decode(errors="replace").rstrip("\n") for tag, body in answer if tag == "d"]
            # Where in the statement it stumbled is a number like any card code.
            told = [value for field, value in (error or {}).items() if field not in ("P", "L")]
            yield statement, error and error["C"], texts + told


def leaks(session, statements):
    return [statement for statement, _, texts in answers(session, statements) if nested.shown(texts)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nested_statements_show_no_more_than_the_mask(session, seed):
    assert not leaks(session, nested.statements(COUNT // 3, seed))


def test_nested_statements_with_shadowed_names_show_no_more_than_the_mask(session):
    assert not leaks(session, nested.statements(500, 4, shadowed=True))


@pytest.mark.parametrize("seed", [5, 6])
def test_nested_rows_arrays_documents_and_copies_show_no_more_than_the_mask(session, seed):
    outcomes = list(answers(session, nested.statements(COUNT // 3, seed, held=True)))
    assert not [statement for statement, _, texts in outcomes if nested.shown(texts)]
    ran = [statement for statement, error, _ in outcomes if error is None]
    assert len(ran) > len(outcomes) / 4, f"{len(ran)} of {len(outcomes)} run"


@pytest.mark.parametrize("kind", [{}, {"shadowed": True}, {"held": True}])
def test_the_statements_leak_when_they_are_run_directly(plain, kind):
    """Else the tests above would show nothing."""
    statements = nested.statements(500, 1, **kind)
    outcomes = list(answers(plain, statements))
    ran = [statement for statement, error, _ in outcomes if error is None]
    leaking = [statement for statement, error, texts in outcomes if error is None and nested.shown(texts)]
    assert len(ran) > len(statements) / 3, f"{len(ran)} of {len(statements)} run"
    assert len(leaking) > len(ran) * 3 / 4, f"{len(leaking)} of {len(ran)} leak"
