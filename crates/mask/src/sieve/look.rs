//! The closer look at what shows in a text: each byte is read a bounded number of times.

use std::ops::Range;

use crate::brand::{Brand, Tier, luhn};
use crate::candidate::{GROUPINGS, Run};
use crate::chain::{Chain, DIGITS_MAX, DIGITS_MIN, GAP_MAX, Group};
use crate::context;
use crate::sieve::bare;
use crate::sieve::tables::{BASE64, BESIDE, BESIDE_AT, BREAK, CLASSES, DIGIT, GAP, TWICE, beyond_ascii};
use crate::sieve::{BEFORE, Stretch};
use crate::text::Text;
use crate::unit::{Gap, Kind, SYNC, View};
use crate::walk::LOOK_BACK;

mod dump;
mod encoded;
mod open;

/// Looks at what shows in a text and gathers it into one stretch.
pub(crate) struct Look<'t> {
    text: &'t [u8],
    /// The same, with the words about it.
    whole: &'t Text<'t>,
    /// Whether more may come.
    open: bool,
    from: usize,
    looked: Looked,
    found: Option<Stretch>,
}

/// What has been looked at, which is not looked at again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// Up to where groups of digits have been judged.
    digits_to: usize,
    /// Up to where escapes have been.
    spelled_to: usize,
    /// Up to where hex has been, by where its pairs are cut.
    hex_to: [usize; 2],
    /// Up to where hex with something between its bytes has been.
    dump_to: usize,
    /// Where the text ended, as far as it was known, with digits that may go on.
    cut: Option<usize>,
}

impl Looked {
    /// Nothing, where the look begins at `from`.
    pub fn before(from: usize) -> Self {
        // What stands right before belongs to the same run: it may make it too long to be one number.
        Self {
            digits_to: from.saturating_sub(RUN),
            spelled_to: from,
            hex_to: [from; 2],
            dump_to: from,
            cut: None,
        }
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        let Self { digits_to, spelled_to, hex_to: [even, odd], dump_to, cut } = self;
        *cut = cut.map(|cut| cut.saturating_sub(bytes));
        for place in [digits_to, spelled_to, even, odd, dump_to] {
            *place = place.saturating_sub(bytes);
        }
        if bytes % 2 == 1 {
            std::mem::swap(even, odd);
        }
    }
}

impl<'t> Look<'t> {
    /// Looks at `text` from `from` on.
    pub fn new(whole: &'t Text<'t>, from: usize) -> Self {
        let (text, open) = (whole.bytes(), !whole.ended());
        Self { text, whole, open, from, looked: Looked::before(from), found: None }
    }

    /// Goes on at `at` behind what was `looked` at from `begin` on.
    pub fn resumed(whole: &'t Text<'t>, begin: usize, at: usize, looked: &Looked) -> Self {
        let from = at.saturating_sub(NUMBER).max(begin);
        let mut look = Self { looked: *looked, ..Self::new(whole, from) };
        if let Some(cut) = look.looked.cut.filter(|cut| *cut < look.text.len()) {
            look.looked.cut = None;
            look.looked.digits_to = look.looked.digits_to.min(cut.saturating_sub(RUN));
            look.digits(cut);
            look.hex(cut);
            look.hex(cut + 1);
            look.dump_goes_on(cut);
        }
        look
    }

    /// Looks at what may go on at `from`: it has shown where it began.
    pub fn begin(&mut self, from: usize) {
        let digits = || self.count_digits(from..self.text.len().min(from + RUN));
        if from > 0 && digits() >= DIGITS_MIN {
            self.digits(from);
            self.hex(from);
            self.hex(from + 1);
            self.dump(from);
        }
    }

    /// What has been looked at.
    pub fn looked(&self) -> Looked {
        self.looked
    }

    /// What was found, if what shows at `at` or after is for another stretch.
    #[inline(always)]
    pub fn settle(&mut self, at: usize) -> Option<Stretch> {
        if self.is_done(at) { self.found.take() } else { None }
    }

