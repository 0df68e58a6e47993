use std::fmt;
use std::time::Duration;

use super::file;
use super::place::At;
use super::resolve::{Reading, host_and_port, is_host};

/// How often the gateway looks at controls that cost something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controls {
    /// Every lane is rehearsed with made-up card numbers.
    pub rehearsal: Duration,
    /// The whole audit log is verified, counted from the end of one time to the beginning of the next.
    pub verification: Duration,
    /// What the clock is held against.
    pub time_servers: Vec<TimeServer>,
    /// Each of them is asked.
    pub time: Duration,
    /// As far as the clock may be from what they tell.
    pub clock_offset: Duration,
}

/// A server that tells the time by NTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeServer {
    pub host: Box<str>,
    pub port: u16,
}

impl fmt::Display for TimeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.to_string(),
        };
        match self.port {
            NTP_PORT => f.write_str(&host),
            port => write!(f, "{host}:{port}"),
        }
    }
}

impl Controls {
    pub const DEFAULT: Self = Self {
        rehearsal: Duration::from_secs(180),
        verification: Duration::from_secs(600),
        time_servers: Vec::new(),
        time: Duration::from_secs(64),
        clock_offset: Duration::from_secs(1),
    };
}

impl Reading<'_> {
    pub(super) fn controls(&mut self, controls: &file::Controls) -> Controls {
        let default = Controls::DEFAULT;
        let rehearsal =
            self.within(controls.rehearsal_seconds.as_ref(), default.rehearsal.as_secs(), 1..=3600);
        let verification =
            self.within(controls.verification_seconds.as_ref(), default.verification.as_secs(), 1..=86_400);
        let time = self.within(controls.time_seconds.as_ref(), default.time.as_secs(), 1..=3600);
        let offset = default.clock_offset.as_secs();
        let offset = self.within(controls.clock_offset_ms.as_ref(), offset.saturating_mul(1000), 10..=60_000);
        let time_servers =
            controls.time_servers.iter().flatten().filter_map(|at| self.time_server(at)).collect();
        Controls {
            rehearsal: Duration::from_secs(rehearsal),
            verification: Duration::from_secs(verification),
            time_servers,
            time: Duration::from_secs(time),
            clock_offset: Duration::from_millis(offset),
        }
    }

    fn time_server(&mut self, at: &At<String>) -> Option<TimeServer> {
        let text = self.text(at)?;
        let found = host_and_port(&if is_host(&text) { format!("{text}:{NTP_PORT}") } else { text.clone() });
        match found {
            Some((host, port)) => Some(TimeServer { host: host.into(), port }),
            None => {
                let example = "`time1.example.com` or `10.0.0.5:123`";
                self.wrong(
                    at.line,
                    format!("`{text}` is no time server; write HOST or HOST:PORT, such as {example}"),
                )
            }
        }
    }
}

const NTP_PORT: u16 = 123;
