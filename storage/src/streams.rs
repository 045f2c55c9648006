//! TCP bytes in order.
//!
//! While segments come in order nothing is held: the record knows the sequence number that continues each direction, and plugins see
//! the payload where it lies. Bytes are held only for segments that came early, and for what a plugin wants to see again
//! together with its continuation. One buffer per direction serves all plugins, survives cuts, and is bounded. The buffers of a
//! shard lie in one arena of fixed size; when it is full the oldest gives way.

mod arena;
mod held;

use weir_flow::flow::Marks;
use weir_flow::plugin::{Handle, Slab, reserve_up_to, touch_reserved};
use weir_flow::{Endpoint, Flow, Packet, tcp};

use arena::Arena;
use held::{HeldFlow, is_before};

/// The most bytes held for one direction of a flow.
pub const DIRECTION_LIMIT: usize = 16 << 10;
/// The most segments held for one direction of a flow.
const SEGMENT_LIMIT: usize = 16;
/// A longer segment is not held. Longer than this are only some from a capture in which the system had joined or not yet cut segments.
const LONGEST_SEGMENT: usize = 64 << 10;
/// The most bytes shown at once: retained, a segment, early ones, of which the last may exceed the limit.
const MOST_SHOWN: usize = 3 * LONGEST_SEGMENT + DIRECTION_LIMIT;
/// A sequence number further off than this is not a gap but another stream.
const WINDOW: u32 = 1 << 20;

/// New bytes of a direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The packet brings nothing new in order: no payload, a duplicate, or too early.
    Nothing,
    /// The packet's payload from this offset on continues the stream, and nothing is held for it.
    Payload {
        /// Bytes of the payload that were there before.
        skip: usize,
        /// Bytes are missing before it.
        after_gap: bool,
        /// The payload was cut by the capture: what follows cannot be joined to it.
        cut_short: bool,
    },
    /// The buffer of this endpoint has new bytes: see [`Streams::held`].
    Held {
        /// Whose bytes.
        sender: Endpoint,
        /// Bytes are missing before the new ones.
        after_gap: bool,
        /// No more can be held.
        full: bool,
    },
}

/// The bytes of the last [`Arrival::Held`], in one piece.
#[derive(Debug)]
struct Shown {
    bytes: Vec<u8>,
    /// Whose they are.
    stream: Handle,
    sender: Endpoint,
    /// Where bytes start that no plugin has seen.
    new_from: usize,
}

/// The streams of a shard.
#[derive(Debug)]
pub struct Streams {
    held: Slab<HeldFlow>,
    arena: Arena,
    shown: Shown,
    /// Bytes held in all.
    total: usize,
    taken: u64,
}

const fn side_index(end: Endpoint) -> usize {
    end as usize
}

impl Streams {
    /// Streams of a shard of which `flows` may hold bytes at a time, in `memory` bytes or the least that makes sense.
    pub fn new(flows: usize, memory: usize) -> Streams {
        let shown = Shown { bytes: reserve_up_to(MOST_SHOWN), stream: 0, sender: Endpoint::Low, new_from: 0 };
        let arena = Arena::new(memory.max(2 * DIRECTION_LIMIT));
        Streams { held: Slab::new(flows), arena, shown, total: 0, taken: 0 }
    }

    /// The most bytes held in all. The last block of each piece is not full as a rule, so that there will be fewer.
    pub fn limit(&self) -> usize {
        self.arena.capacity()
    }

    /// Bytes of memory reserved. There will never be more.
    pub fn memory(&self) -> usize {
        self.held.reserved_bytes() + self.arena.reserved_bytes() + self.shown.bytes.capacity()
    }

    /// Brings all reserved memory into RAM, near the processor that calls.
    pub fn touch(&mut self) {
        self.held.touch();
        self.arena.touch();
        touch_reserved(&mut self.shown.bytes);
    }

    /// Bytes held at the moment.
    pub fn held_bytes(&self) -> usize {
        self.total
    }

    /// How many flows lost held bytes to others.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether bytes of this flow are held.
    #[inline]
    pub fn holds(flow: &Flow) -> bool {
        flow.stream != 0
    }

