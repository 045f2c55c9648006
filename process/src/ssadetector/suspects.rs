//! The rule: a packet of 60 to 150 bytes is a suspect if in the 3 s before it one came from the other side that is as long, or up to
//! 12 bytes shorter. All packets before a suspect are forgotten with it.
//!
//! What it was meant to be has a step more, the third packet of the handshake. In ipfixprobe 5.7, whose verdicts are known,
//! that step never happens, because the second one looks into the table of the first.

use weir_flow::{Direction, Timestamp};

use crate::pool::{Linked, Place, Pool};

/// Payload lengths that are looked at.
const LEAST: u32 = 60;
const GREATEST: u32 = 150;
const LENGTHS: usize = (GREATEST - LEAST + 1) as usize;
/// How much shorter the packet before may be.
const LOOK_BACK: usize = 12;
/// How much earlier it may have come.
const WINDOW_US: u64 = 3_000_000;

/// A length that is looked at, counted from the least one.
#[derive(Clone, Copy)]
pub(super) struct Length(u8);

/// The payload's length, if it is to be looked at.
#[inline]
pub(super) fn considered(payload_len: u32) -> Option<Length> {
    (LEAST..=GREATEST).contains(&payload_len).then(|| Length((payload_len - LEAST) as u8))
}

/// What is kept of one record.
#[derive(Default)]
pub(super) struct Suspects {
    count: u32,
    /// Which lengths the first [`REMEMBERED`] of them have: one bit each.
    lengths: [u32; LENGTHS.div_ceil(32)],
    /// The packets since the latest suspect, if there are any.
    table: Option<Place>,
}

/// Suspects whose lengths are remembered.
const REMEMBERED: u32 = 100;

impl Suspects {
    /// Takes in a packet.
    #[inline]
    pub(super) fn take_in(
        &mut self,
        length: Length,
        direction: Direction,
        time: Timestamp,
        tables: &mut TablePool,
    ) {
        let time_us = time.as_microseconds();
        match self.table {
            Some(table) if tables.pool.get(table).has_answer(length, direction, time_us) => {
                if self.count < REMEMBERED {
                    self.lengths[usize::from(length.0) / 32] |= 1 << (length.0 % 32);
                }
                self.count = self.count.saturating_add(1);
                self.forget(tables);
            }
            Some(table) => tables.pool.get_mut(table).enter(length, direction, time_us),
            None => self.table = tables.begin(length, direction, time_us),
        }
    }

    fn forget(&mut self, tables: &mut TablePool) {
        tables.pool.release_chain(self.table.take());
    }

    pub(super) fn release(mut self, tables: &mut TablePool) {
        self.forget(tables);
    }

    /// The verdict about a record of so many packets: whether there are enough suspects, of few enough lengths.
    pub(super) fn are_enough(&self, packets: u64) -> bool {
        /// Fewer suspects are none.
        const MIN_SUSPECTS: u32 = 3;
        const PACKETS_PER_SUSPECT: u64 = 2500;
        let distinct: u32 = self.lengths.iter().map(|bits| bits.count_ones()).sum();
        let remembered = self.count.min(REMEMBERED);
        let tenths = match self.count {
            ..15 => 6,
            15..40 => 4,
            40.. => 2,
        };
        self.count >= MIN_SUSPECTS
            && packets <= PACKETS_PER_SUSPECT * u64::from(self.count)
            && distinct * 10 <= remembered * tenths
    }
}

/// When the latest packet of each length and direction came.
struct Table {
    /// In microseconds since `start_us`, plus 1; 0 where none came. By [`Direction::index`].
    times: [[u32; LENGTHS]; 2],
    /// In microseconds since 1970.
    start_us: u64,
    next_free: Option<Place>,
}

/// A time that a table can hold, in microseconds since its start.
const SPAN_US: u64 = 1 << 31;

impl Table {
    fn beginning(time_us: u64) -> Table {
        // A window earlier, so that packets somewhat out of order have their time.
        let start_us = time_us.saturating_sub(WINDOW_US);
        Table { times: [[0; LENGTHS]; 2], start_us, next_free: None }
    }

