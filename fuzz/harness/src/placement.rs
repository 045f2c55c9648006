//! IPFIX records as structs, and by plans that are made at run time.
//!
//! The input: how many elements are wanted, a byte for each of them (below 128 one of the template's, else one of the registry's), then
//! messages one after the other. What a plan places is what a record says field by field; a struct that is made of a
//! record, written and read again, is the same.

use std::net::Ipv4Addr;

use weir_ipfix::collect::{Arrival, Event, Packet, Session, SessionSettings};
use weir_ipfix::element::DataType;
use weir_ipfix::list::{BasicList, SubTemplateList, SubTemplateMultiList};
use weir_ipfix::message::{Message, Record};
use weir_ipfix::placement::{DecodePlan, Decoder, Encoder, Place, Placement, Placer, PlanError, WriteError};
use weir_ipfix::registry;
use weir_ipfix::time::Time;
use weir_ipfix::wire::Writer;

use crate::bytes::Bytes;
use crate::ipfix;

#[derive(Placement, Debug)]
struct Flow<'a> {
    #[ipfix("octetDeltaCount")]
    octets: u64,
    #[ipfix("reverseOctetDeltaCount")]
    reverse_octets: Option<u64>,
    #[ipfix("flowEndReason")]
    end_reason: Option<u8>,
    #[ipfix("flowStartMicroseconds")]
    start: Option<Time>,
    #[ipfix("flowEndMilliseconds")]
    end: Option<Time>,
    #[ipfix("sourceIPv4Address")]
    source: Option<Ipv4Addr>,
    #[ipfix("sourceMacAddress")]
    mac: Option<[u8; 6]>,
    #[ipfix("applicationId")]
    application: Option<&'a [u8]>,
}

#[derive(Placement, Debug)]
struct Named<'a> {
    #[ipfix("interfaceName")]
    name: &'a str,
    #[ipfix("(8057/808)")]
    server: Option<&'a str>,
    #[ipfix("dataRecordsReliability")]
    reliable: Option<bool>,
    #[ipfix("absoluteError")]
    error: Option<f64>,
    #[ipfix("mibObjectValueInteger")]
    integer: Option<i32>,
    #[ipfix("tcpOptionsFull")]
    options: Option<[u8; 32]>,
}

#[derive(Placement, Debug)]
struct Lists<'a> {
    #[ipfix("basicList")]
    values: BasicList<'a>,
    #[ipfix("subTemplateList")]
    records: Option<SubTemplateList<'a>>,
    #[ipfix("subTemplateMultiList")]
    parts: Option<SubTemplateMultiList<'a>>,
}

