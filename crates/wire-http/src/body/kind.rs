//! What a body is: by what its header says, and by its first bytes, which count for more.

mod magic;
mod shape;

use super::coding::{Coding, is_zlib};
use super::text::is_control;
pub(super) use shape::OWN_ENTITIES;
use shape::Shape;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    /// A JSON document on each line, or behind each record separator (RFC 7464).
    Lines,
    Events,
    Form,
    /// Values that this byte parts.
    Table(u8),
    Markup,
    Multipart,
    /// A message with a head of its own.
    Message,
    Text,
    /// Compressed, and not labelled so.
    Compressed(Coding),
    /// Not understood: in a few words, what it is.
    Opaque(&'static str),
}

impl Kind {
    /// Whether it is neither JSON nor anything in which JSON may lie.
    pub fn is_flat(self) -> bool {
        match self {
            Self::Form | Self::Table(_) | Self::Markup | Self::Text | Self::Opaque(_) => true,
            Self::Json
            | Self::Lines
            | Self::Events
            | Self::Multipart
            | Self::Message
            | Self::Compressed(_) => false,
        }
    }
}

/// What `Content-Type` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Type and subtype, in lower case; empty if nothing is said.
    essence: String,
    pub charset: String,
    pub boundary: Option<String>,
    /// Whether it is said of what has been decoded, whatever that says of itself.
    pub is_decoded: bool,
}

impl Said {
    /// Reads `Content-Type` (RFC 9110 §8.3). Of a parameter that comes twice the first counts, as it does for browsers.
    pub fn read(header: &str) -> Self {
        let mut parts = parameters(header);
        let essence = parts.next().map(|(essence, _)| essence.to_ascii_lowercase()).unwrap_or_default();
        let mut said = Self { essence, ..Self::default() };
        for (name, value) in parts {
            match name.to_ascii_lowercase().as_str() {
                "charset" if said.charset.is_empty() => said.charset = value,
                "boundary" if said.boundary.is_none() => said.boundary = Some(value),
                _ => {}
            }
        }
        said
    }

    /// The same of what has been decoded.
    pub fn decoded(&self) -> Self {
        Self { charset: String::new(), is_decoded: true, ..self.clone() }
    }

    fn is(&self, types: &[&str]) -> bool {
        types.contains(&self.essence.as_str())
    }

    fn ends(&self, suffix: &str) -> bool {
        self.essence.ends_with(suffix)
    }

    pub fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/")
    }

    pub fn is_json(&self) -> bool {
        self.is(&["application/json", "text/json", "application/x-json", "application/manifest+json"])
            || self.ends("+json")
    }

    fn is_lines(&self) -> bool {
        self.is(&[
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/jsonlines",
            "application/x-jsonlines",
            "application/json-seq",
            "application/stream+json",
            "text/jsonl",
        ]) || self.ends("+json-seq")
    }

    fn is_form(&self) -> bool {
        self.is(&["application/x-www-form-urlencoded"])
    }

    fn is_markup(&self) -> bool {
        self.is(&["text/html", "text/xml", "application/xml", "application/xhtml+xml"]) || self.ends("+xml")
    }

    fn table(&self) -> Option<u8> {
        match self.essence.as_str() {
            "text/csv" | "application/csv" | "text/x-csv" | "text/comma-separated-values" => Some(b','),
            "text/tab-separated-values" | "text/tsv" => Some(b'\t'),
            _ => None,
        }
    }

    /// Whether it is said to be text of some sort, or nothing is said.
    pub fn is_textual(&self) -> bool {
        self.essence.is_empty()
            || self.essence.starts_with("text/")
            || self.essence.starts_with("message/")
            || self.is_json()
            || self.is_lines()
            || self.is_form()
            || self.is_markup()
            || self.table().is_some()
            || self.ends("yaml")
            || self.ends("javascript")
            || self.ends("toml")
            || self.is(&["application/graphql", "application/sql", "application/x-sh"])
    }

    /// In a few words, what binary data of this type is.
    fn opaque(&self) -> &'static str {
        let family = self.essence.split('/').next().unwrap_or_default();
        match (family, self.essence.as_str()) {
            ("image", _) => "an image",
            ("font", _) => "a font",
            ("audio" | "video", _) => "audio or video",
            ("model", _) => "a model",
            (_, "application/pdf") => "a PDF",
            (_, "application/wasm") => "a program",
            (_, essence)
                if [
                    "grpc", "protobuf", "proto", "msgpack", "cbor", "avro", "thrift", "bson", "arrow",
                    "parquet",
                ]
                .iter()
                .any(|word| essence.contains(word)) =>
            {
                "a binary message"
            }
            (_, essence)
                if ["zip", "tar", "7z", "rar", "compress"].iter().any(|word| essence.contains(word)) =>
            {
                "an archive"
            }
            (_, essence)
                if ["office", "msword", "excel", "powerpoint", "opendocument"]
                    .iter()
                    .any(|word| essence.contains(word)) =>
            {
                "an office document"
            }
            _ => "binary data",
        }
    }

    /// What the body is that starts with `first`, or is that when it has `ended`; `None` while more must be known. It
    /// is asked with each byte more, so that the answer is the same however the body is cut.
    pub fn kind(&self, first: &[u8], ended: bool, strict: bool) -> Option<Kind> {
        let known = ended || first.len() >= FIRST_BYTES_MAX;
        if first.is_empty() {
            return known.then_some(Kind::Text);
        }
        match compressed(first, ended) {
            Some(None) => {}
            Some(Some(coding)) => return Some(Kind::Compressed(coding)),
            None => return None,
        }
        match magic::of(first, ended) {
            Some(None) => {}
            Some(Some(what)) => return Some(Kind::Opaque(what)),
            None => return None,
        }
        match Shape::of(first, known) {
            Some(shape) => self.by_shape(shape, first, known, strict),
            None => None,
        }
    }

    fn by_shape(&self, shape: Shape, first: &[u8], known: bool, strict: bool) -> Option<Kind> {
        match shape {
            Shape::Records => return Some(Kind::Lines),
            Shape::Json if self.is_lines() => return Some(Kind::Lines),
            Shape::Json => return Some(Kind::Json),
            Shape::MayBeJson if self.is_lines() => return Some(Kind::Lines),
            Shape::MayBeJson if self.is_json() => return Some(Kind::Json),
            Shape::Markup if !first.contains(&0) => return shape::root(first, known),
            Shape::Events if !self.ends("yaml") => return Some(Kind::Events),
            Shape::Multipart if !self.is_multipart() => return Some(Kind::Multipart),
            Shape::Other | Shape::MayBeJson | Shape::Markup | Shape::Events | Shape::Multipart => {}
        }
        if self.is_multipart() {
            return Some(Kind::Multipart);
        }
        if !self.is_textual() {
            return known.then(|| match is_sure_text(first) {
                true => Kind::Text,
                false => Kind::Opaque(self.opaque()),
            });
        }
        // The first characters tell; what comes later is watched.
        if !known && first.len() < TEXT_BYTES_TELL {
            return None;
        }
        if !is_text(first) {
            return Some(Kind::Opaque("text that holds something else"));
        }
        match self.essence.as_str() {
            "text/event-stream" => Some(Kind::Events),
            "message/rfc822" | "message/global" | "message/http" => Some(Kind::Message),
            _ if self.is_form() => Some(Kind::Form),
            _ if self.is_markup() => Some(Kind::Markup),
            _ if self.is_lines() => Some(Kind::Lines),
            _ => match self.table() {
                // Under the name of commas some programs write semicolons.
                Some(b',') if strict => match shape::table(first, known)? {
                    Kind::Text => Some(Kind::Table(b',')),
                    table => Some(table),
                },
                Some(parting) => Some(Kind::Table(parting)),
                // Whoever puts one value into two columns need not say that it is a table.
                None if strict && self.is(&["", "text/plain"]) => shape::table(first, known),
                None => Some(Kind::Text),
            },
        }
    }
}

