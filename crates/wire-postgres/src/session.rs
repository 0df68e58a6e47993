//! One admitted agent's conversation with one upstream, after both have started up.
//!
//! ```text
//!            Query Parse Execute          Allow / Ahead
//!   Ready ───────────────────────▶ held ─────────────────▶ upstream, a reply is owed
//!     ▲  ▲                          │ Deny
//!     │  └── simple protocol ◀──────┤
//!     │ Sync                        ▼ extended protocol
//!     └───────────────────────── SkipToSync
//! ```
//! Every message that is not a command (Bind, Describe, Sync, …) goes upstream by the allow-list of
//! `command.rs`, in the order it came. What the upstream answers is matched with `replies.rs`.

mod alike;
mod answer;
mod ask;
mod bounded;
mod copy;
mod doubt;
mod fault;
mod held;
mod literals;
mod rows;
mod stand_in;
mod witness;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use access::{Code, Refusal, RequestId, SessionId, Status, Trace, Verdict};
use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes, BytesMut};
use mask::Masker;
use sql::Catalog;
use wire::{Effect, Session, Side, Violation, Word};

use crate::analyses::Analyses;
use crate::copy::Copied;
use crate::error::{self, Severity};
use crate::frame::{FRAME_BYTES_MAX, Frame, Frames, TOO_LONG};
use crate::kept::Kept;
use crate::names::Names;
use crate::replies::{Replies, Reply};
use crate::statement::{Portal, Statement};
use copy::CopyOut;
pub use doubt::Changes;
use doubt::Doubt;
use held::Held;
use witness::Witness;
use words::Touched;

/// What a session is made with.
pub struct Settings {
    /// Its id, part of every request id.
    pub session: SessionId,
    /// The connection's catalog: swapped by whoever refreshes it, read anew for each command.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What the connection's sessions do to it.
    pub changes: Arc<Changes>,
    /// What statements say, remembered across sessions.
    pub analyses: Arc<Analyses>,
    /// Whether the upstream is asked what statements read, before they are decided upon ([`Effect::Inquire`]).
    pub witness: bool,
    /// The deployment's masking profile.
    pub masker: Masker,
    /// Longest message accepted from either side, in bytes; at most 64 MiB, which is also the default.
    pub message_bytes_max: usize,
    /// How many bytes of each answer are kept for the audit log, as it is told.
    pub answer_bytes_max: usize,
}

/// Longest message accepted by default, in bytes.
pub const MESSAGE_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// A connection past its start-up: the state machine of DESIGN.md's "way of one command".
pub struct Postgres {
    settings: Settings,
    from_agent: Frames,
    from_upstream: Frames,
    to_agent: BytesMut,
    to_upstream: BytesMut,
    effects: VecDeque<Effect>,
    state: State,
    /// A command that was asked about and is not sent.
    held: Option<Held>,
    /// A message whose meaning hangs on an answer still to come.
    stalled: Option<Stalled>,
    /// Counts what the upstream has said that settles anything.
    heard: u64,
    replies: Replies,
    statements: Names<Arc<Statement>>,
    portals: Names<Arc<Portal>>,
    kept: Kept,
    /// Counts what the upstream does or skips as one: up to a Sync, or one simple query.
    segment: u64,
    /// Something of this segment has gone upstream.
    segment_open: bool,
    /// The transaction status of the last ReadyForQuery: `I`, `T` or `E`.
    status: u8,
    copy: Copy,
    /// The rest of an answer is kept from the agent, up to the next ReadyForQuery.
    withholding: bool,
    /// Counts what has gone upstream that may change what names stand for.
    turns: u64,
    requests: u32,
    /// Why it ends as soon as no command is running, if it does.
    winding_down: Option<Code>,
    /// Messages of the agent's that were read since.
    last_messages: u32,
    /// Whether one of those runs something.
    has_run_last: bool,
    stale: bool,
    doubt: Doubt,
    /// Whether a command has gone upstream that may have changed how later ones are read.
    has_set: bool,
    /// Whether it began with settings of its agent's.
    has_own_settings: bool,
    /// Whether something that has gone upstream may have changed what others do not see yet.
    has_written: bool,
    /// Whether its transaction goes on seeing what there was when it began.
    keeps_snapshot: bool,
    /// Whether something has gone upstream that may have changed how texts are read, and the upstream has not said since how
    /// it reads them: from version 14 on it says so when it is ready for more.
    unsettled: bool,
    /// What its client says of its trace as a whole.
    trace: Option<Trace>,
    /// The settings with which it began, by which values are read.
    reads_by: Box<[(Box<str>, Box<str>)]>,
    witness: Witness,
    /// Whether what others notify of may be told: all that they could know may be.
    hears: bool,
    touched: Touched,
}

