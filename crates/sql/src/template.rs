//! Statements that an operator has registered, and whether a text is one of them.

use std::collections::HashMap;

use pg_query::protobuf::Token;

use crate::analysis::parse;
use crate::testimony::is_query;

/// Registered statements by what they are but for their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates(HashMap<String, Box<str>>);

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
            let form = canonical(text).ok_or_else(|| wrong("it has names in Unicode escapes".into()))?;
            if let Some(other) = templates.0.insert(form, name.into()) {
                return Err(TemplateError::Twice { name: name.into(), other: other.into() });
            }
        }
        Ok(templates)
    }

    /// Whether none is registered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the template that `text` is, if it is one.
    pub(crate) fn find(&self, text: &str) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        self.0.get(&canonical(text)?).map(|name| &**name)
    }
}

/// A text's tokens, each value (a literal, a parameter) replaced by `?`, without comments, white space and a semicolon at
/// its end. Two texts of one form are the same statement but for its values, since the grammar sees tokens alone.
///
/// `None` for what is no sequence of tokens, or has one whose meaning hangs on a literal (`U&"…" UESCAPE '…'`).
fn canonical(text: &str) -> Option<String> {
    let scanned = pg_query::scan(text).ok()?;
    let mut form = String::with_capacity(text.len());
    for it in &scanned.tokens {
        let (start, end) = (usize::try_from(it.start).ok()?, usize::try_from(it.end).ok()?);
        let token = text.get(start..end)?;
        let shown = match it.token() {
            Token::SqlComment | Token::CComment => continue,
            Token::Iconst | Token::Fconst | Token::Sconst | Token::Bconst | Token::Xconst | Token::Param => {
                "?".to_owned()
            }
            Token::Uident | Token::Usconst | Token::Uescape => return None,
            _ if token.starts_with('"') => token.to_owned(),
            // Keywords and names in whatever case; the server folds them so.
            _ => token.to_ascii_lowercase(),
        };
        form.push_str(&shown);
        form.push(' ');
    }
    while let Some(shorter) = form.strip_suffix("; ") {
        form.truncate(shorter.len());
    }
    Some(form)
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
            assert_eq!(registered().find(text), Some("by-id"), "{text}");
        }
        assert_eq!(registered().find("insert into payments (card, amount) values (1, 2.5)"), Some("new"));
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
            assert_eq!(registered().find(text), None, "{text}");
        }
        assert_eq!(Templates::default().find("select 1"), None);
    }

    #[test]
    fn what_cannot_be_registered_is_named() {
        let error = |texts: &[(&str, &str)]| Templates::new(texts.iter().copied()).unwrap_err().to_string();
        assert!(error(&[("a", "select from where")]).starts_with("template `a`: syntax"));
        for text in ["drop table cards", "select 1; select 2", "", "do $$ begin end $$", "select 1 into t"] {
            assert!(error(&[("a", text)]).contains("has to be one SELECT"), "{text}");
        }
        let twice = [("a", "select 1 from t"), ("b", "SELECT 2 FROM t")];
        assert!(error(&twice).contains("`b` says the same as `a`"));
    }
}
