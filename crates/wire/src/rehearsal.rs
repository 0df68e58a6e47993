//! What rehearsals of lanes have in common: made-up answers with published test numbers go through a lane as any others would,
//! and none of the numbers may come out.

use std::fmt;

use crate::Violation;

/// What is wrong with a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The agent was told a card number.
    Told(&'static str),
    /// The upstream was sent one.
    Sent(&'static str),
    /// The rehearsal came to no end.
    Lost(&'static str),
    /// The conversation broke off.
    Broken(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(what) => write!(f, "a card number in {what} was told as it is"),
            Self::Sent(what) => write!(f, "a card number in {what} was sent as it is"),
            Self::Lost(what) => write!(f, "{what} did not come through"),
            Self::Broken(why) => write!(f, "the conversation broke off: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation.rule)
    }
}

/// Test numbers that card brands and processors publish (corpora/cards.txt), one a brand.
pub const NUMBERS: [&str; 6] = [
    "4111111111111111",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
];

/// A number as people and programs write it: bare, and in groups of four.
pub fn spellings(number: &str) -> [String; 3] {
    let groups = (0..number.len()).step_by(4).filter_map(|at| number.get(at..(at + 4).min(number.len())));
    let groups: Vec<&str> = groups.collect();
    [number.to_owned(), groups.join(" "), groups.join("-")]
}
