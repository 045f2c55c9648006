//! Waiting without a lock: spin a little, then sleep longer and longer.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;

const SHORTEST: Duration = Duration::from_micros(20);
/// A waiting thread that sleeps a millisecond at a time costs 0.1 % of a core.
const LONGEST: Duration = Duration::from_millis(1);

/// The patience of a thread that polls.
pub(crate) struct Wait {
    /// Spinning before the first sleep, if others wait for this thread.
    backoff: Option<Backoff>,
    sleep: Duration,
}

impl Wait {
    /// For threads that others wait for: spins before it sleeps.
    pub(crate) fn alert() -> Wait {
        Wait { backoff: Some(Backoff::new()), sleep: SHORTEST }
    }

    /// For threads with long queues, for which a millisecond is nothing: sleeps at once.
    pub(crate) fn calm() -> Wait {
        Wait { backoff: None, sleep: LONGEST }
    }

    /// There was work: be alert again.
    #[inline]
    pub(crate) fn worked(&mut self) {
        if let Some(backoff) = &self.backoff {
            backoff.reset();
            self.sleep = SHORTEST;
        }
    }

    /// There was nothing to do: wait a little. Answers whether the longest sleep is reached, so that idle work can be done.
    #[inline]
    pub(crate) fn idle(&mut self) -> bool {
        if let Some(backoff) = &self.backoff
            && !backoff.is_completed()
        {
            backoff.snooze();
            return false;
        }
        thread::sleep(self.sleep);
        self.sleep = (self.sleep * 2).min(LONGEST);
        self.sleep == LONGEST
    }
}
