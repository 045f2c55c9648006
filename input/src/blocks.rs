//! Blocks of heap memory that frames are written into and lent from, and that are used again when their lease was given back.
//!
//! Together with [`Block`] a room of unsafe code: [`Blocks::lend`] hands out frames that outlive the borrow of the block, which stays
//! in place and is not written to until its lease has been given back.
#![allow(unsafe_code)]

mod block;

use std::collections::VecDeque;

use weir_flow::Frame;

use crate::Lease;
pub(crate) use block::Block;

/// Blocks of one size. One of them, the current one, is being written.
#[derive(Debug)]
pub(crate) struct Blocks {
    block_len: usize,
    /// More blocks are not lent out at a time.
    most_lent: usize,
    current: Block,
    /// The lease of the current block.
    lease: Lease,
    /// Finished blocks with their leases, oldest first.
    lent: VecDeque<(Lease, Block)>,
    free: Vec<Block>,
}

/// What [`Blocks::advance`] came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Advanced {
    /// The current block has never been written to: it is zero.
    Fresh,
    /// The current block holds what was written to it before.
    Again,
    /// Too many blocks are lent out: the current block stays as it is.
    Exhausted,
}

impl Blocks {
    /// Blocks of `block_len` bytes each, of which at most `most_lent` are lent out besides the current one.
    pub(crate) fn new(block_len: usize, most_lent: usize) -> Blocks {
        Blocks {
            block_len,
            most_lent,
            current: Block::new(block_len),
            lease: Lease(0),
            lent: VecDeque::new(),
            free: Vec::new(),
        }
    }

    /// The lease of what is lent from the current block.
    #[inline]
    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    /// The bytes of the current block that are not lent.
    #[inline(always)]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.current.spare()
    }

    /// Takes the first `taken` spare bytes and lends the first `len` of them, which may be fewer.
    #[inline(always)]
    pub(crate) fn lend(&mut self, len: usize, taken: usize) -> Frame {
        let start = self.current.filled().len();
        self.current.fill(taken);
        let taken = &self.current.filled()[start..];
        let frame = taken.get(..len).unwrap_or(taken);
        // SAFETY: filled bytes stay in place unchanged until the block is cleared, which happens when its lease has been given
        // back; `Source` asks its user not to give a lease back while frames of it are used.
        unsafe { Frame::lend(frame) }
    }

    /// Whether as many blocks are lent out as may be.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.lent.len() >= self.most_lent
    }

    /// Finishes the current block and begins another one under the next lease.
    pub(crate) fn advance(&mut self) -> Advanced {
        if self.is_exhausted() { Advanced::Exhausted } else { self.begin() }
    }

    /// Ends the current lease if something was lent under it, even when enough blocks are lent out.
    #[cfg(feature = "libpcap")]
    pub(crate) fn end_lease(&mut self) {
        if !self.current.filled().is_empty() {
            self.begin();
        }
    }

    fn begin(&mut self) -> Advanced {
        let (next, advanced) = match self.free.pop() {
            Some(block) => (block, Advanced::Again),
            None => (Block::new(self.block_len), Advanced::Fresh),
        };
        let finished = std::mem::replace(&mut self.current, next);
        let lease = self.lease;
        self.lease = Lease(lease.0 + 1);
        if finished.filled().is_empty() {
            self.free.push(finished);
        } else {
            self.lent.push_back((lease, finished));
        }
        advanced
    }

    /// Takes the block of `lease` back. The current one stays: its lease is given back when there is a later one.
    pub(crate) fn give_back(&mut self, lease: Lease) {
        // Leases come back about in order, so this looks at the first ones.
        if let Some(at) = self.lent.iter().position(|&(lent, _)| lent == lease)
            && let Some((_, mut block)) = self.lent.remove(at)
        {
            // SAFETY: the lease was given back, so that no frame of the block is used any more.
            unsafe { block.clear() };
            self.free.push(block);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_block_is_written_again_only_after_its_lease_was_given_back() {
        let mut blocks = Blocks::new(8, 2);
        let mut lent = Vec::new();
        for byte in 1..=3 {
            blocks.spare().fill(byte);
            lent.push((blocks.lease(), blocks.lend(3, 8), byte));
            let expected = if byte == 3 { Advanced::Exhausted } else { Advanced::Fresh };
            assert_eq!(blocks.advance(), expected);
        }
        assert!(lent.iter().all(|(_, frame, byte)| frame.bytes() == [*byte; 3]));
        blocks.give_back(lent[1].0);
        assert_eq!(blocks.advance(), Advanced::Again);
        assert_eq!(blocks.spare(), [2; 8]);
        assert_eq!(lent[0].1.bytes(), [1; 3]);
        assert_eq!(lent[2].1.bytes(), [3; 3]);
        assert!(lent[2].0 < blocks.lease());
    }

    #[test]
    fn no_more_is_lent_than_there_is() {
        let mut blocks = Blocks::new(4, 1);
        assert_eq!(blocks.lend(3, 3).captured_len(), 3);
        assert_eq!(blocks.lend(9, 9).captured_len(), 1);
        assert!(blocks.spare().is_empty());
    }

    #[test]
    fn a_lease_that_is_current_or_unknown_changes_nothing() {
        let mut blocks = Blocks::new(4, 4);
        let frame = blocks.lend(4, 4);
        blocks.give_back(blocks.lease());
        blocks.give_back(Lease(77));
        assert!(blocks.spare().is_empty());
        assert_eq!(frame.bytes(), [0; 4]);
    }
}
