//! The input `benchmark`, through what it is opened by.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use weir_flow::key::Endpoint;
use weir_flow::options::PluginString;
use weir_flow::{FlowKey, Packet, Timestamp};
use weir_input::parse::parse;
use weir_input::{CapturedFrame, Lease, Poll, Source, registry};

fn open(text: &str) -> Result<Box<dyn Source>, String> {
    let plugin = PluginString::parse(text).unwrap();
    let input = registry::find(&plugin.name).unwrap();
    let options = plugin.parameters(input.options).map_err(|error| error.to_string())?;
    (input.open)(&options).map_err(|error| error.to_string())
}

/// Shows `see` every frame until the source ends or `see` has had enough; polls for `limit` frames and gives leases back as soon
/// as that is allowed.
fn read(source: &mut dyn Source, limit: usize, mut see: impl FnMut(&CapturedFrame) -> bool) {
    let (mut frames, mut current) = (Vec::new(), None);
    loop {
        frames.clear();
        match source.poll(&mut frames, limit).unwrap() {
            Poll::End => return assert!(frames.is_empty()),
            Poll::Idle => panic!("nothing is lent that would have to be waited for"),
            Poll::Frames(lease) => {
                assert!((1..=limit).contains(&frames.len()));
                if !frames.iter().all(&mut see) {
                    return;
                }
                if let Some(finished) = current.replace(lease).filter(|&finished| finished != lease) {
                    source.give_back(finished);
                }
            }
        }
    }
}

fn frames(text: &str, count: usize) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    read(open(text).unwrap().as_mut(), 7, |frame| {
        seen.push(frame.frame.bytes().to_vec());
        seen.len() < count
    });
    seen
}

fn parsed(frame: &CapturedFrame) -> Packet {
    let mut packet = Packet::default();
    parse(frame, &mut packet).unwrap();
    packet
}

