//! Arguments of tools, which stay JSON when a number in them is starred out.

use super::doc::characters;

/// Puts quotes around stars where a number stood, in JSON that comes in pieces: a number that is masked becomes a
/// string, as [`mask::Masker::json`] has it.
#[derive(Default)]
pub(super) struct Quoter {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Nothing has come.
    #[default]
    Before,
    Outside,
    /// In a string, perhaps behind a backslash.
    Inside {
        escaped: bool,
    },
    /// It is no JSON.
    Other,
}

impl Quoter {
    /// Goes on with what stands between the quotes of a string. Numbers that are masked come whole.
    pub fn push(&mut self, written: &[u8]) -> Vec<u8> {
        let mut told = Vec::with_capacity(written.len());
        let mut run: Vec<u8> = Vec::new();
        let mut at = 0;
        for (c, length) in characters(written) {
            let character = written.get(at..at + length).unwrap_or_default();
            at += length;
            if self.state == State::Outside && (c.is_ascii_digit() || "*.+-eE".contains(c)) {
                run.extend_from_slice(character);
                continue;
            }
            put(&mut run, &mut told);
            self.state = self.state.after(c);
            told.extend_from_slice(character);
        }
        put(&mut run, &mut told);
        told
    }
}

impl State {
    fn after(self, c: char) -> Self {
        match (self, c) {
            (Self::Before, c) if c.is_ascii_whitespace() => Self::Before,
            (Self::Before, '{' | '[') | (Self::Inside { escaped: false }, '"') => Self::Outside,
            (Self::Before, _) => Self::Other,
            (Self::Outside, '"') | (Self::Inside { escaped: true }, _) => Self::Inside { escaped: false },
            (Self::Inside { escaped: false }, '\\') => Self::Inside { escaped: true },
            (state, _) => state,
        }
    }
}

/// Writes a number, or what is left of it.
fn put(run: &mut Vec<u8>, told: &mut Vec<u8>) {
    let quote: &[u8] = if run.contains(&b'*') { b"\\\"" } else { b"" };
    told.extend_from_slice(quote);
    told.append(run);
    told.extend_from_slice(quote);
}
