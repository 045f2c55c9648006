//! Packet time.

use std::fmt;

const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

/// A point in time since 1970-01-01 00:00:00 UTC with a resolution of one nanosecond, up to the year 2106.
///
/// Seconds and nanoseconds share one integer (seconds in the upper half), so that comparing is one instruction and the
/// whole second, which all timeouts are counted in, is a shift.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01 00:00:00 UTC.
    pub const ZERO: Timestamp = Timestamp(0);
    /// The last representable time.
    pub const MAX: Timestamp = Timestamp((u32::MAX as u64) << 32 | (NANOSECONDS_PER_SECOND as u64 - 1));

    /// A time from whole seconds and the nanoseconds within the second. Nanoseconds of a second or more carry over;
    /// what lies behind [`Timestamp::MAX`] is [`Timestamp::MAX`].
    #[inline]
    pub const fn new(seconds: u32, nanoseconds: u32) -> Timestamp {
        if nanoseconds < NANOSECONDS_PER_SECOND {
            Timestamp((seconds as u64) << 32 | nanoseconds as u64)
        } else {
            match seconds.checked_add(nanoseconds / NANOSECONDS_PER_SECOND) {
                Some(s) => Timestamp((s as u64) << 32 | (nanoseconds % NANOSECONDS_PER_SECOND) as u64),
                None => Timestamp::MAX,
            }
        }
    }

    /// A time from whole seconds and the microseconds within the second.
    #[inline]
    pub const fn from_microseconds(seconds: u32, microseconds: u32) -> Timestamp {
        match microseconds.checked_mul(1000) {
            Some(nanoseconds) => Timestamp::new(seconds, nanoseconds),
            None => Timestamp::new(
                seconds.saturating_add(microseconds / 1_000_000),
                (microseconds % 1_000_000) * 1000,
            ),
        }
    }

    /// Whole seconds since 1970.
    #[inline]
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Nanoseconds within the second, 0 to 999 999 999.
    #[inline]
    pub const fn nanoseconds(self) -> u32 {
        self.0 as u32
    }

    /// Microseconds within the second, 0 to 999 999.
    #[inline]
    pub const fn microseconds(self) -> u32 {
        self.nanoseconds() / 1000
    }

    /// Nanoseconds since 1970.
    pub const fn as_nanoseconds(self) -> u64 {
        self.seconds() as u64 * NANOSECONDS_PER_SECOND as u64 + self.nanoseconds() as u64
    }

    /// Whole microseconds since 1970.
    #[inline]
    pub const fn as_microseconds(self) -> u64 {
        self.seconds() as u64 * 1_000_000 + self.microseconds() as u64
    }

    /// Whole milliseconds since 1970.
    #[inline]
    pub const fn as_milliseconds(self) -> u64 {
        self.seconds() as u64 * 1000 + (self.nanoseconds() / 1_000_000) as u64
    }

    /// The time this many nanoseconds after 1970.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Timestamp {
        let seconds = nanoseconds / NANOSECONDS_PER_SECOND as u64;
        if seconds > u32::MAX as u64 {
            Timestamp::MAX
        } else {
            Timestamp::new(seconds as u32, (nanoseconds % NANOSECONDS_PER_SECOND as u64) as u32)
        }
    }

    /// Year, month (1 to 12), day (1 to 31), hour, minute, second in UTC.
    pub const fn civil(self) -> (u32, u32, u32, u32, u32, u32) {
        let seconds = self.seconds();
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Days since 0000-03-01 in eras of 400 years, so that the leap day is the last of its year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + (month <= 2) as u32;
        (year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with microseconds and no zone suffix: `2016-10-28T17:07:52.625696`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}",
            self.microseconds()
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds(), self.nanoseconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc_with_microseconds() {
        assert_eq!(
            Timestamp::from_microseconds(1477674472, 625696).to_string(),
            "2016-10-28T17:07:52.625696"
        );
        assert_eq!(Timestamp::ZERO.to_string(), "1970-01-01T00:00:00.000000");
        assert_eq!(Timestamp::new(951_782_400, 0).to_string(), "2000-02-29T00:00:00.000000");
        assert_eq!(Timestamp::MAX.to_string(), "2106-02-07T06:28:15.999999");
    }

    #[test]
    fn nanoseconds_beyond_a_second_carry_and_the_end_of_time_holds() {
        assert_eq!(Timestamp::new(1, 2_500_000_000), Timestamp::new(3, 500_000_000));
        assert_eq!(Timestamp::from_microseconds(1, u32::MAX), Timestamp::new(4295, 967_295_000));
        assert_eq!(Timestamp::new(u32::MAX, 1_000_000_000), Timestamp::MAX);
        assert_eq!(Timestamp::from_nanoseconds(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_nanoseconds(1_500_000_000).as_nanoseconds(), 1_500_000_000);
    }

    #[test]
    fn coarser_units_are_cut_off_not_rounded() {
        let time = Timestamp::new(7, 1_999_999);
        assert_eq!((time.as_microseconds(), time.as_milliseconds()), (7_001_999, 7001));
    }
}
