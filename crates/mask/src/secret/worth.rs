//! Whether a value is worth hiding: drawn at random, or at least nobody's placeholder.

/// Whether `value` stands where a secret would, and is none.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let templated = match value {
        // Variables of shells, of templates, and of formatting functions.
        [b'$', b'{' | b'(' | b'A'..=b'Z' | b'_', ..] | [b'%', b's' | b'd' | b'v'] | [b'%', .., b'%'] => true,
        [b'{', .., b'}'] | [b'<' | b'*' | b'[', ..] | [b'.', b'.', b'.', ..] => true,
        _ => false,
    };
    templated || is_masked(value) || distinct(value) <= 3 || holds_word(value)
}

/// Whether a part of `value` has been masked.
pub(crate) fn is_masked(value: &[u8]) -> bool {
    value.windows(3).any(|three| three == b"***")
}

/// Whether `token` may have been drawn at random: many characters of its length, and no word that says that it
/// is an example.
pub(crate) fn is_random(token: &[u8]) -> bool {
    distinct(token) >= (token.len() / 4).clamp(5, 10) && !holds_word(token)
}

/// How many bits a character of `value` tells (Shannon).
pub(crate) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    super::work::done(value.len());
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

/// Whether capital letters, small ones and digits all occur.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    let any = |kind: fn(&u8) -> bool| value.iter().any(kind);
    any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_digit)
}

/// How many different bytes there are.
fn distinct(value: &[u8]) -> usize {
    let mut seen = [0u64; 4];
    for byte in value {
        if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }
    super::work::done(value.len());
    seen.iter().map(|word| word.count_ones() as usize).sum()
}

/// Whether a word is in it that people write in the place of a secret.
fn holds_word(value: &[u8]) -> bool {
    super::work::done(2 * value.len());
    if is_crossed_out(value) {
        return true;
    }
    (0..value.len()).any(|at| {
        let rest = value.get(at..).unwrap_or_default();
        let begins = |word: &&str| {
            rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        matches!(rest.first(), Some(byte) if FIRST.contains(&byte.to_ascii_lowercase()))
            && WORDS.iter().any(begins)
    })
}

/// Whether a row of crosses is in it. In one case, and longer in what is long: there a few come about by chance.
fn is_crossed_out(value: &[u8]) -> bool {
    let least = (value.len() / 16).clamp(4, 16);
    let rows = value.chunk_by(|one, next| one == next);
    rows.into_iter().any(|row| row.len() >= least && matches!(row.first(), Some(b'x' | b'X')))
}

const WORDS: &[&str] = &[
    "changeme",
    "change_me",
    "change-me",
    "dummy",
    "example",
    "insert_",
    "insert-",
    "placeholder",
    "redacted",
    "replaceme",
    "replace_",
    "replace-",
    "sample",
    "your_",
    "your-",
    "yourpass",
    "yourtoken",
    "yoursecret",
    "abcdefgh",
    "1234567",
    "0000000",
];
/// What the words begin with.
const FIRST: &[u8] = b"cdeiprsya10";
