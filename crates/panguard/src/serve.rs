//! `panguard serve`: the wiring. Opens what the configuration names, hands each part to the next, and waits
//! for signals; what the gateway does is in the crates that it wires together.

mod answers;
mod approvals;
mod archive;
mod controls;
mod known;
mod lending;
mod live;
mod notify;
mod recall;
mod reload;
mod revoking;
mod signals;
mod sinks;
mod telemetry;
mod unfinished;
mod witness;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::notify::Notify;
use access::{Mint, Timestamp};
use anyhow::Context;
use audit::Log;
use gate::Gate;
use mask::{Classes, Masker, TokenKey};
use proxy::{Gateway, Limits, Live, Metrics, Settings};
use ship::{Ship, Sink};
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};
use vault::{Name, Vault, fresh_key};
use wire_postgres::startup::{Auth, Discovery};

use crate::config::{self, Config, HttpConnection, PanProfile, process_env};
use crate::editions::{Editions, Kind};
use crate::revocations::Folder;
use crate::{authority, folder, guarded, reads};
use approvals::Shelf;
use controls::{Watch, Word};
use known::Known;
use lending::Lent;
pub use live::{target, trust, upstream};
use reload::Reload;
use revoking::Revoking;
use signals::{Signals, stopped};
pub use telemetry::LogFormat;

