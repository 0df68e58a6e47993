//! `panguard.yaml`: read once, at the edge, into a [`Config`] that cannot be wrong.
//!
//! Every problem names the file, the line and what to write instead. Secrets are never in the file.

mod audit;
mod controls;
mod credential;
mod expand;
mod file;
mod http;
mod labels;
mod masking;
mod notify;
mod openapi;
mod place;
mod resolve;
mod sinks;
mod store;
mod syntax;
mod templates;
#[cfg(test)]
mod tests;
mod vault_key;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mask::Classes;

pub use audit::{Archive, Audit, Lock, Place, Retention, S3, S3At, WitnessAt};
pub use controls::{Controls, TimeServer};
pub use credential::{CertificateKey, ClientCertificate};
pub use http::{HttpConnection, Requests};
pub use notify::Notify;
pub use openapi::Openapi;
pub use place::{Problem, Problems};
pub use resolve::is_loopback;
pub use sinks::Sink;

/// The configuration, checked: paths are absolute or count from the working directory, addresses are
/// addresses, and what is refused is not here.
#[derive(Clone)]
pub struct Config {
    /// SHA-256 of the file, and of the registered statements and OpenAPI documents where there are some, in hex.
    pub version: String,
    /// The files that it was read from, by their names, with their texts; what stands for a variable of the environment stays as it is written.
    pub texts: Vec<(String, String)>,
    pub data_dir: PathBuf,
    /// Where requests for approval are kept, if not in `data_dir`.
    pub store: Option<Connection>,
    pub policies: PathBuf,
    pub postgres: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    pub console: Option<SocketAddr>,
    /// INVARIANT: without it `postgres` and `http` are on loopback.
    pub tls: Option<Tls>,
    pub vault_key: VaultKey,
    pub pan: PanProfile,
    /// What is masked beside card data.
    pub classes: Classes,
    pub issuers: Vec<Issuer>,
    pub connections: BTreeMap<Arc<str>, Connection>,
    pub https: BTreeMap<Arc<str>, HttpConnection>,
    /// How long the audit log is kept, and where else.
    pub audit: Audit,
    /// Where people are told of requests for approval, and answer them.
    pub notify: Notify,
    /// Where the audit log is brought.
    pub sinks: Vec<Sink>,
    pub limits: Limits,
    pub controls: Controls,
    /// What the file asks for and is left out: this build does not have it, or its time is over.
    pub notices: Vec<Problem>,
}

/// PEM files of the certificate shown to agents.
#[derive(Clone, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Whether clients are asked for certificates of their own.
    pub client_certificates: bool,
}

/// Where the vault's key comes from at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultKey {
    File(PathBuf),
    Env(String),
    Stdin,
    Transit(Transit),
    Pkcs11(Pkcs11),
}

/// A key of a transit engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transit {
    /// Of the server, without a slash at its end.
    pub address: String,
    /// The path below the address, `v1/transit` and the like apart: mount and key.
    pub mount: String,
    pub key: String,
    pub token_file: PathBuf,
    pub namespace: Option<String>,
    pub ca: Option<PathBuf>,
}

/// A key in an HSM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11 {
    pub module: PathBuf,
    pub token: String,
    pub key: String,
    pub pin_file: PathBuf,
}

/// What stays of a card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanProfile {
    Last4,
    First6Last4,
    /// A surrogate that keeps the last four.
    Tokenise,
}

/// An issuer whose tokens are accepted.
#[derive(Clone)]
pub struct Issuer {
    pub trust: identity::Issuer,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
    /// How the command line asks for tokens.
    pub login: Option<Login>,
}

/// How the command line asks an issuer for tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub client_id: Option<String>,
    pub scope: Option<String>,
    pub audience: Option<String>,
    pub resource: Option<String>,
}

