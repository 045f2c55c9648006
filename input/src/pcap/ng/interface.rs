//! What a pcapng interface description tells about its packets.

use weir_flow::Timestamp;

use crate::LinkType;
use crate::pcap::byte_order::{i64_at, u16_at, u32_at};

/// Offsets in the body of an interface description block.
mod field {
    pub(super) const LINK_TYPE: usize = 0;
    pub(super) const SNAPLEN: usize = 4;
    pub(super) const OPTIONS: usize = 8;
}

mod option {
    pub(super) const END: u16 = 0;
    /// 1 byte: a power of 10, with the top bit of 2, by which a second is divided.
    pub(super) const TIME_RESOLUTION: u16 = 9;
    /// 8 bytes: seconds to add.
    pub(super) const TIME_OFFSET: u16 = 14;
    pub(super) const HEADER_LEN: usize = 4;
}

const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;

/// The length of a unit of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Resolution {
    Microseconds,
    Nanoseconds,
    /// This power of 10 units are a second.
    Decimal(u8),
    /// This power of 2 units are a second.
    Binary(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Interface {
    pub(super) link_type: LinkType,
    /// The most that was captured of a packet; `u32::MAX` for no limit.
    pub(super) snaplen: u32,
    resolution: Resolution,
    offset_s: i64,
}

impl Interface {
    /// Reads the body of an interface description block; `None` if it is too short.
    pub(super) fn parse<const BIG_ENDIAN: bool>(body: &[u8]) -> Option<Interface> {
        let header = body.first_chunk::<{ field::OPTIONS }>()?;
        let snaplen = match u32_at::<BIG_ENDIAN, _>(header, field::SNAPLEN) {
            0 => u32::MAX,
            snaplen => snaplen,
        };
        let mut interface = Interface {
            link_type: LinkType(u16_at::<BIG_ENDIAN, _>(header, field::LINK_TYPE)),
            snaplen,
            resolution: Resolution::Microseconds,
            offset_s: 0,
        };
        let mut options = &body[field::OPTIONS..];
        while let Some(header) = options.first_chunk::<{ option::HEADER_LEN }>() {
            let len = usize::from(u16_at::<BIG_ENDIAN, _>(header, 2));
            let Some(value) = options[option::HEADER_LEN..].get(..len) else { break };
            match (u16_at::<BIG_ENDIAN, _>(header, 0), value) {
                (option::END, _) => break,
                (option::TIME_RESOLUTION, &[resolution, ..]) => {
                    interface.resolution = Resolution::of(resolution);
                }
                (option::TIME_OFFSET, value) => {
                    if let Some(seconds) = value.first_chunk::<8>() {
                        interface.offset_s = i64_at::<BIG_ENDIAN, _>(seconds, 0);
                    }
                }
                _ => {}
            }
            let padded = option::HEADER_LEN + len.next_multiple_of(4);
            options = options.get(padded..).unwrap_or(&[]);
        }
        Some(interface)
    }

    /// The time that `ticks` stands for; before 1970 [`Timestamp::ZERO`], after 2106 [`Timestamp::MAX`].
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let (seconds, nanoseconds) = match self.resolution {
            Resolution::Microseconds => (ticks / 1_000_000, (ticks % 1_000_000) as u32 * 1000),
            Resolution::Nanoseconds => (ticks / 1_000_000_000, (ticks % 1_000_000_000) as u32),
            other => other.seconds_and_nanoseconds(ticks),
        };
        match i128::from(seconds) + i128::from(self.offset_s) {
            ..0 => Timestamp::ZERO,
            seconds => match u32::try_from(seconds) {
                Ok(seconds) => Timestamp::new(seconds, nanoseconds),
                Err(_) => Timestamp::MAX,
            },
        }
    }
}

impl Resolution {
    fn of(option: u8) -> Resolution {
        match option {
            6 => Resolution::Microseconds,
            9 => Resolution::Nanoseconds,
            0..=0x7f => Resolution::Decimal(option),
            _ => Resolution::Binary(option & 0x7f),
        }
    }

    #[inline(never)]
    fn seconds_and_nanoseconds(self, ticks: u64) -> (u64, u32) {
        let ticks = u128::from(ticks);
        let units = match self {
            Resolution::Microseconds => 1_000_000,
            Resolution::Nanoseconds => NANOSECONDS_PER_SECOND,
            // Units so short that all ticks together are less than a nanosecond stay 0.
            Resolution::Decimal(exponent) => 10u128.checked_pow(exponent.into()).unwrap_or(u128::MAX),
            Resolution::Binary(exponent) => 1 << exponent,
        };
        // Neither overflows: ticks have 64 bits, a second's nanoseconds 30.
        ((ticks / units) as u64, (ticks % units * NANOSECONDS_PER_SECOND / units) as u32)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn interface(resolution: u8, offset_s: i64) -> Interface {
        let mut body = vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, resolution, 0, 0, 0, 0, 14, 0, 8];
        body.extend(offset_s.to_be_bytes());
        body.extend([0; 4]);
        Interface::parse::<true>(&body).unwrap()
    }

    #[test]
    fn a_time_counts_in_units_of_its_interface() {
        assert_eq!(interface(6, 0).time(5_000_007), Timestamp::new(5, 7000));
        assert_eq!(interface(9, 0).time(5_000_000_007), Timestamp::new(5, 7));
        assert_eq!(interface(0, 0).time(5), Timestamp::new(5, 0));
        assert_eq!(interface(3, 0).time(5_250), Timestamp::new(5, 250_000_000));
        assert_eq!(interface(12, 0).time(5_000_000_007_999), Timestamp::new(5, 7));
        assert_eq!(interface(0x80 | 10, 0).time(5 * 1024 + 512), Timestamp::new(5, 500_000_000));
        assert_eq!(interface(0x80, 0).time(5), Timestamp::new(5, 0));
    }

    #[test]
    fn an_offset_is_added_and_may_be_negative() {
        assert_eq!(interface(6, 100).time(1_000_001), Timestamp::new(101, 1000));
        assert_eq!(interface(6, -1).time(3_000_001), Timestamp::new(2, 1000));
    }

    #[test]
    fn absurd_times_are_held_within_the_representable() {
        for resolution in 0..=255 {
            for ticks in [0, 1, u64::MAX] {
                for offset in [i64::MIN, -1, 0, i64::MAX] {
                    let _ = interface(resolution, offset).time(ticks);
                }
            }
        }
        assert_eq!(interface(6, i64::MIN).time(u64::MAX), Timestamp::ZERO);
        assert_eq!(interface(6, i64::MAX).time(0), Timestamp::MAX);
        assert_eq!(interface(0x7f, 0).time(u64::MAX), Timestamp::ZERO);
        assert_eq!(interface(0xff, 0).time(u64::MAX), Timestamp::ZERO);
    }
}
