use access::{Code, Refusal};
use bytes::{BufMut, Bytes, BytesMut};

use super::upstream::CANCEL_KEY_BYTES;
use crate::error;
use crate::frame::{message, put_cstring};

/// The answer that an agent is owed after it has presented its token; given once.
#[derive(Debug)]
#[must_use]
pub struct Answer {
    pub(super) protocol_minor: u16,
    pub(super) database_is_user: bool,
}

/// What an agent is told when its session opens.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The upstream's parameters, as its ParameterStatus messages said.
    pub parameters: &'a [(String, String)],
    /// The process id by which to cancel: panguard's own, not the upstream's.
    pub process_id: u32,
    /// Random bytes to make the cancel key from.
    pub key: [u8; CANCEL_KEY_BYTES],
}

/// A session that is open.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// AuthenticationOk to ReadyForQuery, to be written to the agent.
    pub send: Bytes,
    /// The cancel key that the agent was given: 4 bytes in protocol 3.0, 32 in 3.2.
    pub key: Box<[u8]>,
}

impl Answer {
    /// Opens the session.
    pub fn accept(self, opening: Opening<'_>) -> Accepted {
        // Cancel keys are 4 bytes long before protocol 3.2.
        let key = match self.protocol_minor {
            0 => opening
                .key
                .first_chunk::<4>()
                .map_or_else(|| opening.key.as_slice(), |short| short.as_slice()),
            _ => opening.key.as_slice(),
        };
        let mut out = BytesMut::new();
        put_authentication(&mut out, authentication::OK, b"");
        for (name, value) in opening.parameters {
            message(&mut out, b'S', |body| {
                put_cstring(body, name.as_bytes());
                put_cstring(body, value.as_bytes());
            });
        }
        message(&mut out, b'K', |body| {
            body.put_u32(opening.process_id);
            body.put_slice(key);
        });
        message(&mut out, b'Z', |body| body.put_u8(b'I'));
        Accepted { send: out.freeze(), key: key.into() }
    }

    /// Refuses the session: an ErrorResponse after which the connection is to be closed.
    pub fn refuse(self, refusal: &Refusal) -> Bytes {
        let hint = match (refusal.code, self.database_is_user) {
            // libpq itself fills in the user's name when it is told no database.
            (Code::UnknownConnection, true) => {
                "name a connection you may use as the database, without one the user's name is taken for it"
            }
            (code, _) => code.instead(),
        };
        error::startup_response(refusal, hint)
    }
}

/// Appends an authentication message (§55.7, `R`).
pub(super) fn put_authentication(out: &mut BytesMut, kind: u32, data: &[u8]) {
    message(out, b'R', |body| {
        body.put_u32(kind);
        body.put_slice(data);
    });
}

/// Kinds of authentication messages that an agent is sent.
pub(super) mod authentication {
    pub(in crate::startup) const OK: u32 = 0;
    pub(in crate::startup) const CLEARTEXT_PASSWORD: u32 = 3;
    pub(in crate::startup) const SASL: u32 = 10;
    pub(in crate::startup) const SASL_CONTINUE: u32 = 11;
}
