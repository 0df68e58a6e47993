//! Bitmaps of some hundred bytes of text at a time, and what they show.

use std::ops::Range;

use crate::bitmap::places;
use crate::chain::DIGITS_MIN;
use crate::front::Found;
use crate::sieve::kinds::TABLES;
use crate::sieve::look::Look;
use crate::sieve::shape::{Bitmaps, Bits, HISTORY, LATE, SIGN_LATE, STRIDE, shows};
use crate::sieve::signs::{Kinds, signs};
use crate::text::Text;

/// The bitmaps of a batch of text, of each table of kinds, for the lowest bit of its entries first.
pub(crate) type Rows<L> = [L; 8];

/// What makes bitmaps, in the way of one sort of machine.
pub(crate) trait Machine {
    type Lanes: Lanes;

    /// Begins behind the first [`BLOCK`] of these bytes.
    fn begin(&mut self, bytes: &[u8; BLOCK + AFTER]);

    /// The bitmaps of the next batch: of the kinds of numbers, and what is beside each place.
    fn numbers(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Self::Lanes>; 2];

    /// The bitmaps of what is no number, of the same batch.
    fn others(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Self::Lanes>; TABLES];
}

/// The windows of a batch in one bitmap.
pub(crate) trait Lanes: Bits {
    /// A bit for each window that is not nothing.
    fn some(self) -> u32;

    /// Each window by itself.
    fn windows(self) -> [u64; LANES];
}

/// Goes over the text from where the look begins, until enough has been found.
#[inline(always)]
pub(crate) fn scan<M: Machine>(mut machine: M, look: &mut Look<'_>) {
    let mut at = look.from();
    machine.begin(&around(look.text(), at));
    look.begin(at);
    // What ends with the text shows a few bytes later.
    while at < look.text().len() + LATE {
        let last;
        let bytes = match look.text().get(at..).unwrap_or_default().first_chunk() {
            Some(bytes) => bytes,
            None => {
                last = padded(look.text(), at);
                &last
            }
        };
        show(&machine.numbers(bytes), look, at);
        at += BATCH;
        if look.is_done(at) {
            return;
        }
    }
}

/// Goes over the places in `range`, and gathers all that shows.
#[inline(always)]
pub(crate) fn scan_all<M: Machine>(
    mut machine: M,
    look: &mut Look<'_>,
    found: &mut Found,
    range: Range<usize>,
) {
    let mut at = range.start;
    machine.begin(&around(look.text(), at));
    while at < range.end {
        let last;
        let bytes = match look.text().get(at..).unwrap_or_default().first_chunk() {
            Some(bytes) => bytes,
            None => {
                last = padded(look.text(), at);
                &last
            }
        };
        let numbers = machine.numbers(bytes);
        show(&numbers, look, at);
        show_signs(&numbers, &machine.others(bytes), look, found, at);
        at += BATCH;
        found.stretches.extend(look.settle(at));
    }
}

/// Has taken note of what shows in a batch that is no number.
#[inline(always)]
fn show_signs<L: Lanes>(
    numbers: &[Rows<L>; 2],
    others: &[Rows<L>; TABLES],
    look: &Look<'_>,
    found: &mut Found,
    at: usize,
) {
    let [[_, capital, _, _, second, _, opener, digit], _] = *numbers;
    let [codes, packed, secrets] = *others;
    let [hex, code_opener, between, name, plus, at_sign, before_colon, colon] = codes;
    let [tag, tag_length, length, unpacked, row_gap, tag_in_hex, low, slash] = packed;
    let [token, standard, alnum, dash, value_gap, value_sign, name_end, _] = secrets;
    let shown = signs(&Kinds {
        digit,
        opener,
        second,
        capital,
        hex,
        code_opener,
        between,
        name,
        plus,
        at: at_sign,
        before_colon,
        colon,
        tag,
        tag_length,
        length,
        unpacked,
        row_gap,
        tag_in_hex,
        low,
        slash,
        token,
        standard,
        alnum,
        dash,
        value_gap,
        value_sign,
        name_end,
    });
    let text = look.whole();
    let new = |bits: L| bits >> HISTORY as u32;
    note(found, text, at, new(shown.codes), Found::code);
    note(found, text, at, new(shown.packed), Found::packed);
    note(found, text, at, new(shown.phones), Found::number);
    note(found, text, at, new(shown.ibans), Found::iban);
    note(found, text, at, new(shown.ssns), Found::ssn);
    note(found, text, at, new(shown.nines), Found::nine);
    note(found, text, at, new(shown.at), Found::at);
    note(found, text, at, new(shown.values), Found::value);
    note(found, text, at, new(shown.dashes), Found::dashes);
    note(found, text, at, new(shown.tokens), Found::token);
    note(found, text, at, new(shown.keys), Found::key);
    let anchors = shown.addresses | shown.options | shown.labels | shown.lines;
    note(found, text, at, new(anchors), Found::anchor);
    if found.options_to > at {
        note(found, text, at, new(shown.named), Found::named);
    }
}

