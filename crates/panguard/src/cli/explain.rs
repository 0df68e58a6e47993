//! `panguard policy explain`: what panguard makes of a statement or a request, and what it would say, without running it.

mod request;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use access::{Delegation, Facts, Kind, ModeOf, Principal, Timestamp};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use gate::{Asking, explain};
use policy::Scope;
use sql::Catalog;

use super::explained::Explained;
use super::output::{self, Exit, Format};
use crate::config::{self, Config, process_env};
use crate::{folder, serve};

/// Print what panguard understands of a statement or an HTTP request, and whether it would be allowed, without running it.
///
/// The catalog of a database is read from there, as the gateway reads it. An HTTP system is not asked anything.
#[derive(Args)]
pub struct Arguments {
    /// The connection that it would be sent to.
    #[arg(long, value_name = "NAME")]
    connection: String,
    /// Who would send it: `agent:NAME` or `user:SUBJECT`.
    #[arg(long, value_name = "WHO")]
    principal: Who,
    /// A group of theirs; repeatable.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<Box<str>>,
    /// The issuer of their token, if not the first in the configuration.
    #[arg(long, value_name = "URL")]
    issuer: Option<Box<str>>,
    /// The person on whose behalf an agent would act, by their `sub`.
    #[arg(long, value_name = "SUBJECT")]
    on_behalf_of: Option<Box<str>>,
    /// How many people have approved this very statement.
    #[arg(long, value_name = "N", default_value_t = 0)]
    approvals: u32,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A file with the body of a request; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A field of the header of a request, such as `Content-Type: application/json`; repeatable.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The statement as it would be sent; or for `http` and `llm` a method and a target, `GET /v1/charges/ch_7?expand=card`.
    #[arg(value_name = "SQL or REQUEST")]
    command: String,
}

/// A principal by kind and name.
#[derive(Clone)]
struct Who {
    kind: Kind,
    id: Box<str>,
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = match text.split_once(':') {
            Some(("agent", id)) => (Kind::Agent, id),
            Some(("user", id)) => (Kind::User, id),
            _ => return Err("write `agent:NAME` or `user:SUBJECT`".into()),
        };
        match id {
            "" => Err("there is no name behind the colon".into()),
            id => Ok(Self { kind, id: id.into() }),
        }
    }
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let policies = folder::policies(&config.policies)?;
    if arguments.on_behalf_of.is_some() && arguments.principal.kind == Kind::User {
        bail!("only an agent acts on behalf of somebody; leave `--on-behalf-of` out, or name an agent");
    }
    let name = &*arguments.connection;
    if let Some(connection) = config.https.get(name) {
        return request::run(&config, &policies, connection, arguments);
    }
    let Some(connection) = config.connections.get(name) else {
        let known: Vec<&str> =
            config.connections.keys().chain(config.https.keys()).map(|name| &**name).collect();
        bail!("there is no connection `{name}` in `{}`; it has {}", path.display(), known.join(", "));
    };
    if arguments.body.is_some() || !arguments.headers.is_empty() {
        bail!("`--body` and `--header` are of requests, and `{name}` is a database");
    }
    let catalog = catalog(&config, name, connection)?;
    for column in catalog.unmatched() {
        eprintln!("panguard: the labelled column `{column}` does not exist in `{name}`");
    }
    let facts = facts(&arguments.command, &catalog);
    let principal = principal(&config, arguments);
    let asking = Asking {
        principal: &principal,
        scope: Scope {
            connection: name,
            labels: &connection.labels,
            mode: ModeOf::find(&connection.modes, &principal),
        },
        classes: serve::scanned(&config),
        approvals: arguments.approvals,
    };
    let ruling = explain(&policies, asking, &facts);
    let explained = Explained::new(name, &principal, &arguments.command, &catalog, &facts, &ruling);
    match arguments.format {
        Format::Json => output::json(&explained)?,
        Format::Text => explained.lines().iter().for_each(output::line),
    }
    Ok(if ruling.is_ok() { Exit::Fine } else { Exit::No })
}

/// What exists in the database of the connection now.
fn catalog(config: &Config, name: &str, connection: &config::Connection) -> anyhow::Result<Catalog> {
    let vault = Arc::new(folder::open_vault(config)?);
    let upstream = serve::upstream(name, connection)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_stack_size(serve::STACK_BYTES)
        .build()?;
    let read = runtime.block_on(proxy::read_catalog(&upstream, &vault));
    // The cause holds its own causes in its words.
    read.map_err(|error| anyhow!("{error}")).with_context(|| {
        format!(
            "cannot read what exists in `{name}`; see that the database at {}:{} runs, and that panguard's \
             credential is right",
            connection.host, connection.port
        )
    })
}

/// What the lane would make of the text in a new session.
fn facts(sql: &str, catalog: &Catalog) -> Arc<Facts> {
    let analysis = sql::analyse(sql, catalog);
    let Ok(facts) = sql::resolve(&analysis, catalog, |_| Ok::<_, std::convert::Infallible>(None));
    facts
}

fn principal(config: &Config, arguments: &Arguments) -> Principal {
    let first = || config.issuers.first().map(|issuer| issuer.trust.as_str().into()).unwrap_or_default();
    Principal {
        kind: arguments.principal.kind,
        id: arguments.principal.id.clone(),
        issuer: arguments.issuer.clone().unwrap_or_else(first),
        // The token that a person lends to an agent is that person's.
        subject: arguments.on_behalf_of.as_ref().unwrap_or(&arguments.principal.id).clone(),
        groups: arguments.groups.iter().cloned().collect(),
        delegation: arguments.on_behalf_of.as_deref().map(Delegation::from),
        person: None,
        authentication: access::Authentication::default(),
        token_id: "".into(),
        valid_from: Timestamp(0),
        valid_until: Timestamp(i64::MAX),
    }
}
