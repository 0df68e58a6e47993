//! The driver loop: runs any lane's [`Session`] between two byte streams.
//!
//! One task per session and one poll per turn: take orders and verdicts, read whichever side has
//! something, run the session's effects, write whatever either side will take. Nothing here waits for one
//! side before it looks at the other, so a stalled peer stalls only itself.

mod outbox;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use access::{Code, Outcome, Question, RequestId, Verdict};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wire::{Effect, Inquiry, Session, Side, Violation, Word};

use outbox::Outbox;

/// Who decides a session's commands: the gate, seen from one admitted session.
pub trait Judge {
    /// The wait for a final verdict.
    type Pending: Future<Output = Verdict> + Unpin;

    /// The wait for what an upstream says.
    type Telling: Future<Output = Word> + Unpin;

    /// Puts a question.
    fn ask(&self, question: Question) -> Asked<Self::Pending>;

    /// Asks the upstream, beside the conversation.
    fn inquire(&self, inquiry: Inquiry) -> Self::Telling;

    /// Takes how a command ended.
    fn done(&self, outcome: Outcome);
}

/// What a [`Judge`] says to a question.
#[derive(Debug)]
pub struct Asked<P> {
    /// What holds until the final verdict: leave to run ahead of it, or word of a hold.
    pub first: Option<Verdict>,
    /// The final verdict.
    pub verdict: P,
}

/// What the rest of the gateway tells a running session.
#[derive(Debug)]
pub enum Order {
    /// The agent asked, on another socket, to cancel. The reply is whether that is done; `false` means
    /// that the command is at the upstream, which must be told.
    Cancel(oneshot::Sender<bool>),
    /// End when no command is running.
    WindDown,
    /// End now, and say that access is revoked. The reply is whether a command ran: its upstream must be told.
    Revoked(oneshot::Sender<bool>),
    /// End if no command is running: nothing has been asked for long.
    Idle,
    /// End when no command is running: the session's time is over.
    Over,
    /// End now.
    Close,
}

/// How a conversation ended.
#[derive(Debug)]
pub enum Ended {
    /// The session asked for it.
    Closed,
    /// It was told to, while a command ran.
    BrokenOff,
    /// A peer broke the protocol.
    Violation(Violation),
}

/// How much a conversation moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read from the agent.
    pub from_agent: u64,
    /// Bytes read from the upstream.
    pub from_upstream: u64,
}

/// Bytes that may wait for one side before nothing more is read that could add to them.
pub const OUTBOX_BYTES_MAX: usize = 256 << 10;

/// Runs one conversation to its end.
///
/// `early` is what the agent has sent already, and was read with its start-up. `orders` is how others reach
/// the session; it may be closed. `after` is called with the session each time its effects have been run,
/// for what the session notes beside its effects.
pub async fn drive<S, A, U, J>(
    session: &mut S,
    early: &[u8],
    agent: A,
    upstream: U,
    judge: &J,
    orders: mpsc::Receiver<Order>,
    after: impl FnMut(&mut S),
) -> (Ended, Traffic)
where
    S: Session,
    A: AsyncRead + AsyncWrite,
    U: AsyncRead + AsyncWrite,
    J: Judge,
{
    let (agent, upstream) = (pin!(agent), pin!(upstream));
    let (mut agent, mut upstream) = (Peer::new(agent), Peer::new(upstream));
    let mut driver = Driver {
        session,
        judge,
        after,
        orders: Some(orders),
        asking: VecDeque::new(),
        inquiring: None,
        agent: &mut agent,
        upstream: &mut upstream,
        ended: None,
        patience: CLOSE_TIME_MAX,
    };
    if !early.is_empty() {
        driver.check(|session| session.receive(Side::Agent, early));
    }
    let ended = poll_fn(|cx| driver.turn(cx)).await;
    let patience = driver.patience;
    let traffic = Traffic { from_agent: agent.read, from_upstream: upstream.read };
    // A peer that is gone, or does not listen, is dropped with what was still for it.
    let close = async { tokio::join!(agent.finish_both_ways(), upstream.finish()) };
    let _ = timeout(patience, close).await;
    (ended, traffic)
}

/// The same for one whose access was revoked.
const REVOKED_TIME_MAX: Duration = Duration::from_millis(300);

/// How long the last bytes may take to be sent before both sides are dropped.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an agent that has been told the end may take to end too.
const LINGER_TIME_MAX: Duration = Duration::from_secs(1);

/// One side's stream and what waits for it.
struct Peer<'a, T> {
    stream: Pin<&'a mut T>,
    outbox: Outbox,
    /// It has said all it will say, or its stream failed.
    reads_over: bool,
    /// It takes no more: what is for it is thrown away.
    writes_over: bool,
    read: u64,
}

