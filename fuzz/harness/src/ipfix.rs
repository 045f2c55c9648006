//! IPFIX messages and templates from anywhere.
//!
//! The input of [`messages`]: whether messages may get lost, then messages one after the other. What a session reads is written
//! again, and must be the same. The input of [`templates`]: the content of a set of templates, with a bit for options. The input of
//! [`netflow`]: datagrams, each behind its length in two octets.

use std::time::Duration;

use weir_ipfix::collect::{Arrival, Event, Packet, Session, SessionSettings};
use weir_ipfix::element::{DataType, Element, ElementId, REVERSE};
use weir_ipfix::export::{COMMON_PROPERTIES_FIELD, common_properties_template};
use weir_ipfix::list::DEEPEST;
use weir_ipfix::message::{Message, Record, Records, Set, TemplateRecord};
use weir_ipfix::options::{OptionsRecord, TypeInformation};
use weir_ipfix::registry;
use weir_ipfix::template::{FieldSpecifier, Template, VARIABLE};
use weir_ipfix::time::Time;
use weir_ipfix::value::{Value, unsigned};
use weir_ipfix::wire::Writer;
use weir_ipfix::writer::{MessageWriter, RecordWriter};

/// Reads messages in a session.
pub fn messages(data: &[u8]) {
    let Some((&may_lose, mut stream)) = data.split_first() else { return };
    let settings = SessionSettings {
        most_domains: 3,
        most_templates: 20,
        most_fields: 200,
        template_lifetime: Duration::from_secs(3),
        most_common: MOST_COMMON,
        most_elements: 5,
        most_waiting: MOST_WAITING,
        waiting_time: Duration::from_secs(3),
        ..SessionSettings::new(may_lose & 1 == 1)
    };
    let mut session = Session::new(settings);
    let mut templates: Vec<Template> = Vec::new();
    let mut elapsed = Duration::ZERO;
    while let Ok(Some((message, rest))) = Message::read_from(stream) {
        elapsed += Duration::from_secs(1);
        let arrival = Arrival { elapsed, stream: 0 };
        let mut records = 0;
        session.read(&message, arrival, |event| match event {
            Event::Template(template) => {
                templates.retain(|known| known.id() != template.id());
                templates.push(template.clone());
            }
            Event::Record(record) => {
                records += 1;
                if records <= MOST_CHECKED {
                    check_record(&record, &templates);
                }
            }
            Event::Element(element) => assert!(!matches!(element.id.enterprise, 0 | REVERSE)),
            Event::Withdrawal(_) | Event::UnknownRecords(..) | Event::Fault(_) => {}
        });
        assert!(
            records <= usize::from(message.header.length) + MOST_WAITING,
            "a record has an octet at least"
        );
        assert!(session.model().added() <= 5);
        stream = rest;
    }
}

/// Octets that values in common may take.
const MOST_COMMON: usize = 1000;

/// Octets of data sets that wait for their template.
const MOST_WAITING: usize = 1000;

