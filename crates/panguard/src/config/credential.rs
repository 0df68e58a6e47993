//! How panguard signs in at HTTP systems.

use std::path::PathBuf;

use hyper::Uri;
use proxy::{Aws, ClientAuth, Credential, Grant, OAuth2};

use super::file;
use super::place::At;
use super::resolve::{Reading, is_loopback};

/// A certificate of panguard's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file of the chain.
    pub cert: PathBuf,
    pub key: CertificateKey,
}

/// Where the key of a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateKey {
    File(PathBuf),
    Vault(vault::Name),
}

impl ClientCertificate {
    /// The files that it is read from.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let key = match &self.key {
            CertificateKey::File(file) => Some(file),
            CertificateKey::Vault(_) => None,
        };
        [&self.cert].into_iter().chain(key)
    }
}

impl Reading<'_> {
    pub(super) fn http_credential(&mut self, name: &str, at: &At<file::Credential>) -> Option<Credential> {
        let file::Credential { user, password, bearer, header, query, value, aws, oauth2 } = &at.value;
        let old = (user, password, bearer, header, query, value);
        match (aws, oauth2, old) {
            (Some(aws), None, (None, None, None, None, None, None)) => self.aws(aws),
            (None, Some(oauth2), (None, None, None, None, None, None)) => self.oauth2(oauth2),
            (None, None, (None, None, Some(token), None, None, None)) => {
                self.secret(token).map(Credential::Bearer)
            }
            (None, None, (Some(user), Some(password), None, None, None, None)) => {
                let (user, password) = (self.text(user)?, self.secret(password)?);
                if user.contains(':') {
                    return self.wrong(at.line, "the user of Basic authentication holds no `:` (RFC 7617)");
                }
                Some(Credential::Basic(user.into(), password))
            }
            (None, None, (None, None, None, Some(header), None, Some(value))) => {
                let (field, value) = (self.text(header)?, self.secret(value)?);
                match field.parse() {
                    Ok(field) => Some(Credential::Header(field, value)),
                    Err(_) => self.wrong(
                        header.line,
                        format!("`{field}` cannot name a header; write one such as `X-Api-Key`"),
                    ),
                }
            }
            (None, None, (None, None, None, None, Some(query), Some(value))) => {
                let (field, value) = (self.text(query)?, self.secret(value)?);
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if !field.chars().all(plain) {
                    let advice = "a field of a query is named by letters, digits, `-`, `_` and `.`";
                    return self.wrong(query.line, advice);
                }
                Some(Credential::Query(field.into(), value))
            }
            _ => self.wrong(
                at.line,
                format!("a credential is one of `{{ bearer: {{ secret: {name} }} }}`, `{{ header: X-Api-Key, value: {{ secret: {name} }} }}`, `{{ query: key, value: {{ secret: {name} }} }}`, `{{ user: USER, password: {{ secret: {name} }} }}`, `{{ aws: {{ … }} }}` and `{{ oauth2: {{ … }} }}`"),
            ),
        }
    }

    fn aws(&mut self, at: &At<file::Aws>) -> Option<Credential> {
        let file::Aws { region, service, access_key, secret_key, session_token } = &at.value;
        let mut word = |at: &At<String>, example: &str| {
            let text = self.text(at)?;
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            match text.chars().all(plain) {
                true => Some(text.into_boxed_str()),
                false => self.wrong(
                    at.line,
                    format!("`{text}` is in no signature; write lower-case letters, digits and `-`, such as `{example}`"),
                ),
            }
        };
        let (region, service) = (word(region, "eu-central-1"), word(service, "bedrock"));
        let (access_key, secret_key) = (self.secret(access_key), self.secret(secret_key));
        let session_token = match session_token {
            None => None,
            Some(token) => Some(self.secret(token)?),
        };
        Some(Credential::Aws(Aws {
            region: region?,
            service: service?,
            access_key: access_key?,
            secret_key: secret_key?,
            session_token,
        }))
    }

    fn oauth2(&mut self, at: &At<file::OAuth2>) -> Option<Credential> {
        let file::OAuth2 { token_url, client_id, client_secret, refresh_token, scope, audience, auth } =
            &at.value;
        let token_url = self.token_url(token_url);
        let client_id = self.text(client_id);
        let auth = match auth {
            None => Some(ClientAuth::Basic),
            Some(at) => match self.text(at)?.as_str() {
                "basic" if client_secret.is_some() => Some(ClientAuth::Basic),
                "post" if client_secret.is_some() => Some(ClientAuth::Post),
                "basic" | "post" => self.wrong(
                    at.line,
                    "`auth` says how the client's secret is shown, and there is none; write `client_secret: { secret: NAME }`, or leave `auth` out",
                ),
                other => self.wrong(
                    at.line,
                    format!("`{other}` is no way to show a client's secret; write `basic` or `post`"),
                ),
            },
        };
        let grant = match (client_secret, refresh_token) {
            (_, Some(refresh)) => self.secret(refresh).map(Grant::Refresh),
            (Some(_), None) => Some(Grant::ClientCredentials),
            (None, None) => self.wrong(
                at.line,
                "nothing here proves who asks for a token; write `client_secret: { secret: NAME }`, or `refresh_token: { secret: NAME }`, or both",
            ),
        };
        let mut optional = |at: &Option<At<String>>| match at {
            None => Some(None),
            Some(at) => self.text(at).map(|text| Some(text.into_boxed_str())),
        };
        let (scope, audience) = (optional(scope), optional(audience));
        let client_secret = match client_secret {
            None => None,
            Some(secret) => Some(self.secret(secret)?),
        };
        Some(Credential::OAuth2(OAuth2 {
            token_url: token_url?,
            client_id: client_id?.into(),
            client_secret,
            auth: auth?,
            grant: grant?,
            scope: scope?,
            audience: audience?,
        }))
    }

    /// A certificate that is shown to an upstream at `origin`.
    pub(super) fn client_certificate(
        &mut self,
        at: &At<file::ClientCertificate>,
        tls: bool,
    ) -> Option<ClientCertificate> {
        if !tls {
            return self.wrong(
                at.line,
                "a certificate is shown by TLS alone; write `base_url: https://…`, or leave `client_certificate` out",
            );
        }
        let file::ClientCertificate { cert, key } = &at.value;
        let cert = self.path(cert);
        let key = match &key.value {
            file::FileOrSecret::File(file) => {
                let file = At { value: file.clone(), line: key.line };
                if file.value.contains("-----BEGIN") {
                    return self.wrong(key.line, file::SECRET_ADVICE);
                }
                self.path(&file).map(CertificateKey::File)
            }
            file::FileOrSecret::Secret(secret) => {
                let secret = At { value: file::SecretName { secret: secret.secret.clone() }, line: key.line };
                self.secret(&secret).map(CertificateKey::Vault)
            }
        };
        Some(ClientCertificate { cert: cert?, key: key? })
    }

    /// The token endpoint's address (RFC 6749 §3.2: a query may belong to it).
    fn token_url(&mut self, at: &At<String>) -> Option<Uri> {
        let text = self.text(at)?;
        let advice =
            "this is no address of a token endpoint; write `https://HOST/PATH`, without a user or a fragment";
        let uri: Uri = match text.parse() {
            Ok(uri) if !text.contains('#') => uri,
            Ok(_) | Err(_) => return self.wrong(at.line, advice),
        };
        let user = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        match uri.scheme_str() {
            _ if user || host.is_empty() => self.wrong(at.line, advice),
            Some("https") => Some(uri),
            Some("http") if is_loopback(&host) => Some(uri),
            Some("http") => self.wrong(
                at.line,
                "plain text is refused off loopback; write `https://…`, with `ca: FILE` beside `base_url` if the certificate is your own",
            ),
            _ => self.wrong(at.line, advice),
        }
    }
}
