//! How long to wait before connecting again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Waits that double with each failure, up to four times the first, and are lengthened by up to a tenth at random, so that
/// exporters that lost a collector together do not come back together. Never shorter than the first: RFC 7011, 10.4.4 wants at
/// most one attempt a minute by default.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    failures: u32,
    random: u64,
}

const MOST_DOUBLINGS: u32 = 2;

impl Backoff {
    /// Waits of `shortest` at first.
    pub fn new(shortest: Duration) -> Backoff {
        Backoff { shortest, failures: 0, random: RandomState::new().build_hasher().finish() | 1 }
    }

    /// It went well: the next wait is the shortest.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed again: how long to wait.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.shortest * (1 << self.failures.min(MOST_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        // xorshift64
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        wait + wait / 10 * (self.random % 1024) as u32 / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_four_times_the_first_and_vary_by_a_tenth() {
        let mut backoff = Backoff::new(Duration::from_secs(60));
        for shortest in [60, 120, 240, 240, 240] {
            let wait = backoff.next_wait();
            let shortest = Duration::from_secs(shortest);
            assert!(wait >= shortest && wait <= shortest + shortest / 10, "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(66));
    }
}
