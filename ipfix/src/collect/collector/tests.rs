#![allow(clippy::unwrap_used)]

mod streams;

use std::io::Write;
use std::net::TcpStream;

use super::*;
use crate::element::{DataType, Element, ElementId};
use crate::export::transport::{self, Framing, Lz4, Transport};
use crate::export::{self, Exporter, Now, Observer};
use crate::options::{OptionsRecord, TypeInformation};
use crate::template::{FieldSpecifier, Template};
use crate::value::unsigned;
use crate::writer::MessageWriter;

const LOCAL: std::net::Ipv4Addr = std::net::Ipv4Addr::LOCALHOST;
pub(super) const SOON: Duration = Duration::from_millis(20);

fn template() -> Template {
    Template::new(256, [FieldSpecifier::new(ElementId::iana(1), 8)]).unwrap()
}

/// A message of domain 7 with the template, if it is to have it, and these values.
pub(super) fn message(sequence: u32, with_template: bool, values: &[u64]) -> Vec<u8> {
    let mut buffer = [0; 1400];
    let mut message = MessageWriter::new(&mut buffer, 7).unwrap();
    if with_template {
        message.put_template(&template()).unwrap();
    }
    for &value in values {
        message.put_record(&template(), |record| record.unsigned(value)).unwrap();
    }
    message.finish(1000, sequence).unwrap().octets.to_vec()
}

/// What was told, in short, and the values of records.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Those of whom sessions began.
    pub(super) peers: Vec<Peer>,
    pub(super) news: Vec<String>,
    pub(super) values: Vec<u64>,
    pub(super) ends: Vec<(String, SessionCounters)>,
}

impl Told {
    pub(super) fn take(&mut self, peer: &Peer, news: News<'_>) {
        match news {
            News::Opened => {
                self.peers.push(peer.clone());
                self.news.push("opened".into());
            }
            News::Refused(why) => self.news.push(format!("refused: {why}")),
            News::Event(_, Event::Record(record)) if !record.template().is_options() => {
                self.values.push(unsigned(record.get(ElementId::iana(1)).unwrap()));
            }
            News::Event(packet, event) => self.news.push(format!("{} {event:?}", packet.domain())),
            News::Malformed(error) => self.news.push(error.to_string()),
            News::Skipped(skipped) => self.news.push(skipped.to_string()),
            News::Closed(why, counters) => self.ends.push((why.to_string(), counters)),
        }
    }

    /// Polls until something holds, twenty seconds at most.
    pub(super) fn until(&mut self, collector: &mut Collector, holds: impl Fn(&Told, &Collector) -> bool) {
        let since = Instant::now();
        loop {
            collector.poll(SOON, |peer, news| self.take(peer, news)).unwrap();
            if holds(self, collector) {
                return;
            }
            let Told { news, values, ends, .. } = self;
            let (count, counters) = (values.len(), collector.counters());
            assert!(since.elapsed().as_secs() < 20, "{news:?}, {count} values, {ends:?}, {counters:?}");
        }
    }

    pub(super) fn ends(&self) -> Vec<&str> {
        self.ends.iter().map(|(why, _)| &**why).collect()
    }
}

fn collector(settings: CollectorSettings) -> (Collector, SocketAddr, SocketAddr) {
    let mut collector = Collector::new(settings);
    let udp = collector.listen_udp((LOCAL, 0).into()).unwrap();
    let tcp = collector.listen_tcp((LOCAL, 0).into()).unwrap();
    (collector, udp, tcp)
}

fn sender(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    socket.connect(to).unwrap();
    socket
}

struct NoLoss;

impl Observer for NoLoss {
    fn lost(&mut self, _collector: usize, _message: &[u8]) {
        panic!("a message was lost");
    }

    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {
        panic!("a record was lost");
    }
}

/// Exports these values and goes on until all are on their way.
pub(super) fn export(transport: Box<dyn Transport>, values: impl Iterator<Item = u64>) {
    export_framed(transport, None, values);
}

fn export_framed(
    transport: Box<dyn Transport>,
    framing: Option<Box<dyn Framing>>,
    values: impl Iterator<Item = u64>,
) {
    let mut exporter = Exporter::new(7, 512).unwrap();
    let backoff = export::Backoff::new(Duration::from_secs(1));
    let settings =
        export::CollectorSettings { refresh: export::Refresh::default(), queue_octets: 1 << 20, backoff };
    exporter.add_collector(export::Collector::new(transport, framing, settings));
    let now = |ms| Now { elapsed: Duration::from_millis(ms), unix_s: 1000 };
    let slot = exporter.add_template(template(), now(0), &mut NoLoss).unwrap();
    let octets: Vec<u8> = values.flat_map(u64::to_be_bytes).collect();
    exporter.put(slot, export::Records::of_equal_length(&octets, 8), now(0), &mut NoLoss);
    exporter.flush(now(0), &mut NoLoss);
    for ms in 1..200 {
        exporter.advance(now(ms), &mut NoLoss);
        if exporter.queued_octets() == 0 && !exporter.is_connecting() {
            break;
        }
        exporter.wait(SOON);
    }
    exporter.close(&mut NoLoss);
}

