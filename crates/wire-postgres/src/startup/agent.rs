//! The agent's side of a session's beginning: from the first byte to a token, and the answer to it.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use access::{Refusal, RequestId, Secret, SessionId};
use bytes::{BufMut, Bytes, BytesMut};
use wire::{Side, Violation};

use super::PROTOCOL_3_0;
use super::answer::{Answer, authentication, put_authentication};
use super::fault::Fault;
use super::inbox::{BadLength, Inbox};
use super::oauth::{self, Auth, Bearer, Discovery, Method};
use super::packet::{PACKET_BYTES_MAX, Packet, Startup};
use super::setting::Settings;
use crate::error::{self, Severity};
use crate::frame::{Fields, message, put_cstring};

/// How the agent's bytes come, and what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// They already come through TLS (direct TLS).
    pub tls: bool,
    /// An SSLRequest can be granted.
    pub tls_offered: bool,
    /// Plain text may be used: both ends are on loopback.
    pub plain_allowed: bool,
}

/// The beginning of one session with an agent, as a pure state machine.
///
/// ```text
/// Packet ──SSLRequest──▶ Handshake ──tls_established──▶ Packet
/// Packet ──GSSENCRequest, or SSLRequest without TLS──▶ Packet      answered N
/// Packet ──CancelRequest──▶ Over
/// Packet ──StartupMessage──▶ Password ──PasswordMessage──▶ Deciding
///                       └──▶ Initial ──(token)──▶ Deciding
///                              └──(no token)──▶ Resignation ──▶ Over
/// ```
/// Whatever does not fit is answered with an ErrorResponse and [`Step::Close`].
pub struct Agent {
    request: RequestId,
    transport: Transport,
    auth: Auth,
    state: State,
    ssl_asked: bool,
    gss_asked: bool,
    inbox: Inbox,
    steps: VecDeque<Step>,
}

/// What the driver must do next, in order.
pub enum Step {
    /// Write these bytes to the agent.
    Send(Bytes),
    /// Make the connection TLS, as server; then call [`Agent::tls_established`].
    UpgradeTls,
    /// Stop what the session with this process id and key does. [`Step::Close`] follows.
    Cancel {
        /// As given in the BackendKeyData of the session to be cancelled.
        process_id: u32,
        /// The key to compare with that session's, in constant time.
        key: Box<[u8]>,
    },
    /// Find out whose token this is, whether they may connect, and [`Answer`].
    Authenticate(Presented),
    /// Close the connection once everything is sent.
    Close(Ended),
}

/// Why a connection ends before its session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was refused, and the agent was told so.
    Refused(Box<Refusal>),
    /// The agent broke the protocol, and was told so.
    Violation(Violation),
    /// It was a cancel request, which has no answer.
    Cancel,
    /// The agent hung up, as psql does when it has to ask for a password first.
    Gone,
}

/// What an agent presents.
pub struct Presented {
    /// The token, not checked in any way.
    pub token: Secret,
    /// The user named. It proves nothing.
    pub user: String,
    /// The connection asked for; the user's name when none was, as in PostgreSQL.
    pub database: String,
    /// Settings that go upstream as they are; `client_encoding` is never among them.
    pub parameters: Vec<(String, String)>,
    /// The protocol's minor version: 0 or 2.
    pub protocol_minor: u16,
    /// What the agent is owed.
    pub answer: Answer,
}

/// What is awaited.
enum State {
    Packet,
    Handshake,
    Password(Wish),
    /// A SASLInitialResponse, or, when `empty`, the SASLResponse that it should have held.
    Initial {
        wish: Wish,
        empty: bool,
    },
    /// The end of an OAUTHBEARER exchange that brought no token.
    Resignation,
    Deciding,
    Over,
}

/// What a StartupMessage asks for.
struct Wish {
    user: String,
    database: Option<String>,
    parameters: Vec<(String, String)>,
    protocol_minor: u16,
}

/// Why the conversation cannot go on.
enum Stop {
    Fault(Fault),
    Rule(&'static str),
    /// The agent says goodbye.
    Gone,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Agent {
    /// The beginning of `session`, on a connection of which no byte (inside TLS, if it is TLS) was read.
    pub fn new(session: SessionId, transport: Transport, auth: Auth) -> Self {
        Self {
            request: session.request(0),
            transport,
            auth,
            state: State::Packet,
            ssl_asked: false,
            gss_asked: false,
            inbox: Inbox::new(),
            steps: VecDeque::new(),
        }
    }

    /// Takes what the agent sent. What it is owed, also when it broke the protocol, comes from
    /// [`Agent::poll`].
    pub fn receive(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Over) {
            return;
        }
        self.inbox.push(bytes);
        while !matches!(self.state, State::Over) {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => break,
                Err(stop) => self.stop(stop),
            }
        }
    }

