//! Conversations: packets of a few flows between one server and its clients, from a few bytes each.
//!
//! The payloads lie in the input as they are, so that a fuzzer can splice them and knows words by its dictionary. The header:
//!
//! | Byte | |
//! |---|---|
//! | 0, bits 0 and 1 | TCP, UDP, ICMP, or the protocol of byte 3 |
//! | 0, bits 2 to 4 | IPv6, a VLAN tag, an MPLS label |
//! | 0, bit 5 | TCP without handshake |
//! | 0, bits 6 and 7 | a cache with split flows, a crowded cache |
//! | 1 | the server's port: a place in the plugin's ports and some others |
//! | 2 | which of the plugin's options are given: bit i the i-th |
//! | 3 | their number |
//!
//! Then packets: a byte of [`what`] bits, the bytes these ask for in this order (time, flags, shift, flow, odd), the length of the payload (one
//! byte or two), and the payload.

use weir_flow::packet::protocol;
use weir_flow::{Timestamp, tcp};
use weir_input::LinkType;

use crate::bytes::Bytes;
use crate::lender::Shot;

/// Bits of a packet's first byte.
pub mod what {
    /// It goes from the server to the client.
    pub const FROM_SERVER: u8 = 1;
    /// A byte follows: so many milliseconds later.
    pub const MILLISECONDS: u8 = 2;
    /// A byte follows: so many seconds later; with [`MILLISECONDS`] as well: earlier.
    pub const SECONDS: u8 = 4;
    /// A byte follows: the TCP flags. Otherwise ACK and PSH.
    pub const FLAGS: u8 = 8;
    /// A signed byte follows: so much before or behind where the stream goes on.
    pub const SHIFT: u8 = 16;
    /// A byte follows: the number of the flow, 0 to 63.
    pub const FLOW: u8 = 32;
    /// The length has two bytes.
    pub const LONG: u8 = 64;
    /// A byte follows: see [`odd`](super::odd).
    pub const ODD: u8 = 128;
}

/// Bits of the byte that [`what::ODD`] announces.
pub mod odd {
    /// A fragment other than the first, with the payload where the transport header would be.
    pub const LATER_FRAGMENT: u8 = 1;
    /// The second half of the payload was not captured.
    pub const CUT_SHORT: u8 = 2;
    /// It acknowledges 4096 bytes more than were sent.
    pub const ACKNOWLEDGES_MORE: u8 = 4;
    /// TTL 1 and more fragments to come.
    pub const FIRST_FRAGMENT: u8 = 8;
    /// So many times 16: words of 4 bytes of TCP options, which precede the payload.
    pub const OPTION_WORDS: u8 = 16;
}

/// Packets of one input.
const MOST_PACKETS: usize = 1024;
/// What is left of 65535 bytes beside all headers.
const LONGEST_PAYLOAD: usize = 65_000;
/// Flows of one input.
const FLOWS: usize = 64;
/// The time of the first packet: 2023-11-14 22:13:20 UTC.
const START_S: u32 = 1_700_000_000;

/// Ports beside those that the plugin asks for.
pub(crate) const PORTS: [u16; 8] = [80, 53, 443, 8080, 9, 5353, 0, 65_535];

/// The header of an input.
pub(crate) struct Shape {
    transport: u8,
    ipv6: bool,
    vlan: bool,
    mpls: bool,
    handshake: bool,
    server_port: u16,
    /// Each direction is a flow of its own.
    pub(crate) split: bool,
    /// The cache has 16 records.
    pub(crate) crowded: bool,
    /// Options given: bit i the i-th.
    pub(crate) options: u8,
    /// What options that take a number get, and the IP protocol.
    pub(crate) number: u8,
}

