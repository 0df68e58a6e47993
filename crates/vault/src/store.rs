use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use access::{Secret, Timestamp};
use aws_lc_rs::rand;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::document::{ChangeNonces, Document, Sealed, key_place};
use crate::key::{DataKey, KeySeal, NotUnsealed};
use crate::{Corrupt, Listed, Name};

/// A file of sealed secrets.
///
/// Several processes may have it open: each sees what another has written at its next call, and writers take
/// turns by a lock on `vault.json.lock` beside it. A write is on disk, whole, before the call returns, and a
/// crash leaves the file before or after it. Calls block for a moment of disk; do not make them on the
/// path of a command.
pub struct Vault {
    path: PathBuf,
    key: Arc<dyn KeySeal>,
    seen: Mutex<Seen>,
    opening: Arc<Mutex<Option<Opening>>>,
}

/// A data key that somebody elsewhere is asked for, while the vault is used as it was seen last.
struct Opening {
    stamp: Stamp,
    since: Instant,
    done: Option<Result<DataKey, NotUnsealed>>,
}

/// A vault that cannot be used. Names no secret's value.
#[derive(Debug, Error)]
pub enum VaultError {
    /// The disk refuses.
    #[error("cannot {what} the vault `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file cannot be believed.
    #[error("the vault `{}` cannot be opened: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        why: Corrupt,
    },
    /// The key that seals it cannot be had; or it seals no vault of this format.
    #[error("the vault `{}` cannot be opened: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        why: Box<str>,
    },
    /// The secret is empty or too long.
    #[error("a secret has 1 to {SECRET_BYTES_MAX} bytes")]
    SecretSize,
    /// The vault is full.
    #[error("the vault holds at most {RECORDS_MAX} secrets, remove some")]
    Full,
    /// The cipher or the system's randomness failed.
    #[error("the system's cryptography failed")]
    Cryptography,
}

struct Seen {
    document: Document,
    stamp: Stamp,
}

