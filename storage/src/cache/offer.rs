//! What plugins see of a packet, and what their answers do.

use arrayvec::ArrayVec;
use smallvec::SmallVec;
use weir_flow::flow::Marks;
use weir_flow::plugin::View;
use weir_flow::{Endpoint, Instances, Record, Section};

use super::*;

/// New bytes for plugins that ask for streams, and for which direction.
#[derive(Clone, Copy)]
struct Offered {
    arrival: Arrival,
    sender: Endpoint,
}

impl Cache {
    /// Shows a packet to the interested plugins, counts it, and does what they ask.
    pub(super) fn offer<C: RecordConsumer + ?Sized>(
        &mut self,
        record: u32,
        packet: &Packet,
        direction: Direction,
        out: &mut C,
    ) {
        let stream_plugins = self.table.record(record).interest & self.dispatch.stream();
        let mut offered = None;
        let mut export = false;
        if stream_plugins != 0 && packet.is_tcp() {
            let flow = self.table.record_mut(record);
            if Streams::holds(flow) {
                let arrival = self.streams.acknowledged(flow, record, packet);
                if arrival != Arrival::Nothing {
                    export = self.deliver(record, packet, arrival, out);
                }
            }
            let arrival = self.streams.arrive(self.table.record_mut(record), record, packet);
            offered = Some(Offered { arrival, sender: packet.sender });
        }
        let wanting = self.wanting(record, packet, offered);
        if wanting == 0 && !export {
            self.table.record_mut(record).count(packet, direction);
            return;
        }
        let continues = self.table.record(record).total_packets() > 0;
        let wanting = if continues && self.inspect(record, packet, wanting, offered) {
            self.cut(record, packet, out);
            // A fresh record: every plugin is interested again.
            self.wanting(record, packet, offered)
        } else {
            wanting
        };
        self.table.record_mut(record).count(packet, direction);
        export |= self.account(record, packet, wanting, offered);
        if export {
            self.export_on_request(record, packet, out);
        }
    }

    /// The plugins that are to see this packet.
    #[inline]
    fn wanting(&self, record: u32, packet: &Packet, offered: Option<Offered>) -> PluginSet {
        let interested = self.table.record(record).interest;
        let wanting = self.dispatch.wanting(interested, packet.payload_wire_len > 0);
        match offered {
            Some(Offered { arrival: Arrival::Nothing, .. }) => wanting & !self.dispatch.stream(),
            Some(_) => wanting | interested & self.dispatch.stream(),
            // Not the beginning of a message, nor in any order.
            None if packet.later_fragment => wanting & !self.dispatch.stream(),
            None => wanting,
        }
    }

    /// Shows the packet to `wanting`; whether one of them asks for a cut.
    fn inspect(
        &mut self,
        record: u32,
        packet: &Packet,
        wanting: PluginSet,
        offered: Option<Offered>,
    ) -> bool {
        let mut cut = false;
        for number in plugins_of(wanting & self.cutting) {
            let (view, hooks, handle) = self.view(record, packet, number, offered);
            cut |= hooks.inspect(&view, record, *handle) == Inspection::Cut;
        }
        cut
    }

    /// Lets `wanting` take the packet in; whether one of them asks for an export.
    fn account(
        &mut self,
        record: u32,
        packet: &Packet,
        wanting: PluginSet,
        offered: Option<Offered>,
    ) -> bool {
        let mut export = false;
        let mut done: PluginSet = 0;
        let mut has_state = false;
        let mut retained: SmallVec<[(u8, usize); 4]> = SmallVec::new();
        let stream = self.dispatch.stream();
        for number in plugins_of(wanting) {
            let (view, hooks, handle) = self.view(record, packet, number, offered);
            let Account { next, retain } = hooks.account(&view, record, handle);
            has_state |= *handle != 0;
            match next {
                Next::Continue => {}
                Next::Done => done |= 1 << number,
                Next::Export => export = true,
            }
            if retain > 0
                && next != Next::Done
                && !view.buffer_full
                && offered.is_some()
                && stream >> number & 1 != 0
            {
                retained.push((number as u8, retain));
            }
        }
        let flow = self.table.record_mut(record);
        flow.interest &= !done;
        if has_state {
            flow.marks.set(Marks::HAS_STATE);
        }
        if let Some(offered) = offered {
            self.settle_stream(record, packet, offered, &retained);
        }
        export
    }

