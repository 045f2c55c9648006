//! Asking the processor for memory before it is needed.
#![allow(unsafe_code)]

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// Asks for the cache line in which `target` starts.
#[inline(always)]
pub fn prefetch<T>(target: &T) {
    ask(std::ptr::from_ref(target).cast());
}

/// Asks for both cache lines of a value of two lines.
#[inline(always)]
pub fn prefetch_pair<T>(target: &T) {
    const { assert!(size_of::<T>() == 2 * LINE && align_of::<T>() >= LINE) };
    let start = std::ptr::from_ref(target).cast::<u8>();
    ask(start);
    ask(start.wrapping_add(LINE));
}

/// Asks for the cache lines in which a value of up to two lines starts and ends; of a longer one, for the first two.
#[inline(always)]
pub fn prefetch_ends<T>(target: &T) {
    let start = std::ptr::from_ref(target).cast::<u8>();
    ask(start);
    let second = if size_of::<T>() > 2 * LINE { LINE } else { size_of::<T>().saturating_sub(1) };
    // What fills an aligned line is already asked for.
    if size_of::<T>() > LINE || align_of::<T>() < LINE.min(size_of::<T>().next_power_of_two()) {
        ask(start.wrapping_add(second));
    }
}

/// Asks for the cache line of `bytes[at]`, if there is such a byte.
#[inline(always)]
pub fn prefetch_byte(bytes: &[u8], at: usize) {
    if at < bytes.len() {
        ask(bytes.as_ptr().wrapping_add(at));
    }
}

#[inline(always)]
fn ask(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
