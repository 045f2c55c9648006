//! SCTP, by the sockets of the kernel. `scripts/test-sctp` runs these tests in a kernel that has it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use weir_ipfix::collect::{Collector, CollectorSettings, Event, News, Packet, Peer, SessionCounters};
use weir_ipfix::element::ElementId;
use weir_ipfix::export::transport::{Sctp, SctpSettings};
use weir_ipfix::export::{self, Backoff, Exporter, Now, Observer, Records, Refresh, TemplateSlot};
use weir_ipfix::message::{Message, SetKind};
use weir_ipfix::template::{FieldSpecifier, Template};
use weir_ipfix::value::unsigned;
use weir_ipfix::writer::MessageWriter;

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
    exporting.export(20_000);
    until(&mut exporting, &mut collecting, "all", |_, collecting| collecting.values.len() == 20_000);
    let mut values = collecting.values.clone();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..20_000));
    let (_, counters) = collecting.collector.sessions().next().unwrap();
    assert_eq!((counters.lost_records, counters.unknown_sets, counters.late_messages), (0, 0, 0));
    exporting.close();
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    assert_eq!(collecting.ends[0].0, "at its end");
    assert_eq!(exporting.statistics().records, 20_000);
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
    for _ in 0..30 {
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
    exporting.export(100_000);
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
    assert!(received.into_iter().eq(0..100_000), "all, some perhaps twice");
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
    exporting.export(100_000);
    exporting.close();
    assert!(exporting.log.lost_records > 0);
    until(&mut exporting, &mut collecting, "the end", |_, collecting| !collecting.ends.is_empty());
    let received = collecting.values.len() as u64;
    assert_eq!(received + exporting.log.lost_records, exporting.exported);
    assert_eq!(exporting.statistics().records, received);
}

