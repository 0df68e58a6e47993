use access::Timestamp;
use audit::{Field, Misunderstood, Search};
use clap::Args;

use crate::cli::plain::plain;

/// Which entries are of interest; all that are given must fit.
#[derive(Args)]
pub struct Filter {
    /// Those that an expression fits, such as `decision = refused and object ~ cards and not principal = ci-bot`
    /// (docs/audit.md).
    #[arg(long = "where", value_name = "EXPR", value_parser = expression)]
    expression: Option<Search>,
    /// Those of one session, by its id.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Those of one agent or person, by the name in policies or the token's subject.
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// Those of one connection.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Those of one type, such as `command_refused`.
    #[arg(long, value_name = "TYPE")]
    event: Option<String>,
    /// Those since a moment (`2026-11-22T09:00:00Z`), or of the last while (`15m`, `2h`, `3d`).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
}

impl Filter {
    /// All of it as one expression.
    pub fn search(&self) -> Search {
        let fields = [
            (Field::Session, &self.session),
            (Field::Principal, &self.principal),
            (Field::Connection, &self.connection),
            (Field::Event, &self.event),
        ];
        let is = |(field, wanted): (Field, &Option<String>)| {
            wanted.as_deref().map(|wanted| Search::Is(field, wanted.into()))
        };
        let all = fields.into_iter().filter_map(is);
        Search::All(all.chain(self.since.map(Search::Since)).chain(self.expression.clone()).collect())
    }
}

fn expression(text: &str) -> Result<Search, String> {
    Search::parse(text, now()).map_err(|Misunderstood { at, what }| {
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let place = match rest.char_indices().nth(SHOWN_CHARS) {
            _ if rest.is_empty() => "at its end".to_owned(),
            Some((end, _)) => format!("at `{}…`", plain(rest.get(..end).unwrap_or_default())),
            None => format!("at `{}`", plain(rest)),
        };
        format!("character {}, {place}: {what}", before.chars().count() + 1)
    })
}

/// A moment, or a while before now.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(moment.as_microsecond()));
    }
    let wrong = "write a moment such as `2026-11-22T09:00:00Z`, or a while such as `15m`, `2h` or `3d`";
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u64>().ok());
    let seconds = match (number, text.chars().last()) {
        (Some(number), Some('s')) => number,
        (Some(number), Some('m')) => number.saturating_mul(60),
        (Some(number), Some('h')) => number.saturating_mul(3600),
        (Some(number), Some('d')) => number.saturating_mul(86_400),
        _ => return Err(wrong.into()),
    };
    Ok(now().plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_neg()))
}

/// By this machine's clock.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// So much of an expression is shown from where it goes wrong.
const SHOWN_CHARS: usize = 30;

#[cfg(test)]
mod tests;
