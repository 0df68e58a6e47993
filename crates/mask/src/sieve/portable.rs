//! Bitmaps made byte by byte.

use crate::sieve::batch::{Block, NOTHING};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bitmaps, HISTORY, LATE, STRIDE, Window, shows};
use crate::sieve::tables::{
    BREAK, CLASSES, DIGIT, EXPONENT, LETTER, Lead, OFFSETS, OPENER, SECOND, SIGNS, THREE, lead,
};

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    let mut before = Window { opener: look.openers_before(), ..Window::default() };
    let mut at = look.from();
    // What ends with the text shows a few bytes later.
    while at < look.text().len() + LATE {
        let Block { bitmaps, sign } = block(look.text(), at);
        let window = |before: u64, new: u64| before >> STRIDE | new << HISTORY;
        before = Window {
            digit: window(before.digit, bitmaps.digit),
            three: window(before.three, bitmaps.three),
            line_break: window(before.line_break, bitmaps.line_break),
            opener: window(before.opener, bitmaps.opener),
            second: window(before.second, bitmaps.second),
            exponent: window(before.exponent, bitmaps.exponent),
            letter: window(before.letter, bitmaps.letter),
        };
        let shown = shows(&before);
        if shown.others() >> HISTORY | sign != 0 {
            look.all(at, &shown, sign);
        } else {
            look.runs(at, shown.runs >> HISTORY);
        }
        at += STRIDE;
        if look.is_done(at) {
            return;
        }
    }
}

/// The bitmaps of [`STRIDE`] bytes from `at`.
fn block(text: &[u8], at: usize) -> Block {
    let (mut bitmaps, mut sign) = (Bitmaps::default(), 0);
    let rest = text.get(at..).unwrap_or_default();
    for (index, byte) in rest.iter().take(STRIDE).enumerate() {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
        let put = |bitmap: &mut u64, bit: u8| *bitmap |= u64::from(class & bit != 0) << index;
        put(&mut bitmaps.digit, DIGIT);
        put(&mut bitmaps.three, THREE);
        put(&mut bitmaps.line_break, BREAK);
        put(&mut bitmaps.opener, OPENER);
        put(&mut bitmaps.second, SECOND);
        put(&mut bitmaps.exponent, EXPONENT);
        put(&mut bitmaps.letter, LETTER);
        let next = |offset: usize| rest.get(index + offset).copied().unwrap_or(NOTHING);
        match lead(*byte, next(1)) {
            Some(Lead::Digit) => sign |= 1 << index,
            Some(Lead::Gap) => bitmaps.opener |= 1 << index,
            None if class & LETTER != 0 => {
                let fits = |(offset, table): (&usize, &[u8; 128])| {
                    table.get(usize::from(next(*offset))).copied().unwrap_or(0)
                };
                let all = OFFSETS.iter().zip(&SIGNS).map(fits).fold(!0, |all, one| all & one);
                sign |= u64::from(all != 0) << index;
            }
            None => {}
        }
    }
    Block { bitmaps, sign }
}
