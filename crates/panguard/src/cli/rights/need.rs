//! What policy could ever allow, in the words of PostgreSQL's privileges.

use std::collections::BTreeSet;

use access::{Action, Resource};
use policy::{Policies, Scope};

use super::held::{Kind, Object};

/// The policies, asked about one connection.
pub struct Need<'a> {
    policies: &'a Policies,
    scope: Scope<'a>,
    /// Without a session nothing is allowed.
    connects: bool,
}

/// What of an object is needed.
pub struct Needed {
    pub privileges: BTreeSet<&'static str>,
    /// What only its owner can do.
    pub ownership: bool,
}

impl<'a> Need<'a> {
    pub fn new(policies: &'a Policies, scope: Scope<'a>) -> Self {
        let connects = policies.could_ever(scope, Action::Connect, &Resource::Connection, None);
        Self { policies, scope, connects }
    }

    fn could(&self, action: Action, resource: &Resource) -> bool {
        self.could_by(action, resource, None)
    }

    fn could_by(&self, action: Action, resource: &Resource, kind: Option<&str>) -> bool {
        self.connects && self.policies.could_ever(self.scope, action, resource, kind)
    }

    fn could_call(&self, name: &str) -> bool {
        self.could(Action::Call, &Resource::Function(name.into()))
    }

    fn administers(&self, resource: &Resource) -> bool {
        self.could(Action::Administer, resource)
    }

    /// Whether something new could come into a schema. `?` is the one that a command does not name.
    fn creates_in(&self, schema: &str) -> bool {
        self.administers(&Resource::Schema(schema.into())) || self.administers(&Resource::Schema("?".into()))
    }

    /// Whether commands about no object of the database could be allowed, such as `CREATE ROLE`.
    pub fn administers_connection(&self) -> bool {
        self.administers(&Resource::Connection)
    }

    /// Whether membership in one of the server's own roles could be needed.
    pub fn needs_role(&self, name: &str) -> bool {
        let copies = || self.policies.names_feature(|feature| feature.contains("copy"));
        match name {
            "pg_database_owner" => true,
            "pg_read_server_files" | "pg_write_server_files" | "pg_execute_server_program" => copies(),
            "pg_signal_backend" => {
                self.could_call("pg_terminate_backend") || self.could_call("pg_cancel_backend")
            }
            "pg_checkpoint" | "pg_maintain" | "pg_create_subscription" => self.administers_connection(),
            // What it gives on each table is granted by itself where it is needed.
            "pg_read_all_data" | "pg_write_all_data" => false,
            "pg_monitor" | "pg_read_all_settings" | "pg_read_all_stats" | "pg_stat_scan_tables" => {
                self.policies.names_feature(|feature| feature.contains("pg_"))
            }
            _ => !name.starts_with("pg_"),
        }
    }

    /// What of `object` is needed; for a schema, `is_used` says whether something in it is.
    pub fn of(&self, object: &Object, is_used: bool) -> Needed {
        let name = object.qualified();
        match object.kind {
            Kind::Database => {
                let creates = self.creates_in("?") || self.administers(&Resource::Connection);
                Needed {
                    // Its witness asks PostgreSQL by functions in its own temporary schema (docs/witnesses.md).
                    privileges: chosen([("CONNECT", true), ("CREATE", creates), ("TEMPORARY", true)]),
                    ownership: self.administers(&Resource::Connection),
                }
            }
            Kind::Schema => Needed {
                privileges: chosen([
                    ("USAGE", is_used || self.creates_in(&name)),
                    ("CREATE", self.creates_in(&name)),
                ]),
                ownership: self.administers(&Resource::Schema(name.into())),
            },
            Kind::Relation => {
                let table = Resource::Table(name.into());
                let (reads, writes) = (self.could(Action::Read, &table), self.could(Action::Write, &table));
                let administers = self.administers(&table);
                let empties = self.could_by(Action::Administer, &table, Some("truncate"));
                Needed {
                    privileges: chosen([
                        ("SELECT", reads || writes || administers),
                        ("INSERT", writes || administers),
                        ("UPDATE", writes || administers),
                        ("DELETE", writes || administers),
                        ("TRUNCATE", empties),
                        ("REFERENCES", administers),
                        ("TRIGGER", administers),
                        ("MAINTAIN", administers),
                    ]),
                    ownership: administers,
                }
            }
            Kind::Sequence => {
                let administers = self.administers(&Resource::Table(name.into()));
                // `nextval` needs no leave of policy, and inserting rows calls it.
                let sets = administers || self.could_call("setval");
                Needed {
                    privileges: chosen([("USAGE", true), ("SELECT", true), ("UPDATE", sets)]),
                    ownership: administers,
                }
            }
            Kind::Routine | Kind::BuiltIn => {
                let calls = object.is_used || self.could_call(&name) || self.could_call(&object.name);
                Needed {
                    privileges: chosen([("EXECUTE", calls)]),
                    ownership: self.administers(&Resource::Function(name.into()))
                        || self.administers(&Resource::Function(object.name.as_str().into())),
                }
            }
        }
    }
}

fn chosen<const N: usize>(privileges: [(&'static str, bool); N]) -> BTreeSet<&'static str> {
    privileges.into_iter().filter_map(|(name, needed)| needed.then_some(name)).collect()
}
