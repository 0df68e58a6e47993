//! Where in a text labelled columns are: for whoever is refused and wants to know why, and for whoever
//! explains.
//!
//! Facts hold no places, so that they serve every text of one shape. What is told of places comes from
//! reading one text again, which nobody waits for but who was refused.

use std::sync::Arc;

use access::{DataClass, Position};

use crate::analysis::parse;
use crate::catalog::{Catalog, Labelled, LabelledId};
use crate::copy::copy_out;
use crate::label::Label;
use crate::reading::{LISTED_MAX, Reading};

/// Where labelled columns are in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Where they are computed on, in the order of the text. Of 1,000 at most.
    pub mentions: Vec<Mention>,
    /// The columns of answers that they are given in, as far as their places are known; in the order of the
    /// statements. Of 1,000 at most.
    pub given: Vec<Given>,
}

/// One use of a labelled column for which one must be allowed to `reveal` it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// `schema.table.column`.
    pub column: Box<str>,
    /// The class of all its values; `None` of documents that hold some.
    pub class: Option<DataClass>,
    /// Where it is named, or begins what is made of it, in bytes. `None` if the grammar does not tell.
    pub offset: Option<usize>,
    /// What it is used for.
    pub place: Place,
}

/// That a column of an answer is a labelled column, or is made of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which statement of the text, from 0.
    pub statement: u32,
    /// Which column of its answer, from 0.
    pub index: u32,
    /// `schema.table.column`.
    pub column: Box<str>,
    /// What it holds.
    pub classes: Vec<DataClass>,
    /// [`Position::Output`] or [`Position::Derived`].
    pub position: Position,
}

/// What a column is used for where no mask reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// Something that is made of it and whose place in the answer is not known, or of `sad`.
    #[default]
    Answer,
    /// A cast that fails for some values.
    Cast,
    /// A function that fails for some values, or is not known to be harmless.
    Function,
    /// An operator or a comparison.
    Operator,
    /// All of a row, taken as one value.
    Row,
    /// `WHERE`, `FILTER`.
    Where,
    /// `HAVING`.
    Having,
    /// `ON`, `USING`, `NATURAL`.
    Join,
    /// `ORDER BY`.
    OrderBy,
    /// `GROUP BY`.
    GroupBy,
    /// `DISTINCT`.
    Distinct,
    /// `UNION`, `INTERSECT`, `EXCEPT`.
    SetOperation,
    /// `OVER`, `WINDOW`.
    Window,
    /// `ON CONFLICT`.
    Conflict,
    /// An index or constraint by which a row that is written may fail.
    Constraint,
    /// An index that gives rows the order of what is written.
    Order,
    /// Put where no label is, or made into a new value.
    Copied,
    /// `COPY … TO` beside other statements, or with options that are not known.
    Copy,
    /// A view that computes on it.
    View,
    /// A change of what exists.
    Definition,
}

/// Reads `sql` again for where labelled columns are in it. Of a text that does not parse that is nowhere.
pub fn lineage(sql: &str, catalog: &Catalog) -> Lineage {
    let Ok(tree) = parse(sql) else { return Lineage::default() };
    let mut reading = Reading::new(catalog);
    reading.lineage = Some(Lineage::default());
    reading.copy = copy_out(sql, &tree).map(Arc::new);
    reading.statements(&tree);
    let mut lineage = reading.lineage.unwrap_or_default();
    lineage.mentions.retain(|mention| mention.offset.is_none_or(|offset| sql.is_char_boundary(offset)));
    lineage.mentions.sort_by_key(|mention| mention.offset.unwrap_or(usize::MAX));
    lineage
}

/// The first place in `sql` where one of `columns` (`schema.table.column`) is computed on.
pub fn locate(sql: &str, catalog: &Catalog, columns: &[Box<str>]) -> Option<Mention> {
    let mentions = lineage(sql, catalog).mentions;
    mentions.into_iter().find(|mention| columns.contains(&mention.column))
}

impl Mention {
    /// Where it is in `sql`, which it was found in, as PostgreSQL counts: in characters, from 1.
    pub fn character(&self, sql: &str) -> Option<usize> {
        let before = sql.get(..self.offset?)?;
        Some(before.chars().count() + 1)
    }

