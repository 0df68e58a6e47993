use super::{Broken, body, head};

/// What of a header matters to framing.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub length: Option<u64>,
    pub chunked: bool,
    hosts: u32,
    transfer_codings: u32,
}

/// Most field lines of a request.
const FIELDS_MAX: usize = 128;

/// Longest body that a length may announce: 2⁵³ bytes, beyond which some readers lose count.
const LENGTH_MAX: u64 = 1 << 53;

/// Fields that are not read behind a body, where a reader may take them for those of the next request, or not at all
/// (RFC 9110 §6.5.1).
const NOT_IN_TRAILERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "trailer",
    "authorization",
    "proxy-authorization",
    "content-encoding",
    "content-type",
    "connection",
];

/// Fields that decide about framing or about who asks. Where a server takes `_` for `-`, other names mean them too.
const MISTAKEN: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "connection",
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "upgrade",
];

/// One line, without its end.
pub(super) struct Line<'t>(&'t [u8]);

/// Where the header that `held` begins with ends, its empty line included; `None` while it has not. It was sought in the
/// first `seen` bytes before.
pub(super) fn length(held: &[u8], seen: usize, in_head: bool) -> Result<Option<usize>, &'static str> {
    // Trailers may be none at all; a head has a request line first.
    if held.starts_with(b"\r\n") {
        return if in_head { Err("an empty line before a request") } else { Ok(Some(2)) };
    }
    let from = seen.saturating_sub(3);
    let news = held.get(from..).unwrap_or_default();
    for at in memchr::memchr_iter(b'\n', news).map(|at| from + at) {
        let before = held.get(..at).unwrap_or_default();
        if !before.ends_with(b"\r") {
            return Err("a line ends without a carriage return");
        }
        if before.ends_with(b"\r\n\r") {
            return Ok(Some(at + 1));
        }
    }
    Ok(None)
}

/// The size that a line of the chunked coding says, its end included (RFC 9112 §7.1). Extensions are nobody's need, and
/// read by each in a way of its own.
pub(super) fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
    let digits = line.strip_suffix(b"\r\n").ok_or("a line ends without a carriage return")?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("the size of a chunk is no hexadecimal number");
    }
    let text = str::from_utf8(digits).map_err(|_| "the size of a chunk is no hexadecimal number")?;
    match u64::from_str_radix(text, 16) {
        Ok(size) if size <= LENGTH_MAX => Ok(size),
        Ok(_) | Err(_) => Err("the size of a chunk is too large"),
    }
}

impl<'t> Line<'t> {
    /// Reads a whole head, its empty line included.
    pub fn request(text: &'t [u8]) -> Result<Fields, Broken> {
        let mut lines = lines(text);
        let line = lines.next().unwrap_or_default();
        let is_1_1 = request_line(line)?;
        let mut fields = Fields::default();
        for (number, line) in lines.enumerate() {
            if number >= FIELDS_MAX {
                return Err(Broken { rule: "there are too many fields", status: 431, in_body: false });
            }
            let (name, value) = Line(line).field().map_err(head)?;
            fields.take(&name, value, is_1_1).map_err(head)?;
        }
        match (is_1_1, fields.hosts) {
            (true, 0) => Err(head("there is no Host")),
            _ => Ok(fields),
        }
    }

    /// Reads trailers, the empty line behind them included.
    pub fn trailers(text: &'t [u8]) -> Result<Fields, Broken> {
        for (number, line) in lines(text).enumerate() {
            if number >= FIELDS_MAX {
                return Err(body("there are too many fields"));
            }
            let (name, _) = Line(line).field().map_err(body)?;
            if NOT_IN_TRAILERS.contains(&name.as_str()) {
                return Err(body("a trailer that may not be one"));
            }
        }
        Ok(Fields::default())
    }

    /// A field's name in lower case, and its value (RFC 9112 §5).
    fn field(self) -> Result<(String, &'t [u8]), &'static str> {
        if self.0.starts_with(b" ") || self.0.starts_with(b"\t") {
            return Err("a field goes on in another line");
        }
        let colon = memchr::memchr(b':', self.0).ok_or("a field without a colon")?;
        let (name, value) = self.0.split_at_checked(colon).ok_or("a field without a colon")?;
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err("a field's name is no token");
        }
        let value = value.get(1..).unwrap_or_default();
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err("a control character in a field");
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if name.contains('_') && MISTAKEN.contains(&name.replace('_', "-").as_str()) {
            return Err("a field's name that some take for another's");
        }
        Ok((name, value.trim_ascii()))
    }
}

impl Fields {
    fn take(&mut self, name: &str, value: &[u8], is_1_1: bool) -> Result<(), &'static str> {
        match name {
            "host" => {
                self.hosts += 1;
                if self.hosts > 1 {
                    return Err("more than one Host");
                }
                if value.iter().any(|byte| matches!(byte, b' ' | b'\t' | b',' | b'/' | b'@' | 0x80..)) {
                    return Err("a Host that is no host");
                }
            }
            "content-length" => {
                if self.length.is_some() {
                    return Err("more than one Content-Length");
                }
                if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                    return Err("a Content-Length that is no number");
                }
                let length = str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
                let length = length.filter(|length| *length <= LENGTH_MAX);
                self.length = Some(length.ok_or("a Content-Length that is too large")?);
            }
            "transfer-encoding" => {
                self.transfer_codings += 1;
                if self.transfer_codings > 1 || !is_1_1 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err("a Transfer-Encoding that is not `chunked` alone");
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a request line is of HTTP/1.1, and not of 1.0 (RFC 9112 §3).
fn request_line(line: &[u8]) -> Result<bool, Broken> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(head("a request line is not a method, a target and a version"));
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(head("a method is no token"));
    }
    if target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(head("a target holds what no target may"));
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err(Broken { rule: "a version that is not HTTP/1.1", status: 505, in_body: false }),
    }
}

/// The lines of a header, without their ends, up to the empty one.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\r\n").unwrap_or(text);
    let ended = text.split_inclusive(|byte| *byte == b'\n');
    ended.map(|line| line.strip_suffix(b"\r\n").unwrap_or(line))
}

/// A character of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
