use std::borrow::Cow;
use std::sync::Arc;

use access::{Answer, DataClass, Facts, Match};
use pg_query::protobuf::ParseResult;

use crate::catalog::{Catalog, LabelledId};
use crate::copy::{CopyOut, copy_out};
use crate::label::{Label, Labels};
use crate::reading::Reading;

/// Longest text that is parsed, in bytes. Parsing is linear but slow, and no person writes so much; data
/// belongs into parameters or COPY.
pub const SQL_BYTES_MAX: usize = 1 << 20;

/// What one message of SQL text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// What policy decides on: of all statements together.
    pub facts: Arc<Facts>,
    /// Prepared statements and cursors by their SQL names, in the order of the text. Whoever keeps the
    /// session's names merges what an `Execute` or `Fetch` stands for into `facts`, and must treat a name
    /// that it does not know as not understood.
    pub names: Vec<NameUse>,
    /// Whether the catalog may be another after it (DDL, or code that may contain some), so that a new
    /// snapshot is due.
    pub changes_catalog: bool,
    /// Whether the same text with other literals would have the same facts.
    pub literal_free: bool,
    /// That it is a copy to the agent and nothing else, and how its rows are to be read. Whoever sends it has the
    /// stand-in described first, and holds that against the facts as the description of any other answer.
    pub copy: Option<Arc<CopyOut>>,
    /// The search paths that it sets, as PostgreSQL writes them.
    pub search_paths: Vec<Box<str>>,
    /// Whether it sets something by which later commands may do something else, or show something else of what they do.
    pub sets: bool,
    /// Whether what it does may hang on its session beyond search path and ways to write values: it asks for a setting, or
    /// for what is made, locked or listened to there.
    pub of_session: bool,
    /// Whether a transaction begins that goes on seeing what there was when it began.
    pub keeps_snapshot: bool,
    /// Whether the server has been asked what it reads, or need not be. See [`Analysis::attest`].
    pub attested: bool,
    /// The labelled columns that are named in it, each once.
    pub(crate) mentioned: Vec<LabelledId>,
}

/// What a statement does to a name of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameUse {
    /// `PREPARE name AS …`, and what running it means.
    Prepare {
        /// The statement's name.
        name: Box<str>,
        /// Facts of the statement that was prepared.
        facts: Arc<Facts>,
    },
    /// `EXECUTE name`.
    Execute {
        /// The statement's name.
        name: Box<str>,
        /// Which statement of the text says so, from 0.
        at: u32,
    },
    /// `DECLARE cursor CURSOR FOR …`.
    Declare {
        /// The cursor's name, which is also a portal's.
        cursor: Box<str>,
        /// Facts of its query.
        facts: Arc<Facts>,
    },
    /// `FETCH` or `MOVE`.
    Fetch {
        /// The cursor's name.
        cursor: Box<str>,
        /// Which statement of the text says so, from 0.
        at: u32,
    },
    /// `DEALLOCATE`, of all when there is no name.
    Deallocate {
        /// The statement's name.
        name: Option<Box<str>>,
    },
    /// `CLOSE`, of all when there is no name.
    CloseCursor {
        /// The cursor's name.
        name: Option<Box<str>>,
    },
    /// `DISCARD ALL`: every name is gone.
    DiscardAll,
}

/// Says what `sql`, one message's text, does. Never fails: what is not understood is in the facts.
pub fn analyse(sql: &str, catalog: &Catalog) -> Analysis {
    analyse_by(sql, catalog, false)
}

/// The same where the catalog may have changed since the snapshot: no relation is taken to have the columns that it
/// had, and no others.
pub fn analyse_doubting(sql: &str, catalog: &Catalog) -> Analysis {
    analyse_by(sql, catalog, true)
}

fn analyse_by(sql: &str, catalog: &Catalog, doubts: bool) -> Analysis {
    match parse(sql) {
        Ok(tree) => {
            let mut reading = Reading::new(catalog);
            reading.doubts = doubts;
            reading.copy = copy_out(sql, &tree).map(Arc::new);
            reading.statements(&tree);
            let (template, hangs_on_literals) = catalog.templates.find(sql);
            reading.facts.template = template.map(Box::from);
            reading.literal_free &= !hangs_on_literals;
            reading.into_analysis()
        }
        Err(what) => {
            let facts = Facts {
                not_understood: vec![(&*what).into()],
                in_reach: catalog.classes(),
                ..Facts::default()
            };
            Analysis {
                facts: Arc::new(facts),
                names: Vec::new(),
                changes_catalog: true,
                literal_free: false,
                copy: None,
                search_paths: Vec::new(),
                sets: true,
                of_session: true,
                keeps_snapshot: false,
                attested: true,
                mentioned: Vec::new(),
            }
        }
    }
}

