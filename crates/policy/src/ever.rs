//! What policy could ever allow, whoever asks and whatever the command is.
//!
//! A condition is judged by what is known of it: the resource, the action and the connection's labels. What hangs on
//! the principal or on the command may be so or not. Cedar's own partial evaluation would say more, but it comes with
//! a feature that changes the evaluator which decides at the gate.

use std::collections::BTreeSet;

use access::{Action, Resource};
use cedar_policy::{
    Effect, Entities, EntityId, EntityTypeName, EntityUid, EvalResult, Policy, PrincipalConstraint,
    ResourceConstraint,
};
use serde_json::Value;

use crate::schema::VOCABULARY;
use crate::{Policies, Scope};

/// What is known of a question that may be asked some day.
struct Known {
    action: EntityUid,
    resource: EntityUid,
    entities: Entities,
    labels: BTreeSet<String>,
    /// What one of the command's statements is, if that is known.
    kind: Option<String>,
}

/// Whether something holds, as far as can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Never,
    Perhaps,
    Always,
}

/// A value that is known.
#[derive(PartialEq)]
enum Datum {
    Text(String),
    Texts(BTreeSet<String>),
    /// These, and perhaps others.
    AtLeast(BTreeSet<String>),
    Entity(EntityUid),
}

impl Policies {
    /// Whether some command could be allowed to do `action` to `resource`: no if there is no permit that may apply,
    /// or a forbid that always does. `kind` narrows it to commands in which there is such a statement (`truncate`).
    ///
    /// A yes may be wrong, a no is not: this is for saying what nobody needs.
    pub fn could_ever(
        &self,
        scope: Scope<'_>,
        action: Action,
        resource: &Resource,
        kind: Option<&str>,
    ) -> bool {
        let Some(policies) = self.on(action) else { return false };
        // What cannot be put to Cedar is refused.
        let Ok(known) = Known::new(scope, action, resource, kind) else { return false };
        let mut permitted = false;
        for policy in policies.policies() {
            match (policy.effect(), known.applies(policy)) {
                (Effect::Forbid, Holds::Always) => return false,
                (Effect::Permit, Holds::Perhaps | Holds::Always) => permitted = true,
                (Effect::Permit, Holds::Never) | (Effect::Forbid, Holds::Never | Holds::Perhaps) => {}
            }
        }
        permitted
    }

    /// Whether some permit names a feature of which `is_meant` says that it is meant.
    pub fn names_feature(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.features().any(is_meant)
    }
}

impl Known {
    fn new(
        scope: Scope<'_>,
        action: Action,
        resource: &Resource,
        kind: Option<&str>,
    ) -> Result<Self, String> {
        scope.check()?;
        let placed = scope.place(resource)?;
        let entities = placed.entities.into_iter().filter(|entity| entity.uid() != scope.uid());
        let entities =
            Entities::from_entities(entities.chain([scope.connection()?]), Some(&VOCABULARY.schema));
        Ok(Self {
            action: VOCABULARY.action(action),
            resource: placed.uid,
            entities: entities.map_err(|error| error.to_string())?,
            labels: scope.labels.iter().map(|label| label.to_string()).collect(),
            kind: kind.map(str::to_owned),
        })
    }

