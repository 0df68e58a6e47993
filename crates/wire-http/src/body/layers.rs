//! A body under codings.

use super::coding::{Broken, Coding, Redo, Undo};
use super::kind::Said;
use super::look::{Inner, Look};
use super::{Care, Opaque, Rewrite, Withheld};

/// A body under codings, which are undone for what looks at it, and done again.
pub(super) struct Layers {
    care: Care,
    said: Said,
    depth: u8,
    /// The last that was applied first.
    undos: Vec<Undo>,
    look: Look,
    state: State,
    meter: Meter,
    /// What is decoded and masked, and not encoded again yet.
    plain: Vec<u8>,
    /// Whether anything was encoded that has not been flushed.
    is_fresh: bool,
}

enum State {
    /// It is not known what it is. All that came, as it came.
    Looking(Vec<u8>),
    /// In the order in which they were applied.
    Going(Vec<Redo>),
    /// It is not understood, or needs no look: as it came.
    Raw(Inner),
}

impl Layers {
    /// `codings` are in the order in which they were applied.
    pub fn new(care: &Care, codings: &[Coding], said: Said, depth: u8) -> Result<Self, Withheld> {
        let undos = codings.iter().rev().map(|coding| Undo::new(*coding)).collect::<Result<Vec<_>, _>>();
        let undos = undos.map_err(|Broken| BROKEN)?;
        Ok(Self {
            care: care.clone(),
            said: said.clone(),
            depth,
            undos,
            look: Look::new(care, said, depth),
            state: State::Looking(Vec::new()),
            meter: Meter::default(),
            plain: Vec::new(),
            is_fresh: false,
        })
    }

    /// Whether it is known what it is, and if so, whether it passes as it is.
    pub fn passes(&self) -> Option<bool> {
        match &self.state {
            State::Looking(_) => None,
            State::Going(_) | State::Raw(Inner::Masked(_) | Inner::Layers(_)) => Some(false),
            State::Raw(Inner::Passes) => Some(true),
        }
    }

    /// Undoes the codings of a piece, or of the end, for the look.
    fn undo(&mut self, bytes: Option<&[u8]>) -> Result<(), Failed> {
        let (look, plain, state) = (&mut self.look, &mut self.plain, &mut self.state);
        let fresh = &mut self.is_fresh;
        let mut to = |bytes: &[u8]| {
            look.push(bytes, plain)?;
            *fresh |= !plain.is_empty();
            match state {
                State::Going(redos) => encode(redos, plain),
                State::Looking(_) | State::Raw(_) => Ok(()),
            }
        };
        match bytes {
            Some(bytes) => {
                self.meter.taken += bytes.len() as u64;
                undo(&mut self.undos, bytes, &mut self.meter, &mut to)
            }
            None => finish(&mut self.undos, &mut self.meter, &mut to),
        }
    }

    /// Goes on as soon as it is known what it is.
    fn settle(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let State::Looking(raw) = &mut self.state else { return Ok(()) };
        match self.look.passes() {
            None if raw.len() > RAW_BYTES_MAX => {
                Err(Withheld::NotUnderstood("a coding that holds next to nothing"))
            }
            None => Ok(()),
            Some(true) => {
                out.append(raw);
                self.state = State::Raw(Inner::Passes);
                Ok(())
            }
            Some(false) => {
                let redos = self.undos.iter().rev().map(Undo::redo).collect::<Result<Vec<_>, _>>();
                let mut redos = redos.map_err(|Broken| BROKEN)?;
                encode(&mut redos, &mut self.plain)?;
                self.state = State::Going(redos);
                Ok(())
            }
        }
    }

    /// Looks at it as it came, if nothing has been released and it need not be refused: a client that does not undo
    /// codings reads it so, and what is no gzip may be plain text.
    fn give_up(&mut self, why: Failed, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let what = match why {
            Failed::Withheld(withheld) => return Err(withheld),
            Failed::Broken => "a coding that does not decode",
        };
        let State::Looking(raw) = &mut self.state else { return Err(Withheld::NotUnderstood(what)) };
        if self.care.opaque == Opaque::Refuse {
            return Err(Withheld::NotUnderstood(what));
        }
        let raw = std::mem::take(raw);
        let look = Look::new(&self.care, self.said.clone(), self.depth.saturating_sub(1));
        self.state = State::Raw(Inner::Masked(Box::new(look)));
        self.raw(&raw, out)
    }

