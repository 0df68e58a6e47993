//! What an approval of a command is bound to (DESIGN.md, promise 7).

use std::sync::Arc;

use access::{Bound, Mint, Question, Receipt, SessionId, Stage, Terms, Verdict};
use arc_swap::ArcSwap;
use mask::{Masker, Profile};
use wire::{Effect, Session, Side};
use wire_postgres::{Analyses, MESSAGE_BYTES_MAX, Postgres, Settings};

use crate::catalog::catalog;
use crate::message::{From, encode, split};

/// A session whose commands are all allowed, and what was asked about them.
struct Script(Postgres);

impl Script {
    fn new() -> Self {
        Self(Postgres::new(Settings {
            session: SessionId(1),
            catalog: Arc::new(ArcSwap::from_pointee(catalog())),
            changes: Arc::default(),
            analyses: Arc::new(Analyses::default()),
            witness: false,
            masker: Masker::new(Profile::Last4),
            message_bytes_max: MESSAGE_BYTES_MAX,
            answer_bytes_max: 0,
        }))
    }

    /// What the commands that run are bound to, in order.
    fn agent(&mut self, messages: &[u8]) -> Vec<String> {
        self.asked(messages).iter().map(show).collect()
    }

    /// What is not understood of what it sends.
    fn unclear(&mut self, text: &str) -> Vec<String> {
        let asked = self.questions(&messages(From::Agent, text));
        asked.iter().flat_map(|it| it.facts.not_understood.iter().map(ToString::to_string)).collect()
    }

    /// What is asked about the commands that run, in order.
    fn asked(&mut self, messages: &[u8]) -> Vec<Question> {
        let mut asked = self.questions(messages);
        asked.retain(|question| question.stage == Stage::Run);
        asked
    }

    /// What is asked, in order.
    fn questions(&mut self, messages: &[u8]) -> Vec<Question> {
        self.0.receive(Side::Agent, messages).unwrap();
        self.allow()
    }

    /// What is asked once the server has said this.
    fn hear(&mut self, text: &str) -> Vec<Question> {
        self.0.receive(Side::Upstream, &messages(From::Server, text)).unwrap();
        self.allow()
    }

    fn allow(&mut self) -> Vec<Question> {
        let mut asked = Vec::new();
        while let Some(effect) = self.0.poll() {
            let Effect::Ask(question) = effect else { continue };
            let permit = Mint::for_tests().permit(question.request, Receipt { index: 0 }, Terms::default());
            self.0.answer(Verdict::Allow(permit)).unwrap();
            asked.push(question);
        }
        asked
    }

    /// Runs a query to its end.
    fn query(&mut self, sql: &str) -> String {
        let bound = self.agent(&messages(From::Agent, &format!("Query {sql:?}")));
        let done = messages(From::Server, "CommandComplete \"DONE\"; ReadyForQuery I");
        self.0.receive(Side::Upstream, &done).unwrap();
        while self.0.poll().is_some() {}
        bound.into_iter().next().unwrap()
    }
}

fn messages(from: From, text: &str) -> Vec<u8> {
    split(text).iter().flat_map(|words| encode(from, words)).collect()
}

fn show(question: &Question) -> String {
    match &question.bound {
        Bound::Text(form, beside) => format!("{} {beside:?}", form(question.command.expose()).unwrap()),
        Bound::Once(_) => "once".into(),
        Bound::Nothing(_) => "nothing".into(),
        Bound::Bytes(..) => panic!("this lane binds no bytes"),
    }
}

/// `Parse` with types for its parameters, and a run of it.
fn typed(sql: &str, types: &[u32]) -> Vec<u8> {
    let mut parse = [b"\0", sql.as_bytes(), b"\0"].concat();
    parse.extend((types.len() as u16).to_be_bytes());
    parse.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
    let mut all = vec![b'P'];
    all.extend((parse.len() as u32 + 4).to_be_bytes());
    all.extend(parse);
    all.extend(messages(From::Agent, "Bind \"\" \"\"; Execute \"\"; Sync"));
    all
}

