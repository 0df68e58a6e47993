//! JSON bodies of any size, masked as they pass.
//!
//! A document of up to [`HELD_BYTES_MAX`] is held to its end and judged whole ([`mask::Masker::json`]). A larger one is
//! opened: what it holds is judged and released part by part, each as large as still fits, with what the way to it says
//! ([`mask::JsonPlace`]); so are the parts' own parts where they do not fit. A string that does not fit goes through as
//! a stream. What opens when hangs on nothing but how many bytes there are, so how they are cut changes nothing.
//!
//! What the judgement of a part hangs on and is not known yet, since it stands behind it in an opened object, is taken
//! for granted where it makes a number a card's, and noted where it makes a code sensitive: such a body is withheld
//! when it comes to light, which may be after the code.
//!
//! Several documents may follow each other, but numbers and the like may not, unless each has a line of its own: what
//! reads as several numbers in JSON may be one in text.

mod fuzz;
mod mender;
mod opened;
mod scan;
mod window;

use std::collections::VecDeque;
use std::ops::Range;

use mask::{JsonLong, JsonPlace, JsonRule, Stream};

use super::joined::{self, Joined};
use super::{Care, Rewrite, Withheld};
use mender::Mender;
use opened::{Judged, Opened};
use scan::{Event, Kind, NotJson, Scanner};
use window::Window;

#[doc(hidden)]
pub use fuzz::fuzz_json;

/// Masks JSON documents, one or several after another, with or without a byte order mark.
pub(crate) fn open(care: &Care) -> Box<dyn Rewrite> {
    match care.strict || care.rules.iter().any(|rule| !rule.spares()) {
        true => Box::new(Json::new(care, Layout::Documents, HELD_BYTES_MAX)),
        false => Box::new(Looked { care: care.clone(), held: Vec::new(), json: None, found: 0 }),
    }
}

/// Documents that are looked at all at once when they have ended: most hold nothing, and are not read any further.
struct Looked {
    care: Care,
    held: Vec<u8>,
    /// What reads them, once there is more than is held or something may be in it.
    json: Option<Box<Json>>,
    found: u64,
}

impl Looked {
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

/// Masks JSON documents of which each has a line or a record of its own: NDJSON, JSON lines, and sequences (RFC 7464).
pub(crate) fn lines(care: &Care) -> Box<dyn Rewrite> {
    Box::new(Json::new(care, Layout::Lines, HELD_BYTES_MAX))
}

/// How documents are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Documents,
    Lines,
}

struct Json {
    care: Care,
    layout: Layout,
    /// The largest item that is judged whole.
    bound: usize,
    scanner: Scanner,
    window: Window,
    /// Up to where it has been read, and up to where it had been when it was last gone back in.
    read: usize,
    seen: usize,
    /// What has been read and not judged, in order.
    waiting: VecDeque<Event>,
    /// The document that has been opened.
    opened: Option<Opened>,
    /// The item that is read and does not fit.
    long: Option<Long>,
    /// A document that is no container, and must stand alone, or on a line of its own.
    scalar: Option<Range<usize>>,
    /// Such a document has passed: none may follow.
    closed: bool,
    group: Group,
    /// What is no JSON goes through as text.
    text: Option<Stream>,
    /// Whether anything but a byte order mark has been read.
    begun: bool,
    found: u64,
}

/// Items that have been judged and stand beside one another, and may be one number together with the next.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    items: usize,
    /// There are more of these than are looked at together.
    is_long: bool,
}

/// An item that does not fit.
struct Long {
    way: Way,
    /// Up to where it has been dealt with.
    at: usize,
    is_string: bool,
}

enum Way {
    /// Its mask has been released.
    Dropped,
    Passes,
    /// A string, of which what a mask did to escapes is mended.
    Scanned(Box<Stream>, Mender),
}

impl Rewrite for Json {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.window.bytes.extend_from_slice(bytes);
        if !self.begun && !self.begin(out, false) {
            return Ok(());
        }
        self.run(out)?;
        self.judge_waiting(false, out)?;
        self.release_clean(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if !self.begun {
            self.begin(out, true);
            self.run(out)?;
        }
        if self.text.is_none() {
            match self.scanner.finish(self.read) {
                Ok(Some(event)) => self.take(event, out)?,
                Ok(None) => {}
                Err(NotJson) => self.not_json(out)?,
            }
        }
        if self.text.is_none() {
            self.judge_scalar(out)?;
            self.release_group(out)?;
            self.window.release_to(self.read, out);
        }
        self.end_text(self.window.end(), out)
    }

    fn found(&self) -> u64 {
        self.found
    }
}

