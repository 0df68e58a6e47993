//! The beginning of what an agent is told, kept for the audit log.

/// As many bytes as may be kept, and one more, by which it is known that there is more.
#[derive(Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Kept {
    /// Keeps `bytes_max`; nothing at all if that is 0.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max }
    }

    /// What is told next.
    pub fn take(&mut self, told: &[u8]) {
        let room = match self.bytes_max {
            0 => 0,
            max => max.saturating_add(1).saturating_sub(self.bytes.len()),
        };
        self.bytes.extend_from_slice(told.get(..room.min(told.len())).unwrap_or_default());
    }

    /// What is kept; one byte more than may be if there is more.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes may be kept.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Whether no more was told.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() <= self.bytes_max
    }
}

/// Bytes that are text as far as they go: a letter that is cut is left out. Nothing if there is none, or they are no text.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let end = match str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return None,
    };
    let text = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    (!text.is_empty()).then_some(text)
}
