//! What it costs to read and write basic records of IPFIX: biflows over IPv4 as `-o ipfix` exports them, 81 octets each.
//!
//! `ipfix [RECORDS [FILE [PART]]]` makes a file of messages with so many records (ten million) unless it is there, and prints what each way to
//! read, write and copy them takes, in nanoseconds a record: the fastest of several rounds in which all take turns; only
//! ways with `PART` in their names, if it is given.
//!
//! In memory a message of 65,000 octets is read or written again and again, which the second cache holds; of the file, which is in
//! memory too, but not in a cache, all messages are read. Copied is in the same way: record by record from the same place into a
//! buffer as long as a message.
#![allow(missing_docs)]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Instant;

use weir_flow::key::Oriented;
use weir_flow::options::PluginString;
use weir_flow::{EndReason, Flow, FlowKey, Record, Timestamp};
use weir_ipfix::collect::{Arrival, Packet, Session, SessionSettings};
use weir_ipfix::message::{Message, Records, SetKind};
use weir_ipfix::placement::{Decoder, Encoder, Placement, Placer};
use weir_ipfix::registry;
use weir_ipfix::template::Template;
use weir_ipfix::time::Time;
use weir_ipfix::value::Value;
use weir_ipfix::wire::Writer;
use weir_ipfix::writer::MessageWriter;
use weir_output::ipfix::{DESCRIPTOR, Ipfix, IpfixBatch};
use weir_output::{Context, Encoder as _, Output};

/// The fields of `-o ipfix`, in their order.
#[derive(Placement, Clone, Copy, PartialEq, Debug)]
struct Basic {
    #[ipfix("flowEndReason")]
    end_reason: u8,
    #[ipfix("octetDeltaCount")]
    octets: u64,
    #[ipfix("reverseOctetDeltaCount")]
    reverse_octets: u64,
    #[ipfix("packetDeltaCount")]
    packets: u64,
    #[ipfix("reversePacketDeltaCount")]
    reverse_packets: u64,
    #[ipfix("flowStartMicroseconds")]
    start: Time,
    #[ipfix("flowEndMicroseconds")]
    end: Time,
    #[ipfix("ipVersion")]
    ip_version: u8,
    #[ipfix("protocolIdentifier")]
    protocol: u8,
    #[ipfix("tcpControlBits[1]")]
    tcp_flags: u8,
    #[ipfix("reverseTcpControlBits[1]")]
    reverse_tcp_flags: u8,
    #[ipfix("sourceTransportPort")]
    source_port: u16,
    #[ipfix("destinationTransportPort")]
    destination_port: u16,
    #[ipfix("ingressInterface")]
    interface: u32,
    #[ipfix("sourceIPv4Address")]
    source: Ipv4Addr,
    #[ipfix("destinationIPv4Address")]
    destination: Ipv4Addr,
    #[ipfix("sourceMacAddress")]
    source_mac: [u8; 6],
    #[ipfix("destinationMacAddress")]
    destination_mac: [u8; 6],
}

/// The same in another order: what another exporter's template takes.
#[derive(Placement, Clone, Copy, PartialEq, Debug)]
struct Shuffled {
    #[ipfix("sourceIPv4Address")]
    source: Ipv4Addr,
    #[ipfix("destinationIPv4Address")]
    destination: Ipv4Addr,
    #[ipfix("sourceTransportPort")]
    source_port: u16,
    #[ipfix("destinationTransportPort")]
    destination_port: u16,
    #[ipfix("protocolIdentifier")]
    protocol: u8,
    #[ipfix("ipVersion")]
    ip_version: u8,
    #[ipfix("flowStartMicroseconds")]
    start: Time,
    #[ipfix("flowEndMicroseconds")]
    end: Time,
    #[ipfix("packetDeltaCount")]
    packets: u64,
    #[ipfix("reversePacketDeltaCount")]
    reverse_packets: u64,
    #[ipfix("octetDeltaCount")]
    octets: u64,
    #[ipfix("reverseOctetDeltaCount")]
    reverse_octets: u64,
    #[ipfix("flowEndReason")]
    end_reason: u8,
    #[ipfix("tcpControlBits[1]")]
    tcp_flags: u8,
    #[ipfix("reverseTcpControlBits[1]")]
    reverse_tcp_flags: u8,
    #[ipfix("ingressInterface")]
    interface: u32,
    #[ipfix("sourceMacAddress")]
    source_mac: [u8; 6],
    #[ipfix("destinationMacAddress")]
    destination_mac: [u8; 6],
}

