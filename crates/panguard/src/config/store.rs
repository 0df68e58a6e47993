//! The store that several gateways share.

use std::sync::Arc;

use access::Approving;
use hyper::Uri;

use super::place::At;
use super::resolve::{Reading, is_loopback};
use super::{Connection, UpstreamTls};

impl Reading<'_> {
    /// `postgres://USER@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`, in libpq's words (PostgreSQL §32.1.1.2).
    pub(super) fn store(&mut self, at: &At<String>) -> Option<Connection> {
        let text = self.text(at)?;
        let example =
            "write `postgres://USER@HOST:5432/DATABASE`, and its password by `panguard secrets set store`";
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        if !matches!(scheme, "postgres" | "postgresql") {
            return self.wrong(at.line, format!("the store is no PostgreSQL database; {example}"));
        }
        let Ok(uri) = format!("http://{rest}").parse::<Uri>() else {
            return self.wrong(at.line, format!("the store's address cannot be read; {example}"));
        };
        let authority = uri.authority().map_or("", hyper::http::uri::Authority::as_str);
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') {
            return self.wrong(
                at.line,
                "secrets are never in this file; leave the password out, and store it with `panguard secrets set store`",
            );
        }
        let database = uri.path().trim_start_matches('/');
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        if user.is_empty() || database.is_empty() || host.is_empty() {
            return self.wrong(at.line, format!("the store has no user, host or database; {example}"));
        }
        let (mut mode, mut ca) = ("verify-full".to_owned(), None);
        for field in uri.query().into_iter().flat_map(|query| query.split('&')) {
            match field.split_once('=') {
                Some(("sslmode", value)) => mode = value.to_owned(),
                Some(("sslrootcert", value)) => {
                    ca = Some(self.path(&At { value: value.to_owned(), line: at.line })?);
                }
                _ => {
                    // Its value may be a secret.
                    let name = field.split('=').next().unwrap_or_default();
                    let message =
                        format!("the store's address has `{name}`; there is `sslmode` and `sslrootcert`");
                    return self.wrong(at.line, message);
                }
            }
        }
        let tls = match mode.as_str() {
            "verify-full" => UpstreamTls::VerifyFull,
            "verify-ca" if ca.is_some() => UpstreamTls::VerifyCa,
            "disable" if is_loopback(host) => UpstreamTls::Disable,
            _ => {
                let message =
                    "write `sslmode=verify-full`, `verify-ca` with `sslrootcert`, or `disable` on loopback";
                return self.wrong(at.line, message);
            }
        };
        Some(Connection {
            host: host.into(),
            port: uri.port_u16().unwrap_or(5432),
            database: database.into(),
            tls,
            ca,
            user: user.into(),
            password: "store".parse().ok()?,
            labels: Arc::default(),
            data: sql::Labels::default(),
            templates: None,
            modes: Arc::default(),
            approval: Approving::default(),
        })
    }
}