/// Takes a note for each bit of the windows of a batch at `at`.
#[inline(always)]
fn note<L: Lanes>(
    found: &mut Found,
    text: &Text<'_>,
    at: usize,
    bits: L,
    take: impl Fn(&mut Found, &Text<'_>, usize),
) {
    let some = bits.some();
    if some != 0 {
        note_each(found, text, at, some, &bits.windows(), take);
    }
}

#[inline(never)]
fn note_each(
    found: &mut Found,
    text: &Text<'_>,
    at: usize,
    some: u32,
    windows: &[u64; LANES],
    take: impl Fn(&mut Found, &Text<'_>, usize),
) {
    each(at, some, |base, index| {
        places(base, window(windows, index)).for_each(|at| take(found, text, at));
    });
}

/// Has looked at what shows in a batch that starts at `at`.
#[inline(always)]
fn show<L: Lanes>(rows: &[Rows<L>; 2], look: &mut Look<'_>, at: usize) {
    let [kinds, beside] = *rows;
    let [gap, capital, letter, exponent, second, line_break, opener, digit] = kinds;
    let [base64, twice, wide, ..] = beside;
    let shown = shows(&Bitmaps {
        digit,
        gap,
        line_break,
        opener,
        second,
        exponent,
        letter,
        capital,
        base64,
        twice,
        wide,
    });
    // What is of one sort is looked at in its order: what has been passed is not looked at again.
    let new = |bits: L| bits >> HISTORY as u32;
    let digits = new(shown.runs | shown.groups);
    let spelled = new(shown.escapes | shown.references | shown.wide);
    let others = new(shown.floats | shown.hex | shown.wraps | shown.signs);
    let some = digits.some();
    if some != 0 {
        digits_at(look, at, some, &digits.windows(), &shown.groups.windows());
    }
    let some = spelled.some();
    if some != 0 {
        let [references, wide] = [shown.references, shown.wide].map(new);
        spelled_at(look, at, some, &spelled.windows(), &references.windows(), &wide.windows());
    }
    let some = others.some();
    if some != 0 {
        let [floats, hex, wraps, signs] = [shown.floats, shown.hex, shown.wraps, shown.signs].map(new);
        others_at(look, at, some, [floats.windows(), hex.windows(), wraps.windows(), signs.windows()]);
    }
}

#[inline(never)]
fn digits_at(look: &mut Look<'_>, at: usize, some: u32, digits: &[u64; LANES], groups: &[u64; LANES]) {
    each(at, some, |base, index| {
        let groups = window(groups, index) >> HISTORY;
        places(base, window(digits, index))
            .for_each(|at| look.shown_digits(at, groups >> (at - base) & 1 == 1));
    });
}

#[inline(never)]
fn spelled_at(
    look: &mut Look<'_>,
    at: usize,
    some: u32,
    spelled: &[u64; LANES],
    references: &[u64; LANES],
    wide: &[u64; LANES],
) {
    each(at, some, |base, index| {
        let [references, wide] = [references, wide].map(|all| window(all, index));
        for at in places(base, window(spelled, index)) {
            let is_one = |bits: u64| bits >> (at - base) & 1 == 1;
            // An escape shows by its second byte.
            if is_one(references) {
                look.reference(at - 1);
                look.nested(at.saturating_sub(3));
            }
            if is_one(wide) {
                look.wide(at);
            }
            look.escape(at);
        }
    });
}

#[inline(never)]
fn others_at(look: &mut Look<'_>, at: usize, some: u32, others: [[u64; LANES]; 4]) {
    let [floats, hex, wraps, signs] = others;
    each(at, some, |base, index| {
        places(base, window(&floats, index)).for_each(|at| look.float(at));
        places(base, window(&hex, index)).for_each(|at| look.hex(at + 2 - 2 * DIGITS_MIN));
        places(base, window(&wraps, index)).for_each(|at| look.wrapped(at - SIGN_LATE - 1));
        places(base, window(&signs, index)).for_each(|at| look.sign(at - SIGN_LATE));
    });
}

/// Where those windows of a batch at `at` start that show something, and which they are.
#[inline(always)]
fn each(at: usize, some: u32, mut show: impl FnMut(usize, usize)) {
    places(0, u64::from(some)).for_each(|index| show(at + index * STRIDE, index));
}

#[inline(always)]
fn window(windows: &[u64; LANES], index: usize) -> u64 {
    windows.get(index).copied().unwrap_or(0)
}

/// The block before `at`, and what follows; nothing where there is no text.
fn around(text: &[u8], at: usize) -> [u8; BLOCK + AFTER] {
    let mut bytes = [NOTHING; BLOCK + AFTER];
    let start = at.saturating_sub(BLOCK);
    let to = bytes.iter_mut().skip(BLOCK - (at - start));
    to.zip(text.get(start..).unwrap_or_default()).for_each(|(to, byte)| *to = *byte);
    bytes
}

/// What is left of a text from `at` on, and nothing behind it.
#[inline(never)]
fn padded(text: &[u8], at: usize) -> [u8; BATCH + AFTER] {
    let rest = text.get(at..).unwrap_or_default();
    let mut last = [NOTHING; BATCH + AFTER];
    let length = rest.len().min(BATCH + AFTER);
    let to = last.get_mut(..length).zip(rest.get(..length));
    to.into_iter().for_each(|(to, rest)| to.copy_from_slice(rest));
    last
}

/// The words of one bitmap, the block before first, and two that are nothing.
pub(crate) type Words = [u64; BLOCKS + 3];

/// Bytes whose bitmaps are made together.
pub(crate) const BLOCK: usize = 64;
/// Blocks in a batch.
pub(crate) const BLOCKS: usize = 5;
/// Windows in a batch. They overlap: each begins [`STRIDE`] bytes after the one before, the first [`HISTORY`] bytes
/// before the batch.
pub(crate) const LANES: usize = BLOCKS * BLOCK / STRIDE;
/// Bytes of text in a batch.
pub(crate) const BATCH: usize = BLOCKS * BLOCK;
/// Bytes behind a batch that are read with it.
pub(crate) const AFTER: usize = 8;
/// What stands behind the end of a text: nothing goes on with it.
pub(crate) const NOTHING: u8 = b'~';
