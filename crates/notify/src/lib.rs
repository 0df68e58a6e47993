//! Tells people of requests for approval where they are, and takes their answers from there.
//!
//! ```text
//! a request changes ──▶ planned: one delivery a channel and event ──▶ tried, and tried again ──▶ delivered, or given up
//! POST /api/hooks/CHANNEL ──▶ signed? now? for the first time? ──▶ who is it? ──▶ Gate::answer, as any other answer
//! ```
//!
//! It stands beside everything: no command waits for a message, and none is decided by whether one arrives. What is sent holds
//! what a [`gate::Request`] does, which is masked.

mod alert;
mod answer;
mod channel;
mod courier;
mod event;
mod figures;
mod hook;
mod message;
mod plain;
mod schedule;
mod send;
mod signature;
mod smtp;

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Timestamp;
use arc_swap::ArcSwap;
use gate::{Down, Requests};
use store::Deliveries;
use vault::Vault;

#[doc(hidden)]
pub use answer::fuzz_answer;
pub use channel::{Channel, Mail, MailTls, Medium, Person};
pub use event::Event;
pub use figures::Figures;
pub use hook::{Hook, Taken};
pub use plain::{is_unseen, plain, plain_json};
pub use signature::sign_webhook;
pub use smtp::is_address;
pub use store::{Delivery, Stands};

/// Tells of the requests that came to this gateway, and takes answers by hooks.
pub struct Notify {
    settings: ArcSwap<Settings>,
    place: Place,
}

/// Who is told, as configured.
#[derive(Clone, Default)]
pub struct Settings {
    /// Where people find the console.
    pub console: Option<Box<str>>,
    /// The channels by their names.
    pub channels: BTreeMap<Box<str>, Arc<Channel>>,
}

/// Where it happens, for the life of the process.
pub struct Place {
    /// The requests of all gateways.
    pub requests: Arc<dyn Requests>,
    /// Who is to be told of what.
    pub deliveries: Arc<dyn Deliveries>,
    /// Has the secrets.
    pub vault: Arc<Vault>,
    /// What this gateway is called in the store.
    pub gateway: Box<str>,
    /// The machine's name, for mail servers.
    pub machine: Box<str>,
    /// What operators measure.
    pub figures: Figures,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

impl Notify {
    /// Nothing is sent before it [runs](Notify::run).
    pub fn new(settings: Settings, place: Place) -> Self {
        Self { settings: ArcSwap::from_pointee(settings), place }
    }

    /// Puts others in the place of the channels that there were.
    pub fn replace(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Who has been told of a request, and who is to be.
    ///
    /// # Errors
    /// [`Down`].
    pub async fn deliveries(&self, request: &str) -> Result<Vec<Delivery>, Down> {
        self.place.deliveries.deliveries_of(request).await
    }
}
