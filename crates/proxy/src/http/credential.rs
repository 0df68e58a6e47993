use access::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri, request};
use thiserror::Error;
use vault::{Vault, VaultError};
use wire_http::Echo;

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
}

/// A credential that cannot be had or used. Names it, and holds nothing of it.
#[derive(Debug, Error)]
pub(super) enum NoCredential {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault holds no secret of the name `{0}`: add it with `panguard secrets set {0}`")]
    Missing(vault::Name),
    #[error("the secret `{0}` holds what no header may: set it anew, without line ends")]
    Unfit(vault::Name),
}

/// A credential as it is sent, and what of it could come back.
#[derive(Default)]
pub(super) struct Lent {
    header: Option<(HeaderName, HeaderValue)>,
    query: Option<String>,
    pub(super) echo: Echo,
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
                Ok(Lent { header: None, query: Some(format!("{field}={value}")), echo })
            }
        }
    }
}

impl Lent {
    fn header(name: HeaderName, mut value: HeaderValue, secrets: &[&[u8]]) -> Self {
        value.set_sensitive(true);
        Self { header: Some((name, value)), query: None, echo: Echo::of(secrets) }
    }

    /// Puts it into a request. What the agent had there is gone.
    pub(super) fn sign(&self, parts: &mut request::Parts) -> Result<(), http::Error> {
        if let Some((name, value)) = &self.header {
            parts.headers.insert(name, value.clone());
        }
        if let Some(field) = &self.query {
            let name = field.split('=').next().unwrap_or_default();
            let path = parts.uri.path();
            let others = parts.uri.query().unwrap_or_default().split('&');
            let others = others.filter(|other| !other.is_empty() && other.split('=').next() != Some(name));
            let query: Vec<&str> = others.chain([field.as_str()]).collect();
            let path = format!("{path}?{}", query.join("&"));
            let mut uri = parts.uri.clone().into_parts();
            uri.path_and_query = Some(path.try_into()?);
            parts.uri = Uri::from_parts(uri)?;
        }
        Ok(())
    }
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