impl Shape {
    pub(crate) fn read(bytes: &mut Bytes<'_>, ports: &[u16]) -> Shape {
        let (shape, port, options, number) = (bytes.u8(), bytes.u8(), bytes.u8(), bytes.u8());
        let ipv6 = shape & 4 != 0;
        let port = usize::from(port) % (ports.len() + PORTS.len());
        Shape {
            transport: match shape & 3 {
                0 => protocol::TCP,
                1 => protocol::UDP,
                2 if ipv6 => protocol::ICMPV6,
                2 => protocol::ICMP,
                _ => number,
            },
            ipv6,
            vlan: shape & 8 != 0,
            mpls: shape & 16 != 0,
            handshake: shape & 32 == 0,
            server_port: ports.get(port).copied().unwrap_or_else(|| PORTS[port - ports.len()]),
            split: shape & 64 != 0,
            crowded: shape & 128 != 0,
            options,
            number,
        }
    }
}

/// Where the streams of a flow go on: the client's, the server's.
type Sequences = [u32; 2];

/// Where they begin; the client's soon reaches the end of the numbers.
const FIRST_SEQUENCES: Sequences = [u32::MAX - 20, 1000];

/// A packet as the headers need it.
#[derive(Default)]
struct Segment<'a> {
    from: usize,
    flow: u8,
    flags: u8,
    sequence: u32,
    acknowledgement: u32,
    options: &'a [u8],
    payload: &'a [u8],
    odd: u8,
}

/// The packets of an input, after its header.
pub(crate) fn read(bytes: &mut Bytes<'_>, shape: &Shape) -> Vec<Shot> {
    let mut sequences: [Option<Sequences>; FLOWS] = [None; FLOWS];
    let mut now = Timestamp::new(START_S, 0);
    let mut shots = Vec::new();
    while !bytes.is_empty() && shots.len() < MOST_PACKETS {
        let bits = bytes.u8();
        let has = |bit: u8| bits & bit != 0;
        if has(what::MILLISECONDS) || has(what::SECONDS) {
            let amount = u64::from(bytes.u8());
            let then = now.as_nanoseconds();
            now = Timestamp::from_nanoseconds(match (has(what::SECONDS), has(what::MILLISECONDS)) {
                (true, true) => then.saturating_sub(amount * 1_000_000_000),
                (true, false) => then.saturating_add(amount * 1_000_000_000),
                (false, _) => then.saturating_add(amount * 1_000_000),
            });
        }
        let flags = if has(what::FLAGS) { bytes.u8() } else { tcp::ACK | tcp::PSH };
        let shift = if has(what::SHIFT) { i32::from(bytes.u8() as i8) } else { 0 };
        let flow = if has(what::FLOW) { bytes.u8() % FLOWS as u8 } else { 0 };
        let odd = if has(what::ODD) { bytes.u8() } else { 0 };
        let len = if has(what::LONG) { usize::from(bytes.u16()) } else { usize::from(bytes.u8()) };
        let options = bytes.take(usize::from(odd / odd::OPTION_WORDS) * 4);
        let payload = bytes.take(len.min(LONGEST_PAYLOAD));
        let from = usize::from(has(what::FROM_SERVER));
        let place = &mut sequences[usize::from(flow)];
        if place.is_none() && shape.handshake && shape.transport == protocol::TCP {
            let ends = FIRST_SEQUENCES;
            for from in [0, 1] {
                let flags = if from == 0 { tcp::SYN } else { tcp::SYN | tcp::ACK };
                let syn = Segment {
                    from,
                    flow,
                    flags,
                    sequence: ends[from].wrapping_sub(1),
                    acknowledgement: ends[1 - from],
                    ..Segment::default()
                };
                shots.push(frame(shape, now, &syn));
            }
        }
        let ends = place.get_or_insert(FIRST_SEQUENCES);
        let more = if odd & odd::ACKNOWLEDGES_MORE != 0 { 4096 } else { 0 };
        let segment = Segment {
            from,
            flow,
            flags,
            sequence: ends[from].wrapping_add_signed(shift),
            acknowledgement: ends[1 - from].wrapping_add(more),
            options,
            payload,
            odd,
        };
        if shift == 0 {
            let flags = u32::from(flags & tcp::SYN != 0) + u32::from(flags & tcp::FIN != 0);
            ends[from] = ends[from].wrapping_add(payload.len() as u32).wrapping_add(flags);
        }
        shots.push(frame(shape, now, &segment));
    }
    shots
}

