//! One value of an answer, by its type and format: does it hold a card number, and what is put in its place?

use std::borrow::Cow;

use mask::{JsonRule, Masker, Meaning, Number};

use crate::command::Format;
use crate::frame::Fields;

/// What a look at one value found.
pub(crate) enum Seen {
    /// No card number.
    Clean,
    /// A card number, masked in a way that fits the type.
    Masked(Vec<u8>),
    /// A card number in a type that no mask fits: only NULL is left.
    Unfit,
    /// Sensitive authentication data.
    Sad,
}

/// Looks for card numbers in a value that nothing is known of but its type.
pub(crate) fn scan(masker: Masker, type_oid: u32, format: Format, value: &[u8]) -> Seen {
    match format {
        Format::Text => scan_text(masker, type_oid, value),
        Format::Binary => scan_binary(masker, type_oid, value, NESTING_MAX),
    }
}

/// Whether a value of which no name says anything is looked at as text, and in no other way.
pub(crate) fn is_text_alone(type_oid: u32, format: Format) -> bool {
    match format {
        Format::Text => !matches!(
            type_oid,
            oid::INT2
                | oid::INT4
                | oid::INT8
                | oid::NUMERIC
                | oid::MONEY
                | oid::FLOAT8
                | oid::JSON
                | oid::JSONB
        ),
        Format::Binary => oid::is_text(type_oid),
    }
}

/// Arrays and records inside one another that are followed; what is deeper is scanned as bytes.
const NESTING_MAX: u8 = 6;

fn scan_text(masker: Masker, type_oid: u32, value: &[u8]) -> Seen {
    match type_oid {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::MONEY => whole_number(masker, value),
        oid::FLOAT8 => match str::from_utf8(value).ok().and_then(|text| text.parse().ok()) {
            Some(number) => float(masker, number),
            None => Seen::Clean,
        },
        oid::JSON | oid::JSONB => seen(masker.json(value, &[]), true),
        _ => match elements(masker, type_oid, value) {
            Seen::Clean => seen(masker.text(value), oid::takes_text(type_oid)),
            found => found,
        },
    }
}

/// The elements of an array of texts or numbers under a name that each of them may be (`array_out`).
fn elements(masker: Masker, type_oid: u32, value: &[u8]) -> Seen {
    let inside = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    let Some(inside) = inside.filter(|_| oid::is_simple_array(type_oid)) else { return Seen::Clean };
    let sad = |element: &[u8]| masker.meaning().is_some_and(|meaning| meaning.is_sad(element));
    let mut elements = inside.split(|byte| matches!(byte, b',' | b'{' | b'}' | b'"'));
    if elements.any(sad) { Seen::Sad } else { Seen::Clean }
}

fn scan_binary(masker: Masker, type_oid: u32, value: &[u8], nesting: u8) -> Seen {
    match type_oid {
        oid::INT2 | oid::INT4 | oid::INT8 => integer(masker, type_oid, value),
        oid::MONEY => money(masker, value),
        oid::NUMERIC => number(masker, Number::numeric(value)),
        oid::FLOAT8 => match value.first_chunk::<8>() {
            Some(bytes) => float(masker, f64::from_be_bytes(*bytes)),
            None => Seen::Clean,
        },
        oid::JSON => seen(masker.json(value, &[]), true),
        oid::JSONB => jsonb(masker, value, &[]),
        _ if oid::is_text(type_oid) => seen(masker.text(value), true),
        _ => opaque(masker, value, nesting),
    }
}

/// A binary value of a type that panguard has no codec for: whatever it could be is looked at.
fn opaque(masker: Masker, value: &[u8], nesting: u8) -> Seen {
    if nesting > 0 {
        for inside in [array(value), record(value)].into_iter().flatten() {
            match inside.scan(masker, nesting - 1) {
                Seen::Clean => {}
                found => return found,
            }
        }
    }
    // A PIN block as it is: 8 bytes, or 16 (ISO 9564-1 §9).
    if masker.meaning() == Some(Meaning::PinBlock) && matches!(value.len(), 8 | 16) {
        return Seen::Sad;
    }
    let number = match value.first_chunk::<8>() {
        Some(bytes) if value.len() == 8 => {
            found(integer(masker, oid::INT8, value)) || found(float(masker, f64::from_be_bytes(*bytes)))
        }
        _ => found(number(masker, Number::numeric(value))),
    };
    if number { Seen::Unfit } else { seen(masker.text(value), false) }
}

fn found(seen: Seen) -> bool {
    !matches!(seen, Seen::Clean)
}

/// The values inside another, one after the other; not one of them is copied.
struct Inside<'a> {
    /// The type of all of them; `None` where each says its own.
    type_oid: Option<u32>,
    values: Fields<'a>,
}

impl<'a> Inside<'a> {
    /// The next value with its type; `None` where there is none, or not what should be.
    fn next(&mut self) -> Option<(u32, Option<&'a [u8]>)> {
        let type_oid = match self.type_oid {
            Some(type_oid) => type_oid,
            None => self.values.u32()?,
        };
        Some((type_oid, self.values.value()?))
    }

