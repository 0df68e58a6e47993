use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What operators can measure of it, by sink.
#[derive(Clone, Default)]
pub struct Figures {
    behind: Family<Of, Gauge>,
    sent: Family<Of, Counter>,
    failures: Family<Of, Counter>,
    gaps: Family<Of, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    sink: String,
}

impl Of {
    fn sink(sink: &str) -> Self {
        Self { sink: sink.into() }
    }
}

impl Figures {
    /// Figures that are shown with those of `registry`.
    pub fn shown_in(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "Durable entries of the audit log of which a sink is not known to have, or to want, any";
        registry.register("audit_sink_behind", help, figures.behind.clone());
        let help = "Entries of the audit log that were brought to a sink, each time they were";
        registry.register("audit_sink_entries", help, figures.sent.clone());
        let help = "Attempts to bring entries of the audit log to a sink that failed";
        registry.register("audit_sink_failures", help, figures.failures.clone());
        let help = "Gaps in what a sink was given of the audit log, each of which is an entry";
        registry.register("audit_sink_gaps", help, figures.gaps.clone());
        figures
    }

    /// Shows a sink from its beginning, so that none that fails later was never there.
    pub(crate) fn expect(&self, sink: &str) {
        let of = Of::sink(sink);
        for family in [&self.sent, &self.failures, &self.gaps] {
            drop(family.get_or_create(&of));
        }
    }

    pub(crate) fn behind(&self, sink: &str, entries: u64) {
        self.behind.get_or_create(&Of::sink(sink)).set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    pub(crate) fn brought(&self, sink: &str, entries: usize) {
        self.sent.get_or_create(&Of::sink(sink)).inc_by(entries as u64);
    }

    pub(crate) fn failed(&self, sink: &str) {
        self.failures.get_or_create(&Of::sink(sink)).inc();
    }

    pub(crate) fn gap(&self, sink: &str) {
        self.gaps.get_or_create(&Of::sink(sink)).inc();
    }

    /// Shows a sink no longer: it has ended.
    pub(crate) fn forget(&self, sink: &str) {
        let of = Of::sink(sink);
        self.behind.remove(&of);
        self.sent.remove(&of);
        self.failures.remove(&of);
        self.gaps.remove(&of);
    }
}
