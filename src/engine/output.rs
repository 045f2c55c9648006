//! Records on their way out: a channel per worker and output, and the thread that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rtrb::{Consumer, Producer, RingBuffer};
use weir_flow::{Record, RecordConsumer};
use weir_output::{Batch, Encoder, Hurry, Lost, OutputError, Sink};

use super::affinity;
use super::doorbell::{Bell, Doorbell};
use super::ledger::{Ledger, OutputPage, PassCounters, Totals};
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
    /// There are no packets left that waiting could cost: from now on the output is waited for.
    fn drain(&mut self);
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

    /// There are no packets left that waiting could cost: from now on the outputs are waited for.
    pub(crate) fn drain(&mut self) {
        for port in &mut self.ports {
            port.drain();
        }
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

/// Where an output stands in the ledger, and what was said to it.
pub(crate) struct Station {
    ledger: Arc<Ledger>,
    /// The number of the output, in the order of `-o`.
    number: usize,
    /// Set when its thread is not waited for any more: it has taken nothing for too long.
    given_up: AtomicBool,
}

impl Station {
    pub(crate) fn new(ledger: Arc<Ledger>, number: usize) -> Station {
        Station { ledger, number, given_up: AtomicBool::new(false) }
    }

    pub(crate) fn page(&self) -> &OutputPage {
        &self.ledger.outputs[self.number]
    }

    /// Workers drop records from now on, rather than wait for the output.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

struct Channel<E: Encoder> {
    encoder: E,
    current: Parcel<E::Batch>,
    most_records: u64,
    when_full: WhenFull,
    /// The output is slow because it has to be.
    is_paced: bool,
    counters: PassCounters,
    /// The number of the worker.
    worker: usize,
    station: Arc<Station>,
    returned: Consumer<Parcel<E::Batch>>,
    /// Empty parcels. The one that came back last is used first: it is still in the processor's cache.
    spare: Vec<Parcel<E::Batch>>,
    ring: Producer<Parcel<E::Batch>>,
    /// With so few slots free the ring is half full: who dozes at the other end has slept enough.
    half_full: usize,
    /// Behind the ring, so that the output is woken when the ring has gone.
    bell: Bell,
}

impl<E: Encoder> RecordConsumer for Channel<E> {
    fn wants_sections(&self) -> bool {
        self.encoder.wants_sections()
    }

    #[inline]
    fn consume(&mut self, record: &Record<'_>) {
        self.encoder.encode(record, &mut self.current.batch);
        self.current.totals.count(record);
        if self.current.totals.records >= self.most_records || self.current.batch.is_full() {
            self.flush();
        }
    }
}

impl<E: Encoder> Channel<E> {
    /// Whether there is room for a parcel, waited for if that is what is wanted.
    fn has_room(&self) -> bool {
        let mut wait = Wait::alert();
        // The sink's thread drains its ring even when the output has failed, so this ends.
        while self.ring.is_full() {
            let given_up = self.ring.is_abandoned() || self.station.is_given_up();
            if self.when_full == WhenFull::Drop || given_up {
                return false;
            }
            wait.idle();
        }
        true
    }

    fn publish(&mut self) {
        self.station.page().encoded[self.worker].publish(&mut self.counters);
    }
}

impl<E: Encoder> Port for Channel<E> {
    fn flush(&mut self) {
        if self.current.totals.records == 0 {
            return;
        }
        self.counters.all.add(&self.current.totals);
        if !self.has_room() {
            self.counters.dropped.add(&self.current.totals);
            self.publish();
            self.current.batch.clear();
            self.current.totals = Totals::default();
            return;
        }
        self.publish();
        while let Ok(parcel) = self.returned.pop() {
            self.spare.push(parcel);
        }
        let next = self.spare.pop().unwrap_or_default();
        let parcel = std::mem::replace(&mut self.current, next);
        if let Err(rtrb::PushError::Full(parcel)) = self.ring.push(parcel) {
            self.counters.dropped.add(&parcel.totals);
            self.publish();
        }
        if self.ring.slots() <= self.half_full {
            self.bell.ring_urgently();
        } else {
            self.bell.ring();
        }
    }

    fn drain(&mut self) {
        if !self.is_paced {
            self.when_full = WhenFull::Block;
        }
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
    /// Whether all memory is taken at start, so that it does not grow later.
    pub(crate) prepare: bool,
    pub(crate) station: Arc<Station>,
}

/// A running output.
pub(crate) struct RunningOutput {
    /// A port for each worker.
    pub(crate) ports: Vec<Box<dyn Port>>,
    /// Has the sink wait for nobody any more, if it may wait without end.
    pub(crate) hurry: Option<Hurry>,
    /// Ends when all workers have gone.
    pub(crate) thread: Option<thread::JoinHandle<()>>,
}

/// The most records in one parcel: enough that handing over costs nothing per record.
const MOST_RECORDS_PER_PARCEL: usize = 256;

/// The most parcels under way from one worker: sixteen million records.
const MOST_PARCELS: usize = 1 << 16;

/// Starts the thread of an output with channels from `workers` workers. `at_end` is dropped when it ends.
pub(crate) fn start<O: weir_output::Output>(
    name: &str,
    output: O,
    workers: usize,
    settings: &OutputSettings,
    at_end: impl Send + 'static,
) -> std::io::Result<RunningOutput> {
    let per_worker = (settings.ring_records / workers.max(1)).max(2);
    let mut per_parcel = (per_worker / 4).clamp(1, MOST_RECORDS_PER_PARCEL);
    if let Some(pace) = settings.records_per_second {
        per_parcel = per_parcel.min((pace / 16).max(1) as usize);
    }
    let slots = (per_worker / per_parcel).clamp(1, MOST_PARCELS);
    let door = Doorbell::default();
    let mut ports: Vec<Box<dyn Port>> = Vec::new();
    let mut intakes = Vec::new();
    for worker in 0..workers {
        let (ring, ring_end) = RingBuffer::new(slots);
        let mut spare: Vec<Parcel<O::Batch>> = Vec::with_capacity(slots + 2);
        if settings.prepare {
            spare.resize_with(slots + 2, Parcel::default);
            spare.iter_mut().for_each(|parcel| parcel.batch.prepare());
        }
        let (returned_end, returned) = RingBuffer::new(slots + 2);
        ports.push(Box::new(Channel {
            encoder: output.encoder(),
            current: spare.pop().unwrap_or_default(),
            most_records: per_parcel as u64,
            when_full: settings.when_full,
            is_paced: settings.records_per_second.is_some(),
            counters: PassCounters::default(),
            worker,
            station: Arc::clone(&settings.station),
            returned,
            spare,
            ring,
            half_full: slots / 2,
            bell: door.bell(),
        }));
        intakes.push(Intake { ring: ring_end, returned: returned_end });
    }
    let hurry = output.hurry();
    let sink = output.into_sink();
    let settings = settings.clone();
    let thread = thread::Builder::new().name(format!("out_{name}")).spawn(move || {
        let _at_end = at_end;
        if let Some(cpu) = settings.cpu
            && let Err(error) = affinity::restrict_to(&[cpu])
        {
            eprintln!("Warning: {error}");
        }
        let pace = settings.records_per_second.map(Pace::new);
        let mut writer =
            Writer { sink, pace, counters: PassCounters::default(), result: Ok(()), has_written: false };
        run(&mut writer, intakes, &door, &settings.station);
    })?;
    Ok(RunningOutput { ports, hurry, thread: Some(thread) })
}

/// A sink, and what became of it.
struct Writer<S> {
    sink: S,
    pace: Option<Pace>,
    counters: PassCounters,
    result: Result<(), OutputError>,
    has_written: bool,
}

impl<S: Sink> Writer<S> {
    fn take(&mut self, batch: &S::Batch, totals: &Totals, station: &Station) {
        self.counters.all.add(totals);
        if self.result.is_ok() {
            self.has_written = true;
            let written = self.sink.write(batch);
            self.note(written, station);
        }
        if self.result.is_err() {
            self.counters.dropped.add(totals);
        }
        self.count_lost();
        station.page().taken.publish(&mut self.counters);
        if self.result.is_ok()
            && let Some(pace) = &mut self.pace
        {
            pace.after(totals.records);
        }
    }

    /// What the sink took before and lost since.
    fn count_lost(&mut self) {
        let Lost { records, packets, bytes } = self.sink.take_lost();
        self.counters.dropped.add(&Totals { records, packets, bytes });
    }

    fn idle(&mut self, station: &Station) {
        if self.result.is_ok() {
            let pushed = self.sink.idle();
            self.note(pushed, station);
            self.count_lost();
            station.page().taken.publish(&mut self.counters);
        }
    }

    fn flush(&mut self, station: &Station) {
        if self.has_written && self.result.is_ok() {
            let flushed = self.sink.flush();
            self.note(flushed, station);
            self.count_lost();
            station.page().taken.publish(&mut self.counters);
        }
    }

    fn note(&mut self, result: Result<(), OutputError>, station: &Station) {
        if let Err(error) = &result {
            let ended = match error {
                OutputError::StandardOutputClosed => Ok(()),
                error => Err(error.to_string()),
            };
            let _ = station.page().ended.set(ended);
        }
        self.result = result;
    }
}

/// The loop of an output thread: until every worker has gone, then one last flush.
fn run<S: Sink>(
    writer: &mut Writer<S>,
    mut intakes: Vec<Intake<S::Batch>>,
    door: &Doorbell,
    station: &Station,
) {
    let mut wait = Wait::calm();
    loop {
        let mut worked = false;
        // Asked before the rings are looked at: what a worker handed over before it went is still taken.
        let abandoned = intakes.iter().all(|i| i.ring.is_abandoned());
        for intake in &mut intakes {
            while let Ok(mut parcel) = intake.ring.pop() {
                worked = true;
                writer.take(&parcel.batch, &parcel.totals, station);
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
        if abandoned {
            return writer.flush(station);
        }
        // Not at once: a moment later there may be more.
        if wait.is_calm() {
            writer.idle(station);
        }
        wait.idle_at(door, || {
            intakes.iter().any(|i| !i.ring.is_empty()) || intakes.iter().all(|i| i.ring.is_abandoned())
        });
    }
}
