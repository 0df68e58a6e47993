use crate::text::Text;

/// The characters that one sort of token is made of.
///
/// Matching by alphabet and length takes one step a character whatever the bytes are, where an expression with
/// alternatives would go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `0-9 a-f A-F`
    Hex,
    /// The same and `-`.
    Uuid,
    /// `0-9 A-Z`
    Upper,
    /// The same and `-`.
    Serial,
    /// `0-9 A-Z a-z`
    Alnum,
    /// The same, `_` and `-`: base64url (RFC 4648 §5).
    Word,
    /// The same, `.`, `=` and `~`.
    Dotted,
    /// `0-9 A-Z a-z + / =`: base64 (RFC 4648 §4).
    Base64,
    /// The same and `_`.
    Signed,
    /// Letters, digits, `+ / = % _ - .`: base64 with its signs percent-escaped.
    Escaped,
    /// Letters, digits, `/ _ -`: the path of a URL.
    Path,
    /// The same and `@`.
    Webhook,
}

impl Alphabet {
    /// The alphabet that the table of rules calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "hex" => Self::Hex,
            "uuid" => Self::Uuid,
            "upper" => Self::Upper,
            "serial" => Self::Serial,
            "alnum" => Self::Alnum,
            "word" => Self::Word,
            "dotted" => Self::Dotted,
            "base64" => Self::Base64,
            "signed" => Self::Signed,
            "escaped" => Self::Escaped,
            "path" => Self::Path,
            "webhook" => Self::Webhook,
            _ => return None,
        })
    }

    /// Whether `byte` belongs to it. A star never does: what is masked is no token.
    pub fn has(self, byte: u8) -> bool {
        match byte {
            b'0'..=b'9' | b'A'..=b'F' => true,
            b'a'..=b'f' => !matches!(self, Self::Upper | Self::Serial),
            b'G'..=b'Z' => !matches!(self, Self::Hex | Self::Uuid),
            b'g'..=b'z' => !matches!(self, Self::Hex | Self::Uuid | Self::Upper | Self::Serial),
            b'-' => matches!(
                self,
                Self::Uuid
                    | Self::Serial
                    | Self::Word
                    | Self::Dotted
                    | Self::Escaped
                    | Self::Path
                    | Self::Webhook
            ),
            b'_' => matches!(
                self,
                Self::Word | Self::Dotted | Self::Signed | Self::Escaped | Self::Path | Self::Webhook
            ),
            b'.' => matches!(self, Self::Dotted | Self::Escaped),
            b'~' => self == Self::Dotted,
            b'=' => matches!(self, Self::Dotted | Self::Base64 | Self::Signed | Self::Escaped),
            b'+' => matches!(self, Self::Base64 | Self::Signed | Self::Escaped),
            b'/' => matches!(self, Self::Base64 | Self::Signed | Self::Escaped | Self::Path | Self::Webhook),
            b'%' => self == Self::Escaped,
            b'@' => self == Self::Webhook,
            _ => false,
        }
    }

    /// How many bytes from `at` on belong to it, counted to `most` at most.
    pub fn run(self, text: &Text<'_>, at: usize, most: usize) -> usize {
        run(text, at, most, |byte| self.has(byte))
    }
}

/// How many bytes from `at` on are as `wanted`, counted to `most` at most.
pub(crate) fn run(text: &Text<'_>, at: usize, most: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let known = text.known(at..at.saturating_add(most));
    let length = known.iter().take_while(|byte| wanted(**byte)).count();
    super::work::done(length + 1);
    if length == known.len() && length < most {
        // It may go on: to be asked again when there is more.
        text.get(at + length);
    }
    length
}
