//! Comparisons with values that a statement holds: how many guesses they are at a labelled column.

use access::{DataClass, Position};
use sql::{Catalog, Label, Labels, NameUse, analyse, merge};

use crate::{Rows, at, read, shop};

/// How many values a statement compares with which columns of [`shop`], and that it computes on none.
fn guesses(sql: &str) -> String {
    told(sql, &shop())
}

fn told(sql: &str, catalog: &Catalog) -> String {
    let facts = analyse(sql, catalog).facts;
    let matched = facts.matches.iter().map(|it| format!("{} {}", it.column, it.values));
    let computed = facts.columns.iter().filter(|it| it.position == Position::Computed);
    let computed = computed.map(|it| format!("computed {}", it.column));
    let mut all: Vec<String> = matched.chain(computed).collect();
    all.extend(facts.not_understood.iter().map(|what| format!("what is `{what}`?")));
    all.join(", ").replace("public.", "")
}

#[test]
fn equality_with_a_value_of_its_own_is_one_guess() {
    for sql in [
        "select id from public.cards where pan = $1",
        "select id from public.cards where $1 = pan",
        "select id from public.cards where pan = '4'",
        "select id from public.cards where pan = '4'::text",
        "select id from public.cards where pan = cast($1 as varchar(19))",
        "select id from public.cards where pan::text = $1",
        "select id from public.cards where pan is not distinct from $1",
        "select id from public.cards c where c.pan operator(pg_catalog.=) $1",
        "select count(*) from payments p join public.cards c on c.id = p.card_id and c.pan = $1",
        "select exists (select from public.cards where pan = $1)",
        "select pan = $1 from public.cards",
        "select case when pan = $1 then 'yes' else 'no' end from public.cards",
        "delete from public.cards where pan = $1",
        "update public.cards set amount = 0 where pan = $1",
        "select pan from (select pan from public.cards) c where pan = $1",
    ] {
        assert_eq!(guesses(sql), "cards.pan 1", "{sql}");
    }
}

#[test]
fn every_value_is_a_guess() {
    assert_eq!(guesses("select id from public.cards where pan in ($1, $2, '4')"), "cards.pan 3");
    assert_eq!(guesses("select id from public.cards where pan = $1 or pan = $2"), "cards.pan 2");
    assert_eq!(
        guesses("select 1 from public.cards where pan = '4'; select 1 from public.cards where pan = '5'"),
        "cards.pan 2"
    );
    assert_eq!(
        guesses("select 1 from public.cards a, archive.cards b where a.pan = $1 and b.pan = $1"),
        "cards.pan 1, archive.cards.pan 1"
    );
}

#[test]
fn what_is_more_than_equality_with_a_value_of_its_own_is_a_computation() {
    for sql in [
        "select id from public.cards where pan > $1",
        "select id from public.cards where pan <> $1",
        "select id from public.cards where pan like $1",
        "select id from public.cards where pan = any ($1)",
        "select id from public.cards where pan in (select note from payments)",
        "select id from public.cards where pan in ($1, (select note from payments limit 1))",
        "select id from public.cards where pan not in ($1, $2)",
        "select id from public.cards where pan = (select note from payments limit 1)",
        "select c.id from public.cards c join payments p on c.pan = p.note",
        "select c.id from public.cards c, payments p where c.pan = p.note",
        "select id from public.cards where pan = lpad($1, 16, '4')",
        "select id from public.cards where reverse(pan) = $1",
        "select id from public.cards where pan || '' = $1",
        "select id from public.cards where pan::bigint = $1",
        "select id from public.cards where pan = $1::regclass",
        "select id from public.cards where pan collate \"C\" = $1",
        "select id from public.cards where (pan, id) = ($1, $2)",
        "select nullif(pan, $1) from public.cards",
        "select case pan when $1 then 1 end from public.cards",
        "select s.card from snapshots s where s.card = $1",
    ] {
        let told = guesses(sql);
        assert!(told.starts_with("computed ") && !told.contains("what is"), "{sql}: {told}");
    }
}

#[test]
fn sensitive_authentication_data_and_documents_are_not_guessed_at() {
    assert_eq!(guesses("select id from public.cards where cvv = $1"), "computed cards.cvv");
    assert_eq!(guesses("select id from public.customers where doc = $1"), "computed customers.doc");
}

#[test]
fn an_operator_of_somebodys_own_is_no_equality() {
    let mut rows = Rows::default();
    rows.relation(1, "r", "public.cards", &["id", "pan"]);
    rows.add(["operator", "", "", "", "public", "="]);
    let labels = Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap();
    let told = told("select id from cards where pan = $1", &rows.catalog(&labels));
    assert!(told.contains("computed cards.pan"), "{told}");
}

