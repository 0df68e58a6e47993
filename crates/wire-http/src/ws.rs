//! WebSocket (RFC 6455, RFC 7692): messages of both sides, looked at as they pass.
//!
//! Each side has a socket of its own with panguard; between them go whole messages, and what stands between the messages.
//! A message is told when its end is there: what it holds nobody can say before. What it was cut into, how it was packed and
//! by what it was masked is each side's own business.
//!
//! ```text
//!           a frame       its last        looked at
//!   Reader ────────▶ Part ────────▶ Look ──────────▶ out ──▶ the other side
//!                                    │ may not pass, or a frame that may not be: both sides are told to close
//! ```

mod deflate;
mod frame;
mod fuzz;
mod handshake;
mod look;
#[cfg(test)]
mod tests;

use access::{Code, Outcome, Redacted, RequestId, Status, Told};
use wire::Side;

use crate::body::{Care, Withheld};
use crate::kept::{self, Kept};
use deflate::{Agreed, Deflate, Inflate};
use frame::{
    Frame, GOING_AWAY, INTERNAL, Kind, NO_CODE, NORMAL, NOT_UTF8, POLICY, RESTART, Reader, TOO_BIG,
    Violation, broken, may_be_sent,
};
#[doc(hidden)]
pub use fuzz::fuzz_socket;
pub(crate) use handshake::{Handshake, Opened};
use look::Look;

/// Bytes of a message, packed or not.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// What gives keys that nobody can foretell, by which frames are masked (§10.3); `None` where there is no randomness.
pub type Keys = Box<dyn FnMut() -> Option<[u8; 4]> + Send>;

/// Both sides' sockets, once they are open.
pub struct Relay {
    request: RequestId,
    from_agent: Way,
    from_upstream: Way,
    keys: Keys,
    /// How it ended.
    ended: Option<Status>,
    /// Messages of the agent.
    messages: u64,
    /// Bytes of messages that the agent was told.
    told: u64,
    /// Texts that the agent was told, each on a line of its own.
    kept: Kept,
    /// Whether it was told what is no text.
    told_other: bool,
    /// Things that were masked in the handshake.
    in_head: u64,
}

/// A relay that wants keys to begin.
pub struct Opening {
    pub(crate) request: RequestId,
    pub(crate) answers: Care,
    pub(crate) requests: Care,
    /// What was agreed on with the agent.
    pub(crate) with_agent: Option<Agreed>,
    /// What was agreed on with the upstream.
    pub(crate) with_upstream: Option<Agreed>,
    pub(crate) in_head: u64,
    /// Bytes of one message of the agent's, and of one of the upstream's.
    pub(crate) bytes_max: (Option<u64>, Option<u64>),
    /// Bytes of what the agent is told that are kept.
    pub(crate) kept_bytes_max: usize,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening of {}", self.request)
    }
}

/// What goes from one side to the other.
struct Way {
    /// Bytes of one message.
    bytes_max: usize,
    reader: Reader,
    inflate: Option<Inflate>,
    part: Option<Part>,
    look: Look,
    deflate: Option<Deflate>,
    /// What is to be sent to the other side.
    out: Vec<u8>,
    /// The code with which this side closed.
    closed: Option<u16>,
}

/// A message whose end has not come.
struct Part {
    is_text: bool,
    is_compressed: bool,
    data: Vec<u8>,
}

/// Why a frame does not pass.
enum Stopped {
    Violation(Violation),
    Withheld(Withheld),
}

impl From<Violation> for Stopped {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Withheld> for Stopped {
    fn from(withheld: Withheld) -> Self {
        Self::Withheld(withheld)
    }
}

impl Opening {
    /// Begins, with what gives the keys of frames to the upstream.
    pub fn begin(self, keys: Keys) -> Relay {
        let Self {
            request,
            answers,
            requests,
            with_agent,
            with_upstream,
            in_head,
            bytes_max,
            kept_bytes_max,
        } = self;
        let inflate = |agreed: Option<Agreed>, takes_over: fn(Agreed) -> bool| {
            agreed.map(|agreed| Inflate::new(takes_over(agreed)))
        };
        let bounded = |max: Option<u64>| {
            let max = max.and_then(|max| usize::try_from(max).ok());
            max.map_or(MESSAGE_BYTES_MAX, |max| max.min(MESSAGE_BYTES_MAX))
        };
        let from_agent = Way {
            bytes_max: bounded(bytes_max.0),
            reader: Reader::new(true, with_agent.is_some()),
            inflate: inflate(with_agent, |agreed| agreed.client_takes_over),
            part: None,
            look: Look::new(requests),
            deflate: with_upstream
                .map(|agreed| Deflate::new(agreed.client_takes_over, deflate::WINDOW_BITS_MAX)),
            out: Vec::new(),
            closed: None,
        };
        let from_upstream = Way {
            bytes_max: bounded(bytes_max.1),
            reader: Reader::new(false, with_upstream.is_some()),
            inflate: inflate(with_upstream, |agreed| agreed.server_takes_over),
            part: None,
            look: Look::new(answers),
            deflate: with_agent
                .map(|agreed| Deflate::new(agreed.server_takes_over, agreed.server_window_bits)),
            out: Vec::new(),
            closed: None,
        };
        Relay {
            request,
            from_agent,
            from_upstream,
            keys,
            ended: None,
            messages: 0,
            told: 0,
            kept: Kept::new(kept_bytes_max),
            told_other: false,
            in_head,
        }
    }
}

impl Relay {
    /// Names the request that opened it.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Goes on with what `side` sent.
    pub fn push(&mut self, side: Side, bytes: &[u8]) {
        if self.ended.is_some() {
            return;
        }
        self.way(side).reader.push(bytes);
        while self.ended.is_none() && self.way(side).closed.is_none() {
            let way = self.way(side);
            let room = way.bytes_max - way.part.as_ref().map_or(0, |part| part.data.len());
            let went = match way.reader.next(room) {
                Ok(None) => return,
                Ok(Some(frame)) => self.frame(side, frame),
                Err(violation) => Err(violation.into()),
            };
            if let Err(why) = went {
                self.stop(side, why);
            }
        }
    }

