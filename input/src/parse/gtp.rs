//! GTP-U (3GPP TS 29.281): IP packets of mobile subscribers in UDP.

use super::tunnel::Inside;
use super::wire::header;

mod field {
    /// Version 3 bits, protocol type 1, spare 1, extension header 1, sequence number 1, N-PDU number 1.
    pub(super) const FLAGS: usize = 0;
    pub(super) const MESSAGE_TYPE: usize = 1;
    /// Length 16 bits, tunnel endpoint identifier 32.
    pub(super) const HEADER_LEN: usize = 8;
    /// Sequence number 16 bits, N-PDU number 8, type of the next extension header 8: all there if one of their flags is set.
    pub(super) const OPTIONAL_LEN: usize = 4;
}

/// UDP destination port.
pub(super) const PORT: u16 = 2152;

/// Version 1 of GTP, not of GTP'.
const VERSION_1: u8 = 0x30;
const VERSION_MASK: u8 = 0xf0;
/// Extension header, sequence number, N-PDU number.
const OPTIONAL: u8 = 0x07;
const EXTENSION: u8 = 0x04;
/// The message that carries a subscriber's packet.
const G_PDU: u8 = 255;

/// What is inside the tunnel whose header is at `at`, extension headers skipped.
pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Inside> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at)?;
    let flags = header[field::FLAGS];
    if flags & VERSION_MASK != VERSION_1 || header[field::MESSAGE_TYPE] != G_PDU {
        return None;
    }
    let mut at = at + field::HEADER_LEN;
    if flags & OPTIONAL != 0 {
        at += field::OPTIONAL_LEN;
        if flags & EXTENSION != 0 {
            // The last byte of each part is the type of the next; an extension header begins with its length in 4 bytes.
            while *bytes.get(at - 1)? != 0 {
                match *bytes.get(at)? {
                    0 => return None,
                    len => at += usize::from(len) * 4,
                }
            }
        }
    }
    Some(Inside::Ip(at))
}

#[cfg(test)]
mod tests {
    use weir_flow::TunnelKind;

    use super::*;
    use crate::parse::Skipped;
    use crate::parse::tests::*;

    const HEADER: [u8; 8] = [0x30, 255, 0, 32, 0, 0, 0, 7];

    #[test]
    fn a_packet_is_inside_whichever_its_version() {
        assert_inside(&datagram_to(PORT, &[&HEADER, IPV4_UDP]), TunnelKind::Gtp);
        assert_inside(&datagram_to(PORT, &[&HEADER, &ipv6(17, UDP)]), TunnelKind::Gtp);
    }

    #[test]
    fn any_of_three_flags_brings_all_optional_fields() {
        for flag in [1, 2, 3, 4, 7] {
            let header = [&[0x30 | flag][..], &HEADER[1..], &[0, 1, 2, 0]].concat();
            assert_inside(&datagram_to(PORT, &[&header, IPV4_UDP]), TunnelKind::Gtp);
        }
        let type_without_flag = [&[0x32][..], &HEADER[1..], &[0, 1, 2, 0x85]].concat();
        assert_inside(&datagram_to(PORT, &[&type_without_flag, IPV4_UDP]), TunnelKind::Gtp);
    }

    #[test]
    fn extension_headers_are_skipped() {
        let extensions = [0, 1, 2, 0x85, 1, 0x10, 9, 0x82, 2, 0, 0, 1, 0, 0, 0, 0];
        let header = [&[0x34][..], &HEADER[1..], &extensions].concat();
        assert_inside(&datagram_to(PORT, &[&header, IPV4_UDP]), TunnelKind::Gtp);
        for endless in [&[0, 1, 2, 0x85, 0, 0, 0, 0x85][..], &[0, 1, 2, 0x85, 255], &[0, 1, 2, 0x85]] {
            let header = [&[0x34][..], &HEADER[1..], endless].concat();
            assert_outside(&datagram_to(PORT, &[&header]), None);
        }
    }

    #[test]
    fn other_messages_and_versions_are_flows_themselves() {
        for [flags, message] in [[0x32, 1], [0x30, 254], [0x50, 255], [0x20, 255]] {
            assert_outside(&datagram_to(PORT, &[&[flags, message], &HEADER[2..], IPV4_UDP]), None);
        }
        assert_outside(&datagram_to(PORT, &[&HEADER[..7]]), None);
    }

    #[test]
    fn what_is_not_ip_inside_is_a_flow_of_the_outer_header() {
        assert_outside(&datagram_to(PORT, &[&HEADER, &[0; 20]]), Some(Skipped::UnsupportedIpVersion));
        assert_outside(&datagram_to(PORT, &[&HEADER]), Some(Skipped::TruncatedRaw));
    }
}
