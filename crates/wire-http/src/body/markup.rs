//! XML and HTML: masked as the text that a reader sees, joined over comments and inline elements, with its entities
//! read; by the names of its elements; and as the bytes that it is, which takes in attributes, comments and scripts.

mod entity;
mod node;
mod tag;

use super::run::{PARTS_MAX, is_taken_apart};
use super::text::Plain;
use super::{Care, Opaque, Rewrite, Runs, Withheld, kind};
use entity::Entity;
use node::Nodes;
use tag::{Attribute, Tag};

/// A document, which need not be well-formed.
pub(super) struct Markup {
    nodes: Nodes,
    net: Plain,
    refuses: bool,
    state: State,
    /// A tag or an entity as far as it has come.
    token: Vec<u8>,
    /// The element whose text is no markup: `script` or `style`.
    verbatim: Option<&'static [u8]>,
    /// What goes to the net.
    written: Vec<u8>,
    /// What stood in attributes, where they are looked at together.
    runs: Option<Runs>,
    /// Attributes that were starred.
    starred: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Entity,
    /// Behind `<`, until it is known what that begins.
    Open,
    /// In a tag; in quotes of this sort.
    Tag(Option<u8>),
    /// The same of one too long to be held.
    LongTag(Option<u8>),
    /// In what ends so, of which so much has been seen.
    Aside(&'static [u8], usize),
    /// In character data that ends with `]]>`, of which so much has been seen.
    Data(usize),
    /// In a document type; within so many brackets.
    Doctype(usize),
}

impl Markup {
    pub fn new(care: &Care) -> Self {
        Self {
            nodes: Nodes::new(care),
            net: Plain::new(care),
            refuses: care.opaque == Opaque::Refuse,
            state: State::Text,
            token: Vec::new(),
            verbatim: None,
            written: Vec::new(),
            runs: (care.strict && !care.masker.spares_cards()).then(|| Runs::of_parts(HALF_DIGITS_MIN)),
            starred: 0,
        }
    }

    /// Takes what it can from the front of `bytes`, and says how much that was.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Withheld> {
        let Some(byte) = bytes.first().copied() else { return Ok(0) };
        match self.state {
            State::Text => {
                let special = match self.verbatim {
                    Some(_) => memchr::memchr(b'<', bytes),
                    None => memchr::memchr2(b'<', b'&', bytes),
                };
                let length = special.unwrap_or(bytes.len());
                if length > 0 {
                    self.nodes.same(bytes.get(..length).unwrap_or_default());
                    return Ok(length);
                }
                self.token.push(byte);
                self.state = if byte == b'<' { State::Open } else { State::Entity };
            }
            State::Entity => match Entity::goes_on(&self.token, byte) {
                true => {
                    self.token.push(byte);
                    if byte == b';' {
                        self.end_entity();
                    }
                }
                false => {
                    self.end_entity();
                    return Ok(0);
                }
            },
            State::Open => return Ok(self.open(byte)),
            State::Tag(quote) => {
                self.token.push(byte);
                match tag::ends(quote, byte, &self.token) {
                    tag::End::Ends => self.end_tag(true)?,
                    tag::End::In(quote) if self.token.len() >= TAG_BYTES_MAX => {
                        self.end_tag(false)?;
                        self.state = State::LongTag(quote);
                    }
                    tag::End::In(quote) => self.state = State::Tag(quote),
                }
            }
            State::LongTag(quote) => return Ok(self.long_tag(quote, bytes)),
            State::Aside(end, seen) => return Ok(self.go_aside(end, seen, bytes)),
            State::Data(seen) => return Ok(self.data(seen, byte, bytes)),
            State::Doctype(depth) => return self.doctype(depth, byte),
        }
        Ok(1)
    }

