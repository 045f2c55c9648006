//! What options tell: elements (RFC 5610) and values in common (RFC 5473).

use proptest::prelude::*;

use super::*;
use crate::element::{DataType, Element, Semantics};
use crate::export::common_properties_template;
use crate::message::{COMMON_PROPERTIES_ID, Field};
use crate::options::{OptionsRecord, TypeInformation};
use crate::template::VARIABLE;

fn doors() -> Element {
    let semantics = Semantics::TotalCounter;
    Element { semantics, ..Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16) }
}

/// A message that tells what elements are.
fn types(elements: &[Element]) -> Vec<u8> {
    let template = TypeInformation::new(&elements[0]).template(300).unwrap();
    message(0, 7, |m| {
        m.put_template(&template).unwrap();
        for element in elements {
            let record = TypeInformation::new(element).to_record().unwrap();
            m.put_encoded(&template, &record).unwrap();
        }
    })
}

#[test]
fn an_unknown_element_is_known_after_the_record_that_tells_it_in_its_session_alone() {
    let mut session = stream();
    assert_eq!(session.model().by_id(doors().id), None);
    let told = read(&mut session, &types(&[doors()]));
    assert_eq!(told, ["template 300", "record 346 of 300", "element doors(4711/12)<unsigned16>[2]"]);
    assert_eq!(session.model().by_id(doors().id).as_deref(), Some(&doors()));
    assert_eq!(session.model().by_name("doors").unwrap().id, doors().id);
    assert_eq!(read(&mut session, &types(&[doors()])), ["record 346 of 300"], "and then it is not new");
    assert_eq!(stream().model().by_id(doors().id), None);
}

#[test]
fn a_second_definition_that_says_something_else_is_told_as_a_fault() {
    let mut session = stream();
    read(&mut session, &types(&[doors()]));
    let other = Element::new(doors().id, "windows", DataType::Unsigned16);
    let ours = Element::new(ElementId::new(8057, 808), "notTheName", DataType::String);
    let told = read(&mut session, &types(&[other, ours]));
    assert_eq!(told.len(), 4);
    assert!(told[1].contains("4711/12 is doors<unsigned16>, and cannot be windows<unsigned16>"), "{told:?}");
    assert!(told[3].contains("8057/808 is TLSSNI<string>"), "{told:?}");
    assert_eq!(session.model().by_id(doors().id).as_deref(), Some(&doors()), "the first one holds");
    assert_eq!(session.counters().faults, 2);
}

#[test]
fn nobody_tells_what_elements_of_iana_are() {
    let mut session = stream();
    let octets = Element::new(ElementId::iana(1), "somethingElse", DataType::String);
    let unassigned = Element::new(ElementId::iana(30_000), "something", DataType::String);
    let reverse = Element::new(ElementId::new(29305, 30_000), "reverseSomething", DataType::String);
    read(&mut session, &types(&[octets, unassigned, reverse]));
    assert_eq!((session.model().added(), session.counters().faults), (0, 0));
}

#[test]
fn a_peer_cannot_define_elements_without_end() {
    let mut session = Session::new(SessionSettings { most_elements: 2, ..SessionSettings::new(false) });
    let elements: Vec<_> = (0..4)
        .map(|n| Element::new(ElementId::new(4711, n), format!("element{n}"), DataType::Unsigned8))
        .collect();
    read(&mut session, &types(&elements));
    assert_eq!((session.model().added(), session.counters().faults), (2, 2));
    read(&mut session, &types(&elements[..1]));
    assert_eq!(session.counters().faults, 2, "what is known may be told again");
}

const NAME: FieldSpecifier = FieldSpecifier::new(ElementId::iana(82), VARIABLE);
const REFERENCE: FieldSpecifier = FieldSpecifier::new(COMMON_PROPERTIES_ID, 8);
const PORT: FieldSpecifier = FieldSpecifier::new(ElementId::iana(7), 2);

/// Templates of common properties with a name, and of records that refer to them and have a port.
fn templates() -> (Template, Template) {
    let data = Template::new(256, [PORT, REFERENCE]).unwrap();
    (common_properties_template(300, &[NAME]).unwrap(), data)
}

fn define_common(templates: &(Template, Template), id: u64, name: &[u8]) -> Vec<u8> {
    message(0, 7, |m| {
        m.put_template(&templates.0).unwrap();
        m.put_template(&templates.1).unwrap();
        m.put_record(&templates.0, |record| {
            record.unsigned(id)?;
            record.octets(name)
        })
        .unwrap();
    })
}

