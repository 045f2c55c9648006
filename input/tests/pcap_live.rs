//! Capturing through libpcap from interfaces of a network that the test makes.
#![cfg(feature = "libpcap")]
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

// What the tests of the input raw use as well.
#[allow(dead_code)]
#[path = "raw/network.rs"]
mod network;
#[allow(dead_code)]
#[path = "raw/plain.rs"]
mod plain;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use weir_flow::options::PluginString;
use weir_flow::{Packet, Timestamp};
use weir_input::parse::parse;
use weir_input::{CapturedFrame, Lease, LinkType, Losses, Poll, Source, SourceError, pcap};

use network::{PATIENCE, Tunnel, ip, lay_cable, with_cable};
use plain::PlainSocket;

fn try_open(text: &str) -> Result<Box<dyn Source>, SourceError> {
    let plugin = PluginString::parse(text).unwrap();
    (pcap::DESCRIPTOR.open)(&plugin.parameters(pcap::DESCRIPTOR.options).unwrap())
}

fn error(text: &str) -> String {
    try_open(text).err().unwrap().to_string()
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    bytes: Vec<u8>,
    wire_len: u32,
    time: Timestamp,
    link_type: LinkType,
}

/// A source as its user drives it.
struct User {
    source: Box<dyn Source>,
    frames: Vec<CapturedFrame>,
    current: Option<Lease>,
    /// The first lease that may come next.
    next_lease: Lease,
    notices: Vec<String>,
}

impl User {
    fn open(text: &str) -> User {
        let source = try_open(text).unwrap();
        assert!(source.is_live());
        User { source, frames: Vec::new(), current: None, next_lease: Lease(0), notices: Vec::new() }
    }

    fn poll(&mut self, see: &mut impl FnMut(&CapturedFrame)) -> Poll {
        self.frames.clear();
        let polled = self.source.poll(&mut self.frames, 64).unwrap();
        self.notices.extend(std::iter::from_fn(|| self.source.notice()));
        if let Poll::Frames(lease) = polled {
            assert!((1..=64).contains(&self.frames.len()));
            assert!(lease >= self.next_lease);
            self.next_lease = lease;
            self.frames.iter().for_each(see);
            if let Some(finished) = self.current.replace(lease).filter(|&finished| finished != lease) {
                self.source.give_back(finished);
            }
        } else {
            assert!(self.frames.is_empty());
            if let Some(finished) = self.current.take() {
                self.next_lease = Lease(finished.0 + 1);
                self.source.give_back(finished);
            }
        }
        polled
    }

    /// Polls and waits until `is_done`, which is asked when nothing came, or until the end.
    fn until(&mut self, mut see: impl FnMut(&CapturedFrame), mut is_done: impl FnMut(&mut User) -> bool) {
        let began = Instant::now();
        loop {
            match self.poll(&mut see) {
                Poll::End => return,
                Poll::Idle if is_done(self) => return,
                Poll::Idle => assert!(self.source.wait(Duration::from_millis(20))),
                Poll::Frames(_) => {}
            }
            assert!(began.elapsed() < PATIENCE, "it does not happen; notices: {:?}", self.notices);
        }
    }

    /// The next `count` frames, and whatever else comes within the time that the kernel may hold packets back.
    fn take(&mut self, count: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let began = Instant::now();
        let mut quiet_since = Instant::now();
        loop {
            let before = seen.len();
            let polled = self.poll(&mut |frame| {
                seen.push(Seen {
                    bytes: frame.frame.bytes().to_vec(),
                    wire_len: frame.wire_len,
                    time: frame.time,
                    link_type: frame.link_type,
                });
            });
            if seen.len() > before {
                quiet_since = Instant::now();
            } else if polled == Poll::End
                || seen.len() >= count && quiet_since.elapsed() > Duration::from_millis(300)
            {
                return seen;
            } else {
                assert!(self.source.wait(Duration::from_millis(20)));
            }
            assert!(began.elapsed() < PATIENCE, "{} of {count} frames came", seen.len());
        }
    }

    fn count_to_the_end(&mut self) -> usize {
        let mut count = 0;
        self.until(|_| count += 1, |_| false);
        count
    }

    /// The next notice.
    fn notice(&mut self) -> String {
        self.until(|_| (), |user| !user.notices.is_empty());
        self.notices.remove(0)
    }

    /// Polls for a while in which nothing comes. How often it was woken for that.
    fn rest(&mut self, time: Duration) -> usize {
        let (began, mut woken) = (Instant::now(), 0);
        self.until(
            |_| panic!("nothing is sent"),
            |_| {
                woken += 1;
                began.elapsed() > time
            },
        );
        woken
    }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_nanoseconds(now.as_nanos() as u64)
}

