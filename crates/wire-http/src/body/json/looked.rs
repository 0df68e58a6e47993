use super::{HELD_BYTES_MAX, Json, Layout};
use crate::body::{Care, Rewrite, Withheld, joined};

/// Documents that are looked at all at once when they have ended: most hold nothing, and are not read any further.
pub(super) struct Looked {
    care: Care,
    held: Vec<u8>,
    /// What reads them, once there is more than is held or something may be in it.
    json: Option<Box<Json>>,
    found: u64,
}

impl Looked {
    pub fn new(care: &Care) -> Self {
        Self { care: care.clone(), held: Vec::new(), json: None, found: 0 }
    }

    /// Tells a document as it was masked.
    fn tell(&mut self, masked: Option<mask::Masked>, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Some(masked) = masked else {
            out.append(&mut self.held);
            return Ok(());
        };
        if masked.sad {
            return Err(Withheld::Sad);
        }
        if self.care.refuses {
            return Err(Withheld::CardData);
        }
        self.found = masked.found.into();
        out.extend_from_slice(&masked.bytes);
        Ok(())
    }

    /// Reads what was held.
    fn read(&mut self) -> (&mut Json, Vec<u8>) {
        let json = || Box::new(Json::new(&self.care, Layout::Documents, HELD_BYTES_MAX));
        (self.json.get_or_insert_with(json), std::mem::take(&mut self.held))
    }
}

impl Rewrite for Looked {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        if let Some(json) = &mut self.json {
            return json.push(bytes, out);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() <= LOOKED_BYTES_MAX {
            return Ok(());
        }
        let (json, held) = self.read();
        json.push(&held, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.json.is_none() && !joined::may_hold(&self.care, &self.held) {
            if self.care.masker.leaves_json(&self.held) {
                out.append(&mut self.held);
                return Ok(());
            }
            if let Some(masked) = self.care.masker.json_document(&self.held, &self.care.rules) {
                return self.tell(masked, out);
            }
        }
        let (json, held) = self.read();
        json.push(&held, out)?;
        json.finish(out)
    }

    fn found(&self) -> u64 {
        self.json.as_ref().map_or(self.found, |json| json.found())
    }
}

/// The largest body that is looked at all at once.
const LOOKED_BYTES_MAX: usize = 4 << 20;
