//! Bytes that a source lends.
#![allow(unsafe_code)]

/// The captured bytes of a packet, lent by a source: a part of a memory-mapped file, a ring block, a device buffer.
///
/// A frame is a plain pointer and a length, so that it can cross threads inside packet descriptors without reference
/// counts. What keeps it valid is the protocol between capture thread and workers: a source takes memory back only
/// after every batch whose packets lie in it has been returned.
#[derive(Clone, Copy)]
pub struct Frame {
    data: *const u8,
    captured_len: u32,
}

// SAFETY: the bytes are only read, and the lender keeps them in place while frames are under way (see `Frame::lend`).
unsafe impl Send for Frame {}
// SAFETY: as above; shared reads of immutable bytes.
unsafe impl Sync for Frame {}

impl Frame {
    /// Lends `bytes`. Bytes behind the first 4 GiB are left out.
    ///
    /// # Safety
    /// The bytes must stay readable and unchanged until the last copy of this frame has been used.
    #[inline]
    pub const unsafe fn lend(bytes: &[u8]) -> Frame {
        let captured_len = if bytes.len() > u32::MAX as usize { u32::MAX } else { bytes.len() as u32 };
        Frame { data: bytes.as_ptr(), captured_len }
    }

    /// A frame of bytes that live for ever.
    pub const fn of_static(bytes: &'static [u8]) -> Frame {
        // SAFETY: 'static bytes outlive every use.
        unsafe { Frame::lend(bytes) }
    }

    /// The bytes.
    #[inline]
    pub const fn bytes(&self) -> &[u8] {
        // SAFETY: `lend` was given a slice of at least this length, and its caller promised to keep it.
        unsafe { std::slice::from_raw_parts(self.data, self.captured_len as usize) }
    }

    /// How many bytes were captured.
    #[inline]
    pub const fn captured_len(&self) -> u32 {
        self.captured_len
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} bytes)", self.captured_len)
    }
}
