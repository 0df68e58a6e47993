//! Access tokens of one upstream: fetched when they are wanted, kept, and renewed in the background.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tracing::{info, warn};
use vault::{Vault, VaultError};
use wire_http::Echo;

use super::oauth2::{Due, Grant, Granted, OAuth2, Token, Upkeep, error};
use crate::client::{Client, client};
use crate::clock::now;
use crate::http::client::causes;
use crate::tls::{TlsError, Trust};

/// The token of one upstream. When it is dropped, the fetch that is under way is the last: a refresh token that comes with
/// it is still stored.
pub(crate) struct Tokens {
    shared: Arc<Shared>,
    _ends: watch::Sender<()>,
}

struct Shared {
    upkeep: Mutex<Upkeep>,
    /// Tells the task that a token is wanted.
    wake: Notify,
    /// Changes when a fetch has ended, well or not.
    fetches: watch::Sender<()>,
}

/// Whose turn it is with a refresh token: two who send the same one at once may both lose it (RFC 9700 §4.14.2).
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<vault::Name, Arc<tokio::sync::Mutex<()>>>>);

/// A token that is not to be had. Names what is missing, and holds nothing of any secret.
#[derive(Debug, Error)]
pub(crate) enum NoToken {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault holds no secret of the name `{0}`: add it with `panguard secrets set {0}`")]
    Missing(vault::Name),
    #[error("the token endpoint gives no answer: {}", causes(.0))]
    Client(#[source] legacy::Error),
    #[error("the token endpoint gives no answer within {} seconds", FETCH_TIME_MAX.as_secs())]
    Late,
    #[error("the token endpoint answers {0} ({1})")]
    Refused(StatusCode, &'static str),
    #[error("the answer of the token endpoint broke off, or is longer than {} KiB", ANSWER_BYTES_MAX >> 10)]
    Body,
    #[error("the answer of the token endpoint cannot be used: {0}")]
    Answer(&'static str),
    #[error("the new refresh token cannot be stored, so its access token is not used: {0}")]
    NotStored(#[source] VaultError),
    #[error("the request cannot be written")]
    Request,
    #[error("there is no access token: the log says why it was not fetched")]
    None,
}

impl Tokens {
    /// Starts to keep the token of an upstream; nothing is fetched until it is wanted.
    pub(in crate::http) fn start(
        config: OAuth2,
        trust: &Trust,
        connection: Arc<str>,
        vault: Arc<Vault>,
        turns: Arc<Turns>,
    ) -> Result<Self, TlsError> {
        // Plain http is for loopback alone, which the configuration has seen to before an address gets here.
        let is_plain = config.token_url.scheme_str() == Some("http");
        let client = client((!is_plain).then_some(trust))?;
        let shared = Arc::new(Shared {
            upkeep: Mutex::default(),
            wake: Notify::new(),
            fetches: watch::Sender::new(()),
        });
        let (ends, ended) = watch::channel(());
        let keeper = Keeper { config, client, connection, vault, turns, unstored: None };
        tokio::spawn(keeper.run(shared.clone(), ended));
        Ok(Self { shared, _ends: ends })
    }

    /// The token of the moment. Waits only if there is none, and one is on its way.
    pub(in crate::http) async fn get(&self) -> Result<Arc<Token>, NoToken> {
        // Subscribed before the first look, so that a fetch that ends between the two is seen.
        let mut fetches = self.shared.fetches.subscribe();
        if let Some(token) = self.shared.usable() {
            return Ok(token);
        }
        if !self.shared.upkeep().want(now()) {
            return Err(NoToken::None);
        }
        self.shared.wake.notify_one();
        // Whether or not a fetch ended in time, what is there now decides.
        let _ = timeout(WAIT_MAX, fetches.changed()).await;
        self.shared.usable().ok_or(NoToken::None)
    }

    /// Takes note that the upstream does not accept `token`.
    pub(in crate::http) fn rejected(&self, token: &Arc<Token>) {
        self.shared.upkeep().rejected(token, now());
    }
}

impl Shared {
    /// The token, if there is one. One that was not used when it was to be renewed is renewed now.
    fn usable(&self) -> Option<Arc<Token>> {
        let mut upkeep = self.upkeep();
        let token = upkeep.usable(now())?;
        if upkeep.due(now()) == Due::Now {
            self.wake.notify_one();
        }
        Some(token)
    }

    fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    fn of(&self, name: &vault::Name) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(name.clone()).or_default().clone()
    }
}

/// The task that fetches.
struct Keeper {
    config: OAuth2,
    client: Client<Full<Bytes>>,
    connection: Arc<str>,
    vault: Arc<Vault>,
    turns: Arc<Turns>,
    /// A refresh token that could not be stored, and the one in whose place it is.
    unstored: Option<(Secret, Secret)>,
}

impl Keeper {
    async fn run(mut self, shared: Arc<Shared>, mut ended: watch::Receiver<()>) {
        loop {
            loop {
                let due = shared.upkeep().due(now());
                let wait = match due {
                    Due::Now => break,
                    // Looked at again in between: a clock that is set would else make it wait for long.
                    Due::At(at) => {
                        Duration::from_micros(u64::try_from(at.micros() - now().micros()).unwrap_or(0))
                    }
                    Due::Never => LOOK_EVERY,
                };
                tokio::select! {
                    _ = timeout(wait.min(LOOK_EVERY), shared.wake.notified()) => {}
                    _ = ended.changed() => return,
                }
            }
            shared.upkeep().start();
            match self.fetch().await {
                Ok((token, lives_seconds)) => {
                    info!(connection = &*self.connection, lives_seconds, "access token fetched");
                    shared.upkeep().fetched(token, lives_seconds, now());
                }
                Err(error) => {
                    warn!(connection = &*self.connection, %error, "access token not fetched");
                    shared.upkeep().failed(now());
                }
            }
            shared.fetches.send_replace(());
        }
    }

    /// A new token, and for how many seconds it lives.
    async fn fetch(&mut self) -> Result<(Token, i64), NoToken> {
        let get = |name: &vault::Name| self.vault.get(name)?.ok_or_else(|| NoToken::Missing(name.clone()));
        let secret = self.config.client_secret.as_ref().map(get).transpose()?;
        let secret_bytes = secret.as_ref().map(Secret::expose).unwrap_or_default();
        let Grant::Refresh(name) = self.config.grant.clone() else {
            let granted = self.post(secret.as_ref(), None).await?;
            let echo = Echo::of(&[granted.access.expose(), secret_bytes]);
            return Ok((Token { header: granted.header, echo }, granted.lives_seconds));
        };
        let turn = self.turns.of(&name);
        let _turn = turn.lock().await;
        self.store_what_was_left(&name).await?;
        let refresh = self.vault.get(&name)?.ok_or_else(|| NoToken::Missing(name.clone()))?;
        let granted = self.post(secret.as_ref(), Some(&refresh)).await?;
        let fresh = granted.refresh.filter(|fresh| fresh.expose() != refresh.expose());
        let echo = Echo::of(&[
            granted.access.expose(),
            secret_bytes,
            refresh.expose(),
            fresh.as_ref().map(Secret::expose).unwrap_or_default(),
        ]);
        if let Some(fresh) = fresh {
            // Before the access token is used: else a crash would leave panguard with a token that holds no more.
            self.unstored = Some((fresh, refresh));
            self.store_what_was_left(&name).await?;
        }
        Ok((Token { header: granted.header, echo }, granted.lives_seconds))
    }

    /// Stores the refresh token that came last, if it is not in the vault yet. One that an operator has set meanwhile is
    /// newer.
    async fn store_what_was_left(&mut self, name: &vault::Name) -> Result<(), NoToken> {
        let Some((fresh, before)) = self.unstored.clone() else { return Ok(()) };
        let is_as_it_was = self.vault.get(name)?.is_none_or(|it| it.expose() == before.expose());
        if is_as_it_was {
            let (vault, name) = (self.vault.clone(), name.clone());
            let stored = tokio::task::spawn_blocking(move || vault.set(&name, &fresh, now())).await;
            // A task that panicked has stored nothing.
            stored.unwrap_or(Err(VaultError::Cryptography)).map_err(NoToken::NotStored)?;
        }
        self.unstored = None;
        Ok(())
    }

    async fn post(&self, secret: Option<&Secret>, refresh: Option<&Secret>) -> Result<Granted, NoToken> {
        let asked = self.config.request(secret, refresh);
        let mut request = Request::post(self.config.token_url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, concat!("panguard/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = asked.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = Full::new(Bytes::copy_from_slice(asked.body.expose()));
        let request = request.body(body).map_err(|_| NoToken::Request)?;
        timeout(FETCH_TIME_MAX, self.answer(request)).await.map_err(|_| NoToken::Late)?
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Granted, NoToken> {
        let response = self.client.request(request).await.map_err(NoToken::Client)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|_| NoToken::Body)?.to_bytes();
        if status != StatusCode::OK {
            return Err(NoToken::Refused(
                status,
                error(&body).unwrap_or("and says nothing that could be told"),
            ));
        }
        Granted::read(&body).map_err(NoToken::Answer)
    }
}

/// How long a request waits for a token; a little more than a fetch may take.
const WAIT_MAX: Duration = Duration::from_secs(12);
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 64 << 10;