/// Runs the gateway until SIGTERM or SIGINT, and then until running commands have ended.
///
/// # Errors
/// Whatever keeps it from starting: the configuration, the vault, the audit log, an address in use.
pub fn run(path: &Path, log_format: LogFormat) -> anyhow::Result<()> {
    let config = Config::load(path, &process_env)?;
    guarded::hide(&config)?;
    telemetry::start(log_format);
    guarded::forbid_core_dumps();
    guarded::lock_memory();
    config.notices.iter().for_each(|notice| tracing::warn!(%notice, "left out"));
    let (policies, texts) = folder::policies_and_texts(&config.policies)?;
    let maskers = maskers(&config)?;
    let live = live::live(&config, maskers)?;
    let vault = Arc::new(folder::open_vault(&config)?);
    tell_authority(&config, &vault);
    let log = open_log(&config, policies.version(), &vault)?;
    let signer = folder::log_signer(&vault)?;
    let editions = Editions::of(&config.data_dir).keeper(entry_masker(&config), folder::log_signer(&vault)?);
    editions.keep(Kind::Policies, policies.version(), &texts)?;
    editions.keep(Kind::Configuration, &config.version, &config.texts)?;
    let mut known = Known::resume(&config.data_dir, folder::log_signer(&vault)?);
    known.begin(&log, policies.version(), &config.version, &known::listed(&vault)?)?;
    let policy_count = policies.len();
    if let Some(policy) = policies.asks_nobody() {
        tracing::warn!(policy, "approvals are asked for, and no policy lets anybody give one");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()?;
    let (gate, shelf, lent) = {
        let _within = runtime.enter();
        gate(&config, policies, &log, &vault)?
    };
    let base = Base { path: path.into(), config, vault, log: log.clone(), gate, maskers };
    let (attendants, keeping) = Attendants::new(&base, shelf, lent)?;
    let compared = recall::comparisons(&base.gate, &folder::audit(&base.config.data_dir), now())?;
    info!(compared, "comparisons of the last day are counted");
    let served = runtime.block_on(serve(base, attendants, live, known, policy_count));
    drop((runtime, keeping));
    if log.state().failed.is_some() {
        // Its disk may be well again, and how commands ended waits for it.
        _ = log.reopen(signer);
    }
    log.close(now()).context("the end of the audit log could not be written")?;
    info!("stopped");
    served
}

/// What everything else stands on.
struct Base {
    /// The configuration's file.
    path: PathBuf,
    config: Config,
    vault: Arc<Vault>,
    log: Log,
    gate: Arc<Gate>,
    maskers: Maskers,
}

/// Those who work beside the gateway, before they begin.
struct Attendants {
    lent: Lent,
    revoking: Revoking,
    witnesses: witness::Asking,
    notify: Arc<Notify>,
    watch: Arc<Watch>,
    ship: Arc<Ship>,
    collectors: Vec<Sink>,
    metrics: Metrics,
    /// What archive, witnesses and their histories say of themselves.
    words: [Word; 3],
}

impl Attendants {
    fn new(base: &Base, shelf: Shelf, lent: Lent) -> anyhow::Result<(Self, archive::Keeping)> {
        let Base { config, vault, log, gate, .. } = base;
        let told = shelf.revocations.clone();
        let revoking = Revoking::begin(
            Folder::of(&config.data_dir),
            gate.clone(),
            log.clone(),
            folder::log_signer(vault)?,
            told,
        )
        .context("what is revoked is not known")?;
        let mut metrics = Metrics::new();
        let words = [(); 3].map(|()| Word::default());
        let [archived, witnessed, histories] = words.clone();
        let witnesses = witness::Figures::shown_in(metrics.registry_mut());
        let verifier = folder::log_signer(vault)?.verifier();
        let witnesses = witness::Asking::new(config, log, verifier, witnesses, [witnessed, histories])?;
        let figures = ::notify::Figures::shown_in(metrics.registry_mut());
        let notify = notify::open(config, shelf, vault.clone(), figures)?;
        let figures = controls::Figures::shown_in(metrics.registry_mut());
        let watch = Watch::resume(gate.clone(), notify.clone(), &config.data_dir, figures);
        let figures = ship::Figures::shown_in(metrics.registry_mut());
        let ship = sinks::open(config, log.clone(), vault.clone(), figures)?;
        let collectors = sinks::sinks(config)?;
        let figures = archive::Figures::shown_in(metrics.registry_mut());
        let brought = {
            let ship = ship.clone();
            Box::new(move || sinks::brought(&ship))
        };
        let keeping = archive::start(config, vault, log, brought, (figures, archived))?;
        let it = Self { lent, revoking, witnesses, notify, watch, ship, collectors, metrics, words };
        Ok((it, keeping))
    }

    /// Sets all of them to work, until the tasks are aborted.
    fn begin(
        self,
        base: Base,
        gateway: &Arc<Gateway>,
        known: Known,
        hangup: Signal,
    ) -> anyhow::Result<JoinSet<()>> {
        let Base { path, config, vault, log, gate, maskers } = base;
        let Self { lent, revoking, witnesses, notify, watch, ship, collectors, words, .. } = self;
        let [archive, witnessed, histories] = words;
        let mut tasks = JoinSet::new();
        tasks.spawn(notify.clone().run());
        tasks.spawn(witnesses.run());
        let mut answers = answers::Keeper {
            gate: gate.clone(),
            vault: vault.clone(),
            log: log.clone(),
            bytes_max: config.audit.answer_bytes,
            kept_for: config.audit.retention.all,
            month: None,
            destroyed: None,
            started: (now(), std::time::Instant::now()),
        };
        answers.look(now())?;
        let places = controls::Places {
            answers,
            gateway: gateway.clone(),
            vault: vault.clone(),
            log: log.clone(),
            ship: ship.clone(),
            archive,
            witnesses: witnessed,
            histories,
            audit: folder::audit(&config.data_dir),
            verifier: folder::log_signer(&vault)?.verifier(),
            every: config.controls.clone(),
        };
        tasks.spawn(approvals::look(gate.clone(), watch.clone()));
        tasks.spawn(watch.clone().run(places));
        tasks.spawn(revoking.run(gateway.clone()));
        tasks.spawn(lent.run(gate.clone()));
        ship.replace(collectors);
        reads::expect(&folder::audit(&config.data_dir))?;
        let gateway = gateway.clone();
        let parts = reload::Parts { gate, gateway, notify, ship, vault, log, watch, known, maskers };
        tasks.spawn(Reload::new(path, config, parts).run(hangup));
        Ok(tasks)
    }
}

/// Lets agents and people in until the process is told to stop, and then until running commands have ended.
async fn serve(
    base: Base,
    mut attendants: Attendants,
    live: Live,
    known: Known,
    policy_count: usize,
) -> anyhow::Result<()> {
    let config = base.config.clone();
    let (stop, stopping) = watch::channel(false);
    let hangup = Signals::take()?.stop(stop);
    let metrics = Arc::new(std::mem::replace(&mut attendants.metrics, Metrics::new()));
    let settings = Settings {
        gate: base.gate.clone(),
        vault: base.vault.clone(),
        lending: attendants.lent.known.clone(),
        masker: base.maskers.answers,
        auth: auth(&config),
        limits: limits(&config),
        metrics: metrics.clone(),
    };
    let gateway = Gateway::new(settings, live)?;
    let postgres = bind_some(config.postgres).await?;
    let http = bind_some(config.http).await?;
    let console = match config.console {
        None => None,
        Some(address) => {
            let state = Arc::new(console_state(&base, &attendants, metrics, &gateway));
            Some(tokio::spawn(console::serve(bind(address).await?, state, stopped(stopping.clone()))))
        }
    };
    let (watch, ship, gate) = (attendants.watch.clone(), attendants.ship.clone(), base.gate.clone());
    let (loans, lending) = (attendants.lent.loans.clone(), attendants.lent.known.clone());
    let mut tasks = attendants.begin(base, &gateway, known, hangup)?;
    // Nobody has to be there to read it.
    _ = writeln!(io::stdout(), "{}", ready_line(&config, policy_count));
    let databases = async {
        if let Some(listener) = postgres {
            gateway.run(listener, stopped(stopping.clone())).await;
        }
    };
    let https = async {
        if let Some(listener) = http {
            gateway.run_http(listener, stopped(stopping.clone())).await;
        }
    };
    tokio::join!(databases, https);
    tasks.abort_all();
    // What was seen of lenders a moment ago is to outlive this.
    let lending = lending.load_full();
    let telling = lending::tell(&gate, &*loans, lending.as_deref());
    _ = tokio::time::timeout(LAST_WORDS_TIME_MAX, telling).await;
    watch.keep();
    ship.end().await;
    if let Some(console) = console {
        // It ends by the same signal, in seconds.
        _ = console.await;
    }
    Ok(())
}

/// Puts the certificate that agents need for a forward proxy where `panguard run` finds it. A gateway serves without, too.
fn tell_authority(config: &Config, vault: &Vault) {
    if config.http.is_some()
        && let Err(error) = authority::certificate(config, vault)
    {
        error!(%error, "the certificate of panguard's authority cannot be written");
    }
}

fn open_log(config: &Config, policies: &str, vault: &Vault) -> anyhow::Result<Log> {
    let dir = folder::audit(&config.data_dir);
    vault.get_or_create(&folder::log_key_name()?, now(), fresh_key)?;
    let signer = folder::log_signer(vault)?;
    let key = signer.verifier().to_string();
    let options = audit::Options::new(&gateway_name(), env!("CARGO_PKG_VERSION"), now());
    let options = audit::Options {
        segment_bytes: config.audit.segment_bytes,
        policies: policies.into(),
        configuration: config.version.as_str().into(),
        ..options
    };
    let log = Log::open(&dir, signer, options)?;
    if !log.state().clean {
        unfinished::close(log.clone(), dir.clone());
    }
    let beside = folder::verifier_key(&dir);
    fs::write(&beside, format!("{key}\n")).with_context(|| format!("cannot write `{}`", beside.display()))?;
    info!(key, "audit log open; keep its key elsewhere");
    Ok(log)
}

fn gate(
    config: &Config,
    policies: policy::Policies,
    log: &Log,
    vault: &Arc<Vault>,
) -> anyhow::Result<(Arc<Gate>, Shelf, Lent)> {
    let mint = Mint::take().context("permits are made by one gate in a process")?;
    let fingerprint_key = vault.get_or_create(&Name::internal("fingerprint")?, now(), fresh_key)?;
    let masker = entry_masker(config);
    let gate = Gate::new(mint, policies, log.clone(), masker, &fingerprint_key, &gateway_name());
    let (approvals, shelf, lent) = approvals::open(config, vault)?;
    Ok((Arc::new(gate.with_approvals(approvals)), shelf, lent))
}

/// How long a store is waited for when the gateway ends.
const LAST_WORDS_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// The gateway's name in entries: the machine's.
fn gateway_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "panguard".to_owned() } else { name.to_owned() }
}

