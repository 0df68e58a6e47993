//! Where bitmaps of a text show digits that are grouped as a card number may be.
//!
//! A bit of a bitmap stands for a byte, the first byte's bit lowest: `digit << 2` has a bit where a digit stood two
//! bytes before. What is shown is never less than what is there, and often more: only that must be rare.

use std::ops::{Add, BitAnd, BitOr, Not, Shl, Shr};

/// A bitmap, or several that are looked at together.
pub(crate) trait Bits:
    Copy
    + Add<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// The same bits in each of them.
    fn all(bits: u64) -> Self;
}

/// Bitmaps of some bytes of text, each of type `B`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bitmaps<B> {
    /// Digits in ASCII.
    pub digit: B,
    /// What may stand between groups of digits, in ASCII.
    pub gap: B,
    pub line_break: B,
    /// What starts an escape, and gaps beyond ASCII.
    pub opener: B,
    /// What may stand behind it where it writes a digit: `u`, `#`, `3`, `d` to `f`.
    pub second: B,
    /// The letter of an exponent.
    pub exponent: B,
    /// Letters of base64.
    pub letter: B,
    pub capital: B,
    /// Where digits in base64 show by some letters.
    pub base64: B,
    /// Where digits in base64 of base64 do.
    pub twice: B,
    /// What may be a digit beyond ASCII.
    pub wide: B,
}

/// Bytes of a window that have been seen by the one before.
pub(crate) const HISTORY: usize = 24;
/// Bytes of a window that are new.
pub(crate) const STRIDE: usize = 64 - HISTORY;
/// Bytes behind something by which it may show.
pub(crate) const LATE: usize = 16;
/// How far behind the letters that are a sign it is shown.
pub(crate) const SIGN_LATE: usize = 11;

/// Where a window shows something. Of its first [`HISTORY`] bytes only the window before says all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<B> {
    /// The twelfth digit of a run.
    pub runs: B,
    /// A place among or behind groups of digits.
    pub groups: B,
    /// An escape or a gap beyond ASCII, behind a digit.
    pub escapes: B,
    /// The second byte of an escape that may write a digit, or the fourth of an escape of one.
    pub references: B,
    /// The byte behind an exponent.
    pub floats: B,
    /// The byte behind the high half of the twelfth of what may be digits in hex.
    pub hex: B,
    /// The letter behind a line break, [`SIGN_LATE`] bytes behind it.
    pub wraps: B,
    /// What may be a digit beyond ASCII.
    pub wide: B,
    /// Letters by which digits in base64 show, [`SIGN_LATE`] bytes behind them.
    pub signs: B,
}

/// What a window shows.
///
/// Of groups of digits, how many digits they have says most. Card numbers are written as twelve digits or more; as
/// groups of which the first has four or eight and the second three or more (six and thirteen are such a run); on two
/// lines; or as a list of single digits, pairs or thousands. A date with a time of day has four, and then twos.
///
/// An escape may end with a digit that is no part of the number right behind it (`%204111`). So where a group must
/// have so many digits and no more, such a digit does not count.
#[inline(always)]
pub(crate) fn shows<B: Bits>(window: &Bitmaps<B>) -> Shown<B> {
    let Bitmaps { digit, gap, line_break, opener, second, exponent, letter, capital, base64, twice, wide } =
        *window;
    let other = !digit;
    // What makes bitmaps may take more for gaps than are.
    let gap = gap & other;
    let [d_1, d_2, d_3, d_4] = [digit << 1, digit << 2, digit << 3, digit << 4];
    let own = digit & !(opener << 2 | opener << 5);
    let triple = digit & d_1 & d_2;
    let four = triple & d_3;
    let eight = four & four << 4;
    let twelve = eight & four << 8;
    // A run of four or of eight has just ended; two more bytes may pass before the next.
    let begun = gap & (d_1 & d_2 & d_3 & d_4 & !(own << 5) | eight << 1 & !(own << 9));
    let grouped = triple & (begun << 3 | begun << 4 | begun << 5);
    // A run that begins behind a line break, with another before it, and one of the two is of six or more.
    let six = four & d_4 & digit << 5;
    let wrapped = digit & !d_1 & (line_break << 1 | line_break << 2) & (d_2 | d_3);
    let wrapped = wrapped & (six << 2 | six << 3) | wrapped << 5 & six;
    // Groups of three digits, three of them behind the first, which may be less.
    let thousand = gap & d_1 & d_2 & d_3 & !d_4;
    let thousands = thousand & (thousand << 4 | thousand << 5 | thousand << 6);
    let thousands = thousand & (thousands << 4 | thousands << 5 | thousands << 6);
    // Neither three digits in a row nor four bytes that are none: seventeen bytes of a list of pairs that makes twelve
    // digits, and two behind it. In a date with a time of day these are eighteen.
    let list = (digit | d_1 | d_2 | d_3) & !(own & own << 1 & own << 2);
    let list = list & list << 1;
    let list = list & list << 2;
    let list = list & list << 4;
    let list = list & list << 8;
    let list = list & list << 3;
    // Digits at every other place, twelve of them.
    let hex = digit & d_2;
    let hex = hex & hex << 4;
    let hex = hex & hex << 8 & hex << 16;
    // Two digits behind the letter of an exponent, or behind a sign there.
    let behind = (exponent & d_1) << 1;
    let power = digit & (behind | (other & behind) << 1);
    let power = digit & power << 1;
    // Twelve letters in a row: what has a line break among them shows by that.
    let letters = letter & letter << 1;
    let letters = letters & letters << 2;
    let letters = letters & letters << 4 & letters << 8;
    let base64 = base64 << SIGN_LATE as u32;
    let twice = twice << SIGN_LATE as u32;
    let signs = (base64 | twice) & letters | twice & letters << 6;
    // Quads of digits begin with capital letters, in base64 again too.
    let capitals = capital | capital << 1;
    let capitals = capitals | capitals << 2;
    let capitals = capitals | capitals << 4;
    let capitals = capitals | capitals << 8 | capitals << 16;
    let wraps = letter & line_break << 1 & (letter << 2 | line_break << 2);
    Shown {
        runs: twelve & !(twelve << 1),
        groups: grouped | wrapped | thousands | (list & !(list << 1)),
        escapes: opener & (d_1 | d_2 | d_3 | d_4),
        // A percent sign that is itself escaped, and a digit's: `%253`.
        references: opener << 1 & second | triple & opener << 3,
        floats: other & power << 1,
        hex: hex & !(hex << 2),
        wraps: wraps << SIGN_LATE as u32 & capitals,
        wide,
        signs,
    }
}
