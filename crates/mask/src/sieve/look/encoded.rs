//! The closer look at digits in hex and in base64, or in base64 of base64.

use super::{Look, class};
use crate::chain::DIGITS_MIN;
#[cfg(doc)]
use crate::sieve::tables::BESIDE;
use crate::sieve::tables::{DIGIT, LETTER};
use crate::unit::{Kind, ascii};

impl<'t> Look<'t> {
    /// Digits as pairs of hex digits, from the first of many digits at every other place on.
    pub(in crate::sieve) fn hex(&mut self, start: usize) {
        let parity = start & 1;
        if self.looked.hex_to.get(parity).is_none_or(|to| start < *to) {
            return;
        }
        let (mut at, mut first, mut digits) = (start, start, 0);
        while self.class(at) & DIGIT != 0 && at + 2 <= self.text.len() {
            let kind = self.hex_pair(at).map(ascii);
            at += 2;
            match kind {
                Some(Kind::Digit(_)) => digits += 1,
                Some(Kind::Gap(_)) => {}
                Some(Kind::Mark(_) | Kind::Other) | None => (first, digits) = (at, 0),
            }
            if digits >= DIGITS_MIN {
                let rest = self.after(at).iter().take(TOKEN);
                at += rest.take_while(|byte| byte.is_ascii_hexdigit()).count();
                self.take_hex(first, at);
                (first, digits) = (at, 0);
            }
        }
        if self.open && at + 2 > self.text.len() {
            self.take_hex(first, self.text.len());
            self.looked.cut = Some(self.text.len());
        }
        if let Some(to) = self.looked.hex_to.get_mut(parity) {
            *to = at;
        }
    }

    fn hex_pair(&self, at: usize) -> Option<u8> {
        let nibble = |at: usize| char::from(self.byte(at)?).to_digit(16).and_then(|n| u8::try_from(n).ok());
        Some(nibble(at)? << 4 | nibble(at + 1)?)
    }

    /// Base64 of digits: three quads in a row, `at` the first letter of one of them.
    pub(super) fn base64(&mut self, at: usize) {
        if self.quad_at(at).is_some_and(|quad| !is_quad(quad)) {
            return;
        }
        let mut letters = [0; 20];
        let (before, after) = letters.split_at_mut(8);
        self.letters_before(at, before);
        if self.may_go_on(at, after) {
            return;
        }
        if has_row(&letters, 3) {
            self.take_token(at);
        }
    }

    /// Base64 of base64 of digits: an inner quad that starts with an outer one, and one before or after it.
    pub(super) fn base64_twice(&mut self, at: usize) {
        if let [Some(one), Some(two)] = [self.quad_at(at), self.quad_at(at + 4)]
            && let [Some([a, b, c]), Some([d, ..])] = [decode(one), decode(two)]
            && !is_quad(&[a, b, c, d])
        {
            return;
        }
        let mut letters = [0; 24];
        let (before, after) = letters.split_at_mut(12);
        self.letters_before(at, before);
        if self.may_go_on(at, after) {
            return;
        }
        let inner = Decoded::of(&letters);
        let row = |start: usize| inner.bytes.get(start..start + 8).is_some_and(|quads| has_row(quads, 2));
        if row(9) || row(5) {
            self.take_token(at);
        }
    }

    /// Base64 of digits, or base64 of that, around the line break at `at`.
    pub(in crate::sieve) fn wrapped(&mut self, at: usize) {
        let mut letters = [0; 2 * AROUND];
        let (before, after) = letters.split_at_mut(AROUND);
        self.letters_before(at, before);
        if self.may_go_on(at, after) {
            return;
        }
        let token = |letters: &mut dyn Iterator<Item = &u8>| letters.take_while(|byte| **byte != 0).count();
        let count = token(&mut before.iter().rev()) + token(&mut after.iter());
        if count < 12 {
            return;
        }
        // Each quad of digits starts with a capital letter; of two in base64 again, one starts or ends with one.
        if !letters.iter().fold(false, |any, letter| any | letter.is_ascii_uppercase()) {
            return;
        }
        let row = may_have_row(&letters);
        let shows = |start: usize| {
            let letters = letters.get(start..).unwrap_or_default();
            (row && has_row(letters, 3)) || {
                let inner = Decoded::of(letters);
                (0..inner.length).any(|start| {
                    let quads = inner.bytes.get(start..start + 8);
                    quads.is_some_and(|quads| has_row(quads, 2))
                })
            }
        };
        if (0..4).any(shows) {
            self.take_token(at);
        }
    }

