//! The head of a part or of a message.

use crate::body::kind::parameters;

/// What a head says that matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub content_type: Option<String>,
    /// `Content-Transfer-Encoding`; empty if there is none.
    pub encoding: String,
    /// The name of a form's field.
    pub name: Option<String>,
    pub is_file: bool,
}

impl Head {
    /// Whether `head` ends with the empty line that ends it.
    pub fn is_whole(head: &[u8]) -> bool {
        [&b"\r\n"[..], b"\n"].contains(&head) || head.ends_with(b"\n\n") || head.ends_with(b"\n\r\n")
    }

    /// Whether `head` begins with what is no line of any head.
    pub fn is_none(head: &[u8]) -> bool {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let length = name.count();
        line.get(length).is_some_and(|byte| *byte != b':' || length == 0)
    }

    /// Reads a head; a line that begins with a space goes on with the one before it (RFC 5322 §2.2.3).
    pub fn read(head: &[u8]) -> Self {
        let text: String = String::from_utf8_lossy(head).into_owned();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            match lines.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
                _ => lines.push(line.to_owned()),
            }
        }
        let mut read = Self::default();
        for (name, value) in lines.iter().filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "content-type" if read.content_type.is_none() => read.content_type = Some(value.to_owned()),
                "content-transfer-encoding" if read.encoding.is_empty() => read.encoding = value.to_owned(),
                "content-disposition" if read.name.is_none() => {
                    for (name, value) in parameters(value).skip(1) {
                        match name.to_ascii_lowercase().as_str() {
                            "name" => read.name = Some(value),
                            "filename" | "filename*" => read.is_file = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        read
    }
}