    fn raw(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        match &mut self.state {
            State::Raw(Inner::Masked(inner)) => inner.push(bytes, out),
            State::Raw(Inner::Passes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            State::Raw(Inner::Layers(_)) | State::Looking(_) | State::Going(_) => Ok(()),
        }
    }
}

impl Rewrite for Layers {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = match &mut self.state {
                State::Raw(_) => return self.raw(rest, out),
                State::Going(_) => (rest, &[][..]),
                // In short pieces, so that little is kept as it came.
                State::Looking(raw) => {
                    let (now, later) = rest.split_at_checked(LOOKING_BYTES).unwrap_or((rest, &[]));
                    raw.extend_from_slice(now);
                    (now, later)
                }
            };
            rest = later;
            match self.undo(Some(now)) {
                Ok(()) => self.settle(out)?,
                Err(why) => self.give_up(why, out)?,
            }
        }
        match &mut self.state {
            State::Going(redos) if self.is_fresh => {
                self.is_fresh = false;
                flush(redos, out)
            }
            State::Going(_) | State::Looking(_) | State::Raw(_) => Ok(()),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        // Where there is nothing, nothing is coded: the answer to HEAD, or 304.
        if matches!(&self.state, State::Looking(_)) && self.meter.taken == 0 {
            return Ok(());
        }
        if !matches!(&self.state, State::Raw(_)) {
            let ended =
                self.undo(None).and_then(|()| self.look.finish(&mut self.plain).map_err(Failed::Withheld));
            match ended {
                Ok(()) => self.settle(out)?,
                Err(why) => self.give_up(why, out)?,
            }
        }
        match &mut self.state {
            State::Raw(Inner::Masked(inner)) => inner.finish(out),
            State::Raw(_) | State::Looking(_) => Ok(()),
            State::Going(redos) => {
                encode(redos, &mut self.plain)?;
                close(std::mem::take(redos), out)
            }
        }
    }

    fn found(&self) -> u64 {
        match &self.state {
            State::Raw(Inner::Masked(inner)) => inner.found(),
            State::Raw(_) | State::Looking(_) | State::Going(_) => self.look.found(),
        }
    }
}

/// Why a piece could not be undone.
enum Failed {
    Broken,
    Withheld(Withheld),
}

impl From<Withheld> for Failed {
    fn from(withheld: Withheld) -> Self {
        Self::Withheld(withheld)
    }
}

/// Measures what a body unpacks to.
#[derive(Default)]
struct Meter {
    taken: u64,
    given: u64,
}

impl Meter {
    fn give(&mut self, bytes: usize) -> Result<(), Withheld> {
        self.given += bytes as u64;
        let room = UNPACKED_BYTES_FREE.saturating_add(self.taken.saturating_mul(UNPACKED_RATIO_MAX));
        match self.given > room.min(UNPACKED_BYTES_MAX) {
            true => Err(Withheld::TooLarge("what it unpacks to")),
            false => Ok(()),
        }
    }
}

type To<'a> = dyn FnMut(&[u8]) -> Result<(), Withheld> + 'a;

/// Sends `bytes` through `undos`, one after the other and piece by piece.
fn undo(undos: &mut [Undo], bytes: &[u8], meter: &mut Meter, to: &mut To<'_>) -> Result<(), Failed> {
    let Some((first, rest)) = undos.split_first_mut() else { return Ok(to(bytes)?) };
    let mut input = bytes;
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let more = first.step(&mut input, &mut piece);
        if !piece.is_empty() {
            meter.give(piece.len())?;
            undo(rest, &piece, meter, to)?;
        }
        if !more.map_err(|Broken| Failed::Broken)? {
            return Ok(());
        }
    }
}

fn finish(undos: &mut [Undo], meter: &mut Meter, to: &mut To<'_>) -> Result<(), Failed> {
    let Some((first, rest)) = undos.split_first_mut() else { return Ok(()) };
    let mut piece = Vec::new();
    first.finish(&mut piece).map_err(|Broken| Failed::Broken)?;
    if !piece.is_empty() {
        undo(rest, &piece, meter, to)?;
    }
    finish(rest, meter, to)
}

fn encode(redos: &mut [Redo], plain: &mut Vec<u8>) -> Result<(), Withheld> {
    if let Some(first) = redos.first_mut().filter(|_| !plain.is_empty()) {
        first.push(plain).map_err(|Broken| BROKEN)?;
    }
    plain.clear();
    Ok(())
}

fn flush(redos: &mut [Redo], out: &mut Vec<u8>) -> Result<(), Withheld> {
    let mut flushed: Option<Vec<u8>> = None;
    for redo in redos {
        if let Some(bytes) = &flushed {
            redo.push(bytes).map_err(|Broken| BROKEN)?;
        }
        flushed = Some(redo.flush().map_err(|Broken| BROKEN)?);
    }
    out.append(&mut flushed.unwrap_or_default());
    Ok(())
}

fn close(redos: Vec<Redo>, out: &mut Vec<u8>) -> Result<(), Withheld> {
    let mut last: Vec<u8> = Vec::new();
    for mut redo in redos {
        redo.push(&last).map_err(|Broken| BROKEN)?;
        last = redo.finish().map_err(|Broken| BROKEN)?;
    }
    out.append(&mut last);
    Ok(())
}

const BROKEN: Withheld = Withheld::NotUnderstood("a coding that cannot be done again");
/// A body that says nothing of itself in so many bytes says nothing.
const RAW_BYTES_MAX: usize = 64 << 10;
const LOOKING_BYTES: usize = 1024;
/// How often more a body may be than what came of it. Text packs to a tenth, that of machines to a hundredth; deflate
/// can do no better than a thousandth.
const UNPACKED_RATIO_MAX: u64 = 200;
/// So much it may be in any case.
const UNPACKED_BYTES_FREE: u64 = 32 << 20;
/// More it may not be: longer than any client waits.
const UNPACKED_BYTES_MAX: u64 = 64 << 30;
