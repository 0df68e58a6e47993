//! Where labelled columns go.

use access::{DataClass, Position};

use crate::{at, check, computed, output, read};

#[test]
fn a_plain_column_of_the_answer_is_an_output() {
    for sql in [
        "select pan from public.cards",
        "select id, pan as x from public.cards where id = 1 order by id limit 3",
        "select c.pan from public.cards c",
        "select public.cards.pan from public.cards",
        "select p.* from (select id, pan from public.cards) p",
        "select x from (select pan as x from public.cards) s",
        "select b from (select id, pan from public.cards) s(a, b)",
        "with x(a, b) as (select id, pan from public.cards) select b from x where a = 1",
        "with x as (select id, pan from public.cards), y as (select * from x) select * from y",
        "with recursive x as (select pan from public.cards) select pan from x",
        "select c.pan from payments p left join public.cards c on c.id = p.card_id",
        "select s.p from public.cards c, lateral (select c.pan as p) s",
        "select u&\"p\\0061n\" from public.cards",
        "select distinct on (id) pan from public.cards",
        "update public.cards set amount = 1 where id = 1 returning pan",
        "delete from public.cards where id = 1 returning id, pan",
        "insert into public.cards (id) values (1) returning pan",
        "with gone as (delete from public.cards where id = 1 returning pan) select pan from gone",
        "select pan from only public.cards tablesample bernoulli (100)",
    ] {
        assert_eq!((output(sql), computed(sql)), (vec![String::from("cards.pan")], vec![]), "{sql}");
    }
}

#[test]
fn a_star_is_every_column() {
    assert_eq!(output("select * from public.cards"), ["cards.cvv", "cards.pan"]);
    assert_eq!(output("select c.*, p.* from public.cards c, payments p"), ["cards.cvv", "cards.pan"]);
    assert_eq!(output("table public.cards"), ["cards.cvv", "cards.pan"]);
    assert_eq!(output("select * from cards"), ["archive.cards.pan", "cards.cvv", "cards.pan"]);
    check(
        "select * from public.cards",
        "select; read cards; output cards.pan pan; output cards.cvv sad; no effect",
    );
}

#[test]
fn columns_without_a_label_are_not_mentioned() {
    for sql in [
        "select id, holder from public.cards where amount > 5",
        "select count(*) from public.cards",
        "select holder, count(*) from public.cards group by 1 order by 2 desc",
        "select exists (select * from public.cards where id = 1)",
        "select s.holder from (select id, holder, pan from public.cards) s",
        "select note as pan from payments",
        "select pan from (select note as pan from payments) x order by pan",
        "select doc from public.cards",
        "select id, holder from card_names",
    ] {
        assert!(read(sql).facts.columns.is_empty(), "{sql}: {:?}", read(sql).facts.columns);
    }
}

#[test]
fn a_column_of_the_answer_that_is_made_by_what_cannot_fail_is_derived() {
    for sql in [
        "select reverse(pan) from public.cards",
        "select pan || '' from public.cards",
        "select pan::text from public.cards",
        "select case when true then pan end from public.cards",
        "select coalesce(null, pan) from public.cards",
        "select row(pan) from public.cards",
        "select (select pan) from public.cards",
        "select array(select pan from public.cards)",
        "select substring(pan from 1 for 6) from public.cards",
        "select max(pan) from public.cards",
        "select x from public.cards c, lateral (select reverse(c.pan) as x) s",
        "update public.cards set amount = 1 where id = 1 returning old.pan",
        "update public.cards set amount = 1 where id = 1 returning with (old as o) o.pan",
        "select left(pan, 6), upper(pan) from public.cards",
        "select lag(pan) over (order by id) from public.cards",
        "select x from (select reverse(pan) as x from public.cards) s",
        "with x as (select concat(pan, holder) as y from public.cards) select y from x",
        "select pan from public.cards union all select note from payments",
        "select note from payments union all select pan from public.cards",
        "select x from (select right(pan, 5) as x from public.cards) s",
        "select right(pan, id), right(pan, -12) from public.cards",
        "select to_json(pan), sum(pan), pan || ', ' || holder from public.cards",
        "select array[pan], array_agg(pan), string_agg(pan, ',') from public.cards",
        "select jsonb_build_object('id', id, 'pan', pan), to_jsonb(pan) from public.cards",
        "select json_object_agg(id, pan) from public.cards",
        "select trim(both '4' from pan), array_to_string(pan, ',') from public.cards",
        "select coalesce(json_agg(json_build_array(id, pan)), '[]'::json) from public.cards",
        "select json_agg(x) from (select id, pan from public.cards) x",
        "select to_json(x)::text from (select json_build_object('a', upper(pan)) as y from public.cards) x",
        "select x from (select id, pan from public.cards) x",
        "select reverse(e) from (select (p).*, c.pan from payments p, public.cards c) s(a, b, c, d, f, e)",
        "select (select json_agg(o) from (select c.pan, c.id) o) from public.cards c",
    ] {
        assert_eq!(
            (at(sql, Position::Derived), computed(sql), output(sql)),
            (vec!["cards.pan".into()], vec![], vec![]),
            "{sql}"
        );
        let answers = read(sql).facts.answers.clone();
        assert!(matches!(answers.as_slice(), [answer] if answer.statement == 0), "{sql}: {answers:?}");
    }
}

