use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Response, Version, request};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use thiserror::Error;
use tokio::time::timeout;
use vault::Vault;

use super::HttpConnection;
use super::body::Sent;
use super::credential::{Credential, Lent, NoCredential};
use crate::tls::{self, TlsError};

/// The sockets to one upstream.
pub(super) struct Client {
    client: Sockets,
    /// For exchanges that may be upgraded, which HTTP/2 has no way to say.
    upgrading: Sockets,
    credential: Credential,
    vault: Arc<Vault>,
    patience: Duration,
}

type Sockets = legacy::Client<HttpsConnector<HttpConnector>, Sent>;

/// Why an upstream gives no answer. For operators; an agent is told [`Unreached::told`].
#[derive(Debug, Error)]
pub(super) enum Unreached {
    #[error(transparent)]
    Credential(#[from] NoCredential),
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    #[error("no answer: {}", causes(.0))]
    Client(#[source] legacy::Error),
    #[error("no answer within {} seconds", .0.as_secs())]
    Late(Duration),
}

/// An error with what caused it, in one line.
fn causes(error: &legacy::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl Unreached {
    /// A short word for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Credential(_) => "vault",
            Self::Request(_) => "protocol",
            Self::Client(error) if error.is_connect() => "connect",
            Self::Client(_) => "closed",
            Self::Late(_) => "late",
        }
    }

    /// What the agent is told: nothing of addresses or the vault.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Self::Credential(_) => "panguard has no credential for it, tell its operator",
            Self::Request(_) => "the request cannot be written",
            Self::Client(error) if error.is_connect() => "it cannot be reached",
            Self::Client(_) => "it broke off before it answered",
            Self::Late(_) => "it did not answer in time",
        }
    }
}

impl Client {
    pub(super) fn new(connection: &HttpConnection, vault: Arc<Vault>) -> Result<Self, TlsError> {
        // Plain text must also work on a machine that has no root certificates.
        let config = match connection.lane.origin.tls {
            true => tls::fetching(&connection.trust)?,
            false => tls::fetching_in_plain_text()?,
        };
        let (client, upgrading) = (sockets(config.clone(), true), sockets(config, false));
        let (credential, patience) = (connection.credential.clone(), connection.patience);
        Ok(Self { client, upgrading, credential, vault, patience })
    }

    /// The credential of the moment.
    pub(super) fn lend(&self) -> Result<Lent, NoCredential> {
        self.credential.lend(&self.vault)
    }

    /// Sends a request, and waits for the head of its answer. hyper sends one again only where a socket out of the pool
    /// turned out to be closed before anything of it was sent.
    pub(super) async fn send(
        &self,
        mut parts: request::Parts,
        lent: Lent,
        body: Sent,
    ) -> Result<Response<Incoming>, Unreached> {
        lent.sign(&mut parts)?;
        parts.version = Version::HTTP_11;
        let client = if parts.headers.contains_key(UPGRADE) { &self.upgrading } else { &self.client };
        let request = Request::from_parts(parts, body);
        match timeout(self.patience, client.request(request)).await {
            Ok(answered) => answered.map_err(Unreached::Client),
            Err(_) => Err(Unreached::Late(self.patience)),
        }
    }

    /// How long the upstream may take to go on.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }
}

fn sockets(config: ClientConfig, speaks_h2: bool) -> Sockets {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    connector.set_keepalive(Some(KEEPALIVE_IDLE));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
    let connector = match speaks_h2 {
        true => builder.enable_http2().wrap_connector(connector),
        false => builder.wrap_connector(connector),
    };
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_MAX)
        .pool_max_idle_per_host(POOL_SOCKETS_MAX)
        .http1_max_buf_size(HEAD_BYTES_MAX)
        .http1_max_headers(HEADERS_MAX)
        .http2_max_header_list_size(HEAD_BYTES_MAX_H2)
        .build(connector)
}

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// Shorter than what servers keep a socket for, so that it is rarely closed under a request.
const POOL_IDLE_MAX: Duration = Duration::from_secs(45);
const POOL_SOCKETS_MAX: usize = 256;
/// Of an answer.
const HEAD_BYTES_MAX: usize = 256 << 10;
const HEAD_BYTES_MAX_H2: u32 = 256 << 10;
const HEADERS_MAX: usize = 200;