impl Json {
    fn new(care: &Care, layout: Layout, bound: usize) -> Self {
        Self {
            care: care.clone(),
            layout,
            bound: bound.max(BOUND_MIN),
            scanner: Scanner::new(layout == Layout::Lines),
            window: Window::default(),
            read: 0,
            seen: 0,
            waiting: VecDeque::new(),
            opened: None,
            long: None,
            scalar: None,
            closed: false,
            group: Group::default(),
            text: None,
            begun: false,
            found: 0,
        }
    }

    /// Goes past a byte order mark. Whether it is known whether there is one.
    fn begin(&mut self, out: &mut Vec<u8>, ended: bool) -> bool {
        let bytes = self.window.bytes.as_slice();
        if bytes.len() < BOM.len() && BOM.starts_with(bytes) && !ended {
            return false;
        }
        self.begun = true;
        if bytes.starts_with(BOM) {
            self.read = BOM.len();
            self.window.release_to(self.read, out);
        }
        true
    }

    fn run(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        loop {
            let end = self.window.end();
            if self.text.is_some() {
                self.run_text(out)?;
            }
            if self.read >= end {
                return Ok(());
            }
            // An item that begins here is looked at before it is larger than the bound.
            let limit = match self.long {
                Some(_) => end,
                None => end.min(self.held_from().saturating_add(self.bound)),
            };
            if limit <= self.read {
                self.overflow(out)?;
                continue;
            }
            let scanned = self.scanner.scan(self.window.get(self.read..limit), self.read);
            let (read, event) = match scanned {
                Ok(scanned) => scanned,
                Err(at) => {
                    self.read = at;
                    self.not_json(out)?;
                    continue;
                }
            };
            self.read += read;
            self.seen = self.seen.max(self.read);
            if self.waiting.len() >= WAITING_MAX {
                self.judge_waiting(false, out)?;
            }
            match event {
                Some(event) => self.take(event, out)?,
                None => self.go_on_long(self.read, out)?,
            }
        }
    }

    /// From where on what has been read is held.
    fn held_from(&self) -> usize {
        match &self.scalar {
            Some(scalar) => scalar.end,
            None => self.scanner.item().unwrap_or(self.read),
        }
    }

    /// What is no JSON, up to the end of its line where each has one.
    fn run_text(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let rest = self.window.get(self.read..self.window.end());
        let line = rest.iter().position(|byte| matches!(byte, b'\n' | &scan::RECORD));
        match line.filter(|_| self.layout == Layout::Lines) {
            Some(line) => {
                self.end_text(self.read + line + 1, out)?;
                self.scanner = Scanner::new(true);
                self.text = None;
                Ok(())
            }
            None => self.go_on_text(self.window.end(), false, out),
        }
    }

    fn end_text(&mut self, end: usize, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.go_on_text(end, true, out)
    }

    fn go_on_text(&mut self, to: usize, ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Some(stream) = &mut self.text else { return Ok(()) };
        let before = stream.found();
        stream.push(self.window.get(self.window.released..to), out);
        if ended {
            stream.finish(out);
        }
        let news = (stream.found() - before, stream.sad());
        (self.window.released, self.read) = (to, to);
        self.window.shrink();
        self.count(news.0, news.1)
    }

    /// Deals with what was read.
    fn take(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match event {
            Event::Value(place) if self.long.is_some() => self.end_long(place.end, out),
            Event::Value(place) if self.scanner.is_outside() && self.opened.is_none() => {
                if self.scalar.is_some() || self.closed {
                    return self.not_json(out);
                }
                if matches!(self.window.get(place.clone()).first(), Some(b'{' | b'[')) {
                    return self.judge_document(place, out);
                }
                self.scalar = Some(place);
                Ok(())
            }
            Event::Begun { at, is_object } => self.enter(at, is_object, out),
            Event::Left { end } if self.scanner.is_outside() => {
                self.waiting.push_back(event);
                if let Some(opened) = &mut self.opened {
                    opened.end = Some(end);
                }
                self.judge_waiting(true, out)?;
                self.opened = None;
                Ok(())
            }
            Event::Line { .. } => match self.layout {
                Layout::Lines => {
                    self.closed = false;
                    self.judge_scalar(out)
                }
                Layout::Documents => Ok(()),
            },
            Event::Value(_) | Event::Name(_) | Event::Left { .. } => {
                self.waiting.push_back(event);
                Ok(())
            }
        }
    }

    /// Judges the document in `place`, which fits.
    fn judge_document(&mut self, place: Range<usize>, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let text = self.window.get(place.clone());
        let root = JsonPlace::new(self.care.masker, self.care.rules.clone());
        let masked = self.care.masker.json(text, &self.care.rules);
        let alone =
            joined::mask_spared(&self.care, &root, masked.as_ref().map_or(text, |masked| &masked.bytes));
        self.gather(Judged { place, masked, alone }, false, out)
    }

