//! What the tests of the layers share, and what holds for any bytes.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use weir_flow::{Frame, Timestamp};

use super::*;

/// Destination and source MAC addresses.
pub(super) const MACS: &[u8] = &[0x02, 0, 0, 0, 0, 0xbb, 0x02, 0, 0, 0, 0, 0xaa];

/// 10.0.0.1:4096 → 10.0.0.2:53, 4 bytes of payload.
pub(super) const IPV4_UDP: &[u8] = &[
    0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, //
    0x10, 0, 0, 53, 0, 12, 0, 0, b'a', b'b', b'c', b'd',
];

/// 10.0.0.1:4096 → 10.0.0.2:80, PSH and ACK, 2 bytes of payload.
pub(super) const IPV4_TCP: &[u8] = &[
    0x45, 0, 0, 42, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, //
    0x10, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0, b'h', b'i',
];

/// 2001:db8::1 → 2001:db8::2 without what follows the header; payload length and next header are to be set.
pub(super) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next_header, 61];
    datagram.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    datagram.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    datagram.extend(payload);
    datagram
}

/// The UDP datagram of [`IPV4_UDP`].
pub(super) const UDP: &[u8] = IPV4_UDP.split_at(20).1;

/// An Ethernet frame.
pub(super) fn ethernet(ether_type: u16, payload: &[&[u8]]) -> Vec<u8> {
    [MACS, &ether_type.to_be_bytes(), &payload.concat()].concat()
}

/// The packet of an Ethernet frame.
pub(super) fn parsed(frame: &[u8]) -> Result<(Packet, Option<Fragment>), Skipped> {
    parsed_as(LinkType::ETHERNET, frame)
}

/// The packet of a frame of this link type.
pub(super) fn parsed_as(link_type: LinkType, bytes: &[u8]) -> Result<(Packet, Option<Fragment>), Skipped> {
    let mut packet = stale();
    parse(&captured_as(link_type, bytes), &mut packet).map(|fragment| (packet, fragment))
}

fn captured_as(link_type: LinkType, bytes: &[u8]) -> CapturedFrame {
    let bytes: &'static [u8] = bytes.to_vec().leak();
    CapturedFrame {
        frame: Frame::of_static(bytes),
        time: Timestamp::new(7, 0),
        wire_len: bytes.len() as u32,
        link_type,
    }
}

/// The packet of an Ethernet frame in which every tunnel is opened.
pub(super) fn opened(frame: &[u8]) -> Result<(Packet, Parsed), Skipped> {
    opened_as(LinkType::ETHERNET, frame, TunnelSet::ALL)
}

fn opened_as(link_type: LinkType, bytes: &[u8], kinds: TunnelSet) -> Result<(Packet, Parsed), Skipped> {
    let mut packet = stale();
    parse_opening(&captured_as(link_type, bytes), kinds, &mut packet).map(|parsed| (packet, parsed))
}

