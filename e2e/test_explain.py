"""What a statement would come to, before it is sent and after it was refused."""

import json

import psycopg
import pytest

from panguard_test import cards, wire
from panguard_test.refusal import Refusal, refusal

AGENT = ("--principal", "agent:reporter", "--group", "agents")


def explain(gateway, sql, *who, check=None, connection="payments"):
    """`panguard policy explain` in JSON, which must end with `check` if that is given."""
    done = gateway.run("policy", "explain", "--connection", connection, *(who or AGENT), "--format", "json", sql,
                       check=False)
    assert done.returncode in (0, 1), done.stderr
    assert check is None or done.returncode == check, done.stdout
    return json.loads(done.stdout)


def text(gateway, sql, *who):
    """The same for people: by the words that lines begin with."""
    out = gateway.run("policy", "explain", "--connection", "payments", *(who or AGENT), sql, check=False).stdout
    said, word = {}, None
    for line in out.splitlines():
        word = line[:16].strip() or word
        said.setdefault(word, []).append(line[16:])
    return said


# --- facts, lineage, decision ----------------------------------------------------------------------------


def test_a_plain_read_is_explained_column_by_column(gateway):
    said = explain(gateway, "select id, pan, upper(holder) as h, cvv from cards where id = 1", check=0)
    assert said["verdict"] == "allowed" and said["reveals"] == [] and said["refusal"] is None
    assert said["facts"]["kinds"] == ["select"] and said["facts"]["effect"] == "none"
    assert {"action": "read", "resource": "table public.cards"} in said["facts"]["uses"]
    positions = {(one["column"], one["class"], one["position"]) for one in said["facts"]["columns"]}
    assert positions == {("public.cards.pan", "pan", "output"), ("public.cards.holder", "cardholder_name", "derived"),
                         ("public.cards.cvv", "sad", "output")}
    assert [(one["index"], one["column"], one["told"]) for one in said["answer"]] == [
        (2, "public.cards.pan", "masked"), (3, "public.cards.holder", "redacted"), (4, "public.cards.cvv", "null")]
    assert [one["id"] for one in said["policies"]] == ["agents-work"]


def test_what_is_explained_is_what_comes_back(gateway, agent):
    """Over statements of all sorts the verdict, the code and the position are those of the gateway itself."""
    for sql in ("select id, pan from cards", "select upper(pan) from cards", "select id from cards where pan = '4'",
                "select id from cards order by 1, pan", "select pan::bigint from cards", "drop table cards", "select name from staff",
                "select right(pan, 4) from cards where right(pan, 4) = '1111'", "begin", "selec 1", "select count(*) from payments",
                "select distinct holder from cards", "copy cards to stdout; select 1", "select upper(cvv) from cards",
                "insert into payments (memo) select pan from cards", "select 1 from payments p join cards c on c.pan = p.memo",
                "prepare known as select pan from cards where pan = $1", "execute nobody_made_it(1)",
                "prepare q as select upper(pan) from cards; execute q", "select pg_read_file('/etc/passwd')"):
        said = explain(gateway, sql)
        try:
            agent.execute(sql)
            answered = ("allowed", None, None)
        except psycopg.Error as error:
            told = Refusal(error)
            assert told.code, (sql, told)
            answered = ("refused", told.code, error.diag.statement_position)
        refused = said["refusal"] or {"code": None, "position": None}
        position = refused["position"] and str(refused["position"])
        assert (said["verdict"], refused["code"], position) == answered, sql
        agent.execute("rollback")


def test_a_statement_run_by_name_is_explained_by_what_it_stands_for(gateway):
    said = explain(gateway, "prepare q as select id, upper(pan) from cards; execute q", check=0)
    assert said["facts"]["kinds"] == ["prepare", "execute", "select"]
    assert [(one["statement"], one["index"], one["told"]) for one in said["answer"]] == [(2, 2, "redacted")]


def test_whoever_may_reveal_is_told_what(gateway):
    fraud = ("--principal", "user:ada", "--group", "agents", "--group", "fraud")
    said = explain(gateway, "select pan from cards where pan = '4'", *fraud, check=0)
    assert said["verdict"] == "allowed" and "pan" in said["reveals"]
    assert said["answer"][0]["told"] == "revealed" and said["computed"][0]["position"] == 29
    assert explain(gateway, "select cvv from cards where cvv = '1'", *fraud, check=1)["refusal"]["code"] == "PGD-0006"


def test_a_refusal_is_explained_with_its_policies(gateway):
    said = explain(gateway, "drop table cards", check=1)
    assert said["verdict"] == "refused" and said["refusal"]["code"] == "PGD-0005"
    (policy,) = said["policies"]
    assert policy == {"id": "no-drop", "reason": "tables are dropped by the migration tool only", "requirement": "6.5.1"}
    assert "do not retry" in said["refusal"]["hint"]


