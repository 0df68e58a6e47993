//! COPY: what it moves, and what the server is made to describe in its place.

use access::Position;
use sql::{CopyForm, CopyOut, Forced};

use crate::{at, check, computed, output, read};

fn copy(sql: &str) -> Option<CopyOut> {
    read(sql).copy.map(|copy| CopyOut::clone(&copy))
}

#[track_caller]
fn stand_in(sql: &str) -> String {
    copy(sql).unwrap().stand_in.into()
}

fn form(options: &str) -> Option<CopyForm> {
    copy(&format!("copy payments to stdout {options}")).map(|copy| copy.form)
}

#[test]
fn a_copy_moves_rows() {
    check("copy payments to stdout", "copy to; read payments; on data");
    check("copy payments from stdin", "copy from; write payments; on data");
    check("copy (select id from payments) to stdout", "copy to; read payments; on data");
    check(
        "copy (delete from payments where id = 1 returning id) to stdout",
        "copy to, delete; write payments; read payments; on data",
    );
    check(
        "copy public.cards (id, pan) from stdin",
        "copy from; write cards; assigned cards.pan pan; on data",
    );
    assert_eq!(computed("copy public.cards from stdin where pan like '4%'"), ["cards.pan"]);
}

#[test]
fn what_a_copy_gives_is_an_answer() {
    assert_eq!(output("copy public.cards to stdout"), ["cards.cvv", "cards.pan"]);
    assert_eq!(output("copy public.cards (id, pan) to stdout (format binary)"), ["cards.pan"]);
    assert_eq!(output("copy (select pan from public.cards) to stdout"), ["cards.pan"]);
    let derived = "copy (select id, reverse(pan) from public.cards) to stdout csv header";
    assert_eq!(at(derived, Position::Derived), ["cards.pan"]);
    assert_eq!(read(derived).facts.answers.first().unwrap().width, 2);
    let generated = "copy tokens (id, token_tail) to stdout";
    assert_eq!(at(generated, Position::Derived), ["tokens.token"]);
    for sql in [
        "copy public.cards to stdout",
        "copy public.cards (pan) to stdout",
        "copy public.cards (id, holder) to stdout",
        "copy (select id from public.cards) to stdout",
    ] {
        assert!(computed(sql).is_empty(), "{sql}");
    }
    assert_eq!(computed("copy (select 1 from public.cards order by pan) to stdout"), ["cards.pan"]);
    assert_eq!(computed("copy (select upper(cvv) from public.cards) to stdout"), ["cards.cvv"]);
}

#[test]
fn a_copy_of_which_nobody_describes_the_columns_is_a_computation() {
    for sql in [
        "begin; copy public.cards (pan) to stdout",
        "copy public.cards (pan) to stdout; copy public.cards (pan) to stdout",
        "copy public.cards (pan) to stdout (encoding 'shift_jis')",
        "copy public.cards (pan) to stdout (format xml)",
        "copy public.cards (pan) to stdout (no_such_option)",
        "copy public.cards (pan) to stdout (header, header)",
        "copy public.cards (pan) to stdout (header nonsense)",
        "copy public.cards (pan) to stdout (delimiter '||')",
        "copy public.cards (pan) to '/tmp/x'",
        "copy public.cards (pan) to program 'cat'",
        "copy (select pan from public.cards) to stdout with (delimiter 'é')",
    ] {
        assert_eq!((computed(sql), output(sql)), (vec!["cards.pan".into()], vec![]), "{sql}");
        assert_eq!(copy(sql), None, "{sql}");
    }
    assert_eq!(copy("copy payments from stdin"), None);
    assert!(!read("copy (select * from nowhere) to stdout; select 1").facts.not_understood.is_empty());
}

#[test]
fn the_stand_in_of_a_table_names_the_columns_of_it_alone() {
    assert_eq!(stand_in("copy cards to stdout"), r#"SELECT * FROM ONLY "cards""#);
    assert!(copy("copy cards to stdout").unwrap().whole_table);
    assert_eq!(
        stand_in(r#"copy public."Odd ""one" (a, "B c") to stdout"#),
        r#"SELECT "a", "B c" FROM ONLY "public"."Odd ""one""#
    );
    assert!(!copy("copy cards (id) to stdout").unwrap().whole_table);
}

#[test]
fn the_stand_in_of_a_query_is_that_query_at_its_place() {
    for (sql, query) in [
        ("copy (select pan from cards) to stdout", "select pan from cards"),
        ("COPY(SELECT ')' , 1) TO STDOUT", "SELECT ')' , 1"),
        ("copy /* ( */ (select (1), $$)$$) to stdout (format csv)", "select (1), $$)$$"),
        ("-- é (\ncopy ((select 1) union (select 2)) to stdout", "(select 1) union (select 2)"),
        ("copy (delete from t returning *) to stdout", "delete from t returning *"),
    ] {
        let stand_in = stand_in(sql);
        assert_eq!(stand_in.trim_start(), query, "{sql}");
        assert_eq!(stand_in.find(query), sql.find(query), "{sql}");
    }
    // One text has one stand-in, whatever another of its shape has.
    assert!(!read("copy (select 1 from payments where id = 1) to stdout").literal_free);
}

#[test]
fn the_signs_of_a_copy_are_read_as_the_server_reads_them() {
    let text =
        |delimiter, null: &str, header| CopyForm::Text { delimiter, null: null.as_bytes().into(), header };
    assert_eq!(form(""), Some(text(b'\t', "\\N", false)));
    assert_eq!(form("delimiter as '|' null as 'nil'"), Some(text(b'|', "nil", false)));
    assert_eq!(form("(header true, null '', encoding 'UTF-8')"), Some(text(b'\t', "", true)));
    assert_eq!(form("(quote '\"')"), None);
    let csv = |delimiter, quote, escape, header, forced| CopyForm::Csv {
        delimiter,
        null: Box::default(),
        quote,
        escape,
        header,
        forced,
    };
    let none = Forced::Named(Vec::new());
    assert_eq!(form("csv"), Some(csv(b',', b'"', b'"', false, none.clone())));
    assert_eq!(form("(format csv, header 1, quote '''')"), Some(csv(b',', b'\'', b'\'', true, none)));
    assert_eq!(
        form(r"(format csv, delimiter ';', escape '\', force_quote *, header off)"),
        Some(csv(b';', b'"', b'\\', false, Forced::All))
    );
    assert_eq!(
        form("csv header force quote id, \"Note\""),
        Some(csv(b',', b'"', b'"', true, Forced::Named(vec!["id".into(), "Note".into()])))
    );
    assert_eq!(form("(format binary)"), Some(CopyForm::Binary));
    assert_eq!(form("binary"), Some(CopyForm::Binary));
}