    fn applies(&self, policy: &Policy) -> Holds {
        let principal = match policy.principal_constraint() {
            PrincipalConstraint::Any => Holds::Always,
            PrincipalConstraint::Eq(_)
            | PrincipalConstraint::In(_)
            | PrincipalConstraint::Is(_)
            | PrincipalConstraint::IsIn(..) => Holds::Perhaps,
        };
        let is = |kind: &EntityTypeName| Holds::certain(self.resource.type_name() == kind);
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Any => Holds::Always,
            ResourceConstraint::Eq(named) => Holds::certain(named == self.resource),
            ResourceConstraint::In(named) => self.is_in(&self.resource, &named),
            ResourceConstraint::Is(kind) => is(&kind),
            ResourceConstraint::IsIn(kind, named) => is(&kind).and(self.is_in(&self.resource, &named)),
        };
        // The set was chosen by the action, so that holds always.
        let Ok(json) = policy.to_json() else { return Holds::Perhaps };
        let conditions =
            json.get("conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        conditions.iter().fold(principal.and(resource), |holds, condition| {
            let body = condition.get("body").map_or(Holds::Perhaps, |body| self.truth(body));
            let is_unless = condition.get("kind").and_then(Value::as_str) == Some("unless");
            holds.and(if is_unless { body.not() } else { body })
        })
    }

    /// An expression of Cedar's JSON form (<https://docs.cedarpolicy.com/policies/json-format.html>).
    fn truth(&self, expression: &Value) -> Holds {
        let Some((operator, operands)) = only(expression) else { return Holds::Perhaps };
        let part = |name: &str| operands.get(name);
        let truth = |name: &str| part(name).map_or(Holds::Perhaps, |operand| self.truth(operand));
        let both = || Some((self.datum(part("left")?)?, part("right").and_then(|right| self.datum(right))?));
        match operator {
            "Value" => operands.as_bool().map_or(Holds::Perhaps, Holds::certain),
            "&&" => truth("left").and(truth("right")),
            "||" => truth("left").not().and(truth("right").not()).not(),
            "!" => truth("arg").not(),
            "if-then-else" => match truth("if") {
                Holds::Always => truth("then"),
                Holds::Never => truth("else"),
                Holds::Perhaps if truth("then") == truth("else") => truth("then"),
                Holds::Perhaps => Holds::Perhaps,
            },
            "==" => both().map_or(Holds::Perhaps, |(left, right)| left.equals(&right)),
            "!=" => both().map_or(Holds::Perhaps, |(left, right)| left.equals(&right).not()),
            "in" => match both() {
                Some((Datum::Entity(left), Datum::Entity(right))) => self.is_in(&left, &right),
                _ => Holds::Perhaps,
            },
            "is" => {
                let kind = part("entity_type").and_then(Value::as_str);
                match part("left").and_then(|left| self.datum(left)).zip(kind) {
                    Some((Datum::Entity(left), kind)) if part("in").is_none() => {
                        Holds::certain(left.type_name().to_string() == kind)
                    }
                    Some((Datum::Entity(left), kind)) if left.type_name().to_string() != kind => Holds::Never,
                    _ => Holds::Perhaps,
                }
            }
            "contains" => match both() {
                Some((all, Datum::Text(one))) => all.holds(|all| all.contains(&one)),
                _ => Holds::Perhaps,
            },
            "containsAny" => match both() {
                Some((all, Datum::Texts(some))) => all.holds(|all| !some.is_disjoint(all)),
                _ => Holds::Perhaps,
            },
            "containsAll" => match both() {
                Some((all, Datum::Texts(some))) => all.holds(|all| some.is_subset(all)),
                _ => Holds::Perhaps,
            },
            _ => Holds::Perhaps,
        }
    }

    fn datum(&self, expression: &Value) -> Option<Datum> {
        let (operator, operands) = only(expression)?;
        match operator {
            "Var" => match operands.as_str()? {
                "resource" => Some(Datum::Entity(self.resource.clone())),
                "action" => Some(Datum::Entity(self.action.clone())),
                _ => None,
            },
            "Value" => match operands {
                Value::String(text) => Some(Datum::Text(text.clone())),
                Value::Object(_) => entity(operands.get("__entity")?).map(Datum::Entity),
                _ => None,
            },
            "Set" => {
                let all = operands.as_array()?.iter().map(|one| match self.datum(one)? {
                    Datum::Text(text) => Some(text),
                    Datum::Texts(_) | Datum::AtLeast(_) | Datum::Entity(_) => None,
                });
                all.collect::<Option<_>>().map(Datum::Texts)
            }
            "." => self.attribute(operands.get("left")?, operands.get("attr")?.as_str()?),
            _ => None,
        }
    }

    fn attribute(&self, of: &Value, name: &str) -> Option<Datum> {
        if only(of) == Some(("Var", &Value::String("context".into()))) {
            return match name {
                "labels" => Some(Datum::Texts(self.labels.clone())),
                "kinds" => self.kind.clone().map(|kind| Datum::AtLeast(BTreeSet::from([kind]))),
                _ => None,
            };
        }
        let Datum::Entity(entity) = self.datum(of)? else { return None };
        match self.entities.get(&entity)?.attr(name)?.ok()? {
            EvalResult::String(text) => Some(Datum::Text(text)),
            EvalResult::Set(set) => {
                let text = |value: &EvalResult| match value {
                    EvalResult::String(text) => Some(text.clone()),
                    _ => None,
                };
                set.iter().map(text).collect::<Option<_>>().map(Datum::Texts)
            }
            _ => None,
        }
    }

    fn is_in(&self, one: &EntityUid, other: &EntityUid) -> Holds {
        Holds::certain(one == other || self.entities.is_ancestor_of(other, one))
    }
}

impl Datum {
    fn equals(&self, other: &Self) -> Holds {
        match (self, other) {
            (Self::AtLeast(_), _) | (_, Self::AtLeast(_)) => Holds::Perhaps,
            _ => Holds::certain(self == other),
        }
    }

    /// Whether a set has something that more members would not take from it.
    fn holds(&self, has: impl Fn(&BTreeSet<String>) -> bool) -> Holds {
        match self {
            Self::Texts(all) => Holds::certain(has(all)),
            Self::AtLeast(some) if has(some) => Holds::Always,
            Self::AtLeast(_) | Self::Text(_) | Self::Entity(_) => Holds::Perhaps,
        }
    }
}

impl Holds {
    fn certain(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }

    fn and(self, other: Self) -> Self {
        self.min(other)
    }

    fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Perhaps => Self::Perhaps,
            Self::Always => Self::Never,
        }
    }
}

/// An expression has one member: what is done, and to what.
fn only(expression: &Value) -> Option<(&str, &Value)> {
    let members = expression.as_object()?;
    let (operator, operands) = members.iter().next()?;
    (members.len() == 1).then_some((operator.as_str(), operands))
}

fn entity(value: &Value) -> Option<EntityUid> {
    let kind: EntityTypeName = value.get("type")?.as_str()?.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(value.get("id")?.as_str()?)))
}

#[cfg(test)]
mod tests;
