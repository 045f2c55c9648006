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
