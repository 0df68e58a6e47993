//! Statement and catalog in; facts and lineage out.
