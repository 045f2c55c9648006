//! MPLS label stacks (RFC 3032), IP or an Ethernet pseudowire with control word (RFC 4448) below them.

use super::encapsulation::{Link, Located, Next, Version};
use super::wire::header;
use super::{Skipped, ethernet};

mod field {
    /// Label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
    pub(super) const ENTRY_LEN: usize = 4;
    pub(super) const BOTTOM_OF_STACK: usize = 2;
    pub(super) const CONTROL_WORD_LEN: usize = 4;
}

/// EtherType of MPLS.
pub(super) const UNICAST: u16 = 0x8847;
/// EtherType of MPLS with an upstream-assigned label.
pub(super) const MULTICAST: u16 = 0x8848;

const BOTTOM_OF_STACK_BIT: u8 = 1;

/// Reads the label stack at `at`. Nothing names what is below it; as routers do, the first nibble is looked at. Addresses
/// and tags of a pseudowire's Ethernet header do not replace those of the frame.
pub(super) fn parse(bytes: &[u8], at: usize, link: &mut Link) -> Result<Next, Skipped> {
    if link.mpls_offset == 0 {
        link.mpls_offset = at;
    }
    let mut at = at;
    loop {
        let entry = header::<{ field::ENTRY_LEN }>(bytes, at).ok_or(Skipped::TruncatedMpls)?;
        at += field::ENTRY_LEN;
        if entry[field::BOTTOM_OF_STACK] & BOTTOM_OF_STACK_BIT != 0 {
            break;
        }
    }
    match bytes.get(at).ok_or(Skipped::TruncatedMpls)? >> 4 {
        4 => Ok(Next::Ip(Located { version: Version::V4, at })),
        6 => Ok(Next::Ip(Located { version: Version::V6, at })),
        0 => {
            link.is_tagged = true;
            let (ether_type, at) = ethernet::skip(bytes, at + field::CONTROL_WORD_LEN)?;
            Ok(Next::EtherType(ether_type, at))
        }
        _ => Err(Skipped::UnsupportedMplsPayload),
    }
}
