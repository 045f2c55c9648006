//! What the threads of a run have counted so far. Each thread publishes its own counters; whoever wants to know reads them all.
//!
//! A thread publishes what it has taken before it passes anything on. So, read against the stream, from the outputs to the inputs,
//! the counters never show more behind than before, and what is under way between two threads is the difference.

use std::sync::OnceLock;

use weir_flow::Record;
use weir_input::Losses;
use weir_input::parse::{Kind, SkipCounters};
use weir_storage::fragments::FragmentCounters;
use weir_storage::{Cache, Statistics};

use super::published::{Counters, Published};

/// What a capture thread counts.
#[derive(Clone, Default, Debug)]
pub(crate) struct CaptureCounters {
    /// Frames taken from the source.
    pub(crate) packets: u64,
    /// Of these, those that became packets for the cache.
    pub(crate) parsed: u64,
    /// Of these, those that became two: one by the inner and one by the outer header of a tunnel.
    pub(crate) twice: u64,
    /// Sum of wire lengths of parsed packets.
    pub(crate) bytes: u64,
    /// Nanoseconds that packets spent in the storage.
    pub(crate) storage_ns: u64,
    pub(crate) losses: Losses,
    pub(crate) skipped: SkipCounters,
    pub(crate) closed: ClosedTunnels,
    pub(crate) fragments: FragmentCounters,
}

/// Packets of tunnels that were to be opened and are metered by their outer header, because of what is inside.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ClosedTunnels {
    /// It is cut off within its headers.
    pub(crate) truncated: u64,
    /// Its headers contradict themselves.
    pub(crate) malformed: u64,
    /// It is not IP, or lies too deep.
    pub(crate) unsupported: u64,
}

impl ClosedTunnels {
    /// Counts a packet.
    pub(crate) fn count(&mut self, kind: Kind) {
        match kind {
            Kind::Truncated => self.truncated += 1,
            Kind::Malformed => self.malformed += 1,
            Kind::Unsupported => self.unsupported += 1,
        }
    }

    /// Adds the counts of another thread.
    pub(crate) fn merge(&mut self, other: &ClosedTunnels) {
        self.truncated += other.truncated;
        self.malformed += other.malformed;
        self.unsupported += other.unsupported;
    }
}

impl Counters for CaptureCounters {
    fn each(&mut self, mut visit: impl FnMut(&mut u64)) {
        let CaptureCounters {
            packets,
            parsed,
            twice,
            bytes,
            storage_ns,
            losses,
            skipped,
            closed: ClosedTunnels { truncated, malformed, unsupported },
            fragments,
        } = self;
        let FragmentCounters { fragments, first, not_found, timed_out } = fragments;
        for number in [
            packets,
            parsed,
            twice,
            bytes,
            storage_ns,
            truncated,
            malformed,
            unsupported,
            &mut losses.kernel,
            &mut losses.interface,
            fragments,
            first,
            not_found,
            timed_out,
        ] {
            visit(number);
        }
        skipped.counts_mut().iter_mut().for_each(visit);
    }
}

/// What the caches of a worker count.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct WorkerCounters {
    pub(crate) statistics: Statistics,
    /// Records in use.
    pub(crate) records: u64,
}

impl WorkerCounters {
    /// The sum of what these caches count.
    pub(crate) fn of<'a>(caches: impl IntoIterator<Item = &'a Cache>) -> WorkerCounters {
        let mut counters = WorkerCounters::default();
        for cache in caches {
            counters.statistics.merge(&cache.statistics());
            counters.records += cache.records_in_use() as u64;
        }
        counters
    }
}

impl Counters for WorkerCounters {
    fn each(&mut self, mut visit: impl FnMut(&mut u64)) {
        visit(&mut self.records);
        let Statistics {
            packets,
            begun,
            exported,
            exported_packets,
            states_taken,
            streams_taken,
            late_packets,
        } = &mut self.statistics;
        for number in [packets, begun, exported_packets, states_taken, streams_taken, late_packets] {
            visit(number);
        }
        exported.iter_mut().for_each(visit);
    }
}

