//! Words that say that a number nearby is a card's.

use std::ops::Range;

use crate::text::Text;

/// Whether such a word stands within [`REACH`] bytes of `range`, in any case.
pub(crate) fn speaks_of_cards(text: &Text<'_>, range: Range<usize>) -> bool {
    let speaks = |near: &[u8]| {
        ANYWHERE.iter().any(|word| positions(near, word).next().is_some())
            || ALONE.iter().any(|word| positions(near, word).any(|at| stands_alone(near, at, word.len())))
    };
    text.is_about_cards()
        || speaks(text.words_before(range.start, REACH))
        || text.words_after(range.end, REACH).into_iter().any(speaks)
}

fn positions<'t>(text: &'t [u8], word: &'t str) -> impl Iterator<Item = usize> + 't {
    let words = text.windows(word.len()).enumerate();
    words.filter(|(_, here)| here.eq_ignore_ascii_case(word.as_bytes())).map(|(at, _)| at)
}

fn stands_alone(text: &[u8], at: usize, length: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
    !letter(at.checked_sub(1)) && !letter(at.checked_add(length))
}

/// How far a word may be from the number.
const REACH: usize = 64;

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
