//! Content codings (RFC 9110 §8.4), and the transfer encodings of MIME parts (RFC 2045 §6): undone piece by piece,
//! and done again.

mod mime;

use std::io::Write;

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, CompressorWriter};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use mime::{FromBase64, FromQuoted, ToBase64, ToQuoted};

/// One way in which bytes are written as others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 as some senders understand it.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// RFC 2045 §6.8.
    Base64,
    /// RFC 2045 §6.7.
    Quoted,
}

/// Somebody's coding is none, or cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl Coding {
    /// The codings that a `Content-Encoding` lists, in the order in which they were applied.
    pub fn list(header: &str) -> Result<Vec<Self>, Broken> {
        let mut codings = Vec::new();
        for name in header.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => codings.push(Self::Gzip),
                "deflate" => codings.push(Self::Deflate),
                "br" => codings.push(Self::Brotli),
                "zstd" => codings.push(Self::Zstd),
                "identity" => {}
                _ => return Err(Broken),
            }
        }
        Ok(codings)
    }

    /// The encoding of a MIME part, if there is one.
    pub fn of_part(header: &str) -> Result<Option<Self>, Broken> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Ok(None),
            "base64" => Ok(Some(Self::Base64)),
            "quoted-printable" => Ok(Some(Self::Quoted)),
            _ => Err(Broken),
        }
    }
}

/// A coding being undone.
pub(super) struct Undo {
    coding: Coding,
    state: Undoing,
    /// Whether it is deflate without zlib's frame.
    is_raw: bool,
    /// Whether what has come so far is whole.
    is_whole: bool,
}

enum Undoing {
    /// What may be either kind of deflate, as far as it has come.
    Deflate(Option<u8>),
    Inflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Decoder<'static>),
    Base64(FromBase64),
    Quoted(FromQuoted),
    /// Where a first member or frame has ended, and another may begin.
    Between,
    /// Behind the end. What follows is not given on, since no reader is bound to read it.
    Behind,
}

impl Undo {
    pub fn new(coding: Coding) -> Result<Self, Broken> {
        Ok(Self { coding, state: Undoing::new(coding)?, is_raw: false, is_whole: true })
    }

