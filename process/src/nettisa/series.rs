//! The features, computed as the packets come.
//!
//! The order of the operations and the rounding of each to 32 bits are a part of the definition, and so are these
//! departures from mathematics: the mean within the standard deviation is cut off to an integer; deviations are those from
//! the running mean, which begins at 0; the first packet counts as one that comes 0 µs after its predecessor, so that the
//! shortest pause is always 0; the time distribution is normalised by the longest pause less the smallest *length*; and what is
//! compared from packet to packet is the length of the frame, for the first one with 0.

use std::num::NonZeroU32;

use weir_flow::{Flow, Packet};

/// What is kept of one record.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Series {
    /// Time of the latest packet, in microseconds since 1970.
    latest_us: u64,
    sum: u64,
    mean: f32,
    sum_of_squares: f32,
    sum_of_fourth_powers: f32,
    sum_of_deviations: f32,
    mean_scaled_time: f32,
    mean_pause: f32,
    longest_pause: f32,
    sum_of_pause_deviations: f32,
    switches: f32,
    least: u16,
    greatest: u16,
    /// Length of the latest frame.
    frame_len: NonZeroU32,
}

const _: () = assert!(size_of::<Option<Series>>() == 64, "a series is a cache line");

/// No frame is so long.
const NO_FRAME: NonZeroU32 = NonZeroU32::MAX;

/// What is said about a record. Lengths are bytes, times microseconds.
#[derive(Debug)]
pub(super) struct Features {
    pub(super) mean: f32,
    pub(super) least: u16,
    pub(super) greatest: u16,
    pub(super) standard_deviation: f32,
    pub(super) kurtosis: f32,
    pub(super) root_mean_square: f32,
    pub(super) dispersion: f32,
    pub(super) mean_scaled_time: f32,
    pub(super) mean_pause: f32,
    pub(super) longest_pause: f32,
    pub(super) time_distribution: f32,
    pub(super) switching_ratio: f32,
}

impl Series {
    /// A series before its first packet.
    pub(super) fn beginning(first: &Packet) -> Series {
        Series {
            mean: 0.0,
            sum_of_squares: 0.0,
            sum_of_fourth_powers: 0.0,
            sum_of_deviations: 0.0,
            mean_scaled_time: 0.0,
            mean_pause: 0.0,
            longest_pause: 0.0,
            sum_of_pause_deviations: 0.0,
            switches: 0.0,
            least: u16::MAX,
            greatest: 0,
            frame_len: NO_FRAME,
            latest_us: first.time.as_microseconds(),
            sum: 0,
        }
    }

    /// Takes in a packet that `flow` has counted.
    #[inline]
    pub(super) fn take_in(&mut self, packet: &Packet, flow: &Flow) {
        let count = flow.total_packets() as f32;
        let length = packet.payload_wire_len;
        let now_us = packet.time.as_microseconds();
        // A packet from before its predecessor, or from before the first, comes at the same time.
        let pause = now_us.saturating_sub(self.latest_us) as f32;
        let scaled_time = now_us.saturating_sub(flow.first.as_microseconds()) as f32;
        self.latest_us = now_us;

        let deviation = length as f32 - self.mean;
        self.mean += deviation / count;
        self.sum += u64::from(length);
        let short = length.min(u16::MAX.into()) as u16;
        self.least = short.min(self.least);
        self.greatest = short.max(self.greatest);
        self.sum_of_squares = (f64::from(self.sum_of_squares) + f64::from(length).powi(2)) as f32;
        self.sum_of_deviations += deviation.abs();
        self.sum_of_fourth_powers =
            (f64::from(self.sum_of_fourth_powers) + f64::from(deviation).powi(4)) as f32;

        self.mean_scaled_time += (scaled_time - self.mean_scaled_time) / count;
        self.mean_pause += (pause - self.mean_pause) / count;
        self.longest_pause = pause.max(self.longest_pause);
        self.sum_of_pause_deviations += (self.mean_pause - pause).abs();

        // No frame is empty.
        let frame_len = NonZeroU32::new(packet.wire_len).unwrap_or(NonZeroU32::MIN);
        if frame_len != self.frame_len {
            self.switches += 1.0;
            self.frame_len = frame_len;
        }
    }

