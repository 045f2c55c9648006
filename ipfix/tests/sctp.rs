//! SCTP, by the sockets of the kernel. `scripts/test-sctp` runs these tests in a kernel that has it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use weir_ipfix::collect::{Collector, CollectorSettings, Event, News, Packet, Peer, SessionCounters};
use weir_ipfix::element::ElementId;
use weir_ipfix::export::transport::{Sctp, SctpSettings};
use weir_ipfix::export::{self, Backoff, Exporter, Now, Observer, Records, Refresh, TemplateSlot};
use weir_ipfix::message::{Message, SetKind};
use weir_ipfix::template::{FieldSpecifier, Template};
use weir_ipfix::value::unsigned;

const SETTINGS: SctpSettings =
    SctpSettings { patience: Duration::from_secs(5), lifetime: None, data_streams: 0 };

fn template(id: u16) -> Template {
    Template::new(id, [FieldSpecifier::new(ElementId::iana(1), 8)]).unwrap()
}

/// Counts what is lost.
#[derive(Debug, Default)]
struct Log {
    lost_records: u64,
    sessions: usize,
}

impl Observer for Log {
    fn lost(&mut self, _collector: usize, message: &[u8]) {
        for set in Message::read(message).unwrap().sets().flatten() {
            if set.kind() == SetKind::Data {
                self.lost_records += set.content.len() as u64 / 8;
            }
        }
    }

    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {
        panic!("a record is too long");
    }

    fn connected(&mut self, _collector: usize) {
        self.sessions += 1;
    }
}

/// An exporter of records of two templates, each of which has one number.
struct Exporting {
    exporter: Exporter,
    slots: [TemplateSlot; 2],
    log: Log,
    began: Instant,
    exported: u64,
}

impl Exporting {
    fn to(port: u16, settings: SctpSettings, queue_octets: usize) -> Exporting {
        let transport = Sctp::new("127.0.0.1", port, settings).unwrap();
        let mut exporter = Exporter::new(7, 1400).unwrap();
        let backoff = Backoff::new(Duration::from_millis(50));
        let settings = export::CollectorSettings { refresh: Refresh::default(), queue_octets, backoff };
        exporter.add_collector(export::Collector::new(Box::new(transport), None, settings));
        let mut log = Log::default();
        let now = Now { elapsed: Duration::ZERO, unix_s: 1000 };
        let slots = [256, 257].map(|id| exporter.add_template(template(id), now, &mut log).unwrap());
        Exporting { exporter, slots, log, began: Instant::now(), exported: 0 }
    }

    fn now(&self) -> Now {
        Now { elapsed: self.began.elapsed(), unix_s: 1000 }
    }

    /// Exports so many records, alternating between the templates.
    fn export(&mut self, count: u64) {
        for _ in 0..count {
            let slot = self.slots[(self.exported % 2) as usize];
            let octets = self.exported.to_be_bytes();
            let records = Records::of_equal_length(&octets, 8);
            self.exporter.put(slot, records, self.now(), &mut self.log);
            self.exported += 1;
        }
        self.exporter.flush(self.now(), &mut self.log);
    }

    fn advance(&mut self) {
        self.exporter.advance(self.now(), &mut self.log);
    }

    fn is_connected(&self) -> bool {
        self.exporter.collectors()[0].is_up()
    }

    /// Records of which it is not known yet what becomes of them.
    fn is_busy(&self) -> bool {
        self.exporter.collectors()[0].is_busy()
    }

    fn close(&mut self) {
        self.exporter.close(&mut self.log);
    }

    fn statistics(&self) -> export::Statistics {
        self.exporter.collectors()[0].statistics()
    }
}

/// A collector, and what it was told.
struct Collecting {
    collector: Collector,
    address: SocketAddr,
    values: Vec<u64>,
    /// The sequence number of each data message and its first set.
    numbers: Vec<(u32, u16)>,
    ends: Vec<(String, SessionCounters)>,
    malformed: usize,
}

impl Collecting {
    fn at(port: u16) -> Collecting {
        let mut collector = Collector::new(CollectorSettings::default());
        let address = collector.listen_sctp((Ipv4Addr::LOCALHOST, port).into()).unwrap();
        Collecting {
            collector,
            address,
            values: Vec::new(),
            numbers: Vec::new(),
            ends: Vec::new(),
            malformed: 0,
        }
    }

