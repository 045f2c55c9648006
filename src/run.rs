//! A run of the probe: open everything, start the threads, wait, say what happened.

mod outputs;
mod plan;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rtrb::RingBuffer;
use weir_flow::KeyHasher;
use weir_flow::plugin::Factory;
use weir_input::Source;
use weir_output::Context;
use weir_storage::cache::EnabledPlugin;
use weir_storage::{Cache, FragmentCache, Settings, Statistics, Threading};

use crate::command_line::{Configuration, PluginSettings};
use crate::engine::affinity;
use crate::engine::capture::{self, CaptureEnd, CaptureSettings};
use crate::engine::output::{OutputEnd, Ports};
use crate::engine::pipeline::{BATCH_PACKETS, Fused, Lane, PacketBatch, Threaded};
use crate::engine::worker::{self, Feed, WorkerEnd};
use crate::progress::Progress;
use crate::summary;

use self::outputs::{Started, ports_by_worker, start_output};
use self::plan::Plan;

/// Why a run did not begin, in one line.
pub(crate) type StartError = String;

/// Names the plugin that an error comes from.
fn of<E: Display>(plugin: &PluginSettings) -> impl Fn(E) -> StartError {
    let name = plugin.name;
    move |error| format!("{name}: {error}")
}

/// The outcome of a run that began: whether everything went well.
pub(crate) fn run(configuration: &Configuration) -> Result<bool, StartError> {
    for warning in &configuration.warnings {
        eprintln!("Warning: {warning}");
    }
    for input in &configuration.inputs {
        let parameters = &input.parameters;
        if input.name == "pcap" && parameters.is_given("file") && parameters.is_given("snaplen") {
            eprintln!("Warning: pcap: option snaplen has no effect on a file");
        }
    }
    if !configuration.cpus.is_empty() {
        affinity::restrict_to(&configuration.cpus).map_err(|error| format!("option --cpus: {error}"))?;
    }
    let settings =
        Settings::from_options(&configuration.storage.parameters).map_err(of(&configuration.storage))?;
    let factories = factories(&configuration.plugins)?;
    let plugins: Vec<EnabledPlugin<'_>> = factories
        .iter()
        .map(|(factory, schema)| EnabledPlugin { factory: factory.as_ref(), schema })
        .collect();
    let sources = configuration
        .inputs
        .iter()
        .map(|input| {
            let descriptor = weir_input::registry::find(input.name)
                .ok_or_else(|| format!("no input is called {}", input.name))?;
            (descriptor.open)(&input.parameters).map_err(of(input))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let plan = Plan::new(&settings, &sources);
    let caches = plan.caches(&settings, &plugins).map_err(of(&configuration.storage))?;
    let hasher = KeyHasher::random();
    let fragments = sources
        .iter()
        .map(|_| {
            let cache = |(buckets, timeout_s)| FragmentCache::new(buckets, timeout_s, hasher);
            settings.fragments.map(cache).transpose()
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("cache: not enough memory for the fragment cache: {error}"))?;
    let memory = caches.iter().flatten().map(Cache::memory).sum::<usize>()
        + fragments.iter().flatten().map(FragmentCache::memory).sum::<usize>();
    let stop = stop_on_signals()?;
    let all_files = sources.iter().all(|s| !s.is_live());
    let context = Context { schemas: factories.iter().map(|(_, schema)| *schema).collect() };
    let mut outputs = Vec::new();
    for output in &configuration.outputs {
        outputs.push(start_output(output, configuration, &context, plan.workers(), all_files)?);
    }
    if outputs.iter().filter(|o| o.writes_standard_output).count() > 1 {
        return Err("only one output can write to standard output: give the others a file".to_owned());
    }
    eprintln!(
        "weir: a flow cache of {} records in {}, at most {} MiB",
        settings.records,
        plan.describe(),
        memory.div_ceil(1 << 20)
    );
    let ports = ports_by_worker(&mut outputs, plan.workers());
    let tables = Tables { caches, fragments, hasher };
    let ends = flow(configuration, &settings, &plan, sources, tables, ports, &outputs, &stop)?;

    let owns_standard_output = outputs.iter().any(|o| o.owns_standard_output);
    let outputs = outputs
        .into_iter()
        .enumerate()
        .map(|(number, output)| {
            let mut end =
                output.running.thread.join().map_err(|_| "an output thread ended unexpectedly".to_owned())?;
            end.totals.dropped += ends.dropped.iter().map(|d| d[number]).sum::<u64>();
            Ok(end)
        })
        .collect::<Result<Vec<OutputEnd>, StartError>>()?;
    Ok(summary::write(&ends.captures, &outputs, &ends.statistics, owns_standard_output))
}

type Factories = Vec<(Box<dyn Factory>, &'static weir_flow::Schema)>;

fn factories(plugins: &[PluginSettings]) -> Result<Factories, StartError> {
    plugins
        .iter()
        .map(|plugin| {
            let descriptor = weir_process::registry::find(plugin.name)
                .ok_or_else(|| format!("no process plugin is called {}", plugin.name))?;
            let factory = (descriptor.configure)(&plugin.parameters).map_err(of(plugin))?;
            Ok((factory, descriptor.schema))
        })
        .collect()
}

/// SIGINT and SIGTERM set the flag that ends the run in good order; a second one ends the process at once.
fn stop_on_signals() -> Result<Arc<AtomicBool>, StartError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| format!("cannot handle signals: {error}"))?;
    }
    Ok(stop)
}

/// A larger batch gains nothing and costs memory.
const MOST_BATCH_PACKETS: usize = 1 << 16;

/// What the threads look packets up in.
struct Tables {
    /// The caches of each worker.
    caches: Vec<Vec<Cache>>,
    /// The fragment cache of each input.
    fragments: Vec<Option<FragmentCache>>,
    hasher: KeyHasher,
}

/// How the captures and workers ended.
struct Ends {
    captures: Vec<CaptureEnd>,
    statistics: Statistics,
    /// Per worker and output: records dropped because the ring was full.
    dropped: Vec<Vec<u64>>,
}

/// Runs captures and workers to their end.
#[allow(clippy::too_many_arguments)]
fn flow(
    configuration: &Configuration,
    settings: &Settings,
    plan: &Plan,
    sources: Vec<Box<dyn Source>>,
    tables: Tables,
    ports: Vec<Ports>,
    outputs: &[Started],
    stop: &AtomicBool,
) -> Result<Ends, StartError> {
    let Tables { caches, fragments, hasher } = tables;
    let read: Vec<AtomicU64> = sources.iter().map(|_| AtomicU64::new(0)).collect();
    let total: Option<u64> = sources.iter().map(|s| s.progress().map(|(_, total)| total)).sum();
    let (ended, wait_for_end) = mpsc::channel();
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut captures = Vec::new();
        let mut lanes: Vec<Vec<Lane>> = sources.iter().map(|_| Vec::new()).collect();
        let mut fused = Vec::new();
        match plan.threading {
            Threading::Fused => {
                fused.extend(caches.into_iter().flatten().zip(ports));
            }
            Threading::Threaded { .. } => {
                for (number, (caches, ports)) in caches.into_iter().zip(ports).enumerate() {
                    let feeds = feeds(plan, &mut lanes);
                    let cpu = settings.cpus.get(number % settings.cpus.len().max(1)).copied();
                    workers.push(spawn(scope, format!("worker_{number}"), cpu, move || {
                        worker::run(caches, feeds, ports)
                    })?);
                }
            }
        }
        let inputs =
            configuration.inputs.iter().zip(sources).zip(&read).zip(lanes).zip(fragments).enumerate();
        let mut fused = fused.into_iter();
        for (number, ((((input, mut source), read), lanes), fragments)) in inputs {
            let capture_settings = CaptureSettings {
                batch: configuration.batch_packets.min(MOST_BATCH_PACKETS),
                most_packets: configuration.packets_per_input.unwrap_or(0),
                inactive_s: settings.inactive_s,
                hasher,
                fragments,
                stop,
                progress: read,
            };
            let ended = ended.clone();
            let own = fused.next();
            let name = format!("in_{number}_{}", input.name);
            captures.push(spawn(scope, name, input.cpu, move || {
                let result = match own {
                    Some((cache, ports)) => {
                        let mut pipeline = Fused::new(cache, ports);
                        let end = capture::run(source.as_mut(), &mut pipeline, capture_settings);
                        let worker = WorkerEnd {
                            statistics: pipeline.cache.statistics(),
                            dropped: pipeline.ports.dropped(),
                        };
                        (end, Some(worker))
                    }
                    None => {
                        let mut pipeline = Threaded::new(lanes);
                        (capture::run(source.as_mut(), &mut pipeline, capture_settings), None)
                    }
                };
                // The receiver waits until it has heard from everyone.
                let _ = ended.send(result.0.result.is_err());
                result
            })?);
        }
        drop(ended);
        supervise(&wait_for_end, captures.len(), outputs, stop, &Progress::new(&read, total));
        let mut ends = Ends { captures: Vec::new(), statistics: Statistics::default(), dropped: Vec::new() };
        let mut worker_ends = Vec::new();
        for capture in captures {
            let (end, worker) =
                capture.join().map_err(|_| "a capture thread ended unexpectedly".to_owned())?;
            ends.captures.push(end);
            worker_ends.extend(worker);
        }
        for worker in workers {
            worker_ends.push(worker.join().map_err(|_| "a worker thread ended unexpectedly".to_owned())?);
        }
        for end in worker_ends {
            ends.statistics.merge(&end.statistics);
            ends.dropped.push(end.dropped);
        }
        Ok(ends)
    })
}

