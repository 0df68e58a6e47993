//! What the values of one column hold, counted. No value is kept.

use std::collections::BTreeMap;

use mask::{Classes, FindingKind, Masker, Meaning, Profile};

use super::document::Document;

/// Counts over the sampled values of a column.
#[derive(Default)]
pub struct Evidence {
    /// Values that are not NULL.
    pub values: u64,
    /// Values that are a card number from end to end.
    pub cards: u64,
    /// Values that hold one among other text.
    pub cards_within: u64,
    /// Values that are nothing but digits, as many as a card number has.
    pub bare: u64,
    /// Those of them that are card numbers.
    pub bare_cards: u64,
    /// Values that have an issuer's digits, whatever the check digit. Counted under a card number's name.
    pub issuers: u64,
    /// Values that hold a track, a card code or a PIN.
    pub sad: u64,
    /// Values that hold anything of each other class, as the class is called.
    pub others: BTreeMap<&'static str, u64>,
    /// Card numbers by brand.
    pub brands: BTreeMap<&'static str, u64>,
    /// Values that are JSON objects or arrays.
    pub documents: u64,
    /// What they hold, by place.
    pub document: Document,
}

/// What one value holds.
#[derive(Default)]
pub struct Held {
    pub card: Option<Card>,
    pub sad: bool,
    pub others: Vec<&'static str>,
}

/// A card number in a value.
pub struct Card {
    pub brand: &'static str,
    /// It is the value, and not a part of it.
    pub whole: bool,
}

impl Evidence {
    /// Takes in a value of a column that is called `name`, in words for the search, and means `meaning`.
    pub fn add(&mut self, name: &[u8], meaning: Option<Meaning>, value: &str) {
        self.values += 1;
        let held = held(name, meaning, value.as_bytes());
        let bare = is_bare(value);
        self.bare += u64::from(bare);
        if let Some(card) = held.card {
            *self.brands.entry(card.brand).or_default() += 1;
            if card.whole {
                self.cards += 1;
                self.bare_cards += u64::from(bare);
            } else {
                self.cards_within += 1;
            }
        }
        self.sad += u64::from(held.sad);
        held.others.iter().for_each(|class| *self.others.entry(class).or_default() += 1);
        let named = Masker::new(Profile::Last4).under(Some(Meaning::Pan));
        self.issuers += u64::from(meaning == Some(Meaning::Pan) && named.text(value.as_bytes()).is_some());
        self.documents += u64::from(self.document.add(value));
    }
}

/// What `value` holds under that name.
pub fn held(name: &[u8], meaning: Option<Meaning>, value: &[u8]) -> Held {
    let label = [b"\"", name, b"\": \""].concat();
    let start = label.len();
    let text = [label.as_slice(), value, b"\""].concat();
    let mut held = Held { sad: meaning.is_some_and(|meaning| meaning.is_sad(value)), ..Held::default() };
    let mut classes = Classes::default();
    for finding in mask::find_all(&text, EVERY) {
        if finding.range.end <= start {
            continue;
        }
        match finding.kind {
            FindingKind::Pan { brand } => {
                let range = finding.range.start.saturating_sub(start)..finding.range.end - start;
                let whole = held.card.as_ref().is_some_and(|card| card.whole) || is_all(value, &range);
                held.card = Some(Card { brand: brand.name(), whole });
            }
            FindingKind::Track1 | FindingKind::Track2 | FindingKind::CardCode | FindingKind::Pin => {
                held.sad = true;
            }
            FindingKind::Secret { .. } => classes.secret = true,
            FindingKind::Email => classes.email = true,
            FindingKind::Phone => classes.phone = true,
            FindingKind::Iban => classes.iban = true,
            FindingKind::UsSsn => classes.us_ssn = true,
        }
    }
    let flags = [
        (classes.secret, "secret"),
        (classes.email, "email"),
        (classes.phone, "phone"),
        (classes.iban, "iban"),
        (classes.us_ssn, "us_ssn"),
    ];
    held.others = flags.into_iter().filter_map(|(found, class)| found.then_some(class)).collect();
    held
}

/// Whether nothing but punctuation stands around `range` of `value`.
fn is_all(value: &[u8], range: &std::ops::Range<usize>) -> bool {
    let around = [value.get(..range.start), value.get(range.end..)];
    around.into_iter().flatten().flatten().all(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
}

/// Whether `value` is digits alone, as many as a card number has: by chance one in ten has a right check digit.
fn is_bare(value: &str) -> bool {
    let value = value.trim();
    (12..=19).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// All that a scan knows.
const EVERY: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };

#[cfg(test)]
mod tests;
