use std::collections::{BTreeMap, BTreeSet};

use access::{Authentication, Kind, Principal, Timestamp};
use proxy::Trust;
use vault::Name;

use crate::message::Room;
use crate::signature::{Message, SECONDS_APART_MAX};

/// Where people are told of requests, and perhaps answer.
#[derive(Clone)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// The connections of which it is told; empty: all.
    pub connections: BTreeSet<Box<str>>,
    /// Whose certificates are believed there.
    pub trust: Trust,
    /// How it is told.
    pub medium: Medium,
    /// Who answers there, by what the channel calls them.
    pub people: BTreeMap<Box<str>, Person>,
}

/// How a channel is told, and what it takes. Secrets are names in the vault.
#[derive(Clone)]
pub enum Medium {
    /// An app in a channel of Slack.
    Slack {
        /// The Web API: `https://slack.com/api`.
        api: Box<str>,
        /// The app's bot token.
        token: Name,
        /// The channel's id: `C0123ABCD`.
        channel: Box<str>,
        /// By what Slack signs; without it nobody answers there.
        signing_secret: Option<Name>,
        /// The one workspace whose members answer, if that is said.
        team: Option<Box<str>>,
    },
    /// A workflow's webhook in Microsoft Teams. The address is a secret: whoever has it can post.
    Teams {
        /// The address.
        url: Name,
    },
    /// Any system, by Standard Webhooks.
    Webhook {
        /// Where it is.
        url: Box<str>,
        /// The key by which both sides sign.
        key: Name,
    },
    /// Electronic mail.
    Mail(Mail),
}

/// How mail is sent.
#[derive(Clone)]
pub struct Mail {
    /// The server that takes it.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// Whether the conversation is encrypted.
    pub tls: MailTls,
    /// As whom panguard signs in there, if it does.
    pub credential: Option<(Box<str>, Name)>,
    /// An address.
    pub from: Box<str>,
    /// Addresses.
    pub to: Vec<Box<str>>,
}

/// How a conversation with a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From its first byte (RFC 8314).
    Implicit,
    /// After STARTTLS, and not without.
    StartTls,
    /// Not at all. INVARIANT: the server is on loopback.
    None,
}

/// Somebody who answers in a channel, as an issuer's token would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The issuer.
    pub issuer: Box<str>,
    /// Their `sub` there.
    pub subject: Box<str>,
    /// Their groups.
    pub groups: BTreeSet<Box<str>>,
    /// What all of their identities share, where the issuer has such a claim.
    pub person: Option<Box<str>>,
}

impl Channel {
    /// Whether it is told of requests on this connection, and may answer them.
    pub fn is_told_of(&self, connection: &str) -> bool {
        self.connections.is_empty() || self.connections.contains(connection)
    }

    /// The word for its medium.
    pub fn kind(&self) -> &'static str {
        match self.medium {
            Medium::Slack { .. } => "slack",
            Medium::Teams { .. } => "teams",
            Medium::Webhook { .. } => "webhook",
            Medium::Mail(_) => "mail",
        }
    }

    /// Attempts to tell it in a minute. What is more waits: an agent that asks and goes away, over and over, floods nobody.
    pub(crate) fn a_minute(&self) -> u32 {
        match self.medium {
            Medium::Slack { .. } | Medium::Teams { .. } | Medium::Mail(_) => OF_PEOPLE_A_MINUTE_MAX,
            Medium::Webhook { .. } => OF_SYSTEMS_A_MINUTE_MAX,
        }
    }

    /// How much of a command it is shown. What is longer is cut, and can then not be approved there.
    pub(crate) fn room(&self) -> Room {
        match self.medium {
            Medium::Slack { .. } => Room { bytes: SLACK_BYTES_MAX, rows: ROWS_MAX },
            Medium::Teams { .. } => Room { bytes: TEAMS_BYTES_MAX, rows: ROWS_MAX },
            Medium::Mail(_) | Medium::Webhook { .. } => Room { bytes: LONG_BYTES_MAX, rows: usize::MAX },
        }
    }
}

impl Person {
    /// Them as the principal who sent `message` at `now`. How they signed in is not known: policies that ask for that
    /// refuse them.
    pub(crate) fn principal(&self, channel: &Channel, message: &Message, now: Timestamp) -> Principal {
        Principal {
            kind: Kind::User,
            id: self.subject.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            groups: self.groups.clone(),
            delegation: None,
            person: self.person.as_deref().map(|person| person.to_lowercase().into()),
            // What they say they say now.
            authentication: Authentication { issued_at: Some(now), ..Authentication::default() },
            token_id: format!("{}:{}", channel.name, message.0).into(),
            valid_from: now,
            valid_until: now.plus_seconds(SECONDS_APART_MAX),
        }
    }
}

/// Slack and Teams take about one message a second, and people read fewer.
const OF_PEOPLE_A_MINUTE_MAX: u32 = 60;
const OF_SYSTEMS_A_MINUTE_MAX: u32 = 600;

/// Slack takes some 13,000 characters of blocks, in which each may be an escape of six.
const SLACK_BYTES_MAX: usize = 2_000;
/// Teams takes 28 KB of a card.
const TEAMS_BYTES_MAX: usize = 3_000;
/// What a person reads in a mail, and a system takes without a second thought.
const LONG_BYTES_MAX: usize = 32 << 10;

/// Lines of a command that are looked at in a chat before somebody scrolls past the rest.
const ROWS_MAX: usize = 60;
