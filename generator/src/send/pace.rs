//! When frames are due.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::link::BATCH;

/// At most this many microseconds' worth of frames are sent in one go, unless the sender has fallen behind.
const TOGETHER_US: u64 = 20;

/// The sender catches up on this much at full speed; what it is behind by more is forgiven, so that a moment without the CPU does
/// not become a burst that no network would bring.
pub(super) const MOST_BEHIND: Duration = Duration::from_millis(10);

/// The kernel wakes us late by up to about this much, so the rest of a wait is spun.
const SLEEPS_LATE: Duration = Duration::from_micros(150);

/// Spreads frames evenly over time.
#[derive(Debug)]
pub struct Pace {
    /// Frames a second; `None` is as fast as it goes.
    rate: Option<u64>,
    /// When the first frame was due; moves when being late is forgiven.
    begin: Instant,
    /// Frames since then.
    frames: u64,
}

impl Pace {
    /// Begins now. A rate of 0 is as fast as it goes.
    pub fn new(rate: u64, now: Instant) -> Pace {
        Pace { rate: (rate > 0).then_some(rate), begin: now, frames: 0 }
    }

    /// How many frames go out next, in one go: 1 to [`BATCH`].
    pub fn next(&self, now: Instant) -> usize {
        let Some(rate) = self.rate else { return BATCH };
        let elapsed = now.saturating_duration_since(self.begin);
        let due = (elapsed.as_nanos() * u128::from(rate) / 1_000_000_000) as u64;
        let behind = due.saturating_sub(self.frames);
        behind.max(rate * TOGETHER_US / 1_000_000).clamp(1, BATCH as u64) as usize
    }

    /// When the next frame is due.
    pub fn due(&self) -> Instant {
        match self.rate {
            Some(rate) => self.begin + time_of(self.frames, rate),
            None => self.begin,
        }
    }

    /// Frames have gone out.
    pub fn sent(&mut self, frames: usize, now: Instant) {
        let Some(rate) = self.rate else { return };
        self.frames += frames as u64;
        let late = now.saturating_duration_since(self.begin + time_of(self.frames, rate));
        self.begin += late.saturating_sub(MOST_BEHIND);
    }
}

fn time_of(frames: u64, rate: u64) -> Duration {
    Duration::from_nanos((u128::from(frames) * 1_000_000_000 / u128::from(rate)) as u64)
}

/// Waits until `due`, or a little less: never longer than 20 ms, so that the caller can look whether it should stop. Answers
/// whether `due` has come.
pub fn wait(due: Instant) -> bool {
    let left = due.saturating_duration_since(Instant::now());
    if left > SLEEPS_LATE {
        thread::sleep((left - SLEEPS_LATE).min(Duration::from_millis(20)));
        return false;
    }
    while Instant::now() < due {
        std::hint::spin_loop();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_due_at_even_distances() {
        let begin = Instant::now();
        let mut pace = Pace::new(50_000, begin);
        assert_eq!(pace.next(begin), 1);
        for frame in 0..1000 {
            assert_eq!(pace.due(), begin + Duration::from_micros(20 * frame));
            pace.sent(1, pace.due());
        }
    }

    #[test]
    fn fast_streams_go_out_in_small_batches() {
        let begin = Instant::now();
        assert_eq!(Pace::new(1_000_000, begin).next(begin), 20);
        assert_eq!(Pace::new(1, begin).next(begin), 1);
        assert_eq!(Pace::new(0, begin).next(begin), BATCH);
    }

    #[test]
    fn who_is_late_catches_up_but_not_on_everything() {
        let begin = Instant::now();
        let mut pace = Pace::new(1000, begin);
        let now = begin + Duration::from_millis(5);
        assert_eq!(pace.next(now), 5);
        pace.sent(1, now);
        assert_eq!(pace.due(), begin + Duration::from_millis(1));
        let now = begin + Duration::from_secs(1);
        pace.sent(1, now);
        assert_eq!(pace.due(), now - MOST_BEHIND);
    }

    #[test]
    fn without_a_rate_everything_is_due() {
        let begin = Instant::now();
        let mut pace = Pace::new(0, begin);
        pace.sent(BATCH, begin);
        assert!(wait(pace.due()));
    }
}
