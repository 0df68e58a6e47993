//! What a wire protocol is to the rest of the gateway: bytes and verdicts in, effects out.

pub mod rehearsal;

use std::sync::Arc;

use access::{Code, Outcome, Question, Redacted, RequestId, Verdict};
use bytes::Bytes;

/// The two peers of a proxied connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client that speaks to panguard.
    Agent,
    /// The protected system.
    Upstream,
}

/// What the driver must do next.
#[derive(Debug)]
pub enum Effect {
    /// Write these bytes to this side.
    Send(Side, Bytes),
    /// Get a verdict and pass it to [`Session::answer`].
    ///
    /// The next question may come as soon as this one has had its [`Verdict::Ahead`], else after its final
    /// verdict. Final verdicts are passed in the order of the questions.
    Ask(Question),
    /// Ask the upstream beside the conversation, and pass what it says to [`Session::told`]. One at a time.
    Inquire(Inquiry),
    /// Record how a command ended.
    Done(Outcome),
    /// Send what is still to be sent, and close both sides.
    Close,
}

/// What the upstream is to be asked about a command, in a session of panguard's own in which nothing of it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The command, as far as it can be asked about.
    pub command: Redacted<Arc<str>>,
    /// The types of its parameters in the protocol's own numbers, as far as the agent says; 0 where it does not. `None`
    /// for a command that can have none.
    pub parameters: Option<Vec<u32>>,
    /// Under which names of things it may be meant: each is asked about, in the protocol's own words. Empty: as a new
    /// session would.
    pub paths: Vec<Box<str>>,
}

/// An answer's rows, their columns as text, `None` for NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// What comes of an [`Inquiry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The upstream says this.
    Said(Rows),
    /// It does not say, and would not if it were asked again.
    Silent,
    /// It did not say in time, and might.
    Late,
    /// It would have had to wait for what the command itself would wait for.
    Locked,
}

/// One proxied conversation as a pure state machine: no sockets, no clock, no policy.
///
/// How a stream is cut into `receive` calls never changes what each side is sent, what is asked, or in
/// which order either happens.
pub trait Session {
    /// Takes what `from` sent.
    ///
    /// # Errors
    /// [`Violation`] if the peer broke the protocol: the driver sends what [`Session::poll`] still gives,
    /// then closes both sides.
    fn receive(&mut self, from: Side, bytes: &[u8]) -> Result<(), Violation>;

    /// Takes a verdict on the last [`Effect::Ask`].
    ///
    /// # Errors
    /// As [`Session::receive`]: the verdict lets input go on that had already arrived.
    fn answer(&mut self, verdict: Verdict) -> Result<(), Violation>;

    /// Takes what came of the last [`Effect::Inquire`].
    ///
    /// # Errors
    /// As [`Session::receive`].
    fn told(&mut self, word: Word) -> Result<(), Violation>;

    /// Takes the agent's wish to stop what it asked for (a cancel request on another socket).
    ///
    /// `Some` names a command that was still held: it is withdrawn, and the driver forgets its question, for
    /// no verdict on it is awaited any more. `None` means that what runs is at the upstream, which must be
    /// told.
    fn cancel(&mut self) -> Option<RequestId>;

    /// Asks the session to end as soon as no command is running, telling the agent why by `code`: a graceful
    /// shutdown, or the end of its access. [`Effect::Close`] follows when that is so.
    fn wind_down(&mut self, code: Code);

    /// Whether no command is running, waits, or is half told.
    fn is_idle(&self) -> bool;

    /// Takes the end of what `side` has to say. Outcomes of commands still open, and [`Effect::Close`],
    /// follow from [`Session::poll`]; a held command is never released after this.
    fn closed(&mut self, side: Side);

    /// The next effect, or `None` until more input arrives.
    fn poll(&mut self) -> Option<Effect>;

    /// Whether the driver should read from `side` now; `false` is backpressure.
    fn wants(&self, side: Side) -> bool;
}

/// A peer broke the protocol; the conversation must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Who broke it.
    pub by: Side,
    /// Which rule, for operators: `message length below 4`.
    pub rule: &'static str,
}
