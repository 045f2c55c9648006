//! The clock of a domain.

use weir_flow::Timestamp;

/// The time of a domain: the latest packet time seen, in whole seconds. Kept by the capture thread of the domain.
///
/// Small steps back hold the clock. A step back further than the inactive timeout (captures glued together) means that another
/// time begins: everything before it has ended.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now_s: Option<u32>,
    inactive_s: u32,
}

/// What a packet's time did to the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tick {
    /// The clock, this packet included.
    Now(u32),
    /// Another time begins with this packet; flows so far end by the clock `ended_s`.
    Restart {
        /// The clock up to here.
        ended_s: u32,
        /// The clock from here.
        now_s: u32,
    },
}

impl Clock {
    /// A clock that has not begun, for flows that end after `inactive_s` seconds without packets.
    pub const fn new(inactive_s: u32) -> Clock {
        Clock { now_s: None, inactive_s }
    }

    /// The latest second; 0 before the first packet.
    pub fn now_s(&self) -> u32 {
        self.now_s.unwrap_or(0)
    }

    /// Takes the time of a packet in.
    #[inline]
    pub fn observe(&mut self, time: Timestamp) -> Tick {
        let seconds = time.seconds();
        match self.now_s {
            Some(now) if seconds <= now => {
                if now - seconds > self.inactive_s {
                    self.now_s = Some(seconds);
                    Tick::Restart { ended_s: now, now_s: seconds }
                } else {
                    Tick::Now(now)
                }
            }
            _ => {
                self.now_s = Some(seconds);
                Tick::Now(seconds)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_back_hold_the_clock_and_large_ones_begin_another_time() {
        let mut clock = Clock::new(30);
        let mut at = |s| clock.observe(Timestamp::new(s, 0));
        assert_eq!(at(100), Tick::Now(100));
        assert_eq!(at(99), Tick::Now(100));
        assert_eq!(at(70), Tick::Now(100));
        assert_eq!(at(69), Tick::Restart { ended_s: 100, now_s: 69 });
        assert_eq!(at(4_000_000_000), Tick::Now(4_000_000_000));
        assert_eq!(at(70), Tick::Restart { ended_s: 4_000_000_000, now_s: 70 });
    }
}
