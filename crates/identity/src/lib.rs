//! Token, keys and time in; principal out.
