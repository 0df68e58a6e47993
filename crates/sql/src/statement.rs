//! What each statement is, and what it does beside its queries.

use access::{Action, Effect, Facts, Resource};
use pg_query::Node;
use pg_query::protobuf::{
    DeclareCursorStmt, DiscardMode, ExplainStmt, GrantTargetType, ObjectType, ParseResult, PrepareStmt,
    ReindexObjectType, SelectStmt, TransactionStmt, TransactionStmtKind, TruncateStmt, VacuumStmt,
    VariableSetKind,
};
use std::sync::Arc;

use crate::NameUse;
use crate::catalog::Event;
use crate::definition::object_words;
use crate::lineage::Place;
use crate::matching::keeps;
use crate::reading::{Kind, LISTED_MAX, Reading, strings};
use crate::scope::{Item, Scope};

impl<'a> Reading<'a> {
    /// Reads the statements of the message.
    pub fn statements(&mut self, tree: &'a ParseResult) {
        for (at, raw) in (0..).zip(&tree.stmts) {
            self.at = at;
            match raw.stmt.as_deref() {
                Some(statement) => self.statement(statement),
                None => self.not_understood("a statement"),
            }
            // What comes after it is run on what it has made.
            self.doubts |= self.changes_catalog;
        }
    }

    /// Reads one statement of the message.
    pub fn statement(&mut self, node: &'a Node) {
        self.kind_of(node);
        self.reads = false;
        let Some(kind) = &node.node else { return self.not_understood("a statement") };
        match kind {
            Kind::SelectStmt(_) => self.answer(node),
            Kind::InsertStmt(_) | Kind::UpdateStmt(_) | Kind::DeleteStmt(_) | Kind::MergeStmt(_) => {
                let columns = self.query(node);
                self.mark_output(&columns);
            }

            Kind::TransactionStmt(it) => self.transaction(it),
            Kind::VariableSetStmt(it) => self.set(it),
            Kind::VariableShowStmt(_) => self.uses(Action::Session, Resource::Connection),
            Kind::PrepareStmt(it) => self.prepare(it),
            Kind::ExecuteStmt(it) => {
                self.session(Effect::Session);
                self.expressions(&it.params);
                self.names.push(NameUse::Execute { name: it.name.as_str().into(), at: self.at });
            }
            Kind::DeallocateStmt(it) => {
                self.session(Effect::Session);
                self.names.push(NameUse::Deallocate { name: named(&it.name) });
            }
            Kind::DeclareCursorStmt(it) => self.declare(it),
            Kind::FetchStmt(it) => {
                self.session(Effect::Session);
                self.names.push(NameUse::Fetch { cursor: it.portalname.as_str().into(), at: self.at });
            }
            Kind::ClosePortalStmt(it) => {
                self.session(Effect::Session);
                self.names.push(NameUse::CloseCursor { name: named(&it.portalname) });
            }
            Kind::DiscardStmt(it) => {
                self.session(Effect::Session);
                if it.target() == DiscardMode::DiscardAll {
                    self.names.push(NameUse::DiscardAll);
                }
            }
            Kind::ListenStmt(_) => {
                self.session(Effect::Session);
                // What others notify of may be anything that they know.
                self.reaches(&self.catalog.classes());
            }
            Kind::UnlistenStmt(_) | Kind::ConstraintsSetStmt(_) => {
                self.session(Effect::Session);
            }
            Kind::NotifyStmt(_) => self.session(Effect::Data),

            Kind::ExplainStmt(it) => self.explain(it),
            Kind::CopyStmt(it) => self.copy(it),
            Kind::CallStmt(it) => {
                self.effect(Effect::Data);
                self.changes_catalog = true;
                let Some(call) = it.funccall.as_ref() else { return self.not_understood("call") };
                let name: Vec<&str> = strings(&call.funcname).collect();
                // Of the server's own functions none is a procedure.
                self.users_function(&name.join("."));
                self.arguments(call);
            }
            Kind::LockStmt(it) => {
                let catalog_changed = self.changes_catalog;
                self.administers_tables(&it.relations);
                self.changes_catalog = catalog_changed;
            }
            _ => self.in_place(Place::Definition, |reading| reading.definition(kind)),
        }
    }