/// Reads datagrams of NetFlow 5 and 9, and of IPFIX, in a session.
pub fn netflow(mut data: &[u8]) {
    let settings = SessionSettings {
        most_domains: 3,
        most_templates: 20,
        most_fields: 200,
        template_lifetime: Duration::from_secs(3),
        most_waiting: MOST_WAITING,
        waiting_time: Duration::from_secs(3),
        ..SessionSettings::new(true)
    };
    let mut session = Session::new(settings);
    let mut elapsed = Duration::ZERO;
    let (mut messages, mut all_records) = (0, 0);
    while let Some((length, rest)) = data.split_first_chunk() {
        let Some((datagram, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else {
            return;
        };
        data = rest;
        elapsed += Duration::from_secs(1);
        let Ok(packet) = Packet::read(datagram) else { continue };
        messages += 1;
        let (domain, clock) = (packet.domain(), packet.clock());
        let mut records = 0;
        session.read_packet(&packet, Arrival { elapsed, stream: 0 }, |event| {
            let Event::Record(record) = event else { return };
            records += 1;
            if records <= MOST_CHECKED {
                check_record(&record, &[]);
                let up_times = [21, 22].map(|number| record.get(ElementId::iana(number)));
                for up_time in up_times.into_iter().flatten().filter(|octets| octets.len() <= 4) {
                    clock.map(|clock| clock.time(unsigned(up_time) as u32));
                }
            }
        });
        assert!(records <= datagram.len() + MOST_WAITING, "a record has an octet at least");
        all_records += records as u64;
        assert_eq!((session.counters().messages, session.counters().records), (messages, all_records));
        assert!(session.domains() <= 3, "{domain}");
    }
}

/// Records of a message that are looked at.
const MOST_CHECKED: usize = 256;

/// What is read of a record, written again, is the record.
fn check_record(record: &Record<'_, '_>, templates: &[Template]) {
    let template = record.template();
    assert_eq!(record.fields().count(), template.fields().len());
    let mut buffer = vec![0; 20 + 2 * record.octets().len() + 4 * template.fields().len()];
    let mut message = MessageWriter::new(&mut buffer, 0).expect("there is room");
    let put =
        message.put_record(template, |out| record.fields().try_for_each(|field| out.octets(field.content)));
    assert_eq!(put, Ok(()));
    let finished = message.finish(0, 0).expect("it has a record");
    let again = Message::read(finished.octets).expect("it is a message");
    let set = again.sets().next().expect("it has a set").expect("which is whole");
    let again = Records::new(template, set.content).next().expect("it has a record").expect("which is whole");
    assert!(record.fields().eq(again.fields()));
    let joined: usize = record.joined().map(|field| field.content.len()).sum();
    assert!(joined <= record.octets().len() + record.fields().count() * MOST_COMMON);
    for field in record.fields() {
        let known = registry::by_id(field.specifier.id).map(|element| element.data_type);
        check_value(known.unwrap_or(DataType::OctetArray), field.content, templates, 0);
    }
}

/// Values are read as what they may be, lists to the bottom, and what was read is written as it was.
fn check_value(data_type: DataType, octets: &[u8], templates: &[Template], depth: usize) {
    let near = Time::new(1_700_000_000, 0);
    let Ok(value) = Value::read(data_type, octets, near) else { return };
    let mut buffer = vec![0; octets.len() + 8];
    let mut out = Writer::new(&mut buffer);
    // Read before with the same length.
    let length = octets.len() as u16;
    if length != VARIABLE {
        let put = value.put(data_type, length, &mut out);
        match value {
            Value::Time(_) | Value::Float(_) => assert_eq!((put, out.len()), (Ok(()), octets.len())),
            // An enterprise number that is 0, and a length in more octets than it needs, are not written.
            Value::BasicList(_) | Value::SubTemplateList(_) | Value::SubTemplateMultiList(_)
                if put.is_err() => {}
            _ => assert_eq!((put, out.written()), (Ok(()), octets)),
        }
    }
    if depth == DEEPEST {
        return;
    }
    let records = |id: u16, content: &[u8]| {
        if let Some(template) = templates.iter().find(|template| template.id() == id) {
            for field in Records::new(template, content).flatten().flat_map(|record| record.fields()) {
                let known = registry::by_id(field.specifier.id).map(|element| element.data_type);
                check_value(known.unwrap_or(DataType::OctetArray), field.content, templates, depth + 1);
            }
        }
    };
    match value {
        Value::BasicList(list) => {
            let known = registry::by_id(list.field.id).map(|element| element.data_type);
            for octets in list.values().flatten() {
                check_value(known.unwrap_or(DataType::OctetArray), octets, templates, depth + 1);
            }
        }
        Value::SubTemplateList(list) => records(list.template_id, list.content),
        Value::SubTemplateMultiList(list) => {
            list.parts().flatten().for_each(|(id, content)| records(id, content));
        }
        _ => {}
    }
}

/// Reads a set of templates. A template that is read is written as it was, and has the records that it says.
pub fn templates(data: &[u8]) {
    let Some((&options, content)) = data.split_first() else { return };
    let set = Set { id: 2 + u16::from(options & 1), content };
    for record in set.templates() {
        let Ok(TemplateRecord::Definition(view)) = record else { continue };
        assert_eq!(view.fields().len(), usize::from(view.field_count()));
        let Ok(template) = view.to_template() else { continue };
        assert!(view.is(&template));
        let mut buffer = vec![0; template.wire_len()];
        let mut out = Writer::new(&mut buffer);
        assert_eq!(template.put(&mut out), Ok(()));
        assert_eq!(out.room(), 0);
        let again = Set { id: set.id, content: out.written() };
        match again.templates().next() {
            Some(Ok(TemplateRecord::Definition(again))) => assert!(again.is(&template)),
            other => panic!("{other:?}"),
        }
        let shortest = vec![0; template.shortest_record()];
        let records: Vec<_> = Records::new(&template, &shortest).collect();
        assert!(matches!(records[..], [Ok(record)] if record.octets() == shortest));
    }
}

/// Inputs to begin with: sessions of templates, records and withdrawals, and sets of templates.
pub(crate) fn seeds() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let field = |enterprise, number, length| FieldSpecifier::new(ElementId::new(enterprise, number), length);
    let flow = [
        field(0, 136, 1),
        field(0, 1, 8),
        field(29305, 1, 8),
        field(0, 154, 8),
        field(0, 8, 4),
        field(0, 56, 6),
    ];
    let texts = [field(0, 82, VARIABLE), field(8057, 808, VARIABLE), field(0, 276, 1), field(0, 320, 4)];
    let lists = [field(0, 291, VARIABLE), field(0, 292, VARIABLE), field(0, 293, VARIABLE)];
    let made = [
        Template::new(256, flow),
        Template::new(257, texts),
        Template::new(258, lists),
        Template::options(259, 1, [field(0, 143, 4), field(0, 41, 8), field(0, 210, 0)]),
    ];
    let templates: Vec<Template> = made.into_iter().flatten().collect();
    let contents: [&[&[u8]]; 4] = [
        &[
            &[1],
            &[0; 8],
            &[7; 8],
            &[0xda, 0xb1, 0x13, 0x44, 0xaa, 0xce, 0x46, 0x49],
            &[127, 0, 0, 1],
            &[2; 6],
        ],
        &[b"eth0", "žluť".as_bytes(), &[1], &[0x3f, 0x80, 0, 0]],
        &[
            b"\x03\x83\xf5\0\x02\0\0\x1f\x79\0\x27\0\x6f",
            b"\x04\x01\x01\x04eth0\x02ab\x02\0\0\0\0",
            b"\x03\x01\x03\0\x10\0\0\0\x01\0\0\0\0\0\0\0\x02",
        ],
        &[&[0, 0, 0, 9], &[0; 8], &[]],
    ];
    let mut definitions = Vec::new();
    let mut sessions = Vec::new();
    for (template, content) in templates.iter().zip(contents) {
        let mut octets = vec![0; template.wire_len()];
        if template.put(&mut Writer::new(&mut octets)).is_ok() {
            octets.insert(0, u8::from(template.is_options()));
            definitions.push(octets);
        }
        for may_lose in [0, 1] {
            let mut session = vec![may_lose];
            let mut append = |sequence, put: &dyn Fn(&mut MessageWriter<'_>)| {
                let mut buffer = [0; 1400];
                if let Ok(mut message) = MessageWriter::new(&mut buffer, 1) {
                    put(&mut message);
                    session.extend(message.finish(1_700_000_000, sequence).iter().flat_map(|m| &*m.octets));
                }
            };
            append(0, &|message| {
                for template in &templates {
                    let _ = message.put_template(template);
                }
                let fields = |record: &mut RecordWriter<'_, '_>| {
                    content.iter().try_for_each(|octets| record.octets(octets))
                };
                let _ = message.put_record(template, fields);
                message.pad(4);
            });
            append(1, &|message| {
                let _ = message.put_withdrawal(template);
                let _ = message.put_withdrawal_of_all(false);
            });
            sessions.push(session);
        }
    }
    sessions.extend([0, 1].into_iter().filter_map(options_seed));
    (sessions, definitions)
}

/// A session in which an element is defined, and values in common are told and referred to.
fn options_seed(may_lose: u8) -> Option<Vec<u8>> {
    let doors = Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16);
    let types = TypeInformation::new(&doors);
    let name = FieldSpecifier::new(ElementId::iana(82), VARIABLE);
    let common = common_properties_template(301, &[name]).ok()?;
    let data = Template::new(256, [COMMON_PROPERTIES_FIELD, FieldSpecifier::new(doors.id, 2)]).ok()?;
    let mut buffer = [0; 1400];
    let mut message = MessageWriter::new(&mut buffer, 1).ok()?;
    let told = types.template(300).ok()?;
    for template in [&told, &common, &data] {
        message.put_template(template).ok()?;
    }
    message.put_encoded(&told, &types.to_record().ok()?).ok()?;
    message.put_encoded(&common, b"\0\0\0\0\0\0\0\x09\x04eth0").ok()?;
    message.put_encoded(&data, b"\0\0\0\0\0\0\0\x09\0\x03").ok()?;
    let message = message.finish(1_700_000_000, 0)?;
    Some([&[may_lose], &*message.octets].concat())
}

