//! Finds cardholder data in bytes and rewrites it.
