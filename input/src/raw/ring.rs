//! The receive ring: blocks of memory that kernel and program hand to each other.
//!
//! A block belongs to the kernel until the kernel sets TP_STATUS_USER in its status word, and then to the program until that stores
//! TP_STATUS_KERNEL there. The kernel fills the blocks in turn, so the block of lease `n` is the block `n` modulo the
//! number of blocks. It stops, and drops, at a block that it has not been given back.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use weir_flow::Frame;
use weir_flow::prefetch::{LINE, prefetch_byte};

use super::block::{self, Damage, MAC_ADDRESSES_LEN, VLAN_TAG_LEN};
use super::settings::Layout;
use crate::{CapturedFrame, Lease, LinkType};

/// The mapped ring of one socket.
#[derive(Debug)]
pub(super) struct Ring {
    data: NonNull<u8>,
    layout: Layout,
    /// The lease of the block that the kernel filled first.
    first_lease: u64,
    /// The lease of the next block, or of the current one.
    next_lease: u64,
    current: Option<Walk>,
    /// Of each block, whether frames of it are lent or being lent.
    lent: Vec<bool>,
    lent_blocks: usize,
}

/// How far the current block was read.
#[derive(Debug)]
struct Walk {
    /// Where the header of the next packet is.
    at: usize,
    left: u32,
    /// A frame of it was lent.
    is_lent: bool,
}

