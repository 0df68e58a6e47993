use std::fmt;
use std::ops::Range;

use access::{DataClass, Terms};

use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::classes::Classes;
use crate::code;
use crate::engine::{Engine, Step, Views};
use crate::finding::{Finding, Form};
use crate::glance::Glance;
use crate::json::{self, Holds, JsonRule};
use crate::name::{self, Meaning};
use crate::packed;
use crate::personal;
use crate::rewriter::Rewriter;
use crate::secret;
use crate::sieve::Sieve;
use crate::text::Text;
use crate::token::{Surrogate, TokenKey};
use crate::unit::{self, Kind, View};

/// How much of a card number may stay visible; one for a whole deployment (PCI DSS 4.0.1, 3.4.1 and 3.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The last four digits.
    Last4,
    /// The first six and the last four; of a number of fewer than 14 digits the last four alone.
    First6Last4,
    /// The last four, of a surrogate: so an agent can join and compare numbers without holding one. The key is
    /// for the life of the process.
    Tokenise(&'static TokenKey),
}

impl Profile {
    /// How many of `digits` digits stay at the start and at the end.
    ///
    /// At least four are always hidden, of 15 digits five: the floors of PCI SSC FAQ 1091, which no
    /// configuration lowers. Where six and four would leave less than that hidden, or the FAQ is silent below
    /// 14 digits, the last four stay.
    fn kept(self, digits: usize) -> (usize, usize) {
        match (self, digits) {
            (_, ..DIGITS_MIN) => (0, 0),
            (Self::First6Last4, 14..) => (6, 4),
            (Self::First6Last4 | Self::Last4 | Self::Tokenise(_), _) => (0, 4),
        }
    }
}

/// Rewrites cardholder data by one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masker {
    profile: Profile,
    classes: Classes,
    spares_cards: bool,
    /// Something beside what is masked says that it is about cards.
    about_cards: bool,
    /// What the name of what is masked says.
    under: Option<Meaning>,
}

/// A text after masking.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    /// What may be released, unless `sad`.
    pub bytes: Vec<u8>,
    /// How many things were found and masked, at least 1.
    pub found: u32,
    /// Whether sensitive authentication data (a track, a code or PIN under such a name) was among them. It is
    /// starred out; an answer that holds it unexpectedly is to be withheld.
    pub sad: bool,
}

impl Masker {
    /// A masker that leaves visible what `profile` says.
    pub const fn new(profile: Profile) -> Self {
        Self {
            profile,
            classes: Classes { secret: false, email: false, phone: false, iban: false, us_ssn: false },
            spares_cards: false,
            about_cards: false,
            under: None,
        }
    }

    /// The same, which masks what `classes` say beside card numbers and tracks.
    pub const fn with(self, classes: Classes) -> Self {
        Self { classes, ..self }
    }

    /// The same, which leaves card numbers as they are, for those who may see them. Tracks go all the same, and
    /// so does what is labelled.
    pub const fn sparing_cards(self) -> Self {
        Self { spares_cards: true, ..self }
    }

    /// The same under a permit's terms: what they reveal is left as it is.
    pub fn revealing(self, terms: &Terms) -> Self {
        let mut classes = self.classes;
        let revealed = terms.reveal.iter().filter(|class| terms.reveals(class));
        for class in revealed {
            classes.flag(class).into_iter().for_each(|flag| *flag = false);
        }
        let masker = self.with(classes);
        if terms.reveals(&DataClass::Pan) { masker.sparing_cards() } else { masker }
    }

    /// The same, for what names beside it say `about_cards`, such as the other columns of a row: numbers of
    /// weaker brands count there ([`crate::Tier::B`]).
    pub const fn about_cards(self, about_cards: bool) -> Self {
        Self { about_cards, ..self }
    }

    /// The same, for values whose own name says `meaning`.
    ///
    /// Under a name of sensitive authentication data, what has its form is that. Under a card number's, what has
    /// an issuer's digits is one even if the check digit is wrong (typing errors, brands without check digits),
    /// and numbers of weaker brands count wherever they stand.
    pub const fn under(self, meaning: Option<Meaning>) -> Self {
        Self { under: meaning, ..self }
    }

    /// What the name says of the values that it masks.
    pub const fn meaning(&self) -> Option<Meaning> {
        self.under
    }

    /// Whether card numbers are left as they are.
    pub const fn spares_cards(&self) -> bool {
        self.spares_cards
    }

    /// Whether numbers of weaker brands count.
    pub(crate) fn is_about_cards(self) -> bool {
        self.about_cards || self.under.is_some_and(Meaning::is_about_cards)
    }

    /// What is masked beside card numbers and tracks.
    pub const fn classes(&self) -> Classes {
        self.classes
    }

