//! `pstats`: payload length, time, TCP flags and direction of each of the first packets of a flow.

mod samples;

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Packet, Schema, Value,
    field::CESNET,
    options::{Argument, OptionSpec},
    packet::protocol,
    plugin::{Account, Descriptor, Finish, Interest, Packets, Plugin, Slot, View},
};

use self::samples::{Columns, Sample, SamplePool, Samples};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new("PPI_PKT_LENGTHS", FieldType::U16List, CESNET, 1013, "payload length of each packet"),
    Field::new("PPI_PKT_TIMES", FieldType::TimeList, CESNET, 1014, "time of each packet"),
    Field::new("PPI_PKT_FLAGS", FieldType::U8List, CESNET, 1015, "TCP flags of each packet"),
    Field::new("PPI_PKT_DIRECTIONS", FieldType::I8List, CESNET, 1016, "1 source to destination, -1 reverse"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "pstats",
    FIELDS,
    "ppisizes={PPI_PKT_LENGTHS},ppitimes={PPI_PKT_TIMES},ppiflags={PPI_PKT_FLAGS},ppidirs={PPI_PKT_DIRECTIONS}",
);

/// A record has to fit a message; its lists take 12 bytes a packet.
const MAX_SAMPLES: u64 = 1000;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("includezeroes", "i", Argument::Flag, "also packets without payload")
        .aliases(&["includezeros"]),
    OptionSpec::new("skipdup", "s", Argument::Flag, "skip repeated TCP packets"),
    OptionSpec::new("max", "", Argument::Number("COUNT", 1, MAX_SAMPLES), "packets per flow").default("30"),
];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["pstats"],
    doc: "sizes, times, TCP flags and directions of the first packets",
    schema: &SCHEMA,
    options: OPTIONS,
    configure: |options| {
        let include_empty = options.is_given("includezeroes");
        let skip_repeated = options.is_given("skipdup");
        let max = options.number("max") as usize;
        // Repetitions are told by the latest packet, with or without payload.
        let packets = if include_empty || skip_repeated { Packets::All } else { Packets::WithPayload };
        let interest = Interest { packets, ..Interest::EVERYTHING };
        Ok(factory(interest, move |records| PacketStatistics {
            include_empty,
            skip_repeated,
            max,
            pool: SamplePool::new(records, max, records.saturating_mul(POOL_BYTES_PER_RECORD)),
            columns: Columns::default(),
        }))
    },
};

/// The pool holds this many bytes per record on average: eight chunks, 40 samples. With the default of 30 it never runs
/// out; with more, flows share what there is.
const POOL_BYTES_PER_RECORD: usize = 512;

struct PacketStatistics {
    include_empty: bool,
    skip_repeated: bool,
    max: usize,
    pool: SamplePool,
    columns: Columns,
}

#[derive(Default)]
struct State {
    samples: Samples,
    /// The latest packet of each direction that was no repetition.
    latest: [Option<Segment>; 2],
}

/// What tells a repeated TCP packet.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Segment {
    sequence: u32,
    acknowledgement: u32,
    payload_len: u32,
    tcp_flags: u8,
}

impl Segment {
    fn of(packet: &Packet) -> Segment {
        Segment {
            sequence: packet.tcp_sequence,
            acknowledgement: packet.tcp_acknowledgement,
            payload_len: packet.payload_len,
            tcp_flags: packet.tcp_flags,
        }
    }

    /// Whether this segment says again what `latest` said: same length and flags, and neither number moved on.
    fn repeats(&self, latest: &Segment) -> bool {
        not_beyond(self.sequence, latest.sequence)
            && not_beyond(self.acknowledgement, latest.acknowledgement)
            && self.payload_len == latest.payload_len
            && self.tcp_flags == latest.tcp_flags
    }
}

/// A number this far below the latest one has wrapped around rather than gone back: 0.99 · 2³².
const WRAPPED: u32 = 4_252_017_623;

/// Whether `number` is at or before `latest`, without having wrapped around.
const fn not_beyond(number: u32, latest: u32) -> bool {
    number <= latest && latest - number <= WRAPPED
}

