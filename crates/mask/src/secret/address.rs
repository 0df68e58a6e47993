//! Passwords in the addresses of services: `scheme://user:password@host` (RFC 3986 §3.2.1), and on command lines.

use super::alphabet::run;
use super::{Hit, worth};
use crate::text::Text;

/// What is at `at`, behind the colon that `before` ends in.
pub(crate) fn judge(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let [user @ .., b':'] = before else { return None };
    let reach = user.len().saturating_sub(USER_MAX + 3);
    let user = user.get(reach..).unwrap_or_default();
    let length = user.iter().rev().take_while(|byte| in_user(**byte)).count();
    let (head, user) = user.split_at_checked(user.len() - length)?;
    super::work::done(length);
    if head.ends_with(b"://") {
        return userinfo(text, at);
    }
    let head = head.strip_suffix(b"\"").or_else(|| head.strip_suffix(b"'")).unwrap_or(head);
    let option = head.ends_with(b" -u ") || head.ends_with(b" --user ") || head.ends_with(b" --user=");
    if !option || user.is_empty() {
        return None;
    }
    let length = run(text, at, PASSWORD_MAX + 1, |byte| byte.is_ascii_graphic() && !is_end(byte));
    let password = text.known(at..at + length);
    let fits = (3..=PASSWORD_MAX).contains(&length) && !is_stand_in(password);
    fits.then(|| Hit::whole(at + length, "command-line-password"))
}

/// A password, up to the last `@` before the host.
fn userinfo(text: &Text<'_>, at: usize) -> Option<Hit> {
    let length =
        run(text, at, PASSWORD_MAX + 1, |byte| byte > b' ' && !is_end(byte) && !matches!(byte, b'/' | b'?'));
    if length > PASSWORD_MAX {
        return None;
    }
    let rest = text.known(at..at + length);
    let length = rest.iter().rposition(|byte| *byte == b'@')?;
    let (password, host) = rest.split_at_checked(length)?;
    let named = host.get(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b'_'))
        // A host that is a variable does not make its password one.
        || matches!(host, [b'@', b'$' | b'{' | b'%', ..]);
    (named && !password.is_empty() && !is_stand_in(password))
        .then(|| Hit::whole(at + length, "connection-password"))
}

/// Whether a password stands only for one: documents have these.
pub(crate) fn is_stand_in(password: &[u8]) -> bool {
    let plain = [
        b"password".as_slice(),
        b"passwd",
        b"pass",
        b"pwd",
        b"pw",
        b"p",
        b"secret",
        b"x",
        b"none",
        b"null",
        b"nil",
        b"true",
        b"false",
    ];
    plain.iter().any(|word| password.eq_ignore_ascii_case(word))
        || password.starts_with(b"$")
        || (password.len() > 2 && worth::is_placeholder(password))
}

pub(crate) fn in_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'%' | b'+' | b'$' | b'{' | b'}')
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}

/// The longest name of a user.
pub(crate) const USER_MAX: usize = 64;
const PASSWORD_MAX: usize = 200;