/// What is counted of records.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    /// Packets of both directions.
    pub(crate) packets: u64,
    /// IP bytes of both directions.
    pub(crate) bytes: u64,
}

impl Totals {
    /// Counts a record.
    #[inline]
    pub(crate) fn count(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.packets += record.flow.total_packets();
        self.bytes += record.flow.total_bytes();
    }

    pub(crate) fn add(&mut self, other: &Totals) {
        self.records += other.records;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }

    /// What is left after `other`; nothing where there is less.
    pub(crate) fn less(&self, other: &Totals) -> Totals {
        Totals {
            records: self.records.saturating_sub(other.records),
            packets: self.packets.saturating_sub(other.packets),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// What is counted of records on one side of a ring: on the worker's side those encoded, on the output's those taken.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct PassCounters {
    /// All, the dropped ones among them.
    pub(crate) all: Totals,
    /// Those that went no further.
    pub(crate) dropped: Totals,
}

impl Counters for PassCounters {
    fn each(&mut self, mut visit: impl FnMut(&mut u64)) {
        for totals in [&mut self.all, &mut self.dropped] {
            visit(&mut totals.records);
            visit(&mut totals.packets);
            visit(&mut totals.bytes);
        }
    }
}

/// An input, as the ledger has it.
pub(crate) struct InputPage {
    pub(crate) counters: Published<CaptureCounters>,
    /// Set when it has ended: how.
    pub(crate) ended: OnceLock<Result<(), String>>,
}

/// An output, as the ledger has it.
pub(crate) struct OutputPage {
    /// What each worker encoded for it.
    pub(crate) encoded: Vec<Published<PassCounters>>,
    /// What its thread took.
    pub(crate) taken: Published<PassCounters>,
    /// Set when it takes no more records, by failure or because its reader has seen enough.
    pub(crate) ended: OnceLock<Result<(), String>>,
}

impl OutputPage {
    /// What was encoded for it by all workers, and what it took.
    pub(crate) fn passes(&self) -> Passes {
        // Against the stream.
        let taken = self.taken.read();
        let mut encoded = PassCounters::default();
        for worker in &self.encoded {
            let counters = worker.read();
            encoded.all.add(&counters.all);
            encoded.dropped.add(&counters.dropped);
        }
        Passes { encoded, taken }
    }
}

/// What has passed to an output and through it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passes {
    pub(crate) encoded: PassCounters,
    pub(crate) taken: PassCounters,
}

impl Passes {
    /// On the way from the workers.
    pub(crate) fn waiting(&self) -> Totals {
        self.encoded.all.less(&self.encoded.dropped).less(&self.taken.all)
    }

    /// Dropped on either side.
    pub(crate) fn lost(&self) -> Totals {
        let mut lost = self.encoded.dropped;
        lost.add(&self.taken.dropped);
        lost
    }
}

/// What all threads of a run have counted.
pub(crate) struct Ledger {
    pub(crate) inputs: Vec<InputPage>,
    pub(crate) workers: Vec<Published<WorkerCounters>>,
    pub(crate) outputs: Vec<OutputPage>,
}

impl Ledger {
    pub(crate) fn new(inputs: usize, workers: usize, outputs: usize) -> Ledger {
        let pass = || Published::new(PassCounters::default());
        Ledger {
            inputs: (0..inputs)
                .map(|_| InputPage {
                    counters: Published::new(CaptureCounters::default()),
                    ended: OnceLock::new(),
                })
                .collect(),
            workers: (0..workers).map(|_| Published::new(WorkerCounters::default())).collect(),
            outputs: (0..outputs)
                .map(|_| OutputPage {
                    encoded: (0..workers).map(|_| pass()).collect(),
                    taken: pass(),
                    ended: OnceLock::new(),
                })
                .collect(),
        }
    }
}
