//! The texts between tags.

use mask::{Beside, Masker, Meaning, Name};

use super::tag::Tag;
use crate::body::aligned::Aligned;
use crate::body::apart::{NUMBER_DIGITS_MAX, apart, digits, star};
use crate::body::{Care, Withheld};

/// The texts of a document, in their order: joined over what stands within a line, apart elsewhere.
///
/// A text under a name that says something is held until its end, and judged by it. In strict mode a text of digits is
/// held until the next text has come, which may go on with its number.
pub(super) struct Nodes {
    masker: Masker,
    strict: bool,
    /// What the names of elements say together, as far as they have come.
    beside: Beside,
    aligned: Aligned,
    /// The text that is open.
    node: Node,
    /// Whether it is held.
    holds: bool,
    /// Texts of digits, and what stands between them.
    waiting: Vec<Item>,
    /// Bytes in them.
    waiting_bytes: usize,
    found: u64,
}

#[derive(Default)]
struct Node {
    meaning: Option<Meaning>,
    pieces: Vec<Piece>,
    /// How long they are as written.
    bytes: usize,
    text: Vec<u8>,
    /// The same, masked.
    masked: Option<Vec<u8>>,
}

struct Piece {
    written: Vec<u8>,
    /// How many bytes of text that is; none for what is no text.
    length: usize,
}

enum Item {
    Node(Node),
    /// What parts two texts.
    Tag(Vec<u8>),
}

impl Nodes {
    pub fn new(care: &Care) -> Self {
        Self {
            masker: care.masker,
            strict: care.strict,
            beside: Beside::default(),
            aligned: Aligned::new(care.masker),
            node: Node::default(),
            holds: care.strict,
            waiting: Vec::new(),
            waiting_bytes: 0,
            found: 0,
        }
    }

    /// Goes on with text that is written as it is.
    pub fn same(&mut self, text: &[u8]) {
        if !self.holds {
            return self.aligned.same(text);
        }
        // Byte by byte, so that a cut changes nothing of what is held.
        for (at, byte) in text.iter().enumerate() {
            if !self.holds {
                return self.aligned.same(text.get(at..).unwrap_or_default());
            }
            self.hold(&[*byte], &[*byte]);
        }
    }

    /// Goes on with `text` that is `written` so.
    pub fn written(&mut self, written: &[u8], text: &[u8]) {
        match self.holds {
            true => self.hold(written, text),
            false => self.aligned.written(written, text, text),
        }
    }

    /// Goes on with what is no text and parts none: comments and the like.
    pub fn aside(&mut self, bytes: &[u8]) {
        if !self.holds {
            return self.aligned.aside(bytes);
        }
        self.node.push(bytes, 0);
        self.bound()
    }

    /// Goes on with a tag.
    pub fn tag(&mut self, tag: &Tag<'_>, written: &[u8]) -> Result<(), Withheld> {
        if tag.is_inline() {
            self.aside(written);
            return Ok(());
        }
        self.end()?;
        match self.waiting.is_empty() {
            true => self.part(written),
            false => self.wait(Item::Tag(written.to_vec())),
        }
        let names = [Some(tag.name), tag.called];
        let names = names.into_iter().flatten().filter(|_| !tag.closes).filter_map(Name::of);
        let mut meaning = None;
        for name in names {
            self.beside.add(name);
            meaning = meaning.or_else(|| self.beside.settle(name));
        }
        self.node.meaning = meaning.filter(|_| !tag.is_empty);
        self.holds = self.strict || self.node.meaning.is_some();
        self.bound();
        Ok(())
    }

