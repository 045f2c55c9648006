//! The compares of a bucket with SSE2, which every x86-64 processor has.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::SLOTS;

#[inline(always)]
fn load(values: &[u16; SLOTS]) -> (__m128i, __m128i) {
    let start = values.as_ptr().cast::<__m128i>();
    // SAFETY: sixteen u16 are two vectors of 16 bytes; unaligned loads need no alignment.
    unsafe { (_mm_loadu_si128(start), _mm_loadu_si128(start.add(1))) }
}

/// One bit per 16-bit lane of two vectors of all-ones or all-zeroes lanes.
#[inline(always)]
fn mask(low: __m128i, high: __m128i) -> u16 {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { _mm_movemask_epi8(_mm_packs_epi16(low, high)) as u16 }
}

/// Bit i is set where the `bits` of `values[i]` are `wanted`.
#[inline(always)]
pub(super) fn equal_in(values: &[u16; SLOTS], bits: u16, wanted: u16) -> u16 {
    let (low, high) = load(values);
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let (bits, wanted) = (_mm_set1_epi16(bits as i16), _mm_set1_epi16(wanted as i16));
        let equal = |values| _mm_cmpeq_epi16(_mm_and_si128(values, bits), wanted);
        mask(equal(low), equal(high))
    }
}

/// Bit i is set where `ticks[i]` is at least `age` before `now`, modulo 2^16.
#[inline(always)]
pub(super) fn at_least_before(ticks: &[u16; SLOTS], now: u16, age: u16) -> u16 {
    let (low, high) = load(ticks);
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let (now, age, zero) = (_mm_set1_epi16(now as i16), _mm_set1_epi16(age as i16), _mm_setzero_si128());
        // age -| (now - tick) is zero exactly where now - tick, unsigned, is at least age.
        let due = |ticks| _mm_cmpeq_epi16(_mm_subs_epu16(age, _mm_sub_epi16(now, ticks)), zero);
        mask(due(low), due(high))
    }
}
