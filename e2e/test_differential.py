"""With nothing to hide and everything allowed, an agent cannot tell panguard from PostgreSQL (promise 8).

The statements are in corpora/differential. What is allowed to differ is all in this file, with its reason.
"""

import itertools
import threading

import pytest

from panguard_test import Cluster, Gateway, corpus, direct, wire
from panguard_test.likeness import Likeness

WAYS = ("simple", "extended text", "extended binary", "pipelined")

# Everything that is understood, and no card number: the scan of answers is at work.
POLICIES = """
permit (
  principal,
  action in [
    Action::"connect", Action::"read", Action::"write", Action::"administer", Action::"call", Action::"session"
  ],
  resource
);
// What nobody knows is not understood, so that a wrong name is refused before PostgreSQL can say so.
permit (principal, action == Action::"use_feature", resource == Feature::"function no_such_function");
permit (principal, action == Action::"use_feature", resource == Feature::"operator //");
permit (principal, action == Action::"use_feature", resource == Feature::"function no_such_procedure");
"""

# Statements whose answer differs in the extended protocol, and why.
DIFFERENT = {
    "EXECUTE r;": "panguard has every statement described as it is parsed, so that an error of Describe comes at once, "
                  "and the ParameterDescription before it does not",
}


@pytest.fixture(scope="module")
def server():
    with Cluster.start(settings={"autovacuum": "off", "jit": "off", "timezone": "UTC"}) as server:
        seed = server.create_database((corpus.FOLDER / "setup.sql").read_text())
        with server.connect(seed) as setup:
            newest = "select max(oid) from (select oid from pg_class union all select oid from pg_type) o"
            (server.newest_oid,) = setup.execute(newest).fetchone()
        with server.connect("postgres") as admin:
            for way, side in itertools.product(range(len(WAYS)), ("direct", "panguard")):
                admin.execute(f"create database {side}{way} template {seed} owner app_rw")
        yield server


@pytest.fixture(scope="module")
def permissive(tmp_path_factory, issuer, server):
    connections = {f"way{way}": server.upstream(f"panguard{way}") for way in range(len(WAYS))}
    with Gateway(tmp_path_factory.mktemp("differential"), issuer, connections, POLICIES) as gateway:
        yield gateway


@pytest.fixture
def sessions(server, permissive, issuer):
    """Opens a session directly and one through panguard, each on a database of its own."""
    opened = []

    def open_both(way):
        password = server.passwords["app_rw"]
        opened.append(direct.session(server.HOST, server.port, "app_rw", f"direct{way}", password))
        opened.append(wire.Wire.session(permissive, issuer.agent(), f"way{way}"))
        return opened

    yield open_both
    for session in opened:
        session.close()


def run(session, way, messages):
    """The answers to each message."""
    if way == "simple":
        return [corpus.simple(session, message) for message in messages]
    sent = [corpus.extended(message, binary=way == "extended binary") for message in messages]
    if way != "pipelined":
        return [session.exchange(part) for part in sent]
    writer = threading.Thread(target=session.send, args=sent, daemon=True)
    writer.start()
    answers = [session.until("Z") for _ in sent]
    writer.join(10)
    return answers


def told(answer):
    """An answer for people."""
    return "\n".join(f"      {tag} {body[:300]!r}" for tag, body in answer[:12])


@pytest.mark.parametrize("name", corpus.files())
@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
def test_answers_are_the_same_byte_for_byte(server, sessions, way, name):
    messages = corpus.messages(name)
    plain, guarded = (run(session, WAYS[way], messages) for session in sessions(way))
    likeness = [Likeness(server.newest_oid), Likeness(server.newest_oid)]
    differences = []
    for message, *answers in zip(messages, plain, guarded):
        wanted, got = ([like.of(*part) for part in answer] for like, answer in zip(likeness, answers))
        if wanted != got and (way == 0 or message.sql not in DIFFERENT):
            at = next((i for i, (a, b) in enumerate(zip(wanted, got)) if a != b), min(len(wanted), len(got)))
            differences.append(f"{message.place}: {message.sql[:300]}\n    PostgreSQL, from message {at}:\n"
                               f"{told(wanted[at:])}\n    panguard:\n{told(got[at:])}")
    assert not differences, f"{len(differences)} of {len(messages)} answers differ:\n" + "\n".join(differences[:25])


def test_the_corpus_is_as_large_as_was_promised():
    assert sum(len(corpus.messages(name)) for name in corpus.files()) >= 300


def test_a_session_starts_with_the_same_parameters(sessions):
    plain, guarded = sessions(0)
    assert guarded.parameters == plain.parameters
    # Whom to cancel is panguard's own to say: its keys are not PostgreSQL's.
    assert guarded.key


@pytest.mark.parametrize("message", corpus.messages("refused"), ids=lambda message: message.place)
def test_what_is_refused_on_purpose_is_refused_and_the_session_goes_on(sessions, message):
    code = message.comment.split(":")[0]
    _, session = sessions(0)
    for answer in (session.exchange(wire.query(message.sql)), session.exchange(corpus.extended(message, False))):
        assert wire.error(answer)["M"].startswith(f"{code}:"), wire.error(answer)
        assert wire.tags(answer).endswith("EZ") and session.status == "I"
    assert wire.rows(session.exchange(wire.query("SELECT 1"))) == [[b"1"]]
