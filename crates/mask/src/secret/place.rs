//! The places where a secret may start, found by bitmaps: most of a text is gone over here, 64 bytes at a time.

use std::sync::LazyLock;

use super::hint::Hint;
use super::{BEFORE, assignment, escape, hint, rule, work};
use crate::bitmap::{self, BLOCK, Bitmaps, Block, End, OFFSETS, Seen, Set, Words, places};
use crate::marks::Marks;
use crate::text::Text;

/// The places of one text where a secret may start, in their order.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Where the block starts that is to be seen next; `None` where nothing has been seen yet.
    seen: Option<usize>,
    passed: Passed,
    marks: Marks,
    /// Up to where all places have been marked.
    marked_to: usize,
}

impl Places {
    /// The next place at or after `at` where a secret may start; `until`, or the end of what is known, if there is none
    /// before.
    pub fn next(&mut self, text: &Text<'_>, at: usize, until: usize) -> usize {
        if self.seen.is_none_or(|seen| at > seen + REACH) {
            *self = Self { seen: Some(at.saturating_sub(REACH)), ..Self::default() };
        }
        loop {
            if let Some(place) = self.marks.next(at).filter(|place| *place < self.marked_to) {
                return place;
            }
            if self.marked_to >= text.len().min(until) {
                return text.len().min(until.max(at));
            }
            self.see(text, at, until);
        }
    }

    /// Goes on from a mark at `at`, or after, to the next.
    fn see(&mut self, text: &Text<'_>, at: usize, until: usize) {
        let (bytes, open) = (text.bytes(), !text.ended());
        let hint = Hint::new(bytes, open);
        let start = self.seen.unwrap_or(0);
        let due = self.marks.next(at.max(self.marked_to)).unwrap_or(usize::MAX).min(until);
        let whole_to = if open { bytes.len() } else { usize::MAX };
        // The first block that is to be seen again when more is known, and what had passed before it.
        let mut kept = None;
        let (mut at, mut now, mut last, mut stopped, mut cut) = (start, self.passed, start, false, false);
        while !stopped {
            let quiet_before = if cut {
                0
            } else {
                due.saturating_add(1).min(whole_to.saturating_add(1).saturating_sub(BLOCK))
            };
            let (before, hits) =
                match BITMAPS.next(bytes, at, quiet_before, Seeing { text: bytes, passed: now }) {
                    Seen::All(Seeing { passed, .. }) => {
                        now = passed;
                        if at < bytes.len() {
                            at += (bytes.len() - at).next_multiple_of(BLOCK);
                            last = at - BLOCK;
                        }
                        break;
                    }
                    Seen::Block { at: place, before, after, hits } => {
                        (last, at, now) = (place, place + BLOCK, after.passed);
                        (before.passed, hits)
                    }
                };
            if let Some(hits) = hits {
                if !cut {
                    self.marks.turn_to(last);
                }
                cut |= mark(&hint, &mut self.marks, last, hits);
            }
            // What may go on is looked at again when more is known.
            if cut || at > whole_to {
                kept.get_or_insert((last, before));
            } else {
                stopped = (hits.is_some() && !self.marks.is_empty()) || last > due;
            }
        }
        work::done(last + BLOCK - start);
        let (seen, passed) = kept.unwrap_or((at, now));
        (self.seen, self.passed) = (Some(seen), passed);
        self.marked_to = if stopped { seen - passed.open_run() } else { bytes.len() };
        if !stopped {
            if !cut {
                self.marks.turn_to(last);
            }
            // Unless the text goes on, a run that ends within its last block has shown there.
            if open || now.run > 0 {
                self.mark_last_run(bytes, open);
            }
        }
    }

    /// Marks base64 that the text ends in: it may yet become as long as a key of AWS.
    fn mark_last_run(&mut self, bytes: &[u8], open: bool) {
        let run = bytes.iter().rev().take(AWS + 2).take_while(|byte| assignment::is_standard(**byte)).count();
        let start = bytes.len() - run;
        match run {
            AWS | WITH_ESCAPE if !open => self.marks.add(bytes.len() - AWS),
            1..=WITH_ESCAPE if open => [start, start + 1].into_iter().for_each(|place| self.marks.add(place)),
            _ => {}
        }
    }
}

/// Marks the places that the `hits` of the block at `at` tell of. Whether more may be told of when more is known.
fn mark(hint: &Hint<'_>, marks: &mut Marks, at: usize, hits: Hits) -> bool {
    let mut cut = false;
    for place in places(at, hits.names) {
        cut |= hint.behind_name(place, |place| marks.add(place));
    }
    for place in places(at, hits.anchors) {
        cut |= hint.behind_anchor(place, |place| marks.add(place));
    }
    for end in places(at, hits.runs) {
        marks.add(end.saturating_sub(AWS));
    }
    cut
}

/// What of the blocks that have passed matters for the next.
#[derive(Debug, Default, Clone, Copy)]
struct Passed {
    names: u64,
    anchors: u64,
    dots: u64,
    ps: u64,
    /// How many characters of base64 they end in.
    run: usize,
}

/// What shows in a block.
#[derive(Debug, Clone, Copy)]
struct Hits {
    /// The places behind the ends of names.
    names: u64,
    /// The places behind the ends of anchors.
    anchors: u64,
    /// The places behind base64 that is as long as a key of AWS.
    runs: u64,
}

/// What has passed of a text.
#[derive(Debug, Clone, Copy)]
struct Seeing<'t> {
    text: &'t [u8],
    passed: Passed,
}

