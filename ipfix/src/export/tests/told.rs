//! How templates and standing records get to the collectors.

use super::*;

/// An exporter of numbers that tells its templates in `mode`.
fn setting(wire: Wire, mode: TemplateMode, refresh: Refresh) -> Setting {
    let mut setting = Setting::new(wire, refresh, PLENTY);
    let mut exporter = Exporter::new(7, 100).unwrap().with_templates(mode);
    let settings =
        CollectorSettings { refresh, queue_octets: PLENTY, backoff: Backoff::new(Duration::from_secs(60)) };
    exporter.add_collector(Collector::new(Box::new(Memory(Arc::clone(&setting.wire))), None, settings));
    setting.slot = exporter.add_template(number(256), setting.now, &mut setting.lost).unwrap();
    setting.exporter = exporter;
    setting
}

/// Options about an observation domain: a number.
fn options(id: u16) -> Template {
    let fields = [FieldSpecifier::new(ElementId::iana(149), 4), FieldSpecifier::new(ElementId::iana(41), 4)];
    Template::options(id, 1, fields).unwrap()
}

impl Setting {
    fn add_options(&mut self, id: u16) -> TemplateSlot {
        self.exporter.add_template(options(id), self.now, &mut self.lost).unwrap()
    }

    fn add_standing(&mut self, slot: TemplateSlot, record: u64) {
        let record = record.to_be_bytes();
        self.exporter.add_standing(slot, &record, self.now, &mut self.lost).unwrap();
    }
}

#[test]
fn every_message_tells_its_templates_before_its_records() {
    let mut setting = setting(Wire::default(), TemplateMode::Always, EVERY_MINUTE);
    setting.export(12);
    let second = setting.exporter.add_template(number(257), setting.now, &mut setting.lost).unwrap();
    setting.exporter.put(second, Records::of_equal_length(&[0; 8], 8), setting.now, &mut setting.lost);
    setting.export(1);
    // Room for 100 - 16 - 12 - 4 octets of records.
    let first = |from, to| [256].into_iter().chain(from..to).collect();
    let expected = [(0, first(0, 8)), (8, first(8, 12)), (12, vec![257, 256, 0, 12])];
    assert_eq!(setting.seen(), [expected]);
    let wire = setting.wire.lock().unwrap();
    assert_eq!(wire.sessions[0][16..28], *b"\0\x02\0\x0c\x01\0\0\x01\0\x94\0\x08");
}

#[test]
fn a_template_that_leaves_no_room_for_a_record_cannot_be_in_every_message() {
    let mut setting = setting(Wire::default(), TemplateMode::Always, EVERY_MINUTE);
    let long = Template::new(258, vec![FieldSpecifier::new(ElementId::iana(4), 1); 15]).unwrap();
    let error = setting.exporter.add_template(long, setting.now, &mut setting.lost).unwrap_err();
    assert_eq!(error, ExportError::NoRoomForRecords { id: 258, octets: 64, longest: 100 });
    let text = Template::new(259, [FieldSpecifier::new(ElementId::iana(82), VARIABLE)]).unwrap();
    let slot = setting.exporter.add_template(text, setting.now, &mut setting.lost).unwrap();
    // A header of 16 octets, sets of 12 and 4, and 68.
    let records = Records::of_lengths(&[0; 68 + 69], &[68, 69]);
    setting.exporter.put(slot, records, setting.now, &mut setting.lost);
    setting.exporter.flush(setting.now, &mut setting.lost);
    assert_eq!(setting.wire.lock().unwrap().sessions[0].len(), 100);
    assert_eq!(setting.lost.0, [69]);
}

#[test]
fn nobody_is_told_templates_that_everybody_knows() {
    let mut setting = setting(datagrams(), TemplateMode::Never, EVERY_MINUTE);
    setting.export(2);
    setting.pass(600);
    setting.export(1);
    assert_eq!(setting.seen(), [[(0, vec![0, 1]), (2, vec![2])]]);
}

#[test]
fn a_standing_record_comes_behind_the_templates_of_every_session_and_is_numbered() {
    for mode in [TemplateMode::Once, TemplateMode::Never] {
        let mut setting = setting(Wire::default(), mode, EVERY_MINUTE);
        let slot = setting.add_options(300);
        setting.add_standing(slot, 77);
        setting.export(1);
        setting.add_standing(slot, 78);
        setting.export(1);
        setting.wire.lock().unwrap().is_closed = true;
        setting.export(1);
        let told = |content: Vec<u64>| (mode == TemplateMode::Once).then_some((0, content));
        let first = [(0, vec![77]), (1, vec![0]), (2, vec![78]), (3, vec![1])];
        let second = [(0, vec![77, 78]), (2, vec![2])];
        let ids = vec![300, 256];
        assert_eq!(
            setting.seen(),
            [
                told(ids.clone()).into_iter().chain(first).collect::<Vec<_>>(),
                told(ids).into_iter().chain(second).collect(),
            ]
        );
    }
}

