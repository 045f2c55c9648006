//! MPLS label stacks (RFC 3032), IP or an Ethernet pseudowire with control word (RFC 4448) below them.

use super::encapsulation::{Link, Located, Next, Version};
use super::wire::header;
use super::{Skipped, ethernet};

mod field {
    /// Label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
    pub(super) const ENTRY_LEN: usize = 4;
    pub(super) const BOTTOM_OF_STACK: usize = 2;
    pub(super) const CONTROL_WORD_LEN: usize = 4;
}

/// EtherType of MPLS.
pub(super) const UNICAST: u16 = 0x8847;
/// EtherType of MPLS with an upstream-assigned label.
pub(super) const MULTICAST: u16 = 0x8848;

const BOTTOM_OF_STACK_BIT: u8 = 1;

/// Reads the label stack at `at`. Nothing names what is below it; as routers do, the first nibble is looked at. Addresses
/// and tags of a pseudowire's Ethernet header do not replace those of the frame.
pub(super) fn parse(bytes: &[u8], at: usize, link: &mut Link) -> Result<Next, Skipped> {
    if link.mpls_offset == 0 {
        link.mpls_offset = at;
    }
    let mut at = at;
    loop {
        let entry = header::<{ field::ENTRY_LEN }>(bytes, at).ok_or(Skipped::TruncatedMpls)?;
        at += field::ENTRY_LEN;
        if entry[field::BOTTOM_OF_STACK] & BOTTOM_OF_STACK_BIT != 0 {
            break;
        }
    }
    match bytes.get(at).ok_or(Skipped::TruncatedMpls)? >> 4 {
        4 => Ok(Next::Ip(Located { version: Version::V4, at })),
        6 => Ok(Next::Ip(Located { version: Version::V6, at })),
        0 => {
            link.is_tagged = true;
            let (ether_type, at) = ethernet::parse(bytes, at + field::CONTROL_WORD_LEN)?;
            Ok(Next::EtherType(ether_type, at))
        }
        _ => Err(Skipped::UnsupportedMplsPayload),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn the_top_entry_of_a_stack_is_kept() {
        let packet = parsed(&ethernet(0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 63], IPV4_UDP])).unwrap().0;
        assert_eq!((packet.mpls_top(), packet.payload()), (Some([0, 1, 0, 64]), &b"abcd"[..]));
        assert!(parsed(&ethernet(0x8848, &[&[0, 1, 1, 64], &ipv6(17, UDP)])).unwrap().0.key.is_ipv6());
    }

    #[test]
    fn an_ethernet_pseudowire_is_followed_to_its_ip_header() {
        let inner = [&[9; 12][..], &[0x81, 0, 0, 7, 0x08, 0], IPV4_UDP].concat();
        let frame = ethernet(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0], &inner]);
        let packet = parsed(&frame).unwrap().0;
        assert_eq!(packet.payload(), b"abcd");
        assert_eq!(packet.key.address(packet.sender).to_string(), "10.0.0.1");
        assert_eq!([packet.destination_mac, packet.source_mac].concat(), MACS);
        assert_eq!(packet.key.vlan_id(), 0);
    }

    #[test]
    fn a_stack_without_bottom_is_truncated() {
        assert_eq!(parsed(&ethernet(0x8847, &[&[0, 1, 0, 64]])).unwrap_err(), Skipped::TruncatedMpls);
        assert_eq!(parsed(&ethernet(0x8847, &[&[0, 1, 1, 64]])).unwrap_err(), Skipped::TruncatedMpls);
        assert_eq!(parsed(&ethernet(0x8847, &[&[0, 1, 1]])).unwrap_err(), Skipped::TruncatedMpls);
    }

    #[test]
    fn a_stack_without_ip_is_not_supported() {
        assert_eq!(
            parsed(&ethernet(0x8847, &[&[0, 1, 1, 64, 0x10, 0, 0, 0]])).unwrap_err(),
            Skipped::UnsupportedMplsPayload
        );
    }
}
