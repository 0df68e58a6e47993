//! Integers of protobuf ("Encoding", Base 128 Varints, Signed Integers).

/// The varint that `bytes` start with, and what follows it; `None` when it does not end within ten bytes.
///
/// Bits beyond the 64th are dropped, as protobuf's own readers do.
pub fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(BYTES_MAX) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

/// The `sint64` that a varint stands for: 0, -1, 1, -2, 2, ...
pub fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Longest varint.
const BYTES_MAX: usize = 10;