    pub fn whole(&self) -> &'t Text<'t> {
        self.whole
    }

    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    pub fn from(&self) -> usize {
        self.from
    }

    /// Whether what shows at `at` or after is for another stretch.
    pub fn is_done(&self, at: usize) -> bool {
        self.found.as_ref().is_some_and(|found| at > found.range.end + JOIN)
    }

    /// A run of digits, by the place of its twelfth, or digits in `groups`, by a place among them.
    #[inline(always)]
    pub fn shown_digits(&mut self, at: usize, groups: bool) {
        if !groups {
            self.bare(at);
            return;
        }
        let at = at.min(self.text.len());
        if at >= self.looked.digits_to {
            self.digits(at);
        }
        self.dump(at);
    }

    /// A run of digits, by the place of its twelfth.
    #[inline(always)]
    fn bare(&mut self, at: usize) {
        if at >= self.looked.digits_to && bare::may_count(self.text, at + 1 - DIGITS_MIN) {
            self.digits(at);
        }
    }

    /// What was found, with the end of the text where that may go on.
    pub fn stretch(mut self) -> Option<Stretch> {
        if self.open && self.from < self.text.len() && !self.is_done(self.text.len()) {
            let end = self.text.len();
            let letters = self.token_before(end, LETTERS_TAIL);
            let start = self.open_start().min(end.saturating_sub(TAIL.max(letters)));
            let dump = self.open_dump();
            self.take_any(dump.map_or(start, |dump| dump.min(start)), end);
            self.found.iter_mut().for_each(|found| found.dump |= dump.is_some());
        }
        self.found
    }

    /// An escape behind a digit, or not far behind: it may stand between two.
    pub fn escape(&mut self, at: usize) {
        let stands = match (self.byte(at), self.byte(at + 1)) {
            (Some(b'%'), Some(next)) => next.is_ascii_hexdigit(),
            (Some(b'='), Some(next)) => next.is_ascii_hexdigit() || matches!(next, b'\r' | b'\n'),
            (Some(b'\\'), Some(next)) => matches!(next, b'u' | b'n' | b'r' | b't' | b'/' | b'\\'),
            // A reference ends with a semicolon; a query's next field does not.
            (Some(b'&'), Some(_)) => {
                let reference = self.after(at).get(..SYNC);
                reference.map_or(self.open, |bytes| bytes.contains(&b';'))
                    || self.after(at).iter().take(SYNC).any(|byte| *byte == b';')
            }
            (Some(0x80..), _) => return self.wide(at),
            (_, next) => self.open && next.is_none(),
        };
        if stands && self.follows_digit(at) {
            self.spelled(at);
        }
    }

    /// An escape that may write a digit.
    pub fn reference(&mut self, at: usize) {
        let digit = |at: usize| self.byte(at).is_some_and(|byte| byte.is_ascii_digit());
        let writes = match (self.byte(at), self.byte(at + 1)) {
            (Some(b'%'), Some(b'd'..=b'f' | b'D'..=b'F'))
            | (Some(b'\\'), Some(b'u'))
            | (Some(b'&'), Some(b'#')) => true,
            (Some(b'%' | b'='), Some(b'3')) => digit(at + 2),
            _ => false,
        };
        if writes {
            self.spelled(at);
        }
    }

    /// An escape of an escape that may write a digit.
    pub fn nested(&mut self, at: usize) {
        if self.may_nest(at) {
            self.spelled(at);
        }
    }

    /// Whether a percent sign stands here that is itself escaped.
    fn may_nest(&self, at: usize) -> bool {
        self.after(at).starts_with(b"%25")
    }

    pub fn sign(&mut self, at: usize) {
        let Some(byte) = self.byte(at) else { return };
        match byte {
            b'M'..=b'O' if self.has_sign(at, BASE64) => self.base64(at),
            b'Q'..=b'W' if self.has_sign(at, TWICE) => self.base64_twice(at),
            _ => {}
        }
    }