#[test]
fn standing_records_are_repeated_with_their_template() {
    for mode in [TemplateMode::Once, TemplateMode::Always] {
        let mut setting = setting(datagrams(), mode, EVERY_MINUTE);
        let slot = setting.add_options(300);
        setting.add_standing(slot, 77);
        setting.export(1);
        setting.pass(59);
        assert_eq!(setting.numbers(), [77, 0]);
        setting.pass(1);
        assert_eq!(setting.numbers(), [77, 0, 77]);
        let messages = setting.seen().remove(0);
        let last = messages.last().unwrap();
        assert_eq!(*last, (2, if mode == TemplateMode::Once { vec![77] } else { vec![300, 77] }));
    }
}

#[test]
fn a_refresh_after_so_many_messages_does_not_count_what_it_sends_itself() {
    let mut setting = setting(datagrams(), TemplateMode::Once, Refresh { interval: None, messages: Some(2) });
    let slot = setting.add_options(300);
    setting.add_standing(slot, 77);
    for _ in 0..5 {
        setting.export(1);
    }
    assert_eq!(setting.numbers(), [77, 0, 1, 77, 2, 3, 77, 4]);
}

#[test]
fn a_record_about_one_session_goes_there_alone() {
    let mut setting = setting(Wire::default(), TemplateMode::Once, EVERY_MINUTE);
    let other = Arc::new(Mutex::new(datagrams()));
    let settings = CollectorSettings {
        refresh: EVERY_MINUTE,
        queue_octets: PLENTY,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    setting.exporter.add_collector(Collector::new(Box::new(Memory(Arc::clone(&other))), None, settings));
    let slot = setting.add_options(300);
    setting.export(1);
    let (now, lost) = (setting.now, &mut setting.lost);
    assert_eq!(setting.exporter.put_to(1, slot, &77u64.to_be_bytes(), now, lost), Ok(()));
    let too_long = setting.exporter.put_to(1, slot, &[0; 81], now, lost);
    assert_eq!(too_long, Err(ExportError::RecordTooLong { octets: 81 }));
    setting.export(1);
    assert_eq!(setting.numbers(), [0, 1]);
    let read = read_all(&other.lock().unwrap().sessions[0]);
    assert_eq!(read[1..], [(0, vec![0]), (1, vec![77]), (2, vec![1])]);
    let statistics = setting.exporter.collectors()[1].statistics();
    let octets = other.lock().unwrap().sessions[0].len() as u64;
    assert_eq!(
        statistics,
        Statistics { sessions: 1, messages: 4, octets, records: 3, flow_records: 2, lost_records: 0 }
    );
}

#[test]
fn common_properties_are_told_once_a_session_before_the_records_that_refer_to_them() {
    let mut setting = setting(Wire::default(), TemplateMode::Once, EVERY_MINUTE);
    let name = FieldSpecifier::new(ElementId::iana(82), VARIABLE);
    let template = common_properties_template(300, &[name]).unwrap();
    let slot = setting.exporter.add_template(template, setting.now, &mut setting.lost).unwrap();
    let data = Template::new(301, [COMMON_PROPERTIES_FIELD]).unwrap();
    let data = setting.exporter.add_template(data, setting.now, &mut setting.lost).unwrap();
    for (name, expected) in [(b"\x04eth0", 1u64), (b"\x04eth1", 2)] {
        let id = setting.exporter.add_common_properties(slot, name, setting.now, &mut setting.lost).unwrap();
        assert_eq!(id, expected);
        setting.exporter.put(
            data,
            Records::of_equal_length(&id.to_be_bytes(), 8),
            setting.now,
            &mut setting.lost,
        );
        setting.exporter.flush(setting.now, &mut setting.lost);
    }
    let refused = setting.exporter.add_common_properties(data, b"", setting.now, &mut setting.lost);
    assert_eq!(refused, Err(ExportError::NoCommonProperties));
    let octets = setting.wire.lock().unwrap().sessions[0].clone();
    let mut session = crate::collect::Session::new(crate::collect::SessionSettings::new(false));
    let (mut rest, mut names) = (&octets[..], Vec::new());
    while let Ok(Some((message, after))) = Message::read_from(rest) {
        rest = after;
        session.read(&message, crate::collect::Arrival::default(), |event| match event {
            crate::collect::Event::Record(record) if !record.template().is_options() => {
                names.extend(record.joined().map(|field| field.content.to_vec()));
            }
            crate::collect::Event::Fault(fault) => panic!("{fault}"),
            _ => {}
        });
    }
    assert_eq!(names, [b"eth0", b"eth1"]);
    assert_eq!(session.counters().lost_records, 0, "they are numbered");
}

#[test]
fn a_record_about_a_session_that_is_not_there_is_forgotten() {
    let mut setting = setting(Wire { refusals: 1, ..Wire::default() }, TemplateMode::Once, EVERY_MINUTE);
    let slot = setting.add_options(300);
    setting.export(1);
    let put = setting.exporter.put_to(0, slot, &77u64.to_be_bytes(), setting.now, &mut setting.lost);
    assert_eq!(put, Ok(()));
    setting.pass(90);
    assert_eq!(setting.numbers(), [0]);
    assert_eq!(setting.exporter.collectors()[0].statistics().flow_records, 1);
}
