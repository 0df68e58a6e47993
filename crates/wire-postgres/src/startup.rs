//! The beginning of a session, before the first command ([§55.2.1]): the agent's with panguard, and
//! panguard's with the upstream. Two state machines without I/O; nothing passes from one to the other
//! except what panguard has read and understood.
//!
//! [§55.2.1]: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP

mod agent;
mod answer;
mod failure;
mod fault;
mod inbox;
mod oauth;
mod packet;
mod scram;
mod setting;
mod upstream;

pub use agent::{Agent, Ended, Presented, Step, Transport, fuzz_agent_startup};
pub use answer::{Accepted, Answer, Opening};
pub use failure::Failure;
pub use oauth::{Auth, Discovery, Method};
pub(crate) use upstream::error_fields;
pub use upstream::{
    CANCEL_KEY_BYTES_MAX, ChannelBinding, Login, Ready, TlsAnswer, Upstream, UpstreamStep, cancel_request,
    fuzz_upstream_startup, ssl_answer, ssl_request,
};

/// Whether the first byte of a connection begins a TLS handshake (direct TLS, PostgreSQL 17).
///
/// A startup packet begins with the first byte of a length below 64 KiB, which is 0; a TLS record begins
/// with its type, which for a ClientHello is 22 (RFC 8446 §5.1).
pub fn first_byte_is_tls(byte: u8) -> bool {
    byte == 0x16
}

/// Codes in the place of a protocol version that make a packet something else than a StartupMessage.
mod code {
    pub(super) const CANCEL: u32 = (1234 << 16) | 5678;
    pub(super) const SSL: u32 = (1234 << 16) | 5679;
    pub(super) const GSS_ENCRYPTION: u32 = (1234 << 16) | 5680;
}

/// Protocol 3.0 as a version number: major in the high half, minor in the low.
const PROTOCOL_3_0: u32 = 3 << 16;