    /// What may be a digit beyond ASCII, or a gap.
    pub fn wide(&mut self, at: usize) {
        match beyond_ascii(self.after(at)) {
            Some(Kind::Digit(_)) => self.spelled(at),
            Some(Kind::Gap(_)) if self.follows_digit(at) => self.spelled(at),
            _ => {}
        }
    }

    /// Whether the letters at `at` are all that a sign takes: what makes bitmaps may know less.
    fn has_sign(&self, at: usize, sign: u8) -> bool {
        let fits = |(offset, table): (&usize, &[u8; 128])| match self.byte(at + offset) {
            Some(byte) => table.get(usize::from(byte)).copied().unwrap_or(0),
            None => 0,
        };
        BESIDE_AT.iter().zip(&BESIDE).map(fits).fold(sign, |all, one| all & one) != 0
    }

    /// Groups of digits in ASCII, with gaps between them.
    fn digits(&mut self, at: usize) {
        let start = self.cluster_start(at, self.looked.digits_to);
        let end = self.cluster_end(start);
        self.looked.digits_to = end.max(at);
        if self.open && end + GAP_MAX >= self.text.len() {
            self.looked.cut = Some(self.text.len());
        }
        let text = Text::whole(self.text);
        let mut at = start;
        while at < end {
            let digits = self.run(at);
            let (gap, breaks) = self.gap(at + digits);
            let next = at + digits + gap;
            let may_be = |(start, view): (usize, View)| {
                self.shape(start, at + digits - start, breaks, next) && self.may_be(&text, start, view)
            };
            if self.starts(at, digits).any(may_be) {
                self.take(at, self.track_end(end));
                return;
            }
            at = next.max(at + 1);
        }
        if self.open && end + GAP_MAX >= self.text.len() {
            self.take(start, self.text.len());
        }
    }

    /// Where a number may start in the run of `digits` digits at `at`: there, and behind an escape that ends in it.
    fn starts(&self, at: usize, digits: usize) -> impl Iterator<Item = (usize, View)> {
        let behind = move |start: usize| {
            let opener = |length: usize| start.checked_sub(length).and_then(|opener| self.byte(opener));
            match (opener(ESCAPE_LENGTH), opener(UNICODE_LENGTH)) {
                (Some(b'%'), _) | (_, Some(b'\\')) => Some((start, View::Escaped)),
                (Some(b'='), _) => Some((start, View::Quoted)),
                _ => None,
            }
        };
        let inside = at + 1..at + digits.min(UNICODE_LENGTH);
        std::iter::once((at, View::Plain)).chain(inside.filter_map(behind))
    }

