//! A body whose kind its first bytes tell.

use super::charset::{Charset, Recoded, Told};
use super::form::Form;
use super::kind::{FIRST_BYTES_MAX, Kind, Said};
use super::layers::Layers;
use super::markup::Markup;
use super::multipart::{Message, Multipart};
use super::table::Table;
use super::text::{Net, Plain};
use super::{Care, Opaque, Rewrite, Withheld, json};
use crate::echo::Echoes;
use crate::llm;

/// One body, or a part of one, that is looked at and then masked by its kind.
pub(super) struct Look {
    care: Care,
    said: Said,
    /// How many codings, parts and character sets may still lie within.
    depth: u8,
    held: Vec<u8>,
    /// How much of that did not tell what it is.
    looked: usize,
    echoes: Echoes,
    inner: Option<Inner>,
}

/// What is done with a body.
pub(super) enum Inner {
    /// As it is, unlooked at.
    Passes,
    Masked(Box<dyn Rewrite>),
    Layers(Box<Layers>),
}

impl Look {
    pub fn new(care: &Care, said: Said, depth: u8) -> Self {
        let echoes = Echoes::new(care.echo.clone());
        Self { care: care.clone(), said, depth, held: Vec::new(), looked: 0, echoes, inner: None }
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
        if care.is_json_alone && self.said.is_json() && kind.is_flat() && !self.held.trim_ascii().is_empty() {
            return Err(Withheld::NotUnderstood("what is said to be JSON, and is none"));
        }
        let boundary = || self.said.boundary.clone().or_else(|| Multipart::boundary_of(&self.held));
        Ok(match kind {
            Kind::Json => match &care.seen {
                Some(seen) => Inner::Masked(llm::whole(care, seen)),
                None => Inner::Masked(json::open(care)),
            },
            Kind::Lines => match &care.seen {
                Some(seen) => Inner::Masked(llm::lines(care, seen)),
                None => Inner::Masked(llm::known_lines(care, json::lines(care))),
            },
            Kind::Events => match &care.seen {
                Some(seen) => Inner::Masked(llm::events(care, seen)),
                None => Inner::Masked(crate::sse::open(care)),
            },
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

impl Look {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
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
}

impl Rewrite for Look {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        if self.echoes.is_idle() {
            return self.take(bytes, out);
        }
        let hushed = self.echoes.push(bytes);
        self.take(&hushed, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let hushed = self.echoes.finish();
        self.take(&hushed, out)?;
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
        let echoed = self.echoes.found();
        echoed
            + match &self.inner {
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
        ("", Kind::Markup) if !said.is_decoded => {
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
    let starts = [&b"<!doctype html"[..], b"<html", b"<head"];
    let is_html = starts.iter().any(|start| lower.starts_with(start) || start.starts_with(&lower));
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

/// What is said of a body of several parts that cannot be told apart.
pub(super) const MADE_OF_PARTS: &str = "a multipart body without a boundary";
const TOO_DEEP: &str = "codings and parts within one another";
/// So many first bytes in ASCII tell that a text is in no other character set.
const ASCII_BYTES_TELL: usize = 16;
