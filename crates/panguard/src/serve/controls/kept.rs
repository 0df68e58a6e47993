//! Failures that have not ended, kept for the next run: one that began before a crash ends in an entry all the same.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use gate::Failure;

/// `data_dir/controls.json`.
pub struct Kept {
    path: PathBuf,
}

impl Kept {
    pub fn at(data_dir: &Path) -> Self {
        Self { path: data_dir.join("controls.json") }
    }

    pub fn read(&self) -> anyhow::Result<Vec<Failure>> {
        let path = self.path.display();
        match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("`{path}` is not what panguard wrote; delete it if it is damaged")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read `{path}`")),
        }
    }

    pub fn write(&self, failures: &[Failure]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(failures)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}
