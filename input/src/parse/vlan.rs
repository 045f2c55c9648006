//! VLAN tags: IEEE 802.1Q, IEEE 802.1ad and the older 0x9100 of stacked tags, in any order and depth.

use super::Skipped;
use super::encapsulation::{Link, Next};
use super::wire::{header, u16_of};

mod field {
    use std::ops::Range;

    /// Priority 3 bits, drop eligible 1, id 12.
    pub(super) const CONTROL: Range<usize> = 0..2;
    pub(super) const ETHER_TYPE: Range<usize> = 2..4;
    pub(super) const TAG_LEN: usize = 4;
}

/// EtherType of an IEEE 802.1Q tag.
pub(super) const CUSTOMER: u16 = 0x8100;
/// EtherType of an IEEE 802.1ad tag.
pub(super) const SERVICE: u16 = 0x88a8;
/// EtherType of an outer tag before IEEE 802.1ad.
pub(super) const STACKED: u16 = 0x9100;

const ID_MASK: u16 = 0x0fff;

/// Reads the tag at `at`. Only the outermost sets the id.
pub(super) fn parse(bytes: &[u8], at: usize, link: &mut Link) -> Result<Next, Skipped> {
    let tag = header::<{ field::TAG_LEN }>(bytes, at).ok_or(Skipped::TruncatedVlan)?;
    if !link.is_tagged {
        link.is_tagged = true;
        link.vlan_id = u16_of(tag, field::CONTROL) & ID_MASK;
    }
    Ok(Next::EtherType(u16_of(tag, field::ETHER_TYPE), at + field::TAG_LEN))
}
