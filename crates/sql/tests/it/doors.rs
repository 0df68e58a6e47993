//! Side doors: functions, relations, settings and operators by what the manifest says of them, and what no
//! manifest knows.

use access::{DataClass, Effect, Position};
use sql::{Catalog, Labels, analyse};

use crate::{Rows, check, read};

/// Checks what is called and what is not understood.
#[track_caller]
fn door(sql: &str, calls: &[&str], not_understood: &[&str]) {
    let facts = read(sql).facts;
    let called: Vec<&str> = facts.functions.iter().map(|name| &**name).collect();
    let unclear: Vec<&str> = facts.not_understood.iter().map(|what| &**what).collect();
    assert_eq!((called.as_slice(), unclear.as_slice()), (calls, not_understood), "{sql}");
}

#[test]
fn what_only_computes_or_tells_needs_nothing() {
    for sql in [
        "select abs(-1), casefold('A'), uuidv7(), has_largeobject_privilege(1, 'select')",
        "select pg_catalog.extract('year', now()), current_database(), pg_describe_object(1, 2, 0)",
        "select pg_sleep(0)",
    ] {
        check(sql, "select; read connection; no effect");
    }
}

#[test]
fn what_touches_more_than_its_arguments_is_a_call() {
    for name in [
        "pg_read_file",
        "pg_ls_dir",
        "pg_stat_file",
        "lo_import",
        "lo_create",
        "set_config",
        "pg_reload_conf",
        "pg_terminate_backend",
        "pg_blocking_pids",
        "pg_export_snapshot",
        "pg_create_restore_point",
        "pg_promote",
        "pg_switch_wal",
        "pg_stat_reset",
        "pg_logical_emit_message",
        "pg_current_wal_lsn",
        "pg_stat_get_numscans",
        "pg_get_expr",
        "pg_get_indexdef",
        "pg_relation_filepath",
        "brin_summarize_new_values",
    ] {
        door(&format!("select {name}(1)"), &[name], &[]);
    }
    // What implements an operator or a type is not written by its name.
    for name in ["int4pl", "textout", "record_in", "btint4cmp", "array_agg_transfn"] {
        door(&format!("select {name}('1')"), &[name], &[]);
    }
}

#[test]
fn what_shows_values_statements_or_definitions_is_not_understood() {
    for name in [
        "lo_get",
        "loread",
        "pg_mcv_list_items",
        "pg_logical_slot_peek_changes",
        "get_raw_page",
        "heap_page_items",
        "bt_page_items",
        "pg_get_wal_block_info",
        "pg_stat_get_activity",
        "pg_stat_get_backend_activity",
        "pg_cursor",
        "pg_prepared_statement",
        "pg_stat_statements",
        "pg_get_backend_memory_contexts",
        "pg_get_function_sqlbody",
        "pg_get_functiondef",
        "pg_hba_file_rules",
        "pg_show_all_file_settings",
        "binary_upgrade_set_record_init_privs",
        "binary_upgrade_of_the_future",
        "dblink_get_result",
        "crosstab_of_five",
        "xpath_table",
    ] {
        door(&format!("select {name}(1)"), &[name], &[&format!("function {name}")]);
    }
}

#[test]
fn a_definition_in_the_answer_is_as_secret_as_the_column_that_holds_it() {
    let mut rows = Rows::default();
    rows.relation(1, "v", "pg_catalog.pg_views", &["viewname", "definition"]);
    rows.relation(2, "v", "pg_catalog.pg_rules", &["rulename", "definition"]);
    rows.relation(3, "r", "pg_catalog.pg_proc", &["oid", "prosrc"]);
    let catalog = rows.catalog(&Labels::default());
    let facts = |sql: &str| analyse(sql, &catalog).facts;
    for (sql, column) in [
        ("select 1, pg_get_viewdef('v'::regclass, true)", "pg_catalog.pg_views.definition"),
        ("select 1, pg_catalog.pg_get_functiondef(1)", "pg_catalog.pg_proc.prosrc"),
        (
            "select 1, trim(trailing ';' from pg_get_ruledef(oid)) from pg_proc",
            "pg_catalog.pg_rules.definition",
        ),
        (
            "select 1, coalesce(pg_get_function_sqlbody(oid), prosrc) from pg_proc",
            "pg_catalog.pg_proc.prosrc",
        ),
        ("copy (select 1, pg_get_viewdef(1)) to stdout", "pg_catalog.pg_views.definition"),
    ] {
        let facts = facts(sql);
        let derived: Vec<(&str, Position)> =
            facts.columns.iter().map(|it| (&*it.column, it.position)).collect();
        assert_eq!(derived, [(column, Position::Derived)], "{sql}");
        assert_eq!(facts.answers.first().unwrap().derived, [(1, DataClass::Secret)], "{sql}");
        assert!(facts.not_understood.is_empty() && facts.functions.is_empty(), "{sql}");
    }
    for sql in [
        "select 1 where pg_get_viewdef(1) like '%4%'",
        "select pg_get_viewdef(1)::int",
        "select length(pg_get_viewdef(1)) / 0",
        "select 1 order by pg_get_viewdef(1)",
        "select rtrim(pg_get_viewdef(1), 'abcdefghijklmnopqrstuvwxyz')",
        "select public.pg_get_viewdef(1)",
        "select plpgsql_check_function(1)",
    ] {
        assert!(!facts(sql).not_understood.is_empty(), "{sql}");
    }
}

