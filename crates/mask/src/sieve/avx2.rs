#![allow(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "tables, computed by the compiler, and arrays of known length, taken apart by it"
)]
//! Bitmaps made with AVX2: tables of 16 entries, one for each half of a byte.

use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, Not, Range, Shl, Shr};

use crate::front::Found;
use crate::sieve::batch::{
    AFTER, BATCH, BLOCK, BLOCKS, LANES, Lanes, Machine, Rows, Words, scan as scan_with,
    scan_all as scan_all_with,
};
use crate::sieve::kinds::{ALL, NAME, NAME_END, TABLES, Tables};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bits, HISTORY, STRIDE};
use crate::sieve::tables::{BESIDE, BESIDE_AT, Lead, WIDE_DIGIT, lead};

/// Whether this machine has what is needed.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx2")
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

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn scan_here(look: &mut Look<'_>) {
    scan_with(Halves::new(), look);
}

/// Gathers all that shows at the places in `range`.
pub(crate) fn scan_all(look: &mut Look<'_>, found: &mut Found, range: Range<usize>) {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { scan_all_here(look, found, range) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn scan_all_here(look: &mut Look<'_>, found: &mut Found, range: Range<usize>) {
    scan_all_with(Halves::new(), look, found, range);
}

/// What makes the bitmaps.
///
/// INVARIANT: made and used by `scan_here` and `scan_all_here` alone, where the machine has what is needed.
struct Halves {
    classes: [__m256i; 2],
    openers: __m256i,
    beside: [[__m256i; 2]; BESIDE_AT.len()],
    leads: [__m256i; 2],
    /// The bitmaps of the last block of the batch before, of both tables.
    last: [[u64; 8]; 2],
    tables: &'static Tables,
    last_others: [[u64; 8]; TABLES],
}

impl Halves {
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        Self {
            classes: table(&CLASS_HALVES),
            openers: table(&[OPENERS, [0; 16]])[0],
            beside: BESIDE_HALVES.each_ref().map(|halves| table(halves)),
            leads: table(&LEAD_HALVES),
            last: [[0; 8]; 2],
            tables: &ALL,
            last_others: [[0; 8]; TABLES],
        }
    }

    /// The bitmaps of what is no number in the block at `at`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn others_of<const BYTES: usize>(&self, bytes: &[u8; BYTES], at: usize) -> [[u64; 8]; TABLES] {
        let Tables { halves, name_halves, .. } = self.tables;
        let powers = table(&[POWERS, [0; 16]])[0];
        let mut bitmaps = [[0; 8]; TABLES];
        for half in [0, 32] {
            let at = at + half;
            let [first, second, third] = [load(bytes, at), load(bytes, at + 1), load(bytes, at + 2)];
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(first), _mm256_set1_epi8(0x0f));
            let power = _mm256_shuffle_epi8(powers, upper);
            for index in 0..TABLES {
                for kind in 0..8 {
                    let fits = _mm256_shuffle_epi8(table(&[halves[index][kind], [0; 16]])[0], first);
                    let none = _mm256_cmpeq_epi8(_mm256_and_si256(fits, power), _mm256_setzero_si256());
                    bitmaps[index][kind] |= top(none, half) ^ (0xffff_ffff << half);
                }
            }
            bitmaps[0][NAME.trailing_zeros() as usize] |= top(first, half);
            let heaps = _mm256_and_si256(
                find_any(first, table(&name_halves[0])),
                _mm256_and_si256(
                    find_any(second, table(&name_halves[1])),
                    find_any(third, table(&name_halves[2])),
                ),
            );
            let none = _mm256_cmpeq_epi8(heaps, _mm256_setzero_si256());
            bitmaps[2][NAME_END.trailing_zeros() as usize] |= top(none, half) ^ (0xffff_ffff << half);
        }
        bitmaps
    }

    /// The bitmaps of the block at `at`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn block<const BYTES: usize>(&self, bytes: &[u8; BYTES], at: usize) -> [[u64; 8]; 2] {
        let mut bitmaps = [[0; 8]; 2];
        for half in [0, 32] {
            let near = BESIDE_AT.map(|offset| load(bytes, at + half + offset));
            self.add(&mut bitmaps[0], half, near[0]);
            let fits = _mm256_and_si256(
                _mm256_and_si256(find(near[0], self.beside[0]), find_any(near[1], self.beside[1])),
                find_any(near[2], self.beside[2]),
            );
            bitmaps[1][0] |= top(_mm256_slli_epi16::<7>(fits), half);
            bitmaps[1][1] |= top(_mm256_slli_epi16::<6>(fits), half);
            let mut beyond = _mm256_movemask_epi8(near[0]).cast_unsigned();
            if beyond != 0 {
                let none = _mm256_cmpeq_epi8(find_any(near[0], self.leads), _mm256_setzero_si256());
                beyond &= !_mm256_movemask_epi8(none).cast_unsigned();
                while beyond != 0 {
                    let place = half + beyond.trailing_zeros() as usize;
                    let pair = bytes.get(at + place..).and_then(|rest| rest.first_chunk());
                    match pair.and_then(|[first, second]| lead(*first, *second)) {
                        Some(Lead::Digit) => bitmaps[1][WIDE_DIGIT.trailing_zeros() as usize] |= 1 << place,
                        Some(Lead::Gap) => bitmaps[0][6] |= 1 << place,
                        None => {}
                    }
                    beyond &= beyond - 1;
                }
            }
        }
        bitmaps
    }

    /// Adds the bitmaps of 32 `bytes` to those of a block, from bit `half` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(&self, bitmaps: &mut [u64; 8], half: usize, bytes: __m256i) {
        let class = find(bytes, self.classes);
        let byte = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
        let among = |first: u8, last: u8| {
            _mm256_and_si256(
                _mm256_cmpgt_epi8(bytes, byte(first - 1)),
                _mm256_cmpgt_epi8(byte(last + 1), bytes),
            )
        };
        let [gap, capital, letter, exponent, second, line_break, opener, digit] = bitmaps;
        *digit |= top(class, half);
        *line_break |= top(_mm256_add_epi8(class, class), half);
        *exponent |= top(_mm256_slli_epi16::<2>(class), half);
        let any = |bits: u8| {
            top(_mm256_cmpgt_epi8(_mm256_and_si256(class, byte(bits)), _mm256_setzero_si256()), half)
        };
        *second |= any(SECONDS);
        *gap |= any(GAPS) | top(_mm256_add_epi8(class, class), half);
        // Openers differ in their lower halves: the one with a byte's lower half is that byte or another.
        *opener |= top(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(self.openers, bytes), bytes), half);
        *capital |= top(among(b'A', b'Z'), half);
        // And a few other characters.
        *letter |= top(among(b'+', b'z'), half);
    }
}

