//! Bodies as they pass: what they are, and what is masked in them.

use std::sync::Arc;

use mask::{JsonRule, Masker};

use crate::echo::Echo;
use crate::llm::Seen;

mod aligned;
mod apart;
mod charset;
mod coding;
mod form;
mod joined;
mod json;
mod kind;
mod layers;
mod look;
mod markup;
mod multipart;
mod open;
mod packed;
mod run;
mod table;
#[cfg(test)]
mod testing;
mod text;

pub(crate) use coding::{packed_as, unpacked, unpacked_as};
#[doc(hidden)]
pub use json::fuzz_json;
pub use open::open;
pub(crate) use packed::hides;
pub(crate) use run::Runs;

/// The boundary that the header says of a body of several parts.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let said = kind::Said::read(content_type);
    let is_multipart = said.is_multipart();
    said.boundary.filter(|boundary| is_multipart && !boundary.is_empty())
}

/// Masks card numbers in disguise in a JSON document, and says how many; `None` when there are none.
pub(crate) fn disguised(care: &Care, text: &[u8]) -> Option<(Vec<u8>, u64)> {
    let place = mask::JsonPlace::new(care.masker, Arc::clone(&care.rules));
    let joined = joined::mask_spared(care, &place, text).or_else(|| joined::mask(care, text, false))?;
    (joined.found > 0).then_some((joined.bytes, joined.found))
}

/// Rewrites one body as it passes, cut anywhere: how it is cut never changes what comes out.
///
/// After an error nothing more may be released, and what `out` holds by then is to be thrown away with it.
pub trait Rewrite: Send {
    /// Goes on with `bytes`, and appends to `out` what may be released.
    ///
    /// # Errors
    /// [`Withheld`]: nothing more of this body may pass.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld>;

    /// Ends the body: appends what was held back.
    ///
    /// # Errors
    /// As [`Rewrite::push`].
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld>;

    /// How many things were found and masked so far.
    fn found(&self) -> u64;
}

/// Why a body may not pass, or not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// It holds sensitive authentication data, which never passes.
    Sad,
    /// It holds card data, in a direction in which none may pass even masked.
    CardData,
    /// It cannot be understood, and so it cannot be said what it holds: an image, an archive, a coding that nobody
    /// knows, text that is not what it says it is. In a few words, without anything of the body.
    NotUnderstood(&'static str),
    /// A limit was passed, of what it unpacks to or of what must be held at once. In a few words.
    TooLarge(&'static str),
}

/// How the bodies of one direction of an exchange are looked at.
#[derive(Clone)]
pub struct Care {
    /// What is masked, and how much of it stays, under the permit's terms.
    pub masker: Masker,
    /// What the operator says of places in JSON bodies.
    pub rules: Arc<[JsonRule]>,
    /// Whether what might be card data in disguise is taken for it: numbers taken apart over fields, packed, reversed.
    /// It costs mistakes, so it is for connections on which card data is expected (`cde`).
    pub strict: bool,
    /// What becomes of a body that cannot be understood.
    pub opaque: Opaque,
    /// Whether a body in which anything is found is withheld, not masked.
    pub refuses: bool,
    /// The upstream's credential, which is starred out should it be there.
    pub echo: Echo,
    /// What takes note of what the answer of a model says of itself, where it is one.
    pub seen: Option<Arc<Seen>>,
    /// Whether what is said to be JSON is withheld if it is none: what the rules mean could be anywhere in it.
    pub is_json_alone: bool,
}

/// What becomes of a body that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opaque {
    /// It passes as it is.
    Pass,
    /// It is scanned as bytes.
    Scan,
    /// It is withheld.
    Refuse,
}

/// What the header says of a body.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coded<'a> {
    /// `Content-Type`, as sent.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`: its codings in the order in which they were applied (RFC 9110 §8.4), as sent.
    pub content_encoding: &'a str,
}

impl Withheld {
    /// Why, in a few words for whoever asked.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sad => "sensitive authentication data",
            Self::CardData => "card data",
            Self::NotUnderstood(what) | Self::TooLarge(what) => what,
        }
    }
}
