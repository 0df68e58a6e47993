//! Expressions: whatever they mention is computed on.

use pg_query::Node;
use pg_query::protobuf::{
    AExprKind, AIndirection, BoolExprType, FuncCall, JsonAggConstructor, JsonBehavior, JsonFuncExpr,
    JsonValueExpr, SqlValueFunctionOp, SubLink, SubLinkType, WindowDef,
};

use access::Position;

use crate::lineage::Place;
use crate::reading::{Kind, Reading, strings};

impl<'a> Reading<'a> {
    pub fn expressions(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            self.expression(node);
        }
    }

    pub fn expression_of(&mut self, node: Option<&'a Node>) {
        if let Some(node) = node {
            self.expression(node);
        }
    }

    /// Reads what must be true for a row to come.
    pub fn condition(&mut self, node: Option<&'a Node>) {
        self.decides = true;
        self.expression_of(node);
        self.decides = false;
    }

    pub fn expression(&mut self, node: &'a Node) {
        let Some(kind) = &node.node else { return self.not_understood("an expression") };
        let (place, offset) = whereabouts(kind);
        self.in_answer(place, |reading| {
            reading.at_offset(offset, |reading| reading.expression_of_kind(kind))
        });
    }

    /// Reads an expression. Every kind that the grammar can give here is named; another is not understood.
    fn expression_of_kind(&mut self, kind: &'a Kind) {
        let decides = std::mem::take(&mut self.decides);
        match kind {
            // Leaves
            Kind::AConst(_)
            | Kind::ParamRef(_)
            | Kind::SetToDefault(_)
            | Kind::CurrentOfExpr(_)
            | Kind::MergeSupportFunc(_)
            | Kind::String(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Boolean(_)
            | Kind::BitString(_) => {}

            Kind::SqlvalueFunction(it) => {
                self.of_session |= it.op() == SqlValueFunctionOp::SvfopCurrentSchema;
            }

            Kind::ColumnRef(reference) => {
                let columns = self.reference(reference);
                self.mark_computed(&columns);
            }
            Kind::FuncCall(call) => self.call(call),
            Kind::SubLink(link) => self.sublink(link),
            Kind::AExpr(it) => {
                self.operator(&it.name);
                if self.guess(it) {
                    return;
                }
                self.expression_of(it.lexpr.as_deref());
                self.expression_of(it.rexpr.as_deref());
            }
            Kind::AIndirection(it) => self.indirection(it),
            Kind::AIndices(it) => {
                self.expression_of(it.lidx.as_deref());
                self.expression_of(it.uidx.as_deref());
            }

            // Those that only hold others
            Kind::BoolExpr(it) => {
                for arg in &it.args {
                    self.decides = decides && it.boolop() != BoolExprType::NotExpr;
                    self.expression(arg);
                }
            }
            Kind::TypeCast(it) => self.expression_of(it.arg.as_deref()),
            Kind::CollateClause(it) => self.expression_of(it.arg.as_deref()),
            Kind::NullTest(it) => self.is_null(it, decides),
            Kind::BooleanTest(it) => self.expression_of(it.arg.as_deref()),
            Kind::CoalesceExpr(it) => self.expressions(&it.args),
            Kind::MinMaxExpr(it) => self.expressions(&it.args),
            Kind::RowExpr(it) => self.expressions(&it.args),
            Kind::AArrayExpr(it) => self.expressions(&it.elements),
            Kind::NamedArgExpr(it) => self.expression_of(it.arg.as_deref()),
            Kind::List(it) => self.expressions(&it.items),
            Kind::ResTarget(it) => self.expression_of(it.val.as_deref()),
            Kind::GroupingFunc(it) => self.expressions(&it.args),
            Kind::WindowDef(it) => self.window(it),
            Kind::SortBy(it) => {
                self.operator_if_any(&it.use_op);
                self.expression_of(it.node.as_deref());
            }
            // The same source stands beside each of the columns that it sets.
            Kind::MultiAssignRef(it) if it.colno > 1 => {}
            Kind::MultiAssignRef(it) => self.expression_of(it.source.as_deref()),
            Kind::CaseExpr(it) => {
                self.expression_of(it.arg.as_deref());
                self.expressions(&it.args);
                self.expression_of(it.defresult.as_deref());
            }
            Kind::CaseWhen(it) => {
                self.expression_of(it.expr.as_deref());
                self.expression_of(it.result.as_deref());
            }

            Kind::XmlExpr(it) => {
                self.expressions(&it.named_args);
                self.expressions(&it.args);
            }
            Kind::XmlSerialize(it) => self.expression_of(it.expr.as_deref()),

            Kind::JsonFuncExpr(it) => self.json_function(it),
            Kind::JsonValueExpr(it) => self.json_value(Some(it)),
            Kind::JsonArgument(it) => self.json_value(it.val.as_deref()),
            Kind::JsonKeyValue(it) => {
                self.expression_of(it.key.as_deref());
                self.json_value(it.value.as_deref());
            }
            Kind::JsonObjectConstructor(it) => self.expressions(&it.exprs),
            Kind::JsonArrayConstructor(it) => self.expressions(&it.exprs),
            Kind::JsonArrayQueryConstructor(it) => {
                if let Some(query) = it.query.as_deref() {
                    let columns = self.query(query);
                    self.mark_computed(&columns);
                }
            }
            Kind::JsonObjectAgg(it) => {
                self.json_aggregate(it.constructor.as_deref());
                if let Some(pair) = it.arg.as_deref() {
                    self.expression_of(pair.key.as_deref());
                    self.json_value(pair.value.as_deref());
                }
            }
            Kind::JsonArrayAgg(it) => {
                self.json_aggregate(it.constructor.as_deref());
                self.json_value(it.arg.as_deref());
            }
            Kind::JsonParseExpr(it) => self.json_value(it.expr.as_deref()),
            Kind::JsonScalarExpr(it) => self.expression_of(it.expr.as_deref()),
            Kind::JsonSerializeExpr(it) => self.json_value(it.expr.as_deref()),
            Kind::JsonIsPredicate(it) => self.expression_of(it.expr.as_deref()),

            _ => self.not_understood("an expression"),
        }
    }

    pub fn call(&mut self, call: &'a FuncCall) {
        if self.sets_config(call) {
            return;
        }
        self.function(&call.funcname);
        if self.shows_no_more(call) {
            return self.around(call);
        }
        if let Some(column) = self.tells_text(call) {
            self.mark_column(column, Position::Computed);
        }
        self.shown_by(call);
    }

    /// Reads all of a call but its name, if what it tells of columns of PostgreSQL's own is said by that.
    pub fn shown_by(&mut self, call: &'a FuncCall) {
        if !self.shows_expression(&call.funcname) {
            return self.arguments(call);
        }
        // What it shows of a definition is what leave to call it is for.
        for arg in &call.args {
            if !self.is_shown(arg) {
                self.expression(arg);
            }
        }
        self.around(call);
    }

    /// Reads all of a call but its name.
    pub fn arguments(&mut self, call: &'a FuncCall) {
        self.expressions(&call.args);
        self.around(call);
    }

    /// Reads all of a call but its name and its arguments.
    pub fn around(&mut self, call: &'a FuncCall) {
        self.in_place(Place::OrderBy, |reading| reading.expressions(&call.agg_order));
        self.in_place(Place::Where, |reading| reading.expression_of(call.agg_filter.as_deref()));
        if let Some(window) = call.over.as_deref() {
            self.window(window);
        }
    }

    fn window(&mut self, window: &'a WindowDef) {
        self.in_place(Place::Window, |reading| {
            reading.expressions(&window.partition_clause);
            reading.expressions(&window.order_clause);
            reading.expression_of(window.start_offset.as_deref());
            reading.expression_of(window.end_offset.as_deref());
        });
    }

    fn sublink(&mut self, link: &'a SubLink) {
        self.expression_of(link.testexpr.as_deref());
        self.operator_if_any(&link.oper_name);
        let Some(query) = link.subselect.as_deref() else { return };
        let columns = self.query(query);
        // EXISTS does not look at what the rows hold.
        if link.sub_link_type() != SubLinkType::ExistsSublink {
            self.mark_computed(&columns);
        }
    }

    /// `(x).name`, `(x).*`, `x[1]`
    fn indirection(&mut self, it: &'a AIndirection) {
        if let Some(columns) = self.field_of_row(it) {
            return self.mark_computed(&columns);
        }
        self.expression_of(it.arg.as_deref());
        for step in &it.indirection {
            match &step.node {
                Some(Kind::String(name)) => {
                    self.mark_name(&name.sval, Position::Computed);
                    self.attribute(&name.sval);
                }
                Some(Kind::AIndices(_)) => self.expression(step),
                Some(Kind::AStar(_)) => {}
                _ => self.not_understood("a part of a value"),
            }
        }
    }

    pub fn operator_if_any(&mut self, name: &'a [Node]) {
        if !name.is_empty() {
            self.operator(name);
        }
    }

    pub fn json_value(&mut self, value: Option<&'a JsonValueExpr>) {
        let Some(value) = value else { return };
        self.expression_of(value.raw_expr.as_deref());
        self.expression_of(value.formatted_expr.as_deref());
    }

    pub fn json_behaviour(&mut self, behaviour: Option<&'a JsonBehavior>) {
        self.expression_of(behaviour.and_then(|behaviour| behaviour.expr.as_deref()));
    }

    fn json_function(&mut self, it: &'a JsonFuncExpr) {
        self.json_value(it.context_item.as_deref());
        self.expression_of(it.pathspec.as_deref());
        self.expressions(&it.passing);
        self.json_behaviour(it.on_empty.as_deref());
        self.json_behaviour(it.on_error.as_deref());
    }

    fn json_aggregate(&mut self, it: Option<&'a JsonAggConstructor>) {
        let Some(it) = it else { return };
        self.expression_of(it.agg_filter.as_deref());
        self.expressions(&it.agg_order);
        if let Some(window) = it.over.as_deref() {
            self.window(window);
        }
    }
}

