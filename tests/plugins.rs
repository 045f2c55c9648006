//! A plugin says the same about a record alone and beside others, as long as none of those ends records.
#![allow(clippy::unwrap_used)]

mod laboratory;

use laboratory::{plugins, settings, walk};
use proptest::prelude::*;
use weir_flow::options::Argument;
use weir_flow::plugin::Descriptor;
use weir_flow::{Record, RecordConsumer};
use weir_generator::captures::Film;
use weir_generator::content::quic::{self, Connection, Version};
use weir_generator::content::{dns, http, mqtt, netbios, ntp, rtsp, sip, tls};
use weir_generator::dialogue::Dialogue;
use weir_generator::headers::flags;
use weir_generator::layers::Layer;
use weir_generator::path::Path;
use weir_generator::random::Random;

/// The plugins that end records. All others must end none: a new one is compared with the rest without being named here.
const ENDING: &[&str] = &["dns", "http", "mqtt", "ntp", "passivedns", "quic", "rtsp", "sip", "wg"];

/// The plugins of the registry that end records, or those that do not, with all their flags given or none.
fn registered(ending: bool, flags: bool) -> Vec<String> {
    let with_flags = |plugin: &Descriptor| {
        let given = plugin.options.iter().filter(|option| flags && matches!(option.argument, Argument::Flag));
        given.fold(plugin.names[0].to_owned(), |name, option| format!("{name};{}", option.long))
    };
    let chosen = weir_process::PLUGINS.iter().filter(|plugin| ENDING.contains(&plugin.names[0]) == ending);
    chosen.map(with_flags).collect()
}

/// One thing that happens in a capture.
#[derive(Clone, Debug)]
enum Event {
    /// A datagram of this flow: which way, how long.
    Udp(u8, bool, u8),
    /// A DNS query and maybe its answer.
    Dns(u8, bool),
    /// A segment in the middle of nowhere: which way, flags, how long.
    Tcp(u8, bool, u8, u8),
    /// A conversation with a request of this many pieces.
    Web(u8, u8),
    /// An MQTT session, with its DISCONNECT or without.
    Mqtt(u8, bool),
    /// A part of a handshake of QUIC: which one.
    Quic(u8, u8),
    /// A handshake of TLS: how many pieces the ClientHello has, whether the certificate is shown.
    Tls(u8, u8, bool),
    /// An RTSP transaction with a request of this many pieces.
    Rtsp(u8, u8),
    /// A SIP request and maybe its response.
    Sip(u8, bool),
    /// A tagged datagram, or one below a label.
    Wrapped(u8, bool),
    /// A message of a service that hosts find by itself: which way, which.
    Service(u8, bool, u8),
    /// So many datagrams to and fro, of about this length.
    Series(u8, u8, u8),
    /// A message of OpenVPN: which way, which opcode, how long.
    OpenVpn(u8, bool, u8, u16),
    /// A message of WireGuard: which way, which type, which session.
    WireGuard(u8, bool, u8, u8),
}

fn event() -> impl Strategy<Value = (u32, Event)> {
    let kind = prop_oneof![
        (0..4u8, any::<bool>(), any::<u8>()).prop_map(|(flow, way, len)| Event::Udp(flow, way, len)),
        (0..4u8, any::<bool>()).prop_map(|(flow, answered)| Event::Dns(flow, answered)),
        (0..4u8, any::<bool>(), any::<u8>(), 0..40u8)
            .prop_map(|(flow, way, bits, len)| Event::Tcp(flow, way, bits, len)),
        (0..4u8, 1..5u8).prop_map(|(flow, pieces)| Event::Web(flow, pieces)),
        (0..4u8, any::<bool>()).prop_map(|(flow, disconnects)| Event::Mqtt(flow, disconnects)),
        (0..4u8, 0..6u8).prop_map(|(flow, part)| Event::Quic(flow, part)),
        (0..4u8, 1..5u8, any::<bool>()).prop_map(|(flow, pieces, old)| Event::Tls(flow, pieces, old)),
        (0..4u8, 1..5u8).prop_map(|(flow, pieces)| Event::Rtsp(flow, pieces)),
        (0..4u8, any::<bool>()).prop_map(|(flow, answered)| Event::Sip(flow, answered)),
        (0..4u8, any::<bool>()).prop_map(|(flow, tagged)| Event::Wrapped(flow, tagged)),
        (0..3u8, any::<bool>(), 0..4u8).prop_map(|(flow, way, which)| Event::Service(flow, way, which)),
        (0..4u8, 1..40u8, 50..160u8).prop_map(|(flow, count, len)| Event::Series(flow, count, len)),
        (0..2u8, any::<bool>(), 0..32u8, 3..800u16)
            .prop_map(|(flow, way, opcode, len)| Event::OpenVpn(flow, way, opcode, len)),
        (0..2u8, any::<bool>(), 0..5u8, 1..4u8)
            .prop_map(|(flow, way, kind, session)| Event::WireGuard(flow, way, kind, session)),
    ];
    // Mostly close together; some pauses are longer than the timeouts.
    (prop_oneof![9 => 0..200u32, 1 => 0..8000u32], kind)
}

