use std::fmt;

use crate::RequestId;

/// Why a command did not run, in words for whoever asked: a language model must do the right thing next.
///
/// Holds no value of the command and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What sort of refusal.
    pub code: Code,
    /// The command.
    pub request: RequestId,
    /// What exactly was refused: `drop table on public.cards`.
    pub detail: Box<str>,
    /// The columns that it is about (`schema.table.column`), where it is what is done with some of them.
    pub columns: Vec<Box<str>>,
    /// The policies that decided, where policies did.
    pub policies: Vec<PolicyNote>,
}

/// What a policy says of itself by its annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyNote {
    /// `@id`, or the file and place of a policy without one.
    pub id: Box<str>,
    /// `@reason`.
    pub reason: Option<Box<str>>,
    /// `@requirement`, a PCI DSS requirement number.
    pub requirement: Option<Box<str>>,
    /// `@approvals`: whether clients wait for the approval that it wants, or are told to come again.
    pub waits: Option<bool>,
}

/// The catalogue of refusals. A code keeps its meaning for ever; docs/refusals.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No valid token came.
    NotIdentified,
    /// The session's token has expired.
    TokenExpired,
    /// The connection does not exist, or the principal may not know that it does.
    UnknownConnection,
    /// Policy does not let the principal connect.
    ConnectDenied,
    /// Policy does not allow the command.
    PolicyDenied,
    /// The command uses sensitive columns in a way that only those who may `reveal` are allowed.
    RevealDenied,
    /// panguard does not understand the command.
    NotUnderstood,
    /// The command would be allowed with an approval.
    NeedsApproval,
    /// A policy could not be evaluated.
    PolicyError,
    /// The audit log cannot be written.
    NotRecorded,
    /// The upstream cannot be reached, or broke the protocol.
    UpstreamUnavailable,
    /// The answer was not what had been decided upon.
    AnswerWithheld,
    /// A limit of panguard's was reached.
    LimitReached,
    /// The protocol's message or feature is not let through.
    NotSupported,
    /// panguard is shutting down.
    ShuttingDown,
    /// The agent withdrew the command while it waited.
    Withdrawn,
    /// The command compares sensitive columns with more values than policy allows within a day.
    GuessesSpent,
    /// The command writes a mask in the place of the value that it stands for.
    MaskWritten,
    /// The principal may run registered statements alone, and this is none.
    NotATemplate,
    /// A request is not well formed, or could be read in more than one way.
    Malformed,
    /// A person was asked to approve the command, and said no.
    ApprovalDenied,
    /// The command touched more rows than were approved, and was rolled back.
    MoreThanApproved,
    /// Something that commands are judged by does not work.
    ControlFailed,
    /// Whoever asks had their access revoked.
    Revoked,
    /// The session asked nothing for too long, or its time is over.
    SessionOver,
}

impl Code {
    /// Every code, in the order of its number.
    pub const ALL: [Self; 25] = [
        Self::NotIdentified,
        Self::TokenExpired,
        Self::UnknownConnection,
        Self::ConnectDenied,
        Self::PolicyDenied,
        Self::RevealDenied,
        Self::NotUnderstood,
        Self::NeedsApproval,
        Self::PolicyError,
        Self::NotRecorded,
        Self::UpstreamUnavailable,
        Self::AnswerWithheld,
        Self::LimitReached,
        Self::NotSupported,
        Self::ShuttingDown,
        Self::Withdrawn,
        Self::GuessesSpent,
        Self::MaskWritten,
        Self::NotATemplate,
        Self::Malformed,
        Self::ApprovalDenied,
        Self::MoreThanApproved,
        Self::ControlFailed,
        Self::Revoked,
        Self::SessionOver,
    ];