/// Where the agent's side of the conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Messages are read.
    Ready,
    /// After a failure in the extended protocol everything is passed over up to Sync, as the server does
    /// (§55.2.3).
    SkipToSync,
    /// The agent has said goodbye, or will be told it after the answers before.
    Closing,
    /// Nothing more is read or told.
    Over,
}

/// A message put aside, and when that was, by [`Postgres::heard`].
struct Stalled {
    frame: Frame,
    since: u64,
    /// The upstream has been asked for the answers that it keeps back.
    flushed: bool,
}

/// What is being copied at the head of the replies.
enum Copy {
    None,
    /// From the agent: its copy data goes upstream.
    In,
    /// To the agent: its copy data is looked at as it stands.
    Out(CopyOut),
    /// To the agent, in rows whose columns are known.
    Rows(Box<Copied>),
}

impl Postgres {
    /// A session in which both sides are ready for a query and no transaction is open.
    pub fn new(settings: Settings) -> Self {
        let frame_bytes_max = settings.message_bytes_max.min(FRAME_BYTES_MAX);
        let changes = Arc::clone(&settings.changes);
        Self {
            settings,
            from_agent: Frames::new(Side::Agent, frame_bytes_max),
            from_upstream: Frames::new(Side::Upstream, FRAME_BYTES_MAX),
            to_agent: BytesMut::new(),
            to_upstream: BytesMut::new(),
            effects: VecDeque::new(),
            state: State::Ready,
            held: None,
            stalled: None,
            heard: 0,
            replies: Replies::default(),
            statements: Names::default(),
            portals: Names::default(),
            kept: Kept::default(),
            segment: 0,
            segment_open: false,
            status: b'I',
            copy: Copy::None,
            withholding: false,
            turns: 0,
            requests: 0,
            winding_down: None,
            last_messages: 0,
            has_run_last: false,
            stale: false,
            doubt: Doubt::new(changes),
            has_set: false,
            has_own_settings: false,
            has_written: false,
            keeps_snapshot: false,
            unsettled: false,
            trace: None,
            reads_by: Box::default(),
            witness: Witness::default(),
            hears: false,
            touched: Touched::default(),
        }
    }

