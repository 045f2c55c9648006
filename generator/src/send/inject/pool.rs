//! Frames one behind the other, in pieces that a program in the kernel can look up.

/// Bytes in a chunk.
pub(super) const CHUNK: usize = 1 << 20;

/// Before each frame stands its length in bytes, in the machine's byte order.
pub(super) const HEADER: usize = 4;

/// The shortest frame that a record holds: an Ethernet header.
pub(super) const SHORTEST: usize = 14;

/// The longest frame that a record holds.
pub(super) const LONGEST: usize = 2044;

/// A record does not begin behind this place in a chunk, but in the next one, so that it always fits. It begins at a multiple of 4.
pub(super) const LAST_BEGIN: usize = CHUNK - HEADER - LONGEST;

/// The frames, in order.
#[derive(Debug)]
pub(super) struct Pool {
    chunks: Vec<Vec<u8>>,
    frames: u64,
    only_usual_types: bool,
}

impl Pool {
    pub(super) fn new() -> Pool {
        Pool { chunks: Vec::new(), frames: 0, only_usual_types: true }
    }

    /// Whether all frames are of types that every kernel knows what to do with.
    pub(super) fn has_only_usual_types(&self) -> bool {
        self.only_usual_types
    }

    /// How many frames there are.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// The memory they take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Where they lie, at most [`CHUNK`] bytes each.
    pub(super) fn chunks(&self) -> &[Vec<u8>] {
        &self.chunks
    }

    /// Adds a frame of [`SHORTEST`] to [`LONGEST`] bytes.
    pub(super) fn push(&mut self, frame: &[u8]) {
        debug_assert!((SHORTEST..=LONGEST).contains(&frame.len()));
        if self.chunks.last().is_none_or(|chunk| chunk.len() > LAST_BEGIN) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.extend_from_slice(&(frame.len() as u32).to_ne_bytes());
            chunk.extend_from_slice(frame);
            chunk.resize(chunk.len().next_multiple_of(4), 0);
            self.frames += 1;
            self.only_usual_types &= is_usual(frame);
        }
    }
}

/// IPv4, ARP, 802.1Q, IPv6, 802.1ad.
const USUAL_TYPES: [[u8; 2]; 5] = [[0x08, 0x00], [0x08, 0x06], [0x81, 0x00], [0x86, 0xdd], [0x88, 0xa8]];

fn is_usual(frame: &[u8]) -> bool {
    frame.get(12..14).is_some_and(|found| USUAL_TYPES.iter().any(|usual| found == usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_another_type_is_noticed() {
        let mut pool = Pool::new();
        let mut frame = [0; 60];
        for kind in [0x0800_u16, 0x86dd, 0x8100] {
            frame[12..14].copy_from_slice(&kind.to_be_bytes());
            pool.push(&frame);
        }
        assert!(pool.has_only_usual_types());
        frame[12..14].copy_from_slice(&0x8847_u16.to_be_bytes());
        pool.push(&frame);
        assert!(!pool.has_only_usual_types());
    }

    #[test]
    fn no_record_crosses_the_end_of_a_chunk() {
        let mut pool = Pool::new();
        for number in 0..3000 {
            pool.push(&vec![7; SHORTEST + number % (LONGEST - SHORTEST + 1)]);
        }
        assert_eq!(pool.frames(), 3000);
        assert!(pool.chunks().len() > 2 && pool.size() == pool.chunks().len() * CHUNK);
        let full = &pool.chunks()[..pool.chunks().len() - 1];
        assert!(full.iter().all(|chunk| chunk.len() > LAST_BEGIN && chunk.len() <= CHUNK));
    }
}
