//! The upstream as a witness: before a statement is decided upon for the first time, the upstream is asked what it
//! reads, beside the conversation. The message waits for that, and is then read again.

use std::sync::Arc;

use access::Redacted;
use sql::{Analysis, Catalog, Testimony};
use wire::{Effect, Inquiry, Word};

use super::Postgres;

/// What is being asked, or was asked last.
#[derive(Default)]
pub(super) struct Witness {
    asking: Option<Asked>,
    /// What came of it, for the message that waited; the text may be too long to be remembered elsewhere.
    attested: Option<(Asked, Arc<Analysis>)>,
    /// The search paths that the session has set at any time. Which of them holds is not known: one may have been set
    /// back with its transaction.
    paths: Vec<Box<str>>,
}

struct Asked {
    text: Arc<str>,
    /// What its parameters are declared to be; empty where that is left to the server.
    types: Box<[u32]>,
    catalog: Arc<Catalog>,
    analysis: Arc<Analysis>,
}

/// Whether a statement may be decided upon.
pub(super) enum Heard {
    /// It may, on this.
    Yes(Arc<Analysis>),
    /// The upstream has been asked.
    NotYet,
}

/// More search paths than a session has use for; of so many the upstream is asked none.
const PATHS_MAX: usize = 4;

impl Witness {
    /// A command goes upstream that may set these.
    pub(super) fn sets(&mut self, paths: &[Box<str>]) {
        for path in paths {
            if self.paths.len() <= PATHS_MAX && !self.paths.contains(path) {
                self.paths.push(path.clone());
            }
        }
    }
}

impl Postgres {
    /// What `text` says, once the upstream has been heard.
    pub(super) fn witnessed(
        &mut self,
        text: &str,
        catalog: &Arc<Catalog>,
        analysis: Arc<Analysis>,
        parameters: Option<&[u32]>,
    ) -> Heard {
        // A text may mean other functions with parameters of other types.
        let types = parameters.filter(|types| types.iter().any(|oid| *oid != 0)).unwrap_or_default();
        let version = catalog.version();
        let is_same =
            |it: &Asked| *it.text == *text && *it.types == *types && it.catalog.version() == version;
        if let Some((_, attested)) = self.witness.attested.take_if(|(it, _)| is_same(it)) {
            return Heard::Yes(attested);
        }
        // What another session changes meanwhile, or this one has, the upstream's answer would contradict.
        let asks = self.settings.witness
            && analysis.is_attestable()
            && (!analysis.attested || !types.is_empty())
            && !self.doubts()
            && self.witness.paths.len() <= PATHS_MAX;
        if !asks {
            return Heard::Yes(analysis);
        }
        if !types.is_empty()
            && let Some(attested) = self.settings.analyses.typed(text, version, types)
        {
            return Heard::Yes(attested);
        }
        if self.witness.asking.is_some() {
            return Heard::NotYet;
        }
        let Some(queries) = sql::queries(text) else { return Heard::Yes(analysis) };
        let command = Redacted::new(queries.into());
        let paths = self.witness.paths.clone();
        self.effects.push_back(Effect::Inquire(Inquiry {
            command,
            parameters: parameters.map(<[u32]>::to_vec),
            paths,
        }));
        let (text, types, catalog) = (text.into(), types.into(), Arc::clone(catalog));
        self.witness.asking = Some(Asked { text, types, catalog, analysis });
        Heard::NotYet
    }

    /// Takes what the upstream says.
    pub(super) fn heard_witness(&mut self, word: &Word) {
        let Some(asked) = self.witness.asking.take() else { return };
        let testimony = match word {
            Word::Said(rows) => {
                let rows = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
                Testimony::from_rows(rows).ok()
            }
            Word::Silent | Word::Late | Word::Locked => None,
        };
        let (mut attested, contradicted) = asked.analysis.attest(testimony.as_ref(), &asked.catalog);
        self.stale |= contradicted;
        if *word == Word::Locked {
            // Who holds the lock may be whoever asks, in another session.
            attested = attested.unattested(&asked.catalog);
        }
        let attested = Arc::new(attested);
        // Of a statement of which nothing was heard that is asked again when it comes again.
        if matches!(word, Word::Said(_) | Word::Silent) {
            let version = asked.catalog.version();
            self.settings.analyses.put(&asked.text, version, &asked.types, &attested);
        }
        self.witness.attested = Some((asked, attested));
        // The message that waits is read again.
        self.heard += 1;
    }
}
