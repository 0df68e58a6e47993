//! Card codes and PIN blocks in text, told by what stands before them: `cvv=123`, `"cvc2": "1234"`,
//! `<pinBlock>0412AC89ABCDEF67</pinBlock>`, `Security code: 123` behind a card number.
//!
//! Three digits have no form of their own (pci.md 2.3), so the name before them is looked back at once they
//! arrive, and nothing is held back but the digits themselves. A name that may mean something else, and one with
//! nothing but a space between, count where card data stands close before.

mod place;

pub(crate) use place::{is_between, is_hex, is_of_name, is_opener, shows_name};

use std::ops::Range;

use crate::brand::Brand;
use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::finding::{Finding, FindingKind, Form};
use crate::name::{Beside, FILLERS, Meaning, Name, is_card_expiry};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;

/// Reads a text for card codes and PIN blocks.
///
/// Each is a run of letters and digits, of 3 or 4 digits or of 16 or 32 of hex, behind a sign that stands before
/// values, or behind an escape of one: a text without such a run holds none (`place`).
#[derive(Debug)]
pub(crate) struct Codes {
    at: usize,
}

impl Codes {
    /// A reader that starts at `at`.
    pub fn new(at: usize) -> Self {
        Self { at }
    }

    /// What starts at `at`, if something does.
    fn judge(&self, text: &Text<'_>) -> Option<Finding> {
        let at = self.at + escape_digits(text, self.at);
        let known = text.known(at..at + RUN_MAX + 1);
        let length = known.iter().take_while(|byte| is_of_run(**byte)).count();
        // Where all of it is known already, most runs are of another length.
        if length < known.len() && !may_be(known.get(..length)?) {
            return None;
        }
        let meaning = meaning(text.known(at.saturating_sub(BEFORE)..at))?;
        let of_run = |length: &usize| text.get(at + length).is_some_and(is_of_run);
        let end = at + (0..=RUN_MAX).take_while(of_run).count();
        if !meaning.is_sad(text.known(at..end)) || goes_on(text, end) {
            return None;
        }
        let kind = match meaning {
            Meaning::CardCode => FindingKind::CardCode,
            Meaning::PinBlock | Meaning::Pin => FindingKind::Pin,
            // A track is found by its form, and the rest is none of this.
            Meaning::Track
            | Meaning::Pan
            | Meaning::CardholderName
            | Meaning::Expiry
            | Meaning::Detail
            | Meaning::Card => return None,
        };
        Some(Finding { range: at..end, kind, form: Form::Whole, view: View::Plain })
    }
}

impl Reader for Codes {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        while self.at < until {
            text.forgive();
            self.at = place::next(text, self.at);
            if self.at >= until.min(text.len()) {
                return None;
            }
            let found = self.here(text, until);
            if found.is_some() || text.starved() {
                return found;
            }
        }
        None
    }

    fn here(&mut self, text: &Text<'_>, _: usize) -> Option<Finding> {
        text.forgive();
        let found = self.judge(text);
        if text.starved() {
            return None;
        }
        self.at = found.as_ref().map_or(self.at + 1, |found| found.range.end);
        found
    }

    fn at(&self) -> usize {
        self.at
    }

    fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
    }

    fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }
}

/// How many bytes of an escape of an opener stand at `at`, behind its percent sign.
fn escape_digits(text: &Text<'_>, at: usize) -> usize {
    if text.known(at.saturating_sub(1)..at) != b"%" {
        return 0;
    }
    match text.slice(at..at + 2) {
        [high, low] => usize::from(is_escaped(*high, *low)) * 2,
        _ => 0,
    }
}

/// Whether `%` and these two are an escape of something that stands between a name and its value.
fn is_escaped(high: u8, low: u8) -> bool {
    matches!(
        (high, low.to_ascii_uppercase()),
        (b'2', b'0' | b'2' | b'7') | (b'3', b'A' | b'D' | b'E') | (b'5', b'D')
    )
}

/// Whether a code or a block is in `text`, which is mostly told at a glance.
pub(crate) fn may_hold(text: &[u8]) -> bool {
    Codes::new(0).next(&Text::whole(text), text.len()).is_some()
}

/// Whether there is something behind a name of codes or blocks in one of several values that are looked at together.
/// What one says of cards is none of the others' matter, and so is not asked.
pub(crate) fn may_hold_among(values: &[u8]) -> bool {
    let text = Text::whole(values);
    let mut at = place::next(&text, 0);
    while at < values.len() {
        let start = at + escape_digits(&text, at);
        if name_before(text.known(start.saturating_sub(BEFORE)..start)).is_some() {
            return true;
        }
        at = place::next(&text, at + 1);
    }
    false
}

/// What stands before a value as its name.
struct NameBefore {
    name: Name,
    /// The name and the words around it.
    phrase: Range<usize>,
    /// Whether what stands behind it says that a value follows.
    says_so: bool,
}

fn name_before(before: &[u8]) -> Option<NameBefore> {
    let (end, says_so) = separated(before)?;
    let phrase = end - phrase(before.get(..end)?)..end;
    Some(NameBefore { name: named(before.get(phrase.clone())?)?, phrase, says_so })
}

/// What the name before a value says that it is, with what stands before that.
fn meaning(before: &[u8]) -> Option<Meaning> {
    let NameBefore { name, phrase: Range { start: phrase_from, end: phrase_end }, says_so } =
        name_before(before)?;
    if says_so && let Some(meaning) = name.alone() {
        return Some(meaning);
    }
    let beside = close_by(before.get(close_from(before, phrase_from)..phrase_end)?, phrase_end - phrase_from);
    if name.alone().is_some() && !beside.about_cards() {
        return None;
    }
    beside.settle(name)
}

