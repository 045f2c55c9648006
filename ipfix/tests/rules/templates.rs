//! The life of templates.

use weir_ipfix::collect::{Session, SessionSettings};
use weir_ipfix::export::ExportError;
use weir_ipfix::message::{Message, TemplateRecord};
use weir_ipfix::template::Template;
use weir_ipfix::wire::Full;
use weir_ipfix::writer::MessageWriter;

use crate::by_hand::{
    CLASS, OPTIONS, PROTOCOL, datagrams, iana, message, message_of, set_ids, sets, stream, template, told,
    told_after,
};
use crate::exporting::{Exporting, Wire};

/// Which messages have sets of templates only.
fn tell_templates(messages: &[Vec<u8>]) -> Vec<bool> {
    messages.iter().map(|octets| set_ids(octets).iter().all(|id| *id < 4)).collect()
}

/// RFC 7011, 8
#[test]
fn a_template_holds_in_its_session_and_observation_domain() {
    let (mut one, mut other) = (stream(), stream());
    told(&mut one, &message_of(7, 0, &[(2, PROTOCOL)]));
    told(&mut one, &message_of(8, 0, &[(2, CLASS)]));
    told(&mut other, &message_of(7, 0, &[(2, CLASS)]));
    let data = |domain| message_of(domain, 0, &[(256, &[6])]);
    assert_eq!(told(&mut one, &data(7)), ["4: [06]"]);
    assert_eq!(told(&mut one, &data(8)), ["5: [06]"]);
    assert_eq!(told(&mut one, &data(9)), ["unknown 256: [06]"]);
    assert_eq!(told(&mut other, &data(7)), ["5: [06]"]);
}

/// RFC 7011, 8
#[test]
fn the_end_of_a_session_ends_its_templates() {
    let mut first = stream();
    told(&mut first, &message(0, &[(2, PROTOCOL)]));
    assert_eq!(told(&mut first, &message(0, &[(256, &[6])])), ["4: [06]"]);
    drop(first);
    let mut second = stream();
    assert_eq!(told(&mut second, &message(0, &[(256, &[6])])), ["unknown 256: [06]"]);
    assert_eq!(second.counters().unknown_sets, 1);
}

/// RFC 7011, 8: what SCTP does with them, `streams_count_on_their_own` and `tshark_reads_the_messages_on_their_streams` in
/// `tests/sctp.rs` show.
#[test]
fn where_nothing_gets_lost_a_template_is_told_once_a_session_before_its_records() {
    let mut exporting = Exporting::to(Wire::default());
    let slot = exporting.add(template(4, 1));
    for _ in 0..3 {
        exporting.export(slot, &[[6]]);
        exporting.pass(1000);
    }
    assert_eq!(tell_templates(&exporting.messages()), [true, false, false, false]);
    assert_eq!(exporting.messages()[0], message(0, &[(2, PROTOCOL)]));
    exporting.wire(0).is_closed = true;
    exporting.pass(1000);
    exporting.export(slot, &[[6]]);
    let second = &exporting.sessions()[1];
    assert_eq!(tell_templates(second), [true, false], "and again in the next one");
}

/// RFC 7011, 8.4
#[test]
fn over_udp_every_template_is_repeated_at_its_interval_and_not_earlier() {
    let mut exporting = Exporting::to(Wire::datagrams());
    let slot = exporting.add(template(4, 1));
    exporting.add(Template::options(300, 1, [iana(149, 4), iana(164, 8)]).unwrap());
    exporting.export(slot, &[[6]]);
    let begin = exporting.now.unix_s;
    for _ in 0..200 {
        exporting.pass(1);
    }
    let mut copies = Vec::new();
    for octets in exporting.messages() {
        let time = Message::read(&octets).unwrap().header.export_time_s - begin;
        copies.extend(set_ids(&octets).into_iter().filter(|id| *id < 4).map(|id| (time, id)));
    }
    copies.dedup();
    assert_eq!(copies, [0, 60, 120, 180].map(|time| [(time, 3), (time, 2)]).concat());
}

/// RFC 7011, 8.4: of the several copies that it advises there is one, and the next after the interval.
#[test]
fn over_udp_a_template_comes_before_its_records_in_a_message_of_its_own() {
    let mut exporting = Exporting::to(Wire::datagrams());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    let other = exporting.add(Template::new(257, [iana(5, 1)]).unwrap());
    exporting.export(other, &[[1]]);
    let definition = [&[1, 1], &CLASS[2..]].concat();
    let expected: [(u32, u16, &[u8]); 4] =
        [(0, 2, PROTOCOL), (0, 256, &[6]), (1, 2, &definition), (1, 257, &[1])];
    assert_eq!(
        exporting.messages(),
        expected.map(|(sequence, id, content)| message(sequence, &[(id, content)]))
    );
}