#[test]
fn a_view_that_picks_rows_by_a_value_is_shaped_by_the_column() {
    let mut rows = Rows::default();
    rows.relation(1, "r", "public.cards", &["id", "pan"]);
    rows.relation(2, "v", "public.one", &["id"]);
    rows.add(["view", "2", "1", "2", "", ""]);
    rows.add(["definition", "2", "", "", "SELECT id FROM public.cards WHERE pan = '4'", ""]);
    let labels = Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap();
    assert_eq!(told("select id from one", &rows.catalog(&labels)), "computed cards.pan");
}

#[test]
fn what_is_run_by_its_name_guesses_each_time() {
    let prepared = read("prepare find as select id from public.cards where pan = $1");
    let Some(NameUse::Prepare { facts, .. }) = prepared.names.first() else { panic!() };
    let twice = read("execute find('4'); execute find('5')");
    let all = merge(&merge(&twice.facts, facts, 0), facts, 1);
    assert_eq!(all.matches.iter().map(|it| it.values).sum::<u32>(), 2);
}

#[test]
fn a_guess_is_shown_where_the_column_is() {
    let sql = "select id from public.cards where pan = $1";
    let lineage = sql::lineage(sql, &shop());
    assert_eq!(lineage.mentions[0].character(sql), Some(35));
    assert_eq!(at(sql, Position::Matched), ["cards.pan"]);
}

/// Cards by a unique number, what refers to them, and a table in which a check compares.
fn constrained() -> Catalog {
    let mut rows = Rows::default();
    rows.relation(1, "r", "public.cards", &["id", "pan", "tenant", "note"]);
    rows.relation(2, "r", "public.refunds", &["id", "card"]);
    rows.relation(3, "r", "public.bins", &["id", "bin", "pan"]);
    rows.relation(4, "r", "public.hashed", &["id", "pan", "hash"]);
    rows.relation(5, "r", "public.partly", &["id", "pan", "tenant"]);
    rows.relation(6, "v", "public.card_view", &["id", "number"]);
    rows.relation(7, "r", "public.parent", &["id", "pan"]);
    rows.relation(8, "r", "public.child", &["id", "pan"]);
    for (relation, number, constraint, compares) in [
        ("1", "1", "100", "equal"),
        ("1", "2", "101", "equal"),
        ("1", "3", "101", "equal"),
        ("2", "2", "102", "equal"),
        ("3", "2", "103", "itself"),
        ("3", "3", "103", "itself"),
        ("4", "3", "104", "equal"),
        ("5", "2", "105", "other"),
        ("5", "3", "105", "other"),
        ("8", "2", "106", "equal"),
    ] {
        rows.add(["constraint", relation, number, constraint, compares, ""]);
    }
    rows.add(["references", "2", "2", "1", "2", ""]);
    rows.add(["generated", "4", "3", "2", "", ""]);
    rows.add(["view", "6", "1", "2", "", ""]);
    rows.add(["definition", "6", "", "", "SELECT id, pan AS number FROM public.cards", ""]);
    rows.add(["inherits", "8", "7", "", "", ""]);
    let pan = ["cards", "bins", "hashed", "partly", "parent"].map(|table| format!("public.{table}.pan"));
    rows.catalog(&Labels::new(pan.map(|name| (name, Label::Class(DataClass::Pan)))).unwrap())
}

#[test]
fn a_row_that_is_written_guesses_by_what_its_values_are_compared_with() {
    for (sql, expected) in [
        ("insert into cards (id, pan) values (1, $1)", "cards.pan 1"),
        ("insert into cards values (1, $1, 2), (2, $2, 2)", "cards.pan 2"),
        ("insert into cards (id, pan) select 1, $1", "cards.pan 1"),
        ("insert into cards (id, note) values (1, 'x')", ""),
        ("insert into cards (id, pan) values (1, $1) on conflict (pan, tenant) do nothing", "cards.pan 1"),
        ("insert into cards (id, pan) values (1, $1) on conflict do nothing", "cards.pan 1"),
        ("insert into cards (id) values (1) on conflict (id) do nothing", ""),
        ("update cards set pan = $1 where id = 1", "cards.pan 1"),
        ("update cards set note = note || 'x' where id = 1", ""),
        // What refers to a card number holds card numbers.
        ("insert into refunds values (1, $1)", "refunds.card 1"),
        ("select id from refunds where card = $1", "refunds.card 1"),
        // A child's index holds for what is written to the parent.
        ("insert into parent values (1, $1)", "parent.pan 1"),
        // A check looks at what is new alone.
        ("insert into bins values (1, '4', $1)", ""),
        ("update bins set pan = $1, bin = '4'", ""),
    ] {
        assert_eq!(told(sql, &constrained()), expected, "{sql}");
    }
}

