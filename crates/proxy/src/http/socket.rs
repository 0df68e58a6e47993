//! Runs one WebSocket between an agent and an upstream.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use gate::Gate;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::debug;
use wire::Side;
use wire_http::{Keys, Opening, Relay};

use super::session::Running;
use crate::clock::now;
use crate::random;

/// A WebSocket that an exchange has opened. However it ends, that is recorded.
pub(super) struct Socket {
    relay: Relay,
    session: Running,
    gate: Arc<Gate>,
    /// The version of the policies by which it was decided upon.
    policies: Arc<str>,
    upstream: Option<OnUpgrade>,
}

/// What a socket waited for.
enum Happened {
    Read(Side, usize),
    Went,
    Gave,
    Ticked,
    Late,
    Ending,
}

impl Socket {
    pub(super) fn new(
        opening: Opening,
        session: Running,
        gate: Arc<Gate>,
        policies: Arc<str>,
        upstream: OnUpgrade,
    ) -> Self {
        Self { relay: opening.begin(keys()), session, gate, policies, upstream: Some(upstream) }
    }

    /// Runs until either side has gone, or `ending` is ready and both are told.
    pub(super) async fn run<S>(mut self: Box<Self>, agent: S, ending: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(upgrade) = self.upstream.take() else { return };
        match upgrade.await {
            Ok(upstream) => self.relay(agent, TokioIo::new(upstream), ending).await,
            Err(error) => {
                debug!(request = %self.relay.request(), %error, "an upstream went before its socket was open");
                self.relay.cut();
            }
        }
    }

    async fn relay<A, U>(&mut self, agent: A, upstream: U, ending: impl Future<Output = ()>)
    where
        A: AsyncRead + AsyncWrite + Unpin,
        U: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut from_agent, to_agent) = split(agent);
        let (mut from_upstream, to_upstream) = split(upstream);
        let (mut asked, mut answered) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
        let (mut telling, mut sending) = (Outbox::new(to_agent), Outbox::new(to_upstream));
        let mut ending = pin!(ending);
        let (mut ends, mut closing): (bool, Option<Instant>) = (false, None);
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.relay.is_over() {
            telling.put(self.relay.take(Side::Agent));
            sending.put(self.relay.take(Side::Upstream));
            if self.relay.is_closing() && closing.is_none() {
                closing = Some(Instant::now() + CLOSE_TIME_MAX);
            }
            let (hears_agent, hears_upstream) = (sending.bytes.is_empty(), telling.bytes.is_empty());
            let happened = tokio::select! {
                () = &mut ending, if !ends => Happened::Ending,
                gave = telling.give(), if !telling.is_done() => given(gave),
                gave = sending.give(), if !sending.is_done() => given(gave),
                read = from_agent.read(&mut asked), if hears_agent => was_read(Side::Agent, read),
                read = from_upstream.read(&mut answered), if hears_upstream => was_read(Side::Upstream, read),
                _ = tick.tick() => Happened::Ticked,
                () = late(closing) => Happened::Late,
            };
            match happened {
                Happened::Read(side, length) => {
                    let bytes = if side == Side::Agent { &asked } else { &answered };
                    // Who may go on is asked before what they say is heard.
                    if self.goes_on() {
                        self.relay.push(side, bytes.get(..length).unwrap_or_default());
                    }
                }
                Happened::Gave => {}
                Happened::Ticked => drop(self.goes_on()),
                Happened::Went | Happened::Late => self.relay.cut(),
                Happened::Ending => {
                    ends = true;
                    self.relay.shut_down();
                }
            }
        }
        telling.put(self.relay.take(Side::Agent));
        sending.put(self.relay.take(Side::Upstream));
        // Whoever does not take the last words goes without.
        let _ = timeout(CLOSE_TIME_MAX, async { tokio::join!(telling.close(), sending.close()) }).await;
    }

    /// Whether the agent may go on; if not, both sides are told.
    fn goes_on(&mut self) -> bool {
        let now = now();
        if self.gate.is_revoked(self.session.admitted.admission(), now) {
            self.relay.revoked();
            return false;
        }
        match self.session.goes_on(now) {
            _ if !self.gate.is_as_then(&self.session.admitted.admission().principal) => self.relay.expired(),
            None => self.relay.expired(),
            Some(false) => self.relay.decide_anew("the connection's configuration has changed"),
            Some(true) if self.gate.policy_version() != self.policies => {
                self.relay.decide_anew("policies have changed");
            }
            Some(true) => return true,
        }
        false
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let outcome = self.relay.outcome();
        self.session.metrics.done(&outcome);
        self.gate.done(&self.session.admitted, &outcome, now());
    }
}

fn was_read(side: Side, read: std::io::Result<usize>) -> Happened {
    match read {
        Ok(0) | Err(_) => Happened::Went,
        Ok(length) => Happened::Read(side, length),
    }
}

fn given(gave: std::io::Result<()>) -> Happened {
    if gave.is_ok() { Happened::Gave } else { Happened::Went }
}

/// What is to be written to one side.
struct Outbox<W> {
    to: W,
    bytes: BytesMut,
    is_flushed: bool,
}

impl<W: AsyncWrite + Unpin> Outbox<W> {
    fn new(to: W) -> Self {
        Self { to, bytes: BytesMut::new(), is_flushed: true }
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.bytes.extend_from_slice(&bytes);
    }

    fn is_done(&self) -> bool {
        self.bytes.is_empty() && self.is_flushed
    }

    /// Writes some of it, or sees to it that what was written is on its way. Nothing is lost if this is dropped.
    async fn give(&mut self) -> std::io::Result<()> {
        if self.bytes.is_empty() {
            self.to.flush().await?;
            self.is_flushed = true;
            return Ok(());
        }
        let length = self.to.write(&self.bytes).await?;
        if length == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.bytes.advance(length);
        self.is_flushed = false;
        Ok(())
    }

    async fn close(&mut self) -> std::io::Result<()> {
        self.to.write_all(&self.bytes).await?;
        self.to.shutdown().await
    }
}

async fn late(closing: Option<Instant>) {
    match closing {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Keys out of the system's randomness, some at a time.
fn keys() -> Keys {
    let mut some = Vec::new();
    Box::new(move || {
        if some.is_empty() {
            let bytes = random::bytes::<KEYS_BYTES>().ok()?;
            some.extend(bytes.as_chunks::<4>().0);
        }
        some.pop()
    })
}

const READ_BYTES: usize = 16 << 10;
const KEYS_BYTES: usize = 1024;
/// How long a side may take to answer that the other closes, and to take the last words.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);
/// How often it is looked whether an agent may go on that says nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