/// What the HTTP lane knows of a connection, and what masks its answers.
///
/// # Errors
/// As [`live::live`].
pub fn lane(
    config: &Config,
    name: &str,
    connection: &HttpConnection,
) -> anyhow::Result<(wire_http::Connection, Masker)> {
    let maskers = maskers(config)?;
    Ok((live::lane(name, connection, maskers)?, maskers.answers))
}

/// What masks what passes in this run.
#[derive(Clone, Copy)]
pub struct Maskers {
    /// Answers.
    pub answers: Masker,
    /// Requests in which card numbers are given surrogates.
    pub surrogates: Masker,
}

fn maskers(config: &Config) -> anyhow::Result<Maskers> {
    let surrogates = surrogates()?;
    let profile = match config.pan {
        PanProfile::Last4 => mask::Profile::Last4,
        PanProfile::First6Last4 => mask::Profile::First6Last4,
        PanProfile::Tokenise => surrogates,
    };
    let masker = |profile| Masker::new(profile).with(config.classes);
    Ok(Maskers { answers: masker(profile), surrogates: masker(surrogates) })
}

/// Surrogates by a key for the life of the process.
fn surrogates() -> anyhow::Result<mask::Profile> {
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).context("no randomness for the key of surrogates")?;
    Ok(mask::Profile::Tokenise(Box::leak(Box::new(TokenKey::new(&secret)))))
}

