//! Expressions that stand as columns of an answer: which of them may be told redacted.
//!
//! That takes more than to hide the value. `1 / (length(pan) - 16)` fails for one value and not for another, and
//! `unnest(string_to_array(pan, '4'))` gives as many rows as the value has fours. So only what is **total** (it gives one
//! value for every value, of about its length, and takes no time that tells of it) may be derived; anything else is a
//! computation. Comparisons of rows are not total, nor is what puts something long in the place of a part of a value.

use access::{DataClass, Position};
use pg_query::Node;
use pg_query::protobuf::{
    AExpr, AExprKind, FuncCall, NullTest, NullTestType, SubLink, SubLinkType, TypeName, a_const,
};

use crate::label::Label;
use crate::lineage::Place;
use crate::member::{ITSELF, NOWHERE, Put, Step, is_name};
use crate::reading::{Kind, Reading, strings};
use crate::scope::{Columns, Trace, add};

impl<'a> Reading<'a> {
    /// Reads an expression that a column of an answer is, and gives what that is made of.
    pub fn derive(&mut self, node: &'a Node) -> Vec<Trace> {
        let Some(kind) = &node.node else {
            self.not_understood("an expression");
            return Vec::new();
        };
        match kind {
            Kind::ColumnRef(reference) => {
                let columns = self.reference(reference);
                let traces = self.derived_columns(columns);
                match reference.fields.last().map(|last| &last.node) {
                    Some(Some(Kind::String(_))) => traces,
                    // All of a row, whatever it is a part of.
                    _ => traces.into_iter().map(|trace| Trace { way: NOWHERE, ..trace }).collect(),
                }
            }
            Kind::TypeCast(it) if self.is_text(it.type_name.as_ref()) => {
                let traces = self.derive_of(it.arg.as_deref());
                let whole = it.type_name.as_ref().is_some_and(is_of_any_length);
                // Of a document a text is made, in which nothing is anywhere.
                let text = |it: Trace| Trace {
                    way: ITSELF,
                    stands: it.stands && it.way == ITSELF,
                    plain: it.plain && whole,
                    ..it
                };
                traces.into_iter().map(text).collect()
            }
            Kind::CollateClause(it) => self.derive_of(it.arg.as_deref()),
            Kind::CoalesceExpr(it) => self.derive_all(&it.args),
            Kind::RowExpr(it) => self.held_by(&it.args, &Put::Nowhere),
            Kind::AArrayExpr(it) => self.held_by(&it.elements, &Put::Under(Step::Any)),
            Kind::AIndirection(it) => match self.field_of_row(it) {
                Some(columns) => self.derived_columns(columns),
                None => {
                    self.expression(node);
                    Vec::new()
                }
            },
            Kind::AExpr(it) if it.kind() == AExprKind::AexprOp && is_concatenation(&it.name) => {
                self.concatenated(it)
            }
            Kind::AExpr(it) if it.kind() == AExprKind::AexprOp && leaves_out_members(it) => {
                self.operator(&it.name);
                // Of an array it leaves out elements, so that others move up.
                let traces = self.derive_of(it.lexpr.as_deref());
                traces.into_iter().map(|trace| Trace { way: NOWHERE, ..trace }).collect()
            }
            Kind::CaseExpr(it) => {
                self.expression_of(it.arg.as_deref());
                let mut traces = self.derive_of(it.defresult.as_deref());
                for branch in &it.args {
                    match &branch.node {
                        Some(Kind::CaseWhen(when)) => {
                            self.expression_of(when.expr.as_deref());
                            add(&mut traces, &self.derive_of(when.result.as_deref()));
                        }
                        _ => self.expression(branch),
                    }
                }
                traces
            }
            Kind::FuncCall(call) => self.derived_call(call),
            Kind::SubLink(link) if gives_values(link) => {
                let Some(query) = link.subselect.as_deref() else { return Vec::new() };
                let columns = self.query(query);
                let traces = self.derived_columns(columns);
                match link.sub_link_type() {
                    SubLinkType::ArraySublink => self.put(traces, &Put::Under(Step::Any)),
                    _ => traces,
                }
            }
            _ => {
                self.expression(node);
                Vec::new()
            }
        }
    }

    fn derived_columns(&mut self, columns: Columns<'a>) -> Vec<Trace> {
        if columns.unknown {
            self.mark_computed(&columns);
            return Vec::new();
        }
        let plain = |it: &Trace| it.plain && self.is_text_of_definition(it);
        columns.traces().map(|it| Trace { plain: plain(&it), ..it }).collect()
    }