const RECORD_LEN: usize = 81;
const MESSAGE_LEN: usize = 65_000;
/// What differs from record to record.
const FLOWS: usize = 800;
const ROUNDS: usize = 7;
const NEAR: Time = Time { seconds: 1_700_000_000, nanoseconds: 0 };

type Failure = Box<dyn Error>;

fn flow(number: u32) -> Basic {
    let mixed = number.wrapping_mul(0x9e37_79b9);
    Basic {
        end_reason: 1 + (mixed % 5) as u8,
        octets: u64::from(mixed) << 3,
        reverse_octets: mixed.into(),
        packets: u64::from(mixed >> 8),
        reverse_packets: u64::from(mixed >> 12),
        start: Time::new(NEAR.seconds - 300 + u64::from(number % 300), mixed % 1_000_000 * 1000),
        end: Time::new(NEAR.seconds, mixed % 999_999 * 1000),
        ip_version: 4,
        protocol: 6,
        tcp_flags: mixed as u8,
        reverse_tcp_flags: (mixed >> 8) as u8,
        source_port: mixed as u16,
        destination_port: 443,
        interface: 7,
        source: mixed.into(),
        destination: (mixed ^ 0xffff).into(),
        source_mac: [2, 0, 0, 0, 0, 1],
        destination_mac: [2, 0, 0, 0, 0, 2],
    }
}

/// A file of messages with so many records, as long as there is none.
fn make(path: &Path, encoder: &Encoder<Basic>, count: u32) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let flows: Vec<Basic> = (0..FLOWS as u32).map(flow).collect();
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    let mut buffer = vec![0; MESSAGE_LEN];
    let mut sequence = 0;
    while sequence < count {
        let mut message = MessageWriter::new(&mut buffer, 1)?;
        if sequence == 0 {
            message.put_template(encoder.template())?;
        }
        while sequence + message.records() < count {
            let flow = &flows[(sequence + message.records()) as usize % FLOWS];
            if message.put_placed(encoder, flow).is_err() {
                break;
            }
        }
        let finished = message.finish(NEAR.seconds as u32, sequence).ok_or("nothing fits")?;
        file.write_all(finished.octets)?;
        sequence += finished.records;
    }
    Ok(file.flush()?)
}

/// The data sets of a file.
fn sets(mut file: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (message, rest) = Message::read_from(file).ok()??;
        file = rest;
        Some(message)
    })
    .flat_map(|message| message.sets().flatten())
    .filter(|set| set.kind() == SetKind::Data)
    .map(|set| set.content)
}

/// Record by record into a buffer as long as a message.
fn copy(content: &[u8], buffer: &mut [u8]) {
    for (record, copied) in content.chunks_exact(RECORD_LEN).zip(buffer.chunks_exact_mut(RECORD_LEN)) {
        copied.copy_from_slice(record);
        black_box(&copied);
    }
}

fn decode<P: Placement>(content: &[u8], decoder: &Decoder<P>) {
    for record in decoder.records(content, NEAR) {
        black_box(&record);
    }
}

/// As a collector reads it: a session that keeps the templates and counts.
fn collect(mut file: &[u8]) {
    let mut session = Session::new(SessionSettings::new(false));
    let mut placer = Placer::<Basic>::default();
    while let Ok(Some((message, rest))) = Message::read_from(file) {
        file = rest;
        let packet = Packet::Ipfix(message);
        session.read_packet(&packet, Arrival::default(), |event| {
            black_box(&placer.place(&packet, &event));
        });
    }
}