/// What an expression is to those who are told of a column in it, and where it begins, in bytes.
fn whereabouts(kind: &Kind) -> (Place, i32) {
    match kind {
        Kind::FuncCall(it) => (Place::Function, it.location),
        Kind::TypeCast(it) => (Place::Cast, it.location),
        Kind::AExpr(it) => (Place::Operator, it.location),
        Kind::SubLink(it) => (Place::Operator, it.location),
        Kind::NullTest(it) => (Place::Operator, it.location),
        Kind::BooleanTest(it) => (Place::Operator, it.location),
        Kind::BoolExpr(it) => (Place::Operator, it.location),
        _ => (Place::Answer, -1),
    }
}

/// The name that PostgreSQL gives to an answer's column without an alias (`FigureColname`), for the common
/// kinds. `None` where it was not worked out: such a column may have any name.
pub(crate) fn figure_name(node: &Node) -> Option<&str> {
    figured(node).map(|(name, _)| name)
}

/// The name, and whether it is a good one: another gives way to the name of a type that it is cast to, or to `case`.
fn figured(node: &Node) -> Option<(&str, bool)> {
    match node.node.as_ref()? {
        // Of another name before PostgreSQL 14.
        Kind::FuncCall(call) if strings(&call.funcname).last() == Some("extract") => None,
        Kind::FuncCall(call) => Some((strings(&call.funcname).last()?, true)),
        Kind::ColumnRef(reference) => Some((strings(&reference.fields).last()?, true)),
        Kind::CollateClause(it) => figured(it.arg.as_deref()?),
        Kind::AIndirection(it) => match strings(&it.indirection).last() {
            Some(name) => Some((name, true)),
            None => figured(it.arg.as_deref()?),
        },
        Kind::TypeCast(it) => {
            let arg = it.arg.as_deref()?;
            match figured(arg) {
                Some((name, true)) => Some((name, true)),
                None if !is_nameless(arg) => None,
                Some((_, false)) | None => Some((strings(&it.type_name.as_ref()?.names).last()?, false)),
            }
        }
        Kind::CoalesceExpr(_) => Some(("coalesce", true)),
        Kind::RowExpr(_) => Some(("row", true)),
        Kind::AArrayExpr(_) => Some(("array", true)),
        Kind::CaseExpr(it) => match it.defresult.as_deref() {
            None => Some(("case", false)),
            Some(default) => match figured(default) {
                Some((name, true)) => Some((name, true)),
                None if !is_nameless(default) => None,
                Some((_, false)) | None => Some(("case", false)),
            },
        },
        _ => None,
    }
}

/// Whether it is known to be called nothing.
fn is_nameless(node: &Node) -> bool {
    match &node.node {
        Some(Kind::AConst(_) | Kind::ParamRef(_)) => true,
        Some(Kind::AExpr(it)) => it.kind() != AExprKind::AexprNullif,
        _ => false,
    }
}
