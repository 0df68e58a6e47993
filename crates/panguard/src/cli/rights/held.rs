//! What panguard's role may do in its database, by whose grant.

use std::collections::{BTreeMap, BTreeSet};

use wire_postgres::simple::Row;

/// The role, and the roles that it is a member of, whether or not it inherits their rights: it can take them on.
pub struct Roles {
    /// By object id.
    pub all: BTreeMap<u32, Role>,
    /// The role that panguard signs in as.
    pub own: u32,
    /// Which role is a member of which.
    pub members: Vec<Membership>,
}

pub struct Role {
    pub name: String,
    pub is_superuser: bool,
    /// The others of its attributes, in the words of `ALTER ROLE`.
    pub attributes: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub role: u32,
    pub member: u32,
}

/// Something on which there are rights.
pub struct Object {
    pub kind: Kind,
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// The types of a routine's arguments.
    pub arguments: String,
    pub owner: u32,
    pub grants: Vec<Grant>,
    /// Of a relation.
    pub columns: Vec<Column>,
    /// Of a sequence: the table that it belongs to, whose owner is its own.
    pub part_of: u32,
    /// Of a routine: something else calls it, such as a default or a view.
    pub is_used: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Database,
    Schema,
    Relation,
    Sequence,
    Routine,
    /// A function of the server's own that somebody was given.
    BuiltIn,
}

pub struct Column {
    pub number: i16,
    pub name: String,
    pub grants: Vec<Grant>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// A role, or [`PUBLIC`].
    pub grantee: u32,
    pub privilege: String,
}

/// Everybody.
pub const PUBLIC: u32 = 0;

/// One row for each role that panguard's is or is a member of, and each membership in it.
pub const ROLES: &str = "\
WITH RECURSIVE mine(oid) AS (
  SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user
  UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN mine ON m.member = mine.oid
)
SELECT r.oid::text, r.rolname::text, (r.rolname = session_user)::text, coalesce(m.member, 0)::text,
  r.rolsuper::text, r.rolcreaterole::text, r.rolcreatedb::text, r.rolreplication::text, r.rolbypassrls::text
FROM mine JOIN pg_catalog.pg_roles r USING (oid)
LEFT JOIN pg_catalog.pg_auth_members m ON m.roleid = r.oid AND m.member IN (SELECT oid FROM mine)
UNION ALL
SELECT r.oid::text, r.rolname::text, 'false', d.datdba::text, 'false', 'false', 'false', 'false', 'false'
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.rolname = 'pg_database_owner'
WHERE d.datname = pg_catalog.current_database() AND d.datdba IN (SELECT oid FROM mine)";

/// One row for each grant on each object of the database that is not the server's or an extension's.
pub const OBJECTS: &str = "\
WITH space AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), extension AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relation AS (
  SELECT c.oid, c.relkind, space.nspname, c.relname, c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN space ON space.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND (('pg_catalog.pg_class'::pg_catalog.regclass)::oid, c.oid) NOT IN (SELECT classid, objid FROM extension)
)
SELECT 'database', d.oid::text, '' AS schema, d.datname::text, '' AS arguments, d.datdba::text, '0' AS about,
  x.grantee::text, x.privilege_type::text
FROM pg_catalog.pg_database d
LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) x ON true
WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'schema', s.oid::text, '', s.nspname::text, '', s.nspowner::text, '0', x.grantee::text, x.privilege_type::text
FROM space s LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) x ON true
UNION ALL
SELECT CASE r.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END, r.oid::text, r.nspname::text, r.relname::text, '',
  r.relowner::text,
  coalesce((SELECT d.refobjid FROM pg_catalog.pg_depend d
    WHERE r.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') LIMIT 1), 0)::text,
  x.grantee::text, x.privilege_type::text
FROM relation r LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(r.relacl,
  CASE r.relkind WHEN 'S' THEN pg_catalog.acldefault('s', r.relowner) ELSE pg_catalog.acldefault('r', r.relowner) END)) x ON true
UNION ALL
SELECT 'column', r.oid::text, '', a.attname::text, '', '0', a.attnum::text, x.grantee::text, x.privilege_type::text
FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL pg_catalog.aclexplode(a.attacl) x ON true
WHERE r.relkind <> 'S'
UNION ALL
SELECT 'routine', p.oid::text, space.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid),
  p.proowner::text,
  (EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    AND d.refobjid = p.oid AND d.classid <> 'pg_catalog.pg_trigger'::pg_catalog.regclass))::int::text,
  x.grantee::text, x.privilege_type::text
FROM pg_catalog.pg_proc p JOIN space ON space.oid = p.pronamespace
LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x ON true
WHERE p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  AND (('pg_catalog.pg_proc'::pg_catalog.regclass)::oid, p.oid) NOT IN (SELECT classid, objid FROM extension)
UNION ALL
SELECT 'built-in', p.oid::text, 'pg_catalog', p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid),
  p.proowner::text, '0', x.grantee::text, x.privilege_type::text
FROM pg_catalog.pg_proc p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) x
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND x.grantee <> 0 AND x.grantee <> p.proowner
ORDER BY 1, 3, 4, 2, 7";

