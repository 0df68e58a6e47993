use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::output::{self, Exit, Format};
use super::proxy::Forward;
use crate::config::{Config, process_env};

/// Print what an agent needs to reach a connection through panguard: `eval "$(panguard env CONNECTION)"`.
#[derive(Args)]
pub struct Arguments {
    /// The connection's name in the configuration.
    connection: String,
    /// The name or address by which agents reach this gateway, if it is not the one it listens on.
    #[arg(long)]
    host: Option<String>,
    /// The file of panguard's certificate (`panguard ca --out FILE`), where the gateway's data folder is out of reach.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let route = Route::to(&config, &arguments.connection, arguments.host.as_deref())?;
    let forward = match route.lane {
        Lane::Postgres => None,
        Lane::Http | Lane::Llm => forward(&config, arguments)?,
    };
    match arguments.format {
        Format::Json => {
            let mut all = serde_json::Map::new();
            for (name, value) in route.variables() {
                all.insert(name, json!(value));
            }
            for (name, value) in forward.iter().flat_map(|forward| forward.variables(None)) {
                all.insert(name, json!(value));
            }
            output::json(&all)?;
        }
        Format::Text => {
            for (name, value) in route.variables() {
                output::line(format!("export {name}={value}"));
            }
            for (name, value) in forward.iter().flat_map(|forward| forward.variables(Some("$PANGUARD_TOKEN")))
            {
                output::line(format!("export {name}=\"{value}\""));
            }
            output::line(format!("# {}", route.url()));
            output::line(format!(
                "# {} the agent's OIDC access token; panguard gives none out",
                match route.lane {
                    Lane::Postgres => "PGPASSWORD is",
                    Lane::Llm =>
                        "OPENAI_API_KEY and ANTHROPIC_API_KEY are, and PANGUARD_TOKEN is for the proxy,",
                    Lane::Http => "`Authorization: Bearer` takes, and PANGUARD_TOKEN is for the proxy,",
                }
            ));
        }
    }
    Ok(Exit::Fine)
}

/// The way by the forward proxy. Where its certificate cannot be had, and none was named, the base URLs do without.
fn forward(config: &Config, arguments: &Arguments) -> anyhow::Result<Option<Forward>> {
    match Forward::of(config, arguments.host.as_deref(), arguments.ca.as_deref()) {
        Err(error) if arguments.ca.is_none() => {
            eprintln!("the forward proxy is left out: {error:#}");
            Ok(None)
        }
        forward => forward,
    }
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
    /// Whether there is no choice.
    pub fn is_one(config: &Config) -> bool {
        names(config).len() == 1
    }

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
