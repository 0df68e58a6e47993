//! Numbers as binary protocols carry them: a lane that knows a value's type has it judged here, by the same
//! rules as the digits would be in text.
//!
//! | value | as a [`Number`] |
//! | --- | --- |
//! | PostgreSQL `int8` (`int8send`, big-endian) | `Number::from(i64::from_be_bytes(…))` |
//! | PostgreSQL `numeric` (`numeric_send`) | [`Number::numeric`] |
//! | PostgreSQL `float8` (`float8send`) | `Number::double(f64::from_be_bytes(…))` |
//! | MySQL `LONGLONG` in a binary row, little-endian | `Number::from`, of an `i64`, or a `u64` where the column is unsigned |
//! | MySQL `NEWDECIMAL`, text in either protocol | [`Number::decimal`] |
//! | BSON int64 and double, little-endian; decimal128 | `Number::from`, [`Number::double`], [`Number::decimal128`] |
//! | protobuf `uint64`, `int64`, `sint64` | [`varint`], for `int64` cast to `i64`, for `sint64` with [`zigzag`] |
//! | protobuf `fixed64`, `sfixed64`, `double`, little-endian | `Number::from`, [`Number::double`] |
//!
//! 32-bit integers hold no card number, and a `float` of 24 bits holds none exactly.

mod decimal128;
mod numeric;
mod varint;

use std::fmt;
use std::io::Write;
use std::ops::Range;

use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::engine::Views;
use crate::masker::{Masked, Masker, Profile};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;
use crate::walk::Walk;

pub use varint::{varint, zigzag};

/// A number of some type. An integer costs no allocation unless it is a card number.
///
/// It may be one, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(Value);

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Integer { negative: bool, magnitude: u64 },
    // INVARIANT: `-` or nothing, digits, and `.` with digits or nothing; or a word such as `NaN`.
    Decimal(String),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Value::Integer { negative: value < 0, magnitude: value.unsigned_abs() })
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Value::Integer { negative: false, magnitude: value })
    }
}

impl Number {
    /// A double that is a whole number of 12 to 19 digits; `None` for any other, which is no card number.
    ///
    /// Every number of up to 15 digits is exact in a double, and of 16 digits every one below 2^53, which are
    /// all that start with less than 9. Beyond, the nearest double may still be the card number.
    pub fn double(value: f64) -> Option<Self> {
        let magnitude = value.abs();
        let fits = magnitude.fract() == 0.0 && (1e11..1e19).contains(&magnitude);
        // In that range the cast is exact.
        fits.then_some(Self(Value::Integer { negative: value < 0.0, magnitude: magnitude as u64 }))
    }

    /// A number in decimal text, without exponent: `-4111.50`; `None` when it is anything else.
    pub fn decimal(text: &[u8]) -> Option<Self> {
        let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let magnitude = text.strip_prefix(b"-").unwrap_or(text);
        let mut parts = magnitude.splitn(2, |byte| *byte == b'.');
        let fits = parts.next().is_some_and(digits) && parts.next().is_none_or(digits);
        let text = fits.then(|| str::from_utf8(text).ok()).flatten()?;
        Some(Self(Value::Decimal(text.to_owned())))
    }

    /// A binary `numeric` of PostgreSQL (`numeric_send`); `None` if it is none.
    ///
    /// Digits stand in groups of four, with the weight of the first, sign and scale before them: the groups of
    /// a card number of 16 digits are as they are on the card. It reads as the server writes it (`numeric_out`),
    /// `NaN` and `Infinity` too.
    pub fn numeric(value: &[u8]) -> Option<Self> {
        numeric::read(value).map(Value::Decimal).map(Self)
    }

    /// A decimal128 of BSON (IEEE 754-2008 §3.5.2, in the binary encoding, little-endian). It reads without an
    /// exponent, in up to 6,200 characters.
    pub fn decimal128(bytes: [u8; 16]) -> Self {
        Self(Value::Decimal(decimal128::read(u128::from_le_bytes(bytes))))
    }

    /// The number in decimal: sign, digits, and the fraction where the type has one.
    pub fn text(&self) -> String {
        match &self.0 {
            Value::Integer { negative: true, magnitude } => format!("-{magnitude}"),
            Value::Integer { negative: false, magnitude } => magnitude.to_string(),
            Value::Decimal(text) => text.clone(),
        }
    }

    /// Whether its whole part is a card number, by what a bare number takes in text; one of a brand that takes
    /// a word nearby counts when the value is `about_cards`, as the name of its column or key may say.
    pub fn holds_card(&self, about_cards: bool) -> bool {
        match &self.0 {
            // Of twenty digits no integer is several numbers: one in seventeen would hold a card by chance.
            Value::Integer { magnitude, .. } if !(SMALLEST..=GREATEST).contains(magnitude) => false,
            Value::Integer { magnitude, .. } => {
                let mut digits = [0; U64_DIGITS];
                let mut rest = digits.as_mut_slice();
                // There is room for every `u64`.
                let written = write!(rest, "{magnitude}").is_ok();
                let length = U64_DIGITS - rest.len();
                written && digits.get(..length).is_some_and(|digits| judge(digits, about_cards))
            }
            Value::Decimal(text) => {
                text.as_bytes().get(whole(text)).is_some_and(|digits| judge(digits, about_cards))
            }
        }
    }
}

impl Masker {
    /// Masks a number of a known type: what stands for it in text, with the same sign, fraction and number of
    /// digits; `None` when its whole part is no card number ([`Number::holds_card`]), nor what the name that it is
    /// [`Masker::under`] says.
    ///
    /// No mask fits the number's own type: a lane sends the text as text, or NULL.
    pub fn number(&self, number: &Number) -> Option<Masked> {
        if self.meaning().is_none() && !number.holds_card(self.is_about_cards()) {
            return None;
        }
        let text = number.text();
        let Range { start, end } = whole(&text);
        let text = text.as_bytes();
        let masked = self.text(text.get(start..end)?)?;
        let bytes = [text.get(..start)?, &masked.bytes, text.get(end..)?].concat();
        Some(Masked { bytes, ..masked })
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number")
    }
}

/// Whether digits of a whole number, in ASCII, hold a card number.
fn judge(digits: &[u8], about_cards: bool) -> bool {
    // No card number starts with a zero, so what a few bytes say of a great power of ten needs no reading.
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let digits = digits.get(..digits.len() - zeros.saturating_sub(DIGITS_MAX + 1)).unwrap_or(digits);
    match digits.len() {
        ..DIGITS_MIN => false,
        DIGITS_MIN..=DIGITS_MAX => {
            let text = Text::whole(digits).about_cards(about_cards);
            Walk::new(View::Plain, 0).next(&text, usize::MAX).is_some()
        }
        // So many may be several numbers, or text in hex.
        _ => {
            let masker = Masker::new(Profile::Last4).about_cards(about_cards);
            masker.part(digits, 0..digits.len(), Views::Text).is_some()
        }
    }
}

/// Where the whole part of a number in decimal stands.
fn whole(text: &str) -> Range<usize> {
    let start = usize::from(text.starts_with('-'));
    let digits = text.bytes().skip(start).take_while(u8::is_ascii_digit).count();
    start..start + digits
}

/// The smallest number of [`DIGITS_MIN`] digits.
const SMALLEST: u64 = 100_000_000_000;
/// The greatest of [`DIGITS_MAX`] digits.
const GREATEST: u64 = 9_999_999_999_999_999_999;
/// Digits of the greatest `u64`.
const U64_DIGITS: usize = 20;
#[cfg(test)]
mod tests;
