/// A small generator (splitmix64): the corpus of one seed is the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One of 0 to `bound`, without the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of `low` to `high`, both among them.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// The same for lengths.
    pub fn length(&mut self, low: usize, high: usize) -> usize {
        let spread = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low + usize::try_from(self.below(spread + 1)).unwrap_or(0)
    }

    /// One of `these`; what is default when there is none.
    pub fn pick<T: Copy + Default>(&mut self, these: &[T]) -> T {
        let at = self.length(0, these.len().saturating_sub(1));
        these.get(at).copied().unwrap_or_default()
    }

    pub fn letters(&mut self, these: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(self.pick(these))).collect()
    }

    pub fn digits(&mut self, count: usize) -> String {
        self.letters(b"0123456789", count)
    }

    pub fn hex(&mut self, count: usize) -> String {
        self.letters(b"0123456789abcdef", count)
    }

    pub fn word(&mut self, count: usize) -> String {
        self.letters(b"abcdefghijklmnopqrstuvwxyz", count)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
