//! Documents of which the text says where labelled values are in them.

use crate::{computed, read};

/// The members of the first answer, in one line.
fn members(sql: &str) -> String {
    assert!(computed(sql).is_empty(), "{sql}: {:?}", read(sql).facts);
    let facts = read(sql).facts;
    let answer = facts.answers.first().unwrap();
    let one = |it: &access::Member| {
        let classes: Vec<&str> = it.classes.iter().map(|class| class.as_str()).collect();
        format!("{} {} {}{}", it.column, it.path, classes.join("+"), if it.stands { "" } else { " made" })
    };
    answer.members.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_is_put_under_a_literal_name_is_there() {
    for (value, expected) in [
        ("json_build_object('id', id, 'pan', pan)", "1 $['pan'] pan"),
        ("jsonb_build_object('a'::text, upper(pan), 'b', cvv)", "1 $['a'] pan made, 1 $['b'] sad"),
        ("json_build_array(id, pan, holder)", "1 $[1] pan"),
        ("json_agg(pan)", "1 $[*] pan"),
        ("to_json(array[pan, 'x'])", "1 $[*] pan"),
        ("to_json(array(select pan from public.cards))", "1 $[*] pan"),
        ("json_object_agg(id, pan)", "1 $[*] pan"),
        ("coalesce(json_agg(json_build_array(id, pan, cvv)), '[]'::json)", "1 $[*][1] pan, 1 $[*][2] sad"),
        ("json_build_object('it', json_build_object('s', json_agg(pan)))", "1 $['it']['s'][*] pan"),
        ("json_build_object('a', pan::text, 'b', string_agg(pan, ','))", "1 $['a'] pan, 1 $['b'] pan made"),
        // A name that may be a value is none for the facts.
        ("json_build_object('4111111111111111', pan)", "1 $[*] pan"),
        ("json_build_object(holder, pan)", "1 $[*] pan"),
        (
            "case when id = 1 then json_build_object('a', pan) else json_build_object('b', pan) end",
            "1 $['a'] pan, 1 $['b'] pan",
        ),
        ("json_build_object('a', row_to_json(c)::text)", "1 $['a'] pan+sad made"),
    ] {
        assert_eq!(
            members(&format!("select 1, {value} from public.cards c group by c.id")),
            expected,
            "{value}"
        );
    }
}

#[test]
fn a_row_of_a_subquery_has_the_names_that_are_spelled_out() {
    for (sql, expected) in [
        (
            "select json_agg(x) from (select c.id, c.pan, upper(c.pan), cvv as code from public.cards c) x",
            "0 $[*]['code'] sad, 0 $[*]['pan'] pan, 0 $[*]['upper'] pan made",
        ),
        ("with x as (select id, pan from public.cards) select row_to_json(x) from x", "0 $['pan'] pan"),
        (
            "select to_jsonb(x) from (select json_build_object('pan', pan) as doc from public.cards) x",
            "0 $['doc']['pan'] pan",
        ),
        (
            "select j from payments p left join lateral (select coalesce(json_agg(o), '[]') as j from (select pan from public.cards) o) l on true",
            "0 $[*]['pan'] pan",
        ),
    ] {
        assert_eq!(members(sql), expected, "{sql}");
    }
}

#[test]
fn where_the_text_does_not_say_it_the_document_is_redacted_whole() {
    for sql in [
        "select row_to_json(c) from public.cards c",
        "select json_agg(c.*) from public.cards c",
        "select json_build_array(c.*, pan) from public.cards c",
        "select json_agg(x) from (select * from public.cards) x",
        "select json_agg(x) from (select c.* from public.cards c) x",
        "select json_agg(x) from (select id, pan from public.cards) x(a, b)",
        "select json_agg(x) from (select id, pan, 1 from public.cards) x",
        "select json_agg(x) from (select pan as \"é\" from public.cards) x",
        "select to_json(row(pan, id)) from public.cards",
        "select to_json(pan) from public.cards",
        "select json_agg(c)::text from public.cards c",
        "select json_build_object('a', pan)::text from public.cards",
        // What is at one place in one of them may be at another in the other.
        "select coalesce(json_agg(pan), json_build_object('a', substr(pan, 1, 12))) from public.cards",
        "select coalesce(json_build_object('a', pan), to_json(substr(pan, 1, 12))) from public.cards",
        "select case when id = 1 then json_build_object('a', pan) else json_build_object('a', json_build_object('b', cvv)) end from public.cards",
        "select to_jsonb(x) - 'a' from (select pan as a, cvv as b from public.cards) x",
        "select to_jsonb(json_build_array('a', pan)) - 'a' from public.cards",
    ] {
        assert_eq!(members(sql), "", "{sql}");
    }
}

#[test]
fn what_is_at_one_place_in_two_ways_shows_nothing() {
    for (sql, expected) in [
        (
            "select coalesce(json_build_object('a', pan), json_build_object('a', substr(pan, 1, 12))) from public.cards",
            "0 $['a'] pan made",
        ),
        (
            "select json_build_object('a', pan) from public.cards union all select json_build_object('a', left(pan, 12)) from public.cards",
            "0 $['a'] pan made",
        ),
        (
            "select json_build_object('a', pan) from public.cards union all select json_build_object('a', cvv) from public.cards",
            "0 $['a'] pan+sad made",
        ),
        (
            "select json_build_object('a', pan, 'a', token) from public.cards, tokens",
            "0 $['a'] pan+secret made",
        ),
        ("select json_build_object('doc', doc) from customers", "0 $['doc'] pan made"),
    ] {
        assert_eq!(members(sql), expected, "{sql}");
    }
}

#[test]
fn another_name_is_another_place() {
    assert!(!read("select json_build_object('a', pan) from public.cards").literal_free);
    assert!(!read("select array_to_string(pan, ',') from public.cards").literal_free);
    assert!(!read("select rtrim(pan, '1') from public.cards").literal_free);
}
