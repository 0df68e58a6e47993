//! What the detector finds, what it leaves alone, and what holds for any bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what stands beside the tests may do as they do"
)]

mod binary;
mod brands;
mod codes;
mod differential;
mod frames;
mod labelled;
mod memory;
mod negatives;
mod personal;
mod properties;
mod replay;
mod secrets;
mod self_test;
mod spellings;
mod streams;
mod tracks;

use mask::{Masker, Profile};

/// The published test numbers, by brand.
fn cards() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("../../../../corpora/cards.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("a brand and a number"))
}

/// Those that count without a word nearby or grouping.
fn bare_cards() -> impl Iterator<Item = &'static str> {
    cards().map(|(_, number)| number).filter(|number| mask::holds_card(number.as_bytes()))
}

const LAST4: Masker = Masker::new(Profile::Last4);
const FIRST6_LAST4: Masker = Masker::new(Profile::First6Last4);

/// What `text` becomes; itself when nothing is found.
fn masked(text: &str) -> String {
    LAST4
        .text(text.as_bytes())
        .map_or(text.into(), |masked| String::from_utf8(masked.bytes).expect("UTF-8 stays UTF-8"))
}

fn check(text: &str, expected: &str) {
    assert_eq!(masked(text), expected, "{text}");
}
