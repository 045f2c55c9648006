//! Where the states of one plugin live: a bounded slab that takes from the oldest when it is full.

use std::hint::black_box;
use std::mem::MaybeUninit;

use crate::prefetch::prefetch;

/// Where a flow's state is; 0 is nowhere. Zeroed memory is a table of empty handles.
pub type Handle = u32;

const NOWHERE: Handle = 0;

#[derive(Debug)]
struct Entry<S> {
    state: Option<S>,
    /// The record whose state this is. A handle that leads to an entry of another owner is stale: its state was taken.
    owner: u32,
    /// Neighbours in order of creation; for a free entry `next` is the next free one.
    previous: Handle,
    next: Handle,
}

/// An empty vector with memory for `capacity` elements, or for a half, a quarter … of them if the system does not give more.
pub fn reserve_up_to<T>(capacity: usize) -> Vec<T> {
    let mut capacity = capacity;
    let mut elements = Vec::new();
    while capacity > 0 && elements.try_reserve_exact(capacity).is_err() {
        capacity /= 2;
    }
    elements
}

/// Brings memory that a vector has reserved and not used yet into RAM, near the processor that calls.
pub fn touch_reserved<T>(elements: &mut Vec<T>) {
    /// The smallest page there is. A write to one byte of a page brings it.
    const PAGE: usize = 4096;
    let spare = elements.spare_capacity_mut();
    let Some(per_page) = PAGE.checked_div(size_of::<T>()) else {
        return; // Elements of no size need no memory.
    };
    for element in spare.iter_mut().step_by(per_page.max(1)) {
        *element = MaybeUninit::zeroed();
    }
    if let Some(last) = spare.last_mut() {
        *last = MaybeUninit::zeroed();
    }
    // Nobody reads what was written: without this the compiler would leave it out.
    black_box(spare);
}

/// The states of one plugin in one shard. Memory is reserved at start and touched only as it is used.
#[derive(Debug)]
pub struct Slab<S> {
    entries: Vec<Entry<S>>,
    capacity: usize,
    free: Handle,
    oldest: Handle,
    newest: Handle,
    taken: u64,
    evicted: Option<S>,
}

impl<S> Slab<S> {
    /// A slab for at most `capacity` states (at least 1); for fewer if the system does not give so much memory.
    pub fn new(capacity: usize) -> Slab<S> {
        let entries = reserve_up_to(capacity.clamp(1, u32::MAX as usize - 1));
        Slab {
            capacity: entries.capacity().min(capacity).max(1),
            entries,
            free: NOWHERE,
            oldest: NOWHERE,
            newest: NOWHERE,
            taken: 0,
            evicted: None,
        }
    }

    /// The most states it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that are reserved for states.
    pub fn reserved_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<S>>()
    }

    /// Brings the reserved memory into RAM.
    pub fn touch(&mut self) {
        touch_reserved(&mut self.entries);
    }

    /// How many states were taken from the oldest record to make room.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The state behind `handle`, if `owner` still owns it.
    #[inline]
    pub fn get(&self, handle: Handle, owner: u32) -> Option<&S> {
        let entry = self.entries.get((handle as usize).wrapping_sub(1))?;
        if entry.owner == owner { entry.state.as_ref() } else { None }
    }

    /// Asks the processor for the state behind `handle`.
    #[inline]
    pub fn prefetch(&self, handle: Handle) {
        if let Some(entry) = self.entries.get((handle as usize).wrapping_sub(1)) {
            prefetch(entry);
        }
    }

    /// Mutable form of [`Slab::get`].
    #[inline]
    pub fn get_mut(&mut self, handle: Handle, owner: u32) -> Option<&mut S> {
        let entry = self.entries.get_mut((handle as usize).wrapping_sub(1))?;
        if entry.owner == owner { entry.state.as_mut() } else { None }
    }

    /// Stores `state` for `owner`. When the slab is full, the oldest state makes room; it is found in
    /// [`Slab::take_evicted`].
    pub fn insert(&mut self, owner: u32, state: S) -> Handle {
        if self.free == NOWHERE && self.entries.len() == self.capacity {
            let oldest = self.oldest;
            self.evicted = self.detach(oldest);
            self.taken += 1;
        }
        let entry = Entry { state: Some(state), owner, previous: self.newest, next: NOWHERE };
        let handle = if self.free != NOWHERE {
            let handle = self.free;
            let place = &mut self.entries[handle as usize - 1];
            self.free = place.next;
            *place = entry;
            handle
        } else {
            self.entries.push(entry);
            self.entries.len() as Handle
        };
        match self.newest {
            NOWHERE => self.oldest = handle,
            newest => self.entries[newest as usize - 1].next = handle,
        }
        self.newest = handle;
        handle
    }

    /// The state that made room for the last [`Slab::insert`], once.
    #[inline]
    pub fn take_evicted(&mut self) -> Option<S> {
        self.evicted.take()
    }

    /// Removes the state behind `handle`, if `owner` still owns it.
    pub fn remove(&mut self, handle: Handle, owner: u32) -> Option<S> {
        let entry = self.entries.get((handle as usize).wrapping_sub(1))?;
        if entry.owner == owner && entry.state.is_some() { self.detach(handle) } else { None }
    }

    /// Removes the oldest state. Its owner's handle leads nowhere from then on.
    pub fn take_oldest(&mut self) -> Option<S> {
        if self.oldest == NOWHERE { None } else { self.detach(self.oldest) }
    }

    fn detach(&mut self, handle: Handle) -> Option<S> {
        let entry = &mut self.entries[handle as usize - 1];
        let state = entry.state.take();
        let (previous, next) = (entry.previous, entry.next);
        entry.next = self.free;
        self.free = handle;
        match previous {
            NOWHERE => self.oldest = next,
            p => self.entries[p as usize - 1].next = next,
        }
        match next {
            NOWHERE => self.newest = previous,
            n => self.entries[n as usize - 1].previous = previous,
        }
        state
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
        *self.handle != NOWHERE && self.slab.get(*self.handle, self.owner).is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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

    /// Whether every page of the bytes is in RAM. The page map has eight bytes a page; the highest bit says whether it is there.
    fn is_resident(start: *const u8, len: usize) -> bool {
        use std::os::unix::fs::FileExt;
        let map = std::fs::File::open("/proc/self/pagemap").unwrap();
        (start as usize / 4096..(start as usize + len).div_ceil(4096)).all(|page| {
            let mut entry = [0; 8];
            map.read_exact_at(&mut entry, page as u64 * 8).unwrap();
            entry[7] & 0x80 != 0
        })
    }

    #[test]
    fn a_touched_slab_has_all_its_memory_and_keeps_its_states() {
        let mut slab = Slab::new(100_000);
        let handle = slab.insert(1, [7u64; 9]);
        let (start, len) = (slab.entries.as_ptr().cast(), slab.reserved_bytes());
        assert!(!is_resident(start, len), "reserved memory comes as it is used");
        slab.touch();
        assert!(is_resident(start, len));
        assert_eq!((slab.get(handle, 1), slab.reserved_bytes()), (Some(&[7; 9]), len));
    }

    #[test]
    fn elements_of_any_size_can_be_touched() {
        let mut large: Vec<[u64; 2000]> = reserve_up_to(100);
        touch_reserved(&mut large);
        assert!(is_resident(large.as_ptr().cast(), large.capacity() * size_of::<[u64; 2000]>()));
        let mut nothing: Vec<()> = Vec::new();
        touch_reserved(&mut nothing);
        assert_eq!((large.len(), nothing.len()), (0, 0));
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
