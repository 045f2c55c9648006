//! Connections of real clients and servers, whole and in pieces.

use proptest::prelude::*;

use super::*;
use crate::driver::{Connection, Driver, Owned};

const CLIENT: &str = "10.0.0.1:40022";
const SERVER: &str = "10.0.0.2:2222";

/// The lists of OpenSSH 7.6 and of the server that it spoke with, as published with their fingerprints by the Zeek package of HASSH.
const CLIENT_METHODS: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,\
    ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,\
    diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha256,\
    diffie-hellman-group14-sha1,ext-info-c";
const SERVER_METHODS: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,\
    ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,\
    diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1";
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,\
    aes256-gcm@openssh.com";
const CODES: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,\
    hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,\
    hmac-sha2-512,hmac-sha1";
const HASSH: &str = "06046964c022c6407d15a27b12a6a4fb";
const HASSH_SERVER: &str = "b12d2871a1189eff20364cf5333619ee";

const CLIENT_LINE: &[u8] = b"SSH-2.0-OpenSSH_7.6p1 Ubuntu-4ubuntu0.3\r\n";
const SERVER_LINE: &[u8] = b"SSH-2.0-OpenSSH_7.4\r\n";

const CLIENT_TEXT: &str =
    r#"client="OpenSSH_7.6p1",clientproto="2.0",clientcomments="Ubuntu-4ubuntu0.3",hassh="#;
const SERVER_TEXT: &str = r#"server="OpenSSH_7.4",serverproto="2.0",servercomments="",hasshserver="#;

/// A packet with this message.
fn packet(message: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + message.len() + 4) % 8) % 8;
    let length = 1 + message.len() + padding;
    [&(length as u32).to_be_bytes()[..], &[padding as u8], message, &vec![0; padding]].concat()
}

/// A packet with algorithms: methods, then ciphers, codes and compressions from client to server and back.
fn algorithms(methods: &str, pairs: [[&str; 2]; 3]) -> Vec<u8> {
    let mut message = [&[20][..], &[0xcc; 16]].concat();
    for list in [methods, "ssh-ed25519"].into_iter().chain(pairs.into_iter().flatten()).chain(["", ""]) {
        message.extend((list.len() as u32).to_be_bytes());
        message.extend(list.bytes());
    }
    message.extend([0; 5]);
    packet(&message)
}

fn client_algorithms() -> Vec<u8> {
    let client = "none,zlib@openssh.com,zlib";
    algorithms(CLIENT_METHODS, [[CIPHERS, "other"], [CODES, "other"], [client, "other"]])
}

fn server_algorithms() -> Vec<u8> {
    algorithms(SERVER_METHODS, [["other", CIPHERS], ["other", CODES], ["other", "none,zlib@openssh.com"]])
}

fn full_text() -> String {
    format!("{CLIENT_TEXT}{HASSH},{SERVER_TEXT}{HASSH_SERVER}")
}

#[test]
fn published_fingerprints_come_out_wherever_the_streams_are_cut() {
    let client = [CLIENT_LINE, &client_algorithms()].concat();
    let server = [SERVER_LINE, &server_algorithms()].concat();
    for cut in (1..client.len()).step_by(7) {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(&client[..cut]));
        driver.put(&connection.server(&server[..cut.min(server.len() - 1)]));
        driver.put(&connection.client(&client[cut..]));
        assert!(driver.is_interested());
        driver.put(&connection.server(&server[cut.min(server.len() - 1)..]));
        assert!(!driver.is_interested(), "both ends have said everything");
        assert_eq!(driver.finish_text(), [full_text()], "cut at {cut}");
    }
}

#[test]
fn who_is_the_client_does_not_depend_on_who_began_the_record() {
    // Without the handshake, from the server's line on.
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::new(&DESCRIPTOR, "");
    driver.put(&connection.server(SERVER_LINE));
    driver.put(&connection.client(CLIENT_LINE));
    driver.put(&connection.server(&server_algorithms()));
    driver.put(&connection.client(&client_algorithms()));
    assert_eq!(driver.finish_text(), [full_text()]);
}

#[test]
fn without_names_of_one_side_the_first_message_of_the_key_exchange_tells() {
    let silent = algorithms("a", [["b", "B"], ["c", "C"], ["d", "D"]]);
    // MD5 of a;b;c;d.
    let expected = "hassh=845425be4f77f4097e014a6591497010,server=\"s\"";
    for (message, from_server) in [(30, false), (34, false), (31, true), (33, true)] {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::new(&DESCRIPTOR, "");
        driver.put(&connection.server(b"SSH-2.0-s\n"));
        driver.put(&connection.server(&silent));
        driver.put(&connection.client(b"SSH-2.0-c\n"));
        driver.put(&connection.client(&[&silent[..], &packet(&[4])].concat()));
        assert!(driver.is_interested());
        let exchange = packet(&[message, 1, 2, 3]);
        driver.put(&if from_server { connection.server(&exchange) } else { connection.client(&exchange) });
        assert!(!driver.is_interested());
        let text = driver.finish_text().remove(0);
        assert!(text.contains(expected) && text.starts_with("client=\"c\""), "{text}");
    }
}

