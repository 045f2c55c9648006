//! A shard of the flow cache: packets in, records out.
//!
//! A burst of packets is taken in three passes, so that the cache misses of its packets overlap: ask for the lines, ask for the
//! records, then find, count and call plugins. When a record ends is decided in `expiry`, what plugins see of a packet in `offer`.

mod expiry;
mod offer;
#[cfg(test)]
mod tests;

use weir_flow::plugin::{Account, Factory, Handle, Hooks, Inspection, Next};
use weir_flow::prefetch::{prefetch, prefetch_byte};
use weir_flow::{Direction, EndReason, Flow, Packet, RecordConsumer, Schema, tcp};

use crate::dispatch::{Dispatch, MOST_PLUGINS, PluginSet};
use crate::memory::Zeroed;
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::streams::{Arrival, Streams};
use crate::table::{Place, Table};

/// Packets whose cache misses overlap: as many as a batch from an input has by default. They ask for some 24 KiB, which stays near.
const BURST: usize = 64;

/// Bytes that streams may hold on average per record.
const STREAM_BYTES_PER_RECORD: usize = 128;

/// A plugin as the cache is given it.
pub struct EnabledPlugin<'a> {
    /// What makes its instances.
    pub factory: &'a dyn Factory,
    /// Its fields.
    pub schema: &'static Schema,
}

struct Plugin {
    hooks: Box<dyn Hooks>,
    schema: &'static Schema,
}

/// A shard of the flow cache.
pub struct Cache {
    table: Table,
    plugins: Vec<Plugin>,
    dispatch: Dispatch,
    /// One handle per record and plugin.
    handles: Zeroed<Handle>,
    streams: Streams,
    statistics: Statistics,
    active_s: u32,
    inactive_s: u32,
    split: bool,
    expiry: expiry::Expiry,
    /// The plugins that speak about records for which they keep no state.
    speaking_from_flow: PluginSet,
    /// The plugins that ask for cuts.
    cutting: PluginSet,
}

/// Why a cache cannot be made.
#[derive(Debug)]
pub enum CacheError {
    /// The system does not give the memory.
    Memory(std::io::Error),
    /// More than [`MOST_PLUGINS`] plugins.
    TooManyPlugins,
}

impl std::fmt::Display for CacheError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CacheError::Memory(error) => write!(f, "not enough memory for the flow cache: {error}"),
            CacheError::TooManyPlugins => write!(f, "at most {MOST_PLUGINS} process plugins can be enabled"),
        }
    }
}

impl std::error::Error for CacheError {}