    /// Takes from the front of `input`, and appends about [`PIECE_BYTES`] to `out` at most. Whether there may be more
    /// to come of what was taken or is left.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        match &mut self.state {
            Undoing::Behind => {
                *input = &[];
                Ok(false)
            }
            Undoing::Between => {
                let Some(first) = input.first() else { return Ok(false) };
                let goes_on = match self.coding {
                    Coding::Gzip => *first == 0x1f,
                    // A frame, or one to skip (RFC 8878 §3.1).
                    Coding::Zstd => *first == 0x28 || first & 0xf0 == 0x50,
                    Coding::Deflate | Coding::Brotli | Coding::Base64 | Coding::Quoted => false,
                };
                self.state = if goes_on { Undoing::new(self.coding)? } else { Undoing::Behind };
                Ok(true)
            }
            Undoing::Deflate(_) => self.deflate(input, out),
            Undoing::Inflate(_) => self.inflate(input, out),
            Undoing::Brotli(_) => self.brotli(input, out),
            Undoing::Zstd(_) => self.zstd(input, out),
            Undoing::Base64(base64) => {
                base64.step(input, out)?;
                Ok(!input.is_empty())
            }
            Undoing::Quoted(quoted) => {
                quoted.step(input, out);
                Ok(!input.is_empty())
            }
        }
    }

    /// Ends it: appends what is left.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        match &mut self.state {
            Undoing::Base64(base64) => base64.finish(out),
            Undoing::Quoted(quoted) => {
                quoted.finish(out);
                Ok(())
            }
            _ if self.is_whole => Ok(()),
            _ => Err(Broken),
        }
    }

    /// Takes the first two bytes, which tell what kind of deflate it is.
    fn deflate(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        let Undoing::Deflate(first) = &mut self.state else { return Ok(false) };
        let Some((byte, rest)) = input.split_first() else { return Ok(false) };
        (*input, self.is_whole) = (rest, false);
        let Some(method) = *first else {
            *first = Some(*byte);
            return Ok(!rest.is_empty());
        };
        self.is_raw = !is_zlib(method, *byte);
        let mut decompress = Decompress::new(!self.is_raw);
        out.reserve(PIECE_BYTES);
        let head = [method, *byte];
        let status = decompress.decompress_vec(&head, out, FlushDecompress::None).map_err(|_| Broken)?;
        self.is_whole = status == Status::StreamEnd;
        self.state = if self.is_whole { Undoing::Between } else { Undoing::Inflate(decompress) };
        Ok(true)
    }

    /// Goes on in gzip or either kind of deflate.
    fn inflate(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        let Undoing::Inflate(decompress) = &mut self.state else { return Ok(false) };
        out.reserve(PIECE_BYTES);
        let (taken, given) = (decompress.total_in(), out.len());
        let status = decompress.decompress_vec(input, out, FlushDecompress::None);
        let status = status.map_err(|_| Broken)?;
        let taken = usize::try_from(decompress.total_in() - taken).map_err(|_| Broken)?;
        *input = input.get(taken..).unwrap_or_default();
        self.is_whole = status == Status::StreamEnd || (self.is_whole && taken == 0);
        if status == Status::StreamEnd {
            self.state = Undoing::Between;
            return Ok(!input.is_empty());
        }
        Ok(taken > 0 || out.len() > given)
    }

    /// Goes on in brotli.
    fn brotli(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        let Undoing::Brotli(state) = &mut self.state else { return Ok(false) };
        let (mut left, mut taken, mut room, mut given, mut total) = (input.len(), 0, PIECE_BYTES, 0, 0);
        let start = out.len();
        out.resize(start + PIECE_BYTES, 0);
        let to = out.get_mut(start..).unwrap_or_default();
        let result = BrotliDecompressStream(
            &mut left, &mut taken, input, &mut room, &mut given, to, &mut total, state,
        );
        out.truncate(start + given);
        *input = input.get(taken..).unwrap_or_default();
        self.is_whole &= taken == 0;
        match result {
            BrotliResult::ResultSuccess => (self.is_whole, self.state) = (true, Undoing::Behind),
            BrotliResult::NeedsMoreOutput => return Ok(true),
            BrotliResult::NeedsMoreInput => {}
            BrotliResult::ResultFailure => return Err(Broken),
        }
        Ok(!input.is_empty())
    }

    /// Goes on in zstd.
    fn zstd(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Broken> {
        let Undoing::Zstd(decoder) = &mut self.state else { return Ok(false) };
        let start = out.len();
        out.resize(start + PIECE_BYTES, 0);
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around_pos(out.as_mut_slice(), start));
        let hint = decoder.run(&mut from, &mut to);
        let (taken, end) = (from.pos(), to.pos());
        out.truncate(end);
        *input = input.get(taken..).unwrap_or_default();
        let ended = hint.map_err(|_| Broken)? == 0;
        self.is_whole = ended || (self.is_whole && taken == 0);
        if ended {
            self.state = Undoing::Between;
            return Ok(!input.is_empty());
        }
        Ok(taken > 0 || end > start)
    }

    /// The same coding, done again in the way it was done.
    pub fn redo(&self) -> Result<Redo, Broken> {
        let level = Compression::new(LEVEL);
        Ok(match self.coding {
            Coding::Gzip => Redo::Gzip(GzEncoder::new(Vec::new(), level)),
            Coding::Deflate if self.is_raw => Redo::Raw(DeflateEncoder::new(Vec::new(), level)),
            Coding::Deflate => Redo::Zlib(ZlibEncoder::new(Vec::new(), level)),
            Coding::Brotli => Redo::Brotli(Box::new(CompressorWriter::new(
                Vec::new(),
                BROTLI_BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW_LOG,
            ))),
            Coding::Zstd => {
                let encoder =
                    zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(|_| Broken)?;
                Redo::Zstd(Box::new(encoder))
            }
            Coding::Base64 => Redo::Base64(ToBase64::default()),
            Coding::Quoted => Redo::Quoted(ToQuoted::default()),
        })
    }
}

impl Undoing {
    fn new(coding: Coding) -> Result<Self, Broken> {
        Ok(match coding {
            Coding::Gzip => Self::Inflate(Decompress::new_gzip(WINDOW_BITS)),
            Coding::Deflate => Self::Deflate(None),
            Coding::Brotli => Self::Brotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            Coding::Zstd => {
                let mut decoder = Decoder::new().map_err(|_| Broken)?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).map_err(|_| Broken)?;
                Self::Zstd(decoder)
            }
            Coding::Base64 => Self::Base64(FromBase64::default()),
            Coding::Quoted => Self::Quoted(FromQuoted::default()),
        })
    }
}