    /// Reads a statement that changes what exists. What is not named here is not understood.
    fn definition(&mut self, kind: &'a Kind) {
        match kind {
            Kind::CreateStmt(it) => self.create_table(it),
            Kind::CreateTableAsStmt(it) => self.create_table_as(it),
            Kind::ViewStmt(it) => self.create_view(it),
            Kind::AlterTableStmt(it) => self.alter_table(it),
            Kind::IndexStmt(it) => self.create_index(it),
            Kind::DropStmt(it) => self.drop(it),
            Kind::TruncateStmt(it) => self.truncate(it),
            Kind::RenameStmt(it) => self.rename_object(it),
            Kind::AlterObjectSchemaStmt(it) => self.set_schema(it),
            Kind::GrantStmt(it) if it.targtype() == GrantTargetType::AclTargetAllInSchema => {
                for schema in strings(&it.objects) {
                    self.administers(Resource::Schema(schema.into()));
                }
            }
            Kind::GrantStmt(it) => self.grant(it),
            Kind::CreateSeqStmt(it) => self.creates(it.sequence.as_ref()),
            Kind::AlterSeqStmt(it) => drop(self.administers_table(it.sequence.as_ref())),
            Kind::CreateSchemaStmt(it) => {
                self.administers(Resource::Connection);
                for element in &it.schema_elts {
                    self.statement(element);
                }
            }
            Kind::CreateDomainStmt(it) => {
                self.administers(Resource::Schema("?".into()));
                self.expressions_of_constraints(&it.constraints);
            }
            Kind::CreateEnumStmt(_) | Kind::AlterEnumStmt(_) | Kind::CompositeTypeStmt(_) => {
                self.administers(Resource::Schema("?".into()));
            }
            Kind::CreateStatsStmt(it) => {
                self.administers_tables(&it.relations);
                // Statistics on a column hold its values, and its table is where it is looked up.
                for node in &it.exprs {
                    self.statistics_element(node, &it.relations);
                }
            }
            Kind::RefreshMatViewStmt(it) => drop(self.administers_table(it.relation.as_ref())),
            Kind::VacuumStmt(it) => self.vacuum(it),
            // The rows come in the order of an index from then on.
            Kind::ClusterStmt(it) if it.relation.is_some() => {
                let columns = self.administers_table(it.relation.as_ref());
                self.moves(&columns);
            }
            Kind::ReindexStmt(it) if it.kind() == ReindexObjectType::ReindexObjectTable => {
                self.administers_table(it.relation.as_ref());
            }
            Kind::CommentStmt(it) => match it.object.as_deref().and_then(|object| object.node.as_ref()) {
                Some(Kind::List(name)) if it.objtype() == ObjectType::ObjectTable => {
                    self.administers_named(&name.items);
                }
                Some(Kind::List(name)) if object_words(it.objtype()) == "table" => {
                    // Last comes the name of a column or constraint of it.
                    let table = name.items.split_last().map(|(_, table)| table).unwrap_or_default();
                    self.administers_named(table);
                }
                _ => self.administers(Resource::Connection),
            },
            Kind::AlterOwnerStmt(it) if it.relation.is_some() => {
                drop(self.administers_table(it.relation.as_ref()))
            }
            Kind::AlterOwnerStmt(_)
            | Kind::ClusterStmt(_)
            | Kind::ReindexStmt(_)
            | Kind::AlterStatsStmt(_)
            | Kind::GrantRoleStmt(_)
            | Kind::AlterDefaultPrivilegesStmt(_)
            | Kind::CreateRoleStmt(_)
            | Kind::AlterRoleStmt(_)
            | Kind::DropRoleStmt(_)
            | Kind::DropOwnedStmt(_)
            | Kind::ReassignOwnedStmt(_)
            | Kind::CheckPointStmt(_) => self.administers(Resource::Connection),
            Kind::DoStmt(_) => {
                self.administers(Resource::Connection);
                self.not_understood("do block");
            }
            kind => {
                self.administers(Resource::Connection);
                self.not_understood(words(kind).map_or_else(|| "a statement".into(), String::from));
            }
        }
    }

    fn truncate(&mut self, it: &'a TruncateStmt) {
        self.administers_tables(&it.relations);
        for node in &it.relations {
            let Some(Kind::RangeVar(table)) = &node.node else { continue };
            let relations = self.touch(table, Action::Administer);
            self.sets_off(&relations, &[Event::Truncate]);
        }
    }

