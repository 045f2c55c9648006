#![allow(clippy::unwrap_used)]

mod compatible;
mod options;

use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use weir_flow::options::PluginString;
use weir_flow::{Flow, Record, Section};
use weir_ipfix::message::{Message, Records, SetKind, TemplateRecord};
use weir_ipfix::template::Template;

use super::*;
use crate::fixtures::{self, ANSWERS, EVERYTHING};
use crate::{Batch, Encoder, Lost, Sink};

fn open(parameters: &str) -> Result<Ipfix, OutputError> {
    let parsed = PluginString::parse(&format!("ipfix;{parameters}")).unwrap().parameters(OPTIONS)?;
    Ipfix::open(&parsed, &Context { schemas: vec![&EVERYTHING, &ANSWERS] })
}

fn everything<'a>() -> Section<'a> {
    Section { plugin: 0, schema: &EVERYTHING, instances: fixtures::everything() }
}

fn answers<'a, const N: usize>(answers: [u16; N]) -> Section<'a> {
    Section { plugin: 1, schema: &ANSWERS, instances: fixtures::answers(answers) }
}

/// The id of a set, and its records or the ids of its templates.
type Content = (u16, Vec<Vec<u8>>);

/// What a collector makes of the messages: their sequence numbers and sets.
#[derive(Default)]
struct Reading {
    templates: Vec<Template>,
    messages: Vec<(u32, Vec<Content>)>,
}

impl Reading {
    fn message(&mut self, message: &Message<'_>) {
        let mut sets = Vec::new();
        for set in message.sets().map(Result::unwrap) {
            let mut ids = Vec::new();
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                self.templates.push(view.to_template().unwrap());
                ids.push(view.id.to_be_bytes().to_vec());
            }
            if set.kind() == SetKind::Data {
                let template = self.templates.iter().find(|template| template.id() == set.id).unwrap();
                let records = Records::new(template, set.content);
                ids.extend(records.map(|record| record.unwrap().octets().to_vec()));
            }
            sets.push((set.id, ids));
        }
        self.messages.push((message.header.sequence, sets));
    }

    fn stream(mut octets: &[u8]) -> Reading {
        let mut reading = Reading::default();
        while let Some((message, rest)) = Message::read_from(octets).unwrap() {
            reading.message(&message);
            octets = rest;
        }
        assert!(octets.is_empty());
        reading
    }
}

/// Sends records over TCP to a collector that reads to the end; answers what it read.
fn exported(parameters: &str, records: &[Record<'_>]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let collector = std::thread::spawn(move || {
        let mut octets = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut octets).unwrap();
        octets
    });
    let output = open(&format!("port={port};{parameters}")).unwrap();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    for record in records {
        encoder.encode(record, &mut batch);
    }
    sink.write(&batch).unwrap();
    sink.flush().unwrap();
    assert_eq!(sink.take_lost(), Lost::default());
    collector.join().unwrap()
}

fn flows() -> [Flow; 2] {
    [fixtures::flow("192.168.0.30", "54.175.219.8"), fixtures::flow("2001:db8::1", "2001:db8::2")]
}

#[test]
fn the_first_flow_with_a_set_of_plugins_makes_two_templates_and_the_newest_goes_first() {
    let [v4, v6] = flows();
    let (some, none) = ([answers([7])], []);
    let records = [fixtures::record(&v6, &none), fixtures::record(&v4, &some), fixtures::record(&v4, &none)];
    let Reading { templates, messages } = Reading::stream(&exported("", &records));
    let ids: Vec<_> = templates.iter().map(Template::id).collect();
    assert_eq!(ids, [261, 260, 259, 258]);
    assert_eq!(messages.len(), 2);
    let sets: Vec<_> = messages[1].1.iter().map(|(id, records)| (*id, records.len())).collect();
    assert_eq!((messages[1].0, sets), (0, vec![(260, 1), (259, 1), (258, 1)]));
    let lens: Vec<_> = messages[1].1.iter().map(|(_, records)| records[0].len()).collect();
    assert_eq!(lens, [84, 105, 81]);
}

