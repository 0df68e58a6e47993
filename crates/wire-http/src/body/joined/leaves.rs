//! The values of a document, one after another, with what stands beside them.

use std::collections::HashMap;
use std::ops::Range;

use super::disguise::{self, Form, Reading};
use super::run::{self, Leaf, Pieces, Run};
use super::{Care, Disguise, Find, PARTS};

/// What is in disguise in `text`, which is JSON.
pub(super) fn look(care: &Care, text: &[u8]) -> Vec<Find> {
    let mut look = Look { care, text, levels: Vec::new(), finds: Vec::new(), tallies: HashMap::new() };
    look.read();
    look.finish()
}

/// Whether `text`, one value, is made of digits, or an object with such a text that is read as one with others.
pub(super) fn goes_on(care: &Care, text: &[u8]) -> bool {
    match text.first() {
        Some(b'[') | None => false,
        Some(b'{') if super::may_hold_parts(text) => {
            let mut look =
                Look { care, text, levels: Vec::new(), finds: Vec::new(), tallies: HashMap::new() };
            look.enter(false);
            look.read();
            look.levels.first().is_some_and(|level| {
                level
                    .columns
                    .iter()
                    .any(|(name, run)| look.column(name).0 == Disguise::Parts && run.is_begun())
            })
        }
        Some(b'{') => false,
        Some(_) => care.strict && Leaf::read(text, 0..text.len()).is_some(),
    }
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(far) if rest.get(far) == Some(&b'"') => return at + far + 1,
            Some(far) => at += far + 2,
            None => return text.len(),
        }
    }
}

fn scalar_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    start + rest.iter().position(ends).unwrap_or(rest.len()).max(1)
}

struct Look<'l> {
    care: &'l Care,
    text: &'l [u8],
    levels: Vec<Level>,
    finds: Vec<Find>,
    /// The values of one form under one name.
    tallies: HashMap<(&'l [u8], Form), Tally>,
}

/// How many values are of a form of which some are a card number in disguise by chance.
#[derive(Default)]
struct Tally {
    /// Which of the finds are among them.
    finds: Vec<usize>,
    others: usize,
}

/// A container that is read.
struct Level {
    is_object: bool,
    /// The name of the member that is read, with its quotes; `None` before it.
    name: Option<Range<usize>>,
    /// What stands in it itself.
    run: Run,
    /// What the objects in it have by one name.
    columns: Vec<(Range<usize>, Run)>,
    codes: Vec<(Range<usize>, u8)>,
}

