//! Runs one exchange between hyper's two sides.
//!
//! Until the head of the answer is there this runs within hyper's call for it; what follows runs in a task of its own. If
//! either is dropped (the agent went), the exchange is told so, and its outcome recorded.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Question, RequestId, Verdict};
use bytes::Bytes;
use gate::{Gate, Pending};
use http::{Response, request, response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};
use wire::Side;
use wire_http::{Effect, Exchange, Opening};

use super::Reachable;
use super::body::{Piece, Sent};
use super::client::{Answered, Unreached};
use super::credential::Lent;
use super::session::Running;
use super::socket::Socket;
use crate::clock::now;
use crate::presence::AgentSocket;

type Answering = Pin<Box<dyn Future<Output = Result<Answered, Unreached>> + Send>>;

/// One exchange, and all that it waits for.
pub(super) struct Drive {
    exchange: Exchange,
    session: Running,
    gate: Arc<Gate>,
    reachable: Arc<Reachable>,
    /// The credential, until the request is sent.
    lent: Option<Lent>,
    agent: Option<Incoming>,
    verdict: Option<(Pending<Verdict>, Instant)>,
    /// The version of the policies that were asked, or older ones.
    policies: Arc<str>,
    /// The request, until it is known whether all of its body is there.
    head: Option<Box<request::Parts>>,
    sending: Outbox,
    answering: Option<Answering>,
    upstream: Option<Incoming>,
    /// What the upstream's stream becomes behind its answer, if that says so.
    upgrade: Option<OnUpgrade>,
    opening: Option<Box<Opening>>,
    told: Option<Box<response::Parts>>,
    telling: Outbox,
    aborted: bool,
    /// When the upstream is given up.
    deadline: Instant,
    closing: watch::Receiver<bool>,
    /// Told when what is revoked has changed.
    revoked: watch::Receiver<()>,
    /// The agent's, which may be shared with others of its requests.
    socket: AgentSocket,
}

/// The stream that a request came on.
pub(super) struct Line {
    pub(super) socket: AgentSocket,
    /// Becomes true when its exchanges are given up.
    pub(super) closing: watch::Receiver<bool>,
    /// Told when what is revoked has changed.
    pub(super) revoked: watch::Receiver<()>,
}

/// Pieces of a body that one side has yet to take.
#[derive(Default)]
struct Outbox {
    pieces: VecDeque<Piece>,
    sender: Option<mpsc::Sender<Piece>>,
}

/// How long an agent may take to go on with a request that is held for it.
const AGENT_PATIENCE: Duration = Duration::from_secs(60);

/// What a drive waited for.
enum Happened {
    AgentWent,
    Judged((Verdict, Duration)),
    Gave,
    Asked(Option<Result<Frame<Bytes>, hyper::Error>>),
    Answered(Result<Answered, Unreached>),
    Answers(Option<Result<Frame<Bytes>, hyper::Error>>),
    Late,
    Closed,
    Revoked,
}

/// How far a drive runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Head,
    End,
}

impl Drive {
    pub(super) fn new(
        exchange: Exchange,
        session: Running,
        gate: Arc<Gate>,
        reachable: Arc<Reachable>,
        lent: Lent,
        agent: Option<Incoming>,
        line: Line,
    ) -> Self {
        let Line { socket, closing, revoked } = line;
        Self {
            socket,
            exchange,
            session,
            gate,
            lent: Some(lent),
            agent,
            verdict: None,
            policies: "".into(),
            head: None,
            sending: Outbox::default(),
            answering: None,
            upstream: None,
            upgrade: None,
            opening: None,
            told: None,
            telling: Outbox::default(),
            aborted: false,
            deadline: Instant::now() + reachable.client.patience(),
            reachable,
            closing,
            revoked,
        }
    }