#[test]
fn it_is_known_at_which_places_of_which_answer_something_is_derived() {
    let places = |sql: &str| -> Vec<(u32, u32, Vec<u32>)> {
        let answers = read(sql).facts.answers.clone();
        answers
            .iter()
            .map(|it| (it.statement, it.width, it.derived.iter().map(|(at, _)| *at).collect()))
            .collect()
    };
    assert_eq!(places("select id, reverse(pan), holder, max(pan) from public.cards"), [(0, 4, vec![1, 3])]);
    assert_eq!(places("select *, reverse(pan), * from public.cards"), [(0, 15, vec![7])]);
    assert_eq!(
        places(
            "select 1; select reverse(pan) from public.cards; select pan, 1, upper(pan) from public.cards"
        ),
        [(1, 1, vec![0]), (2, 3, vec![2])]
    );
    // What is not told as an answer has no places.
    assert_eq!(places("explain select reverse(pan) from public.cards"), []);
    assert_eq!(places("select id, pan from public.cards"), []);
}

#[test]
fn what_is_derived_and_then_used_is_a_computation() {
    for sql in [
        "select x from (select reverse(pan) as x from public.cards) s where x like '4%'",
        "select id from (select id, reverse(pan) as x from public.cards) s order by x",
        "select reverse(pan) from public.cards order by 1",
        "select reverse(pan) as x from public.cards group by x",
        "select distinct upper(pan) from public.cards",
        "select count(distinct pan) from public.cards",
        "select substring(pan from '4+') from public.cards",
        "select string_agg(holder, ',' order by reverse(pan)) from public.cards",
        "select left(holder, pan::int) from public.cards",
        "select length(reverse(pan)) / 0 from public.cards",
        "insert into payments (note) select reverse(pan) from public.cards",
        "create table t as select reverse(pan) as x from public.cards",
        // Where a column stands is not known.
        "select *, upper(c.pan) from public.cards c join customers using (id)",
        "select reverse(pan), f.* from public.cards, generate_series(1, 2) f",
    ] {
        assert_eq!(computed(sql), ["cards.pan"], "{sql}");
    }
    assert_eq!(computed("select reverse(cvv) from public.cards"), ["cards.cvv"]);
    assert_eq!(computed("select count(cvv), cvv is null from public.cards"), ["cards.cvv"]);
}

#[test]
fn what_every_mask_shows_is_no_use_of_the_column() {
    for sql in [
        "select count(pan), count(*) from public.cards",
        "select length(pan), char_length(pan) from public.cards",
        "select right(pan, 4), right(pan::text, 2) from public.cards",
        "select holder from public.cards where pan is not null",
        "select holder from public.cards where right(pan, 4) = '1111' order by right(pan, 4)",
        "select holder from public.cards group by holder having count(pan) > 1",
    ] {
        assert_eq!(
            (at(sql, Position::Derived), computed(sql), output(sql)),
            (vec![], vec![], vec![]),
            "{sql}"
        );
    }
    let other = "select right(token, 4), length(token) from tokens";
    assert_eq!(at(other, Position::Derived), ["tokens.token"]);
    assert_eq!(computed("select 1 from tokens where right(token, 4) = 'x'"), ["tokens.token"]);
    assert_eq!(computed("select 1 from public.cards where right(pan, 5) = '11111'"), ["cards.pan"]);
    // Another number is another statement.
    assert!(!read("select right(pan, 4) from public.cards").literal_free);
}

