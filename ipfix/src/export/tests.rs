#![allow(clippy::unwrap_used)]

mod acknowledgement;
mod distribution;
mod spool;
mod told;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use super::transport::Transport;
use super::*;
use crate::element::ElementId;
use crate::message::{Message, Records as DataRecords, SetKind, TemplateRecord};
use crate::template::{FieldSpecifier, VARIABLE};

mod lifecycle;

/// What a transport of memory does, and what it was given.
#[derive(Debug, Default)]
struct Wire {
    may_lose: bool,
    /// Answers to attempts to connect; after them, and if there are none, it connects.
    refusals: usize,
    attempts: usize,
    /// Octets that the next calls take; after them, all. `None` is an error.
    takes: VecDeque<Option<usize>>,
    /// Octets of the present session, and of those that follow it, that arrive and are acknowledged at most; in others all are.
    arrive: VecDeque<usize>,
    is_open: bool,
    is_closed: bool,
    sessions: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Memory(Arc<Mutex<Wire>>);

impl Transport for Memory {
    fn may_lose(&self) -> bool {
        self.0.lock().unwrap().may_lose
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        let mut wire = self.0.lock().unwrap();
        wire.attempts += 1;
        if wire.refusals > 0 {
            wire.refusals -= 1;
            return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        wire.is_closed = false;
        wire.is_open = true;
        wire.sessions.push(Vec::new());
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let mut wire = self.0.lock().unwrap();
        assert_eq!(ends.last(), Some(&octets.len()));
        let taken = match wire.takes.pop_front() {
            None => octets.len(),
            Some(None) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Some(0)) => return Err(io::ErrorKind::WouldBlock.into()),
            // Datagrams are taken as a whole.
            Some(Some(_)) if wire.may_lose => ends[0],
            Some(Some(count)) => count.min(octets.len()),
        };
        wire.sessions.last_mut().unwrap().extend_from_slice(&octets[..taken]);
        Ok(taken)
    }

    fn unacknowledged(&self) -> usize {
        let wire = self.0.lock().unwrap();
        let taken = wire.sessions.last().map_or(0, Vec::len);
        wire.arrive.front().map_or(0, |&arrived| taken.saturating_sub(arrived))
    }

    fn is_closed_by_peer(&mut self) -> bool {
        self.0.lock().unwrap().is_closed
    }

    fn wait(&self, _most: Duration) {}

    fn close(&mut self) {
        let mut wire = self.0.lock().unwrap();
        if std::mem::take(&mut wire.is_open)
            && let Some(arrived) = wire.arrive.pop_front()
        {
            wire.sessions.last_mut().unwrap().truncate(arrived);
        }
    }
}

/// Numbers of the records that were lost.
#[derive(Default)]
struct Lost(Vec<u64>);

impl Observer for Lost {
    fn lost(&mut self, _collector: usize, message: &[u8]) {
        let message = Message::read(message).unwrap();
        for set in message.sets().map(Result::unwrap).filter(|set| set.kind() == SetKind::Data) {
            self.0.extend(set.content.chunks(8).map(crate::value::unsigned));
        }
    }

    fn lost_record(&mut self, _template: &Template, record: &[u8]) {
        self.0.push(record.len() as u64);
    }
}

/// An exporter of numbers of eight octets, and what its collector sees.
struct Setting {
    exporter: Exporter,
    wire: Arc<Mutex<Wire>>,
    slot: TemplateSlot,
    lost: Lost,
    now: Now,
    next: u64,
}

impl Setting {
    fn new(wire: Wire, refresh: Refresh, queue_octets: usize) -> Setting {
        let wire = Arc::new(Mutex::new(wire));
        let mut exporter = Exporter::new(7, 100).unwrap();
        let backoff = Backoff::new(Duration::from_secs(60));
        let settings = CollectorSettings { refresh, queue_octets, backoff };
        exporter.add_collector(Collector::new(Box::new(Memory(Arc::clone(&wire))), None, settings));
        let mut lost = Lost::default();
        let now = Now { elapsed: Duration::ZERO, unix_s: 1000 };
        let slot = exporter.add_template(number(256), now, &mut lost).unwrap();
        Setting { exporter, wire, slot, lost, now, next: 0 }
    }

