use serde::{Deserialize, Serialize};

/// What panguard watches in itself (PCI DSS 4.0.1, 10.7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The audit log: that it can be written, and that nobody has changed it (10.3.4).
    AuditLog,
    /// Whether a lane masks made-up card numbers.
    Detection,
    /// The keys by which an issuer's tokens are verified.
    IdentityKeys,
    /// The newest policies, where they are not in force.
    Policies,
    /// The newest configuration, where it is not in force.
    Configuration,
    /// The secrets.
    Vault,
    /// Where approvals are kept.
    Approvals,
    /// The machine's clock (10.6).
    Clock,
    /// Where the audit log is brought.
    Collectors,
    /// Where the audit log is kept for as long as it must be.
    Archive,
    /// Those who sign the audit log's heads, too.
    Witnesses,
}

impl Control {
    /// All that there are.
    pub const ALL: [Self; 11] = [
        Self::AuditLog,
        Self::Detection,
        Self::IdentityKeys,
        Self::Policies,
        Self::Configuration,
        Self::Vault,
        Self::Approvals,
        Self::Clock,
        Self::Collectors,
        Self::Archive,
        Self::Witnesses,
    ];

    /// Its word in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuditLog => "audit_log",
            Self::Detection => "detection",
            Self::IdentityKeys => "identity_keys",
            Self::Policies => "policies",
            Self::Configuration => "configuration",
            Self::Vault => "vault",
            Self::Approvals => "approvals",
            Self::Clock => "clock",
            Self::Collectors => "collectors",
            Self::Archive => "archive",
            Self::Witnesses => "witnesses",
        }
    }

    /// It, as people read it, with what it is of.
    pub fn said(self, of: &str) -> String {
        let word = self.as_str().replace('_', " ");
        if of.is_empty() { word } else { format!("{word} of {of}") }
    }
}

/// Which commands are refused while a control does not work.
///
/// The later are the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closes {
    /// None for that alone.
    Nothing,
    /// Those on the connection that it is of.
    Connection,
    /// Those on connections labelled `cde`.
    Cde,
}

impl Closes {
    /// Which those are, in words.
    pub fn said(self) -> &'static str {
        match self {
            Self::Nothing => "no command is refused for it",
            Self::Connection => "its commands are refused",
            Self::Cde => "commands on connections labelled cde are refused",
        }
    }
}
