//! Which brand a number may be of, and how much that alone says.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// A card brand, by what it takes to believe that a number is one of its cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brand {
    name: &'static str,
    tier: Tier,
}

/// What it takes for a number with a brand's prefix and length, and a right check digit, to count as a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Nothing more.
    A,
    /// That it is grouped as on a card, or that a word such as `card` stands near it.
    B,
    /// A label by the operator: the range is too broad, or has no check digit.
    C,
}

impl Brand {
    /// The brand's name in lower case: `visa`, `mastercard`, `unionpay`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What it takes to believe it, for a number of the length that was looked up.
    pub fn tier(self) -> Tier {
        self.tier
    }

    /// Whether some brand of tier A or B may have numbers that start with these digits.
    pub(crate) fn may_start(prefix: &[u8]) -> bool {
        let Some(first) = prefix.first() else { return true };
        let rest = 10_u32.pow(u32::try_from(PREFIX_MAX.saturating_sub(prefix.len())).unwrap_or(0));
        let low = start(prefix);
        let high = low + (rest - 1);
        let reaches = |range: &Range| {
            range.brand.tier < Tier::C && low <= *range.starts.end() && high >= *range.starts.start()
        };
        TABLE.get(usize::from(*first)).is_some_and(|ranges| ranges.iter().any(reaches))
    }

    /// Whether some brand of tier A or B has numbers of so many digits that start with these two.
    pub(crate) fn may_start_of(digits: usize, two: u32) -> bool {
        let rest = 10_u32.pow(u32::try_from(PREFIX_MAX - 2).unwrap_or(0));
        let (low, high) = (two * rest, two * rest + (rest - 1));
        let reaches = |range: &Range| {
            let known = range.brand.tier < Tier::C && range.luhn && range.lengths >> digits & 1 == 1;
            known && low <= *range.starts.end() && high >= *range.starts.start()
        };
        TABLE.iter().flatten().any(reaches)
    }

    /// Whether some brand, of whatever tier, has numbers of this prefix and length. The check digit is not looked
    /// at, and one digit repeated throughout is nobody's number.
    pub(crate) fn may_be(number: &[u8]) -> bool {
        let Some(first) = number.first() else { return false };
        let ranges = TABLE.get(usize::from(*first)).map(Vec::as_slice).unwrap_or_default();
        let start = start(number);
        number.iter().any(|digit| digit != first)
            && ranges.iter().any(|range| range.holds(number.len(), start))
    }

    /// The brand that `number` is most readily believed to be of; `None` when no brand has such numbers, when
    /// the check digit is wrong, or when one digit is repeated throughout.
    ///
    /// `number` is the digits' values, 0 to 9 each. Brands without check digits have no place in a search by
    /// content: their numbers are masked where a column is labelled.
    pub(crate) fn of(number: &[u8]) -> Option<Self> {
        let first = *number.first()?;
        if !luhn(number) || number.iter().all(|digit| *digit == first) {
            return None;
        }
        let ranges = TABLE.get(usize::from(first))?;
        let start = start(number);
        ranges
            .iter()
            .filter(|range| range.luhn && range.holds(number.len(), start))
            .map(|range| range.brand)
            .min_by_key(|brand| brand.tier)
    }
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, Annex B).
pub(crate) fn luhn(number: &[u8]) -> bool {
    let pairs = number.rchunks(2).map(|pair| match pair {
        [tens, ones] => DOUBLED.get(usize::from(*tens)).copied().unwrap_or(0) + u32::from(*ones),
        [ones] => u32::from(*ones),
        _ => 0,
    });
    !number.is_empty() && pairs.sum::<u32>().is_multiple_of(10)
}

/// One length of the numbers of one line of the table.
pub(crate) struct Kind {
    /// The first and the last prefix of each range, of one width and without a zero before them.
    pub prefixes: Vec<(u32, u32)>,
    pub length: usize,
    pub luhn: bool,
}

/// What numbers there are, by the table.
pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    lines().filter_map(read).flat_map(|ranges| {
        let (lengths, luhn) = ranges.first().map_or((0, false), |range| (range.lengths, range.luhn));
        let prefixes: Vec<_> = ranges.iter().map(|range| (range.low, range.high)).collect();
        let lengths = (0..32).filter(move |length| lengths >> length & 1 == 1);
        lengths.map(move |length| Kind { prefixes: prefixes.clone(), length, luhn })
    })
}