    /// What to write instead, in one sentence without a full stop.
    pub fn instead(&self) -> String {
        let column = &self.column;
        if self.class == Some(DataClass::Sad) {
            return format!("leave {column} out: whoever asks, nothing is told of it but NULL");
        }
        let mut text = match self.place {
            Place::Answer => format!("select {column} plainly, and make nothing of it"),
            Place::Cast => {
                format!("leave the cast of {column} out, or cast to text, which takes every value")
            }
            Place::Function => format!(
                "select {column} plainly, or by a function that takes every value alike, such as left, substr, upper, concat, coalesce, min or max"
            ),
            Place::Operator => {
                format!("select {column} plainly, and compare and compute with what you hold outside")
            }
            Place::Row => format!("name the columns one by one, not the whole row, which holds {column}"),
            Place::Where => format!(
                "choose rows by another column, select {column} plainly, and compare with what you hold outside"
            ),
            Place::Having => format!("leave {column} out of HAVING, and compare with what you hold outside"),
            Place::Join => format!("join by another column than {column}, such as an id"),
            Place::OrderBy => format!("order by another column than {column}"),
            Place::GroupBy => format!("group by another column than {column}"),
            Place::Distinct => format!("leave DISTINCT out, or {column} out of what is selected"),
            Place::SetOperation => {
                format!("write UNION ALL, which does not compare {column}, or two queries")
            }
            Place::Window => format!("partition and order the window by other columns than {column}"),
            Place::Conflict => format!("name another unique column than {column} in ON CONFLICT"),
            Place::Constraint => format!(
                "leave {column} and what stands with it in a unique index, foreign key or check as it is, or write one row at a time"
            ),
            Place::Order => format!(
                "leave {column} as it is, or ask a person who may see it to write it: an index would tell where among the others a value comes"
            ),
            Place::Copied => format!("leave {column} out of what is copied or computed into a new value"),
            Place::Copy => format!(
                "send the COPY as a command of its own, with known options, which is masked, or leave {column} out of it"
            ),
            Place::View => format!("select from the tables under the view, {column} plainly"),
            Place::Definition => format!("leave {column} out of the change, or ask a person to make it"),
        };
        if self.class == Some(DataClass::Pan) && self.place.compares() {
            let name = column.rsplit('.').next().unwrap_or(column);
            text.push_str("; the last four digits may be used anywhere: right(");
            text.push_str(name);
            text.push_str(", 4)");
        }
        text
    }
}

impl Place {
    /// What a column there is used for, after "it is used".
    pub fn words(self) -> &'static str {
        match self {
            Self::Answer => "in what no mask reaches",
            Self::Cast => "in a cast that fails for some values",
            Self::Function => "in a function that no mask goes with",
            Self::Operator => "in a comparison or computation",
            Self::Row => "as a part of a whole row",
            Self::Where => "in a condition on rows (WHERE)",
            Self::Having => "in a condition on groups (HAVING)",
            Self::Join => "to join by",
            Self::OrderBy => "to order by",
            Self::GroupBy => "to group by",
            Self::Distinct => "in a DISTINCT, which compares it",
            Self::SetOperation => "in a UNION, INTERSECT or EXCEPT, which compares it",
            Self::Window => "in a window",
            Self::Conflict => "in ON CONFLICT, which compares it",
            Self::Constraint => "by an index or constraint that compares it with what is written",
            Self::Order => "by an index in whose order rows come back",
            Self::Copied => "to make a value that is kept",
            Self::Copy => "in a COPY, which no mask reaches",
            Self::View => "by a view that computes on it",
            Self::Definition => "in a change of what exists",
        }
    }

    /// Whether equality or order would be enough there.
    fn compares(self) -> bool {
        matches!(
            self,
            Self::Operator | Self::Where | Self::Having | Self::Join | Self::OrderBy | Self::GroupBy
        )
    }

    /// Whether it is within a column of the answer, where what stands around the column decides.
    pub(crate) fn is_in_answer(self) -> bool {
        matches!(self, Self::Answer | Self::Cast | Self::Function | Self::Operator)
    }
}

/// What is being read: from where in the text, and to which end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spot {
    pub offset: Option<usize>,
    pub place: Place,
}

impl<'a> Reading<'a> {
    /// Reads what stands at `offset`; negative, where the grammar does not say.
    pub fn at_offset<T>(&mut self, offset: i32, read: impl FnOnce(&mut Self) -> T) -> T {
        self.at_column(usize::try_from(offset).ok(), read)
    }

    /// Reads what stands at `offset`, if that is known.
    pub fn at_column<T>(&mut self, offset: Option<usize>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.on(Spot { offset: offset.or(self.spot.offset), ..self.spot }, read)
    }

    /// Reads a clause.
    pub fn in_place<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        self.on(Spot { place, ..self.spot }, read)
    }

    /// Reads an expression. In a column of the answer the outermost that is not total decides; in a clause
    /// the clause does.
    pub fn in_answer<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        let place = if self.spot.place == Place::Answer { place } else { self.spot.place };
        self.in_place(place, read)
    }

    /// Reads a whole row, which is what is wrong with whatever takes it.
    pub fn at_row(&mut self, read: impl FnOnce(&mut Self)) {
        let place = if self.spot.place.is_in_answer() { Place::Row } else { self.spot.place };
        self.in_place(place, read);
    }

    fn on<T>(&mut self, spot: Spot, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.spot, spot);
        let it = read(self);
        self.spot = outer;
        it
    }

    /// Notes that a column is computed on here.
    pub fn mentions(&mut self, labelled: &Labelled) {
        let Spot { offset, place } = self.spot;
        let Some(lineage) = &mut self.lineage else { return };
        let is_same = |known: &Mention| known.offset == offset && known.column == labelled.name;
        if lineage.mentions.len() < LISTED_MAX && !lineage.mentions.iter().any(is_same) {
            let column = labelled.name.clone();
            let class = match &labelled.label {
                Label::Class(class) => Some(class.clone()),
                Label::Json(_) => None,
            };
            lineage.mentions.push(Mention { column, class, offset, place });
        }
    }

    /// Notes that a column of the answer holds a labelled one, or is made of it.
    pub fn gives(&mut self, index: u32, column: LabelledId, position: Position) {
        let (catalog, statement) = (self.catalog, self.at);
        let (Some(lineage), Some(labelled)) = (&mut self.lineage, catalog.labelled(column)) else { return };
        if lineage.given.len() < LISTED_MAX {
            let (column, classes) = (labelled.name.clone(), labelled.classes.clone());
            lineage.given.push(Given { statement, index, column, classes, position });
        }
    }
}
