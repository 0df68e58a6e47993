//! Rehearsals of the lanes of all connections, as agents would be answered on them now.

use std::sync::Arc;

use access::SessionId;
use wire::rehearsal::Fault;
use wire_postgres::Analyses;

use crate::clock::now;
use crate::serve::{Gateway, Reachable};

/// What came of a rehearsal, where there could be one.
pub type Rehearsed = Option<Result<(), Fault>>;

impl Gateway {
    /// Rehearses the lane of every connection with made-up card numbers; `None` of a database whose catalog is not there, which
    /// answers nobody. Takes some milliseconds of one core.
    pub fn rehearse(&self) -> Vec<(Box<str>, Rehearsed)> {
        let databases = self.reachable();
        let databases = databases.iter().map(|it| (it.name(), again(|| self.rehearse_database(it))));
        let https = self.https().lanes();
        let https = https.iter().map(|it| ((&*it.name).into(), again(|| Some(self.rehearse_http(it)))));
        databases.chain(https).collect()
    }

    fn rehearse_database(&self, reachable: &Reachable) -> Rehearsed {
        let settings = wire_postgres::Settings {
            session: SessionId::REHEARSAL,
            catalog: reachable.catalog.ready()?,
            changes: Arc::default(),
            analyses: Arc::new(Analyses::default()),
            witness: false,
            masker: self.settings.masker,
            message_bytes_max: self.settings.limits.message_bytes,
            answer_bytes_max: 0,
        };
        Some(wire_postgres::rehearsal::rehearse(settings))
    }

    fn rehearse_http(&self, lane: &Arc<wire_http::Connection>) -> Result<(), Fault> {
        // What the operator vouches for is told as it is, and no fault of the lane's.
        let rules = lane.rules.iter().filter(|it| it.class.is_some()).cloned().collect();
        let lane =
            Arc::new(wire_http::Connection { rules, document: None, ..wire_http::Connection::clone(lane) });
        wire_http::rehearsal::rehearse(|| wire_http::Settings {
            connection: Arc::clone(&lane),
            prefix: format!("/{}", lane.name).into(),
            by_own_name: false,
            masker: self.settings.masker,
            now: now(),
            wanted: self.settings.gate.wanted(),
            echo: wire_http::Echo::default(),
            turned_away: None,
            answer_bytes_max: 0,
            nonce: None,
        })
    }
}

/// What fails is tried once more before it is said.
fn again(rehearse: impl Fn() -> Rehearsed) -> Rehearsed {
    match rehearse() {
        Some(Err(_)) => rehearse(),
        first => first,
    }
}