    /// What the acknowledgement in `packet` says about the other direction: that its receiver has what the capture lacks.
    /// Then the segments held behind the gap are new bytes.
    pub fn acknowledged(&mut self, flow: &mut Flow, owner: u32, packet: &Packet) -> Arrival {
        let sender = packet.sender.other();
        if packet.tcp_flags & tcp::ACK == 0 {
            return Arrival::Nothing;
        }
        let Some(held) = self.held.get(flow.stream, owner) else {
            return Arrival::Nothing;
        };
        match held.sides[side_index(sender)].first_early(&self.arena) {
            Some(early) if is_before(early.sequence, packet.tcp_acknowledgement) => {
                self.skip_gap(flow, owner, sender)
            }
            _ => Arrival::Nothing,
        }
    }

    /// The segments still held behind a gap, when no more packets will come: new bytes of one of the directions, or nothing.
    pub fn leftover(&mut self, flow: &mut Flow, owner: u32) -> Arrival {
        for sender in [Endpoint::Low, Endpoint::High] {
            let early = self
                .held
                .get(flow.stream, owner)
                .is_some_and(|h| h.sides[side_index(sender)].early_bytes() > 0);
            if early {
                return self.skip_gap(flow, owner, sender);
            }
        }
        Arrival::Nothing
    }

    /// Takes a TCP packet in.
    #[inline]
    pub fn arrive(&mut self, flow: &mut Flow, owner: u32, packet: &Packet) -> Arrival {
        let sender = packet.sender;
        let known = Marks::sequence_known(sender);
        let mut sequence = packet.tcp_sequence;
        if packet.tcp_flags & tcp::SYN != 0 {
            sequence = sequence.wrapping_add(1);
            if !flow.marks.has(known) {
                flow.next_sequence[side_index(sender)] = sequence;
                flow.marks.set(known);
            }
        }
        if packet.payload_len == 0 || is_padding(packet) {
            return Arrival::Nothing;
        }
        let first_seen = !flow.marks.has(known);
        if first_seen {
            flow.next_sequence[side_index(sender)] = sequence;
            flow.marks.set(known);
        }
        let expected = flow.next_sequence[side_index(sender)];
        if sequence == expected && flow.stream == 0 {
            flow.next_sequence[side_index(sender)] = sequence.wrapping_add(packet.payload_wire_len);
            return Arrival::Payload {
                skip: 0,
                after_gap: first_seen,
                cut_short: packet.payload_len < packet.payload_wire_len,
            };
        }
        self.arrive_out_of_order(flow, owner, packet, sequence)
    }

    #[cold]
    fn arrive_out_of_order(
        &mut self,
        flow: &mut Flow,
        owner: u32,
        packet: &Packet,
        sequence: u32,
    ) -> Arrival {
        let sender = packet.sender;
        let next = &mut flow.next_sequence[side_index(sender)];
        let ahead = sequence.wrapping_sub(*next) as i32;
        let cut_short = packet.payload_len < packet.payload_wire_len;
        if ahead.unsigned_abs() > WINDOW {
            // Another stream on the same ports, or a gap that nobody will fill: begin anew here.
            *next = sequence.wrapping_add(packet.payload_wire_len);
            self.forget_side(flow, owner, sender);
            return Arrival::Payload { skip: 0, after_gap: true, cut_short };
        }
        if ahead > 0 {
            return self.hold_early(flow, owner, packet, sequence);
        }
        let skip = ahead.unsigned_abs();
        if skip >= packet.payload_wire_len || skip >= packet.payload_len {
            return Arrival::Nothing;
        }
        *next = sequence.wrapping_add(packet.payload_wire_len);
        let (next, skip) = (*next, skip as usize);
        let side = match self.held.get_mut(flow.stream, owner) {
            Some(held) if !held.sides[side_index(sender)].is_empty() => &mut held.sides[side_index(sender)],
            _ => return Arrival::Payload { skip, after_gap: false, cut_short },
        };
        let fresh = &packet.payload()[skip..];
        if fresh.len() > LONGEST_SEGMENT {
            self.lose(flow, owner);
            return Arrival::Payload { skip, after_gap: true, cut_short };
        }
        let before = side.len();
        self.shown.begin(flow.stream, sender);
        self.arena.read(&side.bytes, 0, &mut self.shown.bytes);
        self.shown.new_from = self.shown.bytes.len();
        self.shown.bytes.extend_from_slice(fresh);
        let next = if cut_short {
            // What the segment covers was shown, or is missing for good.
            side.forget_early_before(&mut self.arena, next);
            next
        } else {
            side.join_early(&mut self.arena, next, &mut self.shown.bytes)
        };
        self.total -= before - side.len();
        flow.next_sequence[side_index(sender)] = next;
        let full = cut_short || self.shown.bytes.len() + side.early_bytes() >= DIRECTION_LIMIT;
        Arrival::Held { sender, after_gap: false, full }
    }

