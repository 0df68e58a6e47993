use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use access::{Outcome, Question, RequestId, Verdict};
use gate::{Admitted, Gate, Pending};
use tokio::time::Instant;
use tracing::{debug, info};
use wire::{Inquiry, Word};

use crate::clock::now;
use crate::drive::{Asked, Judge};
use crate::metrics::ConnectionMetrics;
use crate::presence::AgentSocket;
use crate::witness::Witness;

/// The gate as one admitted session sees it, and the counting of what it says.
pub(crate) struct Bench<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) admitted: &'a Admitted,
    pub(crate) metrics: &'a ConnectionMetrics,
    pub(crate) witness: &'a Witness,
    pub(crate) socket: AgentSocket,
}

/// A verdict that is awaited.
pub(crate) struct Ruling<'a> {
    verdict: Pending<Verdict>,
    request: RequestId,
    since: Instant,
    admitted: &'a Admitted,
    metrics: &'a ConnectionMetrics,
}

impl<'a> Judge for Bench<'a> {
    type Pending = Ruling<'a>;
    type Telling = Pin<Box<dyn Future<Output = Word> + Send + 'a>>;

    fn ask(&self, question: Question) -> Asked<Ruling<'a>> {
        let (request, since) = (question.request, Instant::now());
        let asked = self.gate.ask_while(self.admitted, &question, Some(self.socket.presence()), now());
        if let Some(first) = &asked.ahead {
            self.metrics.judged(first, since.elapsed());
        }
        let (admitted, metrics) = (self.admitted, self.metrics);
        let verdict = Ruling { verdict: asked.verdict, request, since, admitted, metrics };
        Asked { first: asked.ahead, verdict }
    }

    fn inquire(&self, inquiry: Inquiry) -> Self::Telling {
        Box::pin(self.witness.ask(inquiry))
    }

    fn done(&self, outcome: Outcome) {
        self.metrics.done(&outcome);
        self.gate.done(self.admitted, &outcome, now());
    }
}

impl Future for Ruling<'_> {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict> {
        let verdict = ready!(Pin::new(&mut self.verdict).poll(cx));
        self.metrics.judged(&verdict, self.since.elapsed());
        let (request, connection) = (self.request, &*self.admitted.admission().connection);
        match &verdict {
            Verdict::Deny(refusal) => info!(%request, connection, code = %refusal.code, "denied"),
            Verdict::Hold(_) => info!(%request, connection, "held"),
            Verdict::Allow(_) | Verdict::Ahead(_) => debug!(%request, connection, "allowed"),
        }
        Poll::Ready(verdict)
    }
}
