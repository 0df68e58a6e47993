//! What a name or an anchor tells of: the places where the secret may be that it speaks of.

use std::sync::LazyLock;

use super::alphabet::Alphabet;
use super::{BEFORE, address, assignment, may_start, rule};
use crate::bitmap::{End, OFFSETS, Set};

/// Looks at what is around the end of a name or an anchor.
pub(crate) struct Hint<'t> {
    text: &'t [u8],
    /// Whether more may come.
    open: bool,
}

impl<'t> Hint<'t> {
    pub fn new(text: &'t [u8], open: bool) -> Self {
        Self { text, open }
    }

    /// Whether a name that says of a secret ends before `at`.
    pub fn is_name(&self, at: usize) -> bool {
        let before = self.before(at);
        assignment::may_name(before) && assignment::named(before).is_some()
    }

    /// Whether the name that ends before `at` is an option's, whose value may follow without a sign.
    pub fn is_option(&self, at: usize) -> bool {
        assignment::named(self.before(at)).is_some_and(|named| named.option)
    }

    /// Whether an anchor ends before `at`, behind which something may be.
    pub fn is_anchor(&self, at: usize) -> bool {
        let before = self.before(at);
        let is_sign = |sign: &&str| before.ends_with(sign.as_bytes());
        may_be_anchor(before)
            && (SIGNS.iter().any(is_sign)
                || matches!(before, [.., b'0'..=b'9', b':', b'A'])
                || self.is_token(before, at))
    }

    /// Marks where the value may be of the name that ends before `at`, if it is one that says of a secret. Whether
    /// that goes on beyond what is known.
    pub fn behind_name(&self, at: usize, mut mark: impl FnMut(usize)) -> bool {
        let Some(named) = assignment::named(self.before(at)) else { return false };
        let mut signed = named.option;
        for place in at..=at + assignment::GAP_MAX {
            let Some(byte) = self.get(place) else { return self.open };
            if signed && place > at && may_start(byte) {
                mark(place);
            }
            signed |= assignment::is_sign(byte);
            if !assignment::is_gap(byte) {
                return named.header && self.behind_scheme(place, mark);
            }
        }
        false
    }

    /// Marks what is behind the name of an HTTP scheme at `at`.
    fn behind_scheme(&self, at: usize, mut mark: impl FnMut(usize)) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let begins = |name: &str| {
            let (rest, name) = (rest.iter().take(name.len()), name.as_bytes());
            rest.zip(name).all(|(byte, letter)| byte.eq_ignore_ascii_case(letter))
        };
        let Some(scheme) = assignment::SCHEMES.into_iter().find(|name| begins(name)) else { return false };
        let start = at + scheme.len();
        for place in start..start + BEFORE {
            match self.get(place) {
                None => return self.open,
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(_) => {
                    mark(place);
                    return false;
                }
            }
        }
        false
    }

    /// Marks where the secret may be that the anchor before `at` tells of. Whether that goes on beyond what is known.
    pub fn behind_anchor(&self, at: usize, mut mark: impl FnMut(usize)) -> bool {
        let before = self.before(at);
        if before.ends_with(b"://") {
            return self.behind_user(at, mark);
        }
        if before.ends_with(b" -u ") {
            return self.behind_option(at, mark);
        }
        if before.ends_with(b" --user") {
            return self.behind_option(at + 1, mark);
        }
        if before.ends_with(b"KEY--") || before.ends_with(b"BLOCK--") {
            let dashes =
                self.text.get(at..).unwrap_or_default().iter().take(3).take_while(|byte| **byte == b'-');
            return match dashes.count() {
                3 if self.get(at + 3).is_some() => {
                    mark(at + 3);
                    false
                }
                dashes => self.open && at + dashes >= self.text.len(),
            };
        }
        if let [.., b'0'..=b'9', b':', b'A'] = before {
            mark(at - 1);
        }
        if self.is_token(before, at) {
            mark(at);
        }
        false
    }

    /// Whether a token may start at `at`, by a few characters of it.
    fn is_token(&self, before: &[u8], at: usize) -> bool {
        let begins = |alphabet: Alphabet| {
            let known = self.text.get(at..).unwrap_or_default();
            known.iter().take(TOKEN_MIN).all(|byte| alphabet.has(*byte))
        };
        let listed = || rule::ending(before).is_some_and(|rule| begins(rule.alphabet));
        match before {
            [.., b'e', b'y', b'J'] => begins(Alphabet::Word) || listed(),
            [.., b's', b':'] => true,
            [.., b'Q', b'~'] => begins(Alphabet::Dotted) || listed(),
            [.., b'.'] => listed() || begins(Alphabet::Word),
            _ => listed(),
        }
    }

    /// Marks what is behind the user's name at `at`, in quotes or not.
    fn behind_option(&self, at: usize, mark: impl FnMut(usize)) -> bool {
        let quoted = matches!(self.get(at), Some(b'"' | b'\''));
        self.behind_user(at + usize::from(quoted), mark)
    }

    /// Marks what is behind the user's name at `at`, and a colon.
    fn behind_user(&self, at: usize, mut mark: impl FnMut(usize)) -> bool {
        for place in at..=at + address::USER_MAX {
            match self.get(place) {
                None => return self.open,
                Some(b':') => {
                    mark(place + 1);
                    return self.open && place + 1 >= self.text.len();
                }
                Some(byte) if address::in_user(byte) => {}
                Some(_) => return false,
            }
        }
        false
    }

    fn before(&self, at: usize) -> &'t [u8] {
        self.text.get(at.saturating_sub(BEFORE)..at).unwrap_or_default()
    }

    fn get(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }
}

