//! Where bytes of records lie whose number varies: blocks of fixed size, chained, in the bounded pool, so that a record pays for what
//! it has and no packet allocates.

use crate::pool::{Linked, Place, Pool};

/// Bytes of a block with the place of the next. What is kept of most ClientHellos fits into two.
const BLOCK_LEN: usize = 128;
const DATA_LEN: usize = BLOCK_LEN - size_of::<Option<Place>>();

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Block {
    data: [u8; DATA_LEN],
    next: Option<Place>,
}

const _: () = assert!(size_of::<Block>() == BLOCK_LEN, "a block is two cache lines");

impl Linked for Block {
    fn next(&self) -> Option<Place> {
        self.next
    }
    fn set_next(&mut self, next: Option<Place>) {
        self.next = next;
    }
}

/// Some bytes in the blocks.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Stored {
    first: Option<Place>,
    len: u32,
}

/// The blocks of one plugin.
pub(super) struct Blocks {
    pool: Pool<Block>,
    read: Vec<u8>,
}

impl Blocks {
    /// Blocks of at most `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Blocks {
        Blocks { pool: Pool::new(bytes / BLOCK_LEN), read: Vec::new() }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.pool.reserved_bytes()
    }

    /// How many times something found no room.
    pub(super) fn refused(&self) -> u64 {
        self.pool.refused()
    }

    /// Brings all that is reserved into RAM.
    pub(super) fn touch(&mut self) {
        self.pool.touch();
    }

    /// Stores `bytes`, if there is room for all of them.
    pub(super) fn store(&mut self, bytes: &[u8]) -> Option<Stored> {
        let mut first = None;
        // From the last to the first, so that each knows its next.
        for part in bytes.chunks(DATA_LEN).rev() {
            let mut data = [0; DATA_LEN];
            data[..part.len()].copy_from_slice(part);
            match self.pool.insert(Block { data, next: first }) {
                Ok(place) => first = Some(place),
                Err(_) => {
                    self.pool.release_chain(first);
                    return None;
                }
            }
        }
        Some(Stored { first, len: bytes.len() as u32 })
    }

    /// The bytes.
    pub(super) fn read(&mut self, stored: &Stored) -> &[u8] {
        self.read.clear();
        for block in self.pool.chain(stored.first) {
            let left = stored.len as usize - self.read.len();
            self.read.extend_from_slice(&block.data[..left.min(DATA_LEN)]);
        }
        &self.read
    }

    /// Takes the room of the bytes back.
    pub(super) fn release(&mut self, stored: Stored) {
        self.pool.release_chain(stored.first);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_come_back_and_room_is_used_again() {
        let mut blocks = Blocks::new(20 * BLOCK_LEN);
        for round in 0..5u8 {
            let texts: Vec<Vec<u8>> =
                [0, 1, DATA_LEN, DATA_LEN + 1, 5 * DATA_LEN].iter().map(|&len| vec![round; len]).collect();
            let stored: Vec<Stored> = texts.iter().map(|text| blocks.store(text).unwrap()).collect();
            for (stored, text) in stored.iter().zip(&texts) {
                assert_eq!(blocks.read(stored), text);
            }
            stored.into_iter().for_each(|stored| blocks.release(stored));
            assert_eq!(blocks.pool.used(), 9, "each round has the room of the one before");
        }
    }

    #[test]
    fn full_blocks_take_nothing_they_cannot_hold_whole() {
        let mut blocks = Blocks::new(3 * BLOCK_LEN);
        let two = blocks.store(&[1; 2 * DATA_LEN]).unwrap();
        assert_eq!(blocks.store(&[2; DATA_LEN + 1]), None);
        let one = blocks.store(&[2; DATA_LEN]).unwrap();
        assert_eq!(blocks.store(&[3]), None);
        blocks.release(two);
        let again = blocks.store(&[4; DATA_LEN + 1]).unwrap();
        assert_eq!(blocks.reserved_bytes(), 3 * BLOCK_LEN);
        assert_eq!(blocks.refused(), 2);
        assert_eq!(blocks.read(&one), [2; DATA_LEN]);
        assert_eq!(blocks.read(&again), [4; DATA_LEN + 1]);
    }
}
