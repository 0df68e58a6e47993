//! JSON that comes in pieces, read byte by byte: where things begin and end, and whether it is JSON at all (RFC 8259).

use std::collections::VecDeque;
use std::ops::Range;

/// Reads documents, one after another. Places are counted from the start of the body.
///
/// Documents are items, and so is what stands directly in a container that has been opened ([`Scanner::open`]). What
/// is inside of items is read past.
pub(super) struct Scanner {
    state: State,
    /// The containers that are read, the outermost first.
    stack: Vec<Container>,
    /// How many of them are open.
    opened: usize,
    /// Where the item starts that is read.
    item: Option<usize>,
    /// Where containers start that are to be told of when they begin.
    wanted: VecDeque<usize>,
    /// Whether a document may stand behind each U+001E (RFC 7464).
    records: bool,
    /// How many bytes have been looked at, again and again.
    #[cfg(test)]
    pub work: usize,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// The name of a member of the innermost open object, with its quotes.
    Name(Range<usize>),
    /// An item, all of it.
    Value(Range<usize>),
    /// The start of an item that was wanted.
    Begun { at: usize, is_object: bool },
    /// The end of the innermost open container.
    Left { end: usize },
    /// The end of a line between documents.
    Line { end: usize },
}

/// What was read is not JSON, or nests too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJson;

struct Container {
    is_object: bool,
    start: usize,
}

/// What is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value {
        may_end: bool,
    },
    Name {
        may_end: bool,
    },
    Colon,
    /// A comma, or the end of the container.
    Comma,
    String {
        is_name: bool,
        escape: Escape,
    },
    Number(Part),
    /// What is missing of `true`, `false` or `null`.
    Word(&'static [u8]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    /// That many hexadecimal digits are missing.
    Hex(u8),
}

/// What of a number has been read last (RFC 8259 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

/// What became of a byte.
enum Step {
    Taken(Option<Event>),
    /// A number ended before it.
    Ended(Option<Event>),
}

impl Scanner {
    pub fn new(records: bool) -> Self {
        Self {
            state: START,
            stack: Vec::new(),
            opened: 0,
            item: None,
            wanted: VecDeque::new(),
            records,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Goes on with `bytes`, which start at `at`: up to what is to be told, or all of them. How many those are.
    ///
    /// # Errors
    /// Where it is not JSON any more.
    pub fn scan(&mut self, bytes: &[u8], at: usize) -> Result<(usize, Option<Event>), usize> {
        let (mut read, mut result) = (0, None);
        while let Some(byte) = bytes.get(read) {
            if let State::String { escape: Escape::None, .. } = self.state {
                let plain = plain(bytes.get(read..).unwrap_or_default());
                if plain > 0 {
                    read += plain;
                    continue;
                }
            }
            let (taken, event) = match self.step(*byte, at + read).map_err(|NotJson| at + read)? {
                Step::Taken(event) => (1, event),
                Step::Ended(event) => (0, event),
            };
            read += taken;
            if event.is_some() {
                result = event;
                break;
            }
        }
        #[cfg(test)]
        {
            self.work += read;
        }
        Ok((read, result))
    }

    /// Ends the body at `at`: a number may end with it.
    pub fn finish(&mut self, at: usize) -> Result<Option<Event>, NotJson> {
        let event = match self.state {
            State::Number(part) if part.may_end() => self.ended(at),
            _ => None,
        };
        if self.state == START && self.stack.is_empty() { Ok(event) } else { Err(NotJson) }
    }

    /// Where the item starts that is read: a document, a name, a member's value, an element.
    pub fn item(&self) -> Option<usize> {
        self.item
    }

    /// Whether no container is open.
    pub fn is_outside(&self) -> bool {
        self.opened == 0
    }

    /// Opens the container whose start was told last.
    pub fn open(&mut self) {
        self.opened += 1;
        self.item = None;
    }

    /// What the item is that is read.
    pub fn kind(&self) -> Kind {
        match self.state {
            _ if self.stack.len() > self.opened => Kind::Container,
            State::String { is_name: true, .. } => Kind::Name,
            State::String { is_name: false, .. } => Kind::String,
            _ => Kind::Other,
        }
    }

    /// Goes back to the start of the item that is read, a container, and tells of it and of those within it that are
    /// read and start by `until`. Where it starts.
    pub fn rewind(&mut self, until: usize) -> Option<usize> {
        let start = self.item.take()?;
        let inside = self.stack.drain(self.opened..);
        self.wanted = inside.map(|container| container.start).filter(|at| *at <= until.max(start)).collect();
        self.state = State::Value { may_end: false };
        Some(start)
    }

    /// Tells of no more containers.
    pub fn want_none(&mut self) {
        self.wanted.clear();
    }

    fn step(&mut self, byte: u8, at: usize) -> Result<Step, NotJson> {
        match self.state {
            State::String { is_name, escape } => self.string(is_name, escape, byte, at).map(Step::Taken),
            State::Number(part) => self.number(part, byte, at),
            State::Word(rest) => {
                let (first, rest) = rest.split_first().ok_or(NotJson)?;
                if *first != byte {
                    return Err(NotJson);
                }
                self.state = State::Word(rest);
                Ok(Step::Taken(if rest.is_empty() { self.ended(at + 1) } else { None }))
            }
            _ if matches!(byte, b' ' | b'\t' | b'\r') => Ok(Step::Taken(None)),
            _ if byte == b'\n' || (byte == RECORD && self.records && self.stack.is_empty()) => {
                let outside = self.stack.is_empty();
                Ok(Step::Taken(outside.then_some(Event::Line { end: at + 1 })))
            }
            _ => self.structure(byte, at).map(Step::Taken),
        }
    }

    fn structure(&mut self, byte: u8, at: usize) -> Result<Option<Event>, NotJson> {
        match (self.state, byte) {
            (State::Value { may_end: true } | State::Comma, b']') => self.close(false, at),
            (State::Name { may_end: true } | State::Comma, b'}') => self.close(true, at),
            (State::Comma, b',') => {
                let in_object = self.stack.last().ok_or(NotJson)?.is_object;
                self.state =
                    if in_object { State::Name { may_end: false } } else { State::Value { may_end: false } };
                Ok(None)
            }
            (State::Colon, b':') => {
                self.state = State::Value { may_end: false };
                Ok(None)
            }
            (State::Name { .. }, b'"') => {
                self.begin(at);
                self.state = State::String { is_name: true, escape: Escape::None };
                Ok(None)
            }
            (State::Value { .. }, byte) => self.value(byte, at),
            _ => Err(NotJson),
        }
    }

    fn value(&mut self, byte: u8, at: usize) -> Result<Option<Event>, NotJson> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(NotJson);
        }
        self.begin(at);
        self.state = match byte {
            b'{' => State::Name { may_end: true },
            b'[' => State::Value { may_end: true },
            b'"' => State::String { is_name: false, escape: Escape::None },
            b'-' => State::Number(Part::Minus),
            b'0' => State::Number(Part::Zero),
            b'1'..=b'9' => State::Number(Part::Integer),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            _ => return Err(NotJson),
        };
        if !matches!(byte, b'{' | b'[') {
            return Ok(None);
        }
        let is_object = byte == b'{';
        self.stack.push(Container { is_object, start: at });
        let wanted = self.wanted.pop_front_if(|wanted| *wanted == at).is_some();
        Ok(wanted.then_some(Event::Begun { at, is_object }))
    }