/// Where the name ends, and whether what stands behind it says that a value follows: `=`, `:`, `>`.
fn separated(before: &[u8]) -> Option<(usize, bool)> {
    let (mut end, mut says_so) = (before.len(), false);
    while before.len() - end < SEPARATOR_MAX {
        let rest = before.get(..end)?;
        end -= match rest.last()? {
            b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'(' | b')' | b'[' | b']' | b'#' => 1,
            b'=' | b':' | b'>' => {
                says_so = true;
                1
            }
            _ => match rest {
                [.., b'%', b'3', last] if is_escaped(b'3', *last) => {
                    says_so |= !matches!(last, b'E' | b'e');
                    3
                }
                [.., b'%', high, low] if is_escaped(*high, *low) => 3,
                [.., b' ' | b'\t', b'-'] => {
                    says_so = true;
                    1
                }
                _ => return (end < before.len()).then_some((end, says_so)),
            },
        };
    }
    None
}

/// How many bytes of words `text` ends in: what a name may be made of.
fn phrase(text: &[u8]) -> usize {
    let mut last = None;
    let of_phrase = |byte: &&u8| {
        let spaces = **byte == b' ' && last == Some(b' ');
        last = Some(**byte);
        !spaces && is_of_phrase(**byte)
    };
    text.iter().rev().take(PHRASE_MAX).take_while(of_phrase).count()
}

fn is_of_phrase(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. | b'_' | b'-' | b'.' | b' ' | b'\'' | b'[' | b']')
}

/// What a phrase names at its end, but for words that only lead on to the value: `my cvv code is`.
fn named(phrase: &[u8]) -> Option<Name> {
    let mut rest = phrase;
    for _ in 0..=FILLERS_MAX {
        let start = rest.iter().rposition(|byte| *byte == b' ').map_or(0, |space| space + 1);
        let (before, word) = rest.split_at_checked(start)?;
        if let Some(name) = Name::at_end_of(rest) {
            // `has_cvv` and `masked_pin_block` are names of something else.
            let turned = Name::at_end_of(word) == Some(name) && Name::of(word) != Some(name);
            return (!turned).then_some(name);
        }
        if !FILLERS.iter().any(|filler| word.eq_ignore_ascii_case(filler.as_bytes())) {
            return None;
        }
        rest = before.trim_ascii_end();
    }
    None
}

/// Where to begin to look for what makes a name that begins at `phrase_from` a card's. A number there is
/// seen from its start: a part of one counts when it is masked, and may not before.
fn close_from(before: &[u8], phrase_from: usize) -> usize {
    let from = phrase_from.saturating_sub(CLOSE);
    let further = before.get(..from).unwrap_or_default().iter().rev().take(NUMBER_MAX);
    from - further.take_while(|byte| is_of_number(**byte)).count()
}

/// What of cards stands in `text`, of which the last `own` bytes are the name itself: those count as the words of
/// a card that they may hold besides (`card security code`).
fn close_by(text: &[u8], own: usize) -> Beside {
    let mut beside = Beside::of(text.get(..text.len() - own).unwrap_or_default());
    let pieces = text.split(|byte| {
        matches!(byte, b'"' | b'\'' | b'=' | b':' | b'&' | b',' | b';' | b'|' | b'<' | b'>' | b'\n')
    });
    for piece in pieces {
        if is_number(piece) {
            beside.add_number();
        }
        if piece.split(u8::is_ascii_whitespace).any(|word| word.contains(&b'/') && is_card_expiry(word)) {
            beside.add_card_expiry();
        }
    }
    beside
}

/// Whether there is a card number in `piece`, or what a mask has left of one.
fn is_number(piece: &[u8]) -> bool {
    piece.split(|byte| !is_of_number(*byte)).map(<[u8]>::trim_ascii).any(|run| {
        let mut number = [0; DIGITS_MAX + 1];
        let slots = run.iter().filter(|byte| byte.is_ascii_digit() || **byte == b'*');
        let mut length = 0;
        for (to, slot) in number.iter_mut().zip(slots) {
            *to = slot.wrapping_sub(b'0');
            length += 1;
        }
        let number = number.get(..length).unwrap_or_default();
        let masked = run.contains(&b'*') && run.last().is_some_and(u8::is_ascii_digit);
        (DIGITS_MIN..=DIGITS_MAX).contains(&length) && (masked || Brand::of(number).is_some())
    })
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'*')
}

/// Whether a run of letters and digits goes on with this.
fn is_of_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a run has the form of a code or a block.
fn may_be(run: &[u8]) -> bool {
    Meaning::CardCode.is_sad(run) || Meaning::PinBlock.is_sad(run)
}

/// Whether what follows the run at `end` makes it a part of something else: a decimal, a date, a masked number.
fn goes_on(text: &Text<'_>, end: usize) -> bool {
    match text.get(end) {
        Some(b'*') => true,
        Some(b'.' | b'-' | b'/' | b':' | b',') => text.get(end + 1).is_some_and(|next| next.is_ascii_digit()),
        Some(_) | None => false,
    }
}

const FILLERS_MAX: usize = 3;
/// The longest run: a block of 32 digits behind `0x`.
const RUN_MAX: usize = 34;
/// Most characters between a name and its value.
const SEPARATOR_MAX: usize = 16;
const PHRASE_MAX: usize = 48;
/// How far before a name is looked for what makes it a card's.
const CLOSE: usize = 96;
/// The longest number, with a sign between any two digits.
const NUMBER_MAX: usize = 2 * DIGITS_MAX;
/// How far is looked back. INVARIANT: no further than [`crate::reader::BEHIND`].
const BEFORE: usize = SEPARATOR_MAX + PHRASE_MAX + CLOSE + NUMBER_MAX;

#[cfg(test)]
mod tests;