impl Plugin for PacketStatistics {
    type State = State;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let packet = view.packet;
        let state = slot.get_or_insert_with(State::default);
        if self.skip_repeated && packet.key.protocol() == protocol::TCP {
            let segment = Segment::of(packet);
            let latest = &mut state.latest[view.direction.index()];
            if state.samples.len() > 0 && latest.is_some_and(|latest| segment.repeats(&latest)) {
                return Account::CONTINUE;
            }
            *latest = Some(segment);
        }
        if packet.payload_wire_len == 0 && !self.include_empty {
            return Account::CONTINUE;
        }
        let sample = Sample {
            time: packet.time,
            length: packet.payload_wire_len.min(u16::MAX.into()) as u16,
            tcp_flags: packet.tcp_flags,
            direction: match view.direction {
                Direction::Forward => 1,
                Direction::Reverse => -1,
            },
        };
        if self.pool.push(&mut state.samples, sample) && state.samples.len() < self.max {
            Account::CONTINUE
        } else {
            Account::DONE
        }
    }

    /// A single SYN has no statistics.
    fn finish(&mut self, flow: &Flow, _state: &mut State) -> Finish {
        if flow.is_lone_syn() { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        self.pool.read(&state.samples, &mut self.columns);
        instances.add([
            Value::U16List(&self.columns.lengths),
            Value::TimeList(&self.columns.times),
            Value::U8List(&self.columns.tcp_flags),
            Value::I8List(&self.columns.directions),
        ]);
    }

    const SPEAKS_FROM_FLOW: bool = true;

    /// A record without payload: four empty lists.
    fn export_from_flow<'a>(&'a mut self, flow: &'a Flow, instances: &mut Instances<'a>) {
        if !flow.is_lone_syn() {
            instances.add([
                Value::U16List(&[]),
                Value::TimeList(&[]),
                Value::U8List(&[]),
                Value::I8List(&[]),
            ]);
        }
    }

    fn release(&mut self, state: State) {
        self.pool.release(state.samples);
    }

    fn pooled_bytes(&self) -> usize {
        self.pool.reserved_bytes()
    }

    fn refused(&self) -> u64 {
        self.pool.refused()
    }

    fn touch(&mut self) {
        self.pool.touch();
    }
}

#[cfg(test)]
mod tests {
    use weir_flow::tcp;

    use super::*;
    use crate::driver::{Driver, PacketBuilder};

    /// The vector of the reference documentation: (sequence, payload) in one direction.
    const SEGMENTS: [(u32, &[u8]); 9] = [
        (100, b"0123456789"),
        (100, b"0123456789"),
        (90, b"0123456789"),
        (110, b"0123456789"),
        (120, b""),
        (110, b"0123456789"),
        (5, b"0123456789"),
        (4_294_967_290, b"0123456789"),
        (4, b"0123456789"),
    ];

    /// Which of the segments are recorded, counted from 1.
    fn recorded(parameters: &str) -> Vec<u32> {
        let mut driver = Driver::new(&DESCRIPTOR, parameters);
        for (i, (sequence, payload)) in SEGMENTS.iter().enumerate() {
            let flags = if payload.is_empty() { tcp::ACK } else { tcp::ACK | tcp::PSH };
            let packet = PacketBuilder::tcp("10.0.0.1:1025", "10.0.0.2:80").flags(flags).payload(payload);
            driver.put(&packet.sequence(*sequence).acknowledgement(50).at_second(i as u32 + 1));
        }
        match driver.finish()[0][1] {
            crate::driver::Owned::TimeList(ref times) => times.iter().map(|t| t.seconds()).collect(),
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn repeated_segments_are_skipped_on_request() {
        assert_eq!(recorded(""), [1, 2, 3, 4, 6, 7, 8, 9]);
        assert_eq!(recorded("skipdup"), [1, 4, 6, 8, 9]);
        assert_eq!(recorded("s;i"), [1, 4, 5, 6, 8, 9]);
        assert_eq!(recorded("includezeros"), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(recorded("includezeroes;max=3"), [1, 2, 3]);
    }

    #[test]
    fn a_first_packet_of_a_direction_repeats_nothing() {
        let mut driver = Driver::new(&DESCRIPTOR, "skipdup");
        driver.put(&PacketBuilder::tcp("10.0.0.1:1025", "10.0.0.2:80").sequence(7).payload(b"a"));
        driver.put(&PacketBuilder::tcp("10.0.0.2:80", "10.0.0.1:1025").sequence(0).payload(b"a"));
        let text = driver.finish_text();
        assert!(text[0].ends_with("ppidirs=(1,-1)"), "{text:?}");
    }

    #[test]
    fn a_lone_syn_has_no_statistics_and_a_lone_empty_datagram_empty_ones() {
        let mut driver = Driver::new(&DESCRIPTOR, "i");
        driver.put(&PacketBuilder::tcp("10.0.0.1:1025", "10.0.0.2:80").flags(tcp::SYN));
        assert!(driver.finish_text().is_empty());
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&PacketBuilder::udp("10.0.0.1:1025", "10.0.0.2:80"));
        assert_eq!(driver.finish_text(), ["ppisizes=(),ppitimes=(),ppiflags=(),ppidirs=()"]);
    }

    #[test]
    fn thirty_packets_are_enough() {
        let mut driver = Driver::new(&DESCRIPTOR, "");
        for _ in 0..29 {
            driver.put(&PacketBuilder::udp("10.0.0.1:1025", "10.0.0.2:80").payload(b"x"));
        }
        assert!(driver.is_interested());
        driver.put(&PacketBuilder::udp("10.0.0.1:1025", "10.0.0.2:80").payload(b"x"));
        assert!(!driver.is_interested());
    }
}
