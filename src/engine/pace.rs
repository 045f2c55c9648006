//! `-f`: at most so many flow records per second.

use std::thread;
use std::time::{Duration, Instant};

/// Holds an output thread to a number of records per second.
pub(crate) struct Pace {
    per_second: u64,
    interval_began: Instant,
    in_interval: u64,
}

impl Pace {
    /// A pace of `per_second` records, at least 1.
    pub(crate) fn new(per_second: u64) -> Pace {
        Pace { per_second: per_second.max(1), interval_began: Instant::now(), in_interval: 0 }
    }

    /// After `records` more: waits until they were due.
    pub(crate) fn after(&mut self, records: u64) {
        for _ in 0..records {
            self.in_interval += 1;
            let due = Duration::from_nanos(self.in_interval.saturating_mul(1_000_000_000) / self.per_second);
            let early = due.saturating_sub(self.interval_began.elapsed());
            if !early.is_zero() {
                thread::sleep(early);
            }
            if self.in_interval == self.per_second {
                self.interval_began = Instant::now();
                self.in_interval = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_beyond_the_pace_wait_for_their_time() {
        let began = Instant::now();
        let mut pace = Pace::new(1000);
        pace.after(100);
        assert!(began.elapsed() >= Duration::from_millis(100));
    }
}
