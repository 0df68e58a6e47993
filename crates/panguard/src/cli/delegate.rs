//! `panguard delegate`: somebody lends an agent some of their access.

use std::path::Path;

use anyhow::Context;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::console::{Console, Place};
use super::output::{self, Exit, Format};
use super::plain::{plain, plain_json};
use super::requests::seconds;
use super::upstream;

/// Lend an agent some of your access for a while: prints the token with which it comes in your name.
///
/// It does no more than you may do yourself at that moment, and than you say here. Who you are is told by your access token, in
/// PANGUARD_TOKEN or a file, or by `panguard login`; an agent hands on what it was lent with the token of that. Exits with 1 if that is
/// not allowed, 2 if the console cannot be asked.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// The agent's id, as policies and the audit log are to know it.
    #[arg(long, value_name = "AGENT", required = true)]
    to: Option<String>,
    /// The connections, with commas between them.
    #[arg(long, value_name = "NAME", required = true, value_delimiter = ',')]
    connections: Vec<String>,
    /// What may be done there: `read`, `write`, `administer`, `call`, `reveal`, `match`, with commas between them.
    #[arg(long, value_name = "ACTION", required = true, value_delimiter = ',', value_parser = ["read", "write", "administer", "call", "reveal", "match"])]
    actions: Vec<String>,
    /// For how long: `90s`, `15m`, `2h`; 12 hours at most.
    #[arg(long, value_name = "TIME", required = true, value_parser = seconds)]
    ttl: Option<u32>,
    /// What for; it is recorded.
    #[arg(long, value_name = "TEXT", required = true, value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,
    #[command(flatten)]
    place: Place,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Subcommand)]
enum Action {
    /// Print what you have lent and handed on, and is not over; all that anybody has, if you may take access away.
    List {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// End it at once, with all that was handed on of it.
    Revoke {
        /// As `list` prints it.
        id: String,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
        reason: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// As the console tells of it.
#[derive(Deserialize)]
struct Lent {
    id: String,
    agent: String,
    by: String,
    #[serde(default)]
    through: Vec<String>,
    connections: Vec<String>,
    actions: Vec<String>,
    /// In microseconds since 1970.
    until: i64,
    reason: String,
    is_revoked: bool,
    #[serde(default)]
    token: Option<String>,
}

pub fn run(config: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (place, format) = match &arguments.action {
        None => (&arguments.place, arguments.format),
        Some(Action::List { place, format } | Action::Revoke { place, format, .. }) => (place, *format),
    };
    let console = Console::new(config, place)?;
    let said = upstream::block_on(async {
        match &arguments.action {
            None => console.post("/api/delegations", &arguments.offer()).await,
            Some(Action::List { .. }) => console.get("/api/delegations").await,
            Some(Action::Revoke { id, reason, .. }) => {
                // What is no id is no part of a path either.
                let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                console.post(&format!("/api/delegations/{id}/revoke"), &json!({ "reason": reason })).await
            }
        }
    })??;
    let Some(value) = said.yes() else { return Ok(Exit::No) };
    match &arguments.action {
        None => lent(value, format)?,
        Some(Action::List { .. }) => list(value, format)?,
        Some(Action::Revoke { .. }) => match format {
            Format::Json => output::line(plain_json(&value)),
            Format::Text => output::line(format!("revoked: {}", read(value)?.said())),
        },
    }
    Ok(Exit::Fine)
}

/// The token alone goes to standard output, for `PANGUARD_TOKEN=$(panguard delegate …)`.
fn lent(value: Value, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        output::line(plain_json(&value));
        return Ok(());
    }
    let lent = read(value)?;
    eprintln!("lent: {}", lent.said());
    output::line(plain(lent.token.as_deref().context(NOT_READ)?));
    Ok(())
}

fn list(mut value: Value, format: Format) -> anyhow::Result<()> {
    let all = value.get_mut("delegations").map(Value::take).context(NOT_READ)?;
    let all: Vec<Value> = serde_json::from_value(all).context(NOT_READ)?;
    if all.is_empty() && format == Format::Text {
        output::line("nothing is lent now");
    }
    for one in all {
        match format {
            Format::Json => output::line(plain_json(&one)),
            Format::Text => output::line(read(one)?.said()),
        }
    }
    Ok(())
}

fn read(value: Value) -> anyhow::Result<Lent> {
    serde_json::from_value(value).context(NOT_READ)
}

impl Arguments {
    fn offer(&self) -> Value {
        let Self { to, connections, actions, ttl, reason, .. } = self;
        json!({ "agent": to, "connections": connections, "actions": actions, "seconds": ttl, "reason": reason })
    }
}

impl Lent {
    /// `d-5f0c… to agent claude by alice (through helper): read, call on payments-db until 2026-11-30T12:00:00Z: INC-4711`.
    fn said(&self) -> String {
        let Self { id, agent, by, through, connections, actions, until, reason, is_revoked, .. } = self;
        let through =
            if through.is_empty() { String::new() } else { format!(" (through {})", through.join(", ")) };
        let until =
            Timestamp::from_microsecond(*until).map_or_else(|_| "?".into(), |until| until.to_string());
        let revoked = if *is_revoked { ", REVOKED" } else { "" };
        let (actions, connections) = (actions.join(", "), connections.join(", "));
        plain(&format!(
            "{id} to agent {agent} by {by}{through}: {actions} on {connections} until {until}{revoked}: {reason}"
        ))
    }
}

const NOT_READ: &str = "what the console says is not understood; is it of a newer version of panguard?";
