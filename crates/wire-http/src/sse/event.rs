//! Events, cut out of a stream (WHATWG HTML §9.2.5, §9.2.6).

use std::ops::Range;

use crate::body::Withheld;

/// Cuts a stream into events.
#[derive(Default)]
pub(super) struct Events {
    buffer: Vec<u8>,
    /// Where in it the event begins that is read; places below count from there.
    start: usize,
    lines: Vec<Line>,
    /// Where the line begins that is read.
    line: usize,
    /// Up to where no end of a line is.
    seen: usize,
    /// Whether the last byte was a CR that ended a line, so that a LF now belongs to it.
    after_cr: bool,
    /// Whether the first line has been read, before which a byte order mark may stand.
    begun: bool,
}

/// What is cut out.
pub(super) enum Cut {
    Event(Event),
    /// The second half of the end of the line that ended the last event.
    LineFeed,
}

/// One event, as it was sent.
pub(super) struct Event {
    raw: Vec<u8>,
    lines: Vec<Line>,
}

struct Line {
    field: Field,
    /// The line without its end.
    text: Range<usize>,
    /// What the field holds.
    value: Range<usize>,
    /// Behind the end of the line.
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Data,
    Event,
    Id,
    Comment,
    /// `retry`, and fields that nobody knows.
    Other,
    Blank,
}

impl Events {
    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event that is complete.
    ///
    /// # Errors
    /// When an event is too large to be held.
    pub fn next(&mut self) -> Result<Option<Cut>, Withheld> {
        if self.line_feed() {
            return Ok(Some(Cut::LineFeed));
        }
        while let Some(found) = memchr::memchr2(b'\n', b'\r', self.from(self.seen)) {
            let at = self.seen + found;
            let (length, after_cr) = match self.from(at) {
                [b'\r', b'\n', ..] => (2, false),
                [b'\r'] => (1, true),
                _ => (1, false),
            };
            let end = at + length;
            self.after_cr = after_cr;
            if self.end_line(at, end) {
                return Ok(Some(Cut::Event(self.take(end))));
            }
        }
        self.seen = self.from(0).len();
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.seen > EVENT_BYTES_MAX {
            return Err(Withheld::TooLarge("an event in a stream"));
        }
        Ok(None)
    }

    /// What the stream ended in.
    pub fn rest(&mut self) -> Option<Event> {
        let end = self.from(0).len();
        if end == 0 {
            return None;
        }
        if self.line < end {
            self.end_line(end, end);
        }
        Some(self.take(end))
    }

    /// Takes a LF after a CR at the end of what was pushed before; whether it is to be sent by itself, since its
    /// event has been released.
    fn line_feed(&mut self) -> bool {
        let Some(next) = self.from(self.line).first().copied() else { return false };
        if !std::mem::take(&mut self.after_cr) || next != b'\n' {
            return false;
        }
        match self.lines.last_mut() {
            Some(line) => {
                line.end += 1;
                (self.line, self.seen) = (line.end, line.end);
                false
            }
            None => {
                self.start += 1;
                (self.line, self.seen) = (0, 0);
                true
            }
        }
    }

    /// Notes the line up to `at`, whose end ends at `end`; whether it ends the event.
    fn end_line(&mut self, at: usize, end: usize) -> bool {
        let mut text = self.line..at;
        let line = self.within(&text);
        let is_first = !self.begun;
        let mark = if is_first && line.starts_with(BOM) { BOM.len() } else { 0 };
        text.start += mark;
        let (field, skipped) = Field::of(self.within(&text));
        self.begun = true;
        let value = text.start + skipped..text.end;
        self.lines.push(Line { field, text, value, end });
        (self.line, self.seen) = (end, end);
        field == Field::Blank
    }

    fn take(&mut self, end: usize) -> Event {
        let raw = self.within(&(0..end)).to_vec();
        self.start += end;
        (self.line, self.seen) = (0, 0);
        Event { raw, lines: std::mem::take(&mut self.lines) }
    }

    fn from(&self, at: usize) -> &[u8] {
        self.buffer.get(self.start + at..).unwrap_or_default()
    }

    fn within(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(self.start + range.start..self.start + range.end).unwrap_or_default()
    }
}

