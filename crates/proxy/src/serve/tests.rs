use std::net::SocketAddr;
use std::time::Duration;

use access::{Mint, Secret, Timestamp};
use audit::{Log, Options, Signer};
use mask::Profile;
use policy::Policies;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;
use crate::stand_in::{Idp, StandInVault, catalog_answer, message, packet, row, upstream};

/// A whole gateway on loopback: real gate, policies, log and vault, in front of a stand-in database.
struct House {
    gateway: Arc<Gateway>,
    address: SocketAddr,
    idp: Idp,
    /// Cancel requests that the database got.
    cancelled: Arc<Mutex<Vec<Vec<u8>>>>,
    log: Log,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    certificate: rustls::pki_types::CertificateDer<'static>,
    _vault: StandInVault,
    dir: TempDir,
}

const POLICIES: &str = r#"
    @id("anyone-reads-payments")
    permit (principal, action in [Action::"connect", Action::"read", Action::"session"], resource);
"#;

impl House {
    async fn start(limits: Limits) -> Self {
        let dir = TempDir::new().unwrap();
        let masker = Masker::new(Profile::Last4);
        let signer = Signer::from_seed(&Secret::from(vec![9; 32]), "test").unwrap();
        let log = Log::open(dir.path(), signer, Options::new("test", "0", Timestamp::default())).unwrap();
        let policies = Policies::parse(&[("all.cedar".into(), POLICIES.into())]).unwrap();
        let key = Secret::from(vec![5; 32]);
        let gate = Gate::new(Mint::for_tests(), policies, log.clone(), masker, &key, "test");
        let vault = StandInVault::new();
        let cancelled = Arc::new(Mutex::new(Vec::new()));
        let noted = cancelled.clone();
        let target = upstream(move |socket| database(socket, noted.clone())).await;
        let mut down = target.clone();
        down.port = free_port().await;
        let idp = Idp::start(&["key"]).await;
        let connection = |name: &str, target| Connection {
            name: name.into(),
            target,
            labels: Arc::default(),
            data: sql::Labels::default(),
            modes: Arc::default(),
            approval: access::Approving::default(),
        };
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls =
            crate::listening(own.cert.pem().as_bytes(), own.signing_key.serialize_pem().as_bytes(), false)
                .unwrap();
        let live = Live {
            connections: vec![connection("payments", target), connection("down", down)],
            https: Vec::new(),
            issuers: vec![(idp.issuer(), Trust::Platform)],
            tls: Some(tls),
        };
        let settings = Settings {
            gate: Arc::new(gate),
            vault: vault.vault.clone(),
            lending: Arc::default(),
            masker,
            auth: Auth::default(),
            limits,
            metrics: Arc::new(Metrics::new()),
        };
        let gateway = Gateway::new(settings, live).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = gateway.clone();
        let running = tokio::spawn(async move { serving.run(listener, async { drop(stopped.await) }).await });
        let certificate = own.cert.der().clone();
        Self { gateway, address, idp, cancelled, log, stop, running, certificate, _vault: vault, dir }
    }

    async fn connect(&self) -> Agent<TcpStream> {
        Agent(TcpStream::connect(self.address).await.unwrap())
    }

    /// An agent that has signed in at `payments`, and its cancel key.
    async fn agent(&self) -> (Agent<TcpStream>, Vec<u8>) {
        let mut agent = self.connect().await;
        let key = agent.sign_in("payments", &self.idp.token("key")).await;
        (agent, key)
    }

    /// Stops the gateway and gives the words of the events that it recorded, the log's own left out.
    async fn end(self) -> Vec<&'static str> {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
        self.log.close(Timestamp::default()).unwrap();
        let entries = audit::entries(self.dir.path(), 0..u64::MAX).map(|entry| entry.unwrap().1);
        let names = entries.map(|entry| entry.event.name());
        names.filter(|name| !name.starts_with("gateway") && !name.starts_with("log")).collect()
    }

    /// Waits until this many entries of sessions are durable.
    async fn recorded(&self, entries: u64) {
        let own = 2; // log_created, gateway_started
        while self.log.state().durable < own + entries {
            tokio::task::yield_now().await;
        }
    }

    async fn shake(&self, socket: TcpStream, alpn: &[&[u8]]) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// One connection to the stand-in database. `select 'wait'` is answered only after a cancel request.
async fn database(mut socket: TcpStream, cancelled: Arc<Mutex<Vec<Vec<u8>>>>) {
    let first = packet(&mut socket).await;
    if first.starts_with(&[4, 210, 22, 46]) {
        cancelled.lock().unwrap().push(first);
        return;
    }
    let signed_in = [
        message(b'R', &0u32.to_be_bytes()),
        message(b'S', b"server_version\x0018.1\0"),
        message(b'K', b"\0\0\0\x2a\0\0\0\x07"),
        message(b'Z', b"I"),
    ];
    socket.write_all(&signed_in.concat()).await.unwrap();
    while let Some((tag, body)) = crate::stand_in::read_message(&mut socket).await {
        let text = String::from_utf8_lossy(&body).into_owned();
        if tag != b'Q' || text.contains("wait") {
            continue;
        }
        let answer = match text.contains("pg_class") {
            true => catalog_answer(&["cards"]),
            false => one_row("hello"),
        };
        socket.write_all(&answer).await.unwrap();
    }
}