    /// Puts so many numbers, counting on, and flushes.
    fn export(&mut self, count: u64) {
        let octets: Vec<u8> = (self.next..self.next + count).flat_map(u64::to_be_bytes).collect();
        self.next += count;
        let records = Records::of_equal_length(&octets, 8);
        self.exporter.put(self.slot, records, self.now, &mut self.lost);
        self.exporter.flush(self.now, &mut self.lost);
    }

    fn pass(&mut self, seconds: u64) {
        self.now.elapsed += Duration::from_secs(seconds);
        self.now.unix_s += seconds as u32;
        self.exporter.advance(self.now, &mut self.lost);
    }

    /// What came in each session: messages as (sequence number, ids of templates or numbers).
    fn seen(&self) -> Vec<Vec<(u32, Vec<u64>)>> {
        let wire = self.wire.lock().unwrap();
        wire.sessions.iter().map(|octets| read_all(octets)).collect()
    }

    /// The numbers that came, in order, whatever the session.
    fn numbers(&self) -> Vec<u64> {
        self.seen().into_iter().flatten().flat_map(|(_, content)| content).filter(|n| *n < 256).collect()
    }
}

fn read_all(mut octets: &[u8]) -> Vec<(u32, Vec<u64>)> {
    let mut messages = Vec::new();
    while let Ok(Some((message, rest))) = Message::read_from(octets) {
        octets = rest;
        assert!(message.header.length <= 100 && message.header.domain == 7);
        let mut content = Vec::new();
        for set in message.sets().map(Result::unwrap) {
            for template in set.templates() {
                let TemplateRecord::Definition(view) = template.unwrap() else { panic!() };
                content.push(view.id.into());
            }
            if set.kind() == SetKind::Data {
                let template = number(set.id);
                let numbers = DataRecords::new(&template, set.content);
                content.extend(numbers.map(|record| crate::value::unsigned(record.unwrap().octets())));
            }
        }
        messages.push((message.header.sequence, content));
    }
    messages
}

fn number(id: u16) -> Template {
    Template::new(id, [FieldSpecifier::new(ElementId::iana(148), 8)]).unwrap()
}

const EVERY_MINUTE: Refresh = Refresh { interval: Some(Duration::from_secs(60)), messages: None };
const PLENTY: usize = 1 << 20;

fn datagrams() -> Wire {
    Wire { may_lose: true, ..Wire::default() }
}

#[test]
fn templates_come_first_and_the_sequence_counts_the_records_before_a_message() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    setting.export(12);
    setting.pass(600);
    setting.export(1);
    let expected = [(0, vec![256]), (0, (0..10).collect()), (10, vec![10, 11]), (12, vec![12])];
    assert_eq!(setting.seen(), [expected], "and once a session where nothing gets lost");
    assert!(setting.lost.0.is_empty());
}

