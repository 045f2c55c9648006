//! Records made by hand, for the tests of all outputs.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;

use weir_flow::{
    EndReason, Field, FieldType, Flow, FlowKey, Instances, Record, Schema, Section, Timestamp, Value,
    field::CESNET, key::Oriented,
};

const fn field(name: &'static str, kind: FieldType) -> Field {
    Field::new(name, kind, CESNET, 1, "")
}

const EVERY_FIELD: &[Field] = &[
    field("A_U8", FieldType::U8),
    field("A_U16", FieldType::U16),
    field("A_U32", FieldType::U32),
    field("A_U64", FieldType::U64),
    field("A_F32", FieldType::F32),
    field("A_ADDRESS", FieldType::Address),
    field("A_MAC", FieldType::Mac),
    field("A_TIME", FieldType::Time),
    field("A_TEXT", FieldType::Text { max: 100 }),
    field("SOME_BYTES", FieldType::Bytes { max: 100 }),
    field("U8S", FieldType::U8List),
    field("I8S", FieldType::I8List),
    field("U16S", FieldType::U16List),
    field("U32S", FieldType::U32List),
    field("TIMES", FieldType::TimeList),
];

/// A plugin with a field of every type.
pub(crate) static EVERYTHING: Schema = Schema::new(
    "everything",
    EVERY_FIELD,
    "u8={A_U8},u16={A_U16},high={A_U16:high},low={A_U16:low},hex=0x{A_U16:04x},u32={A_U32:x},u64={A_U64},f32={A_F32},\
     address={A_ADDRESS},mac={A_MAC},time={A_TIME},text=\"{A_TEXT}\",bytes=\"{SOME_BYTES}\",hex=\"{SOME_BYTES:x}\",number={SOME_BYTES:number},u8s={U8S},\
     i8s={I8S},u16s={U16S},u32s={U32S},times={TIMES},pairs={TIMES-TIMES}",
);

const ANSWER_FIELDS: &[Field] = &[field("ANSWER", FieldType::U16), field("A_U8", FieldType::U8)];

/// A plugin that answers questions, several of them per flow.
pub(crate) static ANSWERS: Schema = Schema::new("answers", ANSWER_FIELDS, "answer={ANSWER}");

/// 2016-10-28T17:07:52.625696
pub(crate) const TIME: Timestamp = Timestamp::from_microseconds(1_477_674_472, 625_696);

const TIMES: &[Timestamp] = &[TIME, Timestamp::from_microseconds(5, 7)];

pub(crate) fn everything<'a>() -> Instances<'a> {
    let mut instances = Instances::default();
    instances.add([
        Value::U8(8),
        Value::U16(0x0316),
        Value::U32(32),
        Value::U64(u64::MAX),
        Value::F32(0.25),
        Value::Address("2001:db8::1".parse().unwrap()),
        Value::Mac([0, 1, 2, 3, 0xaa, 0xff]),
        Value::Time(TIME),
        Value::Text(b"say \"hi\"\\\n\xc5\xbe\xff\0"),
        Value::Bytes(b"\x00a\xff"),
        Value::U8List(&[1, 2]),
        Value::I8List(&[1, -1]),
        Value::U16List(&[39]),
        Value::U32List(&[]),
        Value::TimeList(TIMES),
    ]);
    instances
}

pub(crate) fn answers<'a, const N: usize>(answers: [u16; N]) -> Instances<'a> {
    let mut instances = Instances::default();
    for answer in answers {
        instances.add([Value::U16(answer), Value::U8(99)]);
    }
    instances
}

pub(crate) fn flow(source: &str, destination: &str) -> Flow {
    let (source, destination): (IpAddr, IpAddr) = (source.parse().unwrap(), destination.parse().unwrap());
    let words = |address| match address {
        IpAddr::V4(v4) => [0, std::net::Ipv4Addr::to_bits(v4) as u64],
        IpAddr::V6(v6) => {
            let bits = std::net::Ipv6Addr::to_bits(v6);
            [(bits >> 64) as u64, bits as u64]
        }
    };
    let (key, source_end) = FlowKey::canonical(&Oriented {
        source: words(source),
        destination: words(destination),
        source_port: 44332,
        destination_port: 80,
        protocol: 6,
        vlan_id: 0,
        ipv6: source.is_ipv6(),
    });
    Flow {
        key,
        source_end,
        first: TIME,
        last: Timestamp::from_microseconds(1_477_674_473, 9),
        packets: [1, 6],
        bytes: [190, 12692],
        tcp_flags: [24, 27],
        mac: [[0xdc, 0x53, 0x60, 0x2b, 0x6a, 0x4c], [0x78, 0x44, 0x76, 0x36, 0x98, 0x19]],
        ..Flow::default()
    }
}

pub(crate) fn record<'a>(flow: &'a Flow, sections: &'a [Section<'a>]) -> Record<'a> {
    Record { flow, end_reason: EndReason::Inactive, sections }
}