    /// Keeps what plugins want to see again, and forgets what none does.
    #[inline]
    fn settle_stream(&mut self, record: u32, packet: &Packet, offered: Offered, retained: &[(u8, usize)]) {
        let flow = self.table.record_mut(record);
        if flow.interest & self.dispatch.stream() == 0 {
            if Streams::holds(flow) {
                self.streams.release(flow, record);
            }
            return;
        }
        match offered.arrival {
            Arrival::Nothing => {}
            Arrival::Payload { skip, .. } => {
                if !retained.is_empty() || Streams::holds(flow) {
                    let payload = packet.payload().get(skip..).unwrap_or(&[]);
                    self.streams.retain(flow, record, offered.sender, payload, retained);
                }
            }
            Arrival::Held { .. } => self.streams.retain(flow, record, offered.sender, &[], retained),
        }
    }

    /// What plugin `number` sees, and the plugin.
    #[inline]
    fn view<'a>(
        &'a mut self,
        record: u32,
        packet: &'a Packet,
        number: usize,
        offered: Option<Offered>,
    ) -> (View<'a>, &'a mut dyn Hooks, &'a mut Handle) {
        let flow = self.table.record(record);
        let count = self.plugins.len();
        let handle = &mut self.handles[record as usize * count + number];
        let hooks = self.plugins[number].hooks.as_mut();
        let mut view = View {
            packet,
            flow,
            direction: flow.direction(packet),
            data: &[],
            after_gap: false,
            buffer_full: false,
        };
        match offered {
            Some(offered) if self.dispatch.stream() >> number & 1 != 0 => match offered.arrival {
                Arrival::Nothing => {}
                Arrival::Payload { skip, after_gap, cut_short } => {
                    view.data = packet.payload().get(skip..).unwrap_or(&[]);
                    view.after_gap = after_gap;
                    view.buffer_full = cut_short;
                }
                Arrival::Held { sender, after_gap, full } => {
                    view.direction =
                        if sender == flow.source_end { Direction::Forward } else { Direction::Reverse };
                    view.data = self.streams.held(flow, record, sender, number);
                    view.after_gap = after_gap;
                    view.buffer_full = full;
                }
            },
            _ => view.data = packet.payload(),
        }
        (view, hooks, handle)
    }

    /// Shows held bytes that a packet of the other direction released to the plugins that ask for streams. Whether one of them
    /// asks for an export, which waits for that packet to be counted.
    #[cold]
    fn deliver<C: RecordConsumer + ?Sized>(
        &mut self,
        record: u32,
        packet: &Packet,
        arrival: Arrival,
        out: &mut C,
    ) -> bool {
        let offered = Some(Offered { arrival, sender: packet.sender.other() });
        let wanting = self.table.record(record).interest & self.dispatch.stream();
        if self.table.record(record).total_packets() > 0 && self.inspect(record, packet, wanting, offered) {
            self.cut(record, packet, out);
        }
        let wanting = self.table.record(record).interest & self.dispatch.stream();
        self.account(record, packet, wanting, offered)
    }

    /// The record ends: shows plugins the bytes still held behind gaps.
    #[cold]
    pub(super) fn deliver_leftovers(&mut self, record: u32) {
        // Each round gives up one gap; a direction holds a bounded number of segments.
        loop {
            let flow = self.table.record_mut(record);
            let arrival = self.streams.leftover(flow, record);
            let Arrival::Held { sender, .. } = arrival else {
                return;
            };
            let wanting = flow.interest & self.dispatch.stream();
            let packet = Packet { key: flow.key, sender, time: flow.last, ..Packet::default() };
            self.account(record, &packet, wanting, Some(Offered { arrival, sender }));
        }
    }

    /// A plugin asked that the record end before this packet: a fresh one with the same orientation begins.
    fn cut<C: RecordConsumer + ?Sized>(&mut self, record: u32, packet: &Packet, out: &mut C) {
        self.export(record, EndReason::Forced, out);
        self.statistics.begun += 1;
        let interest = self.dispatch.interest(&packet.key);
        let flow = self.table.record_mut(record);
        *flow = Flow {
            key: flow.key,
            source_end: flow.source_end,
            mac: flow.mac,
            next_sequence: flow.next_sequence,
            marks: flow.marks,
            stream: flow.stream,
            interest,
            ..Flow::begin(packet)
        };
    }

    /// A plugin asked that the record end with this packet.
    #[cold]
    fn export_on_request<C: RecordConsumer + ?Sized>(&mut self, record: u32, packet: &Packet, out: &mut C) {
        self.export(record, EndReason::Forced, out);
        let interest = self.dispatch.interest(&packet.key);
        if packet.is_tcp() && interest & self.dispatch.stream() != 0 {
            // The place in the stream is remembered; the next packet decides the orientation anew.
            let flow = self.table.record_mut(record);
            (flow.packets, flow.bytes, flow.tcp_flags) = ([0; 2], [0; 2], [0; 2]);
            flow.interest = 0;
            return;
        }
        let key = self.table.record(record).key;
        self.streams.release(self.table.record_mut(record), record);
        if let Some(place) = self.table.find(packet.hash, &key) {
            self.table.remove(place);
        }
    }

    /// `finish` of every plugin with state, the record to the consumer, the states back.
    pub(super) fn export<C: RecordConsumer + ?Sized>(
        &mut self,
        record: u32,
        end_reason: EndReason,
        out: &mut C,
    ) {
        let has_state = self.table.record(record).marks.has(Marks::HAS_STATE);
        let flow = self.table.record_mut(record);
        flow.marks.clear(Marks::HAS_STATE);
        let flow = self.table.record(record);
        self.statistics.exported[end_reason.code() as usize - 1] += 1;
        self.statistics.exported_packets += flow.total_packets();
        let count = self.plugins.len();
        let handles = &mut self.handles[record as usize * count..][..count];
        let with_state = if has_state { with_handle(handles) } else { 0 };
        for number in plugins_of(with_state) {
            self.plugins[number].hooks.finish(flow, record, &mut handles[number]);
        }
        let speaking = with_state | self.speaking_from_flow;
        if speaking != 0 && out.wants_sections() {
            consume_with_sections(flow, end_reason, &mut self.plugins, handles, speaking, record, out);
        } else {
            out.consume(&Record { flow, end_reason, sections: &[] });
        }
        for number in plugins_of(with_state) {
            if handles[number] != 0 {
                self.plugins[number].hooks.release(record, &mut handles[number]);
            }
        }
    }
}

