//! Frames of WebSocket (RFC 6455 §5), held to what the specification lets a peer send.

use bytes::{Buf, BytesMut};

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Whether its message ends with it.
    pub is_last: bool,
    /// Whether its message is compressed, said on the first frame (RFC 7692 §6).
    pub is_compressed: bool,
    pub kind: Kind,
    /// Unmasked.
    pub payload: Vec<u8>,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// What a peer may not send: how it is told so, and which rule it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation {
    /// The code of the close frame (RFC 6455 §7.4.1).
    pub code: u16,
    pub rule: &'static str,
}

/// Reads the frames of one side, cut anywhere.
#[derive(Debug)]
pub(super) struct Reader {
    /// A client masks every frame, a server none (§5.1).
    is_masked: bool,
    may_compress: bool,
    held: BytesMut,
}

/// The head of a frame: what it says, how many bytes follow, and by what they are masked.
struct Head {
    frame: Frame,
    length: usize,
    key: [u8; 4],
    /// Its own bytes.
    bytes: usize,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Reader {
    pub fn new(is_masked: bool, may_compress: bool) -> Self {
        Self { is_masked, may_compress, held: BytesMut::new() }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next frame, if all of it is there. `room` is how many bytes its payload may have.
    pub fn next(&mut self, room: usize) -> Result<Option<Frame>, Violation> {
        let Some(head) = self.head(room)? else { return Ok(None) };
        if self.held.len() < head.bytes + head.length {
            return Ok(None);
        }
        self.held.advance(head.bytes);
        let mut payload = self.held.split_to(head.length).to_vec();
        mask(&mut payload, head.key);
        Ok(Some(Frame { payload, ..head.frame }))
    }

    fn head(&self, room: usize) -> Result<Option<Head>, Violation> {
        let Some(([first, second], rest)) = self.held.split_first_chunk::<2>() else { return Ok(None) };
        let kind = Kind::of(first & 0x0f).ok_or(broken("an opcode that means nothing"))?;
        let (is_last, is_compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        if first & 0x30 != 0 || (is_compressed && !self.may_compress) {
            return Err(broken("a reserved bit that no extension gave a meaning"));
        }
        if is_compressed && !matches!(kind, Kind::Text | Kind::Binary) {
            return Err(broken("a frame that is not the first of its message says that it is compressed"));
        }
        if (second & 0x80 != 0) != self.is_masked {
            return Err(broken("a frame that is masked and should not be, or the other way round"));
        }
        if kind.is_control() && (!is_last || second & 0x7f > 125) {
            return Err(broken("a control frame that is in parts or too long"));
        }
        let Some((length, rest)) = length(second & 0x7f, rest)? else { return Ok(None) };
        if length > room as u64 && !kind.is_control() {
            return Err(Violation { code: TOO_BIG, rule: "a message that is too long" });
        }
        let (key, rest) = match self.is_masked {
            false => ([0; 4], rest),
            true => match rest.split_first_chunk::<4>() {
                Some((key, rest)) => (*key, rest),
                None => return Ok(None),
            },
        };
        let bytes = self.held.len() - rest.len();
        let frame = Frame { is_last, is_compressed, kind, payload: Vec::new() };
        Ok(Some(Head { frame, length: usize::try_from(length).unwrap_or(usize::MAX), key, bytes }))
    }
}

impl Frame {
    /// Appends it as it is sent, masked by `key` if by one.
    pub fn write(mut self, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
        let flags = u8::from(self.is_last) << 7 | u8::from(self.is_compressed) << 6;
        let masked = if key.is_some() { 0x80 } else { 0 };
        out.push(flags | self.kind.code());
        match (u8::try_from(self.payload.len()), u16::try_from(self.payload.len())) {
            (Ok(length @ 0..=125), _) => out.push(masked | length),
            (_, Ok(length)) => {
                out.push(masked | 126);
                out.extend_from_slice(&length.to_be_bytes());
            }
            (_, Err(_)) => {
                out.push(masked | 127);
                out.extend_from_slice(&(self.payload.len() as u64).to_be_bytes());
            }
        }
        if let Some(key) = key {
            out.extend_from_slice(&key);
            mask(&mut self.payload, key);
        }
        out.append(&mut self.payload);
    }
}

/// The length of a payload, in the fewest bytes that hold it (§5.2); `None` while more must come.
fn length(first: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (length, rest, least) = match first {
        126 => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), rest, 126),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest, 1 << 16),
            None => return Ok(None),
        },
        length => (u64::from(length), rest, 0),
    };
    match length {
        length if length < least || length > i64::MAX as u64 => {
            Err(broken("a length that is not written as it must be"))
        }
        length => Ok(Some((length, rest))),
    }
}

fn mask(payload: &mut [u8], key: [u8; 4]) {
    if key != [0; 4] {
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
}

pub(super) fn broken(rule: &'static str) -> Violation {
    Violation { code: PROTOCOL, rule }
}

/// Codes of close frames (§7.4.1).
pub(super) const NORMAL: u16 = 1000;
pub(super) const GOING_AWAY: u16 = 1001;
pub(super) const PROTOCOL: u16 = 1002;
pub(super) const NO_CODE: u16 = 1005;
pub(super) const NOT_UTF8: u16 = 1007;
pub(super) const POLICY: u16 = 1008;
pub(super) const TOO_BIG: u16 = 1009;
pub(super) const INTERNAL: u16 = 1011;
/// The service restarts (the registry of RFC 6455 §11.7): clients open the socket anew.
pub(super) const RESTART: u16 = 1012;

/// Whether a close frame may hold `code`: one of the specification's, of its registry, or of a library's or
/// application's (§7.4.2).
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
