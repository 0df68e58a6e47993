//! One agent, one session, one gate, one log and one upstream, each step chosen by a seed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use access::{Admission, Kind, Mint, Principal, Receipt, RequestId, Secret, SessionId, Timestamp, Verdict};
use arc_swap::ArcSwap;
use audit::{Entry, Event, NotAppended};
use gate::{Admitted, Append, Appending, Gate, Pending};
use mask::{Masker, Profile};
use policy::Policies;
use wire::{Effect, Session, Side};
use wire_postgres::{Analyses, MESSAGE_BYTES_MAX, Postgres, Settings};

use crate::catalog::catalog;
use crate::message::{From, encode, split};

const CARD: &[u8] = b"4242424242424242";

const POLICY: &str = r#"
    permit (principal, action in [Action::"connect", Action::"read", Action::"session"], resource);
    permit (principal, action == Action::"write", resource == Table::"db/public.notes");
"#;

pub struct World {
    seed: u64,
    random: u64,
    faulty: bool,
    session: Postgres,
    gate: Gate,
    admitted: Admitted,
    log: Arc<Mutex<Disk>>,
    asking: VecDeque<(RequestId, Pending<Verdict>)>,
    judged: HashSet<RequestId>,
    /// Bytes under way.
    agent_to_session: VecDeque<u8>,
    session_to_upstream: VecDeque<u8>,
    upstream_to_session: VecDeque<u8>,
    told: Vec<u8>,
    upstream: Upstream,
    next_command: u32,
    sent: u32,
    over: bool,
}

/// The audit log's disk: what is flushed is durable, what is not may be lost.
#[derive(Default)]
struct Disk {
    entries: usize,
    /// Which entry is the intent of which command, by the number in its text.
    intents: HashMap<u32, usize>,
    durable: usize,
    failed: bool,
}

#[derive(Clone)]
struct Log(Arc<Mutex<Disk>>);

impl Append for Log {
    fn append(&self, entry: &Entry) -> Appending {
        let mut disk = self.0.lock().unwrap();
        let index = disk.entries;
        disk.entries += 1;
        if let Event::CommandIntent { command, .. } = &entry.event {
            for number in numbers(&format!("{command:?}"), "n") {
                disk.intents.entry(number).or_insert(index);
            }
        }
        Box::pin(Flushed { disk: Arc::clone(&self.0), index })
    }
}

struct Flushed {
    disk: Arc<Mutex<Disk>>,
    index: usize,
}

impl Future for Flushed {
    type Output = Result<Receipt, NotAppended>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let disk = self.disk.lock().unwrap();
        match self.index < disk.durable {
            true => Poll::Ready(Ok(Receipt { index: self.index as u64 })),
            false if disk.failed => Poll::Ready(Err(NotAppended::Closed)),
            false => Poll::Pending,
        }
    }
}

impl Disk {
    /// Whether the intent of the command with this number in its text survives a crash now.
    fn holds_intent(&self, number: u32) -> bool {
        self.intents.get(&number).is_some_and(|index| *index < self.durable)
    }
}

/// A PostgreSQL that knows only what the world asks of it.
#[derive(Default)]
struct Upstream {
    received: Vec<u8>,
    prepared: String,
    skipping: bool,
    /// Numbers of the commands that changed something.
    effects: BTreeSet<u32>,
}

