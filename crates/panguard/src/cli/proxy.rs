//! panguard as a forward proxy, as clients are told of it.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::authority;
use crate::config::Config;

/// The way by a forward proxy.
pub struct Forward {
    /// The gateway's address: `127.0.0.1:8080`.
    address: String,
    host: String,
    is_loopback: bool,
    tls: bool,
    /// The machine's root certificates and panguard's, and panguard's alone.
    roots: Option<(PathBuf, PathBuf)>,
}

impl Forward {
    /// The way by the gateway of `config`. `None`: nothing listens there, or nothing is reached by it.
    ///
    /// # Errors
    /// There is no having its authority's certificate, which `ca` may name a file of.
    pub fn of(config: &Config, host: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let Some(listens) = config.http.filter(|_| !config.https.is_empty()) else { return Ok(None) };
        let host = match host {
            Some(host) => host.to_owned(),
            None if listens.ip().is_unspecified() => return Ok(None),
            None => listens.ip().to_string(),
        };
        let certificate = match ca {
            Some(path) => {
                let read = std::fs::read_to_string(path);
                Some(read.with_context(|| format!("cannot read `{}`", path.display()))?)
            }
            None => authority::any(config).context(
                "panguard's certificate cannot be had; export it with `panguard ca --out FILE` where the gateway is, and name it with `--ca FILE`",
            )?,
        };
        let roots = certificate.as_deref().map(authority::files).transpose()?;
        let is_loopback =
            host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let address = format!("{bracketed}:{}", listens.port());
        Ok(Some(Self { address, host, is_loopback, tls: config.tls.is_some(), roots }))
    }

    /// The variables that clients read. `token` is what stands for the token in the proxy's URL.
    pub fn variables(&self, token: Option<&str>) -> Vec<(String, String)> {
        let scheme = if self.tls { "https" } else { "http" };
        let user = token.map(|token| format!("agent:{token}@")).unwrap_or_default();
        let url = format!("{scheme}://{user}{}", self.address);
        // Nothing goes past the proxy but what goes to it. One on loopback is named with its port, so that what else is
        // there does not; a client that reads no ports comes to panguard by way of itself.
        let past = if self.is_loopback { self.address.clone() } else { self.host.clone() };
        let mut all = Vec::new();
        for (name, value) in
            [("HTTPS_PROXY", &url), ("HTTP_PROXY", &url), ("ALL_PROXY", &url), ("NO_PROXY", &past)]
        {
            // Some read one, some the other; curl reads `http_proxy` alone.
            all.push((name.to_owned(), value.clone()));
            all.push((name.to_ascii_lowercase(), value.clone()));
        }
        all.push(("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()));
        if let Some((bundle, own)) = &self.roots {
            let (bundle, own) = (bundle.display().to_string(), own.display().to_string());
            for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
                all.push((name.to_owned(), bundle.clone()));
            }
            all.push(("NODE_EXTRA_CA_CERTS".to_owned(), own));
        }
        all
    }
}
