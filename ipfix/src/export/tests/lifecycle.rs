//! Templates and collectors that go, and sets that are sent as they stand.

use super::*;
use crate::message::TemplateRecord::{Definition, Withdrawal};

/// What the collector was told of templates in its latest session: ids, negative for withdrawals, and 0 for data.
fn told(wire: &Mutex<Wire>) -> Vec<i32> {
    let wire = wire.lock().unwrap();
    let mut octets = &wire.sessions.last().unwrap()[..];
    let mut told = Vec::new();
    while let Ok(Some((message, rest))) = Message::read_from(octets) {
        octets = rest;
        for set in message.sets().map(Result::unwrap) {
            told.extend((set.kind() == SetKind::Data).then_some(0));
            told.extend(set.templates().map(|record| match record.unwrap() {
                Definition(view) => i32::from(view.id),
                Withdrawal(id) => -i32::from(id),
            }));
        }
    }
    told
}

fn octets(id: u16) -> Template {
    Template::new(id, [FieldSpecifier::new(ElementId::iana(1), 4)]).unwrap()
}

#[test]
fn a_template_is_withdrawn_after_its_last_record_and_its_id_is_free() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let Setting { exporter, slot, lost, now, .. } = &mut setting;
    exporter.put(*slot, Records::of_equal_length(&[0; 8], 8), *now, lost);
    exporter.withdraw_template(*slot, *now, lost);
    exporter.withdraw_template(*slot, *now, lost);
    exporter.put(*slot, Records::of_equal_length(&[0; 8], 8), *now, lost);
    let again = exporter.add_template(octets(256), *now, lost).unwrap();
    exporter.put(again, Records::of_equal_length(&[0; 4], 4), *now, lost);
    exporter.flush(*now, lost);
    assert_eq!(told(&setting.wire), [256, 0, -256, 256, 0], "what was put too late goes nowhere");
}

#[test]
fn a_template_that_was_never_sent_is_not_withdrawn() {
    let mut setting = Setting::new(Wire { refusals: 1, ..Wire::default() }, EVERY_MINUTE, PLENTY);
    let Setting { exporter, slot, lost, now, .. } = &mut setting;
    exporter.withdraw_template(*slot, *now, lost);
    exporter.add_template(number(257), *now, lost).unwrap();
    setting.pass(90);
    assert_eq!(told(&setting.wire), [257]);
}