#[test]
fn every_other_mention_is_a_computation() {
    for sql in [
        // expressions
        "select cast(pan as bigint) from public.cards",
        "select pan[1] from public.cards",
        "select nullif(pan, '') from public.cards",
        "select pan between '4' and '5' from public.cards",
        "select string_agg(holder, ',' order by pan) from public.cards",
        "select count(*) filter (where pan like '4%') from public.cards",
        "select rank() over (order by pan) from public.cards",
        "select sum(id) over w from public.cards window w as (partition by pan)",
        "select '4' in (select pan from public.cards)",
        "select xmlforest(pan as x) from public.cards",
        "select xmlelement(name a, xmlattributes(pan as b)) from public.cards",
        "select json_object('a': pan) from public.cards",
        "select json_array(pan) from public.cards",
        "select json_arrayagg(pan) from public.cards",
        "select json_objectagg('a': pan) from public.cards",
        "select json_scalar(pan) from public.cards",
        "select json_value(pan, '$') from public.cards",
        "select position('4' in pan) from public.cards",
        "select format('%s', pan) from public.cards",
        "values ((select pan from public.cards))",
        "select (pan) collate \"C\" || '' from public.cards",
        "select greatest(pan, '') from public.cards",
        "select trim(both '0123456789' from pan) from public.cards",
        // what fails, or is longer, for one value and not for another
        "select greatest(row(substr(pan, 1, 1), '{}'::json), row('4'::text, '{}'::json)) from public.cards",
        "select replace(pan, '4', repeat('x', 70000000)) from public.cards",
        "select ltrim(repeat('4', 70000000), pan) from public.cards",
        "select x || x from (select upper(pan) as x from public.cards) s",
        "select upper(left(pan, 6)) from public.cards",
        "select sum(x) from (select pan as x from public.cards union all select '1e308') s",
        "select length(pan, 'UTF8') from public.cards",
        // predicates and order
        "select 1 from public.cards where pan <> $1",
        "select 1 from public.cards where pan ~ '^4'",
        "select id from public.cards order by pan",
        "select id from public.cards group by id, pan",
        "select holder from public.cards group by holder having max(pan) like '4%'",
        "select 1 from payments p join public.cards c on c.pan = p.note",
        "select id from public.cards group by grouping sets ((pan, id), (id))",
        "select distinct on (pan) id from public.cards",
        "select v.x from public.cards c join (values ('4', 'a')) v(k, x) on v.k = substr(c.pan, 1, 1)",
        "select g from public.cards c, generate_series(1, length(c.pan || '')) g",
        "select 1 from public.cards limit (select length(pan || '') from public.cards limit 1)",
        "select x from public.cards c, lateral (values (c.pan)) v(x)",
        "select * from public.cards c, xmltable('/a' passing xmlelement(name a, c.pan) columns x text) x where false and c.id = 1 limit 0",
        // change
        "update public.cards set holder = pan where id = 1",
        "update public.cards set (holder, exp) = (select pan, null) where id = 1",
        "update payments set note = c.pan from public.cards c where c.id = payments.card_id",
        "delete from public.cards where pan > '4'",
        "insert into payments (note) select pan from public.cards",
        "insert into public.cards (id) values (1) on conflict (pan) do nothing",
        "insert into public.cards (id) values (1) on conflict (id) do update set holder = cards.pan",
        "merge into payments p using public.cards c on p.note = c.pan when matched then do nothing",
        "merge into payments p using public.cards c on p.card_id = c.id when matched and c.pan like '4%' then delete",
        "merge into payments p using public.cards c on p.card_id = c.id when matched then update set note = c.pan",
        "merge into payments p using public.cards c on p.card_id = c.id when not matched then insert (note) values (c.pan)",
        "update public.cards set pan[1] = '4' where id = 1",
    ] {
        assert!(computed(sql).contains(&String::from("cards.pan")), "{sql}: {:?}", read(sql).facts);
        assert!(output(sql).is_empty() || sql.contains('*'), "{sql}: {:?}", read(sql).facts);
        assert!(read(sql).facts.not_understood.is_empty(), "{sql}: {:?}", read(sql).facts);
    }
}

