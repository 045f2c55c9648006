//! What ulogd2's collectors get, and how templates are told.

use weir_flow::FlowKey;
use weir_flow::Timestamp;
use weir_flow::key::Oriented;

use super::*;

/// A flow as it was when the bytes below were captured.
fn flow(source: u32, destination: u32, ports: [u16; 2], protocol: u8, counters: [u64; 4]) -> Flow {
    let (key, source_end) = FlowKey::canonical(&Oriented {
        source: [0, source.into()],
        destination: [0, destination.into()],
        source_port: ports[0],
        destination_port: ports[1],
        protocol,
        vlan_id: 0,
        ipv6: false,
    });
    let [packets, packets_reverse, octets, octets_reverse] = counters;
    Flow {
        key,
        source_end,
        first: Timestamp::new(0x6b02_f37c, 0),
        last: Timestamp::new(0x6b02_f37c, 0),
        packets: [packets, packets_reverse],
        bytes: [octets, octets_reverse],
        ..Flow::default()
    }
}

/// What ulogd2 2.0.8 sent: a message of two records, the first being one of IPv6 (from ::1), of which it takes the first four octets of
/// each address. Marks are 42.
const CAPTURED: &[u8] = b"\0\x0a\0\x56\x6b\x02\xf3\x7c\0\0\0\x02\0\0\0\x07\x01\0\0\x46\
    \0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x32\x6b\x02\xf3\x7c\x6b\x02\xf3\x7c\x8f\x85\x27\x0f\x11\0\0\0\x2a\
    \x7f\0\0\x01\x7f\0\0\x01\0\0\0\x0a\0\0\x02\xae\x6b\x02\xf3\x7c\x6b\x02\xf3\x7c\xb3\xf2\x15\xb3\x06\0\0\0\x2a";

#[test]
fn a_message_is_that_of_ulogd2_but_for_its_number_and_the_mark() {
    let flows = [
        flow(0, 1, [0x8f85, 0x270f], 17, [1, 0, 50, 0]),
        flow(0x7f00_0001, 0x7f00_0001, [0xb3f2, 0x15b3], 6, [6, 4, 420, 266]),
    ];
    let records = flows.each_ref().map(|flow| fixtures::record(flow, &[]));
    let mut octets = exported("layout=ulogd2;send_template=never;mtu=100;oid=7;proto=tcp", &records);
    // The time of export.
    octets[4..8].copy_from_slice(&CAPTURED[4..8]);
    let mut expected = CAPTURED.to_vec();
    // The records before this message, not those in it.
    expected[11] = 0;
    for mark in [49..53, 82..86] {
        expected[mark].fill(0);
    }
    assert_eq!(octets, expected);
}

#[test]
fn the_template_is_that_of_ulogd2_and_ipv6_has_one_of_its_own() {
    let [v4, v6] = flows();
    let octets = exported("layout=ulogd2;template-mode=always", &[fixtures::record(&v4, &[])]);
    let template = b"\0\x02\0\x30\x01\0\0\x0a\0\x08\0\x04\0\x0c\0\x04\0\x56\0\x04\0\x55\0\x04\
        \0\x96\0\x04\0\x97\0\x04\0\x07\0\x02\0\x0b\0\x02\0\x04\0\x01\0\x5f\0\x04";
    assert_eq!(octets[16..64], *template);
    assert_eq!((octets.len(), &octets[64..68]), (64 + 4 + 33, &b"\x01\0\0\x25"[..]));

    let sections = [everything(), answers([7, 8])];
    let records = [fixtures::record(&v6, &sections), fixtures::record(&v4, &[])];
    let Reading { templates, messages } = Reading::stream(&exported("layout=ulogd2", &records));
    let numbers = |template: &Template| template.fields().iter().map(|f| f.id.number).collect::<Vec<_>>();
    let ids: Vec<_> = templates.iter().map(Template::id).collect();
    assert_eq!(ids, [256, 257]);
    assert_eq!(numbers(&templates[1]), [27, 28, 86, 85, 150, 151, 7, 11, 4, 95]);
    let sets: Vec<_> = messages[1].1.iter().map(|(id, records)| (*id, records.len())).collect();
    assert_eq!(sets, [(256, 1), (257, 1)], "one record a flow, whatever plugins have to say");
}

#[test]
fn a_message_of_512_octets_has_thirteen_records_beside_the_template_and_fourteen_without() {
    let [v4, _] = flows();
    let records: Vec<_> = (0..27).map(|_| fixtures::record(&v4, &[])).collect();
    for (mode, most, length) in [("always", 13, 497), ("never", 14, 482)] {
        let octets = exported(&format!("layout=ulogd2;mtu=512;template-mode={mode}"), &records);
        assert_eq!(octets[2..4], u16::to_be_bytes(length));
        let first = Message::read(&octets[..length.into()]).unwrap();
        let data = first.sets().map(Result::unwrap).find(|set| set.id == 256).unwrap();
        assert_eq!(data.content.len(), 33 * most);
        let rest = Message::read_from(&octets[length.into()..]).unwrap().unwrap().0;
        assert_eq!(rest.header.sequence as usize, most);
    }
}

#[test]
fn every_message_tells_its_templates_if_it_is_asked_to() {
    let [v4, v6] = flows();
    let records: Vec<_> =
        (0..100).map(|n| fixtures::record(if n % 3 == 0 { &v6 } else { &v4 }, &[])).collect();
    let octets = exported("template-mode=always;mtu=600", &records);
    let mut rest = &octets[..];
    let mut read = 0;
    while let Some((message, after)) = Message::read_from(rest).unwrap() {
        assert!(message.header.length <= 600);
        // Nothing that another message has said is needed.
        let reading = Reading::stream(&rest[..message.header.length.into()]);
        read += reading.messages[0].1.iter().filter(|(id, _)| *id != 2).map(|(_, r)| r.len()).sum::<usize>();
        rest = after;
    }
    assert_eq!(read, 100);
}

#[test]
fn a_template_that_leaves_no_room_for_records_loses_them_and_they_are_counted() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    assert_the_long_one_is_lost(&format!("transport=udp;template-mode=always;mtu=250;port={port}"));
}

#[test]
fn what_is_lost_of_the_records_of_ulogd2_is_counted() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = open(&format!("layout=ulogd2;port={port}")).unwrap();
    let [v4, v6] = flows();
    let (mut encoder, mut sink) = (output.encoder(), output.into_sink());
    let mut batch = IpfixBatch::default();
    encoder.encode(&fixtures::record(&v4, &[]), &mut batch);
    encoder.encode(&fixtures::record(&v6, &[]), &mut batch);
    sink.write(&batch).unwrap();
    sink.flush().unwrap();
    assert_eq!(sink.take_lost(), Lost { records: 2, packets: 14, bytes: 25_764 });
}

#[test]
fn an_mtu_below_a_message_with_a_record_of_any_flow_is_refused() {
    for (parameters, least) in [
        ("", 125),
        ("template-mode=always", 217),
        ("layout=ulogd2;template-mode=never", 77),
        ("layout=ulogd2;template-mode=always", 125),
    ] {
        let error = open(&format!("{parameters};mtu={}", least - 1)).unwrap_err().to_string();
        assert!(error.contains("mtu"), "{error}");
        assert!(open(&format!("{parameters};mtu={least}")).is_ok(), "{parameters}");
    }
    assert!(open("layout=ulogd2;mtu=50").is_err());
}