/// What masks the text of entries: no surrogate of a card number is kept beside its truncation (PCI DSS 4.0.1,
/// 3.5.1), and no secret, whatever is left in answers.
pub fn entry_masker(config: &Config) -> Masker {
    let profile = match config.pan {
        PanProfile::Last4 | PanProfile::Tokenise => mask::Profile::Last4,
        PanProfile::First6Last4 => mask::Profile::First6Last4,
    };
    Masker::new(profile).with(Classes { secret: true, ..config.classes })
}

/// What the gate takes a scan to find beside card data.
pub fn scanned(config: &Config) -> Classes {
    entry_masker(config).classes()
}

fn auth(config: &Config) -> Auth {
    let discovery = match config.issuers.as_slice() {
        [only] => Some(Discovery {
            openid_configuration: only.trust.discovery_url().into(),
            scope: "openid".into(),
        }),
        // A client that brings no token cannot be told which of several issuers is its own.
        _ => None,
    };
    Auth { discovery, ..Auth::default() }
}

fn limits(config: &Config) -> Limits {
    let limits = config.limits;
    Limits {
        sessions: limits.connections,
        startup_time: limits.startup,
        message_bytes: limits.message_bytes,
        shutdown_time: limits.shutdown_grace,
        idle_time: Some(limits.idle),
        session_time: limits.session,
        // What is cut is masked with what stands around the cut.
        answer_bytes: match config.audit.answer_bytes {
            0 => 0,
            bytes => bytes + gate::Answers::MARGIN_BYTES,
        },
    }
}