impl Machine for Halves {
    type Lanes = TwiceFour;

    #[inline(always)]
    fn begin(&mut self, bytes: &[u8; BLOCK + AFTER]) {
        // SAFETY: the invariant.
        unsafe {
            self.last = self.block(bytes, 0);
            self.last_others = self.others_of(bytes, 0);
        }
    }

    #[inline(always)]
    fn numbers(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<TwiceFour>; 2] {
        let mut words: [[Words; 8]; 2] = [[[0; BLOCKS + 3]; 8]; 2];
        for index in 0..=BLOCKS {
            if index > 0 {
                // SAFETY: the invariant.
                self.last = unsafe { self.block(bytes, (index - 1) * BLOCK) };
            }
            for table in 0..2 {
                for bit in 0..8 {
                    words[table][bit][index] = self.last[table][bit];
                }
            }
        }
        let [kinds, beside] = &words;
        [TwiceFour::each(kinds), TwiceFour::each(beside)]
    }

    #[inline(always)]
    fn others(&mut self, bytes: &[u8; BATCH + AFTER]) -> [Rows<TwiceFour>; TABLES] {
        let mut words: [[Words; 8]; TABLES] = [[[0; BLOCKS + 3]; 8]; TABLES];
        for index in 0..=BLOCKS {
            if index > 0 {
                // SAFETY: the invariant.
                self.last_others = unsafe { self.others_of(bytes, (index - 1) * BLOCK) };
            }
            for table in 0..TABLES {
                for bit in 0..8 {
                    words[table][bit][index] = self.last_others[table][bit];
                }
            }
        }
        let [codes, packed, secrets] = &words;
        [TwiceFour::each(codes), TwiceFour::each(packed), TwiceFour::each(secrets)]
    }
}

/// The highest bits of all bytes, from bit `half` on.
#[inline]
#[target_feature(enable = "avx2")]
fn top(bytes: __m256i, half: usize) -> u64 {
    u64::from(_mm256_movemask_epi8(bytes).cast_unsigned()) << half
}

