//! Control packets in segments.

use proptest::prelude::*;

use super::*;
use crate::driver::{Connection, Driver, Owned};

const CLIENT: &str = "172.28.8.57:45601";
const SERVER: &str = "91.121.93.94:1883";

const CONNECT: &[u8] = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc";
const CONNACK: &[u8] = b"\x20\x02\x01\x00";
const PUBLISH: &[u8] = b"\x33\x0a\x00\x03a/b\x00\x07xyz";
const DISCONNECT: &[u8] = b"\xe0\x00";

/// A connection of which a driver with these parameters has seen the handshake.
fn connected(parameters: &str) -> (Driver, Connection) {
    let mut connection = Connection::new(CLIENT, SERVER);
    let mut driver = Driver::new(&DESCRIPTOR, parameters);
    connection.handshake().iter().for_each(|packet| driver.put(packet));
    (driver, connection)
}

fn topics(instance: &[Owned]) -> &str {
    match &instance[6] {
        Owned::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_told() {
    let (mut driver, mut connection) = connected("");
    driver.put(&connection.client(CONNECT));
    driver.put(&connection.server(CONNACK));
    driver.put(&connection.client(PUBLISH));
    driver.put(&connection.server(b"\x40\x02\x00\x07"));
    assert_eq!(
        driver.finish_text(),
        [
            r#"type_cumulative=31,version=4,connection_flags=2,keep_alive=60,connection_return_code=0,publish_flags=3,topics="""#
        ]
    );
}

#[test]
fn disconnect_ends_the_record_and_a_new_connect_begins_another() {
    let (mut driver, mut connection) = connected("");
    driver.put(&connection.client(CONNECT));
    driver.put(&connection.client(DISCONNECT));
    driver.put(&connection.server(b""));
    driver.put(&connection.client(b"\x10\x0c\x00\x04MQTT\x05\xc2\x02\x9a\x00\x00"));
    driver.put(&connection.server(b"\x20\x03\x00\x87\x00"));
    let records = driver.records();
    // The one that the server begins goes from it to the client.
    assert_eq!(records.iter().map(|r| r.packets).collect::<Vec<_>>(), [[3, 1], [2, 1]]);
    let numbers = |values: &[u64]| values.iter().map(|&n| Owned::Number(n)).collect::<Vec<_>>();
    assert_eq!(records[0].instances[0][..6], numbers(&[1 << 14 | 2, 4, 2, 60, 0, 0]));
    assert_eq!(records[1].instances[0][..6], numbers(&[6, 5, 0xc2, 666, 0x87, 0]));
}

#[test]
fn the_first_topics_are_kept_if_asked_for() {
    for (parameters, expected) in [("", ""), ("topiccount=2", "a/b#c#"), ("tc=0x10", "a/b#c#d#")] {
        let (mut driver, mut connection) = connected(parameters);
        driver.put(&connection.client(CONNECT));
        driver.put(
            &connection.client(b"\x30\x06\x00\x03a/bX\x30\x03\x00\x01c\x30\x04\x00\x02e+\x30\x03\x00\x01d"),
        );
        let instances = driver.finish();
        // The one with a wildcard is no topic, but is one of the two, if there were not two before it.
        assert_eq!(topics(&instances[0]), expected);
    }
}

#[test]
fn a_long_packet_is_skipped_by_its_length() {
    let (mut driver, mut connection) = connected("tc=9");
    driver.put(&connection.client(CONNECT));
    // 0x40e = 1038 bytes, which look like other packets.
    let publish =
        [b"\x31\x8e\x08\x00\x04long\x00\x00".to_vec(), vec![0xe0; 1030], b"\xc0\x00".to_vec()].concat();
    for piece in publish.chunks(100) {
        driver.put(&connection.client(piece));
    }
    driver.put(&connection.client(b"\x30\x03\x00\x01s"));
    let instances = driver.finish();
    assert_eq!(instances[0][0], Owned::Number(1 << 1 | 1 << 3 | 1 << 12));
    assert_eq!(topics(&instances[0]), "long#s#");
}

#[test]
fn behind_a_gap_packets_count_again_once_they_fill_a_segment() {
    let (mut driver, mut connection) = connected("");
    driver.put(&connection.client(CONNECT));
    driver.put(&connection.server(CONNACK));
    connection.server_gap(10);
    driver.put(&connection.server(b"\x50\x02\x00\x07\x30"));
    driver.put(&connection.server(b"\xd0\x00\x90\x03\x00\x01\x00"));
    driver.put(&connection.server(b"\xb0\x02\x00\x01"));
    assert_eq!(driver.finish()[0][0], Owned::Number(1 | 1 << 1 | 1 << 2 | 1 << 13 | 1 << 9 | 1 << 11));
}

#[test]
fn other_protocols_are_given_up_at_once() {
    for first in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"\x10\x0f\x00\x04HTTP"] {
        let (mut driver, mut connection) = connected("");
        driver.put(&connection.client(first));
        assert!(!driver.is_interested(), "{first:?}");
    }
    let (mut driver, mut connection) = connected("");
    driver.put(&connection.client(b"\x10"));
    assert!(driver.is_interested());
    driver.put(&connection.client(b"\x00"));
    assert!(!driver.is_interested());
}

#[test]
fn topics_are_bounded() {
    let (mut driver, mut connection) = connected("tc=1000");
    driver.put(&connection.client(CONNECT));
    for len in [1000, 100, 24, 22, 1] {
        let remaining = len + 2;
        let mut publish = vec![0x30, 0x80 | (remaining & 0x7f) as u8, (remaining >> 7) as u8];
        publish.extend((len as u16).to_be_bytes());
        publish.extend(vec![b'x'; len]);
        driver.put(&connection.client(&publish));
    }
    let instances = driver.finish();
    assert_eq!(topics(&instances[0]).len(), 1001 + 23);
}

#[test]
fn a_topic_longer_than_the_room_is_not_waited_for() {
    let (mut driver, mut connection) = connected("tc=5");
    driver.put(&connection.client(CONNECT));
    driver.put(&connection.client(b"\x30\x90\x4e\xff\xff"));
    driver.put(&connection.client(&[b'x'; 9998]));
    driver.put(&connection.client(b"\x30\x03\x00\x01s"));
    assert_eq!(topics(&driver.finish()[0]), "s#");
}

proptest! {
    #[test]
    fn the_places_of_cuts_do_not_matter(mut cuts in proptest::collection::vec(0..60usize, 0..8)) {
        let stream = [CONNECT, PUBLISH, b"\x82\x08\x00\x01\x00\x03a/b\x00", PUBLISH, b"\xc0\x00"].concat();
        cuts.retain(|&cut| cut < stream.len());
        cuts.sort_unstable();
        let (mut driver, mut connection) = connected("tc=3");
        let mut start = 0;
        for cut in cuts.into_iter().chain([stream.len()]) {
            driver.put(&connection.client(&stream[start..cut]));
            start = cut;
        }
        let instances = driver.finish();
        prop_assert_eq!(&instances[0][0], &Owned::Number(1 << 1 | 1 << 3 | 1 << 8 | 1 << 12));
        prop_assert_eq!(topics(&instances[0]), "a/b#a/b#");
    }

    #[test]
    fn no_segments_make_the_plugin_fail(
        segments in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..12),
        buffer in 0usize..40,
    ) {
        let (mut driver, mut connection) = connected("tc=4");
        driver.put(&connection.client(CONNECT));
        driver.buffer = buffer;
        for (from_client, bytes) in &segments {
            driver.put(&if *from_client { connection.client(bytes) } else { connection.server(bytes) });
        }
        driver.records();
    }
}
