#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::message::{Message, Record, Records};
use crate::registry;
use crate::time::Time;
use crate::value::{EncodeError, Value};
use crate::wire::{Full, Writer};

const NEAR: Time = Time { seconds: 1_700_000_000, nanoseconds: 0 };

fn place(specification: &str) -> Place {
    Place::resolve(&InformationModel::default(), specification).unwrap()
}

/// A value of a type that fits into a field of this length, which the number chooses.
fn value(data_type: DataType, length: u16, number: u64, octets: &[u8]) -> Value<'_> {
    let unused = 64 - 8 * u32::from(length.min(8));
    let time = Time::new(number % (1 << 32), (number >> 32) as u32 % 1_000_000_000);
    match data_type {
        DataType::Unsigned8 | DataType::Unsigned16 | DataType::Unsigned32 | DataType::Unsigned64 => {
            Value::Unsigned(number >> unused)
        }
        DataType::Signed8 | DataType::Signed16 | DataType::Signed32 | DataType::Signed64 => {
            Value::Signed((number as i64) >> unused)
        }
        DataType::Float32 | DataType::Float64 => Value::Float(f64::from(number as u32 as f32)),
        DataType::Boolean => Value::Boolean(number & 1 == 1),
        DataType::MacAddress => Value::Mac(*number.to_be_bytes().first_chunk().unwrap()),
        DataType::Ipv4Address => Value::Ipv4((number as u32).into()),
        DataType::Ipv6Address => Value::Ipv6((u128::from(number) << 64 | 1).into()),
        DataType::DateTimeSeconds => Value::Time(Time::new(time.seconds, 0)),
        DataType::DateTimeMilliseconds => Value::Time(Time::from_milliseconds(time.to_milliseconds())),
        // Within 68 years of the time near which it is read.
        DataType::DateTimeMicroseconds | DataType::DateTimeNanoseconds => {
            Value::Time(Time::new(NEAR.seconds + time.seconds / 4, time.nanoseconds / 1000 * 1000))
        }
        DataType::Unsigned256 => Value::Unsigned256(&octets[..octets.len().min(length.into())]),
        _ => Value::Octets(&octets[..octets.len().min(length.into())]),
    }
}

/// Texts and lists as octets: what they contain is not the matter here.
fn as_octets(place: Place) -> Place {
    match place.data_type {
        data_type if data_type.may_vary() => Place { data_type: DataType::OctetArray, ..place },
        _ => place,
    }
}

/// What a field contains when `value` was written into it.
fn is(content: &[u8], place: &Place, value: Value<'_>) -> bool {
    match value {
        Value::Octets(octets) => {
            content.starts_with(octets) && content[octets.len()..].iter().all(|&octet| octet == 0)
        }
        Value::Unsigned256(octets) => {
            content.ends_with(octets)
                && content[..content.len() - octets.len()].iter().all(|&octet| octet == 0)
        }
        value => Value::read(place.data_type, content, NEAR) == Ok(value),
    }
}

/// The place of an element in any length that its type allows.
fn any_place() -> impl Strategy<Value = Place> {
    let elements: Vec<Place> = registry::all()
        .flat_map(|element| [Some(element.clone()), element.reversed()])
        .flatten()
        .map(|element| as_octets(Place::new(element.id, element.data_type)))
        .collect();
    (prop::sample::select(elements), any::<u16>()).prop_map(|(place, length)| {
        let lengths: Vec<u16> = (0..34).chain([VARIABLE]).collect();
        let length = lengths
            .iter()
            .cycle()
            .skip(length as usize % lengths.len())
            .find(|&&length| place.check_length(length).is_ok());
        Place { length: *length.unwrap(), ..place }
    })
}

/// What the fields of a record contain that places want, by the simplest way to say it.
fn model<'a>(record: &Record<'a, '_>, places: &[Place]) -> Vec<(usize, &'a [u8])> {
    let mut found = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let before = places[..at].iter().filter(|other| other.id == place.id).count();
        let field = record.fields().filter(|field| field.specifier.id == place.id).nth(before);
        found.extend(field.map(|field| (at, field.content)));
    }
    found
}

