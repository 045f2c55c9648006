//! Waking a thread that has nothing to do.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

#[derive(Default)]
struct State {
    asleep: AtomicBool,
    sleeper: OnceLock<Thread>,
}

/// The sleeper's side: one thread sleeps, until somebody rings.
#[derive(Default)]
pub(crate) struct Doorbell(Arc<State>);

/// The visitor's side: rings after it has put work where the sleeper looks for it, and when it goes for good. As long as the sleeper
/// is awake this costs a fence and the reading of a flag.
pub(crate) struct Bell(Arc<State>);

impl Doorbell {
    /// One more visitor.
    pub(crate) fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.0))
    }

    /// Sleeps until somebody rings, at most for `longest`; not at all if there is work. Only one thread may.
    pub(crate) fn sleep(&self, longest: Duration, has_work: impl FnOnce() -> bool) {
        self.0.sleeper.get_or_init(thread::current);
        self.0.asleep.store(true, Ordering::Relaxed);
        // Either this thread sees the visitor's work, or the visitor sees the flag: both fences are in one order.
        fence(Ordering::SeqCst);
        if !has_work() {
            thread::park_timeout(longest);
        }
        self.0.asleep.store(false, Ordering::Relaxed);
    }
}

impl Bell {
    /// Wakes the sleeper, if it sleeps.
    #[inline]
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.0.asleep.load(Ordering::Relaxed)
            && self.0.asleep.swap(false, Ordering::Relaxed)
            && let Some(sleeper) = self.0.sleeper.get()
        {
            sleeper.unpark();
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_sleeper_wakes_when_work_comes_and_misses_none() {
        let (doorbell, work) = (Doorbell::default(), AtomicU64::new(0));
        let bell = doorbell.bell();
        let began = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=10_000 {
                    work.store(n, Ordering::Release);
                    bell.ring();
                    while work.load(Ordering::Acquire) != 0 {
                        std::hint::spin_loop();
                        thread::yield_now();
                    }
                }
            });
            for _ in 0..10_000 {
                // A missed ring would sleep here until the test is over time.
                doorbell.sleep(Duration::from_secs(60), || work.load(Ordering::Acquire) != 0);
                while work.load(Ordering::Acquire) == 0 {
                    doorbell.sleep(Duration::from_secs(60), || work.load(Ordering::Acquire) != 0);
                }
                work.store(0, Ordering::Release);
            }
        });
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_visitor_that_goes_wakes_the_sleeper() {
        let doorbell = Doorbell::default();
        let (bell, gone) = (doorbell.bell(), AtomicBool::new(false));
        let began = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                gone.store(true, Ordering::Release);
                drop(bell);
            });
            while !gone.load(Ordering::Acquire) {
                doorbell.sleep(Duration::from_secs(60), || gone.load(Ordering::Acquire));
            }
        });
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
