//! IPv4 (RFC 791).

use weir_flow::packet::Fragment;

use super::Skipped;
use super::network::Network;
use super::wire::{header, u16_of, u32_of};

mod field {
    use std::ops::Range;

    /// Version 4 bits, header length in 4 bytes 4.
    pub(super) const VERSION_HEADER_LEN: usize = 0;
    pub(super) const TOTAL_LEN: Range<usize> = 2..4;
    pub(super) const IDENTIFICATION: Range<usize> = 4..6;
    /// Flags 3 bits, fragment offset 13.
    pub(super) const FRAGMENT: Range<usize> = 6..8;
    pub(super) const TTL: usize = 8;
    pub(super) const PROTOCOL: usize = 9;
    pub(super) const SOURCE: Range<usize> = 12..16;
    pub(super) const DESTINATION: Range<usize> = 16..20;
    pub(super) const HEADER_LEN: usize = 20;
}

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// Reads the header at `at` and skips its options. The checksum is not verified: offloading leaves it to the network card.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Network, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv4)?;
    let first = header[field::VERSION_HEADER_LEN];
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_len < field::HEADER_LEN {
        return Err(Skipped::MalformedIpv4);
    }
    let payload_offset = at + header_len;
    if payload_offset > bytes.len() {
        return Err(Skipped::TruncatedIpv4);
    }
    let total_len = u16_of(header, field::TOTAL_LEN);
    // Segmentation offload leaves 0 to be filled in by the network card.
    let payload_len = match u32::from(total_len).checked_sub(header_len as u32) {
        Some(len) => Some(len),
        None if total_len == 0 => None,
        None => return Err(Skipped::MalformedIpv4),
    };
    let fragment = u16_of(header, field::FRAGMENT);
    let later_fragment = fragment & OFFSET_MASK != 0;
    Ok(Network {
        source: [0, u64::from(u32_of(header, field::SOURCE))],
        destination: [0, u64::from(u32_of(header, field::DESTINATION))],
        protocol: header[field::PROTOCOL],
        ttl: header[field::TTL],
        ip_flags: (fragment >> 13) as u8,
        ip_len: u32::from(total_len),
        ipv6: false,
        payload_offset,
        payload_len,
        fragment: (fragment & (MORE_FRAGMENTS | OFFSET_MASK) != 0).then(|| Fragment {
            identification: u32::from(u16_of(header, field::IDENTIFICATION)),
            is_first: !later_fragment,
        }),
        later_fragment,
    })
}
