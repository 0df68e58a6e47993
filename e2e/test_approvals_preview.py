"""What people are shown of the things that a command changes, before they answer for it: masked, and nobody else's."""

import json
import subprocess
import threading

import psycopg
import pytest

from panguard_test import cards, until
from panguard_test.approver import Approver
from panguard_test.upstream_http import Upstream

POLICIES = cards.POLICIES + """
    @id("ask-first") forbid (principal, action in Action::"change", resource) unless { context.approvals >= 1 };
    permit (principal in Group::"agents", action in Action::"change", resource);
    permit (principal in Group::"agents", action == Action::"call", resource);
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
    @id("owners-read") permit (principal in Group::"owners", action == Action::"read", resource);
    @id("clerks-approve") permit (principal in Group::"clerks", action == Action::"approve", resource);
"""
MORE = f"""
create view cheap as select * from payments where amount < 10;
create view called as select current_setting('application_name') as name;
create function shady(int) returns int language sql as 'select $1 + 1';
create table refunds (id int primary key, amount numeric(10, 2), memo text);
insert into payments (card, amount, memo) values (1, 900, 'by phone, {cards.DISCOVER}');
"""
NEW = "4012888888881881"


@pytest.fixture(scope="module")
def payments(cluster):
    """A database of its own: what is approved here would change it."""
    return cluster.upstream(cluster.create_database(cards.SEED + MORE), labels=["cde"], data=cards.DATA)


@pytest.fixture
def gateway(make_gateway, payments):
    return make_gateway(policies=POLICIES, connections={"payments": payments})


@pytest.fixture
def owner(gateway, issuer):
    return Approver(gateway, issuer.person("bea", groups=["owners"]))


@pytest.fixture
def effect_of(gateway, issuer, owner, in_background, cluster, payments):
    """The effect that an owner is shown of a statement, which is then denied; nothing of it changes anything."""
    tables = "select (select json_agg(c order by id) from cards c), (select json_agg(p order by id) from payments p), (select count(*) from refunds)"
    sessions = [gateway.connect(issuer.agent()), cluster.connect(payments["database"])]

    def effect_of(sql, parameters=()):
        session, server = sessions
        before = server.execute(tables).fetchone()
        said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, sql, parameters or None))
        request = owner.one()["id"]
        effect = owner.get(request)["effect"]
        owner.deny(request)
        said.result(10)
        assert server.execute(tables).fetchone() == before, "it changes nothing"
        return effect

    yield effect_of
    [session.close() for session in sessions]


def no_card_is_kept(gateway):
    """In clear, anywhere: neither in what is stored nor in the audit log."""
    gateway.stop()
    assert cards.found_in(gateway.data, (*cards.PANS, NEW)) == []


# --- rows ---------------------------------------------------------------------------------------------


def test_rows_are_shown_as_they_are_and_as_they_would_be(effect_of):
    sample = effect_of("update payments set amount = amount + %s, memo = upper(memo) where id <= 2", (5,))["sample"]
    assert sample["columns"] == ["id", "card", "amount", "memo"] and sample["sets"] == ["amount", "memo"]
    assert sample["tables"] == ["public.payments"]
    assert sample["rows"] == [
        {"was": ["1", "2", "1.00", "order 1"], "becomes": ["1", "2", "6.00", "ORDER 1"]},
        {"was": ["2", "3", "2.00", "order 2"], "becomes": ["2", "3", "7.00", "ORDER 2"]},
    ]
    sample = effect_of("delete from payments where id < 40")["sample"]
    assert len(sample["rows"]) == 5 and all("becomes" not in row for row in sample["rows"]) and sample["sets"] == []
    sample = effect_of("insert into refunds (id, amount) select id, amount from payments where id = 7")["sample"]
    assert sample["columns"] == ["id", "amount"] and sample["rows"] == [{"becomes": ["7", "7.00"]}]
    sample = effect_of("insert into refunds values (1, 2.50, %s), (2, 3, null)", ("x" * 200,))["sample"]
    assert sample["rows"] == [{"becomes": ["1", "2.50", "x" * 80 + "…"]}, {"becomes": ["2", "3", None]}]
    sample = effect_of("update payments p set memo = default from cards c where c.id = p.card and p.id = 3")["sample"]
    assert sample["rows"] == [{"was": ["3", "1", "order 3"], "becomes": ["3", "1", "DEFAULT"]}]