    /// Notes what the statement is.
    pub fn kind_of(&mut self, node: &'a Node) {
        let Some(kind) = &node.node else { return };
        let words = match kind {
            Kind::DropStmt(it) => format!("drop {}", object_words(it.remove_type())).into(),
            Kind::RenameStmt(it) => format!("alter {}", object_words(it.rename_type())).into(),
            Kind::AlterTableStmt(it) => format!("alter {}", object_words(it.objtype())).into(),
            Kind::AlterObjectSchemaStmt(it) => format!("alter {}", object_words(it.object_type())).into(),
            Kind::AlterOwnerStmt(it) => format!("alter {}", object_words(it.object_type())).into(),
            kind => words(kind).unwrap_or("?").into(),
        };
        if self.facts.kinds.len() >= LISTED_MAX {
            return self.not_understood("too many statements");
        }
        self.facts.kinds.push(words);
    }

    /// Reads a query whose answer goes to the agent.
    fn answer(&mut self, query: &'a Node) {
        let columns = self.query(query);
        self.mark_output(&columns);
        if !self.reads {
            self.uses(Action::Read, Resource::Connection);
        }
    }

    fn session(&mut self, effect: Effect) {
        self.uses(Action::Session, Resource::Connection);
        self.effect(effect);
    }

    fn transaction(&mut self, it: &TransactionStmt) {
        let is_isolation = |node: &Node| matches!(&node.node, Some(Kind::DefElem(it)) if it.defname == "transaction_isolation");
        self.keeps_snapshot |= it.options.iter().any(is_isolation);
        self.session(match it.kind() {
            TransactionStmtKind::TransStmtPrepare
            | TransactionStmtKind::TransStmtCommitPrepared
            | TransactionStmtKind::TransStmtRollbackPrepared => Effect::Data,
            _ => Effect::Session,
        });
        // These end or keep transactions of whatever session.
        if it.kind() == TransactionStmtKind::TransStmtCommitPrepared
            || it.kind() == TransactionStmtKind::TransStmtRollbackPrepared
        {
            self.uses(Action::Administer, Resource::Connection);
        }
    }

    fn prepare(&mut self, it: &'a PrepareStmt) {
        self.session(Effect::Session);
        let mut facts = self.apart_statement(it.query.as_deref());
        let exact = |node: &Node| matches!(&node.node, Some(Kind::TypeName(name)) if keeps(name));
        if !it.argtypes.iter().all(exact) {
            facts = facts.uncounted();
        }
        self.absorb(facts.clone());
        self.names.push(NameUse::Prepare { name: it.name.as_str().into(), facts: Arc::new(facts) });
    }

    fn declare(&mut self, it: &'a DeclareCursorStmt) {
        self.session(Effect::Session);
        let facts = self.apart_statement(it.query.as_deref());
        self.absorb(facts.clone());
        self.names.push(NameUse::Declare { cursor: it.portalname.as_str().into(), facts: Arc::new(facts) });
    }

    /// Reads a statement inside another into facts of its own.
    fn apart_statement(&mut self, node: Option<&'a Node>) -> Facts {
        self.apart(|reading| match node {
            Some(node) => reading.statement(node),
            None => reading.not_understood("a statement"),
        })
    }

    fn explain(&mut self, it: &'a ExplainStmt) {
        let facts = self.apart_statement(it.query.as_deref());
        if runs(it) {
            // It is done, so that what it is counts too.
            self.facts.kinds.extend(facts.kinds.iter().cloned());
        }
        self.absorb(facts);
    }

    fn vacuum(&mut self, it: &'a VacuumStmt) {
        let catalog_changed = self.changes_catalog;
        for node in &it.rels {
            match &node.node {
                Some(Kind::VacuumRelation(relation)) => {
                    drop(self.administers_table(relation.relation.as_ref()))
                }
                _ => self.not_understood("the name of a table"),
            }
        }
        if it.rels.is_empty() {
            self.administers(Resource::Connection);
        }
        self.changes_catalog = catalog_changed;
    }

    fn statistics_element(&mut self, node: &'a Node, tables: &'a [Node]) {
        let mut items = Vec::new();
        for table in tables {
            let Some(Kind::RangeVar(table)) = &table.node else { continue };
            let columns = {
                let relations = self.touch(table, Action::Administer);
                self.columns_of(&relations)
            };
            items.push(Item { name: Some(table.relname.as_str()), columns });
        }
        self.scopes.push(Scope { items, ..Scope::default() });
        match &node.node {
            Some(Kind::StatsElem(element)) => {
                if !element.name.is_empty() {
                    let columns = self.unqualified(&element.name);
                    self.mark_computed(&columns);
                }
                self.expression_of(element.expr.as_deref());
            }
            _ => self.not_understood("a part of statistics"),
        }
        self.scopes.pop();
    }
}

