//! Finding entries: by the index where there can be one, else by reading the log through.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use audit::{Entry, Index, NotIndexed, Order, Search};

use crate::folder;

/// Which of the entries that fit are wanted.
pub struct Wanted {
    /// The newest so many at most.
    pub limit: usize,
    /// Those with an index below this.
    pub before: u64,
    /// In which order they are told.
    pub order: Order,
    /// Whether the log itself is read through, whatever the index says.
    pub scan: bool,
}

/// Tells of the entries that `search` fits and that are wanted; the index of the oldest of them if there may be more.
pub fn find(
    dir: &Path,
    search: &Search,
    wanted: &Wanted,
    mut tell: impl FnMut(u64, &Entry) -> anyhow::Result<()>,
) -> anyhow::Result<Option<u64>> {
    let mut wrong = Ok(());
    if wanted.order == Order::Oldest && wanted.limit == usize::MAX {
        each(dir, search, wanted, |index, entry| {
            wrong = tell(index, &entry);
            if wrong.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        return wrong.map(|()| None);
    }
    // The newest are found first, in whichever order they are shown.
    let newest = Wanted { order: Order::Newest, ..*wanted };
    let (mut held, mut count, mut oldest) = (Vec::new(), 0, None);
    each(dir, search, &newest, |index, entry| {
        (count, oldest) = (count + 1, Some(index));
        match wanted.order {
            Order::Newest => wrong = tell(index, &entry),
            Order::Oldest => held.push((index, entry)),
        }
        if wrong.is_ok() && count < wanted.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    wrong?;
    held.iter().rev().try_for_each(|(index, entry)| tell(*index, entry))?;
    Ok(oldest.filter(|_| count == wanted.limit))
}

fn each(
    dir: &Path,
    search: &Search,
    wanted: &Wanted,
    tell: impl FnMut(u64, Entry) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    if wanted.scan || search.is_everything() {
        return scan(dir, search, wanted, tell);
    }
    match Index::open(dir, &folder::beside(dir, "-index")) {
        Ok(mut index) => Ok(index.find(search, 0..wanted.before, wanted.order, tell)?),
        Err(NotIndexed::Log(error)) => Err(error.into()),
        Err(why) => {
            eprintln!("panguard: {why}; the log is read through instead");
            scan(dir, search, wanted, tell)
        }
    }
}

fn scan(
    dir: &Path,
    search: &Search,
    wanted: &Wanted,
    mut tell: impl FnMut(u64, Entry) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    if wanted.order == Order::Oldest {
        for entry in audit::entries(dir, 0..wanted.before) {
            let (index, entry) = entry?;
            if search.fits(&entry) && tell(index, entry).is_break() {
                break;
            }
        }
        return Ok(());
    }
    let mut end = audit::size(dir)?.min(wanted.before);
    let first = audit::first(dir)?;
    while end > first {
        let piece = end.saturating_sub(PIECE).max(first)..end;
        end = piece.start;
        if fitting(dir, search, piece)?
            .into_iter()
            .rev()
            .try_for_each(|(index, entry)| tell(index, entry))
            .is_break()
        {
            break;
        }
    }
    Ok(())
}

fn fitting(dir: &Path, search: &Search, range: Range<u64>) -> Result<Vec<(u64, Entry)>, audit::ReadError> {
    let fits = |entry: &Result<(u64, Entry), _>| entry.as_ref().map_or(true, |(_, entry)| search.fits(entry));
    audit::entries(dir, range).filter(fits).collect()
}

/// Entries that are read together where the newest come first: at most 256 MiB, some MiB mostly.
const PIECE: u64 = 4096;
