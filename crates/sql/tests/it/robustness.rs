//! Whatever comes, there is an answer, and it is soon.

use std::fmt::Write;

use access::{Effect, Facts, Position};
use proptest::prelude::*;
use sql::{Catalog, SQL_BYTES_MAX, analyse, fuzz_analyse, lineage, merge};

use crate::{computed, read, shop};

/// Statements of every sort, to be mutated.
const CORPUS: &[&str] = &[
    "select c.*, reverse(pan) from public.cards c join payments p using (id) where pan like '4%' order by 1",
    "with recursive r(n, p) as (select 1, pan from cards union all select n + 1, p from r) select p from r",
    "insert into cards (id, pan) values (1, $1) on conflict (id) do update set pan = excluded.pan returning *",
    "merge into payments p using cards c on p.card_id = c.id when matched then update set note = c.pan",
    "update cards set (holder, exp) = (select pan, null) where id = 1 returning old.pan, new.*",
    "create table t (id int primary key, pan text check (length(pan) = 16), like cards including all)",
    "alter table cards add constraint x exclude using gist (pan with =) where (id > 1)",
    "copy (select pan from cards) to program 'cat' with (format csv)",
    "prepare p as select 1; execute p(1); declare c cursor for select 2; fetch all c; close all; discard all",
    "set search_path = a, b; show all; begin; savepoint s; rollback to s; commit and chain",
    "select * from xmltable('/a' passing $1 columns x text), json_table('{}', '$' columns (a int path '$.a')) j",
    "select (c).pan, c.to_jsonb, array(select x[1:2] from unnest($1) x), row(c.*) from cards c window w as ()",
    "do $$ begin end $$; call f(1, b => 2); vacuum (full) cards; grant all on cards to public; drop table a, b.c",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_has_facts(text in "\\PC{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn any_bytes_have_facts(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        fuzz_analyse(&bytes);
    }

    #[test]
    fn a_mutated_statement_has_facts(
        at in prop::sample::select(CORPUS),
        other in prop::sample::select(CORPUS),
        cut in any::<prop::sample::Index>(),
        paste in any::<prop::sample::Index>(),
    ) {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let mut statement = words(at);
        let donor = words(other);
        let place = cut.index(statement.len());
        let end = (place + 1).min(statement.len());
        statement.splice(place..end, [donor[paste.index(donor.len())].clone()]);
        let facts = read(&statement.join(" ")).facts;
        let mentions = lineage(&statement.join(" "), &shop()).mentions;
        for used in facts.columns.iter().filter(|used| used.position == Position::Computed) {
            prop_assert!(mentions.iter().any(|mention| mention.column == used.column), "{used:?} is nowhere");
        }
        // Nothing is said to be harmless by being silent.
        prop_assert!(!facts.kinds.is_empty() || !facts.not_understood.is_empty());
    }

    #[test]
    fn merging_forgets_nothing(a in prop::sample::select(CORPUS), b in prop::sample::select(CORPUS)) {
        let (a, b) = (read(a).facts, read(b).facts);
        let both = merge(&a, &b, 0);
        for part in [&a, &b] {
            prop_assert!(part.uses.iter().all(|it| both.uses.contains(it)));
            prop_assert!(part.columns.iter().all(|it| both.columns.contains(it)));
            prop_assert!(part.functions.iter().all(|it| both.functions.contains(it)));
            prop_assert!(part.not_understood.iter().all(|it| both.not_understood.contains(it)));
            prop_assert!(both.effect >= part.effect && (part.has_where || !both.has_where));
        }
        prop_assert_eq!(both.kinds.len(), a.kinds.len() + b.kinds.len());
    }
}

#[test]
fn every_statement_of_the_corpus_parses() {
    // Parentheses alone are not in the tree.
    assert_eq!(
        read(&format!("select {}1{}", "(".repeat(500), ")".repeat(500))).facts.kinds,
        ["select".into()]
    );
    for sql in CORPUS {
        assert!(!read(sql).facts.kinds.is_empty(), "{sql}: {:?}", read(sql).facts);
    }
}

