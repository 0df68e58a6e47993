//! Finds cardholder data in bytes and rewrites it.
//!
//! A text goes through these, each a file of its own, and most texts leave at the first:
//!
//! 1. `glance`, `front` and `sieve`: is there anything to read, for whom, and in which stretches of the text?
//! 2. `unit`: the text as digits, separators and other characters, in any script, with escapes read or not.
//!    Every text is read in several views, and what any of them shows counts.
//! 3. `chain`: from each digit, the groups that one number could reach.
//! 4. `track`: magnetic-stripe data (ISO/IEC 7813), which is sensitive authentication data.
//! 5. `candidate`: grouped as a card is, bare, padded, as a float, or taken apart evenly; in runs too long to
//!    be one number, any part of them. The check digit must be right.
//! 6. `brand`: prefix and length must be some brand's, and its tier says whether that is enough, or a word
//!    must stand nearby (`context`).
//! 7. `reject`, `iban`: what is part of a UUID, a digest or an IBAN is none.
//! 8. `encoded`, `dump`: base64 and hex, with something between its bytes or not, decoded in pieces and sent through 2 to 7.
//! 9. `secret`, `personal`: what else is looked for, if it is asked for ([`Classes`]).
//! 10. `engine`: what all of these readers find, put in order.
//! 11. `rewriter`: stars by the [`Profile`], or a surrogate (`token`); the result is read again until nothing is
//!     found.
//!
//! Each reader may be told that a byte is not known yet (`text`), which makes a [`Stream`] that is cut anywhere the
//! same as the whole. `json` does the same inside JSON documents, and what the operator's labels say of their places.
//! `number` judges values of numeric types, whose digits are in no text.

mod bitmap;
mod brand;
mod candidate;
mod chain;
mod classes;
mod code;
mod context;
mod dump;
mod encoded;
mod ending;
mod engine;
mod finding;
mod front;
mod fuzz;
mod glance;
mod iban;
mod json;
mod marks;
mod masker;
mod name;
mod number;
mod packed;
mod personal;
mod reader;
mod reject;
mod rewriter;
mod secret;
mod self_test;
mod sieve;
mod stream;
mod text;
mod token;
mod track;
mod unicode;
mod unit;
mod values;
mod walk;
mod work;

pub use brand::{Brand, Tier};
pub use classes::Classes;
pub use finding::{Finding, FindingKind};
#[doc(hidden)]
pub use fuzz::{fuzz_json, fuzz_number, fuzz_packed, fuzz_stream, fuzz_text};
pub use json::{JsonLong, JsonPart, JsonPath, JsonPlace, JsonRule, JsonStream, NotAPath, NotAString};
pub use masker::{Masked, Masker, Profile};
pub use name::{Beside, Meaning, Name};
pub use number::{Number, varint, zigzag};
pub use self_test::{Expected, Part, Report, Row, Size, self_test};
#[doc(hidden)]
pub use sieve::sieves;
pub use stream::{Finder, Stream};
pub use token::TokenKey;
pub use values::Values;

/// What `text` holds, in the order of where it starts. Readings that differ may overlap.
pub fn find(text: &[u8]) -> impl Iterator<Item = Finding> {
    find_all(text, Classes::default())
}

/// What `text` holds of card numbers, tracks and `classes`, in the order of where it starts.
pub fn find_all(text: &[u8], classes: Classes) -> impl Iterator<Item = Finding> {
    let text = text::Text::whole(text);
    let mut engine = engine::Engine::new(classes, engine::Views::Text, 0);
    let mut found = Vec::new();
    while let engine::Step::Region(findings, _) = engine.step(&text) {
        found.extend(findings);
    }
    found.into_iter()
}

/// Whether `text` holds a card number or a track.
pub fn holds_card(text: &[u8]) -> bool {
    find(text).next().is_some()
}
