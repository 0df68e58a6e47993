//! The walk over a text that finds what it holds.

use std::ops::Range;

use crate::candidate::{Before, Candidate, Run};
use crate::chain::{DIGITS_MAX, GAP_MAX};
use crate::encoded;
use crate::finding::Finding;
use crate::prefilter::Hints;
use crate::unit::{Kind, View};

/// Everything found in `range` of `text`, in order, by all the views that can show something.
///
/// `views` are the ways to read it; the first is the plain one. Where two of them find the same, it is there
/// once. What surrounds `range` is looked at for words only. Nothing is allocated when nothing is found.
pub(crate) fn scan(text: &[u8], range: Range<usize>, views: [View; 2]) -> Vec<Finding> {
    text.get(range.clone()).map(Hints::of).map_or_else(Vec::new, |hints| hinted(text, range, views, hints))
}

/// What [`scan`] finds, where there is nothing but what `hints` say.
pub(crate) fn hinted(text: &[u8], range: Range<usize>, views: [View; 2], hints: Hints) -> Vec<Finding> {
    let mut found = Vec::new();
    if !hints.any() {
        return found;
    }
    let [plain, escaped] = views;
    if hints.digits {
        walk(text, range.clone(), plain, &mut found);
        if hints.escapes {
            walk(text, range.clone(), escaped, &mut found);
        }
    }
    if hints.hex {
        encoded::hex(text, range.clone(), plain, &mut found);
    }
    if hints.base64 {
        encoded::base64(text, range, plain, &mut found);
    }
    found.sort_by_key(|finding| (finding.range.start, finding.range.end));
    found.dedup_by(|one, same| one.range == same.range && one.form == same.form);
    found
}

/// One view's reading of `range`.
pub(crate) fn walk(text: &[u8], range: Range<usize>, view: View, found: &mut Vec<Finding>) {
    let (around, Some(text)) = (text, text.get(..range.end)) else { return };
    let mut at = range.start;
    let mut before = Before::default();
    while let Some(unit) = view.unit(text, at) {
        if !matches!(unit.kind, Kind::Digit(_)) {
            before.pass(unit.kind);
            at += unit.length;
            continue;
        }
        let run = Run::at(text, at, view);
        let candidate = Candidate { text, around, view, before, run };
        let finding = candidate.finding();
        if run.digits > DIGITS_MAX {
            candidate.windows(found);
        }
        // A finding may end within a run only by ending with it: `run.end` is the least progress.
        at = finding.as_ref().map_or(run.end, |finding| finding.range.end.max(run.end));
        before = Before { last: Some(unit.kind), group: run.digits, gap: None, units: 0 };
        if let Some(finding) = finding {
            before.group = 0;
            found.push(finding);
        }
    }
}

impl Run {
    fn at(text: &[u8], at: usize, view: View) -> Self {
        let mut run = Self { at, end: at, digits: 0 };
        while let Some(unit) = view.unit(text, run.end)
            && matches!(unit.kind, Kind::Digit(_))
        {
            run.end += unit.length;
            run.digits += 1;
        }
        run
    }
}

impl Before {
    /// Goes on over a character that is no digit.
    fn pass(&mut self, kind: Kind) {
        self.last = Some(kind);
        match kind {
            Kind::Gap(gap) => {
                let first = self.units == 0;
                self.gap = if first { Some(gap) } else { self.gap.and_then(|sort| sort.and(gap)) };
                self.units += 1;
                if self.units > GAP_MAX {
                    self.group = 0;
                }
            }
            Kind::Mark(_) | Kind::Other | Kind::Digit(_) => {
                *self = Self { last: self.last, ..Self::default() };
            }
        }
    }
}