/// The plugins that have a place for state.
#[inline]
fn with_handle(handles: &[Handle]) -> PluginSet {
    handles.iter().enumerate().fold(0, |set, (number, &handle)| set | PluginSet::from(handle != 0) << number)
}

/// Hands a record and what the plugins say about it to the consumer. Apart from `export`, because the values take some room on
/// the stack.
#[inline(never)]
fn consume_with_sections<C: RecordConsumer + ?Sized>(
    flow: &Flow,
    end_reason: EndReason,
    plugins: &mut [Plugin],
    handles: &[Handle],
    speaking: PluginSet,
    record: u32,
    out: &mut C,
) {
    let mut sections: ArrayVec<Section<'_>, MOST_PLUGINS> = ArrayVec::new();
    for (number, (plugin, handle)) in plugins.iter_mut().zip(handles).enumerate() {
        if speaking >> number & 1 == 0 {
            continue;
        }
        let mut instances = Instances::default();
        plugin.hooks.export(flow, record, *handle, &mut instances);
        if !instances.is_empty() {
            sections.push(Section { plugin: number as u8, schema: plugin.schema, instances });
        }
    }
    out.consume(&Record { flow, end_reason, sections: &sections });
}

/// The numbers in a set, ascending.
#[inline]
fn plugins_of(set: PluginSet) -> impl Iterator<Item = usize> {
    let mut rest = set;
    std::iter::from_fn(move || {
        if rest == 0 {
            return None;
        }
        let number = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        Some(number)
    })
}
