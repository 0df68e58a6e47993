//! What operators can measure. Labels are names from the configuration and words from fixed lists, never
//! anything that a client sent.

use access::{Code, Outcome, Verdict};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The gateway's own figures, shared by all that counts.
pub struct Metrics {
    registry: Registry,
    sessions_open: Family<OfConnection, Gauge>,
    sessions: Family<OfConnection, Counter>,
    commands: Family<OfVerdict, Counter>,
    refusals: Family<OfCode, Counter>,
    masked: Family<OfConnection, Counter>,
    bytes: Family<OfConnection, Counter>,
    verdict_seconds: Histogram,
    authentication_failures: Family<OfReason, Counter>,
    upstream_errors: Family<OfUpstreamError, Counter>,
    sockets_open: Gauge,
}

/// The figures of one connection, found once for a session and then only counted up.
pub(crate) struct ConnectionMetrics {
    connection: Arc<str>,
    metrics: Arc<Metrics>,
    open: Gauge,
    allowed: Counter,
    masked: Counter,
    bytes: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfConnection {
    connection: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfVerdict {
    connection: Name,
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfUpstreamError {
    connection: Name,
    kind: &'static str,
}

/// A connection's name in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name(Arc<str>);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.as_ref().encode(encoder)
    }
}

impl Metrics {
    /// Everything at 0.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("panguard"),
            sessions_open: Family::default(),
            sessions: Family::default(),
            commands: Family::default(),
            refusals: Family::default(),
            masked: Family::default(),
            bytes: Family::default(),
            verdict_seconds: Histogram::new(VERDICT_SECONDS),
            authentication_failures: Family::default(),
            upstream_errors: Family::default(),
            sockets_open: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("sessions_open", "Sessions open now", self.sessions_open.clone());
        registry.register("sessions", "Sessions opened", self.sessions.clone());
        registry.register("commands", "Commands by their verdict", self.commands.clone());
        registry.register("refusals", "Refusals by their code", self.refusals.clone());
        registry.register(
            "masked_values",
            "Values masked, made NULL or withheld in answers",
            self.masked.clone(),
        );
        registry.register_with_unit("answer", "Answers released to agents", Unit::Bytes, self.bytes.clone());
        registry.register_with_unit(
            "verdict",
            "From a question to its final verdict, its durable entry in the audit log included",
            Unit::Seconds,
            self.verdict_seconds.clone(),
        );
        registry.register(
            "authentication_failures",
            "Tokens not accepted, by what was wrong with them",
            self.authentication_failures.clone(),
        );
        registry.register(
            "upstream_errors",
            "Upstreams that could not be reached or broke off, by what went wrong",
            self.upstream_errors.clone(),
        );
        registry.register(
            "sockets_open",
            "Agents' sockets open now, admitted or not",
            self.sockets_open.clone(),
        );
    }

    /// Lets others add figures of their own, before the metrics are shared.
    pub fn registry_mut(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// All of it as OpenMetrics text, version 1.0.0.
    ///
    /// # Errors
    /// Only what a `String` gives, which is none.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    pub(crate) fn refused(&self, code: Code) {
        self.refusals.get_or_create(&OfCode { code: code.as_str() }).inc();
    }

    pub(crate) fn not_authenticated(&self, reason: &'static str) {
        self.authentication_failures.get_or_create(&OfReason { reason }).inc();
    }

    pub(crate) fn upstream_error(&self, connection: &Arc<str>, kind: &'static str) {
        self.upstream_errors
            .get_or_create(&OfUpstreamError { connection: Name(connection.clone()), kind })
            .inc();
    }

    pub(crate) fn sockets_open(&self) -> &Gauge {
        &self.sockets_open
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ConnectionMetrics {
    /// Counts a session of `connection` as opened; dropping this, as closed.
    pub(crate) fn open(metrics: &Arc<Metrics>, connection: &Arc<str>) -> Self {
        let name = Name(connection.clone());
        let of_connection = OfConnection { connection: name.clone() };
        metrics.sessions.get_or_create(&of_connection).inc();
        let open = metrics.sessions_open.get_or_create_owned(&of_connection);
        open.inc();
        Self {
            connection: connection.clone(),
            metrics: metrics.clone(),
            open,
            allowed: metrics.commands.get_or_create_owned(&OfVerdict { connection: name, verdict: "allow" }),
            masked: metrics.masked.get_or_create_owned(&of_connection),
            bytes: metrics.bytes.get_or_create_owned(&of_connection),
        }
    }

    /// Counts a verdict; `took` since its question.
    pub(crate) fn judged(&self, verdict: &Verdict, took: Duration) {
        match verdict {
            Verdict::Ahead(_) => return,
            Verdict::Hold(_) => return self.count("hold"),
            Verdict::Allow(_) => drop(self.allowed.inc()),
            Verdict::Deny(refusal) => {
                self.metrics.refused(refusal.code);
                self.count("deny");
            }
        }
        self.metrics.verdict_seconds.observe(took.as_secs_f64());
    }

    fn count(&self, verdict: &'static str) {
        let connection = Name(self.connection.clone());
        self.metrics.commands.get_or_create(&OfVerdict { connection, verdict }).inc();
    }

    /// Counts what a command's answer held.
    pub(crate) fn upstream_error(&self, kind: &'static str) {
        self.metrics.upstream_error(&self.connection, kind);
    }

    pub(crate) fn done(&self, outcome: &Outcome) {
        self.masked.inc_by(outcome.masked);
        self.bytes.inc_by(outcome.bytes);
    }
}

impl Drop for ConnectionMetrics {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// From a cached decision on a fast disk to an approver who takes an hour.
const VERDICT_SECONDS: [f64; 14] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0, 60.0, 600.0, 3600.0];
