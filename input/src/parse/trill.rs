//! TRILL (RFC 6325): an Ethernet frame routed between bridges.

use super::encapsulation::{Link, Next};
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
    let (ether_type, at) = ethernet::parse(bytes, at, link)?;
    Ok(Next::EtherType(ether_type, at))
}
