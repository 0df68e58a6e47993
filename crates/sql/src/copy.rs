//! COPY: what it reads or changes, how it writes rows, and what else has the same columns.
//!
//! The server does not describe the columns of a copy. So that it names their origins all the same, it is made to
//! describe a **stand-in** in the copy's place: the copy's own query, or a SELECT of the same columns of its table.

use access::{Action, Effect, Position, Resource};
use pg_query::Node;
use pg_query::protobuf::{CopyStmt, ParseResult, RangeVar, ScanToken, Token};

use crate::analysis::parse;
use crate::catalog::Event;
use crate::lineage::Place;
use crate::matching::{New, Values};
use crate::reading::{Kind, Reading, strings};
use crate::scope::{Column, Columns, Item, Scope};

/// A `COPY … TO STDOUT` whose rows can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOut {
    /// A statement with the columns of the copy.
    pub stand_in: Box<str>,
    /// Whether the copy is of all columns of a table, which leaves out those that are generated; the stand-in has them.
    pub whole_table: bool,
    /// How it writes its rows.
    pub form: CopyForm,
}

/// How a copy writes rows (PostgreSQL's COPY, "File Formats").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyForm {
    /// One line for a row; signs are escaped with a backslash.
    Text {
        /// Between values.
        delimiter: u8,
        /// What stands for NULL.
        null: Box<[u8]>,
        /// Whether the first line holds the names of the columns.
        header: bool,
    },
    /// Values are quoted where they need it.
    Csv {
        /// Between values.
        delimiter: u8,
        /// What stands for NULL, unquoted.
        null: Box<[u8]>,
        /// Around a value.
        quote: u8,
        /// Before a quote within one, or before itself.
        escape: u8,
        /// Whether the first line holds the names of the columns.
        header: bool,
        /// Which columns are quoted whatever they hold.
        forced: Forced,
    },
    /// Values with their lengths.
    Binary,
}

/// The columns of `FORCE_QUOTE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forced {
    /// Those of these names.
    Named(Vec<Box<str>>),
    /// All.
    All,
}

/// The copy that `sql`, read into `tree`, is, if it is one to the agent and nothing else; `None` too for one whose
/// options are not known here, which the server refuses or whose rows could not be read.
pub(crate) fn copy_out(sql: &str, tree: &ParseResult) -> Option<CopyOut> {
    let [statement] = tree.stmts.as_slice() else { return None };
    let Some(Kind::CopyStmt(copy)) = &statement.stmt.as_deref()?.node else { return None };
    if copy.is_from || copy.is_program || !copy.filename.is_empty() {
        return None;
    }
    let form = Options::read(&copy.options)?.form()?;
    let (stand_in, whole_table) = match (copy.query.as_deref(), &copy.relation) {
        (Some(query), None) => (own_query(sql, query)?, false),
        (None, Some(table)) => (select(table, &copy.attlist), copy.attlist.is_empty()),
        _ => return None,
    };
    Some(CopyOut { stand_in: stand_in.into(), whole_table, form })
}

/// The query of a copy, at its place in the text, so that a place in it is one in the text.
fn own_query(sql: &str, query: &Node) -> Option<String> {
    let tokens = pg_query::scan_tokens(sql).ok()?;
    let (start, end) = parenthesised(&tokens)?;
    let inner = sql.get(start..end)?;
    let stand_in = " ".repeat(start) + inner;
    // It is the query that has been read, and not a text that looks like it.
    let tree = parse(&stand_in).ok()?;
    let [statement] = tree.stmts.as_slice() else { return None };
    (statement.stmt.as_deref()? == query).then_some(stand_in)
}

/// From where to where the first parentheses reach, in bytes, without them.
fn parenthesised(tokens: &[ScanToken]) -> Option<(usize, usize)> {
    let (mut start, mut depth) = (None, 0_u32);
    for token in tokens {
        match Token::try_from(token.token) {
            Ok(Token::Ascii40) => {
                start = start.or(usize::try_from(token.end).ok());
                depth += 1;
            }
            Ok(Token::Ascii41) => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((start?, usize::try_from(token.start).ok()?));
                }
            }
            _ => {}
        }
    }
    None
}

