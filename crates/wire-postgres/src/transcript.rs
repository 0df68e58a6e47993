//! What of an answer is kept for the audit log: its rows as they were told, a JSON list a line, and copies as they are.

use access::{Redacted, Terms, Told};

use crate::frame::Fields;

/// An answer as it was told, up to so many bytes.
#[derive(Default)]
pub(crate) struct Transcript {
    text: String,
    bytes_max: usize,
    is_cut: bool,
}

impl Transcript {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// Keeps nothing where something is told that may be revealed: it is not masked.
    pub(crate) fn under(&mut self, terms: &Terms) {
        if !terms.reveal.is_empty() || terms.metered.is_some() {
            *self = Self::default();
        }
    }

    /// Takes a DataRow as it is told (§55.7), with its tag and length.
    pub(crate) fn row(&mut self, message: &[u8]) {
        if self.is_full() {
            return;
        }
        let mut fields = Fields::over(message.get(5..).unwrap_or_default());
        let count = fields.u16().unwrap_or_default();
        let values = (0..count).map_while(|_| fields.value()).map(|value| value.map(shown));
        let values: Vec<Option<String>> = values.collect();
        // Texts and nothing are always written.
        self.line(&serde_json::to_string(&values).unwrap_or_default());
    }

    /// Takes what a copy tells.
    pub(crate) fn copied(&mut self, bytes: &[u8]) {
        if !self.is_full() {
            self.line(&shown(bytes));
        }
    }

    /// Takes note that what was kept was not told after all.
    pub(crate) fn forget(&mut self) {
        self.text.clear();
        self.is_cut = true;
    }

    pub(crate) fn told(self) -> Option<Box<Told>> {
        (!self.text.is_empty())
            .then(|| Box::new(Told { text: Redacted::new(self.text.into()), is_whole: !self.is_cut }))
    }

    fn line(&mut self, line: &str) {
        let room = self.bytes_max - self.text.len();
        let part = line.get(..line.floor_char_boundary(room)).unwrap_or_default();
        self.text.push_str(part);
        self.is_cut |= part.len() < line.len();
        if self.text.len() < self.bytes_max && !line.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Whether nothing more is kept. What comes then is left out.
    fn is_full(&mut self) -> bool {
        let is_full = self.text.len() >= self.bytes_max;
        self.is_cut |= is_full;
        is_full
    }
}

/// A value as text; one in a binary format in hex, as PostgreSQL writes a `bytea`.
fn shown(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        Ok(_) | Err(_) => value.iter().fold("\\x".to_owned(), |hex, byte| hex + &format!("{byte:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A DataRow.
    fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
        for value in values {
            match value {
                None => body.extend((-1_i32).to_be_bytes()),
                Some(value) => {
                    body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend(*value);
                }
            }
        }
        [b"D\0\0\0\0", body.as_slice()].concat()
    }

    fn told(transcript: Transcript) -> Option<(String, bool)> {
        transcript.told().map(|told| (told.text.expose().to_string(), told.is_whole))
    }

    #[test]
    fn rows_are_lists_of_what_was_told() {
        let mut it = Transcript::new(1000);
        it.row(&row(&[Some(b"1"), None, Some(b"a \"b\"")]));
        it.row(&row(&[Some(&[0, 255]), Some(b"")]));
        it.copied(b"1\tx\n");
        let lines = "[\"1\",null,\"a \\\"b\\\"\"]\n[\"\\\\x00ff\",\"\"]\n1\tx\n";
        assert_eq!(told(it), Some((lines.into(), true)));
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut it = Transcript::new(12);
        (0..5).for_each(|_| it.row(&row(&[Some("ö€😀".as_bytes())])));
        let (text, is_whole) = told(it).unwrap();
        assert!(text.len() <= 12 && !is_whole, "{text}");
        assert_eq!(told(Transcript::new(0)), None);
    }

    #[test]
    fn what_is_revealed_is_not_kept() {
        let mut it = Transcript::new(1000);
        it.under(&Terms { reveal: [access::DataClass::Pan].into(), ..Terms::default() });
        it.row(&row(&[Some(b"4111111111111111")]));
        assert_eq!(told(it), None);
    }
}