    /// Whether it is made of such values to its end, of `count` where that is said.
    fn is_whole(&self, count: Option<u32>) -> bool {
        let mut rest = Self { type_oid: self.type_oid, values: self.values.clone() };
        let mut values = 0;
        while !rest.values.is_empty() {
            if rest.next().is_none() {
                return false;
            }
            values += 1;
        }
        count.is_none_or(|count| count == values)
    }

    /// The worst that is in it.
    fn scan(mut self, masker: Masker, nesting: u8) -> Seen {
        let mut worst = Seen::Clean;
        while let Some((type_oid, value)) = self.next() {
            match value.map_or(Seen::Clean, |value| scan_binary(masker, type_oid, value, nesting)) {
                Seen::Clean => {}
                Seen::Sad => return Seen::Sad,
                Seen::Masked(_) | Seen::Unfit => worst = Seen::Unfit,
            }
        }
        worst
    }
}

/// A binary array (`array_send`): dimensions, a flag for NULLs, the type, then values.
fn array(value: &[u8]) -> Option<Inside<'_>> {
    let mut fields = Fields::over(value);
    let dimensions = fields.u32()?;
    if dimensions > 6 || fields.u32()? > 1 {
        return None;
    }
    let type_oid = Some(fields.u32()?);
    fields.take(usize::try_from(dimensions).ok()? * 8)?;
    let inside = Inside { type_oid, values: fields };
    inside.is_whole(None).then_some(inside)
}

/// A binary record (`record_send`): a count, then values with their types.
fn record(value: &[u8]) -> Option<Inside<'_>> {
    let mut fields = Fields::over(value);
    let count = fields.u32()?;
    let inside = Inside { type_oid: None, values: fields };
    inside.is_whole(Some(count)).then_some(inside)
}

fn integer(masker: Masker, type_oid: u32, value: &[u8]) -> Seen {
    let value = match type_oid {
        oid::INT2 => value.first_chunk().map(|bytes| i16::from_be_bytes(*bytes).into()),
        oid::INT4 => value.first_chunk().map(|bytes| i32::from_be_bytes(*bytes).into()),
        _ => value.first_chunk().map(|bytes| i64::from_be_bytes(*bytes)),
    };
    number(masker, value.map(Number::from))
}

/// `money` counts the fractions of a currency, two digits in nearly all of them.
fn money(masker: Masker, value: &[u8]) -> Seen {
    let Some(bytes) = value.first_chunk::<8>() else { return Seen::Clean };
    let whole = i64::from_be_bytes(*bytes).unsigned_abs() / 100;
    match number(masker, Some(Number::from(whole))) {
        Seen::Clean => integer(masker, oid::INT8, value),
        found => found,
    }
}

fn float(masker: Masker, value: f64) -> Seen {
    number(masker, Number::double(value))
}

/// A number, where there is one: no mask fits its type.
fn number(masker: Masker, number: Option<Number>) -> Seen {
    seen(number.and_then(|number| masker.number(&number)), false)
}

/// A number as text: its integer part is looked at, as a field of its own. An amount of money has a currency
/// and separators.
fn whole_number(masker: Masker, text: &[u8]) -> Seen {
    if let Some(value) = Number::decimal(text) {
        return number(masker, Some(value));
    }
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    seen(masker.text(digits), false)
}

/// A binary numeric as PostgreSQL writes it (`numeric_out`), or `None` if it is none.
pub(crate) fn numeric(value: &[u8]) -> Option<String> {
    Number::numeric(value).map(|number| number.text())
}

fn jsonb(masker: Masker, value: &[u8], rules: &[JsonRule]) -> Seen {
    // Version 1 is the only one there is: a byte before the text (`jsonb_send`).
    let Some((1, text)) = value.split_first() else { return Seen::Unfit };
    match seen(masker.json(text, rules), true) {
        Seen::Masked(masked) => Seen::Masked([&[1], masked.as_slice()].concat()),
        other => other,
    }
}

/// Masks JSON by the paths that the operator labelled, and by what a scan finds.
pub(crate) fn json(masker: Masker, type_oid: u32, format: Format, value: &[u8], rules: &[JsonRule]) -> Seen {
    match (type_oid, format) {
        (oid::JSONB, Format::Binary) => jsonb(masker, value, rules),
        (oid::JSON | oid::JSONB, _) => seen(masker.json(value, rules), true),
        _ if oid::is_text(type_oid) => seen(masker.json(value, rules), true),
        _ => Seen::Unfit,
    }
}

/// A JSON document that stands for any other of which nothing may show.
pub(crate) fn whole_json(masker: Masker, type_oid: u32, format: Format) -> Vec<u8> {
    let version: &[u8] = if (type_oid, format) == (oid::JSONB, Format::Binary) { &[1] } else { b"" };
    [version, b"\"", masker.whole(), b"\""].concat()
}

/// Masks a labelled card number, whatever it looks like. The agent was told text.
pub(crate) fn truncate(masker: Masker, type_oid: u32, format: Format, value: &[u8]) -> Seen {
    match as_text(type_oid, format, value) {
        Some(text) => Seen::Masked(masker.pan(&text)),
        None => Seen::Unfit,
    }
}