/// The windows of a bitmap, four and four.
///
/// INVARIANT: made and used by `scan_here` and `scan_all_here` alone, where the machine has what is needed.
#[derive(Clone, Copy)]
struct TwiceFour([__m256i; 2]);

impl TwiceFour {
    /// The windows of each bitmap.
    // Written out, since what `map` calls is no part of a function that is compiled for more instructions.
    #[inline(always)]
    fn each(rows: &[Words; 8]) -> Rows<Self> {
        let [a, b, c, d, e, f, g, h] = rows;
        [
            Self::of(a),
            Self::of(b),
            Self::of(c),
            Self::of(d),
            Self::of(e),
            Self::of(f),
            Self::of(g),
            Self::of(h),
        ]
    }

    /// The windows of a bitmap's words. Two of them are within sixteen bytes.
    #[inline(always)]
    fn of(words: &Words) -> Self {
        const NEXT: i8 = (STRIDE / 8) as i8;
        const START: usize = 8 - HISTORY / 8;
        const { assert!(START + 6 * (STRIDE / 8) + 16 <= size_of::<Words>()) }
        let four = |index: usize| {
            // SAFETY: the invariant; all bytes that are loaded are within the words, and the loads need no alignment.
            unsafe {
                let two = |index: usize| {
                    _mm_loadu_si128(words.as_ptr().cast::<u8>().add(START + index * (STRIDE / 8)).cast())
                };
                let order = _mm256_add_epi8(
                    _mm256_set1_epi64x(0x0706_0504_0302_0100),
                    _mm256_set_epi64x(
                        NEXT as i64 * 0x0101_0101_0101_0101,
                        0,
                        NEXT as i64 * 0x0101_0101_0101_0101,
                        0,
                    ),
                );
                _mm256_shuffle_epi8(_mm256_set_m128i(two(index + 2), two(index)), order)
            }
        };
        Self([four(0), four(4)])
    }
}

impl Bits for TwiceFour {
    #[inline(always)]
    fn all(bits: u64) -> Self {
        // SAFETY: the invariant.
        Self([unsafe { _mm256_set1_epi64x(bits.cast_signed()) }; 2])
    }
}

impl Lanes for TwiceFour {
    #[inline(always)]
    fn some(self) -> u32 {
        // SAFETY: the invariant.
        unsafe {
            let none = [
                _mm256_cmpeq_epi64(self.0[0], _mm256_setzero_si256()),
                _mm256_cmpeq_epi64(self.0[1], _mm256_setzero_si256()),
            ];
            let [low, high] = [_mm256_castsi256_pd(none[0]), _mm256_castsi256_pd(none[1])];
            (_mm256_movemask_pd(low) | _mm256_movemask_pd(high) << 4).cast_unsigned() ^ 0xff
        }
    }

    #[inline(always)]
    fn windows(self) -> [u64; LANES] {
        let mut windows = [0; LANES];
        // SAFETY: the invariant; eight windows are 64 bytes, and the stores need no alignment.
        unsafe {
            _mm256_storeu_si256(windows.as_mut_ptr().cast(), self.0[0]);
            _mm256_storeu_si256(windows.as_mut_ptr().add(4).cast(), self.0[1]);
        }
        windows
    }
}

impl Add for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self([_mm256_add_epi64(self.0[0], other.0[0]), _mm256_add_epi64(self.0[1], other.0[1])]) }
    }
}

impl BitAnd for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self([_mm256_and_si256(self.0[0], other.0[0]), _mm256_and_si256(self.0[1], other.0[1])]) }
    }
}

impl BitOr for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self([_mm256_or_si256(self.0[0], other.0[0]), _mm256_or_si256(self.0[1], other.0[1])]) }
    }
}

impl Not for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_xor_si256(four, _mm256_set1_epi64x(-1)) })
    }
}

impl Shl<u32> for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_sll_epi64(four, _mm_cvtsi64_si128(i64::from(bits))) })
    }
}

impl Shr<u32> for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_srl_epi64(four, _mm_cvtsi64_si128(i64::from(bits))) })
    }
}

impl TwiceFour {
    #[inline(always)]
    fn map(self, make: impl Fn(__m256i) -> __m256i) -> Self {
        Self([make(self.0[0]), make(self.0[1])])
    }
}