/// The share of all numbers of `length` digits that are of a brand of tier `weakest` or a better one.
pub(crate) fn chance(length: usize, weakest: Tier) -> f64 {
    let mut ranges: Vec<(u64, u64)> = TABLE
        .iter()
        .flatten()
        .filter(|range| range.luhn && range.brand.tier <= weakest && range.lengths >> length & 1 == 1)
        .map(|range| {
            let width = 10_u64.pow(u32::try_from(PREFIX_MAX.saturating_sub(range.width)).unwrap_or(0));
            (u64::from(range.low) * width, (u64::from(range.high) + 1) * width)
        })
        .collect();
    ranges.sort_unstable();
    let (mut covered, mut to) = (0, 0);
    for (low, high) in ranges {
        covered += high.saturating_sub(low.max(to));
        to = to.max(high);
    }
    // One check digit of ten is right.
    f64::from(u32::try_from(covered).unwrap_or(u32::MAX)) / 1e8 / 10.0
}

/// Digits of the widest prefix.
const PREFIX_MAX: usize = 8;

/// The sum of the digits of twice a digit.
const DOUBLED: [u32; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// The prefixes from `low` to `high`, all `width` digits wide, and the lengths of numbers with them.
struct Range {
    low: u32,
    high: u32,
    width: usize,
    /// The same as the first eight digits of numbers.
    starts: RangeInclusive<u32>,
    /// Bit n: numbers of n digits exist.
    lengths: u32,
    luhn: bool,
    brand: Brand,
}

impl Range {
    /// Whether there are numbers of so many digits that start with the eight digits of `start`.
    fn holds(&self, digits: usize, start: u32) -> bool {
        let length = u32::try_from(digits).ok().and_then(|digits| 1_u32.checked_shl(digits));
        length.is_some_and(|bit| self.lengths & bit != 0) && self.starts.contains(&start)
    }
}

/// The first eight digits of a number as one; zeros behind the last.
fn start(number: &[u8]) -> u32 {
    let digits = number.iter().chain(std::iter::repeat(&0)).take(PREFIX_MAX);
    digits.fold(0, |sum, digit| sum * 10 + u32::from(*digit))
}

/// The table by first digit.
static TABLE: LazyLock<[Vec<Range>; 10]> = LazyLock::new(|| {
    let mut table: [Vec<Range>; 10] = Default::default();
    // A line that does not read is left out here; a test says that there is none.
    for range in lines().filter_map(read).flatten() {
        let first = range.low / 10_u32.pow(u32::try_from(range.width).unwrap_or(1).saturating_sub(1));
        if let Some(ranges) = usize::try_from(first).ok().and_then(|first| table.get_mut(first)) {
            ranges.push(range);
        }
    }
    table
});

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("brands.tsv").lines().filter(|line| !line.starts_with('#'))
}

/// One line of the table.
fn read(line: &'static str) -> Option<Vec<Range>> {
    let mut columns = line.split('\t');
    let name = columns.next()?;
    let (prefixes, lengths) = (columns.next()?, columns.next()?);
    let luhn = match columns.next()? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    let tier = match columns.next()? {
        "A" => Tier::A,
        "B" => Tier::B,
        "C" => Tier::C,
        _ => return None,
    };
    let source = columns.next()?;
    if source.is_empty() || columns.next().is_some() {
        return None;
    }
    let mut bits = 0;
    for part in lengths.split(',') {
        let (low, high) = span(part)?;
        bits |= (low..=high)
            .filter(|length| (12..=19).contains(length))
            .fold(0, |bits, length| bits | 1 << length);
    }
    let range = |part: &str| {
        let (low, high) = span(part)?;
        let width = part.split('-').next()?.len();
        let one_first_digit = low.to_string().starts_with(high.to_string().chars().next()?);
        let brand = Brand { name, tier };
        let rest = 10_u32.checked_pow(u32::try_from(PREFIX_MAX.checked_sub(width)?).ok()?)?;
        let starts = low.checked_mul(rest)?..=high.checked_add(1)?.checked_mul(rest)?.checked_sub(1)?;
        one_first_digit.then_some(Range { low, high, width, starts, lengths: bits, luhn, brand })
    };
    prefixes.split(',').map(range).collect()
}

/// `51-55`, or `4` for `4-4`.
fn span(part: &str) -> Option<(u32, u32)> {
    let (low, high) = part.split_once('-').unwrap_or((part, part));
    let span = (low.parse().ok()?, high.parse().ok()?);
    (low.len() == high.len() && span.0 <= span.1).then_some(span)
}

#[cfg(test)]
mod tests;
