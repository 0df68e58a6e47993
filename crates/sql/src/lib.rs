//! Statement and catalog in; facts and lineage out.
//!
//! A statement is parsed by PostgreSQL's own grammar and walked once. What it reads and changes, which
//! functions it calls and where labelled columns go becomes [`access::Facts`]. The rule for whatever is
//! not sure: the stricter possibility counts, and what is not known is said to be not understood.
//!
//! A labelled column is an output only where it stands plainly as a column of the answer, also through
//! subqueries and WITH queries, so that the server names its origin in RowDescription and a mask reaches
//! it. A column of the answer that is made of labelled ones by what is total (`derived`) is redacted by its
//! place, or, where it is a document and the text says where in it they are (`member`), masked inside. Any other
//! mention is a computation.

mod analysis;
mod catalog;
mod change;
mod copy;
mod definition;
mod derived;
mod expression;
mod function;
mod label;
mod lineage;
mod manifest;
mod matching;
mod member;
mod names;
mod query;
mod reading;
mod reference;
mod sampled;
mod scope;
mod settings;
mod shape;
mod statement;
mod system;
mod template;
mod testimony;
mod touched;

pub use analysis::{Analysis, NameUse, SQL_BYTES_MAX, analyse, analyse_doubting, fuzz_analyse, merge};
pub use catalog::{Catalog, CatalogError};
pub use copy::{CopyForm, CopyOut, Forced};
pub use label::{Label, LabelError, Labels, NotPan};
pub use lineage::{Given, Lineage, Mention, Place, lineage, locate};
pub use names::{resolve, unknown_name};
pub use sampled::{Becomes, ROWS_MAX, Sampled, SampledColumn, sampled};
pub use settings::changes_nothing;
pub use shape::shape;
pub use template::{TemplateError, Templates, canonical_text, names_a_cursor};
pub use testimony::{NoTestimony, Testimony, queries};
pub use touched::{Touched, touched};
