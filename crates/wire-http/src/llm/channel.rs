//! One text of a stream, which comes in pieces.

use mask::{JsonStream, Masker};

use super::doc::{self, characters, escape};
use super::piece::Slot;
use super::spelt::Spelt;
use crate::body::Withheld;

/// One text, and what is needed to send what of it is held back.
pub(super) struct Channel {
    pub slot: Slot,
    text: JsonStream,
    /// What else looks at the text where card data is expected.
    spelt: Option<Spelt>,
    /// The first half of a surrogate pair that was cut, kept for `spelt`.
    half: Vec<u8>,
    /// Bytes of the text that are held back here, and were sent as they came when it was not known yet that this
    /// is a text in pieces.
    sent: usize,
    /// How an event with the rest of it is written.
    pub template: Template,
    /// In which event it was last heard of.
    pub last: u64,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// One string came that may be its first piece.
    Doubtful,
    Open,
    /// It was ended with something held back, which was released: were it to go on, a number could stand over both.
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
    pub fn new(masker: Masker, strict: bool, slot: Slot, state: State) -> Self {
        Self {
            slot,
            text: JsonStream::new(masker),
            spelt: strict.then(|| Spelt::new(masker)),
            half: Vec::new(),
            sent: 0,
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
            return Err(Withheld::NotUnderstood("a text that goes on after its end"));
        }
        let written = match &mut self.spelt {
            None => written.to_vec(),
            Some(spelt) => {
                let mut written = [std::mem::take(&mut self.half).as_slice(), written].concat();
                self.half = written.split_off(written.len() - doc::half_pair(&written));
                spelt.push(&written)
            }
        };
        let told = self.told(&written)?;
        Ok(self.unsent(told))
    }

    /// Goes on with a string that is sent as it is, since it is not known yet that it is a piece.
    pub fn overhear(&mut self, written: &[u8]) -> Result<(), Withheld> {
        let _told = self.push(written)?;
        self.sent = self.held();
        Ok(())
    }

    /// Ends the text: what was held back, as it stands between the quotes of a string.
    pub fn finish(&mut self) -> Result<Vec<u8>, Withheld> {
        let held = self.held() > 0;
        let mut told = Vec::new();
        if let Some(spelt) = &mut self.spelt {
            let mut rest = spelt.finish();
            rest.append(&mut self.half);
            told = self.told(&rest)?;
        }
        told.extend(self.text.finish());
        let told = self.unsent(told);
        self.state = if held { State::Ended } else { self.state };
        Ok(told)
    }

    /// Bytes that are held back, and a little more where some are twice.
    pub fn held(&self) -> usize {
        self.text.held() + self.half.len() + self.spelt.as_ref().map_or(0, Spelt::held)
    }

    pub fn found(&self) -> u64 {
        self.text.found() + self.spelt.as_ref().map_or(0, Spelt::found)
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
