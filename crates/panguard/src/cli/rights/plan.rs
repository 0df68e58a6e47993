//! Compares what the role may with what policy could ever allow, and writes the statements that make them the same.

use std::collections::{BTreeMap, BTreeSet};

use super::held::{Grant, Kind, Object, PUBLIC, Roles, quoted};
use super::need::{Need, Needed};

/// What comes of the comparison.
#[derive(Default)]
pub struct Plan {
    /// In the order in which they are to be run.
    pub statements: Vec<Statement>,
    pub remarks: Vec<String>,
}

/// A statement, or what is to be done where none can do it.
pub struct Statement {
    /// `None`: nobody but a person can do it, as `why` says.
    pub sql: Option<String>,
    pub why: String,
}

/// What is to be compared.
pub struct Question<'a> {
    pub roles: &'a Roles,
    pub objects: &'a [Object],
    pub need: &'a Need<'a>,
    /// Columns that nobody may ever see, by the relation's object id.
    pub sad: &'a BTreeMap<u32, BTreeSet<i16>>,
    /// The role that is to own what panguard's must not.
    pub owner: Option<&'a str>,
}

/// One comparison, part by part.
struct Comparison<'a> {
    question: &'a Question<'a>,
    /// The role and those that it is a member of, now and when what is not needed is gone.
    before: BTreeSet<u32>,
    after: BTreeSet<u32>,
    was_superuser: bool,
    /// What the server's own roles give on every table.
    gave_all: BTreeSet<&'static str>,
    /// The privileges that this version of the server has.
    known: BTreeSet<&'a str>,
    attributes: Vec<Statement>,
    owners: Vec<Statement>,
    revokes: Vec<Statement>,
    grants: Vec<Statement>,
    remarks: Vec<String>,
}

/// Compares.
pub fn plan(question: &Question<'_>) -> Plan {
    let mut it = Comparison::new(question);
    it.own_attributes();
    it.memberships();
    let mut needed: Vec<Needed> =
        question.objects.iter().map(|object| question.need.of(object, false)).collect();
    let tables = question.objects.iter().zip(&needed).filter(|(object, _)| object.kind == Kind::Relation);
    let owned: BTreeSet<u32> =
        tables.filter(|(_, needed)| needed.ownership).map(|(object, _)| object.oid).collect();
    for (object, needed) in question.objects.iter().zip(&mut needed).filter(|(object, _)| object.part_of != 0)
    {
        // It has its table's owner.
        needed.ownership = owned.contains(&object.part_of);
    }
    let used: BTreeSet<&str> = question
        .objects
        .iter()
        .zip(&needed)
        .filter(|(object, needed)| {
            object.kind != Kind::Sequence && (needed.ownership || !needed.privileges.is_empty())
        })
        .map(|(object, _)| object.schema.as_str())
        .collect();
    for (object, needed) in question.objects.iter().zip(needed) {
        let needed = match object.kind {
            Kind::Schema => question.need.of(object, used.contains(object.name.as_str())),
            _ => needed,
        };
        it.object(object, &needed);
    }
    let Comparison { attributes, owners, revokes, grants, remarks, .. } = it;
    Plan { statements: [attributes, owners, revokes, grants].into_iter().flatten().collect(), remarks }
}

impl<'a> Comparison<'a> {
    fn new(question: &'a Question<'a>) -> Self {
        let roles = question.roles;
        let before = roles.reached(&BTreeSet::new());
        let mut it = Self {
            question,
            was_superuser: false,
            gave_all: BTreeSet::new(),
            known: question
                .objects
                .iter()
                .flat_map(|object| &object.grants)
                .map(|grant| grant.privilege.as_str())
                .collect(),
            after: before.clone(),
            before,
            attributes: Vec::new(),
            owners: Vec::new(),
            revokes: Vec::new(),
            grants: Vec::new(),
            remarks: Vec::new(),
        };
        for role in it.before.iter().filter_map(|oid| roles.all.get(oid)) {
            it.was_superuser |= role.is_superuser;
            match role.name.as_str() {
                "pg_read_all_data" => it.gave_all.extend(["SELECT", "USAGE"]),
                "pg_write_all_data" => it.gave_all.extend(["INSERT", "UPDATE", "DELETE", "USAGE"]),
                _ => {}
            }
        }
        it
    }

