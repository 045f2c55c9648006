//! Where the records of a shard are: lines of slots in order of recency, and the records they number.
//!
//! Twice as many slots as records: a line of sixteen slots holds eight flows on average, so that lines hardly ever fill
//! before the records are used up. A hit moves to the front of its line, a new flow enters behind the middle, and what must go is the
//! last of the line: a flow that has never been heard of again gives way before one that speaks.

use weir_flow::plugin::touch_reserved;
use weir_flow::prefetch::{prefetch, prefetch_pair};
use weir_flow::{Flow, FlowKey};

use crate::bucket::{Bucket, Entry, SLOTS, Tag};
use crate::memory::{ZeroIsValid, Zeroed};

// SAFETY: integers and enums whose first variant is 0; Flow::default() is all zeroes.
#[allow(unsafe_code)]
unsafe impl ZeroIsValid for Flow {}

/// Where a flow was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// First bucket of the line.
    pub line: usize,
    /// Slot within the line.
    pub slot: usize,
    /// Number of the record.
    pub record: u32,
}

/// Lines and records.
#[derive(Debug)]
pub struct Table {
    buckets: Zeroed<Bucket>,
    records: Zeroed<Flow>,
    lines: u64,
    buckets_per_line: usize,
    line_slots: usize,
    /// Numbers of records that were used and are free again. There is room for all from the start.
    free: Vec<u32>,
    /// Records from this number on have never been used.
    unused: u32,
    /// The line that is asked next to give a record up.
    asked: usize,
}

/// Where in its line a new flow enters, in eighths of the flows that are there. The further back, the better are flows protected
/// that have shown that they live, and the fewer packets a new flow has time to show it.
const ENTRY_EIGHTHS: usize = 5;

/// How many flows of a line that have spoken again are spared before one of them has to leave after all.
const MOST_SPARED: usize = 4;

/// How many lines are asked before a line that holds less than its share gives up one of its own flows.
const LINES_ASKED: usize = 8;

impl Table {
    /// A table for `records` records in lines of `line_slots` slots (a power of two).
    ///
    /// # Errors
    /// If the system does not give the memory.
    pub fn new(records: usize, line_slots: usize) -> std::io::Result<Table> {
        let lines = (2 * records).div_ceil(line_slots).max(1);
        let buckets_per_line = line_slots.div_ceil(SLOTS);
        let mut free = Vec::new();
        free.try_reserve_exact(records)?;
        Ok(Table {
            buckets: Zeroed::new(lines * buckets_per_line)?,
            records: Zeroed::new(records)?,
            lines: lines as u64,
            buckets_per_line,
            line_slots,
            free,
            unused: 0,
            asked: 0,
        })
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.buckets.bytes() + self.records.bytes() + self.free.capacity() * size_of::<u32>()
    }

    /// Brings all of that into RAM, near the processor that calls.
    pub fn touch_memory(&mut self) {
        self.buckets.touch();
        self.records.touch();
        touch_reserved(&mut self.free);
    }

    /// How many records are in use.
    pub fn in_use(&self) -> usize {
        self.unused as usize - self.free.len()
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines as usize
    }

    /// The line of a flow, as the number of its first bucket. Bits 16 to 47 of the hash select it; the tag uses the bits below,
    /// the shard those above.
    #[inline]
    pub fn line_of(&self, hash: u64) -> usize {
        (((hash >> 16 & 0xffff_ffff) * self.lines) >> 32) as usize * self.buckets_per_line
    }

    /// The record with this number.
    #[inline]
    pub fn record(&self, number: u32) -> &Flow {
        &self.records[number as usize]
    }

    /// The record with this number.
    #[inline]
    pub fn record_mut(&mut self, number: u32) -> &mut Flow {
        &mut self.records[number as usize]
    }

    /// Brings the line of a flow near.
    #[inline]
    pub fn prefetch_line(&self, hash: u64) {
        prefetch_pair(&self.buckets[self.line_of(hash)]);
    }

