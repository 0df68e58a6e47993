//! Whether the clock goes as time does (10.6): it is held against one that nobody sets.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit::Closes;
use gate::Found;
use rustix::time::{ClockId, clock_gettime};

/// The clock of the last look, and what was found of it.
pub struct Clock {
    /// How far the clock is ahead of the one that nobody sets, in microseconds.
    ahead: i128,
    /// When it was set, and by how much, of late.
    steps: VecDeque<(Duration, i128)>,
}

impl Clock {
    pub fn new() -> Self {
        Self { ahead: measure().1, steps: VecDeque::new() }
    }

    /// Looks at it.
    pub fn look(&mut self) -> Found {
        let (up, ahead) = measure();
        self.judge(up, ahead)
    }

    fn judge(&mut self, up: Duration, ahead: i128) -> Found {
        let step = ahead - std::mem::replace(&mut self.ahead, ahead);
        if step.unsigned_abs() > STEP_MICROS_MAX {
            self.steps.push_back((up, step));
        }
        while self.steps.front().is_some_and(|(at, _)| up.saturating_sub(*at) > CALM) {
            self.steps.pop_front();
        }
        match self.steps.front() {
            None => Found::Works,
            Some((_, step)) => {
                let way = if *step < 0 { "back" } else { "forward" };
                let (seconds, rest) = (step.unsigned_abs() / 1_000_000, step.unsigned_abs() % 1_000_000);
                let cause = format!("it was set {way} by {seconds}.{rest:06} s");
                Found::Fails { cause, closes: Closes::Nothing }
            }
        }
    }
}

/// How long the machine has been up, and how far the clock is ahead of that.
fn measure() -> (Duration, i128) {
    let up = clock_gettime(ClockId::Boottime);
    let up = Duration::new(u64::try_from(up.tv_sec).unwrap_or(0), u32::try_from(up.tv_nsec).unwrap_or(0));
    let now = SystemTime::now();
    let now = match now.duration_since(UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    };
    (up, now - micros(up))
}

fn micros(time: Duration) -> i128 {
    i128::try_from(time.as_micros()).unwrap_or(i128::MAX)
}

/// A clock that is only slewed goes wrong by half a thousandth of this in a look.
const STEP_MICROS_MAX: u128 = 1_000_000;

/// It works again when it has not been set for so long.
const CALM: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at_zero() -> Clock {
        Clock { ahead: 0, steps: VecDeque::new() }
    }

    #[test]
    fn a_clock_that_is_slewed_works() {
        let mut clock = at_zero();
        assert!((1..1000).all(|at| clock.judge(seconds(at), i128::from(at) * 500) == Found::Works));
    }

    #[test]
    fn a_clock_that_was_set_fails_until_it_has_been_left_alone() {
        let mut clock = at_zero();
        let set = |by: &str| Found::Fails { cause: format!("it was set {by} s"), closes: Closes::Nothing };
        assert_eq!(clock.judge(seconds(10), -3_500_000), set("back by 3.500000"));
        assert_eq!(clock.judge(seconds(40), 1_000_000), set("back by 3.500000"), "the first is told");
        assert_eq!(clock.judge(seconds(71), 1_000_000), set("forward by 4.500000"));
        assert_eq!(clock.judge(seconds(101), 1_000_000), Found::Works);
    }
}
