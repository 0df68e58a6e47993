//! Listen, admit, drive, dial, drain.
//!
//! [`Gateway`] is the whole; [`drive`] is the loop that runs every session, of whatever lane. Everything
//! here moves bytes and waits; what the bytes mean and whether they may pass is decided in the pure crates.

mod serve;

mod admit;
mod cancel;
mod catalog;
mod dial;
mod drive;
mod http;
mod inspection;
mod issuer;
mod judge;
mod listen;
mod presence;
mod preview;
mod proofs;
mod session;

mod client;
mod clock;
mod connection;
mod limits;
mod metrics;
mod random;
mod rehearsal;
mod sample;
#[cfg(test)]
mod stand_in;
mod stream;
mod tls;
mod witness;

pub use catalog::{NoCatalog, read_catalog};
pub use client::{Client, client};
pub use connection::Connection;
pub use dial::Target;
pub use drive::{Asked, Ended, Judge, OUTBOX_BYTES_MAX, Order, Traffic, drive};
pub use http::{Aws, ClientAuth, Credential, Grant, HttpConnection, OAuth2, causes, sigv4};
pub use inspection::{Inspection, NotRead};
pub use issuer::{Issuers, Unidentified};
pub use limits::Limits;
pub use metrics::Metrics;
pub use serve::{Gateway, Live, Settings};
pub use tls::{
    Authority, ClientCertificate, ClientKey, NoAuthority, ROOT_LIFETIME, TlsError, Trust, UpstreamTls,
    Verify, certificates, fetching, listening,
};
