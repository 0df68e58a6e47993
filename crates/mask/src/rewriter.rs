//! What is found, put into what is released.

use std::ops::Range;

use crate::classes::Classes;
use crate::code;
use crate::engine::{Engine, REGION_BYTES_MAX, Step, Views};
use crate::finding::{Finding, FindingKind};
use crate::glance::Glance;
use crate::masker::Masker;
use crate::packed;
use crate::reader::BEHIND;
use crate::text::Text;
use crate::work;

/// Releases a text from its start to its end, masked.
///
/// What a mask leaves is looked at where it stands. Digits that stay may read as a card number together with
/// what stands beside them; and what was part of something else may be none any more once that is masked. Both
/// go too, so that nothing is found again in what has been released.
#[derive(Debug)]
pub(crate) struct Rewriter {
    masker: Masker,
    views: Views,
    /// Up to where the text has been released.
    done: usize,
    /// Where the last mask ends, unless nothing behind it reads otherwise for it.
    masked_to: Option<usize>,
    /// Where the last mask ends, and whether that was of an e-mail address alone, with none close before.
    last: Option<(usize, bool)>,
    /// What has been released last.
    tail: Vec<u8>,
    /// What has been found and waits for what follows it.
    waiting: Option<(Vec<Finding>, Range<usize>)>,
    found: u64,
    sad: bool,
}

impl Rewriter {
    /// A rewriter that starts at `at`.
    pub fn new(masker: Masker, views: Views, at: usize) -> Self {
        Self {
            masker,
            views,
            done: at,
            masked_to: None,
            last: None,
            tail: Vec::new(),
            waiting: None,
            found: 0,
            sad: false,
        }
    }

    /// The same, which has been given the first thing to mask.
    pub fn waiting_with(self, findings: Vec<Finding>, range: Range<usize>) -> Self {
        Self { waiting: Some((findings, range)), ..self }
    }

    /// Goes on to the next thing to mask, and writes to `out` what is released with it. Whether there may be
    /// more now; if not, more must be known.
    pub fn step(&mut self, engine: &mut Engine, text: &Text<'_>, out: &mut Vec<u8>) -> bool {
        let (findings, range) = match self.waiting.take() {
            Some(waiting) => waiting,
            None => match engine.step(text) {
                Step::Region(findings, range) => (findings, range),
                Step::Clean(at) => {
                    let near = !text.ended() && self.masked_to.is_some_and(|masked| at < masked + BEHIND);
                    let at = if near { self.run_start(text, at) } else { at };
                    self.pass(engine, text, at, out);
                    return false;
                }
            },
        };
        let passed = self.pass(engine, text, range.start, out);
        if !passed || !self.mask(text, &findings, &range, out) {
            self.waiting = Some((findings, range));
            return false;
        }
        engine.skip_to(self.done);
        true
    }

    /// Up to where the text has been released.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many things were found and masked.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Whether sensitive authentication data was among them.
    pub fn sad(&self) -> bool {
        self.sad
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        self.done = self.done.saturating_sub(bytes);
        self.masked_to = self.masked_to.and_then(|at| at.checked_sub(bytes));
        self.last = self.last.and_then(|(at, alone)| Some((at.checked_sub(bytes)?, alone)));
        if let Some((findings, range)) = &mut self.waiting {
            findings.iter_mut().for_each(|finding| finding.forget(bytes));
            *range = range.start.saturating_sub(bytes)..range.end.saturating_sub(bytes);
        }
    }

