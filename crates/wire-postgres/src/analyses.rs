//! What statements say, remembered: parsing is nine tenths of what a decision costs.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use sql::{Analysis, Catalog};

/// Analyses by statement text and catalog version, shared by all sessions of a connection.
///
/// Statements whose facts do not depend on their literals are remembered by their shape, so that a client
/// that writes its values into the text finds the analysis of the first. Bounded by the bytes of text it
/// holds, for one statement with a long list may weigh as much as a thousand others.
pub struct Analyses {
    cache: Cache<Key, Arc<Analysis>, TextBytes>,
}

/// A text, or the shape of texts, as understood under one version of the catalog.
struct Key {
    catalog_version: u64,
    doubted: bool,
    is_shape: bool,
    text: Box<str>,
}

/// A [`Key`] that borrows its text, for looking up.
struct Wanted<'a> {
    catalog_version: u64,
    doubted: bool,
    is_shape: bool,
    text: &'a str,
}

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
        2 * key.text.len() as u64 + 512
    }
}

impl Default for Analyses {
    fn default() -> Self {
        Self { cache: Cache::with_weighter(STATEMENTS_EXPECTED, TEXT_BYTES_MAX, TextBytes) }
    }
}

impl Analyses {
    /// What `statement` says, understood under `catalog`, which may be doubted.
    pub(crate) fn get(&self, statement: &str, catalog: &Catalog, doubted: bool) -> Arc<Analysis> {
        let analyse = if doubted { sql::analyse_doubting } else { sql::analyse };
        if statement.len() > STATEMENT_BYTES_MAX {
            return Arc::new(analyse(statement, catalog));
        }
        let catalog_version = catalog.version();
        let shape = sql::shape(statement);
        if let Some(text) = shape.as_deref()
            && let Some(analysis) = self.cache.get(&Wanted { catalog_version, doubted, is_shape: true, text })
        {
            return analysis;
        }
        if let Some(analysis) =
            self.cache.get(&Wanted { catalog_version, doubted, is_shape: false, text: statement })
        {
            return analysis;
        }
        let analysis = Arc::new(analyse(statement, catalog));
        self.insert(statement, shape, (catalog_version, doubted), &analysis);
        analysis
    }

    /// Takes what is known of `statement` since it was given, under that version of the catalog, undoubted.
    pub(crate) fn put(&self, statement: &str, catalog_version: u64, analysis: Arc<Analysis>) {
        if statement.len() <= STATEMENT_BYTES_MAX {
            self.insert(statement, sql::shape(statement), (catalog_version, false), &analysis);
        }
    }

    fn insert(
        &self,
        statement: &str,
        shape: Option<String>,
        (catalog_version, doubted): (u64, bool),
        analysis: &Arc<Analysis>,
    ) {
        let key = match shape {
            Some(shape) if analysis.literal_free => {
                Key { catalog_version, doubted, is_shape: true, text: shape.into() }
            }
            _ => Key { catalog_version, doubted, is_shape: false, text: statement.into() },
        };
        self.cache.insert(key, Arc::clone(analysis));
    }
}

impl Key {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            catalog_version: self.catalog_version,
            doubted: self.doubted,
            is_shape: self.is_shape,
            text: &self.text,
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.wanted().hash(state);
    }
}

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.catalog_version, self.doubted, self.is_shape, self.text).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        other.wanted().equivalent(self)
    }
}

impl Eq for Key {}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.catalog_version == key.catalog_version
            && (self.doubted, self.is_shape, self.text) == (key.doubted, key.is_shape, &*key.text)
    }
}
