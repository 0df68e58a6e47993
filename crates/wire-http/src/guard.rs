//! The framing of HTTP/1 requests (RFC 9112), held to its strictest reading.
//!
//! hyper reads requests; this stands before it and lets through only what every reader reads in one way. Where one message
//! ends decides where the next begins, and so what is asked of whom: whatever two readers could take for two things
//! (RFC 9112 §11.2) is refused, also where the specification lets a recipient mend it. A stream of HTTP/2 has framing of
//! its own, and passes as it is.
//!
//! ```text
//!            head complete            length == 0
//!   Head ───────────────▶ Length(n) ─────────────────▶ Head
//!     │                   Chunk(…) ── last chunk, trailers ──▶ Head
//!     ├── preface of HTTP/2 ──▶ Free ◀── the exchange was upgraded ──┐
//!     └── CONNECT, WebSocket ──────────────────────────────────────▶ Switching
//! ```
//!
//! What comes behind a request that may end HTTP is HTTP or it is not, by its answer. Whoever sends it before that answer
//! sends what two readers read in two ways, so nothing is let through until the stream is [`Guard::free`].

mod field;
#[cfg(test)]
mod tests;

pub use field::names_websocket;
use field::{Fields, Line};

/// Lets through the bytes of one agent's stream as far as their framing is beyond doubt.
#[derive(Debug)]
pub struct Guard {
    state: State,
    /// What came of a head, or of a line of the chunked coding, that has not ended.
    held: Vec<u8>,
    /// Bytes of [`Guard::held`] in which no line ends.
    seen: usize,
    /// How many requests' heads were let through.
    heads: u64,
}

#[derive(Debug)]
enum State {
    /// At the beginning of the stream: perhaps it is HTTP/2.
    First,
    Head,
    /// In a body of which so many bytes are to come.
    Length(u64),
    Chunk(Chunk),
    /// Behind a request whose answer says what follows.
    Switching,
    /// What follows is not HTTP/1.
    Free,
    /// Nothing more is let through.
    Broken(Broken),
}

#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size,
    Data(u64),
    /// The line end behind the data.
    End,
    Trailer,
}

/// A request's framing that is not beyond doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Which rule, for operators and for whoever wrote the client.
    pub rule: &'static str,
    /// How it is answered (RFC 9110 §15.5): 400, 431 or 505.
    pub status: u16,
    /// Whether the head has been let through already: then there is no answering it.
    pub in_body: bool,
}

/// The longest head: request line and header (hyper's own bound is higher).
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// The longest line of the chunked coding, which holds a size of at most 16 digits.
const CHUNK_LINE_BYTES_MAX: usize = 16 + 2;

/// How a stream of HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Default for Guard {
    fn default() -> Self {
        Self { state: State::First, held: Vec::new(), seen: 0, heads: 0 }
    }
}