    /// Releases what was found clean up to `to`, but for what close behind a mask reads otherwise now. Whether
    /// all of it could be judged.
    fn pass(&mut self, engine: &mut Engine, text: &Text<'_>, to: usize, out: &mut Vec<u8>) -> bool {
        if self.masked_to.is_some() && self.last.is_some_and(|(at, alone)| alone && is_parted(text, at)) {
            self.masked_to = None;
        }
        while let Some(close) =
            self.masked_to.map(|at| (at + BEHIND).min(to)).filter(|close| *close > self.done)
        {
            let (revealed, settled) = self.revealed(text, close);
            let Some(finding) = revealed else {
                self.release(text.known(self.done..settled), out);
                self.done = settled;
                if settled < close {
                    return false;
                }
                break;
            };
            self.release(text.known(self.done..finding.range.start), out);
            self.done = self.done.max(finding.range.start);
            let range = finding.range.clone();
            if !self.mask(text, &[finding], &range, out) {
                return false;
            }
            engine.skip_to(self.done);
        }
        self.release(text.known(self.done..to), out);
        self.done = self.done.max(to);
        true
    }

    /// The first thing that starts before `close` when what stands before is seen as it was released; and up to
    /// where there is none.
    fn revealed(&self, text: &Text<'_>, close: usize) -> (Option<Finding>, usize) {
        let place = |at: usize| at - self.tail.len() + self.done;
        let mut reach = NUMBER_REACH;
        loop {
            let end = close + reach;
            let again = [self.tail.as_slice(), text.known(self.done..end)].concat();
            work::done(again.len());
            let more = end < text.len();
            let near = again.get(self.tail.len().saturating_sub(AROUND)..).unwrap_or_default();
            if (text.ended() || more) && !self.may_hold(near) {
                return (None, close);
            }
            let again = Text::new(&again, text.ended() && !more).about_cards(text.is_about_cards());
            let from = self.tail.len();
            let mut engine = self.masker.engine(self.views, from).over_little(from);
            match engine.step(&again) {
                Step::Region(findings, found) if place(found.start) < close => {
                    let found = place(found.start)..place(found.end);
                    let first = findings.into_iter().next();
                    return (first.map(|first| Finding { range: found.clone(), ..first }), found.start);
                }
                Step::Clean(at) if !again.ended() && place(at) < close => {
                    if !more {
                        return (None, self.run_start(text, place(at)));
                    }
                }
                Step::Region(..) | Step::Clean(_) => return (None, close),
            }
            // What is cut there may be anything.
            reach *= 2;
        }
    }

    /// Where what stands before `at` is judged from when it is read again: digits, also as escapes, are judged from the
    /// first of their run on.
    fn run_start(&self, text: &Text<'_>, at: usize) -> usize {
        let before = text.known(self.done..at);
        let of_run = |byte: &&u8| byte.is_ascii_alphanumeric() || b"%\\&#;=".contains(byte);
        let run = before.iter().rev().take_while(of_run).count();
        let ends = match before.last() {
            // Of a reference, else a sign like others.
            Some(b';') => before.iter().rev().take(run).any(|byte| *byte == b'&'),
            last => last.is_some_and(u8::is_ascii_digit),
        };
        if ends { at - run } else { at }
    }

    /// Releases `range` masked. Whether enough is known for it.
    fn mask(
        &mut self,
        text: &Text<'_>,
        findings: &[Finding],
        range: &Range<usize>,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(piece) = self.masked(text, findings, range) else { return false };
        let new = piece.get(self.done.saturating_sub(range.start)..).unwrap_or_default();
        self.release(new, out);
        self.done = self.done.max(range.end);
        let alone = matches!(findings, [Finding { kind: FindingKind::Email, .. }])
            && self.last.is_none_or(|(before, _)| before + AROUND <= range.start)
            && self.masked_to.is_none_or(|before| before + BEHIND <= range.start);
        (self.masked_to, self.last) = (Some(range.end), Some((range.end, alone)));
        let mut end = 0;
        for finding in findings {
            // Overlapping readings of the same are one.
            self.found = self.found.saturating_add(u64::from(finding.range.start >= end));
            end = end.max(finding.range.end);
            self.sad |= finding.kind.is_sad();
        }
        true
    }

