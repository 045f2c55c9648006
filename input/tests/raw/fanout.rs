//! Inputs that share an interface.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use weir_input::Source;
use weir_input::raw::Settings;

use crate::network::with_cable;
use crate::plain::PlainSocket;
use crate::receiver::Receiver;

/// UDP over IPv4 between two hosts, in one direction or the other.
fn datagram(flow: u16, back: bool) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let (one, other) = (([10, 0, 0, 1], 1024 + flow), ([10, 0, 0, 2], 53));
    let (from, to) = if back { (other, one) } else { (one, other) };
    frame.extend([0x45, 0, 0, 28 + 8, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend(from.0);
    frame.extend(to.0);
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend([0, 16, 0, 0]);
    frame.extend(u64::from(flow).to_be_bytes());
    frame
}

/// Which flow and direction a frame is of.
fn flow(frame: &[u8]) -> (u64, bool) {
    (u64::from_be_bytes(frame[42..50].try_into().unwrap()), frame[29] == 2)
}

#[test]
fn inputs_of_one_group_divide_the_frames_and_keep_both_directions_of_a_flow_together() {
    with_cable(|| {
        let fanout = NonZeroU16::new(7);
        let settings = Settings { fanout, ..Settings::new("right") };
        let mut receivers = [Receiver::with(settings.clone()), Receiver::with(settings)];
        let (there, back) = (PlainSocket::new("left", false), PlainSocket::new("right", false));
        const FLOWS: u16 = 500;
        for number in 0..FLOWS {
            there.send(&datagram(number, false));
            back.send(&datagram(number, true));
        }
        let mut seen: HashMap<(u64, bool), usize> = HashMap::new();
        let mut shares = Vec::new();
        for (number, receiver) in receivers.iter_mut().enumerate() {
            receiver.capture.stop();
            let mut count = 0;
            receiver.until(
                |frame| {
                    count += 1;
                    let flow = flow(frame.frame.bytes());
                    assert_eq!(seen.insert(flow, number), None, "{flow:?} came twice");
                },
                |_| false,
            );
            assert_eq!(receiver.capture.received(), count);
            shares.push(count);
        }
        assert_eq!(seen.len(), 2 * FLOWS as usize);
        assert!(shares.iter().all(|&share| share > 200), "{shares:?}");
        for number in 0..u64::from(FLOWS) {
            assert_eq!(seen[&(number, false)], seen[&(number, true)], "flow {number}");
        }
    });
}

#[test]
fn an_input_that_joins_a_group_gets_nothing_that_another_one_has() {
    with_cable(|| {
        let settings = Settings { fanout: NonZeroU16::new(8), blocks: 256, ..Settings::new("right") };
        let is_over = Arc::new(AtomicBool::new(false));
        let stop_sending = Arc::clone(&is_over);
        let mut receivers = vec![Receiver::with(settings.clone())];
        let sending = thread::spawn(move || {
            let sender = PlainSocket::new("left", false);
            let mut frame = datagram(0, false);
            let mut number = 0u64;
            while !stop_sending.load(Ordering::Relaxed) {
                frame[42..50].copy_from_slice(&number.to_be_bytes());
                // So that flows are many.
                frame[34..36].copy_from_slice(&(number as u16).to_be_bytes());
                sender.send(&frame);
                number += 1;
            }
        });
        for _ in 0..30 {
            receivers.push(Receiver::with(settings.clone()));
        }
        for receiver in &mut receivers {
            receiver.capture.stop();
        }
        is_over.store(true, Ordering::Relaxed);
        sending.join().unwrap();
        let mut seen = HashSet::new();
        for receiver in &mut receivers {
            receiver.until(
                |frame| {
                    let number = flow(frame.frame.bytes()).0;
                    assert!(seen.insert(number), "frame {number} came twice");
                },
                |_| false,
            );
        }
        assert!(seen.len() > 100);
    });
}

#[test]
fn inputs_without_fanout_each_see_everything() {
    with_cable(|| {
        let mut receivers = [Receiver::new("right"), Receiver::new("right")];
        PlainSocket::new("left", false).send_many(&datagram(1, false), 100);
        for receiver in &mut receivers {
            assert_eq!(receiver.frames(100).len(), 100);
        }
    });
}

#[test]
fn on_a_loopback_interface_a_group_sees_a_packet_once() {
    with_cable(|| {
        let settings = Settings { fanout: NonZeroU16::new(1), ..Settings::new("lo") };
        let mut receivers = [Receiver::with(settings.clone()), Receiver::with(settings)];
        for _ in 0..100 {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.send_to(b"flow", socket.local_addr().unwrap()).unwrap();
        }
        let shares = receivers.each_mut().map(|receiver| {
            receiver.capture.stop();
            receiver.end()
        });
        assert_eq!(shares[0] + shares[1], 100, "{shares:?}");
    });
}