    /// The features of a series of `packets` packets.
    pub(super) fn features(&self, packets: u64) -> Features {
        let count = packets as f32;
        let mean_square = self.sum_of_squares / count;
        let mean_cut_off = self.sum.checked_div(packets).unwrap_or_default() as f64;
        let standard_deviation = (f64::from(mean_square) - mean_cut_off.powi(2)).sqrt() as f32;
        let kurtosis = if standard_deviation == 0.0 {
            0.0
        } else {
            let divisor = packets as f64 * f64::from(standard_deviation).powi(4);
            (f64::from(self.sum_of_fourth_powers) / divisor) as f32
        };
        let mean_pause_deviation = self.sum_of_pause_deviations / packets.saturating_sub(1) as f32;
        Features {
            mean: self.mean,
            least: self.least,
            greatest: self.greatest,
            standard_deviation,
            kurtosis,
            root_mean_square: mean_square.sqrt(),
            dispersion: self.sum_of_deviations / count,
            mean_scaled_time: self.mean_scaled_time,
            mean_pause: self.mean_pause,
            longest_pause: self.longest_pause,
            time_distribution: mean_pause_deviation / (self.longest_pause - f32::from(self.least)),
            switching_ratio: self.switches / count,
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_flow::Timestamp;

    use crate::driver::{Driver, Owned, PacketBuilder};
    use crate::nettisa::DESCRIPTOR;

    const ENDS: [&str; 2] = ["10.5.5.26:68", "10.5.5.1:67"];

    /// The values of a record of datagrams, each with its length and its time in microseconds.
    fn values(datagrams: &[(usize, u64)]) -> Vec<f64> {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for (number, &(length, us)) in datagrams.iter().enumerate() {
            let time = Timestamp::from_nanoseconds((1_477_674_472_625_696 + us) * 1000);
            let packet = PacketBuilder::udp(ENDS[number % 2], ENDS[1 - number % 2]);
            driver.put(&packet.payload(&vec![0; length]).at(time));
        }
        let value = |value: &Owned| match value {
            Owned::Float(number) => f64::from(*number),
            Owned::Number(number) => *number as f64,
            other => panic!("{other:?}"),
        };
        driver.finish().iter().flatten().map(value).collect()
    }

    fn assert_same(values: &[f64], expected: &[f64]) {
        assert_eq!(values.len(), expected.len());
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6 * expected.abs().max(1.0), "{values:?}");
        }
    }

    #[test]
    fn values_are_those_of_the_reference() {
        assert_same(
            &values(&[(68, 0), (68, 87), (76, 87 + 5_005_910)]),
            &[
                70.666664,
                68.0,
                76.0,
                10.392304,
                611.153259,
                70.767227,
                25.333334,
                1668694.625,
                1668665.625,
                0.0,
                5005910.0,
                0.333339,
                0.666667,
            ],
        );
        assert_same(
            &values(&[(300, 0), (300, 20_019_522)]),
            &[
                300.0, 300.0, 300.0, 0.0, 0.0, 300.0, 150.0, 10009761.0, 10009761.0, 0.0, 20019522.0,
                0.500008, 0.5,
            ],
        );
    }

    #[test]
    fn a_single_packet_is_no_series() {
        assert!(values(&[(300, 0)]).is_empty());
    }

    #[test]
    fn a_packet_from_before_its_predecessor_comes_at_the_same_time() {
        let late = values(&[(10, 5_000_000), (10, 4_000_000), (10, 4_500_000)]);
        assert_eq!((late[7], late[10]), (0.0, 500_000.0));
    }

    #[test]
    fn text_shows_all_values() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for _ in 0..2 {
            driver.put(&PacketBuilder::udp(ENDS[0], ENDS[1]).payload(b"abcd"));
        }
        assert_eq!(
            driver.finish_text(),
            [
                "ntsmean=4,ntsmin=4,ntsmax=4,ntsstdev=0,ntskurtosis=0,ntsrms=4,ntsdispersion=2,ntsscaledtime=0,\
              ntsdifftimes=0,ntsmindifftimes=0,ntsmaxdifftimes=0,ntstimedistribution=-0,ntsswitching=0.5"
            ]
        );
    }
}
