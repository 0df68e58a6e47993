//! Finds in a stream, and keeps as much of it as is needed to show a finding among its neighbours.

use std::ops::Range;

use mask::{Classes, Finder, Finding, FindingKind};

use super::name::{MASKER, plain};

/// One thing found in a text. It holds no digit beyond what the profile leaves.
pub struct Hit {
    pub kind: FindingKind,
    /// The bytes it takes, from the start of the text.
    pub range: Range<u64>,
    /// Its line, from 1.
    pub line: u64,
    /// Its place in the line, in characters from 1.
    pub column: u64,
    /// What was found, masked.
    pub masked: String,
    /// The piece of the line around it, masked.
    pub context: String,
}

/// A text that comes in pieces.
///
/// Memory is bounded: what is kept is the last piece and [`MARGIN_BYTES`] around what is not settled.
pub struct TextScan {
    finder: Finder,
    window: Vec<u8>,
    /// Where the window begins in what was given, the label included.
    start: u64,
    /// How long the label is.
    label: u64,
    /// The line that the window's start is in, from 1.
    line: u64,
    /// How many characters of that line stand before the window.
    passed: u64,
    /// What was found and is not told yet, in the order of where it starts.
    waiting: Vec<Finding>,
    /// How much came since findings were told.
    untold: usize,
    /// Where things were found that are told, as far as the window holds them.
    told: Vec<Range<u64>>,
}

impl TextScan {
    /// A text about which `label` is known: words that stand before it for the search and are no part of it.
    pub fn new(classes: Classes, label: &[u8]) -> Self {
        let mut scan = Self {
            finder: Finder::new(classes),
            window: label.to_vec(),
            start: 0,
            label: label.len() as u64,
            line: 1,
            passed: 0,
            waiting: Vec::new(),
            untold: 0,
            told: Vec::new(),
        };
        scan.finder.push(label, &mut scan.waiting);
        scan
    }

    /// Goes on with `bytes`, and appends what is found and has been seen with all that surrounds it.
    pub fn push(&mut self, bytes: &[u8], hits: &mut Vec<Hit>) {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.window.extend_from_slice(piece);
            self.finder.push(piece, &mut self.waiting);
            // Telling looks at the whole window again, which small pieces are not worth.
            self.untold += piece.len();
            if self.untold >= PIECE_BYTES {
                self.tell(self.settled_end(), hits);
                self.shrink();
            }
        }
    }

    /// Ends the text.
    pub fn finish(&mut self, hits: &mut Vec<Hit>) {
        self.finder.finish(&mut self.waiting);
        self.tell(self.end(), hits);
    }

    /// Before which place everything has been told.
    pub fn settled(&self) -> u64 {
        let told = self.settled_end().saturating_sub((self.untold + CONTEXT_BYTES) as u64);
        let first = self.waiting.first().map_or(told, |first| first.range.start as u64);
        first.min(told).saturating_sub(self.label)
    }

    fn end(&self) -> u64 {
        self.start + self.window.len() as u64
    }

    /// Before which place the finder has told what it finds: it is in doubt about less than the margin.
    fn settled_end(&self) -> u64 {
        self.end().saturating_sub(MARGIN_BYTES as u64)
    }

    /// Tells what ends, with the line around it, before `settled`.
    fn tell(&mut self, settled: u64, hits: &mut Vec<Hit>) {
        self.untold = 0;
        let ended = settled == self.end();
        let reach = if ended { 0 } else { CONTEXT_BYTES as u64 };
        let ready = self.waiting.iter().take_while(|it| it.range.end as u64 + reach <= settled).count();
        if ready == 0 {
            return;
        }
        let shown = self.shown();
        let mut found: Vec<Finding> = self.waiting.drain(..ready).collect();
        found.retain(|finding| finding.range.start as u64 >= self.label);
        let mut at = self.label_end();
        let mut place = (self.line, self.passed);
        for finding in apart(found) {
            let range = finding.range.start as u64..finding.range.end as u64;
            let start = self.within(&range).start;
            place = after(place, self.window.get(at..start).unwrap_or_default());
            at = start;
            hits.push(self.hit(finding.kind, &range, place, &shown));
            self.told.push(range);
        }
    }

    /// The window as it may be shown: masked, and what masking it alone does not know to be something, since
    /// that stands across its edge or is known by what stood before, is starred out.
    fn shown(&self) -> Vec<u8> {
        let mut shown = MASKER.text(&self.window).map_or_else(|| self.window.clone(), |masked| masked.bytes);
        let waiting = self.waiting.iter().map(|finding| finding.range.start as u64..finding.range.end as u64);
        for range in waiting.chain(self.told.iter().cloned()) {
            let range = self.within(&range);
            if shown.get(range.clone()) == self.window.get(range.clone()) {
                let written = shown.get_mut(range).into_iter().flatten();
                written.filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = b'*');
            }
        }
        shown
    }

    /// What is told of a finding in front of which there are `place.1` characters in the line `place.0`.
    fn hit(&self, kind: FindingKind, range: &Range<u64>, place: (u64, u64), shown: &[u8]) -> Hit {
        let within = self.within(range);
        let masked = shown.get(within.start..within.end.min(within.start + MASKED_BYTES_MAX));
        Hit {
            kind,
            line: place.0,
            column: place.1 + 1,
            masked: plain(masked.unwrap_or_default()),
            context: cut(shown.get(self.bounds(&within)).unwrap_or_default()),
            range: range.start - self.label..range.end - self.label,
        }
    }

    /// The piece of the line around `within`, whole where it is short.
    fn bounds(&self, within: &Range<usize>) -> Range<usize> {
        let from = within.start.saturating_sub(CONTEXT_BYTES).max(self.label_end());
        let to = (within.start + MASKED_BYTES_MAX).min(within.end) + CONTEXT_BYTES;
        let to = to.min(self.window.len());
        let before = self.window.get(from..within.start).unwrap_or_default();
        let after = self.window.get(within.end.min(to)..to).unwrap_or_default();
        let from = memchr::memrchr(b'\n', before).map_or(from, |at| from + at + 1);
        let to = memchr::memchr(b'\n', after).map_or(to, |at| within.end.min(to) + at);
        from..to
    }

    /// Where the label ends in the window.
    fn label_end(&self) -> usize {
        (self.label.saturating_sub(self.start) as usize).min(self.window.len())
    }

    /// A range of the text as a range of the window.
    fn within(&self, range: &Range<u64>) -> Range<usize> {
        let place = |at: u64| (at.saturating_sub(self.start) as usize).min(self.window.len());
        place(range.start)..place(range.end)
    }

    /// Drops what nothing that is found later is shown with.
    fn shrink(&mut self) {
        let first = self.waiting.first().map_or(self.settled_end(), |first| first.range.start as u64);
        let keep = first.min(self.settled_end()).saturating_sub(2 * MARGIN_BYTES as u64);
        let over = (keep.saturating_sub(self.start) as usize).min(self.window.len());
        if over < PIECE_BYTES {
            return;
        }
        let dropped = self.window.get(..over).unwrap_or_default();
        let dropped = dropped.get(self.label_end()..).unwrap_or_default();
        (self.line, self.passed) = after((self.line, self.passed), dropped);
        self.window.drain(..over);
        self.start += over as u64;
        self.told.retain(|range| range.end > self.start);
    }
}

