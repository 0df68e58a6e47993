use std::ops::Range;

use crate::masker::Masker;
use crate::name::{Meaning, Name};
use crate::reader::BEHIND;

/// What is known of a whole document, so that each of its many short values need not be read with all that is around it.
pub(super) struct Calm {
    /// Block by block, from the first, as far as anybody has looked.
    blocks: Vec<Option<Holds>>,
    names: Box<[Known; NAMES]>,
}

/// What a stretch of a document may hold, with what is around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    /// Nothing, whatever is said around it of cards.
    Nothing,
    /// Card data alone.
    Cards,
    /// Anything.
    Anything,
}

/// A name that was met, by where it stands, and what it says.
type Known = Option<(usize, usize, Option<Name>)>;

/// Bytes of a block. More would be looked at again for each value that something may be in.
const BLOCK: usize = 1024;
/// Names of a document that are remembered: most documents have fewer.
const NAMES: usize = 64;

impl Default for Calm {
    fn default() -> Self {
        Self { blocks: Vec::new(), names: Box::new([None; NAMES]) }
    }
}

impl Calm {
    /// One that takes nothing for calm.
    #[cfg(test)]
    pub fn never() -> Self {
        Self { blocks: vec![Some(Holds::Anything); 1 << 10], ..Self::default() }
    }

    /// What `range` of `text` may hold: less is found in it by no reader, which looks back and ahead from it.
    pub fn holds(&mut self, masker: Masker, text: &[u8], range: &Range<usize>) -> Holds {
        let blocks = range.start / BLOCK..=range.end / BLOCK;
        if self.blocks.len() <= *blocks.end() {
            self.blocks.resize(blocks.end() + 1, None);
        }
        let mut holds = |block: usize| {
            let Some(known) = self.blocks.get_mut(block) else { return Holds::Anything };
            *known.get_or_insert_with(|| {
                let from = (block * BLOCK).saturating_sub(BEHIND);
                let to = ((block + 1) * BLOCK + AHEAD).min(text.len());
                text.get(from..to).map_or(Holds::Anything, |around| masker.holds(around))
            })
        };
        blocks.map(&mut holds).max().unwrap_or(Holds::Anything)
    }

    /// What the name at `written` of `text` says, which is read by `read` where it is another than those before.
    pub fn name(
        &mut self,
        text: &[u8],
        written: &Range<usize>,
        read: impl FnOnce(&[u8]) -> Option<Name>,
    ) -> Option<Name> {
        let name = text.get(written.clone())?;
        let Some(slot) = self.names.get_mut(slot(name)) else { return read(name) };
        if let Some((start, end, said)) = *slot
            && text.get(start..end) == Some(name)
        {
            return said;
        }
        let said = read(name);
        *slot = Some((written.start, written.end, said));
        said
    }
}

/// Whether nothing is in the document `text` that would be masked: neither by what it holds, anywhere, nor by any name in
/// it. It says no too often, and never yes where there is something.
pub(super) fn is_clean(masker: Masker, text: &[u8]) -> bool {
    let mut calm = Calm::default();
    let says_nothing = |name: Option<Name>| {
        name.is_none_or(|name| name.meaning() != Meaning::Pan && !name.meaning().may_be_sad())
    };
    let mut names = memchr::memchr_iter(b':', text).filter_map(|colon| {
        let before = text.get(..colon)?.trim_ascii_end();
        before.strip_suffix(b"\"").map(|before| before.len())
    });
    let clean = names.all(|end| {
        let before = text.get(..end).unwrap_or_default();
        let start = memchr::memrchr(b'"', before).map(|quote| quote + 1);
        let Some(start) = start else { return false };
        let is_escaped = start >= 2 && text.get(start - 2) == Some(&b'\\');
        let written = start..end;
        let name = text.get(written.clone()).unwrap_or_default();
        !is_escaped && !name.contains(&b'\\') && says_nothing(calm.name(text, &written, Name::of))
    });
    clean && !super::is_escaped_twice(text) && masker.holds(text) == Holds::Nothing
}

/// The place of a name among those that are remembered.
fn slot(name: &[u8]) -> usize {
    let byte = |at: Option<&u8>| usize::from(at.copied().unwrap_or(0));
    let middle = byte(name.get(name.len() / 2));
    (name.len() * 31 + byte(name.first()) * 7 + byte(name.last()) * 3 + middle) % NAMES
}

/// How far is looked ahead beyond a value's end.
const AHEAD: usize = 256;

#[cfg(test)]
mod tests;
