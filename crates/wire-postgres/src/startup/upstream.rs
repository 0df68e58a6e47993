//! panguard's side of a session's beginning with the protected server.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use access::Secret;
use bytes::{BufMut, Bytes, BytesMut};
use wire::{Side, Violation};

use super::failure::Failure;
use super::scram::{Authentication, Next};
use super::{PROTOCOL_3_0, code};
use crate::frame::{Fields, Frame, Frames, put_cstring};

/// Longest cancel key, in bytes (protocol 3.2).
pub const CANCEL_KEY_BYTES_MAX: usize = 256;

/// How long the cancel keys are that panguard gives in protocol 3.2, in bytes.
pub(super) const CANCEL_KEY_BYTES: usize = 32;

/// Everything needed to sign in at an upstream.
#[derive(Clone)]
pub struct Login {
    /// The role.
    pub user: Box<str>,
    /// Its password.
    pub password: Secret,
    /// The database on the server.
    pub database: Box<str>,
    /// The agent's settings, from [`super::Presented`]. `client_encoding` is UTF8 and
    /// `standard_conforming_strings` on whatever they say.
    pub parameters: Vec<(String, String)>,
    /// The password may be sent as it is: the connection is TLS, or stays on this machine.
    pub clear_text_allowed: bool,
    /// What binds a SCRAM exchange to the TLS connection.
    pub channel_binding: ChannelBinding,
}

/// What binds a SCRAM exchange to the TLS connection under it (RFC 5929 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelBinding {
    /// There is no TLS, or its certificate's signature has no hash to take.
    None,
    /// `tls-server-end-point`: the hash of the server's certificate, by the hash function of the
    /// certificate's signature; SHA-256 where that is MD5 or SHA-1.
    ServerEndPoint(Box<[u8]>),
}

/// The beginning of one session with an upstream, as a pure state machine.
///
/// It asks for protocol 3.0 and UTF-8, signs in, and ends at the first ReadyForQuery. Reads at most
/// 256 KiB from the server; how long it may take is for the driver to bound.
pub struct Upstream {
    login: Login,
    state: State,
    frames: Frames,
    read_bytes: usize,
    parameters: Vec<(String, String)>,
    cancel_key: Option<(u32, Box<[u8]>)>,
    steps: VecDeque<UpstreamStep>,
}

/// What the driver must do next, in order.
pub enum UpstreamStep {
    /// Write these bytes to the upstream.
    Send(Bytes),
    /// The session is open.
    Ready(Ready),
}

/// An upstream session in which no command has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What its ParameterStatus messages said, in order, each name once.
    pub parameters: Vec<(String, String)>,
    /// The process id by which to cancel.
    pub process_id: u32,
    /// The cancel key: 4 to 256 bytes.
    pub key: Box<[u8]>,
}

enum State {
    Authenticating(Authentication),
    /// Signed in; parameters, a cancel key and ReadyForQuery are to come.
    Settling,
    Ready,
    /// Nothing more is believed.
    Failed,
}

impl Upstream {
    /// Begins; [`Upstream::poll`] has the StartupMessage.
    pub fn new(login: Login) -> Self {
        let startup = UpstreamStep::Send(startup_message(&login));
        Self {
            login,
            state: State::Authenticating(Authentication::Request),
            frames: Frames::new(Side::Upstream, FRAME_BYTES_MAX),
            read_bytes: 0,
            parameters: Vec::new(),
            cancel_key: None,
            steps: VecDeque::from([startup]),
        }
    }

