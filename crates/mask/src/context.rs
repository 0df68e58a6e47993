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
    let letters = near.iter().enumerate().filter(|(_, byte)| STARTS.contains(&byte.to_ascii_lowercase()));
    letters.into_iter().any(|(at, _)| {
        let rest = near.get(at..).unwrap_or_default();
        let starts = |word: &&str| {
            rest.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()))
        };
        let before = at.checked_sub(1).and_then(|at| near.get(at));
        ANYWHERE.iter().any(&starts)
            || (!before.is_some_and(u8::is_ascii_alphabetic)
                && ALONE
                    .iter()
                    .any(|word| starts(word) && !rest.get(word.len()).is_some_and(u8::is_ascii_alphabetic)))
    })
}

/// The letters that the words start with.
const STARTS: &[u8] = b"cktdvmahurjep";

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