/// A value as the text that PostgreSQL would write for it, where panguard knows how; `None` otherwise.
pub(crate) fn as_text(type_oid: u32, format: Format, value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let owned = |text: String| Some(Cow::Owned(text.into_bytes()));
    match (format, type_oid) {
        (Format::Text, _) | (Format::Binary, oid::NAME | oid::JSON) => Some(value.into()),
        (Format::Binary, oid::INT8) => owned(i64::from_be_bytes(*value.first_chunk()?).to_string()),
        (Format::Binary, oid::INT2) => owned(i16::from_be_bytes(*value.first_chunk()?).to_string()),
        (Format::Binary, oid::INT4) => owned(i32::from_be_bytes(*value.first_chunk()?).to_string()),
        (Format::Binary, oid::NUMERIC) => numeric(value).and_then(owned),
        (Format::Binary, _) if oid::is_text(type_oid) => Some(value.into()),
        (Format::Binary, _) => None,
    }
}

fn seen(masked: Option<mask::Masked>, fits: bool) -> Seen {
    match masked {
        None => Seen::Clean,
        Some(masked) if masked.sad => Seen::Sad,
        Some(masked) if fits => Seen::Masked(masked.bytes),
        Some(_) => Seen::Unfit,
    }
}

/// Type OIDs that are fixed in every PostgreSQL (`pg_type.dat`).
pub(crate) mod oid {
    pub(crate) const BOOL: u32 = 16;
    #[cfg(test)]
    pub(crate) const BYTEA: u32 = 17;
    pub(crate) const CHAR: u32 = 18;
    pub(crate) const NAME: u32 = 19;
    pub(crate) const INT8: u32 = 20;
    pub(crate) const INT2: u32 = 21;
    pub(crate) const INT4: u32 = 23;
    pub(crate) const TEXT: u32 = 25;
    pub(crate) const OID: u32 = 26;
    pub(crate) const XID: u32 = 28;
    pub(crate) const JSON: u32 = 114;
    pub(crate) const XML: u32 = 142;
    pub(crate) const FLOAT4: u32 = 700;
    pub(crate) const FLOAT8: u32 = 701;
    pub(crate) const UNKNOWN: u32 = 705;
    pub(crate) const MONEY: u32 = 790;
    pub(crate) const BPCHAR: u32 = 1042;
    pub(crate) const VARCHAR: u32 = 1043;
    pub(crate) const DATE: u32 = 1082;
    pub(crate) const TIME: u32 = 1083;
    pub(crate) const TIMESTAMP: u32 = 1114;
    pub(crate) const TIMESTAMPTZ: u32 = 1184;
    pub(crate) const INTERVAL: u32 = 1186;
    pub(crate) const NUMERIC: u32 = 1700;
    pub(crate) const RECORD: u32 = 2249;
    pub(crate) const VOID: u32 = 2278;
    pub(crate) const UUID: u32 = 2950;
    pub(crate) const JSONB: u32 = 3802;
    const TEXT_ARRAYS: [u32; 5] = [1003, 1009, 1014, 1015, 199];
    const NUMBER_ARRAYS: [u32; 4] = [1005, 1007, 1016, 1231];
    /// The first OID of types that somebody has added.
    const FIRST_OWN: u32 = 16_384;

    /// Types whose values are bare text in both formats.
    pub(crate) fn is_text(type_oid: u32) -> bool {
        matches!(type_oid, TEXT | VARCHAR | BPCHAR | UNKNOWN | NAME | XML)
    }

    /// Types whose text form stays readable to a client with some characters replaced by `*`.
    pub(crate) fn takes_text(type_oid: u32) -> bool {
        is_text(type_oid) || type_oid == RECORD || type_oid >= FIRST_OWN || TEXT_ARRAYS.contains(&type_oid)
    }

    /// Arrays whose elements are texts or numbers.
    pub(crate) fn is_simple_array(type_oid: u32) -> bool {
        TEXT_ARRAYS.contains(&type_oid) || NUMBER_ARRAYS.contains(&type_oid)
    }

    /// Types whose values are JSON documents.
    pub(crate) fn is_json(type_oid: u32) -> bool {
        matches!(type_oid, JSON | JSONB)
    }

    /// Types whose values JSON documents may be.
    pub(crate) fn may_be_json(type_oid: u32) -> bool {
        is_json(type_oid) || is_text(type_oid)
    }

    /// Types too small for a card number that a card code fits in.
    pub(crate) fn may_hold_code(type_oid: u32) -> bool {
        matches!(type_oid, INT2 | INT4)
    }

    /// Types with too few digits for a card number, or none.
    pub(crate) fn holds_no_card(type_oid: u32) -> bool {
        matches!(
            type_oid,
            BOOL | CHAR
                | INT2
                | INT4
                | OID
                | XID
                | FLOAT4
                | DATE
                | TIME
                | TIMESTAMP
                | TIMESTAMPTZ
                | INTERVAL
                | VOID
                | UUID
        )
    }
}

#[cfg(test)]
mod tests;
