//! Character references (XML §4.1, HTML §13.5), as far as they may stand in a number.

/// The text of a reference.
pub(super) struct Entity(pub String);

impl Entity {
    /// Whether a reference that began with `token` may go on with `byte`.
    pub fn goes_on(token: &[u8], byte: u8) -> bool {
        let fits = match token {
            [b'&'] => byte == b'#' || byte.is_ascii_alphabetic(),
            [b'&', b'#'] => matches!(byte, b'x' | b'X') || byte.is_ascii_digit(),
            [b'&', b'#', b'x' | b'X'] => byte.is_ascii_hexdigit(),
            [b'&', b'#', b'x' | b'X', ..] => byte.is_ascii_hexdigit() || byte == b';',
            [b'&', b'#', ..] => byte.is_ascii_digit() || byte == b';',
            _ => byte.is_ascii_alphanumeric() || byte == b';',
        };
        fits && token.len() < ENTITY_BYTES_MAX
    }

    /// Reads a reference; browsers take one to a number without the semicolon, too.
    pub fn read(token: &[u8]) -> Option<Self> {
        let token = str::from_utf8(token).ok()?.strip_prefix('&')?;
        let name = token.strip_suffix(';').unwrap_or(token);
        if let Some(number) = name.strip_prefix('#') {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            return char::from_u32(code).filter(|it| *it != '\0').map(|it| Self(it.into()));
        }
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, text)| Self((*text).into()))
    }
}

/// Longest reference that is looked at: leading zeros are allowed.
const ENTITY_BYTES_MAX: usize = 32;
/// The five of XML, and those of HTML that stand for what may part or be digits.
const NAMES: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", "\u{a0}"),
    ("NonBreakingSpace", "\u{a0}"),
    ("shy", "\u{ad}"),
    ("ensp", "\u{2002}"),
    ("emsp", "\u{2003}"),
    ("emsp13", "\u{2004}"),
    ("emsp14", "\u{2005}"),
    ("numsp", "\u{2007}"),
    ("puncsp", "\u{2008}"),
    ("thinsp", "\u{2009}"),
    ("ThinSpace", "\u{2009}"),
    ("hairsp", "\u{200a}"),
    ("VeryThinSpace", "\u{200a}"),
    ("ZeroWidthSpace", "\u{200b}"),
    ("NegativeThinSpace", "\u{200b}"),
    ("zwnj", "\u{200c}"),
    ("zwj", "\u{200d}"),
    ("lrm", "\u{200e}"),
    ("rlm", "\u{200f}"),
    ("hyphen", "\u{2010}"),
    ("dash", "\u{2010}"),
    ("ndash", "\u{2013}"),
    ("mdash", "\u{2014}"),
    ("MediumSpace", "\u{205f}"),
    ("NoBreak", "\u{2060}"),
    ("minus", "\u{2212}"),
    ("Tab", "\t"),
    ("NewLine", "\n"),
    ("sol", "/"),
    ("bsol", "\\"),
    ("lowbar", "_"),
    ("period", "."),
    ("comma", ","),
    ("colon", ":"),
    ("equals", "="),
    ("percnt", "%"),
    ("Hat", "^"),
    ("semi", ";"),
    ("sup1", "\u{b9}"),
    ("sup2", "\u{b2}"),
    ("sup3", "\u{b3}"),
];
