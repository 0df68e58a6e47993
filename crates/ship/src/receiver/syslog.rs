//! Syslog over TLS (RFC 5425), which has no acknowledgement. So messages go in legs, each a connection of its own: at its end
//! panguard closes its side and waits until the receiver has closed the other, which it does once it has read everything
//! (§4.4). What it had not read then would make the connection break instead of end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use proxy::Trust;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Failed;
use crate::pack;
use crate::read::Batch;

/// One connection, and what has gone over it.
#[derive(Default)]
pub(crate) struct Leg {
    open: Option<Open>,
}

struct Open {
    stream: Stream,
    since: Instant,
    entries: usize,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Leg {
    pub(crate) async fn bring(
        &mut self,
        host: &str,
        port: u16,
        trust: Option<&Trust>,
        batch: &Batch,
    ) -> Result<(), Failed> {
        let done = self.write(host, port, trust, batch).await;
        if done.is_err() {
            self.open = None;
        }
        done
    }

    async fn write(
        &mut self,
        host: &str,
        port: u16,
        trust: Option<&Trust>,
        batch: &Batch,
    ) -> Result<(), Failed> {
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let stream = dial(host, port, trust).await?;
                self.open.insert(Open { stream, since: Instant::now(), entries: 0 })
            }
        };
        if open.has_ended().await {
            return Err(Failed::because("it has closed the connection"));
        }
        let mut bytes = Vec::new();
        batch.lines.iter().for_each(|line| pack::frame(line, &mut bytes));
        for piece in bytes.chunks(PIECE_BYTES) {
            let written = timeout(TIME_MAX, async {
                open.stream.write_all(piece).await?;
                open.stream.flush().await
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(broke(&error)),
                Err(_) => return Err(late("takes nothing")),
            }
        }
        open.entries += batch.lines.len();
        Ok(())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.entries >= ENTRIES_MAX || open.since.elapsed() >= LEG_TIME)
    }

    pub(crate) async fn end(&mut self) -> Result<(), Failed> {
        let Some(mut open) = self.open.take() else { return Err(Failed::because("there is no connection")) };
        if open.has_ended().await {
            return Err(Failed::because("it has closed the connection"));
        }
        if let Err(error) = open.stream.shutdown().await {
            return Err(broke(&error));
        }
        let mut rest = [0; 512];
        let ended = timeout(END_TIME_MAX, async {
            while open.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        });
        match ended.await {
            Ok(Ok(())) => {}
            // Without the alert that ends TLS (RFC 8446 §6.1), as rsyslog closes.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Ok(Err(error)) => return Err(broke(&error)),
            // It may be one that hangs, with all of it before it.
            Err(_) => {
                return Err(Failed::because(format!(
                    "it does not close the connection within {} seconds, so it may not have read all (RFC 5425, 4.4)",
                    END_TIME_MAX.as_secs()
                )));
            }
        }
        // What it had not read makes its machine say so, and that may come after the end.
        sleep(RESET_TIME).await;
        if let Ok(Some(error)) = open.stream.socket().take_error() {
            return Err(broke(&error));
        }
        Ok(())
    }
}

impl Open {
    /// Whether the receiver has closed its side before panguard has: what it has read is not known then.
    async fn has_ended(&mut self) -> bool {
        let mut said = [0; 512];
        loop {
            match timeout(Duration::ZERO, self.stream.read(&mut said)).await {
                Err(_) => return false,
                Ok(Ok(0) | Err(_)) => return true,
                // Receivers have nothing to say.
                Ok(Ok(_)) => {}
            }
        }
    }
}

async fn dial(host: &str, port: u16, trust: Option<&Trust>) -> Result<Stream, Failed> {
    let dialled = timeout(TIME_MAX, async {
        let socket = TcpStream::connect((host, port))
            .await
            .map_err(|error| Failed::because(format!("it cannot be reached: {}", error.kind())))?;
        socket.set_nodelay(true).map_err(|error| broke(&error))?;
        let Some(trust) = trust else { return Ok(Stream::Plain(socket)) };
        let config = proxy::fetching(trust)
            .map_err(|_| Failed::because("there is nothing to verify its certificate by"))?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failed::because("its name is none that a certificate can be for"))?;
        let stream = TlsConnector::from(std::sync::Arc::new(config)).connect(name, socket).await;
        stream.map(|stream| Stream::Tls(Box::new(stream))).map_err(|error| untrusted(&error))
    });
    dialled.await.unwrap_or_else(|_| Err(late("cannot be reached")))
}

fn untrusted(error: &io::Error) -> Failed {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            Failed::because("its certificate is not to be believed")
        }
        Some(_) => Failed::because("no TLS can be agreed on with it"),
        None => Failed::because(format!("no TLS can be agreed on with it: {}", error.kind())),
    }
}

fn broke(error: &io::Error) -> Failed {
    Failed::because(format!("the connection broke: {}", error.kind()))
}

fn late(what: &str) -> Failed {
    Failed::because(format!("it {what} within {} seconds", TIME_MAX.as_secs()))
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// For reaching it, and for each piece that is written.
const TIME_MAX: Duration = Duration::from_secs(10);
const PIECE_BYTES: usize = 64 << 10;

/// A leg ends after this, or with so many entries: they are what a connection that breaks has brought twice.
const LEG_TIME: Duration = Duration::from_secs(5);
const ENTRIES_MAX: usize = 16_384;

/// For reading what is on its way, and closing.
const END_TIME_MAX: Duration = Duration::from_secs(30);

/// More than a way there and back mostly.
const RESET_TIME: Duration = Duration::from_millis(100);
