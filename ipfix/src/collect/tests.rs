#![allow(clippy::unwrap_used)]

mod told;

use super::*;
use crate::element::ElementId;
use crate::message::Message;
use crate::template::FieldSpecifier;
use crate::writer::MessageWriter;

fn template(id: u16, number: u16) -> Template {
    Template::new(id, [FieldSpecifier::new(ElementId::iana(number), 4)]).unwrap()
}

/// A message of domain 7, or another one.
fn message(sequence: u32, domain: u32, write: impl FnOnce(&mut MessageWriter<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 1400];
    let mut message = MessageWriter::new(&mut buffer, domain).unwrap();
    write(&mut message);
    message.finish(1000, sequence).unwrap().octets.to_vec()
}

fn define(templates: &[&Template]) -> Vec<u8> {
    message(0, 7, |m| templates.iter().for_each(|t| m.put_template(t).unwrap()))
}

fn data(template: &Template, sequence: u32, records: usize) -> Vec<u8> {
    message(sequence, 7, |m| {
        for _ in 0..records {
            m.put_record(template, |record| record.unsigned(1)).unwrap();
        }
    })
}

/// What a session says of a message, in short.
fn read_at(session: &mut Session, octets: &[u8], second: u64) -> Vec<String> {
    let mut events = Vec::new();
    let arrival = Arrival { elapsed: Duration::from_secs(second), stream: 0 };
    session.read(&Message::read(octets).unwrap(), arrival, |event| {
        events.push(match event {
            Event::Template(template) => format!("template {}", template.id()),
            Event::Withdrawal(id) => format!("withdrawal {id}"),
            Event::Record(record) => {
                format!("record {} of {}", record.template().fields()[0].id, record.template().id())
            }
            Event::Element(element) => format!("element {element}"),
            Event::UnknownRecords(id, content) => format!("{} octets of {id}", content.len()),
            Event::Fault(fault) => fault.to_string(),
        });
    });
    events
}

fn read(session: &mut Session, octets: &[u8]) -> Vec<String> {
    read_at(session, octets, 0)
}

fn stream() -> Session {
    Session::new(SessionSettings::new(false))
}

fn datagrams() -> Session {
    Session::new(SessionSettings::new(true))
}

#[test]
fn records_are_read_by_the_templates_of_their_session_and_domain() {
    let (one, other) = (template(256, 1), template(256, 2));
    let (mut first, mut second) = (stream(), stream());
    assert_eq!(read(&mut first, &define(&[&one])), ["template 256"]);
    read(&mut second, &define(&[&other]));
    assert_eq!(read(&mut first, &data(&one, 0, 1)), ["record 1 of 256"]);
    assert_eq!(read(&mut second, &data(&one, 0, 1)), ["record 2 of 256"]);
    let elsewhere = message(0, 8, |m| m.put_record(&one, |record| record.unsigned(1)).unwrap());
    assert_eq!(read(&mut first, &elsewhere), ["4 octets of 256"]);
    assert!(first.template(7, 256).is_some() && first.template(8, 256).is_none());
    assert_eq!(read(&mut stream(), &data(&one, 0, 1)), ["4 octets of 256"], "a new session knows nothing");
}

#[test]
fn a_template_may_be_repeated_and_over_udp_replaced() {
    let (one, other) = (template(256, 1), template(256, 2));
    let mut session = stream();
    read(&mut session, &define(&[&one]));
    assert!(read(&mut session, &define(&[&one])).is_empty());
    assert_eq!(read(&mut session, &define(&[&other])), ["template 256 is defined a second time"]);
    assert_eq!(read(&mut session, &data(&one, 0, 1)), ["record 1 of 256"]);
    let mut session = datagrams();
    read(&mut session, &define(&[&one]));
    assert!(read(&mut session, &define(&[&one])).is_empty());
    assert_eq!(read(&mut session, &define(&[&other])), ["template 256"]);
    assert_eq!(read(&mut session, &data(&one, 0, 1)), ["record 2 of 256"]);
    assert_eq!(session.counters().faults, 0);
}

#[test]
fn templates_and_options_templates_share_their_ids() {
    let options = Template::options(256, 1, [FieldSpecifier::new(ElementId::iana(143), 4)]).unwrap();
    let mut session = stream();
    read(&mut session, &define(&[&template(256, 1)]));
    assert_eq!(read(&mut session, &define(&[&options])), ["template 256 is defined a second time"]);
}

