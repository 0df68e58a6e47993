//! Access that is taken away at once, whatever tokens and policies say: of an agent, a person, a group, a connection, or all.

use std::sync::Arc;

use access::{Admission, Code, Kind, Principal, Refusal, RequestId, SessionId, Timestamp};
use arc_swap::ArcSwap;
use audit::{Entry, Event};
use serde::{Deserialize, Serialize};

use crate::checks::Denied;
use crate::gate::Refused;
use crate::{Admitted, Gate};

/// What is revoked, of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Names it.
    pub id: Box<str>,
    /// Of what.
    pub what: What,
    /// Its name; nothing of [`What::Everything`].
    #[serde(default)]
    pub of: Box<str>,
    /// Only as this issuer names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Box<str>>,
    /// Only by tokens issued until then, in microseconds since 1970: whoever signs in anew may come again. A token that does not say
    /// when it was issued counts as one of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_until: Option<i64>,
    /// When it ends by itself, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Why, in the words of whoever did it.
    #[serde(default)]
    pub reason: Box<str>,
    /// Who did it, in words.
    #[serde(default)]
    pub by: Box<str>,
    /// Since when, in microseconds since 1970.
    pub since: i64,
}

/// Of what access can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An agent, by its name in policies.
    Agent,
    /// Whoever has this `sub`: a person with all that they have lent, or an agent.
    Subject,
    /// A person, by the claim that all of their identities share.
    Person,
    /// All tokens issued to an OAuth client.
    Client,
    /// Whoever is in a group.
    Group,
    /// One token, by its id; also of a run that has a token of its own.
    Token,
    /// All tokens of one sign-in (`sid`).
    SignIn,
    /// One session of panguard's.
    Session,
    /// A connection, whoever asks.
    Connection,
    /// Everything.
    Everything,
}

impl What {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Agent,
        Self::Subject,
        Self::Person,
        Self::Client,
        Self::Group,
        Self::Token,
        Self::SignIn,
        Self::Session,
        Self::Connection,
        Self::Everything,
    ];

    /// The word for it in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Subject => "subject",
            Self::Person => "person",
            Self::Client => "client",
            Self::Group => "group",
            Self::Token => "token",
            Self::SignIn => "sign_in",
            Self::Session => "session",
            Self::Connection => "connection",
            Self::Everything => "everything",
        }
    }
}

impl Revocation {
    /// Whether it takes access from `principal`: on this connection and in this session, where they have come to one.
    pub fn is_of(&self, principal: &Principal, at: Option<(&str, SessionId)>, now: Timestamp) -> bool {
        let signed_in = &principal.authentication;
        let names = |name: &Option<Box<str>>| name.as_ref() == Some(&self.of);
        let is_meant = match self.what {
            What::Agent => principal.kind == Kind::Agent && principal.id == self.of,
            What::Subject => principal.subject == self.of,
            What::Person => {
                principal.person.as_ref().is_some_and(|person| **person == *self.of.to_lowercase())
            }
            What::Client => names(&signed_in.client),
            What::Group => principal.groups.contains(&self.of),
            What::Token => principal.token_id == self.of,
            What::SignIn => names(&signed_in.sign_in),
            What::Session => at.is_some_and(|(_, session)| session.to_string() == *self.of),
            What::Connection => at.is_some_and(|(connection, _)| *connection == *self.of),
            What::Everything => true,
        };
        let is_issued_before = |until: i64| signed_in.issued_at.is_none_or(|issued| issued.micros() <= until);
        is_meant
            && self.issuer.as_ref().is_none_or(|issuer| *issuer == principal.issuer)
            && self.issued_until.is_none_or(is_issued_before)
            && !self.is_over(now)
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now.micros())
    }

    /// What is told to whoever asks: not why, and by whom.
    pub(crate) fn told(&self) -> String {
        match self.what {
            What::Everything => format!("all access is revoked ({})", self.id),
            what => format!("of this {} ({})", what.as_str().replace('_', "-"), self.id),
        }
    }
}

/// What is revoked now.
#[derive(Default)]
pub struct Revocations(ArcSwap<Vec<Revocation>>);

impl Revocations {
    /// The first that takes access from `principal`.
    pub fn of(
        &self,
        principal: &Principal,
        at: Option<(&str, SessionId)>,
        now: Timestamp,
    ) -> Option<Revocation> {
        self.0.load().iter().find(|it| it.is_of(principal, at, now)).cloned()
    }

    /// As [`Revocations::of`] of who was admitted, in words for them.
    pub(crate) fn refuses(&self, admission: &Admission, now: Timestamp) -> Option<String> {
        let at = Some((&*admission.connection, admission.session));
        self.of(&admission.principal, at, now).map(|it| it.told())
    }

    /// Every one.
    pub fn all(&self) -> Arc<Vec<Revocation>> {
        self.0.load_full()
    }
}

/// As much of a reason as is kept.
const REASON_CHARS_MAX: usize = 2000;

impl Gate {
    /// What is revoked.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Whether whoever was admitted has lost their access.
    pub fn is_revoked(&self, admission: &Admission, now: Timestamp) -> bool {
        self.revocations.refuses(admission, now).is_some()
    }

    /// What whoever was admitted is told if they have lost their access.
    pub fn refusal_of_revoked(
        &self,
        admitted: &Admitted,
        request: RequestId,
        now: Timestamp,
    ) -> Option<Box<Refusal>> {
        self.shut_out(admitted, request, now)
            .err()
            .map(|it| it.refusal)
            .filter(|refusal| refusal.code == Code::Revoked)
    }

    /// Puts `all` in the place of what was revoked: it counts from here on. Gives what that changes, each with its entry, which is to be
    /// recorded: what is revoked is, whether or not that can be.
    pub fn revoke(&self, all: Vec<Revocation>, now: Timestamp) -> Vec<Entry> {
        let before = self.revocations.0.swap(Arc::new(all.clone()));
        let new = |it: &&Revocation| !before.contains(it);
        let gone = |it: &&Revocation| !all.contains(it);
        let made = all.iter().filter(new).map(|it| (it, self.revoked(it)));
        let ended = before.iter().filter(gone).map(|it| (it, self.restored(it, now)));
        made.chain(ended)
            .map(|(it, event)| {
                let client = Some((&*self.recorder.client(&it.by)).into());
                Entry { client, ..Entry::of_gateway(now, Arc::clone(&self.name), event) }
            })
            .collect()
    }

    fn revoked(&self, it: &Revocation) -> Event {
        let Revocation { id, what, of, issued_until, until, reason, .. } = it;
        Event::AccessRevoked {
            id: self.recorder.name(id),
            what: what.as_str().into(),
            of: self.recorder.name(of),
            issued_until: *issued_until,
            until: *until,
            reason: self.recorder.shortened(reason, REASON_CHARS_MAX),
        }
    }

    fn restored(&self, it: &Revocation, now: Timestamp) -> Event {
        let (id, of) = (self.recorder.name(&it.id), self.recorder.name(&it.of));
        Event::AccessRestored { id, what: it.what.as_str().into(), of, was_over: it.is_over(now) }
    }

    /// Whether something keeps commands from this session whatever policy says: its access is revoked, or a control does not work.
    pub(crate) fn shut_out(
        &self,
        admitted: &Admitted,
        request: RequestId,
        now: Timestamp,
    ) -> Result<(), Refused> {
        match self.revocations.refuses(admitted.admission(), now) {
            None => self.closed_by_control(admitted, request),
            Some(why) => Err(self.refused(&Denied::because(Code::Revoked, &why), request)),
        }
    }
}
