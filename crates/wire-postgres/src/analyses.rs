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
    /// The types that its parameters are declared to be; empty where that is left to the server.
    types: Box<[u32]>,
}

/// A [`Key`] that borrows its text, for looking up.
struct Wanted<'a> {
    catalog_version: u64,
    doubted: bool,
    is_shape: bool,
    text: &'a str,
    types: &'a [u32],
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
        2 * key.text.len() as u64 + size_of_val(&*key.types) as u64 + 512
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
        let (understood, shape) = ((catalog.version(), doubted), sql::shape(statement));
        if let Some(analysis) = self.find(statement, shape.as_deref(), understood, &[]) {
            return analysis;
        }
        let analysis = Arc::new(analyse(statement, catalog));
        self.insert(statement, shape, understood, &[], &analysis);
        analysis
    }

    /// What was [`Self::put`] for `statement` with parameters declared to be of `types`.
    pub(crate) fn typed(
        &self,
        statement: &str,
        catalog_version: u64,
        types: &[u32],
    ) -> Option<Arc<Analysis>> {
        if statement.len() > STATEMENT_BYTES_MAX {
            return None;
        }
        self.find(statement, sql::shape(statement).as_deref(), (catalog_version, false), types)
    }

    /// Takes what is known of `statement` since it was given, under that version of the catalog, undoubted, with
    /// parameters declared to be of `types`.
    pub(crate) fn put(&self, statement: &str, catalog_version: u64, types: &[u32], analysis: &Arc<Analysis>) {
        if statement.len() <= STATEMENT_BYTES_MAX {
            self.insert(statement, sql::shape(statement), (catalog_version, false), types, analysis);
        }
    }

    fn find(
        &self,
        statement: &str,
        shape: Option<&str>,
        (catalog_version, doubted): (u64, bool),
        types: &[u32],
    ) -> Option<Arc<Analysis>> {
        let by = |text, is_shape| self.cache.get(&Wanted { catalog_version, doubted, is_shape, text, types });
        shape.and_then(|shape| by(shape, true)).or_else(|| by(statement, false))
    }

    fn insert(
        &self,
        statement: &str,
        shape: Option<String>,
        (catalog_version, doubted): (u64, bool),
        types: &[u32],
        analysis: &Arc<Analysis>,
    ) {
        let types = types.into();
        let key = match shape {
            Some(shape) if analysis.literal_free => {
                Key { catalog_version, doubted, is_shape: true, text: shape.into(), types }
            }
            _ => Key { catalog_version, doubted, is_shape: false, text: statement.into(), types },
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
            types: &self.types,
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
        (self.catalog_version, self.doubted, self.is_shape, self.text, self.types).hash(state);
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
            && (self.doubted, self.is_shape, self.text, self.types)
                == (key.doubted, key.is_shape, &*key.text, &*key.types)
    }
}
