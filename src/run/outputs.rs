//! Opening outputs and giving each worker its ports to them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use weir_output::Context;

use super::{StartError, of};
use crate::command_line::{Configuration, PluginSettings};
use crate::engine::output::{self, OutputSettings, Port, Ports, RunningOutput, WhenFull};

/// An output and what the run has to know of it.
pub(super) struct Started {
    pub(super) running: RunningOutput,
    pub(super) failed: Arc<AtomicBool>,
    pub(super) writes_standard_output: bool,
    pub(super) owns_standard_output: bool,
}

struct Starter<'a> {
    name: &'a str,
    workers: usize,
    settings: OutputSettings,
}

impl weir_output::registry::Visitor for Starter<'_> {
    type Value = Result<Started, StartError>;

    fn visit<O: weir_output::Output>(self, output: O) -> Self::Value {
        let (writes_standard_output, owns_standard_output) =
            (output.writes_standard_output(), output.owns_standard_output());
        let running = output::start(self.name, output, self.workers, &self.settings)
            .map_err(|error| format!("{}: cannot start a thread: {error}", self.name))?;
        Ok(Started { running, failed: self.settings.failed, writes_standard_output, owns_standard_output })
    }
}

/// Opens an output and starts its thread.
pub(super) fn start_output(
    output: &PluginSettings,
    configuration: &Configuration,
    context: &Context,
    workers: usize,
    all_files: bool,
) -> Result<Started, StartError> {
    let when_full = match output.parameters.text("full") {
        Some("block") => WhenFull::Block,
        Some("drop") => WhenFull::Drop,
        _ if all_files => WhenFull::Block,
        _ => WhenFull::Drop,
    };
    let settings = OutputSettings {
        ring_records: configuration.output_queue_records,
        records_per_second: configuration.records_per_second,
        when_full,
        cpu: output.cpu,
        failed: Arc::new(AtomicBool::new(false)),
    };
    let starter = Starter { name: output.name, workers, settings };
    weir_output::registry::open(output.name, &output.parameters, context, starter).map_err(of(output))?
}

/// The ports of each worker to all outputs.
pub(super) fn ports_by_worker(outputs: &mut [Started], workers: usize) -> Vec<Ports> {
    let mut by_worker: Vec<Vec<Box<dyn Port>>> = (0..workers).map(|_| Vec::new()).collect();
    for output in outputs {
        for (worker, port) in by_worker.iter_mut().zip(output.running.ports.drain(..)) {
            worker.push(port);
        }
    }
    by_worker.into_iter().map(Ports::new).collect()
}
