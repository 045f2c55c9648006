//! Points in time, and their four forms on the wire (RFC 7011, 6.1.7 to 6.1.10).

/// A point in time: seconds since 1970-01-01 00:00:00 UTC, without leap seconds, and nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Seconds in an era of NTP: its counter has 32 bits.
const ERA: u64 = 1 << 32;

const NANOSECONDS: u64 = 1_000_000_000;

/// The bits of the fraction that dateTimeMicroseconds leaves zero: less than a quarter of a microsecond (RFC 7011, 6.1.9).
const BELOW_MICROSECONDS: u64 = 0x7ff;

impl Time {
    /// From seconds and nanoseconds; whole seconds among these are carried over.
    pub const fn new(seconds: u64, nanoseconds: u32) -> Time {
        Time {
            seconds: seconds.saturating_add(nanoseconds as u64 / NANOSECONDS),
            nanoseconds: (nanoseconds as u64 % NANOSECONDS) as u32,
        }
    }

    /// dateTimeSeconds: `None` after 2106, when 32 bits are used up.
    pub const fn to_seconds(self) -> Option<u32> {
        if self.seconds < ERA { Some(self.seconds as u32) } else { None }
    }

    /// dateTimeMilliseconds, rounded down.
    pub const fn to_milliseconds(self) -> u64 {
        self.seconds.saturating_mul(1000).saturating_add(self.nanoseconds as u64 / 1_000_000)
    }

    /// From dateTimeMilliseconds.
    pub const fn from_milliseconds(milliseconds: u64) -> Time {
        Time { seconds: milliseconds / 1000, nanoseconds: (milliseconds % 1000) as u32 * 1_000_000 }
    }

    /// dateTimeNanoseconds: seconds since 1900, modulo 2³², and the fraction of the second in units of 2⁻³² s, rounded up, so that
    /// reading it gives the same nanosecond.
    pub const fn to_nanoseconds(self) -> u64 {
        self.ntp_seconds() << 32 | (((self.nanoseconds as u64) << 32).div_ceil(NANOSECONDS))
    }

    /// dateTimeMicroseconds: as [`Time::to_nanoseconds`], of whole microseconds (what is below is cut off), and the last eleven
    /// bits zero, rounded up to what remains, so that reading it gives the same microsecond.
    pub const fn to_microseconds(self) -> u64 {
        let microseconds = (self.nanoseconds / 1000) as u64;
        let fraction = (microseconds << 32).div_ceil(1_000_000);
        // At most 999,999.0 + 0.48 microseconds: this does not reach the next second.
        let rounded = (fraction + BELOW_MICROSECONDS) & !BELOW_MICROSECONDS;
        self.ntp_seconds() << 32 | rounded
    }

    const fn ntp_seconds(self) -> u64 {
        self.seconds.wrapping_add(NTP_TO_UNIX) % ERA
    }

    /// From dateTimeNanoseconds or dateTimeMicroseconds. NTP counts modulo 2³² and says not which time around (its era): of the moments
    /// that may be meant it is the one nearest to `near`, which is best the export time of the message. Fractions are rounded
    /// down to nanoseconds.
    pub const fn from_ntp(stamp: u64, near: Time) -> Time {
        Time {
            seconds: from_ntp_seconds(stamp, near),
            nanoseconds: ((stamp % ERA * NANOSECONDS) >> 32) as u32,
        }
    }

    /// From dateTimeMicroseconds, rounded to the nearest microsecond, which is the one that was meant whether the exporter rounded up or
    /// down; see [`Time::from_ntp`].
    pub const fn from_ntp_microseconds(stamp: u64, near: Time) -> Time {
        let microseconds = (stamp % ERA * 1_000_000 + ERA / 2) >> 32;
        Time::new(from_ntp_seconds(stamp, near), microseconds as u32 * 1000)
    }
}