    /// Whether it is a text in which card numbers may stand among others: whoever tells it as it stands needs no origin.
    pub fn is_text_of_definition(&self, trace: &Trace) -> bool {
        self.catalog.labelled(trace.column).is_some_and(|labelled| labelled.is_text)
    }

    /// What a call gives that tells a text of a definition as it stands.
    fn text_of(&mut self, call: &'a FuncCall) -> Option<Vec<Trace>> {
        let column = self.tells_text(call)?;
        self.function(&call.funcname);
        self.shown_by(call);
        self.names_column(column);
        Some(vec![Trace { plain: true, stands: true, ..Trace::made(column) }])
    }

    /// What a row, an array or a document is made of.
    fn held_by(&mut self, nodes: &'a [Node], put: &Put) -> Vec<Trace> {
        let traces = self.derive_all(nodes);
        self.put(traces, put)
    }

    /// What a function puts beside one another.
    fn held_by_call(&mut self, call: &'a FuncCall) -> Vec<Trace> {
        match strings(&call.funcname).last() {
            Some("to_json" | "to_jsonb" | "row_to_json") => self.held_by(&call.args, &Put::Same),
            Some("json_build_array" | "jsonb_build_array") => {
                let mut traces = Vec::new();
                for (index, arg) in call.args.iter().enumerate() {
                    let held = self.held_by(std::slice::from_ref(arg), &Put::Under(Step::Index(index)));
                    add(&mut traces, &held);
                }
                traces
            }
            Some("string_agg") => {
                let traces = self.held_by(&call.args, &Put::Same);
                traces.into_iter().map(|it| Trace { way: ITSELF, stands: false, ..it }).collect()
            }
            _ => self.held_by(&call.args, &Put::Under(Step::Any)),
        }
    }

    /// What is put under names, which may be made of nothing that is labelled.
    fn members(&mut self, call: &'a FuncCall) -> Vec<Trace> {
        let is_aggregate = strings(&call.funcname).last().is_some_and(|name| name.contains("_agg"));
        let mut traces = Vec::new();
        for pair in call.args.chunks(2) {
            let (name, value) = pair.split_at(1.min(pair.len()));
            self.in_answer(Place::Function, |reading| reading.expressions(name));
            // With another name the facts are others.
            self.literal_free = false;
            let put = match name.first().and_then(literal) {
                Some(name) if !is_aggregate && is_name(name) => Put::Under(Step::Name(name.into())),
                _ => Put::Under(Step::Any),
            };
            let held = self.held_by(value, &put);
            add(&mut traces, &held);
        }
        traces
    }

    /// What is put into `jsonb`. A document of the type `json` may break its rules, and then the statement fails.
    fn without_documents(&mut self, traces: Vec<Trace>) -> Vec<Trace> {
        let catalog = self.catalog;
        let is_document = |trace: &Trace| {
            catalog.labelled(trace.column).is_none_or(|labelled| matches!(labelled.label, Label::Json(_)))
        };
        if traces.iter().any(is_document) {
            self.mark(&traces, Position::Computed);
            return Vec::new();
        }
        traces
    }

    /// `a || b || …`
    fn concatenated(&mut self, it: &'a AExpr) -> Vec<Trace> {
        self.operator(&it.name);
        let mut traces = Vec::new();
        for side in [&it.lexpr, &it.rexpr].into_iter().filter_map(|side| side.as_deref()) {
            let inner = match &side.node {
                Some(Kind::AExpr(it)) if it.kind() == AExprKind::AexprOp && is_concatenation(&it.name) => {
                    self.concatenated(it)
                }
                _ => self.simple(side),
            };
            add(&mut traces, &inner);
        }
        traces
    }

    /// What a function is given: of labelled columns only such as stand there as they are. Of what has been made of one
    /// already something else could be made that is longer or shorter with its value, without end.
    fn simple(&mut self, node: &'a Node) -> Vec<Trace> {
        if let Some(Kind::FuncCall(call)) = &node.node
            && let Some(traces) = self.definition_of(call)
        {
            return traces;
        }
        match self.plain(node) {
            Some(traces) if traces.iter().all(|trace| trace.plain) => {
                traces.into_iter().map(|trace| Trace::made(trace.column)).collect()
            }
            _ => {
                self.in_answer(Place::Function, |reading| reading.expression(node));
                Vec::new()
            }
        }
    }