impl Field {
    /// What field a line is of, and where its value begins.
    fn of(line: &[u8]) -> (Self, usize) {
        let colon = memchr::memchr(b':', line);
        let name = line.get(..colon.unwrap_or(line.len())).unwrap_or_default();
        let value =
            colon.map_or(line.len(), |colon| colon + 1 + usize::from(line.get(colon + 1) == Some(&b' ')));
        let field = match (name, colon) {
            (b"", Some(_)) => Self::Comment,
            (b"", None) => Self::Blank,
            (b"data", _) => Self::Data,
            (b"event", _) => Self::Event,
            (b"id", _) => Self::Id,
            _ => Self::Other,
        };
        (field, value)
    }
}

impl Event {
    /// What its `data` fields hold, joined as a reader joins them; `None` when it has none.
    pub fn data(&self) -> Option<Vec<u8>> {
        let mut lines = self.lines.iter().filter(|line| line.field == Field::Data).peekable();
        lines.peek()?;
        let lines: Vec<_> = lines.map(|line| self.at(&line.value)).collect();
        Some(lines.join(&b'\n'))
    }

    /// How the lines of its data end.
    pub fn line_end(&self) -> Option<&'static [u8]> {
        let line = self.lines.iter().find(|line| line.field == Field::Data)?;
        let ends: [&[u8]; 3] = [b"\n", b"\r\n", b"\r"];
        ends.into_iter().find(|end| self.at(&(line.text.end..line.end)) == *end)
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        let name = self.lines.iter().rfind(|line| line.field == Field::Event);
        name.map(|line| self.at(&line.value)).unwrap_or_default()
    }

    /// The lines that another event like this one begins with: its name and its id.
    pub fn head(&self) -> Vec<u8> {
        let lines = self.lines.iter().filter(|line| matches!(line.field, Field::Event | Field::Id));
        lines.flat_map(|line| [self.at(&line.text), b"\n"].concat()).collect()
    }

    /// Writes over what `masked` finds in the lines that hold no data.
    pub fn mask_fields(&mut self, mut masked: impl FnMut(&[u8]) -> Option<Vec<u8>>) {
        for line in &self.lines {
            if matches!(line.field, Field::Data | Field::Blank) {
                continue;
            }
            let Some(text) = self.raw.get_mut(line.text.clone()) else { continue };
            if let Some(masked) = masked(text).filter(|masked| masked.len() == text.len()) {
                text.copy_from_slice(&masked);
            }
        }
    }

    /// Writes over the values in the lines that hold no data for which `is_to_go`; how many.
    pub fn star_values(&mut self, mut is_to_go: impl FnMut(&[u8], &[u8]) -> bool) -> u32 {
        let mut gone = 0;
        for line in &self.lines {
            if matches!(line.field, Field::Data | Field::Blank) {
                continue;
            }
            let field =
                self.raw.get(line.text.start..line.value.start).unwrap_or_default().trim_ascii().to_vec();
            let Some(value) = self.raw.get_mut(line.value.clone()) else { continue };
            if is_to_go(&field, value.trim_ascii()) {
                value.fill(b'*');
                gone += 1;
            }
        }
        gone
    }

    /// Writes the event as it was sent, with `data` in the place of its data.
    pub fn write(&self, data: Option<&[u8]>, out: &mut Vec<u8>) {
        let Some(data) = data else { return out.extend_from_slice(&self.raw) };
        let mut texts = data.split(|byte| *byte == b'\n').peekable();
        let mut lines = self.lines.iter().filter(|line| line.field == Field::Data).peekable();
        let mut copied = 0;
        while let Some(line) = lines.next() {
            out.extend_from_slice(self.at(&(copied..line.text.start)));
            copied = line.end;
            let before = match self.at(&(line.text.start..line.value.start)) {
                // A field without a colon holds nothing.
                b"data" => b"data: ".as_slice(),
                before => before,
            };
            // Lines more than there were follow the last.
            while let Some(text) = texts.next() {
                let end = match self.at(&(line.text.end..line.end)) {
                    b"" if texts.peek().is_some() => b"\n",
                    end => end,
                };
                out.extend([before, text, end].concat());
                if lines.peek().is_some() {
                    break;
                }
            }
        }
        out.extend_from_slice(self.at(&(copied..self.raw.len())));
    }

    fn at(&self, range: &Range<usize>) -> &[u8] {
        self.raw.get(range.clone()).unwrap_or_default()
    }
}

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Longest event that is held to be judged: an answer's last event repeats all of it.
const EVENT_BYTES_MAX: usize = 16 << 20;