    /// Takes what is to be sent to `side`.
    pub fn take(&mut self, side: Side) -> Vec<u8> {
        std::mem::take(&mut self.way(other(side)).out)
    }

    /// Whether nothing goes on, once what is to be sent is.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether either side has said that it closes, and waits for the other.
    pub fn is_closing(&self) -> bool {
        self.from_agent.closed.is_some() || self.from_upstream.closed.is_some()
    }

    /// A side went without a word: so does the other.
    pub fn cut(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(match self.from_agent.closed.or(self.from_upstream.closed) {
                Some(code) => Status::Completed(code.to_string().into()),
                None => Status::Failed("1006".into()),
            });
        }
    }

    /// The token of the agent holds no more.
    pub fn expired(&mut self) {
        self.end(POLICY, &told(Code::TokenExpired, ""), GOING_AWAY, Status::Failed("1008".into()));
    }

    /// The agent's access is revoked.
    pub fn revoked(&mut self) {
        self.end(POLICY, &told(Code::Revoked, ""), GOING_AWAY, Status::Failed("1008".into()));
    }

    /// The gateway goes.
    pub fn shut_down(&mut self) {
        self.end(GOING_AWAY, &told(Code::ShuttingDown, ""), GOING_AWAY, Status::Failed("1001".into()));
    }

    /// What was decided is decided no more: the agent may ask anew. `why` in a few words.
    pub fn decide_anew(&mut self, why: &str) {
        self.end(RESTART, &format!("{why}, open it anew"), GOING_AWAY, Status::Failed("1012".into()));
    }