/// What gives the columns of a table that a copy gives: of that table alone, and not of its children.
fn select(table: &RangeVar, columns: &[Node]) -> String {
    let parts = [&table.catalogname, &table.schemaname, &table.relname];
    let name: Vec<String> =
        parts.into_iter().filter(|part| !part.is_empty()).map(|part| quoted(part)).collect();
    let columns: Vec<String> = strings(columns).map(quoted).collect();
    let columns = if columns.is_empty() { String::from("*") } else { columns.join(", ") };
    format!("SELECT {columns} FROM ONLY {}", name.join("."))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The options of a copy to the agent, as they are given.
#[derive(Default)]
struct Options<'a> {
    format: Option<&'a str>,
    delimiter: Option<&'a str>,
    null: Option<&'a str>,
    quote: Option<&'a str>,
    escape: Option<&'a str>,
    header: Option<bool>,
    forced: Option<Forced>,
    encoding: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn read(nodes: &'a [Node]) -> Option<Self> {
        let mut options = Self::default();
        for node in nodes {
            let Some(Kind::DefElem(option)) = &node.node else { return None };
            let arg = option.arg.as_deref().and_then(|arg| arg.node.as_ref());
            let text = || match arg {
                Some(Kind::String(text)) => Some(text.sval.as_str()),
                _ => None,
            };
            // What is given twice is an error of its own.
            let is_new = match option.defname.as_str() {
                "format" => options.format.replace(text()?).is_none(),
                "delimiter" => options.delimiter.replace(text()?).is_none(),
                "null" => options.null.replace(text()?).is_none(),
                "quote" => options.quote.replace(text()?).is_none(),
                "escape" => options.escape.replace(text()?).is_none(),
                "encoding" => options.encoding.replace(text()?).is_none(),
                "header" => options.header.replace(is_on(arg)?).is_none(),
                "force_quote" => options.forced.replace(forced(arg)?).is_none(),
                _ => return None,
            };
            if !is_new {
                return None;
            }
        }
        Some(options)
    }

    fn form(self) -> Option<CopyForm> {
        if !self.encoding.is_none_or(is_readable) {
            return None;
        }
        let header = self.header.unwrap_or(false);
        let null = |default: &'a str| -> Option<Box<[u8]>> {
            let null = self.null.unwrap_or(default);
            // In another encoding it would be written in other bytes.
            (self.encoding.is_none() || null.is_ascii()).then(|| null.as_bytes().into())
        };
        match self.format.unwrap_or("text") {
            "text" if self.quote.is_none() && self.escape.is_none() && self.forced.is_none() => {
                let delimiter = sign(self.delimiter.unwrap_or("\t"))?;
                Some(CopyForm::Text { delimiter, null: null("\\N")?, header })
            }
            "csv" => {
                let quote = sign(self.quote.unwrap_or("\""))?;
                Some(CopyForm::Csv {
                    delimiter: sign(self.delimiter.unwrap_or(","))?,
                    null: null("")?,
                    quote,
                    escape: self.escape.map_or(Some(quote), sign)?,
                    header,
                    forced: self.forced.unwrap_or(Forced::Named(Vec::new())),
                })
            }
            "binary" => Some(CopyForm::Binary),
            _ => None,
        }
    }
}

/// The one byte that PostgreSQL takes for a delimiter, a quote or an escape.
fn sign(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [sign @ (b'\t' | b' '..=b'~')] => Some(*sign),
        _ => None,
    }
}

