//! A person's sign-in, in a file of their own.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What is kept of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The issuer, and the client by which somebody signed in there.
    pub issuer: String,
    pub client_id: String,
    pub access_token: String,
    /// Until when it holds, in seconds since 1970; 0 if the issuer did not say.
    pub until: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl Login {
    /// Whoever has signed in on this machine, as this user; nobody if there is no such file.
    ///
    /// # Errors
    /// It cannot be read, or others could.
    pub fn read() -> anyhow::Result<Option<Self>> {
        let path = path()?;
        let shown = path.display();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
        };
        if metadata.mode() & 0o077 != 0 {
            bail!(
                "others on this machine can read `{shown}`, where you are signed in; run `chmod 600 {shown}`, and `panguard login` again"
            );
        }
        let text =
            Zeroizing::new(fs::read_to_string(&path).with_context(|| format!("cannot read `{shown}`"))?);
        let read = serde_json::from_str(&text);
        read.map(Some).with_context(|| format!("`{shown}` is none of panguard's; run `panguard login` again"))
    }

    /// Waits until nobody else makes the token anew; nobody does until what comes back is dropped.
    ///
    /// # Errors
    /// There is no place for the lock.
    pub fn lock() -> anyhow::Result<File> {
        let path = path()?.with_extension("lock");
        let locked = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let locked = locked.and_then(|file| file.lock().map(|()| file));
        locked.with_context(|| format!("cannot lock `{}`", path.display()))
    }

    /// Keeps it in the place of what was there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self) -> anyhow::Result<()> {
        let path = path()?;
        let written = self.write(&path);
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn write(&self, path: &PathBuf) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let new = path.with_extension("new");
        _ = fs::remove_file(&new);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&Zeroizing::new(serde_json::to_vec_pretty(self)?))?;
        file.sync_all()?;
        fs::rename(new, path)
    }

    /// Forgets it.
    ///
    /// # Errors
    /// It cannot be taken away.
    pub fn forget() -> anyhow::Result<()> {
        let path = path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot take away `{}`", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// `PANGUARD_LOGIN_FILE`, or `panguard/login.json` where programs keep their state (XDG Base Directory Specification).
fn path() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = set("PANGUARD_LOGIN_FILE") {
        return Ok(file);
    }
    let state = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let state = state.context("where you are signed in cannot be kept; set HOME, or PANGUARD_LOGIN_FILE")?;
    Ok(state.join("panguard/login.json"))
}
