use super::row::Row;
use super::tally;

/// A report of a period. Which requirements it is for is in the map ([`super::map`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Report {
    /// Commands that touched labelled columns, or had values masked in their answers.
    Access,
    /// The same by principal and connection.
    AccessBy,
    /// What was done as an administrator, and to the gateway itself.
    Administration,
    /// Who read the log.
    LogAccess,
    /// What was refused, and who was not identified.
    Refusals,
    /// Secrets, and roles and rights in the systems behind.
    Credentials,
    /// The log's beginnings and ends, and the gateway's.
    LogLife,
    /// What was made, changed and dropped.
    Objects,
    /// Each request for approval or access, from its asking to its use.
    Requests,
    /// Every step of them.
    Approvals,
    /// Values that were told as they are by a grant.
    Revealed,
    /// Answers that were withheld, and changes that were rolled back.
    Withheld,
    /// Who came in, and who did not.
    Sessions,
    /// Every command.
    Commands,
    /// Each principal, and what it did.
    Accounts,
    /// Each connection, and by which way it was queried.
    Paths,
    /// Policies and configuration, from when to when.
    Versions,
    /// What panguard is judged by and did not work, from when to when.
    Controls,
    /// Each type of event, and whether all that an entry must say is there.
    Events,
}

impl Report {
    /// Every report, in the order of the index.
    pub const ALL: [Self; 19] = [
        Self::Access,
        Self::AccessBy,
        Self::Administration,
        Self::LogAccess,
        Self::Refusals,
        Self::Credentials,
        Self::LogLife,
        Self::Objects,
        Self::Requests,
        Self::Approvals,
        Self::Revealed,
        Self::Withheld,
        Self::Sessions,
        Self::Commands,
        Self::Accounts,
        Self::Paths,
        Self::Versions,
        Self::Controls,
        Self::Events,
    ];

