//! Access that is taken away at once, whatever tokens and policies say: of an agent, a person, a group, a connection, or all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use access::{
    Admission, Code, Kind, Labelled, Mode, Principal, Refusal, RequestId, SessionId, Stage, Timestamp,
};
use arc_swap::ArcSwap;
use audit::{Entry, Event, Who};
use mask::Masker;
use policy::{Answering, Asked, Decision, Scope, Subject};
use serde::{Deserialize, Serialize};

use crate::checks::Denied;
use crate::gate::{Refused, connect};
use crate::record::shortened;
use crate::{Admitted, Gate, Unanswered, Voter};

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
    /// Of a sign-in, whose it is: their tokens that name no sign-in count as of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Box<str>>,
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

impl What {
    /// The word that people write for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            other => other.as_str(),
        }
    }

    /// What is meant by it, for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Agent => "An agent, by its name in policies",
            Self::Subject => "Whoever has this `sub`, with all access that they have lent or were lent",
            Self::Person => "A person, by the claim that all of their identities share",
            Self::Client => "All tokens issued to an OAuth client (`azp`, `client_id`)",
            Self::Group => "Whoever is in a group",
            Self::Token => "A token, by its id (`principal.token_id` in entries)",
            Self::SignIn => "All tokens of one sign-in (`sid`)",
            Self::Session => "A session, by its id",
            Self::Connection => "A connection, whoever asks",
            Self::Everything => "Everything",
        }
    }
}

impl Revocation {
    /// Of what, from now on and for all tokens, and nothing said of who did it and why.
    pub fn new(id: &str, what: What, of: &str) -> Self {
        Self {
            id: id.into(),
            what,
            of: of.into(),
            subject: None,
            issuer: None,
            issued_until: None,
            until: None,
            reason: Box::default(),
            by: Box::default(),
            since: 0,
        }
    }

    /// What somebody says of it, as it may be kept: masked as in entries by `masker`, and 2,000 characters of it.
    pub fn words(masker: Masker, text: &str) -> Box<str> {
        shortened(masker, text, WORDS_CHARS_MAX)
    }

    /// The name by which it is found: that of a person is the same in capitals.
    fn named(&self) -> Box<str> {
        match self.what {
            What::Person => self.of.to_lowercase().into(),
            What::Everything => Box::default(),
            _ => self.of.clone(),
        }
    }

    /// Whether it counts for `principal`, who has its name.
    fn counts(&self, principal: &Principal, now: Timestamp) -> bool {
        let issued = principal.authentication.issued_at;
        let is_issued_before = |until: i64| issued.is_none_or(|issued| issued.micros() <= until);
        let sign_in = principal.authentication.sign_in.as_ref();
        let is_meant = self.what != What::SignIn || sign_in.is_none_or(|sign_in| *sign_in == self.of);
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
            what => format!("of this {} ({})", what.word(), self.id),
        }
    }
}

/// What is revoked now.
#[derive(Default)]
pub struct Revocations(ArcSwap<Index>);

/// By what they are of and its name, since there may be one for each who has signed out lately.
#[derive(Default)]
struct Index {
    all: Vec<Revocation>,
    /// Where those of each are in `all`.
    named: [HashMap<Box<str>, Vec<usize>>; What::ALL.len()],
}

impl Index {
    fn new(all: Vec<Revocation>) -> Self {
        let mut named: [HashMap<Box<str>, Vec<usize>>; What::ALL.len()] = Default::default();
        for (at, it) in all.iter().enumerate() {
            let names = What::ALL.into_iter().zip(&mut named).find(|(what, _)| *what == it.what);
            if let Some((_, names)) = names {
                names.entry(it.named()).or_default().push(at);
            }
            // Looked for by whose it is, too, and found if the token does not say of which sign-in it is.
            let subjects = What::ALL.into_iter().zip(&mut named).find(|(what, _)| *what == What::Subject);
            if let (Some((_, subjects)), Some(subject), What::SignIn) = (subjects, &it.subject, it.what) {
                subjects.entry(subject.clone()).or_default().push(at);
            }
        }
        Self { all, named }
    }

    /// Those of `what` with this name.
    fn of(&self, what: What, name: &str) -> impl Iterator<Item = &Revocation> {
        let names = What::ALL.into_iter().zip(&self.named).find(|(it, _)| *it == what);
        let places = names.and_then(|(_, names)| names.get(name));
        places.into_iter().flatten().filter_map(|at| self.all.get(*at))
    }
}

