//! Tags, as far as they say something of the text in them.

use std::ops::Range;

/// A start tag, an end tag, or one that is both.
pub(super) struct Tag<'a> {
    /// Without its prefix.
    pub name: &'a [u8],
    pub closes: bool,
    pub is_empty: bool,
    /// What the element is called in a dialect in which all elements have the same name: `<field name="cvv">`.
    pub called: Option<&'a [u8]>,
}

/// Where a tag is after one more byte.
pub(super) enum End {
    Ends,
    /// In quotes of this sort, or in none.
    In(Option<u8>),
}

/// Goes on in a tag of which `token` has come, its last byte being `byte`.
pub(super) fn ends(quote: Option<u8>, byte: u8, token: &[u8]) -> End {
    match (quote, byte) {
        (None, b'>') => End::Ends,
        // Elsewhere a quote is part of a word that somebody did not quote.
        (None, b'"' | b'\'') => {
            let before = token.split_last().map(|(_, before)| before.trim_ascii_end());
            End::In(before.is_some_and(|before| before.ends_with(b"=")).then_some(byte))
        }
        (Some(quote), byte) if byte == quote => End::In(None),
        (quote, _) => End::In(quote),
    }
}

impl<'a> Tag<'a> {
    pub fn read(token: &'a [u8]) -> Self {
        let inner = token.strip_prefix(b"<").unwrap_or(token);
        let inner = inner.strip_suffix(b">").unwrap_or(inner);
        let (inner, closes) = inner.strip_prefix(b"/").map_or((inner, false), |inner| (inner, true));
        let (inner, is_empty) = inner.strip_suffix(b"/").map_or((inner, false), |inner| (inner, true));
        let end = inner.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
        let (name, rest) = end.and_then(|end| inner.split_at_checked(end)).unwrap_or((inner, &[]));
        let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        Self { name, closes, is_empty, called: if closes { None } else { called(rest) } }
    }

    /// Whether it stands within a line of text, which goes on over it.
    pub fn is_inline(&self) -> bool {
        INLINE.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

/// Where an attribute stands in a tag.
pub(super) struct Attribute {
    pub name: Range<usize>,
    /// Without its quotes.
    pub value: Range<usize>,
}

/// The attributes of a tag that have a value.
pub(super) fn attributes(token: &[u8]) -> Vec<Attribute> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(equals) = memchr::memchr(b'=', token.get(at..).unwrap_or_default()).map(|it| at + it) {
        let before = token.get(at..equals).unwrap_or_default().trim_ascii_end();
        let length = before.iter().rev().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let name = at + before.len() - length..at + before.len();
        let behind = token.get(equals + 1..).unwrap_or_default();
        let start = equals + 1 + (behind.len() - behind.trim_ascii_start().len());
        let rest = token.get(start..).unwrap_or_default();
        let value = match rest.split_first() {
            Some((quote @ (b'"' | b'\''), rest)) => {
                start + 1..start + 1 + memchr::memchr(*quote, rest).unwrap_or(rest.len())
            }
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
                start..start + rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        at = value.end + 1;
        found.push(Attribute { name, value });
    }
    found
}

/// The value of the first attribute that gives a name.
fn called(attributes: &[u8]) -> Option<&[u8]> {
    let mut rest = attributes;
    loop {
        let equals = memchr::memchr(b'=', rest)?;
        let (before, behind) = rest.split_at_checked(equals)?;
        let name = before.trim_ascii().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        let value = behind.get(1..)?.trim_ascii_start();
        let (value, behind) = match value.split_first() {
            Some((quote @ (b'"' | b'\''), value)) => {
                let end = memchr::memchr(*quote, value).unwrap_or(value.len());
                (value.get(..end)?, value.get(end + 1..).unwrap_or_default())
            }
            _ => {
                let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
                value.split_at_checked(end)?
            }
        };
        if [&b"name"[..], b"key", b"id"].iter().any(|wanted| name.eq_ignore_ascii_case(wanted)) {
            return Some(value);
        }
        rest = behind;
    }
}

/// Elements over which a line of text goes on, in HTML and in what is made like it.
const INLINE: &[&[u8]] = &[
    b"a", b"abbr", b"acronym", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"dfn",
    b"em", b"font", b"i", b"ins", b"kbd", b"label", b"mark", b"nobr", b"q", b"rb", b"rp", b"rt", b"ruby",
    b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub", b"sup", b"time", b"tt", b"u", b"var",
    b"wbr",
];
