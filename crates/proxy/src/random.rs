use access::SessionId;
use aws_lc_rs::rand;
use thiserror::Error;

/// The system has no randomness to give.
#[derive(Debug, Error)]
#[error("the system gives no random bytes")]
pub(crate) struct NoRandomness;

/// As many random bytes as are asked for.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// An id that no other session has.
pub(crate) fn session_id() -> Result<SessionId, NoRandomness> {
    bytes().map(u64::from_be_bytes).map(SessionId::of_random)
}
