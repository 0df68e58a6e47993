//! Findings that are known: a file that is kept with what was scanned, and says nothing that a scan does not.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::found::{Fingerprint, Found, what};

/// The findings that are accepted, and what was met of them.
pub struct Accepted {
    entries: HashMap<Fingerprint, (Entry, bool)>,
    /// The files that they are in, and whether each has been looked at.
    files: HashMap<String, bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    panguard_baseline: u32,
    findings: Vec<Entry>,
}

/// One finding. All but the fingerprint is there to be read by people.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    path: String,
    file: String,
    what: String,
    context: String,
}

impl Accepted {
    /// Reads a baseline.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the baseline `{shown}`"))?;
        let baseline: Baseline =
            serde_json::from_str(&text).with_context(|| format!("`{shown}` is no baseline"))?;
        if baseline.panguard_baseline != VERSION {
            bail!("the baseline `{shown}` is of version {}, not {VERSION}", baseline.panguard_baseline);
        }
        let (mut entries, mut files) = (HashMap::new(), HashMap::new());
        for entry in baseline.findings {
            let Some(fingerprint) = Fingerprint::parse(&entry.fingerprint) else {
                bail!("the baseline `{shown}` has a fingerprint that is none, of `{}`", entry.path);
            };
            files.insert(entry.file.clone(), false);
            entries.insert(fingerprint, (entry, false));
        }
        Ok(Self { entries, files })
    }

    /// Whether that finding is accepted.
    pub fn knows(&mut self, fingerprint: Fingerprint) -> bool {
        self.entries.get_mut(&fingerprint).is_some_and(|(_, met)| {
            *met = true;
            true
        })
    }

    /// A file of that name has been looked at.
    pub fn looked_at(&mut self, file: &str) {
        if let Some(looked_at) = self.files.get_mut(file) {
            *looked_at = true;
        }
    }

    /// What was to be found, going by the files that were looked at or are gone, and was not. A scan of some files
    /// says nothing of the others.
    pub fn stale(self) -> Vec<String> {
        let Self { entries, files } = self;
        let looked_at = |file: &str| files.get(file).is_some_and(|looked_at| *looked_at);
        let gone = |file: &str| looked_at(file) || (!file.contains('*') && !Path::new(file).exists());
        let stale = entries.into_values().filter(|(entry, met)| !met && gone(&entry.file));
        let mut stale: Vec<String> =
            stale.map(|(entry, _)| format!("{}: {} {}", entry.path, entry.what, entry.context)).collect();
        stale.sort();
        stale
    }
}

/// A baseline that is being written. It takes the place of the old one when it is whole.
pub struct Written {
    to: PathBuf,
    file: BufWriter<NamedTempFile>,
    is_first: bool,
}

impl Written {
    pub fn begin(to: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot write the baseline `{}`", to.display());
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // It is made to be read by others, as far as the process lets them.
        let mode = fs::Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().permissions(mode).tempfile_in(folder).with_context(cannot)?;
        let mut file = BufWriter::new(file);
        write!(file, "{{\"panguard_baseline\":{VERSION},\"findings\":[").with_context(cannot)?;
        Ok(Self { to: to.to_owned(), file, is_first: true })
    }

    pub fn add(&mut self, found: &Found, fingerprint: Fingerprint) -> anyhow::Result<()> {
        let entry = Entry {
            fingerprint: fingerprint.to_string(),
            path: found.shown_name(),
            file: found.name.shown_file(),
            what: what(found.kind),
            context: found.context.clone(),
        };
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        Ok(write!(self.file, "{comma}\n{}", serde_json::to_string(&entry)?)?)
    }

    pub fn end(mut self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write the baseline `{}`", self.to.display());
        writeln!(self.file, "\n]}}").and_then(|()| self.file.flush()).with_context(cannot)?;
        let file = self.file.into_inner().map_err(|error| error.into_error())?;
        file.persist(&self.to)
            .map_err(|error| error.error)
            .with_context(|| format!("cannot write the baseline `{}`", self.to.display()))?;
        Ok(())
    }
}

const VERSION: u32 = 1;