    /// In a tag that is not held.
    fn long_tag(&mut self, quote: Option<u8>, bytes: &[u8]) -> usize {
        let ends = match quote {
            Some(quote) => memchr::memchr(quote, bytes),
            None => memchr::memchr3(b'>', b'"', b'\'', bytes),
        };
        let length = ends.map_or(bytes.len(), |end| end + 1);
        let piece = bytes.get(..length).unwrap_or_default();
        self.nodes.aside(piece);
        self.state = match ends.and(piece.last()) {
            None => State::LongTag(quote),
            Some(b'>') if quote.is_none() => State::Text,
            Some(opened) => State::LongTag(quote.is_none().then_some(*opened)),
        };
        length
    }

    /// In what is no text, until it `end`s.
    fn go_aside(&mut self, end: &'static [u8], seen: usize, bytes: &[u8]) -> usize {
        let (mut seen, mut length) = (seen, 0);
        for byte in bytes {
            (seen, length) = (progress(end, seen, *byte), length + 1);
            if seen == end.len() {
                break;
            }
        }
        self.state = if seen == end.len() { State::Text } else { State::Aside(end, seen) };
        self.nodes.aside(bytes.get(..length).unwrap_or_default());
        length
    }

    /// Behind `<`.
    fn open(&mut self, byte: u8) -> usize {
        if let Some(element) = self.verbatim {
            let end = [b"</", element].concat();
            let next = end.get(self.token.len()).copied();
            if next != Some(byte.to_ascii_lowercase()) {
                return self.no_tag();
            }
            self.token.push(byte);
            if self.token.len() == end.len() {
                (self.verbatim, self.state) = (None, State::Tag(None));
            }
            return 1;
        }
        let is_bang = self.token.starts_with(b"<!");
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_' if !is_bang => {
                self.token.push(byte);
                self.state = State::Tag(None);
            }
            0x80.. if !is_bang => {
                self.token.push(byte);
                self.state = State::Tag(None);
            }
            b'?' if !is_bang => self.aside(byte, b"?>"),
            b'!' if !is_bang => self.token.push(byte),
            _ if !is_bang => return self.no_tag(),
            _ => {
                let longer = [self.token.as_slice(), &[byte]].concat();
                if longer == COMMENT {
                    self.aside(byte, b"-->");
                } else if longer == DATA {
                    self.token.push(byte);
                    let token = std::mem::take(&mut self.token);
                    self.nodes.aside(&token);
                    self.state = State::Data(0);
                } else if COMMENT.starts_with(&longer) || DATA.starts_with(&longer) {
                    self.token.push(byte);
                } else {
                    self.state = State::Doctype(self.token.iter().filter(|byte| **byte == b'[').count());
                    return 0;
                }
            }
        }
        1
    }

    /// What began like a tag is text.
    fn no_tag(&mut self) -> usize {
        let token = std::mem::take(&mut self.token);
        self.state = State::Text;
        self.nodes.same(&token);
        0
    }

    fn aside(&mut self, byte: u8, end: &'static [u8]) {
        self.token.push(byte);
        let token = std::mem::take(&mut self.token);
        self.state = State::Aside(end, 0);
        self.nodes.aside(&token);
    }

    fn data(&mut self, seen: usize, byte: u8, bytes: &[u8]) -> usize {
        if seen == 0 {
            let length = memchr::memchr(b']', bytes).unwrap_or(bytes.len());
            if length > 0 {
                self.nodes.same(bytes.get(..length).unwrap_or_default());
                return length;
            }
        }
        let now = progress(DATA_END, seen, byte);
        self.token.push(byte);
        if now == DATA_END.len() {
            let token = std::mem::take(&mut self.token);
            self.state = State::Text;
            self.nodes.aside(&token);
            return 1;
        }
        let text = self.token.len() - now;
        let rest = self.token.split_off(text);
        let text = std::mem::replace(&mut self.token, rest);
        self.state = State::Data(now);
        self.nodes.same(&text);
        1
    }

    fn doctype(&mut self, depth: usize, byte: u8) -> Result<usize, Withheld> {
        self.token.push(byte);
        if self.refuses && self.token.ends_with(b"<!ENTITY") {
            return Err(Withheld::NotUnderstood(kind::OWN_ENTITIES));
        }
        let depth = match byte {
            b'[' => depth + 1,
            b']' => depth.saturating_sub(1),
            _ => depth,
        };
        let ends = byte == b'>' && depth == 0;
        self.state = if ends { State::Text } else { State::Doctype(depth) };
        if ends || self.token.len() >= TAG_BYTES_MAX {
            // So much stays that what is looked for is seen at a cut.
            let kept = if ends { 0 } else { 16 };
            let rest = self.token.split_off(self.token.len() - kept);
            let token = std::mem::replace(&mut self.token, rest);
            self.nodes.aside(&token);
        }
        Ok(1)
    }

    fn end_entity(&mut self) {
        let token = std::mem::take(&mut self.token);
        self.state = State::Text;
        match Entity::read(&token) {
            Some(Entity(text)) => self.nodes.written(&token, text.as_bytes()),
            None => self.nodes.same(&token),
        }
    }

    fn end_tag(&mut self, is_whole: bool) -> Result<(), Withheld> {
        let mut token = std::mem::take(&mut self.token);
        self.star_attributes(&mut token);
        let tag = Tag::read(&token);
        self.state = State::Text;
        if is_whole && !tag.closes && !tag.is_empty {
            self.verbatim = VERBATIM.iter().copied().find(|name| tag.name.eq_ignore_ascii_case(name));
        }
        self.nodes.tag(&tag, &token)
    }
}

