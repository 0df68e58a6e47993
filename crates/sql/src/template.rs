//! Statements that an operator has registered, and whether a text is one of them.

use std::collections::HashMap;

use pg_query::protobuf::Token;

use crate::analysis::parse;
use crate::testimony::is_query;

/// Registered statements by their tokens: the ways in which values stand in those that are alike otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates(HashMap<String, Vec<Registered>>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Registered {
    name: Box<str>,
    /// What stands in the place of each value: a literal as it is written, or `None` for a parameter.
    values: Vec<Option<Box<str>>>,
}

/// Why a text cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It does not parse.
    #[error("template `{name}`: {why}")]
    Syntax {
        /// Its name.
        name: String,
        /// What is wrong, without a word of it that could be data.
        why: String,
    },
    /// It is something else.
    #[error("template `{name}` has to be one SELECT, INSERT, UPDATE, DELETE or MERGE")]
    NotAQuery {
        /// Its name.
        name: String,
    },
    /// Two say the same.
    #[error("template `{name}` says the same as `{other}`; leave one of them out")]
    Twice {
        /// Its name.
        name: String,
        /// The one before it.
        other: String,
    },
}

impl Templates {
    /// Takes texts by their names.
    ///
    /// # Errors
    /// [`TemplateError`] names the first that cannot be registered.
    pub fn new<N: AsRef<str>, T: AsRef<str>>(
        texts: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self, TemplateError> {
        let mut templates = Self::default();
        for (name, text) in texts {
            let (name, text) = (name.as_ref(), text.as_ref());
            let wrong = |why: String| TemplateError::Syntax { name: name.into(), why };
            let tree = parse(text).map_err(|why| wrong(why.into_owned()))?;
            match tree.stmts.as_slice() {
                [raw] if raw.stmt.as_deref().is_some_and(is_query) => {}
                _ => return Err(TemplateError::NotAQuery { name: name.into() }),
            }
            let (form, values) =
                canonical(text).ok_or_else(|| wrong("it has names in Unicode escapes".into()))?;
            let alike = templates.0.entry(form).or_default();
            if let Some(other) = alike.iter().find(|other| other.values == values) {
                return Err(TemplateError::Twice { name: name.into(), other: other.name.to_string() });
            }
            alike.push(Registered { name: name.into(), values });
        }
        Ok(templates)
    }

    /// Whether none is registered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the template that `text` is, if it is one; and whether that hangs on its literals.
    pub(crate) fn find(&self, text: &str) -> (Option<&str>, bool) {
        let Some((form, values)) = (!self.is_empty()).then(|| canonical(text)).flatten() else {
            return (None, false);
        };
        let alike = self.0.get(&form).map(Vec::as_slice).unwrap_or_default();
        let hangs = alike.iter().any(|it| it.values.iter().any(Option::is_some));
        // The one that leaves least open.
        let fits = alike.iter().filter(|it| it.fits(&values));
        let found = fits.max_by_key(|it| it.values.iter().flatten().count());
        (found.map(|it| &*it.name), hangs)
    }
}

impl Registered {
    /// A parameter stands for any value, a literal for itself.
    fn fits(&self, values: &[Option<Box<str>>]) -> bool {
        self.values.len() == values.len()
            && self.values.iter().zip(values).all(|(own, given)| own.is_none() || own == given)
    }
}

/// A text as the grammar sees it: its tokens with a space behind each, keywords and names in lower case, without comments,
/// white space and semicolons at its end. Two texts of one form are the same statement (PostgreSQL §4.1).
///
/// `None` for what is no sequence of tokens, or has one whose meaning hangs on a literal (`U&"…" UESCAPE '…'`).
pub fn canonical_text(text: &str) -> Option<String> {
    let tokens = tokens(text)?;
    Some(tokens.iter().flat_map(|token| [token.text(), " "]).collect())
}

/// Whether a text says `CURRENT OF`: which row it means then is for a cursor to say.
pub fn names_a_cursor(text: &str) -> bool {
    let may = text.as_bytes().windows(7).any(|word| word.eq_ignore_ascii_case(b"current"));
    // What cannot be cut into tokens cannot be run either.
    let Some(tokens) = may.then(|| tokens(text)).flatten() else { return may };
    tokens.windows(2).any(|pair| matches!(pair, [one, of] if one.text() == "current" && of.text() == "of"))
}

/// The same, each value (a literal, a parameter) replaced by `?`; and the values. Two texts of one form are the same
/// statement but for its values.
fn canonical(text: &str) -> Option<(String, Vec<Option<Box<str>>>)> {
    let (mut form, mut values) = (String::with_capacity(text.len()), Vec::new());
    for it in tokens(text)? {
        match it {
            Lexeme::Word(word) => form.push_str(&word),
            Lexeme::Parameter(_) => {
                values.push(None);
                form.push('?');
            }
            Lexeme::Value(value) => {
                values.push(Some(value.into()));
                form.push('?');
            }
        }
        form.push(' ');
    }
    Some((form, values))
}

/// One token of a statement, as it matters to its meaning.
enum Lexeme<'t> {
    /// A keyword, a name, an operator; folded as the server folds it.
    Word(String),
    /// `$1`.
    Parameter(&'t str),
    /// A literal.
    Value(&'t str),
}

impl Lexeme<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Parameter(text) | Self::Value(text) => text,
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Lexeme<'_>>> {
    let scanned = pg_query::scan(text).ok()?;
    let mut tokens = Vec::with_capacity(scanned.tokens.len());
    for it in &scanned.tokens {
        let (start, end) = (usize::try_from(it.start).ok()?, usize::try_from(it.end).ok()?);
        let token = text.get(start..end)?;
        tokens.push(match it.token() {
            Token::SqlComment | Token::CComment => continue,
            Token::Param => Lexeme::Parameter(token),
            Token::Iconst | Token::Fconst | Token::Sconst | Token::Bconst | Token::Xconst => {
                Lexeme::Value(token)
            }
            Token::Uident | Token::Usconst | Token::Uescape => return None,
            _ if token.starts_with('"') => Lexeme::Word(token.to_owned()),
            // Keywords and names in whatever case; the server folds them so.
            _ => Lexeme::Word(token.to_ascii_lowercase()),
        });
    }
    while matches!(tokens.last(), Some(Lexeme::Word(word)) if word == ";") {
        tokens.pop();
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> Templates {
        Templates::new([
            ("by-id", "select id, pan from cards where id = $1"),
            ("new", "INSERT INTO payments (card, amount) VALUES ($1, $2);"),
        ])
        .unwrap()
    }

    #[test]
    fn a_text_is_its_template_whatever_its_values_case_and_comments() {
        for text in [
            "select id, pan from cards where id = $1",
            "SELECT id,\n  pan FROM Cards -- of a shop\nWHERE id = 5;",
            "select id, pan from cards where id = '5'",
            "select id, pan from cards where id = /* which? */ $tag$5$tag$ ;;",
        ] {
            assert_eq!(registered().find(text).0, Some("by-id"), "{text}");
        }
        assert_eq!(registered().find("insert into payments (card, amount) values (1, 2.5)").0, Some("new"));
    }

    #[test]
    fn another_statement_is_none() {
        for text in [
            "select id, pan from cards where id = $1 or true",
            "select id, pan from cards where id = 1; select 1",
            "select id, pan from cards",
            "select id, cvv from cards where id = $1",
            r#"select id, pan from "Cards" where id = $1"#,
            "insert into payments (card, amount) values (1, 2), (3, 4)",
            "explain select id, pan from cards where id = $1",
            "select id, pan from cards where id = U&'5' uescape '!'",
            "select 'unfinished",
            "",
        ] {
            assert_eq!(registered().find(text).0, None, "{text}");
        }
        assert_eq!(Templates::default().find("select 1").0, None);
    }

    #[test]
    fn a_literal_of_a_template_stands_for_itself() {
        let templates = Templates::new([
            ("some", "select id from cards where kind = $1 order by 1 limit 10"),
            ("visa", "select id from cards where kind = 'visa' order by 1 limit 10"),
        ])
        .unwrap();
        let find = |kind: &str, order: u32, limit: &str| {
            let text = format!("select id from cards where kind = {kind} order by {order} limit {limit}");
            templates.find(&text).0.map(str::to_owned)
        };
        assert_eq!(find("'amex'", 1, "10").as_deref(), Some("some"));
        assert_eq!(find("$1", 1, "10").as_deref(), Some("some"));
        assert_eq!(find("'visa'", 1, "10").as_deref(), Some("visa"));
        for (order, limit) in [(2, "10"), (1, "11"), (1, "$2")] {
            assert_eq!(find("'visa'", order, limit), None);
        }
        assert!(templates.find("select id from cards where kind = 'x' order by 1 limit 10").1);
        assert!(!registered().find("select id, pan from cards where id = 1").1);
    }

    #[test]
    fn what_cannot_be_registered_is_named() {
        let error = |texts: &[(&str, &str)]| Templates::new(texts.iter().copied()).unwrap_err().to_string();
        assert!(error(&[("a", "select from where")]).starts_with("template `a`: syntax"));
        for text in ["drop table cards", "select 1; select 2", "", "do $$ begin end $$", "select 1 into t"] {
            assert!(error(&[("a", text)]).contains("has to be one SELECT"), "{text}");
        }
        let twice = [("a", "select 1 from t where a = $1"), ("b", "SELECT 1 FROM t WHERE a = $2")];
        assert!(error(&twice).contains("`b` says the same as `a`"));
    }

    #[test]
    fn a_text_is_the_same_statement_whatever_its_white_space_and_comments_and_another_by_any_value() {
        let form = |text: &str| canonical_text(text).unwrap();
        let own = form("DELETE FROM cards WHERE id = 5 AND note = 'a  b'");
        assert_eq!(form("delete /* why */ from Cards\n where id=5 and note = 'a  b'; -- so"), own);
        for other in [
            "DELETE FROM cards WHERE id = 6 AND note = 'a  b'",
            "DELETE FROM cards WHERE id = 5 AND note = 'a b'",
            "DELETE FROM \"Cards\" WHERE id = 5 AND note = 'a  b'",
            "DELETE FROM cards WHERE id = $1 AND note = 'a  b'",
            "DELETE FROM cards WHERE id = 5 AND note = 'a  b'; SELECT 1",
            "DELETE FROM cards WHERE id = 5 AND note = '/* a  b */'",
        ] {
            assert_ne!(form(other), own, "{other}");
        }
        assert_eq!(canonical_text("select 'unfinished"), None);
    }

    #[test]
    fn what_is_read_differently_has_another_form() {
        let form = |text: &str| canonical_text(text).unwrap_or_else(|| format!("as it is: {text}"));
        for (one, other) in [
            ("select 'a'", "select 'a'\n'b'"),
            ("select 'a'\n'b'", "select 'a'\n'c'"),
            ("select 'a' -- x\n 'b'", "select 'a' -- x\n 'c'"),
            (r"select 'a\'", r"select E'a\\'"),
            ("select U&'\\0061'", "select U&'\\0062'"),
            ("select U&'!0061' uescape '!'", "select U&'!0061' uescape '+'"),
            ("select $a$x$a$", "select $a$X$a$"),
            ("select 1 - -1", "select 1 --1\n"),
            ("select @ -1", "select @-1"),
            ("select N'a'", "select 'a'"),
            ("select \"A\"", "select \"a\""),
            ("select \"a\"", "select a"),
            ("select É", "select é"),
            ("select 'a b'", "select 'a  b'"),
            ("select 1.5", "select 1 .5"),
            ("select $1", "select $11"),
            ("select b'1'", "select x'1'"),
            ("select 1;; select 2", "select 1; select 2"),
        ] {
            assert_ne!(form(one), form(other));
        }
    }

    #[test]
    fn a_row_of_a_cursor_is_named_by_it() {
        for text in ["delete from t where current of c", "UPDATE t SET a = 1 WHERE CURRENT /* x */ OF c"] {
            assert!(names_a_cursor(text), "{text}");
        }
        for text in
            ["select current_date", "select 'current of c'", "select \"current\" from t", "delete from t"]
        {
            assert!(!names_a_cursor(text), "{text}");
        }
    }
}
