use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Response, StatusCode, Version, request};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use thiserror::Error;
use tokio::time::timeout;
use vault::Vault;
use wire_http::Echo;

use super::HttpConnection;
use super::body::Sent;
use super::credential::{Credential, Lent, NoCredential, NotSigned, Tokens, Turns};
use crate::clock::now;
use crate::tls::{self, ClientCertificate, Shown, TlsError};

/// The sockets to one upstream.
pub(super) struct Client {
    client: Sockets,
    /// For exchanges that may be upgraded, which HTTP/2 has no way to say.
    upgrading: Sockets,
    credential: Lender,
    certificate: Option<Arc<Shown>>,
    vault: Arc<Vault>,
    patience: Duration,
}

type Sockets = legacy::Client<HttpsConnector<HttpConnector>, Sent>;

/// Where the credential comes from.
enum Lender {
    /// The vault.
    Vault(Credential),
    /// An authorization server.
    Tokens(Tokens),
}

/// The head of an upstream's answer, and its body to come.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    /// The credential by which it was got, if that is not the one that was lent first.
    pub(super) echo: Option<Echo>,
}

/// Why an upstream gives no answer. For operators; an agent is told [`Unreached::told`].
#[derive(Debug, Error)]
pub(super) enum Unreached {
    #[error(transparent)]
    Credential(#[from] NoCredential),
    #[error("the request cannot be given its credential: {0}")]
    Request(#[from] NotSigned),
    #[error("no answer: {}", causes(.0))]
    Client(#[source] legacy::Error),
    #[error("no answer within {} seconds", .0.as_secs())]
    Late(Duration),
}

/// An error with what caused it, in one line.
pub fn causes(error: &legacy::Error) -> String {
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
            Self::Request(NotSigned::Streamed(_)) => {
                "the request is too long to be signed, or has trailers: send less at once"
            }
            Self::Request(_) => "the request cannot be given its credential, tell its operator",
            Self::Client(error) if error.is_connect() => "it cannot be reached",
            Self::Client(_) => "it broke off before it answered",
            Self::Late(_) => "it did not answer in time",
        }
    }
}

impl Client {
    pub(super) fn new(
        connection: &HttpConnection,
        vault: Arc<Vault>,
        turns: Arc<Turns>,
    ) -> Result<Self, TlsError> {
        let shown =
            |certificate: &ClientCertificate| Arc::new(Shown::new(certificate.clone(), vault.clone()));
        let certificate = connection.certificate.as_ref().map(shown);
        // Plain text must also work on a machine that has no root certificates.
        let config = match connection.lane.origin.tls {
            true => tls::fetching_as(&connection.trust, certificate.clone())?,
            false => tls::fetching_in_plain_text()?,
        };
        let (client, upgrading) = (sockets(config.clone(), true), sockets(config, false));
        let credential = match connection.credential.clone() {
            Credential::OAuth2(oauth2) => {
                let name = connection.lane.name.clone();
                Lender::Tokens(Tokens::start(oauth2, &connection.trust, name, vault.clone(), turns)?)
            }
            kept => Lender::Vault(kept),
        };
        Ok(Self { client, upgrading, credential, certificate, vault, patience: connection.patience })
    }

    /// The credential of the moment. Waits only for an access token that is on its way.
    pub(super) async fn lend(&self) -> Result<Lent, NoCredential> {
        if let Some(certificate) = &self.certificate {
            certificate.current()?;
        }
        match &self.credential {
            Lender::Vault(credential) => credential.lend(&self.vault),
            Lender::Tokens(tokens) => Ok(Lent::token(tokens.get().await?)),
        }
    }

    /// Sends a request, and waits for the head of its answer.
    ///
    /// It is sent once more where the upstream does not accept an access token (401), which is then fetched anew, if all
    /// of its body is there: an upstream that does not know who asks has done nothing.
    pub(super) async fn send(
        &self,
        parts: request::Parts,
        lent: Lent,
        body: Sent,
    ) -> Result<Answered, Unreached> {
        let (Lender::Tokens(tokens), Some(token)) = (&self.credential, lent.token.clone()) else {
            let response = self.send_once(parts, &lent, body).await?;
            return Ok(Answered { response, echo: None });
        };
        let again = body.again().map(|body| (parts.clone(), body));
        let response = self.send_once(parts, &lent, body).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(Answered { response, echo: None });
        }
        tokens.rejected(&token);
        let (Some((parts, body)), Ok(lent)) = (again, self.lend().await) else {
            return Ok(Answered { response, echo: None });
        };
        drop(response);
        let response = self.send_once(parts, &lent, body).await?;
        if let (StatusCode::UNAUTHORIZED, Some(token)) = (response.status(), &lent.token) {
            tokens.rejected(token);
        }
        Ok(Answered { response, echo: Some(lent.echo) })
    }

    /// hyper sends a request again only where a socket out of the pool turned out to be closed before anything of it was
    /// sent.
    async fn send_once(
        &self,
        mut parts: request::Parts,
        lent: &Lent,
        body: Sent,
    ) -> Result<Response<Incoming>, Unreached> {
        lent.sign(&mut parts, &body, now())?;
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
