//! Statements that differ in their literals alone, told by their text.
//!
//! A client that writes values into its statements sends each text once. Where facts do not depend on
//! literals ([`crate::Analysis::literal_free`]) one analysis serves all of them, and finding it must cost
//! less than parsing. This reads only what it is sure of; whatever could be read in two ways has no shape.

/// The text with each plain integer and string literal replaced, or `None` for a text that holds none or
/// holds anything whose lexical meaning needs the real scanner: comments, `$`, escapes, prefixed strings,
/// numbers with a point or an exponent.
///
/// Two texts of one shape are the same tokens but for the values of literals (PostgreSQL §4.1, with
/// `standard_conforming_strings` on, which sessions may not change).
pub fn shape(statement: &str) -> Option<String> {
    let mut shape = Vec::with_capacity(statement.len());
    let mut rest = statement.as_bytes();
    let mut before = b' ';
    let mut replaced = false;
    while let Some((&byte, tail)) = rest.split_first() {
        let length = match byte {
            b'0'..=b'9' if !is_name(before) && before != b'.' => integer(rest)?,
            b'\'' if !is_name(before) && before != b'&' => string(tail)? + 1,
            b'\'' | b'$' | b'\\' => return None,
            // `U&"…" UESCAPE '!'`: there a literal decides what a name is.
            b'"' if before == b'&' => return None,
            b'"' => quoted(tail)? + 1,
            b'-' if tail.first() == Some(&b'-') => return None,
            b'/' if tail.first() == Some(&b'*') => return None,
            _ => 1,
        };
        let (token, after) = rest.split_at_checked(length)?;
        match byte {
            b'0'..=b'9' if !is_name(before) && before != b'.' => {
                shape.push(b'0');
                replaced = true;
            }
            b'\'' => {
                shape.extend_from_slice(b"''");
                replaced = true;
            }
            _ => shape.extend_from_slice(token),
        }
        before = token.last().copied().unwrap_or(byte);
        rest = after;
    }
    // Only whole tokens of ASCII were replaced, so this is text as the statement was.
    replaced.then(|| String::from_utf8(shape).ok())?
}

fn integer(text: &[u8]) -> Option<usize> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match text.get(length) {
        Some(next) if is_name(*next) || *next == b'.' => None,
        _ => (length <= INTEGER_DIGITS_MAX).then_some(length),
    }
}

/// Most digits of an integer that is one token to the scanner whatever its value: beyond 2,147,483,647 it
/// scans as another.
const INTEGER_DIGITS_MAX: usize = 9;

/// The length of a string literal after its first quote, the last quote included.
fn string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'\\', _) => return None,
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of a quoted identifier after its first quote, the last quote included.
fn quoted(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    (!text.get(..end)?.contains(&b'\\')).then_some(end + 1)
}

/// Whether the byte can be part of a name, a keyword or a longer number.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests;
