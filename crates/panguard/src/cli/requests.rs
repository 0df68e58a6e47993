//! `panguard requests`: people answer requests for approval from a terminal.

mod console;
mod shown;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};

use access::RequestId;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{self, Exit, Format};
use super::plain::{plain, plain_json};
use super::upstream;
use console::{Console, Said};
use shown::Request;

/// See what waits for somebody's approval, and answer it.
///
/// Who you are is told by your access token, in PANGUARD_TOKEN or a file. Exits with 0 if all is fine, 1 if the answer does
/// not count or there is no such request for you, 2 if the console cannot be asked.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the requests that you may answer or have asked, newest first.
    List {
        /// Those, too, that are over.
        #[arg(long)]
        all: bool,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print everything about one request. That you looked is recorded.
    Show {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let the command run, once.
    Approve {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Do not let the command run.
    Deny {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        /// Why, and what to do instead: the agent reads it.
        #[arg(long, value_name = "TEXT")]
        comment: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// Where the console is, and who asks there.
#[derive(Args)]
struct Place {
    /// The console: `https://…`, or `http://…` on loopback. Without it, `listen.console` of the configuration.
    #[arg(long, value_name = "URL", env = "PANGUARD_CONSOLE")]
    console: Option<String>,
    /// The file of your access token, in the place of PANGUARD_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authorities (PEM) that the console's certificate must come from, instead of the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

pub fn run(config: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (place, format) = match &arguments.action {
        Action::List { place, format, .. }
        | Action::Show { place, format, .. }
        | Action::Approve { place, format, .. }
        | Action::Deny { place, format, .. } => (place, *format),
    };
    let console = Console::new(config, place)?;
    let said = upstream::block_on(async {
        match &arguments.action {
            Action::List { all, limit, .. } => {
                console.get(&format!("/api/requests?all={all}&limit={limit}")).await
            }
            Action::Show { id, .. } => console.get(&format!("/api/requests/{id}")).await,
            Action::Approve { id, comment, .. } => {
                console.post(&format!("/api/requests/{id}/approve"), &json!({ "comment": comment })).await
            }
            Action::Deny { id, comment, .. } => {
                console.post(&format!("/api/requests/{id}/deny"), &json!({ "comment": comment })).await
            }
        }
    })??;
    let value = match said {
        Said::Yes(value) => value,
        Said::No { title, detail } => {
            eprintln!("panguard: {}\n  {}", plain(&title), plain(&detail));
            return Ok(Exit::No);
        }
    };
    match &arguments.action {
        Action::List { .. } => list(value, format)?,
        Action::Show { .. } => show(value, format, Request::whole)?,
        Action::Approve { .. } | Action::Deny { .. } => show(value, format, |it, now| vec![it.heading(now)])?,
    }
    Ok(Exit::Fine)
}

fn list(mut value: Value, format: Format) -> anyhow::Result<()> {
    let requests = value.get_mut("requests").map(Value::take).context(NO_REQUEST)?;
    if format == Format::Json {
        // One value a line, as of every command.
        let requests: Vec<Value> = serde_json::from_value(requests).context(NO_REQUEST)?;
        requests.iter().for_each(|request| output::line(plain_json(request)));
        return Ok(());
    }
    let requests: Vec<Request> = serde_json::from_value(requests).context(NO_REQUEST)?;
    if requests.is_empty() {
        output::line("there are no requests for you");
    }
    let now = jiff::Timestamp::now();
    for request in &requests {
        request.brief(now).iter().for_each(output::line);
    }
    Ok(())
}

fn show(
    value: Value,
    format: Format,
    lines: impl Fn(&Request, jiff::Timestamp) -> Vec<String>,
) -> anyhow::Result<()> {
    match format {
        Format::Json => output::line(plain_json(&value)),
        Format::Text => {
            let request: Request = serde_json::from_value(value).context(NO_REQUEST)?;
            lines(&request, jiff::Timestamp::now()).iter().for_each(output::line);
        }
    }
    Ok(())
}

/// A request's id. Nothing else becomes part of a URL.
fn id(text: &str) -> Result<String, &'static str> {
    let id = RequestId::read(text).map(|id| id.to_string());
    id.ok_or("write a request's id, such as `3f9a61c0d4e8b752-12`: `panguard requests list` prints them")
}

const NO_REQUEST: &str =
    "the console answers something that is no request; are it and this program of one version?";