    /// Whether a card number may start with a run of `digits` digits at `at`, which the run at `next` follows:
    /// by the lengths of both, and a long run by its check digit.
    fn shape(&self, at: usize, digits: usize, breaks: bool, next: usize) -> bool {
        let second = || self.run(next);
        match digits {
            0 => false,
            _ if breaks && digits + second() >= DIGITS_MIN => true,
            1 if self.byte(at + 1) == Some(b'.') => true,
            1..=3 => self.is_list(next, digits, second()),
            4 => matches!(second(), 3 | 4 | 6),
            6 => second() == 13,
            8 => second() == 8,
            12..=DIGITS_MAX => {
                let run = self.text.get(at..at + digits).unwrap_or_default();
                let (length, rest) = run.split_at_checked(2).unwrap_or((run, &[]));
                let length = length.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit & 15));
                checks(run) || (length == rest.len() && checks(rest))
            }
            _ => digits > DIGITS_MAX,
        }
    }

    /// Whether the groups from `at` on, behind one of `first` digits, are enough, and all of `each` digits; but
    /// the last may be a single one.
    fn is_list(&self, mut at: usize, first: usize, each: usize) -> bool {
        let mut digits = first;
        if !matches!((first, each), (_, 3) | (1, 1) | (2, 2)) {
            return false;
        }
        while digits < DIGITS_MIN {
            let run = self.run(at);
            digits += run;
            if run != each && (run != 1 || digits < DIGITS_MIN) {
                return false;
            }
            at += run + self.gap(at + run).0;
        }
        true
    }

    /// How many digits there are from `at` on.
    fn run(&self, at: usize) -> usize {
        self.after(at).iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// How many gaps there are from `at` on, and whether a line breaks there.
    fn gap(&self, at: usize) -> (usize, bool) {
        let (mut gap, mut breaks) = (0, false);
        while gap <= GAP_MAX && self.class(at + gap) & GAP != 0 {
            breaks |= self.class(at + gap) & BREAK != 0;
            gap += 1;
        }
        (gap, breaks)
    }

    /// Digits and gaps of which some are escaped or beyond ASCII. What stands before `at` is neither.
    fn spelled(&mut self, at: usize) {
        if at < self.looked.spelled_to {
            return;
        }
        let text = Text::whole(self.text);
        let start = self.cluster_start(at, self.from);
        let mut digits = self.count_digits(start..at);
        let (mut end, mut gaps, mut nests) = (at, 0, false);
        while let Some((is_digit, length)) = self.any_unit(&text, end) {
            nests |= self.may_nest(end);
            (digits, gaps) = if is_digit { (digits + 1, 0) } else { (digits, gaps + 1) };
            if gaps > GAP_MAX {
                break;
            }
            end += length;
        }
        self.looked.spelled_to = end.max(at + 1);
        if self.open && end + SYNC > self.text.len() {
            self.take(start, self.text.len());
            self.note_nested(nests);
            return;
        }
        let is_float = matches!(self.byte(end), Some(b'e' | b'E'));
        if digits + HIDDEN < DIGITS_MIN && !is_float {
            return;
        }
        let start = start.saturating_sub(LOOK_BACK);
        let views = [View::Escaped, View::Plain, View::Quoted, View::Json].into_iter();
        for view in views.chain(nests.then_some(View::Nested)) {
            let mut place = start;
            let mut fresh = true;
            while place < end {
                let Some(unit) = view.unit(&text, place) else { break };
                let digit = matches!(unit.kind, Kind::Digit(_));
                if digit && fresh && self.may_be(&text, place, view) {
                    // A track's separator may have been read as the beginning of an escape.
                    self.take(start, end + TRACK);
                    self.note_nested(nests);
                    return;
                }
                fresh = !digit;
                place += unit.length;
            }
        }
    }

    /// One character as any view reads it, if it is a digit or a gap: which, and its length.
    fn any_unit(&self, text: &Text<'_>, at: usize) -> Option<(bool, usize)> {
        let byte = self.byte(at)?;
        let view = match byte {
            b'%' if self.may_nest(at) => View::Nested,
            b'\\' | b'%' | b'&' => View::Escaped,
            b'=' => View::Quoted,
            _ => View::Plain,
        };
        let unit = view.unit(text, at)?;
        match unit.kind {
            Kind::Digit(_) => Some((true, unit.length)),
            Kind::Gap(_) => Some((false, unit.length)),
            Kind::Mark(_) | Kind::Other => None,
        }
    }

    /// Whether a card number or track may start at the run of digits at `at`: all that a candidate asks for
    /// that does not depend on what stands around it.
    fn may_be(&self, text: &Text<'_>, at: usize, view: View) -> bool {
        let run = Run::at(text, at, view);
        if run.digits > DIGITS_MAX {
            return true;
        }
        let chain = Chain::read(text, at, view, |_, _| true);
        // A number may end before it, or not.
        if chain.escape().is_some() {
            return true;
        }
        (run.digits >= DIGITS_MIN && self.is_bare(text, &chain, run))
            || is_grouped(&chain)
            || is_listed(&chain)
            || is_float(text, &chain)
    }

    fn is_bare(&self, text: &Text<'_>, chain: &Chain, run: Run) -> bool {
        let Some(number) = chain.number(run.digits) else { return false };
        let zeros = number.iter().take_while(|digit| **digit == 0).count();
        let certain = |skipped: usize| number.get(skipped..).is_some_and(|rest| is_of(rest, Tier::A));
        let believed = || match Brand::of(number).map(Brand::tier) {
            Some(Tier::A) => true,
            Some(Tier::B) => {
                let more = self.open && run.end + context::REACH > self.text.len();
                more || context::speaks_of_cards(self.whole, run.at..run.end)
            }
            Some(Tier::C) | None => false,
        };
        let track = || {
            luhn(number) && matches!(text.get(run.end), Some(b'=' | b'^' | b'D' | b'd' | b'\\' | b'%' | b'&'))
        };
        believed() || certain(zeros) || certain(2) || track()
    }

    /// `1e15` and the like, before `end`: from the last digit before the point on.
    pub fn float(&mut self, end: usize) {
        let tail = self.before(end).iter().rev().take(EXPONENT);
        let Some(back) = tail.take_while(|byte| !matches!(byte, b'e' | b'E')).count().checked_add(1) else {
            return;
        };
        let Some(at) = end.checked_sub(back) else { return };
        let digits = self.before(at).iter().rev().take(DIGITS_MAX).take_while(|b| b.is_ascii_digit());
        let start = at - digits.count();
        let point = start.checked_sub(1).filter(|point| self.byte(*point) == Some(b'.'));
        if let Some(digit) = point.and_then(|point| point.checked_sub(1))
            && self.class(digit) & DIGIT != 0
        {
            self.take(digit, end);
        }
    }

    /// Behind a number that ends at `end`: where its track would end.
    fn track_end(&self, end: usize) -> usize {
        match self.byte(end) {
            Some(b'=' | b'^' | b'D' | b'd' | b'%' | b'&' | b'\\') => end + TRACK,
            _ => end,
        }
    }

    /// Whether a digit stands before `at`, with gaps in between or none.
    fn follows_digit(&self, at: usize) -> bool {
        let mut before = self.before(at).iter().rev().take(GAP_MAX + 1);
        let stop = before.find(|byte| class(**byte) & GAP == 0);
        stop.is_some_and(u8::is_ascii_digit)
    }

    /// Where the digits and gaps before `at` begin with a digit, `floor` at the least.
    fn cluster_start(&self, at: usize, floor: usize) -> usize {
        let (mut start, mut gaps) = (at, 0);
        for (index, byte) in self.before(at).iter().enumerate().skip(floor).rev() {
            let class = class(*byte);
            if class & DIGIT != 0 {
                (start, gaps) = (index, 0);
            } else if class & GAP != 0 && gaps < GAP_MAX {
                gaps += 1;
            } else {
                break;
            }
        }
        start
    }

    /// Where the digits and gaps from `at` on end with a digit.
    fn cluster_end(&self, at: usize) -> usize {
        let (mut end, mut gaps) = (at, 0);
        for (index, byte) in self.after(at).iter().enumerate() {
            let class = class(*byte);
            if class & DIGIT != 0 {
                (end, gaps) = (at + index + 1, 0);
            } else if class & GAP != 0 && gaps < GAP_MAX {
                gaps += 1;
            } else {
                break;
            }
        }
        end
    }

    fn count_digits(&self, range: Range<usize>) -> usize {
        self.text.get(range).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit()).count()
    }

    /// Adds digits that start at `start` and end at `end` to the stretch.
    fn take(&mut self, start: usize, end: usize) {
        let (start, end) = (start.saturating_sub(BEFORE).max(self.from), end.min(self.text.len()));
        // What begins before, and was looked at there.
        if end <= start {
            return;
        }
        let found = self.found.get_or_insert_with(|| Stretch::of(start..end));
        found.range = found.range.start.min(start)..found.range.end.max(end);
    }

    /// The same, of digits that may be in hex.
    fn take_hex(&mut self, start: usize, end: usize) {
        self.take(start, end);
        self.found.iter_mut().for_each(|found| found.hex = true);
    }

    /// The same, of digits that may be in base64.
    fn take_base64(&mut self, start: usize, end: usize) {
        self.take(start, end);
        self.found.iter_mut().for_each(|found| found.base64 = true);
    }

    /// The same, of what may be anything.
    fn take_any(&mut self, start: usize, end: usize) {
        self.take_hex(start, end);
        self.take_base64(start, end);
        let nests = self.text.get(start..end).is_some_and(|text| memchr::memchr(b'%', text).is_some());
        self.note_nested(nests);
    }

    /// Notes of what was taken that it may hold escapes of percent-escapes.
    fn note_nested(&mut self, nests: bool) {
        self.found.iter_mut().for_each(|found| found.nested |= nests);
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn class(&self, at: usize) -> u8 {
        self.byte(at).map_or(0, class)
    }

    fn before(&self, at: usize) -> &'t [u8] {
        self.text.get(..at).unwrap_or(self.text)
    }

    fn after(&self, at: usize) -> &'t [u8] {
        self.text.get(at..).unwrap_or_default()
    }
}

