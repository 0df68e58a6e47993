//! Which settings an agent may bring along in its StartupMessage.
//!
//! What is let through changes how answers are written or how long a command may take. What would change
//! what a name in a statement means (`search_path`), how its text is read (`client_encoding`,
//! `standard_conforming_strings`) or who runs it (`role`) would make panguard's reading of a statement
//! differ from the upstream's, so it is refused.

#[cfg(test)]
mod tests;

use super::oauth::Method;

/// The settings of one StartupMessage that go upstream, and the one that is panguard's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Names as PostgreSQL writes them, and values; each name once, the last value given.
    pub(super) forwarded: Vec<(String, String)>,
    /// `panguard.auth`: how the agent wants to present its token.
    pub(super) method: Option<Method>,
}

/// A setting that is refused. Names it, never its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Not one of those let through. Empty when the name is not fit to be shown.
    Unknown(Box<str>),
    /// `client_encoding` that is not UTF-8.
    Encoding,
    /// `search_path` other than PostgreSQL's default.
    SearchPath,
    /// `standard_conforming_strings` other than `on`.
    Strings,
    /// `panguard.auth` that is not a method.
    Method,
    /// `options` that are not `-c name=value` or `--name=value`.
    Options,
}

impl Settings {
    /// Reads `parameters`, `user`, `database` and `replication` left out. Settings in `options` come first,
    /// so that one given by itself wins, as in PostgreSQL.
    pub(super) fn read<'a>(
        parameters: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<Self, Unfit> {
        let mut settings = Self::default();
        for (_, options) in parameters.clone().filter(|(name, _)| *name == "options") {
            for (name, value) in parse_options(options)? {
                settings.set(&name, &value)?;
            }
        }
        for (name, value) in parameters.filter(|(name, _)| *name != "options") {
            settings.set(name, value)?;
        }
        Ok(settings)
    }

    /// Takes one setting. Names are compared as PostgreSQL compares them: ASCII letters in any case.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Unfit> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if let Some(name) = FORWARDED.into_iter().find(|forwarded| is(forwarded)) {
            self.forwarded.retain(|(earlier, _)| earlier != name);
            self.forwarded.push((name.into(), value.into()));
            return Ok(());
        }
        if is("client_encoding") {
            return is_utf8(value).then_some(()).ok_or(Unfit::Encoding);
        }
        if is("search_path") {
            return is_default_path(value).then_some(()).ok_or(Unfit::SearchPath);
        }
        if is("standard_conforming_strings") {
            return value.eq_ignore_ascii_case("on").then_some(()).ok_or(Unfit::Strings);
        }
        if is("panguard.auth") {
            self.method = Some(match value {
                "password" => Method::Password,
                "oauthbearer" => Method::OAuthBearer,
                _ => return Err(Unfit::Method),
            });
            return Ok(());
        }
        Err(Unfit::Unknown(shown(name)))
    }
}

/// Splits `options` into words as PostgreSQL does (white space between, a backslash before a character
/// that is meant as it stands), and reads each `-c name=value`, `-cname=value` or `--name=value`.
fn parse_options(options: &str) -> Result<Vec<(String, String)>, Unfit> {
    let mut settings = Vec::new();
    let mut words = split_words(options).into_iter();
    while let Some(word) = words.next() {
        let setting = match (word.as_str(), word.strip_prefix("--"), word.strip_prefix("-c")) {
            ("-c", ..) => words.next().ok_or(Unfit::Options)?,
            (_, Some(setting), _) | (_, None, Some(setting)) => setting.to_owned(),
            (_, None, None) => return Err(Unfit::Options),
        };
        let (name, value) = setting.split_once('=').ok_or(Unfit::Options)?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = options.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.get_or_insert_default().extend(letters.next()),
            space if space.is_ascii_whitespace() || space == '\x0b' => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Whether `encoding` is UTF-8 under one of PostgreSQL's names for it, which are compared by letters and
/// digits alone. `SQL_ASCII` is what libpq says under the C locale: bytes as they come, which UTF-8 is.
/// `auto` is psql's word for the locale's encoding.
fn is_utf8(encoding: &str) -> bool {
    let letters = |letter: &char| letter.is_ascii_alphanumeric();
    let name: String = encoding.chars().filter(letters).map(|letter| letter.to_ascii_lowercase()).collect();
    matches!(name.as_str(), "utf8" | "unicode" | "sqlascii" | "auto")
}

fn is_default_path(path: &str) -> bool {
    path.split(',').map(str::trim).eq(["\"$user\"", "public"])
}

/// The name as it may be shown: a plain identifier, else nothing.
fn shown(name: &str) -> Box<str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    match starts && name.len() <= 63 && name.chars().all(plain) {
        true => name.into(),
        false => "".into(),
    }
}

/// The settings that go upstream as they are. `client_encoding` is not among them: panguard itself asks
/// for UTF8, always.
const FORWARDED: [&str; 9] = [
    "application_name",
    "DateStyle",
    "TimeZone",
    "IntervalStyle",
    "extra_float_digits",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "geqo",
];
