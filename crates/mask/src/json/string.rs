//! What stands between the quotes of a JSON string (RFC 8259 §7).

use crate::unicode;

/// Whether `written` is the string `name`, whatever its escapes.
pub(super) fn reads(written: &[u8], name: &str) -> bool {
    let mut rest = written;
    for expected in name.chars() {
        match character(rest) {
            Some((c, after)) if c == expected => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// `written` without its escapes. A lone surrogate becomes U+FFFD, as does what is not UTF-8.
pub(super) fn unescape(written: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((c, after)) = character(rest) {
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        rest = after;
    }
    text
}

/// Any text with the escapes in it undone, and all else as it is.
pub(super) fn undone(text: &[u8]) -> Vec<u8> {
    let mut undone = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match character(rest).filter(|_| *first == b'\\') {
            Some((c, after)) => {
                undone.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            None => {
                undone.push(*first);
                rest = after;
            }
        }
    }
    undone
}

/// `text` in quotes, as a JSON string.
pub(super) fn quote(text: &[u8]) -> Vec<u8> {
    [b"\"".as_slice(), &escape(text), b"\""].concat()
}

/// `text` as it stands between the quotes of a JSON string.
pub(super) fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len() + 2);
    for byte in text {
        match byte {
            b'"' | b'\\' => escaped.extend([b'\\', *byte]),
            b'\n' => escaped.extend(b"\\n"),
            0..0x20 => escaped.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

/// How many bytes at the end of `written` are an escape that is the first half of a surrogate pair.
pub(super) fn half_pair(written: &[u8]) -> usize {
    let Some((head, tail)) = written.split_last_chunk::<6>() else { return 0 };
    // A backslash that is itself escaped begins none.
    let escaped = head.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let is_half = code(tail).is_some_and(|code| (0xd800..0xdc00).contains(&code));
    if is_half && !escaped { tail.len() } else { 0 }
}

/// The length of what stands before the closing quote; `None` when a character or an escape is none of JSON's,
/// or no quote closes it.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at..)? {
            [b'"', ..] => return Some(at),
            [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => at += 6,
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => at += 2,
            [b'\\' | 0..0x20, ..] | [] => return None,
            [_, ..] => at += 1,
        }
    }
}

/// The first character and what follows it.
fn character(text: &[u8]) -> Option<(char, &[u8])> {
    let plain = |c: char, length: usize| Some((c, text.get(length..)?));
    match text {
        [] => None,
        [b'\\', b'u', ..] => {
            let first = code(text)?;
            let low = text.get(6..).and_then(code).filter(|low| (0xdc00..0xe000).contains(low));
            match (first, low) {
                (0xd800..0xdc00, Some(low)) => {
                    let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00));
                    plain(c.unwrap_or(char::REPLACEMENT_CHARACTER), 12)
                }
                _ => plain(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            }
        }
        [b'\\', escaped, ..] => match escaped {
            b'b' => plain('\u{8}', 2),
            b'f' => plain('\u{c}', 2),
            b'n' => plain('\n', 2),
            b'r' => plain('\r', 2),
            b't' => plain('\t', 2),
            other => plain(char::from(*other), 2),
        },
        _ => match unicode::character(text) {
            Some((c, length)) => plain(c, length),
            None => plain(char::REPLACEMENT_CHARACTER, 1),
        },
    }
}

/// The number of a `\uHHHH` that `text` starts with.
fn code(text: &[u8]) -> Option<u32> {
    let hex = text.strip_prefix(b"\\u")?.get(..4)?;
    let hex = str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(hex, 16).ok()
}
