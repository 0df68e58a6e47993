//! Files in prompts: base64, with or without `data:` before it (RFC 2397).

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::doc::{Doc, Edits, Kind, escape};
use super::text;
use crate::body::{Care, Opaque, Withheld};

/// What of a prompt's files is to be written otherwise.
pub(super) struct Blobs {
    pub edits: Edits,
    pub found: u32,
}

/// Masks the files in a prompt.
///
/// # Errors
/// When one may not pass.
pub(super) fn mask(care: &Care, doc: &Doc<'_>) -> Result<Blobs, Withheld> {
    let mut blobs = Blobs { edits: Edits::new(), found: 0 };
    for holder in 0..doc.len() {
        let media = |at: usize| matches!(&*doc.name(at), "media_type" | "mimeType" | "mime_type" | "format");
        let typed = doc.kind(holder) == Some(Kind::Object) && doc.children(holder).any(media);
        let images = doc.kind(holder) == Some(Kind::Array) && doc.name(holder) == "images";
        for at in doc.children(holder).filter(|at| doc.kind(*at) == Some(Kind::String)) {
            let file = match &*doc.name(at) {
                "data" => typed,
                "file_data" | "b64_json" => true,
                // An element, as Ollama has them.
                "" => images,
                _ => false,
            };
            let Some(text) = doc.string(at) else { continue };
            let Some((before, packed)) = packed(&text, file) else { continue };
            let header = before.to_ascii_lowercase().replace(' ', "");
            let base64 = header.is_empty() || header.ends_with(";base64,");
            let is_text = header.starts_with("data:text/");
            let Some((told, found)) = blob(care, is_text, packed, base64)? else { continue };
            blobs.found += found;
            blobs.edits.push((doc.content(at), escape(&[before.as_bytes(), &told].concat())));
        }
    }
    Ok(blobs)
}

/// What stands before a file's bytes, and these; `None` for a string that is no file.
fn packed(text: &str, file: bool) -> Option<(&str, &str)> {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return text.split_at_checked(text.find(',')? + 1);
    }
    (file && !text.is_empty()).then_some(("", text))
}

/// What is written instead of a file, and how much was found in it.
fn blob(care: &Care, is_text: bool, packed: &str, base64: bool) -> Result<Option<(Vec<u8>, u32)>, Withheld> {
    let bytes = if base64 {
        let packed: Vec<u8> = packed.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        [STANDARD, URL].iter().find_map(|engine| engine.decode(&packed).ok())
    } else {
        Some(percent_decoded(packed.as_bytes()))
    };
    let Some(bytes) = bytes else { return opaque(care, "a file in a prompt, in an unknown coding") };
    let told = match str::from_utf8(&bytes) {
        Ok(_) if !bytes.contains(&0) => text::mask(care, &bytes, &[]),
        _ if is_text || care.opaque == Opaque::Scan => care.masker.text(&bytes),
        _ => return opaque(care, "a file in a prompt that is no text"),
    };
    let Some(told) = told else { return Ok(None) };
    if told.sad {
        return Err(Withheld::Sad);
    }
    let written = if base64 {
        let url = packed.contains(['-', '_']);
        if url { URL.encode(&told.bytes).into_bytes() } else { STANDARD.encode(&told.bytes).into_bytes() }
    } else {
        percent_encoded(&told.bytes)
    };
    Ok(Some((written, told.found)))
}

fn opaque<T>(care: &Care, what: &'static str) -> Result<Option<T>, Withheld> {
    match care.opaque {
        Opaque::Refuse => Err(Withheld::NotUnderstood(what)),
        Opaque::Pass | Opaque::Scan => Ok(None),
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

fn percent_encoded(bytes: &[u8]) -> Vec<u8> {
    let encoded = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' => vec![*byte],
        byte => format!("%{byte:02X}").into_bytes(),
    };
    bytes.iter().flat_map(encoded).collect()
}

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);
const URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG);
