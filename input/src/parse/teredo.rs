//! Teredo (RFC 4380): IPv6 in UDP through address translators.
//!
//! Only what a server sends or receives has the port of Teredo; hosts that speak to each other do so from any ports.

use super::encapsulation::{Located, Version};
use super::tunnel::Inside;
use super::wire::header;

/// UDP port of servers.
pub(super) const PORT: u16 = 3544;

mod authentication {
    pub(super) const INDICATOR: [u8; 2] = [0, 1];
    pub(super) const IDENTIFIER_LEN: usize = 2;
    pub(super) const VALUE_LEN: usize = 3;
    /// Without identifier and value: indicator, two lengths, nonce 8 bytes, confirmation 1.
    pub(super) const LEAST_LEN: usize = 13;
}

mod origin {
    pub(super) const INDICATOR: [u8; 2] = [0, 0];
    /// Indicator, port, IPv4 address.
    pub(super) const LEN: usize = 8;
}

/// What is inside the datagram whose payload is at `at`: an IPv6 header, behind an authentication header, an origin indication, both
/// or neither.
pub(super) fn parse(bytes: &[u8], mut at: usize) -> Option<Inside> {
    if header::<2>(bytes, at)? == &authentication::INDICATOR {
        let lengths = header::<4>(bytes, at)?;
        at += authentication::LEAST_LEN
            + usize::from(lengths[authentication::IDENTIFIER_LEN])
            + usize::from(lengths[authentication::VALUE_LEN]);
    }
    if header::<2>(bytes, at)? == &origin::INDICATOR {
        at += origin::LEN;
    }
    (bytes.get(at)? >> 4 == 6).then_some(Inside::Known(Located { version: Version::V6, at }))
}

#[cfg(test)]
mod tests {
    use weir_flow::TunnelKind;

    use super::*;
    use crate::parse::Skipped;
    use crate::parse::tests::*;

    const ORIGIN: [u8; 8] = [0, 0, 0xf0, 0x0f, 0x3f, 0xff, 0xfd, 0xfc];

    #[test]
    fn a_packet_is_inside_behind_the_indications_of_a_server() {
        let authentication = [&[0, 1, 2, 1, b'i', b'd', b'v'][..], &[7; 8], &[0]].concat();
        let heads: [&[u8]; 4] = [&[], &ORIGIN, &authentication, &[&authentication[..], &ORIGIN].concat()];
        for head in heads {
            assert_inside(&datagram_to(PORT, &[head, &ipv6(17, UDP)]), TunnelKind::Teredo);
            let mut from_server = datagram_to(50_001, &[head, &ipv6(17, UDP)]);
            from_server[34..36].copy_from_slice(&PORT.to_be_bytes());
            assert_inside(&from_server, TunnelKind::Teredo);
            assert_outside(&datagram_to(50_001, &[head, &ipv6(17, UDP)]), None);
        }
    }

    #[test]
    fn anything_but_ipv6_is_a_flow_itself() {
        assert_outside(&datagram_to(PORT, &[IPV4_UDP]), None);
        assert_outside(&datagram_to(PORT, &[&ORIGIN]), None);
        assert_outside(&datagram_to(PORT, &[&[0, 1, 255]]), None);
        assert_outside(&datagram_to(PORT, &[&[0]]), None);
        let cut = &ipv6(17, UDP)[..30];
        assert_outside(&datagram_to(PORT, &[cut]), Some(Skipped::TruncatedIpv6));
    }
}