#[test]
fn an_output_that_is_also_compared_is_both() {
    for sql in [
        "select distinct pan from public.cards",
        "select pan from public.cards order by 1",
        "select pan as x from public.cards order by x",
        "select pan, count(*) from public.cards group by pan",
        "select pan, count(*) from public.cards group by 1",
        "select c.pan from public.cards c join public.cards d using (pan)",
        "select pan from (select id, pan from public.cards) s where pan like '4%'",
        "with x as (select pan as y from public.cards) select y from x order by y",
    ] {
        assert_eq!(
            (output(sql), computed(sql)),
            (vec!["cards.pan".into()], vec![String::from("cards.pan")]),
            "{sql}"
        );
    }
    assert_eq!(
        computed("select a.id from public.cards a natural join public.cards b"),
        ["cards.cvv", "cards.pan"]
    );
    assert_eq!(
        computed("select a.id from public.cards a natural join archive.cards b"),
        ["archive.cards.pan", "cards.pan"]
    );
}

#[test]
fn after_a_join_that_merges_columns_places_are_not_counted() {
    // `*` gives `id` once, and first: the third column is not the third of the tables side by side.
    let joined = "public.cards c join customers k using (id)";
    for sql in [
        format!("select * from {joined} order by 3"),
        format!("select x from (select * from {joined}) s(a, b, x)"),
        format!("with s(a, b, x) as (select * from {joined}) select x from s"),
        String::from("select * from public.cards c natural join archive.orders order by 2"),
    ] {
        assert!(computed(&sql).contains(&String::from("cards.pan")), "{sql}");
    }
    assert_eq!(output(&format!("select s.pan from (select * from {joined}) s")), ["cards.pan"]);
    assert!(computed(&format!("select s.pan from (select * from {joined}) s")).is_empty());
    assert!(computed(&format!("select c.* from {joined} order by 1")).is_empty());
}

#[test]
fn set_operations_lose_the_origin() {
    for sql in [
        "select pan from public.cards except select '4'",
        "select x from (select note as x from payments union select pan from public.cards) s",
        "with recursive r(n, p) as (select 1, pan from public.cards union all select n + 1, p from r where n < 3) select p from r",
    ] {
        assert_eq!((output(sql), computed(sql)), (vec![], vec![String::from("cards.pan")]), "{sql}");
    }
}

#[test]
fn what_holds_a_whole_row_is_made_of_all_of_it() {
    for sql in [
        "select c from public.cards c",
        "select cards from public.cards",
        "select row(c.*), row((c).*) from public.cards c",
        "select to_jsonb(c) from public.cards c",
        "select to_jsonb(c) - 'pan' - 'cvv' from public.cards c",
        "select c::text from public.cards c",
        "select s.c from (select c from public.cards c) s",
        "select to_json(s) from (select * from public.cards) s",
        "with x as (select * from public.cards) select row_to_json(x) from x",
        "select json_agg(c order by id) filter (where id > 1) from public.cards c",
        "select json_build_object('rows', json_agg(c)) from public.cards c",
        "delete from public.cards where id = 1 returning cards",
        "insert into public.cards (id) values (1) returning json_build_object('it', cards)",
        "copy (select c from public.cards c) to stdout",
    ] {
        let made = at(sql, Position::Derived);
        assert_eq!((made, computed(sql)), (vec!["cards.cvv".into(), "cards.pan".into()], vec![]), "{sql}");
    }
}