async fn bind_some(address: Option<std::net::SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    match address {
        None => Ok(None),
        Some(address) => bind(address).await.map(Some),
    }
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn console_state(
    base: &Base,
    attendants: &Attendants,
    metrics: Arc<Metrics>,
    gateway: &Arc<Gateway>,
) -> console::State {
    let Base { config, log, .. } = base;
    let skew = config.issuers.iter().map(|it| it.trust.clock_skew_seconds()).max();
    let watched = base.gate.clone();
    let (log, issuers, catalogs, people) = (log.clone(), gateway.clone(), gateway.clone(), gateway.clone());
    let checks = vec![
        // Why it failed names files; a passer-by needs no more than that it did.
        console::Check::new("audit_log", move || match log.state().failed {
            Some(_) => vec!["it cannot be written".into()],
            None => Vec::new(),
        }),
        console::Check::new("controls", move || closing(&watched)),
        console::Check::new("issuers", move || issuers.issuers_not_ready()),
        console::Check::new("catalogs", move || catalogs.catalogs_not_ready()),
    ];
    let identify: console::Identify = Box::new(move |token| {
        let gateway = people.clone();
        Box::pin(async move { gateway.identify(&token).await })
    });
    let known = gateway.clone();
    let labels: console::Labels = Box::new(move |connection| known.labels(connection));
    let (all, issuers) = (gateway.clone(), gateway.clone());
    let connections: console::Connections = Box::new(move || all.connections());
    let hear: console::Hear = Box::new(move |token| {
        let gateway = issuers.clone();
        Box::pin(async move { gateway.hear_issuer(&token).await })
    });
    let (loans, known) = (attendants.lent.loans.clone(), attendants.lent.known.clone());
    let lend: console::Lend = Box::new(move |principal| match known.load().as_ref() {
        Some(lending) => Ok(lending.token(principal)),
        None => Err(gate::Down("what is lent is not known yet".into())),
    });
    let known = attendants.lent.known.clone();
    let tell: console::Tell = Box::new(move |seen| {
        let known = known.load();
        let kept = known.as_ref().and_then(|it| lending::kept(seen, it));
        kept.ok_or_else(|| gate::Down("what is lent is not known yet".into()))
    });
    let agents = gateway.clone();
    let may_be_agent: console::MayBeAgent = Box::new(move |issuer, id| agents.may_be_agent(issuer, id));
    console::State {
        metrics,
        checks,
        gate: base.gate.clone(),
        notify: Some(attendants.notify.clone()),
        identify,
        labels,
        connections,
        hear,
        access: Arc::new(Folder::of(&config.data_dir)),
        lend,
        tell,
        may_be_agent,
        loans,
        heard: console::Heard::default(),
        clock_skew_seconds: skew.unwrap_or_default(),
        clock: now,
    }
}

/// Controls for which commands are refused.
fn closing(gate: &Gate) -> Vec<Box<str>> {
    let failures = gate.controls().failures().into_iter().filter(|it| it.closes != audit::Closes::Nothing);
    failures.map(|it| it.control.said(&it.of).into()).collect()
}

fn ready_line(config: &Config, policies: usize) -> String {
    let console = config.console.map_or_else(|| "no console".to_owned(), |at| format!("console http://{at}"));
    let databases = config.connections.keys().map(|name| &**name);
    let connections: Vec<&str> = databases.chain(config.https.keys().map(|name| &**name)).collect();
    let listens = [("postgres", config.postgres), ("http", config.http)];
    let listens = listens.into_iter().filter_map(|(lane, at)| at.map(|at| format!("{lane} {at}, ")));
    format!(
        "panguard is ready: {}{console}, connections {}, {policies} policies",
        listens.collect::<String>(),
        connections.join(" ")
    )
}

pub(super) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// The files whose change is a reason to look at the configuration again.
fn watched(path: &Path, config: &Config) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned(), config.policies.clone()];
    files.extend(config.tls.iter().flat_map(|tls| [tls.cert.clone(), tls.key.clone()]));
    files.extend(config.issuers.iter().filter_map(|issuer| issuer.ca.clone()));
    files.extend(config.connections.values().filter_map(|connection| connection.ca.clone()));
    files.extend(config.https.values().filter_map(|connection| connection.ca.clone()));
    let certificates = config.https.values().filter_map(|connection| connection.certificate.as_ref());
    files.extend(certificates.flat_map(config::ClientCertificate::files).cloned());
    files.extend(config.notify.channels.iter().filter_map(|channel| channel.ca.clone()));
    files.extend(config.sinks.iter().filter_map(|sink| sink.ca.clone()));
    files.extend(config.connections.values().filter_map(|connection| connection.templates.clone()));
    let documents = config.https.values().filter_map(|connection| connection.openapi.as_ref());
    files.extend(documents.map(|openapi| openapi.file.clone()));
    files
}

/// Room for the deepest statement that is read; taken from memory only when it is used.
pub const STACK_BYTES: usize = 8 << 20;
