use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::Untrusted;

/// Where a claim is: `groups`, `realm_access.roles`, `https://example.com/groups`.
///
/// A dot walks into an object, unless the object has a claim whose name holds that dot: the longest name
/// is tried first, so that names that are URLs need no quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ClaimPath(Box<str>);

/// A claim path that is empty, too long or holds control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a claim path is 1 to 256 characters such as `groups` or `realm_access.roles`, with at most 16 dots")]
pub struct ClaimPathError;

impl ClaimPath {
    /// The claim there, if there is one. A JSON `null` counts as none.
    pub(crate) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        walk(&self.0, claims).filter(|value| !value.is_null())
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn walk<'a>(path: &str, object: &'a Map<String, Value>) -> Option<&'a Value> {
    object.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let (name, rest) = path.split_at_checked(dot)?;
            walk(rest.strip_prefix('.')?, object.get(name)?.as_object()?)
        })
    })
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(path: &str) -> Result<Self, ClaimPathError> {
        let sized = (1..=PATH_BYTES_MAX).contains(&path.len()) && path.matches('.').count() <= PATH_DOTS_MAX;
        if !sized || path.chars().any(char::is_control) {
            return Err(ClaimPathError);
        }
        Ok(Self(path.into()))
    }
}

impl TryFrom<String> for ClaimPath {
    type Error = ClaimPathError;

    fn try_from(path: String) -> Result<Self, ClaimPathError> {
        path.parse()
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A claim that names somebody or something: 1 to 512 bytes of text without control characters.
///
/// `Ok(None)` where it is absent or empty; `claim` names it in the error.
pub(crate) fn name<'a>(value: Option<&'a Value>, claim: &'static str) -> Result<Option<&'a str>, Untrusted> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control) => {
            Ok(Some(text))
        }
        Some(_) => Err(Untrusted::Claim(claim)),
    }
}

/// A NumericDate (RFC 7519 §2) in whole seconds; a fraction is cut off.
pub(crate) fn seconds(value: Option<&Value>, claim: &'static str) -> Result<Option<i64>, Untrusted> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        // The range makes the cast exact but for the fraction.
        (0.0..=SECONDS_MAX as f64).contains(&float).then_some(float as i64)
    });
    match whole {
        Some(seconds) if (0..=SECONDS_MAX).contains(&seconds) => Ok(Some(seconds)),
        Some(_) | None => Err(Untrusted::Claim(claim)),
    }
}

const PATH_BYTES_MAX: usize = 256;
/// Bounds the ways of cutting a path.
const PATH_DOTS_MAX: usize = 16;
/// Longer than any `sub` (255, OpenID Connect Core §2) and than the usual distinguished name of a group.
const NAME_BYTES_MAX: usize = 512;
/// The end of the year 9999: a date beyond it is a mistake, such as milliseconds.
const SECONDS_MAX: i64 = 253_402_300_799;