#[derive(Placement, Debug)]
enum Any<'a> {
    Flow(Flow<'a>),
    Named(Named<'a>),
    Lists(Lists<'a>),
}

/// Elements that are wanted.
const MOST_WANTED: usize = 16;

/// Records of a message that are looked at.
const MOST_CHECKED: usize = 64;

/// Reads messages in a session.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let count = usize::from(bytes.u8()) % (MOST_WANTED + 1);
    let wanted = bytes.take(count);
    let mut stream = bytes.rest();
    let settings = SessionSettings {
        most_domains: 3,
        most_templates: 20,
        most_fields: 200,
        ..SessionSettings::new(true)
    };
    let mut session = Session::new(settings);
    let mut placer = Placer::<Any>::default();
    while let Ok(Some((message, rest))) = Message::read_from(stream) {
        let packet = Packet::Ipfix(message);
        let mut records = 0;
        session.read_packet(&packet, Arrival::default(), |event| {
            let placed = placer.place(&packet, &event);
            if let Event::Record(record) = event {
                records += 1;
                if records <= MOST_CHECKED {
                    check_plan(&record, wanted);
                }
            }
            if let Some(Ok(placed)) = placed
                && records <= MOST_CHECKED
            {
                let near = packet.export_time();
                match &placed {
                    Any::Flow(flow) if flow.start.is_some_and(|start| is_far(start, near)) => {}
                    Any::Flow(flow) => check_struct::<Flow<'_>>(flow, near),
                    Any::Named(named) => check_struct::<Named<'_>>(named, near),
                    Any::Lists(lists) => check_struct::<Lists<'_>>(lists, near),
                }
            }
        });
        stream = rest;
    }
}

/// Rounded to a microsecond, a time at the end of an era is in the next one.
fn is_far(time: Time, near: Time) -> bool {
    time.seconds.abs_diff(near.seconds) > (1 << 31) - 2
}

/// The places that the bytes want of a template's records.
fn places(record: &Record<'_, '_>, wanted: &[u8]) -> Vec<Place> {
    let fields = record.template().fields();
    let elements = || registry::all().step_by(17);
    let place = |&byte: &u8| {
        let number = usize::from(byte);
        let place = if byte < 128 {
            Place::new(fields[number % fields.len()].id, DataType::OctetArray)
        } else {
            let element = elements().nth(number % elements().count())?;
            Place::new(element.id, element.data_type)
        };
        Some(if byte & 1 == 0 { place } else { place.optional() })
    };
    wanted.iter().filter_map(place).collect()
}

/// What a plan places is what the record says.
fn check_plan(record: &Record<'_, '_>, wanted: &[u8]) {
    let places = places(record, wanted);
    let mut found = Vec::new();
    let mut absent = None;
    for (at, place) in places.iter().enumerate() {
        let before = places[..at].iter().filter(|other| other.id == place.id).count();
        match record.fields().filter(|field| field.specifier.id == place.id).nth(before) {
            Some(field) => found.push((at, field.content)),
            None if !place.is_optional => absent = absent.or(Some(place.id)),
            None => {}
        }
    }
    match DecodePlan::new(record.template(), &places) {
        Ok(plan) => {
            let mut placed: Vec<_> =
                plan.fields(record.octets()).map(|field| (field.place, field.content)).collect();
            placed.sort_by_key(|(place, _)| *place);
            assert_eq!((placed, absent), (found, None));
        }
        Err(PlanError::NoPlaces) => assert!(places.is_empty()),
        Err(PlanError::Absent(id)) => assert_eq!(absent, Some(id)),
        Err(PlanError::Length { .. }) => assert!(wanted.iter().any(|byte| *byte >= 128)),
        Err(error) => panic!("{error}"),
    }
}

/// What is written as the struct's own template says, and read again, is the same.
fn check_struct<P: weir_ipfix::placement::Places + Placement>(
    record: &<P as weir_ipfix::placement::Places>::Record<'_>,
    near: Time,
) where
    for<'a> <P as weir_ipfix::placement::Places>::Record<'a>: std::fmt::Debug,
    for<'a> <P as Placement>::Record<'a>: std::fmt::Debug,
{
    let encoder = Encoder::<P>::like(256, record).expect("it has a field");
    let mut buffer = vec![0; 70_000];
    let mut out = Writer::new(&mut buffer);
    match encoder.put(record, &mut out) {
        Ok(()) => {}
        // In its own template a field may have a length that it does not have in a shorter one.
        Err(WriteError::Full(_)) => return assert!(out.is_empty()),
        Err(error) => panic!("{error}"),
    }
    let decoder = Decoder::<P>::new(encoder.template()).expect("it is the struct's own");
    let again: Vec<_> =
        decoder.records(out.written(), near).map(|read| read.expect("it was written")).collect();
    assert_eq!(again.len(), 1);
    // As text, since there are floats that are not equal to themselves.
    assert_eq!(format!("{:?}", again[0]), format!("{record:?}"));
}

/// Inputs to begin with: those of `ipfix`, and some elements that are wanted.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let wanted: [&[u8]; 3] = [&[0], &[4, 0, 1, 3, 200], &[3, 5, 5, 129]];
    let (sessions, _) = ipfix::seeds();
    let inputs = sessions.iter().zip(wanted.iter().cycle());
    // Without the octet that says whether messages may get lost.
    inputs.map(|(session, wanted)| [wanted, session.get(1..).unwrap_or_default()].concat()).collect()
}
