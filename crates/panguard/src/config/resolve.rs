use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::{Approving, Mode, ModeOf};
use identity::{AgentRule, ClaimPath, Match};
use jiff::civil::Date;
use mask::Classes;

use super::expand::expand;
use super::file::{self, File};
use super::http::CDE;
use super::labels::{column, labels};
use super::masking;
use super::place::{At, Problem, Problems};
use super::{
    Config, Connection, HttpConnection, Issuer, Limits, Login, Notify, PanProfile, Tls, UpstreamTls,
};

/// Turns what is written into what is meant.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn resolve(
    path: &Path,
    file: File,
    version: String,
    env: &dyn Fn(&str) -> Option<String>,
    today: Date,
) -> Result<Config, Problems> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let file_name = path.into();
    let mut reading = Reading {
        file: file_name,
        folder,
        env,
        today,
        known: Vec::new(),
        problems: Vec::new(),
        notices: Vec::new(),
    };
    let config = reading.config(&file, version);
    let mut problems = reading.problems;
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => {
            problems.sort_by_key(|problem| problem.line);
            Err(Problems(problems))
        }
    }
}

/// One reading of the file. Each function says what is wrong by [`Reading::wrong`] and then gives `None`, so
/// that one run tells everything.
pub(super) struct Reading<'a> {
    pub(super) file: Arc<Path>,
    folder: PathBuf,
    env: &'a dyn Fn(&str) -> Option<String>,
    /// In UTC.
    pub(super) today: Date,
    /// The issuers that are configured.
    pub(super) known: Vec<Box<str>>,
    problems: Vec<Problem>,
    /// What is left out, and can be: nothing listens there, and nothing can be reached by it.
    pub(super) notices: Vec<Problem>,
}

/// Where panguard listens.
struct Listens {
    postgres: Option<SocketAddr>,
    http: Option<SocketAddr>,
    console: Option<SocketAddr>,
}