/// What a byte is.
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether the last of some digits in ASCII is the check digit of the others.
fn checks(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    for pair in digits.rchunks(2) {
        let (tens, ones) = match pair {
            [tens, ones] => (u32::from(tens & 15), u32::from(ones & 15)),
            [ones] => (0, u32::from(ones & 15)),
            _ => (0, 0),
        };
        sum += ones + 2 * tens - if tens > 4 { 9 } else { 0 };
    }
    sum.is_multiple_of(10)
}

fn is_grouped(chain: &Chain) -> bool {
    GROUPINGS.iter().any(|pattern| {
        let groups = chain.groups().get(..pattern.len());
        groups.is_some_and(|groups| groups.iter().map(|group| group.length).eq(pattern.iter().copied()))
            && chain.number(pattern.iter().sum()).is_some_and(|number| is_of(number, Tier::B))
    })
}

fn is_listed(chain: &Chain) -> bool {
    let Some(gap) = chain.groups().get(1).and_then(|group| group.gap) else { return false };
    let same = chain.groups().iter().skip(1).take_while(|group| group.gap == Some(gap)).count();
    let Some([first, middle @ .., last]) = chain.groups().get(..=same) else { return false };
    let all = |length: usize| middle.iter().all(|group| group.length == length);
    let even = match first.length {
        1 if all(1) && last.length == 1 => true,
        2 if all(2) && last.length <= 2 => true,
        1..=3 if all(3) && last.length == 3 => true,
        _ => gap == Gap::Break && middle.is_empty(),
    };
    let count = first.length + last.length + middle.iter().map(|group| group.length).sum::<usize>();
    even && chain.number(count).is_some_and(|number| is_of(number, Tier::A))
}

