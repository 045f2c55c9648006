//! Packets from nowhere: as fast as they are taken, one flow or a new flow with every packet.
//!
//! The frames are real ones: Ethernet, IPv4 or IPv6, TCP or UDP, with lengths and checksums that are right. They lie in blocks that
//! are written once, frame beside frame; when a block comes round again, only what differs is written: addresses, ports, TCP
//! numbers, checksums. Measured on one core of a busy machine, the best of 20 runs over 1,000,000 frames of 64 to 1,514 bytes: 9 to 14 ns a
//! frame with new flows, 8 to 9 ns with one TCP flow, 2 to 3 ns with one UDP flow (`input/benches/benchmark.rs`).

mod random;
mod template;

use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_flow::Timestamp;
use weir_flow::options::{Argument, OptionSpec, Parsed};

use crate::blocks::{Advanced, Blocks};
use crate::{CapturedFrame, InputDescriptor, Lease, LinkType, Poll, Source, SourceError};
use random::{Numbers, Random};
use template::{Ends, Shape, Template};

/// The input `benchmark`.
pub const DESCRIPTOR: InputDescriptor = InputDescriptor {
    names: &["benchmark"],
    doc: "Input plugin that makes packets itself, as fast as they are taken",
    options: OPTIONS,
    open: |options| Ok(Box::new(Benchmark::new(options)?)),
    list: None,
};

/// The smallest Ethernet frame, and one that fits the headers.
const SHORTEST: u64 = 64;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "mode",
        "m",
        Argument::Choice("1f|nf", &["1f", "nf"]),
        "1f: one flow, its two directions in turn; nf: every packet a new flow",
    )
    .default("1f"),
    OptionSpec::new("seed", "S", Argument::Text("TEXT"), "Same seed and id, same packets (times excepted)")
        .default("1"),
    OptionSpec::new(
        "duration",
        "d",
        Argument::Number("SECONDS", 0, u32::MAX as u64),
        "End after so long, 0 for no limit",
    )
    .default("0"),
    OptionSpec::new(
        "count",
        "p",
        Argument::Number("PACKETS", 0, u64::MAX),
        "End after so many packets, 0 for no limit",
    )
    .default("0"),
    OptionSpec::new(
        "size",
        "s",
        Argument::Number("BYTES", SHORTEST, template::LONGEST as u64),
        "Length of a frame without its check sequence; TCP over IPv6 only from 74 on",
    )
    .default("512"),
    OptionSpec::new(
        "id",
        "I",
        Argument::Number("ID", 0, u64::MAX),
        "Number of the link: inputs of the same seed and different ids make different flows",
    )
    .default("0"),
];

/// What a block of frames should fit into: a share of the second-level cache.
const BLOCK_LEN: usize = 64 << 10;
/// Frames of a block at the least, so that all shapes are among them.
const FEWEST_FRAMES: usize = 64;
/// Frames begin at a multiple of this, a cache line, from the start of their block.
const ALIGNMENT: usize = 64;
/// Memory that may be lent out at a time.
const MOST_LENT: usize = 64 << 20;

/// The input `benchmark`.
#[derive(Debug)]
struct Benchmark {
    traffic: Traffic,
    blocks: Blocks,
    /// Length of a frame, and of the place for it.
    size: usize,
    stride: usize,
    /// Places of a block, and the next one of the current block. An even number, so that a place always has the same direction.
    places: usize,
    place: usize,
    /// Packets made so far, and at most to be made.
    packets: u64,
    most_packets: u64,
    duration: Option<Duration>,
    /// When the first frame was asked for.
    began: Option<Instant>,
    /// The time of the next packet at the earliest.
    earliest: Timestamp,
}

/// What the packets are.
#[derive(Debug)]
enum Traffic {
    OneFlow {
        directions: [Template; 2],
        is_tcp: bool,
        /// The sequence numbers that the directions begin with.
        first_sequence: [u32; 2],
    },
    NewFlows {
        /// In the order of [`Shape::ALL`].
        templates: [Template; 4],
        /// The shape of each place of a block.
        shapes: Vec<Shape>,
        numbers: Numbers,
    },
}

impl Traffic {
    fn one_flow(size: usize, random: &mut Random) -> Traffic {
        let shape = Shape::random(size, random);
        let (unique, further) = (random.next(), random.next());
        let ends = Ends::new(shape, unique, further);
        let template = Template::new(shape, size, random);
        let sequences = random.next();
        Traffic::OneFlow {
            directions: [
                template.clone().direction(&ends, false),
                template.direction(&ends.reversed(), true),
            ],
            is_tcp: shape.is_tcp(),
            first_sequence: [(sequences >> 32) as u32, sequences as u32],
        }
    }

    fn new_flows(size: usize, places: usize, random: &mut Random) -> Traffic {
        let shapes: Vec<Shape> = (0..places).map(|_| Shape::random(size, random)).collect();
        // A shape that does not fit has no place, and its template is never used.
        let templates = Shape::ALL.map(|shape| {
            let shape = if shapes.contains(&shape) { shape } else { shapes[0] };
            Template::new(shape, size, random)
        });
        Traffic::NewFlows { templates, shapes, numbers: Numbers::new(random) }
    }

