use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, Transaction, params};

use super::bits::{BLOCK, Bits};
use super::{Trouble, kept};
use crate::search::folded;
use crate::{Entry, Field};

/// What is to be written of entries of one block that follow each other.
pub(super) struct Batch {
    block: u64,
    /// Which entries have which value, places ascending.
    values: BTreeMap<Field, HashMap<Box<str>, Vec<u16>>>,
    /// The same of statements as they are searched for parts.
    statements: HashMap<String, Vec<u16>>,
    /// The oldest and newest time in each span.
    spans: BTreeMap<u64, (i64, i64)>,
    /// Bytes of all values.
    bytes: usize,
}

impl Batch {
    pub(super) fn new(block: u64) -> Self {
        let (values, statements) = (BTreeMap::new(), HashMap::new());
        Self { block, values, statements, spans: BTreeMap::new(), bytes: 0 }
    }

    /// Whether it is better written before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > BATCH_BYTES
    }

    /// Adds an entry of the block that comes after those before.
    pub(super) fn add(&mut self, index: u64, entry: &Entry) {
        let place = place(index);
        for field in Field::ALL.into_iter().filter(|field| *field != Field::Statement) {
            let of_field = self.values.entry(field).or_default();
            let _ = field.values(entry, |value| {
                match of_field.get_mut(value) {
                    Some(places) if places.last() == Some(&place) => {}
                    Some(places) => places.push(place),
                    None => {
                        self.bytes += value.len();
                        of_field.insert(value.into(), vec![place]);
                    }
                }
                ControlFlow::Continue(())
            });
        }
        let _ = Field::Statement.values(entry, |statement| {
            self.bytes += statement.len();
            self.statements.entry(searched(statement)).or_default().push(place);
            ControlFlow::Continue(())
        });
        let time = entry.time.micros();
        let (low, high) = self.spans.entry(index / SPAN).or_insert((time, time));
        (*low, *high) = (time.min(*low), time.max(*high));
    }

    pub(super) fn write(self, to: &Transaction<'_>) -> Result<(), Trouble> {
        let block = i64::try_from(self.block)?;
        let mut before =
            to.prepare_cached("select entries from posting where field = ?1 and block = ?2 and value = ?3")?;
        let mut put = to.prepare_cached(
            "insert or replace into posting (field, block, value, entries) values (?1, ?2, ?3, ?4)",
        )?;
        for (field, of_field) in self.values {
            // In the order of the table's key, which is the order in which its pages are.
            let mut of_field: Vec<_> = of_field.into_iter().collect();
            of_field.sort_unstable();
            for (value, places) in of_field {
                let mut bits: Bits = places.into_iter().collect();
                let key = params![field.name(), block, value];
                if let Some(bytes) = before.query_row(key, |row| row.get::<_, Vec<u8>>(0)).optional()? {
                    bits.or(&kept(&bytes)?);
                }
                put.execute(params![field.name(), block, value, bits.to_bytes()])?;
            }
        }
        let mut add = to.prepare_cached("insert into words (rowid, statement) values (?1, ?2)")?;
        let mut repeat = to.prepare_cached("insert into repeat (entry, entries) values (?1, ?2)")?;
        let mut statements: Vec<_> = self.statements.into_iter().collect();
        statements.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        for (statement, places) in statements {
            let Some(first) = places.first() else { continue };
            let entry = i64::try_from(self.block * BLOCK + u64::from(*first))?;
            add.execute(params![entry, statement])?;
            if places.len() > 1 {
                let bits: Bits = places.into_iter().collect();
                repeat.execute(params![entry, bits.to_bytes()])?;
            }
        }
        let mut span = to.prepare_cached(
            "insert into span (number, low, high) values (?1, ?2, ?3)
             on conflict do update set low = min(low, ?2), high = max(high, ?3)",
        )?;
        for (number, (low, high)) in self.spans {
            span.execute(params![i64::try_from(number)?, low, high])?;
        }
        Ok(())
    }
}

/// Where in its block an entry is.
fn place(index: u64) -> u16 {
    u16::try_from(index % BLOCK).unwrap_or(u16::MAX)
}

/// A statement, or part of one, as SQLite is given it: it reads no further than to a zero.
pub(super) fn searched(statement: &str) -> String {
    folded(statement).replace('\0', "\u{fffd}")
}

/// Entries in a span, of which the index keeps the times: as many as a tile holds, which are read at once.
pub(super) const SPAN: u64 = 256;

/// A batch of short entries is a whole block; long ones are written sooner, to be held in memory no longer.
const BATCH_BYTES: usize = 64 << 20;