    /// Brings near the record that a packet with this hash will need: the first with its tag, else the one that a new flow
    /// will get. Answers with the number of a record that may be the flow's own.
    #[inline]
    pub fn prefetch_record(&self, hash: u64) -> Option<u32> {
        let bucket = &self.buckets[self.line_of(hash)];
        if let Some(slot) = bucket.matching(Tag::of(hash)).first() {
            let number = bucket.index(slot);
            prefetch_pair(&self.records[number as usize]);
            return Some(number);
        }
        if let Some(&number) = self.free.last() {
            prefetch_pair(&self.records[number as usize]);
        } else if (self.unused as usize) < self.records.len() {
            prefetch(&self.records[self.unused as usize]);
        } else {
            let occupied = bucket.occupied();
            if occupied > 0 {
                prefetch_pair(&self.records[bucket.index(occupied - 1) as usize]);
            }
        }
        None
    }

    /// The flow with this key.
    #[inline]
    pub fn find(&self, hash: u64, key: &FlowKey) -> Option<Place> {
        let line = self.line_of(hash);
        let tag = Tag::of(hash);
        for b in 0..self.buckets_per_line {
            let bucket = &self.buckets[line + b];
            for slot in bucket.matching(tag).iter() {
                let record = bucket.index(slot);
                if self.records[record as usize].key == *key {
                    return Some(Place { line, slot: b * SLOTS + slot, record });
                }
            }
        }
        None
    }

    /// Notes that the flow at `place` was heard of at `tick`: it becomes the most recent of its line.
    #[inline]
    pub fn touch(&mut self, place: Place, hash: u64, tick: u16) {
        let (bucket, slot) = (place.line + place.slot / SLOTS, place.slot % SLOTS);
        if place.slot == 0 {
            self.buckets[bucket].note(0, tick);
            return;
        }
        let entry = Entry::new(Tag::of(hash), tick, place.record).spoke_again();
        if bucket == place.line {
            self.buckets[bucket].shift_in(0, slot, entry);
        } else {
            self.enter(place.line, 0, place.slot, entry);
        }
    }

    /// Puts `entry` into slot `at` of a line and moves what was in `at..upto` back by one. What was in `upto` is overwritten.
    fn enter(&mut self, line: usize, at: usize, upto: usize, entry: Entry) {
        let (mut bucket, mut slot) = (line + at / SLOTS, at % SLOTS);
        let (last_bucket, last_slot) = (line + upto / SLOTS, upto % SLOTS);
        let mut carried = entry;
        while bucket < last_bucket {
            carried = self.buckets[bucket].shift_in(slot, SLOTS - 1, carried);
            (bucket, slot) = (bucket + 1, 0);
        }
        self.buckets[bucket].shift_in(slot, last_slot, carried);
    }

    /// How many slots of the line are occupied.
    #[inline]
    fn occupied(&self, line: usize) -> usize {
        self.buckets[line..line + self.buckets_per_line].iter().map(Bucket::occupied).sum()
    }

    /// Whether a new flow with this hash can only enter if another leaves; if so, the one that has to: the last of its line.
    ///
    /// Chance fills lines unevenly, with flows and with living ones. When the records are used up, a line that holds less than its share, or
    /// whose last flow has spoken again, looks for a silent last one in other lines first.
    #[inline]
    pub fn victim(&mut self, hash: u64) -> Option<Place> {
        let line = self.line_of(hash);
        let occupied = self.occupied(line);
        if occupied >= self.line_slots {
            return Some(self.last_of(line, occupied));
        }
        if !self.free.is_empty() || (self.unused as usize) < self.records.len() {
            return None;
        }
        let has_share = occupied >= self.line_slots / 2;
        if has_share && let Some(place) = self.silent_last_of(line, occupied) {
            return Some(place);
        }
        Some(self.give_way(line, occupied, if has_share { self.line_slots / 4 } else { self.line_slots / 2 }))
    }

    /// A flow that gives way for a new one in `line`: a silent last one of a line that holds more than `least`, if one is found soon.
    fn give_way(&mut self, line: usize, occupied: usize, least: usize) -> Place {
        for _ in 0..LINES_ASKED {
            let asked = self.next_asked();
            let there = self.occupied(asked);
            if there > least
                && let Some(place) = self.silent_last_of(asked, there)
            {
                return place;
            }
        }
        if occupied > 0 {
            return self.last_of(line, occupied);
        }
        loop {
            let asked = self.next_asked();
            let there = self.occupied(asked);
            if there > 0 {
                return self.last_of(asked, there);
            }
        }
    }

