use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::plain::plain_json;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// The answer is no: a finding, a failed verification, a denial.
    No,
    /// Usage or configuration is wrong, or something that is needed cannot be had.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Wrong => Self::from(2),
        }
    }
}

/// In which form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON value a line.
    Json,
}

/// Prints one line on standard output. A reader that has gone away (`| head`) ends the process quietly, and
/// one that takes no more (a full disk) with an error.
pub fn line(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref().as_bytes()).and_then(|()| out.write_all(b"\n"));
    match written.and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            _ = writeln!(io::stderr(), "panguard: cannot write to standard output: {error}");
            std::process::exit(2);
        }
    }
}

/// Prints one JSON value as a line, what is not seen in it as JSON's escapes.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(plain_json(&serde_json::to_value(value)?));
    Ok(())
}

/// An error and what led to it, as people read it: what, and below it why.
pub fn two_lines(error: &anyhow::Error) -> String {
    if let Some(problems) = error.downcast_ref::<crate::config::Problems>() {
        return problems.to_string();
    }
    let why: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    if why.is_empty() {
        format!("panguard: {error}")
    } else {
        format!("panguard: {error}\n  {}", why.join(": "))
    }
}
