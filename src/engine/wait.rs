//! Waiting without a lock: spin a little, sleep briefly, then longer.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;

/// The sleep of a thread that had work a moment ago, and how often it sleeps so before it counts as idle. Longer or growing sleeps
/// leave a processor idle between two threads that feed each other.
const SHORT: Duration = Duration::from_micros(50);
const SHORT_SLEEPS: u32 = 40;
/// The sleep of an idle thread: a millisecond at a time costs 0.1 % of a core.
const LONG: Duration = Duration::from_millis(1);

/// The patience of a thread that polls.
pub(crate) struct Wait {
    /// Spinning before the first sleep, if others wait for this thread.
    backoff: Option<Backoff>,
    short_sleeps: u32,
}

impl Wait {
    /// For threads that others wait for: spins before it sleeps.
    pub(crate) fn alert() -> Wait {
        Wait { backoff: Some(Backoff::new()), short_sleeps: 0 }
    }

    /// For threads with long queues, for which a millisecond is nothing: sleeps at once.
    pub(crate) fn calm() -> Wait {
        Wait { backoff: None, short_sleeps: SHORT_SLEEPS }
    }

    /// There was work: be alert again.
    #[inline]
    pub(crate) fn worked(&mut self) {
        if let Some(backoff) = &self.backoff {
            backoff.reset();
            self.short_sleeps = 0;
        }
    }

    /// There was nothing to do: wait a little. Answers whether the thread counts as idle, so that idle work can be done.
    #[inline]
    pub(crate) fn idle(&mut self) -> bool {
        if let Some(backoff) = &self.backoff
            && !backoff.is_completed()
        {
            backoff.snooze();
            return false;
        }
        if self.short_sleeps < SHORT_SLEEPS {
            self.short_sleeps += 1;
            thread::sleep(SHORT);
            return false;
        }
        thread::sleep(LONG);
        true
    }
}
