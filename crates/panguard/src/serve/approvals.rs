//! Where requests for approval are kept, and the looking after those who wait.

use std::sync::Arc;
use std::time::Duration;

use gate::{Approvals, Gate};
use store::Embedded;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};
use vault::{Name, Vault, fresh_key};

use super::now;
use crate::config::Config;
use crate::folder;

/// The requests of this gateway, in its data folder.
///
/// # Errors
/// The store or the vault cannot be opened.
pub fn open(config: &Config, vault: &Vault) -> anyhow::Result<Approvals> {
    let key = vault.get_or_create(&Name::internal("approvals")?, now(), fresh_key)?;
    let store = Embedded::open(&folder::store(&config.data_dir))?;
    Ok(Approvals::new(store, &key, now))
}

/// Withdraws what was waited for when the run before ended.
///
/// # Errors
/// The store cannot be read.
pub fn withdraw_left(gate: &Gate) -> anyhow::Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let left = runtime.block_on(gate.withdraw_left(now()));
    left.map_err(|down| anyhow::anyhow!("{down}"))
}

/// Wakes those whose request has changed or whose time is up, for as long as it is polled.
pub async fn look(gate: Arc<Gate>) {
    let Some(approvals) = gate.approvals() else { return };
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_down = false;
    let mut looks = 0_u32;
    loop {
        every.tick().await;
        let mut looked = approvals.look(now()).await;
        looks = looks.wrapping_add(1);
        if looked.is_ok() && looks.is_multiple_of(LOOKS_TO_END) {
            looked = gate.end_overdue(now()).await.map(drop);
        }
        match &looked {
            Ok(()) if was_down => info!("the store of requests is back"),
            Err(down) if !was_down => warn!(%down, "nothing is approved until it is back"),
            Ok(()) | Err(_) => {}
        }
        was_down = looked.is_err();
    }
}

/// What another gateway has decided is known here within this; what was decided here, at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every how many looks what nobody waits for is ended. Whoever waits sees to it in time.
const LOOKS_TO_END: u32 = 10;
