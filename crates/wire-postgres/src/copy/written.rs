//! How values are written in text and CSV (PostgreSQL's COPY, "Text Format", "CSV Format").

use std::borrow::Cow;
use std::ops::Range;

use bytes::{BufMut, BytesMut};
use sql::CopyForm;

/// One value as it is written.
pub(super) struct Field<'a> {
    form: &'a CopyForm,
    raw: &'a [u8],
}

/// Where the value is that begins `at` this place of a line, quotes included. `None` where there is none, or it is
/// written as PostgreSQL writes none.
pub(super) fn field(form: &CopyForm, line: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = line.get(at..)?;
    let length = match form {
        CopyForm::Text { delimiter, .. } => escaped(rest, *delimiter)?,
        CopyForm::Csv { delimiter, quote, escape, .. } if rest.first() == Some(quote) => {
            let length = quoted(rest, *quote, *escape)?;
            rest.get(length).is_none_or(|next| next == delimiter).then_some(length)?
        }
        CopyForm::Csv { delimiter, quote, .. } => {
            let bare = rest.split(|byte| byte == delimiter).next()?;
            (!bare.contains(quote)).then_some(bare.len())?
        }
        CopyForm::Binary => return None,
    };
    Some(at..at + length)
}

/// The length of a value in text: up to a delimiter that is not escaped.
fn escaped(rest: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'\\', delimiter, rest.get(at..)?).unwrap_or(rest.len() - at);
        match rest.get(at) {
            Some(b'\\') if at + 1 < rest.len() => at += 2,
            Some(b'\\') => return None,
            _ => return Some(at),
        }
    }
}

/// The length of a quoted value, both quotes included.
fn quoted(rest: &[u8], quote: u8, escape: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        let (byte, next) = (*rest.get(at)?, rest.get(at + 1));
        if byte == escape && next.is_some_and(|next| *next == quote || *next == escape) {
            at += 2;
        } else if byte == quote {
            return Some(at + 1);
        } else {
            at += 1;
        }
    }
}

impl<'a> Field<'a> {
    pub(super) fn read(form: &'a CopyForm, raw: &'a [u8]) -> Self {
        Self { form, raw }
    }

    /// The value; `None` for NULL.
    ///
    /// In text a value may be written as NULL is, where somebody chose such a sign for NULL. What cannot be told from a
    /// value is taken for one: otherwise the sign would show which rows hold a value that is hidden.
    pub(super) fn value(&self) -> Option<Cow<'a, [u8]>> {
        match self.form {
            CopyForm::Text { null, delimiter, .. } => {
                let is_null = self.raw == &**null && !may_be_value(null, *delimiter);
                (!is_null).then(|| unescaped(self.raw))
            }
            CopyForm::Csv { null, quote, escape, .. } => match self.raw.strip_prefix(&[*quote]) {
                Some(rest) => Some(unquoted(rest.strip_suffix(&[*quote]).unwrap_or(rest), *quote, *escape)),
                None => (self.raw != &**null).then_some(self.raw.into()),
            },
            CopyForm::Binary => Some(self.raw.into()),
        }
    }
}

/// Whether a value can be written so: not, where a backslash stands before what PostgreSQL puts none.
fn may_be_value(null: &[u8], delimiter: u8) -> bool {
    let mut bytes = null.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            continue;
        }
        match bytes.next() {
            Some(b'\\' | b'b' | b'f' | b'n' | b'r' | b't' | b'v') => {}
            Some(next) if *next == delimiter => {}
            _ => return false,
        }
    }
    true
}

fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return raw.into();
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(itself) => *itself,
                None => b'\\',
            },
            byte => *byte,
        });
    }
    value.into()
}

fn unquoted(raw: &[u8], quote: u8, escape: u8) -> Cow<'_, [u8]> {
    if memchr::memchr(escape, raw).is_none() {
        return raw.into();
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let next =
            (byte == escape).then(|| bytes.next_if(|next| *next == quote || *next == escape)).flatten();
        value.push(next.unwrap_or(byte));
    }
    value.into()
}

/// Writes a value, or NULL; in CSV in quotes where it is `forced` or needs them.
pub(super) fn put(form: &CopyForm, value: Option<&[u8]>, forced: bool, out: &mut BytesMut) {
    match (form, value) {
        (CopyForm::Text { null, .. } | CopyForm::Csv { null, .. }, None) => out.put_slice(null),
        (CopyForm::Text { delimiter, .. }, Some(value)) => {
            for byte in value {
                let sign = match byte {
                    0x08 => b'b',
                    0x0c => b'f',
                    b'\n' => b'n',
                    b'\r' => b'r',
                    b'\t' => b't',
                    0x0b => b'v',
                    b'\\' => b'\\',
                    byte if byte == delimiter => *byte,
                    byte => {
                        out.put_u8(*byte);
                        continue;
                    }
                };
                out.put_slice(&[b'\\', sign]);
            }
        }
        (CopyForm::Csv { null, delimiter, quote, escape, .. }, Some(value)) => {
            let needs = |byte: &u8| matches!(byte, b'\n' | b'\r') || byte == delimiter || byte == quote;
            if !forced && value != &**null && !value.iter().any(needs) {
                return out.put_slice(value);
            }
            out.put_u8(*quote);
            for byte in value {
                if byte == quote || byte == escape {
                    out.put_u8(*escape);
                }
                out.put_u8(*byte);
            }
            out.put_u8(*quote);
        }
        (CopyForm::Binary, _) => {}
    }
}
