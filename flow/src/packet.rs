//! A packet after parsing.

use std::ops::Range;

use crate::{Endpoint, FlowKey, Frame, Timestamp, TunnelKind, key::Oriented, tcp};

/// IP protocol numbers that the probe treats specially.
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// Generic routing encapsulation.
    pub const GRE: u8 = 47;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
}

/// The descriptor of a packet: two cache lines that carry what metering needs. What only some plugins read (TCP options,
/// the MPLS stack, the outer header of a tunnel) is read from the [`Frame`] when they ask.
///
/// Offsets count from the start of the frame; lengths are bytes. All ranges lie within the captured bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Packet {
    /// The canonical flow key.
    pub key: FlowKey,
    /// The keyed hash of `key`.
    pub hash: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Whole seconds of the clock of its domain, this packet included: the latest time seen so far.
    pub clock_s: u32,
    /// The length counted in flow bytes: IPv4 total length, or IPv6 payload length + 40.
    pub ip_len: u32,

    /// The captured bytes.
    pub frame: Frame,
    /// Length on the wire.
    pub wire_len: u32,
    /// Captured length of the transport payload, without link-layer padding.
    pub payload_len: u32,
    /// Length of the transport payload as the headers tell it.
    pub payload_wire_len: u32,
    /// TCP sequence number, 0 for others.
    pub tcp_sequence: u32,
    /// TCP acknowledgement number, 0 for others.
    pub tcp_acknowledgement: u32,
    /// Start of the transport payload. For protocols other than TCP and UDP: of the bytes behind the IP header(s).
    pub payload_offset: u16,
    /// Start of the TCP or UDP header; equal to `payload_offset` where there is none.
    pub transport_offset: u16,
    /// Start of the top MPLS label stack entry, 0 for none.
    pub mpls_offset: u16,
    /// Start of the IP header of the tunnel it came out of; only if there is a [`tunnel`](Packet::tunnel).
    pub outer_offset: u16,
    /// TCP control bits, 0 for others.
    pub tcp_flags: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Source MAC address, zeros where the link has none.
    pub source_mac: [u8; 6],
    /// Destination MAC address.
    pub destination_mac: [u8; 6],
    /// IPv4 flags: 4 reserved, 2 don't fragment, 1 more fragments. 0 for IPv6.
    pub ip_flags: u8,
    /// The endpoint of the key that sent it.
    pub sender: Endpoint,
    /// A fragment other than the first: its payload does not start with a transport header.
    pub later_fragment: bool,
    /// The tunnel it came out of, the innermost if there were several.
    pub tunnel: Option<TunnelKind>,
}

const _: () = assert!(std::mem::size_of::<Packet>() <= 128, "a packet descriptor is at most two cache lines");

impl Default for Packet {
    fn default() -> Packet {
        Packet {
            key: FlowKey::default(),
            hash: 0,
            time: Timestamp::ZERO,
            clock_s: 0,
            ip_len: 0,
            frame: Frame::of_static(&[]),
            wire_len: 0,
            payload_len: 0,
            payload_wire_len: 0,
            tcp_sequence: 0,
            tcp_acknowledgement: 0,
            payload_offset: 0,
            transport_offset: 0,
            mpls_offset: 0,
            outer_offset: 0,
            tcp_flags: 0,
            ttl: 0,
            source_mac: [0; 6],
            destination_mac: [0; 6],
            ip_flags: 0,
            sender: Endpoint::Low,
            later_fragment: false,
            tunnel: None,
        }
    }
}

impl Packet {
    /// The captured transport payload, without link-layer padding.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        let start = self.payload_offset as usize;
        self.frame.bytes().get(start..start + self.payload_len as usize).unwrap_or(&[])
    }

    /// The captured bytes of `range`, counted from the start of the TCP or UDP header; `None` unless all are there.
    #[inline]
    pub fn transport_bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        let start = self.transport_offset as usize;
        self.frame.bytes().get(start + range.start..start + range.end)
    }

    /// Whether it is TCP with its header (not a later fragment).
    #[inline]
    pub fn is_tcp(&self) -> bool {
        self.key.protocol() == protocol::TCP && !self.later_fragment
    }

    /// The TCP options, none for other protocols.
    pub fn tcp_options(&self) -> tcp::Options<'_> {
        let area = if self.is_tcp() {
            let header = self.payload_offset.saturating_sub(self.transport_offset) as usize;
            self.transport_bytes(tcp::field::HEADER_LEN..header.max(tcp::field::HEADER_LEN)).unwrap_or(&[])
        } else {
            &[]
        };
        tcp::Options::new(area)
    }

    /// The TCP window as sent, unscaled; 0 for other protocols.
    pub fn tcp_window(&self) -> u16 {
        match self.transport_bytes(tcp::field::WINDOW) {
            Some(&[high, low]) if self.is_tcp() => u16::from_be_bytes([high, low]),
            _ => 0,
        }
    }

    /// The top entry of the MPLS label stack (RFC 3032: label 20 bits, traffic class 3, bottom of stack 1, TTL 8).
    pub fn mpls_top(&self) -> Option<[u8; 4]> {
        let start = self.mpls_offset as usize;
        if start == 0 { None } else { self.frame.bytes().get(start..start + 4)?.try_into().ok() }
    }

    /// Sets key and sender from the packet as it travels. The hash is left as it was.
    #[inline]
    pub fn set_key(&mut self, oriented: &Oriented) {
        (self.key, self.sender) = FlowKey::canonical(oriented);
    }

    /// The packet as it travels, from source to destination.
    pub fn oriented(&self) -> Oriented {
        Oriented {
            source: self.key.address_words(self.sender),
            destination: self.key.address_words(self.sender.other()),
            source_port: self.key.port(self.sender),
            destination_port: self.key.port(self.sender.other()),
            protocol: self.key.protocol(),
            vlan_id: self.key.vlan_id(),
            ipv6: self.key.is_ipv6(),
        }
    }
}

/// What the IP header says about a fragmented datagram. Atomic fragments (offset 0, no more fragments) are not fragments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// IPv4 identification, or the identification of the IPv6 fragment header.
    pub identification: u32,
    /// Offset 0: it has the transport header.
    pub is_first: bool,
}
