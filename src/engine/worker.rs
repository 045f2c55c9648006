//! A worker: one shard of the cache, fed by the rings of all inputs.

use std::thread;
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};
use weir_storage::Cache;

use super::doorbell::Doorbell;
use super::ledger::WorkerCounters;
use super::output::Ports;
use super::pipeline::{Event, FLUSH_AFTER, PacketBatch};
use super::published::Published;
use super::wait::Wait;

/// How long new packets are waited for while there are flows to end.
const SWEEP_WAIT: Duration = Duration::from_millis(1);

/// The worker's end of the rings from and to one input.
pub(crate) struct Feed {
    pub(crate) ring: Consumer<PacketBatch>,
    pub(crate) returned: Producer<PacketBatch>,
    /// Which of the worker's caches its flows live in: the domain of its clock.
    pub(crate) domain: usize,
    /// The clock of the input, 0 before its first packet.
    clock_s: u32,
    ended: bool,
}

impl Feed {
    pub(crate) fn new(ring: Consumer<PacketBatch>, returned: Producer<PacketBatch>, domain: usize) -> Feed {
        Feed { ring, returned, domain, clock_s: 0, ended: false }
    }
}

/// The smallest clock of the running inputs of `domain`, one of them left out; `None` if none of them has begun.
fn clock_of(feeds: &[Feed], domain: usize, without: Option<usize>) -> Option<u32> {
    let others = feeds.iter().enumerate().filter(|(number, _)| Some(*number) != without);
    others.filter(|(_, f)| f.domain == domain && !f.ended && f.clock_s > 0).map(|(_, f)| f.clock_s).min()
}

/// The loop of a worker: until every input has ended.
pub(crate) fn run(
    mut caches: Vec<Cache>,
    mut feeds: Vec<Feed>,
    mut ports: Ports,
    door: &Doorbell,
    mut wait: Wait,
    published: &Published<WorkerCounters>,
) {
    let mut flushed = Instant::now();
    while feeds.iter().any(|f| !f.ended) {
        let mut worked = false;
        for number in 0..feeds.len() {
            let feed = &mut feeds[number];
            let Ok(mut batch) = feed.ring.pop() else {
                // A capture thread that died without a word ends its input.
                if !feed.ended && feed.ring.is_abandoned() && feed.ring.is_empty() {
                    feed.ended = true;
                }
                continue;
            };
            worked = true;
            let began = Instant::now();
            feed.clock_s = batch.clock_s;
            take(&batch, number, &mut caches, &mut feeds, &mut ports);
            batch.storage_ns = began.elapsed().as_nanos() as u64;
            // The return ring is as long as the ring and everything under way: it cannot be full.
            let _ = feeds[number].returned.push(batch);
        }
        if worked {
            wait.worked();
        } else if sweep(&mut caches, &feeds, &mut ports) {
            thread::sleep(SWEEP_WAIT);
        } else {
            let has_work = |f: &Feed| !f.ring.is_empty() || (!f.ended && f.ring.is_abandoned());
            wait.idle_at(door, || feeds.iter().any(has_work));
        }
        let now = Instant::now();
        if now - flushed >= FLUSH_AFTER {
            ports.flush();
            published.publish(&mut WorkerCounters::of(&caches));
            flushed = now;
        }
    }
    ports.flush();
    published.publish(&mut WorkerCounters::of(&caches));
}

/// While nothing comes: ends flows by the clocks of the inputs. Whether there are more to end.
fn sweep(caches: &mut [Cache], feeds: &[Feed], ports: &mut Ports) -> bool {
    let mut more = false;
    for (domain, cache) in caches.iter_mut().enumerate() {
        if let Some(clock_s) = clock_of(feeds, domain, None) {
            more |= cache.advance(clock_s, ports);
        }
    }
    more
}

/// Takes a batch of feed `number` in.
fn take(batch: &PacketBatch, number: usize, caches: &mut [Cache], feeds: &mut [Feed], ports: &mut Ports) {
    let domain = feeds[number].domain;
    let cache = &mut caches[domain];
    if !batch.packets.is_empty() {
        cache.sweep_at_most_to(clock_of(feeds, domain, Some(number)).unwrap_or(u32::MAX));
        cache.put(&batch.packets, ports);
    }
    match batch.event {
        Event::None => {}
        Event::Restart(ended_s) => cache.finish(ended_s, ports),
        Event::End(ended_s) => {
            feeds[number].ended = true;
            feeds[number].clock_s = ended_s;
            let of_domain = || feeds.iter().filter(|f| f.domain == domain);
            if of_domain().all(|f| f.ended) {
                if feeds.iter().all(|f| f.ended) {
                    ports.drain();
                }
                let ended_s = of_domain().map(|f| f.clock_s).max().unwrap_or(ended_s);
                cache.finish(ended_s, ports);
            }
        }
    }
}
