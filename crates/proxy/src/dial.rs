//! Reaches an upstream: TCP, TLS, and panguard's own signing in.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::{Code, Refusal, RequestId, Secret};
use bytes::BytesMut;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vault::{Vault, VaultError};
use wire_postgres::startup::{
    ChannelBinding, Failure, Login, Ready, TlsAnswer, Upstream, UpstreamStep, cancel_request, ssl_answer,
    ssl_request,
};

use crate::stream::{Stream, prepare};
use crate::tls::{UpstreamTls, tls_server_end_point};

/// Where an upstream is, and how panguard signs in there.
#[derive(Clone, PartialEq)]
pub struct Target {
    /// Its host name or address, which is also what its certificate must be for.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// How TLS is done. Without it, only an upstream on loopback is spoken to.
    pub tls: Option<UpstreamTls>,
    /// The database there.
    pub database: Box<str>,
    /// The role.
    pub user: Box<str>,
    /// Its password's name in the vault.
    pub password: vault::Name,
}

/// A session with an upstream in which no command has run.
pub(crate) struct Dialled {
    pub(crate) stream: Stream,
    pub(crate) ready: Ready,
}

/// Why an upstream cannot be used. For operators; an agent is told [`DialError::refusal`].
#[derive(Debug, Error)]
pub(crate) enum DialError {
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    #[error("not on loopback, and configured without TLS: set `tls: verify-full`")]
    PlainText,
    #[error("it has no TLS: set it up there")]
    NoTls,
    #[error("TLS failed: {0}")]
    Tls(#[source] io::Error),
    #[error("`{0}` is no name that a certificate can be for")]
    Name(Box<str>),
    #[error("it closed the connection before it was ready")]
    Closed,
    #[error("the connection broke: {0}")]
    Broke(#[source] io::Error),
    #[error("not ready within {} seconds", DIAL_TIME_MAX.as_secs())]
    Late,
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault holds no secret of the name `{0}`: add it with `panguard secrets set {0}`")]
    NoPassword(vault::Name),
}

impl DialError {
    /// A short word for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::PlainText | Self::NoTls | Self::Tls(_) | Self::Name(_) => "tls",
            Self::Closed | Self::Broke(_) => "closed",
            Self::Late => "late",
            Self::Failure(Failure::Violation(_)) => "protocol",
            Self::Failure(Failure::Refused { .. }) => "refused",
            Self::Failure(Failure::Method(_) | Failure::Unproven(_)) => "authentication",
            Self::Vault(_) | Self::NoPassword(_) => "vault",
        }
    }

    /// What the agent is told: nothing of addresses, roles or the vault.
    pub(crate) fn refusal(&self, request: RequestId) -> Refusal {
        let detail = match self {
            Self::Failure(failure) => return failure.refusal(request),
            Self::Connect(_) | Self::Closed | Self::Broke(_) => "the database cannot be reached",
            Self::Late => "the database did not answer in time",
            Self::PlainText | Self::NoTls | Self::Tls(_) | Self::Name(_) => {
                "no secure connection to the database could be made, tell the operator of panguard"
            }
            Self::Vault(_) | Self::NoPassword(_) => {
                "panguard has no credential for the database, tell its operator"
            }
        };
        Refusal {
            code: Code::UpstreamUnavailable,
            request,
            detail: detail.into(),
            columns: Vec::new(),
            policies: Vec::new(),
        }
    }
}

/// Whether a server said that the password is another (invalid_password).
fn is_of_password(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { sqlstate, .. } if **sqlstate == *"28P01")
}

impl Target {
    /// Signs in with the vault's credential and the agent's own `parameters`.
    ///
    /// # Errors
    /// [`DialError`], within [`DIAL_TIME_MAX`].
    pub(crate) async fn dial(
        &self,
        vault: &Arc<Vault>,
        parameters: Vec<(String, String)>,
    ) -> Result<Dialled, DialError> {
        timeout(DIAL_TIME_MAX, self.dial_patiently(vault, parameters)).await.map_err(|_| DialError::Late)?
    }

    async fn dial_patiently(
        &self,
        vault: &Arc<Vault>,
        parameters: Vec<(String, String)>,
    ) -> Result<Dialled, DialError> {
        let password = self.password(vault, &self.password).await?.ok_or_else(|| self.no_password())?;
        let before = password.clone();
        let refused = match self.sign_in(password, parameters.clone()).await {
            Err(DialError::Failure(failure)) if is_of_password(&failure) => DialError::Failure(failure),
            other => return other,
        };
        // It may be being changed: at the database before in the vault.
        let next = match self.password.next() {
            Ok(next) => self.password(vault, &next).await?,
            Err(_) => None,
        };
        let now = self.password(vault, &self.password).await?;
        let other = next.into_iter().chain(now).find(|it| it.expose() != before.expose());
        match other {
            Some(password) => self.sign_in(password, parameters).await,
            None => Err(refused),
        }
    }