    fn simple_all(&mut self, nodes: &'a [Node]) -> Vec<Trace> {
        let mut traces = Vec::new();
        for node in nodes {
            add(&mut traces, &self.simple(node));
        }
        traces
    }

    fn derive_of(&mut self, node: Option<&'a Node>) -> Vec<Trace> {
        node.map(|node| self.derive(node)).unwrap_or_default()
    }

    fn derive_all(&mut self, nodes: &'a [Node]) -> Vec<Trace> {
        let mut traces = Vec::new();
        for node in nodes {
            add(&mut traces, &self.derive(node));
        }
        traces
    }

    fn derived_call(&mut self, call: &'a FuncCall) -> Vec<Trace> {
        if let Some(traces) = self.definition_of(call).or_else(|| self.text_of(call)) {
            return traces;
        }
        let total = self.total(call);
        if total.is_none() || self.shows_no_more(call) {
            self.in_answer(Place::Function, |reading| {
                reading.at_offset(call.location, |reading| reading.call(call));
            });
            return Vec::new();
        }
        self.function(&call.funcname);
        self.around(call);
        match total {
            Some(Total::Whole | Total::Count) | None => self.simple_all(&call.args),
            Some(Total::Holds) => self.held_by_call(call),
            Some(Total::HoldsJsonb) => {
                let traces = self.held_by_call(call);
                self.without_documents(traces)
            }
            Some(Total::Members) => self.members(call),
            Some(Total::MembersJsonb) => {
                let traces = self.members(call);
                self.without_documents(traces)
            }
            Some(Total::Subject | Total::Length | Total::Right) => {
                let (subject, others) = call.args.split_at(1.min(call.args.len()));
                self.in_answer(Place::Function, |reading| reading.expressions(others));
                self.simple_all(subject)
            }
        }
    }

    /// What a function shows that tells a whole definition: as much as the column of PostgreSQL's own that holds such.
    fn definition_of(&mut self, call: &'a FuncCall) -> Option<Vec<Trace>> {
        let column = self.shows_definition(&call.funcname)?;
        self.in_answer(Place::Function, |reading| reading.arguments(call));
        Some(vec![Trace::made(column)])
    }

    /// Whether a call shows nothing of its arguments that their masks do not show: how many there are (but of `sad`),
    /// and of a plain card number its length, or as much of its end as every profile leaves.
    pub fn shows_no_more(&mut self, call: &'a FuncCall) -> bool {
        match (self.total(call), call.args.as_slice()) {
            (Some(Total::Count), [arg]) => {
                let traces = self.plain(arg);
                traces.is_some_and(|traces| !traces.iter().any(|trace| self.is_sad(trace)))
            }
            (Some(Total::Length), [arg]) => self.is_plain_pan(arg),
            (Some(Total::Right), [arg, count]) => {
                // With another constant the facts are others.
                self.literal_free = false;
                is_last_four(count) && self.is_plain_pan(arg)
            }
            _ => false,
        }
    }

    /// In which way a call is total; `None` where it is not known to be.
    fn total(&mut self, call: &FuncCall) -> Option<Total> {
        let parts: Vec<&str> = strings(&call.funcname).collect();
        let name = match parts.as_slice() {
            // An extension's function of such a name does what its name says.
            [name] if !self.catalog.has_own_function(name) => *name,
            ["pg_catalog", name] => *name,
            _ => return None,
        };
        if call.agg_distinct || call.agg_within_group || call.func_variadic {
            return None;
        }
        // With another sign the facts are others.
        self.literal_free &= !matches!(name, "array_to_string" | "btrim" | "ltrim" | "rtrim");
        Some(match name {
            "count" => Total::Count,
            // With an encoding it fails where that is not the bytes'.
            "length" | "char_length" | "character_length" | "octet_length" if call.args.len() == 1 => {
                Total::Length
            }
            "right" => Total::Right,
            // With a pattern it would be searched for, and how long that takes tells of the value.
            "substring" if !call.args.iter().skip(1).all(is_integer) => return None,
            // What stands between the elements would be as often there as there are elements.
            "array_to_string" if !matches!(call.args.as_slice(), [_, sign] if is_short(sign)) => return None,
            // How long it is looked for such signs as there are many of tells of the value.
            "btrim" | "ltrim" | "rtrim" if !call.args.iter().skip(1).all(is_short) => return None,
            name if WHOLE.contains(&name) => Total::Whole,
            name if HOLDS.contains(&name) => Total::Holds,
            name if HOLDS_JSONB.contains(&name) => Total::HoldsJsonb,
            name if MEMBERS.contains(&name) => Total::Members,
            name if MEMBERS_JSONB.contains(&name) => Total::MembersJsonb,
            name if SUBJECT.contains(&name) => Total::Subject,
            _ => return None,
        })
    }

