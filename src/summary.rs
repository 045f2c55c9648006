//! What is said at the end of a run.

use std::io::{self, ErrorKind};

use weir_flow::EndReason;
use weir_input::parse::SkipCounters;
use weir_output::OutputError;
use weir_storage::Statistics;
use weir_storage::fragments::FragmentCounters;

use crate::engine::capture::CaptureEnd;
use crate::engine::output::OutputEnd;
use crate::tables::{InputRow, OutputRow, Tables};

/// Writes the tables, to standard error if an output owns standard output. Whether everything went well.
pub(crate) fn write(
    captures: &[CaptureEnd],
    outputs: &[OutputEnd],
    statistics: &Statistics,
    owns_standard_output: bool,
) -> bool {
    let mut skipped = SkipCounters::default();
    let mut fragments = FragmentCounters::default();
    let inputs: Vec<InputRow> = captures
        .iter()
        .map(|end| {
            skipped.merge(&end.skipped);
            fragments.merge(&end.fragments);
            InputRow {
                packets: end.packets,
                parsed: end.parsed,
                bytes: end.bytes,
                dropped: 0,
                qtime_ns: end.storage_time.as_nanos() as u64,
                status: end.result.as_ref().map(|_| ()).map_err(ToString::to_string),
            }
        })
        .collect();
    let outputs: Vec<OutputRow> = outputs
        .iter()
        .map(|end| OutputRow {
            biflows: end.totals.records,
            packets: end.totals.packets,
            bytes: end.totals.bytes,
            dropped: end.totals.dropped,
            // A reader that has seen enough is no error.
            status: match &end.result {
                Ok(()) | Err(OutputError::StandardOutputClosed) => Ok(()),
                Err(error) => Err(error.to_string()),
            },
        })
        .collect();
    let skipped: Vec<(&str, u64)> = skipped.iter().map(|(reason, count)| (reason.name(), count)).collect();
    let cache = cache_lines(statistics, &fragments);
    let tables = Tables { inputs: &inputs, outputs: &outputs, skipped: &skipped, cache: &cache };
    let written = if owns_standard_output {
        tables.write(&mut io::stderr().lock())
    } else {
        tables.write(&mut io::stdout().lock())
    };
    let written = match written {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
    };
    let failed = inputs.iter().any(|i| i.status.is_err()) || outputs.iter().any(|o| o.status.is_err());
    if failed {
        eprintln!("Error: a plugin ended unexpectedly");
    }
    written && !failed
}

/// What the cache counted, as far as it says something.
fn cache_lines(statistics: &Statistics, fragments: &FragmentCounters) -> Vec<(&'static str, u64)> {
    let ended = |reason| statistics.exported_for(reason);
    let mut lines = vec![
        ("records ended: inactive", ended(EndReason::Inactive)),
        ("records ended: active", ended(EndReason::Active)),
        ("records ended: end of flow", ended(EndReason::EndOfFlow)),
        ("records ended: forced", ended(EndReason::Forced)),
        ("records ended: lack of resources", ended(EndReason::LackOfResources)),
        ("packets older than the latest of their flow", statistics.late_packets),
        ("plugin states given up to make room", statistics.states_taken),
        ("held streams given up to make room", statistics.streams_taken),
        ("IP fragments", fragments.fragments),
        ("IP fragments without a first one", fragments.not_found),
        ("IP fragments too late for their first one", fragments.timed_out),
    ];
    lines.retain(|&(_, count)| count > 0);
    lines
}
