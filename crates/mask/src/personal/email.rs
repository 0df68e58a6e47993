use crate::secret::escape;
use crate::text::Text;
use crate::work;

/// Where the e-mail address that starts at `at` ends: a dot-atom (RFC 5322 §3.2.3) of 64 bytes at most, and a
/// domain of two labels at least (RFC 5321 §4.1.2, §4.5.3.1).
///
/// Of the signs that a dot-atom may have, only those count that addresses have in practice: the others are more
/// often what stands beside an address than part of it. Nor does quoting, nor what is not ASCII.
pub(crate) fn find(text: &Text<'_>, at: usize, before: &[u8]) -> Option<usize> {
    // Where a word began before, and was none, a part of it may be one.
    let in_word = before.last().is_some_and(|last| is_first(*last)) && !escape::ends(before);
    // The letter of an escape is none of an address.
    let escaped = before.last() == Some(&b'\\')
        && matches!(text.get(at), Some(b'n' | b'r' | b't' | b'b' | b'f' | b'u'));
    if in_word || escaped || is_userinfo(before) {
        return None;
    }
    let length = run(text, at, LOCAL_MAX + 1, is_local);
    if length > LOCAL_MAX || text.get(at + length) != Some(b'@') {
        return None;
    }
    let local = text.known(at..at + length);
    let dots = local.ends_with(b".") || local.windows(2).any(|pair| pair == b"..");
    if dots {
        return None;
    }
    let domain = at + length + 1;
    let length = run(text, domain, DOMAIN_MAX + 1, is_domain);
    let end = domain + host(text.known(domain..domain + length))?;
    // `git@github.com:owner/repository` is a place.
    let is_place = local == b"git" && text.get(end) == Some(b':');
    (length <= DOMAIN_MAX && !is_place).then_some(end)
}

/// Whether the part before the `@` may begin with `byte`.
pub(crate) fn is_first(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(crate) fn is_local(byte: u8) -> bool {
    is_first(byte) || is_sign(byte)
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'.' | b'%' | b'+' | b'-')
}

/// Whether what follows is the user in an address of another kind, `https://user@host`.
fn is_userinfo(before: &[u8]) -> bool {
    let word =
        before.iter().rev().take_while(|byte| is_local(**byte) || matches!(byte, b':' | b'$' | b'*')).count();
    before.get(..before.len() - word).is_some_and(|head| head.ends_with(b"//"))
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// How long the name of a host is that `word` begins with: labels of 63 bytes, the last of them letters or an
/// internationalised one. A sentence may follow its full stop without a space.
fn host(word: &[u8]) -> Option<usize> {
    let mut end = None;
    let mut at = 0;
    for (index, label) in word.split(|byte| *byte == b'.').enumerate() {
        let hyphens = label.iter().rev().take_while(|byte| **byte == b'-').count();
        let name = label.get(..label.len() - hyphens).unwrap_or_default();
        if name.is_empty() || name.len() > 63 || name.starts_with(b"-") {
            break;
        }
        let letters = || name.len() >= 2 && name.iter().all(u8::is_ascii_alphabetic);
        // `icon@2x.png` is a file.
        let is_file = || FILES.iter().any(|ending| name.eq_ignore_ascii_case(ending.as_bytes()));
        if index > 0 && (letters() || name.starts_with(b"xn--")) && !is_file() {
            end = Some(at + name.len());
        }
        if name.len() < label.len() {
            break;
        }
        at += label.len() + 1;
    }
    end
}

/// How many bytes from `at` on are as `wanted`, counted to `most` at most.
fn run(text: &Text<'_>, at: usize, most: usize, wanted: fn(u8) -> bool) -> usize {
    let known = text.known(at..at + most);
    let length = known.iter().take_while(|byte| wanted(**byte)).count();
    work::done(length + 1);
    if length == known.len() && length < most {
        text.get(at + length);
    }
    length
}

/// Endings of files that are no top-level domains.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "cjs", "ts", "tsx", "json", "html",
];
pub(crate) const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
