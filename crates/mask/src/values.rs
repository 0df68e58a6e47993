//! Values that are looked at together: most hold nothing, and to see that of many at once takes a third of the time.

use crate::code;
use crate::masker::Masker;
use crate::packed;
use crate::personal;
use crate::secret;
use crate::sieve::Sieve;
use crate::text::Text;

/// Some values, such as the texts in some rows of an answer, for one look at all of them ([`Masker::passes`]).
#[derive(Debug, Default, Clone)]
pub struct Values {
    /// The values, [`PARTING`] around each.
    joined: Vec<u8>,
}

impl Values {
    /// Adds a value.
    pub fn add(&mut self, value: &[u8]) {
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&[PARTING; START]);
        }
        self.joined.extend_from_slice(value);
        self.joined.push(PARTING);
    }

    /// Takes all values away, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.joined.clear();
    }

    /// How many bytes they take together.
    pub fn bytes(&self) -> usize {
        self.joined.len()
    }
}

impl Masker {
    /// Whether [`Masker::text`] would leave every one of `values` as it is. If this says no, that may still be so
    /// of some or of all: each is to be looked at by itself.
    pub fn passes(&self, values: &Values) -> bool {
        let text = values.joined.as_slice();
        let classes = self.classes();
        self.meaning().is_none()
            && Sieve::new().next(&Text::whole(text).about_cards(self.is_about_cards()), 0).is_none()
            && !packed::may_hold_among(text)
            && !code::may_hold_among(text)
            && !(classes.secret && secret::may_hold(text))
            && !(classes.has_personal() && personal::may_hold(text, classes))
    }
}

/// What parts values: a control character that is part of nothing that is looked for, and goes on with nothing.
pub(crate) const PARTING: u8 = 0x7f;

/// As far as is looked back for what stands before a value in a text, which has no start here.
const START: usize = 8;

#[cfg(test)]
mod tests;
