use access::{Code, Refusal, RequestId};
use wire::Violation;

/// Why no session could be opened with the upstream.
///
/// `Display` is for operators: it may hold what the server said, names of roles and databases among it,
/// and never a password. An agent is told [`Failure::refusal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server said no.
    #[error("the upstream refused the session: {message} (SQLSTATE {sqlstate})")]
    Refused {
        /// Five characters, or empty if the server gave none.
        sqlstate: Box<str>,
        /// The server's primary message, in its own words.
        message: Box<str>,
    },
    /// The server asks for a way of signing in that panguard does not go.
    #[error("the upstream asks for {0}")]
    Method(&'static str),
    /// The server did not prove in the SCRAM exchange that it knows the password: it is another server,
    /// or its messages were changed on the way.
    #[error("the upstream did not prove that it knows the password: {0}")]
    Unproven(Box<str>),
    /// The server broke the protocol.
    #[error("the upstream broke the protocol: {}", .0.rule)]
    Violation(Violation),
}

impl Failure {
    /// What the agent is told: nothing of credentials, roles or addresses.
    pub fn refusal(&self, request: RequestId) -> Refusal {
        let (code, detail) = match self {
            // Class 22: of all that panguard sends at start-up, only the agent's own settings have values
            // that a server can find fault with.
            Self::Refused { sqlstate, .. } if sqlstate.starts_with("22") => {
                (Code::NotSupported, "the database rejected the value of a startup parameter")
            }
            Self::Refused { sqlstate, .. } => (Code::UpstreamUnavailable, refused(sqlstate)),
            Self::Method(_) | Self::Unproven(_) => {
                (Code::UpstreamUnavailable, "panguard could not sign in to the database, tell its operator")
            }
            Self::Violation(_) => (Code::UpstreamUnavailable, "the database broke its protocol"),
        };
        Refusal { code, request, detail: detail.into(), columns: Vec::new(), policies: Vec::new() }
    }
}

fn refused(sqlstate: &str) -> &'static str {
    match sqlstate {
        "53300" => "the database has no connection left",
        "57P03" => "the database is starting or stopping",
        "57P01" | "57P02" => "the database is shutting down",
        sqlstate if sqlstate.starts_with("28") || sqlstate == "3D000" => {
            "panguard could not sign in to the database, tell its operator"
        }
        _ => "the database refused the session",
    }
}
