//! Waiting without a lock: spin a little, nap a while, then sleep until somebody rings.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;

use super::doorbell::Doorbell;

/// The nap of a thread that had work a moment ago, and how often it naps so before it goes to sleep. Longer or growing naps leave a
/// processor idle between two threads that feed each other; being woken for each batch costs the one that wakes.
const NAP: Duration = Duration::from_micros(50);
const NAPS: u32 = 40;
/// The same for a thread whose work comes every few milliseconds, from an interface: naps in between would only cost.
const LIVE_NAPS: u32 = 4;
/// The nap of a thread with a long queue, woken from it when the queue is half full, and how often it naps so. At 50,000 packets a second
/// naps of a millisecond took a third of the probe's time.
const DOZE: Duration = Duration::from_millis(20);
const DOZES: u32 = 8;
/// A sleep ends after this time even if nobody rings.
const SLEEP: Duration = Duration::from_millis(500);
/// The sleep of a thread for which nobody rings.
const LONE_SLEEP: Duration = Duration::from_millis(1);

/// The patience of a thread that polls.
pub(crate) struct Wait {
    /// Spinning before the first nap, if others wait for this thread.
    backoff: Option<Backoff>,
    naps: u32,
    most_naps: u32,
}

impl Wait {
    /// For threads that others wait for: spins before it naps, and naps shortly.
    pub(crate) fn alert() -> Wait {
        Wait { backoff: Some(Backoff::new()), naps: 0, most_naps: NAPS }
    }

    /// For threads whose work comes from an interface.
    pub(crate) fn live() -> Wait {
        Wait { most_naps: LIVE_NAPS, ..Wait::alert() }
    }

    /// For threads with long queues: naps at once, and longer.
    pub(crate) fn calm() -> Wait {
        Wait { backoff: None, naps: 0, most_naps: DOZES }
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

    /// Spins, if that is not over; else counts a nap, if that is not over.
    fn spin_or_nap(&mut self) -> Rest {
        if let Some(backoff) = &self.backoff
            && !backoff.is_completed()
        {
            backoff.snooze();
            return Rest::Spun;
        }
        if self.naps == self.most_naps {
            return Rest::Sleep;
        }
        self.naps += 1;
        Rest::Nap
    }

    /// There was nothing to do: waits a little, for something that nobody rings for.
    #[inline]
    pub(crate) fn idle(&mut self) {
        match self.spin_or_nap() {
            Rest::Spun => {}
            Rest::Nap => thread::sleep(NAP),
            Rest::Sleep => thread::sleep(LONE_SLEEP),
        }
    }

    /// There was nothing to do: waits a little, or until somebody rings.
    #[inline]
    pub(crate) fn idle_at(&mut self, door: &Doorbell, has_work: impl FnOnce() -> bool) {
        match self.spin_or_nap() {
            Rest::Spun => {}
            Rest::Nap if self.backoff.is_some() => thread::sleep(NAP),
            Rest::Nap => door.doze(DOZE, has_work),
            Rest::Sleep => door.sleep(SLEEP, has_work),
        }
    }
}

/// What is left to do of waiting.
enum Rest {
    /// Nothing.
    Spun,
    Nap,
    Sleep,
}
