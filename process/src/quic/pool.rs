//! Where bytes of records lie whose number varies: blocks of fixed size, chained, in one bounded pool, so that a record pays for what
//! it has and no packet allocates.

use weir_flow::plugin::{reserve_up_to, touch_reserved};

/// Bytes of a block with the number of the next. What is kept of most ClientHellos fits into two.
const BLOCK_LEN: usize = 128;
const DATA_LEN: usize = BLOCK_LEN - size_of::<Link>();

/// Number of a block, counted from 1; 0 is none.
type Link = u32;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Block {
    data: [u8; DATA_LEN],
    next: Link,
}

const _: () = assert!(size_of::<Block>() == BLOCK_LEN, "a block is two cache lines");

/// Some bytes in a pool.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Stored {
    first: Link,
    len: u32,
}

/// All blocks of one plugin. Memory is reserved at start and touched only as it is used.
pub(super) struct Pool {
    blocks: Vec<Block>,
    capacity: usize,
    free: Link,
    free_count: usize,
    refused: u64,
    read: Vec<u8>,
}

impl Pool {
    /// A pool of at most `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Pool {
        let capacity = (bytes / BLOCK_LEN).clamp(1, Link::MAX as usize - 1);
        let blocks: Vec<Block> = reserve_up_to(capacity);
        let capacity = blocks.capacity().min(capacity);
        Pool { capacity, blocks, free: 0, free_count: 0, refused: 0, read: Vec::new() }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    /// How many times something found no room.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Brings all that is reserved into RAM.
    pub(super) fn touch(&mut self) {
        touch_reserved(&mut self.blocks);
    }

    /// Stores `bytes`, if there is room for all of them.
    pub(super) fn store(&mut self, bytes: &[u8]) -> Option<Stored> {
        let available = self.free_count + self.capacity - self.blocks.len();
        if bytes.len().div_ceil(DATA_LEN) > available {
            self.refused += 1;
            return None;
        }
        let mut first = 0;
        // From the last to the first, so that each knows its next.
        for data in bytes.chunks(DATA_LEN).rev() {
            first = self.block(data, first);
        }
        Some(Stored { first, len: bytes.len() as u32 })
    }

    /// A block that is not in use, with this content.
    fn block(&mut self, data: &[u8], next: Link) -> Link {
        let link = if self.free != 0 {
            let link = self.free;
            self.free = self.blocks[link as usize - 1].next;
            self.free_count -= 1;
            link
        } else {
            self.blocks.push(Block { data: [0; DATA_LEN], next: 0 });
            self.blocks.len() as Link
        };
        let block = &mut self.blocks[link as usize - 1];
        block.data[..data.len()].copy_from_slice(data);
        block.next = next;
        link
    }

    /// The bytes.
    pub(super) fn read(&mut self, stored: &Stored) -> &[u8] {
        self.read.clear();
        let (mut link, mut left) = (stored.first, stored.len as usize);
        while left > 0 {
            let block = &self.blocks[link as usize - 1];
            let count = left.min(DATA_LEN);
            self.read.extend_from_slice(&block.data[..count]);
            link = block.next;
            left -= count;
        }
        &self.read
    }

    /// Takes the room of the bytes back.
    pub(super) fn release(&mut self, stored: Stored) {
        let (mut link, mut left) = (stored.first, stored.len as usize);
        while left > 0 {
            let block = &mut self.blocks[link as usize - 1];
            let next = std::mem::replace(&mut block.next, self.free);
            self.free = link;
            self.free_count += 1;
            link = next;
            left -= left.min(DATA_LEN);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_come_back_and_room_is_used_again() {
        let mut pool = Pool::new(20 * BLOCK_LEN);
        for round in 0..5u8 {
            let texts: Vec<Vec<u8>> =
                [0, 1, DATA_LEN, DATA_LEN + 1, 5 * DATA_LEN].iter().map(|&len| vec![round; len]).collect();
            let stored: Vec<Stored> = texts.iter().map(|text| pool.store(text).unwrap()).collect();
            for (stored, text) in stored.iter().zip(&texts) {
                assert_eq!(pool.read(stored), text);
            }
            stored.into_iter().for_each(|stored| pool.release(stored));
            assert_eq!((pool.blocks.len(), pool.free_count), (9, 9));
        }
    }

    #[test]
    fn a_full_pool_takes_nothing_it_cannot_hold_whole() {
        let mut pool = Pool::new(3 * BLOCK_LEN);
        let two = pool.store(&[1; 2 * DATA_LEN]).unwrap();
        assert_eq!(pool.store(&[2; DATA_LEN + 1]), None);
        let one = pool.store(&[2; DATA_LEN]).unwrap();
        assert_eq!(pool.store(&[3]), None);
        pool.release(two);
        let again = pool.store(&[4; DATA_LEN + 1]).unwrap();
        assert_eq!(pool.reserved_bytes(), 3 * BLOCK_LEN);
        assert_eq!(pool.read(&one), [2; DATA_LEN]);
        assert_eq!(pool.read(&again), [4; DATA_LEN + 1]);
    }
}
