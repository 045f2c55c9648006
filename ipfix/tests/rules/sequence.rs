//! Sequence numbers, and what is lost by them.
//!
//! Streams of the kernel's SCTP: `streams_count_on_their_own` in `tests/sctp.rs`.

use weir_ipfix::collect::{Arrival, SessionCounters};
use weir_ipfix::export::Exporter;
use weir_ipfix::template::Template;

use crate::by_hand::{
    OPTIONS, PROTOCOL, datagrams, iana, message, message_of, sequence, set_ids, stream, template, told,
    told_at,
};
use crate::exporting::{Exporting, Wire};

/// RFC 7011, 3.1
#[test]
fn a_sequence_number_is_how_many_data_records_came_before_its_message() {
    let mut exporting = Exporting::to(Wire::default());
    let flows = exporting.add(template(4, 1));
    exporting.export(flows, &[[6]; 3]);
    let options = exporting.add(Template::options(300, 1, [iana(149, 4), iana(164, 8)]).unwrap());
    exporting.exporter.add_standing(options, &[0; 12], exporting.now, &mut exporting.lost).unwrap();
    exporting.export(flows, &[[17]; 90]);
    exporting.export(flows, &[[1]]);
    let messages = exporting.messages();
    let seen: Vec<_> = messages.iter().map(|octets| (sequence(octets), set_ids(octets))).collect();
    let expected = [(0, 2), (0, 256), (3, 3), (3, 300), (4, 256), (84, 256), (94, 256)];
    assert_eq!(seen, expected.map(|(sequence, set)| (sequence, vec![set])));
    let mut session = stream();
    messages.iter().for_each(|octets| drop(told(&mut session, octets)));
    assert_eq!((session.counters().records, session.counters().lost_records), (95, 0));
}

/// RFC 7011, 3.1
#[test]
fn sequence_numbers_begin_again_after_4_294_967_295() {
    let wire = Wire { forgets: true, ..Wire::default() };
    let mut exporting = Exporting::with(Exporter::new(7, 65_535).unwrap(), [wire], 1 << 20);
    let slot = exporting.add(template(4, 1));
    // As many as a message holds.
    let records = vec![[6]; 65_515];
    let messages = (1u64 << 32) / records.len() as u64;
    for _ in 0..messages {
        exporting.export(slot, &records);
    }
    exporting.export(slot, &records);
    let last = u32::try_from(messages * records.len() as u64).unwrap();
    assert_eq!(sequence(&exporting.messages()[0]), last);
    exporting.export(slot, &[[6]]);
    assert_eq!(sequence(&exporting.messages()[0]), last.wrapping_add(65_515));
    assert!(last.checked_add(65_515).is_none(), "beyond the end");
    assert_eq!(exporting.lost.messages, 0);
}

/// RFC 7011, 3.1
#[test]
fn every_stream_and_every_observation_domain_has_numbers_of_its_own() {
    let mut exporting = Exporting::to(Wire { has_streams: true, ..Wire::default() });
    let one = exporting.add(template(4, 1));
    let other = exporting.add(Template::new(257, [iana(4, 1)]).unwrap());
    for slot in [one, other, one, other] {
        exporting.export(slot, &[[6]; 5]);
    }
    let numbers: Vec<_> = exporting.messages().iter().map(|it| (set_ids(it)[0], sequence(it))).collect();
    assert_eq!(numbers, [(2, 0), (256, 0), (257, 0), (256, 5), (257, 5)]);

    let mut session = stream();
    for (domain, stream, number) in [(7, 0, 0), (8, 0, 700), (7, 1, 90), (7, 0, 3), (8, 0, 703), (7, 1, 93)] {
        let octets = message_of(domain, number, &[(2, PROTOCOL), (256, &[6, 17, 1])]);
        told_at(&mut session, &octets, Arrival { stream, ..Arrival::default() });
    }
    let counters = session.counters();
    assert_eq!((counters.records, counters.lost_records, counters.late_messages), (18, 0, 0));
}