/// An IPv4 packet with a UDP datagram to `port`, `payload_len` bytes of payload.
fn datagram(port: u16, payload_len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 255], 64)
        .udp(40_000, port)
        .write(&mut bytes, &vec![port as u8; payload_len])
        .unwrap();
    bytes
}

fn frame(port: u16, payload_len: usize) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0], &datagram(port, payload_len)[..]].concat()
}

fn ports(seen: &[Seen]) -> Vec<u16> {
    seen.iter().map(|seen| u16::from_be_bytes([seen.bytes[36], seen.bytes[37]])).collect()
}

#[test]
fn frames_come_out_byte_for_byte_with_the_time_of_their_arrival() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        let left = PlainSocket::new("left", false);
        let sent: Vec<Vec<u8>> = (1..=200).map(|n| frame(n, 7 * usize::from(n))).collect();
        let before = now();
        sent.iter().for_each(|frame| left.send(frame));
        let after = now();
        let seen = user.take(sent.len());
        assert!(seen.iter().map(|seen| &seen.bytes).eq(&sent));
        assert!(seen.iter().all(|seen| seen.wire_len as usize == seen.bytes.len()));
        assert!(seen.iter().all(|seen| seen.link_type == LinkType::ETHERNET));
        assert!(seen.iter().all(|seen| before <= seen.time && seen.time <= after));
        assert!(seen.iter().any(|seen| seen.time.nanoseconds() % 1000 != 0), "nanoseconds");
        assert_eq!(user.source.losses(), Losses::default());
        assert!(user.notices.is_empty(), "{:?}", user.notices);
    });
}

#[test]
fn frames_of_both_directions_are_captured() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        PlainSocket::new("left", false).send(&frame(1, 10));
        PlainSocket::new("right", false).send(&frame(2, 10));
        assert_eq!(ports(&user.take(2)), [1, 2]);
    });
}

#[test]
fn only_what_the_filter_takes_is_captured() {
    with_cable(|| {
        let left = PlainSocket::new("left", false);
        let mut all = User::open("pcap;ifc=right");
        let mut by_port = User::open("pcap;ifc=right;filter=udp port 53 or udp port 70");
        let mut by_len = User::open("pcap;ifc=right;snaplen=120;filter=greater 500");
        for port in 1..=100 {
            left.send(&frame(port, 10 * usize::from(port)));
        }
        assert_eq!(ports(&by_port.take(2)), [53, 70]);
        assert_eq!(ports(&by_len.take(55)), (46..=100).collect::<Vec<u16>>());
        assert_eq!(all.take(100).len(), 100);
        assert_eq!(by_port.source.losses(), Losses::default());
    });
}

#[test]
fn a_broadcast_is_one_of_the_interfaces_network() {
    with_cable(|| {
        ip("addr add 10.0.0.9/24 dev right");
        let mut user = User::open("pcap;ifc=right;filter=ip broadcast");
        // To 10.0.0.255, and the same to 10.0.0.254.
        let left = PlainSocket::new("left", false);
        let mut other = frame(8, 20);
        other[33] = 254;
        left.send(&other);
        left.send(&frame(7, 20));
        assert_eq!(ports(&user.take(1)), [7]);
    });
}

#[test]
fn a_filter_that_is_wrong_is_quoted_with_libpcaps_words() {
    with_cable(|| {
        let text = error("pcap;ifc=right;filter=udp porridge");
        assert!(text.starts_with("option filter: \"udp porridge\" cannot be compiled: "), "{text}");
        assert!(text.contains("syntax error"), "{text}");
    });
}

#[test]
fn long_frames_are_cut_and_keep_their_length_on_the_wire() {
    with_cable(|| {
        let left = PlainSocket::new("left", false);
        for (given, snaplen) in [(200, 200), (120, 120), (119, 120), (0, 120)] {
            let mut user = User::open(&format!("pcap;ifc=right;snaplen={given}"));
            left.send(&frame(1, 1000));
            left.send(&frame(2, 60));
            let seen = user.take(2);
            assert_eq!(seen[0].bytes, frame(1, 1000)[..snaplen]);
            assert_eq!(seen[0].wire_len, 1042);
            assert_eq!(seen[1].bytes, frame(2, 60));
            let raised: &[String] = if given < 120 {
                &[format!("option snaplen: {given} is raised to 120, the shortest that holds the headers")]
            } else {
                &[]
            };
            assert_eq!(user.notices, raised);
        }
    });
}

