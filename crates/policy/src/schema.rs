use std::fmt::Debug;
use std::str::FromStr;
use std::sync::LazyLock;

use access::Action;
use cedar_policy::{Entities, EntityId, EntityTypeName, EntityUid, Schema};

/// The schema as text, part of the product: what `panguard policy` prints and editors read.
pub(crate) const TEXT: &str = include_str!("../panguard.cedarschema");

/// The action asked about what is not understood. It is no [`Action`]: no command is one.
pub(crate) const USE_FEATURE: &str = "use_feature";

/// What people may do to what others ask for. None is an [`Action`]: no command is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answering {
    /// To answer a request for approval.
    Approve,
    /// To let a command run without waiting for the answer.
    BreakGlass,
    /// To give access for a time.
    Grant,
    /// To take access away at once, and to give it back.
    Revoke,
    /// To lend an agent some of one's own access.
    Delegate,
}

impl Answering {
    pub(crate) const ALL: [Self; 5] =
        [Self::Approve, Self::BreakGlass, Self::Grant, Self::Revoke, Self::Delegate];

    /// Whether it is about requests of others that wait for approval.
    pub(crate) fn gives_approval(self) -> bool {
        match self {
            Self::Approve | Self::BreakGlass | Self::Grant => true,
            Self::Revoke | Self::Delegate => false,
        }
    }

    /// The action's id in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::BreakGlass => "break_glass",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Delegate => "delegate",
        }
    }
}

/// The schema and the names in it, parsed once.
pub(crate) struct Vocabulary {
    pub(crate) schema: Schema,
    /// The actions and their groups, which policies name by `action in …`.
    pub(crate) actions: Entities,
    pub(crate) agent: EntityTypeName,
    pub(crate) user: EntityTypeName,
    pub(crate) group: EntityTypeName,
    pub(crate) connection: EntityTypeName,
    pub(crate) schema_of_tables: EntityTypeName,
    pub(crate) table: EntityTypeName,
    pub(crate) function: EntityTypeName,
    pub(crate) endpoint: EntityTypeName,
    pub(crate) model: EntityTypeName,
    pub(crate) fields: EntityTypeName,
    pub(crate) numbers: EntityTypeName,
    pub(crate) class: EntityTypeName,
    pub(crate) feature: EntityTypeName,
    action: EntityTypeName,
}

impl Vocabulary {
    /// The id of one of the [`Action`]s.
    pub(crate) fn action(&self, action: Action) -> EntityUid {
        uid(&self.action, action.as_str())
    }

    /// The id of an action asked about who answers.
    pub(crate) fn answering(&self, answering: Answering) -> EntityUid {
        uid(&self.action, answering.as_str())
    }

    /// The id of the action asked about what is not understood.
    pub(crate) fn use_feature(&self) -> EntityUid {
        uid(&self.action, USE_FEATURE)
    }
}

/// An entity's id from its parts. Never by way of Cedar text: an id may hold any character.
pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

pub(crate) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let (schema, _warnings) = constant(Schema::from_cedarschema_str(TEXT));
    Vocabulary {
        actions: constant(schema.action_entities()),
        schema,
        agent: constant(EntityTypeName::from_str("Agent")),
        user: constant(EntityTypeName::from_str("User")),
        group: constant(EntityTypeName::from_str("Group")),
        connection: constant(EntityTypeName::from_str("Connection")),
        schema_of_tables: constant(EntityTypeName::from_str("Schema")),
        table: constant(EntityTypeName::from_str("Table")),
        function: constant(EntityTypeName::from_str("Function")),
        endpoint: constant(EntityTypeName::from_str("Endpoint")),
        model: constant(EntityTypeName::from_str("Model")),
        fields: constant(EntityTypeName::from_str("Fields")),
        numbers: constant(EntityTypeName::from_str("Numbers")),
        class: constant(EntityTypeName::from_str("DataClass")),
        feature: constant(EntityTypeName::from_str("Feature")),
        action: constant(EntityTypeName::from_str("Action")),
    }
});

/// What our own constant text parses to. It fails for every input or for none, so a test has seen it.
#[expect(clippy::expect_used, reason = "a constant of ours, the same in every run")]
fn constant<T, E: Debug>(parsed: Result<T, E>) -> T {
    parsed.expect("panguard.cedarschema is valid")
}