#[test]
fn a_basic_record_is_that_of_the_reference() {
    let [v4, _] = flows();
    let octets = exported("dir=9;id=4294967299", &[fixtures::record(&v4, &[])]);
    let template = b"\0\x02\0\xb4\x01\x03\0\x12\0\x88\0\x01\0\x01\0\x08\x80\x01\0\x08\0\0\x72\x79\0\x02\0\x08\x80\x02\0\x08\0\0\x72\x79\
        \0\x9a\0\x08\0\x9b\0\x08\0\x3c\0\x01\0\x04\0\x01\0\x06\0\x01\x80\x06\0\x01\0\0\x72\x79\0\x07\0\x02\0\x0b\0\x02\0\x0a\0\x04\
        \0\x1b\0\x10\0\x1c\0\x10\0\x38\0\x06\0\x50\0\x06\x01\x02\0\x12";
    assert_eq!(octets[12..16], 3u32.to_be_bytes(), "the low 32 bits of the id");
    assert_eq!(octets[16..16 + template.len()], *template);
    let record =
        b"\x01\x02\0\x55\x01\0\0\0\0\0\0\0\xbe\0\0\0\0\0\0\x31\x94\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x06\
        \xdb\xbe\x04\x68\xa0\x2d\x9c\xf1\xdb\xbe\x04\x69\0\0\x96\xfe\x04\x06\x18\x1b\xad\x2c\0\x50\0\0\0\x09\
        \xc0\xa8\0\x1e\x36\xaf\xdb\x08\xdc\x53\x60\x2b\x6a\x4c\x78\x44\x76\x36\x98\x19";
    assert_eq!(octets[octets.len() - record.len()..], *record);
}

