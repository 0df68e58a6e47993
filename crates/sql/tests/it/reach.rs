//! Which classes errors and notices of a statement may tell of.

use crate::read;

#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let analysis = read(sql);
    let mut classes: Vec<&str> = analysis.facts.in_reach.iter().map(access::DataClass::as_str).collect();
    classes.sort_unstable();
    assert_eq!(classes, expected, "{sql}");
}

const CARDS: &[&str] = &["pan", "sad"];

#[test]
fn nothing_of_what_is_not_used_is_in_reach() {
    for sql in [
        "select 1 / 0",
        "select id, amount from cards where id = 1",
        "select count(*) from payments",
        "insert into payments (id) values (1)",
        "update payments set note = 'x' where id = 1",
        "delete from payments where card_id in (select id from cards)",
        "copy payments from stdin",
        "create table fresh (id int primary key)",
        "alter table payments add check (amount > 0)",
        "drop table if exists cards",
        "begin",
        "commit",
        "set statement_timeout = 5",
    ] {
        check(sql, &[]);
    }
}

#[test]
fn a_labelled_column_that_is_used_is_in_reach() {
    check("select pan from cards", &["pan"]);
    check("explain select pan from cards", &["pan"]);
    // What the mask shows anyway.
    check("select right(pan, 4) from cards", &[]);
    check("declare c cursor for select cvv from cards", &["sad"]);
    check("prepare p as select pan from cards", &["pan"]);
    check("select reverse(pan) from cards", &["pan"]);
}

#[test]
fn a_change_of_rows_has_all_their_columns_in_reach() {
    for sql in [
        "insert into cards (id) values (1)",
        "update cards set amount = 1 where id = 1",
        "delete from cards where id = 1",
        "merge into cards using payments p on cards.id = p.card_id when matched then delete",
        "with d as (delete from cards where id = 1 returning id) select id from d",
        "copy cards (id) from stdin",
        "alter table cards add check (amount > 0)",
        "create unique index on cards (amount)",
    ] {
        let classes: Vec<String> = read(sql).facts.in_reach.iter().map(ToString::to_string).collect();
        assert!(CARDS.iter().all(|class| classes.iter().any(|it| it == class)), "{sql}: {classes:?}");
    }
}

#[test]
fn what_is_not_understood_has_everything_in_reach() {
    for sql in
        ["do $$ begin end $$", "select secret_sauce()", "select no_such_function(1)", "nonsense", "execute p"]
    {
        let analysis = read(sql);
        let facts =
            sql::resolve(&analysis, &crate::shop(), |_| Ok::<_, std::convert::Infallible>(None)).unwrap();
        assert!(CARDS.iter().all(|class| facts.in_reach.iter().any(|it| it.as_str() == *class)), "{sql}");
    }
}
