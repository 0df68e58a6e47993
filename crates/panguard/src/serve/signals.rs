//! What a gateway is told by signals. They are taken before any address is bound: whoever sees it answer may tell it something.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

/// The signals that the process takes from now on.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// SIGHUP: to read the configuration again.
    pub hangup: Signal,
}

impl Signals {
    /// # Errors
    /// They cannot be taken.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Tells everybody to stop at the first SIGTERM or SIGINT, and ends the process at the second. What is left is SIGHUP.
    pub fn stop(self, stop: watch::Sender<bool>) -> Signal {
        let Self { mut terminate, mut interrupt, hangup } = self;
        tokio::spawn(async move {
            for time in 1.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if time > 1 {
                    // The audit log is whole whenever the process ends (DESIGN.md, promise 5).
                    error!("told to stop again, leaving at once");
                    std::process::exit(1);
                }
                info!("told to stop");
                stop.send_replace(true);
            }
        });
        hangup
    }
}

/// Comes back when everybody is told to stop.
pub async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error says that nobody is there to tell any more, which is the same.
    _ = stopping.wait_for(|stopping| *stopping).await;
}
