//! Token, keys and time in; principal out.
//!
//! A token is a signed JWT (RFC 7519) from one of the configured issuers. [`verify`] is the only way from
//! a token to an [`access::Principal`]. Nothing here has a clock or a socket: the caller passes `now`,
//! fetches what [`Issuer::discovery_url`] and [`Discovery`] name when [`Refresh`] says so, and keeps the
//! resulting [`Keys`].
//!
//! [`hear`] is what an issuer says of sessions and accounts without being asked.
//!
//! A token that is bound to a key of the client (`cnf`) names it in [`access::Authentication::bound_to`]; that whoever presents it holds
//! it is the caller's to see to, by [`prove`] or the certificate that was shown.
//!
//! [`Lending`] is access that panguard itself lends, with a token of its own.
//!
//! Not here: encrypted tokens (JWE), and introspection of opaque tokens (RFC 7662).

mod agent;
mod claim;
mod discovery;
mod issuer;
mod key;
mod lent;
mod notice;
mod object;
mod proof;
mod refresh;
mod signed;
mod token;
mod untrusted;
mod verify;

pub use agent::{AgentRule, AgentRuleError, Match};
pub use claim::{ClaimPath, ClaimPathError};
pub use discovery::{Discovery, DiscoveryError};
pub use issuer::{Issuer, IssuerError};
pub use key::{Algorithm, Ignored, Keys, KeysError};
pub use lent::{Lending, described, of_description};
pub use notice::{Happening, Notice, Said, Whom, hear};
pub use proof::{Proven, SECONDS_BELIEVED, prove};
pub use refresh::Refresh;
pub use untrusted::Untrusted;
pub use verify::{issuer_of, verify};

#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use verify::fuzz_verify;