    /// How it ended: also if it did not, and nobody is there any more.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            request: self.request,
            status: self.ended.clone().unwrap_or(Status::Unknown),
            rows: self.messages,
            masked: self.in_head + self.from_agent.look.found() + self.from_upstream.look.found(),
            bytes: self.told,
            revealed: Vec::new(),
            told: self.transcript(),
            said: None,
        }
    }

    /// What the agent was told, as far as it is kept.
    fn transcript(&self) -> Option<Box<Told>> {
        let text = kept::text(self.kept.bytes())?;
        let is_whole = self.kept.is_whole() && !self.told_other && self.ended.is_some();
        Some(Box::new(Told { text: Redacted::new(text.into()), is_whole }))
    }

    fn way(&mut self, from: Side) -> &mut Way {
        match from {
            Side::Agent => &mut self.from_agent,
            Side::Upstream => &mut self.from_upstream,
        }
    }

    fn frame(&mut self, side: Side, frame: Frame) -> Result<(), Stopped> {
        let way = self.way(side);
        match frame.kind {
            Kind::Close => return self.close(side, &frame.payload),
            Kind::Ping | Kind::Pong => {
                let payload = way.look.control(&frame.payload)?;
                return self.write(side, Frame { payload, ..frame });
            }
            Kind::Text | Kind::Binary if way.part.is_some() => {
                return Err(broken("a message begins within another").into());
            }
            Kind::Text | Kind::Binary => {
                let (is_text, is_compressed) = (frame.kind == Kind::Text, frame.is_compressed);
                way.part = Some(Part { is_text, is_compressed, data: frame.payload });
            }
            Kind::Continuation => match &mut way.part {
                Some(part) => part.data.extend_from_slice(&frame.payload),
                None => return Err(broken("nothing goes on").into()),
            },
        }
        match way.part.take() {
            Some(part) if frame.is_last => self.message(side, part),
            part => {
                self.way(side).part = part;
                Ok(())
            }
        }
    }

    fn message(&mut self, side: Side, part: Part) -> Result<(), Stopped> {
        let way = self.way(side);
        let data = match (&mut way.inflate, part.is_compressed) {
            (Some(inflate), true) => inflate.message(&part.data, way.bytes_max)?,
            (_, false) => part.data,
            (None, true) => return Err(broken("a message is compressed").into()),
        };
        if part.is_text && str::from_utf8(&data).is_err() {
            return Err(Violation { code: NOT_UTF8, rule: "text that is not UTF-8" }.into());
        }
        let looked = way.look.message(part.is_text, &data)?;
        let packed = way.deflate.as_mut().map(|deflate| deflate.message(&looked)).transpose()?;
        match side {
            Side::Agent => self.messages += 1,
            Side::Upstream => {
                self.told += looked.len() as u64;
                if part.is_text {
                    self.kept.take(&looked);
                    self.kept.take(b"\n");
                } else {
                    self.told_other = true;
                }
            }
        }
        let kind = if part.is_text { Kind::Text } else { Kind::Binary };
        let is_compressed = packed.is_some();
        let payload = packed.unwrap_or(looked);
        self.write(side, Frame { is_last: true, is_compressed, kind, payload })
    }

    /// A close frame: passed on, and what came before it is all there was.
    fn close(&mut self, side: Side, payload: &[u8]) -> Result<(), Stopped> {
        let (code, payload) = match payload.split_first_chunk::<2>() {
            None if payload.is_empty() => (NO_CODE, Vec::new()),
            None => return Err(broken("a close frame of one byte").into()),
            Some((code, reason)) => {
                let number = u16::from_be_bytes(*code);
                if !may_be_sent(number) {
                    return Err(broken("a close frame with a code that may not be sent").into());
                }
                if str::from_utf8(reason).is_err() {
                    return Err(Violation { code: NOT_UTF8, rule: "text that is not UTF-8" }.into());
                }
                let reason = self.way(side).look.control(reason)?;
                let reason = if str::from_utf8(&reason).is_ok() { reason } else { Vec::new() };
                (number, [code.as_slice(), &reason].concat())
            }
        };
        self.way(side).closed = Some(code);
        if let Some(first) = self.way(other(side)).closed {
            let first = if first == NO_CODE { NORMAL } else { first };
            self.ended = Some(Status::Completed(first.to_string().into()));
        }
        self.write(side, Frame { is_last: true, is_compressed: false, kind: Kind::Close, payload })
    }

    /// Sends a frame on to the other side.
    fn write(&mut self, from: Side, frame: Frame) -> Result<(), Stopped> {
        let key = match from {
            Side::Upstream => None,
            Side::Agent => Some((self.keys)().ok_or(Violation { code: INTERNAL, rule: "no randomness" })?),
        };
        frame.write(key, &mut self.way(from).out);
        Ok(())
    }

    /// Nothing that `side` says passes any more.
    fn stop(&mut self, side: Side, why: Stopped) {
        match (side, why) {
            (Side::Agent, Stopped::Violation(Violation { code, rule })) => {
                let said = if code == TOO_BIG { Code::LimitReached } else { Code::Malformed };
                self.end(code, &told(said, rule), GOING_AWAY, Status::Failed(code.to_string().into()));
            }
            (Side::Upstream, Stopped::Violation(Violation { code, .. })) => {
                let said = told(Code::UpstreamUnavailable, "it broke the protocol");
                self.end(INTERNAL, &said, code, Status::Failed("1011".into()));
            }
            (_, Stopped::Withheld(withheld)) => {
                let code = match (side, withheld) {
                    (Side::Upstream, _) => Code::AnswerWithheld,
                    (Side::Agent, Withheld::Sad | Withheld::CardData) => Code::RevealDenied,
                    (Side::Agent, Withheld::NotUnderstood(_)) => Code::NotUnderstood,
                    (Side::Agent, Withheld::TooLarge(_)) => Code::LimitReached,
                };
                let status = Status::Withheld(withheld.words());
                self.end(POLICY, &told(code, withheld.words()), GOING_AWAY, status);
            }
        }
    }

    /// Tells both sides to close. One that has said so itself is told nothing more.
    fn end(&mut self, agent: u16, reason: &str, upstream: u16, status: Status) {
        if self.ended.is_some() {
            return;
        }
        let close = |code: u16, reason: &str| Frame {
            is_last: true,
            is_compressed: false,
            kind: Kind::Close,
            payload: [code.to_be_bytes().as_slice(), reason.as_bytes()].concat(),
        };
        self.ended = Some(status);
        if self.from_upstream.closed.is_none() {
            close(agent, reason).write(None, &mut self.from_upstream.out);
        }
        if self.from_agent.closed.is_none()
            && let Some(key) = (self.keys)()
        {
            close(upstream, "").write(Some(key), &mut self.from_agent.out);
        }
    }
}

/// The reason of a close frame: the code of the refusal and what it is about, which is short enough (§5.5).
fn told(code: Code, what: &str) -> String {
    let what = if what.is_empty() { code.what() } else { what };
    let text = format!("{code}: {what}");
    text.chars().take(REASON_CHARS_MAX).collect()
}

fn other(side: Side) -> Side {
    match side {
        Side::Agent => Side::Upstream,
        Side::Upstream => Side::Agent,
    }
}

/// Of ASCII, which all reasons are of.
const REASON_CHARS_MAX: usize = 120;
