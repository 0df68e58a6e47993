//! What concerns the session alone: transactions, settings, names.

use sql::NameUse;

use crate::{check, line, read};

#[test]
fn transactions_are_the_sessions() {
    for (sql, kind) in [
        ("begin", "begin"),
        ("start transaction isolation level serializable read only", "begin"),
        ("commit", "commit"),
        ("end", "commit"),
        ("rollback", "rollback"),
        ("abort", "rollback"),
        ("savepoint a", "savepoint"),
        ("release a", "release"),
        ("rollback to a", "rollback to"),
        ("listen a", "listen"),
        ("unlisten *", "unlisten"),
        ("discard plans", "discard"),
        ("set constraints all deferred", "set constraints"),
    ] {
        check(sql, &format!("{kind}; session connection; on the session"));
    }
    check("notify a, 'b'", "notify; session connection; on data");
    check("show search_path", "show; session connection; no effect");
    check("prepare transaction 'a'", "prepare transaction; session connection; on data");
}

#[test]
fn settings_that_only_show_or_plan_may_be_set() {
    for sql in [
        "set datestyle = 'iso'",
        "set time zone 'UTC'",
        "set local statement_timeout = 5",
        "set names 'UTF8'",
        "set client_encoding to utf8",
        "set standard_conforming_strings = on",
        "set client_min_messages = warning",
        "set search_path = archive, public",
        "set search_path to \"$user\", public",
        "set transaction read only",
        "set session characteristics as transaction read only",
        "set application_name = 'x'",
    ] {
        check(sql, "set; session connection; on the session");
    }
    check("reset all", "reset; session connection; on the session");
    check("reset search_path", "reset; session connection; on the session");
}

#[test]
fn settings_that_change_what_is_understood_are_not() {
    for (sql, what) in [
        ("set role postgres", "role"),
        ("reset role", "role"),
        ("set session authorization postgres", "session_authorization"),
        ("set session_replication_role = replica", "session_replication_role"),
        ("set standard_conforming_strings = off", "standard_conforming_strings"),
        ("set Standard_Conforming_Strings to 'OFF'", "standard_conforming_strings"),
        ("set backslash_quote = on", "backslash_quote"),
        ("set client_encoding = 'SJIS'", "client_encoding"),
        ("set names 'LATIN1'", "client_encoding"),
        ("set search_path = evil, public", "search_path"),
        ("set schema 'evil'", "search_path"),
        ("set row_security = off", "row_security"),
        ("set client_min_messages = debug5", "client_min_messages"),
        ("set client_min_messages = log", "client_min_messages"),
        ("set debug_print_plan = on", "debug_print_plan"),
        ("set log_statement = 'all'", "log_statement"),
        ("set app.tenant = '7'", "app.tenant"),
        ("set transaction snapshot 'x'", "transaction snapshot"),
    ] {
        let facts = read(sql).facts;
        assert_eq!(facts.not_understood, [Box::from(format!("set {what}"))], "{sql}");
    }
}

#[test]
fn a_row_of_a_system_relation_is_not_changed() {
    // To change a row of `pg_settings` is to SET, and everybody may.
    for sql in [
        "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
        "update pg_catalog.pg_settings set setting = 'off'",
        "with a as (update pg_settings set setting = 'off' returning 1) select 1",
        "merge into pg_settings s using (select 1) x on s.name = 'DateStyle' when matched then update set setting = 'x'",
        "insert into pg_settings (name) values ('x')",
        "explain analyze update pg_settings set setting = 'off'",
        "delete from pg_class",
        "update information_schema.tables set table_name = 'x'",
    ] {
        let analysis = read(sql);
        let name = analysis.facts.not_understood.first().map(|it| it.to_string());
        assert!(
            name.is_some_and(|it| it.starts_with("writes ")),
            "{sql}: {:?}",
            analysis.facts.not_understood
        );
        assert!(analysis.sets && analysis.of_session, "{sql}");
    }
    check("insert into pg_temp.notes values (1)", "insert; write ?.notes; on data");
}

#[test]
fn a_setting_by_a_function_or_a_cursor_is_a_setting() {
    for sql in [
        "select set_config('datestyle', 'dmy', false)",
        "declare c cursor with hold for select set_config('datestyle', 'dmy', false)",
        "prepare p as select set_config('datestyle', 'dmy', false)",
        "values (set_config('date' || 'style', 'dmy', false))",
    ] {
        assert!(read(sql).sets, "{sql}");
    }
}

