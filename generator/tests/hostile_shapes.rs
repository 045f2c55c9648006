//! The hostile shapes are as hostile as they say, and the background beside them is legitimate: read back by another
//! implementation.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::IpAddr,
};

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use weir_generator::{
    pcap::Recording,
    shapes::Shape,
    traffic::{self, Parameters, Summary},
};

const HOSTILE: [Shape; 6] = [
    Shape::Flood,
    Shape::UdpFlood,
    Shape::QuicFlood,
    Shape::EndlessHeads,
    Shape::EndlessFragments,
    Shape::DeepStacks,
];

fn make(shape: Shape, parameters: Parameters) -> (Recording, Summary) {
    let mut bytes = Vec::new();
    let summary = traffic::generate(shape, &parameters, &mut bytes).unwrap();
    (Recording::new(bytes).unwrap(), summary)
}

fn recording(shape: Shape, packets: u64) -> Recording {
    make(shape, Parameters { packets, ..Parameters::of(shape) }).0
}

fn frames(recording: &Recording) -> impl Iterator<Item = &[u8]> {
    (0..recording.len()).map(|number| recording.frame(number))
}

/// Addresses, ports, and what the flow says.
struct Datagram<'a> {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    /// Sequence number and flags.
    tcp: Option<(u32, Flags)>,
    payload: &'a [u8],
}

#[derive(Clone, Copy)]
struct Flags {
    syn: bool,
    fin: bool,
    rst: bool,
}

fn datagram(frame: &[u8]) -> Datagram<'_> {
    let parsed = SlicedPacket::from_ethernet(frame).unwrap();
    let (from, to): (IpAddr, IpAddr) = match parsed.net.as_ref().unwrap() {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => panic!("ARP"),
    };
    match parsed.transport.unwrap() {
        TransportSlice::Udp(udp) => Datagram {
            from: (from, udp.source_port()),
            to: (to, udp.destination_port()),
            tcp: None,
            payload: udp.payload(),
        },
        TransportSlice::Tcp(tcp) => Datagram {
            from: (from, tcp.source_port()),
            to: (to, tcp.destination_port()),
            tcp: Some((tcp.sequence_number(), Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst() })),
            payload: tcp.payload(),
        },
        _ => panic!("another protocol"),
    }
}

#[test]
fn no_frame_is_longer_than_an_mtu_of_1500_lets_it_be() {
    for shape in HOSTILE {
        let parameters = Parameters { packets: 5000, background: 20, ..Parameters::of(shape) };
        let longest = frames(&make(shape, parameters).0).map(<[u8]>::len).max().unwrap();
        assert!(longest <= 1514, "{}: {longest}", shape.name());
    }
}

#[test]
fn udp_floods_go_to_every_port_of_theirs_and_no_flow_comes_twice() {
    for (shape, ports) in [(Shape::UdpFlood, 20), (Shape::QuicFlood, 1)] {
        let recording = recording(shape, 5000);
        let mut flows = HashSet::new();
        let (mut seen, mut quic_sized) = (BTreeSet::new(), 0);
        for frame in frames(&recording) {
            let datagram = datagram(frame);
            assert!(flows.insert((datagram.from, datagram.to)));
            seen.insert(datagram.to.1);
            quic_sized += usize::from(datagram.payload.len() == 1200);
        }
        assert_eq!(seen.len(), ports, "{}", shape.name());
        assert!(seen.contains(&443));
        let expected = if shape == Shape::QuicFlood { 5000..=5000 } else { 2300..=2700 };
        assert!(expected.contains(&quic_sized), "{quic_sized} of {}", shape.name());
    }
}

#[test]
fn a_quic_flood_has_long_headers_of_several_versions() {
    let recording = recording(Shape::QuicFlood, 1000);
    let mut versions = BTreeMap::<u32, usize>::new();
    for frame in frames(&recording) {
        let payload = datagram(frame).payload;
        assert_eq!(payload[0] & 0xc0, 0xc0);
        *versions.entry(u32::from_be_bytes(payload[1..5].try_into().unwrap())).or_default() += 1;
    }
    assert_eq!(versions.keys().copied().collect::<Vec<_>>(), [1, 0x6b33_43cf, 0xff00_001d]);
    assert!(versions.values().all(|&count| count > 200));
}

