//! Counters that one thread publishes and others read, always all of one moment.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Counters that can be published: a fixed sequence of numbers.
pub(crate) trait Counters: Clone {
    /// Shows every number, always the same ones in the same order.
    fn each(&mut self, visit: impl FnMut(&mut u64));
}

/// Two cache lines, as processors fetch them, that nothing else lies in.
#[repr(align(128))]
struct Line([AtomicU64; NUMBERS_PER_LINE]);

const NUMBERS_PER_LINE: usize = 16;

/// Where one thread writes its counters and others read them. The writer never waits; a reader tries again until what it has read
/// was not written meanwhile (a sequence lock; all in atomics, so that a torn read is noticed, not undefined).
pub(crate) struct Published<C> {
    shape: C,
    /// The first number is the version, odd while the others are being written.
    lines: Box<[Line]>,
}

impl<C: Counters> Published<C> {
    /// Counters of the shape of `first`, and its values.
    pub(crate) fn new(first: C) -> Published<C> {
        let mut count = 1usize;
        first.clone().each(|_| count += 1);
        let line = |_| Line([const { AtomicU64::new(0) }; NUMBERS_PER_LINE]);
        let published = Published {
            shape: first.clone(),
            lines: (0..count.div_ceil(NUMBERS_PER_LINE)).map(line).collect(),
        };
        published.publish(&mut { first });
        published
    }

    fn numbers(&self) -> impl Iterator<Item = &AtomicU64> {
        self.lines.iter().flat_map(|line| &line.0)
    }

    fn version(&self) -> &AtomicU64 {
        &self.lines[0].0[0]
    }

    /// Publishes `counters`, which stay as they are. Only one thread may.
    #[inline]
    pub(crate) fn publish(&self, counters: &mut C) {
        let version = self.version().load(Ordering::Relaxed);
        self.version().store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let mut places = self.numbers().skip(1);
        counters.each(|number| {
            if let Some(place) = places.next() {
                place.store(*number, Ordering::Relaxed);
            }
        });
        self.version().store(version.wrapping_add(2), Ordering::Release);
    }

    /// The counters as published last.
    pub(crate) fn read(&self) -> C {
        let mut counters = self.shape.clone();
        loop {
            let before = self.version().load(Ordering::Acquire);
            let mut places = self.numbers().skip(1);
            counters.each(|number| {
                if let Some(place) = places.next() {
                    *number = place.load(Ordering::Relaxed);
                }
            });
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version().load(Ordering::Relaxed) == before {
                return counters;
            }
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[derive(Clone, PartialEq, Eq, Debug)]
    struct Forty([u64; 40]);

    impl Counters for Forty {
        fn each(&mut self, visit: impl FnMut(&mut u64)) {
            self.0.iter_mut().for_each(visit);
        }
    }

    #[test]
    fn what_is_read_is_all_of_one_moment() {
        const LAST: u64 = 200_000;
        let published = Published::new(Forty([0; 40]));
        thread::scope(|scope| {
            scope.spawn(|| (1..=LAST).for_each(|n| published.publish(&mut Forty([n; 40]))));
            let mut before = 0;
            while before < LAST {
                let Forty(numbers) = published.read();
                assert_eq!(numbers, [numbers[0]; 40]);
                assert!(numbers[0] >= before);
                before = numbers[0];
            }
        });
    }
}