/// Whether a number is of a brand of tier `weakest` or a better one.
fn is_of(number: &[u8], weakest: Tier) -> bool {
    Brand::of(number).is_some_and(|brand| brand.tier() <= weakest)
}

fn is_float(text: &Text<'_>, chain: &Chain) -> bool {
    let [Group { length: 1, .. }, Group { length, gap: Some(Gap::Dot), gap_units: 1 }, ..] = chain.groups()
    else {
        return false;
    };
    chain.end_of(1 + length).is_some_and(|end| matches!(text.get(end), Some(b'e' | b'E')))
}

/// How far back it is seen whether digits belong to a run that is too long to be one number.
const RUN: usize = 64;
/// Stretches that are no further apart are one.
const JOIN: usize = 64;
/// What is looked at again at the end of a text that may go on: longer than anything shows within.
const TAIL: usize = 32;
/// The same for base64.
const LETTERS_TAIL: usize = 80;
/// Digits of an escape that are none in another view.
const HIDDEN: usize = 3;
/// Longest exponent, with its sign.
const EXPONENT: usize = 6;
/// What is followed of a track: twice 79 characters, all of them as escapes.
const TRACK: usize = 2 * 79 * SYNC;
/// `%20`, `=20`.
const ESCAPE_LENGTH: usize = 3;
/// `\u0020`.
const UNICODE_LENGTH: usize = 6;
/// Longest that the beginning of one number is written.
const NUMBER: usize = (DIGITS_MAX + (DIGITS_MAX - 1) * GAP_MAX) * SYNC;
