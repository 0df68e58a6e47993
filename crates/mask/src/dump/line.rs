//! Bytes in hex, one after another, and the lines of dumps that they stand in.

use crate::text::Text;
use crate::values::PARTING;
use crate::work;

/// The byte that two hex digits at `at` are.
pub(super) fn byte(text: &Text<'_>, at: usize) -> Option<u8> {
    let high = nibble(text.get(at)?)?;
    Some(high << 4 | nibble(text.get(at + 1)?)?)
}

/// Where the byte is written that follows one whose digits end at `end`.
pub(super) fn next(text: &Text<'_>, end: usize) -> Option<usize> {
    let (mut at, mut blanks, mut breaks) = (end, 0, false);
    while at < end + BETWEEN_MAX {
        match text.get(at)? {
            b' ' | b'\t' if blanks == at - end => blanks += 1,
            b'\n' | b'\r' => breaks = true,
            b'\\' if matches!(text.get(at + 1)?, b'n' | b'r') => (breaks, at) = (true, at + 1),
            byte if is_between(byte) => {}
            _ => break,
        }
        at += 1;
    }
    if (breaks || blanks > 1)
        && let Some(parting) = parting(text, end)
        && (breaks || parting == b':')
    {
        return next_line(text, end);
    }
    let at = at + prefix(text, at);
    match byte(text, at) {
        Some(_) => Some(at),
        None if text.starved() => None,
        None => parting(text, end).and_then(|_| next_line(text, end)),
    }
}

/// The byte that is written before the one at `at`.
pub(super) fn before(text: &Text<'_>, at: usize) -> Option<u8> {
    let (place, parted) = place_before(text, at)?;
    let known = |at: usize| text.known(at..at + 1).first().copied();
    // What a line of a dump begins with is no byte of it: it is longer, and a blank stands behind it.
    let long = || place.checked_sub(1).and_then(known).is_some_and(|byte| byte.is_ascii_hexdigit());
    if !parted || (place + 3 == at && !long()) {
        return byte(text, place);
    }
    let Some(start) = start(text, at).filter(|start| data(text, *start).is_some_and(|(data, _)| data == at))
    else {
        return byte(text, place);
    };
    let (mut last, _) = data(text, self::start(text, start.checked_sub(1)?)?)?;
    while let Some(next) = next(text, last + 2).filter(|next| *next < at) {
        last = next;
    }
    byte(text, last)
}

/// Where the two characters begin that stand before the byte at `at`, and whether something is between.
fn place_before(text: &Text<'_>, at: usize) -> Option<(usize, bool)> {
    let known = |at: usize| text.known(at..at + 1).first().copied();
    let back = |at: usize, byte: fn(u8) -> bool| at.checked_sub(1).filter(|at| known(*at).is_some_and(byte));
    let mut end = at;
    if let Some(x) = back(end, |byte| matches!(byte, b'x' | b'X')) {
        end = back(x, |byte| matches!(byte, b'0' | b'\\'))?;
        end = back(end, |byte| byte == b'\\').unwrap_or(end);
    }
    for _ in 0..BETWEEN_MAX {
        let Some(before) = back(end, is_between) else { break };
        end = before;
    }
    Some((end.checked_sub(2).filter(|place| *place >= text.begin())?, end < at))
}

/// Whether `at` is in a line of a dump, behind its place.
pub(super) fn is_of_dump(text: &Text<'_>, at: usize) -> bool {
    parting(text, at).is_some()
}

/// Where the line ends that `at` is in, or what is followed of it.
pub(super) fn end(text: &Text<'_>, at: usize) -> usize {
    (at..at + LINE_MAX)
        .find(|at| text.get(*at).is_none() || breaks_at(text, *at) > 0)
        .unwrap_or(at + LINE_MAX)
}

/// What stands behind the place that the line begins with that `at` is in, if that is one of a dump.
fn parting(text: &Text<'_>, at: usize) -> Option<u8> {
    let (data, parting) = data(text, start(text, at)?)?;
    (data <= at).then_some(parting)
}

/// Where the first byte is written in the line of a dump behind the one that `at` is in.
fn next_line(text: &Text<'_>, at: usize) -> Option<usize> {
    let end = end(text, at);
    let breaks = breaks_at(text, end);
    let more = if breaks > 0 { breaks_at(text, end + breaks) } else { return None };
    Some(data(text, end + breaks + more)?.0)
}

/// Where the line begins that `at` is in, if that is not too far.
fn start(text: &Text<'_>, at: usize) -> Option<usize> {
    let from = at.saturating_sub(LINE_MAX).max(text.begin());
    let line = text.known(from..at);
    work::done(line.len());
    // Values that are looked at together are not of one line.
    let broken = memchr::memrchr2(b'\n', PARTING, line).map(|at| at + 1);
    let escaped = memchr::memmem::rfind(line, b"\\n").map(|at| at + 2);
    match broken.max(escaped) {
        Some(start) => Some(from + start),
        None => (from == text.begin()).then_some(from),
    }
}

/// Where the bytes of a line begin that starts at `start` with a place, and what stands behind that: `00000010: ` as `xxd`
/// has it, `00000010  ` as `hexdump -C`, `0000020 ` as `od`.
fn data(text: &Text<'_>, start: usize) -> Option<(usize, u8)> {
    let count = |from: usize, most: usize, fits: fn(u8) -> bool| {
        (from..from + most).take_while(|at| text.get(*at).is_some_and(fits)).count()
    };
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t');
    let place = start + count(start, PLACE_BLANKS_MAX, is_blank);
    let digits = count(place, PLACE_DIGITS_MAX, |byte| byte.is_ascii_hexdigit());
    let parting = text.get(place + digits)?;
    let colon = usize::from(parting == b':');
    let blanks = count(place + digits + colon, PLACE_BLANKS_MAX, is_blank);
    let fits = matches!((digits, colon, blanks), (4.., 1, 1..) | (6.., 0, 2..) | (7, 0, 1));
    let at = place + digits + colon + blanks;
    (fits && byte(text, at).is_some()).then_some((at, parting))
}

/// Whether a character may stand between two bytes.
fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b':' | b'-' | b',' | b'.' | b';' | b'_' | b'/')
}

/// How long the line break is that stands at `at`; that of a string in JSON is one.
fn breaks_at(text: &Text<'_>, at: usize) -> usize {
    match text.get(at) {
        Some(b'\n' | b'\r') => 1,
        Some(b'\\') if matches!(text.get(at + 1), Some(b'n' | b'r')) => 2,
        _ => 0,
    }
}

/// How long what says that a byte in hex follows is: `0x`, `\x`, and the same in JSON.
fn prefix(text: &Text<'_>, at: usize) -> usize {
    let is_x = |at: usize| matches!(text.get(at), Some(b'x' | b'X'));
    match text.get(at) {
        Some(b'0') if is_x(at + 1) => 2,
        Some(b'\\') if is_x(at + 1) => 2,
        Some(b'\\') if text.get(at + 1) == Some(b'\\') && is_x(at + 2) => 3,
        _ => 0,
    }
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Characters between two bytes: a comma, a line break and an indent.
const BETWEEN_MAX: usize = 8;
/// Longest line of a dump that is followed: 16 bytes with their place and characters take 78.
const LINE_MAX: usize = 96;
/// Blanks before a place and behind it, and its digits.
const PLACE_BLANKS_MAX: usize = 4;
const PLACE_DIGITS_MAX: usize = 16;
