use std::path::Path;

use clap::Args;
use policy::Policies;
use serde_json::json;

use super::output::{self, Exit, Format};
use super::rights;
use crate::config::{Config, Problem, process_env};
use crate::folder;

/// Check the configuration and the policies, with file, line and what to write instead; or the rights of an upstream's role.
#[derive(Args)]
pub struct Arguments {
    /// Print the JSON Schema of the configuration instead.
    #[arg(long)]
    schema: bool,
    /// Compare the rights of panguard's role in this connection's database with what policy could ever allow, and
    /// print the statements that take away what nobody needs. Nothing is run. Exits with 1 if there are any.
    #[arg(long, value_name = "NAME", conflicts_with = "schema")]
    connection: Option<String>,
    /// The role that is to own what panguard's role must not own.
    #[arg(long, value_name = "ROLE", requires = "connection")]
    owner: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is said of policies that ask for approvals which nobody may give.
pub fn nobody_answers(folder: &Path, policies: &Policies) -> Option<Problem> {
    let message = format!(
        "policy `{}` asks for approvals, and nobody may give one; write a `permit` of `action == Action::\"approve\"`",
        policies.asks_nobody()?
    );
    Some(Problem { file: folder.into(), line: 0, message })
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.schema {
        output::line(serde_json::to_string_pretty(&Config::schema())?);
        return Ok(Exit::Fine);
    }
    if let Some(name) = &arguments.connection {
        let config = Config::load(path, &process_env)?;
        return rights::check(&config, name, arguments.owner.as_deref(), arguments.format);
    }
    let (mut connections, mut policies, mut notices) = (0, 0, Vec::new());
    let problems = match Config::load(path, &process_env) {
        Err(problems) => problems.0,
        Ok(config) => {
            connections = config.connections.len() + config.https.len();
            notices = config.notices;
            match folder::policies(&config.policies) {
                Err(problems) => problems.0,
                Ok(read) => {
                    policies = read.len();
                    notices.extend(nobody_answers(&config.policies, &read));
                    Vec::new()
                }
            }
        }
    };
    if matches!(arguments.format, Format::Text) {
        notices.iter().for_each(|notice| eprintln!("{notice}"));
    }
    match arguments.format {
        Format::Json => {
            output::json(&json!({ "ok": problems.is_empty(), "problems": problems, "notices": notices }))?
        }
        Format::Text if problems.is_empty() => {
            output::line(format!("{}: fine, {connections} connections, {policies} policies", path.display()));
        }
        Format::Text => problems.iter().for_each(|problem| eprintln!("{problem}")),
    }
    Ok(if problems.is_empty() { Exit::Fine } else { Exit::Wrong })
}
