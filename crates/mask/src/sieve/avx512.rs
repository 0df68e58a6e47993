#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler, and arrays of known length")]
//! Bitmaps made with AVX-512: a table of 128 entries in one instruction, and one that turns the bits of eight bytes.

use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, Not, Range, Shl, Shr};

use crate::front::Found;
use crate::sieve::batch::{
    AFTER, BATCH, BLOCK, BLOCKS, LANES, Lanes, Machine, Rows, scan as scan_with, scan_all as scan_all_with,
};
use crate::sieve::kinds::{ALL, NAME, NAME_END, TABLES, Tables};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bits, HISTORY, STRIDE};
use crate::sieve::tables::{BESIDE, BESIDE_AT, CLASSES, OPENER, WIDE, WIDE_DIGIT, WIDE_GAPS};

/// Whether this machine has what is needed.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("gfni")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { scan_here(look) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,bmi1,bmi2,popcnt")]
fn scan_here(look: &mut Look<'_>) {
    scan_with(Wide::new(), look);
}

/// Gathers all that shows at the places in `range`.
pub(crate) fn scan_all(look: &mut Look<'_>, found: &mut Found, range: Range<usize>) {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { scan_all_here(look, found, range) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,bmi1,bmi2,popcnt")]
fn scan_all_here(look: &mut Look<'_>, found: &mut Found, range: Range<usize>) {
    scan_all_with(Wide::new(), look, found, range);
}

/// What makes the bitmaps.
///
/// INVARIANT: made and used by `scan_here` and `scan_all_here` alone, where the machine has what is needed.
struct Wide {
    classes: [__m512i; 2],
    beside: [[__m512i; 2]; BESIDE_AT.len()],
    /// The bitmaps of the last block of the batch before, of both tables.
    last: [__m512i; 2],
    tables: &'static Tables,
    last_others: [__m512i; TABLES],
}

impl Wide {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new() -> Self {
        Self {
            classes: table(CLASSES.first_chunk().unwrap_or(&[0; 128])),
            beside: BESIDE.each_ref().map(|entries| table(entries)),
            last: [_mm512_setzero_si512(); 2],
            tables: &ALL,
            last_others: [_mm512_setzero_si512(); TABLES],
        }
    }

    /// The bitmaps of what is no number in the block at `at`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,bmi1,bmi2,popcnt")]
    fn others_of<const BYTES: usize>(&self, bytes: &[u8; BYTES], at: usize) -> [__m512i; TABLES] {
        let Tables { kinds, names, .. } = self.tables;
        let [first, second, third] = [load(bytes, at), load(bytes, at + 1), load(bytes, at + 2)];
        let beyond = _mm512_movepi8_mask(first);
        let codes = find(first, table(&kinds[0]), !beyond);
        let codes = _mm512_mask_blend_epi8(beyond, codes, _mm512_set1_epi8(NAME.cast_signed()));
        let packed = find(first, table(&kinds[1]), !beyond);
        let secrets = find(first, table(&kinds[2]), !beyond);
        let heaps = _mm512_and_si512(
            find_any(first, table(&names[0])),
            _mm512_and_si512(find_any(second, table(&names[1])), find_any(third, table(&names[2]))),
        );
        let named = _mm512_test_epi8_mask(heaps, heaps);
        let name_end = _mm512_maskz_mov_epi8(named, _mm512_set1_epi8(NAME_END.cast_signed()));
        [turn(codes), turn(packed), turn(_mm512_or_si512(secrets, name_end))]
    }

    /// The bitmaps of the block at `at`, each word one of them, and what is beside each place: of that there is mostly
    /// nothing.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,bmi1,bmi2,popcnt")]
    fn block<const BYTES: usize>(&self, bytes: &[u8; BYTES], at: usize) -> [__m512i; 2] {
        let near = BESIDE_AT.map(|offset| load(bytes, at + offset));
        let beyond = _mm512_movepi8_mask(near[0]);
        let mut class = find(near[0], self.classes, !beyond);
        let mut beside = _mm512_and_si512(
            _mm512_and_si512(find(near[0], self.beside[0], !beyond), find_any(near[1], self.beside[1])),
            find_any(near[2], self.beside[2]),
        );
        if beyond != 0 {
            let wide = WIDE.each_ref().map(|one| table(one));
            let third = load(bytes, at + 2);
            let fits = _mm512_and_si512(
                _mm512_and_si512(find(near[0], wide[0], beyond), find_any(near[1], wide[1])),
                find_any(third, wide[2]),
            );
            let gaps = _mm512_test_epi8_mask(fits, _mm512_set1_epi8(WIDE_GAPS.cast_signed()));
            let digits = _mm512_test_epi8_mask(fits, _mm512_set1_epi8((!WIDE_GAPS).cast_signed()));
            class = _mm512_mask_blend_epi8(gaps, class, _mm512_set1_epi8(OPENER.cast_signed()));
            beside = _mm512_mask_blend_epi8(digits, beside, _mm512_set1_epi8(WIDE_DIGIT.cast_signed()));
        }
        [turn(class), beside]
    }
}

impl Machine for Wide {
    type Lanes = Eight;

    #[inline(always)]
    fn begin(&mut self, bytes: &[u8; BLOCK + AFTER]) {
        // SAFETY: the invariant.
        unsafe {
            let [class, beside] = self.block(bytes, 0);
            self.last = [class, turn(beside)];
            self.last_others = self.others_of(bytes, 0);
        }
    }

    #[inline(always)]
    fn numbers(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Eight>; 2] {
        // SAFETY: the invariant.
        unsafe {
            let (mut words, mut besides) = ([self.last[0]; BLOCKS + 1], [self.last[1]; BLOCKS + 1]);
            let mut any = self.last[1];
            for index in 0..BLOCKS {
                let [class, beside] = self.block(bytes, index * BLOCK);
                (words[index + 1], besides[index + 1]) = (class, beside);
                any = _mm512_or_si512(any, beside);
            }
            self.last = [words[BLOCKS], _mm512_setzero_si512()];
            let mut beside = [Eight(_mm512_setzero_si512()); 8];
            if _mm512_test_epi64_mask(any, any) != 0 {
                for index in 0..BLOCKS {
                    besides[index + 1] = turn(besides[index + 1]);
                }
                self.last[1] = besides[BLOCKS];
                beside = windows(&besides);
            }
            [windows(&words), beside]
        }
    }

    #[inline(always)]
    fn others(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<Eight>; TABLES] {
        let [codes, packed, secrets] = self.last_others;
        // SAFETY: the invariant.
        unsafe {
            let mut words = [[codes; BLOCKS + 1], [packed; BLOCKS + 1], [secrets; BLOCKS + 1]];
            for index in 0..BLOCKS {
                let [codes, packed, secrets] = self.others_of(bytes, index * BLOCK);
                (words[0][index + 1], words[1][index + 1], words[2][index + 1]) = (codes, packed, secrets);
            }
            self.last_others = [words[0][BLOCKS], words[1][BLOCKS], words[2][BLOCKS]];
            [windows(&words[0]), windows(&words[1]), windows(&words[2])]
        }
    }
}

/// The bits of each byte, the lowest of all bytes first.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn turn(bytes: __m512i) -> __m512i {
    // Of eight bytes, the first one's bits are to be the lowest: the instruction begins with the last.
    let back = _mm512_set4_epi32(0x0809_0a0b, 0x0c0d_0e0f, 0x0001_0203, 0x0405_0607);
    let one_each = _mm512_set1_epi64(0x8040_2010_0804_0201_u64.cast_signed());
    let turned = _mm512_gf2p8affine_epi64_epi8::<0>(one_each, _mm512_shuffle_epi8(bytes, back));
    _mm512_permutexvar_epi8(load(&EIGHTHS, 0), turned)
}

