//! Judges what was counted: which label is proposed for a column, and why.

use access::DataClass;
use mask::{Beside, Meaning, Name};
use sql::Label;

use super::evidence::Evidence;
use super::table::{Column, Table};
use crate::cli::scan::safe;

/// A label for a column that has none.
pub struct Proposal {
    /// The column, as the catalog knows it.
    pub identity: (u32, i16),
    pub schema: String,
    pub table: String,
    pub column: String,
    pub label: Label,
    /// Why, in words: counts and names, never a value.
    pub evidence: String,
}

/// What the names of a table's columns say.
pub struct Names {
    meanings: Vec<Option<Name>>,
    beside: Beside,
}

impl Names {
    /// The names of `table`'s columns.
    pub fn of(table: &Table) -> Self {
        let meanings: Vec<Option<Name>> =
            table.columns.iter().map(|column| Name::of(column.name.as_bytes())).collect();
        let mut beside = Beside::default();
        meanings.iter().flatten().for_each(|name| beside.add(*name));
        Self { meanings, beside }
    }

    /// Takes note that some column holds card numbers, whatever it is called.
    pub fn add_number(&mut self) {
        self.beside.add_number();
    }

    /// What the name of the column at that place means among the others.
    pub fn meaning(&self, at: usize) -> Option<Meaning> {
        self.beside.settle((*self.meanings.get(at)?)?)
    }

    /// Whether it means that by itself.
    fn is_sure(&self, at: usize) -> bool {
        self.meanings.get(at).copied().flatten().is_some_and(|name| name.alone().is_some())
    }
}

/// The label that is proposed for the column at `at`, if one is.
pub fn proposal(table: &Table, at: usize, names: &Names, evidence: &Evidence) -> Option<Proposal> {
    let column = table.columns.get(at)?;
    let (label, mut reasons) = match document(evidence) {
        Some(found) => found,
        None => class(column, names.meaning(at), names.is_sure(at), evidence)
            .map(|(class, reasons)| (Label::Class(class), reasons))?,
    };
    reasons.extend(beside(table, at, names));
    Some(Proposal {
        identity: (table.oid, column.number),
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: column.name.clone(),
        label,
        evidence: reasons.join("; "),
    })
}

/// What was found and is not enough for a label, in words.
pub fn doubt(meaning: Option<Meaning>, evidence: &Evidence) -> Option<String> {
    let Evidence { values, cards, cards_within, .. } = *evidence;
    let found = cards + cards_within;
    if found > 0 && is_chance(evidence) {
        return Some(format!(
            "{found} of {values} values pass as card numbers, which is what chance makes of numbers of that length: look at some, and write `not_pan` if they are none"
        ));
    }
    if found > 0 {
        return Some(format!(
            "{found} of {values} values hold a card number among other text: a scan masks these in answers, a label would hide the texts"
        ));
    }
    if meaning == Some(Meaning::Pan) && values > 0 {
        return Some(format!("named as a card number, and none of {values} values is one"));
    }
    let (class, count) = evidence.others.iter().max_by_key(|(_, count)| **count)?;
    Some(format!("{count} of {values} values hold something of the class {class}"))
}

/// The places in documents that hold something, where the column holds documents.
fn document(evidence: &Evidence) -> Option<(Label, Vec<String>)> {
    // Under a label for places, text that is no document is hidden whole, and so is one that was cut here.
    if evidence.documents == 0 || evidence.documents * 10 < evidence.values * 9 {
        return None;
    }
    let holds = format!("{} of {} values are JSON documents", evidence.documents, evidence.values);
    match evidence.document.paths() {
        Some(paths) if paths.is_empty() => None,
        Some(found) => {
            let told =
                found.iter().map(|found| format!("{} times {} at {}", found.count, found.class, found.path));
            let reasons = [holds].into_iter().chain(told).collect();
            let paths = found.iter().map(|found| (found.path.clone(), found.class.clone()));
            Some((Label::Json(paths.collect()), reasons))
        }
        None => {
            let cards = evidence.cards + evidence.cards_within;
            if cards == 0 {
                return None;
            }
            let why =
                format!("{holds}, {cards} with card numbers{}, at too many places to name", brands(evidence));
            Some((Label::Class(DataClass::Pan), vec![why]))
        }
    }
}