def test_whoever_may_not_connect_may_do_nothing(gateway):
    said = explain(gateway, "select 1", "--principal", "agent:stranger", check=1)
    assert said["refusal"]["code"] == "PGD-0004"


def test_policies_see_on_whose_behalf_an_agent_acts(make_gateway):
    gateway = make_gateway(start=False, policies=cards.POLICIES + """
        @id("not-for-eve") forbid (principal is Agent, action == Action::"read", resource)
        when { principal has on_behalf_of && principal.on_behalf_of == "eve" };
    """)
    assert explain(gateway, "select 1", *AGENT, "--on-behalf-of", "ada", check=0)["verdict"] == "allowed"
    said = explain(gateway, "select 1", *AGENT, "--on-behalf-of", "eve", check=1)
    assert [one["id"] for one in said["policies"]] == ["not-for-eve"]
    assert "only an agent" in fails(gateway, "--connection", "payments", "--principal", "user:ada",
                                    "--on-behalf-of", "eve", "select 1")


def test_approvals_count_where_policies_ask_for_them(make_gateway):
    gateway = make_gateway(start=False, policies=cards.POLICIES + """
        @id("ask-first") forbid (principal, action == Action::"write", resource) unless { context.approvals >= 2 };
    """)
    sql = "delete from payments where id = 1"
    said = explain(gateway, sql, check=1)
    assert said["verdict"] == "needs_approval" and said["refusal"]["code"] == "PGD-0008"
    assert explain(gateway, sql, *AGENT, "--approvals", "1", check=1)["verdict"] == "needs_approval"
    assert explain(gateway, sql, *AGENT, "--approvals", "2", check=0)["verdict"] == "allowed"


def test_nothing_is_run_and_nothing_is_recorded(make_gateway, cluster, payments):
    gateway = make_gateway(start=False)
    explain(gateway, "delete from payments where id = 2", check=0)
    explain(gateway, "insert into payments (memo) values ('explained')", check=0)
    with cluster.connect(payments["database"]) as direct:
        assert direct.execute("select count(*) from payments where id = 2").fetchone() == (1,)
        assert direct.execute("select count(*) from payments where memo = 'explained'").fetchone() == (0,)
    assert not (gateway.data / "audit").exists()


def test_a_failing_policy_is_told_to_the_operator(make_gateway):
    gateway = make_gateway(start=False, policies=cards.POLICIES + """
        @id("errs") forbid (principal, action == Action::"read", resource) when { 9223372036854775807 + context.statements > 0 };
    """)
    said = explain(gateway, "select 1", check=1)
    assert said["refusal"]["code"] == "PGD-0009" and any("overflow" in error for error in said["errors"])


def test_people_read_it_in_lines(gateway):
    said = text(gateway, "select id, pan from cards where holder > 'Ada'")
    assert said["asked"] == ["agent reporter (agents) on payments"]
    assert said["uses"] == ["read table public.cards"]
    assert "public.cards.pan pan, output: comes back masked, unless it is revealed" in said["columns"]
    assert "public.cards.holder cardholder_name, computed: needs `reveal`" in said["columns"]
    assert said["computed"] == ["public.cards.holder in a condition on rows (WHERE), at character 33"]
    assert said["answer"] == ["statement 1, column 2: masked (pan, of public.cards.pan)"]
    assert said["verdict"] == ["refused"] and said["why"][0].startswith("PGD-0006: ")
    assert "choose rows by another column" in said["instead"][0]
    assert text(gateway, "select 1")["verdict"] == ["allowed; reveals nothing"]
    assert text(gateway, "do $$ begin end $$")["not understood"] == ["do block"]
    assert "pg_read_file" in text(gateway, "select pg_read_file('x')")["functions"]


# --- what cannot be explained ----------------------------------------------------------------------------


def fails(gateway, *arguments):
    done = gateway.run("policy", "explain", *arguments, check=False)
    assert done.returncode == 2 and done.stdout == "", done
    return done.stderr


def test_what_is_wrong_with_the_call_is_said(gateway):
    assert "no connection `nowhere`" in fails(gateway, "--connection", "nowhere", *AGENT, "select 1")
    assert "payments" in fails(gateway, "--connection", "nowhere", *AGENT, "select 1")
    assert "agent:NAME" in fails(gateway, "--connection", "payments", "--principal", "reporter", "select 1")
    assert "--principal" in fails(gateway, "--connection", "payments", "select 1")
    fails(gateway, "--connection", "payments", *AGENT)