/// The windows of each bitmap, of which each block has a word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn windows(words: &[__m512i; BLOCKS + 1]) -> Rows<Eight> {
    let [a, b, c, d, e, f] = *words;
    let even = [_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d), _mm512_unpacklo_epi64(e, f)];
    let odd = [_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d), _mm512_unpackhi_epi64(e, f)];
    let ([k0, k2, k4, k6], [k1, k3, k5, k7]) = (four(even), four(odd));
    [k0, k1, k2, k3, k4, k5, k6, k7]
}

/// The windows of four bitmaps, by pairs of their words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn four(pairs: [__m512i; 3]) -> [Eight; 4] {
    let first = _mm512_shuffle_i64x2::<0b01_00_01_00>(pairs[0], pairs[1]);
    let last = _mm512_shuffle_i64x2::<0b11_10_11_10>(pairs[0], pairs[1]);
    [
        Eight(_mm512_permutex2var_epi8(first, load(&ORDERS[0], 0), pairs[2])),
        Eight(_mm512_permutex2var_epi8(first, load(&ORDERS[1], 0), pairs[2])),
        Eight(_mm512_permutex2var_epi8(last, load(&ORDERS[2], 0), pairs[2])),
        Eight(_mm512_permutex2var_epi8(last, load(&ORDERS[3], 0), pairs[2])),
    ]
}