fn class(
    column: &Column,
    meaning: Option<Meaning>,
    is_sure: bool,
    evidence: &Evidence,
) -> Option<(DataClass, Vec<String>)> {
    let Evidence { values, cards, cards_within, issuers, sad, .. } = *evidence;
    let named = meaning.map(|meaning| format!("named as {}", words(meaning)));
    let counted = |count: u64, what: &str| match values {
        0 => "no value was seen".to_owned(),
        _ => format!("{count} of {values} values {what}"),
    };
    let mostly = |count: u64| count > 0 && count * 2 >= values;
    let with_name = |why: String| [why].into_iter().chain(named.clone()).collect();
    if meaning.is_some_and(Meaning::may_be_sad) && (is_sure || mostly(sad)) {
        return Some((DataClass::Sad, with_name(counted(sad, "have the form of one"))));
    }
    if mostly(sad) {
        return Some((DataClass::Sad, with_name(counted(sad, "hold a track or a card code"))));
    }
    let is_named = meaning == Some(Meaning::Pan);
    if cards > 0 && (is_named || !is_chance(evidence)) {
        let why = format!("{}{}", counted(cards, "are card numbers"), brands(evidence));
        return Some((DataClass::Pan, with_name(why)));
    }
    if is_named && (values == 0 || mostly(issuers)) {
        return Some((DataClass::Pan, with_name(counted(issuers, "have an issuer's digits"))));
    }
    if mostly(cards_within) {
        let why =
            format!("{}{}", counted(cards_within, "hold a card number among other text"), brands(evidence));
        return Some((DataClass::Pan, with_name(why)));
    }
    if let Some(why) = evidence.others.get("secret").filter(|count| mostly(**count)) {
        return Some((DataClass::Secret, with_name(counted(*why, "hold a credential"))));
    }
    match meaning {
        Some(Meaning::CardholderName) if column.is_text() => {
            Some((DataClass::CardholderName, named.into_iter().collect()))
        }
        Some(Meaning::Expiry) => Some((DataClass::Expiry, named.into_iter().collect())),
        _ => {
            let (class, count) = evidence.others.iter().find(|(_, count)| mostly(**count))?;
            let why = counted(*count, &format!("hold something of the class {class}"));
            Some((DataClass::Own((*class).into()), vec![why]))
        }
    }
}

/// Whether the column's card numbers may be chance: of numbers as long as a card's, one in ten has a right check
/// digit, and under a real issuer's digits each of those passes for a card.
fn is_chance(evidence: &Evidence) -> bool {
    if evidence.cards > evidence.bare_cards || evidence.bare == 0 {
        return false;
    }
    let bare = evidence.bare as f64;
    // Three standard deviations above one in ten.
    let most = 0.1 + 3.0 * (0.09 / bare).sqrt();
    (evidence.bare_cards as f64) / bare < most.min(1.0)
}

/// ` (visa 600, mastercard 398)`.
fn brands(evidence: &Evidence) -> String {
    let mut brands: Vec<_> = evidence.brands.iter().collect();
    brands.sort_by_key(|(name, count)| (u64::MAX - **count, **name));
    let told: Vec<String> =
        brands.iter().take(BRANDS_MAX).map(|(name, count)| format!("{name} {count}")).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// `beside cvv, holder`: other columns whose names speak of cards.
fn beside(table: &Table, at: usize, names: &Names) -> Option<String> {
    let others = table.columns.iter().enumerate().filter(|(other, _)| *other != at);
    let told: Vec<String> = others
        .filter(|(other, _)| names.meaning(*other).is_some())
        .map(|(_, column)| safe(column.name.as_bytes()))
        .take(BESIDE_MAX)
        .collect();
    (!told.is_empty()).then(|| format!("beside {}", told.join(", ")))
}

fn words(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::CardCode => "a card code",
        Meaning::PinBlock => "a PIN block",
        Meaning::Track => "a track",
        Meaning::Pin => "a PIN",
        Meaning::Pan => "a card number",
        Meaning::CardholderName => "a cardholder's name",
        Meaning::Expiry => "a card's expiry",
        Meaning::Detail => "a detail of a card",
        Meaning::Card => "a card",
    }
}

const BRANDS_MAX: usize = 4;
const BESIDE_MAX: usize = 4;

#[cfg(test)]
mod tests;
