//! Bitmaps made byte by byte.

use std::array::from_fn;
use std::ops::{Add, BitAnd, BitOr, Not, Range, Shl, Shr};

use crate::front::Found;
use crate::sieve::batch::{
    AFTER, BATCH, BLOCK, BLOCKS, LANES, Lanes, Machine, Rows, Words, scan as scan_with,
    scan_all as scan_all_with,
};
use crate::sieve::kinds::{ALL, NAME, NAME_END, TABLES};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bits, HISTORY, STRIDE};
use crate::sieve::tables::{BESIDE, BESIDE_AT, CLASSES, Lead, OPENER, WIDE_DIGIT, lead};

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    scan_with(Bytewise::default(), look);
}

/// Gathers all that shows at the places in `range`.
pub(crate) fn scan_all(look: &mut Look<'_>, found: &mut Found, range: Range<usize>) {
    scan_all_with(Bytewise::default(), look, found, range);
}

/// What makes the bitmaps.
#[derive(Default)]
struct Bytewise {
    /// The bitmaps of the last block of the batch before, of both tables.
    last: [[u64; 8]; 2],
    last_others: [[u64; 8]; TABLES],
}

impl Machine for Bytewise {
    type Lanes = Each;

    fn begin(&mut self, bytes: &[u8; BLOCK + AFTER]) {
        (self.last, self.last_others) = (block(bytes, kinds), block(bytes, others));
    }

    fn numbers(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Each>; 2] {
        rows(&mut self.last, |at| block(bytes.get(at..).unwrap_or_default(), kinds))
    }

    fn others(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Each>; TABLES] {
        rows(&mut self.last_others, |at| block(bytes.get(at..).unwrap_or_default(), others))
    }
}

/// The windows of a batch, of which `last` is the last block of the batch before.
#[inline(always)]
fn rows<const TABLES: usize>(
    last: &mut [[u64; 8]; TABLES],
    block: impl Fn(usize) -> [[u64; 8]; TABLES],
) -> [Rows<Each>; TABLES] {
    let mut words: [[Words; 8]; TABLES] = [[[0; BLOCKS + 3]; 8]; TABLES];
    for index in 0..=BLOCKS {
        if index > 0 {
            *last = block((index - 1) * BLOCK);
        }
        for (word, last) in words.as_flattened_mut().iter_mut().zip(last.as_flattened()) {
            word.get_mut(index).into_iter().for_each(|word| *word = *last);
        }
    }
    words.map(|words| words.map(|words| Each::of(&words)))
}

/// The bitmaps of the first [`BLOCK`] of some bytes, each of these `kinds`.
#[inline(always)]
fn block<const TABLES: usize>(bytes: &[u8], kinds: impl Fn(&[u8]) -> [u8; TABLES]) -> [[u64; 8]; TABLES] {
    let mut bitmaps = [[0; 8]; TABLES];
    for start in (0..BLOCK).step_by(8) {
        let mut eight = [[0; 8]; TABLES];
        for at in 0..8 {
            let kinds = kinds(bytes.get(start + at..).unwrap_or_default());
            for (eight, kind) in eight.iter_mut().zip(kinds) {
                eight.get_mut(at).into_iter().for_each(|to| *to = kind);
            }
        }
        for (bitmaps, eight) in bitmaps.iter_mut().zip(eight) {
            let eight = u64::from_le_bytes(eight);
            for (bit, bitmap) in bitmaps.iter_mut().enumerate() {
                // The lowest bit of each byte, gathered in the highest byte.
                let one = (eight >> bit & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                *bitmap |= one << start;
            }
        }
    }
    bitmaps
}

/// What the first of some bytes is beside what it is of numbers, and whether the name of a secret may end there.
fn others(bytes: &[u8]) -> [u8; TABLES] {
    let byte = |offset: usize| usize::from(bytes.get(offset).copied().unwrap_or(0));
    let entry = |table: &[u8; 128], at: usize| table.get(at).copied().unwrap_or(0);
    let heaps = |(offset, names): (usize, &[u8; 128])| entry(names, byte(offset) & 0x7f);
    let heaps = ALL.names.iter().enumerate().map(heaps).fold(!0, |all, one| all & one);
    let [codes, packed, secrets] = ALL.kinds.each_ref().map(|kinds| entry(kinds, byte(0)));
    let name = if byte(0) < 0x80 { 0 } else { NAME };
    [codes | name, packed, secrets | if heaps != 0 { NAME_END } else { 0 }]
}

/// What the first of some bytes is, and what shows there by what is beside it.
fn kinds(bytes: &[u8]) -> [u8; 2] {
    let byte = |offset: usize| bytes.get(offset).copied().unwrap_or(0);
    match (byte(0), lead(byte(0), byte(1))) {
        (_, Some(Lead::Digit)) => [0, WIDE_DIGIT],
        (_, Some(Lead::Gap)) => [OPENER, 0],
        (0x80.., None) => [0, 0],
        (first, None) => {
            let fits = |(offset, table): (&usize, &[u8; 128])| {
                table.get(usize::from(byte(*offset) & 0x7f)).copied().unwrap_or(0)
            };
            let class = CLASSES.get(usize::from(first)).copied().unwrap_or(0);
            [class, BESIDE_AT.iter().zip(&BESIDE).map(fits).fold(!0, |all, one| all & one)]
        }
    }
}

/// The windows of a bitmap.
#[derive(Clone, Copy)]
pub(super) struct Each([u64; LANES]);

impl Each {
    /// The windows of a bitmap's words.
    #[inline(always)]
    fn of(words: &Words) -> Self {
        let word = |index: usize| words.get(index).copied().unwrap_or(0);
        Self(from_fn(|lane| {
            let start = BLOCK - HISTORY + lane * STRIDE;
            let (index, shift) = (start / BLOCK, start % BLOCK);
            word(index) >> shift | word(index + 1) << 1 << (63 - shift)
        }))
    }

    #[inline(always)]
    fn with(self, other: Self, both: impl Fn(u64, u64) -> u64) -> Self {
        let mut result = self.0;
        result.iter_mut().zip(other.0).for_each(|(one, other)| *one = both(*one, other));
        Self(result)
    }
}

impl Bits for Each {
    fn all(bits: u64) -> Self {
        Self([bits; LANES])
    }
}

impl Lanes for Each {
    #[inline(always)]
    fn some(self) -> u32 {
        (0..).zip(self.0).fold(0, |some, (index, window)| some | u32::from(window != 0) << index)
    }

    #[inline(always)]
    fn windows(self) -> [u64; LANES] {
        self.0
    }
}

impl Add for Each {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, u64::wrapping_add)
    }
}

impl BitAnd for Each {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        self.with(other, |one, other| one & other)
    }
}

impl BitOr for Each {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        self.with(other, |one, other| one | other)
    }
}

impl Not for Each {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(self.0.map(|window| !window))
    }
}

impl Shl<u32> for Each {
    type Output = Self;

    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        Self(self.0.map(|window| window << bits))
    }
}

impl Shr<u32> for Each {
    type Output = Self;

    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        Self(self.0.map(|window| window >> bits))
    }
}
