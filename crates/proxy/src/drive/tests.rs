use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use access::{Code, Facts, Mint, Receipt, Redacted, Refusal, SessionId, Stage, Status, Terms};
use bytes::Bytes;
use tokio::io::{DuplexStream, duplex};
use tokio::task::{LocalSet, spawn_local};

use super::*;

/// A lane of lines. The agent's lines are commands, judged one at a time; the upstream's lines are answers.
/// `!` from either side is a violation. It is as careful as a real lane must be, and no more.
#[derive(Default)]
struct Lines {
    waiting: Vec<u8>,
    held: Option<Bytes>,
    running: u32,
    number: u32,
    effects: VecDeque<Effect>,
    agent_gone: bool,
    winding_down: bool,
}

/// Bytes read from the agent ahead of the held command.
const AHEAD_BYTES_MAX: usize = 1 << 10;

impl Lines {
    fn go_on(&mut self) {
        if self.held.is_some() || self.agent_gone {
            return;
        }
        let Some(end) = self.waiting.iter().position(|&b| b == b'\n') else { return };
        let line: Bytes = self.waiting.drain(..=end).collect();
        self.number += 1;
        self.effects.push_back(Effect::Ask(Question {
            request: SessionId(7).request(self.number),
            stage: Stage::Run,
            facts: Arc::new(Facts::default()),
            command: Redacted::new(std::str::from_utf8(&line).unwrap().trim_end().into()),
            parameters: Vec::new(),
            bound: access::Bound::Text(|_| None, Box::default()),
            waits: None,
            before: None,
            trace: None,
            alike: Ok(access::Alike::default()),
        }));
        self.held = Some(line);
    }

    fn end_if_idle(&mut self) {
        if self.winding_down && self.held.is_none() && self.running == 0 {
            self.effects.push_back(Effect::Send(Side::Agent, Bytes::from_static(b"bye\n")));
            self.effects.push_back(Effect::Close);
        }
    }
}

impl Session for Lines {
    fn receive(&mut self, from: Side, bytes: &[u8]) -> Result<(), Violation> {
        if bytes.contains(&b'!') {
            self.effects.push_back(Effect::Send(Side::Agent, Bytes::from_static(b"violation\n")));
            return Err(Violation { by: from, rule: "no exclamation marks" });
        }
        match from {
            Side::Agent => {
                self.waiting.extend_from_slice(bytes);
                self.go_on();
            }
            Side::Upstream => {
                let ends = bytes.iter().filter(|&&b| b == b'.').count() as u32;
                self.running -= ends.min(self.running);
                self.effects.push_back(Effect::Send(Side::Agent, Bytes::copy_from_slice(bytes)));
                self.end_if_idle();
            }
        }
        Ok(())
    }

    fn answer(&mut self, verdict: Verdict) -> Result<(), Violation> {
        match verdict {
            Verdict::Allow(_) => {
                let line = self.held.take().expect("a verdict answers a held command");
                self.effects.push_back(Effect::Send(Side::Upstream, line));
                self.running += 1;
            }
            Verdict::Deny(refusal) => {
                self.held = None;
                self.effects.push_back(Effect::Send(Side::Agent, format!("{}\n", refusal.code).into()));
            }
            Verdict::Hold(ticket) => {
                self.effects.push_back(Effect::Send(Side::Agent, format!("{}\n", ticket.message).into()));
                return Ok(());
            }
            Verdict::Ahead(_) => return Ok(()),
        }
        self.go_on();
        self.end_if_idle();
        Ok(())
    }

    fn told(&mut self, _: wire::Word) -> Result<(), Violation> {
        Ok(())
    }

    fn cancel(&mut self) -> Option<RequestId> {
        self.held.take().map(|_| SessionId(7).request(self.number))
    }

    fn is_idle(&self) -> bool {
        self.held.is_none() && self.running == 0
    }

    fn wind_down(&mut self, _: Code) {
        self.winding_down = true;
        self.end_if_idle();
    }

    fn closed(&mut self, side: Side) {
        self.agent_gone = true;
        self.held = None;
        for _ in 0..std::mem::take(&mut self.running) {
            self.effects.push_back(Effect::Done(Outcome {
                request: SessionId(7).request(self.number),
                status: Status::Unknown,
                rows: 0,
                masked: 0,
                bytes: 0,
                revealed: Vec::new(),
                told: None,
                said: None,
            }));
        }
        if side == Side::Upstream {
            self.effects.push_back(Effect::Send(Side::Agent, Bytes::from_static(b"upstream gone\n")));
        }
        self.effects.push_back(Effect::Close);
    }

    fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    fn wants(&self, side: Side) -> bool {
        side == Side::Upstream || self.waiting.len() < AHEAD_BYTES_MAX
    }
}

/// Hands every question to the test, which answers it when it likes.
#[derive(Default, Clone)]
struct Bench {
    asked: Rc<RefCell<VecDeque<Asking>>>,
    done: Rc<RefCell<Vec<Status>>>,
    /// Allows everything at once instead.
    allows: bool,
}

/// A command's text, and the way to answer.
type Asking = (Box<str>, oneshot::Sender<Verdict>);

struct Ruling(oneshot::Receiver<Verdict>);

impl Future for Ruling {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(verdict) => Poll::Ready(verdict),
            Err(_) => Poll::Pending,
        }
    }
}

impl Judge for Bench {
    type Pending = Ruling;
    type Telling = std::future::Ready<wire::Word>;

    fn ask(&self, question: Question) -> Asked<Ruling> {
        let (ruling, verdict) = oneshot::channel();
        let first = question.command.expose().starts_with("approve").then(|| {
            Verdict::Hold(access::Ticket { request: question.request, message: "asking a person".into() })
        });
        if self.allows {
            ruling.send(allow()).ok().unwrap();
        } else {
            self.asked.borrow_mut().push_back((question.command.expose().as_ref().into(), ruling));
        }
        Asked { first, verdict: Ruling(verdict) }
    }

    fn inquire(&self, _: wire::Inquiry) -> Self::Telling {
        std::future::ready(wire::Word::Silent)
    }

    fn done(&self, outcome: Outcome) {
        self.done.borrow_mut().push(outcome.status);
    }
}

fn allow() -> Verdict {
    let receipt = Receipt { index: 0 };
    Verdict::Allow(Mint::for_tests().permit(SessionId(7).request(1), receipt, Terms::default()))
}

fn deny() -> Verdict {
    Verdict::Deny(Box::new(Refusal {
        code: Code::PolicyDenied,
        request: SessionId(7).request(1),
        detail: "".into(),
        columns: Vec::new(),
        policies: Vec::new(),
    }))
}

/// One running conversation, seen from outside.
struct Script {
    agent: DuplexStream,
    upstream: DuplexStream,
    orders: mpsc::Sender<Order>,
    bench: Bench,
    driving: tokio::task::JoinHandle<(Ended, Traffic)>,
}

impl Script {
    fn start(socket_bytes: usize, bench: Bench) -> Self {
        let (agent, agent_inside) = duplex(socket_bytes);
        let (upstream, upstream_inside) = duplex(socket_bytes);
        let (orders, taken) = mpsc::channel(8);
        let judge = bench.clone();
        let driving = spawn_local(async move {
            drive(&mut Lines::default(), b"", agent_inside, upstream_inside, &judge, taken, |_| {}).await
        });
        Self { agent, upstream, orders, bench, driving }
    }

    /// The next question, once it has been asked, and the means to answer it.
    async fn asked(&self, command: &str) -> oneshot::Sender<Verdict> {
        settle().await;
        let (asked, ruling) = self.bench.asked.borrow_mut().pop_front().expect("a question");
        assert_eq!(&*asked, command);
        ruling
    }
}

async fn expect(stream: &mut DuplexStream, bytes: &str) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), bytes);
}

async fn expect_end(stream: &mut DuplexStream) {
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the stream goes on");
}

/// Lets everything that can happen, happen: the clock is virtual and moves only when all tasks wait.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn check<F: Future<Output = ()>>(script: impl FnOnce(Script) -> F) {
    check_with(64 << 10, Bench::default(), script);
}

fn check_with<F: Future<Output = ()>>(socket_bytes: usize, bench: Bench, script: impl FnOnce(Script) -> F) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async move { script(Script::start(socket_bytes, bench)).await });
}

#[test]
fn a_command_goes_upstream_when_it_is_allowed_and_not_before() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        let ruling = it.asked("select").await;
        assert!(tokio::time::timeout(Duration::from_secs(9), it.upstream.read(&mut [0])).await.is_err());
        ruling.send(allow()).ok().unwrap();
        expect(&mut it.upstream, "select\n").await;
        it.upstream.write_all(b"row.\n").await.unwrap();
        expect(&mut it.agent, "row.\n").await;
    });
}