    /// Runs until the answer's head is there, and gives it. The rest of the answer comes after it; or a socket, where the
    /// exchange has opened one.
    pub(super) async fn answer(mut self: Box<Self>) -> Option<(Response<Sent>, Option<Box<Socket>>)> {
        self.run(Until::Head).await;
        let head = self.told.take()?;
        if let (Some(opening), Some(upgrade)) = (self.opening.take(), self.upgrade.take()) {
            let (session, gate) = (self.session.hand_on(), self.gate.clone());
            let socket = Socket::new(*opening, session, gate, self.policies.clone(), upgrade);
            return Some((Response::from_parts(*head, Sent::Whole(None)), Some(Box::new(socket))));
        }
        if let Some(whole) = self.telling.whole() {
            return Some((Response::from_parts(*head, Sent::Whole(whole)), None));
        }
        let (sender, body) = Sent::pieces();
        self.telling.sender = Some(sender);
        tokio::spawn(async move { self.run(Until::End).await });
        Some((Response::from_parts(*head, body), None))
    }

    async fn run(&mut self, until: Until) {
        loop {
            self.effects();
            let is_told = self.told.is_some();
            if (until == Until::Head && is_told) || self.is_over() {
                return;
            }
            self.step().await;
        }
    }

    /// Whether nothing is left to do. What is still to be sent to the upstream of an exchange that is over goes with it.
    fn is_over(&self) -> bool {
        self.aborted || (self.exchange.is_over() && self.telling.pieces.is_empty())
    }

    /// Does what the exchange says.
    fn effects(&mut self) {
        while let Some(effect) = self.exchange.poll() {
            match effect {
                Effect::Ask(question) => self.ask(&question),
                Effect::Refuse { question, code, detail } => {
                    let refused = self.gate.refuse(&self.session.admitted, &question, code, &detail, now());
                    self.verdict = Some((refused, Instant::now()));
                }
                Effect::Request(parts) => self.head = Some(parts),
                Effect::RequestData(bytes) => self.sending.pieces.push_back(Piece::Data(bytes)),
                Effect::RequestEnd => self.sending.pieces.push_back(Piece::End(None)),
                Effect::Response(parts) => self.told = Some(parts),
                Effect::ResponseData(bytes) => self.telling.pieces.push_back(Piece::Data(bytes)),
                Effect::ResponseEnd(trailers) => self.telling.pieces.push_back(Piece::End(trailers)),
                Effect::Abort => self.aborted = true,
                Effect::Leave => self.leave(),
                Effect::Switch(opening) => self.opening = Some(opening),
                Effect::Done(outcome) => {
                    self.session.metrics.done(&outcome);
                    self.gate.done(&self.session.admitted, &outcome, now());
                }
            }
        }
        if let Some(head) = self.head.take() {
            self.send(*head);
        }
    }

    fn ask(&mut self, question: &Question) {
        self.policies = self.gate.policy_version();
        let present = Some(self.socket.presence());
        let asked = self.gate.ask_while(&self.session.admitted, question, present, now());
        let since = Instant::now();
        self.verdict = Some((asked.verdict, since));
        if let Some(first) = asked.ahead {
            self.session.metrics.judged(&first, since.elapsed());
            self.exchange.answer(first);
        }
    }

    /// Sends the request: whole, where all of its body is there.
    fn send(&mut self, head: request::Parts) {
        let Some(lent) = self.lent.take() else { return };
        let body = match self.sending.whole() {
            Some(whole) => Sent::Whole(whole),
            None => {
                let (sender, body) = Sent::pieces();
                self.sending.sender = Some(sender);
                body
            }
        };
        let reachable = self.reachable.clone();
        self.answering = Some(Box::pin(async move { reachable.client.send(head, lent, body).await }));
        self.patience();
    }

    /// Nothing more is wanted of the upstream.
    fn leave(&mut self) {
        self.head = None;
        self.sending = Outbox::default();
        self.answering = None;
        self.upstream = None;
        self.upgrade = None;
    }

    fn patience(&mut self) {
        self.deadline = Instant::now() + self.reachable.client.patience();
    }

