//! Targets of requests in the one form in which they are decided upon and sent.
//!
//! Servers differ in what they make of a path: some decode it twice, some read `%2f` as a slash, some walk `..` after
//! decoding, some cut off what follows a `;`. A decision on one reading is worth nothing to a server with another. So a
//! path is decoded once, what could still be read in a second way is refused or named as not understood, and what is sent
//! is written anew from what was decided upon (RFC 3986 §6.2.2).

#[cfg(test)]
mod tests;

/// The target of a request: a path and a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The path, decoded: `/v1/charges/ch_7`.
    pub path: String,
    /// The path as it is sent: everything that need not be encoded is not.
    pub sent: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// What servers may read in more than one way, by the names under which policy can allow it.
    pub unclear: Vec<&'static str>,
}

/// A target that is not well formed, or that walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Longest target.
const TARGET_BYTES_MAX: usize = 16 << 10;

impl Target {
    /// Reads a path with its query, in origin form (RFC 9112 §3.2.1).
    ///
    /// # Errors
    /// [`Malformed`]: it is no such target, or a server might walk with it to another path.
    pub fn read(target: &str) -> Result<Self, Malformed> {
        if target.len() > TARGET_BYTES_MAX {
            return Err(Malformed("the target is too long"));
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        if !path.starts_with('/') {
            return Err(Malformed("a target begins with `/`"));
        }
        let mut target = Self { path: String::new(), sent: String::new(), query: None, unclear: Vec::new() };
        target.read_path(path)?;
        if let Some(query) = query {
            check_query(query)?;
            target.query = Some(query.to_owned());
        }
        Ok(target)
    }

    /// Cuts the first segment, a connection's name, off the target `/NAME/rest?query`, and gives it with the rest.
    /// A name is never encoded.
    pub fn connection(target: &str) -> Option<(&str, String)> {
        let rest = target.strip_prefix('/')?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        (!name.is_empty()).then_some((name, rest))
    }

    /// The fields of the query, decoded, in their order. A name without `=` has an empty value.
    pub fn fields(&self) -> Vec<(String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        form_fields(query)
    }

    fn read_path(&mut self, path: &str) -> Result<(), Malformed> {
        let decoded = decode(path, false)?;
        let mut unclear = |name: &'static str| {
            if !self.unclear.contains(&name) {
                self.unclear.push(name);
            }
        };
        for at in decoded.iter() {
            match at {
                Unit { byte: 0..=0x1f | 0x7f, .. } => return Err(Malformed("a control character in a path")),
                Unit { byte: b'\\', .. } => return Err(Malformed("a backslash in a path")),
                Unit { byte: b'/', encoded: true } => unclear("encoded slash"),
                Unit { byte: b';', .. } => unclear("path parameter"),
                _ => {}
            }
        }
        let bytes: Vec<u8> = decoded.iter().map(|unit| unit.byte).collect();
        let text = String::from_utf8(bytes).map_err(|_| Malformed("a path that is not UTF-8"))?;
        let inner = text.strip_prefix('/').unwrap_or(&text);
        let segments: Vec<&str> = inner.split('/').collect();
        for (index, segment) in segments.iter().enumerate() {
            let name = segment.split(';').next().unwrap_or_default();
            // Some servers drop blanks and dots at the end of a name.
            if matches!(name.trim_matches(' '), "." | "..") {
                return Err(Malformed("a path that walks"));
            }
            if segment.is_empty() && index + 1 < segments.len() {
                unclear("empty path segment");
            }
        }
        if decodes_further(&text) {
            unclear("doubly encoded path");
        }
        self.sent = decoded.iter().fold(String::with_capacity(path.len()), |mut sent, unit| {
            unit.write(&mut sent);
            sent
        });
        // A slash that was encoded is none for policies either.
        self.path = if self.unclear.contains(&"encoded slash") { slashes_encoded(&decoded) } else { text };
        Ok(())
    }
}

/// The fields of `application/x-www-form-urlencoded` text, decoded.
pub(crate) fn form_fields(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let bytes = decode(text, true).unwrap_or_default().iter().map(|unit| unit.byte).collect::<Vec<_>>();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// The name of one field of such text, decoded: of `k%65y=1` it is `key`.
pub fn field_name(field: &str) -> String {
    form_fields(field).into_iter().next().map(|(name, _)| name).unwrap_or_default()
}

/// One byte of a path, and whether it came encoded.
#[derive(Debug, Clone, Copy)]
struct Unit {
    byte: u8,
    encoded: bool,
}

impl Unit {
    /// Appends it as it is sent: encoded unless it need not be (RFC 3986 §3.3).
    fn write(self, sent: &mut String) {
        let plain = match self.byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' | b';'
            | b'/' => !self.encoded,
            _ => false,
        };
        match plain {
            true => sent.push(char::from(self.byte)),
            false => sent.push_str(&format!("%{:02X}", self.byte)),
        }
    }
}

/// Decodes percent encoding once; in a form `+` is a space.
fn decode(text: &str, form: bool) -> Result<Vec<Unit>, Malformed> {
    let mut units = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        units.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                    return Err(Malformed("a `%` that encodes nothing"));
                };
                Unit { byte: u8::try_from(high * 16 + low).unwrap_or_default(), encoded: true }
            }
            b'+' if form => Unit { byte: b' ', encoded: false },
            byte if byte.is_ascii_graphic() => Unit { byte, encoded: false },
            _ => return Err(Malformed("a target holds what no target may")),
        });
    }
    if !form && text.contains('#') {
        return Err(Malformed("a fragment in a target"));
    }
    Ok(units)
}

fn slashes_encoded(units: &[Unit]) -> String {
    let bytes = units.iter().flat_map(|unit| match unit {
        Unit { byte: b'/', encoded: true } => b"%2F".to_vec(),
        unit => vec![unit.byte],
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

/// Whether a server that decodes once more would read something else.
fn decodes_further(text: &str) -> bool {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'%', bytes).any(|at| hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)))
}

fn check_query(query: &str) -> Result<(), Malformed> {
    if query.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(Malformed("a target holds what no target may"));
    }
    if query.contains('#') {
        return Err(Malformed("a fragment in a target"));
    }
    decode(query, true).map(drop)
}

/// Reads arbitrary text as a target, for fuzzing: what is sent is read again as the same.
#[doc(hidden)]
pub fn fuzz_target(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(target) = Target::read(text) else { return };
    let again = Target::read(&target.sent).ok();
    assert_eq!(again.as_ref().map(|again| (&again.path, &again.sent)), Some((&target.path, &target.sent)));
}