/// Waits for the captures to end; ends them all when one fails or nobody takes records any more.
fn supervise(
    ended: &mpsc::Receiver<bool>,
    captures: usize,
    outputs: &[Started],
    stop: &AtomicBool,
    progress: &Progress<'_>,
) {
    let mut running = captures;
    while running > 0 {
        match ended.recv_timeout(Duration::from_millis(100)) {
            Ok(failed) => {
                running -= 1;
                if failed {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => progress.show(),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if outputs.iter().all(|o| o.failed.load(Ordering::Relaxed)) {
            stop.store(true, Ordering::Relaxed);
        }
    }
    progress.clear();
}

/// Rings from every input to one worker: the worker's ends; the inputs' ends are added to `lanes`.
fn feeds(plan: &Plan, lanes: &mut [Vec<Lane>]) -> Vec<Feed> {
    /// Batches under way per ring: enough to even out the two threads, few enough to stay in the cache.
    const RING_BATCHES: usize = 16;
    lanes
        .iter_mut()
        .zip(&plan.domains)
        .map(|(lanes, &domain)| {
            let (ring, ring_end) = RingBuffer::<PacketBatch>::new(RING_BATCHES);
            let (returned_end, returned) = RingBuffer::<PacketBatch>::new(2 * RING_BATCHES);
            let gathering = Vec::with_capacity(BATCH_PACKETS);
            lanes.push(Lane { ring, returned, gathering, spare: Vec::new() });
            Feed { ring: ring_end, returned: returned_end, domain, ended: false }
        })
        .collect()
}

fn spawn<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    name: String,
    cpu: Option<usize>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, StartError> {
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
            work()
        })
        .map_err(|error| format!("{failed}: {error}"))
}
