//! Rehearsals of the lanes of all connections, as agents would be answered on them now.

use std::sync::Arc;

use access::SessionId;
use wire::rehearsal::Fault;
use wire_postgres::Analyses;

use crate::clock::now;
use crate::serve::{Gateway, Reachable};

impl Gateway {
    /// Rehearses the lane of every connection with made-up card numbers. One of a database whose catalog is not there answers
    /// nobody, and is left out. Takes some milliseconds of one core.
    pub fn rehearse(&self) -> Vec<(Box<str>, Result<(), Fault>)> {
        let databases = self.reachable();
        let databases = databases.iter().filter_map(|it| Some((it.name(), self.rehearse_database(it)?)));
        let https = self.https().lanes();
        let https = https.iter().map(|it| ((&*it.name).into(), self.rehearse_http(it)));
        databases.chain(https).collect()
    }

    fn rehearse_database(&self, reachable: &Reachable) -> Option<Result<(), Fault>> {
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
        wire_http::rehearsal::rehearse(|| wire_http::Settings {
            connection: Arc::clone(lane),
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
