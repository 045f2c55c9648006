//! A stream read into heap blocks, which are used again when their lease has been given back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Advance, Window};
use crate::Lease;
use crate::blocks::Block;

/// Large against a record, small against the second-level cache's share of memory bandwidth.
const BLOCK_LEN: usize = 1 << 20;
/// More blocks are not lent out: whoever holds them has to finish some first.
const MOST_LENT: usize = 64;
/// How long an empty pipe is waited for before the caller gets a chance to do something else.
const PATIENCE: Duration = Duration::from_millis(100);

pub(in crate::pcap) struct Stream {
    reader: Box<dyn Read + Send>,
    pipe: Option<OwnedFd>,
    block: Block,
    /// Where the unread bytes start in `block`.
    at: usize,
    /// Where that is in the stream.
    offset: u64,
    lease: Lease,
    /// A frame of the current block was lent.
    is_lent: bool,
    lent: BTreeMap<Lease, Block>,
    free: Vec<Block>,
}

impl Stream {
    pub(in crate::pcap) fn new(reader: impl Read + Send + 'static) -> Stream {
        Stream {
            reader: Box::new(reader),
            pipe: None,
            block: Block::new(BLOCK_LEN),
            at: 0,
            offset: 0,
            lease: Lease(0),
            is_lent: false,
            lent: BTreeMap::new(),
            free: Vec::new(),
        }
    }

    /// The reader reads `pipe`: it is waited for before it is read, for a while.
    pub(in crate::pcap) fn wait_on(&mut self, pipe: OwnedFd) {
        self.pipe = Some(pipe);
    }

    pub(super) fn window(&self) -> Window<'_> {
        Window { bytes: &self.block.filled()[self.at..] }
    }

    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.block.filled().len() - self.at);
        self.at += len;
        self.offset += len as u64;
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn lend(&mut self) -> Lease {
        self.is_lent = true;
        self.lease
    }

    pub(super) fn give_back(&mut self, lease: Lease) {
        if let Some(block) = self.lent.remove(&lease) {
            self.recycle(block);
        }
    }

    fn recycle(&mut self, mut block: Block) {
        if block.capacity() == BLOCK_LEN {
            // SAFETY: either nothing of it was lent, or its lease was given back.
            unsafe { block.clear() };
            self.free.push(block);
        }
    }

    pub(super) fn advance(&mut self, needed: usize) -> io::Result<Advance> {
        if self.at + needed > self.block.capacity() {
            if self.lent.len() >= MOST_LENT {
                return Ok(Advance::Idle);
            }
            self.next_block(needed);
        }
        while self.block.filled().len() - self.at < needed {
            if !self.is_readable()? {
                return Ok(Advance::Idle);
            }
            match self.reader.read(self.block.spare()) {
                Ok(0) => return Ok(Advance::End),
                Ok(len) => self.block.fill(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Advance::Ready)
    }

    /// Takes a new block for at least `needed` bytes and moves the unread ones there.
    fn next_block(&mut self, needed: usize) {
        let mut block = match self.free.pop() {
            Some(block) if needed <= BLOCK_LEN => block,
            recycled => {
                self.free.extend(recycled);
                Block::new(needed.max(BLOCK_LEN))
            }
        };
        let unread = &self.block.filled()[self.at..];
        block.spare()[..unread.len()].copy_from_slice(unread);
        block.fill(unread.len());
        let finished = std::mem::replace(&mut self.block, block);
        self.at = 0;
        let lease = self.lease;
        self.lease = Lease(lease.0 + 1);
        if std::mem::take(&mut self.is_lent) {
            self.lent.insert(lease, finished);
        } else {
            self.recycle(finished);
        }
    }

    fn is_readable(&self) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else { return Ok(true) };
        let patience = Timespec { tv_sec: 0, tv_nsec: PATIENCE.subsec_nanos().into() };
        match rustix::event::poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&patience)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("offset", &self.offset)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