/// Whether a program is here, which tells its version; if not, this is told.
fn is_here(program: &str, version: &str) -> bool {
    let is_here = Command::new(program)
        .arg(version)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !is_here {
        eprintln!("SKIPPED: {program} is not here");
    }
    is_here
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn socat_receives_the_messages() {
    if !is_here("socat", "-V") {
        return;
    }
    // Nobody else is in this kernel.
    let mut socat = Command::new("socat")
        .args(["-u", "SCTP-LISTEN:4739,bind=127.0.0.1", "STDOUT"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .unwrap();
    let mut out = socat.0.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut octets = Vec::new();
        out.read_to_end(&mut octets).unwrap();
        octets
    });
    let mut exporting = Exporting::to(4739, SETTINGS, 1 << 24);
    exporting.export(10_000);
    let began = Instant::now();
    while exporting.is_busy() || !exporting.is_connected() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", exporting.statistics());
        exporting.advance();
        exporting.exporter.wait(SOON);
    }
    exporting.close();
    let octets = reader.join().unwrap();
    let mut values = Vec::new();
    let mut collector = Collector::new(CollectorSettings::default());
    let counters = collector.read_from("socat", &octets[..], |_, news| {
        if let News::Event(_, Event::Record(record)) = news {
            values.push(unsigned(record.get(ElementId::iana(1)).unwrap()));
        }
    });
    values.sort_unstable();
    assert!(values.into_iter().eq(0..10_000));
    assert_eq!((counters.lost_records, counters.malformed_messages, counters.faults), (0, 0, 0));
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn what_is_no_message_is_counted_and_the_next_one_is_read() {
    if !is_here("socat", "-V") {
        return;
    }
    let mut collecting = Collecting::at(4740);
    let mut socat = Command::new("socat")
        .args(["-u", "-b", "200000", "STDIN", "SCTP-CONNECT:127.0.0.1:4740"])
        .stdin(Stdio::piped())
        .spawn()
        .map(Running)
        .unwrap();
    let mut input = socat.0.stdin.take().unwrap();
    let mut send = |octets: &[u8], collecting: &mut Collecting, done: &dyn Fn(&Collecting) -> bool| {
        // What is written at once is read at once, and sent as a message, unless it is longer than a pipe is.
        input.write_all(octets).unwrap();
        let began = Instant::now();
        while !done(collecting) {
            assert!(began.elapsed() < Duration::from_secs(60), "{octets:?}");
            collecting.poll(SOON);
        }
    };
    let message = |sequence, values: &[u64]| {
        let mut buffer = [0; 1400];
        let mut message = MessageWriter::new(&mut buffer, 7).unwrap();
        message.put_template(&template(256)).unwrap();
        for &value in values {
            message.put_record(&template(256), |record| record.unsigned(value)).unwrap();
        }
        message.finish(1000, sequence).unwrap().octets.to_vec()
    };
    send(&message(0, &[1, 2]), &mut collecting, &|collecting| collecting.values.len() == 2);
    send(b"GET / HTTP/1.1\r\n\r\n", &mut collecting, &|collecting| collecting.malformed == 1);
    let two = [message(2, &[3]), message(3, &[4])].concat();
    send(&two, &mut collecting, &|collecting| collecting.malformed == 2);
    send(&message(4, &[5]), &mut collecting, &|collecting| collecting.values == [1, 2, 5]);
    assert_eq!(collecting.sum(|counters| counters.malformed_messages), 2);
    assert_eq!(collecting.sum(|counters| counters.lost_records), 2);
    drop(input);
    let began = Instant::now();
    while collecting.ends.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60));
        collecting.poll(SOON);
    }
    assert_eq!(collecting.ends[0].0, "at its end");
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn tshark_reads_the_messages_on_their_streams() {
    if !is_here("tshark", "-v") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let capture = directory.path().join("capture");
    let mut dumpcap = Command::new("dumpcap")
        .args(["-q", "-i", "lo", "-f", "sctp", "-w"])
        .arg(&capture)
        .stderr(Stdio::null())
        .spawn()
        .map(Running)
        .unwrap();
    let began = Instant::now();
    while fs::metadata(&capture).map_or(0, |file| file.len()) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "dumpcap does not begin");
        thread::sleep(SOON);
    }
    let mut collecting = Collecting::at(4739);
    let settings = SctpSettings { data_streams: 2, ..SETTINGS };
    let mut exporting = Exporting::to(4739, settings, 1 << 24);
    until(&mut exporting, &mut collecting, "a session", |exporting, _| exporting.is_connected());
    // Numbers that are found again.
    exporting.exported = 0x00c0_ffee_0000_0000;
    for _ in 0..4 {
        exporting.export(1);
    }
    until(&mut exporting, &mut collecting, "all", |_, collecting| collecting.values.len() == 4);
    let last = 0x00c0_ffee_0000_0003u64.to_be_bytes();
    while !fs::read(&capture).unwrap().windows(8).any(|octets| octets == last) {
        assert!(began.elapsed() < Duration::from_secs(60), "dumpcap does not go on");
        thread::sleep(SOON);
    }
    kill_process(Pid::from_child(&dumpcap.0), Signal::TERM).unwrap();
    dumpcap.0.wait().unwrap();
    let fields = ["sctp.data_sid", "cflow.flowset_id", "cflow.sequence", "cflow.octets", "_ws.malformed"];
    let tshark = Command::new("tshark")
        .arg("-r")
        .arg(&capture)
        .args(["-d", "sctp.port==4739,cflow", "-Y", "sctp.data_sid", "-T", "fields", "-E", "separator=,"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .output()
        .unwrap();
    let told = String::from_utf8(tshark.stdout).unwrap();
    let value = |number: u64| 0x00c0_ffee_0000_0000 + number;
    let expected = [
        "0x0000,2,0,,".to_owned(),
        format!("0x0001,256,0,{},", value(0)),
        format!("0x0002,257,0,{},", value(1)),
        format!("0x0001,256,1,{},", value(2)),
        format!("0x0002,257,1,{},", value(3)),
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{told}");
}