    /// The template of the frame at `place` in a block.
    fn template(&self, place: usize) -> &Template {
        match self {
            Traffic::OneFlow { directions, .. } => &directions[place % 2],
            Traffic::NewFlows { templates, shapes, .. } => &templates[shapes[place] as usize],
        }
    }
}

impl Benchmark {
    fn new(options: &Parsed) -> Result<Benchmark, SourceError> {
        let size = options.number("size") as usize;
        let stride = size.next_multiple_of(ALIGNMENT);
        let places = (BLOCK_LEN / stride).max(FEWEST_FRAMES) & !1;
        let mut random = Random::new(options.text("seed").unwrap_or_default(), options.number("id"));
        let traffic = match options.text("mode") {
            Some("nf") => Traffic::new_flows(size, places, &mut random),
            _ => Traffic::one_flow(size, &mut random),
        };
        let block_len = stride * places;
        let unlimited = |n| if n == 0 { None } else { Some(n) };
        let mut benchmark = Benchmark {
            traffic,
            blocks: Blocks::new(block_len, (MOST_LENT / block_len).max(2)),
            size,
            stride,
            places,
            place: 0,
            packets: 0,
            most_packets: unlimited(options.number("count")).unwrap_or(u64::MAX),
            duration: unlimited(options.number("duration")).map(Duration::from_secs),
            began: None,
            earliest: Timestamp::ZERO,
        };
        benchmark.write_templates();
        Ok(benchmark)
    }

    /// Fills the current block with templates. Nothing of it may be lent.
    fn write_templates(&mut self) {
        let places = self.blocks.spare().chunks_exact_mut(self.stride);
        for (place, bytes) in places.enumerate() {
            bytes[..self.size].copy_from_slice(self.traffic.template(place).bytes());
        }
    }

    fn has_ended(&mut self) -> bool {
        self.packets >= self.most_packets
            || self
                .duration
                .is_some_and(|duration| self.began.get_or_insert_with(Instant::now).elapsed() >= duration)
    }

    /// The time of the first of `count` packets: now, and later than all before. The others follow a nanosecond apart.
    fn first_time(&mut self, count: usize) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_nanoseconds(now.as_nanos().try_into().unwrap_or(u64::MAX));
        let first = now.max(self.earliest);
        self.earliest = later(first, count);
        first
    }

    /// Makes the frames of these places of the current block.
    fn make(&mut self, places: Range<usize>, frames: &mut Vec<CapturedFrame>) {
        let first_time = self.first_time(places.len());
        let (size, stride, blocks) = (self.size, self.stride, &mut self.blocks);
        let lend = |n: usize, blocks: &mut Blocks| CapturedFrame {
            frame: blocks.lend(size, stride),
            time: later(first_time, n),
            wire_len: size as u32,
            link_type: LinkType::ETHERNET,
        };
        let packets = self.packets;
        match &self.traffic {
            Traffic::OneFlow { is_tcp: false, .. } => {
                frames.extend((0..places.len()).map(|n| lend(n, blocks)));
            }
            Traffic::OneFlow { directions, first_sequence, .. } => {
                let payload_len = directions[0].payload_len() as u32;
                frames.extend((0..places.len()).map(|n| {
                    // Every direction has sent every second packet so far; the first one is one ahead when the other's turn comes.
                    let packet = packets + n as u64;
                    let turn = (packet % 2) as usize;
                    let sent = ((packet / 2) as u32).wrapping_mul(payload_len);
                    let sequence = first_sequence[turn].wrapping_add(sent);
                    let ahead = if turn == 1 { payload_len } else { 0 };
                    let acknowledgement = first_sequence[1 - turn].wrapping_add(sent).wrapping_add(ahead);
                    directions[turn].count(blocks.spare(), sequence, acknowledgement);
                    lend(n, blocks)
                }));
            }
            Traffic::NewFlows { templates, shapes, numbers } => {
                frames.extend(shapes[places].iter().enumerate().map(|(n, &shape)| {
                    let (unique, further) = numbers.of(packets + n as u64);
                    templates[shape as usize].address(blocks.spare(), &Ends::new(shape, unique, further));
                    lend(n, blocks)
                }));
            }
        }
    }
}

/// So many nanoseconds after `time`, fewer than a second.
#[inline(always)]
fn later(time: Timestamp, nanoseconds: usize) -> Timestamp {
    Timestamp::new(time.seconds(), time.nanoseconds() + nanoseconds as u32)
}

impl Source for Benchmark {
    fn poll(&mut self, frames: &mut Vec<CapturedFrame>, limit: usize) -> Result<Poll, SourceError> {
        if self.has_ended() {
            return Ok(Poll::End);
        }
        if self.place == self.places {
            match self.blocks.advance() {
                Advanced::Exhausted => return Ok(Poll::Idle),
                Advanced::Fresh => self.write_templates(),
                Advanced::Again => {}
            }
            self.place = 0;
        }
        let left = usize::try_from(self.most_packets - self.packets).unwrap_or(usize::MAX);
        let count = limit.max(1).min(left).min(self.places - self.place);
        self.make(self.place..self.place + count, frames);
        self.place += count;
        self.packets += count as u64;
        Ok(Poll::Frames(self.blocks.lease()))
    }

    fn give_back(&mut self, lease: Lease) {
        self.blocks.give_back(lease);
    }

    fn is_live(&self) -> bool {
        false
    }
}