#[test]
fn a_row_that_compares_what_nobody_can_count_is_a_computation() {
    for sql in [
        "insert into cards (id, pan) select id, note from payments",
        "update cards set pan = note",
        "insert into refunds select 1, note from payments",
        "merge into cards c using payments p on p.id = c.id when not matched then insert (id, pan) values (p.id, p.note)",
        "merge into cards c using payments p on p.id = c.id when matched then update set tenant = 2",
        "insert into cards (id) values (1) on conflict do nothing",
        "copy cards from stdin",
        // The row's own number is compared with others, or with what is new.
        "update cards set tenant = 5 where id = 1",
        "insert into cards (id) values (1) on conflict (id) do update set tenant = 5",
        "update bins set bin = '40' where id = 1",
        // An index on a part, or on some rows, tells more than equality.
        "insert into hashed (id, pan) values (1, $1)",
        "insert into partly values (1, $1, 2)",
        "insert into card_view values (1, $1)",
    ] {
        let told = told(sql, &constrained());
        assert!(told.starts_with("computed "), "{sql}: {told}");
    }
}

#[test]
fn what_is_cut_off_is_no_more_the_columns_value() {
    for cut in ["pan::varchar(6)", "pan::char(6)", "cast(pan as bpchar(3))", "pan::varchar(6)::text"] {
        assert_eq!(guesses(&format!("select id from public.cards where {cut} = '4'")), "computed cards.pan");
        assert_eq!(guesses(&format!("select right({cut}, 4) from public.cards")), "computed cards.pan");
    }
}

#[test]
fn a_type_of_somebodys_own_is_no_text() {
    let catalog = |types: &[&str]| {
        let mut rows = Rows::default();
        rows.relation(1, "r", "public.cards", &["id", "pan"]);
        types.iter().for_each(|name| rows.add(["type", "", "", "", "", name]));
        rows.catalog(&Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap())
    };
    for sql in ["select right(pan::text, 4) from cards", "select pan::text from cards"] {
        assert_eq!(told(sql, &catalog(&[])), "", "{sql}");
        assert_eq!(told(sql, &catalog(&["text"])), "computed cards.pan", "{sql}");
        let qualified = sql.replace("::text", "::pg_catalog.text");
        assert_eq!(told(&qualified, &catalog(&["text"])), "", "{qualified}");
    }
    // Where one may have been made since.
    let doubted = sql::analyse_doubting("select right(pan::text, 4) from cards", &catalog(&[]));
    assert!(doubted.facts.columns.iter().any(|it| it.position == Position::Computed));
}

/// A table whose card numbers are unique, and of what those are that nobody gives.
fn unique(default: &str) -> Catalog {
    let mut rows = Rows::default();
    rows.add(["relation", "1", "", "r", "public", "cards"]);
    rows.add(["column", "1", "1", "0", "id", "d"]);
    rows.add(["column", "1", "2", "0", "pan", default]);
    rows.relation(2, "v", "public.shown", &["id", "pan"]);
    rows.add(["view", "2", "1", "1", "", ""]);
    rows.add(["view", "2", "1", "2", "", ""]);
    rows.add(["definition", "2", "", "", "SELECT id, pan FROM public.cards", ""]);
    rows.add(["constraint", "1", "2", "9", "equal", ""]);
    rows.catalog(&Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap())
}

#[test]
fn a_function_may_give_a_single_row_many_values() {
    let told = |sql: &str| told(sql, &unique(""));
    assert_eq!(told("insert into cards values (generate_series(1, 9), '4')"), "computed cards.pan");
    assert_eq!(told("insert into cards (pan) values ((4 + unnest($1))::text)"), "computed cards.pan");
    assert_eq!(told("insert into cards values (nextval('s'), lower('4'))"), "cards.pan 1");
    // The server takes no such function in more rows than one.
    assert_eq!(told("insert into cards values (lower('1'), '4'), (2, '5')"), "cards.pan 2");
}

#[test]
fn a_default_is_compared_as_a_value_is() {
    let (with, without) = (unique("d"), unique(""));
    assert_eq!(told("insert into cards (id) values (1), (2)", &without), "");
    assert_eq!(told("insert into cards (id) values (1), (2)", &with), "cards.pan 2");
    assert_eq!(told("insert into cards default values", &with), "cards.pan 1");
    assert_eq!(told("insert into cards (id) select 1 from shown", &without), "");
    assert_eq!(told("insert into shown (id) values (1)", &without), "");
    for sql in [
        "insert into cards (id) select 1 from shown",
        "copy cards (id) from stdin",
        // It may be another in each row.
        "update cards set pan = default",
    ] {
        assert_eq!(told(sql, &with), "computed cards.pan", "{sql}");
    }
    assert_eq!(told("insert into shown (id) values (1)", &with), "computed shown.pan");
}

#[test]
fn what_holds_the_same_values_is_counted_with_them() {
    let counted = |sql: &str| {
        let facts = analyse(sql, &constrained()).facts;
        facts.matches.iter().map(|it| it.counted().replace("public.", "")).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(counted("select 1 from refunds where card = $1"), "cards.pan");
    assert_eq!(counted("select 1 from child where pan = $1"), "parent.pan");
    assert_eq!(counted("select 1 from card_view where number = $1"), "cards.pan");
    assert_eq!(counted("select 1 from cards where pan = $1"), "cards.pan");
}
