//! PPP (RFC 1661), with or without HDLC-like framing (RFC 1662).

use super::Skipped;
use super::encapsulation::{Located, Next, Version};
use super::{mpls, wire};
use crate::LinkType;

/// LINKTYPE_PPP_HDLC: PPP in HDLC-like framing.
pub(super) const SERIAL: LinkType = LinkType(50);

/// Address "all stations" and control "unnumbered information".
const HDLC_PREFIX: [u8; 2] = [0xff, 0x03];

mod protocol {
    pub(super) const IPV4: u16 = 0x0021;
    pub(super) const IPV6: u16 = 0x0057;
    pub(super) const MPLS_UNICAST: u16 = 0x0281;
    pub(super) const MPLS_MULTICAST: u16 = 0x0283;
}

/// Reads the header at `at`, HDLC prefix included if it is there. The protocol is one byte where it was compressed (RFC 1661
/// section 6.5): then that byte is odd.
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Next, Skipped> {
    let at = if wire::header::<2>(bytes, at) == Some(&HDLC_PREFIX) { at + HDLC_PREFIX.len() } else { at };
    let first = *bytes.get(at).ok_or(Skipped::TruncatedPpp)?;
    if first & 1 == 1 {
        return payload(u16::from(first), at + 1);
    }
    let header = wire::header::<2>(bytes, at).ok_or(Skipped::TruncatedPpp)?;
    payload(wire::u16_of(header, 0..2), at + 2)
}

/// What a payload of `protocol` at `at` is.
pub(super) fn payload(protocol: u16, at: usize) -> Result<Next, Skipped> {
    match protocol {
        protocol::IPV4 => Ok(Next::Ip(Located { version: Version::V4, at })),
        protocol::IPV6 => Ok(Next::Ip(Located { version: Version::V6, at })),
        protocol::MPLS_UNICAST => Ok(Next::EtherType(mpls::UNICAST, at)),
        protocol::MPLS_MULTICAST => Ok(Next::EtherType(mpls::MULTICAST, at)),
        _ => Err(Skipped::UnsupportedPppProtocol),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn framing_and_the_length_of_the_protocol_vary() {
        let prefixes: [&[u8]; 4] = [&[0xff, 3, 0, 0x21], &[0, 0x21], &[0x21], &[0xff, 3, 0x21]];
        for prefix in prefixes {
            let frame = [prefix, IPV4_UDP].concat();
            assert_eq!(parsed_as(LinkType::PPP, &frame).unwrap().0.payload(), b"abcd");
            assert_eq!(parsed_as(SERIAL, &frame).unwrap().0.payload(), b"abcd");
        }
        let frame = [&[0x02, 0x81, 0, 1, 1, 64], IPV4_UDP].concat();
        assert_eq!(parsed_as(LinkType::PPP, &frame).unwrap().0.mpls_offset, 2);
    }

    #[test]
    fn link_control_is_not_supported() {
        let echo = [0xff, 3, 0xc0, 0x21, 9, 1, 0, 4];
        assert_eq!(parsed_as(LinkType::PPP, &echo).unwrap_err(), Skipped::UnsupportedPppProtocol);
        assert_eq!(parsed_as(LinkType::PPP, &[0xff, 3]).unwrap_err(), Skipped::TruncatedPpp);
        assert_eq!(parsed_as(LinkType::PPP, &[0]).unwrap_err(), Skipped::TruncatedPpp);
    }
}
