mod oauth2;
pub mod sigv4;
mod tokens;

use std::sync::Arc;

use access::{Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri, request};
use thiserror::Error;
use vault::{Vault, VaultError};
use wire_http::{Echo, Holds, drop_like, field_name};

use super::body::Sent;
use crate::tls::NotShown;
use oauth2::Token;
pub use oauth2::{ClientAuth, Grant, OAuth2};
pub(super) use sigv4::NotSigned;
use sigv4::{Payload, S3, Signer};
pub(crate) use tokens::Turns;
pub(super) use tokens::{NoToken, Tokens};

/// How panguard signs in at an HTTP upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// It does not.
    None,
    /// `Authorization: Bearer` with the secret of this name.
    Bearer(vault::Name),
    /// A header of this name with the secret.
    Header(HeaderName, vault::Name),
    /// `Authorization: Basic` with this user and the secret as the password (RFC 7617).
    Basic(Box<str>, vault::Name),
    /// A field of the query of this name with the secret.
    Query(Box<str>, vault::Name),
    /// Each request is signed for AWS (Signature Version 4).
    Aws(Aws),
    /// `Authorization: Bearer` with an access token that is fetched.
    OAuth2(OAuth2),
}

/// As whom requests are signed for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// The region, such as `eu-central-1`.
    pub region: Box<str>,
    /// The service's name for signing, such as `bedrock`.
    pub service: Box<str>,
    /// The access key's id.
    pub access_key: vault::Name,
    /// The secret access key.
    pub secret_key: vault::Name,
    /// The token of temporary keys.
    pub session_token: Option<vault::Name>,
}

impl Credential {
    /// The secrets that it takes, by their names.
    pub fn secrets(&self) -> Vec<&vault::Name> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer(name) | Self::Header(_, name) | Self::Basic(_, name) | Self::Query(_, name) => {
                vec![name]
            }
            Self::Aws(Aws { access_key, secret_key, session_token, .. }) => {
                [access_key, secret_key].into_iter().chain(session_token).collect()
            }
            Self::OAuth2(OAuth2 { client_secret, grant, .. }) => {
                let refresh = match grant {
                    Grant::ClientCredentials => None,
                    Grant::Refresh(name) => Some(name),
                };
                client_secret.iter().chain(refresh).collect()
            }
        }
    }

    /// Which requests are held whole before they are sent: what they are signed by needs their bodies.
    pub fn holds(&self) -> Holds {
        match self {
            Self::Aws(aws) if &*aws.service == S3 => Holds::Fitting,
            Self::Aws(_) => Holds::All,
            Self::None
            | Self::Bearer(_)
            | Self::Header(..)
            | Self::Basic(..)
            | Self::Query(..)
            | Self::OAuth2(_) => Holds::None,
        }
    }
}

