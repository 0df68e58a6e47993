use std::sync::Arc;

use crate::{Ahead, Facts, Permit, Redacted, Refusal, RequestId, Trace};

/// What a lane asks of the gate about one command.
#[derive(Debug, Clone)]
pub struct Question {
    /// Names the command in refusals, logs and entries.
    pub request: RequestId,
    /// Whether it is being prepared or is about to run.
    pub stage: Stage,
    /// What panguard understands of it.
    pub facts: Arc<Facts>,
    /// The command as the agent wrote it. The gate masks it before it is recorded.
    pub command: Redacted<Arc<str>>,
    /// Its parameters in order, for a command that has them.
    pub parameters: Vec<Redacted<Parameter>>,
    /// What of it an approval binds, beside its parameters.
    pub bound: Bound,
    /// Whether the client chose to wait for people, or not to; `None`: as the connection says.
    pub waits: Option<bool>,
    /// How what it changes can be read beforehand, where that is one thing with a name.
    pub before: Option<Arc<Before>>,
    /// Where it stands in its client's trace, if the client says.
    pub trace: Option<Trace>,
    /// How another session reads it alike; or why none does, for whoever would be told what it would do.
    pub alike: Result<Alike, &'static str>,
}

/// How another session reads a command as its own does.
#[derive(Debug, Clone, Default)]
pub struct Alike {
    /// The types of its parameters (`pg_type`; 0: left to the server).
    pub types: Box<[u32]>,
    /// Settings by which its session reads and writes values, by name; without a quote or a backslash.
    pub reads_by: Box<[(Box<str>, Box<str>)]>,
    /// Why its own session may see other rows, if it may: then none are shown.
    pub sees_others: Option<&'static str>,
}

/// How the one thing that a command changes is read, and what the command makes of it.
#[derive(Debug, Clone)]
pub struct Before {
    /// What is understood of the request that reads it, as if whoever asks made it.
    pub facts: Arc<Facts>,
    /// Where it is, as the lane asks for it.
    pub target: Redacted<Box<str>>,
    /// The command's own method.
    pub method: Box<str>,
    /// What type the command's body is said to be of.
    pub body_type: Box<str>,
    /// The command's body.
    pub body: Redacted<Box<[u8]>>,
}

/// What of a command an approval is bound to (DESIGN.md, promise 7): two commands that differ in it are not the same.
#[derive(Debug, Clone)]
pub enum Bound {
    /// Its text in the form that this gives it: what means the same is the same. What has no such form is bound as it is.
    /// And what else says what it means.
    Text(fn(&str) -> Option<String>, Box<[u8]>),
    /// This very one: what it does hangs on what was done before it, so that the same text sent again is another command. It
    /// can be approved while it waits. Why, in a few words.
    Once(&'static str),
    /// These bytes, which say all of it; and the fields in it that its text does not show, by name.
    Bytes(Redacted<Arc<[u8]>>, Vec<(Box<str>, Redacted<Box<str>>)>),
    /// Nothing, since not all of it is known when it is asked about: it cannot be approved. Why, in a few words.
    Nothing(&'static str),
}

/// A point in a command's life at which it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is prepared for later (`Parse`).
    Prepare,
    /// It runs (`Query`, `Execute`).
    Run,
}

/// One parameter of a command.
#[derive(Clone, PartialEq, Eq)]
pub enum Parameter {
    /// NULL, or absent.
    Null,
    /// In text form.
    Text(Box<[u8]>),
    /// In the protocol's binary form, with the type that the upstream gave it (a PostgreSQL OID), 0 when
    /// unknown.
    Binary(Box<[u8]>, u32),
}

/// The gate's answer to one [`Question`].
#[derive(Debug)]
pub enum Verdict {
    /// It only reads: send it now, keep its answer back until the final verdict, which follows.
    Ahead(Ahead),
    /// Send it, and treat its answer by the permit's terms; after [`Verdict::Ahead`], release its answer.
    Allow(Permit),
    /// Do not send it; tell the agent. After [`Verdict::Ahead`]: nothing of its answer may leave.
    Deny(Box<Refusal>),
    /// A human decides. Tell the agent, if the protocol can; another verdict follows.
    Hold(Ticket),
}

/// Names a command that waits for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The request's id, which an approver uses.
    pub request: RequestId,
    /// What the agent is told, safe to show.
    pub message: Box<str>,
}
