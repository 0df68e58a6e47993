//! A body whose kind its first bytes tell.

use super::charset::{Charset, Recoded, Told};
use super::coding::{Broken, Coding, Redo, Undo};
use super::form::Form;
use super::kind::{FIRST_BYTES_MAX, Kind, Said};
use super::markup::Markup;
use super::multipart::{Message, Multipart};
use super::table::Table;
use super::text::{Net, Plain};
use super::{Care, Opaque, Rewrite, Withheld, json};

/// One body, or a part of one, that is looked at and then masked by its kind.
pub(super) struct Look {
    care: Care,
    said: Said,
    /// How many codings, parts and character sets may still lie within.
    depth: u8,
    held: Vec<u8>,
    /// How much of that did not tell what it is.
    looked: usize,
    inner: Option<Inner>,
}

enum Inner {
    /// As it is, unlooked at.
    Passes,
    Masked(Box<dyn Rewrite>),
    Layers(Box<Layers>),
}

impl Look {
    pub fn new(care: &Care, said: Said, depth: u8) -> Self {
        Self { care: care.clone(), said, depth, held: Vec::new(), looked: 0, inner: None }
    }

    /// Whether it is known what it is, and if so, whether it passes as it is.
    pub fn passes(&self) -> Option<bool> {
        match self.inner.as_ref()? {
            Inner::Passes => Some(true),
            Inner::Masked(_) => Some(false),
            Inner::Layers(layers) => layers.passes(),
        }
    }

    /// Decides what it is, if the bytes that are held tell. Each byte more is asked for, so that a cut changes nothing.
    fn decide(&mut self, ended: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        while self.inner.is_none() && (self.looked < self.held.len() || ended) {
            self.looked = (self.looked + 1).min(self.held.len());
            let last = ended && self.looked == self.held.len();
            let first = self.held.get(..self.looked).unwrap_or_default();
            self.inner = match decision(&self.said, first, last, self.care.strict) {
                None => None,
                Some(Decision { mark, charset, kind }) => {
                    out.extend(self.held.drain(..mark));
                    Some(self.open(charset, kind)?)
                }
            };
        }
        Ok(())
    }

    fn open(&mut self, charset: Option<Charset>, kind: Kind) -> Result<Inner, Withheld> {
        let care = &self.care;
        let Some(depth) = self.depth.checked_sub(1) else { return opaque(care, TOO_DEEP) };
        if let Some(charset) = charset {
            let look = Self::new(care, self.said.decoded(), depth);
            return Ok(masked(Recoded::new(charset, look)));
        }
        let boundary = || self.said.boundary.clone().or_else(|| Multipart::boundary_of(&self.held));
        Ok(match kind {
            Kind::Json => Inner::Masked(json::open(care)),
            Kind::Lines => Inner::Masked(json::lines(care)),
            Kind::Events => Inner::Masked(crate::sse::open(care)),
            Kind::Form => masked(Form::new(care)),
            Kind::Table(parting) => masked(Table::new(care, parting)),
            Kind::Markup => masked(Markup::new(care)),
            Kind::Message => masked(Message::new(care, depth)),
            Kind::Text => masked(Plain::new(care)),
            Kind::Multipart => match boundary() {
                Some(boundary) => masked(Multipart::new(care, &boundary, depth)?),
                None => return opaque(care, MADE_OF_PARTS),
            },
            Kind::Compressed(coding) => {
                Inner::Layers(Box::new(Layers::new(care, &[coding], self.said.clone(), depth)?))
            }
            // What its sender calls text is read as text by some readers, whatever it starts with.
            Kind::Opaque(_) if care.opaque == Opaque::Pass && self.said.is_textual() => {
                masked(Plain::new(care))
            }
            Kind::Opaque(what) => return opaque(care, what),
        })
    }

    fn forward(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        match &mut self.inner {
            None => Ok(()),
            Some(Inner::Passes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Some(Inner::Masked(inner)) => inner.push(bytes, out),
            Some(Inner::Layers(inner)) => inner.push(bytes, out),
        }
    }
}

impl Rewrite for Look {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.inner.is_some() {
            return self.forward(bytes, out);
        }
        self.held.extend_from_slice(bytes);
        self.decide(false, out)?;
        if self.inner.is_none() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        self.forward(&held, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.inner.is_none() {
            self.decide(true, out)?;
            let held = std::mem::take(&mut self.held);
            self.forward(&held, out)?;
        }
        match &mut self.inner {
            None | Some(Inner::Passes) => Ok(()),
            Some(Inner::Masked(inner)) => inner.finish(out),
            Some(Inner::Layers(inner)) => inner.finish(out),
        }
    }

