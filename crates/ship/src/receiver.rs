//! What a sink's entries are given to. Moving: how they are put together is elsewhere.

mod file;
mod http;
mod syslog;

use std::time::Duration;

use access::Timestamp;
use vault::Vault;

use crate::course::Came;
use crate::read::{Batch, Shape};
use crate::sink::{Sink, To};
use file::Appender;
use http::Poster;
use syslog::Leg;

/// What came of an attempt.
pub(crate) struct Brought {
    pub(crate) came: Came,
    /// Why nothing did, for operators: in words from a fixed list and numbers.
    pub(crate) why: Option<String>,
    /// How many of the entries it has not taken, though it has the others.
    pub(crate) rejected: u64,
}

/// Why a receiver has not got what it should.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// In words from a fixed list and numbers: nothing of an address, a secret or an answer.
    pub(crate) why: String,
    /// For how many seconds it wants to be left alone, if it says.
    pub(crate) wanted: Option<u32>,
}

impl Failed {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), wanted: None }
    }
}

impl Brought {
    const KEPT: Self = Self { came: Came::Kept, why: None, rejected: 0 };
    const SENT: Self = Self { came: Came::Sent, why: None, rejected: 0 };

    fn failed(Failed { why, wanted }: Failed) -> Self {
        Self { came: Came::Failed { wanted }, why: Some(why), rejected: 0 }
    }

    fn refused(why: String) -> Self {
        Self { came: Came::Refused, why: Some(why), rejected: 0 }
    }
}

/// A sink's receiver, with what is open to it.
pub(crate) enum Receiver {
    Syslog(Leg),
    Http(Box<Poster>),
    File(Appender),
}

impl Receiver {
    pub(crate) fn of(sink: &Sink) -> Self {
        match &sink.to {
            To::Syslog { .. } => Self::Syslog(Leg::default()),
            To::Otlp { .. } | To::Webhook { .. } => Self::Http(Box::default()),
            To::File { .. } => Self::File(Appender::default()),
        }
    }

    /// In which form it takes entries.
    pub(crate) fn shape(sink: &Sink) -> Shape {
        match sink.to {
            To::Syslog { form, .. } => Shape::Message(form),
            To::Webhook { form, .. } | To::File { form, .. } => Shape::Line(form),
            To::Otlp { .. } => Shape::Record,
        }
    }

    /// Gives it a batch.
    pub(crate) async fn bring(
        &mut self,
        sink: &Sink,
        batch: &Batch,
        vault: &Vault,
        now: Timestamp,
    ) -> Brought {
        match (self, &sink.to) {
            (Self::Syslog(leg), To::Syslog { host, port, tls, .. }) => {
                let trust = tls.then_some(&sink.trust);
                leg.bring(host, *port, trust, batch).await.map_or_else(Brought::failed, |()| Brought::SENT)
            }
            (Self::Http(poster), To::Otlp { url, headers }) => {
                poster.otlp(&sink.trust, url, headers, batch, vault).await
            }
            (Self::Http(poster), To::Webhook { url, key, headers, form }) => {
                poster.webhook(sink, (url, key, headers, *form), batch, vault, now).await
            }
            (Self::File(appender), To::File { path, .. }) => {
                appender.append(path, batch).await.map_or_else(Brought::failed, |()| Brought::KEPT)
            }
            // INVARIANT: it is the receiver of this very sink.
            (Self::Syslog(_) | Self::Http(_) | Self::File(_), _) => {
                Brought::failed(Failed::because("it is another kind of sink"))
            }
        }
    }

    /// How long to wait for more where a batch was not a full one. A request is a connection of its own.
    pub(crate) fn gathers(&self) -> Duration {
        match self {
            Self::Http(_) => Duration::from_secs(1),
            Self::Syslog(_) | Self::File(_) => Duration::ZERO,
        }
    }

    /// Whether so much has been written, or so long ago, that it is time to [ask](Receiver::end) what has arrived.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self, Self::Syslog(leg) if leg.is_due())
    }

    /// Has it say that it has all that was written.
    ///
    /// # Errors
    /// [`Failed`]: what has arrived is not known.
    pub(crate) async fn end(&mut self) -> Result<(), Failed> {
        match self {
            Self::Syslog(leg) => leg.end().await,
            Self::Http(_) | Self::File(_) => Ok(()),
        }
    }

    /// Lets go of what is open to it.
    pub(crate) fn drop_all(&mut self) {
        if let Self::Syslog(leg) = self {
            *leg = Leg::default();
        }
    }
}