#[test]
fn templates_are_repeated_at_their_interval_and_not_earlier_where_they_may_get_lost() {
    let mut setting = Setting::new(datagrams(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.pass(59);
    setting.export(1);
    setting.pass(1);
    setting.pass(59);
    setting.pass(1);
    setting.export(1);
    let ids = vec![256];
    let expected = [(0, ids.clone()), (0, vec![0]), (1, vec![1]), (2, ids.clone()), (2, ids), (2, vec![2])];
    assert_eq!(setting.seen(), [expected]);
}

#[test]
fn templates_are_repeated_after_so_many_messages() {
    let refresh = Refresh { interval: None, messages: Some(3) };
    let mut setting = Setting::new(datagrams(), refresh, PLENTY);
    for _ in 0..7 {
        setting.export(1);
    }
    let templates: Vec<usize> =
        setting.seen()[0].iter().enumerate().filter(|(_, (_, c))| c == &[256]).map(|(at, _)| at).collect();
    assert_eq!(templates, [0, 4, 8]);
}

#[test]
fn a_new_template_is_sent_before_its_records_and_alone() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    let second = setting.exporter.add_template(number(257), setting.now, &mut setting.lost).unwrap();
    setting.exporter.put(setting.slot, Records::of_equal_length(&[0; 8], 8), setting.now, &mut setting.lost);
    setting.exporter.put(second, Records::of_lengths(&[0; 16], &[8, 8]), setting.now, &mut setting.lost);
    setting.exporter.flush(setting.now, &mut setting.lost);
    let expected = [(0, vec![256]), (0, vec![0]), (1, vec![257]), (1, vec![0, 0, 0])];
    assert_eq!(setting.seen(), [expected], "the newest template's set first, both in one message");
    let long = Template::new(258, vec![FieldSpecifier::new(ElementId::iana(1), 8); 30]).unwrap();
    assert!(setting.exporter.add_template(long, setting.now, &mut setting.lost).is_ok(), "it goes alone");
    let endless = Template::new(259, vec![FieldSpecifier::new(ElementId::new(1, 1), 1); 9000]).unwrap();
    let endless = setting.exporter.add_template(endless, setting.now, &mut setting.lost);
    assert_eq!(endless, Err(ExportError::TemplateTooLong { id: 259, octets: 72_004 }));
    let twice = setting.exporter.add_template(number(256), setting.now, &mut setting.lost);
    assert_eq!(twice, Err(ExportError::DuplicateId(256)));
}

#[test]
fn no_attempt_follows_a_failed_one_within_a_minute() {
    let mut setting = Setting::new(Wire { refusals: 4, ..Wire::default() }, EVERY_MINUTE, PLENTY);
    let mut attempts = Vec::new();
    for second in 0..800 {
        setting.export(u64::from(second < 3));
        let made = setting.wire.lock().unwrap().attempts;
        if made > attempts.len() {
            attempts.push(second);
        }
        setting.pass(1);
    }
    assert_eq!(attempts.len(), 5);
    assert!(attempts.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{attempts:?}");
    let expected = [(0, vec![256]), (0, vec![0]), (1, vec![1]), (2, vec![2])];
    assert_eq!(setting.seen(), [expected], "what waited comes after the templates");
}

#[test]
fn where_nothing_may_wait_what_the_transport_takes_goes_all_the_same() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, 0);
    setting.export(12);
    setting.export(1);
    assert_eq!((setting.numbers(), setting.lost.0), ((0..13).collect::<Vec<_>>(), vec![]));
}

#[test]
fn what_does_not_fit_into_the_queue_is_lost_and_told() {
    let mut setting = Setting::new(Wire { refusals: 1, ..Wire::default() }, EVERY_MINUTE, 250);
    setting.export(30);
    assert_eq!(setting.lost.0, (20..30).collect::<Vec<_>>());
    setting.pass(90);
    assert_eq!(setting.numbers(), (0..20).collect::<Vec<_>>());
    let statistics = setting.exporter.collectors()[0].statistics();
    assert_eq!(
        statistics,
        Statistics { sessions: 1, messages: 3, octets: 228, records: 20, flow_records: 20, lost_records: 10 }
    );
}

#[test]
fn a_message_of_which_a_part_was_taken_goes_on_where_it_stopped() {
    for taken in 1..300 {
        let wire = Wire { takes: [Some(taken), Some(0), Some(3)].into(), ..Wire::default() };
        let mut setting = Setting::new(wire, EVERY_MINUTE, PLENTY);
        setting.export(30);
        setting.export(1);
        setting.pass(1);
        assert_eq!(setting.numbers(), (0..31).collect::<Vec<_>>(), "{taken}");
        assert!(setting.exporter.queued_octets() == 0);
        let sequences: Vec<u32> = setting.seen()[0].iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(sequences, [0, 0, 10, 20, 30]);
    }
}

