//! Headers as arrays, and the big-endian integers in them.

use std::ops::Range;

/// The `N` bytes at `at`; `None` if they were not captured. Reading such a header at constant offsets costs no further check.
#[inline(always)]
pub(super) fn header<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

/// The 16-bit integer in the 2 bytes of `field`.
#[inline(always)]
pub(super) const fn u16_of<const N: usize>(header: &[u8; N], field: Range<usize>) -> u16 {
    u16::from_be_bytes([header[field.start], header[field.start + 1]])
}

/// The 32-bit integer in the 4 bytes of `field`.
#[inline(always)]
pub(super) const fn u32_of<const N: usize>(header: &[u8; N], field: Range<usize>) -> u32 {
    let at = field.start;
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// The 128-bit integer in the 16 bytes of `field`, upper half first.
#[inline(always)]
pub(super) const fn u128_of<const N: usize>(header: &[u8; N], field: Range<usize>) -> [u64; 2] {
    let at = field.start;
    let upper = (u32_of(header, at..at + 4) as u64) << 32 | u32_of(header, at + 4..at + 8) as u64;
    let lower = (u32_of(header, at + 8..at + 12) as u64) << 32 | u32_of(header, at + 12..at + 16) as u64;
    [upper, lower]
}

/// The MAC address in the 6 bytes of `field`.
#[inline(always)]
pub(super) fn mac_of<const N: usize>(header: &[u8; N], field: Range<usize>) -> [u8; 6] {
    header[field].first_chunk().copied().unwrap_or_default()
}
