//! What the output says of itself and of its elements.

use weir_ipfix::collect::{Arrival, Event, Session, SessionSettings};
use weir_ipfix::element::ElementId;
use weir_ipfix::export::transport::File;
use weir_ipfix::export::{Backoff, Collector, CollectorSettings, Exporter, Now, Observer, Refresh};
use weir_ipfix::options::{
    ExportingReliability, MeteringScope, MeteringStatistics, Selector, SelectorAlgorithm, TypeInformation,
};
use weir_ipfix::registry;

use super::super::options::{LostSoFar, Options};
use super::*;

/// What options said, in the order of their records among those of flows.
#[derive(Debug, Default)]
struct Told {
    flows: u64,
    /// Elements, and how many flows came before each.
    types: Vec<(ElementId, u64)>,
    statistics: Vec<MeteringStatistics>,
    reliability: Vec<ExportingReliability>,
    messages: u64,
    octets: u64,
    selectors: Vec<(SelectorAlgorithm, u64)>,
}

impl Told {
    fn message(&mut self, session: &mut Session, message: &Message<'_>) {
        session.read(message, Arrival::default(), |event| {
            let record = match event {
                Event::Record(record) => record,
                Event::Fault(fault) => panic!("{fault}"),
                _ => return,
            };
            if !record.template().is_options() {
                self.flows += 1;
            } else if let Some(information) = TypeInformation::read(&record) {
                let element = registry::by_id(information.element.id).unwrap();
                let same = (&element.name, element.data_type, element.semantics, element.units);
                let told = &*information.element;
                assert_eq!((&told.name, told.data_type, told.semantics, told.units), same);
                self.types.push((element.id, self.flows));
            } else if let Some(statistics) = MeteringStatistics::read(&record) {
                let before = (self.messages, self.octets, self.flows);
                assert_eq!((statistics.messages, statistics.octets, statistics.flow_records), before);
                self.statistics.push(statistics);
            } else if let Some(selector) = Selector::read(&record) {
                self.selectors.push((selector.algorithm, self.flows));
            } else {
                self.reliability.push(ExportingReliability::read(&record).unwrap());
            }
        });
        self.messages += 1;
        self.octets += u64::from(message.header.length);
    }

    fn stream(mut octets: &[u8]) -> Told {
        let mut told = Told::default();
        let mut session = Session::new(SessionSettings::new(false));
        while let Some((message, rest)) = Message::read_from(octets).unwrap() {
            told.message(&mut session, &message);
            octets = rest;
        }
        assert_eq!(session.counters().lost_records, 0, "options are numbered");
        told
    }
}

#[test]
fn without_the_option_there_are_no_options() {
    let [v4, _] = flows();
    let sections = [answers([7])];
    let reading = Reading::stream(&exported("", &[fixtures::record(&v4, &sections)]));
    assert!(reading.templates.iter().all(|template| !template.is_options()));
}

#[test]
fn elements_are_told_once_and_before_the_records_that_have_them() {
    let [v4, v6] = flows();
    let sections = [answers([7])];
    let records: Vec<_> = (0..40)
        .map(|n| fixtures::record(if n % 2 == 0 { &v4 } else { &v6 }, if n < 30 { &[] } else { &sections }))
        .collect();
    let told = Told::stream(&exported("options=types", &records));
    assert_eq!((told.flows, told.statistics.len()), (40, 0));
    // All fields of the plugin are of one element.
    assert_eq!(told.types.len(), 1);
    assert_eq!(told.types[0].0, ElementId::new(8057, 1));
    assert!(told.types[0].1 <= 30, "{:?}", told.types);
    let none = Told::stream(&exported("options=types", &records[..30]));
    assert_eq!((none.flows, none.types.len()), (30, 0), "basic fields have elements of IANA alone");
}

