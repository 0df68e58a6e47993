//! An agent's socket from its first byte to its token, or to a clear end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Code, Refusal, SessionId};
use bytes::BytesMut;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use wire_postgres::startup::{Agent, Auth, Ended, Presented, Step, Transport, first_byte_is_tls};

use crate::limits::Limits;
use crate::stream::{Stream, prepare};
use crate::tls::ALPN;

/// How agents are received.
pub(crate) struct Door {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
}

/// What became of a socket.
pub(crate) enum Arrival {
    /// A token, and nobody who vouches for it yet.
    Presents(Box<Arrived>),
    /// Somebody wants the session with this key to stop what it does. They wait for the end of `stream` to
    /// know that it was tried.
    Cancels { process_id: u32, key: Box<[u8]>, stream: Stream },
    /// It was turned away; it must be told after that is recorded.
    Refused(Box<Refused>),
    /// It went, or says nothing that could be answered.
    Gone,
}

/// An agent that has presented a token.
pub(crate) struct Arrived {
    pub(crate) stream: Stream,
    pub(crate) agent: Agent,
    pub(crate) presented: Presented,
}

/// An agent that is turned away.
pub(crate) struct Refused {
    pub(crate) stream: Stream,
    pub(crate) refusal: Refusal,
    /// What it is to be told.
    pub(crate) told: BytesMut,
}

impl Door {
    /// Hears an agent, for as long as the limits say or until `closing` becomes true.
    pub(crate) async fn receive(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        session: SessionId,
        closing: watch::Receiver<bool>,
    ) -> Arrival {
        let deadline = Instant::now() + self.limits.startup_time;
        let opened = timeout_at(deadline, self.open(socket, peer)).await;
        let Ok(Ok((stream, transport))) = opened else { return Arrival::Gone };
        let agent = Agent::new(session, transport, self.auth.clone());
        let hearing = Hearing { door: self, stream, agent, session, deadline, closing, heard: false };
        hearing.run().await.unwrap_or(Arrival::Gone)
    }

    /// Looks at the first byte to tell direct TLS from a startup packet.
    async fn open(&self, socket: TcpStream, peer: SocketAddr) -> io::Result<(Stream, Transport)> {
        prepare(&socket)?;
        let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
        let plain_allowed = is_loopback(peer) && is_loopback(socket.local_addr()?);
        let tls_offered = self.tls.is_some();
        let mut first = [0; 1];
        if socket.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let [first] = first;
        if !first_byte_is_tls(first) {
            return Ok((Stream::Plain(socket), Transport { tls: false, tls_offered, plain_allowed }));
        }
        let stream = self.accept(socket).await?;
        // Without it, another protocol's client could be made to speak to us (§55.2.10).
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(io::Error::other("direct TLS without the protocol name `postgresql`"));
        }
        Ok((Stream::Server(stream), Transport { tls: true, tls_offered, plain_allowed }))
    }

    async fn accept(&self, socket: TcpStream) -> io::Result<Box<tokio_rustls::server::TlsStream<TcpStream>>> {
        let config = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Box::new(TlsAcceptor::from(config.clone()).accept(socket).await?))
    }
}

/// The conversation with one agent up to its token.
struct Hearing<'d> {
    door: &'d Door,
    stream: Stream,
    agent: Agent,
    session: SessionId,
    deadline: Instant,
    closing: watch::Receiver<bool>,
    /// Anything came at all.
    heard: bool,
}

impl Hearing<'_> {
    async fn run(mut self) -> io::Result<Arrival> {
        let mut told = BytesMut::new();
        let mut read = BytesMut::with_capacity(READ_BYTES);
        loop {
            while let Some(step) = self.agent.poll() {
                match step {
                    Step::Send(bytes) => told.extend_from_slice(&bytes),
                    Step::UpgradeTls => {
                        self.tell(&mut told).await?;
                        self = self.upgrade().await?;
                    }
                    Step::Cancel { process_id, key } => {
                        return Ok(Arrival::Cancels { process_id, key, stream: self.stream });
                    }
                    Step::Authenticate(presented) => {
                        self.tell(&mut told).await?;
                        let Self { stream, agent, .. } = self;
                        return Ok(Arrival::Presents(Box::new(Arrived { stream, agent, presented })));
                    }
                    Step::Close(ended) => return Ok(self.end(ended, told)),
                }
            }
            self.tell(&mut told).await?;
            read.clear();
            tokio::select! {
                count = self.stream.read_buf(&mut read) => match count? {
                    0 => self.agent.closed(),
                    _ => {
                        self.heard = true;
                        self.agent.receive(&read);
                    }
                },
                () = sleep_until(self.deadline) => self.late(),
                () = closed(&mut self.closing) => self.refuse(Code::ShuttingDown, ""),
            }
        }
    }

    async fn tell(&mut self, told: &mut BytesMut) -> io::Result<()> {
        if !told.is_empty() {
            timeout_at(self.deadline, send(&mut self.stream, told)).await??;
            told.clear();
        }
        Ok(())
    }

    async fn upgrade(mut self) -> io::Result<Self> {
        let Stream::Plain(socket) = self.stream else { return Err(io::ErrorKind::Unsupported.into()) };
        self.stream = Stream::Server(timeout_at(self.deadline, self.door.accept(socket)).await??);
        self.agent.tls_established();
        Ok(self)
    }

    fn late(&mut self) {
        let seconds = self.door.limits.startup_time.as_secs();
        self.refuse(Code::LimitReached, &format!("the start-up took longer than {seconds} seconds"));
    }

    fn refuse(&mut self, code: Code, detail: &str) {
        let request = self.session.request(0);
        self.agent.refuse(Refusal {
            code,
            request,
            detail: detail.into(),
            columns: Vec::new(),
            policies: Vec::new(),
        });
    }

    fn end(self, ended: Ended, told: BytesMut) -> Arrival {
        let refusal = match ended {
            // Whoever said nothing asked for nothing: a health check, a port scan.
            Ended::Refused(_) if !self.heard => return Arrival::Gone,
            Ended::Cancel | Ended::Gone => return Arrival::Gone,
            Ended::Refused(refusal) => *refusal,
            Ended::Violation(violation) => Refusal {
                code: Code::NotSupported,
                request: self.session.request(0),
                detail: violation.rule.into(),
                columns: Vec::new(),
                policies: Vec::new(),
            },
        };
        Arrival::Refused(Box::new(Refused { stream: self.stream, refusal, told }))
    }
}

/// Waits until the gateway shuts down.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error says that nobody is there to change it any more, which is the same.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Writes all of `bytes` to `stream`.
pub(crate) async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Sends an agent its last words and closes; see `drive` for why it is read to its end.
pub(crate) async fn say_and_close(mut stream: Stream, bytes: &[u8]) {
    let close = async {
        send(&mut stream, bytes).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // An agent that does not listen, or does not close, is dropped.
    let _ = timeout(CLOSE_TIME_MAX, close).await;
}

const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);
/// A startup packet and a token are shorter than this.
const READ_BYTES: usize = 4 << 10;