/// The contents of the joined fields of a record that refers to `id`.
fn joined(session: &mut Session, template: &Template, id: u64, second: u64) -> Vec<Vec<u8>> {
    let octets = message(0, 7, |m| {
        m.put_record(template, |record| {
            record.unsigned(80)?;
            record.unsigned(id)
        })
        .unwrap();
    });
    let mut contents = Vec::new();
    let arrival = Arrival { elapsed: Duration::from_secs(second), stream: 0 };
    session.read(&Message::read(&octets).unwrap(), arrival, |event| {
        if let Event::Record(record) = event {
            contents.extend(record.joined().map(|field: Field<'_>| field.content.to_vec()));
        }
    });
    contents
}

const PORT_80: [u8; 2] = [0, 80];

#[test]
fn common_properties_are_joined_to_the_records_that_refer_to_them() {
    let templates = templates();
    let mut session = stream();
    read(&mut session, &define_common(&templates, 5, b"eth0"));
    assert_eq!(joined(&mut session, &templates.1, 5, 0), [&PORT_80[..], b"eth0"]);
    let unknown = [&PORT_80[..], &6u64.to_be_bytes()];
    assert_eq!(joined(&mut session, &templates.1, 6, 0), unknown, "an unknown id stays");
    read(&mut session, &define_common(&templates, 5, b"eth1"));
    assert_eq!(joined(&mut session, &templates.1, 5, 0), [&PORT_80[..], b"eth1"], "the latest holds");
    let elsewhere = message(0, 8, |m| m.put_template(&templates.1).unwrap());
    read(&mut session, &elsewhere);
    assert_eq!(joined(&mut stream(), &templates.1, 5, 0), [[0; 0]; 0], "each session has its own");
}

#[test]
fn common_properties_end_with_their_template() {
    let templates = templates();
    let mut session = stream();
    read(&mut session, &define_common(&templates, 5, b"eth0"));
    let withdrawal = message(0, 7, |m| m.put_withdrawal(&templates.0).unwrap());
    read(&mut session, &withdrawal);
    let unknown = [&PORT_80[..], &5u64.to_be_bytes()];
    assert_eq!(joined(&mut session, &templates.1, 5, 0), unknown);

    let mut session = datagrams();
    read(&mut session, &define_common(&templates, 5, b"eth0"));
    read_at(&mut session, &define(&[&templates.0, &templates.1]), 1000);
    assert_eq!(joined(&mut session, &templates.1, 5, 1800), [&PORT_80[..], b"eth0"]);
    assert_eq!(joined(&mut session, &templates.1, 5, 1801), unknown, "they were not repeated");
}

#[test]
fn what_common_properties_take_is_bounded() {
    let templates = templates();
    let mut session = Session::new(SessionSettings { most_common: 2000, ..SessionSettings::new(false) });
    for id in 0..100 {
        read(&mut session, &define_common(&templates, id, &[b'x'; 300]));
    }
    let known = (0..100).filter(|&id| joined(&mut session, &templates.1, id, 0)[1].len() == 300).count();
    assert!((3..6).contains(&known), "{known}");
    assert_eq!(session.counters().faults, 100 - known as u64);
    for _ in 0..100 {
        // Told again they take no more, and a shorter one leaves room.
        read(&mut session, &define_common(&templates, 0, &[b'x'; 300]));
        read(&mut session, &define_common(&templates, 0, b"x"));
    }
    assert_eq!(session.counters().faults, 100 - known as u64);
}

#[test]
fn a_record_does_not_become_thousands_of_times_as_long() {
    let (common, _) = templates();
    let data = Template::new(256, vec![REFERENCE; 100]).unwrap();
    let mut session = stream();
    read(&mut session, &define(&[&data]));
    read(&mut session, &define_common(&(common, data.clone()), 5, &[b'x'; 100]));
    let octets = message(0, 7, |m| {
        m.put_record(&data, |record| (0..100).try_for_each(|_| record.unsigned(5))).unwrap();
    });
    let mut names = Vec::new();
    session.read(&Message::read(&octets).unwrap(), Arrival::default(), |event| {
        if let Event::Record(record) = event {
            names.extend(record.joined().map(|field| field.specifier == NAME));
        }
    });
    assert_eq!((names.len(), names.iter().filter(|is_name| **is_name).count()), (100, 8));
}

proptest! {
    /// Records whose first fields are told once, by an exporter, are after joining what they were before.
    #[test]
    fn joined_records_are_the_original_ones(
        common in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        records in prop::collection::vec((any::<prop::sample::Index>(), any::<u16>()), 1..50),
        at in 0usize..3,
    ) {
        let (definition, _) = templates();
        let mut fields = vec![PORT, PORT];
        fields.insert(at, REFERENCE);
        let data = Template::new(256, fields).unwrap();
        let mut session = stream();
        read(&mut session, &define(&[&definition, &data]));
        for (id, name) in common.iter().enumerate() {
            read(&mut session, &define_common(&(definition.clone(), data.clone()), id as u64, name));
        }
        for (index, port) in records {
            let id = index.index(common.len());
            let octets = message(0, 7, |m| m.put_record(&data, |record| {
                for field in data.fields() {
                    record.unsigned(if *field == REFERENCE { id as u64 } else { port.into() })?;
                }
                Ok(())
            }).unwrap());
            let mut original = vec![(PORT, port.to_be_bytes().to_vec()); 2];
            original.insert(at, (NAME, common[id].clone()));
            let mut joined = Vec::new();
            session.read(&Message::read(&octets).unwrap(), Arrival::default(), |event| {
                if let Event::Record(record) = event {
                    joined.extend(record.joined().map(|field| (field.specifier, field.content.to_vec())));
                }
            });
            prop_assert_eq!(joined, original);
        }
    }
}
