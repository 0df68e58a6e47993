//! Streams that are one JSON array, an element at a time, as Gemini sends them when it is not asked for events.

use std::sync::Arc;

use super::channel::Flush;
use super::seen::Seen;
use super::stream::{Frame, Texts};
use super::text;
use crate::body::{Care, Rewrite, Withheld};

/// Rewrites an array; each element is released as soon as it is complete, as an event of its own.
pub(super) struct Elements {
    care: Care,
    texts: Texts,
    place: Place,
    /// What has come of the element that is read.
    element: Vec<u8>,
}

/// Where in the array it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the array.
    Before,
    /// Before an element, or behind one.
    Between,
    /// In an element, so deep; in a string; behind a backslash in it.
    Inside { depth: usize, string: bool, escaped: bool },
    /// Behind the array.
    Behind,
}

impl Elements {
    pub fn new(care: &Care, seen: Arc<Seen>) -> Self {
        let texts = Texts::new(care, true, seen);
        Self { care: care.clone(), texts, place: Place::Before, element: Vec::new() }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match (self.place, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') if !matches!(self.place, Place::Inside { .. }) => {
                out.push(byte)
            }
            (Place::Before, b'[') => {
                self.place = Place::Between;
                out.push(byte);
            }
            (Place::Between, b',') => out.push(byte),
            (Place::Between, b']') => {
                for Flush { data, .. } in self.texts.finish()? {
                    out.extend(GLUE);
                    out.extend(data);
                }
                self.place = Place::Behind;
                out.push(byte);
            }
            (Place::Between, _) => {
                self.place = Place::Inside { depth: 0, string: false, escaped: false };
                self.inside(byte, out)?;
            }
            (Place::Inside { .. }, _) => self.inside(byte, out)?,
            (Place::Before | Place::Behind, _) => return Err(NOT_AN_ARRAY),
        }
        Ok(())
    }

    fn inside(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Place::Inside { mut depth, mut string, mut escaped } = self.place else { return Ok(()) };
        let ends = depth == 0 && !string && matches!(byte, b',' | b']');
        if ends {
            self.judge(out)?;
            self.place = Place::Between;
            return self.byte(byte, out);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            b'{' | b'[' if !string => depth += 1,
            b'}' | b']' if !string => depth = depth.saturating_sub(1),
            _ => {}
        }
        self.place = Place::Inside { depth, string, escaped };
        self.element.push(byte);
        // A scalar ends with what follows it; anything else with its own bracket.
        if depth == 0 && !string && matches!(byte, b'}' | b']') {
            self.judge(out)?;
            self.place = Place::Between;
        }
        if self.element.len() > ELEMENT_BYTES_MAX {
            Err(Withheld::TooLarge("an element in a stream"))
        } else {
            Ok(())
        }
    }

    fn judge(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let element = std::mem::take(&mut self.element);
        super::doc::Doc::read(&element).ok_or(NOT_AN_ARRAY)?;
        if !element.starts_with(b"{") {
            let masked = text::mask(&self.care, &element, &[]);
            if let Some(masked) = &masked {
                self.texts.note(masked.found, masked.sad)?;
            }
            out.extend(masked.map_or(element, |masked| masked.bytes));
            return Ok(());
        }
        let judged = self.texts.judge(&Frame { head: &[], name: &[], data: &element, last: false })?;
        for Flush { data, .. } in judged.before {
            out.extend(data);
            out.extend(GLUE);
        }
        out.extend(judged.data.unwrap_or(element));
        Ok(())
    }
}

impl Rewrite for Elements {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        bytes.iter().try_for_each(|byte| self.byte(*byte, out))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        // An array that is cut off can be of no use to a reader; what was held back of it stays here.
        let _ = out;
        if self.place == Place::Behind { Ok(()) } else { Err(NOT_AN_ARRAY) }
    }

    fn found(&self) -> u64 {
        self.texts.found()
    }
}

const NOT_AN_ARRAY: Withheld = Withheld::NotUnderstood("an answer that is almost JSON");

/// What stands between two elements.
const GLUE: &[u8] = b",\r\n";

/// Longest element that is held to be judged.
const ELEMENT_BYTES_MAX: usize = 16 << 20;