    /// The next step, or `None` until more input arrives.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Says that the TLS handshake asked for by [`Step::UpgradeTls`] is done.
    pub fn tls_established(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.transport.tls = true;
            self.state = State::Packet;
        }
    }

    /// Refuses the connection before its agent was heard to the end: too many, too slow, shutting down.
    pub fn refuse(&mut self, refusal: Refusal) {
        if matches!(self.state, State::Over) {
            return;
        }
        // Whatever is sent inside a handshake would not be read as an ErrorResponse.
        if !matches!(self.state, State::Handshake) {
            self.steps.push_back(Step::Send(error::response(&refusal, Severity::Fatal)));
        }
        self.end(Ended::Refused(Box::new(refusal)));
    }

    /// Takes the end of what the agent has to say.
    pub fn closed(&mut self) {
        if !matches!(self.state, State::Over) {
            self.end(Ended::Gone);
        }
    }

    /// What the agent sent after its token, which belongs to the session. At most 64 KiB.
    pub fn into_rest(mut self) -> Bytes {
        Bytes::from(self.inbox.take())
    }

    /// Goes one packet or message on; `false` until more input arrives.
    fn advance(&mut self) -> Result<bool, Stop> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Packet => self.packet(),
            // CVE-2021-23222: what comes before the handshake is not from inside TLS, whoever sent it.
            State::Handshake if self.inbox.len() > 0 => {
                Err(Stop::Rule("bytes between SSLRequest and TLS handshake"))
            }
            State::Handshake => self.wait(State::Handshake),
            State::Password(wish) => self.password(wish),
            State::Initial { wish, empty } => self.initial(wish, empty),
            State::Resignation => self.resignation(),
            State::Deciding if self.inbox.len() > REST_BYTES_MAX => {
                Err(Stop::Rule("commands before the session is open"))
            }
            State::Deciding => self.wait(State::Deciding),
            State::Over => Ok(false),
        }
    }

    fn wait(&mut self, state: State) -> Result<bool, Stop> {
        self.state = state;
        Ok(false)
    }

    fn packet(&mut self) -> Result<bool, Stop> {
        let body = self.inbox.packet(PACKET_BYTES_MAX).map_err(|length| match length {
            BadLength::TooShort => Stop::Rule("a startup packet whose length is below 4"),
            BadLength::TooLong => Stop::Rule("a startup packet longer than 10,000 bytes"),
        })?;
        let Some(body) = body else { return self.wait(State::Packet) };
        match Packet::parse(body.expose()).map_err(Stop::Rule)? {
            Packet::Ssl => self.ssl()?,
            Packet::GssEncryption => self.gss_encryption()?,
            Packet::Cancel { process_id, key } => {
                // A cancel request may come in plain text, as libpq before 17 sends it; its key is random
                // and is of no use for anything else.
                self.steps.push_back(Step::Cancel { process_id, key });
                self.end(Ended::Cancel);
            }
            Packet::OtherMajor(major) => return Err(Fault::OtherMajor(major).into()),
            Packet::Startup(startup) => self.startup(startup)?,
        }
        Ok(true)
    }

    fn ssl(&mut self) -> Result<(), Stop> {
        if self.transport.tls || std::mem::replace(&mut self.ssl_asked, true) {
            return Err(Stop::Rule("an SSLRequest inside TLS, or a second one"));
        }
        if !self.transport.tls_offered {
            self.state = State::Packet;
            self.steps.push_back(Step::Send(Bytes::from_static(b"N")));
            return Ok(());
        }
        if self.inbox.len() > 0 {
            return Err(Stop::Rule("bytes between SSLRequest and TLS handshake"));
        }
        self.state = State::Handshake;
        self.steps.extend([Step::Send(Bytes::from_static(b"S")), Step::UpgradeTls]);
        Ok(())
    }

    fn gss_encryption(&mut self) -> Result<(), Stop> {
        if self.transport.tls || std::mem::replace(&mut self.gss_asked, true) {
            return Err(Stop::Rule("a GSSENCRequest inside TLS, or a second one"));
        }
        self.state = State::Packet;
        self.steps.push_back(Step::Send(Bytes::from_static(b"N")));
        Ok(())
    }

    fn startup(&mut self, startup: Startup) -> Result<(), Stop> {
        let Transport { tls, tls_offered, plain_allowed } = self.transport;
        if !tls && !plain_allowed {
            return Err(Fault::PlainText { tls_offered }.into());
        }
        let protocol_minor = if startup.minor >= 2 { 2 } else { 0 };
        let (wish, method) = read_wish(&startup.parameters, protocol_minor)?;
        let mut out = BytesMut::new();
        if protocol_minor != startup.minor || !startup.options.is_empty() {
            put_negotiation(&mut out, protocol_minor, &startup.options);
        }
        self.state = match method.unwrap_or(self.auth.method) {
            Method::Password => {
                put_authentication(&mut out, authentication::CLEARTEXT_PASSWORD, b"");
                State::Password(wish)
            }
            Method::OAuthBearer => {
                put_authentication(&mut out, authentication::SASL, b"OAUTHBEARER\0\0");
                State::Initial { wish, empty: false }
            }
        };
        self.steps.push_back(Step::Send(out.freeze()));
        Ok(())
    }

    fn password(&mut self, wish: Wish) -> Result<bool, Stop> {
        let Some(body) = self.response()? else { return self.wait(State::Password(wish)) };
        match body.expose() {
            [0] => Err(Fault::NoToken.into()),
            [token @ .., 0] if !token.contains(&0) => Ok(self.present(wish, Secret::from(token.to_vec()))),
            _ => Err(Stop::Rule("a password message that is not one string")),
        }
    }

    fn initial(&mut self, wish: Wish, empty: bool) -> Result<bool, Stop> {
        let Some(body) = self.response()? else { return self.wait(State::Initial { wish, empty }) };
        let response = if empty { Some(body.expose()) } else { mechanism_response(body.expose())? };
        let Some(response) = response else {
            self.send_authentication(authentication::SASL_CONTINUE, b"");
            self.state = State::Initial { wish, empty: true };
            return Ok(true);
        };
        match oauth::initial_response(response).map_err(Stop::Rule)? {
            Bearer::Token(token) => Ok(self.present(wish, token)),
            Bearer::Nothing => {
                let challenge = Discovery::challenge(self.auth.discovery.as_ref());
                self.send_authentication(authentication::SASL_CONTINUE, challenge.as_bytes());
                self.state = State::Resignation;
                Ok(true)
            }
        }
    }

    fn resignation(&mut self) -> Result<bool, Stop> {
        let Some(body) = self.response()? else { return self.wait(State::Resignation) };
        match body.expose() == oauth::RESIGNATION {
            true => Err(Fault::NoToken.into()),
            false => Err(Stop::Rule("an OAUTHBEARER exchange that goes on after its challenge")),
        }
    }

    /// The body of the next message, which must be a response to a request for a token.
    fn response(&mut self) -> Result<Option<Secret>, Stop> {
        match self.inbox.first() {
            None | Some(b'p') => {}
            Some(b'X') => return Err(Stop::Gone),
            Some(_) => return Err(Stop::Rule("another message in the place of a password")),
        }
        self.inbox.message(RESPONSE_BYTES_MAX).map_err(|length| match length {
            BadLength::TooShort => Stop::Rule("a message whose length is below 4"),
            BadLength::TooLong => Fault::TokenTooLong.into(),
        })
    }

    fn present(&mut self, wish: Wish, token: Secret) -> bool {
        let Wish { user, database, parameters, protocol_minor } = wish;
        let database = database.unwrap_or_else(|| user.clone());
        let answer = Answer { protocol_minor, database_is_user: database == user };
        let presented = Presented { token, user, database, parameters, protocol_minor, answer };
        self.steps.push_back(Step::Authenticate(presented));
        self.state = State::Deciding;
        true
    }

    fn send_authentication(&mut self, kind: u32, data: &[u8]) {
        let mut out = BytesMut::new();
        put_authentication(&mut out, kind, data);
        self.steps.push_back(Step::Send(out.freeze()));
    }

    fn stop(&mut self, stop: Stop) {
        let (response, ended) = match stop {
            Stop::Gone => return self.end(Ended::Gone),
            Stop::Fault(fault) => {
                let (refusal, response) = fault.refusal(self.request);
                (response, Ended::Refused(Box::new(refusal)))
            }
            Stop::Rule(rule) => {
                let response = error::violation(rule, self.request);
                (response, Ended::Violation(Violation { by: Side::Agent, rule }))
            }
        };
        self.steps.push_back(Step::Send(response));
        self.end(ended);
    }

    fn end(&mut self, ended: Ended) {
        self.steps.push_back(Step::Close(ended));
        self.state = State::Over;
        self.inbox = Inbox::new();
    }
}