/// Where to cut a message into so many pieces.
fn cuts(message: &[u8], pieces: u8) -> Vec<usize> {
    (1..pieces).map(|n| message.len() * usize::from(n) / usize::from(pieces)).collect()
}

/// A capture of these events.
fn capture(events: &[(u32, Event)]) -> Vec<u8> {
    let path = |flow: u8, port| Path::v4([10, 0, 0, 1], 4000 + u16::from(flow), [10, 0, 0, 2], port);
    let mut film = Film::new();
    let mut now = 0;
    for (pause, event) in events {
        now += u64::from(*pause);
        film = match *event {
            Event::Udp(flow, forward, len) => {
                film.udp(now, &path(flow, 9).directed(forward), &vec![b'u'; len.into()])
            }
            Event::Dns(flow, answered) => {
                let film = film.udp(now, &path(flow, 53), &dns::query(flow.into(), "www.example.com"));
                let answer = dns::response(flow.into(), "www.example.com", &[[192, 0, 2, 1].into()]);
                if answered { film.udp(now + 1, &path(flow, 53).reversed(), &answer) } else { film }
            }
            Event::Tcp(flow, forward, bits, len) => {
                let segment = Dialogue::new(7, 9).segment(forward, bits & 0x3f, &vec![b't'; len.into()]);
                film.dialogue(now, 0, &path(flow, 80), segment)
            }
            Event::Web(flow, pieces) => {
                let request = http::request("www.example.com", "/", flow.into());
                let talk = Dialogue::new(100, 200)
                    .handshake()
                    .pieces(true, &request, &cuts(&request, pieces))
                    .answers(&http::response("nginx", 1, 0))
                    .segment(true, flags::FIN | flags::ACK, &[]);
                film.dialogue(now, 3, &path(flow, 80), talk)
            }
            Event::Mqtt(flow, disconnects) => {
                let publish = mqtt::publish("a/b", b"message");
                let talk = Dialogue::new(100, 200)
                    .handshake()
                    .says(&mqtt::connect("client"))
                    .answers(&mqtt::connack())
                    .pieces(true, &publish, &[5]);
                let talk = if disconnects { talk.says(&mqtt::disconnect()) } else { talk };
                film.dialogue(now, 3, &path(flow, 1883), talk)
            }
            Event::Quic(flow, part) => {
                let connection = Connection::new(Version::V1, flow);
                let hello = tls::quic_client_hello("www.example.com", "Agent", 1000, &mut Random::new(7));
                let datagram = match part {
                    0 => connection.initial(0, &quic::crypto(0, &hello[..700])),
                    1 => connection.initial(1, &quic::crypto(700, &hello[700..])),
                    2 => connection.server_initial(0, &quic::ack(1)),
                    3 => connection.handshake(true, 40),
                    4 => connection.version_negotiation(),
                    _ => connection.short(false, 40),
                };
                film.udp(now, &path(flow, 443).directed(matches!(part, 0 | 1 | 3)), &datagram)
            }
            Event::Tls(flow, pieces, old) => {
                let random = &mut Random::new(flow.into());
                let hello = tls::client_hello("www.example.com", random);
                let answer = if old {
                    let certificate = tls::certificate_message(&[random.bytes::<400>().to_vec()]);
                    tls::record(&[tls::old_server_hello_message("h2", random), certificate].concat())
                } else {
                    [tls::server_hello(random), tls::encrypted(100, random)].concat()
                };
                let talk = Dialogue::new(100, 200)
                    .handshake()
                    .pieces(true, &hello, &cuts(&hello, pieces))
                    .pieces(false, &answer, &cuts(&answer, pieces));
                film.dialogue(now, 3, &path(flow, 443), talk)
            }
            Event::Rtsp(flow, pieces) => {
                let request = rtsp::request("PLAY", pieces.into());
                let answer = [rtsp::media(0, 20), rtsp::response(200, pieces.into(), 0)].concat();
                let talk = Dialogue::new(100, 200)
                    .handshake()
                    .pieces(true, &request, &cuts(&request, pieces))
                    .answers(&answer);
                film.dialogue(now, 3, &path(flow, 554), talk)
            }
            Event::Sip(flow, answered) => {
                let path = path(flow, 5060);
                let film = film.udp(now, &path, &sip::request("MESSAGE", 1, 1));
                let response = sip::response("200 OK", "MESSAGE", 1);
                if answered { film.udp(now + 1, &path.reversed(), &response) } else { film }
            }
            Event::Wrapped(flow, tagged) => {
                let layer = if tagged { Layer::Vlan(0x8100, 7) } else { Layer::Mpls(1000) };
                film.inside(now, &path(flow, 9), &[layer], b"wrapped")
            }
            Event::Service(flow, forward, which) => {
                let (port, message) = match which {
                    0 => (123, ntp::packet(ntp::CLIENT, [0, 1, 2, 3])),
                    1 => (137, netbios::query(flow.into(), "WORKGROUP", 29)),
                    2 => (1900, b"M-SEARCH * HTTP/1.1\r\nST: urn:service:1\r\n\r\n".to_vec()),
                    _ => (5353, dns::query(0, "_ipp._tcp.local")),
                };
                film.udp(now, &path(flow, port).directed(forward), &message)
            }
            Event::Series(flow, count, len) => (0..count).fold(film, |film, number| {
                let way = path(flow, 10).directed(number.is_multiple_of(2));
                film.udp(now + u64::from(number), &way, &vec![b's'; usize::from(len + number / 8)])
            }),
            Event::OpenVpn(flow, forward, opcode, len) => {
                let mut message = vec![opcode << 3];
                message.resize(len.into(), b'o');
                film.udp(now, &path(flow, 1194).directed(forward), &message)
            }
            Event::WireGuard(flow, forward, kind, session) => {
                let mut message = vec![0; [20, 148, 92, 64, 80][usize::from(kind)]];
                (message[0], message[4], message[8]) = (kind, session, session);
                film.udp(now, &path(flow, 51820).directed(forward), &message)
            }
        };
    }
    film.into_bytes()
}