    /// `PGD-0001` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotIdentified => "PGD-0001",
            Self::TokenExpired => "PGD-0002",
            Self::UnknownConnection => "PGD-0003",
            Self::ConnectDenied => "PGD-0004",
            Self::PolicyDenied => "PGD-0005",
            Self::RevealDenied => "PGD-0006",
            Self::NotUnderstood => "PGD-0007",
            Self::NeedsApproval => "PGD-0008",
            Self::PolicyError => "PGD-0009",
            Self::NotRecorded => "PGD-0010",
            Self::UpstreamUnavailable => "PGD-0011",
            Self::AnswerWithheld => "PGD-0012",
            Self::LimitReached => "PGD-0013",
            Self::NotSupported => "PGD-0014",
            Self::ShuttingDown => "PGD-0015",
            Self::Withdrawn => "PGD-0016",
            Self::GuessesSpent => "PGD-0017",
            Self::MaskWritten => "PGD-0018",
            Self::NotATemplate => "PGD-0019",
            Self::Malformed => "PGD-0020",
            Self::ApprovalDenied => "PGD-0021",
            Self::MoreThanApproved => "PGD-0022",
            Self::ControlFailed => "PGD-0023",
            Self::Revoked => "PGD-0024",
            Self::SessionOver => "PGD-0025",
        }
    }

    /// What happened, in one sentence without a full stop.
    pub fn what(self) -> &'static str {
        match self {
            Self::NotIdentified => "no valid token was presented",
            Self::TokenExpired => "the token of this session has expired",
            Self::UnknownConnection => "there is no such connection for you",
            Self::ConnectDenied => "policy does not let you connect here",
            Self::PolicyDenied => "policy does not allow this command",
            Self::RevealDenied => "this command computes on, compares or copies protected columns",
            Self::NotUnderstood => "panguard does not understand this command, so it was not run",
            Self::NeedsApproval => "this command needs a human's approval",
            Self::PolicyError => "a policy could not be evaluated, so the command was not run",
            Self::NotRecorded => "the command could not be recorded, so it was not run",
            Self::UpstreamUnavailable => "the protected system cannot be reached or misbehaved",
            Self::AnswerWithheld => "the answer was not what had been decided upon and was withheld",
            Self::LimitReached => "a limit was reached",
            Self::NotSupported => "panguard does not let this feature of the protocol through",
            Self::ShuttingDown => "the gateway is shutting down",
            Self::Withdrawn => "the command was withdrawn before it was decided",
            Self::GuessesSpent => {
                "this command compares a protected column with more values than you may within a day"
            }
            Self::MaskWritten => "this command would write a mask over the data that it stands for",
            Self::NotATemplate => "you may run registered statements alone here, and this is none of them",
            Self::Malformed => "the request is not well formed, or could be read in more than one way",
            Self::ApprovalDenied => "a person was asked to approve this command, and said no",
            Self::MoreThanApproved => {
                "this command touched more rows than were approved, and was rolled back"
            }
            Self::ControlFailed => "one of panguard's own controls does not work, so the command was not run",
            Self::Revoked => "access was revoked",
            Self::SessionOver => "the session was idle for too long, or its time is over",
        }
    }

    /// What the agent can do instead, in one sentence without a full stop.
    pub fn instead(self) -> &'static str {
        match self {
            Self::NotIdentified => "get a fresh token from the issuer and use it as the password",
            Self::TokenExpired => "get a fresh token from the issuer and connect again",
            Self::UnknownConnection => {
                "check the database name, it must be the name of a connection you may use"
            }
            Self::ConnectDenied => "ask the owner of the connection for access, do not retry",
            Self::Revoked => "stop here, do not retry, and tell whoever gave you the task",
            Self::PolicyDenied => {
                "do not retry the same command, choose one that policy allows or ask for access"
            }
            Self::RevealDenied => {
                "select the columns as they are, they come back masked, and do not compute, compare or sort by them"
            }
            Self::NotUnderstood => "use plain SQL statements on tables, one at a time",
            Self::NeedsApproval => "ask a person who may approve it, do not retry until they have",
            Self::ApprovalDenied => "do not retry it, do what they say or tell whoever gave you the task",
            Self::PolicyError => "tell the operator of panguard, the policy has to be mended",
            Self::NotRecorded | Self::ControlFailed => "try again later, and tell the operator of panguard",
            Self::UpstreamUnavailable => "try again later",
            Self::MoreThanApproved => {
                "look at what it would touch by now, and send it again to have that approved"
            }
            Self::AnswerWithheld => "select plain columns, and tell the operator of panguard",
            Self::LimitReached => "send less at once, or ask the operator to raise the limit",
            Self::NotSupported => "use ordinary queries instead",
            Self::ShuttingDown | Self::SessionOver => "connect again",
            Self::Withdrawn => "send it again if it is still wanted",
            Self::GuessesSpent => {
                "choose rows by another column, wait until earlier comparisons are a day old, or ask for more"
            }
            Self::MaskWritten => {
                "leave out the columns that you were shown masked, their values stay as they are, and change the others"
            }
            Self::NotATemplate => {
                "send a registered statement as it is written, with your values as parameters, or ask for this one to be registered"
            }
            Self::Malformed => {
                "let your HTTP library write the request, and send it as it stands in its documentation"
            }
        }
    }

    /// Whether the session ends with it.
    pub fn ends_session(self) -> bool {
        match self {
            Self::NotIdentified
            | Self::TokenExpired
            | Self::UnknownConnection
            | Self::ConnectDenied
            | Self::UpstreamUnavailable
            | Self::ShuttingDown
            | Self::Revoked
            | Self::SessionOver => true,
            Self::PolicyDenied
            | Self::RevealDenied
            | Self::NotUnderstood
            | Self::NeedsApproval
            | Self::PolicyError
            | Self::NotRecorded
            | Self::AnswerWithheld
            | Self::LimitReached
            | Self::NotSupported
            | Self::Withdrawn
            | Self::GuessesSpent
            | Self::MaskWritten
            | Self::NotATemplate
            | Self::Malformed
            | Self::ApprovalDenied
            | Self::MoreThanApproved
            | Self::ControlFailed => false,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
