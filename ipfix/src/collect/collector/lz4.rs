//! Blocks of LZ4 in a stream, as ipfixprobe and its kin send them to ipfixcol2.
//!
//! Behind a magic number and the size of the history that the sender recommends, there is block after block, each with its length after
//! and before decompression. A block may refer to the 64 KiB before it. The magic number may come again in place of a block: it
//! empties the history.

use std::io::{self, Read};

use lz4_flex::block::decompress_into_with_dict;
use thiserror::Error;

/// With what a stream begins. No message does.
pub(super) const MAGIC: &[u8; 4] = b"LZ4c";

/// The magic number and the recommended size. What is kept does not depend on that.
const MAGIC_LEN: usize = 8;

/// The length of a block after decompression, and that of what follows.
const BLOCK_HEADER_LEN: usize = 4;

/// Room for the longest block and a magic number before it.
const ROOM: usize = MAGIC_LEN + BLOCK_HEADER_LEN + u16::MAX as usize;

/// How far back a block can refer.
const HISTORY: usize = 64 << 10;

/// Room for the history and several blocks, so that it is moved once in a while only.
const DECOMPRESSED: usize = 4 * HISTORY;

/// Why a stream of LZ4 cannot be read any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Lz4Error {
    /// A block is not one, refers to what has not been, or is longer than it says.
    #[error("a block of LZ4 that should be {0} octets long cannot be decompressed")]
    Block(u16),
    /// A block is shorter than it says.
    #[error("a block of LZ4 is {actual} octets long, and not {expected}")]
    Length {
        /// Octets that it should have.
        expected: u16,
        /// Octets that it has.
        actual: usize,
    },
}

/// A compressed stream.
#[derive(Debug)]
pub(super) struct Lz4 {
    /// What has come: less than a block, unless something was just added.
    compressed: Box<[u8]>,
    len: usize,
    /// Where in it the next block or magic number begins.
    begin: usize,
    /// Whether a magic number was just read, behind which there is a block.
    is_after_magic: bool,
    history: History,
}

impl Lz4 {
    /// A stream that begins with `first`.
    pub(super) fn new(first: &[u8]) -> Lz4 {
        let mut compressed = vec![0; ROOM.max(first.len())];
        compressed[..first.len()].copy_from_slice(first);
        Lz4 {
            compressed: compressed.into(),
            len: first.len(),
            begin: 0,
            is_after_magic: false,
            history: History { octets: vec![0; DECOMPRESSED].into(), end: 0 },
        }
    }

    /// Whether there is no part of a block.
    pub(super) const fn is_empty(&self) -> bool {
        self.begin == self.len && !self.is_after_magic
    }

    /// Adds what `source` has, and says how much that is. To be called when there is no whole block.
    pub(super) fn read(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.compressed.copy_within(self.begin..self.len, 0);
        self.len -= self.begin;
        self.begin = 0;
        let count = source.read(&mut self.compressed[self.len..])?;
        self.len += count;
        Ok(count)
    }

    /// The next block, decompressed; `None` if it has not come whole.
    pub(super) fn next_block(&mut self) -> Result<Option<&[u8]>, Lz4Error> {
        let mut rest = &self.compressed[self.begin..self.len];
        if !self.is_after_magic && rest.starts_with(MAGIC) {
            let Some(behind) = rest.get(MAGIC_LEN..) else { return Ok(None) };
            rest = behind;
            self.begin += MAGIC_LEN;
            self.is_after_magic = true;
            self.history.end = 0;
        }
        let Some((&[length @ .., high, low], rest)) = rest.split_first_chunk::<BLOCK_HEADER_LEN>() else {
            return Ok(None);
        };
        let compressed_len = u16::from_be_bytes([high, low]).into();
        let Some(block) = rest.get(..compressed_len) else { return Ok(None) };
        self.begin += BLOCK_HEADER_LEN + compressed_len;
        self.is_after_magic = false;
        self.history.decompress(block, u16::from_be_bytes(length)).map(Some)
    }
}

/// What has been decompressed.
#[derive(Debug)]
struct History {
    octets: Box<[u8]>,
    /// Where the last block ends.
    end: usize,
}

impl History {
    /// Appends a block that is to be `expected` octets long.
    fn decompress(&mut self, block: &[u8], expected: u16) -> Result<&[u8], Lz4Error> {
        let length = usize::from(expected);
        if self.octets.len() - self.end < length {
            let kept = self.end.saturating_sub(HISTORY);
            self.octets.copy_within(kept..self.end, 0);
            self.end -= kept;
        }
        let (before, room) = self.octets.split_at_mut(self.end);
        let room = &mut room[..length];
        let actual = decompress_into_with_dict(block, room, before).map_err(|_| Lz4Error::Block(expected))?;
        if actual != length {
            return Err(Lz4Error::Length { expected, actual });
        }
        self.end += length;
        Ok(room)
    }
}
