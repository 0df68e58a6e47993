//! Text that is written with more than its own bytes: escapes, and tags in the middle of it. It is masked as the text
//! that a reader sees, and written as it was but for what is masked.

use std::collections::VecDeque;

use mask::{Masker, Stream};

use super::Withheld;

/// A text, aligned with how it is written.
///
/// INVARIANT: a stream gives as many bytes as it took, in their order, so that each byte that comes out is the one that
/// went in at its place, or its mask.
pub(super) struct Aligned {
    stream: Stream,
    units: VecDeque<Unit>,
    /// What the stream has not taken yet: it takes little pieces together, for each costs as much as a long one.
    taken: Vec<u8>,
    /// What the stream has given, and no unit has taken yet.
    given: VecDeque<u8>,
    /// Bytes in `units` that are written as they were.
    held: usize,
}

enum Unit {
    /// So many bytes of text that are written as they are.
    Same(usize),
    /// Some text, and how it is written.
    Written { written: Vec<u8>, text: Vec<u8> },
    /// What is no text.
    Aside(Vec<u8>),
}

impl Aligned {
    pub fn new(masker: Masker) -> Self {
        Self {
            stream: Stream::new(masker),
            units: VecDeque::new(),
            taken: Vec::new(),
            given: VecDeque::new(),
            held: 0,
        }
    }

    /// Goes on with text that is written as it is.
    pub fn same(&mut self, text: &[u8]) {
        match self.units.back_mut() {
            Some(Unit::Same(length)) => *length += text.len(),
            _ => self.units.push_back(Unit::Same(text.len())),
        }
        self.taken.extend_from_slice(text);
    }

    /// Goes on with `text` that is `written` so, and has become `masked`, which is as long.
    pub fn written(&mut self, written: &[u8], text: &[u8], masked: &[u8]) {
        self.held += written.len();
        self.units.push_back(Unit::Written { written: written.to_vec(), text: text.to_vec() });
        self.taken.extend_from_slice(masked);
    }

    /// Puts what is no text between what came and what comes.
    pub fn aside(&mut self, bytes: &[u8]) {
        self.held += bytes.len();
        match self.units.back_mut() {
            Some(Unit::Aside(aside)) => aside.extend_from_slice(bytes),
            _ => self.units.push_back(Unit::Aside(bytes.to_vec())),
        }
    }

    /// Masks what has come together, and appends to `out` what may be released.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let mut given = Vec::new();
        self.stream.push(&self.taken, &mut given);
        self.taken.clear();
        self.given.extend(given);
        self.give(out)?;
        match self.held > HELD_BYTES_MAX {
            true => Err(Withheld::TooLarge("what stands in the middle of a number")),
            false => Ok(()),
        }
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.flush(out)?;
        let mut given = Vec::new();
        self.stream.finish(&mut given);
        self.given.extend(given);
        self.give(out)
    }

    pub fn found(&self) -> u64 {
        self.stream.found()
    }

    /// Writes all that the stream lets go.
    fn give(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.stream.sad() {
            return Err(Withheld::Sad);
        }
        while let Some(unit) = self.units.front_mut() {
            match unit {
                Unit::Same(length) => {
                    let now = (*length).min(self.given.len());
                    out.extend(self.given.drain(..now));
                    *length -= now;
                    if *length > 0 {
                        return Ok(());
                    }
                }
                Unit::Written { written, text } => {
                    if self.given.len() < text.len() {
                        return Ok(());
                    }
                    let masked: Vec<u8> = self.given.drain(..text.len()).collect();
                    self.held -= written.len();
                    out.extend_from_slice(if masked == *text { written } else { &masked });
                }
                Unit::Aside(bytes) => {
                    self.held -= bytes.len();
                    out.append(bytes);
                }
            }
            self.units.pop_front();
        }
        Ok(())
    }
}

/// More does not stand between two digits of one number.
const HELD_BYTES_MAX: usize = 1 << 20;
