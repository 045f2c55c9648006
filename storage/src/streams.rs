//! TCP bytes in order.
//!
//! While segments come in order nothing is held: the record knows the sequence number that continues each direction, and plugins see
//! the payload where it lies. Bytes are held only for segments that came early, and for what a plugin wants to see again
//! together with its continuation. One buffer per direction serves all plugins, survives cuts, and is bounded; all
//! buffers of a shard together are bounded too, and the oldest gives way.

use smallvec::SmallVec;
use weir_flow::flow::Marks;
use weir_flow::plugin::Slab;
use weir_flow::{Endpoint, Flow, Packet, tcp};

/// The most bytes held for one direction of a flow.
pub const DIRECTION_LIMIT: usize = 16 << 10;
/// The most segments held for one direction of a flow.
const SEGMENT_LIMIT: usize = 16;
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

/// What is held for one direction.
#[derive(Debug, Default)]
struct Side {
    /// Bytes in order, from the first that some plugin wants to see again.
    bytes: Vec<u8>,
    /// For each plugin that wants to see bytes again: where they start.
    wanted_from: SmallVec<[(u8, u32); 4]>,
    /// Where bytes start that no plugin has seen.
    new_from: usize,
    /// Segments that came early, by sequence number.
    early: Vec<(u32, Box<[u8]>)>,
}

impl Side {
    fn len(&self) -> usize {
        self.bytes.len() + self.early.iter().map(|(_, b)| b.len()).sum::<usize>()
    }
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.early.is_empty()
    }
    fn forget(&mut self) {
        self.bytes.clear();
        self.wanted_from.clear();
        self.new_from = 0;
    }
}

#[derive(Debug, Default)]
struct HeldFlow {
    sides: [Side; 2],
}

/// The streams of a shard.
#[derive(Debug)]
pub struct Streams {
    held: Slab<HeldFlow>,
    /// Bytes held in all, and the most there may be.
    total: usize,
    limit: usize,
    taken: u64,
}

const fn side_index(end: Endpoint) -> usize {
    end as usize
}

impl Streams {
    /// Streams of a shard of `records` records, which hold at most `limit` bytes.
    pub fn new(records: usize, limit: usize) -> Streams {
        Streams { held: Slab::new(records), total: 0, limit: limit.max(2 * DIRECTION_LIMIT), taken: 0 }
    }

    /// The most bytes held in all.
    pub fn limit(&self) -> usize {
        self.limit
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
        match held.sides[side_index(sender)].early.first() {
            Some(&(start, _)) if (packet.tcp_acknowledgement.wrapping_sub(start) as i32) > 0 => {
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
                .is_some_and(|h| !h.sides[side_index(sender)].early.is_empty());
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
        let skip = skip as usize;
        let empty = self.held.get(flow.stream, owner).is_none_or(|h| h.sides[side_index(sender)].is_empty());
        if empty {
            return Arrival::Payload { skip, after_gap: false, cut_short };
        }
        let next = *next;
        let (next, full) = match self.held.get_mut(flow.stream, owner) {
            Some(held) => {
                let side = &mut held.sides[side_index(sender)];
                let before = side.len();
                side.bytes.extend_from_slice(&packet.payload()[skip..]);
                let next = if cut_short {
                    // What the segment covers was shown, or is missing for good.
                    side.early.retain(|&(start, _)| (start.wrapping_sub(next) as i32) >= 0);
                    next
                } else {
                    join_early(side, next)
                };
                self.total = self.total + side.len() - before;
                (next, cut_short || side.len() >= DIRECTION_LIMIT)
            }
            None => (next, false),
        };
        flow.next_sequence[side_index(sender)] = next;
        Arrival::Held { sender, after_gap: false, full }
    }

    /// Holds a segment that came before its predecessor.
    fn hold_early(&mut self, flow: &mut Flow, owner: u32, packet: &Packet, sequence: u32) -> Arrival {
        let payload = packet.payload();
        let sender = packet.sender;
        self.hold(flow, owner);
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            return Arrival::Nothing;
        };
        let side = &mut held.sides[side_index(sender)];
        let place = side.early.partition_point(|&(s, _)| (s.wrapping_sub(sequence) as i32) < 0);
        let known = side.early.get(place).is_some_and(|(s, b)| *s == sequence && b.len() >= payload.len());
        let cut_short = packet.payload_len < packet.payload_wire_len;
        if !known && !cut_short {
            side.early.insert(place, (sequence, payload.into()));
            self.total += payload.len();
        }
        let too_much = side.early.len() > SEGMENT_LIMIT || side.len() > DIRECTION_LIMIT;
        let arrival = if too_much { self.skip_gap(flow, owner, sender) } else { Arrival::Nothing };
        self.keep_within_limit();
        arrival
    }

    /// Gives up on the bytes missing before the first early segment.
    fn skip_gap(&mut self, flow: &mut Flow, owner: u32, sender: Endpoint) -> Arrival {
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            return Arrival::Nothing;
        };
        let side = &mut held.sides[side_index(sender)];
        let Some(&(start, _)) = side.early.first() else {
            return Arrival::Nothing;
        };
        let before = side.len();
        side.forget();
        flow.next_sequence[side_index(sender)] = join_early(side, start);
        self.total = self.total + side.len() - before;
        Arrival::Held { sender, after_gap: true, full: side.len() >= DIRECTION_LIMIT }
    }

