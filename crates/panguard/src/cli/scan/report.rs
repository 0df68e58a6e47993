//! What a scan says, in the form that was asked for.

mod json;
mod sarif;
mod text;

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

use super::baseline::{Accepted, Written};
use super::found::{Event, Fingerprint, Found, Unread};
use super::progress::Progress;
use sarif::Sarif;
pub use text::{number, size};

/// In which form findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs: one JSON value a line.
    Json,
    /// For tools that show findings in code: SARIF 2.1.0.
    Sarif,
}

/// Hears what is found, and prints what is not known.
pub struct Report {
    form: Form,
    sarif: Sarif,
    progress: Progress,
    accepted: Option<Accepted>,
    written: Option<Written>,
    /// How many findings of this file have looked like that.
    alike: HashMap<Fingerprint, u32>,
    /// What was found in one version of a file and stands in the next ones too.
    versions: HashSet<Fingerprint>,
    pub count: Count,
}

/// How many there were.
#[derive(Default)]
pub struct Count {
    pub files: u64,
    pub findings: u64,
    pub accepted: u64,
    pub repeated: u64,
    pub unread: u64,
}

impl Report {
    /// `accepted` are findings that are known, and `written` takes down those that are to be.
    pub fn new(form: Form, accepted: Option<Accepted>, written: Option<Written>) -> Self {
        if form == Form::Sarif {
            sarif::begin();
        }
        Self {
            form,
            sarif: Sarif::default(),
            progress: Progress::new(io::stderr().is_terminal()),
            accepted,
            written,
            alike: HashMap::new(),
            versions: HashSet::new(),
            count: Count::default(),
        }
    }

    /// Hears of one thing; in the order of the files.
    pub fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Begun(name) => {
                self.count.files += 1;
                self.alike.clear();
                if let Some(accepted) = &mut self.accepted {
                    accepted.looked_at(&name.shown_file());
                }
                Ok(())
            }
            Event::Found(found) => self.found(&found),
            Event::Unread(unread) => {
                self.unread(&unread);
                Ok(())
            }
        }
    }

    /// Some time has passed, in which so many bytes have been looked at in all.
    pub fn tick(&mut self, bytes: u64) {
        self.progress.show(&self.count, bytes);
    }

    /// All has been heard: the baseline is written, and the end is said.
    pub fn end(&mut self, bytes: u64) -> anyhow::Result<()> {
        self.progress.clear();
        // What was not read may still be there.
        let accepted = self.accepted.take().filter(|_| self.count.unread == 0);
        for entry in accepted.map(Accepted::stale).unwrap_or_default() {
            tell(&format!("panguard: not found any more, take it out of the baseline: {entry}"));
        }
        if let Some(written) = self.written.take() {
            written.end()?;
        }
        match self.form {
            Form::Text => tell(&text::summary(&self.count, bytes)),
            Form::Json => {}
            Form::Sarif => self.sarif.end(self.count.unread == 0)?,
        }
        Ok(())
    }

    fn found(&mut self, found: &Found) -> anyhow::Result<()> {
        let alike = self.alike.entry(found.fingerprint(0)).or_default();
        *alike += 1;
        let fingerprint = found.fingerprint(*alike);
        if found.name.commit().is_some() && !self.versions.insert(fingerprint) {
            self.count.repeated += 1;
            return Ok(());
        }
        if let Some(written) = &mut self.written {
            written.add(found, fingerprint)?;
        }
        if self.accepted.as_mut().is_some_and(|accepted| accepted.knows(fingerprint))
            || self.written.is_some()
        {
            self.count.accepted += 1;
            return Ok(());
        }
        self.count.findings += 1;
        self.progress.clear();
        match self.form {
            Form::Text => text::found(found),
            Form::Json => json::found(found, fingerprint)?,
            Form::Sarif => self.sarif.found(found, fingerprint)?,
        }
        Ok(())
    }

    fn unread(&mut self, unread: &Unread) {
        self.count.unread += 1;
        self.progress.clear();
        let line = format!("panguard: cannot read all of `{}`: {}", unread.name.shown(), unread.why);
        if self.form == Form::Sarif {
            self.sarif.unread(&line);
        }
        tell(&line);
    }
}

/// Prints a line on standard error, which nobody may be listening to.
fn tell(line: &str) {
    _ = writeln!(io::stderr(), "{line}");
}
