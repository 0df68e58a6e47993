use std::ops::{Range, RangeInclusive};

use super::{Spelling, is_gap, nibble};
use crate::brand::{self, Brand, Tier};
use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::text::Text;

/// The half bytes of a value, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Nibbles<'a, 't> {
    spelling: Spelling,
    text: &'a Text<'t>,
    at: usize,
    read: usize,
    /// How many there are.
    count: usize,
}

impl<'a, 't> Nibbles<'a, 't> {
    /// The `count` half bytes from `at` on.
    pub fn new(spelling: Spelling, text: &'a Text<'t>, at: usize, count: usize) -> Self {
        Self { spelling, text, at, read: 0, count }
    }

    /// Where what has been read ends.
    pub fn end(&self) -> usize {
        match self.spelling {
            Spelling::Raw => self.at + self.read % 2,
            Spelling::Hex | Spelling::Spaced => self.at,
        }
    }

    /// The rest, if a zero stands before it.
    pub fn behind_zero(mut self) -> Option<Self> {
        (self.next()? == 0).then_some(self)
    }

    /// So many more are to be read.
    pub fn extend(&mut self, count: usize) {
        self.count += count;
    }

    /// The next, if that is a digit.
    pub fn digit(&mut self) -> Option<u8> {
        self.next().filter(|nibble| *nibble < 10)
    }

    /// The card number that all the rest is, with `F` behind it or not: where its digits are, and its brand,
    /// if that is no weaker than `weakest`.
    pub fn number(&mut self, lengths: RangeInclusive<usize>, weakest: Tier) -> Option<(Range<usize>, Brand)> {
        let start = self.at;
        let mut end = start;
        let mut digits = Digits::default();
        let mut ended = false;
        while self.read < self.count {
            match self.next()? {
                digit @ 0..=9 if !ended => {
                    digits.push(digit)?;
                    end = self.end();
                }
                0xf => ended = true,
                _ => return None,
            }
        }
        let number = digits.number().filter(|number| lengths.contains(&number.len()))?;
        let brand = Brand::of(number).filter(|brand| brand.tier() <= weakest)?;
        Some((start..end, brand))
    }

    /// Where the track 2 is that this is. One that is shorter than it says is one all the same.
    pub fn track(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut digits = Digits::default();
        loop {
            match self.next()? {
                digit @ 0..=9 => digits.push(digit)?,
                0xd => break,
                _ => return None,
            }
        }
        let number = digits.number().filter(|number| number.len() >= DIGITS_MIN)?;
        let first = *number.first()?;
        // Issuers' numbers start with 1 at least (ISO/IEC 7812-1), and small integers in a row with 0.
        if first == 0 || !brand::luhn(number) || number.iter().all(|digit| *digit == first) {
            return None;
        }
        let [_, _, tens, ones] = [self.digit()?, self.digit()?, self.digit()?, self.digit()?];
        let _service_code = [self.digit()?, self.digit()?, self.digit()?];
        if !(1..=12).contains(&(tens * 10 + ones)) {
            return None;
        }
        let mut end = self.end();
        while let Some(0..=9 | 0xf) = self.next() {
            end = self.end();
        }
        Some(start..end)
    }

    /// The next; `None` behind the last, and where none stands.
    pub fn next(&mut self) -> Option<u8> {
        if self.read == self.count {
            return None;
        }
        let first = self.read.is_multiple_of(2);
        let value = match self.spelling {
            Spelling::Raw => {
                let byte = self.text.get(self.at)?;
                self.at += usize::from(!first);
                if first { byte >> 4 } else { byte & 15 }
            }
            Spelling::Hex | Spelling::Spaced => {
                let gap = self.spelling == Spelling::Spaced && first && self.read > 0;
                if gap && !is_gap(self.text.get(self.at)?) {
                    return None;
                }
                let value = nibble(self.text.get(self.at + usize::from(gap))?)?;
                self.at += 1 + usize::from(gap);
                value
            }
        };
        self.read += 1;
        Some(value)
    }
}

/// The digits' values of one number.
#[derive(Default)]
struct Digits {
    values: [u8; DIGITS_MAX],
    count: usize,
}

impl Digits {
    /// One more; `None` when there are too many for a number.
    fn push(&mut self, digit: u8) -> Option<()> {
        *self.values.get_mut(self.count)? = digit;
        self.count += 1;
        Some(())
    }

    fn number(&self) -> Option<&[u8]> {
        self.values.get(..self.count)
    }
}
