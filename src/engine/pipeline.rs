//! What a capture thread does with packets: its own cache, or the rings to the workers.

use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};
use weir_flow::Packet;
use weir_input::Lease;
use weir_storage::Cache;

use super::doorbell::Bell;
use super::ledger::WorkerCounters;
use super::output::Ports;
use super::published::Published;
use super::wait::Wait;

/// Records are handed to the outputs at the latest after this time.
pub(crate) const FLUSH_AFTER: Duration = Duration::from_millis(250);

/// Where a capture thread puts packets.
pub(crate) trait Pipeline {
    /// Takes the packets of a batch, all of which lie in the memory of `lease`.
    fn take(&mut self, packets: &[Packet], lease: Lease);
    /// Nothing comes at the moment: hands over what was gathered.
    fn flush(&mut self);
    /// Nothing has come for a while, and the clock of the domain has moved on to `now_s`. Whether to call again soon.
    fn advance(&mut self, now_s: u32) -> bool;
    /// Another time begins: all flows so far end by the clock `ended_s`.
    fn restart(&mut self, ended_s: u32);
    /// No more packets; the last clock was `ended_s`. Waits until all leases are free.
    fn end(&mut self, ended_s: u32);
    /// A lease that no packet under way lies in any more, if one has become free. `current` is still being filled.
    fn free_lease(&mut self, current: Option<Lease>) -> Option<Lease>;
    /// Whether packets are under way, and so leases that are not free.
    fn has_packets(&self) -> bool;
    /// Time spent in the cache so far.
    fn storage_time(&self) -> Duration;
}

/// Capture, cache and plugins in one thread.
pub(crate) struct Fused<'a> {
    cache: Cache,
    ports: Ports,
    published: &'a Published<WorkerCounters>,
    storage_time: Duration,
    flushed: Instant,
    /// The lease of the packets taken last.
    lease: Option<Lease>,
    /// The one before, not yet given back.
    finished: Option<Lease>,
}

impl<'a> Fused<'a> {
    pub(crate) fn new(cache: Cache, ports: Ports, published: &'a Published<WorkerCounters>) -> Fused<'a> {
        Fused {
            cache,
            ports,
            published,
            storage_time: Duration::ZERO,
            flushed: Instant::now(),
            lease: None,
            finished: None,
        }
    }

    fn publish(&mut self) {
        self.published.publish(&mut WorkerCounters::of([&self.cache]));
    }

    fn flush_now(&mut self, now: Instant) {
        self.ports.flush();
        self.publish();
        self.flushed = now;
    }
}

impl Pipeline for Fused<'_> {
    fn take(&mut self, packets: &[Packet], lease: Lease) {
        let began = Instant::now();
        self.cache.put(packets, &mut self.ports);
        let now = Instant::now();
        self.storage_time += now - began;
        if now - self.flushed >= FLUSH_AFTER {
            self.flush_now(now);
        }
        if self.lease != Some(lease) {
            // Packets are done with when this returns; the caller asks for free leases after each call.
            self.finished = self.lease.replace(lease);
        }
    }

    fn flush(&mut self) {
        let now = Instant::now();
        if now - self.flushed >= FLUSH_AFTER {
            self.flush_now(now);
        }
    }

    fn advance(&mut self, now_s: u32) -> bool {
        self.cache.advance(now_s, &mut self.ports)
    }

    fn restart(&mut self, ended_s: u32) {
        self.cache.finish(ended_s, &mut self.ports);
    }

    fn end(&mut self, ended_s: u32) {
        self.ports.drain();
        self.cache.finish(ended_s, &mut self.ports);
        self.flush_now(Instant::now());
    }

    fn free_lease(&mut self, current: Option<Lease>) -> Option<Lease> {
        self.finished.take().or_else(|| self.lease.take_if(|lease| Some(*lease) != current))
    }

    fn has_packets(&self) -> bool {
        false
    }

    fn storage_time(&self) -> Duration {
        self.storage_time
    }
}

/// What happens after the packets of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Event {
    /// Nothing.
    #[default]
    None,
    /// Another time begins: all flows of the domain end by this clock.
    Restart(u32),
    /// The input ended at this clock.
    End(u32),
}

/// Packets on their way to a worker.
#[derive(Default)]
pub(crate) struct PacketBatch {
    pub(crate) packets: Vec<Packet>,
    /// Where the packets lie; `None` for a batch without packets.
    pub(crate) lease: Option<Lease>,
    /// The clock of the input when the batch was handed over; 0 before its first packet.
    pub(crate) clock_s: u32,
    pub(crate) event: Event,
    /// Nanoseconds the worker spent on it.
    pub(crate) storage_ns: u64,
}

/// The capture thread's end of the rings to and from one worker.
pub(crate) struct Lane {
    pub(crate) returned: Consumer<PacketBatch>,
    pub(crate) ring: Producer<PacketBatch>,
    /// Behind the ring, so that the worker is woken when the ring has gone.
    pub(crate) bell: Bell,
    /// Packets gathered for this worker.
    pub(crate) gathering: Vec<Packet>,
    /// Empty vectors that came back.
    pub(crate) spare: Vec<Vec<Packet>>,
}

/// Packets in a batch to a worker.
pub(crate) const BATCH_PACKETS: usize = 256;