impl Guard {
    /// Goes on with `bytes`, and appends to `out` what may be read on.
    ///
    /// # Errors
    /// [`Broken`], from then on always: the stream is to be read no further.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.step(rest, out).inspect_err(|broken| {
                self.held = Vec::new();
                self.state = State::Broken(*broken);
            })?;
        }
        Ok(())
    }

    /// How many requests' heads were let through.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether the stream began as one of HTTP/2.
    pub fn is_h2(&self) -> bool {
        self.heads == 0 && matches!(self.state, State::Free)
    }

    /// What follows is no HTTP any more: the exchange was upgraded (RFC 9110 §7.8).
    pub fn free(&mut self) {
        if !matches!(self.state, State::Broken(_)) {
            self.state = State::Free;
        }
    }

    /// Whether the stream may end here: between two requests.
    pub fn is_between(&self) -> bool {
        matches!(self.state, State::First | State::Head | State::Switching | State::Free)
            && self.held.is_empty()
    }

    /// Takes some of `bytes`, and gives the rest.
    fn step<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Broken> {
        match self.state {
            State::Broken(broken) => Err(broken),
            State::Free => {
                out.append(&mut self.held);
                out.extend_from_slice(bytes);
                Ok(&[])
            }
            State::First => {
                let rest = self.preface(bytes);
                if self.held == PREFACE {
                    self.state = State::Free;
                    out.append(&mut self.held);
                } else if !rest.is_empty() {
                    self.state = State::Head;
                }
                Ok(rest)
            }
            State::Head => self.head(bytes, out),
            State::Switching => Err(body("something follows a request before it is known what it may be")),
            State::Length(left) => {
                let (rest, left) = pass(bytes, left, out);
                self.state = if left == 0 { State::Head } else { State::Length(left) };
                Ok(rest)
            }
            State::Chunk(chunk) => self.chunk(chunk, bytes, out),
        }
    }

    fn head<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Broken> {
        let Some((fields, rest)) = self.fields(bytes, true)? else { return Ok(&[]) };
        self.state = match (fields.length, fields.chunked) {
            (None | Some(0), false) if fields.switches => State::Switching,
            (None | Some(0), false) => State::Head,
            (Some(length), false) => State::Length(length),
            (None, true) => State::Chunk(Chunk::Size),
            (Some(_), true) => return Err(head("a length and a transfer coding in one request")),
        };
        out.append(&mut self.held);
        self.heads += 1;
        Ok(rest)
    }

    fn chunk<'b>(&mut self, chunk: Chunk, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Broken> {
        let (next, rest) = match chunk {
            Chunk::Size => {
                let Some(rest) = self.line(bytes, CHUNK_LINE_BYTES_MAX)? else { return Ok(&[]) };
                let size = field::chunk_size(&self.held).map_err(body)?;
                (if size == 0 { Chunk::Trailer } else { Chunk::Data(size) }, rest)
            }
            Chunk::Data(left) => {
                let (rest, left) = pass(bytes, left, out);
                (if left == 0 { Chunk::End } else { Chunk::Data(left) }, rest)
            }
            Chunk::End => {
                let Some(rest) = self.line(bytes, 2)? else { return Ok(&[]) };
                if self.held != b"\r\n" {
                    return Err(body("a chunk is longer than its size"));
                }
                (Chunk::Size, rest)
            }
            Chunk::Trailer => {
                let Some((_, rest)) = self.fields(bytes, false)? else { return Ok(&[]) };
                out.append(&mut self.held);
                self.state = State::Head;
                return Ok(rest);
            }
        };
        out.append(&mut self.held);
        self.state = State::Chunk(next);
        Ok(rest)
    }

    /// Reads field lines up to the empty one, behind a request line or as trailers. `None`: they have not ended.
    fn fields<'b>(&mut self, bytes: &'b [u8], in_head: bool) -> Result<Option<(Fields, &'b [u8])>, Broken> {
        let place = if in_head { head } else { body };
        let start = self.held.len();
        // A head that ends late is found out without reading what came twice.
        let room = HEAD_BYTES_MAX.saturating_sub(start);
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.held.extend_from_slice(taken);
        let Some(length) = field::length(&self.held, self.seen, in_head).map_err(place)? else {
            if self.held.len() >= HEAD_BYTES_MAX {
                let status = if in_head { 431 } else { 400 };
                return Err(Broken { rule: "the header is too long", status, in_body: !in_head });
            }
            self.seen = self.held.len();
            return Ok(None);
        };
        self.seen = 0;
        self.held.truncate(length);
        let rest = bytes.get(length.saturating_sub(start)..).unwrap_or_default();
        let fields = if in_head { Line::request(&self.held) } else { Line::trailers(&self.held) };
        fields.map(|fields| Some((fields, rest)))
    }

    /// Holds one line. `None`: it has not ended.
    fn line<'b>(&mut self, bytes: &'b [u8], bytes_max: usize) -> Result<Option<&'b [u8]>, Broken> {
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let (taken, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
        if self.held.len() + taken.len() > bytes_max {
            return Err(body("a line of the chunked coding is too long"));
        }
        self.held.extend_from_slice(taken);
        match (end, self.held.ends_with(b"\r\n")) {
            (Some(_), true) => Ok(Some(rest)),
            (Some(_), false) => Err(body("a line ends without a carriage return")),
            (None, _) => Ok(None),
        }
    }

    /// Holds as much of `bytes` as goes on with the preface of HTTP/2, and gives the rest.
    fn preface<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let expected = PREFACE.get(self.held.len()..).unwrap_or_default();
        let same = bytes.iter().zip(expected).take_while(|(byte, expected)| byte == expected).count();
        let (taken, rest) = bytes.split_at_checked(same).unwrap_or((bytes, &[]));
        self.held.extend_from_slice(taken);
        rest
    }
}

/// Lets through as much of a body as there is; gives the rest, and how much is to come.
fn pass<'b>(bytes: &'b [u8], left: u64, out: &mut Vec<u8>) -> (&'b [u8], u64) {
    let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let (taken, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
    out.extend_from_slice(taken);
    (rest, left.saturating_sub(taken.len() as u64))
}

fn head(rule: &'static str) -> Broken {
    Broken { rule, status: 400, in_body: false }
}

fn body(rule: &'static str) -> Broken {
    Broken { rule, status: 400, in_body: true }
}

/// Guards arbitrary bytes in arbitrary cuts, for fuzzing: how they are cut never changes what is let through.
#[doc(hidden)]
pub fn fuzz_guard(data: &[u8]) {
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let said = Guard::default().push(data, &mut whole);
    let mut guard = Guard::default();
    let step = data.first().map_or(1, |byte| usize::from(byte % 7) + 1);
    let said_cut = data.chunks(step).try_for_each(|piece| guard.push(piece, &mut cut));
    assert_eq!((said, whole), (said_cut, cut));
}
