//! Structs of records, and records of structs.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use proptest::prelude::*;
use weir_ipfix::collect::{Collector, CollectorSettings, News};
use weir_ipfix::element::{DataType, ElementId};
use weir_ipfix::export::{self, Backoff, Exporter, Now, Observer, Refresh};
use weir_ipfix::list::{BasicList, ListError, Semantic};
use weir_ipfix::message::{Message, Records};
use weir_ipfix::placement::{
    Decoder, Encoder, EncoderError, Placement, Placer, Places, PlanError, ReadError, WriteError,
};
use weir_ipfix::registry;
use weir_ipfix::template::{FieldSpecifier, Template, TemplateError, VARIABLE};
use weir_ipfix::time::Time;
use weir_ipfix::value::{EncodeError, Value, ValueError};
use weir_ipfix::wire::{Full, Writer};
use weir_ipfix::writer::MessageWriter;

const NEAR: Time = Time { seconds: 1_700_000_000, nanoseconds: 0 };

#[derive(Placement, Clone, Copy, PartialEq, Debug)]
struct Flow {
    #[ipfix("sourceIPv4Address")]
    source: Ipv4Addr,
    #[ipfix("sourceTransportPort")]
    source_port: u16,
    #[ipfix("octetDeltaCount[4]")]
    octets: u64,
    #[ipfix("reverseOctetDeltaCount")]
    reverse_octets: u64,
    #[ipfix("flowStartMicroseconds")]
    start: Time,
    #[ipfix("protocolIdentifier")]
    protocol: u8,
}

const FLOW: Flow = Flow {
    source: Ipv4Addr::new(192, 0, 2, 1),
    source_port: 4739,
    octets: 0x8000_0001,
    reverse_octets: 0x0102_0304_0506_0708,
    start: Time { seconds: 1_699_999_999, nanoseconds: 123_456_000 },
    protocol: 17,
};

/// Every form there is.
#[derive(Placement, Clone, Copy, PartialEq, Debug)]
struct Everything<'a> {
    #[ipfix("interfaceName")]
    name: &'a str,
    #[ipfix("ingressInterfaceType")]
    unsigned32: u32,
    #[ipfix("mibObjectValueInteger[3]")]
    signed32: i32,
    #[ipfix("absoluteError[4]")]
    float64: f64,
    #[ipfix("(4711/1)<float32> ratio")]
    float32: f32,
    #[ipfix("dataRecordsReliability")]
    boolean: bool,
    #[ipfix("sourceMacAddress")]
    mac: [u8; 6],
    #[ipfix("sourceIPv6Address")]
    address: Ipv6Addr,
    #[ipfix("wlanSSID[8]")]
    padded: &'a str,
    #[ipfix("flowStartSeconds")]
    seconds: Time,
    #[ipfix("flowStartMilliseconds")]
    milliseconds: Time,
    #[ipfix("flowStartNanoseconds")]
    nanoseconds: Time,
    #[ipfix("flowEndMilliseconds")]
    number: u64,
    #[ipfix("applicationId[4]")]
    application: [u8; 4],
    #[ipfix("tcpOptionsFull[5]")]
    options: [u8; 32],
    #[ipfix("ipHeaderPacketSection")]
    octets: &'a [u8],
    #[ipfix("basicList")]
    list: BasicList<'a>,
    #[ipfix("subTemplateList")]
    raw: &'a [u8],
    #[ipfix("ipTTL")]
    ttl: Option<u8>,
    #[ipfix("interfaceDescription")]
    description: Option<&'a str>,
}

fn everything<'a>(texts: &'a [String; 2], octets: &'a [u8], number: u64, some: bool) -> Everything<'a> {
    let mut options = [0; 32];
    options[27..].copy_from_slice(&number.to_be_bytes()[..5]);
    let time = Time::new(NEAR.seconds + (number as u32 as u64 / 4), (number >> 40) as u32 % 1_000_000_000);
    let ssid = texts[0].char_indices().take_while(|(at, letter)| at + letter.len_utf8() <= 8);
    Everything {
        name: &texts[0],
        unsigned32: number as u32,
        signed32: (number as i32) >> 8,
        float64: f64::from(number as u32 as f32),
        float32: number as f32,
        boolean: number & 1 == 1,
        mac: *number.to_le_bytes().first_chunk().unwrap(),
        address: (u128::from(number) << 64 | 7).into(),
        padded: &texts[0][..ssid.map(|(_, letter)| letter.len_utf8()).sum()],
        seconds: Time::new(time.seconds, 0),
        milliseconds: Time::from_milliseconds(time.to_milliseconds()),
        nanoseconds: time,
        number,
        application: (number as u32).to_ne_bytes(),
        options,
        octets,
        list: BasicList {
            semantic: Semantic::AllOf,
            field: FieldSpecifier::new(ElementId::new(8057, 1013), 1),
            content: octets,
        },
        raw: &octets[..octets.len() / 2],
        ttl: some.then_some(number as u8),
        description: some.then_some(&texts[1]),
    }
}