impl<'l> Look<'l> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(byte) = self.text.get(at) {
            let end = match byte {
                b'{' | b'[' => {
                    self.enter(*byte == b'{');
                    at + 1
                }
                b'}' | b']' => {
                    self.leave();
                    at + 1
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => at + 1,
                b'"' => {
                    let end = string_end(self.text, at);
                    if self.is_name() {
                        self.name(at..end)
                    } else {
                        self.leaf(at..end)
                    }
                    end
                }
                _ => {
                    let end = scalar_end(self.text, at);
                    self.leaf(at..end);
                    end
                }
            };
            at = end;
        }
    }

    fn enter(&mut self, is_object: bool) {
        self.beside(None);
        self.levels.push(Level {
            is_object,
            name: None,
            run: Run::new(Pieces::All),
            columns: Vec::new(),
            codes: Vec::new(),
        });
    }

    fn leave(&mut self) {
        let Some(mut level) = self.levels.pop() else { return };
        self.end_codes(&mut level.codes);
        if self.care.strict {
            let found = level.run.end();
            self.found(Disguise::Beside, found);
        }
        for (name, mut run) in level.columns {
            let found = run.end();
            let disguise = self.column(&name).0;
            self.found(disguise, found);
        }
        if let Some(level) = self.levels.last_mut() {
            level.name = None;
        }
    }

    /// What was found. Where most values of a form under one name are nothing, the others are something by chance.
    fn finish(mut self) -> Vec<Find> {
        for tally in self.tallies.values().filter(|tally| tally.others > tally.finds.len()) {
            for at in &tally.finds {
                self.finds.get_mut(*at).into_iter().for_each(|find| find.masks.clear());
            }
        }
        self.finds.retain(|find| !find.masks.is_empty());
        self.finds
    }

    /// Looks at a value by itself.
    fn disguise(&mut self, place: Range<usize>) {
        let Reading { form, mask } = disguise::read(self.text, place.clone());
        if let Some(form) = form {
            let name = self.levels.iter().rev().find_map(|level| level.name.clone());
            let name: &'l [u8] = name.and_then(|name| self.text.get(name)).unwrap_or_default();
            let tally = self.tallies.entry((name, form)).or_default();
            match mask {
                Some(_) => tally.finds.push(self.finds.len()),
                None => tally.others += 1,
            }
        }
        if let Some((disguise, mask)) = mask {
            self.finds.push(Find { disguise, masks: vec![(place, mask)] });
        }
    }

    /// Whether a string that stands here is the name of a member.
    fn is_name(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_object && level.name.is_none())
    }

    fn name(&mut self, place: Range<usize>) {
        if let Some(level) = self.levels.last_mut() {
            level.name = Some(place);
        }
    }

    fn leaf(&mut self, place: Range<usize>) {
        let leaf = Leaf::read(self.text, place.clone());
        if self.care.strict {
            self.code(&place);
            self.disguise(place);
        }
        self.beside(leaf);
        if let Some(level) = self.levels.last_mut() {
            level.name = None;
        }
    }

    /// Takes note of a leaf among those that stand beside it, or of what is none.
    fn beside(&mut self, leaf: Option<Leaf>) {
        self.in_column(leaf.as_ref());
        if self.care.strict
            && let Some(level) = self.levels.last_mut()
        {
            let found = level.run.push(leaf);
            self.found(Disguise::Beside, found);
        }
    }

    /// Takes note of it among those of its name in the objects of one array.
    fn in_column(&mut self, leaf: Option<&Leaf>) {
        let Some(name) = self.levels.last().and_then(|level| level.name.clone()) else { return };
        let (disguise, Some(pieces)) = self.column(&name) else { return };
        let outer = self.levels.len().checked_sub(2).and_then(|at| self.levels.get_mut(at));
        let Some(outer) = outer.filter(|outer| !outer.is_object) else { return };
        let written = self.text.get(name.clone());
        let known = outer.columns.iter().position(|(other, _)| self.text.get(other.clone()) == written);
        if known.is_none() && (leaf.is_none() || outer.columns.len() >= COLUMNS_MAX) {
            return;
        }
        let at = known.unwrap_or_else(|| {
            outer.columns.push((name, Run::new(pieces)));
            outer.columns.len() - 1
        });
        let found = outer.columns.get_mut(at).map(|(_, run)| run.push(leaf.cloned())).unwrap_or_default();
        self.found(disguise, found);
    }

    /// What numbers over the members of that name are, and how they may be taken apart; `None` when they are not looked
    /// for.
    fn column(&self, name: &Range<usize>) -> (Disguise, Option<Pieces>) {
        let written = self.text.get(name.start + 1..name.end.saturating_sub(1)).unwrap_or_default();
        match (self.care.strict, PARTS.contains(&written)) {
            (true, true) => (Disguise::Parts, Some(Pieces::Strings(1))),
            (true, false) => (Disguise::Beside, Some(Pieces::All)),
            (false, true) => (Disguise::Parts, Some(Pieces::Strings(PART_DIGITS_MIN))),
            (false, false) => (Disguise::Beside, None),
        }
    }

    /// Takes note of a number in an array that may be the code of a character.
    fn code(&mut self, place: &Range<usize>) {
        let written = self.text.get(place.clone()).unwrap_or_default();
        let Some(level) = self.levels.last_mut().filter(|level| !level.is_object) else { return };
        let digits = written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(written);
        let code = Some(digits).filter(|digits| matches!(digits.len(), 1..=3));
        let code = code.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        match code.filter(|code| matches!(code, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
            Some(code) => level.codes.push((place.clone(), code)),
            None => {
                let mut codes = std::mem::take(&mut level.codes);
                self.end_codes(&mut codes);
            }
        }
    }

    fn end_codes(&mut self, codes: &mut Vec<(Range<usize>, u8)>) {
        let codes = std::mem::take(codes);
        if codes.len() < super::DIGITS_MIN {
            return;
        }
        let text: Vec<u8> = codes.iter().map(|(_, code)| *code).collect();
        for finding in mask::find(&text) {
            let places = codes.get(finding.range).unwrap_or_default();
            let masks = places.iter().map(|(place, _)| (place.clone(), WHOLE.to_vec()));
            self.finds.push(Find { disguise: Disguise::Codes, masks: masks.collect() });
        }
    }

    fn found(&mut self, disguise: Disguise, numbers: Vec<Vec<Leaf>>) {
        for leaves in numbers {
            let masks = run::masks(&self.care.masker, &leaves);
            self.finds.push(Find { disguise, masks });
        }
    }
}

/// What stands for a value that goes as a whole, as [`mask::Masker::whole`] has it.
pub(super) const WHOLE: &[u8] = b"\"****\"";
/// How many names are followed through the objects of one array.
const COLUMNS_MAX: usize = 64;
/// Fewest digits in each text of a content part, where the care is not strict.
const PART_DIGITS_MIN: usize = 4;