    /// A number of all sessions together, those that have ended and those that there are.
    fn sum(&self, what: impl Fn(&SessionCounters) -> u64) -> u64 {
        let ended = self.ends.iter().map(|(_, counters)| *counters);
        ended
            .chain(self.collector.sessions().map(|(_, counters)| counters))
            .map(|counters| what(&counters))
            .sum()
    }

    fn poll(&mut self, most: Duration) {
        let Collecting { collector, values, numbers, ends, malformed, address } = self;
        let address = *address;
        collector
            .poll(most, |peer, news| {
                assert!(matches!(peer, Peer::Sctp { local, .. } if *local == address));
                match news {
                    News::Event(Packet::Ipfix(message), Event::Record(record)) => {
                        let first = message.sets().next().unwrap().unwrap().id;
                        let number = (message.header.sequence, first);
                        if numbers.last() != Some(&number) {
                            numbers.push(number);
                        }
                        values.push(unsigned(record.get(ElementId::iana(1)).unwrap()));
                    }
                    News::Closed(why, counters) => ends.push((why.to_string(), counters)),
                    News::Malformed(_) => *malformed += 1,
                    News::Event(_, Event::Fault(fault)) => panic!("{fault}"),
                    _ => {}
                }
            })
            .unwrap();
    }
}

const SOON: Duration = Duration::from_millis(5);

/// Goes on with both until something holds.
fn until(
    exporting: &mut Exporting,
    collecting: &mut Collecting,
    what: &str,
    holds: impl Fn(&Exporting, &Collecting) -> bool,
) {
    let began = Instant::now();
    while !holds(exporting, collecting) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what}: {:?} {:?} of {} {:?}",
            exporting.log,
            collecting.values.len(),
            exporting.exported,
            collecting.ends
        );
        exporting.advance();
        collecting.poll(SOON);
    }
}

