#![allow(clippy::unwrap_used)]
use std::thread;
use std::time::Duration;

use super::*;
use crate::buffer::{Messages, SOCKET_HEADER_LEN};

fn ring(timeout: Timeout, buffer_count: usize) -> Ring {
    let settings = Sockets {
        buffer_count,
        buffer_size: SOCKET_HEADER_LEN + 6,
        max_clients: 2,
        framing: Framing::Numbered,
    };
    Ring::new(settings, timeout, true)
}

/// Sends messages of one byte, of which two fill a buffer.
fn send(ring: &Ring, contents: &[u8]) {
    ring.send(contents.chunks(1));
}

fn contents(taken: &Taken) -> Vec<u8> {
    Messages::new(&taken.bytes[SOCKET_HEADER_LEN..]).flatten().copied().collect()
}

fn take(ring: &Ring, key: u64) -> Vec<u8> {
    let taken = ring.next(key).unwrap();
    let contents = contents(&taken);
    ring.delivered(key, taken);
    contents
}

#[test]
fn a_client_gets_what_is_finished_after_it_came_and_the_buffer_being_filled() {
    let ring = ring(Timeout::HalfWait, 4);
    send(&ring, b"abc");
    let key = ring.join(7).unwrap();
    send(&ring, b"de");
    assert_eq!(take(&ring, key), b"cd");
    ring.close();
    assert_eq!((take(&ring, key), ring.next(key).is_none()), (b"e".to_vec(), true));
    let counters = ring.counters();
    assert_eq!((counters.messages, counters.lost, counters.buffers), (5, 2, 3));
    assert_eq!(ring.clients()[0], ClientCounters { id: 7, buffers: 2, messages: 3, skipped: 0 });
}

#[test]
fn headers_number_the_messages() {
    let ring = ring(Timeout::NoWait, 4);
    let key = ring.join(1).unwrap();
    send(&ring, b"abcde");
    ring.flush();
    let headers: Vec<_> = (0..3)
        .map(|_| {
            let taken = ring.next(key).unwrap();
            let header = SocketHeader::decode(*taken.bytes.first_chunk().unwrap());
            ring.delivered(key, taken);
            (header.sequence, header.messages, header.payload_len)
        })
        .collect();
    assert_eq!(headers, [(0, 2, 6), (2, 2, 6), (4, 1, 3)]);
}

#[test]
fn who_is_too_slow_goes_on_with_the_newest_and_it_is_counted() {
    let ring = ring(Timeout::NoWait, 2);
    let (slow, quick) = (ring.join(1).unwrap(), ring.join(2).unwrap());
    assert_eq!(ring.join(3), None, "there are as many as may be");
    let mut got = Vec::new();
    for pair in [b"ab", b"cd", b"ef", b"gh"] {
        send(&ring, pair);
        ring.flush();
        got.extend(take(&ring, quick));
    }
    assert_eq!(got, b"abcdefgh");
    // Its place was taken when the third buffer came; it began anew behind it.
    assert_eq!(take(&ring, slow), b"gh");
    let clients = ring.clients();
    assert_eq!((clients[0].messages, clients[0].skipped), (2, 6));
    assert_eq!((clients[1].messages, clients[1].skipped, ring.counters().lost), (8, 0, 0));
}

#[test]
fn a_buffer_that_was_on_its_way_when_its_place_was_taken_was_not_missed() {
    let ring = ring(Timeout::NoWait, 1);
    let key = ring.join(1).unwrap();
    send(&ring, b"ab");
    ring.flush();
    let taken = ring.next(key).unwrap();
    send(&ring, b"cd");
    ring.flush();
    ring.delivered(key, taken);
    assert_eq!(ring.clients()[0], ClientCounters { id: 1, buffers: 1, messages: 2, skipped: 2 });
    // The second buffer reached nobody, and is lost once it goes.
    send(&ring, b"ef");
    ring.flush();
    assert_eq!((take(&ring, key), ring.counters().lost), (b"ef".to_vec(), 2));
}