/// An IPv4 datagram of `protocol` from 192.0.2.1 to 192.0.2.2.
pub(super) fn ipv4(protocol: u8, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let header = [0x45, 0, high, low, 0x12, 0x34, 0x40, 0, 63, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    [&header[..], &payload].concat()
}

/// An Ethernet frame with a UDP datagram from 192.0.2.1 to 192.0.2.2, from port 50000 to `port`.
pub(super) fn datagram_to(port: u16, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let [high, low] = (8 + payload.len() as u16).to_be_bytes();
    let ports = [50_000u16.to_be_bytes(), port.to_be_bytes()].concat();
    ethernet(0x0800, &[&ipv4(17, &[&ports, &[high, low, 0, 0], &payload])])
}

/// A frame as it travels inside a tunnel.
pub(super) fn inner_frame() -> Vec<u8> {
    [&[9; 12][..], &[0x81, 0, 0, 7, 0x08, 0], IPV4_UDP].concat()
}

/// The packet is that of [`IPV4_UDP`] or the same over IPv6, out of a tunnel of this kind whose IP header starts behind Ethernet.
pub(super) fn assert_inside(frame: &[u8], kind: TunnelKind) {
    let (packet, parsed) = opened(frame).unwrap();
    assert_eq!(parsed.closed, None);
    assert_eq!((packet.tunnel, packet.outer_offset), (Some(kind), 14));
    assert_eq!((packet.oriented().destination_port, packet.payload()), (53, &b"abcd"[..]));
    let others = TunnelKind::ALL.iter().filter(|&&other| other != kind);
    let others = others.fold(TunnelSet::NONE, |set, &kind| set.with(kind));
    let (packet, parsed) = opened_as(LinkType::ETHERNET, frame, others).unwrap();
    assert_eq!((packet.tunnel, parsed.closed, packet.transport_offset >= 34), (None, None, true));
    assert_ne!(packet.oriented().destination_port, 53);
}

/// The packet is that of the outer header, and `closed` says why.
pub(super) fn assert_outside(frame: &[u8], closed: Option<Skipped>) {
    let (packet, parsed) = opened(frame).unwrap();
    assert_eq!((packet.tunnel, parsed.closed), (None, closed));
    let outermost = opened_as(LinkType::ETHERNET, frame, TunnelSet::NONE).unwrap().0;
    assert_eq!((packet.key, packet.payload()), (outermost.key, outermost.payload()));
}

/// A packet with something in every field.
fn stale() -> Packet {
    Packet {
        tcp_sequence: 1,
        tcp_acknowledgement: 1,
        mpls_offset: 1,
        outer_offset: 1,
        tunnel: Some(TunnelKind::Teredo),
        tcp_flags: 1,
        source_mac: [1; 6],
        destination_mac: [1; 6],
        ip_flags: 1,
        later_fragment: true,
        ..Packet::default()
    }
}

#[test]
fn a_packet_carries_nothing_of_the_one_before() {
    let packet = parsed_as(LinkType::RAW, IPV4_UDP).unwrap().0;
    assert_eq!((packet.tcp_sequence, packet.tcp_acknowledgement, packet.tcp_flags), (0, 0, 0));
    assert_eq!((packet.mpls_offset, packet.source_mac, packet.destination_mac), (0, [0; 6], [0; 6]));
    assert_eq!((packet.later_fragment, packet.tunnel, packet.outer_offset), (false, None, 0));
    assert_eq!((packet.time, packet.wire_len, packet.ip_len), (Timestamp::new(7, 0), 32, 32));
}

#[test]
fn a_packet_is_left_alone_by_a_frame_that_is_none() {
    let captured = CapturedFrame {
        frame: Frame::of_static(&[]),
        time: Timestamp::ZERO,
        wire_len: 0,
        link_type: LinkType::ETHERNET,
    };
    let mut packet = stale();
    assert_eq!(parse(&captured, &mut packet), Err(Skipped::TruncatedEthernet));
    assert_eq!(packet.mpls_offset, 1);
}

#[test]
fn ethernet_padding_is_not_payload() {
    let packet = parsed(&ethernet(0x0800, &[IPV4_UDP, &[0; 14]])).unwrap().0;
    assert_eq!((packet.payload(), packet.payload_wire_len), (&b"abcd"[..], 4));
}

#[test]
fn a_payload_cut_off_by_the_capture_keeps_its_length_on_the_wire() {
    let frame = ethernet(0x0800, &[IPV4_UDP]);
    let packet = parsed(&frame[..frame.len() - 3]).unwrap().0;
    assert_eq!((packet.payload(), packet.payload_wire_len), (&b"a"[..], 4));
    assert_eq!(parsed(&frame[..14 + 20 + 7]).unwrap_err(), Skipped::TruncatedUdp);
    assert_eq!(parsed(&frame[..14 + 19]).unwrap_err(), Skipped::TruncatedIpv4);
}

#[test]
fn headers_of_more_than_64_kib_are_malformed() {
    let tags = [0, 1, 0x81, 0].repeat(16_384);
    let mut frame = ethernet(0x8100, &[&tags]);
    frame.extend(IPV4_UDP);
    assert_eq!(parsed(&frame).unwrap_err(), Skipped::MalformedNesting);
    let mut stack = ethernet(0x8847, &[&[0; 4].repeat(16_384), &[0, 0, 1, 64]]);
    stack.extend(IPV4_UDP);
    assert_eq!(parsed(&stack).unwrap_err(), Skipped::MalformedNesting);
}

#[test]
fn a_frame_of_more_than_64_kib_keeps_its_length() {
    let mut frame = ethernet(0x0800, &[IPV4_TCP, &[0; 100_000]]);
    frame[14 + 2..14 + 4].copy_from_slice(&[0, 0]);
    let packet = parsed(&frame).unwrap().0;
    assert_eq!((packet.wire_len, packet.payload_len, packet.ip_len), (100_056, 100_002, 0));
}

/// A frame of every layer.
fn samples() -> Vec<(LinkType, Vec<u8>)> {
    let gre = |inner_type: [u8; 2], inner: &[u8]| {
        let mut outer = IPV4_UDP[..20].to_vec();
        outer[3] = (20 + 4 + inner.len()) as u8;
        outer[9] = protocol::GRE;
        [&outer[..], &[0, 0], &inner_type, inner].concat()
    };
    let pppoe = [&[0x11, 0, 0, 1, 0, 34, 0, 0x21], IPV4_UDP].concat();
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    let mut segment = [&IPV4_TCP[..40], &options].concat();
    (segment[3], segment[32]) = (56, 0x90);
    let extensions =
        [&[43u8, 0, 0, 0, 0, 0, 0, 0][..], &[44, 0, 0, 0, 0, 0, 0, 0], &[51, 0, 0, 1, 0, 0, 0, 9]].concat();
    let extensions = [&extensions[..], &[17, 4], &[0; 22], UDP].concat();
    vec![
        (LinkType::ETHERNET, ethernet(0x0800, &[IPV4_UDP])),
        (LinkType::ETHERNET, ethernet(0x0800, &[IPV4_TCP])),
        (LinkType::ETHERNET, ethernet(0x0800, &[&segment])),
        (LinkType::ETHERNET, ethernet(0x86dd, &[&ipv6(17, UDP)])),
        (LinkType::ETHERNET, ethernet(0x86dd, &[&ipv6(0, &extensions)])),
        (LinkType::ETHERNET, ethernet(0x8100, &[&[0, 5, 0x08, 0], IPV4_UDP])),
        (LinkType::ETHERNET, ethernet(0x8847, &[&[0, 1, 1, 64], IPV4_UDP])),
        (LinkType::ETHERNET, ethernet(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0], &ethernet(0x0800, &[IPV4_UDP])])),
        (LinkType::ETHERNET, ethernet(0x8864, &[&pppoe])),
        (LinkType::ETHERNET, ethernet(0x22f3, &[&[0, 0, 0, 1, 0, 2], &ethernet(0x0800, &[IPV4_UDP])])),
        (LinkType::ETHERNET, ethernet(0x0800, &[&gre([0x08, 0], &gre([0x88, 0x64], &pppoe))])),
        (LinkType::RAW, IPV4_UDP.to_vec()),
        (LinkType::LINUX_SLL, [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], IPV4_UDP].concat()),
        (LinkType::NULL, [&[2, 0, 0, 0], IPV4_UDP].concat()),
        (LinkType::PPP, [&[0xff, 3, 0, 0x21], IPV4_UDP].concat()),
        (LinkType::ETHERNET, datagram_to(vxlan::PORT, &[&[8, 0, 0, 0, 0, 0, 7, 0], &inner_frame()])),
        (LinkType::RAW, ipv4(4, &[&ipv4(41, &[&ipv6(4, &ipv4(4, &[IPV4_TCP]))])])),
        (
            LinkType::ETHERNET,
            ethernet(0x86dd, &[&ipv6(protocol::GRE, &[&[0, 0, 8, 0], &segment[..]].concat())]),
        ),
    ]
}

