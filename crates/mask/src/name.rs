//! What the names of columns, of JSON members, of form fields and of CSV columns say of the values under them.
//!
//! A name is read word by word, however it is written: `card_number`, `cardNumber`, `CARD-NUMBER` and
//! `card number` are the same two words, and `span_id`, `company` or `acid` hold no word of a card's. Some words
//! can only mean one thing (`cvv`); others mean it beside card data and something else elsewhere (`cid`).

mod known;
mod words;

pub(crate) use known::FILLERS;
use known::{Known, Where};
use words::Words;

use crate::brand::Brand;
use crate::chain::{DIGITS_MAX, DIGITS_MIN};

/// What a name says of the values under it.
///
/// The order is that of which one counts where a name has words of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// A card code: CVV2, CVC2, CID, CAV2 and what else the brands call it. Sensitive authentication data.
    CardCode,
    /// A PIN block (ISO 9564-1) or an encrypted PIN. Sensitive authentication data.
    PinBlock,
    /// Magnetic-stripe data (ISO/IEC 7813). Sensitive authentication data.
    Track,
    /// A PIN as it is typed, or its block. Sensitive authentication data.
    Pin,
    /// A card number.
    Pan,
    /// The cardholder's name.
    CardholderName,
    /// A card's expiry, or a part of it.
    Expiry,
    /// What else is known of a card: its brand or type, the issuer's digits, the last four.
    Detail,
    /// Something of a card, perhaps the number.
    Card,
}

/// A name that says something of cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    meaning: Meaning,
    sure: Sure,
}

/// What it takes for a name to mean what it may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// Nothing more.
    Alone,
    /// That what stands beside it is card data.
    BesideCard,
    /// That a card number and an expiry or a holder stand beside it.
    BesideWholeCard,
}

impl Name {
    /// What `name` says, in UTF-8; `None` for nearly all names.
    pub fn of(name: &[u8]) -> Option<Self> {
        let words = Words::read(name);
        let found = Self::best(&words, |known, at| match known.stands {
            Where::Anywhere => words.is_word(at..at + known.word.len()),
            Where::Alone => at == 0 && words.is_end(known.word.len()),
        })?;
        if found.meaning != Meaning::Pan && !found.meaning.may_be_sad() {
            return Some(found);
        }
        let has =
            |word: &&str| words.starts().any(|at| words.has(word, at) && words.is_word(at..at + word.len()));
        if found.sure == Sure::Alone && known::PARTS.iter().any(has) {
            return Some(Self { meaning: Meaning::Detail, ..found });
        }
        (!known::OTHERS.iter().any(has)).then_some(found)
    }

    /// What the words say that `text` ends in, as `my card's cvv` and `Card Security Code` do, if that may be
    /// sensitive authentication data.
    pub(crate) fn at_end_of(text: &[u8]) -> Option<Self> {
        if !known::may_end(text) {
            return None;
        }
        let words = Words::read(text);
        Self::best(&words, |known, at| {
            known.meaning.may_be_sad()
                && words.is_end(at + known.word.len())
                && match known.stands {
                    Where::Anywhere => words.is_word(at..at + known.word.len()),
                    Where::Alone => words.is_apart(at),
                }
        })
    }

    /// What the words say that are known, and that stand where they must.
    fn best(words: &Words, stands: impl Fn(&Known, usize) -> bool) -> Option<Self> {
        let known = words
            .starts()
            .flat_map(|at| known::at_start_of(words.from(at)).iter().map(move |known| (at, *known)));
        let found = known.filter(|(at, known)| words.has(known.word, *at) && stands(known, *at));
        let names = found.map(|(_, known)| Self { meaning: known.meaning, sure: known.sure });
        names.min_by_key(|name| (name.meaning, name.sure))
    }

    /// Whether [`Name::at_end_of`] may know the words that `text` ends in, [`FILLERS`] aside, by its last letters: mostly
    /// not.
    pub(crate) fn may_end(text: &[u8]) -> bool {
        known::may_end(text)
    }

    /// The same of words that end in these letters of ASCII.
    pub(crate) fn may_end_in(letters: [u8; 3]) -> bool {
        known::may_end_in(letters)
    }

    /// What it means by itself, if that is certain.
    pub fn alone(self) -> Option<Meaning> {
        (self.sure == Sure::Alone).then_some(self.meaning)
    }

    /// What it means if what stands beside it agrees.
    pub fn meaning(self) -> Meaning {
        self.meaning
    }
}

impl From<Meaning> for Name {
    fn from(meaning: Meaning) -> Self {
        Self { meaning, sure: Sure::Alone }
    }
}

impl Meaning {
    /// Whether some value under such a name is sensitive authentication data.
    pub fn may_be_sad(self) -> bool {
        match self {
            Self::CardCode | Self::PinBlock | Self::Track | Self::Pin => true,
            Self::Pan | Self::CardholderName | Self::Expiry | Self::Detail | Self::Card => false,
        }
    }

    /// Whether `value` under such a name is sensitive authentication data, by its form.
    ///
    /// A code has three or four digits, a PIN four, a block 16 or 32 of hex (PCI PIN, ISO 9564-1 §9); a track is
    /// a card number, a separator and what follows. So a code's result, a reference to a block or a song is none.
    pub fn is_sad(self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        let digits = value.iter().all(u8::is_ascii_digit);
        match self {
            Self::CardCode => digits && matches!(value.len(), 3 | 4),
            Self::PinBlock => is_block(value),
            Self::Pin => (digits && value.len() == 4) || is_block(value),
            Self::Track => is_track(value),
            Self::Pan | Self::CardholderName | Self::Expiry | Self::Detail | Self::Card => false,
        }
    }

