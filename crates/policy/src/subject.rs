use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use access::{Kind, Lent, Principal};
use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};

use crate::schema::{VOCABULARY, uid};

/// A principal as policies see it, made once for a session and used for every question of it.
#[derive(Clone)]
pub struct Subject {
    pub(crate) uid: EntityUid,
    /// The principal, its groups and the actions; or why the schema does not admit them.
    pub(crate) entities: Result<Entities, String>,
    /// What of the access of others it has, where panguard lent it.
    pub(crate) lent: Option<Arc<Lent>>,
    /// Those who lent it.
    pub(crate) lenders: Vec<Self>,
}

impl Subject {
    /// The subject that `principal` is. What a token says of itself (its id, its times) is no part of it.
    pub fn new(principal: &Principal) -> Self {
        let lent = principal.lent().cloned();
        let lenders = lent.iter().flat_map(|lent| &lent.lenders).map(Self::alone).collect();
        Self { lent, lenders, ..Self::alone(principal) }
    }

    /// As if nobody had lent it anything.
    fn alone(principal: &Principal) -> Self {
        let words = &*VOCABULARY;
        let kind = match principal.kind {
            Kind::Agent => &words.agent,
            Kind::User => &words.user,
        };
        let uid = uid(kind, &principal.id);
        Self { entities: entities(&uid, principal), uid, lent: None, lenders: Vec::new() }
    }

    /// The name in policies.
    pub(crate) fn id(&self) -> Box<str> {
        self.uid.id().unescaped().into()
    }
}

fn entities(id: &EntityUid, principal: &Principal) -> Result<Entities, String> {
    let words = &*VOCABULARY;
    let groups: HashSet<_> = principal.groups.iter().map(|group| uid(&words.group, group)).collect();
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let mut attributes = HashMap::from([
        ("issuer".to_owned(), text(&principal.issuer)),
        ("subject".to_owned(), text(&principal.subject)),
    ]);
    if let (Kind::Agent, Some(delegation)) = (principal.kind, &principal.delegation) {
        attributes.insert("on_behalf_of".to_owned(), text(&delegation.on_behalf_of));
        if let Some(lent) = &delegation.lent {
            let chain = lent.chain().map(|id| RestrictedExpression::new_string(id.to_owned()));
            attributes.insert("chain".to_owned(), RestrictedExpression::new_set(chain));
        }
    }
    let itself = Entity::new(id.clone(), attributes, groups.clone()).map_err(|e| e.to_string())?;
    let groups = groups.into_iter().map(|group| Entity::new_no_attrs(group, HashSet::new()));
    // With a schema, Cedar adds the actions and their groups of its own accord.
    Entities::from_entities(groups.chain([itself]), Some(&words.schema)).map_err(|e| e.to_string())
}
