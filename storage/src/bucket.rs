//! Sixteen slots of a line of the flow table.
//!
//! A bucket is two cache lines. The first holds a 16-bit tag and a 16-bit tick for each slot: one vector compare finds a flow,
//! and expiry sweeps these lines in order without touching a record. The second holds the record numbers.
//! Slots are kept in order of recency without holes: the occupied ones come first.

#[cfg(any(test, not(target_arch = "x86_64")))]
mod generic;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(not(target_arch = "x86_64"))]
use generic as vector;
#[cfg(target_arch = "x86_64")]
use sse2 as vector;

use crate::memory::ZeroIsValid;

/// Slots of a bucket.
pub const SLOTS: usize = 16;

/// Fifteen bits of a hash that tell the flows of a line apart; never 0, which marks an empty slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(u16);

/// The bits of a tag.
const TAG_BITS: u16 = 0x7fff;
/// The bit beside a tag that says that the flow has spoken again since it entered its line, or since it was last spared.
const SPOKE_AGAIN: u16 = 0x8000;

impl Tag {
    /// The tag of a flow: the low bits of its hash.
    #[inline]
    pub fn of(hash: u64) -> Tag {
        Tag((hash as u16 & TAG_BITS).max(1))
    }
}

/// A set of slots of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mask(u16);

impl Mask {
    /// Whether no slot is in it.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// How many slots are in it.
    #[inline]
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }
    /// The first slot.
    #[inline]
    pub const fn first(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros() as usize) }
    }
    /// The last slot.
    #[inline]
    pub const fn last(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some(15 - self.0.leading_zeros() as usize) }
    }
    /// Without `slot`.
    #[inline]
    pub const fn without(self, slot: usize) -> Mask {
        Mask(self.0 & !(1 << slot))
    }
    /// The slots, first to last.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let slot = rest.first()?;
            rest = rest.without(slot);
            Some(slot)
        })
    }
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    tag: u16,
    /// The tick of the record's latest packet.
    pub tick: u16,
    /// The number of the record.
    pub index: u32,
}

impl Entry {
    /// An entry for a flow.
    #[inline]
    pub const fn new(tag: Tag, tick: u16, index: u32) -> Entry {
        Entry { tag: tag.0, tick, index }
    }
    /// The entry of a flow that has spoken again.
    #[inline]
    pub const fn spoke_again(self) -> Entry {
        Entry { tag: self.tag | SPOKE_AGAIN, ..self }
    }

    /// The entry without the note that it has spoken again, if it has that note.
    #[inline]
    pub const fn spared(self) -> Option<Entry> {
        if self.tag & SPOKE_AGAIN == 0 { None } else { Some(Entry { tag: self.tag & TAG_BITS, ..self }) }
    }

    /// An empty slot.
    pub const EMPTY: Entry = Entry { tag: 0, tick: 0, index: 0 };

    /// Whether it is an empty slot.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.tag == 0
    }
}

/// Sixteen slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(128))]
pub struct Bucket {
    tags: [u16; SLOTS],
    ticks: [u16; SLOTS],
    indexes: [u32; SLOTS],
}

const _: () = assert!(size_of::<Bucket>() == 128, "a bucket is two cache lines");

// SAFETY: integers only; all zero is sixteen empty slots.
#[allow(unsafe_code)]
unsafe impl ZeroIsValid for Bucket {}

impl Bucket {
    /// Sixteen empty slots.
    pub const EMPTY: Bucket = Bucket { tags: [0; SLOTS], ticks: [0; SLOTS], indexes: [0; SLOTS] };

    /// The slots with this tag.
    #[inline]
    pub fn matching(&self, tag: Tag) -> Mask {
        Mask(vector::equal_in(&self.tags, TAG_BITS, tag.0))
    }

    /// How many slots are occupied.
    #[inline]
    pub fn occupied(&self) -> usize {
        SLOTS - Mask(vector::equal_in(&self.tags, TAG_BITS, 0)).count()
    }

    /// The occupied slots whose tick is at least `age` ticks before `now`, on the circle of 2^16 ticks.
    #[inline]
    pub fn idle_for(&self, now: u16, age: u16) -> Mask {
        Mask(vector::at_least_before(&self.ticks, now, age) & !vector::equal_in(&self.tags, TAG_BITS, 0))
    }

    /// What `slot` holds.
    #[inline]
    pub fn entry(&self, slot: usize) -> Entry {
        Entry { tag: self.tags[slot], tick: self.ticks[slot], index: self.indexes[slot] }
    }

