//! The issuers' keys: fetched in the background, read without waiting.

mod fetch;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Principal, Timestamp};
use arc_swap::ArcSwapOption;
use identity::{Discovery, Issuer, Keys, Notice, Refresh, Untrusted};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::clock::now;
use crate::tls::{TlsError, Trust};
use fetch::{Fetch, FetchError};

/// Every issuer whose tokens are accepted. Dropping it ends the fetching.
pub struct Issuers(Vec<Arc<Watched>>);

/// Why nobody can be told by a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unidentified {
    /// The token is no good.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The token may be good, but its issuer's keys could not be had.
    #[error("the keys of the token's issuer are not there, see the log for why")]
    NoKeys,
}

impl Unidentified {
    /// What the client is told.
    pub fn user_message(self) -> &'static str {
        match self {
            Self::Untrusted(why) => why.user_message(),
            Self::NoKeys => "the issuer of the token cannot be reached to verify it, try again later",
        }
    }

    /// A short word for metrics and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted(why) => why.as_str(),
            Self::NoKeys => "no_keys",
        }
    }
}

impl Issuers {
    /// Starts to watch `issuers`. Those that `previous` watches already, by the same rules, keep their keys.
    ///
    /// # Errors
    /// [`TlsError`] if there is nothing to verify an https issuer's certificate by.
    pub fn watch(issuers: Vec<(Issuer, Trust)>, previous: Option<&Self>) -> Result<Self, TlsError> {
        let watched = issuers.into_iter().map(|(issuer, trust)| {
            let known = previous.into_iter().flat_map(|previous| &previous.0);
            match known.into_iter().find(|known| known.issuer == issuer && known.trust == trust) {
                Some(known) => Ok(known.clone()),
                None => Watched::start(issuer, trust),
            }
        });
        Ok(Self(watched.collect::<Result<_, _>>()?))
    }

    /// Whether every issuer of `previous` is still believed, and by the same rules.
    pub fn believes_all_of(&self, previous: &Self) -> bool {
        previous.0.iter().all(|known| self.0.iter().any(|watched| Arc::ptr_eq(watched, known)))
    }

    /// Says who presents `token`.
    ///
    /// Waits only if the token names a key that is not known and the issuer may be asked for it now, or has
    /// not answered yet: 2 seconds at most.
    ///
    /// # Errors
    /// [`Unidentified`].
    pub async fn identify(&self, token: &str) -> Result<Principal, Unidentified> {
        self.of(token)?.read(token, identity::verify).await
    }

    /// Says what an issuer says by `token` of sessions and accounts, and which it is. Waits as [`Issuers::identify`] does.
    ///
    /// # Errors
    /// [`Unidentified`].
    pub async fn hear(&self, token: &str) -> Result<(Box<str>, Notice), Unidentified> {
        let watched = self.of(token)?;
        Ok((watched.issuer.as_str().into(), watched.read(token, identity::hear).await?))
    }

    /// Whether an issuer, by its name, is believed and may have an agent of this id.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn may_have_agent(&self, issuer: &str, agent: &str) -> Result<(), Untrusted> {
        let watched = self.0.iter().find(|watched| watched.issuer.as_str() == issuer);
        match watched.ok_or(Untrusted::UnknownIssuer)?.issuer.may_have_agent(agent) {
            true => Ok(()),
            false => Err(Untrusted::Actor),
        }
    }

    fn of(&self, token: &str) -> Result<&Watched, Untrusted> {
        let name = identity::issuer_of(token)?;
        let watched = self.0.iter().find(|watched| watched.issuer.as_str() == name);
        watched.map(|it| &**it).ok_or(Untrusted::UnknownIssuer)
    }

    /// The issuers whose keys are not there, or too old to be believed.
    pub fn not_ready(&self) -> Vec<Box<str>> {
        let missing = self.0.iter().filter(|watched| watched.keys(now()).is_none());
        missing.map(|watched| watched.issuer.as_str().into()).collect()
    }
}

impl Issuers {
    /// Every issuer, and why its keys could not be fetched the last time, if so.
    pub fn fetched(&self) -> Vec<(Box<str>, Result<(), String>)> {
        let fetched = |watched: &Watched| match watched.shared.failed.load_full() {
            None => Ok(()),
            Some(why) => Err(why.to_string()),
        };
        self.0.iter().map(|watched| (watched.issuer.as_str().into(), fetched(watched))).collect()
    }
}

/// What reads a token.
type Read<T> = fn(&str, &Issuer, &Keys, Timestamp) -> Result<T, Untrusted>;

/// One issuer, and the task that fetches its keys.
struct Watched {
    issuer: Issuer,
    trust: Trust,
    shared: Arc<Shared>,
    fetching: AbortHandle,
}