/// A coding being done again.
pub(super) enum Redo {
    Gzip(GzEncoder<Vec<u8>>),
    Zlib(ZlibEncoder<Vec<u8>>),
    Raw(DeflateEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    Base64(ToBase64),
    Quoted(ToQuoted),
}

impl Redo {
    /// Takes `bytes` in.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zlib(encoder) => encoder.write_all(bytes),
            Self::Raw(encoder) => encoder.write_all(bytes),
            Self::Brotli(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Base64(encoder) => {
                encoder.push(bytes);
                Ok(())
            }
            Self::Quoted(encoder) => {
                encoder.push(bytes);
                Ok(())
            }
        }
        .map_err(|_| Broken)
    }

    /// What has come together, so that a reader can read all that was taken in.
    pub fn flush(&mut self) -> Result<Vec<u8>, Broken> {
        let flushed = match self {
            Self::Gzip(encoder) => encoder.flush().map(|()| encoder.get_mut()),
            Self::Zlib(encoder) => encoder.flush().map(|()| encoder.get_mut()),
            Self::Raw(encoder) => encoder.flush().map(|()| encoder.get_mut()),
            Self::Brotli(encoder) => encoder.flush().map(|()| encoder.get_mut()),
            Self::Zstd(encoder) => encoder.flush().map(|()| encoder.get_mut()),
            Self::Base64(encoder) => Ok(encoder.out()),
            Self::Quoted(encoder) => Ok(encoder.out()),
        };
        flushed.map(std::mem::take).map_err(|_| Broken)
    }

    /// Ends it: what is left.
    pub fn finish(self) -> Result<Vec<u8>, Broken> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zlib(encoder) => encoder.finish(),
            Self::Raw(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Base64(encoder) => Ok(encoder.finish()),
            Self::Quoted(encoder) => Ok(encoder.finish()),
        }
        .map_err(|_| Broken)
    }
}

/// `bytes` packed by the coding of that name, for the tests of any bytes.
pub(crate) fn packed_as(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let coding = *Coding::list(name).ok()?.first()?;
    let mut redo = Undo::new(coding).ok()?.redo().ok()?;
    redo.push(bytes).ok()?;
    redo.finish().ok()
}

/// What the beginning of a body is without its codings, as far as it can be told and up to `bytes_max` of it; and whether
/// that is all. `None`: its codings are not known, or are several.
pub(crate) fn unpacked(codings: &str, bytes: &[u8], bytes_max: usize) -> Option<(Vec<u8>, bool)> {
    let coding = match *Coding::list(codings).ok()?.as_slice() {
        [] => return Some((bytes.get(..bytes_max.min(bytes.len()))?.to_vec(), bytes.len() <= bytes_max)),
        [coding] => coding,
        _ => return None,
    };
    let mut undo = Undo::new(coding).ok()?;
    let (mut input, mut out) = (bytes, Vec::new());
    // What is cut in the midst ends in an error, behind what came before.
    let mut is_whole = loop {
        match undo.step(&mut input, &mut out) {
            Ok(true) if out.len() <= bytes_max => {}
            Ok(true) | Err(Broken) => break false,
            Ok(false) => break true,
        }
    };
    is_whole &= undo.finish(&mut out).is_ok() && out.len() <= bytes_max;
    out.truncate(bytes_max);
    Some((out, is_whole))
}

/// What `bytes` unpack to by the coding of that name, for the tests of any bytes.
pub(crate) fn unpacked_as(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let coding = *Coding::list(name).ok()?.first()?;
    let mut undo = Undo::new(coding).ok()?;
    let (mut input, mut out) = (bytes, Vec::new());
    while undo.step(&mut input, &mut out).ok()? {}
    undo.finish(&mut out).ok()?;
    Some(out)
}

/// RFC 1950 §2.2: deflate, a window of at most 32 KiB, and the check of both bytes.
pub(super) fn is_zlib(method: u8, flags: u8) -> bool {
    method & 15 == 8 && method >> 4 <= 7 && (u16::from(method) << 8 | u16::from(flags)) % 31 == 0
}

/// How much is unpacked at once.
const PIECE_BYTES: usize = 32 << 10;
/// The largest window of deflate.
const WINDOW_BITS: u8 = 15;
/// What is packed again is packed while somebody waits for it.
const LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 1;
/// Largest window that a client must be ready for (RFC 9659 §3), as a power of two.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
const BROTLI_QUALITY: u32 = 3;
const BROTLI_WINDOW_LOG: u32 = 18;
const BROTLI_BUFFER_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
