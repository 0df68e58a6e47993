//! One text of a stream, which comes in pieces.

use mask::{JsonStream, Masker};

use super::doc::{self, characters, escape};
use super::piece::Slot;
use super::quoter::Quoter;
use super::spelt::Spelt;
use crate::body::Withheld;

/// One text, and what is needed to send what of it is held back.
pub(super) struct Channel {
    pub slot: Slot,
    masker: Masker,
    text: JsonStream,
    /// What else looks at the text where card data is expected.
    spelt: Option<Spelt>,
    /// What keeps the arguments of a tool JSON.
    quoter: Option<Quoter>,
    /// The first half of a surrogate pair that was cut, kept for `spelt`.
    half: Vec<u8>,
    /// Bytes of the text that are held back here, and were sent as they came when it was not known yet that this
    /// is a text in pieces.
    sent: usize,
    /// Whether they were sent since the text had been ended before.
    resumed: bool,
    /// What was sent when the text was ended.
    rest: String,
    /// Found before the text was ended.
    found_before: u64,
    /// Whether each piece repeats all that came before; then each is a text by itself, and the next one takes its
    /// place.
    repeats: Option<Repeats>,
    /// How an event with the rest of it is written.
    pub template: Template,
    /// In which event it was last heard of.
    pub last: u64,
    pub state: State,
}

/// What is known of a text that may be told anew each time.
#[derive(Default)]
struct Repeats {
    /// The last piece, or the beginning of it.
    last: String,
    /// How often in a row a piece was the one before, and more.
    times: u8,
    /// What was sent of the last piece.
    told: Vec<u8>,
    /// Found in pieces before the last.
    found: u64,
}

impl Repeats {
    /// Whether that is no chance.
    fn certain(&self) -> bool {
        self.times >= 2
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// One string came that may be its first piece.
    Doubtful,
    Open,
    /// It was ended with something held back, which was released.
    Ended,
}

/// An event like the last one of a text, around what it says.
#[derive(Default, Clone)]
pub(crate) struct Template {
    /// The event's other lines.
    pub head: Vec<u8>,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
    /// Whether what stands between is text, not a JSON string.
    pub plain: bool,
}

/// An event of panguard's own, with what was held back.
pub(crate) struct Flush {
    pub head: Vec<u8>,
    pub data: Vec<u8>,
}

impl Channel {
    /// Nobody `knows` of a text of an unknown dialect whether it is told anew each time.
    pub fn new(masker: Masker, strict: bool, slot: Slot, state: State, known: bool) -> Self {
        Self {
            quoter: slot.is_arguments().then(Quoter::default),
            slot,
            masker,
            repeats: (!known).then(Repeats::default),
            text: JsonStream::new(masker),
            spelt: strict.then(|| Spelt::new(masker)),
            half: Vec::new(),
            sent: 0,
            resumed: false,
            rest: String::new(),
            found_before: 0,
            template: Template::default(),
            last: 0,
            state,
        }
    }

    /// Goes on with what stands between the quotes of a string, and gives what is to stand there.
    pub fn push(&mut self, written: &[u8]) -> Result<Vec<u8>, Withheld> {
        if self.state == State::Ended {
            if written.is_empty() {
                return Ok(Vec::new());
            }
            self.resume()?;
        }
        self.begin_anew(written);
        let (sent, found) = (self.sent > 0 && self.resumed, self.found());
        let written = match &mut self.spelt {
            None => written.to_vec(),
            Some(spelt) => {
                let mut written = [std::mem::take(&mut self.half).as_slice(), written].concat();
                self.half = written.split_off(written.len() - doc::half_pair(&written));
                spelt.push(&written)
            }
        };
        let told = self.told(&written)?;
        if sent && self.found() > found {
            return Err(Withheld::NotUnderstood("a number that goes on after the end of its text"));
        }
        let told = self.unsent(told);
        let told = self.quoted(told);
        if let Some(repeats) = self.repeats.as_mut().filter(|repeats| repeats.certain()) {
            repeats.told.clone_from(&told);
        }
        Ok(told)
    }

    /// Forgets the text when a piece of it repeats all of it.
    fn begin_anew(&mut self, written: &[u8]) {
        let found = self.found();
        let Some(repeats) = &mut self.repeats else { return };
        let text = doc::read(written);
        let again = !repeats.last.is_empty() && text.starts_with(&repeats.last);
        let words = repeats.last.len() >= REPEATED_BYTES_MIN && repeats.last.contains(char::is_alphabetic);
        repeats.times = match again {
            true if words && text.len() > repeats.last.len() => repeats.times.saturating_add(1),
            true if repeats.certain() => repeats.times,
            _ => 0,
        };
        let end = text.floor_char_boundary(REPEATED_BYTES_MAX);
        repeats.last = text.get(..end).unwrap_or_default().to_owned();
        if repeats.certain() {
            repeats.found = found;
            self.text = JsonStream::new(self.masker);
            self.spelt = self.spelt.is_some().then(|| Spelt::new(self.masker));
            self.half.clear();
            self.sent = 0;
        } else {
            repeats.told.clear();
        }
    }

