//! Policies that were in force, by the versions that entries name: the log holds digests, and evidence shows texts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use mask::Masker;

use crate::cli::plain::plain;

/// The texts of policies in `data_dir/policies`, a file for each version, masked as entries are. They stay: they are small, and entries
/// name them for as long as there are any.
pub struct Editions(PathBuf);

impl Editions {
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("policies"))
    }

    /// Keeps `files`, which are `version`, if they are not here yet.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep(&self, version: &str, files: &[(String, String)], masker: Masker) -> anyhow::Result<()> {
        let path = self.path(version);
        if path.exists() {
            return Ok(());
        }
        let written = self.write(&path, &text(files, masker)?);
        written.with_context(|| format!("policies cannot be kept for evidence as `{}`", path.display()))
    }

    /// What was kept of `version`.
    ///
    /// # Errors
    /// There is something, and it cannot be read.
    pub fn read(&self, version: &str) -> anyhow::Result<Option<String>> {
        let path = self.path(version);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    fn path(&self, version: &str) -> PathBuf {
        self.0.join(format!("{version}.txt"))
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let new = path.with_extension("new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    }
}

/// The files one after the other, in the order of their names, masked.
pub fn text(files: &[(String, String)], masker: Masker) -> anyhow::Result<String> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    let texts =
        files.into_iter().map(|(name, text)| format!("\n===== {}\n\n{}\n", plain(name), text.trim_end()));
    let texts = texts.collect::<String>();
    Ok(match masker.text(texts.as_bytes()) {
        Some(masked) => String::from_utf8(masked.bytes)?,
        None => texts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_force_is_told_by_its_version_without_card_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let editions = Editions::of(folder.path());
        let files =
            |text: &str| vec![("b.cedar".into(), text.to_owned()), ("a.cedar".into(), "permit".into())];
        let masker = Masker::new(mask::Profile::Last4);
        editions.keep("one", &files("// of 4111111111111111"), masker).unwrap();
        editions.keep("two", &files("forbid"), masker).unwrap();
        // The same version is the same text.
        editions.keep("one", &files("other"), masker).unwrap();
        let told = |version| editions.read(version).unwrap();
        assert_eq!(
            told("one").unwrap(),
            "\n===== a.cedar\n\npermit\n\n===== b.cedar\n\n// of ************1111\n"
        );
        assert!(told("two").unwrap().contains("forbid"));
        assert_eq!(told("three"), None);
    }
}
