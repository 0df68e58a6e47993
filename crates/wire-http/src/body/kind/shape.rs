//! What a text looks like by its first characters.

use super::Kind;

/// What a text may be, by how it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON, and hardly anything else.
    Json,
    /// It starts as a JSON value may, and as other texts do.
    MayBeJson,
    /// JSON texts behind record separators (RFC 7464).
    Records,
    Markup,
    Events,
    Multipart,
    Other,
}

impl Shape {
    /// What a text that starts with `first` looks like; `None` while more must be `known`.
    pub fn of(first: &[u8], known: bool) -> Option<Self> {
        if first.first() == Some(&0x1e) {
            return Some(Self::Records);
        }
        let text = first.trim_ascii_start();
        let Some((start, rest)) = text.split_first() else { return known.then_some(Self::Other) };
        match start {
            b'{' => match rest.trim_ascii_start().first() {
                Some(b'"' | b'}') => Some(Self::Json),
                Some(_) => Some(Self::MayBeJson),
                None => known.then_some(Self::MayBeJson),
            },
            b'[' => array(rest.trim_ascii_start(), known),
            b'<' => match rest.first() {
                Some(b'a'..=b'z' | b'A'..=b'Z' | b'?' | b'!' | b'/') => Some(Self::Markup),
                Some(_) => Some(Self::Other),
                None => known.then_some(Self::Other),
            },
            b'-' => dashes(text, known),
            b'"' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Self::MayBeJson),
            b'd' | b'e' | b'i' | b'r' | b':' => events(text, known),
            _ => Some(Self::Other),
        }
    }
}

/// What starts with `[`: an array, or what is put in brackets elsewhere, such as a date in a log.
fn array(rest: &[u8], known: bool) -> Option<Shape> {
    let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let rest = match rest.first() {
        Some(b'{' | b'[' | b'"' | b']') => return Some(Shape::Json),
        Some(b'0'..=b'9' | b'-') => {
            let length = rest.iter().take_while(|byte| digits(byte)).count();
            let (number, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            // A date has dashes among its digits.
            let inner = number.get(1..).unwrap_or_default().windows(2);
            let is_date = inner.into_iter().any(|pair| matches!(pair, [b'0'..=b'9', b'-']));
            if is_date {
                return Some(Shape::MayBeJson);
            }
            rest
        }
        Some(b't' | b'f' | b'n') => {
            let words: [&[u8]; 3] = [b"true", b"false", b"null"];
            let Some(rest) = words.iter().find_map(|word| rest.strip_prefix(*word)) else {
                let may_come = !known && words.iter().any(|word| word.starts_with(rest));
                return (!may_come).then_some(Shape::MayBeJson);
            };
            rest
        }
        Some(_) => return Some(Shape::MayBeJson),
        None => return known.then_some(Shape::MayBeJson),
    };
    match rest.trim_ascii_start().first() {
        Some(b',' | b']') => Some(Shape::Json),
        Some(_) => Some(Shape::MayBeJson),
        None => known.then_some(Shape::MayBeJson),
    }
}

/// What starts with a dash: a negative number, or the first line of a multipart body (RFC 2046 §5.1.1).
fn dashes(text: &[u8], known: bool) -> Option<Shape> {
    let Some(line) = text.strip_prefix(b"--") else {
        return match text.get(1) {
            Some(b'-') => Some(Shape::Other),
            Some(_) => Some(Shape::MayBeJson),
            None => known.then_some(Shape::MayBeJson),
        };
    };
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        let may_come = !known && line.len() <= BOUNDARY_BYTES_MAX + 1;
        return (!may_come).then_some(Shape::Other);
    };
    let head = line.get(end + 1..).unwrap_or_default();
    let wanted = b"content-";
    let known_head = head.get(..wanted.len()).unwrap_or(head);
    let agrees = known_head.iter().zip(wanted).all(|(byte, wanted)| byte.to_ascii_lowercase() == *wanted);
    match agrees && known_head.len() == wanted.len() {
        true => Some(Shape::Multipart),
        false if agrees && !known => None,
        false => Some(Shape::Other),
    }
}

/// What starts like a field of an event stream (HTML §9.2.5).
fn events(text: &[u8], known: bool) -> Option<Shape> {
    let mut rest = text;
    loop {
        for field in [&b"data:"[..], b"event:"] {
            if let Some(value) = rest.strip_prefix(field) {
                return match value.first() {
                    // So a mapping starts in YAML.
                    Some(b'\r' | b'\n') => Some(Shape::Other),
                    Some(_) => Some(Shape::Events),
                    None => known.then_some(Shape::Other),
                };
            }
            if !known && field.starts_with(rest) {
                return None;
            }
        }
        let lead = [&b"id:"[..], b"retry:", b":"];
        if !lead.iter().any(|field| rest.starts_with(field)) {
            let may_come = !known && lead.iter().any(|field| field.starts_with(rest));
            return (!may_come).then_some(Shape::Other);
        }
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return known.then_some(Shape::Other);
        };
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
        if rest.is_empty() {
            return known.then_some(Shape::Other);
        }
    }
}

/// What a document is whose start is known up to its root element: markup, unless it declares entities, whose text
/// stands elsewhere (XML §4.2).
pub(super) fn root(first: &[u8], known: bool) -> Option<Kind> {
    let mut rest = first;
    while let Some(at) = memchr::memchr(b'<', rest) {
        let tag = rest.get(at..).unwrap_or_default();
        let end = if tag.starts_with(b"<!--") {
            memchr::memmem::find(tag, b"-->")
        } else if tag.starts_with(b"<?") {
            memchr::memmem::find(tag, b"?>")
        } else if tag.starts_with(b"<!") {
            if memchr::memmem::find(tag, b"<!ENTITY").is_some() {
                return Some(Kind::Opaque(OWN_ENTITIES));
            }
            // What stands in brackets may end with `>`, too.
            match memchr::memchr2(b'[', b'>', tag).and_then(|at| tag.get(at).map(|byte| (at, *byte))) {
                Some((_, b'[')) => memchr::memmem::find(tag, b"]>"),
                Some((at, _)) => Some(at),
                None => None,
            }
        } else if tag.len() > 1 || known {
            return Some(Kind::Markup);
        } else {
            return None;
        };
        match end {
            Some(end) => rest = tag.get(end + 1..).unwrap_or_default(),
            None => return known.then_some(Kind::Markup),
        }
    }
    known.then_some(Kind::Markup)
}

/// Whether the first line of a text that says nothing of itself is that of a table.
pub(super) fn table(first: &[u8], known: bool) -> Option<Kind> {
    let Some(end) = first.iter().position(|byte| *byte == b'\n') else {
        return known.then_some(Kind::Text);
    };
    let line = first.get(..end).unwrap_or_default();
    let partings = [b',', b'\t', b';', b'|'];
    let most = partings.into_iter().max_by_key(|parting| line.iter().filter(|byte| *byte == parting).count());
    let parting = most.filter(|parting| line.contains(parting));
    Some(parting.map_or(Kind::Text, Kind::Table))
}

/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_BYTES_MAX: usize = 72;
/// What is said of XML that declares entities of its own.
pub(in crate::body) const OWN_ENTITIES: &str = "XML with entities of its own";
