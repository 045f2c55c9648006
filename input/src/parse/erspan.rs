//! ERSPAN: mirrored frames in GRE (draft-foschiano-erspan-03). Type I has no header of its own.

use super::tunnel::Inside;
use super::wire::{header, u16_of};

/// GRE payload type of types I and II; type II has a sequence number.
pub(super) const TYPE_1_AND_2: u16 = 0x88be;
/// GRE payload type of type III.
pub(super) const TYPE_3: u16 = 0x22eb;

mod field {
    /// Version in the upper 4 bits.
    pub(super) const VERSION: usize = 0;
    pub(super) const TYPE_2_LEN: usize = 8;
}

mod type_3 {
    use std::ops::Range;

    /// Frame type 5 bits from bit 14 to bit 10; optional header in bit 0.
    pub(super) const FLAGS: Range<usize> = 10..12;
    pub(super) const HEADER_LEN: usize = 12;
    pub(super) const OPTIONAL_LEN: usize = 8;
    pub(super) const ETHERNET: u16 = 0;
    pub(super) const IP: u16 = 2;
}

/// What is inside the tunnel whose type II header is at `at`.
pub(super) fn parse_type_2(bytes: &[u8], at: usize) -> Option<Inside> {
    let header = header::<{ field::TYPE_2_LEN }>(bytes, at)?;
    (header[field::VERSION] >> 4 == 1).then_some(Inside::Frame(at + field::TYPE_2_LEN))
}

/// What is inside the tunnel whose type III header is at `at`.
pub(super) fn parse_type_3(bytes: &[u8], at: usize) -> Option<Inside> {
    let header = header::<{ type_3::HEADER_LEN }>(bytes, at)?;
    if header[field::VERSION] >> 4 != 2 {
        return None;
    }
    let flags = u16_of(header, type_3::FLAGS);
    let optional_len = if flags & 1 == 0 { 0 } else { type_3::OPTIONAL_LEN };
    let at = at + type_3::HEADER_LEN + optional_len;
    match flags >> 10 & 0x1f {
        type_3::ETHERNET => Some(Inside::Frame(at)),
        type_3::IP => Some(Inside::Ip(at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use weir_flow::TunnelKind;
    use weir_flow::packet::protocol;

    use crate::parse::Skipped;
    use crate::parse::tests::*;

    fn mirrored(header: &[u8], inner: &[u8]) -> Vec<u8> {
        ethernet(0x0800, &[&ipv4(protocol::GRE, &[header, inner])])
    }

    const TYPE_2: [u8; 16] = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 100, 2, 3, 0, 0, 0, 1];
    const TYPE_3: [u8; 20] = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 100, 2, 3, 0, 0, 0, 9, 0, 0, 0, 0];

    #[test]
    fn a_frame_is_inside_every_type() {
        assert_inside(&mirrored(&[0, 0, 0x88, 0xbe], &inner_frame()), TunnelKind::Erspan);
        assert_inside(&mirrored(&TYPE_2, &inner_frame()), TunnelKind::Erspan);
        assert_inside(&mirrored(&TYPE_3, &inner_frame()), TunnelKind::Erspan);
        let mut optional = [&TYPE_3[..], &[1; 8]].concat();
        optional[19] = 1;
        assert_inside(&mirrored(&optional, &inner_frame()), TunnelKind::Erspan);
    }

    #[test]
    fn type_iii_may_have_ip_inside_and_nothing_else() {
        let mut header = TYPE_3;
        header[18] = 2 << 2;
        assert_inside(&mirrored(&header, &ipv6(17, UDP)), TunnelKind::Erspan);
        assert_outside(&mirrored(&header, &[0]), Some(Skipped::UnsupportedIpVersion));
        header[18] = 1 << 2;
        assert_outside(&mirrored(&header, &inner_frame()), None);
    }

    #[test]
    fn other_versions_and_headers_cut_off_are_flows_themselves() {
        for header in [&TYPE_2[..], &TYPE_3] {
            let mut other = header.to_vec();
            other[8] = 0x70;
            assert_outside(&mirrored(&other, &inner_frame()), None);
            assert_outside(&mirrored(&header[..header.len() - 1], &[]), None);
        }
    }
}
