//! Numbers in disguise, where card data is expected: digits said as words, and single digits with anything short
//! between them. `mask` does not take them for numbers, since lists and counting look the same.

use std::ops::Range;

use mask::Masker;

use super::doc::{characters, read};

/// Reads one text for numbers in disguise, however it is cut.
///
/// It holds back from a single digit or a digit's word on, until what follows is too far away to belong to it, and
/// never more than 19 of them.
pub(super) struct Spelt {
    masker: Masker,
    /// What is held back, as it stands between the quotes of a string.
    held: Vec<u8>,
    /// What was released last.
    before: Option<char>,
    found: u64,
}

/// A single digit, or a word for one.
struct Digit {
    value: u8,
    /// Its characters.
    at: Range<usize>,
}

/// What has been read of what is held.
#[derive(Default)]
struct Read {
    /// Digits that may be of one number, and whether the last of them can be followed by another.
    runs: Vec<(Vec<Digit>, bool)>,
    /// From which character on nothing is known yet.
    known: usize,
}

impl Spelt {
    pub fn new(masker: Masker) -> Self {
        Self { masker, held: Vec::new(), before: None, found: 0 }
    }

    /// Goes on with what stands between the quotes of a string, and gives what may be released.
    pub fn push(&mut self, written: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(written);
        self.run(false)
    }

    /// Ends the text.
    pub fn finish(&mut self) -> Vec<u8> {
        self.run(true)
    }

    /// Bytes of text that are held back.
    pub fn held(&self) -> usize {
        read(&self.held).len()
    }

    pub fn found(&self) -> u64 {
        self.found
    }

    fn run(&mut self, ended: bool) -> Vec<u8> {
        let mut written = std::mem::take(&mut self.held);
        let mut places = Vec::new();
        let mut at = 0;
        for (c, length) in characters(&written) {
            places.push((c, at..at + length));
            at += length;
        }
        let read = Read::of(self.before, &places, ended);
        let mut known = read.known;
        for (digits, open) in &read.runs {
            let decided = self.judge(digits, *open && !ended, &places, &mut written);
            known = known.min(decided.unwrap_or(known));
        }
        let end = places.get(known).map_or(written.len(), |(_, at)| at.start);
        self.held = written.split_off(end);
        self.before =
            known.checked_sub(1).and_then(|last| places.get(last)).map_or(self.before, |(c, _)| Some(*c));
        written
    }

    /// Stars out the numbers among `digits`; where the first digit stands of which that is not known yet.
    fn judge(
        &mut self,
        digits: &[Digit],
        open: bool,
        places: &[(char, Range<usize>)],
        written: &mut [u8],
    ) -> Option<usize> {
        let mut rest = digits;
        while let Some(first) = rest.first() {
            if open && rest.len() < NUMBER_MAX {
                return Some(first.at.start);
            }
            let length = (NUMBER_MIN..=NUMBER_MAX).rev().find(|length| {
                let number = rest.get(..*length).map(|digits| digits.iter().map(|digit| digit.value + b'0'));
                number.is_some_and(|number| is_card(&number.collect::<Vec<_>>()))
            });
            if let Some(number) = length.and_then(|length| rest.get(..length))
                && !self.is_plain(number, places, written)
            {
                self.found += 1;
                let hidden = number.iter().flat_map(|digit| digit.at.clone());
                for (_, at) in hidden.filter_map(|at| places.get(at)) {
                    written.get_mut(at.clone()).into_iter().flatten().for_each(|byte| *byte = b'*');
                }
            }
            rest = rest.get(length.unwrap_or(1)..).unwrap_or_default();
        }
        None
    }

    /// Whether the mask sees the number too; then it is left to it.
    fn is_plain(&self, number: &[Digit], places: &[(char, Range<usize>)], written: &[u8]) -> bool {
        let place = |at: Option<usize>| at.and_then(|at| places.get(at)).map(|(_, at)| at.clone());
        let first = place(number.first().map(|digit| digit.at.start));
        let last = place(number.last().map(|digit| digit.at.end - 1));
        let (Some(first), Some(last)) = (first, last) else { return false };
        let text = read(written.get(first.start..last.end).unwrap_or_default()).into_owned();
        self.masker.text(text.as_bytes()).is_some()
    }
}

impl Read {
    fn of(before: Option<char>, places: &[(char, Range<usize>)], ended: bool) -> Self {
        let mut told = Self { runs: Vec::new(), known: places.len() };
        let mut run = Vec::new();
        let (mut at, mut gap, mut before) = (0, 0, before);
        while let Some((first, _)) = places.get(at) {
            let same = |c: &char| match first {
                first if first.is_ascii_digit() => c.is_ascii_digit(),
                first if first.is_alphabetic() => c.is_alphabetic(),
                _ => false,
            };
            let length = places.iter().skip(at).take_while(|(c, _)| same(c)).count().max(1);
            let word: String =
                places.iter().skip(at).take(length.min(WORD_MAX + 1)).map(|(c, _)| *c).collect();
            let continues = before.as_ref().is_some_and(same);
            if at + length == places.len() && !ended && !continues && may_become_digit(&word) {
                told.known = at;
                break;
            }
            match digit(&word).filter(|_| !continues) {
                Some(value) => {
                    run.push(Digit { value, at: at..at + length });
                    gap = 0;
                }
                None if first.is_ascii_digit() => gap = GAP_MAX + 1,
                None => gap += length,
            }
            if gap > GAP_MAX && !run.is_empty() {
                told.runs.push((std::mem::take(&mut run), false));
            }
            before = places.get(at + length - 1).map(|(c, _)| *c);
            at += length;
        }
        told.runs.push((run, true));
        told
    }
}

/// The digit that a word says, or is.
fn digit(word: &str) -> Option<u8> {
    if let [digit @ b'0'..=b'9'] = word.as_bytes() {
        return Some(digit - b'0');
    }
    let said = WORDS.iter().find(|(said, _)| word.eq_ignore_ascii_case(said));
    said.map(|(_, value)| *value)
}

/// Whether what follows a word may make a digit of it, or of a digit more than one.
fn may_become_digit(word: &str) -> bool {
    let begins = |said: &str| said.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    digit(word).is_some() || WORDS.iter().any(|(said, _)| begins(said))
}

fn is_card(number: &[u8]) -> bool {
    mask::find(number).any(|found| found.range == (0..number.len()))
}

const WORDS: &[(&str, u8)] = &[
    ("zero", 0),
    ("oh", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
];

/// The longest of them.
const WORD_MAX: usize = 5;

/// Most characters between two digits of one number.
const GAP_MAX: usize = 8;

/// Digits of a card number (ISO/IEC 7812-1).
const NUMBER_MIN: usize = 12;
const NUMBER_MAX: usize = 19;
