//! VLAN tags: IEEE 802.1Q, IEEE 802.1ad and the older 0x9100 of stacked tags, in any order and depth.

use super::Skipped;
use super::encapsulation::Link;
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

/// Reads the tag at `at`. Only the outermost sets the id. Yields the next EtherType and where its
/// payload starts.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize, link: &mut Link) -> Result<(u16, usize), Skipped> {
    let tag = header::<{ field::TAG_LEN }>(bytes, at).ok_or(Skipped::TruncatedVlan)?;
    if !link.is_tagged {
        link.is_tagged = true;
        link.vlan_id = u16_of(tag, field::CONTROL) & ID_MASK;
    }
    Ok((u16_of(tag, field::ETHER_TYPE), at + field::TAG_LEN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn the_outermost_of_stacked_tags_counts_in_any_order() {
        for outer in [0x8100u16, 0x88a8, 0x9100] {
            for inner in [0x8100u16, 0x88a8, 0x9100] {
                let [high, low] = inner.to_be_bytes();
                let frame = ethernet(outer, &[&[0xe0, 5, high, low, 0, 6, 0x08, 0], IPV4_UDP]);
                assert_eq!(parsed(&frame).unwrap().0.key.vlan_id(), 5);
            }
        }
    }

    #[test]
    fn an_outermost_tag_with_id_0_counts() {
        let frame = ethernet(0x8100, &[&[0xe0, 0, 0x81, 0, 0, 6, 0x08, 0], IPV4_UDP]);
        assert_eq!(parsed(&frame).unwrap().0.key.vlan_id(), 0);
    }

    #[test]
    fn a_tag_cut_off_is_truncated() {
        assert_eq!(parsed(&ethernet(0x8100, &[&[0, 5, 8]])).unwrap_err(), Skipped::TruncatedVlan);
    }
}
