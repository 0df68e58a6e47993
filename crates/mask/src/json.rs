//! JSON documents: labelled places and card numbers in them, masked so that the result is JSON still.
//!
//! The name of a member says what its value may be, and so do the names beside it (`name`). Where it takes those
//! beside it, the value is judged when its object has been read.

mod calm;
mod path;
mod place;
mod stream;
mod string;

use std::fmt;
use std::ops::Range;

use access::DataClass;

use crate::chain::DIGITS_MIN;
use crate::engine::Views;
use crate::masker::{Masked, Masker, Profile};
use crate::name::{self, Beside, Meaning, Name};
pub(crate) use calm::Holds;

use calm::Calm;
use path::Step;

pub use path::{JsonPath, NotAPath};
pub use place::{JsonLong, JsonPart, JsonPlace};
pub use stream::{JsonStream, NotAString};

/// What the operator says of a place in JSON documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonRule {
    path: JsonPath,
    /// `None`: no cardholder data is there.
    class: Option<DataClass>,
}

impl JsonRule {
    /// Values at `path` are of `class`, and all that they hold with them.
    pub fn new(path: JsonPath, class: DataClass) -> Self {
        Self { path, class: Some(class) }
    }

    /// Whether it says that something is there, and not that nothing is.
    pub fn has_class(&self) -> bool {
        self.class.is_some()
    }

    /// No card data is at `path`, nor in what is held there, unless another rule says so: it is judged neither by
    /// content nor by name.
    pub fn not_pan(path: JsonPath) -> Self {
        Self { path, class: None }
    }

    /// Whether it says that no card data is there.
    pub fn spares(&self) -> bool {
        self.class.is_none()
    }
}

/// The path.
impl fmt::Display for JsonRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// See [`Masker::json`].
pub(crate) fn mask(masker: Masker, text: &[u8], rules: &[JsonRule]) -> Option<Masked> {
    let mut walk = Walk::new(masker, text, rules);
    match walk.document(Treatment::Scan) {
        Ok(()) => walk.finish(),
        Err(NotJson) if rules.iter().all(|rule| rule.class.is_none()) => masker.text(text),
        Err(NotJson) if text.iter().all(u8::is_ascii_whitespace) => None,
        Err(NotJson) => Some(Masked { bytes: string::quote(masker.whole()), found: 1, sad: false }),
    }
}

/// See [`Masker::json_document`].
pub(crate) fn mask_document(masker: Masker, text: &[u8], rules: &[JsonRule]) -> Option<Option<Masked>> {
    let mut walk = Walk::new(masker, text, rules);
    walk.document(Treatment::Scan).ok().map(|()| walk.finish())
}

/// See [`Masker::leaves_json`].
pub(crate) fn is_clean(masker: Masker, text: &[u8]) -> bool {
    calm::is_clean(masker, text)
}

/// Whether `text` is a JSON document that nests no deeper than is read.
pub(crate) fn is_json(text: &[u8]) -> bool {
    Walk::new(Masker::new(Profile::Last4), text, &[]).document(Treatment::Null).is_ok()
}

impl JsonPath {
    /// Where the strings stand in a document that this path leads to, between their quotes; `None` when `text` is
    /// not JSON, or nests deeper than 128.
    pub fn strings(&self, text: &[u8]) -> Option<Vec<Range<usize>>> {
        let rules = [JsonRule::new(self.clone(), DataClass::Pan)];
        let mut walk = Walk::new(Masker::new(Profile::Last4), text, &rules);
        walk.document(Treatment::Null).ok()?;
        Some(walk.strings)
    }
}

/// One walk over a document. What is to be masked is noted, and put in when all of it has been read.
struct Walk<'t> {
    masker: Masker,
    text: &'t [u8],
    rules: &'t [JsonRule],
    at: usize,
    /// The way to the value that is read, when there are rules.
    way: Vec<Step<'t>>,
    /// Where the strings stand that a rule for card numbers names.
    strings: Vec<Range<usize>>,
    /// Where the values stand that a rule says hold no card data.
    spared: Vec<Range<usize>>,
    /// What stands in the place of what.
    masks: Vec<(Range<usize>, Vec<u8>)>,
    calm: Calm,
    /// What the members of the object that is read say together, so far.
    beside: Beside,
    /// Values of the objects that are read of which it is not known yet what they are.
    doubts: Vec<Value>,
    found: u32,
    sad: bool,
}

/// A string or a number.
#[derive(Clone)]
struct Value {
    /// All of it, with its quotes.
    place: Range<usize>,
    /// What is between them, or the number.
    content: Range<usize>,
    /// What the name above it says.
    name: Option<Name>,
}

