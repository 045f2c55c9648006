//! Programs in C and C++ that use `ipfixlolib.h`, compiled against what `scripts/install-capi` installs.
#![allow(clippy::unwrap_used)]

mod toolchain;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use toolchain::{Dialect, Installed, Library, run, tshark, valgrind};
use weir_ipfix::message::{Message, Records, SetKind, TemplateRecord};
use weir_ipfix::template::Template;

/// What the collectors of a program got: datagrams and a stream.
struct Received {
    udp: Vec<u8>,
    tcp: Vec<u8>,
}

/// Runs a program with the ports of two collectors.
fn received(program: &Path) -> Received {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports =
        [socket.local_addr(), listener.local_addr()].map(|address| address.unwrap().port().to_string());
    let stream = thread::spawn(move || {
        let mut octets = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut octets).unwrap();
        octets
    });
    run(Command::new(program).args(ports));
    // The program has ended: what it sent is here.
    socket.set_nonblocking(true).unwrap();
    let (mut udp, mut datagram) = (Vec::new(), [0; 65536]);
    while let Ok(length) = socket.recv(&mut datagram) {
        udp.extend_from_slice(&datagram[..length]);
    }
    Received { udp, tcp: stream.join().unwrap() }
}

/// Templates (negative if withdrawn) and numbers of records by template, in order; the sequence numbers are right.
fn told(mut octets: &[u8]) -> Vec<(i32, usize)> {
    let (mut told, mut templates, mut sequence) = (Vec::new(), Vec::<Template>::new(), 0);
    while let Some((message, rest)) = Message::read_from(octets).unwrap() {
        octets = rest;
        assert_eq!((message.header.domain, message.header.sequence), (12345, sequence));
        assert!(message.header.length <= 1400);
        for set in message.sets().map(Result::unwrap) {
            assert_ne!(set.kind(), SetKind::Reserved, "set id 4 is not sent");
            for record in set.templates() {
                match record.unwrap() {
                    TemplateRecord::Definition(view) => {
                        templates.retain(|template| template.id() != view.id);
                        templates.push(view.to_template().unwrap());
                        told.push((view.id.into(), 0));
                    }
                    TemplateRecord::Withdrawal(id) => told.push((-i32::from(id), 0)),
                }
            }
            if set.kind() == SetKind::Data {
                let template = templates.iter().find(|template| template.id() == set.id).unwrap();
                let records = Records::new(template, set.content).map(Result::unwrap).count();
                sequence += records as u32;
                told.push((set.id.into(), records));
            }
        }
    }
    assert!(octets.is_empty());
    told
}

#[test]
fn a_program_that_uses_every_function_of_ipfixlolib_is_understood() {
    let Some(installed) = Installed::new() else { return };
    for (dialect, library) in [
        (Dialect::C99, Library::Shared),
        (Dialect::C11, Library::Static),
        (Dialect::Cpp11, Library::Static),
        (Dialect::Cpp17, Library::Shared),
    ] {
        let received = received(&installed.compile("lolib_all.c", dialect, library));
        check(&received);
        let path = installed.scratch("received.ipfix");
        fs::write(&path, &received.udp).unwrap();
        let reader = installed.compile("common.c", dialect, library);
        let seen = run(Command::new(reader).arg(path));
        assert_eq!(seen, "101 17 42\n102 17 42\n103 17 42\n", "fixed values are with every record");
    }
}

fn check(received: &Received) {
    let values = [(65535, 1), (256, 2), (256, 2), (257, 2), (258, 1), (259, 3)];
    let templates = [65535, 259, 258, 257, 256];
    let of = |told: &[(i32, usize)]| -> (Vec<i32>, Vec<(i32, usize)>) {
        let (templates, data): (Vec<_>, Vec<_>) = told.iter().partition(|(_, records)| *records == 0);
        let mut templates: Vec<_> = templates.into_iter().map(|(id, _)| id).collect();
        templates.sort_unstable_by(|a, b| b.cmp(a));
        (templates, data)
    };
    let (seen, data) = of(&told(&received.udp));
    assert_eq!((seen.as_slice(), data.as_slice()), (&templates[..], &values[..]));
    let told = told(&received.tcp);
    let (first, last) = told.split_at(told.iter().position(|(id, _)| *id == -257).unwrap());
    assert_eq!(of(first), (templates.into(), values.into()));
    assert_eq!(last, [(-257, 0), (257, 0), (257, 2), (258, 1), (259, 3)]);
    let Some(shown) = tshark(&received.udp) else { return };
    for expected in [
        "SrcAddr: 192.0.2.1",
        "SrcAddr: 192.0.2.3",
        "DstAddr: 198.51.100.4",
        "Octets: 1111",
        "Octets: 2222",
        "IfName: eth0",
        "IfName: wan",
        "Metering Process Id: 5",
        "FlowsExp: 77",
        "Packets: 101",
        "Packets: 103",
        "Protocol: UDP (17)",
        "Vlan Id: 42",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("255.255.255.255"), "{shown}");
}

#[test]
fn what_is_wrong_is_an_error_and_no_undefined_behaviour() {
    let Some(installed) = Installed::new() else { return };
    let plain = installed.compile("lolib_wrong.c", Dialect::C99, Library::Shared);
    run(&mut Command::new(&plain));
    if let Some(mut valgrind) = valgrind() {
        run(valgrind.arg(&plain));
    }
    run(&mut Command::new(installed.compile("lolib_wrong.c", Dialect::Sanitized, Library::Shared)));
    run(&mut Command::new(installed.compile("lolib_wrong.c", Dialect::Cpp17, Library::Static)));
}

/// Reads what a program of `lolib_line.c` sends in one session, up to a record; answers the number in it.
fn first_record(stream: &mut TcpStream) -> u32 {
    let mut octets = Vec::new();
    let mut last = 0;
    // The templates, the options record and the record.
    while last != 256 {
        let mut header = [0; 16];
        stream.read_exact(&mut header).unwrap();
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let begin = octets.len();
        octets.extend_from_slice(&header);
        octets.resize(begin + length, 0);
        stream.read_exact(&mut octets[begin + header.len()..]).unwrap();
        let message = Message::read(&octets[begin..]).unwrap();
        last = message.sets().map(|set| set.unwrap().id).last().unwrap();
    }
    assert_eq!(told(&octets), [(65535, 0), (256, 0), (65535, 1), (256, 1)]);
    u32::from_be_bytes(*octets.last_chunk().unwrap())
}

#[test]
fn a_collector_that_goes_away_harms_nobody_and_is_told_everything_again() {
    let Some(installed) = Installed::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut program = Command::new(installed.compile("lolib_line.c", Dialect::C11, Library::Shared))
        .arg(address.port().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    let mut output = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut send = |number: u32| {
        writeln!(input, "{number}").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), "sent");
    };
    send(1);
    let mut first = listener.accept().unwrap().0;
    // It had begun to connect when the record came, and goes on when the next one comes.
    send(2);
    assert_eq!(first_record(&mut first), 1);
    // With something that was not read, so that the connection is reset.
    drop(first);
    send(3);
    let mut second = listener.accept().unwrap().0;
    send(4);
    assert_eq!(first_record(&mut second), 3);
    drop((second, listener));
    send(5);
    send(6);
    let listener = TcpListener::bind(address).unwrap();
    drop(input);
    let mut third = listener.accept().unwrap().0;
    assert_eq!(first_record(&mut third), 5);
    assert!(program.wait().unwrap().success());
}
