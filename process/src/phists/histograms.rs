//! The histograms of one record: 16-bit counters, and the rare carry out of one of them elsewhere, so that what a packet
//! changes lies within one or two cache lines.

use weir_flow::Direction;

use crate::pool::{Linked, Place, Pool};

/// Bins of each histogram: below 16, 32, 64, … 1024, and the rest.
pub(super) const BINS: usize = 8;

/// Both histograms of a direction: lengths, then times.
type Counters = [u16; 2 * BINS];

#[derive(Clone, Copy)]
struct Side {
    counters: Counters,
    /// When its latest packet came, in milliseconds since the first packet of the record.
    latest_ms: i32,
}

/// No packet of this direction has come.
const NEVER: i32 = i32::MIN;

/// What is kept of one record.
pub(super) struct Histograms {
    /// By [`Direction::index`].
    sides: [Side; 2],
    /// The upper halves of the counters, once one of them has run over.
    carries: Option<Place>,
}

impl Default for Histograms {
    fn default() -> Histograms {
        Histograms { sides: [Side { counters: [0; 2 * BINS], latest_ms: NEVER }; 2], carries: None }
    }
}

/// The bin of a length in bytes or of a time in milliseconds.
const fn bin(value: u32) -> usize {
    // Whatever is below 16 has its highest bit at place 3.
    let bin = (value | 8).ilog2() as usize - 3;
    if bin < BINS { bin } else { BINS - 1 }
}

impl Histograms {
    /// Takes in a packet of `length` bytes, so many milliseconds after the first one of the record.
    #[inline]
    pub(super) fn count(
        &mut self,
        direction: Direction,
        length: u32,
        since_first_ms: i32,
        carries: &mut CarryPool,
    ) {
        let side = &mut self.sides[direction.index()];
        let latest_ms = std::mem::replace(&mut side.latest_ms, since_first_ms);
        self.increment(direction, bin(length), carries);
        if latest_ms != NEVER {
            // A packet from before the latest one comes no time after it.
            let pause_ms = (i64::from(since_first_ms) - i64::from(latest_ms)).max(0) as u32;
            self.increment(direction, BINS + bin(pause_ms), carries);
        }
    }

    #[inline]
    fn increment(&mut self, direction: Direction, counter: usize, carries: &mut CarryPool) {
        let low = &mut self.sides[direction.index()].counters[counter];
        match low.checked_add(1) {
            Some(more) => *low = more,
            None => {
                if carries.carry(&mut self.carries, direction, counter) {
                    *low = 0;
                }
            }
        }
    }

    /// The four lists, in the order of the schema.
    pub(super) fn lists(&self, carries: &CarryPool) -> [[u32; BINS]; 4] {
        let mut lists = [[0; BINS]; 4];
        for (side, low) in self.sides.iter().enumerate() {
            let high = carries.get(self.carries, side);
            for counter in 0..2 * BINS {
                let value = u32::from(high[counter]) << 16 | u32::from(low.counters[counter]);
                lists[2 * side + counter / BINS][counter % BINS] = value;
            }
        }
        lists
    }

    pub(super) fn release(self, carries: &mut CarryPool) {
        carries.pool.release_chain(self.carries);
    }
}

/// The upper halves of the counters of one record.
struct Carries {
    counters: [Counters; 2],
    next_free: Option<Place>,
}

impl Linked for Carries {
    fn next(&self) -> Option<Place> {
        self.next_free
    }
    fn set_next(&mut self, next: Option<Place>) {
        self.next_free = next;
    }
}

/// Where the carries of all records lie.
pub(super) struct CarryPool {
    pool: Pool<Carries>,
}

/// One record in so many can have a counter above 65,535. To use that up takes 2³² packets in a table of 2²⁰ records;
/// then further counters stay at 65,535.
const RECORDS_PER_CARRIES: usize = 16;

impl CarryPool {
    pub(super) fn new(records: usize) -> CarryPool {
        CarryPool { pool: Pool::new(records.div_ceil(RECORDS_PER_CARRIES)) }
    }

    /// Adds one to the upper half of a counter; `false` if there is no room, or if it is at its greatest.
    #[cold]
    fn carry(&mut self, place: &mut Option<Place>, direction: Direction, counter: usize) -> bool {
        if place.is_none() {
            *place = self.pool.insert(Carries { counters: [[0; 2 * BINS]; 2], next_free: None }).ok();
        }
        let Some(place) = *place else { return false };
        let high = &mut self.pool.get_mut(place).counters[direction.index()][counter];
        let more = high.checked_add(1);
        *high = more.unwrap_or(*high);
        more.is_some()
    }

    fn get(&self, place: Option<Place>, side: usize) -> Counters {
        place.map_or([0; 2 * BINS], |place| self.pool.get(place).counters[side])
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.pool.reserved_bytes()
    }

    pub(super) fn refused(&self) -> u64 {
        self.pool.refused()
    }

    pub(super) fn touch(&mut self) {
        self.pool.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_double() {
        let bins = [0, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, u32::MAX].map(bin);
        assert_eq!(bins, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
    }

    #[test]
    fn counters_run_over_into_carries_and_stay_where_there_is_no_room() {
        let mut carries = CarryPool::new(1);
        let (mut one, mut other) = (Histograms::default(), Histograms::default());
        for _ in 0..200_000 {
            one.count(Direction::Reverse, 1000, 0, &mut carries);
        }
        for _ in 0..200_000 {
            other.count(Direction::Forward, 20, 0, &mut carries);
        }
        assert_eq!(one.lists(&carries)[2], [0, 0, 0, 0, 0, 0, 200_000, 0]);
        assert_eq!(one.lists(&carries)[3], [199_999, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(one.lists(&carries)[0], [0; 8]);
        assert_eq!(other.lists(&carries)[0], [0, 65_535, 0, 0, 0, 0, 0, 0]);
        one.release(&mut carries);
        other.count(Direction::Forward, 20, 0, &mut carries);
        assert_eq!(other.lists(&carries)[0], [0, 65_536, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn counters_stay_at_the_greatest_number() {
        let mut carries = CarryPool::new(1);
        let mut histograms = Histograms::default();
        histograms.sides[0].counters[0] = u16::MAX;
        let full = Carries { counters: [[u16::MAX; 2 * BINS]; 2], next_free: None };
        histograms.carries = carries.pool.insert(full).ok();
        histograms.count(Direction::Forward, 0, 0, &mut carries);
        assert_eq!(histograms.lists(&carries)[0][0], u32::MAX);
    }
}
