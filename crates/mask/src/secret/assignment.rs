//! Values that a name says to be secret: `api_key = "…"`, `"client_secret": "…"`, `Authorization: Bearer …`.

use std::sync::LazyLock;

use super::address::is_stand_in;
use super::alphabet::{Alphabet, run};
use super::{Hit, provider, worth};
use crate::ending::Endings;
use crate::text::Text;

/// What is at `at`, where a value begins if `before` ends in a name and a sign that gives it one.
pub(crate) fn judge(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    if before.last() == Some(&b' ')
        && let Some(hit) = authorization(text, at, before)
    {
        return Some(hit);
    }
    let place = Place::read(before)?;
    let name = Name::read(place.name);
    let sort = name.sort()?;
    let value = place.value(text, at)?;
    // Without quotes it may be the name of a type or of a variable, which has one number in it at most.
    let is_value = place.quote.is_some() || numbers(value) >= 2;
    let fits = match sort {
        Sort::Password if is_connection(place.name, before) => !is_stand_in(value) && !is_code(value),
        Sort::Password => value.len() >= PASSWORD_MIN && worth::entropy(value) >= 2.4 && is_odd(value),
        Sort::Token => is_value && value.len() >= TOKEN_MIN && worth::entropy(value) >= 3.0 && is_key(value),
        Sort::Header => {
            is_value && value.len() >= HEADER_MIN && worth::entropy(value) >= 3.0 && is_key(value)
        }
    };
    if !fits || worth::is_placeholder(value) || holds_listed(text, at, value.len()) {
        return None;
    }
    let rule = match sort {
        Sort::Password if is_connection(place.name, before) => "connection-password",
        Sort::Password => "password",
        Sort::Token if name.is_aws_secret() && value.len() == 40 => "aws-secret-access-key",
        Sort::Token => "generic-secret",
        Sort::Header => "authorization-header",
    };
    Some(Hit::whole(at + value.len(), rule))
}

/// A secret access key of AWS that stands alone: 40 characters of base64, with AWS's name before it, or a
/// key's identifier.
pub(crate) fn aws(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let escaped = matches!(before, [.., b'\\', b'n' | b'r' | b't']);
    if before.last().is_some_and(|byte| is_standard(*byte)) && !escaped {
        return None;
    }
    // First what is known already: hardly any word has forty characters.
    let known = text.known(at..at + AWS + 1).iter().take_while(|byte| is_standard(**byte)).count();
    let open = known == text.len().saturating_sub(at) && !text.ended();
    if known != AWS && !open || !names_aws(before) {
        return None;
    }
    let key = text.known(at..at + run(text, at, AWS + 1, is_standard));
    let fits = key.len() == AWS && worth::is_mixed(key) && worth::entropy(key) >= 4.25;
    (fits && !matches!(text.get(at + AWS), Some(b'=' | b'*')))
        .then(|| Hit::whole(at + AWS, "aws-secret-access-key"))
}

/// Whether a secret access key of AWS may have `byte`.
pub(crate) fn is_standard(byte: u8) -> bool {
    byte != b'=' && Alphabet::Base64.has(byte)
}

/// Whether AWS is spoken of shortly before.
fn names_aws(before: &[u8]) -> bool {
    let before = before.get(before.len().saturating_sub(AWS_REACH)..).unwrap_or_default();
    super::work::done(before.len());
    before.windows(4).any(|word| word.eq_ignore_ascii_case(b"aws_") || word == b"AKIA" || word == b"ASIA")
        || before.windows(12).any(|word| word.eq_ignore_ascii_case(b"secretaccess"))
}

/// Credentials of HTTP (RFC 9110 §11.6.2), behind their scheme's name.
fn authorization(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let before = before.trim_ascii_end();
    let letters = before.iter().rev().take(8).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (head, scheme) = before.split_at_checked(before.len() - letters)?;
    if !SCHEMES.iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes())) {
        return None;
    }
    let basic = scheme.eq_ignore_ascii_case(b"basic");
    let place = Place::read(head)?;
    if !matches!(Name::read(place.name).sort()?, Sort::Header) {
        return None;
    }
    let alphabet = if basic { Alphabet::Base64 } else { Alphabet::Escaped };
    let length = run(text, at, VALUE_MAX, |byte| alphabet.has(byte) || byte == b'~');
    let value = text.known(at..at + length);
    let fits = (8..VALUE_MAX).contains(&length) && worth::entropy(value) >= 2.5;
    if !fits || worth::is_placeholder(value) || holds_listed(text, at, length) {
        return None;
    }
    Some(Hit::whole(at + length, if basic { "http-basic-credentials" } else { "http-bearer-token" }))
}

