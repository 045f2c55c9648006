//! A worker: one shard of the cache, fed by the rings of all inputs.

use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};
use weir_storage::{Cache, Statistics};

use super::output::Ports;
use super::pipeline::{Event, PacketBatch};
use super::wait::Wait;

/// The worker's end of the rings from and to one input.
pub(crate) struct Feed {
    pub(crate) ring: Consumer<PacketBatch>,
    pub(crate) returned: Producer<PacketBatch>,
    /// Which of the worker's caches its flows live in: the domain of its clock.
    pub(crate) domain: usize,
    pub(crate) ended: bool,
}

/// What a worker leaves behind.
pub(crate) struct WorkerEnd {
    pub(crate) statistics: Statistics,
    /// Records dropped per output because its ring was full.
    pub(crate) dropped: Vec<u64>,
}

/// Records are handed to the outputs at the latest after this time.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// The loop of a worker: until every input has ended.
pub(crate) fn run(mut caches: Vec<Cache>, mut feeds: Vec<Feed>, mut ports: Ports) -> WorkerEnd {
    let mut wait = Wait::alert();
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
            let cache = &mut caches[feed.domain];
            let began = Instant::now();
            if !batch.packets.is_empty() {
                cache.put(&batch.packets, &mut ports);
            }
            match batch.event {
                Event::None => {}
                Event::Restart(ended_s) => cache.finish(ended_s, &mut ports),
                Event::End(ended_s) => {
                    feed.ended = true;
                    let domain = feed.domain;
                    if feeds.iter().all(|f| f.domain != domain || f.ended) {
                        cache.finish(ended_s, &mut ports);
                    }
                }
            }
            batch.storage_ns = began.elapsed().as_nanos() as u64;
            // The return ring is as long as the ring and everything under way: it cannot be full.
            let _ = feeds[number].returned.push(batch);
        }
        if worked {
            wait.worked();
        } else if wait.idle() && flushed.elapsed() > FLUSH_AFTER {
            ports.flush();
            flushed = Instant::now();
        }
    }
    ports.flush();
    let mut statistics = Statistics::default();
    for cache in &caches {
        statistics.merge(&cache.statistics());
    }
    WorkerEnd { statistics, dropped: ports.dropped() }
}