/// What tells of a secret beside the rules' anchors and names.
pub(crate) const ANCHORS: [&str; 7] = ["eyJ", "://", " -u ", " --user", "KEY--", "BLOCK--", "Private-Lines:"];

/// What is no token's beginning, but tells of what is behind it.
const SIGNS: [&str; 5] = ["://", " -u ", " --user", "KEY--", "BLOCK--"];

/// Whether `before` may end in an anchor, by its last two bytes.
fn may_be_anchor(before: &[u8]) -> bool {
    static PAIRS: LazyLock<Vec<u64>> = LazyLock::new(|| {
        let mut pairs = vec![0; 1 << 10];
        let forms = ["Q~", ":A"];
        for anchor in rule::anchors().chain(ANCHORS).chain(forms) {
            let pair = anchor.as_bytes().last_chunk().map_or(0, |pair| u16::from_le_bytes(*pair));
            let word = pairs.get_mut(usize::from(pair >> 6));
            word.into_iter().for_each(|word| *word |= 1 << (pair & 63));
        }
        pairs
    });
    let Some(pair) = before.last_chunk() else { return false };
    let [_, last] = *pair;
    let pair = u16::from_le_bytes(*pair);
    // The parts of some tokens end in a full stop, behind anything.
    last == b'.' || PAIRS.get(usize::from(pair >> 6)).is_some_and(|word| word >> (pair & 63) & 1 == 1)
}

/// The same, where it has a form and no letters: a number, a colon and an `A`, and the part of an Entra secret.
pub(crate) fn forms() -> impl Iterator<Item = End> {
    let digit = Set::of(|byte| byte.is_ascii_digit());
    let one = |wanted: u8| Set::of(move |byte| byte == wanted);
    let within = OFFSETS.map(|offset| match offset {
        0 => one(b'~'),
        1 => one(b'Q'),
        2 => digit,
        3 => Set::of(|byte| Alphabet::Dotted.has(byte)),
        _ => Set::ALL,
    });
    let number = OFFSETS.map(|offset| match offset {
        0 => one(b'A'),
        1 => one(b':'),
        2 | 3 => digit,
        _ => Set::ALL,
    });
    [within, number].into_iter()
}

/// No token is shorter.
const TOKEN_MIN: usize = 8;
