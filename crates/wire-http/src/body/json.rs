//! A stand-in until JSON is masked as it passes: documents are held as a whole.

use super::{Care, Opaque, Rewrite, Withheld};

/// What masks a JSON document.
pub(crate) fn open(care: &Care) -> Box<dyn Rewrite> {
    Box::new(Whole { care: care.clone(), held: Vec::new(), found: 0, lines: false })
}

/// What masks a JSON document on each line.
pub(crate) fn lines(care: &Care) -> Box<dyn Rewrite> {
    Box::new(Whole { care: care.clone(), held: Vec::new(), found: 0, lines: true })
}

struct Whole {
    care: Care,
    held: Vec<u8>,
    found: u64,
    lines: bool,
}

impl Whole {
    fn mask(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.care.opaque == Opaque::Refuse && serde_json::from_slice::<serde_json::Value>(text).is_err() {
            return Err(Withheld::NotUnderstood("JSON that is none"));
        }
        match self.care.masker.json(text, &self.care.rules) {
            Some(masked) if masked.sad => return Err(Withheld::Sad),
            Some(masked) => {
                self.found += u64::from(masked.found);
                out.extend(masked.bytes);
            }
            None => out.extend_from_slice(text),
        }
        Ok(())
    }
}

impl Rewrite for Whole {
    fn push(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(), Withheld> {
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let held = std::mem::take(&mut self.held);
        if !self.lines {
            return self.mask(&held, out);
        }
        for line in held.split_inclusive(|byte| *byte == b'\n') {
            let start = line.strip_prefix(b"\x1e").map_or(line, |line| {
                out.push(0x1e);
                line
            });
            match start.trim_ascii().is_empty() {
                true => out.extend_from_slice(start),
                false => self.mask(start, out)?,
            }
        }
        Ok(())
    }

    fn found(&self) -> u64 {
        self.found
    }
}
