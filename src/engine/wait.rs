//! Waiting without a lock: spin a little, then sleep longer and longer.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;

/// The shortest and the longest sleep. A waiting thread that sleeps a millisecond at a time costs 0.1 % of a core.
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(1);

/// The patience of a thread that polls.
pub(crate) struct Wait {
    backoff: Backoff,
    sleep: Duration,
}

impl Wait {
    pub(crate) fn new() -> Wait {
        Wait { backoff: Backoff::new(), sleep: SHORTEST }
    }

    /// There was work: be alert again.
    #[inline]
    pub(crate) fn worked(&mut self) {
        self.backoff.reset();
        self.sleep = SHORTEST;
    }

    /// There was nothing to do: wait a little. Answers whether the longest sleep is reached, so that idle work can be done.
    #[inline]
    pub(crate) fn idle(&mut self) -> bool {
        if !self.backoff.is_completed() {
            self.backoff.snooze();
            return false;
        }
        thread::sleep(self.sleep);
        self.sleep = (self.sleep * 2).min(LONGEST);
        self.sleep == LONGEST
    }
}
