//! IPv6 (RFC 8200) and its extension headers.

use weir_flow::packet::{Fragment, protocol};

use super::Skipped;
use super::network::Network;
use super::wire::{header, u16_of, u32_of, u128_of};

mod field {
    use std::ops::Range;

    /// Version in the upper 4 bits.
    pub(super) const VERSION: usize = 0;
    pub(super) const PAYLOAD_LEN: Range<usize> = 4..6;
    pub(super) const NEXT_HEADER: usize = 6;
    pub(super) const HOP_LIMIT: usize = 7;
    pub(super) const SOURCE: Range<usize> = 8..24;
    pub(super) const DESTINATION: Range<usize> = 24..40;
    pub(super) const HEADER_LEN: usize = 40;
}

/// What all extension headers start with.
mod extension {
    pub(super) const NEXT_HEADER: usize = 0;
    pub(super) const LEN: usize = 1;
    pub(super) const LEAST_LEN: usize = 2;
}

mod fragment {
    use std::ops::Range;

    /// Offset 13 bits, reserved 2, more fragments 1.
    pub(super) const OFFSET: Range<usize> = 2..4;
    pub(super) const IDENTIFICATION: Range<usize> = 4..8;
    pub(super) const HEADER_LEN: usize = 8;
    pub(super) const OFFSET_MASK: u16 = 0xfff8;
    pub(super) const MORE_FRAGMENTS: u16 = 1;
}

mod next_header {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
}

/// Reads the header at `at` and skips the extension headers.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], at: usize) -> Result<Network, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6)?;
    if header[field::VERSION] >> 4 != 6 {
        return Err(Skipped::MalformedIpv6);
    }
    let payload_len = u32::from(u16_of(header, field::PAYLOAD_LEN));
    let mut network = Network {
        source: u128_of(header, field::SOURCE),
        destination: u128_of(header, field::DESTINATION),
        protocol: header[field::NEXT_HEADER],
        ttl: header[field::HOP_LIMIT],
        ip_flags: 0,
        ip_len: payload_len + field::HEADER_LEN as u32,
        ipv6: true,
        payload_offset: at + field::HEADER_LEN,
        payload_len: Some(payload_len),
        fragment: None,
        later_fragment: false,
    };
    match network.protocol {
        protocol::TCP | protocol::UDP => {
            // Neither can be empty: segmentation offload leaves the length to be filled in by the network card.
            if payload_len == 0 {
                network.payload_len = None;
            }
        }
        next_header::HOP_BY_HOP
        | next_header::ROUTING
        | next_header::FRAGMENT
        | next_header::AUTHENTICATION
        | next_header::DESTINATION
        | next_header::MOBILITY => skip_extensions(bytes, &mut network)?,
        _ => {}
    }
    Ok(network)
}

/// Walks the extension headers up to the first header of another kind, or to the data of a later fragment.
#[inline(never)]
fn skip_extensions(bytes: &[u8], network: &mut Network) -> Result<(), Skipped> {
    let start = network.payload_offset;
    while !network.later_fragment {
        let at = network.payload_offset;
        if at > usize::from(u16::MAX) {
            return Err(Skipped::MalformedNesting);
        }
        let first =
            |bytes| header::<{ extension::LEAST_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6Extension);
        let (next, len) = match network.protocol {
            next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::DESTINATION
            | next_header::MOBILITY => {
                let header = first(bytes)?;
                (header[extension::NEXT_HEADER], (usize::from(header[extension::LEN]) + 1) * 8)
            }
            // RFC 4302 section 2.2: in units of 4 bytes, minus 2.
            next_header::AUTHENTICATION => {
                let header = first(bytes)?;
                (header[extension::NEXT_HEADER], (usize::from(header[extension::LEN]) + 2) * 4)
            }
            next_header::FRAGMENT => {
                let header =
                    header::<{ fragment::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedIpv6Extension)?;
                let offset = u16_of(header, fragment::OFFSET);
                network.later_fragment = offset & fragment::OFFSET_MASK != 0;
                // Offset 0 without more fragments is an atomic fragment (RFC 6946), a datagram by itself.
                if offset & (fragment::OFFSET_MASK | fragment::MORE_FRAGMENTS) != 0 {
                    network.fragment = Some(Fragment {
                        identification: u32_of(header, fragment::IDENTIFICATION),
                        is_first: !network.later_fragment,
                    });
                }
                (header[extension::NEXT_HEADER], fragment::HEADER_LEN)
            }
            _ => break,
        };
        network.protocol = next;
        network.payload_offset = at + len;
        if network.payload_offset > bytes.len() {
            return Err(Skipped::TruncatedIpv6Extension);
        }
    }
    // A payload length of 0 in front of extension headers is a jumbogram (RFC 2675) or offloaded segmentation.
    network.payload_len = match network.payload_len {
        None | Some(0) => None,
        Some(len) => {
            let skipped = (network.payload_offset - start) as u32;
            Some(len.checked_sub(skipped).ok_or(Skipped::MalformedIpv6Extension)?)
        }
    };
    Ok(())
}
