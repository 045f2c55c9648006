//! Messages as blocks of LZ4 in a stream, as ipfixcol2 reads them.
//!
//! A stream begins with a magic number and the size of the history that the receiver should keep. Every block has its length after and
//! before decompression. A block may refer to what came before it in the stream; these do not.

use lz4_flex::block::{compress_into, get_maximum_output_size};

use super::Framing;

const MAGIC: &[u8; 4] = b"LZ4c";

/// Compresses each message into a block of its own.
#[derive(Debug)]
pub struct Lz4 {
    /// The history that the receiver is asked to keep, octets.
    history: u32,
    is_new: bool,
}

impl Lz4 {
    /// For messages of at most `longest` octets, with a buffer of `buffer` octets before compression, at least three messages long.
    /// The receiver is told the sum of this and of the room for a compressed message.
    pub fn new(longest: usize, buffer: usize) -> Lz4 {
        let history = buffer.max(3 * longest) + get_maximum_output_size_of_lz4(longest) + 16;
        Lz4 { history: u32::try_from(history).unwrap_or(u32::MAX), is_new: true }
    }
}

/// What LZ4 makes of `length` octets in the worst case, by its own documentation.
const fn get_maximum_output_size_of_lz4(length: usize) -> usize {
    length + length / 255 + 16
}

impl Framing for Lz4 {
    fn restart(&mut self) {
        self.is_new = true;
    }

    fn put(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_new) {
            out.extend_from_slice(MAGIC);
            out.extend_from_slice(&self.history.to_be_bytes());
        }
        let begin = out.len();
        out.resize(begin + 4 + get_maximum_output_size(message.len()), 0);
        // There is as much room as there can be need.
        let compressed = compress_into(message, &mut out[begin + 4..]).unwrap_or(0);
        out[begin..begin + 2].copy_from_slice(&(message.len() as u16).to_be_bytes());
        out[begin + 2..begin + 4].copy_from_slice(&(compressed as u16).to_be_bytes());
        out.truncate(begin + 4 + compressed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_stream_begins_with_a_magic_number_and_every_message_is_a_block() {
        let mut lz4 = Lz4::new(1458, 0);
        let message = [b"0123456789abcdef".as_slice(); 20].concat();
        let mut stream = Vec::new();
        lz4.put(&message, &mut stream);
        assert_eq!(stream[..8], *b"LZ4c\0\0\x16\xed", "5869 octets, as in the reference");
        let second = stream.len();
        lz4.put(&message, &mut stream);
        let block = &stream[second..];
        assert_eq!(block[..2], 320u16.to_be_bytes());
        assert_eq!(u16::from_be_bytes([block[2], block[3]]) as usize, block.len() - 4);
        assert_eq!(stream[8..second], *block, "blocks do not refer to each other");
        assert_eq!(lz4_flex::block::decompress(&block[4..], 320).unwrap(), message);
        lz4.restart();
        let third = stream.len();
        lz4.put(&message, &mut stream);
        assert_eq!(stream[third..third + 4], *MAGIC);
    }

    #[test]
    fn a_larger_buffer_is_told_to_the_receiver() {
        let mut stream = Vec::new();
        Lz4::new(1458, 100_000).put(b"x", &mut stream);
        assert_eq!(stream[4..8], (100_000u32 + 1495).to_be_bytes());
    }
}
