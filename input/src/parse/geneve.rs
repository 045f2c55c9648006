//! Geneve (RFC 8926): frames and packets in UDP, with options.

use super::gre;
use super::tunnel::Inside;
use super::wire::{header, u16_of};

mod field {
    use std::ops::Range;

    /// Version 2 bits, length of the options in 4 bytes 6.
    pub(super) const VERSION_OPTIONS_LEN: usize = 0;
    /// Control packet 1 bit, critical options 1, reserved 6.
    pub(super) const FLAGS: usize = 1;
    pub(super) const PROTOCOL_TYPE: Range<usize> = 2..4;
    /// Network identifier 24 bits, reserved 8.
    pub(super) const HEADER_LEN: usize = 8;
}

/// UDP destination port.
pub(super) const PORT: u16 = 6081;

/// A message between the tunnel's ends, not for those behind them.
const CONTROL: u8 = 0x80;

/// What is inside the tunnel whose header is at `at`.
pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Inside> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at)?;
    let first = header[field::VERSION_OPTIONS_LEN];
    if first >> 6 != 0 || header[field::FLAGS] & CONTROL != 0 {
        return None;
    }
    let at = at + field::HEADER_LEN + usize::from(first & 0x3f) * 4;
    Some(match u16_of(header, field::PROTOCOL_TYPE) {
        gre::ETHERNET => Inside::Frame(at),
        ether_type => Inside::EtherType(ether_type, at),
    })
}

#[cfg(test)]
mod tests {
    use weir_flow::TunnelKind;

    use super::*;
    use crate::parse::Skipped;
    use crate::parse::tests::*;

    #[test]
    fn frames_and_packets_are_inside_behind_options() {
        for (first, options) in [(0, 0), (2, 8)] {
            let options = vec![1; options];
            let with = |kind: [u8; 2], inner: &[u8]| {
                let header = [first, 0x40, kind[0], kind[1], 0, 0, 7, 0];
                datagram_to(PORT, &[&header, &options, inner])
            };
            assert_inside(&with([0x65, 0x58], &inner_frame()), TunnelKind::Geneve);
            assert_inside(&with([0x08, 0x00], IPV4_UDP), TunnelKind::Geneve);
            assert_inside(&with([0x86, 0xdd], &ipv6(17, UDP)), TunnelKind::Geneve);
            assert_outside(&with([0x12, 0x34], IPV4_UDP), Some(Skipped::UnsupportedEtherType));
        }
    }

    #[test]
    fn control_packets_and_other_versions_are_not_opened() {
        for [first, flags] in [[0, 0x80], [0x40, 0]] {
            assert_outside(&datagram_to(PORT, &[&[first, flags, 8, 0, 0, 0, 7, 0], IPV4_UDP]), None);
        }
    }

    #[test]
    fn options_longer_than_the_datagram_leave_it_closed() {
        let header = [0x3f, 0, 8, 0, 0, 0, 7, 0];
        assert_outside(&datagram_to(PORT, &[&header, IPV4_UDP]), Some(Skipped::TruncatedIpv4));
    }
}
