//! Where people are told of requests: what of the configuration can be exchanged while the gateway runs.

use std::sync::Arc;

use anyhow::Context;
use notify::{Figures, Notify, Place, Settings};
use vault::Vault;

use super::approvals::Shelf;
use super::{gateway_name, live, now};
use crate::config::Config;

/// Tells of the requests on `shelf`, once it runs.
///
/// # Errors
/// As [`settings`].
pub fn open(
    config: &Config,
    shelf: Shelf,
    vault: Arc<Vault>,
    figures: Figures,
) -> anyhow::Result<Arc<Notify>> {
    let Shelf { requests, deliveries, instance, .. } = shelf;
    let machine = gateway_name().into();
    let place = Place { requests, deliveries, vault, gateway: instance, machine, figures, clock: now };
    Ok(Arc::new(Notify::new(settings(config)?, place)))
}

/// The channels, with the PEM files that they name.
///
/// # Errors
/// A file that cannot be read or is not what it should be, by its name.
pub fn settings(config: &Config) -> anyhow::Result<Settings> {
    let channels = config.notify.channels.iter().map(|it| {
        let trust =
            live::trust(it.ca.as_deref()).with_context(|| format!("the channel `{}`", it.channel.name))?;
        Ok((it.channel.name.clone(), Arc::new(notify::Channel { trust, ..it.channel.clone() })))
    });
    Ok(Settings {
        console: config.notify.console.clone(),
        channels: channels.collect::<anyhow::Result<_>>()?,
    })
}
