//! Escapes, behind which a word may begin though a letter stands before it.

/// Whether `before` ends in an escape of a string or of a URL: `\n` and its like, `\u0022`, `%22`.
pub(crate) fn ends(before: &[u8]) -> bool {
    match before {
        [.., b'\\', last] if LAST.contains(last) => true,
        [.., b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', one, two, three, four] => {
            [one, two, three, four].into_iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}

/// The letters of escapes that are one letter.
pub(crate) const LAST: &[u8] = b"nrtbf";
