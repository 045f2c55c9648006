//! TCP (RFC 9293).

use weir_flow::tcp::option;

use super::Skipped;
use super::network::{Network, Transport};
use super::wire::{header, u16_of, u32_of};

mod field {
    use std::ops::Range;

    pub(super) const SOURCE_PORT: Range<usize> = 0..2;
    pub(super) const DESTINATION_PORT: Range<usize> = 2..4;
    pub(super) const SEQUENCE: Range<usize> = 4..8;
    pub(super) const ACKNOWLEDGEMENT: Range<usize> = 8..12;
    /// Header length in units of 4 bytes in the upper 4 bits.
    pub(super) const DATA_OFFSET: usize = 12;
    pub(super) const FLAGS: usize = 13;
    pub(super) const HEADER_LEN: usize = 20;
}

/// NOP, NOP, timestamps (kind 8, length 10): what nearly every segment of an established connection carries, if any.
const TIMESTAMPS: [u8; 4] = [option::NO_OPERATION, option::NO_OPERATION, 8, 10];
const TIMESTAMPS_LEN: usize = 12;

/// Reads the header behind `network` and checks its options.
#[inline(always)]
pub(super) fn parse(bytes: &[u8], network: &Network) -> Result<Transport, Skipped> {
    let at = network.payload_offset;
    let header = header::<{ field::HEADER_LEN }>(bytes, at).ok_or(Skipped::TruncatedTcp)?;
    let header_len = usize::from(header[field::DATA_OFFSET] >> 4) * 4;
    if header_len < field::HEADER_LEN || network.is_shorter_than(header_len) {
        return Err(Skipped::MalformedTcp);
    }
    if header_len > field::HEADER_LEN {
        check_options(bytes.get(at + field::HEADER_LEN..at + header_len).ok_or(Skipped::TruncatedTcp)?)?;
    }
    Ok(Transport {
        source_port: u16_of(header, field::SOURCE_PORT),
        destination_port: u16_of(header, field::DESTINATION_PORT),
        tcp_sequence: u32_of(header, field::SEQUENCE),
        tcp_acknowledgement: u32_of(header, field::ACKNOWLEDGEMENT),
        tcp_flags: header[field::FLAGS],
        header_len,
    })
}

#[inline(always)]
fn check_options(area: &[u8]) -> Result<(), Skipped> {
    if area.len() == TIMESTAMPS_LEN && area.starts_with(&TIMESTAMPS) { Ok(()) } else { walk_options(area) }
}

/// An option of length 0 or 1, or without a length, makes the header malformed; one that runs past the area ends the walk.
#[inline(never)]
fn walk_options(mut area: &[u8]) -> Result<(), Skipped> {
    loop {
        area = match *area {
            [] | [option::END, ..] => return Ok(()),
            [option::NO_OPERATION, ref rest @ ..] => rest,
            [_] | [_, 0..=1, ..] => return Err(Skipped::MalformedTcp),
            [_, len, ..] => area.get(usize::from(len)..).unwrap_or(&[]),
        };
    }
}