#[test]
fn templates_are_withdrawn_alone_or_all_and_never_over_udp() {
    let options = Template::options(258, 1, [FieldSpecifier::new(ElementId::iana(143), 4)]).unwrap();
    let (one, two) = (template(256, 1), template(257, 1));
    let all = define(&[&one, &two, &options]);
    let withdraw_one = message(0, 7, |m| m.put_withdrawal(&one).unwrap());
    let withdraw_all = message(0, 7, |m| m.put_withdrawal_of_all(false).unwrap());
    let withdraw_options = message(0, 7, |m| m.put_withdrawal_of_all(true).unwrap());
    let mut session = stream();
    read(&mut session, &all);
    assert_eq!(read(&mut session, &withdraw_one), ["withdrawal 256"]);
    assert_eq!(read(&mut session, &withdraw_one), ["template 256 is withdrawn"], "it is not there");
    assert_eq!(read(&mut session, &define(&[&template(256, 2)])), ["template 256"], "a new meaning");
    assert_eq!(read(&mut session, &withdraw_all), ["withdrawal 256", "withdrawal 257"]);
    assert!(session.template(7, 258).is_some());
    assert_eq!(read(&mut session, &withdraw_options), ["withdrawal 258"]);
    assert!(read(&mut session, &withdraw_options).is_empty());
    let mut session = datagrams();
    read(&mut session, &all);
    assert_eq!(read(&mut session, &withdraw_one), ["template 256 is withdrawn"]);
    assert_eq!(read(&mut session, &data(&one, 0, 1)), ["record 1 of 256"]);
}

#[test]
fn over_udp_a_template_that_is_not_repeated_is_forgotten() {
    let one = template(256, 1);
    let mut session = datagrams();
    read_at(&mut session, &define(&[&one]), 0);
    read_at(&mut session, &define(&[&one]), 1000);
    assert_eq!(read_at(&mut session, &data(&one, 0, 1), 2800), ["record 1 of 256"]);
    assert_eq!(read_at(&mut session, &data(&one, 1, 1), 2801), ["4 octets of 256"]);
    let mut session = stream();
    read_at(&mut session, &define(&[&one]), 0);
    assert_eq!(read_at(&mut session, &data(&one, 0, 1), 100_000), ["record 1 of 256"]);
}

#[test]
fn records_of_unknown_templates_are_unknown_and_not_lost() {
    let one = template(256, 1);
    let mut session = datagrams();
    read(&mut session, &data(&one, 0, 5));
    read(&mut session, &message(5, 7, |m| m.put_template(&one).unwrap()));
    read(&mut session, &data(&one, 5, 5));
    read(&mut session, &data(&one, 12, 5));
    let counters = session.counters();
    assert_eq!((counters.records, counters.unknown_sets, counters.lost_records), (15, 1, 2));
}

#[test]
fn records_wait_for_their_template_a_bounded_while_in_bounded_room() {
    let one = template(256, 1);
    let told = message(0, 7, |m| m.put_template(&one).unwrap());
    let mut session = datagrams();
    assert_eq!(read_at(&mut session, &data(&one, 0, 2), 0), ["8 octets of 256"]);
    assert_eq!(read_at(&mut session, &told, 60), ["template 256", "record 1 of 256", "record 1 of 256"]);
    assert!(read_at(&mut session, &told, 60).is_empty(), "once");
    let mut session = datagrams();
    read_at(&mut session, &data(&one, 0, 2), 0);
    assert_eq!(read_at(&mut session, &told, 61), ["template 256"]);
    let mut session = Session::new(SessionSettings { most_waiting: 200, ..SessionSettings::new(true) });
    for _ in 0..100 {
        read(&mut session, &data(&one, 0, 2));
    }
    assert_eq!(read(&mut session, &told).len(), 1 + 2 * 2, "the newest");
    let mut session = stream();
    read(&mut session, &data(&one, 0, 2));
    assert_eq!(read(&mut session, &told), ["template 256"], "in a stream templates come first");
}

#[test]
fn streams_and_domains_count_on_their_own() {
    let one = template(256, 1);
    let mut session = stream();
    read(&mut session, &define(&[&one]));
    for stream in [0, 1] {
        let octets = data(&one, 0, 3);
        let arrival = Arrival { elapsed: Duration::ZERO, stream };
        session.read(&Message::read(&octets).unwrap(), arrival, |_| {});
    }
    let elsewhere = message(900, 8, |m| m.put_template(&one).unwrap());
    read(&mut session, &elsewhere);
    assert_eq!(session.counters().lost_records + session.counters().late_messages, 0);
}

