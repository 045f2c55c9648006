//! Buffers of octets that C and this library both see, and that grow.

use std::ffi::c_void;
use std::ptr;
use std::slice;

use super::Fault;

/// `struct ipfix_octets`: its memory is that of `malloc`, so that a program may free it itself.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Octets {
    octets: *mut u8,
    length: usize,
    capacity: usize,
}

impl Octets {
    /// Makes it a copy of `from`. Behind the octets there is a 0, so that texts are strings of C.
    ///
    /// # Safety
    /// It was initialised, and `from` is not in it.
    pub(super) unsafe fn assign(this: *mut Octets, from: &[u8]) -> Result<(), Fault> {
        // SAFETY: the caller guarantees it.
        let Octets { mut octets, mut capacity, .. } = unsafe { this.read_unaligned() };
        if octets.is_null() || capacity <= from.len() {
            capacity = (from.len() + 1).next_power_of_two().max(16);
            // SAFETY: it is null or came from here, or from `malloc`, as the header asks for.
            octets = unsafe { libc::realloc(octets.cast::<c_void>(), capacity) }.cast();
            if octets.is_null() {
                return Err(Fault::Memory);
            }
        }
        // SAFETY: there is room for these and one more octet; what is copied lies elsewhere.
        unsafe {
            ptr::copy_nonoverlapping(from.as_ptr(), octets, from.len());
            octets.add(from.len()).write(0);
            this.write_unaligned(Octets { octets, length: from.len(), capacity });
        }
        Ok(())
    }

    /// The octets.
    ///
    /// # Safety
    /// It was initialised, and stays as it is as long as the octets are used.
    pub(super) unsafe fn get<'o>(this: *const Octets) -> Result<&'o [u8], Fault> {
        // SAFETY: the caller guarantees it.
        let Octets { octets, length, .. } = unsafe { this.read_unaligned() };
        match (octets.is_null(), length) {
            (_, 0) => Ok(&[]),
            (true, _) => Err(Fault::Octets),
            // SAFETY: the caller guarantees it.
            (false, _) => Ok(unsafe { slice::from_raw_parts(octets, length) }),
        }
    }

    /// Gives its memory back; it is empty then.
    ///
    /// # Safety
    /// It was initialised.
    pub(super) unsafe fn free(this: *mut Octets) {
        // SAFETY: the caller guarantees it; the memory is null or came from `realloc`.
        unsafe {
            libc::free(this.read_unaligned().octets.cast::<c_void>());
            this.write_unaligned(Octets { octets: ptr::null_mut(), length: 0, capacity: 0 });
        }
    }
}
