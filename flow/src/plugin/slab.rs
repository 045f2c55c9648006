//! Where the states of one plugin live: a bounded slab that takes from the oldest when it is full.

use super::reserve::{reserve_up_to, touch_reserved};
use crate::prefetch::prefetch_ends;

/// Where a flow's state is; 0 is nowhere. Zeroed memory is a table of empty handles.
pub type Handle = u32;

const NOWHERE: Handle = 0;

/// A place for a state.
#[derive(Debug)]
enum Place<S> {
    Free { next: Handle },
    Taken(S),
}

/// Whose state a place holds, and its neighbours in order of creation.
#[derive(Debug)]
struct Ticket {
    /// The record whose state this is. A handle that leads to a place of another owner is stale: its state was taken.
    owner: u32,
    previous: Handle,
    next: Handle,
}

/// The states of one plugin in one shard. Memory is reserved at start and touched only as it is used.
#[derive(Debug)]
pub struct Slab<S> {
    places: Vec<Place<S>>,
    capacity: usize,
    free: Handle,
    /// Where there are fewer places than owners, so that states may be taken.
    queue: Option<Queue>,
    taken: u64,
    evicted: Option<S>,
}

/// The places in order of creation. Kept apart, so that where there is a place for every owner a state is all that its cache lines
/// hold, and all that is touched.
#[derive(Debug)]
struct Queue {
    /// One for each place.
    tickets: Vec<Ticket>,
    oldest: Handle,
    newest: Handle,
}

impl Queue {
    fn owns(&self, handle: Handle, owner: u32) -> bool {
        self.tickets.get((handle as usize).wrapping_sub(1)).is_some_and(|ticket| ticket.owner == owner)
    }

    /// A place has become the newest.
    fn enter(&mut self, handle: Handle, owner: u32) {
        let ticket = Ticket { owner, previous: self.newest, next: NOWHERE };
        match self.tickets.get_mut(handle as usize - 1) {
            Some(unused) => *unused = ticket,
            None => self.tickets.push(ticket),
        }
        match self.newest {
            NOWHERE => self.oldest = handle,
            newest => self.tickets[newest as usize - 1].next = handle,
        }
        self.newest = handle;
    }

    fn leave(&mut self, handle: Handle) {
        let Ticket { previous, next, .. } = self.tickets[handle as usize - 1];
        match previous {
            NOWHERE => self.oldest = next,
            p => self.tickets[p as usize - 1].next = next,
        }
        match next {
            NOWHERE => self.newest = previous,
            n => self.tickets[n as usize - 1].previous = previous,
        }
    }
}

impl<S> Slab<S> {
    /// A slab for at most `capacity` states (at least 1) of any number of owners; for fewer if the system does not give so much memory.
    pub fn new(capacity: usize) -> Slab<S> {
        let places = reserve_up_to(capacity.clamp(1, u32::MAX as usize - 1));
        let tickets = reserve_up_to(places.capacity().min(capacity).max(1));
        Slab {
            capacity: tickets.capacity().min(capacity).max(1),
            places,
            free: NOWHERE,
            queue: Some(Queue { tickets, oldest: NOWHERE, newest: NOWHERE }),
            taken: 0,
            evicted: None,
        }
    }

    /// A slab with a place for each of `owners`, so that no state is ever taken; if the system does not give so much memory, a smaller one.
    pub fn for_all(owners: usize) -> Slab<S> {
        let places = reserve_up_to(owners.clamp(1, u32::MAX as usize - 1));
        if places.capacity() < owners {
            let fewer = places.capacity();
            drop(places);
            return Slab::new(fewer);
        }
        Slab { places, capacity: owners.max(1), free: NOWHERE, queue: None, taken: 0, evicted: None }
    }

    /// The most states it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that are reserved for states.
    pub fn reserved_bytes(&self) -> usize {
        let tickets = self.queue.as_ref().map_or(0, |queue| queue.tickets.capacity());
        self.places.capacity() * size_of::<Place<S>>() + tickets * size_of::<Ticket>()
    }

    /// Brings the reserved memory into RAM.
    pub fn touch(&mut self) {
        touch_reserved(&mut self.places);
        if let Some(queue) = &mut self.queue {
            touch_reserved(&mut queue.tickets);
        }
    }

