use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use access::{Delegation, Kind, Mint, Receipt};
use audit::{Entry, NotAppended};
use gate::{Append, Appending, Approvals, Memory};
use mask::{Masker, Profile};
use policy::Policies;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

/// A console whose log is writable or not.
pub(crate) struct Console {
    pub(crate) address: std::net::SocketAddr,
    log_writable: Arc<AtomicBool>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) log: Paper,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

/// A log on paper.
#[derive(Clone, Default)]
pub(crate) struct Paper {
    entries: Arc<Mutex<Vec<Entry>>>,
    pub(crate) is_full: Arc<AtomicBool>,
}

impl Append for Paper {
    fn append(&self, entry: &Entry) -> Appending {
        if self.is_full.load(Ordering::Relaxed) {
            return Box::pin(async { Err(NotAppended::Failed("no space left on device".into())) });
        }
        let mut entries = self.entries.lock().unwrap();
        let index = entries.len() as u64;
        entries.push(entry.clone());
        Box::pin(async move { Ok(Receipt { index }) })
    }
}

impl Paper {
    pub(crate) fn last(&self) -> Entry {
        self.entries.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.entries.lock().unwrap().iter().map(|entry| entry.event.name()).collect()
    }
}

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

const RULES: &str = r#"
    permit (principal, action == Action::"connect", resource);
    @id("writes-need-one") @reason("somebody looks at each write")
    permit (principal, action == Action::"write", resource) when { context.approvals >= 1 };
    permit (principal, action == Action::"administer", resource) when { context.approvals >= 2 };
    permit (principal in Group::"owners", action == Action::"approve", resource);
    permit (principal in Group::"owners", action == Action::"grant", resource);
    permit (principal in Group::"owners", action == Action::"delegate", resource) when { context.grant_seconds <= 3600 };
    forbid (principal == User::"dan", action == Action::"approve", resource) unless { context.comment };
"#;

pub(crate) fn gate(log: &Paper) -> Gate {
    let policies = Policies::parse(&[("test.cedar".into(), RULES.into())]).unwrap();
    let key = Secret::from(vec![7; 32]);
    Gate::new(Mint::for_tests(), policies, log.clone(), Masker::new(Profile::Last4), &key, "gw-1")
}

pub(crate) fn principal(kind: Kind, id: &str, groups: &[&str]) -> Principal {
    Principal {
        kind,
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: format!("sub-{id}").into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "jti".into(),
        valid_from: Timestamp(0),
        valid_until: NOW.plus_seconds(100_000),
    }
}

/// The agent who asks, for carl.
pub(crate) fn asker() -> Principal {
    let lent = Delegation::from("sub-carl");
    Principal { delegation: Some(lent), ..principal(Kind::Agent, "claude", &["agents"]) }
}

/// A token is the name of whoever presents it.
fn identify(token: &Secret) -> Result<Principal, Unidentified> {
    match token.expose_str() {
        Some(name @ ("ann" | "bea" | "dan")) => Ok(principal(Kind::User, name, &["owners"])),
        Some(name @ ("carl" | "eve")) => Ok(principal(Kind::User, name, &["others"])),
        Some("bot") => Ok(principal(Kind::Agent, "bot", &["owners"])),
        Some("late") => Ok(Principal { valid_until: NOW, ..principal(Kind::User, "late", &["owners"]) }),
        _ => Err(Unidentified::NoKeys),
    }
}

async fn console() -> Console {
    let log = Paper::default();
    let approvals = Approvals::new(Memory::default(), &Secret::from(vec![9; 32]), || NOW);
    let gate = gate(&log).with_approvals(approvals);
    console_of(gate, log).await
}

/// What was lent, in memory.
#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<store::KeptLoan>>);

impl store::Loans for Kept {
    fn keep(
        &self,
        loan: &store::KeptLoan,
        _: Option<&store::KeptLender>,
        _: i64,
        _: u32,
    ) -> gate::Storing<bool> {
        self.0.lock().unwrap().push(loan.clone());
        Box::pin(async { Ok(true) })
    }

    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> gate::Storing<Vec<store::KeptLoan>> {
        let mut all = self.0.lock().unwrap().clone();
        all.retain(|loan| loan.until > now && lender.is_none_or(|lender| lender == &*loan.lender));
        all.truncate(limit as usize);
        Box::pin(async { Ok(all) })
    }

    fn loan(&self, id: &str) -> gate::Storing<Option<store::KeptLoan>> {
        let found = self.0.lock().unwrap().iter().find(|loan| &*loan.id == id).cloned();
        Box::pin(async { Ok(found) })
    }