#[test]
fn endless_heads_never_end_and_their_flows_give_way_to_others() {
    let parameters = Parameters { packets: 50_000, flows: 300, ..Parameters::of(Shape::EndlessHeads) };
    let (recording, summary) = make(Shape::EndlessHeads, parameters);
    assert!(summary.flows > 1000, "{} flows", summary.flows);
    let mut said = BTreeMap::<_, (u32, Vec<u8>)>::new();
    for frame in frames(&recording) {
        let datagram = datagram(frame);
        let (sequence, flags) = datagram.tcp.unwrap();
        assert!(!flags.fin && !flags.rst);
        if matches!(datagram.from.1, 53 | 80) {
            assert!(flags.syn && datagram.payload.is_empty(), "a server only answers the SYN");
            continue;
        }
        let (next, bytes) = said.entry((datagram.from, datagram.to)).or_insert((sequence, Vec::new()));
        assert_eq!(sequence, *next);
        *next = next.wrapping_add(datagram.payload.len() as u32 + u32::from(flags.syn));
        bytes.extend_from_slice(datagram.payload);
    }
    assert_eq!(said.len() as u64, summary.flows);
    let mut messages = [0; 2];
    for ((_, to), (_, bytes)) in said {
        if bytes.is_empty() {
            continue;
        }
        if to.1 == 80 {
            assert!(bytes.starts_with(b"GET /") && bytes.ends_with(b"\r\n"));
            assert!(!bytes.windows(4).any(|four| four == b"\r\n\r\n"));
        } else {
            assert_eq!(bytes[..2], [0xff, 0xff]);
            assert!(bytes.len() < 2 + 0xffff);
        }
        messages[usize::from(to.1 == 80)] += 1;
    }
    assert!(messages[0] > 300 && messages[1] > 400, "{messages:?}");
}

#[test]
fn endless_fragments_never_become_whole() {
    let recording = recording(Shape::EndlessFragments, 20_000);
    let mut datagrams = HashSet::new();
    let (mut first, mut last, mut v6) = (0, 0, 0);
    for frame in frames(&recording) {
        let packet = &frame[14..];
        let (key, field) = if packet[0] >> 4 == 4 {
            assert!(SlicedPacket::from_ethernet(frame).unwrap().is_ip_payload_fragmented());
            let field = u16::from_be_bytes([packet[6], packet[7]]);
            ((packet[12..20].to_vec(), packet[4..6].to_vec()), (field << 3, field & 0x2000 != 0))
        } else {
            v6 += 1;
            assert_eq!(packet[6], 44);
            let field = u16::from_be_bytes([packet[42], packet[43]]);
            ((packet[8..40].to_vec(), packet[44..48].to_vec()), (field & !7, field & 1 != 0))
        };
        assert!(datagrams.insert(key), "a second fragment of a datagram");
        let (offset, more) = field;
        if offset == 0 {
            assert!(more);
            first += 1;
        } else {
            assert!(offset >= 2800, "it could follow a first fragment");
            last += usize::from(!more);
        }
    }
    assert!((2000..2800).contains(&first), "{first} first fragments");
    assert!((3000..4200).contains(&last), "{last} last fragments");
    assert!((5500..6500).contains(&v6), "{v6} of IPv6");
}

#[test]
fn deep_stacks_are_as_deep_as_they_say() {
    let recording = recording(Shape::DeepStacks, 7);
    let depth = |number: usize| {
        let frame = recording.frame(number);
        let word = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        match word(12) {
            tag @ (0x8100 | 0x88a8) => (0..).take_while(|n| word(12 + 4 * n) == tag).count(),
            0x8847 => 1 + (0..).take_while(|n| frame[16 + 4 * n] & 1 == 0).count(),
            0x0800 => (0..).take_while(|n| frame[14 + 24 * n + 9] == 47).count(),
            _ if frame[20] == 47 => (0..).take_while(|n| frame.get(14 + 44 * n + 6) == Some(&47)).count(),
            _ => 1 + (0..).take_while(|n| frame[54 + 8 * n] == 60).count(),
        }
    };
    assert_eq!((0..5).map(depth).collect::<Vec<_>>(), [64, 64, 64, 60, 32]);
    assert_eq!(depth(5), 2, "labels before the first of many GRE headers");
    assert!(recording.frame(5).len() > 1450);
    assert_eq!(depth(6), 64);
}

