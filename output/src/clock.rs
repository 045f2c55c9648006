//! Times as text. Nearly all times of a batch are of one day, so that the date is worked out once and kept.

use jiff::tz::TimeZone;
use weir_flow::Timestamp;

use crate::format;

const SECONDS_PER_DAY: i64 = 86_400;

/// Writes times as `2016-10-28T17:07:52.625696` in one time zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// The seconds since 1970 for which the rest holds: a day of the zone, or the part of it between changes of its offset.
    from: i64,
    until: i64,
    /// What to add to the seconds since 1970 for the seconds since `date` began.
    since_date: i64,
    date: [u8; 11],
}

impl Clock {
    /// Universal time.
    pub fn utc() -> Clock {
        Clock::in_zone(TimeZone::UTC)
    }

    /// Local time, by the environment variable `TZ` or else the system's setting. The zone's rules are read here, once; no
    /// thread looks at the environment later.
    pub fn local() -> Clock {
        Clock::in_zone(TimeZone::system())
    }

    fn in_zone(zone: TimeZone) -> Clock {
        Clock { zone, from: 0, until: 0, since_date: 0, date: [0; 11] }
    }

    /// Appends `time`.
    #[inline]
    pub fn put(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let seconds = time.seconds() as i64;
        if !(self.from..self.until).contains(&seconds) {
            self.turn_to(seconds);
        }
        let of_day = (seconds + self.since_date) as u32;
        out.extend_from_slice(&self.date);
        let two = |n: u32| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        let ([h1, h2], [m1, m2], [s1, s2]) = (two(of_day / 3600), two(of_day / 60 % 60), two(of_day % 60));
        out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2, b'.']);
        format::six_digits(out, time.microseconds());
    }

    #[cold]
    fn turn_to(&mut self, seconds: i64) {
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let offset = self.zone.to_offset(moment).seconds() as i64;
        let local = self.zone.to_datetime(moment);
        let midnight = (seconds + offset).div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY - offset;
        self.from = midnight;
        self.until = midnight + SECONDS_PER_DAY;
        // The last change at or before this second, and the first one after it.
        let next = jiff::Timestamp::from_second(seconds + 1).unwrap_or(moment);
        if let Some(change) = self.zone.preceding(next).next() {
            self.from = self.from.max(change.timestamp().as_second());
        }
        if let Some(change) = self.zone.following(moment).next() {
            self.until = self.until.min(change.timestamp().as_second());
        }
        self.since_date = -midnight;
        self.date = *b"0000-00-00T";
        let year = local.year().unsigned_abs();
        let digit = |number: u16, power: u16| b'0' + (number / power % 10) as u8;
        for (at, power) in [1000, 100, 10, 1].into_iter().enumerate() {
            self.date[at] = digit(year, power);
        }
        let (month, day) = (local.month().unsigned_abs() as u16, local.day().unsigned_abs() as u16);
        self.date[5..7].copy_from_slice(&[digit(month, 10), digit(month, 1)]);
        self.date[8..10].copy_from_slice(&[digit(day, 10), digit(day, 1)]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn shown(clock: &mut Clock, seconds: u32, microseconds: u32) -> String {
        let mut out = Vec::new();
        clock.put(&mut out, Timestamp::from_microseconds(seconds, microseconds));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn universal_time_has_microseconds_and_no_zone() {
        let mut clock = Clock::utc();
        assert_eq!(shown(&mut clock, 1_477_674_472, 625_696), "2016-10-28T17:07:52.625696");
        assert_eq!(shown(&mut clock, 1_477_674_473, 6), "2016-10-28T17:07:53.000006");
        assert_eq!(shown(&mut clock, 0, 0), "1970-01-01T00:00:00.000000");
    }

    #[test]
    fn local_time_follows_the_zone_through_the_change_of_its_offset() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut clock = Clock::in_zone(zone);
        assert_eq!(shown(&mut clock, 1_459_040_399, 0), "2016-03-27T01:59:59.000000");
        assert_eq!(shown(&mut clock, 1_459_040_400, 0), "2016-03-27T03:00:00.000000");
        assert_eq!(shown(&mut clock, 1_477_789_199, 0), "2016-10-30T02:59:59.000000");
        assert_eq!(shown(&mut clock, 1_477_789_200, 0), "2016-10-30T02:00:00.000000");
        assert_eq!(shown(&mut clock, 1_459_040_399, 0), "2016-03-27T01:59:59.000000", "back again");
    }

    #[test]
    fn west_of_greenwich_the_epoch_is_in_1969() {
        let mut clock = Clock::in_zone(TimeZone::fixed(jiff::tz::offset(-5)));
        assert_eq!(shown(&mut clock, 0, 0), "1969-12-31T19:00:00.000000");
    }

    proptest! {
        #[test]
        fn universal_time_is_what_timestamps_show(seconds: Vec<u32>, nanoseconds in 0u32..1_000_000_000) {
            let mut clock = Clock::utc();
            for second in seconds {
                let time = Timestamp::new(second, nanoseconds);
                let mut out = Vec::new();
                clock.put(&mut out, time);
                prop_assert_eq!(String::from_utf8(out).unwrap(), time.to_string());
            }
        }
    }
}