    /// What the role may as itself, whatever is granted.
    fn own_attributes(&mut self) {
        let roles = self.question.roles;
        let Some(own) = roles.all.get(&roles.own) else { return };
        let name = quoted(&own.name);
        if own.is_superuser && roles.own == BOOTSTRAP {
            self.attributes.push(Statement {
                sql: None,
                why: format!("{name} made the cluster and stays a superuser: make another role for panguard, and put it into the configuration"),
            });
        } else if own.is_superuser {
            self.attributes.push(Statement {
                sql: Some(format!("ALTER ROLE {name} NOSUPERUSER")),
                why: "a superuser may do anything, and what policy refuses too".into(),
            });
        }
        let unneeded = own.attributes.iter().filter(|attribute| !self.needs_attribute(attribute));
        let statements: Vec<Statement> = unneeded
            .map(|attribute| Statement {
                sql: Some(format!("ALTER ROLE {name} NO{attribute}")),
                why: format!("no policy could ever allow what needs {attribute}"),
            })
            .collect();
        self.attributes.extend(statements);
    }

    fn needs_attribute(&self, attribute: &str) -> bool {
        match attribute {
            "CREATEROLE" | "CREATEDB" => self.question.need.administers_connection(),
            // Replication is refused to everybody, and no policy speaks of row security.
            _ => false,
        }
    }

    /// Roles that give what no grant does.
    fn memberships(&mut self) {
        let roles = self.question.roles;
        let mut gone = BTreeSet::new();
        for oid in self.before.iter().filter(|oid| **oid != roles.own) {
            let Some(role) = roles.all.get(oid) else { continue };
            let unneeded = role.attributes.iter().any(|attribute| !self.needs_attribute(attribute));
            if role.is_superuser || unneeded || !self.question.need.needs_role(&role.name) {
                gone.insert(*oid);
            }
        }
        for it in
            roles.members.iter().filter(|it| gone.contains(&it.role) && self.before.contains(&it.member))
        {
            let (role, member) = (roles.quoted(it.role), roles.quoted(it.member));
            self.attributes.push(Statement {
                sql: Some(format!("REVOKE {role} FROM {member}")),
                why: format!("no policy could ever allow all that {role} may"),
            });
        }
        self.after = roles.reached(&gone);
        if self.loses_database() {
            let roles = &roles.all;
            self.after.retain(|oid| roles.get(oid).is_none_or(|role| role.name != "pg_database_owner"));
        }
    }

    /// Whether the role owns the database and is to own it no longer.
    fn loses_database(&self) -> bool {
        let database = self.question.objects.iter().find(|object| object.kind == Kind::Database);
        database.is_some_and(|database| {
            self.after.contains(&database.owner) && !self.question.need.of(database, false).ownership
        })
    }

    fn object(&mut self, object: &Object, needed: &Needed) {
        if self.after.contains(&object.owner) && needed.ownership {
            // An owner can grant itself whatever it lacks.
            return;
        }
        if self.after.contains(&object.owner) && object.part_of == 0 {
            self.give_away(object);
        }
        let sad = self.question.sad.get(&object.oid).filter(|_| object.kind == Kind::Relation);
        let whole: BTreeSet<&str> =
            needed.privileges.iter().copied().filter(|it| *it != "SELECT" || sad.is_none()).collect();
        let kept = self.revoke(object, &whole, None);
        let lost = whole.iter().copied().filter(|it| self.had(object, it) && !kept.contains(*it));
        let lost: Vec<&str> = lost.filter(|it| self.known.contains(it)).collect();
        // What a superuser could call of the server's own is given by a person who knows why.
        if !lost.is_empty() && object.kind != Kind::BuiltIn {
            let why = "policy could allow it, and it came with what is taken away above";
            self.grant(object, &lost.join(", "), why);
        }
        for column in &object.columns {
            let mut of_column = needed.privileges.clone();
            if sad.is_some_and(|sad| sad.contains(&column.number)) {
                of_column.remove("SELECT");
            }
            self.revoke(object, &of_column, Some((&column.name, &column.grants)));
        }
        match sad {
            Some(sad) if needed.privileges.contains("SELECT") && self.had(object, "SELECT") => {
                self.select_without(object, sad);
            }
            _ => self.remark_on_what_is_missing(object, &whole),
        }
    }

    /// Whether the role may do that with an object, by whatever way.
    fn had(&self, object: &Object, privilege: &str) -> bool {
        let by_all = matches!(object.kind, Kind::Relation | Kind::Sequence | Kind::Schema)
            && self.gave_all.contains(privilege);
        let granted = |grant: &Grant| grant.privilege == privilege && self.is_ours(grant, &self.before);
        self.was_superuser
            || self.before.contains(&object.owner)
            || by_all
            || object.grants.iter().any(granted)
    }