#[test]
fn with_half_wait_a_slow_client_holds_everybody_up() {
    let ring = ring(Timeout::HalfWait, 2);
    let key = ring.join(1).unwrap();
    thread::scope(|scope| {
        let sending = scope.spawn(|| send(&ring, b"abcdefghijkl"));
        let mut got = Vec::new();
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(5));
            got.extend(take(&ring, key));
        }
        sending.join().unwrap();
        ring.flush();
        got.extend(take(&ring, key));
        assert_eq!(got, b"abcdefghijkl");
    });
    assert_eq!((ring.counters().lost, ring.clients()[0].skipped), (0, 0));
}

#[test]
fn with_wait_nothing_is_lost_while_nobody_is_there() {
    let ring = ring(Timeout::Wait, 2);
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            send(&ring, b"abcdef");
            ring.flush();
        });
        thread::sleep(Duration::from_millis(5));
        assert_eq!(ring.counters().messages, 0, "a message waits for the first client");
        let first = ring.join(1).unwrap();
        assert_eq!(take(&ring, first), b"ab");
        // It goes in the middle of the second buffer.
        let unfinished = ring.next(first).unwrap();
        ring.leave(first, Some(unfinished));
        let second = ring.join(2).unwrap();
        assert_eq!((take(&ring, second), take(&ring, second)), (b"cd".to_vec(), b"ef".to_vec()));
        sending.join().unwrap();
    });
    assert_eq!(ring.counters().lost, 0);
}

#[test]
fn who_is_hurried_waits_for_nobody() {
    for timeout in [Timeout::Wait, Timeout::HalfWait] {
        let ring = ring(timeout, 1);
        thread::scope(|scope| {
            if timeout == Timeout::HalfWait {
                ring.join(1).unwrap();
            }
            let sending = scope.spawn(|| send(&ring, b"abcdefgh"));
            thread::sleep(Duration::from_millis(5));
            assert!(!sending.is_finished());
            ring.hurry();
            sending.join().unwrap();
        });
        assert_eq!((ring.counters().messages, ring.counters().lost >= 4), (8, true), "{timeout:?}");
    }
}

#[test]
fn what_a_client_leaves_behind_is_lost_where_nobody_waits_for_the_next() {
    let ring = ring(Timeout::HalfWait, 4);
    let key = ring.join(1).unwrap();
    send(&ring, b"abcd");
    ring.flush();
    let unfinished = ring.next(key).unwrap();
    ring.leave(key, Some(unfinished));
    assert_eq!(ring.counters().lost, 4);
}

#[test]
fn at_the_end_clients_have_a_while() {
    let ring = ring(Timeout::HalfWait, 4);
    ring.join(1).unwrap();
    send(&ring, b"abc");
    ring.close();
    ring.wait_for_clients(Duration::from_millis(5));
    assert_eq!(ring.counters().lost, 3);
}

#[test]
fn a_buffer_is_sent_when_its_time_has_come_and_somebody_is_there() {
    let ring = ring(Timeout::NoWait, 4);
    send(&ring, b"a");
    ring.autoflush(Duration::ZERO);
    assert_eq!(ring.counters().buffers, 0, "nobody is there");
    let key = ring.join(1).unwrap();
    let hour = Duration::from_secs(3600);
    let next = ring.autoflush(hour);
    assert!(next > Instant::now() && next <= Instant::now() + hour);
    assert_eq!(ring.counters().buffers, 0, "it is not due");
    ring.autoflush(Duration::ZERO);
    assert_eq!((take(&ring, key), ring.counters().autoflushes), (b"a".to_vec(), 1));
    ring.autoflush(Duration::ZERO);
    assert_eq!(ring.counters().buffers, 1, "an empty buffer is not sent");
}

#[test]
fn messages_that_no_buffer_can_hold_are_lost() {
    let ring = ring(Timeout::NoWait, 4);
    ring.send([&b"abcde"[..], b"f"]);
    assert_eq!((ring.counters().messages, ring.counters().lost), (2, 1));
}

#[test]
fn for_older_modules_a_buffer_has_its_length_alone() {
    let settings = Sockets { buffer_size: 4 + 6, framing: Framing::Plain, ..Sockets::default() };
    let ring = Ring::new(settings, Timeout::NoWait, true);
    let key = ring.join(1).unwrap();
    send(&ring, b"abc");
    assert_eq!(&ring.next(key).unwrap().bytes[..], b"\0\0\0\x06\0\x01a\0\x01b");
}