/// The frame of a packet.
fn frame(shape: &Shape, time: Timestamp, segment: &Segment<'_>) -> Shot {
    let later_fragment = segment.odd & odd::LATER_FRAGMENT != 0;
    let mut transport = Vec::with_capacity(64 + segment.payload.len());
    let ports = [40_000 + u16::from(segment.flow), shape.server_port];
    if !later_fragment {
        match shape.transport {
            protocol::TCP => put_tcp(&mut transport, ports, segment),
            protocol::UDP => {
                transport.extend(ports[segment.from].to_be_bytes());
                transport.extend(ports[1 - segment.from].to_be_bytes());
                transport.extend((8 + segment.payload.len() as u16).to_be_bytes());
                transport.extend([0; 2]);
            }
            _ => {}
        }
    }
    transport.extend(segment.payload);
    let mut bytes = Vec::with_capacity(80 + transport.len());
    put_link(&mut bytes, shape, segment.from);
    put_ip(&mut bytes, shape, segment, transport.len() as u16);
    bytes.extend(transport);
    let left_out = if segment.odd & odd::CUT_SHORT != 0 { segment.payload.len() / 2 } else { 0 };
    bytes.truncate(bytes.len() - left_out);
    Shot { time, link_type: LinkType::ETHERNET, left_out: left_out as u32, bytes }
}

/// RFC 9293 section 3.1.
fn put_tcp(out: &mut Vec<u8>, ports: [u16; 2], segment: &Segment<'_>) {
    out.extend(ports[segment.from].to_be_bytes());
    out.extend(ports[1 - segment.from].to_be_bytes());
    out.extend(segment.sequence.to_be_bytes());
    out.extend(segment.acknowledgement.to_be_bytes());
    // Whole words, at most 10: the header has at most 15.
    let options = &segment.options[..(segment.options.len() / 4 * 4).min(40)];
    out.extend([(5 + options.len() as u8 / 4) << 4, segment.flags, 0x20, segment.flow, 0, 0, 0, 0]);
    out.extend(options);
}

/// Ethernet, a VLAN tag, an MPLS label.
fn put_link(out: &mut Vec<u8>, shape: &Shape, from: usize) {
    let macs = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
    out.extend(macs[1 - from]);
    out.extend(macs[from]);
    if shape.vlan {
        out.extend([0x81, 0x00, 0x00, 42]);
    }
    match (shape.mpls, shape.ipv6) {
        (true, _) => out.extend([0x88, 0x47, 0x00, 0x01, 0x21, 64]),
        (false, false) => out.extend([0x08, 0x00]),
        (false, true) => out.extend([0x86, 0xdd]),
    }
}

/// IPv4 (RFC 791), or IPv6 (RFC 8200) with a fragment header where one is needed.
fn put_ip(out: &mut Vec<u8>, shape: &Shape, segment: &Segment<'_>, len: u16) {
    let later = segment.odd & odd::LATER_FRAGMENT != 0;
    let first = segment.odd & odd::FIRST_FRAGMENT != 0;
    let ttl = if first { 1 } else { 64 };
    // The offset in units of 8 bytes.
    let offset = u16::from(later) * 100;
    let ends = [1 + segment.flow, 200];
    if shape.ipv6 {
        let fragment = later || first;
        let next = if fragment { 44 } else { shape.transport };
        out.extend([0x60, 0, 0, 0]);
        out.extend((len + u16::from(fragment) * 8).to_be_bytes());
        out.extend([next, ttl]);
        for end in [ends[segment.from], ends[1 - segment.from]] {
            out.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end]);
        }
        if fragment {
            out.extend([shape.transport, 0]);
            out.extend((offset << 3 | u16::from(first)).to_be_bytes());
            out.extend([0, 0, 0, 7]);
        }
    } else {
        out.extend([0x45, 0]);
        out.extend((20 + len).to_be_bytes());
        out.extend([0, 7]);
        out.extend((offset | u16::from(first) << 13 | u16::from(!later && !first) << 14).to_be_bytes());
        out.extend([ttl, shape.transport, 0, 0]);
        for end in [ends[segment.from], ends[1 - segment.from]] {
            out.extend([10, 0, 0, end]);
        }
    }
}