/// The client of a flow of the background.
fn client(datagram: &Datagram<'_>) -> Option<(IpAddr, u16)> {
    let inside = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 172 && v4.octets()[1] & 0xf0 == 16);
    [datagram.from, datagram.to].into_iter().find(|(address, _)| inside(*address))
}

#[test]
fn the_background_has_its_share_and_is_told_apart_by_its_addresses() {
    for (shape, background) in [(Shape::Flood, 10), (Shape::UdpFlood, 50), (Shape::EndlessHeads, 90)] {
        let parameters =
            Parameters { packets: 20_000, background, background_flows: 100, ..Parameters::of(shape) };
        let (recording, summary) = make(shape, parameters);
        let mut flows = BTreeMap::<_, u64>::new();
        for client in frames(&recording).filter_map(|frame| client(&datagram(frame))) {
            *flows.entry(client).or_default() += 1;
        }
        let told = summary.background.unwrap();
        assert_eq!(told.packets, flows.values().sum::<u64>());
        assert_eq!((told.flows, flows.len()), (100, 100));
        assert_eq!(Some(&told.least), flows.values().min());
        assert_eq!(Some(&told.most), flows.values().max());
        let share = told.packets * 100 / 20_000;
        assert!(share.abs_diff(background) <= 1, "{share} of 100 with {}", shape.name());
    }
}

#[test]
fn without_a_background_its_addresses_are_not_used() {
    for shape in [Shape::Flood, Shape::UdpFlood, Shape::QuicFlood, Shape::EndlessHeads] {
        let (recording, summary) = make(shape, Parameters { packets: 5000, ..Parameters::of(shape) });
        assert_eq!(summary.background, None);
        assert!(frames(&recording).all(|frame| client(&datagram(frame)).is_none()), "{}", shape.name());
    }
}

#[test]
fn background_flows_are_conversations() {
    let parameters = Parameters {
        packets: 20_000,
        background: 100,
        background_flows: 100,
        ..Parameters::of(Shape::Flood)
    };
    let (recording, _) = make(Shape::Flood, parameters);
    let mut next = BTreeMap::new();
    let mut said = BTreeMap::<_, Vec<u8>>::new();
    let mut udp = BTreeSet::new();
    for frame in frames(&recording) {
        let datagram = datagram(frame);
        let Some((sequence, flags)) = datagram.tcp else {
            udp.insert(client(&datagram));
            continue;
        };
        assert!(!flags.fin && !flags.rst);
        let direction = (datagram.from, datagram.to);
        assert_eq!(*next.entry(direction).or_insert(sequence), sequence);
        assert_eq!(
            flags.syn,
            !said.contains_key(&direction),
            "a SYN is the first segment of either side, and only that"
        );
        said.entry(direction).or_default().extend_from_slice(datagram.payload);
        next.insert(direction, sequence.wrapping_add(datagram.payload.len() as u32 + u32::from(flags.syn)));
    }
    assert_eq!((udp.len(), said.len()), (25, 150));
    for ((_, to), bytes) in said {
        let opening: &[u8] = if to.1 == 80 { b"GET /live HTTP/1.1\r\n" } else { b"HTTP/1.1 200 OK\r\n" };
        assert!(bytes.starts_with(opening) && bytes.windows(4).any(|four| four == b"\r\n\r\n"));
    }
}

#[test]
fn live_flows_in_a_flood_are_counted_even_when_they_gave_way_to_others() {
    let parameters = Parameters {
        packets: 20_000,
        flows: 50,
        new_flows: 5_000,
        rate: 1_000_000,
        ..Parameters::of(Shape::LiveInFlood)
    };
    let (recording, summary) = make(Shape::LiveInFlood, parameters);
    let mut flows = BTreeMap::<_, u64>::new();
    for client in frames(&recording).filter_map(|frame| client(&datagram(frame))) {
        *flows.entry(client).or_default() += 1;
    }
    let told = summary.background.unwrap();
    assert!(told.flows > 120, "{told}");
    assert_eq!((told.flows, told.packets), (flows.len() as u64, flows.values().sum()));
    assert_eq!((Some(&told.least), Some(&told.most)), (flows.values().min(), flows.values().max()));
}
