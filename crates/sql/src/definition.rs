//! Statements that change what exists: what of, and which expressions and data they take with them.

use access::{Action, Effect, Position, Resource};
use pg_query::Node;
use pg_query::protobuf::{
    AlterObjectSchemaStmt, AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, Constraint, CreateStmt,
    CreateTableAsStmt, DropStmt, GrantStmt, IndexElem, IndexStmt, IntoClause, ObjectType, PartitionBoundSpec,
    RangeVar, RenameStmt, ViewStmt,
};

use crate::catalog::Event;
use crate::lineage::Place;
use crate::reading::{Kind, Reading, strings};
use crate::scope::{Columns, Item, Scope};

impl<'a> Reading<'a> {
    /// Notes a change of what exists.
    pub fn administers(&mut self, what: Resource) {
        self.effect(Effect::Data);
        self.changes_catalog = true;
        self.uses(Action::Administer, what);
        self.reaches_definitions();
    }

    /// Code of the operator's may be run on any change of what exists.
    fn reaches_definitions(&mut self) {
        let catalog = self.catalog;
        self.reaches(catalog.in_reach_of_definitions());
    }

    /// Notes a change of a relation, and gives its columns.
    pub fn administers_table(&mut self, table: Option<&'a RangeVar>) -> Columns<'a> {
        self.effect(Effect::Data);
        self.changes_catalog = true;
        let Some(table) = table else {
            self.not_understood("a change of no table");
            return Columns::default();
        };
        self.reaches_definitions();
        let relations = self.touch(table, Action::Administer);
        // Rows may be checked and written anew, and a materialized view's query run.
        self.sets_off(&relations, &[Event::Read, Event::Insert, Event::Update]);
        self.columns_of(&relations)
    }

    pub fn administers_tables(&mut self, tables: &'a [Node]) {
        for node in tables {
            match &node.node {
                Some(Kind::RangeVar(table)) => drop(self.administers_table(Some(table))),
                _ => self.not_understood("the name of a table"),
            }
        }
    }

    /// Notes that something new comes into the schema that a name says. Without one it is the first of the
    /// search path, which is not known.
    pub fn creates(&mut self, name: Option<&RangeVar>) {
        let schema = match name {
            Some(name) if name.relpersistence == "t" => "pg_temp",
            Some(name) if !name.schemaname.is_empty() => &name.schemaname,
            _ => "?",
        };
        self.administers(Resource::Schema(schema.into()));
    }

    fn changes_in_schema(&mut self, name: &[Node]) {
        let parts: Vec<&str> = strings(name).collect();
        let schema = match parts.as_slice() {
            [.., schema, _] => schema,
            _ => "?",
        };
        self.administers(Resource::Schema(schema.into()));
    }

    /// `SELECT … INTO`, `CREATE TABLE … AS`: the rows are copied to where no label is.
    pub fn creates_from(&mut self, into: &'a IntoClause, columns: &Columns<'a>) {
        self.creates(into.rel.as_ref());
        self.in_place(Place::Copied, |reading| reading.mark_computed(columns));
    }

    pub fn create_table_as(&mut self, create: &'a CreateTableAsStmt) {
        let Some(query) = create.query.as_deref() else { return self.not_understood("a query") };
        if matches!(query.node, Some(Kind::ExecuteStmt(_))) {
            self.not_understood("create table as execute");
        } else {
            let columns = self.query(query);
            self.in_place(Place::Copied, |reading| reading.mark_computed(&columns));
        }
        self.creates(create.into.as_deref().and_then(|into| into.rel.as_ref()));
    }

    pub fn create_view(&mut self, create: &'a ViewStmt) {
        self.creates(create.view.as_ref());
        if let Some(query) = create.query.as_deref() {
            self.defines = true;
            let columns = self.query(query);
            self.defines = false;
            self.in_place(Place::Copied, |reading| reading.mark_computed(&columns));
        }
    }

    pub fn create_table(&mut self, create: &'a CreateStmt) {
        self.creates(create.relation.as_ref());
        let names = create.table_elts.iter().filter_map(|node| match &node.node {
            Some(Kind::ColumnDef(column)) => Some(Some(column.colname.as_str())),
            _ => None,
        });
        // Columns that come from a parent, a type or LIKE are not listed here.
        let own = create.inh_relations.is_empty() && create.of_typename.is_none();
        let like = |node: &Node| matches!(node.node, Some(Kind::TableLikeClause(_)));
        let exact = own && !create.table_elts.iter().any(like);
        let columns = Columns { exact, in_place: exact, ..Columns::clean(names) };
        self.scopes.push(Scope { items: vec![Item { name: None, columns }], ..Scope::default() });
        for node in &create.table_elts {
            self.table_element(node);
        }
        for node in &create.inh_relations {
            match &node.node {
                Some(Kind::RangeVar(parent)) => drop(self.administers_table(Some(parent))),
                _ => self.not_understood("a parent table"),
            }
        }
        self.expressions_of_constraints(&create.constraints);
        if let Some(bound) = &create.partbound {
            self.partition_bound(bound);
        }
        for node in create.partspec.iter().flat_map(|spec| &spec.part_params) {
            match &node.node {
                Some(Kind::PartitionElem(element)) => self.expression_of(element.expr.as_deref()),
                _ => self.not_understood("a partition key"),
            }
        }
        self.scopes.pop();
    }

    fn table_element(&mut self, node: &'a Node) {
        match &node.node {
            Some(Kind::ColumnDef(column)) => self.column_definition(column),
            Some(Kind::Constraint(constraint)) => self.constraint(constraint),
            Some(Kind::TableLikeClause(like)) => {
                if let Some(table) = &like.relation {
                    self.touch(table, Action::Read);
                }
            }
            _ => self.not_understood("a part of a table"),
        }
    }

    fn column_definition(&mut self, column: &'a ColumnDef) {
        self.expression_of(column.raw_default.as_deref());
        self.expressions_of_constraints(&column.constraints);
    }

    pub fn expressions_of_constraints(&mut self, constraints: &'a [Node]) {
        for node in constraints {
            match &node.node {
                Some(Kind::Constraint(constraint)) => self.constraint(constraint),
                _ => self.not_understood("a constraint"),
            }
        }
    }

    /// A constraint is checked against the rows that are there, and its failure tells of them.
    pub fn constraint(&mut self, constraint: &'a Constraint) {
        self.expression_of(constraint.raw_expr.as_deref());
        self.expression_of(constraint.where_clause.as_deref());
        for name in strings(&constraint.keys).chain(strings(&constraint.fk_attrs)) {
            self.compares(name);
        }
        for node in &constraint.exclusions {
            // Each is a list of an index element and an operator.
            let Some(Kind::List(pair)) = &node.node else { continue };
            for part in &pair.items {
                match &part.node {
                    Some(Kind::IndexElem(element)) => self.index_element(element),
                    Some(Kind::List(name)) => self.operator_if_any(&name.items),
                    _ => self.not_understood("an exclusion"),
                }
            }
        }
        let Some(table) = &constraint.pktable else { return };
        let columns = {
            let relations = self.touch(table, Action::Read);
            self.columns_of(&relations)
        };
        let mut traces = Vec::new();
        for name in strings(&constraint.pk_attrs) {
            columns.find(name, &mut traces);
        }
        // Without a column it is the primary key, whichever that is.
        if constraint.pk_attrs.is_empty() {
            traces.extend(columns.traces());
        }
        self.mark(&traces, Position::Computed);
    }

    fn compares(&mut self, column: &'a str) {
        let columns = self.unqualified(column);
        self.mark_computed(&columns);
    }

    pub fn index_element(&mut self, element: &'a IndexElem) {
        if !element.name.is_empty() {
            self.compares(&element.name);
        }
        self.expression_of(element.expr.as_deref());
    }

    fn partition_bound(&mut self, bound: &'a PartitionBoundSpec) {
        for node in bound.listdatums.iter().chain(&bound.lowerdatums).chain(&bound.upperdatums) {
            match &node.node {
                Some(Kind::PartitionRangeDatum(datum)) => self.expression_of(datum.value.as_deref()),
                // MINVALUE and MAXVALUE come as column references.
                Some(Kind::ColumnRef(_)) => {}
                _ => self.expression(node),
            }
        }
    }

    pub fn alter_table(&mut self, alter: &'a AlterTableStmt) {
        let columns = self.administers_table(alter.relation.as_ref());
        let name = alter.relation.as_ref().map(|table| table.relname.as_str());
        self.scopes.push(Scope { items: vec![Item { name, columns }], ..Scope::default() });
        for node in &alter.cmds {
            match &node.node {
                Some(Kind::AlterTableCmd(command)) => {
                    self.alters_labels(command);
                    self.alter_table_by(command);
                }
                _ => self.not_understood("a change of a table"),
            }
        }
        self.scopes.pop();
    }

    /// Notes what takes values from under their labels, or tells of them by its success.
    fn alters_labels(&mut self, command: &'a AlterTableCmd) {
        match command.subtype() {
            // Each value is cast, and checked if the type is a domain; what was made of another column is now its own.
            AlterTableType::AtAlterColumnType | AlterTableType::AtDropExpression => {
                self.compares(&command.name)
            }
            // A family shares its labels, and its bounds are compared with the rows.
            AlterTableType::AtAddInherit
            | AlterTableType::AtDropInherit
            | AlterTableType::AtAttachPartition
            | AlterTableType::AtDetachPartition
            | AlterTableType::AtDetachPartitionFinalize
            | AlterTableType::AtAddOf
            | AlterTableType::AtDropOf => {
                let here = self.scopes.last().into_iter().flat_map(|scope| &scope.items);
                let columns: Vec<Columns<'a>> = here.map(|item| item.columns.clone()).collect();
                let other = match command.def.as_deref().and_then(|def| def.node.as_ref()) {
                    Some(Kind::RangeVar(parent)) => Some(parent),
                    Some(Kind::PartitionCmd(partition)) => partition.name.as_ref(),
                    _ => None,
                };
                let other = other.map(|table| {
                    let relations = self.touch(table, Action::Administer);
                    self.columns_of(&relations)
                });
                columns.iter().chain(&other).for_each(|columns| self.moves(columns));
            }
            // The rows come in its order from then on.
            AlterTableType::AtClusterOn => {
                let here = self.scopes.last().into_iter().flat_map(|scope| &scope.items);
                let columns: Vec<Columns<'a>> = here.map(|item| item.columns.clone()).collect();
                columns.iter().for_each(|columns| self.moves(columns));
            }
            _ => {}
        }
    }

    fn alter_table_by(&mut self, command: &'a AlterTableCmd) {
        let Some(kind) = command.def.as_deref().and_then(|def| def.node.as_ref()) else { return };
        if matches!(command.subtype(), AlterTableType::AtColumnDefault | AlterTableType::AtSetExpression) {
            return self.expression_of(command.def.as_deref());
        }
        match kind {
            Kind::ColumnDef(column) => self.column_definition(column),
            Kind::Constraint(constraint) => self.constraint(constraint),
            Kind::RangeVar(parent) => drop(self.administers_table(Some(parent))),
            Kind::PartitionCmd(partition) => {
                if let Some(name) = &partition.name {
                    self.administers_table(Some(name));
                }
                if let Some(bound) = &partition.bound {
                    self.partition_bound(bound);
                }
            }
            // Options, names, numbers
            Kind::List(_)
            | Kind::DefElem(_)
            | Kind::String(_)
            | Kind::Integer(_)
            | Kind::TypeName(_)
            | Kind::AtalterConstraint(_)
            | Kind::ReplicaIdentityStmt(_) => {}
            _ => self.not_understood("a change of a table"),
        }
    }

    pub fn create_index(&mut self, index: &'a IndexStmt) {
        let columns = self.administers_table(index.relation.as_ref());
        let name = index.relation.as_ref().map(|table| table.relname.as_str());
        self.scopes.push(Scope { items: vec![Item { name, columns }], ..Scope::default() });
        for node in index.index_params.iter().chain(&index.index_including_params) {
            match &node.node {
                Some(Kind::IndexElem(element)) => self.index_element(element),
                _ => self.not_understood("a part of an index"),
            }
        }
        self.expression_of(index.where_clause.as_deref());
        self.scopes.pop();
    }

    pub fn drop(&mut self, drop: &'a DropStmt) {
        let kind = drop.remove_type();
        for node in &drop.objects {
            match (kind, &node.node) {
                (
                    ObjectType::ObjectTable
                    | ObjectType::ObjectView
                    | ObjectType::ObjectMatview
                    | ObjectType::ObjectForeignTable
                    | ObjectType::ObjectSequence,
                    Some(Kind::List(name)),
                ) => self.administers_named(&name.items),
                (
                    ObjectType::ObjectTrigger | ObjectType::ObjectRule | ObjectType::ObjectPolicy,
                    Some(Kind::List(name)),
                ) => {
                    let table = name.items.split_last().map(|(_, table)| table).unwrap_or_default();
                    self.administers_named(table);
                }
                (ObjectType::ObjectSchema, Some(Kind::String(name))) => {
                    self.administers(Resource::Schema(name.sval.as_str().into()));
                }
                (_, Some(Kind::List(name))) => self.changes_in_schema(&name.items),
                (_, Some(Kind::ObjectWithArgs(function))) => self.changes_in_schema(&function.objname),
                (_, Some(Kind::TypeName(name))) => self.changes_in_schema(&name.names),
                _ => self.administers(Resource::Connection),
            }
        }
    }

    /// Notes a change of the relation whose name is a list of parts.
    pub fn administers_named(&mut self, name: &'a [Node]) {
        self.effect(Effect::Data);
        self.changes_catalog = true;
        self.reaches_definitions();
        let parts: Vec<&'a str> = strings(name).collect();
        match parts.as_slice() {
            [name] => drop(self.touch_named(None, name, Action::Administer)),
            [.., schema, name] => drop(self.touch_named(Some(schema), name, Action::Administer)),
            [] => self.not_understood("the name of a table"),
        }
    }

    /// Labels go by name, so that a new name would take a column out from under its label.
    pub fn rename_object(&mut self, rename: &'a RenameStmt) {
        match rename.rename_type() {
            ObjectType::ObjectColumn | ObjectType::ObjectAttribute => {
                let columns = self.administers_table(rename.relation.as_ref());
                let mut traces = Vec::new();
                if !columns.find(&rename.subname, &mut traces) {
                    self.mark_name(&rename.subname, Position::Computed);
                }
                self.mark(&traces, Position::Computed);
            }
            ObjectType::ObjectSchema => {
                self.administers(Resource::Schema(rename.subname.as_str().into()));
                self.moves_schema(&rename.subname);
            }
            _ if rename.relation.is_some() => {
                let columns = self.administers_table(rename.relation.as_ref());
                if rename.rename_type() != ObjectType::ObjectTabconstraint {
                    self.moves(&columns);
                }
            }
            _ => self.administers(Resource::Connection),
        }
    }

    fn moves_schema(&mut self, schema: &str) {
        let catalog = self.catalog;
        for relation in catalog.relations_of(schema) {
            self.moves(&self.columns_of(&[relation]));
        }
    }

    pub fn moves(&mut self, columns: &Columns<'a>) {
        for column in &columns.list {
            self.mark(&column.traces, Position::Computed);
        }
    }

    pub fn set_schema(&mut self, alter: &'a AlterObjectSchemaStmt) {
        self.administers(Resource::Schema(alter.newschema.as_str().into()));
        if alter.relation.is_some() {
            let columns = self.administers_table(alter.relation.as_ref());
            self.moves(&columns);
        } else {
            self.administers(Resource::Connection);
        }
    }

    pub fn grant(&mut self, grant: &'a GrantStmt) {
        for node in &grant.objects {
            match &node.node {
                Some(Kind::RangeVar(table)) => drop(self.administers_table(Some(table))),
                _ => self.administers(Resource::Connection),
            }
        }
        if grant.objects.is_empty() {
            self.administers(Resource::Connection);
        }
    }
}

/// What an object type is called in a statement.
pub(crate) fn object_words(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::ObjectTable => "table",
        ObjectType::ObjectView => "view",
        ObjectType::ObjectMatview => "materialized view",
        ObjectType::ObjectForeignTable => "foreign table",
        ObjectType::ObjectSequence => "sequence",
        ObjectType::ObjectIndex => "index",
        ObjectType::ObjectSchema => "schema",
        ObjectType::ObjectDatabase => "database",
        ObjectType::ObjectRole => "role",
        ObjectType::ObjectFunction => "function",
        ObjectType::ObjectProcedure => "procedure",
        ObjectType::ObjectRoutine => "routine",
        ObjectType::ObjectAggregate => "aggregate",
        ObjectType::ObjectType | ObjectType::ObjectAttribute => "type",
        ObjectType::ObjectDomain | ObjectType::ObjectDomconstraint => "domain",
        ObjectType::ObjectTrigger => "trigger",
        ObjectType::ObjectEventTrigger => "event trigger",
        ObjectType::ObjectRule => "rule",
        ObjectType::ObjectPolicy => "policy",
        ObjectType::ObjectExtension => "extension",
        ObjectType::ObjectColumn | ObjectType::ObjectTabconstraint => "table",
        ObjectType::ObjectOperator => "operator",
        ObjectType::ObjectCast => "cast",
        ObjectType::ObjectCollation => "collation",
        ObjectType::ObjectConversion => "conversion",
        ObjectType::ObjectPublication => "publication",
        ObjectType::ObjectSubscription => "subscription",
        ObjectType::ObjectForeignServer => "server",
        ObjectType::ObjectFdw => "foreign data wrapper",
        ObjectType::ObjectLanguage => "language",
        ObjectType::ObjectStatisticExt => "statistics",
        ObjectType::ObjectTablespace => "tablespace",
        ObjectType::ObjectLargeobject => "large object",
        ObjectType::ObjectOpclass => "operator class",
        ObjectType::ObjectOpfamily => "operator family",
        ObjectType::ObjectAccessMethod => "access method",
        ObjectType::ObjectTransform => "transform",
        ObjectType::ObjectUserMapping => "user mapping",
        ObjectType::ObjectTsconfiguration => "text search configuration",
        ObjectType::ObjectTsdictionary => "text search dictionary",
        ObjectType::ObjectTsparser => "text search parser",
        ObjectType::ObjectTstemplate => "text search template",
        ObjectType::Undefined
        | ObjectType::ObjectAmop
        | ObjectType::ObjectAmproc
        | ObjectType::ObjectDefault
        | ObjectType::ObjectDefacl
        | ObjectType::ObjectParameterAcl
        | ObjectType::ObjectPublicationNamespace
        | ObjectType::ObjectPublicationRel => "object",
    }
}
