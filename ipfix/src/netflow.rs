//! NetFlow, read into what IPFIX has: records as views by templates of information elements, as
//! [`collect::Session`](crate::collect::Session) gives them.
//!
//! Times in records are milliseconds since the exporter started (`flowStartSysUpTime` 22, `flowEndSysUpTime` 21): a [`Clock`] tells when
//! that was.

pub mod v5;
pub mod v9;

use thiserror::Error;

use crate::time::Time;

/// Why octets are no packet of NetFlow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NetFlowError {
    /// Too short for a header.
    #[error("a packet of NetFlow of {0} octets has no header")]
    Short(usize),
    /// Another version.
    #[error("a packet of NetFlow has the version {0}")]
    Version(u16),
    /// The length is not that of so many records.
    #[error("a packet of NetFlow with {records} records is {octets} octets long")]
    Length {
        /// What the header says.
        records: u16,
        /// What there is.
        octets: usize,
    },
}

/// How long the exporter has run, and when that was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    /// When the packet left the exporter.
    pub export_time: Time,
    /// Milliseconds since the exporter started, at that time, modulo 2³²: 49.7 days.
    pub up_time_ms: u32,
}

impl Clock {
    /// The time at which the exporter had run for `up_time_ms` milliseconds, modulo 2³²: of the moments that may be meant, the one nearest
    /// to the export time. Not before 1970.
    pub const fn time(self, up_time_ms: u32) -> Time {
        let ahead_ms = up_time_ms.wrapping_sub(self.up_time_ms).cast_signed();
        let milliseconds = self.export_time.to_milliseconds().saturating_add_signed(ahead_ms as i64);
        let whole = Time::from_milliseconds(milliseconds);
        Time::new(whole.seconds, whole.nanoseconds + self.export_time.nanoseconds % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_how_long_the_exporter_has_run() {
        let clock = Clock { export_time: Time::new(1_700_000_000, 250_000_007), up_time_ms: 10_000 };
        assert_eq!(clock.time(10_000), clock.export_time);
        assert_eq!(clock.time(7_500), Time::new(1_699_999_997, 750_000_007));
        assert_eq!(
            clock.time(10_001),
            Time::new(1_700_000_000, 251_000_007),
            "a flow may end after the packet was begun"
        );
        let before_the_wrap = 10_000u32.wrapping_sub(60_000);
        assert_eq!(clock.time(before_the_wrap), Time::new(1_699_999_940, 250_000_007));
        let young = Clock { export_time: Time::new(1, 0), up_time_ms: 5000 };
        assert_eq!(young.time(0), Time::default());
    }
}
