use std::time::Duration;

/// Bounds on what clients may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions open at a time. As many sockets again may be starting up.
    pub sessions: usize,
    /// How long an agent may take from its first byte to its token.
    pub startup_time: Duration,
    /// Longest message accepted from an agent, in bytes.
    pub message_bytes: usize,
    /// How long running commands may go on when the gateway shuts down.
    pub shutdown_time: Duration,
    /// How long a person's session may ask nothing (PCI DSS 4.0.1, 8.2.8); without end if not said. An agent's may.
    pub idle_time: Option<Duration>,
    /// How long any session may last; without end if not said. A command that runs then runs to its end.
    pub session_time: Option<Duration>,
    /// How many bytes of each answer are kept for the audit log.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 1000,
            startup_time: Duration::from_secs(10),
            message_bytes: wire_postgres::MESSAGE_BYTES_MAX,
            shutdown_time: Duration::from_secs(30),
            idle_time: None,
            session_time: None,
            answer_bytes: 0,
        }
    }
}