/// A credential that cannot be had or used. Names it, and holds nothing of it.
#[derive(Debug, Error)]
pub(super) enum NoCredential {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault holds no secret of the name `{0}`: add it with `panguard secrets set {0}`")]
    Missing(vault::Name),
    #[error(transparent)]
    Token(#[from] NoToken),
    #[error(transparent)]
    Certificate(#[from] NotShown),
    #[error("the secret `{0}` holds what no header may: set it anew, without line ends")]
    Unfit(vault::Name),
}

/// A credential as it is sent, and what of it could come back.
#[derive(Default)]
pub(super) struct Lent {
    shown: Shown,
    pub(super) echo: Echo,
    /// The access token that it is, if it is one.
    pub(super) token: Option<Arc<Token>>,
}

/// How a credential is shown.
#[derive(Default)]
enum Shown {
    #[default]
    Not,
    Header(HeaderName, HeaderValue),
    Query(String),
    Signature(Box<Signer>),
}

impl Credential {
    /// The credential of the moment, out of the vault.
    pub(super) fn lend(&self, vault: &Vault) -> Result<Lent, NoCredential> {
        let get = |name: &vault::Name| vault.get(name)?.ok_or_else(|| NoCredential::Missing(name.clone()));
        let unfit = |name: &vault::Name| NoCredential::Unfit(name.clone());
        match self {
            Self::None => Ok(Lent::default()),
            Self::Bearer(name) => {
                let secret = get(name)?;
                let value = header(&[b"Bearer ", secret.expose()].concat()).ok_or_else(|| unfit(name))?;
                Ok(Lent::header(AUTHORIZATION, value, &[secret.expose()]))
            }
            Self::Header(field, name) => {
                let secret = get(name)?;
                let value = header(secret.expose()).ok_or_else(|| unfit(name))?;
                Ok(Lent::header(field.clone(), value, &[secret.expose()]))
            }
            Self::Basic(user, name) => {
                let secret = get(name)?;
                let both = Secret::from([user.as_bytes(), b":", secret.expose()].concat());
                let encoded = Secret::from(STANDARD.encode(both.expose()));
                let value = header(&[b"Basic ", encoded.expose()].concat()).ok_or_else(|| unfit(name))?;
                Ok(Lent::header(AUTHORIZATION, value, &[encoded.expose(), both.expose(), secret.expose()]))
            }
            Self::Query(field, name) => {
                let secret = get(name)?;
                let value: String = secret.expose().iter().map(|byte| percent(*byte)).collect();
                let echo = Echo::of(&[secret.expose()]);
                Ok(Lent { shown: Shown::Query(format!("{field}={value}")), echo, token: None })
            }
            Self::Aws(aws) => {
                let signer = Signer {
                    region: aws.region.clone(),
                    service: aws.service.clone(),
                    access_key: get(&aws.access_key)?,
                    secret_key: get(&aws.secret_key)?,
                    session_token: aws.session_token.as_ref().map(get).transpose()?,
                };
                let token = signer.session_token.as_ref().map(Secret::expose).unwrap_or_default();
                let echo = Echo::of(&[signer.secret_key.expose(), signer.access_key.expose(), token]);
                Ok(Lent { shown: Shown::Signature(Box::new(signer)), echo, token: None })
            }
            // It is fetched, and kept by [`Tokens`].
            Self::OAuth2(_) => Err(NoToken::None.into()),
        }
    }
}

impl Lent {
    fn header(name: HeaderName, mut value: HeaderValue, secrets: &[&[u8]]) -> Self {
        value.set_sensitive(true);
        Self { shown: Shown::Header(name, value), echo: Echo::of(secrets), token: None }
    }

    /// An access token.
    pub(super) fn token(token: Arc<Token>) -> Self {
        let shown = Shown::Header(AUTHORIZATION, token.header.clone());
        Self { shown, echo: token.echo.clone(), token: Some(token) }
    }

    /// Puts it into a request. What the agent had there is gone, and so is what servers take for it.
    pub(super) fn sign(
        &self,
        parts: &mut request::Parts,
        body: &Sent,
        now: Timestamp,
    ) -> Result<(), NotSigned> {
        match &self.shown {
            Shown::Not => Ok(()),
            Shown::Header(name, value) => {
                drop_like(&mut parts.headers, name);
                parts.headers.insert(name.clone(), value.clone());
                Ok(())
            }
            Shown::Query(field) => Ok(put_in_query(parts, field)?),
            Shown::Signature(signer) => {
                let payload = match body {
                    Sent::Whole(body) => Payload::Whole(body.as_deref().unwrap_or_default()),
                    Sent::Pieces { .. } => Payload::Streamed,
                };
                signer.sign(parts, payload, now)
            }
        }
    }
}

/// Puts a field into the query, in the place of others of its name, however that is written.
fn put_in_query(parts: &mut request::Parts, field: &str) -> Result<(), http::Error> {
    let name = field_name(field);
    let path = parts.uri.path();
    let others = parts.uri.query().unwrap_or_default().split('&');
    let others = others.filter(|other| !other.is_empty() && field_name(other) != name);
    let query: Vec<&str> = others.chain([field]).collect();
    let path = format!("{path}?{}", query.join("&"));
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(path.try_into()?);
    parts.uri = Uri::from_parts(uri)?;
    Ok(())
}

fn header(value: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value).ok()
}

fn percent(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    }
}