#[test]
fn a_kernel_without_sctp_is_told_with_what_to_do() {
    let Err(error) = Sctp::new("127.0.0.1", 4739, SETTINGS) else {
        eprintln!("SKIPPED: the kernel has SCTP");
        return;
    };
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let told = "the kernel has no SCTP: `modprobe sctp` loads it, if the module is installed";
    assert_eq!(error.to_string(), told);
    let mut collector = Collector::new(CollectorSettings::default());
    let error = collector.listen_sctp((Ipv4Addr::LOCALHOST, 0).into()).unwrap_err();
    assert_eq!((error.kind(), &*error.to_string()), (io::ErrorKind::Unsupported, told));
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn what_is_exported_comes_in_order() {
    let mut collecting = Collecting::at(0);
    let mut exporting = Exporting::to(collecting.address.port(), SETTINGS, 1 << 24);
    exporting.export(50_000);
    until(&mut exporting, &mut collecting, "all", |_, collecting| collecting.values.len() == 50_000);
    let mut values = collecting.values.clone();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..50_000));
    let (_, counters) = collecting.collector.sessions().next().unwrap();
    assert_eq!((counters.lost_records, counters.unknown_sets, counters.late_messages), (0, 0, 0));
    exporting.close();
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    assert_eq!(collecting.ends[0].0, "at its end");
    assert_eq!(exporting.statistics().records, 50_000);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn streams_count_on_their_own() {
    let mut collecting = Collecting::at(0);
    let settings = SctpSettings { data_streams: 2, ..SETTINGS };
    let mut exporting = Exporting::to(collecting.address.port(), settings, 1 << 24);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    // A message for each template, in turn.
    for _ in 0..100 {
        for slot in exporting.slots {
            let (octets, now) = (exporting.exported.to_be_bytes().repeat(3), exporting.now());
            exporting.exporter.put(slot, Records::of_equal_length(&octets, 8), now, &mut exporting.log);
            exporting.exporter.flush(now, &mut exporting.log);
            exporting.exported += 3;
        }
    }
    until(&mut exporting, &mut collecting, "all", |_, collecting| collecting.values.len() == 600);
    for id in [256, 257] {
        let mut numbers: Vec<u32> =
            collecting.numbers.iter().filter(|(_, first)| *first == id).map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq((0..100).map(|number| number * 3)), "of {id}");
    }
    assert_eq!(collecting.sum(|counters| counters.lost_records + counters.late_messages), 0);
    assert_eq!(collecting.collector.sessions().count(), 1);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn a_collector_that_stops_reading_costs_what_exceeds_the_queue_and_that_is_counted() {
    let mut collecting = Collecting::at(0);
    let mut exporting = Exporting::to(collecting.address.port(), SETTINGS, 1 << 20);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    for _ in 0..50 {
        exporting.export(10_000);
        assert!(exporting.exporter.queued_octets() <= 1 << 20);
    }
    assert!(exporting.log.lost_records > 100_000, "{:?}", exporting.log);
    until(&mut exporting, &mut collecting, "the rest", |exporting, _| !exporting.is_busy());
    exporting.close();
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    let received = collecting.values.len() as u64;
    assert_eq!(received + exporting.log.lost_records, exporting.exported);
    assert_eq!((exporting.statistics().records, exporting.log.sessions), (received, 1));
    // What was dropped at the very end shows in no number.
    assert!(collecting.sum(|counters| counters.lost_records) <= exporting.log.lost_records);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn what_a_killed_collector_did_not_get_its_successor_gets() {
    let mut collecting = Collecting::at(0);
    let port = collecting.address.port();
    let mut exporting = Exporting::to(port, SETTINGS, 1 << 24);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    // More than the kernel takes for a collector that does not read.
    exporting.export(200_000);
    assert!(exporting.exporter.queued_octets() > 0);
    // It reads all that its kernel has acknowledged, and dies: no octet is acknowledged in between, since the exporter's kernel is this
    // one, and nobody reads on.
    let mut before = usize::MAX;
    while before != collecting.values.len() {
        before = collecting.values.len();
        collecting.poll(Duration::ZERO);
    }
    let mut received = std::mem::take(&mut collecting.values);
    drop(collecting);
    let mut collecting = Collecting::at(port);
    until(&mut exporting, &mut collecting, "the rest", |exporting, _| {
        exporting.is_connected() && !exporting.is_busy()
    });
    exporting.close();
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    assert_eq!((exporting.log.sessions, exporting.log.lost_records), (2, 0));
    received.extend(&collecting.values);
    received.sort_unstable();
    received.dedup();
    assert!(received.into_iter().eq(0..200_000), "all, some perhaps twice");
    assert_eq!(collecting.sum(|counters| counters.lost_records + counters.unknown_sets), 0);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn what_waits_while_nobody_listens_is_sent_when_somebody_does() {
    let Collecting { collector, address, .. } = Collecting::at(0);
    drop(collector);
    let mut exporting = Exporting::to(address.port(), SETTINGS, 1 << 24);
    exporting.export(1000);
    let began = Instant::now();
    while exporting.exporter.collectors()[0].failure().is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody is there, and this is not noticed");
        exporting.advance();
    }
    assert!(exporting.exporter.collectors()[0].failure().unwrap().contains("refused"));
    let mut collecting = Collecting::at(address.port());
    until(&mut exporting, &mut collecting, "all", |_, collecting| collecting.values.len() == 1000);
    assert_eq!(exporting.log.lost_records, 0);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn data_that_has_a_lifetime_is_given_up_and_counted() {
    let mut collecting = Collecting::at(0);
    let settings = SctpSettings { lifetime: Some(Duration::from_millis(100)), ..SETTINGS };
    let mut exporting = Exporting::to(collecting.address.port(), settings, 1 << 24);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    exporting.export(100_000);
    // Nobody reads: all that does not fit into the collector's kernel is too old in the end.
    let began = Instant::now();
    while exporting.exporter.queued_octets() > 0 || exporting.log.lost_records == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", exporting.log);
        exporting.advance();
        exporting.exporter.wait(SOON);
    }
    // Every message tells by its number what was lost before it.
    until(&mut exporting, &mut collecting, "what is on its way", |exporting, _| !exporting.is_busy());
    exporting.export(1);
    until(&mut exporting, &mut collecting, "the last", |_, collecting| collecting.values.contains(&100_000));
    let received = collecting.values.len() as u64;
    let missing = collecting.sum(|counters| counters.lost_records);
    assert_eq!(received + missing, exporting.exported);
    // But for what was on its way: not more than is sent at once.
    let lost = exporting.log.lost_records;
    assert!(lost <= missing && missing - lost <= 64 * 200, "{lost} of {missing}");
    assert!(lost > 0);
    assert_eq!((exporting.log.sessions, collecting.sum(|counters| counters.unknown_sets)), (1, 0));
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn at_the_end_what_was_not_delivered_is_counted() {
    let mut collecting = Collecting::at(0);
    let mut exporting = Exporting::to(collecting.address.port(), SETTINGS, 1 << 24);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    exporting.export(200_000);
    exporting.close();
    assert!(exporting.log.lost_records > 0);
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    let received = collecting.values.len() as u64;
    assert_eq!(received + exporting.log.lost_records, exporting.exported);
    assert_eq!(exporting.statistics().records, received);
}
