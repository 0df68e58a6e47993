//! Comparisons of labelled columns with values that the command holds: each is a guess, and what comes of it depends on
//! the column by that guess alone. How many there are is counted; policy says how many are too many.
//!
//! A guess is also made where nothing is compared in words: a row that is written fails by a unique index or a foreign
//! key if a value is there already, or is not.

use access::{DataClass, Match, Position};
use pg_query::Node;
use pg_query::protobuf::{AExpr, AExprKind, SelectStmt, TypeName};

use crate::catalog::{Compares, Label, LabelledId, Relation};
use crate::lineage::Place;
use crate::reading::{Kind, Reading, strings};

/// How many values a column is given by a statement, if they are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// So many, which are literals or parameters, or one for each row that the text spells out.
    Own(u32),
    /// As many as there are rows somewhere.
    Unbounded,
}

/// Rows that are new.
#[derive(Debug, Clone, Copy)]
pub(crate) struct New<'n, 'a> {
    /// Where they may go.
    pub relations: &'n [&'a Relation],
    /// The columns that they are given; `None` for all.
    pub given: Option<&'n [&'n str]>,
    /// How many.
    pub values: Values,
}

impl New<'_, '_> {
    fn gives(&self, name: &str) -> bool {
        self.given.is_none_or(|given| given.contains(&name))
    }
}

impl<'a> Reading<'a> {
    /// Reads `column = $1` or `column IN ($1, …)` as so many guesses at a labelled column; `false` for anything else,
    /// which is not read yet.
    pub fn guess(&mut self, it: &'a AExpr) -> bool {
        if !is_equality(it) || self.catalog.has_own_operator("=") {
            return false;
        }
        let (Some(left), Some(right)) = (it.lexpr.as_deref(), it.rexpr.as_deref()) else { return false };
        let guessed = match (it.kind(), &right.node) {
            (AExprKind::AexprIn, Some(Kind::List(list))) if list.items.iter().all(is_own) => {
                Some((left, u32::try_from(list.items.len()).unwrap_or(u32::MAX)))
            }
            (AExprKind::AexprIn, _) => None,
            _ if is_own(right) => Some((left, 1)),
            _ if is_own(left) => Some((right, 1)),
            _ => None,
        };
        let Some((side, values)) = guessed else { return false };
        // A value is at one place in every text of a shape, whatever it is.
        match self.plain(side).as_deref() {
            Some([trace]) if trace.plain && self.can_be_guessed(trace.column) => {
                self.at_offset(location(side), |reading| reading.matches(trace.column, values));
                true
            }
            _ => false,
        }
    }

    fn can_be_guessed(&self, column: LabelledId) -> bool {
        let labelled = self.catalog.labelled(column);
        labelled.is_some_and(|it| matches!(&it.label, Label::Class(class) if *class != DataClass::Sad))
    }

    /// Notes that a column is compared with `values` values of the command's own.
    fn matches(&mut self, column: LabelledId, values: u32) {
        self.mark_column(column, Position::Matched);
        let catalog = self.catalog;
        let Some(labelled) = catalog.labelled(column) else { return };
        for class in &labelled.classes {
            let (column, values_of) = (labelled.name.clone(), labelled.values_of.clone());
            let it = Match { column, class: class.clone(), values, values_of };
            Match::add(&mut self.facts.matches, &it);
        }
    }

    /// Notes what new rows tell by failing.
    pub fn inserts(&mut self, new: New<'_, 'a>) {
        let constraints = new.relations.iter().flat_map(|relation| &relation.constraints);
        for constraint in constraints.filter(|it| it.compares != Compares::Itself) {
            for name in &constraint.columns {
                let is_filled = constraint.compares != Compares::Order && self.is_filled(new, name);
                if new.gives(name) || is_filled {
                    self.tells(new.relations, name, constraint.compares, new.values);
                }
            }
        }
    }

