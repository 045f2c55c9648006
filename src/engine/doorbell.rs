//! Waking a thread that has nothing to do.

use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

#[derive(Default)]
struct State {
    sleep: AtomicU8,
    sleeper: OnceLock<Thread>,
}

/// How deep the sleeper sleeps: the number of those who can wake it.
const AWAKE: u8 = 0;
const DOZING: u8 = 1;
const ASLEEP: u8 = 2;

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
        self.rest(ASLEEP, longest, has_work);
    }

    /// As [`Doorbell::sleep`], but only what is urgent wakes: for a thread that wants its work in larger portions.
    pub(crate) fn doze(&self, longest: Duration, has_work: impl FnOnce() -> bool) {
        self.rest(DOZING, longest, has_work);
    }

    fn rest(&self, depth: u8, longest: Duration, has_work: impl FnOnce() -> bool) {
        self.0.sleeper.get_or_init(thread::current);
        self.0.sleep.store(depth, Ordering::Relaxed);
        // Either this thread sees the visitor's work, or the visitor sees the flag: both fences are in one order.
        fence(Ordering::SeqCst);
        if !has_work() {
            thread::park_timeout(longest);
        }
        self.0.sleep.store(AWAKE, Ordering::Relaxed);
    }
}

impl Bell {
    /// Wakes the sleeper, if it sleeps and does not only doze.
    #[inline]
    pub(crate) fn ring(&self) {
        self.wake(ASLEEP);
    }

    /// Wakes the sleeper, even if it only dozes.
    #[inline]
    pub(crate) fn ring_urgently(&self) {
        self.wake(DOZING);
    }

    #[inline]
    fn wake(&self, from: u8) {
        fence(Ordering::SeqCst);
        if self.0.sleep.load(Ordering::Relaxed) >= from
            && self.0.sleep.swap(AWAKE, Ordering::Relaxed) != AWAKE
            && let Some(sleeper) = self.0.sleeper.get()
        {
            sleeper.unpark();
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring_urgently();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};
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
    fn who_dozes_is_woken_by_what_is_urgent_only() {
        let doorbell = Doorbell::default();
        let bell = doorbell.bell();
        let urgent = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20 {
                    bell.ring();
                    thread::sleep(Duration::from_millis(1));
                }
                urgent.store(true, Ordering::Release);
                bell.ring_urgently();
            });
            doorbell.doze(Duration::from_secs(60), || urgent.load(Ordering::Acquire));
            assert!(urgent.load(Ordering::Acquire));
        });
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
