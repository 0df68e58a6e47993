//! How long the audit log is kept, and where else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::witness::Witness;
use hyper::Uri;

use super::file;
use super::place::At;
use super::resolve::{Reading, is_loopback};

/// How long the audit log is kept, and where else.
#[derive(Clone, PartialEq, Eq)]
pub struct Audit {
    pub retention: Retention,
    /// How many bytes of each answer are kept; 0 is none.
    pub answer_bytes: usize,
    pub archive: Option<Archive>,
    pub witnesses: Vec<WitnessAt>,
    /// How many of them must sign a head. INVARIANT: no more than there are.
    pub quorum: usize,
    pub segment_bytes: u64,
}

/// A witness, and where it is.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessAt {
    pub witness: Witness,
    /// INVARIANT: `http` is on loopback.
    pub url: Uri,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
}

/// How long entries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// In the log's folder, once the archive has them.
    pub hot: Duration,
    /// In all. INVARIANT: not shorter than `hot`.
    pub all: Duration,
}

/// Where the log is copied to, and how often.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    pub place: Place,
    pub every: Duration,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    Directory(PathBuf),
    S3(S3),
}

/// A bucket, and how objects are put into it.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    pub at: S3At,
    pub access_key_id: Box<str>,
    pub secret_access_key: vault::Name,
    pub session_token: Option<vault::Name>,
    pub lock: Option<Lock>,
}

/// Where a bucket is.
#[derive(Clone, PartialEq, Eq)]
pub struct S3At {
    /// Scheme and authority. INVARIANT: `http` is on loopback.
    pub endpoint: Uri,
    pub bucket: Box<str>,
    /// Empty, or ends with `/`.
    pub prefix: Box<str>,
    pub region: Box<str>,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
}

/// How objects are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Nobody can take them away before their time.
    Compliance,
    /// Only who has a right of its own for that can.
    Governance,
}

impl Audit {
    /// What holds where the file says nothing: twelve months and a month more, three of them and a few days at hand.
    pub const DEFAULT: Self = Self {
        retention: Retention { hot: days(95), all: days(400) },
        answer_bytes: 0,
        archive: None,
        witnesses: Vec::new(),
        quorum: 0,
        segment_bytes: 64 << 20,
    };
}

/// Sealed and in base64, an answer must find its place in an entry.
const ANSWER_BYTES_MAX: u64 = 32 << 10;

