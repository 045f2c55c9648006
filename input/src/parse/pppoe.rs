//! PPP over Ethernet (RFC 2516), the session stage.

use super::encapsulation::Next;
use super::wire::{header, u16_of};
use super::{Skipped, ppp};
use crate::LinkType;

mod field {
    use std::ops::Range;

    pub(super) const CODE: usize = 1;
    pub(super) const PROTOCOL: Range<usize> = 6..8;
    /// The PPP protocol included; RFC 2516 asks not to compress it.
    pub(super) const HEADER_LEN: usize = 8;
}

/// EtherType of the session stage.
pub(super) const SESSION: u16 = 0x8864;
/// LINKTYPE_PPP_ETHER: frames start with the PPPoE header.
pub(super) const LINK_TYPE: LinkType = LinkType(51);

const SESSION_DATA: u8 = 0;

/// Reads the header at `at`. Its length field is not looked at: the IP header inside has its own.
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Next, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedPppoe)?;
    if header[field::CODE] != SESSION_DATA {
        return Err(Skipped::UnsupportedPppoeCode);
    }
    ppp::payload(u16_of(header, field::PROTOCOL), at + field::HEADER_LEN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn session_data_is_followed_and_the_length_field_ignored() {
        for len in [0, 34, 255] {
            let frame = ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, len, 0, 0x21], IPV4_UDP]);
            let packet = parsed(&frame).unwrap().0;
            assert_eq!((packet.payload(), packet.ip_len), (&b"abcd"[..], 32));
        }
        let frame = ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 70, 0, 0x57], &ipv6(17, UDP)]);
        assert!(parsed(&frame).unwrap().0.key.is_ipv6());
    }

    #[test]
    fn what_is_not_session_data_is_not_supported() {
        let with = |code, protocol| {
            parsed(&ethernet(0x8864, &[&[0x11, code, 0, 1, 0, 4, 0xc0, protocol], IPV4_UDP]))
        };
        assert_eq!(with(0xa7, 0x21).unwrap_err(), Skipped::UnsupportedPppoeCode);
        assert_eq!(with(0, 0x21).unwrap_err(), Skipped::UnsupportedPppProtocol);
        assert_eq!(
            parsed(&ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 4, 0]])).unwrap_err(),
            Skipped::TruncatedPppoe
        );
    }
}