    /// How many states were taken from the oldest record to make room.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether `handle` leads to a state of `owner`.
    #[inline]
    fn owns(&self, handle: Handle, owner: u32) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.owns(handle, owner))
    }

    /// The state behind `handle`, if `owner` still owns it.
    #[inline]
    pub fn get(&self, handle: Handle, owner: u32) -> Option<&S> {
        match self.places.get((handle as usize).wrapping_sub(1))? {
            Place::Taken(state) if self.owns(handle, owner) => Some(state),
            _ => None,
        }
    }

    /// Asks the processor for the state behind `handle`.
    #[inline]
    pub fn prefetch(&self, handle: Handle) {
        if let Some(place) = self.places.get((handle as usize).wrapping_sub(1)) {
            prefetch_ends(place);
        }
    }

    /// Mutable form of [`Slab::get`].
    #[inline]
    pub fn get_mut(&mut self, handle: Handle, owner: u32) -> Option<&mut S> {
        if !self.owns(handle, owner) {
            return None;
        }
        match self.places.get_mut((handle as usize).wrapping_sub(1))? {
            Place::Taken(state) => Some(state),
            Place::Free { .. } => None,
        }
    }

    /// Stores `state` for `owner`. When the slab is full, the oldest state makes room; it is found in
    /// [`Slab::take_evicted`].
    pub fn insert(&mut self, owner: u32, state: S) -> Handle {
        if self.free == NOWHERE && self.places.len() == self.capacity {
            self.evicted = self.take_oldest();
            self.taken += u64::from(self.evicted.is_some());
        }
        let place = Place::Taken(state);
        let handle = match self.places.get_mut((self.free as usize).wrapping_sub(1)) {
            Some(unused) => {
                let handle = self.free;
                if let Place::Free { next } = *unused {
                    self.free = next;
                }
                *unused = place;
                handle
            }
            None => {
                self.places.push(place);
                self.places.len() as Handle
            }
        };
        if let Some(queue) = &mut self.queue {
            queue.enter(handle, owner);
        }
        handle
    }

    /// The state that made room for the last [`Slab::insert`], once.
    #[inline]
    pub fn take_evicted(&mut self) -> Option<S> {
        self.evicted.take()
    }

    /// Removes the state behind `handle`, if `owner` still owns it.
    #[inline]
    pub fn remove(&mut self, handle: Handle, owner: u32) -> Option<S> {
        if self.owns(handle, owner) { self.detach(handle) } else { None }
    }

    /// Removes the oldest state, where states can be taken. Its owner's handle leads nowhere from then on.
    pub fn take_oldest(&mut self) -> Option<S> {
        let oldest = self.queue.as_ref()?.oldest;
        self.detach(oldest)
    }

    fn detach(&mut self, handle: Handle) -> Option<S> {
        let place = self.places.get_mut((handle as usize).wrapping_sub(1))?;
        if matches!(place, Place::Free { .. }) {
            return None;
        }
        let Place::Taken(state) = std::mem::replace(place, Place::Free { next: self.free }) else {
            return None;
        };
        self.free = handle;
        if let Some(queue) = &mut self.queue {
            queue.leave(handle);
        }
        Some(state)
    }
}

/// A look at one record's state. Nothing is read before [`Peek::get`].
pub struct Peek<'a, S> {
    slab: &'a Slab<S>,
    handle: Handle,
    owner: u32,
}

impl<'a, S> Peek<'a, S> {
    /// A look at what `owner` keeps behind `handle`.
    #[inline]
    pub fn new(slab: &'a Slab<S>, handle: Handle, owner: u32) -> Peek<'a, S> {
        Peek { slab, handle, owner }
    }

    /// The state, if there is one.
    #[inline]
    pub fn get(&self) -> Option<&'a S> {
        self.slab.get(self.handle, self.owner)
    }
}

/// The place of one record's state, empty until the plugin keeps something.
pub struct Slot<'a, S> {
    slab: &'a mut Slab<S>,
    handle: &'a mut Handle,
    owner: u32,
}