/// Has etherparse read the frame, which checks lengths, and compares the checksums with its own. Answers whether it is IPv6, and TCP.
fn check(bytes: &[u8]) -> (bool, bool) {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap();
    let is_tcp = match (packet.net.as_ref().unwrap(), packet.transport.as_ref().unwrap()) {
        (NetSlice::Ipv4(ip), transport) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            assert_eq!(usize::from(header.total_len), bytes.len() - 14);
            assert!(!ip.is_payload_fragmented());
            match transport {
                TransportSlice::Tcp(tcp) => {
                    let expected = tcp.calc_checksum_ipv4(header.source, header.destination).unwrap();
                    assert_eq!(tcp.checksum(), expected);
                    true
                }
                TransportSlice::Udp(udp) => {
                    let expected = udp
                        .to_header()
                        .calc_checksum_ipv4_raw(header.source, header.destination, udp.payload())
                        .unwrap();
                    assert_eq!(udp.checksum(), expected);
                    assert_eq!(usize::from(udp.length()), bytes.len() - 34);
                    false
                }
                other => panic!("{other:?}"),
            }
        }
        (NetSlice::Ipv6(ip), transport) => {
            let header = ip.header().to_header();
            assert_eq!(usize::from(header.payload_length), bytes.len() - 54);
            match transport {
                TransportSlice::Tcp(tcp) => {
                    let expected = tcp.calc_checksum_ipv6(header.source, header.destination).unwrap();
                    assert_eq!(tcp.checksum(), expected);
                    true
                }
                TransportSlice::Udp(udp) => {
                    let expected = udp
                        .to_header()
                        .calc_checksum_ipv6_raw(header.source, header.destination, udp.payload())
                        .unwrap();
                    assert_eq!(udp.checksum(), expected);
                    assert_eq!(usize::from(udp.length()), bytes.len() - 54);
                    false
                }
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    };
    (matches!(packet.net, Some(NetSlice::Ipv6(_))), is_tcp)
}

#[test]
fn every_frame_is_one_that_others_accept_as_well() {
    for size in [64, 65, 73, 74, 75, 128, 512, 1514, 65_549] {
        let mut shapes = BTreeSet::new();
        for bytes in frames(&format!("benchmark;mode=nf;size={size};count=300"), 300) {
            assert_eq!(bytes.len(), size);
            shapes.insert(check(&bytes));
        }
        // IPv6 and TCP fit from 74 bytes on.
        assert_eq!(shapes.len(), if size < 74 { 3 } else { 4 }, "{size}");
        for seed in 0..12 {
            for bytes in frames(&format!("benchmark;size={size};count=20;seed={seed}"), 20) {
                assert_eq!(bytes.len(), size);
                check(&bytes);
            }
        }
    }
}

#[test]
fn a_udp_checksum_is_never_left_out() {
    let mut lowest = u16::MAX;
    for bytes in frames("benchmark;mode=nf;size=64;count=400000", 400_000) {
        if bytes[12..14] == [8, 0] && bytes[23] == 17 {
            let checksum = u16::from_be_bytes([bytes[40], bytes[41]]);
            lowest = lowest.min(checksum);
            if checksum == u16::MAX {
                check(&bytes);
            }
        }
    }
    assert_eq!(lowest, 1);
}

#[test]
fn as_many_packets_come_as_were_asked_for() {
    for mode in ["1f", "nf"] {
        for count in [1, 2, 63, 64, 65, 1023, 1024, 1025, 5000] {
            for limit in [1, 3, 64, 4096] {
                let mut source = open(&format!("benchmark;m={mode};p={count};s=64")).unwrap();
                let mut seen = 0;
                read(source.as_mut(), limit, |_| {
                    seen += 1;
                    true
                });
                assert_eq!(seen, count);
                assert_eq!(source.poll(&mut Vec::new(), limit).unwrap(), Poll::End);
            }
        }
    }
}

#[test]
fn it_ends_after_the_duration() {
    let began = Instant::now();
    let mut last = began;
    read(open("benchmark;d=1;mode=nf").unwrap().as_mut(), 64, |_| {
        last = Instant::now();
        true
    });
    let took = last - began;
    assert!(took >= Duration::from_millis(990), "{took:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn what_is_limited_twice_ends_at_the_first_limit() {
    assert_eq!(frames("benchmark;d=1000;p=10", 11).len(), 10);
}

#[test]
fn the_same_seed_makes_the_same_bytes_however_they_are_taken() {
    for mode in ["1f", "nf"] {
        let text = format!("benchmark;mode={mode};seed=a seed;size=100");
        let mut source = open(&text).unwrap();
        let (mut taken, mut leases) = (Vec::new(), Vec::new());
        // Nothing is given back until the end, and the numbers of frames vary.
        for n in 0..300 {
            let mut frames = Vec::new();
            let Poll::Frames(lease) = source.poll(&mut frames, 1 + n % 50).unwrap() else { panic!() };
            leases.push(lease);
            taken.extend(frames);
        }
        assert!(leases.is_sorted() && leases[0] < leases[299]);
        let taken: Vec<&[u8]> = taken.iter().map(|frame| frame.frame.bytes()).collect();
        assert_eq!(taken, frames(&text, taken.len()));
        assert_ne!(frames(&text, 100), frames(&text.replace("a seed", "another"), 100));
    }
}

fn is_low(end: Endpoint) -> bool {
    end == Endpoint::Low
}

#[test]
fn one_flow_speaks_in_turn_and_its_numbers_add_up() {
    let mut protocols = BTreeMap::new();
    for seed in 0..16 {
        let mut flows = HashSet::new();
        let mut senders = Vec::new();
        let mut numbers = BTreeMap::new();
        let text = format!("benchmark;seed={seed};size=1000;count=3000");
        read(open(&text).unwrap().as_mut(), 64, |frame| {
            let packet = parsed(frame);
            if packet.key.protocol() == 6 {
                assert_eq!(packet.tcp_flags, 0x18);
                if let Some(expected) = numbers
                    .insert(is_low(packet.sender), packet.tcp_sequence.wrapping_add(packet.payload_len))
                {
                    assert_eq!(packet.tcp_sequence, expected);
                }
                if let Some(&expected) = numbers.get(&is_low(packet.sender.other())) {
                    assert_eq!(packet.tcp_acknowledgement, expected);
                }
            }
            flows.insert(packet.key);
            senders.push(packet.sender);
            true
        });
        assert_eq!(flows.len(), 1);
        assert!(senders.windows(2).all(|pair| pair[0] != pair[1]));
        let key = flows.into_iter().next().unwrap();
        *protocols.entry((key.is_ipv6(), key.protocol())).or_insert(0) += 1;
    }
    assert_eq!(protocols.len(), 4, "{protocols:?}");
}

fn flows(text: &str) -> HashSet<FlowKey> {
    let mut flows = HashSet::new();
    read(open(text).unwrap().as_mut(), 64, |frame| {
        flows.insert(parsed(frame).key);
        true
    });
    flows
}

#[test]
fn every_packet_is_a_new_flow_and_every_link_has_its_own() {
    let first = flows("benchmark;mode=nf;size=64;count=200000;id=0");
    assert_eq!(first.len(), 200_000);
    for id in [1, 2, u64::MAX] {
        let other = flows(&format!("benchmark;mode=nf;size=64;count=200000;id={id}"));
        assert_eq!(other.len(), 200_000);
        assert!(first.is_disjoint(&other));
        let one_flow = |id| flows(&format!("benchmark;count=4;id={id}"));
        assert!(one_flow(0).is_disjoint(&one_flow(id)));
    }
}

#[test]
fn times_are_of_now_and_never_the_same() {
    let now = |offset_s: i64| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        Timestamp::new((since + offset_s) as u32, 0)
    };
    let (earliest, mut last) = (now(-1), Timestamp::ZERO);
    read(open("benchmark;p=20000;s=64").unwrap().as_mut(), 4096, |frame| {
        assert!(frame.time > last);
        last = frame.time;
        assert!(frame.time > earliest);
        true
    });
    assert!(last < now(2));
}

#[test]
fn it_pauses_when_too_much_is_lent() {
    let mut source = open("benchmark;size=65549;mode=nf").unwrap();
    let mut kept: Vec<(Lease, CapturedFrame, Vec<u8>)> = Vec::new();
    loop {
        let mut frames = Vec::new();
        match source.poll(&mut frames, 1000).unwrap() {
            Poll::Frames(lease) => {
                kept.extend(frames.into_iter().map(|frame| (lease, frame, frame.frame.bytes().to_vec())));
            }
            Poll::Idle => break,
            Poll::End => panic!("there is no limit"),
        }
        assert!(kept.len() * 65_549 < 128 << 20, "memory is bounded");
    }
    let again = kept[0].0;
    source.give_back(again);
    kept.retain(|(lease, ..)| *lease != again);
    assert!(matches!(source.poll(&mut Vec::new(), 1000).unwrap(), Poll::Frames(_)));
    assert!(kept.iter().all(|(_, frame, bytes)| frame.frame.bytes() == bytes));
}

#[test]
fn sizes_that_no_frame_has_are_refused() {
    for size in ["63", "65550", "0", "-1"] {
        let error = open(&format!("benchmark;size={size}")).err().unwrap();
        assert!(error.starts_with("invalid argument for option size: "), "{error}");
    }
    assert!(open("benchmark;mode=2f").is_err());
}
