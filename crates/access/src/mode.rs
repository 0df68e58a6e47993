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
    /// Whose tokens it is about; `None` where there is one issuer. Two may use the same name or group.
    pub issuer: Option<Box<str>>,
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
        let by = self.issuer.as_ref().is_none_or(|issuer| *issuer == principal.issuer);
        let is_named =
            names.contains(&principal.id) || self.groups.iter().any(|group| principal.groups.contains(group));
        by && is_named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn person(id: &str, issuer: &str, group: &str) -> Principal {
        Principal {
            kind: Kind::User,
            id: id.into(),
            issuer: issuer.into(),
            subject: id.into(),
            groups: [group.into()].into(),
            delegation: None,
            person: None,
            authentication: crate::Authentication::default(),
            token_id: "".into(),
            valid_from: Timestamp(0),
            valid_until: Timestamp(1),
        }
    }

    #[test]
    fn the_first_that_names_a_principal_counts_and_nobody_elses_namesake_is_named() {
        let issuer = Some("https://one".into());
        let modes = [
            ModeOf { mode: Mode::Admin, issuer, users: vec!["ada".into()], ..ModeOf::default() },
            ModeOf { mode: Mode::Templates, groups: vec!["reporting".into()], ..ModeOf::default() },
        ];
        let mode = |id, issuer, group| ModeOf::find(&modes, &person(id, issuer, group));
        assert_eq!(mode("ada", "https://one", "reporting"), Mode::Admin);
        assert_eq!(mode("ada", "https://two", "reporting"), Mode::Templates);
        assert_eq!(mode("ada", "https://two", "others"), Mode::Filtered);
        let agent = Principal { kind: Kind::Agent, ..person("ada", "https://one", "others") };
        assert_eq!(ModeOf::find(&modes, &agent), Mode::Filtered);
    }
}
