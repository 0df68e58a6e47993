use std::ops::ControlFlow;

use crate::{Entry, Event, Indication};

/// What of an entry can be searched by. An entry has any number of values of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Who asked: the name in policies, and the token's subject.
    Principal,
    /// On whose behalf.
    Delegation,
    /// The connection.
    Connection,
    /// The connection's protocol.
    Lane,
    /// The agent side's network address.
    From,
    /// What was touched, as `table public.cards` and as `public.cards`; what is no connection's by what it is.
    Object,
    /// Columns with a data class that were touched, as `schema.table.column`.
    Column,
    /// What was done to it: `read`, `write`, …
    Action,
    /// The kind of statement.
    Kind,
    /// The type of event.
    Event,
    /// `allowed`, `refused` or `held`.
    Decision,
    /// The policies that decided.
    Policy,
    /// The data classes of what was touched.
    Class,
    /// The statement, masked.
    Statement,
    /// The request: the command's own, and the one that an answer or an approval is of.
    Request,
    /// The session.
    Session,
    /// What it is part of at its client: the trace that the client names, and the token by which it came.
    Run,
    /// How a command ended.
    Status,
    /// A refusal's code, or the upstream's word for how it ended.
    Code,
    /// `success` or `failure`.
    Result,
}

impl Field {
    /// All of them, in the order in which they are told of.
    pub const ALL: [Self; 20] = [
        Self::Principal,
        Self::Delegation,
        Self::Connection,
        Self::Lane,
        Self::From,
        Self::Object,
        Self::Column,
        Self::Action,
        Self::Kind,
        Self::Event,
        Self::Decision,
        Self::Policy,
        Self::Class,
        Self::Statement,
        Self::Request,
        Self::Session,
        Self::Run,
        Self::Status,
        Self::Code,
        Self::Result,
    ];

    /// Its name in an expression.
    pub fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Delegation => "delegation",
            Self::Connection => "connection",
            Self::Lane => "lane",
            Self::From => "from",
            Self::Object => "object",
            Self::Column => "column",
            Self::Action => "action",
            Self::Kind => "kind",
            Self::Event => "event",
            Self::Decision => "decision",
            Self::Policy => "policy",
            Self::Class => "class",
            Self::Statement => "statement",
            Self::Request => "request",
            Self::Session => "session",
            Self::Run => "run",
            Self::Status => "status",
            Self::Code => "code",
            Self::Result => "result",
        }
    }

    /// Whether any of the entry's values is one that is wanted.
    pub(crate) fn any(self, entry: &Entry, wanted: impl Fn(&str) -> bool) -> bool {
        let look =
            |value: &str| if wanted(value) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        self.values(entry, look).is_break()
    }

    /// Tells each of the entry's values, some perhaps twice, until it is told to stop.
    pub(crate) fn values(
        self,
        entry: &Entry,
        mut tell: impl FnMut(&str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let event = &entry.event;
        let command = event.command();
        let facts = command.map(|command| &*command.facts);
        match self {
            Self::Principal => match entry.principal.as_deref() {
                Some(who) => {
                    tell(&who.id)?;
                    tell(&who.subject)
                }
                None => ControlFlow::Continue(()),
            },
            Self::Delegation => {
                let who = entry.principal.as_deref();
                who.and_then(|who| who.on_behalf_of.as_deref()).into_iter().try_for_each(&mut tell)?;
                let Some((who, lent)) = who.and_then(|who| Some((who, who.lent.as_deref()?))) else {
                    return ControlFlow::Continue(());
                };
                let through = lent.through.iter().map(|agent| &**agent);
                [&*who.token_id, &*lent.by].into_iter().chain(through).try_for_each(tell)
            }
            Self::Connection => entry.connection.as_deref().into_iter().try_for_each(tell),
            Self::Lane => entry.lane.as_deref().into_iter().try_for_each(tell),
            Self::From => entry.from.as_deref().into_iter().try_for_each(tell),
            Self::Object => {
                for one in facts.into_iter().flat_map(|facts| &facts.uses) {
                    tell(&one.resource)?;
                    if let Some((_, name)) = one.resource.split_once(' ') {
                        tell(name)?;
                    }
                }
                if let Event::Revealed { column, .. } = event {
                    tell(column)?;
                }
                if entry.connection.is_none() { tell(&event.resource()) } else { ControlFlow::Continue(()) }
            }
            Self::Column => {
                let facts = facts.into_iter();
                facts
                    .flat_map(|facts| {
                        let compared = facts.matches.iter().map(|one| &*one.column);
                        facts.columns.iter().map(|one| &*one.column).chain(compared)
                    })
                    .try_for_each(tell)
            }
            Self::Action => {
                facts.into_iter().flat_map(|facts| &facts.uses).try_for_each(|one| tell(&one.action))
            }
            Self::Kind => facts.into_iter().flat_map(|facts| &facts.kinds).try_for_each(|kind| tell(kind)),
            Self::Event => tell(event.name()),
            Self::Decision => event.decision().into_iter().try_for_each(tell),
            Self::Policy => event.policies().iter().try_for_each(|note| tell(&note.id)),
            Self::Class => {
                let facts = facts.into_iter();
                facts
                    .flat_map(|facts| {
                        let compared = facts.matches.iter().map(|one| &*one.class);
                        facts.columns.iter().map(|one| &*one.class).chain(compared)
                    })
                    .try_for_each(tell)
            }
            Self::Statement => command.map(|command| &*command.statement).into_iter().try_for_each(tell),
            Self::Request => {
                if let Some(request) = entry.request {
                    tell(&request.to_string())?;
                }
                other_request(event).into_iter().try_for_each(tell)
            }
            Self::Session => match entry.session {
                Some(session) => tell(&session.to_string()),
                None => ControlFlow::Continue(()),
            },
            Self::Run => {
                let traced = command.and_then(|command| command.trace.as_ref()).map(|trace| &*trace.id);
                let token = entry.principal.as_deref().map(|who| &*who.token_id);
                traced.into_iter().chain(token).try_for_each(tell)
            }
            Self::Status => match event {
                Event::Outcome { status, .. } => tell(status.as_str()),
                _ => ControlFlow::Continue(()),
            },
            Self::Code => match event {
                Event::SessionRefused { code, .. } | Event::CommandRefused { code, .. } => {
                    tell(code.as_str())
                }
                Event::Outcome { code, .. } => tell(code),
                _ => ControlFlow::Continue(()),
            },
            Self::Result => tell(match event.indication() {
                Indication::Success => "success",
                Indication::Failure => "failure",
            }),
        }
    }
}

/// The request that an event is about, beside the one that it belongs to.
fn other_request(event: &Event) -> Option<&str> {
    match event {
        Event::CommandIntent { approval, .. } => approval.as_deref(),
        event => event.of_request(),
    }
}
