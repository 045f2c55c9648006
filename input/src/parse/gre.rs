//! Generic routing encapsulation (RFC 2784, RFC 2890).

use super::encapsulation::{Link, Located, locate as locate_behind};
use super::wire::{header, u16_of};
use super::{Skipped, ethernet, mpls, pppoe};

mod field {
    use std::ops::Range;

    /// Checksum present, routing, key present, sequence present, …, version 3 bits.
    pub(super) const FLAGS: Range<usize> = 0..2;
    pub(super) const PAYLOAD_TYPE: Range<usize> = 2..4;
    pub(super) const HEADER_LEN: usize = 4;
    /// Each optional field: checksum with reserved bits, key, sequence number.
    pub(super) const OPTIONAL_LEN: usize = 4;
}

/// IP protocol number of GRE.
pub(super) const PROTOCOL: u8 = 47;

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;

/// Finds the IP header inside the tunnel whose header is at `at`.
pub(super) fn locate(bytes: &[u8], at: usize, link: &mut Link) -> Result<Located, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedGre)?;
    let payload_type = u16_of(header, field::PAYLOAD_TYPE);
    match payload_type {
        ethernet::IPV4 | ethernet::IPV6 | mpls::UNICAST | mpls::MULTICAST | pppoe::SESSION => {}
        _ => return Err(Skipped::UnsupportedGrePayload),
    }
    let flags = u16_of(header, field::FLAGS);
    let optional = [CHECKSUM, KEY, SEQUENCE].iter().filter(|&flag| flags & flag != 0).count();
    let at = at + field::HEADER_LEN + optional * field::OPTIONAL_LEN;
    if at > bytes.len() {
        return Err(Skipped::TruncatedGre);
    }
    locate_behind(bytes, payload_type, at, link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    fn tunnel(fragment: u8, header: &[u8], inner: &[u8]) -> Vec<u8> {
        let mut outer = IPV4_UDP[..20].to_vec();
        outer[3] = (20 + header.len() + inner.len()) as u8;
        outer[7] = fragment;
        outer[9] = PROTOCOL;
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
            assert_eq!((packet.key.protocol(), packet.ip_len as usize), (PROTOCOL, 20 + header.len() + 4));
            assert_eq!((packet.mpls_offset, packet.payload_len as usize), (0, header.len() + 4));
        }
    }

    #[test]
    fn a_later_fragment_of_a_tunnel_is_not_opened() {
        let (packet, fragment) = parsed(&tunnel(7, &[0, 0, 8, 0], IPV4_UDP)).unwrap();
        assert_eq!((packet.key.protocol(), packet.later_fragment), (PROTOCOL, true));
        assert!(!fragment.unwrap().is_first);
    }

    #[test]
    fn a_tunnel_over_ipv6_is_a_flow_itself() {
        let inner = [&[0, 0, 8, 0], IPV4_UDP].concat();
        assert_eq!(parsed(&ethernet(0x86dd, &[&ipv6(PROTOCOL, &inner)])).unwrap().0.key.protocol(), PROTOCOL);
    }

    #[test]
    fn optional_fields_cut_off_are_truncated() {
        assert_eq!(parsed(&tunnel(0, &[0x20, 0, 8, 0, 1], &[])).unwrap_err(), Skipped::TruncatedGre);
        assert_eq!(parsed(&tunnel(0, &[0x20, 0], &[])).unwrap_err(), Skipped::TruncatedGre);
    }
}
