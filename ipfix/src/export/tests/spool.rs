//! What waits in a file.

use super::*;

/// 100 octets of messages wait in memory, and so many in the file.
fn spooling(wire: Wire, octets: u64) -> (Setting, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let wire = Arc::new(Mutex::new(wire));
    let mut exporter = Exporter::new(7, 100).unwrap();
    let backoff = Backoff::new(Duration::from_secs(60));
    let settings = CollectorSettings { refresh: EVERY_MINUTE, queue_octets: 100, backoff };
    let collector = Collector::new(Box::new(Memory(Arc::clone(&wire))), None, settings);
    exporter.add_collector(collector.with_spool(Spool::new(directory.path(), octets).unwrap()));
    let mut lost = Lost::default();
    let now = Now { elapsed: Duration::ZERO, unix_s: 1000 };
    let slot = exporter.add_template(number(256), now, &mut lost).unwrap();
    (Setting { exporter, wire, slot, lost, now, next: 0 }, directory)
}

#[test]
fn after_a_pause_within_the_size_of_the_spool_everything_comes_in_order_behind_the_templates() {
    let (mut setting, _directory) = spooling(Wire { refusals: 2, ..Wire::default() }, 10_000);
    for _ in 0..20 {
        setting.export(10);
        setting.pass(5);
    }
    setting.pass(300);
    setting.export(20);
    let [session] = &setting.seen()[..] else { panic!() };
    assert_eq!(session[0], (0, vec![256]));
    let mut sequence = 0;
    for (number, content) in &session[1..] {
        assert_eq!(*number, sequence, "numbered when they are sent");
        sequence += content.len() as u32;
    }
    assert_eq!(setting.numbers(), (0..220).collect::<Vec<_>>());
    assert!(setting.lost.0.is_empty() && setting.exporter.queued_octets() == 0);
}

#[test]
fn what_does_not_fit_into_the_spool_is_lost_and_shows_as_a_gap() {
    let full = Wire { takes: [Some(28), Some(0), Some(0), Some(0)].into(), ..Wire::default() };
    // One message waits in memory, two in the spool.
    let (mut setting, _directory) = spooling(full, 250);
    setting.export(50);
    assert_eq!(setting.lost.0, (30..50).collect::<Vec<_>>());
    setting.pass(1);
    setting.pass(1);
    setting.export(10);
    assert_eq!(setting.numbers(), [(0..30).collect::<Vec<_>>(), (50..60).collect()].concat());
    let sequences: Vec<u32> = setting.seen()[0].iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences[4], 50 - 20 + 20, "20 are missing: {sequences:?}");
}

#[test]
fn what_is_in_the_spool_survives_a_broken_connection() {
    for taken in [1, 50, 128, 200, 300] {
        let wire = Wire { takes: [Some(28), Some(taken), Some(0), Some(0), None].into(), ..Wire::default() };
        let (mut setting, _directory) = spooling(wire, 10_000);
        setting.export(100);
        setting.pass(1);
        setting.pass(1);
        setting.export(1);
        setting.pass(1);
        assert_eq!(setting.numbers(), (0..101).collect::<Vec<_>>(), "{taken}");
        assert_eq!(setting.seen().len(), 2);
    }
}

#[test]
fn a_template_that_comes_while_the_spool_is_used_goes_before_its_records() {
    let full = Wire { takes: [Some(28), Some(0), Some(0), Some(0), Some(0)].into(), ..Wire::default() };
    let (mut setting, _directory) = spooling(full, 10_000);
    setting.export(50);
    let second = setting.exporter.add_template(number(257), setting.now, &mut setting.lost).unwrap();
    setting.exporter.put(second, Records::of_equal_length(&[0; 8], 8), setting.now, &mut setting.lost);
    setting.exporter.flush(setting.now, &mut setting.lost);
    for _ in 0..5 {
        setting.pass(1);
    }
    let session = setting.seen().remove(0);
    let template = session.iter().position(|(_, content)| *content == [257]).unwrap();
    assert!(template < session.len() - 1 && session.last().unwrap().1 == [0]);
    assert_eq!(setting.exporter.queued_octets(), 0);
}

#[test]
fn at_the_end_what_is_in_the_spool_is_lost_and_told() {
    let (mut setting, _directory) = spooling(Wire { refusals: 9, ..Wire::default() }, 10_000);
    setting.export(100);
    assert!(setting.exporter.collectors()[0].room() > 8000);
    setting.exporter.close(&mut setting.lost);
    assert_eq!(setting.lost.0, (0..100).collect::<Vec<_>>());
    assert_eq!(setting.exporter.collectors()[0].statistics().lost_records, 100);
}