/// Datagrams to begin with, each input of some: NetFlow 5, and NetFlow 9 with templates, options, data, and data before its template.
pub(crate) fn netflow_seeds() -> Vec<Vec<u8>> {
    let netflow5 = |records: u8| {
        let mut datagram = vec![0, 5, 0, records];
        datagram.extend(b"\0\0\x27\x10\x65\x53\xf1\0\0\0\0\x07\0\0\0\x03\x01\x02\x40\x64");
        for _ in 0..records {
            datagram.extend(b"\x0a\0\0\x01\x0a\0\0\x02\x0a\0\0\xfe\0\x01\0\x02\0\0\0\x05\0\0\x02\x58");
            datagram
                .extend(b"\0\0\x1d\x4c\0\0\x27\x0f\xc0\0\x01\xbb\0\x1b\x06\0\xfd\xe8\xfd\xe9\x18\x10\0\0");
        }
        datagram
    };
    let netflow9 = |sequence: u8, sets: &[(u8, u8, &[u8])]| {
        let mut datagram = b"\0\x09\0\x01\0\0\x27\x10\x65\x53\xf1\0\0\0\0".to_vec();
        datagram.extend([sequence, 0, 0, 0, 7]);
        for (high, low, content) in sets {
            datagram.extend([*high, *low, 0, content.len() as u8 + 4]);
            datagram.extend(*content);
        }
        datagram
    };
    let template: &[u8] = b"\x01\0\0\x05\0\x08\0\x04\0\x01\0\x04\0\x15\0\x04\0\x16\0\x04\x80\x0c\0\x02";
    let options: &[u8] = b"\x01\x01\0\x04\0\x08\0\x02\0\x02\0\x22\0\x04\0\x23\0\x01\0\0";
    let all = netflow9(0, &[(0, 0, template), (0, 1, options), (1, 0, &[7; 38]), (1, 1, &[1; 8])]);
    let early = netflow9(1, &[(1, 0, &[7; 18]), (0, 9, b"what")]);
    let inputs = [
        vec![netflow5(1), netflow5(3)],
        vec![all.clone(), netflow9(3, &[(1, 0, &[7; 18])])],
        vec![early, all, netflow5(0)],
    ];
    let with_length = |datagram: Vec<u8>| [&(datagram.len() as u16).to_be_bytes()[..], &datagram].concat();
    inputs.map(|datagrams| datagrams.into_iter().flat_map(with_length).collect()).into()
}
