//! VXLAN (RFC 7348): Ethernet frames in UDP.

use super::tunnel::Inside;
use super::wire::header;

mod field {
    pub(super) const FLAGS: usize = 0;
    /// Reserved 24 bits, network identifier 24, reserved 8.
    pub(super) const HEADER_LEN: usize = 8;
}

/// UDP destination port.
pub(super) const PORT: u16 = 4789;

/// The network identifier is valid: set in every VXLAN header.
const IDENTIFIER: u8 = 0x08;

/// What is inside the tunnel whose header is at `at`.
pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Inside> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at)?;
    (header[field::FLAGS] & IDENTIFIER != 0).then_some(Inside::Frame(at + field::HEADER_LEN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::TunnelKind;

    use super::*;
    use crate::parse::Skipped;
    use crate::parse::tests::*;

    const HEADER: [u8; 8] = [0x08, 0, 0, 0, 0, 0, 7, 0];

    #[test]
    fn the_frame_inside_brings_its_own_addresses_and_tag() {
        let tagged = |frame: &[u8]| [&frame[..12], &[0x81, 0, 0, 5], &frame[12..]].concat();
        let frame = datagram_to(PORT, &[&HEADER, &inner_frame()]);
        assert_inside(&frame, TunnelKind::Vxlan);
        let packet = opened(&tagged(&frame)).unwrap().0;
        assert_eq!((packet.source_mac, packet.destination_mac, packet.key.vlan_id()), ([9; 6], [9; 6], 7));
        assert_eq!((packet.ip_len, packet.outer_offset), (32, 18));
        let untagged = datagram_to(PORT, &[&HEADER, &ethernet(0x0800, &[IPV4_UDP])]);
        assert_eq!(opened(&tagged(&untagged)).unwrap().0.key.vlan_id(), 0, "the tag outside is not inside");
    }

    #[test]
    fn only_the_destination_port_and_the_flag_make_it() {
        let mut frame = datagram_to(PORT, &[&HEADER, &inner_frame()]);
        frame[14 + 28] = 0x80;
        assert_outside(&frame, None);
        assert_outside(&datagram_to(PORT, &[&HEADER[..7]]), None);
        let mut way_back = datagram_to(50_000, &[&HEADER, &inner_frame()]);
        way_back[34..36].copy_from_slice(&PORT.to_be_bytes());
        assert_outside(&way_back, None);
    }

    #[test]
    fn what_is_not_ip_inside_is_a_flow_of_the_outer_header() {
        let arp = ethernet(0x0806, &[&[0; 28]]);
        assert_outside(&datagram_to(PORT, &[&HEADER, &arp]), Some(Skipped::UnsupportedEtherType));
        assert_outside(&datagram_to(PORT, &[&HEADER]), Some(Skipped::TruncatedEthernet));
    }
}
