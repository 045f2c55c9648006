//! The record in which the packets of one flow are gathered.

use std::net::IpAddr;

use crate::{Endpoint, FlowKey, Packet, Timestamp, tcp};

/// Which way a packet goes, seen from the record it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From the source to the destination of the record: the way of its first packet.
    Forward = 0,
    /// The other way.
    Reverse = 1,
}

impl Direction {
    /// 0 for forward, 1 for reverse: the index of per-direction pairs.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other way.
    #[inline]
    pub const fn other(self) -> Direction {
        match self {
            Direction::Forward => Direction::Reverse,
            Direction::Reverse => Direction::Forward,
        }
    }
}

/// A biflow (RFC 5103) in the making: its key, counters of both directions, and what the cache and the plugins have to
/// remember about it. Two cache lines; the first one is what finding the record and deciding its end need.
///
/// Pairs are indexed by [`Direction::index`].
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Flow {
    /// The canonical key.
    pub key: FlowKey,
    /// Bit i is set while plugin i wants packets of this flow.
    pub interest: u64,
    /// Time of the latest packet.
    pub last: Timestamp,
    /// OR of the TCP flags per direction.
    pub tcp_flags: [u8; 2],
    /// The endpoint that sent the first packet of this record.
    pub source_end: Endpoint,
    /// What the cache remembers: see the constants of [`Marks`].
    pub marks: Marks,
    /// Number of the stream buffer that holds bytes of this flow back, 0 for none.
    pub stream: u32,

    /// Time of the first packet.
    pub first: Timestamp,
    /// Packets per direction.
    pub packets: [u64; 2],
    /// Sum of IP total lengths per direction.
    pub bytes: [u64; 2],
    /// MAC addresses of source and destination, zeros where the link has none.
    pub mac: [[u8; 6]; 2],
    /// The TCP sequence number that continues each endpoint's stream (low, high), where [`Marks`] says it is known.
    pub next_sequence: [u32; 2],
}

/// Single-bit facts about a record.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Marks(u8);

impl Marks {
    /// Some plugin keeps state for this record.
    pub const HAS_STATE: Marks = Marks(1);
    /// `next_sequence` of the low endpoint is known.
    pub const LOW_SEQUENCE_KNOWN: Marks = Marks(2);
    /// `next_sequence` of the high endpoint is known.
    pub const HIGH_SEQUENCE_KNOWN: Marks = Marks(4);

    /// Whether all of `other` are set.
    #[inline]
    pub const fn has(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }
    /// Sets `other`.
    #[inline]
    pub fn set(&mut self, other: Marks) {
        self.0 |= other.0;
    }
    /// Clears `other`.
    #[inline]
    pub fn clear(&mut self, other: Marks) {
        self.0 &= !other.0;
    }
    /// Takes over from `other` which sequence numbers are known.
    #[inline]
    pub fn keep_sequences(&mut self, other: Marks) {
        self.0 |= other.0 & (Marks::LOW_SEQUENCE_KNOWN.0 | Marks::HIGH_SEQUENCE_KNOWN.0);
    }
    /// The mark that says whether the sequence number of `end` is known.
    #[inline]
    pub const fn sequence_known(end: Endpoint) -> Marks {
        match end {
            Endpoint::Low => Marks::LOW_SEQUENCE_KNOWN,
            Endpoint::High => Marks::HIGH_SEQUENCE_KNOWN,
        }
    }
}

const _: () = assert!(std::mem::size_of::<Flow>() == 128, "a flow record is two cache lines");

impl Default for Flow {
    fn default() -> Flow {
        Flow {
            key: FlowKey::default(),
            interest: 0,
            last: Timestamp::ZERO,
            tcp_flags: [0; 2],
            source_end: Endpoint::Low,
            marks: Marks::default(),
            stream: 0,
            first: Timestamp::ZERO,
            packets: [0; 2],
            bytes: [0; 2],
            mac: [[0; 6]; 2],
            next_sequence: [0; 2],
        }
    }
}

impl Flow {
    /// A record that begins with `packet`, which is not counted yet.
    #[inline]
    pub fn begin(packet: &Packet) -> Flow {
        Flow {
            key: packet.key,
            interest: 0,
            last: packet.time,
            tcp_flags: [0; 2],
            source_end: packet.sender,
            marks: Marks::default(),
            stream: 0,
            first: packet.time,
            packets: [0; 2],
            bytes: [0; 2],
            mac: [packet.source_mac, packet.destination_mac],
            next_sequence: [0; 2],
        }
    }

    /// Which way `packet` goes in this record.
    #[inline]
    pub fn direction(&self, packet: &Packet) -> Direction {
        if packet.sender == self.source_end { Direction::Forward } else { Direction::Reverse }
    }

    /// Counts `packet`. A packet older than the latest one does not move the end back.
    #[inline]
    pub fn count(&mut self, packet: &Packet, direction: Direction) {
        let d = direction.index();
        self.packets[d] += 1;
        self.bytes[d] += packet.ip_len as u64;
        self.tcp_flags[d] |= packet.tcp_flags;
        self.last = self.last.max(packet.time);
    }

    /// Packets of both directions.
    #[inline]
    pub const fn total_packets(&self) -> u64 {
        self.packets[0] + self.packets[1]
    }

    /// Bytes of both directions: the sum of IP total lengths.
    #[inline]
    pub const fn total_bytes(&self) -> u64 {
        self.bytes[0] + self.bytes[1]
    }

    /// Whether a FIN or RST was seen in either direction.
    #[inline]
    pub const fn is_closed(&self) -> bool {
        (self.tcp_flags[0] | self.tcp_flags[1]) & (tcp::FIN | tcp::RST) != 0
    }

    /// Whether the record is a single SYN, as scans leave in masses.
    pub const fn is_lone_syn(&self) -> bool {
        self.total_packets() <= 1 && (self.tcp_flags[0] | self.tcp_flags[1]) & tcp::SYN != 0
    }

    /// The endpoint a direction starts from.
    #[inline]
    pub const fn end(&self, direction: Direction) -> Endpoint {
        match direction {
            Direction::Forward => self.source_end,
            Direction::Reverse => self.source_end.other(),
        }
    }

    /// Source address.
    pub const fn source(&self) -> IpAddr {
        self.key.address(self.source_end)
    }

    /// Destination address.
    pub const fn destination(&self) -> IpAddr {
        self.key.address(self.source_end.other())
    }

    /// Source port, 0 where the protocol has none.
    pub const fn source_port(&self) -> u16 {
        self.key.port(self.source_end)
    }

    /// Destination port.
    pub const fn destination_port(&self) -> u16 {
        self.key.port(self.source_end.other())
    }
}