impl<'a, T: AsyncRead + AsyncWrite> Peer<'a, T> {
    fn new(stream: Pin<&'a mut T>) -> Self {
        Self { stream, outbox: Outbox::default(), reads_over: false, writes_over: false, read: 0 }
    }

    /// Reads once into `buffer`. An empty result is the end; a stream that failed has ended.
    fn poll_read<'b>(&mut self, cx: &mut Context<'_>, buffer: &'b mut [u8]) -> Poll<&'b [u8]> {
        let mut read = ReadBuf::new(buffer);
        if ready!(self.stream.as_mut().poll_read(cx, &mut read)).is_err() {
            read.clear();
        }
        let count = read.filled().len();
        self.read = self.read.saturating_add(count as u64);
        Poll::Ready(buffer.get(..count).unwrap_or_default())
    }

    /// Writes what waits, as far as the peer takes it. Returns whether the stream failed in it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        if self.writes_over {
            self.outbox.clear();
            return false;
        }
        match self.outbox.poll_write(cx, self.stream.as_mut()) {
            Poll::Ready(Err(_)) => {
                self.writes_over = true;
                self.outbox.clear();
                true
            }
            Poll::Ready(Ok(())) | Poll::Pending => false,
        }
    }

    /// Says nothing more to it.
    fn stop(&mut self) {
        self.writes_over = true;
        self.outbox.clear();
    }

    fn has_room(&self) -> bool {
        self.outbox.len() < OUTBOX_BYTES_MAX
    }

    /// Sends the rest and says that nothing follows.
    async fn finish(&mut self) -> io::Result<()> {
        if self.writes_over {
            return Ok(());
        }
        poll_fn(|cx| self.outbox.poll_write(cx, self.stream.as_mut())).await?;
        self.stream.shutdown().await
    }

    /// As [`Peer::finish`], then waits for the peer to end too: a socket closed with unread bytes in it
    /// is reset, and the peer might lose the last message to it.
    async fn finish_both_ways(&mut self) -> io::Result<()> {
        self.finish().await?;
        let listen = async {
            let mut rest = [0; 1024];
            while !self.reads_over {
                self.reads_over = self.stream.read(&mut rest).await? == 0;
            }
            io::Result::Ok(())
        };
        timeout(LINGER_TIME_MAX, listen).await?
    }
}

struct Driver<'d, 'a, S, A, U, J: Judge, F> {
    session: &'d mut S,
    judge: &'d J,
    after: F,
    /// `None` when nobody can give orders any more.
    orders: Option<mpsc::Receiver<Order>>,
    /// The open questions, oldest first: their final verdicts are given in this order. More than one is
    /// open only while all but the last are of commands that run ahead, which the session bounds.
    asking: VecDeque<(RequestId, J::Pending)>,
    /// What the upstream is being asked beside the conversation.
    inquiring: Option<J::Telling>,
    agent: &'d mut Peer<'a, A>,
    upstream: &'d mut Peer<'a, U>,
    ended: Option<Ended>,
    /// How long the last bytes may take to be sent.
    patience: Duration,
}

