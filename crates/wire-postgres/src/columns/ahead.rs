//! A look at several rows at once: nearly all of them hold nothing that a scan is for.

use mask::{Masker, Values};

use crate::frame::{Fields, Frame, Frames};

/// What is known of the rows of one answer that come next.
pub(super) struct Ahead {
    /// Which columns are looked at together.
    columns: Vec<bool>,
    values: Values,
    /// Up to which place in what the upstream sends the rows are known to hold nothing in these columns.
    clean_to: u64,
    /// How many rows are not worth a look ahead: those before them held something.
    suspect: usize,
    /// How many rows to look at together.
    reach: usize,
}

impl Ahead {
    /// Nothing is known. `columns` are looked at together: texts of which no name says what they are.
    pub(super) fn new(columns: Vec<bool>) -> Self {
        Self { columns, values: Values::default(), clean_to: 0, suspect: 0, reach: REACH }
    }

    /// Whether column `index` is looked at together with others.
    pub(super) fn is_on(&self, index: usize) -> bool {
        self.columns.get(index).is_some_and(|on| *on)
    }

    /// Whether the values of `row` in these columns may pass as they are, with a look at those that `follow` it if
    /// need be: it is the last that has been cut from there.
    pub(super) fn passes(&mut self, masker: Masker, row: &Frame, follow: &Frames) -> bool {
        if follow.cut() <= self.clean_to {
            return true;
        }
        if self.suspect > 0 || !self.columns.contains(&true) {
            self.suspect = self.suspect.saturating_sub(1);
            return false;
        }
        self.values.clear();
        let rows = std::iter::once(row.bytes()).chain(follow.waiting(row.tag()));
        let short = rows.take(self.reach).take_while(|row| row.len() <= ROW_BYTES_MAX);
        let mut end = follow.cut() - row.bytes().len() as u64;
        for row in short {
            if self.add(Fields::over(row.get(5..).unwrap_or_default())).is_none() {
                break;
            }
            end += row.len() as u64;
        }
        if end >= follow.cut() && masker.passes(&self.values) {
            self.reach = REACH.min(self.reach * 2);
            self.clean_to = end;
            return true;
        }
        // Fewer at a time, down to the one that holds something; where most do, a look ahead is in vain.
        self.suspect = if self.reach > 1 { 0 } else { REACH };
        self.reach = 1.max(self.reach / 2);
        false
    }

    /// Adds the values of a row; `None` if it is not as long as it says, or not as wide as was described.
    fn add(&mut self, mut fields: Fields<'_>) -> Option<()> {
        if fields.u16().map(usize::from) != Some(self.columns.len()) {
            return None;
        }
        for on in &self.columns {
            if let Some(value) = fields.value()?
                && *on
            {
                self.values.add(value);
            }
        }
        Some(())
    }
}

/// How many rows are looked at together, where nothing has been found.
const REACH: usize = 16;
/// Longest row that is worth it, in bytes; with [`REACH`] it bounds what is copied.
const ROW_BYTES_MAX: usize = 2048;
