//! Where people are told of requests for approval, and answer them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hyper::Uri;
use notify::{Mail, MailTls, Medium, Person};
use proxy::Trust;

use super::file;
use super::place::At;
use super::resolve::{Reading, is_connection_name, is_loopback};

/// Where people are told.
#[derive(Clone, Default)]
pub struct Notify {
    /// Where they find the console.
    pub console: Option<Box<str>>,
    pub channels: Vec<Channel>,
}

/// One place where people are told.
#[derive(Clone)]
pub struct Channel {
    /// With the machine's authorities.
    pub channel: notify::Channel,
    /// PEM file of authorities believed instead of the system's.
    pub ca: Option<PathBuf>,
}

impl Reading<'_> {
    pub(super) fn notify(
        &mut self,
        written: &file::Notify,
        issuers: &[At<file::Issuer>],
        connections: &BTreeSet<&str>,
        has_console: bool,
    ) -> Option<Notify> {
        let console = match &written.url {
            None => None,
            Some(at) => Some(self.web_address(at)?.trim_end_matches('/').into()),
        };
        let lines = || written.channels.values().map(|at| at.line);
        if written.channels.len() > CHANNELS_MAX {
            self.note(
                lines().max().unwrap_or(0),
                format!("there are more than {CHANNELS_MAX} channels; leave some out"),
            );
        }
        let read: Vec<_> =
            written.channels.iter().map(|(name, at)| self.channel(name, at, issuers, connections)).collect();
        let channels: Vec<Channel> = read.into_iter().collect::<Option<_>>()?;
        let mut keys = BTreeSet::new();
        for ((_, at), Channel { channel, .. }) in written.channels.iter().zip(&channels) {
            let key = match &channel.medium {
                Medium::Slack { signing_secret, .. } => signing_secret.as_ref(),
                Medium::Webhook { key, .. } if !channel.people.is_empty() => Some(key),
                Medium::Webhook { .. } | Medium::Teams { .. } | Medium::Mail(_) => None,
            };
            if key.is_some_and(|key| !keys.insert(key)) {
                let advice = "another channel answers by the same key, so that what is signed for one could be sent to the other; give each its own";
                self.note(at.line, advice);
            }
            if !channel.people.is_empty() && !has_console {
                let advice = "answers come in at the console, and there is none; write `listen: { console: 127.0.0.1:8443 }`, or leave `people` out";
                self.note(at.line, advice);
            }
        }
        Some(Notify { console, channels })
    }

    fn channel(
        &mut self,
        name: &str,
        at: &At<file::Channel>,
        issuers: &[At<file::Issuer>],
        connections: &BTreeSet<&str>,
    ) -> Option<Channel> {
        let written = &at.value;
        if !is_connection_name(name) {
            self.note(
                at.line,
                format!("`{name}` cannot name a channel; write 1 to 63 lower-case letters, digits, `-` and `_`, a letter first"),
            );
        }
        let kind = self.text(&written.kind)?;
        let medium = match kind.as_str() {
            "slack" => self.slack(name, at),
            "teams" => self.teams(name, at),
            "webhook" => self.webhook(name, at),
            "mail" => self.mail(at),
            other => {
                let advice =
                    format!("`{other}` is no type of channel; write `slack`, `teams`, `webhook` or `mail`");
                return self.wrong(written.kind.line, advice);
            }
        };
        if let Some((key, line)) = keys(written).into_iter().find(|(key, _)| !is_for(&kind, key)) {
            self.note(line, format!("`{key}` is not for `{kind}`; see docs/notify.md for what is"));
        }
        let mut told = BTreeSet::new();
        for connection in &written.connections {
            let of = self.text(connection)?;
            if !connections.contains(of.as_str()) {
                self.note(connection.line, format!("`{of}` is none of the `connections`; write one of them"));
            }
            told.insert(of.into());
        }
        let ca = match &written.ca {
            None => None,
            Some(ca) => Some(self.path(ca)?),
        };
        let mut people = BTreeMap::new();
        for (who, person) in &written.people {
            if kind == "slack" && !is_slack_id(who, &['U', 'W']) {
                self.note(
                    person.line,
                    format!("`{who}` is no member's id of Slack; write one such as `U012AB3CD`, from their profile"),
                );
            }
            people.insert(who.as_str().into(), self.person(person, issuers)?);
        }
        let channel = notify::Channel {
            name: name.into(),
            connections: told,
            trust: Trust::Platform,
            medium: medium?,
            people,
        };
        Some(Channel { channel, ca })
    }

    fn slack(&mut self, name: &str, at: &At<file::Channel>) -> Option<Medium> {
        let file::Channel { token, channel, signing_secret, team, api, people, .. } = &at.value;
        let token = match token {
            None => self.wrong(
                at.line,
                format!("`{name}` has no `token`; write `token: {{ secret: {name} }}`, and store the app's bot token under this name"),
            ),
            Some(token) => self.secret(token),
        };
        let mut id = |at: &At<String>, letters: &[char], example: &str| {
            let id = self.text(at)?;
            match is_slack_id(&id, letters) {
                true => Some(Box::<str>::from(id)),
                false => {
                    self.wrong(at.line, format!("`{id}` is no id of Slack's; write one such as `{example}`"))
                }
            }
        };
        let team = match team {
            None => Some(None),
            Some(at) => id(at, &['T', 'E'], "T0123ABCD").map(Some),
        };
        let channel = match channel {
            None => self.wrong(
                at.line,
                format!("`{name}` has no `channel`; write its id, such as `channel: C0123ABCD`"),
            ),
            Some(at) => id(at, &['C', 'G', 'D'], "C0123ABCD"),
        };
        let api = match api {
            None => Some(SLACK_API.into()),
            Some(at) => self.web_address(at).map(|api| api.trim_end_matches('/').into()),
        };
        let signing_secret = match signing_secret {
            None if !people.is_empty() => {
                return self.wrong(
                    at.line,
                    format!("without a `signing_secret` anybody could answer as `people`; write `signing_secret: {{ secret: {name}-signing }}`"),
                );
            }
            Some(at) if people.is_empty() => {
                return self.wrong(
                    at.line,
                    "nobody answers there; write who they are in `people`, or leave `signing_secret` out",
                );
            }
            None => None,
            Some(at) => Some(self.secret(at)?),
        };
        Some(Medium::Slack { api: api?, token: token?, channel: channel?, signing_secret, team: team? })
    }

    fn teams(&mut self, name: &str, at: &At<file::Channel>) -> Option<Medium> {
        match &at.value.url {
            Some(At { value: file::TextOrSecret::Secret(secret), line }) => {
                let secret = At { value: file::SecretName { secret: secret.secret.clone() }, line: *line };
                self.secret(&secret).map(|url| Medium::Teams { url })
            }
            Some(At { value: file::TextOrSecret::Text(_), line }) => self.wrong(*line, file::SECRET_ADVICE),
            None => self.wrong(at.line, format!("`{name}` has no `url`; write `url: {{ secret: {name} }}`, and store the workflow's address under this name")),
        }
    }

    fn webhook(&mut self, name: &str, at: &At<file::Channel>) -> Option<Medium> {
        let url = match &at.value.url {
            Some(At { value: file::TextOrSecret::Text(url), line }) => {
                self.web_address(&At { value: url.clone(), line: *line })
            }
            Some(At { value: file::TextOrSecret::Secret(_), line }) => {
                self.wrong(*line, "this address is no secret; write `url: https://HOST/PATH`")
            }
            None => self.wrong(at.line, format!("`{name}` has no `url`; write `url: https://HOST/PATH`")),
        };
        let key = match &at.value.key {
            None => self.wrong(
                at.line,
                format!("`{name}` has no `key` to sign by; write `key: {{ secret: {name} }}`, and store `whsec_` and 24 to 64 random bytes in base64 under this name"),
            ),
            Some(key) => self.secret(key),
        };
        Some(Medium::Webhook { url: url?.into(), key: key? })
    }

    fn mail(&mut self, at: &At<file::Channel>) -> Option<Medium> {
        let file::Channel { server, tls, user, password, from, to, .. } = &at.value;
        let (host, port) = match server {
            None => {
                return self.wrong(at.line, "mail needs a server that takes it; write `server: HOST:587`");
            }
            Some(server) => self.upstream(server)?,
        };
        let tls = match tls {
            None => MailTls::StartTls,
            Some(tls) => match self.text(tls)?.as_str() {
                "starttls" => MailTls::StartTls,
                "implicit" => MailTls::Implicit,
                "disable" if is_loopback(&host) => MailTls::None,
                "disable" => {
                    return self.wrong(
                        tls.line,
                        "plain text is refused off loopback; write `starttls` or `implicit`",
                    );
                }
                other => {
                    return self.wrong(
                        tls.line,
                        format!("`{other}` is no way of TLS; write `starttls`, `implicit`, or `disable` on loopback"),
                    );
                }
            },
        };
        let credential = match (user, password) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((self.text(user)?.into(), self.secret(password)?)),
            (Some(at), None) => {
                return self.wrong(at.line, "there is no `password`; write `password: { secret: NAME }`");
            }
            (None, Some(at)) => return self.wrong(at.line, "there is no `user`; write `user: USER`"),
        };
        let from = match from {
            None => {
                return self.wrong(at.line, "mail comes from somebody; write `from: panguard@example.com`");
            }
            Some(from) => self.mailbox(from)?,
        };
        if to.is_empty() {
            return self.wrong(at.line, "mail goes to somebody; write `to: [ops@example.com]`");
        }
        if to.len() > PEOPLE_MAX {
            return self
                .wrong(at.line, format!("these are more than {PEOPLE_MAX} addresses; write that of a list"));
        }
        let to: Option<Vec<_>> = to.iter().map(|to| self.mailbox(to)).collect();
        Some(Medium::Mail(Mail { host: host.into(), port, tls, credential, from, to: to? }))
    }

    fn mailbox(&mut self, at: &At<String>) -> Option<Box<str>> {
        let text = self.text(at)?;
        match notify::is_address(&text) {
            true => Some(text.into()),
            false => self.wrong(
                at.line,
                format!("`{text}` is no address; write one such as `ops@example.com`, without a name"),
            ),
        }
    }

    fn person(&mut self, at: &At<file::Person>, issuers: &[At<file::Issuer>]) -> Option<Person> {
        let file::Person { issuer, subject, groups, person } = &at.value;
        let issuer = match (issuer, self.known.as_slice()) {
            (Some(issuer), known) if known.iter().any(|it| **it == **issuer) => issuer.as_str().into(),
            (Some(issuer), _) => {
                let advice = format!("`{issuer}` is none of the issuers in `identity`; write one of them");
                return self.wrong(at.line, advice);
            }
            (None, [only]) => only.clone(),
            (None, _) => {
                return self
                    .wrong(at.line, "there are several issuers; say whose tokens theirs are: `issuer: URL`");
            }
        };
        if subject.is_empty() {
            return self.wrong(at.line, "there is no `subject`; write the `sub` of their tokens");
        }
        let has_claim =
            issuers.iter().any(|it| it.value.person_claim.is_some() && *it.value.issuer.value == *issuer);
        if has_claim != person.is_some() {
            let advice = match has_claim {
                true => "the issuer has a `person_claim`; write what it says of them: `person: …`",
                false => "the issuer has no `person_claim`; leave `person` out",
            };
            return self.wrong(at.line, advice);
        }
        let groups = groups.iter().map(|group| group.as_str().into()).collect();
        Some(Person {
            issuer,
            subject: subject.as_str().into(),
            groups,
            person: person.as_deref().map(Into::into),
        })
    }

    /// `https://HOST/PATH`, or `http://` on loopback.
    pub(super) fn web_address(&mut self, at: &At<String>) -> Option<String> {
        let text = self.text(at)?;
        let advice = "this is no address; write `https://HOST/PATH`, without a user or a fragment";
        let uri: Uri = match text.parse() {
            Ok(uri) if !text.contains('#') => uri,
            Ok(_) | Err(_) => return self.wrong(at.line, advice),
        };
        let user = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        match uri.scheme_str() {
            _ if user || host.is_empty() => self.wrong(at.line, advice),
            Some("https") => Some(text),
            Some("http") if is_loopback(host) => Some(text),
            Some("http") => self.wrong(at.line, "plain text is refused off loopback; write `https://…`"),
            _ => self.wrong(at.line, advice),
        }
    }
}