    fn judge_scalar(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match self.scalar.take() {
            Some(place) => self.judge_document(place, out),
            None => Ok(()),
        }
    }

    /// The item that is read does not fit.
    fn overflow(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Some(start) = self.scanner.item() else {
            // Nothing but blanks behind a document that must stand alone.
            self.closed = true;
            return self.judge_scalar(out);
        };
        if self.scalar.is_some() || self.closed {
            return self.not_json(out);
        }
        match self.scanner.kind() {
            Kind::Container => {
                self.read = self.scanner.rewind(self.read - self.bound / 2).unwrap_or(start);
                Ok(())
            }
            Kind::Name => Err(Withheld::TooLarge("a name in JSON")),
            Kind::Other => Err(Withheld::TooLarge("a number in JSON")),
            Kind::String => self.begin_long(start, out),
        }
    }

    /// Goes into the container at `at`, which does not fit.
    fn enter(&mut self, at: usize, is_object: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.judge_waiting(false, out)?;
        self.release_group(out)?;
        let opened = self.opened.get_or_insert_with(|| Opened::at(at, &self.care));
        self.window.release_to(at, out);
        if let Some(mask) = opened.place.replaced() {
            self.scanner.want_none();
            out.extend_from_slice(&mask);
            self.long = Some(Long { way: Way::Dropped, at: self.read, is_string: false });
            return self.count(1, false);
        }
        opened.place.enter(is_object);
        self.scanner.open();
        self.window.release_to(at + 1, out);
        Ok(())
    }

    /// Begins with the string at `start`, which does not fit.
    fn begin_long(&mut self, start: usize, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.judge_waiting(false, out)?;
        self.release_group(out)?;
        let opened = self.opened.get_or_insert_with(|| Opened::at(start, &self.care));
        self.window.release_to(start, out);
        let from = start.saturating_sub(JsonPlace::REACH.0).max(opened.start).max(self.window.start);
        let text = self.window.get(from..self.read);
        let way = match opened.place.long(text, start + 1 - from..text.len(), self.care.strict) {
            JsonLong::Whole(mask) => {
                out.extend_from_slice(&mask);
                self.count(1, false)?;
                Way::Dropped
            }
            JsonLong::Sad => return Err(Withheld::Sad),
            JsonLong::Passes => Way::Passes,
            JsonLong::Scanned(stream) => {
                self.window.release_to(start + 1, out);
                Way::Scanned(stream, Mender::default())
            }
        };
        self.long = Some(Long { way, at: start + 1, is_string: true });
        self.go_on_long(self.read, out)
    }

    /// Goes on up to `to` with an item that does not fit.
    fn go_on_long(&mut self, to: usize, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Some(long) = &mut self.long else { return Ok(()) };
        let bytes = self.window.get(long.at..to);
        let mut news = (0, false);
        match &mut long.way {
            Way::Dropped => {}
            Way::Passes => {
                self.window.release_to(to, out);
            }
            Way::Scanned(stream, mender) => {
                let before = stream.found();
                let mut told = Vec::new();
                stream.push(bytes, &mut told);
                mender.push(&told, out);
                news = (stream.found() - before, stream.sad());
            }
        }
        long.at = to;
        self.window.released = self.window.released.max(to);
        self.window.shrink();
        self.count(news.0, news.1)
    }

    fn end_long(&mut self, end: usize, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.go_on_long(end - 1, out)?;
        let Some(mut long) = self.long.take() else { return Ok(()) };
        let mut news = (0, false);
        match &mut long.way {
            Way::Dropped => self.window.released = end,
            Way::Passes => self.window.release_to(end, out),
            Way::Scanned(stream, mender) => {
                let before = stream.found();
                let mut told = Vec::new();
                stream.finish(&mut told);
                mender.push(&told, out);
                mender.finish(out);
                news = (stream.found() - before, stream.sad());
                self.window.release_to(end, out);
            }
        }
        if let Some(opened) = &mut self.opened {
            opened.place.skip();
            if opened.place.depth() == 0 {
                self.opened = None;
                self.closed = long.is_string;
            }
        }
        self.count(news.0, news.1)
    }

    /// Judges what has been read of the document that is opened, as far as it is known what stands behind it.
    fn judge_waiting(&mut self, ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        while let Some(event) = self.waiting.pop_front() {
            let Some(opened) = &mut self.opened else { return Err(NOT_JSON) };
            match event {
                Event::Name(_) | Event::Value(_) => {
                    let Some(judged) = opened.judge(&self.window, self.seen, &self.care, &event, ended)?
                    else {
                        self.waiting.push_front(event);
                        return Ok(());
                    };
                    self.gather(judged, matches!(event, Event::Name(_)), out)?;
                }
                Event::Left { end } => {
                    self.release_group(out)?;
                    let Some(opened) = &mut self.opened else { return Err(NOT_JSON) };
                    if opened.place.leave() {
                        return Err(Withheld::Sad);
                    }
                    self.window.release_to(end, out);
                }
                Event::Begun { .. } | Event::Line { .. } => {}
            }
        }
        Ok(())
    }

