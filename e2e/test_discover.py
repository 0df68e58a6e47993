"""`panguard discover`: labels are proposed with their evidence, as a diff, and nothing is shown or applied."""

import json
import re
import subprocess

import pytest

from panguard_test import Gateway, cards

SEED = cards.SEED + f"""
create table plain (id bigint primary key, reference text, memo text, contact text, stamp timestamptz);
insert into plain select i, '{cards.MASTERCARD}', 'nothing to see', 'p' || i || '@example.com', now()
  from generate_series(1, 40) i;
create table orders (number bigint);
insert into orders select 4000000000000000 + i * 7 from generate_series(1, 300) i;
create schema "Old shop";
create table "Old shop"."Card.Data" ("Card Number" text, cvc2 text, "valid_thru" date);
create table "new
line -- 'x' {{" ("ca""rd: \u202e#" text);
insert into "new
line -- 'x' {{" values ('{cards.VISA}');
create view broken as select pan::int as pan from cards;
create view cardview as select id, pan as anything from cards;
create table big (id int, card_number text) with (autovacuum_enabled = off);
insert into big select i, '{cards.VISA}' from generate_series(1, 20000) i;
analyze big;
create table events (id int, doc text, body jsonb);
insert into events select i, '{{"seen": [{{"pan": "{cards.AMEX}"}}]}}',
  jsonb_build_object('{cards.VISA}', jsonb_build_object('number', '{cards.VISA}')) from generate_series(1, 5) i;
create table parts (id int, pan text) partition by range (id);
create table parts_1 partition of parts for values from (0) to (100);
insert into parts values (1, '{cards.DISCOVER}');
"""

YAML = """# kept as it is
data_dir: ./data
policies: ./policies
listen: {{ postgres: 127.0.0.1:6432 }}
vault: {{ key: {{ file: ./vault.key }} }}
identity:
  issuers:
    - {{ issuer: https://idp.example.com, audience: panguard, agents: {{ claim: azp, prefix: agent- }} }}
connections:
  payments:
    type: postgres
    address: {address}
    database: {database}
    tls: disable
    credential: {{ user: app_rw, password: {{ secret: payments }} }}
{data}limits:
  connections: 10
"""


@pytest.fixture(scope="module")
def database(cluster):
    return cluster.create_database(SEED)


@pytest.fixture
def shop(tmp_path, cluster, issuer, database):
    """A configuration that is not served, before a database of which little is labelled."""
    data = {"public.cards.cvv": "sad", "public.cards.note": "pan", "public.staff.name": "pan", "public.gone.pan": "pan"}
    upstream = cluster.upstream(database, data=data)
    return Gateway(tmp_path, issuer, {"payments": upstream}, cards.POLICIES)


def found(gateway, *arguments):
    done = gateway.run("discover", "payments", "--format", "json", *arguments, check=False)
    assert done.returncode in (0, 1), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    proposals = {line["column"]: line for line in lines if "column" in line}
    return proposals, [line["remark"] for line in lines if "remark" in line], done


def shows_nothing(text):
    """No value, and no run of digits of one."""
    for pan in cards.PANS:
        for at in range(len(pan) - 5):
            assert pan[at:at + 6] not in text.replace("-", ""), text
    for value in ("Ada", "Bo Chen", "Eve", "@example", "737", "1234"):
        assert value not in text, value


def test_columns_are_proposed_by_what_they_hold_and_are_called(shop):
    proposals, remarks, done = found(shop)
    labels = {column: line["label"] for column, line in proposals.items()}
    assert labels == {
        "public.cards.pan": "pan",
        "public.cards.pan_number": "pan",
        "public.cards.pan_numeric": "pan",
        "public.cards.cvv_number": "sad",
        "public.cards.doc": {"json": {"$.card.number": "pan"}},
        "public.plain.reference": "pan",
        "public.plain.contact": "email",
        '"Old shop"."Card.Data"."Card Number"': "pan",
        '"Old shop"."Card.Data".cvc2': "sad",
        '"Old shop"."Card.Data".valid_thru': "expiry",
        "public.cardview.anything": "pan",
        "public.broken.pan": "pan",
        "public.big.card_number": "pan",
        "public.events.doc": {"json": {"$.seen[*].pan": "pan"}},
        "public.events.body": {"json": {"$.*.number": "pan"}},
        "public.parts.pan": "pan",
        'public."new\nline -- \'x\' {"."ca""rd: \u202e#"': "pan",
    }
    assert done.returncode == 1
    assert proposals["public.broken.pan"]["evidence"] == "no value was seen; named as a card number"
    evidence = proposals["public.cards.pan"]["evidence"]
    assert evidence.startswith("3 of 3 values are card numbers (")
    assert "named as a card number" in evidence and "visa 1" in evidence and "beside" in evidence and "cvv" in evidence


def test_nothing_of_a_value_is_shown(shop):
    for form in ("json", "text"):
        done = shop.run("discover", "payments", "--format", form, check=False)
        shows_nothing(re.sub(r"payments|127\.0\.0\.1:\d+", "", done.stdout + done.stderr))


def test_what_the_role_may_not_read_is_said(shop, cluster, database):
    with cluster.connect(database) as admin:
        admin.execute("create table closed (a text); create table half (a text, card_number text)")
        admin.execute("grant select (a) on half to app_rw")
        proposals, remarks, done = found(shop, "--table", "closed", "--table", "half")
        assert remarks[1:] == ["public.closed: not sampled, the role may not read it",
                               "public.half.card_number: not sampled, the role may not read it"]
        assert proposals["public.half.card_number"]["evidence"] == "no value was seen; named as a card number"
        admin.execute("drop table closed, half")


