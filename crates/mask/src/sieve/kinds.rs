//! What single bytes are for those that look for something else than card numbers, as `signs` sees them.

use std::sync::LazyLock;

use crate::code;
use crate::packed::heads;
use crate::secret;
use crate::values::PARTING;

/// Tables of kinds, a bit each, and of the ends of names, for each way to make bitmaps.
pub(crate) struct Tables {
    /// For each byte of ASCII, what it is.
    pub kinds: [[u8; 128]; TABLES],
    /// The same for each kind: for each lower half of a byte, a bit for each upper half.
    pub halves: [[[u8; 16]; 8]; TABLES],
    /// The third-last, the second-last and the last character of names of secrets: a bit for each of some heaps.
    pub names: [[u8; 128]; 3],
    /// The same for each half of a byte, the lower first; of bytes that these cannot tell apart, for all.
    pub name_halves: [[[u8; 16]; 2]; 3],
}

/// All tables.
pub(crate) static ALL: LazyLock<Tables> = LazyLock::new(|| {
    let kinds = [table(CODES), table(PACKED), table(SECRETS)];
    let names = secret::name_ends();
    let mut tables = Tables { kinds, halves: [[[0; 16]; 8]; TABLES], names, name_halves: [[[0; 16]; 2]; 3] };
    for (halves, kinds) in tables.halves.iter_mut().zip(&kinds) {
        for (kind, half) in halves.iter_mut().enumerate() {
            for (byte, _) in (0..).zip(kinds).filter(|(_, kinds)| **kinds >> kind & 1 == 1) {
                set(half, byte & 15, 1 << (byte >> 4));
            }
        }
    }
    for ([lower, upper], names) in tables.name_halves.iter_mut().zip(&names) {
        // Where anything may stand, so may what is beyond ASCII.
        let any = names.iter().fold(!0, |any, heaps| any & heaps);
        (8..16).for_each(|beyond| set(upper, beyond, any));
        for (byte, heaps) in (0..).zip(names) {
            set(lower, byte & 15, *heaps);
            set(upper, byte >> 4, *heaps);
        }
    }
    tables
});

fn set(table: &mut [u8; 16], at: usize, bits: u8) {
    table.get_mut(at).into_iter().for_each(|entry| *entry |= bits);
}

fn table(kinds: [fn(u8) -> bool; 8]) -> [u8; 128] {
    let mut table = [0; 128];
    for (byte, entry) in (0..).zip(&mut table) {
        let of = (0..).zip(kinds).filter(|(_, is)| is(byte));
        *entry = of.fold(0, |all, (bit, _)| all | 1 << bit);
    }
    table
}

/// The kinds of bytes around card codes, and what telephone numbers and addresses have.
const CODES: [fn(u8) -> bool; 8] = [
    |byte| code::is_hex(byte) || byte == PARTING,
    code::is_opener,
    code::is_between,
    code::is_of_name,
    |byte| byte == b'+',
    |byte| matches!(byte, b'@' | b'~'),
    |byte| matches!(byte, b'l' | b'L' | b's'),
    |byte| byte == b':',
];
/// What names are made of is also what is beyond ASCII.
pub(crate) const NAME: u8 = 1 << 3;

/// The kinds of bytes of packed decimal.
const PACKED: [fn(u8) -> bool; 8] = [
    heads::is_tag,
    heads::is_tag_length,
    heads::is_length,
    heads::is_unpacked,
    heads::is_gap,
    heads::is_tag_in_hex,
    heads::is_low,
    |byte| byte == b'/',
];

/// The kinds of bytes of secrets; the last is for the ends of names.
const SECRETS: [fn(u8) -> bool; 8] = [
    secret::is_of_token,
    secret::is_standard,
    |byte| byte.is_ascii_alphanumeric(),
    |byte| byte == b'-',
    secret::is_gap,
    secret::is_sign,
    |_| false,
    |_| false,
];
/// The third-last character of what may be the name of a secret.
pub(crate) const NAME_END: u8 = 1 << 6;

/// Tables of kinds.
pub(crate) const TABLES: usize = 3;
