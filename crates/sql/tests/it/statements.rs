//! Queries and changes: kinds, uses, effects.

use crate::check;

#[test]
fn a_query_reads_its_tables() {
    for (sql, facts) in [
        ("", "; no effect"),
        ("-- nothing\n ; ;", "; no effect"),
        ("select 1", "select; read connection; no effect"),
        ("values (1), (2)", "values; read connection; no effect"),
        ("select * from payments", "select; read payments; no effect"),
        ("table payments", "select; read payments; no effect"),
        ("select * from archive.orders", "select; read archive.orders; no effect"),
        (
            "select p.id from payments p join customers c on c.id = p.card_id",
            "select; read payments; read customers; no effect",
        ),
        ("select 1 where exists (select from payments)", "select; read payments; no effect"),
        ("select (select max(id) from payments)", "select; read payments; no effect"),
        ("with p as (select * from payments) select * from p", "select; read payments; no effect"),
        ("select * from generate_series(1, 3)", "select; read connection; no effect"),
        (
            "select id from payments union all select id from customers",
            "select; read payments; read customers; no effect",
        ),
        ("select * from payments tablesample system (1)", "select; read payments; no effect"),
        ("select * from payments; select 2", "select, select; read payments; read connection; no effect"),
        ("select * from payments for update", "select; read payments; on data"),
        ("select id from archive.orders order by 1 limit 5", "select; read archive.orders; no effect"),
    ] {
        check(sql, facts);
    }
}

#[test]
fn a_name_counts_in_every_schema_that_has_it() {
    check("select old from cards", "select; read cards; read archive.cards; no effect");
    check("select oid, relname from pg_class", "select; read pg_catalog.pg_class; no effect");
    check("select * from nowhere", "select; read ?.nowhere; no effect");
    check("select * from nowhere.payments", "select; read ?.payments; no effect");
}

#[test]
fn a_with_query_hides_a_table_of_its_name_and_no_other() {
    check("with payments as (select 1) select * from payments", "select; read connection; no effect");
    check("with payments as (select 1) select * from public.payments", "select; read payments; no effect");
    check(
        "select * from (with payments as (select 1) select 2) x, payments",
        "select; read payments; no effect",
    );
    check(
        "with payments as (select * from payments) select * from payments",
        "select; read payments; no effect",
    );
}

#[test]
fn a_change_writes_its_table_and_reads_what_it_looks_at() {
    for (sql, facts) in [
        ("insert into payments (id, amount) values ($1, $2)", "insert; write payments; on data"),
        (
            "insert into payments default values returning id",
            "insert; write payments; read payments; on data",
        ),
        (
            "insert into payments select * from archive.orders",
            "insert; write payments; read archive.orders; on data",
        ),
        ("insert into payments values (1) on conflict do nothing", "insert; write payments; on data"),
        (
            "insert into payments (id) values (1) on conflict (id) do update set note = excluded.note",
            "insert; write payments; read payments; on data",
        ),
        ("update payments set status = 'x' where id = 1", "update; write payments; read payments; on data"),
        ("update payments set status = 'x'", "update; write payments; every row; on data"),
        (
            "update payments p set status = o.total from archive.orders o where o.id = p.id",
            "update; write payments; read payments; read archive.orders; on data",
        ),
        ("delete from payments where id = 1", "delete; write payments; read payments; on data"),
        ("delete from payments", "delete; write payments; every row; on data"),
        (
            "delete from payments using archive.orders o where o.id = payments.id",
            "delete; write payments; read payments; read archive.orders; on data",
        ),
        (
            "merge into payments p using archive.orders o on o.id = p.id when matched then delete \
             when not matched then insert (id) values (o.id)",
            "merge; write payments; read payments; read archive.orders; on data",
        ),
        (
            "delete from payments where id = 1; delete from payments",
            "delete, delete; write payments; read payments; every row; on data",
        ),
        (
            "with gone as (delete from payments where id = 1 returning id) select * from gone",
            "select, delete; write payments; read payments; on data",
        ),
    ] {
        check(sql, facts);
    }
}

