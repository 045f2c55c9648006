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
