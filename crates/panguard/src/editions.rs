//! Policies that were in force, by the versions that entries name: the log holds digests, and evidence shows texts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use audit::{Signer, Verifier, attest, is_attested};
use mask::Masker;

use crate::cli::plain::plain;

/// The texts of policies in `data_dir/editions`, a file for each version, masked as entries are, and beside it a note by which the log's
/// key vouches for it. They stay: they are small, and entries name them for as long as there are any.
pub struct Editions(PathBuf);

/// What there is of a version.
#[derive(Debug, PartialEq, Eq)]
pub enum Edition {
    /// As it was kept.
    Kept(String),
    /// Nothing.
    None,
    /// Something that the log's key does not vouch for.
    Changed,
}

impl Editions {
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("editions"))
    }

    /// Keeps `files`, which are `version`, if they are not here as they are.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep(
        &self,
        version: &str,
        files: &[(String, String)],
        masker: Masker,
        signer: &Signer,
    ) -> anyhow::Result<()> {
        let text = text(files, masker)?;
        if self.read(version, &signer.verifier()).ok() == Some(Edition::Kept(text.clone())) {
            return Ok(());
        }
        let note = attest(signer, &what(version), text.as_bytes());
        let written = self.write(version, &text, &note);
        written.with_context(|| format!("policies cannot be kept for evidence in `{}`", self.0.display()))
    }

    /// What was kept of `version`.
    ///
    /// # Errors
    /// There is something, and it cannot be read.
    pub fn read(&self, version: &str, verifier: &Verifier) -> anyhow::Result<Edition> {
        let read = |path: PathBuf| match fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let Some(text) = read(self.text(version))? else { return Ok(Edition::None) };
        let note = read(self.note(version))?.unwrap_or_default();
        Ok(match is_attested(verifier, &what(version), &note, text.as_bytes()) {
            true => Edition::Kept(text),
            false => Edition::Changed,
        })
    }

    fn text(&self, version: &str) -> PathBuf {
        self.0.join(format!("{version}.txt"))
    }

    fn note(&self, version: &str) -> PathBuf {
        self.0.join(format!("{version}.note"))
    }

    fn write(&self, version: &str, text: &str, note: &str) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        for (path, content) in [(self.text(version), text), (self.note(version), note)] {
            let new = path.with_extension("new");
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(content.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path)?;
        }
        Ok(())
    }
}

/// What the log's key says that a text is.
fn what(version: &str) -> String {
    format!("policies {version}")
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
    use access::Secret;

    use super::*;

    #[test]
    fn what_was_in_force_is_told_by_its_version_without_card_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let editions = Editions::of(folder.path());
        let files =
            |text: &str| vec![("b.cedar".into(), text.to_owned()), ("a.cedar".into(), "permit".into())];
        let masker = Masker::new(mask::Profile::Last4);
        let signer = Signer::from_seed(&Secret::from(vec![7; 32]), "gw1").unwrap();
        let told = |version| editions.read(version, &signer.verifier()).unwrap();
        editions.keep("one", &files("// of 4111111111111111"), masker, &signer).unwrap();
        editions.keep("two", &files("forbid"), masker, &signer).unwrap();
        let one =
            Edition::Kept("\n===== a.cedar\n\npermit\n\n===== b.cedar\n\n// of ************1111\n".into());
        assert_eq!(told("one"), one);
        assert_eq!(told("three"), Edition::None);

        // Another's text, another version's, and one without a note: nobody vouches for them.
        let path = |name: &str| folder.path().join("editions").join(name);
        fs::write(path("two.txt"), "permit").unwrap();
        assert_eq!(told("two"), Edition::Changed);
        for ending in ["txt", "note"] {
            fs::copy(path(&format!("one.{ending}")), path(&format!("two.{ending}"))).unwrap();
        }
        assert_eq!(told("two"), Edition::Changed);
        fs::remove_file(path("one.note")).unwrap();
        assert_eq!(told("one"), Edition::Changed);
        let other = Signer::from_seed(&Secret::from(vec![8; 32]), "gw1").unwrap();
        editions.keep("one", &files("forbid"), masker, &other).unwrap();
        assert_eq!(told("one"), Edition::Changed);
        // The next start has the policies, and keeps them as they are.
        editions.keep("one", &files("// of 4111111111111111"), masker, &signer).unwrap();
        assert_eq!(told("one"), one);
    }
}
