//! The folders and the key that the configuration names, as they are on the disk now.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use access::Timestamp;
use anyhow::Context;
use audit::Signer;
use aws_lc_rs::digest;
use policy::Policies;
use vault::{Name, Vault};

use crate::config::{Config, Problem, Problems};
use crate::{guarded, vault_key};

/// The policies of a folder: its `*.cedar` files, not those of folders in it. No file means that nothing
/// is allowed.
///
/// # Errors
/// [`Problems`] with the place of each.
pub fn policies(folder: &Path) -> Result<Policies, Problems> {
    policies_and_texts(folder).map(|(policies, _)| policies)
}

/// The policies of a folder, and the files that they are made of.
///
/// # Errors
/// As [`policies`].
pub fn policies_and_texts(folder: &Path) -> Result<(Policies, Vec<(String, String)>), Problems> {
    let files = cedar_files(folder).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => {
                "there is no such folder; make it, and put `*.cedar` files in it (an empty one allows nothing)".into()
            }
            _ => format!("the policies cannot be read: {error}"),
        };
        Problems(vec![Problem { file: folder.into(), line: 0, message }])
    })?;
    let policies = Policies::parse(&files).map_err(|problems| {
        let place = |problem: policy::Problem| Problem {
            file: folder.join(&problem.file).into(),
            line: problem.line as u64,
            message: match &problem.instead {
                Some(instead) => format!("{}; {instead}", problem.what),
                None => problem.what,
            },
        };
        Problems(problems.into_iter().map(place).collect())
    })?;
    Ok((policies, files))
}

/// The files of policies in a folder, each by its name.
pub fn cedar_files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(files)
}

/// Where the embedded store is.
pub fn store(data_dir: &Path) -> PathBuf {
    data_dir.join("store.db")
}

/// Makes the data folder if there is none, for panguard's user alone, and opens the vault in it.
///
/// With a key from standard input, its first line is taken.
pub fn open_vault(config: &Config) -> anyhow::Result<Vault> {
    // From here on there are credentials in the process.
    guarded::forbid_core_dumps();
    let key = vault_key::open(&config.vault_key)?;
    let data_dir = make(&config.data_dir)?;
    let now = Timestamp(jiff::Timestamp::now().as_microsecond());
    Ok(Vault::open(&vault(&data_dir), key, now)?)
}

/// Where the vault is.
pub fn vault(data_dir: &Path) -> PathBuf {
    data_dir.join("vault.json")
}

/// Makes the data folder if there is none, for panguard's user alone.
pub fn make(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.with_context(|| format!("cannot make the data folder `{}`", data_dir.display()))?;
    Ok(data_dir.to_owned())
}

/// Where the audit log is.
pub fn audit(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

/// Where the audit log's public key lies, beside the log at `dir`.
pub fn verifier_key(dir: &Path) -> PathBuf {
    dir.with_extension("vkey")
}

/// Where it is written down where each sink of the audit log at `dir` is.
pub fn sinks(dir: &Path) -> PathBuf {
    beside(dir, "-sinks")
}

/// The name of the log's key in the vault.
pub fn log_key_name() -> anyhow::Result<Name> {
    Ok(Name::internal("audit-signing")?)
}

/// The key that signs the audit log's checkpoints, and the evidence that is drawn from it.
///
/// # Errors
/// There is none yet: no gateway has run here.
pub fn log_signer(vault: &Vault) -> anyhow::Result<Signer> {
    let seed = vault.get(&log_key_name()?)?;
    let seed =
        seed.context("the vault does not hold the audit log's key; a gateway makes it when it starts")?;
    // The log's name must stay when the machine's does not, so it comes from the key.
    let hash = digest::digest(&digest::SHA256, &[b"panguard audit log name", seed.expose()].concat());
    let name: String = hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Ok(Signer::from_seed(&seed, &format!("panguard-{name}"))?)
}

/// A place beside the audit log at `dir`, which is named like it: `data_dir/audit-index`. It is the same by whatever path one
/// comes to the log.
pub fn beside(dir: &Path, ending: &str) -> PathBuf {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    dir.with_file_name(name)
}
