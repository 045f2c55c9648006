//! What goes over UDP and TCP.
//!
//! Which port is that of a collector if nothing is said, 4739, or 4740 with TLS and DTLS, is a matter of the probe's options: the tests
//! `an_address_has_a_host_and_may_have_a_port` and `docs_options_md_is_up_to_date` hold it, and that `reconnect` is a minute.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, ipproto, recv, socket_with, sockopt,
};
use weir_ipfix::collect::CollectorSettings;
use weir_ipfix::export::transport::{Tcp, Transport, Udp};
use weir_ipfix::export::{Collector, Exporter, Now, Records, TemplateSlot};
use weir_ipfix::message::Message;

use crate::by_hand::{PROTOCOL, message, sequence, stream, template, told};
use crate::collecting::{ANY, Collecting, told_of_parts};
use crate::exporting::{Exporting, Lost, Wire, settings};

/// An exporter of octets over a real transport.
fn over(
    transport: impl Transport + 'static,
    longest: usize,
    queue_octets: usize,
) -> (Exporter, TemplateSlot) {
    let mut exporter = Exporter::new(7, longest).unwrap();
    exporter.add_collector(Collector::new(Box::new(transport), None, settings(queue_octets)));
    let slot = exporter.add_template(template(4, 1), Now::default(), &mut Lost::default()).unwrap();
    (exporter, slot)
}

fn export(exporter: &mut Exporter, slot: TemplateSlot, octets: &[u8], lost: &mut Lost) {
    exporter.put(slot, Records::of_equal_length(octets, 1), Now::default(), lost);
    exporter.flush(Now::default(), lost);
}

/// RFC 7011, 10.3.4: nothing of the library knows a port but from its caller.
#[test]
fn a_collector_may_be_at_any_port() {
    for _ in 0..2 {
        let collector = UdpSocket::bind(ANY).unwrap();
        let port = collector.local_addr().unwrap().port();
        let (mut exporter, slot) = over(Udp::new("127.0.0.1", port), 100, 1 << 20);
        export(&mut exporter, slot, &[6], &mut Lost::default());
        let mut octets = [0; 100];
        assert_eq!(collector.recv(&mut octets).unwrap(), 28);
    }
}

/// RFC 7011, 10.3.3: a packet of UDP has 28 octets of headers over IPv4, and 48 over IPv6.
#[test]
fn messages_over_udp_are_not_longer_than_what_a_packet_can_carry() {
    for (any, headers) in [(ANY, 28), (SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), 48)] {
        for packet in [512, 1280, 1500] {
            let collector = UdpSocket::bind(any).unwrap();
            collector.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let to = collector.local_addr().unwrap();
            let (mut exporter, slot) =
                over(Udp::new(to.ip().to_string(), to.port()), packet - headers, 1 << 20);
            export(&mut exporter, slot, &[6; 10_000], &mut Lost::default());
            let (mut records, mut octets, mut longest) = (0, vec![0; 65_535], 0);
            while records < 10_000 {
                let length = collector.recv(&mut octets).unwrap();
                longest = longest.max(length);
                let message = Message::read(&octets[..length]).unwrap();
                let set = message.sets().next().unwrap().unwrap();
                records += if set.id == 256 { set.content.len() } else { 0 };
            }
            assert_eq!(longest, packet - headers);
        }
    }
}

/// RFC 7011, 10.3 and RFC 768: a checksum of 0 stands for none. Of what is sent to itself, the kernel has only the part of the
/// addresses in its place.
#[test]
fn datagrams_have_checksums() {
    let raw = socket_with(AddressFamily::INET, SocketType::RAW, SocketFlags::empty(), Some(ipproto::UDP));
    let raw = match raw {
        Ok(raw) => raw,
        Err(error) => return eprintln!("SKIPPED: seeing the checksums of datagrams: {error}"),
    };
    bind(&raw, &ANY).unwrap();
    sockopt::set_socket_timeout(&raw, sockopt::Timeout::Recv, Some(Duration::from_secs(20))).unwrap();
    let collector = UdpSocket::bind(ANY).unwrap();
    let port = collector.local_addr().unwrap().port();
    let (mut exporter, slot) = over(Udp::new("127.0.0.1", port), 100, 1 << 20);
    // Four messages of the same length and more go through the kernel as one.
    export(&mut exporter, slot, &[6; 1000], &mut Lost::default());
    // A message of the template, twelve of 100 octets, and one of what is left; divided or not.
    let (mut seen, mut packet) = (0, vec![0; 65_535]);
    while seen < 28 + 12 * 100 + 60 {
        let (length, _) = recv(&raw, &mut packet[..], RecvFlags::empty()).unwrap();
        let datagram = &packet[20..length];
        if datagram[2..4] == port.to_be_bytes() {
            assert_ne!(datagram[6..8], [0, 0]);
            seen += datagram.len() - 8;
        }
    }
}

