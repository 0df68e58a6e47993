//! panguard: between AI coding agents and the systems they reach.
//!
//! This crate is the binary: the command line (`cli`), the configuration (`config`), the wiring of the
//! gateway (`serve`) and the demo. What panguard promises is kept in the crates that it wires together.

// Nobody imports a binary; what its parts are for stands at the head of each.
#![allow(missing_docs)]

mod archive;
mod authority;
mod cli;
mod config;
mod demo;
mod editions;
mod folder;
mod guarded;
mod reads;
mod revocations;
mod serve;
mod vault_key;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