#[test]
fn after_a_broken_connection_everything_not_taken_comes_in_a_new_session() {
    for taken in 0..300 {
        let wire = Wire { takes: [Some(1000), Some(taken.max(1)), None].into(), ..Wire::default() };
        let mut setting = Setting::new(wire, EVERY_MINUTE, PLENTY);
        setting.export(30);
        setting.export(1);
        setting.pass(1);
        let seen = setting.seen();
        let last = seen.last().unwrap();
        assert_eq!(last[0], (0, vec![256]), "templates first, numbers from 0");
        let numbers = setting.numbers();
        assert_eq!(numbers, (0..31).collect::<Vec<_>>(), "{taken}");
        let mut sequence = 0;
        for (number, content) in &last[1..] {
            assert_eq!(*number, sequence);
            sequence += content.len() as u32;
        }
    }
}

#[test]
fn a_collector_that_closes_the_connection_is_connected_to_at_once() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.wire.lock().unwrap().is_closed = true;
    setting.export(1);
    let session = |number| vec![(0, vec![256]), (0, vec![number])];
    assert_eq!(setting.seen(), [session(0), session(1)]);
}

#[test]
fn a_datagram_that_cannot_be_sent_is_lost_and_leaves_a_gap() {
    let wire = Wire { takes: [Some(1000), Some(1), None, Some(0)].into(), ..datagrams() };
    let mut setting = Setting::new(wire, EVERY_MINUTE, PLENTY);
    setting.export(40);
    setting.export(1);
    assert_eq!(setting.lost.0, (10..20).collect::<Vec<_>>());
    let sequences: Vec<u32> = setting.seen()[0].iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [0, 0, 20, 30, 40]);
}

#[test]
fn export_times_do_not_go_back_within_a_session() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    setting.export(1);
    setting.now.unix_s -= 500;
    setting.export(1);
    let wire = setting.wire.lock().unwrap();
    let mut octets = &wire.sessions[0][..];
    while let Ok(Some((message, rest))) = Message::read_from(octets) {
        assert_eq!(message.header.export_time_s, 1000);
        octets = rest;
    }
}

#[test]
fn a_record_longer_than_a_message_is_lost_alone() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    let name = Template::new(300, [FieldSpecifier::new(ElementId::iana(82), VARIABLE)]).unwrap();
    let slot = setting.exporter.add_template(name, setting.now, &mut setting.lost).unwrap();
    let records = Records::of_lengths(&[0; 100], &[5, 90, 5]);
    setting.exporter.put(slot, records, setting.now, &mut setting.lost);
    setting.export(1);
    assert_eq!(setting.lost.0, [90]);
    assert_eq!(setting.exporter.collectors()[0].statistics().records, 3);
}

#[test]
fn at_the_end_what_waits_is_lost_and_told() {
    let mut setting = Setting::new(Wire { refusals: 2, ..Wire::default() }, EVERY_MINUTE, PLENTY);
    setting.export(3);
    setting.exporter.hurry(setting.now);
    setting.pass(0);
    assert_eq!(setting.wire.lock().unwrap().attempts, 2, "one more attempt");
    setting.exporter.close(&mut setting.lost);
    assert_eq!(setting.lost.0, [0, 1, 2]);
    assert!(setting.exporter.queued_octets() == 0 && setting.numbers().is_empty());
}

#[test]
fn every_collector_has_a_session_of_its_own() {
    let mut setting = Setting::new(Wire::default(), EVERY_MINUTE, PLENTY);
    setting.export(2);
    let wire = Arc::new(Mutex::new(datagrams()));
    let settings = CollectorSettings {
        refresh: EVERY_MINUTE,
        queue_octets: PLENTY,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    let late = Collector::new(Box::new(Memory(Arc::clone(&wire))), None, settings);
    setting.exporter.add_collector(late);
    setting.export(2);
    assert_eq!(setting.seen()[0].last().unwrap(), &(2, vec![2, 3]));
    let late = read_all(&wire.lock().unwrap().sessions[0]);
    assert_eq!(late, [(0, vec![256]), (0, vec![2, 3])]);
}
