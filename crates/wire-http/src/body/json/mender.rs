/// Puts right escapes of a JSON string that a mask has cut: what is left of them becomes stars.
#[derive(Default)]
pub(super) struct Mender {
    /// What has come of an escape.
    held: Vec<u8>,
}

impl Mender {
    /// Goes on with `bytes`, and appends to `out` what is whole.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if self.held.is_empty() && *first != b'\\' {
                let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
                out.extend_from_slice(rest.get(..plain).unwrap_or_default());
                rest = rest.get(plain..).unwrap_or_default();
                continue;
            }
            rest = after;
            self.held.push(*first);
            match self.held.as_slice() {
                [_] => {}
                [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'] => out.append(&mut self.held),
                [_, b'u', hex @ ..] if hex.iter().all(u8::is_ascii_hexdigit) => {
                    if hex.len() == 4 {
                        out.append(&mut self.held);
                    }
                }
                _ => {
                    let last = self.held.pop_if(|last| *last == b'\\');
                    self.finish(out);
                    self.held.extend(last);
                }
            }
        }
    }

    /// Ends the string.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(backslash) = self.held.first_mut() {
            *backslash = b'*';
        }
        out.append(&mut self.held);
    }
}