/// A PostgreSQL server behind panguard.
#[derive(Clone)]
pub struct Connection {
    pub host: Box<str>,
    pub port: u16,
    pub database: Box<str>,
    pub tls: UpstreamTls,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
    pub user: Box<str>,
    pub password: vault::Name,
    pub labels: Arc<[Box<str>]>,
    /// What the columns hold, and which statements are registered.
    pub data: sql::Labels,
    /// The folder of registered statements.
    pub templates: Option<PathBuf>,
    /// Who queries in which way; whoever is not named, by any statement.
    pub modes: Arc<[access::ModeOf]>,
    /// How commands come to their approval.
    pub approval: access::Approving,
}

/// How an upstream's certificate is verified, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamTls {
    VerifyFull,
    VerifyCa,
    /// Plain text. INVARIANT: the upstream is on loopback.
    Disable,
}

/// Bounds on what clients may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub message_bytes: usize,
    pub startup: Duration,
    pub shutdown_grace: Duration,
    /// Of a person's session in which nothing is asked.
    pub idle: Duration,
    /// Of any session.
    pub session: Option<Duration>,
}

impl Config {
    /// Reads the file at `path`, with variables from `env`.
    ///
    /// # Errors
    /// [`Problems`]: the first thing that is not YAML or not the right shape, or else everything that is
    /// wrong with the values.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| whole(path, unreadable(path, &error)))?;
        let mut config = Self::parse(path, &text, env, Timestamp::now().to_zoned(TimeZone::UTC).date())?;
        let mut content = text.clone();
        let name = |path: &Path| path.display().to_string();
        config.texts.push((name(path), text));
        for connection in config.connections.values_mut() {
            let Some(folder) = &connection.templates else { continue };
            let (templates, texts) = templates::templates(folder)?;
            connection.data = connection.data.clone().with_templates(templates);
            for (file, text) in texts {
                content.push_str(&format!("{file}\0{text}\0"));
                config.texts.push((name(&folder.join(file)), text));
            }
        }
        for connection in config.https.values_mut() {
            let Some(openapi) = &mut connection.openapi else { continue };
            let text = openapi.read(&connection.origin.base)?;
            content.push_str(&text);
            config.texts.push((name(&openapi.file), text));
        }
        config.version = version(&content);
        Ok(config)
    }

    /// Reads `text`, which is the content of the file at `path`, as it is meant on the day `today` (UTC).
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        path: &Path,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
        today: Date,
    ) -> Result<Self, Problems> {
        let file = syntax::parse(path, text)?;
        resolve::resolve(path, file, version(text), env, today)
    }

    /// The first key that takes effect at a start only and is another in `new`.
    pub fn differs_at_start(&self, new: &Self) -> Option<&'static str> {
        let same = [
            ("data_dir", self.data_dir == new.data_dir),
            ("listen.postgres", self.postgres == new.postgres),
            ("listen.http", self.http == new.http),
            ("listen.console", self.console == new.console),
            ("vault.key", self.vault_key == new.vault_key),
            ("masking.pan", self.pan == new.pan),
            ("masking.classes", self.classes == new.classes),
            ("audit", self.audit == new.audit),
            ("limits", self.limits == new.limits),
            ("controls", self.controls == new.controls),
        ];
        same.into_iter().find_map(|(key, same)| (!same).then_some(key))
    }

    /// The JSON Schema of the file (draft 2020-12).
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(file::File)
    }
}

/// A variable of this process's environment.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn version(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn whole(path: &Path, message: String) -> Problems {
    Problems(vec![Problem { file: path.into(), line: 0, message }])
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            let name = path.display();
            format!("there is no such file; name the configuration with `--config FILE`, or write {name}")
        }
        std::io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    }
}

impl Limits {
    /// What holds where the file says nothing.
    pub const DEFAULT: Self = Self {
        connections: 1000,
        // PostgreSQL itself stops at 1 GiB; agents have no need.
        message_bytes: 64 << 20,
        startup: Duration::from_secs(10),
        shutdown_grace: Duration::from_secs(30),
        // PCI DSS 4.0.1, 8.2.8.
        idle: Duration::from_secs(900),
        session: None,
    };
}
