//! How panguard proves to an upstream that it holds the credential, and the upstream to panguard.

use access::Secret;
use bytes::{BufMut, Bytes, BytesMut};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ScramSha256};
use wire::{Side, Violation};

use super::Failure;
use super::upstream::{ChannelBinding, Login};
use crate::frame::{Fields, message, put_cstring};

/// What is awaited of the server while panguard signs in.
///
/// ```text
/// Request ──(trust)──▶ done
/// Request ──password or md5──▶ Answered ──Ok──▶ done
/// Request ──SASL──▶ First ──continue──▶ Final ──verified──▶ Answered ──Ok──▶ done
/// ```
/// INVARIANT: an AuthenticationOk is not believed in `First` and `Final`: the server that asks for SCRAM
/// has to prove that it knows the password too (RFC 5802 §3).
pub(super) enum Authentication {
    /// A request for proof, or none.
    Request,
    /// The server's first SCRAM message.
    First(Box<ScramSha256>),
    /// The server's proof.
    Final(Box<ScramSha256>),
    /// AuthenticationOk: all that panguard has to say is said.
    Answered,
}

/// What an authentication message leads to.
pub(super) enum Next {
    /// Send this, if anything, and await another one.
    Await(Authentication, Option<Bytes>),
    /// panguard is signed in.
    SignedIn,
}

impl Authentication {
    /// Takes the body of an authentication message (§55.7, `R`).
    pub(super) fn receive(self, body: &[u8], login: &Login) -> Result<Next, Failure> {
        let mut fields = Fields::over(body);
        let kind = fields.u32().ok_or(SHORT)?;
        match (kind, self) {
            (0, Self::Request | Self::Answered) if fields.is_empty() => Ok(Next::SignedIn),
            (0, Self::First(_) | Self::Final(_)) => {
                Err(Failure::Unproven("it says Ok before the exchange is over".into()))
            }
            (3, Self::Request) if fields.is_empty() => clear_text(login),
            (5, Self::Request) => {
                let salt = fields.rest().try_into().map_err(|_| SHORT)?;
                Ok(answered(md5_hash(login.user.as_bytes(), login.password.expose(), salt).as_bytes()))
            }
            (10, Self::Request) => begin(fields, login),
            (11, Self::First(mut scram)) => {
                scram.update(fields.rest()).map_err(unproven)?;
                let mut out = BytesMut::new();
                message(&mut out, b'p', |body| body.put_slice(scram.message()));
                Ok(Next::Await(Self::Final(scram), Some(out.freeze())))
            }
            (12, Self::Final(mut scram)) => {
                scram.finish(fields.rest()).map_err(unproven)?;
                Ok(Next::Await(Self::Answered, None))
            }
            (2, Self::Request) => Err(Failure::Method("Kerberos V5")),
            (7 | 8, Self::Request) => Err(Failure::Method("GSSAPI")),
            (9, Self::Request) => Err(Failure::Method("SSPI")),
            _ => Err(Failure::Violation(Violation {
                by: Side::Upstream,
                rule: "an authentication message that does not follow from the last",
            })),
        }
    }
}

fn clear_text(login: &Login) -> Result<Next, Failure> {
    match login.clear_text_allowed {
        true => Ok(answered(login.password.expose())),
        false => Err(Failure::Method("the password in clear text over an unencrypted connection")),
    }
}

/// A PasswordMessage.
fn answered(proof: &[u8]) -> Next {
    let mut out = BytesMut::new();
    message(&mut out, b'p', |body| put_cstring(body, proof));
    Next::Await(Authentication::Answered, Some(out.freeze()))
}

/// Picks a mechanism of those listed, the one with channel binding wherever that can be.
fn begin(mut fields: Fields<'_>, login: &Login) -> Result<Next, Failure> {
    let (mut plain, mut plus) = (false, false);
    loop {
        match fields.cstring().ok_or(SHORT)? {
            b"" => break,
            name => {
                plain |= name == sasl::SCRAM_SHA_256.as_bytes();
                plus |= name == sasl::SCRAM_SHA_256_PLUS.as_bytes();
            }
        }
    }
    let (mechanism, binding) = match &login.channel_binding {
        ChannelBinding::ServerEndPoint(hash) if plus => {
            (sasl::SCRAM_SHA_256_PLUS, sasl::ChannelBinding::tls_server_end_point(hash.to_vec()))
        }
        // Says that panguard would have bound the channel: a server that did offer it, and whose offer was
        // cut out on the way, refuses then (RFC 5802 §6).
        ChannelBinding::ServerEndPoint(_) if plain => {
            (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unrequested())
        }
        ChannelBinding::None if plain => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unsupported()),
        ChannelBinding::None if plus => return Err(Failure::Method("channel binding, which needs TLS")),
        _ => return Err(Failure::Method("a SASL mechanism other than SCRAM-SHA-256")),
    };
    Ok(initial(mechanism, binding, &login.password))
}

/// A SASLInitialResponse.
fn initial(mechanism: &str, binding: sasl::ChannelBinding, password: &Secret) -> Next {
    let scram = Box::new(ScramSha256::new(password.expose(), binding));
    let mut out = BytesMut::new();
    message(&mut out, b'p', |body| {
        put_cstring(body, mechanism.as_bytes());
        // A client-first message is some fifty bytes long.
        body.put_u32(u32::try_from(scram.message().len()).unwrap_or_default());
        body.put_slice(scram.message());
    });
    Next::Await(Authentication::First(scram), Some(out.freeze()))
}

/// The errors of the SCRAM exchange name what was wrong with the server's message, never what it held,
/// save for the server's own error word.
fn unproven(error: std::io::Error) -> Failure {
    Failure::Unproven(error.to_string().into())
}

const SHORT: Failure =
    Failure::Violation(Violation { by: Side::Upstream, rule: "an authentication message that is too short" });
