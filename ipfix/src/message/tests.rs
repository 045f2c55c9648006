#![allow(clippy::unwrap_used)]

use super::*;
use crate::element::ElementId;
use crate::template::{FieldSpecifier, Template, TemplateError, VARIABLE};

/// A message of these sets.
fn message(sets: &[&[u8]]) -> Vec<u8> {
    let sets = sets.concat();
    let mut octets = vec![0, 10];
    octets.extend_from_slice(&((HEADER_LEN + sets.len()) as u16).to_be_bytes());
    octets.extend_from_slice(b"\x57\x06\x74\x84\0\0\0\x07\0\x01\xe2\x40");
    octets.extend_from_slice(&sets);
    octets
}

const TEMPLATE: &[u8] = b"\0\x02\0\x0c\x03\xe9\0\x01\0\x04\0\x01";
const DATA: &[u8] = b"\x03\xe9\0\x05\x06";

fn sets(octets: &[u8]) -> Vec<Result<Set<'_>, SetError>> {
    Message::read(octets).unwrap().sets().collect()
}

fn templates(set: &[u8]) -> Vec<Result<TemplateRecord<'static>, TemplateError>> {
    let octets = message(&[set]).leak();
    sets(octets)[0].unwrap().templates().collect()
}

#[test]
fn a_message_of_33_octets_has_a_template_and_a_record() {
    let octets = message(&[TEMPLATE, DATA]);
    assert_eq!(octets.len(), 33);
    let message = Message::read(&octets).unwrap();
    assert_eq!(
        message.header,
        Header { length: 33, export_time_s: 0x5706_7484, sequence: 7, domain: 123_456 }
    );
    let sets: Vec<_> = message.sets().map(Result::unwrap).collect();
    assert_eq!((sets[0].kind(), sets[1].kind()), (SetKind::Templates, SetKind::Data));
    let TemplateRecord::Definition(view) = sets[0].templates().next().unwrap().unwrap() else { panic!() };
    let template = view.to_template().unwrap();
    assert!(view.is(&template) && view.field_count() == 1);
    assert_eq!((sets[1].id, template.id()), (1001, 1001));
    let record = Records::new(&template, sets[1].content).next().unwrap().unwrap();
    assert_eq!(record.get(ElementId::iana(4)), Some(&[6][..]));
    assert_eq!(record.get(ElementId::iana(5)), None);
    assert!(sets[1].templates().next().is_none());
}

#[test]
fn what_is_not_a_message_is_refused() {
    let whole = message(&[TEMPLATE]);
    let error = |octets: &[u8]| Message::read(octets).unwrap_err();
    assert_eq!(error(&whole[..15]), MessageError::Short(15));
    assert_eq!(error(&whole[..27]), MessageError::Datagram { stated: 28, actual: 27 });
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(error(&longer), MessageError::Datagram { stated: 28, actual: 29 });
    let mut other = whole.clone();
    other[1] = 9;
    assert_eq!(error(&other), MessageError::Version(9));
    for length in [0, 15, 16, 19] {
        let mut short = whole.clone();
        short[3] = length;
        assert_eq!(error(&short), MessageError::Length(length.into()));
    }
}

#[test]
fn messages_in_a_stream_are_told_apart_wherever_it_is_cut() {
    let one = message(&[TEMPLATE]);
    let stream = [&one[..], &message(&[DATA])].concat();
    for cut in 0..stream.len() {
        let read = Message::read_from(&stream[..cut]).unwrap();
        assert_eq!(read.is_some(), cut >= one.len(), "{cut}");
    }
    let (_, rest) = Message::read_from(&stream).unwrap().unwrap();
    let (second, rest) = Message::read_from(rest).unwrap().unwrap();
    assert_eq!((second.sets().next().unwrap().unwrap().id, rest.len()), (1001, 0));
    assert!(Message::read_from(b"GET / HTTP/1.1\r\n\r\n").is_err());
}

#[test]
fn the_length_of_a_set_is_within_the_message_and_not_below_its_header() {
    for length in [0u16, 1, 2, 3, 13, 65535] {
        let mut set = TEMPLATE.to_vec();
        set[2..4].copy_from_slice(&length.to_be_bytes());
        let octets = message(&[DATA, &set]);
        let sets = sets(&octets);
        assert!(sets[0].is_ok());
        assert_eq!(sets[1].unwrap_err(), SetError { id: 2, length, left: 12 });
        assert_eq!(sets.len(), 2, "nothing after the error");
    }
    let octets = message(&[DATA, b"\x01\0\0"]);
    assert!(sets(&octets)[1].is_err());
}