#[test]
fn a_whole_row_of_which_something_else_is_made_is_a_computation_on_all_of_it() {
    for sql in [
        "select c.to_jsonb from public.cards c",
        "select pan(c) from public.cards c",
        "select c = c from public.cards c",
        "select md5(c::text) from public.cards c",
        "select max(c) from public.cards c",
        "select count(c) from public.cards c",
        "select c is null from public.cards c",
        "select json_each_text(row_to_json(c)) from public.cards c",
        "select row_to_json(c) ->> 'pan' from public.cards c",
        "select to_jsonb(c) - c.holder from public.cards c",
        "select to_jsonb(c)::jsonb from public.cards c",
        "select 1 from public.cards c order by c",
        "select count(distinct c) from public.cards c",
        "select json_agg(c order by c) from public.cards c",
        "select json_agg(c) as x from public.cards c having json_agg(c)::text like '%4%'",
        "select x.c::text like '%4%' from (select c from public.cards c) x",
        "select (x.c).pan from (select c from public.cards c) x",
        "select (s).c from (select c from public.cards c) s group by 1",
        "select json_object_agg(c, 1) from public.cards c",
        "insert into payments (note) select row_to_json(c)::text from public.cards c",
        "select c from public.cards c union select null",
    ] {
        let computed = computed(sql);
        let all = ["cards.cvv", "cards.pan"].map(String::from);
        assert!(all.iter().all(|column| computed.contains(column)), "{sql}: {computed:?}");
    }
    assert_eq!(computed("select json_build_object(pan, 1) from public.cards"), ["cards.pan"]);
    assert_eq!(computed("select jsonb_agg(doc) from customers"), ["customers.doc"]);
    assert_eq!(computed("select to_jsonb(c) from customers c"), ["customers.doc"]);
}

#[test]
fn a_field_of_a_row_is_the_column() {
    assert_eq!(output("select (c).pan from public.cards c"), ["cards.pan"]);
    assert_eq!(output("select (c).* from public.cards c"), ["cards.cvv", "cards.pan"]);
    assert_eq!(output("select pan from (select (c).* from public.cards c) s"), ["cards.pan"]);
    assert!(computed("select (c).pan, (c).id + 1 from public.cards c where (c).id = 1").is_empty());
    assert_eq!(computed("select 1 from public.cards c where (c).pan = '4'"), ["cards.pan"]);
    // There it is the column `c` of the subquery, a row, and not the member of FROM.
    let row = computed("select (c).pan from (select c from public.cards c) c");
    assert!(row.contains(&"cards.cvv".into()), "{row:?}");
}

#[test]
fn values_inside_one_another_without_end_are_a_computation() {
    let nested = |depth: usize| {
        let (open, close) = ("to_json(".repeat(depth), ")".repeat(depth));
        format!("select {open}pan{close} from public.cards")
    };
    assert!(computed(&nested(8)).is_empty());
    assert_eq!(computed(&nested(9)), ["cards.pan"]);
    let mut sql = String::from("select c from public.cards c");
    for depth in 0..9 {
        sql = format!("select c{depth} from ({sql}) c{depth}");
    }
    assert_eq!(computed(&sql), ["cards.cvv", "cards.pan"]);
}

#[test]
fn a_new_value_is_assigned() {
    for sql in [
        "insert into public.cards (id, pan) values (1, $1)",
        "update public.cards set pan = $1 where id = 1",
        "update public.cards set pan = upper($1), holder = 'x' where id = 1",
        "insert into public.cards (id, pan) values (1, $1) on conflict (id) do update set pan = excluded.pan",
        "merge into public.cards c using payments p on p.card_id = c.id when matched then update set pan = p.note",
    ] {
        assert_eq!(
            (at(sql, Position::Assigned), computed(sql), output(sql)),
            (vec!["cards.pan".into()], vec![], vec![]),
            "{sql}"
        );
    }
    assert_eq!(at("insert into public.cards values (1)", Position::Assigned), ["cards.cvv", "cards.pan"]);
}

