//! Asking witnesses to sign the audit log's heads, while agents are served. Nothing waits for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use audit::witness::{Cosignature, Witness, add_checkpoint, keep_witnessed};
use audit::{Checkpoint, Log, Verifier, prove_consistency};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use proxy::{Client, causes};
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use super::controls::Word;
use super::live;
use crate::config::{Config, WitnessAt};
use crate::folder;

/// What operators can measure of it.
#[derive(Clone, Default)]
pub struct Figures {
    witnessed: Gauge,
    failures: Family<Of, Counter>,
    conflicts: Family<Of, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    witness: String,
}

impl Figures {
    /// Figures that are shown with those of `registry`.
    pub fn shown_in(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "Entries of the audit log under the newest head that enough witnesses signed";
        registry.register("audit_witnessed_entries", help, figures.witnessed.clone());
        let help = "Times that a witness did not sign a head of the audit log";
        registry.register("audit_witness_failures", help, figures.failures.clone());
        let help = "Times that a witness refused a head since it has seen another history of the audit log";
        registry.register("audit_witness_conflicts", help, figures.conflicts.clone());
        figures
    }
}

/// Asks the witnesses of one log.
pub struct Asking {
    dir: PathBuf,
    log: Log,
    verifier: Verifier,
    witnesses: Vec<Asked>,
    quorum: usize,
    figures: Figures,
    word: Word,
    histories: Word,
    /// The size of the newest head that enough signed.
    witnessed: u64,
    /// A witness that has seen another history.
    conflict: Option<String>,
}

struct Asked {
    witness: Witness,
    address: String,
    client: Client<Full<Bytes>>,
    /// How many entries the newest head has that it signed, as far as is known.
    size: u64,
}

/// What a witness says that does not sign.
#[derive(Debug)]
enum Unsigned {
    /// It has seen another history of the log.
    Conflict(String),
    /// What it signed last has another size than was thought.
    Elsewhere(u64),
    Failed(anyhow::Error),
}

impl Asking {
    /// Of the log in `config`, for whose heads `verifier` is.
    ///
    /// # Errors
    /// A file of authorities cannot be read.
    pub fn new(
        config: &Config,
        log: &Log,
        verifier: Verifier,
        figures: Figures,
        [word, histories]: [Word; 2],
    ) -> anyhow::Result<Self> {
        let witnesses = config.audit.witnesses.iter().map(Asked::new).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            dir: folder::audit(&config.data_dir),
            log: log.clone(),
            verifier,
            witnesses,
            quorum: config.audit.quorum,
            figures,
            word,
            histories,
            witnessed: 0,
            conflict: None,
        })
    }

    /// Asks for ever, if there is anybody to ask.
    pub async fn run(mut self) {
        if self.witnesses.is_empty() {
            self.word.works();
            self.histories.works();
        }
        while !self.witnesses.is_empty() {
            match self.round().await {
                Ok(()) => self.word.works(),
                Err(error) => {
                    let text = format!("{error:#}");
                    warn!(error = text, "the audit log's head is not witnessed, it is tried again");
                    self.word.fails(text);
                }
            }
            match self.agree() {
                Ok(()) => self.histories.works(),
                Err(conflict) => self.histories.fails(conflict.to_string()),
            }
            sleep(ASK_EVERY).await;
        }
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let Some(note) = self.log.checkpoint() else { return Ok(()) };
        let head = self.verifier.open(&note)?;
        if head.size == self.witnessed {
            return Ok(());
        }
        let mut signed = Vec::new();
        self.conflict = None;
        for asked in &mut self.witnesses {
            match asked.ask(&self.dir, &head, &note).await {
                Ok(cosignature) => signed.push(cosignature),
                Err(why) => {
                    self.figures.refused(asked.witness.name(), &why);
                    if let Unsigned::Conflict(_) = why {
                        self.conflict = Some(asked.witness.name().to_owned());
                    }
                }
            }
        }
        if signed.len() >= self.quorum {
            keep_witnessed(&self.dir, &note, &signed).context("it cannot be written")?;
            self.witnessed = head.size;
            self.figures.witnessed.set(i64::try_from(head.size).unwrap_or(i64::MAX));
        }
        let (signed, all, wanted) = (signed.len(), self.witnesses.len(), self.quorum);
        if signed < wanted {
            bail!("{signed} of {all} witnesses signed, {wanted} are wanted");
        }
        Ok(())
    }

    /// Whether none of them had seen another history when it was asked last.
    fn agree(&self) -> anyhow::Result<()> {
        match &self.conflict {
            None => Ok(()),
            Some(witness) => bail!(
                "the witness `{witness}` has seen another history of the audit log: it was changed or put back"
            ),
        }
    }
}