    fn end_loans(&self, _: &[Box<str>]) -> gate::Storing<()> {
        Box::pin(async { Ok(()) })
    }

    fn see(&self, _: &store::KeptLender) -> gate::Storing<()> {
        Box::pin(async { Ok(()) })
    }

    fn lenders(&self, _: i64) -> gate::Storing<Vec<store::KeptLender>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn forget_loans(&self, _: i64) -> gate::Storing<()> {
        Box::pin(async { Ok(()) })
    }

    fn common_key(&self, _: &str, fresh: Option<&str>) -> gate::Storing<Option<String>> {
        let fresh = fresh.map(str::to_owned);
        Box::pin(async { Ok(fresh) })
    }
}

/// Nothing can be revoked here: that is tried end to end.
struct NoFolder;

impl crate::Access for NoFolder {
    fn fresh_id(&self) -> std::io::Result<Box<str>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn put(&self, _: &gate::Revocation) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn knows(&self, _: &str) -> bool {
        false
    }

    fn lift(&self, _: &str, _: &str) -> std::io::Result<bool> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

pub(crate) async fn console_of(gate: Gate, paper: Paper) -> Console {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log_writable = Arc::new(AtomicBool::new(true));
    let seen = log_writable.clone();
    let log = Check::new("audit_log", move || match seen.load(Ordering::Relaxed) {
        true => Vec::new(),
        false => vec!["cannot be written".into()],
    });
    let gate = Arc::new(gate);
    let state = State {
        metrics: Arc::new(proxy::Metrics::new()),
        checks: vec![Check::new("issuers", Vec::new), log],
        gate: gate.clone(),
        notify: None,
        identify: Box::new(|token| Box::pin(async move { identify(&token) })),
        labels: Box::new(|name| (name == "payments-db").then(|| Arc::new(["cde".into()]) as _)),
        connections: Box::new(|| vec![("payments-db".into(), Arc::new(["cde".into()]) as _)]),
        hear: Box::new(|_| Box::pin(async { Err(identity::Untrusted::Malformed.into()) })),
        access: Arc::new(NoFolder),
        lend: Box::new(|lent| Ok(Some(Secret::from(format!("the token of {}", lent.token_id))))),
        tell: Box::new(|seen| {
            let (lender, groups, tag) = (String::new(), String::new(), String::new());
            Ok(store::KeptLender { lender, issued_at: seen.issued_at, until: seen.until, groups, tag })
        }),
        may_be_agent: Box::new(|_, id| id != "ann"),
        loans: Arc::new(Kept::default()),
        heard: crate::Heard::default(),
        clock_skew_seconds: 0,
        clock: || NOW,
    };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, Arc::new(state), async { drop(stopped.await) }));
    Console { address, log_writable, gate, log: paper, stop, serving }
}

impl Console {
    /// A console at which approvals are asked for.
    pub(crate) async fn start() -> Self {
        console().await
    }

    /// Sends `request` and reads until the console closes.
    pub(crate) async fn says(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // It may have answered and closed before all was sent.
        let _ = socket.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.says(&format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await
    }
}

#[tokio::test]
async fn health_is_that_it_answers() {
    assert!(console().await.get("/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn readiness_lists_what_is_not_ready() {
    let console = console().await;
    let ready = console.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    assert!(ready.ends_with(r#"{"ready":true,"not_ready":{}}"#), "{ready}");

    console.log_writable.store(false, Ordering::Relaxed);
    let not_ready = console.get("/readyz").await;
    assert!(not_ready.starts_with("HTTP/1.1 503 "), "{not_ready}");
    assert!(
        not_ready.ends_with(r#"{"ready":false,"not_ready":{"audit_log":["cannot be written"]}}"#),
        "{not_ready}"
    );
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let figures = console().await.get("/metrics").await;
    assert!(figures.contains("content-type: application/openmetrics-text; version=1.0.0"), "{figures}");
    assert!(figures.contains("panguard_sockets_open 0"), "{figures}");
    assert!(figures.ends_with("# EOF\n"), "{figures}");
}

#[tokio::test]
async fn nothing_else_is_answered() {
    let console = console().await;
    assert!(console.get("/").await.starts_with("HTTP/1.1 404 "));
    assert!(console.get("/healthz/../metrics").await.starts_with("HTTP/1.1 404 "));
    let posted =
        console.says("POST /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    assert!(posted.await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let console = console().await;
    let endless = format!("GET /healthz HTTP/1.1\r\nx: {}", "a".repeat(64 << 10));
    let answer = console.says(&endless).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn it_ends_when_told() {
    let console = console().await;
    console.stop.send(()).unwrap();
    console.serving.await.unwrap();
    assert!(TcpStream::connect(console.address).await.is_err());
}