/// Tells one content of the file from the next: every write is a new file.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Vault {
    /// Opens the vault at `path`, or begins one at `now` if there is none; its directory must exist. One of the first format is written
    /// anew in today's.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`] says whether the key is wrong or the file is; [`VaultError::Key`]; [`VaultError::Io`].
    pub fn open(path: &Path, key: impl KeySeal + 'static, now: Timestamp) -> Result<Self, VaultError> {
        let key: Arc<dyn KeySeal> = Arc::new(key);
        let _turn = take_turn(path)?;
        let seen = match read(path, &*key, None) {
            Err(VaultError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let mut id = [0; 16];
                rand::fill(&mut id).map_err(|_| VaultError::Cryptography)?;
                let data_key = DataKey::fresh().ok_or(VaultError::Cryptography)?;
                let sealed = sealed(path, &*key, &data_key, &key_place(&id))?;
                let document =
                    Document::new(data_key, sealed, id, now, nonces()?).ok_or(VaultError::Cryptography)?;
                let stamp = write(path, &document)?;
                Seen { document, stamp }
            }
            Ok(seen) if seen.document.is_of_first_format() => {
                let document = anew(path, &*key, &seen.document, now)?;
                let stamp = write(path, &document)?;
                Seen { document, stamp }
            }
            read => read?,
        };
        Ok(Self { path: path.into(), key, seen: Mutex::new(seen), opening: Arc::default() })
    }

    /// Seals every secret anew under another data key. Whoever has the vault open goes on.
    ///
    /// # Errors
    /// [`VaultError`]; the file is as before.
    pub fn renew_data_key(&self, now: Timestamp) -> Result<(), VaultError> {
        self.change(|document| {
            self.is_ours(document)?;
            *document = anew(&self.path, &*self.key, document, now)?;
            Ok(((), true))
        })
    }

    /// Has the data key sealed by another key. Whoever has the vault open goes on, also with the key of before, until the data key is
    /// renewed; who opens it needs the other.
    ///
    /// # Errors
    /// [`VaultError`]; the file is as before.
    pub fn seal_by(&self, key: &dyn KeySeal, now: Timestamp) -> Result<(), VaultError> {
        self.change(|document| {
            self.is_ours(document)?;
            let sealed = sealed(&self.path, key, document.key(), &document.key_place())?;
            *document = document.resealed(sealed, now, nonces()?).ok_or(VaultError::Cryptography)?;
            Ok(((), true))
        })
    }

    /// Makes sure that it is sealed by the key that this vault was opened with, and not by another since.
    fn is_ours(&self, document: &Document) -> Result<(), VaultError> {
        let Some(sealed) = document.sealed_key() else { return Ok(()) };
        let opened = self.key.unseal(sealed, &document.key_place());
        opened.map(drop).map_err(|why| unsealed(&self.path, why))
    }

    /// Which data key there is, and by which key that is sealed: each by a name of panguard's own, with the version.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn keys(&self) -> Result<Vec<Listed>, VaultError> {
        let mut seen = self.lock();
        self.reload(&mut seen)?;
        Ok(seen.document.keys())
    }

    /// The secret of that name, as it is in the file now.
    ///
    /// # Errors
    /// [`VaultError`]; a file that went bad since it was opened is an error, not the old secret.
    pub fn get(&self, name: &Name) -> Result<Option<Secret>, VaultError> {
        let mut seen = self.lock();
        self.reload(&mut seen)?;
        seen.document.get(name).map_err(|why| corrupt(&self.path, why))
    }

    /// Puts a secret in, in the place of one of the same name; returns its version.
    ///
    /// # Errors
    /// [`VaultError`]; the file is as before.
    pub fn set(&self, name: &Name, secret: &Secret, now: Timestamp) -> Result<u32, VaultError> {
        check_size(secret)?;
        self.change(|document| {
            if document.len() >= RECORDS_MAX && !document.contains(name) {
                return Err(VaultError::Full);
            }
            let version = document.set(name, secret, now, nonces()?).ok_or(VaultError::Cryptography)?;
            Ok((version, true))
        })
    }

    /// Takes a secret out; `false` if there was none.
    ///
    /// # Errors
    /// [`VaultError`]; the file is as before.
    pub fn remove(&self, name: &Name) -> Result<bool, VaultError> {
        self.change(|document| {
            let [nonce, _] = nonces()?;
            let removed = document.remove(name, nonce).ok_or(VaultError::Cryptography)?;
            Ok((removed, removed))
        })
    }

    /// The secrets by name, without their values and without panguard's own keys.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn list(&self) -> Result<Vec<Listed>, VaultError> {
        let mut seen = self.lock();
        self.reload(&mut seen)?;
        Ok(seen.document.list())
    }

    /// The secret of that name, which is `fresh` if there is none yet ([`fresh_key`] makes one). Of several
    /// processes that ask at once, all get the same. For panguard's own keys ([`Name::internal`]).
    ///
    /// # Errors
    /// [`VaultError`], also that of `fresh`.
    pub fn get_or_create(
        &self,
        name: &Name,
        now: Timestamp,
        fresh: impl FnOnce() -> Result<Secret, VaultError>,
    ) -> Result<Secret, VaultError> {
        if let Some(secret) = self.get(name)? {
            return Ok(secret);
        }
        self.change(|document| {
            if let Some(secret) = document.get(name).map_err(|why| corrupt(&self.path, why))? {
                return Ok((secret, false));
            }
            let secret = fresh()?;
            check_size(&secret)?;
            document.set(name, &secret, now, nonces()?).ok_or(VaultError::Cryptography)?;
            Ok((secret, true))
        })
    }

    /// Makes a change to the newest content and writes it, if `change` says (by its second part) that there
    /// is something to write.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Document) -> Result<(T, bool), VaultError>,
    ) -> Result<T, VaultError> {
        // Whoever waits for their turn keeps nobody from reading.
        let _turn = take_turn(&self.path)?;
        let mut seen = self.lock();
        // Read anew even if the stamp is the same: what is written must stand on what is there.
        let mut document = read(&self.path, &*self.key, Some(&seen.document))?.document;
        let (outcome, changed) = change(&mut document)?;
        if changed {
            let stamp = write(&self.path, &document)?;
            *seen = Seen { document, stamp };
        }
        Ok(outcome)
    }

    /// Reads the file again if it is another one than was read last.
    fn reload(&self, seen: &mut Seen) -> Result<(), VaultError> {
        let metadata = fs::metadata(&self.path).map_err(|source| io_error("read", &self.path, source))?;
        if Stamp::of(&metadata) == seen.stamp {
            return Ok(());
        }
        let (stamp, sealed) = load(&self.path)?;
        let data_key = match sealed.key() {
            Some((bytes, place)) if !sealed.is_under(seen.document.key()) && self.key.is_elsewhere() => {
                match self.asked(&stamp, bytes, place)? {
                    Some(data_key) => data_key,
                    // As it was seen last, until it is known.
                    None => return Ok(()),
                }
            }
            _ => data_key(&self.path, &*self.key, &sealed, Some(&seen.document))?,
        };
        *seen = opened(&self.path, stamp, sealed, data_key, Some(&seen.document))?;
        Ok(())
    }

    /// The data key that somebody elsewhere is asked for, on a thread of its own: whoever needs a secret is not kept waiting for that.
    /// `None` as long as it is not known, for some seconds.
    fn asked(&self, stamp: &Stamp, sealed: &[u8], place: Vec<u8>) -> Result<Option<DataKey>, VaultError> {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        match &*opening {
            Some(it) if it.stamp == *stamp => match &it.done {
                Some(Ok(data_key)) => return Ok(Some(data_key.clone())),
                Some(Err(why)) if it.since.elapsed() < ASK_AGAIN => {
                    return Err(unsealed(&self.path, why.clone()));
                }
                None if it.since.elapsed() < ASKED_TIME_MAX => return Ok(None),
                None => return Err(unsealed(&self.path, NotUnsealed::Away(NO_ANSWER.into()))),
                Some(Err(_)) => {}
            },
            _ => {}
        }
        *opening = Some(Opening { stamp: stamp.clone(), since: Instant::now(), done: None });
        drop(opening);
        let (key, of, opening) = (Arc::clone(&self.key), stamp.clone(), Arc::clone(&self.opening));
        let sealed = sealed.to_vec();
        let ask = move || {
            let done = key.unseal(&sealed, &place);
            let mut opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(it) = opening.as_mut().filter(|it| it.stamp == of) {
                (it.since, it.done) = (Instant::now(), Some(done));
            }
        };
        let begun = thread::Builder::new().name("vault key".into()).spawn(ask);
        begun.map(|_| None).map_err(|source| io_error("ask for the key of", &self.path, source))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // What is seen is replaced whole or not at all, so a panic elsewhere leaves nothing half done.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 32 random bytes, for [`Vault::get_or_create`].
///
/// # Errors
/// [`VaultError::Cryptography`] if the system has no randomness.
pub fn fresh_key() -> Result<Secret, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut *key).map_err(|_| VaultError::Cryptography)?;
    Ok(Secret::from(key.to_vec()))
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Waits for the other writers. The turn ends when the file is dropped.
fn take_turn(path: &Path) -> Result<File, VaultError> {
    let lock = beside(path, ".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&lock).map_err(|source| io_error("lock", &lock, source))?;
    file.lock().map_err(|source| io_error("lock", &lock, source))?;
    Ok(file)
}

/// The same secrets under a new data key.
fn anew(path: &Path, key: &dyn KeySeal, document: &Document, now: Timestamp) -> Result<Document, VaultError> {
    let data_key = DataKey::fresh().ok_or(VaultError::Cryptography)?;
    let sealed = sealed(path, key, &data_key, &document.key_place())?;
    let fresh = || nonces().ok().map(|[nonce, _]| nonce);
    document.anew(data_key, sealed, now, nonces()?, fresh).ok_or(VaultError::Cryptography)
}

/// The vault that is there. One that was seen before has the same data key in most cases, for which nobody has to be asked.
fn read(path: &Path, key: &dyn KeySeal, before: Option<&Document>) -> Result<Seen, VaultError> {
    let (stamp, sealed) = load(path)?;
    let data_key = data_key(path, key, &sealed, before)?;
    opened(path, stamp, sealed, data_key, before)
}

/// The data key, sealed by a key that opens it again: nothing else is put in the place of what can be opened.
fn sealed(path: &Path, key: &dyn KeySeal, data_key: &DataKey, place: &[u8]) -> Result<Vec<u8>, VaultError> {
    let away = |why| unsealed(path, why);
    let sealed = key.seal(data_key, place).map_err(away)?;
    match key.unseal(&sealed, place).map_err(away)?.expose() == data_key.expose() {
        true => Ok(sealed),
        false => Err(away(NotUnsealed::Away("what it sealed it opens as something else".into()))),
    }
}

fn data_key(
    path: &Path,
    key: &dyn KeySeal,
    sealed: &Sealed,
    before: Option<&Document>,
) -> Result<DataKey, VaultError> {
    let known = before.map(Document::key).filter(|key| sealed.is_under(key)).cloned();
    match (known, sealed.key()) {
        (Some(known), _) => Ok(known),
        (None, Some((sealed, place))) => key.unseal(sealed, &place).map_err(|why| unsealed(path, why)),
        (None, None) => key.first().ok_or_else(|| unsealed(path, NotUnsealed::Away(FIRST.into()))),
    }
}

fn opened(
    path: &Path,
    stamp: Stamp,
    sealed: Sealed,
    data_key: DataKey,
    before: Option<&Document>,
) -> Result<Seen, VaultError> {
    let document = sealed.open(data_key).map_err(|why| corrupt(path, why))?;
    match before.is_some_and(|before| document.is_older_than(before)) {
        true => Err(corrupt(path, Corrupt::Older)),
        false => Ok(Seen { document, stamp }),
    }
}

fn load(path: &Path) -> Result<(Stamp, Sealed), VaultError> {
    let fails = |source| io_error("read", path, source);
    let file = File::open(path).map_err(fails)?;
    let stamp = Stamp::of(&file.metadata().map_err(fails)?);
    let mut json = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut json).map_err(fails)?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(corrupt(path, Corrupt::Malformed));
    }
    let sealed = Sealed::read(&json).map_err(|why| corrupt(path, why))?;
    Ok((stamp, sealed))
}

