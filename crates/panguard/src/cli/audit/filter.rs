use access::Timestamp;
use audit::Entry;
use clap::Args;

/// Which entries are of interest; all that are given must fit.
#[derive(Args)]
pub struct Filter {
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
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
}

impl Filter {
    /// Whether the entry is of interest.
    pub fn takes(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(found);
        let who = entry.principal.as_ref();
        is(&self.session, &|id| entry.session.is_some_and(|session| session.to_string() == id))
            && is(&self.principal, &|id| who.is_some_and(|who| *who.id == *id || *who.subject == *id))
            && is(&self.connection, &|name| entry.connection.as_deref() == Some(name))
            && is(&self.event, &|name| entry.event.name() == name)
            && self.since.is_none_or(|since| entry.time >= since)
    }
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(moment.as_microsecond()));
    }
    let wrong = "write a moment such as `2026-11-22T09:00:00Z`, or a while such as `15m`, `2h` or `3d`";
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<i64>().ok());
    let seconds = match (number, text.chars().last()) {
        (Some(number), Some('s')) => number,
        (Some(number), Some('m')) => number.saturating_mul(60),
        (Some(number), Some('h')) => number.saturating_mul(3600),
        (Some(number), Some('d')) => number.saturating_mul(86_400),
        _ => return Err(wrong.into()),
    };
    Ok(Timestamp(jiff::Timestamp::now().as_microsecond()).plus_seconds(-seconds))
}