    async fn sign_in(
        &self,
        password: Secret,
        parameters: Vec<(String, String)>,
    ) -> Result<Dialled, DialError> {
        let (mut stream, channel_binding) = self.open().await?;
        let mut upstream = Upstream::new(Login {
            user: self.user.clone(),
            password,
            database: self.database.clone(),
            parameters,
            // Inside TLS, or on loopback: `open` gives no other stream.
            clear_text_allowed: true,
            channel_binding,
        });
        let mut read = BytesMut::new();
        loop {
            while let Some(step) = upstream.poll() {
                match step {
                    UpstreamStep::Send(bytes) => stream.write_all(&bytes).await.map_err(DialError::Broke)?,
                    UpstreamStep::Ready(ready) => return Ok(Dialled { stream, ready }),
                }
            }
            stream.flush().await.map_err(DialError::Broke)?;
            read.clear();
            if stream.read_buf(&mut read).await.map_err(DialError::Broke)? == 0 {
                return Err(DialError::Closed);
            }
            upstream.receive(&read)?;
        }
    }

    /// Asks the upstream to stop what the session with this key does, and waits until it has taken note.
    /// It may be too late by then, as in PostgreSQL itself.
    pub(crate) async fn cancel(&self, process_id: u32, key: &[u8]) -> Result<(), DialError> {
        let cancel = async {
            let (mut stream, _) = self.open().await?;
            stream.write_all(&cancel_request(process_id, key)).await.map_err(DialError::Broke)?;
            stream.flush().await.map_err(DialError::Broke)?;
            // The upstream answers nothing; it closes the connection when the request is dealt with.
            let mut nothing = [0; 1];
            let _ = stream.read(&mut nothing).await;
            Ok(())
        };
        timeout(DIAL_TIME_MAX, cancel).await.map_err(|_| DialError::Late)?
    }

    /// Reads the vault off the workers' threads, since it may have to read its file anew.
    async fn password(&self, vault: &Arc<Vault>, name: &vault::Name) -> Result<Option<Secret>, DialError> {
        let (vault, name) = (vault.clone(), name.clone());
        let read = tokio::task::spawn_blocking(move || vault.get(&name)).await;
        Ok(read.map_err(|_| self.no_password())??)
    }

    fn no_password(&self) -> DialError {
        DialError::NoPassword(self.password.clone())
    }

    async fn open(&self) -> Result<(Stream, ChannelBinding), DialError> {
        let mut socket = TcpStream::connect((&*self.host, self.port)).await.map_err(DialError::Connect)?;
        prepare(&socket).map_err(DialError::Connect)?;
        let Some(tls) = &self.tls else {
            let peer = socket.peer_addr().map_err(DialError::Connect)?;
            return match peer.ip().to_canonical().is_loopback() {
                true => Ok((Stream::Plain(socket), ChannelBinding::None)),
                false => Err(DialError::PlainText),
            };
        };
        ask_for_tls(&mut socket).await?;
        let name =
            ServerName::try_from(self.host.to_string()).map_err(|_| DialError::Name(self.host.clone()))?;
        let stream =
            TlsConnector::from(tls.config.clone()).connect(name, socket).await.map_err(DialError::Tls)?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let binding = certificate.and_then(|certificate| tls_server_end_point(certificate));
        let binding =
            binding.map_or(ChannelBinding::None, |hash| ChannelBinding::ServerEndPoint(hash.into()));
        Ok((Stream::Client(Box::new(stream)), binding))
    }
}

async fn ask_for_tls(socket: &mut TcpStream) -> Result<(), DialError> {
    socket.write_all(&ssl_request()).await.map_err(DialError::Broke)?;
    // One byte and no more is read: what follows must be TLS, and rustls says if it is not.
    let mut answer = [0; 1];
    socket.read_exact(&mut answer).await.map_err(|_| DialError::Closed)?;
    match ssl_answer(&answer).map_err(Failure::Violation)? {
        Some(TlsAnswer::Upgrade) => Ok(()),
        Some(TlsAnswer::Unavailable) => Err(DialError::NoTls),
        None => Err(DialError::Closed),
    }
}

/// How long an upstream may take until it is ready.
pub(crate) const DIAL_TIME_MAX: Duration = Duration::from_secs(10);