/// Findings that overlap, which are readings of the same bytes, as one: of the kind that matters most.
pub fn apart(found: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        match kept.last_mut().filter(|last| finding.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(finding.range.end);
                if weight(finding.kind) > weight(last.kind) {
                    last.kind = finding.kind;
                }
            }
            None => kept.push(finding),
        }
    }
    kept
}

fn weight(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::Track1 | FindingKind::Track2 | FindingKind::CardCode | FindingKind::Pin => 3,
        FindingKind::Pan { .. } => 2,
        FindingKind::Secret { .. } => 1,
        FindingKind::Email | FindingKind::Phone | FindingKind::Iban | FindingKind::UsSsn => 0,
    }
}

/// The place behind `text`, which begins at `place`: a line, and how many of its characters have passed.
fn after((line, passed): (u64, u64), text: &[u8]) -> (u64, u64) {
    match memchr::memrchr(b'\n', text) {
        None => (line, passed + characters(text)),
        Some(last) => {
            let breaks = memchr::memchr_iter(b'\n', text).count() as u64;
            (line + breaks, characters(text.get(last + 1..).unwrap_or_default()))
        }
    }
}

/// How many characters `text` has, if it is UTF-8: bytes that do not go on with one.
fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64
}

/// A piece of a line as text: what a cut left of a character at its ends is gone, and so is the line's end.
fn cut(piece: &[u8]) -> String {
    let end = piece.iter().rposition(|byte| !matches!(byte, b'\r' | b'\0')).map_or(0, |last| last + 1);
    let piece = piece.get(..end).unwrap_or_default();
    plain(piece).trim_matches(char::REPLACEMENT_CHARACTER).trim().to_owned()
}

/// How much of a line is shown on each side.
const CONTEXT_BYTES: usize = 80;
/// How much of what was found is shown: a private key is long.
const MASKED_BYTES_MAX: usize = 160;
/// Longer than a finder is ever in doubt, which is 1 KiB, and than what it looks back at.
const MARGIN_BYTES: usize = 4 << 10;
/// How much is looked at in one go.
pub const PIECE_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests;
