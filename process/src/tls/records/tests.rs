//! Records and messages, whole and split.

#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::tls::samples::{message, record};

/// The items in `data`, messages as their type and body, and why they end.
fn read(data: &[u8], skip: usize) -> (Vec<String>, End) {
    let mut joined = vec![];
    let mut reader = Reader::new(data, skip, &mut joined);
    let mut items = vec![];
    loop {
        match reader.next() {
            Ok(Item::Message { kind, body_len, body }) => {
                items.push(format!("{kind} {}/{body_len} {}", body.len(), body.escape_ascii()));
            }
            Ok(item) => items.push(format!("{item:?}")),
            Err(end) => return (items, end),
        }
    }
}

#[test]
fn messages_share_records_and_are_split_over_them() {
    let messages = [message(1, b"abc"), message(2, b"de"), message(0, b""), message(11, b"fghi")].concat();
    let expected = ["1 3/3 abc", "2 2/2 de", "0 0/0 ", "11 4/4 fghi"];
    let one = record(22, &messages);
    assert_eq!(read(&one, 0), (expected.map(String::from).to_vec(), End::Skip(0)));
    for first in 1..messages.len() {
        for second in first..messages.len() {
            let (a, rest) = messages.split_at(first);
            let (b, c) = rest.split_at(second - first);
            let parts = [a, b, c].into_iter().filter(|part| !part.is_empty());
            let records: Vec<u8> = parts.flat_map(|part| record(22, part)).collect();
            assert_eq!(
                read(&records, 0),
                (expected.map(String::from).to_vec(), End::Skip(0)),
                "{first} {second}"
            );
        }
    }
}

#[test]
fn other_records_may_come_before_and_behind_messages() {
    let data = [
        record(21, b"\x01\x70"),
        record(22, &message(1, b"a")),
        record(20, b"\x01"),
        record(21, b"\x02\x28"),
        record(23, b"secret"),
        record(23, b"secret"),
    ]
    .concat();
    let expected = [
        "Alert { is_fatal: false }",
        "1 1/1 a",
        "ChangeCipherSpec",
        "Alert { is_fatal: true }",
        "ApplicationData",
        "ApplicationData",
    ];
    assert_eq!(read(&data, 0), (expected.map(String::from).to_vec(), End::Skip(0)));
    assert_eq!(read(&data[..data.len() - 2], 0).1, End::Skip(2));
    assert_eq!(read(&data, data.len() - 11).0, ["ApplicationData"]);
    assert_eq!(read(&data[..3], 10), (vec![], End::Skip(7)));
    // An encrypted alert is of unknown level.
    assert_eq!(read(&record(21, &[2; 30]), 0).0, ["Alert { is_fatal: false }"]);
}

#[test]
fn an_incomplete_message_is_asked_for_from_its_record_on() {
    let first = record(22, &[&message(2, b"ab")[..], &message(11, b"cdefgh")[..7]].concat());
    let data = [&first[..], &record(22, b"fgh")].concat();
    assert_eq!(read(&data, 0), (vec!["2 2/2 ab".into(), "11 6/6 cdefgh".into()], End::Skip(0)));
    for len in 1..data.len() {
        let (items, end) = read(&data[..len], 0);
        assert_eq!(end, End::Again(len), "{len}");
        assert!(items.last().is_none_or(|last| last.starts_with("11 ") || len < 15), "{items:?}");
    }
    // Of a message in a record of its own the record before it is not seen again.
    let data = [record(22, &message(2, b"ab")), record(22, &message(11, b"cdefgh"))].concat();
    assert_eq!(read(&data[..data.len() - 1], 0).1, End::Again(14));
}

#[test]
fn what_is_no_record_ends_the_items() {
    for foreign in [
        &b"GET / HTTP"[..],
        b"\x16\x02\x00\x00\x05hello",
        b"\x16\x03\x01\xff\xffx",
        b"\x16\x03\x01\x00\x00\x16",
        b"\x14\x03\x03\x02\x00x",
    ] {
        assert_eq!(read(foreign, 0), (vec![], End::Foreign), "{foreign:x?}");
    }
    let split = [&record(22, &message(1, b"abc")[..5])[..], &record(23, b"bc")].concat();
    assert_eq!(read(&split, 0), (vec![], End::Foreign));
    let (items, end) = read(&[&record(22, &message(1, b"abc"))[..], b"plain text"].concat(), 0);
    assert_eq!((items.len(), end), (1, End::Foreign));
}

#[test]
fn a_message_in_very_many_records_is_given_up() {
    let crumbs = |count: usize| {
        let bytes = message(1, &[7; 400]);
        bytes[..count].iter().flat_map(|&byte| record(22, &[byte])).collect::<Vec<_>>()
    };
    assert!(matches!(read(&crumbs(60), 0).1, End::Again(_)));
    assert_eq!(read(&crumbs(200), 0).1, End::Foreign);
}

#[test]
fn no_more_is_put_together_than_there_is_room_for() {
    let long =
        [record(22, &message(11, &[7; 40_000])[..16_000]), record(22, &[7; 16_000]), record(22, &[7; 8_004])]
            .concat();
    let (items, end) = read(&long, 0);
    assert_eq!((items.len(), end), (1, End::Again(long.len())));
    assert!(items[0].starts_with(&format!("11 {MAX_JOINED}/40000 ")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(
        mut data in prop::collection::vec(prop_oneof![Just(22u8), Just(3), Just(0), 0u8..=255], 0..300),
        skip in 0usize..20,
    ) {
        data.splice(0..0, [22, 3, 1, 0, 40, 1, 0]);
        let (items, end) = read(&data, skip);
        prop_assert!(items.len() <= data.len());
        if let End::Again(bytes) = end {
            prop_assert!((1..=data.len()).contains(&bytes));
        }
    }
}