/// Parses by PostgreSQL 18's own grammar, or says what is wrong, without a word of the text that could be data.
pub(crate) fn parse(sql: &str) -> Result<ParseResult, Cow<'static, str>> {
    if sql.len() > SQL_BYTES_MAX {
        return Err("text too long".into());
    }
    // The parser's own walk over its tree has casts that panic; the grammar should never give them reason
    // to, and a panic here must not be more than a refusal.
    match std::panic::catch_unwind(|| pg_query::parse(sql, 0)) {
        Ok(Ok(result)) => Ok(result.protobuf),
        // The tree is decoded to a bounded depth (about 50 levels), on purpose: it is walked recursively.
        Ok(Err(pg_query::Error::Decode(_))) => Err("nesting too deep".into()),
        Ok(Err(pg_query::Error::Conversion(_))) => Err("syntax: a nul byte".into()),
        Ok(Err(pg_query::Error::Parse(message))) if too_deep(&message) => Err("nesting too deep".into()),
        Ok(Err(pg_query::Error::Parse(said))) => Err(syntax(&said)),
        Ok(Err(_)) => Err(NOT_GRAMMAR.into()),
        Err(_) => Err("syntax: not readable".into()),
    }
}

/// Whether the parser itself ran out of its (bounded) stack.
fn too_deep(message: &str) -> bool {
    message.contains("stack depth limit") || message.contains("memory exhausted")
}

const NOT_GRAMMAR: &str = "syntax: not a statement of the grammar";

/// Where the parser stumbled, if that can be told without a word of the text that could be data: it names a
/// token, which is told only when it holds letters and signs and no digit.
fn syntax(said: &str) -> Cow<'static, str> {
    if said.ends_with("at end of input") {
        return "syntax: the statement ends too early".into();
    }
    let token = said.split_once("at or near \"").and_then(|(_, rest)| rest.strip_suffix('"'));
    let is_telling = |token: &&str| {
        token.len() <= TOKEN_BYTES_MAX
            && token.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_(),;=*<>.[]".contains(&byte))
    };
    match token.filter(is_telling) {
        Some(token) => format!("syntax: wrong at or near {token}").into(),
        None => NOT_GRAMMAR.into(),
    }
}

/// Longest token that is told, in bytes: the longest keyword is shorter.
const TOKEN_BYTES_MAX: usize = 24;

/// The facts of doing `a`, which runs `b` by name `at` one of its statements.
pub fn merge(a: &Facts, b: &Facts, at: u32) -> Facts {
    fn union<T: Clone + PartialEq>(a: &[T], b: &[T]) -> Vec<T> {
        let mut all = a.to_vec();
        for item in b {
            if !all.contains(item) {
                all.push(item.clone());
            }
        }
        all
    }
    let run = b.answers.iter().map(|answer| Answer { statement: at, ..answer.clone() });
    Facts {
        call: None,
        kinds: [a.kinds.as_slice(), b.kinds.as_slice()].concat(),
        uses: union(&a.uses, &b.uses),
        columns: union(&a.columns, &b.columns),
        in_reach: union(&a.in_reach, &b.in_reach),
        unknown_columns: a.unknown_columns || b.unknown_columns,
        matches: {
            let mut all = a.matches.clone();
            b.matches.iter().for_each(|it| Match::add(&mut all, it));
            all
        },
        answers: a.answers.iter().cloned().chain(run.take(1)).collect(),
        functions: union(&a.functions, &b.functions),
        template: a.template.clone(),
        has_where: a.has_where && b.has_where,
        effect: a.effect.max(b.effect),
        not_understood: union(&a.not_understood, &b.not_understood),
    }
}

/// Analyses arbitrary bytes against a small catalog, for fuzzing.
#[doc(hidden)]
pub fn fuzz_analyse(data: &[u8]) {
    let rows = [
        [Some("relation"), Some("1"), None, Some("r"), Some("public"), Some("cards")],
        [Some("column"), Some("1"), Some("1"), Some("0"), Some("id"), None],
        [Some("column"), Some("1"), Some("2"), Some("0"), Some("pan"), None],
    ];
    let labels = Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap_or_default();
    let catalog = Catalog::from_rows(rows.into_iter().map(Vec::from), &labels, 1).unwrap_or_default();
    let text = String::from_utf8_lossy(data);
    let _ = analyse(&text, &catalog);
    let _ = crate::lineage(&text, &catalog);
}