/// Rings to workers.
pub(crate) struct Threaded {
    lanes: Vec<Lane>,
    /// Batches under way per lease, oldest lease first. Only this thread counts.
    under_way: std::collections::VecDeque<(Lease, u32)>,
    /// The latest clock of the packets taken, or told without packets.
    clock_s: u32,
    /// The clock that all workers know, if time passes on its own.
    told_s: Option<u32>,
    storage_ns: u64,
}

impl Threaded {
    /// Rings to the workers for one input. If it `is_live`, all workers are told its time at least once a second.
    pub(crate) fn new(lanes: Vec<Lane>, is_live: bool) -> Threaded {
        let under_way = Default::default();
        Threaded { lanes, under_way, clock_s: 0, told_s: is_live.then_some(0), storage_ns: 0 }
    }

    fn hand_over(&mut self, lane: usize, event: Event) {
        let packets = std::mem::take(&mut self.lanes[lane].gathering);
        let lease = match (packets.is_empty(), self.under_way.back_mut()) {
            (false, Some((lease, batches))) => {
                *batches += 1;
                Some(*lease)
            }
            _ => None,
        };
        let mut batch = PacketBatch { packets, lease, clock_s: self.clock_s, event, storage_ns: 0 };
        let mut wait = Wait::alert();
        loop {
            match self.lanes[lane].ring.push(batch) {
                Ok(()) => break,
                // The worker is gone, and the run with it.
                Err(rtrb::PushError::Full(_)) if self.lanes[lane].ring.is_abandoned() => break,
                Err(rtrb::PushError::Full(back)) => {
                    batch = back;
                    self.collect();
                    wait.idle();
                }
            }
        }
        self.lanes[lane].bell.ring();
        self.collect();
        let lane = &mut self.lanes[lane];
        lane.gathering = lane.spare.pop().unwrap_or_else(|| Vec::with_capacity(BATCH_PACKETS));
    }

    /// Takes finished batches back and counts their leases down.
    fn collect(&mut self) {
        for lane in &mut self.lanes {
            while let Ok(mut batch) = lane.returned.pop() {
                self.storage_ns += batch.storage_ns;
                if let Some(lease) = batch.lease
                    && let Some((_, batches)) = self.under_way.iter_mut().find(|(l, _)| *l == lease)
                {
                    *batches -= 1;
                }
                batch.packets.clear();
                if batch.packets.capacity() > 0 {
                    lane.spare.push(batch.packets);
                }
            }
        }
    }

    /// Tells all workers the time if they do not know it: those to whom no packets go would not hear of it.
    fn tell_time(&mut self) {
        if self.told_s.is_some_and(|told_s| self.clock_s > told_s) {
            self.told_s = Some(self.clock_s);
            self.everywhere(Event::None);
        }
    }

    fn everywhere(&mut self, event: Event) {
        for lane in 0..self.lanes.len() {
            self.hand_over(lane, event);
        }
    }
}

/// The worker of a flow: the highest bits of its hash.
#[inline]
fn shard_of(hash: u64, shards: usize) -> usize {
    ((hash >> 48) as usize * shards) >> 16
}

impl Pipeline for Threaded {
    fn take(&mut self, packets: &[Packet], lease: Lease) {
        if self.under_way.back().is_none_or(|&(last, _)| last != lease) {
            // A batch lies in one lease.
            self.flush();
            self.under_way.push_back((lease, 0));
        }
        for packet in packets {
            let shard = shard_of(packet.hash, self.lanes.len());
            self.lanes[shard].gathering.push(*packet);
            if self.lanes[shard].gathering.len() >= BATCH_PACKETS {
                self.hand_over(shard, Event::None);
            }
        }
        if let Some(last) = packets.last() {
            self.clock_s = last.clock_s;
            self.tell_time();
        }
    }

    fn flush(&mut self) {
        for lane in 0..self.lanes.len() {
            if !self.lanes[lane].gathering.is_empty() {
                self.hand_over(lane, Event::None);
            }
        }
    }

    fn advance(&mut self, now_s: u32) -> bool {
        self.clock_s = now_s;
        self.tell_time();
        false
    }

    fn restart(&mut self, ended_s: u32) {
        self.clock_s = 0;
        self.told_s = self.told_s.map(|_| 0);
        self.everywhere(Event::Restart(ended_s));
    }

    fn end(&mut self, ended_s: u32) {
        self.everywhere(Event::End(ended_s));
        let mut wait = Wait::alert();
        while self.under_way.iter().any(|&(_, batches)| batches > 0) {
            // A worker that is gone returns nothing more, and uses nothing more.
            if self.lanes.iter().all(|l| l.returned.is_abandoned() && l.returned.is_empty()) {
                return;
            }
            self.collect();
            wait.idle();
        }
    }

    fn free_lease(&mut self, current: Option<Lease>) -> Option<Lease> {
        let place =
            self.under_way.iter().position(|&(lease, batches)| batches == 0 && Some(lease) != current)?;
        // The newest lease may have packets that are still being gathered.
        let newest = place + 1 == self.under_way.len();
        if newest && self.lanes.iter().any(|l| !l.gathering.is_empty()) {
            return None;
        }
        self.under_way.remove(place).map(|(lease, _)| lease)
    }

    fn has_packets(&self) -> bool {
        !self.under_way.is_empty()
    }

    fn storage_time(&self) -> Duration {
        Duration::from_nanos(self.storage_ns)
    }
}
