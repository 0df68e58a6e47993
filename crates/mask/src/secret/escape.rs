//! Escapes, behind which a word may begin though a letter stands before it.

/// Whether `before` ends in an escape of a string or of a URL: `\n` and its like, `\u0022`, `%22`.
pub(crate) fn ends(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', one, two, three, four] => {
            [one, two, three, four].into_iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}
