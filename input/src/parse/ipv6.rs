//! IPv6 (RFC 8200) and its extension headers.

use weir_flow::packet::{Fragment, protocol};

use super::Skipped;
use super::network::Network;
use super::wire::{header, u16_of, u32_of, u128_of};

mod field {
    use std::ops::Range;

    /// Version in the upper 4 bits.
    pub(super) const VERSION: usize = 0;
    pub(super) const PAYLOAD_LEN: Range<usize> = 4..6;
    pub(super) const NEXT_HEADER: usize = 6;
    pub(super) const HOP_LIMIT: usize = 7;
    pub(super) const SOURCE: Range<usize> = 8..24;
    pub(super) const DESTINATION: Range<usize> = 24..40;
    pub(super) const HEADER_LEN: usize = 40;
}

/// What all extension headers start with.
mod extension {
    pub(super) const NEXT_HEADER: usize = 0;
    pub(super) const LEN: usize = 1;
    pub(super) const LEAST_LEN: usize = 2;
}

mod fragment {
    use std::ops::Range;

    /// Offset 13 bits, reserved 2, more fragments 1.
    pub(super) const OFFSET: Range<usize> = 2..4;
    pub(super) const IDENTIFICATION: Range<usize> = 4..8;
    pub(super) const HEADER_LEN: usize = 8;
    pub(super) const OFFSET_MASK: u16 = 0xfff8;
    pub(super) const MORE_FRAGMENTS: u16 = 1;
}

mod next_header {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
}

/// Reads the header at `at` and skips the extension headers.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Network, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6)?;
    if header[field::VERSION] >> 4 != 6 {
        return Err(Skipped::MalformedIpv6);
    }
    let payload_len = u32::from(u16_of(header, field::PAYLOAD_LEN));
    let mut network = Network {
        source: u128_of(header, field::SOURCE),
        destination: u128_of(header, field::DESTINATION),
        protocol: header[field::NEXT_HEADER],
        ttl: header[field::HOP_LIMIT],
        ip_flags: 0,
        ip_len: payload_len + field::HEADER_LEN as u32,
        ipv6: true,
        payload_offset: at + field::HEADER_LEN,
        payload_len: Some(payload_len),
        fragment: None,
        later_fragment: false,
    };
    match network.protocol {
        // Neither can be empty: segmentation offload leaves the length to be filled in by the network card.
        protocol::TCP | protocol::UDP if payload_len == 0 => network.payload_len = None,
        next_header::HOP_BY_HOP
        | next_header::ROUTING
        | next_header::FRAGMENT
        | next_header::AUTHENTICATION
        | next_header::DESTINATION
        | next_header::MOBILITY => {
            let behind = skip_extensions(bytes, network.payload_offset, network.protocol)?;
            // A payload length of 0 in front of extension headers is a jumbogram (RFC 2675) or offloaded segmentation.
            network.payload_len = match payload_len {
                0 => None,
                len => {
                    let skipped = (behind.at - network.payload_offset) as u32;
                    Some(len.checked_sub(skipped).ok_or(Skipped::MalformedIpv6Extension)?)
                }
            };
            network.protocol = behind.protocol;
            network.payload_offset = behind.at;
            network.fragment = behind.fragment;
            network.later_fragment = behind.later_fragment;
        }
        _ => {}
    }
    Ok(network)
}

/// What extension headers led to.
struct Behind {
    protocol: u8,
    at: usize,
    fragment: Option<Fragment>,
    later_fragment: bool,
}

