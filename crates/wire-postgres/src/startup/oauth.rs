//! OAUTHBEARER on the agent side (RFC 7628, and the flow of PostgreSQL 18).

use access::Secret;

/// How an agent presents its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// As a clear-text password, inside TLS or on loopback: every client can.
    #[default]
    Password,
    /// By SASL OAUTHBEARER: libpq from PostgreSQL 18 on.
    OAuthBearer,
}

/// How a listener asks for tokens.
///
/// A server names one way of signing in and its client follows, and nothing in a StartupMessage tells
/// whether the client can do OAUTHBEARER. So the listener's `method` is what is offered, and one client
/// may ask for another by `options=-c panguard.auth=oauthbearer` (or `password`) in its connection
/// string. Either way it is the token that is checked.
#[derive(Debug, Clone, Default)]
pub struct Auth {
    /// What is offered to a client that does not say.
    pub method: Method,
    /// Where a client that came by OAUTHBEARER without a token can get one.
    pub discovery: Option<Discovery>,
}

/// What a client needs to get a token by itself (RFC 7628 §3.2.2).
#[derive(Debug, Clone)]
pub struct Discovery {
    /// URL of the issuer's `/.well-known/openid-configuration`.
    pub openid_configuration: Box<str>,
    /// Scopes to ask for, separated by spaces.
    pub scope: Box<str>,
}

impl Discovery {
    /// The server's error of RFC 7628 §3.2.2, which says where tokens are given.
    pub(super) fn challenge(discovery: Option<&Self>) -> String {
        let mut json = String::from(r#"{"status":"invalid_token""#);
        if let Some(discovery) = discovery {
            for (name, value) in
                [("openid-configuration", &discovery.openid_configuration), ("scope", &discovery.scope)]
            {
                json.push_str(&format!(r#","{name}":"#));
                push_json_string(&mut json, value);
            }
        }
        json.push('}');
        json
    }
}

/// What a client says in its initial response.
pub(super) enum Bearer {
    /// This token.
    Token(Secret),
    /// Nothing: it asks where to get one.
    Nothing,
}

/// The client's second message after a challenge: one separator and no more (RFC 7628 §3.2.3).
pub(super) const RESIGNATION: &[u8] = b"\x01";

/// Reads the client's initial response: `n,,^Aauth=Bearer TOKEN^A^A` (RFC 7628 §3.1). `Err` is the rule
/// that it breaks.
pub(super) fn initial_response(response: &[u8]) -> Result<Bearer, &'static str> {
    let rest = match response {
        [b'n' | b'y', b',', b',', rest @ ..] => rest,
        [b'p', ..] => return Err("OAUTHBEARER with channel binding"),
        [b'n' | b'y', b',', b'a', ..] => return Err("OAUTHBEARER with an authorization identity"),
        _ => return Err("an OAUTHBEARER response without a gs2 header"),
    };
    let pairs = rest.strip_prefix(b"\x01").and_then(|rest| rest.strip_suffix(b"\x01"));
    let pairs = pairs.ok_or("an OAUTHBEARER response that is not enclosed in separators")?;
    let mut auth = None;
    for pair in pairs.strip_suffix(b"\x01").unwrap_or(pairs).split(|byte| *byte == 1) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next());
        let value = value.ok_or("an OAUTHBEARER pair without a value")?;
        if name == b"auth" && auth.replace(value).is_some() {
            return Err("an OAUTHBEARER response with two tokens");
        }
    }
    match auth.ok_or("an OAUTHBEARER response without auth")? {
        b"" => Ok(Bearer::Nothing),
        auth => bearer(auth),
    }
}

/// Reads `Bearer TOKEN` (RFC 6750 §2.1); the scheme in any case, the token of its own alphabet.
fn bearer(auth: &[u8]) -> Result<Bearer, &'static str> {
    const SCHEME: &[u8] = b"bearer ";
    let Some((scheme, token)) = auth.split_at_checked(SCHEME.len()) else {
        return Err("an OAUTHBEARER token that is not of the Bearer scheme");
    };
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err("an OAUTHBEARER token that is not of the Bearer scheme");
    }
    let token = token.trim_ascii_start();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    match !token.is_empty() && token.iter().all(plain) {
        true => Ok(Bearer::Token(Secret::from(token.to_vec()))),
        false => Err("an OAUTHBEARER token with a character that no token has"),
    }
}

/// Appends `text` as a JSON string (RFC 8259 §7).
fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            letter => json.push(letter),
        }
    }
    json.push('"');
}