    /// `range` with what was found in it masked; `None` when more must be known.
    fn masked(&self, text: &Text<'_>, findings: &[Finding], range: &Range<usize>) -> Option<Vec<u8>> {
        let long = range.len() > REGION_BYTES_MAX;
        for bare in [long, true] {
            let mut piece = text.known(range.clone()).to_vec();
            work::done(piece.len());
            for finding in findings {
                let form = if bare { finding.form.bare() } else { finding.form };
                self.masker.hide(text, range.start, &mut piece, finding, form);
            }
            // Of what is nothing but stars, nothing can be taken that would make it cleaner.
            let stars = piece.iter().all(|byte| matches!(byte, b'*' | b'\n' | b'\r'));
            if long || stars || self.is_clean(text, range, &piece)? {
                return Some(piece);
            }
        }
        let star = |byte: &u8| if matches!(byte, b'\n' | b'\r') { *byte } else { b'*' };
        Some(text.known(range.clone()).iter().map(star).collect())
    }

    /// Whether nothing is found in `piece` where it stands. `None` when more must be known.
    fn is_clean(&self, text: &Text<'_>, range: &Range<usize>, piece: &[u8]) -> Option<bool> {
        let kept = range.start.saturating_sub(self.done).min(self.tail.len());
        let before = self.tail.get(kept..).unwrap_or_default();
        let part = before.len()..before.len() + piece.len();
        let from = before.len().saturating_sub(AROUND);
        let mut reach = NUMBER_REACH;
        loop {
            let end = range.end + reach;
            let again = [before, piece, text.known(range.end..end)].concat();
            work::done(again.len());
            let more = end < text.len();
            let near = again.get(from..).unwrap_or_default();
            if (text.ended() || more) && !self.may_hold(near) && !piece.iter().any(u8::is_ascii_alphabetic) {
                return Some(true);
            }
            let again = Text::new(&again, text.ended() && !more).about_cards(text.is_about_cards());
            let mut engine = self.masker.engine(self.views, from).over_little(from);
            loop {
                match engine.step(&again) {
                    Step::Region(_, found) if found.start >= part.end => return Some(true),
                    Step::Region(_, found) if found.end > part.start => return Some(false),
                    Step::Region(..) => {}
                    Step::Clean(at) if at >= part.end || again.ended() => return Some(true),
                    Step::Clean(_) if more => break,
                    Step::Clean(_) => return None,
                }
            }
            // What is cut there may be anything.
            reach *= 2;
        }
    }

    /// Whether something may be found in `text` at all, which is all that is looked at.
    fn may_hold(&self, text: &[u8]) -> bool {
        if self.masker.classes() != Classes::default() {
            return true;
        }
        let glance = Glance::of(text);
        glance.may_hold_card(text)
            || (glance.may_hold_code() && code::may_hold_among(text))
            || (glance.may_hold_packed() && packed::may_hold_among(text))
    }

    fn release(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(BEHIND)..).unwrap_or_default());
        let over = self.tail.len().saturating_sub(BEHIND);
        self.tail.drain(..over);
    }
}

/// Whether what stands at `at`, behind an e-mail address, parts what follows from it, so that nothing that follows reads
/// otherwise when the address is stars: what was found clean is clean.
///
/// No number, no token and no name goes on over such a sign, in hex or base64 neither; a field of packed decimal may,
/// behind a control character. What else is looked at before a place are words, of which stars have none, and card
/// numbers, which end with a digit when they are masked and no further than here.
fn is_parted(text: &Text<'_>, at: usize) -> bool {
    let near = text.known(at..at + PACKED_REACH);
    near.len() == PACKED_REACH
        && matches!(near.first(), Some(b'"' | b',' | b';' | b'<' | b'>' | b'|'))
        && !near.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

/// Bytes of the head of a message that packed decimal may stand behind, and its length.
const PACKED_REACH: usize = 24;
/// What stands around a mask, as far as it is read again.
const AROUND: usize = 96;
/// How far a number may reach that is looked at behind a mask, at first: what is cut there is looked at further.
const NUMBER_REACH: usize = 128;
