use std::ops::Range;

use mask::JsonPlace;

/// Bytes of the body, from a little before what has been released.
#[derive(Default)]
pub(super) struct Window {
    pub bytes: Vec<u8>,
    /// Where it starts in the body.
    pub start: usize,
    /// Up to where the body has been released.
    pub released: usize,
}

impl Window {
    /// Where it ends in the body.
    pub fn end(&self) -> usize {
        self.start + self.bytes.len()
    }

    /// The bytes at `place` of the body.
    pub fn get(&self, place: Range<usize>) -> &[u8] {
        let place = place.start.saturating_sub(self.start)..place.end.saturating_sub(self.start);
        self.bytes.get(place).unwrap_or_default()
    }

    /// Releases what there is before `to` as it is.
    pub fn release_to(&mut self, to: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.get(self.released..to.max(self.released)));
        self.released = self.released.max(to);
    }

    /// Drops what is too far back to matter.
    pub fn shrink(&mut self) {
        let over = self.released.saturating_sub(self.start).saturating_sub(JsonPlace::REACH.0);
        // So that each byte is moved but a few times.
        if over > SHRINK_MIN && over >= self.bytes.len() / 2 {
            self.bytes.drain(..over);
            self.start += over;
        }
    }
}

/// Fewer bytes than these are not worth moving the rest.
const SHRINK_MIN: usize = 4096;