fn encoded<P: Places>(encoder: &Encoder<P>, record: &P::Record<'_>) -> Result<Vec<u8>, WriteError> {
    let mut buffer = vec![0xff; 70_000];
    let mut out = Writer::new(&mut buffer);
    encoder.put(record, &mut out)?;
    Ok(out.written().to_vec())
}

/// A text that fills a fixed field is followed by zeros, which are part of it.
fn trimmed<'a>(record: Everything<'a>) -> Everything<'a> {
    Everything { padded: record.padded.trim_end_matches('\0'), ..record }
}

/// Another template for the same: the fields in another order, shorter where this loses nothing, others between them.
fn shuffled(template: &Template, seed: &[u8], id: u16) -> Template {
    let mut fields: Vec<(u8, FieldSpecifier)> =
        template.fields().iter().zip(seed).map(|(field, seed)| (*seed, *field)).collect();
    for &seed in &seed[fields.len()..] {
        let length = if seed % 4 == 0 { VARIABLE } else { u16::from(seed % 11) };
        fields.push((seed, FieldSpecifier::new(ElementId::new(4712, seed.into()), length)));
    }
    fields.sort_by_key(|(seed, _)| *seed);
    Template::new(id, fields.into_iter().map(|(_, field)| field).collect::<Vec<_>>()).unwrap()
}

/// The record of `to` with the contents of one of `from`, and something in all other fields.
fn transcribed(record: &[u8], from: &Template, to: &Template) -> Vec<u8> {
    let record = Records::new(from, record).next().unwrap().unwrap();
    let mut buffer = vec![0; 70_000];
    let mut message = MessageWriter::new(&mut buffer, 0).unwrap();
    let put = message.put_record(to, |out| {
        to.fields().iter().try_for_each(|field| out.octets(record.get(field.id).unwrap_or(b"")))
    });
    put.unwrap();
    let message = message.finish(0, 0).unwrap();
    Message::read(message.octets).unwrap().sets().next().unwrap().unwrap().content.to_vec()
}

proptest! {
    #[test]
    fn every_form_is_read_as_it_was_written_in_any_template(
        texts in any::<[String; 2]>(),
        octets in prop::collection::vec(any::<u8>(), 0..300),
        number in any::<u64>(),
        some in any::<bool>(),
        seed in prop::collection::vec(any::<u8>(), 20..40),
    ) {
        let record = everything(&texts, &octets, number, some);
        let encoder = Encoder::<Everything>::like(256, &record).unwrap();
        prop_assert_eq!(encoder.template().fields().len(), if some { 20 } else { 18 });
        let written = encoded(&encoder, &record).unwrap();
        let decoder = Decoder::<Everything>::new(encoder.template()).unwrap();
        prop_assert_eq!(decoder.read(&written, NEAR).map(trimmed), Ok(record));
        let template = shuffled(encoder.template(), &seed, 257);
        let other = transcribed(&written, encoder.template(), &template);
        let decoder = Decoder::<Everything>::new(&template).unwrap();
        let read: Vec<_> = decoder.records(&other, NEAR).map(|read| read.map(trimmed)).collect();
        prop_assert_eq!(read, [Ok(record)]);
        for len in 0..other.len() {
            prop_assert_eq!(decoder.read(&other[..len], NEAR), Err(ReadError::CutOff));
        }
    }

    #[test]
    fn fields_are_those_of_the_record(number in any::<u64>(), seed in prop::collection::vec(any::<u8>(), 6..20)) {
        let record = Flow { octets: number >> 32, reverse_octets: number, source: (number as u32).into(), ..FLOW };
        let encoder = Encoder::<Flow>::new(256).unwrap();
        let written = encoded(&encoder, &record).unwrap();
        let fields = Records::new(encoder.template(), &written).next().unwrap().unwrap();
        let values: Vec<_> = fields.fields().map(|field| {
            let element = registry::by_id(field.specifier.id).unwrap();
            Value::read(element.data_type, field.content, NEAR).unwrap()
        }).collect();
        prop_assert_eq!(values, [
            Value::Ipv4(record.source),
            Value::Unsigned(4739),
            Value::Unsigned(record.octets),
            Value::Unsigned(record.reverse_octets),
            Value::Time(record.start),
            Value::Unsigned(17),
        ]);
        prop_assert_eq!(Decoder::<Flow>::new(encoder.template()).unwrap().read(&written, NEAR), Ok(record));
        let template = shuffled(encoder.template(), &seed, 257);
        let other = transcribed(&written, encoder.template(), &template);
        prop_assert_eq!(Decoder::<Flow>::new(&template).unwrap().read(&other, NEAR), Ok(record));
    }
}

