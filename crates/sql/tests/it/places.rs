//! Where in a text labelled columns are computed on, and what to write instead.

use sql::{Mention, Place, lineage, locate};

use crate::shop;

/// Checks that the first computed mention in `sql` stands where `^` does, at `place`.
#[track_caller]
fn check(marked: &str, place: Place) {
    let sql = marked.replacen('^', "", 1);
    let mention = first(&sql).unwrap();
    assert_eq!((mention.offset, mention.place), (marked.find('^'), place), "{marked}");
    assert!(mention.instead().contains(&*mention.column), "{}", mention.instead());
}

fn first(sql: &str) -> Option<Mention> {
    lineage(sql, &shop()).mentions.into_iter().next()
}

#[test]
fn a_column_is_found_where_it_is_named() {
    check("select id from public.cards where ^pan = '4'", Place::Where);
    check("select id from public.cards c where id = 1 and upper(^c.pan) like '4%'", Place::Where);
    check("select pan from public.cards order by id, ^pan desc", Place::OrderBy);
    check("select pan as p from public.cards order by ^p", Place::OrderBy);
    check("select id, pan from public.cards order by ^2", Place::OrderBy);
    check("select count(*) from public.cards group by ^pan", Place::GroupBy);
    check("select id from public.cards group by id having max(^pan) > '4'", Place::Having);
    check("select distinct id, ^pan from public.cards", Place::Distinct);
    check("select distinct on (^pan) id from public.cards", Place::Distinct);
    check("select ^pan from public.cards union select note from payments", Place::SetOperation);
    check("select row_number() over (order by ^pan) from public.cards", Place::Window);
    check("select string_agg(holder, ',' order by ^pan) from public.cards", Place::OrderBy);
    check("select count(*) filter (where ^pan = '4') from public.cards", Place::Where);
    check("select 1 from payments p join public.cards c on c.id = p.id and ^c.pan = p.note", Place::Join);
    check("select 1 from public.cards a join ^public.cards b using (pan)", Place::Join);
    check("select 1 from public.cards a natural join ^public.cards b", Place::Join);
    check("select 1; copy ^public.cards to stdout", Place::Copy);
    check("copy (select ^pan from public.cards) to stdout (encoding 'sjis')", Place::Copy);
    check("create table x as select ^pan from public.cards", Place::Copied);
    check("insert into payments (note) select ^pan from public.cards", Place::Copied);
    check("update public.cards set holder = ^pan where id = 1", Place::Copied);
    check("delete from public.cards where ^pan = '4'", Place::Where);
    check("create index on public.cards (lower(^pan))", Place::Definition);
}

#[test]
fn in_a_column_of_the_answer_the_outermost_that_is_not_total_decides() {
    check("select ^pan::bigint from public.cards", Place::Cast);
    check("select (^pan || '1')::bigint from public.cards", Place::Cast);
    check("select upper(regexp_replace(^pan, '4', '')) from public.cards", Place::Function);
    check("select ^pan = '4' from public.cards", Place::Operator);
    check("select case when ^pan = '4' then 1 end from public.cards", Place::Operator);
    check("select left(holder, ^pan::int) from public.cards", Place::Function);
    check("select md5(^c::text) from public.cards c", Place::Row);
    check("select ^upper(cvv) from public.cards", Place::Answer);
    check("select distinct ^left(pan, 6) from public.cards", Place::Distinct);
}

#[test]
fn what_comes_through_a_subquery_is_found_at_its_last_name() {
    check("select p from (select pan as p from public.cards) s where ^p = '4'", Place::Where);
    check("with x as (select * from public.cards) select id from x order by ^pan", Place::OrderBy);
    check("select (select id from public.cards where ^pan = n.note) from payments n", Place::Where);
}

#[test]
fn places_count_bytes_and_are_told_in_characters() {
    let sql = "select 'Zoë – 😀', id from public.cards where pan = '4'";
    let mention = first(sql).unwrap();
    assert_eq!(mention.offset, sql.find("pan ="));
    assert_eq!(mention.character(sql), Some(sql.chars().position(|c| c == '=').unwrap() - 3));
    assert_eq!(mention.character("select"), None, "it is of another text");
}

#[test]
fn the_column_that_was_asked_about_is_found_among_others() {
    let sql = "select id from public.cards where cvv = '1'; select id from public.cards order by pan";
    let found = locate(sql, &shop(), &["public.cards.pan".into()]).unwrap();
    assert_eq!((found.offset, found.place), (sql.rfind("pan"), Place::OrderBy));
    assert_eq!(locate(sql, &shop(), &["public.payments.note".into()]), None);
    assert_eq!(locate("select from where", &shop(), &["public.cards.pan".into()]), None);
}

#[test]
fn what_any_mask_leaves_is_offered_where_it_helps() {
    let instead = |sql| first(sql).unwrap().instead();
    assert!(instead("select id from public.cards where pan = '4'").contains("right(pan, 4)"));
    assert!(
        instead("select id from public.cards where cvv = '4'").ends_with("nothing is told of it but NULL")
    );
    assert!(!instead("copy public.cards (pan) to stdout; select 1").contains("right("));
}

#[test]
fn the_columns_of_an_answer_are_known_by_their_places() {
    let given = |sql| {
        let given = lineage(sql, &shop()).given;
        let line = |it: sql::Given| format!("{}.{} {} {:?}", it.statement, it.index, it.column, it.position);
        given.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        given("begin; select id, pan, upper(pan) from public.cards"),
        ["1.1 public.cards.pan Output", "1.2 public.cards.pan Derived"]
    );
    assert!(given("explain select pan from public.cards").is_empty());
    assert!(given("select * from cards").is_empty(), "which of two tables is not known");
}
