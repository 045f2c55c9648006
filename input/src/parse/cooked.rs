//! Linux cooked captures (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2): what the "any" device of libpcap yields.

use super::Skipped;
use super::encapsulation::{Link, Next};
use super::wire::{header, mac_of, u16_of};

mod v1 {
    use std::ops::Range;

    pub(super) const HARDWARE_TYPE: Range<usize> = 2..4;
    pub(super) const ADDRESS_LEN: Range<usize> = 4..6;
    pub(super) const ADDRESS: Range<usize> = 6..14;
    pub(super) const PROTOCOL: Range<usize> = 14..16;
    pub(super) const HEADER_LEN: usize = 16;
}

mod v2 {
    use std::ops::Range;

    pub(super) const PROTOCOL: Range<usize> = 0..2;
    pub(super) const HARDWARE_TYPE: Range<usize> = 8..10;
    pub(super) const ADDRESS_LEN: usize = 11;
    pub(super) const ADDRESS: Range<usize> = 12..20;
    pub(super) const HEADER_LEN: usize = 20;
}

/// ARPHRD_ETHER: the address is a MAC address.
const ETHERNET_HARDWARE: u16 = 1;
const MAC_LEN: u16 = 6;

/// Reads a version 1 header at the start of the frame.
pub(super) fn parse_v1(bytes: &[u8], link: &mut Link) -> Result<Next, Skipped> {
    let header = header::<{ v1::HEADER_LEN }>(bytes, 0).ok_or(Skipped::TruncatedCooked)?;
    if u16_of(header, v1::HARDWARE_TYPE) == ETHERNET_HARDWARE && u16_of(header, v1::ADDRESS_LEN) == MAC_LEN {
        link.source_mac = mac_of(header, v1::ADDRESS);
    }
    Ok(Next::EtherType(u16_of(header, v1::PROTOCOL), v1::HEADER_LEN))
}

/// Reads a version 2 header at the start of the frame.
pub(super) fn parse_v2(bytes: &[u8], link: &mut Link) -> Result<Next, Skipped> {
    let header = header::<{ v2::HEADER_LEN }>(bytes, 0).ok_or(Skipped::TruncatedCooked)?;
    if u16_of(header, v2::HARDWARE_TYPE) == ETHERNET_HARDWARE && u16::from(header[v2::ADDRESS_LEN]) == MAC_LEN
    {
        link.source_mac = mac_of(header, v2::ADDRESS);
    }
    Ok(Next::EtherType(u16_of(header, v2::PROTOCOL), v2::HEADER_LEN))
}