/// The keys that are written and not for all channels, with their lines.
fn keys(channel: &file::Channel) -> Vec<(&'static str, u64)> {
    let it = channel;
    let line = |at: &Option<At<String>>| at.as_ref().map(|at| at.line);
    let secret = |at: &Option<At<file::SecretName>>| at.as_ref().map(|at| at.line);
    let written = [
        ("people", it.people.values().next().map(|at| at.line)),
        ("token", secret(&it.token)),
        ("channel", line(&it.channel)),
        ("signing_secret", secret(&it.signing_secret)),
        ("team", line(&it.team)),
        ("api", line(&it.api)),
        ("url", it.url.as_ref().map(|at| at.line)),
        ("key", secret(&it.key)),
        ("server", line(&it.server)),
        ("tls", line(&it.tls)),
        ("user", line(&it.user)),
        ("password", secret(&it.password)),
        ("from", line(&it.from)),
        ("to", it.to.first().map(|at| at.line)),
    ];
    written.into_iter().filter_map(|(key, line)| Some((key, line?))).collect()
}

fn is_for(kind: &str, key: &str) -> bool {
    match kind {
        "slack" => matches!(key, "people" | "token" | "channel" | "signing_secret" | "team" | "api"),
        "teams" => key == "url",
        "webhook" => matches!(key, "people" | "url" | "key"),
        _ => matches!(key, "server" | "tls" | "user" | "password" | "from" | "to"),
    }
}

/// An id as Slack gives them: a letter that says of what, and more letters and digits.
fn is_slack_id(text: &str, letters: &[char]) -> bool {
    (3..=32).contains(&text.len())
        && text.starts_with(letters)
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

const SLACK_API: &str = "https://slack.com/api";

/// Each is told of each request.
const CHANNELS_MAX: usize = 16;

/// To more a list is better written.
const PEOPLE_MAX: usize = 50;
