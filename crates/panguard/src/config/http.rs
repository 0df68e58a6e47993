//! Connections to HTTP systems.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::Approving;
use gate::Allowance;
use proxy::Credential;
use wire_http::document::Unknown;
use wire_http::{Bounds, Opaque, Origin, Rule};

use super::credential::ClientCertificate;
use super::file;
use super::labels::member;
use super::openapi::Openapi;
use super::place::{At, Problem};
use super::resolve::{Reading, is_host, is_loopback};

/// An HTTP system behind panguard.
#[derive(Debug, Clone)]
pub struct HttpConnection {
    pub origin: Origin,
    pub asks_models: bool,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
    pub credential: Credential,
    pub certificate: Option<ClientCertificate>,
    pub labels: Arc<[Box<str>]>,
    /// What the members of its JSON answers hold.
    pub data: Vec<Rule>,
    pub strict: bool,
    pub opaque: Opaque,
    pub requests: Requests,
    pub hosts: Vec<Box<str>>,
    pub patience: Duration,
    pub openapi: Option<Openapi>,
    pub approval: Approving,
    pub allowance: Allowance,
    pub bounds: Bounds,
}

/// What becomes of card data in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    Refuse,
    /// By the deployment's profile.
    Mask,
    Tokenise,
}

/// The label of connections on which card data is expected.
pub(super) const CDE: &str = "cde";

