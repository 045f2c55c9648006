//! Handshakes in segments and records.

#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::{
    samples::{
        CERTIFICATE, CERTIFICATE_NAME, Client as ClientSample, Server as ServerSample, certificates,
        message as framed, record,
    },
    *,
};
use crate::driver::{Connection, Driver, Owned, PacketBuilder};

const CLIENT: &str = "192.168.0.30:44332";
const SERVER: &str = "54.175.219.8:443";

/// A ClientHello in a record of its own.
fn client_hello() -> Vec<u8> {
    record(22, &framed(1, &ClientSample::default().body()))
}

/// The ServerHello of TLS 1.3.
fn server_hello() -> Vec<u8> {
    record(22, &framed(2, &ServerSample::default().body()))
}

/// The ServerHello of TLS 1.2.
fn old_server_hello() -> Vec<u8> {
    record(
        22,
        &framed(
            2,
            &ServerSample { extensions: &[(16, b"\x00\x03\x02h2")], ..ServerSample::default() }.body(),
        ),
    )
}

/// The text form with this application protocol and version.
fn text(protocol: &str, version: &str) -> String {
    format!(
        "tlssni=\"example.com\",tlsalpn=\"{protocol}\",tlsversion={version},tlsja3=c1a43d8d2c56daaba91e8d85f5768f55,\
         tlsexttype=(0,10,11,16,13,43),tlsextlen=(16,8,2,14,6,7)"
    )
}

/// A connection of which the driver has seen the handshake of TCP.
fn connected() -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    (Driver::connected(&DESCRIPTOR, &mut connection), connection)
}

#[test]
fn both_hellos_give_the_fields_and_nothing_more_is_wanted() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    assert!(driver.is_interested());
    driver.put(&connection.server(&server_hello()));
    assert!(!driver.is_interested());
    let instances = driver.finish();
    assert_eq!(instances.len(), 1);
    assert_eq!(instances[0][4], Owned::Text("t13d0306h2_40b44b994229_fb71836bce29".into()));

    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    driver.put(&connection.server(&server_hello()));
    assert_eq!(driver.finish_text(), [text("", "0x0304")]);
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    driver.put(&connection.server(&old_server_hello()));
    assert_eq!(driver.finish_text(), [text("h2", "0x0303")]);
}

#[test]
fn a_client_alone_gives_what_it_offers() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    assert_eq!(driver.finish_text(), [text("", "0x0303")]);
}

#[test]
fn hellos_give_the_same_fields_wherever_they_are_cut() {
    let (client, server) = (client_hello(), old_server_hello());
    for cut in 1..client.len().max(server.len()) {
        let (mut driver, mut connection) = connected();
        for (from_client, bytes) in [(true, &client), (false, &server)] {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            for part in [first, b"", second] {
                driver.put(&if from_client { connection.client(part) } else { connection.server(part) });
            }
        }
        assert!(!driver.is_interested());
        assert_eq!(driver.finish_text(), [text("h2", "0x0303")], "cut at {cut}");
    }
}

#[test]
fn hellos_may_come_byte_by_byte() {
    let (mut driver, mut connection) = connected();
    client_hello().iter().for_each(|byte| driver.put(&connection.client(&[*byte])));
    old_server_hello().iter().for_each(|byte| driver.put(&connection.server(&[*byte])));
    assert_eq!(driver.finish_text(), [text("h2", "0x0303")]);
}

#[test]
fn a_hello_may_be_split_over_records_and_segments() {
    let hello = framed(1, &ClientSample::default().body());
    for cut in 1..hello.len() {
        let records = [record(22, &hello[..cut]), record(22, &hello[cut..])].concat();
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&records[..records.len() / 2]));
        driver.put(&connection.client(&records[records.len() / 2..]));
        assert_eq!(driver.finish_text(), [text("", "0x0303")], "cut at {cut}");
    }
}

#[test]
fn warnings_and_requests_may_come_before_the_hello() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(&record(22, &framed(0, b""))));
    driver.put(&connection.client(&[record(21, b"\x01\x00"), client_hello()].concat()));
    driver.put(&connection.server(&[record(21, b"\x01\x70"), server_hello()].concat()));
    assert!(!driver.is_interested());
    assert_eq!(driver.finish_text(), [text("", "0x0304")]);
}