/// Sorts the parameters of a StartupMessage.
fn read_wish(parameters: &[(String, String)], protocol_minor: u16) -> Result<(Wish, Option<Method>), Stop> {
    let mut user = None;
    let mut database = None;
    for (name, value) in parameters {
        let twice = match name.as_str() {
            "user" => user.replace(value),
            "database" => database.replace(value),
            "replication" if !is_false(value) => return Err(Fault::Replication.into()),
            _ => None,
        };
        if twice.is_some() {
            return Err(Stop::Rule("a startup packet that names the user or the database twice"));
        }
    }
    let user = user.filter(|user| !user.is_empty()).ok_or(Fault::NoUser)?.clone();
    let database = database.filter(|database| !database.is_empty()).cloned();
    let settings = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !["user", "database", "replication"].contains(name));
    let Settings { forwarded, method } = Settings::read(settings).map_err(Fault::Unfit)?;
    Ok((Wish { user, database, parameters: forwarded, protocol_minor }, method))
}

/// Whether `value` is one of PostgreSQL's words for false that clients use.
fn is_false(value: &str) -> bool {
    ["false", "off", "no", "0"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// The response in a SASLInitialResponse; `None` if it holds none.
fn mechanism_response(body: &[u8]) -> Result<Option<&[u8]>, Stop> {
    const RULE: Stop = Stop::Rule("a SASL initial response that is not what its lengths say");
    let mut fields = Fields::over(body);
    if fields.cstring().ok_or(RULE)? != b"OAUTHBEARER" {
        return Err(Fault::OtherMechanism.into());
    }
    let response = fields.value().ok_or(RULE)?;
    if fields.is_empty() { Ok(response) } else { Err(RULE) }
}

/// NegotiateProtocolVersion: the version that is spoken, and the options that are not known (§55.7).
fn put_negotiation(out: &mut BytesMut, protocol_minor: u16, options: &[String]) {
    message(out, b'v', |body| {
        body.put_u32(PROTOCOL_3_0 | u32::from(protocol_minor));
        // Options fit a packet of 10,000 bytes.
        body.put_u32(u32::try_from(options.len()).unwrap_or_default());
        options.iter().for_each(|option| put_cstring(body, option.as_bytes()));
    });
}

/// Feeds `data` to an agent's beginning, cut where its first bytes say, and checks what must always hold.
#[doc(hidden)]
pub fn fuzz_agent_startup(data: &[u8]) {
    let Some(([flags, cut], data)) = data.split_first_chunk::<2>() else { return };
    let transport =
        Transport { tls: flags & 1 != 0, tls_offered: flags & 2 != 0, plain_allowed: flags & 4 != 0 };
    let method = if flags & 8 != 0 { Method::OAuthBearer } else { Method::Password };
    let mut agent = Agent::new(SessionId(1), transport, Auth { method, discovery: None });
    let mut closed = false;
    for chunk in data.chunks(usize::from(*cut).max(1)) {
        agent.receive(chunk);
        assert!(agent.inbox.len() <= REST_BYTES_MAX + RESPONSE_BYTES_MAX, "the inbox is bounded");
        while let Some(step) = agent.poll() {
            assert!(!closed, "nothing follows Close");
            match step {
                Step::UpgradeTls => agent.tls_established(),
                Step::Authenticate(presented) => {
                    assert!(agent.transport.tls || transport.plain_allowed, "no token in plain text");
                    assert!(!presented.token.expose().is_empty(), "no empty token");
                }
                Step::Close(_) => closed = true,
                Step::Send(_) | Step::Cancel { .. } => {}
            }
        }
    }
}

/// Longest response to a request for a token, in bytes: PostgreSQL's own limit for tokens.
const RESPONSE_BYTES_MAX: usize = 65_535;

/// Most bytes kept that an agent sends before its session is open. Clients wait, so it is none.
const REST_BYTES_MAX: usize = 64 << 10;
