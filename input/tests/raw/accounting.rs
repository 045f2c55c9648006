//! Every frame is delivered or counted as lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use weir_input::raw::Settings;
use weir_input::{Losses, Poll, Source};

use crate::frames::frame;
use crate::network::with_cable;
use crate::plain::PlainSocket;
use crate::receiver::Receiver;

fn small_ring() -> Settings {
    Settings { blocks: 4, frames_per_block: 2, ..Settings::new("right") }
}

#[test]
fn what_does_not_fit_the_ring_is_counted() {
    with_cable(|| {
        let mut receiver = Receiver::with(small_ring());
        let sent = PlainSocket::new("left", false).send_many(&frame(1, 1000), 100);
        let lost = receiver.capture.losses();
        assert!(lost.kernel > 0 && lost.interface == 0, "{lost:?}");
        receiver.capture.stop();
        let delivered = receiver.end();
        // Four blocks of a page, each with three frames of 1000 bytes and their headers, or fewer if the sender paused.
        assert!((4..=12).contains(&delivered), "{delivered}");
        assert_eq!(receiver.capture.losses(), Losses { kernel: sent - delivered, interface: 0 });
        assert_eq!(receiver.capture.received(), sent);
    });
}

#[test]
fn as_many_blocks_are_lent_as_there_are_and_the_capture_goes_on_when_they_are_back() {
    with_cable(|| {
        let mut receiver = Receiver::with(small_ring());
        let sender = PlainSocket::new("left", false);
        sender.send_many(&frame(1, 1000), 100);
        let mut frames = Vec::new();
        let mut leases = Vec::new();
        let started = Instant::now();
        while leases.len() < 4 && started.elapsed() < Duration::from_secs(5) {
            match receiver.capture.poll(&mut frames, usize::MAX).unwrap() {
                Poll::Frames(lease) => leases.push(lease),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
        assert_eq!(leases.len(), 4);
        let dropped = receiver.capture.losses().kernel;
        sender.send_many(&frame(2, 1000), 10);
        assert_eq!(receiver.capture.poll(&mut frames, 1).unwrap(), Poll::Idle);
        assert_eq!(receiver.capture.losses().kernel, dropped + 10);
        assert!(frames.iter().all(|lent| lent.frame.bytes() == frame(1, 1000)), "nothing was overwritten");
        leases.reverse();
        for lease in leases {
            receiver.capture.give_back(lease);
        }
        sender.send(&frame(3, 1000));
        let received = receiver.frames(1);
        assert_eq!(received[0].bytes, frame(3, 1000));
    });
}

#[test]
fn what_was_received_before_the_stop_is_delivered_and_nothing_after_it() {
    with_cable(|| {
        for round in 0..20 {
            let mut receiver = Receiver::new("right");
            let sender = PlainSocket::new("left", false);
            // At different ages of the first block.
            thread::sleep(Duration::from_millis(round));
            let sent = sender.send_many(&frame(1, 60), 100);
            receiver.capture.stop();
            sender.send_many(&frame(2, 60), 100);
            assert_eq!(receiver.end(), sent);
            assert_eq!((receiver.capture.received(), receiver.capture.losses()), (sent, Losses::default()));
        }
    });
}

#[test]
fn a_stop_in_full_swing_leaves_no_frame_uncounted() {
    with_cable(|| {
        for round in 0..10 {
            // With a ring that is large enough, and with one that is not.
            let settings = if round % 2 == 0 { Settings::new("right") } else { small_ring() };
            let mut receiver = Receiver::with(settings);
            let is_over = Arc::new(AtomicBool::new(false));
            let sent = Arc::new(AtomicU64::new(0));
            let sending = thread::spawn({
                let (is_over, sent) = (Arc::clone(&is_over), Arc::clone(&sent));
                move || {
                    let sender = PlainSocket::new("left", false);
                    while !is_over.load(Ordering::Relaxed) {
                        sent.fetch_add(sender.send_many(&frame(1, 200), 256), Ordering::Relaxed);
                    }
                }
            });
            let mut delivered = 0;
            let started = Instant::now();
            while delivered == 0 || started.elapsed() < Duration::from_millis(100) {
                receiver.poll(&mut |_| delivered += 1);
            }
            receiver.capture.stop();
            let sent_by_then = sent.load(Ordering::Relaxed);
            delivered += receiver.end();
            let received = receiver.capture.received();
            let losses = receiver.capture.losses();
            assert_eq!(delivered + losses.kernel, received);
            while sent.load(Ordering::Relaxed) < sent_by_then + 1000 {
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(receiver.capture.received(), received, "it counts no further");
            assert_eq!(receiver.capture.losses(), losses);
            is_over.store(true, Ordering::Relaxed);
            sending.join().unwrap();
            let mut frames = Vec::new();
            assert_eq!(receiver.capture.poll(&mut frames, 64).unwrap(), Poll::End);
            eprintln!("{delivered} delivered and {} dropped of {received}", losses.kernel);
        }
    });
}
