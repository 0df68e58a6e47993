//! The rows that a snapshot is made of, as [`Catalog::QUERY`](super::Catalog::QUERY) gives them.

use super::reach::{Body, Cascades, Fires, Looks};
use super::{Compares, Kind};

pub(super) struct ViewLink {
    pub view: u32,
    pub relation: u32,
    pub column: ViewColumn,
}

pub(super) enum ViewColumn {
    None,
    One(i16),
    All,
}

/// A column that a constraint or an index is over.
pub(super) struct Member {
    pub relation: u32,
    pub number: i16,
    /// The oid of the index, or of the constraint.
    pub constraint: u32,
    pub compares: Compares,
}

pub(super) struct ColumnRow<'a> {
    pub relation: u32,
    pub number: i16,
    pub row_of: u32,
    pub name: &'a str,
    pub has_default: bool,
}

/// A column by which an index orders rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ordered {
    pub relation: u32,
    pub number: i16,
    /// The oid of the index.
    pub index: u32,
    pub by: OrderedBy,
}

/// Where in an index a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderedBy {
    /// First, and it has a value in every row: only who looks for its values finds rows by it.
    First,
    /// First, and it may be NULL: who looks for rows that have a value finds them in its order.
    Nullable,
    /// Behind others, or in an index of some rows: who looks for those finds them in its order.
    Behind,
}

/// One row of the answer to [`Catalog::QUERY`].
pub(super) enum Row<'a> {
    Server { version: u32 },
    Schema { name: &'a str },
    Relation { oid: u32, kind: Kind, schema: &'a str, name: &'a str },
    Column(ColumnRow<'a>),
    View(ViewLink),
    Definition { view: u32, text: &'a str },
    Calls { view: u32, extension: bool, schema: &'a str, name: &'a str },
    Generated { relation: u32, number: i16, from: i16 },
    Constraint(Member),
    References([(u32, i16); 2]),
    Inherits { child: u32, parent: u32 },
    Function { extension: bool, name: &'a str },
    Operator { extension: bool, name: &'a str, function: u32 },
    Type { name: &'a str },
    Text { place: &'a str },
    Ordered(Ordered),
    Fires(Fires<'a>),
    Cascades(Cascades<'a>),
    Looks(Looks<'a>),
    Body(Body<'a>),
}

impl<'a> Row<'a> {
    pub fn read(row: &[Option<&'a str>]) -> Result<Self, &'static str> {
        let &[Some(what), first, second, third, fourth, fifth] = row else {
            return Err("it needs six columns, the first not NULL");
        };
        let name = |field: Option<&'a str>| field.ok_or("a name is NULL");
        Ok(match what {
            "server" => Self::Server { version: number(first)? },
            "schema" => Self::Schema { name: name(fourth)? },
            "relation" => Self::Relation {
                oid: number(first)?,
                kind: if matches!(name(third)?, "v" | "m") { Kind::View } else { Kind::Other },
                schema: name(fourth)?,
                name: name(fifth)?,
            },
            "column" => Self::Column(ColumnRow {
                relation: number(first)?,
                number: number(second)?,
                row_of: number(third)?,
                name: name(fourth)?,
                has_default: fifth.is_some(),
            }),
            "view" => Self::View(ViewLink {
                view: number(first)?,
                relation: number(second)?,
                column: match number::<i16>(third)? {
                    0 => ViewColumn::None,
                    number @ 1.. => ViewColumn::One(number),
                    _ => ViewColumn::All,
                },
            }),
            "definition" => Self::Definition { view: number(first)?, text: fourth.unwrap_or_default() },
            "calls" => Self::Calls {
                view: number(first)?,
                extension: second.is_some(),
                schema: name(fourth)?,
                name: name(fifth)?,
            },
            "generated" => {
                Self::Generated { relation: number(first)?, number: number(second)?, from: number(third)? }
            }
            "constraint" => Self::Constraint(Member {
                relation: number(first)?,
                number: number(second)?,
                constraint: number(third)?,
                compares: match name(fourth)? {
                    "equal" => Compares::Equal,
                    "other" => Compares::Other,
                    "itself" => Compares::Itself,
                    _ => return Err("a constraint is of no known sort"),
                },
            }),
            "references" => {
                Self::References([(number(first)?, number(second)?), (number(third)?, number(fourth)?)])
            }
            "inherits" => Self::Inherits { child: number(first)?, parent: number(second)? },
            "function" => Self::Function { extension: second.is_some(), name: name(fifth)? },
            "operator" => Self::Operator {
                extension: second.is_some(),
                name: name(fifth)?,
                function: first.map_or(Ok(0), |_| number(first))?,
            },
            "type" => Self::Type { name: name(fifth)? },
            "text" => Self::Text { place: name(first)? },
            "ordered" => Self::Ordered(Ordered {
                relation: number(first)?,
                number: number(second)?,
                index: number(third)?,
                by: match name(fourth)? {
                    "first" => OrderedBy::First,
                    "nullable" => OrderedBy::Nullable,
                    "behind" => OrderedBy::Behind,
                    _ => return Err("an index orders in no known way"),
                },
            }),
            "fires" => Self::Fires(Fires {
                relation: number(first)?,
                function: number(second)?,
                extension: third.is_some(),
                events: fourth.unwrap_or_default(),
                name: name(fifth)?,
            }),
            "cascades" => Self::Cascades(Cascades {
                relation: number(first)?,
                other: number(second)?,
                events: name(fourth)?,
                there: name(fifth)?,
            }),
            "looks" => Self::Looks(Looks {
                relation: number(first)?,
                other: number(second)?,
                column: number(third)?,
                events: name(fourth)?,
            }),
            "body" => Self::Body(Body {
                function: number(first)?,
                language: name(third)?,
                text: fourth.unwrap_or_default(),
                name: name(fifth)?,
            }),
            _ => return Err("it is of no known sort"),
        })
    }
}

fn number<T: std::str::FromStr>(field: Option<&str>) -> Result<T, &'static str> {
    field.and_then(|text| text.parse().ok()).ok_or("a number is missing or out of range")
}