    /// What a plain column holds, or the text of one; `None` for anything else.
    pub fn plain(&mut self, arg: &'a Node) -> Option<Vec<Trace>> {
        let mut node = arg;
        while let Some(Kind::TypeCast(cast)) = &node.node
            && cast.type_name.as_ref().is_some_and(is_of_any_length)
            && self.is_text(cast.type_name.as_ref())
        {
            node = cast.arg.as_deref()?;
        }
        if let Some(Kind::FuncCall(call)) = &node.node {
            return self.text_of(call);
        }
        let Some(Kind::ColumnRef(reference)) = &node.node else { return None };
        if !matches!(reference.fields.last()?.node, Some(Kind::String(_))) {
            return None;
        }
        let columns = self.reference(reference);
        (columns.exact && !columns.unknown).then(|| columns.traces().collect())
    }

    /// Whether it is a type of PostgreSQL's own that every value can be cast to.
    fn is_text(&self, name: Option<&TypeName>) -> bool {
        let parts: Vec<&str> = name.iter().flat_map(|name| strings(&name.names)).collect();
        // A temporary type goes before PostgreSQL's, and so does any where the search path says so.
        let is_own = matches!(parts.as_slice(), [name] if self.doubts || self.catalog.has_own_type(name));
        is_text(name) && !is_own
    }

    fn is_plain_pan(&mut self, arg: &'a Node) -> bool {
        let traces = self.plain(arg);
        let is_pan = |trace: &Trace| trace.plain && self.classes(trace) == [DataClass::Pan];
        traces.is_some_and(|traces| traces.iter().all(is_pan))
    }

    /// Whether it is a plain column of PostgreSQL's own of which expressions are shown, and nothing else.
    pub fn is_shown(&mut self, arg: &'a Node) -> bool {
        if !matches!(arg.node, Some(Kind::ColumnRef(_))) {
            return false;
        }
        let traces = self.plain(arg).unwrap_or_default();
        let shown = |trace: &Trace| trace.plain && self.catalog.is_shown(trace.column);
        !traces.is_empty() && traces.iter().all(shown)
    }

    fn is_sad(&self, trace: &Trace) -> bool {
        self.classes(trace).contains(&DataClass::Sad)
    }

    fn classes(&self, trace: &Trace) -> &'a [DataClass] {
        let catalog = self.catalog;
        catalog.labelled(trace.column).map(|labelled| labelled.classes.as_slice()).unwrap_or_default()
    }

    /// Notes that a value is asked for being there at all, which every mask shows, but of `sad`.
    /// `decides` says that a row comes only if that is so; if it is not there, there is no order in which to come.
    pub fn is_null(&mut self, test: &'a NullTest, decides: bool) {
        let harmless = decides && test.nulltesttype() == NullTestType::IsNull;
        let arg = test.arg.as_deref();
        match arg.and_then(|arg| self.plain(arg)) {
            Some(traces) if !traces.iter().any(|trace| self.is_sad(trace)) => {
                let orders = |it: &Trace| self.catalog.orders_what_is_there(it.column);
                if !harmless && !self.unordered && !self.is_only_told() && traces.iter().any(orders) {
                    self.mark(&traces, Position::Computed);
                }
            }
            _ => self.expression_of(arg),
        }
    }

    /// Whether what is read is told in the answer, and cannot decide which rows there are.
    fn is_only_told(&self) -> bool {
        self.spot.place.is_in_answer() && self.scopes.len() == 1 && !self.defines
    }
}

/// Which arguments of a total function may be sensitive.
#[derive(Debug, Clone, Copy)]
enum Total {
    /// All of them.
    Whole,
    /// All of them, which may have been made of others: they are put into an array or a document as they are.
    Holds,
    /// The same by the rules of `jsonb`.
    HoldsJsonb,
    /// Every second, as the last but one: the values, and not their names.
    Members,
    /// The same by the rules of `jsonb`.
    MembersJsonb,
    /// The first.
    Subject,
    /// All; the result shows nothing of them but whether they are there.
    Count,
    /// The first; of a card number the result shows nothing that its mask does not.
    Length,
    /// The first; the same where no more than four characters are taken.
    Right,
}