#[test]
fn word_of_a_hold_comes_before_the_final_verdict() {
    check(|mut it| async move {
        it.agent.write_all(b"approve me\n").await.unwrap();
        expect(&mut it.agent, "asking a person\n").await;
        it.asked("approve me").await.send(deny()).ok().unwrap();
        expect(&mut it.agent, "PGD-0005\n").await;
    });
}

#[test]
fn a_command_whose_agent_has_hung_up_is_never_released() {
    check(|it| async move {
        let Script { mut agent, mut upstream, bench, driving, orders: _orders } = it;
        agent.write_all(b"drop\n").await.unwrap();
        settle().await;
        let (_, ruling) = bench.asked.borrow_mut().pop_front().unwrap();
        // The hang-up and the verdict are both there when the loop wakes.
        drop(agent);
        let _ = ruling.send(allow());
        expect_end(&mut upstream).await;
        assert!(matches!(driving.await.unwrap().0, Ended::Closed));
    });
}

#[test]
fn a_hang_up_behind_more_commands_is_seen_before_the_verdict() {
    check(|it| async move {
        let Script { mut agent, mut upstream, bench, driving, orders: _orders } = it;
        agent.write_all(b"drop\n").await.unwrap();
        settle().await;
        let (_, ruling) = bench.asked.borrow_mut().pop_front().unwrap();
        agent.write_all(b"select\nselect\n").await.unwrap();
        drop(agent);
        let _ = ruling.send(allow());
        expect_end(&mut upstream).await;
        driving.await.unwrap();
    });
}

#[test]
fn a_command_of_an_agent_that_reads_nothing_waits_with_it() {
    check_with(1 << 10, Bench::default(), |it| async move {
        let Script { mut agent, upstream, bench, driving, orders: _orders } = it;
        let (mut from_us, mut to_us) = tokio::io::split(upstream);
        agent.write_all(b"drop\n").await.unwrap();
        settle().await;
        let (_, ruling) = bench.asked.borrow_mut().pop_front().unwrap();
        let flood = spawn_local(async move { while to_us.write_all(&[b'n'; 512]).await.is_ok() {} });
        settle().await;
        // Its hang-up cannot be seen behind all that it has not read, so the verdict is not taken.
        let _ = ruling.send(allow());
        settle().await;
        drop(agent);
        assert_eq!(from_us.read(&mut [0]).await.unwrap(), 0, "the command was released");
        driving.await.unwrap();
        drop(from_us);
        flood.await.unwrap();
    });
}

#[test]
fn a_violation_is_told_and_ends_both_sides() {
    check(|mut it| async move {
        it.agent.write_all(b"select!\n").await.unwrap();
        expect(&mut it.agent, "violation\n").await;
        expect_end(&mut it.agent).await;
        expect_end(&mut it.upstream).await;
        drop(it.agent);
        let (ended, _) = it.driving.await.unwrap();
        assert!(matches!(ended, Ended::Violation(Violation { by: Side::Agent, .. })));
    });
}

#[test]
fn an_upstream_that_closes_is_told_to_the_agent_and_its_commands_end_unknown() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        it.asked("select").await.send(allow()).ok().unwrap();
        expect(&mut it.upstream, "select\n").await;
        drop(it.upstream);
        expect(&mut it.agent, "upstream gone\n").await;
        expect_end(&mut it.agent).await;
        assert_eq!(*it.bench.done.borrow(), [Status::Unknown]);
    });
}

#[test]
fn winding_down_waits_for_the_running_command() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        it.asked("select").await.send(allow()).ok().unwrap();
        expect(&mut it.upstream, "select\n").await;
        it.orders.send(Order::WindDown).await.unwrap();
        settle().await;
        it.upstream.write_all(b"row.\n").await.unwrap();
        expect(&mut it.agent, "row.\nbye\n").await;
        expect_end(&mut it.agent).await;
    });
}

#[test]
fn an_order_to_close_ends_a_running_command_and_records_it() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        it.asked("select").await.send(allow()).ok().unwrap();
        expect(&mut it.upstream, "select\n").await;
        it.orders.send(Order::Close).await.unwrap();
        expect_end(&mut it.agent).await;
        assert_eq!(*it.bench.done.borrow(), [Status::Unknown]);
    });
}

/// Else all that were ever idle would be cancelled at once.
#[test]
fn a_session_that_is_revoked_says_whether_its_upstream_must_be_told() {
    for runs in [true, false] {
        check(|mut it| async move {
            if runs {
                it.agent.write_all(b"select\n").await.unwrap();
                it.asked("select").await.send(allow()).ok().unwrap();
                expect(&mut it.upstream, "select\n").await;
            }
            let (reply, told) = oneshot::channel();
            it.orders.send(Order::Revoked(reply)).await.unwrap();
            it.agent.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(told.await.unwrap(), runs);
            assert_eq!(matches!(it.driving.await.unwrap().0, Ended::BrokenOff), runs);
        });
    }
}