#[test]
fn a_view_that_computes_on_a_labelled_column_is_a_computation_wherever_it_is_read() {
    assert_eq!(computed("select id from reversed"), ["cards.pan"]);
    // A view of that view, which takes no column of it.
    assert_eq!(computed("select n from reversed_count"), ["cards.pan"]);
    assert_eq!(computed("select 1 from payments where exists (select from reversed)"), ["cards.pan"]);
    assert_eq!(computed("update reversed set id = 1 where id = 2"), ["cards.pan"]);
    assert!(computed("drop view reversed").is_empty());
}

#[test]
fn a_view_with_labels_of_its_own_goes_by_them() {
    check(
        "select id, pan from masked_cards",
        "select; read masked_cards; output masked_cards.pan pan; no effect",
    );
    check(
        "select reverse(pan) from masked_cards",
        "select; read masked_cards; derived masked_cards.pan pan; no effect",
    );
}

#[test]
fn a_partition_has_its_parents_labels() {
    assert_eq!(output("select pan, cvv from cards_2024"), ["cards_2024.cvv", "cards_2024.pan"]);
    assert_eq!(computed("select 1 from cards_2024 where pan > '4'"), ["cards_2024.pan"]);
}

#[test]
fn what_is_made_of_a_labelled_column_is_no_output() {
    // A generated column, and a column that holds a row of a table with labels.
    assert_eq!(
        (output("select token_tail from tokens"), at("select token_tail from tokens", Position::Derived)),
        (vec![], vec!["tokens.token".into()])
    );
    assert_eq!(at("select * from tokens", Position::Derived), ["tokens.token"]);
    assert_eq!(output("select * from tokens"), ["tokens.token"]);
    // Of one with a card code nothing at all may be made.
    assert_eq!(computed("select card from snapshots"), ["cards.cvv"]);
    assert_eq!(at("select card from snapshots", Position::Derived), ["cards.pan"]);
    assert_eq!(computed("select (card).holder from snapshots"), ["cards.cvv", "cards.pan"]);
    assert!(computed("select id from snapshots").is_empty());
}

#[test]
fn a_document_with_paths_is_put_out_whole_or_computed_on() {
    check("select doc from customers", "select; read customers; output customers.doc pan; no effect");
    check(
        "select doc->'card'->>'number' from customers",
        "select; read customers; computed customers.doc pan; no effect",
    );
    check(
        "select jsonb_path_query(doc, '$.*') from customers",
        "select; read customers; computed customers.doc pan; no effect",
    );
}

#[test]
fn a_labelled_name_of_what_is_not_known_counts_as_the_labelled_column() {
    for sql in [
        "select pan from nowhere",
        "select n.pan from nowhere n",
        "select pan from json_to_record('{}') as x(pan text)",
        "select (x).pan from nowhere",
        "select upper(pan) from nowhere",
    ] {
        assert!(computed(sql).contains(&String::from("cards.pan")), "{sql}");
    }
    for sql in [
        "select n from nowhere n",
        "select to_jsonb(n.*) from nowhere n",
        "select * from nowhere union all select 1",
        "select distinct * from nowhere",
        "select s from (select * from nowhere) s",
        "select * from (select * from nowhere) s(a, b)",
        "select a from nowhere n(a, b)",
        "select array(select n.* from nowhere n)",
        "insert into payments select * from nowhere",
        "create table t as select * from nowhere",
    ] {
        assert_eq!(read(sql).facts.not_understood, ["all columns of an unknown relation".into()], "{sql}");
    }
    // Masked by name, in the answer.
    check("select * from nowhere", "select; read ?.nowhere; no effect");
    check("select s.* from (select * from nowhere) s", "select; read ?.nowhere; no effect");

    check(
        "insert into nowhere (id, cvv) values (1, $1)",
        "insert; write ?.nowhere; assigned cards.cvv sad; assigned cards_2024.cvv sad; on data",
    );
}

#[test]
fn names_are_those_of_the_nearest_query_that_has_them() {
    // The inner `pan` is a note.
    assert!(
        read("select (select pan from (select note as pan from payments) x) from public.cards")
            .facts
            .columns
            .is_empty()
    );
    // The inner one has none, so it is the outer one's.
    let outer = "select (select max(pan) from payments) from public.cards";
    assert_eq!(at(outer, Position::Derived), ["cards.pan"]);
    assert_eq!(
        computed("select 1 from public.cards c where exists (select 1 from payments where note = c.pan)"),
        ["cards.pan"]
    );
    // What a WITH query that comes later holds is not known where it is used.
    let sql = "with recursive a as (select reverse(x) as y from b), b as (select pan as x from public.cards) select y from a";
    assert_eq!(computed(sql), ["cards.pan"]);
}