#[test]
fn reserved_sets_are_skipped_by_their_length() {
    let octets = message(&[b"\0\x04\0\x07xyz", b"\0\0\0\x04", b"\0\xff\0\x05x", DATA]);
    let kinds: Vec<_> = sets(&octets).into_iter().map(|set| set.unwrap().kind()).collect();
    assert_eq!(kinds, [SetKind::Reserved, SetKind::Reserved, SetKind::Reserved, SetKind::Data]);
}

#[test]
fn templates_may_be_padded_and_have_enterprise_numbers() {
    let records =
        templates(b"\0\x02\0\x1a\x01\0\0\x01\0\x04\0\x01\x01\x01\0\x01\x80\x04\0\x01\0\0\x72\x79\0\0");
    assert_eq!(records.len(), 2);
    let Ok(TemplateRecord::Definition(second)) = records[1] else { panic!() };
    let fields: Vec<_> = second.fields().collect();
    assert_eq!(fields, [FieldSpecifier::new(ElementId::new(29305, 4), 1)]);
    assert_eq!(templates(b"\0\x02\0\x14\x01\0\0\x01\0\x04\0\x01\0\0\0\0\0\0\0\0").len(), 1);
}

#[test]
fn an_options_template_has_scope() {
    let records = templates(b"\0\x03\0\x12\x01\0\0\x02\0\x01\0\x8f\0\x04\0\x29\0\x08");
    let Ok(TemplateRecord::Definition(view)) = records[0] else { panic!() };
    let template = view.to_template().unwrap();
    assert_eq!((template.scope_fields(), template.fields().len()), (1, 2));
    for scope in [0, 3] {
        let mut set = b"\0\x03\0\x12\x01\0\0\x02\0\x01\0\x8f\0\x04\0\x29\0\x08".to_vec();
        set[9] = scope;
        let records = templates(&set);
        let Ok(TemplateRecord::Definition(view)) = records[0] else { panic!() };
        assert!(matches!(view.to_template(), Err(TemplateError::Scope { .. })));
    }
}

#[test]
fn withdrawals_name_one_template_or_all() {
    let id = |set: &[u8]| match templates(set)[..] {
        [Ok(TemplateRecord::Withdrawal(id))] => id,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(id(b"\0\x02\0\x08\x01\x02\0\0"), 258);
    assert_eq!(id(b"\0\x02\0\x08\0\x02\0\0"), 2);
    assert_eq!(id(b"\0\x03\0\x08\x01\x02\0\0"), 258);
    assert_eq!(id(b"\0\x03\0\x08\0\x03\0\0"), 3);
    assert!(matches!(templates(b"\0\x02\0\x08\0\x03\0\0")[..], [Err(TemplateError::Id(3))]));
}

#[test]
fn a_template_that_is_none_is_an_error_and_the_end_of_its_set() {
    let fault = |set: &[u8]| match templates(set)[..] {
        [Err(ref error)] => error.clone(),
        ref other => panic!("{other:?}"),
    };
    assert_eq!(fault(b"\0\x02\0\x0c\0\xff\0\x01\0\x04\0\x01"), TemplateError::Id(255));
    assert_eq!(fault(b"\0\x02\0\x0c\x01\0\0\x02\0\x04\0\x01"), TemplateError::CutOff(256));
    assert_eq!(fault(b"\0\x02\0\x0c\x01\0\0\x01\x80\x04\0\x01"), TemplateError::CutOff(256));
    assert_eq!(fault(b"\0\x03\0\x08\x01\0\0\x01"), TemplateError::CutOff(256));
}

#[test]
fn records_may_be_padded_with_anything_shorter_than_a_record() {
    let template = Template::new(256, [FieldSpecifier::new(ElementId::iana(1), 4)]).unwrap();
    let records = |content: &'static [u8]| Records::new(&template, content).map(Result::unwrap).count();
    assert_eq!(records(b"\0\0\0\x01\0\0\0\x02"), 2);
    assert_eq!(records(b"\0\0\0\x01\xff\xff\xff"), 1);
    assert_eq!(records(b""), 0);
}

#[test]
fn a_variable_length_that_reaches_beyond_its_set_is_an_error_and_the_end() {
    let name = FieldSpecifier::new(ElementId::iana(82), VARIABLE);
    let octets = FieldSpecifier::new(ElementId::iana(1), 1);
    let template = Template::new(256, [name, octets]).unwrap();
    let records: Vec<_> = Records::new(&template, b"\x02ab\x01\xff\0\x01c\x02\0\x03\x09ab\x01").collect();
    assert_eq!(records.len(), 4);
    let contents: Vec<_> = records[1].unwrap().fields().map(|field| field.content).collect();
    assert_eq!(contents, [b"c", &[2][..]]);
    assert_eq!(records[2].unwrap().octets(), b"\0\x03");
    assert_eq!(records[3].unwrap_err(), RecordError { template: 256 });
}
