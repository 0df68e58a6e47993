//! Where the audit log is brought.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use access::Timestamp;
use audit::Search;
use hyper::header::{self, HeaderName};
use jiff::tz::TimeZone;
use proxy::Trust;
use schemars::JsonSchema;
use serde::Deserialize;
use ship::{Begins, Form, To};

use super::file::SecretName;
use super::place::At;
use super::resolve::{Reading, is_connection_name, is_loopback};

/// A collector to which entries of the audit log are brought.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sink")]
pub struct WrittenSink {
    /// `syslog`, `otlp`, `webhook` or `file`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["syslog", "otlp", "webhook", "file"]))]
    pub kind: At<String>,
    /// Which entries it is given, as of `panguard audit list --where`; all, unless given.
    #[serde(rename = "where")]
    pub only: Option<At<String>>,
    /// Where it begins if it has been nowhere yet: `start`, with the log's first entry (the default), or `now`.
    #[schemars(extend("enum" = ["start", "now"]))]
    pub from: Option<At<String>>,
    /// All but `otlp`: in which form it is given entries. Of `syslog` `syslog` unless given; `syslog`, `cef`, `ocsf`, `ecs` or
    /// `json`.
    #[schemars(extend("enum" = ["syslog", "cef", "ocsf", "ecs", "json"]))]
    pub format: Option<At<String>>,
    /// A PEM file of the authorities that its certificate is checked against, instead of the system's.
    pub ca: Option<At<String>>,
    /// `syslog`: where it is, `HOST:PORT`.
    pub address: Option<At<String>>,
    /// `syslog`: `verify-full` (the default), or `disable`, for a collector on loopback.
    #[schemars(extend("enum" = ["verify-full", "disable"]))]
    pub tls: Option<At<String>>,
    /// `otlp`, `webhook`: where it is.
    pub url: Option<At<String>>,
    /// `otlp`, `webhook`: what is sent with each request, by names in the vault.
    #[serde(default)]
    pub headers: BTreeMap<String, At<SecretName>>,
    /// `webhook`: the key by which messages are signed (`whsec_…`), by its name in the vault.
    pub key: Option<At<SecretName>>,
    /// `file`: where it is.
    pub path: Option<At<String>>,
}

/// A sink with the machine's authorities.
#[derive(Clone)]
pub struct Sink {
    pub sink: ship::Sink,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
}