#[test]
fn after_a_fault_the_rest_of_the_set_or_message_is_lost_and_nothing_else() {
    let one = template(256, 1);
    let mut session = stream();
    let mut cut = define(&[&one]);
    cut.extend_from_slice(b"\0\x02\0\x08\x01\x01\0\x02\x01\0\0\x07\0\0\x01\x01\0\0\x03");
    let length = cut.len() as u16;
    cut[2..4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(
        read(&mut session, &cut),
        [
            "template 256",
            "template 257 is cut off",
            "set 256 says that it is 3 octets long, of 4 that are left"
        ]
    );
    assert_eq!(session.counters().faults, 2);
    assert_eq!(read(&mut session, &data(&one, 0, 1)), ["record 1 of 256"]);
}

#[test]
fn what_a_peer_can_make_a_session_keep_is_bounded() {
    let settings = SessionSettings {
        most_domains: 2,
        most_templates: 10,
        most_fields: 12,
        ..SessionSettings::new(true)
    };
    let mut session = Session::new(settings);
    for id in 256..300 {
        read(&mut session, &define(&[&template(id, 1)]));
    }
    assert!(session.template(7, 265).is_some() && session.template(7, 266).is_none());
    let wide = Template::new(256, [FieldSpecifier::new(ElementId::iana(1), 4); 4]).unwrap();
    assert_eq!(
        read(&mut session, &define(&[&wide])),
        ["too many templates, fields, observation domains, common properties or elements"]
    );
    let mut fields = vec![FieldSpecifier::new(ElementId::iana(210), 0); 65];
    fields.push(FieldSpecifier::new(ElementId::iana(4), 1));
    let hollow = Template::new(400, fields).unwrap();
    assert_eq!(read(&mut Session::new(SessionSettings::new(true)), &define(&[&hollow])).len(), 1);
    for domain in 0..10 {
        read(&mut session, &message(0, domain, |m| m.put_template(&wide).unwrap()));
    }
    assert_eq!(session.domains(), 2);
}

/// A packet of NetFlow 9 of source 7.
fn netflow9(sequence: u32, sets: &[(u16, &[u8])]) -> Vec<u8> {
    let mut octets = b"\0\x09\0\x01\0\0\x27\x10\x65\x53\xf1\0".to_vec();
    octets.extend(sequence.to_be_bytes());
    octets.extend([0, 0, 0, 7]);
    for (id, content) in sets {
        octets.extend(id.to_be_bytes());
        octets.extend((content.len() as u16 + 4).to_be_bytes());
        octets.extend(*content);
    }
    octets
}

/// A packet of NetFlow 5 with records of zeros.
fn netflow5(sequence: u32, records: u16) -> Vec<u8> {
    let mut octets = vec![0, 5];
    octets.extend(records.to_be_bytes());
    octets.extend(b"\0\0\x27\x10\x65\x53\xf1\0\0\0\0\0");
    octets.extend(sequence.to_be_bytes());
    octets.resize(24 + 48 * usize::from(records), 0);
    octets
}

/// What a session says of packets of any protocol, in short.
fn read_packets(session: &mut Session, packets: &[Vec<u8>]) -> Vec<String> {
    let mut events = Vec::new();
    for octets in packets {
        let packet = Packet::read(octets).unwrap();
        session.read_packet(&packet, Arrival::default(), |event| {
            events.push(match event {
                Event::Template(template) => format!("template {}", template.id()),
                Event::Record(record) => format!("record of {}", record.template().id()),
                other => format!("{other:?}"),
            });
        });
    }
    events
}

#[test]
fn netflow_9_is_read_by_its_templates_options_among_them() {
    let templates = b"\x01\0\0\x02\0\x08\0\x04\0\x01\0\x04";
    let options = b"\x01\x01\0\x04\0\x04\0\x01\0\x04\0\x22\0\x04\0\0";
    let mut session = datagrams();
    let packets = [
        netflow9(100, &[(0, templates), (1, options), (256, &[1; 19]), (257, &[2; 8])]),
        netflow9(101, &[(256, &[1; 8]), (9, b"what"), (300, &[0; 4])]),
        netflow9(103, &[(256, &[1; 8])]),
    ];
    let events = read_packets(&mut session, &packets);
    assert_eq!(
        events,
        [
            "template 256",
            "template 257",
            "record of 256",
            "record of 256",
            "record of 257",
            "record of 256",
            "UnknownRecords(300, [0, 0, 0, 0])",
            "record of 256"
        ]
    );
    let counters = session.counters();
    assert_eq!((counters.lost_messages, counters.lost_records), (1, 0), "packets are numbered");
    assert_eq!((counters.records, counters.reserved_sets, counters.unknown_sets), (5, 1, 1));
}

#[test]
fn netflow_5_needs_no_templates_and_numbers_records() {
    let mut session = datagrams();
    let packets = [netflow5(0, 30), netflow5(30, 30), netflow5(65, 1)];
    assert_eq!(read_packets(&mut session, &packets), vec!["record of 256"; 61]);
    let counters = session.counters();
    assert_eq!((counters.records, counters.lost_records), (61, 5));
}

#[test]
fn templates_of_netflow_are_not_those_of_ipfix() {
    let mut session = datagrams();
    let packets = [
        netflow9(0, &[(0, b"\x01\0\0\x01\0\x08\0\x04")]),
        data(&template(256, 1), 0, 1),
        define(&[&template(256, 1)]),
        netflow9(1, &[(256, &[1; 4])]),
    ];
    let events = read_packets(&mut session, &packets);
    assert_eq!(events[0], "template 256");
    assert!(events[1].starts_with("UnknownRecords(256"));
    assert_eq!(events[2..], ["template 256", "record of 256", "record of 256"]);
    assert_eq!((session.counters().faults, session.domains()), (0, 2));
}

proptest::proptest! {
    #[test]
    fn no_packet_of_netflow_does_any_harm(
        changes in proptest::collection::vec((0usize..300, proptest::prelude::any::<u8>()), 0..20)
    ) {
        let templates = b"\x01\0\0\x02\0\x08\0\x04\0\x01\0\x04";
        let options = b"\x01\x01\0\x04\0\x04\0\x01\0\x04\0\x22\0\x04\0\0";
        let mut packets = [
            netflow9(0, &[(256, &[1; 8]), (0, templates), (1, options), (256, &[1; 19]), (257, &[2; 8])]),
            netflow9(1, &[(256, &[1; 80])]),
            netflow5(0, 2),
        ];
        for (place, octet) in changes {
            let packet = &mut packets[place % 3];
            let place = place / 3 % packet.len();
            packet[place] = octet;
        }
        let mut session = Session::new(SessionSettings::new(true));
        let mut records = 0;
        for packet in packets.iter().flat_map(|octets| Packet::read(octets)) {
            session.read_packet(&packet, Arrival::default(), |event| {
                if let Event::Record(record) = event {
                    assert_eq!(record.fields().count(), record.template().fields().len());
                    records += 1;
                }
            });
        }
        assert_eq!(session.counters().records, records);
    }

    #[test]
    fn nothing_that_a_peer_sends_does_any_harm(
        may_lose: bool,
        changes in proptest::collection::vec((0usize..300, proptest::prelude::any::<u8>()), 0..20)
    ) {
        let name = FieldSpecifier::new(ElementId::iana(82), crate::template::VARIABLE);
        let names = Template::new(258, [name, name]).unwrap();
        let mut stream = define(&[&template(256, 1), &template(257, 2), &names]);
        stream.extend(data(&template(256, 1), 0, 5));
        stream.extend(message(5, 7, |m| {
            m.put_record(&names, |record| record.octets(b"eth0").and_then(|()| record.octets(&[7; 100]))).unwrap();
            m.put_withdrawal(&names).unwrap();
        }));
        for (place, octet) in changes {
            let place = place % stream.len();
            stream[place] = octet;
        }
        let mut session = Session::new(SessionSettings::new(may_lose));
        let (mut rest, mut records) = (&stream[..], 0);
        while let Ok(Some((message, after))) = Message::read_from(rest) {
            session.read(&message, Arrival::default(), |event| {
                if let Event::Record(record) = event {
                    assert_eq!(record.fields().count(), record.template().fields().len());
                    records += 1;
                }
            });
            rest = after;
        }
        assert_eq!(session.counters().records, records);
    }
}
