//! Where the audit log is brought: what of the configuration can be exchanged while the gateway runs.

use std::sync::Arc;

use anyhow::Context;
use audit::Log;
use ship::{Figures, Place, Ship};
use vault::Vault;

use super::{gateway_name, live, now};
use crate::config::Config;
use crate::folder;

/// Brings `log` nowhere, until there are sinks.
///
/// # Errors
/// There is no place to write down where each is.
pub fn open(config: &Config, log: Log, vault: Arc<Vault>, figures: Figures) -> anyhow::Result<Arc<Ship>> {
    let dir = folder::audit(&config.data_dir);
    let folder = folder::make(&folder::sinks(&dir))?;
    let gateway = gateway_name().into();
    Ok(Arc::new(Ship::new(Place { log, dir, folder, vault, gateway, figures, clock: now })))
}

/// The first entry that some sink has not had, or of which that cannot be said.
pub fn brought(ship: &Ship) -> u64 {
    let standings = ship.standings().into_iter();
    standings.map(|(_, standing)| standing.map_or(0, |standing| standing.next)).min().unwrap_or(u64::MAX)
}

/// The sinks, with the PEM files that they name.
///
/// # Errors
/// A file that cannot be read or is not what it should be, by its name.
pub fn sinks(config: &Config) -> anyhow::Result<Vec<ship::Sink>> {
    let sinks = config.sinks.iter().map(|it| {
        let trust = live::trust(it.ca.as_deref()).with_context(|| format!("the sink `{}`", it.sink.name))?;
        Ok(ship::Sink { trust, ..it.sink.clone() })
    });
    sinks.collect()
}
