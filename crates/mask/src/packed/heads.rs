//! A quick look for places where a value may start, by the three bytes before it and its first.

/// How many bytes before a value are looked at.
pub(super) const HEAD: usize = 3;

/// The first place in `text`, [`HEAD`] bytes from its start or further, that may be a value's.
pub(super) fn next(text: &[u8]) -> Option<usize> {
    let fits = |place: usize, byte: &u8| HEADS.get(place).and_then(|at| at.get(usize::from(*byte)));
    let may = |bytes: &[u8]| {
        let sorts = bytes.iter().enumerate().filter_map(|(place, byte)| fits(place, byte));
        sorts.fold(!0, |all, one| all & one) != 0
    };
    text.windows(HEAD + 1).position(may).map(|at| at + HEAD)
}

/// What may stand at each of the four places: a bit for each sort of head.
static HEADS: [[u8; 256]; HEAD + 1] = heads();

/// A tag, a length in bytes, two digits.
const TAG: u8 = 1;
/// A length in digits, two digits.
const LENGTH: u8 = 2;
/// Half a tag in hex, a length, a digit.
const HEX_TAG: u8 = 4;
/// A length in digits in hex, a digit.
const HEX_LENGTH: u8 = 8;
/// A gap, a length in hex, a digit.
const GAP_BEFORE: u8 = 16;
/// A length in hex, a gap, a digit.
const GAP_BEHIND: u8 = 32;

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn heads() -> [[u8; 256]; HEAD + 1] {
    let mut at = [[0; 256]; HEAD + 1];
    let mut byte = 0_u8;
    loop {
        let index = byte as usize;
        let gap = super::is_gap(byte);
        let digit = byte.is_ascii_digit();
        let leads = matches!(byte, b'0' | b'1');
        let of_tag = matches!(byte, b'7' | b'A' | b'B' | b'a' | b'b');
        // A number does not start with two zeros.
        let packed = byte != 0 && byte >> 4 < 10 && byte & 15 < 10;
        at[0][index] = TAG
            | LENGTH
            | HEX_LENGTH
            | sort(of_tag, HEX_TAG)
            | sort(gap, GAP_BEFORE)
            | sort(leads, GAP_BEHIND);
        at[1][index] = LENGTH
            | GAP_BEHIND
            | sort(matches!(byte, 0x57 | 0x5a | 0x6b), TAG)
            | sort(byte == b'1', HEX_LENGTH)
            | sort(leads, HEX_TAG | GAP_BEFORE);
        at[2][index] = HEX_TAG
            | GAP_BEFORE
            | sort(matches!(byte, super::LENGTH_MIN..=0x13), TAG)
            | sort(matches!(byte, 0x13..=super::LENGTH_MAX), LENGTH)
            | sort(matches!(byte, b'3'..=b'9'), HEX_LENGTH)
            | sort(gap, GAP_BEHIND);
        at[3][index] =
            sort(packed, TAG | LENGTH) | sort(digit, HEX_TAG | HEX_LENGTH | GAP_BEFORE | GAP_BEHIND);
        if byte == u8::MAX {
            return at;
        }
        byte += 1;
    }
}

const fn sort(fits: bool, sorts: u8) -> u8 {
    if fits { sorts } else { 0 }
}