#[test]
fn the_catalog_says_what_a_column_of_an_answer_holds() {
    let catalog = crate::shop();
    assert_eq!(catalog.version(), 7);
    assert_eq!(catalog.label(1, 2), Some(&sql::Label::Class(DataClass::Pan)));
    assert_eq!(catalog.label(4, 3), Some(&sql::Label::Class(DataClass::Sad)));
    assert_eq!(catalog.label(1, 1), None);
    assert_eq!(catalog.label(99, 2), None);
    assert!(catalog.knows(8) && !catalog.knows(99));
    assert!(catalog.knows_column(1, 2) && catalog.knows_column(1, -1));
    assert!(!catalog.knows_column(1, 99) && !catalog.knows_column(99, 1) && !catalog.knows_column(99, -1));
    assert_eq!(catalog.label_by_name("pan"), Some(&sql::Label::Class(DataClass::Pan)));
    assert!(matches!(catalog.label_by_name("doc"), Some(sql::Label::Json(_))));
    assert_eq!(catalog.label_by_name("holder"), None);
    assert!(catalog.unmatched().is_empty());
}

#[test]
fn what_a_text_changes_is_not_relied_on_in_the_rest_of_it() {
    let sql = "alter table public.cards drop column amount; select reverse(y) from public.cards as s(x, y)";
    assert_eq!(computed(sql), ["cards.cvv", "cards.pan"]);
    let sql =
        "create temp table payments (x int); select (select reverse(pan) from payments) from public.cards";
    assert!(computed(sql).contains(&"cards.pan".into()));
    let doubting = |sql: &str| sql::analyse_doubting(sql, &super::shop()).facts;
    assert!(doubting("select id, note from payments where status = 'x'").columns.is_empty());
    assert!(doubting("select p.id from payments p join customers c on c.id = p.id").columns.is_empty());
    assert!(doubting("select c.id, c.pan from public.cards c").answers.is_empty());
}

#[test]
fn names_are_found_as_postgresql_finds_them() {
    for sql in [
        // The nearest member of that name, which has no such column: a function of its row.
        "select (select reverse(c.to_jsonb::text) from public.cards c) from (select 1 as to_jsonb) c",
        // Behind the alias of a join its members are not seen.
        "select (select reverse(pan) from ((select 'x' as pan) a join (select 1 as z) b on true) as j(k, l)) from public.cards",
        // Without LATERAL a subquery does not see what stands beside it, and ON sees its two sides.
        "select (select s.y from (select 1 as pan) a, (select reverse(pan) as y from (select 1 as z) q) s) from public.cards",
        "select (select 1 from (select 'x' as pan) a, (select 1 as u) b join (select 1 as v) c on pan like '4%') from public.cards",
        // A cast is named by its type only where what is cast has no name.
        "select (select reverse(pan) from (select 'x'::pan::text) s) from public.cards",
        // Which name a column has was not worked out.
        "select id from public.cards natural join (select (select '4' as pan)) v",
        "merge into payments p using public.cards c on p.id = c.id when matched then delete returning reverse(c.pan), *",
    ] {
        let seen = [computed(sql), at(sql, Position::Derived)].concat();
        assert!(seen.contains(&"cards.pan".into()), "{sql}: {seen:?}");
    }
    assert!(computed("select c.tableoid, c.ctid from public.cards c").is_empty());
}

#[test]
fn a_field_that_is_set_in_a_column_nobody_knows_may_be_a_labelled_one() {
    for sql in ["update passing set c[5].pan = $1", "insert into passing (c.pan) values ($1)"] {
        assert!(computed(sql).contains(&String::from("cards.pan")), "{sql}");
    }
    assert!(computed("update payments set note = 'x'").is_empty());
}
