//! The handshake of WebSocket (RFC 6455 §4): one with the agent, and another with the upstream.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::deflate::{Agreed, WINDOW_BITS_MAX, WINDOW_BITS_MIN};
use crate::body::Withheld;

/// What an agent asks for that asks for a WebSocket.
pub(crate) struct Handshake {
    /// Of the agent's.
    key: String,
    /// Of panguard's own, for the upstream: the agent's could hold anything.
    own_key: String,
    protocols: Vec<String>,
    /// Compression, as far as the agent's offer and panguard go together.
    deflate: Option<Agreed>,
}

/// What was agreed on with the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    protocol: Option<String>,
    pub deflate: Option<Agreed>,
}

impl Handshake {
    /// Reads a request's head. `None`: it asks for no WebSocket, or not as it must (§4.2.1).
    pub fn asked(method: &Method, headers: &HeaderMap, nonce: [u8; 16]) -> Option<Self> {
        let upgrades = *method == Method::GET
            && names(headers, CONNECTION, "upgrade")
            && only(headers, UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
            && only(headers, SEC_WEBSOCKET_VERSION) == Some("13");
        let key = only(headers, SEC_WEBSOCKET_KEY).filter(|_| upgrades)?;
        STANDARD.decode(key).ok().filter(|key| key.len() == 16)?;
        let protocols = list(headers, SEC_WEBSOCKET_PROTOCOL);
        let deflate = offers(headers).iter().find_map(accepted);
        Some(Self { key: key.to_owned(), own_key: STANDARD.encode(nonce), protocols, deflate })
    }

    /// Puts into a request what asks the upstream for the same.
    pub fn ask(&self, headers: &mut HeaderMap) {
        forget(headers);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        insert(headers, SEC_WEBSOCKET_KEY, &self.own_key);
        if !self.protocols.is_empty() {
            insert(headers, SEC_WEBSOCKET_PROTOCOL, &self.protocols.join(", "));
        }
        if self.deflate.is_some() {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(DEFLATE));
        }
    }