def test_labelled_values_are_masked_in_both(gateway, effect_of):
    for sql, parameters in (
            ("update cards set pan = %s, note = %s where id = 2", (NEW, "was another")),
            ("update cards set holder = %s, cvv = %s where id = %s", ("Zoe Quill", "999", 2)),
            ("update cards set doc = %s where id = %s", (json.dumps({"card": {"number": NEW}, "ok": False}), 1)),
            ("update payments set memo = %s where id = %s", (f"was {NEW}", 1))):
        effect = effect_of(sql, parameters)
        assert "sample" not in effect and "rows" not in effect, "what may be card data is put into no other statement"
    (row,) = effect_of("update cards set holder = %s where id = %s", ("Zoe Quill", 2))["sample"]["rows"]
    shown = json.dumps(row)
    assert all(secret not in shown for secret in ("Zoe", "Quill", "Bo", "Chen"))
    sample = effect_of("delete from cards where id < 9")["sample"]
    shown = json.dumps(sample)
    assert len(sample["columns"]) == 8 and len(sample["rows"]) == 3
    assert all(pan not in shown for pan in cards.PANS) and all(name not in shown for name in ("Ada", "737", "1234"))
    (row,) = effect_of("delete from payments where amount = 900")["sample"]["rows"]
    assert row["was"][-1] == f"by phone, {cards.last4(cards.DISCOVER)}", "no label says so, and it is found all the same"
    no_card_is_kept(gateway)
    kept = [path for path in gateway.data.rglob("*") if path.is_file() and b"Zoe Quill" in path.read_bytes()]
    assert kept == []


def test_what_hangs_on_its_session_is_not_shown_by_another(gateway, owner, issuer, in_background):
    """Whoever answers would see another effect than the command has."""
    def unseen(session, sql, rows=None):
        said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, sql))
        request = owner.one()["id"]
        effect = owner.get(request)["effect"]
        owner.deny(request)
        said.result(10)
        assert "sample" not in effect and effect.get("rows") == rows and effect.get("unsampled"), effect

    update = "update payments set amount = amount + 1 where id = 1"
    with gateway.connect(issuer.agent()) as session:
        session.execute("set datestyle = 'ISO, DMY'")
        unseen(session, update)
    with gateway.connect(issuer.agent()) as session:
        for asked in ("current_setting('application_name')", "U&\"curr\\0065nt_setting\"('application_name')",
                      "(select setting from pg_settings where name = 'application_name')", "(select name from called)"):
            unseen(session, f"update payments set amount = case {asked} when 'x' then 888 else 1 end where id = 1")
    with gateway.connect(issuer.agent()) as session:
        session.execute("declare c cursor with hold for select set_config('datestyle', 'ISO, DMY', false)")
        unseen(session, update)
    with gateway.connect(issuer.agent()) as session:
        session.execute("begin isolation level repeatable read")
        unseen(session, update, rows=1)
        session.rollback()
    with gateway.connect(issuer.agent(), autocommit=False) as session:
        done = in_background(session.execute, "insert into refunds values (7, 777777)")
        owner.approve(owner.one()["id"])
        done.result(10)
        unseen(session, "update payments set amount = coalesce((select max(amount) from refunds where id = 7), 1) where id = 1", rows=1)
        session.rollback()


def test_dates_and_times_are_read_as_their_session_reads_them(gateway, owner, issuer, in_background, monkeypatch):
    """JDBC and libpq name them when they connect."""
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    monkeypatch.setenv("PGDATESTYLE", "ISO, DMY")
    sql = "update payments set memo = '01/02/2024'::date || ' ' || '2024-01-01 00:00+00'::timestamptz where id = 3"
    with gateway.connect(issuer.agent()) as session:
        session.execute("SET extra_float_digits = 3; SET application_name = 'PostgreSQL JDBC Driver'")
        done = in_background(session.execute, sql)
        request = owner.one()["id"]
        effect = owner.get(request)["effect"]
        owner.approve(request)
        done.result(10)
        [memo] = session.execute("select memo from payments where id = 3").fetchone()
    assert memo == "2024-02-01 2024-01-01 09:00:00+09"
    assert effect["rows"] == 1 and effect["sample"]["rows"] == [{"was": ["3", "1", "order 3"], "becomes": ["3", "1", memo]}]


def test_parameters_are_of_the_types_that_they_have(effect_of):
    (row,) = effect_of("update payments set amount = case when %s < %s then 1 else 777 end where id = 1", (10, 9))["sample"]["rows"]
    assert row["becomes"][-1] == "777", "as texts 10 is less than 9"


