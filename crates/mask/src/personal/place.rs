//! The places where something personal may start: behind the signs that it has, not at every digit.

use std::sync::LazyLock;

use memchr::memchr;

use super::{email, ssn};
use crate::bitmap::{self, BLOCK, Bitmaps, Block, End, OFFSETS, Seen, Set, Words};
use crate::marks::Marks;
use crate::secret::escape;
use crate::text::Text;

/// The places of one text where an e-mail address may start, in their order.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// Where the next `@` is, as far as is known, or the end of what is known.
    sign: Option<usize>,
}

impl Addresses {
    /// The next place at or after `at` where an address may start; `until`, the end of what is known, or a place between
    /// them if there is none before.
    pub fn next(&mut self, text: &Text<'_>, at: usize, until: usize) -> usize {
        let bytes = text.bytes();
        let mut at = at;
        while at < bytes.len().min(until) {
            let from = self.sign.unwrap_or(at).max(at);
            let sign =
                memchr(b'@', bytes.get(from..).unwrap_or_default()).map_or(bytes.len(), |sign| from + sign);
            self.sign = Some(sign);
            let local = bytes.get(at..sign).unwrap_or_default();
            let run =
                local.iter().rev().take(email::LOCAL_MAX).take_while(|byte| email::is_local(**byte)).count();
            let ended = sign == bytes.len() && text.ended();
            let starts = |place: &usize| {
                let before = bytes.get(..*place).unwrap_or_default();
                let first = bytes.get(*place).is_some_and(|first| email::is_first(*first));
                first && (!before.last().is_some_and(|last| email::is_first(*last)) || escape::ends(before))
            };
            if let Some(place) = (sign - run..sign).find(starts).filter(|_| !ended) {
                return place;
            }
            at = sign + 1;
        }
        bytes.len().min(at)
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        self.sign = self.sign.and_then(|sign| sign.checked_sub(bytes));
    }
}

/// The places of one text where a number may start, in their order.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Where the block starts that is to be seen next; `None` where nothing has been seen yet.
    seen: Option<usize>,
    passed: Passed,
    marks: Marks,
    /// Up to where all places have been marked.
    marked_to: usize,
}

impl Numbers {
    /// The next place at or after `at` where a number may start; the end of what is known if there is none.
    pub fn next(&mut self, text: &Text<'_>, at: usize) -> usize {
        if self.seen.is_none_or(|seen| at > seen + REACH) {
            *self = Self { seen: Some(at.saturating_sub(REACH)), ..Self::default() };
        }
        loop {
            if let Some(place) = self.marks.next(at).filter(|place| *place < self.marked_to) {
                return place;
            }
            if self.marked_to >= text.len() {
                return text.len();
            }
            self.see(text, at);
        }
    }

    /// Goes on from a mark at `at`, or after, to the next.
    fn see(&mut self, text: &Text<'_>, at: usize) {
        let (bytes, open) = (text.bytes(), !text.ended());
        let start = self.seen.unwrap_or(0);
        let due = self.marks.next(at.max(self.marked_to)).unwrap_or(usize::MAX);
        let whole_to = if open { bytes.len() } else { usize::MAX };
        let quiet_before = due.saturating_add(1).min(whole_to.saturating_add(1).saturating_sub(BLOCK));
        // The block that is to be seen again when more is known, and what had passed before it.
        let mut kept = None;
        let (mut at, mut now, mut last, mut stopped) = (start, self.passed, start, false);
        while !stopped {
            let (before, hits) = match BITMAPS.next(bytes, at, quiet_before, now) {
                Seen::All(passed) => {
                    now = passed;
                    if at < bytes.len() {
                        at += (bytes.len() - at).next_multiple_of(BLOCK);
                        last = at - BLOCK;
                    }
                    break;
                }
                Seen::Block { at: place, before, after, hits } => {
                    (last, at, now) = (place, place + BLOCK, after);
                    (before, hits)
                }
            };
            if let Some(hits) = hits {
                self.marks.turn_to(last);
                mark(&mut self.marks, last, hits);
            }
            // What may go on is looked at again when more is known.
            if at > whole_to {
                kept.get_or_insert((last, before));
            } else {
                stopped = hits.is_some() || last > due;
            }
        }
        let (seen, passed) = kept.unwrap_or((at, now));
        (self.seen, self.passed) = (Some(seen), passed);
        self.marked_to = if stopped { seen - SSN } else { bytes.len() };
        if open && !stopped {
            // A number that the text ends in may yet become one.
            self.marks.turn_to(last);
            let end = bytes.get(bytes.len().saturating_sub(SSN)..).unwrap_or_default();
            let places = (bytes.len() - end.len()..).zip(end);
            places.filter(|(_, byte)| byte.is_ascii_digit()).for_each(|(place, _)| self.marks.add(place));
        }
    }

