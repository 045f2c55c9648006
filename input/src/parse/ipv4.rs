//! IPv4 (RFC 791).

use weir_flow::packet::Fragment;

use super::Skipped;
use super::network::Network;
use super::wire::{header, u16_of, u32_of};

mod field {
    use std::ops::Range;

    /// Version 4 bits, header length in 4 bytes 4.
    pub(super) const VERSION_HEADER_LEN: usize = 0;
    pub(super) const TOTAL_LEN: Range<usize> = 2..4;
    pub(super) const IDENTIFICATION: Range<usize> = 4..6;
    /// Flags 3 bits, fragment offset 13.
    pub(super) const FRAGMENT: Range<usize> = 6..8;
    pub(super) const TTL: usize = 8;
    pub(super) const PROTOCOL: usize = 9;
    pub(super) const SOURCE: Range<usize> = 12..16;
    pub(super) const DESTINATION: Range<usize> = 16..20;
    pub(super) const HEADER_LEN: usize = 20;
}

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// Reads the header at `at` and skips its options. The checksum is not verified: offloading leaves it to the network card.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Network, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv4)?;
    let first = header[field::VERSION_HEADER_LEN];
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_len < field::HEADER_LEN {
        return Err(Skipped::MalformedIpv4);
    }
    let payload_offset = at + header_len;
    if payload_offset > bytes.len() {
        return Err(Skipped::TruncatedIpv4);
    }
    let total_len = u16_of(header, field::TOTAL_LEN);
    // Segmentation offload leaves 0 to be filled in by the network card.
    let payload_len = match u32::from(total_len).checked_sub(header_len as u32) {
        Some(len) => Some(len),
        None if total_len == 0 => None,
        None => return Err(Skipped::MalformedIpv4),
    };
    let fragment = u16_of(header, field::FRAGMENT);
    let later_fragment = fragment & OFFSET_MASK != 0;
    Ok(Network {
        source: [0, u64::from(u32_of(header, field::SOURCE))],
        destination: [0, u64::from(u32_of(header, field::DESTINATION))],
        protocol: header[field::PROTOCOL],
        ttl: header[field::TTL],
        ip_flags: (fragment >> 13) as u8,
        ip_len: u32::from(total_len),
        ipv6: false,
        payload_offset,
        payload_len,
        fragment: (fragment & (MORE_FRAGMENTS | OFFSET_MASK) != 0).then(|| Fragment {
            identification: u32::from(u16_of(header, field::IDENTIFICATION)),
            is_first: !later_fragment,
        }),
        later_fragment,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    fn with(at: usize, value: u8) -> Vec<u8> {
        let mut datagram = IPV4_UDP.to_vec();
        datagram[at] = value;
        ethernet(0x0800, &[&datagram])
    }

    #[test]
    fn a_header_length_below_20_is_malformed() {
        for first in [0x40, 0x44] {
            assert_eq!(parsed(&with(0, first)).unwrap_err(), Skipped::MalformedIpv4);
        }
    }

    #[test]
    fn another_version_is_malformed() {
        assert_eq!(parsed(&with(0, 0x65)).unwrap_err(), Skipped::MalformedIpv4);
    }

    #[test]
    fn a_header_length_beyond_the_captured_bytes_is_truncated() {
        assert_eq!(parsed(&with(0, 0x4f)).unwrap_err(), Skipped::TruncatedIpv4);
    }

    #[test]
    fn a_total_length_smaller_than_the_headers_is_malformed() {
        assert_eq!(parsed(&with(3, 19)).unwrap_err(), Skipped::MalformedIpv4);
        assert_eq!(parsed(&with(3, 27)).unwrap_err(), Skipped::MalformedUdp);
        assert_eq!(parsed(&with(3, 28)).unwrap().0.payload_len, 0);
    }

    #[test]
    fn a_total_length_of_0_takes_all_captured_bytes() {
        let packet = parsed(&with(3, 0)).unwrap().0;
        assert_eq!((packet.ip_len, packet.payload(), packet.payload_wire_len), (0, &b"abcd"[..], 4));
    }

    #[test]
    fn options_are_skipped() {
        let mut datagram = [&IPV4_UDP[..20], &[1; 8], UDP].concat();
        (datagram[0], datagram[3]) = (0x47, 40);
        let packet = parsed(&ethernet(0x0800, &[&datagram])).unwrap().0;
        assert_eq!((packet.transport_offset, packet.payload()), (14 + 28, &b"abcd"[..]));
    }

    #[test]
    fn fragments_are_told_apart() {
        assert_eq!(parsed(&with(6, 0x40)).unwrap().1, None);
        let (first, fragment) = parsed(&with(6, 0x20)).unwrap();
        assert_eq!(fragment, Some(Fragment { identification: 0x1234, is_first: true }));
        assert_eq!((first.ip_flags, first.key.protocol(), first.payload()), (1, 17, &b"abcd"[..]));
        assert_eq!(first.oriented().destination_port, 53);
        let (later, fragment) = parsed(&with(7, 1)).unwrap();
        assert_eq!(fragment, Some(Fragment { identification: 0x1234, is_first: false }));
        assert_eq!((later.oriented().destination_port, later.payload_len), (0, 12));
        assert_eq!((later.later_fragment, later.transport_offset), (true, later.payload_offset));
    }

    #[test]
    fn the_payload_of_other_protocols_starts_behind_the_header() {
        let packet = parsed(&with(9, 132)).unwrap().0;
        assert_eq!((packet.payload(), packet.oriented().source_port), (UDP, 0));
    }
}
