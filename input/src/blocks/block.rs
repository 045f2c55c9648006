//! A block of heap memory that is filled from the front and lent out while the rest is still being filled.

use std::ptr::NonNull;

/// A heap block. The filled part is only ever read, the spare part only written; so lent frames of the one and a mutable slice of
/// the other never overlap, which is why this is not a `Vec`.
#[derive(Debug)]
pub(crate) struct Block {
    data: NonNull<u8>,
    capacity: usize,
    filled: usize,
}

// SAFETY: a block owns its memory as a boxed slice does.
unsafe impl Send for Block {}

impl Block {
    pub(crate) fn new(capacity: usize) -> Block {
        let data = Box::into_raw(vec![0u8; capacity].into_boxed_slice());
        // SAFETY: a box is never null.
        Block { data: unsafe { NonNull::new_unchecked(data.cast()) }, capacity, filled: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The filled bytes.
    pub(crate) fn filled(&self) -> &[u8] {
        // SAFETY: `filled` is at most the capacity, all bytes are initialised, and none of these is written before `clear`.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.filled) }
    }

    /// The bytes behind the filled ones.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        // SAFETY: within the allocation and initialised; nobody holds a reference behind `filled`, since `filled()` ends there.
        unsafe {
            std::slice::from_raw_parts_mut(self.data.as_ptr().add(self.filled), self.capacity - self.filled)
        }
    }

    /// Takes the first `len` spare bytes as filled.
    pub(crate) fn fill(&mut self, len: usize) {
        self.filled = (self.filled + len).min(self.capacity);
    }

    /// Takes all bytes as spare again.
    ///
    /// # Safety
    /// No frame lent from this block is used any more.
    pub(crate) unsafe fn clear(&mut self) {
        self.filled = 0;
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `new` from a slice of this length.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.data.as_ptr(), self.capacity)) });
    }
}
