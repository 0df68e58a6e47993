//! `panguard requests`: people answer requests for approval from a terminal.

mod shown;
#[cfg(test)]
mod tests;
mod values;

use std::path::Path;

use access::RequestId;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, Place};
use super::output::{self, Exit, Format};
use super::plain::plain_json;
use super::upstream;
use shown::Request;

/// See what waits for somebody's approval, and answer it.
///
/// Who you are is told by your access token, in PANGUARD_TOKEN or a file, or by `panguard login`. Exits with 0 if all is fine, 1 if the answer does
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
    /// Ask for access for a time, which somebody may give: what policy allows with approval needs no other then.
    Ask(Box<Asked>),
    /// Let the command run, once; or give access for a time, or a part of it.
    Approve {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
        /// It is rolled back if it touches more rows. Without it, if it touches more than were counted.
        #[arg(long, value_name = "NUMBER")]
        rows_max: Option<u64>,
        #[command(flatten)]
        left: Left,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let the command run, once, without waiting for anybody: where policy lets you, and somebody reviews it afterwards.
    BreakGlass {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        /// Why it cannot wait; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// End access at once that was given for a time, or give it back.
    Revoke {
        /// `3f9a61c0d4e8b752-1`.
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
    /// Say that you have looked at why somebody did not wait.
    Review {
        /// `3f9a61c0d4e8b752-12`.
        #[arg(value_parser = id)]
        id: String,
        /// What you think of it; it is recorded.
        #[arg(long, value_name = "TEXT")]
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

/// Access for a time that is asked for.
#[derive(Args)]
struct Asked {
    /// The connection.
    connection: String,
    /// What is to be done; more than once for more.
    #[arg(long = "action", value_name = "ACTION", required = true, value_parser = ["read", "write", "administer", "call", "reveal"])]
    actions: Vec<String>,
    /// To what: `public.orders`, `public.*`, `GET /v1/charges/*`, `*`; more than once for more.
    #[arg(long = "object", value_name = "OBJECT", required = true)]
    objects: Vec<String>,
    /// A data class that is to be revealed; more than once for more.
    #[arg(long = "class", value_name = "CLASS")]
    classes: Vec<String>,
    /// How many values are to be revealed; without it any number.
    #[arg(long, value_name = "NUMBER")]
    reveals: Option<u32>,
    /// For how long from when it is given: `90s`, `15m`, `2h`, `1d`.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    seconds: u32,
    /// What for; it is recorded.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How many people have to give it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    approvals: u32,
    #[command(flatten)]
    place: Place,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Asked {
    /// As the console reads it.
    fn wish(&self) -> Value {
        let Self { connection, actions, objects, classes, reveals, seconds, reason, approvals, .. } = self;
        json!({
            "connection": connection, "actions": actions, "objects": objects, "classes": classes,
            "reveals": reveals, "seconds": seconds, "reason": reason, "approvals": approvals,
        })
    }
}

/// What is left of access for a time by whoever gives it: all that was asked for where nothing is said.
#[derive(Args)]
struct Left {
    /// Of access for a time: only this action; more than once for more.
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<String>,
    /// Of access for a time: only to this; more than once for more.
    #[arg(long = "object", value_name = "OBJECT")]
    objects: Vec<String>,
    /// Of access for a time: only this data class; more than once for more.
    #[arg(long = "class", value_name = "CLASS")]
    classes: Vec<String>,
    /// Of access for a time: only so many values.
    #[arg(long, value_name = "NUMBER")]
    reveals: Option<u32>,
    /// Of access for a time: only for so long.
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    seconds: Option<u32>,
}

impl Left {
    /// As the console reads it; `None` where nothing is said.
    fn narrower(&self) -> Option<Value> {
        let Self { actions, objects, classes, reveals, seconds } = self;
        let some = |texts: &[String]| (!texts.is_empty()).then(|| json!(texts));
        let said = [
            ("actions", some(actions)),
            ("objects", some(objects)),
            ("classes", some(classes)),
            ("reveals", reveals.map(Into::into)),
            ("seconds", seconds.map(Into::into)),
        ];
        let said: serde_json::Map<_, _> =
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        (!said.is_empty()).then_some(Value::Object(said))
    }
}

pub fn run(config: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (place, format) = match &arguments.action {
        Action::Ask(asked) => (&asked.place, asked.format),
        Action::List { place, format, .. }
        | Action::Show { place, format, .. }
        | Action::Approve { place, format, .. }
        | Action::BreakGlass { place, format, .. }
        | Action::Revoke { place, format, .. }
        | Action::Review { place, format, .. }
        | Action::Deny { place, format, .. } => (place, *format),
    };
    let console = Console::new(config, place)?;
    let said = upstream::block_on(async {
        match &arguments.action {
            Action::List { all, limit, .. } => {
                console.get(&format!("/api/requests?all={all}&limit={limit}")).await
            }
            Action::Show { id, .. } => console.get(&format!("/api/requests/{id}")).await,
            Action::Ask(asked) => console.post("/api/requests", &asked.wish()).await,
            Action::Approve { id, comment, rows_max, left, .. } => {
                // A console of an earlier version knows a comment alone.
                let more = [("rows_max", rows_max.map(Value::from)), ("narrower", left.narrower())];
                let mut body = json!({ "comment": comment });
                for (name, value) in more {
                    if let (Some(body), Some(value)) = (body.as_object_mut(), value) {
                        body.insert(name.into(), value);
                    }
                }
                console.answer(id, "approve", &body).await
            }
            Action::Revoke { id, comment, .. } => {
                console.answer(id, "revoke", &json!({ "comment": comment })).await
            }
            Action::Deny { id, comment, .. } => {
                console.answer(id, "deny", &json!({ "comment": comment })).await
            }
            Action::BreakGlass { id, reason, .. } => {
                console.answer(id, "break-glass", &json!({ "comment": reason })).await
            }
            Action::Review { id, comment, .. } => {
                console.answer(id, "review", &json!({ "comment": comment })).await
            }
        }
    })??;
    let Some(value) = said.yes() else { return Ok(Exit::No) };
    match &arguments.action {
        Action::List { .. } => list(value, format)?,
        Action::Show { .. } => show(value, format, Request::whole)?,
        Action::Ask(_)
        | Action::Approve { .. }
        | Action::Deny { .. }
        | Action::BreakGlass { .. }
        | Action::Review { .. }
        | Action::Revoke { .. } => show(value, format, |it, now| vec![it.heading(now)])?,
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

/// `90s`, `15m`, `2h`, `1d`, in seconds.
pub(super) fn seconds(text: &str) -> Result<u32, &'static str> {
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    seconds.filter(|seconds| *seconds > 0).ok_or("write a time such as `90s`, `15m`, `2h` or `1d`")
}

/// A request's id. Nothing else becomes part of a URL.
fn id(text: &str) -> Result<String, &'static str> {
    let id = RequestId::read(text).map(|id| id.to_string());
    id.ok_or("write a request's id, such as `3f9a61c0d4e8b752-12`: `panguard requests list` prints them")
}

const NO_REQUEST: &str =
    "the console answers something that is no request; are it and this program of one version?";
