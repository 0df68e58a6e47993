use std::fmt;

use crate::{Kind, Principal};

/// In which way a principal may query one connection (PCI DSS 4.0.1, 7.2.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// By the statements that the operator has registered, and by no others.
    Templates,
    /// By any statement, as policy allows.
    #[default]
    Filtered,
    /// As an administrator: also by what is not understood, where policy allows that at all. Recorded as such.
    Admin,
}

impl Mode {
    /// The word for it in the configuration, in policies and in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Templates => "templates",
            Self::Filtered => "filtered",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose mode on a connection is which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModeOf {
    /// The mode.
    pub mode: Mode,
    /// For whoever is in one of these groups,
    pub groups: Vec<Box<str>>,
    /// for people of these names,
    pub users: Vec<Box<str>>,
    /// and for agents of these names.
    pub agents: Vec<Box<str>>,
}

impl ModeOf {
    /// The mode of `principal`: that of the first of `all` that names it.
    pub fn find(all: &[Self], principal: &Principal) -> Mode {
        all.iter().find(|it| it.names(principal)).map(|it| it.mode).unwrap_or_default()
    }

    fn names(&self, principal: &Principal) -> bool {
        let names = match principal.kind {
            Kind::User => &self.users,
            Kind::Agent => &self.agents,
        };
        names.contains(&principal.id) || self.groups.iter().any(|group| principal.groups.contains(group))
    }
}