    fn found(&self) -> u64 {
        match &self.inner {
            None | Some(Inner::Passes) => 0,
            Some(Inner::Masked(inner)) => inner.found(),
            Some(Inner::Layers(inner)) => inner.found(),
        }
    }
}

struct Decision {
    /// How long the byte order mark is that stands before the text.
    mark: usize,
    charset: Option<Charset>,
    kind: Kind,
}

/// What a body is that starts with `first`; `None` while more must be known.
fn decision(said: &Said, first: &[u8], ended: bool, strict: bool) -> Option<Decision> {
    let plain = |mark, kind| Some(Decision { mark, charset: None, kind });
    let coded = |mark, charset| Some(Decision { mark, charset: Some(charset), kind: Kind::Text });
    match Charset::of_mark(first, ended)? {
        Some((mark, Some(charset))) => return coded(mark, charset),
        Some((mark, None)) => {
            let kind = said.kind(first.get(mark..)?, ended, strict)?;
            return plain(mark, kind);
        }
        None => {}
    }
    if let Some(charset) = Charset::of_zeros(first, ended)? {
        return coded(0, charset);
    }
    let kind = said.kind(first, ended, strict)?;
    if matches!(kind, Kind::Compressed(_) | Kind::Multipart | Kind::Message) {
        return plain(0, kind);
    }
    let told = match (said.charset.as_str(), kind) {
        ("", Kind::Markup) => {
            let Some(declared) = declared(first, ended) else {
                return (ended || first.len() >= FIRST_BYTES_MAX).then_some(Decision {
                    mark: 0,
                    charset: None,
                    kind,
                });
            };
            Told::of(&declared)
        }
        (charset, _) => Told::of(charset),
    };
    let ascii = first.is_ascii();
    let known = ended || first.len() >= ASCII_BYTES_TELL;
    match told {
        Told::Plain => plain(0, kind),
        Told::Strange => plain(0, Kind::Opaque("text in a character set that is not known")),
        Told::Charset(charset @ Charset::Legacy(_)) => match kind {
            Kind::Opaque(_) => plain(0, kind),
            _ => coded(0, charset),
        },
        // What starts as ASCII does is none of these, and no character set that nobody knows.
        _ if ascii && !known => None,
        _ if ascii => plain(0, kind),
        Told::Charset(charset) => coded(0, charset),
        Told::Unknown => plain(0, Kind::Opaque("text in a character set that is not known")),
    }
}

/// The character set that a document declares of itself, in its XML declaration or a `meta` element: empty if it
/// declares none; `None` while more must be known.
fn declared(first: &[u8], ended: bool) -> Option<String> {
    let value = |name: &[u8]| {
        let at = memchr::memmem::find(first, name)? + name.len();
        let rest = first.get(at..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
        let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_:.".contains(byte)))?;
        String::from_utf8(rest.get(..end)?.to_vec()).ok()
    };
    if first.starts_with(b"<?xml") {
        return match memchr::memchr(b'>', first) {
            Some(_) => Some(value(b"encoding").unwrap_or_default()),
            None => ended.then(String::new),
        };
    }
    // A browser looks for it in the first KiB; where there is a head, it ends that.
    let lower = first.to_ascii_lowercase();
    let is_html = memchr::memmem::find(&lower, b"<head").is_some() || lower.starts_with(b"<!doctype html");
    if let Some(charset) = value(b"charset").or_else(|| value(b"CHARSET")) {
        return Some(charset);
    }
    let ends = [&b"</head"[..], b"<body"].iter().any(|end| memchr::memmem::find(&lower, end).is_some());
    match is_html && !ends {
        true => ended.then(String::new),
        false => Some(String::new()),
    }
}

fn masked(rewrite: impl Rewrite + 'static) -> Inner {
    Inner::Masked(Box::new(rewrite))
}

/// What becomes of a body that is not understood.
fn opaque(care: &Care, what: &'static str) -> Result<Inner, Withheld> {
    match care.opaque {
        Opaque::Pass => Ok(Inner::Passes),
        Opaque::Scan => Ok(masked(Net::new(care.masker))),
        Opaque::Refuse => Err(Withheld::NotUnderstood(what)),
    }
}

/// A body under codings, which are undone for what looks at it, and done again.
pub(super) struct Layers {
    care: Care,
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
            undos,
            look: Look::new(care, said, depth),
            state: State::Looking(Vec::new()),
            meter: Meter::default(),
            plain: Vec::new(),
            is_fresh: false,
        })
    }

    fn passes(&self) -> Option<bool> {
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

    /// Takes it as it came for what is not understood, if nothing has been released.
    fn give_up(&mut self, why: Failed, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let what = match why {
            Failed::Withheld(withheld) => return Err(withheld),
            Failed::Broken => "a coding that does not decode",
        };
        let State::Looking(raw) = &mut self.state else { return Err(Withheld::NotUnderstood(what)) };
        let raw = std::mem::take(raw);
        let inner = opaque(&self.care, what)?;
        self.state = State::Raw(inner);
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
/// What is said of a body of several parts that cannot be told apart.
pub(super) const MADE_OF_PARTS: &str = "a multipart body without a boundary";
const TOO_DEEP: &str = "codings and parts within one another";
/// So many first bytes in ASCII tell that a text is in no other character set.
const ASCII_BYTES_TELL: usize = 16;
/// A body that says nothing of itself in so many bytes says nothing.
const RAW_BYTES_MAX: usize = 64 << 10;
const LOOKING_BYTES: usize = 1024;
/// How often more a body may be than what came of it. Text packs to a tenth, that of machines to a hundredth; deflate
/// can do no better than a thousandth.
const UNPACKED_RATIO_MAX: u64 = 200;
/// So much it may be in any case.
const UNPACKED_BYTES_FREE: u64 = 64 << 20;
/// More it may not be: longer than any client waits.
const UNPACKED_BYTES_MAX: u64 = 64 << 30;
