//! What is held of one flow. All of it, the lists too, lies in the arena.

use arrayvec::ArrayVec;

use super::SEGMENT_LIMIT;
use super::arena::{Arena, BLOCK_BYTES, Piece};

/// A segment that came early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early {
    pub(super) sequence: u32,
    pub(super) bytes: Piece,
}

/// A list of segments: as many as may be held, and the one too many.
pub(super) type EarlyList = ArrayVec<Early, { SEGMENT_LIMIT + 1 }>;

const EARLY_BYTES: usize = 5 * size_of::<u32>();
/// The number of a plugin, and where its bytes start.
const WANTED_BYTES: usize = 1 + size_of::<u32>();

// No entry lies across blocks.
const _: () = assert!(BLOCK_BYTES.is_multiple_of(EARLY_BYTES) && BLOCK_BYTES.is_multiple_of(WANTED_BYTES));

impl Early {
    fn to_bytes(self) -> [u8; EARLY_BYTES] {
        let [first, last, start, len] = self.bytes.to_words();
        let mut bytes = [0; EARLY_BYTES];
        for (to, word) in bytes.chunks_exact_mut(4).zip([self.sequence, first, last, start, len]) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Early {
        let mut words = [0; 5];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32_of(from);
        }
        let [sequence, piece @ ..] = words;
        Early { sequence, bytes: Piece::from_words(piece) }
    }
}

/// The number in four bytes of the arena.
fn u32_of(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_ne_bytes)
}

/// What is held for one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Bytes in order, from the first that some plugin wants to see again.
    pub(super) bytes: Piece,
    /// The plugin that wants to see bytes again, and where they start: the first, if there are several.
    wanted: Option<(u8, u32)>,
    /// The same for each of the others.
    more_wanted: Piece,
    /// The list of segments that came early, by sequence number.
    early: Piece,
    early_bytes: u32,
}

/// What is held for both directions.
#[derive(Debug, Default)]
pub(super) struct HeldFlow {
    pub(super) sides: [Side; 2],
}

impl Side {
    /// Bytes held, in order and early.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.early_bytes()
    }

    pub(super) fn early_bytes(&self) -> usize {
        self.early_bytes as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.early.is_empty()
    }

    /// Forgets the bytes in order.
    pub(super) fn forget(&mut self, arena: &mut Arena) {
        arena.release(&mut self.bytes);
        arena.release(&mut self.more_wanted);
        self.wanted = None;
    }

    /// Forgets everything.
    pub(super) fn release(&mut self, arena: &mut Arena) {
        self.forget(arena);
        self.set_early(arena, EarlyList::new());
    }

    /// How many more blocks it takes that the last `kept` bytes followed by `fresh` are held, for so many plugins.
    pub(super) fn blocks_to_keep(&self, kept: usize, fresh: usize, plugins: usize) -> usize {
        let bytes = if kept == 0 { &Piece::default() } else { &self.bytes };
        Arena::blocks_to_append(bytes, fresh)
            + (plugins.saturating_sub(1) * WANTED_BYTES).div_ceil(BLOCK_BYTES)
    }

    /// Holds the last `kept` bytes followed by `fresh`, for plugins that want to see so many of them again each. There must be
    /// room; without it nothing is held.
    pub(super) fn keep(&mut self, arena: &mut Arena, kept: usize, fresh: &[u8], retained: &[(u8, usize)]) {
        arena.release(&mut self.more_wanted);
        arena.keep_last(&mut self.bytes, kept);
        let mut fits = arena.append(&mut self.bytes, fresh);
        let len = self.bytes.len();
        let mut wanted = (retained.iter().filter(|r| r.1 > 0))
            .map(|&(plugin, bytes)| (plugin, len.saturating_sub(bytes) as u32));
        self.wanted = wanted.next();
        for (plugin, from) in wanted {
            let [a, b, c, d] = from.to_ne_bytes();
            fits &= arena.append(&mut self.more_wanted, &[plugin, a, b, c, d]);
        }
        if !fits {
            self.forget(arena);
        }
    }

    /// Where the bytes start that `plugin` wants to see again, if it wants any.
    pub(super) fn wanted_from(&self, arena: &Arena, plugin: usize) -> Option<usize> {
        let more = arena.chunks(&self.more_wanted).flat_map(|chunk| chunk.chunks_exact(WANTED_BYTES));
        let mut wanted = self.wanted.into_iter().chain(more.map(|w| (w[0], u32_of(&w[1..]))));
        wanted.find(|w| w.0 as usize == plugin).map(|w| w.1 as usize)
    }

    /// The segments that came early, by sequence number.
    fn early_segments(&self, arena: &Arena) -> impl Iterator<Item = Early> {
        arena.chunks(&self.early).flat_map(|chunk| chunk.chunks_exact(EARLY_BYTES)).map(Early::from_bytes)
    }

    pub(super) fn early(&self, arena: &Arena) -> EarlyList {
        self.early_segments(arena).take(SEGMENT_LIMIT + 1).collect()
    }

    pub(super) fn first_early(&self, arena: &Arena) -> Option<Early> {
        self.early_segments(arena).next()
    }

    /// How many more blocks a further early segment takes.
    pub(super) fn blocks_to_hold(&self, len: usize) -> usize {
        Arena::blocks_to_append(&Piece::default(), len) + Arena::blocks_to_append(&self.early, EARLY_BYTES)
    }

    /// Adds a segment to `list`, which is [`Side::early`], at `place`. There must be room; without it the segment is not held.
    pub(super) fn hold_early(
        &mut self,
        arena: &mut Arena,
        mut list: EarlyList,
        place: usize,
        sequence: u32,
        segment: &[u8],
    ) {
        let mut bytes = Piece::default();
        if !list.is_full() && arena.append(&mut bytes, segment) {
            list.insert(place, Early { sequence, bytes });
            self.set_early(arena, list);
        }
    }

    /// Gives up the early segments that begin before `next`.
    pub(super) fn forget_early_before(&mut self, arena: &mut Arena, next: u32) {
        let list = self.early(arena);
        self.set_early(arena, list.into_iter().filter(|e| !is_before(e.sequence, next)).collect());
    }

    /// Appends the early segments that continue the stream at `next` to `joined` and gives them up; answers with the sequence
    /// number behind them.
    pub(super) fn join_early(&mut self, arena: &mut Arena, mut next: u32, joined: &mut Vec<u8>) -> u32 {
        if self.early.is_empty() {
            return next;
        }
        let list = self.early(arena);
        let mut count = 0;
        for early in &list {
            if is_before(next, early.sequence) {
                break;
            }
            let overlap = next.wrapping_sub(early.sequence) as usize;
            arena.read(&early.bytes, overlap, joined);
            next = next.wrapping_add(early.bytes.len().saturating_sub(overlap) as u32);
            count += 1;
        }
        self.set_early(arena, list.into_iter().skip(count).collect());
        next
    }

    /// `list` are the early segments from now on; those that are not in it are given up.
    fn set_early(&mut self, arena: &mut Arena, list: EarlyList) {
        for mut old in self.early(arena) {
            if !list.iter().any(|e| e.bytes == old.bytes) {
                arena.release(&mut old.bytes);
            }
        }
        arena.release(&mut self.early);
        self.early_bytes = 0;
        for early in list {
            if arena.append(&mut self.early, &early.to_bytes()) {
                self.early_bytes += early.bytes.len() as u32;
            } else {
                arena.release(&mut { early.bytes });
            }
        }
    }
}

/// Whether one sequence number comes before another.
pub(super) fn is_before(sequence: u32, other: u32) -> bool {
    (sequence.wrapping_sub(other) as i32) < 0
}