/// RFC 7011, 10.4
#[test]
fn the_lengths_alone_divide_a_stream_into_messages_however_it_comes() {
    let messages =
        [message(0, &[(2, PROTOCOL)]), message(0, &[(256, &[6, 17])]), message(2, &[(256, &[1])])].concat();
    let expected = ["opened", "template 256", "4: [06]", "4: [11]", "4: [01]", "closed: at its end"];
    for place in 0..=messages.len() {
        let (before, after) = messages.split_at(place);
        assert_eq!(told_of_parts(&[before, after]), expected, "{place}");
        for more in 0..=after.len() {
            assert_eq!(told_of_parts(&[before, &after[..more], &after[more..]]), expected, "{place} {more}");
        }
    }
    let single: Vec<&[u8]> = messages.chunks(1).collect();
    assert_eq!(told_of_parts(&single), expected);
    for length in 0..28 {
        assert!(Message::read_from(&messages[..length]).unwrap().is_none());
    }

    let mut collecting = Collecting::new(CollectorSettings::default());
    let address = collecting.collector.listen_tcp(ANY).unwrap();
    let mut exporter = TcpStream::connect(address).unwrap();
    exporter.set_nodelay(true).unwrap();
    collecting.expect(&expected[..1]);
    for octet in &single {
        exporter.write_all(octet).unwrap();
        collecting.until(|_| true);
    }
    drop(exporter);
    collecting.expect(&expected[1..]);
}

fn until_all_has_arrived(exporter: &mut Exporter, lost: &mut Lost) {
    let since = Instant::now();
    while exporter.is_busy() {
        assert!(since.elapsed().as_secs() < 20);
        exporter.wait(Duration::from_millis(20));
        exporter.advance(Now::default(), lost);
    }
}

/// RFC 7011, 10.4: an exporter must not wait for a collector.
#[test]
fn a_collector_that_does_not_read_holds_nobody_up_and_what_is_dropped_is_counted() {
    let listener = TcpListener::bind(ANY).unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = Tcp::new("127.0.0.1", port, Duration::from_secs(20));
    let (mut exporter, slot) = over(tcp, 10_000, 100_000);
    let mut lost = Lost::default();
    while exporter.collectors()[0].statistics().sessions == 0 {
        exporter.wait(Duration::from_secs(1));
        exporter.advance(Now::default(), &mut lost);
    }
    let (mut connection, _) = listener.accept().unwrap();
    let mut exported = 0;
    // More than the kernel takes: if this waited, it would do so for ever.
    while lost.messages < 100 {
        export(&mut exporter, slot, &[6; 50_000], &mut lost);
        exported += 50_000;
        assert!(exported < 1 << 30);
    }
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        connection.read_to_end(&mut octets).unwrap();
        octets
    });
    until_all_has_arrived(&mut exporter, &mut lost);
    export(&mut exporter, slot, &[17], &mut lost);
    until_all_has_arrived(&mut exporter, &mut lost);
    exporter.close(&mut lost);
    let (octets, mut session) = (reader.join().unwrap(), stream());
    let mut rest = &octets[..];
    while let Some((message, after)) = Message::read_from(rest).unwrap() {
        session.read(&message, Default::default(), |_| {});
        rest = after;
    }
    let (counters, statistics) = (session.counters(), exporter.collectors()[0].statistics());
    assert_eq!((counters.records, counters.lost_records), (statistics.records, statistics.lost_records));
    assert_eq!(counters.records + counters.lost_records, exported + 1);
    assert!(statistics.lost_records > 0 && rest.is_empty());
}

