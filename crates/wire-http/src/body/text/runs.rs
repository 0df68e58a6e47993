//! Base64 in a text that may hold a compressed container.

use crate::body::packed;

/// Holds back what starts like base64 of a compressed container until its end, and stars it if it hides anything.
#[derive(Default)]
pub(in crate::body) struct Runs {
    state: State,
    held: Vec<u8>,
    /// Letters on the line that is held.
    line: usize,
    found: u64,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of any run.
    #[default]
    Outside,
    /// At its start: what it is, is not known yet.
    Start,
    /// Ordinary letters.
    Inside,
    /// What may be a container.
    Held,
    /// The same, at the end of a line that the next may continue.
    Wrapped,
    /// A container too long to be looked into.
    Starred,
}

impl Runs {
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            // Most text is short words, passed over at once.
            if self.state == State::Inside || self.state == State::Outside {
                let inside = self.state == State::Inside;
                let goes_on = rest.iter().take_while(|byte| packed::is_letter(**byte) == inside).count();
                let (same, next) = rest.split_at_checked(goes_on).unwrap_or((rest, &[]));
                out.extend_from_slice(same);
                if !next.is_empty() {
                    self.state = if inside { State::Outside } else { State::Start };
                }
                rest = next;
                continue;
            }
            // Four letters that are all there tell at once.
            let starts =
                rest.first_chunk::<4>().filter(|_| self.state == State::Start && self.held.is_empty());
            if starts.is_some_and(|start| !packed::may_be_packed(*start)) {
                self.state = State::Inside;
                continue;
            }
            self.take(*byte, out);
            rest = behind;
        }
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out);
    }

    pub fn found(&self) -> u64 {
        self.found
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        let letter = packed::is_letter(byte);
        match self.state {
            State::Outside | State::Inside => out.push(byte),
            State::Start => {
                if !letter {
                    self.end(out);
                    return out.push(byte);
                }
                self.held.push(byte);
                let Some(start) = self.held.first_chunk::<4>() else { return };
                if packed::may_be_packed(*start) {
                    (self.state, self.line) = (State::Held, 4);
                } else {
                    out.append(&mut self.held);
                    self.state = State::Inside;
                }
            }
            State::Held if byte == b'=' || (letter && self.held.last() != Some(&b'=')) => {
                self.held.push(byte);
                self.line += 1;
                if self.held.len() > RUN_BYTES_MAX {
                    self.star(out);
                    self.state = State::Starred;
                }
            }
            State::Held if matches!(byte, b'\r' | b'\n') && self.goes_on() => {
                self.held.push(byte);
                self.state = State::Wrapped;
            }
            State::Wrapped if matches!(byte, b'\r' | b'\n' | b' ' | b'\t') => {
                self.held.push(byte);
                if self.held.len() > RUN_BYTES_MAX {
                    self.end(out);
                }
            }
            State::Wrapped if letter => {
                self.held.push(byte);
                (self.state, self.line) = (State::Held, 1);
            }
            State::Starred if letter || byte == b'=' => out.push(b'*'),
            State::Starred if matches!(byte, b'\r' | b'\n') => out.push(byte),
            State::Held | State::Wrapped | State::Starred => {
                self.end(out);
                out.push(byte);
            }
        }
    }

    /// Whether the line that ends here is as long as those of wrapped base64.
    fn goes_on(&self) -> bool {
        self.line >= LINE_LETTERS_MIN && self.held.last() != Some(&b'=')
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let packed = matches!(self.state, State::Held | State::Wrapped);
        self.state = State::Outside;
        if packed && packed::hides(&self.held) {
            self.star(out);
        }
        out.append(&mut self.held);
    }

    fn star(&mut self, out: &mut Vec<u8>) {
        let starred = |byte: u8| if byte.is_ascii_whitespace() { byte } else { b'*' };
        out.extend(self.held.drain(..).map(starred));
        self.found += 1;
    }
}

/// A longer run is not looked into, and goes.
const RUN_BYTES_MAX: usize = 1 << 20;
/// Shortest line of base64 that goes on in the next: PEM and MIME have 64 and 76 letters.
const LINE_LETTERS_MIN: usize = 60;
