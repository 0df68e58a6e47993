use super::*;
use crate::{Label, Labels};

/// `cards` with a number and a code, `orders` without either, and beside them what `rows` say.
fn catalog(rows: &[[&str; 6]]) -> Catalog {
    let mut all = vec![
        ["relation", "1", "", "r", "public", "cards"],
        ["column", "1", "1", "0", "id", ""],
        ["column", "1", "2", "0", "pan", ""],
        ["relation", "2", "", "r", "public", "orders"],
        ["column", "2", "1", "0", "id", ""],
        ["column", "2", "2", "0", "card", ""],
    ];
    all.extend(rows);
    let labels = [("public.cards.pan", DataClass::Pan), ("public.cards.cvv", DataClass::Sad)];
    let labels = Labels::new(labels.map(|(name, class)| (name, Label::Class(class)))).unwrap();
    let rows = all.iter().map(|row| row.iter().map(|it| Some(*it).filter(|it| !it.is_empty())).collect());
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

/// What is in reach of each event on a relation, as `insert pan sad; …`.
#[track_caller]
fn check(rows: &[[&str; 6]], relation: &str, expected: &str) {
    let catalog = catalog(rows);
    let relation = catalog.relations(None, relation).next().unwrap();
    let shown = Event::ALL.iter().filter_map(|event| {
        let mut classes: Vec<&str> =
            catalog.in_reach(relation, *event).iter().map(DataClass::as_str).collect();
        classes.sort_unstable();
        (!classes.is_empty()).then(|| format!("{event:?} {}", classes.join(" ")).to_lowercase())
    });
    assert_eq!(shown.collect::<Vec<_>>().join("; "), expected);
}

const TRIGGER: [&str; 6] = ["fires", "2", "70", "", "iu", "guard"];

fn body<'a>(language: &'a str, text: &'a str) -> [&'a str; 6] {
    ["body", "70", "", language, text, "guard"]
}

#[test]
fn a_change_of_rows_brings_all_their_columns_into_play_and_a_read_none() {
    check(&[], "cards", "insert pan sad; update pan sad; delete pan sad");
    check(&[], "orders", "");
}

#[test]
fn a_trigger_brings_into_play_what_its_function_names() {
    check(&[TRIGGER, body("plpgsql", "begin new.at := now(); return new; end")], "orders", "");
    check(
        &[TRIGGER, body("plpgsql", "select pan from public.CARDS into x")],
        "orders",
        "insert pan sad; update pan sad",
    );
    check(
        &[TRIGGER, body("plpgsql", r#"select 1 from "cards" c"#)],
        "orders",
        "insert pan sad; update pan sad",
    );
    // A longer name is another.
    check(&[TRIGGER, body("plpgsql", "select 1 from cards_count; select my_cards(1)")], "orders", "");
}

#[test]
fn code_that_may_do_anything_brings_everything_into_play() {
    for (language, text) in [
        ("plpgsql", "EXECUTE format('select %I', x)"),
        ("plpgsql", "open c for\nexecute 'select 1'"),
        ("plpgsql", "execute 'unterminated"),
        ("plpgsql", "perform query_to_xml(x, true, true, '')"),
        ("plpgsql", "select most_common_vals::text from pg_stats into x"),
        ("plpgsql", r#"select 1 from U&"c\0061rds""#),
        ("plpython3u", "return None"),
        ("c", "guard"),
    ] {
        check(&[TRIGGER, body(language, text)], "orders", "insert pan sad; update pan sad");
    }
    // Nobody knows what it says.
    check(&[TRIGGER], "orders", "insert pan sad; update pan sad");
    check(&[["fires", "2", "70", "e", "d", "some_trigger"]], "orders", "delete pan sad");
    check(&[["fires", "2", "70", "e", "d", "moddatetime"]], "orders", "");
}

#[test]
fn a_comment_runs_nothing() {
    let text = "begin -- execute with care\n /* or do not execute */ raise notice 'execute'; return new; end";
    check(&[TRIGGER, body("plpgsql", text)], "orders", "");
    check(
        &[TRIGGER, body("plpgsql", "-- it's\nexecute x; -- it's")],
        "orders",
        "insert pan sad; update pan sad",
    );
}

#[test]
fn functions_bring_into_play_what_those_do_that_they_call_or_that_are_behind_operators() {
    let inner = ["body", "71", "", "sql", "select pan from cards limit 1", "first_card"];
    check(
        &[TRIGGER, body("plpgsql", "x := first_card()"), inner],
        "orders",
        "insert pan sad; update pan sad",
    );
    let operator = ["operator", "71", "", "", "public", "===>"];
    check(
        &[TRIGGER, body("plpgsql", "x := a ===> b"), inner, operator],
        "orders",
        "insert pan sad; update pan sad",
    );
    check(&[TRIGGER, body("plpgsql", "x := a = b"), inner, operator], "orders", "");
}

#[test]
fn a_table_that_code_changes_fires_triggers_of_its_own() {
    let log = ["relation", "3", "", "r", "public", "log"];
    let on_log = ["fires", "3", "71", "", "i", "logged"];
    let logged = ["body", "71", "", "plpgsql", "select from cards", "logged"];
    check(
        &[TRIGGER, body("plpgsql", "insert into log values (1)"), log, on_log, logged],
        "orders",
        "insert pan sad; update pan sad",
    );
}

#[test]
fn a_foreign_key_brings_into_play_the_rows_that_it_changes() {
    check(&[["cascades", "2", "1", "", "d", "d"]], "orders", "delete pan sad");
    check(&[["cascades", "2", "1", "", "u", "u"]], "orders", "update pan sad");
}

#[test]
fn a_view_and_a_parent_bring_into_play_what_is_beneath() {
    let view = [["relation", "3", "", "v", "public", "ids"], ["column", "3", "1", "0", "id", ""]];
    check(
        &[view[0], view[1], ["view", "3", "1", "1", "", ""]],
        "ids",
        "insert pan sad; update pan sad; delete pan sad",
    );
    check(&[["inherits", "1", "2", "", "", ""]], "orders", "insert pan sad; update pan sad; delete pan sad");
}

#[test]
fn row_security_brings_into_play_what_it_looks_at() {
    check(&[["looks", "2", "1", "2", "riud", ""]], "orders", "read pan; insert pan; update pan; delete pan");
}

#[test]
fn without_labels_nothing_is_in_reach() {
    let rows = [["relation", "2", "", "r", "public", "orders"], TRIGGER];
    let rows = rows.iter().map(|row| row.iter().map(|it| Some(*it).filter(|it| !it.is_empty())).collect());
    let catalog = Catalog::from_rows(rows, &Labels::default(), 1).unwrap();
    let orders = catalog.relations(None, "orders").next().unwrap();
    assert!(Event::ALL.iter().all(|event| catalog.in_reach(orders, *event).is_empty()));
    assert!(catalog.in_reach_of("guard").is_empty() && catalog.classes().is_empty());
}

#[test]
fn a_change_of_what_exists_runs_event_triggers() {
    let catalog = catalog(&[["fires", "0", "70", "", "", "guard"], body("plpgsql", "select from cards")]);
    assert_eq!(catalog.in_reach_of_definitions().len(), 2);
}