/// For each byte the bits that the tables of its lower and of its upper half have in common; none beyond ASCII.
#[inline]
#[target_feature(enable = "avx2")]
fn find(bytes: __m256i, halves: [__m256i; 2]) -> __m256i {
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
    _mm256_and_si256(_mm256_shuffle_epi8(halves[0], bytes), _mm256_shuffle_epi8(halves[1], upper))
}

/// The same, beyond ASCII too.
#[inline]
#[target_feature(enable = "avx2")]
fn find_any(bytes: __m256i, halves: [__m256i; 2]) -> __m256i {
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
    let lower = _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f));
    _mm256_and_si256(_mm256_shuffle_epi8(halves[0], lower), _mm256_shuffle_epi8(halves[1], upper))
}

#[target_feature(enable = "avx2")]
fn table(halves: &[[u8; 16]; 2]) -> [__m256i; 2] {
    halves.each_ref().map(|half| {
        // SAFETY: 16 bytes are the whole array; the load needs no alignment.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
    })
}

/// 32 bytes from `at`, behind which there are so many.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const BYTES: usize>(bytes: &[u8; BYTES], at: usize) -> __m256i {
    debug_assert!(at + 32 <= BYTES);
    let at = at.min(BYTES - 32);
    // SAFETY: 32 bytes from there are within the array; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) }
}

/// What halves of bytes say of the classes. Each is a set of lower halves with any of a set of upper ones: what
/// stands second in an escape is two such and digits that are no matter, and so are gaps but for line breaks, and
/// `?`, `O` or DEL.
static CLASS_HALVES: [[u8; 16]; 2] = {
    let sets: [(&[usize], &[usize], u8); 7] = [
        (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[3], 128),
        (&[0xa, 0xb, 0xc, 0xd], &[0], 64),
        (&[5], &[4, 6], 32),
        (&[3, 5], &[2, 3, 7], 16),
        (&[4, 5, 6], &[4, 6], 8),
        (&[0xb, 0xc, 0xd, 0xe, 0xf], &[2], 4),
        (&[0, 9, 0xa, 0xf], &[0, 2, 3, 5], 2),
    ];
    let mut halves = [[0; 16]; 2];
    let mut set = 0;
    while set < sets.len() {
        let (lower, upper, bit) = sets[set];
        let mut index = 0;
        while index < 16 {
            if index < lower.len() {
                halves[0][lower[index]] |= bit;
            }
            if index < upper.len() {
                halves[1][upper[index]] |= bit;
            }
            index += 1;
        }
        set += 1;
    }
    halves
};

/// The bits of what stands second.
const SECONDS: u8 = 16 | 8;
/// The bits of gaps that are no line breaks.
const GAPS: u8 = 4 | 2;

/// A bit for each upper half of a byte of ASCII.
static POWERS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

/// Openers by their lower halves; where there is none, a byte that has another.
static OPENERS: [u8; 16] = {
    let mut openers = [0xff; 16];
    openers[0xf] = 0;
    let all = *b"%&=\\";
    let mut index = 0;
    while index < all.len() {
        openers[(all[index] & 15) as usize] = all[index];
        index += 1;
    }
    openers
};

/// [`BESIDE`] for each half of a byte. Where halves cannot tell bytes apart, more of them fit.
static BESIDE_HALVES: [[[u8; 16]; 2]; BESIDE_AT.len()] = {
    let mut all = [[[0; 16]; 2]; BESIDE_AT.len()];
    let mut place = 0;
    while place < all.len() * 128 {
        let (table, byte) = (place / 128, place % 128);
        all[table][0][byte & 15] |= BESIDE[table][byte];
        all[table][1][byte >> 4] |= BESIDE[table][byte];
        place += 1;
    }
    all
};

/// First bytes of characters beyond ASCII that may be digits or gaps: a bit for each upper half.
static LEAD_HALVES: [[u8; 16]; 2] = {
    let mut halves = [[0; 16]; 2];
    let mut byte = 0xc0;
    while byte < 0x100 {
        let mut second = 0x80_u8;
        while second < 0xc0 {
            if lead(byte as u8, second).is_some() {
                halves[0][byte & 15] |= 1 << (byte >> 4 & 3);
                halves[1][byte >> 4] |= 1 << (byte >> 4 & 3);
            }
            second += 1;
        }
        byte += 1;
    }
    halves
};