/// The answer to `select 'hello'`.
fn one_row(value: &str) -> Vec<u8> {
    // One column: name, table, column, type 25 (text), length, modifier, format.
    let described = b"\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
    [message(b'T', described), row(&[value]), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat()
}

/// A client that knows the protocol's bytes and nothing more.
struct Agent<T>(T);

impl<T: AsyncRead + AsyncWrite + Unpin> Agent<T> {
    async fn start(&mut self, database: &str) {
        let body = format!("user\0agent\0database\0{database}\0\0");
        let mut packet = u32::try_from(body.len() + 8).unwrap().to_be_bytes().to_vec();
        packet.extend((3u32 << 16).to_be_bytes());
        packet.extend(body.as_bytes());
        self.0.write_all(&packet).await.unwrap();
    }

    async fn present(&mut self, database: &str, token: &str) {
        self.start(database).await;
        assert_eq!(self.read().await, (b'R', vec![0, 0, 0, 3]));
        self.0.write_all(&message(b'p', format!("{token}\0").as_bytes())).await.unwrap();
    }

    /// Signs in and returns the body of BackendKeyData.
    async fn sign_in(&mut self, database: &str, token: &str) -> Vec<u8> {
        self.present(database, token).await;
        let mut key = Vec::new();
        loop {
            match self.read().await {
                (b'E', body) => panic!("{}", String::from_utf8_lossy(&body)),
                (b'K', body) => key = body,
                (b'Z', _) => return key,
                _ => {}
            }
        }
    }

    async fn query(&mut self, sql: &str) {
        self.0.write_all(&message(b'Q', format!("{sql}\0").as_bytes())).await.unwrap();
    }

    async fn read(&mut self) -> (u8, Vec<u8>) {
        let tag = self.0.read_u8().await.expect("a message");
        let length = self.0.read_u32().await.unwrap() as usize;
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body).await.unwrap();
        (tag, body)
    }

    /// The tags of all messages up to ReadyForQuery.
    async fn answer(&mut self) -> String {
        let mut tags = String::new();
        while !tags.ends_with('Z') {
            tags.push(self.read().await.0.into());
        }
        tags
    }

    /// The SQLSTATE of the error that ends the session.
    async fn refused(mut self) -> String {
        let (tag, body) = self.read().await;
        assert_eq!(tag, b'E');
        let fields: Vec<&[u8]> = body.split(|byte| *byte == 0).collect();
        let code = fields.iter().find(|field| field.first() == Some(&b'C')).unwrap();
        assert_eq!(self.0.read(&mut [0]).await.unwrap(), 0, "the connection stays open");
        String::from_utf8(code[1..].to_vec()).unwrap()
    }
}

#[tokio::test]
async fn an_agent_with_a_good_token_runs_a_command_and_all_of_it_is_recorded() {
    let house = House::start(Limits::default()).await;
    let (mut agent, _) = house.agent().await;
    agent.query("select 'hello'").await;
    assert_eq!(agent.answer().await, "TDCZ");
    agent.0.write_all(&message(b'X', b"")).await.unwrap();
    assert_eq!(agent.0.read(&mut [0]).await.unwrap(), 0);
    drop(agent);
    assert_eq!(house.end().await, ["session_opened", "command_intent", "outcome", "session_closed"]);
}

