use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of a secret: `payments-db`, `stripe/live.key`.
///
/// 1 to 128 lower-case letters, digits, `-`, `_`, `.` and `/`, beginning and ending with a letter or digit.
/// Names under `internal/` are panguard's own: they cannot be written in configuration or on a command line
/// ([`FromStr`] refuses them), so that no upstream can be lent a key of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<str>);

/// A name that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Of the wrong length or characters.
    #[error(
        "a secret's name is 1 to 128 lower-case letters, digits, `-`, `_`, `.` and `/`, with a letter or digit at both ends"
    )]
    Form,
    /// One of panguard's own.
    #[error("names under `internal/` are panguard's own, choose another")]
    Internal,
}

impl Name {
    /// The name of one of panguard's own keys: `internal/` and `name`.
    ///
    /// # Errors
    /// [`NameError::Form`].
    pub fn internal(name: &str) -> Result<Self, NameError> {
        Self::any(&format!("{INTERNAL}{name}"))
    }

    /// Under which the secret stands that is to take the place of this one, while it is being changed.
    ///
    /// # Errors
    /// [`NameError::Form`]: the name is too long for that.
    pub fn next(&self) -> Result<Self, NameError> {
        Self::internal(&format!("next/{}", self.0))
    }

    /// Whether it is one of panguard's own.
    pub fn is_internal(&self) -> bool {
        self.0.starts_with(INTERNAL)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name of either sort, as the vault's file has it.
    pub(crate) fn any(name: &str) -> Result<Self, NameError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let sized = (1..=NAME_BYTES_MAX).contains(&name.len());
        let ends = name.starts_with(plain) && name.ends_with(plain);
        let inner = name.chars().all(|c| plain(c) || matches!(c, '-' | '_' | '.' | '/'));
        if sized && ends && inner { Ok(Self(name.into())) } else { Err(NameError::Form) }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let name = Self::any(name)?;
        if name.is_internal() { Err(NameError::Internal) } else { Ok(name) }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        name.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const INTERNAL: &str = "internal/";
const NAME_BYTES_MAX: usize = 128;
