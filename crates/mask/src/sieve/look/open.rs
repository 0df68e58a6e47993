//! What a text ends in that may go on.

use super::{Look, NUMBER};
use crate::chain::GAP_MAX;
use crate::text::Text;
use crate::unit::{Kind, SYNC, View};

impl Look<'_> {
    /// Where what may go on at the end of the text begins: digits and gaps, however they are written, and maybe the
    /// beginning of an escape.
    pub(super) fn open_start(&self) -> usize {
        let text = Text::whole(self.text);
        let end = self.text.len();
        // For each place, the most recent first, how many gaps stand behind it; none if it is not reached.
        let mut gaps = [None; NUMBER + 1];
        let mut start = end;
        for back in 0..=NUMBER.min(end - self.from) {
            let place = end - back;
            let is_opener = matches!(self.byte(place), Some(b'\\' | b'%' | b'&' | b'=' | 0x80..));
            if back == 0 || (back < SYNC && is_opener) {
                gaps.iter_mut().skip(back).take(1).for_each(|gaps| *gaps = Some(0));
            }
            let Some(behind) = gaps.get(back).copied().flatten() else {
                // Nothing that is reached further on may be written longer than this.
                if back > 2 * SYNC && gaps.iter().take(back).rev().take(SYNC).all(Option::is_none) {
                    break;
                }
                continue;
            };
            for length in 1..=SYNC.min(place - self.from) {
                let Some(is_digit) = self.unit_of(&text, place - length, length) else { continue };
                let now = if is_digit { 0 } else { behind + 1 };
                if is_digit {
                    start = start.min(place - length);
                }
                for to in gaps.iter_mut().skip(back + length).take(1).filter(|_| now <= GAP_MAX) {
                    *to = Some(to.map_or(now, |before: usize| before.min(now)));
                }
            }
        }
        start
    }

    /// Whether some view reads `length` bytes at `at` as a digit, or else as a gap.
    fn unit_of(&self, text: &Text<'_>, at: usize, length: usize) -> Option<bool> {
        let views = [View::Plain, View::Escaped, View::Quoted, View::Json].into_iter();
        let nested = self.byte(at) == Some(b'%') && length > 3;
        views.chain(nested.then_some(View::Nested)).find_map(|view| {
            let unit = view.unit(text, at).filter(|unit| unit.length == length)?;
            match unit.kind {
                Kind::Digit(_) => Some(true),
                Kind::Gap(_) => Some(false),
                Kind::Mark(_) | Kind::Other => None,
            }
        })
    }
}
