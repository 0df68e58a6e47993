//! A trial of the detector on a corpus with known answers, which is made anew from a seed each time.
//!
//! The positives are the published test numbers, and random numbers of every brand, in every spelling; the
//! negatives are what looks like them. No miss and no false alarm is expected wherever the data allow an answer;
//! where they do not, a row says what chance makes of it.

mod beside;
mod encode;
mod negative;
mod number;
pub(crate) mod random;
mod report;
mod spelling;

use std::collections::BTreeMap;
use std::ops::Range;

use beside::{HARMLESS, Harmless, KINDS, Kind};
use negative::{NEGATIVES, Negative};
use number::Number;
use random::Random;
pub use report::{Expected, Part, Report, Row};
use spelling::{SPELLINGS, Spelling, Written};

use crate::classes::Classes;
use crate::finding::{Finding, FindingKind};
use crate::stream::Finder;

/// How large a corpus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Random numbers of each length of each brand.
    pub numbers: usize,
    /// Texts of each kind that holds nothing.
    pub negatives: u64,
    /// Texts of each kind of secrets and personal data, and of what only looks like them.
    pub beside: u64,
    /// Every how many bytes the texts with published numbers are cut in two: 1 is at every place.
    pub cut_every: usize,
}

impl Default for Size {
    /// As the evidence has it: some seconds' work for one core.
    fn default() -> Self {
        Self { numbers: 20, negatives: 20_000, beside: 2000, cut_every: 1 }
    }
}

/// Tries the detector on the corpus that `seed` makes, with `classes` beside card numbers. The same seed, size and
/// classes come to the same report.
pub fn self_test(seed: u64, size: Size, classes: Classes) -> Report {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    positives(size, &mut random, &mut rows);
    rows.extend(NEGATIVES.iter().map(|kind| negative(kind, size.negatives, &mut random)));
    let on = KINDS.iter().filter(|kind| (kind.is_on)(&classes));
    rows.extend(on.map(|kind| beside(kind, size.beside, classes, &mut random)));
    if classes != Classes::default() {
        rows.extend(HARMLESS.iter().map(|kind| harmless(kind, size.beside, classes, &mut random)));
    }
    Report { version: env!("CARGO_PKG_VERSION"), seed, rows }
}

/// Counts of what was found, and of how many.
#[derive(Default, Clone, Copy)]
struct Count {
    found: u64,
    of: u64,
}

impl Count {
    fn add(&mut self, found: bool) {
        self.found += u64::from(found);
        self.of += 1;
    }

    fn row(self, part: Part, name: &str, expected: Expected) -> Row {
        Row { part, name: name.to_owned(), found: self.found, of: self.of, expected }
    }
}

/// Every number in every spelling, whole and in streams. Texts with published ones are cut in two at every place
/// and come byte by byte; each of those with random ones is cut at one place.
fn positives(size: Size, random: &mut Random, rows: &mut Vec<Row>) {
    let published = number::published();
    let numbers = number::random(size.numbers, random);
    let mut brands: BTreeMap<String, Count> = BTreeMap::new();
    let [mut whole, mut cut, mut weak] = [Vec::new(), Vec::new(), Vec::new()];
    for spelling in SPELLINGS {
        let [mut found, mut in_streams, mut unsaid] = [Count::default(); 3];
        for (index, number) in published.iter().chain(&numbers).enumerate() {
            let Some(written) = spelling.write(&number.digits) else { continue };
            let seen = is_found(&written, &[written.text.len()]);
            if !counts(spelling, number) {
                unsaid.add(seen);
                continue;
            }
            found.add(seen);
            let brand = format!("{} {}", number.brand, number.digits.len());
            brands.entry(brand).or_default().add(seen);
            if index < published.len() {
                let places = (1..written.text.len()).step_by(size.cut_every.max(1));
                places.for_each(|at| in_streams.add(is_found(&written, &[at])));
                in_streams.add(is_found(&written, &vec![1; written.text.len()]));
            } else {
                let at = random.length(1, written.text.len().saturating_sub(1));
                in_streams.add(is_found(&written, &[at]));
            }
        }
        whole.push(found.row(Part::Spelling, spelling.name, Expected::All));
        cut.push(in_streams.row(Part::Cut, spelling.name, Expected::All));
        if unsaid.of > 0 {
            weak.push(unsaid.row(Part::Weak, spelling.name, Expected::Open));
        }
    }
    rows.extend(whole.into_iter().chain(cut));
    rows.extend(brands.into_iter().map(|(brand, count)| count.row(Part::Brand, &brand, Expected::All)));
    rows.extend(weak);
}