impl bitmap::Passed<3, 4> for Seeing<'_> {
    type Hits = Hits;

    #[inline(always)]
    fn step(&mut self, at: usize, block: &Block<3, 4>) -> Option<Hits> {
        let hits = self.passed.step(block);
        if hits.names | hits.anchors | hits.runs == 0 { None } else { hits.sifted(self.text, at) }
    }
}

impl Hits {
    /// What is left of the hits of the block at `at`, when the ends of words are held against the words.
    #[inline(never)]
    fn sifted(self, text: &[u8], at: usize) -> Option<Self> {
        let hint = Hint::new(text, true);
        let keep = |hits: u64, keeps: &dyn Fn(usize) -> bool| {
            let kept = places(0, hits).filter(|place| keeps(at + place));
            kept.fold(0, |kept, place| kept | 1 << place)
        };
        let names = keep(self.names, &|place| hint.is_name(place));
        let anchors = keep(self.anchors, &|place| hint.is_anchor(place));
        let hits = Self { names, anchors, ..self };
        (hits.names | hits.anchors | hits.runs != 0).then_some(hits)
    }
}

impl Passed {
    #[inline(always)]
    fn step(&mut self, block: &Block<3, 4>) -> Hits {
        let [names, some, others] = block.ends;
        let [standard, gap, dots, ps] = block.kinds;
        // The parts of tokens that have no anchor end in a full stop, behind another or a `p`.
        let anchors = some | others | dots & (behind(dots, self.dots, 7) | behind(ps, self.ps, 17));
        let hits = Hits {
            names: behind(names, self.names, 1) & gap,
            anchors: behind(anchors, self.anchors, 1),
            runs: self.runs(standard),
        };
        (self.names, self.anchors, self.dots, self.ps) = (names, anchors, dots, ps);
        hits
    }

    /// Where base64 ends that is as long as a key of AWS, the letter of an escape before it or not.
    #[inline(always)]
    fn runs(&mut self, standard: u64) -> u64 {
        let other = !standard;
        let first = other.trailing_zeros() as usize;
        if first == BLOCK {
            self.run = self.run.saturating_add(BLOCK);
            return 0;
        }
        let fits = |length: usize| matches!(length, AWS | WITH_ESCAPE);
        let mut runs = u64::from(fits(self.run + first)) << first;
        self.run = other.leading_zeros() as usize;
        // So many in a row within a block take its middle.
        if standard >> 24 & 0xffff == 0xffff {
            let start = BLOCK - (other & 0xff_ffff).leading_zeros() as usize;
            let length = (other >> start).trailing_zeros() as usize;
            if fits(length) && start > 0 && start + length < BLOCK {
                runs |= 1 << (start + length);
            }
        }
        runs
    }

    /// How long the base64 is that they end in, if it may be a key of AWS.
    fn open_run(&self) -> usize {
        if self.run <= WITH_ESCAPE { self.run } else { 0 }
    }
}

/// The bits of `now` and of the block `before`, `by` places on.
#[inline(always)]
fn behind(now: u64, before: u64, by: usize) -> u64 {
    now << by | before >> (BLOCK - by)
}

static BITMAPS: LazyLock<Bitmaps<3, 4>> = LazyLock::new(|| {
    let (ends, alone) = assignment::names();
    let names =
        ends.map(|name| name_end(name, Set::ALL)).chain(alone.map(|name| name_end(name, not_in_word())));
    let anchors =
        rule::anchors().map(anchor_end).chain(hint::ANCHORS.iter().map(|end| literal(end, Set::ALL)));
    let [some, others] = Words::lists(anchors.chain(hint::forms()));
    Bitmaps::new(
        [Words::list(names), some, others],
        [
            Set::of(assignment::is_standard),
            Set::of(assignment::is_gap),
            Set::of(|byte| byte == b'.'),
            Set::of(|byte| byte == b'p'),
        ],
    )
});

/// The end of a name, in any case and with any signs between its letters.
fn name_end(name: &str, before: Set) -> End {
    OFFSETS.map(|offset| {
        let letters = name.as_bytes().iter().rev().take(offset + 1);
        let letters = letters.fold(Set::of(assignment::is_joint), |set, letter| {
            set.or(Set::of(|byte| byte.eq_ignore_ascii_case(letter)))
        });
        match name.len() {
            length if offset < length => letters,
            length if offset == length => letters.or(before),
            _ => Set::ALL,
        }
    })
}

/// The end of an anchor, which begins a word unless it begins with a sign itself.
fn anchor_end(anchor: &str) -> End {
    literal(anchor, if rule::is_within(anchor) { Set::ALL } else { not_in_word() })
}

fn literal(end: &str, before: Set) -> End {
    OFFSETS.map(|offset| match end.as_bytes().iter().rev().nth(offset) {
        // The list that these are in is known by those that are next to each other.
        _ if offset > NEXT => Set::ALL,
        Some(letter) => Set::of(|byte| byte == *letter),
        None if offset == end.len() => before,
        None => Set::ALL,
    })
}

/// What stands before a word: no letter or digit but the last of an escape.
fn not_in_word() -> Set {
    Set::of(|byte| !byte.is_ascii_alphanumeric() || escape::LAST.contains(&byte) || byte.is_ascii_hexdigit())
}

const AWS: usize = assignment::AWS;
/// The same, with the letter of an escape before it.
const WITH_ESCAPE: usize = AWS + 1;
/// So far before its last byte an anchor is known by.
pub(crate) const NEXT: usize = 3;
/// From how far before a place on the text is to be seen: as far as is looked back, and what it takes to tell.
const REACH: usize = BEFORE + BLOCK;
