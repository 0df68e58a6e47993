use access::{Code, Refusal, RequestId};
use bytes::Bytes;

use super::setting::Unfit;
use crate::error;

/// Why panguard does not open a session, before anyone has been identified.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Plain text from another machine.
    PlainText { tls_offered: bool },
    /// A protocol whose major version is not 3.
    OtherMajor(u16),
    /// A replication connection.
    Replication,
    /// No user name.
    NoUser,
    /// A setting that is not let through.
    Unfit(Unfit),
    /// An empty password, or OAUTHBEARER without a token.
    NoToken,
    /// A SASL mechanism that was not offered.
    OtherMechanism,
    /// A token longer than the limit.
    TokenTooLong,
}

impl Fault {
    /// What is recorded, and what the agent is told.
    pub(super) fn refusal(&self, request: RequestId) -> (Refusal, Bytes) {
        let (code, detail, hint) = self.words();
        let refusal =
            Refusal { code, request, detail: detail.into(), columns: Vec::new(), policies: Vec::new() };
        let response = error::startup_response(&refusal, hint);
        (refusal, response)
    }

    /// The code, what was refused, and what to do instead.
    fn words(&self) -> (Code, String, &'static str) {
        let supported = |detail: &str, hint| (Code::NotSupported, detail.to_owned(), hint);
        match self {
            Self::PlainText { tls_offered: true } => {
                supported("an unencrypted connection from another machine", "connect with sslmode=require")
            }
            Self::PlainText { tls_offered: false } => supported(
                "an unencrypted connection from another machine, and this listener has no certificate",
                "ask the operator of panguard to configure `tls`, then connect with sslmode=require",
            ),
            Self::OtherMajor(major) => (
                Code::NotSupported,
                format!("version {major} of the protocol"),
                "use a client that speaks version 3 of the PostgreSQL protocol",
            ),
            Self::Replication => supported(
                "a replication connection",
                "connect without `replication` and use ordinary queries",
            ),
            Self::NoUser => (
                Code::NotIdentified,
                "the startup packet names no user".to_owned(),
                "connect as user `agent` with the OIDC access token as the password",
            ),
            Self::Unfit(unfit) => unfit_words(unfit),
            Self::NoToken => {
                (Code::NotIdentified, "the password was empty".to_owned(), Code::NotIdentified.instead())
            }
            Self::OtherMechanism => supported(
                "a SASL mechanism that was not offered",
                "use OAUTHBEARER, or the token as the password",
            ),
            Self::TokenTooLong => (
                Code::LimitReached,
                "the token is longer than 65,535 bytes".to_owned(),
                "ask the issuer for a token with fewer claims",
            ),
        }
    }
}

fn unfit_words(unfit: &Unfit) -> (Code, String, &'static str) {
    let (detail, hint) = match unfit {
        Unfit::Unknown(name) if name.is_empty() => ("a startup parameter".to_owned(), LEAVE_IT_OUT),
        Unfit::Unknown(name) => (format!("the startup parameter `{name}`"), LEAVE_IT_OUT),
        Unfit::Encoding => {
            ("a client_encoding other than UTF8".to_owned(), "connect with client_encoding=UTF8")
        }
        Unfit::SearchPath => (
            "a search_path other than the default".to_owned(),
            "leave search_path out of the connection string and write table names with their schema",
        ),
        Unfit::Strings => (
            "standard_conforming_strings other than `on`".to_owned(),
            "leave standard_conforming_strings out of the connection string",
        ),
        Unfit::Method => {
            ("an unknown `panguard.auth`".to_owned(), "set `panguard.auth` to `password` or `oauthbearer`")
        }
        Unfit::Options => (
            "`options` that are not settings".to_owned(),
            "write `options` as `-c name=value`, with settings that panguard lets through",
        ),
    };
    (Code::NotSupported, detail, hint)
}

const LEAVE_IT_OUT: &str = "leave it out of the connection string; let through are application_name, client_encoding, \
     DateStyle, TimeZone, IntervalStyle, extra_float_digits, statement_timeout, lock_timeout, \
     idle_in_transaction_session_timeout and geqo";
