//! TCP (RFC 9293).

use weir_flow::tcp::option;

use super::Skipped;
use super::network::{Network, Transport};
use super::wire::{header, u16_of, u32_of};

mod field {
    use std::ops::Range;

    pub(super) const SOURCE_PORT: Range<usize> = 0..2;
    pub(super) const DESTINATION_PORT: Range<usize> = 2..4;
    pub(super) const SEQUENCE: Range<usize> = 4..8;
    pub(super) const ACKNOWLEDGEMENT: Range<usize> = 8..12;
    /// Header length in units of 4 bytes in the upper 4 bits.
    pub(super) const DATA_OFFSET: usize = 12;
    pub(super) const FLAGS: usize = 13;
    pub(super) const HEADER_LEN: usize = 20;
}

/// NOP, NOP, timestamps (kind 8, length 10): what nearly every segment of an established connection carries, if any.
const TIMESTAMPS: [u8; 4] = [option::NO_OPERATION, option::NO_OPERATION, 8, 10];
const TIMESTAMPS_LEN: usize = 12;

/// Reads the header behind `network` and checks its options.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], network: &Network) -> Result<Transport, Skipped> {
    let at = network.payload_offset;
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedTcp)?;
    let header_len = usize::from(header[field::DATA_OFFSET] >> 4) * 4;
    if header_len < field::HEADER_LEN || network.is_shorter_than(header_len) {
        return Err(Skipped::MalformedTcp);
    }
    if header_len > field::HEADER_LEN {
        check_options(bytes.get(at + field::HEADER_LEN..at + header_len).ok_or(Skipped::TruncatedTcp)?)?;
    }
    Ok(Transport {
        source_port: u16_of(header, field::SOURCE_PORT),
        destination_port: u16_of(header, field::DESTINATION_PORT),
        tcp_sequence: u32_of(header, field::SEQUENCE),
        tcp_acknowledgement: u32_of(header, field::ACKNOWLEDGEMENT),
        tcp_flags: header[field::FLAGS],
        header_len,
    })
}

#[inline(always)]
fn check_options(area: &[u8]) -> Result<(), Skipped> {
    if area.len() == TIMESTAMPS_LEN && area.starts_with(&TIMESTAMPS) { Ok(()) } else { walk_options(area) }
}

/// An option of length 0 or 1, or without a length, makes the header malformed; one that runs past the area ends the walk.
#[inline(never)]
fn walk_options(mut area: &[u8]) -> Result<(), Skipped> {
    loop {
        area = match *area {
            [] | [option::END, ..] => return Ok(()),
            [option::NO_OPERATION, ref rest @ ..] => rest,
            [_] | [_, 0..=1, ..] => return Err(Skipped::MalformedTcp),
            [_, len, ..] => area.get(usize::from(len)..).unwrap_or(&[]),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    /// The segment with these options instead of its payload.
    fn segment(options: &[u8]) -> Vec<u8> {
        let mut datagram = [&IPV4_TCP[..40], options].concat();
        datagram[3] = datagram.len() as u8;
        datagram[32] = ((5 + options.len() / 4) << 4) as u8;
        ethernet(0x0800, &[&datagram])
    }

    #[test]
    fn a_segment_is_read() {
        let packet = parsed(&ethernet(0x0800, &[IPV4_TCP])).unwrap().0;
        assert_eq!((packet.tcp_sequence, packet.tcp_acknowledgement, packet.tcp_flags), (1, 2, 0x18));
        assert_eq!((packet.payload(), packet.tcp_window()), (&b"hi"[..], 0x2000));
        assert_eq!((packet.transport_offset, packet.payload_offset), (34, 54));
    }

    #[test]
    fn a_data_offset_below_5_is_malformed() {
        for data_offset in [0, 0x40] {
            let mut frame = ethernet(0x0800, &[IPV4_TCP]);
            frame[34 + 12] = data_offset;
            assert_eq!(parsed(&frame).unwrap_err(), Skipped::MalformedTcp);
        }
    }

    #[test]
    fn a_data_offset_beyond_the_datagram_is_malformed() {
        let mut frame = ethernet(0x0800, &[IPV4_TCP, &[0; 40]]);
        frame[34 + 12] = 0x60;
        assert_eq!(parsed(&frame).unwrap_err(), Skipped::MalformedTcp);
    }

    #[test]
    fn a_data_offset_beyond_the_captured_bytes_is_truncated() {
        let frame = segment(&[1, 1, 1, 1]);
        assert_eq!(parsed(&frame[..frame.len() - 1]).unwrap_err(), Skipped::TruncatedTcp);
    }

    #[test]
    fn an_option_of_length_0_or_1_is_malformed() {
        for len in [0, 1] {
            assert_eq!(parsed(&segment(&[1, 2, len, 0])).unwrap_err(), Skipped::MalformedTcp);
        }
    }

    #[test]
    fn an_option_without_length_is_malformed() {
        assert_eq!(parsed(&segment(&[1, 1, 1, 2])).unwrap_err(), Skipped::MalformedTcp);
    }

    #[test]
    fn an_option_past_the_area_ends_the_walk() {
        assert!(parsed(&segment(&[1, 1, 2, 4])).is_ok());
    }

    #[test]
    fn nothing_counts_behind_the_end_of_options() {
        assert!(parsed(&segment(&[1, 0, 2, 0])).is_ok());
    }

    #[test]
    fn common_options_are_all_right() {
        let options: [&[u8]; 3] = [
            &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7],
            &[1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        ];
        for options in options {
            let packet = parsed(&segment(options)).unwrap().0;
            assert_eq!(packet.payload_offset as usize, 54 + options.len());
        }
    }
}