impl Figures {
    fn refused(&self, witness: &str, why: &Unsigned) {
        let of = Of { witness: witness.to_owned() };
        match why {
            Unsigned::Conflict(what) => {
                self.conflicts.get_or_create(&of).inc();
                error!(
                    witness,
                    what, "a witness has seen another history of the audit log: it was changed or put back"
                );
            }
            Unsigned::Elsewhere(size) => {
                self.failures.get_or_create(&of).inc();
                warn!(witness, size, "a witness is shown this log by somebody else meanwhile");
            }
            Unsigned::Failed(error) => {
                self.failures.get_or_create(&of).inc();
                let error = format!("{error:#}");
                warn!(witness, error, "a witness does not sign the audit log's head");
            }
        }
    }
}

impl Asked {
    fn new(at: &WitnessAt) -> anyhow::Result<Self> {
        let trust = match at.url.scheme_str() {
            Some("http") => None,
            _ => Some(live::trust(at.ca.as_deref())?),
        };
        Ok(Self {
            witness: at.witness.clone(),
            address: format!("{}/add-checkpoint", at.url.to_string().trim_end_matches('/')),
            client: proxy::client(trust.as_ref())?,
            size: 0,
        })
    }

    /// Asks it to sign; once more if it says how far it is.
    async fn ask(&mut self, dir: &Path, head: &Checkpoint, note: &str) -> Result<Cosignature, Unsigned> {
        let mut said = self.ask_from(self.size, dir, head, note).await;
        if let Err(Unsigned::Elsewhere(size)) = said {
            self.size = size;
            said = self.ask_from(size, dir, head, note).await;
        }
        if said.is_ok() {
            self.size = head.size;
        }
        said
    }

    async fn ask_from(
        &self,
        old: u64,
        dir: &Path,
        head: &Checkpoint,
        note: &str,
    ) -> Result<Cosignature, Unsigned> {
        if old > head.size {
            let what = format!("it has signed a head of {old} entries, and the log has {}", head.size);
            return Err(Unsigned::Conflict(what));
        }
        let proof = match old {
            0 => Vec::new(),
            old => prove_consistency(dir, old, head.size).map_err(|error| Unsigned::Failed(error.into()))?,
        };
        let (status, said) = self.post(add_checkpoint(old, &proof, note)).await.map_err(Unsigned::Failed)?;
        match status {
            StatusCode::OK => {
                let signed = self.witness.find(note, &said);
                signed.ok_or_else(|| Unsigned::Failed(anyhow!("its answer has no good signature of its key")))
            }
            StatusCode::CONFLICT => match said.trim().parse::<u64>() {
                Ok(size) if size != old => Err(Unsigned::Elsewhere(size)),
                // Of the same size it has another (C2SP tlog-witness, "add-checkpoint").
                Ok(_) | Err(_) if old == head.size => {
                    Err(Unsigned::Conflict(format!("it has signed another head of {old} entries")))
                }
                Ok(_) | Err(_) => Err(Unsigned::Failed(anyhow!("it answers 409 and not how far it is"))),
            },
            StatusCode::UNPROCESSABLE_ENTITY => {
                let what = format!("the first {old} entries are not those of which it signed the head");
                Err(Unsigned::Conflict(what))
            }
            status => Err(Unsigned::Failed(anyhow!("it answers {}", status.as_u16()))),
        }
    }

    async fn post(&self, body: String) -> anyhow::Result<(StatusCode, String)> {
        let request = Request::post(&self.address).body(Full::new(Bytes::from(body)))?;
        let answered = async {
            let answer = self.client.request(request).await.map_err(|error| anyhow!(causes(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| anyhow!("its answer broke off, or is too long"))?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        timeout(ANSWER_TIME_MAX, answered).await.context("it does not answer")?
    }
}

/// How often a new head is shown to the witnesses.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Some signature lines.
const ANSWER_BYTES_MAX: usize = 64 << 10;

const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