    /// Takes note of the settings with which it begins, as the upstream reported them, by which values in a text are read.
    pub fn begins_with<'a>(&mut self, reported: impl Iterator<Item = (&'a str, &'a str)>) {
        let read = reported.filter(|(name, _)| READS_VALUES.contains(name));
        self.reads_by = read.map(|(name, value)| (name.into(), value.into())).collect();
        self.reads_by.sort_unstable();
    }

    /// Takes note of the settings that the agent asked for when it connected, after those that were reported.
    pub fn is_asked_for<'a>(&mut self, settings: impl Iterator<Item = (&'a str, &'a str)>) {
        // Those by which values are read another session can have too, as they were reported.
        let is_heeded = |name: &str| self.reads_by.iter().any(|(it, _)| name.eq_ignore_ascii_case(it));
        let (mut has_own, mut trace) = (false, None);
        for (name, value) in settings {
            has_own |= !is_heeded(name) && !sql::changes_nothing(name, value);
            if name.eq_ignore_ascii_case("application_name") {
                trace = Trace::named_in(value);
            }
        }
        (self.has_own_settings, self.trace) = (has_own, trace);
    }

    /// Whether something showed that the catalog snapshot is behind; asking resets it.
    pub fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.stale)
    }

    /// Whether the catalog snapshot cannot be relied on.
    fn doubts(&self) -> bool {
        self.doubt.is_there()
    }

    /// Goes on with whatever can go on: each side may have waited for the other.
    fn advance(&mut self) -> Result<(), Violation> {
        loop {
            let moved = self.read_upstream()? | self.read_agent()?;
            if !moved {
                break;
            }
        }
        if let Some(code) = self.winding_down
            && self.is_idle()
            && self.reads_agent()
        {
            self.say_goodbye(code);
        }
        Ok(())
    }

    /// Whether what the agent says still matters.
    fn reads_agent(&self) -> bool {
        matches!(self.state, State::Ready | State::SkipToSync)
    }

    fn say_goodbye(&mut self, code: Code) {
        self.tell(&error::response(&self.refusal(code, ""), Severity::Fatal));
        self.close();
    }

    /// Ends the session once all has been sent: what is at the upstream ends as unknown.
    fn close(&mut self) {
        if self.state == State::Over {
            return;
        }
        self.state = State::Over;
        if let Some(held) = self.held.take() {
            self.effects.push_back(Effect::Done(held.skipped()));
        }
        for owed in self.replies.drain() {
            if let Some(open) = owed.command {
                self.effects.push_back(Effect::Done(open.outcome(Status::Unknown)));
            }
        }
        self.effects.push_back(Effect::Close);
    }

    /// Appends to what the agent is sent.
    fn tell(&mut self, bytes: &[u8]) {
        self.to_agent.put_slice(bytes);
    }

    /// A refusal of panguard's own, not of policy's, in the name of the latest command.
    fn refusal(&self, code: Code, detail: &str) -> Refusal {
        Refusal {
            code,
            request: self.latest(),
            detail: detail.into(),
            columns: Vec::new(),
            policies: Vec::new(),
        }
    }

    /// The name of the latest question.
    fn latest(&self) -> RequestId {
        self.settings.session.request(self.requests)
    }

    /// The name of the next question.
    fn next_request(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        self.latest()
    }
}

/// Settings by which values in a text are read, and which agents may bring along: `'01/02/2024'` is one day or another.
const READS_VALUES: [&str; 3] = ["DateStyle", "IntervalStyle", "TimeZone"];

/// Bytes of the agent's that are read while its command is held: enough to see a hang-up, then TCP pushes
/// back.
const AHEAD_BYTES_MAX: usize = 64 << 10;

/// Bytes of the upstream's that are read while their answer may not be released.
const UNRELEASED_BYTES_MAX: usize = 256 << 10;

/// Replies owed before panguard stops reading the agent. A client that pipelines more waits for answers.
const OWED_MAX: usize = 10_000;

impl Session for Postgres {
    fn receive(&mut self, from: Side, bytes: &[u8]) -> Result<(), Violation> {
        match from {
            Side::Agent => self.from_agent.push(bytes),
            Side::Upstream => self.from_upstream.push(bytes),
        }
        let advanced = self.advance();
        let result = advanced.and_then(|()| if from == Side::Agent { self.left() } else { Ok(()) });
        self.broken_off(result)
    }

    fn answer(&mut self, verdict: Verdict) -> Result<(), Violation> {
        match verdict {
            Verdict::Ahead(ahead) => {
                if self.held.as_ref().is_some_and(|held| held.request == ahead.request()) {
                    self.release(None);
                }
            }
            Verdict::Allow(permit) => self.allow(permit),
            Verdict::Deny(refusal) => self.deny(&refusal),
            Verdict::Hold(ticket) => {
                let notice = fault::notice(&ticket.message, ticket.request);
                self.tell(&notice);
            }
        }
        let advanced = self.advance();
        self.broken_off(advanced)
    }

