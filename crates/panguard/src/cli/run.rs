use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;

use super::env::Route;
use super::output::Exit;
use super::proxy::Forward;
use crate::config::{Config, process_env};

/// Run an agent with the variables of `panguard env` set: `panguard run -- psql`.
///
/// What it asks of HTTP systems goes through panguard also where it knows nothing of it, by `HTTPS_PROXY` and its like.
/// Its token is taken from where the client looks for one (PGPASSWORD, OPENAI_API_KEY), or else from PANGUARD_TOKEN.
#[derive(Args)]
pub struct Arguments {
    /// The connection, where the configuration has several.
    #[arg(long)]
    connection: Option<String>,
    /// The name or address by which the gateway is reached, if it is not the one it listens on.
    #[arg(long)]
    host: Option<String>,
    /// The file of panguard's certificate (`panguard ca --out FILE`), where the gateway's data folder is out of reach.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let host = arguments.host.as_deref();
    let forward = Forward::of(&config, host, arguments.ca.as_deref())?;
    // Through the proxy every HTTP system is reached: a connection need not be chosen.
    let route = match (&arguments.connection, &forward) {
        (None, Some(_)) if !Route::is_one(&config) => None,
        (connection, _) => Some(Route::to_any(&config, connection.as_deref(), host)?),
    };
    let (program, rest) = arguments.command.split_first().context("there is no command to run")?;
    let mut command = Command::new(program);
    command.args(rest);
    let tokens = route.as_ref().map_or(&[][..], Route::tokens);
    let set = |name: &str| std::env::var_os(name);
    let token = set("PANGUARD_TOKEN").or_else(|| tokens.iter().find_map(|name| set(name)));
    if let Some(forward) = &forward {
        let token = token.as_ref().and_then(|token| token.to_str());
        command.envs(forward.variables(token));
    }
    command.envs(route.iter().flat_map(Route::variables));
    if let Some(token) = set("PANGUARD_TOKEN") {
        let unset = tokens.iter().filter(|name| set(name).is_none());
        command.envs(unset.map(|name| (*name, token.clone())));
    }
    // Becomes the command, so that its exit code and signals are its own.
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run `{program}`"))
}
