//! Starting the threads that capture and cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::Sender;
use std::thread::{self, ScopedJoinHandle};

use rtrb::RingBuffer;
use weir_flow::KeyHasher;
use weir_input::Source;
use weir_storage::{Cache, FragmentCache, Settings, Threading};

use super::StartError;
use super::plan::Plan;
use super::supervision::{Announcement, Ended};
use crate::command_line::Configuration;
use crate::engine::affinity;
use crate::engine::capture::{self, CaptureSettings};
use crate::engine::doorbell::Doorbell;
use crate::engine::ledger::Ledger;
use crate::engine::output::Ports;
use crate::engine::pipeline::{BATCH_PACKETS, Fused, Lane, PacketBatch, Threaded};
use crate::engine::wait::Wait;
use crate::engine::worker::{self, Feed};

/// A larger batch gains nothing and costs memory.
const MOST_BATCH_PACKETS: usize = 1 << 16;

/// Batches under way per ring: enough to even out the two threads, few enough to stay in the cache.
const RING_BATCHES: usize = 16;

/// What the threads look packets up in.
pub(super) struct Tables {
    /// The caches of each worker.
    pub(super) caches: Vec<Vec<Cache>>,
    /// The fragment cache of each input.
    pub(super) fragments: Vec<Option<FragmentCache>>,
    pub(super) hasher: KeyHasher,
}

/// What all threads of a run share.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) settings: &'a Settings,
    pub(super) plan: &'a Plan,
    pub(super) ledger: &'a Arc<Ledger>,
    /// Set when the program is to end.
    pub(super) stop: &'a AtomicBool,
    /// Bytes of its file that each input has read.
    pub(super) read: &'a [AtomicU64],
}

/// Starts a worker for each shard, if there are workers, and a capture thread for each input. Each announces its end. For live inputs they
/// touch their tables first, so that memory does not grow later.
pub(super) fn start<'scope, 'env>(
    scope: &'scope thread::Scope<'scope, 'env>,
    common: Common<'env>,
    sources: Vec<Box<dyn Source>>,
    tables: Tables,
    ports: Vec<Ports>,
    ended: &Sender<Ended>,
) -> Result<Vec<ScopedJoinHandle<'scope, ()>>, StartError> {
    let Common { configuration, settings, plan, ledger, stop, read } = common;
    let mut threads = Vec::new();
    let mut lanes: Vec<Vec<Lane>> = sources.iter().map(|_| Vec::new()).collect();
    let all_files = sources.iter().all(|s| !s.is_live());
    let mut fused = Vec::new();
    match plan.threading {
        Threading::Fused => fused.extend(tables.caches.into_iter().flatten().zip(ports)),
        Threading::Threaded { .. } => {
            for (number, (mut caches, ports)) in tables.caches.into_iter().zip(ports).enumerate() {
                let door = Doorbell::default();
                let feeds = feeds(plan, &mut lanes, &door);
                let cpu = settings.cpus.get(number % settings.cpus.len().max(1)).copied();
                let announcement = Announcement::of(ended, Ended::Worker);
                threads.push(spawn(scope, format!("worker_{number}"), cpu, move || {
                    let _announcement = announcement;
                    if !all_files {
                        caches.iter_mut().for_each(Cache::touch);
                    }
                    let wait = if all_files { Wait::alert() } else { Wait::live() };
                    worker::run(caches, feeds, ports, &door, wait, &ledger.workers[number]);
                })?);
            }
        }
    }
    let inputs = configuration.inputs.iter().zip(sources).zip(lanes).zip(tables.fragments).enumerate();
    let mut fused = fused.into_iter();
    for (number, (((input, mut source), lanes), fragments)) in inputs {
        let page = &ledger.inputs[number];
        let mut capture_settings = CaptureSettings {
            name: input.name,
            batch: configuration.batch_packets.min(MOST_BATCH_PACKETS),
            most_packets: configuration.packets_per_input.unwrap_or(0),
            inactive_s: settings.inactive_s,
            hasher: tables.hasher,
            decapsulation: settings.decapsulation,
            fragments,
            stop,
            progress: &read[number],
            published: &page.counters,
        };
        let announcement = Announcement::of(ended, Ended::Input(number));
        let own = fused.next();
        threads.push(spawn(scope, format!("in_{number}_{}", input.name), input.cpu, move || {
            let _announcement = announcement;
            let is_live = source.is_live();
            if is_live && let Some(fragments) = &mut capture_settings.fragments {
                fragments.touch();
            }
            let result = match own {
                Some((mut cache, ports)) => {
                    if is_live {
                        cache.touch();
                    }
                    let mut pipeline = Fused::new(cache, ports, &ledger.workers[number]);
                    capture::run(source.as_mut(), &mut pipeline, capture_settings)
                }
                None => {
                    let mut pipeline = Threaded::new(lanes, is_live);
                    capture::run(source.as_mut(), &mut pipeline, capture_settings)
                }
            };
            let _ = page.ended.set(result.map_err(|error| error.to_string()));
        })?);
    }
    Ok(threads)
}

/// Rings from every input to one worker: the worker's ends; the inputs' ends are added to `lanes`.
fn feeds(plan: &Plan, lanes: &mut [Vec<Lane>], door: &Doorbell) -> Vec<Feed> {
    lanes
        .iter_mut()
        .zip(&plan.domains)
        .map(|(lanes, &domain)| {
            let (ring, ring_end) = RingBuffer::<PacketBatch>::new(RING_BATCHES);
            let (returned_end, returned) = RingBuffer::<PacketBatch>::new(2 * RING_BATCHES);
            let gathering = Vec::with_capacity(BATCH_PACKETS);
            lanes.push(Lane { returned, ring, bell: door.bell(), gathering, spare: Vec::new() });
            Feed::new(ring_end, returned_end, domain)
        })
        .collect()
}

fn spawn<'scope, 'env>(
    scope: &'scope thread::Scope<'scope, 'env>,
    name: String,
    cpu: Option<usize>,
    work: impl FnOnce() + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, ()>, StartError> {
    let failed = format!("cannot start thread {name}");
    thread::Builder::new()
        .name(name)
        .spawn_scoped(scope, move || {
            // Before the thread touches its tables, so that their memory is near.
            if let Some(cpu) = cpu
                && let Err(error) = affinity::restrict_to(&[cpu])
            {
                eprintln!("Warning: {error}");
            }
            work();
        })
        .map_err(|error| format!("{failed}: {error}"))
}