    /// Waits for the next thing to happen, and tells the exchange.
    async fn step(&mut self) {
        let waits_for_upstream = self.answering.is_some() || self.upstream.is_some();
        let reads_agent = self.exchange.wants(Side::Agent) && self.sending.has_room();
        let reads_upstream = self.exchange.wants(Side::Upstream) && self.telling.has_room();
        let telling = self.telling.sender.clone();
        let happened = tokio::select! {
            biased;
            () = gone(telling.as_ref()) => Happened::AgentWent,
            verdict = verdict(&mut self.verdict) => Happened::Judged(verdict),
            () = self.sending.give() => Happened::Gave,
            () = self.telling.give() => Happened::Gave,
            frame = frame(&mut self.agent), if reads_agent => Happened::Asked(frame),
            answered = answered(&mut self.answering) => Happened::Answered(answered),
            frame = frame(&mut self.upstream), if reads_upstream => Happened::Answers(frame),
            () = sleep_until(self.deadline), if waits_for_upstream && reads_upstream => Happened::Late,
            () = sleep(AGENT_PATIENCE), if reads_agent && !waits_for_upstream => Happened::AgentWent,
            true = closed(&mut self.closing) => Happened::Closed,
            true = changed(&mut self.revoked) => Happened::Revoked,
        };
        match happened {
            Happened::AgentWent => {
                // What was still to be given is nobody's.
                self.telling = Outbox::default();
                self.exchange.agent_gone();
            }
            Happened::Judged(verdict) => self.judged(verdict),
            Happened::Gave => self.patience(),
            Happened::Asked(frame) => self.asked(frame),
            Happened::Answered(answered) => self.answered(answered),
            Happened::Answers(frame) => self.answers(frame),
            Happened::Late => self.late(),
            Happened::Closed => self.exchange.upstream_failed("the gateway is shutting down"),
            Happened::Revoked => self.revoked(),
        }
    }

    /// What is revoked has changed. Whoever has lost their access is told nothing more.
    fn revoked(&mut self) {
        let admitted = &self.session.admitted;
        let Some(refusal) = self.gate.refusal_of_revoked(admitted, self.request(), now()) else { return };
        info!(request = %self.request(), "broken off, access was revoked");
        if self.verdict.take().is_some() {
            return self.exchange.answer(Verdict::Deny(refusal));
        }
        if self.answering.is_some() || self.upstream.is_some() {
            self.leave();
            self.exchange.upstream_failed("access was revoked");
        }
    }

    fn judged(&mut self, verdict: (Verdict, Duration)) {
        let (verdict, after) = verdict;
        // After word of a hold the final verdict follows.
        if !matches!(verdict, Verdict::Hold(_)) {
            self.verdict = None;
        }
        self.session.metrics.judged(&verdict, after);
        let connection = &*self.session.admitted.admission().connection;
        match &verdict {
            Verdict::Deny(refusal) => {
                info!(request = %refusal.request, connection, code = %refusal.code, "denied")
            }
            Verdict::Allow(permit) => debug!(request = %permit.request(), connection, "allowed"),
            Verdict::Hold(ticket) => info!(request = %ticket.request, connection, "held"),
            Verdict::Ahead(_) => {}
        }
        self.exchange.answer(verdict);
    }

