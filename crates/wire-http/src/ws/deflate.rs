//! Compression of messages (RFC 7692), done anew on each side: what the sides agreed on is not the same.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::frame::{NOT_UTF8, PROTOCOL, TOO_BIG, Violation};

/// What was agreed on with one side of permessage-deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Whether what the server sends builds on its messages before.
    pub server_takes_over: bool,
    /// Whether what the client sends does.
    pub client_takes_over: bool,
    /// The window of what the server sends.
    pub server_window_bits: u8,
}

pub(super) const WINDOW_BITS_MAX: u8 = 15;

/// Unpacks messages of one side.
pub(super) struct Inflate {
    stream: Decompress,
    takes_over: bool,
}

/// Packs messages for one side.
pub(super) struct Deflate {
    stream: Compress,
    takes_over: bool,
}

impl Inflate {
    pub fn new(takes_over: bool) -> Self {
        Self { stream: Decompress::new(false), takes_over }
    }

    /// Unpacks a message, to `bytes_max` at most.
    pub fn message(&mut self, data: &[u8], bytes_max: usize) -> Result<Vec<u8>, Violation> {
        let input = [data, TAIL].concat();
        let mut out = Vec::new();
        let start = self.stream.total_in();
        loop {
            let taken = usize::try_from(self.stream.total_in() - start).unwrap_or(usize::MAX);
            let rest = input.get(taken..).unwrap_or_default();
            out.reserve(PIECE_BYTES);
            let status = self.stream.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            if out.len() > bytes_max {
                return Err(Violation { code: TOO_BIG, rule: "a message that unpacks to too much" });
            }
            let taken = usize::try_from(self.stream.total_in() - start).unwrap_or(usize::MAX);
            let rest = input.get(taken..).unwrap_or_default();
            match status {
                // It said that it is the last block of all (§7.2.3.5): then the next message begins anew.
                Ok(Status::StreamEnd) if rest.is_empty() || rest == TAIL || rest == ENDED_TAIL => {
                    self.stream.reset(false);
                    return Ok(out);
                }
                Ok(Status::Ok | Status::BufError) if rest.is_empty() && out.len() < out.capacity() => break,
                Ok(Status::Ok) => {}
                Ok(Status::StreamEnd | Status::BufError) | Err(_) => {
                    return Err(Violation { code: NOT_UTF8, rule: "a message that does not unpack" });
                }
            }
        }
        if !self.takes_over {
            self.stream.reset(false);
        }
        Ok(out)
    }
}

impl Deflate {
    pub fn new(takes_over: bool, window_bits: u8) -> Self {
        let bits = window_bits.clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX);
        Self { stream: Compress::new_with_window_bits(Compression::fast(), false, bits), takes_over }
    }

    /// Packs a message.
    pub fn message(&mut self, data: &[u8]) -> Result<Vec<u8>, Violation> {
        // An empty block (§7.2.3.6): there is nothing to flush.
        if data.is_empty() {
            return Ok(vec![0]);
        }
        let mut out = Vec::with_capacity(data.len() / 2 + PIECE_BYTES);
        let start = self.stream.total_in();
        loop {
            let taken = usize::try_from(self.stream.total_in() - start).unwrap_or(usize::MAX);
            let rest = data.get(taken..).unwrap_or_default();
            let packed = self.stream.compress_vec(rest, &mut out, FlushCompress::Sync);
            let taken = usize::try_from(self.stream.total_in() - start).unwrap_or(usize::MAX);
            match packed {
                Ok(Status::Ok | Status::BufError) if taken == data.len() && out.len() < out.capacity() => {
                    break;
                }
                Ok(Status::Ok | Status::BufError) => out.reserve(PIECE_BYTES),
                Ok(Status::StreamEnd) | Err(_) => {
                    return Err(Violation { code: PROTOCOL, rule: "a message cannot be packed" });
                }
            }
        }
        if !self.takes_over {
            self.stream.reset();
        }
        let length = out.strip_suffix(TAIL).map_or(out.len(), <[u8]>::len);
        out.truncate(length);
        Ok(out)
    }
}

/// What a packer's flush ends with, and what is left off (§7.2.1).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// What of it is left where the last block took the first byte for its own end.
const ENDED_TAIL: &[u8] = &[0, 0xff, 0xff];
const PIECE_BYTES: usize = 16 << 10;
/// zlib packs with no smaller window than this.
pub(super) const WINDOW_BITS_MIN: u8 = 9;
