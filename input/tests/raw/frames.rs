//! What comes out of an interface is what went over it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_input::raw::Settings;
use weir_input::{LinkType, Source};

use crate::network::{ip, with_cable};
use crate::plain::PlainSocket;
use crate::receiver::Receiver;

/// A frame of an EtherType for experiments, with a number in it.
pub(crate) fn frame(number: u32, len: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5];
    frame.extend(number.to_be_bytes());
    frame.extend((frame.len()..len).map(|at| at as u8));
    frame
}

/// `frame` with tags, outermost first, each of TPID and TCI.
fn tagged(frame: &[u8], tags: &[u32]) -> Vec<u8> {
    let tags: Vec<u8> = tags.iter().flat_map(|tag| tag.to_be_bytes()).collect();
    [&frame[..12], &tags, &frame[12..]].concat()
}

#[test]
fn frames_come_out_byte_for_byte_with_the_time_of_their_arrival() {
    with_cable(|| {
        ip("link set left mtu 9000");
        ip("link set right mtu 9000");
        let mut receiver = Receiver::new("right");
        let sender = PlainSocket::new("left", false);
        let lengths = [18, 60, 61, 62, 63, 64, 65, 1514, 2048, 9014];
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let before = now();
        let sent: Vec<_> = (0..2000).map(|number| frame(number, lengths[number as usize % 10])).collect();
        for frame in &sent {
            sender.send(frame);
        }
        let after = now();
        let received = receiver.frames(sent.len());
        assert_eq!(received.len(), sent.len());
        let mut last = before;
        for (received, sent) in received.iter().zip(&sent) {
            assert_eq!(&received.bytes, sent);
            assert_eq!(received.wire_len as usize, sent.len());
            assert_eq!(received.link_type, LinkType::ETHERNET);
            let time = received.time.as_nanoseconds();
            assert!((last..=after).contains(&time), "{last} {time} {after}");
            last = time;
        }
    });
}

#[test]
fn both_directions_are_seen_and_the_interface_is_promiscuous_meanwhile() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        assert!(ip("-d link show right").contains("promiscuity 1"));
        PlainSocket::new("left", false).send(&frame(1, 60));
        PlainSocket::new("right", false).send(&frame(2, 60));
        let received: Vec<_> = receiver.frames(2).into_iter().map(|received| received.bytes).collect();
        assert_eq!(received, [frame(1, 60), frame(2, 60)]);
        drop(receiver);
        assert!(ip("-d link show right").contains("promiscuity 0"));
    });
}

#[test]
fn vlan_tags_that_the_kernel_takes_out_are_put_back() {
    with_cable(|| {
        let untagged = frame(1, 100);
        let once = tagged(&untagged, &[0x8100_2064]);
        let provider = tagged(&untagged, &[0x88a8_0065]);
        let twice = tagged(&untagged, &[0x88a8_0066, 0x8100_0067]);
        let mut receiver = Receiver::new("right");
        let witness = PlainSocket::new("right", true);
        let sender = PlainSocket::new("left", false);
        let sent = [&untagged, &once, &provider, &twice];
        for frame in sent {
            sender.send(frame);
        }
        let in_kernel: Vec<_> = sent.map(|_| witness.receive()).to_vec();
        let inner = tagged(&untagged, &[0x8100_0067]);
        assert_eq!(
            in_kernel,
            [&untagged, &untagged, &untagged, &inner].map(Vec::clone),
            "the kernel took them out"
        );
        for (received, sent) in receiver.frames(sent.len()).iter().zip(sent) {
            assert_eq!(&received.bytes, sent);
            assert_eq!(received.wire_len as usize, sent.len());
        }
        // On the way out a tag is where the sender put it, and must not come twice.
        let sender = PlainSocket::new("right", false);
        for frame in sent {
            sender.send(frame);
        }
        for (received, sent) in receiver.frames(sent.len()).iter().zip(sent) {
            assert_eq!(&received.bytes, sent);
        }
    });
}

#[test]
fn a_frame_larger_than_a_block_is_cut_off_and_keeps_its_length() {
    with_cable(|| {
        ip("link set left mtu 9000");
        ip("link set right mtu 9000");
        let mut receiver = Receiver::with(Settings { frames_per_block: 1, ..Settings::new("right") });
        let sent = frame(1, 9014);
        PlainSocket::new("left", false).send(&sent);
        let received = receiver.frames(1).remove(0);
        assert_eq!(received.wire_len, 9014);
        assert_eq!(received.bytes, sent[..received.bytes.len()]);
        // A page, without the headers of block and packet.
        assert!((3900..4096).contains(&received.bytes.len()), "{}", received.bytes.len());
    });
}

#[test]
fn a_lone_packet_is_delivered_soon() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        let sender = PlainSocket::new("left", false);
        let mut waits = Vec::new();
        for number in 0..20 {
            let sent_at = Instant::now();
            sender.send(&frame(number, 60));
            let mut count = 0;
            while count == 0 {
                if receiver.poll(&mut |_| count += 1) == Some(false) {
                    receiver.capture.wait(Duration::from_millis(500));
                }
            }
            waits.push(sent_at.elapsed());
        }
        waits.sort_unstable();
        eprintln!("a lone packet took from {:?} to {:?}, half of them {:?}", waits[0], waits[19], waits[10]);
        // The best half: on a busy machine a test's thread may have to wait itself.
        assert!(waits[10] < Duration::from_millis(100), "{waits:?}");
    });
}

#[test]
fn an_idle_interface_wakes_nobody() {
    with_cable(|| {
        let mut receiver = Receiver::new("right");
        let sender = PlainSocket::new("left", false);
        for number in 0..3 {
            // Before the first block, and behind blocks that have been given back.
            let started = Instant::now();
            assert_eq!(receiver.poll(&mut |_| ()), Some(false));
            assert!(receiver.capture.wait(Duration::from_millis(300)));
            assert!(started.elapsed() >= Duration::from_millis(300), "woken after {:?}", started.elapsed());
            assert_eq!(receiver.poll(&mut |_| ()), Some(false));
            sender.send(&frame(number, 60));
            assert_eq!(receiver.frames(1).len(), 1);
        }
    });
}

#[test]
fn on_a_loopback_interface_a_packet_is_seen_once() {
    with_cable(|| {
        let mut receiver = Receiver::new("lo");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for number in 0..10u8 {
            socket.send_to(&[number; 100], socket.local_addr().unwrap()).unwrap();
        }
        let received = receiver.frames(10);
        assert_eq!(received.len(), 10);
        for (number, received) in received.iter().enumerate() {
            assert_eq!(received.link_type, LinkType::ETHERNET);
            assert_eq!(received.bytes.len(), 14 + 20 + 8 + 100);
            assert_eq!(received.bytes[42..], [number as u8; 100]);
        }
        assert_eq!(receiver.capture.received(), 10);
    });
}