def test_a_database_that_cannot_be_reached_is_said_and_no_secret(make_gateway, payments):
    host, port = payments["address"].split(":")
    gone = make_gateway(start=False, connections={"payments": {**payments, "address": f"{host}:1"}})
    said = fails(gone, "--connection", "payments", *AGENT, "select 1")
    assert "cannot connect" in said and ":1 runs" in said and payments["password"] not in said
    wrong = make_gateway(start=False, connections={"payments": {**payments, "password": "not-the-password"}})
    said = fails(wrong, "--connection", "payments", *AGENT, "select 1")
    assert "credential" in said and "not-the-password" not in said
    empty = make_gateway(start=False)
    empty.run("secrets", "remove", "payments")
    assert "panguard secrets set payments" in fails(empty, "--connection", "payments", *AGENT, "select 1")
    (empty.folder / "vault.key").unlink()
    assert "vault key" in fails(empty, "--connection", "payments", *AGENT, "select 1")


def test_a_label_that_matches_no_column_is_said(make_gateway, payments):
    data = {**payments["data"], "public.cards.gone": "pan"}
    gateway = make_gateway(start=False, connections={"payments": {**payments, "data": data}})
    done = gateway.run("policy", "explain", "--connection", "payments", *AGENT, "select 1")
    assert "public.cards.gone" in done.stderr


# --- a refusal says where ----------------------------------------------------------------------------------

# Marked where the refusal points.
PLACES = [
    ("select id from cards where ^pan = '4'", "WHERE", "choose rows by another column"),
    ("select id from cards c where 'é€😀' <> '' and ^c.pan like '4%'", "WHERE", "right(pan, 4)"),
    ("select pan from cards order by ^pan", "to order by", "order by another column"),
    ("select count(*) from cards group by ^holder", "to group by", "group by another column"),
    ("select distinct ^holder from cards", "DISTINCT", "leave DISTINCT out"),
    ("select 1 from payments p join cards c on ^c.pan = p.memo", "to join by", "such as an id"),
    ("select ^pan::bigint from cards", "cast", "cast to text"),
    ("select 1;\n  select regexp_replace(^holder, 'a', '')\n  from cards", "function", "upper"),
    ("insert into payments (memo) select ^pan from cards", "value that is kept", "copied"),
    ("copy ^cards to stdout; select 1", "COPY", "command of its own"),
]


@pytest.mark.parametrize("marked, used, instead", PLACES)
def test_a_refusal_points_at_the_column_and_says_what_to_write(agent, marked, used, instead):
    sql = marked.replace("^", "")
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
        agent.execute(sql)
    told = Refusal(raised.value)
    position = raised.value.diag.statement_position
    assert (told.code, position) == ("PGD-0006", str(marked.index("^") + 1))
    assert f"at character {position}." in told.detail and used in told.detail and "public.cards." in told.detail
    assert instead.lower() in told.hint.lower() and "public.cards." in told.hint


@pytest.mark.parametrize("marked, used, instead", PLACES[:4])
def test_a_statement_that_is_prepared_is_pointed_into_as_well(gateway, issuer, marked, used, instead):
    with wire.Wire.session(gateway, issuer.agent()) as session:
        for _ in range(2):
            answer = session.exchange(wire.parse(marked.replace("^", "")), wire.SYNC)
            assert wire.error(answer)["P"] == str(marked.index("^") + 1) and wire.error(answer)["C"] == "42501"


def test_the_place_is_that_of_the_very_text_and_not_of_one_of_its_shape(agent):
    for literal in ("1", "12345", "'a long text with a pan in it'", "'pan'", "'é'"):
        sql = f"select {literal} from cards where pan = '4'"
        with pytest.raises(psycopg.Error) as raised:
            agent.execute(sql)
        assert raised.value.diag.statement_position == str(sql.rindex("pan") + 1), sql


def test_the_column_that_is_pointed_at_is_the_one_that_may_not_be_revealed(analyst):
    sql = "select id from cards where pan = '4' and holder = 'x'"
    with pytest.raises(psycopg.Error) as raised:
        analyst.execute(sql)
    assert raised.value.diag.statement_position == str(sql.index("holder") + 1)


def test_a_refusal_for_anything_else_points_nowhere(agent):
    with pytest.raises(psycopg.Error) as raised:
        agent.execute("drop table cards")
    assert raised.value.diag.statement_position is None


def test_a_refusal_in_a_transaction_points_as_well(gateway, issuer):
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        session.execute("select 1")
        with pytest.raises(psycopg.Error) as raised:
            session.execute("select id from cards order by pan")
        assert raised.value.diag.statement_position == "31"
        session.rollback()
        assert refusal(session, "select id from cards order by holder").code == "PGD-0006"
