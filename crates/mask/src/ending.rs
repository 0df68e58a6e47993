//! The ends of words, told by their last three letters: most words that are not looked for are turned away by them.

/// For the last letter of a word and the one before, a bit for each that may be the third from the end.
#[derive(Debug)]
pub(crate) struct Endings(Vec<u32>);

impl Endings {
    /// Those of `words`, in any case, which end in two letters of ASCII at least.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut endings = vec![0; LETTERS * LETTERS];
        for word in words {
            let mut letters = word.bytes().rev().map_while(letter);
            if let (Some(last), Some(second)) = (letters.next(), letters.next())
                && let Some(thirds) = endings.get_mut(last * LETTERS + second)
            {
                // Of a shorter word any letter may stand before, and none.
                *thirds |= letters.next().map_or(!0, |third| 1 << third);
            }
        }
        Self(endings)
    }

    /// Whether one of the words may end in these three letters.
    pub fn have(&self, [third, second, last]: [u8; 3]) -> bool {
        let (Some(third), Some(second), Some(last)) = (letter(third), letter(second), letter(last)) else {
            return false;
        };
        self.0.get(last * LETTERS + second).is_some_and(|thirds| thirds >> third & 1 == 1)
    }

    /// Whether one of the words may end in `letters`, the last one first; what is beyond ASCII may be any letter.
    pub fn may_be(&self, mut letters: impl Iterator<Item = u8>) -> bool {
        let (Some(last), Some(second)) = (letters.next(), letters.next()) else { return false };
        if !last.is_ascii() || !second.is_ascii() {
            return true;
        }
        let (Some(last), Some(second)) = (letter(last), letter(second)) else { return false };
        let thirds = self.0.get(last * LETTERS + second).copied().unwrap_or(0);
        match letters.next() {
            _ if thirds == 0 || thirds == !0 => thirds != 0,
            Some(third) if third.is_ascii() => letter(third).is_some_and(|third| thirds >> third & 1 == 1),
            Some(_) => true,
            None => false,
        }
    }
}

/// The place of a letter in the alphabet, small or not.
fn letter(byte: u8) -> Option<usize> {
    byte.is_ascii_alphabetic().then(|| usize::from((byte | 0x20) - b'a'))
}

const LETTERS: usize = 26;