    /// Takes what the upstream sent.
    ///
    /// # Errors
    /// [`Failure`] if no session comes of it: the driver closes the connection.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.read_bytes = self.read_bytes.saturating_add(bytes.len());
        if self.read_bytes > STARTUP_BYTES_MAX {
            return Err(self.broken("more than 256 KiB before ReadyForQuery"));
        }
        self.frames.push(bytes);
        let outcome = self.advance();
        if outcome.is_err() {
            self.state = State::Failed;
        }
        outcome
    }

    /// The next step, or `None` until more input arrives.
    pub fn poll(&mut self) -> Option<UpstreamStep> {
        self.steps.pop_front()
    }

    fn advance(&mut self) -> Result<(), Failure> {
        loop {
            // Nothing was asked after ReadyForQuery, so whatever follows it is nobody's answer.
            if matches!(self.state, State::Ready | State::Failed) && self.frames.len() > 0 {
                return Err(self.broken("bytes after ReadyForQuery that nothing asked for"));
            }
            let Some(frame) = self.frames.next().map_err(Failure::Violation)? else { return Ok(()) };
            self.state = match std::mem::replace(&mut self.state, State::Failed) {
                State::Authenticating(authentication) => self.authenticate(authentication, &frame)?,
                State::Settling => self.settle(&frame)?,
                State::Ready | State::Failed => State::Failed,
            };
        }
    }

    fn authenticate(&mut self, authentication: Authentication, frame: &Frame) -> Result<State, Failure> {
        match frame.tag() {
            b'R' => match authentication.receive(frame.body(), &self.login)? {
                Next::SignedIn => Ok(State::Settling),
                Next::Await(authentication, send) => {
                    self.steps.extend(send.map(UpstreamStep::Send));
                    Ok(State::Authenticating(authentication))
                }
            },
            b'N' => Ok(State::Authenticating(authentication)),
            b'E' => Err(refused(frame)),
            b'v' => Err(self.broken("NegotiateProtocolVersion, though 3.0 without options was asked for")),
            _ => Err(self.broken("a message that has no place before authentication")),
        }
    }

    fn settle(&mut self, frame: &Frame) -> Result<State, Failure> {
        match frame.tag() {
            b'S' => self
                .parameter_status(frame.fields())
                .ok_or_else(|| self.broken("a malformed ParameterStatus"))?,
            b'K' => {
                let malformed = "a BackendKeyData whose key is not 4 to 256 bytes long, or a second one";
                self.backend_key(frame.fields()).ok_or_else(|| self.broken(malformed))?;
            }
            b'N' => {}
            b'Z' => {
                self.ready(frame.body())?;
                return Ok(State::Ready);
            }
            b'E' => return Err(refused(frame)),
            _ => return Err(self.broken("a message that has no place before ReadyForQuery")),
        }
        Ok(State::Settling)
    }

    fn parameter_status(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let (name, value) = (fields.str()?, fields.str()?);
        self.parameters.retain(|(earlier, _)| earlier != name);
        self.parameters.push((name.into(), value.into()));
        fields.is_empty().then_some(())
    }

    fn backend_key(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let (process_id, key) = (fields.u32()?, fields.rest());
        let fits = (4..=CANCEL_KEY_BYTES_MAX).contains(&key.len());
        (fits && self.cancel_key.replace((process_id, key.into())).is_none()).then_some(())
    }

    fn ready(&mut self, status: &[u8]) -> Result<(), Failure> {
        if status != b"I" {
            return Err(self.broken("a new session that is inside a transaction"));
        }
        let Some((process_id, key)) = self.cancel_key.take() else {
            return Err(self.broken("ReadyForQuery without BackendKeyData"));
        };
        let is_other = |(name, asked): (&str, &str)| {
            self.parameters.iter().any(|(reported, value)| reported == name && value != asked)
        };
        if TEXT_SETTINGS.into_iter().any(is_other) {
            return Err(
                self.broken("a client_encoding or standard_conforming_strings that was not asked for")
            );
        }
        let parameters = std::mem::take(&mut self.parameters);
        self.steps.push_back(UpstreamStep::Ready(Ready { parameters, process_id, key }));
        Ok(())
    }

    fn broken(&self, rule: &'static str) -> Failure {
        Failure::Violation(Violation { by: Side::Upstream, rule })
    }
}

/// The packet that asks for TLS; the answer is for [`ssl_answer`].
pub fn ssl_request() -> Bytes {
    packet(|body| body.put_u32(code::SSL))
}

/// An upstream's answer to an SSLRequest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsAnswer {
    /// Begin the TLS handshake.
    Upgrade,
    /// The server has no TLS. With a `tls` other than `disable`, that is the end.
    Unavailable,
}