    /// Masks every card number and track in text that nothing is known of; `None` when there is none.
    ///
    /// Digits become `*`, or those of a surrogate, everything else stays, and so does the length in bytes.
    /// Tracks, and base64 or hex that holds a card, become `*` throughout. The result holds nothing that would
    /// be found again.
    pub fn text(&self, text: &[u8]) -> Option<Masked> {
        match self.under {
            Some(meaning) if meaning.is_sad(text) => {
                Some(Masked { bytes: b"*".repeat(text.len()), found: 1, sad: true })
            }
            Some(Meaning::Pan) if !self.spares_cards && name::is_issuers(text) => {
                Some(Masked { bytes: self.pan(text), found: 1, sad: false })
            }
            _ => self.part(text, 0..text.len(), Views::Text),
        }
    }

    /// Masks a value that the operator labelled as a card number, whatever it looks like.
    ///
    /// 12 to 19 digits, with any separators and stars of an earlier mask, are truncated by the profile; the
    /// check digit may be wrong, since typing errors and tokens are to be hidden too (PCI DSS 4.0.1, 3.5.1).
    /// Any other value becomes [`Masker::whole`], except that an empty one stays empty.
    pub fn pan(&self, value: &[u8]) -> Vec<u8> {
        if value.is_empty() {
            return Vec::new();
        }
        let mut slots = 0;
        let text = Text::whole(value);
        let mut units = units(&text, 0..value.len(), View::Plain);
        let one_number = units.all(|(_, kind)| {
            slots += usize::from(is_slot(kind));
            is_slot(kind) || matches!(kind, Kind::Gap(_))
        });
        if !one_number || !(DIGITS_MIN..=DIGITS_MAX).contains(&slots) {
            return self.whole().to_vec();
        }
        let (first, last) = self.profile.kept(slots);
        // What was masked before has no surrogate: its digits are not all there.
        let surrogate = self.surrogate(&text, 0..value.len(), View::Plain);
        let surrogate = surrogate.filter(|surrogate| surrogate.digits().len() == slots);
        let mut masked = value.to_vec();
        for (index, at) in positions(&text, 0..value.len(), View::Plain, is_slot).enumerate() {
            let Some(written) = masked.get_mut(at).filter(|_| (first..slots - last).contains(&index)) else {
                continue;
            };
            match surrogate.as_ref().and_then(|surrogate| surrogate.digits().get(index)) {
                Some(digit) => unit::put(written, *digit),
                None => unit::star(written),
            }
        }
        masked
    }