    /// Whether a packet of the other direction came that this one can answer. One from after this packet can be meant, too.
    #[inline]
    fn has_answer(&self, length: Length, direction: Direction, time_us: u64) -> bool {
        let longest = usize::from(length.0);
        let earliest = time_us.saturating_sub(WINDOW_US).saturating_sub(self.start_us).saturating_add(1);
        self.times[1 - direction.index()][longest.saturating_sub(LOOK_BACK)..=longest]
            .iter()
            .any(|&time| time != 0 && u64::from(time) >= earliest)
    }

    #[inline]
    fn enter(&mut self, length: Length, direction: Direction, time_us: u64) {
        if time_us.saturating_sub(self.start_us) >= SPAN_US {
            self.move_start(time_us);
        }
        let time = time_us.saturating_sub(self.start_us).min(SPAN_US) as u32 + 1;
        self.times[direction.index()][usize::from(length.0)] = time;
    }

    /// Begins to count from a window before this time; what came earlier is no longer needed.
    #[cold]
    fn move_start(&mut self, time_us: u64) {
        let start_us = time_us.saturating_sub(WINDOW_US);
        let passed = start_us.saturating_sub(self.start_us).min(u32::MAX.into()) as u32;
        for time in self.times.as_flattened_mut() {
            *time = time.saturating_sub(passed);
        }
        self.start_us = start_us;
    }
}

impl Linked for Table {
    fn next(&self) -> Option<Place> {
        self.next_free
    }
    fn set_next(&mut self, next: Option<Place>) {
        self.next_free = next;
    }
}

/// The tables of all records.
pub(super) struct TablePool {
    pool: Pool<Table>,
}

/// One record in so many has a table: only records of 30 packets need one, and only between suspects. Where there is no
/// room, a packet is not entered.
const RECORDS_PER_TABLE: usize = 16;
/// Few records have room for more, which costs little.
const LEAST_TABLES: usize = 64;

impl TablePool {
    pub(super) fn new(records: usize) -> TablePool {
        TablePool { pool: Pool::new(records.div_ceil(RECORDS_PER_TABLE).max(LEAST_TABLES)) }
    }

    /// A table with this one packet.
    fn begin(&mut self, length: Length, direction: Direction, time_us: u64) -> Option<Place> {
        let place = self.pool.insert(Table::beginning(time_us)).ok()?;
        self.pool.get_mut(place).enter(length, direction, time_us);
        Some(place)
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
    fn tables_count_on_after_hours() {
        let mut table = Table::beginning(0);
        let (one, other) = (Length(40), Length(45));
        let hours = 9 * 3_600_000_000u64;
        table.enter(one, Direction::Forward, 1);
        assert!(table.has_answer(other, Direction::Reverse, 3_000_001));
        assert!(!table.has_answer(other, Direction::Reverse, 3_000_002));
        table.enter(other, Direction::Forward, hours);
        assert!(!table.has_answer(one, Direction::Reverse, hours));
        assert!(table.has_answer(other, Direction::Reverse, hours + 3_000_000));
        assert!(!table.has_answer(other, Direction::Reverse, hours + 3_000_001));
        table.enter(one, Direction::Forward, hours + 1);
        assert!(table.has_answer(other, Direction::Reverse, hours + 1));
    }

    #[test]
    fn verdicts_follow_the_shares_of_distinct_lengths() {
        let of = |count, distinct: u32| {
            let mut suspects = Suspects { count, ..Suspects::default() };
            for length in 0..distinct {
                suspects.lengths[length as usize / 32] |= 1 << (length % 32);
            }
            move |packets| suspects.are_enough(packets)
        };
        assert!(!of(2, 1)(100));
        assert_eq!([7500, 7501].map(of(3, 1)), [true, false]);
        assert_eq!([of(5, 3)(100), of(5, 4)(100)], [true, false]);
        assert_eq!([of(15, 6)(100), of(15, 7)(100)], [true, false]);
        assert_eq!([of(40, 8)(100), of(40, 9)(100)], [true, false]);
        // Of more than a hundred the first hundred are compared.
        assert_eq!([of(200, 20)(300), of(200, 21)(300)], [true, false]);
    }
}
