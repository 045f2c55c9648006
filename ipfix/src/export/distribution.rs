//! Which collector gets what.

use super::packer::Packer;
use super::{Collector, Exporter, HAND_OVER_AT, Messages, Now, Observer, Records, TemplateSlot};

/// How records are distributed over the collectors, by the names of RFC 6728, 4.4.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Distribution {
    /// Each collector gets everything.
    #[default]
    Parallel,
    /// The first one that can be reached, in the order in which they were added, gets everything. The others have no session; when an earlier
    /// one comes back it is used again. What waits for one that is away goes to the one in use.
    Fallback,
    /// What [`Exporter::put_balanced`] is given goes to one collector, everything else to each. What belongs to one that is away waits
    /// for it.
    LoadBalancing,
}

/// What goes to one collector only.
#[derive(Debug)]
pub(super) struct Share {
    packer: Packer,
    finished: Messages,
}

impl Exporter {
    /// Has records distributed in another way.
    #[must_use]
    pub const fn with_distribution(mut self, distribution: Distribution) -> Exporter {
        self.distribution = distribution;
        self
    }

    /// Puts records of a template, each for the collector that its number falls to, which `number` tells: equal numbers fall to the same
    /// collector as long as there are as many of them. The numbers should be spread evenly over 64 bits. Without
    /// [`Distribution::LoadBalancing`] this is [`Exporter::put`].
    pub fn put_balanced(
        &mut self,
        slot: TemplateSlot,
        mut records: Records<'_>,
        number: impl Fn(&[u8]) -> u64,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        if self.distribution != Distribution::LoadBalancing || self.collectors.len() < 2 {
            return self.put(slot, records, now, observer);
        }
        while self.shares.len() < self.collectors.len() {
            self.shares.push(Share { packer: self.common.packer(), finished: Messages::default() });
        }
        while !records.is_empty() {
            let record = records.take_one();
            let place = ((u128::from(number(record)) * self.collectors.len() as u128) >> 64) as usize;
            self.put_share(place, slot, record, now, observer);
        }
    }

    fn put_share(
        &mut self,
        place: usize,
        slot: TemplateSlot,
        record: &[u8],
        now: Now,
        observer: &mut dyn Observer,
    ) {
        let share = &mut self.shares[place];
        let length = [record.len() as u32];
        if share.packer.put(slot.0, &mut Records::of_lengths(record, &length)) > 0 {
            return;
        }
        if !share.packer.is_empty() {
            share.packer.pack(&mut share.finished);
            if share.finished.octets().len() >= HAND_OVER_AT {
                self.hand_over_share(place, now, observer);
            }
            let share = &mut self.shares[place];
            if share.packer.put(slot.0, &mut Records::of_lengths(record, &length)) > 0 {
                return;
            }
        }
        if let Some(template) = self.common.template(slot.0) {
            observer.lost_record(template, record);
        }
    }

    fn hand_over_share(&mut self, place: usize, now: Now, observer: &mut dyn Observer) {
        let (Some(share), Some(collector)) = (self.shares.get_mut(place), self.collectors.get_mut(place))
        else {
            return;
        };
        collector.deliver(&mut share.finished, &self.common, now, observer);
        share.finished.clear();
    }

    /// The collector at `place` has been removed: what was for it alone waits there, and the others move up.
    pub(super) fn remove_share(
        &mut self,
        place: usize,
        collector: &mut Collector,
        observer: &mut dyn Observer,
    ) {
        if self.in_use > place || self.in_use >= self.collectors.len() {
            self.in_use = self.in_use.saturating_sub(1);
        }
        if place < self.shares.len() {
            let mut share = self.shares.remove(place);
            share.packer.pack(&mut share.finished);
            collector.leave(&share.finished, observer);
        }
    }

    /// Makes messages of all records that go to one collector only.
    pub(super) fn pack_shares(&mut self) {
        for share in &mut self.shares {
            share.packer.pack(&mut share.finished);
        }
    }

    /// Gives the collectors what is finished of these.
    pub(super) fn hand_over_shares(&mut self, now: Now, observer: &mut dyn Observer) {
        for place in 0..self.shares.len() {
            self.hand_over_share(place, now, observer);
        }
    }

    /// A template that was added to the common packer, or removed from it.
    pub(super) fn each_packer(&mut self, change: impl Fn(&mut Packer)) {
        change(&mut self.packer);
        self.shares.iter_mut().for_each(|share| change(&mut share.packer));
    }

    /// Goes on with all collectors that are needed.
    pub(super) fn advance_collectors(&mut self, now: Now, observer: &mut dyn Observer) {
        if self.distribution != Distribution::Fallback {
            for collector in &mut self.collectors {
                collector.advance(&self.common, now, observer);
            }
            return;
        }
        let mut chosen = None;
        for (place, collector) in self.collectors.iter_mut().enumerate() {
            if chosen.is_some() {
                collector.stand_by(&self.common, now, observer);
                continue;
            }
            collector.advance(&self.common, now, observer);
            // The next one is not asked before this one has had its chance.
            if collector.is_up() || collector.is_awaited() {
                chosen = Some(place);
            }
        }
        self.in_use = chosen.unwrap_or(self.in_use);
        for place in (0..self.collectors.len()).filter(|&place| place != self.in_use) {
            if let Ok([in_use, other]) = self.collectors.get_disjoint_mut([self.in_use, place])
                && !other.is_up()
            {
                in_use.take_over(other, now, observer);
            }
        }
    }

    /// Whether a collector has, or may be given, a session.
    pub(super) fn is_used(&self, place: usize) -> bool {
        self.distribution != Distribution::Fallback || place == self.in_use
    }
}