    /// The first bytes of the text have been dropped.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Marks the places that the `hits` of the block at `at` tell of.
fn mark(marks: &mut Marks, at: usize, hits: Hits) {
    let Hits { here, behind_code, behind_ssn } = hits;
    for (mut word, back) in [(here, 0), (behind_code, 1), (behind_ssn, SSN - 1)] {
        while word != 0 {
            marks.add((at + word.trailing_zeros() as usize).saturating_sub(back));
            word &= word - 1;
        }
    }
}

/// What of the blocks that have passed matters for the next.
#[derive(Debug, Default, Clone, Copy)]
struct Passed {
    words: u64,
    digits: u64,
    hyphens: u64,
    capitals: u64,
    pluses: u64,
    /// Up to where a word says that digits may be a Social Security number.
    named_to: usize,
}

/// What shows in a block.
#[derive(Debug, Clone, Copy)]
struct Hits {
    /// Digits behind what begins a telephone number, or near a word.
    here: u64,
    /// The second digits behind a country's code.
    behind_code: u64,
    /// The last digits of what is grouped as a Social Security number.
    behind_ssn: u64,
}

impl bitmap::Passed<1, 5> for Passed {
    type Hits = Hits;

    #[inline(always)]
    fn step(&mut self, at: usize, block: &Block<1, 5>) -> Option<Hits> {
        let [words] = block.ends;
        let [digits, hyphens, capitals, pluses, zeros] = block.kinds;
        let word = behind(words, self.words, 1);
        let near = self.named(at, word);
        let digit = |by: usize| behind(digits, self.digits, by);
        let hyphen = |by: usize| behind(hyphens, self.hyphens, by);
        let capital = |by: usize| behind(capitals, self.capitals, by);
        let behind_ssn = digits & digit(1) & digit(2) & digit(3);
        let behind_ssn =
            behind_ssn & hyphen(4) & digit(5) & digit(6) & hyphen(7) & digit(8) & digit(9) & digit(10);
        let hits = Hits {
            // No country's code starts with a zero.
            here: digits & (behind(pluses, self.pluses, 1) & !zeros | near),
            behind_code: digits & digit(1) & capital(2) & capital(3),
            behind_ssn,
        };
        (self.words, self.digits, self.hyphens) = (words, digits, hyphens);
        (self.capitals, self.pluses) = (capitals, pluses);
        (hits.here | hits.behind_code | hits.behind_ssn != 0).then_some(hits)
    }
}

impl Passed {
    /// The places in the block at `at` that are near a word: `words` are behind such.
    #[inline(always)]
    fn named(&mut self, at: usize, words: u64) -> u64 {
        let before = self.named_to.saturating_sub(at);
        if words == 0 && before == 0 {
            return 0;
        }
        let near = if before < BLOCK { !(!0 << before) } else { !0 };
        if words != 0 {
            self.named_to = at + BLOCK - words.leading_zeros() as usize + ssn::REACH;
        }
        // From the first word on to the block's end there may be more than is near.
        if words == 0 { near } else { near | !0 << words.trailing_zeros() }
    }
}

/// The bits of `now` and of the block `before`, `by` places on.
#[inline(always)]
fn behind(now: u64, before: u64, by: usize) -> u64 {
    now << by | before >> (BLOCK - by)
}

static BITMAPS: LazyLock<Bitmaps<1, 5>> = LazyLock::new(|| {
    let digit = |byte: u8| byte.is_ascii_digit();
    Bitmaps::new(
        [Words::list(["tel:", "ssn", "security"].map(word_end))],
        [
            Set::of(digit),
            Set::of(|byte| byte == b'-'),
            Set::of(|byte| byte.is_ascii_uppercase()),
            Set::of(|byte| byte == b'+'),
            Set::of(|byte| byte == b'0'),
        ],
    )
});

/// The end of a word in any case.
fn word_end(word: &str) -> End {
    OFFSETS.map(|offset| match word.as_bytes().iter().rev().nth(offset) {
        Some(letter) => Set::of(|byte| byte.eq_ignore_ascii_case(letter)),
        None => Set::ALL,
    })
}

/// Bytes of a Social Security number with its hyphens.
const SSN: usize = 11;
/// From how far before a place on the text is to be seen.
const REACH: usize = 2 * BLOCK;
