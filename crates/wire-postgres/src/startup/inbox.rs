use access::Secret;

/// Bytes that an agent sent and that are not yet cut into messages. They may hold a token, so every copy
/// is wiped when it is no longer needed.
pub(super) struct Inbox {
    bytes: Vec<u8>,
}

/// A message whose length no message can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadLength {
    TooShort,
    TooLong,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Adds `more`. A vector that grows would leave its old bytes in freed memory.
    pub(super) fn push(&mut self, more: &[u8]) {
        let needed = self.bytes.len().saturating_add(more.len());
        if needed > self.bytes.capacity() {
            let mut grown = Vec::with_capacity(needed.next_power_of_two());
            grown.extend_from_slice(&self.bytes);
            wipe(std::mem::replace(&mut self.bytes, grown));
        }
        self.bytes.extend_from_slice(more);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first byte: the tag of a message that has begun.
    pub(super) fn first(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The body of the next packet, which is a length that counts itself, and at most `body_bytes_max`.
    pub(super) fn packet(&mut self, body_bytes_max: usize) -> Result<Option<Secret>, BadLength> {
        self.cut(0, body_bytes_max)
    }

    /// The body of the next message, which is a packet with a tag before it.
    pub(super) fn message(&mut self, body_bytes_max: usize) -> Result<Option<Secret>, BadLength> {
        self.cut(1, body_bytes_max)
    }

    fn cut(&mut self, tag_bytes: usize, body_bytes_max: usize) -> Result<Option<Secret>, BadLength> {
        let Some((length, rest)) = self.bytes.get(tag_bytes..).and_then(<[u8]>::split_first_chunk::<4>)
        else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        let Some(body_bytes) = length.checked_sub(4) else { return Err(BadLength::TooShort) };
        if body_bytes > body_bytes_max {
            return Err(BadLength::TooLong);
        }
        let Some((body, after)) = rest.split_at_checked(body_bytes) else { return Ok(None) };
        let (body, after) = (Secret::from(body.to_vec()), after.to_vec());
        wipe(std::mem::replace(&mut self.bytes, after));
        Ok(Some(body))
    }

    /// Everything, uncut.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        wipe(self.take());
    }
}

/// Zeroes `bytes` before they are freed.
fn wipe(bytes: Vec<u8>) {
    drop(Secret::from(bytes));
}
