//! Masking and finding in a stream, cut anywhere.

use crate::classes::Classes;
use crate::engine::{Engine, Step, Views};
use crate::finding::Finding;
use crate::masker::Masker;
use crate::reader::BEHIND;
use crate::rewriter::Rewriter;
use crate::text::Text;

/// Masks a stream as [`Masker::text`] masks it whole, however it is cut.
///
/// It holds back what may still turn out to be part of something, from its first digit on and never more than
/// 1 KiB: nothing while the last thing that came is no digit and no beginning of an escape. What it keeps of
/// what has passed, to look back at, is bounded too.
pub struct Stream {
    engine: Engine,
    rewriter: Rewriter,
    window: Window,
    /// Where the stream begins in the window: what stands before are words about it.
    begin: usize,
    about_cards: bool,
}

impl Stream {
    /// A masker for one stream.
    pub fn new(masker: Masker) -> Self {
        Self::of(masker, Views::Text, &[])
    }

    /// A masker for what is between the quotes of a JSON string, behind `before`.
    pub(crate) fn of_json(masker: Masker, before: &[u8]) -> Self {
        Self::of(masker, Views::JsonString, before)
    }

    fn of(masker: Masker, views: Views, before: &[u8]) -> Self {
        let begin = before.len();
        Self {
            engine: masker.engine(views, begin),
            rewriter: Rewriter::new(masker, views, begin),
            window: Window { bytes: before.to_vec(), done: begin },
            begin,
            about_cards: masker.is_about_cards(),
        }
    }

    /// Goes on with `bytes`, and appends to `out` what may be released.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.window.bytes.extend_from_slice(bytes);
        self.run(false, out);
    }

    /// Ends the stream: appends all that was held back, masked.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.run(true, out);
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.window.bytes.len() - self.window.done
    }

    /// How many things were found and masked so far.
    pub fn found(&self) -> u64 {
        self.rewriter.found()
    }

    /// Whether sensitive authentication data was among them: what follows is to be withheld.
    pub fn sad(&self) -> bool {
        self.rewriter.sad()
    }

    fn run(&mut self, ended: bool, out: &mut Vec<u8>) {
        let text = Text::new(&self.window.bytes, ended).from(self.begin).about_cards(self.about_cards);
        while self.rewriter.step(&mut self.engine, &text, out) {}
        self.window.done = self.rewriter.done();
        if let Some(bytes) = self.window.shrink() {
            self.engine.forget(bytes);
            self.rewriter.forget(bytes);
            self.begin = self.begin.saturating_sub(bytes);
        }
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

/// Fewer bytes than these are not worth moving the rest.
const SHRINK_MIN: usize = 1024;
