//! A secret in text some of whose characters are written in another way: `%2F`, `\\u002f`, `\\/`, `&#x2f;`, `&amp;`.

/// Longest way to write one character: a reference of HTML, or an escape behind a run of backslashes.
pub(super) const UNIT_BYTES_MAX: usize = 10;

/// What stands somewhere in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// All of the secret, up to this place.
    Whole(usize),
    /// The beginning of it, and then the text ends.
    Begun,
    Nothing,
}

/// One character of a text, and how many bytes it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Is(u8, usize),
    /// The text ends within it.
    Cut,
    /// The byte stands for itself.
    Plain,
}

/// Where `secret` stands in `text` with any of its characters written in another way. Where all are plain is not said.
pub(super) fn places(text: &[u8], secret: &[u8]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    if memchr::memchr3(b'%', b'\\', b'&', text).is_none() {
        return places;
    }
    let Some(first) = secret.first() else { return places };
    let mut from = 0;
    while let Some(at) = next(text, from, *first) {
        from = at + 1;
        if let Found::Whole(end) = find(text.get(at..).unwrap_or_default(), secret) {
            places.push((at, at + end));
            from = at + end;
        }
    }
    places
}

/// Whether `text` may go on so that it is `secret`.
pub(super) fn begins(text: &[u8], secret: &[u8]) -> bool {
    find(text, secret) == Found::Begun
}

/// Where a secret that starts with `first` may begin next.
fn next(text: &[u8], from: usize, first: u8) -> Option<usize> {
    let rest = text.get(from..)?;
    let plain = memchr::memchr(first, rest);
    let before = rest.get(..plain.unwrap_or(rest.len())).unwrap_or(rest);
    memchr::memchr3(b'%', b'\\', b'&', before).or(plain).map(|at| from + at)
}

fn find(text: &[u8], secret: &[u8]) -> Found {
    let mut at = 0;
    for wanted in secret {
        let rest = text.get(at..).unwrap_or_default();
        let Some(byte) = rest.first() else { return Found::Begun };
        at += match unit(rest) {
            Unit::Is(is, length) if is == *wanted => length,
            Unit::Cut => return Found::Begun,
            Unit::Is(..) | Unit::Plain if byte == wanted => 1,
            Unit::Is(..) | Unit::Plain => return Found::Nothing,
        };
    }
    Found::Whole(at)
}

/// The character that `text` begins with.
fn unit(text: &[u8]) -> Unit {
    match text {
        [b'%', rest @ ..] => hex(rest, 2, 1),
        [b'\\', ..] => escape(text),
        [b'&', rest @ ..] => reference(rest),
        _ => Unit::Plain,
    }
}

/// An escape of JSON or of a language like it; in JSON within JSON more backslashes stand before it.
fn escape(text: &[u8]) -> Unit {
    let run = text.iter().take_while(|byte| **byte == b'\\').count();
    if run > ESCAPES_MAX {
        return Unit::Plain;
    }
    match text.get(run..).unwrap_or_default() {
        [] => Unit::Cut,
        [b'u', rest @ ..] => hex(rest, 4, run + 1),
        [b'x', rest @ ..] => hex(rest, 2, run + 1),
        [byte @ (b'/' | b'"' | b'\''), ..] => Unit::Is(*byte, run + 1),
        _ if run > 1 => Unit::Is(b'\\', run),
        _ => Unit::Plain,
    }
}

/// A reference of HTML, behind its `&`.
fn reference(rest: &[u8]) -> Unit {
    let seen = rest.get(..UNIT_BYTES_MAX - 1).unwrap_or(rest);
    let Some(end) = memchr::memchr(b';', seen) else {
        return if rest.len() < UNIT_BYTES_MAX - 1 { Unit::Cut } else { Unit::Plain };
    };
    let name = seen.get(..end).unwrap_or_default();
    let number = |digits: &[u8], radix| {
        str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, radix).ok())
    };
    let byte = match name {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        b"sol" => Some(b'/'),
        b"plus" => Some(b'+'),
        b"equals" => Some(b'='),
        _ => None,
    };
    byte.map_or(Unit::Plain, |byte| Unit::Is(byte, end + 2))
}

/// A character by so many hexadecimal digits, behind `lead` bytes.
fn hex(rest: &[u8], digits: usize, lead: usize) -> Unit {
    let seen = rest.get(..digits).unwrap_or(rest);
    if !seen.iter().all(u8::is_ascii_hexdigit) {
        return Unit::Plain;
    }
    if seen.len() < digits {
        return Unit::Cut;
    }
    let value = str::from_utf8(seen).ok().and_then(|seen| u32::from_str_radix(seen, 16).ok());
    value.and_then(|value| u8::try_from(value).ok()).map_or(Unit::Plain, |byte| Unit::Is(byte, lead + digits))
}

/// Backslashes before an escape: JSON in JSON in JSON.
const ESCAPES_MAX: usize = 4;
