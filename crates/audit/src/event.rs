mod command;
mod outcome;

use std::sync::Arc;

use access::Code;
use serde::{Deserialize, Serialize};

use crate::control::{Closes, Control};
use crate::{Indication, Sealed, Who};

pub use command::{ColumnNote, Command, FactsNote, MatchNote, PolicyNote, StageWord, TraceNote, UseNote};
pub use outcome::{SaidNote, StatusWord};

/// What happened: the type of event of PCI DSS 4.0.1, 10.2.2, with what belongs to that type.
///
/// Every text in it must have been masked before: the audit log holds no card data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first entry of a log (10.2.1.6), made by the log itself.
    LogCreated {
        /// The key that signs its checkpoints, as a C2SP verifier key.
        verifier: Box<str>,
    },
    /// The gateway opened the log (10.2.1.6), made by the log itself.
    GatewayStarted {
        /// panguard's version.
        version: Box<str>,
        /// Whether the run before ended with [`Event::GatewayStopped`]; true for a new log.
        clean: bool,
        /// The version of the policies that it begins with.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        policies: Box<str>,
        /// The version of its configuration.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        configuration: Box<str>,
    },
    /// The gateway closed the log (10.2.1.6), made by the log itself.
    GatewayStopped,
    /// A principal was admitted to a connection.
    SessionOpened {
        /// The policies that let it connect.
        policies: Vec<PolicyNote>,
        /// The policy set they are from.
        policy_version: Arc<str>,
        /// In which way it queries (PCI DSS 4.0.1, 7.2.6): `templates` or `admin`; none is `filtered`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Box<str>>,
    },
    /// A principal was known and not admitted (10.2.1.4).
    SessionRefused {
        /// The refusal's code.
        #[serde(with = "code")]
        code: Code,
        /// What exactly was refused.
        reason: Box<str>,
        /// The policies that decided, where policies did.
        policies: Vec<PolicyNote>,
    },
    /// Nobody was identified (10.2.1.4).
    AuthenticationFailed {
        /// Why, without anything of the token.
        reason: Box<str>,
        /// The user name that the client gave, masked; proves nothing.
        claimed_user: Box<str>,
    },
    /// The session ended.
    SessionClosed {
        /// Why, in a few words.
        reason: Box<str>,
        /// Commands that were asked in it.
        commands: u64,
    },
    /// A command was decided upon and may run: durable before it can have an effect.
    CommandIntent {
        /// The command.
        command: Box<Command>,
        /// The policies that allowed it.
        policies: Vec<PolicyNote>,
        /// The policy set they are from.
        policy_version: Arc<str>,
        /// Whether it was sent ahead of this entry's receipt, as only reads are.
        ahead: bool,
        /// The request whose approval it used up, if it needed one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<Box<str>>,
        /// How many values it may reveal, each of which counts; each that it does is an entry of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reveals_max: Option<u32>,
    },
    /// A command was refused and did not run (10.2.1.4).
    CommandRefused {
        /// The command.
        command: Box<Command>,
        /// The policies that decided, where policies did.
        policies: Vec<PolicyNote>,
        /// The policy set they are from.
        policy_version: Arc<str>,
        /// The refusal's code.
        #[serde(with = "code")]
        code: Code,
        /// What exactly was refused.
        detail: Box<str>,
    },
    /// A command asks for people's approval, and does not run without.
    ApprovalAsked {
        /// The command.
        command: Box<Command>,
        /// The policies that say so.
        policies: Vec<PolicyNote>,
        /// The policy set they are from.
        policy_version: Arc<str>,
        /// How many people must approve it.
        needed: u32,
        /// Whether its client waits on the wire.
        waits: bool,
        /// Until when it may be answered, in microseconds since 1970.
        expires: i64,
    },
    /// A person looked at a request for approval.
    ApprovalSeen {
        /// The request.
        of: Box<str>,
    },
    /// A person answered a request for approval: durable before it counts.
    ApprovalAnswered {
        /// The request.
        of: Box<str>,
        /// Yes, or no.
        approves: bool,
        /// In their words, masked.
        comment: Box<str>,
        /// How many rows the command may touch, if they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows_max: Option<u64>,
        /// What access they gave, in words, if it is access for a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<Box<str>>,
        /// Who asked for it.
        asker: Box<Who>,
    },
    /// A person let a command run without waiting for approval: durable before it counts.
    GlassBroken {
        /// The request.
        of: Box<str>,
        /// Why, in their words, masked.
        reason: Box<str>,
        /// Who asked for it.
        asker: Box<Who>,
    },
    /// Another person looked at why.
    GlassReviewed {
        /// The request.
        of: Box<str>,
        /// In their words, masked.
        comment: Box<str>,
        /// Who asked for it.
        asker: Box<Who>,
    },
    /// Somebody asks for access for a time.
    GrantAsked {
        /// The request.
        of: Box<str>,
        /// What access, in words.
        grant: Box<str>,
        /// What for, in their words, masked.
        reason: Box<str>,
    },
    /// A value was told as it is, of the few that a grant lets be revealed.
    Revealed {
        /// The request for that grant.
        grant: Box<str>,
        /// The column that it is in, as `schema.table.column`.
        column: Box<str>,
        /// As it would have been told masked.
        masked: Box<str>,
    },
    /// A person's answer did not count (10.2.1.4).
    ApprovalNotCounted {
        /// The request.
        of: Box<str>,
        /// Why.
        reason: Box<str>,
    },
    /// A request for approval ended without its command having run.
    ApprovalEnded {
        /// The request.
        of: Box<str>,
        /// How.
        how: Ended,
    },
    /// A command that may have run ended.
    Outcome {
        /// How.
        status: StatusWord,
        /// The upstream's word for it: a command tag, a SQLSTATE, or why the answer was withheld; of what was rolled back its tag.
        code: Box<str>,
        /// Rows in the answer.
        rows: u64,
        /// Values masked, made NULL or withheld in it.
        masked: u64,
        /// Bytes released to the agent.
        bytes: u64,
        /// What a model said, where one was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Box<SaidNote>>,
        /// The answer as it was told, where answers are kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Box<Sealed>>,
    },
    /// Another policy set took over (10.2.1.7).
    PolicyChanged {
        /// Its version.
        version: Arc<str>,
        /// The version before.
        previous: Arc<str>,
    },
    /// Another configuration took over (10.2.1.7).
    ConfigurationChanged {
        /// A digest of it.
        version: Arc<str>,
        /// The digest of the one before.
        previous: Arc<str>,
    },
    /// A credential in the vault changed (10.2.1.5).
    SecretChanged {
        /// Its name, never its value.
        name: Box<str>,
        /// What was done to it.
        change: Change,
    },
    /// Access was taken away at once, whatever tokens say (8.2.5).
    AccessRevoked {
        /// Names it.
        id: Box<str>,
        /// Of what: `agent`, `subject`, `client`, `group`, `token`, `session`, `sign_in`, `connection`, `everything`.
        what: Box<str>,
        /// Its name, masked; nothing of everything.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        of: Box<str>,
        /// Only by tokens issued until then, in microseconds since 1970; else by all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issued_until: Option<i64>,
        /// When it ends by itself, in microseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
        /// Why, in the words of whoever did it, masked.
        reason: Box<str>,
        /// Only as this issuer names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<Box<str>>,
        /// Who did it, in words.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        by: Box<str>,
    },
    /// What was revoked is not any more.
    AccessRestored {
        /// What it was.
        id: Box<str>,
        /// Of what.
        what: Box<str>,
        /// Its name, masked.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        of: Box<str>,
        /// Whether its time was over; else somebody lifted it.
        was_over: bool,
        /// Who, in words.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        by: Box<str>,
    },
    /// The principal lent an agent some of their access (7.2.5, 8.2.7): what it says is what the agent has at most.
    AccessLent {
        /// Names it: the id of the token, by which it is used and revoked.
        id: Box<str>,
        /// The agent's id, masked.
        to: Box<str>,
        /// The connections.
        connections: Vec<Box<str>>,
        /// What may be done there.
        actions: Vec<Box<str>>,
        /// Until when, in microseconds since 1970.
        until: i64,
        /// Why, in the words of whoever lends it, masked.
        reason: Box<str>,
    },
    /// Somebody read or exported the audit log (10.2.1.3).
    LogRead {
        /// How: `list`, `show`, `export`.
        how: Box<str>,
        /// The first index read.
        first: u64,
        /// The index after the last one read.
        end: u64,
    },
    /// Entries are about to be removed from the log's folder (10.5.1): it is durable before they are. Their hashes stay.
    LogPruned {
        /// The first index removed.
        first: u64,
        /// The index after the last one removed.
        end: u64,
        /// Why they may be.
        why: Leave,
    },
    /// Something that commands are judged by does not work (10.7.2).
    ControlFailed {
        /// What.
        control: Control,
        /// Of what: a connection, an issuer; nothing where there is one alone.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        of: Box<str>,
        /// Why, as far as is known, masked.
        cause: Box<str>,
        /// Since when it has been known, in microseconds since 1970.
        since: i64,
        /// Which commands are refused meanwhile.
        closes: Closes,
    },
    /// It works again (10.7.3).
    ControlRestored {
        /// What.
        control: Control,
        /// Of what.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        of: Box<str>,
        /// Why it did not, as was said when it failed.
        cause: Box<str>,
        /// Since when it did not, in microseconds since 1970.
        since: i64,
        /// How many commands and sessions were refused for it.
        refused: u64,
    },
    /// A collector was not given entries, and never will be by itself (10.7.2).
    SinkGap {
        /// The sink's name in the configuration.
        sink: Box<str>,
        /// The first index that was not brought there.
        from: u64,
        /// The index at which it went on; 0 where the log is another than the one that was brought there before.
        to: u64,
        /// Why, in words from a fixed list and numbers.
        why: Box<str>,
    },
    /// Somebody has a collector given entries again, or not at all.
    SinkMoved {
        /// The sink's name in the configuration.
        sink: Box<str>,
        /// The index that would have been next.
        from: u64,
        /// The index that is.
        to: u64,
    },
}

