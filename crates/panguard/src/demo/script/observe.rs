use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

use crate::demo::house::{AUDIENCE, House, TOKEN_LIFETIME, Who};
use crate::demo::{Demo, show};
use ship::line;

/// Who looks from outside: a way through the gateway, a way past it, and the log's files.
pub struct Witness<'a> {
    demo: &'a Demo,
    /// Past the gateway, as the server's administrator.
    pub database: Client,
    /// Entries of the audit log that have been shown.
    seen: Cell<u64>,
}

impl<'a> Witness<'a> {
    pub async fn new(demo: &'a Demo) -> anyhow::Result<Self> {
        let database = demo.postgres.administrator("payments").await?;
        let witness = Self { demo, database, seen: Cell::new(0) };
        // What the gateway's own start has left.
        witness.recorded().await?;
        Ok(witness)
    }

    pub fn house(&self) -> &House {
        &self.demo.house
    }

    pub fn folder(&self) -> &Path {
        self.demo.folder.path()
    }

    /// A token of the issuer's.
    pub fn token(&self, who: Who, lifetime: Duration) -> anyhow::Result<String> {
        self.demo.issuer.token(&who.identity(), AUDIENCE, lifetime)
    }

    /// This program, run by somebody who has their token in its environment. Whether it says that all is fine, and what it
    /// says.
    pub fn as_who<'b>(
        &self,
        who: Who,
        arguments: impl IntoIterator<Item = &'b str>,
    ) -> anyhow::Result<(bool, String)> {
        let mut command = self.demo.house.panguard(arguments)?;
        command.env("PANGUARD_TOKEN", self.token(who, TOKEN_LIFETIME)?);
        let done = command.output().context("this program does not start again")?;
        let said = if done.status.success() { &done.stdout } else { &done.stderr };
        Ok((done.status.success(), String::from_utf8_lossy(said).trim_end().to_owned()))
    }

    /// A session through the gateway, which may be refused.
    pub async fn try_session(&self, token: &str) -> Result<Client, Error> {
        let address = self.demo.house.postgres;
        let mut config = tokio_postgres::Config::new();
        config.host(address.ip().to_string()).port(address.port()).user("agent").dbname("payments-db");
        config.password(token).application_name("panguard demo");
        let (client, connection) = config.connect(NoTls).await?;
        // It ends with the client, or with the gateway's last word, which the client's next call tells.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A session through the gateway.
    pub async fn session(&self, who: Who, lifetime: Duration) -> anyhow::Result<Client> {
        let session = self.try_session(&self.token(who, lifetime)?).await;
        session.with_context(|| format!("{} gets no session through the gateway", who.name()))
    }

    /// One value of the database, as text, past the gateway.
    pub async fn truth(&self, sql: &str) -> anyhow::Result<String> {
        let rows = rows(&self.database, sql).await?;
        let first = rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
        first.with_context(|| format!("the database has no answer to `{sql}`"))
    }

    /// The entries that came since the last time, as lines.
    pub async fn recorded(&self) -> anyhow::Result<Vec<String>> {
        let deadline = Instant::now() + OUTCOME_MAX;
        loop {
            let mut lines = Vec::new();
            let (mut next, mut complete) = (self.seen.get(), false);
            for entry in audit::entries(&self.demo.house.audit, next..u64::MAX) {
                let (index, entry) = entry?;
                next = index + 1;
                complete = line::ends_a_command(&entry.event);
                lines.push(format!("#{index} {}", line::what(&entry.event)));
            }
            // An outcome is recorded after its answer, so it may be on its way.
            if complete || Instant::now() > deadline {
                self.seen.set(next);
                return Ok(lines);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The rows of a statement, every value as text.
pub async fn rows(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    let messages = client.simple_query(sql).await?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}

/// Rows as people read them.
pub fn table(rows: &[Vec<Option<String>>]) -> String {
    let line = |row: &Vec<Option<String>>| {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
        cells.join("  |  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The digits of a text, and nothing else.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What a refused client reads: severity, SQLSTATE and message, detail, hint. `None` if no server said it.
pub fn said(error: &Error) -> Option<String> {
    let error = error.as_db_error()?;
    let mut text = format!("{} {}: {}", error.severity(), error.code().code(), error.message());
    for (label, part) in [("DETAIL", error.detail()), ("HINT", error.hint())] {
        if let Some(part) = part {
            text += &format!("\n{label}: {part}");
        }
    }
    Some(text)
}

/// Whether the client was refused with this code of the catalogue.
pub fn refused_as(error: &Error, code: access::Code) -> bool {
    said(error).is_some_and(|text| text.contains(code.as_str()))
}

/// What a client that was expected to be refused got.
pub fn outcome<T>(result: &Result<T, Error>) -> String {
    match result {
        Ok(_) => "it was done".to_owned(),
        Err(error) => said(error).unwrap_or_else(|| show::one_line(&error.to_string())),
    }
}

/// An outcome is durable in milliseconds.
const OUTCOME_MAX: Duration = Duration::from_millis(500);
