//! Times in records: 64 bits of fixed point, seconds since 1970 above, fractions of 2⁻³² s below.

use std::fmt;

/// A point in time as records hold it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Time(pub u64);

/// 2⁶⁴ / 10⁹, rounded: nanoseconds to fractions of 2⁻³² s with 32 more bits.
const FRACTIONS_PER_NANOSECOND: u64 = 0x4_4b82_fa0a;

const NANOSECONDS: u64 = 1_000_000_000;

impl Time {
    /// `nanoseconds` below 10⁹ after `seconds` since 1970; more are cut to that.
    #[inline]
    pub const fn new(seconds: u32, nanoseconds: u32) -> Time {
        let nanoseconds = if nanoseconds < NANOSECONDS as u32 { nanoseconds } else { NANOSECONDS as u32 - 1 };
        let fraction = (nanoseconds as u64 * FRACTIONS_PER_NANOSECOND) >> 32;
        Time((seconds as u64) << 32 | fraction)
    }

    /// Seconds since 1970.
    #[inline]
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Nanoseconds within the second. Rounded up, so that what [`Time::new`] rounded down comes back.
    #[inline]
    pub const fn nanoseconds(self) -> u32 {
        (((self.0 & 0xffff_ffff) * NANOSECONDS + 0xffff_ffff) >> 32) as u32
    }
}

/// As NEMEA prints it: `2016-04-07T17:11:32.667210`, UTC, microseconds.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let microseconds = self.nanoseconds() / 1000;
        write!(f, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microseconds:06}")
    }
}

/// Year, month and day of the day with this number, day 0 being 1970-01-01. Years are counted from March in eras of 400, so that
/// the leap day is a year's last.
const fn civil(day: u32) -> (u32, u32, u32) {
    let day = day + 719_468;
    let era = day / 146_097;
    let day_of_era = day % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_time_has_known_bytes() {
        let time = Time::new(1_460_049_092, 667_210_000);
        assert_eq!(time.0.to_le_bytes(), [0x49, 0x46, 0xce, 0xaa, 0xc4, 0x94, 0x06, 0x57]);
        assert_eq!(time.to_string(), "2016-04-07T17:11:32.667210");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000"),
            (951_782_399, "2000-02-28T23:59:59.000000"),
            (951_782_400, "2000-02-29T00:00:00.000000"),
            (4_107_542_400, "2100-03-01T00:00:00.000000"),
            (u32::MAX, "2106-02-07T06:28:15.000000"),
        ] {
            assert_eq!(Time::new(seconds, 0).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn microseconds_come_back(seconds: u32, microseconds in 0..1_000_000u32) {
            let time = Time::new(seconds, microseconds * 1000);
            prop_assert_eq!((time.seconds(), time.nanoseconds() / 1000), (seconds, microseconds));
        }
    }
}
