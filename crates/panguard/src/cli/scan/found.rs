//! What a scan has to say: what was found and where, and what could not be read.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use mask::FindingKind;

use super::name::Name;
use super::text::Hit;

/// What comes out of the scan of a file, in its order.
pub enum Event {
    Found(Found),
    Unread(Unread),
    /// A file is looked at next.
    Begun(Name),
}

/// One thing that was found. It holds no digit beyond what the profile leaves.
pub struct Found {
    pub name: Name,
    pub place: Place,
    pub kind: FindingKind,
    /// What was found, masked.
    pub masked: String,
    /// The piece of the line around it, masked.
    pub context: String,
}

/// Where in what has that name.
pub enum Place {
    /// In the name itself.
    Name,
    /// In a text.
    Text(Position),
    /// In the value that has that name together with the number of its row.
    Cell { row: u64, position: Position },
    /// In a table of text, which is a text too.
    Field { column: Vec<u8>, row: u64, position: Position },
}

#[derive(Clone, Copy)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// In bytes, from 0.
    pub offset: u64,
}

/// What was not scanned, or not whole.
pub struct Unread {
    pub name: Name,
    pub why: String,
}

impl Found {
    pub fn in_text(name: &Name, hit: Hit) -> Self {
        let place = Place::Text(Position::of(&hit));
        Self { name: name.clone(), place, kind: hit.kind, masked: hit.masked, context: hit.context }
    }

    pub fn in_cell(name: Name, row: u64, hit: Hit) -> Self {
        let place = Place::Cell { row, position: Position::of(&hit) };
        Self { name, place, kind: hit.kind, masked: hit.masked, context: hit.context }
    }

    /// Where it is, as it may be shown, without the place in a text.
    pub fn shown_name(&self) -> String {
        match &self.place {
            Place::Field { column, .. } => self.name.within(column).shown(),
            Place::Name | Place::Text(_) | Place::Cell { .. } => self.name.shown(),
        }
    }

    /// Its place in a text, and the row if it is in a table.
    pub fn position(&self) -> (Option<Position>, Option<u64>) {
        match &self.place {
            Place::Name => (None, None),
            Place::Text(position) => (Some(*position), None),
            Place::Cell { row, position } | Place::Field { row, position, .. } => {
                (Some(*position), Some(*row))
            }
        }
    }

    /// What says that it is the same finding as another, the `occurrence`th of those that look alike in a file.
    ///
    /// It is made of the path, the kind and the line as it is shown, which holds no more of a number than the
    /// mask leaves: a digest of the number itself, unless keyed, is the number to whoever tries them all
    /// (PCI DSS 4.0.1, 3.5.1.1). Lines above may come and go, and how the line is indented.
    pub fn fingerprint(&self, occurrence: u32) -> Fingerprint {
        let mut digest = Context::new(&SHA256);
        let place = if matches!(self.place, Place::Name) { "name" } else { "content" };
        let line: Vec<&str> = self.context.split_whitespace().collect();
        let what = what(self.kind);
        for part in [self.name.shown_path().as_str(), place, &what, &self.masked, &line.join(" ")] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(&occurrence.to_be_bytes());
        let mut fingerprint = [0; 16];
        fingerprint.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Fingerprint(fingerprint)
    }
}

impl Position {
    pub fn of(hit: &Hit) -> Self {
        Self { line: hit.line, column: hit.column, offset: hit.range.start }
    }
}

/// Half a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Fingerprint {
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(|it| Self(it.to_be_bytes()))
    }
}

/// What was found, in words.
pub fn what(kind: FindingKind) -> String {
    match kind {
        FindingKind::Pan { brand } => format!("card number ({})", brand.name()),
        FindingKind::Track1 => "track 1".to_owned(),
        FindingKind::Track2 => "track 2".to_owned(),
        FindingKind::CardCode => "card code".to_owned(),
        FindingKind::Pin => "PIN or PIN block".to_owned(),
        FindingKind::Secret { rule } => format!("secret ({rule})"),
        FindingKind::Email => "e-mail address".to_owned(),
        FindingKind::Phone => "telephone number".to_owned(),
        FindingKind::Iban => "IBAN".to_owned(),
        FindingKind::UsSsn => "US Social Security number".to_owned(),
    }
}

/// The name of that kind where programs read it; with the rule, for secrets.
pub fn rule(kind: FindingKind) -> String {
    match kind {
        FindingKind::Secret { rule } => format!("secret/{rule}"),
        FindingKind::Pan { .. } => "card-number".to_owned(),
        FindingKind::Track1 => "track-1".to_owned(),
        FindingKind::Track2 => "track-2".to_owned(),
        FindingKind::CardCode => "card-code".to_owned(),
        FindingKind::Pin => "pin".to_owned(),
        FindingKind::Email => "email".to_owned(),
        FindingKind::Phone => "phone".to_owned(),
        FindingKind::Iban => "iban".to_owned(),
        FindingKind::UsSsn => "us-ssn".to_owned(),
    }
}