    fn begin(&mut self, at: usize) {
        if self.stack.len() == self.opened {
            self.item = Some(at);
        }
    }

    fn close(&mut self, is_object: bool, at: usize) -> Result<Option<Event>, NotJson> {
        let container = self.stack.pop().ok_or(NotJson)?;
        if container.is_object != is_object {
            return Err(NotJson);
        }
        if self.stack.len() < self.opened {
            self.opened = self.stack.len();
            self.state = self.behind();
            return Ok(Some(Event::Left { end: at + 1 }));
        }
        Ok(self.ended(at + 1))
    }

    /// A value ended at `end`.
    fn ended(&mut self, end: usize) -> Option<Event> {
        self.state = self.behind();
        if self.stack.len() > self.opened {
            return None;
        }
        self.item.take().map(|start| Event::Value(start..end))
    }

    /// What is read behind a value.
    fn behind(&self) -> State {
        if self.stack.is_empty() { START } else { State::Comma }
    }

    fn string(
        &mut self,
        is_name: bool,
        escape: Escape,
        byte: u8,
        at: usize,
    ) -> Result<Option<Event>, NotJson> {
        let escape = match (escape, byte) {
            (Escape::None, b'"') if is_name => {
                self.state = State::Colon;
                let is_item = self.stack.len() == self.opened;
                let start = self.item.filter(|_| is_item);
                return Ok(start.map(|start| {
                    self.item = None;
                    Event::Name(start..at + 1)
                }));
            }
            (Escape::None, b'"') => return Ok(self.ended(at + 1)),
            (Escape::None, b'\\') => Escape::Begun,
            (Escape::None, 0..0x20) => return Err(NotJson),
            (Escape::None, _) => Escape::None,
            (Escape::Begun, b'u') => Escape::Hex(4),
            (Escape::Begun, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::None,
            (Escape::Hex(1), byte) if byte.is_ascii_hexdigit() => Escape::None,
            (Escape::Hex(missing), byte) if byte.is_ascii_hexdigit() => Escape::Hex(missing - 1),
            (Escape::Begun | Escape::Hex(_), _) => return Err(NotJson),
        };
        self.state = State::String { is_name, escape };
        Ok(None)
    }

    fn number(&mut self, part: Part, byte: u8, at: usize) -> Result<Step, NotJson> {
        let next = match (part, byte) {
            (Part::Minus, b'0') => Part::Zero,
            (Part::Minus | Part::Integer, b'0'..=b'9') => Part::Integer,
            (Part::Zero | Part::Integer, b'.') => Part::Point,
            (Part::Point | Part::Fraction, b'0'..=b'9') => Part::Fraction,
            (Part::Zero | Part::Integer | Part::Fraction, b'e' | b'E') => Part::E,
            (Part::E, b'+' | b'-') => Part::Sign,
            (Part::E | Part::Sign | Part::Exponent, b'0'..=b'9') => Part::Exponent,
            (part, _) if part.may_end() => return Ok(Step::Ended(self.ended(at))),
            _ => return Err(NotJson),
        };
        self.state = State::Number(next);
        Ok(Step::Taken(None))
    }
}

/// How many bytes stand for themselves in a string.
fn plain(bytes: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let here = bytes.get(..end).unwrap_or_default();
    // Without a way out of the loop it looks at many bytes at once.
    let control = here.iter().fold(false, |control, byte| control | (*byte < 0x20));
    if control { here.iter().position(|byte| *byte < 0x20).unwrap_or(end) } else { end }
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    String,
    Name,
    Other,
}

impl Part {
    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Exponent)
    }
}

/// Between documents, and before the first.
const START: State = State::Value { may_end: false };
/// How deep documents may nest, as `mask` reads them.
const DEPTH_MAX: usize = 128;
/// Before each document of a sequence (RFC 7464 §2.2).
pub(super) const RECORD: u8 = 0x1e;