/// RFC 7011, 8.4
#[test]
fn over_udp_templates_are_not_withdrawn() {
    let mut exporting = Exporting::to(Wire::datagrams());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    exporting.withdraw(slot);
    exporting.pass(1000);
    for octets in exporting.messages() {
        let templates = sets(&octets).into_iter().flat_map(|set| set.templates());
        assert!(!templates.map(Result::unwrap).any(|it| matches!(it, TemplateRecord::Withdrawal(_))));
    }
    let mut session = datagrams();
    told(&mut session, &message(0, &[(2, PROTOCOL)]));
    for (set, withdrawal) in [(2, [1, 0, 0, 0]), (2, [0, 2, 0, 0]), (3, [0, 3, 0, 0])] {
        let expected =
            format!("template {} is withdrawn", u16::from_be_bytes([withdrawal[0], withdrawal[1]]));
        assert_eq!(told(&mut session, &message(0, &[(set, &withdrawal)])), [expected]);
        assert_eq!(told(&mut session, &message(0, &[(256, &[6])])), ["4: [06]"], "it has no effect");
    }
}

/// RFC 7011, 8.4
#[test]
fn over_udp_a_template_replaces_the_one_that_had_its_id() {
    let mut session = datagrams();
    assert_eq!(told(&mut session, &message(0, &[(2, PROTOCOL), (256, &[6])])), ["template 256", "4: [06]"]);
    assert_eq!(told(&mut session, &message(1, &[(2, PROTOCOL)])), [""; 0], "it is repeated");
    assert_eq!(told(&mut session, &message(1, &[(2, CLASS), (256, &[6])])), ["template 256", "5: [06]"]);
    assert_eq!(told(&mut session, &message(2, &[(3, OPTIONS)])), ["template 256"]);
    assert_eq!(session.counters().faults, 0);
}

/// RFC 7011, 8.1
#[test]
fn where_nothing_gets_lost_another_template_under_the_same_id_is_a_fault() {
    let mut session = stream();
    told(&mut session, &message(0, &[(2, PROTOCOL)]));
    let again = told(&mut session, &message(0, &[(2, CLASS), (256, &[6])]));
    assert_eq!(again, ["template 256 is defined a second time", "4: [06]"], "the first one holds");
    assert_eq!(session.counters().faults, 1);
    assert_eq!(told(&mut session, &message(1, &[(2, PROTOCOL)])), [""; 0], "the same once more is none");
    let withdrawn = told(&mut session, &message(1, &[(2, &[1, 0, 0, 0]), (2, CLASS), (256, &[6])]));
    assert_eq!(withdrawn, ["withdrawal 256", "template 256", "5: [06]"]);
    assert_eq!(session.counters().faults, 1);
}

/// RFC 7011, 8.4
#[test]
fn over_udp_an_id_rests_for_three_intervals_before_another_template_has_it() {
    let mut exporting = Exporting::to(Wire::datagrams());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    exporting.pass(60);
    exporting.withdraw(slot);
    for waited in 0..180 {
        let other = exporting.exporter.add_template(template(5, 1), exporting.now, &mut exporting.lost);
        assert_eq!(other, Err(ExportError::Resting { id: 256, seconds: 180 - waited }));
        exporting.pass(1);
    }
    let other = exporting.add(template(5, 1));
    exporting.export(other, &[[6]]);
    let mut session = datagrams();
    let events: Vec<String> =
        exporting.messages().iter().flat_map(|octets| told(&mut session, octets)).collect();
    assert_eq!(events, ["template 256", "4: [06]", "template 256", "5: [06]"]);

    let mut exporting = Exporting::to(Wire::default());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    exporting.withdraw(slot);
    exporting.add(template(5, 1));
}

/// RFC 7011, 8.4
#[test]
fn over_udp_a_template_that_is_not_repeated_is_forgotten_after_its_lifetime() {
    let lifetime = SessionSettings::new(true).template_lifetime.as_secs();
    assert_eq!(lifetime, 3 * 600, "three times the interval by default of RFC 6728");
    let mut session = datagrams();
    told_after(&mut session, &message(0, &[(2, PROTOCOL)]), 0);
    told_after(&mut session, &message(0, &[(2, PROTOCOL)]), 600);
    let data = message(0, &[(256, &[6])]);
    assert_eq!(told_after(&mut session, &data, 600 + lifetime), ["4: [06]"]);
    assert_eq!(told_after(&mut session, &data, 600 + lifetime + 1), ["unknown 256: [06]"]);
    let mut session = stream();
    told_after(&mut session, &message(0, &[(2, PROTOCOL)]), 0);
    assert_eq!(told_after(&mut session, &data, 1_000_000), ["4: [06]"], "elsewhere it holds");
}