impl<'a, S> Slot<'a, S> {
    /// The slot of the record `owner`, whose handle is kept in `handle`.
    #[inline]
    pub fn new(slab: &'a mut Slab<S>, handle: &'a mut Handle, owner: u32) -> Slot<'a, S> {
        Slot { slab, handle, owner }
    }

    /// The state, if there is one.
    #[inline]
    pub fn get(&mut self) -> Option<&mut S> {
        if *self.handle == NOWHERE { None } else { self.slab.get_mut(*self.handle, self.owner) }
    }

    /// The state, created if there is none.
    #[inline]
    pub fn get_or_insert_with(&mut self, create: impl FnOnce() -> S) -> &mut S {
        if self.slab.get_mut(*self.handle, self.owner).is_none() {
            *self.handle = self.slab.insert(self.owner, create());
        }
        self.slab.get_mut(*self.handle, self.owner).expect("the state was just stored")
    }

    /// Whether no state was ever created for this record. Answers without a look at the slab.
    #[inline]
    pub fn is_vacant(&self) -> bool {
        *self.handle == NOWHERE
    }

    /// Whether a state was created for this record and then taken to make room for others.
    #[inline]
    pub fn was_taken(&self) -> bool {
        *self.handle != NOWHERE && !self.slab.owns(*self.handle, self.owner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plugin::reserve::tests::is_resident;

    #[test]
    fn a_full_slab_takes_from_the_oldest_and_counts_it() {
        let mut slab = Slab::new(2);
        let a = slab.insert(10, "a");
        let b = slab.insert(11, "b");
        let c = slab.insert(12, "c");
        assert_eq!(slab.take_evicted(), Some("a"));
        assert_eq!((slab.get(a, 10), slab.get(b, 11), slab.get(c, 12)), (None, Some(&"b"), Some(&"c")));
        assert_eq!(slab.taken(), 1);
        assert_eq!(slab.remove(b, 11), Some("b"));
        assert_eq!(slab.remove(b, 11), None);
        let d = slab.insert(13, "d");
        assert_eq!(slab.take_evicted(), None);
        slab.insert(14, "e");
        assert_eq!(slab.take_evicted(), Some("c"));
        assert_eq!(slab.get(d, 13), Some(&"d"));
    }

    #[test]
    fn a_slab_for_all_keeps_every_state_and_uses_places_again() {
        let mut slab = Slab::for_all(3);
        for round in 0..3 {
            let handles = [0, 1, 2].map(|owner| slab.insert(owner, round * 10 + owner));
            for (owner, handle) in handles.into_iter().enumerate() {
                assert_eq!(slab.remove(handle, owner as u32), Some(round * 10 + owner as u32));
                assert_eq!(slab.get(handle, owner as u32), None);
                assert_eq!(slab.remove(handle, owner as u32), None);
            }
        }
        assert_eq!((slab.places.len(), slab.taken(), slab.take_oldest()), (3, 0, None));
    }

    #[test]
    fn a_touched_slab_has_all_its_memory_and_keeps_its_states() {
        let mut slab = Slab::new(100_000);
        let handle = slab.insert(1, [7u64; 9]);
        let (start, len) =
            (slab.places.as_ptr().cast(), slab.places.capacity() * size_of_val(&slab.places[0]));
        assert!(!is_resident(start, len), "reserved memory comes as it is used");
        slab.touch();
        assert!(is_resident(start, len));
        assert_eq!((slab.get(handle, 1), slab.reserved_bytes() > len), (Some(&[7; 9]), true));
    }

    #[test]
    fn a_slot_tells_a_taken_state_from_one_that_never_was() {
        let mut slab = Slab::new(1);
        let (mut first, mut second) = (0, 0);
        *Slot::new(&mut slab, &mut first, 1).get_or_insert_with(|| 5) += 1;
        assert_eq!(Slot::new(&mut slab, &mut first, 1).get(), Some(&mut 6));
        assert!(!Slot::new(&mut slab, &mut second, 2).was_taken());
        Slot::new(&mut slab, &mut second, 2).get_or_insert_with(|| 7);
        assert!(Slot::new(&mut slab, &mut first, 1).was_taken());
        assert_eq!(Slot::new(&mut slab, &mut first, 1).get(), None);
    }
}
