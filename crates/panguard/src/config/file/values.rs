//! Values that may be written in more than one way, and those that must not be written at all.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// A name in the vault, written `{ secret: NAME }`. A literal in its place is refused, and not repeated.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    /// The name, as in `panguard secrets set NAME`.
    pub secret: String,
}

/// A file, or a name in the vault.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum FileOrSecret {
    /// The file.
    File(String),
    /// The name, written `{ secret: NAME }`.
    Secret(SecretName),
}

/// A text, or a name in the vault.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TextOrSecret {
    /// The text.
    Text(String),
    /// The name, written `{ secret: NAME }`.
    Secret(SecretName),
}

/// One text or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the shape of the schema; values are read into the list")]
enum OneOrMoreForm {
    One(String),
    More(Vec<String>),
}

/// One text or a list of them.
#[derive(JsonSchema)]
#[schemars(with = "OneOrMoreForm")]
pub struct OneOrMore(pub Vec<String>);

/// What a column holds: one data class, JSON with data classes at paths, or no card data.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Holds {
    /// `pan`, `sad`, `cardholder_name`, `expiry`, `secret` or a class of your own.
    Class(String),
    /// Paths such as `$.card.number`, each with what is there.
    Json {
        /// The paths.
        json: BTreeMap<String, HoldsAt>,
    },
    /// No card data: the column is not searched for it.
    NotPan {
        /// Why, and until when.
        not_pan: NotPan,
    },
}

/// What is at a path: one data class, or no card data.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum HoldsAt {
    /// `pan`, `sad`, `cardholder_name`, `expiry`, `secret` or a class of your own.
    Class(String),
    /// No card data: the place is not searched for it.
    NotPan {
        /// Why, and until when.
        not_pan: NotPan,
    },
}

/// Why no card data is there, and until when that is taken on trust.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotPan {
    /// How that is known: `order numbers, sampled 2026-11-01`.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The day (UTC) from which it is searched again: `2027-06-30`, at most twelve months ahead.
    #[schemars(extend("format" = "date"))]
    pub until: String,
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretNameVisitor)
    }
}

struct SecretNameVisitor;

impl<'de> Visitor<'de> for SecretNameVisitor {
    type Value = SecretName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ secret: NAME }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretName, A::Error> {
        match map.next_key::<String>()?.as_deref() {
            Some("secret") => {}
            Some(_) | None => return Err(A::Error::custom(SECRET_ADVICE)),
        }
        let secret = map.next_value()?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(SecretName { secret }),
            Some(_) => Err(A::Error::custom(SECRET_ADVICE)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<SecretName, E> {
        Err(E::custom(SECRET_ADVICE))
    }
}

impl<'de> Deserialize<'de> for FileOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FileOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file, or `{ secret: NAME }`")
            }

            fn visit_str<E: serde::de::Error>(self, file: &str) -> Result<FileOrSecret, E> {
                Ok(FileOrSecret::File(file.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FileOrSecret, A::Error> {
                SecretNameVisitor.visit_map(map).map(FileOrSecret::Secret)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TextOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, or `{ secret: NAME }`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TextOrSecret, E> {
                Ok(TextOrSecret::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextOrSecret, A::Error> {
                SecretNameVisitor.visit_map(map).map(TextOrSecret::Secret)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;
        impl<'de> Visitor<'de> for TextOrList {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = list.next_element()? {
                    all.push(text);
                }
                Ok(OneOrMore(all))
            }
        }
        deserializer.deserialize_any(TextOrList)
    }
}

impl<'de> Deserialize<'de> for Holds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOfThree;
        impl<'de> Visitor<'de> for OneOfThree {
            type Value = Holds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a data class such as `pan`, or `{ json: { $.path: pan } }`")
            }

            fn visit_str<E: serde::de::Error>(self, class: &str) -> Result<Holds, E> {
                Ok(Holds::Class(class.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Holds, A::Error> {
                let holds = match map.next_key::<String>()?.as_deref() {
                    Some("json") => Holds::Json { json: map.next_value()? },
                    Some("not_pan") => Holds::NotPan { not_pan: map.next_value()? },
                    Some(_) | None => return Err(A::Error::custom(HOLDS_ADVICE)),
                };
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(holds),
                    Some(_) => Err(A::Error::custom(HOLDS_ADVICE)),
                }
            }
        }
        deserializer.deserialize_any(OneOfThree)
    }
}

impl<'de> Deserialize<'de> for HoldsAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClassOrNotPan;
        impl<'de> Visitor<'de> for ClassOrNotPan {
            type Value = HoldsAt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a data class such as `pan`")
            }

            fn visit_str<E: serde::de::Error>(self, class: &str) -> Result<HoldsAt, E> {
                Ok(HoldsAt::Class(class.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HoldsAt, A::Error> {
                let not_pan = match map.next_key::<String>()?.as_deref() {
                    Some("not_pan") => map.next_value()?,
                    Some(_) | None => return Err(A::Error::custom(HOLDS_AT_ADVICE)),
                };
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(HoldsAt::NotPan { not_pan }),
                    Some(_) => Err(A::Error::custom(HOLDS_AT_ADVICE)),
                }
            }
        }
        deserializer.deserialize_any(ClassOrNotPan)
    }
}

const HOLDS_ADVICE: &str = "a column holds a data class such as `pan`, or `{ json: { $.path: pan } }`, or `{ not_pan: { reason: …, until: 2027-06-30 } }`";
const HOLDS_AT_ADVICE: &str =
    "at a path is a data class such as `pan`, or `{ not_pan: { reason: …, until: 2027-06-30 } }`";

/// Said of any literal where a secret belongs.
pub const SECRET_ADVICE: &str = "secrets are never in this file; write `{ secret: NAME }` and store the value with `panguard secrets set NAME`";
