//! What is revoked, as files: whoever may write in the data folder takes access away, also while the store, the issuers and the
//! gateway itself are down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use audit::{Signer, Verifier, attest, is_attested};
use aws_lc_rs::rand;
use gate::{Revocation, What};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

/// The folder `data_dir/revocations`: a file `ID.json` for each, `ID.lifted` beside it once it is lifted, and `in-force` with the ids
/// of those that the gateway has taken.
#[derive(Clone)]
pub struct Folder(PathBuf);

/// What is in it.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// What is revoked. What cannot be read revokes everything.
    pub all: Vec<Revocation>,
    /// The ids of what cannot be read.
    pub unreadable: Vec<Box<str>>,
    /// What is lifted, by its id, and who did it, in words.
    pub lifted: BTreeMap<Box<str>, Box<str>>,
}

/// What a gateway has taken.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct InForce {
    /// The ids of what is in force.
    taken: Vec<Box<str>>,
    /// What the audit log was told of.
    recorded: Vec<Revocation>,
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
        Ok(format!("r-{}", random()?).into())
    }

    /// Makes the folder, for the data folder's owner alone.
    ///
    /// # Errors
    /// It cannot be made, or is somebody else's.
    pub fn make(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    /// The folder itself, which is made if there is none. Whoever revokes may be root, and its owner may want to use them: no link is
    /// followed, and nothing is given away but what was made here.
    fn open(&self) -> io::Result<OwnedFd> {
        let data_dir = self.0.parent().ok_or(ErrorKind::InvalidInput)?;
        crate::folder::make(data_dir).map_err(io::Error::other)?;
        let owner = fs::metadata(data_dir)?;
        let is_new = match DirBuilder::new().mode(0o700).create(&self.0) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.0, flags, Mode::empty())?;
        let own = rustix::fs::fstat(&folder)?;
        if own.st_uid == owner.uid() {
            return Ok(folder);
        }
        // Somebody may have put another in its place meanwhile: that one is not given away, and nobody but root could be asked to.
        if !is_new || own.st_uid != rustix::process::geteuid().as_raw() || own.st_mode & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "`{}` is not of the data folder's owner",
                self.0.display()
            )));
        }
        fchown(&folder, Some(owner.uid()), Some(owner.gid()))?;
        Ok(folder)
    }

    /// Revokes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, it: &Revocation) -> io::Result<()> {
        self.write(&format!("{}.json", it.id), &serde_json::to_vec_pretty(it)?)
    }

    /// Whether there is one with this id, lifted or not.
    pub fn knows(&self, id: &str) -> bool {
        ["json", "lifted"]
            .iter()
            .any(|ending| self.0.join(format!("{id}.{ending}")).symlink_metadata().is_ok())
    }

    /// Lifts; whether there is such a one. `by` is who does it, in words.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn lift(&self, id: &str, by: &str) -> io::Result<bool> {
        let found = self.read()?.all.iter().any(|it| *it.id == *id);
        if found {
            self.write(&format!("{id}.lifted"), by.as_bytes())?;
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
            // Nothing that revokes has a name that is no text.
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()).map(Box::<str>::from) else {
                continue;
            };
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("json") => match read(&path, &id) {
                    Ok(it) => found.all.extend(it),
                    Err(it) => {
                        found.unreadable.push(id);
                        found.all.push(*it);
                    }
                },
                Some("lifted") => {
                    let by = text(&path).ok().flatten().unwrap_or_default();
                    found.lifted.insert(id, String::from_utf8_lossy(&by).into());
                }
                _ => {}
            }
        }
        found.all.retain(|it| !found.lifted.contains_key(&it.id));
        found.all.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        found.unreadable.sort();
        Ok(found)
    }

    /// Takes away what tells of one.
    ///
    /// # Errors
    /// It cannot be.
    pub fn forget(&self, id: &str) -> io::Result<()> {
        // What is lifted is so until there is nothing to lift.
        for ending in ["json", "lifted"] {
            let path = self.0.join(format!("{id}.{ending}"));
            let removed = match fs::remove_file(&path) {
                // Whatever it is, it is no revocation any more.
                Err(error) if path.symlink_metadata().is_ok_and(|it| it.is_dir()) => {
                    fs::rename(&path, self.0.join(format!("{id}.{}.no", random()?))).map_err(|_| error)
                }
                removed => removed,
            };
            match removed {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what the gateway has taken, and what of it the audit log was told, by whose key.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn took(&self, taken: &[Revocation], recorded: &[Revocation], signer: &Signer) -> io::Result<()> {
        let taken = taken.iter().map(|it| it.id.clone()).collect();
        let line = serde_json::to_string(&InForce { taken, recorded: recorded.to_vec() })?;
        let note = attest(signer, WHAT, line.as_bytes());
        self.write(IN_FORCE, format!("{line}\n{note}").as_bytes())
    }

    /// The ids of what the gateway has taken; nothing if that cannot be read.
    pub fn taken(&self) -> BTreeSet<Box<str>> {
        self.noted().taken.into_iter().collect()
    }

    /// The ids of all that the gateway has taken, or that the audit log was told of; nothing if that cannot be read.
    pub fn told_of(&self) -> BTreeSet<Box<str>> {
        let noted = self.noted();
        let recorded = noted.recorded.into_iter().map(|it| it.id);
        noted.taken.into_iter().chain(recorded).collect()
    }

    /// What the audit log was told of, if the key vouches for that; nothing else.
    pub fn recorded(&self, verifier: &Verifier) -> Vec<Revocation> {
        let Some((line, note)) = self.in_force() else { return Vec::new() };
        if !is_attested(verifier, WHAT, &note, line.as_bytes()) {
            return Vec::new();
        }
        serde_json::from_str::<InForce>(&line).map(|it| it.recorded).unwrap_or_default()
    }

    /// What it says that is in force, whoever wrote it.
    fn noted(&self) -> InForce {
        let line = self.in_force().map(|(line, _)| line);
        line.and_then(|line| serde_json::from_str(&line).ok()).unwrap_or_default()
    }

    fn in_force(&self) -> Option<(String, String)> {
        let text = String::from_utf8(text(&self.0.join(IN_FORCE)).ok()??).ok()?;
        let (line, note) = text.split_once('\n')?;
        Some((line.to_owned(), note.to_owned()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.open()?;
        let new = format!(".{}.new", random()?);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&folder, &*new, flags, Mode::RUSR | Mode::WUSR)?);
        let (own, owner) = (file.metadata()?, rustix::fs::fstat(&folder)?);
        if own.uid() != owner.st_uid {
            // Whoever revokes may be somebody else than the gateway runs as.
            fchown(&file, Some(owner.st_uid), Some(owner.st_gid))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(rustix::fs::renameat(&folder, &*new, &folder, name)?)
    }
}

impl console::Access for Folder {
    fn fresh_id(&self) -> io::Result<Box<str>> {
        Self::fresh_id()
    }

    fn put(&self, it: &Revocation) -> io::Result<()> {
        Self::put(self, it)
    }

    fn knows(&self, id: &str) -> bool {
        Self::knows(self, id)
    }

    fn lift(&self, id: &str, by: &str) -> io::Result<bool> {
        Self::lift(self, id, by)
    }
}

/// Eight bytes that nobody foretells, in hex.
fn random() -> io::Result<String> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness for a name"))?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// What is in a file; nothing if there is none. No link is followed, and nothing waited for.
fn text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(error) if error == rustix::io::Errno::NOENT => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Nothing if it has gone meanwhile.
///
/// # Errors
/// It cannot be read: what is meant by that.
fn read(path: &Path, id: &str) -> Result<Option<Revocation>, Box<Revocation>> {
    let why = match text(path) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match serde_json::from_slice::<Revocation>(&bytes) {
            Ok(it) if *it.id == *id => return Ok(Some(it)),
            Ok(_) => "it has another name than its file".to_owned(),
            // Of what is in it nothing is told.
            Err(error) => format!("it is none, line {}", error.line()),
        },
        Err(error) => error.to_string(),
    };
    let reason = format!("`{}` cannot be read, so that all may be meant: {why}", path.display()).into();
    let all = Revocation::new(id, What::Everything, "");
    Err(Box::new(Revocation { reason, by: "panguard".into(), ..all }))
}

const IN_FORCE: &str = "in-force";

/// What the log's key says that it is.
const WHAT: &str = "revocations in force v1";

/// What is in force may be many.
const BYTES_MAX: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn revocation(id: &str, since: i64) -> Revocation {
        let (reason, by) = ("it was taken over".into(), "me".into());
        Revocation { reason, by, since, ..Revocation::new(id, What::Agent, "ci-bot") }
    }

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(&access::Secret::from(vec![seed; 32]), "gw1").unwrap()
    }

    #[test]
    fn what_is_put_there_is_found_until_it_is_lifted() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        assert_eq!(folder.read().unwrap(), Found::default());
        folder.put(&revocation("r-2", 2)).unwrap();
        folder.put(&revocation("r-1", 1)).unwrap();
        assert_eq!(folder.read().unwrap().all, [revocation("r-1", 1), revocation("r-2", 2)]);
        assert!(!folder.lift("r-3", "me").unwrap() && folder.lift("r-1", "me").unwrap());
        assert!(!folder.lift("r-1", "you").unwrap() && folder.knows("r-1") && !folder.knows("r-3"));
        let lifted = [("r-1".into(), "me".into())].into();
        assert_eq!(
            folder.read().unwrap(),
            Found { all: vec![revocation("r-2", 2)], lifted, ..Found::default() }
        );
        folder.forget("r-1").unwrap();
        assert_eq!(folder.read().unwrap(), Found { all: vec![revocation("r-2", 2)], ..Found::default() });
    }

    #[test]
    fn what_the_log_was_told_is_known_again_and_nobody_elses_word_is() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        let (one, two) = (revocation("r-1", 1), revocation("r-2", 2));
        folder.took(&[one.clone(), two], std::slice::from_ref(&one), &signer(7)).unwrap();
        assert_eq!(folder.taken(), ["r-1".into(), "r-2".into()].into());
        assert_eq!(folder.recorded(&signer(7).verifier()), [one]);
        assert_eq!(folder.recorded(&signer(8).verifier()), []);
        let path = data.path().join("revocations/in-force");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("ci-bot", "another")).unwrap();
        assert_eq!(folder.recorded(&signer(7).verifier()), []);
    }

    /// Its owner may want what whoever revokes may do.
    #[test]
    fn no_link_is_followed() {
        let data = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), data.path().join("revocations")).unwrap();
        let folder = Folder::of(data.path());
        assert!(folder.put(&revocation("r-1", 1)).is_err());
        fs::remove_file(data.path().join("revocations")).unwrap();
        folder.make().unwrap();
        let victim = elsewhere.path().join("victim");
        fs::write(&victim, "whole").unwrap();
        for name in ["r-1.json", "r-1.lifted", "in-force"] {
            std::os::unix::fs::symlink(&victim, data.path().join("revocations").join(name)).unwrap();
        }
        folder.put(&revocation("r-1", 1)).unwrap();
        folder.took(&[], &[], &signer(7)).unwrap();
        assert_eq!(folder.read().unwrap().lifted.len(), 1);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "whole");
    }

    /// The same event may come twice at once.
    #[test]
    fn nobody_reads_what_is_half_written() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        folder.make().unwrap();
        std::thread::scope(|threads| {
            let writers: Vec<_> = (0..4)
                .map(|_| threads.spawn(|| (0..50).for_each(|_| folder.put(&revocation("r-1", 1)).unwrap())))
                .collect();
            while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                let found = folder.read().unwrap();
                assert!(found.unreadable.is_empty() && found.all.len() <= 1);
            }
        });
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
        assert!(folder.lift("r-1", "me").unwrap());
        folder.forget("r-1").unwrap();
        assert_eq!(folder.read().unwrap(), Found::default(), "also what is no file is restored");
    }
}
