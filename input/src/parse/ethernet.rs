//! Ethernet II (IEEE 802.3 clause 3).

use super::Skipped;
use super::wire::{header, mac_of, u16_of};

mod field {
    use std::ops::Range;

    pub(super) const DESTINATION: Range<usize> = 0..6;
    pub(super) const SOURCE: Range<usize> = 6..12;
    pub(super) const ETHER_TYPE: Range<usize> = 12..14;
    pub(super) const HEADER_LEN: usize = 14;
}

/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub(super) const IPV6: u16 = 0x86dd;
/// Up to here the field is the length of an IEEE 802.2 frame.
pub(super) const LAST_LENGTH: u16 = 0x05ff;

/// Reads the header at `at` and yields the EtherType and where its payload starts.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<(u16, usize), Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedEthernet)?;
    Ok((u16_of(header, field::ETHER_TYPE), at + field::HEADER_LEN))
}

/// Source and destination of the header at `at`, zeros if it was not captured.
#[inline(always)]
pub(super) fn addresses(bytes: &[u8], at: usize) -> ([u8; 6], [u8; 6]) {
    match header::<{ field::HEADER_LEN }>(bytes, at) {
        Some(header) => (mac_of(header, field::SOURCE), mac_of(header, field::DESTINATION)),
        None => ([0; 6], [0; 6]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn an_ieee_802_2_frame_is_not_supported() {
        assert_eq!(parsed(&ethernet(1500, &[IPV4_UDP])).unwrap_err(), Skipped::UnsupportedEtherType);
        assert_eq!(parsed(&ethernet(0x0806, &[&[0; 28]])).unwrap_err(), Skipped::UnsupportedEtherType);
    }

    #[test]
    fn addresses_are_kept_by_direction() {
        let packet = parsed(&ethernet(0x0800, &[IPV4_UDP])).unwrap().0;
        assert_eq!([packet.destination_mac, packet.source_mac].concat(), MACS);
    }
}
