//! Statements that change what exists, and those whose effect cannot be seen.

use crate::{check, computed, read};

#[test]
fn ddl_administers_what_it_changes() {
    for (sql, facts) in [
        ("create table archive.t (a int)", "create table; administer schema archive; on data"),
        ("create table t (a int)", "create table; administer schema ?; on data"),
        (
            "create temp table t (a int default 5 check (a > 0))",
            "create table; administer schema pg_temp; on data",
        ),
        ("create table t (pan text check (length(pan) = 16))", "create table; administer schema ?; on data"),
        (
            "drop table payments, archive.orders",
            "drop table; administer payments; administer archive.orders; on data",
        ),
        ("drop table if exists nowhere", "drop table; administer ?.nowhere; on data"),
        ("drop view reversed", "drop view; administer reversed; on data"),
        ("drop schema archive cascade", "drop schema; administer schema archive; on data"),
        ("drop index i", "drop index; administer schema ?; on data"),
        ("drop function archive.f(int)", "drop function; administer schema archive; on data"),
        ("drop trigger t on payments", "drop trigger; administer payments; on data"),
        ("drop extension x", "drop extension; administer connection; on data"),
        ("truncate payments", "truncate; administer payments; on data"),
        ("alter table payments add column x int", "alter table; administer payments; on data"),
        ("alter table payments rename to p", "alter table; administer payments; on data"),
        ("alter index i rename to j", "alter index; administer ?.i; on data"),
        ("create index on payments (amount)", "create index; administer payments; on data"),
        (
            "create view archive.v as select id from payments",
            "create view; administer schema archive; read payments; on data",
        ),
        (
            "create table archive.t as select id from payments",
            "create table as; read payments; administer schema archive; on data",
        ),
        (
            "select id into archive.t from payments",
            "select into; read payments; administer schema archive; on data",
        ),
        ("vacuum payments", "vacuum; administer payments; on data"),
        ("analyze", "analyze; administer connection; on data"),
        ("lock table payments", "lock; administer payments; on data"),
        ("refresh materialized view card_names", "refresh materialized view; administer card_names; on data"),
        ("grant select on payments to bob", "grant; administer payments; on data"),
        ("revoke all on all tables in schema archive from bob", "revoke; administer schema archive; on data"),
        ("grant admin to bob", "grant; administer connection; on data"),
        ("create role bob password 'x'", "create role; administer connection; on data"),
        ("comment on table payments is 'x'", "comment; administer payments; on data"),
        ("comment on column payments.note is 'x'", "comment; administer payments; on data"),
        ("comment on column archive.cards.old is 'x'", "comment; administer archive.cards; on data"),
        ("comment on constraint few on payments is 'x'", "comment; administer payments; on data"),
        (
            "create schema s create table t (a int)",
            "create schema, create table; administer connection; administer schema ?; on data",
        ),
        ("checkpoint", "checkpoint; administer connection; on data"),
    ] {
        check(sql, facts);
    }
}

#[test]
fn only_ddl_and_unknown_code_change_the_catalog() {
    for sql in [
        "select 1",
        "insert into payments values (1)",
        "begin",
        "vacuum payments",
        "lock payments",
        "select pg_read_file('x')",
    ] {
        assert!(!read(sql).changes_catalog, "{sql}");
    }
    for sql in [
        "create table t ()",
        "do $$ begin end $$",
        "call f()",
        "select secret_sauce()",
        "select 1 into t",
        "no sql",
    ] {
        assert!(read(sql).changes_catalog, "{sql}");
    }
}