#[test]
fn harmless_functions_are_not_mentioned_and_others_are_calls() {
    for (sql, facts) in [
        ("select count(*), max(amount), now() from payments", "select; read payments; no effect"),
        ("select pg_catalog.upper(note) from payments", "select; read payments; no effect"),
        ("select pg_read_file('x')", "select; call pg_read_file(); read connection; on data"),
        ("select secret_sauce(1)", "select; call secret_sauce(); read connection; on data"),
        ("select public.upper('x')", "select; call upper(); read connection; on data"),
        // The operator has a function of a built-in's name.
        ("select lower('x')", "select; call lower(); read connection; on data"),
        // An extension has, which is another matter; but what it brings under names of its own is not known.
        ("select max(id) from payments", "select; read payments; no effect"),
        (
            "select crosstab('x')",
            "select; call crosstab(); read connection; on data; what is `function crosstab`?",
        ),
        ("select pg_catalog.lower('x')", "select; read connection; no effect"),
        (
            "select * from dblink('x', 'y') as t(a int)",
            "select; call dblink(); read connection; on data; what is `function dblink`?",
        ),
        ("select nextval('s')", "select; read connection; on data"),
        ("select pg_advisory_lock(1)", "select; read connection; on the session"),
        ("select set_config('a.b', 'c', false)", "select; call set_config(); read connection; on data"),
        (
            "select set_config('jit', 'off', false)",
            "select; session connection; read connection; on the session",
        ),
        (
            "select set_config('client_encoding', 'SJIS', false)",
            "select; call set_config(); read connection; on data",
        ),
        (
            "select set_config('jit', note, false) from payments",
            "select; read payments; call set_config(); on data",
        ),
        ("select ('x'::text).pg_read_file", "select; call pg_read_file(); read connection; on data"),
        ("select p.secret_sauce from payments p", "select; read payments; call secret_sauce(); on data"),
        ("select information_schema._pg_expandarray('{1}'::int[])", "select; read connection; no effect"),
        ("call tidy_up(1)", "call; call tidy_up(); on data"),
        // A view that calls one.
        ("select x from computed_view", "select; read computed_view; call secret_sauce(); on data"),
    ] {
        check(sql, facts);
    }
}

#[test]
fn operators_of_other_schemas_are_not_understood() {
    check("select 1 operator(pg_catalog.+) 2", "select; read connection; no effect");
    check("select 1 operator(evil.+) 2", "select; read connection; on data; what is `operator evil.+`?");
    check(
        "select id from payments order by id using operator(evil.<)",
        "select; read payments; on data; what is `operator evil.<`?",
    );
    check("select 1 ===> 2", "select; call operator ===>(); read connection; on data");
    check("select 1 <=> 2", "select; read connection; no effect");
    check("select 1 <==> 2", "select; read connection; on data; what is `operator <==>`?");
}

#[test]
fn system_relations_that_hold_values_are_not_understood() {
    // Of some the rest may be read.
    let values = "output pg_catalog.pg_stats.most_common_vals secret";
    for (sql, facts) in [
        ("select * from pg_stats", format!("select; read pg_catalog.pg_stats; {values}; no effect")),
        (
            "select * from pg_catalog.pg_stats",
            format!("select; read pg_catalog.pg_stats; {values}; no effect"),
        ),
        ("select tablename from pg_stats", "select; read pg_catalog.pg_stats; no effect".into()),
        (
            "select 1 from pg_stats where most_common_vals is not null and most_common_vals::text like '4%'",
            format!("select; read pg_catalog.pg_stats; {}; no effect", values.replace("output", "computed")),
        ),
    ] {
        check(sql, &facts);
    }
    // Where the snapshot does not know those columns, nobody can tell them from the others.
    check("select schemaname from pg_views", "select; read ?.pg_views; on data; what is `reads pg_views`?");
    check("select * from information_schema.tables", "select; read information_schema.tables; no effect");
    for name in [
        "pg_statistic",
        "pg_stats_ext",
        "pg_stat_activity",
        "pg_stat_statements",
        "public.pg_stat_statements",
        "pg_cursors",
        "pg_prepared_statements",
        "pg_authid",
        "pg_shadow",
        "pg_largeobject",
        "pg_file_settings",
        "pg_hba_file_rules",
        "pg_user_mapping",
        "pg_user_mappings",
        "pg_views",
        "pg_rewrite",
        "information_schema.views",
        "pg_toast.pg_toast_16384",
        "pg_temp.pg_stats",
    ] {
        let facts = crate::read(&format!("select * from {name}")).facts;
        assert_eq!(facts.not_understood.len(), 1, "{name}");
    }
}
