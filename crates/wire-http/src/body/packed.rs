//! What base64 text may hold that no scan of the text shows: card data in a compressed container, or in the numbers
//! of a vector.
//!
//! It is looked for in strict mode only. A container that cannot be looked into counts as one that holds card data.

use std::io::Read;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use memchr::memmem;

use super::coding::is_zlib;

/// Whether `text` is base64 (RFC 4648 §4 or §5, padded or not, wrapped or not, behind `data:…,` or not) of a
/// compressed container that holds card data or cannot be looked into, or of a vector of little-endian numbers
/// (`f32`, `f64`, `i64`) whose whole ones, written beside one another, hold a card number.
///
/// Base64 of plain text is not its business: a scan of the text reads that by itself.
pub(crate) fn hides(text: &[u8]) -> bool {
    hides_within(text, DEPTH_MAX)
}

/// Whether a run of base64 that starts with `start` may be of a compressed container: its first four letters tell.
pub(crate) fn may_be_packed(start: [u8; 4]) -> bool {
    let mut bits = 0_u32;
    for letter in start {
        let Some(value) = value(letter) else { return false };
        bits = bits << 6 | value;
    }
    let [_, first, second, third] = bits.to_be_bytes();
    Container::of(&[first, second, third]).is_some()
}

fn hides_within(text: &[u8], depth: u8) -> bool {
    if text.len() < LETTERS_MIN {
        return false;
    }
    let Some(bytes) = decode(text) else { return false };
    holds_within(&bytes, depth) || vector_holds_card(&bytes)
}

fn holds_within(bytes: &[u8], depth: u8) -> bool {
    let Some(container) = Container::of(bytes) else {
        // Base64 within base64.
        return depth > 0 && hides_within(bytes, depth - 1);
    };
    let Some(depth) = depth.checked_sub(1) else { return true };
    match container.unpack(bytes) {
        Unpacked::Whole(parts) => {
            parts.iter().any(|part| mask::holds_card(part) || holds_within(part, depth))
        }
        Unpacked::No => true,
        Unpacked::NotOne => false,
    }
}

/// The bytes that `text` is base64 of.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = match text.strip_prefix(b"data:") {
        Some(url) => url.splitn(2, |byte| *byte == b',').nth(1)?,
        None => text,
    };
    let first = *text.first()?;
    if !is_letter(first) {
        return None;
    }
    let letters = text.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    });
    let mut letters: Vec<u8> = letters.take_while(|byte| *byte != b'=').collect();
    // A single letter is less than a byte.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(letters).ok()
}

/// The six bits of one of base64's letters, in either alphabet.
fn value(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// Whether `byte` is one of base64's letters, in either alphabet.
pub(crate) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What compressed bytes may be, by how they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Gzip,
    /// RFC 1950. Two bytes tell, so one of a thousand random texts starts like it.
    Zlib,
    Zstd,
    Zip,
    /// bzip2, xz, lz4, 7z, rar, compress, a zlib stream with a dictionary of its own: not looked into.
    Other,
}

enum Unpacked {
    Whole(Vec<Vec<u8>>),
    /// It does not unpack, or to too much.
    No,
    /// It is no such container after all.
    NotOne,
}

impl Container {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, ..] | [b'P', b'K', 5, ..] => Some(Self::Zip),
            [b'B', b'Z', b'h', ..]
            | [0xfd, b'7', b'z', ..]
            | [0x04, 0x22, 0x4d, ..]
            | [b'7', b'z', 0xbc, ..]
            | [b'R', b'a', b'r', b'!', ..]
            | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
            | [0x1f, 0x9d, ..] => Some(Self::Other),
            [0x78, flags, ..] if is_zlib(0x78, *flags) && flags & 0x20 != 0 => Some(Self::Other),
            [method, flags, ..] if is_zlib(*method, *flags) && flags & 0x20 == 0 => Some(Self::Zlib),
            _ => None,
        }
    }

    fn unpack(self, bytes: &[u8]) -> Unpacked {
        match self {
            Self::Gzip => whole(read(MultiGzDecoder::new(bytes))),
            Self::Zstd => whole(zstd_reader(bytes).map_or_else(|| (Vec::new(), false), read)),
            Self::Zlib => match read(ZlibDecoder::new(bytes)) {
                (out, false) if out.len() < ZLIB_BYTES_TELL => match mask::holds_card(&out) {
                    true => Unpacked::No,
                    false => Unpacked::NotOne,
                },
                unpacked => whole(unpacked),
            },
            Self::Zip => entries(bytes).map_or(Unpacked::No, Unpacked::Whole),
            Self::Other => Unpacked::No,
        }
    }
}

fn whole((out, ended): (Vec<u8>, bool)) -> Unpacked {
    if ended { Unpacked::Whole(vec![out]) } else { Unpacked::No }
}

/// What `from` gives, and whether that is all of it, and not too much.
fn read(from: impl Read) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let ended = from.take(UNPACKED_BYTES_MAX + 1).read_to_end(&mut out).is_ok();
    let fits = u64::try_from(out.len()).is_ok_and(|length| length <= UNPACKED_BYTES_MAX);
    (out, ended && fits)
}

fn zstd_reader(bytes: &[u8]) -> Option<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).ok()?;
    decoder.window_log_max(WINDOW_LOG_MAX).ok()?;
    Some(decoder)
}

