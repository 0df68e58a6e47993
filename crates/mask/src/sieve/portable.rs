//! Bitmaps made byte by byte.

use crate::sieve::batch::NOTHING;
use crate::sieve::look::Look;
use crate::sieve::shape::{Block, HISTORY, LATE, STRIDE, Window, shows};
use crate::sieve::tables::{BREAK, CLASSES, DIGIT, ESCAPE, GAP, OFFSETS, SIGNS, is_lead};

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    let mut before = Window { escape: look.escapes_before(), ..Window::default() };
    let mut at = look.from();
    // What ends with the text shows a few bytes later.
    while at < look.text().len() + LATE {
        let block = block(look.text(), at, STRIDE);
        let window = |before: u64, new: u64| before >> STRIDE | new << HISTORY;
        before = Window {
            digit: window(before.digit, block.digit),
            gap: window(before.gap, block.gap),
            line_break: window(before.line_break, block.line_break),
            escape: window(before.escape, block.escape),
        };
        let shown = shows(before);
        look.at_all(at, shown, before, block.sign);
        at += STRIDE;
        if look.is_done(at) {
            return;
        }
    }
}

/// The bitmaps of `length` bytes from `at`.
fn block(text: &[u8], at: usize, length: usize) -> Block {
    let mut block = Block::default();
    let rest = text.get(at..).unwrap_or_default();
    for (index, byte) in rest.iter().take(length).enumerate() {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
        block.digit |= u64::from(class & DIGIT != 0) << index;
        block.gap |= u64::from(class & GAP != 0) << index;
        block.line_break |= u64::from(class & BREAK != 0) << index;
        let fits = |offset: usize, table: &[u8; 128]| {
            let byte = rest.get(index + offset).copied().unwrap_or(NOTHING);
            table.get(usize::from(byte)).copied().unwrap_or(0)
        };
        let second = || rest.get(index + 1).copied().unwrap_or(0);
        if !byte.is_ascii() {
            block.sign |= u64::from(is_lead(*byte, second())) << index;
            continue;
        }
        let mut signs = 0xff;
        for (offset, table) in OFFSETS.iter().zip(&SIGNS.at) {
            // Beyond ASCII a sign may go on.
            let beyond = rest.get(index + offset).is_some_and(|byte| !byte.is_ascii());
            signs &= if beyond && *offset > 1 { 0xff } else { fits(*offset, table) };
            if signs == 0 {
                break;
            }
        }
        block.escape |= u64::from(signs & ESCAPE != 0) << index;
        block.sign |= u64::from(signs & !ESCAPE != 0) << index;
    }
    block
}