impl Cache {
    /// A shard for at most `records` records, with its own instances of the plugins.
    ///
    /// # Errors
    /// If there is not enough memory, or there are too many plugins.
    pub fn new(
        settings: &Settings,
        records: usize,
        plugins: &[EnabledPlugin<'_>],
    ) -> Result<Cache, CacheError> {
        if plugins.len() > MOST_PLUGINS {
            return Err(CacheError::TooManyPlugins);
        }
        let interests: Vec<_> = plugins.iter().map(|p| p.factory.interest()).collect();
        let dispatch = Dispatch::new(&interests);
        let stream_bytes = if dispatch.stream() == 0 { 0 } else { records * STREAM_BYTES_PER_RECORD };
        let plugins: Vec<Plugin> =
            plugins.iter().map(|p| Plugin { hooks: p.factory.build(records), schema: p.schema }).collect();
        let those = |holds: fn(&dyn Hooks) -> bool| -> PluginSet {
            plugins.iter().enumerate().map(|(number, p)| PluginSet::from(holds(&*p.hooks)) << number).sum()
        };
        let cutting = those(|hooks| hooks.cuts());
        let speaking_from_flow = those(|hooks| hooks.speaks_from_flow());
        Ok(Cache {
            table: Table::new(records, settings.line_slots).map_err(CacheError::Memory)?,
            handles: Zeroed::new(records * plugins.len()).map_err(CacheError::Memory)?,
            streams: Streams::new(if dispatch.stream() == 0 { 1 } else { records.div_ceil(4) }, stream_bytes),
            plugins,
            dispatch,
            statistics: Statistics::default(),
            active_s: settings.active_s,
            inactive_s: settings.inactive_s,
            split: settings.split,
            expiry: expiry::Expiry::new(settings.inactive_s),
            speaking_from_flow,
            cutting,
        })
    }

    /// The most memory the shard will use, in bytes.
    pub fn memory(&self) -> usize {
        self.table.bytes()
            + self.handles.bytes()
            + self.streams.memory()
            + self.plugins.iter().map(|p| p.hooks.memory()).sum::<usize>()
    }

    /// Brings the memory that is reserved for flows into RAM, near the processor that calls, so that none has to be found under
    /// load. What the system refuses now comes when it is first used.
    pub fn touch(&mut self) {
        self.table.touch_memory();
        self.handles.touch();
        self.streams.touch();
        self.plugins.iter_mut().for_each(|p| p.hooks.touch());
    }

    /// The counters.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            states_taken: self.plugins.iter().map(|p| p.hooks.states_taken()).sum(),
            streams_taken: self.streams.taken(),
            ..self.statistics
        }
    }

    /// Records in use.
    pub fn records_in_use(&self) -> usize {
        self.table.in_use()
    }

    /// Takes packets in, in the order of their capture. Records that end go to `out`.
    pub fn put<C: RecordConsumer + ?Sized>(&mut self, packets: &[Packet], out: &mut C) {
        for burst in packets.chunks(BURST) {
            for packet in burst {
                self.table.prefetch_line(packet.hash);
            }
            if self.plugins.is_empty() {
                for packet in burst {
                    self.table.prefetch_record(packet.hash);
                }
            } else {
                self.prefetch_for_plugins(burst);
            }
            for packet in burst {
                self.take_in(packet, out);
            }
            if let Some(last) = burst.last() {
                self.sweep(last.clock_s, out);
            }
        }
    }

    /// Asks for what plugins will touch: the payload, the handles of the record that is probably the packet's, and the states of the
    /// plugins that still want packets of it.
    fn prefetch_for_plugins(&self, burst: &[Packet]) {
        let count = self.plugins.len();
        let mut candidates = [None; BURST];
        for (packet, candidate) in burst.iter().zip(&mut candidates) {
            *candidate = self.table.prefetch_record(packet.hash);
            if let Some(record) = *candidate {
                prefetch(&self.handles[record as usize * count]);
            }
            if packet.payload_len > 0 {
                prefetch_byte(packet.frame.bytes(), packet.payload_offset as usize);
            }
        }
        for record in candidates.iter().take(burst.len()).flatten() {
            let mut interest = self.table.record(*record).interest;
            while interest != 0 {
                let number = interest.trailing_zeros() as usize;
                interest &= interest - 1;
                let handle = self.handles[*record as usize * count + number];
                if handle != 0 {
                    self.plugins[number].hooks.prefetch(handle);
                }
            }
        }
    }

    fn take_in<C: RecordConsumer + ?Sized>(&mut self, packet: &Packet, out: &mut C) {
        self.statistics.packets += 1;
        self.expiry.begin_at(packet.clock_s);
        let mut key = packet.key;
        if self.split {
            key = key.one_way(packet.sender);
        }
        match self.table.find(packet.hash, &key) {
            Some(place) => self.found(place, packet, out),
            None => {
                if let Some(victim) = self.table.victim(packet.hash) {
                    self.end(victim.record, EndReason::LackOfResources, out);
                    self.streams.release(self.table.record_mut(victim.record), victim.record);
                    self.table.remove(victim);
                }
                let flow = Flow { key, ..Flow::begin(packet) };
                let tick = self.expiry.tick(packet.time.seconds());
                let record = self.table.insert(packet.hash, tick, flow);
                self.statistics.begun += 1;
                let place = Place { line: self.table.line_of(packet.hash), slot: 0, record };
                self.begun(place, packet, out);
            }
        }
    }

    /// A packet of a flow that has a record.
    #[inline]
    fn found<C: RecordConsumer + ?Sized>(&mut self, place: Place, packet: &Packet, out: &mut C) {
        let flow = self.table.record(place.record);
        let direction = flow.direction(packet);
        let last_s = flow.last.seconds();
        let reopened = packet.tcp_flags & tcp::SYN != 0
            && flow.tcp_flags[direction.index()] & (tcp::FIN | tcp::RST) != 0;
        let dead = packet.clock_s.saturating_sub(last_s) >= self.inactive_s;
        let old = packet.time.seconds().saturating_sub(flow.first.seconds()) >= self.active_s;
        let waiting = flow.total_packets() == 0;
        if packet.time < flow.last {
            self.statistics.late_packets += 1;
        }
        let tick = self.expiry.tick(last_s.max(packet.time.seconds()));
        self.table.touch(place, packet.hash, tick);
        if reopened | dead | old | waiting {
            return self.renew(place, packet, reopened, dead, out);
        }
        let flow = self.table.record_mut(place.record);
        if flow.interest == 0 {
            flow.count(packet, direction);
            return;
        }
        self.offer(place.record, packet, direction, out);
    }

    /// The record found has ended, or was waiting for a first packet: it begins anew with this packet.
    #[cold]
    fn renew<C: RecordConsumer + ?Sized>(
        &mut self,
        place: Place,
        packet: &Packet,
        reopened: bool,
        dead: bool,
        out: &mut C,
    ) {
        let flow = self.table.record(place.record);
        let reason = match (reopened, dead, flow.is_closed()) {
            (true, ..) | (false, true, true) => EndReason::EndOfFlow,
            (false, true, false) => EndReason::Inactive,
            (false, false, _) => EndReason::Active,
        };
        if flow.total_packets() > 0 {
            self.end(place.record, reason, out);
        }
        if reopened | dead {
            self.streams.release(self.table.record_mut(place.record), place.record);
        }
        let flow = self.table.record_mut(place.record);
        let (next_sequence, marks, stream) = (flow.next_sequence, flow.marks, flow.stream);
        *flow = Flow { key: flow.key, next_sequence, stream, ..Flow::begin(packet) };
        flow.marks.keep_sequences(marks);
        self.statistics.begun += 1;
        self.begun(place, packet, out);
    }

    /// The record is fresh: gives the first packet to it and to the plugins.
    #[inline]
    fn begun<C: RecordConsumer + ?Sized>(&mut self, place: Place, packet: &Packet, out: &mut C) {
        let interest = self.dispatch.interest(&packet.key);
        let flow = self.table.record_mut(place.record);
        flow.interest = interest;
        let direction = flow.direction(packet);
        if interest == 0 {
            flow.count(packet, direction);
            return;
        }
        self.offer(place.record, packet, direction, out);
    }

    /// Lets plugins finish, hands the record to the consumer and takes their state back. The table still has the record.
    fn end<C: RecordConsumer + ?Sized>(&mut self, record: u32, reason: EndReason, out: &mut C) {
        if Streams::holds(self.table.record(record)) {
            self.deliver_leftovers(record);
        }
        if self.table.record(record).total_packets() > 0 {
            self.export(record, reason, out);
        }
    }
}