/// Reads all that came after an SSLRequest; `None` until anything has.
///
/// # Errors
/// [`Violation`] on any other answer, an ErrorResponse among them: nothing is believed before TLS. Also
/// when more than the one byte came (CVE-2021-23222).
pub fn ssl_answer(bytes: &[u8]) -> Result<Option<TlsAnswer>, Violation> {
    match bytes {
        [] => Ok(None),
        [b'S'] => Ok(Some(TlsAnswer::Upgrade)),
        [b'N'] => Ok(Some(TlsAnswer::Unavailable)),
        [b'S' | b'N', _, ..] => {
            Err(Violation { by: Side::Upstream, rule: "bytes between SSLRequest and TLS handshake" })
        }
        _ => Err(Violation { by: Side::Upstream, rule: "an answer to SSLRequest that is neither S nor N" }),
    }
}

/// The packet that asks an upstream, on a connection of its own, to stop what a session does.
pub fn cancel_request(process_id: u32, key: &[u8]) -> Bytes {
    packet(|body| {
        body.put_u32(code::CANCEL);
        body.put_u32(process_id);
        body.put_slice(key);
    })
}

/// How the upstream reads texts: as panguard does, whatever its role or database is set to.
const TEXT_SETTINGS: [(&str, &str); 2] = [("client_encoding", "UTF8"), ("standard_conforming_strings", "on")];

fn startup_message(login: &Login) -> Bytes {
    packet(|body| {
        body.put_u32(PROTOCOL_3_0);
        let [encoding, strings] = TEXT_SETTINGS;
        let own = [("user", &*login.user), ("database", &*login.database), encoding, strings];
        let agents = login.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in
            own.into_iter().chain(agents.filter(|(name, _)| !own.iter().any(|(own, _)| own == name)))
        {
            put_cstring(body, name.as_bytes());
            put_cstring(body, value.as_bytes());
        }
        body.put_u8(0);
    })
}

/// A message without a tag: a length that counts itself, and `body`.
fn packet(body: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut content = BytesMut::new();
    body(&mut content);
    let mut out = BytesMut::with_capacity(4 + content.len());
    // Configuration and startup parameters are far below 4 GiB.
    out.put_u32(u32::try_from(content.len() + 4).unwrap_or(u32::MAX));
    out.put_slice(&content);
    out.freeze()
}

fn refused(frame: &Frame) -> Failure {
    let (sqlstate, message) = error_fields(frame.fields());
    Failure::Refused { sqlstate, message }
}

/// The SQLSTATE and the primary message of an ErrorResponse, for operators; empty where it has none.
pub(crate) fn error_fields(mut fields: Fields<'_>) -> (Box<str>, Box<str>) {
    let (mut sqlstate, mut message) = (Box::default(), Box::default());
    while let Some(kind) = fields.u8().filter(|kind| *kind != 0) {
        let Some(text) = fields.cstring() else { break };
        match kind {
            b'C' => sqlstate = String::from_utf8_lossy(text).into(),
            b'M' => message = String::from_utf8_lossy(text).into(),
            _ => {}
        }
    }
    (sqlstate, message)
}

/// Feeds `data`, cut where its first byte says, to a beginning that must survive any server.
#[doc(hidden)]
pub fn fuzz_upstream_startup(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let mut upstream = Upstream::new(Login {
        user: "app".into(),
        password: Secret::from(String::from("not to be seen")),
        database: "payments".into(),
        parameters: Vec::new(),
        clear_text_allowed: cut & 1 != 0,
        channel_binding: ChannelBinding::None,
    });
    let _ = ssl_answer(data);
    for chunk in data.chunks(usize::from(*cut).max(1)) {
        let failed = upstream.receive(chunk).is_err();
        assert!(upstream.frames.len() <= FRAME_BYTES_MAX + chunk.len(), "what is kept is bounded");
        if failed {
            assert!(upstream.receive(b"Z\0\0\0\x05I").is_err(), "a failure is final");
            return;
        }
    }
}

/// Longest message read at start-up, in bytes.
const FRAME_BYTES_MAX: usize = 64 << 10;

/// Most bytes read from an upstream before ReadyForQuery. PostgreSQL sends less than 2 KiB.
const STARTUP_BYTES_MAX: usize = 256 << 10;