#[test]
fn another_protocol_may_have_spoken_before() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(b"220 mail.example.com ESMTP\r\n"));
    driver.put(&connection.client(b"EHLO client\r\n"));
    driver.put(&connection.server(b"250-mail.example.com\r\n250 STARTTLS\r\n"));
    driver.put(&connection.client(b"STARTTLS\r\n"));
    driver.put(&connection.server(b"220 ready\r\n"));
    driver.put(&connection.client(&client_hello()));
    driver.put(&connection.server(&server_hello()));
    assert_eq!(driver.finish_text(), [text("", "0x0304")]);
}

#[test]
fn other_protocols_are_given_up_and_say_nothing() {
    let (mut driver, mut connection) = connected();
    for _ in 0..PATIENCE_PACKETS {
        driver.put(&connection.client(b"GET / HTTP/1.1\r\n\r\n"));
    }
    assert!(!driver.is_interested());
    assert!(driver.finish().is_empty());
}

#[test]
fn a_connection_in_its_middle_is_given_up_at_once() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&connection.server(&record(23, b"secret")));
    assert!(!driver.is_interested());
}

#[test]
fn early_data_of_the_client_does_not_hide_the_answer() {
    let (mut driver, mut connection) = connected();
    driver
        .put(&connection.client(
            &[client_hello(), record(20, b"\x01"), record(23, &[1; 3000])[..1000].to_vec()].concat(),
        ));
    driver.put(&connection.client(&record(23, &[1; 3000])[1000..]));
    driver.put(&connection.client(&record(23, b"more")));
    driver.put(&connection.server(&server_hello()));
    assert_eq!(driver.finish_text(), [text("", "0x0304")]);
}

#[test]
fn after_the_client_hello_patience_has_an_end() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    for _ in 0..PATIENCE_LOOKS {
        assert!(driver.is_interested());
        driver.put(&connection.client(&record(23, &[1; 300])));
    }
    assert!(!driver.is_interested());
    // Data of the server says that its hello was missed, as does what comes behind it.
    for missed in [record(23, b"secret"), record(22, &framed(11, b"\x00\x00\x00")), record(21, b"\x02\x28")] {
        let (mut driver, mut connection) = connected();
        driver.put(&connection.client(&client_hello()));
        driver.put(&connection.server(&missed));
        assert!(!driver.is_interested(), "{missed:x?}");
        assert_eq!(driver.finish().len(), 1);
    }
}

#[test]
fn a_server_seen_first_is_remembered_and_alone_says_nothing() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(&old_server_hello()));
    driver.put(&connection.client(&client_hello()));
    assert!(!driver.is_interested());
    assert_eq!(driver.finish_text(), [text("h2", "0x0303")]);
    let (mut driver, mut connection) = connected();
    driver.put(&connection.server(&old_server_hello()));
    assert!(driver.finish().is_empty());
}

#[test]
fn of_two_client_hellos_the_last_counts_but_for_name_and_extensions() {
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    let second = ClientSample { version: 0x0301, extensions: &[(5, b"")], ..ClientSample::default() };
    driver.put(&connection.client(&record(22, &framed(1, &second.body()))));
    let text = driver.finish_text().remove(0);
    assert!(text.starts_with("tlssni=\"example.com\",tlsalpn=\"\",tlsversion=0x0301,"), "{text}");
    assert!(text.ends_with("tlsexttype=(0,10,11,16,13,43),tlsextlen=(16,8,2,14,6,7)"), "{text}");
}

#[test]
fn old_versions_are_read_too() {
    for (version, shown) in [(0x0300, "0x0300"), (0x0301, "0x0301")] {
        let (mut driver, mut connection) = connected();
        let hello = ClientSample { version, extensions: &[], ..ClientSample::default() };
        driver.put(&connection.client(&record(22, &framed(1, &hello.body()))));
        let text = driver.finish_text().remove(0);
        assert!(
            text.contains(&format!("tlsversion={shown},")) && text.ends_with("tlsexttype=(),tlsextlen=()")
        );
    }
}

#[test]
fn long_names_are_cut() {
    let name = "a".repeat(300);
    let content = [&[1, 47, 0, 1, 44][..], name.as_bytes()].concat();
    let hello = ClientSample { extensions: &[(0, &content)], ..ClientSample::default() };
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&record(22, &framed(1, &hello.body()))));
    assert_eq!(driver.finish()[0][1], Owned::Text("a".repeat(MAX_NAME)));
}

