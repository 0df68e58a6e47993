//! Indexes that give rows the order of a protected column, and what may not be asked for because of them.

use access::{DataClass, Position};
use sql::{Catalog, Label, Labels, Place, analyse, lineage};

use crate::Rows;

/// Card numbers with indexes over them.
fn database(ordered: &[[&str; 4]]) -> Catalog {
    let mut rows = Rows::default();
    rows.add(["server", "150000", "", "", "", ""]);
    rows.add(["schema", "", "", "", "public", ""]);
    rows.relation(1, "r", "public.cards", &["id", "pan", "customer", "note"]);
    rows.relation(2, "r", "public.old_cards", &["id", "pan", "customer", "note"]);
    rows.relation(3, "v", "public.all_cards", &["id", "number"]);
    rows.relation(4, "r", "public.notes", &["id", "pan_note"]);
    rows.add(["inherits", "2", "1", "", "", ""]);
    rows.add(["view", "3", "1", "2", "", ""]);
    rows.add([
        "definition",
        "3",
        "",
        "",
        "SELECT id, pan AS number FROM public.cards WHERE pan IS NOT NULL",
        "",
    ]);
    for [relation, number, index, by] in ordered {
        rows.add(["ordered", relation, number, index, by, ""]);
    }
    rows.catalog(&Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap())
}

#[track_caller]
fn is_computed(catalog: &Catalog, sql: &str) -> bool {
    let facts = analyse(sql, catalog).facts;
    assert!(facts.not_understood.is_empty(), "{sql}: {:?}", facts.not_understood);
    facts.columns.iter().any(|it| it.position == Position::Computed)
}

const FIRST: [[&str; 4]; 1] = [["1", "2", "100", "first"]];
const NULLABLE: [[&str; 4]; 1] = [["1", "2", "100", "nullable"]];
const BEHIND: [[&str; 4]; 2] = [["1", "3", "100", "nullable"], ["1", "2", "100", "behind"]];

#[test]
fn sessions_begin_without_index_only_scans_where_an_index_is_over_a_protected_column() {
    let begins = |ordered: &[[&str; 4]]| database(ordered).begins_with().collect::<Vec<_>>();
    assert_eq!(begins(&[]), []);
    // An index over other columns gives no order that tells anything.
    assert_eq!(begins(&[["1", "1", "100", "first"], ["4", "2", "101", "nullable"]]), []);
    for ordered in [&FIRST[..], &NULLABLE, &BEHIND] {
        assert_eq!(begins(ordered), [("enable_indexonlyscan", "off")]);
    }
}

#[test]
fn the_ways_by_which_rows_are_looked_for_are_not_the_agents_to_choose() {
    for (sql, name) in [
        ("set enable_seqscan = off", "set enable_seqscan"),
        ("set local enable_indexonlyscan = on", "set enable_indexonlyscan"),
        ("set Enable_BitmapScan to off", "set enable_bitmapscan"),
        ("set random_page_cost = 0", "set random_page_cost"),
    ] {
        let free = |ordered: &[[&str; 4]]| analyse(sql, &database(ordered)).facts.not_understood.clone();
        assert_eq!(free(&FIRST), [name.into()], "{sql}");
        assert_eq!(free(&[]), [], "{sql}");
    }
    let sets = analyse("select set_config('enable_seqscan', 'off', true)", &database(&FIRST)).facts;
    assert_eq!(sets.functions, ["set_config".into()]);
    // As they were when the session began they may be again, and what else is planned is as free as before.
    for sql in [
        "reset enable_seqscan",
        "set enable_seqscan to default",
        "reset all",
        "discard all",
        "set jit = off",
        "set enable_hashjoin = off",
        "set work_mem = '1MB'",
        "select set_config('jit', 'off', false)",
    ] {
        assert!(!is_computed(&database(&FIRST), sql), "{sql}");
    }
    for sql in [
        "alter role agent set enable_seqscan = off",
        "alter database shop set enable_seqscan = off",
        "alter system set enable_seqscan = off",
        "create function f() returns int language sql set enable_seqscan = off as 'select 1'",
    ] {
        assert_ne!(analyse(sql, &database(&FIRST)).facts.not_understood, [], "{sql}");
    }
}