/// The windows of a bitmap.
///
/// INVARIANT: made and used by `scan_here` and `scan_all_here` alone, where the machine has what is needed.
#[derive(Clone, Copy)]
struct Eight(__m512i);

impl Bits for Eight {
    #[inline(always)]
    fn all(bits: u64) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_set1_epi64(bits.cast_signed())) }
    }
}

impl Lanes for Eight {
    #[inline(always)]
    fn some(self) -> u32 {
        // SAFETY: the invariant.
        unsafe { u32::from(_mm512_test_epi64_mask(self.0, self.0)) }
    }

    #[inline(always)]
    fn windows(self) -> [u64; LANES] {
        let mut windows = [0; LANES];
        // SAFETY: the invariant; eight windows are 64 bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(windows.as_mut_ptr().cast(), self.0) };
        windows
    }
}

impl Add for Eight {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_add_epi64(self.0, other.0)) }
    }
}

impl BitAnd for Eight {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_and_si512(self.0, other.0)) }
    }
}

impl BitOr for Eight {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_or_si512(self.0, other.0)) }
    }
}

impl Not for Eight {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_xor_si512(self.0, _mm512_set1_epi64(-1))) }
    }
}

impl Shl<u32> for Eight {
    type Output = Self;

    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_sll_epi64(self.0, _mm_cvtsi64_si128(i64::from(bits)))) }
    }
}

impl Shr<u32> for Eight {
    type Output = Self;

    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_srl_epi64(self.0, _mm_cvtsi64_si128(i64::from(bits)))) }
    }
}

/// Which byte comes where, so that the bytes of each bitmap are together.
static EIGHTHS: [u8; 64] = {
    let mut order = [0; 64];
    let mut index = 0;
    while index < 64 {
        order[index] = (index % 8 * 8 + index / 8) as u8;
        index += 1;
    }
    order
};

/// Which byte comes where in the windows of a bitmap: of its first four words, the pairs stand at the first or second
/// sixteenth and two further on, and its last two in one of the four of what comes behind.
static ORDERS: [[u8; 64]; 4] = {
    let mut orders = [[0; 64]; 4];
    let mut place = 0;
    while place < 4 * 64 {
        let (order, index) = (place / 64, place % 64);
        let byte = 8 - HISTORY / 8 + index / 8 * (STRIDE / 8) + index % 8;
        let (pair, within) = (byte / 16, byte % 16);
        let sixteenth = if pair < 2 { order % 2 + 2 * pair } else { 4 + order };
        orders[order][index] = (16 * sixteenth + within) as u8;
        place += 1;
    }
    orders
};

/// The entries of a table for each byte that is wanted, its highest bit aside.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find(bytes: __m512i, table: [__m512i; 2], wanted: u64) -> __m512i {
    _mm512_maskz_permutex2var_epi8(wanted, table[0], bytes, table[1])
}

/// The same for each byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find_any(bytes: __m512i, table: [__m512i; 2]) -> __m512i {
    _mm512_permutex2var_epi8(table[0], bytes, table[1])
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn table(entries: &[u8; 128]) -> [__m512i; 2] {
    let pointer = entries.as_ptr();
    // SAFETY: both halves are within the 128 entries; the loads need no alignment.
    unsafe { [_mm512_loadu_si512(pointer.cast()), _mm512_loadu_si512(pointer.add(64).cast())] }
}

/// 64 bytes from `at`, behind which there are so many.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load<const BYTES: usize>(bytes: &[u8; BYTES], at: usize) -> __m512i {
    debug_assert!(at + BLOCK <= BYTES);
    let at = at.min(BYTES - BLOCK);
    // SAFETY: 64 bytes from there are within the array; the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().add(at).cast()) }
}