    /// Holds a segment that came before its predecessor.
    fn hold_early(&mut self, flow: &mut Flow, owner: u32, packet: &Packet, sequence: u32) -> Arrival {
        let payload = packet.payload();
        let sender = packet.sender;
        self.hold(flow, owner);
        let Some(held) = self.held.get(flow.stream, owner) else {
            return Arrival::Nothing;
        };
        let side = &held.sides[side_index(sender)];
        let list = side.early(&self.arena);
        let place = list.partition_point(|e| is_before(e.sequence, sequence));
        let known = list.get(place).is_some_and(|e| e.sequence == sequence && e.bytes.len() >= payload.len());
        let is_whole = packet.payload_len == packet.payload_wire_len;
        // Only where the last gap was followed by another can there be more than the limit already.
        let has_place = side.early_bytes() <= DIRECTION_LIMIT && payload.len() <= LONGEST_SEGMENT;
        if !known && is_whole && has_place {
            let blocks = side.blocks_to_hold(payload.len());
            if !self.make_room(flow, owner, blocks) {
                return Arrival::Nothing;
            }
            if let Some(held) = self.held.get_mut(flow.stream, owner) {
                let side = &mut held.sides[side_index(sender)];
                let before = side.len();
                side.hold_early(&mut self.arena, list, place, sequence, payload);
                self.total = self.total + side.len() - before;
            }
        }
        let too_much = self.held.get(flow.stream, owner).is_some_and(|held| {
            let side = &held.sides[side_index(sender)];
            side.early(&self.arena).is_full() || side.len() > DIRECTION_LIMIT
        });
        if too_much { self.skip_gap(flow, owner, sender) } else { Arrival::Nothing }
    }