    /// Whether a column may have a value of which the statement says nothing: whatever its default is, which may be another in
    /// each row.
    fn is_filled(&self, new: New<'_, 'a>, name: &str) -> bool {
        let columns = new.relations.iter().flat_map(|relation| &relation.columns);
        columns.into_iter().any(|column| *column.name == *name && (column.has_default || self.doubts))
    }

    /// Whether what a new row tells by a column of a unique index was counted by [`Self::inserts`].
    pub fn is_counted(&self, new: New<'_, 'a>, name: &str) -> bool {
        let counted = |relation: &&Relation| {
            let mut over = relation.constraints.iter().filter(|it| it.columns.iter().any(|on| **on == *name));
            over.all(|it| it.compares != Compares::Other)
                && relation.columns.iter().filter(|column| *column.name == *name).all(|column| {
                    column.made_of.is_empty() && column.label.is_none_or(|id| self.can_be_guessed(id))
                })
        };
        matches!(new.values, Values::Own(_)) && new.gives(name) && new.relations.iter().all(counted)
    }

    /// Notes what a changed row tells by failing: its columns `given` are compared with others of the row and of
    /// other rows.
    pub fn updates(&mut self, relations: &[&'a Relation], given: &[(&str, Values)]) {
        for constraint in relations.iter().flat_map(|relation| &relation.constraints) {
            let new = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, values)| *values);
            if !constraint.columns.iter().any(|name| new(name).is_some()) {
                continue;
            }
            for name in &constraint.columns {
                match new(name) {
                    Some(_) if constraint.compares == Compares::Itself => {}
                    Some(values) => self.tells(relations, name, constraint.compares, values),
                    // Where among the others it comes, its value has said before.
                    None if constraint.compares == Compares::Order => {}
                    // What the row holds is compared with what is new.
                    None => self.tells(relations, name, Compares::Other, Values::Unbounded),
                }
            }
        }
    }

    fn tells(&mut self, relations: &[&'a Relation], name: &str, compares: Compares, values: Values) {
        for column in relations.iter().flat_map(|it| &it.columns).filter(|column| *column.name == *name) {
            for &id in column.label.iter().chain(&column.made_of) {
                match (values, compares) {
                    (Values::Own(values), Compares::Equal)
                        if column.label == Some(id) && self.can_be_guessed(id) =>
                    {
                        self.matches(id, values);
                    }
                    (_, Compares::Order) => {
                        self.in_place(Place::Order, |reading| reading.mark_column(id, Position::Computed));
                    }
                    _ => self.mark_column(id, Position::Computed),
                }
            }
        }
    }

    /// How many values an INSERT gives each column.
    pub fn values_inserted(&self, source: Option<&'a Node>) -> Values {
        let Some(Kind::SelectStmt(select)) = source.and_then(|source| source.node.as_ref()) else {
            // `DEFAULT VALUES`
            return Values::Own(1);
        };
        match select.values_lists.len() {
            0 if is_one_row(select) => Values::Own(1),
            0 => Values::Unbounded,
            // Unlike in many, in a single one a function may give many rows.
            1 if !select.values_lists.iter().all(is_one_value) => Values::Unbounded,
            rows => Values::Own(u32::try_from(rows).unwrap_or(u32::MAX)),
        }
    }
}

/// How many values an UPDATE gives a column, of what kind ever many rows it changes.
pub(crate) fn values_set(value: Option<&Node>) -> Values {
    match value {
        // A default may be another in each row.
        Some(value) if is_own(value) && !matches!(value.node, Some(Kind::SetToDefault(_))) => Values::Own(1),
        _ => Values::Unbounded,
    }
}

/// The names that a list of targets gives values to.
pub(crate) fn named_targets(targets: &[Node]) -> impl Iterator<Item = (&str, Values)> {
    targets.iter().filter_map(|target| match &target.node {
        Some(Kind::ResTarget(target)) => Some((target.name.as_str(), values_set(target.val.as_deref()))),
        _ => None,
    })
}

