//! Interfaces that come and go.

use std::thread;
use std::time::Duration;

use weir_input::{Losses, Poll, Source};

use crate::frames::frame;
use crate::network::{ip, lay_cable, switch_on, with_cable};
use crate::plain::PlainSocket;
use crate::receiver::Receiver;

#[test]
fn an_interface_that_goes_down_is_told_and_goes_on_when_it_is_up() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        PlainSocket::new("left", false).send(&frame(1, 60));
        assert_eq!(receiver.frames(1)[0].bytes, frame(1, 60));
        assert!(receiver.notices.is_empty(), "{:?}", receiver.notices);
        for round in 1..=3 {
            ip("link set right down");
            receiver.notice("right is down");
            switch_on(&["left", "right"]);
            receiver.notice("right is up again");
            PlainSocket::new("left", false).send(&frame(round, 60));
            assert_eq!(receiver.frames(1)[0].bytes, frame(round, 60));
            assert_eq!(std::mem::take(&mut receiver.notices), ["right is down", "right is up again"]);
        }
    });
}

#[test]
fn being_down_for_a_moment_is_told_too() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        ip("link set right down");
        ip("link set right up");
        receiver.notice("right is up again");
        assert_eq!(receiver.notices, ["right is down", "right is up again"]);
    });
}

#[test]
fn an_interface_may_be_down_at_the_start() {
    with_cable(|| {
        ip("link set right down");
        let mut receiver = Receiver::new("right");
        assert_eq!(receiver.capture.notice().as_deref(), Some("right is down"));
        assert_eq!(receiver.poll(&mut |_| ()), Some(false));
        switch_on(&["left", "right"]);
        receiver.notice("right is up again");
        PlainSocket::new("left", false).send(&frame(1, 60));
        assert_eq!(receiver.frames(1)[0].bytes, frame(1, 60));
    });
}

#[test]
fn waiting_for_an_interface_that_is_down_takes_no_time_of_the_processor() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        ip("link set right down");
        receiver.notice("right is down");
        let started = std::time::Instant::now();
        receiver.capture.wait(Duration::from_millis(200));
        assert!(started.elapsed() >= Duration::from_millis(200), "woken after {:?}", started.elapsed());
    });
}

#[test]
fn an_interface_that_was_removed_is_captured_again_when_there_is_one_of_its_name() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        PlainSocket::new("left", false).send_many(&frame(1, 60), 5);
        // Received before the removal and delivered after it.
        ip("link del left");
        let before = receiver.frames(5);
        assert_eq!(before.len(), 5);
        receiver.notice("right was removed");
        let last_lease = receiver.last_lease;
        // Some tries in vain.
        for _ in 0..12 {
            assert_eq!(receiver.poll(&mut |_| ()), Some(false));
            receiver.capture.wait(Duration::from_millis(100));
        }
        lay_cable();
        receiver.notice("right is back");
        PlainSocket::new("left", false).send_many(&frame(2, 60), 7);
        let after = receiver.frames(7);
        assert!(after.iter().all(|received| received.bytes == frame(2, 60)));
        assert!(receiver.last_lease > last_lease, "numbers of leases grow");
        receiver.capture.stop();
        assert_eq!(receiver.end(), 0);
        assert_eq!((receiver.capture.received(), receiver.capture.losses()), (12, Losses::default()));
        let removals = receiver.notices.iter().filter(|notice| notice.contains("removed")).count();
        assert_eq!(removals, 1, "{:?}", receiver.notices);
    });
}

#[test]
fn what_is_lent_stays_where_it_is_though_the_interface_is_removed() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        PlainSocket::new("left", false).send(&frame(1, 1000));
        let mut frames = Vec::new();
        let lease = loop {
            if let Poll::Frames(lease) = receiver.capture.poll(&mut frames, 1).unwrap() {
                break lease;
            }
            receiver.capture.wait(Duration::from_millis(100));
        };
        ip("link del left");
        lay_cable();
        for _ in 0..10 {
            assert_eq!(receiver.capture.poll(&mut Vec::new(), 1).unwrap(), Poll::Idle);
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(frames[0].frame.bytes(), frame(1, 1000));
        receiver.capture.give_back(lease);
        receiver.notice("right is back");
        PlainSocket::new("left", false).send(&frame(2, 1000));
        assert_eq!(receiver.frames(1)[0].bytes, frame(2, 1000));
    });
}

#[test]
fn a_renamed_interface_is_captured_under_its_new_name() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        ip("link set right down");
        ip("link set right name other");
        switch_on(&["left", "other"]);
        receiver.notice("other is up again");
        PlainSocket::new("left", false).send(&frame(1, 60));
        assert_eq!(receiver.frames(1)[0].bytes, frame(1, 60));
    });
}

#[test]
fn a_stop_while_the_interface_is_gone_ends_the_capture() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        ip("link del left");
        receiver.notice("right was removed");
        thread::sleep(Duration::from_millis(50));
        assert_eq!(receiver.poll(&mut |_| ()), Some(false));
        receiver.capture.stop();
        assert_eq!(receiver.end(), 0);
        assert_eq!(receiver.poll(&mut |_| ()), None, "and it stays so");
    });
}
