//! The upstream as a witness: what it makes of statements, in one session of panguard's own for each connection.

use std::sync::Arc;
use std::time::Duration;

use access::Redacted;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, warn};
use vault::Vault;
use wire::{Inquiry, Rows, Word};
use wire_postgres::testimony::Looked;

use crate::connection::Connection;
use crate::inspection::{Inspection, NotRead};

/// Whom to ask about statements on one connection. Dropping it ends the session.
pub(crate) struct Witness {
    inquiries: mpsc::Sender<(Inquiry, oneshot::Sender<Word>)>,
    testifying: AbortHandle,
}

impl Witness {
    /// Waits for inquiries about `connection`; a session is opened for the first.
    pub(crate) fn start(connection: Arc<Connection>, vault: Arc<Vault>) -> Self {
        let (inquiries, asked) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(testify(connection, vault, asked));
        Self { inquiries, testifying: task.abort_handle() }
    }

    /// What the upstream says, if it does in time.
    pub(crate) async fn ask(&self, inquiry: Inquiry) -> Word {
        let (answer, said) = oneshot::channel();
        let asks = async {
            self.inquiries.send((inquiry, answer)).await.ok()?;
            said.await.ok()
        };
        timeout(ANSWER_TIME_MAX, asks).await.ok().flatten().unwrap_or(Word::Late)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.testifying.abort();
    }
}

async fn testify(
    connection: Arc<Connection>,
    vault: Arc<Vault>,
    mut asked: mpsc::Receiver<(Inquiry, oneshot::Sender<Word>)>,
) {
    let mut open: Option<Inspection> = None;
    // Since when and for how long nothing can be asked there.
    let mut unavailable_until: Option<Instant> = None;
    loop {
        let next = match &open {
            None => Ok(asked.recv().await),
            Some(_) => timeout(IDLE_TIME_MAX, asked.recv()).await,
        };
        let (inquiry, answer) = match next {
            Ok(Some(asked)) => asked,
            Ok(None) => return,
            Err(_) => {
                if let Some(session) = open.take() {
                    session.close().await;
                }
                continue;
            }
        };
        // Whoever asked may have gone meanwhile, and then nobody needs to know.
        if answer.is_closed() {
            continue;
        }
        if unavailable_until.is_some_and(|until| Instant::now() < until) {
            let _ = answer.send(Word::Silent);
            continue;
        }
        let asks = look(&connection, &vault, &mut open, &inquiry);
        let said = match timeout_at(Instant::now() + ANSWER_TIME_MAX, asks).await {
            Ok(Ok(Said::Word(word))) => word,
            Ok(Ok(Said::Unavailable(sqlstate))) => {
                let minutes = UNAVAILABLE_TIME.as_secs() / 60;
                warn!(connection = &*connection.name, %sqlstate, minutes, "the upstream does not say what statements read: its role needs TEMPORARY on the database, and PostgreSQL 14");
                unavailable_until = Some(Instant::now() + UNAVAILABLE_TIME);
                Word::Silent
            }
            Ok(Err(error)) => {
                debug!(connection = &*connection.name, %error, "the upstream was not heard");
                open = None;
                Word::Late
            }
            Err(_) => {
                open = None;
                Word::Late
            }
        };
        let _ = answer.send(said);
    }
}

/// What comes of an inquiry.
enum Said {
    Word(Word),
    /// Nothing can be asked there.
    Unavailable(Box<str>),
}

async fn look(
    connection: &Connection,
    vault: &Arc<Vault>,
    open: &mut Option<Inspection>,
    inquiry: &Inquiry,
) -> Result<Said, NotRead> {
    let session = match open {
        Some(session) => session,
        None => open.insert(Inspection::open(&connection.target, vault).await?),
    };
    let (mut all, mut heard) = (Rows::new(), false);
    let paths = std::iter::once(None).chain(inquiry.paths.iter().map(|path| Some(&**path)));
    for path in paths {
        match session.look(inquiry, path).await? {
            Looked::Said(rows) => {
                all.extend(rows);
                heard = true;
            }
            // What it names is locked, or it took too long.
            Looked::Refused { sqlstate, .. } if matches!(&*sqlstate, "55P03" | "57014") => {
                return Ok(Said::Word(Word::Locked));
            }
            Looked::Refused { sqlstate, function: true } if may_last(&sqlstate) => {
                // Not what an agent has written may decide that nothing is asked any more.
                let one = Inquiry {
                    command: Redacted::new("SELECT 1".into()),
                    parameters: None,
                    paths: Vec::new(),
                };
                if matches!(session.look(&one, None).await?, Looked::Refused { .. }) {
                    return Ok(Said::Unavailable(sqlstate));
                }
            }
            // So many parameters it has whatever their values are.
            Looked::Refused { sqlstate, .. } if &*sqlstate == TOO_MANY_ARGUMENTS => {
                return Ok(Said::Word(Word::Silent));
            }
            Looked::Refused { .. } | Looked::Next(_) | Looked::More => {}
        }
    }
    // That one text was refused says nothing of others of its shape: a literal may be why.
    Ok(Said::Word(if heard { Word::Said(all) } else { Word::Late }))
}

/// Whether perhaps no function can be made there: without the right to, on a server that only reads, on one that does
/// not know the form.
fn may_last(sqlstate: &str) -> bool {
    matches!(sqlstate, "42501" | "25006" | "42601")
}

/// Functions have at most 100 arguments (`FUNC_MAX_ARGS`).
const TOO_MANY_ARGUMENTS: &str = "54023";
/// Inquiries that may wait for the one before.
const WAITING_MAX: usize = 256;
/// Longest wait for an answer: a command is then decided upon without.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// A session in which nothing is asked is closed after this.
const IDLE_TIME_MAX: Duration = Duration::from_secs(60);
/// For how long nothing is asked where nothing can be.
const UNAVAILABLE_TIME: Duration = Duration::from_secs(10 * 60);
