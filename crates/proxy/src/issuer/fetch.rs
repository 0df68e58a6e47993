use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use thiserror::Error;
use tokio::time::timeout;

use crate::client::{Client, client};
use crate::tls::{TlsError, Trust};

/// Fetches an issuer's documents. Follows no redirect: what it is sent for is what it gets, or nothing.
pub(super) struct Fetch {
    client: Client<Empty<Bytes>>,
}

/// A document that was not to be had.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("the address cannot be used")]
    Address,
    #[error("no answer: {0}")]
    Client(#[source] hyper_util::client::legacy::Error),
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error("the answer broke off, or is longer than {} KiB", DOCUMENT_BYTES_MAX >> 10)]
    Body,
    #[error("no answer within {} seconds", FETCH_TIME_MAX.as_secs())]
    Late,
}

impl Fetch {
    /// Fetches for the issuer at `address`.
    pub(super) fn new(address: &str, trust: &Trust) -> Result<Self, TlsError> {
        // Plain http is for loopback alone, which `identity` has seen to before an address gets here.
        let is_plain = address.starts_with("http://");
        let client = client((!is_plain).then_some(trust))?;
        Ok(Self { client })
    }

    pub(super) async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        timeout(FETCH_TIME_MAX, self.get_patiently(url)).await.map_err(|_| FetchError::Late)?
    }

    async fn get_patiently(&self, url: &str) -> Result<Bytes, FetchError> {
        let request = Request::get(url)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("panguard/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|_| FetchError::Address)?;
        let response = self.client.request(request).await.map_err(FetchError::Client)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), DOCUMENT_BYTES_MAX).collect().await;
        Ok(body.map_err(|_| FetchError::Body)?.to_bytes())
    }
}

/// As long as a key set may be.
const DOCUMENT_BYTES_MAX: usize = 512 << 10;
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);
