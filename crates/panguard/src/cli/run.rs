use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::Args;

use super::env::Route;
use super::output::Exit;
use crate::config::{Config, process_env};

/// Run an agent with the variables of `panguard env` set: `panguard run -- psql`.
///
/// Its token is taken from where the client looks for one (PGPASSWORD, OPENAI_API_KEY), or else from PANGUARD_TOKEN.
#[derive(Args)]
pub struct Arguments {
    /// The connection, where the configuration has several.
    #[arg(long)]
    connection: Option<String>,
    /// The name or address by which the gateway is reached, if it is not the one it listens on.
    #[arg(long)]
    host: Option<String>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let route = Route::to_any(&config, arguments.connection.as_deref(), arguments.host.as_deref())?;
    let (program, rest) = arguments.command.split_first().context("there is no command to run")?;
    let mut command = Command::new(program);
    command.args(rest).envs(route.variables());
    if let Some(token) = std::env::var_os("PANGUARD_TOKEN") {
        let unset = route.tokens().iter().filter(|name| std::env::var_os(name).is_none());
        command.envs(unset.map(|name| (*name, token.clone())));
    }
    // Becomes the command, so that its exit code and signals are its own.
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run `{program}`"))
}