/// Whether a token that is known by its anchor is in the value, and hides all of it that is secret.
fn holds_listed(text: &Text<'_>, at: usize, length: usize) -> bool {
    (at + 2..at + length.min(ANCHOR_MAX)).any(|place| {
        let before = text.words_before(place, place - at + 1);
        provider::judge(text, place, before).is_some_and(|hit| hit.more.is_some() || hit.end >= at + length)
    })
}

/// What stands behind a name up to its value at most: two quotes, each with its escapes, a bracket, spaces on both
/// sides of a sign, and the sign.
pub(crate) const GAP_MAX: usize = 2 * (1 + ESCAPES_MAX) + 1 + 2 * SPACES_MAX + SIGN_MAX;

/// Whether `byte` is of what may stand between a name and its value.
pub(crate) fn is_gap(byte: u8) -> bool {
    is_sign(byte) || matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']')
}

/// Whether it is of what gives a name a value.
pub(crate) fn is_sign(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b'>')
}

/// What the name that `before` ends in asks of what is between it and a value, if it says that the value is secret.
pub(crate) fn named(before: &[u8]) -> Option<Named> {
    let name = name(before);
    let sort = Name::read(name).sort()?;
    Some(Named { option: name.starts_with(b"--"), header: matches!(sort, Sort::Header) })
}

/// Whether the name that `before` ends in may be one that says so, by its last letters.
pub(crate) fn may_name(before: &[u8]) -> bool {
    static ENDINGS: LazyLock<Endings> = LazyLock::new(|| {
        let (ends, alone) = names();
        Endings::of(ends.chain(alone))
    });
    let name = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || is_joint(**byte));
    ENDINGS.may_be(name.copied().filter(u8::is_ascii_alphanumeric))
}

/// What stands behind a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    /// A value may follow without a sign.
    pub option: bool,
    /// A scheme's name may stand before the value.
    pub header: bool,
}

/// What names end in that say that their values are secret, in small letters; and such names that are too short to be
/// the end of another.
pub(crate) fn names() -> (impl Iterator<Item = &'static str>, impl Iterator<Item = &'static str>) {
    let ends = [PASSWORDS, HEADERS, TOKENS, KEYS].into_iter().flatten().copied();
    (ends, PASSWORDS_ALONE.iter().copied())
}

/// Where a value begins, and what stands before it.
struct Place<'t> {
    name: &'t [u8],
    /// The quote that opens it, and whether it is escaped itself.
    quote: Option<(u8, bool)>,
    /// Whether the name is a tag's.
    tag: bool,
}

impl<'t> Place<'t> {
    fn read(before: &'t [u8]) -> Option<Self> {
        let (rest, quote) = unquote(before);
        let spaced = trim(rest);
        let signs = spaced.iter().rev().take(SIGN_MAX).take_while(|byte| is_sign(**byte)).count();
        let (rest, signs) = spaced.split_at_checked(spaced.len() - signs)?;
        let rest = match signs {
            [] if quote.is_none() && spaced.len() < before.len() => return Self::option(spaced),
            [] => return None,
            // The end of a tag, with the name in it.
            [b'>'] => rest,
            b"=" | b":" | b"=>" | b":=" | b"==" | b"===" => trim(rest),
            _ => return None,
        };
        let rest = rest.strip_suffix(b"]").unwrap_or(rest);
        let (rest, _) = unquote(rest);
        let name = name(rest);
        let tag = signs == b">";
        let opened = rest.get(..rest.len() - name.len()).is_some_and(|head| head.ends_with(b"<"));
        (!name.is_empty() && tag == opened).then_some(Self { name, quote, tag })
    }

    /// An option of a command, `--password`, with its value behind a space.
    fn option(before: &'t [u8]) -> Option<Self> {
        let name = name(before);
        name.starts_with(b"--").then_some(Self { name, quote: None, tag: false })
    }

