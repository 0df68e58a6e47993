//! Text as a scan reads it: one digit, one separator or one other character at a time, however it is written.

use crate::text::Text;
use crate::unicode;

/// Which escapes are read. A text is scanned as it stands, and again with its escapes read: what one reading
/// hides, the other may show (`%B4111…` is track 1, and `%B4` a percent-escape).
///
/// Where one character ends does not depend on more than the [`SYNC`] bytes before it, so that a reading may
/// start anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// As it stands.
    Plain,
    /// What is inside the quotes of a JSON string: `\u0034`, `\n` (RFC 8259 §7).
    Json,
    /// With every escape of JSON, URLs and HTML: `%34` (RFC 3986 §2.1), `&#52;`, `&nbsp;` (HTML §13.1.4). A
    /// backslash that is itself escaped does not count as such: what was encoded twice is read too.
    Escaped,
    /// The same, and with the percent-escapes that were themselves escaped, a few times: `%2534`. That reading hides
    /// a number behind an escaped percent sign, which the one before shows.
    Nested,
    /// Quoted-printable: `=34`, and `=` at the end of a line (RFC 2045 §6.7).
    Quoted,
}

/// Longest that one character is written as.
pub(crate) const SYNC: usize = 14;

impl View {
    /// What stands at `at`; `None` at the end.
    pub fn unit(self, text: &Text<'_>, at: usize) -> Option<Unit> {
        let first = text.get(at)?;
        if first.is_ascii_digit() {
            return Some(Unit { kind: Kind::Digit(first - b'0'), length: 1 });
        }
        let escaped = match (first, self) {
            (b'\\', Self::Json | Self::Escaped | Self::Nested) => json_escape(text, at, self),
            (b'%', Self::Nested) => nested(text, at).or_else(|| percent(text, at)),
            (b'%', Self::Escaped) => percent(text, at),
            (b'&', Self::Escaped | Self::Nested) => entity(text, at),
            (b'=', Self::Quoted) => quoted(text, at),
            _ => None,
        };
        escaped.or_else(|| match first {
            0..0x80 => Some(Unit { kind: ascii(first), length: 1 }),
            _ => match unicode::character(text.slice(at..at + unicode::length(first))) {
                Some((c, length)) => Some(Unit { kind: character(c), length }),
                None => Some(Unit { kind: Kind::Other, length: 1 }),
            },
        })
    }

    /// Whether this view may read more than one character where this one stands.
    pub fn opens(self, byte: u8) -> bool {
        match self {
            Self::Plain => false,
            Self::Json => byte == b'\\',
            Self::Escaped | Self::Nested => matches!(byte, b'\\' | b'%' | b'&'),
            Self::Quoted => byte == b'=',
        }
    }

