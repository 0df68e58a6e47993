//! Text of any sort, and bytes that are none.

mod runs;

use mask::{Masker, Stream};

use super::{Care, Opaque, Rewrite, Withheld};
pub(super) use runs::Runs;

/// A text: yaml, a log, a script, or what else is left when its structure has been looked at.
pub(super) struct Plain {
    /// In strict mode, what base64 in it may hold.
    runs: Option<Runs>,
    net: Net,
    guard: Guard,
    unpacked: Vec<u8>,
}

impl Plain {
    pub fn new(care: &Care) -> Self {
        Self {
            runs: care.strict.then(Runs::default),
            net: Net::new(care.masker),
            guard: Guard { refuses: care.opaque == Opaque::Refuse, ..Guard::default() },
            unpacked: Vec::new(),
        }
    }

    fn run(&mut self, bytes: &[u8], ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.guard.see(bytes)?;
        let Some(runs) = &mut self.runs else { return self.net.run(bytes, ended, out) };
        self.unpacked.clear();
        runs.push(bytes, &mut self.unpacked);
        if ended {
            runs.finish(&mut self.unpacked);
        }
        self.net.run(&self.unpacked, ended, out)
    }
}

impl Rewrite for Plain {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.run(bytes, false, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.run(&[], true, out)
    }

    fn found(&self) -> u64 {
        self.net.found() + self.runs.as_ref().map_or(0, Runs::found)
    }
}

/// Bytes as they are, whatever they are: a scan.
pub(super) struct Net(Stream);

impl Net {
    pub fn new(masker: Masker) -> Self {
        Self(Stream::new(masker))
    }

    fn run(&mut self, bytes: &[u8], ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.0.push(bytes, out);
        if ended {
            self.0.finish(out);
        }
        if self.0.sad() { Err(Withheld::Sad) } else { Ok(()) }
    }
}

impl Rewrite for Net {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.run(bytes, false, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.run(&[], true, out)
    }

    fn found(&self) -> u64 {
        self.0.found()
    }
}

/// Watches that text goes on being text, where what is none is withheld.
#[derive(Default)]
struct Guard {
    refuses: bool,
    seen: u64,
    controls: u64,
}

impl Guard {
    fn see(&mut self, bytes: &[u8]) -> Result<(), Withheld> {
        if !self.refuses {
            return Ok(());
        }
        let controls = bytes.iter().enumerate().filter(|(_, byte)| is_control(**byte));
        for (at, byte) in controls {
            self.controls += 1;
            let seen = self.seen + at as u64;
            if *byte == 0 || (seen >= CONTROLS_FROM && self.controls * CONTROLS_SHARE > seen) {
                return Err(Withheld::NotUnderstood("text that holds something else"));
            }
        }
        self.seen += bytes.len() as u64;
        Ok(())
    }
}

/// Whether `byte` stands in no ordinary text: a control character that neither ends lines nor colours a terminal.
pub(super) fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=7 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1d | 0x1f | 0x7f)
}

/// A text has fewer control characters than one of so many.
const CONTROLS_SHARE: u64 = 10;
/// In fewer bytes a share says nothing.
const CONTROLS_FROM: u64 = 64;