/// The seconds since 1970 that the upper half of an NTP time stamp means near a time.
#[inline]
const fn from_ntp_seconds(stamp: u64, near: Time) -> u64 {
    let near_ntp = near.seconds.saturating_add(NTP_TO_UNIX);
    // As far ahead of `near` as the counter says, or, from half an era on, behind it.
    let ahead = ((stamp >> 32) as u32).wrapping_sub(near_ntp as u32) as i32;
    match near_ntp.saturating_add_signed(ahead as i64).checked_sub(NTP_TO_UNIX) {
        Some(seconds) => seconds,
        // Before 1970: the next era is meant.
        None => near_ntp.saturating_add_signed(ahead as i64 + ERA as i64) - NTP_TO_UNIX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2012-07-23 14:53:25 UTC
    const JULY: Time = Time { seconds: 0x500d_6445, nanoseconds: 0 };

    #[test]
    fn ntp_counts_from_1900() {
        assert_eq!(JULY.to_nanoseconds() >> 32, 0x500d_6445 + 2_208_988_800);
        assert_eq!(Time::new(0, 0).to_nanoseconds(), 2_208_988_800 << 32);
        assert_eq!(Time::from_ntp(JULY.to_nanoseconds(), JULY), JULY);
    }

    #[test]
    fn the_era_of_a_time_is_that_of_the_times_around_it() {
        // 2036-02-07 06:28:16 UTC
        let wrap = Time::new(ERA - NTP_TO_UNIX, 0);
        assert_eq!(wrap.to_nanoseconds(), 0);
        let before = Time::new(wrap.seconds - 1, 999_999_999);
        assert_eq!(before.to_nanoseconds() >> 32, ERA - 1);
        for near in [before, wrap, Time::new(wrap.seconds + 1_000_000, 0)] {
            assert_eq!(Time::from_ntp(wrap.to_nanoseconds(), near), wrap);
            assert_eq!(Time::from_ntp(before.to_nanoseconds(), near), before);
        }
        assert_eq!(Time::from_ntp(0, JULY), wrap, "not 1900");
        assert_eq!(Time::from_ntp(u64::MAX, Time::new(0, 0)).seconds, wrap.seconds - 1, "not before 1970");
    }

    #[test]
    fn microseconds_leave_the_last_eleven_bits_zero() {
        for microsecond in [0, 1, 667_210, 999_999] {
            let time = Time::new(JULY.seconds, microsecond * 1000 + 999);
            let stamp = time.to_microseconds();
            assert_eq!(stamp & 0x7ff, 0, "{microsecond}");
            assert_eq!(stamp >> 32, JULY.to_nanoseconds() >> 32, "the same second");
            let read = Time::from_ntp_microseconds(stamp, JULY);
            assert_eq!(read, Time::new(JULY.seconds, microsecond * 1000), "{microsecond}");
            // An exporter that rounds down.
            let below = (JULY.to_microseconds() & !0xffff_ffff) + (u64::from(microsecond) << 32) / 1_000_000;
            assert_eq!(Time::from_ntp_microseconds(below, JULY), read, "{microsecond}");
        }
    }

    #[test]
    fn seconds_end_in_2106() {
        assert_eq!(Time::new(ERA - 1, 999_999_999).to_seconds(), Some(u32::MAX));
        assert_eq!(Time::new(ERA, 0).to_seconds(), None);
    }

    proptest! {
        #[test]
        fn every_form_leads_back_to_the_time_as_exactly_as_it_can_say_it(
            seconds in 0u64..1 << 33, nanoseconds in 0u32..1_000_000_000, apart in -1_000_000_000i64..1_000_000_000
        ) {
            let time = Time::new(seconds, nanoseconds);
            let near = Time::new(seconds.saturating_add_signed(apart), 0);
            prop_assert_eq!(Time::from_ntp(time.to_nanoseconds(), near), time);
            let microseconds = Time::new(seconds, nanoseconds / 1000 * 1000);
            prop_assert_eq!(Time::from_ntp_microseconds(time.to_microseconds(), near), microseconds);
            let milliseconds = Time::new(seconds, nanoseconds / 1_000_000 * 1_000_000);
            prop_assert_eq!(Time::from_milliseconds(time.to_milliseconds()), milliseconds);
        }
    }
}