    /// More of the agent's body, its end, or its breaking off.
    fn asked(&mut self, frame: Option<Result<Frame<Bytes>, hyper::Error>>) {
        self.patience();
        self.exchange.look_for(self.gate.wanted());
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => self.exchange.request_data(&bytes),
                // Trailers, and with them the end.
                Err(_) => {
                    self.agent = None;
                    self.exchange.request_end();
                }
            },
            Some(Err(_)) => {
                self.agent = None;
                self.exchange.agent_gone();
            }
            None => {
                self.agent = None;
                self.exchange.request_end();
            }
        }
    }

    fn answered(&mut self, answered: Result<Answered, Unreached>) {
        self.answering = None;
        self.patience();
        match answered {
            Ok(Answered { mut response, echo }) => {
                self.upgrade = Some(hyper::upgrade::on(&mut response));
                if let Some(echo) = &echo {
                    self.exchange.lent_anew(echo);
                }
                let (parts, body) = response.into_parts();
                self.upstream = Some(body);
                self.exchange.response(parts);
            }
            Err(error) => {
                let connection = &self.reachable.connection.lane.name;
                self.session.metrics.upstream_error(error.kind());
                let request = self.request();
                warn!(%request, connection = &**connection, %error, "upstream not reached");
                self.exchange.upstream_failed(error.told());
            }
        }
    }

    /// More of the upstream's body, its end, or its breaking off.
    fn answers(&mut self, frame: Option<Result<Frame<Bytes>, hyper::Error>>) {
        self.patience();
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => self.exchange.response_data(&bytes),
                Err(frame) => {
                    self.upstream = None;
                    self.exchange.response_end(frame.into_trailers().ok());
                }
            },
            Some(Err(error)) => {
                self.upstream = None;
                let request = self.request();
                self.session.metrics.upstream_error("closed");
                debug!(%request, %error, "the upstream broke its answer off");
                self.exchange.upstream_failed("it broke its answer off");
            }
            None => {
                self.upstream = None;
                self.exchange.response_end(None);
            }
        }
    }

    fn late(&mut self) {
        self.leave();
        self.session.metrics.upstream_error("late");
        self.exchange.upstream_failed("it did not go on with its answer in time");
    }

    fn request(&self) -> RequestId {
        self.exchange.request()
    }
}

impl Drop for Drive {
    /// Whoever waited has gone: what was not sent is not sent, and how it ended is recorded.
    fn drop(&mut self) {
        if !self.exchange.is_over() {
            self.exchange.agent_gone();
            self.effects();
        }
    }
}

impl Outbox {
    /// All of a body, if its end is there and no trailers, and nothing was taken of it yet.
    fn whole(&mut self) -> Option<Option<Bytes>> {
        match (self.pieces.front(), self.pieces.get(1), self.pieces.len()) {
            (Some(Piece::End(None)), None, 1) => {
                self.pieces.clear();
                Some(None)
            }
            (Some(Piece::Data(bytes)), Some(Piece::End(None)), 2) => {
                let whole = bytes.clone();
                self.pieces.clear();
                Some(Some(whole))
            }
            _ => None,
        }
    }

    fn has_room(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Gives the next piece to the side that takes them. Pending while there is none, or nobody.
    async fn give(&mut self) {
        let sender = self.sender.clone().filter(|_| !self.pieces.is_empty());
        let Some(sender) = sender else { return std::future::pending().await };
        let Ok(place) = sender.reserve_owned().await else {
            // Whoever took them has gone; what is left of it is nobody's.
            self.sender = None;
            return self.pieces.clear();
        };
        let Some(piece) = self.pieces.pop_front() else { return };
        if matches!(piece, Piece::End(_)) {
            self.sender = None;
        }
        place.send(piece);
    }
}

/// Ready when whoever takes the pieces has gone.
async fn gone(sender: Option<&mpsc::Sender<Piece>>) {
    match sender {
        Some(sender) => sender.closed().await,
        None => std::future::pending().await,
    }
}

/// Whether the gateway gives up what runs. Nobody is there to say it where it is going anyway.
async fn closed(closing: &mut watch::Receiver<bool>) -> bool {
    let closes = closing.wait_for(|closing| *closing).await.is_ok();
    if !closes {
        return std::future::pending().await;
    }
    closes
}

/// Whether something has changed. Nobody is there to say it where the gateway is going anyway.
async fn changed(revoked: &mut watch::Receiver<()>) -> bool {
    match revoked.changed().await {
        Ok(()) => true,
        Err(_) => std::future::pending().await,
    }
}

async fn verdict(pending: &mut Option<(Pending<Verdict>, Instant)>) -> (Verdict, Duration) {
    match pending {
        Some((verdict, since)) => (verdict.await, since.elapsed()),
        None => std::future::pending().await,
    }
}

async fn answered(answering: &mut Option<Answering>) -> Result<Answered, Unreached> {
    match answering {
        Some(answering) => answering.await,
        None => std::future::pending().await,
    }
}

async fn frame(body: &mut Option<Incoming>) -> Option<Result<Frame<Bytes>, hyper::Error>> {
    match body {
        Some(body) => body.frame().await,
        None => std::future::pending().await,
    }
}
