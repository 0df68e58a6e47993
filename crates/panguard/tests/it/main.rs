//! The binary as a user meets it, and the house as ARCHITECTURE.md draws it.

#![cfg(test)]

mod architecture;
mod cli;
mod requests;
mod scan;
