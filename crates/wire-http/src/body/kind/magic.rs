//! The first bytes of what is no text.

/// In a few words, what `first` is the start of; `None` while more must be known.
pub(super) fn of(first: &[u8], ended: bool) -> Option<Option<&'static str>> {
    // It has its mark behind a length, which text has not.
    if first.first() == Some(&0) && first.get(4..8) == Some(b"ftyp") {
        return Some(Some("audio or video"));
    }
    for Magic { start, behind, what } in MAGIC {
        let known = first.get(..start.len()).unwrap_or(first);
        if !start.starts_with(known) {
            continue;
        }
        if known.len() < start.len() {
            match ended {
                true => continue,
                false => return None,
            }
        }
        let rest = first.get(start.len()..).unwrap_or_default();
        match behind {
            Behind::Anything => return Some(Some(what)),
            Behind::Binary
                if rest.len() < BINARY_WITHIN && !ended && !rest.iter().any(|it| is_binary(*it)) =>
            {
                return None;
            }
            Behind::Binary => {
                let near = rest.get(..BINARY_WITHIN).unwrap_or(rest);
                if near.iter().any(|byte| is_binary(*byte)) {
                    return Some(Some(what));
                }
            }
        }
    }
    Some(None)
}

struct Magic {
    start: &'static [u8],
    behind: Behind,
    what: &'static str,
}

enum Behind {
    Anything,
    /// Letters that may start a text: only with bytes behind them that stand in none.
    Binary,
}

fn is_binary(byte: u8) -> bool {
    byte < 9 || (0x0e..0x1b).contains(&byte)
}

const fn sure(start: &'static [u8], what: &'static str) -> Magic {
    Magic { start, behind: Behind::Anything, what }
}

const fn weak(start: &'static [u8], what: &'static str) -> Magic {
    Magic { start, behind: Behind::Binary, what }
}

/// Within so many bytes behind letters that may start a text, a binary format has other bytes.
const BINARY_WITHIN: usize = 12;

const MAGIC: &[Magic] = &[
    sure(b"\x89PNG", "an image"),
    sure(b"\xff\xd8\xff", "an image"),
    weak(b"GIF87a", "an image"),
    weak(b"GIF89a", "an image"),
    weak(b"BM", "an image"),
    sure(b"II*\0", "an image"),
    sure(b"MM\0*", "an image"),
    sure(b"\0\0\x01\0", "an image"),
    sure(b"\0\0\x02\0", "an image"),
    weak(b"RIFF", "audio or video"),
    weak(b"OggS", "audio or video"),
    weak(b"ID3", "audio or video"),
    weak(b"fLaC", "audio or video"),
    weak(b"FLV", "audio or video"),
    weak(b"MThd", "audio or video"),
    sure(b"\x1a\x45\xdf\xa3", "audio or video"),
    sure(b"\x30\x26\xb2\x75", "audio or video"),
    weak(b"wOFF", "a font"),
    weak(b"wOF2", "a font"),
    sure(b"OTTO\0", "a font"),
    sure(b"\0\x01\0\0\0", "a font"),
    sure(b"%PDF-", "a PDF"),
    sure(b"%!PS", "a PDF"),
    sure(b"{\\rtf", "an office document"),
    sure(b"\xd0\xcf\x11\xe0", "an office document"),
    sure(b"PK\x03\x04", "an archive"),
    sure(b"PK\x05\x06", "an archive"),
    sure(b"PK\x07\x08", "an archive"),
    sure(b"7z\xbc\xaf", "an archive"),
    sure(b"Rar!\x1a", "an archive"),
    weak(b"BZh", "an archive"),
    sure(b"\xfd7zXZ", "an archive"),
    sure(b"\x04\x22\x4d\x18", "an archive"),
    sure(b"\x1f\x9d", "an archive"),
    sure(b"!<arch>\n", "an archive"),
    sure(b"\x7fELF", "a program"),
    sure(b"\0asm", "a program"),
    sure(b"\xca\xfe\xba\xbe", "a program"),
    weak(b"MZ", "a program"),
    sure(b"SQLite format 3\0", "a database"),
    weak(b"PAR1", "a binary message"),
    weak(b"ARROW1", "a binary message"),
    sure(b"Obj\x01", "a binary message"),
    sure(b"\x89HDF", "a binary message"),
];
