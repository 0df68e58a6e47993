//! The upstream's credential, should the upstream say it back.

mod spelt;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use access::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Stars out panguard's own credential in what an upstream answers: as it is, and as servers and their error pages write
/// it: in base64 (also amid other text) and hex, and with any of its characters in percent encoding, as escapes of JSON, or
/// as references of HTML.
#[derive(Clone, Default)]
pub struct Echo {
    /// What is sought as it is, longest first.
    spellings: Arc<[Secret]>,
    /// What is sought character by character.
    secrets: Arc<[Secret]>,
    longest: usize,
}

/// A credential of fewer bytes is in too many texts by chance to be sought.
const BYTES_MIN: usize = 8;

impl Echo {
    /// One that seeks `secrets`, whichever of them are long enough to be told from other text.
    pub fn of(secrets: &[&[u8]]) -> Self {
        let mut spellings: Vec<Vec<u8>> = secrets
            .iter()
            .filter(|secret| secret.len() >= BYTES_MIN)
            .flat_map(|secret| spellings(secret))
            .filter(|spelling| spelling.len() >= BYTES_MIN)
            .collect();
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        let secrets = secrets.iter().filter(|secret| secret.len() >= BYTES_MIN);
        let secrets: Arc<[Secret]> = secrets.map(|secret| Secret::from(secret.to_vec())).collect();
        let spelt = secrets.iter().map(|secret| secret.expose().len() * spelt::UNIT_BYTES_MAX).max();
        let longest = spellings.first().map_or(0, Vec::len).max(spelt.unwrap_or_default());
        Self { spellings: spellings.into_iter().map(Secret::from).collect(), secrets, longest }
    }

    /// One that seeks what either does.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut spellings: Vec<Secret> = self.spellings.iter().chain(&*other.spellings).cloned().collect();
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.expose().len()));
        let secrets = self.secrets.iter().chain(&*other.secrets).cloned().collect();
        Self { spellings: spellings.into(), secrets, longest: self.longest.max(other.longest) }
    }

    /// Whether there is anything to seek.
    pub fn is_empty(&self) -> bool {
        self.spellings.is_empty()
    }

    /// `text` with every credential starred out; `None` when there is none.
    pub fn hide(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut hidden: Option<Vec<u8>> = None;
        for spelling in self.spellings.iter() {
            let places: Vec<usize> = memchr::memmem::find_iter(text, spelling.expose()).collect();
            for place in places {
                let hidden = hidden.get_or_insert_with(|| text.to_vec());
                let end = place + spelling.expose().len();
                hidden.get_mut(place..end).into_iter().flatten().for_each(|byte| *byte = b'*');
            }
        }
        for secret in self.secrets.iter() {
            for (from, end) in spelt::places(text, secret.expose()) {
                let hidden = hidden.get_or_insert_with(|| text.to_vec());
                hidden.get_mut(from..end).into_iter().flatten().for_each(|byte| *byte = b'*');
            }
        }
        hidden
    }

    /// How many bytes at the end of `text` may be the beginning of a credential.
    fn begun(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest.saturating_sub(1));
        let tail = text.get(from..).unwrap_or_default();
        let begins = |at: &usize| {
            let rest = tail.get(*at..).unwrap_or_default();
            self.spellings.iter().any(|spelling| spelling.expose().starts_with(rest))
                || self.secrets.iter().any(|secret| spelt::begins(rest, secret.expose()))
        };
        (0..tail.len()).find(begins).map_or(0, |at| tail.len() - at)
    }
}

/// [`Echo`] in a stream.
pub(crate) struct Echoes {
    echo: Echo,
    /// What may be the beginning of a credential.
    held: Vec<u8>,
    found: u64,
}

impl Echoes {
    pub fn new(echo: Echo) -> Self {
        Self { echo, held: Vec::new(), found: 0 }
    }

    /// Whether nothing is sought.
    pub fn is_idle(&self) -> bool {
        self.echo.is_empty()
    }

    /// Goes on with `bytes`, and gives what may be read on.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        let mut text = self.hide(text);
        self.held = text.split_off(text.len() - self.echo.begun(&text));
        text
    }

    /// Ends the stream: what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        self.hide(text)
    }

    /// How many pieces were starred out.
    pub fn found(&self) -> u64 {
        self.found
    }

    fn hide(&mut self, text: Vec<u8>) -> Vec<u8> {
        match self.echo.hide(&text) {
            Some(hidden) => {
                self.found += 1;
                hidden
            }
            None => text,
        }
    }
}

/// A secret as it may be written.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![secret.to_vec(), hex.to_ascii_uppercase().into_bytes(), hex.into_bytes()];
    // Amid other text it begins at any of three places of a group; what depends on its neighbours is left off.
    for (lead, from) in [(&b""[..], 0), (b"\0", 2), (b"\0\0", 3)] {
        let text = STANDARD_NO_PAD.encode([lead, secret].concat());
        let to = (lead.len() + secret.len()) * 8 / 6;
        let inner = text.get(from..to).unwrap_or_default();
        all.push(inner.as_bytes().to_vec());
        all.push(inner.replace('+', "-").replace('/', "_").into_bytes());
    }
    all
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Echo of {} spellings", self.spellings.len())
    }
}