#[test]
fn a_hello_longer_than_can_be_held_says_nothing() {
    let extensions = [(21, &[0; 40_000][..])];
    let hello = framed(1, &ClientSample { extensions: &extensions, ..ClientSample::default() }.body());
    let stream: Vec<u8> = hello.chunks(16_000).flat_map(|part| record(22, part)).collect();
    let (mut driver, mut connection) = connected();
    stream.chunks(1400).for_each(|segment| driver.put(&connection.client(segment)));
    assert!(driver.finish().is_empty());
}

#[test]
fn a_gap_ends_a_hello() {
    let hello = old_server_hello();
    let (mut driver, mut connection) = connected();
    driver.put(&connection.client(&client_hello()));
    driver.put(&connection.server(&hello[..20]));
    connection.server_gap(30);
    driver.put(&connection.server(&hello[50..]));
    assert_eq!(driver.finish_text(), [text("", "0x0303")]);
}

#[test]
fn hellos_over_udp_are_none() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&PacketBuilder::udp(CLIENT, SERVER).payload(&client_hello()));
    assert!(driver.finish().is_empty());
}

/// The driver of a plugin with these options, its connection, and what comes out after `script`: messages of the client, and `-` before
/// those of the server.
fn driven(options: &str, script: &[(bool, Vec<u8>)]) -> (bool, Vec<String>) {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::new(&DESCRIPTOR, options);
    connection.handshake().iter().for_each(|packet| driver.put(packet));
    for (from_client, bytes) in script {
        driver.put(&if *from_client { connection.client(bytes) } else { connection.server(bytes) });
    }
    (driver.is_interested(), driver.finish_text())
}

#[test]
fn options_add_to_the_text() {
    let script = [(true, client_hello()), (false, server_hello())];
    let plain = text("", "0x0304");
    let server =
        ",tlsserverversion=0x0304,tlscipher=0x1301,tlsja3s=f4febc55ea12b31ae17cfb7e614afda8,tlsresumption=0";
    let certificate = ",tlssubject=\"\",tlsissuer=\"\",tlsserial=,tlsnotbefore=0,tlsnotafter=0";
    let ja4 = ",tlsja4=\"t13d0306h2_40b44b994229_fb71836bce29\"";
    for (options, more) in [
        ("", vec![]),
        ("ja4", vec![ja4]),
        ("server", vec![server]),
        ("cert;server", vec![server, certificate]),
        ("cert;server;ja4", vec![ja4, server, certificate]),
    ] {
        assert_eq!(driven(options, &script), (false, vec![plain.clone() + &more.concat()]), "{options}");
    }
}

#[test]
fn a_certificate_is_read_wherever_it_is_cut() {
    let hello = ServerSample { extensions: &[(16, b"\x00\x03\x02h2")], ..ServerSample::default() };
    let messages =
        [framed(2, &hello.body()), framed(11, &certificates(&[CERTIFICATE, b"x"])), framed(12, b"key")];
    let expected = format!(
        "{},tlssubject=\"{CERTIFICATE_NAME}\",tlsissuer=\"{CERTIFICATE_NAME}\",tlsserial=00d3e8e06049a4f6b2,\
         tlsnotbefore=1795754326,tlsnotafter=2564714326",
        text("h2", "0x0303")
    );
    // One character for each byte.
    let expected: String = expected.bytes().map(char::from).collect();
    for flight in
        [record(22, &messages.concat()), messages.iter().flat_map(|m| record(22, m)).collect::<Vec<_>>()]
    {
        for cut in 1..flight.len() {
            let script =
                [(true, client_hello()), (false, flight[..cut].to_vec()), (false, flight[cut..].to_vec())];
            assert_eq!(driven("cert", &script), (false, vec![expected.clone()]), "cut at {cut}");
        }
        let bytes = flight.iter().map(|&byte| (false, vec![byte]));
        let script: Vec<_> = [(true, client_hello())].into_iter().chain(bytes).collect();
        assert_eq!(driven("cert", &script), (false, vec![expected.clone()]));
    }
}