#[test]
fn what_came_before_the_stop_is_delivered_and_nothing_after() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        let left = PlainSocket::new("left", false);
        assert_eq!(left.send_many(&frame(1, 500), 5000), 5000);
        user.source.stop();
        thread::sleep(Duration::from_millis(1));
        left.send_many(&frame(2, 500), 500);
        assert_eq!(user.count_to_the_end(), 5000);
        assert_eq!(user.source.poll(&mut Vec::new(), 64).unwrap(), Poll::End);

        // The same when no later packet tells that the end has come.
        let mut user = User::open("pcap;ifc=right");
        left.send_many(&frame(3, 500), 100);
        user.source.stop();
        assert_eq!(user.count_to_the_end(), 100);
    });
}

#[test]
fn every_frame_is_delivered_or_counted_as_lost() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        let left = PlainSocket::new("left", false);
        let sent = left.send_many(&frame(1, 1400), 30_000);
        thread::sleep(Duration::from_millis(300));
        user.source.stop();
        let delivered = user.count_to_the_end() as u64;
        let losses = user.source.losses();
        assert!(losses.kernel > 0 && delivered > 1000, "{delivered} delivered, {losses:?}");
        assert_eq!(delivered + losses.kernel, sent);
        assert_eq!(user.source.losses(), losses, "counted once");
    });
}

#[test]
fn frames_stay_while_their_lease_is_held_and_memory_is_bounded() {
    with_cable(|| {
        let mut source = try_open("pcap;ifc=right").unwrap();
        let left = PlainSocket::new("left", false);
        let mut held: Vec<(Lease, CapturedFrame)> = Vec::new();
        let mut idle = 0;
        // 100 MB in all, of which the source may hold 64 blocks of 1 MiB.
        for _ in 0..100 {
            left.send_many(&frame(1, 958), 1000);
            thread::sleep(Duration::from_millis(2));
            let mut frames = Vec::new();
            for _ in 0..100 {
                match source.poll(&mut frames, 64).unwrap() {
                    Poll::Frames(lease) => held.extend(frames.drain(..).map(|frame| (lease, frame))),
                    Poll::Idle => idle += 1,
                    Poll::End => panic!("it was not stopped"),
                }
            }
        }
        let leases: BTreeSet<Lease> = held.iter().map(|(lease, _)| *lease).collect();
        assert!((60..=65).contains(&leases.len()), "{} leases, {idle} times idle", leases.len());
        let expected = frame(1, 958);
        assert!(held.iter().all(|(_, frame)| frame.frame.bytes() == expected));
        held.clear();
        leases.into_iter().for_each(|lease| source.give_back(lease));
        let mut frames = Vec::new();
        let began = Instant::now();
        while !matches!(source.poll(&mut frames, 64).unwrap(), Poll::Frames(_)) {
            assert!(began.elapsed() < PATIENCE);
        }
    });
}

#[test]
fn an_interface_that_goes_down_is_told_once_and_captured_from_again() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        let left = PlainSocket::new("left", false);
        left.send(&frame(1, 10));
        assert_eq!(ports(&user.take(1)), [1]);
        ip("link set right down");
        assert_eq!(user.notice(), "right: the interface is down; waiting for it to come up");
        let woken = user.rest(Duration::from_millis(2500));
        assert!(woken < 300, "woken {woken} times in 2.5 s");
        ip("link set right up");
        assert_eq!(user.notice(), "right: the interface is up again");
        left.send(&frame(2, 10));
        assert_eq!(ports(&user.take(1)), [2]);
        assert!(user.notices.is_empty(), "{:?}", user.notices);
    });
}

#[test]
fn an_interface_that_is_removed_is_opened_again_as_it_was_when_it_is_back() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right;filter=udp port 2 or udp port 3;snaplen=120");
        let left = PlainSocket::new("left", false);
        left.send_many(&frame(2, 1000), 10);
        assert_eq!(user.take(10).len(), 10);
        for _ in 0..2 {
            ip("link del left");
            let notice = user.notice();
            assert!(
                notice.starts_with("right: ") && notice.ends_with("; waiting for it to come back"),
                "{notice}"
            );
            let woken = user.rest(Duration::from_millis(1500));
            assert!(woken < 200, "woken {woken} times in 1.5 s");
            assert!(user.notices.is_empty(), "{:?}", user.notices);
            lay_cable();
            assert_eq!(user.notice(), "right: the interface is back");
            let left = PlainSocket::new("left", false);
            left.send(&frame(1, 10));
            left.send(&frame(3, 1000));
            let seen = user.take(1);
            assert_eq!(ports(&seen), [3]);
            assert_eq!((seen[0].bytes.len(), seen[0].wire_len), (120, 1042));
            assert!(user.notices.is_empty(), "{:?}", user.notices);
        }
    });
}