    /// Releases what was judged, or keeps it while it may be one number with what comes next.
    fn gather(&mut self, judged: Judged, is_name: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Judged { place, masked, alone } = judged;
        let found = masked.as_ref().map_or(0, |masked| masked.found);
        self.count(u64::from(found), masked.as_ref().is_some_and(|masked| masked.sad))?;
        if alone.is_some() {
            self.release_group(out)?;
        }
        let mut bytes = std::mem::take(&mut self.group.bytes);
        self.window.release_to(place.start, &mut bytes);
        let start = bytes.len();
        match &masked {
            Some(masked) => bytes.extend_from_slice(&masked.bytes),
            None => bytes.extend_from_slice(self.window.get(place.clone())),
        }
        self.window.released = place.end;
        self.window.shrink();
        if let Some(Joined { bytes: judged, found }) = alone {
            self.count(found, false)?;
            out.extend_from_slice(bytes.get(..start).unwrap_or_default());
            out.extend_from_slice(&judged);
            return Ok(());
        }
        let goes_on = is_name || joined::goes_on(&self.care, bytes.get(start..).unwrap_or_default());
        self.group.items += usize::from(!is_name);
        let many = self.group.items > GROUP_ITEMS_MAX || bytes.len() > GROUP_BYTES_MAX;
        self.group.bytes = bytes;
        if goes_on && !many && (is_name || !self.group.is_long) {
            return Ok(());
        }
        self.release_group(out)?;
        self.group.is_long = goes_on;
        Ok(())
    }

    /// Releases what was kept, with what of it is one number masked.
    fn release_group(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Group { bytes, .. } = std::mem::take(&mut self.group);
        let in_object = self.opened.as_ref().is_some_and(|opened| opened.place.is_in_object());
        match joined::mask(&self.care, &bytes, in_object) {
            Some(joined) => {
                out.extend_from_slice(&joined.bytes);
                self.count(joined.found, false)
            }
            None => {
                out.extend_from_slice(&bytes);
                Ok(())
            }
        }
    }

    /// Takes note of what was found.
    fn count(&mut self, found: u64, sad: bool) -> Result<(), Withheld> {
        self.found = self.found.saturating_add(found);
        match (sad, self.care.refuses && found > 0) {
            (true, _) => Err(Withheld::Sad),
            (false, true) => Err(Withheld::CardData),
            (false, false) => Ok(()),
        }
    }

    /// Releases what has been read and holds nothing: what stands between items.
    fn release_clean(&mut self, out: &mut Vec<u8>) {
        if self.text.is_some()
            || self.long.is_some()
            || !(self.waiting.is_empty() && self.group.bytes.is_empty())
        {
            return;
        }
        let open = self.scanner.item().unwrap_or(self.read);
        let clean = self.scalar.as_ref().map_or(open, |scalar| scalar.start.min(open));
        self.window.release_to(clean, out);
        self.window.shrink();
    }

    /// What is read is not JSON: from what has not been released, it is text, if no more than that was asked for.
    fn not_json(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if let Some(opened) = &mut self.opened {
            opened.end = Some(self.read);
            self.judge_waiting(true, out)?;
        }
        self.release_group(out)?;
        let text = !self.care.strict && self.care.rules.iter().all(JsonRule::spares);
        if !text || self.long.is_some() || self.closed {
            return Err(NOT_JSON);
        }
        self.release_clean(out);
        self.text = Some(Stream::new(self.care.masker));
        (self.opened, self.scalar) = (None, None);
        self.scanner = Scanner::new(self.layout == Layout::Lines);
        Ok(())
    }
}

const NOT_JSON: Withheld = Withheld::NotUnderstood("JSON that is not valid");
/// Byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Largest document that is judged whole, and largest part of a larger one: more than nearly all answers of an API, and
/// little enough to be held for each body that passes.
const HELD_BYTES_MAX: usize = 1 << 20;

/// The largest body that is looked at all at once.
const LOOKED_BYTES_MAX: usize = 4 << 20;
/// How many items that may be one number together are looked at together, and how many bytes of them.
const GROUP_ITEMS_MAX: usize = 64;
const GROUP_BYTES_MAX: usize = 16 * 1024;
/// How many things that have been read are judged at once: enough to know what stands behind all but the last.
const WAITING_MAX: usize = 256;
/// Least bound: words as far as they are looked for must be known of all that stands before what does not fit.
const BOUND_MIN: usize = 256;
#[cfg(test)]
mod tests;
