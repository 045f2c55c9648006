//! What C holds in its hands: numbers that only look like pointers.
//!
//! A number is never given twice, so that one which was given back leads nowhere, and nothing that C makes of it is dereferenced.

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Things of one kind that C holds.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    slots: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot<T> {
    /// How often it was given back.
    generation: usize,
    held: Option<Arc<Mutex<T>>>,
}

/// Handles are multiples of this, as pointers are.
const ALIGNMENT: usize = 16;

/// Things of one kind that there may be at a time.
const MOST: usize = 1 << 16;

const fn handle(place: usize, generation: usize) -> usize {
    // Place 0 is not that of a null pointer.
    (generation * MOST + place + 1).wrapping_mul(ALIGNMENT)
}

impl<T> Handles<T> {
    /// None yet.
    pub(crate) const fn new() -> Handles<T> {
        Handles { slots: RwLock::new(Slots { slots: Vec::new(), free: Vec::new() }) }
    }

    /// A handle of `held`; null if there are too many.
    pub(crate) fn give<O>(&self, held: T) -> *mut O {
        let Slots { slots, free } = &mut *self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let place = match free.pop() {
            Some(place) => place,
            None if slots.len() < MOST - 1 => {
                slots.push(Slot { generation: 0, held: None });
                slots.len() - 1
            }
            None => return ptr::null_mut(),
        };
        slots[place].held = Some(Arc::new(Mutex::new(held)));
        ptr::without_provenance_mut(handle(place, slots[place].generation))
    }

    /// What `given` is the handle of, if it is one.
    pub(crate) fn get<O>(&self, given: *const O) -> Option<Arc<Mutex<T>>> {
        let place = place(given)?;
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.slots.get(place)?;
        (handle(place, slot.generation) == given.addr()).then(|| slot.held.clone())?
    }

    /// Takes a handle back: what it was the handle of, if it is one.
    pub(crate) fn take_back<O>(&self, given: *const O) -> Option<Arc<Mutex<T>>> {
        let place = place(given)?;
        let Slots { slots, free } = &mut *self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get_mut(place)?;
        if handle(place, slot.generation) != given.addr() {
            return None;
        }
        let held = slot.held.take()?;
        slot.generation += 1;
        // One whose numbers are used up is not used again.
        if handle(place, slot.generation) > handle(place, 0) {
            free.push(place);
        }
        Some(held)
    }
}

fn place<O>(given: *const O) -> Option<usize> {
    (given.addr() / ALIGNMENT % MOST).checked_sub(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_handle_leads_to_what_it_was_given_for_until_it_is_given_back() {
        let handles = Handles::new();
        let one: *mut u8 = handles.give("one");
        let two: *mut u8 = handles.give("two");
        assert!(!one.is_null() && one != two);
        assert_eq!(*handles.get(one).unwrap().lock().unwrap(), "one");
        assert_eq!(*handles.take_back(one).unwrap().lock().unwrap(), "one");
        assert!(handles.get(one).is_none() && handles.take_back(one).is_none());
        let three: *mut u8 = handles.give("three");
        assert!(handles.get(one).is_none(), "in the same place, with another number");
        assert_eq!(*handles.get(three).unwrap().lock().unwrap(), "three");
        assert_eq!(*handles.get(two).unwrap().lock().unwrap(), "two");
    }

    #[test]
    fn what_is_no_handle_leads_nowhere() {
        let handles = Handles::new();
        let given: *mut u8 = handles.give(1);
        assert!(handles.get(ptr::null::<u8>()).is_none());
        assert!(handles.get(given.wrapping_add(1)).is_none());
        assert!(handles.get(given.wrapping_add(ALIGNMENT)).is_none());
        assert!(handles.get(ptr::without_provenance::<u8>(usize::MAX)).is_none());
        assert!(handles.take_back(&raw const handles).is_none());
        assert!(handles.get(given).is_some());
    }
}
