use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::output::{self, Exit};
use crate::config::{Config, process_env};
use crate::guarded::forbid_core_dumps;
use crate::{authority, folder};

/// Print the certificate of panguard's own authority, by which agents believe it as a forward proxy.
///
/// It is good for the hosts that are connections, and for no others: agents who have it need the new one when those change.
#[derive(Args)]
pub struct Arguments {
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    forbid_core_dumps();
    let config = Config::load(path, &process_env)?;
    let Some(pem) = authority::certificate(&config, &folder::open_vault(&config)?)? else {
        bail!(
            "no connection is reached by TLS; write one with `base_url: https://HOST`, or with `hosts: [NAME]`"
        );
    };
    match &arguments.out {
        Some(file) => fs::write(file, pem).with_context(|| format!("cannot write `{}`", file.display()))?,
        None => output::line(pem.trim_end()),
    }
    Ok(Exit::Fine)
}