fn placed<'a>(plan: &DecodePlan, record: &'a [u8]) -> Vec<(usize, &'a [u8])> {
    let mut placed: Vec<_> = plan.fields(record).map(|field| (field.place, field.content)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed
}

proptest! {
    #[test]
    fn what_is_written_by_any_template_is_read_by_any_part_of_it(
        fields in prop::collection::vec((any_place(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 1..24),
        wanted in prop::collection::vec(any::<Index>(), 1..12),
        missing in any_place(),
    ) {
        let places: Vec<Place> = fields.iter().map(|(place, ..)| *place).collect();
        let template = template(300, &places);
        prop_assume!(template.is_ok());
        let template = template.unwrap();
        let mut buffer = vec![0; 16384];
        let mut out = Writer::new(&mut buffer);
        let plan = EncodePlan::new(&template, &places).unwrap();
        let value_of = |place: usize| {
            let (Place { data_type, length, .. }, number, octets) = &fields[place];
            value(*data_type, *length, *number, octets)
        };
        plan.encode(&mut out, value_of).unwrap();
        plan.encode(&mut out, value_of).unwrap();
        let mut wanted: Vec<Place> = wanted.iter().map(|index| *index.get(&places)).collect();
        wanted.dedup_by_key(|place| place.id);
        wanted.push(missing.optional());
        let plan = DecodePlan::new(&template, &wanted);
        let asked = |place: &Place| wanted.iter().filter(|other| other.id == place.id && !other.is_optional).count();
        let sent = |place: &Place| places.iter().filter(|other| other.id == place.id).count();
        if wanted.iter().any(|place| !place.is_optional && asked(place) > sent(place)) {
            prop_assert!(matches!(plan, Err(PlanError::Absent(_))));
            return Ok(());
        }
        let plan = plan.unwrap();
        let records: Vec<_> = Records::new(&template, out.written()).map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), 2);
        for record in records {
            for ((content, place), at) in record.fields().zip(&places).zip(0..) {
                prop_assert!(is(content.content, place, value_of(at)), "{place:?}: {content:?}");
            }
            prop_assert_eq!(placed(&plan, record.octets()), model(&record, &wanted));
            for len in 0..record.octets().len() {
                plan.fields(&record.octets()[..len]).for_each(drop);
            }
        }
    }
}

#[test]
fn every_element_of_the_registry_is_written_and_read() {
    let octets: Vec<u8> = (0..32).collect();
    let mut count = 0;
    for element in registry::all().flat_map(|element| [Some(element.clone()), element.reversed()]).flatten() {
        let full = as_octets(Place::new(element.id, element.data_type));
        for length in (0..=32).chain([VARIABLE]).filter(|&length| full.check_length(length).is_ok()) {
            let place = Place { length, ..full };
            // Beside something, since a record has one octet at least.
            let places = [Place::new(ElementId::new(4711, 1), DataType::Unsigned8), place];
            let template = template(256, &places).unwrap();
            let expected = value(place.data_type, length, 0xfedc_ba98_7654_3210, &octets);
            let mut buffer = [0; 64];
            let mut out = Writer::new(&mut buffer);
            let plan = EncodePlan::new(&template, &places).unwrap();
            plan.encode(&mut out, |at| [Value::Unsigned(17), expected][at]).unwrap();
            let plan = DecodePlan::new(&template, &[full]).unwrap();
            let fields: Vec<_> = plan.fields(out.written()).collect();
            assert!(matches!(fields[..], [field] if is(field.content, &full, expected)), "{place:?}");
            count += 1;
        }
    }
    assert!(count > 2 * 498);
}

#[test]
fn neighbours_that_are_not_wanted_are_skipped_in_one_step() {
    let names = [
        "flowEndReason",
        "octetDeltaCount",
        "packetDeltaCount[3]",
        "sourceIPv4Address",
        "interfaceName",
        "vlanId",
        "sourceTransportPort",
        "protocolIdentifier",
        "interfaceDescription",
        "flowId",
        "ipTTL",
    ];
    let template = template(256, &names.map(place)).unwrap();
    let wanted = ["interfaceDescription", "sourceIPv4Address", "sourceTransportPort"].map(place);
    let plan = DecodePlan::new(&template, &wanted).unwrap();
    let steps = [
        Step::Skip(12),
        Step::Fixed { place: 1, length: 4 },
        Step::SkipVariable,
        Step::Skip(2),
        Step::Fixed { place: 2, length: 2 },
        Step::Skip(1),
        Step::Variable { place: 0 },
        Step::Skip(9),
    ];
    assert_eq!(plan.steps(), steps);
}

#[test]
fn an_element_that_comes_twice_is_read_from_the_first_field_and_places_take_one_each() {
    let sent = ["octetDeltaCount[2]", "protocolIdentifier", "octetDeltaCount[1]"].map(place);
    let template = template(256, &sent).unwrap();
    let record = [1, 0, 17, 9];
    let octets = place("octetDeltaCount");
    let plan = |places: &[Place]| DecodePlan::new(&template, places);
    assert_eq!(placed(&plan(&[octets]).unwrap(), &record), [(0, &[1, 0][..])]);
    assert_eq!(placed(&plan(&[octets, octets]).unwrap(), &record), [(0, &[1, 0][..]), (1, &[9][..])]);
    assert_eq!(plan(&[octets, octets, octets]), Err(PlanError::Absent(ElementId::iana(1))));
    assert!(plan(&[octets, octets, octets.optional()]).is_ok());
    let mut buffer = [0; 4];
    let mut out = Writer::new(&mut buffer);
    let plan = EncodePlan::new(&template, &[octets, octets, sent[1]]).unwrap();
    plan.encode(&mut out, |place| Value::Unsigned([256, 9, 17][place])).unwrap();
    assert_eq!(out.written(), record);
}

#[test]
fn a_template_that_does_not_go_with_the_places_is_refused() {
    // And an octet of padding, so that there is one.
    let fields = |fields: &[(u16, u16)]| {
        let fields = fields.iter().chain(&[(210, 1)]);
        let fields = fields.map(|&(number, length)| FieldSpecifier::new(ElementId::iana(number), length));
        Template::new(256, fields.collect::<Vec<_>>()).unwrap()
    };
    let error = |template: &Template, wanted: Place| DecodePlan::new(template, &[wanted]).unwrap_err();
    let (address, octets, name) =
        (place("sourceIPv4Address"), place("octetDeltaCount"), place("interfaceName"));
    assert_eq!(DecodePlan::new(&fields(&[(8, 4)]), &[]), Err(PlanError::NoPlaces));
    assert_eq!(EncodePlan::new(&fields(&[(8, 4)]), &[]), Err(PlanError::NoPlaces));
    assert_eq!(error(&fields(&[(12, 4)]), address), PlanError::Absent(address.id));
    for (number, length, wanted) in [(8, 3, address), (1, 9, octets), (1, 0, octets), (1, VARIABLE, octets)] {
        let (id, data_type) = (wanted.id, wanted.data_type);
        let expected = PlanError::Length { id, data_type, length };
        assert_eq!(error(&fields(&[(number, length)]), wanted), expected);
        assert_eq!(error(&fields(&[(number, length)]), wanted.optional()), expected);
        assert_eq!(EncodePlan::new(&fields(&[(number, length)]), &[wanted]), Err(expected));
    }
    let narrow = Place { longest: 4, ..octets };
    assert!(DecodePlan::new(&fields(&[(1, 4)]), &[narrow]).is_ok());
    assert_eq!(error(&fields(&[(1, 5)]), narrow), PlanError::Narrow { id: octets.id, length: 5, longest: 4 });
    assert!(
        EncodePlan::new(&fields(&[(1, 5)]), &[narrow]).is_ok(),
        "a field may be longer than what is put into it"
    );
    assert_eq!(EncodePlan::new(&fields(&[(1, 8), (82, 4)]), &[octets]), Err(PlanError::Unplaced(name.id)));
    assert!(EncodePlan::new(&fields(&[(82, 4)]), &[octets, name]).is_ok(), "a place need not be sent");
}

#[test]
fn a_record_that_cannot_be_written_leaves_no_trace() {
    let places = ["interfaceName", "octetDeltaCount[2]"].map(place);
    let template = template(256, &places).unwrap();
    let plan = EncodePlan::new(&template, &places).unwrap();
    let mut buffer = [0; 8];
    let mut out = Writer::new(&mut buffer);
    out.put_u8(7).unwrap();
    let mut encode = |values: [Value<'_>; 2]| {
        let encoded = plan.encode(&mut out, |place| values[place]);
        (encoded, out.written().to_vec())
    };
    let name = Value::Text("eth0");
    assert_eq!(encode([name, Value::Unsigned(65536)]), (Err(EncodeError::Range(2)), vec![7]));
    assert_eq!(encode([name, Value::Signed(1)]), (Err(EncodeError::Type(DataType::Unsigned64)), vec![7]));
    assert_eq!(encode([Value::Text("eth10"), Value::Unsigned(1)]), (Err(EncodeError::Full(Full)), vec![7]));
    assert_eq!(encode([name, Value::Unsigned(1)]), (Ok(()), b"\x07\x04eth0\0\x01".to_vec()));
}

#[test]
fn padding_in_a_template_is_written_as_zeros() {
    let octets = place("octetDeltaCount[1]");
    let padded = template(256, &[octets, place("paddingOctets[3]"), octets]).unwrap();
    let plan = EncodePlan::new(&padded, &[octets, octets]).unwrap();
    let mut buffer = [0xff; 8];
    let mut out = Writer::new(&mut buffer);
    plan.encode(&mut out, |place| Value::Unsigned(place as u64)).unwrap();
    assert_eq!(out.written(), [0, 0, 0, 0, 1]);
}

/// Messages that libfc's own tests read: domain 123456, template 1001.
#[test]
fn messages_of_libfc_are_read() {
    let header = |len: u8| [&[0, 10, 0, len][..], &[0; 8], &123_456_u32.to_be_bytes()].concat();
    let one = [header(33), b"\0\x02\0\x0c\x03\xe9\0\x01\0\x04\0\x01\x03\xe9\0\x05\0".to_vec()].concat();
    let four = [
        header(86),
        b"\0\x02\0\x18\x03\xe9\0\x04\x01\x36\0\x04\0\x52\xff\xff\x01\x37\0\x08\0\x53\xff\xff".to_vec(),
        b"\x03\xe9\0\x2e\x10\x20\x30\x40\x04eth0\x3f\xee\0\0\0\0\0\0\x18First ethernet interface".to_vec(),
    ]
    .concat();
    let read = |octets: &[u8], wanted: &[Place], expected: &[Value<'_>]| {
        let message = Message::read(octets).unwrap();
        let sets: Vec<_> = message.sets().map(Result::unwrap).collect();
        let [templates, data] = sets[..] else { panic!("{sets:?}") };
        let Some(Ok(crate::message::TemplateRecord::Definition(view))) = templates.templates().next() else {
            panic!("no template")
        };
        let template = view.to_template().unwrap();
        assert_eq!((message.header.domain, data.id, template.id()), (123_456, 1001, 1001));
        let plan = DecodePlan::new(&template, wanted).unwrap();
        let records: Vec<_> = Records::new(&template, data.content).map(Result::unwrap).collect();
        assert_eq!(records.len(), 1);
        let placed = placed(&plan, records[0].octets());
        assert_eq!(placed.len(), expected.len());
        for (place, content) in placed {
            assert_eq!(Value::read(wanted[place].data_type, content, NEAR), Ok(expected[place]));
        }
    };
    read(&one, &[place("protocolIdentifier")], &[Value::Unsigned(0)]);
    read(
        &four,
        &["interfaceDescription", "samplingProbability", "samplingPopulation", "interfaceName"].map(place),
        &[
            Value::Text("First ethernet interface"),
            Value::Float(0.9375),
            Value::Unsigned(0x1020_3040),
            Value::Text("eth0"),
        ],
    );
    read(&four, &[place("interfaceName")], &[Value::Text("eth0")]);
}