/// The message that `write` makes.
fn written(write: impl FnOnce(&mut MessageWriter<'_>) -> Result<(), Full>) -> Vec<u8> {
    let mut buffer = [0; 100];
    let mut message = MessageWriter::new(&mut buffer, 7).unwrap();
    write(&mut message).unwrap();
    message.finish(1_000_000_000, 0).unwrap().octets.to_vec()
}

/// RFC 7011, 8.1
#[test]
fn a_withdrawal_has_four_octets_and_is_of_one_template_or_of_all() {
    let (one, options) = (template(4, 1), Template::options(300, 1, [iana(149, 4)]).unwrap());
    let defined = [
        (2, PROTOCOL),
        (2, &[1, 1, 0, 1, 0, 5, 0, 1]),
        (3, &[1, 44, 0, 1, 0, 1, 0, 149, 0, 4]),
        (3, &[1, 45, 0, 1, 0, 1, 0, 149, 0, 4]),
    ];
    let cases = [
        (written(|it| it.put_withdrawal(&one)), 2, [1, 0, 0, 0], &[256][..]),
        (written(|it| it.put_withdrawal(&options)), 3, [1, 44, 0, 0], &[300]),
        (written(|it| it.put_withdrawal_of_all(false)), 2, [0, 2, 0, 0], &[256, 257]),
        (written(|it| it.put_withdrawal_of_all(true)), 3, [0, 3, 0, 0], &[300, 301]),
    ];
    for (octets, set, record, withdrawn) in cases {
        assert_eq!(octets, message(0, &[(set, &record)]));
        let mut session = stream();
        told(&mut session, &message(0, &defined));
        let expected: Vec<String> = withdrawn.iter().map(|id| format!("withdrawal {id}")).collect();
        assert_eq!(told(&mut session, &octets), expected);
        let left = [256, 257, 300, 301].into_iter().filter(|id| session.template(7, *id).is_some());
        assert!(left.eq([256, 257, 300, 301].into_iter().filter(|id| !withdrawn.contains(id))));
    }
}

/// RFC 7011, 8.1
#[test]
fn an_exporter_withdraws_a_template_behind_its_last_records() {
    let mut exporting = Exporting::to(Wire::default());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    exporting.withdraw(slot);
    assert_eq!(exporting.messages()[1..], [message(0, &[(256, &[6])]), message(1, &[(2, &[1, 0, 0, 0])])]);
}

/// RFC 7011, 8.1
#[test]
fn the_withdrawal_of_a_template_that_is_not_there_is_told_and_does_no_harm() {
    let mut session = stream();
    told(&mut session, &message(0, &[(2, PROTOCOL)]));
    for (set, withdrawal, id) in [(2, [1, 1, 0, 0], 257), (3, [1, 0, 0, 0], 256)] {
        let expected = format!("template {id} is withdrawn");
        assert_eq!(told(&mut session, &message(0, &[(set, &withdrawal)])), [expected]);
    }
    assert_eq!(told(&mut session, &message(0, &[(256, &[6])])), ["4: [06]"]);
    assert_eq!(session.counters().faults, 2);
}

/// RFC 7011, 8.2
#[test]
fn no_message_has_an_earlier_export_time_than_one_before_it() {
    let mut exporting = Exporting::to(Wire::datagrams());
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]]);
    exporting.now.unix_s -= 3600;
    exporting.export(slot, &[[6]]);
    exporting.pass(60);
    let other = exporting.add(Template::new(257, [iana(4, 1)]).unwrap());
    exporting.export(other, &[[6]]);
    exporting.now.unix_s += 7200;
    exporting.export(other, &[[6]]);
    let times: Vec<u32> =
        exporting.messages().iter().map(|it| Message::read(it).unwrap().header.export_time_s).collect();
    assert!(times.is_sorted() && times[0] == 1_000_000_000, "{times:?}");
    assert_eq!(times.last(), Some(&(1_000_000_000 - 3600 + 60 + 7200)));
}

/// RFC 7011, 9
#[test]
fn records_that_come_before_their_template_wait_for_it_in_bounded_room_for_a_bounded_time() {
    let settings = SessionSettings { most_waiting: 200, ..SessionSettings::new(true) };
    let mut session = Session::new(settings);
    for octet in 1..=100 {
        let data = message(0, &[(256, &[octet])]);
        assert_eq!(told_after(&mut session, &data, 0), [format!("unknown 256: [{octet:02x}]")]);
    }
    let definition = message(0, &[(2, PROTOCOL)]);
    let kept = ["template 256", "4: [62]", "4: [63]", "4: [64]"];
    assert_eq!(told_after(&mut session, &definition, 60), kept, "the latest of them");
    assert_eq!(session.counters().unknown_sets, 100);
    let mut session = Session::new(settings);
    told_after(&mut session, &message(0, &[(256, &[6])]), 0);
    assert_eq!(told_after(&mut session, &definition, 61), ["template 256"]);
    assert_eq!((session.counters().unknown_sets, session.counters().records), (1, 0));
}