    /// Masks what has come together, and appends to `out` what may be released.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.aligned.flush(out)
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.end()?;
        self.release(usize::MAX);
        self.aligned.finish(out)
    }

    pub fn found(&self) -> u64 {
        self.found + self.aligned.found()
    }

    fn hold(&mut self, written: &[u8], text: &[u8]) {
        self.node.text.extend_from_slice(text);
        self.node.push(written, text.len());
        let is_digits = || digits(&self.node.text).is_some();
        match self.node.text.len() > NODE_BYTES_MAX || (self.node.meaning.is_none() && !is_digits()) {
            true => self.let_go(),
            false => self.bound(),
        }
    }

    /// Lets all go when it is too much to be held.
    fn bound(&mut self) {
        if self.holds && self.waiting_bytes + self.node.bytes > HELD_BYTES_MAX {
            self.let_go();
        }
    }

    /// Holds no more of this text.
    fn let_go(&mut self) {
        self.release(usize::MAX);
        let node = std::mem::take(&mut self.node);
        self.give(&node);
        self.holds = false;
    }

    /// Ends the text that is open.
    fn end(&mut self) -> Result<(), Withheld> {
        let mut node = std::mem::take(&mut self.node);
        if !self.holds {
            return Ok(());
        }
        if node.meaning.is_some() {
            let masker = self.masker.about_cards(self.beside.about_cards()).under(node.meaning);
            if let Some(masked) = masker.text(&node.text) {
                if masked.sad {
                    return Err(Withheld::Sad);
                }
                self.found += u64::from(masked.found);
                node.masked = Some(masked.bytes).filter(|bytes| bytes.len() == node.text.len());
            }
        }
        match digits(&node.text) {
            Some(digits) if self.strict && (!digits.is_empty() || !self.waiting.is_empty()) => {
                self.wait(Item::Node(node));
                self.join();
            }
            _ => {
                self.release(usize::MAX);
                self.give(&node);
            }
        }
        Ok(())
    }

    fn wait(&mut self, item: Item) {
        self.waiting_bytes += item.bytes();
        self.waiting.push(item);
    }

    /// Looks at the digits that wait together.
    fn join(&mut self) {
        let mut nodes: Vec<&mut Node> = self.waiting.iter_mut().filter_map(Item::node).collect();
        let found = apart(nodes.iter().map(|node| node.text.as_slice()));
        for range in &found {
            self.found += 1;
            for node in nodes.get_mut(range.clone()).into_iter().flatten() {
                let mut masked = node.text.clone();
                star(&mut masked);
                node.masked = Some(masked);
            }
        }
        if !found.is_empty() {
            return self.release(usize::MAX);
        }
        // A number that ends in a later text starts in the last digits.
        let mut digits_behind = 0;
        let mut first = self.waiting.len();
        for (index, item) in self.waiting.iter().enumerate().rev() {
            if digits_behind >= NUMBER_DIGITS_MAX {
                break;
            }
            first = index;
            if let Item::Node(node) = item {
                digits_behind += digits(&node.text).map_or(0, |digits| digits.len());
            }
        }
        self.release(first)
    }

    /// Lets the first `count` of what waits go.
    fn release(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        let items: Vec<Item> = self.waiting.drain(..count).collect();
        for item in items {
            self.waiting_bytes -= item.bytes();
            match item {
                Item::Node(node) => self.give(&node),
                Item::Tag(written) => self.part(&written),
            }
        }
    }

    fn part(&mut self, written: &[u8]) {
        self.aligned.written(written, PARTING, PARTING)
    }

    fn give(&mut self, node: &Node) {
        let mut text = node.text.as_slice();
        let mut masked = node.masked.as_deref().unwrap_or(text);
        for piece in &node.pieces {
            let (now, later) = text.split_at_checked(piece.length).unwrap_or((text, &[]));
            let (masked_now, masked_later) = masked.split_at_checked(piece.length).unwrap_or((masked, &[]));
            (text, masked) = (later, masked_later);
            match piece.length {
                0 => self.aligned.aside(&piece.written),
                _ => self.aligned.written(&piece.written, now, masked_now),
            }
        }
    }
}

impl Node {
    fn push(&mut self, written: &[u8], length: usize) {
        self.bytes += written.len();
        match self.pieces.last_mut() {
            Some(last) if length == 0 && last.length == 0 => last.written.extend_from_slice(written),
            _ => self.pieces.push(Piece { written: written.to_vec(), length }),
        }
    }
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Node(node) => node.bytes,
            Self::Tag(written) => written.len(),
        }
    }

    fn node(&mut self) -> Option<&mut Node> {
        match self {
            Self::Node(node) => Some(node),
            Self::Tag(_) => None,
        }
    }
}

/// What parts texts: a control character that goes on with nothing, and is part of nothing that is looked for.
const PARTING: &[u8] = b"\x7f";
/// A longer text is no value of a field.
const NODE_BYTES_MAX: usize = 256;
/// More is not held for a number that may yet go on.
const HELD_BYTES_MAX: usize = 64 << 10;