/// Whether a number counts when it is written so.
fn counts(spelling: &Spelling, number: &Number) -> bool {
    number.tier <= spelling.counts
}

/// Whether all of the number is found when its text comes in pieces of these sizes, the rest as one.
fn is_found(written: &Written, sizes: &[usize]) -> bool {
    let mut finder = Finder::new(crate::Classes::default());
    let mut found = Vec::new();
    let mut rest = written.text.as_slice();
    for size in sizes {
        let (piece, after) = rest.split_at_checked(*size).unwrap_or((rest, &[]));
        finder.push(piece, &mut found);
        rest = after;
    }
    finder.push(rest, &mut found);
    finder.finish(&mut found);
    covers(&found, &written.number, is_of_card)
}

fn is_of_card(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::Pan { .. } | FindingKind::Track1 | FindingKind::Track2)
}

/// Whether findings of such kinds take all of `range` together.
fn covers(found: &[Finding], range: &Range<usize>, is_of_kind: fn(FindingKind) -> bool) -> bool {
    // They come in the order of their starts.
    let covered = found.iter().filter(|finding| is_of_kind(finding.kind)).fold(range.start, |to, finding| {
        if finding.range.start <= to { to.max(finding.range.end) } else { to }
    });
    covered >= range.end
}

fn negative(kind: &Negative, count: u64, random: &mut Random) -> Row {
    let mut flagged = Count::default();
    for index in 0..count {
        flagged.add(crate::holds_card((kind.make)(random, index).as_bytes()));
    }
    flagged.row(Part::Negative, kind.name, Expected::AtMost(ceiling((kind.chance)(), count)))
}

/// Each of `count` texts of a kind, and whether all that is to be found of it is found.
fn beside(kind: &Kind, count: u64, classes: Classes, random: &mut Random) -> Row {
    let mut found = Count::default();
    for index in (0..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let [before, what, after] = (kind.make)(random, index);
        let text = [&*before, &what, &after].concat();
        let findings: Vec<_> = crate::find_all(text.as_bytes(), classes).collect();
        // A key's lines are found one by one: what breaks them stays.
        let parts = what.split('\n').flat_map(|line| line.split("\\n"));
        let mut at = before.len();
        found.add(parts.into_iter().all(|part| {
            let start = text.get(at..).and_then(|rest| rest.find(part)).map_or(at, |ahead| at + ahead);
            at = start + part.len();
            covers(&findings, &(start..at), kind.is_found)
        }));
    }
    found.row(kind.part, kind.name, Expected::All)
}

fn harmless(kind: &Harmless, count: u64, classes: Classes, random: &mut Random) -> Row {
    let mut flagged = Count::default();
    for _ in 0..count {
        let text = (kind.make)(random);
        flagged.add(crate::find_all(text.as_bytes(), classes).any(|finding| !is_of_card(finding.kind)));
    }
    flagged.row(Part::Harmless, kind.name, Expected::AtMost(0))
}

/// The most texts of `count` that are flagged where `chance` flags each: four deviations more than the mean,
/// which one trial in thirty thousand exceeds.
fn ceiling(chance: f64, count: u64) -> u64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small counts"
    )]
    let most = {
        let mean = chance * count as f64;
        (mean + 4.0 * mean.sqrt()).ceil() as u64
    };
    most
}

#[cfg(test)]
mod tests;
