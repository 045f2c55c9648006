//! The compares of a bucket for any processor.

use super::SLOTS;

/// Bit i is set where the `bits` of `values[i]` are `wanted`.
#[inline]
pub(super) fn equal_in(values: &[u16; SLOTS], bits: u16, wanted: u16) -> u16 {
    values.iter().enumerate().fold(0, |mask, (i, &v)| mask | ((v & bits == wanted) as u16) << i)
}

/// Bit i is set where `ticks[i]` is at least `age` before `now`, modulo 2^16.
#[inline]
pub(super) fn at_least_before(ticks: &[u16; SLOTS], now: u16, age: u16) -> u16 {
    ticks.iter().enumerate().fold(0, |mask, (i, &t)| mask | ((now.wrapping_sub(t) >= age) as u16) << i)
}