#[tokio::test]
async fn who_is_not_identified_is_refused_and_recorded() {
    let house = House::start(Limits::default()).await;
    for token in ["not a token", &house.idp.token("forged")] {
        let mut agent = house.connect().await;
        agent.present("payments", token).await;
        assert_eq!(agent.refused().await, "28P01");
    }
    assert_eq!(house.end().await, ["authentication_failed"; 2]);
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_refused_and_recorded() {
    let house = House::start(Limits::default()).await;
    let mut agent = house.connect().await;
    agent.present("payment", &house.idp.token("key")).await;
    assert_eq!(agent.refused().await, "3D000");
    assert_eq!(house.end().await, ["session_refused"]);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_said_and_recorded() {
    let house = House::start(Limits::default()).await;
    let mut agent = house.connect().await;
    agent.present("down", &house.idp.token("key")).await;
    assert_eq!(agent.refused().await, "08006");
    // That of the other connection is read meanwhile.
    let read = async {
        while house.gateway.catalogs_not_ready() != ["down".into()] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("only `down` has no catalog");
    assert_eq!(house.end().await, ["session_opened", "session_refused", "session_closed"]);
}

#[tokio::test]
async fn half_a_startup_packet_and_silence_harm_nobody() {
    let limits = Limits { startup_time: Duration::from_millis(200), ..Limits::default() };
    let house = House::start(limits).await;
    let mut silent = house.connect().await;
    let mut half = house.connect().await;
    half.0.write_all(b"\0\0\0\x20\0\x03\0\0user").await.unwrap();

    house.agent().await;

    assert_eq!(half.refused().await, "54000");
    assert_eq!(silent.0.read(&mut [0]).await.unwrap(), 0);
    drop(silent);
    let mut events = house.end().await;
    events.sort_unstable();
    // Whoever said nothing at all is not worth an entry.
    assert_eq!(events, ["authentication_failed", "session_closed", "session_opened"]);
}

#[tokio::test]
async fn a_startup_packet_that_is_nonsense_is_told_and_recorded() {
    let house = House::start(Limits::default()).await;
    let mut agent = house.connect().await;
    agent.0.write_all(b"\0\0\0\x09\0\x03\0\0x").await.unwrap();
    assert_eq!(agent.refused().await, "08P01");
    assert_eq!(house.end().await, ["authentication_failed"]);
}

#[tokio::test]
async fn there_are_no_more_sessions_than_the_limit() {
    let house = House::start(Limits { sessions: 1, ..Limits::default() }).await;
    let (agent, _) = house.agent().await;
    let mut other = house.connect().await;
    other.present("payments", &house.idp.token("key")).await;
    assert_eq!(other.refused().await, "53300");
    drop(agent);
    // The place is free a moment after the hang-up is seen.
    while house.gateway.places.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    house.agent().await;
}

#[tokio::test]
async fn shutting_down_tells_idle_agents_and_takes_no_more() {
    let house = House::start(Limits::default()).await;
    let (agent, _) = house.agent().await;
    let mut arriving = house.connect().await;
    arriving.start("payments").await;
    arriving.read().await;
    house.stop.send(()).unwrap();
    assert_eq!(agent.refused().await, "57P01");
    assert_eq!(arriving.refused().await, "57P01");
    house.running.await.unwrap();
    assert!(TcpStream::connect(house.address).await.is_err());
}

#[tokio::test]
async fn commands_that_do_not_end_are_given_up_after_the_grace_period() {
    let house = House::start(Limits { shutdown_time: Duration::from_millis(50), ..Limits::default() }).await;
    let (mut agent, _) = house.agent().await;
    agent.query("select 'wait'").await;
    house.recorded(2).await;
    let mut rest = Vec::new();
    let ended = tokio::join!(house.end(), agent.0.read_to_end(&mut rest)).0;
    assert_eq!(ended, ["session_opened", "command_intent", "outcome", "session_closed"]);
}

#[tokio::test]
async fn a_cancel_request_with_the_sessions_key_reaches_its_upstream_with_the_upstreams_key() {
    let house = House::start(Limits::default()).await;
    let (mut agent, key) = house.agent().await;
    agent.query("select 'wait'").await;
    house.recorded(2).await;

    let cancel = |key: &[u8]| [&[0, 0, 0, 16, 4, 210, 22, 46][..], key].concat();
    let mut wrong = key.clone();
    wrong[7] ^= 1;
    for (key, heard) in [(&wrong, 0), (&key, 1)] {
        let mut canceller = house.connect().await;
        canceller.0.write_all(&cancel(key)).await.unwrap();
        assert_eq!(canceller.0.read(&mut [0]).await.unwrap(), 0, "an answer to a cancel request");
        assert_eq!(house.cancelled.lock().unwrap().len(), heard);
    }
    assert_eq!(house.cancelled.lock().unwrap()[0], [4, 210, 22, 46, 0, 0, 0, 42, 0, 0, 0, 7]);
}

#[tokio::test]
async fn tls_may_be_asked_for_or_begun_at_once() {
    let house = House::start(Limits::default()).await;
    let token = house.idp.token("key");
    let mut asking = house.connect().await.0;
    asking.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
    assert_eq!(asking.read_u8().await.unwrap(), b'S');
    Agent(house.shake(asking, &[b"postgresql"]).await).sign_in("payments", &token).await;

    let direct = house.connect().await.0;
    Agent(house.shake(direct, &[b"postgresql"]).await).sign_in("payments", &token).await;

    // Any other protocol's client is sent away, whatever it goes on to say.
    let mut other = house.shake(house.connect().await.0, &[]).await;
    let _ = other.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(matches!(other.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn what_is_replaced_is_for_new_sessions_and_what_stays_is_not_read_again() {
    let house = House::start(Limits::default()).await;
    let (mut agent, _) = house.agent().await;
    let kept = house.gateway.connection("payments").unwrap();
    let issuers = vec![(house.idp.issuer(), Trust::Platform)];
    let connections = vec![(*kept.connection).clone()];
    house.gateway.replace(Live { connections, https: Vec::new(), issuers, tls: None }).unwrap();
    assert!(Arc::ptr_eq(&kept, &house.gateway.connection("payments").unwrap()));
    assert!(house.gateway.connection("down").is_none());
    assert!(house.gateway.issuers_not_ready().is_empty());

    house
        .gateway
        .replace(Live { connections: Vec::new(), https: Vec::new(), issuers: Vec::new(), tls: None })
        .unwrap();
    agent.query("select 'hello'").await;
    assert_eq!(agent.answer().await, "TDCZ");
    let mut other = house.connect().await;
    other.present("payments", &house.idp.token("key")).await;
    assert_eq!(other.refused().await, "28P01");
}