#[test]
fn what_hangs_on_the_session_is_known_by_what_is_asked() {
    for sql in [
        "delete from payments where note = current_setting('application_name')",
        "delete from payments where note = U&\"curr\\0065nt_setting\"('application_name')",
        "delete from payments where note = (select setting from pg_settings limit 1)",
        "delete from payments where exists (select from pg_prepared_statements)",
        "delete from payments where exists (select from pg_listening_channels())",
        "delete from payments where id = currval('cards_id_seq')",
        "delete from payments where note = current_schema",
        "delete from payments where id = pg_backend_pid()",
        "delete from payments where exists (select from information_schema.tables)",
    ] {
        assert!(read(sql).of_session, "{sql}");
    }
    for sql in [
        "delete from payments where id = 1",
        "update payments set note = upper(note) || now()::text || random()",
        "insert into payments values (nextval('cards_id_seq'))",
        "delete from payments where note = 'current_setting'",
        "delete from payments where note = current_user",
    ] {
        assert!(!read(sql).of_session, "{sql}");
    }
}

#[test]
fn a_transaction_may_go_on_seeing_what_there_was() {
    for sql in ["begin isolation level repeatable read", "start transaction isolation level serializable"] {
        assert!(read(sql).keeps_snapshot, "{sql}");
    }
    assert!(!read("begin").keeps_snapshot);
}

#[test]
fn what_a_name_stands_for_is_kept_apart_and_counted_at_once() {
    let sql = "prepare p (int) as select reverse(pan) from public.cards where id = $1; execute p(1); deallocate p; deallocate all";
    let analysis = read(sql);
    assert_eq!(
        line(&analysis.facts),
        "prepare, execute, deallocate, deallocate; session connection; read cards; derived cards.pan pan; on the session"
    );
    let [
        NameUse::Prepare { name, facts },
        NameUse::Execute { name: run, at: 1 },
        NameUse::Deallocate { name: gone },
        NameUse::Deallocate { name: None },
    ] = analysis.names.as_slice()
    else {
        panic!("{:?}", analysis.names)
    };
    assert_eq!((&**name, &**run, gone.as_deref()), ("p", "p", Some("p")));
    assert_eq!(line(facts), "select; read cards; derived cards.pan pan; no effect");
}

#[test]
fn a_cursor_gives_what_its_query_gives() {
    let analysis = read(
        "declare c cursor for select pan from public.cards; fetch 5 from c; move c; close c; close all; discard all",
    );
    assert_eq!(
        line(&analysis.facts),
        "declare cursor, fetch, move, close, close, discard; session connection; read cards; output cards.pan pan; on the session"
    );
    let [
        NameUse::Declare { cursor, facts },
        NameUse::Fetch { .. },
        NameUse::Fetch { .. },
        NameUse::CloseCursor { name: Some(_) },
        NameUse::CloseCursor { name: None },
        NameUse::DiscardAll,
    ] = analysis.names.as_slice()
    else {
        panic!("{:?}", analysis.names)
    };
    assert_eq!(&**cursor, "c");
    assert_eq!(line(facts), "select; read cards; output cards.pan pan; no effect");
}

#[test]
fn explain_tells_of_its_statement_and_runs_it_only_with_analyze() {
    check("explain select * from payments", "explain; read payments; no effect");
    check(
        "explain select 1 from public.cards where pan = '4'",
        "explain; read cards; matched cards.pan pan; no effect",
    );
    check("explain delete from payments", "explain; write payments; every row; on data");
    check(
        "explain analyze delete from payments",
        "explain analyze, delete; write payments; every row; on data",
    );
    check("explain (analyze, verbose) select 1", "explain analyze, select; read connection; no effect");
    assert_eq!(read("explain execute p").names, [NameUse::Execute { name: "p".into(), at: 0 }]);
}

#[test]
fn facts_depend_on_literals_only_where_literals_decide() {
    for sql in
        ["select 1", "select * from payments where id = 5 limit 3", "insert into payments values (1, 'a')"]
    {
        assert!(read(sql).literal_free, "{sql}");
    }
    for sql in [
        "select pan from public.cards order by 1",
        "select pan from public.cards order by 99999999999",
        "set names 'UTF8'",
        "select 1 from payments group by 1",
        // Its facts would serve `copy payments to '/a/file'`, which has its shape and is not to be understood.
        "copy payments to ''",
        "copy payments from ''",
    ] {
        assert!(!read(sql).literal_free, "{sql}");
    }
}

#[test]
fn a_literal_that_decides_what_a_name_is_leaves_no_shape() {
    assert!(read("select reverse(u&\"!0070an\" uescape '!') from public.cards").facts.columns.len() == 1);
    assert_eq!(sql::shape("select reverse(u&\"!0070an\" uescape '!') from public.cards"), None);
}
