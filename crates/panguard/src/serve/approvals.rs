//! Where requests for approval are kept, and the looking after those who wait.

use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use anyhow::Context;
use audit::{Closes, Control};
use aws_lc_rs::digest;
use gate::{Approvals, Found, Gate, Requests};
use proxy::{Inspection, Target};
use store::{Deliveries, Dial, Embedded, Revocations, Rows, Session, Shared};
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;
use vault::{Name, Vault, fresh_key};

use super::controls::Watch;
use super::lending::{Lent, Source};
use super::now;
use crate::config::Config;
use crate::folder;

/// What the store is to those who tell people of the requests in it.
pub struct Shelf {
    pub requests: Arc<dyn Requests>,
    pub deliveries: Arc<dyn Deliveries>,
    /// What this gateway is called there.
    pub instance: Box<str>,
    /// Where those that share it tell each other what is revoked, and the key by which they know each other's word.
    pub revocations: Option<(Arc<dyn Revocations>, Secret)>,
}

/// The requests of this gateway in its data folder, or those of all that share a store.
///
/// To be called within the runtime that the gateway runs in.
///
/// # Errors
/// The store in the data folder or the vault cannot be opened. One that is shared may be out of reach.
pub fn open(config: &Config, vault: &Arc<Vault>) -> anyhow::Result<(Approvals, Shelf, Lent)> {
    let own = vault.get_or_create(&Name::internal("approvals")?, now(), fresh_key)?;
    let instance = hex(digest(&[b"panguard gateway", own.expose()]).get(..8).unwrap_or_default());
    Ok(match &config.store {
        None => {
            let store = Embedded::open(&folder::store(&config.data_dir))?;
            let lent = Lent::new(Arc::new(store.clone()), Source::Own(own.clone()));
            let shelf = shelf(store.clone(), &instance, None);
            (Approvals::new(store, &own, now).at(&instance), shelf, lent)
        }
        Some(connection) => {
            let password = vault.get(&connection.password)?.with_context(|| {
                format!(
                    "the store's password is not in the vault; run `panguard secrets set {}`",
                    connection.password
                )
            })?;
            // What all who share the store have in common, and nobody else has.
            let key = Secret::from(digest(&[b"panguard approvals", password.expose()]));
            let target = super::target(connection).context("the store")?;
            let store = Shared::new(dial(target, vault.clone()));
            let told: Arc<dyn Revocations> = Arc::new(store.clone());
            let told = (told, Secret::from(digest(&[b"panguard revocations", password.expose()])));
            let lent = Lent::new(Arc::new(store.clone()), Source::Common { password });
            let shelf = shelf(store.clone(), &instance, Some(told));
            (Approvals::new(store, &key, now).at(&instance), shelf, lent)
        }
    })
}

fn shelf(
    store: impl Requests + Deliveries + Clone + 'static,
    instance: &str,
    revocations: Option<(Arc<dyn Revocations>, Secret)>,
) -> Shelf {
    let requests = Arc::new(store.clone());
    Shelf { requests, deliveries: Arc::new(store), instance: instance.into(), revocations }
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    digest::digest(&digest::SHA256, &parts.concat()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sessions with the server of a store, by the code that reaches upstreams.
fn dial(target: Target, vault: Arc<Vault>) -> Dial {
    let target = Arc::new(target);
    Box::new(move || {
        let (target, vault) = (target.clone(), vault.clone());
        Box::pin(async move {
            let session = Inspection::open(&target, &vault).await.map_err(|error| error.to_string())?;
            Ok(Box::new(Open(session)) as Box<dyn Session>)
        })
    })
}

struct Open(Inspection);

impl Session for Open {
    fn rows<'a>(&'a mut self, sql: &'a str) -> Rows<'a> {
        Box::pin(
            async move { Ok(self.0.rows(sql, ANSWER_TIME_MAX).await.map_err(|error| error.to_string())?) },
        )
    }
}

/// Wakes those whose request has changed or whose time is up, for as long as it is polled.
///
/// What was waited for when the run before ended is withdrawn as soon as the store can be reached.
pub async fn look(gate: Arc<Gate>, watch: Arc<Watch>) {
    let Some(approvals) = gate.approvals() else { return };
    let started = now();
    let mut left = None;
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    loop {
        every.tick().await;
        let mut looked = approvals.look(now()).await;
        looks = looks.wrapping_add(1);
        if looked.is_ok() && left.is_none() {
            left = gate.withdraw_left(started, now()).await.ok();
            info!(withdrawn = left, "requests that were waited for when the last run ended");
        }
        if looked.is_ok() && looks.is_multiple_of(LOOKS_TO_END) {
            looked = gate.end_overdue(now()).await.map(drop);
        }
        if looked.is_ok() && looks % LOOKS_TO_FORGET == 1 {
            looked = approvals.forget(now()).await.map(drop);
        }
        let found = match &looked {
            Ok(()) => Found::Works,
            // What waits goes on waiting.
            Err(down) => Found::Fails { cause: down.to_string(), closes: Closes::Nothing },
        };
        watch.found(Control::Approvals, "", found).await;
    }
}

/// What another gateway has decided is known here within this; what was decided here, at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long the server of a shared store may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// Every how many looks what is long over is forgotten: once an hour.
const LOOKS_TO_FORGET: u32 = 7200;

/// Every how many looks what nobody waits for is ended. Whoever waits sees to it in time.
const LOOKS_TO_END: u32 = 10;