impl Reading<'_> {
    pub(super) fn http_connection(
        &mut self,
        name: &str,
        at: &At<file::Connection>,
        asks_models: bool,
    ) -> Option<HttpConnection> {
        let connection = &at.value;
        self.not_for_http(connection);
        let origin = match &connection.base_url {
            None => {
                self.wrong(at.line, format!("`{name}` has no `base_url`; write `base_url: https://HOST`"))
            }
            Some(at) => self.origin(at),
        };
        let credential = match &connection.credential {
            None => Some(Credential::None),
            Some(at) => self.http_credential(name, at),
        };
        let tls = origin.as_ref().is_none_or(|origin| origin.tls);
        let certificate = match &connection.client_certificate {
            None => Some(None),
            Some(at) => self.client_certificate(at, tls).map(Some),
        };
        let ca = connection.ca.as_ref().and_then(|at| self.path(at));
        let labels: Option<Vec<Box<str>>> =
            connection.labels.iter().map(|at| self.text(at).map(String::into_boxed_str)).collect();
        let data = connection.data.iter().map(|(path, holds)| self.member(path, holds)).collect::<Vec<_>>();
        let hosts: Option<Vec<Box<str>>> = connection.hosts.iter().map(|at| self.host(at)).collect();
        let labels = labels?;
        let is_cde = labels.iter().any(|label| &**label == CDE);
        let opaque = self.opaque(connection.opaque.as_ref(), is_cde);
        let requests = self.requests(connection.requests.as_ref(), asks_models);
        let patience = self.patience(connection.timeout_seconds.as_ref());
        let openapi = match &connection.openapi {
            None => None,
            Some(at) => Some(self.openapi(&at.value)?),
        };
        let approval = self.approving(connection.approvals.as_ref());
        let credential = credential?;
        let (allowance, bounds) = self.limits_there(connection.limits.as_ref());
        let bounds = Bounds { holds: credential.holds(), ..bounds };
        Some(HttpConnection {
            origin: origin?,
            asks_models,
            ca,
            credential,
            certificate: certificate?,
            labels: labels.into(),
            data: data.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect(),
            strict: connection.disguises.unwrap_or(is_cde),
            opaque: opaque?,
            requests: requests?,
            hosts: hosts?,
            patience: patience?,
            openapi,
            approval: approval?,
            allowance,
            bounds,
        })
    }

    fn not_for_http(&mut self, connection: &file::Connection) {
        let file::Connection { address, database, tls, templates, modes, .. } = connection;
        let advice =
            "is not for `http` and `llm`; write `base_url: https://HOST`, which says where it is and how";
        for (at, key) in
            [(address, "address"), (database, "database"), (tls, "tls"), (templates, "templates")]
        {
            if let Some(at) = at {
                self.note(at.line, format!("`{key}` {advice}"));
            }
        }
        if let Some(at) = modes.first() {
            self.note(at.line, "`modes` are of databases; policies say what may be asked of an HTTP system");
        }
    }

    fn origin(&mut self, at: &At<String>) -> Option<Origin> {
        let text = self.text(at)?;
        let origin = match Origin::parse(&text) {
            Ok(origin) => origin,
            Err(error) => {
                return self
                    .wrong(at.line, format!("this is no base URL: {}; write `https://HOST/PATH`", error.0));
            }
        };
        if !origin.tls && !is_loopback(&origin.host) {
            let message = "plain text is refused off loopback; write `https://…`, with `ca: FILE` if the certificate is your own";
            return self.wrong(at.line, message);
        }
        Some(origin)
    }

    /// What is said of one member of its answers. Empty: that is over.
    fn member(&mut self, path: &str, holds: &At<file::Holds>) -> Option<Option<Rule>> {
        match member(path, &holds.value, self.today) {
            Ok((rule, expired)) => {
                self.notices.extend(expired.map(|message| Problem {
                    file: self.file.clone(),
                    line: holds.line,
                    message,
                }));
                Some(rule)
            }
            Err(message) => self.wrong(holds.line, message),
        }
    }

    fn host(&mut self, at: &At<String>) -> Option<Box<str>> {
        let host = self.text(at)?.to_ascii_lowercase();
        match is_host(&host) {
            true => Some(host.into()),
            false => self.wrong(
                at.line,
                format!("`{host}` is no host name; write one without a port, such as `api.example.com`"),
            ),
        }
    }

    fn opaque(&mut self, at: Option<&At<String>>, is_cde: bool) -> Option<Opaque> {
        let Some(at) = at else { return Some(if is_cde { Opaque::Refuse } else { Opaque::Scan }) };
        match self.text(at)?.as_str() {
            "refuse" => Some(Opaque::Refuse),
            "scan" => Some(Opaque::Scan),
            "pass" => Some(Opaque::Pass),
            other => self.wrong(
                at.line,
                format!("`{other}` is nothing to do with a body; write `refuse`, `scan` or `pass`"),
            ),
        }
    }

    fn requests(&mut self, at: Option<&At<String>>, asks_models: bool) -> Option<Requests> {
        let Some(at) = at else {
            return Some(if asks_models { Requests::Tokenise } else { Requests::Refuse });
        };
        match self.text(at)?.as_str() {
            "refuse" => Some(Requests::Refuse),
            "mask" => Some(Requests::Mask),
            "tokenise" | "tokenize" => Some(Requests::Tokenise),
            other => self.wrong(
                at.line,
                format!("`{other}` is nothing to do with card data in requests; write `refuse`, `mask` or `tokenise`"),
            ),
        }
    }

    fn openapi(&mut self, written: &file::Openapi) -> Option<Openapi> {
        let file = self.path(&written.document)?;
        let unknown = match &written.unknown {
            None => Unknown::Refuse,
            Some(at) => match self.text(at)?.as_str() {
                "refuse" => Unknown::Refuse,
                "allow" => Unknown::Allow,
                other => {
                    let message = format!(
                        "`{other}` is nothing to do with what a document does not know; write `refuse` or `allow`"
                    );
                    return self.wrong(at.line, message);
                }
            },
        };
        Some(Openapi { file, unknown, read: None })
    }

    /// What each principal may ask for, and how long requests and answers may be.
    fn limits_there(&mut self, at: Option<&At<file::ConnectionLimits>>) -> (Allowance, Bounds) {
        let Some(At { value: limits, .. }) = at else { return (Allowance::default(), Bounds::default()) };
        let mut within = |at: &Option<At<u64>>, max: u64| {
            let at = at.as_ref()?;
            if (1..=max).contains(&at.value) {
                return Some(at.value);
            }
            self.wrong(at.line, format!("this limit is from 1 to {max}; leave it out where there is none"))
        };
        let per_minute =
            within(&limits.requests_per_minute, REQUESTS_MAX).and_then(|it| u32::try_from(it).ok());
        let concurrent = within(&limits.concurrent, REQUESTS_MAX).and_then(|it| u32::try_from(it).ok());
        let request_bytes_max = within(&limits.request_bytes, BYTES_MAX);
        let response_bytes_max = within(&limits.response_bytes, BYTES_MAX);
        let bounds = Bounds { request_bytes_max, response_bytes_max, ..Bounds::default() };
        (Allowance { per_minute, concurrent }, bounds)
    }

    fn patience(&mut self, at: Option<&At<u64>>) -> Option<Duration> {
        match at {
            None => Some(PATIENCE),
            Some(at) if (1..=86_400).contains(&at.value) => Some(Duration::from_secs(at.value)),
            Some(at) => self.wrong(at.line, "this limit is from 1 to 86400"),
        }
    }
}

/// A model may think for minutes before its first word.
const PATIENCE: Duration = Duration::from_secs(300);

/// The highest limit on requests that can be written.
const REQUESTS_MAX: u64 = 1_000_000;
/// The highest limit on bytes that can be written.
const BYTES_MAX: u64 = 1 << 40;
