//! Text as a scan reads it: one digit, one separator or one other character at a time, however it is written.

use crate::unicode;

/// Which escapes are read. A text is scanned as it stands, and again with its escapes read: what one reading
/// hides, the other may show (`%B4111…` is track 1, and `%B4` a percent-escape).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// `\u0034`, `\n` (RFC 8259 §7).
    pub json: bool,
    /// `%34` (RFC 3986 §2.1), `&#52;`, `&nbsp;` (HTML §13.1.4).
    pub web: bool,
}

impl View {
    /// As it stands.
    pub const PLAIN: Self = Self { json: false, web: false };
    /// What is inside the quotes of a JSON string.
    pub const JSON: Self = Self { json: true, web: false };
    /// With every escape read.
    pub const ALL: Self = Self { json: true, web: true };

    /// What stands at `at`; `None` at the end.
    pub fn unit(self, text: &[u8], at: usize) -> Option<Unit> {
        let rest = text.get(at..)?;
        let first = *rest.first()?;
        if first.is_ascii_digit() {
            return Some(Unit { kind: Kind::Digit(first - b'0'), length: 1 });
        }
        let escaped = match first {
            b'\\' if self.json => json_escape(rest),
            b'%' if self.web => percent(rest),
            b'&' if self.web => entity(rest),
            _ => None,
        };
        escaped.or_else(|| match first {
            0..0x80 => Some(Unit { kind: ascii(first), length: 1 }),
            _ => match unicode::character(rest) {
                Some((c, length)) => Some(Unit { kind: character(c), length }),
                None => Some(Unit { kind: Kind::Other, length: 1 }),
            },
        })
    }
}

/// One character as written, escape and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    pub kind: Kind,
    /// Bytes it takes, at least 1.
    pub length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A decimal digit of any script, by value.
    Digit(u8),
    /// What may stand between the groups of a number.
    Gap(Gap),
    /// Any other ASCII character.
    Mark(u8),
    /// Anything else.
    Other,
}

/// What separates the groups of a number. A number is written with one sort throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    Space,
    Dash,
    Dot,
    /// A line break; a number that is wrapped has one beside its own separators.
    Break,
    Slash,
    Comma,
    Colon,
    Underscore,
    Plus,
}

impl Gap {
    /// Whether lists of numbers that are no cards are written with it: then a number must stand alone.
    pub fn makes_lists(self) -> bool {
        match self {
            Self::Space | Self::Dash | Self::Dot => false,
            Self::Break | Self::Slash | Self::Comma | Self::Colon | Self::Underscore | Self::Plus => true,
        }
    }

    /// Two of them in a row, as one: ` - ` is a dash. `None` when they do not go together.
    pub fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, same) if one == same => Some(one),
            (Self::Space | Self::Break, other) => Some(other),
            (one, Self::Space | Self::Break) => Some(one),
            _ => None,
        }
    }
}

/// Writes a star over one digit, in the way that the digit was written, so that the escapes stay valid.
pub(crate) fn star(digit: &mut [u8]) {
    let pattern: &[u8] = match (digit.first(), digit.get(2)) {
        (Some(b'\\'), _) => b"\\u002a",
        (Some(b'%'), _) => b"%2A",
        (Some(b'&'), Some(b'x' | b'X')) => b"2a;",
        (Some(b'&'), _) => b"42;",
        _ => b"*",
    };
    if digit.first() != Some(&b'&') {
        digit.iter_mut().zip(pattern.iter().cycle()).for_each(|(byte, put)| *byte = *put);
        return;
    }
    // `&#0052;` becomes `&#0042;`: the number keeps its width.
    for byte in digit.iter_mut().filter(|byte| byte.is_ascii_hexdigit()) {
        *byte = b'0';
    }
    digit.iter_mut().rev().zip(pattern.iter().rev()).for_each(|(byte, put)| *byte = *put);
}

/// What one ASCII character is.
pub(crate) const fn ascii(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit(byte - b'0'),
        // NUL stands between the digits of UTF-16.
        b' ' | b'\t' | 0 => Kind::Gap(Gap::Space),
        b'\n' | b'\r' | 0x0b | 0x0c => Kind::Gap(Gap::Break),
        b'-' => Kind::Gap(Gap::Dash),
        b'.' => Kind::Gap(Gap::Dot),
        b'/' => Kind::Gap(Gap::Slash),
        b',' => Kind::Gap(Gap::Comma),
        b':' => Kind::Gap(Gap::Colon),
        b'_' => Kind::Gap(Gap::Underscore),
        b'+' => Kind::Gap(Gap::Plus),
        _ => Kind::Mark(byte),
    }
}

fn character(c: char) -> Kind {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => ascii(byte),
        _ => match (unicode::digit(c), unicode::gap(c)) {
            (Some(digit), _) => Kind::Digit(digit),
            (None, Some(gap)) => Kind::Gap(gap),
            (None, None) => Kind::Other,
        },
    }
}

fn json_escape(rest: &[u8]) -> Option<Unit> {
    let kind = match rest.get(1)? {
        b'u' => {
            let code = hex_number(rest.get(2..6)?)?;
            return Some(Unit { kind: char::from_u32(code).map_or(Kind::Other, character), length: 6 });
        }
        b'n' | b'r' => Kind::Gap(Gap::Break),
        b't' => Kind::Gap(Gap::Space),
        b'/' => Kind::Gap(Gap::Slash),
        mark @ (b'"' | b'\\' | b'b' | b'f') => Kind::Mark(*mark),
        _ => return None,
    };
    Some(Unit { kind, length: 2 })
}

/// A percent-escape of one character in UTF-8.
fn percent(rest: &[u8]) -> Option<Unit> {
    let mut bytes = [0; 4];
    let mut count = 0;
    for (triple, byte) in rest.chunks(3).zip(&mut bytes) {
        let [b'%', hex @ ..] = triple else { break };
        let Some(code) = hex_number(hex).filter(|_| hex.len() == 2) else { break };
        *byte = u8::try_from(code).ok()?;
        count += 1;
    }
    let (c, length) = unicode::character(bytes.get(..count)?)?;
    Some(Unit { kind: character(c), length: length * 3 })
}

/// A numeric character reference, or a named one of a separator.
fn entity(rest: &[u8]) -> Option<Unit> {
    let end = rest.iter().take(ENTITY_BYTES_MAX).position(|byte| *byte == b';')?;
    let c = match rest.get(1..end)? {
        [b'#', b'x' | b'X', hex @ ..] => char::from_u32(hex_number(hex)?)?,
        [b'#', decimal @ ..] => char::from_u32(str::from_utf8(decimal).ok()?.parse().ok()?)?,
        b"nbsp" | b"ensp" | b"emsp" | b"thinsp" | b"zwj" | b"zwnj" | b"Tab" => ' ',
        b"shy" | b"ndash" | b"mdash" | b"minus" | b"hyphen" | b"dash" => '-',
        b"period" | b"middot" => '.',
        b"sol" => '/',
        b"NewLine" => '\n',
        _ => return None,
    };
    Some(Unit { kind: character(c), length: end + 1 })
}

fn hex_number(hex: &[u8]) -> Option<u32> {
    let all = !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit);
    all.then(|| str::from_utf8(hex).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok())).flatten()
}

/// Longest character reference that is read: `&#x0000FF14;` with one zero to spare.
const ENTITY_BYTES_MAX: usize = 14;

#[cfg(test)]
mod tests;
