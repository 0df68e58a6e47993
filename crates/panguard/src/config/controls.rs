use std::time::Duration;

use super::file;
use super::resolve::Reading;

/// How often the gateway looks at controls that cost something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controls {
    /// Every lane is rehearsed with made-up card numbers.
    pub rehearsal: Duration,
    /// The whole audit log is verified, counted from the end of one time to the beginning of the next.
    pub verification: Duration,
}

impl Controls {
    pub const DEFAULT: Self =
        Self { rehearsal: Duration::from_secs(180), verification: Duration::from_secs(600) };
}

impl Reading<'_> {
    pub(super) fn controls(&mut self, controls: &file::Controls) -> Controls {
        let default = Controls::DEFAULT;
        let rehearsal =
            self.within(controls.rehearsal_seconds.as_ref(), default.rehearsal.as_secs(), 1..=3600);
        let verification =
            self.within(controls.verification_seconds.as_ref(), default.verification.as_secs(), 1..=86_400);
        Controls {
            rehearsal: Duration::from_secs(rehearsal),
            verification: Duration::from_secs(verification),
        }
    }
}
