//! Documents that are too large to be read at once: judged part by part, each as it would be in the whole.

use std::ops::Range;
use std::sync::Arc;

use super::{Above, JsonRule, NotJson, Step, Treatment, VALUES, Walk, inner, string};
use crate::context;
use crate::masker::{Masked, Masker};
use crate::name::{Beside, Meaning, Name};
use crate::stream::Stream;

/// A place in a JSON document that is read from its start to its end, with what the way to it says of what is there:
/// the rules, the names above, and the names beside it that have been read.
///
/// What reads the document goes into its large containers ([`JsonPlace::enter`]) and has their members and elements
/// judged one by one. What is judged comes to what [`Masker::json`] makes of it in the whole, except where that hangs
/// on members of a container behind it, which are not known yet: a number of a weaker brand is then taken for a card's.
pub struct JsonPlace {
    masker: Masker,
    rules: Arc<[JsonRule]>,
    levels: Vec<Level>,
    /// For what stands in no object.
    root: Beside,
}

/// A container that the place is in.
struct Level {
    step: Owned,
    /// What is known of all that it holds.
    above: Above,
    /// What is known of the value that is read.
    inside: Above,
    beside: Beside,
    /// Names of values that have passed, and are sensitive authentication data if the names beside them agree.
    late: Vec<Name>,
}

enum Owned {
    Name(Vec<u8>),
    Index(usize),
}

impl Owned {
    fn borrow(&self) -> Step<'_> {
        match self {
            Self::Name(name) => Step::Name(name),
            Self::Index(index) => Step::Index(*index),
        }
    }
}

/// What became of a part of a document.
pub struct JsonPart {
    /// That part alone, masked; `None` when it may pass as it is.
    pub masked: Option<Masked>,
    beside: Beside,
    late: Vec<Name>,
}

impl JsonPlace {
    /// The start of a document.
    pub fn new(masker: Masker, rules: Arc<[JsonRule]>) -> Self {
        Self { masker, rules, levels: Vec::new(), root: Beside::default() }
    }

    /// How many bytes before a part, and behind it, are looked at for words that say something of it.
    pub const REACH: (usize, usize) = (crate::reader::BEHIND, context::REACH);

    /// Judges the value in `range` of `text`, all of it, which stands at this place. What surrounds it are words about
    /// it; with `about_cards` it is taken for granted that some of them say that it is about cards.
    ///
    /// `None` when it is not JSON, or nests too deep.
    pub fn judge(&self, text: &[u8], range: Range<usize>, about_cards: bool) -> Option<JsonPart> {
        let mut walk = self.walk(text);
        walk.at = range.start;
        let above = self.inside();
        let above = Above { about_cards: above.about_cards || about_cards, ..above };
        walk.value(above, self.levels.len()).ok().filter(|()| walk.at == range.end)?;
        let late = if self.object().is_some() { settle(&mut walk) } else { Vec::new() };
        let beside = walk.beside;
        Some(JsonPart { masked: walk.finish_part(range), beside, late })
    }

    /// Takes note of what a part that was judged says of those beside it, and goes on behind it.
    pub fn pass(&mut self, part: &JsonPart) {
        match self.object_mut() {
            Some(level) => {
                level.beside = part.beside;
                for name in &part.late {
                    if !level.late.contains(name) {
                        level.late.push(*name);
                    }
                }
            }
            None => self.root = part.beside,
        }
        self.go_on();
    }

    /// Judges the name in `range` of `text`, without its quotes, as [`JsonPlace::judge`] does a value; `None` when it
    /// may pass as it is.
    pub fn judge_name(&self, text: &[u8], range: Range<usize>, about_cards: bool) -> Option<Masked> {
        let above = self.levels.last()?.above;
        if !matches!(above.treatment, Treatment::Scan | Treatment::Pan) {
            return None;
        }
        let mut walk = self.walk(text);
        walk.scan_string(range.clone(), above.about_cards || about_cards);
        walk.finish_part(range)
    }

    /// Goes to the member of that name, as `written` between its quotes.
    pub fn member(&mut self, written: &[u8]) {
        let Some(level) = self.levels.last_mut() else { return };
        level.step = Owned::Name(written.to_vec());
        level.inside = level.above;
        if level.above.treatment == Treatment::Scan {
            let name = Name::of(&string::unescape(written));
            name.into_iter().for_each(|name| level.beside.add(name));
            level.inside = level.above.under(name, VALUES.contains(&written));
        }
    }

    /// What stands for the container at this place, where that goes as a whole by a rule.
    pub fn replaced(&self) -> Option<Vec<u8>> {
        match self.treatment() {
            treatment if treatment == self.inside().treatment => None,
            Treatment::Whole => Some(string::quote(self.masker.whole())),
            Treatment::Null => Some(b"null".to_vec()),
            Treatment::Scan | Treatment::Pass | Treatment::Pan => None,
        }
    }

    /// Goes into the container at this place.
    pub fn enter(&mut self, is_object: bool) {
        let above = Above { treatment: inner(self.treatment()), ..self.inside() };
        let step = if is_object { Owned::Name(Vec::new()) } else { Owned::Index(0) };
        self.levels.push(Level { step, above, inside: above, beside: Beside::default(), late: Vec::new() });
    }