#[test]
fn our_exporter_is_read_over_udp() {
    let (mut collector, udp, _) = collector(CollectorSettings::default());
    export(Box::new(transport::Udp::new("127.0.0.1", udp.port())), 0..1000);
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values.len() == 1000);
    assert!(told.values.iter().copied().eq(0..1000));
    let (peer, counters) = collector.sessions().next().unwrap();
    assert!(matches!(peer, Peer::Udp { local, .. } if *local == udp));
    assert_eq!((counters.records, counters.lost_records, counters.faults), (1000, 0, 0));
    collector.close(|peer, news| told.take(peer, news));
    assert_eq!(told.ends(), ["the collector closes"]);
}

#[test]
fn our_exporter_is_read_over_tcp_and_ends_its_session() {
    let (mut collector, _, tcp) = collector(CollectorSettings::default());
    for _ in 0..3 {
        export(Box::new(transport::Tcp::new("127.0.0.1", tcp.port(), Duration::from_secs(1))), 0..1000);
    }
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 3);
    assert_eq!(told.ends(), ["at its end"; 3]);
    assert!(told.ends.iter().all(|(_, counters)| (counters.records, counters.lost_records) == (1000, 0)));
    told.values.sort_unstable();
    assert!(told.values.iter().copied().eq((0..1000).flat_map(|value| [value; 3])));
}

#[test]
fn our_exporter_is_read_when_it_compresses() {
    let (mut collector, _, tcp) = collector(CollectorSettings::default());
    let transport = transport::Tcp::new("127.0.0.1", tcp.port(), Duration::from_secs(1));
    export_framed(Box::new(transport), Some(Box::new(Lz4::new(512, 0))), 0..10_000);
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1);
    assert_eq!((told.ends(), told.ends[0].1.lost_records), (vec!["at its end"], 0));
    assert!(told.values.iter().copied().eq(0..10_000));
}

#[test]
fn our_exporter_is_read_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    export(Box::new(transport::File::new(&path, None)), 0..10_000);
    let mut collector = Collector::new(CollectorSettings::default());
    let mut told = Told::default();
    let counters = collector.read_file(&path, |peer, news| told.take(peer, news)).unwrap();
    assert_eq!((counters.records, told.ends()), (10_000, vec!["at its end"]));
    assert!(told.values.iter().copied().eq(0..10_000));
    let octets = std::fs::read(&path).unwrap();
    std::fs::write(&path, &octets[..octets.len() - 1]).unwrap();
    let mut told = Told::default();
    collector.read_file(&path, |peer, news| told.take(peer, news)).unwrap();
    assert_eq!(told.ends(), ["in the middle of a message"]);
    std::fs::write(&path, [&octets[..], &[0; 40]].concat()).unwrap();
    let mut told = Told::default();
    collector.read_file(&path, |peer, news| told.take(peer, news)).unwrap();
    assert_eq!((told.values.len(), told.ends()), (10_000, vec!["at its end"]));
    let skipped = format!("40 octets were skipped from octet {} on: version 0 is not IPFIX", octets.len());
    assert_eq!(told.news.last(), Some(&skipped));
    assert!(collector.read_file(directory.path().join("none"), |_, _| {}).is_err());
}

#[test]
fn peers_have_templates_and_numbers_of_their_own() {
    let (mut collector, udp, _) = collector(CollectorSettings::default());
    let (one, other) = (sender(udp), sender(udp));
    one.send(&message(0, true, &[1])).unwrap();
    other.send(&message(500, false, &[2])).unwrap();
    one.send(&message(4, false, &[3])).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values.len() == 2 && told.news.len() == 4);
    assert_eq!(told.values, [1, 3]);
    let lost: u64 = collector.sessions().map(|(_, counters)| counters.lost_records).sum();
    assert_eq!((collector.sessions().count(), lost), (2, 3));
    other.send(&message(501, true, &[4])).unwrap();
    told.until(&mut collector, |told, _| told.values.len() == 4);
    assert_eq!(told.values, [1, 3, 4, 2], "what came before its template");
}

#[test]
fn malformed_datagrams_are_counted_and_end_nothing() {
    let (mut collector, udp, _) = collector(CollectorSettings::default());
    let (known, stranger) = (sender(udp), sender(udp));
    known.send(&message(0, true, &[1])).unwrap();
    for octets in [&message(1, false, &[2])[..20], b"\0\x05\0\x01", b"\0\x09", b"GET / HTTP/1.1\r\n\r\n", b""]
    {
        known.send(octets).unwrap();
        stranger.send(octets).unwrap();
    }
    known.send(&message(1, false, &[2])).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values == [1, 2]);
    let sessions: Vec<_> = collector.sessions().map(|(_, counters)| counters).collect();
    assert_eq!(sessions.len(), 1, "a stranger who sends nothing else has no session");
    assert_eq!((sessions[0].malformed_messages, sessions[0].messages), (5, 2));
    assert_eq!(collector.counters().malformed_datagrams, 5);
}