#[test]
fn the_template_of_a_struct_has_its_fields_in_their_order_and_lengths() {
    let encoder = Encoder::<Flow>::new(300).unwrap();
    let field = |enterprise, number, length| FieldSpecifier::new(ElementId::new(enterprise, number), length);
    let expected = [
        field(0, 8, 4),
        field(0, 7, 2),
        field(0, 1, 4),
        field(29305, 1, 8),
        field(0, 154, 8),
        field(0, 4, 1),
    ];
    assert_eq!((encoder.template().id(), encoder.template().fields()), (300, &expected[..]));
    let octets = b"\xc0\0\x02\x01\x12\x83\x80\0\0\x01\x01\x02\x03\x04\x05\x06\x07\x08\xe8\xfe\x6f\x7f\x1f\x9a\xd0\0\x11";
    assert_eq!(encoded(&encoder, &FLOW).unwrap(), octets);
    assert!(matches!(Encoder::<Flow>::new(255), Err(EncoderError::Template(TemplateError::Id(255)))));
}

#[test]
fn numbers_are_as_long_as_the_template_says_and_keep_their_sign() {
    #[derive(Placement, Clone, Copy, PartialEq, Debug)]
    struct Numbers {
        #[ipfix("mibObjectValueInteger")]
        signed: i32,
        #[ipfix("octetDeltaCount")]
        unsigned: u64,
    }
    for signed_len in 1..=4 {
        for unsigned_len in 1..=8_u16 {
            let fields = [(434, signed_len), (1, unsigned_len)];
            let fields = fields.map(|(number, length)| FieldSpecifier::new(ElementId::iana(number), length));
            let template = Template::new(256, fields).unwrap();
            let encoder = Encoder::<Numbers>::for_template(template.clone()).unwrap();
            let decoder = Decoder::<Numbers>::new(&template).unwrap();
            let largest = u64::MAX >> (64 - 8 * unsigned_len);
            let lowest = i32::MIN >> (32 - 8 * signed_len);
            for signed in [-1, 0, lowest, -(lowest + 1)] {
                let record = Numbers { signed, unsigned: largest };
                let written = encoded(&encoder, &record).unwrap();
                assert_eq!(written.len(), usize::from(signed_len + unsigned_len));
                assert_eq!(decoder.read(&written, NEAR), Ok(record), "{template:?}");
            }
            let error = |signed, unsigned| encoded(&encoder, &Numbers { signed, unsigned });
            let range = |number, length| {
                Err(WriteError::Value { id: ElementId::iana(number), error: EncodeError::Range(length) })
            };
            if unsigned_len < 8 {
                assert_eq!(error(0, largest + 1), range(1, unsigned_len));
            }
            if signed_len < 4 {
                assert_eq!(error(lowest - 1, 0), range(434, signed_len));
                assert_eq!(error(-lowest, 0), range(434, signed_len));
            }
        }
    }
}

#[test]
fn a_template_that_does_not_go_with_the_struct_is_refused() {
    #[derive(Placement, Debug)]
    struct Small {
        #[ipfix("octetDeltaCount")]
        octets: u32,
        #[ipfix("ipTTL")]
        _ttl: Option<u8>,
    }
    let template = |fields: &[(u16, u16)]| {
        let fields =
            fields.iter().map(|&(number, length)| FieldSpecifier::new(ElementId::iana(number), length));
        Template::new(256, fields.collect::<Vec<_>>()).unwrap()
    };
    let octets = ElementId::iana(1);
    assert_eq!(Encoder::<Small>::new(256).unwrap().template().fields()[0], FieldSpecifier::new(octets, 4));
    let error = |fields: &[(u16, u16)]| Decoder::<Small>::new(&template(fields)).unwrap_err();
    assert_eq!(error(&[(192, 1)]), PlanError::Absent(octets));
    assert_eq!(error(&[(1, 8)]), PlanError::Narrow { id: octets, length: 8, longest: 4 });
    assert_eq!(
        error(&[(1, 4), (192, 2)]),
        PlanError::Length { id: ElementId::iana(192), data_type: DataType::Unsigned8, length: 2 }
    );
    assert_eq!(
        Decoder::<Small>::new(&template(&[(1, 3)])).unwrap().read(&[0, 1, 0], NEAR).unwrap().octets,
        256
    );
    assert!(matches!(
        Encoder::<Small>::for_template(template(&[(1, 4), (2, 4)])),
        Err(EncoderError::Plan(PlanError::Unplaced(_)))
    ));
}