    /// Checks what the upstream answers with 101 (§4.1).
    ///
    /// # Errors
    /// It agrees to what it was not asked for.
    pub fn check(&self, headers: &HeaderMap) -> Result<Opened, Withheld> {
        let is_websocket = names(headers, CONNECTION, "upgrade")
            && only(headers, UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
            && only(headers, SEC_WEBSOCKET_ACCEPT) == Some(&accept(&self.own_key));
        if !is_websocket {
            return Err(Withheld::NotUnderstood("another protocol"));
        }
        let mut protocols = list(headers, SEC_WEBSOCKET_PROTOCOL);
        let protocol = protocols.pop();
        let was_offered = protocol.as_ref().is_none_or(|protocol| self.protocols.contains(protocol));
        if !protocols.is_empty() || !was_offered {
            return Err(Withheld::NotUnderstood("a protocol that nobody offered"));
        }
        let deflate = match offers(headers).as_slice() {
            [] => None,
            [one] if self.deflate.is_some() => Some(answered(one).ok_or(NOT_OFFERED)?),
            _ => return Err(NOT_OFFERED),
        };
        Ok(Opened { protocol, deflate })
    }

    /// Puts into an answer what tells the agent that its socket is open; gives the compression that it says.
    pub fn tell(&self, opened: &Opened, headers: &mut HeaderMap) -> Option<Agreed> {
        forget(headers);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        insert(headers, SEC_WEBSOCKET_ACCEPT, &accept(&self.key));
        if let Some(protocol) = &opened.protocol {
            insert(headers, SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        if let Some(agreed) = &self.deflate {
            insert(headers, SEC_WEBSOCKET_EXTENSIONS, &agreed.words());
        }
        self.deflate
    }
}

impl Agreed {
    fn words(self) -> String {
        let mut words = DEFLATE.to_owned();
        if !self.server_takes_over {
            words.push_str("; server_no_context_takeover");
        }
        if !self.client_takes_over {
            words.push_str("; client_no_context_takeover");
        }
        if self.server_window_bits < WINDOW_BITS_MAX {
            words.push_str(&format!("; server_max_window_bits={}", self.server_window_bits));
        }
        words
    }
}

/// One extension that is offered or agreed to: its name, and its parameters with their values.
type Offer = (String, Vec<(String, Option<String>)>);

const ALL: Agreed =
    Agreed { server_takes_over: true, client_takes_over: true, server_window_bits: WINDOW_BITS_MAX };

/// What of an agent's offer panguard agrees to; `None` if to nothing.
fn accepted((name, parameters): &Offer) -> Option<Agreed> {
    let mut agreed = ALL;
    for (parameter, value) in once_each(name, parameters)? {
        match (parameter, value) {
            ("server_no_context_takeover", None) => agreed.server_takes_over = false,
            ("client_no_context_takeover", None) => agreed.client_takes_over = false,
            ("server_max_window_bits", Some(bits)) => {
                agreed.server_window_bits = window(bits).filter(|bits| *bits >= WINDOW_BITS_MIN)?;
            }
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) => drop(window(bits)?),
            _ => return None,
        }
    }
    Some(agreed)
}

/// What an upstream agrees to; `None` if to what it was not offered.
fn answered((name, parameters): &Offer) -> Option<Agreed> {
    let mut agreed = ALL;
    for (parameter, value) in once_each(name, parameters)? {
        match (parameter, value) {
            ("server_no_context_takeover", None) => agreed.server_takes_over = false,
            ("client_no_context_takeover", None) => agreed.client_takes_over = false,
            ("server_max_window_bits", Some(bits)) => agreed.server_window_bits = window(bits)?,
            _ => return None,
        }
    }
    Some(agreed)
}

/// The parameters of permessage-deflate, if it is that and each comes once.
fn once_each<'p>(
    name: &str,
    parameters: &'p [(String, Option<String>)],
) -> Option<Vec<(&'p str, Option<&'p str>)>> {
    let mut seen: Vec<(&str, Option<&str>)> = Vec::new();
    for (name, value) in parameters {
        if seen.iter().any(|(before, _)| *before == name.as_str()) {
            return None;
        }
        seen.push((name, value.as_deref()));
    }
    (name == DEFLATE).then_some(seen)
}

fn window(bits: &str) -> Option<u8> {
    let is_written_so = bits.bytes().all(|byte| byte.is_ascii_digit()) && !bits.starts_with('0');
    bits.parse().ok().filter(|bits| is_written_so && (8..=WINDOW_BITS_MAX).contains(bits))
}

/// The extensions that a header names (§9.1).
fn offers(headers: &HeaderMap) -> Vec<Offer> {
    let parts = list(headers, SEC_WEBSOCKET_EXTENSIONS).into_iter();
    parts
        .map(|text| {
            let mut parts = text.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameter = |part: &str| match part.split_once('=') {
                Some((name, value)) => {
                    (name.trim().to_ascii_lowercase(), Some(value.trim().trim_matches('"').to_owned()))
                }
                None => (part.to_ascii_lowercase(), None),
            };
            (name, parts.map(parameter).collect())
        })
        .collect()
}

/// What proves that the key was read (§4.2.2).
fn accept(key: &str) -> String {
    let both = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &both))
}

/// The value of a field that comes once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().map(str::trim)
}

/// The members of a list (RFC 9110 §5.6.1).
fn list(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let members = values.flat_map(|value| value.split(',')).map(str::trim);
    members.filter(|member| !member.is_empty()).map(str::to_owned).collect()
}

fn names(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    list(headers, name).iter().any(|member| member.eq_ignore_ascii_case(word))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What one side said of its socket is not the other's.
fn forget(headers: &mut HeaderMap) {
    for name in [
        SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION,
    ] {
        headers.remove(name);
    }
}

const DEFLATE: &str = "permessage-deflate";
const NOT_OFFERED: Withheld = Withheld::NotUnderstood("an extension that nobody offered");
