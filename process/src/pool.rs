//! A bounded pool of places of one size, for what a plugin keeps of only some flows, or in chains: no packet allocates,
//! and a flow pays for what it has.

use std::num::NonZeroU32;

use weir_flow::plugin::{reserve_up_to, touch_reserved};

/// Where a value lies in its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place(NonZeroU32);

impl Place {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// What lies in a pool: a value that can name a successor, in the chain of its owner or among the free places.
pub(crate) trait Linked {
    /// The next place of the chain.
    fn next(&self) -> Option<Place>;
    /// Sets it.
    fn set_next(&mut self, next: Option<Place>);
}

/// The places of one plugin. Memory is reserved at start and touched only as it is used.
pub(crate) struct Pool<T> {
    values: Vec<T>,
    capacity: usize,
    free: Option<Place>,
    refused: u64,
}

impl<T: Linked> Pool<T> {
    /// A pool of at most `capacity` values (at least one); of fewer if the system does not give so much memory.
    pub(crate) fn new(capacity: usize) -> Pool<T> {
        let values = reserve_up_to(capacity.clamp(1, u32::MAX as usize - 1));
        Pool { capacity: values.capacity().min(capacity).max(1), values, free: None, refused: 0 }
    }

    /// Stores a value; gives it back if there is no room.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Result<Place, T> {
        if let Some(place) = self.free {
            let free = &mut self.values[place.index()];
            self.free = free.next();
            *free = value;
            return Ok(place);
        }
        if self.values.len() == self.capacity {
            self.refused += 1;
            return Err(value);
        }
        let place = Place(NonZeroU32::MIN.saturating_add(self.values.len() as u32));
        self.values.push(value);
        Ok(place)
    }

    /// The value at `place`.
    #[inline]
    pub(crate) fn get(&self, place: Place) -> &T {
        &self.values[place.index()]
    }

    /// Mutable form of [`Pool::get`].
    #[inline]
    pub(crate) fn get_mut(&mut self, place: Place) -> &mut T {
        &mut self.values[place.index()]
    }

    /// The values of a chain, in its order.
    pub(crate) fn chain(&self, first: Option<Place>) -> impl Iterator<Item = &T> {
        std::iter::successors(first.map(|place| self.get(place)), |value| {
            value.next().map(|place| self.get(place))
        })
    }

    /// Takes the places from `first` to `last` of a chain back.
    #[inline]
    pub(crate) fn release(&mut self, first: Place, last: Place) {
        let free = self.free;
        self.get_mut(last).set_next(free);
        self.free = Some(first);
    }

    /// Takes a whole chain back.
    pub(crate) fn release_chain(&mut self, first: Option<Place>) {
        let Some(first) = first else { return };
        let mut last = first;
        while let Some(next) = self.get(last).next() {
            last = next;
        }
        self.release(first, last);
    }

    /// How many values found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// How many places were ever used.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.values.len()
    }

    /// Bytes that are reserved.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>()
    }

    /// Brings all that is reserved into RAM.
    pub(crate) fn touch(&mut self) {
        touch_reserved(&mut self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Numbered(u32, Option<Place>);

    impl Linked for Numbered {
        fn next(&self) -> Option<Place> {
            self.1
        }
        fn set_next(&mut self, next: Option<Place>) {
            self.1 = next;
        }
    }

    #[test]
    fn places_of_a_chain_are_used_again_and_a_full_pool_takes_no_more() {
        let mut pool = Pool::new(3);
        for round in 0..4 {
            let mut chain = None;
            for number in 0..3 {
                chain = pool.insert(Numbered(round * 10 + number, chain)).ok();
            }
            assert_eq!(pool.insert(Numbered(7, None)), Err(Numbered(7, None)));
            let numbers: Vec<u32> = pool.chain(chain).map(|value| value.0).collect();
            assert_eq!(numbers, [round * 10 + 2, round * 10 + 1, round * 10]);
            pool.release_chain(chain);
        }
        assert_eq!(pool.used(), 3);
    }
}
