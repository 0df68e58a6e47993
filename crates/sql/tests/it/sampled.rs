//! Rows of those that a statement would change: which query reads them, and of which statements there is none.

use access::Position;
use proptest::prelude::*;
use sql::{Becomes, Label, ROWS_MAX, Sampled, sampled};

use super::*;

fn sample(sql: &str) -> Result<Option<Sampled>, &'static str> {
    let catalog = shop();
    let facts = analyse(sql, &catalog).facts;
    sampled(sql, &[Some("7".into()), Some("o'clock".into()), None], &[], &facts, &catalog)
}

/// The query, in lower case, without its limit.
fn query(sql: &str) -> String {
    let query = sample(sql).unwrap().unwrap().query.to_lowercase();
    query.strip_suffix(&format!(" limit {ROWS_MAX}")).unwrap().to_owned()
}

#[test]
fn rows_are_read_by_the_same_condition_as_they_are_and_as_they_would_be() {
    for (sql, expected) in [
        (
            "update payments set amount = amount * 2 where id = $1",
            "select payments.id as id, payments.card_id as card_id, payments.amount as amount, amount * 2 as amount from payments where id = '7'",
        ),
        (
            "update payments p set note = $2, amount = default from customers c where c.id = p.id and p.note is not distinct from $3",
            "select p.id as id, p.card_id as card_id, p.amount as amount, p.note as note, 'o''clock' as note from payments p, customers c where c.id = p.id and p.note is not distinct from null",
        ),
        (
            "delete from only public.cards where id = 7",
            "select cards.id as id, cards.pan as pan, cards.cvv as cvv, cards.holder as holder, cards.exp as exp, cards.amount as amount, cards.doc as doc from only public.cards where id = 7",
        ),
        (
            "with old as (select id from payments where amount < 3) delete from archive.orders where id in (select id from old)",
            "with old as (select id from payments where amount < 3) select orders.id as id, orders.total as total from archive.orders where id in (select id from old)",
        ),
        (
            "insert into payments (id, note) values (1, $2), (2, 'x')",
            "select new_row.id as id, new_row.note as note from (values (1, 'o''clock'), (2, 'x')) new_row(id, note)",
        ),
        (
            "insert into archive.orders select id, amount from payments where id = 1 returning id",
            "select new_row.id as id, new_row.total as total from (select id, amount from payments where id = 1) new_row(id, total)",
        ),
    ] {
        let ours = query(sql).replace(" as new_row", " new_row").replace("new_row (", "new_row(");
        assert_eq!(ours, expected, "{sql}");
    }
}

#[test]
fn a_value_is_of_the_column_that_it_is_for() {
    let it = sample("update public.cards set pan = $1, cvv = $2, amount = 5 where id = 1").unwrap().unwrap();
    let columns: Vec<_> =
        it.columns.iter().map(|it| (&*it.name, it.was, it.becomes, it.label.clone())).collect();
    let given = Becomes::Given;
    assert_eq!(
        columns,
        [
            ("id", Some(0), Becomes::Same, None),
            ("holder", Some(1), Becomes::Same, None),
            ("pan", Some(2), given(3), Some(Label::Class(DataClass::Pan))),
            ("cvv", Some(4), given(5), Some(Label::Class(DataClass::Sad))),
            ("amount", Some(6), given(7), None),
        ]
    );
    let outputs: Vec<_> = it.facts.columns.iter().map(|it| (&*it.column, it.position)).collect();
    assert_eq!(
        outputs,
        [("public.cards.pan", Position::Output), ("public.cards.cvv", Position::Output)],
        "what the server names is masked by that"
    );
    let it = sample("update payments set note = (select substr(pan, 1, 4) from public.cards limit 1)");
    let derived = &it.unwrap().unwrap().facts.answers.first().unwrap().derived.clone();
    assert_eq!(*derived, [(3, DataClass::Pan)], "what is made of a labelled column is redacted by its place");
}

#[test]
fn more_columns_than_people_look_at_are_counted() {
    let it = sample(
        "update public.cards set pan = '1', cvv = '2', holder = '3', exp = '4', amount = 5, doc = '6', id = 7",
    );
    let it = it.unwrap().unwrap();
    assert_eq!((it.columns.len(), it.sets_more), (7, 0));
    let mut rows = Rows::default();
    rows.add(["schema", "", "", "", "public", ""]);
    let names: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    rows.relation(1, "r", "public.wide", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let catalog = rows.catalog(&Labels::default());
    let sets: Vec<String> = names.iter().skip(1).map(|name| format!("{name} = 1")).collect();
    let text = format!("update wide set {}", sets.join(", "));
    let it = sampled(&text, &[], &[], &analyse(&text, &catalog).facts, &catalog).unwrap().unwrap();
    assert_eq!((it.columns.len(), it.sets_more), (8, 4));
}

#[test]
fn nothing_is_read_that_may_not_be_run_beforehand() {
    for sql in [
        "update payments set amount = secret_sauce(1)",
        "update payments set amount = unheard_of(1)",
        "update payments set note = pg_read_file('x')",
        "update payments set amount = nextval('cards_id_seq')",
        "update payments set amount = random()",
        "update payments set note = public.lower('X')",
        "update payments set amount = amount ===> 1",
        "update payments set (amount, note) = (select 1, 'x')",
        "update customers set doc['card'] = '1'",
        "update payments set amount = 1 where current of c",
        "update card_names set id = 1",
        "delete from reversed",
        "update unheard_of set a = 1",
        "update payments set unheard_of = 1 where id = unheard_of_too",
        "with gone as (delete from cards returning id) update payments set amount = 1 where id in (select id from gone)",
        "insert into payments select * from payments",
        "insert into payments default values",
        "with payments as (select 1 as id, 2 as amount) update payments set amount = 0 where id = 1",
        "insert into payments (id, amount) values (1, 2) on conflict (id) do update set amount = 0",
        "insert into payments (id, unheard_of) values (1, 2)",
        "update payments set note = (select id from cards for update)",
    ] {
        assert!(sample(sql).is_err(), "{sql}: {:?}", sample(sql));
    }
    for sql in [
        "select 1",
        "drop table cards",
        "delete from cards; delete from cards",
        "nonsense",
        "merge into payments p using cards c on c.id = p.id when matched then delete",
    ] {
        assert_eq!(sample(sql), Ok(None), "{sql}");
    }
    let catalog = shop();
    let facts = analyse("delete from payments where id = $1", &catalog).facts;
    assert!(
        sampled("delete from payments where id = $1", &[], &[], &facts, &catalog).is_err(),
        "a parameter that is not known"
    );
    let others = analyse("delete from cards", &catalog).facts;
    assert!(
        sampled("delete from payments", &[], &[], &others, &catalog).is_err(),
        "another table than was decided upon"
    );
}

proptest! {
    /// Whatever a parameter holds, it stays one value of a query that reads those tables and no others.
    #[test]
    fn no_parameter_gets_out_of_its_quotes(text in any::<String>()) {
        let catalog = shop();
        let statement = "update payments set note = $1 where note = $1 and id = 1";
        let facts = analyse(statement, &catalog).facts;
        if let Ok(Some(it)) = sampled(statement, &[Some(text)], &[], &facts, &catalog) {
            let read = analyse(&it.query, &catalog).facts;
            prop_assert_eq!(line(&read), "select; read payments; no effect");
        }
    }
}