/// Writes a new file beside the old one, and puts it in its place once it is on disk.
fn write(path: &Path, document: &Document) -> Result<Stamp, VaultError> {
    let json = document.to_json().ok_or(VaultError::Cryptography)?;
    if json.len() as u64 > FILE_BYTES_MAX {
        return Err(VaultError::Full);
    }
    let new = beside(path, ".new");
    let fails = |source| io_error("write", path, source);
    // A crash may have left one behind. Whoever holds the turn may remove it, and `create_new` then follows
    // no link that somebody put there.
    match fs::remove_file(&new) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(fails(source)),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(fails)?;
    file.write_all(&json).and_then(|()| file.sync_all()).map_err(fails)?;
    let stamp = Stamp::of(&file.metadata().map_err(fails)?);
    fs::rename(&new, path).map_err(fails)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(fails)?;
    Ok(stamp)
}

/// `path` with something after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn nonces() -> Result<ChangeNonces, VaultError> {
    let mut nonces = ChangeNonces::default();
    for nonce in &mut nonces {
        rand::fill(nonce).map_err(|_| VaultError::Cryptography)?;
    }
    Ok(nonces)
}

fn check_size(secret: &Secret) -> Result<(), VaultError> {
    let sized = (1..=SECRET_BYTES_MAX).contains(&secret.expose().len());
    if sized { Ok(()) } else { Err(VaultError::SecretSize) }
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> VaultError {
    VaultError::Io { what, path: path.into(), source }
}

fn unsealed(path: &Path, why: NotUnsealed) -> VaultError {
    match why {
        NotUnsealed::WrongKey => corrupt(path, Corrupt::WrongKey),
        NotUnsealed::Away(why) => VaultError::Key { path: path.into(), why },
    }
}

fn corrupt(path: &Path, why: Corrupt) -> VaultError {
    VaultError::Corrupt { path: path.into(), why }
}

/// Such a vault is written anew when it is opened.
const FIRST: &str = "it is of the first format, whose key is 32 bytes of its own: open it once with that, then seal it by another";

const NO_ANSWER: &str = "whoever has its key does not answer";

/// How long a vault is used as it was seen last while somebody is asked for its new data key.
const ASKED_TIME_MAX: Duration = Duration::from_secs(15);
/// When they are asked again after they have refused: an HSM locks a token after few wrong PINs.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// A certificate chain with its key fits.
const SECRET_BYTES_MAX: usize = 64 << 10;
const RECORDS_MAX: usize = 10_000;
const FILE_BYTES_MAX: u64 = 64 << 20;
