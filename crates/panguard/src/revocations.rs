//! What is revoked, as files: whoever may write in the data folder takes access away, also while the store, the issuers and the
//! gateway itself are down.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::rand;
use gate::{Revocation, What};

/// The folder `data_dir/revocations`: a file `ID.json` for each, `ID.lifted` beside it once it is lifted, and `in-force` with the ids
/// of those that the gateway has taken.
#[derive(Clone)]
pub struct Folder(PathBuf);

/// What a gateway has taken, by its id, and whether that is recorded.
pub type Taken = BTreeMap<String, bool>;

/// What is in it.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// What is revoked. What cannot be read revokes everything.
    pub all: Vec<Revocation>,
    /// The ids of what cannot be read.
    pub unreadable: Vec<Box<str>>,
    /// The ids of what is lifted.
    pub lifted: Vec<Box<str>>,
    /// What that was, as far as it is still there.
    pub ended: Vec<Revocation>,
}

impl Folder {
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("revocations"))
    }

    /// An id that nobody has yet.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn fresh_id() -> io::Result<Box<str>> {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness for its id"))?;
        Ok(format!("r-{:016x}", u64::from_be_bytes(bytes)).into())
    }

    /// Makes the folder, for the data folder's owner alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(&self) -> io::Result<()> {
        crate::folder::make(&self.0).map_err(io::Error::other)?;
        let owner = self.0.parent().map(fs::metadata).transpose()?;
        owner.map_or(Ok(()), |owner| give(&File::open(&self.0)?, &owner))
    }

    /// Revokes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, it: &Revocation) -> io::Result<()> {
        self.write(&format!("{}.json", it.id), &serde_json::to_vec_pretty(it)?)
    }

    /// Lifts; whether there is such a one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn lift(&self, id: &str) -> io::Result<bool> {
        let found = self.read()?.all.iter().any(|it| *it.id == *id);
        if found {
            self.write(&format!("{id}.lifted"), b"")?;
        }
        Ok(found)
    }

    /// When something in it was added or taken away; nothing if that cannot be told.
    pub fn changed(&self) -> Option<SystemTime> {
        fs::metadata(&self.0).and_then(|it| it.modified()).ok()
    }

    /// What is there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(&self) -> io::Result<Found> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::default()),
            Err(error) => return Err(error),
        };
        let mut found = Found::default();
        for entry in entries {
            let path = entry?.path();
            let Some(id) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("json") => match read(&path, &id) {
                    Ok(it) => found.all.extend(it),
                    Err(it) => {
                        found.unreadable.push(id.into());
                        found.all.push(*it);
                    }
                },
                Some("lifted") => found.lifted.push(id.into()),
                _ => {}
            }
        }
        found.ended = found.all.extract_if(.., |it| found.lifted.contains(&it.id)).collect();
        found.all.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        found.lifted.sort();
        Ok(found)
    }

    /// Takes away what tells of one.
    ///
    /// # Errors
    /// It cannot be.
    pub fn forget(&self, id: &str) -> io::Result<()> {
        // What is lifted is so until there is nothing to lift.
        for ending in ["json", "lifted"] {
            match fs::remove_file(self.0.join(format!("{id}.{ending}"))) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what the gateway has taken, and whether all of it is recorded.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn took(&self, all: &[Revocation], is_recorded: bool) -> io::Result<()> {
        let before = self.taken();
        let was_recorded = |id: &str| before.get(id).is_some_and(|it| *it);
        let taken: Taken =
            all.iter().map(|it| (it.id.to_string(), is_recorded || was_recorded(&it.id))).collect();
        self.write(IN_FORCE, &serde_json::to_vec(&taken)?)
    }

    /// What the gateway has taken; nothing if that cannot be read.
    pub fn taken(&self) -> Taken {
        let text = fs::read(self.0.join(IN_FORCE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.make()?;
        let new = self.0.join(format!("{name}.new"));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        // Whoever revokes may be somebody else than the gateway runs as.
        give(&file, &fs::metadata(&self.0)?)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(new, self.0.join(name))
    }
}

impl console::Access for Folder {
    fn fresh_id(&self) -> io::Result<Box<str>> {
        Self::fresh_id()
    }

    fn put(&self, it: &Revocation) -> io::Result<()> {
        Self::put(self, it)
    }

    fn lift(&self, id: &str) -> io::Result<bool> {
        Self::lift(self, id)
    }
}

/// Gives a file to the owner of another.
fn give(file: &File, owner: &fs::Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Nothing if it has gone meanwhile.
///
/// # Errors
/// It cannot be read: what is meant by that.
fn read(path: &Path, id: &str) -> Result<Option<Revocation>, Box<Revocation>> {
    let is_file = |metadata: fs::Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("it is no file")),
    };
    let why = match fs::metadata(path).and_then(is_file).and_then(|()| fs::read(path)) {
        Ok(bytes) => match serde_json::from_slice::<Revocation>(&bytes) {
            Ok(it) if *it.id == *id => return Ok(Some(it)),
            Ok(_) => "it has another name than its file".to_owned(),
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => error.to_string(),
    };
    Err(Box::new(Revocation {
        id: id.into(),
        what: What::Everything,
        of: Box::default(),
        issuer: None,
        issued_until: None,
        until: None,
        reason: format!("`{}` cannot be read, so that all may be meant: {why}", path.display()).into(),
        by: "panguard".into(),
        since: 0,
    }))
}

const IN_FORCE: &str = "in-force";

#[cfg(test)]
mod tests {
    use super::*;

    fn revocation(id: &str, since: i64) -> Revocation {
        Revocation {
            id: id.into(),
            what: What::Agent,
            of: "ci-bot".into(),
            issuer: None,
            issued_until: None,
            until: None,
            reason: "it was taken over".into(),
            by: "me".into(),
            since,
        }
    }

    #[test]
    fn what_is_put_there_is_found_until_it_is_lifted() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        assert_eq!(folder.read().unwrap(), Found::default());
        folder.put(&revocation("r-2", 2)).unwrap();
        folder.put(&revocation("r-1", 1)).unwrap();
        folder.took(&[revocation("r-1", 1)], true).unwrap();
        folder.took(&folder.read().unwrap().all, false).unwrap();
        assert_eq!(folder.read().unwrap().all, [revocation("r-1", 1), revocation("r-2", 2)]);
        assert_eq!(folder.taken(), [("r-1".into(), true), ("r-2".into(), false)].into());
        assert!(!folder.lift("r-3").unwrap() && folder.lift("r-1").unwrap() && !folder.lift("r-1").unwrap());
        assert_eq!(
            folder.read().unwrap(),
            Found {
                all: vec![revocation("r-2", 2)],
                lifted: vec!["r-1".into()],
                ended: vec![revocation("r-1", 1)],
                ..Found::default()
            }
        );
        folder.forget("r-1").unwrap();
        assert_eq!(folder.read().unwrap(), Found { all: vec![revocation("r-2", 2)], ..Found::default() });
    }

    /// Whoever revoked something meant somebody.
    #[test]
    fn what_cannot_be_read_revokes_everything() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        folder.put(&revocation("r-1", 1)).unwrap();
        let path = data.path().join("revocations/r-1.json");
        let whole = fs::read_to_string(&path).unwrap();
        let broken = [
            whole.replace("agent", "an agent"),
            whole.replace("r-1", "r-2"),
            whole.replace(char::from(125), ""),
            "".into(),
        ];
        for text in broken {
            fs::write(&path, text).unwrap();
            let [it] = &folder.read().unwrap().all[..] else { panic!() };
            assert_eq!((it.what, &*it.id), (What::Everything, "r-1"));
            assert_eq!(folder.read().unwrap().unreadable, ["r-1".into()]);
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(folder.read().unwrap().all[0].what, What::Everything);
    }
}
