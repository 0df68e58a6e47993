//! Words that say that a number nearby is a card's.

use std::ops::Range;

use crate::text::Text;
use crate::work;

/// Whether such a word stands within [`REACH`] bytes of `range`, in any case.
pub(crate) fn speaks_of_cards(text: &Text<'_>, range: Range<usize>) -> bool {
    text.is_about_cards()
        || speaks(text.words_before(range.start, REACH))
        || text.words_after(range.end, REACH).into_iter().any(speaks)
}

fn speaks(near: &[u8]) -> bool {
    work::done(near.len());
    let mut last = NO_LETTER;
    (0..).zip(near).any(|(at, byte)| {
        let letter = letter(*byte);
        let pair = std::mem::replace(&mut last, letter);
        let may_start = STARTS.get(pair).is_some_and(|seconds| seconds >> letter & 1 == 1);
        may_start && is_word_at(near, at - 1)
    })
}

/// Whether a word stands at `at`.
fn is_word_at(near: &[u8], at: usize) -> bool {
    let rest = near.get(at..).unwrap_or_default();
    let starts =
        |word: &&str| rest.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()));
    let before = at.checked_sub(1).and_then(|at| near.get(at));
    ANYWHERE.iter().any(&starts)
        || (!before.is_some_and(u8::is_ascii_alphabetic)
            && ALONE
                .iter()
                .any(|word| starts(word) && !rest.get(word.len()).is_some_and(u8::is_ascii_alphabetic)))
}

/// The place of a letter in the alphabet, small or not; [`NO_LETTER`] for what is none.
const fn letter(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => (byte - b'a') as usize,
        b'A'..=b'Z' => (byte - b'A') as usize,
        _ => NO_LETTER,
    }
}

const NO_LETTER: usize = 26;

/// For each letter, a bit for each that is the second of a word that starts with it.
#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
static STARTS: [u32; 26] = {
    let mut starts = [0; 26];
    let lists = [ANYWHERE, ALONE];
    let (mut list, mut index) = (0, 0);
    while list < lists.len() {
        if index == lists[list].len() {
            (list, index) = (list + 1, 0);
            continue;
        }
        let word = lists[list][index].as_bytes();
        starts[letter(word[0])] |= 1 << letter(word[1]);
        index += 1;
    }
    starts
};

/// How far a word may be from the number.
pub(crate) const REACH: usize = 64;

/// Words that count within others: `cardNumber`, `kreditkarte`.
const ANYWHERE: &[&str] = &[
    "card",
    "karte",
    "tarjeta",
    "carte",
    "cartao",
    "carta",
    "debit",
    "credit",
    "kredit",
    "visa",
    "maestro",
    "mastercard",
    "amex",
    "diners",
    "discover",
    "unionpay",
    "rupay",
    "hipercard",
    "verve",
    "troy",
    "dankort",
];

/// Words that count by themselves: `pan=`, `cc_number`, not `company`.
const ALONE: &[&str] = &["pan", "dpan", "fpan", "cc", "ccn", "ccnum", "jcb", "mir", "elo"];
