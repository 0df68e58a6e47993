use std::path::Path;

use anyhow::bail;
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
                all.insert(name.to_owned(), json!(value));
            }
            output::json(&all)?;
        }
        Format::Text => {
            for (name, value) in route.variables() {
                output::line(format!("export {name}={value}"));
            }
            output::line(format!("# {}", route.url()));
            output::line("# PGPASSWORD is the agent's OIDC access token; panguard gives none out");
        }
    }
    Ok(Exit::Fine)
}

/// How a client comes to one connection.
pub struct Route {
    host: String,
    port: u16,
    connection: String,
    tls: bool,
}

impl Route {
    /// The way to `connection`, or to the only one there is.
    pub fn to_any(config: &Config, connection: Option<&str>, host: Option<&str>) -> anyhow::Result<Self> {
        let names: Vec<&str> = config.connections.keys().map(|name| &**name).collect();
        match (connection, names.as_slice()) {
            (Some(name), _) => Self::to(config, name, host),
            (None, [only]) => Self::to(config, only, host),
            (None, _) => bail!("say which connection with `--connection NAME`: {}", names.join(", ")),
        }
    }

    /// The way to `connection`; `host` in the place of the address that panguard listens on.
    pub fn to(config: &Config, connection: &str, host: Option<&str>) -> anyhow::Result<Self> {
        if !config.connections.contains_key(connection) {
            let names: Vec<&str> = config.connections.keys().map(|name| &**name).collect();
            bail!("there is no connection `{connection}`; the configuration has: {}", names.join(", "));
        }
        let listens = config.postgres;
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
        Ok(Self { host, port: listens.port(), connection: connection.to_owned(), tls })
    }

    /// libpq's variables, which most PostgreSQL clients read, and the URL that others want.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("PGHOST", self.host.clone()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "agent".to_owned()),
            ("PGDATABASE", self.connection.clone()),
            ("DATABASE_URL", self.url()),
        ];
        if self.tls {
            // The token is a password: it must not go to whoever answers.
            all.push(("PGSSLMODE", "verify-full".to_owned()));
        }
        all
    }

    fn url(&self) -> String {
        let Self { host, port, connection, .. } = self;
        if host.contains(':') {
            format!("postgres://agent@[{host}]:{port}/{connection}")
        } else {
            format!("postgres://agent@{host}:{port}/{connection}")
        }
    }
}
