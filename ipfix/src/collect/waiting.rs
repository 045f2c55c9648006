//! Data sets that wait for their template: over UDP messages change places, and a collector that begins to listen knows no templates.

use std::collections::VecDeque;
use std::time::Duration;

/// What a set takes beyond its octets.
const OVERHEAD: usize = 64;

#[derive(Debug)]
struct Kept {
    template: u16,
    content: Box<[u8]>,
    came: Duration,
}

impl Kept {
    fn octets(&self) -> usize {
        self.content.len() + OVERHEAD
    }
}

/// Data sets in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    sets: VecDeque<Kept>,
    /// What they take.
    octets: usize,
}

impl Waiting {
    /// Keeps a set, in place of the oldest ones if all take more than `most` octets.
    pub(super) fn keep(&mut self, template: u16, content: &[u8], came: Duration, most: usize) {
        let octets = content.len() + OVERHEAD;
        if octets > most {
            return;
        }
        while self.octets + octets > most {
            self.forget_oldest();
        }
        self.octets += octets;
        self.sets.push_back(Kept { template, content: content.into(), came });
    }

    /// Forgets what came before `time`.
    pub(super) fn expire(&mut self, time: Duration) {
        while self.sets.front().is_some_and(|kept| kept.came < time) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        self.octets -= self.sets.pop_front().map_or(0, |kept| kept.octets());
    }

    /// Gives each set to `take`, which says whether it took it.
    pub(super) fn release(&mut self, mut take: impl FnMut(u16, &[u8]) -> bool) {
        self.sets.retain(|kept| !take(kept.template, &kept.content));
        self.octets = self.sets.iter().map(Kept::octets).sum();
    }
}
