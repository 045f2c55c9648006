//! Where samples live: chunks of one cache line, chained, in one bounded pool per plugin, so that a flow pays for the
//! samples that it has and no packet allocates.

use weir_flow::Timestamp;
use weir_flow::plugin::{reserve_up_to, touch_reserved};

/// What is kept of one packet.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Sample {
    pub(super) time: Timestamp,
    pub(super) length: u16,
    pub(super) tcp_flags: u8,
    /// +1 source to destination, -1 the other way.
    pub(super) direction: i8,
}

const PER_CHUNK: usize = 5;

/// Number of a chunk, counted from 1; 0 is none.
type Link = u32;

#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
struct Chunk {
    // As columns, so that five samples and the link fill a cache line without padding.
    times: [Timestamp; PER_CHUNK],
    lengths: [u16; PER_CHUNK],
    tcp_flags: [u8; PER_CHUNK],
    directions: [i8; PER_CHUNK],
    next: Link,
}

const _: () = assert!(size_of::<Chunk>() == 64, "a chunk is a cache line");

/// The samples of one record.
#[derive(Default, Debug)]
pub(super) struct Samples {
    first: Link,
    last: Link,
    count: u32,
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }
}

/// All chunks of one plugin. Memory is reserved at start and touched only as it is used.
pub(super) struct Pool {
    chunks: Vec<Chunk>,
    capacity: usize,
    free: Link,
}

impl Pool {
    /// A pool for `records` records of at most `samples` samples each, and of at most `bytes` bytes.
    pub(super) fn new(records: usize, samples: usize, bytes: usize) -> Pool {
        let wanted = records.saturating_mul(samples.div_ceil(PER_CHUNK));
        let capacity = wanted.min(bytes / size_of::<Chunk>()).clamp(1, Link::MAX as usize - 1);
        let chunks: Vec<Chunk> = reserve_up_to(capacity);
        Pool { capacity: chunks.capacity().min(capacity), chunks, free: 0 }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>()
    }

    /// Brings all that is reserved into RAM.
    pub(super) fn touch(&mut self) {
        touch_reserved(&mut self.chunks);
    }

    fn chunk(&mut self) -> Option<Link> {
        if self.free != 0 {
            let link = self.free;
            let chunk = &mut self.chunks[link as usize - 1];
            self.free = chunk.next;
            chunk.next = 0;
            Some(link)
        } else if self.chunks.len() < self.capacity {
            self.chunks.push(Chunk::default());
            Some(self.chunks.len() as Link)
        } else {
            None
        }
    }

    /// Adds a sample; `false` if the pool has no place left.
    #[inline]
    pub(super) fn push(&mut self, samples: &mut Samples, sample: Sample) -> bool {
        let place = samples.len() % PER_CHUNK;
        if place == 0 {
            let Some(link) = self.chunk() else { return false };
            match samples.last {
                0 => samples.first = link,
                last => self.chunks[last as usize - 1].next = link,
            }
            samples.last = link;
        }
        let chunk = &mut self.chunks[samples.last as usize - 1];
        chunk.times[place] = sample.time;
        chunk.lengths[place] = sample.length;
        chunk.tcp_flags[place] = sample.tcp_flags;
        chunk.directions[place] = sample.direction;
        samples.count += 1;
        true
    }

    /// Appends the samples to `columns`, in order.
    pub(super) fn read(&self, samples: &Samples, columns: &mut Columns) {
        columns.clear();
        let (mut link, mut left) = (samples.first, samples.len());
        while left > 0 {
            let chunk = &self.chunks[link as usize - 1];
            let count = left.min(PER_CHUNK);
            columns.times.extend_from_slice(&chunk.times[..count]);
            columns.lengths.extend_from_slice(&chunk.lengths[..count]);
            columns.tcp_flags.extend_from_slice(&chunk.tcp_flags[..count]);
            columns.directions.extend_from_slice(&chunk.directions[..count]);
            link = chunk.next;
            left -= count;
        }
    }

    /// Takes the places of `samples` back.
    pub(super) fn release(&mut self, samples: Samples) {
        if samples.last != 0 {
            self.chunks[samples.last as usize - 1].next = self.free;
            self.free = samples.first;
        }
    }
}

/// Samples as the lists of a record.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) lengths: Vec<u16>,
    pub(super) times: Vec<Timestamp>,
    pub(super) tcp_flags: Vec<u8>,
    pub(super) directions: Vec<i8>,
}

impl Columns {
    fn clear(&mut self) {
        self.lengths.clear();
        self.times.clear();
        self.tcp_flags.clear();
        self.directions.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(length: u16) -> Sample {
        Sample { time: Timestamp::new(length.into(), 0), length, tcp_flags: 1, direction: -1 }
    }

    #[test]
    fn samples_come_back_in_order_and_places_are_used_again() {
        let mut pool = Pool::new(2, 12, usize::MAX);
        for round in 0..5 {
            let (mut a, mut b) = (Samples::default(), Samples::default());
            for i in 0..12 {
                assert!(pool.push(&mut a, sample(round * 100 + i)));
                assert!(pool.push(&mut b, sample(round * 100 + 50 + i)));
            }
            let mut columns = Columns::default();
            pool.read(&a, &mut columns);
            assert_eq!(columns.lengths, (0..12).map(|i| round * 100 + i).collect::<Vec<_>>());
            pool.read(&b, &mut columns);
            assert_eq!(columns.lengths, (0..12).map(|i| round * 100 + 50 + i).collect::<Vec<_>>());
            assert_eq!((columns.tcp_flags.len(), columns.directions), (12, vec![-1; 12]));
            pool.release(a);
            pool.release(b);
            assert_eq!(pool.chunks.len(), 6);
        }
    }

    #[test]
    fn a_full_pool_takes_no_more() {
        let mut pool = Pool::new(100, 30, 64);
        let mut samples = Samples::default();
        assert_eq!((0..7).filter(|&i| pool.push(&mut samples, sample(i))).count(), 5);
        assert_eq!(samples.len(), 5);
        pool.release(samples);
        assert!(pool.push(&mut Samples::default(), sample(1)));
    }
}