#[test]
fn what_is_no_value_is_an_error_and_the_next_record_follows() {
    #[derive(Placement, Clone, Copy, PartialEq, Debug)]
    struct Checked<'a> {
        #[ipfix("dataRecordsReliability")]
        boolean: bool,
        #[ipfix("interfaceName")]
        name: &'a str,
        #[ipfix("basicList")]
        list: Option<BasicList<'a>>,
    }
    let decoder = Decoder::<Checked>::new(Encoder::<Checked>::new(256).unwrap().template()).unwrap();
    let list = b"\x06\x03\0\x04\0\x01\x11";
    let content = [
        &b"\x01\x02ab"[..],
        list,
        b"\x03\x02ab",
        list,
        b"\x02\x02a\xff",
        list,
        b"\x02\0\x02\0\0",
        b"\x02\x03cut",
    ]
    .concat();
    let read: Vec<_> = decoder.records(&content, NEAR).collect();
    let error = |number, error| Err(ReadError::Value { id: ElementId::iana(number), error });
    let list = BasicList::read(&list[1..]).unwrap();
    assert_eq!(
        read,
        [
            Ok(Checked { boolean: true, name: "ab", list: Some(list) }),
            error(276, ValueError::Boolean(3)),
            error(82, ValueError::Text),
            error(291, ValueError::List(ListError::Header)),
            Err(ReadError::CutOff),
        ]
    );
}

#[test]
fn a_missing_or_too_long_value_leaves_no_trace() {
    #[derive(Placement, Clone, Copy)]
    struct Named<'a> {
        #[ipfix("ipTTL")]
        ttl: Option<u8>,
        #[ipfix("interfaceName[4]")]
        name: &'a str,
    }
    let encoder = Encoder::<Named>::new(256).unwrap();
    let mut buffer = [0; 6];
    let mut out = Writer::new(&mut buffer);
    out.put_u8(7).unwrap();
    let mut put = |ttl, name| {
        let put = encoder.put(&Named { ttl, name }, &mut out);
        (put, out.written().to_vec())
    };
    let error = |number, error| Err(WriteError::Value { id: ElementId::iana(number), error });
    assert_eq!(put(None, "eth0"), (error(192, EncodeError::Absent), vec![7]));
    assert_eq!(put(Some(64), "eth10"), (error(82, EncodeError::Range(4)), vec![7]));
    assert_eq!(put(Some(64), "lo"), (Ok(()), b"\x07\x40lo\0\0".to_vec()));
    assert_eq!(put(Some(64), "lo"), (Err(WriteError::Full(Full)), b"\x07\x40lo\0\0".to_vec()));
    let huge = vec![7; 65536];
    let texts = [String::new(), String::new()];
    let record = Everything { octets: &huge, ..everything(&texts, b"", 1, true) };
    let too_long = encoded(&Encoder::<Everything>::new(256).unwrap(), &record);
    assert_eq!(too_long.map(drop), error(313, EncodeError::Range(VARIABLE)));
    let record = Everything { octets: &huge[..65500], ..record };
    let encoder = Encoder::<Everything>::new(256).unwrap();
    assert_eq!(encoded(&encoder, &record), Err(WriteError::Full(Full)), "no message holds it");
}