#[test]
fn a_cancel_says_whether_the_upstream_must_be_told() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        let held = it.asked("select").await;
        let (reply, done) = oneshot::channel();
        it.orders.send(Order::Cancel(reply)).await.unwrap();
        assert!(done.await.unwrap(), "a held command is cancelled here");
        assert!(held.is_closed(), "its question is forgotten");

        let (reply, done) = oneshot::channel();
        it.orders.send(Order::Cancel(reply)).await.unwrap();
        assert!(!done.await.unwrap(), "nothing of it is here");
    });
}

#[test]
fn an_agent_that_does_not_read_stops_its_own_upstream_and_no_more_is_kept_than_the_limit() {
    check_with(1 << 10, Bench { allows: true, ..Bench::default() }, |it| async move {
        let Script { mut agent, upstream, driving, orders: _orders, .. } = it;
        agent.write_all(b"select\n").await.unwrap();
        let (mut from_us, mut to_us) = tokio::io::split(upstream);
        let taken = Rc::new(RefCell::new(0));
        let count = taken.clone();
        let flood = spawn_local(async move {
            while to_us.write_all(&[b'r'; 512]).await.is_ok() {
                *count.borrow_mut() += 512;
            }
        });
        settle().await;
        let kept = *taken.borrow();
        assert!(kept >= OUTBOX_BYTES_MAX, "{kept}");
        // The limit, one read beyond it, and what the two sockets hold.
        assert!(kept <= OUTBOX_BYTES_MAX + READ_BYTES + (2 << 10) + 512, "{kept}");

        // Its other direction still moves: the agent's next command reaches the upstream.
        let mut got = [0; 7];
        from_us.read_exact(&mut got).await.unwrap();
        let mut rows = vec![0; kept];
        agent.read_exact(&mut rows).await.unwrap();
        agent.write_all(b"other\n").await.unwrap();
        let mut more = vec![0; OUTBOX_BYTES_MAX];
        agent.read_exact(&mut more).await.unwrap();
        let mut got = [0; 6];
        from_us.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"other\n");
        drop(agent);
        driving.await.unwrap();
        drop(from_us);
        flood.await.unwrap();
    });
}

#[test]
fn answers_flow_while_the_upstream_takes_no_more_commands() {
    check_with(64, Bench { allows: true, ..Bench::default() }, |mut it| async move {
        // Fill the way to the upstream, which reads nothing.
        let (mut from_agent, mut to_agent) = tokio::io::split(it.agent);
        let flood = spawn_local(async move { while to_agent.write_all(b"copy\n").await.is_ok() {} });
        settle().await;
        it.upstream.write_all(b"notice\n").await.unwrap();
        let mut got = [0; 7];
        from_agent.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"notice\n");
        flood.abort();
    });
}

#[test]
fn a_peer_that_never_closes_is_dropped_after_a_while() {
    check(|mut it| async move {
        it.agent.write_all(b"select!\n").await.unwrap();
        let before = tokio::time::Instant::now();
        it.driving.await.unwrap();
        assert!(before.elapsed() >= LINGER_TIME_MAX);
    });
}

#[test]
fn traffic_counts_what_was_read() {
    check(|mut it| async move {
        it.agent.write_all(b"select\n").await.unwrap();
        it.asked("select").await.send(deny()).ok().unwrap();
        expect(&mut it.agent, "PGD-0005\n").await;
        drop(it.agent);
        let (_, traffic) = it.driving.await.unwrap();
        assert_eq!(traffic, Traffic { from_agent: 7, from_upstream: 0 });
    });
}

#[test]
fn what_came_with_the_start_up_is_heard_first() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (mut agent, inside) = duplex(1 << 10);
        let (mut upstream, upstream_inside) = duplex(1 << 10);
        let judge = Bench { allows: true, ..Bench::default() };
        let (_orders, taken) = mpsc::channel(1);
        agent.write_all(b"second\n").await.unwrap();
        let mut lines = Lines::default();
        let driving = drive(&mut lines, b"first\n", inside, upstream_inside, &judge, taken, |_| {});
        let reading = async {
            expect(&mut upstream, "first\nsecond\n").await;
            drop(agent);
        };
        tokio::join!(driving, reading);
    });
}