/// The files of a ZIP archive (APPNOTE 4.3.7), read from start to end without its directory, so that none is passed
/// over that the directory does not name; `None` if one of them cannot be read.
fn entries(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    let mut room = UNPACKED_BYTES_MAX;
    while let Some(at) = memmem::find(bytes, b"PK\x03\x04") {
        let (head, rest) = bytes.get(at..)?.split_at_checked(ENTRY_HEAD_BYTES)?;
        let short = |at: usize| head.get(at..at + 2)?.first_chunk().map(|two| u16::from_le_bytes(*two));
        let (flags, method) = (short(6)?, short(8)?);
        let (name, rest) = rest.split_at_checked(usize::from(short(26)?))?;
        let (extra, rest) = rest.split_at_checked(usize::from(short(28)?))?;
        // Encrypted.
        if flags & 1 != 0 {
            return None;
        }
        let (file, behind) = match method {
            0 if flags & 8 == 0 => {
                let size = u32::from_le_bytes(*head.get(18..22)?.first_chunk()?);
                let (file, behind) = rest.split_at_checked(usize::try_from(size).ok()?)?;
                (file.to_vec(), behind)
            }
            8 => {
                let mut file = Vec::new();
                let mut decoder = DeflateDecoder::new(rest);
                Read::by_ref(&mut decoder).take(room + 1).read_to_end(&mut file).ok()?;
                (file, rest.get(usize::try_from(decoder.total_in()).ok()?..)?)
            }
            _ => return None,
        };
        room = room.checked_sub(u64::try_from(file.len()).ok()?)?;
        files.extend([name.to_vec(), extra.to_vec(), file]);
        bytes = behind;
    }
    files.push(bytes.to_vec());
    Some(files)
}

/// Whether `bytes` are the numbers of a vector, some of which make a card number.
fn vector_holds_card(bytes: &[u8]) -> bool {
    let four = bytes.as_chunks::<4>();
    let eight = bytes.as_chunks::<8>();
    let singles = four.0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
    let doubles = eight.0.iter().map(|bytes| f64::from_le_bytes(*bytes));
    let integers = eight.0.iter().map(|bytes| i64::from_le_bytes(*bytes).unsigned_abs());
    let fits = |integer: u64| (integer < WHOLE_MAX).then_some(Some(integer));
    (four.1.is_empty() && makes_card(singles.map(|single| element(single, SINGLE_MAX))))
        || (eight.1.is_empty() && makes_card(doubles.map(|double| element(double, DOUBLE_MAX))))
        || (eight.1.is_empty() && makes_card(integers.map(fits)))
}

/// What a number of a vector is: `None` if no vector would hold it, `Some(None)` if it is a fraction.
fn element(value: f64, max: f64) -> Option<Option<u64>> {
    let size = value.abs();
    if !(size == 0.0 || (FRACTION_MIN..=max).contains(&size)) {
        return None;
    }
    // A whole number below 2^53 is in both types.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and in range")]
    Some((size.fract() == 0.0).then_some(size as u64))
}

/// Whether whole numbers beside one another make a card number, written as they are or all in as many digits. If one
/// of them would be in no vector, this is none.
fn makes_card(elements: impl Iterator<Item = Option<Option<u64>>>) -> bool {
    let Some(elements) = elements.take(ELEMENTS_MAX).collect::<Option<Vec<_>>>() else { return false };
    let runs = elements.split(Option::is_none).filter(|run| !run.is_empty());
    runs.map(|run| run.iter().flatten().copied().collect::<Vec<u64>>()).any(|run| run_makes_card(&run))
}

fn run_makes_card(run: &[u64]) -> bool {
    WIDTHS.iter().any(|width| {
        (0..run.len()).any(|start| {
            let mut digits = String::new();
            for number in run.iter().skip(start) {
                digits.push_str(&format!("{number:0width$}"));
                match digits.len() {
                    ..13 => {}
                    13..=19 if mask::holds_card(digits.as_bytes()) => return true,
                    13..=19 => {}
                    _ => return false,
                }
            }
            false
        })
    })
}

/// Base64 as lenient readers take it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Shortest text worth decoding: one number of eight bytes.
const LETTERS_MIN: usize = 11;
/// How many containers within one another are opened; deeper ones count as not looked into.
const DEPTH_MAX: u8 = 4;
/// What a container may unpack to and be looked at.
const UNPACKED_BYTES_MAX: u64 = 8 << 20;
/// Fewer bytes than these before an error, and it was no zlib stream: random bytes decode to some.
const ZLIB_BYTES_TELL: usize = 64;
/// Largest window of zstd that any client must be ready for (RFC 8878 §3.1.1.1.2), as a power of two.
const WINDOW_LOG_MAX: u32 = 23;
const ENTRY_HEAD_BYTES: usize = 30;
/// More numbers than any vector of an embedding has.
const ELEMENTS_MAX: usize = 1 << 16;
/// In how many digits the numbers of a vector are tried to be written; 1 is as they are.
const WIDTHS: &[usize] = &[1, 2, 3, 4, 5, 6, 8];
/// Smaller fractions are in no vector, but in most random bytes.
const FRACTION_MIN: f64 = 1e-12;
/// Largest whole number that `f32` tells from the next, doubled.
const SINGLE_MAX: f64 = 33_554_432.0;
/// Card numbers of 16 digits. Random bytes are larger numbers nearly always.
const WHOLE_MAX: u64 = 10_000_000_000_000_000;
const DOUBLE_MAX: f64 = 1e16;

#[cfg(test)]
mod tests;