#[test]
fn the_sample_of_every_layer_is_a_packet() {
    for (link_type, frame) in samples() {
        let packet = opened_as(link_type, &frame, TunnelSet::ALL).unwrap().0;
        assert!(matches!(packet.oriented().destination_port, 53 | 80), "{link_type:?} {frame:02x?}");
    }
}

#[test]
fn every_sample_cut_anywhere_is_a_packet_or_truncated() {
    for (link_type, frame) in samples() {
        for len in 0..frame.len() {
            check(link_type, &frame[..len]);
            // The first byte of PPP's framing alone looks like a compressed protocol.
            if link_type == LinkType::PPP && len == 1 {
                continue;
            }
            let outcome = parsed_as(link_type, &frame[..len]).map(|_| ());
            let opened = opened_as(link_type, &frame[..len], TunnelSet::ALL).map(|(_, parsed)| parsed.closed);
            for reason in [outcome.err(), opened.err(), opened.ok().flatten()].into_iter().flatten() {
                assert_eq!(reason.kind(), Kind::Truncated, "{len} bytes of {frame:02x?}");
            }
        }
    }
}

#[test]
fn opening_tunnels_changes_nothing_where_there_are_none() {
    for (link_type, frame) in samples() {
        let (packet, fragment) = parsed_as(link_type, &frame).unwrap();
        let (other, parsed) = opened_as(link_type, &frame, TunnelSet::ALL).unwrap();
        if other.tunnel.is_none() {
            assert_eq!(
                (packet.key, packet.payload(), fragment),
                (other.key, other.payload(), parsed.fragment)
            );
        }
    }
}

#[test]
fn no_packet_is_lost_by_opening_tunnels() {
    for (link_type, frame) in samples() {
        for len in 0..frame.len() {
            let outer = opened_as(link_type, &frame[..len], TunnelSet::NONE).map(|_| ());
            let inner = opened_as(link_type, &frame[..len], TunnelSet::ALL).map(|_| ());
            assert_eq!(outer, inner, "{len} bytes of {frame:02x?}");
        }
    }
}

