use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::mpsc;

/// Pieces of a body that may wait for the side that takes them.
pub(super) const PIECES_MAX: usize = 4;

/// A body in pieces, or whole, as either side is sent it.
pub(super) enum Sent {
    /// All of it.
    Whole(Option<Bytes>),
    /// As it comes. The sender is dropped without [`Piece::End`] where it is to be seen as broken off.
    Pieces { pieces: mpsc::Receiver<Piece>, ended: bool },
}

/// A piece of a body.
pub(super) enum Piece {
    Data(Bytes),
    End(Option<HeaderMap>),
}

/// A body that was broken off.
#[derive(Debug, Error)]
#[error("broken off")]
pub(super) struct BrokenOff;

impl From<Infallible> for BrokenOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Sent {
    /// The same once more, if it is whole.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Pieces { .. } => None,
        }
    }

    /// A body that comes in pieces, and where they are put.
    pub(super) fn pieces() -> (mpsc::Sender<Piece>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        (sender, Self::Pieces { pieces, ended: false })
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces { ended: true, .. } => Poll::Ready(None),
            Self::Pieces { pieces, ended } => pieces.poll_recv(cx).map(|piece| match piece {
                Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Piece::End(trailers)) => {
                    *ended = true;
                    trailers.map(|trailers| Ok(Frame::trailers(trailers)))
                }
                None => {
                    *ended = true;
                    Some(Err(BrokenOff))
                }
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Pieces { ended, .. } => *ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces { .. } => SizeHint::default(),
        }
    }
}