#[test]
fn of_an_enum_the_first_struct_is_taken_that_goes_with_the_template() {
    #[derive(Placement, PartialEq, Debug)]
    struct Biflow {
        #[ipfix("octetDeltaCount")]
        octets: u64,
        #[ipfix("reverseOctetDeltaCount")]
        reverse: u64,
    }
    #[derive(Placement, PartialEq, Debug)]
    struct Named<'a> {
        #[ipfix("interfaceName")]
        name: &'a str,
    }
    #[derive(Placement, PartialEq, Debug)]
    struct Uniflow {
        #[ipfix("octetDeltaCount")]
        octets: u64,
    }
    #[derive(Placement, PartialEq, Debug)]
    enum Any<'a> {
        Biflow(Biflow),
        Named(Named<'a>),
        Uniflow(Uniflow),
    }
    let (biflow, named) = (Encoder::<Biflow>::new(256).unwrap(), Encoder::<Named>::new(257).unwrap());
    let uniflow = Encoder::<Uniflow>::new(258).unwrap();
    let decoder = Decoder::<Any>::new(biflow.template()).unwrap();
    let record = encoded(&biflow, &Biflow { octets: 1, reverse: 2 }).unwrap();
    assert_eq!(decoder.read(&record, NEAR), Ok(Any::Biflow(Biflow { octets: 1, reverse: 2 })));
    let decoder = Decoder::<Any>::new(named.template()).unwrap();
    assert_eq!(decoder.read(b"\x02lo", NEAR), Ok(Any::Named(Named { name: "lo" })));
    let decoder = Decoder::<Any>::new(uniflow.template()).unwrap();
    assert_eq!(decoder.read(&[0, 0, 0, 0, 0, 0, 0, 9], NEAR), Ok(Any::Uniflow(Uniflow { octets: 9 })));
    let other = Template::new(256, [FieldSpecifier::new(ElementId::iana(2), 8)]).unwrap();
    assert_eq!(Decoder::<Any>::new(&other).unwrap_err(), PlanError::Absent(ElementId::iana(1)));
}

#[test]
fn a_record_that_is_longer_than_a_message_is_cut_off() {
    #[derive(Placement, Debug)]
    struct Sections<'a> {
        #[ipfix("ipHeaderPacketSection")]
        _header: &'a [u8],
        #[ipfix("ipPayloadPacketSection")]
        payload: &'a [u8],
    }
    let decoder = Decoder::<Sections>::new(Encoder::<Sections>::new(256).unwrap().template()).unwrap();
    let record = |len: usize| {
        let section = [&[255][..], &(len as u16).to_be_bytes(), &vec![7; len]].concat();
        [&section[..], &section].concat()
    };
    assert_eq!(decoder.read(&record(32_000), NEAR).unwrap().payload.len(), 32_000);
    assert_eq!(decoder.read(&record(33_000), NEAR).unwrap_err(), ReadError::CutOff);
}

/// Nothing may be lost.
struct Anxious;

impl Observer for Anxious {
    fn lost(&mut self, _: usize, message: &[u8]) {
        panic!("{} octets are lost", message.len());
    }

    fn lost_record(&mut self, template: &Template, _: &[u8]) {
        panic!("a record of {} is lost", template.id());
    }
}

#[test]
fn structs_travel_from_an_exporter_to_a_collector() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let flows: Vec<Flow> = (0..100).map(|octets| Flow { octets, ..FLOW }).collect();
    let encoder = Encoder::<Flow>::new(256).unwrap();
    let mut octets = vec![0; 100 * encoder.template().shortest_record()];
    let mut out = Writer::new(&mut octets);
    flows.iter().try_for_each(|flow| encoder.put(flow, &mut out)).unwrap();

    let now = Now { elapsed: Duration::ZERO, unix_s: NEAR.seconds as u32 };
    let mut exporter = Exporter::new(1, 1400).unwrap();
    let file = export::transport::File::new(&path, None);
    let settings = export::CollectorSettings {
        refresh: Refresh::default(),
        queue_octets: 1 << 20,
        backoff: Backoff::new(Duration::from_secs(1)),
    };
    exporter.add_collector(export::Collector::new(Box::new(file), None, settings));
    let slot = exporter.add_template(encoder.template().clone(), now, &mut Anxious).unwrap();
    let records = export::Records::of_equal_length(out.written(), encoder.template().shortest_record());
    exporter.put(slot, records, now, &mut Anxious);
    exporter.advance(now, &mut Anxious);
    exporter.flush(now, &mut Anxious);
    exporter.close(&mut Anxious);

    let mut placer = Placer::<Flow>::default();
    let mut placed = Vec::new();
    let counters = Collector::new(CollectorSettings::default()).read_file(&path, |_, news| {
        if let News::Event(packet, event) = news {
            placed.extend(placer.place(packet, &event).map(Result::unwrap));
        }
    });
    assert_eq!((placed, placer.unplaced()), (flows, 0));
    assert_eq!(counters.unwrap().lost_records, 0);
}