    /// The last flow of a line, unless it has spoken again or there is none.
    #[inline]
    fn silent_last_of(&self, line: usize, occupied: usize) -> Option<Place> {
        let slot = occupied.checked_sub(1)?;
        let entry = self.buckets[line + slot / SLOTS].entry(slot % SLOTS);
        if entry.spared().is_some() { None } else { Some(Place { line, slot, record: entry.index }) }
    }

    fn next_asked(&mut self) -> usize {
        let asked = self.asked;
        self.asked = (asked + self.buckets_per_line) % self.buckets.len();
        asked
    }

    /// The flow of a line that has to leave: the last, unless it has spoken again. Such a flow is spared once: it goes back to where new
    /// flows enter.
    #[inline]
    fn last_of(&mut self, line: usize, occupied: usize) -> Place {
        let slot = occupied - 1;
        for _ in 0..MOST_SPARED {
            match self.buckets[line + slot / SLOTS].entry(slot % SLOTS).spared() {
                Some(entry) => self.enter(line, occupied * ENTRY_EIGHTHS / 8, slot, entry),
                None => break,
            }
        }
        Place { line, slot, record: self.buckets[line + slot / SLOTS].index(slot % SLOTS) }
    }

    /// Enters a new flow behind the middle of its line. There must be a place: see [`Table::victim`].
    #[inline]
    pub fn insert(&mut self, hash: u64, tick: u16, flow: Flow) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.unused += 1;
            self.unused - 1
        });
        self.records[number as usize] = flow;
        let line = self.line_of(hash);
        let occupied = self.occupied(line);
        let entry = Entry::new(Tag::of(hash), tick, number);
        self.enter(line, (occupied + 1) * ENTRY_EIGHTHS / 8, occupied, entry);
        number
    }

    /// Takes the flow at `place` out; its record is free again.
    #[inline]
    pub fn remove(&mut self, place: Place) {
        let last = place.line + self.buckets_per_line - 1;
        let (mut bucket, mut slot) = (place.line + place.slot / SLOTS, place.slot % SLOTS);
        while bucket < last {
            let next = self.buckets[bucket + 1].entry(0);
            self.buckets[bucket].shift_out(slot, next);
            (bucket, slot) = (bucket + 1, 0);
        }
        self.buckets[bucket].shift_out(slot, Entry::EMPTY);
        self.records[place.record as usize].packets = [0; 2];
        self.free.push(place.record);
    }

    /// Record numbers that have ever been used: 0 up to this.
    pub fn ever_used(&self) -> u32 {
        self.unused
    }

    /// Forgets all flows.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.free.clear();
        self.unused = 0;
    }

    /// The last flow of line number `line` (0 to [`Table::lines`] − 1), slots before `before` only, whose tick is at least `age`
    /// ticks before `now`. From the last to the first, so that taking one out moves none that is still to come.
    #[inline]
    pub fn idle_in_line(&self, line: usize, before: usize, now: u16, age: u16) -> Option<Place> {
        let first = line * self.buckets_per_line;
        for b in (0..self.buckets_per_line).rev() {
            let mut mask = self.buckets[first + b].idle_for(now, age);
            while let Some(slot) = mask.last() {
                mask = mask.without(slot);
                let in_line = b * SLOTS + slot;
                if in_line < before {
                    return Some(Place {
                        line: first,
                        slot: in_line,
                        record: self.buckets[first + b].index(slot),
                    });
                }
            }
        }
        None
    }

    /// Slots of a line, as a bound for [`Table::idle_in_line`].
    pub fn line_end(&self) -> usize {
        self.buckets_per_line * SLOTS
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use weir_flow::{Packet, key::Oriented};

    #[test]
    fn a_table_reserves_all_its_memory_at_start() {
        let mut table = Table::new(1000, 16).unwrap();
        table.touch_memory();
        let reserved = table.bytes();
        let hash = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for round in 0..3 {
            let mut numbers = Vec::new();
            for n in 0..1000 {
                if table.victim(hash(n)).is_none() {
                    let ends = Oriented { source: [round, n], ..Packet::default().oriented() };
                    let (key, _) = FlowKey::canonical(&ends);
                    table.insert(hash(n), 0, Flow { key, ..Flow::default() });
                    numbers.push((n, key));
                }
            }
            assert!(numbers.len() > 900, "{}", numbers.len());
            for (n, key) in numbers {
                let place = table.find(hash(n), &key).unwrap();
                table.remove(place);
            }
            assert_eq!((table.in_use(), table.bytes()), (0, reserved));
        }
    }
}
