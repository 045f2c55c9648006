//! BSD loopback (LINKTYPE_NULL, LINKTYPE_LOOP): an address family in front of the IP header.

use super::Skipped;
use super::encapsulation::{Located, Version};
use super::wire::{header, u32_of};

mod field {
    use std::ops::Range;

    pub(super) const FAMILY: Range<usize> = 0..4;
    pub(super) const HEADER_LEN: usize = 4;
}

/// AF_INET, the same everywhere.
const INET: u32 = 2;
/// AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of macOS.
const INET6: [u32; 4] = [10, 24, 28, 30];

/// Reads the header at the start of the frame. The byte order is that of the machine that captured; families are
/// small numbers, so the one that has zeros in the upper half is right.
pub(super) fn parse(bytes: &[u8]) -> Result<Located, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, 0).ok_or(Skipped::TruncatedLoopback)?;
    let family = u32_of(header, field::FAMILY);
    let family = if family >> 16 == 0 { family } else { family.swap_bytes() };
    let version = match family {
        INET => Version::V4,
        _ if INET6.contains(&family) => Version::V6,
        _ => return Err(Skipped::UnsupportedAddressFamily),
    };
    Ok(Located { version, at: field::HEADER_LEN })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::LinkType;
    use crate::parse::tests::*;

    #[test]
    fn an_address_family_is_read_in_either_byte_order() {
        for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
            let frame = [&family[..], IPV4_UDP].concat();
            assert!(!parsed_as(LinkType::NULL, &frame).unwrap().0.key.is_ipv6());
            assert!(parsed_as(LinkType::LOOP, &frame).is_ok());
        }
        for family in [[30, 0, 0, 0], [0, 0, 0, 24], [28, 0, 0, 0], [10, 0, 0, 0]] {
            let frame = [&family[..], &ipv6(17, UDP)].concat();
            assert!(parsed_as(LinkType::NULL, &frame).unwrap().0.key.is_ipv6());
        }
        let appletalk = [16, 0, 0, 0];
        assert_eq!(parsed_as(LinkType::NULL, &appletalk).unwrap_err(), Skipped::UnsupportedAddressFamily);
    }
}