/// Every field looked up for itself: what it is, and where it goes.
fn field_by_field(content: &[u8], template: &Template) -> Result<(), Failure> {
    for record in Records::new(template, content) {
        let mut basic = flow(0);
        for field in record?.fields() {
            let id = field.specifier.id;
            let element = registry::by_id(id).ok_or("unknown")?;
            let value = Value::read(element.data_type, field.content, NEAR)?;
            match (id.enterprise, id.number, value) {
                (0, 136, Value::Unsigned(number)) => basic.end_reason = number as u8,
                (0, 1, Value::Unsigned(number)) => basic.octets = number,
                (29305, 1, Value::Unsigned(number)) => basic.reverse_octets = number,
                (0, 2, Value::Unsigned(number)) => basic.packets = number,
                (29305, 2, Value::Unsigned(number)) => basic.reverse_packets = number,
                (0, 154, Value::Time(time)) => basic.start = time,
                (0, 155, Value::Time(time)) => basic.end = time,
                (0, 60, Value::Unsigned(number)) => basic.ip_version = number as u8,
                (0, 4, Value::Unsigned(number)) => basic.protocol = number as u8,
                (0, 6, Value::Unsigned(number)) => basic.tcp_flags = number as u8,
                (29305, 6, Value::Unsigned(number)) => basic.reverse_tcp_flags = number as u8,
                (0, 7, Value::Unsigned(number)) => basic.source_port = number as u16,
                (0, 11, Value::Unsigned(number)) => basic.destination_port = number as u16,
                (0, 10, Value::Unsigned(number)) => basic.interface = number as u32,
                (0, 8, Value::Ipv4(address)) => basic.source = address,
                (0, 12, Value::Ipv4(address)) => basic.destination = address,
                (0, 56, Value::Mac(address)) => basic.source_mac = address,
                (0, 80, Value::Mac(address)) => basic.destination_mac = address,
                _ => {}
            }
        }
        black_box(&basic);
    }
    Ok(())
}

/// What is measured: a name, and how often a round of it repeats.
type Way<'w> = (&'static str, usize, Box<dyn FnMut() + 'w>);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let count: u32 = arguments.first().map_or(Ok(10_000_000), |count| count.parse())?;
    let path =
        arguments.get(1).cloned().unwrap_or_else(|| format!("{}/basic.ipfix", env!("CARGO_TARGET_TMPDIR")));
    let encoder = Encoder::<Basic>::new(256)?;
    let template = encoder.template().clone();
    assert_eq!(template.record_len(), Some(RECORD_LEN));
    make(Path::new(&path), &encoder, count)?;
    let file = fs::read(&path)?;
    let flows: Vec<Basic> = (0..FLOWS as u32).map(flow).collect();
    let mut encoded = vec![0; FLOWS * RECORD_LEN];
    let mut out = Writer::new(&mut encoded);
    flows.iter().try_for_each(|flow| encoder.put(flow, &mut out))?;
    let decoder = Decoder::<Basic>::new(&template)?;
    assert!(decoder.records(&encoded, NEAR).map(Result::ok).eq(flows.iter().copied().map(Some)));
    let other = Decoder::<Shuffled>::new(&template)?;
    let unlike = Encoder::<Shuffled>::for_template(template.clone())?;
    let shuffled: Vec<Shuffled> = other.records(&encoded, NEAR).collect::<Result<_, _>>()?;

    let output_flows: Vec<Flow> = flows.iter().map(output_flow).collect();
    let parameters = PluginString::parse("ipfix;host=127.0.0.1;udp;id=7")?.parameters(DESCRIPTOR.options)?;
    let mut output = Ipfix::open(&parameters, &Context { schemas: Vec::new() })?.encoder();

    let mut buffer = vec![0; FLOWS * RECORD_LEN];
    let mut buffers = [(); 5].map(|()| vec![0; MESSAGE_LEN]);
    let [b0, b1, b2, b3, b4] = &mut buffers;
    let many = (count as usize / FLOWS).clamp(1, 2000);
    let mut batch = IpfixBatch::default();
    let mut ways: Vec<Way<'_>> = vec![
        ("memory copy", many, Box::new(|| copy(black_box(&encoded), b0))),
        (
            "memory copy whole",
            many,
            Box::new(|| {
                buffer.copy_from_slice(black_box(&encoded));
                black_box(&buffer);
            }),
        ),
        ("memory decode", many, Box::new(|| decode(black_box(&encoded), &decoder))),
        ("memory decode other order", many, Box::new(|| decode(black_box(&encoded), &other))),
        (
            "memory decode field by field",
            many / 4,
            Box::new(|| field_by_field(&encoded, &template).unwrap_or(())),
        ),
        ("memory encode", many, Box::new(|| encode(&encoder, black_box(&flows), b1))),
        ("memory encode other order", many, Box::new(|| encode(&unlike, black_box(&shuffled), b2))),
        ("memory encode message", many, Box::new(|| message(&encoder, black_box(&flows), b3))),
        (
            "memory encode output",
            many,
            Box::new(|| {
                weir_output::Batch::clear(&mut batch);
                for flow in black_box(&output_flows) {
                    output
                        .encode(&Record { flow, end_reason: EndReason::Inactive, sections: &[] }, &mut batch);
                }
                black_box(&batch);
            }),
        ),
    ];
    let mut file_ways: Vec<Way<'_>> = vec![
        ("file copy", 1, Box::new(|| sets(&file).for_each(|content| copy(content, b4)))),
        ("file decode", 1, Box::new(|| sets(&file).for_each(|content| decode(content, &decoder)))),
        ("file decode other order", 1, Box::new(|| sets(&file).for_each(|content| decode(content, &other)))),
        ("file decode session", 1, Box::new(|| collect(&file))),
        (
            "file decode field by field",
            1,
            Box::new(|| {
                sets(&file).for_each(|content| field_by_field(content, &template).unwrap_or(()));
            }),
        ),
    ];
    let wanted = arguments.get(2).map_or("", String::as_str);
    ways.retain(|(name, ..)| name.contains(wanted));
    file_ways.retain(|(name, ..)| name.contains(wanted));
    measure(&mut ways, FLOWS);
    measure(&mut file_ways, count as usize);
    Ok(())
}