    /// What stands for a value of any class that shows nothing: the same for every value and length.
    pub const fn whole(&self) -> &'static [u8] {
        b"****"
    }

    /// Masks a JSON document: by what `rules` say of its places, and by what a scan finds; `None` when it may
    /// pass as it is.
    ///
    /// The result is valid JSON. Card numbers in strings and keys are masked in place; a number that is one
    /// becomes a string. Under a rule, `pan` values are masked as by [`Masker::pan`], `sad` values become
    /// `null`, all others `"****"`; `null` stays. Text that is not JSON (RFC 8259), or nests deeper than 128,
    /// is masked as by [`Masker::text`] when there are no rules, and becomes `"****"` when there are, since
    /// then what they are to hide cannot be found.
    pub fn json(&self, text: &[u8], rules: &[JsonRule]) -> Option<Masked> {
        json::mask(*self, text, rules)
    }

    /// As [`Masker::json`] of what is one JSON document; `None` when `text` is none, or more than one.
    pub fn json_document(&self, text: &[u8], rules: &[JsonRule]) -> Option<Option<Masked>> {
        json::mask_document(*self, text, rules)
    }

    /// Whether [`Masker::json`] without rules leaves a document as it is, as far as a look at all of it at once tells, which
    /// takes a tenth of the time: it may say no where nothing would be masked, and never yes where something would.
    pub fn leaves_json(&self, text: &[u8]) -> bool {
        self.under.is_none() && json::is_clean(*self, text)
    }

    /// Masks `range` of `text`; the result is that part alone, of the same length. What surrounds it is
    /// looked at for words.
    pub(crate) fn part(self, text: &[u8], range: Range<usize>, views: Views) -> Option<Masked> {
        self.part_of(text, range, views, Holds::Anything)
    }

    /// The same, where it is known what the part may hold ([`Self::holds`]).
    pub(crate) fn part_of(
        self,
        text: &[u8],
        range: Range<usize>,
        views: Views,
        holds: Holds,
    ) -> Option<Masked> {
        // A long text is better read at once.
        if holds == Holds::Nothing
            || (range.len() <= GLANCE_BYTES_MAX && !self.may_hold(text, &range, holds)?)
        {
            return None;
        }
        let part = Text::part(text, range.clone()).about_cards(self.is_about_cards());
        let mut engine = self.engine(views, range.start);
        // Most texts hold nothing, and are not to be copied.
        let Step::Region(first, place) = engine.step(&part) else { return None };
        let mut rewriter = Rewriter::new(self, views, range.start).waiting_with(first, place);
        let mut bytes = Vec::with_capacity(range.len());
        while rewriter.step(&mut engine, &part, &mut bytes) {}
        (rewriter.found() > 0).then(|| Masked {
            bytes,
            found: u32::try_from(rewriter.found()).unwrap_or(u32::MAX),
            sad: rewriter.sad(),
        })
    }

    /// Whether anything to mask may be in `range` of `text`: most values are turned away here.
    fn may_hold(self, text: &[u8], range: &Range<usize>, holds: Holds) -> Option<bool> {
        let part = text.get(range.clone())?;
        let glance = Glance::of(part);
        let card = || {
            let part = Text::part(text, range.clone()).about_cards(self.is_about_cards());
            Sieve::new().next(&part, range.start).is_some()
        };
        // What surrounds a part may say what is in it.
        let alone = part.len() == text.len();
        let others = || {
            (self.classes.secret && (!alone || secret::may_hold(part)))
                || (self.classes.has_personal() && (!alone || personal::may_hold(part, self.classes)))
        };
        Some(
            (glance.may_hold_card(part) && card())
                || (glance.may_hold_code() && code::may_hold(part))
                || (glance.may_hold_packed() && packed::may_hold(part))
                || (holds == Holds::Anything && others()),
        )
    }

    /// What `text` may hold, whatever is said of it around.
    pub(crate) fn holds(self, text: &[u8]) -> Holds {
        let others = (self.classes.secret && secret::may_hold(text))
            || (self.classes.has_personal() && personal::may_hold(text, self.classes));
        let card = || Sieve::new().next(&Text::whole(text).about_cards(true), 0).is_some();
        match others {
            true => Holds::Anything,
            false if card() || code::may_hold(text) || packed::may_hold(text) => Holds::Cards,
            false => Holds::Nothing,
        }
    }

    /// Readers of what it masks, which start at `at`.
    pub(crate) fn engine(self, views: Views, at: usize) -> Engine {
        Engine::new(self.classes, views, at).sparing_cards(self.spares_cards)
    }

    /// Writes stars to `piece`, which stands at `start`, over what `finding` says of `text`.
    pub(crate) fn hide(self, text: &Text<'_>, start: usize, piece: &mut [u8], finding: &Finding, form: Form) {
        let place = |at: Range<usize>| at.start.saturating_sub(start)..at.end.saturating_sub(start);
        let (range, view) = (finding.range.clone(), finding.view);
        if form == Form::Whole {
            let bytes = piece.get_mut(place(range)).into_iter().flatten();
            bytes.filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
            return;
        }
        let digit = |kind: Kind| matches!(kind, Kind::Digit(_));
        let digits = positions(text, range.clone(), view, digit).count();
        let (first, last) = match form {
            Form::Number => self.profile.kept(digits),
            Form::Digits | Form::Whole => (0, 0),
        };
        let surrogate = self.surrogate(text, range.clone(), view).filter(|_| form == Form::Number);
        for (index, at) in positions(text, range, view, digit).enumerate() {
            let hidden = (first..digits.saturating_sub(last)).contains(&index);
            let Some(written) = piece.get_mut(place(at)).filter(|_| hidden) else { continue };
            match surrogate.as_ref().and_then(|surrogate| surrogate.digits().get(index)) {
                Some(digit) => unit::put(written, *digit),
                None => unit::star(written),
            }
        }
    }

    /// What stands for the number in `range`, where that is what the profile says.
    fn surrogate(self, text: &Text<'_>, range: Range<usize>, view: View) -> Option<Surrogate> {
        let Profile::Tokenise(key) = self.profile else { return None };
        let digit = |kind: Kind| match kind {
            Kind::Digit(digit) => Some(digit),
            Kind::Gap(_) | Kind::Mark(_) | Kind::Other => None,
        };
        let mut number = [0; DIGITS_MAX];
        let mut length = 0;
        for digit in units(text, range, view).filter_map(|(_, kind)| digit(kind)) {
            *number.get_mut(length)? = digit;
            length += 1;
        }
        number.get(..length).filter(|number| number.len() >= DIGITS_MIN).map(|number| key.surrogate(number))
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, found, sad } = self;
        write!(f, "Masked {{ bytes: [{} bytes], found: {found}, sad: {sad} }}", bytes.len())
    }
}

/// Where the things stand that a mask may write over.
fn positions<'a>(
    text: &'a Text<'_>,
    range: Range<usize>,
    view: View,
    wanted: fn(Kind) -> bool,
) -> impl Iterator<Item = Range<usize>> + 'a {
    units(text, range, view).filter(move |(_, kind)| wanted(*kind)).map(|(at, _)| at)
}

fn units<'a>(
    text: &'a Text<'_>,
    range: Range<usize>,
    view: View,
) -> impl Iterator<Item = (Range<usize>, Kind)> + 'a {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let unit = view.unit(text, at).filter(|_| at < range.end)?;
        let start = at;
        at += unit.length;
        Some((start..at, unit.kind))
    })
}

/// Longest text that a glance may turn away.
const GLANCE_BYTES_MAX: usize = 1024;

/// A digit, or what an earlier mask wrote for one.
fn is_slot(kind: Kind) -> bool {
    matches!(kind, Kind::Digit(_) | Kind::Mark(b'*' | b'x' | b'X' | b'#'))
}

#[cfg(test)]
mod tests;