/// Functions that are total in all arguments, and whose result is not much longer than these. `min` and `max` of a column
/// that stands there as it is give one of its values.
const WHOLE: &[&str] = &[
    "any_value",
    "avg",
    "concat",
    "concat_ws",
    "first_value",
    "initcap",
    "last_value",
    "lower",
    "max",
    "md5",
    "min",
    "reverse",
    "sum",
    "upper",
];

/// Functions that put values beside one another. (Arrays of different lengths do not go into one array: that their
/// lengths differ is all that `array_agg` tells of such.)
const HOLDS: &[&str] =
    &["array_agg", "json_agg", "json_agg_strict", "json_build_array", "row_to_json", "string_agg", "to_json"];

/// The same, by the rules of `jsonb`, which some documents of the type `json` break.
const HOLDS_JSONB: &[&str] = &["jsonb_agg", "jsonb_agg_strict", "jsonb_build_array", "to_jsonb"];

/// Functions that put values under names. A name may not be NULL.
const MEMBERS: &[&str] = &["json_build_object", "json_object_agg", "json_object_agg_strict"];
const MEMBERS_JSONB: &[&str] = &["jsonb_build_object", "jsonb_object_agg", "jsonb_object_agg_strict"];

/// Functions that are total in the first, whatever the others are.
const SUBJECT: &[&str] = &[
    "array_to_string",
    "btrim",
    "lag",
    "lead",
    "left",
    "lpad",
    "ltrim",
    "nth_value",
    "overlay",
    "rpad",
    "rtrim",
    "substr",
    "substring",
];

/// Whether every value can be cast to it, if it is PostgreSQL's own.
fn is_text(name: Option<&TypeName>) -> bool {
    let Some(name) = name else { return false };
    let parts: Vec<&str> = strings(&name.names).collect();
    name.array_bounds.is_empty()
        && !name.setof
        && matches!(
            parts.as_slice(),
            ["text" | "varchar" | "bpchar"] | ["pg_catalog", "text" | "varchar" | "bpchar"]
        )
}

/// Whether a type keeps a text as it is: `varchar(6)` cuts it off, so that what is there is no more the column's value.
fn is_of_any_length(name: &TypeName) -> bool {
    name.typmods.is_empty()
}

fn is_concatenation(operator: &[Node]) -> bool {
    let parts: Vec<&str> = strings(operator).collect();
    parts == ["||"]
}

/// Whether a number of characters is a constant that every mask leaves at a card number's end.
fn is_last_four(count: &Node) -> bool {
    let Some(Kind::AConst(count)) = &count.node else { return false };
    matches!(&count.val, Some(a_const::Val::Ival(number)) if (0..=4).contains(&number.ival))
}

/// The text that a literal is.
fn literal(node: &Node) -> Option<&str> {
    match &node.node {
        Some(Kind::AConst(it)) => match &it.val {
            Some(a_const::Val::Sval(text)) => Some(&text.sval),
            _ => None,
        },
        Some(Kind::TypeCast(cast)) if is_text(cast.type_name.as_ref()) => literal(cast.arg.as_deref()?),
        _ => None,
    }
}

/// Whether it is a text of so few signs that how often it is there hardly tells.
fn is_short(node: &Node) -> bool {
    literal(node).is_some_and(|text| text.len() <= 2)
}

/// `to_jsonb(t) - 'name' - …`: a document of a row without some of its members.
fn leaves_out_members(it: &AExpr) -> bool {
    let parts: Vec<&str> = strings(&it.name).collect();
    let is_name = matches!(it.rexpr.as_deref().map(|node| &node.node), Some(Some(Kind::AConst(name)))
        if matches!(name.val, Some(a_const::Val::Sval(_))));
    parts == ["-"]
        && is_name
        && match it.lexpr.as_deref().and_then(|node| node.node.as_ref()) {
            Some(Kind::FuncCall(call)) => strings(&call.funcname).last() == Some("to_jsonb"),
            Some(Kind::AExpr(it)) => leaves_out_members(it),
            _ => false,
        }
}

fn is_integer(node: &Node) -> bool {
    matches!(&node.node, Some(Kind::AConst(it)) if matches!(it.val, Some(a_const::Val::Ival(_))))
}

/// Whether a subquery stands for the values that it gives.
fn gives_values(link: &SubLink) -> bool {
    matches!(link.sub_link_type(), SubLinkType::ExprSublink | SubLinkType::ArraySublink)
}
