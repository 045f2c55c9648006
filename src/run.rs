//! A run of the probe: open everything, start the threads, wait, say what happened.

mod outputs;
mod plan;
mod presence;
mod supervision;
mod threads;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc;
use std::thread;

use weir_flow::KeyHasher;
use weir_flow::plugin::Factory;
use weir_output::Context;
use weir_service::Background;
use weir_storage::cache::EnabledPlugin;
use weir_storage::{Cache, FragmentCache, Settings};

use crate::command_line::{Configuration, PluginSettings};
use crate::engine::affinity;
use crate::engine::ledger::Ledger;
use crate::progress::Progress;
use crate::summary;

use self::outputs::{Surroundings, ports_by_worker, start_output};
use self::plan::Plan;
use self::presence::Presence;
use self::threads::{Common, Tables};

/// Why a run did not begin, in one line.
pub(crate) type StartError = String;

/// Names the plugin that an error comes from.
fn of<E: Display>(plugin: &PluginSettings) -> impl Fn(E) -> StartError {
    let name = plugin.name;
    move |error| format!("{name}: {error}")
}

/// What inputs and outputs have to say that are only to tell what they can capture from, or how they are used; `None` if there are none.
pub(crate) fn told(configuration: &Configuration) -> Result<Option<String>, StartError> {
    let mut told: Option<String> = None;
    for input in configuration.inputs.iter().filter(|input| input.is_to_tell) {
        if let Some(list) = weir_input::registry::find(input.name).and_then(|descriptor| descriptor.list) {
            told.get_or_insert_default().push_str(&list().map_err(of(input))?);
        }
    }
    for output in configuration.outputs.iter().filter(|output| output.is_to_tell) {
        let descriptor =
            weir_output::OUTPUTS.iter().find(|descriptor| descriptor.names.contains(&output.name));
        if let Some(help) = descriptor.and_then(|descriptor| descriptor.help) {
            told.get_or_insert_default().push_str(help);
        }
    }
    Ok(told)
}

/// The outcome of a run that began: whether everything went well.
pub(crate) fn run(configuration: &Configuration) -> Result<bool, StartError> {
    for warning in &configuration.warnings {
        eprintln!("Warning: {warning}");
    }
    // Before there is any thread.
    let background = configuration.daemon.then(Background::fork).transpose();
    let background = background.map_err(|error| format!("option --daemon: {error}"))?;
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
    let stop = Arc::new(AtomicBool::new(false));
    let context = Context { schemas: factories.iter().map(|(_, schema)| *schema).collect() };
    let ledger = Arc::new(Ledger::new(sources.len(), plan.workers(), configuration.outputs.len()));
    let (ended, all_ended) = mpsc::channel();
    let surroundings = Surroundings {
        configuration,
        context: &context,
        workers: plan.workers(),
        all_files: sources.iter().all(|s| !s.is_live()),
        ledger: &ledger,
        ended: &ended,
    };
    let mut outputs = configuration
        .outputs
        .iter()
        .enumerate()
        .map(|(number, output)| start_output(number, output, &surroundings))
        .collect::<Result<Vec<_>, _>>()?;
    if outputs.iter().filter(|o| o.writes_standard_output).count() > 1 {
        return Err("only one output can write to standard output: give the others a file".to_owned());
    }
    let _presence = Presence::show(configuration.pid_file.as_deref(), &ledger, &stop)?;
    eprintln!(
        "weir: a flow cache of {} records in {}, at most {} MiB",
        settings.records,
        plan.describe(),
        memory.div_ceil(1 << 20)
    );
    if let Some(background) = background {
        background.ready().map_err(|error| format!("option --daemon: {error}"))?;
    }
    let ports = ports_by_worker(&mut outputs, plan.workers());
    let read: Vec<AtomicU64> = sources.iter().map(|_| AtomicU64::new(0)).collect();
    let total: Option<u64> = sources.iter().map(|s| s.progress().map(|(_, total)| total)).sum();
    let common =
        Common { configuration, settings: &settings, plan: &plan, ledger: &ledger, stop: &stop, read: &read };
    thread::scope(|scope| {
        let tables = Tables { caches, fragments, hasher };
        let threads = threads::start(scope, common, sources, tables, ports, &ended)?;
        drop(ended);
        let progress = Progress::new(&read, total);
        supervision::wait_for_all(&all_ended, threads.len(), &outputs, &ledger, &stop, &progress);
        let unexpected = |_| "a thread ended unexpectedly".to_owned();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(unexpected))?;
        // One that was given up is left behind.
        let finished = outputs.iter_mut().filter(|o| !o.station.is_given_up());
        finished.filter_map(|o| o.running.thread.take()).try_for_each(|t| t.join().map_err(unexpected))
    })?;
    let owns_standard_output = outputs.iter().any(|o| o.owns_standard_output);
    Ok(summary::write(&ledger, owns_standard_output))
}

type Factories = Vec<(Box<dyn Factory>, &'static weir_flow::Schema)>;

fn factories(plugins: &[PluginSettings]) -> Result<Factories, StartError> {
    plugins
        .iter()
        .map(|plugin| {
            let descriptor = weir_process::registry::find(plugin.name)
                .ok_or_else(|| format!("no process plugin is called {}", plugin.name))?;
            let factory = (descriptor.configure)(&plugin.parameters).map_err(of(plugin))?;
            let schema = descriptor.schema_of(factory.as_ref());
            Ok((factory, schema))
        })
        .collect()
}
