//! What the output `ipfix` sends is what JSON says, and other programs read it.
#![allow(clippy::unwrap_used)]

mod probe;

use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use probe::{ALL_PLUGINS, Scratch, committed, json, number, run, weir_on};
use weir_generator::shapes::Shape;
use weir_ipfix::element::ElementId;
use weir_ipfix::message::{Message, Records, SetKind, TemplateRecord};
use weir_ipfix::registry;
use weir_ipfix::template::Template;
use weir_ipfix::value::unsigned;

/// How messages come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Tcp,
    Udp,
}

/// Runs the program on a capture and receives what it sends, message by message.
fn received(capture: &Path, way: Way, arguments: &str) -> Vec<Vec<u8>> {
    match way {
        Way::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let collector = thread::spawn(move || {
                let mut octets = Vec::new();
                listener.accept().unwrap().0.read_to_end(&mut octets).unwrap();
                octets
            });
            export(capture, &format!("ipfix;port={port}"), arguments);
            let stream = collector.join().unwrap();
            let (mut messages, mut rest) = (Vec::new(), &stream[..]);
            while let Some((message, after)) = Message::read_from(rest).unwrap() {
                messages.push(rest[..message.header.length.into()].to_vec());
                rest = after;
            }
            assert!(rest.is_empty());
            messages
        }
        Way::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            // All of it, if it has to be.
            rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 1 << 24)
                .or_else(|_| rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 1 << 24))
                .unwrap();
            let port = socket.local_addr().unwrap().port();
            let collector = thread::spawn(move || {
                let mut messages = Vec::new();
                let mut datagram = [0; 65536];
                // An empty datagram is the end.
                while let Ok(length @ 1..) = socket.recv(&mut datagram) {
                    messages.push(datagram[..length].to_vec());
                }
                messages
            });
            export(capture, &format!("ipfix;udp;port={port}"), arguments);
            thread::sleep(Duration::from_millis(50));
            let end = UdpSocket::bind("127.0.0.1:0").unwrap();
            end.send_to(&[], ("127.0.0.1", port)).unwrap();
            collector.join().unwrap()
        }
    }
}

fn export(capture: &Path, output: &str, arguments: &str) {
    let ended = run(weir_on(capture, arguments).args(["-o", output]));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
}

/// Records and sums over what was received: octets and packets of both directions. The sequence numbers are those of the records.
fn sums(messages: &[Vec<u8>]) -> (u64, u64, u64) {
    let mut templates: Vec<Template> = Vec::new();
    let (mut records, mut octets, mut packets) = (0u32, 0, 0);
    for message in messages {
        let message = Message::read(message).unwrap();
        assert_eq!(message.header.sequence, records);
        for set in message.sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                templates.push(view.to_template().unwrap());
            }
            if set.kind() != SetKind::Data {
                continue;
            }
            let template = templates.iter().find(|template| template.id() == set.id).unwrap();
            for record in Records::new(template, set.content).map(Result::unwrap) {
                records += 1;
                let counter = |id| unsigned(record.get(id).unwrap());
                let both = |id: ElementId| counter(id) + counter(id.reversed().unwrap());
                octets += both(ElementId::iana(1));
                packets += both(ElementId::iana(2));
            }
        }
    }
    (records.into(), octets, packets)
}

/// Records, bytes and packets of both directions, as JSON has them. Records of a flow beyond the first repeat its counters there.
fn sums_of_json(capture: &Path) -> (u64, u64, u64) {
    let lines = json(capture, ALL_PLUGINS).records();
    let mut flows: Vec<_> = lines.iter().collect();
    flows.dedup_by_key(|line| {
        ["TIME_FIRST", "SRC_IP", "SRC_PORT", "DST_IP", "DST_PORT", "PACKETS", "BYTES"]
            .map(|name| line[name].to_string())
    });
    let sum = |names: [&str; 2]| -> u64 {
        flows.iter().map(|line| names.iter().map(|name| number(line, name)).sum::<u64>()).sum()
    };
    (lines.len() as u64, sum(["BYTES", "BYTES_REV"]), sum(["PACKETS", "PACKETS_REV"]))
}

fn assert_agrees_with_json(capture: &Path) {
    for way in [Way::Tcp, Way::Udp] {
        assert_eq!(sums(&received(capture, way, ALL_PLUGINS)), sums_of_json(capture), "{way:?}");
    }
}

#[test]
fn records_and_sums_are_those_of_json() {
    assert_agrees_with_json(&committed("quickstart"));
    assert_agrees_with_json(&committed("pipelined-requests"));
    let scratch = Scratch::new();
    assert_agrees_with_json(&scratch.capture(Shape::Imix, 3000, 200));
}