#[test]
fn the_types_of_parameters_are_bound() {
    let sql = "delete from notes where amount < $1";
    let run = |types: &[u32]| Script::new().agent(&typed(sql, types)).remove(0);
    let own = run(&[]);
    assert_eq!(run(&[0]), own, "what is left to the server");
    assert_ne!(run(&[23]), own);
    assert_ne!(run(&[1186]), run(&[23]), "days, or seconds");
    assert_ne!(run(&[0, 23]), run(&[23]));
}

#[test]
fn how_dates_and_times_are_read_from_the_start_is_bound() {
    let run = |reported: &[(&str, &str)]| {
        let mut it = Script::new();
        it.0.begins_with(reported.iter().copied());
        it.query("delete from notes where amount < '01/02/2024'::date - $1")
    };
    let own = run(&[("DateStyle", "ISO, MDY"), ("TimeZone", "UTC"), ("application_name", "psql")]);
    assert_eq!(run(&[("TimeZone", "UTC"), ("DateStyle", "ISO, MDY"), ("application_name", "other")]), own);
    assert_ne!(run(&[("DateStyle", "ISO, DMY"), ("TimeZone", "UTC")]), own);
    assert_ne!(run(&[("DateStyle", "ISO, MDY"), ("TimeZone", "Asia/Tokyo")]), own);
}

#[test]
fn another_session_reads_a_command_alike_by_the_settings_that_are_reported() {
    let alike = |reported: &[(&str, &str)], asked_for: &[(&str, &str)]| {
        let mut it = Script::new();
        it.0.begins_with(reported.iter().copied());
        it.0.is_asked_for(asked_for.iter().copied());
        it.asked(&messages(From::Agent, "Query \"delete from notes\"")).remove(0).alike
    };
    let reported = [("TimeZone", "Asia/Tokyo"), ("DateStyle", "ISO, DMY"), ("server_version", "17.2")];
    let heeded = alike(
        &reported,
        &[
            ("timezone", "JST-9"),
            ("datestyle", "ISO,DMY"),
            ("application_name", "x"),
            ("extra_float_digits", "3"),
        ],
    )
    .unwrap();
    let expected = [("DateStyle", "ISO, DMY"), ("TimeZone", "Asia/Tokyo")]
        .map(|(name, value)| (name.into(), value.into()));
    assert_eq!(*heeded.reads_by, expected);
    assert!(alike(&reported, &[("extra_float_digits", "0")]).is_err());
    assert!(alike(&[], &[("TimeZone", "UTC")]).is_err(), "nobody knows what it is");
    assert!(alike(&[("TimeZone", "it's")], &[]).is_err());
}

#[test]
fn what_names_something_else_cannot_be_bound() {
    for sql in [
        "execute p",
        "explain analyze execute p",
        "create table t as execute p",
        "fetch 1 from c",
        "move 1 from c",
        "delete from notes where current of c",
        "select 1; execute p",
        "copy notes from stdin",
    ] {
        assert_eq!(Script::new().query(sql), "nothing", "{sql}");
    }
}

#[test]
fn of_what_one_text_prepares_in_sql_each_is_another() {
    let mut it = Script::new();
    it.query(
        "prepare a as delete from notes where amount = 1; prepare b as delete from notes where amount = 2",
    );
    let bound = it.agent(&messages(From::Agent, "Bind \"\" \"a\"; Execute \"\"; Sync"));
    assert_eq!(bound, ["nothing"]);
}