/// Whether an EXPLAIN also runs its statement. `ANALYZE false` counts as if it did.
fn runs(explain: &ExplainStmt) -> bool {
    explain
        .options
        .iter()
        .any(|node| matches!(&node.node, Some(Kind::DefElem(it)) if it.defname == "analyze"))
}

/// A name, unless it is left out to mean all.
fn named(name: &str) -> Option<Box<str>> {
    (!name.is_empty()).then(|| name.into())
}

fn selects_into(select: &SelectStmt) -> bool {
    select.into_clause.is_some() || select.larg.as_deref().is_some_and(selects_into)
}

/// What a statement is, where its kind alone says it.
fn words(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::SelectStmt(it) if selects_into(it) => "select into",
        Kind::SelectStmt(it) if !it.values_lists.is_empty() => "values",
        Kind::SelectStmt(_) => "select",
        Kind::InsertStmt(_) => "insert",
        Kind::UpdateStmt(_) => "update",
        Kind::DeleteStmt(_) => "delete",
        Kind::MergeStmt(_) => "merge",
        Kind::TransactionStmt(it) => match it.kind() {
            TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart => "begin",
            TransactionStmtKind::TransStmtCommit => "commit",
            TransactionStmtKind::TransStmtRollback => "rollback",
            TransactionStmtKind::TransStmtSavepoint => "savepoint",
            TransactionStmtKind::TransStmtRelease => "release",
            TransactionStmtKind::TransStmtRollbackTo => "rollback to",
            TransactionStmtKind::TransStmtPrepare => "prepare transaction",
            TransactionStmtKind::TransStmtCommitPrepared => "commit prepared",
            TransactionStmtKind::TransStmtRollbackPrepared => "rollback prepared",
            TransactionStmtKind::Undefined => return None,
        },
        Kind::VariableSetStmt(it) => match it.kind() {
            VariableSetKind::VarReset | VariableSetKind::VarResetAll => "reset",
            _ => "set",
        },
        Kind::VariableShowStmt(_) => "show",
        Kind::PrepareStmt(_) => "prepare",
        Kind::ExecuteStmt(_) => "execute",
        Kind::DeallocateStmt(_) => "deallocate",
        Kind::DeclareCursorStmt(_) => "declare cursor",
        Kind::FetchStmt(it) if it.ismove => "move",
        Kind::FetchStmt(_) => "fetch",
        Kind::ClosePortalStmt(_) => "close",
        Kind::DiscardStmt(_) => "discard",
        Kind::ListenStmt(_) => "listen",
        Kind::UnlistenStmt(_) => "unlisten",
        Kind::NotifyStmt(_) => "notify",
        Kind::ConstraintsSetStmt(_) => "set constraints",
        Kind::ExplainStmt(it) if runs(it) => "explain analyze",
        Kind::ExplainStmt(_) => "explain",
        Kind::CopyStmt(it) if it.is_from => "copy from",
        Kind::CopyStmt(_) => "copy to",
        Kind::CallStmt(_) => "call",
        Kind::DoStmt(_) => "do",
        Kind::LockStmt(_) => "lock",
        _ => return definition_words(kind),
    })
}

