"""Ways around the masks that others have found, each of a group of its own. The policies allow all but to reveal."""

import struct

import psycopg
import pytest

from panguard_test import cards, wire

EVERYTHING = """
permit (
  principal,
  action in [Action::"connect", Action::"read", Action::"write", Action::"administer", Action::"session"],
  resource
);
"""


@pytest.fixture(scope="module")
def lenient(tmp_path_factory, cluster, issuer):
    """A gateway that allows all but to reveal, with a superuser's credential upstream."""
    from panguard_test import Gateway

    upstream = cluster.upstream(cluster.create_database(cards.SEED), user="postgres", data=cards.DATA)
    with Gateway(tmp_path_factory.mktemp("lenient"), issuer, {"payments": upstream}, EVERYTHING) as gateway:
        yield gateway


def digits_shown(values):
    """Whether more of a card number shows in one of `values` than its first six and last four."""
    for value in values:
        digits = "".join(letter for letter in repr(value) if letter.isdigit())
        if any(pan[6:-4] in digits or pan[6:-4] in digits[::-1] for pan in cards.PANS):
            return True
    return False


@pytest.mark.parametrize("sql", [
    # names
    "select pan as \"4\" from cards", "select cards.pan, (cards).pan from cards", "select c.* from cards as c(a, b, d)",
    "select b from cards as c(a, b)", "select * from (values ((select pan from cards limit 1))) v(x)",
    # slices and encodings
    "select substring(pan from 1 for 8), substring(pan from 9) from cards", "select string_to_array(pan, null) from cards",
    "select regexp_split_to_table(pan, '') from cards", "select encode(convert_to(pan, 'UTF8'), 'base64') from cards",
    "select pan::bytea from cards", "select to_hex(pan_number) from cards", "select pan_number::bit(64) from cards",
    "select pan_number::float8 from cards", "select to_timestamp(pan_number) from cards", "select chr((pan_number % 1000)::int) from cards",
    "select format('%s', reverse(pan)) from cards", "select pan::char(8) from cards", "select pan::name from cards", "select overlay(pan placing '' from 1) from cards",
    # aggregates
    "select string_agg(pan, '') from cards", "select sum(pan_number) from cards", "select json_object_agg(id, pan) from cards",
    "select array(select pan from cards)", "select min(pan), max(pan) from cards", "select mode() within group (order by pan) from cards",
    "select lag(pan) over (order by id) from cards", "select percentile_disc(0.5) within group (order by pan_number) from cards",
    # whole rows and documents
    "select cards from cards", "select row(cards.*) from cards", "select to_json(cards) from cards", "select hstore(cards) from cards",
    "select cards::text from cards", "select jsonb_path_query(doc, '$.**') from cards", "select doc #>> '{card,number}' from cards",
    "select jsonb_each_text(doc -> 'card') from cards", "select xmlforest(pan) from cards", "select xmlelement(name x, pan) from cards",
    # objects
    "create table leak as select pan from cards", "create view leak as select reverse(pan) as x from cards",
    "create materialized view leak as select pan || '' as x from cards", "create index leak on cards (reverse(pan))",
    "create table leak (x text default '1', like cards)", "alter table cards add column x text generated always as (reverse(pan)) stored",
    "create rule leak as on insert to payments do also select * from cards", "create function leak() returns text language sql as 'select pan from cards'",
    "create statistics leak on (reverse(pan)), id from cards", "create policy leak on cards using (pan > '5')",
    # dynamic SQL and catalogs
    "do $$ begin raise notice '%', (select reverse(pan) from cards limit 1); end $$",
    "select query_to_xml('select reverse(pan) from cards', true, true, '')", "select table_to_xml('cards', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')", "select ts_stat('select to_tsvector(pan) from cards')",
    "select most_common_vals from pg_stats where tablename = 'cards'", "select * from pg_statistic", "select pg_read_file('base')",
    "select pg_read_binary_file('x')", "select lo_import('x')", "select pg_ls_dir('.')", "select query from pg_stat_activity",
    "explain (analyze, verbose) select * from cards where pan > '5'", "explain select * from cards where pan like '41%'",
    # oracles
    "select count(*) from cards where pan < '5'", "select 1 from cards where pan ~ '^4'", "select id from cards order by pan desc limit 1",
    "select case when substr(pan, 7, 1) = '1' then 1 / 0 end from cards", "update cards set amount = 0 where pan like '4%'",
    "select pg_sleep(1) from cards where pan like '4%'", "delete from payments using cards where pan like '4%'",
    "select id from cards join (values ('4111111111111111')) v(x) on pan = x", "select id from cards natural join (select '4111111111111111'::text as pan) v",
    "select id from cards where cards = cards and pan in ('4111111111111111')", "insert into payments (memo) select left(pan, 6) from cards returning memo",
    "merge into payments using cards on pan = memo when matched then delete", "select distinct pan from cards", "select pan from cards group by pan having count(*) > 0",
    "select pan from cards except select '4111111111111111'", "select 1 / (select ascii(pan) - 52 from cards limit 1)",
    # settings and texts
    "set client_min_messages to debug1", "set client_encoding to 'SJIS'", "set standard_conforming_strings to off", "set log_statement to 'all'",
    "set session_replication_role to replica", "select set_config('client_encoding', 'UTF16', false)", "set search_path to pg_temp, public",
    "sElEcT rEvErSe(PaN) fRoM CaRdS", "select/**/reverse(pan)/**/from/**/cards", "select reverse(\"pan\") from \"public\".\"cards\"",
    "select U&\"\\0070an\" from cards", "select reverse(U&\"p\\0061n\") from cards", "select E'\\x27', reverse(pan) from cards -- '",
    "with recursive w as (select reverse(pan) x from cards union all select x from w where false) select x from w",
    "with w as (update cards set note = reverse(pan) returning note) select note from w", "table cards", "select (table cards limit 1)",
    "declare c cursor with hold for select reverse(pan) from cards", "prepare leak as select reverse(pan) from cards",
    "copy (select reverse(pan) from cards) to stdout", "copy cards to stdout (format binary)", "lock table cards; select reverse(pan) from cards",
    "select notes.x from cards, lateral (select reverse(cards.pan)) notes(x)", "select pan collate \"C\" from cards order by 1",
    "select coalesce(pan, '') from cards", "select nullif(pan, 'x') from cards", "select greatest(pan, '0') from cards", "select (array[pan])[1] from cards",
    "select (row(pan)).f1 from cards", "select unnest(array[pan]) from cards", "select pan from cards union all select ''",
    "select pan from cards tablesample system (100)", "select pan from only cards", "select pan from rows from (generate_series(1, 1)) g, cards",
])
def test_no_more_of_a_card_number_shows(lenient, issuer, sql):
    with lenient.connect(issuer.agent(), autocommit=False) as session:
        try:
            if sql.startswith("copy"):
                with session.cursor().copy(sql) as copy:
                    shown = [bytes(part).decode(errors="replace") for part in copy]
            else:
                cursor = session.execute(sql)
                shown = [value for row in cursor.fetchall() for value in row] if cursor.description else []
        except psycopg.ProgrammingError as error:
            shown = [error.diag.message_primary]
        except psycopg.Error as error:
            shown = [error.diag.message_primary, error.diag.message_detail, error.diag.context]
            assert error.sqlstate != "22012", "a division by zero tells of a card number"
        session.rollback()
    assert not digits_shown(shown), shown
    computed = ("1 from cards where", "count(*) from cards where")
    assert not any(part in sql for part in computed) or "PGD-0006" in shown[0], shown


