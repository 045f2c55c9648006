//! Where a capture file's bytes come from, and who holds them while frames are under way.
//!
//! The only place of the reader with unsafe code: [`Window::lend`] hands out frames that outlive the borrow they were read
//! under, and the two media keep the bytes in place until the lease has been given back.
#![allow(unsafe_code)]

mod mapped;
mod stream;

use std::io;

use weir_flow::Frame;

use crate::Lease;
pub(super) use mapped::Mapped;
pub(super) use stream::Stream;

/// The unread bytes at hand. They stay readable and unchanged until the current lease is given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    /// Only media make windows, hence private.
    bytes: &'a [u8],
}

impl<'a> Window<'a> {
    /// The bytes.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Lends `part`, which must be taken from [`Window::bytes`], until the current lease is given back. (Of anything else an empty
    /// frame is lent.)
    #[inline(always)]
    pub(super) fn lend(&self, part: &'a [u8]) -> Frame {
        let (all, part_range) = (self.bytes.as_ptr_range(), part.as_ptr_range());
        if part_range.start < all.start || part_range.end > all.end {
            return Frame::of_static(&[]);
        }
        // SAFETY: `part` lies within the window, which the medium keeps until the lease is given back; `Source` asks its
        // user not to give a lease back while frames of it are used.
        unsafe { Frame::lend(part) }
    }
}

/// The outcome of [`Medium::advance`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Advance {
    /// As many bytes as were asked for are at hand.
    Ready,
    /// Not now: a pipe is empty, or too much is lent out.
    Idle,
    /// There are fewer bytes left.
    End,
}

/// Where the bytes of a capture file come from.
#[derive(Debug)]
pub(super) enum Medium {
    Mapped(Mapped),
    Stream(Stream),
}

impl Medium {
    /// The unread bytes at hand.
    pub(super) fn window(&self) -> Window<'_> {
        match self {
            Medium::Mapped(mapped) => mapped.window(),
            Medium::Stream(stream) => stream.window(),
        }
    }

    /// Takes the first `len` bytes of the window as read.
    pub(super) fn consume(&mut self, len: usize) {
        match self {
            Medium::Mapped(mapped) => mapped.consume(len),
            Medium::Stream(stream) => stream.consume(len),
        }
    }

    /// Brings at least `needed` unread bytes into the window. May begin a new lease.
    pub(super) fn advance(&mut self, needed: usize) -> io::Result<Advance> {
        match self {
            Medium::Mapped(mapped) => mapped.advance(needed),
            Medium::Stream(stream) => stream.advance(needed),
        }
    }

    /// The lease of the frames in the current window, which from now on waits to be given back.
    pub(super) fn lend(&mut self) -> Lease {
        match self {
            Medium::Mapped(mapped) => mapped.lend(),
            Medium::Stream(stream) => stream.lend(),
        }
    }

    pub(super) fn give_back(&mut self, lease: Lease) {
        match self {
            Medium::Mapped(mapped) => mapped.give_back(lease),
            Medium::Stream(stream) => stream.give_back(lease),
        }
    }

    /// Where the window starts, counted from the start of the (decompressed) file.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Medium::Mapped(mapped) => mapped.offset(),
            Medium::Stream(stream) => stream.offset(),
        }
    }

    /// Where the window ends.
    pub(super) fn end_offset(&self) -> u64 {
        self.offset() + self.window().bytes().len() as u64
    }
}