#[test]
fn a_template_stays_as_long_as_records_wait_and_is_told_in_the_next_session() {
    let wire = Wire { takes: [Some(1000), Some(0), None].into(), ..Wire::default() };
    let mut setting = Setting::new(wire, EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.exporter.withdraw_template(setting.slot, setting.now, &mut setting.lost);
    let twice = setting.exporter.add_template(octets(256), setting.now, &mut setting.lost);
    assert_eq!(twice, Err(ExportError::DuplicateId(256)), "it is still needed");
    setting.pass(1);
    setting.pass(1);
    assert_eq!(setting.wire.lock().unwrap().sessions.len(), 2);
    assert_eq!(told(&setting.wire), [256, 0, -256]);
    assert!(setting.lost.0.is_empty());
    assert!(setting.exporter.add_template(octets(256), setting.now, &mut setting.lost).is_ok());
}

#[test]
fn where_nothing_is_withdrawn_an_id_rests_for_three_intervals() {
    let mut setting = Setting::new(datagrams(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.exporter.withdraw_template(setting.slot, setting.now, &mut setting.lost);
    setting.pass(179);
    let early = setting.exporter.add_template(octets(256), setting.now, &mut setting.lost);
    assert_eq!(early, Err(ExportError::Resting { id: 256, seconds: 1 }));
    assert!(setting.exporter.add_template(octets(257), setting.now, &mut setting.lost).is_ok());
    setting.pass(1);
    assert!(setting.exporter.add_template(octets(256), setting.now, &mut setting.lost).is_ok());
    setting.pass(0);
    assert_eq!(told(&setting.wire), [256, 0, 257, 256]);
}

#[test]
fn the_same_template_may_come_back_at_once() {
    let mut setting = Setting::new(datagrams(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.exporter.withdraw_template(setting.slot, setting.now, &mut setting.lost);
    assert!(setting.exporter.add_template(number(256), setting.now, &mut setting.lost).is_ok());
}

#[test]
fn sets_are_sent_in_their_order_and_in_one_message_if_it_holds_them() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let Setting { exporter, slot, lost, now, .. } = &mut setting;
    let other = exporter.add_template(octets(300), *now, lost).unwrap();
    let (eights, fours) = ([1; 16], [2; 12]);
    let of_eight = (*slot, Records::of_equal_length(&eights, 8));
    let of_four = (other, Records::of_equal_length(&fours, 4));
    exporter.put(*slot, Records::of_equal_length(&[0; 8], 8), *now, lost);
    exporter.send(&[of_eight, of_four, of_eight], *now, lost);
    exporter.send(&[], *now, lost);
    let wire = setting.wire.lock().unwrap();
    let mut octets = &wire.sessions[0][..];
    let mut sets = Vec::new();
    while let Ok(Some((message, rest))) = Message::read_from(octets) {
        octets = rest;
        let each = message.sets().map(Result::unwrap).map(|set| (set.id, set.content.len()));
        sets.push((message.header.sequence, each.collect::<Vec<_>>()));
    }
    let expected = [(0, vec![(256, 8)]), (1, vec![(256, 16), (300, 12), (256, 16)])];
    assert_eq!(sets[1..], expected);
}

#[test]
fn sets_that_one_message_cannot_hold_go_into_several() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let Setting { exporter, slot, lost, now, .. } = &mut setting;
    let name = Template::new(300, [FieldSpecifier::new(ElementId::iana(82), VARIABLE)]).unwrap();
    let name = exporter.add_template(name, *now, lost).unwrap();
    let numbers: Vec<u8> = (0..25).flat_map(u64::to_be_bytes).collect();
    let numbers = (*slot, Records::of_equal_length(&numbers, 8));
    let text = (name, Records::of_lengths(&[0; 100], &[5, 90, 5]));
    exporter.send(&[text, numbers], *now, lost);
    assert_eq!(setting.lost.0, [90], "no message could hold it");
    let wire = setting.wire.lock().unwrap();
    let (mut octets, mut sequences) = (&wire.sessions[0][..], Vec::new());
    while let Ok(Some((message, rest))) = Message::read_from(octets) {
        octets = rest;
        assert!(message.header.length <= 100);
        sequences.push(message.header.sequence);
    }
    assert_eq!(sequences, [0, 0, 1, 10, 20], "the second one holds a text and eight numbers");
}

#[test]
fn a_collector_that_is_removed_gets_nothing_more() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let wire = Arc::new(Mutex::new(Wire::default()));
    let settings = CollectorSettings {
        refresh: EVERY_MINUTE,
        queue_octets: PLENTY,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    let other = Collector::new(Box::new(Memory(Arc::clone(&wire))), None, settings);
    assert_eq!(setting.exporter.add_collector(other), 1);
    setting.export(1);
    assert_eq!(setting.exporter.remove_collector(0, &mut setting.lost).unwrap().records, 1);
    assert_eq!(setting.exporter.remove_collector(0, &mut setting.lost), None);
    setting.export(1);
    assert_eq!(setting.numbers(), [0]);
    let numbers: Vec<_> = read_all(&wire.lock().unwrap().sessions[0]).into_iter().flat_map(|m| m.1).collect();
    assert_eq!(numbers, [256, 0, 1]);
    assert_eq!(setting.exporter.collectors()[0].number(), 1);
}

#[test]
fn standing_records_go_with_their_template() {
    let mut setting = Setting::new(Wire { refusals: 1, ..Wire::default() }, EVERY_MINUTE, PLENTY);
    let Setting { exporter, slot, lost, now, .. } = &mut setting;
    exporter.add_standing(*slot, &[0; 8], *now, lost).unwrap();
    let other = exporter.add_template(number(257), *now, lost).unwrap();
    exporter.add_standing(other, &[0; 8], *now, lost).unwrap();
    exporter.withdraw_template(*slot, *now, lost);
    let third = exporter.add_template(number(258), *now, lost).unwrap();
    setting.pass(90);
    assert_eq!(told(&setting.wire), [257, 258, 0], "those in later places first");
    setting.exporter.add_standing(third, &[0; 8], setting.now, &mut setting.lost).unwrap();
    setting.pass(0);
    setting.pass(100);
    assert_eq!(told(&setting.wire), [257, 258, 0, 0]);
}

#[test]
fn where_all_messages_tell_their_templates_sets_in_order_do() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let Setting { exporter, lost, now, wire, .. } = &mut setting;
    *exporter = Exporter::new(7, 100).unwrap().with_templates(TemplateMode::Always);
    let settings = CollectorSettings {
        refresh: EVERY_MINUTE,
        queue_octets: PLENTY,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    exporter.add_collector(Collector::new(Box::new(Memory(Arc::clone(wire))), None, settings));
    let slot = exporter.add_template(octets(300), *now, lost).unwrap();
    exporter.send(&[(slot, Records::of_equal_length(&[0; 100], 4))], *now, lost);
    assert_eq!(told(wire), [300, 0, 300, 0]);
}