impl Reading<'_> {
    /// `is_cde`: whether a connection has that label.
    pub(super) fn audit(
        &mut self,
        at: Option<&At<file::Audit>>,
        data_dir: Option<&Path>,
        is_cde: bool,
    ) -> Option<Audit> {
        let Some(at) = at else { return Some(Audit::DEFAULT) };
        let file::Audit { sinks: _, retention, answers, archive, witnesses, quorum, segment_bytes } =
            &at.value;
        let answer_bytes = answers.as_ref().and_then(|answers| answers.value.bytes.as_ref());
        let answer_bytes = self.within(answer_bytes, 0, 0..=ANSWER_BYTES_MAX);
        let retention = match retention {
            None => Some(Audit::DEFAULT.retention),
            Some(at) => self.retention(at, is_cde),
        };
        let archive = match archive {
            None => Some(None),
            Some(at) => self.archive(at, data_dir).map(Some),
        };
        let segment_bytes = match segment_bytes {
            None => Some(Audit::DEFAULT.segment_bytes),
            Some(at) if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&at.value) => Some(at.value),
            Some(at) => {
                let message = format!("a segment has {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX} bytes");
                self.wrong(at.line, message)
            }
        };
        let witnesses = self.witnesses(witnesses, at.line);
        let quorum = self.quorum(quorum.as_ref(), witnesses.len());
        Some(Audit {
            retention: retention?,
            answer_bytes: usize::try_from(answer_bytes).unwrap_or(0),
            archive: archive?,
            witnesses,
            quorum: quorum?,
            segment_bytes: segment_bytes?,
        })
    }

    /// Those that can be read; of the others it is said.
    fn witnesses(&mut self, all: &[At<file::Witness>], line: u64) -> Vec<WitnessAt> {
        let read: Vec<WitnessAt> = all.iter().filter_map(|at| self.witness(&at.value)).collect();
        for (place, one) in read.iter().enumerate() {
            if read.iter().take(place).any(|other| other.witness.name() == one.witness.name()) {
                let message =
                    format!("the witness `{}` is listed twice; keep one of them", one.witness.name());
                self.note(line, message);
            }
        }
        read
    }

    fn witness(&mut self, witness: &file::Witness) -> Option<WitnessAt> {
        let url = self.plain_address(&witness.url, "write the witness's address as `https://HOST/PATH`");
        let key = match Witness::parse(&self.text(&witness.key)?) {
            Ok(key) => Some(key),
            Err(why) => self.wrong(witness.key.line, format!("the witness's key cannot be used: {why}")),
        };
        let ca = match &witness.ca {
            None => Some(None),
            Some(at) => self.path(at).map(Some),
        };
        Some(WitnessAt { witness: key?, url: url?, ca: ca? })
    }

    fn quorum(&mut self, at: Option<&At<u64>>, witnesses: usize) -> Option<usize> {
        let Some(at) = at else { return Some(witnesses) };
        match usize::try_from(at.value) {
            Ok(quorum) if (1..=witnesses).contains(&quorum) => Some(quorum),
            _ => self
                .wrong(at.line, format!("there are {witnesses} witnesses, of whom one to all can be wanted")),
        }
    }

    fn retention(&mut self, at: &At<file::Retention>, is_cde: bool) -> Option<Retention> {
        let own = Audit::DEFAULT.retention;
        let mut time = |at: Option<&At<String>>, own| at.map_or(Some(own), |at| self.while_of(at));
        let (hot, all) = (time(at.value.hot.as_ref(), own.hot), time(at.value.all.as_ref(), own.all));
        let (hot, all) = (hot?, all?);
        let line = |key: &Option<At<String>>| key.as_ref().map_or(at.line, |key| key.line);
        let (line_of_hot, line_of_all) = (line(&at.value.hot), line(&at.value.all));
        if is_cde && all < days(ALL_DAYS_MIN) {
            self.note(
                line_of_all,
                format!(
                    "a connection is labelled `cde`, whose logs are kept for twelve months (PCI DSS 4.0.1, 10.5.1); \
                     write `all: {ALL_DAYS_MIN}d` or more"
                ),
            );
        }
        if is_cde && hot < days(HOT_DAYS_MIN) {
            self.note(
                line_of_hot,
                format!(
                    "a connection is labelled `cde`, of whose logs three months are at hand (PCI DSS 4.0.1, 10.5.1); \
                     write `hot: {HOT_DAYS_MIN}d` or more"
                ),
            );
        }
        if hot > all {
            let message = "entries cannot be at hand for longer than they are kept; write a longer `all`, or a shorter `hot`";
            return self.wrong(line_of_hot, message);
        }
        Some(Retention { hot, all })
    }

    fn archive(&mut self, at: &At<file::Archive>, data_dir: Option<&Path>) -> Option<Archive> {
        let file::Archive { directory, s3, every } = &at.value;
        let place = match (directory, s3) {
            (Some(at), None) => {
                let directory = self.path(at);
                if directory.as_deref().zip(data_dir).is_some_and(|(it, data_dir)| it.starts_with(data_dir)) {
                    let message = "the archive is lost with `data_dir` if it lies in there; name a folder elsewhere, on another disk";
                    self.note(at.line, message);
                }
                directory.map(Place::Directory)
            }
            (None, Some(at)) => self.s3(&at.value).map(Place::S3),
            (None, None) | (Some(_), Some(_)) => {
                self.wrong(at.line, "an archive is in one place; write `directory: FOLDER` or `s3: { … }`")
            }
        };
        let every = match every {
            None => Some(EVERY),
            Some(at) => {
                let every = self.while_of(at)?;
                match every > Duration::from_secs(3600) {
                    true => self
                        .wrong(at.line, "what is new is archived once an hour at least; write `1h` or less"),
                    false => Some(every),
                }
            }
        };
        Some(Archive { place: place?, every: every? })
    }

    fn s3(&mut self, s3: &file::S3) -> Option<S3> {
        let endpoint = self.endpoint(&s3.endpoint);
        let bucket = self.s3_name(&s3.bucket);
        let prefix = match &s3.prefix {
            None => Some("".into()),
            Some(at) => {
                self.s3_name(at).map(|prefix| format!("{}/", prefix.trim_matches('/')).into_boxed_str())
            }
        };
        let region = self.s3_name(&s3.region);
        let file::S3Credential { access_key_id, secret_access_key, session_token } = &s3.credential.value;
        let (id, secret) = (self.text(access_key_id), self.secret(secret_access_key));
        let session_token = match session_token {
            None => Some(None),
            Some(at) => self.secret(at).map(Some),
        };
        let lock = match &s3.object_lock {
            None => Some(None),
            Some(at) => match self.text(at)?.as_str() {
                "off" => Some(None),
                "compliance" => Some(Some(Lock::Compliance)),
                "governance" => Some(Some(Lock::Governance)),
                other => self.wrong(
                    at.line,
                    format!("`{other}` is no way of object lock; write `compliance`, `governance` or `off`"),
                ),
            },
        };
        let ca = match &s3.ca {
            None => Some(None),
            Some(at) => self.path(at).map(Some),
        };
        let at = S3At { endpoint: endpoint?, bucket: bucket?, prefix: prefix?, region: region?, ca: ca? };
        Some(S3 {
            at,
            access_key_id: id?.into(),
            secret_access_key: secret?,
            session_token: session_token?,
            lock: lock?,
        })
    }

    fn endpoint(&mut self, at: &At<String>) -> Option<Uri> {
        let advice = "write the store's address as `https://HOST`, or `https://HOST:PORT`";
        let uri = self.plain_address(at, advice)?;
        match uri.path() {
            "" | "/" => Some(uri),
            _ => self.wrong(at.line, advice),
        }
    }

    fn plain_address(&mut self, at: &At<String>, advice: &str) -> Option<Uri> {
        let text = self.text(at)?;
        let uri = text.parse::<Uri>().ok().filter(|uri| uri.authority().is_some() && uri.query().is_none());
        let Some(uri) = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) else {
            return self.wrong(at.line, advice);
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return self.wrong(at.line, super::file::SECRET_ADVICE);
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        if uri.scheme_str() == Some("http") && !is_loopback(host) {
            let message = "plain text is refused off loopback; write `https://…`, with `ca: FILE` if the certificate is your own";
            return self.wrong(at.line, message);
        }
        Some(uri)
    }

    /// A bucket, region or prefix: what stands in a path as it is.
    fn s3_name(&mut self, at: &At<String>) -> Option<Box<str>> {
        let text = self.text(at)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let is_name = |part: &str| !part.is_empty() && part != "." && part != "..";
        match text.chars().all(is_plain) && text.trim_matches('/').split('/').all(is_name) {
            true => Some(text.into()),
            false => self
                .wrong(at.line, format!("`{text}` is written with letters, digits, `-`, `_`, `.` and `/`")),
        }
    }

    /// `95d`.
    fn while_of(&mut self, at: &At<String>) -> Option<Duration> {
        let text = self.text(at)?;
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => 0,
        };
        let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u64>().ok());
        let seconds = number.and_then(|number| number.checked_mul(unit)).unwrap_or(0);
        match (1..=SECONDS_MAX).contains(&seconds) {
            true => Some(Duration::from_secs(seconds)),
            false => self.wrong(at.line, "write how long as `400d`, `36h`, `90m` or `30s`"),
        }
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

/// Twelve months (PCI DSS 4.0.1, 10.5.1).
const ALL_DAYS_MIN: u64 = 365;

/// Three months (the same).
const HOT_DAYS_MIN: u64 = 90;

/// How often what is new is archived.
const EVERY: Duration = Duration::from_secs(60);

/// A hundred years.
const SECONDS_MAX: u64 = 36_525 * 86_400;

/// One entry of the greatest length fits.
const SEGMENT_BYTES_MIN: u64 = 1 << 17;

const SEGMENT_BYTES_MAX: u64 = 1 << 30;