/// Walks the extension headers at `at` up to the first header of another kind, or to the data of a later fragment.
#[inline(never)]
fn skip_extensions(bytes: &[u8], at: usize, protocol: u8) -> Result<Behind, Skipped> {
    let mut behind = Behind { protocol, at, fragment: None, later_fragment: false };
    while !behind.later_fragment {
        let at = behind.at;
        if at > usize::from(u16::MAX) {
            return Err(Skipped::MalformedNesting);
        }
        let start = || header::<{ extension::LEAST_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6Extension);
        let (next, len) = match behind.protocol {
            next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::DESTINATION
            | next_header::MOBILITY => {
                let start = start()?;
                (start[extension::NEXT_HEADER], (usize::from(start[extension::LEN]) + 1) * 8)
            }
            // RFC 4302 section 2.2: in units of 4 bytes, minus 2.
            next_header::AUTHENTICATION => {
                let start = start()?;
                (start[extension::NEXT_HEADER], (usize::from(start[extension::LEN]) + 2) * 4)
            }
            next_header::FRAGMENT => {
                let header =
                    header::<{ fragment::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6Extension)?;
                let offset = u16_of(header, fragment::OFFSET);
                behind.later_fragment = offset & fragment::OFFSET_MASK != 0;
                // Offset 0 without more fragments is an atomic fragment (RFC 6946), a datagram by itself.
                if offset & (fragment::OFFSET_MASK | fragment::MORE_FRAGMENTS) != 0 {
                    behind.fragment = Some(Fragment {
                        identification: u32_of(header, fragment::IDENTIFICATION),
                        is_first: !behind.later_fragment,
                    });
                }
                (header[extension::NEXT_HEADER], fragment::HEADER_LEN)
            }
            _ => break,
        };
        behind.protocol = next;
        behind.at = at + len;
        if behind.at > bytes.len() {
            return Err(Skipped::TruncatedIpv6Extension);
        }
    }
    Ok(behind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    fn datagram(next_header: u8, parts: &[&[u8]]) -> Result<(weir_flow::Packet, Option<Fragment>), Skipped> {
        parsed(&ethernet(0x86dd, &[&ipv6(next_header, &parts.concat())]))
    }

    #[test]
    fn a_datagram_counts_with_its_header() {
        let packet = datagram(17, &[UDP]).unwrap().0;
        assert_eq!((packet.ip_len, packet.ttl, packet.ip_flags), (52, 61, 0));
        assert_eq!((packet.payload(), packet.oriented().destination_port), (&b"abcd"[..], 53));
    }

    #[test]
    fn an_ipv6_authentication_header_is_skipped_by_its_length() {
        let authentication = [&[17, 4][..], &[0; 22]].concat();
        let packet = datagram(51, &[&authentication, UDP]).unwrap().0;
        assert_eq!((packet.oriented().destination_port, packet.payload()), (53, &b"abcd"[..]));
    }

    #[test]
    fn a_datagram_without_next_header_is_a_flow() {
        let packet = datagram(59, &[]).unwrap().0;
        assert_eq!((packet.key.protocol(), packet.payload_len, packet.ip_len), (59, 0, 40));
        let mobility = [59, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(datagram(135, &[&mobility]).unwrap().0.key.protocol(), 59);
    }

    #[test]
    fn an_extension_header_cut_off_is_truncated() {
        assert_eq!(datagram(0, &[&[17]]).unwrap_err(), Skipped::TruncatedIpv6Extension);
        assert_eq!(
            datagram(0, &[&[17, 9, 0, 0, 0, 0, 0, 0], UDP]).unwrap_err(),
            Skipped::TruncatedIpv6Extension
        );
        assert_eq!(datagram(44, &[&[17, 0, 0, 1, 0, 0, 0]]).unwrap_err(), Skipped::TruncatedIpv6Extension);
    }

    #[test]
    fn extension_headers_longer_than_the_datagram_are_malformed() {
        let mut frame = ethernet(0x86dd, &[&ipv6(60, &[&[17, 0, 0, 0, 0, 0, 0, 0], UDP].concat())]);
        frame[14 + 5] = 7;
        assert_eq!(parsed(&frame).unwrap_err(), Skipped::MalformedIpv6Extension);
    }

    #[test]
    fn fragments_are_told_apart() {
        let first = [17, 0, 0, 1, 0, 1, 2, 3];
        let (packet, fragment) = datagram(44, &[&first, UDP]).unwrap();
        assert_eq!(fragment, Some(Fragment { identification: 0x10203, is_first: true }));
        assert_eq!(packet.oriented().destination_port, 53);
        let later = [17, 0, 0, 8, 0, 1, 2, 3];
        let (packet, fragment) = datagram(44, &[&later, UDP]).unwrap();
        assert_eq!(fragment, Some(Fragment { identification: 0x10203, is_first: false }));
        assert_eq!((packet.payload(), packet.oriented().destination_port), (UDP, 0));
        let atomic = [17, 0, 0, 0, 0, 1, 2, 3];
        let (packet, fragment) = datagram(44, &[&atomic, UDP]).unwrap();
        assert_eq!((packet.oriented().destination_port, fragment), (53, None));
    }

    #[test]
    fn data_of_a_later_fragment_is_not_taken_for_a_header() {
        let later = [60, 0, 0, 8, 0, 1, 2, 3];
        let packet = datagram(44, &[&later, &[17, 200, 0, 0]]).unwrap().0;
        assert_eq!((packet.key.protocol(), packet.payload_len), (60, 4));
    }

    #[test]
    fn a_payload_length_of_0_before_udp_takes_all_captured_bytes() {
        let mut frame = ethernet(0x86dd, &[&ipv6(17, UDP)]);
        frame[14 + 5] = 0;
        let packet = parsed(&frame).unwrap().0;
        assert_eq!((packet.payload(), packet.ip_len), (&b"abcd"[..], 40));
        frame[14 + 6] = 58;
        assert_eq!(parsed(&frame).unwrap().0.payload_len, 0);
    }

    #[test]
    fn another_version_is_malformed() {
        let mut frame = ethernet(0x86dd, &[&ipv6(17, UDP)]);
        frame[14] = 0x45;
        assert_eq!(parsed(&frame).unwrap_err(), Skipped::MalformedIpv6);
    }
}
