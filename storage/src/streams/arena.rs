//! Where held bytes are: blocks of equal size in one array of fixed size, chained into pieces.
//!
//! Any free block serves any piece, so that nothing fragments: whether there is room is a matter of how many blocks are free, and making
//! room for n bytes never costs others much more than n. (Measured with contiguous pieces, whose places a general allocator hands out: in
//! a flood of small ones room for 16 KiB cost up to 4035 others 34 times as much.)

use crate::memory::{ZeroIsValid, Zeroed};

/// Bytes of a piece that a block holds. Smaller blocks waste less behind the end of a piece, larger ones are read faster:
/// a line of 7 KiB in segments of ten bytes, each shown with all before it, takes 690 ns a segment with 60 bytes, 250 with 240.
pub(super) const BLOCK_BYTES: usize = 240;

/// Number of a block, counted from 1; 0 is none.
type Link = u32;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Block {
    /// The next of the piece, or the next free one.
    next: Link,
    bytes: [u8; BLOCK_BYTES],
}

// SAFETY: integers only.
#[allow(unsafe_code)]
unsafe impl ZeroIsValid for Block {}

/// Some bytes in an [`Arena`]. Must be given back with [`Arena::release`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    first: Link,
    last: Link,
    /// Bytes of the first block that belong to the piece no more.
    start: u32,
    len: u32,
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The piece as four numbers, so that pieces can be kept in pieces.
    pub(super) fn to_words(self) -> [u32; 4] {
        [self.first, self.last, self.start, self.len]
    }

    pub(super) fn from_words([first, last, start, len]: [u32; 4]) -> Piece {
        Piece { first, last, start, len }
    }

    /// Where the piece ends, counted from the beginning of its first block.
    fn end(&self) -> usize {
        self.start as usize + self.len as usize
    }

    fn blocks(&self) -> usize {
        self.end().div_ceil(BLOCK_BYTES)
    }
}

/// All blocks of a shard.
#[derive(Debug)]
pub(super) struct Arena {
    blocks: Zeroed<Block>,
    /// Blocks from this number on have never been used.
    unused: usize,
    /// The first of those that were used and are free again, and how many there are.
    free: Link,
    freed: usize,
}

impl Arena {
    /// An arena of at most `bytes` bytes of memory, up to a whole page; of a half, a quarter … of them if the system does not give more.
    pub(super) fn new(bytes: usize) -> Arena {
        let wanted = (bytes / size_of::<Block>()).min(Link::MAX as usize);
        Arena { blocks: Zeroed::up_to(wanted), unused: 0, free: 0, freed: 0 }
    }

    /// How many bytes pieces can have in all, if they fill their blocks.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    /// Bytes reserved. The arena never takes more.
    pub(super) fn reserved_bytes(&self) -> usize {
        self.blocks.bytes()
    }

    /// Brings the reserved memory into RAM.
    pub(super) fn touch(&mut self) {
        self.blocks.touch();
    }

    /// How many blocks are free.
    pub(super) fn free_blocks(&self) -> usize {
        self.blocks.len() - self.unused + self.freed
    }

    /// How many blocks there are.
    pub(super) fn all_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// How many more blocks `piece` needs for `more` bytes at its end.
    pub(super) fn blocks_to_append(piece: &Piece, more: usize) -> usize {
        (piece.end() + more).div_ceil(BLOCK_BYTES) - piece.blocks()
    }

    /// Adds bytes at the end of a piece. If there is not enough room, adds none and answers `false`.
    #[must_use]
    pub(super) fn append(&mut self, piece: &mut Piece, bytes: &[u8]) -> bool {
        if Arena::blocks_to_append(piece, bytes.len()) > self.free_blocks() {
            return false;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = piece.end() % BLOCK_BYTES;
            if at == 0 {
                self.extend(piece);
            }
            let room = &mut self.block(piece.last).bytes[at..];
            let (now, later) = rest.split_at(rest.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            piece.len += now.len() as u32;
            rest = later;
        }
        true
    }

    /// Forgets all bytes of a piece but the last `most`.
    pub(super) fn keep_last(&mut self, piece: &mut Piece, most: usize) {
        if most == 0 {
            return self.release(piece);
        }
        let surplus = piece.len().saturating_sub(most);
        let start = piece.start as usize + surplus;
        for _ in 0..start / BLOCK_BYTES {
            let block = piece.first;
            piece.first = self.blocks[block as usize - 1].next;
            self.give_back(block, block, 1);
        }
        piece.start = (start % BLOCK_BYTES) as u32;
        piece.len -= surplus as u32;
    }

    /// The bytes of a piece, block by block.
    pub(super) fn chunks<'a>(&'a self, piece: &Piece) -> impl Iterator<Item = &'a [u8]> {
        let Piece { first: mut link, start, .. } = *piece;
        let (mut start, mut left) = (start as usize, piece.len());
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let block = &self.blocks[link as usize - 1];
            let chunk = &block.bytes[start..(start + left).min(BLOCK_BYTES)];
            left -= chunk.len();
            (link, start) = (block.next, 0);
            Some(chunk)
        })
    }

    /// Appends the bytes of a piece from the one numbered `from` on to `to`.
    pub(super) fn read(&self, piece: &Piece, from: usize, to: &mut Vec<u8>) {
        let mut skip = from;
        for chunk in self.chunks(piece) {
            let skipped = skip.min(chunk.len());
            skip -= skipped;
            match <&[u8; BLOCK_BYTES]>::try_from(&chunk[skipped..]) {
                // A length that the compiler knows: no call.
                Ok(whole) => to.extend_from_slice(whole),
                Err(_) => to.extend_from_slice(&chunk[skipped..]),
            }
        }
    }

    /// Takes the place of a piece back, which is empty afterwards.
    pub(super) fn release(&mut self, piece: &mut Piece) {
        if !piece.is_empty() {
            self.give_back(piece.first, piece.last, piece.blocks());
        }
        *piece = Piece::default();
    }

    /// Gives a piece whose blocks are full one more. There must be a free one.
    fn extend(&mut self, piece: &mut Piece) {
        let link = match self.free {
            0 => {
                self.unused += 1;
                self.unused as Link
            }
            link => {
                self.free = self.block(link).next;
                self.freed -= 1;
                link
            }
        };
        match piece.last {
            0 => piece.first = link,
            last => self.block(last).next = link,
        }
        piece.last = link;
    }

    /// Takes a chain of `count` blocks back.
    fn give_back(&mut self, first: Link, last: Link, count: usize) {
        self.block(last).next = self.free;
        self.free = first;
        self.freed += count;
    }

    fn block(&mut self, link: Link) -> &mut Block {
        &mut self.blocks[link as usize - 1]
    }
}

#[cfg(test)]
mod tests;
