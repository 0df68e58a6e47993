//! The audit log for others' collectors: the forms in which they read entries, and bringing them there.
//!
//! ```text
//! durable entries ──▶ read from the disk, from where the sink is ──▶ form ──▶ receiver
//!                                            ▲                                   │ has them
//!                                            └── where it is, in a small file ◀──┘
//! ```
//!
//! Each [`Sink`] pulls for itself: no command waits for one, what a receiver does not take stays in the log until it does, and
//! what will never be brought there is an entry of the log. A receiver has every entry at least once; what is sent again after
//! something broke has the index and hash that it had before.

mod courier;
mod course;
mod figures;
mod form;
pub mod line;
mod pack;
mod position;
mod read;
mod receiver;
mod sink;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::Timestamp;
use audit::Log;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vault::Vault;

pub use figures::Figures;
pub use form::{Form, Leaf};
pub use position::{Standing, Wrong, leave, standing};
pub use sink::{Begins, Sink, To};

/// Brings the log to all sinks.
pub struct Ship {
    place: Arc<Place>,
    under_way: Mutex<BTreeMap<Box<str>, UnderWay>>,
}

/// Where it happens, for the life of the process.
pub struct Place {
    /// The log, to which gaps are appended.
    pub log: Log,
    /// The log's folder.
    pub dir: PathBuf,
    /// Where it is written down where each sink is.
    pub folder: PathBuf,
    /// Has the secrets.
    pub vault: Arc<Vault>,
    /// The gateway's name in entries.
    pub gateway: Arc<str>,
    /// What operators measure.
    pub figures: Figures,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

struct UnderWay {
    sink: Sink,
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Ship {
    /// Nothing is brought anywhere before there are [sinks](Ship::replace).
    pub fn new(place: Place) -> Self {
        Self { place: Arc::new(place), under_way: Mutex::default() }
    }

    /// Puts these sinks in the place of those that there were. One that is as it was goes on; another begins when the one of its
    /// name before has ended, where that was. Within a runtime of tokio.
    pub fn replace(&self, sinks: Vec<Sink>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *under_way);
        for sink in sinks {
            let name = sink.name.clone();
            let one = match before.remove(&name) {
                Some(same) if same.sink == sink && !same.ended.is_finished() => same,
                previous => self.begin(sink, previous),
            };
            under_way.insert(name, one);
        }
        before.values().for_each(UnderWay::stop);
    }

    fn begin(&self, sink: Sink, previous: Option<UnderWay>) -> UnderWay {
        let (stop, stopping) = watch::channel(false);
        let (place, it) = (Arc::clone(&self.place), sink.clone());
        let ended = tokio::spawn(async move {
            if let Some(previous) = previous {
                previous.stop();
                // It ends, or has panicked and said so.
                _ = previous.ended.await;
            }
            courier::run(&place, &it, stopping).await;
            place.figures.forget(&it.name);
        });
        UnderWay { sink, stop, ended }
    }

    /// Where each of them is, and what is wrong with it.
    pub fn standings(&self) -> Vec<(Box<str>, io::Result<Standing>)> {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = |name: &str| position::standing(&self.place.folder, name);
        under_way.keys().map(|name| (name.clone(), standing(name).map(Option::unwrap_or_default))).collect()
    }

    /// Ends all of them. What has not been brought by then is brought after the next start.
    pub async fn end(&self) {
        let under_way = std::mem::take(&mut *self.under_way.lock().unwrap_or_else(PoisonError::into_inner));
        under_way.values().for_each(UnderWay::stop);
        let ended = async {
            for one in under_way.into_values() {
                _ = one.ended.await;
            }
        };
        // One that still waits for its receiver goes on from what is written down.
        _ = timeout(END_TIME_MAX, ended).await;
    }
}

impl UnderWay {
    fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// For receivers to say what they have, when the gateway stops.
const END_TIME_MAX: Duration = Duration::from_secs(3);
