//! Whether an agent is still there that says nothing, or has said more than is read.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::TcpStream;

/// One agent's socket, to be asked beside whoever reads it: the end of a stream that is not read to there shows in no read.
#[derive(Clone)]
pub(crate) struct AgentSocket(Option<Arc<OwnedFd>>);

impl AgentSocket {
    pub(crate) fn of(socket: &TcpStream) -> Self {
        // Without a file descriptor to spare it cannot be told, and whoever reads sees what they can.
        Self(socket.as_fd().try_clone_to_owned().ok().map(Arc::new))
    }

    /// Whether the agent has closed its side, or the connection is broken.
    pub(crate) fn is_gone(&self) -> bool {
        let Some(socket) = &self.0 else { return false };
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        let mut asked = [PollFd::new(socket, gone)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut asked, Some(&at_once)).is_ok() && asked.iter().any(|it| it.revents().intersects(gone))
    }

    /// The same as the gate asks it.
    pub(crate) fn presence(&self) -> gate::Presence {
        let socket = self.clone();
        Arc::new(move || !socket.is_gone())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_hangs_up_behind_what_is_not_read_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut agent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let seen = AgentSocket::of(&socket);
        agent.write_all(b"more than anybody reads").await.unwrap();
        assert!(!seen.is_gone());
        drop(agent);
        while !seen.is_gone() {
            socket.readable().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}
