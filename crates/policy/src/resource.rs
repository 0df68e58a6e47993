use std::collections::{HashMap, HashSet};

use access::{DataClass, Endpoint, Mode, Resource};
use cedar_policy::{Entity, EntityTypeName, EntityUid, RestrictedExpression};

use crate::schema::{VOCABULARY, uid};

/// Where a question is asked: one connection, as the configuration describes it.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The connection's name. It must not hold `/`, which ends it in the ids of what is in it.
    pub connection: &'a str,
    /// The connection's labels.
    pub labels: &'a [Box<str>],
    /// In which way the principal may query it.
    pub mode: Mode,
}

/// A resource as policies see it: its id, and the entities that say what it is and where it belongs.
pub(crate) struct Placed {
    pub(crate) uid: EntityUid,
    pub(crate) entities: Vec<Entity>,
}

impl Scope<'_> {
    /// Whether every id made in this scope means one thing only.
    pub(crate) fn check(self) -> Result<(), String> {
        match self.connection.contains('/') {
            true => Err(format!("the connection name `{}` holds a `/`, rename it", self.connection)),
            false => Ok(()),
        }
    }

    pub(crate) fn uid(self) -> EntityUid {
        uid(&VOCABULARY.connection, self.connection)
    }

    /// `CONNECTION/name`, the id of what is in the connection.
    fn inside(self, kind: &EntityTypeName, name: &str) -> EntityUid {
        uid(kind, &format!("{}/{name}", self.connection))
    }

    pub(crate) fn connection(self) -> Result<Entity, String> {
        let labels = RestrictedExpression::new_set(self.labels.iter().map(|label| text(label)));
        entity(self.uid(), [("name", text(self.connection)), ("labels", labels)], [])
    }

    /// The entities of `resource`, all but the connection itself.
    pub(crate) fn place(self, resource: &Resource) -> Result<Placed, String> {
        match resource {
            Resource::Connection => Ok(Placed { uid: self.uid(), entities: Vec::new() }),
            Resource::Schema(name) => Ok(self.schema(name)?.into()),
            Resource::Table(name) => self.table(name),
            Resource::Function(name) => {
                let id = self.inside(&VOCABULARY.function, name);
                Ok(entity(id, [("name", text(name))], [self.uid()])?.into())
            }
            Resource::Endpoint(endpoint) => self.endpoint(endpoint),
            Resource::Model(name) => {
                let id = self.inside(&VOCABULARY.model, name);
                Ok(entity(id, [("name", text(name))], [self.uid()])?.into())
            }
            Resource::Class(class) => self.class(class),
        }
    }

    fn endpoint(self, endpoint: &Endpoint) -> Result<Placed, String> {
        let Endpoint { method, path, route, operation } = endpoint;
        let name = endpoint.name();
        let id = self.inside(&VOCABULARY.endpoint, &name);
        let attributes = [
            ("name", text(&name)),
            ("method", text(method)),
            ("path", text(path)),
            ("route", text(route)),
            ("operation", text(operation)),
        ];
        Ok(entity(id, attributes, [self.uid()])?.into())
    }

    fn schema(self, name: &str) -> Result<Entity, String> {
        let id = self.inside(&VOCABULARY.schema_of_tables, name);
        entity(id, [("name", text(name))], [self.uid()])
    }

    /// A name with more than one dot could belong to more than one schema, so it is refused.
    fn table(self, qualified: &str) -> Result<Placed, String> {
        let Some((schema, name)) = qualified.split_once('.').filter(|(_, name)| !name.contains('.')) else {
            return Err(format!("which schema the table `{qualified}` is in cannot be told from its name"));
        };
        let schema_entity = self.schema(schema)?;
        let id = self.inside(&VOCABULARY.table, qualified);
        let attributes = [("name", text(name)), ("schema", text(schema))];
        let table = entity(id, attributes, [schema_entity.uid(), self.uid()])?;
        Ok(Placed { uid: table.uid(), entities: vec![table, schema_entity] })
    }

    fn class(self, class: &DataClass) -> Result<Placed, String> {
        let words = &*VOCABULARY;
        let name = class.as_str();
        let everywhere = entity(uid(&words.class, name), [("name", text(name))], [])?;
        let id = self.inside(&words.class, name);
        let here = entity(id, [("name", text(name))], [everywhere.uid(), self.uid()])?;
        Ok(Placed { uid: here.uid(), entities: vec![here, everywhere] })
    }

    pub(crate) fn feature(self, name: &str) -> Placed {
        let id = uid(&VOCABULARY.feature, name);
        Entity::new_no_attrs(id, HashSet::from([self.uid()])).into()
    }
}

impl From<Entity> for Placed {
    fn from(entity: Entity) -> Self {
        Self { uid: entity.uid(), entities: vec![entity] }
    }
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn entity<const A: usize, const P: usize>(
    uid: EntityUid,
    attributes: [(&str, RestrictedExpression); A],
    parents: [EntityUid; P],
) -> Result<Entity, String> {
    let attributes: HashMap<_, _> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid, attributes, HashSet::from(parents)).map_err(|error| error.to_string())
}
