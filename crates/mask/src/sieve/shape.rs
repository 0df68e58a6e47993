//! Where bitmaps of a text show digits that are grouped as a card number may be.

/// Bitmaps of 64 bytes of text, the first byte's bit lowest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub digit: u64,
    pub gap: u64,
    pub line_break: u64,
    /// Escapes that count behind a digit.
    pub escape: u64,
    /// What is to be looked at as it is.
    pub sign: u64,
}

/// A window of the bitmaps: [`HISTORY`] bytes of text that have passed, and [`STRIDE`] new ones.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Window {
    pub digit: u64,
    pub gap: u64,
    pub line_break: u64,
    pub escape: u64,
}

/// Bytes of a window that have been seen by the one before.
pub(crate) const HISTORY: usize = 24;
/// Bytes of a window that are new.
pub(crate) const STRIDE: usize = 64 - HISTORY;
/// Bytes behind something by which it may show.
pub(crate) const LATE: usize = 3;

/// Where a window shows something: a bit not far behind where the group starts, or at the escape.
#[inline(always)]
pub(crate) fn shows(window: Window) -> u64 {
    (groups(window) | escapes(window)) & !0 << HISTORY
}

/// Where groups of digits may be a card number's, by how many digits they have. Card numbers are written as
/// twelve digits or more; as groups of which the first has four or eight and the second three or more; on two
/// lines; or as a list of single digits, pairs or thousands. A date with a time of day has four, and then twos.
///
/// An escape may end with a digit that is no part of the number right behind it (`%204111`). So where a group
/// must have so many digits and no more, such a digit does not count.
#[inline(always)]
pub(crate) fn groups(window: Window) -> u64 {
    let Window { digit, line_break, escape, .. } = window;
    let own = digit & !(escape << 2 | escape << 5);
    let other = !digit;
    let two = digit & digit << 1;
    let three = two & digit << 2;
    let four = two & two << 2;
    let six = four & two << 4;
    let eight = four & four << 4;
    let twelve = eight & four << 8;
    let long = twelve & !(twelve << 1);
    // A run of four or of eight has just ended; three more bytes may pass before the next.
    let begun = other & (four << 1 & !(own << 5) | eight << 1 & !(own << 9));
    let begun_2 = other & begun << 1;
    let begun_3 = other & begun_2 << 1;
    let second = digit & (begun | begun_2 | begun_3) << 1;
    let grouped = three & second << 2;
    // A run that begins behind a line break, with another before it, and one of the two is of six or more.
    let wrapped = digit & !(digit << 1) & (line_break << 1 | line_break << 2) & (digit << 2 | digit << 3);
    let wrapped = wrapped & (six << 2 | six << 3) | wrapped << 5 & six;
    // Groups of three digits, three of them behind the first, which may be less.
    let thousand = other & three << 1 & !(digit << 4);
    let thousands = thousand & (thousand << 4 | thousand << 5 | thousand << 6);
    let thousands = thousand & (thousands << 4 | thousands << 5 | thousands << 6);
    // Single digits and pairs, seen two bytes late: a list of them that makes twelve takes seventeen bytes.
    let three = own & own << 1 & own << 2;
    let small = digit << 2 & !(three | three << 1 | three << 2) | near(window) << 2;
    let list = small & small << 1;
    let list = list & list << 2;
    let list = list & list << 4;
    let list = list & list << 8 & small << 16;
    let list = list & !(list << 1);
    long | grouped | wrapped | thousands | list
}

/// Where an escape stands behind a digit, or a gap behind one.
#[inline(always)]
pub(crate) fn escapes(window: Window) -> u64 {
    window.escape & (window.digit | near(window)) << 1
}

/// Gaps behind a digit, the first three of them.
#[inline(always)]
fn near(window: Window) -> u64 {
    let gap = window.gap & !window.digit;
    let near = gap & window.digit << 1;
    let near_2 = gap & near << 1;
    near | near_2 | gap & near_2 << 1
}
