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
