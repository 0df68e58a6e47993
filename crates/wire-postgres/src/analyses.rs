//! What statements say, remembered: parsing is nine tenths of what a decision costs.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sql::{Analysis, Catalog};

/// Analyses by statement text and catalog version, shared by all sessions of a connection.
///
/// Bounded by the bytes of text it holds, for one statement with a long list may weigh as much as a
/// thousand others.
pub struct Analyses {
    cache: Cache<Key, Arc<Analysis>, TextBytes>,
}

type Key = (u64, Arc<str>);

/// Text that is remembered in all, in bytes.
const TEXT_BYTES_MAX: u64 = 32 << 20;

/// Statements longer than this are analysed anew each time, in bytes.
const STATEMENT_BYTES_MAX: usize = 64 << 10;

/// Statements expected to be remembered; a hint for the cache's own size.
const STATEMENTS_EXPECTED: usize = 10_000;

#[derive(Clone)]
struct TextBytes;

impl Weighter<Key, Arc<Analysis>> for TextBytes {
    fn weight(&self, key: &Key, _: &Arc<Analysis>) -> u64 {
        // The analysis itself holds names alone: in the order of the text, with a floor.
        2 * key.1.len() as u64 + 512
    }
}

impl Default for Analyses {
    fn default() -> Self {
        Self { cache: Cache::with_weighter(STATEMENTS_EXPECTED, TEXT_BYTES_MAX, TextBytes) }
    }
}

impl Analyses {
    /// What `statement` says, understood under `catalog`; its text comes back shared.
    pub(crate) fn get(&self, statement: &str, catalog: &Catalog) -> (Arc<str>, Arc<Analysis>) {
        let text: Arc<str> = statement.into();
        if statement.len() > STATEMENT_BYTES_MAX {
            return (text, Arc::new(sql::analyse(statement, catalog)));
        }
        let key = (catalog.version(), Arc::clone(&text));
        if let Some(analysis) = self.cache.get(&key) {
            return (text, analysis);
        }
        let analysis = Arc::new(sql::analyse(statement, catalog));
        self.cache.insert(key, Arc::clone(&analysis));
        (text, analysis)
    }
}