/// Writes records down: the record, and what each plugin says about it.
#[derive(Default)]
struct Notes(Vec<(String, Vec<String>)>);

impl RecordConsumer for Notes {
    fn consume(&mut self, record: &Record<'_>) {
        let flow = record.flow;
        let basic = format!(
            "{:?}:{} > {:?}:{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            flow.source(),
            flow.source_port(),
            flow.destination(),
            flow.destination_port(),
            flow.key,
            flow.packets,
            flow.bytes,
            flow.tcp_flags,
            flow.first,
            flow.last,
            record.end_reason
        );
        let sections = record.sections.iter().map(|section| {
            let instances: Vec<_> = section.instances.iter().collect();
            format!("{} {instances:?}", section.schema.name)
        });
        self.0.push((basic, sections.collect()));
    }
}

/// Records, each with what plugins say about it.
type Said = Vec<(String, Vec<String>)>;

/// The records of a capture with these plugins.
fn records(capture: &[u8], names: &[&str]) -> Said {
    let mut notes = Notes::default();
    let settings = settings("cache;size=10;active=6;inactive=2");
    walk(capture, &settings, &plugins(names), &mut notes);
    notes.0.sort();
    notes.0
}

/// The same with what this plugin says alone.
fn said_by(records: &Said, name: &str) -> Said {
    let prefix = format!("{} ", name.split(';').next().unwrap());
    let mut records = records.clone();
    for (_, said) in &mut records {
        said.retain(|section| section.starts_with(&prefix));
    }
    records.sort();
    records
}