/// What is known of a value before it is read.
#[derive(Clone, Copy)]
struct Above {
    treatment: Treatment,
    /// What the nearest name says.
    name: Option<Name>,
    /// Whether some name above says that it is about cards.
    about_cards: bool,
}

/// The text is not JSON, or nests too deep.
struct NotJson;

/// What is done with a value by the rules above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Treatment {
    /// It is scanned.
    Scan,
    /// It holds no card data.
    Pass,
    /// It is a card number, or all that it holds are.
    Pan,
    /// It goes as a whole.
    Whole,
    /// It becomes null.
    Null,
}

impl<'t> Walk<'t> {
    fn new(masker: Masker, text: &'t [u8], rules: &'t [JsonRule]) -> Self {
        Self {
            masker,
            text,
            rules,
            at: 0,
            way: Vec::new(),
            strings: Vec::new(),
            spared: Vec::new(),
            masks: Vec::new(),
            calm: Calm::default(),
            beside: Beside::default(),
            doubts: Vec::new(),
            found: 0,
            sad: false,
        }
    }

    fn document(&mut self, treatment: Treatment) -> Result<(), NotJson> {
        self.value(Above::of_document(self.masker, treatment), 0)?;
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(NotJson) }
    }

    /// The document with all masks in their places; `None` when there are none.
    fn finish(self) -> Option<Masked> {
        let all = 0..self.text.len();
        self.finish_part(all)
    }

    /// The same of a part of it.
    fn finish_part(mut self, part: Range<usize>) -> Option<Masked> {
        if self.masks.is_empty() {
            return None;
        }
        self.masks.sort_by_key(|(range, _)| range.start);
        let mut bytes = Vec::with_capacity(part.len());
        let mut copied = part.start;
        for (range, mask) in &self.masks {
            // Two masks of one value, of which the first has hidden it.
            let Some(kept) = self.text.get(copied..range.start) else { continue };
            bytes.extend_from_slice(kept);
            bytes.extend_from_slice(mask);
            copied = range.end;
        }
        bytes.extend_from_slice(self.text.get(copied..part.end)?);
        Some(Masked { bytes, found: self.found, sad: self.sad })
    }

    /// Reads the value at `at`, and masks it.
    fn value(&mut self, above: Above, depth: usize) -> Result<(), NotJson> {
        self.space();
        let named = treatment(self.rules, &self.way);
        let treatment = named.max(above.treatment);
        let inside = Above { treatment: inner(treatment), ..above };
        let start = self.at;
        match self.peek().filter(|_| depth < DEPTH_MAX).ok_or(NotJson)? {
            b'{' => self.object(inside, depth)?,
            b'[' => self.array(inside, depth)?,
            b'"' => {
                let content = self.string()?;
                if named == Treatment::Pan {
                    self.strings.push(content.clone());
                }
                self.leaf(Value { place: start..self.at, content, name: above.name }, treatment, above);
            }
            b'-' | b'0'..=b'9' => {
                let content = self.number()?;
                self.leaf(Value { place: start..self.at, content, name: above.name }, treatment, above);
            }
            b't' => self.word(b"true", treatment)?,
            b'f' => self.word(b"false", treatment)?,
            b'n' => {
                self.literal(b"null")?;
                return Ok(());
            }
            _ => return Err(NotJson),
        }
        match treatment {
            // A rule above has already spoken for the whole of this.
            _ if treatment == above.treatment => {}
            Treatment::Whole => self.replace(start..self.at, &string::quote(self.masker.whole())),
            Treatment::Null => self.replace(start..self.at, b"null"),
            Treatment::Pass => self.spared.push(start..self.at),
            Treatment::Scan | Treatment::Pan => {}
        }
        Ok(())
    }

    fn leaf(&mut self, value: Value, treatment: Treatment, above: Above) {
        match treatment {
            Treatment::Scan => self.judge(value, above.about_cards),
            Treatment::Pan => self.truncate(value),
            Treatment::Pass | Treatment::Whole | Treatment::Null => {}
        }
    }

    fn object(&mut self, above: Above, depth: usize) -> Result<(), NotJson> {
        self.literal(b"{")?;
        self.space();
        if self.takes(b'}') {
            return Ok(());
        }
        let outside = std::mem::take(&mut self.beside);
        let before = self.doubts.len();
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(NotJson);
            }
            let written = self.string()?;
            let mut inside = above;
            if matches!(above.treatment, Treatment::Scan | Treatment::Pan) {
                self.scan_string(written.clone(), above.about_cards);
            }
            if above.treatment == Treatment::Scan {
                let name = self.name(written.clone());
                let value = self.text.get(written.clone()).is_some_and(|name| VALUES.contains(&name));
                inside = above.under(name, value);
            }
            self.space();
            self.literal(b":")?;
            let step = Step::Name(self.text.get(written).ok_or(NotJson)?);
            self.step_to(step, inside, depth)?;
            self.space();
            if !self.takes(b',') {
                self.literal(b"}")?;
                break;
            }
        }
        self.settle(before);
        self.beside = outside;
        Ok(())
    }

    fn array(&mut self, above: Above, depth: usize) -> Result<(), NotJson> {
        self.literal(b"[")?;
        self.space();
        if self.takes(b']') {
            return Ok(());
        }
        for index in 0.. {
            self.step_to(Step::Index(index), above, depth)?;
            self.space();
            if !self.takes(b',') {
                break;
            }
        }
        self.literal(b"]")
    }

    fn step_to(&mut self, step: Step<'t>, above: Above, depth: usize) -> Result<(), NotJson> {
        if self.rules.is_empty() {
            return self.value(above, depth + 1);
        }
        self.way.push(step);
        self.value(above, depth + 1)?;
        self.way.pop();
        Ok(())
    }

    /// What a member's name says, which is noted for those beside it.
    fn name(&mut self, written: Range<usize>) -> Option<Name> {
        let name = self.calm.name(self.text, &written, |written| match written.contains(&b'\\') {
            true => Name::of(&string::unescape(written)),
            false => Name::of(written),
        })?;
        self.beside.add(name);
        Some(name)
    }

    /// Judges a value by itself and by the names above it, and leaves what hangs on those beside it for later.
    fn judge(&mut self, value: Value, about_cards: bool) {
        let meaning = value.name.and_then(Name::alone);
        if self.told(&value, meaning) {
            return;
        }
        if self.scan(&value, about_cards) {
            let text = self.text.get(value.content.clone()).unwrap_or_default();
            if crate::holds_card(text) {
                self.beside.add_number();
            }
            return;
        }
        let content = self.text.get(value.content.clone()).unwrap_or_default();
        if value.name.is_some_and(|name| name.meaning() == Meaning::Expiry) && name::is_card_expiry(content) {
            self.beside.add_card_expiry();
        }
        let by_name = value.name.is_some_and(|name| name.alone().is_none());
        let number = || content.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS_MIN;
        if by_name || (!about_cards && number()) {
            self.doubts.push(value);
        }
    }

    /// Judges the values left over since `before`, now that all the names of their object are known.
    fn settle(&mut self, before: usize) {
        let beside = self.beside;
        for value in self.doubts.split_off(before) {
            let meaning = value.name.and_then(|name| beside.settle(name));
            let about_cards = beside.about_cards() || meaning.is_some_and(Meaning::is_about_cards);
            if !self.told(&value, meaning) && about_cards {
                self.scan(&value, true);
            }
        }
    }

    /// Masks a value that is what its name says, if it is.
    fn told(&mut self, value: &Value, meaning: Option<Meaning>) -> bool {
        let Some(meaning) = meaning else { return false };
        let text = string::unescape(self.text.get(value.content.clone()).unwrap_or_default());
        if meaning.is_sad(&text) {
            self.sad = true;
            self.replace(value.place.clone(), b"null");
            return true;
        }
        let number = meaning == Meaning::Pan && !self.masker.spares_cards() && name::is_issuers(&text);
        if number {
            self.truncate(value.clone());
        }
        number
    }

    /// Masks what a scan finds in a value; whether that is anything.
    fn scan(&mut self, value: &Value, about_cards: bool) -> bool {
        if value.place != value.content {
            return self.scan_string(value.content.clone(), about_cards);
        }
        // A number that is a card number becomes a string.
        let masker = self.masker.about_cards(about_cards);
        let holds = self.calm.holds(self.masker, self.text, &value.content);
        let masked = masker.part_of(self.text, value.content.clone(), Views::Text, holds);
        if let Some(masked) = &masked {
            self.replace(value.place.clone(), &string::quote(&masked.bytes));
        }
        masked.is_some()
    }

    fn scan_string(&mut self, content: Range<usize>, about_cards: bool) -> bool {
        let masker = self.masker.about_cards(about_cards);
        let holds = self.calm.holds(self.masker, self.text, &content);
        let Some(masked) = masker.part_of(self.text, content.clone(), Views::JsonString, holds) else {
            return self.scan_within(masker, content);
        };
        self.found = self.found.saturating_add(masked.found - 1);
        self.sad |= masked.sad;
        // Stars over base64 or hex may have cut an escape that looked like part of it.
        let valid = string::length(&[masked.bytes.as_slice(), b"\""].concat()) == Some(masked.bytes.len());
        let stars = || b"*".repeat(content.len());
        self.replace(content.clone(), &if valid { masked.bytes } else { stars() });
        true
    }

    /// Reads a string that holds escapes of escapes, as JSON within JSON does: what shows once they are undone goes with all of
    /// the string, since no mask could be put under them.
    fn scan_within(&mut self, masker: Masker, content: Range<usize>) -> bool {
        let written = self.text.get(content.clone()).unwrap_or_default();
        if !is_escaped_twice(written) {
            return false;
        }
        let mut within = string::undone(written);
        for _ in 0..WITHIN_MAX {
            if let Some(masked) = masker.text(&within) {
                self.sad |= masked.sad;
                let stars = b"*".repeat(content.len());
                self.replace(content, &stars);
                return true;
            }
            if !is_escaped_twice(&within) {
                return false;
            }
            within = string::undone(&within);
        }
        // Nobody nests so deep.
        let stars = b"*".repeat(content.len());
        self.replace(content, &stars);
        true
    }

    fn truncate(&mut self, value: Value) {
        let text = string::unescape(self.text.get(value.content).unwrap_or_default());
        let masked = string::quote(&self.masker.pan(&text));
        self.replace(value.place, &masked);
    }

    fn word(&mut self, word: &'static [u8], treatment: Treatment) -> Result<(), NotJson> {
        let start = self.at;
        self.literal(word)?;
        if treatment == Treatment::Pan {
            self.replace(start..self.at, &string::quote(self.masker.whole()));
        }
        Ok(())
    }

    /// Notes that `mask` is to stand in the place of `range`, unless that is what stands there.
    fn replace(&mut self, range: Range<usize>, mask: &[u8]) {
        if self.text.get(range.clone()).is_some_and(|old| old != mask) {
            self.masks.push((range, mask.to_vec()));
            self.found = self.found.saturating_add(1);
        }
    }

    /// Reads a string, and gives what is between its quotes.
    fn string(&mut self) -> Result<Range<usize>, NotJson> {
        self.literal(b"\"")?;
        let length = self.text.get(self.at..).and_then(string::length).ok_or(NotJson)?;
        let content = self.at..self.at + length;
        self.at = content.end + 1;
        Ok(content)
    }

    /// Reads a number (RFC 8259 §6).
    fn number(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(start..self.at)
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(NotJson) }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), NotJson> {
        let here = self.text.get(self.at..).unwrap_or_default();
        if !here.starts_with(literal) {
            return Err(NotJson);
        }
        self.at += literal.len();
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

impl Above {
    /// What is known of a whole document.
    fn of_document(masker: Masker, treatment: Treatment) -> Self {
        let name = masker.meaning().map(Name::from);
        Self { treatment, name, about_cards: masker.is_about_cards() }
    }

    /// What is known of a member whose name says `name`, or says only that a `value` stands there.
    fn under(self, name: Option<Name>, value: bool) -> Self {
        let name = name.or(self.name.filter(|_| value));
        let about_cards = name.and_then(Name::alone).is_some_and(Meaning::is_about_cards);
        Self { name, about_cards: self.about_cards || about_cards, ..self }
    }
}

/// The strictest that a rule says of the value at the end of `way`.
fn treatment(rules: &[JsonRule], way: &[Step<'_>]) -> Treatment {
    let rules = rules.iter().filter(|rule| rule.path.matches(way));
    let treatments = rules.map(|rule| match &rule.class {
        None => Treatment::Pass,
        Some(DataClass::Sad) => Treatment::Null,
        Some(DataClass::Pan) => Treatment::Pan,
        Some(DataClass::CardholderName | DataClass::Expiry | DataClass::Secret | DataClass::Own(_)) => {
            Treatment::Whole
        }
    });
    treatments.max().unwrap_or(Treatment::Scan)
}

/// What a container's treatment means for what it holds: when it goes as a whole, the inside is only read past,
/// since the strictest treatment from above leaves nothing to do.
fn inner(treatment: Treatment) -> Treatment {
    match treatment {
        Treatment::Scan | Treatment::Pass | Treatment::Pan => treatment,
        Treatment::Whole | Treatment::Null => Treatment::Null,
    }
}

/// Names of members that say nothing but that the value of what is named above stands there.
const VALUES: &[&[u8]] = &[b"value", b"text", b"content", b"data", b"#text", b"$", b"_"];

/// How deep documents may nest.
const DEPTH_MAX: usize = 128;

/// Whether an escape of a character is itself escaped in a text.
fn is_escaped_twice(text: &[u8]) -> bool {
    memchr::memmem::find(text, br"\\u").is_some()
}

/// Documents within one another that are read.
const WITHIN_MAX: usize = 4;

#[cfg(test)]
mod tests;