/// RFC 7011, 10.4.4
#[test]
fn attempts_to_connect_follow_each_other_after_a_minute_or_more() {
    let mut exporting = Exporting::to(Wire { is_away: true, ..Wire::default() });
    let slot = exporting.add(template(4, 1));
    let mut attempts = Vec::new();
    for second in 0..1000 {
        exporting.export(slot, &[[6]]);
        exporting.pass(1);
        let made = exporting.wire(0).attempts;
        attempts.resize(made, second);
    }
    assert!((4..=16).contains(&attempts.len()), "{attempts:?}");
    assert!(attempts.windows(2).all(|two| two[1] - two[0] >= 60), "{attempts:?}");
    exporting.wire(0).is_away = false;
    exporting.pass(300);
    assert_eq!(exporting.wire(0).attempts, attempts.len() + 1);
}

/// RFC 7011, 8 and 10.1
#[test]
fn a_session_with_another_collector_or_over_another_transport_begins_anew() {
    let mut exporting = Exporting::falling_back([Wire::default(), Wire::datagrams()]);
    let slot = exporting.add(template(4, 1));
    exporting.export(slot, &[[6]; 3]);
    {
        let mut first = exporting.wire(0);
        (first.is_closed, first.is_away) = (true, true);
    }
    exporting.pass(100);
    exporting.export(slot, &[[17]; 5]);
    exporting.wire(0).is_away = false;
    exporting.pass(1000);
    exporting.export(slot, &[[1]]);
    let templates = message(0, &[(2, PROTOCOL)]);
    let untimed = |sessions: &[Vec<Vec<u8>>]| -> Vec<Vec<(u32, Vec<u8>)>> {
        let messages =
            |session: &Vec<Vec<u8>>| session.iter().map(|it| (sequence(it), it[16..].to_vec())).collect();
        sessions.iter().map(messages).collect()
    };
    let data = |octets: &[u8]| message(0, &[(256, octets)])[16..].to_vec();
    let begin = (0, templates[16..].to_vec());
    assert_eq!(
        untimed(&exporting.sessions()),
        [vec![begin.clone(), (0, data(&[6, 6, 6]))], vec![begin.clone(), (0, data(&[1]))]]
    );
    let second = untimed(&exporting.wire(1).sessions);
    assert_eq!(second[0][..2], [begin, (0, data(&[17; 5]))]);
    assert_eq!(exporting.lost.messages, 0);
}

/// RFC 7011, 9
#[test]
fn a_malformed_message_is_told_and_the_next_one_is_read() {
    let mut collecting = Collecting::new(CollectorSettings::default());
    let udp = collecting.collector.listen_udp(ANY).unwrap();
    let exporter = UdpSocket::bind(ANY).unwrap();
    exporter.connect(udp).unwrap();
    for octets in
        [&message(0, &[(2, PROTOCOL)])[..], b"\0\x0bnonsense of this kind", &message(0, &[(256, &[6])])]
    {
        exporter.send(octets).unwrap();
    }
    collecting.expect(&["opened", "template 256", "malformed: version 11 is not IPFIX", "4: [06]"]);

    // In a stream nobody knows where the next message begins: the session ends, and a new one is as good as ever.
    let tcp = collecting.collector.listen_tcp(ANY).unwrap();
    let mut exporter = TcpStream::connect(tcp).unwrap();
    exporter
        .write_all(&[&message(0, &[(2, PROTOCOL)])[..], b"\0\x0bnonsense of this kind"].concat())
        .unwrap();
    collecting.expect(&["opened", "template 256", "closed: version 11 is not IPFIX"]);
    let mut exporter = TcpStream::connect(tcp).unwrap();
    exporter.write_all(&message(0, &[(2, PROTOCOL), (256, &[6])])).unwrap();
    collecting.expect(&["opened", "template 256", "4: [06]"]);

    // What is wrong within a message of known length ends a part of it.
    let mut session = stream();
    let mut octets = message(0, &[(2, PROTOCOL), (256, &[6]), (256, &[17])]);
    octets[36] = 200;
    let expected = ["template 256", "4: [06]", "set 256 says that it is 200 octets long, of 5 that are left"];
    assert_eq!(told(&mut session, &octets), expected);
    assert_eq!(told(&mut session, &message(2, &[(256, &[1])])), ["4: [01]"]);
}