#[test]
fn what_was_lost_before_an_interface_was_removed_stays_counted() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        PlainSocket::new("left", false).send_many(&frame(1, 1400), 20_000);
        thread::sleep(Duration::from_millis(300));
        let before = user.source.losses().kernel;
        assert!(before > 0);
        ip("link del left");
        user.notice();
        lay_cable();
        assert_eq!(user.notice(), "right: the interface is back");
        assert_eq!(user.source.losses().kernel, before);
        let sent = PlainSocket::new("left", false).send_many(&frame(1, 1400), 20_000);
        thread::sleep(Duration::from_millis(300));
        user.source.stop();
        let delivered = user.count_to_the_end() as u64;
        assert_eq!(delivered + user.source.losses().kernel, before + sent);
    });
}

#[test]
fn an_interface_that_was_replaced_unseen_is_opened_again() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        ip("link del left");
        lay_cable();
        user.notice();
        assert_eq!(user.notice(), "right: the interface is back");
        PlainSocket::new("left", false).send(&frame(1, 10));
        assert_eq!(ports(&user.take(1)), [1]);
    });
}

#[test]
fn a_stop_while_the_interface_is_gone_is_the_end() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=right");
        ip("link del left");
        user.notice();
        user.source.stop();
        assert_eq!(user.count_to_the_end(), 0);
    });
}

#[test]
fn packets_of_a_tunnel_begin_with_the_ip_header() {
    with_cable(|| {
        let Some(mut tunnel) = Tunnel::new("tunnel") else { return };
        let mut user = User::open("pcap;ifc=tunnel;filter=udp port 5");
        tunnel.receive(&datagram(4, 50));
        tunnel.receive(&datagram(5, 50));
        let seen = user.take(1);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].link_type, &seen[0].bytes), (LinkType::RAW, &datagram(5, 50)));
    });
}

#[test]
fn all_interfaces_at_once_are_captured_from_in_cooked_form() {
    with_cable(|| {
        let mut user = User::open("pcap;ifc=any;filter=udp port 6");
        PlainSocket::new("left", false).send(&frame(6, 50));
        let mut packets = 0;
        let mut packet = Packet::default();
        let began = Instant::now();
        user.until(
            |frame| {
                assert!([LinkType::LINUX_SLL, LinkType::LINUX_SLL2].contains(&frame.link_type));
                parse(frame, &mut packet).unwrap();
                assert_eq!(packet.key.protocol(), 17);
                packets += 1;
            },
            |_| began.elapsed() > Duration::from_millis(500),
        );
        // Once where it was sent, once where it arrived.
        assert_eq!(packets, 2);
        assert!(user.notices.len() <= 1, "{:?}", user.notices);
    });
}

#[test]
fn an_interface_whose_link_type_is_not_read_is_refused() {
    with_cable(|| {
        let Some(mut tunnel) = Tunnel::new("tunnel") else { return };
        ip("link set tunnel down");
        const ARPHRD_IEEE80211_RADIOTAP: u16 = 803;
        tunnel.set_hardware_type(ARPHRD_IEEE80211_RADIOTAP);
        ip("link set tunnel up");
        let text = error("pcap;ifc=tunnel");
        assert!(
            text.starts_with("tunnel: link type 127 is not supported, only BSD loopback, Ethernet, "),
            "{text}"
        );
    });
}

#[test]
fn an_interface_that_is_missing_or_down_is_an_error_at_the_start() {
    with_cable(|| {
        let text = error("pcap;ifc=nowhere");
        assert!(text.starts_with("nowhere: cannot be captured from: "), "{text}");
        assert!(text.contains("No such device"), "{text}");
        ip("link set right down");
        let text = error("pcap;ifc=right");
        assert!(text.starts_with("right: cannot be captured from: "), "{text}");
    });
}

#[test]
fn without_permission_it_is_said_how_to_get_it() {
    with_cable(|| {
        let mut sets = capabilities(None).unwrap();
        sets.effective -= CapabilitySet::NET_RAW;
        set_capabilities(None, sets).unwrap();
        assert!(
            matches!(try_open("pcap;ifc=right"), Err(SourceError::Permission { interface }) if interface == "right")
        );
    });
}

#[test]
fn the_list_has_the_interfaces_that_are_up() {
    with_cable(|| {
        ip("link add name unused type veth peer name unused2");
        let list = (pcap::DESCRIPTOR.list.unwrap())().unwrap();
        assert!(list.starts_with("List of usable interfaces:\n 1. "), "{list}");
        let names: Vec<&str> =
            list.lines().skip(1).filter_map(|line| line[4..].split_whitespace().next()).collect();
        for name in ["left", "right", "lo", "any"] {
            assert!(names.contains(&name), "{list}");
        }
        assert!(!list.contains("unused"), "{list}");
    });
}
