//! UDP (RFC 768).

use super::Skipped;
use super::network::{Network, Transport};
use super::wire::{header, u16_of};

mod field {
    use std::ops::Range;

    pub(super) const SOURCE_PORT: Range<usize> = 0..2;
    pub(super) const DESTINATION_PORT: Range<usize> = 2..4;
}

/// Length of the header.
pub(super) const HEADER_LEN: usize = 8;

/// Reads the header behind `network`. Its length field is not looked at: that of the IP header decides.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], network: &Network) -> Result<Transport, Skipped> {
    let header = header::<HEADER_LEN>(bytes, network.payload_offset).ok_or(Skipped::TruncatedUdp)?;
    if network.is_shorter_than(HEADER_LEN) {
        return Err(Skipped::MalformedUdp);
    }
    Ok(Transport {
        source_port: u16_of(header, field::SOURCE_PORT),
        destination_port: u16_of(header, field::DESTINATION_PORT),
        header_len: HEADER_LEN,
        ..Transport::default()
    })
}

/// Source and destination port of the header behind `network`, if it is there.
#[inline(always)]
pub(super) fn ports(bytes: &[u8], network: &Network) -> Option<(u16, u16)> {
    let header = header::<HEADER_LEN>(bytes, network.payload_offset)?;
    Some((u16_of(header, field::SOURCE_PORT), u16_of(header, field::DESTINATION_PORT)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::parse::tests::*;

    #[test]
    fn the_length_of_the_ip_header_decides() {
        let mut frame = ethernet(0x0800, &[IPV4_UDP]);
        frame[34 + 5] = 200;
        assert_eq!(parsed(&frame).unwrap().0.payload(), b"abcd");
    }
}