    /// The value at `at`; `None` when there is none, or it is longer than any secret, or no single word.
    fn value<'v>(&self, text: &Text<'v>, at: usize) -> Option<&'v [u8]> {
        let ends = |byte: u8| match self.quote {
            Some((quote, false)) => byte == quote || byte == b'\\',
            Some((_, true)) => byte == b'\\',
            None => matches!(
                byte,
                b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b',' | b';' | b'&' | b')' | b'}' | b']' | b'|'
            ),
        };
        let length = run(text, at, VALUE_MAX, |byte| byte > b' ' && byte != 0x7F && !ends(byte));
        if length == VALUE_MAX {
            return None;
        }
        let value = text.known(at..at + length);
        let closed = match self.quote {
            Some((quote, false)) => text.get(at + length) == Some(quote),
            Some((_, true)) => text.get(at + length) == Some(b'\\'),
            None if self.tag => text.get(at + length) == Some(b'<'),
            // A call, an index, a path of names: code says where the value is, not what.
            None => !is_code(value),
        };
        let value = if self.quote.is_none() { trim_stop(value) } else { value };
        (closed && !value.is_empty()).then_some(value)
    }
}

/// Whether an unquoted value is code or the name of a place.
fn is_code(value: &[u8]) -> bool {
    value.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{'))
        || value.windows(2).any(|pair| matches!(pair, b"::" | b"->" | b"$("))
        || is_path(value)
}

fn is_path(value: &[u8]) -> bool {
    matches!(value, [b'/' | b'~', ..] | [b'.', b'/', ..] | [b'.', b'.', b'/', ..])
        || value.windows(3).any(|three| three == b"://")
}

/// Whether a value is no word, no name and no path: it has a digit, or a sign that names do not have.
fn is_odd(value: &[u8]) -> bool {
    let odd = |byte: &u8| {
        byte.is_ascii_digit()
            || matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'?' | b'~' | b'+')
    };
    value.iter().any(odd) && !is_path(value) && !is_name(value)
}

/// Whether it could be a key: odd, and not a number.
fn is_key(value: &[u8]) -> bool {
    is_odd(value) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether it is words with a number among them, as the names of things are: `db-password-v2`.
fn is_name(value: &[u8]) -> bool {
    let signs = |byte: &u8| matches!(byte, b'_' | b'-' | b'.' | b':');
    let word = |word: &[u8]| word.len() <= 3 || word.iter().all(u8::is_ascii_alphabetic);
    value.iter().any(signs)
        && value.split(signs).all(word)
        && value.iter().all(|byte| !b"!@#$%^&*?~+".contains(byte))
}

/// How many times a digit stands behind something else.
fn numbers(value: &[u8]) -> usize {
    let starts = |pair: &[u8]| matches!(pair, [one, two] if !one.is_ascii_digit() && two.is_ascii_digit());
    usize::from(value.first().is_some_and(u8::is_ascii_digit))
        + value.windows(2).filter(|pair| starts(pair)).count()
}

fn trim_stop(value: &[u8]) -> &[u8] {
    value.strip_suffix(b".").unwrap_or(value)
}

/// Without spaces and tabs at its end, a few of them.
fn trim(before: &[u8]) -> &[u8] {
    let spaces = before.iter().rev().take(SPACES_MAX).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    before.get(..before.len() - spaces).unwrap_or_default()
}

/// Without a quote at its end, and the backslashes before that.
fn unquote(before: &[u8]) -> (&[u8], Option<(u8, bool)>) {
    let Some((quote @ (b'"' | b'\'' | b'`'), rest)) = before.split_last() else { return (before, None) };
    let escapes = rest.iter().rev().take(ESCAPES_MAX).take_while(|byte| **byte == b'\\').count();
    (rest.get(..rest.len() - escapes).unwrap_or_default(), Some((*quote, escapes > 0)))
}

/// The name that `before` ends in.
fn name(before: &[u8]) -> &[u8] {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || is_joint(byte);
    let length = before.iter().rev().take(NAME_MAX).take_while(|byte| in_name(**byte)).count();
    before.get(before.len() - length..).unwrap_or_default()
}

/// Whether `byte` stands between the words of a name.
pub(crate) fn is_joint(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Password,
    Token,
    /// The header that holds credentials behind the name of their scheme.
    Header,
}

/// The end of a name, in small letters and without its signs.
struct Name {
    letters: [u8; NAME_END],
    length: usize,
}

impl Name {
    fn read(name: &[u8]) -> Self {
        let mut letters = [0; NAME_END];
        let mut length = 0;
        let told = name.iter().rev().filter(|byte| byte.is_ascii_alphanumeric());
        for (slot, byte) in letters.iter_mut().rev().zip(told) {
            *slot = byte.to_ascii_lowercase();
            length += 1;
        }
        Self { letters, length }
    }

    fn letters(&self) -> &[u8] {
        self.letters.get(NAME_END - self.length..).unwrap_or_default()
    }

    fn sort(&self) -> Option<Sort> {
        let name = self.letters();
        let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word.as_bytes()));
        // By its last letter, so that most names are turned away at once.
        match name.last()? {
            b'd' | b'e' | b's' | b'w' if ends(PASSWORDS) || is_password(name) => Some(Sort::Password),
            b'n' if ends(HEADERS) => Some(Sort::Header),
            b'n' if ends(CURSORS) => None,
            b'n' | b's' | b't' if ends(TOKENS) => Some(Sort::Token),
            b'y' if ends(KEYS) => Some(Sort::Token),
            _ => None,
        }
    }

    fn is_aws_secret(&self) -> bool {
        self.letters().ends_with(b"secretaccesskey") || self.letters().ends_with(b"secretkey")
    }
}

