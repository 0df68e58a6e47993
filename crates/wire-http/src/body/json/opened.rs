use std::ops::Range;

use mask::{JsonPlace, Masked};

use super::NOT_JSON;
use super::scan::Event;
use super::window::Window;
use crate::body::joined::{self, Joined};
use crate::body::{Care, Withheld};

/// A document that does not fit, and what is known of it.
pub(super) struct Opened {
    pub place: JsonPlace,
    pub start: usize,
    /// Where the document ends, when that is known.
    pub end: Option<usize>,
}

/// A part of the body that has been judged.
pub(super) struct Judged {
    pub place: Range<usize>,
    pub masked: Option<Masked>,
    /// What it is by itself, when some of it is not to be looked at together with what stands beside it.
    pub alone: Option<Joined>,
}

impl Opened {
    /// The document that starts at `start`.
    pub fn at(start: usize, care: &Care) -> Self {
        Self { place: JsonPlace::new(care.masker, care.rules.clone()), start, end: None }
    }

    /// Judges a name or an item and goes on behind it; `None` when that hangs on what stands behind it, and that is not
    /// known yet. The document has been `seen` up to there.
    pub fn judge(
        &mut self,
        window: &Window,
        seen: usize,
        care: &Care,
        event: &Event,
        ended: bool,
    ) -> Result<Option<Judged>, Withheld> {
        let (before, behind) = JsonPlace::REACH;
        let (place, is_name) = match event {
            Event::Name(place) => (place.start + 1..place.end - 1, true),
            Event::Value(place) => (place.clone(), false),
            Event::Begun { .. } | Event::Left { .. } | Event::Line { .. } => return Ok(None),
        };
        let from = place.start.saturating_sub(before).max(self.start).max(window.start);
        let known = self.end.unwrap_or(seen);
        let text = window.get(from..known.min(place.end + behind));
        let sure = ended || known.saturating_sub(place.end) >= behind;
        let at = place.start - from..place.end - from;
        if is_name {
            let masked = self.place.judge_name(text, at.clone(), false);
            if !sure && masked != self.place.judge_name(text, at.clone(), true) {
                return Ok(None);
            }
            self.place.member(window.get(place.clone()));
            return Ok(Some(Judged { place, masked, alone: None }));
        }
        let part = self.place.judge(text, at.clone(), false).ok_or(NOT_JSON)?;
        if !sure {
            let other = self.place.judge(text, at.clone(), true).ok_or(NOT_JSON)?;
            if part.masked != other.masked {
                return Ok(None);
            }
        }
        let bytes = part.masked.as_ref().map_or(window.get(place.clone()), |masked| &masked.bytes);
        let alone = joined::mask_spared(care, &self.place, bytes);
        self.place.pass(&part);
        Ok(Some(Judged { place, masked: part.masked, alone }))
    }
}
