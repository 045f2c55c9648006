//! What the ledger says, as tables: at the end of a run, and whenever somebody asks.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use weir_flow::EndReason;
use weir_input::Losses;
use weir_input::parse::SkipCounters;
use weir_storage::fragments::FragmentCounters;

use crate::engine::ledger::{
    CaptureCounters, ClosedTunnels, Ledger, OutputPage, Passes, Totals, WorkerCounters,
};
use crate::tables::{Fate, InputRow, OutputRow, Tables};

/// Writes the tables at the end of a run, to standard error if an output owns standard output. Whether everything went well.
pub(crate) fn write(ledger: &Ledger, owns_standard_output: bool) -> bool {
    let written = if owns_standard_output {
        write_to(&mut io::stderr().lock(), ledger, Moment::End)
    } else {
        write_to(&mut io::stdout().lock(), ledger, Moment::End)
    };
    let written = match written {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
    };
    let has_failed = |ended: &OnceLock<Result<(), String>>| matches!(ended.get(), Some(Err(_)));
    let failed = ledger.inputs.iter().any(|page| has_failed(&page.ended))
        || ledger.outputs.iter().any(|page| has_failed(&page.ended));
    if failed {
        eprintln!("Error: a plugin ended unexpectedly");
    }
    written && !failed
}

/// When the tables are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moment {
    /// While threads are at work.
    Running,
    /// After the last of them has ended.
    End,
}

/// Writes the tables as they are at this moment.
///
/// # Errors
/// If `out` cannot be written.
pub(crate) fn write_to(out: &mut impl Write, ledger: &Ledger, moment: Moment) -> io::Result<()> {
    let report = Report::of(ledger, moment);
    Tables {
        inputs: &report.inputs,
        outputs: &report.outputs,
        fates: &report.fates,
        dropped: &report.dropped,
        skipped: &report.skipped,
        cache: &report.cache,
    }
    .write(out)
}

/// What the ledger says at one moment, row by row.
pub(crate) struct Report {
    pub(crate) inputs: Vec<InputRow>,
    pub(crate) outputs: Vec<OutputRow>,
    fates: Vec<Fate>,
    dropped: Vec<(&'static str, u64)>,
    skipped: Vec<(&'static str, u64)>,
    cache: Vec<(&'static str, u64)>,
}

impl Report {
    /// Reads the ledger, against the stream, as it asks for.
    pub(crate) fn of(ledger: &Ledger, moment: Moment) -> Report {
        let passes: Vec<Passes> = ledger.outputs.iter().map(OutputPage::passes).collect();
        let mut workers = WorkerCounters::default();
        for worker in &ledger.workers {
            let counters = worker.read();
            workers.statistics.merge(&counters.statistics);
            workers.records += counters.records;
        }
        let captures: Vec<CaptureCounters> = ledger.inputs.iter().map(|page| page.counters.read()).collect();

        let mut skipped = SkipCounters::default();
        let mut fragments = FragmentCounters::default();
        let mut closed = ClosedTunnels::default();
        let mut losses = Losses::default();
        let (mut packets, mut twice) = (0, 0);
        let mut inputs = Vec::new();
        for (counters, page) in captures.iter().zip(&ledger.inputs) {
            skipped.merge(&counters.skipped);
            fragments.merge(&counters.fragments);
            closed.merge(&counters.closed);
            losses.kernel += counters.losses.kernel;
            losses.interface += counters.losses.interface;
            packets += counters.packets;
            twice += counters.twice;
            inputs.push(InputRow {
                packets: counters.packets,
                parsed: counters.parsed,
                bytes: counters.bytes,
                dropped: counters.losses.kernel + counters.losses.interface,
                qtime_ns: counters.storage_ns,
                status: status(&page.ended),
            });
        }
        let mut outputs = Vec::new();
        let mut fates = Vec::new();
        for (passes, page) in passes.iter().zip(&ledger.outputs) {
            let mut lost = passes.lost();
            let mut waiting = passes.waiting();
            if moment == Moment::End {
                // What still waits for an output that hangs will not be written.
                lost.add(&waiting);
                waiting = Totals::default();
            }
            let Totals { records, packets: in_records, bytes } = passes.taken.all;
            outputs.push(OutputRow {
                biflows: records,
                packets: in_records,
                bytes,
                dropped: lost.records,
                status: status(&page.ended),
            });
            let dropped = losses.kernel + losses.interface;
            fates.push(Fate {
                received: packets + dropped,
                twice,
                dropped,
                skipped: skipped.total(),
                in_flows: (packets + twice).saturating_sub(skipped.total() + passes.encoded.all.packets),
                waiting: waiting.packets,
                written: passes.taken.all.less(&passes.taken.dropped).packets,
                lost: lost.packets,
            });
        }
        let dropped = vec![
            ("by the kernel, because they were not taken in time", losses.kernel),
            ("by the network interface", losses.interface),
        ];
        let skipped = skipped.iter().map(|(reason, count)| (reason.name(), count)).collect();
        Report { inputs, outputs, fates, dropped, skipped, cache: cache_lines(&workers, &fragments, &closed) }
    }
}

/// `ok`, or the error that ended it.
fn status(ended: &OnceLock<Result<(), String>>) -> Result<(), String> {
    ended.get().cloned().unwrap_or(Ok(()))
}

/// What the cache counted, as far as it says something.
fn cache_lines(
    workers: &WorkerCounters,
    fragments: &FragmentCounters,
    closed: &ClosedTunnels,
) -> Vec<(&'static str, u64)> {
    let statistics = &workers.statistics;
    let ended = |reason| statistics.exported_for(reason);
    let mut lines = vec![
        ("records ended: inactive", ended(EndReason::Inactive)),
        ("records ended: active", ended(EndReason::Active)),
        ("records ended: end of flow", ended(EndReason::EndOfFlow)),
        ("records ended: forced", ended(EndReason::Forced)),
        ("records ended: lack of resources", ended(EndReason::LackOfResources)),
        ("records in use", workers.records),
        ("packets older than the latest of their flow", statistics.late_packets),
        ("plugin states given up for lack of room", statistics.states_taken),
        ("held streams given up to make room", statistics.streams_taken),
        ("IP fragments", fragments.fragments),
        ("IP fragments without a first one", fragments.not_found),
        ("IP fragments too late for their first one", fragments.timed_out),
        ("tunnels left closed: cut off inside", closed.truncated),
        ("tunnels left closed: malformed inside", closed.malformed),
        ("tunnels left closed: nothing known inside", closed.unsupported),
    ];
    lines.retain(|&(_, count)| count > 0);
    lines
}
