//! Cedar: schema, validation, authorise, explain.
