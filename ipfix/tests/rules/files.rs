//! Files of messages (RFC 5655).

use std::fs;
use std::path::Path;
use std::time::Duration;

use weir_ipfix::collect::{Collector, CollectorSettings, Event, News};
use weir_ipfix::element::DataType;
use weir_ipfix::export::transport::{File, Rotation};
use weir_ipfix::export::{self, Exporter, Now, Records};
use weir_ipfix::options::{ExportSessionDetails, FileTimeWindow, OptionsRecord};
use weir_ipfix::registry;
use weir_ipfix::time::Time;
use weir_ipfix::value::unsigned;

use crate::by_hand::{CLASS, PROTOCOL, in_short, message, template};
use crate::exporting::{Lost, settings};

const NOW: Now = Now { elapsed: Duration::ZERO, unix_s: 1_000_000_000 };

/// An exporter into files, of messages with up to 80 octets as records.
fn into(file: File, records: &[u8]) {
    let mut exporter = Exporter::new(7, 100).unwrap();
    exporter.add_collector(export::Collector::new(Box::new(file), None, settings(1 << 20)));
    let mut lost = Lost::default();
    let slot = exporter.add_template(template(4, 1), NOW, &mut lost).unwrap();
    exporter.put(slot, Records::of_equal_length(records, 1), NOW, &mut lost);
    exporter.flush(NOW, &mut lost);
    while exporter.queued_octets() > 0 {
        exporter.advance(NOW, &mut lost);
    }
    exporter.close(&mut lost);
    assert_eq!(lost.messages + lost.records, 0);
}

/// What a collector tells of a file.
fn told(path: &Path) -> Vec<String> {
    let mut told = Vec::new();
    let read = Collector::new(CollectorSettings::default()).read_file(path, |_, news| {
        told.push(match news {
            News::Opened => "opened".to_owned(),
            News::Event(_, event) => in_short(&event),
            News::Closed(why, _) => format!("closed: {why}"),
            other => format!("{other:?}"),
        });
    });
    assert_eq!(read.unwrap().lost_records, 0);
    told
}

/// RFC 5655, 6
#[test]
fn a_file_is_messages_one_after_the_other_templates_before_their_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    into(File::new(&path, None), &[6; 81]);
    let expected =
        [message(0, &[(2, PROTOCOL)]), message(0, &[(256, &[6; 80])]), message(80, &[(256, &[6])])];
    assert_eq!(fs::read(&path).unwrap(), expected.concat());
}

/// RFC 5655, 6 and 9
#[test]
fn every_file_can_be_read_without_the_ones_before() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = Rotation { octets: Some(130), after: None };
    into(File::new(directory.path().join("flows"), Some(rotation)), &[6; 161]);
    for (number, records) in [(0, 80), (1, 80), (2, 1)] {
        let path = directory.path().join(format!("flows.{number:010}"));
        let file = [message(0, &[(2, PROTOCOL)]), message(0, &[(256, &vec![6; records])])].concat();
        assert_eq!(fs::read(&path).unwrap(), file);
        let told = told(&path);
        assert_eq!((&*told[1], told.len()), ("template 256", 3 + records));
    }
}

/// RFC 5655, 6
#[test]
fn of_a_file_that_is_cut_off_all_whole_messages_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let parts = [message(0, &[(2, PROTOCOL)]), message(0, &[(256, &[6])]), message(1, &[(256, &[17])])];
    let octets = parts.concat();
    let all = ["opened", "template 256", "4: [06]", "4: [11]"];
    for length in 0..=octets.len() {
        fs::write(&path, &octets[..length]).unwrap();
        let mut end = 0;
        let whole = parts.iter().take_while(|part| {
            end += part.len();
            end <= length
        });
        let whole = whole.count();
        let is_between = parts[..whole].iter().map(Vec::len).sum::<usize>() == length;
        let why = if is_between { "closed: at its end" } else { "closed: in the middle of a message" };
        assert_eq!(told(&path), [&all[..=whole], &[why]].concat(), "{length}");
    }
}

/// RFC 5655, 6: a length that is right leads past a message of which a part is wrong.
#[test]
fn what_is_wrong_within_a_message_does_not_hide_the_messages_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let mut wrong = message(0, &[(256, &[6]), (256, &[17])]);
    wrong[18..20].copy_from_slice(&[0, 3]);
    fs::write(&path, [message(0, &[(2, PROTOCOL)]), wrong, message(2, &[(256, &[1])])].concat()).unwrap();
    let fault = "set 256 says that it is 3 octets long, of 10 that are left";
    assert_eq!(told(&path), ["opened", "template 256", fault, "4: [01]", "closed: at its end"]);
}

/// RFC 5655, 8.1
#[test]
fn a_file_may_say_when_and_in_which_session_it_was_collected() {
    let known = [
        (262, "messageMD5Checksum"),
        (263, "messageScope"),
        (264, "minExportSeconds"),
        (267, "sessionScope"),
    ];
    for (number, name) in known {
        assert_eq!(registry::by_name(name).unwrap().id.number, number);
    }
    assert_eq!(registry::by_name("messageMD5Checksum").unwrap().data_type, DataType::OctetArray);
    let window = FileTimeWindow {
        exported: (Time::new(1_000_000_000, 0), Time::new(1_000_000_600, 0)),
        flows: (Time::new(999_999_000, 0), Time::new(1_000_000_599, 0)),
    };
    let details = ExportSessionDetails {
        exporter: "192.0.2.1:40000".parse().unwrap(),
        collector: "192.0.2.2:4739".parse().unwrap(),
        transport: 6,
        version: 10,
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let mut exporter = Exporter::new(7, 1000).unwrap();
    let file = Box::new(File::new(&path, None));
    exporter.add_collector(export::Collector::new(file, None, settings(1 << 20)));
    let mut lost = Lost::default();
    for (template, record) in [
        (window.template(300).unwrap(), window.to_record().unwrap()),
        (details.template(301).unwrap(), details.to_record().unwrap()),
    ] {
        let slot = exporter.add_template(template, NOW, &mut lost).unwrap();
        exporter.add_standing(slot, &record, NOW, &mut lost).unwrap();
    }
    exporter.flush(NOW, &mut lost);
    exporter.close(&mut lost);
    let (mut windows, mut sessions, mut records) = (Vec::new(), Vec::new(), 0);
    Collector::new(CollectorSettings::default())
        .read_file(&path, |_, news| {
            if let News::Event(_, Event::Record(record)) = news {
                records += 1;
                windows.extend(FileTimeWindow::read(&record));
                sessions.extend(ExportSessionDetails::read(&record));
            }
        })
        .unwrap();
    assert_eq!((windows, sessions, records), (vec![window], vec![details], 2));
}

/// RFC 5655, 8.1.1: sums of messages are records like others.
#[test]
fn a_checksum_of_a_message_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    // The scope messageScope, an octet, and messageMD5Checksum.
    let options = [1, 44, 0, 2, 0, 1, 1, 7, 0, 1, 1, 6, 0, 16];
    let sum = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdefu128.to_be_bytes();
    let octets = message(0, &[(3, &options), (300, &[&[0][..], &sum].concat()), (2, CLASS), (256, &[6])]);
    fs::write(&path, octets).unwrap();
    let told = told(&path);
    assert_eq!(told[2], format!("263: {:02x?}", [&[0][..], &sum].concat()));
    assert_eq!(unsigned(&sum[8..]), 0x0123_4567_89ab_cdef);
}
