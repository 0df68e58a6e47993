use crate::frame::Fields;

use super::{code, upstream::CANCEL_KEY_BYTES_MAX};

/// Longest packet before the first message, in bytes without its length; PostgreSQL's own limit.
pub(super) const PACKET_BYTES_MAX: usize = 10_000;

/// What a client may send before messages have tags.
pub(super) enum Packet {
    /// It asks for TLS.
    Ssl,
    /// It asks for encryption by GSSAPI.
    GssEncryption,
    /// It asks to stop what another connection does.
    Cancel { process_id: u32, key: Box<[u8]> },
    /// It opens a session.
    Startup(Startup),
    /// A StartupMessage of a protocol that is not 3.
    OtherMajor(u16),
}

/// A StartupMessage of protocol 3.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Startup {
    /// The minor version asked for.
    pub(super) minor: u16,
    /// Names and values in order, `_pq_.` options left out. Names are unique in a well-behaved client.
    pub(super) parameters: Vec<(String, String)>,
    /// Names of the protocol options asked for (`_pq_.…`), none of which panguard knows.
    pub(super) options: Vec<String>,
}

impl Packet {
    /// Reads a packet without its length. `Err` is the rule that it breaks.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let mut fields = Fields::over(body);
        let version = fields.u32().ok_or("a startup packet without a protocol version")?;
        match version {
            code::SSL if fields.is_empty() => Ok(Self::Ssl),
            code::GSS_ENCRYPTION if fields.is_empty() => Ok(Self::GssEncryption),
            code::SSL | code::GSS_ENCRYPTION => Err("an encryption request with something after it"),
            code::CANCEL => cancel(fields),
            version if version >> 16 == 3 => Ok(Self::Startup(startup(version as u16, fields)?)),
            version => Ok(Self::OtherMajor((version >> 16) as u16)),
        }
    }
}

fn cancel(mut fields: Fields<'_>) -> Result<Packet, &'static str> {
    let process_id = fields.u32().ok_or("a cancel request without a process id")?;
    let key = fields.rest();
    if !(4..=CANCEL_KEY_BYTES_MAX).contains(&key.len()) {
        return Err("a cancel request whose key is not 4 to 256 bytes long");
    }
    Ok(Packet::Cancel { process_id, key: key.into() })
}

fn startup(minor: u16, mut fields: Fields<'_>) -> Result<Startup, &'static str> {
    let mut startup = Startup { minor, parameters: Vec::new(), options: Vec::new() };
    loop {
        let name = fields.cstring().ok_or("a startup packet without a terminator")?;
        if name.is_empty() {
            break;
        }
        let value = fields.cstring().ok_or("a startup parameter without a value")?;
        let (Ok(name), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) else {
            return Err("a startup parameter that is not UTF-8");
        };
        match name.starts_with("_pq_.") {
            true => startup.options.push(name.into()),
            false => startup.parameters.push((name.into(), value.into())),
        }
    }
    match fields.is_empty() {
        true => Ok(startup),
        false => Err("a startup packet with something after its terminator"),
    }
}