/// A boolean option, as PostgreSQL reads one (`defGetBoolean`).
fn is_on(arg: Option<&Kind>) -> Option<bool> {
    match arg {
        None => Some(true),
        Some(Kind::Boolean(it)) => Some(it.boolval),
        Some(Kind::Integer(it)) if matches!(it.ival, 0 | 1) => Some(it.ival == 1),
        Some(Kind::String(it)) => match it.sval.to_ascii_lowercase().as_str() {
            "true" | "on" => Some(true),
            "false" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn forced(arg: Option<&Kind>) -> Option<Forced> {
    match arg {
        Some(Kind::AStar(_)) => Some(Forced::All),
        Some(Kind::List(list)) => {
            let names: Vec<Box<str>> = strings(&list.items).map(Into::into).collect();
            (names.len() == list.items.len()).then_some(Forced::Named(names))
        }
        _ => None,
    }
}

/// Whether signs and digits are in this encoding what they are in UTF-8, and there are no others. PostgreSQL passes over
/// signs and case in names of encodings.
fn is_readable(encoding: &str) -> bool {
    let name: String = encoding
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    matches!(
        name.as_str(),
        "utf8" | "unicode" | "latin1" | "iso88591" | "latin9" | "iso885915" | "win1252" | "windows1252"
    )
}

impl<'a> Reading<'a> {
    pub fn copy(&mut self, it: &'a CopyStmt) {
        self.effect(Effect::Data);
        if it.is_program {
            self.not_understood("copy program");
        } else if !it.filename.is_empty() {
            self.not_understood("copy file");
        }
        if it.is_program || !it.filename.is_empty() {
            self.uses(Action::Administer, Resource::Connection);
        }
        // Literals tell what its signs are, and the text of its query is its stand-in; and they tell whether there is a
        // file: of `FROM ''` the tree says what it says of `FROM STDIN`, and `FROM '/a/file'` has the same shape.
        self.literal_free = false;
        if !it.is_from && it.options.iter().any(disguises) {
            self.not_understood("copy with a digit or letter as a sign");
        }
        if let Some(query) = it.query.as_deref() {
            if !matches!(query.node, Some(Kind::SelectStmt(_))) {
                self.kind_of(query);
            }
            let columns = self.query(query);
            self.copies_out(&columns);
            if !self.reads {
                self.uses(Action::Read, Resource::Connection);
            }
        }
        let Some(table) = &it.relation else { return };
        let action = if it.is_from { Action::Write } else { Action::Read };
        let relations = self.touch(table, action);
        let columns = self.columns_of(&relations);
        let copied = self.copied(&columns, &it.attlist, it.is_from);
        self.at_offset(table.location, |reading| match it.is_from {
            true => {
                let traces: Vec<_> = copied.traces().collect();
                reading.in_place(Place::Copy, |reading| reading.mark(&traces, Position::Assigned));
            }
            false => reading.copies_out(&copied),
        });
        if it.is_from {
            self.sets_off(&relations, &[Event::Insert]);
            let named: Vec<&str> = strings(&it.attlist).collect();
            let given = (!named.is_empty()).then_some(named.as_slice());
            let new = New { relations: &relations, given, values: Values::Unbounded };
            self.in_place(Place::Constraint, |reading| reading.inserts(new));
        }
        self.scopes
            .push(Scope { items: vec![Item { name: Some(&table.relname), columns }], ..Scope::default() });
        self.in_place(Place::Where, |reading| reading.expression_of(it.where_clause.as_deref()));
        self.scopes.pop();
    }

    /// Notes what is copied to the agent: an answer like another, where the server describes it. Otherwise it is beyond
    /// the reach of masks.
    fn copies_out(&mut self, columns: &Columns<'a>) {
        match self.copy {
            Some(_) => self.mark_output(columns),
            None => self.in_place(Place::Copy, |reading| reading.mark_computed(columns)),
        }
    }

    /// The columns of a table that are named, or all.
    fn copied(&mut self, of: &Columns<'a>, names: &'a [Node], is_from: bool) -> Columns<'a> {
        if names.is_empty() {
            return of.clone();
        }
        let position = if is_from { Position::Assigned } else { Position::Computed };
        let mut list = Vec::with_capacity(names.len());
        for name in strings(names) {
            let mut traces = Vec::new();
            if !of.find(name, &mut traces) {
                self.in_place(Place::Copy, |reading| reading.mark_name(name, position));
            }
            list.push(Column { name: Some(name), traces, at: None });
        }
        // Whatever else the table has, these are the columns and this is their order.
        Columns { unknown: of.unknown, doubted: of.doubted, ..Columns::exactly(list) }
    }
}

/// Whether an option of COPY makes a sign of a digit or letter: with `quote '4'` a card number comes out with
/// digits doubled, in which no scan knows it.
fn disguises(option: &Node) -> bool {
    let Some(Kind::DefElem(option)) = &option.node else { return true };
    if !matches!(option.defname.as_str(), "delimiter" | "quote" | "escape") {
        return false;
    }
    match option.arg.as_deref().and_then(|arg| arg.node.as_ref()) {
        Some(Kind::String(sign)) => sign.sval.chars().any(|sign| sign.is_ascii_alphanumeric()),
        _ => true,
    }
}