/// Reads the answer to [`ROLES`]; `None` if it does not have that shape.
pub fn roles(rows: &[Row]) -> Option<Roles> {
    let mut roles = Roles { all: BTreeMap::new(), own: 0, members: Vec::new() };
    for row in rows {
        let [oid, name, own, member, superuser, createrole, createdb, replication, bypassrls] = cells(row)?;
        let (oid, member): (u32, u32) = (oid.parse().ok()?, member.parse().ok()?);
        if own == "true" {
            roles.own = oid;
        }
        let membership = Membership { role: oid, member };
        // Since PostgreSQL 16 several people can have granted it.
        if member != 0 && !roles.members.contains(&membership) {
            roles.members.push(membership);
        }
        let flags = [
            (createrole, "CREATEROLE"),
            (createdb, "CREATEDB"),
            (replication, "REPLICATION"),
            (bypassrls, "BYPASSRLS"),
        ];
        let attributes =
            flags.into_iter().filter_map(|(flag, word)| (flag == "true").then_some(word)).collect();
        roles.all.insert(oid, Role { name: name.into(), is_superuser: superuser == "true", attributes });
    }
    roles.all.contains_key(&roles.own).then_some(roles)
}

/// Reads the answer to [`OBJECTS`]; `None` if it does not have that shape.
pub fn objects(rows: &[Row]) -> Option<Vec<Object>> {
    let mut objects: Vec<Object> = Vec::new();
    let mut columns: BTreeMap<u32, Vec<Column>> = BTreeMap::new();
    for row in rows {
        let [what, oid, schema, name, arguments, owner, about, grantee, privilege] = cells(row)?;
        let (oid, about): (u32, u32) = (oid.parse().ok()?, about.parse().ok()?);
        let grant = match grantee {
            "" => None,
            grantee => Some(Grant { grantee: grantee.parse().ok()?, privilege: privilege.into() }),
        };
        let kind = match what {
            "column" => {
                let columns = columns.entry(oid).or_default();
                let number = i16::try_from(about).ok()?;
                if columns.last().is_none_or(|last| last.number != number) {
                    columns.push(Column { number, name: name.into(), grants: Vec::new() });
                }
                columns.last_mut()?.grants.extend(grant);
                continue;
            }
            "database" => Kind::Database,
            "schema" => Kind::Schema,
            "relation" => Kind::Relation,
            "sequence" => Kind::Sequence,
            "routine" => Kind::Routine,
            "built-in" => Kind::BuiltIn,
            _ => return None,
        };
        if objects.last().is_none_or(|last| (last.kind, last.oid) != (kind, oid)) {
            objects.push(Object {
                kind,
                oid,
                schema: schema.into(),
                name: name.into(),
                arguments: arguments.into(),
                owner: owner.parse().ok()?,
                grants: Vec::new(),
                columns: Vec::new(),
                part_of: if kind == Kind::Sequence { about } else { 0 },
                is_used: kind == Kind::Routine && about != 0,
            });
        }
        objects.last_mut()?.grants.extend(grant);
    }
    for object in objects.iter_mut().filter(|object| object.kind == Kind::Relation) {
        object.columns = columns.remove(&object.oid).unwrap_or_default();
        object.columns.sort_by_key(|column| column.number);
    }
    Some(objects)
}

/// NULL is nothing.
fn cells<const N: usize>(row: &Row) -> Option<[&str; N]> {
    let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or_default()).collect();
    cells.try_into().ok()
}

impl Roles {
    /// The roles that panguard's is, or is a member of without the memberships in `without`.
    pub fn reached(&self, without: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut reached = BTreeSet::from([self.own]);
        loop {
            let more = self.members.iter().filter(|it| {
                reached.contains(&it.member) && !reached.contains(&it.role) && !without.contains(&it.role)
            });
            let more: Vec<u32> = more.map(|it| it.role).collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }

    /// A role's name, quoted; `PUBLIC` for everybody.
    pub fn quoted(&self, oid: u32) -> String {
        if oid == PUBLIC {
            return "PUBLIC".into();
        }
        quoted(self.all.get(&oid).map_or("", |role| &role.name))
    }
}

impl Object {
    /// How `GRANT`, `REVOKE` and `ALTER` name it.
    pub fn words(&self) -> String {
        let inside = format!("{}.{}", quoted(&self.schema), quoted(&self.name));
        match self.kind {
            Kind::Database => format!("DATABASE {}", quoted(&self.name)),
            Kind::Schema => format!("SCHEMA {}", quoted(&self.name)),
            Kind::Relation => format!("TABLE {inside}"),
            Kind::Sequence => format!("SEQUENCE {inside}"),
            Kind::Routine | Kind::BuiltIn => format!("ROUTINE {inside}({})", self.arguments),
        }
    }

    /// `schema.name`, as policies and people call it.
    pub fn qualified(&self) -> String {
        match self.kind {
            Kind::Database | Kind::Schema => self.name.clone(),
            Kind::Relation | Kind::Sequence | Kind::Routine | Kind::BuiltIn => {
                format!("{}.{}", self.schema, self.name)
            }
        }
    }
}

/// An identifier in double quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