#[test]
fn every_element_that_is_sent_is_known_with_a_type_that_fits() {
    let messages = received(&committed("quickstart"), Way::Tcp, ALL_PLUGINS);
    let mut seen = 0;
    for message in &messages {
        for set in Message::read(message).unwrap().sets().map(Result::unwrap) {
            for record in set.templates() {
                let TemplateRecord::Definition(view) = record.unwrap() else { panic!() };
                for field in view.fields() {
                    let element = registry::by_id(field.id).unwrap_or_else(|| panic!("{}", field.id));
                    let data_type = element.data_type;
                    let fits =
                        if field.is_variable() { data_type.may_vary() } else { data_type.fits(field.length) };
                    assert!(fits, "{element} in {} octets", field.length);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100);
}

/// A capture of the messages on their way to port 4739 of 127.0.0.1.
fn as_capture(messages: &[Vec<u8>], way: Way) -> Vec<u8> {
    let mut capture = Vec::new();
    let mut words =
        |words: &[u32]| words.iter().for_each(|word| capture.extend_from_slice(&word.to_le_bytes()));
    // LINKTYPE_RAW
    words(&[0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 65535, 101]);
    let mut sequence = 1u32;
    for (number, message) in messages.iter().enumerate() {
        let mut transport = vec![0x12, 0x83, 0x12, 0x83];
        let protocol = match way {
            Way::Udp => {
                transport.extend_from_slice(&(8 + message.len() as u16).to_be_bytes());
                transport.extend_from_slice(&[0, 0]);
                17
            }
            Way::Tcp => {
                transport.extend_from_slice(&sequence.to_be_bytes());
                // Acknowledgement 1, header of five words, PSH and ACK, window, no checksum.
                transport.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
                sequence += message.len() as u32;
                6
            }
        };
        let length = (20 + transport.len() + message.len()) as u16;
        let [l1, l2] = length.to_be_bytes();
        let header = [0x45, 0, l1, l2, 0, 0, 0, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
        for word in [1, number as u32, length.into(), length.into()] {
            capture.extend_from_slice(&word.to_le_bytes());
        }
        capture.extend_from_slice(&[&header[..], &transport, message].concat());
    }
    capture
}

#[test]
fn tshark_finds_nothing_malformed_or_unknown() {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark is not here");
        return;
    }
    let scratch = Scratch::new();
    for name in ["quickstart", "pipelined-requests"] {
        for way in [Way::Tcp, Way::Udp] {
            let messages = received(&committed(name), way, ALL_PLUGINS);
            let path = scratch.file("ipfix.pcap", as_capture(&messages, way));
            let shown = Command::new("tshark").arg("-r").arg(&path).arg("-V").output().unwrap();
            assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
            let shown = String::from_utf8_lossy(&shown.stdout);
            for fault in ["Malformed", "Unknown", "No template", "Expert Info (Warning", "Expert Info (Error"]
            {
                let line = shown.lines().find(|line| line.contains(fault));
                assert_eq!(line, None, "{name} over {way:?}");
            }
            let (records, ..) = sums(&messages);
            let is_flow = |line: &&str| {
                line.trim().strip_prefix("Flow ").is_some_and(|number| number.parse::<u32>().is_ok())
            };
            let flows = shown.lines().filter(is_flow).count();
            assert_eq!(flows as u64, records, "{name} over {way:?}");
        }
    }
}

#[test]
fn nfcapd_counts_what_json_counts() {
    if ["nfcapd", "nfdump"].iter().any(|program| Command::new(program).arg("-V").output().is_err()) {
        eprintln!("SKIPPED: nfcapd and nfdump are not here");
        return;
    }
    let capture = committed("quickstart");
    let (records, bytes, packets) = sums_of_json(&capture);
    let scratch = Scratch::new();
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let directory = scratch.path("");
    let mut collector = Command::new("nfcapd")
        .args(["-b", "127.0.0.1", "-p", &port.to_string(), "-w"])
        .arg(&directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It is there when nobody else can have its port.
    while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
        assert!(collector.try_wait().unwrap().is_none(), "nfcapd has ended");
        thread::sleep(Duration::from_millis(20));
    }
    export(&capture, &format!("ipfix;udp;time=ms;port={port}"), ALL_PLUGINS);
    thread::sleep(Duration::from_millis(500));
    let pid = rustix::process::Pid::from_child(&collector);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    collector.wait().unwrap();
    let shown = Command::new("nfdump").arg("-R").arg(&directory).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout);
    let summary =
        shown.lines().find(|line| line.starts_with("Summary:")).unwrap_or_else(|| panic!("{shown}"));
    for (what, expected) in [("flows", records), ("bytes", bytes), ("packets", packets)] {
        assert!(summary.contains(&format!("total {what}: {expected},")), "{what} {expected}: {summary}");
    }
}