#[test]
fn fields_of_plugins_follow_in_the_order_of_their_plugins() {
    let [v4, _] = flows();
    let sections = [everything(), answers([7])];
    let reading = Reading::stream(&exported("", &[fixtures::record(&v4, &sections)]));
    let template = reading.templates.iter().find(|template| template.id() == 258).unwrap();
    assert_eq!(template.fields().len(), 18 + 15 + 2);
    let (_, records) = &reading.messages[1].1[0];
    let record = &records[0][81..];
    assert_eq!(record[..15], *b"\x08\x03\x16\0\0\0\x20\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(record[record.len() - 3..], [0, 7, 99]);
}

#[test]
fn all_but_the_first_record_of_a_flow_count_nothing() {
    let [v4, _] = flows();
    let sections = [everything(), answers([7, 8, 9])];
    let reading = Reading::stream(&exported("", &[fixtures::record(&v4, &sections)]));
    let mut seen: Vec<(u16, (u64, u64), u8)> = Vec::new();
    for (id, records) in &reading.messages[1].1 {
        seen.extend(records.iter().map(|record| (*id, basic::counted(record), record[record.len() - 2])));
    }
    assert_eq!(seen, [(260, (0, 0), 8), (260, (0, 0), 9), (258, (7, 12_882), 7)]);
}

#[test]
fn messages_are_as_long_as_they_may_be_and_not_longer() {
    let [v4, v6] = flows();
    let records: Vec<_> =
        (0..100).map(|n| fixtures::record(if n % 3 == 0 { &v6 } else { &v4 }, &[])).collect();
    let octets = exported("mtu=512", &records);
    let reading = Reading::stream(&octets);
    let mut rest = &octets[..];
    while let Some((message, after)) = Message::read_from(rest).unwrap() {
        assert!(message.header.length <= 512);
        rest = after;
    }
    let mut sequence = 0;
    for (number, sets) in &reading.messages[1..] {
        assert_eq!(*number, sequence);
        sequence += sets.iter().map(|(_, records)| records.len() as u32).sum::<u32>();
    }
    assert_eq!(sequence, 100);
}

#[test]
fn times_come_in_the_unit_that_is_asked_for() {
    let [v4, _] = flows();
    for (unit, element) in [("ms", 152), ("us", 154), ("ns", 156)] {
        let reading = Reading::stream(&exported(&format!("time={unit}"), &[fixtures::record(&v4, &[])]));
        let numbers: Vec<_> =
            reading.templates[0].fields()[5..7].iter().map(|field| field.id.number).collect();
        assert_eq!(numbers, [element, element + 1]);
    }
}

#[test]
fn compressed_messages_are_blocks_in_a_stream() {
    let [v4, _] = flows();
    let records: Vec<_> = (0..100).map(|_| fixtures::record(&v4, &[])).collect();
    let octets = exported("c", &records);
    assert_eq!(octets[..8], *b"LZ4c\0\0\x16\xed");
    let (mut rest, mut stream) = (&octets[8..], Vec::new());
    while let [u1, u2, c1, c2, content @ ..] = rest {
        let (block, after) = content.split_at(u16::from_be_bytes([*c1, *c2]).into());
        let message = lz4_flex::block::decompress(block, u16::from_be_bytes([*u1, *u2]).into()).unwrap();
        stream.extend_from_slice(&message);
        rest = after;
    }
    assert_eq!(Reading::stream(&stream).messages.iter().map(|(_, sets)| sets.len()).sum::<usize>(), 1 + 6);
}

#[test]
fn datagrams_are_messages_and_templates_come_again() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let output = open(&format!("udp;template-packets=2;port={port}")).unwrap();
    let [v4, _] = flows();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    for _ in 0..100 {
        batch.clear();
        encoder.encode(&fixtures::record(&v4, &[]), &mut batch);
        sink.write(&batch).unwrap();
    }
    sink.flush().unwrap();
    let mut reading = Reading::default();
    let mut records = 0;
    while records < 100 {
        let mut datagram = [0; 2000];
        let length = socket.recv(&mut datagram).unwrap();
        assert!(length <= 1458);
        reading.message(&Message::read(&datagram[..length]).unwrap());
        let (_, sets) = reading.messages.last().unwrap();
        records += sets.iter().filter(|(id, _)| *id == 258).map(|(_, records)| records.len()).sum::<usize>();
    }
    let with_templates = reading.messages.iter().filter(|(_, sets)| sets[0].0 == 2).count();
    assert_eq!((with_templates, reading.messages.len()), (3, 9));
}

#[test]
fn what_no_collector_takes_is_lost_and_counted() {
    // Nobody listens where somebody has listened a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = open(&format!("port={port}")).unwrap();
    let [v4, v6] = flows();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    let sections = [answers([7, 8])];
    encoder.encode(&fixtures::record(&v4, &sections), &mut batch);
    encoder.encode(&fixtures::record(&v6, &[]), &mut batch);
    sink.write(&batch).unwrap();
    assert_eq!(sink.take_lost(), Lost::default(), "it waits");
    sink.flush().unwrap();
    assert_eq!(sink.take_lost(), Lost { records: 2, packets: 14, bytes: 25_764 });
    assert_eq!(sink.take_lost(), Lost::default(), "and told once");
}

/// Exports a record with everything, which is too long here, and one with basic fields: the first one is lost.
fn assert_the_long_one_is_lost(parameters: &str) {
    let [v4, _] = flows();
    let output = open(parameters).unwrap();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    let sections = [everything()];
    encoder.encode(&fixtures::record(&v4, &sections), &mut batch);
    encoder.encode(&fixtures::record(&v4, &[]), &mut batch);
    sink.write(&batch).unwrap();
    sink.flush().unwrap();
    assert_eq!(sink.take_lost(), Lost { records: 1, packets: 7, bytes: 12_882 });
}