def test_nobody_keeps_others_from_being_looked_at(gateway, owner, issuer, in_background):
    slow = "update payments set memo = 'x' where amount < 0 and (select count(*) from generate_series(1, 100000000)) < 0"
    sessions = [gateway.connect(issuer.agent("slow")) for _ in range(5)]
    said = [in_background(lambda it=it: pytest.raises(psycopg.Error, it.execute, slow)) for it in sessions]
    with gateway.connect(issuer.agent("quick")) as session:
        quick = in_background(lambda: pytest.raises(psycopg.Error, session.execute, "delete from payments where id = 9"))
        until(lambda: [it for it in owner.requests() if "id = 9" in it["statement"]], "it waits")
        (request,) = [it for it in owner.requests() if "id = 9" in it["statement"]]
        assert request["effect"]["rows"] == 1
        until(lambda: len(owner.requests()) == 6, "all wait")
        [owner.deny(it["id"]) for it in owner.requests()]
        quick.result(10)
    [it.result(10) for it in said]
    [it.close() for it in sessions]


@pytest.mark.parametrize("sql", (
    "update payments set amount = shady(card) where id = 1",
    "update payments set amount = random() where id = 1",
    "update payments set card = nextval('payments_id_seq') where id = 1",
    "update payments set memo = (select pan from cards where id = 1) where id = 1",
    "update cards set note = pan where id = 1",
    f"update cards set note = 'x' where pan = '{cards.VISA}'",
    "update payments set memo = pg_read_file('/etc/passwd') where id = 1",
    "update payments set memo = (select name from staff limit 1) where id = 1",
    "update payments set (amount, memo) = (select 1, 'x') where id = 1",
    "update cheap set memo = 'x' where id = 1",
    "with payments as (select 1 as id, 1 as card, 0 as amount, 'made up' as memo) update payments set memo = 'x' where id = 1",
    "insert into refunds (id) values (1) on conflict (id) do update set memo = 'x'",
    "with gone as (delete from payments where id = 1 returning id) update payments set memo = 'x' where id in (select id from gone)",
))
def test_what_may_not_be_run_beforehand_has_no_sample(gateway, issuer, owner, in_background, sql):
    """Most of them may not run at all without more rights; none that waits shows a row."""
    with gateway.connect(issuer.agent()) as session:
        said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, sql))
        until(lambda: said.done() or owner.requests(), "it is refused or waits")
        if not said.done():
            request = owner.one()["id"]
            assert "sample" not in owner.get(request)["effect"], sql
            owner.deny(request)
        said.result(10)


def test_rows_are_for_those_who_may_read_them(gateway, issuer, owner, in_background):
    clerk = Approver(gateway, issuer.person("cy", groups=["clerks"]))
    with gateway.connect(issuer.person("ada", groups=["agents", "owners"])) as session:
        done = in_background(session.execute, "update payments set amount = amount where id = 1")
        request = owner.one()["id"]
        assert owner.get(request)["effect"]["sample"]["rows"]
        effect = clerk.get(request)["effect"]
        assert "sample" not in effect and "does not let you read" in effect["unsampled"] and effect["rows"] == 1
        own = Approver(gateway, issuer.person("ada", groups=["agents", "owners"])).get(request)["effect"]
        assert not {"sample", "unsampled", "rows", "uncounted"} & own.keys(), "whoever asks learns nothing by asking"
        for person in (owner, clerk):
            assert not {"sample", "unsampled"} & person.requests()[0]["effect"].keys(), "a list shows no rows"
        status, after = clerk.approve(request)
        assert status == 200 and "sample" not in after["effect"]
        done.result(10)


def test_a_terminal_shows_rows_as_a_table(gateway, issuer, owner, in_background):
    with gateway.connect(issuer.agent()) as session:
        said = in_background(lambda: pytest.raises(psycopg.Error, session.execute, "update payments set amount = 0 where id = 4"))
        request = owner.one()["id"]
        gateway.environment = {**gateway.environment, "PANGUARD_TOKEN": owner.token}
        shown = gateway.run("requests", "show", request).stdout
        assert "4.00 → 0" in shown and "as they are → as they would be" in shown
        owner.deny(request)
        said.result(10)


def test_a_merge_has_the_planners_estimate(effect_of):
    effect = effect_of("merge into refunds r using payments p on p.id = r.id when not matched then insert (id, amount) values (p.id, p.amount)")
    assert effect["is_estimate"] and effect["rows"] > 0 and "sample" not in effect


