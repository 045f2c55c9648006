//! Generic routing encapsulation (RFC 2784, RFC 2890).

use super::encapsulation::{Link, Located, locate as locate_behind};
use super::wire::{header, u16_of};
use super::{Skipped, ethernet, mpls, pppoe};

mod field {
    use std::ops::Range;

    /// Checksum present, routing, key present, sequence present, …, version 3 bits.
    pub(super) const FLAGS: Range<usize> = 0..2;
    pub(super) const PAYLOAD_TYPE: Range<usize> = 2..4;
    pub(super) const HEADER_LEN: usize = 4;
    /// Each optional field: checksum with reserved bits, key, sequence number.
    pub(super) const OPTIONAL_LEN: usize = 4;
}

/// IP protocol number of GRE.
pub(super) const PROTOCOL: u8 = 47;

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;

/// Finds the IP header inside the tunnel whose header is at `at`.
pub(super) fn locate(bytes: &[u8], at: usize, link: &mut Link) -> Result<Located, Skipped> {
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedGre)?;
    let payload_type = u16_of(header, field::PAYLOAD_TYPE);
    match payload_type {
        ethernet::IPV4 | ethernet::IPV6 | mpls::UNICAST | mpls::MULTICAST | pppoe::SESSION => {}
        _ => return Err(Skipped::UnsupportedGrePayload),
    }
    let flags = u16_of(header, field::FLAGS);
    let optional = [CHECKSUM, KEY, SEQUENCE].iter().filter(|&flag| flags & flag != 0).count();
    let at = at + field::HEADER_LEN + optional * field::OPTIONAL_LEN;
    if at > bytes.len() {
        return Err(Skipped::TruncatedGre);
    }
    locate_behind(bytes, payload_type, at, link)
}