impl Reading<'_> {
    pub(super) fn sinks(
        &mut self,
        sinks: &BTreeMap<String, At<WrittenSink>>,
        data_dir: Option<&Path>,
    ) -> Option<Vec<Sink>> {
        if sinks.len() > SINKS_MAX {
            let last = sinks.values().map(|at| at.line).max().unwrap_or(0);
            self.note(last, format!("there are more than {SINKS_MAX} sinks; leave some out"));
        }
        let read: Vec<_> = sinks.iter().map(|(name, at)| self.sink(name, at, data_dir)).collect();
        let read: Vec<Sink> = read.into_iter().collect::<Option<_>>()?;
        let mut paths = BTreeSet::new();
        for (at, Sink { sink, .. }) in sinks.values().zip(&read) {
            if let To::File { path, .. } = &sink.to
                && !paths.insert(path.clone())
            {
                self.note(at.line, "another sink writes this file; name another");
            }
        }
        Some(read)
    }

    fn sink(&mut self, name: &str, at: &At<WrittenSink>, data_dir: Option<&Path>) -> Option<Sink> {
        let written = &at.value;
        if !is_connection_name(name) {
            self.note(
                at.line,
                format!("`{name}` cannot name a sink; write 1 to 63 lower-case letters, digits, `-` and `_`, a letter first"),
            );
        }
        let kind = self.text(&written.kind)?;
        let to = match kind.as_str() {
            "syslog" => self.syslog(name, at),
            "otlp" => self.otlp(name, at),
            "webhook" => self.signed(name, at),
            "file" => self.file(name, at, data_dir),
            other => {
                let advice =
                    format!("`{other}` is no type of sink; write `syslog`, `otlp`, `webhook` or `file`");
                return self.wrong(written.kind.line, advice);
            }
        };
        if let Some((key, line)) = keys(written).into_iter().find(|(key, _)| !is_for(&kind, key)) {
            self.note(line, format!("`{key}` is not for `{kind}`; see docs/shipping.md for what is"));
        }
        let only = match &written.only {
            None => Some(Search::All(Vec::new())),
            Some(at) => self.search(at),
        };
        let begins = match &written.from {
            None => Some(Begins::Start),
            Some(at) => match self.text(at)?.as_str() {
                "start" => Some(Begins::Start),
                "now" => Some(Begins::Now),
                other => self.wrong(
                    at.line,
                    format!("`{other}` is nowhere to begin; write `start` or `now`; where a sink is can be changed by `panguard audit sinks {name} --from INDEX`"),
                ),
            },
        };
        let ca = match &written.ca {
            None => None,
            Some(ca) => Some(self.path(ca)?),
        };
        let sink =
            ship::Sink { name: name.into(), only: only?, begins: begins?, trust: Trust::Platform, to: to? };
        Some(Sink { sink, ca })
    }

    fn search(&mut self, at: &At<String>) -> Option<Search> {
        let text = self.text(at)?;
        // Whiles such as `2h` are of no use where the log is followed; they count from the day's beginning.
        let today = self.today.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_microsecond());
        match Search::parse(&text, Timestamp(today)) {
            Ok(search) => Some(search),
            Err(error) => {
                let place = text.get(..error.at).map_or(0, |before| before.chars().count()) + 1;
                self.wrong(
                    at.line,
                    format!("`where` is not understood at its character {place}: {}", error.what),
                )
            }
        }
    }

    fn form(&mut self, name: &str, at: &At<WrittenSink>, own: Option<Form>) -> Option<Form> {
        let words = "`syslog`, `cef`, `ocsf`, `ecs` or `json`";
        let Some(written) = &at.value.format else {
            return match own {
                Some(own) => Some(own),
                None => self.wrong(at.line, format!("`{name}` has no `format`; write one of {words}")),
            };
        };
        let word = self.text(written)?;
        match Form::ALL.into_iter().find(|form| form.as_str() == word) {
            Some(form) => Some(form),
            None => self.wrong(written.line, format!("`{word}` is no form of entries; write {words}")),
        }
    }

    fn syslog(&mut self, name: &str, at: &At<WrittenSink>) -> Option<To> {
        let form = self.form(name, at, Some(Form::Syslog));
        let (host, port) = match &at.value.address {
            None => {
                return self.wrong(at.line, format!("`{name}` has no `address`; write `address: HOST:6514`"));
            }
            Some(address) => self.upstream(address)?,
        };
        let tls = match &at.value.tls {
            None => true,
            Some(tls) => match self.text(tls)?.as_str() {
                "verify-full" => true,
                "disable" if is_loopback(&host) => false,
                "disable" => {
                    return self.wrong(tls.line, "plain text is refused off loopback; write `verify-full`, with `ca: FILE` if the certificate is your own");
                }
                other => {
                    return self.wrong(
                        tls.line,
                        format!("`{other}` is no way of TLS; write `verify-full`, or `disable` on loopback"),
                    );
                }
            },
        };
        Some(To::Syslog { host: host.into(), port, tls, form: form? })
    }

    fn otlp(&mut self, name: &str, at: &At<WrittenSink>) -> Option<To> {
        let url = self.address_of(name, at, "https://HOST/v1/logs");
        let headers = self.headers(&at.value.headers);
        Some(To::Otlp { url: url?, headers: headers? })
    }

    fn signed(&mut self, name: &str, at: &At<WrittenSink>) -> Option<To> {
        let url = self.address_of(name, at, "https://HOST/PATH");
        let headers = self.headers(&at.value.headers);
        let form = self.form(name, at, None);
        let key = match &at.value.key {
            None => self.wrong(
                at.line,
                format!("`{name}` has no `key` to sign by; write `key: {{ secret: {name} }}`, and store `whsec_` and 24 to 64 random bytes in base64 under this name"),
            ),
            Some(key) => self.secret(key),
        };
        Some(To::Webhook { url: url?, key: key?, headers: headers?, form: form? })
    }

    fn address_of(&mut self, name: &str, at: &At<WrittenSink>, example: &str) -> Option<Box<str>> {
        match &at.value.url {
            None => self.wrong(at.line, format!("`{name}` has no `url`; write `url: {example}`")),
            Some(url) => self.web_address(url).map(Into::into),
        }
    }

    fn headers(
        &mut self,
        written: &BTreeMap<String, At<SecretName>>,
    ) -> Option<Vec<(HeaderName, vault::Name)>> {
        let read: Vec<_> = written.iter().map(|(name, at)| self.header(name, at)).collect();
        read.into_iter().collect()
    }

    fn header(&mut self, name: &str, at: &At<SecretName>) -> Option<(HeaderName, vault::Name)> {
        let secret = self.secret(at);
        match name.parse::<HeaderName>() {
            Ok(header) if OWN.contains(&header) || header.as_str().starts_with("webhook-") => {
                self.wrong(at.line, format!("`{name}` is a header that panguard writes itself; leave it out"))
            }
            Ok(header) => Some((header, secret?)),
            Err(_) => self.wrong(at.line, format!("`{name}` is no name of a header")),
        }
    }

    fn file(&mut self, name: &str, at: &At<WrittenSink>, data_dir: Option<&Path>) -> Option<To> {
        let form = self.form(name, at, None);
        let Some(written) = &at.value.path else {
            return self.wrong(at.line, format!("`{name}` has no `path`; write `path: FILE`"));
        };
        let path = self.path(written)?;
        if data_dir.is_some_and(|data_dir| path.starts_with(data_dir)) {
            return self.wrong(
                written.line,
                "this is in `data_dir`, which is panguard's own; name a file elsewhere",
            );
        }
        Some(To::File { path, form: form? })
    }
}

/// The keys that are written and not for all sinks, with their lines.
fn keys(sink: &WrittenSink) -> Vec<(&'static str, u64)> {
    let line = |at: &Option<At<String>>| at.as_ref().map(|at| at.line);
    let written = [
        ("format", line(&sink.format)),
        ("ca", line(&sink.ca)),
        ("address", line(&sink.address)),
        ("tls", line(&sink.tls)),
        ("url", line(&sink.url)),
        ("headers", sink.headers.values().next().map(|at| at.line)),
        ("key", sink.key.as_ref().map(|at| at.line)),
        ("path", line(&sink.path)),
    ];
    written.into_iter().filter_map(|(key, line)| Some((key, line?))).collect()
}

fn is_for(kind: &str, key: &str) -> bool {
    match kind {
        "syslog" => matches!(key, "format" | "ca" | "address" | "tls"),
        "otlp" => matches!(key, "ca" | "url" | "headers"),
        "webhook" => matches!(key, "format" | "ca" | "url" | "headers" | "key"),
        _ => matches!(key, "format" | "path"),
    }
}

const OWN: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::USER_AGENT,
];

/// Each reads the whole log.
const SINKS_MAX: usize = 16;