/// The records alone.
fn bare(records: &Said) -> Vec<&str> {
    records.iter().map(|(record, _)| &**record).collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// Whether all plugins that end no records say the same about this capture alone and beside each other, in any order.
fn assert_alone_is_beside_others(capture: &[u8], flags: bool) {
    let names = registered(false, flags);
    let names = borrowed(&names);
    let together = records(capture, &names);
    let reversed = records(capture, &names.iter().rev().copied().collect::<Vec<_>>());
    let without = records(capture, &[]);
    for name in names {
        let alone = records(capture, &[name]);
        assert_eq!(bare(&alone), bare(&without), "{name} changes no record");
        assert_eq!(alone, said_by(&together, name), "{name} beside others");
        assert_eq!(alone, said_by(&reversed, name), "{name} in another order");
    }
}

/// Whether a plugin that ends records says the same about this capture alone and beside all that do not, and those the same about
/// its records beside it alone and beside all.
fn assert_ending_is_beside_measuring(capture: &[u8], ending: &str, flags: bool) {
    let measuring = registered(false, flags);
    let mut names = borrowed(&measuring);
    names.insert(names.len() / 2, ending);
    let together = records(capture, &names);
    assert_eq!(records(capture, &[ending]), said_by(&together, ending), "{ending}");
    for name in borrowed(&measuring) {
        let pair = records(capture, &[ending, name]);
        assert_eq!(said_by(&pair, name), said_by(&together, name), "{name} with {ending}");
    }
}

/// The captures of the repository.
fn captures() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pcaps");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "pcap")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn plugins_say_the_same_about_captures_alone_and_beside_others() {
    for capture in captures() {
        assert_alone_is_beside_others(&capture, false);
        for ending in registered(true, true) {
            assert_ending_is_beside_measuring(&capture, &ending, true);
        }
    }
}

#[test]
fn every_plugin_speaks_about_some_record() {
    let events = [
        (0, Event::Udp(0, true, 9)),
        (1, Event::Dns(1, true)),
        (1, Event::Web(2, 3)),
        (1, Event::Mqtt(3, true)),
        (1, Event::Quic(1, 0)),
        (1, Event::Wrapped(3, false)),
        (1, Event::Wrapped(2, true)),
        (1, Event::Series(0, 40, 70)),
        (1, Event::WireGuard(0, true, 1, 1)),
    ];
    let mut captures = captures();
    captures.push(capture(&events));
    // Speaks only where osquery runs.
    let speakers = [registered(true, false), registered(false, false)].concat();
    for name in speakers.into_iter().filter(|name| name != "osquery") {
        let speaks = |capture: &Vec<u8>| records(capture, &[&name]).iter().any(|(_, said)| !said.is_empty());
        assert!(captures.iter().any(speaks), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plugins_say_the_same_alone_and_beside_others(
        events in prop::collection::vec(event(), 1..60),
        flags: bool,
    ) {
        assert_alone_is_beside_others(&capture(&events), flags);
    }

    #[test]
    fn plugins_that_end_records_say_the_same_beside_those_that_do_not(
        events in prop::collection::vec(event(), 1..60),
        flags: bool,
        ending in prop::sample::select(registered(true, false)),
    ) {
        assert_ending_is_beside_measuring(&capture(&events), &ending, flags);
    }

    #[test]
    fn plugins_that_end_records_agree_on_them_in_any_order(
        events in prop::collection::vec(event(), 1..60),
        flags: bool,
    ) {
        let capture = capture(&events);
        let names = registered(true, flags);
        let one = records(&capture, &borrowed(&names));
        let other = records(&capture, &names.iter().rev().map(String::as_str).collect::<Vec<_>>());
        for name in borrowed(&names) {
            prop_assert_eq!(said_by(&one, name), said_by(&other, name), "{}", name);
        }
    }
}
