//! SCTP, by the sockets of the kernel. `scripts/test-sctp` runs these tests in a kernel that has it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use weir_ipfix::collect::{Collector, CollectorSettings, Event, News, Peer, SessionCounters};
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
    fn lost(&mut self, message: &[u8]) {
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

    fn statistics(&self) -> export::Statistics {
        self.exporter.collectors()[0].statistics()
    }
}

/// A collector, and what it was told.
struct Collecting {
    collector: Collector,
    address: SocketAddr,
    values: Vec<u64>,
    ends: Vec<(String, SessionCounters)>,
    malformed: usize,
}

impl Collecting {
    fn at(port: u16) -> Collecting {
        let mut collector = Collector::new(CollectorSettings::default());
        let address = collector.listen_sctp((Ipv4Addr::LOCALHOST, port).into()).unwrap();
        Collecting { collector, address, values: Vec::new(), ends: Vec::new(), malformed: 0 }
    }

    fn poll(&mut self, most: Duration) {
        let Collecting { collector, values, ends, malformed, address } = self;
        let address = *address;
        collector
            .poll(most, |peer, news| {
                assert!(matches!(peer, Peer::Sctp { local, .. } if *local == address));
                match news {
                    News::Event(_, Event::Record(record)) => {
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
            began.elapsed() < Duration::from_secs(20),
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
    exporting.exporter.close(&mut exporting.log);
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    assert_eq!(collecting.ends[0].0, "at its end");
    assert_eq!(exporting.statistics().records, 50_000);
}
