//! Masking and finding in a stream, cut anywhere.

use std::ops::Range;

use crate::classes::Classes;
use crate::engine::{Engine, Step, Views};
use crate::finding::Finding;
use crate::masker::Masker;
use crate::reader::BEHIND;
use crate::text::Text;

/// Masks a stream as [`Masker::text`] masks it whole, however it is cut.
///
/// It holds back what may still turn out to be part of something, from its first digit on and never more than
/// 1 KiB: nothing while the last thing that came is no digit and no beginning of an escape. What it keeps of
/// what has passed, to look back at, is bounded too.
pub struct Stream {
    masker: Masker,
    engine: Engine,
    window: Window,
    /// What has been released last.
    tail: Vec<u8>,
    /// What has been found and waits for what follows it.
    waiting: Option<(Vec<Finding>, Range<usize>)>,
    found: u64,
    sad: bool,
}

impl Stream {
    /// A masker for one stream.
    pub fn new(masker: Masker) -> Self {
        Self {
            masker,
            engine: Engine::new(masker.classes(), Views::Text, 0),
            window: Window::default(),
            tail: Vec::new(),
            waiting: None,
            found: 0,
            sad: false,
        }
    }

    /// Goes on with `bytes`, and appends to `out` what may be released.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.window.bytes.extend_from_slice(bytes);
        self.run(false, out);
    }

    /// Ends the stream: appends all that was held back, masked. What is pushed afterwards is another stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.run(true, out);
        self.window = Window::default();
        self.engine = Engine::new(self.masker.classes(), Views::Text, 0);
        self.tail.clear();
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.window.bytes.len() - self.window.done
    }

    /// How many things were found and masked so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Whether sensitive authentication data was among them: what follows is to be withheld.
    pub fn sad(&self) -> bool {
        self.sad
    }

    fn run(&mut self, ended: bool, out: &mut Vec<u8>) {
        let from = out.len();
        loop {
            let text = Text::new(&self.window.bytes, ended);
            let (findings, range) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match self.engine.step(&text) {
                    Step::Region(findings, range) => (findings, range),
                    Step::Clean(at) => {
                        out.extend_from_slice(text.known(self.window.done..at));
                        self.window.done = self.window.done.max(at);
                        break;
                    }
                },
            };
            out.extend_from_slice(text.known(self.window.done..range.start));
            self.window.done = self.window.done.max(range.start);
            let released = out.get(from.max(out.len().saturating_sub(TAIL))..).unwrap_or_default();
            let before = [self.tail.as_slice(), released].concat();
            let Some(piece) = self.masker.rewrite(&text, &findings, &range, Views::Text, &before) else {
                self.waiting = Some((findings, range));
                break;
            };
            out.extend_from_slice(piece.get(self.window.done - range.start..).unwrap_or_default());
            self.window.done = self.window.done.max(range.end);
            self.found = self.found.saturating_add(count(&findings));
            self.sad |= findings.iter().any(|finding| finding.kind.is_sad());
        }
        self.keep_tail(out.get(from..).unwrap_or_default());
        if let Some(bytes) = self.window.shrink() {
            self.engine.forget(bytes);
            if let Some((findings, range)) = &mut self.waiting {
                findings.iter_mut().for_each(|finding| finding.forget(bytes));
                *range = range.start - bytes..range.end - bytes;
            }
        }
    }

    /// Remembers the end of what was released.
    fn keep_tail(&mut self, released: &[u8]) {
        self.tail.extend_from_slice(released.get(released.len().saturating_sub(TAIL)..).unwrap_or_default());
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }
}

/// Finds what a stream holds, however it is cut.
pub struct Finder {
    engine: Engine,
    window: Window,
    /// Bytes that have passed before the window.
    passed: usize,
}

impl Finder {
    /// A finder for one stream, of card numbers, tracks and `classes`.
    pub fn new(classes: Classes) -> Self {
        Self { engine: Engine::new(classes, Views::Text, 0), window: Window::default(), passed: 0 }
    }

    /// Goes on with `bytes`, and appends what has been found. Places count from the start of the stream.
    pub fn push(&mut self, bytes: &[u8], found: &mut Vec<Finding>) {
        self.window.bytes.extend_from_slice(bytes);
        self.run(false, found);
    }

    /// Ends the stream.
    pub fn finish(&mut self, found: &mut Vec<Finding>) {
        self.run(true, found);
    }

    fn run(&mut self, ended: bool, found: &mut Vec<Finding>) {
        let text = Text::new(&self.window.bytes, ended);
        loop {
            match self.engine.step(&text) {
                Step::Region(findings, _) => found.extend(findings.into_iter().map(|mut finding| {
                    finding.range = finding.range.start + self.passed..finding.range.end + self.passed;
                    finding
                })),
                Step::Clean(at) => {
                    self.window.done = self.window.done.max(at);
                    break;
                }
            }
        }
        if let Some(bytes) = self.window.shrink() {
            self.engine.forget(bytes);
            self.passed += bytes;
        }
    }
}

/// The bytes of a stream that are still looked at.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Up to where all is done with.
    done: usize,
}

impl Window {
    /// Drops what is too far back to matter, and says how much that is.
    fn shrink(&mut self) -> Option<usize> {
        let over = self.done.saturating_sub(BEHIND);
        if over < SHRINK_MIN {
            return None;
        }
        self.bytes.drain(..over);
        self.done -= over;
        Some(over)
    }
}

/// How many things were found, where overlapping readings of the same are one.
fn count(findings: &[Finding]) -> u64 {
    let mut end = 0;
    let mut count = 0;
    for finding in findings {
        count += u64::from(finding.range.start >= end);
        end = end.max(finding.range.end);
    }
    count
}

/// What is remembered of what was released.
const TAIL: usize = 96;
/// Fewer bytes than these are not worth moving the rest.
const SHRINK_MIN: usize = 1024;
