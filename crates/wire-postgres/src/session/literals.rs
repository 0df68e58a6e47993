//! How the upstream reads the literals of a text that is sent now.
//!
//! A function or a trigger may change `standard_conforming_strings`, and no text says so. From version 14 on PostgreSQL tells
//! of it when it is ready for more, and not before: behind such a command a text with a backslash waits for that, or is not
//! understood where nothing has asked for it yet.

use std::sync::Arc;

use access::{Effect, Facts};
use sql::Analysis;

use super::Postgres;

impl Postgres {
    /// Takes note of a command that has gone upstream.
    pub(super) fn literals_after(&mut self, is_unsettling: bool) {
        self.unsettled |= is_unsettling;
    }

    /// The upstream has told how it reads them, but for what runs already behind that.
    pub(super) fn literals_told(&mut self) {
        self.unsettled &= self.replies.unsettles_after_head();
    }

    /// Whether it is worth waiting until the upstream tells how it reads this text.
    pub(super) fn awaits_word_of_literals(&self, sql: &str) -> bool {
        self.unsettled && has_backslash(sql) && self.replies.pipeline_has_ended()
    }

    /// What a text says that is read now.
    pub(super) fn read_as_literals_are(&self, facts: Arc<Facts>, sql: &str) -> Arc<Facts> {
        if !(self.unsettled && has_backslash(sql)) {
            return facts;
        }
        let mut facts = Arc::unwrap_or_clone(facts);
        facts.not_understood.push("a backslash behind what may change how it is read".into());
        Arc::new(facts)
    }
}

/// Whether a command may change how texts behind it are read.
pub(super) fn unsettles(facts: &Facts, analysis: Option<&Analysis>) -> bool {
    let sets = analysis.is_none_or(|analysis| analysis.sets);
    // What was put off until then may call what it likes: deferred constraints and triggers.
    let settles = |kind: &str| matches!(kind, "commit" | "set constraints" | "prepare transaction");
    sets || facts.kinds.iter().any(|kind| settles(kind))
        || facts.effect == Effect::Data
        || !facts.functions.is_empty()
}

/// A text without one is read alike either way.
fn has_backslash(sql: &str) -> bool {
    sql.contains('\\')
}