# --- HTTP ---------------------------------------------------------------------------------------------

HTTP_POLICIES = """
    permit (principal, action in [Action::"connect", Action::"write", Action::"call"], resource);
    @id("reads") permit (principal in Group::"agents", action == Action::"read", resource)
    unless { context.route == "/secrets/{id}" || context.path like "/closed/*" };
    @id("owners-read") permit (principal in Group::"owners", action == Action::"read", resource);
    @id("ask-first") forbid (principal, action in Action::"change", resource) unless { context.approvals >= 1 };
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
    @id("clerks-approve") permit (principal in Group::"clerks", action == Action::"approve", resource);
"""
CARD = {"id": 7, "holder": "Ada Byrne", "pan": cards.VISA, "limit": {"day": 10, "week": 50}, "tags": ["a", "b"],
        "note": f"replaces {cards.MASTERCARD}"}


@pytest.fixture
def site():
    """A system of one card, which says what it is asked in `requests`."""
    def answer(request):
        path = request["path"]
        if request["method"] != "GET":
            return 200, {"Content-Type": "application/json"}, b'{"ok": true}'
        if path.startswith("/moved"):
            return 302, {"Location": "/cards/7"}, b""
        if path.startswith("/page"):
            return 200, {"Content-Type": "text/html"}, b"<html>"
        if path.startswith("/large"):
            return 200, {"Content-Type": "application/json"}, json.dumps("x" * (300 << 10)).encode()
        if path.startswith("/track"):
            return 200, {"Content-Type": "application/json"}, json.dumps({"t": f"%B{cards.VISA}^BYRNE/ADA^25121010000000000?"}).encode()
        if path.startswith("/slow"):
            site.stopped.wait(5)
        return 200, {"Content-Type": "application/json", "Set-Cookie": "a=b"}, json.dumps(CARD).encode()

    site = Upstream(answer)
    site.stopped = threading.Event()
    with site:
        yield site
        site.stopped.set()


@pytest.fixture
def http(make_gateway, site):
    connection = {"type": "http", "base_url": site.url, "secret": "s3cret", "requests": "mask",
                  "data": {"$.holder": "cardholder_name"}}
    return make_gateway(policies=HTTP_POLICIES, connections={"site": connection})


def ask(gateway, issuer, site, method, path, body=None, *more, who="bea", groups=("owners",)):
    """The effect of a request that waits, as somebody is shown it; the request is denied then."""
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    fields = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
    asked = subprocess.Popen(["curl", "-sS", "-m", "30", "-X", method, "-H", f"Authorization: Bearer {issuer.agent()}",
                              *fields, *more, gateway.url("site", path)], stdout=subprocess.PIPE, text=True)
    request = owner.one(path)["id"]
    effect = Approver(gateway, issuer.person(who, groups=list(groups))).get(request)["effect"]
    owner.deny(request)
    asked.communicate(timeout=20)
    assert [it for it in site.requests if it["method"] != "GET"] == [], "nothing of a held request is sent"
    return effect


def places(effect):
    return [tuple(line.get(member) for member in ("change", "at", "was", "becomes")) for line in effect["diff"]["lines"]]


def test_a_put_is_shown_as_what_it_changes(http, issuer, site):
    body = {**CARD, "limit": {"day": 20}, "tags": ["a", "c", "d"], "pan": NEW, "holder": "Zoe Quill"}
    effect = ask(http, issuer, site, "PUT", "/cards/7", body)
    shown = json.dumps(effect)
    assert [place for place in places(effect) if place[1] != "/holder"] == [
        ("changed", "/limit/day", "10", "20"),
        ("removed", "/limit/week", "50", None),
        ("set", "/note", None, f'"replaces {cards.last4(cards.MASTERCARD)}"'),
        ("set", "/pan", None, f'"{cards.last4(NEW)}"'),
        ("changed", "/tags/1", '"b"', '"c"'),
        ("added", "/tags/2", None, '"d"'),
    ]
    assert places(effect)[0][:3] == ("set", "/holder", None)
    assert all(secret not in shown for secret in (*cards.PANS, NEW, "Ada", "Zoe", "s3cret"))
    (read,) = site.requests
    assert read["path"] == "/cards/7" and read["headers"]["Authorization"] == "Bearer s3cret"
    assert "Cookie" not in read["headers"] and issuer.agent()[:20] not in str(read["headers"])
    same = ask(http, issuer, site, "PUT", "/cards/7", CARD)
    assert {line["change"] for line in same["diff"]["lines"]} == {"set"}, "of what is masked it is not told whether it is the same"
    no_card_is_kept(http)


