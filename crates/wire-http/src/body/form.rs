//! `application/x-www-form-urlencoded` (URL §5.1): names and values, decoded, masked, and encoded again where anything
//! changed.

use mask::{Beside, Masked, Name};

use super::apart::{apart, star};
use super::packed;
use super::text::Plain;
use super::{Care, Rewrite, Withheld};

/// A form. It is held as a whole, since every name in it may say what the others are, and in part when it is too long.
pub(super) struct Form {
    care: Care,
    held: Vec<u8>,
    /// Whether it is too long to be held as a whole; then each field is looked at as it comes.
    is_long: bool,
    /// Within a field that is too long to be held.
    in_long_field: bool,
    beside: Beside,
    found: u64,
    net: Plain,
}

impl Form {
    pub fn new(care: &Care) -> Self {
        Self {
            care: care.clone(),
            held: Vec::new(),
            is_long: false,
            in_long_field: false,
            beside: Beside::default(),
            found: 0,
            net: Plain::new(care),
        }
    }

    /// Looks at all fields that are whole, and at the last when it has `ended`.
    fn fields(&mut self, ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let held = std::mem::take(&mut self.held);
        let whole = match memchr::memrchr(b'&', &held) {
            _ if ended => held.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let (now, later) = held.split_at_checked(whole).unwrap_or((&held, &[]));
        self.held = later.to_vec();
        if now.is_empty() {
            return Ok(());
        }
        let mut fields: Vec<Field> = now.split(|byte| *byte == b'&').map(Field::read).collect();
        // What stands behind the last `&` is the next field's.
        if !ended {
            fields.pop();
        }
        fields.iter().filter_map(|field| Name::of(&field.name)).for_each(|name| self.beside.add(name));
        for field in &mut fields {
            self.mask(field)?;
        }
        if self.care.strict {
            let ranges = apart(fields.iter().map(|field| field.value.as_slice()));
            self.found += ranges.len() as u64;
            for range in ranges {
                for field in fields.get_mut(range).into_iter().flatten() {
                    star(&mut field.value);
                    field.value_changed = true;
                }
            }
        }
        let last = fields.len().saturating_sub(1);
        let mut written = Vec::with_capacity(now.len());
        for (index, field) in fields.iter().enumerate() {
            field.write(&mut written);
            if index < last || !ended {
                written.push(b'&');
            }
        }
        self.net.push(&written, out)
    }

    fn mask(&mut self, field: &mut Field) -> Result<(), Withheld> {
        let masker = self.care.masker.about_cards(self.beside.about_cards());
        let meaning = Name::of(&field.name).and_then(|name| self.beside.settle(name));
        let of_value = masker.under(meaning);
        let masked = match field.value.trim_ascii_start().first() {
            Some(b'{' | b'[') if meaning.is_none() => of_value.json(&field.value, &self.care.rules),
            _ => of_value.text(&field.value),
        };
        let hidden = || Masked { bytes: b"****".to_vec(), found: 1, sad: false };
        let masked = masked.or_else(|| (self.care.strict && packed::hides(&field.value)).then(hidden));
        if let Some(masked) = masked {
            (field.value, field.value_changed) = (self.take(masked)?, true);
        }
        if let Some(masked) = masker.text(&field.name) {
            (field.name, field.name_changed) = (self.take(masked)?, true);
        }
        Ok(())
    }

    fn take(&mut self, masked: Masked) -> Result<Vec<u8>, Withheld> {
        self.found += u64::from(masked.found);
        if masked.sad { Err(Withheld::Sad) } else { Ok(masked.bytes) }
    }

    fn push_byte_run(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Withheld> {
        if self.in_long_field {
            // A field that is not held is a text.
            let end = memchr::memchr(b'&', bytes);
            let length = end.map_or(bytes.len(), |end| end + 1);
            self.net.push(bytes.get(..length).unwrap_or_default(), out)?;
            self.in_long_field = end.is_none();
            return Ok(length);
        }
        let room = FORM_BYTES_MAX - self.held.len().min(FORM_BYTES_MAX);
        let mut length = bytes.len().min(room);
        if self.is_long {
            let end = memchr::memchr(b'&', bytes.get(..length).unwrap_or_default());
            length = end.map_or(length, |end| end + 1);
        }
        self.held.extend_from_slice(bytes.get(..length).unwrap_or_default());
        let full = self.held.len() >= FORM_BYTES_MAX;
        if full || (self.is_long && self.held.last() == Some(&b'&')) {
            self.is_long = true;
            self.fields(false, out)?;
            if self.held.len() >= FORM_BYTES_MAX {
                let field = std::mem::take(&mut self.held);
                self.net.push(&field, out)?;
                self.in_long_field = true;
            }
        }
        Ok(length)
    }
}

impl Rewrite for Form {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = self.push_byte_run(rest, out)?;
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.fields(true, out)?;
        self.net.finish(out)
    }

    fn found(&self) -> u64 {
        self.found + self.net.found()
    }
}

/// A name and its value, as written and as decoded.
struct Field {
    written_name: Vec<u8>,
    written_value: Option<Vec<u8>>,
    name: Vec<u8>,
    value: Vec<u8>,
    name_changed: bool,
    value_changed: bool,
}

impl Field {
    fn read(written: &[u8]) -> Self {
        let mut parts = written.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let value = parts.next();
        Self {
            written_name: name.to_vec(),
            written_value: value.map(<[u8]>::to_vec),
            name: decode(name),
            value: decode(value.unwrap_or_default()),
            name_changed: false,
            value_changed: false,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self.name_changed {
            true => encode(&self.name, out),
            false => out.extend_from_slice(&self.written_name),
        }
        let Some(value) = &self.written_value else { return };
        out.push(b'=');
        match self.value_changed {
            true => encode(&self.value, out),
            false => out.extend_from_slice(value),
        }
    }
}

/// What percent-encoded text says; what is no escape stands for itself.
fn decode(written: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut decoded = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let escape = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => digit(*high).zip(digit(*low)).map(|it| (it, behind)),
            _ => None,
        };
        match (byte, escape) {
            (_, Some(((high, low), behind))) => {
                decoded.push(high << 4 | low);
                rest = behind;
            }
            (b'+', None) => decoded.push(b' '),
            (byte, None) => decoded.push(*byte),
        }
    }
    decoded
}

/// Percent-encodes as browsers do (URL §1.3, the application/x-www-form-urlencoded set).
fn encode(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b' ' => out.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || b"*-._".contains(byte) => out.push(*byte),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
}

/// A longer form is looked at field by field, and so are names only as far as they have come.
const FORM_BYTES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests;
