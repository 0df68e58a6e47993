use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What operators can measure of it. Labels are names of the configuration and words from fixed lists.
#[derive(Clone, Default)]
pub struct Figures {
    deliveries: Family<Of, Counter>,
    hooks: Family<Of, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    channel: String,
    outcome: &'static str,
}

impl Figures {
    /// Figures that are shown with those of `registry`.
    pub fn shown_in(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "Attempts to tell a channel of a request for approval, by what came of them";
        registry.register("deliveries", help, figures.deliveries.clone());
        let help = "Messages that came in by a channel's hook, by what came of them";
        registry.register("hooks", help, figures.hooks.clone());
        figures
    }

    pub(crate) fn delivery(&self, channel: &str, outcome: &'static str) {
        self.deliveries.get_or_create(&Of { channel: channel.into(), outcome }).inc();
    }

    /// `channel` is empty where there is none of that name.
    pub(crate) fn hook(&self, channel: &str, outcome: &'static str) {
        self.hooks.get_or_create(&Of { channel: channel.into(), outcome }).inc();
    }
}
