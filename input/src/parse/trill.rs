//! TRILL (RFC 6325): an Ethernet frame routed between bridges.

use super::encapsulation::{Addresses, Link, Next};
use super::wire::{header, u16_of};
use super::{Skipped, ethernet};

mod field {
    use std::ops::Range;

    /// Version 2 bits, reserved 2, multi-destination 1, length of options 5, hop count 6.
    pub(super) const CONTROL: Range<usize> = 0..2;
    pub(super) const HEADER_LEN: usize = 6;
}

pub(super) const ETHER_TYPE: u16 = 0x22f3;

/// Reads the header at `at` and the Ethernet header behind it, whose addresses replace those of the hop, as does its VLAN tag.
pub(super) fn parse(bytes: &[u8], at: usize, link: &mut Link) -> Result<Next, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedTrill)?;
    let options_len = usize::from(u16_of(header, field::CONTROL) >> 6 & 0x1f) * 4;
    let at = at + field::HEADER_LEN + options_len;
    if at > bytes.len() {
        return Err(Skipped::TruncatedTrill);
    }
    link.is_tagged = false;
    link.addresses = Addresses::Ethernet(at);
    let (ether_type, at) = ethernet::parse(bytes, at)?;
    Ok(Next::EtherType(ether_type, at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn the_inner_frame_replaces_addresses_and_tag() {
        let inner = [&[9; 12][..], &[0x81, 0, 0, 7, 0x08, 0], IPV4_UDP].concat();
        let outer_tag = [0, 5, 0x22, 0xf3];
        let options_of_8_bytes = [0, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        let packet = parsed(&ethernet(0x8100, &[&outer_tag, &options_of_8_bytes, &inner])).unwrap().0;
        assert_eq!((packet.source_mac, packet.destination_mac, packet.key.vlan_id()), ([9; 6], [9; 6], 7));
        assert_eq!(packet.payload(), b"abcd");
    }

    #[test]
    fn options_cut_off_are_truncated() {
        assert_eq!(
            parsed(&ethernet(0x22f3, &[&[7, 0xff, 0, 1, 0, 2, 0]])).unwrap_err(),
            Skipped::TruncatedTrill
        );
        assert_eq!(parsed(&ethernet(0x22f3, &[&[0, 0, 0, 1, 0]])).unwrap_err(), Skipped::TruncatedTrill);
    }
}