fn encode<P: weir_ipfix::placement::Places>(
    encoder: &Encoder<P>,
    flows: &[P::Record<'_>],
    buffer: &mut [u8],
) {
    let mut out = Writer::new(buffer);
    for flow in flows {
        let _ = encoder.put(flow, &mut out);
    }
    black_box(out.written());
}

fn message(encoder: &Encoder<Basic>, flows: &[Basic], buffer: &mut [u8]) {
    let Ok(mut message) = MessageWriter::new(buffer, 1) else { return };
    for flow in flows {
        let _ = message.put_placed(encoder, flow);
    }
    black_box(message.finish(0, 0));
}

fn output_flow(basic: &Basic) -> Flow {
    let word = |address: Ipv4Addr| [0, u64::from(address.to_bits())];
    let (key, source_end) = FlowKey::canonical(&Oriented {
        source: word(basic.source),
        destination: word(basic.destination),
        source_port: basic.source_port,
        destination_port: basic.destination_port,
        protocol: basic.protocol,
        vlan_id: 0,
        ipv6: false,
    });
    let time = |time: Time| Timestamp::from_microseconds(time.seconds as u32, time.nanoseconds / 1000);
    Flow {
        key,
        source_end,
        first: time(basic.start),
        last: time(basic.end),
        packets: [basic.packets, basic.reverse_packets],
        bytes: [basic.octets, basic.reverse_octets],
        tcp_flags: [basic.tcp_flags, basic.reverse_tcp_flags],
        mac: [basic.source_mac, basic.destination_mac],
        ..Flow::default()
    }
}

fn measure(ways: &mut [Way<'_>], records: usize) {
    let mut taken = vec![Vec::new(); ways.len()];
    for round in 0..=ROUNDS {
        for ((_, times, way), taken) in ways.iter_mut().zip(&mut taken) {
            let begun = Instant::now();
            (0..*times).for_each(|_| way());
            if round > 0 {
                taken.push(begun.elapsed().as_nanos() as f64 / (*times * records) as f64);
            }
        }
    }
    for ((name, ..), mut taken) in ways.iter().zip(taken) {
        taken.sort_by(f64::total_cmp);
        println!("{name}\t{:.2}", taken[0]);
    }
}