/// Whether the start of a text is one: no zero, and hardly a control character.
fn is_text(first: &[u8]) -> bool {
    let controls = first.iter().filter(|byte| is_control(**byte)).count();
    !first.contains(&0) && controls * 10 <= first.len()
}

/// Whether what is said to be something else is text: all of it, in UTF-8.
fn is_sure_text(first: &[u8]) -> bool {
    let utf8 = str::from_utf8(first).map_or_else(|error| error.error_len().is_none(), |_| true);
    utf8 && !first.iter().any(|byte| is_control(*byte))
}

/// How a body is compressed that starts with `first`; `None` while more must be known.
fn compressed(first: &[u8], ended: bool) -> Option<Option<Coding>> {
    let starts: [(&[u8], Coding); 2] = [(b"\x1f\x8b\x08", Coding::Gzip), (b"\x28\xb5\x2f\xfd", Coding::Zstd)];
    for (start, coding) in starts {
        if first.starts_with(start) {
            return Some(Some(coding));
        }
        if !ended && start.starts_with(first) {
            return None;
        }
    }
    match first {
        // Only `x` and a letter would be text.
        [0x78, flags, ..] if is_zlib(0x78, *flags) && *flags > 0x7e => Some(Some(Coding::Deflate)),
        [0x78, 1, ..] => Some(Some(Coding::Deflate)),
        // `x^` may be the start of a formula.
        [0x78, 0x5e, next, ..] if is_control(*next) || *next >= 0x80 => Some(Some(Coding::Deflate)),
        [0x78] | [0x78, 0x5e] if !ended => None,
        _ => Some(None),
    }
}

/// The parts of a header that semicolons part: a value, and parameters with their values (RFC 9110 §5.6.6).
pub(super) fn parameters(header: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' => return !quoted,
                _ => {}
            }
            false
        });
        let (part, behind) = end.and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
        rest = behind.strip_prefix(';').unwrap_or_default();
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        let value = match value.strip_prefix('"') {
            Some(inner) => {
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                let mut unescaped = String::new();
                let mut characters = inner.chars();
                while let Some(character) = characters.next() {
                    unescaped.extend(if character == '\\' { characters.next() } else { Some(character) });
                }
                unescaped
            }
            None => value.to_owned(),
        };
        Some((name.trim().to_owned(), value))
    })
}

/// So much of a body is looked at to say what it is.
pub(super) const FIRST_BYTES_MAX: usize = 1024;
/// So many characters of a text tell that it is one.
const TEXT_BYTES_TELL: usize = 4;

#[cfg(test)]
mod tests;