#[test]
fn what_no_manifest_and_no_snapshot_knows_is_not_understood() {
    door("select discount(1)", &["discount"], &["function discount"]);
    door("select pg_discount(1)", &["pg_discount"], &["function pg_discount"]);
    door("select pg_catalog.discount(1)", &["discount"], &["function discount"]);
    door("select public.discount(1)", &["public.discount"], &["function discount"]);
    door("select pg_temp.discount(1)", &["pg_temp.discount"], &["function discount"]);
    door("call discount(1)", &["discount"], &["function discount"]);
    door("select * from discount(1) as t(a int)", &["discount"], &["function discount"]);
    // A new snapshot may know it, or what it did.
    assert!(read("select discount(1)").changes_catalog);
    assert_eq!(read("select discount(1)").facts.effect, Effect::Data);
    // The operator's own is a call, whatever it is called.
    door("select secret_sauce(1)", &["secret_sauce"], &[]);
    door("select 1 <==> 2", &[], &["operator <==>"]);
}

#[test]
fn an_extensions_function_is_a_call_whatever_it_does() {
    // Some other extension may bring a function of the same name.
    door("select similarity('a', 'b')", &["similarity"], &[]);
    door("select public.digest('a', 'b')", &["public.digest"], &[]);
    // This one is there, and is called what a harmless one is called.
    door("select max(1)", &[], &[]);
}

#[test]
fn a_version_has_what_it_has() {
    let on = |version: &str, sql: &str| {
        let mut rows = Rows::default();
        rows.add(["server", version, "", "", "", ""]);
        let catalog: Catalog = rows.catalog(&Labels::default());
        analyse(sql, &catalog).facts.not_understood.clone()
    };
    assert!(on("180001", "select uuidv7()").is_empty());
    assert_eq!(on("170006", "select uuidv7()"), [Box::from("function uuidv7")]);
    assert_eq!(on("150012", "select pg_start_backup('x')"), [Box::from("function pg_start_backup")]);
    assert!(on("140019", "select pg_start_backup('x')").is_empty());
    assert_eq!(on("150012", "select * from pg_stat_io"), [Box::from("reads pg_stat_io")]);
    assert!(on("160010", "select * from pg_stat_io").is_empty());
    // What the grammar itself writes is there in older versions under another name.
    assert!(on("130023", "select extract(year from now())").is_empty());
    assert!(on("130023", "set idle_session_timeout = 0").is_empty());
}

#[test]
fn a_system_relation_that_no_manifest_knows_is_not_understood() {
    check("select * from pg_am", "select; read ?.pg_am; no effect");
    for name in ["pg_stat_of_the_future", "information_schema.of_the_future", "pg_toast.pg_toast_1"] {
        let facts = read(&format!("select * from {name}")).facts;
        assert_eq!(facts.not_understood.len(), 1, "{name}");
    }
}

#[test]
fn a_setting_is_what_the_manifest_says() {
    for name in ["work_mem", "datestyle", "enable_seqscan", "default_transaction_read_only", "timezone"] {
        check(&format!("set {name} = 'x'"), "set; session connection; on the session");
    }
    for name in [
        "zero_damaged_pages",
        "default_tablespace",
        "session_preload_libraries",
        "local_preload_libraries",
        "password_encryption",
        "auto_explain.log_analyze",
        "plpgsql.variable_conflict",
        "primary_conninfo",
        "pg_trgm.similarity_threshold",
        "of_the_future",
    ] {
        let facts = read(&format!("set {name} = 'x'")).facts;
        assert_eq!(facts.not_understood, [Box::from(format!("set {name}"))], "{name}");
    }
}
