//! What a quick look at a text shows of secrets is held against their names and anchors.

use std::sync::LazyLock;

use super::alphabet::Alphabet;
use super::hint::Hint;
use super::{assignment, rule};

/// Whether `byte` may be of a token, or of the anchor before it.
pub(crate) fn is_of_token(byte: u8) -> bool {
    Alphabet::Dotted.has(byte) || Alphabet::Escaped.has(byte)
}

/// For the third-last, the second-last and the last character of the names of secrets, which they may be: a bit for
/// each of eight heaps of names. Signs may stand between the letters of a name.
pub(crate) fn name_ends() -> [[u8; 128]; 3] {
    let (ends, alone) = assignment::names();
    let mut names: Vec<Vec<u8>> =
        ends.chain(alone).map(|name| name.bytes().rev().take(3).collect()).collect();
    names.sort();
    names.dedup();
    let mut tables = [[0; 128]; 3];
    // Those that are next to each other end alike.
    let heap = names.len().div_ceil(8);
    for (index, name) in names.iter().enumerate() {
        let bit = 1_u8 << (index / heap);
        for (back, table) in tables.iter_mut().rev().enumerate() {
            let letters = name.get(..=back);
            for (byte, entry) in (0..).zip(table) {
                // Before a name of two letters there may be anything.
                let fits = letters.is_none_or(|letters| {
                    assignment::is_joint(byte)
                        || letters.iter().any(|letter| byte.eq_ignore_ascii_case(letter))
                });
                *entry |= if fits { bit } else { 0 };
            }
        }
    }
    tables
}

/// Where the name of a secret ends that the sign at `at` gives a value to, if one does.
pub(crate) fn shows_name(text: &[u8], at: usize) -> Option<usize> {
    let before = text.get(..at)?.iter().rev().take(assignment::GAP_MAX);
    let end = at - before.take_while(|byte| assignment::is_gap(**byte)).count();
    Hint::new(text, true).is_name(end).then_some(end)
}

/// Whether the name of an option ends before `at` whose value is a secret.
pub(crate) fn shows_name_before(text: &[u8], at: usize) -> bool {
    let hint = Hint::new(text, true);
    hint.is_name(at) && hint.is_option(at)
}

/// Whether an anchor ends before `at`, behind which something may be.
pub(crate) fn shows_anchor(text: &[u8], at: usize, ended: bool) -> bool {
    let hint = Hint::new(text, !ended);
    let mut marked = false;
    hint.is_anchor(at) && (hint.behind_anchor(at, |_| marked = true) || marked)
}

/// Whether an anchor of a token may stand at the beginning of the word at `at`.
pub(crate) fn shows_token(text: &[u8], at: usize) -> bool {
    let Some(rest) = text.get(at..) else { return false };
    let Some(pair) = rest.first_chunk().map(|pair| u16::from_le_bytes(*pair)) else { return false };
    if STARTS.pairs.get(usize::from(pair >> 6)).is_none_or(|word| word >> (pair & 63) & 1 == 0) {
        return false;
    }
    let first = STARTS.anchors.partition_point(|(start, _)| *start < pair);
    let mut anchors = STARTS.anchors.iter().skip(first).take_while(|(start, _)| *start == pair);
    anchors.any(|(_, anchor)| rest.starts_with(anchor.as_bytes())) || shows_form(text, at, rest)
}

/// Whether a token may start there that has a form and no anchor: a number, a colon and an `A`, or the number of a
/// Discord bot.
fn shows_form(text: &[u8], at: usize, rest: &[u8]) -> bool {
    match rest {
        [b'A', ..] => at.checked_sub(2).is_some_and(
            |before| matches!(text.get(before..at), Some([digit, b':']) if digit.is_ascii_digit()),
        ),
        [b'M' | b'N' | b'O', ..] => {
            let id = rest.iter().take(29).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            (24..=28).contains(&id) && rest.get(id) == Some(&b'.')
        }
        _ => false,
    }
}

/// Whether the run of standard base64 that starts at `at` may be a key of AWS, the letter of an escape before it or
/// not.
pub(crate) fn shows_key(text: &[u8], at: usize) -> bool {
    let is_of_run = |behind: usize| text.get(at + behind).is_some_and(|byte| assignment::is_standard(*byte));
    is_of_run(assignment::AWS - 1) && !(is_of_run(assignment::AWS) && is_of_run(assignment::AWS + 1))
}

/// How tokens start: with which two bytes, a bit each, and with what.
struct Starts {
    pairs: Vec<u64>,
    anchors: Vec<(u16, &'static str)>,
}

static STARTS: LazyLock<Starts> = LazyLock::new(|| {
    let words = rule::anchors().chain(["eyJ", "pat"]);
    let words = words.map(|anchor| anchor.trim_start_matches(|sign: char| !sign.is_ascii_alphanumeric()));
    let start = |word: &'static str| Some((u16::from_le_bytes(*word.as_bytes().first_chunk()?), word));
    let mut anchors: Vec<_> = words.filter_map(start).collect();
    anchors.sort_unstable();
    anchors.dedup();
    let mut pairs = vec![0_u64; 1 << 10];
    let mut add = |pair: u16| {
        let word = pairs.get_mut(usize::from(pair >> 6));
        word.into_iter().for_each(|word| *word |= 1 << (pair & 63));
    };
    anchors.iter().for_each(|(pair, _)| add(*pair));
    // What has a form starts with one of these.
    for second in 0..=u8::MAX {
        b"AMNO".iter().for_each(|first| add(u16::from_le_bytes([*first, second])));
    }
    Starts { pairs, anchors }
});

/// Fewest characters of an anchor and its token.
#[cfg(test)]
pub(super) const TOKEN_BYTES_MIN: usize = crate::sieve::signs::TOKEN_LATE + 1;
