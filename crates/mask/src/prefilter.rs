//! A first look that turns clean text away, in one pass.

use crate::chain::DIGITS_MIN;
use crate::unicode;

/// What a closer look could find.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hints {
    /// Enough digits within reach of each other for a card number, bare, escaped or in hex.
    pub digits: bool,
    /// Escapes to read.
    pub escapes: bool,
    /// Four characters that are base64 for three digits.
    pub base64: bool,
}

impl Hints {
    /// Looks at all of `text`. A card number in it, however written, shows in one of the hints.
    pub fn of(text: &[u8]) -> Self {
        let mut hints = Self::default();
        // The shortest that can hold anything: twelve digits.
        if text.len() < DIGITS_MIN {
            return hints;
        }
        let (mut digits, mut gap) = (0_usize, 0_usize);
        for (index, chunk) in text.chunks(CHUNK).enumerate() {
            // A chunk of nothing but letters and spaces is told by a few vector instructions.
            if !chunk.iter().fold(false, |any, byte| any | tells(*byte)) {
                gap += chunk.len();
                continue;
            }
            for (at, byte) in (index * CHUNK..).zip(chunk) {
                let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
                if class & DIGIT != 0 {
                    digits = if gap > GAP_BYTES_MAX { 1 } else { digits + 1 };
                    gap = 0;
                    hints.digits |= digits >= DIGITS_MIN;
                } else {
                    gap += 1;
                }
                hints.escapes |= class & ESCAPE != 0;
                if class & QUAD != 0 && !hints.base64 {
                    hints.base64 = is_quad(text.get(at..));
                }
            }
        }
        hints
    }

    /// Whether there is anything to look for.
    pub fn any(self) -> bool {
        self.digits || self.base64
    }
}

/// Whether `text` starts with base64 of three ASCII digits: their bits are 0011xxxx 0011xxxx 0011xxxx.
pub(crate) fn is_quad(text: Option<&[u8]>) -> bool {
    let Some([first, second, third, fourth, ..]) = text else { return false };
    matches!(first, b'M' | b'N' | b'O')
        && matches!(second, b'D' | b'T' | b'j' | b'z')
        && matches!(third, b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k')
        && matches!(fourth, b'w'..=b'z' | b'0'..=b'5')
}

/// Whether a byte has a class; some that have none are told too.
fn tells(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10)
        | (byte >= 0x80)
        | (byte.wrapping_sub(b'M') < 3)
        | (byte.wrapping_sub(b'%') < 2)
        | (byte == b'\\')
}

const CHUNK: usize = 32;

const DIGIT: u8 = 1;
const ESCAPE: u8 = 2;
const QUAD: u8 = 4;

static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    loop {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'\\' | b'%' | b'&' => ESCAPE,
            b'M' | b'N' | b'O' => QUAD,
            lead if unicode::leads_a_digit(lead) => DIGIT,
            _ => 0,
        };
        if byte == 255 {
            return classes;
        }
        byte += 1;
    }
}

/// The widest that may stand between two digits: three separators as character references.
const GAP_BYTES_MAX: usize = 27;