    /// Its name, in the map and of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::AccessBy => "access-by",
            Self::Administration => "administration",
            Self::LogAccess => "log-access",
            Self::Refusals => "refusals",
            Self::Credentials => "credentials",
            Self::LogLife => "log-life",
            Self::Objects => "objects",
            Self::Requests => "requests",
            Self::Approvals => "approvals",
            Self::Revealed => "revealed",
            Self::Withheld => "withheld",
            Self::Sessions => "sessions",
            Self::Commands => "commands",
            Self::Accounts => "accounts",
            Self::Paths => "paths",
            Self::Versions => "versions",
            Self::Controls => "controls",
            Self::Events => "events",
        }
    }

    /// The report with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    /// What it is, as its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Access => "Access to labelled data",
            Self::AccessBy => "Access to labelled data, by principal and connection",
            Self::Administration => "Administrative actions",
            Self::LogAccess => "Access to the audit log",
            Self::Refusals => "Refusals and failed sign-ins",
            Self::Credentials => "Changes of credentials, roles and rights",
            Self::LogLife => "Beginnings and ends of the log",
            Self::Objects => "Objects made, changed and dropped",
            Self::Requests => "Requests for approval and access",
            Self::Approvals => "Steps of approvals",
            Self::Revealed => "Values revealed",
            Self::Withheld => "Answers withheld, changes rolled back",
            Self::Sessions => "Sessions",
            Self::Commands => "All commands",
            Self::Accounts => "Accounts and their use",
            Self::Paths => "Connections and ways of querying",
            Self::Versions => "Policies and configuration over time",
            Self::Controls => "Failures of controls",
            Self::Events => "Types of event, and their fields",
        }
    }

    /// What is in it and what is not, for whoever reads it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Access => {
                "Commands that used a column with a data class, or in whose answer a value was masked. The classes are those \
                 that the operator has labelled, and what the scan of answers found."
            }
            Self::AccessBy => {
                "The commands of the report on access, counted. Of classes and columns the first hundred are named."
            }
            Self::Administration => {
                "Commands in the mode `admin` or with the action `administer`, answers to requests and broken glasses, and \
                 changes of policies, configuration, secrets and of what collectors are given."
            }
            Self::LogAccess => {
                "Reads that were recorded, entries that a collector was not given, and collectors that were moved. Whoever reads the log's files by themselves is known to the file system alone."
            }
            Self::Refusals => {
                "Clients that were not identified, sessions and commands that were refused, and answers of people that did \
                 not count."
            }
            Self::Credentials => {
                "Secrets in panguard's vault by name, as seen while a gateway ran, and statements on roles, grants and user \
                 mappings. Accounts of the identity provider are changed there."
            }
            Self::LogLife => {
                "A start that says that the run before did not end by itself follows a crash or a kill: between the last \
                 entry before it and the start the gateway was down, and nothing passed."
            }
            Self::Objects => {
                "Statements that create, alter or drop, and changes of policies and configuration. What was changed without \
                 panguard is not in its log."
            }
            Self::Requests => {
                "One line a request: who asked for what, who answered it and how, whether a glass was broken and reviewed, and \
                 the commands that ran by it in the period."
            }
            Self::Approvals => "Every step as it was recorded, and the commands that used an approval.",
            Self::Revealed => {
                "Single values that a grant let be told. Those whom a policy lets reveal a class see it without a line here: \
                 their commands are in the report on access."
            }
            Self::Withheld => {
                "Answers in which something was found that may not leave, and changes that touched more rows than were \
                 approved."
            }
            Self::Sessions => "Sessions opened, refused and closed, and clients that were not identified.",
            Self::Commands => {
                "Every command that was decided, in the order in which they ended. A command whose end is not recorded \
                 was running when the log ends."
            }
            Self::Accounts => {
                "Everybody who did anything in the period. Accounts without use are not here: they are known to the \
                 identity provider."
            }
            Self::Paths => {
                "How much was asked of each connection, in which mode, and how much of it was refused and masked."
            }
            Self::Versions => {
                "Versions are digests: the log holds which was in force; the texts, as the gateway kept them, are beside this in \
                 policies and configuration. From and to are the first and the last entry of the period that names it."
            }
            Self::Controls => {
                "What did not work of the log, the detection of card data, the issuers' keys, policies, configuration, vault, \
                 store of approvals and clock: from when to when, why, and how much was refused meanwhile. What was done \
                 about it is the operator's to say."
            }
            Self::Events => {
                "Of entries of sessions it is counted in how many a user, an origin or a resource is missing. Time, type and \
                 result are in every entry, or it could not be read."
            }
        }
    }

    /// Its columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Access
            | Self::Administration
            | Self::LogAccess
            | Self::Refusals
            | Self::Credentials
            | Self::LogLife
            | Self::Objects
            | Self::Approvals
            | Self::Revealed
            | Self::Withheld
            | Self::Sessions
            | Self::Controls
            | Self::Commands => &Row::COLUMNS,
            Self::AccessBy => &tally::ACCESS_BY,
            Self::Requests => &tally::REQUESTS,
            Self::Accounts => &tally::ACCOUNTS,
            Self::Paths => &tally::PATHS,
            Self::Versions => &tally::VERSIONS,
            Self::Events => &tally::EVENTS,
        }
    }

    /// Those of its columns that a page shows.
    pub fn shown(self) -> &'static [&'static str] {
        match self {
            Self::Access => &Row::SHOWN_OF_ACCESS,
            Self::LogAccess | Self::LogLife | Self::Approvals | Self::Sessions | Self::Controls => {
                &Row::SHOWN_OF_STEPS
            }
            Self::Requests => &tally::REQUESTS_SHOWN,
            Self::AccessBy | Self::Accounts | Self::Paths | Self::Versions | Self::Events => self.columns(),
            Self::Administration
            | Self::Refusals
            | Self::Credentials
            | Self::Objects
            | Self::Revealed
            | Self::Withheld
            | Self::Commands => &Row::SHOWN,
        }
    }
}
