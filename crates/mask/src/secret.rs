//! Secrets: providers' tokens, private keys, passwords in addresses and assignments, JSON Web Tokens.
//!
//! What says that a secret follows (a token's prefix, a key's first line, a name and its `=`) stays, and is
//! looked back at once the secret itself arrives. So a stream holds nothing back for what may yet begin.

mod address;
mod alphabet;
mod assignment;
pub(crate) mod escape;
pub(crate) mod example;
mod hint;
mod key;
mod place;
mod provider;
mod rule;
mod sign;
mod worth;

pub(crate) use assignment::{is_gap, is_sign, is_standard};
pub(crate) use sign::{
    is_of_token, name_ends, shows_anchor, shows_key, shows_name, shows_name_before, shows_token,
};

use alphabet::Alphabet;
use key::{Key, Step};
use place::Places;

use crate::finding::{Finding, FindingKind, Form};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;
use crate::work;

/// Reads a text for secrets.
///
/// One that is longer than 256 bytes is found in pieces, up to 16 KiB of it.
#[derive(Debug)]
pub(crate) struct Secrets {
    at: usize,
    inside: Inside,
    places: Places,
}

/// What the place that is read is in.
#[derive(Debug, Clone, Copy)]
enum Inside {
    Nothing,
    /// A token of which a piece has been found, and so many bytes at most may follow.
    Token(&'static str, Alphabet, usize),
    Key(Key),
}

/// A secret from the place that was judged up to `end`.
#[derive(Debug)]
pub(crate) struct Hit {
    pub end: usize,
    /// The rule that it is known by.
    pub rule: &'static str,
    /// What it goes on in, if it is longer than this, and how many bytes at most.
    pub more: Option<(Alphabet, usize)>,
}

impl Hit {
    pub fn whole(end: usize, rule: &'static str) -> Self {
        Self { end, rule, more: None }
    }
}

/// What secret starts at `at`, behind what says so.
///
/// It looks at [`BEFORE`] bytes before at most, and refuses by the last of them nearly everywhere.
pub(crate) fn judge(text: &Text<'_>, at: usize) -> Option<Hit> {
    let before = text.words_before(at, BEFORE);
    let last = *before.last()?;
    if matches!(last, b':')
        && let Some(hit) = address::judge(text, at, before)
    {
        return Some(hit);
    }
    if let Some(hit) = provider::judge(text, at, before) {
        return Some(hit);
    }
    if matches!(last, b'=' | b':' | b'"' | b'\'' | b'`' | b' ' | b'>' | b'\t')
        && let Some(hit) = assignment::judge(text, at, before)
    {
        return Some(hit);
    }
    assignment::aws(text, at, before)
}

/// Whether `text`, which is all there is, may hold a secret: most that is short is turned away by one look.
pub(crate) fn may_hold(text: &[u8]) -> bool {
    text.len() >= SHORTEST && Places::default().next(&Text::whole(text), 0, text.len()) < text.len()
}

impl Secrets {
    /// A reader that starts at `at`.
    pub fn new(at: usize) -> Self {
        Self { at, inside: Inside::Nothing, places: Places::default() }
    }

    /// Whether a secret is open here, of which what follows is a part: a leap over what looks clean would miss it.
    pub fn is_inside(&self) -> bool {
        !matches!(self.inside, Inside::Nothing)
    }

    /// A place in no secret.
    fn outside(&mut self, text: &Text<'_>, byte: u8) -> Option<Finding> {
        if let Some(key) = self.key(text, byte) {
            let found = self.within_key(text, key);
            if found.is_some() || text.starved() || self.is_inside() {
                return found;
            }
        }
        let hit = may_start(byte).then(|| judge(text, self.at)).flatten();
        if text.starved() {
            return None;
        }
        let Some(hit) = hit else {
            self.at += 1;
            return None;
        };
        if let Some((alphabet, left)) = hit.more {
            self.inside = Inside::Token(hit.rule, alphabet, left);
        }
        Some(self.found(hit.end, hit.rule))
    }

    /// The key whose first line has just passed.
    fn key(&self, text: &Text<'_>, byte: u8) -> Option<Key> {
        let last = text.words_before(self.at, 1).first()?;
        (matches!(last, b'-' | b':') && byte != b'-')
            .then(|| Key::begun(text.words_before(self.at, BEFORE)))
            .flatten()
    }

    fn token(
        &mut self,
        text: &Text<'_>,
        rule: &'static str,
        alphabet: Alphabet,
        left: usize,
    ) -> Option<Finding> {
        let length = alphabet.run(text, self.at, left.min(PIECE));
        if text.starved() {
            return None;
        }
        self.inside = match left - length {
            0 => Inside::Nothing,
            _ if length < PIECE => Inside::Nothing,
            left => Inside::Token(rule, alphabet, left),
        };
        (length > 0).then(|| self.found(self.at + length, rule))
    }

    fn within_key(&mut self, text: &Text<'_>, mut key: Key) -> Option<Finding> {
        let step = key.step(text, self.at);
        if text.starved() {
            return None;
        }
        self.inside = Inside::Key(key);
        match step {
            Step::Found(bytes) => return Some(self.found(self.at + bytes, "private-key")),
            Step::Passed(bytes) => self.at += bytes,
            Step::Over => self.inside = Inside::Nothing,
        }
        None
    }

    fn found(&mut self, end: usize, rule: &'static str) -> Finding {
        let range = self.at..end;
        self.at = end;
        Finding { range, kind: FindingKind::Secret { rule }, form: Form::Whole, view: View::Plain }
    }
}

impl Reader for Secrets {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        while self.at < until {
            text.forgive();
            if !self.is_inside() {
                self.at = self.places.next(text, self.at, until);
                if self.at >= until {
                    break;
                }
            }
            let byte = text.get(self.at)?;
            let found = match self.inside {
                Inside::Nothing => self.outside(text, byte),
                Inside::Token(rule, alphabet, left) => self.token(text, rule, alphabet, left),
                Inside::Key(key) => self.within_key(text, key),
            };
            if found.is_some() || text.starved() {
                return found;
            }
        }
        None
    }

    fn at(&self) -> usize {
        self.at
    }

    fn skip_to(&mut self, at: usize) {
        let Some(skipped) = at.checked_sub(self.at) else { return };
        // What was masked with it was of the secret too.
        match &mut self.inside {
            Inside::Nothing => {}
            Inside::Token(_, _, left) => *left = left.saturating_sub(skipped),
            Inside::Key(key) => key.skip(skipped),
        }
        self.at = at;
    }

    fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.places = Places::default();
    }
}

/// Whether a secret may begin with this: a sign that is printed, and no star, which an earlier mask wrote.
fn may_start(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, 0x7F | b'*' | b'"' | b'\'' | b'`' | b'<')
}

/// The shortest text that holds a secret: `://:p@h`.
const SHORTEST: usize = 7;
/// How far is looked back.
const BEFORE: usize = 192;
/// The longest piece that a finding is of.
const PIECE: usize = 256;
/// So much of one secret is found at most: a private key of 16,384 bits has 12.5 KiB.
const SECRET_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
