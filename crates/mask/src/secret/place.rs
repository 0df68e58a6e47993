//! The places where a secret may start, told by the bytes right before: most bytes are gone over here.

use super::alphabet::Alphabet;
use super::rule::{self, Ends};
use super::{may_start, work};
use crate::text::Text;

/// The next place at or after `at`, of those that are known, where a secret may start; the end of what is known
/// if there is none.
pub(crate) fn next(text: &Text<'_>, at: usize) -> usize {
    let reach = at.min(BEFORE);
    if reach < 2 {
        return at;
    }
    let known = text.words_before(text.len(), text.len() - (at - reach).min(text.len()));
    let ends = rule::ends();
    let mut place = reach;
    for three in known.get(reach - 2..).unwrap_or_default().windows(3) {
        let [one, two, next] = three else { break };
        // Within a word hardly anything starts: that is most of a text.
        let within = two.is_ascii_alphanumeric() && *one != b'\\' && !ends.has(*one, *two);
        if (!within || *two == b'J') && may_begin(*two, *next) {
            let (before, after) = known.split_at_checked(place).unwrap_or_default();
            if is_one(ends, before, after) {
                break;
            }
        }
        place += 1;
    }
    work::done(place - reach + 1);
    at - reach + place
}

/// Whether a secret may start with `next` behind `last`: a key's first line may be followed by the line's end,
/// all else begins with a sign that is printed.
fn may_begin(last: u8, next: u8) -> bool {
    may_start(next) || matches!(last, b'-' | b':')
}

/// Whether a secret may start between `before` and `after`.
fn is_one(ends: &Ends, before: &[u8], after: &[u8]) -> bool {
    let Some([one, two]) = before.last_chunk::<2>() else { return true };
    // A key may begin with the end of a line; all else with what is printed.
    match (one, two) {
        (b'-', b'-') => return after.first() != Some(&b'-'),
        (b's', b':') => return true,
        _ if !after.first().is_some_and(|first| may_start(*first)) => return false,
        _ if ends.has(*one, *two) => return true,
        _ => {}
    }
    match (one, two) {
        (_, b':' | b'=' | b'>') => true,
        (b' ' | b'\t', b'"' | b'\'' | b'`') => {
            after_spaces(before.get(..before.len() - 1).unwrap_or_default()) || is_long(after)
        }
        (b'=' | b':' | b'>' | b'\\', b'"' | b'\'' | b'`') => true,
        (b'y', b'J') | (b'Q', b'~') => true,
        (_, b'.') => at_mark(before) || is_long(after),
        (_, b' ' | b'\t') => after_spaces(before) || is_long(after),
        (one, two) => (!is_standard(*two) || *one == b'\\') && is_long(after),
    }
}

/// Whether the part of a token ends in the full stop that `before` ends in.
fn at_mark(before: &[u8]) -> bool {
    let is = |behind: usize, byte: u8| {
        before.len().checked_sub(behind).and_then(|at| before.get(at)) == Some(&byte)
    };
    is(8, b'.') || is(18, b'p') || before.len() < 18
}

/// Whether the spaces that `before` ends in stand behind a sign that gives a value, or a word that does.
fn after_spaces(before: &[u8]) -> bool {
    let spaces = before.iter().rev().take(BEFORE).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    work::done(spaces);
    match before.get(..before.len() - spaces).unwrap_or_default() {
        [.., b':' | b'=' | b'>'] => true,
        [.., last] if last.is_ascii_alphanumeric() || matches!(last, b'-' | b'_' | b'.') => is_word(before),
        _ => false,
    }
}

/// Whether the word before the space that `before` ends in is an option's name, or a scheme's of HTTP.
fn is_word(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length = before.iter().rev().take(BEFORE).take_while(|byte| of_word(byte)).count();
    work::done(length);
    let word = before.get(before.len() - length..).unwrap_or_default();
    let ends = |scheme: &[u8]| {
        let end = word.len().checked_sub(scheme.len()).and_then(|at| word.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(scheme))
    };
    length == BEFORE || word.starts_with(b"--") || ends(b"basic") || ends(b"bearer") || ends(b"token")
}

/// Whether as many characters of base64 follow as a secret of AWS has, or may yet follow.
fn is_long(after: &[u8]) -> bool {
    let length = after.iter().take(AWS + 1).take_while(|byte| is_standard(**byte)).count();
    work::done(length);
    length == AWS || (length < AWS && length == after.len())
}

fn is_standard(byte: u8) -> bool {
    byte != b'=' && Alphabet::Base64.has(byte)
}

/// How far is looked back to tell.
const BEFORE: usize = 80;
const AWS: usize = 40;
