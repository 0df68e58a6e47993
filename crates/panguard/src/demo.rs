//! `panguard demo`: everything on loopback, a scripted agent's session through it, and then it stays up.
//!
//! The gateway is this program started again as `panguard serve`, with files as a user would write them. What
//! the demo observes comes from the client's side of the gateway, from the database past it, and from the
//! audit log's files; nothing is taken from what the gateway thinks of itself.

mod gateway;
mod house;
mod issuer;
mod postgres;
mod random;
mod script;
pub mod show;

use std::time::Instant;

use anyhow::Context;
use tempfile::TempDir;

use gateway::Gateway;
pub use house::{House, Who};
use issuer::Issuer;
use postgres::Postgres;
pub use show::Show;

/// What runs while the demo does, in the order in which it ends: the gateway before what it leans on, the
/// folder last.
struct Demo {
    gateway: Gateway,
    postgres: Postgres,
    issuer: Issuer,
    house: House,
    folder: TempDir,
}

/// Runs the script; then, unless `once`, stays up until a signal. Whether every promise shown has held.
///
/// # Errors
/// What the demo needs cannot be had.
pub async fn run(once: bool, show: &Show) -> anyhow::Result<bool> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        ran = up_and_script(once, show) => {
            let (mut demo, held) = ran?;
            if !once {
                demo.invite(show)?;
                tokio::select! {
                    () = stop.wait() => show.leaving(),
                    gone = demo.gateway.gone() => gone?,
                }
            }
            Ok(held)
        }
        // Whatever was up goes down with the future that owned it.
        () = stop.wait() => anyhow::bail!("stopped before the script was through"),
    }
}

async fn up_and_script(once: bool, show: &Show) -> anyhow::Result<(Demo, bool)> {
    let started = Instant::now();
    show.opening();
    let demo = Demo::start(once).await?;
    show.up(&demo.house, started.elapsed());
    let held = script::run(&demo, show).await?;
    show.verdict(held);
    Ok((demo, held))
}

impl Demo {
    async fn start(once: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("panguard-demo-").tempdir()?;
        let (postgres, issuer) = tokio::try_join!(Postgres::start(folder.path()), Issuer::start())?;
        let password = random::hex()?;
        house::furnish_database(&postgres, &password)
            .await
            .context("the demo's database cannot be filled")?;
        let house = House::build(folder.path(), postgres.address(), &issuer.url(), once)?;
        house.store_password(&password)?;
        let gateway = Gateway::start(&house).await?;
        Ok(Self { gateway, postgres, issuer, house, folder })
    }

    /// Prints what one needs to go on by hand.
    fn invite(&self, show: &Show) -> anyhow::Result<()> {
        let tokens = Who::ALL
            .iter()
            .map(|who| {
                Ok((*who, self.issuer.token(&who.identity(), house::AUDIENCE, house::TOKEN_LIFETIME)?))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        show.invite(&self.house, self.folder.path(), &tokens)
    }
}

/// The signals that end the demo.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