impl Revocations {
    /// The first that takes access from `principal`: on this connection and in this session, where they have come to one.
    pub fn of(
        &self,
        principal: &Principal,
        at: Option<(&str, SessionId)>,
        now: Timestamp,
    ) -> Option<Revocation> {
        let index = self.0.load();
        if index.all.is_empty() {
            return None;
        }
        let signed_in = &principal.authentication;
        let session = at.map(|(_, session)| session.to_string());
        let agent = (principal.kind == Kind::Agent).then_some(&*principal.id);
        let names = [
            (What::Everything, Some("")),
            (What::Agent, agent),
            (What::Subject, Some(&*principal.subject)),
            (What::Subject, signed_in.actor.as_deref()),
            (What::Person, principal.person.as_deref()),
            (What::Client, signed_in.client.as_deref()),
            (What::Token, Some(&*principal.token_id)),
            (What::SignIn, signed_in.sign_in.as_deref()),
            (What::Session, session.as_deref()),
            (What::Connection, at.map(|(connection, _)| connection)),
        ];
        let groups = principal.groups.iter().map(|group| (What::Group, Some(&**group)));
        let named = names.into_iter().chain(groups).filter_map(|(what, name)| Some((what, name?)));
        let mut found = named.flat_map(|(what, name)| index.of(what, name));
        let own = found.find(|it| it.counts(principal, now)).cloned();
        // What takes access from somebody takes what they lent and handed on.
        own.or_else(|| principal.lent()?.lenders.iter().find_map(|lender| self.of(lender, None, now)))
    }

    /// Every one.
    pub fn all(&self) -> Vec<Revocation> {
        self.0.load().all.clone()
    }

    /// What takes access from somebody who has said something before, as they were recorded then: not what only ended their tokens.
    pub(crate) fn of_who(&self, who: &Who, now: Timestamp) -> Option<Revocation> {
        let index = self.0.load();
        let agent = (&*who.kind == Kind::Agent.as_str()).then_some(&*who.id);
        let names = [
            (What::Everything, Some("")),
            (What::Agent, agent),
            (What::Subject, Some(&*who.subject)),
            (What::Person, who.person.as_deref()),
        ];
        let groups = who.groups.iter().map(|group| (What::Group, Some(&**group)));
        let named = names.into_iter().chain(groups).filter_map(|(what, name)| Some((what, name?)));
        let mut found = named.flat_map(|(what, name)| index.of(what, name));
        let is_theirs = |it: &&Revocation| it.issuer.as_ref().is_none_or(|issuer| *issuer == who.issuer);
        found.find(|it| is_theirs(it) && it.issued_until.is_none() && !it.is_over(now)).cloned()
    }

    /// As [`Revocations::of`] of who was admitted, in words for them.
    pub(crate) fn refuses(&self, admission: &Admission, now: Timestamp) -> Option<String> {
        let at = Some((&*admission.connection, admission.session));
        self.of(&admission.principal, at, now).map(|it| it.told())
    }
}

/// Its file was taken away by nobody who said so.
const UNKNOWN: &str = "somebody who has not said so";

/// As much of what somebody says as is kept.
const WORDS_CHARS_MAX: usize = 2000;

impl Gate {
    /// What is revoked.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// What masks the text of entries.
    pub fn masker(&self) -> Masker {
        self.recorder.masker()
    }

    /// Whether whoever was admitted has lost their access.
    pub fn is_revoked(&self, admission: &Admission, now: Timestamp) -> bool {
        self.revocations.refuses(admission, now).is_some()
    }