    fn remark_on_what_is_missing(&mut self, object: &Object, needed: &BTreeSet<&str>) {
        let lacks = DATA.into_iter().filter(|it| needed.contains(it) && !self.had(object, it));
        let lacks: Vec<&str> = lacks.collect();
        // Who grants by column has thought about it.
        let by_column = object.columns.iter().any(|column| !column.grants.is_empty());
        if object.kind == Kind::Relation && !lacks.is_empty() && !by_column {
            self.remarks.push(format!(
                "{}: policy could allow what the role may not: GRANT {} ON {} TO {};",
                object.qualified(),
                lacks.join(", "),
                object.words(),
                self.question.roles.quoted(self.question.roles.own)
            ));
        }
    }

    /// Ownership is everything: what is not granted its owner can grant itself.
    fn give_away(&mut self, object: &Object) {
        let words = object.words();
        let owner = self.question.roles.quoted(object.owner);
        let why = format!(
            "{owner} owns it, and may do anything with it; no GRANT or REVOKE changes that, only another owner"
        );
        self.owners.push(match self.question.owner {
            Some(to) => Statement { sql: Some(format!("ALTER {words} OWNER TO {}", quoted(to))), why },
            None => Statement {
                sql: None,
                why: format!("ALTER {words} OWNER TO …: {why} (name one with `--owner ROLE`)"),
            },
        });
    }

    /// Whether a grant is the role's, or everybody's, when it is a member of `roles`.
    fn is_ours(&self, grant: &Grant, roles: &BTreeSet<u32>) -> bool {
        grant.grantee == PUBLIC || roles.contains(&grant.grantee)
    }

    /// Takes away what is not needed of an object, or of a column of it, and says what stays.
    fn revoke(
        &mut self,
        object: &Object,
        needed: &BTreeSet<&str>,
        column: Option<(&str, &[Grant])>,
    ) -> BTreeSet<String> {
        let grants = column.map_or(object.grants.as_slice(), |(_, grants)| grants);
        let mut kept = BTreeSet::new();
        let mut revoked: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for grant in grants.iter().filter(|grant| self.is_ours(grant, &self.after)) {
            if column.is_none() && grant.grantee == object.owner {
                // It goes with the ownership.
                continue;
            }
            if needed.contains(grant.privilege.as_str()) {
                kept.insert(grant.privilege.clone());
            } else {
                let part = column.map(|(name, _)| format!(" ({})", quoted(name))).unwrap_or_default();
                revoked.entry(grant.grantee).or_default().insert(format!("{}{part}", grant.privilege));
            }
        }
        for (grantee, privileges) in revoked {
            let roles = self.question.roles;
            let why = match grantee {
                PUBLIC => "everybody has it, and so has the role: grant it to others who need it".to_owned(),
                own if own == roles.own => "no policy could ever allow it".to_owned(),
                other => format!("the role has it as a member of {}, and so may others", roles.quoted(other)),
            };
            self.revokes.push(Statement {
                sql: Some(format!(
                    "REVOKE {} ON {} FROM {}",
                    Vec::from_iter(privileges).join(", "),
                    object.words(),
                    roles.quoted(grantee)
                )),
                why,
            });
        }
        kept
    }

    /// Lets the role read every column but those that nobody may see.
    fn select_without(&mut self, object: &Object, sad: &BTreeSet<i16>) {
        // Taking SELECT on a table away takes it on the columns away too.
        let emptied: BTreeSet<u32> = object
            .grants
            .iter()
            .filter(|grant| grant.privilege == "SELECT")
            .map(|grant| grant.grantee)
            .collect();
        let stays = |grant: &Grant| {
            grant.privilege == "SELECT"
                && self.is_ours(grant, &self.after)
                && !emptied.contains(&grant.grantee)
        };
        let others: Vec<_> = object.columns.iter().filter(|column| !sad.contains(&column.number)).collect();
        if others.is_empty() || others.iter().all(|column| column.grants.iter().any(stays)) {
            return;
        }
        let names: Vec<String> = others.iter().map(|column| quoted(&column.name)).collect();
        let privilege = format!("SELECT ({})", names.join(", "));
        self.grant(
            object,
            &privilege,
            "all but the columns labelled sad, which nobody may see; `select *` is refused then, name the columns",
        );
    }

    fn grant(&mut self, object: &Object, privileges: &str, why: &str) {
        let role = self.question.roles.quoted(self.question.roles.own);
        self.grants.push(Statement {
            sql: Some(format!("GRANT {privileges} ON {} TO {role}", object.words())),
            why: why.into(),
        });
    }
}

/// The privileges on data, which a remark is made of when they are missing.
const DATA: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
/// The role that `initdb` makes.
const BOOTSTRAP: u32 = 10;

#[cfg(test)]
mod tests;
