//! A process that has credentials in its memory keeps them there.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, bail};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use tracing::{error, warn};

use crate::config::{Config, VaultKey};
use crate::vault_key::{BY_STDIN, of_environment};

/// No core dump holds credentials and card data (DESIGN.md, promise 4), and nobody but root reads the process's memory and
/// environment, also not others of the same user.
pub fn forbid_core_dumps() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        error!(%error, "core dumps cannot be switched off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        error!(%error, "other processes of this user cannot be kept from reading this one's memory");
    }
}

/// No memory of the process is written to swap.
pub fn lock_memory() {
    let unlimited = Rlimit { current: None, maximum: None };
    // Root may.
    _ = setrlimit(Resource::Memlock, unlimited);
    // Within a limit, memory that is wanted beyond it would be refused, and so would commands.
    // In a user namespace of its own a process has capabilities that count for nothing outside.
    let is_outermost = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    let has_it = capabilities(None).is_ok_and(|it| it.effective.contains(CapabilitySet::IPC_LOCK));
    let may_all = has_it && is_outermost;
    let locked = match may_all || getrlimit(Resource::Memlock) == unlimited {
        true => mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT),
        false => Err(rustix::io::Errno::PERM),
    };
    if let Err(error) = locked {
        warn!(%error, "memory may be written to swap; let the process lock it (`LimitMEMLOCK=infinity`, `ulimit -l unlimited`), or have no swap");
    }
}

/// Begins anew without the vault's key in the environment, which everybody who may read `/proc/PID/environ` could read for as long as the
/// process lives. The key then comes by standard input. Comes back if there is nothing to hide.
///
/// To be called before any thread is begun.
///
/// # Errors
/// The key is not there, or the process cannot begin anew.
pub fn hide(config: &Config) -> anyhow::Result<()> {
    let VaultKey::Env(name) = &config.vault_key else { return Ok(()) };
    if std::env::var_os(BY_STDIN).is_some() {
        return Ok(());
    }
    let key = of_environment(name)?;
    if key.expose().len() > KEY_BYTES_MAX {
        bail!("what is in the variable `{name}` is no key of a vault: it is too long");
    }
    let again = || -> io::Result<io::Error> {
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(key.expose())?;
        writer.write_all(b"\n")?;
        drop(writer);
        let mut arguments = std::env::args_os();
        let called = arguments.next().unwrap_or_else(|| OsStr::new("panguard").to_owned());
        // By this name it is there even if another has taken its place on the disk.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(called).args(arguments).env_remove(name).env(BY_STDIN, "1").stdin(reader);
        // It comes back only if it fails.
        Ok(command.exec())
    };
    let failed = again().unwrap_or_else(|error| error);
    Err(failed).context("panguard cannot begin anew without the vault's key in its environment")
}

/// A key in hex is 64 bytes; a pipe takes more than this without a reader.
const KEY_BYTES_MAX: usize = 4096;