    /// The bytes that `plugin` is to see after [`Arrival::Held`]: what it retained, and the new ones.
    pub fn held(&self, flow: &Flow, owner: u32, sender: Endpoint, plugin: usize) -> &[u8] {
        let Some(held) = self.held.get(flow.stream, owner) else {
            return &[];
        };
        let side = &held.sides[side_index(sender)];
        let retained = side.wanted_from.iter().find(|&&(p, _)| p as usize == plugin);
        &side.bytes[retained.map_or(side.new_from, |&(_, from)| from as usize)..]
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
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            return;
        };
        let side = &mut held.sides[side_index(sender)];
        let before = side.len();
        if !payload.is_empty() {
            side.bytes.clear();
            side.bytes.extend_from_slice(&payload[payload.len().saturating_sub(most)..]);
        } else {
            let surplus = side.bytes.len().saturating_sub(most);
            side.bytes.drain(..surplus);
        }
        let len = side.bytes.len();
        side.new_from = len;
        side.wanted_from.clear();
        side.wanted_from.extend(
            retained.iter().filter(|r| r.1 > 0).map(|&(p, bytes)| (p, len.saturating_sub(bytes) as u32)),
        );
        self.total = self.total + side.len() - before;
        self.keep_within_limit();
    }

    /// Forgets what is held of the bytes in order; early segments stay.
    fn forget_side(&mut self, flow: &mut Flow, owner: u32, sender: Endpoint) {
        let Some(held) = self.held.get_mut(flow.stream, owner) else {
            flow.stream = 0;
            return;
        };
        let side = &mut held.sides[side_index(sender)];
        self.total -= side.bytes.len();
        side.forget();
        if held.sides.iter().all(Side::is_empty) {
            self.held.remove(flow.stream, owner);
            flow.stream = 0;
        }
    }

    /// Forgets everything about the streams of a flow.
    pub fn release(&mut self, flow: &mut Flow, owner: u32) {
        if let Some(held) = self.held.remove(flow.stream, owner) {
            self.total -= held.sides.iter().map(Side::len).sum::<usize>();
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
                self.account_loss(&other);
            }
        }
    }

    fn keep_within_limit(&mut self) {
        while self.total > self.limit {
            match self.held.take_oldest() {
                Some(other) => self.account_loss(&other),
                None => break,
            }
        }
    }

    fn account_loss(&mut self, other: &HeldFlow) {
        self.total -= other.sides.iter().map(Side::len).sum::<usize>();
        self.taken += 1;
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

/// Appends the early segments that continue the stream at `next`; answers with the sequence number behind them.
fn join_early(side: &mut Side, mut next: u32) -> u32 {
    while let Some(&(start, ref bytes)) = side.early.first() {
        let overlap = next.wrapping_sub(start) as i32;
        if overlap < 0 {
            break;
        }
        if let Some(fresh) = bytes.get(overlap as usize..) {
            side.bytes.extend_from_slice(fresh);
            next = next.wrapping_add(fresh.len() as u32);
        }
        side.early.remove(0);
    }
    next
}
