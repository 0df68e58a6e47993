//! The table of brands beside two that others publish: every difference has been looked at.

use std::collections::BTreeMap;
use std::fmt::Write;

use Table::{Braintree, Drucker};

pub const OURS: &str = include_str!("../../src/brands.tsv");
const REVIEWED: &str = include_str!("../../../../corpora/brands/reviewed.tsv");

/// The tables of others, as `corpora/brands` has them.
#[derive(Clone, Copy)]
enum Table {
    Braintree,
    Drucker,
}

#[test]
fn every_difference_to_two_published_tables_has_been_reviewed() {
    let mut differences = String::new();
    for table in [Braintree, Drucker] {
        for (who, brand, prefixes, lengths) in differ(table) {
            writeln!(differences, "{}\t{who}\t{brand}\t{prefixes}\t{lengths}", table.name()).unwrap();
        }
    }
    let reviewed: String = REVIEWED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (difference, reason) = line.rsplit_once('\t').expect("a difference and why it stays");
            assert!(reason.len() > 10, "{difference} stands without a reason");
            format!("{difference}\n")
        })
        .collect();
    assert!(differences == reviewed, "corpora/brands/reviewed.tsv lists others than these:\n{differences}");
}

#[test]
fn what_another_table_calls_a_card_is_searched_for_or_is_on_a_short_list() {
    let searched = |fact: &Fact| fact.luhn != Some(false);
    for (table, left) in [(Braintree, BRAINTREE_ONLY), (Drucker, DRUCKER_ONLY)] {
        let ours: Vec<_> = facts_of(OURS).filter(searched).collect();
        let theirs: Vec<_> = table.facts().into_iter().filter(searched).collect();
        let all: Vec<_> = ours.iter().chain(&theirs).collect();
        let missing = by_lengths(&all, |from| lengths_at(&theirs, from) & !lengths_at(&ours, from));
        let missing: Vec<_> = missing.iter().map(|(prefixes, lengths)| (&**prefixes, &**lengths)).collect();
        assert_eq!(missing, left, "{}", table.name());
    }
}

/// What `reviewed.tsv` says of JCB: the prefixes, and the lengths.
const BRAINTREE_ONLY: &[(&str, &str)] = &[("1800,2131", "17,18,19")];
const DRUCKER_ONLY: &[(&str, &str)] = &[("3500-3527,359", "16")];

impl Table {
    fn name(self) -> &'static str {
        match self {
            Braintree => "credit-card-type",
            Drucker => "creditcards-types",
        }
    }

    fn facts(self) -> Vec<Fact> {
        facts_of(match self {
            Braintree => include_str!("../../../../corpora/brands/credit-card-type.tsv"),
            Drucker => include_str!("../../../../corpora/brands/creditcards-types.tsv"),
        })
        .collect()
    }
}

/// One range of prefixes, as the first and the last of eight digits.
pub struct Fact {
    pub brand: &'static str,
    pub first: u32,
    pub last: u32,
    /// Bit n: numbers of n digits exist.
    lengths: u32,
    /// Whether they have a check digit, if the table says.
    luhn: Option<bool>,
}

pub fn facts_of(table: &'static str) -> impl Iterator<Item = Fact> {
    table.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        let (brand, lengths) = (columns[0], lengths_of(columns[2]));
        let luhn = match columns[3] {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        columns[1].split(',').map(move |prefix| {
            let (low, high) = prefix.split_once('-').unwrap_or((prefix, prefix));
            let width = 10_u32.pow(8 - u32::try_from(low.len()).unwrap());
            let (low, high): (u32, u32) = (low.parse().unwrap(), high.parse().unwrap());
            Fact { brand, first: low * width, last: high * width + (width - 1), lengths, luhn }
        })
    })
}

fn lengths_of(column: &str) -> u32 {
    column.split(',').fold(0, |bits, part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        (low.parse().unwrap()..=high.parse::<u32>().unwrap()).fold(bits, |bits, length| bits | 1 << length)
    })
}

/// Who has a brand's numbers alone (`ours`, `theirs`), which brand, which prefixes, which lengths. Where the
/// other table says of check digits, a brand's numbers with and without them are different numbers.
fn differ(table: Table) -> Vec<(&'static str, String, String, String)> {
    let says = table.facts().iter().any(|fact| fact.luhn.is_some());
    let mut brands: BTreeMap<String, [Vec<Fact>; 2]> = BTreeMap::new();
    for (side, facts) in [facts_of(OURS).collect(), table.facts()].into_iter().enumerate() {
        for fact in facts {
            let unchecked = says && fact.luhn == Some(false);
            let name = format!("{}{}", fact.brand, if unchecked { " (no check digit)" } else { "" });
            brands.entry(name).or_default()[side].push(fact);
        }
    }
    let mut differences = Vec::new();
    for (brand, [ours, theirs]) in &brands {
        let all: Vec<_> = ours.iter().chain(theirs).collect();
        for (who, one, other) in [("ours", ours, theirs), ("theirs", theirs, ours)] {
            let alone = by_lengths(&all, |from| lengths_at(one, from) & !lengths_at(other, from));
            differences
                .extend(alone.into_iter().map(|(prefixes, lengths)| (who, brand.clone(), prefixes, lengths)));
        }
    }
    differences
}

/// The lengths of numbers that begin with these eight digits.
pub fn lengths_at<'f>(facts: impl IntoIterator<Item = &'f Fact>, prefix: u32) -> u32 {
    let holds = |fact: &&Fact| (fact.first..=fact.last).contains(&prefix);
    facts.into_iter().filter(holds).fold(0, |bits, fact| bits | fact.lengths)
}

/// Prefixes by the lengths that `lengths` gives them, which changes only where a range of `facts` begins or
/// ends: that is every prefix of eight digits, without a look at each.
fn by_lengths(facts: &[&Fact], lengths: impl Fn(u32) -> u32) -> Vec<(String, String)> {
    let mut edges: Vec<u32> = facts.iter().flat_map(|fact| [fact.first, fact.last + 1]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut found: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for pair in edges.windows(2) {
        let ranges = found.entry(lengths(pair[0])).or_default();
        match ranges.last_mut() {
            Some(range) if range.1 + 1 == pair[0] => range.1 = pair[1] - 1,
            _ => ranges.push((pair[0], pair[1] - 1)),
        }
    }
    found.remove(&0);
    let written = |(first, last): &(u32, u32)| {
        let (mut low, mut high, mut width) = (*first, *last, 8);
        while width > 1 && low % 10 == 0 && high % 10 == 9 {
            (low, high, width) = (low / 10, high / 10, width - 1);
        }
        if low == high { format!("{low:0width$}") } else { format!("{low:0width$}-{high:0width$}") }
    };
    let lengths =
        |bits: u32| (12..20).filter(|n| bits & 1 << n != 0).map(|n| n.to_string()).collect::<Vec<_>>();
    found
        .iter()
        .map(|(bits, ranges)| {
            (ranges.iter().map(written).collect::<Vec<_>>().join(","), lengths(*bits).join(","))
        })
        .collect()
}
