//! Messages: a tag byte, a 4-byte length that counts itself, a body ([§55.7]).
//!
//! [§55.7]: https://www.postgresql.org/docs/current/protocol-message-formats.html

use bytes::{BufMut, Bytes, BytesMut};
use wire::{Side, Violation};

/// Longest message accepted from either side, in bytes, tag and length included.
///
/// PostgreSQL stops at 1 GiB. The upstream may send one row of that size, which panguard has to hold
/// whole to mask it, so this is also what one session can make panguard hold.
pub(crate) const FRAME_BYTES_MAX: usize = 64 << 20;

/// The rule that a longer message breaks.
pub(crate) const TOO_LONG: &str = "message longer than the limit";

/// One whole message.
///
/// INVARIANT: `bytes` is a tag, a length that says how long `bytes` is less one, and a body. Made by
/// [`Frames::next`] and [`message`] alone.
#[derive(Clone)]
pub(crate) struct Frame {
    bytes: Bytes,
}

/// Cuts one side's byte stream into messages.
pub(crate) struct Frames {
    from: Side,
    frame_bytes_max: usize,
    buffer: BytesMut,
    /// Bytes that have been cut so far.
    cut: u64,
}

impl Frames {
    pub(crate) fn new(from: Side, frame_bytes_max: usize) -> Self {
        Self { from, frame_bytes_max, buffer: BytesMut::new(), cut: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that have come and are not yet cut.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole message, or `None` until more bytes arrive.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Violation> {
        let Some(length) = self.length_at(0)? else { return Ok(None) };
        if self.buffer.len() < length {
            // The rest of a long message arrives in many reads; one allocation serves them all.
            self.buffer.reserve((length - self.buffer.len()).min(READ_AHEAD_BYTES));
            return Ok(None);
        }
        self.cut += length as u64;
        Ok(Some(Frame { bytes: self.buffer.split_to(length).freeze() }))
    }

    /// Whether a whole message with `tag` waits behind others.
    pub(crate) fn holds(&self, tag: u8) -> Result<bool, Violation> {
        let mut at = 0;
        while let Some(length) = self.length_at(at)? {
            if self.buffer.get(at) == Some(&tag) {
                return Ok(true);
            }
            at = at.saturating_add(length);
        }
        Ok(false)
    }

    /// Bytes that have been cut into messages so far: where in the stream the last one ended.
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// The whole messages with `tag` that come next, tag and length included, before any other.
    pub(crate) fn waiting(&self, tag: u8) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let length = self.length_at(at).ok().flatten()?;
            let message = self.buffer.get(at..at + length)?;
            at += length;
            message.starts_with(&[tag]).then_some(message)
        })
    }

    /// The length in bytes, tag included, of the message that starts at `at`, once its header is there.
    fn length_at(&self, at: usize) -> Result<Option<usize>, Violation> {
        let Some((header, _)) = self.buffer.get(at..).and_then(<[u8]>::split_first_chunk::<5>) else {
            return Ok(None);
        };
        let [_, a, b, c, d] = *header;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < 4 {
            return Err(Violation { by: self.from, rule: "message length below 4" });
        }
        if length >= self.frame_bytes_max {
            return Err(Violation { by: self.from, rule: TOO_LONG });
        }
        Ok(Some(length + 1))
    }
}

/// Most bytes reserved at once for a message that has only begun, so that a length alone costs nothing.
const READ_AHEAD_BYTES: usize = 256 << 10;

impl Frame {
    pub(crate) fn tag(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    /// The body, without tag and length.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(5..).unwrap_or_default()
    }

    /// The body as a cursor over its fields.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields { rest: self.body() }
    }

    /// The message as sent.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the fields of a body in order; each getter is `None` when the body is shorter than it says.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn over(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (first, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*first))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*first))
    }

    /// Bytes up to a NUL, which is taken too.
    pub(crate) fn cstring(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    /// A NUL-terminated UTF-8 string. Names and SQL are UTF-8 since panguard asks for that encoding.
    pub(crate) fn str(&mut self) -> Option<&'a str> {
        str::from_utf8(self.cstring()?).ok()
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A value with a length before it; `Some(None)` is NULL (length -1).
    pub(crate) fn value(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.u32()?.cast_signed();
        match usize::try_from(length) {
            Ok(length) => Some(Some(self.take(length)?)),
            Err(_) if length == -1 => Some(None),
            Err(_) => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Writes one message onto the end of `out`: `body` appends the body, the length is filled in after.
pub(crate) fn message(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u8(tag);
    out.put_u32(0);
    body(out);
    put_length(out, start);
}

/// Fills in the length of the message that starts at `start` and goes to the end of `out`.
pub(crate) fn put_length(out: &mut BytesMut, start: usize) {
    // A message that panguard makes is bounded by FRAME_BYTES_MAX, far below 4 GiB.
    let length = u32::try_from(out.len() - start - 1).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start + 1..start + 5) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends `text` and a NUL. A NUL inside `text` would end it early, so it is left out.
pub(crate) fn put_cstring(out: &mut BytesMut, text: &[u8]) {
    match memchr::memchr(0, text) {
        None => out.put_slice(text),
        Some(_) => text.iter().filter(|byte| **byte != 0).for_each(|byte| out.put_u8(*byte)),
    }
    out.put_u8(0);
}
