use std::fmt;

/// Names one session of one gateway: 64 random bits, shown as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Names one command: its session and its number there, shown as `3f9a61c0d4e8b752-12`.
///
/// The same id is in the refusal that the agent reads, in the operator's log and in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId {
    /// The session.
    pub session: SessionId,
    /// The command's number in it, from 1; 0 is the opening of the session.
    pub number: u32,
}

impl SessionId {
    /// The session of rehearsals, in which panguard tries its own lanes: nobody else has this id.
    pub const REHEARSAL: Self = Self(0);

    /// The id that these random bits come to.
    pub fn of_random(bits: u64) -> Self {
        Self(bits.max(1))
    }

    /// The id of this session's command `number`.
    pub fn request(self, number: u32) -> RequestId {
        RequestId { session: self, number }
    }
}

impl RequestId {
    /// The id that `shown` shows; `None` if it shows none.
    pub fn read(shown: &str) -> Option<Self> {
        let (session, number) = shown.split_once('-')?;
        let is_shown =
            session.len() == 16 && session.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let session = u64::from_str_radix(session, 16).ok().filter(|_| is_shown)?;
        let id = SessionId(session).request(number.parse().ok()?);
        (id.to_string() == shown).then_some(id)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.session, self.number)
    }
}