fn definition_words(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::CreateStmt(_) => "create table",
        Kind::CreateTableAsStmt(it) => match object_words(it.objtype()) {
            "materialized view" => "create materialized view",
            _ => "create table as",
        },
        Kind::ViewStmt(_) => "create view",
        Kind::IndexStmt(_) => "create index",
        Kind::TruncateStmt(_) => "truncate",
        Kind::GrantStmt(it) if it.is_grant => "grant",
        Kind::GrantStmt(_) => "revoke",
        Kind::GrantRoleStmt(it) if it.is_grant => "grant",
        Kind::GrantRoleStmt(_) => "revoke",
        Kind::AlterDefaultPrivilegesStmt(_) => "alter default privileges",
        Kind::CreateSeqStmt(_) => "create sequence",
        Kind::AlterSeqStmt(_) => "alter sequence",
        Kind::CreateSchemaStmt(_) => "create schema",
        Kind::CreateDomainStmt(_) => "create domain",
        Kind::AlterDomainStmt(_) => "alter domain",
        Kind::CreateEnumStmt(_) | Kind::CompositeTypeStmt(_) | Kind::CreateRangeStmt(_) => "create type",
        Kind::AlterEnumStmt(_) | Kind::AlterTypeStmt(_) => "alter type",
        Kind::CreateStatsStmt(_) => "create statistics",
        Kind::AlterStatsStmt(_) => "alter statistics",
        Kind::RefreshMatViewStmt(_) => "refresh materialized view",
        Kind::VacuumStmt(it) if it.is_vacuumcmd => "vacuum",
        Kind::VacuumStmt(_) => "analyze",
        Kind::ClusterStmt(_) => "cluster",
        Kind::ReindexStmt(_) => "reindex",
        Kind::CommentStmt(_) => "comment",
        Kind::CreateRoleStmt(_) => "create role",
        Kind::AlterRoleStmt(_) => "alter role",
        Kind::DropRoleStmt(_) => "drop role",
        Kind::DropOwnedStmt(_) => "drop owned",
        Kind::ReassignOwnedStmt(_) => "reassign owned",
        Kind::CheckPointStmt(_) => "checkpoint",
        Kind::CreateFunctionStmt(it) if it.is_procedure => "create procedure",
        Kind::CreateFunctionStmt(_) => "create function",
        Kind::AlterFunctionStmt(_) => "alter function",
        Kind::CreateTrigStmt(_) => "create trigger",
        Kind::CreateEventTrigStmt(_) => "create event trigger",
        Kind::AlterEventTrigStmt(_) => "alter event trigger",
        Kind::RuleStmt(_) => "create rule",
        Kind::CreatePolicyStmt(_) => "create policy",
        Kind::AlterPolicyStmt(_) => "alter policy",
        Kind::CreateExtensionStmt(_) => "create extension",
        Kind::AlterExtensionStmt(_) | Kind::AlterExtensionContentsStmt(_) => "alter extension",
        Kind::CreateFdwStmt(_) => "create foreign data wrapper",
        Kind::AlterFdwStmt(_) => "alter foreign data wrapper",
        Kind::CreateForeignServerStmt(_) => "create server",
        Kind::AlterForeignServerStmt(_) => "alter server",
        Kind::CreateForeignTableStmt(_) => "create foreign table",
        Kind::ImportForeignSchemaStmt(_) => "import foreign schema",
        Kind::CreateUserMappingStmt(_) => "create user mapping",
        Kind::AlterUserMappingStmt(_) => "alter user mapping",
        Kind::DropUserMappingStmt(_) => "drop user mapping",
        Kind::CreateAmStmt(_) => "create access method",
        Kind::CreatePlangStmt(_) => "create language",
        Kind::DefineStmt(it) => match object_words(it.kind()) {
            "operator" => "create operator",
            "aggregate" => "create aggregate",
            "collation" => "create collation",
            "type" => "create type",
            _ => "create object",
        },
        Kind::CreateOpClassStmt(_) => "create operator class",
        Kind::CreateOpFamilyStmt(_) => "create operator family",
        Kind::AlterOpFamilyStmt(_) => "alter operator family",
        Kind::AlterOperatorStmt(_) => "alter operator",
        Kind::CreateCastStmt(_) => "create cast",
        Kind::CreateConversionStmt(_) => "create conversion",
        Kind::CreateTransformStmt(_) => "create transform",
        Kind::AlterCollationStmt(_) => "alter collation",
        Kind::AlterTsdictionaryStmt(_) => "alter text search dictionary",
        Kind::AlterTsconfigurationStmt(_) => "alter text search configuration",
        Kind::AlterObjectDependsStmt(_) => "alter object",
        Kind::SecLabelStmt(_) => "security label",
        Kind::AlterSystemStmt(_) => "alter system",
        Kind::AlterRoleSetStmt(_) => "alter role set",
        Kind::AlterDatabaseSetStmt(_) => "alter database set",
        Kind::AlterDatabaseStmt(_) | Kind::AlterDatabaseRefreshCollStmt(_) => "alter database",
        Kind::CreatedbStmt(_) => "create database",
        Kind::DropdbStmt(_) => "drop database",
        Kind::CreateTableSpaceStmt(_) => "create tablespace",
        Kind::DropTableSpaceStmt(_) => "drop tablespace",
        Kind::AlterTableSpaceOptionsStmt(_) => "alter tablespace",
        Kind::AlterTableMoveAllStmt(_) => "alter table",
        Kind::LoadStmt(_) => "load",
        Kind::DoStmt(_) => "do",
        Kind::CreatePublicationStmt(_) => "create publication",
        Kind::AlterPublicationStmt(_) => "alter publication",
        Kind::CreateSubscriptionStmt(_) => "create subscription",
        Kind::AlterSubscriptionStmt(_) => "alter subscription",
        Kind::DropSubscriptionStmt(_) => "drop subscription",
        _ => return None,
    })
}
