use std::path::PathBuf;

use audit::Search;
use http::HeaderName;
use proxy::Trust;
use vault::Name;

use crate::Form;

/// A collector to which the log is brought.
#[derive(Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its name in the configuration: letters, digits, `-` and `_`.
    pub name: Box<str>,
    /// Which entries it is given.
    pub only: Search,
    /// Where it begins if it has been nowhere yet.
    pub begins: Begins,
    /// Whose certificates are believed there.
    pub trust: Trust,
    /// How it is reached.
    pub to: To,
}

/// Where a sink begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the log's first entry.
    Start,
    /// With what comes from then on.
    Now,
}

/// How a collector is reached, and what it is given. Secrets are names in the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Syslog over TLS (RFC 5425).
    Syslog {
        /// Its host name or address, which is also what its certificate must be for.
        host: Box<str>,
        /// Its port.
        port: u16,
        /// INVARIANT: without it the host is on loopback.
        tls: bool,
        /// What the messages are; but for [`Form::Syslog`] they are the text of one.
        form: Form,
    },
    /// OpenTelemetry's logs, by HTTP in JSON.
    Otlp {
        /// `https://HOST/v1/logs`, or `http` on loopback.
        url: Box<str>,
        /// What is sent with each request.
        headers: Vec<(HeaderName, Name)>,
    },
    /// Any system, by Standard Webhooks.
    Webhook {
        /// As of [`To::Otlp`].
        url: Box<str>,
        /// By what messages are signed.
        key: Name,
        /// What is sent with each request.
        headers: Vec<(HeaderName, Name)>,
        /// What the entries are.
        form: Form,
    },
    /// A file, an entry a line.
    File {
        /// Where it is.
        path: PathBuf,
        /// What the lines are.
        form: Form,
    },
}

impl Sink {
    /// The word for how it is reached.
    pub fn kind(&self) -> &'static str {
        match self.to {
            To::Syslog { .. } => "syslog",
            To::Otlp { .. } => "otlp",
            To::Webhook { .. } => "webhook",
            To::File { .. } => "file",
        }
    }
}