#[test]
fn without_any_sign_handshake_and_port_tell() {
    let server_first = |handshake: bool, port_22: bool| {
        let mut connection = Connection::new(CLIENT, if port_22 { "10.0.0.2:22" } else { SERVER });
        let mut driver = match handshake {
            true => Driver::connected(&DESCRIPTOR, &mut connection),
            false => Driver::new(&DESCRIPTOR, ""),
        };
        driver.put(&connection.server(b"SSH-1.99-s\n"));
        driver.put(&connection.client(b"SSH-1.5-c\n"));
        driver.finish_text().remove(0).starts_with("client=\"c\",clientproto=\"1.5\"")
    };
    assert!(server_first(true, false) && server_first(false, true) && server_first(true, true));
    assert!(!server_first(false, false), "the end that began the record is taken for the client");
}

#[test]
fn lines_before_the_identification_string_are_skipped() {
    for (server, client_first) in [("10.0.0.2:22", false), (SERVER, true)] {
        let mut connection = Connection::new(CLIENT, server);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        if client_first {
            driver.put(&connection.client(CLIENT_LINE));
        }
        driver.put(&connection.server(b"Authorised use only.\r\nBye"));
        driver.put(&connection.server(&[b"\r\n", SERVER_LINE, &server_algorithms()].concat()));
        if !client_first {
            driver.put(&connection.client(CLIENT_LINE));
        }
        driver.put(&connection.client(&client_algorithms()));
        assert_eq!(driver.finish_text(), [full_text()]);
    }
}

#[test]
fn other_protocols_are_left_alone_at_once() {
    for payload in [&b"\x16\x03\x01\x02\0"[..], b"GET / HTTP/1.1\r\n\r\n", b"SSH", b"\0"] {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(payload));
        assert_eq!(driver.is_interested(), payload == b"SSH");
        driver.put(&connection.client(b"!"));
        assert!(!driver.is_interested());
        assert!(driver.finish().is_empty());
    }
}

#[test]
fn one_end_alone_is_shown_and_the_other_not_waited_for_endlessly() {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
    driver.put(&connection.client(&[CLIENT_LINE, &client_algorithms()].concat()));
    // Two packets of the handshake and the client's first are a part of the record.
    for _ in 3..=PATIENCE_PACKETS {
        assert!(driver.is_interested());
        driver.put(&connection.client(b"encrypted"));
    }
    assert!(!driver.is_interested());
    let text = format!("{CLIENT_TEXT}{HASSH},server=\"\",serverproto=\"\",servercomments=\"\",hasshserver=");
    assert_eq!(driver.finish_text(), [text]);
}

#[test]
fn algorithms_behind_a_gap_or_beyond_the_buffer_have_no_fingerprint() {
    for buffer in [16384, 100] {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.buffer = buffer;
        driver.put(&connection.client(CLIENT_LINE));
        driver.put(&connection.server(SERVER_LINE));
        if buffer == 16384 {
            connection.server_gap(10);
        }
        let algorithms = server_algorithms();
        driver.put(&connection.server(&algorithms[..algorithms.len() / 2]));
        driver.put(&connection.server(&algorithms[algorithms.len() / 2..]));
        let values = driver.finish().remove(0);
        assert_eq!(values[5], Owned::Text("OpenSSH_7.4".into()));
        assert_eq!(values[7], Owned::Text(String::new()));
    }
}

#[test]
fn what_follows_the_lines_and_is_no_packet_ends_the_search() {
    let broken = [
        b"\0\0\0\x01\x04\x14rest".to_vec(),
        b"\xff\xff\xff\xff\x04\x14rest".to_vec(),
        packet(&[1, 0, 0, 0, 2]),
        packet(&[20, 1, 2, 3]),
        packet(&[&[20][..], &[0; 16], &[0, 0, 1, 0, b'x']].concat()),
    ];
    for packet in broken {
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(&[CLIENT_LINE, &packet].concat()));
        driver.put(&connection.server(&[SERVER_LINE, &packet].concat()));
        assert!(!driver.is_interested());
        assert_eq!(driver.finish_text(), [format!("{CLIENT_TEXT},{SERVER_TEXT}")]);
    }
}

proptest! {
    #[test]
    fn no_stream_makes_the_plugin_fail(
        segments in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 1..60)), 1..8),
        buffer in 0usize..200,
    ) {
        let mut connection = Connection::new(CLIENT, "10.0.0.2:22");
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(CLIENT_LINE));
        driver.buffer = buffer;
        for (from_client, segment) in segments {
            driver.put(&if from_client { connection.client(&segment) } else { connection.server(&segment) });
        }
        driver.records();
    }

    #[test]
    fn no_change_of_the_algorithms_makes_the_plugin_fail(
        changes in proptest::collection::vec((0usize..700, any::<u8>()), 1..6)
    ) {
        let mut bytes = [CLIENT_LINE, &client_algorithms()].concat();
        for (position, byte) in changes {
            bytes[position] = byte;
        }
        let mut connection = Connection::new(CLIENT, SERVER);
        let mut driver = Driver::connected(&DESCRIPTOR, &mut connection);
        driver.put(&connection.client(&bytes));
        driver.records();
    }
}
