//! What a request is, as policies see it.

use std::collections::{HashMap, HashSet};

use access::{Call, Field, Part};
use cedar_policy::{Entity, EntityTypeName, EntityUid, RestrictedExpression};

use crate::schema::{VOCABULARY, uid};

/// The facts of a request as the schema types them, or those of what is none.
pub(crate) fn context(call: Option<&Call>) -> impl Iterator<Item = (&'static str, RestrictedExpression)> {
    let nothing = Call::default();
    let call = call.unwrap_or(&nothing);
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let texts = |all: &[Box<str>]| RestrictedExpression::new_set(all.iter().map(|one| text(one)));
    let part = |part: Part| RestrictedExpression::new_entity_uid(fields_of(part));
    let tokens = call.max_tokens.map_or(-1, |tokens| i64::try_from(tokens).unwrap_or(i64::MAX));
    [
        ("method", text(&call.endpoint.method)),
        ("path", text(&call.endpoint.path)),
        ("route", text(&call.endpoint.route)),
        ("operation", text(&call.endpoint.operation)),
        ("query", part(Part::Query)),
        ("headers", part(Part::Header)),
        ("body", part(Part::Body)),
        ("numbers", RestrictedExpression::new_entity_uid(numbers())),
        ("model", text(call.model.as_deref().unwrap_or_default())),
        ("tools", texts(&call.tools)),
        ("tools_called", texts(&call.tools_called)),
        ("max_tokens", RestrictedExpression::new_long(tokens)),
        ("holds_cards", RestrictedExpression::new_bool(call.holds_cards)),
    ]
    .into_iter()
}

/// The fields of a request, as the entities that the context names. One that is not there has no fields.
pub(crate) fn fields(call: Option<&Call>) -> Result<Vec<Entity>, String> {
    let Some(Call { fields, .. }) = call.filter(|call| !call.fields.is_empty()) else {
        return Ok(Vec::new());
    };
    let parts = [Part::Query, Part::Header, Part::Body].into_iter().map(|part| {
        let of_it = fields.iter().filter(|field| field.part == part);
        let values = |field: &Field| {
            let values = field.values.iter().map(|value| RestrictedExpression::new_string((**value).into()));
            (field.name.to_string(), RestrictedExpression::new_set(values))
        };
        tagged(fields_of(part), of_it.map(values))
    });
    let numbers = std::iter::once(tagged(numbers(), fields.iter().filter_map(number)));
    parts.chain(numbers).collect()
}

/// A field of which there is one value, which is a whole number.
fn number(field: &Field) -> Option<(String, RestrictedExpression)> {
    let [value] = field.values.as_slice() else { return None };
    let value = value.parse::<i64>().ok()?;
    Some((format!("{}.{}", field.part.as_str(), field.name), RestrictedExpression::new_long(value)))
}

fn tagged(
    uid: EntityUid,
    tags: impl Iterator<Item = (String, RestrictedExpression)>,
) -> Result<Entity, String> {
    Entity::new_with_tags(uid, HashMap::new(), HashSet::new(), tags).map_err(|error| error.to_string())
}

fn fields_of(part: Part) -> EntityUid {
    named(&VOCABULARY.fields, part.as_str())
}

fn numbers() -> EntityUid {
    named(&VOCABULARY.numbers, "numbers")
}

fn named(kind: &EntityTypeName, name: &str) -> EntityUid {
    uid(kind, name)
}
