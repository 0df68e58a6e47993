//! What masks a body, whatever it is.

use super::coding::Coding;
use super::kind::Said;
use super::layers::Layers;
use super::look::Look;
use super::{Care, Coded, Opaque, Rewrite, Withheld};

/// What masks the body that `coded` is said of: its content codings undone and done again, and what it is found out by its
/// first bytes.
///
/// Where nothing is looked at, as in an image under [`Opaque::Pass`], every byte passes as it is; so it does in text
/// without codings in which nothing is found. Codings are done again as they were, by another packer.
pub fn open(care: &Care, coded: Coded<'_>) -> Box<dyn Rewrite> {
    let said = Said::read(coded.content_type.unwrap_or_default());
    let codings = Coding::list(coded.content_encoding).ok().filter(|codings| codings.len() <= CODINGS_MAX);
    let inner: Box<dyn Rewrite> = match codings.as_deref() {
        Some([]) => Box::new(Look::new(care, said, DEPTH_MAX)),
        Some(codings) => match Layers::new(care, codings, said, DEPTH_MAX) {
            Ok(layers) => Box::new(layers),
            Err(why) => Box::new(Never(why)),
        },
        None if care.opaque == Opaque::Refuse => {
            Box::new(Never(Withheld::NotUnderstood("a content coding that is not known")))
        }
        // As it came it is what a client reads that knows the coding no more.
        None => Box::new(Look::new(care, said, DEPTH_MAX)),
    };
    match care.refuses {
        true => Box::new(Refusing { inner }),
        false => inner,
    }
}

/// Not at all; but nothing is nothing in any coding.
struct Never(Withheld);

impl Rewrite for Never {
    fn push(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(), Withheld> {
        if bytes.is_empty() { Ok(()) } else { Err(self.0) }
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), Withheld> {
        Ok(())
    }

    fn found(&self) -> u64 {
        0
    }
}

/// A body in which nothing may be found.
struct Refusing {
    inner: Box<dyn Rewrite>,
}

impl Refusing {
    fn checked(&self, out: &mut Vec<u8>, before: usize, done: Result<(), Withheld>) -> Result<(), Withheld> {
        let checked = match done {
            Ok(()) if self.inner.found() > 0 => Err(Withheld::CardData),
            done => done,
        };
        if checked.is_err() {
            out.truncate(before);
        }
        checked
    }
}

impl Rewrite for Refusing {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let before = out.len();
        let done = self.inner.push(bytes, out);
        self.checked(out, before, done)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let before = out.len();
        let done = self.inner.finish(out);
        self.checked(out, before, done)
    }

    fn found(&self) -> u64 {
        self.inner.found()
    }
}

/// Nobody packs more often.
const CODINGS_MAX: usize = 4;
/// Codings that no header names, character sets and parts within parts, one within the other.
const DEPTH_MAX: u8 = 8;

#[cfg(test)]
mod tests;
