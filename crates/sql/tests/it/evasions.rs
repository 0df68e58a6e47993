//! Ways around masking that were tried on other gateways, by the trick that each plays. Every one must
//! need the right to reveal, or not be understood, or call what policy has to allow.

use access::Position;
use sql::NameUse;

use crate::read;

/// Checks that no statement of a conversation gets by as a plain reading of masked columns: each computes, or what
/// it makes of them is redacted.
#[track_caller]
fn stopped(statements: &[&str]) {
    let caught = |sql: &&str| {
        let analysis = read(sql);
        let made = analysis
            .names
            .iter()
            .any(|name| matches!(name, NameUse::Prepare { facts, .. } if !facts.answers.is_empty()));
        let facts = analysis.facts;
        let computes = facts.columns.iter().any(|it| it.position == Position::Computed);
        computes
            || made
            || !facts.answers.is_empty()
            || !facts.not_understood.is_empty()
            || !facts.functions.is_empty()
    };
    assert!(statements.iter().any(caught), "{statements:?}");
}

#[test]
fn encodings_and_slices() {
    for sql in [
        "select encode(pan::bytea, 'hex') from cards",
        "select translate(pan, '0123456789', 'ABCDEFGHIJ') from cards",
        "select md5(pan), left(pan, 6), right(pan, 4) from cards",
        "select array_agg(ascii(x)) from (select regexp_split_to_table(pan, '') x from cards) s",
        "select pan::numeric(20, 2) from cards",
        "select pan::bigint # 12345 from cards",
        "select pan::macaddr8 from cards",
        "select int8range(pan::bigint, null) from cards",
        "select substr(pan, i, 1) from cards, generate_series(1, 16) i",
        "select repeat('x', substr(pan, 3, 1)::int) from cards",
        "select pgp_sym_encrypt(pan, 'k') from cards",
        "select xmlelement(name a, xmlattributes(pan as b)) from cards",
    ] {
        stopped(&[sql]);
    }
}

#[test]
fn oracles() {
    for sql in [
        "select 1 from cards where id = 1 and pan ~ '^4'",
        "select case when pan like '4%' then 1 / (id - 1) else 0 end from cards",
        "select pg_sleep(case when pan like '4%' then 1 else 0 end) from cards",
        "select exists (select 1 from cards c join (values ('4')) v(x) on c.pan like v.x || '%')",
        "select 1 from generate_series(1, 9) limit (select substr(pan, 1, 1)::int from cards)",
        "select g from generate_series(0, 9) g offset (select substr(pan, 1, 1)::int from cards) limit 1",
        "select dense_rank() over (partition by left(pan, 1) order by id) from cards",
        "explain select * from cards where pan between '4' and '5'",
        "explain (analyze, verbose) select * from cards where reverse(pan) = '1'",
        "select count(nextval('s')) from cards, generate_series(1, substr(pan, 1, 1)::int)",
    ] {
        stopped(&[sql]);
    }
}

#[test]
fn other_names_and_shapes() {
    for sql in [
        "select holder from cards union all select pan from cards",
        "select (c).pan from (select c from cards c) s",
        "select pan(c) from cards c",
        "select pan from cards a natural join cards b",
        "select reverse(U&\"p\\0061n\") from cards",
        "select pg_catalog.reverse(pan) collate \"C\" from only cards tablesample bernoulli (100)",
        "with recursive r(n, p) as (select 1, pan from cards union all select n + 1, p from r) select p from r",
        "select E'\\'', reverse(pan) from cards where E'a\\'b' <> '--'",
        "select 'a'\n'b', reverse(pan) from cards",
        "select reverse(pan) from cards /* */ --\u{2028}\n",
    ] {
        stopped(&[sql]);
    }
}

#[test]
fn copies_to_where_no_label_is() {
    stopped(&["create temp view v as select reverse(pan) as x from cards", "select x from v"]);
    stopped(&["select reverse(pan) as x into temp t from cards", "select x from t"]);
    stopped(&["create temp table t (x text)", "insert into t select pan from cards", "select x from t"]);
    stopped(&["update cards set holder = translate(pan, '0', 'A')", "select holder from cards"]);
    stopped(&["select setval('s', pan::bigint) is null from cards", "select last_value from s"]);
    stopped(&["select set_config('x.y', reverse(pan), false) is null from cards", "show x.y"]);
    stopped(&["select lo_from_bytea(0, pan::bytea) from cards"]);
    stopped(&["select r from reversed"]);
}

#[test]
fn text_that_is_run_by_the_server() {
    for sql in [
        "select query_to_xml('select pa' || 'n from cards', true, false, '')",
        "select database_to_xml(true, false, '')",
        "select ('select pan from cards'::text).ts_stat",
        "select * from dblink('host=x', 'select pan from cards') as t(x text)",
        "select * from crosstab('select id, 1, pan from cards') as t(id int, p text)",
        "do $$ begin raise notice '%', (select pan from cards limit 1); end $$",
        "create function f() returns setof text language sql as 'select pan from cards'",
        "select cursor_to_xml('c', 1, true, false, '')",
    ] {
        stopped(&[sql]);
    }
}

#[test]
fn the_servers_own_knowledge() {
    for sql in [
        "select most_common_vals::text from pg_stats",
        "select most_common_vals || '' from pg_stats",
        "select query from pg_stat_activity",
        "select pg_get_viewdef('v'::regclass)",
        "select get_raw_page('cards', 0)",
        "select pg_read_file('/etc/passwd')",
        "select * from pg_toast.pg_toast_1",
        "select pg_terminate_backend(1)",
    ] {
        stopped(&[sql]);
    }
}

#[test]
fn the_session_changed_under_the_parser() {
    stopped(&["set standard_conforming_strings = off", "select '\\''; select reverse(pan) from cards; --'"]);
    stopped(&["set session authorization postgres"]);
    stopped(&["set debug_print_plan = on", "set client_min_messages = log"]);
    stopped(&["prepare q (int) as select reverse(pan) from cards where id = $1", "execute q(1)"]);
    stopped(&["declare c binary cursor for select pan::bigint from cards", "fetch 1 from c"]);
    stopped(&["select 1; select reverse(pan) from cards; select 2"]);
    stopped(&["select holder from cards; ; /* */ ; select reverse(pan) from cards"]);
}