    /// Where the first thing stands in `text` that this view may read as more than one character.
    pub fn next_opener(self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Plain => None,
            Self::Json => memchr::memchr(b'\\', text),
            Self::Escaped => memchr::memchr3(b'\\', b'%', b'&', text),
            Self::Nested => memchr::memchr_iter(b'%', text).find(|at| {
                let escaped = text.get(at + 1..).unwrap_or_default();
                escaped.starts_with(b"25") || b"25".starts_with(escaped)
            }),
            Self::Quoted => memchr::memchr_iter(b'=', text).find(|at| match text.get(at + 1) {
                Some(byte) => byte.is_ascii_hexdigit() || matches!(byte, b'\r' | b'\n'),
                None => true,
            }),
        }
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
    if let [b'%', b'2', b'5', .., high, low] = digit {
        (*high, *low) = (b'2', b'A');
        return;
    }
    let pattern: &[u8] = match (digit.first(), digit.get(2)) {
        (Some(b'\\'), _) => b"\\u002a",
        (Some(b'%'), _) => b"%2A",
        (Some(b'='), _) => b"=2A",
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

/// Writes another ASCII digit over one, in the way that it was written; a star where it was not ASCII.
pub(crate) fn put(written: &mut [u8], digit: u8) {
    let to = b'0' + digit % 10;
    match written {
        [one] => *one = to,
        [b'\\', b'u', b'0', b'0', b'3', last]
        | [b'%' | b'=', b'3', last]
        | [b'%', b'2', b'5', .., b'3', last] => *last = to,
        other => star(other),
    }
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

fn json_escape(text: &Text<'_>, at: usize, view: View) -> Option<Unit> {
    let kind = match text.get(at + 1)? {
        b'u' => {
            let high = utf16(text, at)?;
            let low = (0xd800..0xdc00).contains(&high).then(|| utf16(text, at + 6)).flatten();
            return Some(match low.filter(|low| (0xdc00..0xe000).contains(low)) {
                Some(low) => {
                    let code = 0x1_0000 + ((high & 0x3ff) << 10 | low & 0x3ff);
                    Unit { kind: char::from_u32(code).map_or(Kind::Other, character), length: 12 }
                }
                None => Unit { kind: char::from_u32(high).map_or(Kind::Other, character), length: 6 },
            });
        }
        b'n' | b'r' => Kind::Gap(Gap::Break),
        b't' => Kind::Gap(Gap::Space),
        b'/' => Kind::Gap(Gap::Slash),
        b'\\' if matches!(view, View::Escaped | View::Nested) => return None,
        mark @ (b'"' | b'\\' | b'b' | b'f') => Kind::Mark(mark),
        _ => return None,
    };
    Some(Unit { kind, length: 2 })
}

/// One `\uHHHH`.
fn utf16(text: &Text<'_>, at: usize) -> Option<u32> {
    // Character by character: what cannot be one is not waited for.
    (text.get(at)? == b'\\' && text.get(at + 1)? == b'u').then_some(())?;
    let digit = |at: usize| char::from(text.get(at)?).to_digit(16);
    (at + 2..at + 6).try_fold(0, |code, at| Some(code << 4 | digit(at)?))
}

/// A percent-escape of one character in UTF-8.
fn percent(text: &Text<'_>, at: usize) -> Option<Unit> {
    let byte = |at: usize| match (text.get(at)?, text.get(at + 1)?, text.get(at + 2)?) {
        (b'%', high, low) => hex_number(&[high, low]).and_then(|code| u8::try_from(code).ok()),
        _ => None,
    };
    let first = byte(at)?;
    let mut bytes = [first, 0, 0, 0];
    let length = unicode::length(first);
    for (index, to) in bytes.iter_mut().enumerate().take(length).skip(1) {
        *to = byte(at + 3 * index)?;
    }
    let (c, length) = unicode::character(bytes.get(..length)?)?;
    Some(Unit { kind: character(c), length: length * 3 })
}

/// A percent-escape of an ASCII digit or gap whose percent sign is escaped, once or several times.
fn nested(text: &Text<'_>, at: usize) -> Option<Unit> {
    let mut end = at + 1;
    while end < at + 1 + 2 * NESTED_MAX && text.get(end)? == b'2' && text.get(end + 1)? == b'5' {
        end += 2;
    }
    let code = hex_number(&[text.get(end)?, text.get(end + 1)?])?;
    let kind = ascii(u8::try_from(code).ok().filter(u8::is_ascii)?);
    let counts = end > at + 1 && matches!(kind, Kind::Digit(_) | Kind::Gap(_));
    counts.then_some(Unit { kind, length: end + 2 - at })
}

/// A numeric character reference, or a named one of a separator.
fn entity(text: &Text<'_>, at: usize) -> Option<Unit> {
    let mut name = [0; SYNC];
    let mut length = 0;
    loop {
        match text.get(at + 1 + length)? {
            b';' => break,
            byte if byte.is_ascii_alphanumeric() || byte == b'#' => *name.get_mut(length)? = byte,
            _ => return None,
        }
        length += 1;
        if length + 2 > SYNC {
            return None;
        }
    }
    let c = match name.get(..length)? {
        [b'#', b'x' | b'X', hex @ ..] => char::from_u32(hex_number(hex)?)?,
        [b'#', decimal @ ..] => char::from_u32(str::from_utf8(decimal).ok()?.parse().ok()?)?,
        b"nbsp" | b"ensp" | b"emsp" | b"thinsp" | b"zwj" | b"zwnj" | b"Tab" => ' ',
        b"shy" | b"ndash" | b"mdash" | b"minus" | b"hyphen" | b"dash" => '-',
        b"period" | b"middot" => '.',
        b"sol" => '/',
        b"NewLine" => '\n',
        _ => return None,
    };
    Some(Unit { kind: character(c), length: length + 2 })
}

/// An escape of quoted-printable: one byte of UTF-8 that is ASCII, or a line break that is none.
fn quoted(text: &Text<'_>, at: usize) -> Option<Unit> {
    match text.get(at + 1)? {
        b'\n' => Some(Unit { kind: Kind::Gap(Gap::Break), length: 2 }),
        b'\r' if text.get(at + 2)? == b'\n' => Some(Unit { kind: Kind::Gap(Gap::Break), length: 3 }),
        high if high.is_ascii_hexdigit() => {
            let code = hex_number(&[high, text.get(at + 2)?])?;
            let kind = u8::try_from(code).ok().filter(u8::is_ascii).map_or(Kind::Other, ascii);
            Some(Unit { kind, length: 3 })
        }
        _ => None,
    }
}

/// How often a percent sign is unescaped.
const NESTED_MAX: usize = 4;

fn hex_number(hex: &[u8]) -> Option<u32> {
    let all = !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit);
    all.then(|| str::from_utf8(hex).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok())).flatten()
}

#[cfg(test)]
mod tests;