#[test]
fn what_cannot_be_parsed_is_not_understood() {
    let facts = |sql: &str| Facts::clone(&read(sql).facts);
    for (sql, what) in [
        ("selec 4111111111111111", "syntax: wrong at or near selec"),
        ("select 'a", "syntax: not a statement of the grammar"),
        ("selec pan from cards", "syntax: wrong at or near selec"),
        ("select * form cards", "syntax: wrong at or near form"),
        ("select 1 '4111111111111111'", "syntax: not a statement of the grammar"),
        ("select pan from", "syntax: the statement ends too early"),
        ("select 1\0", "syntax: a nul byte"),
        (&format!("select {}1{}", "lower(".repeat(3000), ")".repeat(3000)), "nesting too deep"),
        (&format!("select {}1{}", "(".repeat(300_000), ")".repeat(300_000)), "nesting too deep"),
        (&format!("select {}1", "1 + ".repeat(3000)), "nesting too deep"),
        (&" ".repeat(SQL_BYTES_MAX + 1), "text too long"),
    ] {
        let facts = facts(sql);
        assert_eq!((facts.not_understood, facts.effect), (vec![what.into()], Effect::Data));
        assert!(facts.kinds.is_empty() && !facts.has_where);
    }
}

#[test]
fn many_alternatives_side_by_side_are_not_deep() {
    let sql = format!("select pan::int from public.cards where {} true", "id = 1 and ".repeat(5000));
    assert_eq!(computed(&sql), ["cards.pan"]);
}

#[test]
fn a_text_made_to_be_slow_is_given_up_on() {
    // WITH queries that each multiply the columns of the last.
    let mut widening = String::from("with a0 as (select * from public.cards)");
    for at in 1..40 {
        let last = at - 1;
        write!(widening, ", a{at} as (select * from a{last}, a{last} b, a{last} c, a{last} d)").unwrap();
    }
    widening.push_str(" select * from a39");
    assert!(read(&widening).facts.not_understood.contains(&"too many columns".into()));

    // Many names, looked for among many tables.
    let tables = (0..3000).map(|at| format!("t{at}")).collect::<Vec<_>>().join(",");
    let names = (0..3000).map(|at| format!("n{at}")).collect::<Vec<_>>().join(",");
    let facts = read(&format!("select {names} from {tables}")).facts;
    assert!(facts.not_understood.contains(&"too many tables".into()));
}

#[test]
fn facts_hold_no_value_of_the_statement() {
    for sql in [
        "select '4111111111111111', 4111111111111111 from public.cards where pan = '4111111111111111'",
        "set application_name = '4111111111111111'",
        "select 4111111111111111 from where",
        "notify a, '4111111111111111'",
        "copy cards to '/tmp/4111111111111111'",
    ] {
        assert!(!format!("{:?}", read(sql)).contains("41111111"), "{sql}");
    }
}

#[test]
fn an_empty_catalog_still_gives_facts() {
    let analysis = analyse("select * from cards", &Catalog::default());
    assert_eq!(analysis.facts.uses.len(), 1);
    assert!(shop().knows(1));
}

/// Of each there is room for a thousand: facts go to policy and into the audit log.
#[test]
fn a_text_of_very_many_statements_is_not_understood() {
    let many = |statement: &str| read(&statement.repeat(5_000)).facts.clone();
    let facts = many("select 1;");
    assert_eq!(facts.kinds.len(), 1_000);
    assert_eq!(*facts.not_understood, ["too many statements".into()]);
    let prepared: String =
        (0..5_000).map(|number| format!("prepare p{number} as select 1 from t{number};")).collect();
    let facts = read(&prepared).facts;
    assert!(facts.uses.len() <= 1_001 && facts.kinds.len() <= 1_000);
    assert!(facts.not_understood.iter().any(|what| &**what == "too many tables, columns or functions"));
}
