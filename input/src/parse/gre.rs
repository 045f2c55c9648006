//! Generic routing encapsulation (RFC 2784, RFC 2890).

use weir_flow::TunnelKind;

use super::encapsulation::{Link, Located, locate as locate_behind};
use super::tunnel::Inside;
use super::wire::{header, u16_of};
use super::{Skipped, erspan, ethernet, mpls, pppoe};

mod field {
    use std::ops::Range;

    /// Checksum present, routing, key present, sequence present, …, version 3 bits.
    pub(super) const FLAGS: Range<usize> = 0..2;
    pub(super) const PAYLOAD_TYPE: Range<usize> = 2..4;
    pub(super) const HEADER_LEN: usize = 4;
    /// Each optional field: checksum with reserved bits, key, sequence number.
    pub(super) const OPTIONAL_LEN: usize = 4;
}

/// Payload type of an Ethernet frame (RFC 1701 "transparent Ethernet bridging", RFC 7637).
pub(super) const ETHERNET: u16 = 0x6558;

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// What RFC 2784 section 2.3 wants to be 0 if it is not known: the source routes of RFC 1701, and another version.
const UNKNOWN: u16 = 0x4007;

/// Finds the IP header inside the tunnel whose header is at `at`, as ipfixprobe does: IP, MPLS and PPPoE are known.
pub(super) fn locate(bytes: &[u8], at: usize, link: &mut Link) -> Result<Located, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedGre)?;
    let payload_type = u16_of(header, field::PAYLOAD_TYPE);
    match payload_type {
        ethernet::IPV4 | ethernet::IPV6 | mpls::UNICAST | mpls::MULTICAST | pppoe::SESSION => {}
        _ => return Err(Skipped::UnsupportedGrePayload),
    }
    let at = at + len(u16_of(header, field::FLAGS));
    if at > bytes.len() {
        return Err(Skipped::TruncatedGre);
    }
    locate_behind(bytes, payload_type, at, link)
}

/// What is inside the tunnel whose header is at `at`, if it is one that can be opened.
pub(super) fn parse(bytes: &[u8], at: usize) -> Option<(TunnelKind, Inside)> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at)?;
    let flags = u16_of(header, field::FLAGS);
    if flags & UNKNOWN != 0 {
        return None;
    }
    let at = at + len(flags);
    match u16_of(header, field::PAYLOAD_TYPE) {
        ETHERNET => Some((TunnelKind::Gre, Inside::Frame(at))),
        erspan::TYPE_1_AND_2 if flags & SEQUENCE == 0 => Some((TunnelKind::Erspan, Inside::Frame(at))),
        erspan::TYPE_1_AND_2 => Some((TunnelKind::Erspan, erspan::parse_type_2(bytes, at)?)),
        erspan::TYPE_3 => Some((TunnelKind::Erspan, erspan::parse_type_3(bytes, at)?)),
        known @ (ethernet::IPV4 | ethernet::IPV6 | mpls::UNICAST | mpls::MULTICAST | pppoe::SESSION) => {
            Some((TunnelKind::Gre, Inside::EtherType(known, at)))
        }
        _ => None,
    }
}

/// Length of the header with these flags.
fn len(flags: u16) -> usize {
    let optional = [CHECKSUM, KEY, SEQUENCE].iter().filter(|&flag| flags & flag != 0).count();
    field::HEADER_LEN + optional * field::OPTIONAL_LEN
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::packet::protocol;

    use super::*;
    use crate::parse::tests::*;

    fn tunnel(fragment: u8, header: &[u8], inner: &[u8]) -> Vec<u8> {
        let mut outer = IPV4_UDP[..20].to_vec();
        outer[3] = (20 + header.len() + inner.len()) as u8;
        outer[7] = fragment;
        outer[9] = protocol::GRE;
        outer[15] = 9;
        ethernet(0x0800, &[&outer, header, inner])
    }

    #[test]
    fn a_tunnel_is_the_flow_inside() {
        let headers: [&[u8]; 3] = [
            &[0, 0, 8, 0],
            &[0x20, 0, 8, 0, 0, 0, 0, 1],
            &[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
        ];
        for header in headers {
            let packet = parsed(&tunnel(0, header, IPV4_UDP)).unwrap().0;
            assert_eq!((packet.ip_len, packet.payload()), (32, &b"abcd"[..]));
            assert_eq!(packet.key.address(packet.sender).to_string(), "10.0.0.1");
        }
        assert!(parsed(&tunnel(0, &[0, 0, 0x86, 0xdd], &ipv6(17, UDP))).unwrap().0.key.is_ipv6());
    }

    #[test]
    fn a_tunnel_of_something_unknown_is_a_flow_of_its_outer_header() {
        let unknown: [&[u8]; 3] =
            [&[0, 0, 0x65, 0x58], &[0x30, 0x81, 0x88, 0x0b], &[0, 0, 0x88, 0x47, 0, 1, 1, 64, 0x10]];
        for header in unknown {
            let packet = parsed(&tunnel(0, header, b"etc.")).unwrap().0;
            assert_eq!(
                (packet.key.protocol(), packet.ip_len as usize),
                (protocol::GRE, 20 + header.len() + 4)
            );
            assert_eq!((packet.mpls_offset, packet.payload_len as usize), (0, header.len() + 4));
        }
    }

    #[test]
    fn a_later_fragment_of_a_tunnel_is_not_opened() {
        let (packet, fragment) = parsed(&tunnel(7, &[0, 0, 8, 0], IPV4_UDP)).unwrap();
        assert_eq!((packet.key.protocol(), packet.later_fragment), (protocol::GRE, true));
        assert!(!fragment.unwrap().is_first);
    }

    #[test]
    fn a_tunnel_over_ipv6_is_a_flow_itself() {
        let inner = [&[0, 0, 8, 0], IPV4_UDP].concat();
        assert_eq!(
            parsed(&ethernet(0x86dd, &[&ipv6(protocol::GRE, &inner)])).unwrap().0.key.protocol(),
            protocol::GRE
        );
    }

    #[test]
    fn optional_fields_cut_off_are_truncated() {
        assert_eq!(parsed(&tunnel(0, &[0x20, 0, 8, 0, 1], &[])).unwrap_err(), Skipped::TruncatedGre);
        assert_eq!(parsed(&tunnel(0, &[0x20, 0], &[])).unwrap_err(), Skipped::TruncatedGre);
    }
}