    /// Goes on with a string that is sent as it is, since it is not known yet that it is a piece.
    pub fn overhear(&mut self, written: &[u8]) -> Result<(), Withheld> {
        let _told = self.push(written)?;
        self.sent = self.held();
        Ok(())
    }

    /// Ends the text: what was held back, as it stands between the quotes of a string.
    pub fn finish(&mut self) -> Result<Vec<u8>, Withheld> {
        if self.held() == 0 {
            return Ok(Vec::new());
        }
        let found = self.found();
        let mut told = Vec::new();
        if let Some(spelt) = &mut self.spelt {
            let mut rest = spelt.finish();
            rest.append(&mut self.half);
            told = self.told(&rest)?;
        }
        told.extend(self.text.finish());
        if self.sent > 0 && self.resumed && self.found() > found {
            return Err(Withheld::NotUnderstood("a number that goes on after the end of its text"));
        }
        self.rest = doc::read(&told).into_owned();
        let told = self.unsent(told);
        let mut told = self.quoted(told);
        // What is told anew takes the place of what was sent.
        if let Some(repeats) = self.repeats.as_mut().filter(|repeats| repeats.certain()) {
            told.splice(..0, repeats.told.iter().copied());
        }
        self.state = State::Ended;
        Ok(told)
    }

    /// Goes on with a text that was ended with something held back, which has been sent: so it is looked at once more,
    /// and nothing may be found in it now.
    fn resume(&mut self) -> Result<(), Withheld> {
        self.found_before = self.found();
        self.text = JsonStream::new(self.masker);
        self.spelt = self.spelt.is_some().then(|| Spelt::new(self.masker));
        if let Some(repeats) = &mut self.repeats {
            *repeats = Repeats::default();
        }
        let rest = escape(self.rest.as_bytes());
        let looked_at = match &mut self.spelt {
            None => rest,
            Some(spelt) => spelt.push(&rest),
        };
        let _sent = self.told(&looked_at)?;
        let again = self.text.found() + self.spelt.as_ref().map_or(0, Spelt::found);
        self.found_before = self.found_before.saturating_sub(again);
        self.sent = self.held();
        self.resumed = true;
        self.state = State::Open;
        Ok(())
    }

    /// Bytes that are held back, and a little more where some are twice.
    pub fn held(&self) -> usize {
        self.text.held() + self.half.len() + self.spelt.as_ref().map_or(0, Spelt::held)
    }

    pub fn found(&self) -> u64 {
        let before = self.repeats.as_ref().map_or(0, |repeats| repeats.found);
        self.found_before + before + self.text.found() + self.spelt.as_ref().map_or(0, Spelt::found)
    }

    pub fn sad(&self) -> bool {
        self.text.sad()
    }

    /// Drops from `told` what was sent before.
    fn unsent(&mut self, told: Vec<u8>) -> Vec<u8> {
        if self.sent == 0 {
            return told;
        }
        let text: Vec<u8> = characters(&told).flat_map(|(c, _)| c.to_string().into_bytes()).collect();
        let sent = self.sent.min(text.len());
        self.sent -= sent;
        escape(text.get(sent..).unwrap_or_default())
    }

    fn quoted(&mut self, told: Vec<u8>) -> Vec<u8> {
        match &mut self.quoter {
            Some(quoter) => quoter.push(&told),
            None => told,
        }
    }

    fn told(&mut self, written: &[u8]) -> Result<Vec<u8>, Withheld> {
        let frame = [b"\"", written, b"\""].concat();
        let frame = self.text.push(&frame, 1..written.len() + 1);
        let frame = frame.map_err(|_| Withheld::NotUnderstood("a string in an event"))?;
        Ok(frame.get(1..frame.len().saturating_sub(1)).unwrap_or_default().to_vec())
    }
}

impl Template {
    pub fn len(&self) -> usize {
        self.head.len() + self.before.len() + self.after.len()
    }

    /// An event that says `written`, which stands between the quotes of a string.
    pub fn fill(&self, written: &[u8]) -> Flush {
        let data = if self.plain {
            doc::read(written).into_owned().into_bytes()
        } else {
            [self.before.as_slice(), written, &self.after].concat()
        };
        Flush { head: self.head.clone(), data }
    }
}

/// Shortest piece that is no chance to begin the next one, and the most that is compared.
const REPEATED_BYTES_MIN: usize = 8;
const REPEATED_BYTES_MAX: usize = 16 << 10;
