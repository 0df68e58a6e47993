//! A JSON document as the places of its values, so that what does not change stays as it was written.

use std::borrow::Cow;
use std::ops::Range;

/// A JSON document (RFC 8259) that was read, and where each of its values stands.
pub(crate) struct Doc<'t> {
    text: &'t [u8],
    /// In the order in which they begin; the document itself is the first.
    nodes: Vec<Node>,
}

/// A value in a document.
#[derive(Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    /// What holds it; itself for the document.
    pub parent: usize,
    /// Between the quotes of its name, when it is a member.
    name: Range<usize>,
    /// How many stand before it in what holds it.
    pub position: usize,
    /// All of it, with quotes or brackets.
    pub place: Range<usize>,
    /// The node that follows it and all that it holds.
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// What is written in the place of what; places do not overlap, or the first that begins counts.
pub(crate) type Edits = Vec<(Range<usize>, Vec<u8>)>;

/// The document itself.
pub(crate) const ROOT: usize = 0;

impl<'t> Doc<'t> {
    /// Reads a document; `None` when it is no JSON, or nests deeper than 128.
    pub fn read(text: &'t [u8]) -> Option<Self> {
        let mut reader = Reader { text, at: 0, nodes: Vec::new() };
        reader.value(0, 0..0, 0, 0)?;
        reader.space();
        (reader.at == text.len()).then_some(Self { text, nodes: reader.nodes })
    }

    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    pub fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    pub fn kind(&self, at: usize) -> Option<Kind> {
        self.node(at).map(|node| node.kind)
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What `at` holds itself, in order.
    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.node(at).map_or(0, |node| node.end);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = next;
            let node = self.node(child).filter(|_| child < end)?;
            next = node.end;
            Some(child)
        })
    }

    /// `at` and all that it holds.
    pub fn within(&self, at: usize) -> Range<usize> {
        at..self.node(at).map_or(at, |node| node.end)
    }

    /// From what holds `at` up to the document.
    pub fn above(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = at;
        std::iter::from_fn(move || {
            let parent = self.node(at)?.parent;
            (parent != at).then(|| {
                at = parent;
                parent
            })
        })
    }

    /// The last member of `at` of that name, which is the one that most readers take.
    pub fn member(&self, at: usize, name: &str) -> Option<usize> {
        let members = self.children(at).filter(|_| self.kind(at) == Some(Kind::Object));
        members.filter(|member| self.name(*member) == name).last()
    }

    /// The value at the end of a way of names.
    pub fn find(&self, at: usize, names: &[&str]) -> Option<usize> {
        names.iter().try_fold(at, |at, name| self.member(at, name))
    }

    /// The name of a member; empty for elements.
    pub fn name(&self, at: usize) -> Cow<'t, str> {
        let name = self.node(at).and_then(|node| self.text.get(node.name.clone())).unwrap_or_default();
        read(name)
    }

    /// Between the quotes of a string; for other values all of it.
    pub fn content(&self, at: usize) -> Range<usize> {
        match self.node(at) {
            Some(Node { kind: Kind::String, place, .. }) => place.start + 1..place.end - 1,
            Some(node) => node.place.clone(),
            None => 0..0,
        }
    }

    /// What stands there, as written.
    pub fn written(&self, at: usize) -> &'t [u8] {
        self.text.get(self.content(at)).unwrap_or_default()
    }

    /// A string's text.
    pub fn string(&self, at: usize) -> Option<Cow<'t, str>> {
        (self.kind(at)? == Kind::String).then(|| read(self.written(at)))
    }

    /// A number that counts something.
    pub fn count(&self, at: usize) -> Option<u64> {
        (self.kind(at)? == Kind::Number).then(|| str::from_utf8(self.written(at)).ok()?.parse().ok())?
    }
}

/// `text` with `edits` in it.
pub(crate) fn edited(text: &[u8], mut edits: Edits) -> Vec<u8> {
    edits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut told = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (range, written) in edits {
        // What stands inside of what was replaced before.
        let Some(kept) = text.get(copied..range.start) else { continue };
        told.extend_from_slice(kept);
        told.extend_from_slice(&written);
        copied = range.end;
    }
    told.extend_from_slice(text.get(copied..).unwrap_or_default());
    told
}

/// Reads what stands between the quotes of a string. A lone surrogate becomes U+FFFD, as does what is not UTF-8.
pub(crate) fn read(written: &[u8]) -> Cow<'_, str> {
    if !written.contains(&b'\\') {
        return String::from_utf8_lossy(written);
    }
    characters(written).map(|(c, _)| c).collect::<String>().into()
}