fn is_password(name: &[u8]) -> bool {
    PASSWORDS_ALONE.iter().any(|word| name == word.as_bytes())
}

/// Whether a password's name stands in a connection string: with a host or a user given shortly before.
fn is_connection(name: &[u8], before: &[u8]) -> bool {
    let words: [&[u8]; 8] =
        [b"host=", b"user=", b"dbname=", b"server=", b"user id=", b"uid=", b"data source=", b"username="];
    let before = before.get(before.len().saturating_sub(CONNECTION_REACH)..).unwrap_or_default();
    let plain = name.eq_ignore_ascii_case(b"password") || name.eq_ignore_ascii_case(b"pwd");
    plain && {
        super::work::done(before.len());
        let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = before.get(line..).unwrap_or_default();
        words.iter().any(|word| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
    }
}

/// What names of passwords end in.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "dbpass",
    "userpass",
    "mysqlpass",
    "smtppass",
    "redispass",
    "dbpw",
    "userpw",
    "passphrase",
];
/// Names of passwords that are too short to be the end of one.
const PASSWORDS_ALONE: &[&str] = &["pass", "pw"];
const HEADERS: &[&str] = &["authorization"];
const TOKENS: &[&str] = &["secret", "passwordsalt", "secretsalt", "token", "credentials", "creds"];
/// Names of keys that are secret. A key alone may be anything.
const KEYS: &[&str] = &[
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "accountkey",
    "subscriptionkey",
    "sharedkey",
    "licensekey",
    "servicekey",
    "sessionkey",
    "deploykey",
];
/// Names of tokens that say where a list goes on, and guard forms.
const CURSORS: &[&str] =
    &["pagetoken", "nexttoken", "continuationtoken", "synctoken", "cursortoken", "csrftoken", "xsrftoken"];

/// Schemes of HTTP whose credentials are looked for.
pub(crate) const SCHEMES: [&str; 3] = ["basic", "bearer", "token"];

const PASSWORD_MIN: usize = 8;
const TOKEN_MIN: usize = 10;
const HEADER_MIN: usize = 16;
const VALUE_MAX: usize = 256;
/// The longest anchor that may begin a value, and a little.
const ANCHOR_MAX: usize = 48;
const NAME_MAX: usize = 64;
const NAME_END: usize = 24;
const SPACES_MAX: usize = 8;
const SIGN_MAX: usize = 3;
const ESCAPES_MAX: usize = 4;
/// Characters of a secret access key of AWS.
pub(crate) const AWS: usize = 40;
const AWS_REACH: usize = 128;
const CONNECTION_REACH: usize = 160;