    /// The four letters of base64 at `at`, if there is no line break among them.
    fn quad_at(&self, at: usize) -> Option<&'t [u8]> {
        self.text.get(at..at + 4).filter(|quad| quad.iter().all(|byte| is_letter(*byte)))
    }

    /// Takes the token of base64 in which digits show at `at`; the first of them may be some letters before.
    fn take_token(&mut self, at: usize) {
        self.take_base64(at.saturating_sub(ROW), self.token_end(at));
    }

    /// Puts the letters of base64 from `at` on into `letters`. Whether they are too few since the text is open: then
    /// they have been taken.
    fn may_go_on(&mut self, at: usize, letters: &mut [u8]) -> bool {
        let (count, end) = self.letters(at, letters);
        let open = self.open && count < letters.len() && end == self.text.len();
        if open {
            self.take_base64(at.saturating_sub(ROW), end);
        }
        open
    }

    /// Puts the last letters of base64 before `at` into `letters`, and nothing where there are fewer.
    fn letters_before(&self, at: usize, letters: &mut [u8]) {
        let text = self.before(at).iter().rev().take(letters.len() * 2);
        let text = text.filter(|byte| !matches!(byte, b'\r' | b'\n')).take_while(|byte| is_letter(**byte));
        letters.iter_mut().rev().zip(text).for_each(|(to, letter)| *to = *letter);
    }

    /// Puts the letters of base64 from `at` on into `letters`: how many there are, and where they end.
    fn letters(&self, at: usize, letters: &mut [u8]) -> (usize, usize) {
        let (mut count, mut end) = (0, at);
        while let Some(byte) = self.byte(end)
            && end < at + letters.len() * 2
        {
            match letters.get_mut(count) {
                Some(to) if is_letter(byte) => {
                    *to = byte;
                    count += 1;
                }
                Some(_) if matches!(byte, b'\r' | b'\n') => {}
                _ => break,
            }
            end += 1;
        }
        (count, end)
    }

    /// How many bytes before `at` may be of a token of base64, wrapped or not: `most` at most.
    pub(super) fn token_before(&self, at: usize, most: usize) -> usize {
        let is_token = |byte: &&u8| is_letter(**byte) || matches!(byte, b'\r' | b'\n');
        self.before(at).iter().rev().take(most).take_while(is_token).count()
    }

    /// Where a token of base64, wrapped or not, ends, as far as matters.
    fn token_end(&self, at: usize) -> usize {
        let is_token = |byte: &&u8| is_letter(**byte) || matches!(byte, b'\r' | b'\n' | b'=');
        at + self.after(at).iter().take(TOKEN).take_while(is_token).count()
    }
}

/// Whether so many quads in a row are base64 of digits and separators.
fn has_row(letters: &[u8], quads: usize) -> bool {
    let mut row = 0;
    letters.chunks(4).any(|quad| {
        row = if is_quad(quad) { row + 1 } else { 0 };
        row == quads
    })
}

/// Whether three quads of digits in a row may be among the letters, by the first letters of quads, wherever they are
/// cut.
fn may_have_row(letters: &[u8; 2 * AROUND]) -> bool {
    let starts = letters.iter().rev().fold(0_u64, |starts, letter| {
        starts << 1 | u64::from(letter.is_ascii_uppercase() && QUAD_STARTS >> (letter - b'A') & 1 == 1)
    });
    starts & starts >> 4 & starts >> 8 != 0
}

/// What quads decode to; nothing where they do not.
struct Decoded {
    bytes: [u8; 2 * AROUND * 3 / 4],
    length: usize,
}

impl Decoded {
    fn of(letters: &[u8]) -> Self {
        let mut decoded = Self { bytes: [0; 2 * AROUND * 3 / 4], length: letters.len() / 4 * 3 };
        for (to, quad) in decoded.bytes.chunks_mut(3).zip(letters.chunks_exact(4)) {
            to.copy_from_slice(&decode(quad).unwrap_or_default());
        }
        decoded
    }
}

/// Whether four letters are base64 of digits and separators.
fn is_quad(letters: &[u8]) -> bool {
    if letters.len() < 4 {
        return false;
    }
    let of_number = |byte: u8| matches!(ascii(byte), Kind::Digit(_) | Kind::Gap(_));
    decode(letters).is_some_and(|bytes| bytes.into_iter().all(of_number))
}

/// The bytes that four letters of base64 are.
fn decode(letters: &[u8]) -> Option<[u8; 3]> {
    let mut bits = 0;
    for letter in letters {
        bits = bits << 6 | u32::from(sextet(*letter)?);
    }
    let [_, a, b, c] = bits.to_be_bytes();
    Some([a, b, c])
}

fn is_letter(byte: u8) -> bool {
    class(byte) & LETTER != 0
}

fn sextet(letter: u8) -> Option<u8> {
    SEXTETS.get(usize::from(letter)).copied().filter(|value| *value < 64)
}

/// The value of each letter of base64 or base64url; 64 for what is none.
#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
static SEXTETS: [u8; 256] = {
    let mut values = [64; 256];
    let mut value = 0;
    while value < 64 {
        let letter = match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            52..62 => b'0' + value - 52,
            62 => b'+',
            _ => b'/',
        };
        values[letter as usize] = value;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// The first letters of quads of digits and separators, from `A` on: those of [`BESIDE`].
#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const QUAD_STARTS: u32 = {
    let letters = *b"MNOILKXCDA";
    let (mut starts, mut index) = (0, 0);
    while index < letters.len() {
        starts |= 1 << (letters[index] - b'A');
        index += 1;
    }
    starts
};

/// What is followed of a token.
const TOKEN: usize = 384;
/// Letters and line breaks of base64 that may stand between the first digits of a number and where they show.
const ROW: usize = 32;
/// Letters to either side of a line break that base64 of base64 of digits may take.
const AROUND: usize = 24;
