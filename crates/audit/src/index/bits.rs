/// Which entries of one block, by their place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn none() -> Self {
        Self(vec![0; WORDS])
    }

    pub(super) fn all() -> Self {
        Self(vec![u64::MAX; WORDS])
    }

    pub(super) fn insert(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place / 64)) {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn not(mut self) -> Self {
        self.0.iter_mut().for_each(|word| *word = !*word);
        self
    }

    /// The places, ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = u16> {
        (0u16..).zip(&self.0).flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(word.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                word &= word - 1;
                Some(at.saturating_mul(64).saturating_add(bit))
            })
        })
    }

    /// As it is kept: the places one after another, or a bit for each place where that is shorter.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        if (count as usize) * 2 < WORDS * 8 {
            self.places().flat_map(u16::to_le_bytes).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    /// `None` for what was never kept so.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() == WORDS * 8 {
            return Some(Self(bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()));
        }
        let (places, rest) = bytes.as_chunks();
        if bytes.len() > WORDS * 8 || !rest.is_empty() {
            return None;
        }
        let mut bits = Self::none();
        places.iter().for_each(|place| bits.insert(u16::from_le_bytes(*place)));
        Some(bits)
    }
}

impl FromIterator<u16> for Bits {
    fn from_iter<T: IntoIterator<Item = u16>>(places: T) -> Self {
        let mut bits = Self::none();
        places.into_iter().for_each(|place| bits.insert(place));
        bits
    }
}

/// Entries in a block: as many as two bytes tell apart.
pub(super) const BLOCK: u64 = 1 << 16;

const WORDS: usize = 1 << 10;