def test_a_patch_and_a_delete_are_shown_as_what_they_change(http, issuer, site):
    effect = ask(http, issuer, site, "PATCH", "/cards/7", {"limit": {"week": None, "month": 90}, "tags": []})
    assert places(effect) == [
        ("added", "/limit/month", None, "90"), ("removed", "/limit/week", "50", None),
        ("removed", "/tags/0", '"a"', None), ("removed", "/tags/1", '"b"', None),
    ]
    effect = ask(http, issuer, site, "DELETE", "/cards/7")
    assert {line["change"] for line in effect["diff"]["lines"]} == {"removed"}
    assert ("removed", "/pan", f'"{cards.last4(cards.VISA)}"', None) in places(effect)
    assert cards.VISA not in json.dumps(effect) and "Ada" not in json.dumps(effect)


def test_what_is_there_and_not_understood_is_said_to_be_so(http, issuer, site):
    for path, why in (("/moved/1", "cannot be read"), ("/page/1", "no JSON"), ("/large/1", "too long"),
                      ("/track/1", "sensitive"), ("/slow/1", "too long")):
        effect = ask(http, issuer, site, "PUT", path, {"a": 1})
        assert "diff" not in effect and why in effect["undiffed"], (path, effect)
    assert [it["path"] for it in site.requests].count("/cards/7") == 0, "no redirect is followed"


def test_what_whoever_asks_may_not_read_is_not_read_for_others(http, issuer, site):
    effect = ask(http, issuer, site, "PUT", "/closed/1", {"a": 1})
    assert not {"diff", "undiffed"} & effect.keys() and site.requests == []
    assert "diff" not in ask(http, issuer, site, "PUT", "/cards/7", {"a": 1}, "-H", "X-Tenant: 2")
    assert "diff" not in ask(http, issuer, site, "POST", "/cards", {"a": 1})
    assert site.requests == [], "it may be about another thing"


def test_a_resource_is_shown_to_those_who_may_read_it(http, issuer, site):
    effect = ask(http, issuer, site, "PUT", "/cards/7", {"a": 1}, who="cy", groups=("clerks",))
    assert "diff" not in effect and "does not let you read" in effect["undiffed"]


def test_a_document_says_what_can_be_read(make_gateway, issuer, site, tmp_path):
    def content(**properties):
        return {"application/json": {"schema": {"type": "object", "properties": properties}}}

    identified = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    get = {"operationId": "get", "responses": {"200": {"description": "it", "content": content(note={"type": "string", "x-data-class": "secret"})}}}
    put = {"operationId": "put", "requestBody": {"content": content(tags={"type": "array"})}, "responses": {"200": {"description": "done"}}}
    paths = {
        "/cards/{id}": {"parameters": [identified], "get": get, "put": put, "post": {**put, "operationId": "post"}},
        "/secrets/{id}": {"parameters": [identified], "get": {**get, "operationId": "get2"}, "put": {**put, "operationId": "put2"}},
        "/unread/{id}": {"parameters": [identified], "put": {**put, "operationId": "put3"}},
    }
    document = tmp_path / "site.json"
    document.write_text(json.dumps({"openapi": "3.1.0", "info": {"title": "site", "version": "1"}, "paths": paths}))
    connection = {"type": "http", "base_url": site.url, "secret": "s3cret", "openapi": {"document": str(document)}}
    gateway = make_gateway(policies=HTTP_POLICIES, connections={"site": connection})
    effect = ask(gateway, issuer, site, "POST", "/cards/7", {"tags": None})
    assert places(effect) == [("removed", "/tags/0", '"a"', None), ("removed", "/tags/1", '"b"', None), ("added", "/tags", None, "null")]
    effect = ask(gateway, issuer, site, "PUT", "/cards/7", {"note": "n"})
    (note,) = [place for place in places(effect) if place[1] == "/note"]
    assert note[0] == "set" and "replaces" not in json.dumps(effect) and '"n"' not in json.dumps(effect)
    assert effect["diff"]["read"] == {"path": "/cards/7", "route": "/cards/{id}", "operation": "get"}
    before = len(site.requests)
    for path in ("/secrets/1", "/unread/1"):
        effect = ask(gateway, issuer, site, "PUT", path, {"tags": []})
        assert not {"diff", "undiffed"} & effect.keys(), path
    assert len(site.requests) == before
