//! The log is verified while it runs (PCI DSS 4.0.1, 10.3.4), on a thread of its own.

use std::thread;
use std::time::{Duration, Instant};

use audit::Closes;
use gate::Found;
use tokio::sync::oneshot;

use super::{Places, fails};

/// A verification that is under way.
pub struct Verifying {
    told: oneshot::Receiver<Found>,
    /// When it should have come to an end.
    due: Instant,
}

impl Verifying {
    /// Verifies the log against a head that is known to be its own. The thread ends with the process, however far it is.
    pub fn begin(places: &Places) -> Self {
        let (dir, verifier, head) = (places.audit.clone(), places.verifier.clone(), places.log.checkpoint());
        let (tell, told) = oneshot::channel();
        // One that cannot be started tells nothing, which is told as that it broke down.
        _ = thread::Builder::new().name("audit-verify".into()).spawn(move || {
            // Nobody has to be there to hear it.
            _ = tell.send(verified(&|| audit::verify(&dir, &verifier, head.as_deref())));
        });
        Self { told, due: Instant::now() + TIME_MAX }
    }

    /// What it has found, and whether it has ended; nothing as long as it has time.
    pub fn look(&mut self) -> Option<(Found, bool)> {
        match self.told.try_recv() {
            Ok(found) => Some((found, true)),
            Err(oneshot::error::TryRecvError::Closed) => {
                Some((fails("verifying it broke down", Closes::Nothing), true))
            }
            // What keeps it from ending may be what it would find: a disk that answers nobody, or who stands in its way.
            Err(oneshot::error::TryRecvError::Empty) => (self.due <= Instant::now())
                .then(|| (fails("verifying it came to no end within an hour", Closes::Cde), false)),
        }
    }
}

/// What verifying the log comes to. A file that cannot be read is looked for some times: the machine may have been short of something.
fn verified(verify: &dyn Fn() -> Result<audit::Report, audit::NotVerifiable>) -> Found {
    for tries in 1.. {
        match verify() {
            Ok(report) => {
                let Some(wrong) = report.first_wrong() else { return Found::Works };
                let at = wrong.index.map_or_else(String::new, |index| format!("entry {index}: "));
                return fails(format!("it has been changed: {at}{}", wrong.what), Closes::Cde);
            }
            Err(error) if tries == READ_TRIES => {
                return fails(format!("it cannot be verified: {error}"), Closes::Cde);
            }
            Err(_) => thread::sleep(READ_PAUSE),
        }
    }
    Found::Unknown
}

/// What is verified in it is a thousand million entries (docs/performance.md): more than retention leaves beside a gateway.
const TIME_MAX: Duration = Duration::from_secs(3600);

const READ_TRIES: u32 = 4;

const READ_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_comes_to_no_end_is_a_failure_until_it_does() {
        let (tell, told) = oneshot::channel();
        let mut verifying = Verifying { told, due: Instant::now() + TIME_MAX };
        assert_eq!(verifying.look(), None);
        verifying.due = Instant::now();
        let (found, has_ended) = verifying.look().unwrap();
        assert!(matches!(found, Found::Fails { closes: Closes::Cde, .. }) && !has_ended);
        tell.send(Found::Works).unwrap();
        assert_eq!(verifying.look(), Some((Found::Works, true)));
    }

    #[test]
    fn one_that_breaks_down_is_a_failure() {
        let (_, told) = oneshot::channel();
        let mut verifying = Verifying { told, due: Instant::now() + TIME_MAX };
        assert!(matches!(verifying.look(), Some((Found::Fails { .. }, true))));
    }
}
