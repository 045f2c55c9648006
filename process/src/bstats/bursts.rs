//! The bursts of one direction: the latest one, and those before it in a pool.

use weir_flow::{Timestamp, Value};

use crate::pool::{Linked, Place, Pool};

/// Most bursts of a direction; what comes after them is not looked at.
const MAX_BURSTS: u8 = 15;
/// A burst of fewer packets is none.
const MIN_PACKETS: u32 = 3;
/// A burst ends with a pause of this length.
const PAUSE_US: u64 = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Burst {
    packets: u32,
    /// Of payload, as the headers tell it.
    bytes: u32,
    start: Timestamp,
    stop: Timestamp,
}

/// What is kept of one direction.
#[derive(Default)]
pub(super) struct Side {
    /// The latest burst, if it becomes one. Without packets before the first packet.
    candidate: Burst,
    /// The finished bursts, latest first.
    finished: Option<Place>,
    is_full: bool,
}

impl Side {
    /// Takes in a packet with payload.
    #[inline]
    pub(super) fn count(&mut self, bytes: u32, time: Timestamp, pool: &mut BurstPool) {
        if self.is_full {
            return;
        }
        let burst = &mut self.candidate;
        // Also a packet from before the latest one continues the burst.
        let continues = time.as_microseconds() < burst.stop.as_microseconds() + PAUSE_US;
        if burst.packets == 0 || !continues {
            if burst.packets >= MIN_PACKETS {
                self.finish_candidate(pool);
            }
            self.candidate = Burst { packets: 1, bytes, start: time, stop: time };
        } else {
            burst.packets = burst.packets.saturating_add(1);
            burst.bytes = burst.bytes.saturating_add(bytes);
            burst.stop = time;
        }
    }

    #[cold]
    fn finish_candidate(&mut self, pool: &mut BurstPool) {
        match pool.push(self.finished, self.candidate) {
            Some((place, number)) => {
                self.finished = Some(place);
                self.is_full = number == MAX_BURSTS;
            }
            None => self.is_full = true,
        }
    }

    /// Whether it takes in nothing more.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The bursts as lists, earliest first.
    pub(super) fn read(&self, pool: &BurstPool, columns: &mut Columns) {
        columns.clear();
        if self.candidate.packets >= MIN_PACKETS && !self.is_full {
            columns.push(&self.candidate);
        }
        for finished in pool.bursts.chain(self.finished) {
            columns.push(&finished.burst);
        }
        columns.reverse();
    }

    pub(super) fn release(self, pool: &mut BurstPool) {
        pool.bursts.release_chain(self.finished);
    }
}

/// A finished burst.
struct Finished {
    burst: Burst,
    /// The one before it, or the next free place.
    previous: Option<Place>,
    /// How many there are with it.
    number: u8,
}

const _: () = assert!(size_of::<Finished>() == 32, "two finished bursts fill a cache line");

impl Linked for Finished {
    fn next(&self) -> Option<Place> {
        self.previous
    }
    fn set_next(&mut self, next: Option<Place>) {
        self.previous = next;
    }
}

/// The finished bursts of all records: room for one per record on average, which flows that pause share.
pub(super) struct BurstPool {
    bursts: Pool<Finished>,
}

impl BurstPool {
    pub(super) fn new(records: usize) -> BurstPool {
        // At least for one record.
        BurstPool { bursts: Pool::new(records.max(2 * usize::from(MAX_BURSTS))) }
    }

    /// Puts a burst before `previous`: where it lies, and how many there are with it. `None` if there is no room.
    fn push(&mut self, previous: Option<Place>, burst: Burst) -> Option<(Place, u8)> {
        let number = previous.map_or(0, |place| self.bursts.get(place).number) + 1;
        Some((self.bursts.insert(Finished { burst, previous, number }).ok()?, number))
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.bursts.reserved_bytes()
    }

    pub(super) fn refused(&self) -> u64 {
        self.bursts.refused()
    }

    pub(super) fn touch(&mut self) {
        self.bursts.touch();
    }
}

/// Bursts as the lists of a record.
#[derive(Default)]
pub(super) struct Columns {
    packets: Vec<u32>,
    bytes: Vec<u32>,
    starts: Vec<Timestamp>,
    stops: Vec<Timestamp>,
}

impl Columns {
    fn clear(&mut self) {
        self.packets.clear();
        self.bytes.clear();
        self.starts.clear();
        self.stops.clear();
    }

    fn push(&mut self, burst: &Burst) {
        self.packets.push(burst.packets);
        self.bytes.push(burst.bytes);
        self.starts.push(burst.start);
        self.stops.push(burst.stop);
    }

    fn reverse(&mut self) {
        self.packets.reverse();
        self.bytes.reverse();
        self.starts.reverse();
        self.stops.reverse();
    }

    /// The four fields of a direction, in the order of the schema.
    pub(super) fn values(&self) -> [Value<'_>; 4] {
        [
            Value::U32List(&self.packets),
            Value::U32List(&self.bytes),
            Value::TimeList(&self.starts),
            Value::TimeList(&self.stops),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_room_further_bursts_are_left_out() {
        let mut pool = BurstPool { bursts: Pool::new(1) };
        let (mut one, mut other) = (Side::default(), Side::default());
        for second in [0, 0, 0, 5, 5, 5, 10, 10, 10] {
            one.count(1, Timestamp::new(second, 0), &mut pool);
            if second < 10 {
                other.count(1, Timestamp::new(second, 0), &mut pool);
            }
        }
        let mut columns = Columns::default();
        one.read(&pool, &mut columns);
        assert_eq!((one.is_full(), &columns.packets[..]), (true, &[3][..]));
        other.read(&pool, &mut columns);
        assert_eq!((other.is_full(), columns.packets.len()), (true, 0));
        one.release(&mut pool);
        assert!(pool.push(None, Burst::default()).is_some());
    }
}