    /// Whether this very session was revoked, and not somebody's access.
    pub fn is_session_revoked(&self, admission: &Admission, now: Timestamp) -> bool {
        let index = self.revocations.0.load();
        if index.all.is_empty() {
            return false;
        }
        let session = admission.session.to_string();
        let mut found = index.of(What::Session, &session);
        found.any(|it| it.counts(&admission.principal, now))
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

    /// Puts `all` in the place of what was revoked: it counts from here on. Gives the entries of what that changes, which are to be
    /// recorded: what is revoked is, whether or not that can be. `lifted` says who has lifted what, by its id.
    pub fn revoke(
        &self,
        all: Vec<Revocation>,
        lifted: &BTreeMap<Box<str>, Box<str>>,
        now: Timestamp,
    ) -> Vec<Entry> {
        let before = self.revocations.0.swap(Arc::new(Index::new(all.clone())));
        let known = |all: &[Revocation]| all.iter().map(|it| (it.id.clone(), it.clone())).collect();
        let (old, new): (HashMap<_, _>, HashMap<_, _>) = (known(&before.all), known(&all));
        let is_new = |it: &&Revocation| old.get(&it.id) != Some(*it);
        let is_gone = |it: &&Revocation| !new.contains_key(&it.id);
        let made = all.iter().filter(is_new).map(|it| (&*it.by, self.revoked(it)));
        let ended = before.all.iter().filter(is_gone).map(|it| {
            let by = lifted.get(&it.id).map_or(if it.is_over(now) { "time" } else { UNKNOWN }, |by| &**by);
            (by, self.restored(it, by, now))
        });
        made.chain(ended)
            .map(|(by, event)| {
                let client = Some((&*self.recorder.client(by)).into());
                Entry { client, ..Entry::of_gateway(now, Arc::clone(&self.name), event) }
            })
            .collect()
    }

    /// Whether policy lets somebody take access away on these connections, each with its labels, and give it back; `why` is in their
    /// words. That they may not is recorded.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn may_revoke(
        &self,
        voter: &Voter,
        connections: &[Labelled],
        why: &str,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        self.holds(voter, now)?;
        if self.lets_revoke(voter, connections, !why.is_empty(), now) {
            return Ok(());
        }
        let detail = "policy does not let them take access away or give it back".into();
        let event = Event::SessionRefused { code: Code::PolicyDenied, reason: detail, policies: Vec::new() };
        let entry = Entry {
            principal: Some(Arc::new(Who::from(&*voter.principal))),
            from: Some((&*voter.from).into()),
            client: Some(self.recorder.client(&voter.client).into()),
            lane: Some("console".into()),
            ..Entry::of_gateway(now, Arc::clone(&self.name), event)
        };
        // It is refused whether or not that is recorded.
        _ = self.log.append(&entry).await;
        Err(Unanswered::MayNotRevoke)
    }

    /// Whether policy would let somebody take access away on all of these connections. Nothing is recorded.
    pub fn could_revoke(&self, voter: &Voter, connections: &[Labelled], now: Timestamp) -> bool {
        self.lets_revoke(voter, connections, true, now)
    }

    fn lets_revoke(&self, voter: &Voter, connections: &[Labelled], comment: bool, now: Timestamp) -> bool {
        let is_user = voter.principal.kind == Kind::User;
        let mut decisions = connections.iter().map(|it| self.on_revoking(voter, it, comment, now));
        is_user && !connections.is_empty() && decisions.all(|it| it.allowed)
    }

    fn on_revoking(
        &self,
        voter: &Voter,
        (connection, labels): &Labelled,
        comment: bool,
        now: Timestamp,
    ) -> Decision {
        let signed_in = &voter.principal.authentication;
        let asked = Asked {
            requester: "",
            groups: &[],
            comment,
            acr: signed_in.class.as_deref().unwrap_or_default(),
            signed_in_seconds: signed_in.at.map(|at| (now.micros() - at.micros()).max(0) / 1_000_000),
            granting: None,
            lent_to: "",
        };
        let (rules, subject, facts) = (self.rules.load(), Subject::new(&voter.principal), connect());
        let scope = Scope { connection, labels, mode: Mode::default() };
        let inquiry = rules.policies.about(&subject, scope, &facts, Stage::Run, 0);
        inquiry.may_answer(Answering::Revoke, asked)
    }

    fn revoked(&self, it: &Revocation) -> Event {
        let Revocation { id, what, of, issuer, issued_until, until, reason, by, .. } = it;
        Event::AccessRevoked {
            id: self.recorder.name(id),
            what: what.as_str().into(),
            of: self.recorder.name(of),
            issued_until: *issued_until,
            until: *until,
            reason: self.recorder.shortened(reason, WORDS_CHARS_MAX),
            issuer: issuer.as_deref().map(|issuer| self.recorder.name(issuer)),
            by: self.recorder.shortened(by, WORDS_CHARS_MAX),
        }
    }

    fn restored(&self, it: &Revocation, by: &str, now: Timestamp) -> Event {
        let (id, of) = (self.recorder.name(&it.id), self.recorder.name(&it.of));
        let by = self.recorder.shortened(by, WORDS_CHARS_MAX);
        Event::AccessRestored { id, what: it.what.as_str().into(), of, was_over: it.is_over(now), by }
    }

    /// Whether something keeps commands from this session whatever policy says: its access is revoked, or a control does not work.
    pub(crate) fn shut_out(
        &self,
        admitted: &Admitted,
        request: RequestId,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if let Some(why) = self.revocations.refuses(admitted.admission(), now) {
            return Err(self.refused(&Denied::because(Code::Revoked, &why), request));
        }
        if !self.is_as_then(&admitted.admission().principal) {
            let why = "whoever lent this access is in other groups since: connect again";
            return Err(self.refused(&Denied::because(Code::TokenExpired, why), request));
        }
        self.closed_by_control(admitted, request)
    }
}
