use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{error, info, warn};

use crate::serve::Gateway;

/// Accepts agents until `shutdown` is ready; then drains.
///
/// Each has a task of its own: what becomes of one is nothing to another.
pub(crate) async fn run(gateway: &Arc<Gateway>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let limits = gateway.settings.limits;
    let arriving = Arc::new(Semaphore::new(limits.sessions));
    let mut sessions = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut overdue = interval(OVERDUE_EVERY);
    overdue.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            _ = overdue.tick() => {
                gateway.end_overdue();
                continue;
            }
            Some(ended) = sessions.join_next() => {
                report(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // So many are starting up already that none of them can be heard: this one is not either.
                let Ok(place) = arriving.clone().try_acquire_owned() else {
                    warn!(%peer, "too many agents are starting up, one was dropped");
                    continue;
                };
                sessions.spawn(gateway.clone().hear(socket, peer, place));
            }
            Err(error) => {
                // Out of file descriptors, say: trying again at once would only spin.
                warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    info!(sessions = sessions.len(), "shutting down");
    gateway.wind_down();
    if timeout(limits.shutdown_time, drain(&mut sessions)).await.is_err() {
        warn!(sessions = sessions.len(), "commands still running are given up");
        gateway.close();
        let _ = timeout(CLOSE_TIME_MAX, drain(&mut sessions)).await;
    }
    sessions.shutdown().await;
}

async fn drain(sessions: &mut JoinSet<()>) {
    while let Some(ended) = sessions.join_next().await {
        report(ended);
    }
}

/// A session's task ends by itself; one that panicked is a bug, and took nobody else with it.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!("a session's task panicked");
    }
}

/// How often it is looked which sessions are over.
const OVERDUE_EVERY: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A little more than a session's own time for its last words.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(6);
