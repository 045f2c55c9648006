//! Records on their way out: a channel per worker and output, and the thread that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rtrb::{Consumer, Producer, RingBuffer};
use weir_flow::{Record, RecordConsumer};
use weir_output::{Batch, Encoder, OutputError, Sink};

use super::affinity;
use super::pace::Pace;
use super::wait::Wait;

/// What happens to records when the ring to an output is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhenFull {
    /// The worker waits.
    Block,
    /// Records are dropped and counted.
    Drop,
}

/// What is counted of records.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Records that did not reach the output's target.
    pub(crate) dropped: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Totals) {
        self.records += other.records;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.dropped += other.dropped;
    }
}

/// A batch and what is in it.
#[derive(Default)]
pub(crate) struct Parcel<B> {
    batch: B,
    totals: Totals,
}

/// The worker's end of an output: a consumer of records that can be told to hand over what it has.
pub(crate) trait Port: RecordConsumer + Send {
    /// Hands over what is encoded so far.
    fn flush(&mut self);
    /// Records dropped on this side because the ring was full.
    fn dropped(&self) -> u64;
}

/// All outputs of a worker.
pub(crate) struct Ports {
    ports: Vec<Box<dyn Port>>,
    wants_sections: bool,
}

impl Ports {
    pub(crate) fn new(ports: Vec<Box<dyn Port>>) -> Ports {
        let wants_sections = ports.iter().any(|p| p.wants_sections());
        Ports { ports, wants_sections }
    }

    pub(crate) fn flush(&mut self) {
        for port in &mut self.ports {
            port.flush();
        }
    }

    /// Records dropped by each output's port, in the order of `-o`.
    pub(crate) fn dropped(&self) -> Vec<u64> {
        self.ports.iter().map(|p| p.dropped()).collect()
    }
}

impl RecordConsumer for Ports {
    fn wants_sections(&self) -> bool {
        self.wants_sections
    }

    #[inline]
    fn consume(&mut self, record: &Record<'_>) {
        for port in &mut self.ports {
            port.consume(record);
        }
    }
}

struct Channel<E: Encoder> {
    encoder: E,
    current: Parcel<E::Batch>,
    most_records: u64,
    ring: Producer<Parcel<E::Batch>>,
    returned: Consumer<Parcel<E::Batch>>,
    when_full: WhenFull,
    dropped: u64,
}

impl<E: Encoder> RecordConsumer for Channel<E> {
    fn wants_sections(&self) -> bool {
        self.encoder.wants_sections()
    }

    #[inline]
    fn consume(&mut self, record: &Record<'_>) {
        self.encoder.encode(record, &mut self.current.batch);
        let totals = &mut self.current.totals;
        totals.records += 1;
        totals.packets += record.flow.total_packets();
        totals.bytes += record.flow.total_bytes();
        if totals.records >= self.most_records || self.current.batch.is_full() {
            self.flush();
        }
    }
}