    /// Gives up on the bytes missing before the first early segment.
    fn skip_gap(&mut self, flow: &mut Flow, owner: u32, sender: Endpoint) -> Arrival {
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            return Arrival::Nothing;
        };
        let side = &mut held.sides[side_index(sender)];
        let Some(first) = side.first_early(&self.arena) else {
            return Arrival::Nothing;
        };
        let before = side.len();
        side.forget(&mut self.arena);
        self.shown.begin(flow.stream, sender);
        flow.next_sequence[side_index(sender)] =
            side.join_early(&mut self.arena, first.sequence, &mut self.shown.bytes);
        self.total -= before - side.len();
        let full = self.shown.bytes.len() + side.early_bytes() >= DIRECTION_LIMIT;
        Arrival::Held { sender, after_gap: true, full }
    }

    /// The bytes that `plugin` is to see after [`Arrival::Held`]: what it retained, and the new ones.
    pub fn held(&self, flow: &Flow, owner: u32, sender: Endpoint, plugin: usize) -> &[u8] {
        let Some(held) = self.held.get(flow.stream, owner) else {
            return &[];
        };
        let wanted_from = held.sides[side_index(sender)].wanted_from(&self.arena, plugin);
        let shown = self.shown.of(flow.stream, sender);
        shown.get(wanted_from.unwrap_or(self.shown.new_from)..).unwrap_or(&[])
    }

    /// After every plugin has seen the new bytes: keeps, for each of `retained` (plugin, bytes at the end), what it wants to see
    /// again. `payload` are the bytes offered with [`Arrival::Payload`], empty after [`Arrival::Held`].
    pub fn retain(
        &mut self,
        flow: &mut Flow,
        owner: u32,
        sender: Endpoint,
        payload: &[u8],
        retained: &[(u8, usize)],
    ) {
        let most = retained.iter().map(|&(_, bytes)| bytes).max().unwrap_or(0);
        if most == 0 {
            self.forget_side(flow, owner, sender);
            return;
        }
        self.hold(flow, owner);
        let Some(held) = self.held.get(flow.stream, owner) else {
            return;
        };
        let side = &held.sides[side_index(sender)];
        // What is held of the bytes shown comes first in them.
        let (held_len, fresh) = if payload.is_empty() {
            let held_len = side.bytes.len();
            (held_len, self.shown.of(flow.stream, sender).get(held_len..).unwrap_or(&[]))
        } else {
            (0, payload)
        };
        let fresh_from = fresh.len().saturating_sub(most);
        let fresh_len = fresh.len() - fresh_from;
        let kept = held_len.min(most - fresh_len);
        if kept + fresh_len > LONGEST_SEGMENT {
            self.lose(flow, owner);
            return;
        }
        let blocks = side.blocks_to_keep(kept, fresh_len, retained.len());
        if !self.make_room(flow, owner, blocks) {
            return;
        }
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            return;
        };
        let side = &mut held.sides[side_index(sender)];
        let before = side.len();
        let fresh = if payload.is_empty() { &self.shown.bytes[held_len..] } else { payload };
        side.keep(&mut self.arena, kept, &fresh[fresh_from..], retained);
        self.total = self.total + side.len() - before;
    }

    /// Forgets what is held of the bytes in order; early segments stay.
    fn forget_side(&mut self, flow: &mut Flow, owner: u32, sender: Endpoint) {
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            flow.stream = 0;
            return;
        };
        let side = &mut held.sides[side_index(sender)];
        self.total -= side.bytes.len();
        side.forget(&mut self.arena);
        if held.sides.iter().all(|side| side.is_empty()) {
            self.held.remove(flow.stream, owner);
            flow.stream = 0;
        }
    }

    /// Forgets everything about the streams of a flow.
    pub fn release(&mut self, flow: &mut Flow, owner: u32) {
        if let Some(held) = self.held.remove(flow.stream, owner) {
            self.give_back(held);
        }
        flow.stream = 0;
        flow.marks.clear(Marks::LOW_SEQUENCE_KNOWN);
        flow.marks.clear(Marks::HIGH_SEQUENCE_KNOWN);
    }

    /// Makes sure that there is a place for bytes of this flow.
    fn hold(&mut self, flow: &mut Flow, owner: u32) {
        if self.held.get(flow.stream, owner).is_none() {
            flow.stream = self.held.insert(owner, HeldFlow::default());
            if let Some(other) = self.held.take_evicted() {
                self.give_back(other);
                self.taken += 1;
            }
        }
    }

    /// Makes so many blocks free: the oldest flows give way. `false` if this flow is one of them, or would need more than all.
    fn make_room(&mut self, flow: &mut Flow, owner: u32, blocks: usize) -> bool {
        if blocks > self.arena.all_blocks() {
            self.lose(flow, owner);
        }
        while self.held.get(flow.stream, owner).is_some() {
            if self.arena.free_blocks() >= blocks {
                return true;
            }
            if let Some(other) = self.held.take_oldest() {
                self.give_back(other);
                self.taken += 1;
            }
        }
        flow.stream = 0;
        false
    }

    /// The flow loses what is held of it.
    fn lose(&mut self, flow: &mut Flow, owner: u32) {
        if let Some(held) = self.held.remove(flow.stream, owner) {
            self.give_back(held);
            self.taken += 1;
        }
        flow.stream = 0;
    }

    fn give_back(&mut self, mut held: HeldFlow) {
        for side in &mut held.sides {
            self.total -= side.len();
            side.release(&mut self.arena);
        }
    }
}

impl Shown {
    /// From here on new bytes of another arrival are shown.
    fn begin(&mut self, stream: Handle, sender: Endpoint) {
        self.bytes.clear();
        (self.stream, self.sender, self.new_from) = (stream, sender, 0);
    }

    /// The bytes shown, if they are those of this direction.
    fn of(&self, stream: Handle, sender: Endpoint) -> &[u8] {
        if (self.stream, self.sender) == (stream, sender) { &self.bytes } else { &[] }
    }
}

/// Whether the payload is padding that a broken sender counts in the IP length of its acknowledgements: a few zeroes, not
/// pushed. They are not part of the stream; the next segment has the same sequence number.
#[inline]
fn is_padding(packet: &Packet) -> bool {
    packet.payload_wire_len <= 6
        && packet.tcp_flags & tcp::PSH == 0
        && packet.payload().iter().all(|&b| b == 0)
}

#[cfg(test)]
mod tests;