    /// The number of the record in `slot`.
    #[inline]
    pub fn index(&self, slot: usize) -> u32 {
        self.indexes[slot]
    }

    /// Notes that the flow in `slot` has spoken again, at `tick`.
    #[inline]
    pub fn note(&mut self, slot: usize, tick: u16) {
        // A line that is only read stays clean and is not written back.
        if self.ticks[slot] != tick || self.tags[slot] & SPOKE_AGAIN == 0 {
            self.ticks[slot] = tick;
            self.tags[slot] |= SPOKE_AGAIN;
        }
    }

    /// Puts `entry` into slot `at` and moves what was in `at..upto` back by one. What was in `upto` falls out.
    #[inline]
    pub fn shift_in(&mut self, at: usize, upto: usize, entry: Entry) -> Entry {
        let out = self.entry(upto);
        shift_back(&mut self.tags, at, upto, entry.tag);
        shift_back(&mut self.ticks, at, upto, entry.tick);
        shift_back(&mut self.indexes, at, upto, entry.index);
        out
    }

    /// Takes the entry out of slot `at`, moves what is behind it forward by one and puts `last` into the last slot.
    pub fn shift_out(&mut self, at: usize, last: Entry) -> Entry {
        let out = self.entry(at);
        self.tags.copy_within(at + 1.., at);
        self.ticks.copy_within(at + 1.., at);
        self.indexes.copy_within(at + 1.., at);
        self.tags[SLOTS - 1] = last.tag;
        self.ticks[SLOTS - 1] = last.tick;
        self.indexes[SLOTS - 1] = last.index;
        out
    }
}

/// Every element is computed, so that the loop is a few vector instructions without a branch on the position.
#[inline(always)]
fn shift_back<T: Copy>(array: &mut [T; SLOTS], at: usize, upto: usize, new: T) {
    let old = *array;
    for i in 0..SLOTS {
        let moved = if i == 0 { old[0] } else { old[i - 1] };
        let inside = (i > at) & (i <= upto);
        array[i] = if inside { moved } else { old[i] };
    }
    array[at & (SLOTS - 1)] = new;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bucket(entries: &[(u16, u16, u32)]) -> Bucket {
        let mut bucket = Bucket::EMPTY;
        for (i, &(tag, tick, index)) in entries.iter().enumerate() {
            (bucket.tags[i], bucket.ticks[i], bucket.indexes[i]) = (tag, tick, index);
        }
        bucket
    }

    proptest! {
        #[test]
        fn the_vector_compares_agree_with_the_generic_ones(
            values in prop::array::uniform16(0u16..8), wanted in 0u16..8, now: u16, age: u16,
        ) {
            prop_assert_eq!(vector::equal_in(&values, 3, wanted & 3), generic::equal_in(&values, 3, wanted & 3));
            let ticks = values.map(|v| v.wrapping_mul(0x1357).wrapping_add(now));
            prop_assert_eq!(vector::at_least_before(&ticks, now, age), generic::at_least_before(&ticks, now, age));
        }

        #[test]
        fn shifting_in_and_out_is_what_a_list_does(
            entries in prop::collection::vec((1u16.., any::<u16>(), any::<u32>()), 16), at in 0usize..16, upto in 0usize..16,
        ) {
            prop_assume!(at <= upto);
            let mut list = entries.clone();
            let mut b = bucket(&entries);
            let fallen = b.shift_in(at, upto, Entry { tag: 7, tick: 8, index: 9 });
            let expected = list.remove(upto);
            list.insert(at, (7, 8, 9));
            prop_assert_eq!((fallen.tag, fallen.tick, fallen.index), expected);
            prop_assert_eq!(b, bucket(&list));
            let out = b.shift_out(at, Entry::EMPTY);
            let expected = list.remove(at);
            prop_assert_eq!((out.tag, out.tick, out.index), expected);
            prop_assert_eq!(b, bucket(&list));
        }
    }

    #[test]
    fn idle_slots_are_found_across_the_wrap_of_the_tick_and_empty_ones_are_not() {
        let b = bucket(&[(1, 0xfff0, 0), (2, 5, 0), (3, 0x8000, 0)]);
        assert_eq!(b.idle_for(10, 20).iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(b.idle_for(10, 0).iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(b.occupied(), 3);
        assert_eq!(b.matching(Tag(2)).last(), Some(1));
    }
}
