use std::fmt;
use std::str::FromStr;

/// The sort of sensitive data that a value is.
///
/// The well-known classes have rules of their own (PCI DSS 4.0.1, 3.3 and 3.4); an operator may name
/// others, which are masked like `cardholder_name`: whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataClass {
    /// A primary account number: truncated by the deployment's profile.
    Pan,
    /// Sensitive authentication data (card code, full track, PIN block): never leaves, whoever asks.
    Sad,
    /// The cardholder's name.
    CardholderName,
    /// The card's expiry date.
    Expiry,
    /// A credential of any kind.
    Secret,
    /// A class of the operator's own.
    Own(Box<str>),
}

impl DataClass {
    /// The word for it in configuration, policies and entries.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pan => "pan",
            Self::Sad => "sad",
            Self::CardholderName => "cardholder_name",
            Self::Expiry => "expiry",
            Self::Secret => "secret",
            Self::Own(name) => name,
        }
    }
}

/// A class name that is not lower-case letters, digits and `_`, starting with a letter.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownClass;

impl FromStr for DataClass {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, UnknownClass> {
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        match name {
            "pan" => Ok(Self::Pan),
            "sad" => Ok(Self::Sad),
            "cardholder_name" => Ok(Self::CardholderName),
            "expiry" => Ok(Self::Expiry),
            "secret" => Ok(Self::Secret),
            own if plain => Ok(Self::Own(own.into())),
            _ => Err(UnknownClass),
        }
    }
}

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data class is lower-case letters, digits and `_`, such as `pan` or `sad`")
    }
}

impl std::error::Error for UnknownClass {}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
