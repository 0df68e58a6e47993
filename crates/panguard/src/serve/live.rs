use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use proxy::{
    ClientCertificate, ClientKey, Connection, HttpConnection, Live, Target, Trust, UpstreamTls, Verify,
    certificates, listening,
};
use wire_http::Outgoing;

use super::Maskers;
use crate::config::{self, CertificateKey, Config, Requests};

/// The part of the configuration that can be exchanged while the gateway runs, with the PEM files it names.
///
/// # Errors
/// A file that cannot be read or is not what it should be, by its name.
pub fn live(config: &Config, maskers: Maskers) -> anyhow::Result<Live> {
    let tls = match &config.tls {
        None => None,
        Some(tls) => {
            let asked = tls.client_certificates;
            let both =
                || listening(&fs::read(&tls.cert)?, &fs::read(&tls.key)?, asked).map_err(anyhow::Error::new);
            Some(both().with_context(|| {
                format!("the certificate `{}` with its key `{}`", tls.cert.display(), tls.key.display())
            })?)
        }
    };
    let issuers =
        config.issuers.iter().map(|issuer| Ok((issuer.trust.clone(), trust(issuer.ca.as_deref())?)));
    let connections = config.connections.iter().map(|(name, connection)| upstream(name, connection));
    let https = config.https.iter().map(|(name, connection)| http(name, connection, maskers));
    Ok(Live {
        https: https.collect::<anyhow::Result<_>>()?,
        connections: connections.collect::<anyhow::Result<_>>()?,
        issuers: issuers.collect::<anyhow::Result<_>>()?,
        tls,
    })
}

/// One connection, with the PEM file that it names.
///
/// # Errors
/// That file, if it cannot be read or is not what it should be.
pub fn upstream(name: &str, connection: &config::Connection) -> anyhow::Result<Connection> {
    let target = target(connection).with_context(|| format!("the connection `{name}`"))?;
    let (labels, data) = (connection.labels.clone(), connection.data.clone());
    let (modes, approval) = (connection.modes.clone(), connection.approval);
    Ok(Connection { name: name.into(), target, labels, data, modes, approval })
}

/// One connection of HTTP, with the PEM file that it names.
fn http(name: &str, connection: &config::HttpConnection, maskers: Maskers) -> anyhow::Result<HttpConnection> {
    let trust = trust(connection.ca.as_deref()).with_context(|| format!("the connection `{name}`"))?;
    let certificate = connection.certificate.as_ref().map(certificate).transpose();
    let certificate = certificate.with_context(|| format!("the connection `{name}`"))?;
    Ok(HttpConnection {
        lane: Arc::new(lane(name, connection, maskers)?),
        credential: connection.credential.clone(),
        version: format!(
            "{connection:?} {trust:?} {:?}",
            certificate.as_ref().map(ClientCertificate::version)
        )
        .into(),
        trust,
        certificate,
        labels: connection.labels.clone(),
        hosts: connection.hosts.clone(),
        patience: connection.patience,
        approval: connection.approval,
        allowance: connection.allowance,
    })
}

/// What the lane knows of a connection of HTTP.
///
/// # Errors
/// Its document has not been read.
pub fn lane(
    name: &str,
    connection: &config::HttpConnection,
    maskers: Maskers,
) -> anyhow::Result<wire_http::Connection> {
    let outgoing = match connection.requests {
        Requests::Refuse => Outgoing::Refuse,
        Requests::Mask => Outgoing::Mask(maskers.answers),
        Requests::Tokenise => Outgoing::Mask(maskers.surrogates),
    };
    Ok(wire_http::Connection {
        name: name.into(),
        origin: connection.origin.clone(),
        asks_models: connection.asks_models,
        rules: connection.data.clone(),
        document: connection.openapi.as_ref().map(config::Openapi::document).transpose()?,
        strict: connection.strict,
        opaque: connection.opaque,
        outgoing,
        bounds: connection.bounds,
    })
}

/// What is shown to an upstream that asks for a certificate.
fn certificate(configured: &config::ClientCertificate) -> anyhow::Result<ClientCertificate> {
    let cert = configured.cert.display();
    let chain = fs::read(&configured.cert).with_context(|| format!("the client certificate `{cert}`"))?;
    let (key, named) = match &configured.key {
        CertificateKey::Vault(name) => (ClientKey::Vault(name.clone()), format!("`{name}` in the vault")),
        CertificateKey::File(file) => {
            let named = format!("`{}`", file.display());
            let key = fs::read(file).with_context(|| format!("the client certificate's key {named}"))?;
            (ClientKey::Pem(key.into()), named)
        }
    };
    ClientCertificate::new(&chain, key)
        .with_context(|| format!("the client certificate `{cert}` with its key {named}"))
}

/// Where a connection is, and how panguard signs in there.
///
/// # Errors
/// The file of its authorities, if that cannot be read.
pub fn target(connection: &config::Connection) -> anyhow::Result<Target> {
    let verified =
        |verify| Ok::<_, anyhow::Error>(UpstreamTls::new(trust(connection.ca.as_deref())?, verify)?);
    let tls = match connection.tls {
        config::UpstreamTls::VerifyFull => Some(verified(Verify::Full)?),
        config::UpstreamTls::VerifyCa => Some(verified(Verify::Ca)?),
        config::UpstreamTls::Disable => None,
    };
    Ok(Target {
        host: connection.host.clone(),
        port: connection.port,
        tls,
        database: connection.database.clone(),
        user: connection.user.clone(),
        password: connection.password.clone(),
    })
}

/// The authorities in a PEM file, or else the machine's.
pub fn trust(ca: Option<&Path>) -> anyhow::Result<Trust> {
    let Some(path) = ca else { return Ok(Trust::Platform) };
    let named = || format!("the authorities `{}`", path.display());
    let pem = fs::read(path).with_context(named)?;
    Ok(Trust::Only(certificates(&pem).with_context(named)?))
}
