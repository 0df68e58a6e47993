use std::collections::{HashMap, VecDeque};

use super::joined::is_card;

/// What stood last in each field that comes again and again (an id of events, an attribute of elements), as far as it may be
/// part of a number that is taken apart over several: digits alone.
pub(crate) struct Runs {
    last: HashMap<Vec<u8>, VecDeque<Vec<u8>>>,
    /// Fewer digits are no part.
    part_digits_min: usize,
}

impl Runs {
    /// Parts of at least so many digits are looked for: of shorter ones four that are ordinary are a card number by chance.
    pub fn of_parts(part_digits_min: usize) -> Self {
        Self { last: HashMap::new(), part_digits_min }
    }

    /// Whether `value`, which stands in `field` next, ends a card number that began in the values before it, cut evenly or as
    /// on a card. What counts up is no such number.
    pub fn ends_a_card(&mut self, field: &[u8], value: &[u8]) -> bool {
        let is_long = (self.part_digits_min..=PART_DIGITS_MAX).contains(&value.len());
        let has_room = self.last.contains_key(field) || self.last.len() < FIELDS_MAX;
        if !is_long || !value.iter().all(u8::is_ascii_digit) || !has_room {
            self.last.remove(field);
            return false;
        }
        let run = self.last.entry(field.to_vec()).or_default();
        run.push_back(value.to_vec());
        if run.len() > PARTS_MAX {
            run.pop_front();
        }
        let ends = (2..=run.len()).any(|parts| {
            let parts: Vec<&[u8]> = run.iter().skip(run.len() - parts).map(Vec::as_slice).collect();
            is_taken_apart(&parts)
        });
        if ends {
            run.clear();
        }
        ends
    }
}

/// Whether these parts, each of digits, are one card number: cut evenly or as on a card, and not counting up.
pub(super) fn is_taken_apart(parts: &[&[u8]]) -> bool {
    is_cut_as_one(parts) && !counts_up(parts) && is_card(&parts.concat())
}

/// All parts as long as one another, but for the last, or as on a card of 15 digits.
fn is_cut_as_one(parts: &[&[u8]]) -> bool {
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let even = match lengths.split_last() {
        Some((last, [first, others @ ..])) => others.iter().all(|it| it == first) && last <= first,
        _ => false,
    };
    even || matches!(lengths.as_slice(), [4, 6, 5 | 4])
}

/// Whether each is a little more than the one before: a counter, or a time.
fn counts_up(parts: &[&[u8]]) -> bool {
    let number = |part: &[u8]| str::from_utf8(part).ok().and_then(|text| text.parse::<u64>().ok());
    let numbers: Vec<u64> = parts.iter().filter_map(|part| number(part)).collect();
    numbers.windows(2).all(|pair| match pair {
        [one, next] => next.checked_sub(*one).is_some_and(|step| (1..=STEP_MAX).contains(&step)),
        _ => false,
    })
}

/// Digits of one part: two of them are the longest card number.
const PART_DIGITS_MAX: usize = 10;
/// Parts of a card number: quarters, and one more.
pub(super) const PARTS_MAX: usize = 5;
/// Fields that are looked after in one body.
const FIELDS_MAX: usize = 16;
/// From one event to the next.
const STEP_MAX: u64 = 100_000;