    fn told(&mut self, word: Word) -> Result<(), Violation> {
        self.heard_witness(&word);
        let advanced = self.advance();
        let result = advanced.and_then(|()| self.left());
        self.broken_off(result)
    }

    fn cancel(&mut self) -> Option<RequestId> {
        // One whose stand-in is asked for is at the upstream already.
        let held = self.held.take_if(|held| held.permit.is_none())?;
        let request = held.request;
        self.effects.push_back(Effect::Done(held.skipped()));
        if self.state == State::Ready {
            self.refuse(&held, &Refusal { request, ..self.refusal(Code::Withdrawn, "") });
        }
        // What the agent sent behind it may go on; a violation in it shows in what the session does next.
        let advanced = self.advance();
        let _ = self.broken_off(advanced);
        Some(request)
    }

    fn is_idle(&self) -> bool {
        self.held.is_none() && self.replies.is_empty() && self.stalled.is_none()
    }

    fn wind_down(&mut self, code: Code) {
        self.winding_down = Some(code);
        if self.is_idle() && self.reads_agent() {
            self.say_goodbye(code);
        }
    }

    fn closed(&mut self, side: Side) {
        if let (Side::Agent, Some(code), true) = (side, self.winding_down, self.reads_agent()) {
            // The time to end is up. The agent is still there, unless it has hung up by itself.
            return self.say_goodbye(code);
        }
        if side == Side::Upstream && self.reads_agent() {
            let refusal = self.refusal(Code::UpstreamUnavailable, "the upstream closed the connection");
            self.tell(&error::response(&refusal, Severity::Fatal));
        }
        self.close();
    }

    fn poll(&mut self) -> Option<Effect> {
        if !self.to_agent.is_empty() {
            return Some(Effect::Send(Side::Agent, self.to_agent.split().freeze()));
        }
        if !self.to_upstream.is_empty() {
            return Some(Effect::Send(Side::Upstream, self.to_upstream.split().freeze()));
        }
        self.effects.pop_front()
    }

    fn wants(&self, side: Side) -> bool {
        match side {
            Side::Agent => self.may_read_agent() || self.from_agent.len() < AHEAD_BYTES_MAX,
            Side::Upstream => {
                !self.replies.awaits_permit() || self.from_upstream.len() < UNRELEASED_BYTES_MAX
            }
        }
    }
}

impl Postgres {
    /// Ends the session if the agent has left: what it waits for must not run any more.
    fn left(&mut self) -> Result<(), Violation> {
        if self.held.is_some() && self.from_agent.holds(b'X')? {
            self.close();
        }
        Ok(())
    }

    /// Ends the session if a side broke the protocol.
    fn broken_off(&mut self, result: Result<(), Violation>) -> Result<(), Violation> {
        if let Err(violation) = result {
            self.break_off(violation);
        }
        result
    }

    /// Ends the session since a side broke the protocol; the agent is told, as far as it may be.
    fn break_off(&mut self, violation: Violation) {
        if !self.reads_agent() {
            return self.close();
        }
        let farewell: Bytes = match violation.by {
            Side::Agent if violation.rule == TOO_LONG => {
                error::response(&self.refusal(Code::LimitReached, TOO_LONG), Severity::Fatal)
            }
            Side::Agent => error::violation(violation.rule, self.latest()),
            Side::Upstream => {
                let detail = "the upstream broke the PostgreSQL protocol";
                error::response(&self.refusal(Code::UpstreamUnavailable, detail), Severity::Fatal)
            }
        };
        self.tell(&farewell);
        self.close();
    }

    /// The shape of the reply that the upstream is giving.
    fn head_reply(&mut self) -> Option<&mut Reply> {
        self.replies.head().map(|owed| &mut owed.reply)
    }
}
