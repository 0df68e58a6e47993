//! Signed messages, as Slack signs them and as Standard Webhooks has it (<https://www.standardwebhooks.com>): HMAC-SHA-256
//! over the time, the body and, in the second, an id.

#[cfg(test)]
mod tests;

use std::fmt;

use access::{Secret, Timestamp};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Names one signed message: equal for what is the same message, however its signature is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(
    /// A digest, in hex, which is of no use to anyone.
    pub Box<str>,
);

/// A message that is not taken for what it says to be. For operators: whoever sent it is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// A field is not there, is there twice, or is none of its kind.
    Field(&'static str),
    /// The time is not now.
    Stale,
    /// It is signed by another key, or is not what was signed.
    Signature,
    /// The key in the vault is no such key.
    Key,
}

/// The fields of a signed message's header, each where it is there once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signed<'a> {
    /// `webhook-id`; Slack has none.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`, or `X-Slack-Request-Timestamp`.
    pub time: Option<&'a str>,
    /// `webhook-signature`, or `X-Slack-Signature`.
    pub signature: Option<&'a str>,
}

/// Checks a message of Slack's, by the signing secret of the app.
///
/// # Errors
/// [`Forged`].
pub fn slack(secret: &Secret, signed: Signed<'_>, body: &[u8], now: Timestamp) -> Result<Message, Forged> {
    let time = signed.time.ok_or(Forged::Field("X-Slack-Request-Timestamp"))?;
    let signature = signed.signature.ok_or(Forged::Field("X-Slack-Signature"))?;
    is_now(time, now).ok_or(Forged::Field("X-Slack-Request-Timestamp"))??;
    if secret.expose().len() < SLACK_SECRET_BYTES_MIN {
        return Err(Forged::Key);
    }
    let expected = mac(secret.expose(), &[b"v0:", time.as_bytes(), b":", body]);
    let claimed = signature.strip_prefix("v0=").and_then(from_hex);
    is_same(&claimed.ok_or(Forged::Field("X-Slack-Signature"))?, &expected)
        .then(|| message(&expected))
        .ok_or(Forged::Signature)
}

/// Checks a message by the rule of Standard Webhooks. Of several signatures one has to be right, so that keys can change.
///
/// # Errors
/// [`Forged`].
pub fn webhook(secret: &Secret, signed: Signed<'_>, body: &[u8], now: Timestamp) -> Result<Message, Forged> {
    let id = signed.id.filter(|id| is_id(id)).ok_or(Forged::Field("webhook-id"))?;
    let time = signed.time.ok_or(Forged::Field("webhook-timestamp"))?;
    let signature = signed.signature.ok_or(Forged::Field("webhook-signature"))?;
    is_now(time, now).ok_or(Forged::Field("webhook-timestamp"))??;
    let key = webhook_key(secret).ok_or(Forged::Key)?;
    let expected = mac(key.expose(), &[id.as_bytes(), b".", time.as_bytes(), b".", body]);
    let mut claimed = signature.split(' ').take(SIGNATURES_MAX).filter_map(|one| one.strip_prefix("v1,"));
    let is_right = |one: &str| BASE64_STANDARD.decode(one).is_ok_and(|one| is_same(&one, &expected));
    claimed.any(is_right).then(|| message(&expected)).ok_or(Forged::Signature)
}

/// Signs a message by the rule of Standard Webhooks: the field `webhook-signature`. `None`: the secret is no such key.
pub fn sign_webhook(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let key = webhook_key(secret)?;
    let mac = mac(key.expose(), &[id.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body]);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac)))
}

/// The key in `whsec_…`: 24 to 64 bytes in base64.
fn webhook_key(secret: &Secret) -> Option<Secret> {
    let text = secret.expose_str()?.trim();
    let key = Secret::from(BASE64_STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?);
    (24..=64).contains(&key.expose().len()).then_some(key)
}

/// Whether `seconds` since 1970 are those of now, within five minutes. `None`: it is no number.
fn is_now(seconds: &str, now: Timestamp) -> Option<Result<(), Forged>> {
    let is_number = (1..=12).contains(&seconds.len()) && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = is_number.then(|| seconds.parse().ok())??;
    let apart = (now.micros() / 1_000_000).saturating_sub(seconds).saturating_abs();
    Some(if apart <= SECONDS_APART_MAX { Ok(()) } else { Err(Forged::Stale) })
}

/// An id that is part of no other text that is signed.
fn is_id(id: &str) -> bool {
    (1..=256).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| mac.update(part));
    mac.sign().as_ref().to_vec()
}

fn is_same(claimed: &[u8], expected: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(claimed, expected).is_ok()
}

fn message(mac: &[u8]) -> Message {
    // A digest of what proves that one has the key, so that what is kept proves nothing.
    let digest = digest::digest(&digest::SHA256, mac);
    Message(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_ref().map(|digits| digits.as_chunks::<2>())?;
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// For how many seconds a signature holds, before and after its time: as Slack and Standard Webhooks have it.
pub const SECONDS_APART_MAX: i64 = 300;

/// Slack's are 32 hex digits. One that is empty would let anybody sign.
const SLACK_SECRET_BYTES_MIN: usize = 16;

/// More keys are not changed at a time.
const SIGNATURES_MAX: usize = 8;

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "`{name}` is not there once, or is none"),
            Self::Stale => f.write_str("its time is not now"),
            Self::Signature => f.write_str("the signature is not right"),
            Self::Key => f.write_str("the key in the vault is none for signatures"),
        }
    }
}