#[test]
fn what_the_session_has_set_or_made_binds_to_it() {
    let delete = "delete from notes where amount = 1";
    for before in [
        "set search_path = public",
        "set timezone = 'UTC'",
        "select set_config('datestyle', 'dmy', false)",
        "begin; set local search_path = public; commit",
        "set application_name = 'x'; set enable_seqscan = off",
        "set extra_float_digits = 0",
        "create temp table notes (amount int)",
        "alter table notes add column x int",
        "declare c cursor with hold for select set_config('datestyle', 'dmy', false)",
        "update pg_settings set setting = 'dmy' where name = 'DateStyle'",
    ] {
        let mut it = Script::new();
        it.query(before);
        assert_eq!(it.query(delete), "once", "{before}");
    }
    for before in [
        "begin",
        "select 1",
        "show timezone",
        "discard all",
        "reset all",
        "listen a",
        "savepoint a",
        "SET extra_float_digits = 3",
        "SET application_name = 'PostgreSQL JDBC Driver'",
        "set client_min_messages to warning; set statement_timeout = '5s'",
        "set timezone to default",
    ] {
        let mut it = Script::new();
        it.query(before);
        assert_eq!(it.query(delete), Script::new().query(delete), "{before}");
    }
}

#[test]
fn what_hangs_on_the_session_binds_to_it() {
    for sql in [
        "delete from notes where id = current_setting('app.id')::int",
        "delete from notes where exists (select from pg_settings)",
        "delete from notes where id = currval('notes_id_seq')",
    ] {
        assert_eq!(Script::new().query(sql), "once", "{sql}");
    }
    let mut it = Script::new();
    it.0.begins_with([("TimeZone", "UTC"), ("DateStyle", "ISO, MDY")].into_iter());
    it.0.is_asked_for([("extra_float_digits", "-15")].into_iter());
    assert_eq!(it.query("delete from notes where amount = 1"), "once", "what it asked for at the start");
}

#[test]
fn a_backslash_is_not_understood_while_nobody_knows_how_literals_are_read() {
    let run = |sql: &str| format!("Parse \"\" {sql:?}; Bind \"\" \"\"; Execute \"\"; ");
    let backslash = run(r"select '\'") + "Sync";
    let behind = |before: &str| Script::new().unclear(&(run(before) + &backslash));
    for before in
        ["insert into notes values (1)", "select pg_reload_conf()", "set datestyle = 'dmy'", "commit"]
    {
        assert_eq!(behind(before), ["a backslash behind what may change how it is read"], "{before}");
    }
    for before in ["select 1", "begin", "select upper('x')"] {
        assert!(behind(before).is_empty(), "{before}");
    }

    let mut it = Script::new();
    it.query("insert into notes values (1)");
    assert!(it.unclear(&backslash).is_empty(), "the server has spoken since");

    let mut it = Script::new();
    let write = r#"Query "insert into notes values (1)"; "#;
    assert_eq!(it.questions(&messages(From::Agent, &(write.to_owned() + &backslash))).len(), 1, "it waits");
    let told = it.hear("CommandComplete \"DONE\"; ReadyForQuery I");
    assert_eq!(told.len(), 2, "and is asked about when the server has spoken");
    assert!(told.iter().all(|it| it.facts.not_understood.is_empty()));
}

#[test]
fn a_comment_before_a_statement_says_whether_it_waits() {
    let waits = |sql: &str| {
        let mut script = Script::new();
        script.0.receive(Side::Agent, &encode(From::Agent, &split(&format!("Query {sql:?}"))[0])).unwrap();
        std::iter::from_fn(|| script.0.poll())
            .find_map(|effect| match effect {
                Effect::Ask(question) => Some(question.waits),
                _ => None,
            })
            .expect("it is asked about")
    };
    assert_eq!(waits("/* approvals=ticket */ delete from notes"), Some(false));
    assert_eq!(waits("  /*approvals=wait*/delete from notes"), Some(true));
    for other in [
        "delete from notes /* approvals=ticket */",
        "/* approvals=no */ delete from notes",
        "-- approvals=ticket",
    ] {
        assert_eq!(waits(other), None, "{other}");
    }
}
