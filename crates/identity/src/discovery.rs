use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use thiserror::Error;

use crate::object;

/// What an issuer says of itself (OpenID Connect Discovery 1.0 §4.2), as far as panguard needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Where the issuer's keys are: an https URL, or http on loopback.
    pub jwks_uri: Box<str>,
}

/// Metadata that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// Longer than metadata is.
    #[error("the issuer's metadata is longer than 256 KiB")]
    TooLong,
    /// Not an unambiguous JSON object.
    #[error("the issuer's metadata is not a JSON object")]
    Malformed,
    /// It is somebody else's (OpenID Connect Discovery 1.0 §4.3).
    #[error(
        "the metadata is of another issuer, write `issuer` in the configuration exactly as the issuer does"
    )]
    Issuer,
    /// No address for keys, or one that is not safe to use.
    #[error("the metadata has no `jwks_uri` that is an https URL, or http on loopback")]
    JwksUri,
}

impl Discovery {
    /// Reads the document at [`crate::Issuer::discovery_url`], at most 256 KiB.
    ///
    /// # Errors
    /// [`DiscoveryError`]; keep using what is known already.
    pub fn parse(json: &[u8], expected_issuer: &str) -> Result<Self, DiscoveryError> {
        if json.len() > DISCOVERY_BYTES_MAX {
            return Err(DiscoveryError::TooLong);
        }
        let document = object::parse(json).ok_or(DiscoveryError::Malformed)?;
        if document.get("issuer").and_then(Value::as_str) != Some(expected_issuer) {
            return Err(DiscoveryError::Issuer);
        }
        match document.get("jwks_uri").and_then(Value::as_str) {
            Some(uri) if is_fetchable(uri) => Ok(Self { jwks_uri: uri.into() }),
            Some(_) | None => Err(DiscoveryError::JwksUri),
        }
    }
}

/// Whether what is at `url` can be trusted to be from there: https, or http to this machine.
///
/// Stricter than RFC 3986 (no user information, no percent-encoded host, ASCII alone), so that no other
/// reader of the URL can find another host in it.
pub(crate) fn is_fetchable(url: &str) -> bool {
    if url.len() > URL_BYTES_MAX
        || !url.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b))
    {
        return false;
    }
    let (rest, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(host) = host(authority) else { return false };
    secure || is_loopback(host)
}

/// The host of an authority without user information, IPv6 without its brackets.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (address, port) = literal.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, port) = authority.split_at_checked(end)?;
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            (plain && !name.is_empty()).then_some((name, port))?
        }
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    port_fits.then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Real documents have some 2 to 8 KiB.
const DISCOVERY_BYTES_MAX: usize = 256 << 10;
const URL_BYTES_MAX: usize = 2048;
