//! Policies that were in force, by the versions that entries name: the log holds digests, and evidence shows texts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use audit::{Signer, Verifier, attest, is_attested};
use mask::Masker;

use crate::cli::plain::plain;

/// The texts of policies and of the configuration in `data_dir/editions`, a file for each version, masked as entries are, and beside it a
/// note by which the log's key vouches for it. They stay: they are small, and entries name them for as long as there are any.
pub struct Editions(PathBuf);

/// What has versions; its word in the report `versions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Policies,
    Configuration,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Policies, Self::Configuration];

    /// As the report says.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Configuration => "configuration",
        }
    }
}

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

    /// To keep more in it.
    pub fn keeper(self, masker: Masker, signer: Signer) -> Keeper {
        Keeper { editions: self, masker, signer }
    }

    /// What was kept of `version`.
    ///
    /// # Errors
    /// There is something, and it cannot be read.
    pub fn read(&self, kind: Kind, version: &str, verifier: &Verifier) -> anyhow::Result<Edition> {
        let read = |path: PathBuf| match fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let Some(text) = read(self.text(version))? else { return Ok(Edition::None) };
        let note = read(self.note(version))?.unwrap_or_default();
        Ok(match is_attested(verifier, &what(kind, version), &note, text.as_bytes()) {
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

/// Keeps texts as entries are masked, signed by the log's key.
pub struct Keeper {
    editions: Editions,
    masker: Masker,
    signer: Signer,
}

impl Keeper {
    /// Keeps `files`, which are `version`, if they are not there as they are.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep(&self, kind: Kind, version: &str, files: &[(String, String)]) -> anyhow::Result<()> {
        let Self { editions, masker, signer } = self;
        let text = text(files, *masker)?;
        if editions.read(kind, version, &signer.verifier()).ok() == Some(Edition::Kept(text.clone())) {
            return Ok(());
        }
        let note = attest(signer, &what(kind, version), text.as_bytes());
        let written = editions.write(version, &text, &note);
        written.with_context(|| {
            format!("{} cannot be kept for evidence in `{}`", kind.word(), editions.0.display())
        })
    }
}

/// What the log's key says that a text is.
fn what(kind: Kind, version: &str) -> String {
    format!("{} {version}", kind.word())
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
        let signer = |seed| Signer::from_seed(&Secret::from(vec![seed; 32]), "gw1").unwrap();
        let keeper = |seed| {
            let keeper = Editions::of(folder.path()).keeper(Masker::new(mask::Profile::Last4), signer(seed));
            move |version, files: Vec<_>| keeper.keep(Kind::Policies, version, &files).unwrap()
        };
        let (keep, keep_as_other) = (keeper(7), keeper(8));
        let told = |version| editions.read(Kind::Policies, version, &signer(7).verifier()).unwrap();
        keep("one", files("// of 4111111111111111"));
        keep("two", files("forbid"));
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
        keep_as_other("one", files("forbid"));
        assert_eq!(told("one"), Edition::Changed);
        assert_eq!(
            editions.read(Kind::Configuration, "two", &signer(7).verifier()).unwrap(),
            Edition::Changed
        );
        // The next start has the policies, and keeps them as they are.
        keep("one", files("// of 4111111111111111"));
        assert_eq!(told("one"), one);
    }
}