impl Event {
    /// The type's word in the entry, as `type` in `event`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogCreated { .. } => "log_created",
            Self::GatewayStarted { .. } => "gateway_started",
            Self::GatewayStopped => "gateway_stopped",
            Self::SessionOpened { .. } => "session_opened",
            Self::SessionRefused { .. } => "session_refused",
            Self::AuthenticationFailed { .. } => "authentication_failed",
            Self::SessionClosed { .. } => "session_closed",
            Self::CommandIntent { .. } => "command_intent",
            Self::CommandRefused { .. } => "command_refused",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalSeen { .. } => "approval_seen",
            Self::ApprovalAnswered { .. } => "approval_answered",
            Self::GlassBroken { .. } => "glass_broken",
            Self::GlassReviewed { .. } => "glass_reviewed",
            Self::GrantAsked { .. } => "grant_asked",
            Self::Revealed { .. } => "revealed",
            Self::ApprovalNotCounted { .. } => "approval_not_counted",
            Self::ApprovalEnded { .. } => "approval_ended",
            Self::Outcome { .. } => "outcome",
            Self::PolicyChanged { .. } => "policy_changed",
            Self::ConfigurationChanged { .. } => "configuration_changed",
            Self::SecretChanged { .. } => "secret_changed",
            Self::AccessRevoked { .. } => "access_revoked",
            Self::AccessRestored { .. } => "access_restored",
            Self::AccessLent { .. } => "access_lent",
            Self::LogRead { .. } => "log_read",
            Self::LogPruned { .. } => "log_pruned",
            Self::ControlFailed { .. } => "control_failed",
            Self::ControlRestored { .. } => "control_restored",
            Self::SinkGap { .. } => "sink_gap",
            Self::SinkMoved { .. } => "sink_moved",
        }
    }

    /// Whether what was tried succeeded.
    pub fn indication(&self) -> Indication {
        match self {
            Self::GatewayStarted { clean, .. } => match clean {
                true => Indication::Success,
                false => Indication::Failure,
            },
            Self::SessionRefused { .. }
            | Self::AuthenticationFailed { .. }
            | Self::CommandRefused { .. }
            | Self::ApprovalNotCounted { .. }
            | Self::ControlFailed { .. }
            | Self::SinkGap { .. } => Indication::Failure,
            Self::Outcome { status, .. } => match status {
                StatusWord::Completed => Indication::Success,
                StatusWord::Failed
                | StatusWord::Withheld
                | StatusWord::RolledBack
                | StatusWord::Skipped
                | StatusWord::Unknown => Indication::Failure,
            },
            Self::LogCreated { .. }
            | Self::GatewayStopped
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. }
            | Self::CommandIntent { .. }
            | Self::ApprovalAsked { .. }
            | Self::ApprovalSeen { .. }
            | Self::ApprovalAnswered { .. }
            | Self::GlassBroken { .. }
            | Self::GlassReviewed { .. }
            | Self::GrantAsked { .. }
            | Self::Revealed { .. }
            | Self::ApprovalEnded { .. }
            | Self::PolicyChanged { .. }
            | Self::ConfigurationChanged { .. }
            | Self::SecretChanged { .. }
            | Self::AccessRevoked { .. }
            | Self::AccessRestored { .. }
            | Self::AccessLent { .. }
            | Self::LogRead { .. }
            | Self::LogPruned { .. }
            | Self::ControlRestored { .. }
            | Self::SinkMoved { .. } => Indication::Success,
        }
    }

    /// The command that it is about, where it says what that is.
    pub fn command(&self) -> Option<&Command> {
        match self {
            Self::CommandIntent { command, .. }
            | Self::CommandRefused { command, .. }
            | Self::ApprovalAsked { command, .. } => Some(command),
            _ => None,
        }
    }

    /// What was decided, where something was: `allowed`, `refused` or `held`.
    pub fn decision(&self) -> Option<&'static str> {
        match self {
            Self::SessionOpened { .. } | Self::CommandIntent { .. } => Some("allowed"),
            Self::SessionRefused { .. } | Self::AuthenticationFailed { .. } | Self::CommandRefused { .. } => {
                Some("refused")
            }
            Self::ApprovalAsked { .. } => Some("held"),
            _ => None,
        }
    }

    /// The policies that decided.
    pub fn policies(&self) -> &[PolicyNote] {
        match self {
            Self::SessionOpened { policies, .. }
            | Self::SessionRefused { policies, .. }
            | Self::CommandIntent { policies, .. }
            | Self::CommandRefused { policies, .. }
            | Self::ApprovalAsked { policies, .. } => policies,
            _ => &[],
        }
    }

    /// The policy set that they are from.
    pub fn policy_version(&self) -> Option<&str> {
        match self {
            Self::SessionOpened { policy_version, .. }
            | Self::CommandIntent { policy_version, .. }
            | Self::CommandRefused { policy_version, .. }
            | Self::ApprovalAsked { policy_version, .. } => Some(policy_version),
            _ => None,
        }
    }

    /// The request for approval of which it is a step after it was asked for, if it is one.
    pub fn of_request(&self) -> Option<&str> {
        match self {
            Self::ApprovalSeen { of }
            | Self::ApprovalAnswered { of, .. }
            | Self::GlassBroken { of, .. }
            | Self::GlassReviewed { of, .. }
            | Self::GrantAsked { of, .. }
            | Self::Revealed { grant: of, .. }
            | Self::ApprovalNotCounted { of, .. }
            | Self::ApprovalEnded { of, .. } => Some(of),
            Self::LogCreated { .. }
            | Self::GatewayStarted { .. }
            | Self::GatewayStopped
            | Self::SessionOpened { .. }
            | Self::SessionRefused { .. }
            | Self::AuthenticationFailed { .. }
            | Self::SessionClosed { .. }
            | Self::CommandIntent { .. }
            | Self::CommandRefused { .. }
            | Self::ApprovalAsked { .. }
            | Self::Outcome { .. }
            | Self::PolicyChanged { .. }
            | Self::ConfigurationChanged { .. }
            | Self::SecretChanged { .. }
            | Self::AccessRevoked { .. }
            | Self::AccessRestored { .. }
            | Self::AccessLent { .. }
            | Self::LogRead { .. }
            | Self::LogPruned { .. }
            | Self::ControlFailed { .. }
            | Self::ControlRestored { .. }
            | Self::SinkGap { .. }
            | Self::SinkMoved { .. } => None,
        }
    }

    /// What was affected, for an event that concerns no connection.
    pub(crate) fn resource(&self) -> String {
        match self {
            Self::LogCreated { .. } | Self::LogRead { .. } | Self::LogPruned { .. } => "audit log".into(),
            Self::GatewayStarted { .. } | Self::GatewayStopped => "gateway".into(),
            Self::PolicyChanged { .. } => "policies".into(),
            Self::ConfigurationChanged { .. } => "configuration".into(),
            Self::SecretChanged { name, .. } => format!("secret {name}"),
            Self::AccessRevoked { what, of, .. } | Self::AccessRestored { what, of, .. } => {
                format!("access of {what} {of}").trim_end().to_owned()
            }
            Self::AccessLent { connections, .. } => format!("connections {}", connections.join(", ")),
            Self::ControlFailed { control, of, .. } | Self::ControlRestored { control, of, .. } => {
                control.said(of)
            }
            Self::SinkGap { sink, .. } | Self::SinkMoved { sink, .. } => format!("sink {sink}"),
            Self::SessionOpened { .. }
            | Self::SessionRefused { .. }
            | Self::AuthenticationFailed { .. }
            | Self::SessionClosed { .. }
            | Self::CommandIntent { .. }
            | Self::CommandRefused { .. }
            | Self::Outcome { .. } => "gateway".into(),
            Self::ApprovalAsked { .. } => "requests for approval".into(),
            Self::ApprovalSeen { of }
            | Self::ApprovalAnswered { of, .. }
            | Self::GlassBroken { of, .. }
            | Self::GlassReviewed { of, .. }
            | Self::GrantAsked { of, .. }
            | Self::Revealed { grant: of, .. }
            | Self::ApprovalNotCounted { of, .. }
            | Self::ApprovalEnded { of, .. } => format!("request {of}"),
        }
    }
}

/// How a request for approval ended without its command having run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Its time ran out.
    Expired,
    /// Whoever asked went away.
    Withdrawn,
    /// Somebody ended it, or gave it back: access for a time.
    Revoked,
}

/// Why entries may be removed from the log's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// The archive has them: it was read back and compared with the tree.
    Archived,
    /// They are older than is kept.
    Expired,
}

impl Leave {
    /// As it stands in the entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Expired => "expired",
        }
    }
}

/// What was done to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Created,
    /// It has another value.
    Rotated,
    /// It is gone.
    Removed,
}

/// A refusal's code by its stable name, `PGD-0005`.
mod code {
    use access::Code;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(code: &Code, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(code.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Code, D::Error> {
        let name = String::deserialize(from)?;
        let known = Code::ALL.into_iter().find(|code| code.as_str() == name);
        known.ok_or_else(|| D::Error::custom(format_args!("unknown refusal code `{name}`")))
    }
}