impl<E: Encoder> Port for Channel<E> {
    fn flush(&mut self) {
        if self.current.totals.records == 0 {
            return;
        }
        let mut wait = Wait::alert();
        // The sink's thread drains its ring even when the output has failed, so this ends.
        while self.ring.is_full() && !self.ring.is_abandoned() {
            if self.when_full == WhenFull::Drop {
                self.dropped += self.current.totals.records;
                self.current.batch.clear();
                self.current.totals = Totals::default();
                return;
            }
            wait.idle();
        }
        let next = self.returned.pop().unwrap_or_default();
        let parcel = std::mem::replace(&mut self.current, next);
        if let Err(rtrb::PushError::Full(parcel)) = self.ring.push(parcel) {
            self.dropped += parcel.totals.records;
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// The sink's end of a channel.
struct Intake<B> {
    ring: Consumer<Parcel<B>>,
    returned: Producer<Parcel<B>>,
}

/// How an output thread is run.
#[derive(Clone)]
pub(crate) struct OutputSettings {
    /// Records that may be under way (`-Q`).
    pub(crate) ring_records: usize,
    /// The most records per second (`-f`).
    pub(crate) records_per_second: Option<u64>,
    pub(crate) when_full: WhenFull,
    pub(crate) cpu: Option<usize>,
    /// Set when this output has failed.
    pub(crate) failed: Arc<AtomicBool>,
}

/// How an output ended.
pub(crate) struct OutputEnd {
    pub(crate) totals: Totals,
    pub(crate) result: Result<(), OutputError>,
}

/// A running output.
pub(crate) struct RunningOutput {
    /// A port for each worker.
    pub(crate) ports: Vec<Box<dyn Port>>,
    pub(crate) thread: thread::JoinHandle<OutputEnd>,
}

/// The most records in one parcel: enough that handing over costs nothing per record.
const MOST_RECORDS_PER_PARCEL: usize = 256;

/// The most parcels under way from one worker: sixteen million records.
const MOST_PARCELS: usize = 1 << 16;

/// Starts the thread of an output with channels from `workers` workers.
pub(crate) fn start<O: weir_output::Output>(
    name: &str,
    output: O,
    workers: usize,
    settings: &OutputSettings,
) -> std::io::Result<RunningOutput> {
    let per_worker = (settings.ring_records / workers.max(1)).max(2);
    let mut per_parcel = (per_worker / 4).clamp(1, MOST_RECORDS_PER_PARCEL);
    if let Some(pace) = settings.records_per_second {
        per_parcel = per_parcel.min((pace / 16).max(1) as usize);
    }
    let slots = (per_worker / per_parcel).clamp(1, MOST_PARCELS);
    let mut ports: Vec<Box<dyn Port>> = Vec::new();
    let mut intakes = Vec::new();
    for _ in 0..workers {
        let (ring, ring_end) = RingBuffer::new(slots);
        let (returned_end, returned) = RingBuffer::new(slots + 2);
        ports.push(Box::new(Channel {
            encoder: output.encoder(),
            current: Parcel::default(),
            most_records: per_parcel as u64,
            ring,
            returned,
            when_full: settings.when_full,
            dropped: 0,
        }));
        intakes.push(Intake { ring: ring_end, returned: returned_end });
    }
    let sink = output.into_sink();
    let settings = settings.clone();
    let thread = thread::Builder::new().name(format!("out_{name}")).spawn(move || {
        if let Some(cpu) = settings.cpu
            && let Err(error) = affinity::restrict_to(&[cpu])
        {
            eprintln!("Warning: {error}");
        }
        run(sink, intakes, &settings)
    })?;
    Ok(RunningOutput { ports, thread })
}

/// The loop of an output thread: until every worker has gone, then one last flush.
fn run<S: Sink>(mut sink: S, mut intakes: Vec<Intake<S::Batch>>, settings: &OutputSettings) -> OutputEnd {
    let mut end = OutputEnd { totals: Totals::default(), result: Ok(()) };
    let mut pace = settings.records_per_second.map(Pace::new);
    let mut wait = Wait::calm();
    let mut flushed = true;
    loop {
        let mut worked = false;
        // Asked before the rings are looked at: what a worker handed over before it went is still taken.
        let abandoned = intakes.iter().all(|i| i.ring.is_abandoned());
        for intake in &mut intakes {
            while let Ok(mut parcel) = intake.ring.pop() {
                worked = true;
                end.totals.add(&parcel.totals);
                if end.result.is_ok() {
                    if let Err(error) = sink.write(&parcel.batch) {
                        settings.failed.store(true, Ordering::Relaxed);
                        end.result = Err(error);
                    }
                    flushed = false;
                }
                if end.result.is_err() {
                    end.totals.dropped += parcel.totals.records;
                } else if let Some(pace) = &mut pace {
                    pace.after(parcel.totals.records);
                }
                parcel.batch.clear();
                parcel.totals = Totals::default();
                // A full return ring only means that the worker has spare parcels enough.
                let _ = intake.returned.push(parcel);
            }
        }
        if worked {
            wait.worked();
            continue;
        }
        let idle = wait.idle();
        if (idle || abandoned) && !flushed && end.result.is_ok() {
            flushed = true;
            if let Err(error) = sink.flush() {
                settings.failed.store(true, Ordering::Relaxed);
                end.result = Err(error);
            }
        }
        if abandoned {
            return end;
        }
    }
}