/// RFC 7011, 3.1
#[test]
fn a_new_session_begins_with_0() {
    let mut exporting = Exporting::to(Wire::default());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]; 3]);
    exporting.wire(0).is_closed = true;
    exporting.pass(100);
    exporting.export(slot, &[[6]; 2]);
    exporting.export(slot, &[[6]]);
    let numbers = |messages: &Vec<Vec<u8>>| messages.iter().map(|it| sequence(it)).collect::<Vec<_>>();
    let sessions: Vec<_> = exporting.sessions().iter().map(numbers).collect();
    assert_eq!(sessions, [vec![0, 0], vec![0, 0, 2]]);
}

/// RFC 7011, 3.1: what was dropped in a session is missing there.
#[test]
fn records_that_are_dropped_leave_a_gap() {
    let mut exporting = Exporting::with(Exporter::new(7, 100).unwrap(), [Wire::default()], 200);
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]; 10]);
    exporting.wire(0).is_full = true;
    exporting.export(slot, &[[6]; 5 * 80]);
    assert_eq!(exporting.lost.messages, 3, "two messages may wait");
    exporting.wire(0).is_full = false;
    exporting.export(slot, &[[6]]);
    let numbers: Vec<u32> = exporting.messages().iter().map(|it| sequence(it)).collect();
    assert_eq!(numbers.last(), Some(&(10 + 5 * 80)));
    let mut session = stream();
    exporting.messages().iter().for_each(|octets| drop(told(&mut session, octets)));
    let counters = session.counters();
    assert_eq!((counters.records, counters.lost_records), (10 + 2 * 80 + 1, 3 * 80));
    assert_eq!(exporting.exporter.collectors()[0].statistics().lost_records, 3 * 80);
}

/// What a session over UDP counts of messages with so many records each.
fn counted(messages: &[(u32, usize)]) -> SessionCounters {
    let mut session = datagrams();
    told(&mut session, &message(messages[0].0, &[(2, PROTOCOL)]));
    for &(number, records) in messages {
        told(&mut session, &message(number, &[(256, &vec![6; records])]));
    }
    session.counters()
}

/// RFC 7011, 3.1
#[test]
fn a_collector_sees_what_is_lost_late_or_comes_twice() {
    let lost_and_late = |messages: &[(u32, usize)]| {
        let counters = counted(messages);
        (counters.lost_records, counters.late_messages)
    };
    assert_eq!(lost_and_late(&[(0, 10), (10, 5), (15, 1)]), (0, 0));
    assert_eq!(lost_and_late(&[(0, 10), (12, 5), (20, 1)]), (2 + 3, 0), "loss");
    assert_eq!(lost_and_late(&[(0, 10), (15, 5), (10, 5), (20, 1)]), (0, 1), "another order");
    assert_eq!(lost_and_late(&[(0, 10), (10, 5), (10, 5), (15, 1)]), (0, 1), "a copy");
    assert_eq!(lost_and_late(&[(u32::MAX - 4, 10), (5, 1)]), (0, 0), "the numbers begin again");
    assert_eq!(lost_and_late(&[(u32::MAX - 4, 5), (3, 1)]), (3, 0), "with a loss");
}

/// RFC 7011, 3.1 and 8
#[test]
fn records_that_cannot_be_read_are_unknown_and_not_lost() {
    let mut session = datagrams();
    told(&mut session, &message(0, &[(257, &[1, 2, 3])]));
    told(&mut session, &message(3, &[(2, PROTOCOL), (256, &[6])]));
    told(&mut session, &message(4, &[(256, &[6]), (257, &[1, 2, 3])]));
    told(&mut session, &message(8, &[(256, &[6])]));
    let counters = session.counters();
    assert_eq!((counters.records, counters.unknown_sets, counters.lost_records), (3, 2, 0));
    told(&mut session, &message(10, &[(3, &[&[1, 2], &OPTIONS[2..]].concat()), (258, &[0; 12])]));
    told(&mut session, &message(11, &[(256, &[6])]));
    let counters = session.counters();
    assert_eq!((counters.records, counters.lost_records), (5, 1), "options are counted like flows");
}