    /// Whether values under such a name are about cards, so that numbers of weaker brands count there.
    pub fn is_about_cards(self) -> bool {
        match self {
            Self::Pan | Self::Card | Self::Track => true,
            Self::CardCode
            | Self::PinBlock
            | Self::Pin
            | Self::CardholderName
            | Self::Expiry
            | Self::Detail => false,
        }
    }
}

/// Whether `value` as a whole has an issuer's digits and a length that its numbers have. The check digit may be
/// wrong: a typing error is to be hidden too, and some brands have none.
pub(crate) fn is_issuers(value: &[u8]) -> bool {
    let mut number = [0; DIGITS_MAX];
    let mut length = 0;
    for byte in value.trim_ascii() {
        match byte {
            b'0'..=b'9' => match number.get_mut(length) {
                Some(digit) => (*digit, length) = (byte - b'0', length + 1),
                None => return false,
            },
            b' ' | b'-' if length > 0 => {}
            _ => return false,
        }
    }
    length >= DIGITS_MIN && number.get(..length).is_some_and(Brand::may_be)
}

/// 16 or 32 digits of hex, which are not all the same.
fn is_block(value: &[u8]) -> bool {
    let hex = [b"0x", b"0X", b"\\x"].iter().find_map(|prefix| value.strip_prefix(*prefix)).unwrap_or(value);
    matches!(hex.len(), 16 | 32)
        && hex.iter().all(u8::is_ascii_hexdigit)
        && hex.iter().any(|digit| Some(digit) != hex.first())
}

/// A number as long as a card's, a separator, and an expiry behind it or a name.
fn is_track(value: &[u8]) -> bool {
    let value = value.strip_prefix(b";").or_else(|| value.strip_prefix(b"%")).unwrap_or(value);
    let value = value.strip_prefix(b"B").or_else(|| value.strip_prefix(b"b")).unwrap_or(value);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = value.get(digits..).unwrap_or_default();
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits)
        && matches!(rest.first(), Some(b'=' | b'D' | b'd' | b'^'))
        && rest.len() > SHORTEST_REST
}

/// A separator, an expiry and a service code.
const SHORTEST_REST: usize = 7;

/// What the names of several values say together: the columns of a row, the members of an object.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    number: bool,
    /// An expiry that can only be a card's.
    card_expiry: bool,
    /// An expiry, perhaps of something else.
    expiry: bool,
    holder: bool,
    code: bool,
    detail: bool,
    card: bool,
}

impl Beside {
    /// What the words of a text say together.
    pub(crate) fn of(text: &[u8]) -> Self {
        let words = Words::read(text);
        let mut beside = Self::default();
        for at in words.starts() {
            for known in known::at_start_of(words.from(at)) {
                let whole = words.has(known.word, at) && words.is_word(at..at + known.word.len());
                if whole && (known.stands == Where::Anywhere || known.meaning == Meaning::Card) {
                    beside.add(Name { meaning: known.meaning, sure: known.sure });
                }
            }
        }
        beside
    }

    /// Takes note of one of the names.
    pub fn add(&mut self, name: Name) {
        match (name.meaning, name.sure) {
            (Meaning::Expiry, Sure::Alone) => (self.card_expiry, self.expiry) = (true, true),
            (Meaning::Expiry, Sure::BesideCard | Sure::BesideWholeCard) => self.expiry = true,
            (_, Sure::BesideCard | Sure::BesideWholeCard) => {}
            (Meaning::Pan, Sure::Alone) => self.number = true,
            (Meaning::CardholderName, Sure::Alone) => self.holder = true,
            (Meaning::Detail, Sure::Alone) => self.detail = true,
            (Meaning::Card, Sure::Alone) => self.card = true,
            (Meaning::CardCode | Meaning::PinBlock | Meaning::Track | Meaning::Pin, Sure::Alone) => {
                self.code = true;
            }
        }
    }

    /// Takes note that a card number is among the values.
    pub fn add_number(&mut self) {
        self.number = true;
    }

    /// Takes note that a value under the name of an expiry is written as a card's: month and year.
    pub(crate) fn add_card_expiry(&mut self) {
        (self.card_expiry, self.expiry) = (true, true);
    }

    /// Whether the values are about cards, so that numbers of weaker brands count among them.
    pub fn about_cards(self) -> bool {
        self.number || self.card_expiry || self.holder || self.code || self.detail
    }

    /// What `name` means among these.
    pub fn settle(self, name: Name) -> Option<Meaning> {
        let of_card =
            self.number || self.card_expiry || self.holder || self.code || (self.card && self.expiry);
        let whole_card = self.number && (self.expiry || self.holder);
        let settled = match name.sure {
            Sure::Alone => true,
            Sure::BesideCard => of_card,
            Sure::BesideWholeCard => whole_card,
        };
        settled.then_some(name.meaning)
    }
}

/// Whether `value` is written as an expiry is on cards and in forms: `12/29`, `12-2029`, `1229`.
pub(crate) fn is_card_expiry(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some(([tens, ones], rest)) = value.split_first_chunk::<2>() else { return false };
    let month = matches!((tens, ones), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'));
    let rest = rest.trim_ascii();
    let year = rest.strip_prefix(b"/").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest).trim_ascii();
    let year = year.strip_prefix(b"20").filter(|short| short.len() == 2).unwrap_or(year);
    month && year.len() == 2 && year.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
