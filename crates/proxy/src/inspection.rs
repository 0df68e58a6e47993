//! Sessions of panguard's own with an upstream: the catalog is read in one, and so is what a command looks at.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vault::Vault;
use wire::Inquiry;
use wire_postgres::sample::{By, Shown, Unshown};
use wire_postgres::simple::{Read, Row, SimpleError};
use wire_postgres::testimony::{Look, Looked};

use crate::dial::{DIAL_TIME_MAX, DialError, Target};
use crate::stream::Stream;

/// A session with an upstream, opened with panguard's own credential. After an error it is of no further use.
pub struct Inspection {
    stream: Stream,
}

/// Why there are no rows. For operators.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct NotRead(#[from] Why);

#[derive(Debug, Error)]
enum Why {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Simple(#[from] SimpleError),
    #[error("it did not answer within {} seconds", .0.as_secs())]
    Late(Duration),
}

/// Why there are no rows to show.
#[derive(Debug)]
pub(crate) enum NotShown {
    /// The server went, or was silent.
    Broke,
    Unshown(Unshown),
}

impl From<Unshown> for NotShown {
    fn from(why: Unshown) -> Self {
        Self::Unshown(why)
    }
}

impl NotRead {
    /// The SQLSTATE by which the server refused the query, if it did. Its message may quote a value.
    pub fn sqlstate(&self) -> Option<&str> {
        match &self.0 {
            Why::Simple(SimpleError::Refused { sqlstate, .. }) => Some(sqlstate),
            Why::Simple(SimpleError::TooLong(_) | SimpleError::Violation(_))
            | Why::Dial(_)
            | Why::Late(_) => None,
        }
    }

    /// Whether the answer is longer than is read, so that a smaller one may be asked for.
    pub fn is_too_long(&self) -> bool {
        matches!(self.0, Why::Simple(SimpleError::TooLong(_)))
    }

    /// Whether no session could be opened at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.0, Why::Dial(_))
    }
}

impl Inspection {
    /// Signs in with the vault's credential.
    ///
    /// # Errors
    /// [`NotRead`] if the upstream cannot be reached or does not let panguard in.
    pub async fn open(target: &Target, vault: &Arc<Vault>) -> Result<Self, NotRead> {
        let dialled = target.dial(vault, Vec::new()).await.map_err(Why::Dial)?;
        Ok(Self { stream: dialled.stream })
    }

    /// Runs `sql`, of whose statements one returns rows, and gives those, within `time_max`.
    ///
    /// # Errors
    /// [`NotRead`], also when there is more than [`Read`] takes.
    pub async fn rows(&mut self, sql: &str, time_max: Duration) -> Result<Vec<Row>, NotRead> {
        let rows = timeout(time_max, self.read(sql)).await.map_err(|_| Why::Late(time_max))?;
        Ok(rows?)
    }

    /// The same for rows that people are shown: masked by what `by` knows.
    ///
    /// # Errors
    /// [`NotShown`].
    pub(crate) async fn shown(
        &mut self,
        sql: &str,
        by: By<'_>,
        time_max: Duration,
    ) -> Result<Vec<Row>, NotShown> {
        timeout(time_max, self.show(sql, by)).await.unwrap_or(Err(NotShown::Broke))
    }

    async fn show(&mut self, sql: &str, by: By<'_>) -> Result<Vec<Row>, NotShown> {
        let (query, mut answer) = Shown::new(sql, by);
        self.stream.write_all(&query).await.map_err(|_| NotShown::Broke)?;
        self.stream.flush().await.map_err(|_| NotShown::Broke)?;
        let mut bytes = BytesMut::with_capacity(READ_BYTES);
        loop {
            bytes.clear();
            if self.stream.read_buf(&mut bytes).await.map_err(|_| NotShown::Broke)? == 0 {
                return Err(NotShown::Broke);
            }
            if let Some(rows) = answer.receive(&bytes)? {
                return Ok(rows);
            }
        }
    }

    async fn read(&mut self, sql: &str) -> Result<Vec<Row>, Why> {
        let (query, mut answer) = Read::new(sql);
        self.stream.write_all(&query).await.map_err(DialError::Broke)?;
        self.stream.flush().await.map_err(DialError::Broke)?;
        let mut bytes = BytesMut::with_capacity(READ_BYTES);
        loop {
            bytes.clear();
            if self.stream.read_buf(&mut bytes).await.map_err(DialError::Broke)? == 0 {
                return Err(DialError::Closed.into());
            }
            if let Some(rows) = answer.receive(&bytes)? {
                return Ok(rows);
            }
        }
    }

    /// Asks what the upstream makes of a statement under one search path.
    ///
    /// # Errors
    /// [`NotRead`] if the session is of no further use.
    pub(crate) async fn look(&mut self, inquiry: &Inquiry, path: Option<&str>) -> Result<Looked, NotRead> {
        let (mut send, mut look) = Look::new(inquiry, path);
        let mut bytes = BytesMut::with_capacity(READ_BYTES);
        loop {
            self.stream.write_all(&send).await.map_err(|error| Why::Dial(DialError::Broke(error)))?;
            self.stream.flush().await.map_err(|error| Why::Dial(DialError::Broke(error)))?;
            send = loop {
                bytes.clear();
                let read = self.stream.read_buf(&mut bytes).await;
                if read.map_err(|error| Why::Dial(DialError::Broke(error)))? == 0 {
                    return Err(Why::Dial(DialError::Closed).into());
                }
                match look.receive(&bytes).map_err(Why::Simple)? {
                    Looked::Next(send) => break send,
                    Looked::More => {}
                    said @ (Looked::Said(_) | Looked::Refused { .. }) => return Ok(said),
                }
            };
        }
    }

    /// Says goodbye, without which the server would log that its client was lost.
    pub async fn close(mut self) {
        let goodbye = async {
            let _ = self.stream.write_all(&TERMINATE).await;
            let _ = self.stream.shutdown().await;
        };
        let _ = timeout(DIAL_TIME_MAX, goodbye).await;
    }
}

const READ_BYTES: usize = 64 << 10;
/// The message Terminate (§55.7).
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];