#[test]
fn elements_are_told_again_where_templates_are() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let [v4, _] = flows();
    let sections = [answers([7])];
    for mode in ["once", "always"] {
        let parameters = format!("udp;options=types;template-mode={mode};template-packets=2;port={port}");
        let output = open(&parameters).unwrap();
        let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
        let mut batch = IpfixBatch::default();
        for _ in 0..100 {
            batch.clear();
            encoder.encode(&fixtures::record(&v4, &sections), &mut batch);
            sink.write(&batch).unwrap();
        }
        sink.flush().unwrap();
        let (mut told, mut session) = (Told::default(), Session::new(SessionSettings::new(true)));
        while told.flows < 100 {
            let mut datagram = [0; 2000];
            let length = socket.recv(&mut datagram).unwrap();
            told.message(&mut session, &Message::read(&datagram[..length]).unwrap());
        }
        assert!(told.types.len() > 2, "{mode}: {:?}", told.types);
    }
}

#[test]
fn statistics_at_the_end_are_those_of_all_messages_before() {
    let [v4, _] = flows();
    let sections = [answers([7])];
    let records: Vec<_> = (0..100).map(|_| fixtures::record(&v4, &sections)).collect();
    for parameters in ["options=statistics", "options=all", "options=all;template-mode=always"] {
        let octets = exported(&format!("{parameters};mtu=600;id=9"), &records);
        let told = Told::stream(&octets);
        // What they say is compared where they are read.
        assert_eq!((told.flows, told.statistics.len(), told.reliability.len()), (100, 1, 1), "{parameters}");
        assert_eq!(told.statistics[0].scope, MeteringScope::ObservationDomain(9));
        let ExportingReliability { not_sent_flows, not_sent_packets, not_sent_octets, times, .. } =
            told.reliability[0];
        assert_eq!((not_sent_flows, not_sent_packets, not_sent_octets, times), (0, 0, 0, None));
    }
}

#[test]
fn that_every_packet_is_metered_is_told_before_all_records() {
    let [v4, v6] = flows();
    let records = [fixtures::record(&v4, &[]), fixtures::record(&v6, &[])];
    let told = Told::stream(&exported("options=sampling", &records));
    let one_of_one = SelectorAlgorithm::SystematicCount { interval: 1, space: 0 };
    assert_eq!((told.selectors, told.flows), (vec![(one_of_one, 0)], 2));
}

#[test]
fn what_was_lost_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    assert_the_long_one_is_lost(&format!("path={};mtu=125;options=statistics", path.display()));
    let told = Told::stream(&std::fs::read(&path).unwrap());
    let reliability = told.reliability[0];
    assert_eq!(
        (reliability.not_sent_flows, reliability.not_sent_packets, reliability.not_sent_octets),
        (1, 7, 12_882)
    );
    assert!(reliability.times.is_some_and(|(first, last)| first == last));
}

struct Nobody;

impl Observer for Nobody {
    fn lost(&mut self, _collector: usize, _message: &[u8]) {}
    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {}
}

#[test]
fn statistics_come_at_their_interval_and_not_earlier() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let parsed = PluginString::parse("ipfix;options=statistics;options-interval=10").unwrap();
    let settings = Settings::new(&parsed.parameters(OPTIONS).unwrap()).unwrap();
    let mut options = Options::new(&settings, &[]);
    let mut exporter = Exporter::new(1, 1000).unwrap();
    let collector = CollectorSettings {
        refresh: Refresh::default(),
        queue_octets: 1 << 20,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    let file = File::new(&path, None);
    exporter.add_collector(Collector::new(Box::new(file), None, collector));
    for second in 0..35 {
        let now = Now { elapsed: Duration::from_secs(second), unix_s: 1000 + second as u32 };
        exporter.advance(now, &mut Nobody);
        options.tell_statistics(&mut exporter, &LostSoFar::default(), now, &mut Nobody);
    }
    exporter.close(&mut Nobody);
    let octets = std::fs::read(&path).unwrap();
    let (mut rest, mut times) = (&octets[..], Vec::new());
    while let Some((message, after)) = Message::read_from(rest).unwrap() {
        let is_statistics = message.sets().flatten().any(|set| set.kind() == SetKind::Data);
        times.extend(is_statistics.then_some(message.header.export_time_s));
        rest = after;
    }
    times.dedup();
    assert_eq!(times, [1010, 1020, 1030]);
    assert_eq!(Told::stream(&octets).statistics.len(), 3);
}
