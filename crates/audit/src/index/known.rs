use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{SPAN, searched};
use super::bits::{BLOCK, Bits};
use super::{Trouble, kept};
use crate::search::folded;
use crate::{Field, Search};

/// What the index knows of a block: which entries a search fits for certain, and which it may fit.
pub(super) struct Known {
    sure: Bits,
    pub(super) maybe: Bits,
}

impl Known {
    pub(super) fn of(search: &Search, block: u64, index: &Connection) -> Result<Self, Trouble> {
        match search {
            Search::All(all) => {
                let mut known = Self::exactly(Bits::all());
                for one in all {
                    let one = Self::of(one, block, index)?;
                    known.sure.and(&one.sure);
                    known.maybe.and(&one.maybe);
                }
                Ok(known)
            }
            Search::Any(any) => {
                let mut known = Self::exactly(Bits::none());
                for one in any {
                    let one = Self::of(one, block, index)?;
                    known.sure.or(&one.sure);
                    known.maybe.or(&one.maybe);
                }
                Ok(known)
            }
            Search::Not(other) => {
                let Self { sure, maybe } = Self::of(other, block, index)?;
                Ok(Self { sure: maybe.not(), maybe: sure.not() })
            }
            Search::Is(Field::Statement, part) | Search::Holds(Field::Statement, part) => {
                Ok(Self { sure: Bits::none(), maybe: statements(part, block, index)? })
            }
            Search::Is(field, value) => Ok(Self::exactly(with_value(*field, value, block, index)?)),
            Search::Holds(field, part) => Ok(Self::exactly(with_part(*field, part, block, index)?)),
            Search::Since(time) => since(time.micros(), block, index),
        }
    }

    fn exactly(bits: Bits) -> Self {
        Self { sure: bits.clone(), maybe: bits }
    }
}

fn with_value(field: Field, value: &str, block: u64, index: &Connection) -> Result<Bits, Trouble> {
    let mut select =
        index.prepare_cached("select entries from posting where field = ?1 and block = ?2 and value = ?3")?;
    let key = params![field.name(), i64::try_from(block)?, value];
    match select.query_row(key, |row| row.get::<_, Vec<u8>>(0)).optional()? {
        Some(bytes) => kept(&bytes),
        None => Ok(Bits::none()),
    }
}

fn with_part(field: Field, part: &str, block: u64, index: &Connection) -> Result<Bits, Trouble> {
    let part = folded(part);
    let mut bits = Bits::none();
    let mut select =
        index.prepare_cached("select value, entries from posting where field = ?1 and block = ?2")?;
    let mut rows = select.query(params![field.name(), i64::try_from(block)?])?;
    while let Some(row) = rows.next()? {
        if folded(&row.get::<_, String>(0)?).contains(&part) {
            bits.or(&kept(&row.get::<_, Vec<u8>>(1)?)?);
        }
    }
    Ok(bits)
}

/// Those whose statement has every three characters that stand side by side in `part`, wherever.
fn statements(part: &str, block: u64, index: &Connection) -> Result<Bits, Trouble> {
    let part: Vec<char> = searched(part).chars().collect();
    let grams: BTreeSet<String> =
        part.windows(3).take(GRAMS_MAX).map(|gram| gram.iter().collect::<String>()).collect();
    if grams.is_empty() {
        return Ok(Bits::all());
    }
    let quoted: Vec<String> = grams.iter().map(|gram| format!("\"{}\"", gram.replace('"', "\"\""))).collect();
    let first = i64::try_from(block * BLOCK)?;
    let mut bits = Bits::none();
    let mut select = index.prepare_cached(
        "select words.rowid, repeat.entries from words left join repeat on repeat.entry = words.rowid
         where words match ?1 and words.rowid between ?2 and ?3",
    )?;
    let mut rows = select.query(params![quoted.join(" AND "), first, first + (BLOCK as i64 - 1)])?;
    while let Some(row) = rows.next()? {
        match row.get::<_, Option<Vec<u8>>>(1)? {
            Some(bytes) => bits.or(&kept(&bytes)?),
            None => bits.insert(u16::try_from(row.get::<_, i64>(0)? - first)?),
        }
    }
    Ok(bits)
}

fn since(time: i64, block: u64, index: &Connection) -> Result<Known, Trouble> {
    let spans = BLOCK / SPAN;
    let first = i64::try_from(block * spans)?;
    let mut known = Known::exactly(Bits::none());
    let mut select =
        index.prepare_cached("select number, low, high from span where number between ?1 and ?2")?;
    let mut rows = select.query(params![first, first + (spans as i64 - 1)])?;
    while let Some(row) = rows.next()? {
        let (number, low, high): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let begins = u16::try_from((number - first).saturating_mul(SPAN as i64))?;
        for place in (begins..=u16::MAX).take(SPAN as usize).filter(|_| high >= time) {
            known.maybe.insert(place);
            if low >= time {
                known.sure.insert(place);
            }
        }
    }
    Ok(known)
}

/// More would tell no more entries apart, and each is looked up in every block.
const GRAMS_MAX: usize = 24;