impl Reading<'_> {
    fn config(&mut self, file: &File, version: String) -> Option<Config> {
        let store = file.store.as_ref().map(|at| self.store(at));
        let data_dir = self.path(&file.data_dir);
        let policies = self.path(&file.policies);
        let tls = file.tls.as_ref().map(|tls| self.tls(tls));
        let listens = self.listen(&file.listen, file.tls.is_some());
        let vault_key = self.vault_key(&file.vault.key);
        let pan = self.pan(&file.masking);
        let classes = self.classes(&file.masking);
        let issuers = self.issuers(&file.identity.issuers);
        self.known = issuers.iter().map(|issuer| issuer.trust.as_str().into()).collect();
        let (connections, https) = self.connections(&file.connections);
        let mut labels = connections.values().map(|it| &it.labels).chain(https.values().map(|it| &it.labels));
        let is_cde = labels.any(|labels| labels.iter().any(|label| &**label == CDE));
        let audit = self.audit(file.audit.as_ref(), data_dir.as_deref(), is_cde);
        let keeps = file.audit.as_ref().and_then(|audit| audit.value.answers.as_ref());
        if let (Some(answers), Some(PanProfile::Tokenise)) = (keeps, pan) {
            let why = "answers hold surrogates with `tokenise`, which are not kept beside truncations (PCI DSS 3.5.1); leave `answers` out, or mask otherwise";
            self.note(answers.line, why);
        }
        let names: BTreeSet<&str> = file.connections.keys().map(String::as_str).collect();
        let notify = match &file.notify {
            None => Some(Notify::default()),
            Some(at) => {
                self.notify(&at.value, &file.identity.issuers.value, &names, listens.console.is_some())
            }
        };
        let sinks = match &file.audit {
            None => Some(Vec::new()),
            Some(at) => self.sinks(&at.value.sinks, data_dir.as_deref()),
        };
        let limits = self.limits(&file.limits);
        let controls = self.controls(&file.controls);
        let tls = match tls {
            None => None,
            Some(tls) => Some(tls?),
        };
        let store = match store {
            None => None,
            Some(store) => Some(store?),
        };
        Some(Config {
            version,
            texts: Vec::new(),
            data_dir: data_dir?,
            store,
            policies: policies?,
            postgres: listens.postgres,
            http: listens.http,
            console: listens.console,
            tls,
            vault_key: vault_key?,
            pan: pan?,
            classes: classes?,
            issuers,
            connections,
            https,
            audit: audit?,
            notify: notify?,
            sinks: sinks?,
            limits,
            controls,
            notices: std::mem::take(&mut self.notices),
        })
    }

    fn tls(&mut self, tls: &file::Tls) -> Option<Tls> {
        let (cert, key) = (self.path(&tls.cert), self.path(&tls.key));
        Some(Tls { cert: cert?, key: key?, client_certificates: tls.client_certificates })
    }

    fn listen(&mut self, listen: &At<file::Listen>, has_tls: bool) -> Listens {
        let console = listen.value.console.as_ref().and_then(|at| {
            let address = self.address(at, "127.0.0.1:8443")?;
            if !address.ip().is_loopback() {
                let message = "the console of this build speaks plain HTTP, which is refused off loopback; write an address such as `127.0.0.1:8443`";
                return self.wrong(at.line, message);
            }
            Some(address)
        });
        let file::Listen { postgres, http, .. } = &listen.value;
        if postgres.is_none() && http.is_none() {
            self.note(
                listen.line,
                "nothing listens for agents; write `postgres: 127.0.0.1:6432` or `http: 127.0.0.1:8080`",
            );
        }
        let mut agents = |at: &Option<At<String>>, example: &str| {
            let at = at.as_ref()?;
            let address = self.address(at, example)?;
            if !address.ip().is_loopback() && !has_tls {
                let message = "plain text is refused off loopback; write `tls: { cert: FILE, key: FILE }` beside `listen`, or listen on 127.0.0.1";
                self.note(at.line, message);
            }
            Some(address)
        };
        let (postgres, http) = (agents(postgres, "127.0.0.1:6432"), agents(http, "127.0.0.1:8080"));
        Listens { postgres, http, console }
    }

    fn pan(&mut self, masking: &file::Masking) -> Option<PanProfile> {
        let Some(at) = &masking.pan else { return Some(PanProfile::Last4) };
        let names = self.all_expanded(&at.value.0, at.line)?;
        masking::profile(&names).map_or_else(|message| self.wrong(at.line, message), Some)
    }

    fn classes(&mut self, masking: &file::Masking) -> Option<Classes> {
        let Some(at) = &masking.classes else { return masking::classes(None).ok() };
        let names = self.all_expanded(&at.value, at.line)?;
        masking::classes(Some(&names)).map_or_else(|message| self.wrong(at.line, message), Some)
    }

    fn all_expanded(&mut self, names: &[String], line: u64) -> Option<Vec<String>> {
        names.iter().map(|name| self.expanded(name, line)).collect()
    }

    fn issuers(&mut self, issuers: &At<Vec<At<file::Issuer>>>) -> Vec<Issuer> {
        if issuers.value.is_empty() {
            self.note(issuers.line, "nobody can sign in without an issuer; write at least one");
        }
        let read: Vec<Issuer> = issuers.value.iter().filter_map(|at| self.issuer(&at.value)).collect();
        let mut seen = BTreeSet::new();
        for at in &issuers.value {
            if !seen.insert(&at.value.issuer.value) {
                self.note(at.line, "this issuer is already listed above; keep one of them");
            }
        }
        read
    }

    fn issuer(&mut self, issuer: &file::Issuer) -> Option<Issuer> {
        let url = self.text(&issuer.issuer);
        let audience = self.all_expanded(&issuer.audience.value.0, issuer.audience.line);
        let agents = self.agents(&issuer.agents);
        let mut claim = |at: &Option<At<String>>| match at {
            None => Some(None),
            Some(at) => {
                let path = self.text(at)?;
                Some(Some(self.claim(&path, at.line)?))
            }
        };
        let (groups, person) = (claim(&issuer.groups_claim)?, claim(&issuer.person_claim)?);
        let ca = match &issuer.ca {
            None => None,
            Some(at) => Some(self.path(at)?),
        };
        let skew = issuer.clock_skew_seconds.as_ref();
        let (url, audience, agents) = (url?, audience?, agents?);
        let trust = identity::Issuer::new(&url, audience, agents).and_then(|trust| match skew {
            None => Ok(trust),
            Some(at) => trust.with_clock_skew_seconds(at.value),
        });
        let trust = match trust {
            Ok(trust) => trust,
            Err(error) => {
                let line = match error {
                    identity::IssuerError::Address => issuer.issuer.line,
                    identity::IssuerError::Audience => issuer.audience.line,
                    identity::IssuerError::ClockSkew => skew.map_or(issuer.issuer.line, |at| at.line),
                };
                return self.wrong(line, error.to_string());
            }
        };
        let trust = match groups {
            Some(claim) => trust.with_groups(claim),
            None => trust,
        };
        let trust = match person {
            Some(claim) => trust.with_person(claim),
            None => trust,
        };
        let mut text = |at: &Option<At<String>>| at.as_ref().and_then(|at| self.text(at));
        let login = issuer.login.as_ref().map(|it| Login {
            client_id: text(&it.client_id),
            scope: text(&it.scope),
            audience: text(&it.audience),
            resource: text(&it.resource),
        });
        Some(Issuer { trust, ca, login })
    }

    fn agents(&mut self, at: &At<file::Agents>) -> Option<AgentRule> {
        let rule = &at.value;
        let is = match (&rule.values, &rule.equals, &rule.prefix) {
            (None, None, None) => Match::Present,
            (Some(values), None, None) => {
                Match::OneOf(values.iter().map(|value| value.as_str().into()).collect())
            }
            (None, Some(value), None) => Match::OneOf([value.as_str().into()].into()),
            (None, None, Some(prefix)) => Match::Prefix(prefix.as_str().into()),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return self.wrong(at.line, "give only one of `values`, `equals` and `prefix`");
            }
        };
        let claim = self.claim(&rule.claim, at.line)?;
        let made = match AgentRule::new(claim, is) {
            Ok(made) => made,
            Err(error) => return self.wrong(at.line, error.to_string()),
        };
        match &rule.id {
            None => Some(made),
            Some(id) => Some(made.with_id(self.claim(id, at.line)?)),
        }
    }

    fn claim(&mut self, path: &str, line: u64) -> Option<ClaimPath> {
        match path.parse::<ClaimPath>() {
            Ok(claim) => Some(claim),
            Err(error) => self.wrong(line, error.to_string()),
        }
    }

    fn connections(
        &mut self,
        connections: &BTreeMap<String, At<file::Connection>>,
    ) -> (BTreeMap<Arc<str>, Connection>, BTreeMap<Arc<str>, HttpConnection>) {
        let (mut databases, mut https) = (BTreeMap::new(), BTreeMap::new());
        for (name, at) in connections {
            let kind = &at.value.kind;
            if !is_connection_name(name) {
                let message = format!(
                    "`{name}` cannot name a connection; write 1 to 63 lower-case letters, digits, `-` and `_`, a letter first"
                );
                self.note(at.line, message);
            }
            match self.text(kind).as_deref() {
                None => {}
                Some("postgres") => {
                    databases.extend(self.connection(name, at).map(|it| (Arc::from(name.as_str()), it)));
                }
                Some(word @ ("http" | "llm")) => {
                    let read = self.http_connection(name, at, word == "llm");
                    https.extend(read.map(|it| (Arc::from(name.as_str()), it)));
                }
                Some(word @ ("mcp" | "git" | "mysql")) => {
                    let message = format!(
                        "this build does not speak `{word}`, only `postgres`, `http` and `llm`: nobody can reach `{name}`"
                    );
                    self.notices.push(Problem { file: self.file.clone(), line: kind.line, message });
                }
                Some(word) => {
                    let message =
                        format!("`{word}` is no type of connection; write `postgres`, `http` or `llm`");
                    self.note(kind.line, message);
                }
            }
        }
        (databases, https)
    }

    fn connection(&mut self, name: &str, at: &At<file::Connection>) -> Option<Connection> {
        let connection = &at.value;
        if let Some(at) = first_of_http(connection) {
            self.note(at, "this key is not for `postgres`; see `panguard check --schema` for which are");
        }
        if connection.base_url.is_some() {
            self.note(at.line, "`base_url` is not for `postgres`; write `address: HOST:PORT`");
        }
        let address = match &connection.address {
            None => self.wrong(at.line, format!("`{name}` has no `address`; write `address: HOST:5432`")),
            Some(at) => self.upstream(at),
        };
        let database = match &connection.database {
            None => self.wrong(at.line, format!("`{name}` has no `database`; write `database: NAME`")),
            Some(at) => self.text(at),
        };
        let credential = match &connection.credential {
            None => self.wrong(
                at.line,
                format!("`{name}` has no `credential`; write `credential: {{ user: USER, password: {{ secret: {name} }} }}`"),
            ),
            Some(at) => self.credential(name, at),
        };
        let ca = connection.ca.as_ref().and_then(|at| self.path(at));
        let labels: Option<Vec<Box<str>>> =
            connection.labels.iter().map(|at| self.text(at).map(String::into_boxed_str)).collect();
        let data = self.data(&connection.data);
        let templates = connection.templates.as_ref().map(|at| self.path(at));
        let templates = match templates {
            None => None,
            Some(folder) => Some(folder?),
        };
        let modes: Option<Vec<ModeOf>> =
            connection.modes.iter().map(|at| self.mode(at, templates.is_some())).collect();
        let approval = self.approving(connection.approvals.as_ref());
        let (host, port) = address?;
        let tls = self.upstream_tls(connection, &host, ca.is_some())?;
        let (user, password) = credential?;
        Some(Connection {
            host: host.into(),
            port,
            database: database?.into(),
            tls,
            ca,
            user: user.into(),
            password,
            labels: labels?.into(),
            data: data?,
            templates,
            modes: modes?.into(),
            approval: approval?,
        })
    }

    /// How commands come to their approval.
    pub(super) fn approving(&mut self, at: Option<&At<file::Approvals>>) -> Option<Approving> {
        let own = Approving::default();
        let Some(at) = at else { return Some(own) };
        let file::Approvals { wait, answer_seconds, use_seconds } = &at.value;
        let mut seconds = |at: Option<&At<u64>>, own: u32| match at {
            None => Some(own),
            Some(at) => match u32::try_from(at.value) {
                Ok(seconds) if (1..=APPROVAL_SECONDS_MAX).contains(&seconds) => Some(seconds),
                _ => self.wrong(at.line, format!("write 1 to {APPROVAL_SECONDS_MAX} seconds, a week")),
            },
        };
        let answer = seconds(answer_seconds.as_ref(), own.answer_seconds);
        let usable = seconds(use_seconds.as_ref(), own.use_seconds);
        Some(Approving {
            waits: wait.unwrap_or(own.waits),
            answer_seconds: answer?,
            use_seconds: usable?,
            ..own
        })
    }

    fn mode(&mut self, at: &At<file::ModeOf>, has_templates: bool) -> Option<ModeOf> {
        let file::ModeOf { mode, issuer, groups, users, agents } = &at.value;
        let of = issuer.as_deref().map(Box::from);
        let all = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        let it = |mode| {
            Some(ModeOf { mode, issuer: of, groups: all(groups), users: all(users), agents: all(agents) })
        };
        if groups.is_empty() && users.is_empty() && agents.is_empty() {
            let advice =
                "a mode is somebody's; write `groups: [NAME]`, `users: [SUBJECT]` or `agents: [NAME]`";
            return self.wrong(at.line, advice);
        }
        match issuer {
            // The same name may be another's there.
            None if self.known.len() > 1 => {
                let advice = "there are several issuers; say whose tokens the mode is about: `issuer: URL`";
                return self.wrong(at.line, advice);
            }
            Some(issuer) if !self.known.iter().any(|known| **known == **issuer) => {
                let advice = format!("`{issuer}` is none of the issuers in `identity`; write one of them");
                return self.wrong(at.line, advice);
            }
            None | Some(_) => {}
        }
        match mode.as_str() {
            "templates" if !has_templates => self.wrong(
                at.line,
                "there are no registered statements; write `templates: FOLDER` beside `modes`",
            ),
            "templates" => it(Mode::Templates),
            "filtered" => it(Mode::Filtered),
            "admin" if !groups.is_empty() || !agents.is_empty() => self.wrong(
                at.line,
                "an administrator is a person; name each in `users`, without `groups` and `agents`",
            ),
            "admin" => it(Mode::Admin),
            other => {
                self.wrong(at.line, format!("`{other}` is no mode; write `templates`, `filtered` or `admin`"))
            }
        }
    }

    fn data(&mut self, columns: &BTreeMap<String, At<file::Holds>>) -> Option<sql::Labels> {
        let mut read = Vec::new();
        for (name, holds) in columns {
            // One by one, so that each problem has its line; then all, which finds what is there twice.
            let one = column(name, &holds.value, self.today).and_then(|column| {
                labels(&[(name, &column)]).map(|_| column).map_err(|error| error.to_string())
            });
            match one {
                Ok(column) => {
                    let notice = |message: &String| Problem {
                        file: self.file.clone(),
                        line: holds.line,
                        message: message.clone(),
                    };
                    self.notices.extend(column.expired.iter().map(notice));
                    read.push((name, column));
                }
                Err(message) => self.note(holds.line, message),
            }
        }
        let all: Vec<_> = read.iter().map(|(name, column)| (*name, column)).collect();
        match labels(&all) {
            Ok(labels) => Some(labels),
            Err(error) => self.wrong(columns.values().next().map_or(0, |at| at.line), error.to_string()),
        }
    }

    fn upstream_tls(
        &mut self,
        connection: &file::Connection,
        host: &str,
        has_ca: bool,
    ) -> Option<UpstreamTls> {
        let Some(at) = &connection.tls else { return Some(UpstreamTls::VerifyFull) };
        match self.text(at)?.as_str() {
            "verify-full" => Some(UpstreamTls::VerifyFull),
            "verify-ca" if has_ca => Some(UpstreamTls::VerifyCa),
            "verify-ca" => self.wrong(
                at.line,
                "`verify-ca` does not check the host, so the authority must be this upstream's own; write `ca: FILE` too, or `verify-full`",
            ),
            "disable" if is_loopback(host) => Some(UpstreamTls::Disable),
            "disable" => self.wrong(
                at.line,
                "plain text is refused off loopback; write `tls: verify-full`, with `ca: FILE` if the certificate is your own",
            ),
            "allow" | "prefer" | "require" => self.wrong(
                at.line,
                "certificates are always verified; write `tls: verify-full`, with `ca: FILE` if the certificate is your own",
            ),
            other => self.wrong(
                at.line,
                format!("`{other}` is no way of TLS; write `verify-full`, `verify-ca`, or `disable` on loopback"),
            ),
        }
    }

    fn credential(&mut self, name: &str, at: &At<file::Credential>) -> Option<(String, vault::Name)> {
        let credential = &at.value;
        let file::Credential { bearer, header, query, value, aws, oauth2, .. } = credential;
        let others = [bearer.is_some(), header.is_some(), query.is_some(), value.is_some(), aws.is_some()];
        if others.contains(&true) || oauth2.is_some() {
            return self.wrong(
                at.line,
                format!("`postgres` takes a user and a password; write `{{ user: USER, password: {{ secret: {name} }} }}`"),
            );
        }
        let user = match &credential.user {
            None => self.wrong(at.line, "the credential has no `user`; write `user: USER`"),
            Some(user) => self.text(user),
        };
        let password = match &credential.password {
            None => self.wrong(
                at.line,
                format!("the credential has no `password`; write `password: {{ secret: {name} }}`"),
            ),
            Some(password) => self.secret(password),
        };
        Some((user?, password?))
    }

    /// A name in the vault.
    pub(super) fn secret(&mut self, at: &At<file::SecretName>) -> Option<vault::Name> {
        match self.expanded(&at.value.secret, at.line)?.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let error: vault::NameError = error;
                self.wrong(at.line, error.to_string())
            }
        }
    }

    fn limits(&mut self, limits: &file::Limits) -> Limits {
        let default = Limits::DEFAULT;
        let mut within = |at: &Option<At<u64>>, default, range| self.within(at.as_ref(), default, range);
        let connections = within(&limits.connections, default.connections as u64, 1..=100_000);
        let message_bytes = within(&limits.message_bytes, default.message_bytes as u64, 1 << 10..=1 << 30);
        let startup = within(&limits.startup_seconds, default.startup.as_secs(), 1..=300);
        let grace = within(&limits.shutdown_grace_seconds, default.shutdown_grace.as_secs(), 0..=3600);
        let idle = within(&limits.idle_seconds, default.idle.as_secs(), 1..=86_400);
        let session = within(&limits.session_seconds, 0, 1..=30 * 86_400);
        Limits {
            connections: usize::try_from(connections).unwrap_or(default.connections),
            message_bytes: usize::try_from(message_bytes).unwrap_or(default.message_bytes),
            startup: Duration::from_secs(startup),
            shutdown_grace: Duration::from_secs(grace),
            idle: Duration::from_secs(idle),
            session: limits.session_seconds.as_ref().map(|_| Duration::from_secs(session)),
        }
    }

    /// A number within a range, or what it is unless given.
    pub(super) fn within(
        &mut self,
        at: Option<&At<u64>>,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        match at {
            Some(at) if range.contains(&at.value) => at.value,
            Some(at) => {
                self.note(at.line, format!("this limit is from {} to {}", range.start(), range.end()));
                default
            }
            None => default,
        }
    }

    /// `IP:PORT`, to listen on.
    fn address(&mut self, at: &At<String>, example: &str) -> Option<SocketAddr> {
        let text = self.text(at)?;
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => self.wrong(
                at.line,
                format!("`{text}` is not an address to listen on; write IP:PORT, such as `{example}`"),
            ),
        }
    }

    /// `HOST:PORT`, to dial.
    pub(super) fn upstream(&mut self, at: &At<String>) -> Option<(String, u16)> {
        let text = self.text(at)?;
        host_and_port(&text).or_else(|| {
            let message = format!("`{text}` is not an address; write HOST:PORT, such as `db.internal:5432`");
            self.wrong(at.line, message)
        })
    }

    pub(super) fn path(&mut self, at: &At<String>) -> Option<PathBuf> {
        self.text(at).map(|text| self.folder.join(text).components().collect())
    }

    pub(super) fn text(&mut self, at: &At<String>) -> Option<String> {
        let text = self.expanded(&at.value, at.line)?;
        if text.is_empty() {
            return self.wrong(at.line, "there is no value here; write one, or leave the key out");
        }
        Some(text)
    }

    pub(super) fn expanded(&mut self, text: &str, line: u64) -> Option<String> {
        match expand(text, self.env) {
            Ok(expanded) => Some(expanded),
            Err(message) => self.wrong(line, message),
        }
    }

    pub(super) fn wrong<T>(&mut self, line: u64, message: impl Into<String>) -> Option<T> {
        self.note(line, message);
        None
    }

    pub(super) fn note(&mut self, line: u64, message: impl Into<String>) {
        self.problems.push(Problem { file: self.file.clone(), line, message: message.into() });
    }
}

/// The line of the first key that is for HTTP systems alone.
fn first_of_http(connection: &file::Connection) -> Option<u64> {
    let file::Connection {
        hosts,
        opaque,
        requests,
        timeout_seconds,
        client_certificate,
        limits,
        openapi,
        ..
    } = connection;
    let lines = [
        hosts.first().map(|at| at.line),
        opaque.as_ref().map(|at| at.line),
        requests.as_ref().map(|at| at.line),
        timeout_seconds.as_ref().map(|at| at.line),
        openapi.as_ref().map(|at| at.line),
        client_certificate.as_ref().map(|at| at.line),
        limits.as_ref().map(|at| at.line),
    ];
    lines.into_iter().flatten().min()
}

/// A name that any client can put in place of a database's.
pub(super) fn is_connection_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// The parts of `HOST:PORT`, an IPv6 address without its brackets.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    is_host(host).then(|| (host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

/// A host name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
    }
}

/// The longest that a request or an approval can hold.
const APPROVAL_SECONDS_MAX: u32 = 7 * 24 * 3600;

/// By address, or by the one name that stands for it; other names may change what they mean.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