impl Markup {
    /// Stars the values of attributes that end a card number which began in those before them: in all of the same tag that are
    /// digits, or in halves in those of the same name in the tags before.
    fn star_attributes(&mut self, token: &mut [u8]) {
        let Some(runs) = &mut self.runs else { return };
        let attributes = tag::attributes(token);
        let is_digits = |it: &&Attribute| {
            let value = token.get(it.value.clone()).unwrap_or_default();
            !value.is_empty() && value.iter().all(u8::is_ascii_digit)
        };
        let beside: Vec<_> = attributes.iter().filter(is_digits).map(|it| it.value.clone()).collect();
        let parts: Vec<_> =
            beside.iter().take(PARTS_MAX + 1).filter_map(|it| token.get(it.clone())).collect();
        let mut ends: Vec<_> =
            beside.last().filter(|_| is_taken_apart(&parts)).cloned().into_iter().collect();
        for Attribute { name, value } in attributes {
            let (Some(name), Some(digits)) = (token.get(name), token.get(value.clone())) else { continue };
            ends.extend(runs.ends_a_card(name, digits).then_some(value));
        }
        for place in ends {
            token.get_mut(place).into_iter().flatten().for_each(|byte| *byte = b'*');
            self.starred += 1;
        }
    }
}

/// Digits of a half of a card number, of those that stand in several tags: quarters are too often something else.
const HALF_DIGITS_MIN: usize = 7;

impl Rewrite for Markup {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.take(rest)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.nodes.flush(&mut self.written)?;
        self.net.push(&self.written, out)?;
        self.written.clear();
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match self.state {
            State::Entity => self.end_entity(),
            _ => {
                // What has no end is what it looks like: text.
                let token = std::mem::take(&mut self.token);
                self.nodes.same(&token);
            }
        }
        self.nodes.finish(&mut self.written)?;
        self.net.push(&self.written, out)?;
        self.net.finish(out)
    }

    fn found(&self) -> u64 {
        self.nodes.found() + self.net.found() + self.starred
    }
}

/// How much of `end` has been seen with `byte`, when so much had been `seen` before.
fn progress(end: &[u8], seen: usize, byte: u8) -> usize {
    let starts = end.first() == Some(&byte);
    match end.get(seen) {
        Some(wanted) if *wanted == byte => seen + 1,
        // `--->` ends a comment, too.
        _ if starts && seen == 2 => 2,
        _ => usize::from(starts),
    }
}

const COMMENT: &[u8] = b"<!--";
const DATA: &[u8] = b"<![CDATA[";
const DATA_END: &[u8] = b"]]>";
/// A longer tag holds data, such as a `data:` URL.
const TAG_BYTES_MAX: usize = 16 << 10;
const VERBATIM: &[&[u8]] = &[b"script", b"style"];

#[cfg(test)]
mod tests;