    /// Goes out of the innermost container, and on behind it. Whether something that has passed was sensitive
    /// authentication data, as the names behind it say.
    pub fn leave(&mut self) -> bool {
        let Some(level) = self.levels.pop() else { return false };
        self.go_on();
        level.late.iter().any(|name| level.beside.settle(*name).is_some_and(Meaning::may_be_sad))
    }

    /// Goes on behind a value that was not judged.
    pub fn skip(&mut self) {
        self.go_on();
    }

    /// Whether the innermost container that it is in is an object.
    pub fn is_in_object(&self) -> bool {
        self.levels.last().is_some_and(|level| matches!(level.step, Owned::Name(_)))
    }

    /// How many containers the place is in.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// What is done with the string at this place that is too long to be judged at once, of which `text` in `range` is
    /// the beginning, without its quote.
    pub fn long(&self, text: &[u8], range: Range<usize>, about_cards: bool) -> JsonLong {
        let inside = self.inside();
        let begun = text.get(range.clone()).unwrap_or_default();
        match self.treatment() {
            Treatment::Whole | Treatment::Pan => return JsonLong::Whole(string::quote(self.masker.whole())),
            Treatment::Null => return JsonLong::Whole(b"null".to_vec()),
            Treatment::Pass => return JsonLong::Passes,
            Treatment::Scan => {}
        }
        let beside = self.object().map_or(self.root, |level| level.beside);
        let meaning = inside.name.and_then(|name| beside.settle(name));
        if meaning.is_some_and(|meaning| meaning.is_sad(&string::unescape(begun))) {
            return JsonLong::Sad;
        }
        // Blanks without end may stand around a number or a code.
        if meaning.is_some_and(|meaning| meaning.may_be_sad() || meaning == Meaning::Pan) {
            return JsonLong::Whole(string::quote(self.masker.whole()));
        }
        let about_cards = about_cards || inside.about_cards || beside.about_cards();
        let before = text.get(..range.start).unwrap_or_default();
        JsonLong::Scanned(Box::new(Stream::of_json(self.masker.about_cards(about_cards), before)))
    }

    /// Where in `range` of `text`, a value at this place, values stand that a rule says hold no card data.
    pub fn spared(&self, text: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
        if self.rules.iter().all(|rule| rule.class.is_some()) {
            return Vec::new();
        }
        if self.treatment() == Treatment::Pass {
            return vec![range];
        }
        let mut walk = self.walk(text);
        walk.at = range.start;
        match walk.value(self.inside(), self.levels.len()) {
            Ok(()) => walk.spared,
            Err(NotJson) => Vec::new(),
        }
    }

    fn walk<'t>(&'t self, text: &'t [u8]) -> Walk<'t> {
        let mut walk = Walk::new(self.masker, text, &self.rules);
        walk.way = self.way();
        walk.beside = self.object().map_or(self.root, |level| level.beside);
        walk
    }

    fn way(&self) -> Vec<Step<'_>> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        self.levels.iter().map(|level| level.step.borrow()).collect()
    }

    /// The treatment of the value at this place.
    fn treatment(&self) -> Treatment {
        super::treatment(&self.rules, &self.way()).max(self.inside().treatment)
    }

    fn inside(&self) -> Above {
        match self.levels.last() {
            Some(level) => level.inside,
            None => Above::of_document(self.masker, Treatment::Scan),
        }
    }

    /// The innermost object that the place is in: arrays within it leave their doubts to it.
    fn object(&self) -> Option<&Level> {
        self.levels.iter().rfind(|level| matches!(level.step, Owned::Name(_)))
    }

    fn object_mut(&mut self) -> Option<&mut Level> {
        self.levels.iter_mut().rfind(|level| matches!(level.step, Owned::Name(_)))
    }

    fn go_on(&mut self) {
        if let Some(Level { step: Owned::Index(index), .. }) = self.levels.last_mut() {
            *index += 1;
        }
    }
}

/// What is done with a string that is too long to be judged at once.
pub enum JsonLong {
    /// This stands in its place.
    Whole(Vec<u8>),
    /// It passes as it is.
    Passes,
    /// It begins as sensitive authentication data, and is to be withheld.
    Sad,
    /// What is between its quotes goes through this, as written. A mask may have cut an escape.
    Scanned(Box<Stream>),
}

/// Judges what hangs on names that are not known yet, and gives the names of values that are sensitive authentication
/// data if those agree.
fn settle(walk: &mut Walk<'_>) -> Vec<Name> {
    let beside = walk.beside;
    let mut late = Vec::new();
    for value in std::mem::take(&mut walk.doubts) {
        let meaning = value.name.and_then(|name| beside.settle(name));
        let number = value.name.map(Name::meaning).filter(|meaning| *meaning == Meaning::Pan);
        if walk.told(&value, meaning.or(number)) || walk.scan(&value, true) {
            continue;
        }
        let content = string::unescape(walk.text.get(value.content.clone()).unwrap_or_default());
        late.extend(value.name.filter(|name| name.meaning().is_sad(&content)));
    }
    late
}

#[cfg(test)]
mod tests;