#[test]
fn without_a_certificate_nothing_is_waited_for() {
    let hello = old_server_hello();
    for next in
        [record(20, b"\x01"), record(22, &framed(4, b"ticket")), record(22, &framed(11, &certificates(&[])))]
    {
        let script = [(true, client_hello()), (false, hello.clone()), (false, next)];
        let (interested, said) = driven("cert", &script);
        assert!(!interested && said[0].contains("tlssubject=\"\""));
    }
    // The client's own certificate is none of the server's.
    let own = record(22, &framed(11, &certificates(&[CERTIFICATE])));
    let (interested, said) = driven("cert", &[(true, client_hello()), (false, hello), (true, own)]);
    assert!(!interested && said[0].contains("tlssubject=\"\""));
}

#[test]
fn resumption_is_told_by_bits() {
    let resumption = |client: &ClientSample<'_>, server: &ServerSample<'_>| {
        let script =
            [(true, record(22, &framed(1, &client.body()))), (false, record(22, &framed(2, &server.body())))];
        let (_, said) = driven("server", &script);
        said[0].rsplit_once('=').unwrap().1.parse::<u8>().unwrap()
    };
    let old = ServerSample { extensions: &[], ..ServerSample::default() };
    let client = ClientSample { extensions: &[(35, b"")], ..ClientSample::default() };
    assert_eq!(resumption(&client, &old), 0);
    assert_eq!(resumption(&client, &ServerSample { session_id: b"another", ..old }), 0);
    assert_eq!(resumption(&client, &ServerSample { session_id: b"id", ..old }), 8);
    let client = ClientSample { extensions: &[(35, b"ticket")], ..client };
    assert_eq!(resumption(&client, &ServerSample { session_id: b"id", ..old }), 1 + 8);
    let client = ClientSample { extensions: &[(42, b""), (41, b"key")], ..client };
    let server = ServerSample { session_id: b"id", ..ServerSample::default() };
    assert_eq!(resumption(&client, &server), 2 + 4);
    let extensions = [(43, &b"\x03\x04"[..]), (41, b"\x00\x00")];
    assert_eq!(resumption(&client, &ServerSample { extensions: &extensions, ..server }), 2 + 4 + 16);
}

#[test]
fn behind_a_request_for_another_hello_the_real_server_hello_counts() {
    let random = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let retry = ServerSample { random, cipher: 0x1302, ..ServerSample::default() };
    let second = ClientSample { ciphers: &[0x1302], ..ClientSample::default() };
    let script = [
        (true, client_hello()),
        (false, [record(22, &framed(2, &retry.body())), record(20, b"\x01")].concat()),
        (true, [record(20, b"\x01"), record(22, &framed(1, &second.body()))].concat()),
        (false, server_hello()),
    ];
    assert_eq!(driven("", &script[..2]), (false, vec![text("", "0x0304")]));
    assert!(driven("server", &script[..3]).0);
    let (interested, said) = driven("server", &script);
    assert!(!interested && said[0].starts_with(&text("", "0x0304")) && said[0].contains("tlscipher=0x1301"));
}

#[test]
fn with_options_a_server_alone_speaks() {
    let (_, said) = driven("server", &[(false, old_server_hello()), (false, record(20, b"\x01"))]);
    assert_eq!(
        said,
        ["tlssni=\"\",tlsalpn=\"h2\",tlsversion=0x0000,tlsja3=,tlsexttype=(),tlsextlen=(),\
          tlsserverversion=0x0303,tlscipher=0x1301,tlsja3s=0a26c219c6c129f5c955265975fedfd6,tlsresumption=0"]
    );
}

#[test]
fn a_server_hello_may_overtake_the_client_hello_with_all_that_follows() {
    let flight = [server_hello(), record(20, b"\x01"), record(23, b"secret")].concat();
    for options in ["", "server", "cert"] {
        let (interested, said) = driven(options, &[(false, flight.clone()), (true, client_hello())]);
        assert!(!interested && said[0].starts_with(&text("", "0x0304")), "{options}");
    }
}

proptest! {
    #[test]
    fn any_damage_is_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(1usize..60, 1..8),
    ) {
        let (mut driver, mut connection) = connected();
        let mut cuts = cuts.iter().cycle();
        for (from_client, mut bytes) in [(true, client_hello()), (false, server_hello()), (true, client_hello())] {
            for (place, value) in &flips {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                driver.put(&if from_client { connection.client(now) } else { connection.server(now) });
                rest = later;
            }
        }
        prop_assert!(driver.finish().len() <= 1);
    }
}