/// The characters of a string, each with its length as written.
pub(crate) fn characters(written: &[u8]) -> impl Iterator<Item = (char, usize)> + '_ {
    let mut rest = written;
    std::iter::from_fn(move || {
        let (c, length) = character(rest)?;
        rest = rest.get(length..)?;
        Some((c, length))
    })
}

fn character(text: &[u8]) -> Option<(char, usize)> {
    let (first, rest) = text.split_first()?;
    if *first != b'\\' {
        let width = match first {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        let whole = text.get(..width).and_then(|bytes| str::from_utf8(bytes).ok());
        return Some(match whole.and_then(|whole| whole.chars().next()) {
            Some(c) => (c, width),
            None => (char::REPLACEMENT_CHARACTER, 1),
        });
    }
    let plain = match rest.first()? {
        b'u' => return escaped(text),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => char::from(*other),
    };
    Some((plain, 2))
}

fn escaped(text: &[u8]) -> Option<(char, usize)> {
    let first = code(text)?;
    let low = text.get(6..).and_then(code).filter(|low| (0xdc00..0xe000).contains(low));
    if let (0xd800..0xdc00, Some(low)) = (first, low) {
        let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00));
        return Some((c.unwrap_or(char::REPLACEMENT_CHARACTER), 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// The number of a `\uHHHH` at the start.
fn code(text: &[u8]) -> Option<u32> {
    let hex = text.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()
}

/// Whether an escape that is the first half of a surrogate pair ends `written`, and how long it is.
pub(crate) fn half_pair(written: &[u8]) -> usize {
    let Some((head, tail)) = written.split_last_chunk::<6>() else { return 0 };
    let escaped = head.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let half = code(tail).is_some_and(|code| (0xd800..0xdc00).contains(&code));
    if half && !escaped { tail.len() } else { 0 }
}

/// `text` as it stands between the quotes of a string.
pub(crate) fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len() + 2);
    for byte in text {
        match byte {
            b'"' | b'\\' => escaped.extend([b'\\', *byte]),
            b'\n' => escaped.extend(b"\\n"),
            0..0x20 => escaped.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    fn value(&mut self, parent: usize, name: Range<usize>, position: usize, depth: usize) -> Option<()> {
        self.space();
        let (here, start) = (self.nodes.len(), self.at);
        let kind = match self.peek().filter(|_| depth < DEPTH_MAX)? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' => Kind::True,
            b'f' => Kind::False,
            b'n' => Kind::Null,
            _ => Kind::Number,
        };
        self.nodes.push(Node { kind, parent, name, position, place: start..start, end: here });
        match kind {
            Kind::Object | Kind::Array => self.inside(kind, here, depth)?,
            Kind::String => self.string().map(drop)?,
            Kind::Number => self.number()?,
            Kind::True => self.literal(b"true")?,
            Kind::False => self.literal(b"false")?,
            Kind::Null => self.literal(b"null")?,
        }
        let (place, end) = (start..self.at, self.nodes.len());
        let node = self.nodes.get_mut(here)?;
        (node.place, node.end) = (place, end);
        Some(())
    }

    fn inside(&mut self, kind: Kind, here: usize, depth: usize) -> Option<()> {
        let object = kind == Kind::Object;
        let close = if object { b'}' } else { b']' };
        self.at += 1;
        self.space();
        if self.takes(close) {
            return Some(());
        }
        for position in 0.. {
            self.space();
            let name = if object { self.string()? } else { 0..0 };
            self.space();
            if object && !self.takes(b':') {
                return None;
            }
            self.value(here, name, position, depth + 1)?;
            self.space();
            if !self.takes(b',') {
                break;
            }
        }
        self.takes(close).then_some(())
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        self.takes(b'"').then_some(())?;
        loop {
            match self.text.get(self.at..)? {
                [b'"', ..] => break,
                [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => {
                    self.at += 6;
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                [b'\\' | 0..0x20, ..] | [] => return None,
                [_, ..] => self.at += 1,
            }
        }
        let content = start..self.at;
        self.at += 1;
        Some(content)
    }

    fn number(&mut self) -> Option<()> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(literal).then_some(())?;
        self.at += literal.len();
        Some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// How deep documents may nest: as deep as the mask reads.
const DEPTH_MAX: usize = 128;
