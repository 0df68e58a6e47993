//! The server's own word on what a text reads, held against ours.

use access::{Action, Position, Resource};
use sql::{Testimony, analyse, queries};

use crate::{line, shop};

fn testimony(rows: &[[&str; 3]]) -> Testimony {
    Testimony::from_rows(rows.iter().map(|row| row.iter().map(|field| Some(*field)).collect())).unwrap()
}

/// A text's facts under that testimony, and whether it contradicts.
fn attested(sql: &str, rows: &[[&str; 3]]) -> (String, bool) {
    let (analysis, contradicted) = analyse(sql, &shop()).attest(Some(&testimony(rows)), &shop());
    assert!(analysis.attested);
    (line(&analysis.facts), contradicted)
}

#[test]
fn agreement_changes_nothing() {
    for (sql, rows) in [
        ("select id, pan from public.cards", &[["column", "1", "1"], ["column", "1", "2"]][..]),
        // What a subquery's `*` names is named.
        ("select id from (select * from public.cards) c", &[["column", "1", "2"], ["column", "1", "3"]]),
        (
            "insert into public.cards (id, pan) values (1, $1) on conflict (id) do update set pan = excluded.pan",
            &[["column", "1", "2"], ["column", "1", "3"]],
        ),
        ("select id from payments", &[["column", "2", "1"]]),
        // What the snapshot does not hold is for RowDescription to tell.
        ("select id from payments", &[["column", "99999", "1"]]),
        ("select secret_sauce(id) from payments", &[["function", "public", "secret_sauce"]]),
    ] {
        let before = line(&analyse(sql, &shop()).facts);
        assert_eq!(attested(sql, rows), (before, false), "{sql}");
    }
}

#[test]
fn a_labelled_column_that_nobody_named_is_computed_on_and_not_understood() {
    let (facts, contradicted) =
        attested("select id from payments", &[["column", "2", "1"], ["column", "1", "2"]]);
    assert_eq!(
        facts,
        "select; read payments; computed cards.pan pan; on data; what is `contradicted by the database`?"
    );
    assert!(contradicted);
}

#[test]
fn errors_may_tell_of_what_only_the_server_found() {
    let reach = |rows: &[[&str; 3]]| {
        let analysis = analyse("select id from payments", &shop());
        assert!(analysis.facts.in_reach.is_empty());
        analysis.attest(Some(&testimony(rows)), &shop()).0.facts.in_reach.clone()
    };
    assert_eq!(reach(&[["column", "1", "2"]]), shop().classes());
    // Nobody knows what it does.
    assert_eq!(reach(&[["function", "public", "tidy_up"]]), shop().classes());
    assert!(reach(&[["column", "2", "1"]]).is_empty());
}

#[test]
fn a_function_that_returns_rows_of_a_table_reads_them() {
    let rows = [["column", "1", "1"], ["column", "1", "2"], ["function", "public", "secret_sauce"]];
    let (facts, contradicted) = attested("select * from secret_sauce(1), payments", &rows);
    assert!(facts.contains("read cards; computed cards.pan pan"), "{facts}");
    assert!(!contradicted && !facts.contains("contradicted"), "{facts}");
    // What stands in the text as a table is to be read there.
    let (_, contradicted) = attested("select secret_sauce(id) from public.cards", &rows);
    assert!(contradicted);
}

#[test]
fn a_function_behind_a_cast_or_an_operator_is_called() {
    let rows = [["function", "public", "tidy_up"], ["operator", "public", "==="]];
    let (analysis, contradicted) =
        analyse("select id from payments", &shop()).attest(Some(&testimony(&rows)), &shop());
    assert!(!contradicted);
    let calls: Vec<_> = analysis.facts.uses.iter().filter(|it| it.action == Action::Call).collect();
    let names: Vec<_> = calls.iter().map(|it| &it.resource).collect();
    let function = |name: &str| Resource::Function(name.into());
    assert_eq!(names, [&function("public.tidy_up"), &function("operator ===")]);
}

#[test]
fn without_a_testimony_things_are_as_they_were_and_nobody_asks_again() {
    let analysis = analyse("select id from payments", &shop());
    assert!(analysis.is_attestable());
    let (attested, contradicted) = analysis.attest(None, &shop());
    assert!(!contradicted && attested.attested && !analysis.attested);
    assert_eq!(attested.facts, analysis.facts);
    assert!(!analyse("select 1", &shop()).is_attestable(), "it reads no table");
    assert!(!analyse("select relname from pg_class", &shop()).is_attestable(), "it reads none of its own");
    let used = analyse("select pan from public.cards", &shop()).facts;
    assert!(used.columns.iter().any(|it| it.position == Position::Output));
}

#[test]
fn queries_are_asked_about_as_they_are_written_and_those_within_others_anew() {
    for (sql, asked) in [
        ("select 1 -- a comment\n", Some("select 1 -- a comment\n")),
        ("select 1; delete from t", Some("select 1; delete from t")),
        ("explain (analyze) select a from t", Some("SELECT a FROM t")),
        ("declare c cursor for select a from t; fetch 1 from c", Some("SELECT a FROM t")),
        ("prepare p as select $1::int", Some("SELECT $1::int")),
        ("prepare p(text) as select $1", None),
        ("copy (select a from t) to stdout", Some("SELECT a FROM t")),
        ("create table u as select a from t", Some("SELECT a FROM t")),
        ("begin; insert into t values (1); commit", Some("INSERT INTO t VALUES (1)")),
        ("select a into u from t", None),
        ("set search_path to public", None),
        ("select 1 from", None),
        // It is written anew in words that are no SQL.
        ("create view v as select a from t order by a fetch first null rows with ties", None),
        ("", None),
    ] {
        assert_eq!(queries(sql).as_deref(), asked, "{sql}");
    }
}

#[test]
fn rows_of_another_shape_are_no_testimony() {
    for row in [["column", "x", "1"], ["column", "1", "40000"], ["surprise", "1", "1"]] {
        let row = row.iter().map(|field| Some(*field)).collect();
        assert!(Testimony::from_rows([row].into_iter()).is_err());
    }
}