/// Parses without panic into a packet whose ranges lie within the captured bytes.
fn check(link_type: LinkType, bytes: &[u8]) {
    let opened = |kinds| opened_as(link_type, bytes, kinds).map(|(packet, _)| packet);
    let packets = [
        parsed_as(link_type, bytes).map(|(packet, _)| packet),
        opened(TunnelSet::ALL),
        opened(TunnelSet::NONE),
    ];
    assert_eq!(packets[1].is_ok(), packets[2].is_ok(), "lost by opening");
    for packet in packets.into_iter().flatten() {
        assert!(packet.tunnel.is_none() || packet.outer_offset < packet.transport_offset);
        let payload_end = packet.payload_offset as usize + packet.payload_len as usize;
        assert!(payload_end <= bytes.len());
        assert_eq!(packet.payload().len(), packet.payload_len as usize);
        assert!(packet.payload_len <= packet.payload_wire_len);
        assert!(packet.transport_offset <= packet.payload_offset);
        assert!(packet.mpls_offset == 0 || packet.mpls_top().is_some());
        assert!(packet.tcp_options().count() <= 40);
    }
}

fn link_types() -> impl Strategy<Value = LinkType> {
    prop::sample::select(LINK_TYPES.iter().map(|&(link_type, _)| link_type).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_bytes_are_a_packet_or_skipped(
        link_type in link_types(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        check(link_type, &bytes);
    }

    #[test]
    fn a_damaged_frame_is_a_packet_or_skipped(
        sample in 0..samples().len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let (link_type, mut bytes) = samples().swap_remove(sample);
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(link_type, &bytes);
    }

    #[test]
    fn another_library_s_frames_are_read_as_it_wrote_them(
        source in any::<[u8; 16]>(),
        destination in any::<[u8; 16]>(),
        ports in any::<(u16, u16)>(),
        payload in prop::collection::vec(any::<u8>(), 0..60),
        is_ipv6 in any::<bool>(),
        vlan in prop::option::of(0u16..4096),
    ) {
        use etherparse::{PacketBuilder, VlanId};
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]);
        let narrow = |address: [u8; 16]| [address[0], address[1], address[2], address[3]];
        let mut frame = Vec::new();
        macro_rules! finish {
            ($link:expr) => {
                if is_ipv6 {
                    $link.ipv6(source, destination, 9).tcp(ports.0, ports.1, 77, 1000).write(&mut frame, &payload)
                } else {
                    $link.ipv4(narrow(source), narrow(destination), 9).udp(ports.0, ports.1).write(&mut frame, &payload)
                }
            };
        }
        match vlan {
            Some(id) => finish!(builder.single_vlan(VlanId::try_new(id).unwrap())).unwrap(),
            None => finish!(builder).unwrap(),
        }
        let datagram = &frame[if vlan.is_some() { 18 } else { 14 }..];
        let number = if is_ipv6 { protocol::IPV6 } else { protocol::IPV4 };
        let tunnels = [
            ethernet(0x0800, &[&ipv4(number, &[datagram])]),
            datagram_to(vxlan::PORT, &[&[8, 0, 0, 0, 0, 0, 7, 0], &frame]),
            datagram_to(gtp::PORT, &[&[0x30, 255, 0, 0, 0, 0, 0, 7], datagram]),
        ];
        let packet = parsed(&frame).unwrap().0;
        for tunnel in tunnels {
            let inside = opened(&tunnel).unwrap().0;
            prop_assert_eq!(inside.payload(), packet.payload());
            prop_assert_eq!(inside.key.address(inside.sender), packet.key.address(packet.sender));
            prop_assert_eq!(inside.oriented().destination_port, packet.oriented().destination_port);
        }
        let oriented = packet.oriented();
        prop_assert_eq!((oriented.source_port, oriented.destination_port), ports);
        prop_assert_eq!(oriented.vlan_id, vlan.unwrap_or(0));
        prop_assert_eq!(packet.payload(), &payload[..]);
        prop_assert_eq!((packet.ttl, packet.source_mac, packet.destination_mac), (9, [1; 6], [2; 6]));
        let address = packet.key.address(packet.sender);
        if is_ipv6 {
            prop_assert_eq!(address, std::net::IpAddr::from(source));
            prop_assert_eq!(packet.tcp_sequence, 77);
        } else {
            prop_assert_eq!(address, std::net::IpAddr::from(narrow(source)));
        }
    }
}