def test_labels_that_nothing_bears_out_are_remarked_on(shop):
    _, remarks, _ = found(shop)
    said = "\n".join(remarks)
    assert "public.gone.pan: labelled, and there is no such column" in said
    assert "public.staff.name: labelled pan, and none of 1 sampled values holds a card number" in said
    assert "public.cards.note: labelled" not in said
    assert re.search(r"public\.orders\.number: \d+ of 300 values pass as card numbers, which is what chance makes", said)
    assert "public.broken: not sampled, the server refused with SQLSTATE 22003" in said


def test_filters_and_bounds(shop):
    proposals, _, _ = found(shop, "--schema", "Old shop")
    assert {column.rsplit(".", 1)[0] for column in proposals} == {'"Old shop"."Card.Data"'}
    proposals, _, _ = found(shop, "--table", "public.big", "--rows", "100")
    assert re.match(r"(\d+) of \1 values are card numbers \(visa \1\)", proposals["public.big.card_number"]["evidence"])
    assert int(proposals["public.big.card_number"]["evidence"].split()[0]) <= 100
    proposals, remarks, done = found(shop, "--table", "staff")
    assert proposals == {} and done.returncode == 0


@pytest.mark.parametrize("arguments", [
    ("nowhere",), ("payments", "--table", "nowhere"), ("payments", "--schema", "nowhere"), ("payments", "--rows", "0"), (),
])
def test_wrong_usage(shop, arguments):
    done = shop.run("discover", *arguments, check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr


def test_an_upstream_that_is_not_there(tmp_path, issuer, payments):
    gateway = Gateway(tmp_path, issuer, {"payments": {**payments, "address": "127.0.0.1:1"}}, cards.POLICIES)
    done = gateway.run("discover", "payments", check=False)
    assert done.returncode == 2 and "cannot be reached" in done.stderr
    assert payments["password"] not in done.stderr


@pytest.mark.parametrize("data", [
    "",
    "    data:\n      public.cards.pan: pan   # the first\n      public.staff.name:\n        not_pan: { reason: seen, until: 2027-01-31 }\n",
    "    data: {}\n",
    "    data: { public.cards.pan: pan }\n",
])
def test_the_diff_applies_and_the_configuration_is_fine_after_it(shop, cluster, database, data):
    text = YAML.format(address=f"127.0.0.1:{cluster.port}", database=database, data=data)
    shop.file.write_text(text)
    done = shop.run("discover", "payments", check=False)
    assert done.returncode == 1 and done.stdout.startswith("--- panguard.yaml\n+++ panguard.yaml\n@@ "), done.stderr
    assert shop.file.read_text() == text, "it applies nothing itself"
    patched = subprocess.run(["patch", "-p0"], input=done.stdout, cwd=shop.folder, capture_output=True, text=True)
    assert patched.returncode == 0, patched.stdout + patched.stderr
    assert "fuzz" not in patched.stdout and "offset" not in patched.stdout
    assert "fine" in shop.run("check").stdout
    after = shop.file.read_text()
    assert "# kept as it is" in after and [line for line in text.splitlines() if "data" not in line] == [
        line for line in after.splitlines() if line in text.splitlines() and "data" not in line]
    again = shop.run("discover", "payments", check=False)
    assert again.returncode == 0 and again.stdout == ""


def test_a_diff_of_json_applies_too(shop):
    done = shop.run("discover", "payments", check=False)
    patched = subprocess.run(["patch", "-p0"], input=done.stdout, cwd=shop.folder, capture_output=True, text=True)
    assert patched.returncode == 0, patched.stdout + patched.stderr
    json.loads(shop.file.read_text())
    assert shop.run("discover", "payments", check=False).returncode == 0


def test_where_no_diff_can_be_made_the_lines_are_told(shop, cluster, database):
    """Two connections share their labels by an alias: what is put into the one is in the other as well."""
    data = "    data: &labels\n      public.cards.pan: pan\n"
    text = YAML.format(address=f"127.0.0.1:{cluster.port}", database=database, data=data)
    other = text[text.index("  payments:"):text.index("    data:")].replace("payments:", "other:", 1)
    shop.file.write_text(text.replace("limits:", other + "    data: *labels\nlimits:"))
    assert "fine" in shop.run("check").stdout
    done = shop.run("discover", "payments", "--table", "plain", check=False)
    assert done.returncode == 1 and "no diff can be made" in done.stderr
    assert [line.split("   # ")[0] for line in done.stdout.splitlines()] == [
        "public.plain.reference: pan", "public.plain.contact: email"]


def test_it_only_reads(shop, cluster, database):
    with cluster.connect(database, user="app_rw") as owner:
        owner.execute("create table if not exists traces (at text)")
        owner.execute("""create or replace function leave_trace() returns text language plpgsql volatile as $$
          begin perform set_config('default_transaction_read_only', 'off', false);
          insert into traces values ('read'); return 'x'; end $$""")
        owner.execute("create or replace view trap as select leave_trace() as a")
        _, remarks, _ = found(shop, "--table", "trap", "--table", "traces")
        assert "public.trap: not sampled, reading it would change something" in remarks
        assert owner.execute("select count(*) from traces").fetchone() == (0,)
        owner.execute("create or replace view slow as select pg_sleep(30)::text as a")
        _, remarks, _ = found(shop, "--table", "slow", "--seconds", "1")
        assert "public.slow: not sampled, it took longer than `--seconds` allows" in remarks
        owner.execute("drop view trap, slow; drop function leave_trace(); drop table traces")
