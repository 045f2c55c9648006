//! Raw IP: the first nibble tells the version.

use super::Skipped;
use super::encapsulation::{Located, Version};
use crate::LinkType;

/// DLT_RAW of most systems, as some programs write it to files.
pub(super) const RAW_BSD: LinkType = LinkType(12);
/// DLT_RAW of OpenBSD.
pub(super) const RAW_OPENBSD: LinkType = LinkType(14);

/// The version of the IP header at `at`.
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Located, Skipped> {
    match bytes.get(at).ok_or(Skipped::TruncatedRaw)? >> 4 {
        4 => Ok(Located { version: Version::V4, at }),
        6 => Ok(Located { version: Version::V6, at }),
        _ => Err(Skipped::UnsupportedIpVersion),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn the_first_nibble_of_a_raw_frame_is_its_version() {
        assert!(!parsed_as(LinkType::RAW, IPV4_UDP).unwrap().0.key.is_ipv6());
        assert!(parsed_as(LinkType(12), &ipv6(17, UDP)).unwrap().0.key.is_ipv6());
        assert_eq!(parsed_as(LinkType::RAW, &[0x50; 40]).unwrap_err(), Skipped::UnsupportedIpVersion);
    }

    #[test]
    fn an_empty_raw_frame_is_truncated() {
        assert_eq!(parsed_as(LinkType::RAW, &[]).unwrap_err(), Skipped::TruncatedRaw);
    }

    #[test]
    fn a_raw_ipv4_frame_of_version_6_is_malformed() {
        assert_eq!(parsed_as(LinkType::IPV4, &ipv6(17, UDP)).unwrap_err(), Skipped::MalformedIpv4);
        assert_eq!(parsed_as(LinkType::IPV6, &[0x45; 60]).unwrap_err(), Skipped::MalformedIpv6);
    }
}