#[test]
fn a_record_longer_than_a_message_is_lost_and_counted() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    assert_the_long_one_is_lost(&format!("udp;mtu=125;port={port}"));
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    for (parameters, part) in [
        ("udp;lz4-compression", "lz4-compression needs TCP"),
        ("c;m=65001", "65000"),
        ("udp;transport=tcp", "udp contradicts"),
        ("proto=udp;c", "lz4-compression needs TCP"),
        ("transport=sctp;c", "lz4-compression needs TCP or TLS, not sctp"),
        ("udp;transport=sctp", "udp contradicts transport=sctp"),
        ("sctp-lifetime=100", "sctp-lifetime needs transport=sctp"),
        ("udp;sctp-streams=2", "sctp-streams needs transport=sctp"),
        ("path=x;proto=udp", "path contradicts transport=udp"),
        ("send_template=sometimes", "template-mode"),
        ("options=some", "options"),
        ("options=types;template-mode=never", "template-mode=never"),
        ("u=1", "udp"),
        ("path=x;udp", "udp is for collectors"),
        ("path=x;host=y", "host is for collectors"),
        ("rotate=5", "need path"),
        ("path=/nowhere/at/all", "/nowhere/at/all: "),
        ("port=70000", "port"),
        ("collectors=a,b;host=c", "collectors are in place of host"),
        ("collectors=a,b;port=5", "collectors are in place of port"),
        ("collectors=a:1,a:1", "a:1 is there twice"),
        ("collectors=a:x", "HOST:PORT"),
        ("collectors=::1", "brackets"),
        ("path=x;collectors=a,b", "collectors is for collectors"),
        ("path=x;spool=/tmp", "spool is for collectors"),
        ("spool=/nowhere/at/all", "/nowhere/at/all: "),
    ] {
        let error = open(parameters).unwrap_err().to_string();
        assert!(error.contains(part), "{parameters}: {error}");
    }
}

#[test]
fn messages_over_sctp_fit_into_a_packet_of_ethernet_and_last_as_long_as_is_said() {
    let settings = |parameters: &str| {
        let parsed = PluginString::parse(&format!("ipfix;transport=sctp;{parameters}"));
        Settings::new(&parsed.unwrap().parameters(OPTIONS).unwrap()).unwrap()
    };
    let of_sctp = |settings: &Settings| match settings.way {
        settings::Way::Sctp(sctp) => (settings.mtu, sctp.lifetime, sctp.data_streams),
        _ => panic!("{settings:?}"),
    };
    assert_eq!(of_sctp(&settings("")), (1432, None, 0));
    let lifetime = Some(Duration::from_millis(250));
    assert_eq!(of_sctp(&settings("mtu=1458;sctp-lifetime=250;sctp-streams=3")), (1458, lifetime, 3));
}

#[test]
fn a_file_has_all_records_and_its_templates() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flows.ipfix");
    let output = open(&format!("path={}", path.display())).unwrap();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let [v4, _] = flows();
    let mut batch = IpfixBatch::default();
    for _ in 0..100 {
        encoder.encode(&fixtures::record(&v4, &[]), &mut batch);
    }
    sink.write(&batch).unwrap();
    sink.flush().unwrap();
    let reading = Reading::stream(&std::fs::read(&path).unwrap());
    let records: usize =
        reading.messages[1..].iter().flat_map(|(_, sets)| sets).map(|(_, records)| records.len()).sum();
    assert_eq!((reading.templates.len(), records), (2, 100));
}

