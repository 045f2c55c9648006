//! Opening outputs and giving each worker its ports to them.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use weir_output::Context;

use super::supervision::{Announcement, Ended};
use super::{StartError, of};
use crate::command_line::{Configuration, PluginSettings};
use crate::engine::ledger::Ledger;
use crate::engine::output::{self, OutputSettings, Port, Ports, RunningOutput, Station, WhenFull};

/// An output and what the run has to know of it.
pub(super) struct Started {
    pub(super) running: RunningOutput,
    pub(super) station: Arc<Station>,
    pub(super) writes_standard_output: bool,
    pub(super) owns_standard_output: bool,
}

struct Starter<'a> {
    name: &'a str,
    workers: usize,
    settings: OutputSettings,
    at_end: Announcement,
}

impl weir_output::registry::Visitor for Starter<'_> {
    type Value = Result<Started, StartError>;

    fn visit<O: weir_output::Output>(self, output: O) -> Self::Value {
        let (writes_standard_output, owns_standard_output) =
            (output.writes_standard_output(), output.owns_standard_output());
        let station = Arc::clone(&self.settings.station);
        let running = output::start(self.name, output, self.workers, &self.settings, self.at_end)
            .map_err(|error| format!("{}: cannot start a thread: {error}", self.name))?;
        Ok(Started { running, station, writes_standard_output, owns_standard_output })
    }
}

/// What every output of a run is told.
pub(super) struct Surroundings<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) context: &'a Context,
    pub(super) workers: usize,
    pub(super) all_files: bool,
    pub(super) ledger: &'a Arc<Ledger>,
    pub(super) ended: &'a Sender<Ended>,
}

/// Opens the output `number` and starts its thread.
pub(super) fn start_output(
    number: usize,
    output: &PluginSettings,
    surroundings: &Surroundings<'_>,
) -> Result<Started, StartError> {
    let Surroundings { configuration, context, workers, all_files, ledger, ended } = *surroundings;
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
        prepare: !all_files,
        station: Arc::new(Station::new(Arc::clone(ledger), number)),
    };
    let at_end = Announcement::of(ended, Ended::Output(number));
    let starter = Starter { name: output.name, workers, settings, at_end };
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