impl<S, A, U, J, F> Driver<'_, '_, S, A, U, J, F>
where
    S: Session,
    A: AsyncRead + AsyncWrite,
    U: AsyncRead + AsyncWrite,
    J: Judge,
    F: FnMut(&mut S),
{
    /// Does all that can be done now.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            self.run();
            if let Some(ended) = self.ended.take() {
                return Poll::Ready(ended);
            }
            // A verdict is taken when there is nothing left to read from the agent, so that a hang-up that
            // is already there is seen before the command is released.
            let ordered = self.take_orders(cx);
            let asked = self.read(cx, Side::Agent) || self.take_word(cx) || self.take_verdict(cx);
            let answered = self.read(cx, Side::Upstream);
            let moved = ordered || asked || answered;
            if moved {
                self.run();
            }
            if !(self.write(cx) | moved) {
                return Poll::Pending;
            }
        }
    }

    /// Runs the session's effects.
    fn run(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Send(Side::Agent, bytes) => self.agent.outbox.push(bytes),
                Effect::Send(Side::Upstream, bytes) => self.upstream.outbox.push(bytes),
                Effect::Ask(question) => self.ask(question),
                Effect::Inquire(inquiry) => self.inquiring = Some(self.judge.inquire(inquiry)),
                Effect::Done(outcome) => self.judge.done(outcome),
                Effect::Close => self.end(Ended::Closed),
            }
        }
        (self.after)(self.session);
    }

    fn ask(&mut self, question: Question) {
        let request = question.request;
        let asked = self.judge.ask(question);
        self.asking.push_back((request, asked.verdict));
        if let Some(first) = asked.first {
            self.check(|session| session.answer(first));
        }
    }

    fn check(&mut self, step: impl FnOnce(&mut S) -> Result<(), Violation>) {
        if let Err(violation) = step(self.session) {
            self.end(Ended::Violation(violation));
        }
    }

    /// The first reason to end is the reason.
    fn end(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
    }

    fn take_orders(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(orders) = &mut self.orders else { return false };
        let Poll::Ready(order) = orders.poll_recv(cx) else { return false };
        match order {
            Some(Order::Cancel(reply)) => self.cancel(reply),
            Some(Order::WindDown) => self.session.wind_down(Code::ShuttingDown),
            Some(Order::Revoked(reply)) => {
                // If whoever asked has gone, so has the gateway.
                let _ = reply.send(!self.session.is_idle());
                // Nothing more of what waits for the agent is told, and somebody who does not read is not waited for.
                match self.agent.outbox.len() == 0 {
                    true => self.session.wind_down(Code::Revoked),
                    false => self.agent.stop(),
                }
                self.patience = REVOKED_TIME_MAX;
                self.break_off();
            }
            Some(Order::Idle) if !self.session.is_idle() => {}
            Some(Order::Idle | Order::Over) => self.session.wind_down(Code::SessionOver),
            Some(Order::Close) => self.break_off(),
            None => self.orders = None,
        }
        true
    }

    /// Ends now, whatever runs.
    fn break_off(&mut self) {
        let ended = if self.session.is_idle() { Ended::Closed } else { Ended::BrokenOff };
        self.gone(Side::Agent);
        // A session whose agent has gone asks for its end, too.
        self.end(ended);
        self.run();
    }

    fn cancel(&mut self, reply: oneshot::Sender<bool>) {
        let withdrawn = self.session.cancel();
        if let Some(withdrawn) = withdrawn {
            self.asking.retain(|(request, _)| *request != withdrawn);
        }
        // If whoever asked has gone, the upstream need not be told either.
        let _ = reply.send(withdrawn.is_some());
    }

    fn take_verdict(&mut self, cx: &mut Context<'_>) -> bool {
        // An agent that does not take what it is told is not read either, so that it could have hung up
        // unseen: what it asked for waits with it.
        if !self.agent.has_room() {
            return false;
        }
        let Some((_, verdict)) = self.asking.front_mut() else { return false };
        let Poll::Ready(verdict) = Pin::new(verdict).poll(cx) else { return false };
        // After word of a hold the final verdict follows.
        if !matches!(verdict, Verdict::Hold(_)) {
            self.asking.pop_front();
        }
        self.check(|session| session.answer(verdict));
        true
    }

    /// Takes what the upstream says beside the conversation.
    fn take_word(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(telling) = &mut self.inquiring else { return false };
        let Poll::Ready(word) = Pin::new(telling).poll(cx) else { return false };
        self.inquiring = None;
        self.check(|session| session.told(word));
        true
    }

    fn read(&mut self, cx: &mut Context<'_>, side: Side) -> bool {
        // What the agent says can make bytes for either side, what the upstream says only for the agent.
        let room = self.agent.has_room() && (side == Side::Upstream || self.upstream.has_room());
        let over = match side {
            Side::Agent => self.agent.reads_over,
            Side::Upstream => self.upstream.reads_over,
        };
        if self.ended.is_some() || over || !room || !self.session.wants(side) {
            return false;
        }
        BUFFER.with_borrow_mut(|buffer| {
            let bytes = match side {
                Side::Agent => self.agent.poll_read(cx, buffer),
                Side::Upstream => self.upstream.poll_read(cx, buffer),
            };
            let Poll::Ready(bytes) = bytes else { return false };
            if bytes.is_empty() {
                self.gone(side);
            } else {
                self.check(|session| session.receive(side, bytes));
            }
            true
        })
    }

    /// Writes to both sides. Returns whether there is something for the session to react to.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let (agent_was_full, upstream_was_full) = (!self.agent.has_room(), !self.upstream.has_room());
        // A failed write to the upstream ends nothing: why it closed may still be there to be read.
        self.upstream.poll_write(cx);
        let lost = self.agent.poll_write(cx);
        if lost {
            self.gone(Side::Agent);
        }
        lost || (agent_was_full && self.agent.has_room()) || (upstream_was_full && self.upstream.has_room())
    }

    /// `side` will say nothing more. With the agent go its open questions: a verdict that comes later finds
    /// nobody, and releases nothing.
    fn gone(&mut self, side: Side) {
        let over = match side {
            Side::Agent => &mut self.agent.reads_over,
            Side::Upstream => &mut self.upstream.reads_over,
        };
        if std::mem::replace(over, true) {
            return;
        }
        if side == Side::Agent {
            self.asking.clear();
            self.inquiring = None;
        }
        self.session.closed(side);
    }
}

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

thread_local! {
    // One for each worker thread and not one for each session: it is empty again at the end of every
    // read, and an idle session costs no buffer.
    static BUFFER: std::cell::RefCell<Box<[u8]>> = std::cell::RefCell::new(vec![0; READ_BYTES].into());
}