#[test]
fn rows_that_have_a_value_are_not_looked_for_by_it() {
    for sql in [
        "select id from cards where pan is not null",
        "select id from cards where not (pan is null)",
        "select id from cards where pan::text is not null limit 1",
        "select id from (select id, pan is not null as has from cards) c where has",
        "with c as (select id, pan is null as hasnt from cards) select id from c where not hasnt",
        "select id from cards where customer = 1 and not (id = 7 or pan is null)",
        "select id from cards where (pan is null) = false",
        "select id from cards where case when pan is null then false else true end",
        "create view v as select id, pan is not null as has from cards",
        "update cards set note = 'x' where pan is not null returning id",
        "select id from old_cards where pan is not null",
        "select id from all_cards where number is not null",
    ] {
        assert!(is_computed(&database(&NULLABLE), sql), "{sql}");
        assert!(!is_computed(&database(&FIRST), sql), "{sql}");
    }
    for sql in [
        "select id from cards where pan is null",
        "select id from cards where customer = 1 and (pan is null or id = 7)",
        "update cards set note = 'x' where pan is null",
        "select count(*) from cards where pan is not null",
        "select count(id), count(*) from cards where customer = 1 and pan is not null",
        "select id, pan is not null as has from cards",
        "select id, case when pan is null then 'none' else 'one' end from cards",
        "select id, number from all_cards",
        "select id, pan from cards order by id",
        "select id, note from cards where id = 1",
        "select * from cards",
    ] {
        assert!(!is_computed(&database(&NULLABLE), sql), "{sql}");
    }
}

#[test]
fn a_value_is_not_written_where_an_index_puts_it_among_the_others_of_its_group() {
    for sql in [
        "insert into cards (id, customer, pan) values (1, 7, $1)",
        "insert into cards values (1, $1, 7, 'x')",
        "insert into cards (id, pan) values (1, $1) on conflict (id) do nothing",
        "update cards set pan = $1 where id = 1",
        "merge into cards c using notes n on n.id = c.id when matched then update set pan = '1'",
        // What is written to a view goes to what it reads.
        "update all_cards set number = '1' where id = 1",
    ] {
        assert!(is_computed(&database(&BEHIND), sql), "{sql}");
        assert!(!is_computed(&database(&FIRST), sql), "{sql}");
    }
    for sql in [
        "insert into cards (id, customer) values (1, 7)",
        "update cards set customer = 8, note = 'x' where id = 1",
        "update all_cards set id = 2 where id = 1",
        "delete from cards where customer = 7",
        "select id, pan from cards where customer = 7",
        "select id from cards where customer = 7 and pan = $1",
    ] {
        assert!(!is_computed(&database(&BEHIND), sql), "{sql}");
    }
}

#[test]
fn who_is_refused_learns_that_an_index_is_why() {
    let mentions = lineage("insert into cards (id, pan) values (1, '4')", &database(&BEHIND)).mentions;
    assert_eq!(mentions.iter().map(|it| it.place).collect::<Vec<_>>(), [Place::Order]);
    assert!(mentions[0].instead().contains("an index would tell"));
}

#[test]
fn nobody_makes_such_an_index_who_may_not_see_what_it_is_over() {
    for sql in [
        "create index on cards (pan)",
        "create index on cards (customer, pan)",
        "create index on cards (lower(pan))",
        "create index on cards (id) where pan > '4'",
        "alter table cards add unique (customer, pan)",
        "alter table cards add primary key (pan)",
        "alter table cards add exclude (pan with =)",
        "cluster cards using cards_pan",
    ] {
        assert!(is_computed(&database(&[]), sql), "{sql}");
    }
    assert!(!is_computed(&database(&[]), "create index on cards (customer)"));
}
