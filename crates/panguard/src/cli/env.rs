use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::output::{self, Exit, Format};
use crate::config::{Config, process_env};

/// Print what an agent needs to reach a connection through panguard: `eval "$(panguard env CONNECTION)"`.
#[derive(Args)]
pub struct Arguments {
    /// The connection's name in the configuration.
    connection: String,
    /// The name or address by which agents reach this gateway, if it is not the one it listens on.
    #[arg(long)]
    host: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let route = Route::to(&config, &arguments.connection, arguments.host.as_deref())?;
    match arguments.format {
        Format::Json => {
            let mut all = serde_json::Map::new();
            for (name, value) in route.variables() {
                all.insert(name, json!(value));
            }
            output::json(&all)?;
        }
        Format::Text => {
            for (name, value) in route.variables() {
                output::line(format!("export {name}={value}"));
            }
            output::line(format!("# {}", route.url()));
            output::line(format!(
                "# {} the agent's OIDC access token; panguard gives none out",
                match route.lane {
                    Lane::Postgres => "PGPASSWORD is",
                    Lane::Llm => "OPENAI_API_KEY and ANTHROPIC_API_KEY are",
                    Lane::Http => "`Authorization: Bearer` takes",
                }
            ));
        }
    }
    Ok(Exit::Fine)
}

/// How a client comes to one connection.
pub struct Route {
    host: String,
    port: u16,
    connection: String,
    lane: Lane,
    tls: bool,
}

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Postgres,
    Http,
    /// HTTP, to models.
    Llm,
}

impl Route {
    /// The way to `connection`, or to the only one there is.
    pub fn to_any(config: &Config, connection: Option<&str>, host: Option<&str>) -> anyhow::Result<Self> {
        match (connection, names(config).as_slice()) {
            (Some(name), _) => Self::to(config, name, host),
            (None, [only]) => Self::to(config, only, host),
            (None, names) => bail!("say which connection with `--connection NAME`: {}", names.join(", ")),
        }
    }

    /// The way to `connection`; `host` in the place of the address that panguard listens on.
    pub fn to(config: &Config, connection: &str, host: Option<&str>) -> anyhow::Result<Self> {
        let lane = match config.https.get(connection) {
            Some(http) if http.asks_models => Lane::Llm,
            Some(_) => Lane::Http,
            None if config.connections.contains_key(connection) => Lane::Postgres,
            None => {
                let names = names(config).join(", ");
                bail!("there is no connection `{connection}`; the configuration has: {names}");
            }
        };
        let (listens, key) = match lane {
            Lane::Postgres => (config.postgres, "postgres"),
            Lane::Http | Lane::Llm => (config.http, "http"),
        };
        let listens = listens.with_context(|| {
            format!(
                "panguard does not listen for clients of `{connection}`; write `listen: {{ {key}: IP:PORT }}`"
            )
        })?;
        let host = match host {
            Some(host) => host.to_owned(),
            None if listens.ip().is_unspecified() => {
                bail!(
                    "panguard listens on every address; say by which one agents reach it with `--host HOST`"
                )
            }
            None => listens.ip().to_string(),
        };
        let tls = config.tls.is_some();
        Ok(Self { host, port: listens.port(), connection: connection.to_owned(), lane, tls })
    }

    /// The variables that clients read: libpq's, or the base URLs of SDKs; and the URL that others want.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = self.url();
        let named = |all: &[(&str, &str)]| {
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let own = format!("{}_URL", self.connection.to_ascii_uppercase().replace('-', "_"));
        match self.lane {
            Lane::Postgres => {
                let port = self.port.to_string();
                let mut all = named(&[
                    ("PGHOST", &self.host),
                    ("PGPORT", &port),
                    ("PGUSER", "agent"),
                    ("PGDATABASE", &self.connection),
                    ("DATABASE_URL", &url),
                ]);
                if self.tls {
                    // The token is a password: it must not go to whoever answers.
                    all.extend(named(&[("PGSSLMODE", "verify-full")]));
                }
                all
            }
            Lane::Http => named(&[(&own, &url)]),
            Lane::Llm => named(&[("OPENAI_BASE_URL", &url), ("ANTHROPIC_BASE_URL", &url), (&own, &url)]),
        }
    }

    /// The variables in which clients look for what they are to sign in with.
    pub fn tokens(&self) -> &'static [&'static str] {
        match self.lane {
            Lane::Postgres => &["PGPASSWORD"],
            Lane::Http => &[],
            Lane::Llm => &["OPENAI_API_KEY", "ANTHROPIC_API_KEY"],
        }
    }

    fn url(&self) -> String {
        let Self { host, port, connection, .. } = self;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        match (self.lane, self.tls) {
            (Lane::Postgres, _) => format!("postgres://agent@{host}:{port}/{connection}"),
            (Lane::Http | Lane::Llm, true) => format!("https://{host}:{port}/{connection}"),
            (Lane::Http | Lane::Llm, false) => format!("http://{host}:{port}/{connection}"),
        }
    }
}

fn names(config: &Config) -> Vec<&str> {
    config.connections.keys().chain(config.https.keys()).map(|name| &**name).collect()
}
