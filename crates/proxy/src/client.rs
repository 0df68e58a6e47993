use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::tls::{self, TlsError, Trust};

/// Sockets to one server that is asked a few things and now and then: none is kept, no redirect is followed.
pub type Client<B> = legacy::Client<HttpsConnector<HttpConnector>, B>;

/// A client of a server whose certificate is verified by `trust`; or, by none, of one that speaks plain text, which is for
/// loopback alone: the caller has seen to that, and to `https` in the addresses otherwise.
///
/// # Errors
/// [`TlsError`] if there is nothing to verify a certificate by.
pub fn client<B>(trust: Option<&Trust>) -> Result<Client<B>, TlsError>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    // Plain text must also work on a machine that has no root certificates.
    let config = match trust {
        Some(trust) => tls::fetching(trust)?,
        None => tls::fetching_in_plain_text()?,
    };
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
    Ok(legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}
