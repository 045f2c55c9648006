//! Where samples live: chunks of one cache line, chained, in one bounded pool per plugin, so that a flow pays for the
//! samples that it has and no packet allocates.

use weir_flow::Timestamp;

use crate::pool::{Linked, Place, Pool};

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

#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
struct Chunk {
    // As columns, so that five samples and the link fill a cache line without padding.
    times: [Timestamp; PER_CHUNK],
    lengths: [u16; PER_CHUNK],
    tcp_flags: [u8; PER_CHUNK],
    directions: [i8; PER_CHUNK],
    next: Option<Place>,
}

const _: () = assert!(size_of::<Chunk>() == 64, "a chunk is a cache line");

impl Linked for Chunk {
    fn next(&self) -> Option<Place> {
        self.next
    }
    fn set_next(&mut self, next: Option<Place>) {
        self.next = next;
    }
}

/// The samples of one record.
#[derive(Default, Debug)]
pub(super) struct Samples {
    /// The first and the last chunk.
    ends: Option<(Place, Place)>,
    count: u32,
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }
}

/// The chunks of all records.
pub(super) struct SamplePool {
    chunks: Pool<Chunk>,
}

impl SamplePool {
    /// A pool for `records` records of at most `samples` samples each, and of at most `bytes` bytes.
    pub(super) fn new(records: usize, samples: usize, bytes: usize) -> SamplePool {
        let wanted = records.saturating_mul(samples.div_ceil(PER_CHUNK));
        SamplePool { chunks: Pool::new(wanted.min(bytes / size_of::<Chunk>())) }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.chunks.reserved_bytes()
    }

    pub(super) fn refused(&self) -> u64 {
        self.chunks.refused()
    }

    /// Brings all that is reserved into RAM.
    pub(super) fn touch(&mut self) {
        self.chunks.touch();
    }

    /// The chunk for the next sample, where it is the `place`-th; `None` if there is no room for one.
    #[inline]
    fn chunk(&mut self, samples: &mut Samples, place: usize) -> Option<&mut Chunk> {
        let chunk = match samples.ends {
            Some((_, last)) if place > 0 => last,
            ends => {
                let chunk = self.chunks.insert(Chunk::default()).ok()?;
                if let Some((_, last)) = ends {
                    self.chunks.get_mut(last).next = Some(chunk);
                }
                samples.ends = Some((ends.map_or(chunk, |(first, _)| first), chunk));
                chunk
            }
        };
        Some(self.chunks.get_mut(chunk))
    }

    /// Adds a sample; `false` if there is no room for it.
    #[inline]
    pub(super) fn push(&mut self, samples: &mut Samples, sample: Sample) -> bool {
        let place = samples.len() % PER_CHUNK;
        let Some(chunk) = self.chunk(samples, place) else { return false };
        chunk.times[place] = sample.time;
        chunk.lengths[place] = sample.length;
        chunk.tcp_flags[place] = sample.tcp_flags;
        chunk.directions[place] = sample.direction;
        samples.count += 1;
        true
    }

    /// Puts the samples into `columns`, in order.
    pub(super) fn read(&self, samples: &Samples, columns: &mut Columns) {
        columns.clear();
        let mut left = samples.len();
        for chunk in self.chunks.chain(samples.ends.map(|(first, _)| first)) {
            let count = left.min(PER_CHUNK);
            columns.times.extend_from_slice(&chunk.times[..count]);
            columns.lengths.extend_from_slice(&chunk.lengths[..count]);
            columns.tcp_flags.extend_from_slice(&chunk.tcp_flags[..count]);
            columns.directions.extend_from_slice(&chunk.directions[..count]);
            left -= count;
        }
    }

    /// Takes the places of `samples` back.
    pub(super) fn release(&mut self, samples: Samples) {
        if let Some((first, last)) = samples.ends {
            self.chunks.release(first, last);
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
        let mut pool = SamplePool::new(2, 12, usize::MAX);
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
            assert_eq!(pool.chunks.used(), 6);
        }
    }

    #[test]
    fn a_full_pool_takes_no_more() {
        let mut pool = SamplePool::new(100, 30, 64);
        let mut samples = Samples::default();
        assert_eq!((0..7).filter(|&i| pool.push(&mut samples, sample(i))).count(), 5);
        assert_eq!(samples.len(), 5);
        pool.release(samples);
        assert!(pool.push(&mut Samples::default(), sample(1)));
    }
}
