//! Runs of digits by themselves, judged in a few instructions: numbers as long as a card number stand in every other
//! row of a table, and nine in ten have no right check digit.

use std::sync::LazyLock;

use crate::brand::Brand;
use crate::chain::{DIGITS_MAX, DIGITS_MIN};

/// Whether the run at `start`, of twelve digits at least, may be a card number or belong to one, by itself or with
/// what stands before it.
#[inline]
pub(crate) fn may_count(text: &[u8], start: usize) -> bool {
    let Some(digits) = length(text, start) else { return true };
    may_start_before(text, start, digits) || may_be(text, start, digits)
}

/// How many digits the run at `start` has, which begins with twelve; `None` when there are too many for one number.
#[inline]
fn length(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start + DIGITS_MIN..).unwrap_or_default();
    let more = match rest.first_chunk::<8>() {
        Some(eight) => {
            // Of a digit, the upper half is 3, and six more would not carry into it.
            let word = u64::from_le_bytes(*eight);
            let other = (word & 0xf0f0_f0f0_f0f0_f0f0) ^ 0x3030_3030_3030_3030
                | (word & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0
                    ^ 0x3030_3030_3030_3030;
            other.trailing_zeros() as usize / 8
        }
        None => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
    };
    Some(DIGITS_MIN + more).filter(|digits| *digits <= DIGITS_MAX)
}

/// Whether something before the run at `start` may belong to the same number: digits that the look has passed, the
/// first six of nineteen, or an escape that ends with the first of these digits.
#[inline]
fn may_start_before(text: &[u8], start: usize, digits: usize) -> bool {
    let Some(before) =
        start.checked_sub(5).and_then(|at| text.get(at..)).and_then(|rest| rest.first_chunk::<5>())
    else {
        return true;
    };
    let [fifth, fourth, third, second, last] = *before;
    let six = digits == 13 && (fourth.is_ascii_digit() || third.is_ascii_digit() || second.is_ascii_digit());
    let octet = matches!(last, b'%' | b'=') || matches!(second, b'%' | b'=');
    let unicode = [fifth, fourth, third, second].contains(&b'\\');
    last.is_ascii_digit() || six || octet || unicode
}

/// Whether so many digits at `start` may be a number: by the check digit and the first two, or what follows them in a
/// track. Zeros or the number's length may stand before it.
#[inline]
fn may_be(text: &[u8], start: usize, digits: usize) -> bool {
    let value = |at: usize| text.get(at).map_or(0, |digit| usize::from(digit & 15));
    let first = value(start) * 10 + value(start + 1);
    let end = start + digits;
    let track = || matches!(text.get(end), Some(b'=' | b'^' | b'D' | b'd' | b'\\' | b'%' | b'&'));
    let starts = digits
        .checked_sub(DIGITS_MIN)
        .and_then(|more| STARTS.get(more))
        .is_none_or(|starts| starts >> first & 1 == 1);
    // Most are turned away by how they start: that is told sooner than the check digit.
    (first < 10 || starts || track()) && checks(text, start, end)
        || first + 2 == digits && checks(text, start + 2, end)
}

/// Whether the last of the digits from `start` to `end`, nineteen at most, is the check digit of the others: eight at
/// a time, from the last ones on.
#[inline]
fn checks(text: &[u8], start: usize, end: usize) -> bool {
    let digits = end - start;
    let mut sum = 0_u64;
    for passed in [0, 8, 16] {
        let count = digits.saturating_sub(passed).min(8);
        let Some(word) = word_before(text, end, passed, count) else { continue };
        let ones = word & 0x0f00_0f00_0f00_0f00;
        let tens = word & 0x000f_000f_000f_000f;
        // Twice five or more has two digits, whose sum is nine less.
        let over = (tens + 0x007b_007b_007b_007b) >> 7 & 0x0001_0001_0001_0001;
        sum += ones + 2 * tens - 9 * over;
    }
    (sum.wrapping_mul(0x0101_0101_0101_0101) >> 56).is_multiple_of(10)
}

/// The values of the last `count` digits, eight at most, of those before the `passed` ones before `end`, the last one
/// highest; `None` when there is none.
#[inline]
fn word_before(text: &[u8], end: usize, passed: usize, count: usize) -> Option<u64> {
    let keep = u32::try_from(8 * (8 - count)).ok().and_then(|bits| (!0_u64).checked_shl(bits))?;
    let end = end.checked_sub(passed)?;
    match end.checked_sub(8) {
        Some(at) => text.get(at..end)?.first_chunk().map(|eight| u64::from_le_bytes(*eight) & keep),
        None => {
            let mut eight = [0; 8];
            eight.iter_mut().rev().zip(text.get(..end)?.iter().rev()).for_each(|(to, byte)| *to = *byte);
            Some(u64::from_le_bytes(eight) & keep)
        }
    }
}

/// For each length of numbers, a bit for each two digits that those of a brand start with.
static STARTS: LazyLock<[u128; DIGITS_MAX - DIGITS_MIN + 1]> = LazyLock::new(|| {
    std::array::from_fn(|more| {
        (10..100)
            .filter(|first| Brand::may_start_of(DIGITS_MIN + more, *first))
            .fold(0, |all, first| all | 1 << first)
    })
});
