use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::explain;
use super::output::{self, Exit, Format};
use super::question::{self, Question};
use crate::config::{Config, process_env};
use crate::folder;

/// Check policies, ask them the questions that stand beside them, and explain what they say.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check the policies against the schema.
    Check {
        /// The folder, instead of the one in the configuration.
        folder: Option<PathBuf>,
        /// Print the Cedar schema instead.
        #[arg(long)]
        schema: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Ask the policies every question of their `questions.yaml` and compare the verdicts.
    Test {
        /// The folders, instead of the one in the configuration.
        folders: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    Explain(explain::Arguments),
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.action {
        Action::Check { schema: true, .. } => {
            output::line(policy::Policies::schema());
            Ok(Exit::Fine)
        }
        Action::Check { folder, schema: false, format } => check(&named(path, folder.as_deref())?, *format),
        Action::Test { folders, format } if folders.is_empty() => test(&[named(path, None)?], *format),
        Action::Test { folders, format } => test(folders, *format),
        Action::Explain(arguments) => explain::run(path, arguments),
    }
}

/// The folder that was named, or else the configuration's.
fn named(path: &Path, folder: Option<&Path>) -> anyhow::Result<PathBuf> {
    match folder {
        Some(folder) => Ok(folder.to_owned()),
        None => Ok(Config::load(path, &process_env)?.policies),
    }
}

fn check(folder: &Path, format: Format) -> anyhow::Result<Exit> {
    let (policies, problems) = match folder::policies(folder) {
        Ok(policies) => (policies.len(), Vec::new()),
        Err(problems) => (0, problems.0),
    };
    match format {
        Format::Json => output::json(&json!({ "policies": policies, "problems": problems }))?,
        Format::Text if problems.is_empty() => {
            output::line(format!("{}: {policies} policies, all fine", folder.display()));
        }
        Format::Text => problems.iter().for_each(|problem| eprintln!("{problem}")),
    }
    Ok(if problems.is_empty() { Exit::Fine } else { Exit::Wrong })
}

fn test(folders: &[PathBuf], format: Format) -> anyhow::Result<Exit> {
    let (mut asked, mut wrong) = (0, 0);
    for folder in folders {
        let policies = folder::policies(folder)?;
        let file = folder.join("questions.yaml");
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read the questions `{}`", file.display()))?;
        let questions = question::parse(&text).map_err(|why| anyhow::anyhow!("{}:{why}", file.display()))?;
        for question in &questions {
            let held = ask(&policies, &file, question, format)?;
            asked += 1;
            wrong += usize::from(!held);
        }
    }
    if format == Format::Text {
        output::line(format!("{asked} questions asked, {wrong} answered otherwise than expected"));
    }
    Ok(if wrong == 0 { Exit::Fine } else { Exit::No })
}

/// Asks one question; whether the answer is the one expected.
fn ask(
    policies: &policy::Policies,
    file: &Path,
    question: &Question,
    format: Format,
) -> anyhow::Result<bool> {
    let decision = question.ask(policies).map_err(|why| anyhow::anyhow!("{}:{why}", file.display()))?;
    let because: Vec<&str> = decision.policies.iter().map(|note| &*note.id).collect();
    let held = question.expects(&decision);
    let word = if decision.allowed { "allow" } else { "deny" };
    match format {
        Format::Json => output::json(&json!({
            "file": file, "question": question.question, "expected": question.verdict,
            "verdict": word, "because": because, "held": held,
        }))?,
        Format::Text if held => output::line(format!("ok     {word:<5}  {}", question.question)),
        Format::Text => {
            output::line(format!("WRONG  {word:<5}  {}", question.question));
            output::line(format!("       {}: {}", file.display(), decision.why()));
        }
    }
    Ok(held)
}