#[test]
fn a_stream_that_is_malformed_ends_and_others_go_on() {
    let (mut collector, _, tcp) = collector(CollectorSettings::default());
    let mut good = TcpStream::connect(tcp).unwrap();
    let mut bad = TcpStream::connect(tcp).unwrap();
    good.write_all(&message(0, true, &[1])).unwrap();
    bad.write_all(&[&message(0, true, &[1])[..], &[0; 16], &message(1, true, &[2])].concat()).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 1 && told.values.len() == 2);
    assert_eq!(told.ends(), ["version 0 is not IPFIX"]);
    assert_eq!(told.ends[0].1.malformed_messages, 1);
    let whole = message(1, false, &[2, 3]);
    let (begin, end) = whole.split_at(9);
    good.write_all(begin).unwrap();
    told.until(&mut collector, |_, _| true);
    good.write_all(&end[..3]).unwrap();
    told.until(&mut collector, |_, _| true);
    good.write_all(&end[3..]).unwrap();
    told.until(&mut collector, |told, _| told.values == [1, 1, 2, 3]);
    good.write_all(begin).unwrap();
    drop(good);
    told.until(&mut collector, |told, _| told.ends.len() == 2);
    assert_eq!(told.ends()[1], "in the middle of a message");
}

#[test]
fn sessions_are_bounded_and_those_that_are_there_stay() {
    let settings = CollectorSettings { most_peers: 2, most_connections: 2, ..CollectorSettings::default() };
    let (mut collector, udp, tcp) = collector(settings);
    let second = collector.listen_udp((LOCAL, 0).into()).unwrap();
    let mut told = Told::default();
    for to in [udp, second, udp, second] {
        sender(to).send(&message(0, true, &[1])).unwrap();
    }
    let connections: Vec<_> = (0..5).map(|_| TcpStream::connect(tcp).unwrap()).collect();
    told.until(&mut collector, |_, collector| {
        collector.counters().refused_datagrams == 2 && collector.counters().refused_connections == 3
    });
    assert_eq!(collector.sessions().count(), 4);
    drop(connections);
    told.until(&mut collector, |told, _| told.ends.len() == 2);
}

#[test]
fn who_is_not_allowed_has_no_session() {
    let (mut collector, udp, tcp) = collector(CollectorSettings::default());
    let early = sender(udp);
    early.send(&message(0, true, &[1])).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values == [1]);
    collector.allow_only([[192, 0, 2, 1].into()]);
    early.send(&message(1, false, &[2])).unwrap();
    sender(udp).send(&message(0, true, &[3])).unwrap();
    let _connection = TcpStream::connect(tcp).unwrap();
    told.until(&mut collector, |_, collector| {
        let counters = collector.counters();
        (counters.refused_datagrams, counters.refused_connections) == (1, 1)
    });
    assert_eq!((&*told.values, collector.sessions().count()), (&[1, 2][..], 1), "who was here stays");
    let mapped = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    collector.allow_only([mapped.into()]);
    sender(udp).send(&message(0, true, &[4])).unwrap();
    told.until(&mut collector, |told, _| told.values == [1, 2, 4]);
}

#[test]
fn sessions_end_in_which_nothing_comes() {
    let settings =
        CollectorSettings { idle_time: Duration::from_millis(100), ..CollectorSettings::default() };
    let (mut collector, udp, tcp) = collector(settings);
    sender(udp).send(&message(0, true, &[1])).unwrap();
    let mut connection = TcpStream::connect(tcp).unwrap();
    connection.write_all(&message(0, true, &[1])[..10]).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.ends.len() == 2);
    assert_eq!((told.ends(), collector.sessions().count()), (vec!["nothing has come for long"; 2], 0));
}

#[test]
fn exporters_come_over_ipv6_as_well() {
    let mut collector = Collector::new(CollectorSettings::default());
    let Ok(udp) = collector.listen_udp((std::net::Ipv6Addr::LOCALHOST, 0).into()) else {
        eprintln!("SKIPPED: there is no IPv6 here");
        return;
    };
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    socket.send_to(&message(0, true, &[9]), udp).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values == [9]);
}

#[test]
fn a_peer_defines_elements_for_its_session_alone() {
    let (mut collector, udp, _) = collector(CollectorSettings::default());
    let doors = Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16);
    let types = TypeInformation::new(&doors);
    let mut buffer = [0; 1400];
    let mut writer = MessageWriter::new(&mut buffer, 7).unwrap();
    let template = types.template(300).unwrap();
    writer.put_template(&template).unwrap();
    writer.put_encoded(&template, &types.to_record().unwrap()).unwrap();
    let (one, other) = (sender(udp), sender(udp));
    one.send(writer.finish(1000, 0).unwrap().octets).unwrap();
    other.send(&message(0, true, &[1])).unwrap();
    let mut told = Told::default();
    told.until(&mut collector, |told, _| told.values.len() == 1);
    let mut known: Vec<_> = collector
        .sessions()
        .map(|(peer, _)| {
            collector.model(peer).unwrap().by_id(doors.id).map(|element| element.name.to_string())
        })
        .collect();
    known.sort();
    assert_eq!(known, [None, Some("doors".to_owned())]);
    assert!(collector.model(&Peer::File("x".into())).is_none());
}