// SAFETY: the mapping belongs to this value. Others only read lent frames, which nobody changes before they are given back.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring that was set up on `socket`. Leases start with `first_lease`.
    pub(super) fn map(socket: impl AsFd, layout: Layout, first_lease: u64) -> io::Result<Ring> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses, unmapped by `drop`.
        let data =
            unsafe { mmap(std::ptr::null_mut(), layout.len(), protection, MapFlags::SHARED, socket, 0) }?;
        Ring::over(data.cast(), layout, first_lease)
    }

    fn over(data: *mut u8, layout: Layout, first_lease: u64) -> io::Result<Ring> {
        let data = NonNull::new(data).ok_or(io::ErrorKind::OutOfMemory)?;
        let lent = vec![false; layout.blocks];
        Ok(Ring { data, layout, first_lease, next_lease: first_lease, current: None, lent, lent_blocks: 0 })
    }

    /// The lease after all that were handed out.
    pub(super) fn next_lease(&self) -> u64 {
        self.next_lease + u64::from(self.current.is_some())
    }

    /// Whether anything is lent.
    pub(super) fn is_lent(&self) -> bool {
        self.lent_blocks > 0
    }

    /// Whether a block was begun and has more frames to lend.
    pub(super) fn is_within_block(&self) -> bool {
        self.current.is_some()
    }

    fn index(&self, lease: u64) -> usize {
        ((lease - self.first_lease) % self.layout.blocks as u64) as usize
    }

    fn block_start(&self, index: usize) -> *mut u8 {
        debug_assert!(index < self.layout.blocks);
        // SAFETY: an index below the number of blocks is within the mapping.
        unsafe { self.data.as_ptr().add(index * self.layout.block_len) }
    }

    fn status(&self, index: usize) -> &AtomicU32 {
        // SAFETY: within the block, as Layout makes it larger than its header; aligned, as blocks are pages; for as long as `self`.
        // The program touches the word only through this, except that `block` covers it while neither side changes it.
        unsafe { AtomicU32::from_ptr(self.block_start(index).add(block::STATUS).cast()) }
    }

    /// A block that the program owns.
    fn block(&self, index: usize) -> &[u8] {
        // SAFETY: within the mapping. While the program owns the block the kernel does not write to it, and the program writes only in
        // `insert_vlan_tag` and `release`, which take `&mut self`.
        unsafe { std::slice::from_raw_parts(self.block_start(index), self.layout.block_len) }
    }

    /// Gives a block to the kernel.
    fn release(&mut self, index: usize) {
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    /// Appends up to `limit` frames of the next block that the kernel has filled. `None` if there is none.
    pub(super) fn lend(
        &mut self,
        link_type: LinkType,
        frames: &mut Vec<CapturedFrame>,
        limit: usize,
    ) -> Result<Option<Lease>, Damage> {
        while self.current.is_some() || self.begin_block()? {
            let lease = self.next_lease;
            let index = self.index(lease);
            let lent = self.walk(index, link_type, frames, limit.max(1))?;
            if lent > 0 {
                return Ok(Some(Lease(lease)));
            }
        }
        Ok(None)
    }

    /// Begins the next block, if it is the program's.
    fn begin_block(&mut self) -> Result<bool, Damage> {
        let index = self.index(self.next_lease);
        if self.lent[index] || self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return Ok(false);
        }
        let contents = block::contents(self.block(index))?;
        self.current = Some(Walk { at: contents.first, left: contents.packets, is_lent: false });
        Ok(true)
    }

    /// Lends frames of the current block, and ends it when there are no more. How many were lent. Damage is told when there is no frame
    /// before it.
    fn walk(
        &mut self,
        index: usize,
        link_type: LinkType,
        frames: &mut Vec<CapturedFrame>,
        limit: usize,
    ) -> Result<usize, Damage> {
        let Some(mut walk) = self.current.take() else { return Ok(0) };
        let mut lent = 0;
        let mut damage = None;
        while walk.left > 0 && lent < limit {
            let packet = match block::packet(self.block(index), walk.at, walk.left == 1) {
                Ok(packet) => packet,
                Err(found) => {
                    damage = Some(found);
                    break;
                }
            };
            // The kernel wrote it on another processor: what is read next is asked for now.
            let block = self.block(index);
            prefetch_byte(block, packet.next);
            prefetch_byte(block, packet.captured.start);
            prefetch_byte(block, packet.captured.start + LINE);
            let (mut captured, mut wire_len) = (packet.captured, packet.wire_len);
            if let Some(tag) = packet.vlan_tag
                && link_type == LinkType::ETHERNET
                && captured.len() >= MAC_ADDRESSES_LEN
            {
                captured = self.insert_vlan_tag(index, captured, tag);
                wire_len = wire_len.saturating_add(VLAN_TAG_LEN as u32);
            }
            // SAFETY: the bytes belong to the program until `give_back` of the block's lease, and lie in a region of this packet
            // alone, which nothing writes to any more.
            let frame = unsafe { Frame::lend(&self.block(index)[captured]) };
            frames.push(CapturedFrame { frame, time: packet.time, wire_len, link_type });
            walk.at = packet.next;
            walk.left -= 1;
            lent += 1;
        }
        if lent > 0 && !walk.is_lent {
            walk.is_lent = true;
            self.lent[index] = true;
            self.lent_blocks += 1;
        }
        if walk.left > 0 {
            self.current = Some(walk);
        } else {
            self.next_lease += 1;
            if !walk.is_lent {
                self.release(index);
            }
        }
        match damage {
            Some(damage) if lent == 0 => Err(damage),
            _ => Ok(lent),
        }
    }

    /// Puts a tag that the kernel took out back between the addresses and the type, using the bytes before the frame. Where the
    /// frame is now.
    fn insert_vlan_tag(
        &mut self,
        index: usize,
        captured: Range<usize>,
        tag: [u8; VLAN_TAG_LEN],
    ) -> Range<usize> {
        let start = captured.start - VLAN_TAG_LEN;
        let head_len = VLAN_TAG_LEN + MAC_ADDRESSES_LEN;
        // SAFETY: `captured` comes from `block::packet`, so that it and the four bytes before it lie within the block and in the region
        // of this packet alone, of which nothing is lent yet; its length was checked by the caller.
        let head = unsafe { std::slice::from_raw_parts_mut(self.block_start(index).add(start), head_len) };
        head.copy_within(VLAN_TAG_LEN.., 0);
        head[MAC_ADDRESSES_LEN..].copy_from_slice(&tag);
        start..captured.end
    }

    /// Gives the block of `lease` to the kernel, if it is one of this ring's.
    pub(super) fn give_back(&mut self, lease: Lease) {
        if lease.0 < self.first_lease || lease.0 >= self.next_lease() {
            return;
        }
        let index = self.index(lease.0);
        if std::mem::take(&mut self.lent[index]) {
            self.lent_blocks -= 1;
            self.release(index);
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping made for this value; frames of it must not be used when the source is gone.
        let _ = unsafe { munmap(self.data.as_ptr().cast(), self.layout.len()) };
    }
}

#[cfg(test)]
mod tests;
