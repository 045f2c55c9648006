//! Waiting without a lock: spin a little, nap a while, then sleep until somebody rings.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;

use super::doorbell::Doorbell;

/// The nap of a thread that had work a moment ago, and how often it naps so before it goes to sleep. Longer or growing naps leave a
/// processor idle between two threads that feed each other; being woken for each batch costs the one that wakes.
const NAP: Duration = Duration::from_micros(50);
const NAPS: u32 = 40;
/// The same for threads with long queues, for which a millisecond is nothing.
const CALM_NAP: Duration = Duration::from_millis(1);
const CALM_NAPS: u32 = 10;
/// A sleep ends after this time even if nobody rings.
const SLEEP: Duration = Duration::from_millis(500);

/// The patience of a thread that polls.
pub(crate) struct Wait {
    /// Spinning before the first nap, if others wait for this thread.
    backoff: Option<Backoff>,
    nap: Duration,
    naps: u32,
    most_naps: u32,
}

impl Wait {
    /// For threads that others wait for: spins before it naps.
    pub(crate) fn alert() -> Wait {
        Wait { backoff: Some(Backoff::new()), nap: NAP, naps: 0, most_naps: NAPS }
    }

    /// For threads with long queues: naps at once, and longer.
    pub(crate) fn calm() -> Wait {
        Wait { backoff: None, nap: CALM_NAP, naps: 0, most_naps: CALM_NAPS }
    }

    /// There was work: be alert again.
    #[inline]
    pub(crate) fn worked(&mut self) {
        if let Some(backoff) = &self.backoff {
            backoff.reset();
        }
        self.naps = 0;
    }

    /// Whether there was nothing to do for a nap or longer.
    pub(crate) fn is_calm(&self) -> bool {
        self.naps > 0
    }

    /// Spins or naps; `false`, having done nothing, when there was no work for so long that the thread should sleep.
    fn rest(&mut self) -> bool {
        if let Some(backoff) = &self.backoff
            && !backoff.is_completed()
        {
            backoff.snooze();
            return true;
        }
        if self.naps == self.most_naps {
            return false;
        }
        self.naps += 1;
        thread::sleep(self.nap);
        true
    }

    /// There was nothing to do: waits a little, for something that nobody rings for.
    #[inline]
    pub(crate) fn idle(&mut self) {
        if !self.rest() {
            thread::sleep(CALM_NAP);
        }
    }

    /// There was nothing to do: waits a little, or until somebody rings.
    #[inline]
    pub(crate) fn idle_at(&mut self, door: &Doorbell, has_work: impl FnOnce() -> bool) {
        if !self.rest() {
            door.sleep(SLEEP, has_work);
        }
    }
}
