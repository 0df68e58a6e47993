//! The folders and the key that the configuration names, as they are on the disk now.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use access::Secret;
use anyhow::{Context, bail};
use audit::Signer;
use aws_lc_rs::digest;
use policy::Policies;
use vault::{MasterKey, Name, Vault};

use crate::config::{Config, Problem, Problems, VaultKey};

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
    let key = MasterKey::from_bytes(vault_key(&config.vault_key)?)?;
    let data_dir = make(&config.data_dir)?;
    Ok(Vault::open(&vault(&data_dir), key)?)
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

fn vault_key(source: &VaultKey) -> anyhow::Result<Secret> {
    match source {
        VaultKey::File(path) => key_file(path),
        VaultKey::Env(name) => match std::env::var(name) {
            Ok(key) if !key.is_empty() => Ok(Secret::from(key)),
            Ok(_) | Err(_) => bail!("the vault's key should be in the variable `{name}`, which is not set"),
        },
        VaultKey::Stdin => {
            let line = stdin_line()?;
            if line.expose().is_empty() {
                bail!("the vault's key should be the first line of standard input, which is empty");
            }
            Ok(line)
        }
    }
}

fn key_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "there is no vault key at `{shown}`; make one with `(umask 077; openssl rand -base64 32 > {shown})`"
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot read the vault's key `{shown}`")),
    };
    if metadata.mode() & 0o007 != 0 {
        bail!("everybody on this machine can read the vault's key `{shown}`; run `chmod 600 {shown}`");
    }
    let key = fs::read(path).with_context(|| format!("cannot read the vault's key `{shown}`"))?;
    Ok(Secret::from(key))
}

/// One line of standard input, without its end, and nothing beyond it: the rest is for whoever reads next.
pub fn stdin_line() -> io::Result<Secret> {
    let mut stdin = io::stdin().lock();
    let mut line = zeroize::Zeroizing::new(Vec::with_capacity(256));
    let mut byte = [0];
    while line.len() < STDIN_LINE_BYTES_MAX && stdin.read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend_from_slice(&byte);
    }
    Ok(Secret::from(line.to_vec()))
}

/// A key in hex is 64 bytes; more than this is not a key.
const STDIN_LINE_BYTES_MAX: usize = 4096;