/// Where a column is named.
fn location(node: &Node) -> i32 {
    match &node.node {
        Some(Kind::ColumnRef(reference)) => reference.location,
        Some(Kind::TypeCast(cast)) => cast.arg.as_deref().map_or(-1, location),
        _ => -1,
    }
}

fn is_equality(it: &AExpr) -> bool {
    let parts: Vec<&str> = strings(&it.name).collect();
    let kind = it.kind();
    matches!(parts.as_slice(), ["="] | ["pg_catalog", "="])
        && matches!(
            kind,
            AExprKind::AexprOp | AExprKind::AexprIn | AExprKind::AexprDistinct | AExprKind::AexprNotDistinct
        )
}

/// Whether it is a value that the command holds: a literal or a parameter, as it stands or cast to a type that keeps it.
fn is_own(node: &Node) -> bool {
    match &node.node {
        Some(Kind::AConst(_) | Kind::ParamRef(_) | Kind::SetToDefault(_)) => true,
        Some(Kind::TypeCast(cast)) => {
            cast.type_name.as_ref().is_some_and(keeps) && cast.arg.as_deref().is_some_and(is_own)
        }
        _ => false,
    }
}

/// Whether it is surely one value, or a list of such, and not as many rows as a function in it gives.
fn is_one_value(node: &Node) -> bool {
    let all = |nodes: &[Node]| nodes.iter().all(is_one_value);
    let either = |node: &Option<Box<Node>>| node.as_deref().is_none_or(is_one_value);
    match &node.node {
        Some(
            Kind::AConst(_)
            | Kind::ParamRef(_)
            | Kind::SetToDefault(_)
            | Kind::SqlvalueFunction(_)
            | Kind::ColumnRef(_)
            | Kind::SubLink(_),
        ) => true,
        Some(Kind::List(it)) => all(&it.items),
        Some(Kind::TypeCast(it)) => either(&it.arg),
        Some(Kind::AArrayExpr(it)) => all(&it.elements),
        Some(Kind::RowExpr(it)) => all(&it.args),
        Some(Kind::CoalesceExpr(it)) => all(&it.args),
        Some(Kind::MinMaxExpr(it)) => all(&it.args),
        Some(Kind::AExpr(it)) => either(&it.lexpr) && either(&it.rexpr),
        Some(Kind::FuncCall(it)) => {
            let name = strings(&it.funcname).last().unwrap_or_default();
            GIVE_ONE.contains(&name) && all(&it.args)
        }
        _ => false,
    }
}

/// Functions that clients have in the rows that they insert, of which none gives several rows.
const GIVE_ONE: &[&str] = &[
    "btrim",
    "clock_timestamp",
    "concat",
    "currval",
    "date_trunc",
    "decode",
    "encode",
    "format",
    "gen_random_uuid",
    "json_build_object",
    "jsonb_build_object",
    "lastval",
    "left",
    "lower",
    "lpad",
    "ltrim",
    "make_interval",
    "md5",
    "nextval",
    "now",
    "random",
    "replace",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sha256",
    "statement_timestamp",
    "substring",
    "timezone",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_timestamp",
    "transaction_timestamp",
    "upper",
    "uuid_generate_v4",
];

pub(crate) fn keeps(name: &TypeName) -> bool {
    let parts: Vec<&str> = strings(&name.names).collect();
    let ([of] | ["pg_catalog", of]) = parts.as_slice() else { return false };
    name.array_bounds.is_empty()
        && !name.setof
        && matches!(*of, "text" | "varchar" | "bpchar" | "int2" | "int4" | "int8" | "numeric")
}

/// `SELECT $1, 'x'`, with a WHERE or without
fn is_one_row(select: &SelectStmt) -> bool {
    let own = |target: &Node| match &target.node {
        Some(Kind::ResTarget(target)) => target.val.as_deref().is_some_and(is_own),
        _ => false,
    };
    select.from_clause.is_empty()
        && select.larg.is_none()
        && select.with_clause.is_none()
        && select.target_list.iter().all(own)
}
