//! TCP bytes in order: segments in any order, overlapping, lost, sent twice, against what both ends said.
//!
//! Each end has a stream of bytes of its own, of which a segment is a part. Through the cache (`seen`) with two plugins that retain
//! bytes, ask for cuts and exports; and through the stream buffers alone (`bounds`), with several flows and little room.
//!
//! The input is a header of two bytes and segments.
//!
//! | Header | |
//! |---|---|
//! | 0, bits 0 and 1 | what the first plugin retains: nothing, all, the latter half, at most 100 bytes |
//! | 0, bits 2 and 3 | what the second one retains |
//! | 0, bits 4 to 6 | flows of the bounds − 1 |
//! | 0, bit 7 | a handshake precedes |
//! | 1 | the first sequence number: that times 2^24 − 1000 |
//!
//! A segment is a byte of bits, then its place and its length.
//!
//! | Bit | |
//! |---|---|
//! | 0 | it is the high end's |
//! | 1 | the place is a signed byte from where the end's segments end so far; else 16 bits, of which 15 count |
//! | 2 | the length has 16 bits, of which 12 count; else it is a byte |
//! | 3 | the second half was not captured |
//! | 4 | it acknowledges all that the other end has sent |
//! | 5 | the first plugin asks for a cut before it |
//! | 6 | the second plugin asks for an export with it |
//! | 7 | FIN |

mod bounds;
mod seen;

use std::sync::LazyLock;

use weir_flow::packet::protocol;
use weir_flow::{Packet, Timestamp, tcp};
use weir_input::LinkType;
use weir_input::parse::parse;

use crate::bytes::Bytes;
use crate::lender::{Shot, lend};

/// Places in a stream; segments reach a little behind.
const PLACES: usize = 1 << 15;
const LONGEST_SEGMENT: usize = 1 << 12;
const MOST_SEGMENTS: usize = 1024;

/// What each end says: bytes that hardly repeat. None is 0, for a few zeroes may be padding.
static SAID: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [1u64, 2].map(|end| {
        let mut state = end;
        let byte = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            1 + ((state >> 33) % 255) as u8
        };
        (0..PLACES + LONGEST_SEGMENT).map(byte).collect()
    })
});

/// The places of each byte in what an end says, in ascending order.
static PLACES_OF: LazyLock<[Vec<Vec<usize>>; 2]> = LazyLock::new(|| {
    [0, 1].map(|end: usize| {
        let mut places_of = vec![Vec::new(); 256];
        for (place, byte) in SAID[end].iter().enumerate() {
            places_of[usize::from(*byte)].push(place);
        }
        places_of
    })
});

/// What a plugin wants to see again.
#[derive(Clone, Copy)]
struct Retention(u8);

impl Retention {
    fn of(self, len: usize) -> usize {
        match self.0 {
            0 => 0,
            1 => len,
            2 => len / 2,
            _ => len.min(100),
        }
    }
}

/// The header of an input.
struct Header {
    retention: [Retention; 2],
    flows: usize,
    handshake: bool,
    first_sequence: u32,
}

/// A part of an end's stream.
struct Segment {
    /// 0 the low end, 1 the high one.
    end: usize,
    from: usize,
    len: usize,
    /// Bytes of it that were captured.
    captured_len: usize,
    acknowledges: bool,
    cut: bool,
    export: bool,
    fin: bool,
    /// Where the other end's segments end so far.
    acknowledged: usize,
}

impl Segment {
    fn is_cut_short(&self) -> bool {
        self.captured_len < self.len
    }
}

fn read(bytes: &mut Bytes<'_>) -> (Header, Vec<Segment>) {
    let (bits, first_sequence) = (bytes.u8(), bytes.u8());
    let header = Header {
        retention: [Retention(bits & 3), Retention(bits >> 2 & 3)],
        flows: usize::from(bits >> 4 & 7) + 1,
        handshake: bits & 128 != 0,
        first_sequence: (u32::from(first_sequence) << 24).wrapping_sub(1000),
    };
    let mut sent = [0; 2];
    let mut segments = Vec::new();
    while !bytes.is_empty() && segments.len() < MOST_SEGMENTS {
        let bits = bytes.u8();
        let has = |bit: u8| bits >> bit & 1 != 0;
        let end = usize::from(has(0));
        let from = if has(1) {
            usize::saturating_add_signed(sent[end], isize::from(bytes.u8() as i8)).min(PLACES - 1)
        } else {
            usize::from(bytes.u16()) % PLACES
        };
        let len = if has(2) { usize::from(bytes.u16()) % LONGEST_SEGMENT } else { usize::from(bytes.u8()) };
        sent[end] = sent[end].max(from + len);
        segments.push(Segment {
            end,
            from,
            len,
            captured_len: if has(3) { len - len / 2 } else { len },
            acknowledges: has(4),
            cut: has(5),
            export: has(6),
            fin: has(7),
            acknowledged: sent[1 - end],
        });
    }
    (header, segments)
}

/// The frame of a segment: raw IPv4 and TCP.
fn shot(header: &Header, segment: &Segment, syn: bool) -> Shot {
    let ends = [(1, 1000u16), (2, 80)];
    let ((source, source_port), (destination, destination_port)) = (ends[segment.end], ends[1 - segment.end]);
    let sequence = header.first_sequence.wrapping_add(segment.from as u32).wrapping_sub(u32::from(syn));
    let acknowledgement = header.first_sequence.wrapping_add(segment.acknowledged as u32);
    let flags = [(syn, tcp::SYN), (segment.acknowledges, tcp::ACK), (segment.fin, tcp::FIN)];
    let flags = flags.iter().filter(|(is_set, _)| *is_set).fold(tcp::PSH, |all, (_, flag)| all | flag);
    let mut bytes = vec![0x45, 0];
    bytes.extend((40 + segment.len as u16).to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, protocol::TCP, 0, 0, 10, 0, 0, source, 10, 0, 0, destination]);
    bytes.extend(source_port.to_be_bytes());
    bytes.extend(destination_port.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(acknowledgement.to_be_bytes());
    bytes.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    bytes.extend(&SAID[segment.end][segment.from..segment.from + segment.captured_len]);
    let left_out = (segment.len - segment.captured_len) as u32;
    Shot { time: Timestamp::new(1, 0), link_type: LinkType::RAW, left_out, bytes }
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let (header, segments) = read(&mut Bytes::new(data));
    let mut shots: Vec<Shot> = Vec::new();
    if header.handshake {
        for end in [0, 1] {
            let syn = Segment {
                end,
                from: 0,
                len: 0,
                captured_len: 0,
                acknowledges: end == 1,
                cut: false,
                export: false,
                fin: false,
                acknowledged: 0,
            };
            shots.push(shot(&header, &syn, true));
        }
    }
    let handshake = shots.len();
    shots.extend(segments.iter().map(|segment| shot(&header, segment, false)));
    lend(&shots, |frames| {
        let packet = |frame| {
            let mut packet = Packet { clock_s: 1, ..Packet::default() };
            match parse(frame, &mut packet) {
                Ok(_) => packet,
                Err(reason) => panic!("a segment was skipped: {reason}"),
            }
        };
        let packets: Vec<Packet> = frames.iter().map(packet).collect();
        let (handshake, packets) = packets.split_at(handshake);
        seen::run(&header, handshake, packets, &segments);
        bounds::run(&header, packets);
    });
}
