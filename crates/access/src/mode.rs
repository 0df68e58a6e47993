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
    /// The one of two that lets less be done.
    #[must_use]
    pub fn narrower(self, other: Self) -> Self {
        match (self, other) {
            (Self::Templates, _) | (_, Self::Templates) => Self::Templates,
            (Self::Filtered, _) | (_, Self::Filtered) => Self::Filtered,
            (Self::Admin, Self::Admin) => Self::Admin,
        }
    }

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
    /// The mode of `principal`: that of the first of `all` that names it. With access that was lent nobody has more ways than each of
    /// those who lent it.
    pub fn find(all: &[Self], principal: &Principal) -> Mode {
        let own = |who: &Principal| all.iter().find(|it| it.names(who)).map(|it| it.mode).unwrap_or_default();
        let lenders = principal.lent().into_iter().flat_map(|lent| &lent.lenders);
        lenders.map(own).fold(own(principal), Mode::narrower)
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

    #[test]
    fn with_access_that_was_lent_nobody_has_more_ways_than_those_who_lent_it() {
        let modes = [
            ModeOf { mode: Mode::Templates, users: vec!["ada".into()], ..ModeOf::default() },
            ModeOf { mode: Mode::Templates, agents: vec!["bound".into()], ..ModeOf::default() },
            ModeOf { mode: Mode::Admin, users: vec!["root".into()], ..ModeOf::default() },
        ];
        let lent = |lender: Principal, agent: &str| {
            let loan = crate::Loan {
                agent: agent.into(),
                id: "d-1".into(),
                connections: ["db".into()].into(),
                actions: [crate::Action::Read].into(),
                from: Timestamp(0),
                until: Timestamp(1),
            };
            lender.lending(loan).unwrap()
        };
        let of = |id: &str| person(id, "https://one", "others");
        let mode = |principal: &Principal| ModeOf::find(&modes, principal);
        assert_eq!(mode(&lent(of("bob"), "claude")), Mode::Filtered);
        assert_eq!(mode(&lent(of("ada"), "claude")), Mode::Templates);
        assert_eq!(mode(&lent(lent(of("bob"), "bound"), "claude")), Mode::Templates);
        assert_eq!(mode(&lent(of("root"), "claude")), Mode::Filtered);
    }
}