#[test]
fn parameters_without_effect_are_known() {
    let without_effect = |parameters: &str| {
        let parsed =
            PluginString::parse(&format!("ipfix;{parameters}")).unwrap().parameters(OPTIONS).unwrap();
        Settings::new(&parsed).unwrap().without_effect
    };
    assert!(without_effect("udp;template=5;template-packets=5").is_empty());
    assert_eq!(without_effect("template=600;lz4-buffer-size=1"), ["template", "lz4-buffer-size"]);
    assert!(without_effect("lz4-compression;lz4-buffer-size=1").is_empty());
    assert_eq!(without_effect("udp;lz4-buffer-size=1"), ["lz4-buffer-size"]);
    assert_eq!(without_effect("distribution=fallback;spool-size=200000"), ["distribution", "spool-size"]);
    assert!(without_effect("collectors=a,b;distribution=fallback").is_empty());
    assert_eq!(without_effect("udp;template-mode=always;template=5"), ["template"]);
    assert_eq!(without_effect("transport=sctp;template-packets=5;mtu=1000"), ["template-packets"]);
    assert_eq!(without_effect("layout=ulogd2;time=ms;dir=1"), ["time", "dir"]);
    assert!(without_effect("udp;template-mode=always;options=all;template=5;options-interval=9").is_empty());
    assert_eq!(without_effect("options=types;options-interval=9"), ["options-interval"]);
}

/// How many records each of two collectors gets of two hundred, two of each flow.
fn shares(distribution: &str) -> ([usize; 2], Lost) {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [first, second] = listeners.each_ref().map(|it| it.local_addr().unwrap().port());
    let threads = listeners.map(|listener| {
        std::thread::spawn(move || {
            let mut octets = Vec::new();
            // With nothing to get there is no connection.
            listener.set_nonblocking(true).unwrap();
            let began = std::time::Instant::now();
            let mut stream = loop {
                match listener.accept() {
                    Ok((stream, _)) => break stream,
                    Err(_) if began.elapsed() > Duration::from_secs(5) => return 0,
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            stream.set_nonblocking(false).unwrap();
            stream.read_to_end(&mut octets).unwrap();
            let messages = Reading::stream(&octets).messages;
            let sets = messages.iter().flat_map(|(_, sets)| sets).filter(|(id, _)| *id > 255);
            sets.map(|(_, records)| records.len()).sum()
        })
    });
    let parameters = format!("collectors=127.0.0.1:{first},127.0.0.1:{second};distribution={distribution}");
    let output = open(&parameters).unwrap();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    for number in 0..100 {
        let flow = fixtures::flow(&format!("192.0.2.{number}"), "198.51.100.1");
        // The same flow again, from the other end.
        let mut back = flow;
        back.source_end = flow.source_end.other();
        encoder.encode(&fixtures::record(&flow, &[]), &mut batch);
        encoder.encode(&fixtures::record(&back, &[]), &mut batch);
    }
    sink.write(&batch).unwrap();
    sink.flush().unwrap();
    (threads.map(|thread| thread.join().unwrap()), sink.take_lost())
}

#[test]
fn several_collectors_get_everything_or_the_first_one_does_or_each_its_share() {
    assert_eq!(shares("parallel"), ([200, 200], Lost::default()));
    assert_eq!(shares("fallback"), ([200, 0], Lost::default()));
    let ([first, second], lost) = shares("load-balancing");
    assert_eq!((first + second, lost), (200, Lost::default()));
    assert!(first % 2 == 0 && (60..140).contains(&first), "both records of a flow: {first}");
}

#[test]
fn of_collectors_that_all_get_everything_the_one_that_missed_most_is_counted() {
    let closed = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    for (distribution, lost) in [("parallel", 1), ("fallback", 1), ("load-balancing", 1)] {
        let [first, second] = closed;
        let parameters =
            format!("collectors=127.0.0.1:{first},127.0.0.1:{second};distribution={distribution}");
        let output = open(&parameters).unwrap();
        let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
        let mut batch = IpfixBatch::default();
        let [v4, _] = flows();
        encoder.encode(&fixtures::record(&v4, &[]), &mut batch);
        sink.write(&batch).unwrap();
        sink.flush().unwrap();
        assert_eq!(sink.take_lost().records, lost, "{distribution}");
    }
}