impl World {
    /// A world in which anything may fail.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, true)
    }

    /// A world in which nothing fails, though everything is cut and late.
    pub fn calm(seed: u64) -> Self {
        Self::with(seed, false)
    }

    fn with(seed: u64, faulty: bool) -> Self {
        let disk = Arc::new(Mutex::new(Disk::default()));
        let policies = Policies::parse(&[("sim.cedar".into(), POLICY.into())]).unwrap();
        let masker = Masker::new(Profile::Last4);
        let key = Secret::from(vec![7; 32]);
        let gate = Gate::new(Mint::for_tests(), policies, Log(Arc::clone(&disk)), masker, &key, "sim");
        let mut admission = gate.admit(&admission(), "postgres", Timestamp(0));
        disk.lock().unwrap().durable = 1;
        let admitted = match Pin::new(&mut admission).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(admitted)) => admitted,
            _ => panic!("the world's only principal is not let in"),
        };
        let session = Postgres::new(Settings {
            session: SessionId(1),
            catalog: Arc::new(ArcSwap::from_pointee(catalog())),
            changes: Arc::default(),
            analyses: Arc::new(Analyses::default()),
            witness: true,
            masker,
            message_bytes_max: MESSAGE_BYTES_MAX,
            answer_bytes_max: 0,
        });
        Self {
            seed,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            faulty,
            session,
            gate,
            admitted,
            log: disk,
            asking: VecDeque::new(),
            judged: HashSet::new(),
            agent_to_session: VecDeque::new(),
            session_to_upstream: VecDeque::new(),
            upstream_to_session: VecDeque::new(),
            told: Vec::new(),
            upstream: Upstream::default(),
            next_command: 1,
            sent: 0,
            over: false,
        }
    }

    /// One thing happens.
    pub fn step(&mut self) {
        if self.over {
            return;
        }
        match self.roll(100) {
            0..=19 => self.agent_speaks(),
            20..=39 => self.carry_from_agent(),
            40..=59 => self.carry_to_upstream(),
            60..=79 => self.carry_from_upstream(),
            80..=88 => self.flush(),
            89..=96 => self.take_verdict(),
            97 if self.faulty && self.roll(12) == 0 => self.log.lock().unwrap().failed = true,
            98 if self.faulty => self.cancel(),
            99 if self.faulty && self.roll(12) == 0 => {
                let side = if self.roll(2) == 0 { Side::Agent } else { Side::Upstream };
                self.session.closed(side);
                self.run();
            }
            _ => {}
        }
    }

    /// Lets everything under way arrive.
    pub fn settle(&mut self) {
        for _ in 0..20_000 {
            self.carry_from_agent();
            self.flush();
            self.take_verdict();
            self.carry_to_upstream();
            self.carry_from_upstream();
        }
    }

    pub fn effects(&self) -> u64 {
        self.upstream.effects.len() as u64
    }

    /// ReadyForQuery that the agent still waits for.
    pub fn unanswered(&self) -> usize {
        let mut ready = 0;
        let mut rest = self.told.as_slice();
        while let Some((header, _)) = rest.split_first_chunk::<5>() {
            ready += usize::from(header[0] == b'Z');
            rest = &rest[1 + u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize..];
        }
        self.sent as usize - ready
    }

    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64: good enough to choose what happens next.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % sides
    }

    fn agent_speaks(&mut self) {
        let number = self.next_command;
        self.next_command += 1;
        self.sent += 1;
        let text = match self.roll(6) {
            0 => format!(r#"Query "select pan from cards as n{number}n""#),
            1 => format!(r#"Query "insert into notes as n{number}n values (1)""#),
            2 => format!(
                r#"Parse "" "insert into notes as n{number}n values (2)"; Bind "" ""; Execute ""; Sync"#
            ),
            3 => format!(
                r#"Parse "" "select pan from cards as n{number}n"; Describe S ""; Bind "" ""; Execute ""; Sync"#
            ),
            4 => format!(r#"Query "drop table cards /* n{number}n */""#),
            _ => format!(r#"Parse "s{number}" "drop table cards"; Bind "" "s{number}"; Execute ""; Sync"#),
        };
        let bytes = split(&text).iter().flat_map(|words| encode(From::Agent, words)).collect::<Vec<_>>();
        self.agent_to_session.extend(bytes);
    }

    fn carry_from_agent(&mut self) {
        if !self.session.wants(Side::Agent) {
            return;
        }
        let count = self.roll(60) as usize;
        let bytes: Vec<u8> = self.agent_to_session.drain(..count.min(self.agent_to_session.len())).collect();
        let _ = self.session.receive(Side::Agent, &bytes);
        self.run();
    }

    fn carry_from_upstream(&mut self) {
        if !self.session.wants(Side::Upstream) {
            return;
        }
        let count = self.roll(60) as usize;
        let bytes: Vec<u8> =
            self.upstream_to_session.drain(..count.min(self.upstream_to_session.len())).collect();
        let _ = self.session.receive(Side::Upstream, &bytes);
        self.run();
    }

    fn flush(&mut self) {
        let mut disk = self.log.lock().unwrap();
        if !disk.failed {
            disk.durable = disk.entries;
        }
    }

    fn take_verdict(&mut self) {
        let Some((request, pending)) = self.asking.front_mut() else { return };
        let Poll::Ready(verdict) = Pin::new(pending).poll(&mut Context::from_waker(Waker::noop())) else {
            return;
        };
        assert!(self.judged.insert(*request), "seed {}: {request} has two final verdicts", self.seed);
        self.asking.pop_front();
        let _ = self.session.answer(verdict);
        self.run();
    }

    fn cancel(&mut self) {
        if let Some(request) = self.session.cancel() {
            self.asking.retain(|(asked, _)| *asked != request);
        }
        self.run();
    }

    fn run(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Send(Side::Agent, bytes) => self.tell(&bytes),
                Effect::Send(Side::Upstream, bytes) => self.session_to_upstream.extend(&bytes),
                Effect::Ask(question) => {
                    let asked = self.gate.ask(&self.admitted, &question, Timestamp(1));
                    self.asking.push_back((question.request, asked.verdict));
                    if let Some(ahead) = asked.ahead {
                        let _ = self.session.answer(ahead);
                    }
                }
                Effect::Inquire(_) => drop(self.session.told(wire::Word::Silent)),
                Effect::Done(outcome) => self.gate.done(&self.admitted, &outcome, Timestamp(1)),
                Effect::Close => self.over = true,
            }
        }
    }

    fn tell(&mut self, bytes: &[u8]) {
        let seen = self.told.len().saturating_sub(CARD.len());
        self.told.extend_from_slice(bytes);
        let seed = self.seed;
        assert!(
            !self.told[seen..].windows(CARD.len()).any(|window| window == CARD),
            "seed {seed}: a card number left"
        );
        // S1, the agent's half: a row says which command it answers.
        let disk = self.log.lock().unwrap();
        for number in numbers(&String::from_utf8_lossy(bytes), "row-of-n") {
            assert!(
                disk.holds_intent(number),
                "seed {seed}: a row of {number} left before its entry was durable"
            );
        }
    }

    fn carry_to_upstream(&mut self) {
        let count = self.roll(60) as usize;
        let bytes: Vec<u8> =
            self.session_to_upstream.drain(..count.min(self.session_to_upstream.len())).collect();
        self.upstream.received.extend(bytes);
        while let Some((header, _)) = self.upstream.received.split_first_chunk::<5>() {
            let length = 1 + u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            if self.upstream.received.len() < length {
                break;
            }
            let message: Vec<u8> = self.upstream.received.drain(..length).collect();
            self.upstream_hears(message[0], &message[5..]);
        }
    }

    fn upstream_hears(&mut self, tag: u8, body: &[u8]) {
        let text =
            |at: usize| String::from_utf8_lossy(body.split(|byte| *byte == 0).nth(at).unwrap()).into_owned();
        match tag {
            b'Q' => {
                let reply = self.runs(&text(0), true);
                self.reply(&reply);
                self.reply("ReadyForQuery I");
            }
            b'S' => {
                self.upstream.skipping = false;
                self.reply("ReadyForQuery I");
            }
            _ if self.upstream.skipping => {}
            b'P' => {
                self.upstream.prepared = text(1);
                let failing = self.upstream.prepared.contains("panguard.");
                self.reply(if failing { r#"ErrorResponse 42P01 "no""# } else { "ParseComplete" });
                self.upstream.skipping = failing;
            }
            b'B' => self.reply("BindComplete"),
            b'D' => {
                if body.starts_with(b"S") {
                    self.reply("ParameterDescription");
                }
                let selects = self.upstream.prepared.starts_with("select");
                self.reply(if selects { "RowDescription pan:text@cards.pan body:text" } else { "NoData" });
            }
            b'E' => {
                let prepared = self.upstream.prepared.clone();
                let reply = self.runs(&prepared, false);
                self.reply(&reply);
            }
            b'H' | b'X' => {}
            tag => panic!("seed {}: the upstream got a message {}", self.seed, tag as char),
        }
    }

    /// Runs a statement, having checked that it may be here.
    fn runs(&mut self, statement: &str, describes: bool) -> String {
        let seed = self.seed;
        assert!(!statement.contains("drop"), "seed {seed}: a refused command reached the upstream");
        if statement.contains("panguard.") {
            return r#"ErrorResponse 42P01 "no""#.into();
        }
        let number = numbers(statement, "n").into_iter().next().expect("a number in every statement");
        if statement.starts_with("insert") {
            // S1, the upstream's half.
            let durable = self.log.lock().unwrap().holds_intent(number);
            assert!(durable, "seed {seed}: {number} ran before its entry was durable");
            self.upstream.effects.insert(number);
            return r#"CommandComplete "INSERT 0 1""#.into();
        }
        let described = if describes { "RowDescription pan:text@cards.pan body:text; " } else { "" };
        let row = format!(r#"DataRow "4242424242424242" "row-of-n{number}n""#);
        format!(
            r#"{described}{row}; NoticeResponse 01000 "saw 4242424242424242"; CommandComplete "SELECT 1""#
        )
    }

    fn reply(&mut self, messages: &str) {
        let bytes = split(messages).iter().flat_map(|words| encode(From::Server, words)).collect::<Vec<_>>();
        self.upstream_to_session.extend(bytes);
    }
}

/// The numbers in `…n17n…`, each after `before`.
fn numbers(text: &str, before: &str) -> Vec<u32> {
    text.match_indices(before)
        .filter_map(|(at, _)| {
            let rest = text.get(at + before.len()..)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            rest.get(digits.len()..)?.starts_with('n').then(|| digits.parse().ok()).flatten()
        })
        .collect()
}

fn admission() -> Admission {
    let principal = Principal {
        kind: Kind::Agent,
        id: "robot".into(),
        issuer: "https://idp.example".into(),
        subject: "robot".into(),
        groups: BTreeSet::new(),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "t".into(),
        valid_from: Timestamp(0),
        valid_until: Timestamp(i64::MAX),
    };
    Admission {
        session: SessionId(1),
        principal: Arc::new(principal),
        connection: "db".into(),
        labels: Arc::new([]),
        mode: access::Mode::Filtered,
        approval: access::Approving::default(),
        from: "127.0.0.1:1".into(),
        client: "sim".into(),
    }
}