#[test]
fn what_has_an_effect_that_cannot_be_seen_is_not_understood() {
    for (sql, what) in [
        ("do $$ begin end $$", "do block"),
        ("create function f() returns int language sql as 'select 1'", "create function"),
        ("create procedure f() language sql as 'select 1'", "create procedure"),
        ("create trigger t after insert on payments execute function f()", "create trigger"),
        ("create rule r as on insert to payments do instead nothing", "create rule"),
        ("create policy p on payments using (true)", "create policy"),
        ("create extension dblink", "create extension"),
        ("create server s foreign data wrapper w", "create server"),
        ("create foreign table f (a int) server s", "create foreign table"),
        ("import foreign schema a from server s into b", "import foreign schema"),
        ("create user mapping for bob server s", "create user mapping"),
        ("create operator === (leftarg = int, rightarg = int, function = f)", "create operator"),
        ("create cast (int as text) with function f(int)", "create cast"),
        ("create event trigger e on ddl_command_start execute function f()", "create event trigger"),
        ("security label on table payments is 'x'", "security label"),
        ("alter system set work_mem = 1", "alter system"),
        ("alter role bob set search_path = x", "alter role set"),
        ("alter database d set search_path = x", "alter database set"),
        ("load 'x'", "load"),
        ("create subscription s connection 'x' publication p", "create subscription"),
        ("create publication p for all tables", "create publication"),
        ("create database d", "create database"),
        ("alter function f() security definer", "alter function"),
        ("copy payments to program 'cat'", "copy program"),
        ("copy payments from program 'cat'", "copy program"),
        ("copy payments to '/tmp/x'", "copy file"),
        ("copy payments from '/tmp/x'", "copy file"),
        ("create table t as execute p", "create table as execute"),
    ] {
        let facts = read(sql).facts;
        assert_eq!(facts.not_understood, [Box::from(what)], "{sql}");
        assert!(facts.uses.iter().any(|it| it.action == access::Action::Administer), "{sql}");
    }
}

#[test]
fn a_function_that_runs_or_shows_text_is_not_understood_whoever_may_call_it() {
    for (sql, what) in [
        ("select query_to_xml('select 1', true, true, '')", "function query_to_xml"),
        ("select pg_catalog.pg_get_viewdef('v'::regclass)", "function pg_get_viewdef"),
        ("select * from public.crosstab('select 1') as t(a int)", "function crosstab"),
        ("select dblink_exec('c', 'drop table t')", "function dblink_exec"),
        ("select ts_stat('select v from t')", "function ts_stat"),
    ] {
        assert!(read(sql).facts.not_understood.contains(&what.into()), "{sql}");
    }
}

#[test]
fn a_copy_whose_signs_would_disguise_digits_is_not_understood() {
    let disguised: Box<str> = Box::from("copy with a digit or letter as a sign");
    for sql in [
        "copy payments to stdout (format csv, quote '4')",
        "copy payments to stdout (format csv, escape '2', force_quote *)",
        "copy payments to stdout (format csv, delimiter '0')",
        "copy payments to stdout csv quote '4'",
    ] {
        assert_eq!(read(sql).facts.not_understood, *std::slice::from_ref(&disguised), "{sql}");
        assert!(!read(sql).literal_free, "{sql}");
    }
    for sql in [
        "copy payments to stdout (format csv, quote '\"', delimiter ';')",
        "copy payments from stdin csv quote '4'",
    ] {
        assert!(read(sql).facts.not_understood.is_empty(), "{sql}");
    }
}

#[test]
fn ddl_that_computes_on_a_labelled_column_or_takes_it_from_its_label_says_so() {
    for sql in [
        "create index on public.cards (pan)",
        "create index on public.cards ((reverse(pan)))",
        "alter table public.cards add check (pan like '4%')",
        "alter table public.cards add column x text generated always as (reverse(pan)) stored",
        "alter table public.cards alter holder type text using pan",
        "alter table public.cards add unique (pan)",
        "alter table public.cards add foreign key (pan) references payments (note)",
        "alter table public.payments add foreign key (note) references public.cards (pan)",
        "create table t (x text references public.cards (pan))",
        "create statistics s on pan, id from public.cards",
        "create view v as select pan from public.cards",
        "create materialized view v as select pan from public.cards",
        "create table t as select pan from public.cards",
        "select pan into t from public.cards",
        "alter table public.cards rename column pan to x",
    ] {
        assert_eq!(computed(sql), ["cards.pan"], "{sql}");
    }
    for sql in ["alter table public.cards rename to x", "alter table public.cards set schema archive"] {
        assert_eq!(computed(sql), ["cards.cvv", "cards.pan"], "{sql}");
    }
    assert_eq!(computed("alter schema archive rename to x"), ["archive.cards.pan"]);
    assert!(computed("alter table public.cards rename column holder to x").is_empty());
    assert!(computed("create view v as select id, holder from public.cards").is_empty());
}
