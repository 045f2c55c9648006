//! Linux cooked captures (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2): what the "any" device of libpcap yields.

use super::Skipped;
use super::encapsulation::{Addresses, Link, Next};
use super::wire::{header, mac_of, u16_of};

mod v1 {
    use std::ops::Range;

    pub(super) const HARDWARE_TYPE: Range<usize> = 2..4;
    pub(super) const ADDRESS_LEN: Range<usize> = 4..6;
    pub(super) const MAC_ADDRESS: Range<usize> = 6..12;
    pub(super) const PROTOCOL: Range<usize> = 14..16;
    pub(super) const HEADER_LEN: usize = 16;
}

mod v2 {
    use std::ops::Range;

    pub(super) const PROTOCOL: Range<usize> = 0..2;
    pub(super) const HARDWARE_TYPE: Range<usize> = 8..10;
    pub(super) const ADDRESS_LEN: usize = 11;
    pub(super) const MAC_ADDRESS: Range<usize> = 12..18;
    pub(super) const HEADER_LEN: usize = 20;
}

/// ARPHRD_ETHER: the address is a MAC address.
const ETHERNET_HARDWARE: u16 = 1;
const MAC_LEN: u16 = 6;

/// Reads a version 1 header at the start of the frame.
pub(super) fn parse_v1(bytes: &[u8], link: &mut Link) -> Result<Next, Skipped> {
    let header = header::<{ v1::HEADER_LEN }>(bytes, 0).ok_or(Skipped::TruncatedCooked)?;
    if u16_of(header, v1::HARDWARE_TYPE) == ETHERNET_HARDWARE && u16_of(header, v1::ADDRESS_LEN) == MAC_LEN {
        link.addresses = Addresses::Source(mac_of(header, v1::MAC_ADDRESS));
    }
    Ok(Next::EtherType(u16_of(header, v1::PROTOCOL), v1::HEADER_LEN))
}

/// Reads a version 2 header at the start of the frame.
pub(super) fn parse_v2(bytes: &[u8], link: &mut Link) -> Result<Next, Skipped> {
    let header = header::<{ v2::HEADER_LEN }>(bytes, 0).ok_or(Skipped::TruncatedCooked)?;
    if u16_of(header, v2::HARDWARE_TYPE) == ETHERNET_HARDWARE && u16::from(header[v2::ADDRESS_LEN]) == MAC_LEN
    {
        link.addresses = Addresses::Source(mac_of(header, v2::MAC_ADDRESS));
    }
    Ok(Next::EtherType(u16_of(header, v2::PROTOCOL), v2::HEADER_LEN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::LinkType;
    use crate::parse::tests::*;

    #[test]
    fn the_source_address_of_a_cooked_frame_is_kept_if_it_is_a_mac_address() {
        let mut frame = [&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], IPV4_UDP].concat();
        let packet = parsed_as(LinkType::LINUX_SLL, &frame).unwrap().0;
        assert_eq!((packet.source_mac, packet.destination_mac), ([2, 0, 0, 0, 0, 1], [0; 6]));
        frame[3] = 0x18;
        assert_eq!(parsed_as(LinkType::LINUX_SLL, &frame).unwrap().0.source_mac, [0; 6]);
    }

    #[test]
    fn a_vlan_tag_follows_a_cooked_header_of_version_2() {
        let header = [0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        let frame = [&header[..], &[0, 5, 0x08, 0], IPV4_UDP].concat();
        let packet = parsed_as(LinkType::LINUX_SLL2, &frame).unwrap().0;
        assert_eq!((packet.key.vlan_id(), packet.source_mac), (5, [2, 0, 0, 0, 0, 1]));
        assert_eq!(parsed_as(LinkType::LINUX_SLL2, &header[..19]).unwrap_err(), Skipped::TruncatedCooked);
    }
}