def test_no_digits_come_in_binary(lenient, issuer):
    with wire.Wire.session(lenient, issuer.agent()) as session:
        for column in ("pan", "pan_number", "pan_numeric", "doc", "cards", "array[pan_number]", "row(pan_number)", "int8range(pan_number, null)"):
            answer = session.exchange(wire.parse(f"select {column} from cards where id = 1"), wire.bind(binary=True),
                                      wire.execute(), wire.SYNC)
            got = b"".join(body for tag, body in answer if tag in "DEN")
            assert not any(form in got for form in cards.encodings(cards.VISA)), column
            assert struct.pack("!q", int(cards.VISA)) not in got


def test_the_terms_of_one_command_never_apply_to_the_rows_of_another(gateway, issuer):
    """Mistake 1 of the design: with pipelined commands, the rows of one are masked by the terms of another."""
    with wire.Wire.session(gateway, issuer.agent()) as session:
        for _ in range(20):
            answer = session.exchange(*(part for sql in ("select 1", "select pan, cvv from cards order by id", "select 'x'", "select note from cards")
                                        for part in (wire.parse(sql), wire.bind(), wire.describe("P"), wire.execute())), wire.SYNC)
            values = [value for row in wire.rows(answer) for value in row]
            assert len(values) == 11 and not digits_shown(values) and b"737" not in values


def test_a_refusal_never_overtakes_the_answers_before_it(gateway, issuer):
    """Mistake 2 of the design."""
    with wire.Wire.session(gateway, issuer.agent()) as session:
        for _ in range(20):
            answer = session.exchange(wire.parse("select pg_sleep(0.02), pan from cards where id = 1"), wire.bind(), wire.execute(),
                                      wire.parse("drop table cards"), wire.bind(), wire.execute(), wire.SYNC)
            assert wire.tags(answer) == "12DCEZ"