struct Shared {
    keys: ArcSwapOption<Keys>,
    /// Why they could not be fetched the last time, if so.
    failed: ArcSwapOption<String>,
    refresh: Mutex<Refresh>,
    /// Tells the task that a fetch is due.
    wake: Notify,
    /// Changes when a fetch has ended, well or not.
    fetches: watch::Sender<()>,
}

impl Watched {
    fn start(issuer: Issuer, trust: Trust) -> Result<Arc<Self>, TlsError> {
        let fetch = Fetch::new(issuer.as_str(), &trust)?;
        let shared = Arc::new(Shared {
            keys: ArcSwapOption::empty(),
            failed: ArcSwapOption::empty(),
            refresh: Mutex::new(Refresh::new(now())),
            wake: Notify::new(),
            fetches: watch::Sender::new(()),
        });
        let task = tokio::spawn(keep_fresh(issuer.clone(), fetch, shared.clone()));
        Ok(Arc::new(Self { issuer, trust, shared, fetching: task.abort_handle() }))
    }

    async fn read<T>(&self, token: &str, by: Read<T>) -> Result<T, Unidentified> {
        // Subscribed before the first try, so that a fetch that ends between the two is seen.
        let mut fetches = self.shared.fetches.subscribe();
        let first = self.try_read(token, by);
        let worth_waiting = match first {
            Err(Unidentified::Untrusted(Untrusted::UnknownKey)) => self.shared.refresh().unknown_key(now()),
            Err(Unidentified::NoKeys) => true,
            Err(Unidentified::Untrusted(_)) | Ok(_) => false,
        };
        if !worth_waiting {
            return first;
        }
        self.shared.wake.notify_one();
        // Whether or not a fetch ended in time, what is known now decides.
        let _ = timeout(KEYS_WAIT_MAX, fetches.changed()).await;
        self.try_read(token, by)
    }

    fn try_read<T>(&self, token: &str, by: Read<T>) -> Result<T, Unidentified> {
        let now = now();
        let keys = self.keys(now).ok_or(Unidentified::NoKeys)?;
        Ok(by(token, &self.issuer, &keys, now)?)
    }

    fn keys(&self, now: Timestamp) -> Option<Arc<Keys>> {
        let keys = self.shared.keys.load_full()?;
        self.shared.refresh().keys_hold(now).then_some(keys)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

impl Shared {
    fn refresh(&self) -> std::sync::MutexGuard<'_, Refresh> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches an issuer's keys whenever [`Refresh`] says so.
async fn keep_fresh(issuer: Issuer, fetch: Fetch, shared: Arc<Shared>) {
    loop {
        while let Some(wait) = shared.wait(now()) {
            // Woken, slept enough or the clock was set: look again.
            let _ = timeout(wait, shared.wake.notified()).await;
        }
        shared.refresh().start();
        let fetched = keys(&issuer, &fetch).await;
        match fetched {
            Ok(keys) => {
                for ignored in keys.ignored() {
                    info!(issuer = issuer.as_str(), index = ignored.index, why = ignored.why, "key ignored");
                }
                shared.keys.store(Some(Arc::new(keys)));
                shared.failed.store(None);
                shared.refresh().fetched(now());
            }
            Err(error) => {
                warn!(issuer = issuer.as_str(), %error, "issuer's keys not fetched");
                shared.failed.store(Some(Arc::new(error.to_string())));
                shared.refresh().failed(now());
            }
        }
        shared.fetches.send_replace(());
    }
}

impl Shared {
    /// How long to wait for the next fetch; `None` if it is due.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let refresh = self.refresh();
        if refresh.due(now) {
            return None;
        }
        let micros = refresh.next_at().map_or(0, |next| next.micros().saturating_sub(now.micros()));
        // Looked at once a minute all the same: a clock that is set back would else make it wait for long.
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(Duration::from_secs(60)))
    }
}

/// What an issuer says its keys are.
async fn keys(issuer: &Issuer, fetch: &Fetch) -> Result<Keys, KeysNotFetched> {
    let document = fetch.get(&issuer.discovery_url()).await.map_err(KeysNotFetched::Discovery)?;
    let discovery = Discovery::parse(&document, issuer.as_str())?;
    let document = fetch.get(&discovery.jwks_uri).await.map_err(KeysNotFetched::KeySet)?;
    Ok(Keys::parse(&document)?)
}

#[derive(Debug, Error)]
enum KeysNotFetched {
    #[error("its metadata: {0}")]
    Discovery(#[source] FetchError),
    #[error(transparent)]
    Metadata(#[from] identity::DiscoveryError),
    #[error("its key set: {0}")]
    KeySet(#[source] FetchError),
    #[error(transparent)]
    Keys(#[from] identity::KeysError),
}

/// How long a session that is being opened waits for its issuer's keys.
const KEYS_WAIT_MAX: Duration = Duration::from_secs(2);
